"""What is useful beside networks: `utils.data` feeds them."""

from . import data

__all__ = ["data"]
