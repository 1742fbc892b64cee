"""Tensors print as PyTorch prints them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import tinygrad_edu as tg
from tinygrad_edu.printing import tensor_repr

# What PyTorch 2.13 answers. Only the names of types are ours: float64, not torch.float64.
PYTORCH = """
>>> tensor(3.0)
tensor(3.)
>>> tensor(3)
tensor(3)
>>> tensor(True)
tensor(True)
>>> tensor(0.1)
tensor(0.1000)
>>> tensor(1e-9)
tensor(1.0000e-09)
>>> tensor(-2.5e12)
tensor(-2.5000e+12)
>>> tensor(nan)
tensor(nan)
>>> tensor([])
tensor([])
>>> tensor([], dtype=tg.int64)
tensor([], dtype=int64)
>>> tensor([[], []])
tensor([], size=(2, 0))
>>> zeros(0, 3)
tensor([], size=(0, 3))
>>> tensor([1.0, 2.0, 3.0])
tensor([1., 2., 3.])
>>> tensor([1.0, -20.0, 300.0])
tensor([  1., -20., 300.])
>>> tensor([0.5, 1.0])
tensor([0.5000, 1.0000])
>>> tensor([0.12345678, -1.0])
tensor([ 0.1235, -1.0000])
>>> tensor([1.0, 1000.0])
tensor([   1., 1000.])
>>> tensor([1.0, 1001.0])
tensor([1.0000e+00, 1.0010e+03])
>>> tensor([0.001, 1.0])
tensor([0.0010, 1.0000])
>>> tensor([0.0001, 0.05])
tensor([1.0000e-04, 5.0000e-02])
>>> tensor([0.00001, 0.005])
tensor([1.0000e-05, 5.0000e-03])
>>> tensor([1e8, 2e8])
tensor([1.0000e+08, 2.0000e+08])
>>> tensor([1e8 + 8, 2e8])
tensor([1.0000e+08, 2.0000e+08])
>>> tensor([123456.0, 0.5])
tensor([1.2346e+05, 5.0000e-01])
>>> tensor([0.0, 0.0])
tensor([0., 0.])
>>> tensor([-0.0, 1.0])
tensor([-0., 1.])
>>> tensor([nan, inf, -inf])
tensor([nan, inf, -inf])
>>> tensor([1.0, nan, -inf])
tensor([1., nan, -inf])
>>> tensor([1.5, nan, -inf])
tensor([1.5000,    nan,   -inf])
>>> tensor([1e-9, inf, 1.0])
tensor([1.0000e-09,        inf, 1.0000e+00])
>>> tensor([1, -20, 300])
tensor([  1, -20, 300])
>>> tensor([True, False])
tensor([ True, False])
>>> tensor([[1.0, 2.0], [3.0, 4.5]])
tensor([[1.0000, 2.0000],
        [3.0000, 4.5000]])
>>> tensor([[[1, 2], [3, 4]], [[5, 6], [7, 8]]])
tensor([[[1, 2],
         [3, 4]],

        [[5, 6],
         [7, 8]]])
>>> arange(24.0).reshape(1, 2, 3, 4)
tensor([[[[ 0.,  1.,  2.,  3.],
          [ 4.,  5.,  6.,  7.],
          [ 8.,  9., 10., 11.]],

         [[12., 13., 14., 15.],
          [16., 17., 18., 19.],
          [20., 21., 22., 23.]]]])
>>> arange(30)
tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,
        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])
>>> arange(40.0)
tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.,
        14., 15., 16., 17., 18., 19., 20., 21., 22., 23., 24., 25., 26., 27.,
        28., 29., 30., 31., 32., 33., 34., 35., 36., 37., 38., 39.])
>>> linspace(0, 1, 20)
tensor([0.0000, 0.0526, 0.1053, 0.1579, 0.2105, 0.2632, 0.3158, 0.3684, 0.4211,
        0.4737, 0.5263, 0.5789, 0.6316, 0.6842, 0.7368, 0.7895, 0.8421, 0.8947,
        0.9474, 1.0000])
>>> zeros(21)
tensor([0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0.])
>>> ones(2, 45)
tensor([[1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1.,
         1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1.,
         1., 1., 1., 1., 1., 1., 1., 1., 1.],
        [1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1.,
         1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1.,
         1., 1., 1., 1., 1., 1., 1., 1., 1.]])
>>> arange(1001)
tensor([   0,    1,    2,  ...,  998,  999, 1000])
>>> arange(1200.0).reshape(30, 40)
tensor([[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 3.7000e+01, 3.8000e+01,
         3.9000e+01],
        [4.0000e+01, 4.1000e+01, 4.2000e+01,  ..., 7.7000e+01, 7.8000e+01,
         7.9000e+01],
        [8.0000e+01, 8.1000e+01, 8.2000e+01,  ..., 1.1700e+02, 1.1800e+02,
         1.1900e+02],
        ...,
        [1.0800e+03, 1.0810e+03, 1.0820e+03,  ..., 1.1170e+03, 1.1180e+03,
         1.1190e+03],
        [1.1200e+03, 1.1210e+03, 1.1220e+03,  ..., 1.1570e+03, 1.1580e+03,
         1.1590e+03],
        [1.1600e+03, 1.1610e+03, 1.1620e+03,  ..., 1.1970e+03, 1.1980e+03,
         1.1990e+03]])
>>> arange(2000).reshape(2, 10, 100)
tensor([[[   0,    1,    2,  ...,   97,   98,   99],
         [ 100,  101,  102,  ...,  197,  198,  199],
         [ 200,  201,  202,  ...,  297,  298,  299],
         ...,
         [ 700,  701,  702,  ...,  797,  798,  799],
         [ 800,  801,  802,  ...,  897,  898,  899],
         [ 900,  901,  902,  ...,  997,  998,  999]],

        [[1000, 1001, 1002,  ..., 1097, 1098, 1099],
         [1100, 1101, 1102,  ..., 1197, 1198, 1199],
         [1200, 1201, 1202,  ..., 1297, 1298, 1299],
         ...,
         [1700, 1701, 1702,  ..., 1797, 1798, 1799],
         [1800, 1801, 1802,  ..., 1897, 1898, 1899],
         [1900, 1901, 1902,  ..., 1997, 1998, 1999]]])
>>> arange(1024).reshape(*[2] * 10)[0, 0, 0, 0, 0]
tensor([[[[[ 0,  1],
           [ 2,  3]],

          [[ 4,  5],
           [ 6,  7]]],


         [[[ 8,  9],
           [10, 11]],

          [[12, 13],
           [14, 15]]]],



        [[[[16, 17],
           [18, 19]],

          [[20, 21],
           [22, 23]]],


         [[[24, 25],
           [26, 27]],

          [[28, 29],
           [30, 31]]]]])
>>> ones(2, requires_grad=True)
tensor([1., 1.], requires_grad=True)
>>> ones(2, requires_grad=True) * 2
tensor([2., 2.], grad_fn=<MulBackward0>)
>>> ones(3, 12, requires_grad=True) + 0.5
tensor([[1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000,
         1.5000, 1.5000, 1.5000],
        [1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000,
         1.5000, 1.5000, 1.5000],
        [1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000,
         1.5000, 1.5000, 1.5000]], grad_fn=<AddBackward0>)
>>> linspace(0, 1, 18, requires_grad=True).exp()
tensor([1.0000, 1.0606, 1.1248, 1.1930, 1.2653, 1.3419, 1.4232, 1.5095, 1.6009,
        1.6979, 1.8008, 1.9099, 2.0256, 2.1484, 2.2785, 2.4166, 2.5630, 2.7183],
       grad_fn=<ExpBackward0>)
>>> ones(3, requires_grad=True).sum()
tensor(3., grad_fn=<SumBackward0>)
"""
FIXTURES = [
    tuple(part.split("\n", 1)) for part in PYTORCH.strip().removeprefix(">>> ").split("\n>>> ")
]


@pytest.fixture(autouse=True)
def default_options():
    yield
    tg.set_printoptions(profile="default")


@pytest.mark.parametrize(("expression", "printed"), FIXTURES, ids=[row[0] for row in FIXTURES])
def test_prints_as_pytorch(expression, printed):
    assert repr(eval(expression, {**vars(tg), "tg": tg})) == printed


@pytest.mark.parametrize(
    ("dtype", "suffix"),
    [
        (tg.float16, ", dtype=float16"),
        (tg.float32, ""),
        (tg.float64, ", dtype=float64"),
        (tg.int8, ", dtype=int8"),
        (tg.int32, ", dtype=int32"),
        (tg.int64, ""),
        (tg.uint8, ", dtype=uint8"),
    ],
    ids=str,
)
def test_types_that_are_not_obvious_are_named(dtype, suffix):
    text = repr(tg.zeros(1, dtype=dtype))
    assert text.removeprefix("tensor([0.").removeprefix("tensor([0") == f"]{suffix})"


def test_the_default_type_is_the_one_that_goes_without_saying():
    tg.set_default_dtype(tg.float64)
    try:
        assert repr(tg.zeros(1)) == "tensor([0.])"
        assert repr(tg.zeros(1, dtype=tg.float32)) == "tensor([0.], dtype=float32)"
    finally:
        tg.set_default_dtype(tg.float32)


def test_suffixes_move_to_a_new_line_where_they_do_not_fit():
    x = tg.arange(14.0).double().requires_grad_()
    assert repr(x).splitlines()[1:] == ["       dtype=float64, requires_grad=True)"]


def test_operation_of_ones_own_is_named_without_a_number():
    class Square(tg.autograd.Function):
        @staticmethod
        def forward(_, x):
            return x * x

        @staticmethod
        def backward(_, grad):
            return grad

    x = tg.ones(1, requires_grad=True)
    assert repr(Square.apply(x)) == "tensor([1.], grad_fn=<SquareBackward>)"


def test_each_result_of_a_function_is_named_after_it():
    class Both(tg.autograd.Function):
        @staticmethod
        def forward(_, x):
            return x * 2, x * 3

        @staticmethod
        def backward(_, first, second):
            return first + second

    first, second = Both.apply(tg.ones(1, requires_grad=True))
    assert repr(first) == "tensor([2.], grad_fn=<BothBackward>)"
    assert repr(second) == "tensor([3.], grad_fn=<BothBackward>)"


def test_a_thousand_elements_are_shown_and_one_more_is_summarized():
    assert "..." not in repr(tg.arange(1000))
    assert "..." in repr(tg.arange(1001))


def test_precision():
    tg.set_printoptions(precision=2)
    assert repr(tg.tensor([3.14159, 1e-9])) == "tensor([3.14e+00, 1.00e-09])"
    assert repr(tg.tensor(3.14159)) == "tensor(3.14)"


def test_threshold_and_edgeitems():
    tg.set_printoptions(threshold=5, edgeitems=1)
    assert repr(tg.arange(5)) == "tensor([0, 1, 2, 3, 4])"
    assert repr(tg.arange(6)) == "tensor([0,  ..., 5])"
    assert (
        repr(tg.arange(9).reshape(3, 3))
        == "tensor([[0,  ..., 2],\n        ...,\n        [6,  ..., 8]])"
    )


def test_edgeitems_of_zero_leave_the_size():
    tg.set_printoptions(threshold=5, edgeitems=0)
    assert repr(tg.arange(6)) == "tensor([...], size=(6,))"
    assert repr(tg.arange(9).reshape(3, 3)) == "tensor([...], size=(3, 3))"


def test_linewidth():
    tg.set_printoptions(linewidth=20)
    assert repr(tg.arange(8)) == "tensor([0, 1, 2, 3,\n        4, 5, 6, 7])"


@pytest.mark.parametrize(
    ("sci_mode", "printed"),
    [(True, "tensor([1.5000e+00])"), (False, "tensor([1.5000])"), (None, "tensor([1.5000])")],
)
def test_sci_mode(sci_mode, printed):
    tg.set_printoptions(sci_mode=sci_mode)
    assert repr(tg.tensor([1.5])) == printed


def test_sci_mode_off_shows_small_numbers_as_zero():
    tg.set_printoptions(sci_mode=False)
    assert repr(tg.tensor([1e-9, 1.0])) == "tensor([0.0000, 1.0000])"


def test_profiles():
    tg.set_printoptions(profile="short")
    assert repr(tg.tensor(3.14159)) == "tensor(3.14)"
    tg.set_printoptions(profile="full")
    assert "..." not in repr(tg.arange(1200))
    tg.set_printoptions(profile="default")
    assert tg.get_printoptions() == {
        "precision": 4,
        "threshold": 1000,
        "edgeitems": 3,
        "linewidth": 80,
        "sci_mode": None,
    }


def test_unknown_profile_is_refused():
    with pytest.raises(ValueError, match="'default', 'short', 'full'; got 'long'"):
        tg.set_printoptions(profile="long")


def test_printoptions_last_for_a_block():
    with tg.printoptions(precision=1):
        assert repr(tg.tensor(3.14159)) == "tensor(3.1)"
    assert repr(tg.tensor(3.14159)) == "tensor(3.1416)"


def test_printing_changes_nothing():
    x = tg.ones(3, requires_grad=True)
    y = x * 2
    repr(y)
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


@given(arrays(np.int64, array_shapes(min_dims=0, max_dims=4, max_side=4)))
def test_integers_are_read_back(array):
    text = tensor_repr(tg.tensor(array))
    assert eval(text, {"tensor": np.array}).tolist() == array.tolist()


@given(
    arrays(np.float32, array_shapes(max_dims=3, max_side=4), elements=st.floats(-9, 9, width=32))
)
def test_no_line_is_wider_than_linewidth(array):
    assert max(map(len, tensor_repr(tg.tensor(array)).splitlines())) <= 80
