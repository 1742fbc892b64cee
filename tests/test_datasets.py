"""The IDX format, the search for files, the download, the cache, and the datasets on top of them.

Every test has a cache folder of its own and no TINYGRAD_EDU_DATA; the servers are on 127.0.0.1.
"""

from __future__ import annotations

import builtins
import errno
import gzip
import hashlib
import http.server
import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_edu as tg
from tinygrad_edu.datasets import (
    MNIST,
    DatasetError,
    Digits,
    FashionMNIST,
    IdxFile,
    cache_folder,
    decode_idx,
    encode_idx,
    fetch,
    read_idx,
    write_idx,
)
from tinygrad_edu.utils.data import DataLoader, Subset, random_split

MNIST_DATA = os.environ.get("TINYGRAD_EDU_DATA")


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TINYGRAD_EDU_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")


# The IDX format


IDX_DTYPES = [np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64]


@given(
    array=st.sampled_from(IDX_DTYPES).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0))
    )
)
def test_an_array_survives_the_round_trip_through_idx(array: np.ndarray[Any, Any]) -> None:
    decoded = decode_idx(encode_idx(array))
    assert decoded.dtype == array.dtype
    np.testing.assert_array_equal(decoded, array)


@pytest.mark.parametrize("name", ["labels-idx1-ubyte", "labels-idx1-ubyte.gz"])
def test_idx_files_are_read_compressed_or_not(tmp_path: Path, name: str) -> None:
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    write_idx(tmp_path / name, array)
    np.testing.assert_array_equal(read_idx(tmp_path / name), array)
    assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b") == name.endswith(".gz")


def test_a_gz_file_that_was_decompressed_without_losing_its_name_is_read(tmp_path: Path) -> None:
    (tmp_path / "labels.gz").write_bytes(encode_idx(np.arange(3, dtype=np.uint8)))
    assert read_idx(tmp_path / "labels.gz").tolist() == [0, 1, 2]


def test_a_decoded_array_is_writable_and_in_the_byte_order_of_the_machine() -> None:
    decoded = decode_idx(encode_idx(np.arange(3, dtype=np.int32)))
    decoded += 1
    assert decoded.dtype.isnative
    assert decoded.tolist() == [1, 2, 3]


def test_idx_refuses_a_dtype_that_it_cannot_hold() -> None:
    with pytest.raises(TypeError, match=r"cannot hold int64.*int32"):
        encode_idx(np.arange(3))


IMAGES = (np.arange(6 * 28 * 28) % 251).astype(np.uint8).reshape(6, 28, 28)
LABELS = np.array([3, 1, 4, 1, 5, 9], dtype=np.uint8)
IMAGE_BYTES, LABEL_BYTES = encode_idx(IMAGES), encode_idx(LABELS)

DAMAGES = {
    "an empty file": (b"", "is not an IDX file.*found an empty file"),
    "a text file": (b"<!DOCTYPE html>\n<p>404", "is not an IDX file.*found text: '<!DOCTYPE"),
    "a wrong magic number": (b"\0\0\x07\x03" + IMAGE_BYTES[4:], "found the bytes 00 00 07 03"),
    "a swapped magic number": (b"\x03\x08\0\0" + IMAGE_BYTES[4:], "found the bytes 03 08 00 00"),
    "a cut header": (IMAGE_BYTES[:10], "cut off in its header: expected 16 bytes.*found 10"),
    "a cut payload": (IMAGE_BYTES[:-1], "is cut off: expected 4,720 bytes.*found 4,719"),
    "a long payload": (IMAGE_BYTES + b"\0", "is too long: expected 4,720 bytes.*found 4,721"),
    "a huge dimension": (
        IMAGE_BYTES[:4] + b"\xff" * 12 + IMAGE_BYTES[16:],
        "is cut off: expected 79,228,162,458,924,105,385,300,197,391 bytes",
    ),
    "other dimensions": (
        encode_idx(IMAGES.reshape(3, 56, 28)),
        r"another array: expected uint8 of shape \(6, 28, 28\); found uint8 of shape \(3, 56, 28\)",
    ),
    "another dtype": (encode_idx(IMAGES.astype(np.int32)), "expected uint8.*found int32"),
    "a flipped bit": (
        IMAGE_BYTES[:99] + bytes([IMAGE_BYTES[99] ^ 1]) + IMAGE_BYTES[100:],
        "expected SHA-256 [0-9a-f]{64}; found [0-9a-f]{64}",
    ),
    "a cut gzip file": (gzip.compress(IMAGE_BYTES)[:-9], "is a damaged gzip file of .* bytes"),
    "a gzip file with a flipped bit": (
        (lambda gz: gz[:40] + bytes([gz[40] ^ 255]) + gz[41:])(gzip.compress(IMAGE_BYTES)),
        "is a damaged gzip file",
    ),
}


# A dataset of six images that is searched, verified and downloaded as MNIST is.


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def zipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


class Tiny(MNIST):
    """Checksums of the decompressed files are known, as for MNIST."""

    slug: ClassVar[str] = "tiny"
    files: ClassVar[dict[bool, tuple[IdxFile, IdxFile]]] = {
        train: (
            IdxFile(f"{prefix}-images", IMAGES.shape, digest(IMAGE_BYTES)),
            IdxFile(f"{prefix}-labels", LABELS.shape, digest(LABEL_BYTES)),
        )
        for train, prefix in ((True, "train"), (False, "test"))
    }


class TinyZipped(Tiny):
    """Checksums of the compressed files are known, as for FashionMNIST."""

    slug: ClassVar[str] = "tiny_zipped"
    files: ClassVar[dict[bool, tuple[IdxFile, IdxFile]]] = {
        True: (
            IdxFile("train-images", IMAGES.shape, gz_sha256=digest(zipped(IMAGE_BYTES))),
            IdxFile("train-labels", LABELS.shape, gz_sha256=digest(zipped(LABEL_BYTES))),
        )
    }


def put(folder: Path, images: bytes = IMAGE_BYTES, labels: bytes = LABEL_BYTES) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train-images").write_bytes(images)
    (folder / "train-labels").write_bytes(labels)
    return folder


# Where files are looked for


def test_root_comes_before_the_variable_and_the_variable_before_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(tmp_path / "data"))
    in_cache = put(cache_folder() / "tiny")
    assert Tiny.find(root=tmp_path / "root") == in_cache
    in_variable = put(tmp_path / "data")
    assert Tiny.find(root=tmp_path / "root") == in_variable
    in_root = put(tmp_path / "root")
    assert Tiny.find(root=tmp_path / "root") == in_root
    assert Tiny(root=tmp_path / "root").folder == in_root
    assert Tiny().folder == in_variable


@pytest.mark.parametrize("layout", [".", "tiny", "Tiny/raw"])
@pytest.mark.parametrize("compressed", [False, True])
def test_files_are_found_in_each_layout_compressed_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str, compressed: bool
) -> None:
    folder = put(tmp_path / "data" / layout)
    if compressed:
        for path in list(folder.iterdir()):
            path.with_name(path.name + ".gz").write_bytes(zipped(path.read_bytes()))
            path.unlink()
    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(tmp_path / "data"))
    dataset = Tiny(download=False)
    assert dataset.folder == folder
    np.testing.assert_array_equal(dataset.data.array, IMAGES)
    np.testing.assert_array_equal(dataset.targets.array, LABELS)


def test_the_cache_is_in_the_home_folder_unless_xdg_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache_folder() == tmp_path / "cache" / "tinygrad_edu"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for value in ("", "relative/path"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache_folder() == tmp_path / ".cache" / "tinygrad_edu"


def test_without_download_the_error_tells_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(tmp_path / "data"))
    put(tmp_path / "data")
    (tmp_path / "data" / "train-labels").unlink()
    (tmp_path / "data" / "tiny").mkdir()
    assert Tiny.find() is None
    with pytest.raises(
        RuntimeError, match=r"Tiny was not found.*train-images and train-labels"
    ) as e:
        Tiny(download=False)
    message = str(e.value)
    assert f"{tmp_path / 'data' / 'tiny'}: neither of them" in message
    assert f"{tmp_path / 'data' / 'Tiny' / 'raw'}: no such folder" in message
    assert f"{tmp_path / 'data'}: no train-labels" in message
    assert f"{cache_folder() / 'tiny'}: no such folder" in message
    assert "download=True" in message
    assert "TINYGRAD_EDU_DATA" in message


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("place", ["root", "variable", "cache"])
def test_a_damaged_file_is_an_error_wherever_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str, place: str
) -> None:
    content, message = DAMAGES[damage]
    folder = cache_folder() / "tiny" if place == "cache" else tmp_path / place
    put(folder, images=content)
    if place == "variable":
        monkeypatch.setenv("TINYGRAD_EDU_DATA", str(folder))
    with pytest.raises(DatasetError, match=message) as caught:
        Tiny(root=folder if place == "root" else None)
    assert str(folder / "train-images") in str(caught.value)
    assert "Delete or replace the file" in str(caught.value)
    assert (folder / "train-images").read_bytes() == content


def test_a_file_that_cannot_be_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path)

    def refuse(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DatasetError, match="train-images cannot be read: Permission denied"):
        Tiny(root=tmp_path)


def test_labels_beyond_nine_are_an_error_where_no_checksum_is_known(tmp_path: Path) -> None:
    put(tmp_path, labels=encode_idx(LABELS + np.uint8(1)))
    with pytest.raises(DatasetError, match="other labels: expected 0 to 9; found 10"):
        TinyZipped(root=tmp_path)


def test_the_files_of_another_dataset_with_the_same_names_are_told_apart(tmp_path: Path) -> None:
    class Other(Tiny):
        files: ClassVar[dict[bool, tuple[IdxFile, IdxFile]]] = {
            True: (
                IdxFile("train-images", IMAGES.shape, not_sha256=digest(IMAGE_BYTES)),
                IdxFile("train-labels", LABELS.shape, not_sha256=digest(LABEL_BYTES)),
            )
        }

    put(tmp_path)
    assert Other.find(root=tmp_path) is None
    with pytest.raises(DatasetError, match="the files of another dataset"):
        Other(root=tmp_path, download=False)
    put(tmp_path, labels=encode_idx(LABELS[::-1].copy()))
    with pytest.raises(DatasetError, match="train-images is the file of the same name of MNIST"):
        Other(root=tmp_path)


# The download


class Server:
    """Answers ``/mirror/file`` as ``answers[mirror]`` says, and counts what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Callable[[http.server.BaseHTTPRequestHandler, bytes], None]] = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                _, mirror, name = self.path.split("/")
                content = IMAGE_BYTES if "images" in name else LABEL_BYTES
                outer.answers[mirror](self, zipped(content))

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def mirror(self, name: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/{name}/"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def good(handler: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def without_length(handler: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(content)


def missing(handler: http.server.BaseHTTPRequestHandler, _: bytes) -> None:
    handler.send_error(404)


def cut(handler: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content[: len(content) // 2])


def cut_without_length(handler: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
    without_length(handler, content[: len(content) // 2])


def page(handler: http.server.BaseHTTPRequestHandler, _: bytes) -> None:
    good(handler, b"<html>Please sign in to this network</html>")


def other_content(handler: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
    array = decode_idx(gzip.decompress(content))
    good(handler, zipped(encode_idx(array[::-1].copy())))


def no_http(handler: http.server.BaseHTTPRequestHandler, _: bytes) -> None:
    handler.wfile.write(b"SSH-2.0-server\r\n")


def stall(handler: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    time.sleep(1)


FAILURES = {
    missing: "the server answers 404 Not Found",
    cut: "the connection ended after 1?[0-9]{2} of [0-9]{2,3} bytes|the connection ended after",
    cut_without_length: "is a damaged gzip file",
    page: "is not an IDX file.*Please sign in",
    other_content: "has the right form but other content: expected SHA-256",
    no_http: "SSH-2.0",
}


def mirrors(
    monkeypatch: pytest.MonkeyPatch, server: Server, dataset: type[MNIST], **answers: Any
) -> None:
    server.answers = answers
    monkeypatch.setattr(dataset, "mirrors", [server.mirror(name) for name in answers])


@pytest.mark.parametrize("dataset", [Tiny, TinyZipped])
def test_what_is_nowhere_is_downloaded_once(
    monkeypatch: pytest.MonkeyPatch, server: Server, dataset: type[Tiny]
) -> None:
    mirrors(monkeypatch, server, dataset, first=good)
    downloaded = dataset()
    assert server.asked == ["/first/train-images.gz", "/first/train-labels.gz"]
    np.testing.assert_array_equal(downloaded.data.array, IMAGES)
    assert downloaded.folder == cache_folder() / dataset.slug == dataset.find()
    cached = dataset()
    assert len(server.asked) == 2
    np.testing.assert_array_equal(cached.targets.array, LABELS)


def test_the_cache_keeps_the_form_whose_checksum_is_known(
    monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    for dataset, names in (
        (Tiny, ["train-images", "train-labels"]),
        (TinyZipped, ["train-images.gz", "train-labels.gz"]),
    ):
        mirrors(monkeypatch, server, dataset, first=good)
        assert sorted(path.name for path in dataset().folder.iterdir()) == names


def test_a_download_goes_into_root_in_the_layout_of_torchvision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    mirrors(monkeypatch, server, Tiny, first=good)
    assert Tiny(root=tmp_path / "root").folder == tmp_path / "root" / "Tiny" / "raw"
    assert not cache_folder().exists()


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.__name__)
@pytest.mark.parametrize("dataset", [Tiny, TinyZipped])
def test_the_next_mirror_is_asked_when_one_fails(
    monkeypatch: pytest.MonkeyPatch,
    server: Server,
    failure: Callable[..., None],
    dataset: type[Tiny],
) -> None:
    mirrors(monkeypatch, server, dataset, first=failure, second=without_length)
    np.testing.assert_array_equal(dataset().data.array, IMAGES)
    assert server.asked[:2] == ["/first/train-images.gz", "/second/train-images.gz"]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.__name__)
def test_when_all_mirrors_fail_the_error_lists_each_and_nothing_is_cached(
    monkeypatch: pytest.MonkeyPatch, server: Server, failure: Callable[..., None]
) -> None:
    mirrors(monkeypatch, server, Tiny, first=missing, second=failure)
    with pytest.raises(DatasetError, match=FAILURES[failure]) as caught:
        Tiny()
    message = str(caught.value)
    assert message.startswith("Tiny was not found. Looked for")
    assert f"{server.mirror('first')}train-images.gz: the server answers 404" in message
    assert f"{server.mirror('second')}train-images.gz: " in message
    assert "TINYGRAD_EDU_DATA" in message
    assert Tiny.find() is None
    assert [path for path in cache_folder().rglob("*") if path.is_file()] == []


def test_a_recompressed_file_is_refused_where_only_the_compressed_checksum_is_known(
    monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    def recompressed(handler: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
        good(handler, gzip.compress(gzip.decompress(content), compresslevel=1, mtime=0))

    mirrors(monkeypatch, server, TinyZipped, first=recompressed)
    with pytest.raises(DatasetError, match="expected SHA-256"):
        TinyZipped()
    mirrors(monkeypatch, server, Tiny, first=recompressed)
    assert len(Tiny()) == 6


def test_a_server_that_stalls_and_one_that_is_gone_are_given_up(
    tmp_path: Path, server: Server
) -> None:
    gone = Server()
    gone.close()
    server.answers = {"slow": stall, "next": good}
    urls = [gone.mirror("gone"), server.mirror("slow")]
    target = tmp_path / "train-images"
    with pytest.raises(DatasetError, match=r"(?s)gone/.*[Rr]efused.*slow/.*timed out"):
        fetch.download("train-images.gz", urls, target, lambda content, _: content, timeout=0.2)
    assert not target.exists()


def test_only_what_is_missing_is_downloaded(
    monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    mirrors(monkeypatch, server, Tiny, first=good)
    (put(cache_folder() / "tiny") / "train-images").unlink()
    assert len(Tiny()) == 6
    assert server.asked == ["/first/train-images.gz"]


@pytest.mark.parametrize("terminal", [False, True])
def test_progress_is_one_line_per_file(
    monkeypatch: pytest.MonkeyPatch, server: Server, terminal: bool
) -> None:
    class Stderr(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    stderr = Stderr()
    monkeypatch.setattr(sys, "stderr", stderr)
    mirrors(monkeypatch, server, Tiny, first=good)
    Tiny()
    lines = stderr.getvalue().splitlines() if not terminal else stderr.getvalue().split("\n")[:-1]
    assert len(lines) == 2
    assert lines[0].startswith(f"Downloading {server.mirror('first')}train-images.gz (0.0 MB)")
    assert ("100%" in lines[0]) == terminal


# The cache is never half-written


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def fill_disk(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("accident", "error"), [(interrupt, KeyboardInterrupt), (fill_disk, DatasetError)]
)
@pytest.mark.parametrize("before", [None, b"the old content"])
def test_an_interrupted_write_leaves_what_was_there(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    accident: Callable[..., None],
    error: type[BaseException],
    before: bytes | None,
) -> None:
    target = tmp_path / "folder" / "file"
    if before is not None:
        fetch.write_whole(target, before)
    monkeypatch.setattr(os, step, accident)
    with pytest.raises(error):
        fetch.write_whole(target, b"the new content")
    assert [path.name for path in target.parent.iterdir()] == ([] if before is None else ["file"])
    assert before is None or target.read_bytes() == before


def test_a_full_disk_is_told_with_what_to_do_and_no_further_mirror_is_asked(
    monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    mirrors(monkeypatch, server, Tiny, first=good, second=good)
    monkeypatch.setattr(os, "fsync", fill_disk)
    with pytest.raises(DatasetError, match=r"cannot be written: No space left.*XDG_CACHE_HOME"):
        Tiny()
    assert server.asked == ["/first/train-images.gz"]


def test_a_cache_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "occupied").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"cannot be written: (Not a directory|File exists)"):
        fetch.write_whole(tmp_path / "occupied" / "file", b"content")


def test_a_left_over_temporary_file_is_not_taken_for_the_data() -> None:
    folder = put(cache_folder() / "tiny")
    (folder / "train-images").rename(folder / ".train-images.abc.part")
    assert Tiny.find() is None


def test_readers_never_see_a_part_while_two_processes_write(tmp_path: Path) -> None:
    target = tmp_path / "file"
    size = 1 << 20
    program = (
        "import sys; from pathlib import Path; from tinygrad_edu.datasets import fetch\n"
        "for _ in range(20): fetch.write_whole(Path(sys.argv[1]), sys.argv[2].encode() * "
        f"{size})"
    )
    fetch.write_whole(target, b"a" * size)
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(target), letter]) for letter in "ab"
    ]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        content = target.read_bytes()
        seen.add((content[:1], len(content), len(set(content[:: size // 64] + content[-1:]))))
    assert [writer.returncode for writer in writers] == [0, 0]
    assert seen <= {(b"a", size, 1), (b"b", size, 1)}
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# Images and labels


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    return Tiny(root=put(tmp_path / "tiny_data"))


def test_an_item_is_a_scaled_image_and_an_int(tiny: Tiny) -> None:
    image, label = tiny[2]
    assert isinstance(image, tg.Tensor)
    assert (tuple(image.shape), image.dtype) == ((1, 28, 28), tg.float32)
    np.testing.assert_array_equal(image.numpy()[0], IMAGES[2].astype(np.float32) / 255)
    assert label == 4
    assert type(label) is int


@pytest.mark.parametrize(
    ("index", "rows"),
    [
        (slice(1, 4), [1, 2, 3]),
        (slice(None, None, -2), [5, 3, 1]),
        ([0, 5], [0, 5]),
        (np.array([2, 2, -1]), [2, 2, 5]),
        (np.array([True, False, True, False, False, True]), [0, 2, 5]),
        (tg.tensor([1, 0]), [1, 0]),
    ],
)
@pytest.mark.parametrize("transform", [None, lambda image: image])
def test_several_indices_give_a_batch(
    tiny: Tiny, index: Any, rows: list[int], transform: Callable[[Any], Any] | None
) -> None:
    tiny.transform = transform
    images, labels = tiny[index]
    assert tuple(images.shape) == (len(rows), 1, 28, 28)
    assert (images.dtype, labels.dtype) == (tg.float32, tg.int64)
    np.testing.assert_array_equal(images.numpy()[:, 0], IMAGES[rows] / np.float32(255))
    np.testing.assert_array_equal(labels.numpy(), LABELS[rows])


def test_no_indices_give_an_empty_batch(tiny: Tiny) -> None:
    images, labels = tiny[[]]
    assert (tuple(images.shape), tuple(labels.shape)) == ((0, 1, 28, 28), (0,))
    tiny.transform = lambda image: image
    with pytest.raises(IndexError, match="no samples"):
        tiny[[]]


@pytest.mark.parametrize("index", [2, np.int64(2), tg.tensor(2), np.array(2), -4])
def test_every_kind_of_integer_gives_one_item(tiny: Tiny, index: Any) -> None:
    image, label = tiny[index]
    assert (tuple(image.shape), label) == ((1, 28, 28), 4)


@pytest.mark.parametrize("index", [6, -7, [0, 6]])
def test_an_index_beyond_the_end_is_an_index_error(tiny: Tiny, index: Any) -> None:
    with pytest.raises(IndexError, match="out of bounds"):
        tiny[index]


def test_an_index_that_is_no_number_is_refused(tiny: Tiny) -> None:
    with pytest.raises(TypeError):
        tiny["0"]
    with pytest.raises(TypeError):
        tiny[1.0]


def test_a_dataset_can_be_walked_through(tiny: Tiny) -> None:
    assert [label for _, label in tiny] == LABELS.tolist()


def test_flattened_images_are_vectors(tiny: Tiny) -> None:
    tiny.flatten = True
    assert tuple(tiny[0][0].shape) == (784,)
    assert tuple(tiny[0:2][0].shape) == (2, 784)


def test_transforms_get_the_scaled_image_and_the_label(tmp_path: Path) -> None:
    seen = []

    def half(image: tg.Tensor) -> tg.Tensor:
        seen.append((tuple(image.shape), image.dtype))
        return image * 0.5

    root = put(tmp_path / "data")
    dataset = Tiny(root, True, half, lambda label: -label)
    image, label = dataset[1]
    assert seen == [((1, 28, 28), tg.float32)]
    np.testing.assert_array_equal(image.numpy(), Tiny(root)[1][0].numpy() / 2)
    assert label == -1
    images, labels = next(iter(DataLoader(dataset, batch_size=4)))
    np.testing.assert_array_equal(images.numpy(), Tiny(root)[0:4][0].numpy() / 2)
    assert labels.tolist() == [-3, -1, -4, -1]


def test_changing_a_batch_changes_nothing_in_the_dataset(tiny: Tiny) -> None:
    for images, labels in DataLoader(tiny, batch_size=6):
        images.add_(1)
        labels.add_(1)
    np.testing.assert_array_equal(tiny.data.numpy(), IMAGES)
    np.testing.assert_array_equal(tiny.targets.numpy(), LABELS)


def test_data_and_targets_can_be_cut_as_with_torchvision(tiny: Tiny) -> None:
    tiny.data, tiny.targets = tiny.data[:2], tiny.targets[:2]
    assert (len(tiny), [label for _, label in tiny]) == (2, [3, 1])


def test_a_subclass_with_an_item_of_its_own_is_asked_for_it(tmp_path: Path) -> None:
    class Negative(Tiny):
        def __getitem__(self, index: Any) -> tuple[Any, Any]:
            image, label = super().__getitem__(index)
            return 1 - image, label

    dataset = Negative(root=put(tmp_path / "data"))
    for subset in (dataset, Subset(dataset, range(6)), *random_split(dataset, [6])):
        images = sum(images.numpy().sum() for images, _ in DataLoader(subset, batch_size=4))
        assert images == pytest.approx((1 - IMAGES / 255).sum(), rel=1e-4)


def test_the_repr_says_what_torchvision_says(tiny: Tiny, tmp_path: Path) -> None:
    assert repr(tiny) == (
        "Dataset Tiny\n"
        "    Number of datapoints: 6\n"
        f"    Root location: {tmp_path / 'tiny_data'}\n"
        "    Split: Train"
    )
    tiny.transform = tiny.target_transform = abs
    assert repr(tiny).endswith(f"Transform: {abs}\n    Target transform: {abs}")


def test_classes_have_names() -> None:
    assert MNIST.classes[7] == "7 - seven"
    assert FashionMNIST.classes[9] == "Ankle boot"
    assert Digits().class_to_idx == {str(digit): digit for digit in range(10)}


# Digits


def test_digits_are_split_once_for_all_and_evenly_by_class() -> None:
    train, test = Digits(), Digits(train=False)
    assert (len(train), len(test)) == (1437, 360)
    in_train, in_test = (
        np.bincount(dataset.targets.numpy(), minlength=10) for dataset in (train, test)
    )
    assert np.abs(in_test - (in_train + in_test) / 5).max() < 1
    assert digest(train.data.numpy().tobytes() + test.targets.numpy().tobytes()) == (
        "66f652056ca747a7903e967962e38d12583ee8e4bb842ae8d9d95f0c55689500"
    )
    rows = {image.tobytes() for image in train.data.numpy()}
    assert rows.isdisjoint(image.tobytes() for image in test.data.numpy())


def test_digits_are_scaled_from_16_to_1() -> None:
    digits = Digits(train=False)
    images, labels = digits[:]
    assert digits.data.dtype == tg.uint8
    assert tuple(images.shape) == (360, 1, 8, 8)
    np.testing.assert_array_equal(images.numpy()[:, 0] * 16, digits.data.numpy())
    assert (images.numpy().min(), images.numpy().max()) == (0, 1)
    assert labels.dtype == tg.int64


def test_digits_without_scikit_learn_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without_sklearn(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("sklearn"):
            raise ModuleNotFoundError(f"No module named {name!r}")
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_sklearn)
    with pytest.raises(ImportError, match=r'pip install "tinygrad_edu\[course\]"'):
        Digits()


def test_scikit_learn_is_imported_by_digits_alone() -> None:
    program = "import sys, tinygrad_edu.datasets; sys.exit('sklearn' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


# The real files

real_mnist = [
    pytest.mark.mnist,
    pytest.mark.skipif(not MNIST_DATA, reason="TINYGRAD_EDU_DATA is not set"),
]


@pytest.fixture
def mnist_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(MNIST_DATA))


@pytest.mark.parametrize(
    ("train", "size", "first", "per_class"),
    [
        pytest.param(
            True,
            60_000,
            [5, 0, 4, 1, 9],
            [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
            marks=real_mnist,
        ),
        pytest.param(
            False,
            10_000,
            [7, 2, 1, 0, 4],
            [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
            marks=real_mnist,
        ),
    ],
)
@pytest.mark.usefixtures("mnist_folder")
def test_the_real_mnist_is_read(
    train: bool, size: int, first: list[int], per_class: list[int]
) -> None:
    dataset = MNIST(train=train, download=False)
    assert tuple(dataset.data.shape) == (size, 28, 28)
    assert (dataset.data.dtype, dataset.targets.dtype) == (tg.uint8, tg.int64)
    assert dataset.targets[:5].tolist() == first
    assert np.bincount(dataset.targets.numpy()).tolist() == per_class


@pytest.mark.mnist
@pytest.mark.skipif(not MNIST_DATA, reason="TINYGRAD_EDU_DATA is not set")
@pytest.mark.usefixtures("mnist_folder")
def test_mnist_is_not_taken_for_fashion_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = MNIST.find(train=False)
    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(folder))
    assert FashionMNIST.find(train=False) is None
