"""MNIST and FashionMNIST: 70,000 images of 28×28 pixels each, in ten classes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .fetch import DATA_VARIABLE, cache_folder, data_folders, download, sha256
from .idx import DatasetError, decode_idx, decompress, read_bytes
from .images import LabelledImages, Transform

__all__ = ["MNIST", "FashionMNIST", "IdxFile"]


@dataclass(frozen=True)
class IdxFile:
    """What is known about one file of a dataset before it is read."""

    name: str
    shape: tuple[int, ...]
    sha256: str | None = None  # of the decompressed bytes
    gz_sha256: str | None = None  # of the .gz file as it is published
    not_sha256: str | None = None  # of another dataset's file that has the same name and shape


class MNIST(LabelledImages):
    """Handwritten digits: 60,000 images for training and 10,000 for testing.

    Args:
        root: a folder to look into first, and to download into: torchvision's layout
            ``root/MNIST/raw``, ``root/mnist``, or the files in `root` itself.
        train: the training images, or the test images.
        transform, target_transform, flatten: see `LabelledImages`. Without a transform an image is
            a float32 tensor (1, 28, 28) in 0..1, where torchvision returns a PIL image.
        download: fetch the files if they are nowhere. Unlike torchvision's, the default is True.

    The files, with or without ``.gz``, are looked for in `root`, then in the folder that the
    environment variable TINYGRAD_EDU_DATA names (in the same three layouts), then in the user's
    cache, ``$XDG_CACHE_HOME/tinygrad_edu`` or ``~/.cache/tinygrad_edu``. The bytes are compared
    with their SHA-256 each time.

    Raises:
        DatasetError: (a RuntimeError) if the files are nowhere, cannot be downloaded, or are not
            the right ones. A damaged file is never passed over in silence, nor overwritten.

    Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
    recognition", Proc. IEEE 86, 1998. Torchvision: `datasets.MNIST`.

        train = MNIST(train=True)
        image, label = train[0]                  # (1, 28, 28) float32, 5
        images, labels = train[:100]             # (100, 1, 28, 28) float32, (100,) int64
        for images, labels in DataLoader(train, batch_size=100, shuffle=True): ...
    """

    slug: ClassVar[str] = "mnist"  # the name of the sub-folder in the cache
    mirrors: ClassVar[Sequence[str]] = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    )
    #: Images and labels of the training set (True) and of the test set (False).
    files: ClassVar[dict[bool, tuple[IdxFile, IdxFile]]] = {
        True: (
            IdxFile(
                "train-images-idx3-ubyte",
                (60_000, 28, 28),
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            IdxFile(
                "train-labels-idx1-ubyte",
                (60_000,),
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
        ),
        False: (
            IdxFile(
                "t10k-images-idx3-ubyte",
                (10_000, 28, 28),
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            IdxFile(
                "t10k-labels-idx1-ubyte",
                (10_000,),
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ),
    }
    classes: ClassVar[list[str]] = [
        "0 - zero",
        "1 - one",
        "2 - two",
        "3 - three",
        "4 - four",
        "5 - five",
        "6 - six",
        "7 - seven",
        "8 - eight",
        "9 - nine",
    ]

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        download: bool = True,
        *,
        flatten: bool = False,
    ) -> None:
        folder = self.find(train, root)
        if folder is None:
            if not download:
                raise DatasetError(
                    f"{self._searched(train, root)}\nAllow the download with download=True, or "
                    f"set {DATA_VARIABLE} to the folder that holds the files."
                )
            folder = self._download(train, root)
        self.folder = folder
        images, labels = (_load(folder, file) for file in self.files[train])
        super().__init__(
            images, labels.astype(np.int64), train, transform, target_transform, flatten=flatten
        )

    @classmethod
    def folders(cls, root: str | os.PathLike[str] | None = None) -> list[Path]:
        """The folders that are looked into, in this order."""
        return data_folders(root, cls.slug, f"{cls.__name__}/raw")

    @classmethod
    def find(cls, train: bool = True, root: str | os.PathLike[str] | None = None) -> Path | None:
        """The folder in which the files are now, or None. Nothing is downloaded or verified."""
        for folder in cls.folders(root):
            if cls._missing(folder, train) == [] and not cls._is_another(folder, train):
                return folder
        return None

    @classmethod
    def _missing(cls, folder: Path, train: bool) -> list[str]:
        return [file.name for file in cls.files[train] if _path(folder, file) is None]

    @classmethod
    def _is_another(cls, folder: Path, train: bool) -> bool:
        """Whether the labels are those of another dataset, so that `folder` is not meant for us.

        The variable may name a folder that holds MNIST itself, where FashionMNIST looks too.
        """
        labels = cls.files[train][1]
        path = _path(folder, labels)
        if path is None or labels.not_sha256 is None:
            return False
        try:
            return sha256(decompress(read_bytes(path), str(path))) == labels.not_sha256
        except DatasetError:
            return False  # damaged; reading it says so

    @classmethod
    def _searched(cls, train: bool, root: str | os.PathLike[str] | None) -> str:
        files = cls.files[train]
        lines = [
            f"{cls.__name__} was not found. Looked for "
            f"{' and '.join(file.name for file in files)} (with or without .gz) in"
        ]
        for folder in cls.folders(root):
            missing = cls._missing(folder, train)
            if not folder.is_dir():
                state = "no such folder"
            elif len(missing) == len(files):
                state = "neither of them"
            elif missing:
                state = f"no {missing[0]}"
            else:
                state = "the files of another dataset"
            lines.append(f"  {folder}: {state}")
        return "\n".join(lines)

    @classmethod
    def _download(cls, train: bool, root: str | os.PathLike[str] | None) -> Path:
        if root:
            folder = Path(root).expanduser() / cls.__name__ / "raw"
        else:
            folder = cache_folder() / cls.slug
        for file in cls.files[train]:
            if _path(folder, file):
                continue

            def accept(content: bytes, url: str, file: IdxFile = file) -> bytes:
                return _accept(content, url, file)

            # What is kept is what a checksum is known of.
            target = folder / (file.name if file.sha256 else f"{file.name}.gz")
            try:
                download(f"{file.name}.gz", cls.mirrors, target, accept)
            except DatasetError as error:
                raise DatasetError(f"{cls._searched(train, root)}\n{error}") from error
        return folder

    def extra_repr(self) -> str:
        return f"Root location: {self.folder}\n{super().extra_repr()}"


class FashionMNIST(MNIST):
    """Articles of clothing, in the format of MNIST: 60,000 images and 10,000 for testing.

    Arguments, places and errors are those of `MNIST`, with ``fashion_mnist`` and
    ``FashionMNIST/raw`` as sub-folders. Checksums are published for the compressed files only. So a
    download is compared with them; a file found on disk must have the right format, shape and
    labels, must pass gzip's own check, and must not be MNIST's file of the same name.

    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking
    machine learning algorithms", arXiv:1708.07747, 2017. Torchvision: `datasets.FashionMNIST`.
    """

    slug: ClassVar[str] = "fashion_mnist"
    mirrors: ClassVar[Sequence[str]] = (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    )
    # SHA-256 of the .gz files from the checksum list of TensorFlow Datasets; the dataset's own page
    # publishes the MD5 of the same files.
    files: ClassVar[dict[bool, tuple[IdxFile, IdxFile]]] = {
        True: (
            IdxFile(
                "train-images-idx3-ubyte",
                (60_000, 28, 28),
                gz_sha256="3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                not_sha256=MNIST.files[True][0].sha256,
            ),
            IdxFile(
                "train-labels-idx1-ubyte",
                (60_000,),
                gz_sha256="a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                not_sha256=MNIST.files[True][1].sha256,
            ),
        ),
        False: (
            IdxFile(
                "t10k-images-idx3-ubyte",
                (10_000, 28, 28),
                gz_sha256="346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                not_sha256=MNIST.files[False][0].sha256,
            ),
            IdxFile(
                "t10k-labels-idx1-ubyte",
                (10_000,),
                gz_sha256="67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                not_sha256=MNIST.files[False][1].sha256,
            ),
        ),
    }
    classes: ClassVar[list[str]] = [
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ]


def _path(folder: Path, file: IdxFile) -> Path | None:
    for path in (folder / file.name, folder / f"{file.name}.gz"):
        if os.path.isfile(path):
            return path
    return None


def _load(folder: Path, file: IdxFile) -> NDArray[Any]:
    path = _path(folder, file)
    try:
        if path is None:
            raise DatasetError(f"{folder / file.name} has just disappeared")
        return _verified(decompress(read_bytes(path), str(path)), str(path), file)
    except DatasetError as error:
        raise DatasetError(
            f"{error}\nDelete or replace the file (download=True fetches a deleted one again), or "
            f"choose another folder with root=... or the environment variable {DATA_VARIABLE}."
        ) from error


def _accept(content: bytes, url: str, file: IdxFile) -> bytes:
    """Check a download; return the bytes to keep."""
    array_bytes = decompress(content, url)
    _verified(array_bytes, url, file)
    if file.gz_sha256 is not None and sha256(content) != file.gz_sha256:
        raise _wrong_sum(url, file.gz_sha256, sha256(content))
    return array_bytes if file.sha256 else content


def _verified(content: bytes, source: str, file: IdxFile) -> NDArray[Any]:
    """The array in `content` if it is the one that `file` describes."""
    array = decode_idx(content, source)
    if array.shape != file.shape or array.dtype != np.uint8:
        raise DatasetError(
            f"{source} holds another array: expected uint8 of shape {file.shape}; found "
            f"{array.dtype} of shape {array.shape}"
        )
    if file.sha256 is not None or file.not_sha256 is not None:
        found = sha256(content)
        if file.sha256 not in (None, found):
            raise _wrong_sum(source, str(file.sha256), found)
        if file.not_sha256 == found:
            raise DatasetError(
                f"{source} is the file of the same name of MNIST: expected another dataset's"
            )
    if array.ndim == 1 and array.max(initial=0) > 9:
        raise DatasetError(f"{source} holds other labels: expected 0 to 9; found {array.max()}")
    return array


def _wrong_sum(source: str, expected: str, found: str) -> DatasetError:
    return DatasetError(
        f"{source} has the right form but other content: expected SHA-256 {expected}; found "
        f"{found}. It is damaged, or of another dataset that uses the same file names."
    )
