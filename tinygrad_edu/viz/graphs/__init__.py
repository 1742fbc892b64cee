"""Pictures of recorded graphs."""

from .draw import draw
from .picture import Picture

__all__ = ["Picture", "draw"]
