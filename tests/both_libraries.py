"""What the comparisons with PyTorch share: results of either library, and their derivatives."""

import numpy as np


def flat(results):
    """What stands in nested tuples and lists."""
    if isinstance(results, tuple | list):
        return [x for result in results for x in flat(result)]
    return [results]


def as_array(tensor):
    """A copy of the values of a tensor."""
    return np.array(tensor.detach().numpy(force=True))


def weighted(library, x):
    """The sum of its elements, each with a weight of its own."""
    weights = np.cos(np.arange(x.numel(), dtype=float)).reshape(tuple(x.shape))
    return (x * library.tensor(weights)).sum()


def gradients(library, total, leaves, create_graph=True):
    """Of the leaves; None for each that plays no part."""
    if not isinstance(total, library.Tensor):
        return [None] * len(leaves)
    return library.autograd.grad(total, leaves, create_graph=create_graph, allow_unused=True)


def derivatives(library, results, leaves, order, record_last=True):
    """Gradients of a weighted sum of the results, then those of the sum of their squares.

    `record_last=False` computes the last of them in an ordinary pass.
    """
    found = []
    total = sum(
        weighted(library, x) for x in results if isinstance(x, library.Tensor) and x.requires_grad
    )
    for turn in range(order):
        grads = gradients(library, total, leaves, record_last or turn < order - 1)
        found += grads
        total = sum((g * g).sum() for g in grads if g is not None and g.requires_grad)
    return found
