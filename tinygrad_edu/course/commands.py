"""The commands `tinygrad-edu course ...`."""

# Without `from __future__ import annotations`: typer evaluates the annotations.
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

__all__ = ["add_commands"]

_OUT = Path("runs/course")


def add_commands(app: Any, guarded: Callable[[Callable[[], int]], int]) -> None:
    """Add `course list`, `course run` and `course report` to the command line.

    `guarded(work)` is the exit status of the work, and says in one line what went wrong.
    """
    import typer

    course = typer.Typer()
    app.add_typer(course, name="course")
    folder = typer.Option(metavar="FOLDER", help="Where the results are.")

    @course.callback(invoke_without_command=True)
    def top(context: typer.Context) -> int:
        """The experiments of the course."""
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())
        return 0

    @course.command("list")
    def list_() -> int:
        """Show the experiments, and how long each takes."""
        return guarded(_list)

    @course.command()
    def run(
        names: Annotated[
            list[str] | None,
            typer.Argument(metavar="[NAME]...", help="Experiments, by name or number."),
        ] = None,
        everything: Annotated[
            bool, typer.Option("--all", help="All, and the errata of the notes.")
        ] = False,
        data: Annotated[
            str, typer.Option(metavar="NAME", help="mnist, or digits, which are built in.")
        ] = "mnist",
        seed: Annotated[
            int, typer.Option(min=0, metavar="N", help="A run is a function of its seed.")
        ] = 0,
        quick: Annotated[bool, typer.Option("--quick", help="Fewer steps.")] = False,
        variant: Annotated[
            str | None, typer.Option(metavar="NAME", help="Another form; `course list` names them.")
        ] = None,
        jobs: Annotated[
            int,
            typer.Option(min=1, metavar="N", help="Processes of the hyperparameter search."),
        ] = 1,
        out: Annotated[Path, folder] = _OUT,
    ) -> int:
        """Run experiments: figures and numbers are written into a folder for each.

        Exit status 1 if a number is not as expected.
        """
        if everything == bool(names):
            raise typer.BadParameter("Name experiments, or say --all.", param_hint="NAME")
        if data not in ("mnist", "digits"):
            raise typer.BadParameter(f"{data!r} is not mnist or digits.", param_hint="--data")
        choices = {"data": data, "seed": seed, "quick": quick, "variant": variant}
        return guarded(lambda: _run(names or [], choices, jobs, out))

    @course.command()
    def report(
        out: Annotated[Path, folder] = _OUT,
        page: Annotated[
            Path | None,
            typer.Option(metavar="FILE", help="The page.  [default: report.html in that folder]"),
        ] = None,
    ) -> int:
        """Write one page of all results, which needs nothing but itself."""
        return guarded(lambda: _report(out, page or out / "report.html"))


def _report(out: Path, page: Path) -> int:
    from .report import write_report

    count = write_report(out, page)
    _say(f"{page}: {count} {'run' if count == 1 else 'runs'}")
    return 0


def _list() -> int:
    from . import NAMES, load

    _say(f"{'#':>2}  {'name':<22} {'mnist':>6} {'quick':>6}  what it shows")
    for name in NAMES:
        experiment = load(name)
        full, quick = (f"{seconds:.0f} s" for seconds in experiment.seconds)
        _say(f"{experiment.number:>2}  {name:<22} {full:>6} {quick:>6}  {experiment.title}")
        for variant, what in experiment.variants.items():
            _say(f"{'':>42}--variant {variant}: {what}")
    return 0


def _run(names: Sequence[str], choices: dict[str, Any], jobs: int, out: Path) -> int:
    from importlib.util import find_spec

    from ..runs import RunError, check_folder
    from ..viz.figures import make_figure
    from . import ERRATA, NAMES, load
    from .data import images
    from .experiment import Setting
    from .runner import run

    try:
        # By name, because one that is given twice runs once.
        experiments = list({each.name: each for each in map(load, names or NAMES)}.values())
    except KeyError as error:
        raise RunError(error.args[0]) from None
    variant = choices["variant"]
    for each in experiments:
        if variant is not None and variant not in each.variants:
            known = ", ".join(each.variants) or "no variants"
            raise RunError(f"{each.name} has no variant {variant!r}; it has {known}.")
    make_figure(1, 1)  # without matplotlib it is better to fail now than after the work
    for package in {package for each in experiments for package in each.packages}:
        if find_spec(package) is None:
            raise RunError(
                f'The experiments need {package}: pip install "tinygrad_edu[course]" or pip '
                f"install {package}."
            )
    if any(each.needs_data for each in experiments):
        images(choices["data"])
    check_folder(out)
    if choices["data"] != "mnist" or choices["quick"]:
        _say("The expected ranges hold for whole runs on MNIST; here numbers are only shown.")
    runs = [(each, variant) for each in experiments]
    if not names and variant is None:
        runs = [(each, form) for each in experiments for form in (None, *ERRATA.get(each.name, ()))]
    failed = 0
    for index, (each, form) in enumerate(runs, 1):
        what = f"{each.title}: {each.variants[form]}" if form else each.title
        _say(f"[{index}/{len(runs)}] {each.number}. {what}")
        with _Bars() as bars:
            options = {"jobs": jobs, "out": out}
            setting = Setting(**{**choices, "variant": form}, tracker=bars, options=options)
            try:
                result, folder = run(each, setting, out)
            except KeyboardInterrupt:
                bars.stop()
                _say(f"Stopped in {each.name}; {index - 1} of {len(runs)} are finished.")
                raise
        for check in result.checks:
            reported = f", reported {check.reported}" if check.reported else ""
            _say(
                f"    {check.verdict:<5} {check.name}: {check.value} "
                f"(expected {check.expected}{reported})"
            )
        for remark in result.remarks:
            _say(f"    {remark}")
        _say(f"    written to {folder}")
        failed += result.passed is False
    if len(runs) > 1:
        verdict = f"{failed} FAILED" if failed else "as expected"
        _say(f"{len(runs)} runs, {verdict}. A page of them: course report")
    return int(failed > 0)


class _Bars:
    """Progress bars by rich on a terminal; silent elsewhere. A context manager and a tracker."""

    def __init__(self) -> None:
        from ..training.progress import rich_bars

        self._bars = rich_bars("    {task.description}")

    def __enter__(self) -> "_Bars":
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Remove the bars from the screen."""
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, items: Sequence[Any], label: str) -> Iterable[Any]:
        if self._bars is None:
            return items
        return self._tracked(self._bars, items, label)

    @staticmethod
    def _tracked(bars: Any, items: Sequence[Any], label: str) -> Iterable[Any]:
        task = bars.add_task(label, total=len(items))
        for item in items:
            yield item
            bars.advance(task)
        bars.remove_task(task)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
