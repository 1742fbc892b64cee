"""Calling a module: scope, forward and backward hooks."""

import copy

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.autograd.mode import SCOPE
from tinygrad_edu.nn.scope import module_path


class Double(nn.Module):
    def forward(self, x):
        return x * 2


class Two(nn.Module):
    """Two outputs, the first of them from a layer of its own."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2)

    def forward(self, x, scale=2):
        return self.inner(x), x * scale


class Failing(nn.Module):
    def forward(self, x):
        raise ValueError("it had to be")

    def extra_repr(self):
        return "size=3"


def shapes(tensors):
    return [None if tensor is None else tensor.shape for tensor in tensors]


def leaf(*size):
    return tg.ones(*size, requires_grad=True)


# Scope: operations know the module that made them.


def test_operations_know_the_chain_of_modules_that_made_them():
    net = nn.Sequential(Double(), nn.Sequential(Double()))
    y = net(leaf(1))
    scope = y.grad_fn.scope
    assert scope.module is net[1][0]
    assert scope.parent.module is net[1]
    assert scope.parent.parent.module is net
    assert scope.parent.parent.parent is None
    assert module_path(scope) == ("1.0", net)


def test_operations_outside_a_module_belong_to_none():
    net = Double()
    assert (net(leaf(1)) * 2).grad_fn.scope is None


def test_the_scope_ends_with_an_error():
    with pytest.raises(ValueError, match="had to be"):
        Failing()(3)
    assert SCOPE.get() is None


def test_a_mode_that_forward_sets_outlives_it():
    class Freeze(nn.Module):
        def forward(self, x):
            tg.set_grad_enabled(False)
            return x

    try:
        Freeze()(leaf(1))
        assert not tg.is_grad_enabled()
        assert SCOPE.get() is None
    finally:
        tg.set_grad_enabled(True)


def test_a_module_runs_in_the_mode_that_is_set_around_it():
    with tg.no_grad():
        assert not Double()(leaf(1)).requires_grad


# Forward hooks. The orders are those that PyTorch shows.


def test_forward_hooks_run_in_order_of_registration():
    module, log = Two(), []
    for i in (1, 2):
        module.register_forward_pre_hook(lambda *_, i=i: log.append(f"pre {i}"))
        module.register_forward_hook(lambda *_, i=i: log.append(f"post {i}"))
    module.register_forward_pre_hook(lambda *_: log.append("pre 0"), prepend=True)
    module.register_forward_hook(lambda *_: log.append("post 0"), prepend=True)
    module.inner.register_forward_hook(lambda *_: log.append("inner"))
    module(tg.ones(1, 2))
    assert log == ["pre 0", "pre 1", "pre 2", "inner", "post 0", "post 1", "post 2"]


def test_hooks_see_arguments_keywords_and_output():
    module, seen = Two(), []
    module.register_forward_pre_hook(lambda m, args: seen.append((m, args)))
    module.register_forward_pre_hook(lambda m, args, kw: seen.append(kw), with_kwargs=True)
    module.register_forward_hook(lambda m, args, out: seen.append((args, out)))
    module.register_forward_hook(lambda m, args, kw, out: seen.append(kw), with_kwargs=True)
    x = tg.ones(1, 2)
    result = module(x, scale=5)
    assert seen[0] == (module, (x,))
    assert seen[1] == seen[3] == {"scale": 5}
    assert seen[2] == ((x,), result)


def test_hooks_replace_arguments_and_output():
    module = Double()
    module.register_forward_pre_hook(lambda m, args: args[0] + 1)
    module.register_forward_pre_hook(lambda m, args: (args[0] + 1,))
    module.register_forward_hook(lambda m, args, out: out * 100)
    assert module(tg.tensor(3.0)).item() == 1000


def test_a_hook_with_keywords_replaces_both():
    module = Two()
    module.register_forward_pre_hook(
        lambda m, args, kw: ((args[0] + 1,), {"scale": 10}), with_kwargs=True
    )
    assert module(tg.ones(1, 2))[1].tolist() == [[20, 20]]


def test_a_hook_with_keywords_must_return_both():
    module = Two()
    module.register_forward_pre_hook(lambda m, args, kw: args, with_kwargs=True)
    with pytest.raises(RuntimeError, match=r"must return None or a tuple of \(new_args, new_kw"):
        module(tg.ones(1, 2))


def test_a_removed_hook_does_not_run():
    module, log = Double(), []
    handle = module.register_forward_hook(lambda *_: log.append("ran"))
    with module.register_forward_pre_hook(lambda *_: log.append("pre")):
        module(tg.ones(1))
    handle.remove()
    handle.remove()
    module(tg.ones(1))
    assert log == ["pre", "ran"]


def test_a_hook_may_remove_itself():
    module, log = Double(), []

    def once(*_):
        log.append("ran")
        handle.remove()

    handle = module.register_forward_hook(once)
    module(tg.ones(1))
    module(tg.ones(1))
    assert log == ["ran"]


def test_a_hook_that_is_always_called_runs_after_an_error():
    module, log = Failing(), []
    module.register_forward_hook(lambda m, args, out: log.append(out), always_call=True)
    module.register_forward_hook(lambda *_: log.append("never"))
    with pytest.raises(ValueError, match="had to be"):
        module(1)
    assert log == [None]


def test_an_error_of_such_a_hook_is_a_warning():
    module = Failing()
    module.register_forward_hook(lambda *_: 1 / 0, always_call=True)
    with (
        pytest.warns(UserWarning, match="always_call=True raised ZeroDivisionError"),
        pytest.raises(ValueError, match="had to be"),
    ):
        module(1)


def test_an_error_in_a_hook_names_the_module():
    module = Double()
    module.register_forward_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError) as caught:
        module(1)
    assert caught.value.__notes__ == ["in Double()"]


def test_a_copy_has_hooks_of_its_own():
    module, log = Double(), []
    handle = module.register_forward_hook(lambda m, *_: log.append(m))
    twin = copy.deepcopy(module)
    handle.remove()
    module(1)
    twin(1)
    assert log == [twin]


# Backward hooks.


def log_backward(module, log):
    module.register_full_backward_pre_hook(lambda m, out: log.append(("pre", shapes(out))))
    module.register_full_backward_hook(
        lambda m, into, out: log.append(("post", shapes(into), shapes(out)))
    )


def hook_log(lib, requires_grad, used):
    """What all kinds of hooks of a module and its part are called with, in order."""

    class Pair(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = lib.nn.Linear(2, 2)

        def forward(self, x, scale=2):
            return self.inner(x), x * scale

    module, log = Pair(), []

    def shape(grad):
        return None if grad is None else tuple(grad.shape)

    def note(kind):
        def hook(_module, *values):
            backward = "backward" in kind
            log.append((kind, [list(map(shape, grads)) for grads in values] if backward else None))

        return hook

    for place in (module, module.inner):
        for i, prepend in enumerate((False, False, True)):
            name = f"{type(place).__name__} {i}"
            place.register_forward_pre_hook(note(f"{name} pre"), prepend=prepend)
            place.register_forward_hook(note(f"{name} post"), prepend=prepend)
            place.register_full_backward_pre_hook(note(f"{name} backward pre"), prepend)
            place.register_full_backward_hook(note(f"{name} backward"), prepend)
    outputs = module(lib.ones(3, 2, requires_grad=requires_grad))
    sum(outputs[i].sum() for i in used).backward()
    return log


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
@pytest.mark.parametrize(("requires_grad", "used"), [(True, [0, 1]), (True, [0]), (False, [0])])
def test_all_hooks_run_in_the_order_of_pytorch(requires_grad, used):
    torch = pytest.importorskip("torch")
    ours = hook_log(tg, requires_grad, used)
    assert ours == hook_log(torch, requires_grad, used)
    assert len(ours) >= 18


def test_backward_hooks_run_around_the_modules_inside():
    module, log = Two(), []
    for i in (1, 2):
        module.register_full_backward_pre_hook(lambda *_, i=i: log.append(f"pre {i}"))
        module.register_full_backward_hook(lambda *_, i=i: log.append(f"post {i}"))
    module.register_full_backward_pre_hook(lambda *_: log.append("pre 0"), prepend=True)
    module.register_full_backward_hook(lambda *_: log.append("post 0"), prepend=True)
    module.inner.register_full_backward_hook(lambda *_: log.append("inner"))
    a, b = module(leaf(3, 2))
    (a.sum() + b.sum()).backward()
    assert log == ["pre 0", "pre 1", "pre 2", "inner", "post 0", "post 1", "post 2"]


def test_all_output_gradients_are_gathered_before_the_hooks_run():
    module, log = Two(), []
    log_backward(module, log)
    a, b = module(leaf(3, 2))
    (a.exp().sum() + b.sum()).backward()
    assert log == [("pre", [(3, 2), (3, 2)]), ("post", [(3, 2)], [(3, 2), (3, 2)])]


def test_an_output_that_is_not_used_has_no_gradient():
    module, log = Two(), []
    log_backward(module, log)
    module(leaf(3, 2))[0].sum().backward()
    assert log == [("pre", [(3, 2), None]), ("post", [(3, 2)], [(3, 2), None])]


def test_without_a_gradient_of_the_inputs_the_hooks_run_at_the_outputs():
    module, log = Two(), []
    log_backward(module, log)
    module.inner.register_full_backward_hook(lambda *_: log.append("inner"))
    module(tg.ones(3, 2))[0].sum().backward()
    assert log == [("pre", [(3, 2), None]), ("post", [None], [(3, 2), None]), "inner"]


def test_if_the_inputs_are_not_asked_for_only_the_pre_hooks_run():
    module, log = Two(), []
    log_backward(module, log)
    a, _ = module(leaf(3, 2))
    tg.autograd.grad(a.sum(), module.inner.weight)
    assert log == [("pre", [(3, 2), None])]


def test_the_hooks_see_the_true_gradients_and_do_not_change_them():
    layer, seen = nn.Linear(2, 3), []
    x = tg.randn(4, 2, requires_grad=True)
    plain = tg.autograd.grad((layer(x) ** 2).sum(), [x, layer.weight])
    layer.register_full_backward_hook(lambda m, into, out: seen.extend([*into, *out]))
    y = layer(x)
    hooked = tg.autograd.grad((y**2).sum(), [x, layer.weight])
    for a, b in zip(plain, hooked, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6)
    np.testing.assert_allclose(seen[0].numpy(), plain[0].numpy(), rtol=1e-6)
    np.testing.assert_allclose(seen[1].numpy(), 2 * y.detach().numpy(), rtol=1e-6)


def test_what_a_hook_does_to_its_gradients_in_place_stays_with_the_hook():
    def clear(_module, grad_input, grad_output):
        grad_input[0].zero_()
        grad_output[0].zero_()

    module, x = Double(), leaf(2)
    module.register_full_backward_hook(clear)
    module(x).sum().backward()
    assert x.grad.tolist() == [2, 2]


@pytest.mark.parametrize("pack", [lambda grad: grad, lambda grad: (grad,)])
def test_hooks_replace_gradients_one_after_the_other(pack):
    module, x = Double(), leaf(2)
    module.register_full_backward_pre_hook(lambda m, out: pack(out[0] * 5))
    module.register_full_backward_hook(lambda m, into, out: pack(into[0] + 1))
    module.register_full_backward_hook(lambda m, into, out: pack(into[0] * 100))
    module(x).sum().backward()
    assert x.grad.tolist() == [1100, 1100]


def test_replaced_output_gradients_reach_the_parameters():
    layer = nn.Linear(2, 1)
    layer.register_full_backward_pre_hook(lambda m, out: (out[0] * 0,))
    layer(leaf(3, 2)).sum().backward()
    assert layer.weight.grad.tolist() == [[0, 0]]


def test_several_inputs_are_gathered():
    class Product(nn.Module):
        def forward(self, a, b, power):
            return (a * b) ** power

    module, log = Product(), []
    log_backward(module, log)
    a, b = leaf(2), leaf(3, 1)
    module(a, b, 2).sum().backward()
    assert log[1] == ("post", [(2,), (3, 1), None], [(3, 2)])
    assert a.grad.tolist() == [6, 6]
    module(a, b.detach(), 2).sum().backward()
    assert log[3] == ("post", [(2,), None, None], [(3, 2)])


@pytest.mark.parametrize(
    ("register", "answer", "message"),
    [
        ("hook", lambda g: (g, g), "hook returned an invalid number of grad_input: got 2"),
        ("pre_hook", lambda g: (g, g), "pre-hook returned an invalid number of grad_output: got 2"),
        ("hook", lambda g: g.sum(), r"grad_input\[0\] has shape \(2,\); got shape \(\)"),
        ("pre_hook", lambda g: (3,), r"grad_output\[0\] has shape \(2,\); got int"),
    ],
)
def test_a_wrong_replacement_is_explained(register, answer, message):
    module = Double()
    getattr(module, f"register_full_backward_{register}")(lambda m, grads, *_: answer(grads[0]))
    with pytest.raises(RuntimeError, match=message):
        module(leaf(2)).sum().backward()


def test_a_gradient_cannot_be_put_where_none_is_asked_for():
    module = nn.Linear(2, 1)
    module.register_full_backward_hook(lambda m, into, out: (tg.ones(3, 2),))
    with pytest.raises(RuntimeError, match=r"in grad_input\[0\], where none is asked for"):
        module(tg.ones(3, 2)).sum().backward()


def test_a_replacement_of_none_stops_the_gradient():
    module, x = Double(), leaf(2)
    module.register_full_backward_hook(lambda m, into, out: (None,))
    module(x).sum().backward()
    assert x.grad is None


def test_backward_hooks_run_again_in_a_second_pass():
    module, log = Two(), []
    log_backward(module, log)
    loss = module(leaf(3, 2))[0].sum()
    loss.backward(retain_graph=True)
    loss.backward()
    assert len(log) == 4


def test_gradients_of_gradients_pass_through_the_hooks():
    class Cube(nn.Module):
        def forward(self, x):
            return x**3

    module, x = Cube(), tg.tensor(2.0, requires_grad=True)
    module.register_full_backward_hook(lambda m, into, out: (into[0] * 10,))
    (first,) = tg.autograd.grad(module(x), x, create_graph=True)
    (second,) = tg.autograd.grad(first, x)
    assert (first.item(), second.item()) == (120, 120)


@pytest.mark.parametrize("pack", [list, lambda ys: dict(enumerate(ys)), tuple])
def test_outputs_may_be_packed(pack):
    class Packed(nn.Module):
        def forward(self, x):
            return pack([x, None, x * 2])

    module, log, x = Packed(), [], leaf(2)
    log_backward(module, log)
    result = module(x)
    assert type(result) is type(pack([]))
    (result[0] + result[2]).sum().backward()
    assert log[0] == ("pre", [(2,), None, (2,)])
    assert x.grad.tolist() == [3, 3]


def test_a_named_tuple_comes_back_as_one():
    class Extrema(nn.Module):
        def forward(self, x):
            return x.max(dim=0)

    module = Extrema()
    log_backward(module, [])
    result = module(leaf(3, 2))
    assert result.values.shape == result.indices.shape == (2,)


def test_outputs_that_hooks_cannot_see_are_refused():
    class Text(nn.Module):
        def forward(self, x):
            return "text"

    module = Text()
    log_backward(module, [])
    with pytest.raises(TypeError, match="Text has backward hooks, so its forward must return"):
        module(leaf(1))


def test_without_recording_backward_hooks_leave_no_trace():
    module = Two()
    log_backward(module, [])
    with tg.no_grad():
        assert module(leaf(3, 2))[0].grad_fn is None


@pytest.mark.parametrize("change", ["inside", "outside"])
def test_in_place_changes_around_hooks_give_the_right_gradient(change):
    class Square(nn.Module):
        def forward(self, x):
            return x.mul_(3) if change == "inside" else x * 3

    module, x = Square(), leaf(2)
    log_backward(module, [])
    y = x * 1
    z = module(y)
    if change == "outside":
        z.mul_(5)
    (z.sum() + y.sum()).backward()
    assert x.grad.tolist() == ([6, 6] if change == "inside" else [16, 16])


def test_a_leaf_still_refuses_in_place_changes_behind_a_hook():
    class Inplace(nn.Module):
        def forward(self, x):
            return x.mul_(3)

    module = Inplace()
    log_backward(module, [])
    with pytest.raises(RuntimeError, match="leaf"):
        module(leaf(2))


def test_gradients_of_leaves_behind_hooks_are_not_shared():
    module, x, y = Double(), leaf(2), leaf(2)
    log_backward(module, [])
    (module(x) + module(y)).sum().backward()
    assert not np.shares_memory(x.grad.array, y.grad.array)
