"""What PyTorch scripts ask of `torch.backends` and set there: there is one backend here, NumPy.

>>> tg.backends.mps.is_available()
False
>>> tg.backends.cudnn.deterministic = True  # as it is anyway
"""

from . import cuda, cudnn, mkl, mkldnn, mps, openmp

__all__ = ["cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]
