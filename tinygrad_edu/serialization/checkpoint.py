"""PyTorch's checkpoints: the zip archives that `torch.save` writes, read without running anything.

    archive/data.pkl     a pickle of the containers, with a reference for each storage
    archive/data/0       the numbers of storage 0, as they lie in memory
    archive/byteorder    little or big

A tensor is a storage, an offset, a shape and strides: a view that is made only after all of them
were found to lie inside the storage.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections import Counter, OrderedDict
from pickle import UnpicklingError
from typing import Any, BinaryIO

import numpy as np

from ..autograd.graph import Array, wrap
from ..device import device
from ..tensor import Tensor
from .elements import Order, elements, note_bfloat16
from .pickles import Callee, Refused, Unpickler

__all__ = ["from_archive"]

_STORAGES = {
    "torch.DoubleStorage": "float64",
    "torch.FloatStorage": "float32",
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
}
_UNTYPED = ("torch.storage.UntypedStorage", "torch.UntypedStorage")
_DTYPES = {
    f"torch.{name}": np.dtype(name)
    for name in (
        *("float64", "float32", "float16", "int64", "int32", "int16", "int8", "bool"),
        *("uint8", "uint16", "uint32", "uint64"),
    )
}
_NO_TYPES = ("torch.bfloat16", "torch.complex", "torch.float8", "torch.qint", "torch.quint")
_DAMAGED = (
    zipfile.BadZipFile,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
)
_PIECE = 1 << 20  # bytes that are read at a time
_MOST_DIMS = 64  # of an array in NumPy


class _Kind:
    """A type of storages, by name."""

    def __init__(self, code: str) -> None:
        self.code = code  # "uint8" for one without a type


class _Storage:
    """The numbers of a storage, which all tensors on it share."""

    def __init__(self, array: Array, kind: _Kind) -> None:
        self.array = array
        self.kind = kind
        self.version = [0, 0]


def from_archive(file: BinaryIO, name: str, path: str | None) -> Any:
    """What `torch.save` wrote; with `path`, the numbers stay in the file (mmap=True)."""
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGED as error:
        raise RuntimeError(
            f"{name} begins like a zip archive, as torch.save writes, but is not a complete one: "
            f"its writing or copying was cut off ({error})."
        ) from None
    with archive:
        return _Checkpoint(archive, file, name, path).load()


class _Checkpoint:
    """One archive."""

    def __init__(
        self, archive: zipfile.ZipFile, file: BinaryIO, name: str, path: str | None
    ) -> None:
        self.archive = archive
        self.file = file
        self.name = name
        self.path = path
        self.records = {info.filename: info for info in archive.infolist()}
        roots = [key.removesuffix("data.pkl") for key in self.records if key.endswith("/data.pkl")]
        if not roots:
            raise RuntimeError(
                f"{name} is a zip archive, but torch.save did not write it: it holds no data.pkl. "
                "(NumPy's .npz files: np.load.)"
            )
        self.root = roots[0]
        self.unread = file.seek(0, io.SEEK_END)
        self.storages: dict[str, _Storage] = {}
        self.order: Order = "<"

    def load(self) -> Any:
        """The content."""
        if f"{self.root}constants.pkl" in self.records:
            raise RuntimeError(
                f"{self.name} is a TorchScript program, not data. Save the state of the module in "
                "PyTorch: torch.save(module.state_dict(), path)."
            )
        if f"{self.root}byteorder" in self.records:
            order = self.record("byteorder").tobytes()
            if order not in (b"little", b"big"):
                raise RuntimeError(f"{self.name}: its byte order {order[:20]!r} is unknown.")
            self.order = "<" if order == b"little" else ">"
        program = self.record("data.pkl").tobytes()
        try:
            content = Unpickler(program, self.names(), self.storage, self.refusal).load()
            _check(content)
        except UnpicklingError as error:
            raise UnpicklingError(f"{self.name}: {error}") from None
        if any(storage.kind.code == "bfloat16" for storage in self.storages.values()):
            note_bfloat16(self.name, stacklevel=5)
        return content

    def record(self, key: str, size: int | None = None) -> Array:
        """The bytes of a record, of the given size."""
        where = f"{self.name}: its record {key!r}"
        info = self.records.get(self.root + key)
        if info is None:
            raise RuntimeError(f"{where} is missing.")
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise RuntimeError(
                f"{where} is compressed, as torch.save never writes it. Save it anew in PyTorch."
            )
        if size is not None and info.file_size != size:
            raise RuntimeError(f"{where} has {info.file_size} bytes; {size} are needed.")
        # Each byte of the file belongs to one record: entries that overlap could ask for any
        # amount of memory.
        self.unread -= info.file_size
        if self.unread < 0:
            raise RuntimeError(f"{where} is said to be larger than the file.")
        try:
            return self.map(info) if self.path is not None else self.read(info)
        except _DAMAGED as error:
            raise RuntimeError(
                f"{where} is damaged ({error}). (PyTorch can be told to write wrong checksums; "
                "mmap=True does not read them.)"
                if "CRC" in str(error)
                else f"{where} is damaged ({error})."
            ) from None

    def read(self, info: zipfile.ZipInfo) -> Array:
        """The bytes of a record, with their checksum verified."""
        raw = np.empty(info.file_size, np.uint8)
        with self.archive.open(info) as member:
            filled = 0
            while part := member.read(_PIECE):  # At the end, the checksum is compared.
                raw[filled : filled + len(part)] = np.frombuffer(part, np.uint8)
                filled += len(part)
        if filled != len(raw):
            raise EOFError(f"{len(raw) - filled} bytes are missing")
        return raw

    def map(self, info: zipfile.ZipInfo) -> Array:
        """The bytes of a record as memory that is read from the file when it is used."""
        self.file.seek(info.header_offset)
        header = self.file.read(30)
        signature, name, extra = struct.unpack("<4s22xHH", header)
        if signature != b"PK\x03\x04":
            raise ValueError("its header is not where it is said to be")
        if not info.file_size:
            return np.empty(0, np.uint8)
        assert self.path is not None
        begin = info.header_offset + 30 + name + extra
        if begin + info.file_size > self.file.seek(0, io.SEEK_END):
            raise EOFError("it reaches beyond the end of the file")
        return np.asarray(np.memmap(self.path, np.uint8, "c", begin, info.file_size))

    # What the pickle names.

    def names(self) -> dict[str, Any]:
        """The names that may occur in the pickle."""
        from ..nn.parameter import Parameter

        def parameter(_: Unpickler, data: Any, requires_grad: Any, hooks: Any) -> Any:
            _no_hooks(hooks)
            return Parameter(
                Unpickler.exactly(data, Tensor), Unpickler.exactly(requires_grad, bool)
            )

        def rebuild_of_type(run: Unpickler, storage: Any, *place: Any) -> Tensor:
            # For types that have no storage class; the type comes before the metadata.
            *where, dtype = place[:6]
            source = Unpickler.exactly(storage, _Storage)
            if not isinstance(dtype, np.dtype) or source.array.dtype != np.uint8:
                raise TypeError
            typed = _Storage(elements(source.array, dtype.name, self.order), source.kind)
            typed.version = source.version
            return _rebuild(run, typed, *where)

        return {
            **{name: _Kind(code) for name, code in _STORAGES.items()},
            **dict.fromkeys(_UNTYPED, _Kind("uint8")),
            **_DTYPES,
            "torch._utils._rebuild_tensor_v2": Callee(_rebuild),
            "torch._utils._rebuild_tensor_v3": Callee(rebuild_of_type),
            "torch._utils._rebuild_parameter": Callee(parameter),
            "torch.Size": Callee(_size),
            "torch.device": Callee(lambda *_: device("cpu")),
        }

    def refusal(self, name: str) -> Exception:
        """The error for a name that is not known."""
        if name.startswith(_NO_TYPES) or (name.startswith("torch.") and name.endswith("Storage")):
            return Refused(
                f"it holds {name}, a type of numbers that tensors do not have here. Convert it in "
                "PyTorch before saving, for example with x.float()."
            )
        hint = "save model.state_dict() in PyTorch instead of the model, "
        if name.startswith("numpy."):
            hint = "convert NumPy numbers with float(x), and arrays with torch.from_numpy(x), "
        return Refused(
            f"it contains a pickled object of {name}; only tensors, numbers, strings and "
            f"containers are read, and nothing in the file is run. So {hint}and write the file "
            "anew."
        )

    def storage(self, reference: Any) -> _Storage:
        """The storage that a persistent id refers to."""
        word, kind, key, location, count = Unpickler.exactly(reference, tuple)
        Unpickler.exactly(kind, _Kind)
        Unpickler.exactly(key, str)
        Unpickler.exactly(location, str)  # Where it was: here, everything is on the CPU.
        if word != "storage" or Unpickler.exactly(count, int) < 0:
            raise ValueError
        if key in self.storages:
            known = self.storages[key]
            if known.kind.code != kind.code or len(known.array) != count:
                raise Refused(f"its storage {key!r} is used as two different ones")
            return known
        size = 2 if kind.code == "bfloat16" else np.dtype(kind.code).itemsize
        raw = self.record(f"data/{key}", count * size)
        self.storages[key] = _Storage(elements(raw, kind.code, self.order), kind)
        return self.storages[key]


def _rebuild(
    _: Unpickler,
    storage: Any,
    offset: Any,
    shape: Any,
    strides: Any,
    requires_grad: Any,
    hooks: Any,
    metadata: Any = None,
) -> Tensor:
    """The tensor at `offset` in a storage: `torch._utils._rebuild_tensor_v2`."""
    _no_hooks(hooks)
    if metadata:
        raise Refused(f"a tensor in it has the attributes {metadata!r:.80}")
    source = Unpickler.exactly(storage, _Storage)
    view = _view(source.array, offset, shape, strides)
    tensor = wrap(view, None, source.version)
    if Unpickler.exactly(requires_grad, bool):
        if view.dtype.kind != "f":
            raise ValueError
        tensor.requires_grad_()
    return tensor


def _view(array: Array, offset: Any, shape: Any, strides: Any) -> Array:
    """Part of a storage, if it lies inside: NumPy's as_strided would look anywhere in memory."""
    sizes, steps = Unpickler.exactly(shape, tuple), Unpickler.exactly(strides, tuple)
    if len(sizes) != len(steps) or len(sizes) > _MOST_DIMS:
        raise ValueError
    for number in (offset, *sizes, *steps):
        if Unpickler.exactly(number, int) < 0:
            raise ValueError
    if 0 in sizes:
        return np.empty(sizes, array.dtype)
    last, elements_in_all, repeats = offset, 1, False
    for size, step in sorted(zip(sizes, steps, strict=True), key=lambda pair: pair[1]):
        # In order of their steps, each dimension has to step over all that came before.
        repeats = repeats or (size > 1 and step <= last - offset)
        last += (size - 1) * step
        elements_in_all *= size
    if last >= len(array) or elements_in_all * array.itemsize >= 2**63:
        raise Refused(
            f"a tensor in it, of shape {sizes}, strides {steps} and offset {offset}, does not lie "
            f"inside its storage of {len(array)} elements"
        )
    return np.lib.stride_tricks.as_strided(
        array[offset:],
        sizes,
        [step * array.itemsize for step in steps],
        # Elements that are one place in memory (expand) cannot be written to.
        writeable=not repeats,
    )


def _no_hooks(hooks: Any) -> None:
    if hooks is not None and (type(hooks) is not OrderedDict or hooks):
        raise Refused("a tensor in it has backward hooks, which are code")


def _size(_: Unpickler, sizes: Any = ()) -> tuple[int, ...]:
    return tuple(Unpickler.exactly(sizes, tuple))


_DATA = frozenset(
    {type(None), bool, int, float, str, bytes, device, Tensor}
    | {list, tuple, dict, OrderedDict, Counter, set, frozenset}
)


def _check(content: Any) -> None:
    """Refuse what stands for code or storages where data should be."""
    from ..nn.parameter import Parameter

    seen: set[int] = set()
    rest = [content]
    while rest:
        value = rest.pop()
        kind = type(value)
        if kind not in _DATA and kind is not Parameter and not isinstance(value, np.dtype):
            what = "a bare storage" if kind is _Storage else "a function or a class"
            raise Refused(f"it contains {what} among its data; only tensors are read")
        if kind in (list, tuple, set, frozenset, dict, OrderedDict, Counter):
            if id(value) in seen:
                continue
            seen.add(id(value))
            rest.extend(value.values() if isinstance(value, dict) else value)
