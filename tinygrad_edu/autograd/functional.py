"""Jacobians, Hessians and their products with vectors. PyTorch: `torch.autograd.functional`.

For y = f(x) with the Jacobian J = dy/dx and, if y is a number, the Hessian H:

    vjp: vᵀJ    jvp: Jv    vhp: vᵀH    hvp: Hv

The engine computes vᵀJ. It is linear in v with the derivative Jᵀ, so a second pass through the
first one, with respect to v, makes Jv out of it.

All functions take a tensor or a tuple of tensors, and call `func` with them as its arguments. The
results have no graph unless `create_graph=True`. With `strict=True` an output that does not depend
on an input is an error, which gives zeros otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from . import differentiate
from .graph import Alias, TensorBase, apply, wrap
from .mode import switched

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors: TypeAlias = tuple[Any, ...]
Function: TypeAlias = Callable[..., Any]


def jacobian(
    func: Function,
    inputs: Tensor | tuple[Tensor, ...],
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """All derivatives of the outputs: J[i, j] = dy_i/dx_j, of shape (*y.shape, *x.shape).

    A tuple over the inputs, or over the outputs, or a tuple of tuples [output][input] if there are
    several of both. One reverse pass for each element of y; `vectorize` and `strategy` choose other
    ways to the same numbers in PyTorch and change nothing here.

    Raises TypeError for what is no tensor, RuntimeError for what `strict` forbids, ValueError for
    an unknown strategy. PyTorch: `torch.autograd.functional.jacobian`.

    >>> x = tg.tensor([1.0, 2.0])
    >>> tg.autograd.functional.jacobian(lambda x: x**2, x)
    tensor([[2., 0.],
            [0., 4.]])
    """
    _check_strategy("jacobian", "strategy", strategy, vectorize, strict, create_graph)
    with switched(grad=True):
        xs = _prepared(inputs, "jacobian", create_graph)
        ys, single = _outputs(func(*xs), "jacobian", strict)
        rows = tuple(_jacobian(y, i, xs, create_graph, strict) for i, y in enumerate(ys))
    result = rows if isinstance(inputs, tuple) else tuple(row[0] for row in rows)
    return result[0] if single else result


def _jacobian(y: Any, index: int, xs: Tensors, create_graph: bool, strict: bool) -> Tensors:
    """The derivatives of one output with respect to every input."""
    columns: list[list[Any]] = [[] for _ in xs]
    for position in range(y.array.size):
        direction = np.zeros(y.array.size, y.dtype)
        direction[position] = 1
        grads = _grad([y], xs, [wrap(direction.reshape(y.shape))], create_graph)
        for number, (x, grad) in enumerate(zip(xs, grads, strict=True)):
            if strict:
                _check_dependence("jacobian", index, number, grad, create_graph)
            columns[number].append(_zeros(x) if grad is None else grad)
    return tuple(
        np.stack(column).reshape(y.shape + x.shape) if column else wrap(_empty(y, x))
        for x, column in zip(xs, columns, strict=True)
    )


def _empty(y: Any, x: Any) -> Any:
    return np.zeros(y.shape + x.shape, x.dtype)


def hessian(
    func: Function,
    inputs: Tensor | tuple[Tensor, ...],
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """All second derivatives of a number: H[i, j] = d²y/dx_i dx_j, of shape (*x.shape, *x.shape).

    A tuple of tuples if `inputs` is a tuple. `vectorize` and `outer_jacobian_strategy` choose other
    ways to the same numbers in PyTorch and change nothing here. Raises RuntimeError unless `func`
    returns one element. PyTorch: `torch.autograd.functional.hessian`.

    >>> x = tg.tensor([1.0, 2.0])
    >>> tg.autograd.functional.hessian(lambda x: (x**3).sum(), x)
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    _check_strategy(
        "hessian", "outer_jacobian_strategy", outer_jacobian_strategy, vectorize, strict, False
    )
    xs = _as_tuple(inputs, "inputs", "hessian")

    def gradient(*points: Any) -> Any:
        y = _single(func(*points), "hessian", strict)
        if strict:
            return _gradient(y.reshape(()), points, "hessian")
        return tuple(
            _zeros(x) if grad is None else grad
            for x, grad in zip(points, _grad([y.reshape(())], points, None, True), strict=True)
        )

    result = jacobian(gradient, xs, create_graph=create_graph, strict=strict)
    return result if isinstance(inputs, tuple) else result[0][0]


def vjp(
    func: Function,
    inputs: Tensor | tuple[Tensor, ...],
    v: Tensor | tuple[Tensor, ...] | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """(outputs, vᵀJ): one reverse pass. v, like the outputs, may be left out for one number.

    PyTorch: `torch.autograd.functional.vjp`.

    >>> x = tg.tensor([1.0, 2.0])
    >>> tg.autograd.functional.vjp(lambda x: x**2, x, tg.ones(2))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    with switched(grad=True):
        xs = _prepared(inputs, "vjp", create_graph)
        ys, single = _outputs(func(*xs), "vjp", strict)
        vs = _vectors(v, ys, "vjp", "the user-provided function returns")
        grads = _grad(ys, xs, vs, create_graph)
        if strict:
            for number, grad in enumerate(grads):
                _check_dependence("vjp", None, number, grad, create_graph)
    return _finished(ys, single, create_graph), _results(grads, xs, inputs, create_graph)


def jvp(
    func: Function,
    inputs: Tensor | tuple[Tensor, ...],
    v: Tensor | tuple[Tensor, ...] | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """(outputs, Jv): how the outputs change along v, which is like the inputs. Two reverse passes.

    PyTorch: `torch.autograd.functional.jvp`.

    >>> x = tg.tensor([1.0, 2.0])
    >>> tg.autograd.functional.jvp(lambda x: x.sum() * x, x, tg.tensor([1.0, 0.0]))
    (tensor([3., 6.]), tensor([4., 2.]))
    """
    with switched(grad=True):
        xs = _prepared(inputs, "jvp", create_graph)
        vs = _vectors(v, xs, "jvp", "the input is")
        ys, single = _outputs(func(*xs), "jvp", strict)
        changes = pushed_forward(ys, xs, vs, create_graph, strict)
        results = [_zeros(y) if c is None else c for y, c in zip(ys, changes, strict=True)]
    return (
        _finished(ys, single, create_graph),
        _finished(tuple(results), single, create_graph),
    )


def pushed_forward(
    ys: Sequence[Any], xs: Tensors, vs: Tensors, create_graph: bool, strict: bool = False
) -> list[Any]:
    """Jv for each output, by differentiating vᵀJ with respect to v; None where it is zero."""
    directions = [wrap(np.zeros_like(y.array)).requires_grad_() for y in ys]
    pulled_back = _grad(ys, xs, directions, True)
    pairs = [
        (grad, v)
        for grad, v in zip(pulled_back, vs, strict=True)
        if grad is not None and grad.requires_grad
    ]
    changes: list[Any] = [None] * len(ys)
    if pairs:
        changes = list(
            _grad([p[0] for p in pairs], directions, [p[1] for p in pairs], create_graph)
        )
    if strict:
        for number, grad in enumerate(pulled_back):
            _check_dependence("jvp", None, number, grad, False)
        for number, change in enumerate(changes):
            if change is None:
                raise _independent(f"Output {number}", "the inputs")
            if create_graph and not change.requires_grad:
                raise RuntimeError(
                    f"The Jacobian of output {number} is independent of the inputs, which strict "
                    "mode forbids with create_graph=True: its derivative is 0 everywhere."
                )
    return changes


def vhp(
    func: Function,
    inputs: Tensor | tuple[Tensor, ...],
    v: Tensor | tuple[Tensor, ...] | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """(output, vᵀH) of a function that returns one element; v is like the inputs.

    PyTorch: `torch.autograd.functional.vhp`.

    >>> x = tg.tensor([1.0, 2.0])
    >>> tg.autograd.functional.vhp(lambda x: (x**3).sum(), x, tg.tensor([1.0, 0.0]))
    (tensor(9.), tensor([6., 0.]))
    """
    return _hessian_product("vhp", func, inputs, v, create_graph, strict)


def hvp(
    func: Function,
    inputs: Tensor | tuple[Tensor, ...],
    v: Tensor | tuple[Tensor, ...] | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """(output, Hv) of a function that returns one element; v is like the inputs.

    H is symmetric where the second derivatives are continuous, so this is `vhp`.
    PyTorch: `torch.autograd.functional.hvp`.

    >>> x = tg.tensor([1.0, 2.0])
    >>> tg.autograd.functional.hvp(lambda x: (x**3).sum(), x, tg.tensor([1.0, 0.0]))
    (tensor(9.), tensor([6., 0.]))
    """
    return _hessian_product("hvp", func, inputs, v, create_graph, strict)


def _hessian_product(
    name: str, func: Function, inputs: Any, v: Any, create_graph: bool, strict: bool
) -> tuple[Any, Any]:
    with switched(grad=True):
        xs = _prepared(inputs, name, create_graph)
        vs = _vectors(v, xs, name, "the input is")
        y = _single(func(*xs), name, strict)
        if strict:
            gradient: Any = _gradient(y, xs, name)
        else:
            gradient = _grad([y], xs, None, True)
        pairs = [
            (grad, w)
            for grad, w in zip(gradient, vs, strict=True)
            if grad is not None and grad.requires_grad
        ]
        grads: Sequence[Any] = [None] * len(xs)
        if pairs:
            grads = _grad([p[0] for p in pairs], xs, [p[1] for p in pairs], create_graph)
        if strict:
            for number, grad in enumerate(grads):
                _check_dependence(name, None, number, grad, create_graph)
    return _finished((y,), True, create_graph), _results(grads, xs, inputs, create_graph)


def _gradient(y: Any, xs: Tensors, name: str) -> Tensors:
    """The gradient, every part of which has to depend on the inputs."""
    grads = _grad([y], xs, None, True)
    for number, grad in enumerate(grads):
        _check_dependence(name, 0, number, grad, True)
    return tuple(grads)


# What goes in and out.


def _as_tuple(values: Any, what: str, name: str) -> Tensors:
    parts = values if isinstance(values, tuple) else (values,)
    for index, part in enumerate(parts):
        if not isinstance(part, TensorBase):
            where = f"the value at index {index}" if isinstance(values, tuple) else "it"
            raise TypeError(
                f"The {what} given to {name} must be a tensor or a tuple of tensors, but {where} "
                f"is a {type(part).__name__}."
            )
    return parts


def _prepared(inputs: Any, name: str, create_graph: bool) -> Tensors:
    """The points to differentiate at, each with a node or a leaf of its own."""
    return tuple(
        apply(Alias(), x)
        if create_graph and x.edge is not None
        else wrap(x.array, None, x.version).requires_grad_()
        for x in _as_tuple(inputs, "inputs", name)
    )


def _outputs(result: Any, name: str, strict: bool) -> tuple[Tensors, bool]:
    ys = _as_tuple(result, "outputs of the function", name)
    if strict:
        for number, y in enumerate(ys):
            if not y.requires_grad:
                raise RuntimeError(
                    f"Output {number} of the function given to {name} does not require grad: in "
                    "strict mode every output is computed from the inputs by operations on tensors."
                )
    return ys, not isinstance(result, tuple)


def _single(result: Any, name: str, strict: bool) -> Any:
    ys, single = _outputs(result, name, strict)
    if not single or ys[0].array.size != 1:
        shape = f"{len(ys)} outputs" if not single else f"shape {ys[0].shape}"
        raise RuntimeError(
            f"The function given to {name} should return a single tensor with one element; it "
            f"returned {shape}. Reduce it, for example with .sum()."
        )
    return ys[0]


def _vectors(v: Any, like: Tensors, name: str, where: str) -> Tensors:
    """The vectors of a product, checked against the tensors that they belong to."""
    if v is None:
        if len(like) != 1 or like[0].array.size != 1:
            raise RuntimeError(
                f"{name}: the vector v can be left out only if {where} a single tensor with a "
                "single element. Pass v, of the same shape."
            )
        return (wrap(np.ones_like(like[0].array)),)
    vs = _as_tuple(v, "v", name)
    if len(vs) != len(like):
        raise RuntimeError(f"{name}: v has {len(vs)} tensors, but {len(like)} are needed.")
    for number, (vector, tensor) in enumerate(zip(vs, like, strict=True)):
        if vector.shape != tensor.shape:
            raise RuntimeError(
                f"{name}: entry {number} of v has shape {vector.shape}; it should be "
                f"{tensor.shape}, that of the tensor it belongs to."
            )
    return vs


def _grad(ys: Sequence[Any], xs: Any, vs: Any, create_graph: bool) -> Sequence[Any]:
    """`autograd.grad` that gives None where nothing depends on anything."""
    vs = [None] * len(ys) if vs is None else vs
    pairs = [(y, v) for y, v in zip(ys, vs, strict=True) if y.edge is not None]
    if not pairs:
        return [None] * len(xs)
    return differentiate.grad(
        [pair[0] for pair in pairs],
        xs,
        [pair[1] for pair in pairs],
        retain_graph=True,
        create_graph=create_graph,
        allow_unused=True,
    )


def _zeros(x: Any) -> Any:
    return wrap(np.zeros_like(x.array))


def _results(grads: Any, xs: Tensors, inputs: Any, create_graph: bool) -> Any:
    filled = tuple(_zeros(x) if g is None else g for x, g in zip(xs, grads, strict=True))
    return _finished(filled, not isinstance(inputs, tuple), create_graph)


def _finished(tensors: Tensors, single: bool, create_graph: bool) -> Any:
    if not create_graph:
        tensors = tuple(tensor.detach() for tensor in tensors)
    return tensors[0] if single else tensors


def _check_dependence(
    name: str, output: int | None, number: int, grad: Any, create_graph: bool
) -> None:
    """In strict mode: does an output depend on this input, and its derivative too?"""
    if grad is None:
        raise _independent(
            "The output" if output is None else f"Output {output}", f"input {number}"
        )
    if create_graph and not grad.requires_grad:
        raise RuntimeError(
            f"The {name} of the function is independent of input {number}, which strict mode "
            "forbids with create_graph=True: its derivative is 0 everywhere."
        )


def _independent(what: str, of: str) -> RuntimeError:
    return RuntimeError(
        f"{what} of the function is independent of {of}, which strict mode forbids. With "
        "strict=False the derivative is 0."
    )


def _check_strategy(
    name: str, argument: str, strategy: str, vectorize: bool, strict: bool, create_graph: bool
) -> None:
    if strategy not in ("reverse-mode", "forward-mode"):
        raise ValueError(
            f'{name}: {argument} is "reverse-mode" or "forward-mode"; got {strategy!r}.'
        )
    if strategy == "forward-mode" and not vectorize:
        raise NotImplementedError(
            f'{name}: {argument}="forward-mode" goes with vectorize=True, as in PyTorch.'
        )
    if strategy == "forward-mode" and create_graph:
        raise NotImplementedError(
            f'{name}: {argument}="forward-mode" does not go with create_graph=True, as in PyTorch.'
        )
    if strict and vectorize:
        raise RuntimeError(f"{name}: strict=True does not go with vectorize=True, as in PyTorch.")
