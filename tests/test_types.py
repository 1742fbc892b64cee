"""Tensor types by their older names, limits of types, memory from elsewhere, windows."""

import math
import warnings

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

# Tensor types.

TYPES = {
    "HalfTensor": tg.float16,
    "FloatTensor": tg.float32,
    "DoubleTensor": tg.float64,
    "ByteTensor": tg.uint8,
    "CharTensor": tg.int8,
    "ShortTensor": tg.int16,
    "IntTensor": tg.int32,
    "LongTensor": tg.int64,
    "BoolTensor": tg.bool,
}


@pytest.mark.parametrize("name", TYPES)
def test_a_tensor_type_makes_and_recognizes_tensors(name):
    kind, dtype = getattr(tg, name), TYPES[name]
    assert kind([0, 1]).tolist() == [0, 1]
    assert kind([0, 1]).dtype == kind.dtype == dtype
    assert kind(2, 3).shape == (2, 3)
    assert kind().shape == (0,)
    assert kind(np.array([1.0])).dtype == dtype
    x = tg.zeros(1, dtype=dtype)
    assert isinstance(x, kind)
    assert not isinstance(tg.zeros(1, dtype=tg.int64 if dtype != tg.int64 else tg.int32), kind)
    assert x.type() == tg.typename(x) == f"torch.{name}"
    assert tg.ones(1).type(kind).dtype == tg.ones(1).type(f"torch.{name}").dtype == dtype
    assert name in repr(kind)


def test_a_tensor_type_shares_the_memory_of_its_own_tensors():
    x = tg.zeros(2)
    tg.FloatTensor(x).fill_(1)
    assert x.tolist() == [1, 1]
    assert x._version == 1
    assert tg.LongTensor([1.7]).tolist() == [1]
    assert x.new([1, 2]).dtype == tg.float32
    assert x.new(3).shape == (3,)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tg.FloatTensor(tg.tensor([1])), TypeError, r"a tensor of float32 is expected"),
        (lambda: tg.FloatTensor(2.5), TypeError, r"data must be a sequence; got float"),
        (lambda: tg.FloatTensor([1], [2]), TypeError, r"one sequence of data"),
        (lambda: tg.FloatTensor(-1), RuntimeError, r"cannot be negative"),
        (lambda: tg.ones(1).type("LongTensor"), ValueError, r"invalid type: 'LongTensor'"),
        (lambda: tg.ones(1).type("torch.cuda.LongTensor"), RuntimeError, r"on the CPU"),
        (lambda: tg.set_default_tensor_type(tg.LongTensor), TypeError, r"must be floating"),
    ],
)
def test_what_is_no_tensor_type_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_types_have_several_names():
    for name in ("torch.float64", "float64", tg.float64, "torch.DoubleTensor", tg.DoubleTensor):
        assert tg.ones(1).type(name).dtype == tg.float64
    assert tg.typename([]) == "list"
    assert tg.typename(tg.device("cpu")) == "tinygrad_edu.device.device"


def test_the_default_tensor_type_is_the_default_dtype():
    tg.set_default_tensor_type("torch.DoubleTensor")
    try:
        assert tg.tensor([1.0]).dtype == tg.float64
        assert tg.finfo().bits == 64
    finally:
        tg.set_default_tensor_type(tg.FloatTensor)
    assert tg.tensor([1.0]).dtype == tg.float32


@pytest.mark.parametrize(
    "name", ["bfloat16", "complex64", "cdouble", "BFloat16Tensor", "distributions", "jit"]
)
def test_what_the_package_does_not_have_says_why(name):
    with pytest.raises(AttributeError, match=f"tinygrad_edu has no {name}: "):
        getattr(tg, name)
    assert not hasattr(tg, name)


def test_bfloat16_is_refused():
    with pytest.raises(RuntimeError, match=r"NumPy has no such type"):
        tg.ones(1).bfloat16()


# Limits.


def test_limits_of_floating_types_are_python_numbers():
    limits = tg.finfo(tg.float32)
    assert (limits.bits, limits.dtype) == (32, "float32")
    assert limits.eps == 2**-23
    assert limits.max == -limits.min == (2 - 2**-23) * 2.0**127
    assert limits.tiny == limits.smallest_normal == 2.0**-126
    assert limits.resolution == 1e-6
    assert all(type(getattr(limits, name)) is float for name in ("eps", "max", "min", "tiny"))
    assert repr(limits).startswith("finfo(resolution=1e-06, min=-3.40282e+38")
    mask = tg.tensor([True, False])
    assert tg.zeros(2).masked_fill(mask, limits.min)[0].item() == limits.min


def test_limits_of_integer_types():
    limits = tg.iinfo(tg.uint8)
    assert (limits.min, limits.max, limits.bits, limits.dtype) == (0, 255, 8, "uint8")
    assert repr(limits) == "iinfo(min=0, max=255, dtype=uint8)"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tg.finfo(tg.int32), "tg.iinfo"),
        (lambda: tg.iinfo(tg.float32), "tg.finfo"),
        (lambda: tg.iinfo(tg.bool), "got bool"),
    ],
)
def test_limits_of_another_kind_are_refused(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_results_are_cast_upwards_in_kind_only():
    kinds = [tg.bool, tg.int8, tg.float32]
    assert [[tg.can_cast(a, b) for b in kinds] for a in kinds] == [
        [True, True, True],
        [False, True, True],
        [False, False, True],
    ]
    assert tg.can_cast(tg.int64, tg.uint8)


# Questions.


def test_questions_with_one_answer():
    x = tg.ones(2)
    assert x.is_cpu
    assert x.get_device() == -1
    for name in ("is_meta", "is_sparse", "is_mps", "is_quantized", "is_xpu"):
        assert getattr(x, name) is False
    for question in (tg.is_complex, tg.is_conj, tg.is_neg, tg.is_inference):
        assert question(x) is False
    assert not x.is_shared()
    assert not x.is_pinned()
    assert x.to_dense() is x
    assert x.to_dense(tg.float64).dtype == tg.float64


def test_questions_about_type_and_size():
    x = tg.ones(2, 3)
    assert x.is_signed()
    assert not tg.is_signed(x.bool())
    assert x.is_same_size(tg.zeros(2, 3))
    assert not tg.is_same_size(x, x.t())
    assert (x.ndimension(), x.nelement()) == (2, 6)
    assert tg.is_nonzero(tg.tensor([2]))
    with pytest.raises(RuntimeError, match="ambiguous"):
        tg.is_nonzero(x)


def test_contiguous_in_another_order():
    x = tg.zeros(2, 3, 4, 5)
    assert x.is_contiguous(memory_format=tg.contiguous_format)
    assert not x.is_contiguous(memory_format=tg.channels_last)
    y = x.permute(0, 3, 1, 2)
    assert y.is_contiguous(memory_format=tg.channels_last)
    assert not y.is_contiguous(memory_format=tg.channels_last_3d)


@pytest.mark.parametrize("name", ["pin_memory", "share_memory_"])
def test_what_memory_cannot_do_is_refused(name):
    with pytest.raises(RuntimeError, match=f"^{name}: "):
        getattr(tg.ones(1), name)()


def test_python_functions_of_elements():
    x = tg.tensor([[1, 2], [3, 4]])
    assert x.apply_(lambda v: v * 2) is x
    assert x.map_(tg.tensor([10, 20]), lambda v, w: v + w).tolist() == [[12, 24], [16, 28]]
    assert x._version == 2
    with pytest.raises(RuntimeError, match=r"x.detach\(\).apply_"):
        tg.ones(1, requires_grad=True).apply_(abs)


def test_several_elements_are_no_python_number():
    for kind in (int, float):
        with pytest.raises(ValueError, match=r"one element becomes.*\(2,\)"):
            kind(tg.ones(2))
        assert kind(tg.tensor([2.0])) == 2


def test_only_numbers_and_tensors_are_looked_for():
    x = tg.tensor([1.0, 2.0])
    assert 2 in x
    assert tg.tensor(1.0) in x
    assert 3 not in x
    with pytest.raises(RuntimeError, match="got str"):
        "a" in x  # noqa: B015


# Memory from elsewhere.


def test_a_buffer_is_shared():
    buffer = bytearray(b"\x01\x00\x02\x00\x03\x00")
    x = tg.frombuffer(buffer, dtype=tg.int16)
    buffer[0] = 9
    assert x.tolist() == [9, 2, 3]
    assert tg.frombuffer(buffer, dtype=tg.int16, count=1, offset=2).tolist() == [2]
    with pytest.raises(RuntimeError, match="cannot be written to"):
        tg.frombuffer(b"ab", dtype=tg.uint8).fill_(1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, r"count \(0\) must not be 0"),
        ({"offset": 8}, r"offset \(8 bytes\)"),
        ({"offset": 1}, r"must be a multiple of the element size \(4\)"),
        ({"count": 3}, r"3 elements of 4 bytes do not fit"),
    ],
)
def test_a_buffer_of_another_size_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        tg.frombuffer(bytearray(8), dtype=tg.float32, **options)


def test_a_file_is_read_and_written(tmp_path):
    path = tmp_path / "numbers"
    path.write_bytes(np.arange(4, dtype=np.float32).tobytes())
    private = tg.from_file(str(path), size=2)
    private.fill_(9)
    shared = tg.from_file(str(path), shared=True, size=4)
    assert shared.tolist() == [0, 1, 2, 3]
    shared[0] = 5
    assert tg.from_file(path, size=1).tolist() == [5]


def test_dlpack_goes_both_ways():
    x = tg.arange(3)
    assert np.from_dlpack(x).tolist() == [0, 1, 2]
    y = tg.from_dlpack(x)
    y[0] = 7
    assert x.tolist() == [7, 1, 2]
    assert tg.from_dlpack(np.arange(2), copy=True).tolist() == [0, 1]
    assert type(tg.to_dlpack(x)).__name__ == "PyCapsule"
    assert tg.from_dlpack(tg.to_dlpack(x)).tolist() == x.tolist()
    with pytest.raises(RuntimeError, match="requires grad"):
        tg.to_dlpack(tg.ones(1, requires_grad=True))


def test_memory_in_a_chosen_order():
    assert tg.empty_strided((2, 3), (1, 4)).stride() == (1, 4)
    assert tg.empty_strided((0, 3), (3, 1)).shape == (0, 3)
    assert tg.empty_permuted((2, 3, 4), (2, 0, 1)).dim_order() == (2, 0, 1)
    assert tg.ones(1, dtype=tg.int8).new_empty_strided((2,), (3,)).dtype == tg.int8
    for call in (
        lambda: tg.empty_strided((2, 3), (1,)),
        lambda: tg.empty_strided((2,), (-1,)),
        lambda: tg.empty_permuted((2, 3), (0,)),
    ):
        with pytest.raises(RuntimeError, match=r"equally many|be negative|names each of 2"):
            call()


def test_range_includes_its_end_and_warns():
    with pytest.warns(UserWarning, match="use tg.arange"):
        assert tg.range(1, 2, 0.25).tolist() == [1, 1.25, 1.5, 1.75, 2]
    with warnings.catch_warnings(action="ignore"):
        assert tg.range(2).tolist() == [0, 1, 2]
        assert tg.range(5, 1, -2, dtype=tg.int64).tolist() == [5, 3, 1]
        with pytest.raises(RuntimeError, match="does not lead from 1 to 0"):
            tg.range(1, 0)


# Windows.

WINDOWS = {
    "hann_window": np.hanning,
    "hamming_window": np.hamming,
    "blackman_window": np.blackman,
    "bartlett_window": np.bartlett,
    "kaiser_window": lambda n: np.kaiser(n, 12),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_are_those_of_numpy(name):
    window, reference = getattr(tg, name), WINDOWS[name]
    for n in (1, 2, 5, 8):
        found = window(n, periodic=False, dtype=tg.float64)
        np.testing.assert_allclose(found, reference(n), atol=1e-15)
    # A periodic window is a symmetric one without its last element.
    np.testing.assert_allclose(window(6, dtype=tg.float64), reference(7)[:-1], atol=1e-15)
    assert window(0).shape == (0,)
    assert window(3, requires_grad=True).requires_grad
    with pytest.raises(RuntimeError, match=f"{name}: the window length cannot be negative"):
        window(-1)
    with pytest.raises(RuntimeError, match="a floating type is needed; got int64"):
        window(3, dtype=tg.int64)
    assert not math.isnan(window(1).item())


def test_what_is_no_type_of_elements_is_refused():
    for wrong in ("foo", 3, tg.device("cpu")):
        with pytest.raises(TypeError, match=r"is no type of elements: these are tg.float32"):
            tg.ones(1, dtype=wrong)


def test_python_float_is_float64_as_in_pytorch():
    assert tg.ones(1, dtype=float).dtype == tg.tensor(1, dtype=float).dtype == tg.float64
    assert tg.ones(1).to(float).dtype == tg.float64
    assert tg.ones(1, dtype=int).dtype == tg.int64


def test_tensors_of_pytorch_are_called_so():
    """A script of which one import line still says torch."""
    foreign = type("Tensor", (), {"__module__": "torch"})()
    for call in (tg.relu, tg.ones(1).add, nn.Linear(1, 1), nn.LSTM(1, 1), nn.Embedding(1, 1)):
        with pytest.raises(TypeError, match="got torch's Tensor"):
            call(foreign)
    for call in (tg.cat, optim.SGD):
        with pytest.raises(TypeError, match="torch's Tensor"):
            call([foreign])
