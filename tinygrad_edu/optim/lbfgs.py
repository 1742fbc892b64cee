"""L-BFGS: a quasi-Newton method for full batches, with the curvature of the last few steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from ..autograd import enable_grad
from ..autograd.graph import Array, wrap
from .line_search import Trial, strong_wolfe
from .optimizer import Optimizer, Params, State
from .options import check_options, number, with_numbers

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """L-BFGS. PyTorch: `torch.optim.LBFGS`.

    With all parameters as one vector x, its gradient g, and of the last `history_size` steps
    s = x_k - x_(k-1), y = g_k - g_(k-1):

    d = -H g, where H is built from the pairs (s, y), beginning with (y·s / y·y) times the identity
    x = x + t d, with t = lr (at first lr · min(1, 1 / sum |g|)), or found by a line search

    One `step(closure)` does up to `max_iter` such iterations with up to `max_eval` evaluations of
    the loss (5/4 max_iter by default), and fewer if the largest entry of g is <= tolerance_grad, or
    if that of t d or the change of the loss is < tolerance_change. With
    `line_search_fn="strong_wolfe"` t satisfies the strong Wolfe conditions.

    All parameters belong to one group; its memory is kept in the state of the first one. Source:
    Liu and Nocedal 1989.

    Raises ValueError for a second group and RuntimeError for another `line_search_fn`; `step`
    raises TypeError without a closure.

    >>> w = tg.tensor([3.0, -1.0], requires_grad=True)
    >>> opt = optim.LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     opt.zero_grad()
    ...     loss = (w**4 - 4 * w).sum()
    ...     loss.backward()
    ...     return loss
    >>> loss = opt.step(closure)
    >>> np.round(w.detach().numpy(), 3)  # 4 w³ = 4
    array([1., 1.], dtype=float32)
    """

    _numbers: ClassVar[dict[str, type]] = {
        "func_evals": int,
        "n_iter": int,
        "t": float,
        "ro": float,
        "al": float,
        "H_diag": float,
        "prev_loss": float,
    }

    def __init__(
        self,
        params: Params,
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        if self.param_groups and group["params"] is not self.param_groups[0]["params"]:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        check_options("LBFGS", group)
        if group["history_size"] < 1:
            raise ValueError(f"LBFGS: history_size is 1 or more; got {group['history_size']}.")
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError(
                "only 'strong_wolfe' is supported as line_search_fn, or None; got "
                f"{group['line_search_fn']!r}."
            )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Iterate as the options say; returns the loss at the beginning.

        `closure` clears the gradients, computes the loss and its gradients, and returns it. It is
        called several times.
        """
        if closure is None:
            raise TypeError(
                "LBFGS evaluates the loss several times in a step: write optimizer.step(closure) "
                "with a closure that calls zero_grad(), computes the loss, calls backward() and "
                "returns the loss."
            )

        def evaluate() -> tuple[Any, float, Array]:
            with enable_grad():
                loss = closure()
            return loss, float(number(loss)), self._gradient()

        with np.errstate(all="ignore"):
            return self._iterate(evaluate, with_numbers(self.param_groups[0]))

    def _iterate(
        self, evaluate: Callable[[], tuple[Any, float, Array]], group: dict[str, Any]
    ) -> Any:
        state = self.state[self.param_groups[0]["params"][0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        original, loss, g = evaluate()
        evaluations = 1
        state["func_evals"] += 1
        if _largest(g) <= group["tolerance_grad"]:
            return original
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            d = _direction(state, g, group["history_size"])
            t = group["lr"]
            if state["n_iter"] == 1:
                t *= min(1.0, 1.0 / float(np.abs(g).sum()))
            before = loss
            state.update(d=wrap(d), t=t, prev_flat_grad=wrap(g), prev_loss=before)
            slope = float(g @ d)
            if slope > -group["tolerance_change"]:
                break
            used = 0
            if group["line_search_fn"]:
                start = Trial(0.0, loss, g, slope)
                best, used = strong_wolfe(
                    self._along(d, evaluate),
                    d,
                    start,
                    t,
                    group["max_eval"] - evaluations,
                    group["tolerance_change"],
                )
                t, loss, g, _ = best
                state["t"] = t
                self._move(d, t)
            else:
                self._move(d, t)
                if iteration < group["max_iter"]:
                    _, loss, g = evaluate()
                    used = 1
            evaluations += used
            state["func_evals"] += used
            if (
                evaluations >= group["max_eval"]
                or _largest(g) <= group["tolerance_grad"]
                or _largest(t * d) <= group["tolerance_change"]
                or abs(loss - before) < group["tolerance_change"]
            ):
                break
        return original

    def _gradient(self) -> Array:
        """The gradients of all parameters as one vector; zeros where there is none."""
        return np.concatenate(
            [
                np.zeros(p.array.size, p.dtype) if p._grad is None else p._grad.array.reshape(-1)
                for p in self.param_groups[0]["params"]
            ]
        )

    def _move(self, d: Array, t: float) -> None:
        """x = x + t d, a part for each parameter."""
        offset = 0
        for p in self.param_groups[0]["params"]:
            size = p.array.size
            p.array += t * d[offset : offset + size].reshape(p.shape)
            p.version[0] += 1
            offset += size

    def _along(
        self, d: Array, evaluate: Callable[[], tuple[Any, float, Array]]
    ) -> Callable[[float], tuple[float, Array]]:
        """Loss and gradient at x + t d, as a function of t; the parameters stay at x."""
        params = self.param_groups[0]["params"]
        x = [p.array.copy() for p in params]

        def at(t: float) -> tuple[float, Array]:
            self._move(d, t)
            _, loss, g = evaluate()
            for p, values in zip(params, x, strict=True):
                np.copyto(p.array, values)
                p.version[0] += 1
            return loss, g

        return at


def _largest(x: Array) -> float:
    """The largest |x_i|."""
    return float(np.abs(x).max(initial=0))


def _direction(state: State, g: Array, history_size: int) -> Array:
    """d = -H g by the two loops over the pairs (s, y), after the newest pair has joined them."""
    if state["n_iter"] == 1:
        state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
        return -g
    y = g - state["prev_flat_grad"].array
    s = state["d"].array * state["t"]
    ys = float(y @ s)
    steps, changes, rhos = state["old_stps"], state["old_dirs"], state["ro"]
    # Where the curvature is not positive, H would not be either.
    if ys > 1e-10:
        if len(steps) == history_size:
            for pairs in (steps, changes, rhos):
                pairs.pop(0)
        steps.append(wrap(s))
        changes.append(wrap(y))
        rhos.append(1.0 / ys)
        state["H_diag"] = ys / float(y @ y)
    history = [(s.array, y.array, rho) for s, y, rho in zip(steps, changes, rhos, strict=True)]
    d = -g
    alphas = []
    for s, y, rho in reversed(history):
        alphas.append(float(s @ d) * rho)
        d -= alphas[-1] * y
    d *= state["H_diag"]
    for (s, y, rho), alpha in zip(history, reversed(alphas), strict=True):
        d += (alpha - float(y @ d) * rho) * s
    return d
