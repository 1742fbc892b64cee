"""unfold, fold and the book's im2col, col2im: against loops, each the other's transpose, errors."""

import itertools

import numpy as np
import pytest
from cases import Case, property_test
from hypothesis import strategies as st

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
from tinygrad_edu.testing.strategies import arrays, spread


def pair(value):
    return value if isinstance(value, tuple) else (value, value)


def places(size, kernel, dilation, padding, stride):
    """How many windows there are in each dimension, and the pixels that each of them sees."""
    (height, width), (down, across) = pair(dilation), pair(stride)
    reach = (kernel[0] - 1) * height, (kernel[1] - 1) * width
    padded = [a + 2 * p for a, p in zip(size, pair(padding), strict=True)]
    count = (padded[0] - reach[0] - 1) // down + 1, (padded[1] - reach[1] - 1) // across + 1
    windows = [
        (
            slice(i * down, i * down + reach[0] + 1, height),
            slice(j * across, j * across + reach[1] + 1, width),
        )
        for i, j in itertools.product(*map(range, count))
    ]
    return padded, windows


def unfolded(x, kernel_size, dilation=1, padding=0, stride=1):
    if x.ndim == 3:
        return unfolded(x[None], kernel_size, dilation, padding, stride)[0]
    (top, left), kernel = pair(padding), pair(kernel_size)
    _, windows = places(x.shape[2:], kernel, dilation, padding, stride)
    x = np.pad(x, ((0, 0), (0, 0), (top, top), (left, left)))
    columns = [x[:, :, rows, places].reshape(len(x), -1) for rows, places in windows]
    return np.stack(columns, axis=2)


def folded(x, output_size, kernel_size, dilation=1, padding=0, stride=1):
    if x.ndim == 2:
        return folded(x[None], output_size, kernel_size, dilation, padding, stride)[0]
    size, (top, left), kernel = pair(output_size), pair(padding), pair(kernel_size)
    padded, windows = places(size, kernel, dilation, padding, stride)
    out = np.zeros((len(x), x.shape[1] // (kernel[0] * kernel[1]), *padded))
    for number, (rows, columns) in enumerate(windows):
        out[:, :, rows, columns] += x[:, :, number].reshape(*out.shape[:2], *kernel)
    return out[:, :, top : top + size[0], left : left + size[1]]


def im2col_of_the_book(x, filter_h, filter_w, stride=1, pad=0):
    """Element by element of the filter, as the book has it."""
    images, channels, height, width = x.shape
    rows = (height + 2 * pad - filter_h) // stride + 1
    columns = (width + 2 * pad - filter_w) // stride + 1
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    col = np.zeros((images, channels, filter_h, filter_w, rows, columns))
    for i in range(filter_h):
        for j in range(filter_w):
            below, right = i + stride * (rows - 1) + 1, j + stride * (columns - 1) + 1
            col[:, :, i, j] = x[:, :, i:below:stride, j:right:stride]
    return col.transpose(0, 4, 5, 1, 2, 3).reshape(images * rows * columns, -1)


integers = st.integers(1, 3)
either = st.one_of(integers, st.tuples(integers, integers))


@st.composite
def geometry(draw, size):
    """Keywords with which at least one window fits."""
    kernel, dilation = draw(either), draw(either)
    least = [
        max(0, -(-(d * (k - 1) + 1 - a) // 2))
        for k, d, a in zip(pair(kernel), pair(dilation), size, strict=True)
    ]
    padding = draw(
        st.one_of(
            st.integers(max(least), max(least) + 2),
            st.tuples(*(st.integers(a, a + 2) for a in least)),
        )
    )
    return {
        "kernel_size": kernel,
        "dilation": dilation,
        "padding": padding,
        "stride": draw(either),
    }


images = arrays(
    st.tuples(
        st.sampled_from([(), (1,), (2,)]), st.integers(1, 2), st.integers(1, 4), st.integers(1, 4)
    ).map(lambda shape: (*shape[0], *shape[1:]))
)


FOLDS = [
    ((4, 5), {"kernel_size": 2}),
    ((3, 4), {"kernel_size": (2, 3), "padding": (1, 2)}),
    ((5, 4), {"kernel_size": (1, 3), "stride": (3, 2), "padding": 1}),
    ((5, 6), {"kernel_size": 2, "dilation": (2, 3), "stride": 2}),
    ((4, 4), {"kernel_size": 3, "stride": 3}),  # pixels that no window sees
]


@st.composite
def columns(draw):
    """Columns for one of the folds; how many there are tells which."""
    size, kwargs = draw(st.sampled_from(FOLDS))
    channels = draw(st.integers(1, 2))
    batch = draw(st.sampled_from([(), (1,), (2,)]))
    shape = unfolded(np.zeros((*batch, channels, *size)), **kwargs).shape
    return spread(shape, draw(st.integers(0, 2**32 - 1)))


def fold_arguments(x):
    """The fold that these columns are for."""
    for size, kwargs in FOLDS:
        for channels in (1, 2):
            if unfolded(np.zeros((channels, *size)), **kwargs).shape == x.shape[-2:]:
                return {"output_size": size, **kwargs}
    raise AssertionError(x.shape)


CASES = [
    Case("unfold", F.unfold, images, unfolded, lambda x: geometry(x.shape[-2:])),
    Case("fold", F.fold, columns(), folded, fold_arguments),
]
test_functions = property_test(CASES)

batches = arrays(st.tuples(integers, st.integers(1, 2), st.integers(3, 5), st.integers(3, 5)))
filters = st.fixed_dictionaries(
    {"filter_h": integers, "filter_w": integers},
    optional={"stride": st.integers(1, 2), "pad": st.integers(0, 2)},
)
# The book's names are not in PyTorch.
BOOK = [Case("im2col", F.im2col, batches, im2col_of_the_book, filters)]
test_the_book = property_test(BOOK)


@pytest.mark.parametrize("shape", [(2, 3, 5, 6), (1, 1, 4, 4)])
@pytest.mark.parametrize("kwargs", [{}, {"stride": 2}, {"stride": 2, "pad": 1}])
def test_col2im_is_the_gradient_of_im2col(shape, kwargs):
    x = tg.tensor(spread(shape), requires_grad=True)
    col = F.im2col(x, 3, 2, **kwargs)
    v = tg.tensor(spread(col.shape, 1), requires_grad=True)
    (expected,) = tg.autograd.grad(col, x, v.detach())
    found = F.col2im(v, shape, 3, 2, **kwargs)
    np.testing.assert_allclose(found.detach().numpy(), expected.numpy(), rtol=1e-12)
    (back,) = tg.autograd.grad(found, v, x.detach())
    np.testing.assert_allclose(back.numpy(), col.detach().numpy(), rtol=1e-12)


def test_the_sizes_of_the_course():
    assert F.im2col(tg.rand(1, 3, 7, 7), 5, 5).shape == (9, 75)
    assert F.im2col(tg.rand(10, 3, 7, 7), 5, 5).shape == (90, 75)
    assert F.im2col(tg.rand(1, 1, 6, 6), 2, 2, stride=1, pad=1).shape == (7 * 7, 4)


def test_a_convolution_is_a_product_with_im2col():
    x, w = tg.rand(2, 3, 6, 5), tg.rand(4, 3, 3, 2)
    product = F.im2col(x, 3, 2, stride=2, pad=1) @ w.flatten(1).T
    expected = F.conv2d(x, w, stride=2, padding=1)
    found = product.reshape(2, 3, 3, 4).permute(0, 3, 1, 2)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-5)


def test_fold_of_unfold_counts_the_windows_of_each_pixel():
    x = tg.tensor(spread((1, 2, 4, 4)))
    ones = F.fold(F.unfold(tg.ones(1, 2, 4, 4), 2), 4, 2)
    assert tg.allclose(F.fold(F.unfold(x, 2), 4, 2), ones * x)
    assert ones[0, 0].tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]


def test_no_samples():
    x = tg.ones(0, 2, 3, 3, requires_grad=True)
    y = F.unfold(x, 2)
    assert y.shape == (0, 8, 4)
    y.sum().backward()
    assert x.grad.shape == x.shape
    assert F.fold(y.detach(), 3, 2).shape == x.shape


def test_integers_stay_integers():
    x = tg.arange(9).reshape(1, 1, 3, 3)
    assert F.unfold(x, 2).dtype == tg.int64
    assert F.im2col(x, 2, 2)[0].tolist() == [0, 1, 3, 4]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: F.unfold(x[0, 0], 2), r"unfold: the input has the shape .*; got \(5, 5\)"),
        (lambda x: F.unfold(x[:, :0], 2), r"only the batch may be empty; got \(2, 0, 5, 5\)"),
        (lambda x: F.unfold(x, 6), r"unfold: no window of kernel_size \(6, 6\) .* size \(5, 5\)"),
        (lambda x: F.unfold(x, 3, dilation=3, padding=0), r"with dilation \(3, 3\) fits"),
        (lambda x: F.unfold(x, 0), r"kernel_size should be greater than zero; got \(0, 0\)"),
        (lambda x: F.unfold(x, 2, stride=(1, 0)), "stride should be greater than zero"),
        (lambda x: F.unfold(x, 2, dilation=-1), "dilation should be greater than zero"),
        (lambda x: F.unfold(x, 2, padding=-1), "padding should be non-negative"),
        (lambda x: F.unfold(x, (1, 2, 3)), "a tuple of 2"),
        (lambda x: F.fold(x, 3, 2), r"fold: the input has the shape .* got \(2, 3, 5, 5\)"),
        (
            lambda x: F.fold(x[0], 5, 2),
            r"5 \(the input has shape \(3, 5, 5\)\) is no multiple of 4",
        ),
        (
            lambda x: F.fold(tg.ones(2, 4, 5), 3, 2),
            r"size \(3, 3\) have 2·2 windows of kernel_size \(2, 2\) .* shape \(2, 4, 5\) has 5",
        ),
        (lambda x: F.fold(tg.ones(2, 4, 0 + 1), 1, 2), r"have 0·0 windows"),
        (lambda x: F.im2col(x[0], 2, 2), r"im2col: the images have the shape \(N, C, H, W\); got"),
        (
            lambda x: F.col2im(tg.ones(8, 4), (2, 1, 3, 3), 2, 3),
            r"filter \(2, 3\), stride \(1, 1\) and pad 0 has the shape \(4, 6\); got \(8, 4\)",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(RuntimeError, match=message):
        call(tg.ones(2, 3, 5, 5))


def test_other_types_are_refused():
    with pytest.raises(TypeError, match=r"unfold: the input is a tensor; got ndarray"):
        F.unfold(np.ones((1, 1, 3, 3)), 2)
    with pytest.raises(TypeError, match=r"col2im: the matrix is a tensor; got ndarray"):
        F.col2im(np.ones((4, 4)), (1, 1, 3, 3), 2, 2)
    with pytest.raises(TypeError, match="kernel_size is an integer"):
        F.unfold(tg.ones(1, 1, 3, 3), 2.0)


def test_layers():
    x = tg.rand(2, 3, 5, 6)
    unfold = nn.Unfold((2, 3), padding=1, stride=(1, 2))
    assert repr(unfold) == "Unfold(kernel_size=(2, 3), dilation=1, padding=1, stride=(1, 2))"
    columns = unfold(x)
    assert tg.equal(columns, F.unfold(x, (2, 3), padding=1, stride=(1, 2)))
    fold = nn.Fold((5, 6), (2, 3), padding=1, stride=(1, 2))
    assert repr(fold) == (
        "Fold(output_size=(5, 6), kernel_size=(2, 3), dilation=1, padding=1, stride=(1, 2))"
    )
    assert tg.equal(fold(columns), F.fold(columns, (5, 6), (2, 3), padding=1, stride=(1, 2)))
    assert not list(fold.parameters())
