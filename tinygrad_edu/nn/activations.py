"""Activations as modules; the formulas stand with their functions in nn.functional."""

from __future__ import annotations

import numpy as np

from ..ops import creation
from ..ops.dtypes import DTypeLike
from ..random import Generator
from ..tensor import Tensor
from . import functional as F
from .module import Module
from .parameter import Parameter

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]


class _Inplace(Module):
    """An activation that may write its result into its input."""

    inplace: bool

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        """`inplace=True`, if so."""
        return "inplace=True" if self.inplace else ""

    def _described(self, *arguments: str) -> str:
        return ", ".join((*arguments, *(["inplace=True"] if self.inplace else [])))


class ReLU(_Inplace):
    """max(x, 0). PyTorch: `torch.nn.ReLU`.

    >>> nn.ReLU()(tg.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """max(x, 0), elementwise."""
        return F.relu(input, self.inplace)


class ReLU6(_Inplace):
    """min(max(x, 0), 6). PyTorch: `torch.nn.ReLU6`.

    >>> nn.ReLU6()(tg.tensor([-1.0, 8.0]))
    tensor([0., 6.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """min(max(x, 0), 6), elementwise."""
        return F.relu6(input, self.inplace)


class LeakyReLU(_Inplace):
    """x where x > 0, else negative_slope x. PyTorch: `torch.nn.LeakyReLU`.

    >>> nn.LeakyReLU(0.1)(tg.tensor([-1.0, 2.0]))
    tensor([-0.1000,  2.0000])
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, input: Tensor) -> Tensor:
        """x where x > 0, else negative_slope x."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        """The slope."""
        return self._described(f"negative_slope={self.negative_slope}")


class RReLU(_Inplace):
    """A leaky relu with a random slope for each element, the mean slope when not training.

    PyTorch: `torch.nn.RReLU`.

    >>> nn.RReLU(0.25, 0.75).eval()(tg.tensor([-8.0, 2.0]))
    tensor([-4.,  2.])
    """

    def __init__(
        self,
        lower: float = 1 / 8,
        upper: float = 1 / 3,
        inplace: bool = False,
        *,
        generator: Generator | np.random.Generator | None = None,
    ) -> None:
        super().__init__(inplace)
        self.lower = lower
        self.upper = upper
        self.generator = generator

    def forward(self, input: Tensor) -> Tensor:
        """x where x > 0, else slope x, the slope uniform on [lower, upper)."""
        return F.rrelu(
            input, self.lower, self.upper, self.training, self.inplace, generator=self.generator
        )

    def extra_repr(self) -> str:
        """The bounds of the slope."""
        return self._described(f"lower={self.lower}", f"upper={self.upper}")


class PReLU(Module):
    """A leaky relu whose slope is learned: one, or one for each of `num_parameters` channels.

    Parameter: weight (num_parameters), at first `init`. PyTorch: `torch.nn.PReLU`.

    >>> nn.PReLU()(tg.tensor([-1.0, 2.0])).detach()
    tensor([-0.2500,  2.0000])
    """

    weight: Parameter

    def __init__(
        self,
        num_parameters: int = 1,
        init: float = 0.25,
        device: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(creation.full((num_parameters,), init, device=device, dtype=dtype))

    def reset_parameters(self) -> None:
        """Set the slopes to their first value."""
        self.weight.array[...] = self.init
        self.weight.version[0] += 1

    def forward(self, input: Tensor) -> Tensor:
        """x where x > 0, else weight x."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """The number of slopes."""
        return f"num_parameters={self.num_parameters}"


class ELU(_Inplace):
    """x where x > 0, else alpha (e^x - 1). PyTorch: `torch.nn.ELU`.

    >>> nn.ELU()(tg.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        """x where x > 0, else alpha (e^x - 1)."""
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        """alpha."""
        return self._described(f"alpha={self.alpha}")


class CELU(_Inplace):
    """max(x, 0) + min(0, alpha (e^(x/alpha) - 1)). PyTorch: `torch.nn.CELU`.

    >>> nn.CELU(0.5)(tg.tensor([-1.0, 2.0]))
    tensor([-0.4323,  2.0000])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        """max(x, 0) + min(0, alpha (e^(x/alpha) - 1))."""
        return F.celu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        """alpha."""
        return self._described(f"alpha={self.alpha}")


class SELU(_Inplace):
    """The elu that normalises itself. PyTorch: `torch.nn.SELU`.

    >>> nn.SELU()(tg.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """

    def forward(self, input: Tensor) -> Tensor:
        """1.0507 x where x > 0, else 1.0507 · 1.6733 (e^x - 1)."""
        return F.selu(input, self.inplace)


class GELU(Module):
    """x Φ(x), exactly or with `approximate="tanh"`. PyTorch: `torch.nn.GELU`.

    >>> nn.GELU()(tg.tensor([-1.0, 2.0]))
    tensor([-0.1587,  1.9545])
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """x Φ(x), with Φ the normal distribution's."""
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        """Which formula."""
        return f"approximate={self.approximate!r}"


class SiLU(_Inplace):
    """x sigmoid(x), also called swish. PyTorch: `torch.nn.SiLU`.

    >>> nn.SiLU()(tg.tensor([-1.0, 2.0]))
    tensor([-0.2689,  1.7616])
    """

    def forward(self, input: Tensor) -> Tensor:
        """x sigmoid(x), elementwise."""
        return F.silu(input, self.inplace)


class Mish(_Inplace):
    """x tanh(softplus(x)). PyTorch: `torch.nn.Mish`.

    >>> nn.Mish()(tg.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.9440])
    """

    def forward(self, input: Tensor) -> Tensor:
        """x tanh(softplus(x)), elementwise."""
        return F.mish(input, self.inplace)


class Sigmoid(Module):
    """1/(1 + e^-x). PyTorch: `torch.nn.Sigmoid`.

    >>> nn.Sigmoid()(tg.tensor([0.0, 1.0]))
    tensor([0.5000, 0.7311])
    """

    def forward(self, input: Tensor) -> Tensor:
        """1/(1 + e^-x), elementwise."""
        return F.sigmoid(input)


class LogSigmoid(Module):
    """ln sigmoid(x). PyTorch: `torch.nn.LogSigmoid`.

    >>> nn.LogSigmoid()(tg.tensor([0.0]))
    tensor([-0.6931])
    """

    def forward(self, input: Tensor) -> Tensor:
        """ln sigmoid(x), elementwise."""
        return F.logsigmoid(input)


class Tanh(Module):
    """Hyperbolic tangent. PyTorch: `torch.nn.Tanh`.

    >>> nn.Tanh()(tg.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """

    def forward(self, input: Tensor) -> Tensor:
        """tanh x, elementwise."""
        return F.tanh(input)


class Tanhshrink(Module):
    """x - tanh x. PyTorch: `torch.nn.Tanhshrink`.

    >>> nn.Tanhshrink()(tg.tensor([2.0]))
    tensor([1.0360])
    """

    def forward(self, input: Tensor) -> Tensor:
        """x - tanh x, elementwise."""
        return F.tanhshrink(input)


class Softsign(Module):
    """x/(1 + |x|). PyTorch: `torch.nn.Softsign`.

    >>> nn.Softsign()(tg.tensor([-3.0]))
    tensor([-0.7500])
    """

    def forward(self, input: Tensor) -> Tensor:
        """x/(1 + |x|), elementwise."""
        return F.softsign(input)


class Softplus(Module):
    """ln(1 + e^(beta x))/beta, x itself where beta x > threshold. PyTorch: `torch.nn.Softplus`.

    >>> nn.Softplus()(tg.tensor([0.0]))
    tensor([0.6931])
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        """ln(1 + e^(beta x))/beta, elementwise."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """beta and threshold."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Hardtanh(_Inplace):
    """min(max(x, min_val), max_val). Raises ValueError unless min_val < max_val.

    PyTorch: `torch.nn.Hardtanh`.

    >>> nn.Hardtanh()(tg.tensor([-2.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        if not min_val < max_val:
            raise ValueError(
                f"Hardtanh: min_val must be below max_val; got {min_val} and {max_val}."
            )
        self.min_val = min_val
        self.max_val = max_val

    def forward(self, input: Tensor) -> Tensor:
        """min(max(x, min_val), max_val), elementwise."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        """The bounds."""
        return self._described(f"min_val={self.min_val}", f"max_val={self.max_val}")


class Hardsigmoid(_Inplace):
    """min(max(x/6 + 1/2, 0), 1). PyTorch: `torch.nn.Hardsigmoid`.

    >>> nn.Hardsigmoid()(tg.tensor([0.0, 4.0]))
    tensor([0.5000, 1.0000])
    """

    def forward(self, input: Tensor) -> Tensor:
        """min(max(x/6 + 1/2, 0), 1), elementwise."""
        return F.hardsigmoid(input, self.inplace)


class Hardswish(_Inplace):
    """x hardsigmoid(x). PyTorch: `torch.nn.Hardswish`.

    >>> nn.Hardswish()(tg.tensor([1.5, 4.0]))
    tensor([1.1250, 4.0000])
    """

    def forward(self, input: Tensor) -> Tensor:
        """x hardsigmoid(x), elementwise."""
        return F.hardswish(input, self.inplace)


class Hardshrink(Module):
    """0 where |x| <= lambd, else x. PyTorch: `torch.nn.Hardshrink`.

    >>> nn.Hardshrink()(tg.tensor([0.3, 2.0]))
    tensor([0., 2.])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """0 where |x| <= lambd, else x."""
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """lambd."""
        return f"{self.lambd}"


class Softshrink(Module):
    """x moved towards 0 by lambd, but not past it. PyTorch: `torch.nn.Softshrink`.

    >>> nn.Softshrink()(tg.tensor([0.3, 2.0]))
    tensor([0.0000, 1.5000])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """x - lambd, x + lambd, or 0 between."""
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """lambd."""
        return f"{self.lambd}"


class Threshold(_Inplace):
    """x where x > threshold, else value. PyTorch: `torch.nn.Threshold`.

    >>> nn.Threshold(1, -9)(tg.tensor([0.5, 2.0]))
    tensor([-9.,  2.])
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.threshold = threshold
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """x where x > threshold, else value."""
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        """Threshold and value."""
        return self._described(f"threshold={self.threshold}", f"value={self.value}")


class GLU(Module):
    """a sigmoid(b), where a and b are the halves along `dim`. PyTorch: `torch.nn.GLU`.

    >>> nn.GLU()(tg.tensor([3.0, 0.0]))
    tensor([1.5000])
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """a sigmoid(b)."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        """The halved dimension."""
        return f"dim={self.dim}"


class _AlongDim(Module):
    """An activation along one dimension."""

    dim: int | None

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        """The dimension."""
        return f"dim={self.dim}"


class Softmax(_AlongDim):
    """e^x / Σ e^x along `dim`. PyTorch: `torch.nn.Softmax`.

    A loss from logits, such as CrossEntropyLoss, contains it: then it does not belong into the
    network.

    >>> nn.Softmax(dim=1)(tg.tensor([[0.0, 0.0]]))
    tensor([[0.5000, 0.5000]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """e^x / Σ e^x."""
        return F.softmax(input, self.dim, _stacklevel=5)


class Softmin(_AlongDim):
    """softmax(-x) along `dim`. PyTorch: `torch.nn.Softmin`.

    >>> nn.Softmin(dim=1)(tg.tensor([[0.0, 0.0]]))
    tensor([[0.5000, 0.5000]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """e^-x / Σ e^-x."""
        return F.softmin(input, self.dim, _stacklevel=5)


class LogSoftmax(_AlongDim):
    """ln softmax(x) along `dim`. PyTorch: `torch.nn.LogSoftmax`.

    >>> nn.LogSoftmax(dim=1)(tg.tensor([[0.0, 0.0]]))
    tensor([[-0.6931, -0.6931]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """x - ln Σ e^x."""
        return F.log_softmax(input, self.dim, _stacklevel=5)


class Softmax2d(Module):
    """softmax over the channels of (N, C, H, W) or (C, H, W); ValueError for others.

    PyTorch: `torch.nn.Softmax2d`.

    >>> nn.Softmax2d()(tg.zeros(1, 2, 1, 1)).flatten()
    tensor([0.5000, 0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        """e^x / Σ e^x over the channels."""
        if input.ndim not in (3, 4):
            raise ValueError(
                f"Softmax2d: expected 3D or 4D input (got {input.ndim}D input of shape "
                f"{input.shape})."
            )
        return F.softmax(input, -3)
