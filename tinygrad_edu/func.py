"""Functions that make functions: gradients, products with Jacobians, maps. PyTorch: `torch.func`.

    gradient = tg.func.grad(loss)            # a function like loss that returns its gradient
    second = tg.func.grad(tg.func.grad(f))   # they nest
    per_sample = tg.func.vmap(gradient, in_dims=(None, 0, 0))(parameters, images, labels)

Arguments may be dicts, lists and tuples of tensors, such as the parameters of a model for
`functional_call`. A result has a graph only if it depends on tensors that require grad outside of
the function, or on the argument of an enclosing transform.

All of it is built on the one reverse pass: `jvp` and `jacfwd` are two such passes where PyTorch has
a forward mode, and `vmap` is a loop that stacks its results. The numbers are the same, but a map is
no faster than the loop.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from . import random
from .autograd.differentiate import grad as gradients
from .autograd.functional import pushed_forward
from .autograd.graph import Alias, Operation, TensorBase, apply, wrap
from .autograd.mode import MODE, switched
from .autograd.trees import leaves, rebuilt
from .nn.module import Module
from .ops.joining import stack
from .tensor import Tensor

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "stack_module_state",
    "vjp",
    "vmap",
]

Function: TypeAlias = Callable[..., Any]
Argnums: TypeAlias = int | tuple[int, ...]


# One level of differentiation.


class _Level:
    """The points at which one transform differentiates, apart from those of others."""

    def __init__(self, name: str, trees: Sequence[Any]) -> None:
        self.name = name
        self.given = leaves(list(trees))
        for x in self.given:
            if not isinstance(x, TensorBase):
                raise ValueError(
                    f"{name}: the arguments to differentiate by must be tensors, or dicts, lists "
                    f"and tuples of tensors; got {type(x).__name__}."
                )
        self.recording = MODE.get().grad
        self.inside = self.recording and any(x.edge is not None for x in self.given)
        self.points: list[Any] = [
            # A node of its own, so that other uses of the same tensor do not count.
            apply(Alias(), x) if self.inside and x.edge is not None else _leaf(x)
            for x in self.given
        ]
        values = iter(self.points)
        self.trees = [rebuilt(tree, values) for tree in trees]

    def depends_outside(self, outputs: Sequence[Any]) -> bool:
        """Whether the outputs depend on something that requires grad outside of this level."""
        if not self.recording or self.inside:
            return self.inside
        own = {id(x.edge) for x in self.points}
        edges = [y.edge for y in outputs if y.edge is not None]
        seen: set[int] = set()
        while edges:
            edge = edges.pop()
            if id(edge) in seen or id(edge) in own:
                continue
            seen.add(id(edge))
            if not isinstance(edge, Operation):
                return True
            edges.extend(parent for parent in edge.parents if parent is not None)
        return False

    def pull_back(
        self,
        outputs: Sequence[Any],
        vectors: Sequence[Any],
        create_graph: bool,
        retain_graph: bool = True,
    ) -> list[Any]:
        """vᵀJ for each point, zeros where the outputs do not depend on it."""
        pairs = [(y, v) for y, v in zip(outputs, vectors, strict=True) if y.edge is not None]
        if not pairs:
            return [wrap(np.zeros_like(x.array)) for x in self.points]
        return list(
            gradients(
                [pair[0] for pair in pairs],
                self.points,
                [pair[1] for pair in pairs],
                retain_graph=retain_graph,
                create_graph=create_graph,
                materialize_grads=True,
            )
        )


def _leaf(x: Any) -> Any:
    if x.dtype.kind != "f":
        raise RuntimeError(
            f"Only tensors of a floating type have a gradient; an argument is of type {x.dtype}. "
            "Convert it, `x.float()`, or leave it out of argnums."
        )
    return wrap(x.array, None, x.version).requires_grad_()


def _tensors(name: str, tree: Any, what: str = "return") -> list[Any]:
    """The tensors that a function returned; nothing else may be among them."""
    found = leaves(tree)
    for x in found:
        if not isinstance(x, TensorBase):
            raise RuntimeError(
                f"{name}: expected the function to {what} tensors only; got "
                f"{type(x).__name__}. Further results go with has_aux=True."
            )
    return found


def _split_aux(name: str, result: Any, has_aux: bool) -> tuple[Any, Any]:
    if not has_aux:
        return result, None
    if not isinstance(result, tuple) or len(result) != 2:
        raise RuntimeError(
            f"{name}: with has_aux=True the function returns a pair, (output, aux); got "
            f"{type(result).__name__}."
        )
    return result


def _unwrapped(tree: Any, keep_graph: bool) -> Any:
    """Results as they leave a level: without the graph of its own points."""
    if keep_graph:
        return tree
    return rebuilt(tree, (x.detach() if isinstance(x, Tensor) else x for x in leaves(tree)))


def _chosen(name: str, argnums: Argnums, args: tuple[Any, ...]) -> list[int]:
    """The positions of the arguments to differentiate by."""
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    if not numbers:
        raise RuntimeError(f"{name}: argnums is empty: name the arguments to differentiate by.")
    positions = []
    for number in numbers:
        if not isinstance(number, int):
            raise RuntimeError(
                f"{name}: argnums is an int or a tuple of ints; got {type(number).__name__}."
            )
        if not -len(args) <= number < len(args):
            raise RuntimeError(
                f"{name}: got argnum={number}, but the function was called with {len(args)} "
                "positional arguments."
            )
        positions.append(number % len(args))
    if len(set(positions)) != len(positions):
        raise RuntimeError(f"{name}: argnums {argnums} names an argument twice.")
    return positions


def _replaced(args: tuple[Any, ...], positions: list[int], trees: Sequence[Any]) -> list[Any]:
    replaced = list(args)
    for position, tree in zip(positions, trees, strict=True):
        replaced[position] = tree
    return replaced


# Gradients.


def grad(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """A function that computes the gradient of `func`, which returns a number.

    The gradient is like the argument (or the tuple of arguments) that `argnums` names. With
    `has_aux=True`, `func` returns (number, aux) and the new function (gradient, aux).

    Raises RuntimeError unless `func` returns a tensor without dimensions, ValueError for arguments
    that are no tensors. PyTorch: `torch.func.grad`.

    >>> cube = lambda x: x**3
    >>> tg.func.grad(cube)(tg.tensor(2.0)), tg.func.grad(tg.func.grad(cube))(tg.tensor(2.0))
    (tensor(12.), tensor(12.))
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        result, value = both(*args, **kwargs)
        return (result, value[1]) if has_aux else result

    return gradient


def grad_and_value(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """A function that computes (gradient, value); with `has_aux`, (gradient, (value, aux)).

    As `grad`. PyTorch: `torch.func.grad_and_value`.

    >>> tg.func.grad_and_value(lambda x: x**3)(tg.tensor(2.0))
    (tensor(12.), tensor(8.))
    """

    @functools.wraps(func)
    def both(*args: Any, **kwargs: Any) -> Any:
        positions = _chosen("grad", argnums, args)
        level = _Level("grad", [args[position] for position in positions])
        with switched(grad=True):
            result = func(*_replaced(args, positions, level.trees), **kwargs)
            value, aux = _split_aux("grad", result, has_aux)
            if not isinstance(value, TensorBase):
                raise RuntimeError(
                    "grad: expected the function to return a tensor; got "
                    f"{type(value).__name__}. Further results go with has_aux=True."
                )
            if value.array.ndim:
                raise RuntimeError(
                    "grad: expected the function to return a number, a tensor without "
                    f"dimensions; got one of shape {value.shape}. Reduce it, or use vjp or jacrev."
                )
            outside = level.depends_outside([value])
            grads = level.pull_back([value], [None], outside)
        values = iter(grads)
        trees = [rebuilt(args[position], values) for position in positions]
        gradient = tuple(trees) if isinstance(argnums, tuple) else trees[0]
        value = _unwrapped(value, outside)
        return gradient, (value, _unwrapped(aux, outside)) if has_aux else value

    return both


# Products with Jacobians.


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> Any:
    """(outputs, pull_back): pull_back(v) is vᵀJ, like the arguments; v is like the outputs.

    With `has_aux=True`, `func` returns (outputs, aux), and vjp (outputs, pull_back, aux).
    PyTorch: `torch.func.vjp`.

    >>> y, pull_back = tg.func.vjp(lambda x: x**2, tg.tensor([1.0, 2.0]))
    >>> pull_back(tg.ones(2))
    (tensor([2., 4.]),)
    """
    level = _Level("vjp", primals)
    with switched(grad=True):
        outputs, aux = _split_aux("vjp", func(*level.trees), has_aux)
        ys = _tensors("vjp", outputs)
        outside = level.depends_outside(ys)

    def pull_back(
        cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None
    ) -> Any:
        vs = _tensors("vjp", cotangents, "take")
        if [v.shape for v in vs] != [y.shape for y in ys]:
            raise RuntimeError(
                f"vjp: the outputs have shapes {[y.shape for y in ys]}; got vectors of shapes "
                f"{[v.shape for v in vs]}."
            )
        create = create_graph
        if create is None:
            create = MODE.get().grad and (outside or any(v.edge is not None for v in vs))
        with switched(grad=True):
            grads = iter(level.pull_back(ys, vs, create, retain_graph))
        return tuple(rebuilt(tree, grads) for tree in primals)

    results = (_unwrapped(outputs, outside), pull_back)
    return (*results, _unwrapped(aux, outside)) if has_aux else results


def jvp(
    func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> Any:
    """(outputs, Jv): how the outputs change as the arguments `primals` change along `tangents`.

    Both are tuples, one entry for each argument. `strict=True` raises RuntimeError if an output
    does not depend on the arguments. With `has_aux=True`: (outputs, Jv, aux). Two reverse passes;
    PyTorch's forward mode needs one. PyTorch: `torch.func.jvp`.

    >>> x, y = tg.tensor(2.0), tg.tensor(3.0)
    >>> tg.func.jvp(lambda x, y: x * y, (x, y), (tg.tensor(1.0), tg.tensor(0.0)))
    (tensor(6.), tensor(3.))
    """
    for name, values in (("primals", primals), ("tangents", tangents)):
        if not isinstance(values, tuple):
            raise RuntimeError(
                f"jvp: {name} is a tuple, one entry for each argument; got {type(values).__name__}."
            )
    level = _Level("jvp", primals)
    vs = _tensors("jvp", tangents, "take")
    if [v.shape for v in vs] != [x.shape for x in level.given]:
        raise RuntimeError(
            f"jvp: the arguments have shapes {[x.shape for x in level.given]}, the tangents "
            f"{[v.shape for v in vs]}: they should be the same."
        )
    with switched(grad=True):
        outputs, aux = _split_aux("jvp", func(*level.trees), has_aux)
        ys = _tensors("jvp", outputs)
        outside = level.depends_outside(ys) or (
            level.recording and any(v.edge is not None for v in vs)
        )
        changes = pushed_forward(ys, tuple(level.points), tuple(vs), outside)
    if strict and None in changes:
        raise RuntimeError("jvp: an output does not depend on the arguments, as strict demands.")
    filled = (
        wrap(np.zeros_like(y.array)) if change is None else change
        for y, change in zip(ys, changes, strict=True)
    )
    results = (_unwrapped(outputs, outside), rebuilt(outputs, filled))
    return (*results, _unwrapped(aux, outside)) if has_aux else results


def linearize(func: Function, *primals: Any) -> tuple[Any, Function]:
    """(outputs, push_forward): push_forward(*tangents) is Jv at `primals`, again and again.

    PyTorch: `torch.func.linearize`.

    >>> y, push_forward = tg.func.linearize(lambda x: x**2, tg.tensor(3.0))
    >>> y, push_forward(tg.tensor(1.0)), push_forward(tg.tensor(2.0))
    (tensor(9.), tensor(6.), tensor(12.))
    """
    level = _Level("linearize", primals)
    with switched(grad=True):
        outputs = func(*level.trees)
        ys = _tensors("linearize", outputs)
        outside = level.depends_outside(ys)

    def push_forward(*tangents: Any) -> Any:
        vs = _tensors("linearize", tangents, "take")
        if [v.shape for v in vs] != [x.shape for x in level.given]:
            raise RuntimeError(
                f"linearize: the arguments have shapes {[x.shape for x in level.given]}; got "
                f"tangents of shapes {[v.shape for v in vs]}."
            )
        with switched(grad=True):
            changes = pushed_forward(ys, tuple(level.points), tuple(vs), outside)
        return rebuilt(
            outputs,
            (
                wrap(np.zeros_like(y.array)) if change is None else change
                for y, change in zip(ys, changes, strict=True)
            ),
        )

    return _unwrapped(outputs, outside), push_forward


# Jacobians.


def jacrev(
    func: Function,
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Function:
    """A function that computes the Jacobian: for outputs y and argument x, of shape (*y, *x).

    Where the outputs or the argument are dicts, lists or tuples, so is the result: an entry for
    each output, and in it one for each argument. One reverse pass for each element of the outputs,
    however many of them PyTorch would do at once (`chunk_size`).

    PyTorch: `torch.func.jacrev`.

    >>> tg.func.jacrev(lambda x: x**2)(tg.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"jacrev: chunk_size is None or above 0; got {chunk_size}.")

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        positions = _chosen("jacrev", argnums, args)
        level = _Level("jacrev", [args[position] for position in positions])
        with switched(grad=True):
            result = func(*_replaced(args, positions, level.trees), **kwargs)
            outputs, aux = _split_aux("jacrev", result, has_aux)
            ys = _tensors("jacrev", outputs)
            outside = level.depends_outside(ys)
            blocks = []
            for y in ys:
                values = iter(_rows(level, y, outside))
                trees = [rebuilt(args[position], values) for position in positions]
                blocks.append(tuple(trees) if isinstance(argnums, tuple) else trees[0])
        answer = rebuilt(outputs, iter(blocks))
        return (answer, _unwrapped(aux, outside)) if has_aux else answer

    return jacobian


def _rows(level: _Level, y: Any, create_graph: bool) -> list[Any]:
    """The Jacobian of one output with respect to each point."""
    columns: list[list[Any]] = [[] for _ in level.points]
    for position in range(y.array.size):
        direction = np.zeros(y.array.size, y.dtype)
        direction[position] = 1
        row = level.pull_back([y], [wrap(direction.reshape(y.shape))], create_graph)
        for column, part in zip(columns, row, strict=True):
            column.append(part)
    return [
        stack(column).reshape(y.shape + x.shape)
        if column
        else wrap(np.zeros(y.shape + x.shape, x.dtype))
        for x, column in zip(level.points, columns, strict=True)
    ]


def jacfwd(
    func: Function, argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Function:
    """The same as `jacrev`: there is no forward mode here. PyTorch: `torch.func.jacfwd`.

    `randomness` is that of PyTorch's `vmap` over the columns; `func` is called once here.

    Unlike PyTorch, this is `jacrev`: there is no forward mode.

    >>> tg.func.jacfwd(lambda x: x.sum() * x)(tg.tensor([1.0, 2.0]))
    tensor([[4., 1.],
            [2., 5.]])
    """
    _check_randomness("jacfwd", randomness)
    return jacrev(func, argnums, has_aux=has_aux)


def hessian(func: Function, argnums: Argnums = 0) -> Function:
    """A function that computes all second derivatives: for argument x, of shape (*y, *x, *x).

    PyTorch: `torch.func.hessian`.

    >>> tg.func.hessian(lambda x: (x**3).sum())(tg.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)


# Maps.


def vmap(
    func: Function,
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Function:
    """A function that applies `func` to every slice of its arguments, and stacks the results.

    `in_dims` names the dimension to slice, for all arguments or as a tuple for each (and inside a
    dict, list or tuple, for each part); None leaves an argument whole. `out_dims` is where the new
    dimension goes. A loop: gradients flow through it, but it is no faster than one, whatever
    `chunk_size` says. Random functions raise RuntimeError unless `randomness` is "different" for
    each slice or the "same" for all.

    Raises ValueError for dimensions that do not fit. PyTorch: `torch.func.vmap`.

    Unlike PyTorch, it is a loop, and no faster than one.

    >>> x = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> tg.func.vmap(tg.dot)(x, x)
    tensor([ 5., 25.])
    """
    _check_randomness("vmap", randomness)
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size is None or above 0; got {chunk_size}.")

    @functools.wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        dims = _spread(in_dims if isinstance(in_dims, tuple) else (in_dims,) * len(args), args)
        given = leaves(list(args))
        size = _mapped_size(given, dims, func)
        before = random.get_rng_state()
        results = []
        for index in range(size):
            if randomness == "same":
                random.set_rng_state(before)
            parts = (
                x if dim is None else x.select(dim, index)
                for x, dim in zip(given, dims, strict=True)
            )
            results.append(func(*rebuilt(list(args), parts), **kwargs))
            if randomness == "error" and random.get_rng_state() != before:
                raise RuntimeError(
                    'vmap: a random function was called, which randomness="error" forbids. Say '
                    'randomness="different" for other numbers in each slice, or "same".'
                )
        return _stacked(results, out_dims)

    return mapped


def _check_randomness(name: str, randomness: str) -> None:
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            f'{name}: randomness is "error", "different" or "same"; got {randomness!r}.'
        )


def _spread(dims: Any, tree: Any) -> list[Any]:
    """A dimension for each leaf of a tree, from a tree that may end sooner."""
    if dims is None or isinstance(dims, int):
        return [dims] * len(leaves(tree))
    inner = dims.values() if isinstance(dims, dict) else dims
    parts = tree.values() if isinstance(tree, dict) else tree
    fits = (
        isinstance(dims, dict) and isinstance(tree, dict) and list(dims) == list(tree)
        if isinstance(dims, dict)
        else isinstance(dims, (tuple, list))
        and isinstance(tree, (tuple, list))
        and len(dims) == len(tree)
    )
    if not fits:
        raise ValueError(
            f"vmap: dimensions are ints, None, or nested like the tensors; {dims!r} does not fit "
            f"a {type(tree).__name__}"
            + (f" of {len(tree)}." if isinstance(tree, (tuple, list, dict)) else ".")
        )
    return [dim for d, part in zip(inner, parts, strict=True) for dim in _spread(d, part)]


def _mapped_size(given: list[Any], dims: list[Any], func: Function) -> int:
    """How many slices there are."""
    name = getattr(func, "__name__", repr(func))
    if not given:
        raise ValueError(f"vmap({name}): got no inputs: there is nothing to map over.")
    sizes = []
    for x, dim in zip(given, dims, strict=True):
        if dim is None:
            continue
        if not isinstance(x, TensorBase):
            raise ValueError(
                f"vmap({name}): got in_dim={dim} for an input that is a {type(x).__name__}: only "
                "tensors are sliced. Say None for it."
            )
        if not -x.array.ndim <= dim < x.array.ndim:
            raise ValueError(
                f"vmap({name}): got in_dim={dim} for an input of shape {x.shape}, which has "
                f"{x.array.ndim} dimensions."
            )
        sizes.append(x.shape[dim])
    if not sizes:
        raise ValueError(f"vmap({name}): in_dims is None for all inputs: nothing is mapped over.")
    if len(set(sizes)) > 1:
        raise ValueError(
            f"vmap({name}): expected all tensors to have the same size in the mapped dimension, "
            f"got sizes {sizes}."
        )
    if not sizes[0]:
        raise ValueError(
            f"vmap({name}): the mapped dimension has size 0; what the function returns is not "
            "known without calling it."
        )
    return int(sizes[0])


def _stacked(results: list[Any], out_dims: Any) -> Any:
    columns = [leaves(result) for result in results]
    for value in columns[0]:
        if not isinstance(value, TensorBase):
            raise ValueError(
                f"vmap: the function must return tensors only; it returned {type(value).__name__}."
            )
    parts = zip(*columns, strict=True)
    dims = _spread(out_dims, results[0])
    if None in dims:
        raise ValueError("vmap: out_dims cannot be None: each slice gives a result of its own.")
    stacked = (stack(list(column), dim) for column, dim in zip(parts, dims, strict=True))
    return rebuilt(results[0], stacked)


# Modules as functions.


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: dict[str, Any] | Sequence[dict[str, Any]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """`module(*args, **kwargs)` with other tensors in place of its parameters and buffers.

    Tensors by name, in a dict or in a tuple of dicts; what is not named stays. `args` is a tuple,
    or the only argument. A parameter that the module holds under several names is replaced under
    all of them (`tie_weights`). `strict=True` demands that every name is given, and known. The
    module is not changed; running averages are written into the tensors that are given.

    Raises RuntimeError for unknown names under `strict`, AttributeError for them otherwise,
    ValueError for names that are given twice. PyTorch: `torch.func.functional_call`.

    >>> layer = nn.Linear(2, 1)
    >>> weights = {"weight": tg.ones(1, 2), "bias": tg.zeros(1)}
    >>> tg.func.functional_call(layer, weights, tg.tensor([3.0, 4.0]))
    tensor([7.])
    """
    if not isinstance(module, Module):
        raise TypeError(f"functional_call: expected a Module, got {type(module).__name__}.")
    tensors = _one_dict(parameter_and_buffer_dicts)
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    with _in_place_of(module, tensors, tie_weights, strict):
        return module(*arguments, **(kwargs or {}))


def _one_dict(dicts: Any) -> dict[str, Any]:
    if isinstance(dicts, dict):
        return dicts
    if not isinstance(dicts, Sequence) or not all(isinstance(part, dict) for part in dicts):
        raise ValueError(
            "functional_call: the tensors are given as a dict by name, or as a tuple of dicts; got "
            f"{type(dicts).__name__}."
        )
    names = [name for part in dicts for name in part]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"functional_call: {twice} appear in several of the dicts.")
    return {name: tensor for part in dicts for name, tensor in part.items()}


@contextmanager
def _in_place_of(
    module: Module, tensors: dict[str, Any], tie_weights: bool, strict: bool
) -> Iterator[None]:
    """Put tensors in place of the module's own until the block ends."""
    own = dict(module.named_parameters(remove_duplicate=False))
    own.update(module.named_buffers(remove_duplicate=False))  # type: ignore[arg-type]
    unknown = [name for name in tensors if name not in own]
    missing = [name for name in own if name not in tensors]
    if tie_weights:
        tensors, missing = _tied(own, tensors, missing)
    if strict and (unknown or missing):
        raise RuntimeError(
            f"functional_call: unexpected names {unknown}, missing names {missing} in "
            f"{module._get_name()}, as strict demands."
        )
    if unknown:
        raise AttributeError(
            f"functional_call: {module._get_name()} has no parameter or buffer {unknown[0]!r}; it "
            f"has {list(own)}."
        )
    replaced: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for name, tensor in tensors.items():
            path, _, attribute = name.rpartition(".")
            owner = module.get_submodule(path)
            table: dict[str, Any] = (
                owner._parameters if attribute in owner._parameters else owner._buffers
            )
            replaced.append((table, attribute, table[attribute]))
            table[attribute] = tensor
        yield
    finally:
        for table, attribute, tensor in reversed(replaced):
            table[attribute] = tensor


def _tied(
    own: dict[str, Any], tensors: dict[str, Any], missing: list[str]
) -> tuple[dict[str, Any], list[str]]:
    """The tensors for all names of what they replace, and the names that are still missing."""
    given = {id(own[name]): (name, tensor) for name, tensor in tensors.items() if name in own}
    for name, tensor in tensors.items():
        if name in own and given[id(own[name])][1] is not tensor:
            raise ValueError(
                f"functional_call got multiple values for {name!r} and "
                f"{given[id(own[name])][0]!r}, which are tied: one parameter under two names. Give "
                "one of them, or say tie_weights=False."
            )
    tied = {name: given[id(own[name])][1] for name in missing if id(own[name]) in given}
    return {**tensors, **tied}, [name for name in missing if name not in tied]


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(parameters, buffers) of several models of one kind, stacked along a new first dimension.

    With `vmap` and `functional_call`, an ensemble is one call. The stacked parameters are new
    leaves. Raises RuntimeError for an empty list, for models of several classes, or of which some
    are in training and others not. PyTorch: `torch.func.stack_module_state`.

    >>> models = [nn.Linear(2, 1) for _ in range(3)]
    >>> parameters, buffers = tg.func.stack_module_state(models)
    >>> parameters["weight"].shape
    (3, 1, 2)
    """
    if not models:
        raise RuntimeError("stack_module_state: expected at least one model, got none.")
    if len({type(model) for model in models}) > 1:
        raise RuntimeError("stack_module_state: expected all models to be of the same class.")
    if len({model.training for model in models}) > 1:
        raise RuntimeError(
            "stack_module_state: expected all models to be in training, or all in evaluation."
        )
    parameters = {}
    for name, first in models[0].named_parameters():
        arrays = [model.get_parameter(name).array for model in models]
        parameters[name] = wrap(np.stack(arrays)).requires_grad_(first.requires_grad)
    buffers = {
        name: wrap(np.stack([model.get_buffer(name).array for model in models]))
        for name, _ in models[0].named_buffers()
    }
    return parameters, buffers
