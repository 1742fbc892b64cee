"""Optimizers: rules that turn gradients into better parameters."""

from .adagrad import AdaGrad, Adagrad
from .adam import Adam
from .optimizer import Optimizer
from .rmsprop import RMSprop
from .sgd import SGD, Momentum

__all__ = ["SGD", "AdaGrad", "Adagrad", "Adam", "Momentum", "Optimizer", "RMSprop"]
