"""Exercises: a learner writes forward and backward of an operation, and is told what is wrong."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from ..autograd.function import Function
from ..autograd.graph import TensorBase, wrap
from ..autograd.mode import MODE
from ..random import get_rng_state
from .grading import grade
from .replays import Replay, run_forward
from .report import Report
from .sentences import in_language

__all__ = ["Exercise", "UnwrittenBackwardWarning"]

_NOTICE = (
    "{name} has no backward yet: its gradients come from numerical differentiation, two runs of "
    "forward for each element of its inputs. Slow, but you can go on.",
    "{name} にはまだ backward がありません。実装するまでは、数値微分で勾配を求めます "
    "(入力の要素ごとに forward を 2 回実行)。遅いですが、このまま先へ進めます。",
)


class UnwrittenBackwardWarning(UserWarning):
    """An `Exercise` without `backward` is used: gradients come from numerical differentiation."""


class Exercise(Function):
    """An operation to be written by a learner: an `autograd.Function` that is graded.

    Write `forward(ctx, ...)` first. Until `backward(ctx, grad)` is there, gradients come from
    numerical differentiation (with one `UnwrittenBackwardWarning`), so `apply` works at once, in a
    training too. Then `check()` grades it and names likely causes of what is wrong: a sign, a
    factor, a missing sum over the batch, the incoming gradient forgotten, the derivative taken at
    the output. Once it is right, it is a `tg.autograd.Function` like any other: change the base
    class.

    `language = "ja"` in the class body makes reports and the notice Japanese.

    >>> class Multiply(tg.testing.Exercise):
    ...     @staticmethod
    ...     def forward(ctx, x, y):
    ...         ctx.save_for_backward(x, y)
    ...         return x * y
    ...
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         x, y = ctx.saved_tensors
    ...         return grad * y, -grad * x
    >>> print(Multiply.check(reference=tg.mul))
    Multiply: 1 of 2 gradients right
      forward: right
      x: right
      y: wrong in 12 of 12 elements; at [2, 1]: expected -2.95176, got 2.95176
        Likely cause: The sign: there is a minus too many, or one is missing.
    """

    language: ClassVar[str] = "en"
    _noticed: ClassVar[bool] = False

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Compute the result and record this operation."""
        if cls.backward is not Function.backward:
            return super().apply(*args)
        needed = [isinstance(x, TensorBase) and x.edge is not None for x in args]
        if MODE.get().grad and any(needed) and not vars(cls).get("_noticed"):
            cls._noticed = True
            text = in_language(_NOTICE, cls.language).format(name=cls.__name__)
            warnings.warn(text, UnwrittenBackwardWarning, stacklevel=2)
        return _by_differences(cls).apply(*args)

    @classmethod
    def check(
        cls,
        *inputs: Any,
        shapes: Sequence[tuple[int, ...]] | None = None,
        reference: Callable[..., Any] | None = None,
        seed: int = 0,
        language: str | None = None,
    ) -> Report:
        """Grade forward and backward; the report is text, and a table in a notebook.

        `inputs` are tensors, arrays, or whatever else forward takes; floating ones are graded in
        float64. Without them, inputs of these `shapes` are drawn (`testing.strategies.spread`), or
        of usual ones on which forward works. `reference(*tensors)` computes what forward should;
        the gradients are compared with central differences of the learner's own forward. At a kink
        each slope between those on either side is right. `language` is "en" or "ja".

        Nothing that the learner's code does is raised from here, but reported. Raises ValueError
        for arguments of this function that make no sense.

        >>> class Half(tg.testing.Exercise):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         return x / 2
        >>> print(Half.check(shapes=[(2, 3)]))
        Half: 0 of 1 gradients right
          forward: runs (there is no reference to compare it with)
          backward: not written yet: until then, gradients come from numerical differentiation.
          x: to be written; its shape is (2, 3)
        """
        written = cls.backward is not Function.backward
        language = cls.language if language is None else language
        return grade(cls, written, inputs, shapes, reference, seed, language)

    @classmethod
    def assert_correct(cls, *inputs: Any, **options: Any) -> None:
        """AssertionError with the report of `check(*inputs, **options)`, unless all is right.

        For tests with pytest, which shows the report and nothing of what is behind it.

        >>> class Triple(tg.testing.Exercise):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         return 3 * x
        ...
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         return 3 * grad
        >>> Triple.assert_correct()
        """
        __tracebackhide__ = True
        report = cls.check(*inputs, **options)
        if not report.passed:
            raise AssertionError(f"\n{report}")


def _by_differences(exercise: type[Exercise]) -> type[Function]:
    """The Function that stands in until the exercise has a backward."""

    def forward(ctx: Any, *args: Any) -> Any:
        # Copies: what happens to the inputs later must not change the gradient.
        arguments = [np.array(x.array) if isinstance(x, TensorBase) else x for x in args]
        ctx.exercise_replay = Replay(exercise, [_wide(x) for x in arguments], get_rng_state())
        answer = run_forward(exercise, ctx, args)
        ctx.save_for_backward()
        return answer

    def backward(ctx: Any, *grads: Any) -> Any:
        if MODE.get().grad:
            raise RuntimeError(
                f"{exercise.__name__}: create_graph=True needs a backward that is written; the "
                "numerical gradient has no gradient itself."
            )
        replay: Replay = ctx.exercise_replay
        weights = [None if grad is None else grad.array.astype(np.float64) for grad in grads]
        return tuple(
            wrap(replay.vector_product(place, weights)) if needed else None
            for place, needed in enumerate(ctx.needs_input_grad)
        )

    body = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type(exercise.__name__, (Function,), body)


def _wide(x: Any) -> Any:
    """In float64, which differences need."""
    return x.astype(np.float64) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x
