"""Where the boxes stand and how the edges run: Sugiyama's layout, by python-igraph.

Every box has a rank (a row); edges go down from rank to rank. igraph orders each row so that few
edges cross. An edge over several ranks passes through points in the rows between, which edges from
the same box share. Then each row is spread so that no boxes overlap and edges run straight.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

__all__ = ["HEIGHT", "Layout", "lay_out"]

HEIGHT = 48.0  # of a box
_BETWEEN_RANKS = 56.0
_GAP = 28.0  # between boxes in a row
_BEND = 10.0  # what a passing edge takes
_ROUNDS = 12  # of straightening
# How much a source resists being moved, and what is computed from sources alone (as in each step of
# a recurrent network), compared with the chain of operations.
_SOURCE, _SIDE = 0.002, 0.1
_MARGIN = 24.0


class Layout(NamedTuple):
    """Centres of the boxes, a polyline for each edge, and the extent of it all."""

    centres: list[tuple[float, float]]
    lines: list[list[tuple[float, float]]]
    width: float
    height: float


def lay_out(
    widths: Sequence[float], edges: Sequence[tuple[int, int]], sources: Sequence[bool]
) -> Layout:
    """Lay out boxes of these widths, numbered so that every edge leads to a larger number.

    `sources`, the leaves and constants, make way for the chain of operations.
    """
    ranks = _ranks(len(widths), edges)
    # All vertices: the boxes, then the points where an edge passes a row.
    sizes, rows, weights = list(widths), list(ranks), _weights(edges, sources)
    links: set[tuple[int, int]] = set()
    passing: dict[tuple[int, int], int] = {}
    paths = []
    for start, end in edges:
        path = [start]
        for row in range(ranks[start] + 1, ranks[end]):
            vertex = passing.get((start, row))
            if vertex is None:
                vertex = passing[start, row] = len(sizes)
                sizes.append(_BEND)
                rows.append(row)
                weights.append(weights[start])
            path.append(vertex)
        path.append(end)
        links.update(pairwise(path))
        paths.append(path)
    ordered = sorted(links)
    positions = _straighten(_orders(rows, ordered), sizes, rows, weights, ordered)
    left = min(x - size / 2 for x, size in zip(positions, sizes, strict=True)) - _MARGIN
    xs = [round(x - left, 1) for x in positions]
    ys = [_MARGIN + HEIGHT / 2 + row * (HEIGHT + _BETWEEN_RANKS) for row in rows]
    lines = []
    for path in paths:
        line = [(xs[path[0]], ys[path[0]] + HEIGHT / 2)]
        for vertex in path[1:-1]:
            # Straight down through a row, so that it touches no box there.
            if len(line) > 1 and line[-1][0] == line[-2][0] == xs[vertex]:
                line.pop()
            else:
                line.append((xs[vertex], ys[vertex] - HEIGHT / 2))
            line.append((xs[vertex], ys[vertex] + HEIGHT / 2))
        line.append((xs[path[-1]], ys[path[-1]] - HEIGHT / 2))
        lines.append(line)
    return Layout(
        list(zip(xs, ys, strict=True))[: len(widths)],
        lines,
        max(x + size / 2 for x, size in zip(xs, sizes, strict=True)) + _MARGIN,
        max(ys) + HEIGHT / 2 + _MARGIN,
    )


def _ranks(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Each box directly above the first one that uses it: parameters beside a layer's input."""
    users: list[list[int]] = [[] for _ in range(count)]
    for start, end in edges:
        users[start].append(end)
    ranks = [0] * count
    for box in range(count - 1, -1, -1):
        if users[box]:
            ranks[box] = min(ranks[user] for user in users[box]) - 1
    lowest = min(ranks)
    return [rank - lowest for rank in ranks]


def _weights(edges: Sequence[tuple[int, int]], sources: Sequence[bool]) -> list[float]:
    """How much each box resists being moved by its neighbours in a row."""
    from_sources = [True] * len(sources)
    for start, end in edges:
        from_sources[end] &= sources[start]
    return [
        _SOURCE if source else _SIDE if alone else 1.0
        for source, alone in zip(sources, from_sources, strict=True)
    ]


def _orders(rows: Sequence[int], links: Sequence[tuple[int, int]]) -> list[float]:
    """igraph's horizontal positions, of which only the order in each row counts."""
    try:
        import igraph
    except ImportError:
        raise ImportError(
            "The explorer needs python-igraph, which lays its graph out: pip install "
            '"tinygrad_edu[course]" or pip install igraph.'
        ) from None
    graph: Any = igraph.Graph(n=len(rows), edges=links, directed=True)
    found = graph.layout_sugiyama(layers=list(rows), maxiter=100)
    return [float(x) for x, _ in found.coords]


def _straighten(
    start: Sequence[float],
    sizes: Sequence[float],
    rows: Sequence[int],
    weights: Sequence[float],
    links: Sequence[tuple[int, int]],
) -> list[float]:
    """Positions without overlap: each vertex near the mean of its neighbours."""
    lines: list[list[int]] = [[] for _ in range(max(rows) + 1)]
    for vertex, row in enumerate(rows):
        lines[row].append(vertex)
    above: list[list[int]] = [[] for _ in rows]
    below: list[list[int]] = [[] for _ in rows]
    for upper, lower in links:
        above[lower].append(upper)
        below[upper].append(lower)
    boxes = [size for size in sizes if size > _BEND]
    unit = sum(boxes) / len(boxes) + _GAP
    xs = [x * unit for x in start]
    for line in lines:
        line.sort(key=lambda vertex: (start[vertex], vertex))
        _place(line, xs, sizes, weights)
    for turn in range(_ROUNDS):
        neighbours = (above, below)[turn % 2]
        for line in lines if turn % 2 == 0 else reversed(lines):
            for vertex in line:
                near = neighbours[vertex]
                heaviest = max((weights[other] for other in near), default=0.0)
                goals = [xs[other] for other in near if weights[other] == heaviest]
                if goals:
                    xs[vertex] = sum(goals) / len(goals)
            _place(line, xs, sizes, weights)
    return xs


def _place(
    line: Sequence[int], xs: list[float], sizes: Sequence[float], weights: Sequence[float]
) -> None:
    """Move the vertices of a row, in their order, as little as possible until none overlap.

    The weighted least squares under x[i + 1] - x[i] >= their distance: neighbours that are pushed
    together form blocks (pool adjacent violators).
    """
    offsets = [0.0]
    for left, right in pairwise(line):
        gap = _BEND if sizes[left] == sizes[right] == _BEND else _GAP
        offsets.append(offsets[-1] + (sizes[left] + sizes[right]) / 2 + gap)
    blocks: list[tuple[float, float, int]] = []  # mean position, weight, vertices
    for vertex, offset in zip(line, offsets, strict=True):
        mean, total, count = xs[vertex] - offset, weights[vertex], 1
        while blocks and blocks[-1][0] > mean:
            before, heavy, many = blocks.pop()
            mean = (before * heavy + mean * total) / (heavy + total)
            total, count = heavy + total, many + count
        blocks.append((mean, total, count))
    index = 0
    for mean, _, count in blocks:
        for _ in range(count):
            xs[line[index]] = mean + offsets[index]
            index += 1
