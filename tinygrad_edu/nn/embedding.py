"""Layers that look rows of a table up: Embedding and EmbeddingBag."""

from __future__ import annotations

from typing import Self

from ..autograd.mode import no_grad
from ..ops import creation
from ..ops.dtypes import DTypeLike
from ..tensor import Tensor
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter

__all__ = ["Embedding", "EmbeddingBag"]


class _Table(Module):
    """What both layers share: the table."""

    weight: Parameter

    def _make(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None,
        sparse: bool,
        weight: Tensor | None,
        device: str | None,
        dtype: DTypeLike,
    ) -> None:
        name = type(self).__name__
        if sparse:
            raise ValueError(
                f"{name}: sparse=True is not supported: there are no sparse gradients. Leave it "
                "out; the gradient is a dense matrix."
            )
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_idx
        self.sparse = sparse
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise AssertionError(
                    f"{name}: padding_idx must be within num_embeddings, {-num_embeddings} to "
                    f"{num_embeddings - 1}; got {padding_idx}."
                )
            self.padding_idx = padding_idx % num_embeddings
        shape = (num_embeddings, embedding_dim)
        if weight is not None and weight.shape != shape:
            raise AssertionError(
                f"{name}: the given weight must have the shape (num_embeddings, embedding_dim) = "
                f"{shape}; got {weight.shape}."
            )
        if weight is None:
            self.weight = Parameter(creation.empty(shape, device=device, dtype=dtype))
            self.reset_parameters()
        else:
            self.weight = Parameter(weight)

    def reset_parameters(self) -> None:
        """Draw the table anew, from N(0, 1); the row `padding_idx` is 0."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0.0


def _check_table(embeddings: Tensor) -> tuple[int, int]:
    if embeddings.ndim != 2:
        raise AssertionError(
            "from_pretrained: embeddings is a matrix with a row for each index; got shape "
            f"{embeddings.shape}."
        )
    rows, columns = embeddings.shape
    return rows, columns


class Embedding(_Table):
    """The row of a learned table for each index: integers (...) become (..., embedding_dim).

    Parameter: weight (num_embeddings, embedding_dim), from N(0, 1) at first. The row `padding_idx`
    is 0 at first and gets no gradient. `max_norm`: rows that are used and longer (by their
    `norm_type`-norm) are shortened to this length, in place. `scale_grad_by_freq` divides the
    gradient of a row by the number of its uses in the batch. `sparse=True` is refused with a
    ValueError. Raises AssertionError for a `padding_idx` out of range, IndexError for an index out
    of range. PyTorch: `torch.nn.Embedding`.

    >>> layer = nn.Embedding(10, 3, padding_idx=0)
    >>> layer(tg.tensor([[1, 2, 4, 0]])).shape
    (1, 4, 3)
    >>> layer(tg.tensor(0)).detach()
    tensor([0., 0., 0.])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        self._make(num_embeddings, embedding_dim, padding_idx, sparse, _weight, device, dtype)
        self.weight.requires_grad_(not _freeze)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """A layer on a given table, whose memory it shares; frozen, unless `freeze=False`.

        Raises AssertionError unless the table has two dimensions.

        >>> layer = nn.Embedding.from_pretrained(tg.tensor([[1.0, 2.3], [4.0, 5.1]]))
        >>> layer(tg.tensor([1]))
        tensor([[4.0000, 5.1000]])
        """
        rows, columns = _check_table(embeddings)
        return cls(
            rows,
            columns,
            padding_idx,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            sparse,
            _weight=embeddings,
            _freeze=freeze,
        )

    def forward(self, input: Tensor) -> Tensor:
        """The rows that the indices name."""
        return F.embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
        )

    def extra_repr(self) -> str:
        """The size of the table, and the options that are not at their default."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq is not False:
            text += f", scale_grad_by_freq={self.scale_grad_by_freq}"
        return text


class EmbeddingBag(_Table):
    """Sum, mean or maximum of the rows of a learned table that each bag of indices names.

    Indices (B, L), or (N) with `offsets` (B), the start of each bag, become (B, embedding_dim); see
    `F.embedding_bag` for the arguments. Parameter: weight (num_embeddings, embedding_dim), from
    N(0, 1) at first. Indices equal to `padding_idx` do not count. `sparse=True` is refused with a
    ValueError. PyTorch: `torch.nn.EmbeddingBag`.

    >>> layer = nn.EmbeddingBag.from_pretrained(tg.tensor([[1.0], [2.0], [6.0]]), mode="sum")
    >>> layer(tg.tensor([0, 1, 2]), tg.tensor([0, 2]))
    tensor([[3.],
            [6.]])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        self._make(num_embeddings, embedding_dim, padding_idx, sparse, _weight, device, dtype)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.mode = mode
        self.include_last_offset = include_last_offset

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:
        """A layer on a given table, whose memory it shares; frozen, unless `freeze=False`.

        Raises AssertionError unless the table has two dimensions.
        """
        rows, columns = _check_table(embeddings)
        layer = cls(
            rows,
            columns,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            mode,
            sparse,
            _weight=embeddings,
            include_last_offset=include_last_offset,
            padding_idx=padding_idx,
        )
        layer.weight.requires_grad_(not freeze)
        return layer

    def forward(
        self,
        input: Tensor,
        offsets: Tensor | None = None,
        per_sample_weights: Tensor | None = None,
    ) -> Tensor:
        """One row for each bag."""
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            per_sample_weights=per_sample_weights,
            include_last_offset=self.include_last_offset,
            padding_idx=self.padding_idx,
        )

    def extra_repr(self) -> str:
        """The size of the table, and the options that are not at their default."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq is not False:
            text += f", scale_grad_by_freq={self.scale_grad_by_freq}"
        text += f", mode={self.mode!r}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        return text
