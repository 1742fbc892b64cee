"""lint: the common mistakes of a training, found before it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..autograd.mode import TRIAL
from ..nn import Module
from ..optim import Optimizer
from .lints.batches import Found, batch_lints, loader_lints
from .lints.findings import Finding, Findings, check_language
from .lints.looking import Look, look_at, quietly
from .lints.loops import evaluation_lints, own_step, step_lints
from .lints.losses import failure_lints, loss_lints
from .lints.networks import network_lints, optimizer_lints
from .lints.snapshot import Snapshot

__all__ = ["Finding", "Findings", "LintWarning", "lint"]


class LintWarning(UserWarning):
    """A finding of `lint`, shown by a Trainer before it begins."""


def lint(
    model: Module,
    loss_fn: Callable[..., Any],
    batch: Any,
    optimizer: Optimizer | None = None,
    *,
    step: Callable[[Any, Any], object] | None = None,
    evaluate: Callable[[Any, Any], object] | None = None,
    loader: Any = None,
    language: str = "en",
) -> Findings:
    """Look for the common mistakes of a training, on one batch; returns what was found.

    The result is a list of findings, each with a `code`, a `sentence` and a `remedy`; it prints as
    text, and is empty, that is false, if nothing was found.

    Args:
        loss_fn: `loss_fn(output, target)`, a module or function.
        batch: a pair (input, target), as a loader gives it.
        optimizer: which parameters it has, and whether its steps lower the loss of this batch.
        step: your training step, `step(input, target)`, everything that the loop does with a batch:
            does it zero the gradients, change the parameters, lower the loss of this batch?
        evaluate: your evaluation, `evaluate(input, target)`: does it switch the mode?
        loader: the DataLoader, for its last batch.
        language: "en" or "ja".

    Some passes and steps are made, and undone: afterwards the parameters, gradients and attributes
    of model and loss, the optimizer and the random generators are as before. Only what `step` and
    `evaluate` change elsewhere (a list of losses, a scheduler) stays; hooks are called as always,
    but a `viz.Monitor` does not count what is undone.

    Raises ValueError unless `batch` is a pair, and for another language; TypeError for a model
    that is no module and an optimizer that is none. Errors of the model, the loss and the step are
    findings.

    >>> from tinygrad_edu.training import lint
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1))
    >>> batch = tg.randn(8, 4), tg.arange(8) % 3
    >>> found = lint(model, nn.CrossEntropyLoss(), batch)
    >>> found.codes
    ['softmax-before-cross-entropy']
    >>> print(found[0].sentence)
    The cross-entropy is given the output of a softmax, but applies a softmax itself.
    >>> bool(lint(model[0], nn.CrossEntropyLoss(), batch))
    False
    """
    check_language(language)
    if not isinstance(model, Module):
        raise TypeError(f"lint: the model is a Module; got {type(model).__name__}.")
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise TypeError(f"lint: the optimizer is an Optimizer; got {type(optimizer).__name__}.")
    if not isinstance(batch, (list, tuple)) or len(batch) != 2:
        raise ValueError("lint: the batch is a pair (input, target), as a loader gives it.")
    modules = [model, *([loss_fn] if isinstance(loss_fn, Module) else [])]
    input, target = batch
    snapshot = Snapshot(modules, optimizer)
    trial = TRIAL.set(True)
    try:
        with quietly():
            look = look_at(model, loss_fn, input, target, snapshot)
            found = list(_found(look, optimizer, step, evaluate, loader))
    finally:
        TRIAL.reset(trial)
        snapshot.restore()
    return Findings((Finding(code, values, language) for code, values in found), language)


def _found(
    look: Look,
    optimizer: Optimizer | None,
    step: Callable[[Any, Any], object] | None,
    evaluate: Callable[[Any, Any], object] | None,
    loader: Any,
) -> Iterator[Found]:
    batch = list(batch_lints(look))
    yield from batch
    if not any(code == "batch-of-one" for code, _ in batch):
        yield from failure_lints(look)
    if look.error is None or look.loss is not None:
        yield from loss_lints(look)
    yield from network_lints(look)
    if loader is not None:
        yield from loader_lints(look, loader)
    strange = False
    if optimizer is not None:
        for found in optimizer_lints(look, optimizer):
            strange = strange or found[0] == "optimizer-of-another-model"
            yield found
        if step is None and look.backward and not strange:
            step = own_step(look, optimizer)
    if step is not None and look.backward:
        yield from step_lints(look, step)
    if evaluate is not None and look.evaluations:
        yield from evaluation_lints(look, evaluate)
