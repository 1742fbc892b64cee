"""Pictures of recorded graphs.

`draw` walks from the results back to the leaves and visits every operation once. What becomes a box
is decided in `arrangement`, what the boxes say in `labels`, and `drawing` writes them as the text
of a graphviz picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from ...autograd.reach import reachable
from ...nn import Module
from ...tensor import Tensor
from .arrangement import Depth, Repeats, arranged
from .calls import Calls
from .drawing import Drawing
from .labels import Labels
from .names import Names
from .picture import Picture
from .values import Values

__all__ = ["draw"]

_DIRECTIONS = ("TB", "LR", "BT", "RL")


def draw(
    outputs: Tensor | Sequence[Tensor],
    model: Module | None = None,
    *,
    names: Mapping[str, Tensor] | None = None,
    values: bool = False,
    depth: Depth | None = None,
    repeats: Repeats = "count",
    direction: str = "TB",
) -> Picture:
    """Draw the recorded graph of one result or several: a `graphviz.Digraph`.

    Every operation is a box with the shape and type of its result; every leaf has its name, shape,
    type, and the norm of its gradient once that is computed. Arrows follow the values. Operations
    stand in the frames of the modules that ran them. Only what leads to a gradient is recorded, so
    data and targets appear where they require one:
    `draw(loss, names={"x": x.requires_grad_()})`, set before the computation.

    Args:
        model: names the parameters. Without it the modules that ran name them.
        names: further names, of leaves or of intermediate results.
        values: show small values and gradients in full, and the statistics of large values. Leaves
            have the value of this moment. Results that no rule has saved are gone, and after
            `backward()` most are: to keep them all, compute inside `with tg.viz.keep_values():`.
        depth: how much of the modules is opened. "operations": all of it. "layers": calls that call
            no other module are boxes. 1: so are the calls that the outermost module makes, 2: those
            that these make; 0: the model is one box. None: the first of "operations", "layers",
            ..., 2, 1, 0 with at most 50 boxes; a line below the picture says which.
        repeats: what becomes of layers (from three on) and larger modules that repeat the one
            before: equal class, operations and shapes. "count": drawn once, with the number of the
            others. "all": all drawn. "loop": all calls of one module are one box; this is the
            picture of a recurrent network that is not unrolled.
        direction: of the arrows; "TB" (top to bottom), "LR", "BT" or "RL".

    Linear in the number of operations, without recursion. Works before and after `backward()`.

    Raises:
        TypeError: for outputs or names that are not tensors, a model that is no module.
        ValueError: for a tensor without a graph, a wrong `depth`, `repeats` or `direction`.

    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> picture = tg.viz.draw((x * x).sum(), names={"x": x}, values=True)
    >>> print("".join(picture.body))  # doctest: +NORMALIZE_WHITESPACE, +ELLIPSIS
    n0 [label="x\\n2 float32\\nvalue: [1, 2]\\ngrad: not computed yet" ...]
    n1 [label="Mul\\n2 float32\\nvalue: not kept"]
    n2 [label="Sum\\nscalar float32\\nvalue: 5"]
    n3 [label="result\\nscalar float32\\n5" ...]
    n0 -> n1
    n0 -> n1
    n1 -> n2
    n2 -> n3
    """
    tensors = _checked(outputs)
    _check_options(model, depth, repeats, direction)
    nodes = reachable(tensor.edge for tensor in tensors)
    calls = Calls(nodes)
    naming = Names(calls.roots(), model, names)
    known = Values(nodes, [*tensors, *naming.tensors]) if values else None
    arrangement = arranged(calls, depth, repeats)
    drawing = Drawing(arrangement, Labels(naming, known), direction)
    drawing.collect(nodes, tensors)
    picture = drawing.write(tensors)
    if depth is None and arrangement.closes:
        # At the end: what is said of the whole graph would else hold for every frame in it.
        picture.attr(label=_how_to_open(arrangement.depth), labelloc="b", fontsize="9")
    return picture


def _checked(outputs: Tensor | Sequence[Tensor]) -> list[Tensor]:
    """The results to draw, each once."""
    tensors: list[Any] = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    if not tensors:
        raise ValueError("draw needs at least one result, such as the loss; got none.")
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"draw takes a tensor or a sequence of tensors; got {type(tensor).__name__}. To "
                "draw a model, draw what it computes: draw(model(x))."
            )
        if tensor.edge is None:
            raise ValueError(
                f"This tensor of shape {tensor.shape} has no graph: nothing it was computed from "
                "requires a gradient, or it was computed under no_grad() or detached."
            )
    return list({id(tensor): tensor for tensor in tensors}.values())


def _check_options(model: Any, depth: Any, repeats: Any, direction: Any) -> None:
    if model is not None and not isinstance(model, Module):
        raise TypeError(
            f"draw: the model is a module, which names the parameters; got {type(model).__name__}. "
            'Other names are given as names={"x": x}.'
        )
    number = isinstance(depth, int) and not isinstance(depth, bool) and depth >= 0
    if not (number or depth is None or depth in ("operations", "layers")):
        raise ValueError(
            'depth is 0 (the whole model), 1, 2..., "layers", "operations", or None (as much as '
            f"can be read); got {depth!r}."
        )
    for name, value, known in (
        ("repeats", repeats, get_args(Repeats)),
        ("direction", direction, _DIRECTIONS),
    ):
        if value not in known:
            raise ValueError(f"{name} is one of {', '.join(known)}; got {value!r}.")


def _how_to_open(depth: Depth) -> str:
    """What was closed so that the picture can be read, and how to see more of it."""
    if not isinstance(depth, int):
        return 'Drawn with depth="layers"; depth="operations" shows what the layers do.'
    return (
        f'Drawn with depth={depth}; depth={depth + 1} opens more, depth="layers" all blocks, '
        'depth="operations" everything.'
    )
