"""The demo: what it learns, what it writes, and how it fails."""

import http.server
import json
import os
import shutil
import signal
import socket
import sys
import threading
import time

import matplotlib.image
import numpy as np
import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
from tinygrad_edu import demo, runs
from tinygrad_edu.datasets import DATA_VARIABLE, MNIST, DatasetError, Digits, encode_idx
from tinygrad_edu.demo import compare_gradients, gradient_table, run
from tinygrad_edu.runs import RunError, one_thread

FILES = {"curves.png", "predictions.png", "graph.dot", "metrics.json", "model.safetensors"}
PICTURES = {"curves.png", "predictions.png"}


@pytest.fixture(autouse=True)
def no_data(monkeypatch, tmp_path):
    """A machine without MNIST and without network."""
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    monkeypatch.setenv("MPLCONFIGDIR", matplotlib.get_cachedir())  # it would be made anew
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(MNIST, "mirrors", ("http://127.0.0.1:9/", "http://127.0.0.1:9/more/"))


def model_from(out, size=64):
    model = nn.Sequential(
        nn.Flatten(),
        nn.Linear(size, 100),
        nn.ReLU(),
        nn.Linear(100, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )
    model.load_state_dict(tg.load(out / "model.safetensors"))
    return model


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One whole run on Digits: the folder and the outcome."""
    out = tmp_path_factory.mktemp("runs") / "new" / "demo"
    return out, run(out, "digits", progress=False)


def test_the_demo_reads_digits(finished):
    _, outcome = finished
    assert outcome.metrics["test_accuracy"] >= 0.95
    assert outcome.metrics["model"] == "64-100-100-10"
    assert not outcome.metrics["interrupted"]


def test_the_demo_writes_its_files_and_nothing_else(finished):
    out, outcome = finished
    assert set(os.listdir(out)) == set(outcome.files)
    assert set(outcome.files) - {"graph.svg"} == FILES
    assert ("graph.svg" in outcome.files) == (shutil.which("dot") is not None)
    for name in PICTURES:
        pixels = matplotlib.image.imread(out / name)
        assert pixels.shape[0] > 300
        assert pixels.std() > 0.05


def test_metrics_are_json_and_are_those_of_the_model_that_is_written(finished):
    out, outcome = finished
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics == outcome.metrics
    assert len(metrics["epochs"]) == 30
    assert metrics["parameters"] == 64 * 100 + 100 + 100 * 100 + 100 + 100 * 10 + 10
    images, labels = Digits(train=False)[:]
    right = (model_from(out)(images).argmax(1) == labels).float().mean()
    assert metrics["test_accuracy"] == pytest.approx(right.item())
    assert metrics["epochs"][-1]["test_accuracy"] == metrics["test_accuracy"]


def test_the_graph_names_images_and_parameters_with_their_gradients(finished):
    out, _ = finished
    source = (out / "graph.dot").read_text(encoding="utf-8")
    for name in ("images", "1.weight 100×64", "1.bias 100", "3.weight 100×100", "5.bias 10"):
        assert f"{name}\\n" in source
    assert source.count("grad: norm") == 7
    assert "not computed" not in source


def test_gradients_agree_with_numerical_differentiation(finished):
    _, outcome = finished
    assert [report["name"] for report in outcome.metrics["gradients"]] == [
        *("1.weight", "1.bias", "3.weight", "3.bias", "5.weight", "5.bias"),
    ]
    for report in outcome.metrics["gradients"]:
        assert report["checked"] >= 10
        assert report["mean_difference"] <= report["largest_difference"] < 1e-8
        assert report["largest_gradient"] > 1e-3


def test_a_run_is_a_function_of_its_seed(tmp_path):
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        run(tmp_path / name, "digits", epochs=2, seed=seed, progress=False)
    one, two, three = ((tmp_path / name) for name in ("one", "two", "three"))
    for name in ("metrics.json", "model.safetensors", "graph.dot"):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
        assert (one / name).read_bytes() != (three / name).read_bytes(), name


def test_the_demo_reports(tmp_path, capsys):
    run(tmp_path, "digits", epochs=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Data: Digits, as you asked."
    assert lines[1].startswith("Network: 64-100-100-10 with ReLU, Adam; 1,437 images")
    assert lines[2].startswith("epoch 1/2  train loss")
    assert any(line.startswith("Test accuracy: 0.") for line in lines)
    assert any("numerical differentiation" in line for line in lines)
    assert any(line.startswith(f"Written to {tmp_path}: curves.png, ") for line in lines)


def test_without_dot_there_is_no_picture_of_the_graph_not_even_an_old_one(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    (tmp_path / "graph.svg").write_text("of an earlier run")
    outcome = run(tmp_path, "digits", epochs=1)
    assert set(os.listdir(tmp_path)) == set(outcome.files) == FILES
    assert "apt install graphviz" in capsys.readouterr().out


def test_every_digit_right_is_no_problem():
    class Sure(nn.Module):
        def forward(self, x):
            return labels_as_scores

    test = Digits(train=False)
    labels_as_scores = nn.functional.one_hot(test.targets, 10).float()
    assert demo._to_show(Sure(), test) == list(range(32))


# The comparison of gradients.


class WrongBias(nn.Module):
    """A layer whose rule forgets a factor."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(tg.rand(64, 10))
        self.bias = nn.Parameter(tg.rand(10))
        self.bias.register_hook(lambda grad: grad * 1.001)

    def forward(self, x):
        return x.flatten(1) @ self.weight + self.bias

    def __deepcopy__(self, memo):
        twin = WrongBias()
        twin.load_state_dict(self.state_dict())
        return twin


def test_a_wrong_gradient_is_seen():
    images, labels = Digits(train=False)[:20]
    weight, bias = compare_gradients(WrongBias(), images, labels)
    assert weight.largest_difference < 1e-8
    assert bias.largest_difference > 1e-5


def test_the_comparison_leaves_the_model_alone():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    images, labels = Digits(train=False)[:5]
    reports = compare_gradients(model, images, labels, samples=3)
    assert [report.checked for report in reports if report.name == "1.bias"] <= [6]
    assert all(tg.equal(model.state_dict()[name], before[name]) for name in before)
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(parameter.dtype == np.float32 for parameter in model.parameters())
    table = gradient_table(reports).splitlines()
    assert len({len(line) for line in table[1:]}) == 1


# Data.


def write_mnist(folder, damaged=False):
    """Files of MNIST's names and shapes, in few bytes: not its images."""
    folder.mkdir(parents=True)
    for files in MNIST.files.values():
        for file in files:
            content = encode_idx(np.zeros(file.shape, dtype=np.uint8))
            (folder / file.name).write_bytes(content[:1000] if damaged else content)


def test_without_mnist_and_network_digits_are_used_at_once(tmp_path, capsys):
    start = time.perf_counter()
    train, test, why = demo.choose_data("auto")
    assert time.perf_counter() - start < 3
    assert (len(train), len(test)) == (1437, 360)
    assert why == (
        "Digits, because MNIST is not on this machine and neither 127.0.0.1:9 nor 127.0.0.1:9 "
        "answers"
    )
    assert capsys.readouterr().err == ""


def test_mnist_that_was_asked_for_and_cannot_be_had_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match=r"(?s)answers.*train-images.*--data digits"):
        run(tmp_path / "out", "mnist")
    assert not (tmp_path / "out").exists()


def test_a_server_that_takes_the_call_and_says_nothing_is_not_waited_for(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        monkeypatch.setattr(MNIST, "mirrors", (address, "http://127.0.0.1:9/"))
        monkeypatch.setattr(demo, "_PATIENCE", 0.3)
        start = time.perf_counter()
        train, _, why = demo.choose_data("auto")
        assert time.perf_counter() - start < 3
    assert isinstance(train, Digits)
    assert "answers" in why


def test_the_lookup_of_a_name_is_not_waited_for(monkeypatch):
    finish = threading.Event()

    def hang(*_, **__):
        finish.wait(20)  # no timeout of a socket ends this
        raise OSError

    monkeypatch.setattr(demo.urllib.request, "urlopen", hang)
    monkeypatch.setattr(demo, "_PATIENCE", 0.3)
    start = time.perf_counter()
    train, _, _ = demo.choose_data("auto")
    assert time.perf_counter() - start < 3
    finish.set()
    assert isinstance(train, Digits)


def test_a_server_that_answers_is_asked_for_mnist(monkeypatch):
    """Whatever it says: here that there is no such file."""
    asked = []  # twice: whether anyone is there, and for the file

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            asked.append(self.path)
            self.send_error(404)

        do_GET = do_HEAD

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(MNIST, "mirrors", (f"http://127.0.0.1:{server.server_port}/",))
        _, _, why = demo.choose_data("auto")
        server.shutdown()
    assert asked == ["/train-images-idx3-ubyte.gz"] * 2
    assert why == "Digits, because train-images-idx3-ubyte.gz could not be downloaded"


def test_damaged_files_of_mnist_are_spoken_of(tmp_path, monkeypatch):
    write_mnist(tmp_path / "mnist", damaged=True)
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    _, _, why = demo.choose_data("auto")
    assert "train-images-idx3-ubyte is cut off: expected 47,040,016 bytes" in why
    with pytest.raises(DatasetError, match="is cut off"):
        run(tmp_path / "out", "mnist")
    assert not (tmp_path / "out").exists()


@pytest.mark.mnist
def test_the_demo_reads_mnist(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(DATA_VARIABLE, MNIST_FOLDER)
    outcome = run(tmp_path, epochs=4)
    assert outcome.metrics["test_accuracy"] >= 0.97
    assert outcome.metrics["model"] == "784-100-100-10"
    assert capsys.readouterr().out.startswith("Data: MNIST, from ")


MNIST_FOLDER = os.environ.get(DATA_VARIABLE, "")


# Faults of the machine.


def test_without_scikit_learn_both_reasons_are_given(monkeypatch):
    for name in ("sklearn", "sklearn.datasets"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"scikit-learn.*pip install.*MNIST is not on this"):
        demo.choose_data("auto")


def test_without_matplotlib_nothing_is_begun(tmp_path, monkeypatch):
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        run(tmp_path / "out", "digits")
    assert not (tmp_path / "out").exists()


def test_without_threadpoolctl_the_result_is_the_same(tmp_path, monkeypatch):
    Digits()  # scikit-learn needs threadpoolctl when it is imported
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    with one_thread():
        outcome = run(tmp_path, "digits", epochs=1, progress=False)
    assert set(outcome.files) >= FILES


def test_a_file_in_the_way_of_the_folder(tmp_path):
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(RunError, match=r"cannot be written: .*\. Choose another .* --out"):
            run(out, "digits")


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    def full(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runs.tempfile, "TemporaryFile", full)
    message = f"{tmp_path} cannot be written: No space left on device. Make room, or choose "
    with pytest.raises(RunError, match=message):
        run(tmp_path, "digits")


def test_a_disk_that_gets_full_leaves_whole_files(tmp_path):
    resource = pytest.importorskip("resource", reason="limits of file sizes are Unix's")
    (tmp_path / "curves.png").write_bytes(b"of an earlier run")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(RunError, match=r"curves\.png cannot be written: File too large"):
            run(tmp_path, "digits", epochs=1, progress=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.listdir(tmp_path) == ["curves.png"]
    assert (tmp_path / "curves.png").read_bytes() == b"of an earlier run"


# Ctrl-C.


@pytest.fixture
def press_after(monkeypatch):
    """Press Ctrl-C in a batch of the training, counted from 1 over all epochs."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    counted = []

    def arm(batch):
        def loss(output, target):
            counted.append(1)
            if len(counted) == batch:
                signal.raise_signal(signal.SIGINT)
            return nn.functional.cross_entropy(output, target)

        monkeypatch.setattr(demo.nn, "CrossEntropyLoss", lambda: loss)

    yield arm
    signal.signal(signal.SIGINT, before)


def test_after_ctrl_c_the_finished_epochs_are_reported_and_written(tmp_path, capsys, press_after):
    press_after(110)  # 45 batches and an evaluation are an epoch: in the third
    outcome = run(tmp_path, "digits")
    assert outcome.history.interrupted
    assert set(outcome.files) >= FILES
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["interrupted"]
    assert [row["epoch"] for row in metrics["epochs"]] == [1, 2]
    images, labels = Digits(train=False)[:]
    right = (model_from(tmp_path)(images).argmax(1) == labels).float().mean()
    assert metrics["test_accuracy"] == pytest.approx(right.item())
    assert "Stopped; 2 epochs are finished." in capsys.readouterr().out


def test_ctrl_c_before_the_first_epoch_is_finished_writes_nothing(tmp_path, capsys, press_after):
    press_after(3)
    outcome = run(tmp_path, "digits")
    assert outcome.history.interrupted
    assert outcome.files == os.listdir(tmp_path) == []
    assert "nothing was written" in capsys.readouterr().out
