"""Files that are damaged or hostile are refused, and nothing in them is ever run."""

import builtins
import io
import os
import pickle
import random
import subprocess
import warnings
import zipfile
from collections import Counter

import numpy as np
import pytest
from torch_files import (
    ORDERED,
    Call,
    Name,
    Storage,
    archive,
    patched,
    pickled,
    rebuilt,
    saved,
    state_dict,
    tensor,
    view,
)

import tinygrad_edu as tg

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def loaded(content, **options):
    return tg.load(io.BytesIO(content), **options)


# What is refused: everything that is no data.


class Exploit:
    """What Python's own pickle would run."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.fixture
def untouched(monkeypatch):
    """Fails if something in a file was run."""

    def fail(*_, **__):
        pytest.fail("code in the file was run")

    for module, names in {
        os: ["system", "popen"],
        subprocess: ["Popen", "run"],
        builtins: ["eval", "breakpoint"],
        pickle: ["Unpickler", "load", "loads"],
    }.items():
        for name in names:
            monkeypatch.setattr(module, name, fail)


def by_name(module, name, *arguments):
    return lambda protocol: pickled(Call(module, name, *arguments), protocol)


PROGRAMS = {
    "os.system": by_name("os", "system", "true"),
    "posix.system": by_name("posix", "system", "true"),
    "builtins.eval": by_name("builtins", "eval", "1"),
    "__builtin__.exec": by_name("__builtin__", "exec", "1"),
    "builtins.getattr": by_name("builtins", "getattr", Name("collections", "OrderedDict"), "x"),
    "builtins.__import__": by_name("builtins", "__import__", "os"),
    "subprocess.Popen": by_name("subprocess", "Popen", ["true"]),
    "torch.load": by_name("torch", "load", "x"),
    "torch.hub.load": by_name("torch.hub", "load", "x", "y"),
    "torch.storage._load_from_bytes": by_name("torch.storage", "_load_from_bytes", b"x"),
    "torch._utils._rebuild_sparse_tensor": by_name("torch._utils", "_rebuild_sparse_tensor", 1),
    "torch.nn.modules.linear.Linear": by_name("torch.nn.modules.linear", "Linear", 1, 2),
    "torch._utils._rebuild_tensor_v2.__globals__": by_name(
        "torch._utils", "_rebuild_tensor_v2.__globals__", 1
    ),
    "collections.OrderedDict.fromkeys": by_name("collections", "OrderedDict.fromkeys", [1]),
    "collections.namedtuple": by_name("collections", "namedtuple", "x", "y"),
    "copyreg._reconstructor": by_name("copyreg", "_reconstructor", 1, 2, 3),
    "functools.partial": by_name("functools", "partial", Name("collections", "OrderedDict")),
    "tinygrad_edu.load": by_name("tinygrad_edu", "load", "x"),
    "numpy._core.multiarray.scalar": by_name("numpy._core.multiarray", "scalar", 1),
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("protocol", [2, 4])
def test_every_other_name_is_refused_by_name(name, protocol, untouched):
    content = archive(PROGRAMS[name](protocol))
    with pytest.raises(pickle.UnpicklingError, match="this file: it contains a pickled object of"):
        loaded(content)
    with pytest.raises(pickle.UnpicklingError, match=name.replace(".", r"\.")):
        loaded(content, weights_only=False)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "exploit",
    [
        Exploit(os.system, "true"),
        [{"a": (Exploit(eval, "1"),)}],
        Exploit(Exploit(getattr, os, "system"), "true"),
    ],
    ids=["system", "nested", "chain"],
)
def test_real_exploits_are_refused(exploit, protocol, untouched):
    if callable(exploit):
        pytest.fail("an exploit is data")
    try:
        program = pickle.dumps(exploit, protocol)
    except pickle.PicklingError:  # A call as a function cannot be written; nor can it be read.
        program = pickled([Name("os", "system")], max(2, protocol))
    with pytest.raises(pickle.UnpicklingError):
        loaded(archive(program))


def test_the_hint_fits_what_was_found():
    with pytest.raises(pickle.UnpicklingError, match=r"save model\.state_dict\(\) in PyTorch"):
        loaded(archive(pickled(Name("mymodel", "Net"))))
    with pytest.raises(pickle.UnpicklingError, match=r"NumPy numbers with float\(x\)"):
        loaded(archive(pickled(Name("numpy._core.multiarray", "scalar"))))
    with pytest.raises(
        pickle.UnpicklingError, match=r"torch\.ComplexFloatStorage, a type .*x\.float"
    ):
        loaded(archive(pickled(Name("torch", "ComplexFloatStorage"))))
    with pytest.raises(pickle.UnpicklingError, match=r"holds torch\.complex64, a type of numbers"):
        loaded(archive(pickled(Name("torch", "complex64"))))


# Instructions by hand: what no pickler writes.

MEMO_BOMB = b"]q\x00" + b"".join(
    b"0](" + (b"h" + bytes([i])) * 10 + b"eq" + bytes([i + 1]) for i in range(30)
)
TUPLE_BOMB = b")q\x00" + b"".join(
    b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86q" + bytes([i + 1]) for i in range(60)
)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (b"\x80\x02cos\nsystem\n.", r"os\.system"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", r"os\.system"),
        (b"\x80\x02(S'true'\nios\nsystem\n.", "instruction STRING"),
        (b"\x80\x02(X\x04\0\0\0trueios\nsystem\n.", "instruction INST"),
        (b"\x80\x02(cos\nsystem\nX\x04\0\0\0trueo.", r"os\.system"),
        (b"\x80\x02\x82\x01.", "instruction EXT1"),
        (b"\x80\x02\x83\x01\x00.", "instruction EXT2"),
        (b"\x80\x02\x84\x01\x00\x00\x00.", "instruction EXT4"),
        (b"\x80\x02ccollections\nOrderedDict\n)\x81.", "instruction NEWOBJ"),
        (b"\x80\x04ccollections\nOrderedDict\n)}\x92.", "instruction NEWOBJ_EX"),
        (b"\x80\x05\x97.", "instruction NEXT_BUFFER"),
        (b"\x80\x02P0\n.", "instruction PERSID"),
        (b"\x80\x02I1\n.", "instruction INT"),
        (b"\x80\x02\xff.", "instruction 0xff"),
        # Functions and classes are no data, and take no attributes.
        (b"\x80\x02ccollections\nOrderedDict\n.", "a function or a class among its data"),
        (b"\x80\x02}X\x01\0\0\0actorch\nFloatStorage\ns.", "a function or a class among its data"),
        (b"\x80\x02ccollections\nOrderedDict\n}X\x01\0\0\0aK\x01sb.", "damaged"),
        (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}X\x01\0\0\0aK\x01sb.", "damaged"),
        (b"\x80\x02ctorch\nfloat32\n}b.", "damaged"),
        (b"\x80\x02ccollections\nOrderedDict\n)R}X\x01\0\0\0aK\x01sb.", r"the attributes \['a'\]"),
        (
            b"\x80\x02ccollections\nOrderedDict\n)R}X\x09\0\0\0_metadataK\x01sb.",
            "has the attributes",
        ),
        (b"\x80\x02ccollections\nOrderedDict\n)RNb.", "damaged"),
        (b"\x80\x02K\x01K\x02\x85R.", "damaged"),
        (b"\x80\x02ctorch\nfloat32\n)R.", "damaged"),
        (b"\x80\x02ctorch\nFloatStorage\n)R.", "damaged"),
        (b"\x80\x02X\x04\0\0\0trueQ.", "damaged"),
        (b"\x80\x02)Q.", "damaged"),
        # The stack, the memo, and lengths.
        (b"\x80\x02.", "damaged"),
        (b"\x80\x02K\x01K\x02.", "damaged"),
        (b"\x80\x02(.", "a function or a class"),
        (b"\x80\x02((2ee.", "damaged"),
        (b"\x80\x02K\x01e.", "damaged"),
        (b"\x80\x02(q\x00.", "damaged"),
        (b"\x80\x02(a.", "damaged"),
        (b"\x80\x02h\x05.", "damaged"),
        (b"\x80\x02j\xff\xff\xff\xff.", "damaged"),
        (b"\x80\x02a.", "damaged"),
        (b"\x80\x02K\x01K\x02a.", "damaged"),
        (b"\x80\x02}K\x01s.", "damaged"),
        (b"\x80\x02}(K\x01u.", "damaged"),
        (b"\x80\x02](K\x01K\x02u.", "damaged"),
        (b"\x80\x04K\x01K\x02\x93.", "damaged"),
        (b"\x80\x02cos", "damaged at byte"),
        (b"\x80\x02X\xff\xff\xff\xffa.", "damaged"),
        (b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fa.", "damaged"),
        (b"\x80\x02X\x01\0\0\0\xff.", "damaged"),
        (b"\x80\x02\x8b\xff\xff\xff\xff.", "damaged"),
        (b"\x80\x02\x8b\x00\x00\x01\x00" + bytes(65536) + b".", "damaged"),
        (b"", "damaged at byte 0"),
        (b"\x80\x02K\x01", "damaged"),
        # Keys that take forever to hash, or are no keys.
        (b"\x80\x02}]K\x01s.", "a key in it is a list"),
        (b"\x80\x02}}K\x01s.", "a key in it is a dict"),
        (b"\x80\x04\x8f(]\x90.", "a key in it is a list"),
        (b"\x80\x04(}\x91.", "a key in it is a dict"),
        (b"\x80\x02" + TUPLE_BOMB + b"}2h\x3cK\x01s.", "more objects than it spells out"),
        (b"\x80\x02" + b")" + b"\x85" * 5000 + b"}2\x30h\x00K\x01s.", "damaged"),
        (b"\x80\x02}" + b")" + b"\x85" * 5000 + b"K\x01s.", "damaged"),
        # The same list made a set over and over: quadratic in time and memory.
        (
            b"\x80\x02c__builtin__\nset\nq\x00](" + b"K\x01" * 2000 + b"e\x85q\x01"
            + b"h\x00h\x01R" * 2000 + b".",
            "more objects than it spells out",
        ),
        (
            b"\x80\x02c_codecs\nencode\nq\x00X\xd0\x07\0\0" + b"x" * 2000
            + b"X\x06\0\0\0latin1\x86q\x01" + b"h\x00h\x01R" * 2000 + b".",
            "more objects than it spells out",
        ),
        (b"\x80\x02c_codecs\nencode\nX\x01\0\0\0xX\x05\0\0\0rot13\x86R.", "damaged"),
    ],
)  # fmt: skip
def test_programs_that_no_pickler_writes_are_refused(program, message, untouched):
    with pytest.raises(pickle.UnpicklingError, match=message):
        loaded(archive(program))


def test_a_list_of_lists_of_the_same_lists_takes_no_time():
    content = loaded(archive(b"\x80\x02" + MEMO_BOMB + b"."))
    assert len(content) == 10
    assert content[0] is content[9]


def test_a_list_as_deep_as_the_file_is_long_is_read():
    deep = loaded(archive(b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."))
    assert len(deep) == 1
    while deep:  # Freed from the outside: nested as deep as that, some Pythons free recursively.
        deep = deep.pop()


# Tensors that reach out of their storage.


@pytest.mark.parametrize(
    ("offset", "shape", "strides", "message"),
    [
        (0, (7,), (1,), r"shape \(7,\), .* does not lie inside its storage of 6 elements"),
        (1, (6,), (1,), "does not lie inside"),
        (6, (), (), "does not lie inside"),
        (0, (2, 3), (4, 1), "does not lie inside"),
        (0, (2,), (6,), "does not lie inside"),
        (0, (2**62, 2), (2**62, 1), "does not lie inside"),
        (0, (2**40, 2**40), (0, 0), "does not lie inside"),
        (2**63, (1,), (1,), "does not lie inside"),
        (-1, (2,), (1,), "damaged"),
        (0, (-1,), (1,), "damaged"),
        (3, (2,), (-1,), "damaged"),
        (0, (2, 3), (1,), "damaged"),
        (0, (1,) * 65, (1,) * 65, "damaged"),
        (0, (0, 2**62, 2**62), (1, 1, 1), "damaged"),
        (0, [6], (1,), "damaged"),
        (0, (6,), [1], "damaged"),
        (0, (6.0,), (1,), "damaged"),
        (True, (5,), (1,), "damaged"),
        ("0", (5,), (1,), "damaged"),
        (None, (5,), (1,), "damaged"),
    ],
)
def test_tensors_lie_inside_their_storage(offset, shape, strides, message):
    content = saved(view("0", "float32", 6, offset, shape, strides), X)
    with pytest.raises(pickle.UnpicklingError, match=message):
        loaded(content)


FLOATS = Storage("0", "FloatStorage", 6)


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (FLOATS, pickle.UnpicklingError, "a bare storage among its data"),
        (rebuilt(1, 0, (6,), (1,), False, ORDERED), pickle.UnpicklingError, "damaged"),
        (rebuilt(FLOATS, 0, (6,), (1,), 1, ORDERED), pickle.UnpicklingError, "damaged"),
        (rebuilt(FLOATS, 0, (6,), (1,), False, [1]), pickle.UnpicklingError, "backward hooks"),
        (
            rebuilt(FLOATS, 0, (6,), (1,), False, ORDERED, {"neg": True}),
            pickle.UnpicklingError,
            "attributes {'neg': True}",
        ),
        (rebuilt(FLOATS, 0), pickle.UnpicklingError, "damaged"),
        (
            rebuilt(Storage("0", "LongStorage", 3), 0, (3,), (1,), True, ORDERED),
            pickle.UnpicklingError,
            "damaged",
        ),
        (
            Call("torch._utils", "_rebuild_parameter", 1, True, ORDERED),
            pickle.UnpicklingError,
            "damaged",
        ),
        (
            [tensor(X), view("0", "int32", 6, 0, (6,), (1,))],
            pickle.UnpicklingError,
            "storage '0' is used as two different ones",
        ),
        (
            Call("torch._utils", "_rebuild_tensor_v3", FLOATS, 0, (6,), (1,), False, ORDERED, 1),
            pickle.UnpicklingError,
            "damaged",
        ),
        (view("1", "float32", 6, 0, (6,), (1,)), RuntimeError, "record 'data/1' is missing"),
        (view("../x", "float32", 6, 0, (6,), (1,)), RuntimeError, "'data/../x' is missing"),
        (view("0", "float32", 5, 0, (5,), (1,)), RuntimeError, "has 24 bytes; 20 are needed"),
        (view("0", "float32", 2**60, 0, (5,), (1,)), RuntimeError, "has 24 bytes"),
        (view("0", "float32", -6, 0, (5,), (1,)), pickle.UnpicklingError, "damaged"),
        (view(0, "float32", 6, 0, (5,), (1,)), pickle.UnpicklingError, "damaged"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(content, error, message):
    with pytest.raises(error, match=message):
        loaded(saved(content, X))


# Archives that are damaged, or are something else.

GOOD = saved({"x": tensor(X)}, X)


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD[:-30], "begins like a zip archive.*its writing or copying was cut off"),
        (GOOD[: len(GOOD) // 2], "cut off"),
        (saved(tensor(X), X, compression=8), r"'(byteorder|data\.pkl)' is compressed"),
        (patched(GOOD, "method", 8), "'data/0' is compressed"),
        (patched(GOOD, "size", 2**31), "'data/0' is compressed"),
        (patched(patched(GOOD, "size", 2**31), "compressed", 2**31), "has 2147483648 bytes; 24"),
        (patched(GOOD, "place", 5), "'data/0' is damaged"),
        (saved(tensor(X), X, byteorder=b"middle"), "byte order b'middle' is unknown"),
        (archive(b".", root="x").replace(b"data.pkl", b"data.npy"), "torch.save did not write it"),
        (
            archive(b".").replace(b"archive/version", b"archive/constants.pkl"[:15]),
            "damaged",
        ),
    ],
)
def test_damaged_archives(content, message, mmap, tmp_path):
    path = tmp_path / "file.pt"
    path.write_bytes(content)
    with pytest.raises((RuntimeError, pickle.UnpicklingError), match=message) as caught:
        tg.load(path, mmap=mmap)
    assert str(path) in str(caught.value)


def test_a_wrong_checksum_is_noticed_unless_memory_is_mapped(tmp_path):
    path = tmp_path / "file.pt"
    path.write_bytes(GOOD.replace(X.tobytes(), (X + 1).tobytes()))
    with pytest.raises(RuntimeError, match=r"'data/0' is damaged \(Bad CRC-32.*mmap=True"):
        tg.load(path)
    assert tg.load(path, mmap=True)["x"].tolist() == (X + 1).tolist()


def test_a_program_of_torchscript_is_refused():
    buffer = io.BytesIO(archive(b"\x80\x02N."))
    with zipfile.ZipFile(buffer, "a") as file:
        file.writestr("archive/constants.pkl", b"\x80\x02).")
    with pytest.raises(RuntimeError, match="is a TorchScript program, not data"):
        loaded(buffer.getvalue())


def test_records_that_overlap_cannot_fill_the_memory():
    """Many entries of the directory, each with the same megabyte."""
    buffer = io.BytesIO()
    count = 64
    names = [view(str(i), "uint8", 2**20, 0, (2**20,), (1,)) for i in range(count)]
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("archive/data.pkl", pickled(names))
        file.writestr("archive/data/0", bytes(2**20))
        first = file.getinfo("archive/data/0")
        for i in range(1, count):
            other = zipfile.ZipInfo(f"archive/data/{i}")
            for field in ("header_offset", "CRC", "compress_size", "file_size"):
                setattr(other, field, getattr(first, field))
            file.filelist.append(other)
            file.NameToInfo[other.filename] = other
    with pytest.raises(RuntimeError, match=r"is damaged|said to be larger than the file"):
        loaded(buffer.getvalue())


# Mutations: whatever is in the file, the answer is data or one of the two errors.

SEEDS = [
    pickled(
        {
            "model": state_dict(weight=tensor(X), bias=tensor(X[0], "1")),
            "list": [1, 2.5, None, "text", (1, 2, 3, 4), {1, 2}, b"bytes", 2**70],
            "parameter": Call("torch._utils", "_rebuild_parameter", tensor(X, "2"), True, ORDERED),
        },
        protocol,
    )
    for protocol in (2, 4)
]
RECORDS = {"0": X.tobytes(), "1": X[0].tobytes(), "2": X.tobytes()}


def mutated(content, rng):
    result = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 4, 16])):
        place = rng.randrange(len(result))
        match rng.randrange(5):
            case 0:
                result[place] = rng.randrange(256)
            case 1:
                result[place] ^= 1 << rng.randrange(8)
            case 2:
                del result[place : place + rng.randrange(1, 9)]
            case 3:
                result[place:place] = bytes(rng.choices(range(256), k=rng.randrange(1, 9)))
            case 4:
                begin = rng.randrange(len(result))
                result[place:place] = result[begin : begin + rng.randrange(1, 33)]
        if not result:
            break
    return bytes(result)


def outcome(content):
    """What happened to a file; an error that no file may cause is passed on."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # bfloat16; a name twice in the archive
            repr(loaded(content))
    except (pickle.UnpicklingError, RuntimeError) as error:
        return "refused" if str(error).startswith("this file") else str(error)
    return "read"


def test_mutated_pickles_are_read_or_refused(untouched):
    rng = random.Random(0)
    found = Counter(outcome(archive(mutated(rng.choice(SEEDS), rng), RECORDS)) for _ in range(3000))
    assert set(found) == {"read", "refused"}
    assert min(found.values()) > 50


def test_mutated_files_are_read_or_refused(untouched):
    rng = random.Random(1)
    whole = [archive(seed, RECORDS) for seed in SEEDS]
    found = Counter(outcome(mutated(rng.choice(whole), rng)) for _ in range(1500))
    assert set(found) == {"read", "refused"}
    assert min(found.values()) > 10


def test_random_instructions_are_read_or_refused(untouched):
    rng = random.Random(2)
    alphabet = (
        b"(012NKMJG\x88\x89\x8a\x8bX\x8cC]}\x8f)\x85\x86\x87taesu\x90\x91c\x93Rbhjqr\x94Q\x80\x95"
    )
    names = [b"ccollections\nOrderedDict\n", b"c__builtin__\nset\n", b"ctorch\nfloat32\n"]
    for _ in range(3000):
        parts = rng.choices([*(bytes([i]) for i in alphabet), *names], k=rng.randrange(1, 30))
        assert outcome(archive(b"\x80\x02" + b"".join(parts) + b".")) in {"read", "refused"}
