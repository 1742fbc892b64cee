"""weight_norm and spectral_norm in their first form: the weight is made before every forward.

`nn.utils.parametrizations` has the present form, where it is made whenever it is asked for.
"""

from __future__ import annotations

from typing import Any, TypeVar

from ...autograd.mode import no_grad
from ...ops.distances import normalize
from ...ops.norms import norm_except_dim
from ...tensor import Tensor
from ..hooks import hooks_of
from ..module import Module
from ..parameter import Parameter
from .parametrizations import (
    as_matrix,
    check_iterations,
    outputs_dim,
    random_direction,
    with_length,
)

__all__ = ["remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm"]

M = TypeVar("M", bound=Module)


class _MadeBefore:
    """A hook before forward that computes a weight from other parameters."""

    kind: str

    def __init__(self, name: str, dim: int) -> None:
        self.name = name
        self.dim = dim

    def compute(self, module: Module) -> Tensor:
        """The weight."""
        raise NotImplementedError

    def __call__(self, module: Module, args: Any) -> None:
        setattr(module, self.name, self.compute(module))

    def take(self, module: Module) -> Parameter:
        """Take the parameter away from the module; RuntimeError if another hook makes it."""
        for hook in hooks_of(module).forward_pre.values():
            if isinstance(hook.function, _MadeBefore) and hook.function.name == self.name:
                raise RuntimeError(
                    f"Cannot register two {self.kind} hooks on the same parameter {self.name}."
                )
        parameter = module._parameters.get(self.name)
        if parameter is None:
            raise ValueError(
                f"{self.kind} cannot be applied: {type(module).__name__} has no parameter "
                f"{self.name!r}."
            )
        delattr(module, self.name)
        return parameter

    def remove(self, module: Module, extra: tuple[str, ...]) -> None:
        """Make the weight an ordinary parameter with its present value."""
        with no_grad():
            weight = self.compute(module)
        for name in ("", *extra):
            delattr(module, self.name + name)
        module.register_parameter(self.name, Parameter(weight.detach().clone()))


class _WeightNorm(_MadeBefore):
    kind = "weight_norm"

    def compute(self, module: Module) -> Tensor:
        g, v = (getattr(module, f"{self.name}_{letter}") for letter in "gv")
        return with_length(v, g, self.dim)


class _SpectralNorm(_MadeBefore):
    kind = "spectral_norm"

    def __init__(self, name: str, dim: int, iterations: int, eps: float) -> None:
        super().__init__(name, dim)
        check_iterations(iterations)
        self.iterations = iterations
        self.eps = eps

    def compute(self, module: Module, iterations: int = 0) -> Tensor:
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        matrix = as_matrix(weight, self.dim)
        with no_grad():
            for _ in range(iterations):
                v.copy_(normalize(matrix.T @ u, dim=0, eps=self.eps))
                u.copy_(normalize(matrix @ v, dim=0, eps=self.eps))
        return weight / (u.clone() @ (matrix @ v.clone()))  # type: ignore[no-any-return]

    def __call__(self, module: Module, args: Any) -> None:
        iterations = self.iterations if module.training else 0
        setattr(module, self.name, self.compute(module, iterations))


def _remove(module: M, cls: type[_MadeBefore], name: str, extra: tuple[str, ...]) -> M:
    table = hooks_of(module).forward_pre
    for key, hook in table.items():
        if isinstance(hook.function, cls) and hook.function.name == name:
            hook.function.remove(module, extra)
            del table[key]
            return module
    raise ValueError(f"{cls.kind} of {name!r} not found in {type(module).__name__}.")


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Train length and direction of a weight apart: w = g v/‖v‖, made before every forward.

    Parameters: {name}_g and {name}_v. PyTorch: `torch.nn.utils.weight_norm`, where it is
    deprecated in favour of `nn.utils.parametrizations.weight_norm`; see there. Raises RuntimeError
    if the weight is made by such a hook already, ValueError if there is none.

    >>> list(nn.utils.weight_norm(nn.Linear(2, 3)).state_dict())
    ['bias', 'weight_g', 'weight_v']
    """
    hook = _WeightNorm(name, -1 if dim is None else dim)
    weight = hook.take(module)
    length = norm_except_dim(weight.detach(), 2, hook.dim)
    module.register_parameter(f"{name}_g", Parameter(length))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    setattr(module, name, hook.compute(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Undo `weight_norm`; ValueError if it was not there. PyTorch: `nn.utils.remove_weight_norm`.

    >>> nn.utils.remove_weight_norm(nn.utils.weight_norm(nn.Linear(2, 3))).weight.shape
    (3, 2)
    """
    return _remove(module, _WeightNorm, name, ("_g", "_v"))


def spectral_norm(
    module: M,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> M:
    """Divide a weight by its largest singular value, before every forward.

    Parameter {name}_orig, buffers {name}_u and {name}_v. PyTorch: `torch.nn.utils.spectral_norm`;
    the present form is `nn.utils.parametrizations.spectral_norm`, see there. Errors as for
    `weight_norm`, and ValueError for no iterations.

    >>> list(nn.utils.spectral_norm(nn.Linear(2, 3)).state_dict())
    ['bias', 'weight_orig', 'weight_u', 'weight_v']
    """
    hook = _SpectralNorm(name, outputs_dim(module, dim), n_power_iterations, eps)
    weight = hook.take(module)
    rows, columns = as_matrix(weight.detach(), hook.dim).shape
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.detach())
    module.register_buffer(f"{name}_u", random_direction(rows, weight, eps))
    module.register_buffer(f"{name}_v", random_direction(columns, weight, eps))
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Undo `spectral_norm`; ValueError if it was not there.

    PyTorch: `torch.nn.utils.remove_spectral_norm`.

    >>> nn.utils.remove_spectral_norm(nn.utils.spectral_norm(nn.Linear(2, 3))).weight.shape
    (3, 2)
    """
    return _remove(module, _SpectralNorm, name, ("_orig", "_u", "_v"))
