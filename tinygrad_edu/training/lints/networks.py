"""Lints of the network: its parameters, what reaches them, what comes out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...autograd import trees
from ...autograd.graph import Operation, TensorBase, wrap
from ...nn import Conv1d, Conv2d, Linear, Module
from ...nn.scope import module_path
from ...optim import Optimizer
from .batches import Found, name_of
from .looking import Call, Look, ancestors, differ, is_constant, tensors_in

__all__ = ["network_lints", "optimizer_lints"]

_NAMES = 4  # parameters that are named; of more, the number


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many there are."""
    if len(names) <= _NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: _NAMES - 1])}, … ({len(names)})"


def optimizer_lints(look: Look, optimizer: Optimizer) -> Iterator[Found]:
    """Parameters that the optimizer does not have, or that never get a gradient."""
    owned = {id(p): p for group in optimizer.param_groups for p in group["params"]}
    trainable = {
        name: parameter
        for name, parameter in look.model.named_parameters()
        if parameter.requires_grad
    }
    outside = [name for name, parameter in trainable.items() if id(parameter) not in owned]
    if outside and len(outside) == len(trainable):
        yield "optimizer-of-another-model", {}
        return
    if outside:
        yield "parameters-outside-optimizer", {"names": listed(outside)}
    if look.backward:
        known = {id(parameter) for parameter in look.model.parameters()}
        strangers = [
            f"parameter {number} of the optimizer, of shape {parameter.shape}"
            for number, (key, parameter) in enumerate(owned.items())
            if key not in known and parameter.requires_grad and look.gradients.get(key) is None
        ]
        if strangers:
            yield "parameters-without-gradient", {"names": listed(strangers)}


def network_lints(look: Look) -> Iterator[Found]:
    """What the model does, whatever optimizes it."""
    trainable = {
        name: parameter
        for name, parameter in look.model.named_parameters()
        if parameter.requires_grad
    }
    if not trainable:
        yield "nothing-to-train", {}
    if look.backward and trainable:
        gradients = {name: look.gradients[id(each)] for name, each in trainable.items()}
        without = [name for name, grad in gradients.items() if grad is None]
        if without:
            yield "parameters-without-gradient", {"names": listed(without)}
        known = [grad for grad in gradients.values() if grad is not None]
        if known and not any(grad.any() for grad in known):
            yield "gradients-all-zero", {}
    yield from _unregistered(look)
    yield from _outputs(look)
    yield from _identical_units(look)
    yield from _without_activation(look)


def _unregistered(look: Look) -> Iterator[Found]:
    """Leaves of the graph that are nobody's parameters, such as those of layers in a plain list."""
    known = {id(tensor) for tensor, _ in look.snapshot.values()}
    given = {id(array) for array in (*tensors_in(look.input), *tensors_in(look.target))}
    # What the loss brings in belongs to others: the generator of a GAN learns through a
    # discriminator, whose parameters are not to change.
    outputs = [getattr(tensor, "node", None) for tensor in trees.leaves(look.output)]
    last = max((node.number for node in outputs if node is not None), default=-1)
    used = {
        id(parent): parent
        for node in ancestors(getattr(look.loss, "node", None))
        if node.number <= last
        for parent in node.parents
        if isinstance(parent, TensorBase) and id(parent) not in known
    }
    found = [leaf for leaf in used.values() if id(leaf.array) not in given]
    if found:
        shapes = listed([str(leaf.shape) for leaf in found])
        yield "unregistered-parameters", {"count": len(found), "shapes": shapes}


def _outputs(look: Look) -> Iterator[Found]:
    """An answer that does not depend on the sample, or is another one each time."""
    if len(look.evaluations) == 2 and differ(*look.evaluations):
        parts = zip(*map(tensors_in, look.evaluations), strict=False)
        # Mean and variance beside a sample: a variational autoencoder, which is to draw.
        if all(differ(wrap(x), wrap(y)) for x, y in parts):
            yield "random-in-evaluation", {}
        return
    outputs = tensors_in(look.evaluations[0]) if look.evaluations else []
    inputs = tensors_in(look.input)
    if look.samples < 2 or not outputs or all(x.ndim and is_constant(x) for x in inputs):
        return
    if not all(x.ndim and len(x) == look.samples and is_constant(x) for x in outputs):
        return
    first = _first_constant(look.calls)
    if first is None:
        yield "constant-outputs", {"layer": type(look.model).__name__}
    # A last layer that starts at zero is a choice: it gets gradients, and through it the others.
    elif not (first is _last_layer(look.calls) and _is_zero(first.module)):
        yield "constant-outputs", {"layer": first.name}


def _first_constant(calls: Sequence[Call]) -> Call | None:
    """The first of the last calls that are all constant."""
    first = None
    for call in reversed(calls):
        if not call.constant:
            break
        first = call
    return first


def _last_layer(calls: Sequence[Call]) -> Call | None:
    return next((call for call in reversed(calls) if call.module._parameters), None)


def _is_zero(module: Module) -> bool:
    weight = getattr(module, "weight", None)
    return isinstance(weight, TensorBase) and not weight.array.any()


def _identical_units(look: Look) -> Iterator[Found]:
    """Layers before the last one whose units start alike. (The last one's get other gradients.)"""
    layers = [
        (path, module)
        for path, module in look.model.named_modules()
        if isinstance(module, (Linear, Conv1d, Conv2d))
    ]
    for path, module in layers[:-1]:
        rows = [module.weight.array, *([] if module.bias is None else [module.bias.array])]
        alike = len(rows[0]) > 1 and all((each == each[:1]).all() for each in rows)
        if alike and rows[0].any() and module.weight.requires_grad:
            yield "identical-units", {"layer": name_of(path, module)}
            return


def _without_activation(look: Look) -> Iterator[Found]:
    """Two linear layers, one directly after the other, of which the first is no bottleneck."""
    if look.loss is None or not isinstance(look.loss, TensorBase):
        return
    nodes = list(ancestors(look.loss.node))
    uses: dict[int, int] = {}
    for node in nodes:
        for parent in node.parents:
            uses[id(parent)] = uses.get(id(parent), 0) + 1
    for node in nodes:
        before = node.parents[0] if node.name == "Linear" else None
        if not isinstance(before, Operation) or before.name != "Linear" or uses[id(before)] > 1:
            continue
        weight = before.parents[1]
        if not isinstance(weight, TensorBase):
            continue  # a frozen layer, or a weight that is computed: more is going on
        if before.shape[-1] >= min(weight.shape[-1], node.shape[-1]):
            yield "no-activation-between", {"first": _layer(before), "second": _layer(node)}
            return


def _layer(node: Operation) -> str:
    """The layer that an operation belongs to."""
    if node.scope is None:
        return "F.linear"
    path, _ = module_path(node.scope)
    return name_of(path, node.scope.module)
