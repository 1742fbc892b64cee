"""Exercises: right solutions pass, planted errors are recognised, nothing is made up."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted_exercises import RIGHT, WRONG, exercise, of_one, of_two, saving

import tinygrad_edu as tg
import tinygrad_edu.nn.functional as F
from tinygrad_edu.testing import Exercise, UnwrittenBackwardWarning
from tinygrad_edu.testing.sentences import SENTENCES
from tinygrad_edu.testing.strategies import broadcastable_shapes, shapes, spread


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_solution_passes(name):
    solution, reference = RIGHT[name]
    report = solution.check(reference=reference)
    assert report.passed, str(report)
    assert report.compared
    assert not any(verdict.causes for verdict in report.verdicts)
    assert "solved" in str(report)
    solution.assert_correct(reference=reference, seed=5)


@pytest.mark.parametrize(
    ("cause", "place", "wrong"),
    WRONG,
    ids=[f"{cause} {number}" for number, (cause, *_) in enumerate(WRONG)],
)
def test_a_planted_error_is_recognised(cause, place, wrong):
    report = wrong.check()
    verdict = report.verdicts[place]
    assert not report.passed
    assert not verdict.correct
    assert cause in {finding.code for finding in verdict.causes}, str(report)
    # Nothing else is suspected, but for numbers behind the wrong type and a shape that tells more.
    others = {finding.code for finding in verdict.causes} - {cause}
    assert others <= {"upstream", "expand"} if cause == "not_a_tensor" else not others, str(report)


def test_every_cause_has_a_planted_error():
    causes = list(SENTENCES)[: list(SENTENCES).index("unwritten")]
    assert {cause for cause, *_ in WRONG} | {"operand"} == set(causes)


def test_two_mistakes_are_both_named():
    def rule(grad, x):
        return -grad * x

    (verdict,) = of_one(tg.square, rule).check().verdicts
    assert [finding.code for finding in verdict.causes] == ["sign", "factor"]


def test_square_matrices_hide_a_missing_transpose_from_the_shapes():
    wrong = of_two(tg.matmul, lambda g, x, y: (g @ y, x.T @ g))
    first, second = wrong.check(shapes=[(3, 3), (3, 3)]).verdicts
    assert [finding.text() for finding in first.causes] == [
        "It would be right if y were transposed: use y.T (or the other way round)."
    ]
    assert second.correct


def test_a_size_that_the_inputs_cannot_tell_from_a_constant_is_named_with_it():
    wrong = of_one(tg.sum, lambda g, x: 2 * g * tg.ones_like(x))
    (verdict,) = wrong.check(shapes=[(2, 3)]).verdicts
    assert [finding.code for finding in verdict.causes] == ["size", "factor"]
    assert verdict.causes[0].values == {"factor": "2", "size": 2, "what": "x.shape[0]"}
    (verdict,) = wrong.check().verdicts
    assert [finding.code for finding in verdict.causes] == ["factor"]
    # No formula has a 7.
    batch = of_one(tg.sum, lambda g, x: 7 * g * tg.ones_like(x))
    (verdict,) = batch.check(shapes=[(7, 3)]).verdicts
    assert [finding.code for finding in verdict.causes] == ["size"]


def test_a_cause_that_does_not_explain_the_numbers_is_not_named():
    # The sign is wrong in one element only; the rule is that of another function; noise.
    signs = np.ones((3, 4))
    signs[1, 2] = -1

    def noisy(grad, x):
        return grad * (x.exp() + 1e-3 * tg.arange(x.numel(), dtype=x.dtype).reshape(x.shape))

    for wrong, x in (
        (of_one(tg.exp, lambda g, x: g * x.exp() * tg.from_numpy(signs)), spread((3, 4))),
        (of_one(tg.exp, lambda g, x: g * x.cos()), spread((3, 4))),
        (of_one(tg.exp, noisy), spread((3, 4))),
        # One element is some multiple of anything.
        (of_one(tg.exp, lambda g, x: 1.7 * g), np.array([0.3])),
    ):
        (verdict,) = wrong.check(x).verdicts
        assert not verdict.correct
        assert verdict.causes == ()


def test_the_worst_element_is_named_with_both_values():
    def rule(grad, x):
        factor = np.ones((2, 3))
        factor[1, 2] = 1.5
        return grad * tg.from_numpy(factor)

    report = of_one(lambda x: x * 1, rule).check(np.arange(6.0).reshape(2, 3) + 0.5)
    (verdict,) = report.verdicts
    assert (verdict.index, verdict.wrong, verdict.shape) == ((1, 2), 1, (2, 3))
    assert verdict.got[1, 2] == pytest.approx(1.5 * verdict.expected[1, 2])
    assert re.search(
        r"x: wrong in 1 of 6 elements; at \[1, 2\]: expected -?[\d.]+, got -?[\d.]+$", str(report)
    )


def test_the_only_element_has_no_index():
    text = of_one(tg.exp, lambda g, x: 3 * g * x.exp()).check(tg.tensor(1.0)).verdicts[0].text()
    assert text.startswith("wrong in 1 of 1 elements; at the only element: expected")


def test_an_error_of_a_thousandth_is_found():
    (verdict,) = of_one(tg.sin, lambda g, x: 1.001 * g * x.cos()).check().verdicts
    assert [finding.values for finding in verdict.causes] == [{"factor": "1.001"}]


def test_a_wrong_shape_is_said_with_the_right_one():
    report = of_one(tg.exp, lambda g, x: (g * x.exp())[:2]).check(shapes=[(3, 4)])
    assert report.verdicts[0].text() == ("wrong shape: (2, 4) instead of (3, 4), that of the input")
    assert not report.verdicts[0].causes


@pytest.mark.parametrize(
    ("shape", "call"),
    [
        ((1, 4), ".sum(dim=0, keepdim=True)"),
        ((3, 1), ".sum(dim=1, keepdim=True)"),
        ((4,), ".sum(dim=0)"),
    ],
)
def test_the_missing_sum_is_written_out(shape, call):
    wrong = of_two(tg.add, lambda g, x, y: (g, g))
    verdict = wrong.check(shapes=[(3, 4), shape]).verdicts[1]
    assert [finding.values["call"] for finding in verdict.causes] == [call]
    assert eval(f"tg.ones(3, 4){call}").shape == shape


def test_a_sum_over_all_dimensions_but_the_channels():
    def forward(ctx, x, w, b):
        ctx.save_for_backward(x, w)
        return F.conv2d(x, w, b)

    def backward(ctx, grad):
        x, w = ctx.saved_tensors
        grad_w = F.conv2d(x.transpose(0, 1), grad.transpose(0, 1)).transpose(0, 1)
        return F.conv_transpose2d(grad, w), grad_w, grad

    first, second, third = exercise(forward, backward).check().verdicts
    assert (first.correct, second.correct) == (True, True)
    assert third.causes[0].values["call"] == ".sum(dim=(0, 2, 3))"


def test_a_sum_over_leading_and_stretched_dimensions():
    wrong = of_two(tg.add, lambda g, x, y: (g, g))
    (cause,) = wrong.check(shapes=[(2, 3, 4), (3, 1)]).verdicts[1].causes
    assert eval(f"tg.ones(2, 3, 4){cause.values['call']}").shape == (3, 1)


# A right rule never gets a cause.

RULES = {
    "mul": (2, tg.mul, lambda g, x, y: (g * y, g * x)),
    "div": (2, lambda x, y: x / (y * y + 1), None),
    "exp": (1, tg.exp, lambda g, x: (g * x.exp(),)),
    "sin": (1, tg.sin, lambda g, x: (g * x.cos(),)),
    "square": (1, tg.square, lambda g, x: (2 * g * x,)),
    "sum": (1, tg.sum, lambda g, x: (g.expand(x.shape),)),
    "mean": (1, tg.mean, lambda g, x: (g.expand(x.shape) / x.numel(),)),
    "negative": (1, tg.neg, lambda g, x: (-g,)),
    "constant": (1, lambda x: tg.ones_like(x) + 0 * x, lambda g, x: (0 * g,)),
}
RULES["div"] = (
    *RULES["div"][:2],
    lambda g, x, y: (g / (y * y + 1), -2 * g * x * y / (y * y + 1) ** 2),
)


@given(name=st.sampled_from(sorted(RULES)), data=st.data())
def test_a_right_rule_never_gets_a_cause(name, data):
    count, compute, rule = RULES[name]
    chosen = [data.draw(shapes())] if count == 1 else list(data.draw(broadcastable_shapes(2)))

    def backward(ctx, grad):
        inputs = ctx.saved_tensors
        return tuple(
            part.sum_to_size(x.shape) for part, x in zip(rule(grad, *inputs), inputs, strict=True)
        )

    solution = exercise(saving(compute), backward)
    report = solution.check(shapes=chosen, seed=data.draw(st.integers(0, 1000)))
    assert report.passed, str(report)
    assert not any(verdict.causes for verdict in report.verdicts)


# Inputs.


def test_given_inputs_are_graded_in_float64_and_left_alone():
    seen = []

    def forward(ctx, x, factor, places):
        seen.append((x.dtype, type(factor), places.dtype))
        ctx.save_for_backward(x, places)
        ctx.factor = factor
        return factor * x[places]

    def backward(ctx, grad):
        x, places = ctx.saved_tensors
        return tg.zeros_like(x).index_add(0, places, ctx.factor * grad), None, None

    x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    exercise(forward, backward).assert_correct(x, 2.5, tg.tensor([2, 0, 2]))
    assert set(seen) == {(tg.float64, float, tg.int64)}
    assert x.grad is None
    assert x.tolist() == [1.0, 2.0, 3.0]


def test_drawn_inputs_are_within_the_domain():
    seen = []

    def forward(ctx, x):
        seen.append(float(x.array.min()))
        ctx.save_for_backward(x)
        return x.log()

    assert exercise(forward, lambda ctx, grad: grad / ctx.saved_tensors[0]).check().passed
    assert min(seen[-10:]) > 0


def test_arguments_with_defaults_are_not_drawn():
    def forward(ctx, x, slope=0.1):
        ctx.save_for_backward(x)
        ctx.slope = slope
        return F.leaky_relu(x, slope)

    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * tg.where(x > 0, 1, ctx.slope), None

    leaky = exercise(forward, backward)
    leaky.assert_correct()
    leaky.assert_correct(tg.tensor([-1.0, 2.0]), 0.3)


def test_any_number_of_inputs_is_given():
    def backward(ctx, grad):
        return (grad,) * 3

    add = exercise(saving(lambda *inputs: sum(inputs[1:], inputs[0])), backward)
    report = add.check(shapes=[(2, 3)] * 3)
    assert report.passed
    assert [verdict.name for verdict in report.verdicts] == ["inputs[0]", "inputs[1]", "inputs[2]"]
    with pytest.raises(ValueError, match=r"forward takes \*inputs, any number"):
        add.check()


def test_several_results():
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin(), x.cos(), x.argmax()

    def backward(ctx, grad_sin, grad_cos, grad_argmax):
        (x,) = ctx.saved_tensors
        return grad_sin * x.cos() - grad_cos * x.sin()

    exercise(forward, backward).assert_correct(
        reference=lambda x: (np.sin(x), np.cos(x), np.argmax(x))
    )


def test_forward_and_setup_context_may_be_written_apart():
    class Square(Exercise):
        @staticmethod
        def forward(x):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, grad):
            return 2 * grad * ctx.saved_tensors[0]

    Square.assert_correct(reference=np.square)
    Square.backward = tg.autograd.Function.backward
    x = tg.tensor(3.0, requires_grad=True)
    with pytest.warns(UnwrittenBackwardWarning):
        Square.apply(x).backward()
    assert x.grad.item() == pytest.approx(6)


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_at_a_kink_every_slope_between_is_right(slope):
    def rule(grad, x):
        return grad * tg.where(x == 0, slope, (x > 0).double())

    relu = of_one(tg.relu, rule)
    report = relu.check(tg.tensor([-1.0, 0.0, 2.0]))
    assert report.passed
    assert [note.values for note in report.notes] == [{"name": "x", "count": 1}]
    assert "x is at a kink of the function in 1 elements" in str(report)


def test_at_a_kink_other_slopes_are_wrong():
    relu = of_one(tg.relu, lambda g, x: g * tg.where(x == 0, 2.0, (x > 0).double()))
    assert relu.check(tg.tensor([-1.0, 0.0, 2.0])).verdicts[0].index == (1,)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((tg.ones(2),), {"shapes": [(2,)]}, "not both"),
        ((), {"shapes": (3, 4)}, r"a shape for each input, such as \[\(3, 4\), \(4,\)\]; got"),
        ((3.0,), {}, "no gradient to check"),
        ((tg.ones(2, dtype=tg.int64),), {}, "no gradient to check"),
        ((tg.ones(0),), {}, "no gradient to check"),
        ((tg.ones(3000),), {}, "3,000 elements is too large"),
        ((), {"language": "fr"}, "language is one of en, ja; got 'fr'"),
    ],
)
def test_arguments_of_check_that_make_no_sense(arguments, options, message):
    identity = of_one(lambda x: x * 1, lambda g, x: g)
    with pytest.raises(ValueError, match=message):
        identity.check(*arguments, **options)


def test_forward_without_inputs():
    with pytest.raises(ValueError, match=r"forward takes no inputs.*`def forward\(ctx, x"):
        exercise(lambda ctx: tg.ones(1), lambda ctx, grad: None).check()
