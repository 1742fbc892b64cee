"""Speed against PyTorch eager: both run the same steps in turn, and the ratio of each pair is what
counts.

    python benchmarks/run.py                 all of them, with one thread and with two
    python benchmarks/run.py mlp-adam -t 1   one of them, with one thread
    python benchmarks/run.py conv-plain      convolutions against their definition by im2col
    python benchmarks/run.py --list          what there is

Each framework runs in a process of its own with the same number of threads. They take turns in
short blocks, so that a drift of the machine hits both alike. A ratio below 1 means that
tinygrad_edu is faster. The memory is what the process has grown by at its peak since the model and
the data were made. PyTorch is needed for the comparison only: `make bench` installs it.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
from steps import CONVOLUTIONS, STEPS

BLOCK_SECONDS = 0.2


class Worker:
    """A process that runs one framework's step when told to."""

    def __init__(self, framework: str, name: str, threads: int) -> None:
        environment = dict(os.environ)
        for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            environment[variable] = str(threads)
        command = [
            sys.executable,
            str(Path(__file__).parent / "steps.py"),
            framework,
            name,
            str(threads),
        ]
        self.peak = 0  # bytes
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(self, count: int) -> float:
        """Seconds per step; the memory goes to `peak`."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"The worker ended: {' '.join(map(str, self.process.args))}")
        seconds, peak = line.split()
        self.peak = int(peak)
        return float(seconds) / count

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


class Comparison(NamedTuple):
    """Median seconds of two programs, the ratio of each round, and the memory of both in bytes."""

    ours: float
    theirs: float
    ratios: list[float]
    peaks: tuple[int, int] = (0, 0)


def compare(ours: Worker, theirs: Worker, rounds: int) -> Comparison:
    """Let two workers take turns."""
    try:
        times: list[tuple[float, float]] = []
        count = [0, 0]
        for index, worker in enumerate((ours, theirs)):
            worker.run(20)
            count[index] = max(1, round(BLOCK_SECONDS / worker.run(20)))
        for number in range(rounds):
            if number % 2:
                second = theirs.run(count[1])
                times.append((ours.run(count[0]), second))
            else:
                first = ours.run(count[0])
                times.append((first, theirs.run(count[1])))
    finally:
        ours.close()
        theirs.close()
    medians = [statistics.median(column) for column in zip(*times, strict=True)]
    ratios = sorted(a / b for a, b in times)
    return Comparison(medians[0], medians[1], ratios, (ours.peak, theirs.peak))


def import_times(rounds: int) -> Comparison:
    """Median seconds of `import tinygrad_edu` and `import numpy` in new processes, and their
    ratios.
    """
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-c", "import tinygrad_edu"], check=True, env=environment)
    times = []
    for _ in range(rounds):
        pair = []
        for module in ("tinygrad_edu", "numpy"):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", f"import {module}"], check=True, env=environment)
            pair.append(time.perf_counter() - start)
        times.append(pair)
    medians = [statistics.median(column) for column in zip(*times, strict=True)]
    return Comparison(medians[0], medians[1], sorted(a / b for a, b in times))


def line(name: str, threads: str, found: Comparison) -> str:
    """One row of the table."""
    middle = statistics.median(found.ratios)
    spread = f"{found.ratios[0]:.2f} - {found.ratios[-1]:.2f}"
    memory = [f"{peak / 1e6:.1f}" if peak else "-" for peak in found.peaks]
    return (
        f"{name:<14} {threads:>7} {found.ours * 1e3:>12.3f} {found.theirs * 1e3:>12.3f} "
        f"{middle:>8.2f}   {spread:<16} {memory[0]:>8} {memory[1]:>11}"
    )


def heading(theirs: str) -> str:
    """The titles of the columns."""
    return (
        f"{'step':<14} {'threads':>7} {'ours ms':>12} {theirs + ' ms':>12} {'ratio':>8}   "
        f"lowest - highest {'ours MB':>8} {theirs + ' MB':>11}"
    )


def against_plain(threads: list[int], rounds: int) -> None:
    """A table of steps with convolutions against the same with the definition by im2col."""
    for form in ("recorded", "textbook"):
        print(heading(form))
        for name in CONVOLUTIONS:
            for number in threads:
                ours = Worker("tinygrad_edu", name, number)
                plain = Worker("tinygrad_edu", f"{name}:{form}", number)
                print(line(name, str(number), compare(ours, plain, rounds)), flush=True)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        description="Speed of tinygrad_edu against PyTorch eager on the same machine.",
        epilog="A ratio below 1 means that tinygrad_edu is faster.",
    )
    parser.add_argument("names", nargs="*", help="what to measure (default: everything)")
    parser.add_argument(
        "-t", "--threads", type=int, nargs="+", help="numbers of threads (default: 1 and all)"
    )
    parser.add_argument(
        "-r", "--rounds", type=int, default=9, help="rounds of each pair (default: 9)"
    )
    parser.add_argument("--list", action="store_true", help="list what can be measured")
    arguments = parser.parse_args()
    known = [*STEPS, "import", "conv-plain"]
    if arguments.list:
        for name, make in STEPS.items():
            print(f"{name:<14} {make.__doc__}")
        print(f"{'import':<14} import tinygrad_edu against import numpy")
        print(f"{'conv-plain':<14} steps with convolutions against their definition by im2col")
        return 0
    unknown = [name for name in arguments.names if name not in known]
    if unknown or arguments.rounds < 1 or any(t < 1 for t in arguments.threads or []):
        parser.error(
            f"unknown: {', '.join(unknown)}; there are {', '.join(known)}"
            if unknown
            else "use numbers >= 1"
        )
    without = bool(arguments.names) and {*arguments.names} <= {"import", "conv-plain"}
    if importlib.util.find_spec("torch") is None and not without:
        print(
            "PyTorch is not installed here: run `make bench`, or pip install torch.",
            file=sys.stderr,
        )
        return 2
    threads = arguments.threads or sorted({1, os.cpu_count() or 1})
    names = arguments.names or known
    if names != ["conv-plain"]:
        print(heading("PyTorch"))
    for name in names:
        if name == "import":
            print(line("import (numpy)", "-", import_times(arguments.rounds * 2)), flush=True)
        elif name == "conv-plain":
            against_plain(threads, arguments.rounds)
        else:
            for number in threads:
                ours, theirs = (Worker(each, name, number) for each in ("tinygrad_edu", "torch"))
                print(line(name, str(number), compare(ours, theirs, arguments.rounds)), flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
