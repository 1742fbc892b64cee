"""NumPy speaks Tensor: `np.exp(t)`, `np.sum(t, axis=0)`, `ndarray * t` compute and record.

NumPy asks a tensor among the arguments of a ufunc through `__array_ufunc__`, of another function
through `__array_function__`. The answer is one look-up in a table. The rules of operations, which
are written in NumPy syntax, become differentiable in the same way under `create_graph=True`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..autograd.graph import TensorBase
from . import comparison, elementwise, linalg, shape, unary
from .conversion import convert
from .dtypes import floating, to_dtype
from .indexing import Assign, write
from .numpy_functions import FUNCTIONS, as_tensors, plain

__all__ = ["UFUNCS", "array_function", "array_ufunc"]


def _positive(x: Any) -> Any:
    return x


def _rint(x: Any) -> Any:
    return elementwise.round(floating(x, "np.rint"))


def _divmod(x: Any, y: Any) -> tuple[Any, Any]:
    return elementwise.floor_divide(x, y), elementwise.remainder(x, y)


def _matmul(x: Any, y: Any) -> Any:
    return linalg.matmul(*as_tensors(x, y))


UFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    # Arithmetic.
    np.add: elementwise.add,
    np.subtract: elementwise.sub,
    np.multiply: elementwise.mul,
    np.divide: elementwise.div,
    np.floor_divide: elementwise.floor_divide,
    np.remainder: elementwise.remainder,
    np.fmod: elementwise.fmod,
    np.divmod: _divmod,
    np.power: elementwise.pow,
    np.matmul: _matmul,
    np.positive: _positive,
    np.conjugate: _positive,
    np.maximum: elementwise.maximum,
    np.minimum: elementwise.minimum,
    np.arctan2: elementwise.atan2,
    np.hypot: elementwise.hypot,
    np.logaddexp: elementwise.logaddexp,
    # One number.
    np.negative: unary.neg,
    np.absolute: unary.abs,
    np.fabs: unary.abs,
    np.sign: unary.sign,
    np.exp: unary.exp,
    np.exp2: unary.exp2,
    np.expm1: unary.expm1,
    np.log: unary.log,
    np.log2: unary.log2,
    np.log10: unary.log10,
    np.log1p: unary.log1p,
    np.sqrt: unary.sqrt,
    np.square: unary.square,
    np.reciprocal: unary.reciprocal,
    np.sin: unary.sin,
    np.cos: unary.cos,
    np.tan: unary.tan,
    np.arcsin: unary.asin,
    np.arccos: unary.acos,
    np.arctan: unary.atan,
    np.sinh: unary.sinh,
    np.cosh: unary.cosh,
    np.tanh: unary.tanh,
    np.arcsinh: unary.asinh,
    np.arccosh: unary.acosh,
    np.arctanh: unary.atanh,
    np.deg2rad: unary.deg2rad,
    np.radians: unary.deg2rad,
    np.rad2deg: unary.rad2deg,
    np.degrees: unary.rad2deg,
    np.floor: unary.floor,
    np.ceil: unary.ceil,
    np.trunc: unary.trunc,
    np.rint: _rint,
    # Comparison and logic: booleans, without a gradient.
    np.equal: comparison.eq,
    np.not_equal: comparison.ne,
    np.less: comparison.lt,
    np.less_equal: comparison.le,
    np.greater: comparison.gt,
    np.greater_equal: comparison.ge,
    np.logical_and: comparison.logical_and,
    np.logical_or: comparison.logical_or,
    np.logical_xor: comparison.logical_xor,
    np.logical_not: comparison.logical_not,
    np.bitwise_and: comparison.bitwise_and,
    np.bitwise_or: comparison.bitwise_or,
    np.bitwise_xor: comparison.bitwise_xor,
    np.invert: comparison.bitwise_not,
    np.isnan: comparison.isnan,
    np.isinf: comparison.isinf,
    np.isfinite: comparison.isfinite,
}

#: `np.add.reduce` and `np.add.accumulate` are functions of their own.
_METHODS: dict[tuple[np.ufunc, str], Callable[..., Any]] = {
    (np.add, "reduce"): FUNCTIONS[np.sum],
    (np.multiply, "reduce"): FUNCTIONS[np.prod],
    (np.maximum, "reduce"): FUNCTIONS[np.max],
    (np.minimum, "reduce"): FUNCTIONS[np.min],
    (np.logical_and, "reduce"): FUNCTIONS[np.all],
    (np.logical_or, "reduce"): FUNCTIONS[np.any],
    (np.add, "accumulate"): FUNCTIONS[np.cumsum],
    (np.multiply, "accumulate"): FUNCTIONS[np.cumprod],
}


def array_ufunc(self: Any, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """`ufunc(*inputs)` where an input, or `out`, is a tensor. NumPy: `__array_ufunc__`.

    Raises TypeError for a ufunc or a keyword without a counterpart here, RuntimeError where an
    array would be overwritten by a result that requires grad.

    >>> np.exp(tg.zeros(2, requires_grad=True))
    tensor([1., 1.], grad_fn=<ExpBackward0>)
    >>> np.array([1.0, 2.0], dtype=np.float32) * tg.tensor([3.0, 4.0])
    tensor([3., 8.])
    """
    if method == "__call__":
        function = UFUNCS.get(ufunc)
        if function is not None and not kwargs:
            return function(*inputs)
    else:
        function = _METHODS.get((ufunc, method))
        if method in ("reduce", "accumulate"):
            kwargs.setdefault("axis", 0)
        elif method == "outer" and ufunc in UFUNCS:
            function = UFUNCS[ufunc]
            x, y = as_tensors(*inputs)
            inputs = (shape.reshape(x, x.shape + (1,) * y.ndim), y)
    name = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
    if function is None:
        raise _unknown(name)
    out = kwargs.pop("out", (None,))
    if method == "__call__" and "dtype" in kwargs:
        dtype = to_dtype(kwargs.pop("dtype"))
        inputs = tuple(convert(x, dtype) for x in as_tensors(*inputs))
    if out[0] is None:
        return _call(name, function, inputs, kwargs)
    return _into(out[0], name, getattr(ufunc, method), function, inputs, kwargs)


def array_function(
    self: Any,
    func: Callable[..., Any],
    types: Iterable[type],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """`func(*args, **kwargs)` where an argument is a tensor. NumPy: `__array_function__`.

    Raises TypeError for a function or a keyword without a counterpart here.

    >>> np.mean(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([2., 3.])
    """
    function = FUNCTIONS.get(func)
    if function is None:
        raise _unknown(_name(func))
    out = kwargs.pop("out", None) if kwargs else None
    if out is not None:
        return _into(out, _name(func), func, function, args, kwargs)
    try:
        return function(*args, **kwargs)
    except TypeError as error:
        raise _explained(_name(func), error) from error


def _name(func: Callable[..., Any]) -> str:
    return f"{func.__module__}.{func.__name__}".replace("numpy", "np", 1)


def _explained(name: str, error: TypeError) -> TypeError:
    """The same error; if it is about a keyword that only NumPy knows, in the user's words."""
    if "unexpected keyword argument" not in str(error):
        return error
    keyword = str(error).rpartition("argument ")[2]
    return TypeError(
        f"{name} of a tensor does not take {keyword}. Call it with x.detach().numpy(), outside the "
        "graph, or write it with tensor operations."
    )


def _call(
    name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    try:
        return function(*args, **kwargs)
    except TypeError as error:
        raise _explained(name, error) from error


def _into(
    out: Any,
    name: str,
    numpy_function: Callable[..., Any],
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Write the result into `out`, as `np.add(t, 1, out=out)` and `out += t` ask for."""
    if isinstance(out, TensorBase):
        result = _call(name, function, args, kwargs)
        if result.shape != out.shape:
            raise ValueError(
                f"{name}: the result has shape {result.shape}, but out has {out.shape}."
            )
        write(out, Assign(), result, name=f"{name}(out=...)")
        return out
    if any(isinstance(x, TensorBase) and (x.node is not None or x.needs_grad) for x in args):
        raise RuntimeError(
            f"{name}: the result would be written into a NumPy array, which cannot carry the "
            "gradient of a tensor that requires grad. Compute a new tensor (`z = array + x` "
            "instead of `array += x`), or leave the graph with x.detach()."
        )
    return numpy_function(*plain(args), out=out, **kwargs)


def _unknown(name: str) -> TypeError:
    return TypeError(
        f"{name} has no counterpart for tensors. Where no gradient is needed, call it with "
        "x.detach().numpy(); otherwise write it with tensor operations."
    )
