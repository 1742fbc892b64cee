"""Module: registration, traversal, printing. Parameter and Buffer."""

import copy
import gc
import pickle
import weakref
from collections import OrderedDict

import numpy as np
import pytest
from nn_models import Net, Norm, names

import tinygrad_edu as tg
from tinygrad_edu import nn

# Registration.


def test_parameters_come_in_the_order_of_assignment():
    assert names(Net().named_parameters()) == [
        "first.weight",
        "first.bias",
        "norm.weight",
        "last.1.weight",
        "last.1.bias",
    ]


def test_replacing_a_parameter_keeps_its_place():
    layer = nn.Linear(2, 3)
    layer.weight = nn.Parameter(tg.zeros(3, 2))
    assert names(layer.named_parameters()) == ["weight", "bias"]
    assert layer.weight.sum() == 0


def test_a_parameter_set_to_none_is_no_parameter_any_more_and_can_come_back():
    layer = nn.Linear(2, 3)
    layer.bias = None
    assert layer.bias is None
    assert names(layer.named_parameters()) == ["weight"]
    layer.bias = nn.Parameter(tg.zeros(3))
    assert names(layer.named_parameters()) == ["weight", "bias"]


@pytest.mark.parametrize("name", ["weight", "mean", "child", "plain"])
def test_a_deleted_attribute_is_gone(name):
    module = Norm()
    module.child = nn.Tanh()
    module.plain = 3
    delattr(module, name)
    assert not hasattr(module, name)
    with pytest.raises(AttributeError):
        delattr(module, name)


def test_a_module_takes_the_place_of_a_buffer_of_its_name():
    module = Norm()
    module.mean = nn.Tanh()
    assert "mean" not in names(module.named_buffers())
    assert names(module.named_children()) == ["mean"]


def test_a_parameter_takes_the_place_of_a_plain_attribute():
    module = nn.Module()
    module.scale = 3
    module.scale = nn.Parameter(tg.ones(1))
    assert isinstance(module.scale, nn.Parameter)
    assert "scale" not in vars(module)


def test_a_parameter_that_replaces_a_transient_buffer_is_saved():
    module = Norm()
    module.cache = nn.Parameter(tg.ones(1))
    assert "cache" in module.state_dict()


def test_a_tensor_assigned_to_a_buffer_name_is_the_buffer():
    module = Norm()
    mean = tg.ones(2)
    module.mean = mean
    assert dict(module.named_buffers())["mean"] is mean
    module.mean = None
    assert names(module.named_buffers()) == ["cache", "count"]


def test_a_tensor_assigned_to_another_name_is_a_plain_attribute():
    module = nn.Module()
    module.grid = tg.ones(2)
    assert list(module.state_dict()) == []
    assert "grid" in vars(module)


def test_a_buffer_object_registers_itself():
    module = nn.Module()
    module.kept = nn.Buffer(tg.zeros(2))
    module.cache = nn.Buffer(tg.zeros(2), persistent=False)
    assert names(module.named_buffers()) == ["kept", "cache"]
    assert list(module.state_dict()) == ["kept"]


def test_a_parameter_may_be_registered_as_none():
    module = nn.Module()
    module.register_parameter("bias", None)
    assert module.bias is None
    assert list(module.parameters()) == []


WRONG_NAMES = [
    ("a.b", KeyError, "must not contain a dot: a.b is a path"),
    ("", KeyError, "must not be empty"),
    (3, TypeError, "name is a string; got int"),
    ("forward", KeyError, "attribute 'forward' already exists in Module"),
]


@pytest.mark.parametrize("method", ["register_parameter", "register_buffer", "add_module"])
@pytest.mark.parametrize(("name", "error", "message"), WRONG_NAMES)
def test_names_are_checked(method, name, error, message):
    with pytest.raises(error, match=message):
        getattr(nn.Module(), method)(name, None)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "weight",
            tg.ones(2),
            "cannot assign 'Tensor' as parameter 'weight' .nn.Parameter or None",
        ),
        ("weight", 3, "cannot assign 'int' as parameter 'weight'"),
        ("weight", nn.Module(), "cannot assign 'Module' as parameter 'weight'"),
        ("mean", 3, "cannot assign 'int' as buffer 'mean' .a tensor or None expected"),
        ("child", 3, "cannot assign 'int' as child module 'child' .nn.Module or None expected"),
    ],
)
def test_a_registered_name_refuses_other_things(name, value, message):
    module = Norm()
    module.child = nn.Tanh()
    with pytest.raises(TypeError, match=message):
        setattr(module, name, value)


def test_the_refusal_of_a_tensor_says_how_to_assign_it():
    with pytest.raises(TypeError, match=r"Wrap it, nn.Parameter\(tensor\), or .*copy_"):
        Norm().weight = tg.ones(2)


def test_register_parameter_refuses_plain_and_computed_tensors():
    with pytest.raises(TypeError, match="cannot assign 'Tensor' as parameter 'w'"):
        nn.Module().register_parameter("w", tg.ones(1))
    computed = tg.ones(1, requires_grad=True) * 2
    with pytest.raises(ValueError, match="leaves of the graph"):
        nn.Module().register_parameter("w", computed)


def test_register_module_refuses_a_class_with_a_hint():
    with pytest.raises(TypeError, match=r"Tanh is not a Module subclass. Did you forget to call"):
        nn.Module().add_module("tanh", nn.Tanh)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (nn.Parameter(tg.ones(1)), "the parameter 'x'"),
        (nn.Buffer(tg.ones(1)), "the buffer 'x'"),
        (nn.Module(), "the module 'x'"),
    ],
)
def test_registering_before_super_init_says_what_to_call(value, kind):
    class Hasty(nn.Module):
        def __init__(self):
            self.x = value

    with pytest.raises(AttributeError, match=rf"Hasty: call super\(\).__init__\(\).*{kind}"):
        Hasty()


def test_plain_attributes_may_come_before_super_init():
    class Early(nn.Module):
        def __init__(self, size):
            self.size = size
            super().__init__()

    assert Early(3).size == 3


def test_using_a_module_without_super_init_says_what_to_call():
    class Forgot(nn.Module):
        def __init__(self):
            pass

    with pytest.raises(AttributeError, match=r"Forgot: call super\(\).__init__\(\)"):
        list(Forgot().parameters())


def test_a_missing_attribute_suggests_similar_names():
    with pytest.raises(
        AttributeError, match=r"'Linear' object has no attribute 'wieght'\. Did you mean 'weight'"
    ):
        nn.Linear(2, 3).wieght  # noqa: B018


def test_a_property_that_fails_reports_its_own_error():
    class Wrong(nn.Module):
        @property
        def size(self):
            return self.weight.shape

    with pytest.raises(AttributeError, match="'Wrong' object has no attribute 'weight'"):
        Wrong().size  # noqa: B018


def test_registered_names_are_listed_by_dir():
    listed = dir(Net())
    assert {"first", "norm", "last", "parameters"} <= set(listed)


# Traversal.


def test_modules_are_walked_in_depth_first_order():
    assert names(Net().named_modules()) == ["", "first", "norm", "last", "last.0", "last.1"]
    assert names(Net().named_modules(prefix="net"))[:2] == ["net", "net.first"]


def test_a_shared_parameter_is_counted_once():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    assert names(net.named_parameters()) == ["0.weight", "0.bias", "1.bias"]
    assert len(list(net.named_parameters(remove_duplicate=False))) == 4
    assert list(net.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_a_shared_module_is_visited_once():
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, layer)
    assert len(list(net.modules())) == 2
    assert len(list(net.children())) == 1
    assert names(net.named_modules(remove_duplicate=False)) == ["", "0", "1"]
    assert names(net.named_parameters(remove_duplicate=False))[2] == "1.weight"


def test_recurse_false_gives_only_the_modules_own():
    module = Norm()
    module.child = nn.Linear(2, 2)
    assert names(module.named_parameters(recurse=False)) == ["weight"]
    assert len(list(module.parameters(recurse=False))) == 1
    assert names(module.named_buffers("stats", recurse=False))[0] == "stats.mean"
    assert len(list(module.buffers())) == 3


def test_things_are_found_by_their_paths():
    net = Net()
    assert net.get_submodule("last.1") is net.last[1]
    assert net.get_submodule("") is net
    assert net.get_parameter("first.weight") is net.first.weight
    assert net.get_buffer("norm.mean") is net.norm.mean


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("get_submodule", "last.7", "no submodule 'last.7': '7' does not exist in Sequential"),
        ("get_submodule", "frist", "'frist' does not exist in Net. Did you mean 'first'"),
        ("get_submodule", "first.weight", "'weight' is not a module in Linear"),
        ("get_parameter", "norm.mean", "no parameter 'norm.mean': 'mean' is not a parameter"),
        ("get_buffer", "first.weight", "'weight' is not a buffer in Linear"),
        ("get_buffer", "norm.maen", "'maen' does not exist in Norm. Did you mean 'mean'"),
    ],
)
def test_a_wrong_path_is_named(method, path, message):
    with pytest.raises(AttributeError, match=message):
        getattr(Net(), method)(path)


def test_apply_reaches_children_before_their_parent_and_returns_the_module():
    net, seen = Net(), []
    assert net.apply(lambda module: seen.append(type(module).__name__)) is net
    assert seen == ["Linear", "Norm", "Tanh", "Linear", "Sequential", "Net"]


def test_train_and_eval_set_the_flag_everywhere():
    net = Net()
    assert net.eval() is net
    assert [module.training for module in net.modules()] == [False] * 6
    net.train()
    assert [module.training for module in net.modules()] == [True] * 6
    with pytest.raises(ValueError, match="takes True or False; got int"):
        net.train(1)


def test_requires_grad_freezes_and_thaws():
    net = Net().requires_grad_(False)
    assert not any(parameter.requires_grad for parameter in net.parameters())
    assert all(parameter.requires_grad for parameter in net.requires_grad_().parameters())


def test_zero_grad_forgets_or_zeroes():
    net = Net()
    net(tg.ones(4, 2)).sum().backward()
    before = net.first.weight.grad
    net.zero_grad(set_to_none=False)
    assert net.first.weight.grad is before
    assert not before.array.any()
    net.zero_grad()
    assert all(parameter.grad is None for parameter in net.parameters())


def test_zero_grad_detaches_a_gradient_that_has_a_graph():
    layer = nn.Linear(2, 1)
    (layer(tg.ones(1, 2)) ** 3).sum().backward(create_graph=True)
    layer.zero_grad(set_to_none=False)
    assert not layer.weight.grad.requires_grad
    assert layer.weight.grad.tolist() == [[0, 0]]


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match=r'Module \[Norm2\] is missing the .*"forward"'):
        type("Norm2", (nn.Module,), {})()(3)


def test_a_module_is_freed_without_the_garbage_collector():
    net = Net()
    net(tg.ones(1, 2)).sum().backward()
    watch = weakref.ref(net.first)
    gc.collect()
    gc.disable()
    try:
        del net
        assert watch() is None
    finally:
        gc.enable()


# Parameter.


def test_a_parameter_shares_the_memory_and_the_version_of_its_tensor():
    data = tg.ones(2)
    parameter = nn.Parameter(data)
    with tg.no_grad():
        parameter.add_(1)
    assert data.tolist() == [2, 2]
    assert data._version == parameter._version == 1


def test_a_parameter_of_a_computed_tensor_is_a_leaf():
    parameter = nn.Parameter(tg.ones(2, requires_grad=True) * 2)
    assert parameter.is_leaf
    assert parameter.requires_grad
    assert not nn.Parameter(tg.ones(2), requires_grad=False).requires_grad


def test_operations_on_parameters_give_plain_tensors():
    parameter = nn.Parameter(tg.ones(2))
    assert type(parameter * 2) is tg.Tensor
    assert type(parameter.detach()) is tg.Tensor
    assert isinstance(parameter, tg.Tensor)


def test_a_parameter_is_printed_as_one():
    parameter = nn.Parameter(tg.ones(2))
    assert repr(parameter) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"


def test_a_parameter_without_data_is_empty():
    assert nn.Parameter().shape == (0,)


@pytest.mark.parametrize(
    "clone", [copy.deepcopy, copy.copy, lambda p: pickle.loads(pickle.dumps(p))]
)
def test_a_copied_parameter_keeps_its_class_and_its_users_attributes(clone):
    parameter = nn.Parameter(tg.ones(2), requires_grad=False)
    parameter.tag = "frozen"
    twin = clone(parameter)
    assert type(twin) is nn.Parameter
    assert twin.tag == "frozen"
    assert not twin.requires_grad


def test_a_deep_copied_buffer_is_still_transient():
    buffer = nn.Buffer(tg.ones(2), persistent=False)
    assert copy.deepcopy(buffer).persistent is False


@pytest.mark.parametrize("data", [[1.0], np.ones(2), 3.0])
@pytest.mark.parametrize("cls", [nn.Parameter, nn.Buffer])
def test_a_parameter_is_made_from_a_tensor(cls, data):
    with pytest.raises(TypeError, match=f"{cls.__name__} is made from a tensor"):
        cls(data)


def test_an_integer_parameter_requires_no_grad():
    with pytest.raises(RuntimeError, match="floating"):
        nn.Parameter(tg.tensor([1]))
    assert nn.Parameter(tg.tensor([1]), requires_grad=False).dtype == tg.int64


# Printing: what PyTorch prints for the same modules.


def test_nested_modules_are_indented():
    net = nn.Sequential(
        OrderedDict(
            first=nn.Linear(2, 3),
            rest=nn.Sequential(nn.ReLU(), nn.Linear(3, 1, bias=False)),
        )
    )
    assert (
        repr(net)
        == """\
Sequential(
  (first): Linear(in_features=2, out_features=3, bias=True)
  (rest): Sequential(
    (0): ReLU()
    (1): Linear(in_features=3, out_features=1, bias=False)
  )
)"""
    )


def test_extra_lines_repeated_blocks_and_empty_modules_are_printed():
    class Big(nn.Module):
        def __init__(self):
            super().__init__()
            blocks = [nn.Sequential(nn.Linear(2, 2), nn.ReLU()) for _ in range(3)]
            self.blocks = nn.ModuleList([*blocks, nn.Tanh()])
            self.heads = nn.ModuleDict({"x": nn.ReLU(), "y": nn.Linear(2, 1)})
            self.register_module("off", None)
            self.empty = nn.Sequential()
            self.scale = nn.Parameter(tg.ones(2))

        def extra_repr(self):
            return "width=2,\ndepth=3"

    assert (
        repr(Big())
        == """\
Big(
  width=2,
  depth=3
  (blocks): ModuleList(
    (0-2): 3 x Sequential(
      (0): Linear(in_features=2, out_features=2, bias=True)
      (1): ReLU()
    )
    (3): Tanh()
  )
  (heads): ModuleDict(
    (x): ReLU()
    (y): Linear(in_features=2, out_features=1, bias=True)
  )
  (off): None
  (empty): Sequential()
)"""
    )


def test_extra_lines_without_children_are_printed_below_each_other():
    class Wordy(nn.Module):
        def extra_repr(self):
            return "a=1,\nb=2"

    assert repr(Wordy()) == "Wordy(\n  a=1,\n  b=2\n)"
    assert repr(nn.Module()) == "Module()"
