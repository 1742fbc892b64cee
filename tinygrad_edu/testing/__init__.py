"""The public test kit: numerical differentiation, gradient checks, strategies for inputs.

Check an operation of your own in one line:

>>> x = np.array([0.5, -1.0, 2.0])
>>> tg.testing.check_op(tg.exp, x, reference=np.exp)

Learn to write one with `Exercise`, which says what is wrong with your backward, and why.
"""

from ..autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck, numerical_gradient
from . import strategies
from .checking import check_op, operations
from .exercise import Exercise, UnwrittenBackwardWarning
from .layouts import LAYOUTS, relayout
from .report import Report

__all__ = [
    "LAYOUTS",
    "Exercise",
    "GradcheckError",
    "Report",
    "UnwrittenBackwardWarning",
    "check_op",
    "gradcheck",
    "gradgradcheck",
    "numerical_gradient",
    "operations",
    "relayout",
    "strategies",
]
