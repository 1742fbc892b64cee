"""Scripts after which a gradient is None, each with the reason, and how it is put right.

A script is a function of whether it is the mended one; a line marked `# <--` is the answer's place.
"""

import warnings

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
import tinygrad_edu.optim as optim


def network():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))


def batch():
    return tg.rand(5, 4), tg.tensor([0, 1, 2, 0, 1])


def no_requires_grad(mended):
    w = tg.ones(3, requires_grad=mended)
    loss = (w * tg.ones(3, requires_grad=True)).sum()
    loss.backward()
    return tg.explain_grad(w)


def no_requires_grad_of_a_loss(mended):
    w = tg.ones(3, requires_grad=mended)
    loss = (w * 2).sum()
    if mended:
        loss.retain_grad()
        loss.backward()
    return tg.explain_grad(loss)


def frozen(mended):
    net = network()
    net[0].requires_grad_(mended)
    F.cross_entropy(net(batch()[0]), batch()[1]).backward()
    return tg.explain_grad(net[0].weight)


def integer(mended):
    counts = tg.tensor([1.0, 2.0], requires_grad=True) if mended else tg.tensor([1, 2])
    loss = (counts * tg.ones(2, requires_grad=True)).sum()
    loss.backward()
    return tg.explain_grad(counts)


def no_grad_around_a_layer(mended):
    net, (x, y) = network(), batch()
    if mended:
        hidden = net[0](x)
    else:
        with tg.no_grad():  # <--
            hidden = net[0](x)
    loss = F.cross_entropy(net[2](hidden), y)
    loss.backward()
    return tg.explain_grad(net[0].weight)


def no_grad_around_the_loss(mended):
    net, (x, y) = network(), batch()
    with tg.set_grad_enabled(mended):  # <--
        loss = F.cross_entropy(net(x), y)
    if mended:
        loss.backward()
    return tg.explain_grad(net[0].weight, loss)


def no_grad_as_decorator(mended):
    net, (x, _) = network(), batch()

    def features(x):
        return net[0](x)

    compute = features if mended else tg.no_grad()(features)
    hidden = compute(x)  # <--
    loss = (hidden * tg.ones(8, requires_grad=True)).sum()
    loss.backward()
    return tg.explain_grad(net[0].bias, loss)


def no_grad_in_a_generator(mended):
    w = tg.ones(2, requires_grad=True)

    def steps():
        yield w * 2
        yield w * 3

    made = (steps if mended else tg.no_grad()(steps))()
    x, _ = list(made)  # <--
    loss = (x * tg.ones(2, requires_grad=True)).sum()
    loss.backward()
    return tg.explain_grad(w)


def inference_mode(mended):
    w = tg.ones(2, requires_grad=True)
    with tg.inference_mode(not mended):  # <--
        h = w * 2
    loss = (h * tg.ones(2, requires_grad=True)).sum()
    loss.backward()
    return tg.explain_grad(w)


def no_grad_until_further_notice(mended):
    w = tg.ones(2, requires_grad=True)
    tg.set_grad_enabled(mended)  # <--
    try:
        h = w * 2
    finally:
        tg.set_grad_enabled(True)
    loss = (h * tg.ones(2, requires_grad=True)).sum()
    loss.backward()
    return tg.explain_grad(w)


def updating_a_parameter_by_a_new_tensor(mended):
    w = tg.ones(2, requires_grad=True)
    for _ in range(2):
        loss = (w * w).sum()
        if w.requires_grad:
            loss.backward()
        if not w.requires_grad or mended:
            break
        with tg.no_grad():  # <--
            w = w - 0.1 * w.grad
    return tg.explain_grad(w)


def writing_under_no_grad(mended):
    w, table = tg.ones(2, requires_grad=True), tg.zeros(2, 2)
    with tg.set_grad_enabled(mended):  # <--
        table[0] = w * 2
    loss = (table * tg.ones(2, requires_grad=True)).sum()
    loss.backward()
    return tg.explain_grad(w)


def several_results_under_no_grad(mended):
    w = tg.ones(4, requires_grad=True)
    with tg.set_grad_enabled(mended):  # <--
        left, _ = w.chunk(2)
    loss = (left * tg.ones(2, requires_grad=True)).sum()
    loss.backward()
    return tg.explain_grad(w)


def adding_in_place_under_no_grad(mended):
    w, total = tg.ones(2, requires_grad=True), tg.zeros(2)
    with tg.set_grad_enabled(mended):  # <--
        total += w
    loss = (total * tg.ones(2, requires_grad=True)).sum()
    loss.backward()
    return tg.explain_grad(w)


def detach(mended):
    net, (x, y) = network(), batch()
    hidden = net[0](x)
    if not mended:
        hidden = hidden.detach()  # <--
    loss = F.cross_entropy(net[2](F.relu(hidden)), y)
    loss.backward()
    return tg.explain_grad(net[0].weight)


def detach_of_a_result_that_is_gone(mended):
    net, (x, y) = network(), batch()
    hidden = net[0](x) if mended else net[0](x).detach()  # <--
    loss = F.cross_entropy(net[2](hidden), y)
    loss.backward()
    return tg.explain_grad(net[0].weight)


def detach_twice(mended):
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    x = first(tg.rand(3, 2))
    if not mended:
        x = x.detach()  # <--
    x = second(x)
    if not mended:
        x = x.detach()
    loss = (x * tg.ones(2, requires_grad=True)).sum()
    loss.backward()
    return tg.explain_grad(first.weight)


def detach_in_place(mended):
    w = tg.ones(2, requires_grad=True)
    h = w * 2
    if not mended:
        h.detach_()  # <--
    loss = (h * tg.ones(2, requires_grad=True)).sum()
    loss.backward()
    return tg.explain_grad(w)


def asking_the_detached_tensor(mended):
    h = tg.ones(2, requires_grad=True) * 2
    if mended:
        h.retain_grad()
        h.sum().backward()
        return tg.explain_grad(h)
    return tg.explain_grad(h.detach() + 1)  # <--


def data_of_a_result(mended):
    w = tg.ones(2, requires_grad=True)
    h = w * 2
    h = h if mended else h.data  # <--
    loss = (h * tg.ones(2, requires_grad=True)).sum()
    loss.backward()
    return tg.explain_grad(w)


def a_tensor_made_of_a_tensor(mended):
    w = tg.ones(2, requires_grad=True)
    h = w * 2
    if mended:
        start = h.clone()
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            start = tg.tensor(h, requires_grad=True)  # <--
    loss = (start * 3).sum()
    loss.backward()
    return tg.explain_grad(w)


def a_tensor_made_of_a_list_of_tensors(mended):
    w = tg.ones(2, requires_grad=True)
    parts = [w.sum(), w.prod()]
    if mended:
        total = tg.stack(parts)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            total = tg.tensor(parts)  # <--
    loss = (total * tg.ones(2, requires_grad=True)).sum()
    loss.backward()
    return tg.explain_grad(w)


def a_parameter_made_of_a_result(mended):
    scale = tg.ones(2, requires_grad=True)
    weight = scale * 2
    if not mended:
        weight = nn.Parameter(weight)  # <--
    loss = (weight * 3).sum()
    loss.backward()
    return tg.explain_grad(scale)


def argmax(mended):
    net, (x, y) = network(), batch()
    logits = net(x)
    guess = logits[:, 0] if mended else logits.argmax(1).float()  # <--
    loss = (guess * y * tg.ones(1, requires_grad=True)).sum()
    loss.backward()
    return tg.explain_grad(net[0].weight)


def accuracy_as_loss(mended):
    net, (x, y) = network(), batch()
    logits = net(x)
    if mended:
        loss = F.cross_entropy(logits, y)
        loss.backward()
    else:
        loss = (logits.argmax(1) != y).float().mean()  # <--
    return tg.explain_grad(net[2].weight, loss)


def whole_numbers(mended):
    w = tg.rand(3, requires_grad=True)
    steps = w if mended else w.long()  # <--
    loss = (steps * tg.ones(3, requires_grad=True)).sum()
    loss.backward()
    return tg.explain_grad(w)


def a_mask(mended):
    w = tg.rand(3, requires_grad=True)
    chosen = w if mended else w > 0.5  # <--
    loss = (chosen * tg.ones(3, requires_grad=True)).sum()
    loss.backward()
    return tg.explain_grad(w)


def the_indices_of_max(mended):
    w = tg.rand(2, 3, requires_grad=True)
    found = w.max(1)  # <--
    loss = ((found.values if mended else found.indices) * tg.ones(1, requires_grad=True)).sum()
    loss.backward()
    return tg.explain_grad(w)


def drawing(mended):
    p = tg.full((3,), 0.5, requires_grad=True)
    drawn = p if mended else tg.bernoulli(p)  # <--
    loss = (drawn * tg.ones(3, requires_grad=True)).sum()
    loss.backward()
    return tg.explain_grad(p)


def drawing_around_a_mean(mended):
    mean, std = tg.zeros(3, requires_grad=True), tg.ones(3)
    drawn = mean + std * tg.randn(3) if mended else tg.normal(mean, std)  # <--
    loss = (drawn * tg.ones(3, requires_grad=True)).sum()
    loss.backward()
    return tg.explain_grad(mean)


def numpy_round_trip(mended):
    w = tg.ones(2, requires_grad=True)
    values = w if mended else tg.from_numpy(w.detach().numpy())
    loss = (values * tg.ones(2, requires_grad=True)).sum()
    loss.backward(retain_graph=True)
    return tg.explain_grad(w)


def requires_grad_set_too_late(mended):
    w, x = tg.ones(2, requires_grad=mended), tg.ones(2, requires_grad=True)
    loss = (w * x).sum()
    w.requires_grad_()
    loss.backward(retain_graph=True)
    return tg.explain_grad(w)


def not_retained(mended):
    net, (x, y) = network(), batch()
    hidden = net[0](x)
    if mended:
        hidden.retain_grad()
    F.cross_entropy(net[2](hidden), y).backward()
    return tg.explain_grad(hidden)


def a_parameter_that_is_no_leaf(mended):
    w = tg.rand(3, requires_grad=True) * 0.1
    if mended:
        w = w.detach().requires_grad_()
    (w * 2).sum().backward()
    return tg.explain_grad(w)


def retained_late(mended):
    w = tg.ones(2, requires_grad=True)
    h = w * 2
    if mended:
        h.retain_grad()
    loss = (h * h).sum()
    loss.backward()  # <--
    h.retain_grad()
    return tg.explain_grad(h, loss)


def not_in_loss(mended):
    w, v = tg.ones(2, requires_grad=True), tg.ones(2, requires_grad=True)
    loss = ((w if mended else v) * 2).sum()
    loss.backward()
    return tg.explain_grad(w)


def a_model_made_anew(mended):
    net, (x, y) = network(), batch()
    old = net
    if not mended:
        net = network()
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    return tg.explain_grad(old[0].weight)


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head, self.other = nn.Linear(4, 4), nn.Linear(4, 3), nn.Linear(4, 3)
        self.gain = nn.Parameter(tg.ones(1))

    def forward(self, x, both=False):
        h = self.body(x)
        return self.head(h) + (self.other(h) * self.gain if both else 0)


def module_not_called(mended):
    net, (x, y) = TwoHeads(), batch()
    loss = F.cross_entropy(net(x, mended), y)
    loss.backward()
    return tg.explain_grad(net.other.weight)


def a_parameter_that_forward_does_not_use(mended):
    net, (x, y) = TwoHeads(), batch()
    loss = F.cross_entropy(net(x, mended), y)
    loss.backward()
    return tg.explain_grad(net.gain)


def backward_not_called(mended):
    net, (x, y) = network(), batch()
    loss = F.cross_entropy(net(x), y)
    if mended:
        loss.backward()
    return tg.explain_grad(net[0].weight, loss)


def freed(mended):
    w = tg.ones(2, requires_grad=True)
    shared = w.exp()
    first, second = shared.sum(), (shared * shared).sum()
    first.backward(retain_graph=mended)  # <--
    w.grad = None
    if mended:
        second.backward()
    return tg.explain_grad(w, second)


def grad_function(mended):
    w = tg.ones(2, requires_grad=True)
    loss = (w * w).sum()
    if mended:
        loss.backward()
    else:
        tg.autograd.grad(loss, w)  # <--
    return tg.explain_grad(w)


def inputs(mended):
    w, v = tg.ones(2, requires_grad=True), tg.ones(2, requires_grad=True)
    loss = (w * v).sum()
    loss.backward(inputs=[w, v] if mended else [v])  # <--
    return tg.explain_grad(w)


class Half(tg.autograd.Function):
    @staticmethod
    def forward(ctx, x, given):
        ctx.given = given
        return x / 2

    @staticmethod
    def backward(ctx, grad):
        return grad / 2 if ctx.given else None, None


def no_gradient_returned(mended):
    w = tg.ones(2, requires_grad=True)
    loss = Half.apply(w, mended).sum()
    loss.backward(retain_graph=True)  # <--
    return tg.explain_grad(w)


def detached_before_a_function_of_ones_own(mended):
    w, v = tg.ones(2, requires_grad=True), tg.ones(2, requires_grad=True)
    factor = w if mended else w.detach()  # <--
    loss = Product.apply(v, factor).sum()
    loss.backward()
    return tg.explain_grad(w)


class Product(tg.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y

    @staticmethod
    def backward(ctx, grad):
        x, y = ctx.saved_tensors
        return grad * y, grad * x


class Places(tg.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        places = (x * 10).round()
        ctx.mark_non_differentiable(places)
        return x * 2, places

    @staticmethod
    def backward(ctx, grad, _):
        return 2 * grad


def marked_as_not_differentiable(mended):
    w = tg.rand(2, requires_grad=True)
    twice, places = Places.apply(w)  # <--
    loss = ((twice if mended else places) * tg.ones(2, requires_grad=True)).sum()
    loss.backward()
    return tg.explain_grad(w)


def zero_grad(mended):
    net, (x, y) = network(), batch()
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    optimizer.step()
    if not mended:
        optimizer.zero_grad()  # <--
    return tg.explain_grad(net[0].weight)


def zero_grad_of_a_module_with_zeros(mended):
    net, (x, y) = network(), batch()
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    if not mended:
        net.zero_grad(set_to_none=False)  # <--
    return tg.explain_grad(net[0].weight)


def removed(mended):
    w = tg.ones(2, requires_grad=True)
    loss = (w * w).sum()
    loss.backward()  # <--
    if not mended:
        w.grad = None
    return tg.explain_grad(w)


def loss_gone(mended):
    w, v = tg.ones(2, requires_grad=True), tg.ones(2, requires_grad=True)

    def step():
        (w if mended else v).sum().backward()  # <--

    step()
    return tg.explain_grad(w)


NONE = {
    no_requires_grad: "no_requires_grad",
    no_requires_grad_of_a_loss: "no_requires_grad",
    frozen: "frozen",
    integer: "integer",
    no_grad_around_a_layer: "no_grad",
    no_grad_around_the_loss: "no_grad",
    no_grad_as_decorator: "no_grad",
    no_grad_in_a_generator: "no_grad",
    inference_mode: "no_grad",
    no_grad_until_further_notice: "no_grad",
    updating_a_parameter_by_a_new_tensor: "no_grad",
    writing_under_no_grad: "no_grad",
    several_results_under_no_grad: "no_grad",
    adding_in_place_under_no_grad: "no_grad",
    detach: "detached",
    detach_of_a_result_that_is_gone: "detached",
    detach_twice: "detached",
    detach_in_place: "detached",
    asking_the_detached_tensor: "detached",
    data_of_a_result: "detached",
    a_tensor_made_of_a_tensor: "detached",
    a_tensor_made_of_a_list_of_tensors: "detached",
    a_parameter_made_of_a_result: "detached",
    argmax: "no_derivative",
    accuracy_as_loss: "no_derivative",
    whole_numbers: "no_derivative",
    a_mask: "no_derivative",
    the_indices_of_max: "no_derivative",
    drawing: "no_derivative",
    drawing_around_a_mean: "no_derivative",
    numpy_round_trip: "constant",
    requires_grad_set_too_late: "constant",
    not_retained: "not_retained",
    a_parameter_that_is_no_leaf: "not_retained",
    retained_late: "retained_late",
    not_in_loss: "not_in_loss",
    a_model_made_anew: "not_in_loss",
    module_not_called: "module_not_called",
    a_parameter_that_forward_does_not_use: "not_in_loss",
    backward_not_called: "backward_not_called",
    freed: "freed",
    grad_function: "grad_function",
    inputs: "inputs",
    no_gradient_returned: "no_gradient_returned",
    detached_before_a_function_of_ones_own: "detached",
    marked_as_not_differentiable: "no_derivative",
    zero_grad: "zero_grad",
    zero_grad_of_a_module_with_zeros: "zero_grad",
    removed: "removed",
    loss_gone: "loss_gone",
}
