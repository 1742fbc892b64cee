"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict."""

import copy
from collections import OrderedDict

import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn


def kinds(modules):
    return [type(module).__name__ for module in modules]


@pytest.fixture(params=[nn.Sequential, lambda *modules: nn.ModuleList(modules)])
def chain(request):
    return request.param(nn.ReLU(), nn.Tanh(), nn.Sigmoid())


# What Sequential and ModuleList share.


def test_a_chain_is_indexed_from_both_ends(chain):
    assert chain[0] is chain[-3]
    assert len(chain) == 3
    assert kinds(chain) == ["ReLU", "Tanh", "Sigmoid"]


def test_a_slice_is_a_chain_of_the_same_modules(chain):
    part = chain[1:]
    assert type(part) is type(chain)
    assert kinds(part) == ["Tanh", "Sigmoid"]
    assert part[0] is chain[1]


def test_a_module_of_a_chain_can_be_replaced(chain):
    chain[-1] = nn.ReLU()
    assert kinds(chain) == ["ReLU", "Tanh", "ReLU"]
    assert list(dict(chain.named_children())) == ["0", "1", "2"]


@pytest.mark.parametrize(("index", "left"), [(1, ["ReLU", "Sigmoid"]), (slice(0, 2), ["Sigmoid"])])
def test_deleting_numbers_the_others_anew(chain, index, left):
    del chain[index]
    assert kinds(chain) == left
    assert [name for name, _ in chain.named_children()] == [str(i) for i in range(len(left))]


def test_append_extend_and_insert_return_the_chain(chain):
    assert chain.append(nn.Tanh()) is chain
    assert chain.extend([nn.ReLU()]) is chain
    assert chain.insert(-1, nn.Sigmoid()) is chain
    assert chain.insert(0, nn.Tanh()) is chain
    assert kinds(chain) == ["Tanh", "ReLU", "Tanh", "Sigmoid", "Tanh", "Sigmoid", "ReLU"]


def test_a_chain_can_be_extended_by_itself(chain):
    chain.extend(chain)
    assert len(chain) == 6


def test_pop_takes_the_last_or_the_one_asked_for(chain):
    assert kinds([chain.pop(), chain.pop(0)]) == ["Sigmoid", "ReLU"]
    assert kinds(chain) == ["Tanh"]


@pytest.mark.parametrize(
    "use",
    [
        lambda c: c[3],
        lambda c: c[-4],
        lambda c: c.pop(3),
        lambda c: c.__setitem__(3, nn.ReLU()),
        lambda c: c.__delitem__(3),
        lambda c: c.insert(4, nn.ReLU()),
    ],
)
def test_an_index_out_of_range_is_named(chain, use):
    with pytest.raises(IndexError, match=r"index -?\d is out of range: there are 3"):
        use(chain)


@pytest.mark.parametrize(
    "use",
    [
        lambda c: c.append(3),
        lambda c: c.insert(0, 3),
        lambda c: c.extend(3),
        lambda c: c.extend(tg.ones(3)),
        lambda c: c.__setitem__(0, 3),
        lambda c: c["a"],
    ],
)
def test_other_things_than_modules_are_refused(chain, use):
    with pytest.raises(TypeError):
        use(chain)
    assert len(chain) == 3


# Sequential.


def test_sequential_calls_its_modules_in_turn():
    net = nn.Sequential(nn.ReLU(), nn.Tanh())
    x = tg.tensor([-1.0, 2.0])
    assert tg.equal(net(x), x.clamp(0).tanh())
    assert nn.Sequential()(x) is x


def test_a_dictionary_names_the_modules():
    net = nn.Sequential(OrderedDict(hidden=nn.Linear(2, 3), out=nn.Linear(3, 1)))
    assert net.hidden is net[0]
    assert next(iter(net.state_dict())) == "hidden.weight"
    assert list(dict(net[1:].named_children())) == ["out"]


def test_appending_to_named_modules_replaces_none():
    net = nn.Sequential({"1": nn.ReLU()}).append(nn.Tanh())
    assert kinds(net) == ["ReLU", "Tanh"]


def test_sequentials_are_added_and_repeated():
    a, b = nn.Sequential(nn.ReLU()), nn.Sequential(nn.Tanh())
    assert kinds(a + b) == ["ReLU", "Tanh"]
    assert kinds(b * 2) == kinds(2 * b) == ["Tanh", "Tanh"]
    both = a
    both += b
    both *= 2
    assert both is a
    assert kinds(a) == ["ReLU", "Tanh", "ReLU", "Tanh"]


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda s: s + nn.ReLU(), ValueError, "only another Sequential can be added"),
        (lambda s: s.__iadd__([nn.ReLU()]), ValueError, "only another Sequential can be added"),
        (lambda s: s * 0, ValueError, "repeated 1 or more times; got 0"),
        (lambda s: s * "a", TypeError, "repeated by a whole number; got str"),
        (
            lambda s: nn.Sequential([nn.ReLU()]),
            TypeError,
            r"unpack it with nn.Sequential\(\*layers",
        ),
        (lambda s: nn.Sequential(3), TypeError, "int is not a Module subclass"),
        (lambda s: nn.Sequential(nn.ReLU), TypeError, "Did you forget to call the class"),
    ],
)
def test_sequential_explains_what_it_cannot_do(use, error, message):
    with pytest.raises(error, match=message):
        use(nn.Sequential(nn.Tanh()))


# ModuleList and ModuleDict.


def test_a_module_list_takes_any_iterable_and_adds_them():
    blocks = nn.ModuleList(nn.Linear(2, 2) for _ in range(2))
    assert len(list(blocks.parameters())) == 4
    longer = blocks + (nn.ReLU(),)  # noqa: RUF005 - the sum is what is tested
    assert (len(longer), len(blocks)) == (3, 2)
    blocks += [nn.ReLU()]
    assert len(blocks) == 3


def test_a_module_list_is_not_called():
    with pytest.raises(NotImplementedError, match=r"Module \[ModuleList\] is missing"):
        nn.ModuleList([nn.ReLU()])(3)


def test_equal_neighbours_in_a_module_list_share_a_line():
    blocks = nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Linear(2, 2), nn.Linear(2, 2), nn.Tanh()])
    assert (
        repr(blocks)
        == """\
ModuleList(
  (0-1): 2 x ReLU()
  (2-3): 2 x Linear(in_features=2, out_features=2, bias=True)
  (4): Tanh()
)"""
    )
    assert repr(nn.ModuleList()) == "ModuleList()"


def test_a_module_dict_is_a_dictionary_in_order():
    heads = nn.ModuleDict([("b", nn.ReLU()), ("a", nn.Tanh())])
    heads["c"] = nn.Sigmoid()
    heads.update({"b": nn.Linear(1, 1)})
    assert list(heads) == list(heads.keys()) == ["b", "a", "c"]
    assert kinds(heads.values()) == ["Linear", "Tanh", "Sigmoid"]
    assert [key for key, _ in heads.items()] == ["b", "a", "c"]
    assert "a" in heads
    assert len(heads) == 3
    assert heads.get("zz") is None
    assert kinds([heads.pop("a")]) == ["Tanh"]
    del heads["c"]
    assert list(heads.state_dict()) == ["b.weight", "b.bias"]
    heads.clear()
    assert len(heads) == 0


def test_a_module_dict_takes_another_one():
    assert list(nn.ModuleDict(nn.ModuleDict({"a": nn.ReLU()}))) == ["a"]


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (
            lambda d: d.update(3),
            TypeError,
            "a mapping or an iterable of key/value pairs, but got int",
        ),
        (lambda d: d.update([3]), TypeError, "element 0 is a int, not a pair"),
        (lambda d: d.update([("a", nn.ReLU(), 3)]), ValueError, "element 0 has length 3"),
        (lambda d: d["zz"], KeyError, "zz"),
        (lambda d: d.pop("zz"), KeyError, "zz"),
        (lambda d: d.update({"keys": nn.ReLU()}), KeyError, "attribute 'keys' already exists"),
        (lambda d: d.update({"a.b": nn.ReLU()}), KeyError, "must not contain a dot"),
        (lambda d: d.update({"a": 3}), TypeError, "int is not a Module subclass"),
    ],
)
def test_a_module_dict_explains_what_it_cannot_do(use, error, message):
    with pytest.raises(error, match=message):
        use(nn.ModuleDict())


# ParameterList and ParameterDict.


def test_tensors_in_a_parameter_list_become_parameters():
    weights = nn.ParameterList([tg.ones(2), nn.Parameter(tg.ones(())), "label"])
    assert [name for name, _ in weights.named_parameters()] == ["0", "1"]
    assert len(weights) == 3
    assert weights[-1] == "label"
    assert isinstance(weights[0], nn.Parameter)


def test_a_parameter_list_grows_and_is_sliced():
    weights = nn.ParameterList()
    weights += [tg.ones(1)]
    weights.append(tg.zeros(1)).extend([tg.ones(3)])
    weights[1] = tg.ones(2)
    assert [w.shape for w in weights] == [(1,), (2,), (3,)]
    part = weights[1:]
    assert type(part) is nn.ParameterList
    assert part[0] is weights[1]
    assert list(copy.deepcopy(weights).state_dict()) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (lambda p: p[1], IndexError),
        (lambda p: p.extend(3), TypeError),
        (lambda p: p.extend(tg.ones(2)), TypeError),
        (lambda p: p(3), NotImplementedError),
    ],
)
def test_a_parameter_list_refuses_what_it_cannot_do(use, error):
    with pytest.raises(error):
        use(nn.ParameterList([tg.ones(1)]))


def test_a_parameter_list_is_printed_with_types_and_sizes():
    weights = nn.ParameterList([tg.ones(2, 3), tg.ones(()), 3])
    assert (
        repr(weights)
        == """\
ParameterList(
    (0): Parameter containing: [float32 of size 2x3]
    (1): Parameter containing: [float32 of size ]
    (2): Object of type: int
)"""
    )


def test_a_parameter_dict_is_a_dictionary_in_order():
    scales = nn.ParameterDict({"b": tg.ones(2), "a": 4})
    scales["c"] = tg.zeros(1)
    assert list(scales) == list(scales.keys()) == ["b", "a", "c"]
    assert list(reversed(scales)) == ["c", "a", "b"]
    assert [type(value).__name__ for value in scales.values()] == ["Parameter", "int", "Parameter"]
    assert list(scales.state_dict()) == ["b", "c"]
    assert dict(scales.items())["a"] == scales.get("a") == 4
    assert scales.get("zz", 1) == 1
    assert scales.setdefault("a", 5) == 4
    assert scales.setdefault("d", 5) == 5
    assert scales.popitem() == ("d", 5)
    assert scales.pop("a") == 4
    assert len(scales) == 2
    assert "a" not in scales
    del scales["b"]
    assert list(scales.parameters()) == [scales["c"]]
    scales.clear()
    assert len(scales) == 0


def test_parameter_dicts_are_merged_and_copied():
    left, right = nn.ParameterDict({"a": tg.ones(1)}), {"b": tg.zeros(1)}
    assert list(left | right) == ["a", "b"]
    assert list(right | left) == ["b", "a"]
    twin = left.copy()
    assert twin["a"] is left["a"]
    left |= right
    assert (list(left), list(twin)) == (["a", "b"], ["a"])
    assert list(nn.ParameterDict.fromkeys(["x", "y"], tg.ones(1)).state_dict()) == ["x", "y"]


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda d: d["q"], KeyError, "q"),
        (lambda d: d[3], TypeError, "strings; got int"),
        (lambda d: d.pop("q"), KeyError, "q"),
        (lambda d: d.popitem(), KeyError, "empty"),
        (lambda d: d.update(3), TypeError, "ParameterDict.update takes a mapping"),
        (lambda d: d.update({"update": 3}), KeyError, "attribute 'update' already exists"),
    ],
)
def test_a_parameter_dict_explains_what_it_cannot_do(use, error, message):
    with pytest.raises(error, match=message):
        use(nn.ParameterDict())
