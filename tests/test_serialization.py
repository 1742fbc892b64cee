"""Saving and loading state dicts."""

import io
import json
import os
import stat
import struct

import numpy as np
import pytest
import safetensors.numpy

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
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
    assert not loaded.requires_grad
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
    assert list(loaded) == sorted(model.state_dict())
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


# What is refused.


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (nn.Linear(2, 2), r"got a Linear\. Write tg\.save\(model\.state_dict\(\), path\)"),
        (tg.ones(2), r'got a Tensor\. Write \{"x": x\}'),
        ([("x", tg.ones(2))], "got a list"),
        ({"lr": 0.1}, r"the entry 'lr' is a float\. Save each state dict in a file of its own"),
        ({"model": {"x": tg.ones(1)}}, "the entry 'model' is a dict"),
        ({"x": np.ones(2)}, "the entry 'x' is a ndarray"),
        ({1: tg.ones(2)}, "the entry 1 is a Tensor"),
    ],
)
def test_only_flat_state_dicts_are_saved(content, message, tmp_path):
    with pytest.raises(TypeError, match=message):
        tg.save(content, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def safetensors_of(dtype, size):
    header = {"x": {"dtype": dtype, "shape": [2], "data_offsets": [0, size]}}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(size)


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
        (b"PK\x03\x04\0\0\x08\x08" + bytes(90), r"a pickle.*safetensors\.torch\.save_file"),
        (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8", "is a pickle, as torch.save writes"),
        (safetensors_of("BF16", 4), "type BF16, which NumPy does not have"),
    ],
)
def test_files_that_cannot_be_loaded(content, message, tmp_path):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(RuntimeError, match=message) as caught:
        tg.load(tmp_path / "file")
    assert str(caught.value).startswith(str(tmp_path / "file"))


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
