"""RNN, LSTM, GRU and their cells: kernels against the textbook, layers, directions, errors."""

import copy

import numpy as np
import pytest
from cases import Case, property_test
from hypothesis import strategies as st

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
from tinygrad_edu.autograd.graph import apply_multiple
from tinygrad_edu.ops import recurrent as kernels
from tinygrad_edu.testing import operations
from tinygrad_edu.testing.strategies import arrays

GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}
LAYERS = list(GATES)


@st.composite
def sequences(draw, kind, packed=False, projection=False, bias=True):
    """Input, first states and weights of one layer."""
    size, features = draw(st.integers(2, 3)), draw(st.integers(1, 2))
    rows, out = GATES[kind] * size, size - 1 if projection else size
    lead = (6,) if packed else (draw(st.integers(1, 3)), 3)
    shapes = [(*lead, features), (3, out)]
    if kind == "LSTM":
        shapes.append((3, size))
    shapes += [(rows, features), (rows, out)] + [(rows,), (rows,)] * bias
    if projection:
        shapes.append((out, size))
    return tuple(draw(arrays(shape, low=-1, high=1)) for shape in shapes)


def layer(kind, *, bias=True, projection=False, packed=False, **options):
    """One layer in one direction as a function of all its tensors, with all its results."""

    def function(*tensors, reverse=False):
        sizes = [3, 2, 1] if packed else None
        missing = [] if bias else [None, None]
        missing += [None] if kind == "LSTM" and not projection else []
        operation = getattr(kernels, kind)(reverse, sizes, **options)
        return apply_multiple(operation, *tensors, *missing)

    return function


REVERSE = st.fixed_dictionaries({"reverse": st.booleans()})
CASES = [
    *(Case(kind, layer(kind), sequences(kind), kwargs=REVERSE) for kind in LAYERS),
    *(
        Case(f"{kind} packed", layer(kind, packed=True), sequences(kind, True), kwargs=REVERSE)
        for kind in LAYERS
    ),
    *(
        Case(f"{kind} without biases", layer(kind, bias=False), sequences(kind, bias=False))
        for kind in LAYERS
    ),
    Case(
        "LSTM with a projection",
        layer("LSTM", projection=True),
        sequences("LSTM", projection=True),
        kwargs=REVERSE,
    ),
]
test_kernels = property_test(CASES)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def textbook_lstm(x, weight_ih, weight_hh, bias_ih, bias_hh):
    """Hochreiter and Schmidhuber, one step and one sample at a time."""
    size = weight_hh.shape[1]
    output = np.zeros((*x.shape[:2], size))
    for n in range(x.shape[1]):
        h, c = np.zeros(size), np.zeros(size)
        for t in range(x.shape[0]):
            gates = weight_ih @ x[t, n] + bias_ih + weight_hh @ h + bias_hh
            i, f, g, o = np.split(gates, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            output[t, n] = h
    return output


def test_the_lstm_computes_its_formula():
    lstm = nn.LSTM(3, 4, dtype=tg.float64)
    x = np.random.default_rng(0).normal(size=(5, 2, 3))
    output, (h, c) = lstm(tg.tensor(x))
    weights = [parameter.detach().numpy() for parameter in lstm.parameters()]
    np.testing.assert_allclose(output.detach().numpy(), textbook_lstm(x, *weights), rtol=1e-10)
    assert tg.equal(h[0], output[-1])
    assert c.shape == (1, 2, 4)


def test_the_gru_keeps_its_state_where_z_is_1_and_forgets_it_where_z_is_0():
    gru = nn.GRU(1, 2, dtype=tg.float64)
    with tg.no_grad():
        for parameter in gru.parameters():
            parameter.zero_()
        gru.bias_ih_l0.copy_(tg.tensor([0.0, 0.0, 1e3, -1e3, 0.5, 0.5]))
    h_0 = tg.tensor([[[0.25, 0.25]]], dtype=tg.float64)
    _, h_n = gru(tg.zeros(3, 1, 1, dtype=tg.float64), h_0)
    np.testing.assert_allclose(h_n.detach().numpy()[0, 0], [0.25, np.tanh(0.5)])


def test_relu_takes_the_place_of_tanh():
    rnn = nn.RNN(2, 3, nonlinearity="relu")
    output, _ = rnn(tg.randn(20, 4, 2))
    assert (output >= 0).all()
    assert (output == 0).any()


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_is_one_node_whatever_the_length(kind):
    network = getattr(nn, kind)(2, 3)
    output = network(tg.ones(50, 1, 2))[0]
    # The operation, and the one of its results that is used.
    assert [node.name for node in operations(output)] == [kind, kind]


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_is_the_loop_of_its_cell(kind):
    network, cell = getattr(nn, kind)(3, 4), getattr(nn, f"{kind}Cell")(3, 4)
    for name, parameter in cell.named_parameters():
        parameter.data = getattr(network, f"{name}_l0").detach().clone()
    x, state = tg.randn(6, 2, 3), None
    for step in x:
        state = cell(step, state)
    output, last = network(x)
    (state[0] if kind == "LSTM" else state).sum().backward()
    output[-1].sum().backward()
    for now, then in zip(
        state if kind == "LSTM" else [state], last if kind == "LSTM" else [last], strict=True
    ):
        np.testing.assert_allclose(now.detach().numpy(), then[0].detach().numpy(), atol=1e-6)
    for name, parameter in cell.named_parameters():
        expected = getattr(network, f"{name}_l0").grad.numpy()
        np.testing.assert_allclose(parameter.grad.numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("kind", LAYERS)
def test_the_way_back_is_the_way_forward_of_the_reversed_sequence(kind):
    both, one = getattr(nn, kind)(2, 3, bidirectional=True), getattr(nn, kind)(2, 3)
    for name, parameter in one.named_parameters():
        parameter.data = getattr(both, f"{name}_reverse").detach().clone()
    x = tg.randn(5, 2, 2)
    found, expected = both(x)[0][:, :, 3:], one(x.flip(0))[0].flip(0)
    np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), atol=1e-6)


@pytest.mark.parametrize("kind", LAYERS)
def test_batch_first_and_single_sequences_are_the_same_network(kind):
    network = getattr(nn, kind)(2, 3, num_layers=2, bidirectional=True)
    turned = copy.deepcopy(network)
    turned.batch_first = True
    x = tg.randn(5, 4, 2)
    output, last = network(x)
    other, other_last = turned(x.transpose(0, 1))
    assert tg.equal(output, other.transpose(0, 1))
    single, single_last = network(x[:, 1])
    np.testing.assert_allclose(
        single.detach().numpy(), output[:, 1].detach().numpy(), rtol=1e-5, atol=1e-6
    )
    if kind == "LSTM":
        (last, _), (other_last, _), (single_last, _) = last, other_last, single_last
    assert tg.equal(last, other_last)
    assert single_last.shape == (4, 3)
    np.testing.assert_allclose(single_last.detach().numpy(), last[:, 1].detach().numpy(), atol=1e-6)


def test_a_sequence_in_two_pieces_is_the_sequence():
    lstm = nn.LSTM(2, 3, num_layers=2)
    x = tg.randn(6, 2, 2)
    whole, (h, c) = lstm(x)
    first, state = lstm(x[:4])
    second, (h_2, c_2) = lstm(x[4:], state)
    np.testing.assert_allclose(
        whole.detach().numpy(), tg.cat([first, second]).detach().numpy(), atol=1e-6
    )
    assert tg.allclose(h, h_2, atol=1e-6)
    assert tg.allclose(c, c_2, atol=1e-6)


def test_dropout_acts_between_layers_while_training_and_only_there():
    network = nn.RNN(2, 3, num_layers=2, dropout=1.0)
    x = tg.randn(4, 2, 2)
    expected = nn.RNN(3, 3)
    for name, parameter in expected.named_parameters():
        parameter.data = getattr(network, name.replace("l0", "l1")).detach().clone()
    np.testing.assert_allclose(
        network(x)[0].detach().numpy(), expected(tg.zeros(4, 2, 3))[0].detach().numpy(), atol=1e-7
    )
    network.eval()
    again = copy.deepcopy(network)
    again.dropout = 0.0
    assert tg.equal(network(x)[0], again(x)[0])


def test_dropout_with_one_layer_warns():
    with pytest.warns(UserWarning, match=r"dropout=0.5 has no effect with num_layers=1") as caught:
        nn.GRU(2, 3, dropout=0.5)
    assert caught[0].filename == __file__


def test_parameters_have_the_names_and_shapes_of_pytorch():
    network = nn.LSTM(2, 4, num_layers=2, bidirectional=True, proj_size=3)
    shapes = {name: parameter.shape for name, parameter in network.named_parameters()}
    assert shapes["weight_ih_l0"] == (16, 2)
    assert shapes["weight_ih_l1_reverse"] == (16, 6)
    assert shapes["weight_hh_l1"] == (16, 3)
    assert shapes["bias_hh_l0_reverse"] == (16,)
    assert shapes["weight_hr_l0"] == (3, 4)
    assert len(shapes) == 20
    assert [len(weights) for weights in network.all_weights] == [5] * 4
    assert network.all_weights[1][0] is network.weight_ih_l0_reverse
    assert network.flatten_parameters() is None
    assert list(nn.GRU(2, 3, bias=False).state_dict()) == ["weight_ih_l0", "weight_hh_l0"]


def test_weights_start_uniform_within_one_over_the_root_of_the_hidden_size():
    for module in (nn.LSTM(10, 100), nn.GRUCell(10, 100)):
        for parameter in module.parameters():
            assert 0.09 < parameter.abs().max().item() <= 0.1
    before = module.weight_hh.detach().clone()
    module.reset_parameters()
    assert not tg.equal(before, module.weight_hh)


def test_the_layers_are_shown_as_in_pytorch():
    assert repr(nn.RNN(2, 3)) == "RNN(2, 3)"
    network = nn.LSTM(2, 4, 2, bias=False, batch_first=True, bidirectional=True, proj_size=3)
    assert repr(network) == (
        "LSTM(2, 4, proj_size=3, num_layers=2, bias=False, batch_first=True, bidirectional=True)"
    )
    assert repr(nn.RNNCell(2, 3, False, "relu")) == "RNNCell(2, 3, bias=False, nonlinearity=relu)"
    assert repr(nn.LSTMCell(2, 3)) == "LSTMCell(2, 3)"


def test_the_last_state_is_no_view_of_the_output():
    output, h_n = nn.GRU(2, 3)(tg.ones(4, 1, 2))
    assert not np.shares_memory(output.array, h_n.array)


def test_a_changed_output_is_noticed():
    output, _ = nn.RNN(2, 3)(tg.ones(4, 1, 2))
    output.mul_(2)
    with pytest.raises(RuntimeError, match="RNN was changed by an in-place operation"):
        output.sum().backward()


def test_nothing_is_computed_for_an_input_that_needs_no_gradient(monkeypatch):
    asked = []
    needs = kernels.GRU.needs
    monkeypatch.setattr(
        kernels.GRU, "needs", lambda self, i: asked.append((i, needs(self, i))) or needs(self, i)
    )
    nn.GRU(2, 3)(tg.ones(4, 1, 2))[0].sum().backward()
    assert (0, False) in asked
    assert (2, True) in asked


def test_recurrent_layers_of_no_samples():
    for kind in LAYERS:
        output, _ = getattr(nn, kind)(2, 3)(tg.ones(4, 0, 2))
        output.sum().backward()
        assert output.shape == (4, 0, 3)


def test_infinities_and_nan_pass_without_a_warning():
    for kind in LAYERS:
        output, _ = getattr(nn, kind)(1, 2)(tg.tensor([[[np.inf]], [[np.nan]], [[-np.inf]]]))
        assert output[1:].isnan().all()


def test_an_rnn_learns_to_remember_its_first_input():
    network, head = nn.LSTM(1, 16), nn.Linear(16, 1)
    optimizer = tg.optim.Adam([*network.parameters(), *head.parameters()], lr=0.02)
    for _ in range(80):
        x = (tg.rand(8, 32, 1) > 0.5).float()
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(head(network(x)[0][-1]), x[0])
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    assert loss.item() < 0.2


OPTIONS = [
    (nn.RNN, (2.0, 3), {}, TypeError, "RNN: input_size should be of type int, got: float"),
    (nn.RNN, (2, "3"), {}, TypeError, "hidden_size should be of type int, got: str"),
    (nn.GRU, (2, 3), {"bias": 1}, TypeError, "bias should be of type bool, got: int"),
    (nn.GRU, (2, 3), {"batch_first": None}, TypeError, "batch_first should be of type bool"),
    (nn.LSTM, (0, 3), {}, ValueError, "input_size must be greater than zero; got 0"),
    (nn.LSTM, (2, -1), {}, ValueError, "hidden_size must be greater than zero; got -1"),
    (nn.LSTM, (2, 3, 0), {}, ValueError, "num_layers must be greater than zero; got 0"),
    (nn.LSTM, (2, 3), {"dropout": 1.5}, ValueError, r"in range \[0, 1\], .*; got 1.5"),
    (nn.LSTM, (2, 3), {"dropout": "a"}, ValueError, "dropout should be a number"),
    (nn.LSTM, (2, 3), {"dropout": True}, ValueError, "dropout should be a number"),
    (nn.LSTM, (2, 3), {"proj_size": 3}, ValueError, "proj_size has to be smaller than hidden_size"),
    (nn.LSTM, (2, 3), {"proj_size": -1}, ValueError, "got -1 with hidden_size=3"),
    (nn.RNN, (2, 3), {"nonlinearity": "x"}, ValueError, "Unknown nonlinearity 'x'"),
    (nn.GRU, (2, 3), {"proj_size": 1}, TypeError, "proj_size"),
]


@pytest.mark.parametrize(("cls", "args", "kwargs", "error", "message"), OPTIONS)
def test_layers_refuse_options_that_mean_nothing(cls, args, kwargs, error, message):
    with pytest.raises(error, match=message):
        cls(*args, **kwargs)


def ones(*shape, **kwargs):
    return tg.ones(*shape, **kwargs)


FORWARD = [
    ("RNN", lambda m: m(ones(4)), ValueError, "Expected input to be 2D or 3D, got 1D"),
    ("RNN", lambda m: m(ones(4, 1, 5)), RuntimeError, "Expected 2, got 5: a batch has shape"),
    ("RNN", lambda m: m(ones(0, 1, 2)), RuntimeError, "sequence length to be larger than 0"),
    (
        "RNN",
        lambda m: m(ones(4, 1, 2).double()),
        ValueError,
        r"RNN input dtype \(float64\) does not match weight dtype \(float32\)",
    ),
    (
        "GRU",
        lambda m: m(ones(4, 5, 2), ones(1, 4, 3)),
        RuntimeError,
        r"GRU: Expected hidden size \(1, 5, 3\), got \(1, 4, 3\)",
    ),
    ("GRU", lambda m: m(ones(4, 2), ones(1, 4, 3)), RuntimeError, r"hidden size \(1, 3\), got"),
    ("GRU", lambda m: m(ones(4, 2), (ones(1, 3),)), TypeError, "hidden state is a tensor; got tu"),
    ("GRU", lambda m: m(ones(4, 2), ones(1, 3).double()), RuntimeError, "hidden is float64, the"),
    ("LSTM", lambda m: m(ones(4, 2), ones(1, 3)), TypeError, r"pair of tensors \(h_0, c_0\); got"),
    (
        "LSTM",
        lambda m: m(ones(4, 1, 2), (ones(1, 1, 3), ones(1, 2, 3))),
        RuntimeError,
        r"Expected hidden\[1\] size \(1, 1, 3\), got \(1, 2, 3\)",
    ),
    ("RNNCell", lambda m: m(ones(4, 1, 2)), ValueError, "to be 1D or 2D, got 3D .* nn.RNN"),
    ("RNNCell", lambda m: m(ones(4, 3)), RuntimeError, "input_size: got 3, expected 2"),
    ("RNNCell", lambda m: m(ones(4, 2).double()), RuntimeError, "input is float64, the weights"),
    ("GRUCell", lambda m: m(ones(4, 2), ones(5, 3)), RuntimeError, r"\(4, 3\) .*; got \(5, 3\)"),
    ("GRUCell", lambda m: m(ones(2), ones(1, 1, 3)), ValueError, "state 0 to be 1D or 2D, got 3D"),
    ("GRUCell", lambda m: m(ones(2), 1.0), TypeError, "a state is a tensor; got float"),
    ("LSTMCell", lambda m: m(ones(2), ones(3)), TypeError, r"pair of tensors \(h, c\)"),
]


@pytest.mark.parametrize(("name", "call", "error", "message"), FORWARD)
def test_layers_refuse_inputs_that_do_not_fit(name, call, error, message):
    with pytest.raises(error, match=message):
        call(getattr(nn, name)(2, 3))


def test_a_cell_refuses_a_nonlinearity_it_does_not_know():
    with pytest.raises(RuntimeError, match="Unknown nonlinearity 'sin'"):
        nn.RNNCell(2, 3, nonlinearity="sin")(tg.ones(2))


def test_the_base_class_has_no_kernel():
    with pytest.raises(NotImplementedError, match=r"use nn.RNN, nn.LSTM or nn.GRU"):
        nn.RNNBase("RNN_TANH", 2, 3)(tg.ones(4, 1, 2))
    assert nn.RNNCellBase(2, 3, True, num_chunks=2).weight_hh.shape == (6, 3)


@pytest.mark.torch
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", LAYERS)
def test_the_layers_agree_with_pytorch(kind, seed):
    import torch

    rng = np.random.default_rng(seed)
    layers, hidden = int(rng.integers(1, 4)), int(rng.integers(2, 5))
    options = {name: bool(rng.integers(2)) for name in ("bias", "batch_first", "bidirectional")}
    if kind == "LSTM" and rng.integers(2):
        options["proj_size"] = int(rng.integers(1, hidden))
    if kind == "RNN":
        options["nonlinearity"] = ["tanh", "relu"][rng.integers(2)]
    theirs = getattr(torch.nn, kind)(2, hidden, layers, dtype=torch.float64, **options)
    ours = getattr(nn, kind)(2, hidden, layers, dtype=tg.float64, **options)
    assert repr(ours) == repr(theirs)
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})
    x, lengths = rng.normal(size=(3, 4, 2)), rng.integers(1, 4, 4)
    lengths = np.minimum(lengths, 3)
    packed = bool(rng.integers(2))
    if options["batch_first"]:
        x = x.transpose(1, 0, 2)

    def run(library, module):
        utils = library.nn.utils.rnn
        data = library.tensor(np.ascontiguousarray(x), requires_grad=True)
        given = data
        if packed:
            given = utils.pack_padded_sequence(
                data, library.tensor(lengths), options["batch_first"], enforce_sorted=False
            )
        output, states = module(given)
        if packed:
            output, _ = utils.pad_packed_sequence(output, options["batch_first"])
        results = [output, *(states if kind == "LSTM" else [states])]
        leaves = [data, *module.parameters()]
        total = sum((result * result).sum() for result in results)
        grads = library.autograd.grad(total, leaves)
        return [np.array(value.detach().numpy()) for value in (*results, *grads)]

    for mine, other in zip(run(tg, ours), run(torch, theirs), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-11)
