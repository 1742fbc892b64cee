"""The result of a summary: rows, totals, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..tables import html_table, one_line, quantity, size, text_table

__all__ = ["Row", "Summary"]

_COLUMNS = (
    ("layer", "<"),
    ("class", "<"),
    ("output", "<"),
    ("parameters", ">"),
    ("trainable", "<"),
    ("multiply-adds", ">"),
    ("outputs", ">"),
    ("saved", ">"),
)


@dataclass
class Row:
    """One module. Numbers are its own, without those of the modules in it."""

    path: str  # "" for the model itself
    kind: str  # the name of its class
    level: int  # how deep it is in the model
    calls: int = 0
    output: str = ""  # shapes and types as text, or why there are none
    output_shapes: list[tuple[int, ...]] = field(default_factory=list)  # of the last call
    parameters: int = 0
    parameter_bytes: int = 0
    trainable: int = 0  # of the parameters
    shared: int = 0  # numbers in parameters that belong to a row above
    multiply_adds: int = 0
    output_bytes: int = 0
    saved_bytes: int | None = None  # None if the model failed

    def __iadd__(self, inner: Row) -> Row:
        """Take in the numbers of a row that is not shown."""
        self.parameters += inner.parameters
        self.parameter_bytes += inner.parameter_bytes
        self.trainable += inner.trainable
        self.shared += inner.shared
        self.multiply_adds += inner.multiply_adds
        self.output_bytes += inner.output_bytes
        if inner.saved_bytes is not None:
            self.saved_bytes = (self.saved_bytes or 0) + inner.saved_bytes
        return self


@dataclass(repr=False)
class Summary:
    """A model as a table: `rows`, totals, and text; a notebook shows it as HTML.

    >>> found = tg.viz.summary(nn.Linear(2, 3), (5, 2))
    >>> found.parameters, found.trainable, found.multiply_adds, found.rows[0].output_shapes
    (9, 9, 30, [(5, 3)])
    """

    rows: list[Row]
    inputs: str
    input_bytes: int
    notes: list[str]
    depth: int | None = None

    @property
    def parameters(self) -> int:
        """All parameters, shared ones once."""
        return sum(row.parameters for row in self.rows)

    @property
    def trainable(self) -> int:
        """Parameters that require a gradient."""
        return sum(row.trainable for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one forward pass."""
        return sum(row.multiply_adds for row in self.rows)

    @property
    def parameter_bytes(self) -> int:
        """Memory of the parameters."""
        return sum(row.parameter_bytes for row in self.rows)

    @property
    def output_bytes(self) -> int:
        """Memory of what all layers return."""
        return sum(row.output_bytes for row in self.rows)

    @property
    def saved_bytes(self) -> int:
        """Memory that the graph holds between forward and reverse pass."""
        return sum(row.saved_bytes or 0 for row in self.rows)

    def __str__(self) -> str:
        heads, rows, aligned = self._table()
        return "\n".join([text_table(heads, rows, aligned), *self._below()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_table(*self._table(), self._below())

    def _table(self) -> tuple[list[str], list[list[str]], str]:
        """Heads, rows and total as text; an empty row is a line across."""
        shown = [_texts(row) for row in self._shown()]
        total = [
            *("", "total", "", f"{self.parameters:,}", ""),
            *(quantity(self.multiply_adds), size(self.output_bytes), size(self.saved_bytes)),
        ]
        columns = len(_COLUMNS) - any(row.saved_bytes is None for row in self.rows)
        heads = [name for name, _ in _COLUMNS[:columns]]
        aligned = "".join(side for _, side in _COLUMNS[:columns])
        return heads, [row[:columns] for row in shown] + [[], total[:columns]], aligned

    def _shown(self) -> list[Row]:
        """The rows down to `depth`; the deepest ones with the numbers of what is in them."""
        shown: list[Row] = []
        for row in self.rows:
            if self.depth is None or row.level <= self.depth:
                shown.append(replace(row))
            else:
                shown[-1] += row
        return shown

    def _below(self) -> list[str]:
        if self.trainable == self.parameters:
            kind = "all trainable" if self.parameters else "nothing to train"
        else:
            kind = f"{self.trainable:,} trainable"
        memory = f" ({size(self.parameter_bytes)})" if self.parameters else ""
        inputs = f"input {self.inputs} ({size(self.input_bytes)})" if self.inputs else "no input"
        return [f"{self.parameters:,} parameters{memory}, {kind}; {inputs}", *self.notes]


def _texts(row: Row) -> list[str]:
    kind = one_line(row.kind) + (f" ×{row.calls}" if row.calls > 1 else "")
    shared = f"({row.shared:,})" if row.shared else ""
    trainable = ""
    if row.parameters:
        trainable = {0: "no", row.parameters: "yes"}.get(row.trainable, "partly")
    return [
        "  " * row.level + one_line(row.path),
        kind,
        one_line(row.output),
        " ".join(filter(None, [f"{row.parameters:,}" if row.parameters else "", shared])),
        trainable,
        quantity(row.multiply_adds) if row.multiply_adds else "",
        size(row.output_bytes) if row.output_bytes else "",
        size(row.saved_bytes) if row.saved_bytes else "",
    ]
