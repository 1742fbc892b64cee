"""Errors name the layer, what it was given, from where, and what to write instead."""

import contextlib
import gc
import logging
import weakref

import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.nn.scope import describe


def told(call, *args, **kwargs):
    """What Python prints below the traceback, without the first line: the layer's own message."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - all kinds of errors
        call(*args, **kwargs)
    text = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
    return text.split("\n")[1:]


class Classifier(nn.Module):
    """A net as tutorials write it, with a last layer that does not fit."""

    def __init__(self, first):
        super().__init__()
        self.first = first
        self.net = nn.Sequential(nn.Tanh(), nn.Flatten(), nn.Linear(100, 10))

    def forward(self, x):
        return self.net(self.first(x))


class Functional(nn.Module):
    """Operations between the layers."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 5)
        self.second = nn.Linear(4, 3)

    def forward(self, x):
        x = F.relu(self.first(x))
        x = x.view(-1, 5)
        return self.second(x)


class Failing(nn.Module):
    def forward(self, *inputs):
        raise ValueError("it had to be")

    def extra_repr(self):
        return "size=3"


# Where.


def test_an_error_names_the_layer_by_its_path_what_it_was_given_and_from_where():
    model = Classifier(nn.Linear(6, 4))
    with pytest.raises(RuntimeError, match="linear: the input has 8 features") as caught:
        model(tg.ones(3, 2, 6))
    assert str(caught.value).split("\n")[1:] == [
        "in net.2 (Linear 100→10) of Classifier",
        "input: (3, 8) float32, from net.1 (Flatten(start_dim=1, end_dim=-1))",
    ]


@pytest.mark.parametrize(
    "mode", [contextlib.nullcontext, tg.no_grad, tg.inference_mode], ids=lambda mode: mode.__name__
)
def test_the_layer_before_is_known_whether_operations_are_recorded_or_not(mode):
    with mode():
        lines = told(Classifier(nn.Linear(6, 4)), tg.ones(3, 2, 6))
    assert lines[1] == "input: (3, 8) float32, from net.1 (Flatten(start_dim=1, end_dim=-1))"


def test_the_layer_before_is_known_if_it_has_nothing_to_record():
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    assert told(model, tg.ones(2, 1, 20, 20)) == [
        "in 1 (Linear 784→10) of Sequential",
        "input: (2, 400) float32, from 0 (Flatten(start_dim=1, end_dim=-1))",
    ]


def test_operations_between_the_layers_are_named():
    assert told(Functional(), tg.ones(2, 6)) == [
        "in second (Linear 4→3) of Functional",
        "input: (2, 5) float32, from Reshape in Functional.forward, after first (Linear 6→5)",
    ]


def test_without_a_graph_the_layer_that_ran_before_is_named():
    with tg.no_grad():
        assert told(Functional(), tg.ones(2, 6)) == [
            "in second (Linear 4→3) of Functional",
            "input: (2, 5) float32, after first (Linear 6→5)",
        ]


def test_a_first_layer_is_not_said_to_come_after_the_last_one_of_the_pass_before():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    with tg.no_grad():
        model(tg.ones(1, 2))
        assert told(model, tg.ones(1, 5)) == [
            "in 0 (Linear 2→3) of Sequential",
            "input: (1, 5) float32",
        ]
    flat = nn.Sequential(nn.Flatten(), nn.Linear(2, 3))
    flat(tg.ones(1, 2))
    with tg.no_grad():
        assert told(flat[1], tg.ones(1, 5)) == ["in Linear 2→3", "input: (1, 5) float32"]


def test_the_input_of_a_module_does_not_come_from_its_own_layers():
    class Late(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Sequential(nn.Identity(), nn.ReLU())

        def forward(self, x):
            self.inner[0](x)
            self.inner(x)
            raise ValueError("it had to be")

    with tg.no_grad():
        assert told(nn.Sequential(nn.Flatten(), Late()), tg.ones(2, 3))[-1] == "x: (2, 3) float32"


def test_nor_after_one_of_a_pass_that_failed():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 4))
    with tg.no_grad():
        assert "from 0 (Flatten" in told(model, tg.ones(1, 2))[1]
        assert told(nn.Sequential(model[1], model[0]), tg.ones(1, 2)) == [
            "in 0 (Linear 3→4) of Sequential",
            "input: (1, 2) float32",
        ]


@pytest.mark.parametrize("mode", [contextlib.nullcontext, tg.no_grad], ids=["recorded", "not"])
def test_a_loss_says_which_layer_made_its_input(mode):
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 5))
    with mode():
        logits = model(tg.ones(2, 3))
        lines = told(nn.CrossEntropyLoss(), logits, tg.ones(2))
    source = "1 (Linear 4→5) of Sequential" if mode is contextlib.nullcontext else "Linear 4→5"
    assert lines == [
        "in CrossEntropyLoss()",
        f"input: (2, 5) float32, from {source}",
        "target: (2,) float32",
    ]


def test_keywords_and_several_inputs_have_their_names():
    assert told(nn.Bilinear(2, 3, 4), input2=tg.ones(5, 3), input1=tg.ones(5, 4)) == [
        "in Bilinear(in1_features=2, in2_features=3, out_features=4, bias=True)",
        "input2: (5, 3) float32",
        "input1: (5, 4) float32",
    ]


def test_wrong_arguments_name_the_layer_too():
    assert told(nn.Sequential(nn.Linear(2, 3)), 1)[0] == "in 0 (Linear 2→3) of Sequential"
    assert told(nn.Linear(2, 3)) == ["in Linear 2→3"]
    assert told(nn.Linear(2, 3), tg.ones(2), 4)[0] == "in Linear 2→3"


class Forgetful(nn.Module):
    def forward(self, x):
        F.relu(x)


@pytest.mark.parametrize(
    "layer",
    [
        nn.GRUCell(3, 4), nn.BatchNorm1d(3), nn.InstanceNorm2d(3), nn.Dropout2d(0.5), nn.Flatten(),
        nn.PixelShuffle(2), nn.Softmax(dim=1), nn.PReLU(),
    ],
)  # fmt: skip
def test_what_is_no_tensor_is_named(layer):
    net = nn.Sequential(Forgetful(), layer)
    name = layer._get_name()
    with pytest.raises(
        (AttributeError, TypeError), match=r"^\w+: the input is a tensor; got NoneType. Does the"
    ) as caught:
        net(tg.ones(2, 3))
    assert str(caught.value).split("\n")[1].startswith(f"in 1 ({name}")


def test_an_attribute_error_of_a_user_stays_as_it_is():
    class Mistaken(nn.Module):
        def forward(self, x):
            return x.nothing

    assert told(Mistaken(), None) == ["in Mistaken()"]


def test_a_path_leads_through_containers_that_are_never_called():
    class Stack(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList([nn.ModuleDict({"bad": Failing()})])

        def forward(self, x):
            return self.blocks[0]["bad"](x)

    assert told(Stack(), 1) == ["in blocks.0.bad (Failing(size=3)) of Stack"]


def test_an_error_between_the_layers_names_the_module_without_its_parts():
    class Shape(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2)

        def forward(self, x):
            return self.layer(x) + tg.ones(3)

    assert told(nn.Sequential(Shape()), tg.ones(1, 2)) == [
        "in 0 (Shape) of Sequential",
        "x: (1, 2) float32",
    ]


def test_a_layer_that_its_caller_does_not_hold_starts_a_path_of_its_own():
    class Hidden(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [Failing()]

        def forward(self, x):
            return self.layers[0](x)

    assert told(Hidden(), 1) == ["in Failing(size=3)"]


def test_a_module_that_cannot_describe_itself_is_named():
    class Broken(Failing):
        def extra_repr(self):
            raise RuntimeError("not built yet")

    assert told(Broken(), 1) == ["in Broken(...)"]


@pytest.mark.parametrize(
    ("module", "line"),
    [
        (nn.Linear(100, 10), "Linear 100→10"),
        (nn.Linear(100, 10, bias=False), "Linear 100→10, bias=False"),
        (nn.Dropout(0.25), "Dropout(p=0.25, inplace=False)"),
        (nn.Sequential(nn.Linear(1, 2)), "Sequential"),
        (nn.ReLU(), "ReLU()"),
    ],
)
def test_modules_on_one_line(module, line):
    assert describe(module) == line


# How it is told.


def test_the_message_of_this_package_is_completed_and_that_of_others_is_kept():
    with pytest.raises(RuntimeError) as ours:
        nn.Linear(2, 3)(tg.ones(1, 5))
    with pytest.raises(ValueError, match="it had to be") as theirs:
        nn.Sequential(Failing())(1)
    assert "in Linear 2→3" in str(ours.value)
    assert not hasattr(ours.value, "__notes__")
    assert str(theirs.value) == "it had to be"
    assert theirs.value.__notes__ == ["in 0 (Failing(size=3)) of Sequential"]


def test_an_error_is_told_once_however_many_modules_it_passes():
    model = nn.Sequential(nn.Sequential(nn.Sequential(Failing())))
    assert told(model, 1) == ["in 0.0.0 (Failing(size=3)) of Sequential"]


def test_errors_with_other_arguments_or_of_other_classes_are_only_noted():
    class Own(RuntimeError):
        __slots__ = ()

        def __setattr__(self, name, value):
            raise AttributeError("frozen")

    class Raises(nn.Module):
        def forward(self, error):
            raise error

    for error in (Own("x"), OSError(2, "No such file"), KeyError("x"), RuntimeError()):
        arguments = error.args
        told(Raises(), error)
        assert error.args == arguments
        assert error.__notes__ == ["in Raises()"]


def test_the_error_of_a_hook_names_the_module():
    layer = nn.Linear(2, 3)

    def fail(module, args):
        raise ValueError("in a hook")

    layer.register_forward_pre_hook(fail)
    assert told(layer, tg.ones(1, 2)) == ["in Linear 2→3", "input: (1, 2) float32"]


# Nothing is kept alive, and nothing is noted that costs time.


@pytest.mark.parametrize("mode", [contextlib.nullcontext, tg.no_grad], ids=["recorded", "not"])
def test_neither_results_nor_modules_are_kept_alive(mode):
    gc.collect()
    gc.disable()
    try:
        model = nn.Sequential(nn.Flatten(), nn.Linear(2, 3))
        with mode():
            result = model(tg.ones(1, 2))
        died = [weakref.ref(model[0]), weakref.ref(result)]
        del model, result
        assert [reference() for reference in died] == [None, None]
    finally:
        gc.enable()


def test_an_error_can_be_logged(caplog):
    try:
        nn.Linear(2, 3)(tg.ones(1, 5))
    except RuntimeError as error:
        logging.getLogger().error(error)
    assert "in Linear 2→3" in caplog.text


# What to write instead.


class Conv2d(nn.Module):
    """What every convolution has."""

    def __init__(self, in_channels, out_channels, kernel_size):
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = (kernel_size, kernel_size)

    def forward(self, input):
        raise RuntimeError("conv2d: it does not fit")

    def extra_repr(self):
        return f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"


class Layer(nn.Module):
    """A layer with some attributes, that takes nothing."""

    def __init__(self, **attributes):
        super().__init__()
        for name, value in attributes.items():
            setattr(self, name, value)

    def forward(self, input):
        raise RuntimeError("it does not fit")


ADVICE = [
    (
        Conv2d(3, 8, 5),
        (2, 32, 32, 3),
        "The channels come before the pixels: `x.permute(0, 3, 1, 2)`.",
    ),
    (Conv2d(3, 8, 5), (32, 32, 3), "The channels come before the pixels: `x.permute(2, 0, 1)`."),
    (Conv2d(1, 8, 5), (10, 28, 28), "The dimension of the channels is missing: `x.unsqueeze(1)`."),
    (Conv2d(1, 8, 5), (28, 28), "The dimension of the channels is missing: `x.unsqueeze(0)`."),
    (Conv2d(3, 8, 5), (2, 3072), "Flat images get their form back by `x.view(-1, 3, 32, 32)`."),
    (
        Layer(in_features=12),
        (2, 3, 4),
        "Flatten each sample first: `x.flatten(1)`, or nn.Flatten()",
    ),
    (
        Layer(in_features=3),
        (3, 5),
        "Are two dimensions the wrong way round? `x.transpose(-1, -2)`.",
    ),
    (Layer(num_features=3), (2, 8, 8, 3), "The channels are dimension 1: `x.permute(0, 3, 1, 2)`."),
    (Layer(input_size=1, hidden_size=4), (5, 7), "Each step is a vector, here of one feature:"),
]


@pytest.mark.parametrize(("module", "shape", "sentence"), ADVICE)
def test_what_to_write_instead(module, shape, sentence):
    assert told(module, tg.ones(shape))[-1].startswith(sentence)


def test_indices_that_an_embedding_does_not_have():
    layer = Layer(num_embeddings=10)
    assert told(layer, tg.tensor([3, 12]))[-1] == (
        "The indices reach from 3 to 12, the rows from 0 to 9: num_embeddings is the size of the "
        "vocabulary."
    )
    assert told(layer, tg.tensor([1.0]))[-1] == "Indices are integers: `x.long()`."


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (Conv2d(3, 8, 5), (2, 4, 32, 32)),
        (Conv2d(3, 8, 5), (3, 3)),
        (Conv2d(3, 8, 5), (2, 3000)),
        (Conv2d(3, 8, 5), ()),
        (Layer(in_features=12), (2, 5)),
        (Layer(in_features=12), ()),
        (Layer(num_features=3), (2, 4)),
        (Layer(input_size=2, hidden_size=4), (5, 7)),
        (Layer(num_embeddings=4), (0,)),
        (Layer(in_features="many"), (1,)),
        (Layer(), (1,)),
    ],
)
def test_where_no_remedy_is_obvious_none_is_named(module, shape):
    lines = told(module, tg.ones(shape).long())
    assert [line.split(" ")[0] for line in lines] == ["in", "input:"]


def test_a_remedy_that_the_layer_names_itself_is_not_repeated():
    with pytest.raises(RuntimeError, match="Flatten each sample first") as caught:
        nn.Linear(784, 10)(tg.ones(2, 1, 28, 28))
    assert str(caught.value).endswith("input: (2, 1, 28, 28) float32")
