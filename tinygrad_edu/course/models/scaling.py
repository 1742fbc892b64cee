"""The width of a network: the same structure with fewer channels."""

from __future__ import annotations

__all__ = ["scaled"]


def scaled(width: float, *channels: int) -> list[int]:
    """So many times the channels, rounded, and at least one of each. ValueError unless width > 0.

    >>> from tinygrad_edu.course.models.scaling import scaled
    >>> scaled(1 / 8, 64, 192, 4)
    [8, 24, 1]
    """
    if not width > 0:
        raise ValueError(f"width is a positive factor of the channels; got {width!r}.")
    return [max(1, round(width * each)) for each in channels]
