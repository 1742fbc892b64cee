"""`explore`: one HTML file in which a computation is stepped through, forward and backward."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...autograd.graph import Operation
from ...autograd.mode import Switch
from ...autograd.reach import reachable
from ...nn import Module
from ...serialization.files import write_whole
from ...tensor import Tensor
from .graph import Graph

__all__ = ["explore", "keep_values", "page"]

_LANGUAGES = ("en", "ja")
_LARGEST = 5000  # operations in a file, visible or not: some ten megabytes of data
_FOLDER = Path(__file__).parent / "page"
# Inside a script element, `</script` or `<!--` would end the data or change how it is read.
_UNSAFE = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


class keep_values(Switch):
    """Keep the inputs and results of every recorded operation, for `viz.explore`.

    Without it, `explore` shows what operations save for their gradients, and what can be computed
    again from that: images may be missing, and what follows from them. Costs the memory of all
    intermediate results as long as the graph lives. Context manager and decorator.

    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> with tg.viz.keep_values():
    ...     loss = (x + tg.tensor([3.0, 4.0])).sum()
    """

    def __init__(self) -> None:
        super().__init__(values=True)


def explore(
    loss: Tensor,
    path: str | os.PathLike[str],
    model: Module | None = None,
    *,
    names: Mapping[str, Tensor] | None = None,
    title: str | None = None,
    language: str = "en",
    max_nodes: int = 300,
) -> str:
    """Write an HTML file in which the computation of a loss is stepped through.

    The file opens in any browser, from disk, without a server or network. It shows the graph; at
    each operation the formula, the values that went in and came out, the gradient that arrives, the
    local derivative, and the gradients that flow on. Returns the path.

    Call it before `loss.backward()`, or after `loss.backward(retain_graph=True)`, and compute the
    loss inside `with tg.viz.keep_values():`, so that no value is missing. The gradients are
    computed for the page: no `grad` changes, the graph stays, and no hook runs, so that a gradient
    that a hook would change is shown unchanged.

    Args:
        model: names the parameters. Without it the modules that ran name them.
        names: further names: of leaves, of data, of intermediate results.
        title: of the page; the class of the model if it is None.
        language: the page starts in English ("en") or Japanese ("ja"); a button changes it.
        max_nodes: how many boxes are seen at first. Of a larger graph, calls of modules are
            collapsed into one box each; the page opens them.

    Raises:
        TypeError: for a loss or names that are not tensors, a model that is no module, a title that
            is no text.
        ValueError: for a loss that is not one number or has no graph; for a graph with more than
            5,000 operations, or more than `max_nodes` nodes that are in no module.
        RuntimeError: if the graph was freed by `backward()`, or a value that the gradients need was
            changed in place since, as by `optimizer.step()`.
        ImportError: without python-igraph, which lays the graph out.

    >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> with tg.viz.keep_values():
    ...     loss = F.cross_entropy(model(tg.ones(4, 2)), tg.tensor([0, 1, 1, 0]))
    >>> tg.viz.explore(loss, "step.html")
    'step.html'
    """
    _check_arguments(loss, model, title, language, max_nodes)
    nodes = reachable([loss.edge])
    _check_graph(loss, nodes)
    graph = Graph(loss, nodes, model, names)
    count = len(graph.items)
    collapsed, seen = graph.calls.collapsed(graph.modules, max_nodes)
    if seen > max_nodes:
        raise ValueError(
            f"explore: {seen:,} of the {count:,} nodes of this graph would be seen at first, even "
            f"with every module collapsed; max_nodes is {max_nodes:,}. Explore less of it (fewer "
            "time steps, one pass of a loop), compute it in modules, which are shown as one box "
            "each, or raise max_nodes if the page may be slow."
        )
    content = page(graph.data(title, language, collapsed))
    write_whole(path, content.encode("utf-8", "replace"))
    return os.fspath(path)


def page(data: dict[str, Any]) -> str:
    """The page's HTML with its styles, its scripts and the data, all in one text."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    scripts = sorted(_FOLDER.glob("*.js"))
    parts = {
        "/*CSS*/": _read(_FOLDER / "explorer.css"),
        "/*JS*/": "\n".join(_read(script) for script in scripts),
        "/*DATA*/": text.translate(_UNSAFE),
    }
    # In one pass: what is put in may contain such a mark, too.
    return re.sub(
        "|".join(map(re.escape, parts)),
        lambda match: parts[match[0]],
        _read(_FOLDER / "explorer.html"),
    )


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _check_arguments(loss: Any, model: Any, title: Any, language: Any, max_nodes: Any) -> None:
    if not isinstance(loss, Tensor):
        raise TypeError(
            f"explore takes a loss, a tensor; got {type(loss).__name__}. To explore a model, "
            "explore the loss that it leads to: explore(F.cross_entropy(model(x), y), path)."
        )
    if model is not None and not isinstance(model, Module):
        raise TypeError(
            f"explore: the model is a module, which names the parameters; got "
            f"{type(model).__name__}. The second argument is the path of the HTML file."
        )
    if title is not None and not isinstance(title, str):
        raise TypeError(f"explore: the title is text; got {type(title).__name__}.")
    if language not in _LANGUAGES:
        raise ValueError(f"explore: the language is 'en' or 'ja'; got {language!r}.")
    if isinstance(max_nodes, bool) or not isinstance(max_nodes, int) or max_nodes < 1:
        raise ValueError(f"explore: max_nodes is 1 or more; got {max_nodes!r}.")
    if loss.array.size != 1:
        raise ValueError(
            f"explore: gradients start from one number, and this tensor has shape {loss.shape}. "
            "Explore its .sum() or .mean(), or a loss."
        )
    if not isinstance(loss.edge, Operation):
        raise ValueError(
            "explore: this loss has no graph: it was not computed from a tensor that requires a "
            "gradient, or it was computed under no_grad() or detached."
        )


def _check_graph(loss: Tensor, nodes: list[Operation]) -> None:
    """Whether it can be shown, and gradients be computed: nothing was freed or changed since."""
    if len(nodes) > _LARGEST:
        raise ValueError(
            f"explore: this graph has {len(nodes):,} operations; a page of more than {_LARGEST:,} "
            "would be too slow to be used. Explore less of it: fewer time steps, fewer layers, or "
            "one pass of a loop instead of all."
        )
    for node in nodes:
        if node.saved is None:
            raise RuntimeError(
                "explore: the graph of this loss was freed by backward(). Call explore(loss, path) "
                "before loss.backward(), or loss.backward(retain_graph=True)."
            )
        for slot, (value, version, count) in node.saved.items():
            if version is not None and version[0] != count:
                name = dict(enumerate(node.inputs)).get(slot, slot)
                which = "its result" if slot < 0 else f"its input {name}"
                raise RuntimeError(
                    f"explore: since the loss (shape {loss.shape}) was computed, a tensor that the "
                    f"gradient of {node.name} needs was changed in place: {which}, of shape "
                    f"{np.shape(value)}. Call explore(loss, path) before optimizer.step() and "
                    "other changes, or compute the loss anew."
                )
