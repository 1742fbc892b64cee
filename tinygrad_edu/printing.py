"""How tensors are printed: as PyTorch prints them.

All numbers share one format, chosen from the finite ones that are not zero: whole numbers as `3.`,
others with `precision` digits, and in scientific notation where digits would be lost or too many.
More than `threshold` elements are summarized by the first and last `edgeitems` of each dimension.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import inf, isfinite
from typing import Any

import numpy as np

from .autograd.graph import Array, Operation, Output, TensorBase
from .ops.dtypes import bool_, get_default_dtype, int64

__all__ = ["get_printoptions", "printoptions", "set_printoptions", "tensor_repr"]

_PREFIX = "tensor("


@dataclass
class PrintOptions:
    """What `set_printoptions` sets."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=inf),
}
_options = PrintOptions()  # one for the process, as in PyTorch


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed; what is not given stays, except `sci_mode`.

    `precision`: digits after the point (4). `threshold`: more elements are summarized (1000).
    `edgeitems`: how many are then shown at each end of a dimension (3). `linewidth`: characters in
    a line (80). `sci_mode`: scientific notation always (True), never (False), or as the numbers
    need it (None, the default). `profile`: "default", "short" or "full" sets all of them first;
    ValueError for another name. PyTorch: `torch.set_printoptions`.

    >>> tg.set_printoptions(precision=2)
    >>> tg.tensor([3.14159])
    tensor([3.14])
    >>> tg.set_printoptions(profile="default")
    """
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(
                f"profile is one of {', '.join(map(repr, _PROFILES))}; got {profile!r}."
            )
        vars(_options).update(asdict(_PROFILES[profile]))
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    vars(_options).update({name: value for name, value in given.items() if value is not None})
    _options.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """The options as a dictionary of arguments for `set_printoptions`.

    PyTorch: `torch._tensor_str.get_printoptions`.

    >>> tg.get_printoptions()["precision"]
    4
    """
    return asdict(_options)


@contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """`set_printoptions` for one block. PyTorch: `torch._tensor_str.printoptions`.

    >>> with tg.printoptions(precision=1):
    ...     print(tg.tensor([3.14159]))
    tensor([3.1])
    """
    before = get_printoptions()
    set_printoptions(**options)
    try:
        yield
    finally:
        set_printoptions(**before)


def tensor_repr(tensor: TensorBase) -> str:
    """The tensor as text: values, then what is not obvious of size, type and gradient."""
    array = tensor.array
    suffixes = []
    obvious = [get_default_dtype()]
    if array.size:
        values = _array_text(array, len(_PREFIX))
        obvious += [int64, bool_]
    else:
        values = "[]"
    if _options.edgeitems == 0 or (not array.size and array.ndim != 1):
        suffixes.append(f"size={array.shape}")
    if array.dtype not in obvious:
        suffixes.append(f"dtype={array.dtype}")
    edge = tensor.edge
    if isinstance(edge, Operation):
        suffixes.append(f"grad_fn=<{_node_name(edge)}>")
    elif edge is not None:
        suffixes.append("requires_grad=True")
    return _with_suffixes(_PREFIX + values, suffixes)


def _node_name(node: Operation) -> str:
    """`MulBackward0`; for a Function of the user's `SquareBackward`, as PyTorch has it."""
    maker = node.parents[0] if isinstance(node, Output) else node
    return f"{node.name}Backward" if hasattr(maker, "ctx") else f"{node.name}Backward0"


def _with_suffixes(text: str, suffixes: list[str]) -> str:
    """Append the suffixes, each on the last line if it fits there."""
    used = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if used + len(suffix) + 2 > _options.linewidth:
            text += ",\n" + " " * len(_PREFIX) + suffix
            used = len(_PREFIX) + len(suffix)
        else:
            text += ", " + suffix
            used += len(suffix) + 2
    return text + ")"


def _array_text(array: Array, indent: int) -> str:
    """The values in brackets; large arrays are cut to the edges that a summary shows."""
    shape = array.shape
    if array.size > _options.threshold:
        for axis, size in enumerate(shape):
            if size > 2 * _options.edgeitems:
                array = np.take(array, _edges(size), axis=axis)
    return _nested(array, shape, indent, _Format(array))


def _edges(size: int) -> list[int]:
    edge = _options.edgeitems
    return [*range(edge), *range(size - edge, size)]


def _nested(array: Array, shape: tuple[int, ...], indent: int, form: _Format) -> str:
    """The brackets of one dimension and what is in them; `shape` is that of the whole tensor."""
    if array.ndim == 0:
        return form.write(array.item())
    if array.ndim == 1:
        parts = [form.write(x) for x in array.tolist()]
        in_line = max(1, (_options.linewidth - indent) // (form.width + 2))
    else:
        parts = [_nested(part, shape[1:], indent + 1, form) for part in array]
        in_line = 1
    if len(array) < shape[0]:
        # PyTorch puts a space before the dots between numbers, as if they were padded.
        parts.insert(_options.edgeitems, " ..." if array.ndim == 1 and parts else "...")
    lines = [", ".join(parts[i : i + in_line]) for i in range(0, len(parts), in_line)]
    between = "," + "\n" * max(1, array.ndim - 1) + " " * (indent + 1)
    return "[" + between.join(lines) + "]"


class _Format:
    """The one way in which all elements are written, padded to a common width."""

    def __init__(self, array: Array) -> None:
        self.spec = ""
        self.point = False  # whether whole floats are marked as floats by a point
        self.width = 1
        if array.dtype.kind == "f":
            self._choose(array[np.isfinite(array) & (array != 0)])
        else:
            self.width = max((len(str(x)) for x in array.ravel().tolist()), default=1)

    def _choose(self, values: Array) -> None:
        digits = _options.precision
        self.point = bool((values == np.ceil(values)).all())
        self.spec = ".0f" if self.point else f".{digits}f"
        if not values.size:
            return
        sizes = np.abs(values.astype(np.float64))
        low, high = float(sizes.min()), float(sizes.max())
        scientific = _options.sci_mode
        if scientific is None:
            scientific = high / low > 1000 or high > 1e8 or low < 1e-4
        if scientific:
            self.point, self.spec = False, f".{digits}e"
        self.width = max(len(format(x, self.spec)) for x in values.tolist()) + self.point

    def write(self, x: Any) -> str:
        text = format(x, self.spec) if self.spec else str(x)
        if self.point and isfinite(x):
            text += "."
        return text.rjust(self.width)
