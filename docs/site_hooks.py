"""What mkdocs.yml cannot say: the order of the pages, links that lead out of docs/, languages."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from tinygrad_edu.course import NAMES

COURSE, JAPANESE = "course/", "course/ja/"
FENCE = re.compile(r"^( *)(`{3,}|~{3,})[^\n]*\n.*?^\1\2 *$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]+`")
LINK = re.compile(CODE.pattern + r"|(?<!!)\[([^\]]+)\]\(([^)#\s]+)(#[^)\s]*)?\)")
IMAGE = re.compile(CODE.pattern + r"|(?<!\[)!\[([^\]]*)\]\(([^)\s]+)\)")
LETTERS = "\u3001-\u30ff\u3400-\u9fff\uff01-\uff60"  # kana, kanji, and the marks among them
AFTER_MARK = r"[A-Za-z`\[(]|\d+ "  # no `2. `, which begins an item
BREAK = re.compile(rf"(?<=[{LETTERS}])\n *(?=\[?[{LETTERS}])|(?<=[、。])\n *(?={AFTER_MARK})")


def on_config(config: Any) -> Any:
    """The experiments in their order, in both languages."""
    seeing = sorted(page.name for page in Path(config.docs_dir, "seeing").glob("*.md"))
    config.nav = [
        {"Start": "index.md"},
        {"The engine": "engine.md"},
        {"Seeing": [f"seeing/{name}" for name in seeing]},
        {"Course": [f"{COURSE}{name}.md" for name in ("index", *NAMES)]},
        {"実験": [f"{JAPANESE}{name}.md" for name in ("index", *NAMES)]},
        {"From PyTorch": "pytorch.md"},
        {"Reference": "reference.md"},
    ]
    return config


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """The page as a site needs it; the code in it stays as it is."""
    source = page.file.src_uri
    if source.startswith(COURSE):
        title, rest = markdown.split("\n", 1)
        markdown = f"{title}\n\n{other_language(source)}\n{rest}"
    folder = posixpath.dirname(source)
    parts, end = [], 0
    for fence in FENCE.finditer(markdown):
        parts += [prose(markdown[end : fence.start()], folder, config), fence[0]]
        end = fence.end()
    return "".join([*parts, prose(markdown[end:], folder, config)])


def other_language(source: str) -> str:
    """A link from a page of the course to the same page in the other language."""
    name = posixpath.basename(source)
    return f"[English](../{name})" if source.startswith(JAPANESE) else f"[日本語](ja/{name})"


def prose(text: str, folder: str, config: Any) -> str:
    """A link to a file that is no page of the site becomes its text, an image a link to its file.

    A browser shows a line break as a space, which has no place between two Japanese letters.
    """

    def kept(link: re.Match[str]) -> str:
        label, target = link[1], link[2]
        if target is None:
            return link[0]
        inside = posixpath.normpath(posixpath.join(folder, target))
        is_page = "://" in target or Path(config.docs_dir, inside).suffix in (".md", ".png", ".svg")
        return link[0] if is_page and not inside.startswith("..") else label

    def enlarged(image: re.Match[str]) -> str:
        return f"[{image[0]}]({image[2]})" if image[2] else image[0]

    text = IMAGE.sub(enlarged, LINK.sub(kept, text))
    return BREAK.sub("", text) if f"{folder}/" == JAPANESE else text


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Japanese pages say that they are Japanese."""
    if page.file.src_uri.startswith(JAPANESE):
        return output.replace('<html lang="en"', '<html lang="ja"', 1)
    return output
