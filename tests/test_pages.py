"""The pages of the course, in two languages, and the site that is built from docs/."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tinygrad_edu.course import NAMES, load

DOCS = Path(__file__).resolve().parents[1] / "docs"
COURSE = DOCS / "course"
IMAGE = re.compile(r"^!\[[^\]]+\]\(([^)]+)\)$", re.MULTILINE)


class Page(HTMLParser):
    """What a page is made of: its language, and the files that a browser fetches for it."""

    def __init__(self, text):
        super().__init__()
        self.language = ""
        self.fetched = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "html":
            self.language = values.get("lang")
        if tag in ("img", "script", "link") and values.get("rel") != "canonical":
            self.fetched += [values[name] for name in ("src", "href") if values.get(name)]


def test_the_index_has_a_line_for_each_experiment():
    page = (COURSE / "index.md").read_text("utf-8")
    experiments = [load(name) for name in NAMES]
    assert [line for line in page.splitlines() if "](" in line] == [
        f"| {each.number} | [{each.name}]({each.name}.md) | [日本語](ja/{each.name}.md) "
        f"| {each.title} |"
        for each in experiments
    ]


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_have_the_same_sections_code_and_figures(name):
    english, japanese = (
        (folder / f"{name}.md").read_text("utf-8") for folder in (COURSE, COURSE / "ja")
    )

    def shape(text):
        sections = re.split(r"^## ", text, flags=re.MULTILINE)
        return [(part.count("```"), part.count("\n- ")) for part in sections]

    def code(text):
        """Programs, without what their comments say."""
        blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        return [ast.dump(ast.parse(block)) for block in blocks]

    assert shape(english) == shape(japanese)
    assert code(english) == code(japanese)
    assert [f"../{image}" for image in IMAGE.findall(english)] == IMAGE.findall(japanese)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_shows_every_figure_of_its_experiment(name):
    shown = IMAGE.findall((COURSE / f"{name}.md").read_text("utf-8"))
    there = sorted(path.name for path in (COURSE / "figures" / name).iterdir())
    assert there
    assert sorted(shown) == [f"figures/{name}/{file}" for file in there]


@pytest.fixture(name="site", scope="module")
def built(tmp_path_factory):
    """The site, built with warnings as errors."""
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    subprocess.run(command, cwd=DOCS.parent, check=True, timeout=120)
    return site


def test_the_site_has_every_page_of_docs_in_its_language(site):
    pages = [path.relative_to(DOCS).with_suffix(".html") for path in DOCS.rglob("*.md")]
    for page in pages:
        if page.name == "pytorch_text.html":  # a part of pytorch.md
            continue
        language = "ja" if page.parent.name == "ja" else "en"
        assert Page((site / page).read_text("utf-8")).language == language, page


def test_a_page_of_the_site_fetches_nothing_from_elsewhere(site):
    for path in site.rglob("*.html"):
        for target in Page(path.read_text("utf-8")).fetched:
            assert "//" not in target, (path, target)
            if path.name != "404.html":  # its paths begin at the root of a server
                assert (path.parent / target.split("?")[0]).exists(), (path, target)
