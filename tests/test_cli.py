"""The command line: help, errors in one line, exit status."""

import os
import signal
import subprocess
import sys
import time

import matplotlib
import pytest

import tinygrad_edu as tg
from tinygrad_edu import cli, demo
from tinygrad_edu.datasets import DATA_VARIABLE, DatasetError
from tinygrad_edu.demo import Outcome
from tinygrad_edu.runs import RunError
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


@pytest.mark.parametrize("arguments", [[], ["--help"], ["demo", "--help"]])
def test_help(arguments, tinygrad_edu, calls):
    status, out, error = tinygrad_edu(*arguments)
    assert (status, error, calls) == (0, "", [])
    assert out.startswith("Usage: tinygrad-edu")
    assert ("--epochs" if "demo" in arguments else "demo") in out


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
    ],
)
def test_a_wrong_call_is_one_line_that_leads_to_the_help(arguments, message, tinygrad_edu, calls):
    status, out, error = tinygrad_edu(*arguments)
    assert (status, out, calls) == (2, "", [])
    assert error.startswith("tinygrad-edu: ")
    assert message in error
    command = "tinygrad-edu demo" if "demo" in arguments else "tinygrad-edu"
    assert error.endswith(f" See {command} --help.\n")
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
