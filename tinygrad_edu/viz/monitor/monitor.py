"""Monitor: what happens in each layer of a network while it is trained."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isnan, nan, sqrt
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ... import nn
from ...autograd.graph import Array, Operation
from ...autograd.mode import MODE, TRIAL
from ...autograd.notes import Handle
from ...nn import Module
from ...ops.dtypes import type_name
from ...optim import Optimizer
from ...tensor import Tensor
from ..tables import html_table, one_line, text_table
from ..watching import Known, ModuleHooks, tensors
from .figures import plot_monitor
from .findings import find_warnings
from .log import INTERVALS, Histogram, Layer, ParameterLog, Tally, norm

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Monitor"]

_HISTOGRAMS = 200  # of each layer; when there are more, every second one is dropped
_HEADS = ("layer", "class", "mean", "std", "dead", "saturated", "‖∂L/∂y‖", "‖∂L/∂w‖", "‖Δw‖/‖w‖")


class Monitor:
    """Looks on while a model is trained, and tells what happens in each layer.

    Used as a context manager, or with `start()` and `stop()`. A step ends with each `step()` of
    the optimizer, if that is given; else call `monitor.step()` in the loop, after
    `optimizer.step()` and before the next `zero_grad()`. With a Trainer:
    `with viz.Monitor(model, optimizer=optimizer) as monitor: trainer.fit(3)`.

    Args:
        every: look at every so-many-th step only.
        optimizer: whose steps are the steps.
        bins, limits, sampled: of the histograms: how many bins, where the first begins and the last
            ends (without limits from the smallest to the largest value), how many values to take
            from a layer in one step. More would take longer than a step of a small network.

    For each recorded step (`steps`) and each layer (`layers`, by path, in the order of the calls;
    see `tinygrad_edu.viz.monitor.log.Layer`):

        mean, std      of the values that it returns
        dead           the share of its units that were 0 for each of the last 1,000 samples (or of
                       all so far); a unit is a feature, and with images a channel
        saturated      sigmoid, tanh: the share of values where the slope is below 5 % of its top
        ‖∂L/∂y‖        the norm of the gradient of what it returns
        ‖∂L/∂w‖        of its parameters, as the optimizer found it
        ‖Δw‖/‖w‖       the change of its parameters in this step, in proportion to their size

    and a histogram of the values. What a `forward` computes without a layer, such as `F.relu`, is
    seen where the next layer with weights takes it: "input of fc2". `parameters` has gradient and
    change of each parameter by itself.

    Passes in evaluation mode, under `no_grad` or by `lint` are not looked at. Results are, bit for
    bit, those of a training without a monitor; activations are not kept; no hook stays behind.

    Raises TypeError for what is no module or optimizer, ValueError for numbers below 1 and
    limits that are no interval.

    >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> x, y = tg.randn(50, 4), tg.randint(0, 3, (50,))
    >>> with tg.viz.Monitor(model, optimizer=optimizer) as monitor:
    ...     for _ in range(5):
    ...         optimizer.zero_grad()
    ...         F.cross_entropy(model(x), y).backward()
    ...         optimizer.step()
    >>> monitor.steps, list(monitor.layers), monitor.warnings()
    ([1, 2, 3, 4, 5], ['0', '1', '2'], [])
    """

    def __init__(
        self,
        model: Module,
        *,
        every: int = 1,
        optimizer: Optimizer | None = None,
        bins: int = 40,
        limits: tuple[float, float] | None = None,
        sampled: int = 10_000,
    ) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"Monitor takes a module; got {type_name(model)}.")
        if optimizer is not None and not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"Monitor: optimizer is one of tg.optim, whose steps are looked at; got "
                f"{type_name(optimizer)}."
            )
        for name, number in (("every", every), ("bins", bins), ("sampled", sampled)):
            if number < 1:
                raise ValueError(f"Monitor: {name} is at least 1; got {number}.")
        if limits is not None and not limits[0] < limits[1]:
            raise ValueError(f"Monitor: limits are (low, high) with low < high; got {limits}.")
        self.model = model
        self.every = every
        self.optimizer = optimizer
        self.bins = bins
        self.limits = limits
        self.sampled = sampled
        self.steps: list[int] = []
        self.layers: dict[str, Layer] = {}
        self.parameters: dict[str, ParameterLog] = {}
        self._count = 0  # steps, recorded or not
        self._stride = 1  # a histogram in each so-many-th recorded step
        self._hooks: ModuleHooks | None = None
        self._handles: list[Handle] = []  # on the outputs of this step
        self._on_step: Handle | None = None
        self._tallies: dict[str, Tally] = {}
        self._known = Known()
        self._paths: dict[int, str] = {}
        self._before: dict[str, Array] = {}  # the parameters at the beginning of the step
        self._looking = False
        self._channels = False  # the values have channels in dimension 1

    # Looking on.

    def start(self) -> Self:
        """Begin, or go on after `stop`. RuntimeError if it is running."""
        if self._hooks is not None:
            raise RuntimeError("This Monitor is running already: call stop() first.")
        self._hooks = ModuleHooks()
        self._paths = {id(module): path for path, module in self.model.named_modules()}
        self._hooks.add(self.model, self._after)
        if self.optimizer is not None:
            self._on_step = self.optimizer.register_step_post_hook(lambda *_: self.step())
        self._prepare()
        return self

    def stop(self) -> None:
        """End, and leave no hook behind.

        A step that has begun is recorded if it is the only one, or if an exception ends the `with`.
        """
        if self._hooks is None:
            return
        if not self.steps:
            self._record_begun()
        self._forget()
        self._hooks.remove()
        self._hooks = None
        if self._on_step is not None:
            self._on_step.remove()
            self._on_step = None
        self._before.clear()
        self._looking = False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: object, *exception: object) -> None:
        if kind is not None:
            self._record_begun()
        self.stop()

    def _record_begun(self) -> None:
        """Record a step that was not ended, as far as it went."""
        if self._looking and self._tallies:
            self._count += 1
            self._record()
            self._looking = False

    def step(self) -> None:
        """The end of a step: after `optimizer.step()`. Called by itself if `optimizer` is given.

        Raises RuntimeError before `start()`.
        """
        if self._hooks is None:
            raise RuntimeError(
                "This Monitor is not running: write `with Monitor(model) as monitor:` around the "
                "loop, or call start()."
            )
        if TRIAL.get():
            return
        self._count += 1
        if self._looking:
            self._record()
        self._forget()
        self._prepare()

    def _prepare(self) -> None:
        """Before a step: if it is to be recorded, keep the parameters as they are now."""
        self._looking = (self._count + 1) % self.every == 0
        if not self._looking:
            return
        for name, parameter in self.model.named_parameters():
            kept = self._before.get(name)
            if kept is None or kept.shape != parameter.shape:
                self._before[name] = parameter.array.copy()
            else:
                np.copyto(kept, parameter.array)

    def _forget(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._tallies = {}
        self._known = Known()

    def _after(self, module: Module, args: Any, kwargs: Any, output: Any) -> None:
        """A forward hook: look at what the module took and returned."""
        if not (self._looking and self.model.training and MODE.get().grad) or TRIAL.get():
            return
        path = self._paths[id(module)]
        has_weights = _has_weights(module)
        if has_weights:
            for x in tensors((*args, *kwargs.values()))[:1]:
                if x.node is not None and not self._known.same_memory(x):
                    self._look(Layer(f"input of {path}", _made_by(x), is_input=True), x)
            self._channels = isinstance(module, _CONVOLUTIONS)
        found = tensors(output)
        # What a module passes on as it is, was seen where it came from.
        if found and not self._known.same_values(found[0]):
            self._look(Layer(path, module._get_name(), has_weights), found[0])
        for tensor in found:
            self._known.meet(tensor)

    def _look(self, layer: Layer, x: Tensor) -> None:
        if x.dtype.kind != "f":
            return
        if layer.path not in self.layers:
            self._add(layer)
        tally = self._tallies.setdefault(layer.path, Tally())
        last = x.ndim == 2 or (x.ndim == 3 and not self._channels)
        unit = None if x.ndim < 2 else x.ndim - 1 if last else 1
        flat = tally.add(x.array, unit, INTERVALS.get(layer.kind))
        if len(self.steps) % self._stride == 0:
            tally.take_histogram(flat, self.bins, self.limits, self.sampled)
        if x.requires_grad:
            self._handles.append(x.register_hook(tally.add_grad))

    def _add(self, layer: Layer, before: str | None = None) -> None:
        """A new layer, which has no figures of the steps so far; at the end, or before another."""
        for figure in vars(layer).values():
            if isinstance(figure, list) and figure is not layer.histograms:
                figure.extend([nan] * len(self.steps))
        if before is None:
            self.layers[layer.path] = layer
            return
        items = list(self.layers.items())
        items.insert(list(self.layers).index(before), (layer.path, layer))
        self.layers = dict(items)

    # Recording.

    def _record(self) -> None:
        """The figures of the step that ends."""
        changes = self._parameters()
        for path in changes.keys() - self.layers.keys():
            # A part with parameters that was not called itself, such as a projection.
            module = self.model.get_submodule(path)
            around = path
            while around and around not in self.layers:
                around = around.rpartition(".")[0]
            before = around if around in self.layers else None
            self._add(Layer(path, module._get_name(), _has_weights(module)), before)
        number = len(self.steps)
        self.steps.append(self._count)
        for path, layer in self.layers.items():
            tally = self._tallies.get(path)
            layer.record(tally)
            grad, update = changes.get(path, (nan, nan))
            layer.grad.append(grad)
            layer.update.append(update)
            if tally is not None and tally.histogram is not None:
                layer.histograms.append(Histogram(self._count, *tally.histogram))
        if number // self._stride >= _HISTOGRAMS:
            self._stride *= 2
            kept = set(self.steps[:: self._stride])
            for layer in self.layers.values():
                layer.histograms = [each for each in layer.histograms if each.step in kept]

    def _parameters(self) -> dict[str, tuple[float, float]]:
        """Norm of the gradient and relative change of each layer's parameters, by its path."""
        rows: dict[str, tuple[float, float, float]] = {}  # gradient, change, size
        for name, parameter in self.model.named_parameters():
            before = self._before.get(name)
            if not parameter.requires_grad or before is None or before.shape != parameter.shape:
                continue  # Frozen, or added within the step.
            grad = nan if parameter.grad is None else norm(parameter.grad.array)
            weight = norm(before)
            np.subtract(parameter.array, before, out=before)
            rows[name] = (grad, norm(before), weight)
        moved = any(change for _, change, _ in rows.values())
        layers: dict[str, list[tuple[float, float, float]]] = {}
        for name, row in rows.items():
            log = self.parameters.setdefault(name, ParameterLog())
            for figure, value in zip((log.grad, log.update), _together([row], moved), strict=True):
                figure.extend([nan] * (len(self.steps) - len(figure)))
                figure.append(value)
            layers.setdefault(name.rpartition(".")[0], []).append(row)
        return {path: _together(found, moved) for path, found in layers.items()}

    # Telling.

    def table(self, step: int | None = None) -> str:
        """The figures of one recorded step, by default the last, as an aligned table.

        Raises ValueError if nothing is recorded, or not this step.
        """
        return text_table(*self._table(step))

    def plot(self, title: str = "", layers: Sequence[str] | None = None) -> Figure:
        """Histograms of each layer over time, gradient norms by depth, changes of the weights.

        `layers` chooses whose histograms are drawn, by path; by default at most 24. Returns a
        matplotlib Figure. Raises ValueError if nothing is recorded, KeyError for an unknown layer,
        ImportError without matplotlib.
        """
        self._check()
        return plot_monitor(self, title, layers)

    def warnings(self) -> list[str]:
        """What is wrong, in sentences; none for a healthy network.

        See `tinygrad_edu.viz.monitor.findings` for the limits and their reasons. Raises ValueError
        if nothing is recorded.
        """
        self._check()
        return find_warnings(self.steps, list(self.layers.values()))

    def _check(self) -> None:
        if not self.steps:
            raise ValueError(
                "Nothing is recorded yet: a step ends with monitor.step(), or with that of the "
                "optimizer given as optimizer=. Passes in evaluation mode or under no_grad are "
                "not looked at."
            )

    def _table(self, step: int | None) -> tuple[list[str], list[list[str]], str]:
        self._check()
        if step is None:
            step = self.steps[-1]
        if step not in self.steps:
            raise ValueError(
                f"Step {step} is not recorded: there are {len(self.steps)}, from {self.steps[0]} "
                f"to {self.steps[-1]}, every={self.every}."
            )
        at = self.steps.index(step)
        rows = []
        for layer in self.layers.values():
            shares = [_percent(figure[at]) for figure in (layer.dead, layer.saturated)]
            norms = [_number(f[at]) for f in (layer.output_grad, layer.grad, layer.update)]
            values = [_number(layer.mean[at]), _number(layer.std[at])]
            if layer.nonfinite[at] > 0:
                values[0] = "not finite"
            rows.append([one_line(layer.path), one_line(layer.kind), *values, *shares, *norms])
        return list(_HEADS), rows, "<<>>>>>>>"

    def __repr__(self) -> str:
        state = "running" if self._hooks is not None else "stopped"
        return (
            f"<Monitor of {self.model._get_name()}, {state}: {len(self.layers)} layers, "
            f"{len(self.steps)} steps recorded>"
        )

    def _repr_html_(self) -> str | None:
        if not self.steps:
            return None
        below = [f"Step {self.steps[-1]} of {self.model._get_name()}", *self.warnings()]
        return html_table(*self._table(None), below)


_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d)


def _made_by(x: Tensor) -> str:
    """The operation that computed the values, behind those that only arrange them."""
    node: Any = x.node
    while node.is_view and isinstance(node.parents[0], Operation):
        node = node.parents[0]
    return str(node.name)


def _has_weights(module: Module) -> bool:
    return any(p is not None and p.array.ndim > 1 for p in module._parameters.values())


def _together(rows: Sequence[tuple[float, float, float]], moved: bool) -> tuple[float, float]:
    """Gradient and relative change of several parameters, as if they were one.

    If no parameter of the model moved there was no update, rather than one of size 0.
    """
    grads = [grad for grad, _, _ in rows if not isnan(grad)]
    grad = sqrt(sum(each * each for each in grads)) if grads else nan
    change, weight = (sqrt(sum(row[i] * row[i] for row in rows)) for i in (1, 2))
    if not moved or not weight:
        return grad, nan
    update = change / weight
    return grad, inf if isnan(update) else update


def _number(value: float) -> str:
    return "–" if isnan(value) else f"{value:.3g}"


def _percent(share: float) -> str:
    return "–" if isnan(share) else f"{100 * share:.0f} %"
