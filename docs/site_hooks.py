"""What mkdocs.yml cannot say: the order of the pages, links that lead out of docs/, languages."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from tinygrad_edu.course import NAMES

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#\s]+)(#[^)\s]*)?\)")
JAPANESE = "course/ja/"


def on_config(config: Any) -> Any:
    """The experiments in their order, in both languages."""
    seeing = sorted(page.name for page in Path(config.docs_dir, "seeing").glob("*.md"))
    config.nav = [
        {"Start": "index.md"},
        {"The engine": "engine.md"},
        {"Seeing": [f"seeing/{name}" for name in seeing]},
        {"Course": ["course/index.md", *(f"course/{name}.md" for name in NAMES)]},
        {"実験": [f"{JAPANESE}{name}.md" for name in NAMES]},
        {"From PyTorch": "pytorch.md"},
        {"Reference": "reference.md"},
    ]
    return config


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """A link to a file that is no page of the site becomes its text."""
    folder = posixpath.dirname(page.file.src_uri)

    def kept(link: re.Match[str]) -> str:
        text, target = link[1], link[2]
        inside = posixpath.normpath(posixpath.join(folder, target))
        is_page = "://" in target or Path(config.docs_dir, inside).suffix in (".md", ".png", ".svg")
        return link[0] if is_page and not inside.startswith("..") else text

    return LINK.sub(kept, markdown)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Japanese pages say that they are Japanese."""
    if page.file.src_uri.startswith(JAPANESE):
        return output.replace('<html lang="en"', '<html lang="ja"', 1)
    return output
