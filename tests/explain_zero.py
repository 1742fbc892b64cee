"""Scripts after which a gradient is there but exactly zero, or not finite; see explain_none."""

from explain_none import batch, network

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F


def not_finite(mended):
    w = tg.full((2,), 1.0 if mended else 0.0, requires_grad=True)
    (w.sqrt() * 1).sum().backward()
    return tg.explain_grad(w)


def dead_relu(mended):
    net, (x, y) = network(), batch()
    if not mended:
        with tg.no_grad():
            net[0].bias.fill_(-10.0)
    loss = F.cross_entropy(net(x), y)
    loss.backward(retain_graph=True)
    return tg.explain_grad(net[0].weight)


def dead_only_where_gradients_arrive(mended):
    w = tg.tensor([1.0 if mended else -1.0, 2.0], requires_grad=True)
    loss = F.relu(w)[0]
    loss.backward(retain_graph=True)
    return tg.explain_grad(w)


def saturated(mended):
    w = tg.full((3,), 0.1 if mended else 100.0, requires_grad=True)
    loss = w.sigmoid().sum()
    loss.backward(retain_graph=True)
    return tg.explain_grad(w)


def saturated_tanh_before_the_loss_runs_back(mended):
    w = tg.full((3,), 0.1 if mended else 100.0, requires_grad=True)
    w.grad = tg.zeros(3) if not mended else tg.ones(3)
    return tg.explain_grad(w, w.tanh().sum())


def softmax_of_one_class(mended):
    w = tg.rand(4, 2 if mended else 1, requires_grad=True)
    loss = w.softmax(1)[:, 0].sum()
    loss.backward(retain_graph=True)
    return tg.explain_grad(w)


def multiplied_by_zero(mended):
    w, mask = tg.ones(3, requires_grad=True), tg.full((3,), float(mended))
    loss = (w * mask).sum()
    loss.backward(retain_graph=True)
    return tg.explain_grad(w)


def multiplied_by_zero_where_it_counts(mended):
    w, mask = tg.ones(2, requires_grad=True), tg.tensor([float(mended), 1.0])
    loss = (w * mask)[0]
    loss.backward(retain_graph=True)
    return tg.explain_grad(w)


def multiplied_by_the_number_zero(mended):
    w = tg.ones(3, requires_grad=True)
    loss = (w * float(mended)).sum()
    loss.backward(retain_graph=True)
    return tg.explain_grad(w)


def weights_that_begin_as_zeros(mended):
    net, (x, y) = network(), batch()
    if not mended:
        nn.init.zeros_(net[2].weight)
    loss = F.cross_entropy(net(x), y)
    loss.backward(retain_graph=True)
    return tg.explain_grad(net[0].weight)


def inputs_of_zeros(mended):
    layer = nn.Linear(3, 2)
    loss = layer(tg.ones(4, 3) if mended else tg.zeros(4, 3)).sum()
    loss.backward(retain_graph=True)
    return tg.explain_grad(layer.weight)


def masked(mended):
    w = tg.ones(3, requires_grad=True)
    loss = tg.where(tg.full((3,), mended), w, 0.0).sum()
    loss.backward(retain_graph=True)
    return tg.explain_grad(w)


def masked_by_dropout(mended):
    w = tg.ones(3, requires_grad=True)
    loss = F.dropout(w, 0.0 if mended else 1.0).sum()
    loss.backward(retain_graph=True)
    return tg.explain_grad(w)


def clamped(mended):
    w = tg.full((3,), 0.5 if mended else 5.0, requires_grad=True)
    loss = w.clamp(0, 1).sum()
    loss.backward(retain_graph=True)
    return tg.explain_grad(w)


def not_chosen(mended):
    w = tg.full((3,), 3.0 if mended else 1.0, requires_grad=True)
    loss = tg.maximum(w, tg.full((3,), 2.0)).sum()
    loss.backward(retain_graph=True)
    return tg.explain_grad(w)


def flat(mended):
    w = tg.rand(3, requires_grad=True)
    loss = (w if mended else w.round()).sum()
    loss.backward(retain_graph=True)
    return tg.explain_grad(w)


def cancelled(mended):
    w = tg.rand(3, requires_grad=True)
    loss = (w - (0.5 * w if mended else w)).sum()
    loss.backward(retain_graph=True)
    return tg.explain_grad(w)


def cancelled_in_a_sum(mended):
    w = tg.ones(1, requires_grad=True)
    loss = (w * tg.tensor([1.0, -1.0 if not mended else 1.0])).sum()
    loss.backward(retain_graph=True)
    return tg.explain_grad(w)


def underflow(mended):
    w = tg.full((2,), 1.0, requires_grad=True)
    x = w
    for _ in range(2 if mended else 6):
        x = x * 1e-12
    x.sum().backward(retain_graph=True)
    return tg.explain_grad(w, x.sum())


def zero_loss(mended):
    w = tg.ones(3, requires_grad=True)
    loss = F.mse_loss(w, tg.full((3,), 2.0 if mended else 1.0))
    loss.backward(retain_graph=True)
    return tg.explain_grad(w)


def overwritten(mended):
    w = tg.ones(3, requires_grad=True)
    h = w * 2
    if not mended:
        h[:] = tg.ones(3, requires_grad=True)
    loss = h.sum()
    loss.backward(retain_graph=True)
    w.grad = tg.zeros(3) if w.grad is None else w.grad
    return tg.explain_grad(w)


def zero_gradient(mended):
    w = tg.ones(3, requires_grad=True)
    y = w * 2
    y.backward(tg.full((3,), float(mended)))  # <--
    return tg.explain_grad(w)


def a_hook_that_makes_zeros(mended):
    w = tg.ones(3, requires_grad=True)
    w.register_hook(lambda grad: grad * float(mended))
    loss = (w * 2).sum()
    loss.backward(retain_graph=True)
    return tg.explain_grad(w)


class Nothing(tg.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x * 1

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.factor, None


def a_backward_of_ones_own_that_returns_zeros(mended):
    w = tg.ones(3, requires_grad=True)
    loss = Nothing.apply(w, float(mended)).sum()
    loss.backward(retain_graph=True)
    return tg.explain_grad(w)


def some_other_operation(mended):
    w = tg.full((3,), float(mended), requires_grad=True)
    loss = (w**3).sum()
    loss.backward(retain_graph=True)
    return tg.explain_grad(w)


def zero_in_a_graph_that_is_freed(mended):
    net, (x, y) = network(), batch()
    if not mended:
        with tg.no_grad():
            net[0].bias.fill_(-10.0)
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    return tg.explain_grad(net[0].weight)


def zero_and_the_loss_is_gone(mended):
    w = tg.full((3,), float(mended), requires_grad=True)
    (w * w).sum().backward()
    return tg.explain_grad(w)


ZERO = {
    dead_relu: "dead_relu",
    dead_only_where_gradients_arrive: "dead_relu",
    saturated: "saturated",
    saturated_tanh_before_the_loss_runs_back: "saturated",
    softmax_of_one_class: "saturated",
    multiplied_by_zero: "multiplied_by_zero",
    multiplied_by_zero_where_it_counts: "multiplied_by_zero",
    multiplied_by_the_number_zero: "multiplied_by_zero",
    weights_that_begin_as_zeros: "multiplied_by_zero",
    inputs_of_zeros: "multiplied_by_zero",
    masked: "masked",
    masked_by_dropout: "masked",
    clamped: "clamped",
    not_chosen: "not_chosen",
    flat: "flat",
    cancelled: "cancelled",
    cancelled_in_a_sum: "cancelled",
    underflow: "underflow",
    zero_loss: "zero_loss",
    overwritten: "overwritten",
    zero_gradient: "zero_gradient",
    a_hook_that_makes_zeros: "stale",
    a_backward_of_ones_own_that_returns_zeros: "zero",
    some_other_operation: "zero",
    zero_in_a_graph_that_is_freed: "zero",
    zero_and_the_loss_is_gone: "zero",
    not_finite: "not_finite",
}
