"""What a tensor can do: the methods of Tensor, a class for each family.

Most are functions of `ops`, bound by name in a class body, so that editors and type checkers see
them and each is documented once.
"""

from .elementwise import Elementwise
from .in_place import InPlace
from .indexing import Indexing
from .linalg import LinearAlgebra
from .neural import Neural
from .operators import Operators
from .python_and_numpy import PythonAndNumPy
from .random import Random
from .reductions import Reductions
from .shape import Shape
from .shape_and_type import ShapeAndType
from .types import Types

__all__ = ["Methods"]


class Methods(
    ShapeAndType,
    PythonAndNumPy,
    Operators,
    Elementwise,
    InPlace,
    Reductions,
    Shape,
    Indexing,
    LinearAlgebra,
    Neural,
    Random,
    Types,
):
    """All of them."""

    __slots__ = ()
