"""The monitor: figures against plain computations, which steps it sees, what it leaves alone."""

import copy
import gc
import math
import pickle
import weakref

import numpy as np
import pytest
from monitoring import Functional, batches, mlp, train

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
import tinygrad_edu.optim as optim
from tinygrad_edu.training import Trainer
from tinygrad_edu.utils.data import DataLoader, TensorDataset
from tinygrad_edu.viz import Monitor
from tinygrad_edu.viz.monitor.log import DEAD_SAMPLES, Tally, norm


def hooks_of(model):
    return [vars(module).get("_hooks") for module in model.modules()]


# The figures.


def test_mean_and_standard_deviation_are_those_of_the_values():
    model = mlp()
    ((x, _),) = batches(1)
    with Monitor(model) as monitor:
        values = [x]
        for layer in model:
            values.append(layer(values[-1]))
    assert list(monitor.layers) == ["0", "1", "2"]
    for layer, y in zip(monitor.layers.values(), values[1:], strict=True):
        assert layer.mean == pytest.approx([y.mean().item()], rel=1e-5)
        assert layer.std == pytest.approx([y.std().item()], rel=1e-5)


def test_gradient_norms_are_those_of_the_optimizer_and_of_the_outputs():
    model = mlp()
    ((x, y),) = batches(1)
    with Monitor(model) as monitor:
        hidden = model[0](x)
        active = model[1](hidden)
        out = model[2](active)
        for tensor in (hidden, active, out):
            tensor.retain_grad()
        F.cross_entropy(out, y).backward()
        monitor.step()
    for name, parameter in model.named_parameters():
        assert monitor.parameters[name].grad == [parameter.grad.norm().item()]
    for layer, tensor in zip(monitor.layers.values(), (hidden, active, out), strict=True):
        assert layer.output_grad == pytest.approx([tensor.grad.norm().item()])
    both = (model[0].weight.grad.square().sum() + model[0].bias.grad.square().sum()).sqrt()
    assert monitor.layers["0"].grad == pytest.approx([both.item()])
    assert math.isnan(monitor.layers["1"].grad[0])


def test_updates_are_measured_at_the_weights():
    model = mlp()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    sizes, changes = [], []
    with Monitor(model, optimizer=optimizer) as monitor:
        for x, y in batches(4):
            before = model[0].weight.detach().clone()
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            changes.append((model[0].weight.detach() - before).norm().item())
            sizes.append(before.norm().item())
    expected = [change / size for change, size in zip(changes, sizes, strict=True)]
    assert monitor.parameters["0.weight"].update == pytest.approx(expected, rel=1e-5)


def test_without_an_update_there_is_no_ratio():
    model = mlp()
    with Monitor(model) as monitor:
        for x, y in batches(2):
            F.cross_entropy(model(x), y).backward()
            monitor.step()
    assert all(math.isnan(value) for value in monitor.layers["0"].update)


def test_weights_of_zero_have_no_ratio():
    model = mlp()
    nn.init.zeros_(model[2].bias)
    monitor = train(model, 2)
    first, second = monitor.parameters["2.bias"].update
    assert math.isnan(first)
    assert second > 0


def test_dead_units_are_those_that_were_zero_for_all_recent_samples():
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU())
    with tg.no_grad():
        model[0].bias[:6] = -1000.0
    with Monitor(model) as monitor:
        for x, _ in batches(3):
            model(x)
            monitor.step()
        with tg.no_grad():
            model[0].bias[:6] = 1000.0
        model(x)
        monitor.step()
    assert monitor.layers["1"].dead == [0.75, 0.75, 0.75, 0]


def test_a_unit_that_fell_silent_is_dead_after_a_thousand_samples():
    model = nn.Sequential(nn.Linear(1, 2), nn.ReLU())
    x = tg.ones(DEAD_SAMPLES // 4, 1)
    with Monitor(model) as monitor:
        for step in range(6):
            with tg.no_grad():
                model[0].bias[:] = 10.0 if step == 0 else tg.tensor([10.0, -10.0])
            model(x)
            monitor.step()
    assert monitor.layers["1"].dead == [0, 0, 0, 0, 0.5, 0.5]


def test_a_unit_of_an_image_is_a_channel_and_of_a_sequence_a_feature():
    class Images(nn.Module):
        def __init__(self):
            super().__init__()
            self.image = nn.Conv2d(1, 2, 1)
            self.wave = nn.Conv1d(1, 2, 1)
            self.text = nn.Linear(1, 2)

        def forward(self, x):
            with tg.no_grad():
                for layer in self.children():
                    layer.weight[:] = 0.0
                    layer.bias[:] = tg.tensor([1.0, 0.0])
            return (
                self.image(x.reshape(3, 1, 2, 2)),
                self.wave(x.reshape(3, 1, 4)),
                self.text(x.reshape(3, 4, 1)),
            )

    model = Images()
    with Monitor(model) as monitor:
        model(tg.rand(12))
    assert [layer.dead for layer in monitor.layers.values()] == [[0.5]] * 3


@pytest.mark.parametrize(
    ("activation", "limit"), [(nn.Sigmoid, math.log(0.98734 / 0.01266)), (nn.Tanh, 2.178)]
)
def test_a_value_is_saturated_where_the_slope_is_below_a_twentieth(activation, limit):
    layer = activation()
    x = tg.tensor([-1.01, -0.99, 0.0, 0.99, 1.01, 3.0]) * limit
    with Monitor(layer) as monitor:
        layer(x.reshape(1, -1))
    assert monitor.layers[""].saturated == [0.5]


def test_only_bounded_activations_saturate():
    assert math.isnan(train(mlp(), 1).layers["1"].saturated[0])


def test_calls_of_one_step_count_together():
    layer = nn.Linear(3, 2)
    first, second = tg.rand(5, 3), 10 + tg.rand(7, 3)
    with Monitor(layer) as monitor:
        (layer(first).sum() + layer(second).sum()).backward()
        monitor.step()
    values = tg.cat([layer(first), layer(second)])
    (found,) = monitor.layers.values()
    assert found.mean == pytest.approx([values.mean().item()], rel=1e-5)
    assert found.std == pytest.approx([values.std().item()], rel=1e-5)
    assert found.output_grad == pytest.approx([math.sqrt(24)])


@pytest.mark.parametrize("shape", [(), (4,), (0, 3), (4, 0)])
def test_values_without_samples_or_units(shape):
    layer = nn.Identity()
    with Monitor(layer) as monitor:
        layer(tg.ones(shape))
    assert monitor.steps == [1]
    assert monitor.table()


def test_a_large_mean_does_not_spoil_the_standard_deviation():
    tally = Tally()
    values = (1000 + np.random.default_rng(0).standard_normal((400, 50))).astype(np.float32)
    for part in np.split(values, 4):
        tally.add(part, 1, None)
    assert tally.mean == pytest.approx(values.mean(dtype=float))
    assert math.sqrt(tally.squares / (tally.count - 1)) == pytest.approx(
        values.std(ddof=1, dtype=float), rel=1e-4
    )


def test_norms_outside_of_the_range_of_squares():
    assert norm(np.full(4, 1e-30, np.float32)) == pytest.approx(2e-30)
    assert norm(np.full(4, 1e30, np.float32)) == pytest.approx(2e30)
    assert norm(np.array([1.0, math.nan])) == norm(np.array([math.inf])) == math.inf
    assert norm(np.zeros(3)) == 0


# Histograms.


def test_a_histogram_has_the_values_of_its_step():
    model = mlp()
    ((x, _),) = batches(1)
    with Monitor(model, bins=7) as monitor:
        y = model(x)
    (histogram,) = monitor.layers["2"].histograms
    counts, edges = np.histogram(y.detach().numpy(), 7)
    np.testing.assert_array_equal(histogram.counts, counts)
    np.testing.assert_allclose(histogram.edges, edges, atol=1e-6)
    assert histogram.step == 1


def test_limits_leave_out_what_is_outside():
    layer = nn.Identity()
    with Monitor(layer, bins=2, limits=(0, 1)) as monitor:
        layer(tg.tensor([[-1.0, 0.0, 0.4, 0.5, 1.0, 2.0]]))
    (histogram,) = monitor.layers[""].histograms
    assert histogram.counts.tolist() == [2, 2]
    assert histogram.edges.tolist() == [0, 0.5, 1]


def test_a_sample_takes_from_all_units():
    layer = nn.Identity()
    values = tg.arange(100.0).repeat(300, 1)  # a unit for each number
    with Monitor(layer, bins=100, sampled=3000) as monitor:
        layer(values)
    (histogram,) = monitor.layers[""].histograms
    assert 2500 < histogram.counts.sum() <= 3000
    assert histogram.counts.min() > 20


def test_histograms_are_thinned_out_and_the_other_figures_are_not():
    layer = nn.Identity()
    x = tg.ones(2, 2)
    with Monitor(layer) as monitor:
        for _ in range(1000):
            layer(x)
            monitor.step()
    steps = [histogram.step for histogram in monitor.layers[""].histograms]
    assert 100 < len(steps) <= 200
    assert len(set(np.diff(steps))) == 1
    assert len(monitor.layers[""].mean) == len(monitor.steps) == 1000


def test_equal_values_have_a_histogram_too():
    layer = nn.Identity()
    with Monitor(layer, bins=4) as monitor:
        layer(tg.full((3, 2), 5.0))
    (histogram,) = monitor.layers[""].histograms
    assert histogram.counts.sum() == 6
    assert histogram.low < 5 < histogram.high


# Which layers, which steps.


def test_functions_are_seen_where_the_next_layer_takes_their_result():
    monitor = train(Functional())
    assert [(layer.path, layer.kind) for layer in monitor.layers.values()] == [
        ("fc1", "Linear"),
        ("input of fc2", "Relu"),
        ("fc2", "Linear"),
        ("input of fc3", "Sigmoid"),
        ("fc3", "Linear"),
        ("", "Functional"),
    ]
    assert monitor.layers["input of fc3"].saturated[-1] == 0
    assert math.isnan(monitor.layers["input of fc2"].saturated[-1])
    assert monitor.layers["input of fc2"].output_grad[-1] > 0


def test_what_passes_unchanged_is_seen_once():
    model = nn.Sequential(
        nn.Sequential(nn.Linear(6, 8), nn.Identity()), nn.Flatten(), nn.Dropout(0.0)
    )
    assert list(train(model).layers) == ["0.0"]


def test_an_activation_in_place_is_seen_after_the_layer_before_it():
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(inplace=True), nn.Linear(8, 3))
    monitor = train(model)
    assert list(monitor.layers) == ["0", "1", "2"]


def test_a_part_that_is_not_called_itself_has_its_gradients():
    model = nn.MultiheadAttention(4, 2)
    x = tg.rand(5, 3, 4)
    with Monitor(model) as monitor:
        model(x, x, x)[0].sum().backward()
        monitor.step()
    assert set(monitor.layers) == {"", "out_proj"}
    assert monitor.layers["out_proj"].grad[0] > 0
    assert math.isnan(monitor.layers["out_proj"].mean[0])


def test_a_layer_that_comes_later_has_no_figures_before():
    class Growing(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.late = nn.Linear(3, 3), nn.Tanh()

        def forward(self, x, late):
            return self.late(self.first(x)) if late else self.first(x)

    model = Growing()
    with Monitor(model) as monitor:
        for late in (False, False, True):
            model(tg.rand(5, 3), late)
            monitor.step()
    late = monitor.layers["late"]
    assert [math.isnan(value) for value in late.std] == [True, True, False]
    assert {len(f) for f in vars(late).values() if isinstance(f, list)} == {3, 1}
    assert len(late.histograms) == 1


def test_integers_are_not_looked_at():
    class Labels(nn.Module):
        def forward(self, x):
            return x.argmax(1)

    model = nn.Sequential(nn.Linear(6, 3), Labels())
    with Monitor(model) as monitor:
        model(tg.rand(5, 6))
    assert list(monitor.layers) == ["0"]


def test_every_looks_at_each_so_many_th_step():
    assert train(mlp(), 12, every=5).steps == [5, 10]


def test_steps_by_hand():
    model = mlp()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with Monitor(model, every=2) as monitor:
        for x, y in batches(5):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            monitor.step()
    automatic = train(mlp(), 5, every=2)
    assert monitor.steps == automatic.steps == [2, 4]


def test_steps_of_a_trainer():
    model = mlp()
    (x, y), (test_x, test_y) = batches(2, 64)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    loaders = [DataLoader(TensorDataset(*pair), 16) for pair in ((x, y), (test_x, test_y))]
    trainer = Trainer(model, nn.CrossEntropyLoss(), optimizer, *loaders, progress=False)
    with Monitor(model, optimizer=optimizer) as monitor:
        trainer.fit(2)
    assert monitor.steps == list(range(1, 9))
    assert all(0 < value < 1 for value in monitor.layers["0"].update)


def test_the_trial_steps_of_a_lint_are_not_counted():
    figures = []
    for lint in (False, True):
        tg.manual_seed(0)
        model = mlp()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        loader = DataLoader(TensorDataset(*next(batches(1, 64))), 16)
        trainer = Trainer(
            model, nn.CrossEntropyLoss(), optimizer, loader, progress=False, lint=lint
        )
        with Monitor(model, optimizer=optimizer) as monitor:
            trainer.fit(1)
        assert monitor.steps == [1, 2, 3, 4]
        figures.append([layer.grad for layer in monitor.layers.values()])
        figures.append([layer.samples for layer in monitor.layers.values()])
    np.testing.assert_equal(figures[:2], figures[2:])


def test_evaluation_is_not_looked_at():
    model = mlp()
    (x, _), (far, _) = batches(2)
    with Monitor(model) as monitor:
        y = model(x)
        model.eval()
        model(1000 + far)
        model.train()
        with tg.no_grad():
            model(1000 + far)
        monitor.step()
    assert monitor.layers["2"].mean == pytest.approx([y.mean().item()], rel=1e-5)


def test_it_can_stop_and_go_on():
    model = mlp()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    monitor = Monitor(model, optimizer=optimizer)
    for _ in range(2):
        with monitor:
            for x, y in batches(2):
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
        optimizer.step()
    assert monitor.steps == [1, 2, 3, 4]
    monitor.stop()


def test_a_pass_without_a_step_is_recorded_at_the_end_if_it_is_the_only_one():
    model = mlp()
    ((x, _),) = batches(1)
    with Monitor(model) as monitor:
        model(x)
    assert monitor.steps == [1]
    with Monitor(model) as monitor:
        model(x)
        monitor.step()
        model(x)
    assert monitor.steps == [1]


# What it leaves alone.


def weights_after(model, monitored, steps=20):
    tg.manual_seed(1)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    monitor = Monitor(model, optimizer=optimizer, every=2) if monitored else None
    if monitor:
        monitor.start()
    losses = []
    for x, y in batches(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    if monitor:
        monitor.stop()
        assert len(monitor.steps) == steps // 2
    return losses, {name: tensor.array.copy() for name, tensor in model.state_dict().items()}


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Sequential(
            nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3)
        ),
        Functional,
        lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU(inplace=True), nn.Linear(8, 3)),
    ],
    ids=["layers", "functions", "in place"],
)
def test_the_training_is_the_same_bit_for_bit(make):
    results = []
    for monitored in (False, True):
        tg.manual_seed(0)
        results.append(weights_after(make(), monitored))
    (losses, state), (other_losses, other_state) = results
    assert losses == other_losses
    for name, array in state.items():
        np.testing.assert_array_equal(array, other_state[name])


def test_no_hook_stays_behind():
    model = mlp()
    kept = model[1].register_forward_hook(lambda *_: None)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with Monitor(model, optimizer=optimizer):
        assert model._hooks is not None
        out = model(tg.rand(5, 6))
    assert hooks_of(model)[::3] == [None, None]
    assert "_hooks" not in vars(model[0])
    assert list(model[1]._hooks.forward) == [kept.id]
    assert not any(optimizer._hooks.values())
    assert not out.node.notes.hooks


def test_no_hook_stays_behind_after_an_exception_and_the_begun_step_is_recorded():
    model = mlp()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    monitor = Monitor(model, optimizer=optimizer)

    def fail():
        with monitor:
            for x, y in batches(3):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                if len(monitor.steps) == 1:
                    raise ZeroDivisionError
                loss.backward()
                optimizer.step()

    with pytest.raises(ZeroDivisionError):
        fail()
    assert hooks_of(model) == [None] * 4
    assert not any(optimizer._hooks.values())
    assert monitor.steps == [1, 2]
    assert math.isnan(monitor.layers["0"].update[1])


def test_copies_of_a_model_are_not_looked_at():
    model = mlp()
    with Monitor(model) as monitor:
        copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
        for other in copies:
            other(tg.rand(5, 6))
        assert not monitor.layers
        model(tg.rand(5, 6))
    assert list(monitor.layers) == ["0", "1", "2"]
    assert all(other(tg.rand(5, 6)).shape == (5, 3) for other in copies)


def test_activations_are_not_kept():
    model = mlp()
    alive = []
    gc.disable()
    try:
        with Monitor(model) as monitor:
            for x, y in batches(3):
                out = model(x)
                alive.append(weakref.ref(out.array))
                F.cross_entropy(out, y).backward()
                del out
                monitor.step()
                assert [ref() for ref in alive] == [None] * len(alive)
    finally:
        gc.enable()


def test_it_can_be_dropped_without_being_stopped_twice():
    monitor = Monitor(mlp())
    monitor.start()
    monitor.stop()
    monitor.stop()
    with pytest.raises(ValueError, match="Nothing is recorded yet: a step ends with"):
        monitor.table()
