"""Recurrent layers over whole sequences: RNN, LSTM, GRU. One step at a time: cells.py."""

from __future__ import annotations

import warnings
from math import sqrt
from typing import Any, ClassVar

from ..autograd.graph import apply_multiple
from ..ops import creation
from ..ops import recurrent as kernels
from ..ops.dtypes import DTypeLike, type_name
from ..ops.joining import cat, stack
from ..tensor import Tensor
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter
from .utils.rnn import PackedSequence

__all__ = ["GRU", "LSTM", "RNN", "RNNBase"]


class RNNBase(Module):
    """What the recurrent layers share: parameters, layers and directions, padded and packed input.

    Parameters of layer k: weight_ih_l{k}, weight_hh_l{k}, bias_ih_l{k}, bias_hh_l{k}, and
    weight_hr_l{k} with a projection; those of the direction back end in _reverse. All are uniform
    on ±1/√hidden_size at first. PyTorch: `torch.nn.RNNBase`.
    """

    gates: ClassVar[int] = 1
    state_names: ClassVar[tuple[str, ...]] = ("hidden",)

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        self._check_options(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size
        )
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._all_weights: list[list[str]] = []
        rows, size = self.gates * hidden_size, proj_size or hidden_size
        for layer in range(num_layers):
            width = input_size if layer == 0 else size * self._directions
            for suffix in ("", "_reverse")[: self._directions]:
                shapes: dict[str, tuple[int, ...]] = {
                    "weight_ih": (rows, width),
                    "weight_hh": (rows, size),
                }
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                names = {f"{name}_l{layer}{suffix}": shape for name, shape in shapes.items()}
                for name, shape in names.items():
                    empty = creation.empty(shape, device=device, dtype=dtype)
                    self.register_parameter(name, Parameter(empty))
                self._all_weights.append(list(names))
        self.reset_parameters()

    def _check_options(
        self,
        input_size: Any,
        hidden_size: Any,
        num_layers: int,
        bias: Any,
        batch_first: Any,
        dropout: Any,
        proj_size: int,
    ) -> None:
        name = type(self).__name__
        for option, value, kind in (
            ("input_size", input_size, int),
            ("hidden_size", hidden_size, int),
            ("bias", bias, bool),
            ("batch_first", batch_first, bool),
        ):
            if not isinstance(value, kind):
                raise TypeError(
                    f"{name}: {option} should be of type {kind.__name__}, got: "
                    f"{type(value).__name__}."
                )
        for option, value in (
            ("input_size", input_size),
            ("hidden_size", hidden_size),
            ("num_layers", num_layers),
        ):
            if value <= 0:
                raise ValueError(f"{name}: {option} must be greater than zero; got {value}.")
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)):
            raise ValueError(f"{name}: dropout should be a number in range [0, 1]; got {dropout}.")
        if not 0 <= dropout <= 1:
            raise ValueError(
                f"{name}: dropout should be a number in range [0, 1], the probability of an "
                f"element being zeroed; got {dropout}."
            )
        if not 0 <= proj_size < hidden_size:
            raise ValueError(
                f"{name}: proj_size has to be smaller than hidden_size, or zero for no projection; "
                f"got {proj_size} with hidden_size={hidden_size}."
            )
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                f"{name}: dropout acts on the output of each recurrent layer but the last, so "
                f"dropout={dropout} has no effect with num_layers=1.",
                stacklevel=4,
            )

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, one list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def reset_parameters(self) -> None:
        """Draw all weights and biases anew."""
        bound = 1 / sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def flatten_parameters(self) -> None:
        """Do nothing: for a GPU, PyTorch moves the weights together in memory here."""

    def _operation(self, reverse: bool, batch_sizes: list[int] | None) -> kernels.Recurrent:
        """One layer in one direction."""
        raise NotImplementedError(f"{type(self).__name__}: use nn.RNN, nn.LSTM or nn.GRU.")

    def _weights(self, place: int) -> list[Parameter | None]:
        """What the operation takes behind input and states."""
        found: list[Parameter | None] = [getattr(self, name) for name in self._all_weights[place]]
        if not self.bias:
            found[2:2] = [None, None]
        return found

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """The outputs of all steps, and the last states of all layers and directions."""
        if isinstance(input, PackedSequence):
            data = input.data
            self._check_input(data, 2, "the data of a packed sequence has shape (rows, input_size)")
            sizes: list[int] = input.batch_sizes.tolist()
            states = self._states(hx, data, (sizes[0],), input.sorted_indices)
            output, finals = self._run(data, states, sizes)
            packed = PackedSequence(
                output, input.batch_sizes, input.sorted_indices, input.unsorted_indices
            )
            return packed, self._as_given(finals, input.unsorted_indices)
        if not isinstance(input, Tensor):
            raise TypeError(
                f"{type(self).__name__}: the input is a tensor or a PackedSequence; got "
                f"{type_name(input)}. Use tg.tensor(...)."
            )
        if input.ndim not in (2, 3):
            raise ValueError(
                f"{type(self).__name__}: Expected input to be 2D or 3D, got {input.ndim}D instead. "
                f"A batch has shape {self._meant}, a single sequence (T, input_size)."
            )
        self._check_input(input, 3, f"a batch has shape {self._meant}")
        batched = input.ndim == 3
        time = 1 if batched and self.batch_first else 0
        if input.shape[time] == 0:
            raise RuntimeError(
                f"{type(self).__name__}: Expected sequence length to be larger than 0; got an "
                f"input of shape {input.shape} with batch_first={self.batch_first}."
            )
        if batched:
            rows = input.transpose(0, 1) if self.batch_first else input
            states = self._states(hx, input, (rows.shape[1],))
        else:
            rows, states = input.unsqueeze(1), self._states(hx, input, ())
        output, finals = self._run(rows, states, None)
        if not batched:
            return output.squeeze(1), self._as_given([state.squeeze(1) for state in finals])
        if self.batch_first:
            output = output.transpose(0, 1)
        return output, self._as_given(finals)

    @property
    def _meant(self) -> str:
        return "(N, T, input_size)" if self.batch_first else "(T, N, input_size)"

    def _check_input(self, input: Tensor, ndim: int, meant: str) -> None:
        dtype = getattr(self, self._all_weights[0][0]).dtype
        if input.dtype != dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({dtype}). Convert "
                f"input: `x.to(tg.{dtype})`, or convert model: `model.to(tg.{input.dtype})`."
            )
        if ndim == 2 and input.ndim != 2:
            raise RuntimeError(f"input must have 2 dimensions, got {input.ndim}: {meant}.")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got "
                f"{input.shape[-1]}: {meant}, this one {input.shape}."
            )

    def _states(
        self, hx: Any, input: Tensor, batch: tuple[int, ...], order: Tensor | None = None
    ) -> list[Tensor]:
        """The first states, checked, as (layers and directions, N, size)."""
        layers = self.num_layers * self._directions
        widths = (self.proj_size or self.hidden_size, self.hidden_size)[: len(self.state_names)]
        if hx is None:
            return [
                creation.zeros(layers, *(batch or (1,)), width, dtype=input.dtype)
                for width in widths
            ]
        given = self._given(hx)
        for name, state, width in zip(self.state_names, given, widths, strict=True):
            expected = (layers, *batch, width)
            if state.shape != expected:
                raise RuntimeError(
                    f"{type(self).__name__}: Expected {name} size {expected}, got {state.shape}: "
                    f"num_layers times directions, {'the batch, ' if batch else ''}size. The input "
                    f"has shape {input.shape}, batch_first={self.batch_first}."
                )
            if state.dtype != input.dtype:
                raise RuntimeError(
                    f"{type(self).__name__}: {name} is {state.dtype}, the input {input.dtype}. "
                    f"Convert it: `h.to(tg.{input.dtype})`."
                )
        if order is not None:
            return [state.index_select(1, order) for state in given]
        return given if batch else [state.unsqueeze(1) for state in given]

    def _given(self, hx: Any) -> list[Tensor]:
        """The states that the user passes: here a tensor."""
        if not isinstance(hx, Tensor):
            raise TypeError(
                f"{type(self).__name__}: the hidden state is a tensor; got {type_name(hx)}."
            )
        return [hx]

    def _as_given(self, states: list[Tensor], order: Tensor | None = None) -> Any:
        """The last states in the user's form and order: here a tensor."""
        return states[0] if order is None else states[0].index_select(1, order)

    def _run(
        self, input: Tensor, states: list[Tensor], batch_sizes: list[int] | None
    ) -> tuple[Tensor, list[Tensor]]:
        """All layers in all directions."""
        finals: list[tuple[Tensor, ...]] = []
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(self._directions):
                place = len(finals)
                output, *last = apply_multiple(
                    self._operation(direction == 1, batch_sizes),
                    input,
                    *[state[place] for state in states],
                    *self._weights(place),
                )
                outputs.append(output)
                finals.append(tuple(last))
            input = outputs[0] if len(outputs) == 1 else cat(outputs, -1)
            if layer < self.num_layers - 1:
                input = F.dropout(input, self.dropout, self.training)
        return input, [stack(kind) for kind in zip(*finals, strict=True)]

    def extra_repr(self) -> str:
        """The sizes, and the options that are not the default."""
        text = f"{self.input_size}, {self.hidden_size}"
        for name, default in (
            ("proj_size", 0),
            ("num_layers", 1),
            ("bias", True),
            ("batch_first", False),
            ("dropout", 0.0),
            ("bidirectional", False),
        ):
            if (value := getattr(self, name)) != default:
                text += f", {name}={value}"
        return text


class RNN(RNNBase):
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh) for every step of a sequence.

    `layer(input, h_0=None)` returns (output, h_n). Input (T, N, input_size), or (N, T, ...) with
    `batch_first`, or (T, input_size) for one sequence, or a PackedSequence; the output is alike
    with D·hidden_size features, D = 2 directions if `bidirectional`, else 1. h_0, zeros by default,
    and h_n are (D·num_layers, N, hidden_size). Above the first, a layer takes the output of the
    one below, with dropout on it while training. `nonlinearity` is "tanh" or "relu".

    Raises RuntimeError for sizes, ValueError for types and dimensions that do not fit, ValueError
    and TypeError for options. PyTorch: `torch.nn.RNN`. Source: Elman, "Finding structure in time",
    1990.

    >>> output, h_n = nn.RNN(3, 5, num_layers=2)(tg.ones(7, 4, 3))
    >>> output.shape, h_n.shape
    ((7, 4, 5), (2, 4, 5))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"RNN: Unknown nonlinearity {nonlinearity!r}. Select from 'tanh' or 'relu'."
            )
        super().__init__(
            f"RNN_{nonlinearity.upper()}",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device=device,
            dtype=dtype,
        )
        self.nonlinearity = nonlinearity

    def _operation(self, reverse: bool, batch_sizes: list[int] | None) -> kernels.Recurrent:
        return kernels.RNN(reverse, batch_sizes, rectify=self.nonlinearity == "relu")


class LSTM(RNNBase):
    """Long short-term memory: a cell c_t that gates write to, keep and read, for every step.

    i, f, o = σ(...), g = tanh(...), each of W_ih x_t + b_ih + W_hh h_{t-1} + b_hh;
    c_t = f c_{t-1} + i g and h_t = o tanh(c_t), times weight_hr if `proj_size` > 0.

    `layer(input, (h_0, c_0)=None)` returns (output, (h_n, c_n)). Shapes, options and errors as for
    `RNN`; h has proj_size features if that is given, c always hidden_size. The weights have the
    rows of i, f, g, o one below the other.

    PyTorch: `torch.nn.LSTM`. Source: Hochreiter & Schmidhuber, "Long short-term memory", 1997; the
    gate f: Gers et al., "Learning to forget", 2000; projections: Sak et al., 2014.

    >>> output, (h_n, c_n) = nn.LSTM(3, 5, bidirectional=True)(tg.ones(7, 4, 3))
    >>> output.shape, h_n.shape, c_n.shape
    ((7, 4, 10), (2, 4, 5), (2, 4, 5))
    """

    gates = 4
    state_names = ("hidden[0]", "hidden[1]")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(
            "LSTM",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
        )

    def _operation(self, reverse: bool, batch_sizes: list[int] | None) -> kernels.Recurrent:
        return kernels.LSTM(reverse, batch_sizes)

    def _weights(self, place: int) -> list[Parameter | None]:
        found = super()._weights(place)
        return found if self.proj_size else [*found, None]

    def _given(self, hx: Any) -> list[Tensor]:
        pair = isinstance(hx, (tuple, list)) and len(hx) == 2
        if not pair or not all(isinstance(state, Tensor) for state in hx):
            got = f"({', '.join(map(type_name, hx))})" if pair else type_name(hx)
            raise TypeError(f"LSTM: the states are a pair of tensors (h_0, c_0); got {got}.")
        return list(hx)

    def _as_given(self, states: list[Tensor], order: Tensor | None = None) -> Any:
        if order is not None:
            states = [state.index_select(1, order) for state in states]
        return tuple(states)


class GRU(RNNBase):
    """Gated recurrent unit: h_t between the old state and a new one, for every step.

    r, z = σ(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), n = tanh(W_in x_t + b_in + r (W_hn h_{t-1} +
    b_hn)) and h_t = (1 - z) n + z h_{t-1}.

    `layer(input, h_0=None)` returns (output, h_n). Shapes, options and errors as for `RNN`. The
    weights have the rows of r, z, n one below the other.

    PyTorch: `torch.nn.GRU`. Source: Cho et al., "Learning phrase representations using RNN
    encoder-decoder", 2014; with r behind the product, as here, in its first version.

    >>> output, h_n = nn.GRU(3, 5, batch_first=True)(tg.ones(4, 7, 3))
    >>> output.shape, h_n.shape
    ((4, 7, 5), (1, 4, 5))
    """

    gates = 3

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(
            "GRU",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device=device,
            dtype=dtype,
        )

    def _operation(self, reverse: bool, batch_sizes: list[int] | None) -> kernels.Recurrent:
        return kernels.GRU(reverse, batch_sizes)
