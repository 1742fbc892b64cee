"""Write docs/reference.md: every public name in one line, from the docstrings.

python docs/make_reference.py           write it
python docs/make_reference.py --check   exit with status 1 if it is out of date
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("reference.md")
NAMES = Path(__file__).with_name("pytorch_names.txt")
HEAD = """# Reference

Every public name in one line; `help(name)` tells formula, shapes, types, errors and an example. The
third column is PyTorch's name for it (a dash: PyTorch has none), the last one what is different
there. This page is made by `make docs` from the docstrings; [pytorch.md](pytorch.md) looks at the
same from PyTorch's side.
"""
ROOMS = {
    "tinygrad_edu": "Tensors and functions: `import tinygrad_edu as tg`",
    "tinygrad_edu.Tensor": "Methods of Tensor beside the functions above",
    "tinygrad_edu.linalg": "Linear algebra: `tg.linalg`",
    "tinygrad_edu.special": "Special functions: `tg.special`",
    "tinygrad_edu.autograd": "Automatic differentiation: `tg.autograd`",
    "tinygrad_edu.autograd.functional": "Jacobians and Hessians: `tg.autograd.functional`",
    "tinygrad_edu.func": "Functions of functions: `tg.func`",
    "tinygrad_edu.nn": "Layers and losses: `import tinygrad_edu.nn as nn`",
    "tinygrad_edu.nn.functional": "Functions of networks: `import tinygrad_edu.nn.functional as F`",
    "tinygrad_edu.nn.init": "Initial weights: `nn.init`",
    "tinygrad_edu.nn.utils": "Gradients and weights of whole models: `nn.utils`",
    "tinygrad_edu.nn.utils.rnn": "Sequences of different lengths: `nn.utils.rnn`",
    "tinygrad_edu.nn.utils.parametrizations": "Other forms of weights: `nn.utils.parametrizations`",
    "tinygrad_edu.nn.utils.parametrize": "Forms of one's own: `nn.utils.parametrize`",
    "tinygrad_edu.optim": "Optimizers: `import tinygrad_edu.optim as optim`",
    "tinygrad_edu.optim.lr_scheduler": "Schedules of the learning rate: `optim.lr_scheduler`",
    "tinygrad_edu.amp": "What scripts say of mixed precision: `tg.amp`",
    "tinygrad_edu.cuda": "What scripts ask of CUDA: `tg.cuda`",
    "tinygrad_edu.utils.data": "Data: `tinygrad_edu.utils.data`",
    "tinygrad_edu.utils.checkpoint": "Memory against time: `tinygrad_edu.utils.checkpoint`",
    "tinygrad_edu.datasets": "Data sets: `tinygrad_edu.datasets`",
    "tinygrad_edu.training": "Training: `tinygrad_edu.training`",
    "tinygrad_edu.testing": "Checking gradients: `tinygrad_edu.testing`",
    "tinygrad_edu.viz": "Pictures: `tinygrad_edu.viz`",
}


COLUMNS = ["| name | purpose | PyTorch | unlike PyTorch |", "| --- | --- | --- | --- |"]


def entries(room: str) -> dict[str, Any]:
    """The public functions and classes of a room, by name, in alphabetical order."""
    if room == "tinygrad_edu.Tensor":
        package = importlib.import_module("tinygrad_edu")
        members = {name: getattr(package.Tensor, name) for name in dir(package.Tensor)}
        found = {
            n: m for n, m in members.items() if not n.startswith("_") and n not in package.__all__
        }
        found = {n: m for n, m in found.items() if callable(m) or isinstance(m, property)}
    else:
        module = importlib.import_module(room)
        members = {name: getattr(module, name) for name in module.__all__}
        found = {n: m for n, m in members.items() if callable(m)}
    return dict(sorted(found.items(), key=lambda item: (item[0].lower(), item[0])))


def line(room: str, name: str, member: Any) -> str:
    """One row: the name, its purpose in a sentence, PyTorch's name, what is different there."""
    text = inspect.getdoc(member) or ""
    paragraph = " ".join(text.split("\n\n")[0].split())
    purpose = re.split(r"\s*PyTorch: ", paragraph)[0].rstrip(". ") + "."
    theirs = re.search(r"PyTorch:\s+`([^`]+)`", text)
    purpose = purpose.replace("|", "\\|")
    pytorch = theirs.group(1) if theirs else twin(room, name)
    shown = f"`{pytorch}`" if pytorch else "—"
    return f"| `{name}` | {purpose} | {shown} | {unlike(member)} |"


def twin(room: str, name: str) -> str:
    """The same name in PyTorch, if there is one."""
    theirs = room.replace("tinygrad_edu", "torch", 1)
    return f"{theirs}.{name}" if name in pytorch_names().get(theirs, []) else ""


@cache
def pytorch_names() -> dict[str, list[str]]:
    """PyTorch's public names by room, as recorded in pytorch_names.txt."""
    rooms = (row.split(": ", 1) for row in NAMES.read_text(encoding="utf-8").splitlines())
    return {room: names.split() for room, names in rooms}


def unlike(member: Any) -> str:
    """What a docstring says of differences: its sentences that begin with `Unlike PyTorch`."""
    text = " ".join((inspect.getdoc(member) or "").partition(">>>")[0].split())
    found = re.findall(r"Unlike (?:in )?PyTorch,? (.+?\.)(?=\s[A-Z`]|\s-|\s*$)", text)
    return " ".join(each[0].upper() + each[1:] for each in found).replace("|", "\\|")


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for room, title in ROOMS.items():
        rows = [line(room, name, member) for name, member in entries(room).items()]
        parts.append("\n".join([f"## {title}", "", *COLUMNS, *rows, ""]))
    return "\n".join(parts)


def main() -> int:
    """Write the page, or compare it."""
    text = page()
    if sys.argv[1:] == ["--check"]:
        return int(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text)
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    PAGE.write_text(text, encoding="utf-8")
    print(f"{PAGE.name}: {text.count(chr(10) + '| `')} names")
    return 0


if __name__ == "__main__":
    sys.exit(main())
