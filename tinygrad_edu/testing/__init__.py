"""The public test kit: numerical differentiation, gradient checks, strategies for inputs.

Check an operation of your own in one line:

>>> x = np.array([0.5, -1.0, 2.0])
>>> tg.testing.check_op(tg.exp, x, reference=np.exp)
"""

from ..autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck, numerical_gradient
from . import strategies
from .checking import check_op, operations
from .layouts import LAYOUTS, relayout

__all__ = [
    "LAYOUTS",
    "GradcheckError",
    "check_op",
    "gradcheck",
    "gradgradcheck",
    "numerical_gradient",
    "operations",
    "relayout",
    "strategies",
]
