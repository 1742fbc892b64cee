"""Saving and loading: state dicts, nested content, what is refused, how files are written."""

import io
import json
import math
import os
import stat
import struct
import subprocess
import sys
from collections import Counter, OrderedDict, defaultdict
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import safetensors.numpy

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim
from tinygrad_edu.serialization import write_whole

TENSORS = {
    "float32": tg.tensor([1.5, -2.0]),
    "float64": tg.tensor([[1e300]], dtype=tg.float64),
    "float16": tg.tensor([0.5], dtype=tg.float16),
    "int64": tg.arange(3),
    "int8": tg.tensor([-128, 127], dtype=tg.int8),
    "uint8": tg.tensor([255], dtype=tg.uint8),
    "bool": tg.tensor([True, False]),
    "scalar": tg.tensor(3.5),
    "counter": tg.tensor(7),
    "empty": tg.zeros(0, 3),
    "transposed": tg.arange(6).reshape(2, 3).T,
    "strided": tg.arange(10)[::3],
    "reversed": tg.flip(tg.arange(4), [0]),
    "expanded": tg.ones(3).expand(2, 3),
    "special": tg.tensor([float("nan"), float("inf"), -0.0]),
    "requires grad": tg.ones(2, requires_grad=True),
    "computed": tg.ones(2, requires_grad=True) * 2,
    "名前 with spaces.and.dots": tg.ones(1),
}


@pytest.mark.parametrize("name", TENSORS)
def test_values_shape_and_type_come_back(name, tmp_path):
    tensor = TENSORS[name]
    tg.save({name: tensor}, tmp_path / "file")
    ((loaded_name, loaded),) = tg.load(tmp_path / "file").items()
    assert loaded_name == name
    assert (loaded.shape, loaded.dtype) == (tensor.shape, tensor.dtype)
    np.testing.assert_array_equal(loaded.array, tensor.array)
    assert (loaded.requires_grad, loaded.is_leaf) == (tensor.requires_grad, True)
    loaded.array[...] = 0  # it is free to be changed


def test_a_model_comes_back(tmp_path):
    def make():
        return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))

    model, other = make(), make()
    model(tg.rand(5, 3))
    tg.save(model.state_dict(), tmp_path / "model.safetensors")
    other.load_state_dict(tg.load(tmp_path / "model.safetensors"))
    model.eval(), other.eval()
    x = tg.rand(2, 3)
    assert tg.equal(model(x), other(x))


def test_tensors_that_share_memory_are_written_each_on_its_own(tmp_path):
    tied = nn.Linear(2, 2)
    model = nn.Sequential(tied, tied)
    tg.save(model.state_dict(), tmp_path / "file")
    loaded = tg.load(tmp_path / "file")
    assert list(loaded) == list(model.state_dict())
    loaded["0.weight"].array[...] = 0
    assert tg.equal(loaded["1.weight"], tied.weight)


def test_an_empty_state_dict(tmp_path):
    tg.save({}, tmp_path / "file")
    assert tg.load(tmp_path / "file") == {}


def test_the_format_is_safetensors(tmp_path):
    tg.save({"x": tg.ones(2)}, tmp_path / "file")
    loaded = safetensors.numpy.load_file(tmp_path / "file")
    assert loaded["x"].tolist() == [1.0, 1.0]


def test_open_files_take_the_place_of_paths(tmp_path):
    buffer = io.BytesIO()
    tg.save({"x": tg.ones(2)}, buffer)
    buffer.seek(0)
    assert tg.load(buffer)["x"].tolist() == [1.0, 1.0]
    (tmp_path / "file").write_bytes(buffer.getvalue())
    with open(tmp_path / "file", "rb") as file:
        assert tg.load(file, map_location="cpu", weights_only=True)["x"].tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError, match="computes on the CPU"):
        tg.load(tmp_path / "file", map_location="cuda:0")


# Nested content.


def checkpoint():
    """A checkpoint as people write them, after two steps of training."""
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    for _ in range(2):
        optimizer.zero_grad()
        model(tg.rand(5, 3)).square().sum().backward()
        optimizer.step()
    return model, optimizer


def test_training_continues_from_a_checkpoint_as_if_it_had_not_stopped(tmp_path):
    model, optimizer = checkpoint()
    content = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": 3,
        "loss": 0.1,
        "random": tg.get_rng_state(),
    }
    tg.save(content, tmp_path / "checkpoint.pt")
    other, other_optimizer = checkpoint()
    loaded = tg.load(tmp_path / "checkpoint.pt")
    other.load_state_dict(loaded["model"])
    other_optimizer.load_state_dict(loaded["optimizer"])
    assert (loaded["epoch"], loaded["loss"]) == (3, 0.1)
    results = []
    for net, step in ((model, optimizer), (other, other_optimizer)):
        tg.set_rng_state(loaded["random"])
        step.zero_grad()
        net(tg.rand(5, 3)).square().sum().backward()
        step.step()
        results.append(net.state_dict())
    assert all(tg.equal(results[0][key], results[1][key]) for key in results[0])


PLAIN = [
    None,
    True,
    -3,
    2**100,
    0.1,
    -0.0,
    5e-324,
    float("inf"),
    "",
    "lone \ud800 surrogate",
    b"\0\xff",
    (1, (2, ()), []),
    {"list": [1, [2.0, None]], 0: "int", None: 1, (1, "x"): 2, 0.5: 3, "": False},
    {1, 2},
    frozenset({"a"}),
    OrderedDict(b=1, a=2),
    Counter("abracadabra"),
    tg.float16,
    tg.device("cpu"),
    {},
]


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_data_comes_back_with_its_types(value, tmp_path):
    tg.save({"value": value}, tmp_path / "file")
    loaded = tg.load(tmp_path / "file")["value"]
    assert (type(loaded), repr(loaded)) == (type(value), repr(value))
    tg.save(value, tmp_path / "file")
    assert repr(tg.load(tmp_path / "file")) == repr(value)


def test_nan_comes_back(tmp_path):
    tg.save([float("nan")], tmp_path / "file")
    assert math.isnan(tg.load(tmp_path / "file")[0])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_every_bit_of_a_nan_comes_back(dtype, tmp_path):
    size = np.dtype(dtype).itemsize
    bits = np.frombuffer(b"".join((b"\1" * (size - 2) + b"\x03\xff", b"\xff" * size)), f"u{size}")
    tg.save(tg.from_numpy(bits.copy().view(dtype)), tmp_path / "file")
    np.testing.assert_array_equal(tg.load(tmp_path / "file").array.view(bits.dtype), bits)


def test_parameters_and_the_wish_for_a_gradient_come_back(tmp_path):
    content = [
        nn.Parameter(tg.ones(2)),
        nn.Parameter(tg.ones(2), requires_grad=False),
        tg.ones(2, requires_grad=True) * 2,
        nn.Buffer(tg.ones(2)),
    ]
    tg.save(content, tmp_path / "file")
    loaded = tg.load(tmp_path / "file")
    assert [type(x) for x in loaded] == [nn.Parameter, nn.Parameter, tg.Tensor, tg.Tensor]
    assert [x.requires_grad for x in loaded] == [True, False, True, False]
    assert all(x.is_leaf for x in loaded)


def test_numpy_arrays_and_numbers_come_back(tmp_path):
    content = {
        "loss": np.float64(0.1),
        "flag": np.bool_(True),
        "array": np.arange(6).reshape(2, 3).T,
    }
    tg.save(content, tmp_path / "file")
    loaded = tg.load(tmp_path / "file")
    assert {key: type(value) for key, value in loaded.items()} == {
        key: type(value) for key, value in content.items()
    }
    assert (loaded["loss"], loaded["flag"]) == (0.1, True)
    np.testing.assert_array_equal(loaded["array"], content["array"])


def test_other_byte_orders_are_written_as_this_machine_has_them(tmp_path):
    tg.save(np.array([1.0, 2.0], ">f4"), tmp_path / "file")
    loaded = tg.load(tmp_path / "file")
    assert (loaded.tolist(), loaded.dtype.isnative) == ([1.0, 2.0], True)


def test_a_state_dict_keeps_its_order_and_the_versions_of_its_modules(tmp_path):
    state = checkpoint()[0].state_dict()
    tg.save({"model": state}, tmp_path / "file")
    loaded = tg.load(tmp_path / "file")["model"]
    assert type(loaded) is OrderedDict
    assert list(loaded) == list(state)
    assert loaded._metadata == state._metadata


def test_tensors_in_the_file_have_the_names_of_their_places(tmp_path):
    model, optimizer = checkpoint()
    content = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    tg.save(content, tmp_path / "file")
    names = set(safetensors.numpy.load_file(tmp_path / "file"))
    assert {"model.0.weight", "optimizer.state.0.exp_avg"} <= names


def test_names_that_meet_are_told_apart(tmp_path):
    content = {
        "a": {"b": tg.tensor(1)},
        "a.b": tg.tensor(2),
        "__metadata__": tg.tensor(3),
        "": tg.tensor(4),
        1: tg.tensor(5),
        "1": tg.tensor(6),
        "\ud800": tg.tensor(7),
    }
    tg.save(content, tmp_path / "file")
    assert str(tg.load(tmp_path / "file")) == str(content)


def test_the_same_content_makes_the_same_file():
    def file():
        buffer = io.BytesIO()
        tg.save({"names": {f"name {i}" for i in range(50)}, "x": tg.ones(2)}, buffer)
        return buffer.getvalue()

    script = (
        "import io, sys, tinygrad_edu as tg; b = io.BytesIO();"
        "tg.save({'names': {f'name {i}' for i in range(50)}, 'x': tg.ones(2)}, b);"
        "sys.stdout.buffer.write(b.getvalue())"
    )
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert other.stdout == file()


# What is refused.


class Point(NamedTuple):
    x: int


@dataclass
class Options:
    lr: float = 0.1


class Color(IntEnum):
    RED = 1


class Odd(tg.Tensor):
    pass


def recursive():
    content = {}
    content["self"] = [content]
    return content


def deep(levels):
    content = []
    for _ in range(levels):
        content = [content]
    return content


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (nn.Linear(2, 2), TypeError, r"obj is a Linear, .* Save its state: `x\.state_dict\(\)`"),
        ({"model": nn.Linear(2, 2)}, TypeError, r'obj\["model"\] is a Linear'),
        ({"a": [1, (print,)]}, TypeError, r'obj\["a"\]\[1\]\[0\] is print, and functions'),
        ({"a": {3: nn.ReLU}}, TypeError, r'obj\["a"\]\[3\] is ReLU, and functions and classes'),
        ({"a": lambda: 0}, TypeError, r"is .*<lambda>, and functions"),
        ({"a": defaultdict(list)}, TypeError, r"a defaultdict, .* Save `dict\(x\)`"),
        ({"a": Point(1)}, TypeError, r"a Point, .* Save `x\._asdict\(\)`"),
        ({"a": Options()}, TypeError, r"an Options, .* Save `dataclasses\.asdict\(x\)`"),
        ({"a": Path("x")}, TypeError, r"a PosixPath, .* Save `str\(x\)`"),
        ({"a": Color.RED}, TypeError, r"a Color, .* Save `x\.value`"),
        ({"a": tg.Generator()}, TypeError, r"a Generator, .* Save its state: `x\.get_state\(\)`"),
        ({"a": object()}, TypeError, r"an object, which is not plain data\. Save what it consists"),
        ({"a": 1j}, TypeError, "a complex, which is not plain data"),
        ({tg.ones(1): 1}, TypeError, r"a key of obj is a Tensor; use its name"),
        ({object: 1}, TypeError, "the key <class 'object'> of obj is object"),
        ({"a": np.array(["x"])}, TypeError, r'obj\["a"\] cannot be saved\. Tensors hold booleans'),
        ({"a": np.complex64(1)}, TypeError, "cannot be saved"),
        ({"a": Odd([1.0])}, TypeError, r"an? Odd, a tensor of a class of its own.*x\.detach\(\)"),
        (recursive(), ValueError, r'obj\["self"\]\[0\] contains itself'),
        (deep(200), ValueError, r"\[0\] lies more than 100 levels deep"),
    ],
)
def test_what_is_no_data_is_refused_with_its_place(content, error, message, tmp_path):
    with pytest.raises(error, match=message):
        tg.save(content, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_as_many_levels_as_can_be_written_can_be_read(tmp_path):
    tg.save(deep(99), tmp_path / "file")
    assert tg.load(tmp_path / "file") == deep(99)


def test_the_arguments_are_checked(tmp_path):
    with pytest.raises(
        TypeError, match=r"f is a path .* got dict\. The order is save\(content, path\)"
    ):
        tg.save(tmp_path / "file", {"x": tg.ones(1)})
    with pytest.raises(TypeError, match="open for reading; got int"):
        tg.load(3)
    with pytest.raises(TypeError, match='open\\(path, "rb"\\)'):
        tg.load(io.StringIO("text"))
    with pytest.raises(ValueError, match="pickle_module is not supported"):
        tg.load(tmp_path / "file", None, io)
    with pytest.raises(ValueError, match="mmap=True needs the path"):
        tg.load(io.BytesIO(), mmap=True)


@pytest.mark.parametrize(
    "location",
    [None, "cpu", tg.device("cpu"), {"cuda:0": "cpu"}, lambda storage, location: storage],
)
def test_everything_is_loaded_to_the_cpu(location):
    buffer = io.BytesIO()
    tg.save(tg.ones(2), buffer)
    buffer.seek(0)
    assert tg.load(buffer, location, weights_only=False).device == tg.device("cpu")


def test_memory_mapped_files_are_not_changed(tmp_path):
    content = {"x": tg.arange(3), "empty": tg.zeros(0), "flag": tg.tensor([True]), "n": 1}
    tg.save(content, tmp_path / "file")
    loaded = tg.load(tmp_path / "file", mmap=True)
    assert str(loaded) == str(content)
    loaded["x"] += 1
    assert tg.load(str(tmp_path / "file"), mmap=True)["x"].tolist() == [0, 1, 2]
    tg.save({"empty": tg.zeros(0)}, tmp_path / "empty")
    assert tg.load(tmp_path / "empty", mmap=True)["empty"].shape == (0,)


def safetensors_of(dtype, size):
    header = {"x": {"dtype": dtype, "shape": [2], "data_offsets": [0, size]}}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(size)


def described(text):
    return safetensors.numpy.save({"x": np.ones(2)}, metadata={"tinygrad_edu": text})


WHOLE = safetensors_of("F32", 8)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: its writing was cut off"),
        (WHOLE[:-1], "is not a complete safetensors file"),
        (WHOLE[:20], "is not a complete safetensors file"),
        (WHOLE + b"1", "is not a complete safetensors file"),
        (b"some text\n" * 10, "is not a complete safetensors file"),
        (b"\x80" + bytes(7), "is not a complete safetensors file"),
        (b"PK\x03\x04\0\0\x08\x08" + bytes(90), "like a zip archive.*not a complete one"),
        (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8", r"a pickle or a tar archive.*torch\.save\("),
        (bytes(257) + b"ustar" + bytes(90), "before PyTorch 1\\.6"),
        (safetensors_of("F8_E4M3", 2), "type F8_E4M3, which NumPy does not have"),
        (described("no JSON"), "the description of what its tensors belong to is damaged"),
        (described("[" * 5000), "is damaged"),
        (described('{"content":{"dict":[["x",{"tensor":"y"}]]}}'), "damaged .KeyError: 'y'"),
        (described('{"content":{"new":1}}'), "holds 'new', which this version does not know"),
        (described('{"content":{}}'), "is damaged"),
        (described('{"content":{"dict":[[[1],2]]}}'), "unhashable"),
        (described('{"content":{"dtype":"float32,int8"}}'), "is damaged"),
    ],
)
def test_files_that_cannot_be_loaded(content, message, tmp_path):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(RuntimeError, match=message) as caught:
        tg.load(tmp_path / "file")
    assert str(caught.value).startswith(str(tmp_path / "file"))


def test_bfloat16_becomes_float32_with_a_warning(tmp_path):
    halves = np.array([1.0, -2.5, np.inf], np.float32).view(np.uint16)[1::2]
    content = safetensors_of("BF16", 4)[:-4] + halves[:2].tobytes()
    (tmp_path / "file").write_bytes(content)
    with pytest.warns(UserWarning, match="file holds bfloat16 numbers.*read as float32") as caught:
        loaded = tg.load(tmp_path / "file")["x"]
    assert (loaded.dtype, loaded.tolist()) == (tg.float32, [1.0, -2.5])
    assert caught[0].filename == __file__


def test_bytes_that_are_no_booleans_are_made_some(tmp_path):
    (tmp_path / "file").write_bytes(safetensors_of("BOOL", 2)[:-2] + b"\x02\0")
    assert tg.load(tmp_path / "file")["x"].array.view(np.uint8).tolist() == [1, 0]


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="none"):
        tg.load(tmp_path / "none")
    with pytest.raises(IsADirectoryError):
        tg.load(tmp_path)


# Writing.


def test_a_file_that_cannot_be_written_is_named_as_it_was_asked_for(tmp_path):
    (tmp_path / "file").touch()
    for path, error in (
        (tmp_path / "none" / "x", FileNotFoundError),
        (tmp_path, IsADirectoryError),
        (tmp_path / "file" / "x", NotADirectoryError),
    ):
        with pytest.raises(error) as caught:
            tg.save({"x": tg.ones(1)}, path)
        assert caught.value.filename == str(path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_leaves_the_old_file(tmp_path):
    resource = pytest.importorskip("resource", reason="limits of file sizes are Unix's")
    path = tmp_path / "file"
    tg.save({"x": tg.ones(1)}, path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large") as caught:
            tg.save({"x": tg.ones(1000)}, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.filename == str(path)
    assert tg.load(path)["x"].tolist() == [1.0]
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_interrupts_the_writing_leaves_the_old_file(error, tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(_):
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(type(error)):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_is_replaced_not_overwritten(tmp_path):
    path, other = tmp_path / "file", tmp_path / "hard link"
    path.write_bytes(b"old")
    os.link(path, other)
    write_whole(path, b"new")
    assert (path.read_bytes(), other.read_bytes()) == (b"new", b"old")


def test_permissions_are_those_of_the_old_file_or_of_a_new_one(tmp_path):
    (tmp_path / "usual").touch()
    write_whole(tmp_path / "new", b"x")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode
    (tmp_path / "new").chmod(0o640)
    write_whole(tmp_path / "new", b"y")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "target")
    write_whole(tmp_path / "link", b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "target").read_bytes() == b"x"


def test_a_device_stays_a_device():
    write_whole(os.devnull, b"x")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
