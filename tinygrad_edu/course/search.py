"""A search by Optuna that can be stopped at any moment and goes on where it was.

A trial is a function of the search's seed and its own number (and, for TPE, of the trials of
earlier generations), never of the process that runs it or of how often the search was interrupted.
It enters the storage when it is finished, in one piece: there is nothing to clean up after a kill.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..runs import RunError, one_thread

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

__all__ = ["NUMBER", "Search"]

Objective: TypeAlias = "Callable[[optuna.Trial, int], float]"

# TPE learns from the trials of earlier generations only: those of one generation can run at the
# same time, and are the same in however many processes they do.
GENERATION = 10
# The attribute of a stored trial that holds its number. (Optuna counts in the order of storing.)
NUMBER = "number in the search"


@dataclass(frozen=True)
class Search:
    """Trials of `objective(trial, seed)`, whose value is to be large.

    Args:
        objective: can be pickled if there is more than one process. The seed it is given is the
            trial's own.
        name: the study's, in the storage. Different searches have different names.
        seed: of the search; a number or several.
        sampler: "random" or "tpe".
        storage: an SQLite file, or None to keep the trials in memory.
    """

    objective: Objective
    name: str
    seed: Sequence[int]
    sampler: str = "random"
    storage: Path | None = None

    def run(
        self,
        trials: int,
        jobs: int = 1,
        track: Callable[[Sequence[int], str], Iterator[int]] = lambda numbers, _: iter(numbers),
        label: str = "trials",
    ) -> tuple[list[FrozenTrial], int]:
        """The trials 0, 1, ..., and how many of them were in the storage already.

        Raises ImportError without Optuna, RunError if the storage cannot be used or if a process
        was killed.
        """
        with _quiet(), _study(self.storage, self.name) as (study, stored):
            done = {each.user_attrs[NUMBER]: each for each in stored}
            missing = [number for number in range(trials) if number not in done]
            with _processes(min(jobs, len(missing))) as each_of:
                finished = self._finished(missing, done, each_of)
                for number in track(missing, label):
                    done[number] = next(finished)
                    study.add_trial(done[number])
        return [done[number] for number in range(trials)], trials - len(missing)

    def _finished(
        self,
        missing: Sequence[int],
        done: dict[int, FrozenTrial],
        each_of: Callable[..., Iterator[Any]],
    ) -> Iterator[FrozenTrial]:
        """Run the missing trials, generation by generation; `done` grows meanwhile."""
        if self.sampler == "random":
            yield from each_of(partial(run_trial, self, []), missing)
            return
        generations = sorted({number // GENERATION for number in missing})
        for first in (generation * GENERATION for generation in generations):
            history = [done[number] for number in range(first)]
            own = [number for number in missing if first <= number < first + GENERATION]
            yield from each_of(partial(run_trial, self, history), own)


def run_trial(search: Search, history: Sequence[FrozenTrial], number: int) -> FrozenTrial:
    """Let a sampler that knows the history propose a trial, and run it."""
    optuna = _optuna()
    seed = int(np.random.SeedSequence([*search.seed, number]).generate_state(1)[0])
    with _quiet(), one_thread():
        samplers = {"random": optuna.samplers.RandomSampler, "tpe": optuna.samplers.TPESampler}
        study = optuna.create_study(
            direction="maximize", sampler=samplers[search.sampler](seed=seed)
        )
        study.add_trials(history)
        trial = study.ask()
        trial.set_user_attr(NUMBER, number)
        study.tell(trial, search.objective(trial, seed))
        finished: FrozenTrial = study.trials[-1]
        return finished


@contextlib.contextmanager
def _study(storage: Path | None, name: str) -> Iterator[tuple[optuna.Study, list[Any]]]:
    """The study of this name, a new one if the storage has none, and its finished trials."""
    optuna = _optuna()
    if storage is None:
        yield optuna.create_study(direction="maximize", study_name=name), []
        return
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    # Not by an address of the file, in which "?" and "{" would have a meaning of their own.
    connect = partial(sqlite3.connect, storage, timeout=60)
    try:
        storage.parent.mkdir(parents=True, exist_ok=True)
        database = optuna.storages.RDBStorage(
            "sqlite://", {"creator": connect, "poolclass": NullPool}
        )
        study = optuna.create_study(
            direction="maximize", study_name=name, storage=database, load_if_exists=True
        )
        stored = [each for each in study.trials if NUMBER in each.user_attrs]
    except (SQLAlchemyError, optuna.exceptions.OptunaError, RuntimeError, ValueError, OSError) as e:
        raise _unusable(storage, e) from None
    try:
        yield study, stored
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as e:
        raise _unusable(storage, e) from None
    finally:
        database.remove_session()


def _unusable(storage: Path, error: Exception) -> RunError:
    """What to say of the first cause, and what helps."""
    cause = error.__cause__ or error
    reason = str(getattr(cause, "orig", None) or cause).partition("\n")[0].rstrip(".")
    return RunError(
        f"{storage} cannot be used for the search: {reason}. If the disk is full, make room and "
        "run again: finished trials are kept. If the file is damaged, delete it to search anew."
    )


@contextlib.contextmanager
def _processes(count: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """A `map` that works in so many processes; the ordinary one for a single process."""
    if count < 2:
        yield map
        return
    # Spawned: a fork would copy the locks of other threads, such as the progress bar's.
    pool = ProcessPoolExecutor(count, get_context("spawn"), initializer=_start_process)
    try:
        yield pool.map
    except BrokenProcessPool:
        raise RunError(
            "A process of the search was killed. The finished trials are kept: run the same "
            "command again, with fewer --jobs if the memory was too small."
        ) from None
    finally:
        with _undisturbed():
            pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Without Ctrl-C: a second one would leave processes behind for which Python waits at its end.

    They end by themselves, with the trial that each is at.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _start_process() -> None:
    """In a new process: leave Ctrl-C to the parent, and end when the parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None

    def follow() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _optuna() -> Any:
    """Optuna, or an ImportError that says what to install."""
    try:
        import optuna
    except ImportError:
        raise ImportError(
            'The search needs Optuna: pip install "tinygrad_edu[course]" or pip install optuna.'
        ) from None
    return optuna


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's messages, and its warnings of what is experimental."""
    optuna = _optuna()
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)
