"""Seeing what a network does: pictures of recorded graphs, and figures of a training."""

from .draw import draw
from .figures import plot_history, plot_predictions
from .picture import Picture

__all__ = ["Picture", "draw", "plot_history", "plot_predictions"]
