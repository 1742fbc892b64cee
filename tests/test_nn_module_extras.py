"""Extra state, submodules by path, hooks behind an accumulated gradient, and what does nothing."""

import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn as nn


class Counter(nn.Module):
    """A module with a state that is no tensor."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(tg.ones(1))
        self.count = 0

    def get_extra_state(self):
        return {"count": self.count}

    def set_extra_state(self, state):
        self.count = state["count"]


def test_extra_state_is_saved_and_loaded_with_the_tensors():
    net, other = nn.Sequential(Counter()), nn.Sequential(Counter())
    net[0].count = 3
    state = net.state_dict()
    assert list(state) == ["0.weight", "0._extra_state"]
    other.load_state_dict(state)
    assert other[0].count == 3


def test_extra_state_that_is_missing_or_unknown_is_reported():
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "_extra_state"'):
        Counter().load_state_dict({"weight": tg.ones(1)})
    result = Counter().load_state_dict({"weight": tg.ones(1)}, strict=False)
    assert result.missing_keys == ["_extra_state"]
    with pytest.raises(RuntimeError, match=r'Unexpected key\(s\) in state_dict: "_extra_state"'):
        nn.Identity().load_state_dict({"_extra_state": 1})


def test_a_module_has_no_extra_state_of_its_own():
    with pytest.raises(RuntimeError, match="Linear has no extra state: define get_extra_state"):
        nn.Linear(1, 1).get_extra_state()
    with pytest.raises(RuntimeError, match="Linear has no extra state: define set_extra_state"):
        nn.Linear(1, 1).set_extra_state(1)


def test_a_submodule_is_put_in_place_by_its_path():
    net = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.Tanh()))
    net.set_submodule("1.0", nn.ReLU())
    assert isinstance(net[1][0], nn.ReLU)
    net.set_submodule("1.extra", nn.Tanh())
    assert isinstance(net[1].extra, nn.Tanh)


@pytest.mark.parametrize(
    ("target", "module", "strict", "error", "message"),
    [
        ("", nn.ReLU(), False, ValueError, "must not be empty"),
        ("0", tg.ones(1), False, ValueError, "expected a module for '0', got Tensor"),
        ("7.0", nn.ReLU(), False, AttributeError, "no submodule '7'"),
        ("0.weight", nn.ReLU(), False, AttributeError, "'weight' is not a module in Linear"),
        ("1", nn.ReLU(), True, AttributeError, "no submodule '1': '1' does not exist"),
    ],
)
def test_a_submodule_needs_a_place(target, module, strict, error, message):
    with pytest.raises(error, match=message):
        nn.Sequential(nn.Linear(1, 1)).set_submodule(target, module, strict)


def test_compile_does_nothing_and_cuda_is_refused():
    net = nn.Linear(1, 1)
    assert net.compile(mode="max-autotune") is None
    with pytest.raises(RuntimeError, match="computes on the CPU"):
        net.cuda()
    assert nn.ReLU().cuda()(tg.tensor(-1.0)).item() == 0.0


# Tensor.register_post_accumulate_grad_hook.


def test_a_hook_behind_accumulation_sees_the_complete_gradient():
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    seen = []
    handle = w.register_post_accumulate_grad_hook(lambda w: seen.append(w.grad.tolist()))
    w.register_hook(lambda grad: 10 * grad)
    (w.sum() + w.sum()).backward()
    w.sum().backward()
    assert seen == [[20.0, 20.0], [30.0, 30.0]]
    handle.remove()
    w.sum().backward()
    assert len(seen) == 2
    assert tg.autograd.grad(w.sum(), w)[0].tolist() == [10.0, 10.0]


def test_an_optimizer_can_step_as_soon_as_a_gradient_is_there():
    net, other = nn.Linear(2, 1), nn.Linear(2, 1)
    other.load_state_dict(net.state_dict())
    for parameter in net.parameters():
        optimizer = tg.optim.SGD([parameter], lr=0.1)

        def step(parameter, optimizer=optimizer):
            optimizer.step()
            optimizer.zero_grad()

        parameter.register_post_accumulate_grad_hook(step)
    usual = tg.optim.SGD(other.parameters(), lr=0.1)
    for _ in range(3):
        net(tg.ones(4, 2)).square().sum().backward()
        other(tg.ones(4, 2)).square().sum().backward()
        usual.step()
        usual.zero_grad()
    assert net.weight.grad is None
    assert tg.allclose(net.weight, other.weight)
    assert tg.allclose(net.bias, other.bias)


def test_only_leaves_accumulate():
    x = tg.ones(1, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"this one was computed\. For an intermediate result"):
        (x * 2).register_post_accumulate_grad_hook(print)
    with pytest.raises(RuntimeError, match="this one does not require grad"):
        tg.ones(1).register_post_accumulate_grad_hook(print)
