"""Hypothesis strategies for the inputs of operations: shapes, dimensions, values, memory layouts.

Hypothesis is imported when a strategy is first made (`pip install hypothesis`).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from .layouts import LAYOUTS, relayout

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["arrays", "axes", "broadcastable_shapes", "dtypes", "layouts", "shapes", "spread"]

Array = np.ndarray[Any, np.dtype[Any]]
Shape = tuple[int, ...]


def _hypothesis() -> Any:
    try:
        import hypothesis
        import hypothesis.extra.numpy
    except ImportError as error:
        raise ImportError(
            "tinygrad_edu.testing.strategies needs hypothesis, which is not installed: `pip "
            "install hypothesis`."
        ) from error
    return hypothesis


def shapes(
    *, min_dims: int = 0, max_dims: int = 3, min_side: int = 1, max_side: int = 4
) -> SearchStrategy[Shape]:
    """Shapes of tensors. `min_side=0` includes empty ones.

    >>> from hypothesis import find
    >>> find(shapes(min_dims=2), lambda shape: shape[0] > shape[1])
    (2, 1)
    """
    numpy = _hypothesis().extra.numpy
    strategy: SearchStrategy[Shape] = numpy.array_shapes(
        min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side
    )
    return strategy


def broadcastable_shapes(
    count: int = 2, *, max_dims: int = 3, min_side: int = 1, max_side: int = 4
) -> SearchStrategy[tuple[Shape, ...]]:
    """`count` shapes that can be broadcast together: sizes of 1 and missing dimensions among them.

    >>> from hypothesis import find
    >>> find(broadcastable_shapes(2), lambda pair: pair[0] != pair[1])
    ((1,), ())
    """
    numpy = _hypothesis().extra.numpy
    strategy: SearchStrategy[tuple[Shape, ...]] = numpy.mutually_broadcastable_shapes(
        num_shapes=count, max_dims=max_dims, min_side=min_side, max_side=max_side
    ).map(lambda result: result.input_shapes)
    return strategy


def axes(
    ndim: int, *, single: bool = True, several: bool = True, none: bool = True
) -> SearchStrategy[Any]:
    """The argument `dim` of a reduction over `ndim` dimensions: one, several in any order, or None.

    Negative ones are among them. Raises ValueError if nothing is left to draw.

    >>> from hypothesis import find
    >>> find(axes(3, single=False, none=False), lambda dims: len(dims) == 2)
    (0, 1)
    """
    st = _hypothesis().strategies
    choices = []
    if none:
        choices.append(st.none())
    if single and ndim:
        choices.append(st.integers(-ndim, ndim - 1))
    if several and ndim:
        distinct = st.lists(
            st.integers(-ndim, ndim - 1),
            min_size=1,
            max_size=ndim,
            unique_by=lambda dim: dim % ndim,
        )
        choices.append(distinct.map(tuple))
    if not choices:
        raise ValueError(
            f"axes: a tensor of {ndim} dimensions has no dimension to choose; allow none=True."
        )
    strategy: SearchStrategy[Any] = st.one_of(choices)
    return strategy


def spread(
    shape: Shape,
    seed: int = 0,
    *,
    low: float = -3.0,
    high: float = 3.0,
    kinks: Sequence[float] = (),
    margin: float = 0.05,
    dtype: Any = np.float64,
) -> Array:
    """Random values in (low, high), all different, none within `margin` of a kink or an end.

    Of n values no two are closer than half of (high - low - margins) / n: a small step for a
    numerical derivative changes neither their order nor the side of a kink. An infinite end means
    4 beyond the other one. Raises ValueError if the margins leave no room.

    >>> x = spread((100,), low=-1.0, high=1.0, kinks=(0.0,))
    >>> bool(abs(x).min() >= 0.05), len(np.unique(x))
    (True, 100)
    """
    if high == inf:
        high = low + 4 if low > -inf else 3.0
    if low == -inf:
        low = high - 4
    ends = [low, *sorted(kink for kink in kinks if low < kink < high), high]
    starts = np.array(ends[:-1]) + margin
    lengths = np.array(ends[1:]) - margin - starts
    if (lengths <= 0).all():
        raise ValueError(f"spread: a margin of {margin} around {ends} leaves no room for values.")
    lengths = np.maximum(lengths, 0)
    generator = np.random.default_rng(seed)
    size = int(np.prod(shape))
    # One value in the middle half of each of n equal pieces of what the margins leave.
    where = (
        (generator.permutation(size) + generator.uniform(0.25, 0.75, size))
        / max(size, 1)
        * lengths.sum()
    )
    before = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    piece = np.searchsorted(np.cumsum(lengths), where, side="right")
    values = starts[piece] + where - before[piece]
    result: Array = values.reshape(shape).astype(dtype)
    return result


def arrays(
    shape: Shape | SearchStrategy[Shape] | None = None,
    *,
    low: float = -3.0,
    high: float = 3.0,
    kinks: Sequence[float] = (),
    margin: float = 0.05,
    dtype: Any = np.float64,
) -> SearchStrategy[Array]:
    """Arrays on which numerical differentiation can be trusted: see `spread` for the values.

    `shape` is a shape, a strategy for shapes, or None for `shapes()`.

    >>> from hypothesis import find
    >>> x = find(arrays((2, 2), low=0.0), lambda x: True)
    >>> x.shape, bool((x > 0).all())
    ((2, 2), True)
    """
    st = _hypothesis().strategies
    sizes = shapes() if shape is None else st.just(shape) if isinstance(shape, tuple) else shape
    strategy: SearchStrategy[Array] = st.builds(
        lambda size, seed: spread(
            size, seed, low=low, high=high, kinks=kinks, margin=margin, dtype=dtype
        ),
        sizes,
        st.integers(0, 2**32 - 1),
    )
    return strategy


def dtypes(*kinds: str) -> SearchStrategy[Any]:
    """Types of elements, of the kinds "float", "int" and "bool"; all of them if none is named.

    >>> from hypothesis import find
    >>> find(dtypes("float"), lambda dtype: True)
    dtype('float32')
    """
    st = _hypothesis().strategies
    of_kind: dict[str, list[Any]] = {
        "float": [np.float32, np.float64],
        "int": [np.int64, np.int32, np.int16, np.int8, np.uint8],
        "bool": [np.bool_],
    }
    unknown = set(chosen := kinds or tuple(of_kind)) - set(of_kind)
    if unknown:
        raise ValueError(
            f"dtypes: kinds are {', '.join(of_kind)}; got {', '.join(sorted(unknown))}."
        )
    types = [np.dtype(dtype) for kind in chosen for dtype in of_kind[kind]]
    strategy: SearchStrategy[Any] = st.sampled_from(types)
    return strategy


def layouts(values: Array | SearchStrategy[Array]) -> SearchStrategy[Array]:
    """The values in one of the memory layouts that `relayout` knows.

    >>> from hypothesis import find
    >>> x = np.ones((2, 3))
    >>> find(layouts(x), lambda y: not y.flags.c_contiguous).shape
    (2, 3)
    """
    st = _hypothesis().strategies
    source = st.just(values) if isinstance(values, np.ndarray) else values
    strategy: SearchStrategy[Array] = st.builds(relayout, source, st.sampled_from(LAYOUTS))
    return strategy
