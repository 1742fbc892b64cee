"""Products of vectors and matrices.

Whatever the numbers of dimensions, a product is one of four: vector times vector, matrix times
vector, vector times matrix, matrix times matrix; all but the first also in batches.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply
from . import elementwise, reductions, shape
from .arguments import check_tensor
from .contraction import contract, dense, same_types
from .diagonals import diagonal
from .dtypes import as_tensor_operand, operands
from .writing_back import written_back

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "addbmm",
    "addbmm_",
    "addmm",
    "addmm_",
    "addmv",
    "addmv_",
    "addr",
    "addr_",
    "baddbmm",
    "baddbmm_",
    "bmm",
    "dot",
    "ger",
    "inner",
    "kron",
    "matmul",
    "mm",
    "mv",
    "outer",
    "trace",
    "vdot",
]

Number = float | int


class Dot(Operation):
    """z = Σ x_i y_i        grad_x = grad y        grad_y = grad x"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(np.dot)

    def grad_x(self, grad: Value, y: Value) -> Value:
        return grad * y

    def grad_y(self, grad: Value, x: Value) -> Value:
        return grad * x


class MatVec(Operation):
    """z_i = Σ_j x_ij y_j        grad_x = grad yᵀ        grad_y = xᵀ grad"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(np.matmul)

    def grad_x(self, grad: Value, y: Value) -> Value:
        return grad[..., None] * y

    def grad_y(self, grad: Value, x: Value) -> Value:
        return grad.reshape(math.prod(grad.shape)) @ _rows(x)


class VecMat(Operation):
    """z_j = Σ_i x_i y_ij        grad_x = y grad        grad_y = x gradᵀ"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(np.matmul)

    def grad_x(self, grad: Value, y: Value) -> Value:
        return (y @ grad[..., None])[..., 0]

    def grad_y(self, grad: Value, x: Value) -> Value:
        return x[:, None] * grad[..., None, :]


class MatMul(Operation):
    """z = x y        grad_x = grad yᵀ        grad_y = xᵀ grad

    y is one matrix; x may be a batch of them, and its rows are then multiplied all at once: one
    large product, which also sums the gradient of y over the batch.
    """

    __slots__ = ()

    def forward(self, x: Array, y: Array) -> Array:
        if x.ndim == 2:
            product: Array = np.dot(x, y)
            return product
        out = np.empty((*x.shape[:-1], y.shape[1]), x.dtype)
        np.dot(_rows(x), y, out=_rows(out))
        return out

    def grad_x(self, grad: Value, y: Value) -> Value:
        if grad.ndim == 2:
            return _product(grad, y.T)
        return _product(_rows(grad), y.T).reshape((*grad.shape[:-1], y.shape[0]))

    def grad_y(self, grad: Value, x: Value) -> Value:
        if grad.ndim == 2:
            return _product(x.T, grad)
        return _product(_rows(x).T, _rows(grad))


class BatchMatMul(Operation):
    """z_b = x_b y_b for all b        grad_x_b = grad_b y_bᵀ        grad_y_b = x_bᵀ grad_b"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(np.matmul)

    def grad_x(self, grad: Value, y: Value) -> Value:
        return _dense(grad) @ y.mT

    def grad_y(self, grad: Value, x: Value) -> Value:
        return x.mT @ _dense(grad)


class Outer(Operation):
    """z_ij = x_i y_j        grad_x = grad y        grad_y = x grad"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(np.multiply.outer)

    def grad_x(self, grad: Value, y: Value) -> Value:
        return grad @ y

    def grad_y(self, grad: Value, x: Value) -> Value:
        return x @ grad


def _product(x: Value, y: Value) -> Value:
    """x y of two matrices in a rule."""
    # For two matrices np.dot is `@` with 0.5 µs less overhead, and it copies broadcast views, which
    # `@` before NumPy 2.3 multiplies 100 times slower.
    return x @ y if isinstance(x, TensorBase) else np.dot(x, y)


def _rows(x: Value) -> Value:
    """All rows of a batch of matrices as one matrix."""
    return x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))


def _dense(x: Value) -> Value:
    return x if isinstance(x, TensorBase) else dense(x)


def _pair(input: Any, other: Any, name: str) -> tuple[Tensor, Tensor]:
    """Two tensors of one type."""
    if not isinstance(input, TensorBase) or not isinstance(other, TensorBase):
        input, other = as_tensor_operand(input, name), as_tensor_operand(other, name)
        for x in (input, other):
            if not isinstance(x, TensorBase):
                raise TypeError(
                    f"{name}: both operands are tensors; got the number {x}. Write `x * {x}`."
                )
    dtype = input.array.dtype
    if dtype is not other.array.dtype or dtype.kind == "b":
        same_types((input, other), name)
    return input, other


def _by(*shapes: tuple[int, ...]) -> str:
    """Shapes as in "2x3 and 3x4"."""
    return " and ".join("x".join(map(str, shape)) for shape in shapes)


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """x y, the product of matrices, vectors, or batches of matrices. PyTorch: `torch.matmul`.

    (N, K) @ (K, M) is (N, M); (K,) @ (K,) is one number; (N, K) @ (K,) is (N,); (K,) @ (K, M) is
    (M,). Further dimensions in front are batches, and are broadcast. Both types must be the same.
    Raises RuntimeError if the shapes do not fit, if one has no dimensions, or if the types differ.

    >>> x = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x @ tg.tensor([1.0, 10.0])
    tensor([21., 43.])
    >>> (tg.ones(5, 2, 3) @ tg.ones(3, 4)).shape
    (5, 2, 4)
    """
    x, y = _pair(input, other, "matmul")
    left, right = x.array.shape, y.array.shape
    if not left or not right:
        raise RuntimeError(
            f"matmul: both arguments need to be at least 1D, but they are {len(left)}D and "
            f"{len(right)}D. To scale by a number, write `x * y`."
        )
    rows = right[-2] if len(right) > 1 else right[0]
    if left[-1] != rows:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({_by(left, right)}): a row of the first "
            f"has {left[-1]} elements, a column of the second {rows}."
        )
    if len(right) == 1:
        return apply(Dot() if len(left) == 1 else MatVec(), x, y)
    if len(left) == 1:
        return apply(VecMat(), x, y)
    if len(right) == 2:
        return apply(MatMul(), x, y)
    for a, b in zip(left[-3::-1], right[-3::-1], strict=False):
        if a != b and 1 not in (a, b):
            raise RuntimeError(
                f"matmul: batches of {_by(left, right)} matrices cannot be broadcast: {a} and {b} "
                "are neither equal nor 1."
            )
    return apply(BatchMatMul(), x, y)


def rmatmul(input: Tensor, other: Tensor) -> Tensor:
    """other @ input: the operator `@` with this tensor on its right.

    >>> np.ones((1, 2), dtype=np.float32) @ tg.tensor([[1.0], [2.0]])
    tensor([[3.]])
    """
    return matmul(other, input)


def _product_of(input: Any, other: Any, ndims: tuple[int, int], name: str) -> Tensor:
    """`matmul` for given numbers of dimensions only."""
    x, y = _pair(input, other, name)
    if (x.array.ndim, y.array.ndim) != ndims:
        raise RuntimeError(
            f"{name}: {ndims[0]}D and {ndims[1]}D tensors expected, but got {x.array.ndim}D and "
            f"{y.array.ndim}D, of shapes {x.shape} and {y.shape}. `x @ y` takes them all."
        )
    return matmul(x, y)


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices: (N, K) and (K, M) to (N, M). PyTorch: `torch.mm`.

    Raises RuntimeError for other numbers of dimensions, and as `matmul`.

    >>> tg.mm(tg.tensor([[1.0, 2.0]]), tg.tensor([[3.0], [4.0]]))
    tensor([[11.]])
    """
    return _product_of(input, mat2, (2, 2), "mm")


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two batches: (B, N, K) and (B, K, M) to (B, N, M). PyTorch: `torch.bmm`.

    Raises RuntimeError for other numbers of dimensions, for batches of different sizes, and as
    `matmul`.

    >>> tg.bmm(tg.ones(4, 2, 3), tg.ones(4, 3, 5)).shape
    (4, 2, 5)
    """
    check_tensor("bmm", input)
    if input.shape[:1] != mat2.shape[:1] and input.array.ndim == mat2.array.ndim == 3:
        raise RuntimeError(
            f"bmm: batches of the same size expected, but got {input.shape[0]} and {mat2.shape[0]} "
            "matrices. `x @ y` broadcasts a batch of size 1."
        )
    return _product_of(input, mat2, (3, 3), "bmm")


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix and a vector: (N, K) and (K,) to (N,). PyTorch: `torch.mv`.

    Raises RuntimeError for other numbers of dimensions, and as `matmul`.

    >>> tg.mv(tg.tensor([[1.0, 2.0]]), tg.tensor([3.0, 4.0]))
    tensor([11.])
    """
    return _product_of(input, vec, (2, 1), "mv")


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Σ x_i y_i of two vectors. PyTorch: `torch.dot`.

    Raises RuntimeError for other numbers of dimensions, and as `matmul`.

    >>> tg.dot(tg.tensor([1.0, 2.0]), tg.tensor([3.0, 4.0]))
    tensor(11.)
    """
    return _product_of(input, tensor, (1, 1), "dot")


def vdot(input: Tensor, other: Tensor) -> Tensor:
    """Σ x_i y_i of two vectors; the same as `dot`, for real numbers. PyTorch: `torch.vdot`.

    >>> tg.vdot(tg.tensor([1.0, 2.0]), tg.tensor([3.0, 4.0]))
    tensor(11.)
    """
    return _product_of(input, other, (1, 1), "vdot")


def inner(input: Tensor, other: Tensor) -> Tensor:
    """Σ x y along the last dimension of both, for all others; x y if one has none.

    (..., K) and (___, K) to (..., ___). Raises RuntimeError if the last sizes or the types differ.
    PyTorch: `torch.inner`.

    >>> tg.inner(tg.ones(2, 3), tg.ones(4, 3))
    tensor([[3., 3., 3., 3.],
            [3., 3., 3., 3.]])
    """
    x, y = _pair(input, other, "inner")
    left, right = x.array.ndim, y.array.ndim
    if not left or not right:
        return elementwise.mul(x, y)
    if x.shape[-1] != y.shape[-1]:
        raise RuntimeError(
            "inner(): the last dimension must match on both input tensors but got shapes "
            f"{x.shape} and {y.shape}."
        )
    labels = (*range(left, left + right - 1), left - 1)
    return contract([tuple(range(left)), labels], (x, y), (*range(left - 1), *labels[:-1]))


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """z_ij = x_i y_j: (N,) and (M,) to (N, M). PyTorch: `torch.outer`.

    The type is `tg.result_type(input, vec2)`. Raises RuntimeError unless both are vectors.

    >>> tg.outer(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 10.0]))
    tensor([[ 1., 10.],
            [ 2., 20.]])
    """
    check_tensor("outer", input)
    for place, x in (("first", input), ("second", vec2)):
        if x.array.ndim != 1:
            raise RuntimeError(
                f"outer: two 1-D tensors expected, but the {place} one is {x.array.ndim}-D, of "
                f"shape {x.shape}. `x.flatten()` makes a vector of it."
            )
    return apply(Outer(), *operands(input, vec2, "outer"))


ger = outer  # the older name


def kron(input: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product: every element of x times all of y. PyTorch: `torch.kron`.

    (a, b) and (c, d) to (ac, bd); the shape with fewer dimensions is filled with 1 in front.

    >>> tg.kron(tg.tensor([[1.0, 10.0]]), tg.tensor([[1.0, 2.0]]))
    tensor([[ 1.,  2., 10., 20.]])
    """
    check_tensor("kron", input)
    ndim = max(input.array.ndim, other.array.ndim)
    left, right = ((1,) * (ndim - x.array.ndim) + x.shape for x in (input, other))
    x = shape.reshape(input, tuple(size for n in left for size in (n, 1)))
    y = shape.reshape(other, tuple(size for n in right for size in (1, n)))
    sizes = tuple(a * b for a, b in zip(left, right, strict=True))
    return shape.reshape(elementwise.mul(x, y), sizes)


def trace(input: Tensor) -> Tensor:
    """Σ x_ii, the sum of the diagonal of a matrix. PyTorch: `torch.trace`.

    Raises RuntimeError unless there are two dimensions.

    >>> tg.trace(tg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    check_tensor("trace", input)
    if input.array.ndim != 2:
        raise RuntimeError(
            f"trace: expected a matrix, but got a tensor of shape {input.shape}. For a batch of "
            "matrices: `x.diagonal(0, -2, -1).sum(-1)`."
        )
    return reductions.sum(diagonal(input))


# Products with a sum.


def _plus(input: Tensor, product: Tensor, beta: Number, alpha: Number, name: str) -> Tensor:
    """beta input + alpha product"""
    same_types((input, product), name)
    lead = product.array.ndim - input.array.ndim
    fits = lead >= 0 and np.all(
        [size in (1, whole) for size, whole in zip(input.shape, product.shape[lead:], strict=True)]
    )
    if not fits:
        raise RuntimeError(
            f"{name}: the input of shape {input.shape} cannot be expanded to the product's shape "
            f"{product.shape}."
        )
    if product.array.dtype.kind != "f":
        beta, alpha = int(beta), int(alpha)
    product = product if alpha == 1 else elementwise.mul(product, alpha)
    if beta == 0:
        return product  # NaN and infinity in the input do not matter then.
    return elementwise.add(input if beta == 1 else elementwise.mul(input, beta), product)


def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """beta x + alpha (A B), for matrices A, B and an x that expands to A B. PyTorch: `torch.addmm`.

    With beta=0 the input is not used. Raises RuntimeError if shapes do not fit or types differ.

    >>> tg.addmm(tg.tensor([1.0, 2.0]), tg.ones(1, 3), tg.ones(3, 2), beta=10)
    tensor([[13., 23.]])
    """
    return _plus(input, mm(mat1, mat2), beta, alpha, "addmm")


def addmv(
    input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """beta x + alpha (A v), for a matrix A, a vector v and an x that expands to A v.

    With beta=0 the input is not used. Raises RuntimeError if shapes do not fit or types differ.
    PyTorch: `torch.addmv`.

    >>> tg.addmv(tg.tensor([1.0]), tg.ones(1, 3), tg.ones(3))
    tensor([4.])
    """
    return _plus(input, mv(mat, vec), beta, alpha, "addmv")


def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """beta x + alpha (A_b B_b), for batches A, B and an x that expands to their products.

    With beta=0 the input is not used. Raises RuntimeError if shapes do not fit or types differ.
    PyTorch: `torch.baddbmm`.

    >>> tg.baddbmm(tg.zeros(1), tg.ones(4, 2, 3), tg.ones(4, 3, 5)).shape
    (4, 2, 5)
    """
    check_tensor("baddbmm", input)
    return _plus(input, bmm(batch1, batch2), beta, alpha, "baddbmm")


def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """beta x + alpha Σ_b A_b B_b: the products of two batches, summed. PyTorch: `torch.addbmm`.

    With beta=0 the input is not used. Raises RuntimeError if shapes do not fit or types differ.

    >>> tg.addbmm(tg.zeros(1), tg.ones(4, 1, 3), tg.ones(4, 3, 2))
    tensor([[12., 12.]])
    """
    check_tensor("addbmm", input)
    return _plus(input, reductions.sum(bmm(batch1, batch2), 0), beta, alpha, "addbmm")


def addr(
    input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """beta x + alpha (v wᵀ), for two vectors and an x that expands to v wᵀ. PyTorch: `torch.addr`.

    With beta=0 the input is not used. Raises RuntimeError if shapes do not fit or types differ.

    >>> tg.addr(tg.zeros(2, 2), tg.tensor([1.0, 2.0]), tg.tensor([1.0, 10.0]))
    tensor([[ 1., 10.],
            [ 2., 20.]])
    """
    check_tensor("addr", input)
    return _plus(input, outer(vec1, vec2), beta, alpha, "addr")


addmm_ = written_back(
    addmm, "addmm_", ("tg.ones(1, 1).addmm_(tg.ones(1, 3), tg.ones(3, 1))", "tensor([[4.]])")
)
addmv_ = written_back(
    addmv, "addmv_", ("tg.ones(1).addmv_(tg.ones(1, 3), tg.ones(3))", "tensor([4.])")
)
addr_ = written_back(
    addr, "addr_", ("tg.ones(1, 1).addr_(tg.ones(1), tg.ones(1))", "tensor([[2.]])")
)
addbmm_ = written_back(
    addbmm,
    "addbmm_",
    ("tg.ones(1, 1).addbmm_(tg.ones(2, 1, 3), tg.ones(2, 3, 1))", "tensor([[7.]])"),
)
baddbmm_ = written_back(
    baddbmm,
    "baddbmm_",
    ("tg.ones(1, 1, 1).baddbmm_(tg.ones(1, 1, 3), tg.ones(1, 3, 1))", "tensor([[[4.]]])"),
)
