"""Training: a Trainer with history and progress, for those who do not want to write the loop."""

from .history import History
from .metrics import accuracy
from .trainer import Trainer

__all__ = ["History", "Trainer", "accuracy"]
