"""The project: who imports whom, how long files are, what an import and a wheel bring."""

import ast
import io
import os
import subprocess
import sys
import tarfile
import tokenize
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from shutil import copyfile, copytree, ignore_patterns

import pytest

ROOT = Path(__file__).resolve().parents[1]
NAME = "tinygrad_edu"
PACKAGE = ROOT / NAME

# Imports flow downwards in this list; rooms on one line do not know each other. `<root>` is the
# package's own __init__, the exporter: who imports it gets everything above it.
ROOMS = (
    ("cuda", "device"),
    ("random", "settings"),
    ("autograd",),
    ("ops",),
    ("printing", "copies"),
    ("methods",),
    ("tensor",),
    ("functions", "linalg", "special"),
    ("nn", "optim"),
    ("serialization", "func", "compiling", "amp", "backends", "accelerator", "explaining"),
    ("utils",),
    ("datasets",),
    ("<root>",),
    ("training", "viz", "testing"),
    ("runs",),
    ("course", "demo"),
    ("cli",),
)
RANK = {room: rank for rank, rooms in enumerate(ROOMS) for room in rooms}


@dataclass(frozen=True)
class Import:
    """One import statement: who imports which module of the package, and where."""

    importer: str
    imported: str
    line: int
    deferred: bool  # inside a function: carried out at a call, not when the module is loaded

    def __str__(self) -> str:
        return f"{self.importer} (line {self.line}) imports {self.imported}"


def module_name(path: Path, top: Path) -> str:
    parts = path.relative_to(top).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else "<root>"


def is_type_checking(test: ast.expr) -> bool:
    return "TYPE_CHECKING" in {getattr(test, "id", None), getattr(test, "attr", None)}


def import_statements(
    node: ast.AST, deferred: bool = False
) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """The import statements that run below a node, each with whether a function defers it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and is_type_checking(child.test):
            for alternative in child.orelse:
                yield from import_statements(alternative, deferred)
        elif isinstance(child, ast.Import | ast.ImportFrom):
            yield child, deferred
        else:
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from import_statements(child, deferred or is_function)


def absolute(statement: ast.ImportFrom, importer: str, is_package: bool) -> str:
    """The module after `from`, with leading dots resolved."""
    if not statement.level:
        return statement.module or ""
    here = importer.split(".")
    base = here[: len(here) - statement.level + is_package]
    return ".".join([*base, *([statement.module] if statement.module else [])])


def imports_of(top: Path) -> tuple[set[str], list[Import]]:
    """All modules of the package in the folder `top`, and what they import of one another."""
    files = {module_name(path, top): path for path in sorted((top / NAME).rglob("*.py"))}
    found = []
    for importer, path in files.items():
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        for statement, deferred in import_statements(tree):
            if isinstance(statement, ast.Import):
                names = [alias.name for alias in statement.names]
            else:
                base = absolute(statement, importer, path.name == "__init__.py")
                inner = [f"{base}.{alias.name}" for alias in statement.names]
                # `from package import name` takes a submodule of that name where there is one.
                names = [name if name in files else base for name in inner]
            found += [
                Import(importer, name, statement.lineno, deferred)
                for name in dict.fromkeys(names)
                if name.split(".")[0] == NAME
            ]
    return set(files), found


def upward(imports: list[Import]) -> list[str]:
    """The imports that go against the order of the rooms."""
    return [
        str(entry)
        for entry in imports
        if room(entry.importer) not in ("<root>", room(entry.imported))
        and RANK[room(entry.importer)] <= RANK[room(entry.imported)]
    ]


def import_cycle(modules: set[str], imports: list[Import]) -> list[str]:
    """One cycle of imports that run when the modules load, or nothing."""
    graph: dict[str, set[str]] = {module: set() for module in modules}
    for entry in imports:
        if not entry.deferred:
            graph[entry.importer].add(entry.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def code_lines(source: str) -> set[int]:
    """The numbers of the lines that hold code: no blank line, no comment, no docstring."""
    layout = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in layout:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str):
            lines.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def binding_lines(source: str) -> set[int]:
    """The lines of a class body that bind a method to a function: `exp = elementwise.exp`."""
    return {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        and isinstance(statement.value, ast.Attribute | ast.Name)
        for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
    }


def python_files() -> list[Path]:
    folders = (PACKAGE, ROOT / "tests", ROOT / "benchmarks", ROOT / "examples", ROOT / "docs")
    return [path for folder in folders for path in sorted(folder.rglob("*.py"))]


@pytest.fixture(scope="module")
def package_imports() -> tuple[set[str], list[Import]]:
    return imports_of(ROOT)


def test_every_room_has_its_place_in_the_order(package_imports):
    modules, _ = package_imports
    assert {room(module) for module in modules} <= set(RANK)


def test_imports_flow_one_way(package_imports):
    _, imports = package_imports
    assert len(imports) > 100
    assert upward(imports) == []


def test_no_import_cycle(package_imports):
    assert import_cycle(*package_imports) == []


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        ("ops/sums.py", "from ..tensor import Tensor", "ops.sums (line 1) imports {}.tensor"),
        ("nn/linear.py", "from .. import optim", "nn.linear (line 1) imports {}.optim"),
        ("ops/sums.py", "import tinygrad_edu as tg", "ops.sums (line 1) imports {}"),
        ("ops/sums.py", "def f():\n    from .. import nn", "ops.sums (line 2) imports {}.nn"),
        (
            "viz/draw.py",
            "if True:\n    from ..course import run",
            "viz.draw (line 2) imports {}.course",
        ),
    ],
)
def test_an_upward_import_is_found(tmp_path, path, source, complaint):
    write_package(tmp_path, {path: source})
    _, imports = imports_of(tmp_path)
    assert upward(imports) == [f"{NAME}.{complaint.format(NAME)}"]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("ops/sums.py", "from ..autograd import graph\nfrom . import unary\nimport numpy"),
        ("ops/sums.py", "if TYPE_CHECKING:\n    from ..tensor import Tensor"),
        ("ops/sums.py", "if typing.TYPE_CHECKING:\n    import tinygrad_edu.nn"),
        ("course/run.py", "import tinygrad_edu as tg\nfrom ..viz import draw"),
        ("__init__.py", "def __getattr__(name):\n    from . import course"),
    ],
)
def test_a_downward_import_is_not_complained_of(tmp_path, path, source):
    write_package(tmp_path, {path: source})
    _, imports = imports_of(tmp_path)
    assert upward(imports) == []


def test_a_cycle_is_found_and_one_that_a_function_defers_is_none(tmp_path):
    cycle = {"nn/a.py": "from .b import x", "nn/b.py": "class B:\n    from . import a"}
    write_package(tmp_path / "cycle", cycle)
    found = import_cycle(*imports_of(tmp_path / "cycle"))
    assert set(found) == {f"{NAME}.nn.a", f"{NAME}.nn.b"}

    deferred = {"nn/a.py": "from .b import x", "nn/b.py": "def f():\n    from . import a"}
    write_package(tmp_path / "deferred", deferred)
    assert import_cycle(*imports_of(tmp_path / "deferred")) == []


def write_package(top: Path, sources: dict[str, str]) -> None:
    """A package of that name in the folder `top`, with all its rooms and the given files."""
    for rooms in ROOMS:
        for each in rooms:
            folder = top / NAME / each.replace("<root>", "")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "__init__.py").touch()
    for path, source in sources.items():
        (top / NAME / path).write_text(source, encoding="utf-8")


COUNTED = '''\
"""Doc.

More.
"""
x = 1  # why
# alone
def f():
    """Doc."""
    return """a

    b"""
'''

BINDINGS = """\
class T:
    exp = table.exp
    log: Function = (
        table.log
    )
    size = 1
    def f(self):
        y = table.y
"""


def test_code_lines_are_counted_without_blanks_comments_and_docstrings():
    assert code_lines(COUNTED) == {5, 7, 9, 10, 11}


def test_bindings_are_told_from_other_lines_of_a_class():
    assert binding_lines(BINDINGS) == {2, 3, 4, 5}


def test_no_file_has_more_than_500_lines_of_code():
    counts = {path: len(code_lines(path.read_text(encoding="utf-8"))) for path in python_files()}
    assert {str(path.relative_to(ROOT)): n for path, n in counts.items() if n > 500} == {}


def test_the_heart_stays_under_600_lines_of_code():
    counts = {}
    for name in ("autograd/graph.py", "autograd/engine.py", "tensor.py"):
        source = (PACKAGE / name).read_text(encoding="utf-8")
        counts[name] = len(code_lines(source) - binding_lines(source))
    assert sum(counts.values()) < 600, counts


def test_import_loads_numpy_and_nothing_else_heavy():
    heavy = (
        "graphviz",
        "hypothesis",
        "matplotlib",
        "numpy.random",
        "optuna",
        "pytest",
        "rich",
        "safetensors",
        "scipy",
        "sklearn",
        "torch",
        "typer",
    )
    program = f"import sys, {NAME}; print(*sorted({{*{heavy!r}, 'numpy'}} & set(sys.modules)))"
    assert run_python("-c", program, folder=ROOT).split() == ["numpy"]


@pytest.mark.parametrize("name", ["nn", "optim"])
def test_the_links_in_the_root_lead_into_the_package(name):
    link = ROOT / name
    assert link.is_symlink()
    assert os.readlink(link) == f"{NAME}/{name}"
    assert (link / "__init__.py").is_file()


def run_python(*arguments: str, folder: Path) -> str:
    """What a fresh interpreter prints; its complaint, if it fails, is this test's."""
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, check=False, cwd=folder, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass(frozen=True)
class Distribution:
    checkout_wheel: Path
    sdist: Path
    sdist_wheel: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Distribution:
    """The wheel and the source archive of this checkout, and the wheel made from that archive.

    They are built in a copy: setuptools leaves files behind, and would pack stale ones.
    """
    folder = tmp_path_factory.mktemp("distribution")
    checkout = folder / "checkout"
    checkout.mkdir()
    for name in (NAME, "tests"):
        copytree(ROOT / name, checkout / name, ignore=ignore_patterns("__pycache__"))
    for name in ("CHANGELOG.md", "LICENSE", "MANIFEST.in", "README.md", "pyproject.toml"):
        copyfile(ROOT / name, checkout / name)
    for name in ("nn", "optim"):
        (checkout / name).symlink_to(os.readlink(ROOT / name))

    build = "import sys; from setuptools import build_meta; getattr(build_meta, sys.argv[1])('..')"
    run_python("-c", build, "build_sdist", folder=checkout)
    run_python("-c", build, "build_wheel", folder=checkout)
    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    checkout_wheel = wheel.rename(folder / "checkout.whl")

    with tarfile.open(sdist) as archive:
        # Python before 3.11.4 has no filters; later ones warn where none is named.
        archive.extractall(
            folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {})
        )
    run_python("-c", build, "build_wheel", folder=folder / sdist.name.removesuffix(".tar.gz"))
    (sdist_wheel,) = (path for path in folder.glob("*.whl") if path != checkout_wheel)
    return Distribution(checkout_wheel, sdist, sdist_wheel)


def contents(wheel: Path) -> dict[str, int]:
    """The names in a wheel, each with its checksum."""
    with zipfile.ZipFile(wheel) as archive:
        return {entry.filename: entry.CRC for entry in archive.infolist()}


def test_the_wheel_holds_the_whole_package_once_and_nothing_beside_it(built):
    names = set(contents(built.checkout_wheel))
    package = {name for name in names if name.startswith(f"{NAME}/")}
    pages = [file for kind in ("html", "css", "js") for file in PACKAGE.rglob(f"*.{kind}")]
    kept = [*PACKAGE.rglob("*.py"), *pages, PACKAGE / "py.typed"]
    assert package == {path.relative_to(ROOT).as_posix() for path in kept}
    (beside,) = {name.split("/")[0] for name in names - package}
    assert beside.endswith(".dist-info")


def test_the_source_archive_makes_the_same_wheel(built):
    assert contents(built.sdist_wheel) == contents(built.checkout_wheel)


def test_the_source_archive_holds_no_second_copy_of_nn_and_optim(built):
    with tarfile.open(built.sdist) as archive:
        tops = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert {NAME, "pyproject.toml", "README.md", "LICENSE"} <= tops
    assert not tops & {"nn", "optim"}


USE = """
import sys
sys.path.insert(0, sys.argv[1])
import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim
from importlib import metadata, util

assert tg.__file__.startswith(sys.argv[1]), tg.__file__
assert util.find_spec("optim") is None
assert metadata.version("tinygrad_edu") == tg.__version__

tg.manual_seed(0)
x = tg.randn(64, 3)
y = x @ tg.tensor([[1.0], [-2.0], [0.5]]) + 3
model = nn.Linear(3, 1)
optimizer = optim.SGD(model.parameters(), lr=0.2)
for _ in range(100):
    loss = nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item() < 1e-4)
"""


def test_the_wheel_works_from_an_empty_folder(built, tmp_path):
    target = tmp_path / "site"
    empty = tmp_path / "empty"
    empty.mkdir()
    with zipfile.ZipFile(built.checkout_wheel) as archive:
        archive.extractall(target)
    assert run_python("-I", "-c", USE, str(target), folder=empty) == "True\n"
    assert list(empty.iterdir()) == []
