"""Fused kernels: one operation in place of several, with the composition it stands for beside it.

`forward` and `backward` work on arrays only and may keep what they like in attributes listed in
`scratch`. `plain` is the same function as a composition of simple operations. It is the
documentation, the oracle of the tests, and what a pass with `create_graph=True` differentiates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from . import differentiate
from .graph import Alias, Operation, TensorBase, Value, apply

__all__ = ["Fused"]


class Fused(Operation):
    """An operation with a kernel (`forward`, `backward`) and its textbook definition (`plain`)."""

    __slots__ = ()

    plain: Callable[..., Any]

    @classmethod
    def always_saved(cls) -> set[int]:
        """All inputs: the plain composition starts from them."""
        return set(range(len(cls.inputs)))

    def differentiate(
        self, grad: Value, values: dict[int, Value], wanted: Callable[[Any], bool] | None
    ) -> Iterable[tuple[Operation | TensorBase, Value]]:
        """The kernel's backward; in a higher-order pass, the gradient of the plain composition."""
        # An operation with several results gets a dict: their gradients by number.
        grads_out = grad if self.multiple else {0: grad}
        if not any(isinstance(part, TensorBase) for part in grads_out.values()):
            yield from super().differentiate(grad, values, wanted)
            return
        inputs: list[Any] = [values[index] for index in range(len(self.parents))]
        asked = [
            index
            for index, parent in enumerate(self.parents)
            if parent is not None and (wanted is None or wanted(parent))
        ]
        for index in asked:
            # A node of its own for each use, so that f(x, x) gets two separate gradients.
            inputs[index] = apply(Alias(), inputs[index])
        results = self.plain(*inputs) if self.multiple else (self.plain(*inputs),)
        grads = differentiate.grad(
            [results[number] for number in grads_out],
            [inputs[i] for i in asked],
            list(grads_out.values()),
            create_graph=True,
            allow_unused=True,
        )
        for index, grad_input in zip(asked, grads, strict=True):
            parent = self.parents[index]
            if parent is not None and grad_input is not None:
                yield parent, grad_input
