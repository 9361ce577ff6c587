"""Where the loaders look, what they check, and what they leave behind when a download fails."""

import gzip
import hashlib
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from dlrs.datasets import digits, fashion_mnist, files

SHAPES = {
    "train-images-idx3-ubyte": (6, 4, 4),
    "train-labels-idx1-ubyte": (6,),
    "t10k-images-idx3-ubyte": (2, 4, 4),
    "t10k-labels-idx1-ubyte": (2,),
}
CONTENT = {
    name: struct.pack(f">4B{len(shape)}I", 0, 0, 8, len(shape), *shape) + bytes(range(np.prod(shape)))
    for name, shape in SHAPES.items()
}


@pytest.fixture(autouse=True)
def small_dataset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A dataset of eight images in place of the real one, and no folder but those that a test names."""
    monkeypatch.setattr(fashion_mnist, "FILES", {n: hashlib.sha256(c).hexdigest() for n, c in CONTENT.items()})
    monkeypatch.setattr(fashion_mnist, "PUBLISHER", "http://127.0.0.1:9")
    monkeypatch.setattr(files, "SYSTEM_FOLDER", tmp_path / "system")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("DLRS_DATA", raising=False)


def put(folder: Path, zipped: bool = True) -> None:
    folder.mkdir(parents=True)
    for name, data in CONTENT.items():
        (folder / (f"{name}.gz" if zipped else name)).write_bytes(gzip.compress(data) if zipped else data)


def check_loaded() -> None:
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    assert [a.shape for a in (x_train, y_train, x_test, y_test)] == list(SHAPES.values())
    assert all(a.dtype == np.uint8 for a in (x_train, y_train, x_test, y_test))
    np.testing.assert_array_equal(y_train, np.arange(6))


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("place", ["own/fashion-mnist", "own", "cache/dlrs/fashion-mnist", "system/fashion-mnist"])
def test_looks_in_every_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str, zipped: bool) -> None:
    monkeypatch.setenv("DLRS_DATA", str(tmp_path / "own"))
    put(tmp_path / place, zipped)
    check_loaded()


def test_without_files_or_network_the_error_lists_the_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DLRS_DATA", str(tmp_path / "own"))
    with pytest.raises(FileNotFoundError) as info:
        fashion_mnist.load_data()
    for place in ("own/fashion-mnist", "own", "cache/dlrs/fashion-mnist", "system/fashion-mnist"):
        assert f"  {tmp_path / place}\n" in str(info.value)
    assert "could not be downloaded from http://127.0.0.1:9" in str(info.value)


def test_another_dataset_under_the_same_names_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "cache/dlrs/fashion-mnist"
    put(folder, zipped=False)
    path = folder / "train-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    with pytest.raises(ValueError, match="not Fashion-MNIST's train-labels-idx1-ubyte"):
        fashion_mnist.load_data()


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """A publisher on this machine; tests may change what it serves."""
    served = {f"/{name}.gz": gzip.compress(data) for name, data in CONTENT.items()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = served.get(self.path)
            self.send_response(200 if data is not None else 404)
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setattr(fashion_mnist, "PUBLISHER", f"http://127.0.0.1:{server.server_port}")
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


def test_downloads_once_into_the_cache(publisher: dict[str, bytes], tmp_path: Path) -> None:
    check_loaded()
    cached = sorted(p.name for p in (tmp_path / "cache/dlrs/fashion-mnist").iterdir())
    assert cached == sorted(f"{name}.gz" for name in SHAPES)
    publisher.clear()
    check_loaded()


@pytest.mark.parametrize(
    ("served", "error"),
    [
        (gzip.compress(CONTENT["t10k-labels-idx1-ubyte"][:-1] + b"\x09"), ValueError),
        (gzip.compress(CONTENT["t10k-labels-idx1-ubyte"])[:-3], ValueError),
        (b"<html>moved</html>", ValueError),
        (b"\0" * 2_000_000, FileNotFoundError),
        (None, FileNotFoundError),
    ],
)
def test_a_wrong_download_is_not_kept(
    publisher: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, served: bytes | None, error: type
) -> None:
    monkeypatch.setattr(fashion_mnist, "DOWNLOAD_LIMIT", 1_000_000)
    if served is None:
        del publisher["/t10k-labels-idx1-ubyte.gz"]
    else:
        publisher["/t10k-labels-idx1-ubyte.gz"] = served
    with pytest.raises(error):
        fashion_mnist.load_data()
    kept = sorted(p.name for p in (tmp_path / "cache/dlrs/fashion-mnist").iterdir())
    assert kept == sorted(f"{name}.gz" for name in SHAPES if name != "t10k-labels-idx1-ubyte")


def test_digits_are_always_split_alike() -> None:
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    (x_again, _), (_, y_again) = digits.load_data()
    np.testing.assert_array_equal(x_train, x_again)
    np.testing.assert_array_equal(y_test, y_again)
    assert x_train.shape == (1437, 8, 8)
    assert x_test.shape == (360, 8, 8)
    assert set(np.unique(y_train)) == set(np.unique(y_test)) == set(range(10))
