"""The command line: help, errors in one line, exit status."""

import base64
import errno
import importlib
import json
import os
import signal
import subprocess
import sys
import time

import matplotlib
import pytest

import tinygrad_edu as tg
from tinygrad_edu import cli, course, demo
from tinygrad_edu.course import report, runner
from tinygrad_edu.course.experiment import Result
from tinygrad_edu.datasets import DATA_VARIABLE, DatasetError
from tinygrad_edu.demo import Outcome
from tinygrad_edu.runs import RunError, unwritable
from tinygrad_edu.training import History


@pytest.fixture(autouse=True)
def no_data(monkeypatch, tmp_path):
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    monkeypatch.setenv("MPLCONFIGDIR", matplotlib.get_cachedir())  # it would be made anew
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def tinygrad_edu(capsys):
    """Run the command line here; returns status, output and error."""

    def run(*arguments):
        with pytest.raises(SystemExit) as caught:
            cli.main(arguments)
        return caught.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def calls(monkeypatch):
    """What the demo was called with, in place of a run."""
    given = []

    def run(*arguments):
        given.append(arguments)
        return Outcome(History())

    monkeypatch.setattr(demo, "run", run)
    return given


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "demo"),
        (["--help"], "demo"),
        (["demo", "--help"], "--epochs"),
        (["course"], "report"),
        (["course", "--help"], "report"),
        (["course", "run", "--help"], "--variant"),
    ],
)
def test_help(arguments, word, tinygrad_edu, calls):
    status, out, error = tinygrad_edu(*arguments)
    assert (status, error, calls) == (0, "", [])
    command = [each for each in arguments if each != "--help"]
    assert out.startswith(f"Usage: {' '.join(['tinygrad-edu', *command])} [OPTIONS]")
    assert word in out


def test_version(tinygrad_edu):
    assert tinygrad_edu("--version") == (0, f"tinygrad_edu {tg.__version__}\n", "")


def test_options_reach_the_demo(tinygrad_edu, calls):
    assert tinygrad_edu("demo")[0] == 0
    options = ["--data", "digits", "--epochs", "3", "--seed", "7", "--out", "there"]
    assert tinygrad_edu("demo", *options)[0] == 0
    assert [(str(out), *rest) for out, *rest in calls] == [
        ("runs/demo", "auto", None, 0),
        ("there", "digits", 3, 7),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "--data", "cifar"], "'cifar' is not one of auto, mnist, digits"),
        (["demo", "--epochs", "0"], "--epochs"),
        (["demo", "--epochs", "many"], "--epochs"),
        (["demo", "--epochs"], "--epochs"),
        (["demo", "--seed", "-1"], "--seed"),
        (["demo", "--speed", "9"], "--speed"),
        (["demo", "more"], "more"),
        (["dmeo"], "dmeo"),
        (["--quiet"], "--quiet"),
        (["course", "rnu"], "rnu"),
        (["course", "--all"], "--all"),
        (["course", "run"], "Name experiments, or say --all."),
        (["course", "run", "8", "--all"], "Name experiments, or say --all."),
        (["course", "run", "8", "--data", "cifar"], "'cifar' is not mnist or digits"),
        (["course", "run", "8", "--fast"], "--fast"),
        (["course", "run", "8", "--seed", "x"], "--seed"),
        (["course", "run", "--out"], "--out"),
        (["course", "report", "--all"], "--all"),
    ],
)
def test_a_wrong_call_is_one_line_that_leads_to_the_help(arguments, message, tinygrad_edu, calls):
    status, out, error = tinygrad_edu(*arguments)
    assert (status, out, calls) == (2, "", [])
    assert error.startswith("tinygrad-edu: ")
    assert message in error
    known = [each for each in arguments if each in ("demo", "course", "run", "report")]
    assert error.endswith(f" See {' '.join(['tinygrad-edu', *known])} --help.\n")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (RunError("there cannot be written."), "there cannot be written."),
        (DatasetError("a.gz is damaged\nDelete it."), "a.gz is damaged. Delete it."),
        (DatasetError("Nothing:\n  here\n  there"), "Nothing: here there"),
        (ImportError("Install matplotlib."), "Install matplotlib."),
    ],
)
def test_what_is_missing_on_the_machine_is_one_line(fault, line, tinygrad_edu, monkeypatch):
    def run(*_):
        raise fault

    monkeypatch.setattr(demo, "run", run)
    assert tinygrad_edu("demo") == (2, "", f"tinygrad-edu: {line}\n")


def test_a_defect_keeps_its_traceback(monkeypatch):
    def run(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(demo, "run", run)
    with pytest.raises(ZeroDivisionError):
        cli.main(["demo"])


def test_ctrl_c(tinygrad_edu, monkeypatch):
    def run(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "run", run)
    assert tinygrad_edu("demo") == (130, "", "tinygrad-edu: stopped\n")
    monkeypatch.setattr(demo, "run", lambda *_: Outcome(History(interrupted=True)))
    assert tinygrad_edu("demo") == (130, "", "")


# The course.


@pytest.fixture
def runs(monkeypatch):
    """The experiments that were run, with their variants, in place of the runs."""
    done = []

    def run(experiment, setting, out):
        done.append((experiment.name, setting.variant))
        return Result({}), out / experiment.name

    monkeypatch.setattr(runner, "run", run)
    return done


def test_all_runs_each_experiment_and_the_errata(tinygrad_edu, runs):
    status, out, _ = tinygrad_edu("course", "run", "--all", "--data", "digits")
    assert status == 0
    assert [name for name, variant in runs if variant is None] == list(course.NAMES)
    assert [each for each in runs if each[1]] == [("vanishing-gradient", "wrong-derivative")]
    assert runs.index(("vanishing-gradient", "wrong-derivative")) == 8
    assert "\n[9/22] 8. Vanishing gradients: sigmoid and ReLU" in out
    assert "\n22 runs, as expected. A page of them: course report\n" in out


def test_what_is_named_runs_once_and_without_its_variants(tinygrad_edu, runs):
    names = ["forward", "8", "1", "forward", "vanishing_gradient"]
    assert tinygrad_edu("course", "run", *names, "--data", "digits")[0] == 0
    assert runs == [("forward", None), ("vanishing-gradient", None)]


@pytest.mark.parametrize("name", ["²", "22", "nothing"])
def test_a_name_that_is_no_experiment_is_one_line(name, tinygrad_edu, runs):
    status, out, error = tinygrad_edu("course", "run", name)
    assert (status, out, runs) == (2, "", [])
    assert error.startswith(f"tinygrad-edu: There is no experiment {name!r}. ")
    assert error.count("\n") == 1


SVG = b"<svg><script>alert(1)</script><title>a graph</title></svg>"


def made(out, name="forward", variant=None, **changes):
    """A folder as a run leaves it, with two pictures."""
    from PIL import Image

    folder = out / (f"{name}.{variant}" if variant else name)
    folder.mkdir(parents=True)
    stem = variant or "a-figure"
    Image.new("RGB", (2, 2)).save(folder / f"{stem}.png")
    (folder / f"{stem}-graph.svg").write_bytes(SVG)
    experiment = course.load(name)
    record = {
        "experiment": name,
        "number": experiment.number,
        "title": experiment.title,
        "data": None,
        "seed": 0,
        "quick": False,
        "variant": variant,
        "passed": True,
        **dict.fromkeys(("checks", "tables", "remarks"), ()),
        "numbers": {},
        "seconds": 1,
        "figures": [f"{stem}.png"],
        "files": ["graph.dot", f"{stem}-graph.svg"],
        "versions": {"tinygrad_edu": "0.1.0", "numpy": "2.0.0", "python": "3.11.7"},
    }
    (folder / "result.json").write_text(json.dumps(record | changes), encoding="utf-8")


def test_the_report_shows_graphs_as_pictures_and_all_versions(tmp_path):
    made(tmp_path)
    newer = {"tinygrad_edu": "0.2.0", "numpy": "2.0.0", "python": "3.11.7"}
    made(tmp_path, "activations", versions=newer)
    assert report.write_report(tmp_path, tmp_path / "report.html") == 2
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    address = f"data:image/svg+xml;base64,{base64.b64encode(SVG).decode()}"
    assert page.count(f'<img src="{address}" alt="') == 2
    assert page.count('<img src="data:image/png;base64,') == 2
    assert "<figcaption>a figure graph</figcaption>" in page
    assert "<svg" not in page
    assert "<script" not in page
    assert "tinygrad_edu 0.1.0 and 0.2.0, NumPy 2.0.0, Python 3.11.7" in page


def test_a_page_that_cannot_be_written_leads_to_its_own_option(tmp_path, tinygrad_edu):
    made(tmp_path / "runs")
    (tmp_path / "file").touch()
    page = tmp_path / "file" / "page.html"
    status, out, error = tinygrad_edu("course", "report", "--out", "runs", "--page", str(page))
    assert (status, out) == (2, "")
    assert error.startswith(f"tinygrad-edu: {page} cannot be written: ")
    assert error.endswith(". Choose another file with --page.\n")


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "Make room, or choose another folder with --out."),
        (errno.EDQUOT, "Make room, or choose another folder with --out."),
        (errno.EACCES, "Choose another folder with --out."),
        (errno.EROFS, "Choose another folder with --out."),
    ],
)
def test_room_is_asked_for_only_where_there_is_none(number, advice, tmp_path):
    error = OSError(number, os.strerror(number))
    assert str(unwritable(tmp_path, error)) == (
        f"{tmp_path} cannot be written: {os.strerror(number)}. {advice}"
    )


# The pictures of the course's pages.


@pytest.fixture
def make_figures(monkeypatch):
    """docs/make_figures.py, for two experiments only."""
    monkeypatch.syspath_prepend(os.path.join(ROOT, "docs"))
    module = importlib.import_module("make_figures")
    monkeypatch.setattr(module, "NAMES", ("forward", "vanishing-gradient"))
    return module


def test_the_pictures_of_an_erratum_stand_beside_those_of_its_experiment(tmp_path, make_figures):
    made(tmp_path / "runs")
    made(tmp_path / "runs", "vanishing-gradient")
    made(tmp_path / "runs", "vanishing-gradient", "wrong-derivative")
    figures = tmp_path / "figures"
    assert make_figures.write(tmp_path / "runs", figures) == 6
    assert sorted(path.relative_to(figures).as_posix() for path in figures.glob("*/*")) == [
        "forward/a-figure-graph.svg",
        "forward/a-figure.png",
        "vanishing-gradient/a-figure-graph.svg",
        "vanishing-gradient/a-figure.png",
        "vanishing-gradient/wrong-derivative-graph.svg",
        "vanishing-gradient/wrong-derivative.png",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (None, "wrong-derivative has no figures: run `.* --variant wrong-derivative`"),
        ({"passed": False}, "wrong-derivative FAILED"),
    ],
)
def test_figures_that_are_missing_or_wrong_replace_nothing(
    changes, message, tmp_path, make_figures
):
    made(tmp_path / "runs")
    made(tmp_path / "runs", "vanishing-gradient")
    if changes:
        made(tmp_path / "runs", "vanishing-gradient", "wrong-derivative", **changes)
    kept = tmp_path / "figures" / "forward" / "old.png"
    kept.parent.mkdir(parents=True)
    kept.touch()
    with pytest.raises(SystemExit, match=message):
        make_figures.write(tmp_path / "runs", tmp_path / "figures")
    assert kept.exists()


# In a process of its own.

BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == sys.argv[1]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
from tinygrad_edu.cli import main
main(sys.argv[2:])
"""
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def process(*arguments, **options):
    environment = {**os.environ, "PYTHONPATH": ROOT}
    environment.pop("PYTHONUNBUFFERED", None)  # as in a usual shell, output waits in a buffer
    command = [sys.executable, *arguments]
    return subprocess.Popen(command, env=environment, text=True, **options)


@pytest.mark.parametrize(
    ("package", "words"),
    [
        ("typer", ["tinygrad-edu: the command line needs", 'pip install "tinygrad_edu[course]"']),
        ("matplotlib", ["tinygrad-edu: Figures need matplotlib: pip install"]),
        ("sklearn", ["tinygrad-edu: Digits comes with scikit-learn", "pip install"]),
        ("graphviz", ["No module named 'graphviz'", "pip install"]),
    ],
)
def test_a_missing_package_is_one_line_that_says_what_to_install(package, words, tmp_path):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    child = process("-c", BLOCKED, package, "demo", "--data", "digits", "--out", "out", **pipes)
    out, error = child.communicate(timeout=60)
    assert (child.returncode, out) == (2, "")
    assert error.count("\n") == 1
    assert all(word in error for word in words)
    assert os.listdir(tmp_path) == []


def test_without_rich_the_demo_runs(tmp_path):
    child = process(
        *("-c", BLOCKED, "rich", "demo", "--data", "digits", "--epochs", "2"),
        stdout=subprocess.PIPE,
    )
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 0
    assert "epoch 2/2  train loss" in out
    assert "metrics.json" in os.listdir(tmp_path / "runs" / "demo")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_an_output_that_cannot_be_written_is_one_line():
    with open("/dev/full", "w") as full:
        child = process(
            *("-m", "tinygrad_edu.cli", "--version"), stdout=full, stderr=subprocess.PIPE
        )
        _, error = child.communicate(timeout=60)
    assert child.returncode == 2
    assert error == "tinygrad-edu: the output cannot be written: No space left on device\n"


def test_a_reader_that_goes_away_is_no_error():
    child = process(
        *("-m", "tinygrad_edu.cli", "--help"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    child.stdout.close()
    error = child.stderr.read()
    child.stderr.close()
    assert (child.wait(timeout=60), error) == (1, "")


def test_ctrl_c_at_a_terminal_ends_the_demo_with_its_files(tmp_path):
    """A real terminal, a real key: the bar is shown, status 130, finished epochs are written."""
    pty = pytest.importorskip("pty", reason="pseudo-terminals are Unix's")
    keyboard, terminal = pty.openpty()
    child = process(
        *("-m", "tinygrad_edu.cli", "demo", "--data", "digits", "--epochs", "100000"),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=_control_terminal,
    )
    os.close(terminal)
    screen, pressed, end = "", False, time.monotonic() + 150
    while time.monotonic() < end:
        try:
            screen += os.read(keyboard, 65536).decode(errors="replace")
        except OSError:  # the other side was closed
            break
        if not pressed and "epoch      3/100000  train loss" in screen:
            os.write(keyboard, b"\x03")
            pressed = True
    os.close(keyboard)
    assert child.wait(timeout=60) == 130
    assert "epochs are finished." in screen
    assert "Test accuracy: 0." in screen
    assert "/45" in screen  # the bar counts batches
    assert "Traceback" not in screen
    assert "metrics.json" in os.listdir(tmp_path / "runs" / "demo")


def _control_terminal():
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # A shell lets what it runs in the background ignore Ctrl-C, and so the tests' own children.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
