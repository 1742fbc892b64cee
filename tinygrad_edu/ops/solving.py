"""Systems of linear equations: solve, inverse, determinant, powers and the exponential of matrices.

Every function takes batches: the matrices are the last two dimensions. The rules are compositions
of the same operations, so they can be differentiated again. Their source: Giles, "Collected matrix
derivative results for forward and reverse mode algorithmic differentiation" (2008).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply, run, wrap
from ..autograd.leaving import without_gradient
from . import elementwise, linalg, shape
from .arguments import check_tensor
from .contraction import same_types
from .diagonals import tril, triu
from .dtypes import constant, quiet

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "LinAlgError",
    "cholesky_inverse",
    "cholesky_solve",
    "det",
    "inverse",
    "logdet",
    "matrix_exp",
    "matrix_power",
    "multi_dot",
    "slogdet",
    "solve",
    "solve_triangular",
    "tensorinv",
    "tensorsolve",
]


class LinAlgError(RuntimeError):
    """A matrix without what was asked for: an inverse, a Cholesky factor, ...

    PyTorch: `torch.linalg.LinAlgError`.
    """


def floating_matrices(x: Any, name: str) -> Tensor:
    """Check that `x` holds matrices of float32 or float64, the types that LAPACK computes in."""
    if not isinstance(x, TensorBase):
        raise TypeError(f"{name}: a tensor is needed; got {type(x).__name__}.")
    if x.array.ndim < 2:
        raise RuntimeError(
            f"{name}: a matrix, or a batch of matrices, is needed; got shape {x.shape}."
        )
    return floating_only(x, name)


def floating_only(x: TensorBase, name: str) -> Tensor:
    if x.dtype.kind != "f" or x.dtype.itemsize < 4:
        raise RuntimeError(
            f"{name}: float32 or float64 is needed; got {x.dtype}. Convert it: `x.float()`."
        )
    return x  # type: ignore[return-value]


def square_matrices(x: Any, name: str) -> Tensor:
    """Check that `x` holds square matrices of a floating type."""
    x = floating_matrices(x, name)
    if x.shape[-1] != x.shape[-2]:
        raise RuntimeError(
            f"{name}: A must be batches of square matrices, but they are {x.shape[-2]} by "
            f"{x.shape[-1]} matrices."
        )
    return x  # type: ignore[no-any-return]


def explain_failure(
    name: str, x: Array, works: Callable[[Array], Any], what: str, hint: str
) -> LinAlgError:
    """The error that names the first matrix of a batch for which a kernel fails."""
    place = ""
    if x.ndim > 2:
        for index in np.ndindex(x.shape[:-2]):
            try:
                works(x[index])
            except np.linalg.LinAlgError:
                place = f" (number {index[0] if len(index) == 1 else index} of the batch)"
                break
    return LinAlgError(f"{name}: the {x.shape[-2]}×{x.shape[-1]} matrix{place} {what}. {hint}")


_SINGULAR_HINT = (
    "For the solution of least squares: tg.linalg.lstsq, tg.linalg.pinv; to make a covariance "
    "regular, add a small multiple of the identity."
)


# Solving and inverting.


class Solve(Operation):
    """x = a⁻¹ b        grad_b = a⁻ᵀ grad        grad_a = -grad_b xᵀ"""

    __slots__ = ()

    def forward(self, a: Array, b: Array) -> Array:
        try:
            return np.linalg.solve(a, b)
        except np.linalg.LinAlgError:
            raise explain_failure(
                "linalg.solve", a, np.linalg.inv, "is singular", _SINGULAR_HINT
            ) from None

    def backward(self, grad: Value, a: Value, out: Value) -> tuple[Value, Value]:
        grad_b = run(Solve(), a.mT, grad)
        return (-(grad_b @ out.mT) if self.needs(0) else None), grad_b


class Inverse(Operation):
    """z = x⁻¹        grad_x = -zᵀ grad zᵀ"""

    __slots__ = ()

    def forward(self, x: Array) -> Array:
        try:
            return np.linalg.inv(x)
        except np.linalg.LinAlgError:
            raise explain_failure(
                "linalg.inv", x, np.linalg.inv, "is singular, so it has no inverse", _SINGULAR_HINT
            ) from None

    def grad_x(self, grad: Value, out: Value) -> Value:
        return -(out.mT @ grad @ out.mT)


def inverse(input: Tensor) -> Tensor:
    """The inverse of each matrix. PyTorch: `torch.inverse`, `torch.linalg.inv`.

    Raises LinAlgError (a RuntimeError) for a singular matrix, RuntimeError for anything but square
    matrices of a floating type.

    >>> tg.inverse(tg.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return apply(Inverse(), square_matrices(input, "linalg.inv"))


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """The solution X of A X = B, or of X A = B with left=False. PyTorch: `torch.linalg.solve`.

    A is (*, n, n), B (*, n, k), or (*, n): one right-hand side for each matrix. Batches are
    broadcast. Raises LinAlgError for a singular A, RuntimeError if shapes or types do not fit.

    >>> A = tg.tensor([[2.0, 0.0], [1.0, 1.0]])
    >>> tg.linalg.solve(A, tg.tensor([2.0, 3.0]))
    tensor([1., 2.])
    """
    A = square_matrices(A, "linalg.solve")
    B = floating_only(B, "linalg.solve")
    same_types((A, B), "linalg.solve")
    vector = B.array.ndim == 1 or (A.array.ndim - 1 == B.array.ndim and B.shape == A.shape[:-1])
    if vector:
        if not left:
            raise RuntimeError(
                "linalg.solve: left=False needs a matrix B; with a vector, write the transposed "
                "system: `tg.linalg.solve(A.mT, b)`."
            )
        B = shape.unsqueeze(B, -1)
    X = _solve(Solve(), A, B, left, "linalg.solve")
    return shape.squeeze(X, -1) if vector else X


def _solve(operation: Solve, A: Tensor, B: Tensor, left: bool, name: str) -> Tensor:
    side = -2 if left else -1
    if B.array.ndim < 2 or B.shape[side] != A.shape[-1]:
        order = "A X = B" if left else "X A = B"
        raise RuntimeError(
            f"{name}: the shapes {A.shape} of A and {B.shape} of B do not fit in {order}: "
            f"dimension {side} of B must be {A.shape[-1]}."
        )
    if left:
        return apply(operation, A, B)
    return shape.transpose(apply(operation, A.mT, B.mT), -2, -1)


class SolveTriangular(Solve):
    """x = a⁻¹ b for a triangular a; where 0 is on its diagonal, infinite or NaN, no error

    grad_b = a⁻ᵀ grad        grad_a = -grad_b xᵀ
    """

    __slots__ = ("upper",)

    def __init__(self, upper: bool) -> None:
        self.upper = upper

    def forward(self, a: Array, b: Array) -> Array:
        if np.diagonal(a, axis1=-2, axis2=-1).all():
            return super().forward(a, b)
        return np.asarray(_substituted(a, b, self.upper))

    def backward(self, grad: Value, a: Value, out: Value) -> tuple[Value, Value]:
        grad_b = run(SolveTriangular(not self.upper), a.mT, grad)
        return (-(grad_b @ out.mT) if self.needs(0) else None), grad_b


@quiet
def _substituted(a: Array, b: Array, upper: bool) -> Array:
    """Row by row, so that a zero on the diagonal spoils only what depends on it."""
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    out = np.array(np.broadcast_to(b, lead + b.shape[-2:]))
    rows = range(a.shape[-1])
    for row in reversed(rows) if upper else rows:
        done = slice(row + 1, None) if upper else slice(row)
        known = a[..., row : row + 1, done] @ out[..., done, :]
        out[..., row, :] = (out[..., row, :] - known[..., 0, :]) / a[..., row, row, None]
    return out


def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """The solution X of A X = B (or X A = B) for a triangular A, of which one half is used.

    `unitriangular=True` takes the diagonal for ones. A zero on the diagonal gives infinite and
    undefined numbers, and gradients, no error. Raises RuntimeError if shapes or types do not fit.
    PyTorch: `torch.linalg.solve_triangular`.

    >>> A = tg.tensor([[2.0, 0.0], [1.0, 1.0]])
    >>> tg.linalg.solve_triangular(A, tg.tensor([[2.0], [3.0]]), upper=False)
    tensor([[1.],
            [2.]])
    """
    A = square_matrices(A, "linalg.solve_triangular")
    B = floating_matrices(B, "linalg.solve_triangular")
    same_types((A, B), "linalg.solve_triangular")
    if unitriangular:
        half = triu(A, 1) if upper else tril(A, -1)
        A = elementwise.add(half, wrap(np.eye(A.shape[-1], dtype=A.dtype)))
    else:
        A = triu(A) if upper else tril(A)
    # X A = B is solved as Aᵀ Xᵀ = Bᵀ, with the other half.
    return _solve(SolveTriangular(upper == left), A, B, left, "linalg.solve_triangular")


def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """The solution X of A X = B, where A = L Lᵀ is given by its Cholesky factor (or A = LᵀL).

    PyTorch: `torch.cholesky_solve`.

    Unlike PyTorch, the half of L that is not read has the gradient 0.

    >>> L = tg.tensor([[2.0, 0.0], [0.0, 3.0]])
    >>> tg.cholesky_solve(tg.tensor([[4.0], [9.0]]), L)
    tensor([[1.],
            [1.]])
    """
    first, second = (L.mT, L) if upper else (L, L.mT)
    half = solve_triangular(first, B, upper=False)
    return solve_triangular(second, half, upper=True)


def cholesky_inverse(L: Tensor, upper: bool = False) -> Tensor:
    """The inverse of A = L Lᵀ (or LᵀL), given by its Cholesky factor.

    PyTorch: `torch.cholesky_inverse`.

    Unlike PyTorch, the half of the triangle that is not read has the gradient 0.

    >>> tg.cholesky_inverse(tg.tensor([[2.0, 0.0], [0.0, 1.0]]))
    tensor([[0.2500, 0.0000],
            [0.0000, 1.0000]])
    """
    L = square_matrices(L, "cholesky_inverse")
    return cholesky_solve(wrap(np.eye(L.shape[-1], dtype=L.dtype)), L, upper)


def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """The inverse of A as a map from its last dimensions to its first `ind` ones.

    Raises RuntimeError for `ind` < 1, and unless both groups have equally many elements.
    PyTorch: `torch.linalg.tensorinv`.

    >>> tg.linalg.tensorinv(tg.eye(6).reshape(2, 3, 6), ind=2).shape
    (6, 2, 3)
    """
    check_tensor("tensorinv", A)
    if ind <= 0:
        raise RuntimeError(f"linalg.tensorinv: ind must be positive; got {ind}.")
    first, last = A.shape[:ind], A.shape[ind:]
    if math.prod(first) != math.prod(last):
        raise RuntimeError(
            f"linalg.tensorinv: the first {ind} dimensions {first} and the others {last} must have "
            "equally many elements."
        )
    matrix = shape.reshape(A, (math.prod(first), math.prod(last)))
    return shape.reshape(inverse(matrix), (*last, *first))


def tensorsolve(A: Tensor, B: Tensor, dims: Sequence[int] | None = None) -> Tensor:
    """The X with tensordot(A, X, X.ndim) = B. PyTorch: `torch.linalg.tensorsolve`.

    `dims` are dimensions of A that are first moved to its end. Raises RuntimeError if the shapes do
    not fit.

    >>> A = 2 * tg.eye(6).reshape(2, 3, 6)
    >>> tg.linalg.tensorsolve(A, tg.ones(2, 3))
    tensor([0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000])
    """
    check_tensor("tensorsolve", A)
    if dims is not None:
        A = shape.movedim(A, list(dims), list(range(A.array.ndim - len(dims), A.array.ndim)))
    last = A.shape[B.array.ndim :]
    size = math.prod(last)
    if size != B.array.size or A.array.size != size * size:
        raise RuntimeError(
            f"linalg.tensorsolve: A of shape {A.shape} does not map tensors of shape {last} onto "
            f"the shape {B.shape} of B."
        )
    matrix = shape.reshape(A, (size, size))
    return shape.reshape(solve(matrix, shape.reshape(B, (size,))), last)


# Determinants.


class Det(Operation):
    """z = |x|        grad_x = grad C, where C are the cofactors of x: z x⁻ᵀ if x is regular"""

    __slots__ = ()
    inputs = ("x",)
    forward = staticmethod(quiet(np.linalg.det))

    def grad_x(self, grad: Value, x: Value, out: Value) -> Value:
        return grad[..., None, None] * _cofactors(x, out)


def _cofactors(x: Value, out: Value) -> Value:
    """The derivative of each determinant, also of singular matrices."""
    array = constant(x)
    size = array.shape[-1]
    error = _condition(array) * np.finfo(array.dtype).eps if array.size else 0.0
    limit = 0.01 if isinstance(x, TensorBase) else np.sqrt(np.finfo(array.dtype).eps)
    if error < limit:
        return out[..., None, None] * run(Inverse(), x).mT
    if isinstance(x, TensorBase):
        # By definition, the determinants of all matrices that lack one row and one column: slow,
        # but it can be differentiated where there is no inverse.
        others = np.array([[i for i in range(size) if i != left] for left in range(size)], np.intp)
        others = others.reshape(size, size - 1)
        minors = x[..., others[:, None, :, None], others[None, :, None, :]]  # type: ignore[index]
        signs = (-1.0) ** np.add.outer(np.arange(size), np.arange(size))
        return apply(Det(), minors) * wrap(signs.astype(array.dtype))
    # x = u s v: the cofactors of s are the products of its other elements.
    u, s, v = np.linalg.svd(array)
    others = np.where(np.eye(size, dtype=bool), 1, s[..., None, :]).prod(-1)
    orientation = np.linalg.det(u) * np.linalg.det(v)
    return orientation[..., None, None] * ((u * others[..., None, :]) @ v)


def _condition(array: Array) -> float:
    """The largest condition number (1-norm) in a batch of matrices; infinite for singular ones."""
    try:
        inverses = np.linalg.inv(array)
    except np.linalg.LinAlgError:
        return math.inf
    norms = np.abs(array).sum(-2).max(-1) * np.abs(inverses).sum(-2).max(-1)
    largest = float(norms.max())
    return math.inf if math.isnan(largest) else largest


class LogAbsDet(Operation):
    """z = ln | |x| |        grad_x = grad x⁻ᵀ"""

    __slots__ = ()

    @quiet
    def forward(self, x: Array) -> Array:
        return np.linalg.slogdet(x)[1]  # type: ignore[no-any-return]

    def grad_x(self, grad: Value, x: Value) -> Value:
        return grad[..., None, None] * run(Inverse(), x).mT


class SignLogDet(NamedTuple):
    """What `slogdet` returns."""

    sign: Tensor
    logabsdet: Tensor


def det(input: Tensor) -> Tensor:
    """The determinant of each matrix. PyTorch: `torch.det`, `torch.linalg.det`.

    The gradient is right for singular matrices, too. Raises RuntimeError for anything but square
    matrices of a floating type.

    >>> tg.det(tg.tensor([[2.0, 1.0], [0.0, 3.0]]))
    tensor(6.)
    """
    return apply(Det(), square_matrices(input, "linalg.det"))


def slogdet(input: Tensor) -> SignLogDet:
    """Sign and logarithm of the absolute value of each determinant: no overflow for large matrices.

    Of a singular matrix 0 and -inf, and backward raises LinAlgError. PyTorch: `torch.slogdet`.

    >>> tg.slogdet(tg.tensor([[2.0, 0.0], [0.0, -0.5]]))
    SignLogDet(sign=tensor(-1.), logabsdet=tensor(0.))
    """
    input = square_matrices(input, "linalg.slogdet")
    sign = without_gradient("the sign of slogdet", np.linalg.slogdet(input.array)[0], input)
    return SignLogDet(sign, apply(LogAbsDet(), input))


def logdet(input: Tensor) -> Tensor:
    """ln |x|; NaN for a negative determinant, -inf for 0. PyTorch: `torch.logdet`.

    >>> tg.logdet(tg.tensor([[2.0, 0.0], [0.0, 0.5]]))
    tensor(0.)
    """
    sign, logabs = slogdet(square_matrices(input, "logdet"))
    if np.any(sign.array < 0):
        return elementwise.where(sign < 0, math.nan, logabs)  # type: ignore[no-any-return]
    return logabs


# Powers, products, the exponential.


def matrix_power(input: Tensor, n: int) -> Tensor:
    """x x ... x, n times; n < 0: the inverse, |n| times; n = 0: the identity.

    By squaring: about 2 log n products. Raises RuntimeError unless the matrices are square,
    LinAlgError for n < 0 if one is singular. PyTorch: `torch.matrix_power`.

    >>> tg.matrix_power(tg.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
    tensor([[1., 5.],
            [0., 1.]])
    """
    check_tensor("matrix_power", input)
    if input.array.ndim < 2 or input.shape[-1] != input.shape[-2]:
        raise RuntimeError(
            f"linalg.matrix_power: square matrices are needed; got shape {input.shape}."
        )
    if n == 0:
        unit = wrap(np.eye(input.shape[-1], dtype=input.dtype))
        return shape.clone(shape.expand(unit, input.shape))
    if n < 0:
        return matrix_power(inverse(input), -n)
    result: Any = None
    square = input
    while n:
        if n & 1:
            result = square if result is None else linalg.matmul(result, square)
        n >>= 1
        if n:
            square = linalg.matmul(square, square)
    return shape.clone(input) if result is input else result


def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of several matrices, in the order of least work; the outer two may be vectors.

    Raises RuntimeError for fewer than two tensors and for shapes that do not fit.
    PyTorch: `torch.linalg.multi_dot`.

    >>> tg.linalg.multi_dot([tg.ones(2, 9), tg.ones(9, 1), tg.ones(1, 3)])
    tensor([[9., 9., 9.],
            [9., 9., 9.]])
    """
    parts = list(tensors)
    if len(parts) < 2:
        raise RuntimeError(f"linalg.multi_dot: at least two tensors are needed; got {len(parts)}.")
    for place, x in enumerate(parts):
        allowed = (1, 2) if place in (0, len(parts) - 1) else (2,)
        if x.array.ndim not in allowed:
            raise RuntimeError(
                f"linalg.multi_dot: tensor {place} has {x.array.ndim} dimensions; matrices are "
                "needed, and only the first and the last may be vectors."
            )
    first, last = parts[0].array.ndim == 1, parts[-1].array.ndim == 1
    if first:
        parts[0] = shape.unsqueeze(parts[0], 0)
    if last:
        parts[-1] = shape.unsqueeze(parts[-1], 1)
    same_types(parts, "linalg.multi_dot")
    for place in range(len(parts) - 1):
        if parts[place].shape[1] != parts[place + 1].shape[0]:
            raise RuntimeError(
                f"linalg.multi_dot: tensors {place} and {place + 1} with shapes "
                f"{parts[place].shape} and {parts[place + 1].shape} cannot be multiplied."
            )
    split = _best_order([x.shape[0] for x in parts] + [parts[-1].shape[1]])
    result = _in_order(parts, split, 0, len(parts) - 1)
    if first:
        result = shape.squeeze(result, 0)
    return shape.squeeze(result, -1) if last else result


def _best_order(sizes: list[int]) -> Any:
    """Where to split each range of factors: Cormen et al., "Matrix-chain multiplication"."""
    count = len(sizes) - 1
    cost: dict[tuple[int, int], int] = {(i, i): 0 for i in range(count)}
    split: dict[tuple[int, int], int] = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            cost[i, j], split[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )
    return split


def _in_order(parts: list[Tensor], split: Any, first: int, last: int) -> Tensor:
    """The product of the factors number `first` to `last`."""
    if first == last:
        return parts[first]
    at = split[first, last]
    left, right = _in_order(parts, split, first, at), _in_order(parts, split, at + 1, last)
    return linalg.mm(left, right)


class MatrixExp(Operation):
    """z = I + x + x²/2! + ...        grad_x = the corner of exp [[xᵀ, grad], [0, xᵀ]]

    Najfeld and Havel, "Derivatives of the matrix exponential and their computation" (1995).
    """

    __slots__ = ()

    def forward(self, x: Array) -> Any:
        return _exponential(x.astype(np.float64)).astype(x.dtype)

    def grad_x(self, grad: Value, x: Value) -> Value:
        size = x.shape[-1]
        top = np.concatenate([x.mT, grad], -1)
        bottom = np.concatenate([x.mT * 0, x.mT], -1)
        return run(MatrixExp(), np.concatenate([top, bottom], -2))[..., :size, size:]


# Numerators of the diagonal Padé approximant of degree 13, and the norm up to which it is exact in
# float64: Higham, "The scaling and squaring method for the matrix exponential revisited" (2005).
_PADE = [
    math.factorial(26 - k) * math.factorial(13) // (math.factorial(k) * math.factorial(13 - k))
    for k in range(14)
]
_PADE_LIMIT = 5.371920351148152


@quiet
def _exponential(x: Array) -> Array:
    """Scaled to a small norm, approximated by a rational function, and squared back."""
    if x.size == 0:
        return x
    norms = np.abs(x).sum(-2).max(-1)
    steps = np.ceil(np.log2(np.maximum(norms / _PADE_LIMIT, 1)))
    steps = np.where(np.isfinite(steps), steps, 0)[..., None, None]
    x = x / 2**steps
    # Relative to the last one, to keep the numbers small.
    b = [coefficient / _PADE[0] for coefficient in _PADE]
    unit = np.eye(x.shape[-1])
    powers = [unit, x2 := x @ x, x4 := x2 @ x2, x4 @ x2]
    high_odd = sum(b[7 + 2 * k] * powers[k] for k in range(1, 4))
    low_odd = sum(b[1 + 2 * k] * powers[k] for k in range(4))
    high_even = sum(b[6 + 2 * k] * powers[k] for k in range(1, 4))
    low_even = sum(b[2 * k] * powers[k] for k in range(4))
    odd = x @ (powers[3] @ high_odd + low_odd)
    even = powers[3] @ high_even + low_even
    if not (np.isfinite(odd).all() and np.isfinite(even).all()):
        return np.full_like(x, np.nan)
    result = np.linalg.solve(even - odd, even + odd)
    for step in range(int(steps.max())):
        result = np.where(step < steps, result @ result, result)
    return result


def matrix_exp(input: Tensor) -> Tensor:
    """The exponential of each matrix, I + x + x²/2! + x³/3! + ... PyTorch: `torch.matrix_exp`.

    Raises RuntimeError for anything but square matrices of a floating type.

    >>> tg.matrix_exp(tg.tensor([[0.0, 1.0], [0.0, 0.0]]))
    tensor([[1., 1.],
            [0., 1.]])
    """
    return apply(MatrixExp(), square_matrices(input, "linalg.matrix_exp"))
