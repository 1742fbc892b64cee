"""Seeing what a network does: pictures, a page to step through, tables and figures."""

from .classified import plot_confusion, plot_misclassified
from .explorer import explore, keep_values
from .figures import plot_history, plot_predictions
from .graphs import Picture, draw
from .layers import plot_activations, plot_filters, plot_weights
from .monitor import Monitor
from .summary import Summary, summary

__all__ = [
    "Monitor",
    "Picture",
    "Summary",
    "draw",
    "explore",
    "keep_values",
    "plot_activations",
    "plot_confusion",
    "plot_filters",
    "plot_history",
    "plot_misclassified",
    "plot_predictions",
    "plot_weights",
    "summary",
]
