"""`check_op`: everything that is asked of one differentiable operation, in one call."""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..autograd import differentiate
from ..autograd.fused import Fused
from ..autograd.gradcheck import (
    GradcheckError,
    Tolerance,
    check_gradients,
    first_derivative,
    random_cotangents,
)
from ..autograd.graph import Operation, TensorBase, apply, apply_multiple, wrap
from ..autograd.mode import switched
from ..autograd.reach import reachable
from .layouts import LAYOUTS, relayout

__all__ = ["check_op", "operations"]

Array = np.ndarray[Any, np.dtype[Any]]

# Central differences in float64 with this step are right to about 1e-9 for functions of moderate
# size.
_EPS = 1e-5
_TOLERANCE = Tolerance(atol=1e-7, rtol=1e-6, scaled=True)


def check_op(
    function: Callable[..., Any],
    *arrays: Any,
    reference: Callable[..., Any] | None = None,
    plain: Callable[..., Any] | None = None,
    second_order: bool = True,
    layouts: bool = True,
    float32: bool = True,
    atol: float = 1e-10,
    rtol: float = 1e-9,
    float32_tol: float = 1e-4,
) -> None:
    """Check one operation in every respect; AssertionError says which one failed, and how.

    `function(*tensors)` returns a tensor or several; `arrays` are its inputs (float64 ones are
    differentiated, integers and booleans are passed on). A `Function` of your own is checked by
    `check_op(MyFunction.apply, x)`.

    1. Value: equals `reference(*arrays)`, in NumPy, and `plain(*tensors)`, a composition of other
       operations, within `atol` and `rtol`; nothing is recorded under `no_grad`, and the value is
       the same.
    2. Gradient: equals central differences (relative 1e-6), repeats exactly, and that of `plain`.
       Each input alone gets the gradient that it gets together with the others.
    3. Gradient of the gradient, unless `second_order=False`.
    4. Inputs and incoming gradients are not changed.
    5. Gradients are writeable and share memory with nothing: inputs, results, each other, saved
       arrays.
    6. The graph is freed as soon as the results are dropped, without the garbage collector.
    7. float32 inputs give float32 results and gradients, close to those of float64 (`float32_tol`,
       relative to the largest element); `float32=False` for operations that fix a type.
    8. Transposed, strided, reversed and read-only inputs give the same results (`layouts=False`
       leaves it out).
    9. Fused operations agree with their plain composition, in value and gradient.

    Draw the arrays away from kinks and ties: `tinygrad_edu.testing.strategies.arrays` or `spread`.

    >>> x = np.array([[0.5, -1.0], [2.0, 0.25]])
    >>> check_op(tg.tanh, x, reference=np.tanh)
    >>> check_op(lambda x: x.detach() * x, x)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    AssertionError: Gradient: The gradient of input 0, of shape (2, 2), is wrong...
    """
    # Copies: an operation that changes its inputs must not spoil the caller's.
    inputs = [_array(index, x).copy(order="K") for index, x in enumerate(arrays)]
    before = [x.copy() for x in inputs]
    _check_value(function, inputs, reference, plain, atol, rtol)
    _check_numerically(function, inputs, second_order)
    _check_unchanged("Inputs unmutated", inputs, before)
    results, grads = _run(function, inputs)
    if plain is not None:
        _close("Gradient against the plain composition", grads, _run(plain, inputs)[1], atol, rtol)
    _check_one_at_a_time(function, inputs, grads)
    _check_ownership(function, inputs)
    _check_freed(function, inputs)
    _check_fused(function, inputs, atol, rtol)
    if float32:
        _check_float32(function, inputs, float32_tol)
    if layouts:
        for layout in LAYOUTS[1:]:
            other = _run(function, [relayout(x, layout) for x in inputs])
            _close(f"Layout {layout}, results", other[0], results, atol, rtol)
            _close(f"Layout {layout}, gradients", other[1], grads, atol, rtol)
    _check_unchanged("Inputs unmutated", inputs, before)


def operations(*tensors: Any) -> list[Operation]:
    """The recorded operations behind these tensors, oldest first.

    >>> x = tg.tensor(2.0, requires_grad=True)
    >>> [operation.name for operation in operations(x.exp() * 3)]
    ['Exp', 'Mul']
    """
    return reachable(tensor.node for tensor in _flat(tensors))


def _array(index: int, x: Any) -> Array:
    array = x.array if isinstance(x, TensorBase) else np.asarray(x)
    if array.dtype.kind == "f" and array.dtype != np.float64:
        raise ValueError(
            f"check_op: input {index} is {array.dtype}. Pass float64, which numerical "
            "differentiation needs; float32 is checked from it."
        )
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"check_op: input {index} is {array.dtype}; inputs are arrays of numbers or booleans."
        )
    return array


def _flat(results: Any) -> list[TensorBase]:
    """The tensors in nested tuples and lists."""
    if isinstance(results, TensorBase):
        return [results]
    if isinstance(results, (tuple, list)):
        return [tensor for result in results for tensor in _flat(result)]
    raise AssertionError(
        f"Value: the function returned {type(results).__name__}, not a tensor or several."
    )


def _leaves(arrays: Sequence[Array], only: int | None = None) -> list[Any]:
    """Tensors on these arrays; the floating ones (or one of them) require grad."""
    tensors = [wrap(array) for array in arrays]
    for index, tensor in enumerate(tensors):
        tensor.needs_grad = tensor.dtype.kind == "f" and only in (None, index)
    return tensors


def _gradients(results: Sequence[TensorBase], leaves: Sequence[Any]) -> list[Array | None]:
    """vᵀJ for a fixed random v, one for each leaf that requires grad; None for the other inputs."""
    floating = [result for result in results if result.dtype.kind == "f"]
    pairs: Any = [
        (result, wrap(cotangent))
        for result, cotangent in zip(floating, random_cotangents(floating), strict=True)
        if result.edge is not None
    ]
    wanted = [leaf for leaf in leaves if leaf.needs_grad]
    if not pairs or not wanted:
        return [np.zeros_like(leaf.array) if leaf.needs_grad else None for leaf in leaves]
    outputs, weights = zip(*pairs, strict=True)
    found = iter(
        differentiate.grad(outputs, wanted, weights, retain_graph=True, materialize_grads=True)
    )
    return [next(found).array if leaf.needs_grad else None for leaf in leaves]


def _run(
    function: Callable[..., Any], arrays: Sequence[Array], only: int | None = None
) -> tuple[list[Array], list[Array | None]]:
    """Results and gradients as arrays."""
    leaves = _leaves(arrays, only)
    results = _flat(function(*leaves))
    return [result.array for result in results], _gradients(results, leaves)


def _close(what: str, ours: Sequence[Any], theirs: Sequence[Any], atol: float, rtol: float) -> None:
    """Compare arrays; `atol` is relative to the largest element where that is above 1."""
    if len(ours) != len(theirs):
        raise AssertionError(f"{what}: {len(ours)} arrays instead of {len(theirs)}.")
    for index, pair in enumerate(zip(ours, theirs, strict=True)):
        if pair[0] is None or pair[1] is None:
            continue
        x, y = np.asarray(pair[0]), np.asarray(pair[1])
        place = f"{what} (number {index})" if len(ours) > 1 else what
        if x.shape != y.shape:
            raise AssertionError(f"{place}: shape {x.shape} instead of {y.shape}.")
        if not x.size:
            continue
        if x.dtype.kind != "f" and y.dtype.kind != "f":
            if not np.array_equal(x, y):
                raise AssertionError(f"{place}: {x.tolist()} instead of {y.tolist()}.")
            continue
        x, y = x.astype(np.float64), y.astype(np.float64)
        finite = np.isfinite(y)
        scale = max(1.0, float(np.abs(y[finite]).max(initial=0)))
        good = np.isclose(x, y, rtol=rtol, atol=atol * scale, equal_nan=True)
        if not good.all():
            first = tuple(int(i) for i in np.argwhere(~good)[0])
            raise AssertionError(
                f"{place}: {int((~good).sum())} of {x.size} elements are wrong. At {list(first)}: "
                f"{x[first]:.12g} instead of {y[first]:.12g}."
            )


def _check_value(
    function: Callable[..., Any],
    arrays: Sequence[Array],
    reference: Callable[..., Any] | None,
    plain: Callable[..., Any] | None,
    atol: float,
    rtol: float,
) -> None:
    before = [array.copy() for array in arrays]
    results = [result.array for result in _flat(function(*_leaves(arrays)))]
    _check_unchanged("Inputs unmutated", arrays, before)
    again = [result.array for result in _flat(function(*_leaves(arrays)))]
    _close("Value: the function is not deterministic: a second call", again, results, 0, 0)
    with switched(grad=False):
        unrecorded = _flat(function(*_leaves(arrays)))
    if any(result.node is not None for result in unrecorded):
        raise AssertionError("Grad mode: the operation was recorded under no_grad.")
    _close("Value under no_grad", [result.array for result in unrecorded], results, 0, 0)
    if reference is not None:
        with np.errstate(all="ignore"):
            expected = reference(*(array.copy() for array in arrays))
        expected = list(expected) if isinstance(expected, (tuple, list)) else [expected]
        expected = [x.array if isinstance(x, TensorBase) else x for x in expected]
        _close("Value against the reference", results, expected, atol, rtol)
    if plain is not None:
        composed = [result.array for result in _flat(plain(*_leaves(arrays)))]
        _close("Value against the plain composition", results, composed, atol, rtol)


@contextmanager
def _named(what: str) -> Iterator[None]:
    try:
        yield
    except GradcheckError as error:
        raise AssertionError(f"{what}: {error}") from None


def _check_numerically(
    function: Callable[..., Any], arrays: Sequence[Array], second_order: bool
) -> None:
    leaves = _leaves(arrays)
    checked = [leaf for leaf in leaves if leaf.needs_grad]
    with _named("Gradient"):
        check_gradients(function, leaves, checked, tolerance=_TOLERANCE, eps=_EPS)
    if not second_order:
        return
    with _named("Gradient of the gradient"):
        first, arguments = first_derivative(function, leaves)
        both = [x for x in arguments if x.needs_grad]
        try:
            check_gradients(
                first, arguments, both, tolerance=_TOLERANCE, eps=_EPS, each_output=False, fast=True
            )
        except GradcheckError:
            # One direction says that something is wrong; all elements say what.
            check_gradients(
                first, arguments, both, tolerance=_TOLERANCE, eps=_EPS, each_output=False
            )
            raise


def _check_unchanged(what: str, arrays: Iterable[Array], before: Iterable[Array]) -> None:
    for index, (now, then) in enumerate(zip(arrays, before, strict=True)):
        if now.tobytes() != then.tobytes():
            raise AssertionError(
                f"{what}: array {index} was changed by the operation. Work on a copy: `y = "
                "x.copy()`."
            )


def _check_one_at_a_time(
    function: Callable[..., Any], arrays: Sequence[Array], together: Sequence[Array | None]
) -> None:
    """What is saved depends on which inputs need a gradient: every choice of one must do."""
    floating = [index for index, grad in enumerate(together) if grad is not None]
    if len(floating) < 2:
        return
    for index in floating:
        grads = _run(function, arrays, only=index)[1]
        _close(
            f"Gradient of input {index} when no other requires grad",
            [grads[index]],
            [together[index]],
            1e-12,
            1e-12,
        )


def _check_ownership(function: Callable[..., Any], arrays: Sequence[Array]) -> None:
    leaves = _leaves(arrays)
    results = [result for result in _flat(function(*leaves)) if result.edge is not None]
    if not results:
        return
    cotangents = random_cotangents(results)
    before = [cotangent.copy() for cotangent in cotangents]
    others = [("an input", leaf.array) for leaf in leaves]
    others += [("a result", result.array) for result in results]
    others += [("the incoming gradient", cotangent) for cotangent in cotangents]
    weights: Any = [wrap(cotangent) for cotangent in cotangents]
    differentiate.backward(results, weights, retain_graph=True)  # type: ignore[arg-type]
    for node in operations(*results):
        others += [(f"an array that {node.name} keeps", array) for array in _kept(node)]
    _check_unchanged("Incoming gradient unmutated", cotangents, before)
    for index, leaf in enumerate(leaves):
        grad = None if leaf._grad is None else leaf._grad.array
        if grad is None:
            continue
        if not grad.flags.writeable:
            raise AssertionError(
                f"Gradients unaliased: the gradient of input {index} is read-only."
            )
        if grad.shape != leaf.shape or grad.dtype != leaf.dtype:
            raise AssertionError(
                f"Gradient type: input {index} is {leaf.dtype} of shape {leaf.shape}, its gradient "
                f"{grad.dtype} of shape {grad.shape}."
            )
        for what, array in others:
            if np.shares_memory(grad, array):
                raise AssertionError(
                    f"Gradients unaliased: the gradient of input {index} shares its memory with "
                    f"{what}; a change of one would change the other."
                )
        others.append((f"the gradient of input {index}", grad))
    first = [None if leaf._grad is None else leaf._grad.array.copy() for leaf in leaves]
    differentiate.backward(results, weights)  # type: ignore[arg-type]
    second = [None if leaf._grad is None else leaf._grad.array / 2 for leaf in leaves]
    _close("Second pass over a retained graph", second, first, 1e-12, 1e-12)


def _kept(node: Operation) -> list[Array]:
    """The arrays that a node saved or holds in attributes."""
    values = [entry[0] for entry in (node.saved or {}).values()]
    names = [name for cls in type(node).__mro__ for name in getattr(cls, "__slots__", ())]
    values += [getattr(node, name, None) for name in [*names, *getattr(node, "__dict__", ())]]
    return [value for value in values if isinstance(value, np.ndarray)]


def _check_freed(function: Callable[..., Any], arrays: Sequence[Array]) -> None:
    enabled = gc.isenabled()
    gc.disable()
    try:
        for passes in (0, 1):
            leaves = _leaves(arrays)
            results = _flat(function(*leaves))
            nodes = [(node.name, weakref.ref(node)) for node in operations(*results)]
            tensors = [
                weakref.ref(result) for result in results if not any(result is x for x in leaves)
            ]
            if passes and nodes:
                _gradients(results, leaves)
            del results
            alive = [name for name, node in nodes if node() is not None]
            when = "after backward" if passes else "without backward"
            if alive:
                raise AssertionError(
                    f"Graph freed: with the results dropped, {when}, {', '.join(alive)} stayed "
                    "alive. Does something keep a tensor of the graph, or does a node refer to its "
                    "own result?"
                )
            if any(tensor() is not None for tensor in tensors):
                raise AssertionError(
                    f"Graph freed: a result stayed alive after it was dropped, {when}."
                )
    finally:
        if enabled:
            gc.enable()


def _check_fused(
    function: Callable[..., Any], arrays: Sequence[Array], atol: float, rtol: float
) -> None:
    leaves = _leaves(arrays)
    results = _flat(function(*leaves))
    for node in operations(*results):
        if not isinstance(node, Fused):
            continue
        saved = node.saved or {}
        values = [saved[index][0] if index in saved else None for index in range(len(node.parents))]
        needed = [parent is not None for parent in node.parents]

        def inputs(values: list[Any] = values, needed: list[bool] = needed) -> list[Any]:
            tensors = [wrap(x) if isinstance(x, np.ndarray) else x for x in values]
            for tensor, needs in zip(tensors, needed, strict=True):
                if needs:
                    tensor.needs_grad = True
            return tensors

        kernel = copy.copy(node)
        mine, theirs = inputs(), inputs()
        run = apply_multiple if node.multiple else apply
        fused = _flat(run(kernel, *mine))
        composed = _flat(kernel.plain(*theirs))
        _close(
            f"{node.name}: the fused value against its plain composition",
            [x.array for x in fused],
            [x.array for x in composed],
            atol,
            rtol,
        )
        leaves_of = [[x for x in side if isinstance(x, TensorBase)] for side in (mine, theirs)]
        _close(
            f"{node.name}: the fused gradient against that of its plain composition",
            _gradients(fused, leaves_of[0]),
            _gradients(composed, leaves_of[1]),
            atol,
            rtol,
        )


def _check_float32(function: Callable[..., Any], arrays: Sequence[Array], tolerance: float) -> None:
    narrow = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in arrays]
    # The same numbers in float64: what remains is the rounding inside the operation.
    wide = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in narrow]
    leaves = _leaves(narrow)
    results = _flat(function(*leaves))
    for index, result in enumerate(results):
        if result.dtype.kind == "f" and result.dtype != np.float32:
            raise AssertionError(
                f"dtype kept: float32 inputs gave result {index} in {result.dtype}. Does a "
                "constant in float64 take part? Python numbers never widen; NumPy scalars and "
                "arrays do."
            )
    grads = _gradients(results, leaves)
    for index, grad in enumerate(grads):
        if grad is not None and grad.dtype != np.float32:
            raise AssertionError(
                f"dtype kept: the gradient of float32 input {index} is {grad.dtype}."
            )
    expected, expected_grads = _run(function, wide)
    _close(
        "Value in float32 against float64",
        [x.array for x in results],
        expected,
        tolerance,
        tolerance,
    )
    _close("Gradient in float32 against float64", grads, expected_grads, tolerance, tolerance)
