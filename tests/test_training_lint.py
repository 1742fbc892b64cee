"""Lints: what is found, what is left alone, how it is said, and that nothing is changed."""

import random
import string
import warnings

import numpy as np
import pytest
from lint_models import CE, Own, adam, batch, bn, loop, mlp
from lint_scenes import SCENES

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
import tinygrad_edu.optim as optim
from tinygrad_edu.training import Finding, Findings, LintWarning, Trainer, lint
from tinygrad_edu.training.lints.texts import LANGUAGES, NOTHING, TEXTS
from tinygrad_edu.utils.data import DataLoader, TensorDataset


def scenes(part):
    return [
        pytest.param(code, scene, id=f"{code}-{index}")
        for code, parts in SCENES.items()
        for index, scene in enumerate(parts[part])
    ]


@pytest.mark.parametrize(("code", "scene"), scenes(0))
def test_a_lint_is_found_where_a_learner_meets_it(code, scene):
    assert code in scene().codes


@pytest.mark.parametrize(("code", "scene"), scenes(1))
def test_a_lint_is_silent_where_nothing_is_wrong(code, scene):
    assert code not in scene().codes


def test_every_lint_has_scripts_of_both_kinds():
    assert SCENES.keys() == TEXTS.keys()
    assert all(bad and good for bad, good in SCENES.values())


# Whole networks in which nothing is to be found.


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, 8)
        self.rnn = nn.LSTM(8, 16, batch_first=True)
        self.head = nn.Linear(16, 20)

    def forward(self, x):
        return self.head(self.rnn(self.embedding(x))[0])


class Block(nn.Module):
    """A residual block whose branch starts at 0."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        nn.init.zeros_(self.norm.weight)

    def forward(self, x):
        return F.relu(x + self.norm(self.conv(x)))


class Variational(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(6, 8)
        self.mean, self.log_var, self.decoder = nn.Linear(8, 2), nn.Linear(8, 2), nn.Linear(2, 6)

    def forward(self, x):
        h = self.hidden(x).relu()
        mean, log_var = self.mean(h), self.log_var(h)
        noise = tg.randn_like(mean) * (log_var / 2).exp() if self.training else 0.0
        return self.decoder(mean + noise), mean, log_var


def elbo(outputs, target):
    output, mean, log_var = outputs
    return F.mse_loss(output, target) + (mean**2 + log_var.exp() - log_var - 1).mean() / 100


def digits():
    return tg.rand(20, 1, 8, 8), tg.arange(20) % 4


def convolutional():
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 3), nn.ReLU(), Block(), nn.AdaptiveAvgPool2d(2), nn.Flatten()),
        *(nn.Dropout(0.3), nn.Linear(16, 4)),
    )


def words():
    x = tg.randint(0, 20, (20, 5))
    return x, x.roll(-1, 1)


def corners():
    x = tg.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return x, (x[:, :1] != x[:, 1:]).float()


@pytest.mark.parametrize(
    ("make", "loss", "data", "optimizer"),
    [
        (mlp, CE, batch, adam),
        (lambda: nn.Linear(6, 3), CE, batch, adam),
        (lambda: nn.Linear(1, 1), nn.MSELoss(), lambda: (tg.ones(1, 1), tg.ones(1, 1)), adam),
        (
            lambda: nn.Sequential(nn.Linear(2, 2), nn.Sigmoid(), nn.Linear(2, 1)),
            *(nn.BCEWithLogitsLoss(), corners, adam),
        ),
        (convolutional, CE, digits, adam),
        (convolutional, nn.CrossEntropyLoss(label_smoothing=0.1), digits, adam),
        (Words, lambda o, t: CE(o.transpose(1, 2), t), words, adam),
        (Words, lambda o, t: CE(o.reshape(-1, 20), t.reshape(-1)), words, adam),
        (
            lambda: nn.Sequential(Words(), nn.LogSoftmax(dim=-1)),
            *(lambda o, t: F.nll_loss(o.transpose(1, 2), t), words, adam),
        ),
        (Variational, elbo, lambda: (batch()[0],) * 2, adam),
    ],
)
def test_nothing_is_found_in_a_network_as_it_should_be(make, loss, data, optimizer):
    model = make()
    found = lint(model, loss, data(), optimizer(model))
    assert found == []
    assert not found


# What a finding says.


def test_a_finding_names_the_layer_and_the_numbers():
    (found,) = lint(nn.Sequential(nn.Linear(6, 8), nn.Linear(8, 3)), CE, batch())
    assert "1 (Linear 8→3) follows 0 (Linear 6→8) without" in found.sentence
    (found,) = lint(mlp(), CE, (batch()[0] + 100, batch()[1]))
    assert "with mean 99." in found.sentence or "with mean 100" in found.sentence
    names = lint(mlp(), CE, batch(), optim.SGD([mlp()[0].bias], lr=0.1))
    assert names.codes == ["optimizer-of-another-model"]


def test_of_many_parameters_a_few_are_named():
    model = nn.Sequential(*[mlp(out=6) for _ in range(3)])
    found = lint(model, nn.MSELoss(), (batch()[0],) * 2, optim.SGD([model[0][0].bias], lr=0.1))
    sentence = next(each for each in found if each.code == "parameters-outside-optimizer").sentence
    assert "does not have 0.0.weight, 0.2.weight, 0.2.bias, … (11), so" in sentence


def test_the_remedy_for_targets_is_one_that_was_tried():
    (found,) = lint(mlp(), CE, (batch()[0], batch()[1][:, None].float()))
    assert found.remedy == "It takes `target.squeeze(1).long()`."
    (found,) = lint(mlp(nn.Sigmoid(), out=1), nn.BCELoss(), (batch(24, 6, 2)))
    assert found.remedy == "It takes `target.reshape(output.shape).to(output.dtype)`."


def test_texts_are_complete_in_both_languages():
    fields = string.Formatter().parse
    for code, texts in TEXTS.items():
        assert tuple(texts) == LANGUAGES
        names = [
            {name for part in texts[language] for _, name, _, _ in fields(part) if name}
            for language in LANGUAGES
        ]
        assert names[0] == names[1], code
        for language, ends in (("en", (".", "}", "?")), ("ja", ("。", "}", "か。"))):
            assert all(text.endswith(ends) for text in texts[language]), (code, language)


def test_findings_print_in_the_language_asked_for():
    found = lint(mlp(nn.Softmax(dim=1)), CE, batch())
    assert isinstance(found, Findings)
    assert isinstance(found[0], Finding)
    code, sentence, remedy = found[0].code, found[0].sentence, found[0].remedy
    assert repr(found) == str(found) == f"{code}: {sentence}\n    {remedy}"
    japanese = lint(mlp(nn.Softmax(dim=1)), CE, batch(), language="ja")
    assert "softmax の出力が渡されていますが" in str(japanese)
    assert japanese.codes == found.codes
    assert str(lint(mlp(), CE, batch())) == NOTHING["en"]
    assert str(lint(mlp(), CE, batch(), language="ja")) == "問題は見つかりませんでした。"


@pytest.mark.parametrize("name", ["a\x1b[31m\nb", "{code} <b> % {0}", "層" * 5, "x" * 1000])
def test_hostile_names_are_text_on_one_line(name):
    model = nn.Sequential()
    model.add_module(name, nn.Linear(6, 3))
    (found,) = lint(model, raising(name), batch())
    (outside,) = lint(model, CE, batch(), optim.SGD([model[0].bias], lr=0.01))
    for finding in (found, outside):
        assert finding.sentence.isprintable()
        assert len(finding.sentence) < 500
    assert "a�[31m b" in outside.sentence or name[:100] in outside.sentence


def raising(text):
    def loss(*_):
        raise ValueError(text)

    return loss


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((mlp(), CE, batch()), {"language": "fr"}, ValueError, "'en' or 'ja'; got 'fr'"),
        ((mlp(), CE, batch()[0]), {}, ValueError, r"the batch is a pair \(input, target\)"),
        ((mlp(), CE, (1, 2, 3)), {}, ValueError, "the batch is a pair"),
        ((print, CE, batch()), {}, TypeError, "the model is a Module; got builtin_function"),
        ((mlp(), CE, batch(), mlp()), {}, TypeError, "is an Optimizer; got Sequential"),
    ],
)
def test_arguments_that_make_no_sense(arguments, options, error, message):
    with pytest.raises(error, match=message):
        lint(*arguments, **options)


# Afterwards everything is as before.


class Counting(nn.Module):
    """A model with everything that a pass may change."""

    def __init__(self):
        super().__init__()
        self.body = bn()
        self.dropout = nn.Dropout(0.2, generator=tg.Generator().manual_seed(1))
        self.calls, self.seen, self.stream = 0, [], np.random.default_rng(2)

    def forward(self, x):
        self.calls += 1
        self.seen.append(self.stream.random())
        self.last = x
        random.random()
        return self.body(self.dropout(x))


def everything(model, optimizer):
    """What is compared before and after; arrays as bytes."""
    return {
        "values": {k: v.array.tobytes() for k, v in model.state_dict().items()},
        "versions": [list(p.version) for p in model.parameters()],
        "arrays": [id(p.array) for p in model.parameters()],
        "gradients": [(id(p.grad), p.grad.array.tobytes()) for p in model.parameters()],
        "modes": [each.training for each in model.modules()],
        "hooks": [each._hooks for each in model.modules()],
        "attributes": sorted(vars(model)),
        "calls": (model.calls, list(model.seen), model.stream.bit_generator.state),
        "dropout": str(model.dropout.generator.get_state()),
        "options": str(optimizer.param_groups[0]["lr"]),
        "state": [
            (id(p), name, id(value), value.array.tobytes() if hasattr(value, "array") else value)
            for p, entry in optimizer.state.items()
            for name, value in entry.items()
        ],
        "random": (str(tg.get_rng_state()), random.getstate(), str(np.random.get_state())),  # noqa: NPY002
    }


def trained():
    model = Counting()
    optimizer = adam(model)
    loop(model, optimizer)(*batch())
    model.body[1].eval()
    return model, optimizer


@pytest.mark.parametrize("options", [{}, {"step": True}, {"fails": True}])
def test_nothing_is_changed(options):
    model, optimizer = trained()
    before = everything(model, optimizer)
    x, y = batch()
    more = {"evaluate": lambda x, y: model.eval()(x)}
    if "step" in options:
        more["step"] = loop(model, optimizer, zero=None)
    loss = raising("no") if "fails" in options else CE
    tg.manual_seed(3)
    before["random"] = everything(model, optimizer)["random"]
    lint(model, loss, (x, y), optimizer, **more)
    assert everything(model, optimizer) == before


def test_hooks_are_left_alone_where_the_evaluation_fails():
    model = Own(lambda m, x: m.body(x) if m.training else raising("no")())
    handle = model.body[0].register_forward_hook(lambda *_: None)
    assert lint(model, CE, batch()).codes == ["evaluation-fails"]
    assert list(model.body[0]._hooks.forward) == [handle.id]


def test_a_graph_that_was_recorded_before_is_still_good():
    model, (x, y) = mlp(), batch()
    loss = CE(model(x), y)
    lint(model, CE, (x, y), adam(model))
    loss.backward()
    expected = mlp()
    expected.load_state_dict(model.state_dict())
    CE(expected(x), y).backward()
    assert tg.equal(model[0].weight.grad, expected[0].weight.grad)


def test_warnings_of_the_trial_runs_are_not_shown():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert lint(mlp(out=1), nn.MSELoss(), (batch()[0], tg.randn(24))).codes == [
            "targets-broadcast"
        ]


def test_other_inputs_than_one_tensor():
    model = Own(lambda m, parts: m.body(parts["a"] + parts["b"][0]))
    x, y = batch()
    assert lint(model, CE, ({"a": x, "b": [x]}, y), adam(model)) == []
    assert lint(model, CE, ({"a": x * 1000, "b": [x]}, y)).codes == ["inputs-not-scaled"]


# In the Trainer.


def trainer(model, lint=True, data=None, **options):
    x, y = batch() if data is None else data
    loader = DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True)
    return Trainer(model, CE, adam(model), loader, progress=False, lint=lint, **options)


def test_a_trainer_warns_before_it_begins_and_only_once():
    subject = trainer(mlp(nn.Softmax(dim=1)))
    with pytest.warns(LintWarning, match="softmax-before-cross-entropy: The cross-entropy") as seen:
        subject.fit(1)
    assert [each.filename for each in seen] == [__file__]
    subject.fit(1)  # a warning would be an error


def test_a_trainer_warns_in_japanese():
    subject = trainer(mlp(nn.Softmax(dim=1)), lint="ja")
    with pytest.warns(LintWarning, match="softmax の出力が渡されていますが"):
        subject.fit(1)
    with pytest.raises(ValueError, match="'en' or 'ja'; got 'de'"):
        trainer(mlp(), lint="de")


def test_a_trainer_knows_its_last_batch():
    model = mlp(nn.BatchNorm1d(3))
    with (
        pytest.warns(LintWarning, match="25 samples in batches of 8 leave a last batch of one"),
        pytest.raises(ValueError, match="more than 1 value"),
    ):
        trainer(model, data=batch(25)).fit(1)


def test_training_is_the_same_with_and_without_lint():
    losses = []
    for asked in (False, True):
        tg.manual_seed(5)
        subject = trainer(nn.Sequential(nn.Dropout(0.2), bn()), lint=asked)
        losses.append(subject.fit(2).batch_losses)
    assert losses[0] == losses[1]


def test_without_being_asked_a_trainer_looks_for_nothing():
    trainer(mlp(nn.Softmax(dim=1)), lint=False).fit(1)
