"""Special functions: values to the last digits, gradients, edges, types, errors."""

import doctest
import math

import numpy as np
import pytest
from cases import Case, pair, property_test
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.ops.bessel import airy_slope
from tinygrad_edu.testing.strategies import arrays, shapes

inf, nan = np.inf, np.nan
SMALL = shapes(max_dims=2, max_side=2)
ANY = {"low": -3.0, "high": 3.0}
POSITIVE = {"low": 0.2, "high": 4.0}
UNIT = {"low": 0.0, "high": 1.0}
ROUND_ONE = {"low": -1.0, "high": 1.0}

# Of one number: what to draw from.
UNARY = {
    "erf": ANY,
    "erfc": ANY,
    "erfinv": ROUND_ONE,
    "i0": ANY,
    "lgamma": {"low": -1.9, "high": 12.0, "kinks": (-1.0, 0.0), "margin": 0.15},
    "digamma": {"low": -1.9, "high": 12.0, "kinks": (-1.0, 0.0), "margin": 0.15},
    "logit": UNIT,
    "sinc": ANY,
    "special.erfcx": ANY,
    "special.ndtr": ANY,
    "special.ndtri": UNIT,
    "special.log_ndtr": ANY,
    "special.entr": POSITIVE,
    "special.i0e": {"kinks": (0.0,)},
    "special.i1": ANY,
    "special.i1e": {"kinks": (0.0,)},
    "special.modified_bessel_i0": ANY,
    "special.modified_bessel_i1": ANY,
    "special.modified_bessel_k0": POSITIVE,
    "special.modified_bessel_k1": POSITIVE,
    "special.scaled_modified_bessel_k0": POSITIVE,
    "special.scaled_modified_bessel_k1": POSITIVE,
    "special.bessel_j0": ANY,
    "special.bessel_j1": ANY,
    "special.bessel_y0": POSITIVE,
    "special.bessel_y1": POSITIVE,
    "special.spherical_bessel_j0": ANY,
    "special.airy_ai": ANY,
}
POLYNOMIALS = [
    *(f"{kind}chebyshev_polynomial_{letter}" for kind in ("", "shifted_") for letter in "tuvw"),
    "hermite_polynomial_h",
    "hermite_polynomial_he",
    "laguerre_polynomial_l",
    "legendre_polynomial_p",
]


def named(name):
    """A function of the package, or of tg.special."""
    home = tg.special if name.startswith("special.") else tg
    return getattr(home, name.removeprefix("special."))


def against_constant(name, function, low, high):
    """A function of two numbers that has a gradient for the second one alone."""
    constants = st.floats(low, high).map(lambda a: {"a": a})
    return Case(
        name,
        function,
        arrays(SMALL, **POSITIVE),
        kwargs=constants,
    )


def polynomial_case(name):
    function = getattr(tg.special, name)
    degrees = st.fixed_dictionaries({"n": st.integers(0, 4)})
    return Case(name, function, arrays(SMALL, **ROUND_ONE), kwargs=degrees)


CASES = [
    *(Case(name, named(name), arrays(SMALL, **options)) for name, options in UNARY.items()),
    Case("slope of airy_ai", airy_slope, arrays(SMALL, **ANY)),
    Case(
        "logit, clamped",
        tg.logit,
        arrays(low=-0.3, high=1.3, kinks=(0.2, 0.8)),
        kwargs={"eps": 0.2},
        reference=lambda x, eps: np.log((c := np.clip(x, eps, 1 - eps)) / (1 - c)),
    ),
    Case(
        "polygamma",
        lambda x, n: tg.polygamma(n, x),
        arrays(low=-0.9, high=5.0, kinks=(0.0,), margin=0.25),
        kwargs=st.fixed_dictionaries({"n": st.integers(0, 3)}),
        options={"float32_tol": 1e-3},
    ),
    Case(
        "mvlgamma",
        tg.mvlgamma,
        arrays(low=1.2, high=5.0),
        kwargs=st.fixed_dictionaries({"p": st.integers(1, 3)}),
        options={"atol": 1e-9},
    ),
    against_constant("igamma", lambda x, a: tg.igamma(tg.full_like(x, a), x), 0.5, 5.0),
    against_constant("igammac", lambda x, a: tg.igammac(tg.full_like(x, a), x), 0.5, 5.0),
    against_constant("zeta", lambda x, a: tg.special.zeta(tg.full_like(x, a), x), 1.5, 5.0),
    Case("xlogy", tg.xlogy, pair({}, POSITIVE), reference=lambda x, y: x * np.log(y)),
    Case(
        "xlog1py",
        tg.special.xlog1py,
        pair({}, POSITIVE),
        reference=lambda x, y: x * np.log1p(y),
    ),
    Case("logaddexp2", tg.logaddexp2, pair(), reference=np.logaddexp2),
    *(polynomial_case(name) for name in POLYNOMIALS),
]
test_value_gradient_and_second_gradient = property_test(CASES)


# Values, computed with 30 digits.

VALUES = {
    "erf": ([0.3, -1.2, 3.0], [0.3286267594591274, -0.9103139782296353, 0.9999779095030014]),
    "erfc": (
        [0.3, -1.2, 8.0, 25.0],
        [0.6713732405408726, 1.9103139782296354, 1.1224297172982926e-29, 8.300172571196523e-274],
    ),
    "erfinv": (
        [1e-10, 0.3, -0.9, 0.999],
        [8.862269254527581e-11, 0.2724627147267543, -1.1630871536766743, 2.3267537655135246],
    ),
    "special.erfcx": (
        [-3.0, 0.2, 1.0, 10.0, 1000.0],
        [
            16205.988853999586,
            0.8090195199015807,
            0.427583576155807,
            0.05614099274382259,
            0.0005641893014533876,
        ],
    ),
    "special.ndtr": (
        [-30.0, -5.0, 0.5, 3.0],
        [4.906713927148187e-198, 2.866515718791939e-07, 0.6914624612740131, 0.9986501019683699],
    ),
    "special.ndtri": (
        [1e-12, 0.01, 0.4, 0.975],
        [-7.034483825301132, -2.326347874040841, -0.2533471031357997, 1.9599639845400538],
    ),
    "special.log_ndtr": (
        [-50.0, -2.0, -0.5, 5.0],
        [-1254.8313611394199, -3.783184333682032, -1.1759117615936185, -2.866516129637636e-07],
    ),
    "lgamma": (
        [-2.5, 1e-10, 0.7, 1.5, 2.001, 7.5, 30.0, 10000000000.0],
        [
            -0.056243716497674054,
            23.025850929882736,
            0.26086724653166654,
            -0.12078223763524522,
            0.000423106734800117,
            7.534364236758733,
            71.25703896716801,
            220258509288.81058,
        ],
    ),
    "digamma": (
        [-2.5, 1e-05, 0.7, 5.5, 100.0],
        [
            1.103156640645243,
            -100000.57719921567,
            -1.2200235536979347,
            1.6110931485817512,
            4.600161852738087,
        ],
    ),
    "special.entr": ([0.2, 3.0], [0.3218875824868201, -3.295836866004329]),
    "sinc": ([0.001, 0.5, 2.25], [0.999998355066745, 0.6366197723675814, 0.10003514623967845]),
    "i0": ([-0.5, 3.0, 20.0], [1.0634833707413236, 4.8807925858650245, 43558282.559553534]),
    "special.i0e": (
        [-0.5, 3.0, 50.0, 10000.0],
        [0.6450352704491501, 0.2430003541618254, 0.05656162664745419, 0.003989472674604732],
    ),
    "special.i1": ([-0.5, 3.0, 20.0], [-0.2578943053908963, 3.9533702174026093, 42454973.38512777]),
    "special.i1e": (
        [-0.5, 3.0, 50.0, 10000.0],
        [-0.1564208031848717, 0.19682671329730086, 0.0559931238928954, 0.003989273195983662],
    ),
    "special.modified_bessel_i0": ([2.0], [2.2795853023360673]),
    "special.modified_bessel_i1": ([2.0], [1.590636854637329]),
    "special.modified_bessel_k0": (
        [0.001, 1.0, 2.5, 30.0],
        [7.023688800562382, 0.42102443824070834, 0.06234755320036619, 2.1324774964630563e-14],
    ),
    "special.modified_bessel_k1": (
        [0.001, 1.0, 2.5, 30.0],
        [999.9962381560856, 0.6019072301972346, 0.07389081634774707, 2.1677320018915495e-14],
    ),
    "special.scaled_modified_bessel_k0": (
        [0.001, 1.0, 2.5, 1000.0],
        [7.030716002378251, 1.144463079806895, 0.7595486903280996, 0.03962832160075422],
    ),
    "special.scaled_modified_bessel_k1": (
        [0.001, 1.0, 2.5, 1000.0],
        [1000.9967345590684, 1.6361534862632583, 0.900174423907878, 0.03964813081296021],
    ),
    "special.bessel_j0": (
        [-1.0, 6.0, 30.0],
        [0.7651976865579666, 0.15064525725099692, -0.08636798358104021],
    ),
    "special.bessel_j1": (
        [-1.0, 6.0, 30.0],
        [-0.4400505857449335, -0.27668385812756563, -0.11875106261662294],
    ),
    "special.bessel_y0": (
        [0.1, 6.0, 30.0],
        [-1.5342386513503667, -0.28819468398157916, -0.11729573168666403],
    ),
    "special.bessel_y1": (
        [0.1, 6.0, 30.0],
        [-6.4589510947020266, -0.17501034430039825, 0.08442557066174723],
    ),
    "special.spherical_bessel_j0": ([0.001, 4.0], [0.9999998333333416, -0.18920062382698205]),
    "special.airy_ai": (
        [-20.0, -3.0, 0.5, 10.0],
        [-0.1764061270779847, -0.37881429367765806, 0.23169360648083348, 1.1047532552898686e-10],
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_float64_is_right_to_the_last_digits(name):
    x, expected = VALUES[name]
    np.testing.assert_allclose(
        named(name)(tg.tensor(x, dtype=tg.float64)).numpy(), expected, rtol=4e-14, atol=4e-16
    )


@pytest.mark.parametrize("name", VALUES)
def test_float32_and_float16_are_rounded_from_float64(name):
    x, expected = VALUES[name]
    for dtype, rtol in ((tg.float32, 2e-5), (tg.float16, 3e-2)):
        given = [a for a in x if 0.1 < abs(a) < 4]
        wanted = [b for a, b in zip(x, expected, strict=True) if 0.1 < abs(a) < 4]
        result = named(name)(tg.tensor(given, dtype=dtype))
        assert result.dtype == dtype
        np.testing.assert_allclose(result.numpy(), wanted, rtol=rtol, atol=rtol / 10)


@pytest.mark.parametrize(
    ("s", "q", "expected"),
    [
        (2, 1, math.pi**2 / 6),
        (1.5, 0.3, 8.237761671459724),
        (3, -1.5, 0.1181020258208637),
        (4, -2.25, 259.7425038647857),
        (10, 20.0, 2.698888836254023e-13),
        (51, 700.0, 1.1522580578058813e-144),
        (1, 2, inf),
        (0.5, 1, nan),
        (2, 0, inf),
        (2, -3, inf),
        (2.5, -1.5, nan),
        (inf, 2, 0),
        (2, inf, 0),
        (nan, 1, nan),
    ],
)
def test_zeta(s, q, expected):
    result = tg.special.zeta(tg.tensor(s, dtype=tg.float64), tg.tensor(q, dtype=tg.float64))
    np.testing.assert_allclose(result.item(), expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("a", "x", "lower", "upper"),
    [
        (0.5, 0.2, 0.4729107431344619, 0.5270892568655381),
        (3.0, 2.0, 0.32332358381693654, 0.6766764161830635),
        (3.0, 10.0, 0.9972306042844884, 0.002769395715511576),
        (1e-8, 0.5, 0.9999999944022641, 5.597735977099587e-09),
        (200.0, 190.0, 0.2433474271006238, 0.7566525728993762),
        (200.0, 230.0, 0.9796688566711638, 0.020331143328836235),
        (1e4, 1.02e4, 0.9767126778664011, 0.023287322133598805),
        (20.0, 2.0, 6.443731393112094e-14, 0.9999999999999356),
        (0.0, 1.0, 1.0, 0.0),
        (1.0, 0.0, 0.0, 1.0),
        (inf, 1.0, 0.0, 1.0),
        (1.0, inf, 1.0, 0.0),
        (0.0, 0.0, nan, nan),
        (-1.0, 1.0, nan, nan),
        (1.0, -1.0, nan, nan),
        (inf, inf, nan, nan),
    ],
)
def test_incomplete_gamma_functions(a, x, lower, upper):
    a, x = tg.tensor(a, dtype=tg.float64), tg.tensor(x, dtype=tg.float64)
    np.testing.assert_allclose(tg.igamma(a, x).item(), lower, rtol=1e-12)
    np.testing.assert_allclose(tg.igammac(a, x).item(), upper, rtol=1e-12)


@pytest.mark.parametrize(
    ("n", "x", "expected"),
    [
        (1, 0.5, math.pi**2 / 2),
        (2, -1.5, -0.2362040516417274),
        (3, 10.0, 0.0023199013042898686),
        (5, 2.0, 2.081167438133897),
        (1, -1.0, inf),
        (200, 1.0, -inf),
    ],
)
def test_polygamma(n, x, expected):
    result = tg.polygamma(n, tg.tensor(x, dtype=tg.float64))
    np.testing.assert_allclose(result.item(), expected, rtol=1e-13)
    assert tg.equal(tg.tensor(x, dtype=tg.float64).polygamma(n), result)


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("lgamma", [0.0, -0.0, -1.0, inf, -inf, nan], [inf, inf, inf, inf, inf, nan]),
        ("digamma", [0.0, -0.0, -1.0, inf, -inf, nan], [-inf, inf, nan, inf, nan, nan]),
        ("erfinv", [1.0, -1.0, 1.1, nan], [inf, -inf, nan, nan]),
        ("logit", [0.0, 1.0, -0.1, 1.1, nan], [-inf, inf, nan, nan, nan]),
        ("sinc", [0.0, inf, nan], [1.0, nan, nan]),
        ("i0", [0.0, inf, -inf, 1e30, nan], [1.0, inf, inf, inf, nan]),
        ("special.i1", [0.0, inf, -inf, nan], [0.0, inf, -inf, nan]),
        ("special.i0e", [0.0, inf, nan], [1.0, 0.0, nan]),
        ("special.erfcx", [-30.0, inf, -inf, nan], [inf, 0.0, inf, nan]),
        ("special.ndtr", [inf, -inf, nan], [1.0, 0.0, nan]),
        ("special.ndtri", [0.0, 1.0, -0.1, 1.1, nan], [-inf, inf, nan, nan, nan]),
        ("special.log_ndtr", [inf, -inf, nan], [0.0, -inf, nan]),
        ("special.entr", [0.0, 1.0, -1.0, inf, nan], [0.0, 0.0, -inf, -inf, nan]),
        ("special.modified_bessel_k0", [0.0, -1.0, inf, nan], [inf, nan, 0.0, nan]),
        ("special.modified_bessel_k1", [0.0, -1.0, inf, nan], [inf, nan, 0.0, nan]),
        ("special.bessel_j0", [0.0, inf, nan], [1.0, 0.0, nan]),
        ("special.bessel_j1", [0.0, inf, nan], [0.0, 0.0, nan]),
        ("special.bessel_y0", [0.0, -1.0, inf, nan], [-inf, nan, 0.0, nan]),
        ("special.bessel_y1", [0.0, -1.0, inf, nan], [-inf, nan, 0.0, nan]),
        ("special.spherical_bessel_j0", [0.0, inf, nan], [1.0, 0.0, nan]),
        ("special.airy_ai", [inf, -inf, nan], [0.0, 0.0, nan]),
    ],
)
@pytest.mark.parametrize("dtype", [tg.float32, tg.float64])
def test_edges_of_the_domain(name, x, expected, dtype):
    result = named(name)(tg.tensor(x, dtype=dtype))
    np.testing.assert_array_equal(result.numpy(), np.array(expected, result.dtype))


@pytest.mark.parametrize(
    ("name", "x", "slope"),
    [
        ("sinc", 0.0, 0.0),
        ("sinc", 1e-5, -(math.pi**2) / 3 * 1e-5),
        ("special.i1", 0.0, 0.5),
        ("special.i1e", 0.0, 0.5),
        ("special.bessel_j1", 0.0, 0.5),
        ("special.spherical_bessel_j0", 1e-5, -1e-5 / 3),
        ("special.log_ndtr", -1000.0, 1000.000999998),
        ("lgamma", 0.5, -1.9635100260214235),
        ("erfinv", 0.0, math.sqrt(math.pi) / 2),
    ],
)
def test_slopes_where_formulas_lose_their_digits(name, x, slope):
    tensor = tg.tensor(x, dtype=tg.float64, requires_grad=True)
    named(name)(tensor).backward()
    np.testing.assert_allclose(tensor.grad.item(), slope, rtol=1e-9)


def test_a_zero_factor_wins_over_an_infinite_logarithm():
    x = tg.tensor([0.0, 0.0, 0.0, 2.0], requires_grad=True)
    y = tg.tensor([0.0, inf, nan, 0.0])
    result = tg.xlogy(x, y)
    np.testing.assert_array_equal(result.detach().numpy(), [0, 0, nan, -inf])
    result.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [0, inf, nan, -inf])
    assert tg.special.xlog1py(tg.tensor([0.0]), -1).item() == 0.0


def test_numbers_take_the_place_of_either_tensor():
    x = tg.tensor([2.0, 4.0])
    np.testing.assert_allclose(tg.xlogy(2, x).numpy(), 2 * np.log([2, 4]), rtol=1e-6)
    np.testing.assert_allclose(tg.xlogy(x, 2).numpy(), np.log([4, 16]), rtol=1e-6)
    assert tg.xlogy(tg.tensor([True]), 2).dtype == tg.float32
    assert tg.special.zeta(2, tg.tensor([1], dtype=tg.uint8)).dtype == tg.float32


def test_polynomials_against_their_closed_forms():
    theta = np.array([0.3, 1.2, 2.9])
    x = tg.tensor(np.cos(theta))
    n = tg.tensor([7, 0, 3])
    t = tg.special.chebyshev_polynomial_t(x, n).numpy()
    np.testing.assert_allclose(t, np.cos(theta * [7, 0, 3]), rtol=1e-12)
    u = tg.special.chebyshev_polynomial_u(x, 5).numpy()
    np.testing.assert_allclose(u, np.sin(6 * theta) / np.sin(theta), rtol=1e-12)
    x = np.array([-0.5, 0.25, 2.0])
    expected = {
        "chebyshev_polynomial_v": 8 * x**3 - 4 * x**2 - 4 * x + 1,
        "chebyshev_polynomial_w": 8 * x**3 + 4 * x**2 - 4 * x - 1,
        "hermite_polynomial_h": 8 * x**3 - 12 * x,
        "hermite_polynomial_he": x**3 - 3 * x,
        "laguerre_polynomial_l": 1 - 3 * x + 1.5 * x**2 - x**3 / 6,
        "legendre_polynomial_p": (5 * x**3 - 3 * x) / 2,
    }
    for name, values in expected.items():
        result = getattr(tg.special, name)(tg.tensor(x), 3)
        np.testing.assert_allclose(result.numpy(), values, rtol=1e-12, err_msg=name)
    for letter in "tuvw":
        shifted = getattr(tg.special, f"shifted_chebyshev_polynomial_{letter}")(tg.tensor(x), 4)
        plain = getattr(tg.special, f"chebyshev_polynomial_{letter}")(tg.tensor(2 * x - 1), 4)
        np.testing.assert_allclose(shifted.numpy(), plain.numpy(), rtol=1e-12)


def test_polynomials_of_negative_degree_are_zero_and_broadcast():
    result = tg.special.legendre_polynomial_p(tg.ones(2, 1), tg.tensor([-1, 0, 2]))
    assert result.tolist() == [[0, 1, 1], [0, 1, 1]]
    assert tg.special.legendre_polynomial_p(2.0, tg.tensor([1])).item() == 2.0


def test_second_names_of_special_functions():
    pairs = [("psi", "digamma"), ("gammaln", "lgamma"), ("gammainc", "igamma")]
    pairs += [("gammaincc", "igammac"), ("multigammaln", "mvlgamma"), ("expit", "sigmoid")]
    for special, plain in pairs:
        assert getattr(tg.special, special) is getattr(tg, plain)


def table_examples():
    """Functions that a table makes in another module, where the doctests do not find them."""
    for name in tg.special.__all__:
        yield pytest.param(getattr(tg.special, name), id=name)


@pytest.mark.parametrize("function", list(table_examples()))
def test_every_special_function_has_an_example_that_runs(function):
    (test,) = doctest.DocTestFinder(recurse=False).find(function, "example", module=False)
    assert test.examples
    test.globs = {"tg": tg}
    report = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: tg.polygamma(-1, x), RuntimeError, "n is an integer from 0 on; got -1"),
        (lambda x: tg.polygamma(0.5, x), RuntimeError, "got 0.5"),
        (lambda x: tg.mvlgamma(x, 0), RuntimeError, "p is at least 1; got 0"),
        (lambda x: tg.igamma(x, 1.0), NotImplementedError, r"igamma\(a\.detach\(\), x\)"),
        (lambda x: tg.igammac(x, x), NotImplementedError, "first argument has no closed form"),
        (lambda x: tg.special.zeta(x, 1.0), NotImplementedError, "zeta: the derivative"),
        (
            lambda x: tg.special.legendre_polynomial_p(x, tg.ones(3)),
            RuntimeError,
            r"legendre_polynomial_p: the shapes \(2,\) and \(3,\) cannot be broadcast",
        ),
        (lambda x: tg.xlogy(x, tg.ones(3)), RuntimeError, r"xlogy.*\(2,\).*\(3,\)"),
    ],
)
def test_impossible_arguments_are_explained(call, error, message):
    with pytest.raises(error, match=message):
        call(tg.ones(2, requires_grad=True))
