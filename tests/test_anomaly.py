"""`detect_anomaly` names the operation and the line that NaN or infinity comes from."""

import runpy

import pytest

import tinygrad_edu as tg


def leaf(value):
    return tg.tensor(value, dtype=tg.float64, requires_grad=True)


def test_detect_anomaly_names_operation_and_line():
    x = leaf(0.0)
    with (
        tg.autograd.detect_anomaly(),
        pytest.raises(
            RuntimeError, match=r"(?s)gradient of Sqrt contains inf.*test_anomaly.*x\.sqrt\(\)"
        ),
    ):
        x.sqrt().sum().backward()


def test_detect_anomaly_names_the_forward_operation_that_made_the_first_nan():
    x = leaf(-1.0)
    with (
        tg.autograd.detect_anomaly(),
        pytest.raises(RuntimeError, match=r"(?s)first NaN or infinity.*made by Log.*x\.log\(\)"),
    ):
        (x.log() * 2).exp().sum().backward()


def test_detect_anomaly_knows_the_line_in_any_folder(tmp_path):
    script = tmp_path / "tinygrad_edu" / "script.py"
    script.parent.mkdir()
    script.write_text("def root(x):\n    return x.sqrt()\n", encoding="utf-8")
    with (
        tg.autograd.detect_anomaly(),
        pytest.raises(RuntimeError, match=r"(?s)script\.py.*return x\.sqrt\(\)"),
    ):
        runpy.run_path(str(script))["root"](leaf(0.0)).sum().backward()


def test_detect_anomaly_is_silent_about_finite_gradients():
    x = leaf(1.0)
    with tg.autograd.detect_anomaly():
        x.sqrt().sum().backward()
    assert x.grad.item() == 0.5
