"""Products of vectors and matrices, and sums over products that an equation describes."""

import functools
import re

import numpy as np
import pytest
from cases import Case, property_test, tuples
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.autograd.graph import Operation
from tinygrad_edu.testing import check_op
from tinygrad_edu.testing.strategies import arrays

# Against NumPy and differences.

sides = st.integers(1, 3)


@st.composite
def factors(draw, first=(1, 4), second=(1, 4)):
    """Two arrays whose matrix product exists; batches that broadcast."""
    left, right = draw(st.integers(*first)), draw(st.integers(*second))
    rows, inner, columns = draw(sides), draw(sides), draw(sides)
    batch = [draw(sides), draw(sides)]

    def batches(ndim):
        return tuple(draw(st.sampled_from([1, size])) for size in batch[4 - ndim :])

    x = (inner,) if left == 1 else (*batches(left), rows, inner)
    y = (inner,) if right == 1 else (*batches(right), inner, columns)
    return draw(arrays(x)), draw(arrays(y))


def fixed(*shapes):
    return tuples(*(arrays(shape) for shape in shapes))


def exactly(left, right):
    return factors((left, left), (right, right))


def numpy_trace(x):
    return np.sum(np.diagonal(x))


def numpy_plus(product):
    def reference(x, a, b, beta=1, alpha=1):
        return beta * x + alpha * product(a, b)

    return reference


scales = st.fixed_dictionaries(
    {}, optional={"beta": st.sampled_from([2, -0.5]), "alpha": st.sampled_from([3, 0.25])}
)

# Letters are always of these sizes.
SIZES = {"b": 2, "i": 2, "j": 3, "k": 4, "l": 2, "n": 1}
EQUATIONS = [
    "ij->ji",
    "ij->j",
    "ij->",
    "ii",
    "ii->i",
    "iji->j",
    "iii->i",
    "iiij->j",
    "ijii->ji",
    "ijk",
    "i,i->i",
    "i,i",
    "i,j",
    "ij,jk",
    "ij,jk->ki",
    "ij,kj->ik",
    "ji,jk->ik",
    "ij,ij->i",
    "ij,ij->",
    "bij,bjk->bik",
    "bij,jk->bik",
    "bij,bkj->bik",
    "bij,kij->bk",
    "ij,j->",
    "ij,kl->kj",
    "ii,ij->j",
    "ii,jj->ij",
    "ij,jk,kl->il",
    "i,ij,j->",
    "i,j,k->kji",
    "ij,ij,ij->ij",
    "ij,jk,ki,i->",
]


def einsum_case(equation):
    terms = equation.partition("->")[0].split(",")
    return Case(
        f"einsum {equation}",
        functools.partial(tg.einsum, equation),
        fixed(*(tuple(SIZES[letter] for letter in term) for term in terms)),
        reference=functools.partial(np.einsum, equation),
    )


CASES = [
    Case("matmul", tg.matmul, factors(), reference=np.matmul),
    Case("matmul batch by matrix", tg.matmul, exactly(3, 2), reference=np.matmul),
    Case("mm", tg.mm, exactly(2, 2), reference=np.matmul),
    Case("mv", tg.mv, exactly(2, 1), reference=np.matmul),
    Case("dot", tg.dot, exactly(1, 1), reference=np.dot),
    Case("vdot", tg.vdot, exactly(1, 1), reference=np.vdot),
    Case("bmm", tg.bmm, fixed((2, 2, 3), (2, 3, 1)), reference=np.matmul),
    Case("inner", tg.inner, fixed((2, 3), (4, 3)), reference=np.inner),
    Case("inner of numbers", tg.inner, fixed((), (2, 3)), reference=np.inner),
    Case("outer", tg.outer, fixed((3,), (2,)), reference=np.outer),
    Case("kron", tg.kron, fixed((2, 3), (2, 2)), reference=np.kron),
    Case("kron of different ranks", tg.kron, fixed((2,), (2, 1, 3)), reference=np.kron),
    Case("trace", tg.trace, fixed((3, 4)), reference=numpy_trace),
    Case(
        "addmm",
        tg.addmm,
        fixed((4,), (2, 3), (3, 4)),
        kwargs=scales,
        reference=numpy_plus(np.matmul),
    ),
    Case(
        "addmv",
        tg.addmv,
        fixed((1,), (2, 3), (3,)),
        kwargs=scales,
        reference=numpy_plus(np.matmul),
    ),
    Case(
        "baddbmm",
        tg.baddbmm,
        fixed((2, 1, 2), (2, 2, 3), (2, 3, 2)),
        kwargs=scales,
        reference=numpy_plus(np.matmul),
    ),
    Case(
        "tensordot",
        tg.tensordot,
        fixed((2, 3, 2), (3, 2, 4)),
        kwargs=st.fixed_dictionaries(
            {"dims": st.sampled_from([2, 0, ([1], [0]), ([2, 1], [1, 0]), ([-2], [-3])])}
        ),
        reference=lambda x, y, dims: np.tensordot(x, y, axes=dims),
    ),
    *map(einsum_case, EQUATIONS),
]
test_value_gradient_and_second_gradient = property_test(CASES)


@st.composite
def contractions(draw):
    """An equation with everything in it: repeated letters, ellipses, sizes of 1; and operands."""
    letters = "ijkl"
    covered = draw(st.lists(sides, max_size=2))
    terms, operands = [], []
    for _ in range(draw(st.integers(1, 3))):
        term = draw(st.lists(st.sampled_from(letters), max_size=3))
        # A size of 1 is broadcast. NumPy refuses it where the same letter is larger in one term.
        ones = draw(st.sets(st.sampled_from(letters), max_size=1))
        shape = [1 if letter in ones else SIZES[letter] for letter in term]
        text = "".join(term)
        if covered and draw(st.booleans()):
            place = draw(st.integers(0, len(term)))
            dims = covered[draw(st.integers(0, len(covered))) :]
            text = text[:place] + "..." + text[place:]
            shape = shape[:place] + dims + shape[place:]
        terms.append(text)
        operands.append(draw(arrays(tuple(shape))))
    equation = ",".join(terms)
    if draw(st.booleans()):
        present = sorted(set("".join(terms)) - {"."})
        out = draw(st.lists(st.sampled_from(present), unique=True)) if present else []
        # NumPy wants the ellipsis in the output, where PyTorch sums over it.
        equation += "->" + ("..." if "..." in equation else "") + "".join(out)
    return equation, operands


@given(contractions())
def test_any_contraction_equals_numpys(drawn):
    equation, operands = drawn
    check_op(
        functools.partial(tg.einsum, equation),
        *operands,
        reference=functools.partial(np.einsum, equation),
        layouts=False,
    )


# Matrix products.


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((2, 3), (4, 5)),
        ((2, 3), (4,)),
        ((3,), (4,)),
        ((3,), (4, 3)),
        ((2, 2, 3), (2, 4, 3)),
    ],
)
def test_shapes_that_do_not_fit_are_named(left, right):
    names = f"({'x'.join(map(str, left))} and {'x'.join(map(str, right))})"
    with pytest.raises(RuntimeError, match=re.escape(f"cannot be multiplied {names}")):
        tg.ones(left) @ tg.ones(right)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tg.ones(2, 2, 3) @ tg.ones(3, 3, 4), "2 and 3 are neither equal nor 1"),
        (lambda: tg.tensor(1.0) @ tg.ones(2, 2), "at least 1D, but they are 0D and 2D"),
        (lambda: tg.ones(2) @ tg.tensor(1.0), "at least 1D, but they are 1D and 0D"),
        (lambda: tg.ones(2, 2) @ tg.ones(2, 2, dtype=tg.float64), "same dtype, but got float32"),
        (lambda: tg.ones(2) @ tg.tensor([1, 2]), "same dtype, but got float32 and int64"),
        (lambda: tg.ones(2, dtype=tg.bool) @ tg.ones(2, dtype=tg.bool), "for booleans"),
        (lambda: tg.mm(tg.ones(2), tg.ones(2, 2)), "mm: 2D and 2D tensors expected"),
        (lambda: tg.mv(tg.ones(2, 2), tg.ones(2, 2)), "mv: 2D and 1D tensors expected"),
        (lambda: tg.dot(tg.ones(2, 2), tg.ones(2)), "dot: 1D and 1D tensors expected"),
        (lambda: tg.vdot(tg.ones(2, 1), tg.ones(2)), "vdot: 1D and 1D tensors expected"),
        (lambda: tg.bmm(tg.ones(2, 2), tg.ones(2, 2, 2)), "bmm: 3D and 3D tensors expected"),
        (lambda: tg.bmm(tg.ones(1, 2, 2), tg.ones(3, 2, 2)), "got 1 and 3 matrices"),
        (lambda: tg.inner(tg.ones(2, 3), tg.ones(4, 2)), "the last dimension must match"),
        (lambda: tg.outer(tg.ones(2, 3), tg.ones(4)), "the first one is 2-D"),
        (lambda: tg.ger(tg.ones(2), tg.tensor(1.0)), "the second one is 0-D"),
        (lambda: tg.trace(tg.ones(2)), "expected a matrix"),
        (lambda: tg.addmm(tg.ones(3), tg.ones(2, 3), tg.ones(3, 2)), "cannot be expanded"),
        (lambda: tg.addmv(tg.ones(2, 2), tg.ones(2, 3), tg.ones(3)), "cannot be expanded"),
        (
            lambda: tg.addmm(tg.ones(2, dtype=tg.float64), tg.ones(2, 3), tg.ones(3, 2)),
            "same dtype",
        ),
    ],
)
def test_products_refuse_what_they_cannot_do(call, message):
    with pytest.raises(RuntimeError, match=message):
        call()


def test_a_number_is_not_a_matrix():
    with pytest.raises(TypeError, match=r"got the number 3. Write `x \* 3`"):
        tg.ones(2, 2) @ 3


@pytest.mark.parametrize("shapes", [((0, 3), (3, 2)), ((2, 0), (0, 3)), ((2, 0, 3), (3, 2))])
def test_empty_matrices_have_products_and_gradients(shapes):
    x, y = (tg.ones(shape, requires_grad=True) for shape in shapes)
    result = x @ y
    result.sum().backward()
    assert result.shape == np.matmul(*map(np.ones, shapes)).shape
    assert not result.any()
    assert (x.grad.shape, y.grad.shape) == shapes


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 2, 3)])
def test_integers_are_multiplied_exactly(shape):
    x = tg.full(shape, 2**40)
    result = x @ tg.full((3, 2), 2**20)
    assert result.dtype == tg.int64
    assert (result == 3 * 2**60).all()


def test_arrays_stand_on_either_side():
    x = tg.tensor([[1.0, 2.0]], requires_grad=True)
    array = np.array([[3.0], [4.0]], dtype=np.float32)
    assert (x @ array).tolist() == [[11.0]]
    result = array @ x
    assert isinstance(result, tg.Tensor)
    result.sum().backward()
    assert x.grad.tolist() == [[7.0, 7.0]]


def test_an_array_may_change_after_its_product():
    x = tg.tensor([[1.0, 2.0]], requires_grad=True)
    array = np.array([[3.0], [4.0]], dtype=np.float32)
    result = x @ array
    array[:] = 0
    result.backward()
    assert x.grad.tolist() == [[3.0, 4.0]]


@pytest.mark.parametrize("shape", [(4, 3), (2, 4, 3)])
def test_products_and_their_gradients_are_contiguous_arrays_of_their_own(shape):
    x, y = tg.rand(shape, requires_grad=True), tg.rand(3, 5, requires_grad=True)
    result = x @ y
    result.backward(tg.rand(*shape[:-1], 5))
    for array in (result.array, x.grad.array, y.grad.array):
        assert array.flags.c_contiguous
        assert array.base is None


def test_only_the_gradient_that_is_needed_is_computed(monkeypatch):
    x, y = tg.rand(4, 3), tg.rand(3, 5, requires_grad=True)
    result = x @ y
    assert list(result.grad_fn.saved) == [0]
    rule, slots = type(result.grad_fn).rules[0]

    def refuse(*values: object) -> None:
        raise AssertionError(f"{rule.__name__} was called")

    monkeypatch.setitem(type(result.grad_fn).rules, 0, (refuse, slots))
    result.sum().backward()
    assert y.grad.shape == (3, 5)


def test_a_batch_of_rows_is_multiplied_as_one_matrix():
    x, y = tg.rand(4, 2, 3, requires_grad=True), tg.rand(3, 5, requires_grad=True)
    (x @ y).sum().backward()
    np.testing.assert_allclose(y.grad.numpy(), np.sum(x.array, (0, 1))[:, None].repeat(5, 1), 1e-6)
    np.testing.assert_allclose(x.grad[1, 1].numpy(), np.sum(y.array, 1), 1e-6)


@pytest.mark.parametrize(
    ("left", "right", "name"),
    [
        ((3,), (3,), "Dot"),
        ((2, 3), (3,), "MatVec"),
        ((3,), (3, 2), "VecMat"),
        ((2, 3), (3, 2), "MatMul"),
        ((4, 2, 3), (3, 2), "MatMul"),
        ((4, 2, 3), (4, 3, 2), "BatchMatMul"),
        ((2, 3), (4, 3, 2), "BatchMatMul"),
    ],
)
def test_a_product_is_one_operation(left, right, name):
    x = tg.ones(left, requires_grad=True)
    node = (x @ tg.ones(right)).grad_fn
    assert isinstance(node, Operation)
    assert node.name == name
    assert node.next_functions[0][0].name == "AccumulateGrad"


def test_beta_zero_leaves_the_input_out():
    x = tg.tensor([float("nan"), 1.0])
    assert tg.addmm(x, tg.ones(1, 2), tg.ones(2, 2), beta=0).tolist() == [[2.0, 2.0]]
    assert tg.addmv(x, tg.ones(2, 2), tg.ones(2), beta=0, alpha=3).tolist() == [6.0, 6.0]


def test_outer_has_the_common_type():
    assert tg.outer(tg.tensor([1.0]), tg.tensor([2])).dtype == tg.float32
    assert tg.outer(tg.ones(1), tg.ones(1, dtype=tg.float64)).dtype == tg.float64


def test_the_trace_of_integers_is_int64():
    result = tg.trace(tg.tensor([[1, 2], [3, 4]], dtype=tg.int32))
    assert result.dtype == tg.int64
    assert result.item() == 5


# einsum and tensordot.

X, Y = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize(
    "arguments",
    [
        ("ij,jk->ik", tg.tensor(X), tg.tensor(Y)),
        (" i j , jk -> i k ", tg.tensor(X), tg.tensor(Y)),
        ("Ab,bC->AC", tg.tensor(X), tg.tensor(Y)),
        ("ij,jk", [tg.tensor(X), tg.tensor(Y)]),
        ("...j,jk", tg.tensor(X), tg.tensor(Y)),
        (tg.tensor(X), [0, 1], tg.tensor(Y), [1, 27], [0, 27]),
        (tg.tensor(X), [..., 30], tg.tensor(Y), [30, 31]),
    ],
)
def test_spellings_of_a_matrix_product(arguments):
    np.testing.assert_allclose(tg.einsum(*arguments).numpy(), X @ Y)


def test_without_an_arrow_the_output_is_in_alphabetical_order():
    assert tg.einsum("ba", tg.tensor(X)).tolist() == X.T.tolist()
    assert tg.einsum("aB", tg.tensor(X)).tolist() == X.T.tolist()


def test_an_ellipsis_missing_from_the_output_is_summed_over():
    x, y = tg.ones(2, 3), tg.ones(3)
    assert tg.einsum("...i,...i->i", x, y).tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("equation", ["ij,jk->ik", "ij,jk->ki", "ji,kj->ik", "ji,kj->ki"])
def test_results_and_gradients_are_not_transposed_in_memory(equation):
    x, y = (tg.rand(3, 3, requires_grad=True) for _ in range(2))
    result = tg.einsum(equation, x, y)
    result.backward(tg.rand(3, 3))
    assert result.is_contiguous()
    assert x.grad.is_contiguous()
    assert y.grad.is_contiguous()


def test_sizes_of_one_are_broadcast_and_their_gradient_summed():
    x, y = tg.ones(2, 1, requires_grad=True), tg.ones(3, 4)
    result = tg.einsum("ij,jk->ik", x, y)
    result.sum().backward()
    assert result.tolist() == [[3.0] * 4] * 2
    assert x.grad.tolist() == [[12.0], [12.0]]


def test_the_gradient_of_a_diagonal_is_zero_beside_it():
    x = tg.ones(2, 2, requires_grad=True)
    tg.einsum("ii", x).backward()
    assert x.grad.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_the_result_of_one_operand_is_a_new_tensor():
    x = tg.ones(2, 3)
    assert tg.einsum("ij->ij", x) is not x
    assert tg.einsum("", tg.tensor(3.0)).item() == 3.0


def test_many_operands_are_contracted_in_a_good_order():
    # From the left, the first product would have a thousand times a thousand elements.
    x, y, z = tg.ones(1000, 1), tg.ones(1, 1000), tg.ones(1000, 1)
    x.requires_grad_()
    result = tg.einsum("ij,jk,kl->il", x, y, z)
    assert result.shape == (1000, 1)
    nodes, largest = [result.grad_fn], 0
    while nodes:
        node = nodes.pop()
        largest = max(largest, int(np.prod(node.shape)))
        nodes += [parent for parent in node.parents if isinstance(parent, Operation)]
    assert largest <= 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ij,jk->ik", tg.ones(2, 3), tg.ones(4, 5)), "subscript j has size 4 for operand 1"),
        (("ij", tg.ones(2, 3), tg.ones(2)), "more operands were provided"),
        (("ij,jk", tg.ones(2, 3)), "fewer operands were provided"),
        (("ij->k", tg.ones(2, 3)), "output subscript k does not appear"),
        (("ij->ii", tg.ones(2, 3)), "output subscript i appears more than once"),
        (("i", tg.ones(2, 3)), r"dimensions \(2\) for operand 0 and no ellipsis"),
        (("ijk...", tg.ones(2, 3)), r"dimensions \(2\) for operand 0\."),
        (("ii", tg.ones(2, 3)), "subscript i is repeated for operand 0.* 3 != 2"),
        (("i1", tg.ones(2, 3)), "invalid subscript '1'"),
        (("ij->i->j", tg.ones(2, 3)), "invalid subscript '-'"),
        (("i..j", tg.ones(2, 3)), "only in one ellipsis"),
        (("...i...", tg.ones(2, 3)), "only in one ellipsis"),
        (("...i,...i", tg.ones(2, 3), tg.ones(4, 3)), "ellipsis dimension -1 has size 4"),
        (("i,i", tg.ones(2), tg.ones(2, dtype=tg.float64)), "same dtype"),
        (("i,i", tg.ones(2, dtype=tg.bool), tg.ones(2, dtype=tg.bool)), "for booleans"),
        ((tg.ones(2), [52]), "integers from 0 to 51"),
    ],
)
def test_einsum_explains_what_is_wrong(arguments, message):
    with pytest.raises(RuntimeError, match=message):
        tg.einsum(*arguments)


def test_einsum_needs_tensors():
    with pytest.raises(ValueError, match="at least one operand"):
        tg.einsum("ij")
    with pytest.raises(TypeError, match="operand 1 is not a tensor, but int"):
        tg.einsum("i,j", tg.ones(2), 3)


@pytest.mark.parametrize(
    ("dims", "error", "message"),
    [
        (3, RuntimeError, "numbers of dimensions, 2 and 2; got dims=3"),
        (-1, RuntimeError, "got dims=-1"),
        (1, RuntimeError, "first has size 3 in dim 1 and second has size 4 in dim 0"),
        (([0], [0, 1]), RuntimeError, "should have same length"),
        (([0, 0], [0, 0]), RuntimeError, "appears multiple times"),
        (([5], [0]), IndexError, "but got 5"),
    ],
)
def test_tensordot_explains_what_is_wrong(dims, error, message):
    with pytest.raises(error, match=message):
        tg.tensordot(tg.ones(2, 3), tg.ones(4, 5), dims)


def test_tensordot_takes_a_tensor_of_dimensions_and_broadcasts_sizes_of_one():
    x, y = tg.tensor(X), tg.tensor(Y)
    np.testing.assert_allclose(tg.tensordot(x, y, tg.tensor([[1], [0]])).numpy(), X @ Y)
    assert tg.tensordot(tg.ones(2, 1), tg.ones(3, 4), 1).tolist() == [[3.0] * 4] * 2
