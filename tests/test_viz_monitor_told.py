"""What the monitor tells: warnings in the networks that need them, tables, figures, errors."""

import html
import math
import re

import numpy as np
import pytest
from monitoring import Functional, batches, mlp, train, train_digits

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
import tinygrad_edu.optim as optim
from tinygrad_edu.course.models import LeNet, MultiLayerNet
from tinygrad_edu.viz import Monitor
from tinygrad_edu.viz.figures import written
from tinygrad_edu.viz.monitor.findings import find_warnings


@pytest.fixture(scope="module", name="digits")
def load_digits():
    """Images of 64 pixels between 0 and 1, and their labels."""
    from tinygrad_edu.course.data import images

    return images("digits")


# Warnings: the network in which a learner meets each.


def test_healthy_networks_are_silent(digits):
    tg.manual_seed(0)
    for activation, std in (("relu", "he"), ("sigmoid", "xavier"), ("tanh", "xavier")):
        model = MultiLayerNet(64, [50, 30], 10, activation, std)
        found = train_digits(model, digits, optim.SGD(model.parameters(), lr=0.1))
        assert found.warnings() == [], activation
    model = MultiLayerNet(64, [100] * 4, 10, use_batchnorm=True, dropout_ration=0.3)
    assert train_digits(model, digits, optim.Adam(model.parameters())).warnings() == []


def test_healthy_networks_of_other_kinds_are_silent(digits):
    tg.manual_seed(0)
    convolutions = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 10)),
    )

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.head = nn.LSTM(8, 32, batch_first=True), nn.Linear(32, 10)

        def forward(self, x):
            return self.head(self.rnn(x)[0][:, -1])

    for model, shape in ((convolutions, (-1, 1, 8, 8)), (Recurrent(), (-1, 8, 8))):
        optimizer = optim.Adam(model.parameters(), lr=0.01)
        assert train_digits(model, digits, optimizer, 60, shape).warnings() == []


def test_lenet_on_random_images_is_silent():
    tg.manual_seed(0)
    model = LeNet()
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    data = [(tg.rand(20, 1, 28, 28), tg.randint(0, 10, (20,))) for _ in range(12)]
    assert train(model, optimizer=optimizer, data=data).warnings() == []


def test_sigmoids_and_small_weights_let_the_gradient_vanish(digits):
    tg.manual_seed(0)
    model = MultiLayerNet(64, [40, 30, 20], 10, "sigmoid", 0.01)
    found = train_digits(model, digits, optim.SGD(model.parameters(), lr=0.1), 10).warnings()
    assert re.fullmatch(r"gradient norm falls by 10⁻[⁴⁵] from 6 to 0: vanishing", found[0])


def test_a_gradient_that_vanished_before_the_network_gave_up():
    tg.manual_seed(0)
    layers = [nn.Linear(20, 50), nn.Sigmoid()]
    for _ in range(5):
        layers += [nn.Linear(50, 50), nn.Sigmoid()]
    model = nn.Sequential(*layers, nn.Linear(50, 3))
    data = [(tg.randn(100, 20), tg.randint(0, 3, (100,)))] * 40
    found = train(model, optimizer=optim.SGD(model.parameters(), lr=0.1), data=data).warnings()
    assert re.fullmatch(
        r"gradient norm falls by 10⁻[⁴⁵] from 12 to 0 in the first 10 recorded steps: vanishing",
        found[0],
    )


def test_a_gradient_that_was_small_at_first_and_came_through_is_not_complained_of(digits):
    tg.manual_seed(0)
    hidden = [layer for _ in range(8) for layer in (nn.Linear(64, 64), nn.ReLU())]
    model = nn.Sequential(*hidden, nn.Linear(64, 10))
    monitor = train_digits(model, digits, optim.Adam(model.parameters()), 100)
    assert monitor.layers["0"].grad[0] < 0.01 * monitor.layers["16"].grad[0]
    assert monitor.warnings() == []


class Residual(nn.Module):
    """A branch that starts at 0 beside a connection that passes everything on."""

    def __init__(self):
        super().__init__()
        self.first, self.branch, self.scale = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 8)
        self.head = nn.Linear(8, 3)
        nn.init.zeros_(self.scale.weight)

    def forward(self, x):
        x = self.first(x).tanh()
        return self.head(x + self.scale(self.branch(x).tanh()))


def test_a_branch_that_starts_at_zero_neither_vanishes_nor_explodes():
    model = Residual()
    for steps in (1, 2, 15):
        monitor = train(model, steps, lr=0.01)
        assert monitor.warnings() == [], steps
    assert train(Residual(), 1).layers["branch"].grad == [0]


def test_large_weights_let_the_gradient_of_tanh_explode(digits):
    tg.manual_seed(0)
    model = MultiLayerNet(64, [50] * 12, 10, "tanh", 0.6)
    found = train_digits(model, digits, optim.SGD(model.parameters(), lr=1e-4), 10).warnings()
    assert re.fullmatch(r"gradient norm rises by 10[²³⁴] from \d+ to \d+: exploding", found[0])


def test_a_gradient_that_is_cut_off_falls_to_zero():
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    nn.init.zeros_(model[2].weight)
    with Monitor(model) as monitor:
        ((x, y),) = batches(1)
        F.cross_entropy(model(x), y).backward()
        monitor.step()
    assert monitor.warnings() == ["gradient norm falls to 0 from 2 to 0: vanishing"]


def test_dead_relus(digits):
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Dropout(0.2), nn.Linear(100, 10))
    with tg.no_grad():
        model[0].bias[:97] = -50.0
        model[0].bias[97:] = 5.0
    found = train_digits(model, digits, optim.SGD(model.parameters(), lr=0.1), 20).warnings()
    assert found == ["layer 1: 97 % of units are dead"]


def test_dead_units_of_functions():
    model = Functional()
    with tg.no_grad():
        model.fc1.bias[:6] = -50.0
    assert "input of fc2: 75 % of units are dead" in train(model).warnings()


def test_a_single_sample_says_nothing_about_dead_units():
    assert train(mlp(), data=list(batches(5, size=1))).warnings() == []


def test_saturated_hidden_units():
    model = mlp(nn.Tanh)
    nn.init.normal_(model[0].weight, std=10.0)
    found = train(model).warnings()
    assert any(re.fullmatch(r"layer 1: [89]\d % of values are saturated", each) for each in found)


def test_an_output_that_is_sure_of_itself_is_not_complained_of():
    model = nn.Sequential(nn.Linear(6, 1), nn.Sigmoid())
    nn.init.normal_(model[0].weight, std=10.0)
    with Monitor(model) as monitor:
        for x, _ in batches(3):
            F.binary_cross_entropy(model(x)[:, 0], tg.ones(50)).backward()
            monitor.step()
    assert monitor.layers["1"].saturated[-1] > 0.5
    assert monitor.warnings() == []


def test_updates_that_are_too_large():
    found = train(mlp(), lr=30.0).warnings()
    assert any(
        re.fullmatch(r"updates of .* are \d+ % of the .*: too large", each) for each in found
    )


def test_the_first_steps_of_rmsprop_are_not_complained_of(digits):
    for seed in range(3):
        tg.manual_seed(seed)
        model = nn.Sequential(nn.Linear(64, 50), nn.ReLU(), nn.Linear(50, 10))
        assert train_digits(model, digits, optim.RMSprop(model.parameters()), 10).warnings() == []


def test_updates_that_are_too_small():
    found = train(mlp(), lr=1e-6).warnings()
    assert len(found) == 1
    assert re.fullmatch(
        r"updates of 0 and 2 are at most 10⁻⁶ of the weights in a step: too small", found[0]
    )


def test_updates_of_a_network_that_has_learnt_may_be_small():
    model = mlp()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with Monitor(model, optimizer=optimizer) as monitor:
        for step, (x, y) in enumerate(batches(30)):
            if step == 5:
                optimizer.param_groups[0]["lr"] = 1e-9
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    assert monitor.warnings() == []


def test_frozen_layers_are_not_complained_of():
    model = mlp()
    model[0].requires_grad_(False)
    assert train(model).warnings() == []


def test_values_that_are_not_finite_are_reported_where_they_begin():
    model = mlp()

    def data():
        for step, (x, y) in enumerate(batches(6)):
            if step == 3:
                with tg.no_grad():
                    model[2].weight[0, 0] = math.inf
            yield x, y

    monitor = train(model, data=data())
    assert monitor.warnings() == [
        "layer 2: values are NaN or infinite, for the first time in step 4"
    ]
    assert "not finite" in monitor.table()
    assert monitor.layers["2"].nonfinite[:4] == pytest.approx([0, 0, 0, 50], abs=40)


def test_gradients_that_are_not_finite_are_reported():
    model = mlp()
    with Monitor(model) as monitor:
        for factor in (1.0, math.inf):
            for parameter in model.parameters():
                parameter.grad = None
            ((x, _),) = batches(1)
            (model(x).sum() * factor).backward()
            monitor.step()
    assert monitor.warnings() == [
        "layer 2: the gradient is NaN or infinite, for the first time in step 2"
    ]


def test_many_layers_are_named_by_the_first():
    tg.manual_seed(0)
    model = nn.Sequential(*(nn.Linear(6, 6) for _ in range(6)), nn.Linear(6, 3))
    found = train(model, lr=1e-6).warnings()
    assert any(each.startswith("updates of 0, 1 and 5 more layers are at most") for each in found)


def test_warnings_on_figures_that_were_not_measured():
    monitor = train(mlp(), 1)
    for layer in monitor.layers.values():
        layer.grad[:] = [math.nan]
        layer.dead[:] = [math.nan]
    assert find_warnings(monitor.steps, list(monitor.layers.values())) == []


# How it is shown.


def test_the_table_has_a_row_for_each_layer_with_aligned_figures():
    monitor = train(mlp(), 3)
    lines = monitor.table().splitlines()
    assert lines[0].split() == [
        *("layer", "class", "mean", "std", "dead", "saturated"),
        *("‖∂L/∂y‖", "‖∂L/∂w‖", "‖Δw‖/‖w‖"),
    ]
    assert [line.split()[:2] for line in lines[2:]] == [
        ["0", "Linear"],
        ["1", "ReLU"],
        ["2", "Linear"],
    ]
    assert lines[3].split()[-2:] == ["–", "–"]
    assert {len(line) for line in lines} == {len(lines[0])}
    assert f"{monitor.layers['0'].mean[0]:.3g}" in monitor.table(step=1)


def test_a_step_that_is_not_recorded_has_no_table():
    monitor = train(mlp(), 6, every=2)
    with pytest.raises(ValueError, match="Step 3 is not recorded: there are 3, from 2 to 6, every"):
        monitor.table(3)


def test_how_a_monitor_prints_itself():
    model = mlp()
    monitor = Monitor(model)
    assert repr(monitor) == "<Monitor of Sequential, stopped: 0 layers, 0 steps recorded>"
    assert monitor._repr_html_() is None
    with monitor:
        assert "running" in repr(monitor)
        model(tg.rand(5, 6))
    page = monitor._repr_html_()
    assert page.count("<tr>") == 4
    assert "Step 1 of Sequential" in page


class Hostile(nn.Module):
    names = ('say "x"', "<b>$a$</b>", "重み", "_" + "x" * 200, "new\nline\x1b[31m")

    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleDict({name: nn.Linear(6, 6) for name in self.names})

    def forward(self, x):
        for part in self.parts.values():
            x = tg.tanh(part(x))
        return x


def test_hostile_names_appear_as_text():
    monitor = train(Hostile())
    table = monitor.table()
    assert "\x1b" not in table
    shown = ('say "x"', "<b>$a$</b>", "重み", "xxx…xxx", "new line\ufffd[31m")
    assert [name for name in shown if name not in table] == []
    page = monitor._repr_html_()
    assert set(re.findall(r"<(\w+)", page)) <= {"table", "thead", "tbody", "tr", "th", "td", "div"}
    assert [name for name in shown if name not in html.unescape(page)] == []


def test_hostile_names_in_warnings():
    model = nn.Sequential()
    model.add_module("a\x1b[2J", nn.Linear(6, 8))
    model.add_module("relu\n", nn.ReLU())
    model.add_module("out", nn.Linear(8, 3))
    with tg.no_grad():
        model[0].bias[:6] = -50.0
    assert train(model).warnings() == ["layer relu: 75 % of units are dead"]


def test_hostile_names_are_drawn():
    pytest.importorskip("matplotlib")
    figure = train(Hostile()).plot("$title")
    figure.canvas.draw()
    texts = [text.get_text() for panel in figure.subfigs for text in texts_of(panel)]
    assert 'parts.say "x"\nLinear' in texts
    name = "parts.重み"
    assert f"{written(name)['s']}\nLinear" in texts
    names = [tick.get_text() for axes in figure.axes for tick in axes.get_xticklabels()]
    assert written(name)["s"] in names
    assert "parts.<b>$a$</b>\nLinear" in texts
    (legend,) = [axes.get_legend() for axes in figure.axes if axes.get_title().startswith("change")]
    assert len(legend.get_texts()) == 5


def texts_of(panel):
    return [axes.title for axes in panel.axes]


def test_the_figure_has_a_panel_for_each_layer_and_two_below():
    pytest.importorskip("matplotlib")
    monitor = train(mlp(), 30)
    figure = monitor.plot()
    above, below = figure.subfigs
    assert [axes.get_title() for axes in above.axes] == ["0\nLinear", "1\nReLU", "2\nLinear"]
    left, right = below.axes
    assert left.get_yscale() == right.get_yscale() == "log"
    assert [text.get_text() for text in left.get_legend().get_texts()] == [
        *("steps 1–3", "steps 14–16", "steps 28–30"),
    ]
    drawn = left.lines[-1].get_ydata()
    expected = [np.mean(monitor.layers[path].grad[-3:]) for path in ("0", "2")]
    np.testing.assert_allclose(drawn, expected)
    np.testing.assert_allclose(right.lines[0].get_ydata(), monitor.layers["0"].update)


def test_the_histograms_of_a_figure_hold_all_values():
    pytest.importorskip("matplotlib")
    layer = nn.Identity()
    with Monitor(layer, bins=10, limits=(0, 1)) as monitor:
        for low in (0.0, 0.5):
            layer(low + tg.rand(100, 10) / 2)
            monitor.step()
    (image,) = monitor.plot().axes[0].images
    shares = image.get_array() ** 2
    np.testing.assert_allclose(shares.sum(0), 1)
    assert shares[5:, 0].sum() == shares[:5, 1].sum() == 0


def test_figures_of_one_step_and_without_gradients():
    pytest.importorskip("matplotlib")
    model = mlp()
    with Monitor(model) as monitor:
        model(tg.rand(5, 6))
    figure = monitor.plot(layers=["1"])
    figure.canvas.draw()
    assert len(figure.subfigs[0].axes) == 1
    texts = [axes.texts[0].get_text() for axes in figure.subfigs[1].axes]
    assert texts == ["no gradient was computed", "no weight changed"]


@pytest.mark.parametrize(("scale", "is_finite"), [(1e37, True), (math.inf, False)])
def test_figures_of_values_at_the_end_of_their_range_and_beyond(scale, is_finite):
    pytest.importorskip("matplotlib")
    model = mlp()
    data = [(x * factor, y) for factor in (1.0, scale) for x, y in batches(2)]
    with Monitor(model) as monitor:
        for x, y in data:
            F.cross_entropy(model(x), y).backward()
            monitor.step()
    monitor.plot().canvas.draw()
    assert any("NaN or infinite" in each for each in monitor.warnings()) != is_finite


def test_at_most_so_many_panels_and_only_known_layers():
    pytest.importorskip("matplotlib")
    model = nn.Sequential(*(nn.Linear(6, 6) for _ in range(40)))
    monitor = train(model, 2)
    figure = monitor.plot()
    assert len(figure.subfigs[0].axes) == 24
    assert len(figure.subfigs[1].axes[1].get_legend().get_texts()) == 8
    with pytest.raises(KeyError, match="'41' is not among the layers '0', '1'"):
        monitor.plot(layers=["41"])


# What it refuses.


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((3,), {}, TypeError, "Monitor takes a module; got int"),
        ((nn.ReLU(),), {"optimizer": 3}, TypeError, "optimizer is one of tg.optim.*got int"),
        ((nn.ReLU(),), {"every": 0}, ValueError, "every is at least 1; got 0"),
        ((nn.ReLU(),), {"bins": 0}, ValueError, "bins is at least 1; got 0"),
        ((nn.ReLU(),), {"sampled": 0}, ValueError, "sampled is at least 1; got 0"),
        ((nn.ReLU(),), {"limits": (1, 0)}, ValueError, "low < high; got .1, 0."),
    ],
)
def test_what_a_monitor_refuses(arguments, options, error, message):
    with pytest.raises(error, match=message):
        Monitor(*arguments, **options)


def test_a_monitor_that_runs_or_does_not_run():
    monitor = Monitor(nn.ReLU())
    with pytest.raises(RuntimeError, match="This Monitor is not running"):
        monitor.step()
    for tell in (monitor.table, monitor.plot, monitor.warnings):
        with pytest.raises(ValueError, match="Nothing is recorded yet"):
            tell()
    with monitor, pytest.raises(RuntimeError, match="is running already"):
        monitor.start()
