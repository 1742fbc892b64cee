"""Trainer, history, metrics and progress."""

import functools
import io
import signal
import sys
import threading
from contextlib import redirect_stdout

import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim
from tinygrad_edu.training import History, Trainer, accuracy
from tinygrad_edu.training.progress import Progress
from tinygrad_edu.utils.data import DataLoader, IterableDataset, TensorDataset


def points(count=8):
    """Points on a line, and whether they are right of zero."""
    x = tg.linspace(-1.0, 1.0, count).reshape(count, 1)
    return TensorDataset(x, (x[:, 0] > 0).long())


def classifier(train=None, test=None, **options):
    torso = nn.Sequential(nn.Linear(1, 2), nn.BatchNorm1d(2))
    loader = DataLoader(points(), batch_size=2, shuffle=True) if train is None else train
    optimizer = optim.SGD(torso.parameters(), lr=0.5)
    return Trainer(
        torso, nn.CrossEntropyLoss(), optimizer, loader, test, **{"progress": False} | options
    )


# Fitting.


def test_a_history_has_a_row_for_each_epoch_and_the_loss_of_each_batch():
    trainer = classifier(test=DataLoader(points(6), batch_size=4))
    history = trainer.fit(3)
    assert history is trainer.history
    assert history["epoch"] == [1, 2, 3]
    assert len(history) == 3
    assert len(history.batch_losses) == 12
    assert list(history.epochs[0]) == [
        *("epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "seconds"),
    ]
    assert not history.interrupted
    trainer.fit(2)
    assert history["epoch"] == [1, 2, 3, 4, 5]
    with pytest.raises(KeyError, match=r"Epoch 1 has epoch, train_loss.*; not 'loss'"):
        history["loss"]


def test_the_model_learns():
    history = classifier(DataLoader(points(), batch_size=8)).fit(60)
    assert history["train_accuracy"][-1] == 1.0
    assert history["train_loss"][-1] < 0.2 < history["train_loss"][0]


def test_training_is_the_loop_that_one_writes_by_hand():
    tg.manual_seed(1)
    trainer = classifier()
    trainer.fit(2)

    tg.manual_seed(1)
    model = nn.Sequential(nn.Linear(1, 2), nn.BatchNorm1d(2))
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    losses = []
    for _ in range(2):
        for x, y in DataLoader(points(), batch_size=2, shuffle=True):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert trainer.history.batch_losses == losses
    for name, value in model.state_dict().items():
        assert tg.equal(trainer.model.state_dict()[name], value), name


def test_means_are_over_samples_not_over_batches():
    inputs = tg.tensor([[2.0], [4.0], [9.0]])
    model = nn.Linear(1, 1)
    trainer = Trainer(
        model,
        lambda output, target: (target * 1.0).mean() + output.sum() * 0.0,
        optim.SGD(model.parameters(), lr=0.1),
        DataLoader(TensorDataset(inputs, inputs), batch_size=2),
        metric=lambda _, target: target.max(),
        progress=False,
    )
    history = trainer.fit(1)
    assert history["train_loss"] == [5.0]
    assert history["train_metric"] == [pytest.approx((4 + 4 + 9) / 3)]
    assert trainer.evaluate(trainer.train_loader) == {
        "loss": 5.0,
        "metric": pytest.approx((4 + 4 + 9) / 3),
    }


def test_a_regression_has_no_metric():
    x = tg.linspace(-1.0, 1.0, 8).reshape(8, 1)
    model = nn.Linear(1, 1)
    loader = DataLoader(TensorDataset(x, 3 * x + 1), batch_size=4)
    optimizer = optim.SGD(model.parameters(), lr=0.3)
    trainer = Trainer(model, nn.MSELoss(), optimizer, loader, loader, metric=None, progress=False)
    history = trainer.fit(60)
    assert list(history.epochs[0]) == ["epoch", "train_loss", "test_loss", "seconds"]
    assert history["test_loss"][-1] < 1e-3


class Hits:
    """A metric that is an object."""

    def __call__(self, output, target):
        assert not output.requires_grad
        return (output.argmax(1) == target).float().mean()


def named_loss(output, target):
    return accuracy(output, target)


named_loss.__name__ = "loss"


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        (accuracy, "accuracy"),
        (Hits(), "hits"),
        (lambda output, _: output.max(), "metric"),
        (functools.partial(accuracy), "metric"),
        (named_loss, "metric"),
    ],
)
def test_a_metric_is_any_callable_and_gets_an_output_without_graph(metric, name):
    figures = classifier(metric=metric).evaluate(DataLoader(points(), batch_size=3))
    assert list(figures) == ["loss", name]
    assert isinstance(figures[name], float)
    assert list(classifier(metric=metric).fit(1).epochs[0])[2] == f"train_{name}"


def test_a_scheduler_steps_after_each_epoch():
    class Halving:
        def __init__(self, optimizer):
            self.optimizer = optimizer

        def step(self):
            self.optimizer.param_groups[0]["lr"] /= 2

    trainer = classifier()
    trainer.scheduler = Halving(trainer.optimizer)
    trainer.fit(3)
    assert trainer.optimizer.param_groups[0]["lr"] == 0.5 / 8


@pytest.mark.parametrize(
    ("interval", "steps"),
    [("epoch", 3), ("batch", 12)],  # four batches of points in an epoch
)
def test_a_scheduler_steps_after_each_epoch_or_batch(interval, steps):
    trainer = classifier()
    scheduler = optim.lr_scheduler.OneCycleLR(trainer.optimizer, 1.0, 12, cycle_momentum=False)
    trainer.scheduler, trainer.scheduler_interval = scheduler, interval
    trainer.fit(3)
    assert len(trainer.history.batch_losses) == 12
    assert scheduler.last_epoch == steps


@pytest.mark.parametrize(
    ("mode", "tested", "figure"),
    [
        ("min", True, "test_loss"),
        ("max", True, "test_accuracy"),
        ("min", False, "train_loss"),
        ("max", False, "train_accuracy"),
    ],
)
def test_a_plateau_is_looked_for_in_the_figures_of_the_epoch(mode, tested, figure):
    trainer = classifier()
    trainer.test_loader = trainer.train_loader if tested else None
    plateau = optim.lr_scheduler.ReduceLROnPlateau(trainer.optimizer, mode, threshold=0)
    trainer.scheduler = plateau
    history = trainer.fit(4)
    assert plateau.best == (min if mode == "min" else max)(history[figure])


def test_a_plateau_needs_a_figure_of_the_epoch():
    trainer = classifier(metric=None)
    plateau = optim.lr_scheduler.ReduceLROnPlateau(trainer.optimizer, mode="max")
    trainer.scheduler = plateau
    with pytest.raises(ValueError, match="metric to rise, but metric=None: use mode='min'"):
        trainer.fit(1)
    trainer.scheduler_interval = "batch"
    with pytest.raises(ValueError, match="use scheduler_interval='epoch'"):
        trainer.fit(1)


def test_an_unknown_interval_is_refused():
    with pytest.raises(ValueError, match="'epoch' or 'batch'; got 'step'"):
        classifier(scheduler_interval="step")


def test_no_epochs_and_a_negative_number_of_them():
    trainer = classifier()
    before = trainer.model[0].weight.clone()
    assert len(trainer.fit(0)) == 0
    assert tg.equal(trainer.model[0].weight, before)
    with pytest.raises(ValueError, match="epochs is 0 or more; got -1"):
        trainer.fit(-1)


# Loaders.


class Stream(IterableDataset):
    def __iter__(self):
        return iter(points())


@pytest.mark.parametrize(
    "loader",
    [
        DataLoader(Stream(), batch_size=3),
        list(DataLoader(points(), batch_size=3)),
        DataLoader(points(), batch_size=3),
    ],
)
def test_a_loader_is_whatever_gives_pairs(loader):
    history = classifier(loader, loader).fit(2)
    assert len(history.batch_losses) == 6
    assert history["test_accuracy"][-1] >= 0


@pytest.mark.parametrize(
    "loader", [[], DataLoader(points(3), batch_size=5, drop_last=True), iter([])]
)
def test_an_empty_loader_is_an_error(loader):
    with pytest.raises(ValueError, match="The training loader gave no batch: its dataset is empty"):
        classifier(loader).fit(1)
    with pytest.raises(ValueError, match="The test loader gave no batch: its dataset is empty"):
        classifier().evaluate(loader)


def test_a_loader_that_can_be_used_only_once_is_an_error_in_the_second_epoch():
    trainer = classifier(iter(list(DataLoader(points(), batch_size=4))))
    with pytest.raises(ValueError, match="in epoch 2: a list_iterator can be iterated over only"):
        trainer.fit(2)
    assert len(trainer.history) == 1


@pytest.mark.parametrize(
    ("batch", "got"),
    [
        (tg.ones(2, 1), "a Tensor"),
        ([tg.ones(2, 1)], "a list of 1"),
        ((1, 2, 3), "a tuple of 3"),
        ({"x": 1, "y": 2}, "a dict"),
    ],
)
def test_batches_that_are_not_pairs(batch, got):
    message = rf"gives pairs \(input, target\); got {got}\. For"
    with pytest.raises(ValueError, match=message):
        classifier([batch]).fit(1)
    with pytest.raises(ValueError, match=message):
        classifier().evaluate([batch])


def test_what_is_measured_of_an_epoch_that_fails_is_dropped():
    good = list(DataLoader(points(), batch_size=4))
    trainer = classifier(good)
    trainer.fit(1)
    trainer.train_loader = [*good, (tg.ones(2, 5), tg.zeros(2, dtype=tg.int64))]
    with pytest.raises(RuntimeError, match="linear"):
        trainer.fit(1)
    assert (len(trainer.history), len(trainer.history.batch_losses)) == (1, 2)


# Evaluation.


def test_evaluation_restores_the_mode_of_every_module():
    trainer = classifier()
    trainer.model.train()
    trainer.model[1].eval()
    seen = []
    trainer.model[1].register_forward_hook(lambda module, *_: seen.append(module.training))
    trainer.evaluate(DataLoader(points(), batch_size=8))
    assert seen == [False]
    assert [module.training for module in trainer.model.modules()] == [True, True, False]
    trainer.model.eval()
    trainer.evaluate(DataLoader(points(), batch_size=8))
    assert not any(module.training for module in trainer.model.modules())


def test_evaluation_records_nothing_and_changes_nothing():
    trainer = classifier()
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    outputs = []
    trainer.model.register_forward_hook(lambda _, __, output: outputs.append(output))
    trainer.evaluate(DataLoader(points(), batch_size=4))
    assert not any(output.requires_grad for output in outputs)
    assert all(tg.equal(trainer.model.state_dict()[name], before[name]) for name in before)


def test_evaluation_restores_the_mode_after_an_error():
    trainer = classifier()
    with pytest.raises(RuntimeError, match="linear"):
        trainer.evaluate([(tg.ones(2, 5), tg.zeros(2, dtype=tg.int64))])
    assert trainer.model.training


# Ctrl-C.


@pytest.fixture
def ctrl_c():
    """Python's own handling of Ctrl-C, whatever the runner of the tests has set."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)


class Presses:
    """A loader that presses Ctrl-C when it is asked for some batches, counted over all epochs."""

    def __init__(self, press, *when):
        self.press = press
        self.when = when
        self.given = 0

    def __iter__(self):
        for batch in DataLoader(points(), batch_size=2):
            self.given += 1
            if self.given in self.when:
                self.press()
            yield batch


def test_ctrl_c_ends_the_training_after_the_batch_and_keeps_finished_epochs(ctrl_c, capsys):
    loader = Presses(ctrl_c, 6)
    trainer = classifier(loader, progress=True)
    step, steps = trainer.optimizer.step, []
    trainer.optimizer.step = lambda: (step(), steps.append(1))
    history = trainer.fit(5)
    assert history.interrupted
    assert (len(history), len(history.batch_losses)) == (1, 4)
    assert (loader.given, len(steps)) == (6, 6)  # the sixth batch was finished
    assert capsys.readouterr().out.splitlines()[1:] == ["Stopped; 1 epoch is finished."]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    trainer.fit(1)
    assert not history.interrupted
    assert history["epoch"] == [1, 2]


def test_after_an_undisturbed_training_ctrl_c_is_what_it_was(ctrl_c):
    classifier().fit(1)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_during_the_evaluation(ctrl_c):
    trainer = classifier(test=Presses(ctrl_c, 5))
    history = trainer.fit(5)
    assert history.interrupted
    assert len(history) == 1
    assert trainer.model.training


def test_ctrl_c_in_the_last_batch_of_the_last_epoch(ctrl_c):
    history = classifier(test=Presses(ctrl_c, 4)).fit(1)
    assert history.interrupted


def test_a_second_ctrl_c_does_not_wait(ctrl_c):
    def twice():
        ctrl_c()
        ctrl_c()

    trainer = classifier(Presses(twice, 6))
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(5)
    assert trainer.history.interrupted
    assert len(trainer.history) == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_outside_of_fit_is_a_keyboard_interrupt(ctrl_c):
    trainer = classifier()
    trainer.model.train()
    with pytest.raises(KeyboardInterrupt):
        trainer.evaluate(Presses(ctrl_c, 2))
    assert trainer.model.training


def test_the_programs_own_handling_of_ctrl_c_is_left_alone(ctrl_c):
    pressed = []
    signal.signal(signal.SIGINT, lambda *_: pressed.append(1))
    history = classifier(Presses(ctrl_c, 2)).fit(1)
    assert pressed == [1]
    assert not history.interrupted


def test_a_keyboard_interrupt_that_something_raises_ends_the_training_too():
    def press():
        raise KeyboardInterrupt

    history = classifier(Presses(press, 6)).fit(5)
    assert history.interrupted
    assert len(history) == 1


def test_a_trainer_works_in_another_thread():
    trainer = classifier()
    thread = threading.Thread(target=trainer.fit, args=(2,))
    thread.start()
    thread.join()
    assert len(trainer.history) == 2


# Accuracy.


@pytest.mark.parametrize(
    "target", [tg.tensor([1, 0, 2]), tg.eye(3)[[1, 0, 2]], tg.tensor([1, 0, 2], dtype=tg.int32)]
)
def test_accuracy_of_classes_and_of_one_hot_targets(target):
    output = tg.tensor([[0.1, 0.9, 0.0], [0.8, 0.1, 0.1], [0.4, 0.5, 0.1]])
    assert accuracy(output, target) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("output", "target"),
    [
        (tg.zeros(3, 1), tg.zeros(3, 1)),  # a regression: every row would be right
        (tg.zeros(3, 2), tg.zeros(3)),
        (tg.zeros(3, 2), tg.zeros(2, dtype=tg.int64)),
        (tg.zeros(3), tg.zeros(3, dtype=tg.int64)),
        (tg.zeros(3, 2, 4), tg.zeros(3, 4, dtype=tg.int64)),
    ],
)
def test_accuracy_refuses_what_it_cannot_compare(output, target):
    with pytest.raises(ValueError, match="metric=None"):
        accuracy(output, target)


def test_accuracy_of_nothing():
    with pytest.raises(ValueError, match="the batch is empty"):
        accuracy(tg.zeros(0, 2), tg.zeros(0, dtype=tg.int64))


# Progress.


def test_without_a_terminal_there_is_a_line_for_each_epoch(capsys):
    classifier(test=list(DataLoader(points(), batch_size=4)), progress=True).fit(10)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("epoch  1/10  train loss ")
    assert "  test accuracy " in lines[9]
    assert lines[9].endswith(" s)")


def test_no_progress_is_silence(capsys):
    classifier().fit(2)
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    screen = Terminal()
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    return screen


def test_on_a_terminal_there_is_a_bar_and_the_figures_of_each_epoch_stay(terminal):
    with redirect_stdout(terminal):
        classifier(progress=True).fit(2)
    screen = terminal.getvalue()
    assert "\x1b[" in screen
    assert "4/4" in screen
    assert "epoch 2/2  train loss" in screen


def test_the_bar_goes_without_a_number_of_batches(terminal):
    with redirect_stdout(terminal):
        classifier(DataLoader(Stream(), batch_size=2), progress=True).fit(2)
    assert "epoch 2/2  train loss" in terminal.getvalue()


def plain_lines(screen):
    return "\x1b[" not in screen and screen.count("\n") == 2 and "epoch 2/2  train" in screen


def test_without_rich_a_terminal_gets_lines(terminal, monkeypatch):
    for name in ("rich", "rich.console", "rich.progress"):
        monkeypatch.setitem(sys.modules, name, None)
    with redirect_stdout(terminal):
        classifier(progress=True).fit(2)
    assert plain_lines(terminal.getvalue())


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(terminal, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    with redirect_stdout(terminal):
        classifier(progress=True).fit(2)
    assert plain_lines(terminal.getvalue())


def test_the_bar_is_taken_away_after_an_error(terminal):
    with redirect_stdout(terminal), pytest.raises(ValueError, match="gave no batch"):
        classifier([], progress=True).fit(1)
    assert terminal.getvalue().rstrip().endswith("\x1b[2K")
    assert "\x1b[?25h" in terminal.getvalue()  # the cursor is back


def test_notes_with_brackets_are_not_markup(terminal):
    with redirect_stdout(terminal), Progress(3) as progress:
        progress.note("[bold] stays [/bold]")
    assert "[bold] stays [/bold]" in terminal.getvalue()


def test_a_new_history_is_empty():
    assert (len(History()), History().batch_losses) == (0, [])
