"""The layers of a model in a table."""

from .summary import summary
from .table import Summary

__all__ = ["Summary", "summary"]
