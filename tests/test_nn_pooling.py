"""Pooling: windows against loops over them, ties and NaN, indices, memory layouts, errors."""

from math import inf, nan

import numpy as np
import pytest
from cases import Case, property_test
from hypothesis import strategies as st
from pooling_cases import (
    adaptive,
    average,
    largest,
    lines,
    maxima_and_places,
    norm,
    output_size,
    planes,
    reference,
    scattered,
    window_arguments,
)

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
from tinygrad_edu.testing import operations
from tinygrad_edu.testing.strategies import arrays, spread


def gradient_of(function, shape, **kwargs):
    """The gradient of a pooling function as a function of what flows into it."""

    def gradient(w):
        values = np.random.default_rng(0).permutation(int(np.prod(shape))).reshape(shape)
        x = tg.tensor(values, dtype=w.dtype, requires_grad=True)
        with tg.enable_grad():
            y = function(x, **kwargs)
        (found,) = tg.autograd.grad(y, x, w, create_graph=True)
        return found if tg.is_grad_enabled() else found.detach()

    return gradient


def unpooled(x):
    return F.max_unpool1d(x, tg.tensor([[3, 0]]), 2)


INCLUDE = {"count_include_pad": st.booleans()}
POWERS = {"norm_type": st.sampled_from([1.0, 2.0, 3.0, inf])}
OVERRIDE = {**INCLUDE, "divisor_override": st.sampled_from([None, 3, -2])}
OVERLAPPING = {"kernel_size": 3, "stride": 2, "padding": 1}

CASES = [
    Case("max_pool1d", F.max_pool1d, lines(), reference(1, largest), window_arguments(1, True)),
    Case("max_pool2d", F.max_pool2d, planes(), reference(2, largest), window_arguments(2, True)),
    Case(
        "avg_pool1d",
        F.avg_pool1d,
        lines(),
        average(1),
        window_arguments(1, options=INCLUDE),
    ),
    Case(
        "avg_pool2d",
        F.avg_pool2d,
        planes(),
        average(2),
        window_arguments(2, options=OVERRIDE),
    ),
    Case(
        "lp_pool1d",
        lambda x, kernel_size, **kwargs: F.lp_pool1d(x, kernel_size=kernel_size[0], **kwargs),
        lines(low=0.3, high=2.0),
        norm(1),
        window_arguments(1, padded=False, options=POWERS),
    ),
    Case(
        "lp_pool2d",
        F.lp_pool2d,
        planes(low=0.3, high=2.0),
        norm(2),
        window_arguments(2, padded=False, options=POWERS),
    ),
    Case(
        "adaptive_avg_pool1d", F.adaptive_avg_pool1d, lines(), adaptive(1, np.mean), output_size(1)
    ),
    Case(
        "adaptive_avg_pool2d", F.adaptive_avg_pool2d, planes(), adaptive(2, np.mean), output_size(2)
    ),
    Case(
        "adaptive_max_pool1d", F.adaptive_max_pool1d, lines(), adaptive(1, np.max), output_size(1)
    ),
    Case(
        "adaptive_max_pool2d", F.adaptive_max_pool2d, planes(), adaptive(2, np.max), output_size(2)
    ),
    Case("max_unpool1d", F.max_unpool1d, maxima_and_places(1), scattered, {"kernel_size": 2}),
    Case("max_unpool2d", F.max_unpool2d, maxima_and_places(2), scattered, {"kernel_size": 2}),
    Case(
        "gradient of max_pool2d",
        gradient_of(F.max_pool2d, (2, 2, 5, 4), **OVERLAPPING),
        arrays((2, 2, 3, 2)),
    ),
    Case(
        "gradient of max_pool2d with disjoint windows",
        gradient_of(F.max_pool2d, (2, 4, 6), kernel_size=2),
        arrays((2, 2, 3)),
    ),
    Case(
        "gradient of avg_pool2d",
        gradient_of(F.avg_pool2d, (2, 2, 5, 4), **OVERLAPPING),
        arrays((2, 2, 3, 2)),
    ),
    Case("gradient of max_unpool1d", gradient_of(unpooled, (1, 2)), arrays((1, 4))),
]

test_gradients = property_test(CASES)


# Ties and special values.


@pytest.mark.parametrize(("function", "shape"), [(F.max_pool2d, (1, 4, 4)), (F.max_pool1d, (4, 4))])
def test_the_first_of_equal_elements_gets_the_whole_gradient(function, shape):
    x = tg.ones(shape, requires_grad=True)
    function(x, 2).sum().backward()
    expected = np.zeros(shape)
    if function is F.max_pool2d:
        expected[:, ::2, ::2] = 1
    else:
        expected[:, ::2] = 1
    np.testing.assert_array_equal(x.grad.numpy(), expected)


def test_first_is_meant_by_rows():
    x = tg.tensor([[[0.0, 5.0], [5.0, 0.0]]], requires_grad=True)
    values, indices = F.max_pool2d(x, 2, return_indices=True)
    values.sum().backward()
    assert indices.item() == 1
    assert x.grad.tolist() == [[[0.0, 1.0], [0.0, 0.0]]]


def test_an_element_gets_the_gradients_of_all_windows_that_it_wins():
    x = tg.tensor([[1.0, 9.0, 1.0, 2.0]], requires_grad=True)
    F.max_pool1d(x, 3, stride=1).sum().backward()
    assert x.grad.tolist() == [[0.0, 2.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("function", "argument"),
    [(F.max_pool1d, 5), (F.adaptive_max_pool1d, 1)],
)
def test_nan_counts_as_the_largest_and_the_last_one_gets_the_gradient(function, argument):
    x = tg.tensor([[1.0, nan, 2.0, nan, 3.0]], requires_grad=True)
    values, indices = function(x, argument, return_indices=True)
    values.sum().backward()
    assert values.isnan().all()
    assert indices.tolist() == [[3]]
    assert x.grad.tolist() == [[0.0, 0.0, 0.0, 1.0, 0.0]]


def test_nan_in_windows_of_different_lengths():
    x = tg.tensor([[1.0, nan, 2.0, nan, 3.0]])
    values, indices = F.adaptive_max_pool1d(x, 2, return_indices=True)
    assert values.isnan().all()
    assert indices.tolist() == [[1, 3]]


def test_padding_never_wins():
    for lowest in (tg.full((1, 2, 2), -inf), tg.full((1, 2, 2), np.iinfo(np.int64).min)):
        values, indices = F.max_pool2d(lowest, 2, padding=1, return_indices=True)
        assert tg.equal(values, lowest)
        assert indices.tolist() == [[[0, 1], [2, 3]]]


def test_an_infinite_gradient_reaches_the_winner_alone():
    x = tg.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    for stride in (1, 2):
        x.grad = None
        F.max_pool1d(x, 2, stride).backward(tg.full((1, 2 // stride), inf))
        assert not x.grad.isnan().any()
        assert x.grad[0, 0] == 0


def test_a_window_without_elements_is_minus_infinity():
    # A dilated window of two elements steps over the input: one before it, one behind.
    x = tg.tensor([[[1.0, 2.0]]], requires_grad=True)
    y = F.max_pool1d(x, 2, padding=1, dilation=3)
    y.sum().backward()
    assert y.tolist() == [[[-inf]]]
    assert x.grad.tolist() == [[[0.0, 0.0]]]


# Types, layouts, memory.


@pytest.mark.parametrize("dtype", [tg.int64, tg.int32, tg.uint8])
def test_max_pooling_of_integers(dtype):
    x = tg.tensor([[[1, 5], [7, 2]]], dtype=dtype)
    values, indices = F.max_pool2d(x, 2, return_indices=True)
    assert (values.item(), values.dtype, indices.item()) == (7, dtype, 2)


def test_means_of_integers_are_rounded_towards_0():
    x = tg.tensor([[-5, -2, 5, 2]])
    assert F.avg_pool1d(x, 2).tolist() == [[-3, 3]]
    assert F.avg_pool2d(x[None], (1, 2), divisor_override=-2).tolist() == [[[3, -3]]]
    assert F.avg_pool1d(x, 2).dtype == tg.int64


def channels_last(array):
    return np.ascontiguousarray(np.moveaxis(array, 1, -1)).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("function", [F.max_pool2d, F.avg_pool2d])
@pytest.mark.parametrize("arguments", [(2,), (3, 2, 1), (2, 3)])
@pytest.mark.parametrize("same", [True, False])
def test_pooling_keeps_channels_last_memory(function, arguments, same):
    values = spread((2, 3, 8, 6))
    found = []
    for array in (values, channels_last(values)):
        x = tg.from_numpy(array).requires_grad_()
        y = function(x, *arguments)
        weights = spread(y.shape, 1)
        y.backward(tg.from_numpy(channels_last(weights) if same else weights))
        found.append((y.detach().numpy(), x.grad.numpy()))
        assert np.argsort(y.stride()).tolist() == np.argsort(x.stride()).tolist()
    for first, second in zip(*found, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-14)


def test_a_gradient_that_was_broadcast_flows_back():
    x = tg.tensor(spread((2, 3, 4, 4)), requires_grad=True)
    F.max_pool2d(x, 2).sum().backward()
    assert x.grad.sum() == 2 * 3 * 4


def test_max_pooling_keeps_one_byte_for_each_window_and_no_input():
    x = tg.zeros(2, 3, 8, 8, requires_grad=True)
    node = F.max_pool2d(x, 2).grad_fn
    assert not node.saved
    assert (node.index.dtype, node.index.shape) == (np.uint8, (2, 3, 4, 4))
    assert F.max_pool2d(x[:, :, :, :], (8, 8)).grad_fn.index.dtype == np.uint8
    assert F.max_pool1d(tg.zeros(1, 300, requires_grad=True), 300).grad_fn.index.dtype == np.uint16


def test_the_result_may_be_changed_in_place():
    x = tg.tensor(spread((1, 1, 4, 4)), requires_grad=True)
    y = F.relu_(F.max_pool2d(x, 2))
    y.sum().backward()
    assert x.grad.sum() == (y > 0).sum()


def test_pooling_without_a_gradient_finds_the_same():
    x = tg.tensor(spread((2, 3, 7, 5)))
    for kwargs in ({}, {"padding": 1}, {"ceil_mode": True, "stride": 3}):
        with_gradient = F.max_pool2d(x.clone().requires_grad_(), 2, **kwargs)
        assert tg.equal(F.max_pool2d(x, 2, **kwargs), with_gradient.detach())


@pytest.mark.parametrize(
    ("function", "arguments", "shape", "expected"),
    [
        (F.max_pool1d, (2,), (0, 3, 6), (0, 3, 3)),
        (F.max_pool2d, (2,), (0, 3, 6, 6), (0, 3, 3, 3)),
        (F.avg_pool2d, (2,), (0, 3, 6, 6), (0, 3, 3, 3)),
        (F.lp_pool2d, (2, 2), (0, 3, 6, 6), (0, 3, 3, 3)),
        (F.adaptive_avg_pool2d, (1,), (0, 3, 6, 6), (0, 3, 1, 1)),
        (F.adaptive_avg_pool2d, (4,), (2, 0, 6, 6), (2, 0, 4, 4)),
        (F.adaptive_avg_pool2d, (0,), (2, 3, 6, 6), (2, 3, 0, 0)),
        (F.adaptive_max_pool2d, ((4, 0),), (2, 3, 6, 6), (2, 3, 4, 0)),
        (F.adaptive_max_pool2d, (4,), (0, 3, 6, 6), (0, 3, 4, 4)),
    ],
)
def test_pooling_of_nothing(function, arguments, shape, expected):
    x = tg.zeros(shape, requires_grad=True)
    y = function(x, *arguments)
    y.sum().backward()
    assert y.shape == expected
    assert x.grad.shape == shape


# Several functions together.


def test_adaptive_pooling_is_ordinary_pooling_where_the_windows_are_equal():
    x = tg.tensor(spread((2, 6, 4)))
    assert tg.equal(F.adaptive_max_pool2d(x, (3, 2)), F.max_pool2d(x, (2, 2)))
    assert tg.equal(F.adaptive_avg_pool2d(x, (3, 2)), F.avg_pool2d(x, (2, 2)))
    assert tg.equal(F.adaptive_avg_pool2d(x, (None, 4)), x)


def test_global_average_pooling_is_the_mean():
    x = tg.tensor(spread((2, 3, 5, 4)))
    np.testing.assert_allclose(
        F.adaptive_avg_pool2d(x, 1).numpy()[..., 0, 0], x.numpy().mean((2, 3)), rtol=1e-12
    )


def test_adaptive_pooling_to_a_larger_size_repeats():
    x = tg.tensor([[1.0, 2.0]], requires_grad=True)
    values, indices = F.adaptive_max_pool1d(x, 4, return_indices=True)
    assert values.tolist() == [[1.0, 1.0, 2.0, 2.0]]
    assert indices.tolist() == [[0, 0, 1, 1]]
    values.sum().backward()
    assert x.grad.tolist() == [[2.0, 2.0]]


def test_indices_lead_to_the_maxima():
    x = tg.tensor(spread((2, 3, 7, 6)))
    for function, arguments in [
        (F.max_pool2d_with_indices, (3, 2, 1)),
        (F.max_pool2d_with_indices, (2, 3, 0, 2, True)),
        (F.adaptive_max_pool2d_with_indices, ((3, 4),)),
        (F.adaptive_max_pool2d_with_indices, ((7, 3),)),
    ]:
        values, indices = function(x, *arguments)
        assert indices.dtype == tg.int64
        picked = x.flatten(2).gather(2, indices.flatten(2))
        assert tg.equal(picked, values.flatten(2))
    lines = x[0]
    for values, indices in (
        F.max_pool1d_with_indices(lines, 2),
        F.adaptive_max_pool1d_with_indices(lines, 4),
    ):
        assert tg.equal(lines.gather(2, indices), values)


def test_unpooling_puts_the_maxima_back():
    x = tg.tensor(spread((2, 3, 6, 4), low=0.5, high=3.0))
    values, indices = F.max_pool2d(x, 2, return_indices=True)
    y = F.max_unpool2d(values, indices, 2)
    assert y.shape == x.shape
    assert tg.equal(y[y != 0], x[y != 0])
    assert (y != 0).sum() == values.numel()


def test_unpooling_of_overlapping_windows_gives_every_copy_its_gradient():
    x = tg.tensor([[1.0, 9.0, 2.0]])
    values, indices = F.max_pool1d(x, 2, 1, return_indices=True)
    values.requires_grad_()
    F.max_unpool1d(values, indices, 2, 1).sum().backward()
    assert indices.tolist() == [[1, 1]]
    assert values.grad.tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize("size", [(7, 5), (2, 3, 7, 5)])
def test_unpooling_to_a_given_size(size):
    values, indices = F.max_pool2d(tg.tensor(spread((2, 3, 7, 5))), 2, return_indices=True)
    assert F.max_unpool2d(values, indices, 2, output_size=size).shape == (2, 3, 7, 5)


def test_a_norm_of_0_has_the_gradient_0():
    x = tg.zeros(1, 4, requires_grad=True)
    F.lp_pool1d(x, 2, 2).sum().backward()
    assert x.grad.tolist() == [[0.0] * 4]


def test_lp_pooling_with_p_infinity():
    x = tg.tensor([[3.0, -4.0, 1.0, 2.0]])
    assert F.lp_pool1d(x, inf, 2).tolist() == [[4.0, 2.0]]
    assert F.lp_pool1d(x, -inf, 2).tolist() == [[3.0, 1.0]]


def test_pooling_is_few_nodes():
    x = tg.zeros(1, 4, 4, requires_grad=True)
    assert [node.name for node in operations(F.max_pool2d(x, 2))] == ["MaxPool"]
    assert len(operations(F.avg_pool2d(x, 2))) == 3


# Layers.

LAYERS = [
    (nn.MaxPool1d(2, 1, 1, 1, False, True), F.max_pool1d, (2, 1, 1, 1, True), 3),
    (nn.MaxPool2d((3, 2)), F.max_pool2d, ((3, 2),), 4),
    (nn.AvgPool1d(2, 1, 1, True, False), F.avg_pool1d, (2, 1, 1, True, False), 3),
    (nn.AvgPool2d(2, 1, 1, True, False, 3), F.avg_pool2d, (2, 1, 1, True, False, 3), 4),
    (nn.LPPool1d(2, 3, 1, True), F.lp_pool1d, (2.0, 3, 1, True), 3),
    (nn.LPPool2d(2, 3), F.lp_pool2d, (2.0, 3), 4),
    (nn.AdaptiveAvgPool1d(3), F.adaptive_avg_pool1d, (3,), 3),
    (nn.AdaptiveAvgPool2d((3, None)), F.adaptive_avg_pool2d, ((3, None),), 4),
    (nn.AdaptiveMaxPool1d(3), F.adaptive_max_pool1d, (3,), 3),
    (nn.AdaptiveMaxPool2d((3, None)), F.adaptive_max_pool2d, ((3, None),), 4),
]


@pytest.mark.parametrize(
    ("layer", "function", "arguments", "ndim"), LAYERS, ids=lambda value: type(value).__name__
)
def test_layer_is_its_function(layer, function, arguments, ndim):
    x = tg.tensor(spread((2, 3, 7, 5)[:ndim], low=0.1, high=2.0))
    assert tg.equal(layer(x), function(x, *arguments))


@pytest.mark.parametrize(
    ("pool", "unpool", "shape"),
    [
        (nn.MaxPool1d(2, return_indices=True), nn.MaxUnpool1d(2), (3, 6)),
        (nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2), (3, 6, 4)),
        (nn.AdaptiveMaxPool1d(3, True), nn.MaxUnpool1d(2, 2), (3, 6)),
        (nn.AdaptiveMaxPool2d((3, 2), True), nn.MaxUnpool2d(2, 2, 0), (3, 6, 4)),
    ],
)
def test_unpooling_layers_take_what_pooling_layers_give(pool, unpool, shape):
    x = tg.tensor(spread(shape, low=0.5, high=3.0))
    values, indices = pool(x)
    assert tg.equal(pool(unpool(values, indices, output_size=shape[1:]))[0], values)


def test_layers_are_shown_with_their_windows():
    assert [
        repr(layer) for layer in (nn.MaxPool2d(2), nn.AvgPool1d(3), nn.AvgPool2d((3, 2), 1))
    ] == [
        "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)",
        "AvgPool1d(kernel_size=(3,), stride=(3,), padding=(0,))",
        "AvgPool2d(kernel_size=(3, 2), stride=1, padding=0)",
    ]
    assert [
        repr(layer) for layer in (nn.LPPool2d(2, 3), nn.MaxUnpool2d(2), nn.AdaptiveAvgPool2d(1))
    ] == [
        "LPPool2d(norm_type=2, kernel_size=3, stride=None, ceil_mode=False)",
        "MaxUnpool2d(kernel_size=(2, 2), stride=(2, 2), padding=(0, 0))",
        "AdaptiveAvgPool2d(output_size=1)",
    ]


# Errors.

P = tg.zeros(1, 2, 6, 6)
L = tg.zeros(1, 2, 6)
PLACES = tg.zeros(1, 2, 6, 6, dtype=tg.int64)

ERRORS = {
    "array": (lambda: F.max_pool2d(np.zeros((1, 2, 2)), 2), TypeError, "got ndarray"),
    "one plane": (lambda: F.max_pool2d(P[0, 0], 2), RuntimeError, r"got \(6, 6\).*unsqueeze"),
    "volumes": (lambda: F.max_pool2d(P[None], 2), RuntimeError, r"\(N, C, H, W\) or \(C, H, W\)"),
    "no channels": (lambda: F.max_pool1d(L[:, :0], 2), RuntimeError, r"may be empty; the shape is"),
    "booleans": (lambda: F.max_pool2d(P > 0, 2), RuntimeError, "not defined for bool"),
    "mean of bytes": (lambda: F.avg_pool2d(P.to(tg.uint8), 2), RuntimeError, "uint8.*float"),
    "mean of int32": (lambda: F.avg_pool2d(P.int(), 2), RuntimeError, "not defined for int32"),
    "adaptive integers": (
        lambda: F.adaptive_avg_pool2d(PLACES, 2),
        RuntimeError,
        "not defined for",
    ),
    "norms of integers": (lambda: F.lp_pool2d(PLACES, 2, 2), RuntimeError, "not defined for int64"),
    "kernel 0": (
        lambda: F.max_pool2d(P, 0),
        RuntimeError,
        r"kernel_size must be greater than zero",
    ),
    "stride 0": (lambda: F.avg_pool2d(P, 2, 0), RuntimeError, "stride must be greater than zero"),
    "dilation 0": (lambda: F.max_pool1d(L, 2, dilation=0), RuntimeError, "dilation must be"),
    "kernel float": (lambda: F.max_pool2d(P, 2.0), TypeError, "kernel_size is an integer"),
    "kernel None": (lambda: F.max_pool2d(P, None), TypeError, "NoneType in it"),
    "kernel of 3": (lambda: F.max_pool2d(P, (2, 2, 2)), RuntimeError, "tuple of 2"),
    "padding": (lambda: F.max_pool2d(P, 2, padding=2), RuntimeError, "at most half of kernel size"),
    "padding -1": (
        lambda: F.avg_pool1d(L, 2, padding=-1),
        RuntimeError,
        "non-negative, but got -1",
    ),
    "too small": (lambda: F.max_pool2d(P, 7), RuntimeError, r"output size is too small.*\(7, 7\)"),
    "divisor 0": (lambda: F.avg_pool2d(P, 2, divisor_override=0), RuntimeError, "must be not zero"),
    "divisor 1.5": (lambda: F.avg_pool2d(P, 2, divisor_override=1.5), TypeError, "is an integer"),
    "adaptive sizes": (lambda: F.adaptive_avg_pool2d(P, (2,)), RuntimeError, "have 2 elements"),
    "adaptive -1": (
        lambda: F.adaptive_max_pool2d(P, -1),
        RuntimeError,
        "greater than or equal to 0",
    ),
    "unpool type": (lambda: F.max_unpool2d(P, P, 2), RuntimeError, "int64; got float32"),
    "unpool shape": (
        lambda: F.max_unpool2d(P, PLACES[0], 2),
        RuntimeError,
        "expected shape of indices",
    ),
    "unpool outside": (
        lambda: F.max_unpool2d(P, PLACES + 144, 2),
        RuntimeError,
        "invalid max index: 144",
    ),
    "unpool before": (
        lambda: F.max_unpool2d(P, PLACES - 1, 2),
        RuntimeError,
        "invalid max index: -1",
    ),
    "unpool size": (
        lambda: F.max_unpool2d(P, PLACES, 2, output_size=(12, 14)),
        ValueError,
        r"invalid output_size \(12, 14\)",
    ),
    "unpool sizes": (
        lambda: F.max_unpool2d(P, PLACES, 2, output_size=(12,)),
        ValueError,
        "2 or 4 elements",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
