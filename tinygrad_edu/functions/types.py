"""Types of elements, and questions about a tensor."""

from ..ops.conversion import (
    conj,
    get_device,
    is_complex,
    is_conj,
    is_inference,
    is_neg,
    is_nonzero,
    is_same_size,
    is_signed,
    real,
)
from ..ops.creation import is_floating_point, is_tensor
from ..ops.tensor_types import (
    BoolTensor,
    ByteTensor,
    CharTensor,
    DoubleTensor,
    FloatTensor,
    HalfTensor,
    IntTensor,
    LongTensor,
    ShortTensor,
    set_default_tensor_type,
    typename,
)
from ..ops.type_info import can_cast, finfo, iinfo

# Of real numbers, all of them mean the tensor itself.
conj_physical = conj_physical_ = resolve_conj = resolve_neg = conj

# fmt: off
__all__ = [
    "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor",
    "IntTensor", "LongTensor", "ShortTensor", "can_cast", "conj", "conj_physical", "conj_physical_",
    "finfo", "get_device", "iinfo", "is_complex", "is_conj", "is_floating_point", "is_inference",
    "is_neg", "is_nonzero", "is_same_size", "is_signed", "is_tensor", "real", "resolve_conj",
    "resolve_neg", "set_default_tensor_type", "typename",
]
# fmt: on
