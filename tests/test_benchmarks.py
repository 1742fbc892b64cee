"""What speed is measured against computes the same: the textbook's network, the recorded form."""

import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn.functional as F


@pytest.fixture(name="load")
def importing(monkeypatch):
    """Import a program of benchmarks/ by its name."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[1] / "benchmarks"))

    def load(name):
        monkeypatch.delitem(sys.modules, name, raising=False)
        return __import__(name)

    return load


def test_the_gradients_of_the_textbooks_network_are_ours(load):
    textbook = load("textbook")
    rng = np.random.default_rng(0)
    layers = [textbook.Convolution(2, 3, 3, 1), textbook.Relu(), textbook.MaxPool()]
    layers.append(textbook.Affine(3 * 4 * 4, 5))
    images, upstream = rng.standard_normal((4, 2, 8, 8)), rng.standard_normal((4, 5))
    found = images
    for layer in layers:
        found = layer.forward(found)
    found_grad = upstream
    for layer in reversed(layers):
        found_grad = layer.backward(found_grad)

    x, weight, bias, matrix, offset = (
        tg.tensor(array, requires_grad=True)
        for array in (images, *layers[0].params, *layers[3].params)
    )
    out = F.max_pool2d(F.relu(F.conv2d(x, weight, bias, padding=1)), 2).flatten(1)
    out = out @ matrix + offset
    out.backward(tg.tensor(upstream))
    np.testing.assert_allclose(found, out.detach().numpy(), atol=1e-12)
    for grad, tensor in zip(
        (found_grad, *layers[0].grads, *layers[3].grads),
        (x, weight, bias, matrix, offset),
        strict=True,
    ):
        np.testing.assert_allclose(grad, tensor.grad.numpy(), atol=1e-12)


@pytest.mark.parametrize("name", ["conv-net", "lenet", "deep-conv-net"])
def test_the_recorded_definition_has_the_loss_of_the_layer(load, monkeypatch, name):
    steps, plain, losses = load("steps"), F.cross_entropy, []

    def watched(output, target):
        loss = plain(output, target)
        losses.append(loss.item())
        return loss

    monkeypatch.setattr(F, "cross_entropy", watched)
    for form in ("layers", "recorded"):
        tg.manual_seed(0)
        steps.CONVOLUTIONS[name](tg, form)()
    assert len(losses) == 2
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
