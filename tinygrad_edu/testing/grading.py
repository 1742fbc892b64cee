"""Grading an exercise: forward against a reference, backward against numerical differentiation."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from ..autograd.function import Function, FunctionCtx
from ..autograd.graph import TensorBase, wrap
from ..autograd.mode import switched
from .causes import TOLERANCE, Sample, as_array, explain
from .replays import Answer, Replay, is_float
from .report import Finding, Report, Verdict, legible, number
from .sentences import check_language
from .strategies import spread

__all__ = ["grade"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Shapes: TypeAlias = Sequence[tuple[int, ...]]

_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")

# Batch, features, outputs: all different, so that a transposed array or a wrong size is seen; a
# second set tells a size of the arrays from a constant.
_SIZES = ((3, 4, 5), (5, 2, 3))
_DOMAINS = ((-3.0, 3.0), (0.0, 3.0), (-1.0, 1.0), (0.0, 1.0), (1.0, 4.0))
_KINKS = (-2.0, -1.0, 0.0, 1.0, 2.0)
_LARGEST = 4_000_000  # elements of a Jacobian: 32 MB


class _Stop(Exception):
    """Nothing more can be graded; what was found says why."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__()
        self.findings = findings


def grade(
    function: type[Function],
    written: bool,
    inputs: Sequence[Any],
    shapes: Shapes | None,
    reference: Callable[..., Any] | None,
    seed: int,
    language: str,
) -> Report:
    """Grade a Function; `written` says whether it has a backward of its own."""
    check_language(language)
    if inputs and shapes is not None:
        raise ValueError("check: pass the inputs or the shapes to draw them with, not both.")
    if shapes is not None and not (
        isinstance(shapes, Sequence) and all(isinstance(each, Sequence) for each in shapes)
    ):
        raise ValueError(
            "check: shapes is a list with a shape for each input, such as [(3, 4), (4,)]; got "
            f"{shapes!r}."
        )
    name, compared = function.__name__, reference is not None
    if function.forward is Function.forward:
        return Report(name, (Finding("forward_unwritten", {}),), language=language)
    names = _names(function, len(inputs) or len(shapes or ()))

    def of(sets: Sequence[list[Any]]) -> Report:
        try:
            return _grade(function, written, sets, names, reference, language)
        except _Stop as stop:
            return Report(name, stop.findings, compared=compared, language=language)

    if inputs:
        return of([[_argument(x) for x in inputs]])
    try:
        draws = _draw(function, len(names), shapes, seed)
        first = of(next(draws))
    except _Stop as stop:
        return Report(name, stop.findings, compared=compared, language=language)
    # The guess at the shapes may be the mistake: x * w + b is right for (N, D), (N, D), (N, D) and
    # for (N, D), (D,), (D,), but its rule only for what its author had in mind.
    misshapen = any(each.misshapen for each in first.verdicts)
    others = (of(sets) for sets in draws) if misshapen and not first.forward else ()
    return next((report for report in others if report.passed), first)


def _grade(
    function: type[Function],
    written: bool,
    sets: Sequence[list[Any]],
    names: Sequence[str],
    reference: Callable[..., Any] | None,
    language: str,
) -> Report:
    """The report on these sets of arguments."""
    forward: tuple[Finding, ...] = ()
    samples = []
    for arguments in sets:
        _check_size(arguments)
        sample, found = _sample(function, arguments, names, reference)
        forward = forward or found
        samples.append(sample)
    backward, verdicts, notes = _backward(samples, names, written)
    notes += [
        Finding("kink", {"name": names[place], "count": count})
        for place in samples[0].floats
        if (count := max(sample.kinks(place) for sample in samples))
    ]
    return Report(
        function.__name__,
        forward,
        tuple(backward),
        tuple(verdicts),
        tuple(notes),
        reference is not None,
        language,
    )


# Arguments.


def _names(function: type[Function], count: int) -> list[str]:
    """What forward calls its inputs; those with defaults are inputs only if they are given."""
    parameters = list(inspect.signature(function.forward).parameters.values())
    if function.setup_context is None:
        parameters = parameters[1:]
    names: list[str] = []
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            more = max(count - len(names), 0)
            if not count:
                raise ValueError(
                    f"check: forward takes *{parameter.name}, any number of inputs: pass them, or "
                    "their shapes, check(shapes=[(3, 4), (3, 4)])."
                )
            names += [f"{parameter.name}[{index}]" for index in range(more)]
        elif parameter.kind is not parameter.KEYWORD_ONLY and (
            parameter.default is parameter.empty or len(names) < count
        ):
            names.append(parameter.name)
    # More than forward takes: its own complaint is reported.
    names += [f"[{index}]" for index in range(len(names), count)]
    return [legible(name, 40) for name in names[: count or None]]


def _argument(x: Any) -> Any:
    """An input as an array, in float64 if it is floating; what is no tensor as it is."""
    if isinstance(x, TensorBase):
        x = x.array
    if isinstance(x, np.ndarray):
        return x.astype(np.float64) if x.dtype.kind == "f" else x.copy()
    return x


def _check_size(arguments: Sequence[Any]) -> None:
    floats = [x for x in arguments if is_float(x)]
    if not any(x.size for x in floats):
        raise ValueError(
            "check: no input is a tensor or an array of floating-point numbers with elements, so "
            "there is no gradient to check."
        )


def _templates(count: int, sizes: tuple[int, int, int]) -> list[Shapes]:
    """Shapes to try for so many inputs, the commonest operations first."""
    n, d, o = sizes
    if count == 1:
        return [[(n, d)], [(d,)], [(d, d)], [()], [(n, d, o)], [(n, 2, d + 2, d + 3)]]
    # Vectors come last: with them a product of matrices would be an inner product.
    same: list[Shapes] = [[(n, d)] * count]
    vectors: list[Shapes] = [[(d,)] * count]
    products: list[Shapes] = [[(n, d), (d, o)], [(n, d), (o, d)], [(n, d), (d,)], [(d, o), (o,)]]
    images: Shapes = [(n, 2, 5, 6), (o, 2, 3, 3)]
    if count == 2:
        return [*same, *products, images, *vectors]
    if count == 3:
        affine: list[Shapes] = [[*pair, (o,)] for pair in products[:2]]
        affine += [[(n, d), (d,), (d,)], [*images, (o,)]]
        return [*same, *affine, *vectors]
    return [*same, *vectors]


def _draw(
    function: type[Function], count: int, shapes: Shapes | None, seed: int
) -> Iterator[list[list[Any]]]:
    """Two sets of inputs on which forward works and is finite, of one choice of shapes each."""
    if not count:
        raise ValueError(
            "check: forward takes no inputs, so there is no gradient to check. Its first argument "
            "is ctx, the inputs follow: `def forward(ctx, x, ...)`."
        )
    if shapes is not None:
        candidates: list[tuple[Shapes, Shapes]] = [(shapes, shapes)]
    else:
        pairs = zip(*(_templates(count, sizes) for sizes in _SIZES), strict=True)
        candidates = list(pairs)
    first: tuple[Exception | None, Shapes] | None = None
    works = False
    for chosen in candidates:
        if works and all(len(shape) < 2 for shape in chosen[0]):
            continue  # Vectors hide too much to be a second opinion.
        for low, high in _DOMAINS:
            sets = [
                [
                    spread(
                        tuple(shape),
                        seed + 1000 * turn + index,
                        low=low,
                        high=high,
                        kinks=_KINKS,
                    )
                    for index, shape in enumerate(each)
                ]
                for turn, each in enumerate(chosen)
            ]
            try:
                answers = [Replay(function, arguments, None).values() for arguments in sets]
            except Exception as error:  # noqa: BLE001 - a learner's code; reported below
                first = first or (error, chosen[0])
                continue
            if all(np.isfinite(x).all() for results in answers for x in results if is_float(x)):
                works = True
                yield sets
                break
            first = first or (None, chosen[0])
    if works:
        return
    assert first is not None
    problem, tried = first
    hint = Finding("other_inputs", {"shapes": ", ".join(map(str, tried))})
    if problem is None:
        raise _Stop(Finding("forward_not_finite", {}), hint)
    raise _Stop(*_raised("forward", problem), hint)


# Forward.


def _sample(
    function: type[Function],
    arguments: list[Any],
    names: Sequence[str],
    reference: Callable[..., Any] | None,
) -> tuple[Sample, tuple[Finding, ...]]:
    """Results and slopes for these arguments, and what is wrong with the results."""
    replay = Replay(function, arguments, None)
    try:
        results = replay.values()
        again = replay.values()
        live, spoilt, strange = replay.recorded()
    except Exception as error:  # noqa: BLE001 - whatever a learner's code raises is shown
        raise _Stop(*_raised("forward", error)) from None
    if strange or not live:
        kind = ", ".join(strange or [str(x.dtype) for x in results] or ["()"])
        raise _Stop(Finding("forward_type", {"kind": legible(kind, 60)}))
    if spoilt:
        raise _Stop(*(Finding("forward_spoilt", {"name": names[place]}) for place in spoilt))
    if not all(map(_same, results, again)):
        raise _Stop(Finding("not_repeatable", {}))
    narrow = [x.dtype for x in results if is_float(x) and x.dtype != np.float64]
    if narrow:
        raise _Stop(Finding("narrowed", {"dtype": narrow[0]}))
    if not all(np.isfinite(results[place]).all() for place in live):
        raise _Stop(Finding("forward_not_finite", {}))
    largest = max(x.size for x in arguments if is_float(x))
    if largest * sum(results[place].size for place in live) > _LARGEST:
        raise ValueError(
            f"check: an input of {largest:,} elements is too large for numerical differentiation. "
            "Take a small one: a rule that is right for a batch of 3 and 4 features is right for "
            "more."
        )
    return Sample(replay, results, live), _compare(results, arguments, reference)


def _same(x: Array, y: Array) -> bool:
    return np.array_equal(x, y, equal_nan=is_float(x))


def _compare(
    results: Sequence[Array], arguments: Sequence[Any], reference: Callable[..., Any] | None
) -> tuple[Finding, ...]:
    """How the results differ from those of the reference."""
    if reference is None:
        return ()
    tensors = [wrap(x.copy()) if isinstance(x, np.ndarray) else x for x in arguments]
    with switched(grad=False):
        answer = reference(*tensors)
    expected = [
        np.asarray(x.array if isinstance(x, TensorBase) else x)
        for x in (answer if isinstance(answer, (tuple, list)) else [answer])
    ]
    if len(results) != len(expected):
        return (Finding("forward_count", {"got": len(results), "expected": len(expected)}),)
    for ours, theirs in zip(results, expected, strict=True):
        if ours.shape != theirs.shape:
            return (Finding("forward_shape", {"got": ours.shape, "expected": theirs.shape}),)
        x, y = ours.astype(np.float64), theirs.astype(np.float64)
        same = (x == y) | (np.isnan(x) & np.isnan(y))
        with np.errstate(invalid="ignore"):
            deviation = np.where(same, 0.0, np.abs(x - y))
        bad = ~(deviation <= TOLERANCE.limit(np.where(np.isfinite(y), y, 0.0)))
        if bad.any():
            where = _worst(deviation)
            values = {
                "wrong": int(bad.sum()),
                "elements": bad.size,
                "index": list(where),
                "expected": number(float(y[where])),
                "got": number(float(x[where])),
            }
            return (Finding("forward_value", values),)
    return ()


def _worst(deviation: Array) -> tuple[int, ...]:
    """The index of the largest element; NaN is larger than anything."""
    place = np.argmax(np.where(np.isnan(deviation), np.inf, deviation))
    return tuple(int(i) for i in np.unravel_index(place, deviation.shape))


# Backward.


def _backward(
    samples: Sequence[Sample], names: Sequence[str], written: bool
) -> tuple[list[Finding], list[Verdict], list[Finding]]:
    """What is wrong with backward as a whole, a verdict for each gradient, and notes."""
    answers: list[Answer] = []
    notes: list[Finding] = []
    if written:
        for sample in samples:
            for weights in sample.weights:
                answers.append(sample.replay.backward(weights))
                if answers[-1].error is not None:
                    break
        if answers[0].printed:
            text = legible(answers[0].printed.rstrip("\n"), 400)
            notes.append(Finding("printed", {"where": "backward", "text": text}))
    error = next((answer.error for answer in answers if answer.error is not None), None)
    if not written or isinstance(error, NotImplementedError):
        return [Finding("unwritten", {})], _all(samples[0], names, "unwritten"), notes
    if error is not None:
        findings = _raised("backward", error, samples[0], answers[0])
        return findings, _all(samples[0], names, "ungradable"), notes
    findings = _of_the_answer(answers, samples[0], names)
    turns = iter(answers)
    for sample in samples:
        for _ in sample.weights:
            returned = next(turns).returned
            sample.got.append([as_array(returned, place) for place in range(len(sample.arguments))])
    verdicts = [_verdict(samples, names, place, answers[0].returned) for place in samples[0].floats]
    return findings, verdicts, notes


def _all(sample: Sample, names: Sequence[str], status: str) -> list[Verdict]:
    return [
        Verdict(
            names[place],
            place,
            sample.arguments[place].shape,
            status,
            expected=sample.expected(place, 0),
        )
        for place in sample.floats
    ]


def _of_the_answer(
    answers: Sequence[Answer], sample: Sample, names: Sequence[str]
) -> list[Finding]:
    """Mistakes in what was returned, and arrays that were spoilt."""
    returned = answers[0].returned
    findings = [Finding("list", {})] if isinstance(returned, list) else []
    parts = returned if isinstance(returned, (tuple, list)) else (returned,)
    count = len(sample.arguments)
    # Of a single None each input that needs a gradient complains.
    if (len(parts) < count and returned is not None) or any(
        part is not None for part in parts[count:]
    ):
        findings.append(Finding("count", {"got": len(parts), "expected": count}))
    findings += [
        Finding("not_none", {"name": names[place]})
        for place, (part, x) in enumerate(zip(parts, sample.arguments, strict=False))
        if part is not None and not isinstance(x, np.ndarray)
    ]
    special = {-1: "spoilt_result", -2: "spoilt_gradient"}
    for place in sorted({place for answer in answers for place in answer.spoilt}):
        if place < 0:
            findings.append(Finding(special[place], {}))
        else:
            findings.append(Finding("spoilt", {"name": names[place]}))
    return findings


def _verdict(samples: Sequence[Sample], names: Sequence[str], place: int, returned: Any) -> Verdict:
    """On one gradient: in the first pass where it is wrong."""
    shape = samples[0].arguments[place].shape
    parts = returned if isinstance(returned, (tuple, list)) else (returned,)
    part = parts[place] if place < len(parts) else None
    causes: list[Finding] = []
    if part is None:
        code = "none" if place < len(parts) or returned is None else "missing"
        causes.append(Finding(code, {"name": names[place]}))
    elif not isinstance(part, TensorBase):
        causes.append(Finding("not_a_tensor", {"kind": legible(type(part).__name__, 60)}))
    if any(gradients[place] is None for sample in samples for gradients in sample.got):
        expected = samples[0].expected(place, 0)
        return Verdict(names[place], place, shape, "wrong", expected=expected, causes=tuple(causes))
    for sample in samples:
        for turn, gradients in enumerate(sample.got):
            got, expected = gradients[place], sample.expected(place, turn)
            assert got is not None
            values: dict[str, Any] = {"expected": expected, "got": got}
            if got.shape != expected.shape:
                values["wrong"] = expected.size
            else:
                good = sample.accepts(place, turn, got)
                if good.all():
                    continue
                values["wrong"] = int((~good).sum())
                values["index"] = _worst(np.where(good, 0.0, np.abs(got - expected)))
            causes += explain(samples, place, names)
            return Verdict(names[place], place, shape, "wrong", causes=tuple(causes), **values)
    values = {"expected": samples[0].expected(place, 0), "got": samples[0].got[0][place]}
    status = "wrong" if causes else "right"
    return Verdict(names[place], place, shape, status, causes=tuple(causes), **values)


# Exceptions.


def _raised(
    where: str,
    error: Exception,
    sample: Sample | None = None,
    answer: Answer | None = None,
) -> list[Finding]:
    """An exception of the learner's code, with its line, and what may help."""
    if isinstance(error, NotImplementedError) and where == "forward":
        return [Finding("forward_unwritten", {})]
    message = str(error)
    values = {
        "where": where,
        "kind": legible(type(error).__name__, 60),
        "message": legible(message),
        "line": _line(error),
    }
    findings = [Finding("raised", values)]
    if isinstance(error, AttributeError) and isinstance(error.obj, FunctionCtx):
        findings.append(Finding("hint_attribute", {"name": legible(str(error.name), 60)}))
    elif isinstance(error, TypeError) and f"{where}()" in message and "argument" in message:
        findings.append(Finding(f"hint_{where}", {}))
    elif answer is not None and (
        "unpack" in message or (isinstance(error, IndexError) and "tuple index" in message)
    ):
        findings.append(Finding("hint_saved", {"count": answer.saved}))
    elif sample is not None and "shape" in message:
        shapes = ", ".join(str(sample.results[place].shape) for place in sample.chosen)
        findings.append(Finding("hint_shapes", {"shapes": shapes}))
    return findings


def _line(error: Exception) -> str:
    """The last line of the learner's own code that led to an exception."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_PACKAGE)]
    if not own or not own[-1].line:
        return ""
    return f" [{own[-1].lineno}: {legible(own[-1].line.strip(), 120)}]"
