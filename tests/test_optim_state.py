"""Optimizers: parameter groups, state dicts, hooks, and optimizers of one's own."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from optim_cases import EVERY, IDS, OPTIMIZERS, ROWS, follow, gradients

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.optim.optimizer import required


def leaf(size=2):
    return tg.zeros(size, requires_grad=True)


def sgd(*args, **kwargs):
    return optim.SGD(*args, **{"lr": 0.1, **kwargs})


# Parameters and groups.


def test_groups_have_options_of_their_own():
    p, q = leaf(1), leaf(1)
    optimizer = sgd([{"params": [p], "lr": 1.0}, {"params": q}])
    p.grad, q.grad = tg.ones(1), tg.ones(1)
    optimizer.step()
    assert (p.item(), q.item()) == (-1, pytest.approx(-0.1))


def test_a_group_added_later_is_updated():
    p, q = leaf(1), leaf(1)
    optimizer = sgd([p])
    optimizer.add_param_group({"params": [q], "lr": 2.0})
    q.grad = tg.ones(1)
    optimizer.step()
    assert q.item() == -2


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_changing_the_rate_of_a_group_takes_effect(cls):
    p, q = leaf(), leaf()
    optimizer, other = cls([p], lr=0.1), cls([q], lr=0.4)
    optimizer.param_groups[0]["lr"] = 0.4
    follow(p, optimizer, gradients((2,), 2, dtype=np.float32))
    follow(q, other, gradients((2,), 2, dtype=np.float32))
    assert p.tolist() == q.tolist()


def test_a_group_may_be_empty_but_not_all():
    optimizer = sgd([{"params": [leaf()]}, {"params": []}])
    optimizer.step()
    assert [len(group["params"]) for group in optimizer.param_groups] == [1, 0]
    with pytest.raises(ValueError, match="empty parameter list"):
        sgd([])


def test_the_callers_dicts_are_left_alone():
    group = {"params": [leaf()]}
    optimizer = sgd([group])
    assert list(group) == ["params"]
    assert optimizer.defaults["lr"] == 0.1


def test_named_parameters_are_accepted_and_their_names_kept():
    p, q = leaf(), leaf()
    optimizer = sgd([("weight", p), ("bias", q)])
    assert optimizer.param_groups[0]["params"] == [p, q]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
    other = sgd([leaf(), leaf()])
    other.load_state_dict(optimizer.state_dict())
    assert other.param_groups[0]["param_names"] == ["weight", "bias"]
    optimizer.load_state_dict(sgd([leaf(), leaf()]).state_dict())
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]


def test_a_parameter_listed_twice_is_warned_about_and_updated_twice():
    p = leaf(1)
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optimizer = sgd([p, p], lr=1.0)
    p.grad = tg.ones(1)
    optimizer.step()
    assert p.item() == -2
    assert optimizer.state_dict()["param_groups"][0]["params"] == [0, 0]


def test_a_result_that_retains_its_gradient_may_be_optimized():
    x = leaf() * 2
    with pytest.raises(ValueError, match=r"non-leaf Tensor.*grad_fn=Mul"):
        sgd([x])
    x.retain_grad()
    sgd([x])


def not_tensors():
    return [
        (lambda: sgd(iter(())), ValueError, "empty parameter list.*used up"),
        (lambda: sgd(leaf()), TypeError, r"single tensor: write \[tensor\]"),
        (lambda: sgd([1.0]), TypeError, "only optimize Tensors.*float"),
        (lambda: sgd([{"params": {leaf()}}]), TypeError, "ordered collections"),
        (lambda: sgd([leaf()]).add_param_group([leaf()]), TypeError, "must be a dict.*got list"),
        (lambda: sgd([("a", leaf()), leaf()]), ValueError, "names are missing: 1 of 2 have one"),
        (
            lambda: sgd([("a", leaf())]).add_param_group({"params": leaf()}),
            ValueError,
            "should be with/without names.*without names",
        ),
        (
            lambda: sgd([leaf()]).add_param_group({"params": [("a", leaf())]}),
            ValueError,
            "cannot add param group with names",
        ),
    ]


@pytest.mark.parametrize(("call", "error", "message"), not_tensors())
def test_what_is_no_list_of_parameters_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_parameter_belongs_to_one_group():
    p = leaf()
    with pytest.raises(ValueError, match="more than one parameter group"):
        sgd([{"params": [p]}, {"params": [p]}])


def test_zero_grad_forgets_or_fills_with_zeros():
    p = leaf(1)
    optimizer = sgd([p])
    p.grad = gradient = tg.ones(1)
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == gradient.tolist() == [0.0]
    optimizer.zero_grad()
    assert p.grad is None
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is None


def test_zero_grad_cuts_off_the_graph_of_a_gradient():
    p = tg.ones(1, requires_grad=True)
    (p**3).sum().backward(create_graph=True)
    sgd([p]).zero_grad(set_to_none=False)
    assert not p.grad.requires_grad
    assert p.grad.tolist() == [0.0]


def test_the_repr_lists_the_options_of_each_group():
    text = repr(sgd([leaf()]))
    assert text.startswith(
        "SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n"
    )
    assert "    lr: 0.1\n" in text
    two = repr(sgd([{"params": [leaf()]}, {"params": [leaf()]}]))
    assert "    weight_decay: 0\n\nParameter Group 1\n" in two


def test_what_holds_no_tensors_is_refused():
    with pytest.raises(TypeError, match=r"got Linear. Pass its parameters\(\)."):
        sgd(nn.Linear(2, 2))
    with pytest.raises(TypeError, match=r"an iterable of tensors; got NoneType.$"):
        sgd(None)


# State dicts.


@pytest.mark.parametrize("way", ["state dict", "deepcopy", "pickle"])
@pytest.mark.parametrize(("cls", "options"), ROWS, ids=IDS)
def test_a_run_continues_exactly(cls, options, way):
    steps = gradients((2, 2), 8, dtype=np.float32)
    p = tg.zeros(2, 2, requires_grad=True)
    optimizer = cls([p], **options)
    follow(p, optimizer, steps[:4])
    if way == "state dict":
        q = p.detach().clone().requires_grad_()
        second = cls([q], lr=99.0)
        second.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    else:
        copied = copy.deepcopy(optimizer)
        second = copied if way == "deepcopy" else pickle.loads(pickle.dumps(optimizer))
        q = second.param_groups[0]["params"][0]
    assert q is not p
    follow(p, optimizer, steps[4:])
    follow(q, second, steps[4:])
    np.testing.assert_array_equal(q.array, p.array)


@pytest.mark.parametrize(("cls", "options"), ROWS, ids=IDS)
def test_a_state_dict_that_was_loaded_is_a_copy(cls, options):
    p, q = leaf(4), leaf(4)
    first = cls([p], **options)
    follow(p, first, gradients((4,), 2, dtype=np.float32))
    saved = first.state_dict()
    before = copy.deepcopy(saved)
    second = cls([q], lr=0.05)
    second.load_state_dict(saved)
    follow(q, second, gradients((4,), 2, dtype=np.float32))
    assert str(first.state_dict()) == str(before)


def test_parameters_are_numbered_through_all_groups():
    params = [leaf() for _ in range(3)]
    optimizer = optim.Adam([{"params": params[:1]}, {"params": params[1:], "lr": 0.5}])
    params[2].grad = tg.ones(2)
    optimizer.step()
    saved = optimizer.state_dict()
    assert [group["params"] for group in saved["param_groups"]] == [[0], [1, 2]]
    assert [group["lr"] for group in saved["param_groups"]] == [0.001, 0.5]
    assert list(saved["state"]) == [2]
    assert list(saved["state"][2]) == ["step", "exp_avg", "exp_avg_sq"]


def test_sgd_without_momentum_has_no_state():
    p = leaf()
    optimizer = sgd([p])
    follow(p, optimizer, gradients((2,), 2, dtype=np.float32))
    assert optimizer.state_dict()["state"] == {}
    optimizer = sgd([p], momentum=0.9)
    follow(p, optimizer, gradients((2,), 2, dtype=np.float32))
    assert list(optimizer.state[p]) == ["momentum_buffer"]


def test_a_state_of_other_types_takes_those_of_the_parameter():
    p = tg.zeros(2, dtype=tg.float64, requires_grad=True)
    optimizer = optim.NAdam([p])
    follow(p, optimizer, gradients((2,), 2))
    saved = copy.deepcopy(optimizer.state_dict())
    saved["state"][0]["step"] = tg.tensor(2.0)  # PyTorch's numbers are tensors
    saved["state"][0]["mu_product"] = np.array(saved["state"][0]["mu_product"])
    saved["state"][0]["exp_avg"] = saved["state"][0]["exp_avg"].numpy()
    q = leaf()
    second = optim.NAdam([q])
    second.load_state_dict(saved)
    state = second.state[q]
    assert type(state["step"]) is int
    assert type(state["mu_product"]) is float
    assert state["exp_avg"].dtype == state["exp_avg_sq"].dtype == tg.float32


def test_options_that_a_state_dict_does_not_know_are_the_defaults():
    optimizer = optim.Adam([leaf()], amsgrad=True)
    saved = optimizer.state_dict()
    del saved["param_groups"][0]["amsgrad"]
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["amsgrad"] is True


def test_adamw_stays_adamw_with_a_state_of_adam():
    optimizer = optim.AdamW([leaf()])
    optimizer.load_state_dict(optim.Adam([leaf()], lr=0.5).state_dict())
    assert optimizer.param_groups[0]["decoupled_weight_decay"] is True
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_a_state_dict_that_does_not_fit_is_refused_and_nothing_changed():
    p = leaf()
    one, two = optim.Adam([p], lr=0.1), optim.Adam([leaf(), leaf()], lr=0.2)
    with pytest.raises(ValueError, match=r"doesn't match the size.*2 parameters there, 1 here"):
        one.load_state_dict(two.state_dict())
    groups = optim.Adam([{"params": [leaf()]}, {"params": [leaf()]}], lr=0.2)
    with pytest.raises(ValueError, match="number of parameter groups: 2, this optimizer has 1"):
        one.load_state_dict(groups.state_dict())
    q = leaf(3)
    other = optim.Adam([q], lr=0.2)
    follow(q, other, [np.ones(3, np.float32)])
    with pytest.raises(ValueError, match=r"'exp_avg' has shape \(3,\), its par.*shape \(2,\)"):
        one.load_state_dict(other.state_dict())
    saved = optim.Adam([leaf()], lr=0.2).state_dict()
    saved["param_groups"][0]["capturable"] = True
    with pytest.raises(ValueError, match="capturable=True is not supported"):
        one.load_state_dict(saved)
    assert one.param_groups[0]["lr"] == 0.1
    assert not one.state


def test_the_momentum_of_a_pytorch_state_dict_is_continued():
    p = leaf()
    optimizer = sgd([p], momentum=0.5)
    saved = optimizer.state_dict()
    saved["state"] = {0: {"momentum_buffer": tg.tensor([4.0, 8.0])}}
    optimizer.load_state_dict(saved)
    p.grad = tg.ones(2)
    optimizer.step()
    np.testing.assert_allclose(p.array, [-0.3, -0.5], rtol=1e-6)


def test_a_momentum_of_none_is_the_first_gradient():
    p = leaf()
    optimizer = sgd([p], momentum=0.5)
    optimizer.load_state_dict({**optimizer.state_dict(), "state": {0: {"momentum_buffer": None}}})
    p.grad = tg.ones(2)
    optimizer.step()
    assert optimizer.state[p]["momentum_buffer"].tolist() == [1.0, 1.0]


# Hooks.


def test_step_hooks_are_called_around_the_step():
    p = leaf(1)
    optimizer = sgd([p], lr=1.0)
    seen = []
    p.grad = tg.ones(1)

    def before(self, args, kwargs):
        seen.append((p.item(), self is optimizer, args == (optimizer,), kwargs))

    def after(self, args, kwargs):
        seen.append((p.item(), self is optimizer, args == (optimizer,), kwargs))

    handles = [optimizer.register_step_pre_hook(before), optimizer.register_step_post_hook(after)]
    optimizer.step()
    assert seen == [(0, True, True, {}), (-1, True, True, {})]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(seen) == 2


def test_a_pre_hook_may_replace_the_arguments():
    optimizer = sgd([leaf()])
    optimizer.register_step_pre_hook(lambda self, args, kwargs: (args, {"closure": lambda: 7.0}))
    assert optimizer.step() == 7.0


def test_a_pre_hook_that_returns_something_else_is_refused():
    optimizer = sgd([leaf()])
    optimizer.register_step_pre_hook(lambda self, args, kwargs: 3)
    with pytest.raises(RuntimeError, match=r"None or a tuple of \(new_args, new_kwargs\); got 3"):
        optimizer.step()


@pytest.mark.parametrize("cls", EVERY)
def test_hooks_run_once_for_a_step_that_calls_that_of_its_base(cls):
    class Mine(cls):
        def step(self, closure=None):
            return super().step(closure)

    p = leaf()
    optimizer = Mine([p])
    seen = []
    optimizer.register_step_pre_hook(lambda *_: seen.append("before"))
    optimizer.register_step_post_hook(lambda *_: seen.append("after"))

    def closure():
        loss = (p * p).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert seen == ["before", "after"]


def test_hooks_of_state_dicts_see_and_replace_them():
    optimizer = sgd([leaf()])
    seen = []
    optimizer.register_state_dict_pre_hook(lambda self: seen.append("save"))
    optimizer.register_state_dict_post_hook(lambda self, state: {**state, "more": 1})
    optimizer.register_state_dict_post_hook(lambda self, state: seen.append("first"), prepend=True)
    saved = optimizer.state_dict()
    assert saved["more"] == 1
    assert seen == ["save", "first"]

    def double(self, state):
        groups = [{**group, "lr": group["lr"] * 2} for group in state["param_groups"]]
        return {**state, "param_groups": groups}

    optimizer.register_load_state_dict_pre_hook(double)
    optimizer.register_load_state_dict_post_hook(lambda self: seen.append("loaded"))
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["lr"] == 0.2
    assert seen[-1] == "loaded"


def test_copies_of_an_optimizer_have_no_hooks():
    optimizer = sgd([leaf()])
    optimizer.register_step_pre_hook(lambda *_: pytest.fail("the hook of another optimizer"))
    copy.deepcopy(optimizer).step()


# Optimizers of one's own.


class Adaptive(optim.Optimizer):
    """Written as in PyTorch's tutorials, with three betas, which no rule of ours forbids."""

    def __init__(self, params, lr=required, betas=(0.9, 0.99, 2.0)):
        super().__init__(params, {"lr": lr, "betas": betas})

    @tg.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with tg.enable_grad():
                loss = closure()
        for group in self.param_groups:
            beta = group["betas"][0]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if len(state) == 0:
                    state["step"] = 0
                    state["exp_avg"] = tg.zeros_like(p.data)
                    state["history"] = []
                state["step"] += 1
                state["exp_avg"].mul_(beta).add_(p.grad.data, alpha=1 - beta)
                state["history"].append(p.grad.norm())
                p.data.add_(state["exp_avg"], alpha=-group["lr"])
        return loss


def test_an_optimizer_of_your_own_is_written_as_in_pytorch():
    p = tg.ones(2, requires_grad=True)
    optimizer = Adaptive([{"params": [p], "lr": 0.5}])
    p.grad = tg.ones(2)
    assert optimizer.step() is None
    np.testing.assert_allclose(p.array, [0.95, 0.95], rtol=1e-6)
    q = p.detach().clone().requires_grad_()
    second = Adaptive([q], lr=0.1)
    second.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    follow(p, optimizer, [np.full(2, 3, np.float32)])
    follow(q, second, [np.full(2, 3, np.float32)])
    assert q.tolist() == p.tolist()
    assert second.state[q]["step"] == len(second.state[q]["history"]) == 2


def test_an_option_without_a_default_is_asked_for():
    with pytest.raises(ValueError, match="required optimization parameter lr"):
        Adaptive([leaf()])
    assert repr(required) == "<required parameter>"


def test_an_optimizer_of_your_own_has_hooks_too():
    p = leaf()
    optimizer = Adaptive([p], lr=0.5)
    seen = []
    optimizer.register_step_post_hook(lambda *_: seen.append(1))
    optimizer.step()
    assert seen == [1]


def test_an_optimizer_without_a_step_says_so():
    with pytest.raises(NotImplementedError, match=r"Optimizer does not define step\(\)"):
        optim.Optimizer([leaf()], {}).step()


def test_state_that_belongs_to_no_parameter_is_kept():
    optimizer = Adaptive([leaf()], lr=0.5)
    optimizer.state["all"] = {"seen": 3}
    second = Adaptive([leaf()], lr=0.5)
    second.load_state_dict(optimizer.state_dict())
    assert second.state["all"] == {"seen": 3}
