"""The command line: `tinygrad-edu`."""

# Without `from __future__ import annotations`: typer evaluates the annotations, and it is only
# imported inside of a function.
import contextlib
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

__all__ = ["main"]

_NAME = "tinygrad-edu"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Status 0; 2 for a wrong call, and where something is missing on this machine, with one line that
    says what helps; 130 after Ctrl-C. A traceback is a defect of the package.
    """
    for stream in (sys.stdout, sys.stderr):
        # A path may hold characters that this terminal cannot show.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        status = _run(sys.argv[1:] if arguments is None else list(arguments))
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = _fail("stopped", 130)
    except OSError as error:
        # Those of files have become RunErrors: this is the standard output. (typer itself ends
        # `tinygrad-edu demo | head -1` without a word.)
        status = _fail(f"the output cannot be written: {error.strerror or error}", 2)
        with contextlib.suppress(OSError):
            # What is left in the buffer would fail once more when Python exits, with status 120.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)


def _fail(message: str, status: int) -> int:
    """Say in one line what is wrong."""
    message = re.sub(r"(?<=\w)\n(?=[A-Z])", ". ", message)
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{_NAME}: {' '.join(message.split())}\n")
    return status


def _run(arguments: list[str]) -> int:
    try:
        import typer
    except ImportError:
        return _fail(
            'the command line needs a few more packages: pip install "tinygrad_edu[course]"', 2
        )
    # typer's class for wrong calls; where it comes from differs between its versions.
    wrong_call: Any = typer.BadParameter.__base__
    command: Any = typer.main.get_command(_app())
    try:
        status = command.main(arguments, prog_name=_NAME, standalone_mode=False)
    except wrong_call as error:
        called = [_NAME, *_named(command, arguments)]
        return _fail(f"{error.format_message()}\nSee {' '.join(called)} --help.", 2)
    return int(status or 0)


def _named(command: Any, arguments: Sequence[str]) -> Iterator[str]:
    """The names of the commands at the beginning of the arguments."""
    for argument in arguments:
        command = getattr(command, "commands", {}).get(argument)
        if command is None:
            return
        yield argument


def _app() -> Any:
    """The commands. Each returns its exit status."""
    import typer

    from .course.commands import add_commands

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

    @app.callback(invoke_without_command=True)
    def top(
        context: typer.Context,
        version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
    ) -> int:
        """Learn how deep learning works, on a framework that you can read."""
        if version:
            from . import __version__

            typer.echo(f"tinygrad_edu {__version__}")
        elif context.invoked_subcommand is None:
            typer.echo(context.get_help())
        return 0

    @app.command()
    def demo(
        data: Annotated[
            str,
            typer.Option(metavar="NAME", help="mnist, digits, or auto: MNIST if it can be had."),
        ] = "auto",
        epochs: Annotated[
            int | None,
            typer.Option(
                min=1, metavar="N", help="Passes over the images.  [default: 8; for Digits 30]"
            ),
        ] = None,
        seed: Annotated[
            int, typer.Option(min=0, metavar="N", help="A run is a function of its seed.")
        ] = 0,
        out: Annotated[
            Path, typer.Option(metavar="FOLDER", help="Where the results are written.")
        ] = Path("runs/demo"),
    ) -> int:
        """Train a network to read handwritten digits, and check its gradients.

        Writes curves, predictions, the graph, metrics and the model into a folder.
        """
        if data not in ("auto", "mnist", "digits"):
            raise typer.BadParameter(
                f"{data!r} is not one of auto, mnist, digits.", param_hint="--data"
            )

        def work() -> int:
            from .demo import run

            return 130 if run(out, data, epochs, seed).history.interrupted else 0

        return _guarded(work)

    add_commands(app, _guarded)
    return app


def _guarded(work: Callable[[], int]) -> int:
    """The exit status of the work; where something is missing, one line that says what helps."""
    from .datasets import DatasetError
    from .runs import RunError

    try:
        return work()
    except KeyboardInterrupt:  # here, because typer has its own ideas of it
        return _fail("stopped", 130)
    except ModuleNotFoundError as error:  # Python's own words do not say what to install
        return _fail(f'{error}. pip install "tinygrad_edu[course]"', 2)
    except (RunError, DatasetError, ImportError) as error:
        return _fail(str(error), 2)


if __name__ == "__main__":
    main()
