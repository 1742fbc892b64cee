"""MultiheadAttention: each position looks at others, with several heads at once."""

from __future__ import annotations

from ..ops import creation
from ..ops.dtypes import DTypeLike
from ..tensor import Tensor
from . import functional as F
from . import init
from .linear import Linear
from .module import Module
from .parameter import Parameter

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """Attention of `num_heads` heads, each on its own linear map of query, key and value.

    Shapes: query (L, N, E), key (S, N, kdim), value (S, N, vdim); `batch_first`: (N, L, E)
    and so on; without a batch: (L, E). E = embed_dim; kdim and vdim are E if not given. Returns the
    result, of the query's shape, and the weights: (N, L, S), the mean over the heads; (N, heads, L,
    S) with `average_attn_weights=False`; None with `need_weights=False`, which is faster.

    `key_padding_mask` (N, S) and `attn_mask` (L, S) or (N heads, L, S): True for keys that do not
    take part, or numbers that are added to the scores. Where no key is left, the result is NaN with
    weights, and what 0 becomes without. `is_causal=True` says that attn_mask lets query i see the
    keys 0 ... i, and needs the mask, too. `dropout` drops weights while training. `add_bias_kv`
    appends a learned key and value, `add_zero_attn` those of zeros.

    Parameters: in_proj_weight (3 E, E), for query, key and value (with kdim or vdim q_proj_weight,
    k_proj_weight, v_proj_weight), uniform as by `init.xavier_uniform_`, in_proj_bias (3 E) and
    out_proj, a Linear with bias 0 at first; bias_k, bias_v.

    Raises ValueError for sizes that are not positive, AssertionError if embed_dim is not a multiple
    of num_heads and for inputs that do not fit, RuntimeError for masks that do not.
    PyTorch: `torch.nn.MultiheadAttention`. Source: Vaswani et al., "Attention is all you need",
    2017.

    >>> attention = nn.MultiheadAttention(embed_dim=4, num_heads=2, batch_first=True)
    >>> x = tg.randn(3, 5, 4)
    >>> result, weights = attention(x, x, x)
    >>> result.shape, weights.shape
    ((3, 5, 4), (3, 5, 5))
    """

    in_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                "MultiheadAttention: embed_dim and num_heads must be greater than 0; got "
                f"embed_dim={embed_dim} and num_heads={num_heads}."
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError(
                "MultiheadAttention: embed_dim must be divisible by num_heads; got "
                f"embed_dim={embed_dim} and num_heads={num_heads}."
            )

        def parameter(*shape: int) -> Parameter:
            return Parameter(creation.empty(shape, device=device, dtype=dtype))

        own = ("q_proj_weight", "k_proj_weight", "v_proj_weight")
        if self._qkv_same_embed_dim:
            self.in_proj_weight = parameter(3 * embed_dim, embed_dim)
            for name in own:
                self.register_parameter(name, None)
        else:
            for name, size in zip(own, (embed_dim, self.kdim, self.vdim), strict=True):
                setattr(self, name, parameter(embed_dim, size))
            self.register_parameter("in_proj_weight", None)
        self.register_parameter("in_proj_bias", parameter(3 * embed_dim) if bias else None)
        self.out_proj = Linear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        self.register_parameter("bias_k", parameter(1, 1, embed_dim) if add_bias_kv else None)
        self.register_parameter("bias_v", parameter(1, 1, embed_dim) if add_bias_kv else None)
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for weight in (
            self.in_proj_weight,
            self.q_proj_weight,
            self.k_proj_weight,
            self.v_proj_weight,
        ):
            if weight is not None:
                init.xavier_uniform_(weight)
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)
        for row in (self.bias_k, self.bias_v):
            if row is not None:
                init.xavier_normal_(row)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The values that each query attends to, and how much it does to which."""
        return F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
            batch_first=self.batch_first,
        )
