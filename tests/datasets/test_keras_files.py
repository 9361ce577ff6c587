"""Keras's data sets out of files in Keras's formats: what they give, where they are looked for, what is refused."""

import hashlib
import json
import os
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrs import datasets
from dlrs.config import image_data_format, set_image_data_format
from dlrs.datasets import cifar10, cifar100, files, imdb, keras_files, mnist, reuters
from dlrs.datasets.object_arrays import read_objects
from dlrs.errors import FormatError

TEXTS = [[1, 5, 300, 70000], [2, 9], [4, 4, 4, 4, 4], [8], [7, 6, 5], [3, 2, 1]]


@pytest.fixture(autouse=True)
def places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No folder but those of the test, and no network."""
    monkeypatch.setattr(files, "SYSTEM_FOLDER", tmp_path / "system")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("DLRS_DATA", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()

    def no_network(*args: Any, **kwargs: Any) -> None:
        raise OSError("no network in tests")

    monkeypatch.setattr(files, "download", no_network)
    return tmp_path / "own"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def objects(lists: list[Any]) -> Any:
    array = np.empty(len(lists), object)
    array[:] = lists
    return array


def test_mnist_is_found_in_every_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    arrays = {f"{a}_{b}": np.arange(4, dtype=np.uint8) for a in "xy" for b in ("train", "test")}
    for place in ("own/mnist", "own", "cache/dlrs/mnist", "system/mnist", "keras/datasets"):
        path = tmp_path / place / "mnist.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **arrays)
        monkeypatch.setattr(mnist, "SHA256", sha256(path))
        assert mnist.load_data()[0][1].tolist() == [0, 1, 2, 3]
        assert mnist.load_data(str(path))[1][0].tolist() == [0, 1, 2, 3]
        path.unlink()
    with pytest.raises(FileNotFoundError) as caught:
        mnist.load_data()
    for place in ("own/mnist", "own", "cache/dlrs/mnist", "system/mnist", "keras/datasets"):
        assert f"  {tmp_path / place / 'mnist.npz'}\n" in str(caught.value)
    assert "tf-keras-datasets/mnist.npz (no network in tests)" in str(caught.value)


def test_another_file_is_refused(places: Path) -> None:
    np.savez(places / "mnist.npz", x=np.arange(3))
    with pytest.raises(ValueError, match=r"not the file of datasets\.mnist"):
        mnist.load_data()
    with pytest.raises(ValueError, match="path"):
        mnist.load_data("")


def test_housing(monkeypatch: pytest.MonkeyPatch, places: Path) -> None:
    for module, name in (
        (datasets.boston_housing, "boston_housing"),
        (datasets.california_housing, "california_housing"),
    ):
        path = places / f"{name}.npz"
        np.savez(path, x=np.arange(2000.0).reshape(1000, 2), y=np.arange(1000.0))
        monkeypatch.setattr(module, "SHA256", sha256(path))
        (x_train, y_train), (x_test, y_test) = module.load_data(test_split=0.1)
        assert (len(x_train), len(x_test)) == (900, 100)
        assert sorted(np.concatenate([y_train, y_test])) == list(range(1000))
        assert (x_train[:, 0] == 2 * y_train).all()
        order = np.arange(1000)
        np.random.RandomState(113).shuffle(order)
        assert y_train[:5].tolist() == order[:5].tolist()
        for wrong in (1.0, -0.1, "a"):
            with pytest.raises(ValueError, match="test_split"):
                module.load_data(test_split=wrong)
    assert sum(len(part[0]) for part in datasets.california_housing.load_data("small")) == 600
    with pytest.raises(ValueError, match=r"version.*'tiny'"):
        datasets.california_housing.load_data("tiny")


def test_imdb_and_reuters(monkeypatch: pytest.MonkeyPatch, places: Path) -> None:
    labels = np.arange(6)
    np.savez(places / "imdb.npz", x_train=objects(TEXTS), y_train=labels, x_test=objects(TEXTS), y_test=labels)
    np.savez(places / "reuters.npz", x=objects(TEXTS * 2), y=np.tile(labels, 2))
    for module, name in ((imdb, "imdb"), (reuters, "reuters")):
        monkeypatch.setattr(module, "SHA256", sha256(places / f"{name}.npz"))
        whole = module.load_data(start_char=None, oov_char=None, index_from=None, num_words=10**6)
        for x, y in whole:
            assert x.dtype == object
            assert all(text == TEXTS[label] for text, label in zip(x, y, strict=True))
        (x, y), _ = module.load_data(num_words=10, skip_top=5, maxlen=5)
        want = {n: [1, *(w + 3 for w in TEXTS[n])] for n in range(6) if len(TEXTS[n]) + 1 < 5}
        for text, label in zip(x, y, strict=True):
            assert text == [w if 5 <= w < 10 else 2 for w in want[label]]
        with pytest.raises(ValueError, match="maxlen"):
            module.load_data(maxlen=1)
        with pytest.raises(ValueError, match="num_words"):
            module.load_data(num_words=-1)
        index = places / f"{name}_word_index.json"
        index.write_text(json.dumps({"the": 1}))
        monkeypatch.setattr(module, "INDEX_MD5", hashlib.md5(index.read_bytes()).hexdigest())
        assert module.get_word_index() == {"the": 1}
    assert len(reuters.get_label_names()) == 46
    order = np.arange(6)
    np.random.RandomState(113).shuffle(order)
    assert imdb.load_data()[0][1].tolist() == order.tolist()


def batch(first: int, protocol: int, **labels: Any) -> bytes:
    images = np.arange(first, first + 2 * 3072).astype(np.uint8).reshape(2, 3072)
    content = {b"batch_label": b"one", b"data": images, **{key.encode(): value for key, value in labels.items()}}
    return pickle.dumps(content, protocol)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("protocol", [1, 2, 3, 4])
def test_cifar(monkeypatch: pytest.MonkeyPatch, places: Path, packed: bool, protocol: int) -> None:
    for module, archive, names, keys in (
        (cifar10, "cifar-10-python.tar.gz", cifar10.NAMES, ["labels"]),
        (cifar100, "cifar-100-python.tar.gz", cifar100.NAMES, ["fine_labels", "coarse_labels"]),
    ):
        folder = places / f"{module.FOLDER}-target" / module.FOLDER
        folder.mkdir(parents=True)
        for number, name in enumerate(names):
            (folder / name).write_bytes(batch(number, protocol, **{key: [number, 300 % 256] for key in keys}))
        if packed:
            with tarfile.open(places / archive, "w:gz") as tar:
                tar.add(folder, module.FOLDER)
            folder.rename(places / "elsewhere")
            monkeypatch.setattr(module, "SHA256", sha256(places / archive))
        (x_train, y_train), (x_test, y_test) = module.load_data()
        assert x_train.shape == (2 * (len(names) - 1), 32, 32, 3)
        assert y_train[::2, 0].tolist() == list(range(len(names) - 1))
        assert y_test.tolist() == [[len(names) - 1], [44]]
        assert x_train.dtype == y_train.dtype == np.uint8
        assert x_test[0, 0, 1, 2] == (len(names) - 1 + 2 * 1024 + 1) % 256
        if packed:
            (places / "elsewhere").rename(places / f"elsewhere-{module.FOLDER}")
    with pytest.raises(ValueError, match="label_mode"):
        cifar100.load_data("rough")
    before = image_data_format()
    set_image_data_format("channels_first")
    try:
        assert cifar100.load_data("coarse")[0][0].shape == (2, 3, 32, 32)
    finally:
        set_image_data_format(before)


VALUES = [
    objects(TEXTS),
    np.arange(6, dtype=">i4").reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    {"a": [1, -5, 2**40, -(2**70), 1.5, None, True, False, (), (1,), (1, 2, 3, 4), "é", b"\xff" * 300], "b": {}},
    np.array([True, False]),
    "x" * 70000,
]


@pytest.mark.parametrize("protocol", range(1, 5))
@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_streams(value: Any, protocol: int) -> None:
    got = read_objects(pickle.dumps(value, protocol), "file")
    if isinstance(value, np.ndarray):
        assert got.dtype == value.dtype
        assert got.tolist() == value.tolist()
    else:
        assert got == value


class Exploit:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


def test_streams_that_do_more_than_hold_arrays_are_refused(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    for protocol in range(5):
        with pytest.raises(FormatError, match=r"system|not known"):
            read_objects(pickle.dumps([Exploit(marker)], protocol), "file")
    path = tmp_path / "evil.npz"
    np.savez(path, x=objects([Exploit(marker)]))
    with pytest.raises(FormatError, match=r"evil\.npz.*system"):
        keras_files.read_npz(path)
    assert not marker.exists()


def test_damaged_streams_are_refused() -> None:
    for value in VALUES:
        for protocol in (1, 2, 4):
            stream = pickle.dumps(value, protocol)
            cuts = range(0, len(stream), max(1, len(stream) // 60))
            for cut in cuts:
                with pytest.raises(FormatError):
                    read_objects(stream[:cut], "file")
    rng = np.random.default_rng(0)
    whole = bytearray(pickle.dumps(VALUES[0], 2))
    for _ in range(2000):
        spoiled = bytearray(whole)
        spoiled[rng.integers(len(spoiled))] = rng.integers(256)
        try:
            read_objects(bytes(spoiled), "file")
        except FormatError:
            continue


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.arange(300), y=objects(TEXTS))
    data = path.read_bytes()
    for content in (b"", b"text", data[: len(data) // 2]):
        path.write_bytes(content)
        with pytest.raises(FormatError, match=r"a\.npz"):
            keras_files.read_npz(path)
    path.write_bytes(data)
    with pytest.raises(FormatError, match="no array"):
        keras_files.arrays_named(path, "x", "z")
