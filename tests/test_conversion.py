"""Tensors of other types, and what scripts say about devices."""

import numpy as np
import pytest

import tinygrad_edu as tg


@pytest.mark.parametrize(
    ("method", "dtype"),
    [
        ("half", tg.float16),
        ("float", tg.float32),
        ("double", tg.float64),
        ("byte", tg.uint8),
        ("char", tg.int8),
        ("short", tg.int16),
        ("int", tg.int32),
        ("long", tg.int64),
        ("bool", tg.bool),
    ],
)
def test_methods_named_after_types(method, dtype):
    x = tg.tensor([0.0, 1.7])
    assert getattr(x, method)().dtype == dtype
    assert x.to(dtype).dtype == dtype


def test_integers_are_rounded_towards_zero():
    assert tg.tensor([1.7, -1.7]).long().tolist() == [1, -1]


def test_conversion_to_the_same_type_is_the_tensor_itself():
    x = tg.ones(2)
    assert x.float() is x
    assert x.to(tg.float32) is x
    assert x.to("cpu") is x
    assert x.cpu() is x
    assert x.astype(np.float32) is x
    assert x.to() is x


def test_to_copies_on_demand():
    x = tg.ones(2)
    for y in (x.to(tg.float32, copy=True), x.to(tg.float32, False, True), x.to("cpu", copy=True)):
        y[0] = 5
    assert x.tolist() == [1.0, 1.0]
    assert x.to(tg.float32, True) is x


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.to(tg.float64),
        lambda x: x.to("float64"),
        lambda x: x.to(float if tg.get_default_dtype() == tg.float64 else np.float64),
        lambda x: x.to("cpu", tg.float64),
        lambda x: x.to(tg.device("cpu"), tg.float64, True),
        lambda x: x.to(dtype=tg.float64, device="cpu", non_blocking=True),
        lambda x: x.to(tg.ones(1, dtype=tg.float64)),
        lambda x: x.to(other=tg.ones(1, dtype=tg.float64)),
        lambda x: x.type(tg.float64),
        lambda x: x.type("torch.DoubleTensor"),
        lambda x: x.type_as(tg.ones(1, dtype=tg.float64)),
        lambda x: x.astype("float64"),
    ],
)
def test_every_way_to_convert_keeps_the_graph(call):
    x = tg.ones(2, requires_grad=True)
    y = call(x)
    assert y.dtype == tg.float64
    y.sum().backward()
    assert x.grad.dtype == tg.float32
    assert x.grad.tolist() == [1.0, 1.0]


def test_to_refuses_what_it_does_not_know():
    with pytest.raises(TypeError, match="'colour'"):
        tg.ones(2).to(colour="red")
    with pytest.raises(TypeError):
        tg.ones(2).to(3)


def test_conversion_to_integers_leaves_the_graph():
    assert not tg.ones(2, requires_grad=True).long().requires_grad


@pytest.mark.filterwarnings("error")
def test_conversion_does_not_warn():
    assert tg.tensor([1e300], dtype=tg.float64).float().item() == float("inf")
    tg.tensor([float("nan")]).long()


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        (tg.float32, "torch.FloatTensor"),
        (tg.float64, "torch.DoubleTensor"),
        (tg.int64, "torch.LongTensor"),
        (tg.bool, "torch.BoolTensor"),
    ],
    ids=str,
)
def test_type_names_the_type_as_pytorch_does(dtype, name):
    assert tg.zeros(1, dtype=dtype).type() == name


def test_device_of_a_tensor():
    x = tg.ones(1)
    assert x.device == tg.device("cpu")
    assert x.device.type == "cpu"
    assert str(x.device) == "cpu"
    assert repr(x.device) == "device(type='cpu')"
    assert not x.is_cuda
    assert x.layout is tg.strided


def test_device_with_an_index():
    assert repr(tg.device("cpu:0")) == "device(type='cpu', index=0)"
    assert str(tg.device("cpu", 0)) == "cpu:0"
    assert len({tg.device("cpu:0"), tg.device("cpu", 0), tg.device("cpu")}) == 2


def test_cuda_is_not_there_and_says_so():
    assert not tg.cuda.is_available()
    assert tg.cuda.device_count() == 0
    with pytest.raises(RuntimeError, match=r"Leave \.cuda\(\) out"):
        tg.ones(1).cuda()
