"""Figures of classifications and of layers."""

import math

import numpy as np
import pytest
from matplotlib.colors import to_hex

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim
from tinygrad_edu.training import Predictions, Trainer
from tinygrad_edu.utils.data import DataLoader, TensorDataset
from tinygrad_edu.viz import (
    plot_activations,
    plot_confusion,
    plot_filters,
    plot_history,
    plot_misclassified,
    plot_predictions,
    plot_weights,
)
from tinygrad_edu.viz.figures import written

HOSTILE = [
    "$x^2$ costs $5",
    "<b>bold</b>",
    "new\nline \x1b[31m",
    "日本語の層",
    "y" * 200,
    "\U0001fae8",
]


def ints(*numbers):
    return tg.tensor(numbers)


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def title(figure):
    return figure.get_suptitle()


# Confusion.


def test_a_confusion_matrix_counts_rows_of_true_and_columns_of_predicted_classes():
    figure = plot_confusion(ints(0, 0, 0, 1, 2), ints(0, 1, 1, 1, 0))
    assert texts(figure) == [
        *("1\n33.3 %", "2\n66.7 %", "0"),
        *("0", "1\n100 %", "0"),
        *("1\n100 %", "0", "0"),
    ]
    assert title(figure) == "Confusion matrix: 2 of 5 right, 40.00%"
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    figure.canvas.draw()


def test_right_answers_are_blue_and_wrong_ones_orange():
    image = plot_confusion(ints(0, 1, 1), ints(0, 0, 1)).axes[0].images[0].get_array()
    assert to_hex(image[0, 0]) == "#0072b2"
    assert image[1, 0, 0] > image[1, 0, 2]  # more red than blue
    assert image[1, 1, 0] < image[1, 1, 2]
    assert to_hex(image[0, 1]) == "#ffffff"


def test_a_class_that_does_not_occur_has_an_empty_row():
    assert texts(plot_confusion(ints(0, 2), ints(0, 2)))[3:6] == ["0", "0", "0"]
    assert len(texts(plot_confusion(ints(0), ints(0), ["cat", "dog"]))) == 4


def test_many_classes_have_no_numbers():
    labels = tg.arange(100)
    figure = plot_confusion(labels, labels.roll(1, 0))
    assert texts(figure) == []
    assert len(figure.axes[0].get_xticklabels()) <= 60
    figure.canvas.draw()


def test_names_of_classes_stand_at_both_axes_as_they_are():
    labels = tg.arange(6)
    figure = plot_confusion(labels, labels, HOSTILE, title=HOSTILE[0])
    figure.canvas.draw()
    assert title(figure) == HOSTILE[0]
    for tick_labels in (figure.axes[0].get_xticklabels(), figure.axes[0].get_yticklabels()):
        shown = [text.get_text() for text in tick_labels]
        assert shown[:3] == ["$x^2$ costs $5", "<b>bold</b>", "new line �[31m"]
        assert len(shown[4]) == 18
        assert not any(text.get_parse_math() for text in tick_labels)


@pytest.mark.parametrize(
    ("labels", "predicted", "classes", "message"),
    [
        (ints(0, 1), ints(0), None, "got 2 labels and 1 predictions"),
        (ints(0, 1), tg.rand(2, 3), None, r"predicted holds .*\(2, 3\).*take .argmax\(1\)"),
        (tg.rand(2), ints(0, 1), None, r"labels holds classes.*got shape \(2,\) and float32"),
        (ints(0, -1), ints(0, 1), None, "a class in labels is negative: -1"),
        (ints(), ints(), None, "at least one"),
        (ints(0, 2), ints(0, 1), ["a", "b"], "no name for class 2: `classes` has 2"),
    ],
)
def test_a_confusion_matrix_of_what_does_not_fit(labels, predicted, classes, message):
    with pytest.raises(ValueError, match=message):
        plot_confusion(labels, predicted, classes)


# Misclassified samples.

IMAGES = tg.rand(5, 8, 8)
LABELS = tg.tensor([0, 1, 1, 0, 1])
PROBABILITIES = tg.tensor([[0.4, 0.6], [0.9, 0.1], [0.2, 0.8], [0.45, 0.55], [0.8, 0.2]])


def test_misclassified_samples_are_shown_worst_first():
    predicted = PROBABILITIES.argmax(1)
    figure = plot_misclassified(IMAGES, LABELS, predicted, PROBABILITIES)
    assert texts(figure) == [
        *("pred 0: 90%\ntrue 1: 10%", "pred 0: 80%\ntrue 1: 20%"),
        *("pred 1: 60%\ntrue 0: 40%", "pred 1: 55%\ntrue 0: 45%"),
    ]
    first = figure.axes[0].images[0].get_array()
    assert np.array_equal(first, IMAGES[1].numpy())
    assert title(figure) == "4 of 5 misclassified"


def test_without_probabilities_they_are_shown_in_their_order():
    figure = plot_misclassified(IMAGES[:, None], LABELS, PROBABILITIES.argmax(1), count=2)
    assert texts(figure) == ["predicted 1\ntrue 0", "predicted 0\ntrue 1"]
    assert title(figure) == "4 of 5 misclassified, the first 2"


def test_where_all_is_right_there_is_only_a_title():
    figure = plot_misclassified(IMAGES, LABELS, LABELS)
    assert figure.axes == []
    assert title(figure) == "0 of 5 misclassified"


def test_names_of_classes_stand_over_images_as_they_are():
    for name in HOSTILE:
        figure = plot_predictions(IMAGES, LABELS, LABELS, classes=["a", name], title=name)
        figure.canvas.draw()
        assert not any(text.get_parse_math() for text in figure.axes[0].texts)
        assert "\x1b" not in "".join(texts(figure))
    assert texts(plot_predictions(IMAGES, LABELS, LABELS, classes=["<i>", "dog"]))[:2] == [
        *("predicted <i>\ntrue <i>", "predicted dog\ntrue dog"),
    ]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((IMAGES, LABELS[:3], LABELS), {}, r"each of 5 images; got shapes \(3,\) and \(5,\)"),
        ((IMAGES, LABELS, LABELS, PROBABILITIES[:2]), {}, r"shape \(5, C\).*got \(2, 2\)"),
        ((IMAGES, LABELS, LABELS), {"count": 0}, "count is 1 or more"),
        ((IMAGES, LABELS, 1 - LABELS), {"classes": ["a"]}, "no name for class 1"),
        ((tg.rand(5, 3, 8, 8), LABELS, 1 - LABELS), {}, "grey image"),
    ],
)
def test_misclassified_samples_that_do_not_fit(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        plot_misclassified(*arguments, **options)


# Filters.


@pytest.mark.parametrize(
    ("weight", "options", "shape", "heading"),
    [
        (tg.randn(6, 1, 5, 5), {}, (5, 5), "6 filters"),
        (tg.randn(1, 1, 5, 5), {}, (5, 5), "1 filter"),
        (tg.randn(4, 3, 7, 7), {}, (7, 7, 3), "4 filters, 3 channels as colours"),
        (tg.randn(2, 4, 3, 3), {}, (25, 25), "2 filters, 4 channels row by row"),
        (tg.randn(8, 1, 9), {}, (1, 9), "8 filters"),
        (tg.randn(5, 64), {"image_shape": (8, 8)}, (8, 8), "5 filters"),
        (tg.randn(5, 48), {"image_shape": (3, 4, 4)}, (4, 4, 3), "5 filters, 3 channels as"),
        (tg.randn(99, 1, 3, 3), {"count": 10}, (3, 3), "10 of 99 filters"),
    ],
)
def test_filters_are_images(weight, options, shape, heading):
    figure = plot_filters(weight, **options)
    images = figure.axes[0].images
    assert len(images) == min(len(weight), options.get("count", 64))
    assert {image.get_array().shape for image in images} == {shape}
    assert title(figure).startswith(heading)
    figure.canvas.draw()


def test_filters_share_one_scale_around_0():
    weight = tg.randn(6, 1, 3, 3)
    figure = plot_filters(weight)
    limit = weight.abs().max().item()
    assert {image.get_clim() for image in figure.axes[0].images} == {(-limit, limit)}
    assert np.array_equal(figure.axes[0].images[4].get_array(), weight[4, 0].numpy())
    plot_filters(weight * 0).canvas.draw()


def test_channels_stand_in_rows_with_a_gap_between():
    weight = tg.arange(1.0, 17).reshape(1, 4, 2, 2)
    tile = plot_filters(weight).axes[0].images[0].get_array().filled(math.nan)
    assert (tile[0, 0], tile[0, 9], tile[4, 4]) == (1, 5, 4)
    assert np.isnan(tile[8]).all()
    assert np.isnan(tile[:, 8]).all()
    assert (tile[9, 9], tile[-1, -1]) == (13, 16)


@pytest.mark.parametrize(
    ("weight", "options", "message"),
    [
        (tg.rand(5, 64), {}, r"got \(5, 64\). For a linear layer say image_shape"),
        (tg.rand(5, 64), {"image_shape": (8, 9)}, r"got \(8, 9\) and a weight \(5, 64\)"),
        (tg.rand(5), {}, r"takes the weight of a convolution.*got \(5,\)"),
        (tg.rand(0, 1, 3, 3), {}, "takes the weight"),
        (tg.rand(5, 1, 3, 3), {"columns": 0}, "1 or more; got 64 and 0"),
    ],
)
def test_filters_that_are_none(weight, options, message):
    with pytest.raises(ValueError, match=message):
        plot_filters(weight, **options)


# Weights and activations.


def panels(figure):
    return {axes.get_title(): axes.texts[0].get_text() for axes in figure.axes if axes.get_title()}


def test_weights_have_a_histogram_each():
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1))
    with tg.no_grad():
        model[2].bias.fill_(2.0)
        model[0].bias.fill_(math.nan)
    shown = panels(plot_weights(model))
    assert list(shown) == ["0.weight\n3×4", "0.bias\n3", "2.weight\n1×3", "2.bias\n1"]
    assert shown["2.bias\n1"] == "mean 2\nstd 0"
    assert shown["0.bias\n3"] == "3 NaN or inf"
    weight = model[0].weight.numpy(force=True)
    assert shown["0.weight\n3×4"] == f"mean {weight.mean():.3g}\nstd {weight.std():.3g}"


def test_of_very_many_parameters_the_weights_are_shown():
    model = nn.Sequential(*[nn.Linear(2, 2) for _ in range(41)])
    shown = panels(plot_weights(model))
    assert len(shown) == 40
    assert all(".weight" in name for name in shown)


def test_activations_are_those_of_each_call_in_its_order():
    relu = nn.ReLU()
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 8), relu, nn.Linear(8, 8), relu).eval()
    x = tg.randn(50, 2, 2)
    shown = plot_activations(model, x).axes
    names = [axes.get_title().split("\n")[0] for axes in shown]
    assert names == ["1", "2", "3", "2"]
    last = model(x).numpy(force=True)
    assert f"{100 * (last == 0).mean():.0f} % are 0" in shown[-1].texts[0].get_text()
    assert model.training is False
    assert not any(module._hooks and module._hooks.forward for module in model.modules())


def test_activations_record_nothing():
    seen = []
    model = nn.Sequential(nn.Linear(2, 2))
    model.register_forward_hook(lambda _, __, output: seen.append(output.requires_grad))
    plot_activations(model, tg.rand(3, 2))
    assert seen == [False]


def test_hooks_are_removed_after_an_error():
    model = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(RuntimeError, match="linear"):
        plot_activations(model, tg.rand(3, 5))
    assert not model[0]._hooks.forward


@pytest.mark.parametrize(
    ("plot", "message"),
    [
        (lambda: plot_weights(nn.ReLU()), "ReLU has no parameters"),
        (lambda: plot_activations(nn.Flatten(), tg.rand(2, 2)), "no layer of Flatten returned"),
    ],
)
def test_models_without_anything_to_show(plot, message):
    with pytest.raises(ValueError, match=message):
        plot()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_of_layers_are_text(name):
    model = nn.Sequential()
    model.add_module(name.replace(".", ""), nn.Linear(2, 2))
    for figure in (plot_weights(model, title=name), plot_activations(model, tg.rand(3, 2))):
        figure.canvas.draw()  # missing characters would be a warning, which is an error here
        assert "\x1b" not in figure.axes[0].get_title()
        assert not figure.axes[0].title.get_parse_math()


def test_characters_that_no_font_has_are_replaced():
    assert written("🫨 x")["s"].endswith(" x")
    assert written("plain")["s"] == "plain"
    assert "fontfamily" not in written("plain")


# What the Trainer gives.


def trained():
    x = tg.rand(12, 1, 4, 4)
    y = tg.arange(12) % 3
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3), nn.Dropout(0.5))
    loader = DataLoader(TensorDataset(x, y), batch_size=5)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    return Trainer(model, nn.CrossEntropyLoss(), optimizer, loader, loader, progress=False)


def test_predictions_are_those_of_the_whole_loader_in_evaluation_mode():
    trainer = trained()
    history = trainer.fit(1)
    p = trainer.predict(trainer.test_loader)
    assert isinstance(p, Predictions)
    assert [part.shape for part in p] == [(12, 1, 4, 4), (12,), (12, 3)]
    assert not p.outputs.requires_grad
    assert trainer.model.training
    right = (p.classes == p.targets).float().mean().item()
    assert history["test_accuracy"][-1] == pytest.approx(right)
    assert tg.allclose(p.probabilities.sum(1), tg.ones(12))
    plot_history(history).canvas.draw()
    plot_confusion(p.targets, p.classes).canvas.draw()
    plot_misclassified(p.inputs, p.targets, p.classes, p.probabilities).canvas.draw()


def test_predictions_of_what_gives_none():
    trainer = trained()
    with pytest.raises(ValueError, match="The test loader gave no batch"):
        trainer.predict([])
    with pytest.raises(ValueError, match="gives pairs"):
        trainer.predict([tg.rand(2, 1, 4, 4)])
    with pytest.raises(ValueError, match="whose targets are tensors; got list"):
        trainer.predict([(tg.rand(2, 1, 4, 4), [1, 2])])
    assert trainer.model.training
    regression = Predictions(tg.rand(3), tg.rand(3), tg.rand(3))
    with pytest.raises(ValueError, match=r"classes are those of outputs \(N, C\).*\(3,\)"):
        regression.classes  # noqa: B018 - a property that raises
