"""`explain_grad`: what is the matter with this tensor's gradient?"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ..autograd.cuts import Cut, Place
from ..autograd.engine import Edge
from ..autograd.graph import Operation, TensorBase
from ..autograd.passes import LAST_PASS, LAST_RESET, Pass, Reset
from ..nn import Parameter
from ..nn.scope import describe
from ..ops.dtypes import type_name
from ..tensor import Tensor
from .explanation import Explanation, at, visible
from .walk import Names, Walk, way_through_cuts
from .zero import block, path_lines, suspects, trace

__all__ = ["explain_grad"]


def explain_grad(tensor: Tensor, loss: Tensor | None = None) -> Explanation:
    """Why `tensor.grad` is None or zero, in sentences; or that it is there and fine.

    Without `loss`, that of the last `backward()` is meant, as long as it exists. The answer prints
    as text; its `reason` is one word, its `place` the line of your program that is to blame.
    Nothing is changed. Raises TypeError for what is no tensor.

    The reasons why there is none: no_requires_grad, frozen, integer, no_grad, detached,
    no_derivative, constant, not_retained, retained_late, not_in_loss, module_not_called,
    backward_not_called, freed, grad_function, inputs, no_gradient_returned, zero_grad, removed,
    loss_gone. Why it is zero: dead_relu, saturated, clamped, masked, multiplied_by_zero,
    not_chosen, flat, cancelled, underflow, zero_loss, overwritten, zero_gradient, zero_grad, stale,
    zero. Otherwise: present, not_finite.

    >>> w = tg.ones(2, requires_grad=True)
    >>> hidden = tg.tanh(w)
    >>> loss = (hidden.detach() * tg.ones(2, requires_grad=True)).sum()
    >>> loss.backward()
    >>> tg.explain_grad(w).reason
    'detached'
    """
    for name, x in (("tensor", tensor), ("loss", loss)):
        if not isinstance(x, TensorBase) and not (name == "loss" and x is None):
            raise TypeError(
                f"explain_grad: {name} is a tensor; got {type_name(x)}. For a layer ask about one "
                "of its parameters: explain_grad(layer.weight)."
            )
    return Question(tensor, loss).answer()


class Question:
    """One question: the tensor, the loss that is meant, and what is known of both."""

    def __init__(self, tensor: Tensor, loss: Tensor | None) -> None:
        self.tensor = tensor
        self.loss = loss
        self.target: Edge | None = tensor.edge
        self.last: Pass | None = LAST_PASS.get()
        self.roots: list[Edge] = []
        if loss is not None:
            self.roots = [] if loss.edge is None else [loss.edge]
        elif self.last is not None:
            self.roots = [root for ref in self.last.roots if (root := ref()) is not None]

    @cached_property
    def walk(self) -> Walk:
        """The graph of the loss."""
        return Walk(self.roots)

    @cached_property
    def names(self) -> Names:
        """The names in it."""
        return Names(self.walk)

    @property
    def subject(self) -> str:
        """What the sentences call the tensor."""
        name = self.names.leaf(self.tensor)
        kind = "Parameter" if isinstance(self.tensor, Parameter) else "Tensor"
        return f"{name or kind} of shape {self.tensor.shape}"

    @property
    def done(self) -> Pass | None:
        """The last pass that began at this loss."""
        for root in self.roots:
            notes = root.notes if isinstance(root, Operation) else None
            if notes is not None and notes.passed is not None:
                return notes.passed
            if self.last is not None and any(ref() is root for ref in self.last.roots):
                return self.last
        return None

    @property
    def reset(self) -> Reset | None:
        """The call of zero_grad that has emptied this gradient since the pass, if there is one."""
        reset = LAST_RESET.get()
        done = self.done or self.last
        if reset is None or (done is not None and reset.number < done.number):
            return None
        owner: Any = reset.owner()
        groups = getattr(owner, "param_groups", None)
        if groups is not None:
            held = [p for group in groups for p in group["params"]]
        else:
            held = [] if owner is None else list(owner.parameters())
        return reset if any(p is self.tensor for p in held) else None

    # Which question it is.

    def answer(self) -> Explanation:
        """The explanation."""
        tensor, gradient = self.tensor, self.tensor._grad
        if gradient is not None:
            if self.loss is not None and self.target not in self.walk:
                found = self.no_graph() if self.target is None else self.elsewhere()
                rest = "What stands in its .grad comes from another loss, or was put there."
                sentences = (*found.sentences, rest)
                return Explanation(found.reason, sentences, found.place, found.path)
            return self.zero() if self._is_zero(gradient) else self.present(gradient)
        if self.target is None or tensor.dtype.kind != "f":
            return self.no_graph()
        if isinstance(self.target, Operation) and not tensor.retains_grad:
            return self.not_retained(self.target)
        return self.missing()

    def _is_zero(self, gradient: Tensor) -> bool:
        return bool(gradient.array.size) and not np.any(gradient.array)

    def present(self, gradient: Tensor) -> Explanation:
        """Nothing is wrong, but perhaps with its numbers."""
        values = np.abs(gradient.array)
        if not np.isfinite(values).all():
            kind = "NaN" if np.isnan(values).any() else "infinity"
            return Explanation(
                "not_finite",
                (
                    f"{self.subject} has a gradient, but it contains {kind}.",
                    "`with tg.autograd.detect_anomaly():` around forward and backward names the "
                    "operation and the line that made it.",
                ),
            )
        first = f"{self.subject} has a gradient."
        if values.size:
            zeros = 1 - np.count_nonzero(values) / values.size
            first = f"{first[:-1]}: |grad| is {values.mean():.3g} on average, {values.max():.3g} "
            first += f"at most, and {zeros:.0%} of its elements are 0."
        sentences = [first]
        if self.loss is not None and self.done is None:
            sentences.append(
                "It is from an earlier pass: backward() was not called on this loss yet."
            )
        return Explanation("present", tuple(sentences))

    # Why there is none.

    def no_graph(self) -> Explanation:
        """The tensor does not require grad."""
        tensor = self.tensor
        if tensor.cuts and not isinstance(tensor, Parameter):
            return self.cut(f"{self.subject} does not require grad", tensor.cuts[::-1])
        if tensor.dtype.kind != "f":
            sentences = (
                f"{self.subject} holds {tensor.dtype}: integers and booleans have no gradient.",
                "If these are numbers to learn: x.float().requires_grad_(), before they are used.",
            )
            return Explanation("integer", sentences)
        if isinstance(tensor, Parameter):
            sentences = (
                f"{self.subject} is frozen: its requires_grad is False.",
                "p.requires_grad_() before the forward pass thaws it.",
            )
            return Explanation("frozen", sentences)
        sentences = (
            f"{self.subject} does not require grad: its requires_grad is False, and so is that of "
            "everything it was computed from.",
            "Make a leaf that does: tg.tensor(..., requires_grad=True) or x.requires_grad_(), "
            "before it is used. What went through NumPy, .item() or .tolist() has lost its graph "
            "there.",
        )
        return Explanation("no_requires_grad", sentences)

    def cut(self, first: str, way: tuple[Cut, ...], what: str = "it") -> Explanation:
        """The first sentence goes on: with where the graph was cut, and `what` that is without."""
        said = [_said_of(cut, what) for cut in way]
        sentences = [f"{first}: {said[0][0]}"]
        others = dict.fromkeys(sentence for sentence, _ in said[1:])
        sentences += [f"Before that, {sentence}" for sentence in others]
        return Explanation(way[0].kind, (*sentences, said[0][1]), way[0].place)

    def not_retained(self, node: Operation) -> Explanation:
        """An intermediate result."""
        sentences = [
            f"{self.subject} is not a leaf: it is the result of {self.names.edge(node)}, and the "
            "gradients of intermediate results are not kept.",
            "Call x.retain_grad() on it before backward(). If it is meant to be a parameter, make "
            "a leaf of it where it is made, (... * 0.1).detach().requires_grad_(), and update it "
            "in place: with tg.no_grad(): w -= lr * w.grad.",
        ]
        done = None if node.notes is None else node.notes.passed
        if done is not None:
            sentences.insert(1, f"The last {_call(done)} from it ran{at(done.place)}.")
        return Explanation("not_retained", tuple(sentences), None if done is None else done.place)

    def missing(self) -> Explanation:
        """It may have a gradient, and has none."""
        assert self.target is not None
        if self.loss is not None and not self.roots:
            return self.loss_without_graph(self.loss)
        if not self.roots:
            return self.no_loss()
        if self.target not in self.walk:
            return self.elsewhere()
        done = self.done
        if done is None:
            return self.not_called()
        ran = f"{_call(done)} ran from this loss{at(done.place)}"
        if done.kind == "grad":
            return _told(
                "grad_function",
                done.place,
                f"{self.subject} has no .grad: {ran}, which returns gradients and stores none.",
                "Use what it returns, or loss.backward().",
            )
        if not done.asked_for(self.target):
            return _told(
                "inputs",
                done.place,
                f"{self.subject} was left out: {ran}, with inputs= that do not name it.",
                "Add it to inputs, or leave the argument out.",
            )
        if self.reset is not None:
            return self.forgotten(self.reset)
        notes = self.target.notes if isinstance(self.target, Operation) else None
        if notes is not None and notes.since > done.number:
            return _told(
                "retained_late",
                done.place,
                f"{self.subject} is an intermediate result, and x.retain_grad() was called after "
                f"its gradient had been computed: {ran}.",
                "Call it before backward().",
            )
        return self.not_stored(ran, done)

    def loss_without_graph(self, loss: Tensor) -> Explanation:
        """The loss itself does not require grad."""
        first = "The loss does not require grad, so nothing gets a gradient from it"
        if loss.cuts:
            return self.cut(first, loss.cuts[::-1])
        return Explanation(
            "not_in_loss",
            (
                f"{first}: nothing that it was computed from requires grad.",
                f"{self.subject} was not used to compute it, or required no grad at that time.",
            ),
        )

    def no_loss(self) -> Explanation:
        """No loss was given, and there is none to be found."""
        if self.last is None:
            return Explanation(
                "backward_not_called",
                (
                    f"{self.subject} has no gradient: no backward() has run yet in this thread.",
                    "Call loss.backward(); explain_grad(tensor, loss) looks at a loss before that.",
                ),
            )
        if self.reset is not None:
            return self.forgotten(self.reset)
        return _told(
            "loss_gone",
            self.last.place,
            f"{self.subject} has no gradient. The last {_call(self.last)} ran"
            f"{at(self.last.place)}, but its loss no longer exists, so whether this tensor was "
            "part of it cannot be seen.",
            "Ask while the loss is there: explain_grad(tensor, loss).",
        )

    def not_called(self) -> Explanation:
        """The tensor is part of the loss, from which no pass has run."""
        assert self.target is not None
        leading = self.walk.leading_to(self.target)
        freed = [n for n in self.walk.nodes if n in leading and n.saved is None]
        last = self.last
        if freed:
            where = f"; the last pass, {_call(last)}, ran{at(last.place)}" if last else ""
            return _told(
                "freed",
                None if last is None else last.place,
                f"{self.subject} is part of this loss, but {self.names.edge(freed[-1])} was freed "
                f"by the backward pass of another loss that shares it{where}.",
                "Add the losses and call backward() once, or pass retain_graph=True to the first.",
            )
        sentences = [
            f"{self.subject} is part of this loss, and backward() was not called on the loss yet."
        ]
        if last is not None and self.loss is not None:
            sentences.append(f"The last {_call(last)}, from another one, ran{at(last.place)}.")
        return Explanation("backward_not_called", (*sentences, "Call loss.backward()."))

    def forgotten(self, reset: Reset) -> Explanation:
        """zero_grad came after the pass."""
        return _told(
            "zero_grad",
            reset.place,
            f"{self.subject} has no gradient: zero_grad() was called{at(reset.place)}, after the "
            "last pass, and forgot any that it had.",
            "The order is zero_grad(), backward(), step(); look at gradients before the next "
            "zero_grad().",
        )

    def not_stored(self, ran: str, done: Pass) -> Explanation:
        """The pass ran, the tensor is part of the loss, and yet there is nothing."""
        assert self.target is not None
        leading = self.walk.leading_to(self.target)
        own = [n for n in self.walk.nodes if n in leading and type(n).__name__ == "_FunctionNode"]
        found = trace(self.roots, self._beginning(), self.target) if own else None
        refused = [n for n in (found.refused if found else ()) if n in leading]
        if found is not None and self.target not in found.totals and refused:
            return _told(
                "no_gradient_returned",
                done.place,
                f"{self.subject} is part of this loss, and {ran}; but the backward of "
                f"{visible(refused[0].name)} returned None for the input that leads to it.",
                "Return a gradient for every input of forward that is to have one.",
            )
        sentences = [
            f"{self.subject} is part of this loss, and {ran}: its gradient has been removed since, "
            "by zero_grad() or x.grad = None."
        ]
        if found is None and own:
            sentences.append(
                f"Or the backward of {visible(own[0].name)}, which is on the way, returned None; "
                "after backward(retain_graph=True) this can be told."
            )
        return Explanation("removed", tuple(sentences), done.place)

    def elsewhere(self) -> Explanation:
        """It may have a gradient, and is not part of this loss."""
        assert self.target is not None
        cuts = self.walk.cuts()
        if self.loss is not None:
            cuts = (*self.loss.cuts, *cuts)
        way = way_through_cuts(cuts, self.target)
        if way:
            first = f"{self.subject} has no way to this loss on which a gradient could flow"
            found = self.cut(first, way, "a part of it")
            if way[-1].kind != "no_grad":
                return found
            # Not each result remembers what it was computed from, but the block for all of them.
            rest = "This tensor was used in that block: for this loss, or for something else."
            return Explanation(found.reason, (*found.sentences, rest), found.place)
        sentences = [f"{self.subject} is not part of the graph of this loss."]
        reason, place = "not_in_loss", None
        constant = self._constant()
        owner = self.names.owner(self.tensor)
        if constant is not None:
            reason = "constant"
            sentences = [
                f"{self.subject} went into this loss as a constant, in "
                f"{self.names.edge(constant)}.",
                "Its values came in through NumPy or .data, or before requires_grad was set.",
            ]
        elif owner is not None and id(owner[1]) not in self.names.called:
            reason = "module_not_called"
            path, module = owner
            what = f"{path or 'the model'} ({visible(describe(module))})"
            sentences[0] = (
                f"{self.subject} is not part of this loss: {what} was not called for it, or was "
                "frozen when it was."
            )
            sentences.append("Call the layer in forward(), and use what it returns.")
        elif owner is not None:
            sentences.append(
                "Its module was called: forward() does not use it for this loss, or it was frozen "
                "at that time."
            )
        elif isinstance(self.tensor, Parameter) and self.names.roots:
            sentences.append(
                "It belongs to no model that took part: was the model, or the loss, made anew?"
            )
        else:
            sentences.append(
                "The loss was computed from something else: another tensor of the same name, an "
                "earlier value, or NumPy arrays, .item() and .tolist(), which leave the graph. Or "
                "requires_grad was set only after that."
            )
        if self.loss is None and self.last is not None:
            sentences.append(
                f"This loss is that of the last {_call(self.last)}{at(self.last.place)}; "
                "explain_grad(tensor, loss) asks about another one."
            )
        large = [cut for cut in cuts if cut.partial]
        if large and reason == "not_in_loss":
            said, _ = _said_of(large[0], "a part of it")
            place = large[0].place
            sentences.append(
                f"It may have been in a part that was too large to be remembered: {said}"
            )
        return Explanation(reason, tuple(sentences), place)

    def _constant(self) -> Operation | None:
        """An operation that has saved this tensor's memory as something without gradient."""
        mine = self.tensor.array
        for node in self.walk.nodes:
            # What a checkpoint has forgotten is not computed again for this.
            saved = node.saved if type(node.saved) is dict else {}
            for slot, (value, *_) in saved.items():
                without = 0 <= slot < len(node.parents) and node.parents[slot] is None
                if without and (value is mine or getattr(value, "base", None) is mine):
                    return node
        return None

    # Why it is zero.

    def _beginning(self) -> list[Any]:
        """The gradients to begin a pass with."""
        return [np.ones(root.shape, root.dtype) for root in self.roots]

    def zero(self) -> Explanation:
        """There is a gradient, and all of it is 0."""
        zero = f"{self.subject} has a gradient, but all of it is 0"
        if self.reset is not None:
            return _told(
                "zero_grad",
                self.reset.place,
                f"{zero}: zero_grad() was called{at(self.reset.place)}, after the last pass.",
                "The order is zero_grad(), backward(), step().",
            )
        if not self.roots or self.target is None:
            return _told(
                "zero",
                None,
                f"{zero}. The loss that it came from is not known, or no longer exists.",
                "Ask while the loss is there: explain_grad(tensor, loss).",
            )
        if self.target not in self.walk:
            found = self.elsewhere()
            sentences = (f"{zero}, and not from this loss.", *found.sentences)
            return Explanation(found.reason, sentences, found.place)
        done = self.done
        if done is not None and done.zero:
            return _told(
                "zero_gradient",
                done.place,
                f"{zero}: the pass began with a gradient of zeros{at(done.place)}.",
                "loss.backward() of a single number begins with 1.",
            )
        return self.where_it_ends(zero)

    def where_it_ends(self, zero: str) -> Explanation:
        """Look at what flows from the loss to the tensor."""
        assert self.target is not None
        leading = self.walk.leading_to(self.target)
        found = None
        if all(n.saved is not None for n in self.walk.nodes if n in leading):
            found = trace(self.roots, self._beginning(), self.target)
        if found is None:
            return self.freed_and_zero(zero, leading)
        if found.flows(self.target):
            return _told(
                "stale",
                None,
                f"{zero}, although a pass from this loss, begun with ones, gives another one now.",
                "It was overwritten since, a hook has replaced it, the pass began with another "
                "gradient, or those of several passes have cancelled.",
            )
        stop = block(found, leading)
        path = path_lines(self.walk, leading, self.target, self.names, stop)
        if stop is None:
            return Explanation("zero", (f"{zero}: no gradient comes from this loss.",), None, path)
        cause = stop.cause
        sentence = f"{zero}. It becomes 0 at {self.names.edge(stop.node)}: {cause.sentence}."
        return Explanation(cause.reason, (sentence, cause.remedy), None, path)

    def freed_and_zero(self, zero: str, leading: set[Edge]) -> Explanation:
        """The saved arrays are gone: what the gradients of the leaves tell."""
        assert self.target is not None
        able, alive = suspects(self.walk, leading, self.target)
        why = "The graph has been freed"
        if all(node.saved is not None for node in self.walk.nodes if node in leading):
            why = "A value in the graph was changed in place since, as by optimizer.step()"
        sentences = [f"{zero}. {why}, so where it became 0 cannot be computed."]
        if alive:
            above = ", ".join(f"{self.names.edge(leaf)}" for leaf in alive[:3])
            sentences.append(f"On the way from the loss it is not 0 yet at {above}.")
        if able:
            between = dict.fromkeys(self.names.edge(node) for node in able)
            listed = "; ".join(list(between)[:6])
            sentences.append(f"On the way from there, these can stop a gradient: {listed}.")
        sentences.append(
            "To see which: compute the loss anew, loss.backward(retain_graph=True), and ask before "
            "optimizer.step()."
        )
        path = path_lines(self.walk, leading, self.target, self.names, None)
        return Explanation("zero", tuple(sentences), None, path)


def _told(reason: str, place: Place | None, *sentences: str) -> Explanation:
    return Explanation(reason, sentences, place)


def _call(done: Pass) -> str:
    return "backward()" if done.kind == "backward" else "autograd.grad()"


_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge", "isclose")
_REMEDIES = {
    ".detach()": "Leave .detach() out where the gradient is to flow; x.clone() copies with graph.",
    ".detach_()": "Leave .detach_() out where the gradient is to flow.",
    ".data": "Use x itself: .data is the same memory without the graph.",
    "nn.Parameter(...)": (
        "nn.Parameter begins a new leaf: keep the parameter itself, and compute from it in "
        "forward()."
    ),
}


def _said_of(cut: Cut, what: str) -> tuple[str, str]:
    """How a graph was cut, in a sentence, and what to do instead."""
    name = visible(cut.name)
    if cut.kind == "no_grad":
        where = f"{what} was computed under {name}{at(cut.place)}, where nothing is recorded."
        return where, (
            "Compute it outside of that block. (To update a parameter inside, change it in place, "
            "w -= lr * w.grad: it stays the same leaf.)"
        )
    if cut.kind == "no_derivative":
        remedy = "Train on something smooth in its place, and keep this for looking."
        if name in ("argmax", "argmin"):
            remedy = (
                "Take the logits: F.cross_entropy(logits, targets), or softmax for probabilities."
            )
        elif name in _COMPARISONS:
            remedy = "A count of right answers cannot be trained on: F.cross_entropy can."
        elif name in ("normal", "bernoulli", "multinomial", "poisson", "binomial"):
            remedy = "Numbers drawn have no gradient; mean + std * tg.randn_like(std) has one."
        elif name.startswith("to("):
            remedy = "Stay in a floating type: only whole numbers come out of this conversion."
        return f"{name}{at(cut.place)} has no derivative.", remedy
    remedy = _REMEDIES.get(
        name,
        "That copies the values alone: x.clone() copies with graph, tg.stack([...]) joins tensors.",
    )
    return f"the graph was left through {name}{at(cut.place)}.", remedy
