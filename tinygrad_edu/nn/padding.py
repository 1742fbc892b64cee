"""Padding layers: a border of one value, of mirrored, repeated or continued elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..tensor import Tensor
from . import functional as F
from .module import Module

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ZeroPad1d",
    "ZeroPad2d",
]


class _Pad(Module):
    """What all share: widths of both sides of the last `dims` dimensions, the last one first."""

    dims: ClassVar[int]
    mode: ClassVar[str]

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__()
        count = 2 * self.dims
        self.padding: tuple[int, ...] = (
            tuple(padding) if isinstance(padding, (tuple, list)) else (padding,) * count  # type: ignore[assignment]
        )
        if len(self.padding) != count:
            raise ValueError(
                f"{type(self).__name__}: padding is one integer or {count} of them; got "
                f"{padding!r}."
            )

    def forward(self, input: Tensor) -> Tensor:
        """The input with its border."""
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        """The widths."""
        return f"{self.padding}"


class _Constant(_Pad):
    mode = "constant"

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """The input with its border."""
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        """The widths and the value."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_Constant):
    """A border of `value` along the last dimension: `padding` is (left, right) or one integer.

    Negative widths cut off. Raises ValueError for another number of widths.
    PyTorch: `torch.nn.ConstantPad1d`.

    >>> nn.ConstantPad1d((1, 2), 9.0)(tg.ones(1, 1, 2))
    tensor([[[9., 1., 1., 9., 9.]]])
    """

    dims = 1


class ConstantPad2d(_Constant):
    """A border of `value` around planes: `padding` is (left, right, top, bottom) or one integer.

    Negative widths cut off. Raises ValueError for another number of widths.
    PyTorch: `torch.nn.ConstantPad2d`.

    >>> nn.ConstantPad2d((1, 0, 0, 1), 9.0)(tg.ones(1, 1, 2))
    tensor([[[9., 1., 1.],
             [9., 9., 9.]]])
    """

    dims = 2


class _Zero(_Constant):
    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The widths."""
        return f"{self.padding}"


class ZeroPad1d(_Zero):
    """A border of zeros along the last dimension. PyTorch: `torch.nn.ZeroPad1d`.

    >>> nn.ZeroPad1d(1)(tg.ones(1, 1, 2))
    tensor([[[0., 1., 1., 0.]]])
    """

    dims = 1


class ZeroPad2d(_Zero):
    """A border of zeros around planes. PyTorch: `torch.nn.ZeroPad2d`.

    >>> nn.ZeroPad2d(2)(tg.ones(8, 3, 28, 28)).shape
    (8, 3, 32, 32)
    """

    dims = 2


class _Reflection(_Pad):
    mode = "reflect"


class ReflectionPad1d(_Reflection):
    """(C, L) or (N, C, L) mirrored at its first and last element.

    Raises RuntimeError for widths that are not smaller than the size.
    PyTorch: `torch.nn.ReflectionPad1d`.

    >>> nn.ReflectionPad1d(2)(tg.tensor([[1.0, 2.0, 3.0]]))
    tensor([[3., 2., 1., 2., 3., 2., 1.]])
    """

    dims = 1


class ReflectionPad2d(_Reflection):
    """(C, H, W) or (N, C, H, W) mirrored at the edges of each plane.

    PyTorch: `torch.nn.ReflectionPad2d`.

    >>> nn.ReflectionPad2d((1, 0, 0, 1))(tg.tensor([[[1.0, 2.0], [3.0, 4.0]]]))
    tensor([[[2., 1., 2.],
             [4., 3., 4.],
             [2., 1., 2.]]])
    """

    dims = 2


class _Replication(_Pad):
    mode = "replicate"


class ReplicationPad1d(_Replication):
    """(C, L) or (N, C, L) with its first and last element repeated.

    PyTorch: `torch.nn.ReplicationPad1d`.

    >>> nn.ReplicationPad1d(2)(tg.tensor([[1.0, 2.0, 3.0]]))
    tensor([[1., 1., 1., 2., 3., 3., 3.]])
    """

    dims = 1


class ReplicationPad2d(_Replication):
    """(C, H, W) or (N, C, H, W) with the edges of each plane repeated.

    PyTorch: `torch.nn.ReplicationPad2d`.

    >>> nn.ReplicationPad2d((1, 0, 0, 1))(tg.tensor([[[1.0, 2.0], [3.0, 4.0]]]))
    tensor([[[1., 1., 2.],
             [3., 3., 4.],
             [3., 3., 4.]]])
    """

    dims = 2


class _Circular(_Pad):
    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        """The input with its border."""
        if input.ndim not in (self.dims + 1, self.dims + 2):
            raise ValueError(
                f"{type(self).__name__}: expected {self.dims + 1}D or {self.dims + 2}D input (got "
                f"{input.ndim}D input of shape {input.shape})."
            )
        return super().forward(input)


class CircularPad1d(_Circular):
    """(C, L) or (N, C, L) continued with its other end. PyTorch: `torch.nn.CircularPad1d`.

    Raises ValueError for another number of dimensions, RuntimeError for widths above the size.

    >>> nn.CircularPad1d((2, 1))(tg.tensor([[1.0, 2.0, 3.0]]))
    tensor([[2., 3., 1., 2., 3., 1.]])
    """

    dims = 1


class CircularPad2d(_Circular):
    """(C, H, W) or (N, C, H, W), each plane continued with its other end.

    Raises ValueError for another number of dimensions, RuntimeError for widths above the size.
    PyTorch: `torch.nn.CircularPad2d`.

    >>> nn.CircularPad2d((1, 0, 0, 1))(tg.tensor([[[1.0, 2.0], [3.0, 4.0]]]))
    tensor([[[2., 1., 2.],
             [4., 3., 4.],
             [2., 1., 2.]]])
    """

    dims = 2
