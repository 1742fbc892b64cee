"""Experiment 21: LeNet to SE-ResNet: what they are made of, what they cost, that they learn."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_edu as tg

from .. import nn, optim, viz
from ..autograd import inference_mode, no_grad
from ..nn import functional as F
from ..tensor import Tensor
from .data import images
from .experiment import Check, Experiment, Result, Setting, Table, exactly
from .figures import COLOURS, graph_files, line, new_figure
from .grids import box
from .models import VGG, AlexNet, GoogLeNet, LeNet, ResNet, SEResNet, ZFNet
from .models.googlenet import Inception
from .models.resnet import BasicBlock
from .models.se_resnet import SEBasicBlock
from .tools import accuracy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EXPERIMENT"]

Shape = tuple[int, ...]
Stage = tuple[str, str, Shape]  # name, kind, shape of its result

# The network, the shape of an image, the number of parameters. Nothing is learnt at this size: the
# layers' own initial weights do, so that no number is drawn twice.
NETWORKS: dict[str, tuple[Callable[[], nn.Module], Shape, int]] = {
    "LeNet": (LeNet, (1, 28, 28), 61_706),
    "AlexNet": (AlexNet, (3, 224, 224), 61_100_840),
    "ZFNet": (ZFNet, (3, 224, 224), 62_357_608),
    "VGG-16": (lambda: VGG(16, init_weights=False), (3, 224, 224), 138_357_544),
    "GoogLeNet": (
        lambda: GoogLeNet(aux_logits=False, init_weights=False),
        (3, 224, 224),
        6_624_904,
    ),
    "ResNet-18": (lambda: ResNet(18), (3, 224, 224), 11_689_512),
    "ResNet-50": (lambda: ResNet(50), (3, 224, 224), 25_557_032),
    "SE-ResNet-50": (lambda: SEResNet(50), (3, 224, 224), 28_088_024),
}
REPORTED = ("AlexNet", "VGG-16", "GoogLeNet", "ResNet-18", "ResNet-50")

# The same structures with an eighth of the channels, and the side to which digits are enlarged.
SMALL: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "LeNet": (LeNet, 28),
    "AlexNet": (lambda: AlexNet(10, in_channels=1, width=1 / 8), 64),
    "ZFNet": (lambda: ZFNet(10, in_channels=1, width=1 / 8), 64),
    "VGG-11 with BN": (lambda: VGG(11, True, 10, in_channels=1, width=1 / 8), 32),
    "GoogLeNet": (lambda: GoogLeNet(10, False, in_channels=1, width=1 / 8), 32),
    "ResNet-18": (lambda: ResNet(18, 10, in_channels=1, width=1 / 8), 32),
    "SE-ResNet-18": (lambda: SEResNet(18, 10, in_channels=1, width=1 / 8), 32),
}

LEARNT = 0.8

# Top-5 errors in the ImageNet Large Scale Visual Recognition Challenge.
ILSVRC = (
    ("AlexNet", 2012, 0.16),
    ("ZFNet", 2013, 0.12),
    ("GoogLeNet", 2014, 0.07),
    ("VGG", 2014, 0.07),
    ("ResNet", 2015, 0.036),
    ("an ensemble", 2016, 0.03),
    ("SENet", 2017, 0.023),
)

# How the picture of the networks lays them out.
ROWS = (
    ("LeNet", "AlexNet"),
    ("ZFNet", "ResNet-18"),
    ("VGG-16",),
    ("GoogLeNet",),
    ("ResNet-50", "SE-ResNet-50"),
)

COLOUR_OF = {
    "convolution": COLOURS[0],
    "pooling": COLOURS[5],
    "blocks": COLOURS[4],
    "affine": COLOURS[1],
}


def run(setting: Setting) -> Result:
    """Counts and forward passes at full size; then small versions learn digits."""
    numbers: dict[str, dict[str, Any]] = {}
    stages: dict[str, list[Stage]] = {}
    for name in setting.track(list(NETWORKS), "forward passes"):
        build, shape, _ = NETWORKS[name]
        stages[name], numbers[name] = examine(build().eval(), tg.rand(1, *shape))
    curves = train_small(setting)
    return Result(
        figures={
            "ilsvrc": draw_ilsvrc(),
            "networks": draw_networks(stages, numbers),
            "small-versions": draw_curves(curves, setting),
        },
        numbers={"networks": numbers, "small versions": curves},
        checks=[
            *(
                exactly(
                    f"{name}, parameters",
                    f"{numbers[name]['parameters']:,}",
                    f"{count:,}",
                    f"{count:,}" if name in REPORTED else "",
                )
                for name, (_, _, count) in NETWORKS.items()
            ),
            exactly(
                "a forward pass of each",
                sorted({each["output"] for each in numbers.values()}),
                [(1, 10), (1, 1000)],
            ),
            *(
                Check(
                    f"{name}, small, test accuracy",
                    f"{curve['test accuracy'][-1]:.4f}",
                    f"{LEARNT} or more",
                    passed=curve["test accuracy"][-1] >= LEARNT if setting.is_the_courses else None,
                )
                for name, curve in curves.items()
            ),
        ],
        tables=[
            Table(
                "Networks",
                ("network", "image", "parameters", "of these affine", "multiplications"),
                [
                    (
                        name,
                        "×".join(map(str, NETWORKS[name][1])),
                        f"{each['parameters']:,}",
                        f"{each['affine parameters'] / each['parameters']:.0%}",
                        f"{each['multiplications'] / 1e6:,.1f} · 10⁶",
                    )
                    for name, each in numbers.items()
                ],
            ),
            Table(
                "Small versions",
                ("network", "image", "parameters", "test accuracy"),
                [
                    (
                        name,
                        f"{SMALL[name][1]}×{SMALL[name][1]}",
                        f"{each['parameters']:,}",
                        f"{each['test accuracy'][-1]:.4f}",
                    )
                    for name, each in curves.items()
                ],
            ),
            Table(
                "ILSVRC, top-5 error",
                ("network", "year", "error"),
                [(name, str(year), f"{error:.3g}") for name, year, error in ILSVRC],
            ),
            *(
                Table(
                    name,
                    ("part", "kind", "result"),
                    [(part, kind, "×".join(map(str, shape))) for part, kind, shape in rows],
                )
                for name, rows in stages.items()
            ),
        ],
        remarks=[
            "The counts are those of torchvision's models. Its GoogLeNet has filters of 3×3 where "
            "the paper has 5×5; with these it would have 7,005,832 parameters."
        ],
        attachments=draw_blocks(),
    )


@inference_mode()
def examine(model: nn.Module, x: Tensor) -> tuple[list[Stage], dict[str, Any]]:
    """One forward pass: the stages with the shapes of their results, and what the model costs."""
    affine = multiplications = 0
    stages: list[Stage] = []
    shapes: dict[nn.Module, Shape] = {}

    def note(layer: nn.Module, _: Any, output: Tensor) -> None:
        shapes[layer] = tuple(output.shape[1:])

    for layer in model.modules():
        layer.register_forward_hook(note)
    output = model(x)
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            # Each number of the result takes as many as a filter, or a row, has weights.
            multiplications += math.prod(shapes[layer]) * layer.weight[0].numel()
        if isinstance(layer, nn.Linear):
            affine += sum(parameter.numel() for parameter in layer.parameters())
    for name, part in parts(model):
        kind = kind_of(part)
        if kind:
            stages.append((name, kind, shapes[part]))
    return stages, {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "affine parameters": affine,
        "multiplications": multiplications,
        "output": tuple(output.shape),
    }


def parts(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The children of a model; for one that is a sequence of plain layers, these."""
    found: list[tuple[str, nn.Module]] = []
    for name, child in model.named_children():
        layers = list(child.named_children())
        if layers and all(not list(layer.children()) for _, layer in layers):
            found += [(f"{name}.{number}", layer) for number, layer in layers]
        else:
            found.append((name, child))
    return found


def kind_of(layer: nn.Module) -> str:
    """What the picture calls it; nothing for what leaves the shape as it is."""
    kinds: dict[str, tuple[type[nn.Module], ...]] = {
        "convolution": (nn.Conv2d,),
        "pooling": (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d),
        "affine": (nn.Linear,),
        "blocks": (nn.Sequential, Inception),
    }
    return next((kind for kind, classes in kinds.items() if isinstance(layer, classes)), "")


def train_small(setting: Setting) -> dict[str, dict[str, Any]]:
    """Small versions by Adam, lr 0.001, on enlarged digits."""
    data = images(setting.data).first(setting.steps(5000, 320))
    batch, tested = setting.steps(32, 16), setting.steps(2000, 180)
    y, test_y = data.y, data.test_y[:tested]
    curves: dict[str, dict[str, Any]] = {}
    for name, (build, size) in SMALL.items():
        x, test_x = (enlarged(each, data.side, size) for each in (data.x, data.test_x[:tested]))
        rng = np.random.default_rng(setting.seed)
        tg.manual_seed(setting.seed)
        model = build()
        optimizer = optim.Adam(model.parameters(), lr=0.001)
        losses, accuracies = [], [accuracy(model, test_x, test_y, batch=500)]
        for _ in setting.track(range(setting.steps(4, 2)), name):
            order = rng.permutation(len(x))
            for start in range(0, len(x), batch):
                chosen = order[start : start + batch]
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x[chosen]), y[chosen])
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            accuracies.append(accuracy(model, test_x, test_y, batch=500))
        curves[name] = {
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "losses": losses,
            "test accuracy": accuracies,
        }
    return curves


def enlarged(x: Tensor, side: int, size: int) -> Tensor:
    """Flat images as (N, 1, size, size)."""
    with no_grad():
        return F.interpolate(x.reshape(-1, 1, side, side), size=(size, size), mode="bilinear")


def draw_ilsvrc() -> Figure:
    """The errors, year by year."""
    figure, axes = new_figure("ILSVRC: top-5 error of classification", width=7.5, height=3.8)
    labels = [f"{name}\n{year}" for name, year, _ in ILSVRC]
    errors = [100 * error for _, _, error in ILSVRC]
    axes.bar(labels, errors, color=COLOURS[0], width=0.6)
    for index, error in enumerate(errors):
        axes.text(index, error + 0.3, f"{error:.3g} %", ha="center")
    axes.set(ylabel="top-5 error (%)", ylim=(0, 18))
    axes.grid(visible=False, axis="x")
    return figure


def draw_networks(stages: dict[str, list[Stage]], numbers: dict[str, dict[str, Any]]) -> Figure:
    """Each part of each network as a box, as high as its maps and as wide as its channels."""
    title = "Results of the parts: height shows the maps' size (log₂), width the channels (√)"
    figure, axes = new_figure(title, rows=len(ROWS), width=11, height=1.85)
    for each, names in zip(axes, ROWS, strict=True):
        at = 0.0
        for name in names:
            text = f"{name}: {numbers[name]['parameters']:,} parameters"
            each.text(at, 5.2, text, fontsize=11, va="bottom")
            begin = at
            for _, kind, (channels, *maps) in stages[name]:
                size = maps[0] if maps else 1
                width, height = 0.16 + math.sqrt(channels) / 40, 1 + math.log2(size)
                box(each, at, -height / 2, width, height, facecolor=COLOUR_OF[kind])
                text = f"{channels}×{size}²" if size > 1 else f"{channels}"
                place = at + width / 2, -4.8
                each.text(*place, text, rotation=90, ha="center", va="top", fontsize=10)
                at += width + 0.24
            at = max(at + 1, begin + 5)  # a short network has a long title
        each.set(xlim=(-0.1, 21), ylim=(-12.6, 7.4))
        each.set_axis_off()
    for kind, colour in COLOUR_OF.items():
        axes[0].bar(0, 0, color=colour, label=kind)
    figure.legend(ncols=4, loc="outside lower center", frameon=False, fontsize=11)
    return figure


def draw_curves(curves: dict[str, dict[str, Any]], setting: Setting) -> Figure:
    """The accuracy of the small versions."""
    title = f"Small versions, Adam 0.001 ({setting})"
    figure, axes = new_figure(title, width=7.5, height=4.4)
    for index, (name, curve) in enumerate(curves.items()):
        label = f"{name}, {curve['parameters']:,}"
        axes.plot(curve["test accuracy"], **line(index, ms=6, label=label))
    axes.set(xlabel="epoch", ylabel="test accuracy", ylim=(0, 1.02))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(title="network, parameters", fontsize=10)
    return figure


def draw_blocks() -> dict[str, bytes]:
    """The graphs of an Inception module, a residual block, and one that weighs its channels."""
    blocks = {
        "inception-block": Inception(192, 64, 96, 128, 16, 32, 32),
        "residual-block": BasicBlock(192, 192),
        "squeeze-and-excitation-block": SEBasicBlock(192, 192),
    }
    files: dict[str, bytes] = {}
    for name, block in blocks.items():
        x = tg.rand(1, 192, 28, 28, requires_grad=True)
        files |= graph_files(name, viz.draw(block(x), block, names={"x": x}, depth="layers"))
    return files


EXPERIMENT = Experiment(
    number=21,
    name="architectures",
    title="Architectures: LeNet, AlexNet, ZFNet, VGG, GoogLeNet, ResNet, SE-ResNet",
    run=run,
    seconds=(90, 9),
)
