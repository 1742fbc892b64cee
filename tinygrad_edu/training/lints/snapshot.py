"""Snapshot: everything that a trial run of a training changes, to be put back afterwards."""

from __future__ import annotations

import copy
import random as python_random
import sys
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from ...autograd.graph import Array
from ...nn import Module
from ...optim import Optimizer
from ...random import Generator, get_rng_state, set_rng_state
from ...tensor import Tensor

__all__ = ["Snapshot"]


class Snapshot:
    """Modules, an optimizer and the random generators as they are now; `restore` brings them back.

    Of modules: parameters, buffers, gradients, modes, hooks, and attributes such as a hidden state.
    Of the optimizer: options and state. While the snapshot is in use, the optimizer works on copies
    of these.
    """

    def __init__(self, modules: Iterable[Module], optimizer: Optimizer | None) -> None:
        self._modules = [
            (each, type(each), dict(vars(each)), _containers(each))
            for module in modules
            for each in module.modules()
        ]
        self._optimizer = optimizer
        self._options = {} if optimizer is None else dict(vars(optimizer))
        tensors: dict[int, Tensor] = {}
        for each, *_ in self._modules:
            for tensor in (*each._parameters.values(), *each._buffers.values()):
                if tensor is not None:
                    tensors[id(tensor)] = tensor
        for group in [] if optimizer is None else optimizer.param_groups:
            tensors |= {id(tensor): tensor for tensor in group["params"]}
        self._tensors = [
            (each, each.array, each.array.copy(), [*each.version], each.node, each.needs_grad)
            for each in tensors.values()
        ]
        self._gradients = [(each, each._grad) for each, *_ in self._tensors]
        self._random = _generators(self._modules)
        self._again()

    def values(self) -> list[tuple[Tensor, Array]]:
        """Each tensor with a copy of the values that it had."""
        return [(tensor, values) for tensor, _, values, *_ in self._tensors]

    def rewind(self) -> None:
        """Back to the beginning, without gradients, for the next trial."""
        self._put_back()
        self._again()

    def restore(self) -> None:
        """Back to the beginning, for good."""
        self._put_back()
        for tensor, gradient in self._gradients:
            tensor._grad = gradient

    def _again(self) -> None:
        for tensor, *_ in self._tensors:
            tensor._grad = None
        optimizer = self._optimizer
        if optimizer is not None:
            state: defaultdict[Any, Any] = defaultdict(dict)
            state.update({key: copy.deepcopy(value) for key, value in optimizer.state.items()})
            optimizer.state = state
            optimizer.param_groups = [dict(group) for group in optimizer.param_groups]

    def _put_back(self) -> None:
        for module, kind, attributes, containers in self._modules:
            module.__class__ = kind
            vars(module).clear()
            vars(module).update(attributes)
            for name, content in containers.items():
                container = attributes[name]
                container.clear()
                (container.extend if isinstance(container, list) else container.update)(content)
        for tensor, array, values, version, node, needs_grad in self._tensors:
            tensor.array = array
            if array.flags.writeable:
                array[...] = values
            tensor.version[:] = version
            tensor.node = node
            tensor.needs_grad = needs_grad
        if self._optimizer is not None:
            vars(self._optimizer).clear()
            vars(self._optimizer).update(self._options)
        self.rewind_random()

    def rewind_random(self) -> None:
        """Every generator draws again what it has drawn since."""
        for put_back, state in self._random:
            put_back(state)


def _containers(module: Module) -> dict[str, Any]:
    """The contents of a module's lists, dicts and sets."""
    return {
        name: copy.copy(value)
        for name, value in vars(module).items()
        if type(value) in (list, dict, set)
    }


def _generators(modules: Iterable[Any]) -> list[tuple[Any, Any]]:
    """Functions that put a random generator back, each with the state."""
    found: list[tuple[Any, Any]] = [
        (set_rng_state, copy.deepcopy(get_rng_state())),
        (python_random.setstate, python_random.getstate()),
    ]
    for _, _, attributes, _ in modules:
        for value in attributes.values():
            if isinstance(value, Generator):
                found.append((value.set_state, copy.deepcopy(value.get_state())))
            elif isinstance(value, np.random.Generator):
                bits = value.bit_generator
                found.append((lambda state, bits=bits: setattr(bits, "state", state), bits.state))
    if "numpy.random" in sys.modules:
        # The global generator of NumPy, which transformations of data may use.
        legacy = np.random.mtrand._rand
        found.append((legacy.set_state, legacy.get_state()))
    return found
