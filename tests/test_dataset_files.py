"""The IDX format, the search for files, the download, and the cache.

Every test has a cache folder of its own and no TINYGRAD_EDU_DATA; the servers are on 127.0.0.1.
"""

from __future__ import annotations

import errno
import gzip
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
from data_cases import IMAGE_BYTES, IMAGES, LABEL_BYTES, LABELS, Tiny, digest, put, zipped
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_edu.datasets import (
    MNIST,
    DatasetError,
    IdxFile,
    cache_folder,
    decode_idx,
    encode_idx,
    fetch,
    read_idx,
    write_idx,
)


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


class TinyZipped(Tiny):
    """Checksums of the compressed files are known, as for FashionMNIST."""

    slug: ClassVar[str] = "tiny_zipped"
    files: ClassVar[dict[bool, tuple[IdxFile, IdxFile]]] = {
        True: (
            IdxFile("train-images", IMAGES.shape, gz_sha256=digest(zipped(IMAGE_BYTES))),
            IdxFile("train-labels", LABELS.shape, gz_sha256=digest(zipped(LABEL_BYTES))),
        )
    }


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
    cut: r"the connection ended after [0-9,]+ of [0-9,]+ bytes",
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
