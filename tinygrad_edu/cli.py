"""The command line: `tinygrad-edu`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

__all__ = ["main"]


def main() -> None:
    """Run the command line. Exit status: 0, 2 for a wrong call or a fault of the environment, 130 after Ctrl-C."""
    try:
        import typer
    except ImportError:
        sys.exit('tinygrad-edu needs a few more packages: pip install "tinygrad_edu[course]"')

    from . import __version__

    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="Learn how deep learning works, on a framework that you can read.",
    )

    def show_version(wanted: bool) -> None:
        if wanted:
            typer.echo(f"tinygrad_edu {__version__}")
            raise typer.Exit

    @app.callback()
    def top(
        version: Annotated[
            bool, typer.Option("--version", is_eager=True, callback=show_version, help="Show the version.")
        ] = False,
    ) -> None:
        """Options of every command."""

    @app.command()
    def demo(
        data: Annotated[
            str, typer.Option(help="mnist, digits, or auto: MNIST if it can be had, Digits otherwise.")
        ] = "auto",
        epochs: Annotated[
            int | None, typer.Option(min=1, help="Passes over the images [default: 5 on MNIST, 60 on Digits].")
        ] = None,
        seed: Annotated[int, typer.Option(min=0, help="A run is a function of its seed.")] = 0,
        out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("runs/demo"),
    ) -> None:
        """Train a network on handwritten digits and write curves, predictions, graph, metrics and model."""
        if data not in ("auto", "mnist", "digits"):
            raise typer.BadParameter(f"{data!r} is not one of auto, mnist, digits", param_hint="--data")
        with _faults_in_one_line():
            from .demo import run

            history, _ = run(out, data, epochs, seed)
        if history.interrupted:
            raise typer.Exit(130)

    app()


@contextmanager
def _faults_in_one_line() -> Iterator[None]:
    """Faults of the environment end with one line and status 2; anything else is a defect and keeps its traceback."""
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(130)
    except (ImportError, OSError) as error:
        sys.stderr.write(f"tinygrad-edu: {error}\n")
        sys.exit(2)
    except RuntimeError as error:
        from .datasets import DatasetError

        if not isinstance(error, DatasetError):
            raise
        sys.stderr.write(f"tinygrad-edu: {error}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
