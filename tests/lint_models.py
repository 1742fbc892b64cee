"""Models, training steps and evaluations as learners write them, for the scripts of the lints."""

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim
from tinygrad_edu.training import lint
from tinygrad_edu.utils.data import DataLoader, TensorDataset

CE = nn.CrossEntropyLoss()


def batch(samples=24, features=6, classes=3):
    return tg.randn(samples, features), tg.arange(samples) % classes


def numbers(samples=24, features=6):
    """A regression."""
    x = tg.randn(samples, features)
    return x, x[:, :1] * 2


def mlp(*last, width=8, out=3):
    return nn.Sequential(nn.Linear(6, width), nn.ReLU(), nn.Linear(width, out), *last)


def adam(model):
    return optim.Adam(model.parameters(), lr=0.001)


class Own(nn.Module):
    """A model with a `forward` of its own around two layers."""

    def __init__(self, forward=None, *, layers=None):
        super().__init__()
        self.body = mlp() if layers is None else layers
        self.how = forward

    def forward(self, x):
        return self.how(self, x) if self.how else self.body(x)


class Unused(Own):
    """A layer is never called."""

    def __init__(self):
        super().__init__()
        self.extra = nn.Linear(6, 3)


def loop(model, optimizer, *, zero="before", clip=None, mode=None, order="backward, step"):
    """A training step as learners write it."""

    def step(x, y):
        if mode is not None:
            model.train(mode)
        if zero == "before":
            optimizer.zero_grad()
        loss = CE(model(x), y)
        loss.backward()
        if zero == "between":
            optimizer.zero_grad()
        if clip == "norm":
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        if clip == "value":
            nn.utils.clip_grad_value_(model.parameters(), 0.01)
        if "step" in order:
            optimizer.step()
        if zero == "after":
            optimizer.zero_grad()
        if zero == "zeros":
            optimizer.zero_grad(set_to_none=False)

    return step


def looped(**options):
    model = mlp(nn.Dropout(0.0))
    optimizer = optim.SGD(model.parameters(), lr=options.pop("lr", 0.01))
    return lint(model, CE, batch(), optimizer, step=loop(model, optimizer, **options))


def evaluated(evaluate, model=None):
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    return lint(model, CE, batch(), evaluate=lambda x, y: evaluate(model, x, y))


@tg.no_grad()
def careful(model, x, y):
    model.eval()
    result = (model(x).argmax(1) == y).float().mean()
    model.train()
    return result


@tg.no_grad()
def in_train_mode(model, x, y):
    return (model(x).argmax(1) == y).float().mean()


def in_eval_mode(model, x, y):
    model.eval()
    return (model(x).argmax(1) == y).float().mean()


def with_loader(last, **options):
    x, y = batch(25)
    loader = DataLoader(TensorDataset(x, y), batch_size=8, **options)
    return lint(mlp(last), CE, next(iter(loader)), loader=loader)


def constant_layer(model, value):
    with tg.no_grad():
        for parameter in model.parameters():
            parameter.fill_(value)
    return model


def shared_optimizer(change):
    model = mlp()
    optimizer = change(model)
    return lint(model, CE, batch(), optimizer)


def with_extra(extra):
    model = mlp()
    return lint(model, CE, batch(), optim.SGD([*model.parameters(), extra], lr=0.1))


def learned_weight():
    class Weighted(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(tg.tensor(0.0))

        def forward(self, output, target):
            return CE(output, target) * (-self.scale).exp() + self.scale

    model, loss = mlp(), Weighted()
    return lint(model, loss, batch(), optim.SGD([*model.parameters(), *loss.parameters()], lr=0.1))


def through_a_discriminator():
    """The generator of a GAN: its loss has parameters that another optimizer has."""
    generator, discriminator = mlp(out=6), mlp(out=1)

    def loss(output, target):
        return nn.functional.binary_cross_entropy_with_logits(discriminator(output), target)

    return lint(generator, loss, (batch()[0], tg.ones(24, 1)), adam(generator))


def drawing():
    """A variational autoencoder that draws in evaluation, too."""

    def encode_and_draw(model, x):
        mean, log_var = model.body(x)[:, :3], model.body(x)[:, 3:]
        return mean + tg.randn_like(mean) * (log_var / 2).exp(), mean, log_var

    model = Own(encode_and_draw, layers=mlp(out=6))
    return lint(
        model, lambda outputs, x: (outputs[0] - x[:, :3]).square().mean(), (batch()[0],) * 2
    )


def probabilities_by_hand(x):
    powers = (x - x.max(1, keepdim=True).values).exp()
    return powers / powers.sum(1, keepdim=True)


def bn():
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def same_start(std):
    model = mlp()
    with tg.no_grad():
        model[0].weight.fill_(0.1) if std is None else model[0].weight.normal_(0, std)
        model[0].bias.fill_(0.0)
    return model


def labels(shape=(24,)):
    return (tg.arange(24) % 2).float().reshape(shape)


def binary(last, loss, target=None):
    model = mlp(*last, out=1)
    return lint(model, loss, (batch()[0], labels((24, 1)) if target is None else target))


def raises(*_):
    raise RuntimeError("broken\n\x1b[31mhere")


def broken_by_hook(loss):
    loss.register_hook(raises)
    return loss


def frozen_body():
    model = mlp()
    model[0].requires_grad_(False)
    return model


def dead_relu():
    """One large step has pushed every unit below 0."""
    model = mlp()
    constant_layer(model[0], -5.0)
    with tg.no_grad():
        model[0].weight.mul_(0.01)
    return model


def deep_sigmoid():
    layers = [part for _ in range(6) for part in (nn.Linear(6, 6), nn.Sigmoid())]
    model = nn.Sequential(*layers, nn.Linear(6, 3))
    with tg.no_grad():
        for layer in layers[::2]:
            layer.weight.normal_(0, 0.01)
    return model


def zero_head():
    """The last layer starts at 0, as in many networks that are deep."""
    model = mlp()
    constant_layer(model[2], 0.0)
    return model


def same():
    x = tg.randn(24, 6)
    return x, x


def dropping(training):
    model = nn.Sequential(nn.Dropout(0.5), mlp())
    step = loop(model, optim.SGD(model.parameters(), lr=0.01), mode=training)
    return lint(model, CE, batch(), step=step)


def descending(sign, lr):
    """Gradient descent, or ascent: the sign of the loss is wrong."""
    model = mlp()
    optimizer = optim.SGD(model.parameters(), lr=lr)

    def step(x, y):
        optimizer.zero_grad()
        (sign * CE(model(x), y)).backward()
        optimizer.step()

    return lint(model, CE, batch(), optimizer, step=step)


def learnt():
    """A model that knows its batch: a step of Adam makes the loss many times what it was."""
    model, (x, y) = mlp(width=64), batch()
    optimizer = optim.Adam(model.parameters(), lr=0.03)
    for _ in range(200):
        optimizer.zero_grad()
        CE(model(x), y).backward()
        optimizer.step()
    return lint(model, CE, (x, y), optim.Adam(model.parameters(), lr=0.03))


def with_list(model, x):
    """The layers are in a plain list, or in a ModuleList."""
    if not hasattr(model, "layers"):
        registered = isinstance(model.body, nn.ModuleList)
        model.layers = model.body if registered else [nn.Linear(6, 6), nn.Linear(6, 6)]
    for layer in model.layers:
        x = layer(x).relu()
    return x[:, :3] - 1


def with_tensor(model, x):
    if not hasattr(model, "scale"):
        model.scale = tg.ones(3, requires_grad=True)
    return model.body(x) * model.scale


def with_its_input(layer, x):
    return layer(x) + x
