"""In-place forms of functions that have no kernel of their own for writing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ..autograd.graph import TensorBase
from ..autograd.inplace import check_writable, holds
from ..autograd.mode import MODE
from . import shape
from .indexing import Assign, write

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["described_in_place", "written_back"]

Function = TypeVar("Function", bound=Callable[..., Any])


def written_back(
    function: Callable[..., Any],
    name: str,
    example: tuple[str, str] | None = None,
    *,
    same_type: bool = False,
) -> Callable[..., Tensor]:
    """The form `name` of a function: its result is written into its first argument.

    With `same_type`, a result of another type is refused even where a tensor could hold it.
    """

    def form(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check_writable(input, name)
        before = input
        if MODE.get().grad:
            # What the rules save must not be the memory that is written to.
            tensors = [x for x in (input, *args, *kwargs.values()) if isinstance(x, TensorBase)]
            if any(x.edge is not None for x in tensors):
                before = shape.clone(input)
                args = tuple(_apart(x, input) for x in args)
                kwargs = {key: _apart(x, input) for key, x in kwargs.items()}
        result = function(before, *args, **kwargs)
        fits = result.dtype == input.dtype if same_type else holds(input.dtype, result.dtype)
        if result.shape != input.shape or not fits:
            raise RuntimeError(
                f"{name}: the result, of shape {result.shape} and type {result.dtype}, does not "
                f"fit a tensor of shape {input.shape} and type {input.dtype}. Use `{name[:-1]}`, "
                "which makes a new tensor."
            )
        write(input, Assign(), result, name=name)
        return input

    return described_in_place(form, name, example)


def _apart(x: Any, input: Tensor) -> Any:
    """An argument that shares the memory of the tensor that is written to, as a copy."""
    shared = isinstance(x, TensorBase) and x.version is input.version
    return shape.clone(x) if shared else x


def described_in_place(
    function: Function, name: str, example: tuple[str, str] | None = None
) -> Function:
    """Give an in-place form its name and documentation."""
    labelled: Any = function
    labelled.__name__ = labelled.__qualname__ = name
    shown = f"\n    >>> {example[0]}\n    {example[1]}\n" if example else ""
    labelled.__doc__ = f"""`{name[:-1]}`, in place: the result replaces this tensor's values.

    PyTorch: `Tensor.{name}`. Raises RuntimeError for a leaf that requires grad while operations
    are recorded, and if the result does not fit the tensor's shape and type.
    {shown}"""
    return function
