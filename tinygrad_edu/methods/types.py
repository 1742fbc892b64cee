"""Types of elements, devices, and new tensors like this one."""

from ..autograd.graph import TensorBase
from ..ops import conversion, creation, memory, tensor_types

__all__ = ["Types"]


class Types(TensorBase):
    """Functions of `ops`, bound."""

    __slots__ = ()

    apply_ = conversion.apply_
    astype = conversion.astype
    bfloat16 = conversion.bfloat16
    bool = conversion.boolean
    byte = conversion.byte
    char = conversion.char
    conj = conj_physical = conj_physical_ = resolve_conj = resolve_neg = conversion.conj
    cpu = conversion.cpu
    cuda = conversion.cuda
    device = property(conversion.device_of)
    double = conversion.double
    float = conversion.float
    get_device = conversion.get_device
    half = conversion.half
    int = conversion.int
    is_conj = conversion.is_conj
    is_cpu = property(conversion.is_cpu)
    is_cuda = property(conversion.is_cuda)
    is_inference = conversion.is_inference
    is_meta = is_mps = is_quantized = is_sparse = is_xpu = property(conversion.never)
    is_neg = conversion.is_neg
    is_nonzero = conversion.is_nonzero
    is_pinned = conversion.is_pinned
    is_same_size = conversion.is_same_size
    is_shared = conversion.never
    is_signed = conversion.is_signed
    layout = property(conversion.layout_of)
    long = conversion.long
    map_ = conversion.map_
    new = tensor_types.new
    new_empty = creation.new_empty
    new_empty_strided = memory.new_empty_strided
    new_full = creation.new_full
    new_ones = creation.new_ones
    new_tensor = creation.new_tensor
    new_zeros = creation.new_zeros
    pin_memory = conversion.pin_memory
    real = property(conversion.real)
    share_memory_ = conversion.share_memory_
    short = conversion.short
    to = conversion.to
    to_dense = conversion.to_dense
    type = conversion.type
    type_as = conversion.type_as
