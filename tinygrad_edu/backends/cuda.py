"""What scripts ask of `torch.backends.cuda`: there is no CUDA here."""

from __future__ import annotations

__all__ = ["is_built", "matmul"]


class _Settings:
    """Settings that can be made and read, and change nothing."""

    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = False
    allow_bf16_reduced_precision_reduction = False


matmul = _Settings()


def is_built() -> bool:
    """False. PyTorch: `torch.backends.cuda.is_built`."""
    return False
