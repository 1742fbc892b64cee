"""The pages of the course, in two languages, and the site that is built from docs/."""

from __future__ import annotations

import ast
import importlib
import itertools
import re
import subprocess
import sys
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest

from tinygrad_edu.course import NAMES, load

DOCS = Path(__file__).resolve().parents[1] / "docs"
COURSE = DOCS / "course"
IMAGE = re.compile(r"^!\[[^\]]+\]\(([^)]+)\)$", re.MULTILINE)
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(
    r"((?:(?<!\w)[-−])?\d[\d,]*(?:\.\d+)?)(e[+-]?\d+|[⁰¹²³⁴-⁹⁻]+)?( ?(?:million|billion|万|億))?"
)
POWERS = {"million": 6, "billion": 9, "万": 4, "億": 8}
RANGE = re.compile(r"(\d[\d.]*) – (\d[\d.]*\d)")
BROKEN = re.compile(r"[ぁ-んァ-ヶ一-龠、。]\n[ぁ-んァ-ヶ一-龠]")


class Page(HTMLParser):
    """What a page is made of: its language, links, images, code, and what a browser fetches."""

    def __init__(self, text):
        super().__init__()
        self.language = ""
        self.fetched, self.links, self.images, self.code, self.prose = [], [], [], [], ""
        self.inside = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "html":
            self.language = values.get("lang")
        elif tag == "a":
            self.links.append(values.get("href"))
        elif tag == "pre":
            self.code.append("")
        elif tag == "img":
            self.images.append((values["src"], self.links[-1] if "a" in self.inside else None))
        if tag in ("a", "pre"):
            self.inside.append(tag)
        if tag in ("img", "script", "link") and values.get("rel") != "canonical":
            self.fetched += [values[name] for name in ("src", "href") if values.get(name)]

    def handle_endtag(self, tag):
        if tag in ("a", "pre"):
            self.inside.remove(tag)
        elif tag not in ("code", "em", "strong"):
            self.prose += "\f"  # here a paragraph may end

    def handle_data(self, data):
        if "pre" in self.inside:
            self.code[-1] += data
        else:
            self.prose += data


def test_the_index_has_a_line_for_each_experiment():
    page = (COURSE / "index.md").read_text("utf-8")
    experiments = [load(name) for name in NAMES]
    assert [line for line in page.splitlines() if "](" in line] == [
        f"| {each.number} | [{each.name}]({each.name}.md) | [日本語](ja/{each.name}.md) "
        f"| {each.title} |"
        for each in experiments
    ]


def test_the_japanese_index_has_the_title_of_each_page():
    def title(name):
        return (COURSE / "ja" / f"{name}.md").read_text("utf-8").splitlines()[0]

    page = (COURSE / "ja" / "index.md").read_text("utf-8")
    assert [line for line in page.splitlines() if "](" in line] == [
        f"| {number} | [{name}]({name}.md) | [English](../{name}.md) "
        f"| {title(name).removeprefix(f'# {number}. ')} |"
        for number, name in enumerate(NAMES, 1)
    ]


def numbers(text):
    """The numbers of each row of a table, and of each line of a block of text."""
    blocks = [block for language, block in FENCE.findall(text) if language == "text"]
    tables = re.findall(r"^\|.*", FENCE.sub("", text), re.MULTILINE)
    rows = [*"".join(blocks).splitlines(), *tables]
    return [sorted(written(*number) for number in NUMBER.findall(row)) for row in rows]


def written(digits, power, unit):
    """A number as it is written: 7 億 is 0.7 billion."""
    if not unit:
        return digits + power
    return f"{Decimal(digits).scaleb(POWERS[unit.strip()]):.0f}"


@pytest.mark.parametrize("name", NAMES)
def test_tables_and_blocks_of_text_have_the_same_numbers_in_both_languages(name):
    english, japanese = (
        numbers((folder / f"{name}.md").read_text("utf-8")) for folder in (COURSE, COURSE / "ja")
    )
    assert english == japanese


@pytest.mark.parametrize("name", NAMES)
def test_ranges_that_a_page_expects_are_limits_of_a_check(name):
    program = DOCS.parent / "tinygrad_edu" / "course" / f"{name.replace('-', '_')}.py"
    limits = set()
    for node in ast.walk(ast.parse(program.read_text("utf-8"))):
        values = node.args if isinstance(node, ast.Call) else getattr(node, "elts", [])
        constants = [getattr(value, "value", None) for value in values]
        limits |= set(itertools.pairwise(constants))
    for folder in (COURSE, COURSE / "ja"):
        expected = (folder / f"{name}.md").read_text("utf-8").split("\n## ")[0]
        for low, high in RANGE.findall(expected):
            assert (float(low), float(high)) in limits, (folder, low, high)


def test_numbers_are_found_in_tables_and_in_blocks_of_text():
    text = "9\n```text\nx = 10⁻⁴ + 1e-4\n```\n| 0.90 – 0.91 | 0.4 million |\n| 40 万 | −1 |\n"
    assert numbers(text) == [["10⁻⁴", "1e-4"], ["0.90", "0.91", "400000"], ["400000", "−1"]]


@pytest.mark.parametrize("index", range(len(NAMES)), ids=NAMES)
def test_a_page_ends_with_links_to_the_next_and_the_one_before(index):
    def link(there):
        return rf"\[{there + 1}\. [^]]+\]\({NAMES[there]}\.md\)"

    there = [at for at in (index + 1, index - 1) if 0 <= at < len(NAMES)]
    words = {index + 1: ("Next: ", "次は "), index - 1: ("Before: ", "前は ")}
    english = "- " + " ".join(rf"{words[at][0]}{link(at)}\." for at in there)
    japanese = "- " + "、".join(f"{words[at][1]}{link(at)}" for at in there) + " です。"
    for pattern, folder in ((english, COURSE), (japanese, COURSE / "ja")):
        last = (folder / f"{NAMES[index]}.md").read_text("utf-8").splitlines()[-1]
        assert re.fullmatch(pattern, last), last


def test_japanese_pages_have_one_word_for_one_thing():
    # Not these, but 講義資料の誤り, 講義資料, プログラム, バッチ正規化.
    others = re.compile("正誤|(?<!講義)資料|コード|Batch Normalization")
    for path in (COURSE / "ja").glob("*.md"):
        assert others.findall(path.read_text("utf-8")) == [], path


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


def test_a_page_of_the_course_links_to_the_other_language(site):
    for name in ("index", *NAMES):
        english, japanese = (
            Page((site / "course" / folder / f"{name}.html").read_text("utf-8"))
            for folder in ("", "ja")
        )
        assert f"ja/{name}.html" in english.links
        assert f"../{name}.html" in japanese.links


def test_an_image_of_the_site_is_a_link_to_its_file(site):
    images = [
        image for path in site.rglob("*.html") for image in Page(path.read_text("utf-8")).images
    ]
    assert len(images) > 2 * len(NAMES)
    assert [source for source, target in images if source != target] == []


def test_the_code_of_a_page_is_not_rewritten_for_the_site(site):
    for path in (DOCS / "index.md", DOCS / "engine.md", *COURSE.rglob("*.md")):
        page = Page((site / path.relative_to(DOCS).with_suffix(".html")).read_text("utf-8"))
        assert page.code == [block for _, block in FENCE.findall(path.read_text("utf-8"))], path


def test_no_line_breaks_inside_a_japanese_sentence_of_the_site(site):
    for path in (site / "course" / "ja").glob("*.html"):
        assert BROKEN.findall(Page(path.read_text("utf-8")).prose) == [], path
    markdown = [path.read_text("utf-8") for path in (COURSE / "ja").glob("*.md")]
    assert any(BROKEN.search(text) for text in markdown)


@pytest.fixture(name="rewritten")
def rewriter(monkeypatch):
    """A text of docs/, as the site has it."""
    monkeypatch.syspath_prepend(str(DOCS))
    hooks = importlib.import_module("site_hooks")
    config = SimpleNamespace(docs_dir=str(DOCS))

    def rewrite(text, source="course/ja/page.md"):
        page = SimpleNamespace(file=SimpleNamespace(src_uri=source))
        return hooks.on_page_markdown(text, page=page, config=config)

    return rewrite


def test_links_out_of_docs_become_text_but_not_in_code(rewritten):
    text = "[a](../README.md) [b](engine.md#c) `[d](e.py)` [`f`](g.py)\n"
    fence = "```python\n[a](b.py)\n![c](d.png)\n```\n"
    assert rewritten(text + fence, "index.md") == f"a [b](engine.md#c) `[d](e.py)` `f`\n{fence}"


def test_japanese_lines_are_joined_but_not_in_code(rewritten):
    code = "```text\n重み\n勾配\n```\n"
    text = f"# 表題\n\n重みの\n勾配。\n`x` と\ny\n\n1. 一つ\n   目。\n2. 二つ目\n\n{code}"
    joined = f"重みの勾配。`x` と\ny\n\n1. 一つ目。\n2. 二つ目\n\n{code}"
    assert rewritten(text) == f"# 表題\n\n[English](../page.md)\n\n{joined}"
