"""Property tests as tables: one `Case` is one public function over all its arguments.

A family of operations lists its cases and runs each through `check_case`:

    CASES = [
        Case("exp", tg.exp, arrays(low=-2, high=2), reference=np.exp),
        Case("sum", tg.sum, arrays(), kwargs=reduction, reference=numpy_axis(np.sum)),
        Case("add", tg.add, pair(), reference=np.add),
    ]
    test_gradients = property_test(CASES)

`tests/test_registry.py` reads the same tables to find operations that no case reaches; so a module
of cases is called test_ops_*.py or test_nn_*.py and its table CASES.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tinygrad_edu.autograd.graph import TensorBase, wrap
from tinygrad_edu.testing import check_op, operations
from tinygrad_edu.testing.strategies import arrays, axes, broadcastable_shapes

__all__ = [
    "Case",
    "check_case",
    "numpy_axis",
    "operations_of",
    "pair",
    "property_test",
    "reduction",
    "tuples",
]


@dataclass(frozen=True, repr=False)
class Case:
    """A public function, what it is called with, and what it should answer.

    `function(*tensors, **kwargs)`. `inputs` draws one array or a tuple of arrays: float64 ones are
    differentiated, others passed on. `kwargs` is a dict, a strategy for dicts, or a function of
    the drawn arrays that returns either. `reference(*arrays, **kwargs)` is NumPy; `plain(*tensors,
    **kwargs)` a composition of other operations. `options` go to `check_op` (second_order,
    float32, layouts, atol, ...).
    """

    name: str
    function: Callable[..., Any]
    inputs: st.SearchStrategy[Any]
    reference: Callable[..., Any] | None = None
    kwargs: Any = None
    plain: Callable[..., Any] | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"Case({self.name!r})"

    def draw(self, data: st.DataObject) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arrays and keyword arguments for one call."""
        drawn = data.draw(self.inputs, label="inputs")
        given_arrays = tuple(drawn) if isinstance(drawn, (tuple, list)) else (drawn,)
        kwargs = self.kwargs
        if callable(kwargs):
            kwargs = kwargs(*given_arrays)
        if isinstance(kwargs, st.SearchStrategy):
            kwargs = data.draw(kwargs, label="kwargs")
        return given_arrays, dict(kwargs or {})


def check_case(case: Case, data: st.DataObject) -> None:
    """Draw one call of the case's function and check it in every respect (see `check_op`)."""
    drawn, kwargs = case.draw(data)
    bound = [
        None if function is None else functools.partial(function, **kwargs)
        for function in (case.function, case.reference, case.plain)
    ]
    check_op(bound[0], *drawn, reference=bound[1], plain=bound[2], **case.options)


def property_test(cases: list[Case]) -> Callable[..., None]:
    """One test for each case, over what hypothesis draws for it."""
    names = [case.name for case in cases]
    assert len(set(names)) == len(names), f"two cases have one name: {sorted(names)}"

    @pytest.mark.parametrize("case", cases, ids=str)
    @given(data=st.data())
    def test(case: Case, data: st.DataObject) -> None:
        check_case(case, data)

    return test


def operations_of(case: Case, examples: int = 8) -> set[type]:
    """The operations that the case records in a few examples."""
    found: set[type] = set()

    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        database=None,
        derandomize=True,
        deadline=None,
    )
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        drawn, kwargs = case.draw(data)
        tensors = [wrap(array) for array in drawn]
        for tensor in tensors:
            tensor.needs_grad = tensor.dtype.kind == "f"
        result = case.function(*tensors, **kwargs)
        found.update(type(node) for node in operations(*_tensors(result)))

    run()
    return found


def _tensors(result: Any) -> list[TensorBase]:
    if isinstance(result, TensorBase):
        return [result]
    return (
        [tensor for part in result for tensor in _tensors(part)]
        if isinstance(result, (tuple, list))
        else []
    )


# Building blocks for tables.


def tuples(*strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Several inputs, drawn one by one."""
    return st.tuples(*strategies)


def pair(
    first: dict[str, Any] | None = None, second: dict[str, Any] | None = None, **shapes: Any
) -> st.SearchStrategy[tuple[Any, ...]]:
    """Two arrays of shapes that can be broadcast; `first` and `second` are options of `arrays`.

    No element of one equals an element of the other, so that there are no ties between them.
    """

    @st.composite
    def build(draw: st.DrawFn) -> tuple[Any, ...]:
        x, y = draw(broadcastable_shapes(2, **shapes))
        sizes = int(np.prod(x)), int(np.prod(y))
        if first is None and second is None:
            both = draw(arrays((sum(sizes),)))
            return both[: sizes[0]].reshape(x), both[sizes[0] :].reshape(y)
        return draw(arrays(x, **(first or {}))), draw(arrays(y, **(second or {})))

    return build()


def reduction(x: Any, *_: Any) -> st.SearchStrategy[dict[str, Any]]:
    """The arguments `dim` (absent, None, one, several) and `keepdim` of a reduction of `x`."""
    return st.fixed_dictionaries({}, optional={"dim": axes(x.ndim), "keepdim": st.booleans()})


def numpy_axis(function: Callable[..., Any]) -> Callable[..., Any]:
    """A NumPy function that is called with `dim` and `keepdim`."""

    def reference(*values: Any, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:
        return function(*values, axis=dim, keepdims=keepdim, **kwargs)

    return reference
