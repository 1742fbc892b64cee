"""Random tensors, and random numbers in place: they follow `tg.manual_seed`, or `generator=`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, TensorBase
from ..autograd.leaving import left, without_gradient
from ..random import AnyGenerator, resolve
from .arguments import check_tensor
from .creation import Options, SizeOptions, finish, shape_of, sized
from .dtypes import DType, DTypeLike, float16, float32, get_default_dtype, int64, to_dtype
from .indexing import Assign, write

if TYPE_CHECKING:
    from typing import Unpack

    from ..tensor import Tensor

__all__ = [
    "bernoulli",
    "binomial",
    "multinomial",
    "normal",
    "poisson",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
]


def _floating(dtype: DTypeLike, name: str) -> DType:
    result = get_default_dtype() if dtype is None else to_dtype(dtype)
    if result.kind != "f":
        raise RuntimeError(f"{name}: random floating numbers have a floating type; got {result}.")
    return result


def _uniform(rng: np.random.Generator, shape: tuple[int, ...], dtype: DType) -> Array:
    """Uniform on [0, 1), drawn in the type itself: rounding from a wider one could give 1."""
    if dtype == float16:
        return (rng.integers(0, 2048, shape) / 2048).astype(float16)
    if dtype == float32:
        return rng.random(shape, dtype=np.float32)
    return rng.random(shape).astype(dtype, copy=False)


def _gaussian(rng: np.random.Generator, shape: tuple[int, ...], dtype: DType) -> Array:
    if dtype == float32:
        return rng.standard_normal(shape, dtype=np.float32)
    return rng.standard_normal(shape).astype(dtype, copy=False)


def rand(
    *sizes: Any,
    generator: AnyGenerator = None,
    dtype: DTypeLike = None,
    **options: Unpack[SizeOptions],
) -> Tensor:
    """Numbers uniform on [0, 1); sizes as for `zeros`. PyTorch: `torch.rand`.

    >>> tg.rand(2, 3).shape
    (2, 3)
    """
    shape, common = sized(sizes, options, "rand")
    return finish(_uniform(resolve(generator), shape, _floating(dtype, "rand")), **common)


def randn(
    *sizes: Any,
    generator: AnyGenerator = None,
    dtype: DTypeLike = None,
    **options: Unpack[SizeOptions],
) -> Tensor:
    """Numbers from the normal distribution with mean 0 and variance 1. PyTorch: `torch.randn`.

    >>> tg.randn(2, 3).shape
    (2, 3)
    """
    shape, common = sized(sizes, options, "randn")
    return finish(_gaussian(resolve(generator), shape, _floating(dtype, "randn")), **common)


def randint(
    *limits_and_size: Any,
    low: int | None = None,
    high: int | None = None,
    size: Sequence[int] | None = None,
    generator: AnyGenerator = None,
    dtype: DTypeLike = None,
    **options: Unpack[Options],
) -> Tensor:
    """Integers uniform on low, ..., high - 1: `randint(high, size)` or `randint(low, high, size)`.

    int64 unless `dtype` is given. Raises RuntimeError unless low < high. PyTorch: `torch.randint`.

    >>> tg.randint(0, 10, (2, 3)).shape
    (2, 3)
    """
    given = list(limits_and_size)
    if size is None and given:
        size = given.pop()
    if high is None and given:
        high = given.pop()
    if low is None:
        low = given.pop() if given else 0
    if given or size is None or high is None:
        raise TypeError("randint: call it as randint(high, size) or randint(low, high, size).")
    shape = shape_of((size,), "randint")
    kind = int64 if dtype is None else to_dtype(dtype)
    return finish(
        _integers(resolve(generator), low, high, shape, "randint").astype(kind), **options
    )


def _integers(
    rng: np.random.Generator, low: int, high: int, shape: tuple[int, ...], name: str
) -> Array:
    low, high = int(low), int(high)
    if low >= high:
        raise RuntimeError(
            f"{name}: low must be below high, which is excluded; got {low} and {high}."
        )
    return rng.integers(low, high, shape)


def randperm(
    n: int, *, generator: AnyGenerator = None, dtype: DTypeLike = None, **options: Unpack[Options]
) -> Tensor:
    """The integers 0, ..., n - 1 in random order. PyTorch: `torch.randperm`.

    >>> tg.randperm(4).sort().values
    tensor([0, 1, 2, 3])
    """
    if n < 0:
        raise RuntimeError(f"randperm: n cannot be negative; got {n}.")
    kind = int64 if dtype is None else to_dtype(dtype)
    return finish(resolve(generator).permutation(n).astype(kind, copy=False), **options)


def normal(
    mean: Tensor | float = 0.0,
    std: Tensor | float = 1.0,
    size: Sequence[int] | None = None,
    *,
    generator: AnyGenerator = None,
    dtype: DTypeLike = None,
    **options: Unpack[Options],
) -> Tensor:
    """Numbers from normal distributions, each element with its own mean and standard deviation.

    `mean` and `std` are tensors or numbers, broadcast; two numbers need a `size`. Has no gradient:
    for one, write `mean + std * tg.randn_like(mean)`. Raises RuntimeError for a negative std.
    PyTorch: `torch.normal`.

    >>> tg.normal(tg.tensor([0.0, 100.0]), 0.0)
    tensor([  0., 100.])
    """
    values = [x.array for x in (mean, std) if isinstance(x, TensorBase)]
    if bool((std.array < 0).any() if isinstance(std, TensorBase) else std < 0):
        raise RuntimeError("normal: a standard deviation cannot be negative.")
    if size is not None:
        shape = shape_of((size,), "normal")
    elif values:
        try:
            shape = np.broadcast_shapes(*(x.shape for x in values))
        except ValueError:
            raise RuntimeError(
                f"normal: the shapes {values[0].shape} and {values[1].shape} cannot be broadcast."
            ) from None
    else:
        raise TypeError("normal: two numbers need a size, as in tg.normal(0.0, 1.0, (2, 3)).")
    kind = _floating(values[0].dtype if dtype is None and values else dtype, "normal")
    drawn = _gaussian(resolve(generator), shape, kind)
    location, scale = (x.array if isinstance(x, TensorBase) else x for x in (mean, std))
    drawn = (location + scale * drawn).astype(kind, copy=False)
    result = finish(drawn, **options)
    result.cuts = left("no_derivative", "normal", mean, std)
    return result


def _check_probabilities(p: Any, name: str) -> None:
    if not np.all((p >= 0) & (p <= 1)):
        raise RuntimeError(f"{name}: probabilities lie between 0 and 1.")


def bernoulli(input: Tensor, p: float | None = None, *, generator: AnyGenerator = None) -> Tensor:
    """1 with the probability that `input` holds at each place (or with `p` at all of them), else 0.

    Has no gradient. Raises RuntimeError for integer tensors and for probabilities outside [0, 1].
    PyTorch: `torch.bernoulli`.

    >>> tg.bernoulli(tg.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    check_tensor("bernoulli", input)
    probability = input.array if p is None else p
    if p is None and input.dtype.kind != "f":
        raise RuntimeError(f"bernoulli: probabilities are floating numbers; got {input.dtype}.")
    _check_probabilities(probability, "bernoulli")
    drawn = (resolve(generator).random(input.shape) < probability).astype(input.dtype)
    return without_gradient("bernoulli", drawn, input)


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: AnyGenerator = None
) -> Tensor:
    """Indices drawn with probabilities proportional to the weights in `input`, for each row.

    (n) gives (num_samples), (m, n) gives (m, num_samples), int64. Raises RuntimeError for weights
    that are negative, infinite, NaN or all 0, or fewer than the samples asked for.
    PyTorch: `torch.multinomial`.

    >>> tg.multinomial(tg.tensor([0.0, 1.0]), 3, replacement=True)
    tensor([1, 1, 1])
    """
    check_tensor("multinomial", input)
    weights = input.array.astype(np.float64)
    if weights.ndim not in (1, 2):
        raise RuntimeError(
            f"multinomial: the weights are a vector or a matrix; got shape {input.shape}."
        )
    if num_samples <= 0:
        raise RuntimeError(
            f"multinomial: the number of samples must be positive; got {num_samples}."
        )
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise RuntimeError("multinomial: the weights must be finite and not negative.")
    available = np.count_nonzero(weights, axis=-1)
    if not available.all():
        raise RuntimeError("multinomial: at least one weight of each row must be positive.")
    if not replacement and (available < num_samples).any():
        raise RuntimeError(
            f"multinomial: cannot draw {num_samples} different indices where {available.min()} "
            "have a positive weight. Draw fewer, or with replacement=True."
        )
    rng = resolve(generator)
    if replacement:
        steps = np.cumsum(weights, axis=-1).reshape(-1, weights.shape[-1])
        drawn = rng.random((len(steps), num_samples)) * steps[:, -1:]
        rows = [np.searchsorted(row, x, side="right") for row, x in zip(steps, drawn, strict=True)]
        found = np.array(rows).reshape(*weights.shape[:-1], num_samples)
        return without_gradient("multinomial", found, input)
    # Of exponential variables with rates w, number i is the smallest with probability w_i / Σ w.
    with np.errstate(divide="ignore"):
        arrivals = rng.standard_exponential(weights.shape) / weights
    found = np.argsort(arrivals, axis=-1)[..., :num_samples].copy()
    return without_gradient("multinomial", found, input)


def poisson(input: Tensor, generator: AnyGenerator = None) -> Tensor:
    """Numbers from Poisson distributions with the rates in `input`, in its type.

    PyTorch: `torch.poisson`.

    >>> tg.poisson(tg.tensor([0.0]))
    tensor([0.])
    """
    check_tensor("poisson", input)
    if (input.array < 0).any():
        raise RuntimeError("poisson: a rate cannot be negative.")
    drawn = resolve(generator).poisson(input.array).astype(input.dtype)
    return without_gradient("poisson", drawn, input)


def binomial(count: Tensor, prob: Tensor, generator: AnyGenerator = None) -> Tensor:
    """How many of `count` trials succeed, each with probability `prob`, broadcast.

    In the type of `count`, which is floating; has no gradient. Raises ValueError for integers,
    RuntimeError for negative counts and probabilities outside 0 ... 1. PyTorch: `torch.binomial`.

    >>> tg.binomial(tg.tensor([10.0, 20.0]), tg.tensor([1.0, 0.0]))
    tensor([10.,  0.])
    """
    for label, x in (("count", count), ("prob", prob)):
        if x.dtype.kind != "f":
            raise ValueError(
                f"binomial: {label} is a floating tensor; got {x.dtype}. Convert it: "
                f"`{label}.float()`."
            )
    if not (count.array >= 0).all():
        raise RuntimeError("binomial: a count cannot be negative.")
    _check_probabilities(prob.array, "binomial")
    try:
        np.broadcast_shapes(count.shape, prob.shape)
    except ValueError:
        raise RuntimeError(
            f"binomial: the shapes {count.shape} and {prob.shape} cannot be broadcast."
        ) from None
    drawn = resolve(generator).binomial(count.array.astype(np.int64), prob.array)
    return without_gradient("binomial", np.asarray(drawn, count.dtype), count, prob)


def rand_like(
    input: Tensor,
    *,
    generator: AnyGenerator = None,
    dtype: DTypeLike = None,
    **options: Unpack[Options],
) -> Tensor:
    """`rand` in the shape and type of `input`. PyTorch: `torch.rand_like`.

    >>> tg.rand_like(tg.zeros(2, 3)).shape
    (2, 3)
    """
    check_tensor("rand_like", input)
    kind = input.dtype if dtype is None else dtype
    return rand(input.shape, generator=generator, dtype=kind, **options)


def randn_like(
    input: Tensor,
    *,
    generator: AnyGenerator = None,
    dtype: DTypeLike = None,
    **options: Unpack[Options],
) -> Tensor:
    """`randn` in the shape and type of `input`. PyTorch: `torch.randn_like`.

    >>> tg.randn_like(tg.zeros(2, 3)).shape
    (2, 3)
    """
    check_tensor("randn_like", input)
    kind = input.dtype if dtype is None else dtype
    return randn(input.shape, generator=generator, dtype=kind, **options)


def randint_like(
    input: Tensor,
    low: int,
    high: int | None = None,
    *,
    generator: AnyGenerator = None,
    dtype: DTypeLike = None,
    **options: Unpack[Options],
) -> Tensor:
    """`randint` in the shape and type of `input`.

    `randint_like(x, high)` or `randint_like(x, low, high)`. PyTorch: `torch.randint_like`.

    >>> tg.randint_like(tg.zeros(2), 1)
    tensor([0., 0.])
    """
    check_tensor("randint_like", input)
    low, high = (0, low) if high is None else (low, high)
    kind = input.dtype if dtype is None else dtype
    return randint(low, high, input.shape, generator=generator, dtype=kind, **options)


# In place.


def _fill(input: Tensor, drawn: Any, name: str) -> Tensor:
    write(input, Assign(), drawn, name=name)
    return input


def _check_floating(input: Tensor, name: str) -> None:
    if input.array.dtype.kind != "f":
        raise RuntimeError(f"{name}: fills tensors of a floating type; this one is {input.dtype}.")


def uniform_(
    input: Tensor, low: float = 0.0, high: float = 1.0, *, generator: AnyGenerator = None
) -> Tensor:
    """Fill with numbers uniform on [low, high). PyTorch: `Tensor.uniform_`.

    Raises RuntimeError for a leaf that requires grad while operations are recorded, as do all
    fillers.

    >>> bool((tg.empty(5).uniform_(2, 3) >= 2).all())
    True
    """
    _check_floating(input, "uniform_")
    if low > high:
        raise RuntimeError(f"uniform_: low must not exceed high; got {low} and {high}.")
    drawn = _uniform(resolve(generator), input.shape, input.dtype)
    return _fill(input, drawn * (high - low) + low, "uniform_")


def normal_(
    input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: AnyGenerator = None
) -> Tensor:
    """Fill with numbers from a normal distribution. PyTorch: `Tensor.normal_`.

    >>> tg.empty(2).normal_(3, 0)
    tensor([3., 3.])
    """
    _check_floating(input, "normal_")
    if std < 0:
        raise RuntimeError(f"normal_: a standard deviation cannot be negative; got {std}.")
    drawn = _gaussian(resolve(generator), input.shape, input.dtype)
    return _fill(input, drawn * std + mean, "normal_")


def bernoulli_(input: Tensor, p: Tensor | float = 0.5, *, generator: AnyGenerator = None) -> Tensor:
    """Fill with 1 with probability `p` (a number or a tensor), else 0.

    PyTorch: `Tensor.bernoulli_`.

    >>> tg.empty(3).bernoulli_(1)
    tensor([1., 1., 1.])
    """
    probability = p.array if isinstance(p, TensorBase) else p
    _check_probabilities(probability, "bernoulli_")
    return _fill(input, resolve(generator).random(input.shape) < probability, "bernoulli_")


def exponential_(input: Tensor, lambd: float = 1.0, *, generator: AnyGenerator = None) -> Tensor:
    """Fill with numbers from the exponential distribution with the rate `lambd`.

    PyTorch: `Tensor.exponential_`.

    >>> bool((tg.empty(5).exponential_() >= 0).all())
    True
    """
    _check_floating(input, "exponential_")
    if lambd <= 0:
        raise RuntimeError(f"exponential_: the rate must be positive; got {lambd}.")
    return _fill(
        input, resolve(generator).standard_exponential(input.shape) / lambd, "exponential_"
    )


def cauchy_(
    input: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: AnyGenerator = None
) -> Tensor:
    """Fill with numbers from the Cauchy distribution. PyTorch: `Tensor.cauchy_`.

    >>> tg.empty(3).cauchy_().shape
    (3,)
    """
    _check_floating(input, "cauchy_")
    if sigma <= 0:
        raise RuntimeError(f"cauchy_: sigma must be positive; got {sigma}.")
    drawn = resolve(generator).standard_cauchy(input.shape)
    return _fill(input, drawn * sigma + median, "cauchy_")


def log_normal_(
    input: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: AnyGenerator = None
) -> Tensor:
    """Fill with e^x, where x is normal with `mean` and `std`. PyTorch: `Tensor.log_normal_`.

    >>> bool((tg.empty(5).log_normal_() > 0).all())
    True
    """
    _check_floating(input, "log_normal_")
    if std <= 0:
        raise RuntimeError(f"log_normal_: std must be positive; got {std}.")
    return _fill(input, resolve(generator).lognormal(mean, std, input.shape), "log_normal_")


def geometric_(input: Tensor, p: float, *, generator: AnyGenerator = None) -> Tensor:
    """Fill with the number of the first trial that succeeds, each with probability `p`: 1, 2, ...

    For integer tensors, too. Raises RuntimeError unless 0 < p < 1. PyTorch: `Tensor.geometric_`.

    >>> bool((tg.empty(5).geometric_(0.5) >= 1).all())
    True
    """
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_: p lies between 0 and 1; got {p}.")
    if input.dtype.kind == "b":
        raise RuntimeError("geometric_: fills tensors of numbers; this one is bool.")
    return _fill(input, resolve(generator).geometric(p, input.shape), "geometric_")


def random_(
    input: Tensor,
    low: int | None = None,
    high: int | None = None,
    *,
    generator: AnyGenerator = None,
) -> Tensor:
    """Fill with integers uniform on low, ..., high - 1: `random_(high)`, `random_(low, high)`.

    Without limits, all that the type holds exactly. PyTorch: `Tensor.random_`.

    >>> tg.empty(2).random_(5, 6)
    tensor([5., 5.])
    """
    if high is None:
        low, high = 0, low
    if high is None:
        kind = input.dtype
        if kind.kind == "f":
            high = 2 ** (np.finfo(kind).nmant + 1) + 1
        else:
            high = 2 if kind.kind == "b" else int(np.iinfo(kind).max)
    drawn = _integers(resolve(generator), low or 0, high, input.shape, "random_")
    return _fill(input, drawn, "random_")
