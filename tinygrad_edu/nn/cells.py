"""One step of a recurrent layer: RNNCell, LSTMCell, GRUCell, for loops of your own."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any, ClassVar

from ..autograd.graph import apply_multiple
from ..ops import creation
from ..ops import recurrent as kernels
from ..ops.dtypes import DTypeLike
from ..tensor import Tensor
from . import init
from .module import Module
from .parameter import Parameter

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "RNNCellBase"]


class RNNCellBase(Module):
    """What the cells share.

    Parameters: weight_ih, weight_hh, bias_ih, bias_hh, uniform on ±1/√hidden_size at first.
    PyTorch: `torch.nn.RNNCellBase`.
    """

    states: ClassVar[int] = 1
    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, input_size),
            "weight_hh": (rows, hidden_size),
            "bias_ih": (rows,),
            "bias_hh": (rows,),
        }
        for name, shape in shapes.items():
            absent = name.startswith("bias") and not bias
            empty = None if absent else creation.empty(shape, device=device, dtype=dtype)
            self.register_parameter(name, None if empty is None else Parameter(empty))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights and biases anew."""
        bound = 1 / sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _step(
        self, operation: kernels.Recurrent, input: Tensor, given: Sequence[Any] | None
    ) -> list[Tensor]:
        """The new states: those of a sequence of one step."""
        name = type(self).__name__
        if input.ndim not in (1, 2):
            raise ValueError(
                f"{name}: Expected input to be 1D or 2D, got {input.ndim}D instead: (N, "
                f"{self.input_size}) or ({self.input_size},). A sequence goes step by step, or "
                f"through nn.{name.removesuffix('Cell')}."
            )
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"{name}: input has inconsistent input_size: got {input.shape[-1]}, expected "
                f"{self.input_size} (its shape is {input.shape})."
            )
        if input.dtype != self.weight_ih.dtype:
            raise RuntimeError(
                f"{name}: the input is {input.dtype}, the weights are {self.weight_ih.dtype}. "
                f"Convert the input: `x.to(tg.{self.weight_ih.dtype})`."
            )
        shape = (*input.shape[:-1], self.hidden_size)
        if given is None:
            given = [creation.zeros(shape, dtype=input.dtype)] * self.states
        for index, state in enumerate(given):
            if not isinstance(state, Tensor):
                raise TypeError(f"{name}: a state is a tensor; got {type(state).__name__}.")
            if state.ndim not in (1, 2):
                raise ValueError(
                    f"{name}: Expected state {index} to be 1D or 2D, got {state.ndim}D instead."
                )
            if state.shape != shape or state.dtype != input.dtype:
                raise RuntimeError(
                    f"{name}: state {index} (hidden{index}) of an input of shape {input.shape} has "
                    f"shape {shape} and type {input.dtype}; got {state.shape} and {state.dtype}."
                )
        single = input.ndim == 1
        if single:
            input, given = input.unsqueeze(0), [state.unsqueeze(0) for state in given]
        weights = (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        more = (None,) if self.states == 2 else ()  # no projection
        results = apply_multiple(operation, input.unsqueeze(0), *given, *weights, *more)[1:]
        return [state.squeeze(0) for state in results] if single else list(results)

    def extra_repr(self) -> str:
        """The sizes, and the options that are not the default."""
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text


class RNNCell(RNNCellBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu(...) with `nonlinearity="relu"`.

    Shapes: x (N, input_size) or (input_size), h alike with hidden_size, zeros if left out. Raises
    ValueError for other numbers of dimensions, RuntimeError for other sizes, types or
    nonlinearities. PyTorch: `torch.nn.RNNCell`.

    >>> cell, h = nn.RNNCell(3, 5), None
    >>> for x in tg.ones(7, 4, 3):
    ...     h = cell(x, h)
    >>> h.shape
    (4, 5)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next hidden state."""
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(
                f"RNNCell: Unknown nonlinearity {self.nonlinearity!r}. Select from 'tanh' or "
                "'relu'."
            )
        operation = kernels.RNN(rectify=self.nonlinearity == "relu")
        return self._step(operation, input, None if hx is None else [hx])[0]


class LSTMCell(RNNCellBase):
    """c' = f c + i g and h' = o tanh(c'), with gates as in `nn.LSTM`.

    `cell(x, (h, c)=None)` returns (h', c'). Shapes and errors as for `RNNCell`.
    PyTorch: `torch.nn.LSTMCell`.

    >>> h, c = nn.LSTMCell(3, 5)(tg.ones(4, 3))
    >>> h.shape, c.shape
    ((4, 5), (4, 5))
    """

    states = 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """The next hidden state and the next cell."""
        if hx is not None and (not isinstance(hx, (tuple, list)) or len(hx) != 2):
            got = type(hx).__name__
            raise TypeError(f"LSTMCell: the states are a pair of tensors (h, c); got {got}.")
        h, c = self._step(kernels.LSTM(), input, hx)
        return h, c


class GRUCell(RNNCellBase):
    """h' = (1 - z) n + z h, with r, z and n as in `nn.GRU`.

    Shapes and errors as for `RNNCell`. PyTorch: `torch.nn.GRUCell`.

    >>> nn.GRUCell(3, 5)(tg.ones(4, 3)).shape
    (4, 5)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next hidden state."""
        return self._step(kernels.GRU(), input, None if hx is None else [hx])[0]
