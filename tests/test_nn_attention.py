"""scaled_dot_product_attention, multi_head_attention_forward and MultiheadAttention."""

import numpy as np
import pytest
from cases import Case, property_test
from hypothesis import strategies as st

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
from tinygrad_edu.testing import operations
from tinygrad_edu.testing.strategies import arrays, shapes, spread

sdpa = F.scaled_dot_product_attention

# One head.


@st.composite
def heads(draw, mask=None, batch=None):
    """Query, key, value, and a mask of numbers or booleans."""
    if batch is None:
        lead = draw(shapes(min_dims=0, max_dims=2, max_side=2))
        batch = (lead, lead, lead)
    queries, keys, size, width = (draw(st.integers(1, 3)) for _ in range(4))
    found = [
        draw(arrays((*lead, *shape), low=-1.5, high=1.5))
        for lead, shape in zip(batch, [(queries, size), (keys, size), (keys, width)], strict=True)
    ]
    if mask is not None:
        whole = (*np.broadcast_shapes(*batch[:2]), queries, keys)
        shape = draw(st.sampled_from([whole, (queries, keys), (1, keys), (queries, 1)]))
        allowed = draw(arrays(shape, low=-1.0, high=1.0))
        found.append(allowed if mask == "numbers" else allowed > -0.3)
    return tuple(found)


def reference(query, key, value, attn_mask=None, is_causal=False, scale=None, enable_gqa=False):
    """Query by query, as the formula says."""
    if enable_gqa:
        key, value = (np.repeat(x, query.shape[-3] // x.shape[-3], -3) for x in (key, value))
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    batch = np.broadcast_shapes(query.shape[:-2], key.shape[:-2], value.shape[:-2])
    query, key, value = (np.broadcast_to(x, batch + x.shape[-2:]) for x in (query, key, value))
    count, size = query.shape[-2], key.shape[-2]
    mask = np.zeros((*batch, count, size))
    if is_causal:
        mask = np.where(np.arange(size) > np.arange(count)[:, None], -np.inf, mask)
    if attn_mask is not None:
        numbers = np.where(attn_mask, 0, -np.inf) if attn_mask.dtype == bool else attn_mask
        mask = mask + numbers
    result = np.zeros((*batch, count, value.shape[-1]))
    for place in np.ndindex(*batch, count):
        e = np.exp(key[place[:-1]] @ query[place] * scale + mask[place])
        if e.sum() > 0:
            result[place] = e @ value[place[:-1]] / e.sum()
    return result


OPTIONS = st.fixed_dictionaries({}, optional={"scale": st.just(0.7), "is_causal": st.booleans()})
CASES = [
    Case("attention", sdpa, heads(), reference, OPTIONS),
    Case("attention with numbers as mask", sdpa, heads("numbers"), reference),
    Case("attention with a boolean mask", sdpa, heads("booleans"), reference),
    Case("attention, broadcast", sdpa, heads("numbers", [(2, 1), (1, 2), (2, 2)]), reference),
    Case(
        "attention of shared heads",
        sdpa,
        heads(None, [(2, 4), (2, 2), (2, 2)]),
        reference,
        {"enable_gqa": True},
    ),
]


# Several heads.


@st.composite
def projected(draw, inputs):
    """Sequences (L, N, 4), the weight (12, 4) and bias of their maps, and those of the output."""
    batch = draw(st.integers(1, 2))
    lengths = [draw(st.integers(1, 3)) for _ in range(2)]
    sequences = [
        draw(arrays((lengths[min(i, 1)], batch, 4), low=-1, high=1)) for i in range(inputs)
    ]
    sizes = [(12, 4), (12,), (4, 4), (4,)]
    return (*sequences, *(draw(arrays(size, low=-1, high=1)) for size in sizes))


def self_attention(x, w, b, w_out, b_out, **options):
    return F.multi_head_attention_forward(
        x, x, x, 4, 2, w, b, None, None, False, 0.0, w_out, b_out, **options
    )


def cross_attention(query, memory, w, b, w_out, b_out, **options):
    return F.multi_head_attention_forward(
        query, memory, memory, 4, 2, w, b, None, None, False, 0.0, w_out, b_out, **options
    )


def attention_of_three(query, key, value, w, b, w_out, b_out):
    return F.multi_head_attention_forward(
        query, key, value, 4, 2, w, b, None, None, True, 0.0, w_out, b_out, need_weights=False
    )


def heads_reference(inputs, w, b, w_out, b_out, zero=False):
    """Head by head, for the sequences (L, N, 4)."""
    maps = [x @ w[4 * i : 4 * i + 4].T + b[4 * i : 4 * i + 4] for i, x in enumerate(inputs)]
    query, key, value = (x.transpose(1, 0, 2) for x in maps)
    if zero:
        key, value = (np.pad(x, [(0, 0), (0, 1), (0, 0)]) for x in (key, value))
    results, weights = [], []
    for part in (slice(0, 2), slice(2, 4)):
        e = np.exp(query[..., part] @ key[..., part].transpose(0, 2, 1) / np.sqrt(2))
        weights.append(e / e.sum(2, keepdims=True))
        results.append(weights[-1] @ value[..., part])
    result = np.concatenate(results, 2).transpose(1, 0, 2) @ w_out.T + b_out
    return result, np.stack(weights, 1)


def reference_with_weights(inputs, *parameters, need_weights=True, average_attn_weights=True):
    result, weights = heads_reference(inputs, *parameters)
    return result, weights.mean(1) if average_attn_weights else weights


WEIGHTS = st.fixed_dictionaries({"average_attn_weights": st.booleans()})
CASES += [
    Case(
        "self-attention of two heads",
        self_attention,
        projected(1),
        lambda x, *rest, **options: reference_with_weights([x] * 3, *rest, **options),
        WEIGHTS,
    ),
    Case(
        "cross-attention of two heads",
        cross_attention,
        projected(2),
        lambda x, y, *rest, **options: reference_with_weights([x, y, y], *rest, **options),
        WEIGHTS,
    ),
    Case(
        "self-attention without weights",
        lambda *x: self_attention(*x, need_weights=False)[0],
        projected(1),
        lambda x, *rest: heads_reference([x] * 3, *rest)[0],
    ),
    Case(
        "attention of three sequences and a zero",
        lambda *x: attention_of_three(*x)[0],
        projected(3),
        lambda x, y, z, *rest: heads_reference([x, y, z], *rest, zero=True)[0],
    ),
]

test_functions = property_test(CASES)


def test_attention_is_one_node():
    q, k, v = (tg.ones(2, 3, 4, requires_grad=True) for _ in range(3))
    assert [node.name for node in operations(sdpa(q, k, v))] == ["Attention"]


def test_a_query_that_sees_nothing_gets_0_with_a_finite_gradient():
    q, k, v = (tg.tensor(spread((3, 2), seed), requires_grad=True) for seed in range(3))
    mask = tg.tensor([[False] * 3, [True] * 3, [False, True, False]])
    for form in (mask, tg.zeros(3, 3).double().masked_fill(~mask, -np.inf)):
        for create_graph in (False, True):
            y = sdpa(q, k, v, form)
            assert y[0].tolist() == [0, 0]
            assert tg.equal(y[2], v[1])
            grads = tg.autograd.grad(y.square().sum(), [q, k, v], create_graph=create_graph)
            assert all(g.isfinite().all() for g in grads)
            assert grads[0][0].tolist() == [0, 0]


def test_attention_does_not_overflow():
    x = tg.full((1, 2, 2), 200.0)
    assert tg.equal(sdpa(x, x, x), x)


def test_a_causal_query_does_not_see_what_comes_later():
    q, k, v = (tg.tensor(spread((4, 3), seed)) for seed in range(3))
    y = sdpa(q, k, v, is_causal=True)
    later = v.clone()
    later[2:] = 100
    assert tg.equal(sdpa(q, k, later, is_causal=True)[:2], y[:2])
    mask = tg.ones(4, 4).bool().tril()
    assert tg.allclose(sdpa(q, k, v, mask), y)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 1, 3), (1, 0, 2, 3), (2, 0, 1, 3)])
def test_the_result_lies_in_memory_as_the_query_does(order):
    inverse = np.argsort(order)
    shape = (2, 3, 4, 5)
    q, k, v = (
        tg.from_numpy(
            np.ascontiguousarray(spread(shape, seed).transpose(order)).transpose(inverse)
        ).requires_grad_()
        for seed in range(3)
    )
    y = sdpa(q, k, v)
    y.sum().backward()
    assert y.stride() == q.stride() == q.grad.stride()
    np.testing.assert_allclose(
        y.detach().numpy(), reference(*(x.detach().numpy() for x in (q, k, v)))
    )


def test_dropout_drops_weights_and_keeps_their_mean():
    q, k, v = tg.zeros(1, 4), tg.zeros(4000, 4), tg.ones(4000, 1)
    y = sdpa(q, k, v, dropout_p=0.25)
    assert 0 < abs(y.item() - 1) < 0.05
    assert sdpa(q, k, v, dropout_p=1.0).tolist() == [[0]]
    same = [sdpa(q, k, v, dropout_p=0.5, generator=tg.Generator().manual_seed(1)) for _ in range(2)]
    assert tg.equal(*same)


def test_dropout_has_the_gradient_of_its_plain_composition():
    q, k, v = (tg.tensor(spread((3, 4), s, low=-1, high=1), requires_grad=True) for s in range(3))

    def gradients(create_graph):
        y = sdpa(q, k, v, dropout_p=0.4, generator=tg.Generator().manual_seed(3))
        return tg.autograd.grad(y.square().sum(), [q, k, v], create_graph=create_graph)

    for fused, plain in zip(gradients(False), gradients(True), strict=True):
        np.testing.assert_allclose(fused.numpy(), plain.detach().numpy(), rtol=1e-9, atol=1e-12)
    assert tg.autograd.gradcheck(
        lambda *x: sdpa(*x, dropout_p=0.4, generator=tg.Generator().manual_seed(3)), (q, k, v)
    )


X = tg.ones(2, 3, 4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: sdpa(X, X, X.numpy()), TypeError, "are tensors; got ndarray"),
        (lambda: sdpa(X, X.double(), X), RuntimeError, "float32, float64, float32"),
        (lambda: sdpa(X.long(), X.long(), X.long()), RuntimeError, "same floating dtype"),
        (lambda: sdpa(X[0, 0], X, X), RuntimeError, "at least 2-dimensional"),
        (lambda: sdpa(X, X[..., :2], X), RuntimeError, r"got \(2, 3, 4\), \(2, 3, 2\) and"),
        (lambda: sdpa(X, X[:, :2], X), RuntimeError, r"key \(..., S, E\) and value"),
        (lambda: sdpa(tg.ones(3, 3, 4), X, X), RuntimeError, "pass enable_gqa=True"),
        (lambda: sdpa(X, X, X, tg.ones(3, 3), is_causal=True), RuntimeError, "should not be set"),
        (lambda: sdpa(X, X, X, tg.ones(3, 3).long()), RuntimeError, "boolean or .* got int64"),
        (lambda: sdpa(X, X, X, tg.ones(2, 3)), RuntimeError, r"\(2, 3\) cannot be broadcast"),
        (lambda: sdpa(X, X, X, tg.ones(5, 2, 3, 3)), RuntimeError, r"to the scores, \(2, 3, 3\)"),
        (lambda: sdpa(X, X, X, dropout_p=1.5), RuntimeError, "between 0 and 1, but got 1.5"),
        (
            lambda: sdpa(tg.ones(5, 3, 4), X, X, enable_gqa=True),
            RuntimeError,
            r"must divide that of the query; got query \(5, 3, 4\)",
        ),
    ],
)
def test_attention_refuses_what_does_not_fit(call, error, message):
    with pytest.raises(error, match=message):
        call()


# The layer.


def made(*args, **kwargs):
    """A layer in float64 whose biases are not 0."""
    layer = nn.MultiheadAttention(*args, dtype=tg.float64, **kwargs)
    with tg.no_grad():
        for index, parameter in enumerate(layer.parameters()):
            parameter.copy_(tg.tensor(spread(parameter.shape, index, low=-1, high=1)))
    return layer


def sequence(*shape, seed=0):
    return tg.tensor(spread(shape, seed, low=-1, high=1))


def close(x, y):
    np.testing.assert_allclose(x.detach().numpy(), y.detach().numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"]),
        ({"bias": False}, ["in_proj_weight", "out_proj.weight"]),
        (
            {"kdim": 3, "vdim": 5, "add_bias_kv": True},
            [
                "q_proj_weight",
                "k_proj_weight",
                "v_proj_weight",
                "in_proj_bias",
                "bias_k",
                "bias_v",
                "out_proj.weight",
                "out_proj.bias",
            ],
        ),
    ],
)
def test_parameters_have_the_names_of_pytorch(options, names):
    layer = nn.MultiheadAttention(4, 2, **options)
    assert list(layer.state_dict()) == names
    if layer.in_proj_bias is not None:
        assert not layer.in_proj_bias.any()
        assert not layer.out_proj.bias.any()


def test_the_first_weights_are_those_of_xavier():
    layer = nn.MultiheadAttention(40, 4)
    bound = (6 / (40 + 120)) ** 0.5
    assert layer.in_proj_weight.abs().max().item() == pytest.approx(bound, rel=0.01)


def test_batch_first_only_changes_the_order_of_the_dimensions():
    first, second = made(6, 3), made(6, 3, batch_first=True)
    second.load_state_dict(first.state_dict())
    query, memory = sequence(4, 2, 6), sequence(5, 2, 6, seed=1)
    for arguments in ((query, memory, memory), (query, query, query)):
        for options in ({}, {"need_weights": False}, {"average_attn_weights": False}):
            a, weights = first(*arguments, **options)
            b, others = second(*(x.transpose(0, 1) for x in arguments), **options)
            close(a, b.transpose(0, 1))
            assert (weights is None) == (others is None)
            if weights is not None:
                close(weights, others)


def test_equal_inputs_give_the_same_as_the_same_input():
    layer, x = made(4, 2), sequence(3, 2, 4)
    result, _ = layer(x, x, x)
    close(result, layer(x, x.clone(), x.clone())[0])
    y = x.clone()
    close(result, layer(x, y, y)[0])


@pytest.mark.parametrize("batch_first", [False, True])
def test_one_sequence_is_a_batch_of_one(batch_first):
    layer = made(4, 2, batch_first=batch_first)
    query, memory = sequence(3, 4), sequence(5, 4, seed=1)
    at = 0 if batch_first else 1
    padding = tg.tensor([False, True, False, False, True])
    result, weights = layer(query, memory, memory, key_padding_mask=padding)
    batched, others = layer(
        query.unsqueeze(at),
        memory.unsqueeze(at),
        memory.unsqueeze(at),
        key_padding_mask=padding.unsqueeze(0),
    )
    close(result, batched.squeeze(at))
    close(weights, others[0])
    assert weights.shape == (3, 5)


@pytest.mark.parametrize("need_weights", [True, False])
def test_padded_keys_do_not_count(need_weights):
    layer, query, memory = made(4, 2), sequence(3, 2, 4), sequence(5, 2, 4, seed=1)
    padding = tg.tensor([[False] * 5, [False] * 3 + [True] * 2])
    masks = [padding, tg.zeros(2, 5).double().masked_fill(padding, -np.inf)]
    for mask in masks:
        result, _ = layer(query, memory, memory, mask, need_weights)
        close(result[:, 0], layer(query, memory, memory, None, need_weights)[0][:, 0])
        short = memory[:3]
        close(result[:, 1], layer(query, short, short, None, need_weights)[0][:, 1])


@pytest.mark.parametrize("need_weights", [True, False])
def test_masks_of_all_forms_agree(need_weights):
    layer, x = made(4, 2), sequence(3, 2, 4)
    hidden = tg.ones(3, 3).bool().triu(1)
    numbers = tg.zeros(3, 3).double().masked_fill(hidden, -np.inf)
    padding = tg.zeros(2, 3).bool()
    results = [
        layer(x, x, x, attn_mask=mask, need_weights=need_weights, **options)[0]
        for mask, options in [
            (hidden, {}),
            (numbers, {}),
            (hidden, {"is_causal": True}),
            (hidden, {"key_padding_mask": padding}),
            (hidden, {"key_padding_mask": padding, "is_causal": True}),
            (hidden.expand(4, 3, 3), {}),
            (numbers.expand(4, 3, 3), {"key_padding_mask": padding.double()}),
        ]
    ]
    for result in results[1:]:
        close(result, results[0])
    assert not np.allclose(results[0].detach().numpy(), layer(x, x, x)[0].detach().numpy())


def test_a_mask_may_differ_between_heads_and_learn():
    layer, x = made(4, 2), sequence(3, 1, 4)
    mask = tg.zeros(2, 3, 3).double()
    mask[1, :, 0] = -np.inf
    _, weights = layer(x, x, x, attn_mask=mask, average_attn_weights=False)
    assert weights[0, 0, :, 0].all()
    assert not weights[0, 1, :, 0].any()
    learned = tg.zeros(3, 3).double().requires_grad_()
    found = []
    for need_weights in (True, False):
        result, _ = layer(x, x, x, attn_mask=learned, need_weights=need_weights)
        found += tg.autograd.grad(result.square().sum(), learned)
    close(*found)
    assert found[0].any()


def test_appended_keys_and_values_take_part():
    layer, x = made(4, 2, add_bias_kv=True, add_zero_attn=True), sequence(3, 2, 4)
    mask = tg.ones(3, 3).bool().triu(1)
    for options in ({}, {"attn_mask": mask}, {"key_padding_mask": tg.zeros(2, 3).bool()}):
        result, weights = layer(x, x, x, **options)
        assert weights.shape == (2, 3, 5)
        assert weights[..., 3:].all()
        close(result, layer(x, x, x, need_weights=False, **options)[0])
    result.sum().backward()
    assert layer.bias_k.grad.any()
    assert layer.bias_v.grad.any()


def test_keys_and_values_may_have_other_sizes():
    layer = made(4, 2, kdim=3, vdim=5)
    result, weights = layer(sequence(2, 3, 4), sequence(6, 3, 3), sequence(6, 3, 5))
    assert result.shape == (2, 3, 4)
    assert weights.shape == (3, 2, 6)
    np.testing.assert_allclose(weights.sum(2).detach().numpy(), 1)


def test_keys_and_values_may_be_projected_before():
    x, w = sequence(3, 2, 4), sequence(12, 4, seed=1)
    out = tg.eye(4).double()

    def run(**options):
        return F.multi_head_attention_forward(
            x, x, x, 4, 2, w, None, None, None, False, 0.0, out, None, **options
        )[0]

    keys, values = ((x @ w[4 * i : 4 * i + 4].T).reshape(3, 4, 2).transpose(0, 1) for i in (1, 2))
    close(run(), run(static_k=keys, static_v=values))
    with pytest.raises(AssertionError, match=r"static_k has shape .* = \(4, S, 2\); got \(2, 3"):
        run(static_k=keys[:2])


def test_dropout_of_the_layer_works_while_training_only():
    layer, x = made(4, 2, dropout=0.5), sequence(3, 2, 4)
    for need_weights in (True, False):
        assert not tg.equal(*(layer.train()(x, x, x, None, need_weights)[0] for _ in range(2)))
        assert tg.equal(*(layer.eval()(x, x, x, None, need_weights)[0] for _ in range(2)))
    _, weights = layer.train()(x, x, x)
    assert (weights == 0).any()


def test_gradients_do_not_depend_on_the_weights_being_asked_for():
    layer, query, memory = made(4, 2), sequence(3, 2, 4), sequence(5, 2, 4, seed=1)
    found = []
    for need_weights in (True, False):
        layer.zero_grad()
        layer(query, memory, memory, None, need_weights)[0].square().sum().backward()
        found.append([parameter.grad for parameter in layer.parameters()])
    for x, y in zip(*found, strict=True):
        close(x, y)


def test_a_batch_of_no_sequences():
    layer = nn.MultiheadAttention(4, 2)
    x = tg.ones(3, 0, 4, requires_grad=True)
    for need_weights in (True, False):
        result, _ = layer(x, x, x, need_weights=need_weights)
        result.sum().backward()
        assert result.shape == x.grad.shape == (3, 0, 4)


S = tg.ones(3, 2, 4)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((S[0, 0], S, S), {}, AssertionError, r"the query is \(L, E\), or a batch .* got shape"),
        ((S, S[0], S[0]), {}, AssertionError, "for a query of 3 dimensions, key and value have 3"),
        ((S[..., :2], S, S), {}, AssertionError, "expected 4 features; got 2"),
        ((S, S, S[:2]), {}, AssertionError, "key and value do not fit"),
        ((S, S[:, :1], S[:, :1]), {}, RuntimeError, "2 samples in its batch, key and value 1"),
        ((S, S, S), {"attn_mask": tg.ones(2, 3)}, RuntimeError, r"\(3, 3\) or \(4, 3, 3\); got"),
        ((S, S, S), {"attn_mask": tg.ones(3)}, AssertionError, r"attn_mask is \(L, S\) or"),
        ((S, S, S), {"attn_mask": tg.ones(3, 3).long()}, AssertionError, "only bool and floating"),
        ((S, S, S), {"attn_mask": tg.ones(3, 3).double()}, RuntimeError, "Convert it: `mask.to"),
        ((S, S, S), {"key_padding_mask": tg.ones(3, 2)}, AssertionError, r"= \(2, 3\); got \(3, 2"),
        (
            (S, S, S),
            {"key_padding_mask": tg.ones(3)},
            AssertionError,
            r"key_padding_mask is \(N, S",
        ),
        ((S, S, S), {"is_causal": True}, RuntimeError, "a hint about attn_mask"),
    ],
)
def test_the_layer_refuses_what_does_not_fit(arguments, options, error, message):
    with pytest.raises(error, match=message):
        nn.MultiheadAttention(4, 2)(*arguments, **options)


def test_sizes_are_checked_when_the_layer_is_made():
    with pytest.raises(ValueError, match="greater than 0; got embed_dim=4 and num_heads=0"):
        nn.MultiheadAttention(4, 0)
    with pytest.raises(AssertionError, match="divisible by num_heads; got embed_dim=4 and num_he"):
        nn.MultiheadAttention(4, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"in_proj_weight": None}, "in_proj_weight is None"),
        ({"use_separate_proj_weight": True}, "q_proj_weight is None"),
        ({"num_heads": 3}, "cannot be divided among 3 heads"),
        ({"bias_k": tg.ones(1, 1, 4)}, "give bias_k and bias_v, or neither"),
        (
            {
                "bias_k": tg.ones(1, 1, 4),
                "bias_v": tg.ones(1, 1, 4),
                "static_k": tg.ones(4, 3, 2),
            },
            "bias_k and static_k exclude each other",
        ),
    ],
)
def test_the_function_refuses_parameters_that_do_not_fit(changes, message):
    options = {
        "embed_dim_to_check": 4,
        "num_heads": 2,
        "in_proj_weight": tg.ones(12, 4),
        "in_proj_bias": None,
        "bias_k": None,
        "bias_v": None,
        "add_zero_attn": False,
        "dropout_p": 0.0,
        "out_proj_weight": tg.ones(4, 4),
        "out_proj_bias": None,
    }
    with pytest.raises(AssertionError, match=message):
        F.multi_head_attention_forward(S, S, S, **{**options, **changes})
