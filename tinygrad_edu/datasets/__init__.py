"""Datasets of small images: MNIST, FashionMNIST and scikit-learn's digits.

`MNIST` and `FashionMNIST` are downloaded when they are first asked for, verified, and kept in the
user's cache. `Digits` comes with scikit-learn. All of them are used in the same way.
"""

from .digits import Digits
from .fetch import DATA_VARIABLE, cache_folder
from .idx import DatasetError, decode_idx, encode_idx, read_idx, write_idx
from .images import LabelledImages
from .mnist import MNIST, FashionMNIST, IdxFile

__all__ = [
    "DATA_VARIABLE",
    "MNIST",
    "DatasetError",
    "Digits",
    "FashionMNIST",
    "IdxFile",
    "LabelledImages",
    "cache_folder",
    "decode_idx",
    "encode_idx",
    "read_idx",
    "write_idx",
]
