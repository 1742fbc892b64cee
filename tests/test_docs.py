"""README and docs/ tell the truth: their code runs, their links lead somewhere, the reference is up
to date.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

import tinygrad_edu as tg
from tinygrad_edu.autograd.graph import Operation

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page, language):
    text = page.read_text(encoding="utf-8")
    return [
        (text[: match.start()].count("\n") + 2, match[2])
        for match in FENCE.finditer(text)
        if match[1] == language
    ]


@pytest.fixture(name="docs")
def importable(monkeypatch):
    """The programs that write the pages can be imported."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))


def reference():
    return importlib.import_module("make_reference")


def from_pytorch():
    return importlib.import_module("make_pytorch")


def test_the_pages_with_code_are_found():
    assert {page.name for page in PAGES if blocks(page, "python")} >= {
        "README.md",
        "index.md",
        "engine.md",
    }


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_the_python_blocks_of_a_page_run_in_order(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "page"}
    for line, code in blocks(page, "python"):
        # Empty lines in front, so that an error names the line of the page.
        exec(compile("\n" * (line - 1) + code, str(page), "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_fence_names_its_language(page):
    text = page.read_text(encoding="utf-8")
    fences = re.findall(r"^```(\w*)$", text, re.MULTILINE)
    assert all(language for language in fences[::2])
    assert not any(language for language in fences[1::2])


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_to_files_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_make_targets_that_readme_names_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set()
    for page in PAGES:
        named |= set(re.findall(r"`?make ([a-z]+)\b(?= |`|$)", page.read_text(encoding="utf-8")))
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert {"demo", "test"} <= named & targets
    commands = {
        line.split()[1]
        for page in PAGES
        for _, block in blocks(page, "console")
        for line in block.splitlines()
        if line.startswith("make ")
    }
    assert commands <= targets


@pytest.mark.usefixtures("docs")
def test_the_reference_is_up_to_date():
    make_reference = reference()
    text = make_reference.PAGE.read_text(encoding="utf-8")
    assert text == make_reference.page(), "run `make docs`"


@pytest.mark.usefixtures("docs")
def test_the_page_for_users_of_pytorch_is_up_to_date():
    make_pytorch = from_pytorch()
    text = make_pytorch.PAGE.read_text(encoding="utf-8")
    assert text == make_pytorch.page(), "run `make docs`"


@pytest.mark.usefixtures("docs")
def test_every_reason_for_absence_is_needed():
    make_pytorch = from_pytorch()
    reasons = {why for groups in make_pytorch.missing().values() for why in groups}
    assert make_pytorch.ABSENT.keys() <= reasons
    unused = [pattern for pattern in make_pytorch.patterns() if not make_pytorch.matches(pattern)]
    assert unused == []


@pytest.mark.torch
@pytest.mark.usefixtures("docs")
def test_the_recorded_names_are_those_of_pytorch():
    import torch

    if not torch.__version__.startswith("2.13."):
        pytest.skip("the names are those of PyTorch 2.13")
    make_pytorch = from_pytorch()
    assert make_pytorch.recorded() == make_pytorch.NAMES.read_text(encoding="utf-8")


@pytest.mark.usefixtures("docs")
def test_every_public_function_and_method_is_in_the_reference():
    make_reference = reference()
    rows = re.findall(r"^\| `([^`]+)` \| (.+?) \|", make_reference.page(), re.MULTILINE)
    assert {name for name in tg.__all__ if callable(getattr(tg, name))} <= {
        name for name, _ in rows
    }
    assert [name for name, purpose in rows if len(purpose) < 5] == []


# Operations of layers without a function: nn.LSTM and its kin, packed sequences.
OF_LAYERS = {"tinygrad_edu.ops.recurrent", "tinygrad_edu.ops.packed_sequences"}


@pytest.mark.usefixtures("docs")
def test_operations_are_reached_by_names_of_the_reference():
    # An operation belongs to a public function of its own module.
    make_reference = reference()
    modules = {
        getattr(member, "__module__", "")
        for room in make_reference.ROOMS
        for member in make_reference.entries(room).values()
    }
    stack, operations = [Operation], []
    while stack:
        cls = stack.pop()
        stack += cls.__subclasses__()
        if cls.__module__.startswith("tinygrad_edu.ops") and hasattr(cls, "forward"):
            operations.append(cls)
    assert len(operations) > 100
    assert {cls.__module__ for cls in operations} <= modules | OF_LAYERS
