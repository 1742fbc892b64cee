"""Parametrizations that are used often. PyTorch: `torch.nn.utils.parametrizations`."""

from __future__ import annotations

from typing import Any

from ...autograd.mode import no_grad
from ...ops import random
from ...ops.distances import normalize
from ...ops.norms import norm_except_dim
from ...tensor import Tensor
from ..module import Module
from . import parametrize

__all__ = ["spectral_norm", "weight_norm"]


def with_length(v: Tensor, g: Tensor, dim: int) -> Tensor:
    """g v/‖v‖: the direction of v, the length g."""
    return v * (g / norm_except_dim(v, 2, dim))


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """A weight as a matrix with the outputs, its dimension `dim`, as rows."""
    return weight.movedim(dim, 0).reshape(weight.shape[dim], -1)


def outputs_dim(module: Module, dim: int | None) -> int:
    """The dimension of the outputs: the first, but the second in transposed convolutions."""
    if dim is not None:
        return dim
    names = {cls.__name__ for cls in type(module).__mro__}
    return 1 if names & {f"ConvTranspose{n}d" for n in (1, 2, 3)} else 0


def random_direction(size: int, like: Tensor, eps: float) -> Tensor:
    """A vector of length 1."""
    return normalize(random.randn(size, dtype=like.dtype), dim=0, eps=eps)


class _WeightNorm(Module):
    """g v/‖v‖ for originals g and v."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        """The weight."""
        return with_length(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Length and direction of a weight."""
        return norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Train length and direction of a weight apart: w = g v/‖v‖.

    One length for each slice along `dim` (each output of a linear layer), or one for the whole with
    `dim=None`. Parameters: parametrizations.{name}.original0, which is g, and .original1, v; a
    state with the old names {name}_g and {name}_v loads too. Returns the module; `remove` with
    `nn.utils.parametrize.remove_parametrizations`. PyTorch:
    `torch.nn.utils.parametrizations.weight_norm`. Source: Salimans & Kingma, "Weight
    normalization", 2016.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
    >>> list(layer.state_dict())
    ['bias', 'parametrizations.weight.original0', 'parametrizations.weight.original1']
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    module.register_load_state_dict_pre_hook(_OldNames(name))
    return module


class _OldNames:
    """Gives the parameters of `nn.utils.weight_norm` in a state their new names."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, module: Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
        old = [f"{prefix}{self.name}_{letter}" for letter in "gv"]
        if parametrize.is_parametrized(module, self.name) and all(key in state for key in old):
            for index, key in enumerate(old):
                state[f"{prefix}parametrizations.{self.name}.original{index}"] = state.pop(key)


class _SpectralNorm(Module):
    """w/σ, where σ = uᵀ w v, the largest singular value, by power iteration."""

    _u: Tensor
    _v: Tensor

    def __init__(
        self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        super().__init__()
        check_iterations(n_power_iterations)
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{weight.ndim}, "
                f"{weight.ndim - 1}] but got {dim})."
            )
        self.dim = dim % weight.ndim
        self.eps = eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight.detach(), self.dim)
            rows, columns = matrix.shape
            self.register_buffer("_u", random_direction(rows, weight, eps))
            self.register_buffer("_v", random_direction(columns, weight, eps))
            self._iterate(matrix, 15)

    def _iterate(self, matrix: Tensor, times: int) -> None:
        with no_grad():
            for _ in range(times):
                self._u.copy_(normalize(matrix @ self._v, dim=0, eps=self.eps))
                self._v.copy_(normalize(matrix.T @ self._u, dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        """The weight divided by its largest singular value."""
        if weight.ndim == 1:
            return normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._iterate(matrix.detach(), self.n_power_iterations)
        # Copies, because the next pass changes the buffers before this one may be differentiated.
        u, v = self._u.clone(), self._v.clone()
        return weight / (u @ (matrix @ v))

    def right_inverse(self, value: Tensor) -> Tensor:
        """The value itself, which is wrong by a factor, as in PyTorch."""
        return value


def check_iterations(count: int) -> None:
    """Refuse a number of power iterations that is not positive."""
    if count <= 0:
        raise ValueError(
            f"Expected n_power_iterations to be positive, but got n_power_iterations={count}."
        )


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divide a weight by its largest singular value, so that the layer stretches nothing.

    The singular value is followed by `n_power_iterations` of the power method whenever the weight
    is asked for while training. `dim` is that of the outputs. Raises ValueError for a name that
    there is not, or no iterations. PyTorch: `torch.nn.utils.parametrizations.spectral_norm`.
    Source: Miyato et al., "Spectral normalization for generative adversarial networks", 2018.

    >>> layer = nn.utils.parametrizations.spectral_norm(nn.Linear(2, 3))
    >>> list(layer.state_dict())[1:3]
    ['parametrizations.weight.original', 'parametrizations.weight.0._u']
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"{type(module).__name__} has no parameter or buffer with name {name!r}.")
    norm = _SpectralNorm(weight, n_power_iterations, outputs_dim(module, dim), eps)
    return parametrize.register_parametrization(module, name, norm)
