"""The state of a module: saving, loading, conversion to other types, copies."""

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from nn_models import Net, Norm, names

import tinygrad_edu as tg
from tinygrad_edu import nn

# Saving and loading.


def test_the_state_holds_parameters_and_persistent_buffers():
    state = Net().state_dict(prefix="net.")
    assert isinstance(state, OrderedDict)
    assert list(state) == [
        "net.first.weight",
        "net.first.bias",
        "net.norm.weight",
        "net.norm.mean",
        "net.norm.count",
        "net.last.1.weight",
        "net.last.1.bias",
    ]


def test_the_state_shares_memory_and_is_detached():
    layer = nn.Linear(2, 3)
    state = layer.state_dict()
    assert state["weight"].array is layer.weight.array
    assert type(state["weight"]) is tg.Tensor
    assert not state["weight"].requires_grad
    assert layer.state_dict(keep_vars=True)["weight"] is layer.weight


def test_a_state_can_be_gathered_in_a_mapping_of_ones_own():
    gathered = {}
    nn.Linear(1, 1).state_dict(destination=gathered, prefix="a.")
    assert list(gathered) == ["a.weight", "a.bias"]


def test_loading_copies_into_the_memory_that_is_there():
    source, target = Net(), Net()
    arrays = [parameter.array for parameter in target.parameters()]
    result = target.load_state_dict(source.state_dict())
    assert repr(result) == "<All keys matched successfully>"
    for parameter, array, wanted in zip(
        target.parameters(), arrays, source.parameters(), strict=True
    ):
        assert parameter.array is array
        np.testing.assert_array_equal(array, wanted.array)


def test_loading_accepts_arrays_and_keeps_the_type():
    layer = nn.Linear(1, 1)
    layer.load_state_dict({"weight": np.array([[2.5]]), "bias": np.array([1])})
    assert layer.weight.dtype == tg.float32
    assert (layer.weight.item(), layer.bias.item()) == (2.5, 1)


def test_loading_is_noticed_by_a_recorded_graph():
    layer = nn.Linear(1, 1)
    x = tg.ones(1, 1, requires_grad=True)
    y = layer(x)
    layer.load_state_dict(layer.state_dict())
    with pytest.raises(RuntimeError, match="in-place"):
        y.backward()


def test_strict_loading_lists_everything_that_is_wrong_in_one_error():
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    state = net.state_dict()
    del state["0.bias"], state["2.bias"]
    state["x.y"] = state["z"] = tg.ones(1)
    state["2.weight"] = tg.ones(2, 3)
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    assert str(caught.value) == (
        "Error(s) in loading state_dict for Sequential:\n"
        '\tMissing key(s) in state_dict: "0.bias", "2.bias". \n'
        '\tUnexpected key(s) in state_dict: "x.y", "z". \n'
        "\tsize mismatch for 2.weight: copying a param with shape (2, 3) from checkpoint, "
        "the shape in current model is (1, 3)."
    )


def test_loading_that_is_not_strict_reports_what_did_not_match():
    layer = nn.Linear(2, 3)
    result = layer.load_state_dict({"weight": tg.zeros(3, 2), "extra": tg.ones(1)}, strict=False)
    assert result == (["bias"], ["extra"])
    assert result.missing_keys == ["bias"]
    assert repr(result) == "IncompatibleKeys(missing_keys=['bias'], unexpected_keys=['extra'])"
    assert layer.weight.sum() == 0


def test_sizes_are_checked_even_if_not_strict():
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        nn.Linear(2, 3).load_state_dict({"weight": tg.ones(2, 3)}, strict=False)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3.0, 'parameter named "bias", expected a tensor or an array .* received float'),
        (np.array(["a"]), 'parameter named "bias": Tensors hold booleans'),
    ],
)
def test_values_that_are_no_tensors_are_named(value, message):
    layer = nn.Linear(2, 1)
    with pytest.raises(RuntimeError, match=message):
        layer.load_state_dict({"weight": layer.weight, "bias": value})


def test_memory_that_cannot_be_written_is_named():
    module = nn.Module()
    fixed = np.ones(2, dtype=np.float32)
    fixed.flags.writeable = False
    module.register_buffer("fixed", tg.from_numpy(np.ones(2, dtype=np.float32)))
    module.fixed.array = fixed
    with pytest.raises(RuntimeError, match=r'"fixed": .*read-only'):
        module.load_state_dict({"fixed": tg.zeros(2)})


def test_a_state_for_a_module_that_is_switched_off_is_unexpected():
    net = nn.Module()
    net.add_module("head", None)
    assert net.load_state_dict({"head.weight": 1}, strict=False).unexpected_keys == ["head.weight"]


def test_a_state_is_a_mapping():
    with pytest.raises(TypeError, match=r"expects a mapping .* got list"):
        nn.Linear(1, 1).load_state_dict([1])


def test_assign_takes_the_given_tensors():
    layer = nn.Linear(1, 1).requires_grad_(False)
    weight, bias = tg.ones(1, 1, dtype=tg.float64), nn.Parameter(tg.zeros(1))
    layer.load_state_dict({"weight": weight, "bias": bias}, assign=True)
    assert layer.weight.array is weight.array
    assert isinstance(layer.weight, nn.Parameter)
    assert layer.bias is bias
    assert not layer.weight.requires_grad
    assert not layer.bias.requires_grad


def test_assign_puts_tensors_in_place_of_buffers():
    module, mean = Norm(), tg.ones(2)
    module.load_state_dict({"mean": mean}, strict=False, assign=True)
    assert module.mean.array is mean.array
    assert names(module.named_parameters()) == ["weight"]


def test_an_older_state_can_be_translated_by_overriding_the_loader():
    class Renamed(nn.Module):
        _version = 2

        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(tg.ones(1))

        def _load_from_state_dict(self, state_dict, prefix, local_metadata, *args):
            if local_metadata.get("version", 1) < 2:
                state_dict[prefix + "scale"] = state_dict.pop(prefix + "gamma")
            super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)

    net = nn.Sequential(Renamed())
    net.load_state_dict({"0.gamma": tg.tensor([5.0])})
    assert net[0].scale.item() == 5
    net.load_state_dict(net.state_dict())
    assert net[0].scale.item() == 5


def test_more_can_be_saved_by_overriding_the_saver():
    class Counting(nn.Module):
        def _save_to_state_dict(self, destination, prefix, keep_vars):
            super()._save_to_state_dict(destination, prefix, keep_vars)
            destination[prefix + "steps"] = tg.tensor(7)

    assert nn.Sequential(Counting()).state_dict()["0.steps"].item() == 7


def test_state_hooks_run_before_and_after():
    layer, log = nn.Linear(1, 1), []
    layer.register_state_dict_pre_hook(lambda module, prefix, keep: log.append(("pre", prefix)))
    layer.register_state_dict_post_hook(lambda module, state, prefix, meta: state.pop("0.bias"))
    net = nn.Sequential(layer)
    assert list(net.state_dict()) == ["0.weight"]
    assert log == [("pre", "0.")]


def test_loading_hooks_may_rename_and_forgive():
    def rename(_module, state, prefix, *_rest):
        state[prefix + "weight"] = state.pop(prefix + "w")

    layer = nn.Linear(1, 1)
    layer.register_load_state_dict_pre_hook(rename)
    handle = layer.register_load_state_dict_post_hook(lambda module, keys: keys[0].clear())
    nn.Sequential(layer).load_state_dict({"0.w": tg.tensor([[4.0]])})
    assert layer.weight.item() == 4
    handle.remove()
    with pytest.raises(RuntimeError, match=r'Missing key.*"bias"'):
        layer.load_state_dict({"w": tg.tensor([[4.0]])})


# Conversion.


@pytest.mark.parametrize(
    ("convert", "dtype"),
    [
        (lambda m: m.double(), tg.float64),
        (lambda m: m.half(), tg.float16),
        (lambda m: m.double().float(), tg.float32),
        (lambda m: m.to(tg.float64), tg.float64),
        (lambda m: m.to("cpu", tg.float64), tg.float64),
        (lambda m: m.to(dtype=tg.float64, device="cpu"), tg.float64),
        (lambda m: m.to(tg.ones(1, dtype=tg.float64)), tg.float64),
        (lambda m: m.to(tg.device("cpu")), tg.float32),
        (lambda m: m.cpu(), tg.float32),
    ],
)
def test_conversion_reaches_floating_parameters_and_buffers(convert, dtype):
    net = Net()
    assert convert(net) is net
    assert {parameter.dtype for parameter in net.parameters()} == {dtype}
    assert net.norm.mean.dtype == dtype
    assert net.norm.count.dtype == tg.int64


def test_type_converts_everything():
    module = Norm().requires_grad_(False).type(tg.int32)
    assert {tensor.dtype for tensor in module.state_dict().values()} == {np.dtype("int32")}


def test_conversion_keeps_the_parameter_objects_and_converts_their_gradients():
    layer = nn.Linear(2, 1)
    layer(tg.ones(1, 2)).sum().backward()
    parameters = list(layer.parameters())
    layer.double()
    assert all(a is b for a, b in zip(parameters, layer.parameters(), strict=True))
    assert all(parameter.grad.dtype == tg.float64 for parameter in parameters)
    assert layer.weight.is_leaf
    assert layer.weight.requires_grad


def test_a_conversion_that_changes_nothing_touches_nothing():
    layer = nn.Linear(2, 1)
    array, version = layer.weight.array, layer.weight._version
    layer.float()
    assert layer.weight.array is array
    assert layer.weight._version == version


def test_to_refuses_types_that_are_not_floating_and_other_devices():
    with pytest.raises(TypeError, match="to a floating type; got int64"):
        Net().to(tg.int64)
    with pytest.raises(RuntimeError, match="there is no device 'cuda'"):
        Net().to("cuda")


# Copies.


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_is_equal_and_independent(clone):
    net = Net().eval()
    net(tg.ones(1, 2)).sum().backward()
    twin = clone(net)
    assert repr(twin) == repr(net)
    assert not twin.training
    for (name, a), (same, b) in zip(
        net.state_dict().items(), twin.state_dict().items(), strict=True
    ):
        assert name == same
        np.testing.assert_array_equal(a.array, b.array)
        assert not np.shares_memory(a.array, b.array)
    assert isinstance(twin.first.weight, nn.Parameter)
    assert twin.first.weight.requires_grad
    assert twin.first.weight.grad is None


def test_a_copy_keeps_sharing_within_itself():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    twin = copy.deepcopy(net)
    assert twin[1].weight is twin[0].weight
    assert twin[0].weight is not net[0].weight


def test_a_state_of_an_older_version_of_the_class_is_taken():
    layer = nn.Linear(2, 3)
    attributes = {k: v for k, v in vars(layer).items() if k != "_non_persistent_buffers_set"}
    revived = nn.Linear.__new__(nn.Linear)
    revived.__setstate__(attributes)
    assert list(revived.state_dict()) == ["weight", "bias"]
