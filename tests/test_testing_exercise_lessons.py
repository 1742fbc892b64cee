"""Exercises: mistakes in forward and backward become lessons; what the report looks like."""

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from planted_exercises import exercise, from_output, of_one, of_two

import tinygrad_edu as tg
from tinygrad_edu.testing import Exercise
from tinygrad_edu.testing.sentences import LANGUAGES, SENTENCES, WORDS
from tinygrad_edu.testing.strategies import spread

# Forward.


@pytest.mark.parametrize(
    ("compute", "code"),
    [
        (lambda x: x.exp() + 1e-3, "forward_value"),
        (lambda x: x.exp().sum(dim=0), "forward_shape"),
        (lambda x: (x.exp(), x), "forward_count"),
        (lambda x: np.exp(x.numpy()), "raised"),
        (lambda x: x.exp().numpy(), "forward_type"),
        (lambda x: None, "forward_type"),
        (lambda x: x > 0, "forward_type"),
        (lambda x: x + np.random.default_rng().random(), "not_repeatable"),
        (lambda x: x.float().exp(), "narrowed"),
        (lambda x: x / 0, "forward_not_finite"),
        (lambda x: x.mul_(2) + 0, "forward_spoilt"),
        (lambda x: x @ x @ x, "raised"),
        (lambda x: x.no_such_method(), "raised"),
    ],
)
def test_a_mistake_in_forward_is_a_lesson(compute, code):
    wrong = exercise(lambda ctx, x: compute(x), lambda ctx, grad: grad)
    report = wrong.check(spread((2, 3)), reference=tg.exp)
    assert not report.passed
    assert report.forward[0].code == code, str(report)
    for language in LANGUAGES:
        assert report.forward[0].text(language) in report.text(language)


def test_the_gradients_are_those_of_the_forward_that_was_written():
    report = of_one(lambda x: 2 * x, lambda g, x: 2 * g).check(reference=lambda x: 3 * x)
    assert [finding.code for finding in report.forward] == ["forward_value"]
    assert report.verdicts[0].correct
    assert not report.passed


def test_results_that_are_infinite_where_the_reference_is_are_right():
    report = of_one(lambda x: x / 0, lambda g, x: g).check(tg.ones(2), reference=lambda x: x / 0)
    assert report.forward[0].code == "forward_not_finite"


def test_inputs_that_do_not_fit_are_named():
    def forward(ctx, x):
        return x.reshape(7, 11) * 1

    report = exercise(forward, lambda ctx, grad: grad).check()
    assert [finding.code for finding in report.forward] == ["raised", "other_inputs"]
    assert "[2" in report.forward[0].text() or "reshape(7, 11)" in report.forward[0].text()
    assert "(3, 4)" in report.forward[1].text()


def test_forward_that_is_not_written():
    class Empty(Exercise):
        pass

    report = Empty.check()
    assert [finding.code for finding in report.forward] == ["forward_unwritten"]
    assert "the gradients were not graded" in str(report)

    def forward(ctx, x):
        raise NotImplementedError

    assert exercise(forward).check().forward[0].code == "forward_unwritten"


def test_random_numbers_of_the_seeded_generator_repeat():
    def forward(ctx, x):
        ctx.kept = (tg.rand(*x.shape) < 0.5) / 0.5
        return x * ctx.kept

    state = tg.get_rng_state()
    exercise(forward, lambda ctx, grad: grad * ctx.kept).assert_correct()
    assert tg.get_rng_state() == state


# Mistakes in backward.


def never(ctx, grad):
    raise NotImplementedError


def unsaved(ctx, grad):
    x, y = ctx.saved_tensors
    return grad * x * y


def first_of_nothing(ctx, grad):
    return grad * ctx.saved_tensors[0]


def unset(ctx, grad):
    return grad * ctx.factor


@pytest.mark.parametrize(
    ("forward", "backward", "codes", "text"),
    [
        (tg.exp, never, ["unwritten"], "not written yet"),
        (tg.exp, unsaved, ["raised", "hint_saved"], "holds 0 tensors"),
        (tg.exp, first_of_nothing, ["raised", "hint_saved"], "holds 0 tensors"),
        (tg.exp, unset, ["raised", "hint_attribute"], "`ctx.factor = ...`"),
        (tg.exp, lambda grad: grad, ["raised", "hint_backward"], "def backward(ctx, grad)"),
        (tg.exp, lambda ctx, grad: 1 / 0, ["raised"], "ZeroDivisionError: division by zero"),
        (tg.sum, lambda ctx, g: g.reshape(2, 2), ["raised", "hint_shapes"], "result, ()"),
    ],
)
def test_an_exception_in_backward_is_a_lesson(forward, backward, codes, text):
    backward.__name__ = backward.__qualname__ = "backward"
    report = exercise(lambda ctx, x: forward(x), backward).check()
    assert [finding.code for finding in report.backward] == codes, str(report)
    assert text in str(report)
    assert {verdict.status for verdict in report.verdicts} == {
        "unwritten" if codes == ["unwritten"] else "ungradable"
    }


def test_the_line_of_an_exception_is_the_learners_own():
    def backward(ctx, grad):
        return grad @ grad  # the line

    report = exercise(lambda ctx, x: x * 1, backward).check(shapes=[(2, 3)])
    assert "return grad @ grad  # the line]" in report.backward[0].text()


def test_arguments_of_forward_without_ctx():
    class NoContext(Exercise):
        @staticmethod
        def forward(x):
            return 2 * x

    report = NoContext.check(tg.ones(2))
    assert [finding.code for finding in report.forward] == ["raised", "hint_forward"]
    assert "`def forward(ctx, x, ...)`" in str(report)


@pytest.mark.parametrize(
    ("rule", "codes"),
    [
        (lambda g, x, y: [g * y, g * x], ["list"]),
        (lambda g, x, y: (g * y, g * x, g), ["count"]),
        (lambda g, x, y: (g * y, g * x, None), []),
        (lambda g, x, y: (x.mul_(g).mul_(y) / x * y * 0 + g * y, g * x), ["spoilt"]),
        (lambda g, x, y: (g * y, g.mul_(x)), ["spoilt_gradient"]),
    ],
)
def test_a_mistake_in_what_backward_returns_or_leaves(rule, codes):
    report = of_two(tg.mul, rule).check()
    assert [finding.code for finding in report.backward] == codes
    assert report.passed == (not codes)


def test_a_spoilt_result_is_noticed():
    report = from_output(tg.exp, lambda g, y: y.mul_(g)).check()
    assert [finding.code for finding in report.backward] == ["spoilt_result"]
    assert report.verdicts[0].correct


def test_a_gradient_for_what_is_no_tensor():
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x * factor

    wrong = exercise(forward, lambda ctx, grad: (grad * ctx.factor, grad))
    report = wrong.check(tg.ones(2), 3.0)
    assert [finding.text() for finding in report.backward] == [
        "factor is not a tensor and has no gradient: return None in its place."
    ]


def test_what_backward_prints_is_shown_once_as_text(capsys):
    def backward(ctx, grad):
        print("\x1b[31m<b>grad</b>", grad.shape)  # noqa: T201

    report = exercise(lambda ctx, x: x * 1, backward).check(shapes=[(2,)])
    assert capsys.readouterr().out == ""
    assert [cause.code for cause in report.verdicts[0].causes] == ["none"]
    assert "Note: backward printed: \\x1b[31m<b>grad</b> (2,)" in str(report)
    assert "\x1b" not in str(report)


def test_numbers_behind_a_wrong_type_are_graded_too():
    (verdict,) = of_one(tg.exp, lambda g, x: -np.exp(x.numpy()) * g.numpy()).check().verdicts
    assert [finding.code for finding in verdict.causes] == ["not_a_tensor", "sign"]


# The report.


@pytest.mark.parametrize("code", SENTENCES)
def test_both_languages_name_the_same_values(code):
    english, japanese = SENTENCES[code]
    fields = [set(re.findall(r"\{(\w+)\}", text)) for text in (english, japanese)]
    assert fields[0] == fields[1]
    assert re.search(r"[ぁ-ん一-龥]", japanese)
    assert not re.search(r"[ぁ-ん一-龥]", english)


@pytest.mark.parametrize("key", WORDS)
def test_both_languages_have_the_words(key):
    english, japanese = WORDS[key]
    assert set(re.findall(r"\{(\w+)\}", english)) == set(re.findall(r"\{(\w+)\}", japanese))


def test_a_report_in_japanese():
    class Negative(Exercise):
        language = "ja"

        @staticmethod
        def forward(ctx, x):
            return -x

        @staticmethod
        def backward(ctx, grad):
            return grad

    report = Negative.check(shapes=[(2,)], reference=tg.neg)
    assert "勾配 1 個中 0 個が正解" in str(report)
    assert "考えられる原因: 符号が逆です。" in str(report)
    assert "The sign" in report.text("en")
    assert "The sign" in str(Negative.check(language="en"))


def test_hostile_names_are_text():
    name = '<img src=x onerror="alert(1)">\n\x1b[2J日本語' + "x" * 300
    wrong = exercise(lambda ctx, x: x * 1, lambda ctx, grad: {}["<script>"], name)
    report = wrong.check()
    text, page = str(report), report._repr_html_()
    assert "\x1b" not in text + page
    assert "\\n" in text.splitlines()[0]
    assert "日本語" in text
    assert "x" * 100 not in text
    assert not re.search(r"<(img|script)", page)
    assert html.escape("<script>") in page


def test_a_table_for_notebooks():
    report = of_two(tg.mul, lambda g, x, y: (g * y, -g * x)).check(reference=tg.mul)
    page = report._repr_html_()
    rows = re.findall(r"<tr.*?</tr>", page)
    cells = [
        [html.unescape(re.sub("<.*?>", "", cell)) for cell in re.findall("<td.*?</td>", row)]
        for row in rows
    ][1:]
    assert [row[0] for row in cells] == ["forward", "x", "y"]
    assert [row[1] for row in cells][:2] == ["right", "right"]
    assert cells[2][2] == report.verdicts[1].causes[0].text()
    assert '<div lang="en">' in page
    assert page.count("<tr") == page.count("</tr>") == 4


def test_assert_correct_raises_the_report_without_a_cause():
    wrong = of_one(tg.exp, lambda g, x: -g * x.exp())
    with pytest.raises(AssertionError) as caught:
        wrong.assert_correct(reference=tg.exp)
    assert str(caught.value) == f"\n{wrong.check(reference=tg.exp)}"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_pytest_shows_the_report_and_nothing_behind_it(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import tinygrad_edu as tg\n"
        "class Double(tg.testing.Exercise):\n"
        "    @staticmethod\n"
        "    def forward(ctx, x):\n"
        "        return 2 * x\n"
        "    @staticmethod\n"
        "    def backward(ctx, grad):\n"
        "        return -2 * grad\n"
        "def test_double():\n"
        "    Double.assert_correct()\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
    run = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(tg.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "Likely cause: The sign" in run.stdout
    assert "exercise.py" not in run.stdout
    assert "grading.py" not in run.stdout
