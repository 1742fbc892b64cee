"""What all optimizers share: parameter groups, state, and the walk over the parameters.

An optimizer is two small methods: `init_state` makes the state of one parameter, `update` changes
one parameter in place.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import Any, ClassVar, TypeAlias

import numpy as np

from ..autograd import enable_grad
from ..autograd.graph import Array, TensorBase, wrap
from ..tensor import Tensor

__all__ = ["Optimizer"]

Params: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]


class Optimizer:
    """Base of all optimizers. PyTorch: `torch.optim.Optimizer`.

    `params` are tensors that require grad, or dicts with "params" and options of their own
    (parameter groups).

    Raises TypeError/ValueError for a single tensor, an empty list, tensors that are not leaves, and
    parameters that appear in two groups.
    """

    #: Options that choose one of PyTorch's kernels, not another result: accepted and ignored.
    ignored: ClassVar[tuple[str, ...]] = ("foreach", "fused", "capturable")

    def __init__(
        self, params: Params, defaults: dict[str, Any], options: dict[str, Any] | None = None
    ) -> None:
        for name, value in (options or {}).items():
            if name == "differentiable" and value:
                raise ValueError(
                    f"{type(self).__name__}: differentiable=True is not supported: updates work "
                    "on arrays in place. Write the update with tensor operations to differentiate "
                    "through it."
                )
            if name not in (*self.ignored, "differentiable"):
                raise TypeError(
                    f"{type(self).__name__}.__init__() got an unexpected keyword argument {name!r}"
                )
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self._scratch: dict[np.dtype[Any], Array] = {}
        if isinstance(params, TensorBase):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of tensors or "
                "dicts, but got a single tensor: write [tensor]."
            )
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError(
                "optimizer got an empty parameter list: does the model have layers, and was a "
                "generator such as model.parameters() used up before?"
            )
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def init_state(self, p: Array, group: dict[str, Any]) -> dict[str, Array]:
        """The arrays, of the parameter's shape, that the update of `p` needs from step to step."""
        raise NotImplementedError(f"{type(self).__name__} does not define init_state.")

    def update(
        self, p: Array, g: Array, state: dict[str, Array], t: int, group: dict[str, Any], s: Array
    ) -> None:
        """Change `p` in place by its gradient at step t = 1, 2, ...

        `g` is not to be changed; `s` is scratch of the same shape.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define update.")

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with options of their own, such as layers that are unfrozen later."""
        if not isinstance(param_group, dict):
            raise TypeError(
                f"A parameter group is a dict with 'params'; got {type(param_group).__name__}."
            )
        params = param_group["params"]
        if isinstance(params, TensorBase):
            params = [params]
        elif isinstance(params, (set, frozenset)):
            raise TypeError(
                "Parameters need an order that is the same in every run: a list, not a set."
            )
        params = [p[1] if isinstance(p, tuple) else p for p in params]
        if not params:
            raise ValueError("optimizer got an empty parameter list in one of its groups.")
        for p in params:
            if not isinstance(p, TensorBase):
                raise TypeError(
                    "optimizer can only optimize Tensors, but one of the params is "
                    f"{type(p).__name__}."
                )
            if p.node is not None:
                raise ValueError(
                    f"can't optimize a non-leaf Tensor (shape {p.shape}, grad_fn={p.node.name}): "
                    "give the optimizer the tensors you created, not results computed from them."
                )
        if len({id(p) for p in params}) != len(params):
            raise ValueError("a parameter group contains the same parameter twice.")
        known = {id(p) for group in self.param_groups for p in group["params"]}
        if any(id(p) in known for p in params):
            raise ValueError("some parameters appear in more than one parameter group.")
        group = {**self.defaults, **param_group, "params": params}
        self.check(group)
        self.param_groups.append(group)

    def check(self, group: dict[str, Any]) -> None:
        """Refuse hyperparameters that make no sense; ranges are the same in all optimizers."""
        for name, value in group.items():
            if name in _RANGES:
                label, low, high = _RANGES[name]
                for number in value if isinstance(value, (tuple, list)) else (value,):
                    if not low <= number < high:
                        raise ValueError(
                            f"{type(self).__name__}: invalid {label}: {name}={value!r}; it should "
                            f"be in [{low}, {high})."
                        )

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; with `set_to_none=False` fill them with zeros instead."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none or p._grad is None:
                    p._grad = None
                else:
                    p._grad = wrap(np.zeros_like(p._grad.array))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient.

        `closure`, if given, computes the loss anew (with zero_grad and backward inside); its result
        is returned.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with np.errstate(all="ignore"):
            for group in self.param_groups:
                for p in group["params"]:
                    if p._grad is not None:
                        self._step_one(p, p._grad.array, group)
        return loss

    def _step_one(self, p: Tensor, g: Array, group: dict[str, Any]) -> None:
        state = self.state[p]
        if not state:
            state["step"] = 0
            for name, array in self.init_state(p.array, group).items():
                state[name] = wrap(array)
        state["step"] += 1
        t = state["step"]
        arrays = {name: x.array for name, x in state.items() if name != "step"}
        g = self._effective(p.array, g, group)
        try:
            self.update(p.array, g, arrays, t, group, self._scratch_like(p.array))
        except KeyError:
            # An option that was set in mid-run, such as a momentum, needs state that is not there.
            for name, array in self.init_state(p.array, group).items():
                arrays[name] = state.setdefault(name, wrap(array)).array
            self.update(p.array, g, arrays, t, group, self._scratch_like(p.array))
        p.version[0] += 1

    def _scratch_like(self, p: Array) -> Array:
        """Memory shaped like `p`, the same in every step."""
        # Freed and asked for again in each step, it came as new pages from the system: 134 page
        # faults, 1.34 ms instead of 1.03 for a step of 784-100x4-10 with SGD on one core.
        scratch = self._scratch.get(p.dtype)
        if scratch is None or scratch.size < p.size:
            scratch = self._scratch[p.dtype] = np.empty(p.size, p.dtype)
        return scratch[: p.size].reshape(p.shape)

    def _effective(self, p: Array, g: Array, group: dict[str, Any]) -> Array:
        """The gradient to follow: g, or -g to maximize, plus weight_decay · p."""
        if group["maximize"]:
            g = -g
        if group["weight_decay"]:
            g = g + group["weight_decay"] * p
        return g

    def state_dict(self) -> dict[str, Any]:
        """State and options, from which `load_state_dict` continues exactly.

        Parameters are numbered in their order.
        """
        number = {
            id(p): i
            for i, p in enumerate(p for group in self.param_groups for p in group["params"])
        }
        groups = [
            {**group, "params": [number[id(p)] for p in group["params"]]}
            for group in self.param_groups
        ]
        return {
            "state": {number[id(p)]: dict(state) for p, state in self.state.items()},
            "param_groups": groups,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from `state_dict()`, this optimizer's or PyTorch's; the arrays are copied.

        Raises ValueError if groups or parameters do not match in number or shape.
        """
        groups = copy.deepcopy(state_dict["param_groups"])
        if len(groups) != len(self.param_groups):
            raise ValueError(
                f"loaded state dict has a different number of parameter groups: {len(groups)}, "
                f"this optimizer has {len(self.param_groups)}."
            )
        for index, (new, old) in enumerate(zip(groups, self.param_groups, strict=True)):
            if len(new["params"]) != len(old["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of "
                    f"optimizer's group: group {index} has {len(new['params'])} parameters there, "
                    f"{len(old['params'])} here."
                )
        parameter: dict[Hashable, Tensor] = {
            key: p
            for new, old in zip(groups, self.param_groups, strict=True)
            for key, p in zip(new["params"], old["params"], strict=True)
        }
        state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        for key, values in state_dict["state"].items():
            p = parameter[key]
            state[p] = {
                name: _loaded(value, p, name) for name, value in values.items() if value is not None
            }
            # PyTorch's SGD counts no steps; at a first step its momentum would be made anew.
            state[p].setdefault("step", 1)
        for new, old in zip(groups, self.param_groups, strict=True):
            new["params"] = old["params"]
            self.check({**self.defaults, **new})
        self.param_groups = [{**self.defaults, **group} for group in groups]
        self.state = state

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for index, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {index}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])


#: Ranges of hyperparameters, [low, high), by the name of the option.
_RANGES: dict[str, tuple[str, float, float]] = {
    "lr": ("learning rate", 0.0, float("inf")),
    "momentum": ("momentum value", 0.0, float("inf")),
    "weight_decay": ("weight_decay value", 0.0, float("inf")),
    "eps": ("epsilon value", 0.0, float("inf")),
    "alpha": ("alpha value", 0.0, float("inf")),
    "betas": ("beta parameter", 0.0, 1.0),
    "lr_decay": ("lr_decay value", 0.0, float("inf")),
    "initial_accumulator_value": ("initial_accumulator_value", 0.0, float("inf")),
}


def _loaded(value: Any, p: Tensor, name: str) -> Any:
    """One entry of a loaded state: a number, or an array of the parameter's shape and type."""
    array = np.asarray(value.detach() if hasattr(value, "detach") else value)
    if name == "step":
        return int(array.item())
    if array.shape != p.shape:
        raise ValueError(
            f"loaded state {name!r} has shape {array.shape}, its parameter has shape {p.shape}."
        )
    return wrap(np.array(array, dtype=p.dtype))
