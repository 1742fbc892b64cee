"""Random numbers."""

from ..autograd.graph import TensorBase
from ..ops import random

__all__ = ["Random"]


class Random(TensorBase):
    """Functions of `ops`, bound."""

    __slots__ = ()

    bernoulli = random.bernoulli
    bernoulli_ = random.bernoulli_
    cauchy_ = random.cauchy_
    exponential_ = random.exponential_
    geometric_ = random.geometric_
    log_normal_ = random.log_normal_
    multinomial = random.multinomial
    normal_ = random.normal_
    random_ = random.random_
    uniform_ = random.uniform_
