"""The functions of tensors that the package exports: a list for each family.

Each function is defined and documented in the file of its family below `ops`.
"""

from . import (
    creation,
    elementwise,
    in_place,
    indexing,
    linalg,
    neural,
    random,
    reductions,
    settings,
    shape,
    sorting,
    special,
    types,
)

__all__ = ["FAMILIES"]

FAMILIES = (
    creation,
    elementwise,
    in_place,
    indexing,
    linalg,
    neural,
    random,
    reductions,
    settings,
    shape,
    sorting,
    special,
    types,
)
