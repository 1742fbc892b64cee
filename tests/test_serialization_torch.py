"""PyTorch's checkpoints are read: all types, layouts and containers, and what they share."""

import io
import os
import pickle
import subprocess
import sys
from collections import Counter, OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch_files import (
    ORDERED,
    Call,
    Name,
    Storage,
    archive,
    pickled,
    rebuilt,
    saved,
    state_dict,
    tensor,
    view,
)

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def loaded(content, **options):
    return tg.load(io.BytesIO(content), **options)


# What is read.


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_state_dict_is_read_in_every_protocol(protocol):
    content = loaded(saved(state_dict(weight=tensor(X)), X, protocol=protocol))
    assert type(content) is OrderedDict
    assert content._metadata == {"": {"version": 1}}
    np.testing.assert_array_equal(content["weight"].array, X)
    assert not content["weight"].requires_grad


@pytest.mark.parametrize("protocol", [2, 4])
def test_nested_content_is_read(protocol):
    content = {
        "model": state_dict(weight=tensor(X)),
        "optimizer": {
            "state": {0: {"step": 3, "exp_avg": tensor(X, "1")}},
            "param_groups": [{"lr": 0.1}],
        },
        "epoch": 3,
        "plain": [None, True, False, -1, 255, 65535, 2**31, 2**100, 1.5, "ä", "x" * 300, (), (1,)],
        "tuples": ((1, 2), (1, 2, 3), (1, 2, 3, 4)),
        "empty": [[], {}, ()],
        "dtype": Name("torch", "float16"),
        "device": Call("torch", "device", "cuda", 0),
        "size": Call("torch", "Size", (2, 3)),
        "counter": Call("collections", "Counter", {2: 1, 5: 2}),
    }
    result = loaded(saved(content, X, X * 2, protocol=protocol))
    assert result["plain"] == content["plain"]
    assert result["tuples"] == content["tuples"]
    assert result["optimizer"]["param_groups"] == [{"lr": 0.1}]
    assert result["optimizer"]["state"][0]["step"] == 3
    np.testing.assert_array_equal(result["optimizer"]["state"][0]["exp_avg"].array, X * 2)
    assert result["empty"] == [[], {}, ()]
    assert (result["dtype"], result["size"]) == (tg.float16, (2, 3))
    assert result["device"] == tg.device("cpu")
    assert result["counter"] == Counter({2: 1, 5: 2})
    assert type(result["counter"]) is Counter


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_sets_and_bytes_are_read_as_each_protocol_writes_them(protocol):
    content = {"set": {1, "a"}, "frozen": frozenset({(1, 2)}), "bytes": b"\0\xff", "none": b""}
    assert loaded(archive(pickle.dumps(content, protocol))) == content


def test_what_occurs_twice_is_one_object():
    part = [1]
    first, second = loaded(archive(pickled([part, part])))
    assert first is second


def test_a_list_that_contains_itself_is_read():
    content = []
    content.append(content)
    result = loaded(archive(pickled(content)))
    assert result[0] is result


@pytest.mark.parametrize(
    "dtype",
    ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"],
)
@pytest.mark.parametrize("order", ["little", "big"])
def test_all_types_are_read_in_both_byte_orders(dtype, order):
    array = np.array([[0, 1, 2], [3, 100, -1]]).astype(dtype)
    sign = "<" if order == "little" else ">"
    stored = array.astype(array.dtype.newbyteorder(sign))
    content = loaded(saved(tensor(array), stored, byteorder=order.encode()))
    assert (content.dtype, content.dtype.isnative) == (np.dtype(dtype), True)
    np.testing.assert_array_equal(content.array, array)
    content.zero_()  # it is free to be changed


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "uint64", "float32"])
@pytest.mark.parametrize("sign", "<>")
def test_types_without_a_storage_class_are_read(dtype, sign):
    array = np.array([1, 2, 3], dtype)
    storage = Storage("0", "UntypedStorage", array.nbytes)
    content = Call(
        "torch._utils", "_rebuild_tensor_v3",
        storage, 1, (2,), (1,), False, ORDERED, Name("torch", dtype),
    )  # fmt: skip
    stored = array.astype(array.dtype.newbyteorder(sign))
    order = {"<": b"little", ">": b"big"}[sign]
    result = loaded(saved(content, stored, byteorder=order))
    assert (result.dtype, result.tolist()) == (np.dtype(dtype), [2, 3])


def test_a_file_without_a_byte_order_is_little_endian():
    content = loaded(saved(tensor(X), X.astype("<f4"), byteorder=None))
    np.testing.assert_array_equal(content.array, X)


@pytest.mark.parametrize("order", ["little", "big"])
def test_bfloat16_becomes_float32_with_a_warning(order):
    upper = np.array([1.0, -2.5, np.inf], np.float32).view(np.uint32) >> 16
    stored = upper.astype("<u2" if order == "little" else ">u2")
    content = saved(
        view("0", "BFloat16Storage", 3, 0, (3,), (1,)), stored, byteorder=order.encode()
    )
    with pytest.warns(UserWarning, match="bfloat16 numbers") as caught:
        result = loaded(content)
    assert (result.dtype, result.tolist()) == (tg.float32, [1.0, -2.5, np.inf])
    assert caught[0].filename == __file__


@given(data=st.data())
def test_views_are_read_as_numpy_sees_them(data):
    base = np.arange(60, dtype=np.float64)
    array = base[data.draw(st.integers(0, 20)) :][:24].reshape(2, 3, 4)
    array = array.transpose(data.draw(st.permutations(range(3))))
    for dim in range(3):
        start = data.draw(st.integers(0, array.shape[dim]))
        array = array[(slice(None),) * dim + (slice(start, None, data.draw(st.integers(1, 2))),)]
    if data.draw(st.booleans()):
        array = np.broadcast_to(array, (2, *array.shape))
    offset = (array.__array_interface__["data"][0] - base.ctypes.data) // 8 if array.size else 0
    strides = tuple(step // 8 for step in array.strides)
    content = loaded(saved(view("0", "float64", 60, offset, array.shape, strides), base))
    assert content.shape == array.shape
    np.testing.assert_array_equal(content.array, array)
    if content.array.size:
        assert content.array.strides == array.strides


def test_a_number_without_dimensions_and_a_tensor_without_elements():
    number, empty = loaded(
        saved(
            [tensor(np.float32(2.5).reshape(())), tensor(np.zeros((0, 3), "f4"), "1")], X[0, 0], []
        )
    )
    assert (number.shape, empty.shape) == ((), (0, 3))


def test_tensors_on_one_storage_share_their_memory_and_its_version():
    base = view("0", "float32", 6, 0, (2, 3), (3, 1))
    first, second = loaded(saved([base, view("0", "float32", 6, 3, (3,), (1,))], X))
    leaf = tg.ones(2, 3, requires_grad=True)
    product = leaf * first
    second.zero_()
    assert first[1].tolist() == [0, 0, 0]
    with pytest.raises(RuntimeError, match="changed by an in-place operation"):
        product.sum().backward()


def test_elements_that_are_one_place_in_memory_cannot_be_written_to():
    content = loaded(saved(view("0", "float32", 1, 0, (2, 3), (0, 0)), X[0, :1]))
    assert content.tolist() == [[0.0] * 3] * 2
    with pytest.raises(RuntimeError, match="cannot be written to"):
        content.add_(1)


def test_parameters_and_the_wish_for_a_gradient_are_read():
    parameter = Call("torch._utils", "_rebuild_parameter", tensor(X), True, ORDERED)
    frozen = Call("torch._utils", "_rebuild_parameter", tensor(X, "1"), False, ORDERED)
    content = loaded(saved([parameter, frozen, tensor(X, "2", requires_grad=True)], X, X, X))
    assert [type(x) for x in content] == [nn.Parameter, nn.Parameter, tg.Tensor]
    assert [x.requires_grad for x in content] == [True, False, True]


def test_numbers_that_were_on_another_device_are_on_the_cpu():
    content = rebuilt(Storage("0", "FloatStorage", 6, "cuda:0"), 0, (6,), (1,), False, ORDERED)
    assert loaded(saved(content, X)).tolist() == list(range(6))


def test_memory_mapped_archives_are_not_changed(tmp_path):
    path = tmp_path / "file.pt"
    path.write_bytes(saved([tensor(X), tensor(np.zeros(0, "f4"), "1")], X, []))
    content = tg.load(path, mmap=True)
    np.testing.assert_array_equal(content[0].array, X)
    content[0].zero_()
    np.testing.assert_array_equal(tg.load(path, mmap=True)[0].array, X)


def test_a_model_and_its_optimizer_go_on_from_a_checkpoint_of_pytorch():
    weight, moment = np.full((1, 2), 0.5, "f4"), np.full((1, 2), 0.25, "f4")
    content = {
        "model": state_dict(weight=tensor(weight)),
        "optimizer": {
            "state": {0: {"momentum_buffer": tensor(moment, "1")}},
            "param_groups": [
                {
                    "lr": 0.1, "momentum": 0.9, "dampening": 0, "weight_decay": 0,
                    "nesterov": False, "maximize": False, "foreach": None, "fused": None,
                    "params": [0],
                }
            ],
        },
        "epoch": 7,
    }  # fmt: skip
    checkpoint = loaded(saved(content, weight, moment), weights_only=True)
    layer = nn.Linear(2, 1, bias=False)
    optimizer = optim.SGD(layer.parameters(), lr=1.0, momentum=0.5)
    assert str(layer.load_state_dict(checkpoint["model"])) == "<All keys matched successfully>"
    optimizer.load_state_dict(checkpoint["optimizer"])
    layer(tg.ones(1, 2)).sum().backward()
    optimizer.step()
    np.testing.assert_allclose(layer.weight.detach().numpy(), 0.5 - 0.1 * (0.9 * 0.25 + 1))


def test_what_was_read_can_be_saved(tmp_path):
    content = loaded(saved({"model": state_dict(weight=tensor(X)), "epoch": 3}, X))
    tg.save(content, tmp_path / "file")
    assert str(tg.load(tmp_path / "file")) == str(content)


# PyTorch itself.

TORCH = """
import collections, sys, torch
folder = sys.argv[1]
torch.manual_seed(0)
nn = torch.nn
model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.BatchNorm1d(4), nn.Linear(4, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 2, 2])
x = torch.randn(5, 3)
def step():
    optimizer.zero_grad()
    model(x).square().sum().backward()
    optimizer.step()
step()
base = torch.arange(24.0).reshape(4, 6)
content = {
    "model": model.state_dict(), "optimizer": optimizer.state_dict(),
    "scheduler": scheduler.state_dict(), "epoch": 3, "size": base.shape, "dtype": torch.float64,
    "device": torch.device("cpu"), "sets": [{1}, frozenset({2})], "bytes": b"\\xff", "big": 2**80,
    "parameter": torch.nn.Parameter(torch.ones(2)), "x": x,
    "views": [base, base.T, base[1], base[::2, 1::2], torch.ones(3, 1).expand(3, 4),
              torch.zeros(0, 3), torch.tensor(2.5)],
    "types": {str(t): torch.tensor([0, 1, 2]).to(t) for t in (
        torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32,
        torch.int16, torch.int8, torch.uint8, torch.bool, torch.uint16, torch.uint32)},
}
for protocol in (2, 3, 4, 5):
    torch.save(content, f"{folder}/protocol {protocol}.pt", pickle_protocol=protocol)
step()
torch.save(model.state_dict(), f"{folder}/after.pt")
torch.save(model, f"{folder}/module.pt")
torch.save(model.state_dict(), f"{folder}/old.pt", _use_new_zipfile_serialization=False)
"""


@pytest.mark.torch
def test_files_that_pytorch_wrote(tmp_path):
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    subprocess.run([sys.executable, "-c", TORCH, tmp_path], check=True, env=environment)
    for protocol in (2, 3, 4, 5):
        with pytest.warns(UserWarning, match="bfloat16"):
            content = tg.load(tmp_path / f"protocol {protocol}.pt")
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.BatchNorm1d(4), nn.Linear(4, 2))
        optimizer = optim.Adam(model.parameters())
        model.load_state_dict(content["model"])
        optimizer.load_state_dict(content["optimizer"])
        model(content["x"]).square().sum().backward()
        optimizer.step()
        after = tg.load(tmp_path / "after.pt")
        for name, values in model.state_dict().items():
            np.testing.assert_allclose(values.array, after[name].array, rtol=1e-4, atol=1e-6)
        base = np.arange(24.0).reshape(4, 6)
        views = [base, base.T, base[1], base[::2, 1::2], np.ones((3, 4)), np.zeros((0, 3)), 2.5]
        for tensor_read, expected in zip(content["views"], views, strict=True):
            np.testing.assert_array_equal(tensor_read.array, expected)
        for name, values in content["types"].items():
            assert values.dtype.name == name[6:].replace("bfloat16", "float32")
            assert values.tolist() == ([False, True, True] if "bool" in name else [0, 1, 2])
        assert (content["size"], content["dtype"]) == ((4, 6), tg.float64)
        assert content["scheduler"]["milestones"] == Counter({1: 1, 2: 2})
        assert (content["sets"], content["bytes"], content["big"]) == ([{1}, {2}], b"\xff", 2**80)
        assert type(content["parameter"]) is nn.Parameter
    with pytest.raises(pickle.UnpicklingError, match=r"torch\.nn\.modules\.container\.Sequential"):
        tg.load(tmp_path / "module.pt")
    with pytest.raises(RuntimeError, match=r"before PyTorch 1\.6"):
        tg.load(tmp_path / "old.pt")
