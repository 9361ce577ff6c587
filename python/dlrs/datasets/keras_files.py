"""Files of Keras's data sets: where they lie, and what is in them."""

import hashlib
import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from dlrs.datasets import files
from dlrs.datasets.object_arrays import read_objects
from dlrs.errors import format_error

Array = np.ndarray[Any, Any]

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
MOST_BYTES = 1 << 30


def folders(dataset: str) -> list[Path]:
    """Folders in which a file of `dataset` may be: those of every data set, and Keras's own.

    >>> folders("mnist")[-1].name
    'datasets'
    """
    home = os.environ.get("KERAS_HOME")
    keras = Path(home) if home else Path.home() / ".keras"
    return [*files.search_folders(dataset), keras / "datasets"]


def locate(dataset: str, path: Any, origin: str, digest: str) -> Path:
    """Where a file lies; it is downloaded into the cache if it is nowhere.

    Args:
        dataset: names the folder of its own.
        path: the file's name, or its whole path.
        origin: its address.
        digest: its SHA-256, or MD5, in hexadecimal digits.

    Raises:
        FileNotFoundError: it is nowhere and could not be downloaded; the message lists the places.
        ValueError: what lies there under its name is another file.
    """
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise ValueError(f"datasets.{dataset}: `path` must be the name of a file, got {path!r}.")
    given = Path(path)
    places = [given] if given.is_absolute() else [folder / given for folder in folders(dataset)]
    for place in places:
        if place.is_file():
            _check(place, digest, dataset)
            return place
    target = files.cache_folder() / dataset / given.name
    try:
        files.download(origin, target, MOST_BYTES, check=lambda part: _check(part, digest, dataset))
    except OSError as error:
        listed = "\n".join(f"  {place}" for place in places)
        raise FileNotFoundError(
            f"datasets.{dataset}: {given.name} was not found at\n{listed}\n"
            f"and could not be downloaded from {origin} ({error}). Download it yourself and put it at one of these "
            "places, or into a folder that DLRS_DATA names."
        ) from error
    return target


def _check(path: Path, digest: str, dataset: str) -> None:
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256" if len(digest) == 64 else "md5").hexdigest()
    if found != digest:
        raise ValueError(
            f"{path}: not the file of datasets.{dataset}, its digest is {found}, expected {digest}. Delete it, or give "
            "the `path` of another."
        )


def read_npz(path: Path) -> dict[str, Array]:
    """The arrays in a file `.npz` by name; arrays of lists are read without `pickle`.

    Raises:
        FormatError: it is no such file, is damaged, or holds something else than arrays.
    """
    arrays = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.filename.endswith(".npy") and member.file_size <= MOST_BYTES:
                    arrays[member.filename.removesuffix(".npy")] = _read_npy(archive.read(member), f"{path}")
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise format_error(str(error), path=str(path), format="npz", field="archive", rule="O2") from None
    return arrays


def _read_npy(data: bytes, path: str) -> Array:
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if version[0] == 1 else np.lib.format.read_array_header_2_0
        shape, _, dtype = header(stream)
        if not dtype.hasobject:
            plain: Array = np.load(io.BytesIO(data), allow_pickle=False)
            return plain
    except (ValueError, EOFError, OSError) as error:
        raise format_error(str(error), path=path, format="npy", field="header", rule="O2") from None
    array = read_objects(data[stream.tell() :], path)
    if not isinstance(array, np.ndarray) or array.shape != shape:
        raise format_error("its header and its content differ", path=path, format="npy", field="content", rule="O2")
    return array


def arrays_named(path: Path, *names: str) -> list[Array]:
    """The arrays of these names in a file `.npz`."""
    arrays = read_npz(path)
    missing = [name for name in names if name not in arrays]
    if missing:
        raise format_error(f"it has no array {missing}", path=str(path), format="npz", field="names", rule="O2")
    return [arrays[name] for name in names]


def read_batches(dataset: str, archive: str, folder: str, names: list[str], origin: str, digest: str) -> list[Any]:
    """The dicts in files of a `.tar.gz`, which may be unpacked already.

    Args:
        dataset: names the folder of its own.
        archive: the archive's name.
        folder: the folder in it; unpacked, Keras puts it into one called `<folder>-target`.
        names: the files.
        origin: the archive's address.
        digest: its SHA-256.

    Raises:
        FileNotFoundError, ValueError: as `locate`.
        FormatError: a file is damaged.
    """
    for place in folders(dataset):
        for unpacked in (place / folder, place / f"{folder}-target" / folder):
            paths = [unpacked / name for name in names]
            if all(path.is_file() for path in paths):
                return [_as_dict(path.read_bytes(), str(path)) for path in paths]
    path = locate(dataset, archive, origin, digest)
    found = []
    with tarfile.open(path) as tar:
        for name in names:
            file = tar.extractfile(f"{folder}/{name}")
            if file is None:
                raise format_error(f"it has no file {name!r}", path=str(path), format="tar", field="names", rule="O2")
            found.append(_as_dict(file.read(), f"{path}, {name}"))
    return found


def _as_dict(data: bytes, path: str) -> dict[str, Any]:
    content = read_objects(data, path)
    if not isinstance(content, dict):
        raise format_error("it holds no dict", path=path, format="CIFAR", field="content", rule="O2")
    return {key.decode() if isinstance(key, bytes) else str(key): value for key, value in content.items()}
