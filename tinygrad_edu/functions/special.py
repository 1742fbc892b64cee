"""Special functions; more are in `tinygrad_edu.special`."""

from ..ops.bessel import i0
from ..ops.gamma import digamma, igamma, igammac, lgamma, mvlgamma, polygamma
from ..ops.special import erfinv

# fmt: off
__all__ = [
    "digamma", "erfinv", "i0", "igamma", "igammac", "lgamma", "mvlgamma", "polygamma",
]
# fmt: on
