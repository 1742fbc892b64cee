"""Write docs/reference.md: every public name in one line, from the docstrings.

python docs/make_reference.py           write it
python docs/make_reference.py --check   exit with status 1 if it is out of date
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("reference.md")
HEAD = """# Reference

Every public name in one line; `help(name)` tells formula, shapes, types, errors and an example. The
last column is PyTorch's name for it. This page is made by `make docs` from the docstrings.
"""
ROOMS = {
    "tinygrad_edu": "Tensors and functions: `import tinygrad_edu as tg`",
    "tinygrad_edu.Tensor": "Methods of Tensor beside the functions above",
    "tinygrad_edu.autograd": "Automatic differentiation: `tg.autograd`",
    "tinygrad_edu.nn": "Layers and losses: `import tinygrad_edu.nn as nn`",
    "tinygrad_edu.nn.functional": "Functions of networks: `import tinygrad_edu.nn.functional as F`",
    "tinygrad_edu.nn.init": "Initial weights: `nn.init`",
    "tinygrad_edu.optim": "Optimizers: `import tinygrad_edu.optim as optim`",
    "tinygrad_edu.utils.data": "Data: `tinygrad_edu.utils.data`",
    "tinygrad_edu.datasets": "Data sets: `tinygrad_edu.datasets`",
    "tinygrad_edu.training": "Training: `tinygrad_edu.training`",
    "tinygrad_edu.testing": "Checking gradients: `tinygrad_edu.testing`",
    "tinygrad_edu.viz": "Pictures: `tinygrad_edu.viz`",
}


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


def line(name: str, member: Any) -> str:
    """One row: the name, its purpose in a sentence, PyTorch's name."""
    text = inspect.getdoc(member) or ""
    paragraph = " ".join(text.split("\n\n")[0].split())
    purpose = re.split(r"\s*PyTorch: ", paragraph)[0].rstrip(". ") + "."
    theirs = re.search(r"PyTorch:\s+`([^`]+)`", text)
    purpose = purpose.replace("|", "\\|")
    return f"| `{name}` | {purpose} | {'`' + theirs.group(1) + '`' if theirs else ''} |"


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for room, title in ROOMS.items():
        rows = [line(name, member) for name, member in entries(room).items()]
        parts.append(
            f"## {title}\n\n| name | purpose | PyTorch |\n| --- | --- | --- |\n"
            + "\n".join(rows)
            + "\n"
        )
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
