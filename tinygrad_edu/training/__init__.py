"""Training: a Trainer with history and progress, for those who do not want to write the loop again."""

from .trainer import History, Trainer, accuracy

__all__ = ["History", "Trainer", "accuracy"]
