"""One page of all results: figures, tables, what the notes report, what was measured, pass or
fail. A single file that needs nothing else.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from ..runs import RunError, unwritable
from ..serialization import write_whole
from .runner import results

__all__ = ["write_report"]

_TYPES = {".png": "image/png", ".svg": "image/svg+xml"}


def write_report(out: Path, page: Path) -> int:
    """Write the page of all results below `out`; returns how many there are.

    Raises RunError if there is none, or if the page cannot be written; ImportError without
    jinja2.
    """
    try:
        import jinja2
    except ImportError:
        raise ImportError(
            'The report needs jinja2: pip install "tinygrad_edu[course]" or pip install jinja2.'
        ) from None
    found = results(out)
    if not found:
        raise RunError(
            f"{out} has no results. Make some with `tinygrad-edu course run NAME`, or name their "
            "folder with --out."
        )
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    runs = [
        {**record, "id": folder.name, "images": _images(folder, record)} for folder, record in found
    ]
    content = environment.get_template("report.html").render(
        runs=runs,
        versions=_versions([record for _, record in found]),
        passed=sum(run["passed"] is True for run in runs),
        failed=sum(run["passed"] is False for run in runs),
    )
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        write_whole(page, content.encode())
    except OSError as error:
        raise unwritable(page, error, "another file with --page") from None
    return len(runs)


def _images(folder: Path, record: dict[str, Any]) -> list[dict[str, str]]:
    """The pictures of a run, as addresses that hold the picture itself.

    An SVG too is shown by its address, where it stays a picture: what it holds cannot become a part
    of the page.
    """
    names = [*record["figures"], *(name for name in record["files"] if name.endswith(".svg"))]
    return [
        {
            "name": Path(name).stem.replace("_", " ").replace("-", " "),
            "source": f"data:{_TYPES[Path(name).suffix]};base64,"
            + base64.b64encode((folder / name).read_bytes()).decode(),
        }
        for name in names
        if (folder / name).is_file()
    ]


def _versions(records: list[dict[str, Any]]) -> str:
    """What the runs were made with: of each package every version that occurs."""
    names = {"tinygrad_edu": "tinygrad_edu", "numpy": "NumPy", "python": "Python"}
    found = {
        shown: list(dict.fromkeys(record["versions"][name] for record in records))
        for name, shown in names.items()
    }
    return ", ".join(f"{name} {' and '.join(each)}" for name, each in found.items())
