"""What an operation computes and what its rule is, as text: from where the code itself says it.

The docstring of an operation begins with `z = ...        grad_x = ...`; the unary functions have
one line each in their table.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

import numpy as np

from ...autograd.function import Function
from ...autograd.graph import Operation, Output
from ...ops import unary
from ...ops.losses import Loss
from .encoding import number

__all__ = ["arguments", "formula", "input_names"]

Rules = list[list[str]]

# Where a formula is written better than in words, and a derivative in terms of the result.
_TEXTS = {
    "Cos": ("z = cos x", "grad_x = -grad sin x"),
    "Exp": ("z = eˣ", "grad_x = grad z"),
    "Flatten": ("z = x with neighbouring dimensions made one", "grad_x = grad in the shape of x"),
    "Log": ("z = ln x", "grad_x = grad / x"),
    "Neg": ("z = -x", "grad_x = -grad"),
    "Sigmoid": ("z = 1/(1 + e⁻ˣ)", "grad_x = grad z (1 - z)"),
    "Tanh": ("z = tanh x", "grad_x = grad (1 - z²)"),
    "Sin": ("z = sin x", "grad_x = grad cos x"),
    "Square": ("z = x²", "grad_x = grad · 2x"),
    "Squeeze": ("z = x without some dimensions of size 1", "grad_x = grad in the shape of x"),
    "Transpose": ("z = x with two dimensions exchanged", "grad_x = grad with them exchanged back"),
    "Unsqueeze": ("z = x with one more dimension of size 1", "grad_x = grad in the shape of x"),
    "Sqrt": ("z = √x", "grad_x = grad / (2z)"),
    "MSELoss": ("(x - t)²", "grad_x = grad · 2(x - t)", "grad_t = -grad · 2(x - t)"),
    "L1Loss": ("|x - t|", "grad_x = grad sign(x - t)", "grad_t = grad sign(t - x)"),
}
# What docstrings call the inputs of layers.
_SYMBOLS = {
    "x": ("x", "input", "logits", "query"),
    "W": ("weight",),
    "w": ("weight", "w"),
    "b": ("bias", "b"),
    "t": ("target", "t"),
    "q": ("query", "q"),
    "k": ("key",),
    "v": ("value",),
}
# Attributes that only the kernel needs.
_INTERNAL = {
    "arguments", "capsule", "count", "ctx", "disjoint", "function", "in_place", "index",
    "input_shape", "input_strides", "layout", "lengths", "multiple", "order", "path", "results",
    "shape_of_row", "spans", "to", "unique", "value_ndim",
}  # fmt: skip


def formula(node: Operation) -> tuple[str, Rules]:
    """The formula of an operation, and for each input the rule of its gradient."""
    kind = type(node)
    if isinstance(node, Output):
        return f"z = result {node.index} of {node.name}", [["x", "grad_x = grad"]]
    if kind.__module__ == Function.__module__:
        return f"z = {node.name}({', '.join(input_names(node))})", []
    texts = _TEXTS.get(kind.__name__) or _from_table(kind) or _from_docstring(kind)
    first, rules = texts[0], [[_input_of(text, kind), text] for text in texts[1:]]
    if isinstance(node, Loss) and node.reduction != "none":
        first = f"z = {node.reduction} of {first.removeprefix('z = ')}"
        if node.reduction == "mean":
            rules = [
                [
                    name,
                    f"{text} / N" if text.startswith("grad_") else f"{text}, each times grad / N",
                ]
                for name, text in rules
            ]
    return first, rules


def _from_table(kind: type[Operation]) -> tuple[str, ...] | None:
    """`|x|; derivative sign x` as formula and rule."""
    line = unary.description(kind)
    if line is None:
        return None
    what, _, slope = line.removesuffix(".").partition("; ")
    slope = slope.removeprefix("the ").removeprefix("derivative ").removeprefix("is ")
    call = (kind.__doc__ or "").strip()
    first = what.split()[0]
    if first[0].isupper() or (" " in what and first.isalpha()):
        if first.isalpha():
            what = what[0].lower() + what[1:]
        text = f"{call}: {what}"
    else:
        text = f"z = {what}"
    return (text, f"grad_x = grad f′(x), f′(x) = {slope}") if slope else (text,)


def _from_docstring(kind: type[Operation]) -> tuple[str, ...]:
    text = inspect.cleandoc(kind.__doc__ or kind.__name__)
    text = re.sub(r'[A-Z][^"=]*"[^"]*" \(\d{4}\)\.', "", text)  # where it comes from
    parts = re.split(r" {2,}|\n\n|\n(?=grad_)|; (?=grad_)", text)
    parts = [" ".join(part.split()).rstrip(",") for part in parts]
    # The others explain the kernel.
    return (parts[0], *(part for part in parts[1:] if re.search("grad|slope| = ", part)))


def _input_of(text: str, kind: type[Operation]) -> str:
    """Which input a rule is about, "" if that is not plain."""
    match = re.search(r"(?:^|: )grad_([^\W_]+)", text)
    if match is None:
        return kind.inputs[0] if len(kind.inputs) == 1 else ""
    symbol = match[1]
    if symbol in kind.inputs:
        return symbol
    return next((name for name in _SYMBOLS.get(symbol, ()) if name in kind.inputs), "")


def input_names(node: Operation) -> list[str]:
    """A name for each input: those of `forward`, or x0, x1, ... where there may be any number."""
    if type(node).__module__ == Function.__module__:
        function: Any = node.function  # type: ignore[attr-defined]
        parameters = inspect.signature(function.forward).parameters
        # What `*tensors` takes is numbered.
        names = [name for name, one in parameters.items() if one.kind is not one.VAR_POSITIONAL]
        names = names[0 if function.setup_context is not None else 1 :]
        count = node.arguments  # type: ignore[attr-defined]
    else:
        names, count = [*node.inputs], len(node.parents)
    if count == 1 and not names:
        return ["x"]
    return [names[i] if i < len(names) else f"x{i}" for i in range(count)]


def arguments(node: Operation) -> list[tuple[str, str]]:
    """The arguments of an operation that are no tensors, with their values as text."""
    found = []
    slots = [name for kind in type(node).__mro__ for name in vars(kind).get("__slots__", ())]
    hidden = _INTERNAL | set(Operation.__slots__) | set(type(node).scratch)
    for name in dict.fromkeys(slots):
        if name in hidden or name.startswith("_"):
            continue
        value: Any = getattr(node, name, None)
        if hasattr(value, "_asdict"):  # what belongs together, as the sizes of a window
            found += [(part, as_text(x)) for part, x in value._asdict().items()]
        elif _is_plain(value):
            found.append((name, as_text(value)))
    return found


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return len(value) <= 8 and all(x is None or _is_plain(x) for x in value)
    return isinstance(value, (bool, int, float, str, slice, np.number)) or value is Ellipsis


def as_text(value: Any) -> str:
    """An argument as a learner writes it: 0.1, (2, 2), [:, 1:3]."""
    if isinstance(value, (np.ndarray, np.generic, float)) and np.ndim(value) == 0:
        return str(number(value.item() if isinstance(value, np.ndarray) else value))
    parts = value if isinstance(value, tuple) else (value,)
    if any(isinstance(part, slice) or part is Ellipsis for part in parts):
        return f"[{', '.join(map(_in_index, parts))}]"
    return repr(value)


def _in_index(part: Any) -> str:
    if part is Ellipsis:
        return "..."
    if not isinstance(part, slice):
        return as_text(part)
    ends = ["" if end is None else str(end) for end in (part.start, part.stop)]
    return ":".join(ends if part.step is None else [*ends, str(part.step)])
