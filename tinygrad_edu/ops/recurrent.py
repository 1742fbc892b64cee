"""Recurrent layers: a whole sequence through one layer, in one direction, as one operation.

The products with the input are one product of matrices for all time steps; only what depends on
the step before stays in the loop. Backward, the derivatives of all gates are prepared at once, the
loop carries the gradient through time, and the gradients of the weights are one product at the end.
"""

# ruff: noqa: PLW2901 - the arrays that a loop runs over are changed in place
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..autograd.fused import Fused
from ..autograd.graph import Array, Value
from . import unary
from .activations import relu
from .dtypes import quiet
from .joining import cat
from .neural import linear
from .softmax import ones

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["GRU", "LSTM", "RNN", "Recurrent"]

#: Gradients of the results by their number; one that nothing depends on is absent.
Gradients: TypeAlias = dict[int, Array]
Spans: TypeAlias = list[tuple[int, int]]


class Recurrent(Fused):
    """One layer in one direction: the output of every step, and the last state of every sequence.

    The input is (T, N, D), or, with `batch_sizes`, the data of a PackedSequence: for each step the
    rows of those sequences that are that long, the longest sequence first. `reverse` runs from the
    last step to the first.
    """

    __slots__ = ("batch_sizes", "reverse")
    multiple = True

    def __init__(self, reverse: bool = False, batch_sizes: Sequence[int] | None = None) -> None:
        self.reverse = reverse
        self.batch_sizes = batch_sizes

    def spans(self, input: Value) -> Spans:
        """The rows of each step among the rows of all steps, in the order of computing.

        At each step the first rows of the state take part. The others wait: forwards their
        sequences have ended, backwards they have not begun.
        """
        sizes = self.batch_sizes or [input.shape[1]] * input.shape[0]
        spans = []
        start = 0
        for size in sizes:
            spans.append((start, start + size))
            start += size
        return spans[::-1] if self.reverse else spans

    def steps(
        self, spans: Spans, *arrays: Array | None, backward: bool = False
    ) -> Iterator[tuple[Any, ...]]:
        """For each step its rows of all arrays, in the order of computing or against it."""
        parts = []
        for rows in arrays:
            part: Sequence[Array | None]
            if rows is None:
                part = [None] * len(spans)
            elif self.batch_sizes is not None:
                part = [rows[start:stop] for start, stop in spans]
            else:  # In half the time of as many slices.
                step = spans[0][1] - spans[0][0]
                part = list(rows.reshape(len(spans), step, *rows.shape[1:]))
                part = part[::-1] if self.reverse else part
            parts.append(part[::-1] if backward else part)
        return zip(*parts, strict=True)

    def before(self, first: Array, states: Array, spans: Spans) -> Array:
        """The state that each step started from: `first`, or the state of the step before."""
        if self.batch_sizes is None:
            size = len(first)
            parts = [states[size:], first] if self.reverse else [first, states[:-size]]
            return np.concatenate(parts) if size else states
        result = np.empty_like(states)
        state = first.copy()
        for start, stop in spans:
            result[start:stop] = state[: stop - start]
            state[: stop - start] = states[start:stop]
        return result

    def weight_gradients(
        self,
        grad_gates: Array,
        grad_products: Array,
        input: Array,
        before: Array,
        weight_ih: Array,
        first: int,
    ) -> list[Array | None]:
        """Gradients of input, both weights and both biases; `first` is the place of weight_ih.

        `grad_gates` belongs to W_ih x + b_ih, `grad_products` to W_hh h + b_hh.
        """
        rows = input.reshape(-1, input.shape[-1])
        found: list[Array | None] = [None] * 5
        if self.needs(0):
            found[0] = (grad_gates @ weight_ih).reshape(input.shape)
        if self.needs(first):
            found[1] = grad_gates.T @ rows
        if self.needs(first + 1):
            found[2] = grad_products.T @ before
        for place, grad in ((3, grad_gates), (4, grad_products)):
            if self.needs(first + place - 1):
                found[place] = ones(len(grad), grad.dtype) @ grad
        return found

    def unrolled(
        self, input: Tensor, states: Sequence[Tensor], step: Callable[..., Sequence[Tensor]]
    ) -> tuple[Tensor, ...]:
        """The textbook's loop: `states = step(x_t, *states)` for every t, the output states[0]."""
        spans = self.spans(input)
        rows = input.reshape(-1, input.shape[-1])
        outputs = []
        for start, stop in spans:
            size = stop - start
            new = step(rows[start:stop], *[state[:size] for state in states])
            outputs.append(new[0])
            states = [
                cat([changed, state[size:]]) for changed, state in zip(new, states, strict=True)
            ]
        output = cat(outputs[::-1] if self.reverse else outputs)
        return (output.reshape(*input.shape[:-1], output.shape[-1]), *states)


def _product(rows: Array, weight: Array, *biases: Array | None) -> Array:
    """x Wᵀ + Σ b for every row of every step, at once."""
    result = rows.reshape(-1, rows.shape[-1]) @ weight.T
    for bias in biases:
        if bias is not None:
            result += bias
    return result


def _transposed(weight: Array, steps: int) -> Array:
    """Wᵀ for the product of every step."""
    # In memory too: then (32, 128) @ (128, 512) takes 50 instead of 74 µs, and making it takes 56.
    return np.ascontiguousarray(weight.T) if steps > 2 else weight.T


def _fit(state: Array, rows: int, first: Array, last: Array) -> Array:
    """The state of the first `rows` sequences; what ends goes to `last`, what begins is `first`."""
    if rows < len(state):
        last[rows : len(state)] = state[rows:]
        return state[:rows]
    return np.concatenate([state, first[len(state) : rows]])


def _gradient_of_state(grads: Gradients, index: int, like: Array) -> Array:
    """The gradient of a last state, to be carried back through time: an array of its own."""
    if index in grads:
        return np.array(grads[index], order="C")
    return np.zeros(like.shape, like.dtype)


def _gradient_of_output(grads: Gradients) -> Array | None:
    """The gradient of the output of all steps, as rows."""
    return grads[0].reshape(-1, grads[0].shape[-1]) if 0 in grads else None


class RNN(Recurrent):
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), or relu(...)"""

    __slots__ = ("rectify",)

    def __init__(
        self,
        reverse: bool = False,
        batch_sizes: Sequence[int] | None = None,
        *,
        rectify: bool = False,
    ) -> None:
        super().__init__(reverse, batch_sizes)
        self.rectify = rectify

    @quiet
    def forward(
        self,
        input: Array,
        hidden: Array,
        weight_ih: Array,
        weight_hh: Array,
        bias_ih: Array | None,
        bias_hh: Array | None,
    ) -> tuple[Array, Array]:
        spans = self.spans(input)
        states = _product(input, weight_ih, bias_ih, bias_hh)
        weight = _transposed(weight_hh, len(spans))
        last = np.empty(hidden.shape, states.dtype)
        products = product = np.empty_like(last)
        h = hidden
        for (new,) in self.steps(spans, states):
            if len(new) != len(h):
                h, product = _fit(h, len(new), hidden, last), products[: len(new)]
            np.dot(h, weight, out=product)
            new += product
            h = np.maximum(new, 0, out=new) if self.rectify else np.tanh(new, out=new)
        last[: len(h)] = h
        return states.reshape(*input.shape[:-1], len(weight)), last

    def backward(
        self,
        grads: Gradients,
        input: Array,
        hidden: Array,
        weight_ih: Array,
        weight_hh: Array,
        out0: Array,
    ) -> tuple[Array | None, ...]:
        spans = self.spans(input)
        states = out0.reshape(-1, out0.shape[-1])
        slopes: Array = (states > 0).astype(states.dtype) if self.rectify else 1 - states * states
        grad_output = _gradient_of_output(grads)
        grad_state = _gradient_of_state(grads, 1, hidden)
        grad_h = grad_state
        for slope, grad in self.steps(spans, slopes, grad_output, backward=True):
            if len(slope) != len(grad_h):
                grad_h = grad_state[: len(slope)]
            if grad is not None:
                grad_h += grad
            slope *= grad_h
            np.dot(slope, weight_hh, out=grad_h)
        before = self.before(hidden, states, spans)
        grad_input, *rest = self.weight_gradients(slopes, slopes, input, before, weight_ih, 2)
        return (grad_input, grad_state, *rest)

    def plain(
        self,
        input: Tensor,
        hidden: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor | None,
        bias_hh: Tensor | None,
    ) -> tuple[Tensor, ...]:
        def step(x: Tensor, h: Tensor) -> Sequence[Tensor]:
            total = linear(x, weight_ih, bias_ih) + linear(h, weight_hh, bias_hh)
            return [relu(total) if self.rectify else unary.tanh(total)]

        return self.unrolled(input, [hidden], step)


class LSTM(Recurrent):
    """c_t = f c_{t-1} + i g, h_t = o tanh(c_t), or W_hr h_t, with gates i, f, o = σ(..), g = tanh

    The four gates are rows of W_ih x_t + b_ih + W_hh h_{t-1} + b_hh, in the order i, f, g, o.
    """

    __slots__ = ("cells", "gates")
    scratch = ("cells", "gates")

    @quiet
    def forward(
        self,
        input: Array,
        hidden: Array,
        cell: Array,
        weight_ih: Array,
        weight_hh: Array,
        bias_ih: Array | None,
        bias_hh: Array | None,
        weight_hr: Array | None,
    ) -> tuple[Array, Array, Array]:
        size = cell.shape[1]
        spans = self.spans(input)
        gates = _product(input, weight_ih, bias_ih, bias_hh)
        weight = _transposed(weight_hh, len(spans))
        weight_out = None if weight_hr is None else _transposed(weight_hr, len(spans))
        # One tanh serves all gates: σ(x) = tanh(x/2)/2 + 1/2.
        factor = np.repeat(np.array([0.5, 0.5, 1, 0.5], gates.dtype), size)
        shift = 1 - factor
        blocks = gates.reshape(-1, 4, size)
        outputs = np.empty((len(gates), hidden.shape[1]), gates.dtype)
        cells = np.empty((len(gates), size), gates.dtype)
        last_h, last_c = np.empty(hidden.shape, gates.dtype), np.empty(cell.shape, gates.dtype)
        products = product = np.empty((len(cell), 4 * size), gates.dtype)
        inner = m = np.empty_like(last_c)
        h, c = hidden, cell
        for gate, block, new_h, new_c in self.steps(spans, gates, blocks, outputs, cells):
            rows = len(gate)
            if rows != len(h):
                h, c = _fit(h, rows, hidden, last_h), _fit(c, rows, cell, last_c)
                product, m = products[:rows], inner[:rows]
            np.dot(h, weight, out=product)
            gate += product
            gate *= factor
            np.tanh(gate, out=gate)
            gate *= factor
            gate += shift
            c = np.multiply(c, block[:, 1], out=new_c)
            np.multiply(block[:, 0], block[:, 2], out=m)
            c += m
            h = np.tanh(c, out=new_h if weight_out is None else m)
            h *= block[:, 3]
            if weight_out is not None:
                h = np.dot(m, weight_out, out=new_h)
        last_h[: len(h)], last_c[: len(c)] = h, c
        self.gates, self.cells = blocks, cells
        return outputs.reshape(*input.shape[:-1], hidden.shape[1]), last_h, last_c

    def backward(
        self,
        grads: Gradients,
        input: Array,
        hidden: Array,
        cell: Array,
        weight_ih: Array,
        weight_hh: Array,
        weight_hr: Array | None,
        out0: Array,
    ) -> tuple[Array | None, ...]:
        spans = self.spans(input)
        i, f, g, o = (self.gates[:, block] for block in range(4))
        tanhs = np.tanh(self.cells)
        slopes = np.empty_like(self.gates)
        slopes[:, 0] = g * i * (1 - i)
        slopes[:, 1] = self.before(cell, self.cells, spans) * f * (1 - f)
        slopes[:, 2] = i * (1 - g * g)
        slopes[:, 3] = tanhs * o * (1 - o)
        to_cell = o * (1 - tanhs * tanhs)
        flat = slopes.reshape(-1, 4 * cell.shape[1])
        grad_output = _gradient_of_output(grads)
        grad_states = _gradient_of_state(grads, 1, hidden)
        grad_cells = _gradient_of_state(grads, 2, cell)
        grad_outputs = None
        if weight_hr is not None:
            grad_outputs = np.empty((len(slopes), hidden.shape[1]), slopes.dtype)
        arrays = (slopes, flat, to_cell, f, grad_output, grad_outputs)
        grad_h, grad_c = grad_states, grad_cells
        for slope, row, share, keep, grad, total in self.steps(spans, *arrays, backward=True):
            if len(slope) != len(grad_h):
                grad_h, grad_c = grad_states[: len(slope)], grad_cells[: len(slope)]
            if grad is not None:
                grad_h += grad
            grad_m = grad_h
            if weight_hr is not None:
                total[...] = grad_h
                grad_m = grad_h @ weight_hr
            slope[:, 3] *= grad_m
            share *= grad_m
            grad_c += share
            slope[:, :3] *= grad_c[:, None]
            grad_c *= keep
            np.dot(row, weight_hh, out=grad_h)
        before = self.before(hidden, out0.reshape(-1, out0.shape[-1]), spans)
        grad_input, *rest = self.weight_gradients(flat, flat, input, before, weight_ih, 3)
        projection = None if grad_outputs is None else grad_outputs.T @ (o * tanhs)
        return (grad_input, grad_states, grad_cells, *rest, projection)

    def plain(
        self,
        input: Tensor,
        hidden: Tensor,
        cell: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor | None,
        bias_hh: Tensor | None,
        weight_hr: Tensor | None,
    ) -> tuple[Tensor, ...]:
        size = cell.shape[1]

        def step(x: Tensor, h: Tensor, c: Tensor) -> Sequence[Tensor]:
            gates = linear(x, weight_ih, bias_ih) + linear(h, weight_hh, bias_hh)
            i, f, g, o = (gates[:, k * size : (k + 1) * size] for k in range(4))
            c = unary.sigmoid(f) * c + unary.sigmoid(i) * unary.tanh(g)
            h = unary.sigmoid(o) * unary.tanh(c)
            return [h if weight_hr is None else linear(h, weight_hr), c]

        return self.unrolled(input, [hidden, cell], step)


class GRU(Recurrent):
    """h_t = (1 - z) n + z h_{t-1} with n = tanh(x_n + r h_n) and gates r, z = σ(x_r + h_r), ...

    x_r, x_z, x_n are rows of W_ih x_t + b_ih; h_r, h_z, h_n are rows of W_hh h_{t-1} + b_hh.
    """

    __slots__ = ("gates", "inner")
    scratch = ("gates", "inner")

    @quiet
    def forward(
        self,
        input: Array,
        hidden: Array,
        weight_ih: Array,
        weight_hh: Array,
        bias_ih: Array | None,
        bias_hh: Array | None,
    ) -> tuple[Array, Array]:
        size = hidden.shape[1]
        spans = self.spans(input)
        gates = _product(input, weight_ih, bias_ih)
        weight = _transposed(weight_hh, len(spans))
        outputs, inner = (np.empty((len(gates), size), gates.dtype) for _ in range(2))
        blocks = gates.reshape(-1, 3, size)
        last = np.empty(hidden.shape, gates.dtype)
        products = product = np.empty((len(hidden), 3 * size), gates.dtype)
        h = hidden
        arrays = (gates[:, : 2 * size], blocks, inner, outputs)
        for both, block, h_n, new in self.steps(spans, *arrays):
            if len(new) != len(h):
                h, product = _fit(h, len(new), hidden, last), products[: len(new)]
            np.dot(h, weight, out=product)
            if bias_hh is not None:
                product += bias_hh
            both += product[:, : 2 * size]
            both *= 0.5  # σ(x) = tanh(x/2)/2 + 1/2
            np.tanh(both, out=both)
            both *= 0.5
            both += 0.5
            h_n[...] = product[:, 2 * size :]
            n = block[:, 2]
            np.multiply(block[:, 0], h_n, out=new)
            n += new
            np.tanh(n, out=n)
            np.subtract(h, n, out=new)
            new *= block[:, 1]
            new += n
            h = new
        last[: len(h)] = h
        self.gates, self.inner = blocks, inner
        return outputs.reshape(*input.shape[:-1], size), last

    def backward(
        self,
        grads: Gradients,
        input: Array,
        hidden: Array,
        weight_ih: Array,
        weight_hh: Array,
        out0: Array,
    ) -> tuple[Array | None, ...]:
        spans = self.spans(input)
        size = hidden.shape[1]
        before = self.before(hidden, out0.reshape(-1, size), spans)
        r, z, n = (self.gates[:, block] for block in range(3))
        # In the order r, z, h_n, x_n, so that the gradient of W_hh h + b_hh lies in one piece.
        slopes = np.empty((len(before), 4, size), before.dtype)
        slopes[:, 3] = (1 - z) * (1 - n * n)
        slopes[:, 0] = slopes[:, 3] * self.inner * r * (1 - r)
        slopes[:, 1] = (before - n) * z * (1 - z)
        slopes[:, 2] = slopes[:, 3] * r
        flat = slopes.reshape(-1, 4 * size)[:, : 3 * size]
        grad_output = _gradient_of_output(grads)
        grad_state = _gradient_of_state(grads, 1, hidden)
        products = product = np.empty_like(grad_state)
        grad_h = grad_state
        arrays = (slopes, flat, z, grad_output)
        for slope, row, keep, grad in self.steps(spans, *arrays, backward=True):
            if len(slope) != len(grad_h):
                grad_h, product = grad_state[: len(slope)], products[: len(slope)]
            if grad is not None:
                grad_h += grad
            slope *= grad_h[:, None]
            np.dot(row, weight_hh, out=product)
            grad_h *= keep
            grad_h += product
        # A copy, because the gradient of W_ih x + b_ih takes its place.
        grad_products = flat.copy()
        slopes[:, 2] = slopes[:, 3]
        grad_input, *rest = self.weight_gradients(flat, grad_products, input, before, weight_ih, 2)
        return (grad_input, grad_state, *rest)

    def plain(
        self,
        input: Tensor,
        hidden: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor | None,
        bias_hh: Tensor | None,
    ) -> tuple[Tensor, ...]:
        size = hidden.shape[1]

        def step(x: Tensor, h: Tensor) -> Sequence[Tensor]:
            inputs, hiddens = linear(x, weight_ih, bias_ih), linear(h, weight_hh, bias_hh)
            (x_r, x_z, x_n), (h_r, h_z, h_n) = (
                [gates[:, k * size : (k + 1) * size] for k in range(3)]
                for gates in (inputs, hiddens)
            )
            r, z = unary.sigmoid(x_r + h_r), unary.sigmoid(x_z + h_z)
            n = unary.tanh(x_n + r * h_n)
            return [(1 - z) * n + z * h]

        return self.unrolled(input, [hidden], step)
