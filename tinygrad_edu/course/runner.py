"""Running an experiment and keeping its results: a folder that appears whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..random import manual_seed
from ..runs import RunError, one_thread, png, unwritable
from .experiment import Experiment, Result, Setting

__all__ = ["folder_name", "results", "run"]


def run(experiment: Experiment, setting: Setting, out: Path) -> tuple[Result, Path]:
    """Run an experiment and write its figures and `result.json` into a folder below `out`.

    A run of the same setting replaces the files of the one before. Raises RunError if the folder
    cannot be written, or holds something else.
    """
    folder = out / folder_name(experiment, setting)
    others_in(folder, experiment.name)  # it is better to fail now than after the work
    manual_seed(setting.seed)
    start = time.perf_counter()
    with one_thread():
        result = experiment.run(setting)
    seconds = time.perf_counter() - start
    files = {f"{name}.png": png(figure) for name, figure in result.figures.items()}
    files |= result.attachments
    record = describe(experiment, setting, result, seconds)
    files["result.json"] = (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()
    write_folder(folder, files, others_in(folder, experiment.name))
    return result, folder


def describe(
    experiment: Experiment, setting: Setting, result: Result, seconds: float
) -> dict[str, Any]:
    """What `result.json` holds."""
    return {
        "experiment": experiment.name,
        "number": experiment.number,
        "title": experiment.title,
        "data": setting.data if experiment.needs_data else None,
        "seed": setting.seed,
        "quick": setting.quick,
        "variant": setting.variant,
        "passed": result.passed,
        "checks": [asdict(check) for check in result.checks],
        "tables": [asdict(table) for table in result.tables],
        "remarks": result.remarks,
        "figures": [f"{name}.png" for name in result.figures],
        "files": sorted(result.attachments),
        "numbers": _plain(result.numbers),
        "seconds": round(seconds, 2),
        "versions": {
            "tinygrad_edu": __version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
            **{package: version(package) for package in ("matplotlib", *experiment.packages)},
        },
    }


def _plain(value: Any) -> Any:
    """Numbers of NumPy as Python's, arrays as lists; what JSON has no number for as text."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value


def folder_name(experiment: Experiment, setting: Setting) -> str:
    """Where the results go: the experiment's name, and what is not the course's own setting."""
    parts = [experiment.name, *([setting.variant] if setting.variant else [])]
    if experiment.needs_data and setting.data != "mnist":
        parts.append(setting.data)
    parts += [
        *(["quick"] if setting.quick else []),
        *([f"seed{setting.seed}"] * bool(setting.seed)),
    ]
    return ".".join(parts)


def others_in(folder: Path, name: str) -> list[Path]:
    """What lies in a folder beside the results of an earlier run of this experiment."""
    if not folder.exists():
        return []
    there = sorted(folder.iterdir()) if folder.is_dir() else [folder]
    try:
        record = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        known = {"result.json", *record["figures"], *record["files"]}
        ours = record["experiment"] == name
    except (OSError, ValueError, KeyError, TypeError):
        ours = False
    if there and not ours:
        raise RunError(
            f"{folder} holds something else than results of {name}, which would take its place. "
            "Choose another folder with --out."
        )
    return [path for path in there if path.name not in known] if there else []


def write_folder(folder: Path, files: dict[str, bytes], others: Iterable[Path]) -> None:
    """Write the files, and copy the others, into a new folder in the place of an old one."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as partial:
            new, old = Path(partial, "new"), Path(partial, "old")
            new.mkdir()
            for name, content in files.items():
                (new / name).write_bytes(content)
            for path in others:
                if path.is_dir():
                    shutil.copytree(path, new / path.name, symlinks=True)
                else:
                    shutil.copy2(path, new / path.name, follow_symlinks=False)
            if folder.exists():
                os.replace(folder, old)
            os.replace(new, folder)
    except OSError as error:
        raise unwritable(folder, error) from None


def results(out: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The results below a folder, in the order of the course: each with its folder."""
    found = []
    for path in sorted(out.glob("*/result.json")):
        with contextlib.suppress(OSError, ValueError, KeyError):
            record = json.loads(path.read_text(encoding="utf-8"))
            found.append((record["number"], path.parent.name, path.parent, record))
    return [(folder, record) for *_, folder, record in sorted(found, key=lambda row: row[:2])]
