"""Random numbers: they follow the seed or a generator, and have the right distributions."""

import numpy as np
import pytest

import tinygrad_edu as tg

DRAWS = [
    ("rand", lambda **g: tg.rand(5, **g)),
    ("randn", lambda **g: tg.randn(5, **g)),
    ("randn in float64", lambda **g: tg.randn(5, dtype=tg.float64, **g)),
    ("randint", lambda **g: tg.randint(1000, (5,), **g)),
    ("randperm", lambda **g: tg.randperm(20, **g)),
    ("normal", lambda **g: tg.normal(0.0, 1.0, (5,), **g)),
    ("normal of tensors", lambda **g: tg.normal(tg.zeros(5), tg.ones(5), **g)),
    ("bernoulli", lambda **g: tg.bernoulli(tg.full((40,), 0.5), **g)),
    ("multinomial", lambda **g: tg.multinomial(tg.ones(50), 5, **g)),
    ("multinomial again", lambda **g: tg.multinomial(tg.ones(50), 5, replacement=True, **g)),
    ("poisson", lambda **g: tg.poisson(tg.full((20,), 9.0), **g)),
    ("rand_like", lambda **g: tg.rand_like(tg.ones(5), **g)),
    ("randn_like", lambda **g: tg.randn_like(tg.ones(5), **g)),
    ("randint_like", lambda **g: tg.randint_like(tg.ones(5), 1000, **g)),
    ("uniform_", lambda **g: tg.empty(5).uniform_(**g)),
    ("normal_", lambda **g: tg.empty(5).normal_(**g)),
    ("bernoulli_", lambda **g: tg.empty(40).bernoulli_(**g)),
    ("exponential_", lambda **g: tg.empty(5).exponential_(**g)),
    ("random_", lambda **g: tg.empty(5).random_(**g)),
    ("binomial", lambda **g: tg.binomial(tg.full((20,), 40.0), tg.full((20,), 0.5), **g)),
    ("cauchy_", lambda **g: tg.empty(5).cauchy_(**g)),
    ("log_normal_", lambda **g: tg.empty(5).log_normal_(**g)),
    ("geometric_", lambda **g: tg.empty(40).geometric_(0.2, **g)),
]
draws = pytest.mark.parametrize("draw", [pytest.param(call, id=name) for name, call in DRAWS])


@draws
def test_randomness_follows_the_seed(draw):
    tg.manual_seed(1)
    first, second = draw(), draw()
    tg.manual_seed(1)
    assert tg.equal(draw(), first)
    assert not tg.equal(first, second)


@draws
def test_randomness_follows_a_generator_and_leaves_the_default_one_alone(draw):
    tg.manual_seed(1)
    untouched = tg.rand(1)
    tg.manual_seed(1)
    first = draw(generator=tg.Generator().manual_seed(3))
    assert tg.equal(draw(generator=tg.Generator().manual_seed(3)), first)
    assert tg.equal(draw(generator=np.random.default_rng(3)), first)
    assert tg.equal(tg.rand(1), untouched)


@draws
def test_random_results_have_no_gradient(draw):
    assert not draw().requires_grad


def test_something_else_is_no_generator():
    with pytest.raises(TypeError, match=r"tg\.Generator or a numpy\.random\.Generator; got int"):
        tg.rand(1, generator=3)


def test_state_of_the_default_generator_is_restored():
    state = tg.get_rng_state()
    first = tg.rand(3)
    tg.set_rng_state(state)
    assert tg.equal(tg.rand(3), first)


def test_draws_within_fork_rng_do_not_count():
    state = tg.get_rng_state()
    with tg.random.fork_rng():
        tg.rand(3)
    assert tg.get_rng_state() == state
    with tg.random.fork_rng(enabled=False):
        tg.rand(3)
    assert tg.get_rng_state() != state


def test_a_state_of_another_library_is_refused():
    with pytest.raises(
        TypeError, match=r"get_state\(\) or tg.get_rng_state\(\) returned; got Tensor"
    ):
        tg.set_rng_state(tg.zeros(5, dtype=tg.uint8))


def test_generator_knows_its_seed():
    generator = tg.Generator().manual_seed(5)
    assert generator.initial_seed() == 5
    assert generator.seed() == generator.initial_seed() != 5
    assert generator.device == tg.device("cpu")


def test_state_of_a_generator_moves_to_another():
    one, other = tg.Generator().manual_seed(5), tg.Generator()
    tg.rand(3, generator=one)
    other.set_state(one.get_state())
    assert other.initial_seed() == 5
    assert tg.equal(tg.rand(3, generator=one), tg.rand(3, generator=other))


def test_seed_draws_a_new_one():
    assert tg.seed() == tg.initial_seed()
    assert tg.seed() != tg.seed()


N = 40_000
MOMENTS = [
    ("rand", lambda: tg.rand(N), 1 / 2, 1 / 12),
    ("rand in float16", lambda: tg.rand(N, dtype=tg.float16), 1 / 2, 1 / 12),
    ("randn", lambda: tg.randn(N), 0, 1),
    ("randn in float64", lambda: tg.randn(N, dtype=tg.float64), 0, 1),
    ("randint", lambda: tg.randint(-2, 3, (N,)), 0, 2),
    ("normal", lambda: tg.normal(3.0, 2.0, (N,)), 3, 4),
    ("normal of tensors", lambda: tg.normal(tg.full((N,), -1.0), tg.tensor(0.5)), -1, 0.25),
    ("bernoulli", lambda: tg.bernoulli(tg.full((N,), 0.3)), 0.3, 0.21),
    ("bernoulli of p", lambda: tg.bernoulli(tg.zeros(N), 0.3), 0.3, 0.21),
    ("poisson", lambda: tg.poisson(tg.full((N,), 4.0)), 4, 4),
    ("uniform_", lambda: tg.empty(N).uniform_(-3, 3), 0, 3),
    ("normal_", lambda: tg.empty(N).normal_(3, 2), 3, 4),
    ("bernoulli_", lambda: tg.empty(N).bernoulli_(0.3), 0.3, 0.21),
    ("exponential_", lambda: tg.empty(N).exponential_(2), 1 / 2, 1 / 4),
    ("random_", lambda: tg.empty(N).random_(-2, 3), 0, 2),
]


@pytest.mark.parametrize(
    ("draw", "mean", "variance"), [pytest.param(*row[1:], id=row[0]) for row in MOMENTS]
)
def test_mean_and_variance(draw, mean, variance):
    x = draw().numpy().astype(np.float64)
    assert abs(x.mean() - mean) < 5 * (variance / N) ** 0.5
    assert abs(x.var() - variance) < 0.05 * variance


@pytest.mark.parametrize("dtype", [tg.float16, tg.float32, tg.float64], ids=str)
def test_rand_is_below_one_in_every_type(dtype):
    x = tg.rand(200_000, dtype=dtype)
    assert x.dtype == dtype
    assert (x.array >= 0).all()
    assert (x.array < 1).all()


def test_randint_excludes_high():
    assert set(tg.randint(2, 5, (500,)).tolist()) == {2, 3, 4}
    assert set(tg.randint(high=2, size=(100,)).tolist()) == {0, 1}
    assert set(tg.randint(low=1, high=3, size=(100,)).tolist()) == {1, 2}


def test_randperm_has_every_number_once():
    assert sorted(tg.randperm(100).tolist()) == list(range(100))


def test_normal_broadcasts():
    assert tg.normal(tg.zeros(2, 1), tg.ones(3)).shape == (2, 3)


def test_multinomial_without_replacement_draws_different_indices():
    drawn = tg.multinomial(tg.tensor([[1.0, 2.0, 3.0, 0.0]] * 50), 3)
    assert drawn.shape == (50, 3)
    assert all(sorted(row) == [0, 1, 2] for row in drawn.tolist())


@pytest.mark.parametrize("replacement", [False, True])
def test_multinomial_follows_the_weights(replacement):
    weights = tg.tensor([0.0, 2.0, 6.0]).repeat(N, 1)
    first = tg.multinomial(weights, 1, replacement=replacement).numpy()
    share = np.bincount(first[:, 0], minlength=3) / N
    np.testing.assert_allclose(share, [0, 0.25, 0.75], atol=0.02)


def test_random_fills_with_what_the_type_holds():
    assert set(tg.empty(100, dtype=tg.bool).random_().tolist()) == {True, False}
    assert tg.empty(100, dtype=tg.uint8).random_().array.max() > 100
    assert tg.empty(100).random_().array.max() <= 2**24


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tg.randint(5, 5, (2,)), RuntimeError, "got 5 and 5"),
        (lambda: tg.randint(5), TypeError, "randint"),
        (lambda: tg.randperm(-1), RuntimeError, "got -1"),
        (lambda: tg.rand(2, dtype=tg.int64), RuntimeError, "got int64"),
        (lambda: tg.randn(2, dtype=tg.int64), RuntimeError, "got int64"),
        (lambda: tg.rand_like(tg.tensor([1])), RuntimeError, "got int64"),
        (lambda: tg.normal(0.0, -1.0, (2,)), RuntimeError, "negative"),
        (lambda: tg.normal(0.0, 1.0), TypeError, "size"),
        (lambda: tg.normal(tg.zeros(2), tg.zeros(3)), RuntimeError, r"\(2,\) and \(3,\)"),
        (lambda: tg.bernoulli(tg.tensor([1.5])), RuntimeError, "between 0 and 1"),
        (lambda: tg.bernoulli(tg.tensor([1])), RuntimeError, "got int64"),
        (lambda: tg.poisson(tg.tensor([-1.0])), RuntimeError, "negative"),
        (lambda: tg.multinomial(tg.zeros(2), 1), RuntimeError, "positive"),
        (lambda: tg.multinomial(tg.tensor([1.0, 0.0]), 2), RuntimeError, "replacement=True"),
        (lambda: tg.multinomial(tg.tensor([1.0, -1.0]), 1), RuntimeError, "not negative"),
        (lambda: tg.multinomial(tg.ones(2, 2, 2), 1), RuntimeError, r"\(2, 2, 2\)"),
        (lambda: tg.multinomial(tg.ones(2), 0), RuntimeError, "got 0"),
        (lambda: tg.ones(2).uniform_(3, 2), RuntimeError, "got 3 and 2"),
        (lambda: tg.ones(2).normal_(0, -1), RuntimeError, "got -1"),
        (lambda: tg.ones(2).bernoulli_(2), RuntimeError, "between 0 and 1"),
        (lambda: tg.ones(2).exponential_(0), RuntimeError, "got 0"),
        (lambda: tg.ones(2).random_(4, 4), RuntimeError, "got 4 and 4"),
        (lambda: tg.tensor([1]).uniform_(), RuntimeError, "int64"),
        (lambda: tg.tensor([1]).normal_(), RuntimeError, "int64"),
        (lambda: tg.tensor([1]).exponential_(), RuntimeError, "int64"),
        (lambda: tg.tensor([1]).cauchy_(), RuntimeError, "int64"),
        (lambda: tg.ones(2).cauchy_(0, 0), RuntimeError, "sigma must be positive; got 0"),
        (lambda: tg.tensor([1]).log_normal_(), RuntimeError, "int64"),
        (lambda: tg.ones(2).log_normal_(0, -1), RuntimeError, "std must be positive; got -1"),
        (lambda: tg.ones(2).geometric_(1), RuntimeError, "between 0 and 1; got 1"),
        (lambda: tg.tensor([True]).geometric_(0.5), RuntimeError, "this one is bool"),
        (lambda: tg.binomial(tg.tensor([1]), tg.ones(1)), ValueError, "count.*int64"),
        (lambda: tg.binomial(tg.ones(1), tg.tensor([1])), ValueError, "prob.*int64"),
        (lambda: tg.binomial(-tg.ones(1), tg.ones(1)), RuntimeError, "cannot be negative"),
        (lambda: tg.binomial(tg.ones(1), 2 * tg.ones(1)), RuntimeError, "between 0 and 1"),
        (lambda: tg.binomial(tg.ones(2), tg.ones(3)), RuntimeError, "cannot be broadcast"),
    ],
)
def test_impossible_draws_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


FILLERS = ["uniform_", "normal_", "bernoulli_", "exponential_", "random_", "cauchy_"]
FILLERS += ["log_normal_"]


@pytest.mark.parametrize("filler", FILLERS)
def test_fillers_refuse_a_leaf_that_requires_grad(filler):
    x = tg.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=f"{filler}.*requires grad"):
        getattr(x, filler)()
    with tg.no_grad():
        assert getattr(x, filler)() is x


@pytest.mark.parametrize("filler", FILLERS)
def test_fillers_count_as_a_change(filler):
    x = tg.ones(2, requires_grad=True)
    y = x * 1
    loss = (y * y).sum()
    with tg.no_grad():
        getattr(y, filler)()
    with pytest.raises(RuntimeError, match="changed by an in-place"):
        loss.backward()


def test_filler_ends_the_gradient_of_what_it_replaces():
    x = tg.ones(2, requires_grad=True)
    y = x * 2
    y.normal_()
    (y * 3).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]


def test_counts_of_successes():
    drawn = tg.binomial(tg.full((4000,), 10.0), tg.tensor(0.3))
    assert abs(drawn.mean().item() - 3) < 0.1
    assert tg.binomial(tg.tensor([10.0, 2.0]), tg.tensor([[1.0]])).tolist() == [[10.0, 2.0]]


def test_distributions_of_the_fillers():
    x = tg.empty(20_000)
    x.cauchy_(median=5.0, sigma=2.0)
    low, middle, high = np.quantile(x.numpy(), [0.25, 0.5, 0.75])
    np.testing.assert_allclose([low, middle, high], [3, 5, 7], atol=0.2)
    logarithms = x.log_normal_(0.5, 0.25).log()
    np.testing.assert_allclose([logarithms.mean(), logarithms.std()], [0.5, 0.25], atol=0.02)
    trials = tg.empty(20_000, dtype=tg.int64).geometric_(0.25)
    assert trials.min().item() == 1
    assert abs(trials.double().mean().item() - 4) < 0.2
