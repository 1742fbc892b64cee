"""Training: a Trainer with history and progress, for those who do not want to write the loop."""

from .history import History
from .lint import Finding, Findings, LintWarning, lint
from .metrics import accuracy
from .predictions import Predictions
from .trainer import Trainer

__all__ = [
    "Finding",
    "Findings",
    "History",
    "LintWarning",
    "Predictions",
    "Trainer",
    "accuracy",
    "lint",
]
