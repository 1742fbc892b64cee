"""Scripts in which a learner meets each lint, and scripts in which it must be silent."""

import copy

from lint_models import (
    CE,
    Own,
    Unused,
    adam,
    batch,
    binary,
    bn,
    broken_by_hook,
    careful,
    constant_layer,
    dead_relu,
    deep_sigmoid,
    descending,
    drawing,
    dropping,
    evaluated,
    frozen_body,
    in_eval_mode,
    in_train_mode,
    labels,
    learned_weight,
    learnt,
    looped,
    mlp,
    numbers,
    probabilities_by_hand,
    raises,
    same,
    same_start,
    shared_optimizer,
    through_a_discriminator,
    with_extra,
    with_its_input,
    with_list,
    with_loader,
    with_tensor,
    zero_head,
)

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
import tinygrad_edu.optim as optim
from tinygrad_edu.training import lint

# code: scripts in which a learner meets it, and scripts in which it must be silent.
SCENES = {
    "softmax-before-cross-entropy": (
        [
            lambda: lint(mlp(nn.Softmax(dim=1)), CE, batch()),
            lambda: lint(mlp(), lambda o, t: F.cross_entropy(F.softmax(o, 1), t), batch()),
            lambda: lint(Own(lambda m, x: probabilities_by_hand(m.body(x))), CE, batch()),
            lambda: lint(mlp(nn.Softmax(dim=1)), nn.CrossEntropyLoss(label_smoothing=0.1), batch()),
            lambda: lint(mlp(nn.Softmax(dim=1)).requires_grad_(False), CE, batch()),
        ],
        [
            lambda: lint(mlp(), CE, batch()),
            lambda: lint(mlp(nn.LogSoftmax(dim=1)), nn.NLLLoss(), batch()),
            lambda: lint(
                mlp(nn.Softmax(dim=1)), nn.MSELoss(), (batch()[0], F.one_hot(batch()[1]).float())
            ),
        ],
    ),
    "log-softmax-before-cross-entropy": (
        [lambda: lint(mlp(nn.LogSoftmax(dim=1)), CE, batch())],
        [
            lambda: lint(mlp(nn.LogSoftmax(dim=1)), nn.NLLLoss(), batch()),
            lambda: lint(mlp(), CE, batch(0)),
        ],
    ),
    "sigmoid-before-bce-with-logits": (
        [
            lambda: binary([nn.Sigmoid()], nn.BCEWithLogitsLoss()),
            lambda: binary([nn.Sigmoid()], nn.BCEWithLogitsLoss(pos_weight=tg.tensor([2.0]))),
        ],
        [
            lambda: binary([nn.Sigmoid()], nn.BCELoss()),
            lambda: binary([], nn.BCEWithLogitsLoss()),
        ],
    ),
    "activation-before-loss": (
        [
            lambda: lint(mlp(nn.ReLU()), CE, batch()),
            lambda: lint(mlp(nn.Tanh()), CE, batch()),
            lambda: binary([nn.ReLU()], nn.BCEWithLogitsLoss()),
        ],
        [
            lambda: lint(mlp(nn.ReLU(), out=1), nn.MSELoss(), numbers()),
            lambda: lint(mlp(nn.Identity()), CE, batch()),
        ],
    ),
    "dropout-before-loss": (
        [lambda: lint(mlp(nn.Dropout(0.3)), CE, batch())],
        [lambda: lint(nn.Sequential(nn.Dropout(0.3), mlp()), CE, batch())],
    ),
    "softmax-over-the-batch": (
        [
            lambda: lint(mlp(nn.LogSoftmax(dim=0)), nn.NLLLoss(), batch()),
            lambda: lint(mlp(), lambda o, t: F.nll_loss(F.log_softmax(o, -2), t), batch()),
        ],
        [lambda: lint(mlp(nn.LogSoftmax(dim=-1)), nn.NLLLoss(), batch())],
    ),
    "nll-loss-without-log-softmax": (
        [
            lambda: lint(mlp(), nn.NLLLoss(), batch()),
            lambda: lint(mlp(nn.Softmax(dim=1)), nn.NLLLoss(), batch()),
        ],
        [
            lambda: lint(mlp(nn.LogSoftmax(dim=1)), nn.NLLLoss(), batch()),
            lambda: lint(Own(lambda m, x: m.body(x).softmax(1).log()), nn.NLLLoss(), batch()),
        ],
    ),
    "targets-broadcast": (
        [
            lambda: lint(mlp(out=1), nn.MSELoss(), (batch()[0], tg.randn(24))),
            lambda: lint(mlp(out=1), nn.L1Loss(), (batch()[0], tg.randn(24))),
            lambda: lint(mlp(out=1), lambda o, t: ((o - t) ** 2).mean(), (batch()[0], labels())),
        ],
        [
            lambda: lint(mlp(out=1), nn.MSELoss(), numbers()),
            lambda: lint(mlp(out=1), lambda o, t: F.mse_loss(o[:, 0], t), (batch()[0], labels())),
        ],
    ),
    "targets-out-of-range": (
        [lambda: binary([], nn.BCEWithLogitsLoss(), labels((24, 1)) * 2 - 1)],
        [lambda: binary([], nn.BCEWithLogitsLoss(), labels((24, 1)) * 0.9 + 0.05)],
    ),
    "labels-out-of-range": (
        [
            lambda: lint(mlp(), CE, (batch()[0], batch()[1] + 1)),
            lambda: lint(mlp(), CE, (batch()[0], batch()[1] - 1)),
        ],
        [
            lambda: lint(
                mlp(), nn.CrossEntropyLoss(ignore_index=-1), (batch()[0], batch(24, 6, 4)[1] - 1)
            )
        ],
    ),
    "labels-are-floats": (
        [lambda: lint(mlp(), CE, (batch()[0], batch()[1].float()))],
        [lambda: lint(mlp(), CE, (batch()[0], F.one_hot(batch()[1]).float()))],
    ),
    "targets-do-not-fit": (
        [
            lambda: lint(mlp(), CE, (batch()[0], batch()[1][:, None])),
            lambda: binary([], nn.BCEWithLogitsLoss(), labels()),
            lambda: binary([nn.Sigmoid()], nn.BCELoss(), labels().long()),
            lambda: binary([nn.Sigmoid()], nn.BCELoss(), labels((24, 1)).double()),
        ],
        [lambda: binary([nn.Sigmoid()], nn.BCELoss())],
    ),
    "loss-not-a-number": (
        [lambda: lint(mlp(), nn.CrossEntropyLoss(reduction="none"), batch())],
        [lambda: lint(mlp(), nn.CrossEntropyLoss(reduction="sum"), batch())],
    ),
    "loss-not-finite": (
        [lambda: lint(mlp(out=1), lambda o, t: (o * 0).log().mean() * 0 + o.mean() / 0, numbers())],
        [lambda: lint(mlp(out=1), nn.MSELoss(), numbers())],
    ),
    "loss-without-gradient": (
        [
            lambda: lint(Own(lambda m, x: m.body(x).detach()), CE, batch()),
            lambda: lint(Own(tg.no_grad()(lambda m, x: m.body(x))), CE, batch()),
            lambda: lint(mlp(), lambda o, t: CE(o, t).item(), batch()),
            lambda: lint(mlp(), lambda o, t: (o.argmax(1) != t).float().mean(), batch()),
        ],
        [lambda: lint(mlp(), CE, batch()), tg.no_grad()(lambda: lint(mlp(), CE, batch()))],
    ),
    "forward-fails": (
        [lambda: lint(mlp(), CE, (tg.randn(24, 5), batch()[1]))],
        [lambda: lint(mlp(), CE, batch())],
    ),
    "loss-fails": (
        [
            lambda: lint(mlp(), CE, (batch()[0], batch(23)[1])),
            lambda: lint(mlp(), raises, batch()),
        ],
        [lambda: lint(mlp(), CE, batch())],
    ),
    "backward-fails": (
        [lambda: lint(mlp(), lambda o, t: broken_by_hook(CE(o, t)), batch())],
        [lambda: lint(mlp(), CE, batch())],
    ),
    "step-fails": (
        [lambda: lint(mlp(), CE, batch(), step=raises)],
        [looped],
    ),
    "evaluation-fails": (
        [
            lambda: lint(mlp(), CE, batch(), evaluate=raises),
            lambda: lint(Own(lambda m, x: m.body(x) if m.training else m.missing(x)), CE, batch()),
        ],
        [lambda: evaluated(careful)],
    ),
    "not-finite": (
        [
            lambda: lint(mlp(), CE, (batch()[0].log(), batch()[1])),
            lambda: lint(mlp(out=1), nn.MSELoss(), (batch()[0], numbers()[1] / 0)),
        ],
        [lambda: lint(mlp(), CE, batch())],
    ),
    "inputs-not-scaled": (
        [
            lambda: lint(mlp(), CE, (tg.rand(24, 6) * 255, batch()[1])),
            lambda: lint(mlp(), CE, (batch()[0] + 100, batch()[1])),
        ],
        [
            lambda: lint(mlp(), CE, (tg.rand(24, 6), batch()[1])),
            lambda: lint(Own(lambda m, x: m.body(x / 255)), CE, (tg.rand(24, 6) * 255, batch()[1])),
            lambda: lint(
                nn.Sequential(nn.BatchNorm1d(6), mlp()), CE, (tg.rand(24, 6) * 255, batch()[1])
            ),
            lambda: lint(
                nn.Sequential(nn.Embedding(900, 6), nn.Flatten(), mlp()),
                CE,
                (tg.randint(0, 900, (24, 1)), batch()[1]),
            ),
        ],
    ),
    "inputs-nearly-zero": (
        [lambda: lint(mlp(), CE, (tg.rand(24, 6) / 255, batch()[1]))],
        [lambda: lint(mlp(), CE, (tg.rand(24, 6), batch()[1]))],
    ),
    "features-of-different-scale": (
        [
            lambda: lint(
                mlp(), CE, (tg.rand(24, 6) * tg.tensor([1.0, 1, 1e-4, 1, 5, 0]), batch()[1])
            )
        ],
        [
            lambda: lint(
                mlp(), CE, (tg.rand(24, 6) * tg.tensor([1.0, 1, 1e-2, 1, 5, 0]), batch()[1])
            )
        ],
    ),
    "inputs-are-integers": (
        [lambda: lint(mlp(), CE, (tg.randint(0, 256, (24, 6), dtype=tg.uint8), batch()[1]))],
        [
            lambda: lint(
                Own(lambda m, x: m.body(x.float() / 255)),
                CE,
                (tg.randint(0, 256, (24, 6), dtype=tg.uint8), batch()[1]),
            )
        ],
    ),
    "identical-samples": (
        [lambda: lint(mlp(), CE, (tg.ones(24, 6), batch()[1]))],
        [lambda: lint(mlp(), CE, (tg.ones(1, 6), batch(1)[1]))],
    ),
    "one-class-batch": (
        [lambda: lint(mlp(), CE, (batch()[0], batch()[1] * 0))],
        [lambda: lint(mlp(), CE, (batch(8)[0], batch(8)[1] * 0))],
    ),
    "batch-of-one": (
        [lambda: lint(bn(), CE, batch(1))],
        [
            lambda: lint(mlp(), CE, batch(1)),
            lambda: lint(bn(), CE, batch(2)),
            # A convolution leaves many numbers of each channel.
            lambda: lint(
                nn.Sequential(
                    nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 3)
                ),
                CE,
                (tg.randn(1, 1, 4, 4), tg.tensor([1])),
            ),
        ],
    ),
    "last-batch-of-one": (
        [lambda: with_loader(nn.BatchNorm1d(3))],
        [
            lambda: with_loader(nn.BatchNorm1d(3), drop_last=True),
            lambda: with_loader(nn.LayerNorm(3)),
        ],
    ),
    "nothing-to-train": (
        [lambda: lint(mlp().requires_grad_(False), CE, batch())],
        [lambda: lint(frozen_body(), CE, batch())],
    ),
    "parameters-outside-optimizer": (
        [lambda: shared_optimizer(lambda m: optim.SGD(m[0].parameters(), lr=0.1))],
        [
            lambda: shared_optimizer(lambda m: optim.SGD(m.parameters(), lr=0.1)),
            lambda: shared_optimizer(
                lambda m: m[0].requires_grad_(False) and optim.SGD(m[2].parameters(), lr=0.1)
            ),
        ],
    ),
    "unregistered-parameters": (
        [
            lambda: lint(Own(with_list, layers=mlp()), CE, batch()),
            lambda: lint(Own(with_tensor), CE, batch()),
        ],
        [
            lambda: lint(Own(with_list, layers=nn.ModuleList([nn.Linear(6, 6)])), CE, batch()),
            lambda: lint(mlp(), CE, (batch()[0].requires_grad_(), batch()[1])),
            learned_weight,
            through_a_discriminator,
        ],
    ),
    "optimizer-of-another-model": (
        [lambda: shared_optimizer(lambda m: adam(copy.deepcopy(m)))],
        [lambda: shared_optimizer(adam)],
    ),
    "parameters-without-gradient": (
        [
            lambda: lint(Unused(), CE, batch()),
            lambda: with_extra(tg.zeros(2, requires_grad=True)),
        ],
        [lambda: lint(frozen_body(), CE, batch()), learned_weight],
    ),
    "gradients-all-zero": (
        [lambda: lint(mlp(), lambda o, t: (o * 0).sum(), batch())],
        [lambda: lint(mlp(), CE, batch())],
    ),
    "constant-outputs": (
        [
            lambda: lint(dead_relu(), CE, batch()),
            lambda: lint(deep_sigmoid(), CE, batch()),
            lambda: lint(constant_layer(mlp(), 0.0), CE, batch()),
            lambda: lint(Own(lambda m, x: m.body(x) * 0 + 1), CE, batch()),
        ],
        [
            lambda: lint(zero_head(), CE, batch()),
            lambda: lint(constant_layer(nn.Linear(6, 3), 0.0), CE, batch()),
            lambda: lint(mlp(), CE, (tg.ones(24, 6), batch()[1])),
        ],
    ),
    "identical-units": (
        [lambda: lint(same_start(None), CE, batch())],
        [lambda: lint(same_start(0.1), CE, batch()), lambda: lint(zero_head(), CE, batch())],
    ),
    "no-activation-between": (
        [lambda: lint(nn.Sequential(nn.Linear(6, 8), nn.Linear(8, 3)), CE, batch())],
        [
            lambda: lint(mlp(), CE, batch()),
            # A bottleneck has a purpose.
            lambda: lint(nn.Sequential(nn.Linear(6, 2), nn.Linear(2, 6)), nn.MSELoss(), same()),
            lambda: lint(
                Own(
                    lambda m, x: with_its_input(m.body[1], m.body[0](x)),
                    layers=nn.Sequential(nn.Linear(6, 3), nn.Linear(3, 3)),
                ),
                CE,
                batch(),
            ),
        ],
    ),
    "random-in-evaluation": (
        [lambda: lint(Own(lambda m, x: m.body(F.dropout(x, 0.5))), CE, batch())],
        [
            lambda: lint(
                Own(lambda m, x: m.body(F.dropout(x, 0.5, training=m.training))), CE, batch()
            ),
            lambda: lint(nn.Sequential(nn.Dropout(0.5), mlp()), CE, batch()),
            drawing,
        ],
    ),
    "evaluation-in-train-mode": (
        [lambda: evaluated(in_train_mode)],
        [
            lambda: evaluated(careful),
            lambda: lint(mlp(), CE, batch(), evaluate=lambda x, y: in_train_mode(mlp(), x, y)),
        ],
    ),
    "evaluation-records-a-graph": (
        [lambda: evaluated(in_eval_mode)],
        [lambda: evaluated(careful)],
    ),
    "training-in-eval-mode": (
        [lambda: dropping(False)],
        [lambda: dropping(True), lambda: looped(mode=False)],
    ),
    "missing-zero-grad": (
        [
            lambda: looped(zero=None),
            lambda: looped(zero=None, clip="norm"),
            lambda: looped(zero=None, clip="value"),
        ],
        [
            looped,
            lambda: looped(zero="after"),
            lambda: looped(zero="zeros"),
            lambda: looped(clip="norm"),
            lambda: looped(clip="value"),
            # Gradients of what the optimizer does not have add up, without any effect.
            lambda: shared_optimizer(lambda m: optim.SGD(m[2].parameters(), lr=0.01)),
        ],
    ),
    "step-changes-nothing": (
        [
            lambda: looped(order="backward"),
            lambda: looped(zero="between"),
            lambda: looped(lr=0.0),
        ],
        [looped, lambda: looped(lr=1e-5)],
    ),
    "loss-grows": (
        [
            lambda: looped(lr=1000.0),
            lambda: descending(-1, lr=0.5),
            lambda: shared_optimizer(lambda m: optim.SGD(m.parameters(), lr=1e4)),
        ],
        [
            lambda: looped(lr=0.1),
            lambda: descending(1, lr=0.5),
            learnt,
            lambda: shared_optimizer(lambda m: optim.LBFGS(m.parameters(), lr=0.1)),
        ],
    ),
}
