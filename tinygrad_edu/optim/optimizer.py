"""The base of all optimizers: parameter groups and state."""

from __future__ import annotations

import copy
import warnings
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import Any, ClassVar, TypeAlias

import numpy as np

from ..autograd import no_grad
from ..autograd.graph import TensorBase, wrap
from ..autograd.passes import note_reset
from ..ops.dtypes import type_name
from ..tensor import Tensor
from .hooks import Hooks, hooked
from .options import number

__all__ = ["Optimizer", "Params", "State", "required"]

Params: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
State: TypeAlias = dict[str, Any]


class _Required:
    """Stands in `defaults` for an option that every parameter group has to give."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


class Optimizer(Hooks):
    """Base of all optimizers. PyTorch: `torch.optim.Optimizer`.

    `params` are tensors that require grad, pairs (name, tensor), or dicts with "params" and options
    of their own (parameter groups). `defaults` are the options of the groups that do not say
    otherwise; they may be changed at any time: `opt.param_groups[0]["lr"] = 0.1`. A number may be
    given as a tensor with one element.

    `state[p]` holds what the optimizer remembers of the parameter p: tensors, and Python numbers
    such as "step" (PyTorch has tensors without dimensions for these).

    Four options of PyTorch concern its kernels. `foreach` and `fused` choose between kernels with
    the same result: they are kept in the groups and have no effect. `capturable=True` (for CUDA
    graphs) and `differentiable=True` (for a graph through the update) ask for something that is not
    there: ValueError.

    An optimizer of your own calls `super().__init__(params, defaults)` and defines `step`.

    Raises TypeError for a single tensor, a set, or something that is no tensor; ValueError for an
    empty list, tensors that are not leaves, parameters in two groups, and values out of range. A
    parameter twice in one group is a warning, and it is updated twice.

    Unlike PyTorch, counters in the state, such as "step", are numbers.

    >>> class SignDescent(optim.Optimizer):
    ...     def __init__(self, params, lr=0.1):
    ...         super().__init__(params, {"lr": lr})
    ...
    ...     @tg.no_grad()
    ...     def step(self, closure=None):
    ...         for group in self.param_groups:
    ...             for p in group["params"]:
    ...                 if p.grad is not None:
    ...                     p.add_(p.grad.sign(), alpha=-group["lr"])
    >>> w = tg.tensor([1.0, -2.0], requires_grad=True)
    >>> (w**2).sum().backward()
    >>> SignDescent([w]).step()
    >>> w.detach()
    tensor([ 0.9000, -1.9000])
    """

    #: Names in the state of arrays that have the parameter's shape.
    _memory: ClassVar[tuple[str, ...]] = ()
    #: Names in the state of plain numbers, and their types.
    _numbers: ClassVar[dict[str, type]] = {}

    _opt_called: bool  # whether `step` was called; kept once a scheduler asks for it

    def __init_subclass__(cls) -> None:
        """A `step` of a subclass's own runs the hooks, too."""
        super().__init_subclass__()
        if "step" in cls.__dict__:
            cls.step = hooked(cls.step)  # type: ignore[method-assign]

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        super().__init__()
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self.state: defaultdict[Any, State] = defaultdict(dict)
        if isinstance(params, TensorBase):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or "
                "dicts, but got a single tensor: write [tensor]."
            )
        groups: list[Any] = _entries(params)
        if not groups:
            raise ValueError(
                "optimizer got an empty parameter list: does the model have layers, and was a "
                "generator such as model.parameters() used up before?"
            )
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    # Parameter groups.

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with options of their own, such as layers that are unfrozen later.

        Raises as the constructor does.
        """
        if not isinstance(param_group, dict):
            raise TypeError(
                f"param_group must be a dict with 'params', but got {type(param_group).__name__}."
            )
        group = {**param_group, **_parameters(param_group["params"])}
        for p in group["params"]:
            _check_parameter(p)
        for name, default in self.defaults.items():
            if default is required and name not in group:
                raise ValueError(
                    "parameter group didn't specify a value of required optimization parameter "
                    f"{name}"
                )
            group.setdefault(name, default)
        if len({id(p) for p in group["params"]}) < len(group["params"]):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters: each step updates "
                "them as often as they are listed. list(dict.fromkeys(params)) lists them once.",
                UserWarning,
                stacklevel=3,
            )
        self._check_beside_others(group)
        self._check_group(group)
        self.param_groups.append(group)

    def _check_beside_others(self, group: dict[str, Any]) -> None:
        """A parameter is in one group; all groups have names, or none has."""
        known = {id(p) for other in self.param_groups for p in other["params"]}
        if any(id(p) in known for p in group["params"]):
            raise ValueError("some parameters appear in more than one parameter group.")
        if any(("param_names" in group) != ("param_names" in other) for other in self.param_groups):
            kind = "with names" if "param_names" in group else "without names"
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group "
                f"{kind} to the optimizer"
            )

    def _check_group(self, group: dict[str, Any]) -> None:
        """Refuse options that make no sense, before a group is taken."""

    # Gradients and steps.

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; with `set_to_none=False` fill them with zeros instead."""
        note_reset(self)
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none or p._grad is None:
                    p._grad = None
                else:
                    p._grad = p._grad.detach()
                    with no_grad():
                        p._grad.zero_()

    @hooked
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters. `closure` computes the loss anew; its result is returned."""
        raise NotImplementedError(f"{type(self).__name__} does not define step().")

    # State.

    def state_dict(self) -> dict[str, Any]:
        """State and options, from which `load_state_dict` continues exactly.

        {"state": {0: ..., 1: ...}, "param_groups": [...]}, with the parameters numbered in their
        order. As in PyTorch these are not copies: later steps change them. `copy.deepcopy` keeps
        the present ones.
        """
        self._run_hooks("state_dict_pre")
        number: dict[int, int] = {}
        for group in self.param_groups:
            for p in group["params"]:
                number.setdefault(id(p), len(number))
        state_dict = {
            "state": {
                number[id(key)] if isinstance(key, TensorBase) else key: values
                for key, values in self.state.items()
                if values
            },
            "param_groups": [
                {
                    **{name: group[name] for name in group if name != "params"},
                    "params": [number[id(p)] for p in group["params"]],
                }
                for group in self.param_groups
            ],
        }
        return self._pass_through_hooks("state_dict_post", state_dict)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from `state_dict()`, this optimizer's or PyTorch's; the arrays are copied.

        Raises ValueError if groups or parameters do not match in number or shape; then nothing is
        changed.
        """
        state_dict = self._pass_through_hooks("load_state_dict_pre", dict(state_dict))
        groups = copy.deepcopy(state_dict["param_groups"])
        self._check_sizes(groups)
        parameter: dict[Hashable, Tensor] = {
            key: p
            for new, old in zip(groups, self.param_groups, strict=True)
            for key, p in zip(new["params"], old["params"], strict=True)
        }
        state: defaultdict[Any, State] = defaultdict(dict)
        for key, values in state_dict["state"].items():
            if key in parameter:
                p = parameter[key]
                state[p] = {name: self._loaded(p, name, value) for name, value in values.items()}
            else:
                state[key] = copy.deepcopy(values)
        groups = [
            self._completed(new, old) for new, old in zip(groups, self.param_groups, strict=True)
        ]
        self.param_groups = groups
        self.state = state
        self._run_hooks("load_state_dict_post")

    def _check_sizes(self, groups: list[dict[str, Any]]) -> None:
        """The loaded groups are as many as ours, with as many parameters."""
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

    def _completed(self, new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
        """A loaded group for the parameters of ours, with the options that it does not know."""
        names = {"param_names": old["param_names"]} if "param_names" in old else {}
        return {**self.defaults, **names, **new, "params": old["params"]}

    def _loaded(self, p: Tensor, name: str, value: Any) -> Any:
        """A copy of one entry of a loaded state, with arrays in the type of the parameter."""
        if value is None:
            return None
        if isinstance(value, dict):
            return {key: self._loaded(p, key, entry) for key, entry in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self._loaded(p, name, entry) for entry in value)
        if name in self._numbers:
            return self._numbers[name](number(value))
        if not hasattr(value, "detach") and not isinstance(value, np.ndarray):
            return copy.deepcopy(value)
        array = np.asarray(value.detach() if hasattr(value, "detach") else value)
        if name in self._memory and array.shape != p.shape:
            raise ValueError(
                f"loaded state {name!r} has shape {array.shape}, its parameter has shape {p.shape}."
            )
        floating = array.dtype.kind == "f" and p.dtype.kind == "f"
        return wrap(np.array(array, dtype=p.dtype if floating else array.dtype))

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles: without hooks, as in PyTorch."""
        return {name: value for name, value in self.__dict__.items() if name != "_hooks"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Hooks.__init__(self)
        self.__dict__.update(state)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for index, group in enumerate(self.param_groups):
            lines += [""] * (index > 0) + [f"Parameter Group {index}"]
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])


def _entries(params: Any) -> list[Any]:
    if not isinstance(params, Iterable):
        hint = " Pass its parameters()." if hasattr(params, "parameters") else ""
        raise TypeError(
            f"An optimizer takes an iterable of tensors; got {type_name(params)}.{hint}"
        )
    return list(params)


def _parameters(params: Any) -> dict[str, Any]:
    """The tensors of a group as a list, and the list of their names if they have any."""
    if isinstance(params, TensorBase):
        return {"params": [params]}
    if isinstance(params, (set, frozenset)):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering of "
            "tensors in sets will change between runs. Please use a list instead."
        )
    entries = _entries(params)
    names = [entry[0] for entry in entries if isinstance(entry, tuple)]
    if not names:
        return {"params": entries}
    if len(names) < len(entries):
        raise ValueError(
            "all optimizer params should be with/without names. Some param names are missing: "
            f"{len(names)} of {len(entries)} have one."
        )
    return {"params": [entry[1] for entry in entries], "param_names": names}


def _check_parameter(p: Any) -> None:
    if not isinstance(p, TensorBase):
        raise TypeError(
            f"optimizer can only optimize Tensors, but one of the params is {type_name(p)}."
        )
    if not (p.is_leaf or p.retains_grad):  # type: ignore[attr-defined]
        raise ValueError(
            f"can't optimize a non-leaf Tensor (shape {p.shape}, "
            f"grad_fn={p.node.name if p.node else None}): give the optimizer the tensors you "
            "created, not results computed from them."
        )
