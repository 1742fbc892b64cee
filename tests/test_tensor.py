"""What a tensor is by itself: numbers out of it, copies of it, its place in a graph."""

import copy
import operator
import pickle

import numpy as np
import pytest

import tinygrad_edu as tg

# The constructor.


def test_constructor_makes_the_default_type():
    assert tg.Tensor([1, 2]).dtype == tg.float32
    assert tg.Tensor(np.array([1.0])).dtype == tg.float32
    assert tg.Tensor([1, 2]).tolist() == [1.0, 2.0]


def test_constructor_takes_sizes():
    assert tg.Tensor(2, 3).shape == (2, 3)
    assert tg.Tensor(4).shape == (4,)
    assert tg.Tensor().shape == (0,)


def test_constructor_copies_a_tensor():
    x = tg.ones(2)
    y = tg.Tensor(x)
    y[0] = 5
    assert x.tolist() == [1.0, 1.0]


def test_constructor_refuses_ragged_lists():
    with pytest.raises(ValueError, match="parts of 1 and 2"):
        tg.Tensor([[1, 2], [3]])


# Numbers out of it.


@pytest.mark.parametrize(
    ("value", "kind"), [(2.5, float), (3, int), (True, bool), ([[7]], int)], ids=str
)
def test_item_is_a_python_number(value, kind):
    number = tg.tensor(value).item()
    assert type(number) is kind


@pytest.mark.parametrize("shape", [(2,), (0,), (2, 0)])
def test_item_needs_exactly_one_element(shape):
    with pytest.raises(RuntimeError, match=rf"exactly one element.*\({shape[0]},"):
        tg.zeros(shape).item()


def test_item_and_tolist_work_in_a_graph():
    x = tg.tensor([1.5], requires_grad=True) * 2
    assert x.item() == 3.0
    assert x.tolist() == [3.0]


def test_tolist_nests():
    assert tg.tensor([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert tg.tensor(2.5).tolist() == 2.5
    assert tg.zeros(0, 3).tolist() == []


@pytest.mark.parametrize(("value", "truth"), [(0.0, False), (-2.0, True), ([[1]], True)], ids=str)
def test_truth_of_one_element(value, truth):
    assert bool(tg.tensor(value)) is truth


@pytest.mark.parametrize("shape", [(2,), (0,)])
def test_truth_of_several_elements_is_refused(shape):
    with pytest.raises(RuntimeError, match=rf"{shape[0]} elements is ambiguous.*x\.any\(\)"):
        bool(tg.zeros(shape))


def test_conversion_to_python_numbers():
    assert int(tg.tensor(2.7)) == 2
    assert float(tg.tensor([3])) == 3.0
    with pytest.raises(ValueError, match="one element becomes"):
        float(tg.ones(2))


def test_integer_tensors_are_indices():
    assert [10, 20, 30][tg.tensor(1)] == 20
    assert list(range(tg.tensor(2))) == [0, 1]
    assert operator.index(tg.tensor(True)) == 1


@pytest.mark.parametrize("x", [tg.tensor(1.0), tg.tensor([1, 2])], ids=str)
def test_other_tensors_are_no_indices(x):
    with pytest.raises(TypeError, match="index"):
        operator.index(x)


def test_length_is_the_first_dimension():
    assert len(tg.zeros(3, 2)) == 3
    assert len(tg.zeros(0, 2)) == 0
    with pytest.raises(TypeError, match="0-dimensional"):
        len(tg.tensor(1.0))


def test_iteration_goes_along_the_first_dimension_and_keeps_the_graph():
    x = tg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    first, second = x
    (first * second).sum().backward()
    assert x.grad.tolist() == [[3.0, 4.0], [1.0, 2.0]]


def test_iteration_ends_without_elements():
    assert list(tg.zeros(0, 2)) == []


def test_iteration_over_a_number_is_refused():
    with pytest.raises(TypeError, match=r"x\.item\(\)"):
        iter(tg.tensor(1.0))


def test_contains():
    x = tg.tensor([1.0, 2.0])
    assert 2 in x
    assert tg.tensor(1.0) in x
    assert 3 not in x


def test_format_of_a_number():
    loss = tg.tensor(3.14159, requires_grad=True) * 1
    assert f"{loss:.2f}" == "3.14"
    assert f"{tg.tensor(3):>4}" == "   3"
    assert f"{tg.tensor(3.0)}" == "3.0"


def test_format_of_several_numbers_is_their_text():
    assert f"{tg.tensor([1, 2])}" == "tensor([1, 2])"
    with pytest.raises(TypeError, match="format"):
        f"{tg.tensor([1.0, 2.0]):.2f}"


def test_hash_is_identity():
    x, y = tg.ones(2), tg.ones(2)
    assert len({x, y, x}) == 2
    assert {x: "x"}[x] == "x"


def test_comparison_with_something_else_is_false():
    assert (tg.ones(2) == "text") is False
    assert (tg.ones(2) != None) is True  # noqa: E711 - the operator is what is tested


# Shape and type.


def test_questions_about_the_shape():
    x = tg.zeros(2, 3, dtype=tg.float64)
    assert x.shape == x.size() == (2, 3)
    assert x.size(0) == 2
    assert x.size(-1) == 3
    assert x.ndim == x.dim() == 2
    assert x.numel() == 6
    assert x.itemsize == x.element_size() == 8
    assert x.nbytes == 48
    assert x.stride() == (3, 1)
    assert x.T.stride(0) == 1
    assert x.is_contiguous()
    assert not x.T.is_contiguous()
    assert x.data_ptr() == x.T.data_ptr()


@pytest.mark.parametrize("dim", [2, -3])
def test_size_of_a_dimension_that_is_not_there(dim):
    with pytest.raises(IndexError, match=f"but got {dim}"):
        tg.zeros(2, 3).size(dim)


def test_questions_about_the_type():
    assert tg.ones(1).is_floating_point()
    assert not tg.tensor([1]).is_floating_point()
    assert not tg.ones(1).is_complex()


# requires_grad.


def test_tensors_do_not_require_grad_unless_asked():
    x = tg.ones(2)
    assert not x.requires_grad
    assert x.requires_grad_() is x
    assert x.requires_grad
    x.requires_grad = False
    assert not x.requires_grad
    with pytest.raises(RuntimeError, match="requires_grad must be a bool; got 1"):
        x.requires_grad = 1


@pytest.mark.parametrize("dtype", [tg.int64, tg.uint8, tg.bool], ids=str)
def test_integers_and_booleans_cannot_require_grad(dtype):
    with pytest.raises(RuntimeError, match=rf"{dtype}.*x\.float\(\)"):
        tg.zeros(1, dtype=dtype).requires_grad_()


def test_integers_may_be_told_not_to():
    assert not tg.tensor([1]).requires_grad_(False).requires_grad


def test_an_intermediate_result_cannot_stop_requiring_grad():
    y = tg.ones(2, requires_grad=True) * 2
    assert y.requires_grad_() is y
    with pytest.raises(RuntimeError, match=r"x\.detach\(\)"):
        y.requires_grad = False


def test_leaves_and_results():
    x = tg.ones(2, requires_grad=True)
    y = x * 2
    assert x.is_leaf
    assert x.grad_fn is None
    assert not y.is_leaf
    assert y.grad_fn.name == "Mul"
    assert (tg.ones(2) * 2).is_leaf


def test_integer_results_do_not_require_grad():
    x = tg.ones(2, requires_grad=True)
    assert not (x > 0).requires_grad
    assert not x.argmax().requires_grad


# grad.


def test_grad_may_be_set_and_taken_away():
    x = tg.ones(2, requires_grad=True)
    x.grad = tg.tensor([3.0, 4.0])
    assert x.grad.tolist() == [3.0, 4.0]
    (x * 2).sum().backward()
    assert x.grad.tolist() == [5.0, 6.0]
    del x.grad
    assert x.grad is None
    x.grad = None


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.ones(2), TypeError, "ndarray"),
        (1.0, TypeError, "float"),
        (tg.ones(3), RuntimeError, r"\(3,\)"),
        (tg.ones(2, dtype=tg.float64), RuntimeError, "float64"),
    ],
    ids=str,
)
def test_grad_must_fit_its_tensor(value, error, message):
    x = tg.ones(2, requires_grad=True)
    with pytest.raises(error, match=message):
        x.grad = value


def test_a_tensor_is_not_its_own_grad():
    x = tg.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="own gradient"):
        x.grad = x


# detach, data, numpy.


def test_detach_shares_memory_and_leaves_the_graph():
    x = tg.ones(2, requires_grad=True)
    y = (x * 2).detach()
    assert not y.requires_grad
    assert y.is_leaf
    z = x.detach()
    z[0] = 5
    assert x.tolist() == [5.0, 1.0]


def test_a_change_through_detach_is_noticed():
    x = tg.ones(2, requires_grad=True)
    y = x * 1
    loss = (y * y).sum()
    y.detach().zero_()
    with pytest.raises(RuntimeError, match="changed by an in-place"):
        loss.backward()


def test_detach_in_place():
    y = tg.ones(2, requires_grad=True) * 2
    assert y.detach_() is y
    assert y.is_leaf
    assert not y.requires_grad


def test_a_view_cannot_be_detached_in_place():
    x = tg.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"x\.detach\(\)"):
        x[:1].detach_()


def test_data_shares_memory():
    x = tg.ones(2, requires_grad=True)
    x.data[0] = 5
    assert x.tolist() == [5.0, 1.0]
    assert not x.data.requires_grad


def test_data_may_be_replaced():
    x = tg.ones(2, requires_grad=True)
    x.data = tg.zeros(3)
    assert x.tolist() == [0.0, 0.0, 0.0]
    assert x.requires_grad
    x.data = np.ones(1, np.float32)
    assert x.tolist() == [1.0]


def test_replaced_data_is_noticed():
    x = tg.ones(2, requires_grad=True)
    loss = (x * x).sum()
    x.data = tg.zeros(2)
    with pytest.raises(RuntimeError, match="changed by an in-place"):
        loss.backward()


def test_data_of_a_leaf_that_requires_grad_is_floating():
    x = tg.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="int64"):
        x.data = tg.tensor([1, 2])


def test_data_of_an_intermediate_result_keeps_its_shape():
    y = tg.ones(2, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match=r"\(2,\); got \(3,\)"):
        y.data = tg.zeros(3)


def test_numpy_shares_memory():
    x = tg.ones(2)
    x.numpy()[0] = 5
    assert x.tolist() == [5.0, 1.0]


def test_numpy_refuses_a_tensor_that_requires_grad():
    x = tg.ones(2, requires_grad=True)
    for tensor in (x, x * 2):
        with pytest.raises(RuntimeError, match=r"x\.detach\(\)\.numpy\(\)"):
            tensor.numpy()
    assert x.numpy(force=True).tolist() == [1.0, 1.0]


def test_retain_grad_needs_a_gradient():
    with pytest.raises(RuntimeError, match="does not require grad"):
        tg.ones(2).retain_grad()
    with pytest.raises(RuntimeError, match="does not require grad"):
        tg.ones(2).register_hook(lambda grad: grad)


# Copies.


def test_copy_shares_memory_and_graph():
    x = tg.ones(2, requires_grad=True)
    y = copy.copy(x * 2)
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]
    z = copy.copy(x)
    assert z is not x
    assert z.requires_grad
    assert z.data_ptr() == x.data_ptr()


def test_copy_of_a_view_stays_a_view():
    x = tg.zeros(3)
    part = copy.copy(x[1:])
    part[0] = 5
    assert x.tolist() == [0.0, 5.0, 0.0]


def test_deepcopy_of_a_leaf_copies_values_and_gradient():
    x = tg.ones(2, requires_grad=True)
    (x * 3).sum().backward()
    y = copy.deepcopy(x)
    assert y.requires_grad
    assert y.grad.tolist() == [3.0, 3.0]
    y.data[0] = 5
    y.grad[0] = 7
    assert x.tolist() == [1.0, 1.0]
    assert x.grad.tolist() == [3.0, 3.0]


def test_deepcopy_keeps_identity_within_one_object():
    x = tg.ones(2)
    first, second = copy.deepcopy([x, x])
    assert first is second
    assert first is not x


def test_pickle_of_a_leaf():
    x = tg.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=tg.float64, requires_grad=True).detach().T
    x.requires_grad_()
    y = pickle.loads(pickle.dumps(x))
    assert tg.equal(x, y)
    assert y.dtype == tg.float64
    assert y.requires_grad
    assert y.is_leaf


def test_pickle_leaves_the_gradient_behind():
    x = tg.ones(2, requires_grad=True)
    x.sum().backward()
    assert pickle.loads(pickle.dumps(x)).grad is None


@pytest.mark.parametrize(("what", "call"), [("deepcopy", copy.deepcopy), ("pickle", pickle.dumps)])
def test_part_of_a_graph_is_not_deepcopied_or_pickled(what, call):
    y = tg.ones(2, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match=rf"leaf tensors support {what}.*x\.detach\(\)"):
        call(y)
    call(y.detach())


class Tagged(tg.Tensor):
    """A tensor with a name of its own."""

    def __init__(self, *_):
        self.tag = "new"


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_subclasses_are_copied_as_such(again):
    x = Tagged([1.0, 2.0])
    x.requires_grad_()
    y = again(x)
    assert type(y) is Tagged
    assert y.tolist() == [1.0, 2.0]
    assert y.requires_grad


def test_copies_of_a_subclass_have_its_attributes():
    x = Tagged([1.0])
    x.tag = ["changed"]
    assert copy.copy(x).tag is x.tag
    assert copy.deepcopy(x).tag == ["changed"]
    assert copy.deepcopy(x).tag is not x.tag


def test_a_pickled_subclass_has_its_attributes():
    x = Tagged([1.0])
    x.tag = ["changed"]
    assert pickle.loads(pickle.dumps(x)).tag == ["changed"]


def test_results_of_a_subclass_are_plain_tensors():
    assert type(Tagged([1.0]) * 2) is tg.Tensor


# The package.


def test_every_exported_name_is_there_once():
    assert len(set(tg.__all__)) == len(tg.__all__)
    assert [name for name in tg.__all__ if not hasattr(tg, name)] == []


def test_tensor_is_the_function_and_not_the_submodule():
    assert callable(tg.tensor)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("half", "float16"),
        ("float", "float32"),
        ("double", "float64"),
        ("short", "int16"),
        ("int", "int32"),
        ("long", "int64"),
        ("bool", "bool"),
    ],
)
def test_pytorchs_names_of_types(name, dtype):
    assert getattr(tg, name) == np.dtype(dtype)
    assert isinstance(getattr(tg, name), tg.dtype)


def test_limits_of_types():
    assert tg.finfo(tg.float32).eps == np.finfo(np.float32).eps
    assert tg.iinfo(tg.int8).max == 127
