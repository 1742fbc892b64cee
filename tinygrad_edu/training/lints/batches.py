"""Lints of the batch: inputs and targets as they are given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...autograd.graph import Array
from ...autograd.mode import switched
from ...nn import Module
from ...nn.batchnorm import ChannelNorm
from ...nn.normalization import GroupNorm, LayerNorm, RMSNorm
from ...nn.scope import describe
from ...tensor import Tensor
from .looking import Look, is_constant, quietly, tensors_in

__all__ = ["batch_lints", "loader_lints", "name_of", "normaliser_over_batch"]

Found = tuple[str, dict[str, Any]]

_LARGE = 10.0  # a mean or deviation beyond this is far from 0 and 1
_TINY = 0.02
_FEATURES = 64  # more than that are pixels, not measurements with a unit each
_MANY = 16  # labels of two classes are all the same in one of 30 000 batches
_RATIO = 1000.0  # between the scales of two features


def batch_lints(look: Look) -> Iterator[Found]:
    """NaN, scale, repeated samples, a single class, a single sample."""
    for where, value in (("input", look.input), ("target", look.target)):
        for array in tensors_in(value):
            if array.dtype.kind == "f" and (count := int((~np.isfinite(array)).sum())):
                yield "not-finite", {"where": where, "count": count}
    inputs = tensors_in(look.input)
    if look.samples > 1 and all(x.ndim and is_constant(x) for x in inputs):
        yield "identical-samples", {"count": look.samples}
    yield from _scale(look)
    labels = tensors_in(look.target)
    if len(labels) == 1 and _are_of_one_class(labels[0]):
        yield "one-class-batch", {"count": len(labels[0]), "label": labels[0][0]}
    layer = normaliser_over_batch(look.model)
    if layer is not None and look.samples == 1 and _refused(look, look.input):
        yield "batch-of-one", {"layer": layer}


def _are_of_one_class(labels: Array) -> bool:
    """Whether so many labels are the same that it is no chance."""
    many = labels.dtype.kind in "iu" and labels.ndim == 1 and len(labels) >= _MANY
    return many and bool((labels == labels[0]).all())


def _refused(look: Look, input: Any) -> bool:
    """Whether the model refuses this in training, for want of samples.

    A batch normalisation after a convolution can do with one sample: it has many pixels.
    """
    look.snapshot.rewind()
    try:
        look.model.train()
        with switched(grad=False), quietly():
            look.model(input)
    except ValueError:
        return True
    except Exception:  # noqa: BLE001 - an error of another kind, which is reported elsewhere
        return False
    return False


def _scale(look: Look) -> Iterator[Found]:
    """The numbers that the first layer with weights is given, or else the input itself.

    So a forward() that divides by 255, or starts with a normalisation, has nothing to hear.
    """
    inputs = tensors_in(look.input)
    first = next((call for call in look.calls if call.module._parameters), None)
    if first is not None:
        if isinstance(first.module, (ChannelNorm, LayerNorm, GroupNorm, RMSNorm)):
            return
        inputs = [] if first.input is None else [first.input]
    for x in inputs:
        if x.dtype.kind != "f" or not x.size or not np.isfinite(x).all():
            continue
        mean, std = float(x.mean(dtype=np.float64)), float(x.std(dtype=np.float64))
        high = float(np.abs(x).max())
        if abs(mean) > _LARGE or std > _LARGE:
            values = {"low": x.min(), "high": x.max(), "mean": mean, "std": std}
            yield "inputs-not-scaled", {name: f"{value:.4g}" for name, value in values.items()}
        elif 0 < high < _TINY:
            yield "inputs-nearly-zero", {"high": f"{high:.2g}"}
        else:
            yield from _features(x)


def _features(x: Array) -> Iterator[Found]:
    if x.ndim == 2 and len(x) > 1 and 1 < x.shape[1] <= _FEATURES:
        sizes = np.abs(x).max(axis=0)
        used = np.where(sizes > 0, sizes, sizes.max())
        small, large = int(used.argmin()), int(used.argmax())
        if used[large] > _RATIO * used[small]:
            yield (
                "features-of-different-scale",
                {
                    "large": large,
                    "small": small,
                    "high": f"{used[large]:.3g}",
                    "low": f"{used[small]:.3g}",
                },
            )


def name_of(path: str, module: Module) -> str:
    """A layer as it is called in texts: `net.2 (Linear 100→10)`."""
    return f"{path} ({describe(module)})" if path else describe(module)


def normaliser_over_batch(model: Module) -> str | None:
    """The name of the first batch normalisation that is at work in training, if there is one."""
    for path, module in model.named_modules():
        batch = isinstance(module, ChannelNorm) and type(module).__name__.startswith("BatchNorm")
        if batch and module.training:
            return name_of(path, module)
    return None


def loader_lints(look: Look, loader: Any) -> Iterator[Found]:
    """A last batch of one sample."""
    size, complete = getattr(loader, "batch_size", None), getattr(loader, "drop_last", False)
    layer = normaliser_over_batch(look.model)
    if layer is None or not isinstance(size, int) or size < 2 or complete:
        return
    try:
        samples = len(loader.sampler)
    except (AttributeError, TypeError):
        return
    one = look.input[:1] if isinstance(look.input, Tensor) and look.input.ndim else None
    if samples % size == 1 and one is not None and _refused(look, one):
        yield "last-batch-of-one", {"samples": samples, "size": size, "layer": layer}
