"""What happens in each layer while a network learns."""

from .monitor import Monitor

__all__ = ["Monitor"]
