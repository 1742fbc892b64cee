"""Checkpoints as `torch.save` writes them, built without PyTorch."""

import io
import pickle
import struct
import zipfile
from typing import NamedTuple

import numpy as np

NAMES = {
    "float64": "DoubleStorage",
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int16": "ShortStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
}


class Name(NamedTuple):
    """A function or class by its name, which need not exist."""

    module: str
    name: str


class Call:
    """The result of a call, as a pickle describes it; `state` is what it is given afterwards."""

    def __init__(self, module, name, *arguments, state=None):
        self.function = Name(module, name)
        self.arguments = arguments
        self.state = state


class Storage(NamedTuple):
    """A reference to a record; `kind` is the name of PyTorch's class."""

    key: str
    kind: str
    count: int
    location: str = "cpu"


class Writer(pickle._Pickler):
    """Writes names and calls without looking whether they exist."""

    def persistent_id(self, value):
        if type(value) is Storage:
            module = "torch.storage" if value.kind == "UntypedStorage" else "torch"
            return ("storage", Name(module, value.kind), value.key, value.location, value.count)
        return None

    def save_name(self, value):
        if self.proto >= 4:
            self.save(value.module)
            self.save(value.name)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(f"c{value.module}\n{value.name}\n".encode())

    def save_call(self, value):
        self.save(value.function)
        self.save(value.arguments)
        self.write(pickle.REDUCE)
        if value.state is not None:
            self.save(value.state)
            self.write(pickle.BUILD)

    dispatch = {**pickle._Pickler.dispatch, Name: save_name, Call: save_call}  # noqa: RUF012


def pickled(content, protocol=2):
    buffer = io.BytesIO()
    Writer(buffer, protocol).dump(content)
    return buffer.getvalue()


ORDERED = Call("collections", "OrderedDict")


def state_dict(**tensors):
    """An OrderedDict with the versions of its modules."""
    versions = Call("collections", "OrderedDict", [("", {"version": 1})])
    pairs = list(tensors.items())
    return Call("collections", "OrderedDict", pairs, state={"_metadata": versions})


def tensor(array, key="0", requires_grad=False):
    """A tensor on a storage of its own, and the record with the numbers."""
    strides = tuple(step // array.itemsize for step in np.empty(array.shape, array.dtype).strides)
    return view(key, array.dtype.name, array.size, 0, array.shape, strides, requires_grad)


def view(key, dtype, count, offset, shape, strides, requires_grad=False):
    """A tensor that looks into a storage."""
    storage = Storage(key, NAMES.get(dtype, dtype), count)
    return rebuilt(storage, offset, shape, strides, requires_grad, ORDERED)


def rebuilt(*arguments):
    return Call("torch._utils", "_rebuild_tensor_v2", *arguments)


def archive(program, records=None, byteorder=b"little", root="archive", compression=0):
    """The file: a pickle and its records, by key."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        file.writestr(f"{root}/data.pkl", program)
        if byteorder is not None:
            file.writestr(f"{root}/byteorder", byteorder)
        for key, content in (records or {}).items():
            file.writestr(f"{root}/data/{key}", content)
        file.writestr(f"{root}/version", b"3\n")
    return buffer.getvalue()


def saved(content, *arrays, protocol=2, **options):
    """The file with `content`, whose storages "0", "1", ... hold `arrays`."""
    records = {str(i): np.ascontiguousarray(a).tobytes() for i, a in enumerate(arrays)}
    return archive(pickled(content, protocol), records, **options)


def patched(content, field, value):
    """A zip archive whose directory says something else about the record data/0."""
    end = content.rindex(b"PK\x05\x06")
    place = struct.unpack_from("<I", content, end + 16)[0]
    while not content[place + 46 :].startswith(b"archive/data/0"):
        name, extra, comment = struct.unpack_from("<HHH", content, place + 28)
        place += 46 + name + extra + comment
    offset, form = {
        "method": (10, "<H"),
        "compressed": (20, "<I"),
        "size": (24, "<I"),
        "place": (42, "<I"),
    }[field]
    result = bytearray(content)
    struct.pack_into(form, result, place + offset, value)
    return bytes(result)
