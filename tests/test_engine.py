"""The engine's contracts: graph, reverse pass, ownership, higher orders, hooks, modes."""

from __future__ import annotations

import gc
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.autograd.graph import Operation, apply


def leaf(*values, dtype=tg.float64):
    return tg.tensor(values, dtype=dtype, requires_grad=True)


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


# The graph.


def test_a_chain_of_a_million_operations_backpropagates_and_is_freed(no_collector):
    x = leaf(1.0)
    y = x
    for _ in range(1_000_000):
        y = y + 1e-6
    node = weakref.ref(y.grad_fn)
    y.backward(gradient=tg.ones(1, dtype=tg.float64))
    assert x.grad.item() == 1
    del y
    assert node() is None


def test_ten_additions_on_eight_megabytes_keep_about_eight_megabytes_alive():
    x = tg.zeros(1_000_000, dtype=tg.float64, requires_grad=True)
    tracemalloc.start()
    try:
        y = x
        for _ in range(10):
            y = y + 1
        alive, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 8e6 <= alive < 9e6
    assert y.grad_fn is not None


def test_a_thousand_training_steps_leave_memory_flat_without_the_collector(no_collector):
    weight, x = tg.zeros(50, 50, requires_grad=True), tg.ones(20, 50)

    def step():
        nonlocal weight
        loss = ((x @ weight).sigmoid() ** 2).mean()
        loss.backward()
        with tg.no_grad():
            weight -= 0.1 * weight.grad
        weight.grad = None

    for _ in range(10):
        step()
    tracemalloc.start()
    try:
        objects = len(gc.get_objects())
        for _ in range(1000):
            step()
        growth, _ = tracemalloc.get_traced_memory()
        assert len(gc.get_objects()) - objects < 10
    finally:
        tracemalloc.stop()
    # A step makes over 20 kB: a leak in every step would be 20 MB. Python keeps some freed tuples
    # for reuse.
    assert growth < 500_000


def test_dropping_the_loss_frees_the_graph_at_once(no_collector):
    x = leaf(1.0, 2.0)
    loss = (x.exp() * x).sum()
    nodes = []
    stack = [loss.grad_fn]
    while stack:
        node = stack.pop()
        nodes.append(weakref.ref(node))
        stack.extend(parent for parent in node.parents if isinstance(parent, Operation))
    del loss, node, stack
    assert len(nodes) == 3
    assert [node() for node in nodes] == [None] * 3


def test_an_activation_that_no_rule_needs_dies_with_its_tensor(no_collector):
    x = leaf(1.0, 2.0)
    hidden = x + 1
    array = weakref.ref(hidden.array)
    result = hidden + 1
    del hidden
    assert array() is None
    assert result.requires_grad


def test_parents_are_operations_or_leaves():
    x, y = leaf(1.0), leaf(2.0)
    product = x * y
    total = product + x
    assert total.grad_fn.parents == (product.grad_fn, x)


def test_numbers_of_creation_grow():
    x = leaf(1.0)
    y = x * 2
    z = y * 2
    assert z.grad_fn.number > y.grad_fn.number


def test_nothing_is_recorded_for_constants():
    assert (tg.ones(2) * tg.ones(2)).grad_fn is None


# The reverse pass.


def test_gradients_of_several_uses_are_added():
    x = leaf(3.0)
    (x * x + x).backward(gradient=tg.ones(1, dtype=tg.float64))
    assert x.grad.tolist() == [7.0]


def test_gradients_accumulate_over_passes():
    x = leaf(3.0)
    for _ in range(3):
        (2 * x).sum().backward()
    assert x.grad.tolist() == [6.0]


def test_a_diamond_of_depth_fifty_is_linear_work():
    x = leaf(1.0)
    y = x
    for _ in range(50):
        y = y + y
    y.sum().backward()
    assert x.grad.item() == 2.0**50


def test_the_order_is_topological_when_a_late_node_uses_an_early_one():
    x = leaf(2.0)
    early = x * 3
    late = early.exp()
    for _ in range(5):
        late = late * 0.5
    (late + early).sum().backward()
    expected = 3 * np.exp(6.0) * 0.5**5 + 3
    np.testing.assert_allclose(x.grad.array, [expected])


def test_a_second_pass_through_a_freed_graph_names_retain_graph():
    x = leaf(1.0)
    loss = x.exp().sum()
    loss.backward()
    with pytest.raises(RuntimeError, match=r"second time.*Exp.*retain_graph=True"):
        loss.backward()


def test_retain_graph_allows_a_second_pass():
    x = leaf(1.0)
    loss = (x * x).sum()
    loss.backward(retain_graph=True)
    loss.backward()
    assert x.grad.item() == 4


def test_saved_arrays_are_released_as_they_are_consumed():
    x = leaf(1.0, 2.0)
    hidden = x.exp()
    saved = weakref.ref(hidden.array)
    loss = hidden.sum()
    del hidden
    assert saved() is not None
    loss.backward()
    assert saved() is None


def test_a_tensor_that_is_not_a_number_needs_a_gradient():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match=r"only for scalar outputs.*\(2,\).*sum\(\)"):
        (x * 2).backward()


def test_the_given_gradient_has_the_shape_of_the_tensor():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match=r"shape of its tensor, \(2,\); got \(3,\)"):
        (x * 2).backward(tg.ones(3))


def test_a_tensor_without_a_graph_says_so():
    with pytest.raises(RuntimeError, match=r"does not require grad.*no_grad\(\)"):
        tg.ones(1).backward()


def test_integer_leaves_carry_no_gradient():
    with pytest.raises(RuntimeError, match=r"floating type.*int64.*float\(\)"):
        tg.tensor([1, 2]).requires_grad_()


def test_inputs_of_backward_limit_who_gets_a_gradient():
    x, y = leaf(1.0), leaf(2.0)
    (x * y).sum().backward(inputs=[x])
    assert x.grad.item() == 2
    assert y.grad is None


def test_several_roots_are_added():
    x = leaf(1.0)
    tg.autograd.backward([(x * 2).sum(), (x * 3).sum()])
    assert x.grad.item() == 5


# Ownership.


def test_two_leaves_never_share_a_gradient_array():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (x + y).sum().backward()
    assert not np.shares_memory(x.grad.array, y.grad.array)
    x.grad.array[:] = 99
    assert y.grad.tolist() == [1.0, 1.0]


def test_two_leaves_never_share_a_gradient_under_create_graph():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (x + y).sum().backward(create_graph=True)
    assert x.grad is not y.grad
    assert not np.shares_memory(x.grad.array, y.grad.array)


def test_the_gradient_is_never_the_array_of_the_caller():
    x, given = leaf(1.0, 2.0), tg.ones(2, dtype=tg.float64)
    (x + 0).backward(given)
    x.backward(given)
    assert not np.shares_memory(x.grad.array, given.array)
    assert given.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.sum(),
        lambda x: x.reshape(6).sum(),
        lambda x: x.expand(4, 2, 3).sum(),
        lambda x: x.T.sum(),
        lambda x: x.flip(0).sum(),
        lambda x: x.mean(),
    ],
)
def test_gradients_are_writable_arrays_of_their_own(function):
    x = tg.ones(2, 3, requires_grad=True)
    function(x).backward()
    assert x.grad.shape == x.shape
    assert x.grad.dtype == x.dtype
    x.grad.array[0, 0] = 5
    assert (x.grad.array == 5).sum() == 1


def test_the_gradient_has_the_type_of_its_tensor_in_mixed_arithmetic():
    x, y = leaf(1.0, dtype=tg.float32), leaf(2.0, dtype=tg.float64)
    (x * y).sum().backward()
    assert (x.grad.dtype, y.grad.dtype) == (tg.float32, tg.float64)


def test_broadcasting_is_undone_in_every_position():
    x = tg.ones(3, 1, dtype=tg.float64, requires_grad=True)
    y = tg.ones(2, 1, 4, dtype=tg.float64, requires_grad=True)
    (x * y).sum().backward()
    assert x.grad.tolist() == [[8.0]] * 3
    assert y.grad.tolist() == [[[3.0] * 4]] * 2


# Only what is needed.


class Spy(Operation):
    """z = x + y; notes which rules ran."""

    __slots__ = ("ran",)

    def __init__(self, ran):
        self.ran = ran

    def forward(self, x, y):
        return x + y

    def grad_x(self, grad):
        self.ran.append("x")
        return grad

    def grad_y(self, grad):
        self.ran.append("y")
        return grad


def test_no_rule_runs_for_an_input_that_needs_no_gradient():
    ran = []
    apply(Spy(ran), tg.ones(1), leaf(1.0)).sum().backward()
    assert ran == ["y"]


def test_grad_runs_only_the_rules_that_lead_to_its_inputs():
    ran, x, y = [], leaf(1.0), leaf(1.0)
    tg.autograd.grad(apply(Spy(ran), x, y).sum(), y)
    assert ran == ["y"]


def test_only_the_arrays_that_rules_need_are_saved():
    weight, image = leaf(1.0, 2.0), tg.ones(2, dtype=tg.float64)
    product = weight * image
    assert [value is image.array for value, _, _ in product.grad_fn.saved.values()] == [True]


# autograd.grad.


def test_grad_leaves_the_grad_attribute_alone():
    x = leaf(2.0)
    (gradient,) = tg.autograd.grad((x * x).sum(), x)
    assert gradient.item() == 4
    assert x.grad is None


def test_grad_of_an_intermediate_result():
    x = leaf(2.0)
    hidden = x * x
    (gradient,) = tg.autograd.grad((hidden * 3).sum(), hidden)
    assert gradient.item() == 3


def test_grad_of_an_unused_input():
    x, y = leaf(2.0), leaf(3.0)
    loss = x.sum()
    with pytest.raises(RuntimeError, match=r"Input 1.*not used.*allow_unused=True"):
        tg.autograd.grad(loss, [x, y], retain_graph=True)
    assert tg.autograd.grad(loss, [x, y], retain_graph=True, allow_unused=True)[1] is None
    assert tg.autograd.grad(loss, [x, y], materialize_grads=True)[1].tolist() == [0.0]


def test_grad_takes_any_iterable_of_inputs():
    x, y = leaf(2.0), leaf(3.0)
    for inputs in ({"x": x, "y": y}.values(), iter([x, y])):
        gradients = tg.autograd.grad((x * y).sum(), inputs)
        assert [g.item() for g in gradients] == [3, 2]


def test_what_is_no_tensor_has_no_gradient():
    x = leaf(2.0)
    with pytest.raises(TypeError, match="Tensors are differentiated, not a NoneType"):
        tg.autograd.grad(None, x)
    with pytest.raises(TypeError, match="Input 0 is no tensor, but a float"):
        tg.autograd.grad(x.sum(), 2.0)


def test_grad_warns_that_only_inputs_false_has_no_effect():
    x = leaf(2.0)
    (gradient,) = tg.autograd.grad(x.sum(), x, only_inputs=True)
    with pytest.warns(FutureWarning, match="only_inputs=False has no effect"):
        (same,) = tg.autograd.grad(x.sum(), x, only_inputs=False)
    assert gradient.item() == same.item() == 1


@pytest.mark.parametrize("create_graph", [False, True])
def test_batched_grad_outputs_give_a_gradient_for_each_place(create_graph):
    x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    unused = leaf(0.0)
    rows, nothing = tg.autograd.grad(
        x * x, [x, unused], tg.eye(3), None, create_graph, True, True, is_grads_batched=True
    )
    assert rows.tolist() == [[2, 0, 0], [0, 4, 0], [0, 0, 6]]
    assert rows.requires_grad is create_graph
    assert nothing is None
    with pytest.raises(RuntimeError, match=r"is_grads_batched=True needs .* got shapes \[\(\)\]"):
        tg.autograd.grad(x.sum(), x, tg.tensor(1.0), is_grads_batched=True)


def test_grad_asked_twice_for_the_same_input_gives_separate_arrays():
    x = leaf(2.0)
    first, second = tg.autograd.grad((x * x).sum(), [x, x])
    assert not np.shares_memory(first.array, second.array)
    assert first.item() == second.item() == 4


def test_results_of_grad_do_not_share_memory_along_an_identity_path():
    x = leaf(2.0)
    hidden = x + 0
    first, second = tg.autograd.grad(hidden.sum(), [hidden, x])
    assert not np.shares_memory(first.array, second.array)


def test_an_intermediate_result_named_twice_in_inputs_gets_its_gradient_once():
    hidden = leaf(1.0) * 3
    tg.autograd.backward(hidden.sum(), inputs=[hidden, hidden])
    assert hidden.grad.item() == 1


def test_a_gradient_set_by_the_user_may_be_read_only():
    x = leaf(1.0, 2.0)
    x.grad = tg.ones(1, dtype=tg.float64).expand(2)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [3, 3]


# Higher orders.


def test_third_derivative():
    x = leaf(2.0)
    y = x**4
    for expected in (32.0, 48.0, 48.0):
        (y,) = tg.autograd.grad(y.sum(), x, create_graph=True)
        assert y.item() == pytest.approx(expected)


def test_create_graph_makes_gradients_that_require_grad():
    x = leaf(2.0)
    (x**3).sum().backward(create_graph=True)
    assert x.grad.requires_grad
    first, x.grad = x.grad, None
    first.sum().backward()
    assert x.grad.item() == 12


def test_the_hessian_of_a_small_network_agrees_with_numerical_differentiation():
    rng = np.random.default_rng(0)
    inputs = tg.from_numpy(rng.normal(size=(5, 3)))
    targets = tg.from_numpy(rng.normal(size=(5, 1)))
    sizes = [(3, 4), (4,), (4, 1), (1,)]
    point = rng.normal(size=sum(int(np.prod(s)) for s in sizes))

    def loss(flat):
        parts, start = [], 0
        for size in sizes:
            count = int(np.prod(size))
            parts.append(flat[start : start + count].reshape(size))
            start += count
        hidden = (inputs @ parts[0] + parts[1]).tanh()
        return ((hidden @ parts[2] + parts[3] - targets) ** 2).mean()

    def gradient(array):
        flat = tg.tensor(array, requires_grad=True)
        return tg.autograd.grad(loss(flat), flat)[0].array

    flat = tg.tensor(point, requires_grad=True)
    (first,) = tg.autograd.grad(loss(flat), flat, create_graph=True)
    hessian = np.stack(
        [tg.autograd.grad(first[i], flat, retain_graph=True)[0].array for i in range(point.size)]
    )
    numerical = np.empty_like(hessian)
    for i in range(point.size):
        step = np.zeros_like(point)
        step[i] = 1e-6
        numerical[i] = (gradient(point + step) - gradient(point - step)) / 2e-6
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-12)
    np.testing.assert_allclose(hessian, numerical, rtol=1e-6, atol=1e-8)


# Modes.


def test_no_grad_is_local_to_a_thread():
    seen = []
    with tg.no_grad():
        thread = threading.Thread(target=lambda: seen.append(tg.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_modes_nest_and_come_back_after_an_exception():
    @tg.no_grad()
    def fail():
        with tg.enable_grad():
            assert tg.is_grad_enabled()
        assert not tg.is_grad_enabled()
        raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert tg.is_grad_enabled()


@pytest.mark.parametrize("decorator", [tg.no_grad, tg.no_grad(), tg.inference_mode()])
def test_modes_decorate_functions(decorator):
    assert decorator(tg.is_grad_enabled)() is False
    assert tg.is_grad_enabled()


def test_set_grad_enabled_as_a_decorator_concerns_the_function_alone():
    inside = tg.set_grad_enabled(False)(tg.is_grad_enabled)
    assert tg.is_grad_enabled()
    assert inside() is False


def test_a_decorated_generator_leaves_its_caller_alone():
    @tg.no_grad()
    def values():
        received = yield tg.is_grad_enabled()
        yield tg.is_grad_enabled(), received

    steps = values()
    assert next(steps) is False
    assert tg.is_grad_enabled()
    assert steps.send("hello") == (False, "hello")


def test_set_grad_enabled_works_as_a_statement():
    tg.set_grad_enabled(False)
    try:
        assert not tg.is_grad_enabled()
    finally:
        tg.set_grad_enabled(True)


# In-place changes (the random programs of test_ops_views.py cover views).


def test_a_leaf_that_requires_grad_refuses_in_place_changes_while_recording():
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match=r"add_: a leaf tensor that requires grad.*no_grad\(\)"):
        x += 1
    with tg.no_grad():
        x += 1
    assert x.item() == 2


def test_a_saved_array_that_was_changed_is_refused_by_name():
    x = leaf(1.0, 2.0)
    y = x.exp()
    loss = y.sum()
    y.detach().mul_(2)
    with pytest.raises(
        RuntimeError, match=r"gradient of Exp.*in-place.*its result, of shape \(2,\).*version 1"
    ):
        loss.backward()


def test_a_recorded_in_place_operation_has_the_gradient_of_the_ordinary_one():
    x = leaf(1.0, 2.0)
    y = x * 2
    y *= x
    y += 1
    y.sqrt_()
    y.sum().backward()
    expected = 4 * x.array / (2 * np.sqrt(2 * x.array**2 + 1))
    np.testing.assert_allclose(x.grad.array, expected)


def test_a_tensor_multiplied_by_itself_in_place():
    x = leaf(3.0)
    y = x * 1
    y.mul_(y)
    y.sum().backward()
    assert x.grad.item() == 6


def test_an_in_place_operation_makes_a_constant_part_of_the_graph():
    total, x = tg.zeros(2, dtype=tg.float64), leaf(1.0, 2.0)
    total += x * 3
    total.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_a_result_of_a_higher_type_does_not_fit_in_place():
    x = tg.tensor([1, 2])
    with pytest.raises(RuntimeError, match=r"float.*can't be cast.*int64"):
        x += 0.5


# Hooks and retained gradients.


def test_hooks_run_in_order_and_replace_the_gradient():
    x = leaf(1.0)
    seen = []
    x.register_hook(lambda grad: seen.append(grad.item()))
    x.register_hook(lambda grad: grad * 10)
    x.register_hook(lambda grad: seen.append(grad.item()))
    (2 * x).sum().backward()
    assert seen == [2.0, 20.0]
    assert x.grad.item() == 20


def test_a_hook_on_an_intermediate_result_changes_what_flows_on():
    x = leaf(1.0)
    hidden = x * 3
    handle = hidden.register_hook(lambda grad: grad * 2)
    hidden.sum().backward(retain_graph=True)
    assert x.grad.item() == 6
    handle.remove()
    hidden.sum().backward()
    assert x.grad.item() == 9


def test_a_hook_cannot_spoil_the_gradient_it_is_shown():
    x = leaf(1.0)
    x.register_hook(lambda grad: grad.array.fill(77) or None)
    (2 * x).sum().backward()
    assert x.grad.item() == 2


def test_retain_grad_keeps_the_gradient_of_an_intermediate_result():
    x = leaf(1.0)
    hidden = x * 3
    hidden.retain_grad()
    (hidden * 5).sum().backward()
    assert hidden.grad.item() == 5


def test_reading_the_grad_of_an_intermediate_result_explains_retain_grad():
    hidden = leaf(1.0) * 3
    with pytest.warns(UserWarning, match=r"retain_grad\(\)"):
        assert hidden.grad is None


def test_retain_grad_follows_an_in_place_change():
    x = leaf(1.0)
    hidden = x * 3
    hidden.retain_grad()
    hidden.mul_(2)
    (hidden * 5).sum().backward()
    assert hidden.grad.item() == 5


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_tensor_that_a_hook_returns_never_becomes_a_gradient_itself(create_graph):
    answer = tg.ones(1)
    x, y = leaf(1.0), leaf(2.0)
    for tensor in (x, y):
        tensor.register_hook(lambda grad: answer)
    (x * y).sum().backward(create_graph=create_graph)
    arrays = [answer.array, x.grad.array, y.grad.array]
    assert not np.shares_memory(arrays[0], arrays[1])
    assert not np.shares_memory(arrays[1], arrays[2])
    assert x.grad.dtype == x.dtype


# Rules declare what they need.


def test_a_rule_that_asks_for_something_unknown_is_refused():
    with pytest.raises(TypeError, match="asks for 'weight'"):

        class Wrong(Operation):
            def forward(self, x):
                return x

            def grad_x(self, grad, weight):
                return grad


def test_a_rule_with_a_wrong_shape_is_named():
    class Wrong(Operation):
        def forward(self, x):
            return x * 2

        def grad_x(self, grad):
            return np.ones(5)

    with pytest.raises(
        RuntimeError, match=r"Wrong: a rule returned a gradient of shape \(5,\).*\(2,\)"
    ):
        apply(Wrong(), leaf(1.0, 2.0)).sum().backward()


def test_next_functions_lead_to_the_leaves():
    x = leaf(1.0)
    node = (x * 2).grad_fn
    assert node.name == "Mul"
    ((accumulate, index), (constant, _)) = node.next_functions
    assert type(accumulate).__name__ == "AccumulateGrad"
    assert accumulate.variable is x
    assert (index, constant) == (0, None)
