"""The transformer's layers, its encoder, its decoder, and both together."""

import numpy as np
import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
from tinygrad_edu.testing.strategies import spread

SIZES = {"d_model": 4, "nhead": 2, "dim_feedforward": 6}


def made(cls, *args, **kwargs):
    """A module in float64 without dropout, whose biases are not 0."""
    module = cls(*args, dropout=0.0, dtype=tg.float64, **kwargs)
    with tg.no_grad():
        for index, parameter in enumerate(module.parameters()):
            parameter.copy_(tg.tensor(spread(parameter.shape, index, low=-1, high=1)))
    return module


def sequence(*shape, seed=0):
    return tg.tensor(spread(shape, seed))


def close(x, y):
    np.testing.assert_allclose(x.detach().numpy(), y.detach().numpy(), rtol=1e-8, atol=1e-10)


LINEAR = [f"linear{i}.{name}" for i in (1, 2) for name in ("weight", "bias")]


def attention(name):
    parts = ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")
    return [f"{name}.{part}" for part in parts]


def norms(count):
    return [f"norm{i + 1}.{name}" for i in range(count) for name in ("weight", "bias")]


def test_parameters_have_the_names_of_pytorch():
    encoder = [*attention("self_attn"), *LINEAR, *norms(2)]
    decoder = [*attention("self_attn"), *attention("multihead_attn"), *LINEAR, *norms(3)]
    assert list(nn.TransformerEncoderLayer(**SIZES).state_dict()) == encoder
    assert list(nn.TransformerDecoderLayer(**SIZES).state_dict()) == decoder
    expected = []
    for part, names in (("encoder", encoder), ("decoder", decoder)):
        expected += [f"{part}.layers.{i}.{name}" for i in range(2) for name in names]
        expected += [f"{part}.norm.weight", f"{part}.norm.bias"]
    net = nn.Transformer(4, 2, 2, 2, dim_feedforward=6)
    assert list(net.state_dict()) == expected


def test_without_bias_no_part_has_one():
    for cls in (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer):
        names = [name for name, _ in cls(**SIZES, bias=False).named_parameters()]
        assert not any("bias" in name for name in names)
        assert any("norm1.weight" in name for name in names)


# The formulas.


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize(
    ("activation", "function"), [("relu", F.relu), ("gelu", F.gelu), (F.silu, F.silu)]
)
def test_an_encoder_layer_is_attention_and_two_linear_maps(norm_first, activation, function):
    layer = made(nn.TransformerEncoderLayer, **SIZES, norm_first=norm_first, activation=activation)
    x = sequence(5, 3, 4)

    def feed_forward(x):
        return layer.linear2(function(layer.linear1(x)))

    def attend(x):
        return layer.self_attn(x, x, x)[0]

    if norm_first:
        y = x + attend(layer.norm1(x))
        y = y + feed_forward(layer.norm2(y))
    else:
        y = layer.norm1(x + attend(x))
        y = layer.norm2(y + feed_forward(y))
    close(layer(x), y)


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_decoder_layer_looks_at_itself_and_at_the_memory(norm_first):
    layer = made(nn.TransformerDecoderLayer, **SIZES, norm_first=norm_first)
    x, memory = sequence(4, 3, 4), sequence(5, 3, 4, seed=1)

    def parts():
        yield lambda x: layer.self_attn(x, x, x)[0]
        yield lambda x: layer.multihead_attn(x, memory, memory)[0]
        yield lambda x: layer.linear2(F.relu(layer.linear1(x)))

    y = x
    for part, norm in zip(parts(), (layer.norm1, layer.norm2, layer.norm3), strict=True):
        y = y + part(norm(y)) if norm_first else norm(y + part(y))
    close(layer(x, memory), y)


def test_encoder_and_decoder_apply_their_layers_in_order():
    layer = made(nn.TransformerEncoderLayer, **SIZES)
    norm = nn.LayerNorm(4, dtype=tg.float64)
    encoder = nn.TransformerEncoder(layer, 2, norm)
    x = sequence(5, 3, 4)
    close(encoder(x), norm(layer(layer(x))))
    assert nn.TransformerEncoder(layer, 2)(x).shape == (5, 3, 4)
    layer = made(nn.TransformerDecoderLayer, **SIZES)
    y = sequence(2, 3, 4, seed=1)
    close(nn.TransformerDecoder(layer, 2, norm)(y, x), norm(layer(layer(y, x), x)))
    close(nn.TransformerDecoder(layer, 2)(y, x), layer(layer(y, x), x))


def test_layers_are_copies_that_learn_by_themselves():
    layer = nn.TransformerEncoderLayer(**SIZES)
    first, second = nn.TransformerEncoder(layer, 2).layers
    assert tg.equal(first.linear1.weight, second.linear1.weight)
    assert first.linear1.weight is not second.linear1.weight
    assert first.linear1.weight is not layer.linear1.weight


def test_the_transformer_is_its_encoder_and_its_decoder():
    net = made(nn.Transformer, 4, 2, 1, 1, dim_feedforward=6)
    src, tgt = sequence(5, 3, 4), sequence(2, 3, 4, seed=1)
    close(net(src, tgt), net.decoder(tgt, net.encoder(src)))
    bound = (6 / (4 + 6)) ** 0.5
    weight = nn.Transformer(4, 2, 1, 1, dim_feedforward=6).encoder.layers[0].linear1.weight
    assert weight.abs().max().item() <= bound


def test_encoder_and_decoder_may_be_replaced():
    class Mean(nn.Module):
        def forward(self, src, mask=None, src_key_padding_mask=None, is_causal=None):
            return src.mean(0, keepdim=True)

    net = made(nn.Transformer, 4, 2, 1, 1, dim_feedforward=6, custom_encoder=Mean())
    src, tgt = sequence(5, 3, 4), sequence(2, 3, 4, seed=1)
    close(net(src, tgt), net.decoder(tgt, src.mean(0, keepdim=True)))


# Orders of dimensions, masks.


def transposed(*tensors):
    return [x.transpose(0, 1) for x in tensors]


def test_batch_first_only_changes_the_order_of_the_dimensions():
    src, tgt = sequence(5, 3, 4), sequence(2, 3, 4, seed=1)
    first = made(nn.Transformer, 4, 2, 1, 1, dim_feedforward=6)
    second = made(nn.Transformer, 4, 2, 1, 1, dim_feedforward=6, batch_first=True)
    close(first(src, tgt), second(*transposed(src, tgt)).transpose(0, 1))
    close(first(src, tgt)[:, 1], first(src[:, 1], tgt[:, 1]))
    close(first(src, tgt)[:, 1], second(src[:, 1], tgt[:, 1]))


@pytest.mark.parametrize("norm_first", [False, True])
def test_padding_does_not_change_the_rest(norm_first):
    net = made(nn.Transformer, 4, 2, 2, 2, dim_feedforward=6, norm_first=norm_first)
    src, tgt = sequence(5, 2, 4), sequence(4, 2, 4, seed=1)
    of_src = tg.tensor([[False] * 5, [False] * 3 + [True] * 2])
    of_tgt = tg.tensor([[False] * 4, [False] * 2 + [True] * 2])
    y = net(
        src,
        tgt,
        src_key_padding_mask=of_src,
        tgt_key_padding_mask=of_tgt,
        memory_key_padding_mask=of_src,
    )
    close(y[:, :1], net(src[:, :1], tgt[:, :1]))
    close(y[:2, 1:], net(src[:3, 1:], tgt[:2, 1:]))


@pytest.mark.parametrize("hint", [None, True, False])
def test_with_a_causal_mask_the_past_does_not_depend_on_the_future(hint):
    net = made(nn.Transformer, 4, 2, 1, 2, dim_feedforward=6)
    src, tgt = sequence(3, 2, 4), sequence(4, 2, 4, seed=1)
    mask = net.generate_square_subsequent_mask(4, dtype=tg.float64)
    y = net(src, tgt, tgt_mask=mask, tgt_is_causal=hint)
    changed = tgt.clone()
    changed[2:] += 1
    other = net(src, changed, tgt_mask=mask, tgt_is_causal=hint)
    close(y[:2], other[:2])
    assert not np.allclose(y[2:].detach().numpy(), other[2:].detach().numpy())
    close(y, net(src, tgt, tgt_mask=tg.ones(4, 4).bool().triu(1)))


def test_the_memory_can_be_masked():
    layer = made(nn.TransformerDecoderLayer, **SIZES)
    x, memory = sequence(4, 2, 4), sequence(5, 2, 4, seed=1)
    mask = tg.zeros(4, 5).bool()
    mask[:, 3:] = True
    close(layer(x, memory, memory_mask=mask), layer(x, memory[:3]))
    encoder = made(nn.TransformerEncoderLayer, **SIZES)
    mask = tg.ones(4, 4).bool().triu(1)
    close(encoder(x, mask, is_causal=True), encoder(x, mask))


def test_the_subsequent_mask_hides_what_comes_later():
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    inf = float("inf")
    assert mask.tolist() == [[0, -inf, -inf], [0, 0, -inf], [0, 0, 0]]
    assert mask.dtype == tg.float32
    assert nn.Transformer.generate_square_subsequent_mask(2, dtype=tg.float64).dtype == tg.float64


# Gradients, training.


@pytest.mark.parametrize("norm_first", [False, True])
def test_gradients_agree_with_differences(norm_first):
    net = made(
        nn.Transformer, 4, 2, 1, 1, dim_feedforward=3, norm_first=norm_first, activation="gelu"
    )
    src, tgt = (sequence(3, 2, 4, seed=s).requires_grad_() for s in (1, 2))
    assert tg.autograd.gradcheck(lambda x, y: net(x, y).tanh().sum(), (src, tgt))
    mask = net.generate_square_subsequent_mask(3, dtype=tg.float64)
    assert tg.autograd.gradcheck(lambda x, y: net(x, y, tgt_mask=mask).tanh().sum(), (src, tgt))


def test_gradients_reach_every_parameter_and_can_be_differentiated():
    net = made(nn.Transformer, 4, 2, 1, 1, dim_feedforward=3)
    src, tgt = sequence(3, 2, 4), sequence(2, 2, 4, seed=1)
    first = tg.autograd.grad(
        net(src, tgt).square().sum(), list(net.parameters()), create_graph=True
    )
    second = tg.autograd.grad(
        sum(g.square().sum() for g in first), list(net.parameters()), allow_unused=True
    )
    assert all(g.isfinite().all() for g in first)
    assert sum(g is not None and bool(g.any()) for g in second) > 30


def test_dropout_works_while_training_only():
    layer = nn.TransformerEncoderLayer(**SIZES, dropout=0.5)
    x = tg.randn(5, 3, 4)
    assert not tg.equal(layer(x), layer(x))
    layer.eval()
    assert tg.equal(layer(x), layer(x))


def test_a_small_encoder_learns_to_find_the_largest_token():
    tg.manual_seed(1)
    table = nn.Embedding(6, 16)
    layer = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, batch_first=True)
    net = nn.Sequential(table, nn.TransformerEncoder(layer, 1))
    head = nn.Linear(16, 6)
    optimizer = tg.optim.Adam([*net.parameters(), *head.parameters()], lr=0.01)
    tokens = tg.randint(0, 6, (128, 5))
    target = tokens.amax(dim=1)
    for _ in range(60):
        optimizer.zero_grad()
        loss = F.cross_entropy(head(net(tokens).mean(dim=1)), target)
        loss.backward()
        optimizer.step()
    assert loss.dtype == tg.float32
    accuracy = (head(net(tokens).mean(dim=1)).argmax(1) == target).float().mean().item()
    assert accuracy > 0.95


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda net, x: net(x, x[:, :2]),
            RuntimeError,
            "batch number of src and tgt must be equal; got 3 and 2",
        ),
        (
            lambda net, x: net(x[..., :2], x),
            RuntimeError,
            r"must be equal to d_model, 4; got shapes \(5, 3, 2\)",
        ),
        (
            lambda net, x: nn.TransformerEncoderLayer(4, 2, activation="tanh"),
            RuntimeError,
            "activation should be 'relu', 'gelu' or a function of a tensor, not 'tanh'",
        ),
        (
            lambda net, x: net.encoder(x, is_causal=True),
            RuntimeError,
            "generate_square_subsequent_mask",
        ),
        (lambda net, x: nn.TransformerDecoderLayer(4, 3), AssertionError, "divisible by num_heads"),
    ],
)
def test_the_transformer_refuses_what_does_not_fit(call, error, message):
    with pytest.raises(error, match=message):
        call(nn.Transformer(4, 2, 1, 1, dim_feedforward=6), tg.ones(5, 3, 4))
