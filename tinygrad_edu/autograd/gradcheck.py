"""Gradients compared with numerical differentiation: the oracle that every rule answers to.

A rule computes vᵀJ for a gradient v that flows in. So does a central difference, one input element
at a time:

    (vᵀJ)_i = v · (f(x + eps e_i) - f(x - eps e_i)) / (2 eps)

v is random: with v = 1 everywhere, a transposed or permuted result would go unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from . import differentiate
from .graph import Array, TensorBase, wrap
from .mode import switched

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck", "numerical_gradient"]

Function: TypeAlias = Callable[..., Any]


class GradcheckError(RuntimeError):
    """A gradient differs from the numerical one, or changes from one pass to the next."""


@dataclass(frozen=True)
class Tolerance:
    """How far an analytic gradient may be from the numerical one."""

    atol: float
    rtol: float
    scaled: bool = False  # atol is multiplied by the largest element, where that is above 1

    def limit(self, numerical: Array, terms: float = 0.0) -> Array:
        """The largest deviation allowed for each element; `terms` may have cancelled in it."""
        size = np.abs(numerical)
        if self.scaled:
            size = np.maximum(size, terms)
        scale = max(1.0, float(size.max(initial=0))) if self.scaled else 1.0
        return np.asarray(self.atol * scale + self.rtol * size)


def numerical_gradient(
    function: Function,
    inputs: Tensor | Sequence[Any],
    cotangents: Any = None,
    *,
    eps: float = 1e-6,
) -> tuple[Any, ...]:
    """The gradient by central differences, two evaluations of `function` for each input element.

    Differentiates L = Σ cotangents · function(*inputs) with respect to every float64 tensor among
    `inputs`; the result has one NumPy array for each input, None for an input that is something
    else. `cotangents` is an array for each floating result; it may be left out if there is one
    result with a single element. The inputs are changed in place meanwhile, so functions that use
    them without taking them as arguments are right too.

    Raises ValueError for tensors of a lower precision, in which differences drown in rounding
    errors.

    >>> x = tg.tensor([1.0, 2.0], dtype=tg.float64)
    >>> (gradient,) = numerical_gradient(lambda x: (x**3).sum(), x)
    >>> gradient.round(6).tolist()
    [3.0, 12.0]
    """
    arguments = _as_arguments(inputs)
    checked = [x for x in arguments if isinstance(x, TensorBase) and x.dtype.kind == "f"]
    _require_float64("numerical_gradient", arguments, checked)
    with switched(grad=True):
        if cotangents is None:
            shapes = [output.shape for output in _floating_outputs(function(*arguments))]
            if len(shapes) != 1 or np.prod(shapes[0]) != 1:
                raise ValueError(
                    f"numerical_gradient: the results have shapes {shapes}; without cotangents "
                    "there must be a single number. Pass one array of each shape, or reduce the "
                    "result: `f(x).sum()`."
                )
            weights = [np.ones(shapes[0])]
        else:
            given = cotangents if isinstance(cotangents, (list, tuple)) else [cotangents]
            weights = [
                np.asarray(c.array if isinstance(c, TensorBase) else c, dtype=np.float64)
                for c in given
            ]
        gradients = _differences(function, arguments, checked, weights, eps)
    results = dict(zip(map(id, checked), gradients, strict=True))
    return tuple(results.get(id(x)) for x in arguments)


def gradcheck(
    func: Function,
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-4,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,  # noqa: ARG001 - the engine sees to it
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compare the gradients of `func` with central differences: True, or GradcheckError.

    Checks vᵀJ for a random v: |analytic - numerical| <= atol + rtol |numerical| for every element
    of every input that requires grad. An input that the results do not depend on must have a
    numerical gradient of 0. A second backward pass must agree with the first within `nondet_tol`.
    With several results, each one alone must give the same gradient as with zeros for the others
    (`check_undefined_grad`). `fast_mode` compares one random direction per input, with two
    evaluations instead of two per element. The default rtol is a tenth of PyTorch's, with which an
    error of 0.1 % would pass.

    Inputs are float64: in float32 the rounding error of f(x + eps) - f(x - eps) exceeds what is
    measured. Draw them away from kinks and ties (`tinygrad_edu.testing.strategies.arrays`). With
    `raise_exception=False` the answer to a wrong gradient is False.

    PyTorch: `torch.autograd.gradcheck`. Its checks of batched and forward-mode gradients and of
    sparse tensors do not exist here, and asking for them raises ValueError.

    Unlike PyTorch, the relative tolerance is 1e-4: with 1e-3 an error of 0.1 % in a rule passes.

    >>> x = tg.tensor([0.5, 1.5], dtype=tg.float64, requires_grad=True)
    >>> tg.autograd.gradcheck(tg.exp, x)
    True
    """
    _refuse(
        "gradcheck",
        {
            "check_batched_grad=True": check_batched_grad,
            "check_batched_forward_grad=True": check_batched_forward_grad,
            "check_forward_ad=True": check_forward_ad,
            "check_backward_ad=False": not check_backward_ad,
            "masked=True": bool(masked),
        },
    )
    arguments = _as_arguments(inputs)
    checked = [x for x in arguments if isinstance(x, TensorBase) and x.requires_grad]  # type: ignore[attr-defined]
    if not checked:
        raise ValueError(
            "gradcheck: no input requires grad, so there is nothing to check. Make the inputs with "
            "requires_grad=True, for example tg.tensor(x, dtype=tg.float64, requires_grad=True)."
        )
    _require_float64("gradcheck", arguments, checked)
    try:
        check_gradients(
            func,
            arguments,
            checked,
            tolerance=Tolerance(atol, rtol),
            eps=eps,
            nondet_tol=nondet_tol,
            each_output=check_undefined_grad,
            fast=fast_mode,
        )
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Function,
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Any] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-4,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Compare second derivatives with differences: `gradcheck` of vᵀJ as a function of x and v.

    `grad_outputs` is v, random if not given. The other arguments are those of `gradcheck`;
    `gen_non_contig_grad_outputs` lays v out in memory with gaps.

    PyTorch: `torch.autograd.gradgradcheck`.

    >>> x = tg.tensor([0.5, 1.5], dtype=tg.float64, requires_grad=True)
    >>> tg.autograd.gradgradcheck(tg.sin, x)
    True
    """
    _refuse(
        "gradgradcheck",
        {
            "check_batched_grad=True": check_batched_grad,
            "check_fwd_over_rev=True": check_fwd_over_rev,
            "check_rev_over_rev=False": not check_rev_over_rev,
            "masked=True": masked,
        },
    )
    first, arguments = first_derivative(
        func, _as_arguments(inputs), grad_outputs, gen_non_contig_grad_outputs
    )
    return gradcheck(
        first,
        arguments,
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        fast_mode=fast_mode,
    )


# The parts, which `tinygrad_edu.testing.check_op` uses too.


def check_gradients(
    function: Function,
    arguments: Sequence[Any],
    checked: Sequence[TensorBase],
    *,
    tolerance: Tolerance,
    eps: float,
    nondet_tol: float = 0.0,
    each_output: bool = True,
    fast: bool = False,
) -> None:
    """Raise GradcheckError unless backward agrees with differences for the inputs `checked`."""
    with switched(grad=True):
        outputs = _floating_outputs(function(*arguments))
        _check_repeatable(function, arguments, outputs, nondet_tol)
        cotangents = random_cotangents(outputs)
        analytic = _backward(outputs, checked, cotangents)
        again = _backward(outputs, checked, cotangents)
        for index, (first, second) in enumerate(zip(analytic, again, strict=True)):
            distance = _distance(first, second)
            if not distance <= nondet_tol:
                raise GradcheckError(
                    "Backward is not deterministic: two passes over the same graph gave gradients "
                    f"of input {_position(arguments, checked[index])} that differ by "
                    f"{np.nanmax(np.abs(first - second)):.3g}. Does the rule change a saved array "
                    "or the incoming gradient, or draw random numbers?"
                )
        if each_output:
            _check_each_output(outputs, checked, cotangents, arguments)
        if fast:
            _compare_directions(function, arguments, checked, cotangents, analytic, eps, tolerance)
            return
        numerical = _differences(function, arguments, checked, cotangents, eps)
    for tensor, theirs, ours in zip(checked, numerical, analytic, strict=True):
        _compare(_position(arguments, tensor), ours, theirs, tolerance)


def first_derivative(
    function: Function, arguments: Sequence[Any], grad_outputs: Any = None, gaps: bool = False
) -> tuple[Function, list[Any]]:
    """vᵀJ of `function` as a function of its arguments and v, and the arguments to call it with."""
    chosen = [
        index
        for index, x in enumerate(arguments)
        if isinstance(x, TensorBase) and x.requires_grad  # type: ignore[attr-defined]
    ]
    count = len(arguments)
    with switched(grad=True):
        outputs = [
            output for output in _floating_outputs(function(*arguments)) if output.edge is not None
        ]
    if grad_outputs is None:
        weights: list[Any] = []
        for cotangent in random_cotangents(outputs):
            spaced = gaps and cotangent.ndim
            weight = wrap(np.repeat(cotangent, 2, axis=-1)[..., ::2] if spaced else cotangent)
            weight.needs_grad = True
            weights.append(weight)
    else:
        weights = list(grad_outputs) if isinstance(grad_outputs, (list, tuple)) else [grad_outputs]

    def first(*values: Any) -> tuple[Tensor, ...]:
        outputs = _floating_outputs(function(*values[:count]))
        results: Any = [output for output in outputs if output.edge is not None]
        inputs: Any = [values[index] for index in chosen]
        grads: Any = (None,) * len(inputs)
        if results:
            weights = list(values[count:])
            grads = differentiate.grad(
                results, inputs, weights, create_graph=True, allow_unused=True
            )
        return tuple(
            wrap(np.zeros_like(x.array)) if grad is None else grad
            for grad, x in zip(grads, inputs, strict=True)
        )

    return first, [*arguments, *weights]


def random_cotangents(outputs: Iterable[TensorBase]) -> list[Array]:
    """Fixed random weights for the elements of the results, of size 0.5 to 1.5 and either sign."""
    generator = np.random.default_rng(20)
    cotangents = []
    for output in outputs:
        size = generator.uniform(0.5, 1.5, output.shape)
        sign = generator.choice(np.array([-1.0, 1.0]), output.shape)
        cotangents.append(np.asarray(size * sign, dtype=output.dtype))
    return cotangents


def _as_arguments(inputs: Any) -> list[Any]:
    return list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]


def _position(arguments: Sequence[Any], tensor: TensorBase) -> int:
    return next(index for index, x in enumerate(arguments) if x is tensor)


def _refuse(name: str, options: dict[str, bool]) -> None:
    for option, asked in options.items():
        if asked:
            raise ValueError(
                f"{name}: {option} is not supported: gradients here are dense and computed in "
                "reverse mode only."
            )


def _require_float64(name: str, arguments: Sequence[Any], checked: Sequence[TensorBase]) -> None:
    for tensor in checked:
        if tensor.dtype != np.float64:
            raise ValueError(
                f"{name}: input {_position(arguments, tensor)} is {tensor.dtype}. Differences of "
                "eps=1e-6 need float64: in a lower precision f(x + eps) - f(x - eps) is mostly "
                "rounding error. Convert first, for example "
                "`x.detach().double().requires_grad_()`, or a module with `module.double()`."
            )


def _floating_outputs(answer: Any) -> list[TensorBase]:
    """The results that can have a gradient."""
    results = answer if isinstance(answer, (tuple, list)) else (answer,)
    outputs: list[TensorBase] = []
    for result in results:
        if isinstance(result, (tuple, list)):
            outputs.extend(_floating_outputs(result))
        elif not isinstance(result, TensorBase):
            raise TypeError(
                "The function must return a tensor or several; it returned "
                f"{type(result).__name__}. Gradients cannot be followed through anything else."
            )
        elif result.dtype.kind == "f":
            outputs.append(result)
    return outputs


def _backward(
    outputs: Sequence[TensorBase], inputs: Any, cotangents: Sequence[Array]
) -> list[Array]:
    """The analytic vᵀJ; zeros for an input that the results do not depend on."""
    live: Any = [
        (output, wrap(cotangent))
        for output, cotangent in zip(outputs, cotangents, strict=True)
        if output.edge is not None
    ]
    if not live:
        return [np.zeros_like(x.array) for x in inputs]
    results, weights = zip(*live, strict=True)
    grads = differentiate.grad(results, inputs, weights, retain_graph=True, allow_unused=True)
    return [
        np.zeros_like(x.array) if grad is None else grad.array
        for grad, x in zip(grads, inputs, strict=True)
    ]


@contextmanager
def _movable(tensors: Sequence[TensorBase]) -> Iterator[None]:
    """Let tensors be moved in place, on private copies of their arrays."""
    before = [tensor.array for tensor in tensors]
    try:
        for tensor, array in zip(tensors, before, strict=True):
            tensor.array = np.array(array)
        yield
    finally:
        for tensor, array in zip(tensors, before, strict=True):
            tensor.array = array


def _values(function: Function, arguments: Sequence[Any]) -> list[Array]:
    # Copies: a result may be a view of an input that is about to move.
    return [np.array(output.array) for output in _floating_outputs(function(*arguments))]


def _slope(
    high: Sequence[Array], low: Sequence[Array], cotangents: Sequence[Array], eps: float
) -> float:
    # Differences first: elements that do not depend on the input cancel exactly.
    with np.errstate(all="ignore"):
        total = sum(
            float(np.sum(v * (above - below)))
            for above, below, v in zip(high, low, cotangents, strict=True)
        )
    return total / (2 * eps)


def _differences(
    function: Function,
    arguments: Sequence[Any],
    checked: Sequence[TensorBase],
    cotangents: Sequence[Array],
    eps: float,
) -> list[Array]:
    """The numerical vᵀJ for each tensor in `checked`."""
    gradients = []
    unique = list({id(tensor): tensor for tensor in checked}.values())
    with _movable(unique):
        for tensor in checked:
            gradient = np.zeros(tensor.shape)
            x = tensor.array
            for index in np.ndindex(x.shape):
                value = x[index]
                x[index] = value + eps
                high = _values(function, arguments)
                x[index] = value - eps
                low = _values(function, arguments)
                x[index] = value
                gradient[index] = _slope(high, low, cotangents, eps)
            gradients.append(gradient)
    return gradients


def _compare_directions(
    function: Function,
    arguments: Sequence[Any],
    checked: Sequence[TensorBase],
    cotangents: Sequence[Array],
    analytic: Sequence[Array],
    eps: float,
    tolerance: Tolerance,
) -> None:
    """For each input, compare the slope along one random direction."""
    generator = np.random.default_rng(21)
    unique = list({id(tensor): tensor for tensor in checked}.values())
    with _movable(unique):
        for tensor, gradient in zip(checked, analytic, strict=True):
            direction = generator.uniform(0.5, 1.0, tensor.shape) * generator.choice(
                [-1.0, 1.0], tensor.shape
            )
            x = tensor.array
            value = x.copy()
            x[...] = value + eps * direction
            high = _values(function, arguments)
            x[...] = value - eps * direction
            low = _values(function, arguments)
            x[...] = value
            numerical = _slope(high, low, cotangents, eps)
            with np.errstate(all="ignore"):
                ours = float(np.sum(gradient * direction))
                terms = float(np.sum(np.abs(gradient * direction)))
            limit = float(tolerance.limit(np.asarray(numerical), terms))
            if not abs(ours - numerical) <= limit:
                raise GradcheckError(
                    f"The gradient of input {_position(arguments, tensor)}, of shape "
                    f"{tensor.shape}, is wrong: along a random direction the function rises by "
                    f"{numerical:.9g} (numerical), by its gradient {ours:.9g}; allowed deviation "
                    f"{limit:.2g}. Without fast_mode the elements are named."
                )


def _distance(first: Array, second: Array) -> float:
    """The largest difference; equal infinities and NaN beside NaN count as none."""
    with np.errstate(all="ignore"):
        difference = np.abs(first - second)
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    return float(np.where(same, 0, difference).max(initial=0))


def _check_repeatable(
    function: Function, arguments: Sequence[Any], outputs: Sequence[TensorBase], nondet_tol: float
) -> None:
    for index, (first, second) in enumerate(
        zip(outputs, _values(function, arguments), strict=True)
    ):
        if first.shape != second.shape or not _distance(first.array, second) <= nondet_tol:
            raise GradcheckError(
                f"The function is not deterministic: result {index} changed between two calls "
                "with the same inputs. Seed what is random inside it (`tg.manual_seed(0)`), or "
                "switch it off (`module.eval()`)."
            )


def _check_each_output(
    outputs: Sequence[TensorBase],
    checked: Sequence[TensorBase],
    cotangents: Sequence[Array],
    arguments: Sequence[Any],
) -> None:
    """A result that takes no part in the loss counts as one with gradient zero."""
    live = [index for index, output in enumerate(outputs) if output.edge is not None]
    if len(live) < 2:
        return
    for index in live:
        alone = _backward([outputs[index]], checked, [cotangents[index]])
        weights = [c if i == index else np.zeros_like(c) for i, c in enumerate(cotangents)]
        zeros = _backward(outputs, checked, weights)
        for tensor, ours, theirs in zip(checked, alone, zeros, strict=True):
            if not np.allclose(ours, theirs, rtol=1e-9, atol=1e-12, equal_nan=True):
                raise GradcheckError(
                    f"With only result {index} of {len(outputs)} in the loss, the gradient of "
                    f"input {_position(arguments, tensor)} is not what it is with gradients of "
                    "zero for the other results: does backward handle results that were not used?"
                )


def _compare(position: int, analytic: Array, numerical: Array, tolerance: Tolerance) -> None:
    deviation = np.abs(analytic - numerical)
    limit = tolerance.limit(numerical)
    bad = ~(deviation <= limit)  # NaN is bad, too
    if not bad.any():
        return
    worst = np.unravel_index(
        np.argmax(np.where(np.isnan(deviation), np.inf, deviation)), deviation.shape
    )
    ours, theirs = float(analytic[worst]), float(numerical[worst])
    place = f" at index {[int(i) for i in worst]}" if worst else ""
    raise GradcheckError(
        f"The gradient of input {position}, of shape {numerical.shape}, is wrong in "
        f"{int(bad.sum())} of {bad.size} elements. The largest deviation is "
        f"{float(deviation[worst]):.3g}{place}: numerical {theirs:.9g}, analytic {ours:.9g}; "
        f"allowed {float(limit[worst]):.2g}.{_hint(analytic, numerical, limit)}"
    )


def _hint(analytic: Array, numerical: Array, limit: Array) -> str:
    """What the deviation looks like, if it looks like something."""
    if not np.isfinite(analytic).all():
        return " The analytic gradient is not finite."
    if not np.isfinite(numerical).all():
        return " The numerical gradient is not finite: is the function defined around these inputs?"
    if not analytic.any():
        return (
            " The analytic gradient is zero: does the function leave the graph (detach, item, "
            "numpy), or does its rule return nothing for this input?"
        )
    if not numerical.any():
        return " The function does not depend on this input, but its rule returns a gradient."
    factor = float(np.sum(analytic * numerical) / np.sum(numerical * numerical))
    # A common factor explains most of the deviation: name it.
    if np.all(np.abs(analytic - factor * numerical) <= 10 * limit):
        return f" All of it is {factor:.6g} times the numerical gradient: a missing factor?"
    square = numerical.ndim == 2 and numerical.shape[0] == numerical.shape[1]
    if square and np.all(np.abs(analytic.T - numerical) <= np.maximum(limit, limit.T)):
        return " It is the numerical gradient, transposed."
    return ""
