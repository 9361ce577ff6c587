"""Files: fetched into a cache, and checked."""

import hashlib
import os
import re
import shutil
import urllib.parse
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from dlrs.backend.checks import check_flags, check_type
from dlrs.datasets.files import cache_folder, download
from dlrs.utils.archives import (
    extract_archive,
    filter_safe_tarinfos,
    is_link_in_dir,
    resolve_path,
    resolve_sub_path,
)
from dlrs.utils.io_utils import print_msg
from dlrs.utils.progbar import Progbar, refresh_interval

__all__ = [
    "File",
    "copy",
    "exists",
    "extract_archive",
    "filter_safe_tarinfos",
    "get_file",
    "hash_file",
    "is_link_in_dir",
    "is_remote_path",
    "isdir",
    "join",
    "listdir",
    "makedirs",
    "path_to_string",
    "remove",
    "resolve_hasher",
    "resolve_path",
    "resolve_sub_path",
    "rmtree",
    "validate_file",
]

PathLike = str | os.PathLike[str]

_ALGORITHMS = ("auto", "md5", "sha256")


def get_file(
    fname: PathLike | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | list[str] | None = "auto",
    cache_dir: PathLike | None = None,
    force_download: bool = False,
) -> str:
    """The path of a file of the cache, which is downloaded if it is not there, or not what `file_hash` says.

    A download takes its place in the cache when it is complete and its hash has been checked, so that an interrupted
    one leaves nothing, and one of another content leaves what was there.

    Args:
        fname: name of the file in the cache, without folders; by default the last part of `origin`.
        origin: URL of the file.
        untar: an older spelling of `extract=True, archive_format="tar"`.
        md5_hash: an older spelling of `file_hash=..., hash_algorithm="md5"`.
        file_hash: hexadecimal digest of the file.
        cache_subdir: the folder in the cache, or an absolute path.
        hash_algorithm: `"md5"`, `"sha256"`, or `"auto"`: by the length of `file_hash`.
        extract: whether to unpack the file, a tar or ZIP archive; see `extract_archive` for what is refused.
        archive_format: as of `extract_archive`.
        cache_dir: the cache; by default `$XDG_CACHE_HOME/dlrs`, `~/.cache/dlrs` without that variable.
        force_download: whether to download the file again.

    Returns:
        The path of the file, or of the folder of the unpacked archive: `fname` (`fname` up to its first point, and
        `_extracted`, if it was given and has one).

    Raises:
        ValueError: no `origin`, no name in it, a name with folders, or the download has another hash.
        FormatError: the archive holds what `extract_archive` refuses.
        OSError: no connection, an HTTP error, or no room.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     source = pathlib.Path(folder, "text.txt")
    ...     _ = source.write_text("a text")
    ...     path = get_file("copy.txt", source.as_uri(), file_hash=hash_file(source), cache_dir=folder)
    ...     pathlib.Path(path).read_text()
    Downloading data from file:...
    'a text'
    """
    if origin is None:
        raise ValueError('Please specify the "origin" argument (URL of the file to download).')
    check_type("get_file", "origin", origin, str, "a URL")
    check_type("get_file", "cache_subdir", cache_subdir, str | os.PathLike, "a path")
    check_flags("get_file", untar=untar, extract=extract, force_download=force_download)
    check_type("get_file", "md5_hash", md5_hash, str, "hexadecimal digits", optional=True)
    check_type("get_file", "file_hash", file_hash, str, "hexadecimal digits", optional=True)
    check_type("get_file", "hash_algorithm", hash_algorithm, str, "a string")
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    if hash_algorithm not in _ALGORITHMS:
        raise ValueError(f"get_file: `hash_algorithm` must be one of {_ALGORITHMS}, got {hash_algorithm!r}.")
    folder = Path(cache_folder() if cache_dir is None else cache_dir).expanduser() / cache_subdir
    name = _file_name(fname, origin)
    target, unpacked = folder / name, folder / name
    if extract or untar:
        # As Keras names them: a script may look for either.
        target = folder / (name if fname is not None and "." in name else f"{name}_archive")
        unpacked = folder / (f"{name[: name.find('.')]}_extracted" if fname is not None and "." in name else name)
    if force_download or not _is_cached(target, file_hash, hash_algorithm):
        print_msg(f"Downloading data from {origin}")
        download(origin, target, None, _checker(file_hash, hash_algorithm), _Progress())
    if not (extract or untar):
        return str(target)
    if not extract_archive(target, unpacked, "tar" if untar else archive_format):
        warnings.warn("Could not extract archive.", stacklevel=2)
    return str(unpacked)


def _file_name(fname: PathLike | None, origin: str) -> str:
    name = os.path.basename(urllib.parse.urlsplit(origin).path) if fname is None else os.fspath(fname)
    if not name:
        raise ValueError(
            f"Can't parse the file name from the origin provided: {origin!r}. Please specify the `fname` argument."
        )
    if name in (".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise ValueError(
            "Paths are no longer accepted as the `fname` argument. To specify the file's parent directory, use the "
            f"`cache_dir` argument. Received: fname={name}"
        )
    return name


def _is_cached(path: Path, file_hash: str | None, algorithm: str) -> bool:
    if not path.is_file():
        return False
    if file_hash is None or validate_file(path, file_hash, algorithm):
        return True
    print_msg(
        f"A local file was found, but it seems to be incomplete or outdated because the {algorithm} file hash does not "
        f"match the original value of {file_hash} so we will re-download the data."
    )
    return False


def _checker(file_hash: str | None, algorithm: str) -> Callable[[Path], None]:
    def check(path: Path) -> None:
        if file_hash is not None and not validate_file(path, file_hash, algorithm):
            raise ValueError(
                f"Incomplete or corrupted file detected. The {algorithm} file hash does not match the provided value "
                f"of {file_hash}."
            )

    return check


class _Progress:
    """A bar of the bytes that have come."""

    _bar: Progbar | None = None

    def __call__(self, received: int, total: int | None) -> None:
        if self._bar is None:
            self._bar = Progbar(total, interval=refresh_interval(), unit_name="byte")
        self._bar.update(received)


def resolve_hasher(algorithm: str, file_hash: str | None = None) -> Any:
    """A hash of `hashlib`: SHA-256 by name, or for `"auto"` beside 64 digits, else MD5."""
    if algorithm == "sha256" or (algorithm == "auto" and file_hash is not None and len(file_hash) == 64):
        return hashlib.sha256()
    return hashlib.md5(usedforsecurity=False)


def hash_file(fpath: PathLike, algorithm: Any = "sha256", chunk_size: int = 65535) -> str:
    """The hexadecimal digest of a file.

    Args:
        fpath: the file.
        algorithm: `"sha256"` or `"md5"`, or a hash of `hashlib`.
        chunk_size: bytes to read at a time.
    """
    hasher = resolve_hasher(algorithm) if isinstance(algorithm, str) else algorithm
    with open(fpath, "rb") as file:
        while chunk := file.read(chunk_size):
            hasher.update(chunk)
    return str(hasher.hexdigest())


def validate_file(fpath: PathLike, file_hash: str, algorithm: str = "auto", chunk_size: int = 65535) -> bool:
    """Whether a file has this hexadecimal digest; arguments as of `get_file` and `hash_file`."""
    return hash_file(fpath, resolve_hasher(algorithm, file_hash), chunk_size) == str(file_hash).lower()


def path_to_string(path: Any) -> Any:
    """A path-like object as a string; anything else as it is."""
    return os.fspath(path) if isinstance(path, os.PathLike) else path


def is_remote_path(filepath: PathLike) -> bool:
    """Whether a path is a URL or names a file system that no operating system mounts.

    >>> is_remote_path("gs://bucket/file"), is_remote_path("/hdfs/file"), is_remote_path("C:\\\\file")
    (True, True, False)
    """
    return re.match(r"/(cns|cfs|gcs|hdfs|readahead|placer|tfhub)|.*://", str(filepath)) is not None


def _local(*paths: PathLike) -> None:
    for path in paths:
        if is_remote_path(path):
            _raise_if_no_gfile(path)


def _raise_if_no_gfile(path: PathLike) -> None:
    raise ValueError(
        "Handling remote paths requires installing TensorFlow (in order to use gfile), which dlrs does not call; copy "
        f"the file to a local path. Received path: {path}"
    )


def exists(path: PathLike) -> bool:
    """Whether there is a local file or folder."""
    _local(path)
    return os.path.exists(path)


def File(path: PathLike, mode: str = "r") -> IO[Any]:  # noqa: N802 - Keras's name
    """A local file, opened."""
    _local(path)
    return open(path, mode)


def join(path: str, *paths: str) -> str:
    """Parts of a local path, joined."""
    _local(path)
    return os.path.join(path, *paths)


def isdir(path: PathLike) -> bool:
    """Whether there is a local folder."""
    _local(path)
    return os.path.isdir(path)


def remove(path: PathLike) -> None:
    """Remove a local file."""
    _local(path)
    os.remove(path)


def rmtree(path: PathLike) -> None:
    """Remove a local folder and all that is in it."""
    _local(path)
    shutil.rmtree(path)


def listdir(path: PathLike) -> list[str]:
    """Names in a local folder."""
    _local(path)
    return os.listdir(path)


def copy(src: PathLike, dst: PathLike) -> str:
    """Copy a local file; the path of the copy."""
    _local(src, dst)
    return str(shutil.copy(src, dst))


def makedirs(path: PathLike) -> None:
    """Make a local folder and those above it."""
    _local(path)
    os.makedirs(path)
