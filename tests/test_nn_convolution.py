"""Convolution and its transpose: against loops, blocks and layouts, layers, errors."""

import math
import threading

import numpy as np
import pytest
from cases import Case, property_test
from convolution_cases import (
    arguments,
    by_loops,
    tensors,
    transposed_arguments,
    transposed_by_loops,
)

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
from tinygrad_edu.ops import columns, convolution_kernels
from tinygrad_edu.testing import check_op, operations
from tinygrad_edu.testing.strategies import spread

CASES = [
    *(
        Case(f"conv{n}d{kind}", function, tensors(n, **options), by_loops, arguments)
        for n, function in ((1, F.conv1d), (2, F.conv2d))
        for kind, options in (
            ("", {}),
            (" without a bias", {"bias": False}),
            (", depthwise", {"depthwise": True}),
        )
    ),
    *(
        Case(
            f"conv_transpose{n}d{kind}",
            function,
            tensors(n, transposed=True, **options),
            transposed_by_loops,
            transposed_arguments,
        )
        for n, function in ((1, F.conv_transpose1d), (2, F.conv_transpose2d))
        for kind, options in (
            ("", {}),
            (" without a bias", {"bias": False}),
            (", depthwise", {"depthwise": True}),
        )
    ),
]
test_functions = property_test(CASES)


# Blocks, memory, threads.

LARGER = [
    pytest.param((5, 3, 12, 20), (4, 3, 3, 3), {"padding": 1}, id="few channels"),
    pytest.param((5, 12, 9, 7), (6, 12, 3, 3), {"padding": (2, 1)}, id="many channels"),
    pytest.param((5, 12, 9, 8), (16, 12, 3, 2), {"stride": (2, 1), "padding": 2}, id="stride"),
    pytest.param((4, 10, 9, 8), (6, 10, 3, 3), {"dilation": (2, 3), "padding": 3}, id="dilation"),
    pytest.param((4, 20, 9, 8), (6, 10, 3, 3), {"groups": 2, "padding": 1}, id="groups"),
    pytest.param((4, 6, 9, 8), (6, 1, 3, 3), {"groups": 6, "padding": 1}, id="depthwise"),
    pytest.param((4, 6, 9, 8), (6, 1, 3, 3), {"groups": 6, "stride": 2}, id="depthwise, stride"),
    pytest.param((4, 10, 9, 8), (6, 10, 1, 1), {}, id="1×1"),
    pytest.param((4, 10, 9, 8), (6, 10, 1, 1), {"stride": 2, "padding": 1}, id="1×1, stride"),
    pytest.param((3, 8, 4, 4), (8, 8, 2, 2), {"padding": 5}, id="windows of the border alone"),
]


@pytest.mark.parametrize(("shape", "kernel", "kwargs"), LARGER)
@pytest.mark.parametrize("block", [1, 3_000, 20_000])
def test_blocks_do_not_change_the_result(shape, kernel, kwargs, block, monkeypatch):
    def run():
        x, w = (tg.tensor(spread(s, i), requires_grad=True) for i, s in enumerate((shape, kernel)))
        b = tg.tensor(spread(kernel[:1]), requires_grad=True)
        y = F.conv2d(x, w, b, **kwargs)
        y.backward(tg.tensor(spread(y.shape, 3)))
        z = F.conv_transpose2d(y.detach(), w, **{**kwargs, "output_padding": 0})
        return [t.numpy() for t in (y.detach(), x.grad, w.grad, b.grad, z.detach())]

    whole = run()
    monkeypatch.setattr(columns, "BLOCK", block)
    monkeypatch.setattr(convolution_kernels, "SMALL", 40_000)  # products in parts
    for mine, expected in zip(run(), whole, strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(
        whole[0], by_loops(spread(shape, 0), spread(kernel, 1), spread(kernel[:1]), **kwargs)
    )


def test_products_in_parts_are_those_of_the_whole(monkeypatch):
    x, w = spread((2, 8, 30, 30)), spread((3, 8, 3, 3))
    whole = F.conv2d(tg.tensor(x), tg.tensor(w)).numpy()
    monkeypatch.setattr(convolution_kernels, "SMALL", 100_000)
    assert convolution_kernels.parts(1568, 72 * 3) == 4
    assert convolution_kernels.parts(1567, 72 * 3) == 1, "a prime number has no equal parts"
    np.testing.assert_allclose(F.conv2d(tg.tensor(x), tg.tensor(w)).numpy(), whole, rtol=1e-12)


@pytest.mark.parametrize("channels", [2, 12])
def test_channels_last_images_give_the_same(channels):
    x, w = spread((2, channels, 6, 7)), tg.tensor(spread((3, channels, 3, 3)))
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    for kernel in (w, w[..., :1, :1]):
        for padding in (0, 1):
            expected = F.conv2d(tg.tensor(x), kernel, padding=padding)
            found = F.conv2d(tg.from_numpy(last), kernel, padding=padding)
            np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-12)


@pytest.mark.parametrize("channels", [1, 16])
def test_results_can_be_viewed_as_vectors_without_a_copy(channels):
    layer = nn.Conv2d(channels, 6, 3)
    y = layer(tg.ones(4, channels, 9, 9))
    assert y.is_contiguous()
    assert y.view(4, -1).shape == (4, 294)
    z = nn.ConvTranspose2d(channels, 6, 3)(tg.ones(4, channels, 9, 9))
    assert z.is_contiguous()


def test_gradients_of_weights_are_contiguous():
    w = tg.ones(3, 16, 3, 3, requires_grad=True)
    F.conv2d(tg.ones(2, 16, 5, 5), w).sum().backward()
    assert w.grad.is_contiguous()


def test_a_convolution_is_one_node_and_saves_no_columns():
    x, w = tg.ones(2, 1, 5, 5, requires_grad=True), tg.ones(3, 1, 3, 3, requires_grad=True)
    (node,) = operations(F.conv2d(x, w))
    assert node.name == "Convolution"
    kept = [value for value, *_ in node.saved.values() if value is not None]
    assert len(kept) == 2
    assert kept[0] is x.array
    assert kept[1] is w.array
    (node,) = operations(F.conv_transpose2d(x[0, 0].expand(3, 5, 5).detach(), w))
    assert node.name == "ConvolutionTranspose"


def test_only_what_is_asked_for_is_computed(monkeypatch):
    from tinygrad_edu.ops import convolution

    def refuse(*_):
        raise AssertionError("nobody asked for this gradient")

    w = tg.ones(3, 1, 3, 3, requires_grad=True)
    with monkeypatch.context() as patch:
        patch.setattr(convolution, "input_gradient", refuse)
        F.conv2d(tg.ones(2, 1, 5, 5), w).sum().backward()
    x = tg.ones(2, 1, 5, 5, requires_grad=True)
    monkeypatch.setattr(convolution, "weight_gradient", refuse)
    monkeypatch.setattr(convolution, "bias_gradient", refuse)
    F.conv2d(x, w.detach(), tg.ones(3)).sum().backward()
    assert x.grad.sum() == 2 * 3 * 9 * 9


def test_memory_of_a_convolution_stays_far_below_that_of_its_columns():
    import tracemalloc

    x, w = tg.ones(64, 8, 32, 32), tg.ones(8, 8, 5, 5, requires_grad=True)
    tracemalloc.start()
    try:
        y = F.conv2d(x, w, padding=2)
        y.backward(y.detach())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * y.array.nbytes  # the columns: 25 times
    assert w.grad is not None


def test_threads_do_not_share_memory():
    x, w = tg.tensor(spread((6, 12, 12, 12))), tg.tensor(spread((8, 12, 3, 3)))
    expected = F.conv2d(x, w).numpy()
    wrong = []

    def work():
        results = [F.conv2d(x, w).numpy() for _ in range(10)]
        wrong.extend(y for y in results if not np.array_equal(y, expected))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# Sizes at the edge, types.


@pytest.mark.parametrize("function", [F.conv2d, F.conv_transpose2d])
@pytest.mark.parametrize(("channels", "groups"), [(2, 1), (12, 1), (4, 4)])
def test_no_samples(function, channels, groups):
    x = tg.ones(0, channels, 5, 6, requires_grad=True)
    w = tg.ones(channels, channels // groups, 3, 3, requires_grad=True)
    b = tg.ones(channels, requires_grad=True)
    y = function(x, w, b, groups=groups)
    assert y.shape == (0, channels, *((3, 4) if function is F.conv2d else (7, 8)))
    grads = tg.autograd.grad(y.sum(), [x, w, b], create_graph=True)
    assert [g.shape for g in grads] == [x.shape, w.shape, b.shape]
    y.sum().backward()
    assert x.grad.shape == x.shape
    assert not w.grad.any()
    assert not b.grad.any()


def test_integers_are_convolved_exactly():
    x = tg.arange(20).reshape(1, 4, 5)
    w = tg.tensor([[[[1, -1]]]])
    assert F.conv2d(x, w).tolist() == [[[-1] * 4] * 4]
    assert F.conv2d(x, w).dtype == tg.int64


def test_infinities_do_not_warn():
    x = tg.tensor([[[np.inf, -np.inf, 1.0]]], requires_grad=True)
    y = F.conv1d(x, tg.ones(1, 1, 2))
    assert y[0, 0, 0].isnan()
    y.sum().backward()


def test_same_keeps_the_size_and_pads_the_end_first():
    x = tg.tensor([[1.0, 2.0, 3.0]])
    w = tg.tensor([[[1.0, 10.0]]])
    assert F.conv1d(x, w, padding="same").tolist() == [[21.0, 32.0, 3.0]]


def test_the_root_has_the_functions_too():
    for name in ("conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"):
        assert getattr(tg, name) is getattr(F, name)
    assert not hasattr(F, "conv3d")


def test_a_transposed_convolution_is_the_gradient_of_a_convolution():
    x = tg.tensor(spread((2, 3, 7, 8)), requires_grad=True)
    w = tg.tensor(spread((4, 3, 3, 2)))
    kwargs = {"stride": (2, 3), "padding": 1}
    y = F.conv2d(x, w, **kwargs)
    v = tg.tensor(spread(y.shape))
    (expected,) = tg.autograd.grad(y, x, v)
    found = F.conv_transpose2d(v, w, **kwargs, output_padding=(0, 2))
    np.testing.assert_allclose(found.numpy(), expected.numpy())


def test_a_convolution_checks_in_every_respect_with_many_channels():
    check_op(
        lambda x, w, b: F.conv2d(x, w, b, padding=1),
        spread((2, 9, 3, 3)),
        spread((9, 9, 2, 2)),
        spread((9,)),
        reference=lambda x, w, b: by_loops(x, w, b, padding=1),
        second_order=False,
    )


# Errors.

X, W = (2, 4, 5, 5), (6, 4, 3, 3)
REFUSED = [
    (
        X,
        (6, 3, 3, 3),
        {},
        r"weight of shape \(6, 3, 3, 3\) with groups=1 takes 3 channels, but the",
    ),
    (
        (2, 5, 5, 4),
        W,
        {},
        r"but the input .* has 5. Channels come before pixels: `x.movedim\(-1, -3",
    ),
    ((9, 5, 5), (6, 1, 3, 3), {}, r"Images of one channel are given it by `x.unsqueeze\(1\)`"),
    ((5, 5), (6, 1, 3, 3), {}, r"A single channel is given one by `x.unsqueeze\(0\)`"),
    ((1, *X), W, {}, r"\(N, C, H, W\) or \(C, H, W\), where N may be 0; got \(1, 2, 4, 5, 5\)"),
    ((2, 4, 0, 5), W, {"padding": 2}, r"where N may be 0; got \(2, 4, 0, 5\)"),
    (X, (6, 4, 3), {}, r"the weight has the shape \(O, C/groups, KH, KW\); got \(6, 4, 3\)"),
    (X, (0, 4, 3, 3), {}, r"the weight has the shape .* got \(0, 4, 3, 3\)"),
    (X, (6, 4, 0, 3), {}, r"the weight has the shape .* got \(6, 4, 0, 3\)"),
    (X, W, {"bias": (5,)}, r"gives 6 channels, so the bias has shape \(6,\); got \(5,\)"),
    (X, W, {"stride": 0}, "stride is positive; got 0"),
    (X, W, {"dilation": (1, 0)}, r"dilation is positive; got \(1, 0\)"),
    (X, W, {"padding": -1}, "padding is not negative; got -1"),
    (X, W, {"groups": 0}, "groups is positive and divides .* output channels, which is 6"),
    (X, W, {"groups": 4}, "got groups=4"),
    (X, (6, 2, 3, 3), {"groups": 3}, "with groups=3 takes 6 channels, but the input .* has 4"),
    (X, W, {"dilation": 3}, r"reaches over \(7, 7\) pixels \(size \(3, 3\), dilation \(3, 3\)\)"),
    (X, (6, 4, 6, 1), {}, r"the kernel is larger than the image: .* has \(5, 5\). Add padding"),
    (X, W, {"padding": "same", "stride": 2}, "padding='same' keeps the size, which a stride of 2"),
    (X, W, {"padding": "sam"}, "padding is 'same', 'valid' .* got 'sam'"),
    (X, W, {"stride": (1, 2, 3)}, r"stride must either be a single int, or a tuple of 2"),
]


@pytest.mark.parametrize(("shape", "weight", "kwargs", "message"), REFUSED)
def test_what_does_not_fit_is_refused(shape, weight, kwargs, message):
    kwargs = dict(kwargs)
    if "bias" in kwargs:
        kwargs["bias"] = tg.ones(kwargs["bias"])
    with pytest.raises(RuntimeError, match=f"^conv2d: .*{message}"):
        F.conv2d(tg.ones(shape), tg.ones(weight), **kwargs)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        (
            {"output_padding": 1},
            "smaller than the stride or the dilation; got output_padding=.1, 1",
        ),
        ({"output_padding": -1}, "output_padding is not negative; got -1"),
        ({"padding": 4}, r"padding=\(4, 4\) cuts off all of the result, whose size would be \(-1"),
        ({"groups": 3}, "divides the number of input channels, which is 4"),
        ({"bias": tg.ones(4)}, r"gives 3 channels, so the bias has shape \(3,\); got \(4,\)"),
    ],
)
def test_what_does_not_fit_a_transposed_convolution_is_refused(kwargs, message):
    with pytest.raises(RuntimeError, match=f"^conv_transpose2d: .*{message}"):
        F.conv_transpose2d(tg.ones(2, 4, 5, 5), tg.ones(4, 3, 3, 3), **kwargs)


def test_a_transposed_weight_has_the_inputs_first():
    with pytest.raises(RuntimeError, match=r"weight has the shape \(C, O/groups, K\); got"):
        F.conv_transpose1d(tg.ones(2, 4, 5), tg.ones(4, 3))
    with pytest.raises(RuntimeError, match=r"takes 3 channels, but the input of shape .* has 4"):
        F.conv_transpose1d(tg.ones(2, 4, 5), tg.ones(3, 4, 2))


def test_errors_of_one_dimension_name_one():
    with pytest.raises(
        RuntimeError, match=r"conv1d: the input has the shape \(N, C, L\) or \(C, L\)"
    ):
        F.conv1d(tg.ones(5), tg.ones(1, 1, 2))
    with pytest.raises(RuntimeError, match=r"reaches over \(4,\) pixels .* has \(3,\)"):
        F.conv1d(tg.ones(1, 3), tg.ones(1, 1, 4))


@pytest.mark.parametrize("function", [F.conv2d, F.conv_transpose2d])
def test_other_types_are_refused(function):
    x, w = tg.ones(1, 2, 4, 4), tg.ones(2, 2, 3, 3)
    with pytest.raises(
        RuntimeError, match=r"one type, .* got float64, float32. .*x.to\(tg.float32"
    ):
        function(x.double(), w)
    with pytest.raises(RuntimeError, match="got float32, float32, float64"):
        function(x, w, tg.ones(2, dtype=tg.float64))
    with pytest.raises(RuntimeError, match="one type, of numbers; got bool, bool"):
        function(x.bool(), w.bool())
    with pytest.raises(TypeError, match="the input is a tensor; got ndarray"):
        function(x.numpy(), w)
    with pytest.raises(TypeError, match="the bias is a tensor or None; got float"):
        function(x, w, 1.0)
    with pytest.raises(TypeError, match="stride is an integer"):
        function(x, w, stride=1.5)
    with pytest.raises(TypeError, match="groups is an integer; got float"):
        function(x, w, groups=1.0)


# Layers.


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.Conv1d(4, 6, 3), "Conv1d(4, 6, kernel_size=(3,), stride=(1,))"),
        (
            nn.Conv2d(4, 6, (3, 1), 2, 1, groups=2, bias=False, padding_mode="circular"),
            "Conv2d(4, 6, kernel_size=(3, 1), stride=(2, 2), padding=(1, 1), groups=2, bias=False, "
            "padding_mode=circular)",
        ),
        (
            nn.Conv2d(4, 6, 3, padding="same", dilation=2),
            "Conv2d(4, 6, kernel_size=(3, 3), stride=(1, 1), padding=same, dilation=(2, 2))",
        ),
        (
            nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, dilation=(1, 2)),
            "ConvTranspose2d(4, 6, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), "
            "dilation=(1, 2), output_padding=(1, 1))",
        ),
        (
            nn.ConvTranspose1d(4, 6, 2, groups=2),
            "ConvTranspose1d(4, 6, kernel_size=(2,), stride=(1,), groups=2)",
        ),
    ],
)
def test_layers_print_as_in_pytorch(layer, text):
    assert repr(layer) == text


@pytest.mark.parametrize(
    ("layer", "shape", "fan_in"),
    [
        (nn.Conv1d(40, 60, 5, groups=2), (60, 20, 5), 100),
        (nn.Conv2d(40, 50, (2, 5)), (50, 40, 2, 5), 400),
        (nn.ConvTranspose1d(60, 40, 5, groups=2), (60, 20, 5), 100),
        (nn.ConvTranspose2d(50, 40, (2, 5)), (50, 40, 2, 5), 400),
    ],
)
def test_layers_start_uniform_on_a_range_given_by_the_fan_in(layer, shape, fan_in):
    weight, bias = layer.weight.detach(), layer.bias.detach()
    assert weight.shape == shape
    assert bias.shape == (layer.out_channels,)
    bound = 1 / math.sqrt(fan_in)
    assert 0.98 * bound < weight.abs().max() <= bound
    assert abs(weight.std() * math.sqrt(3) / bound - 1) < 0.05
    assert 0.5 * bound < bias.abs().max() <= bound
    assert list(layer.state_dict()) == ["weight", "bias"]


def test_a_layer_without_bias():
    layer = nn.Conv2d(2, 3, 3, bias=False)
    assert layer.bias is None
    assert list(layer.state_dict()) == ["weight"]
    assert layer(tg.ones(1, 2, 3, 3)).shape == (1, 3, 1, 1)


def test_layers_take_a_type():
    layer = nn.Conv2d(2, 3, 3, dtype=tg.float64)
    assert layer.weight.dtype == layer.bias.dtype == tg.float64


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [(1, 2), "same"])
def test_padding_modes_pad_before_the_convolution(mode, padding):
    layer = nn.Conv2d(2, 3, (2, 4), padding=padding, padding_mode=mode)
    x = tg.tensor(spread((2, 2, 5, 6)), dtype=tg.float32)
    widths = (2, 2, 1, 1) if padding != "same" else (1, 2, 0, 1)
    expected = F.conv2d(F.pad(x, widths, mode), layer.weight, layer.bias)
    assert tg.equal(layer(x), expected)
    assert layer(x[0]).shape == layer(x).shape[1:]


def test_padding_modes_of_a_valid_convolution_pad_nothing():
    layer = nn.Conv1d(1, 1, 3, padding="valid", padding_mode="reflect")
    assert layer(tg.ones(1, 1, 5)).shape == (1, 1, 3)


def test_a_transposed_layer_leads_to_the_size_asked_for():
    layer = nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1)
    x = tg.ones(4, 2, 5, 5)
    for size in ((9, 10), (4, 3, 9, 10), tg.zeros(9, 10).shape):
        assert layer(x, output_size=size).shape == (4, 3, 9, 10)
    assert layer(x[0], output_size=(3, 10, 9)).shape == (3, 10, 9)
    expected = F.conv_transpose2d(x, layer.weight, layer.bias, 2, 1, (0, 1))
    assert tg.equal(layer(x, output_size=(9, 10)), expected)
    assert nn.ConvTranspose1d(2, 3, 3, 2)(tg.ones(2, 4), output_size=[10]).shape == (3, 10)
    with pytest.raises(ValueError, match=r"size of \(11, 10\) .* from \(9, 9\) to \(10, 10\)"):
        layer(x, output_size=(11, 10))
    with pytest.raises(ValueError, match="output_size has 2 or 4 numbers; got 3"):
        layer(x, output_size=(3, 9, 10))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Conv2d(4, 6, 3, groups=0), ValueError, "groups must be a positive integer"),
        (lambda: nn.Conv2d(4, 6, 3, groups=3), ValueError, "divisible by groups; got 4, 6 and"),
        (lambda: nn.Conv2d(4, 6, 3, groups=4), ValueError, "divisible by groups"),
        (lambda: nn.Conv2d(4, 6, 3, padding="sam"), ValueError, "invalid padding string 'sam'"),
        (
            lambda: nn.Conv2d(4, 6, 3, padding="same", stride=2),
            ValueError,
            "padding='same' is not supported for strided convolutions",
        ),
        (
            lambda: nn.Conv2d(4, 6, 3, padding_mode="mirror"),
            ValueError,
            "must be one of zeros, reflect, replicate, circular, but got padding_mode='mirror'",
        ),
        (
            lambda: nn.ConvTranspose2d(4, 6, 3, padding_mode="reflect"),
            ValueError,
            'only "zeros" padding mode is supported; got .reflect',
        ),
        (
            lambda: nn.ConvTranspose1d(4, 6, 3, padding="same"),
            ValueError,
            "padding is an integer or a tuple; got 'same'",
        ),
        (lambda: nn.Conv2d(4, 6, (3, 3, 3)), RuntimeError, "kernel_size must .* a tuple of 2"),
    ],
)
def test_layers_refuse_arguments_that_make_no_sense(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_small_network_of_convolutions_learns():
    rows = tg.zeros(8, 1, 6, 6)
    rows[:4, :, 2] = 1
    rows[4:, :, :, 2] = 1
    labels = tg.tensor([0] * 4 + [1] * 4)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 2)
    )
    optimizer = tg.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(20):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(rows), labels)
        loss.backward()
        optimizer.step()
    assert loss < 0.05
