"""Sampling of planes at any positions: spatial transformers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply, wrap
from .dtypes import quiet
from .elementwise import where
from .gathering import gather
from .resampling import cubic_far, cubic_near

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["affine_grid", "grid_sample"]


class Folded(Operation):
    """z = x, clipped or reflected into a plane        grad_x = ±grad inside, 0 outside"""

    __slots__ = ("align_corners", "reflected", "size", "slope")
    scratch = ("slope",)

    def __init__(self, size: int, reflected: bool, align_corners: bool) -> None:
        self.size = size
        self.reflected = reflected
        self.align_corners = align_corners

    @quiet
    def forward(self, x: Array) -> Array:
        slope = np.ones_like(x)
        if self.reflected:
            x, slope = reflect(x, self.size, self.align_corners)
        # As in PyTorch, the slope is 0 at the outermost positions, too; NaN becomes 0.
        self.slope = np.where((x > 0) & (x < self.size - 1), slope, slope.dtype.type(0))
        return np.asarray(np.nan_to_num(np.clip(x, 0, self.size - 1)))

    def grad_x(self, grad: Value) -> Value:
        return grad * self.slope


def reflect(x: Array, size: int, align_corners: bool) -> tuple[Array, Array]:
    """Positions mirrored at the outermost elements, or at their outer edges; and the slope."""
    low, span = (0.0, size - 1) if align_corners else (-0.5, size)
    if span == 0:
        return np.zeros_like(x), np.zeros_like(x)
    away = np.abs(x - low)
    flips, rest = np.floor(away / span), np.fmod(away, span)
    even = flips % 2 == 0
    slope = np.where(even, 1, -1) * np.where(x < low, -1, 1)
    return np.where(even, rest + low, span - rest + low), slope.astype(x.dtype)


def _taps(
    place: Array, size: int, padding_mode: str, align_corners: bool
) -> tuple[Array, Array | bool]:
    """Positions of elements as indices, and which of them exist."""
    if padding_mode == "reflection":
        place = reflect(place, size, align_corners)[0]
    inside = (place >= 0) & (place <= size - 1)
    index = np.nan_to_num(np.clip(place, 0, size - 1)).astype(np.int64)
    return index, inside if padding_mode == "zeros" else True


def _terms(
    x: Tensor, size: int, mode: str, padding_mode: str, align_corners: bool
) -> list[tuple[Array, Array | bool, Any]]:
    """For one coordinate: the elements that take part, whether they exist, and their weights."""
    x = ((x + 1) / 2) * (size - 1) if align_corners else ((x + 1) * size - 1) / 2
    if mode != "bicubic" and padding_mode != "zeros":
        x = apply(Folded(size, padding_mode == "reflection", align_corners), x)
    if mode == "nearest":
        return [(*_taps(np.rint(x.array), size, "zeros", align_corners), 1.0)]
    before = np.floor(x.array)
    distance = x - wrap(before)
    if mode == "bilinear":
        near = _taps(before, size, "zeros", align_corners)
        far = _taps(before + 1, size, "zeros", align_corners)
        return [(*near, 1 - distance), (*far, distance)]
    return [
        (*_taps(before + i, size, padding_mode, align_corners), _cubic_weight(distance, i))
        for i in (-1, 0, 1, 2)
    ]


def _cubic_weight(distance: Tensor, i: int) -> Tensor:
    """Keys' kernel at the distance of element i, which lies in one piece of it."""
    x = distance - i if i <= 0 else i - distance
    piece = cubic_near if i in (0, 1) else cubic_far
    return piece(x, -0.75)  # type: ignore[no-any-return]


@quiet
def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """The values of (N, C, H, W) at the positions (x, y) of a grid (N, H', W', 2).

    -1 and 1 are the outer edges of the plane, or with `align_corners=True` the centers of its
    outermost elements. `mode` is "bilinear", "nearest" or "bicubic"; `padding_mode` says what is
    outside: "zeros", the "border", or a "reflection". The result is (N, C, H', W'); gradients flow
    to both. Volumes are not supported. Raises ValueError for other modes, RuntimeError for shapes
    and types that do not fit. PyTorch: `F.grid_sample`. Source: Jaderberg et al., "Spatial
    transformer networks", 2015.

    >>> x = tg.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> F.grid_sample(x, tg.zeros(1, 1, 1, 2), align_corners=False)
    tensor([[[[2.5000]]]])
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(f"grid_sample: mode is 'bilinear', 'nearest' or 'bicubic'; got {mode!r}.")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            f"grid_sample: padding_mode is 'zeros', 'border' or 'reflection'; got {padding_mode!r}."
        )
    for x in (input, grid):
        if not isinstance(x, TensorBase):
            raise TypeError(f"grid_sample: input and grid are tensors; got {type(x).__name__}.")
    if (
        (input.ndim, grid.ndim) != (4, 4)
        or grid.shape[3] != 2
        or grid.shape[0] != input.shape[0]
        or 0 in input.shape[2:]
    ):
        raise RuntimeError(
            "grid_sample: an input (N, C, H, W), not empty in H and W, and a grid (N, H', W', 2) "
            f"are needed; got {input.shape} and {grid.shape}."
        )
    if input.dtype != grid.dtype or input.dtype.kind != "f":
        raise RuntimeError(
            "grid_sample: input and grid have the same floating type; got "
            f"{input.dtype} and {grid.dtype}."
        )
    aligned = bool(align_corners)
    n, channels, height, width = input.shape
    columns = _terms(grid[..., 0], width, mode, padding_mode, aligned)
    rows = _terms(grid[..., 1], height, mode, padding_mode, aligned)
    planes = input.reshape(n, channels, height * width)
    shape = (n, channels, *grid.shape[1:3])
    flat = (n, channels, grid.shape[1] * grid.shape[2])
    result: Any = 0.0
    for row, row_exists, row_weight in rows:
        for column, column_exists, column_weight in columns:
            places = np.broadcast_to((row * width + column)[:, None], shape).reshape(flat)
            values = gather(planes, 2, wrap(places)).reshape(shape)
            weight = row_weight * column_weight
            exists = np.logical_and(row_exists, column_exists)
            if not isinstance(weight, TensorBase):
                weight = wrap(np.full(grid.shape[:3], weight, input.dtype))
            weight = where(wrap(np.broadcast_to(exists, weight.shape).copy()), weight, 0.0)
            result = result + values * weight.unsqueeze(1)
    return result  # type: ignore[no-any-return]


def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """The positions (N, H, W, 2) to sample at for affine maps `theta` (N, 2, 3) of the plane.

    Position (x, y) of a result of `size` (N, C, H, W) becomes theta (x, y, 1). Raises RuntimeError
    for other shapes and types that are not floating. PyTorch: `F.affine_grid`.

    >>> F.affine_grid(tg.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]), (1, 1, 1, 2))
    tensor([[[[-0.5000,  0.0000],
              [ 0.5000,  0.0000]]]])
    """
    shape = tuple(size)
    if theta.dtype.kind != "f" or len(shape) != 4 or theta.shape != (shape[0], 2, 3):
        raise RuntimeError(
            "affine_grid: theta of shape (N, 2, 3) and of a floating type, and a size (N, C, H, W) "
            f"are needed; got {theta.dtype} of shape {theta.shape} and {shape}."
        )
    if min(shape) <= 0:
        raise RuntimeError(f"affine_grid: sizes are positive; got {shape}.")
    n, _, height, width = shape
    base = np.ones((height, width, 3), theta.dtype)
    for place, count in ((0, width), (1, height)):
        line = _line(count, bool(align_corners), theta.dtype)
        base[..., place] = line if place == 0 else line[:, None]
    points = wrap(base.reshape(1, height * width, 3)) @ theta.transpose(1, 2)
    return points.reshape(n, height, width, 2)


def _line(count: int, align_corners: bool, dtype: np.dtype[Any]) -> Array:
    """`count` positions from edge to edge, rounded as PyTorch rounds them.

    Under the identity, where spatial transformers begin, every position is that of an element, at
    which the slope of the samples jumps: the last bit decides which of two gradients flows.
    """
    if count == 1:
        return np.zeros(1, dtype)
    i = np.arange(count)
    step = float(dtype.type(2) / dtype.type(count - 1))
    line = np.where(i < count // 2, -1 + step * i, 1 - step * (count - 1 - i)).astype(dtype)
    return line if align_corners else line * dtype.type(count - 1) / dtype.type(count)
