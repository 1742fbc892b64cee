"""The layers' own operations: linear, bilinear, dropout and its relatives, one-hot targets, glu."""

from __future__ import annotations

import warnings
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply
from ..autograd.leaving import without_gradient
from ..random import AnyGenerator, resolve
from . import unary
from .activations import activate
from .arguments import check_tensor
from .dims import normalize_dim
from .dtypes import floating, quiet, type_name
from .shape import narrow
from .softmax import ones

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "alpha_dropout",
    "bilinear",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
    "glu",
    "linear",
    "one_hot",
]


def _rows(x: Value) -> Value:
    """x (..., D) as a matrix."""
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])


class Linear(Operation):
    """z = x Wᵀ + b        grad_x = grad W        grad_W = gradᵀ x        grad_b = Σ grad"""

    __slots__ = ()

    @quiet
    def forward(self, input: Array, weight: Array, bias: Array | None) -> Value:
        out = _rows(input) @ weight.T
        if bias is not None:
            out += bias
        return out if input.ndim == 2 else out.reshape(*input.shape[:-1], len(weight))

    def grad_input(self, grad: Value, weight: Value) -> Value:
        if grad.ndim == 2:
            return grad @ weight
        # One product of matrices is faster than a batch of small ones.
        return (_rows(grad) @ weight).reshape(*grad.shape[:-1], weight.shape[1])

    def grad_weight(self, grad: Value, input: Value) -> Value:
        return _rows(grad).T @ _rows(input)

    def grad_bias(self, grad: Value) -> Value:
        rows = _rows(grad)
        if isinstance(rows, TensorBase):
            return rows.sum(axis=0)  # type: ignore[attr-defined]
        return ones(len(rows), rows.dtype) @ rows

    @staticmethod
    def plain(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The same by three operations."""
        product = input @ weight.T
        return product if bias is None else product + bias  # type: ignore[no-any-return]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x Wᵀ + b for each vector x in the last dimension of the input.

    Shapes: input (..., D), weight (O, D), bias (O); the result is (..., O). All have one type.
    Raises RuntimeError for shapes and types that do not fit. PyTorch: `F.linear`.

    >>> F.linear(tg.tensor([1.0, 2.0]), tg.tensor([[3.0, 4.0], [0.0, 1.0]]), tg.tensor([0.5, 0.0]))
    tensor([11.5000,  2.0000])
    """
    try:
        x, w = input.array, weight.array
        fits = w.ndim == 2 and x.shape[-1] == w.shape[1] and x.dtype == w.dtype
        if bias is not None:
            fits = fits and bias.array.shape == w.shape[:1] and bias.array.dtype == w.dtype
    except (AttributeError, IndexError):
        fits = False
    if not fits:
        if isinstance(weight, TensorBase) and weight.array.ndim == 1:
            return input @ weight if bias is None else input @ weight + bias
        _refuse_linear(input, weight, bias)
    return apply(Linear(), input, weight, bias)


def _refuse_linear(input: Any, weight: Any, bias: Any) -> None:
    """Say what does not fit."""
    for x in (input, weight):
        if not isinstance(x, TensorBase):
            raise TypeError(
                f"linear: input and weight are tensors; got {type_name(x)}. Use tg.tensor(...)."
            )
    if bias is not None and not isinstance(bias, TensorBase):
        raise TypeError(f"linear: the bias is a tensor or None; got {type(bias).__name__}.")
    types = [str(x.dtype) for x in (input, weight, bias) if x is not None]
    if weight.ndim != 2:
        raise RuntimeError(
            f"linear: the weight has the shape (outputs, inputs); got {weight.shape}."
        )
    if input.ndim == 0:
        raise RuntimeError(
            "linear: the input has at least one dimension, of the features; got a single number."
        )
    if input.shape[-1] != weight.shape[1]:
        hint = ""
        if input.array[:1].size == weight.shape[1]:
            hint = " Flatten each sample first: `x.flatten(1)`, or nn.Flatten() before the layer."
        elif weight.shape[0] == input.shape[-1]:
            hint = " The weight is (outputs, inputs): perhaps it is transposed."
        raise RuntimeError(
            f"linear: the input has {input.shape[-1]} features in its last dimension (its shape is "
            f"{input.shape}), but the weight of shape {weight.shape} takes {weight.shape[1]}.{hint}"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise RuntimeError(
            f"linear: the weight of shape {weight.shape} gives {weight.shape[0]} outputs, so the "
            f"bias has shape ({weight.shape[0]},); got {bias.shape}."
        )
    raise RuntimeError(
        f"linear: input, weight and bias must have one type; got {', '.join(types)}. Convert the "
        f"input: `x.to(tg.{weight.dtype})`, or the layer: `layer.to(tg.{input.dtype})`."
    )


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x1ᵀ W_o x2 + b_o for each output o.

    Shapes: (..., D1) and (..., D2), weight (O, D1, D2), bias (O); the result is (..., O).
    Raises RuntimeError for shapes that do not fit. PyTorch: `F.bilinear`.

    >>> F.bilinear(tg.tensor([[1.0, 2.0]]), tg.tensor([[3.0]]), tg.tensor([[[1.0], [1.0]]]))
    tensor([[9.]])
    """
    if (
        weight.ndim != 3
        or input1.shape[:-1] != input2.shape[:-1]
        or (input1.shape[-1], input2.shape[-1]) != weight.shape[1:]
    ):
        raise RuntimeError(
            "bilinear: inputs (..., D1) and (..., D2) and a weight (O, D1, D2) are needed; got "
            f"{input1.shape}, {input2.shape} and {weight.shape}."
        )
    outputs, first, second = weight.shape
    # (N, D1) @ (D1, O D2) gives x1ᵀ W for all outputs at once.
    left = _rows(input1) @ weight.permute(1, 0, 2).reshape(first, outputs * second)
    result = (left.reshape(-1, outputs, second) @ _rows(input2).unsqueeze(2)).squeeze(2)
    result = result.reshape(*input1.shape[:-1], outputs)
    return result if bias is None else result + bias  # type: ignore[no-any-return]


class Dropout(Operation):
    """z = noise x + shift        grad_x = noise grad"""

    __slots__ = ("noise", "shift")
    scratch = ("noise",)

    def __init__(self, noise: Array, shift: Any = None) -> None:
        self.noise = noise
        self.shift = shift

    @quiet
    def forward(self, x: Array) -> Array:
        return x * self.noise if self.shift is None else x * self.noise + self.shift

    def grad_x(self, grad: Value) -> Value:
        return grad * self.noise


def _noise(
    shape: tuple[int, ...], p: float, scale: float, x: Tensor, generator: AnyGenerator
) -> Array:
    """`scale` with probability 1 - p, else 0."""
    # Drawn in float32 for all types: half the time of float64, and the same masks in both.
    noise = resolve(generator).random(shape, dtype=np.float32)
    # In place, where `(noise >= p) * scale` takes two more arrays.
    np.greater_equal(noise, p, out=noise)
    noise = noise.astype(x.dtype, copy=False)
    noise *= scale
    return noise


def _check_probability(name: str, p: float) -> None:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{name}: the dropout probability has to be between 0 and 1, but got {p}.")


def dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    scale_at: str = "train",
    generator: AnyGenerator = None,
) -> Tensor:
    """Set elements to 0 with probability p and divide the others by 1 - p: the mean stays.

    When not training, the input itself. `scale_at="test"`: nothing is divided while training; when
    not training, all is multiplied by 1 - p. Raises ValueError unless 0 ≤ p ≤ 1, and for another
    `scale_at`. PyTorch: `F.dropout`. Source: Srivastava et al., "Dropout: a simple way to prevent
    neural networks from overfitting", 2014.

    >>> F.dropout(tg.ones(3), p=1.0)
    tensor([0., 0., 0.])
    >>> F.dropout(tg.ones(3), training=False)
    tensor([1., 1., 1.])
    """
    _check_probability("dropout", p)
    if scale_at not in ("train", "test"):
        raise ValueError(f"dropout: scale_at is 'train' or 'test'; got {scale_at!r}.")
    if p == 0 or not (training or scale_at == "test"):
        return input
    x = floating(input, "dropout")
    if not training:
        return activate(Dropout(np.asarray(1 - p, x.dtype)), x, inplace)
    scale = 1.0 if scale_at == "test" else 1 / (1 - p) if p < 1 else 0.0
    return activate(Dropout(_noise(x.array.shape, p, scale, x, generator)), x, inplace)


def _feature_shape(name: str, input: Tensor, dims: int) -> tuple[int, ...]:
    """One number for each channel of each sample."""
    meant = {1: "(N, C, L) or (C, L)", 2: "(N, C, H, W)", 3: "(N, C, D, H, W) or (C, D, H, W)"}[
        dims
    ]
    single = dims != 2 and input.ndim == dims + 1  # one sample without a batch
    if input.ndim != dims + 2 and not single:
        if dims == 1 or input.ndim < 2:
            raise RuntimeError(f"{name}: the input has the shape {meant}; got {input.shape}.")
        warnings.warn(
            f"{name}: the input has shape {input.shape}, where {meant} is meant. Its second "
            "dimension is taken as the channels.",
            UserWarning,
            stacklevel=4,
        )
    batch = 1 if single else 2
    return input.shape[:batch] + (1,) * (input.ndim - batch)


def _feature_dropout(
    dims: int, input: Tensor, p: float, training: bool, inplace: bool, generator: AnyGenerator
) -> Tensor:
    name = f"dropout{dims}d"
    _check_probability(name, p)
    shape = _feature_shape(name, input, dims)
    if p == 0 or not training:
        return input
    x = floating(input, name)
    return activate(
        Dropout(_noise(shape, p, 1 / (1 - p) if p < 1 else 0.0, x, generator)), x, inplace
    )


def dropout1d(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: AnyGenerator = None,
) -> Tensor:
    """Dropout of whole channels of (N, C, L) or (C, L). PyTorch: `F.dropout1d`.

    >>> F.dropout1d(tg.ones(1, 2, 3), p=1.0).sum()
    tensor(0.)
    """
    check_tensor("dropout1d", input)
    return _feature_dropout(1, input, p, training, inplace, generator)


def dropout2d(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: AnyGenerator = None,
) -> Tensor:
    """Dropout of whole channels of (N, C, H, W); (N, C, L) is taken as such, as in PyTorch.

    PyTorch: `F.dropout2d`.
    Source: Tompson et al., "Efficient object localization using convolutional networks", 2015.

    >>> F.dropout2d(tg.ones(1, 2, 3, 3), p=1.0).sum()
    tensor(0.)
    """
    check_tensor("dropout2d", input)
    return _feature_dropout(2, input, p, training, inplace, generator)


def dropout3d(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: AnyGenerator = None,
) -> Tensor:
    """Dropout of whole channels of (N, C, D, H, W) or (C, D, H, W). PyTorch: `F.dropout3d`.

    >>> F.dropout3d(tg.ones(1, 2, 3, 3, 3), p=1.0).sum()
    tensor(0.)
    """
    check_tensor("dropout3d", input)
    return _feature_dropout(3, input, p, training, inplace, generator)


def _alpha_dropout(
    name: str,
    shape: tuple[int, ...],
    input: Tensor,
    p: float,
    training: bool,
    inplace: bool,
    generator: AnyGenerator,
) -> Tensor:
    _check_probability(name, p)
    if p == 0 or not training:
        return input
    x = floating(input, name)
    if p == 1:
        return activate(Dropout(np.zeros(shape, x.dtype)), x, inplace)
    low = (
        1.7580993408473766  # scale · alpha of selu: dropped elements become selu(-infinity) = -low
    )
    gain = 1 / sqrt((1 - p) * (1 + p * low * low))
    noise = _noise(shape, p, gain, x, generator)
    return activate(Dropout(noise, low * (noise - gain) + low * gain * p), x, inplace)


def alpha_dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: AnyGenerator = None,
) -> Tensor:
    """Dropout for networks with selu: mean and variance stay.

    Dropped elements get selu's lowest value.
    PyTorch: `F.alpha_dropout`. Source: Klambauer et al., "Self-normalizing neural networks", 2017.

    >>> F.alpha_dropout(tg.ones(2), training=False)
    tensor([1., 1.])
    """
    check_tensor("alpha_dropout", input)
    return _alpha_dropout("alpha_dropout", input.shape, input, p, training, inplace, generator)


def feature_alpha_dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: AnyGenerator = None,
) -> Tensor:
    """`alpha_dropout` of whole channels of (N, C, ...). PyTorch: `F.feature_alpha_dropout`.

    Raises RuntimeError for an input of one dimension.

    >>> F.feature_alpha_dropout(tg.ones(1, 2, 3), training=False).shape
    (1, 2, 3)
    """
    check_tensor("feature_alpha_dropout", input)
    if input.ndim < 2:
        raise RuntimeError(
            f"feature_alpha_dropout: the input has the shape (N, C, ...); got {input.shape}."
        )
    shape = input.shape[:2] + (1,) * (input.ndim - 2)
    return _alpha_dropout("feature_alpha_dropout", shape, input, p, training, inplace, generator)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a sigmoid(b), where a and b are the halves of the input along `dim`. PyTorch: `F.glu`.

    Raises RuntimeError if that dimension is odd. Source: Dauphin et al., "Language modeling with
    gated convolutional networks", 2016.

    >>> F.glu(tg.tensor([3.0, 0.0]))
    tensor([1.5000])
    """
    check_tensor("glu", input)
    if input.ndim == 0:
        raise RuntimeError("glu: the input has at least one dimension; got a single number.")
    axis = normalize_dim(dim, input.ndim)
    size = input.shape[axis]
    if size % 2:
        raise RuntimeError(
            f"glu: dimension {dim} is halved, but its size {size} is odd (shape {input.shape})."
        )
    half = size // 2
    return narrow(input, axis, 0, half) * unary.sigmoid(narrow(input, axis, half, half))


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Each class as a vector of zeros with a 1 in its place: (...) becomes (..., C), int64.

    Without `num_classes`, one more than the largest class. Raises RuntimeError for classes that are
    negative or too large. PyTorch: `F.one_hot`.

    >>> F.one_hot(tg.tensor([0, 2]), num_classes=3)
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    index = tensor.array
    if index.dtype.kind not in "iu":
        raise RuntimeError(
            f"one_hot: classes are integers; got {tensor.dtype}. Convert them: `x.long()`."
        )
    if not index.size and num_classes <= 0:
        raise RuntimeError("one_hot: an empty tensor has no largest class. Give num_classes.")
    if index.size and index.min() < 0:
        raise RuntimeError(f"one_hot: classes are not negative; got {index.min()}.")
    if num_classes == -1:
        num_classes = int(index.max()) + 1
    if num_classes < 1:
        raise RuntimeError(
            f"one_hot: num_classes is positive, or -1 to find it; got {num_classes}."
        )
    if index.size and index.max() >= num_classes:
        raise RuntimeError(
            f"one_hot: class {index.max()} needs num_classes of at least {index.max() + 1}; got "
            f"{num_classes}."
        )
    rows = (index[..., None] == np.arange(num_classes)).astype(np.int64)
    return without_gradient("one_hot", rows, tensor)
