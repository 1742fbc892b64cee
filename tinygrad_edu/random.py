"""The one source of randomness: a `numpy.random.Generator` that `manual_seed` sets.

Everything random also takes `generator=`: a `tg.Generator` or a NumPy generator.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from .device import CPU, check_device
from .device import device as Device

__all__ = [
    "AnyGenerator",
    "Generator",
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "resolve",
    "seed",
    "set_rng_state",
]

#: What `generator=` takes. In quotes: looking numpy.random up would import it, which takes 13 ms.
AnyGenerator: TypeAlias = "Generator | np.random.Generator | None"


class Generator:
    """A stream of random numbers of its own. PyTorch: `torch.Generator`.

    >>> a, b = tg.Generator().manual_seed(7), tg.Generator().manual_seed(7)
    >>> bool((tg.rand(3, generator=a) == tg.rand(3, generator=b)).all())
    True
    """

    def __init__(self, device: Device | str = "cpu") -> None:
        check_device(device)
        self.device = CPU
        self.manual_seed(67280421310721)  # PyTorch's default seed

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream at `seed`; returns the generator."""
        self._seed = int(seed)
        self._stream: np.random.Generator | None = None
        return self

    @property
    def numpy(self) -> np.random.Generator:
        """The NumPy generator, made when first asked for: numpy.random is slow to import."""
        if self._stream is None:
            self._stream = np.random.default_rng(self._seed & (2**64 - 1))
        return self._stream

    def seed(self) -> int:
        """Start the stream at a seed from the operating system; returns it."""
        self.manual_seed(int.from_bytes(os.urandom(8), "big") >> 1)
        return self._seed

    def initial_seed(self) -> int:
        """The seed that the stream started at."""
        return self._seed

    def get_state(self) -> dict[str, Any]:
        """The stream's present state, for `set_state`."""
        return {"seed": self._seed, "bits": self.numpy.bit_generator.state}

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from a state that `get_state` returned."""
        if not isinstance(state, dict) or not {"seed", "bits"} <= state.keys():
            raise TypeError(
                "A state is what get_state() or tg.get_rng_state() returned; got "
                f"{type(state).__name__}. PyTorch's states are those of other generators."
            )
        self._seed = state["seed"]
        self.numpy.bit_generator.state = state["bits"]


_default = Generator()
_default.seed()


def default_generator() -> np.random.Generator:
    """The NumPy generator behind every random function that is not given one."""
    return _default.numpy


def resolve(generator: AnyGenerator) -> np.random.Generator:
    """The NumPy generator meant by a `generator=` argument."""
    if generator is None:
        return _default.numpy
    if isinstance(generator, Generator):
        return generator.numpy
    if isinstance(generator, np.random.Generator):
        return generator
    raise TypeError(
        "generator must be a tg.Generator or a numpy.random.Generator; got "
        f"{type(generator).__name__}."
    )


def manual_seed(seed: int) -> Generator:
    """Make everything random that follows a function of `seed`. PyTorch: `torch.manual_seed`.

    >>> _ = tg.manual_seed(0)
    >>> a = tg.rand(2)
    >>> _ = tg.manual_seed(0)
    >>> tg.equal(a, tg.rand(2))
    True
    """
    return _default.manual_seed(seed)


def seed() -> int:
    """Seed from the operating system; returns the seed. PyTorch: `torch.seed`.

    >>> tg.seed() == tg.initial_seed()
    True
    """
    return _default.seed()


def initial_seed() -> int:
    """The seed set last. PyTorch: `torch.initial_seed`.

    >>> _ = tg.manual_seed(42)
    >>> tg.initial_seed()
    42
    """
    return _default.initial_seed()


def get_rng_state() -> dict[str, Any]:
    """The state of the default generator, for `set_rng_state`. PyTorch: `torch.get_rng_state`.

    >>> sorted(tg.get_rng_state())
    ['bits', 'seed']
    """
    return _default.get_state()


def set_rng_state(state: dict[str, Any]) -> None:
    """Continue from a state that `get_rng_state` returned. PyTorch: `torch.set_rng_state`.

    >>> state = tg.get_rng_state()
    >>> a = tg.rand(2)
    >>> tg.set_rng_state(state)
    >>> tg.equal(a, tg.rand(2))
    True
    """
    _default.set_state(state)


@contextmanager
def fork_rng(
    devices: object = None,  # noqa: ARG001
    enabled: bool = True,
    device_type: str = "cpu",  # noqa: ARG001
) -> Iterator[None]:
    """Within `with`, random numbers do not count: afterwards the stream is where it was.

    `devices` are PyTorch's other devices, without effect. PyTorch: `torch.random.fork_rng`.

    >>> state = tg.get_rng_state()
    >>> with tg.random.fork_rng():
    ...     _ = tg.rand(2)
    >>> tg.get_rng_state() == state
    True
    """
    state = get_rng_state() if enabled else None
    try:
        yield
    finally:
        if state is not None:
            set_rng_state(state)
