"""Unpacking archives of others: nothing is written outside the folder that was asked for."""

import os
import shutil
import stat
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from dlrs.errors import format_error

PathLike = str | os.PathLike[str]


def resolve_path(path: PathLike) -> str:
    """The absolute path, with symbolic links followed."""
    return os.path.realpath(path)


def resolve_sub_path(base_dir: str, relative_path: str) -> str | None:
    """Where `relative_path` leads from `base_dir`, which is resolved already; None if that is outside of it.

    >>> resolve_sub_path("/data", "a/../b"), resolve_sub_path("/data", "../b"), resolve_sub_path("/data", "/b")
    ('/data/b', None, None)
    """
    path = resolve_path(os.path.join(base_dir, relative_path))
    return path if _is_inside(path, base_dir) else None


def _is_inside(path: str, folder: str) -> bool:
    try:
        return os.path.commonpath([path, folder]) == folder
    except ValueError:  # other drives
        return False


def is_link_in_dir(info: Any, base_dir: str) -> bool:
    """Whether a link of a tar archive, and what it points to, lie in the resolved folder `base_dir`."""
    place = resolve_sub_path(base_dir, info.name)
    if info.islnk():  # names another member, from the root of the archive
        return place is not None and resolve_sub_path(base_dir, info.linkname) is not None
    return place is not None and _is_inside(resolve_path(os.path.join(os.path.dirname(place), info.linkname)), base_dir)


def filter_safe_tarinfos(members: Iterable[tarfile.TarInfo], base_dir: PathLike) -> Iterator[tarfile.TarInfo]:
    """The members that stay in `base_dir`, links within it included; a warning names each of the others.

    For programs that unpack by themselves. `extract_archive` refuses archives that hold others, and all links.
    """
    base = resolve_path(base_dir)
    for info in members:
        is_link = info.issym() or info.islnk()
        if is_link_in_dir(info, base) if is_link else resolve_sub_path(base, info.name) is not None:
            yield info
        else:
            warnings.warn(f"Skipping invalid path during archive extraction: '{info.name}'.", stacklevel=2)


def extract_archive(
    file_path: PathLike, path: PathLike = ".", archive_format: str | Sequence[str] | None = "auto"
) -> bool:
    """Unpack a tar archive, plain or compressed, or a ZIP archive.

    The archive is unpacked beside `path` and then put in place, so that a damaged one leaves nothing behind.

    Args:
        file_path: the archive.
        path: the folder for its members; made if need be.
        archive_format: `"tar"`, `"zip"`, a list of them, or `"auto"` for both; None unpacks nothing.

    Returns:
        Whether the file is such an archive.

    Raises:
        FormatError: a member would be written outside of `path` (rule K1), is a link or a device (K2), or there is no
            room for all of them (K4). Nothing of the archive is written then.
        OSError: a file cannot be read or written.
        ValueError: another format.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with zipfile.ZipFile(folder + "/some.zip", "w") as archive:
    ...         archive.writestr("a.txt", "text")
    ...     extract_archive(folder + "/some.zip", folder + "/some"), os.listdir(folder + "/some")
    (True, ['a.txt'])
    """
    if archive_format is None:
        return False
    formats = ["tar", "zip"] if archive_format == "auto" else archive_format
    for name in [formats] if isinstance(formats, str) else formats:
        if name not in ("tar", "zip"):
            raise ValueError(f"extract_archive: `archive_format` must be 'auto', 'tar', 'zip' or None, got {name!r}.")
        if name == "tar" and tarfile.is_tarfile(file_path):
            with tarfile.open(file_path) as tar:
                _extract(tar, _tar_sizes(tar, os.fspath(file_path)), os.fspath(file_path), path)
            return True
        if name == "zip" and zipfile.is_zipfile(file_path):
            with zipfile.ZipFile(file_path) as archive:
                _extract(archive, _zip_sizes(archive, os.fspath(file_path)), os.fspath(file_path), path)
            return True
    return False


def _tar_sizes(archive: tarfile.TarFile, file: str) -> dict[str, int]:
    members = archive.getmembers()
    for info in members:
        if not (info.isreg() or info.isdir()):
            raise _refused(file, "tar", info.name)
    return {info.name: info.size for info in members}


def _zip_sizes(archive: zipfile.ZipFile, file: str) -> dict[str, int]:
    members = archive.infolist()
    for info in members:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refused(file, "zip", info.filename)
    return {info.filename: info.file_size for info in members}


def _refused(file: str, kind: str, name: str) -> Exception:
    return format_error("it is neither a file nor a folder", path=file, format=kind, field=name, rule="K2")


def _extract(archive: tarfile.TarFile | zipfile.ZipFile, sizes: dict[str, int], file: str, path: PathLike) -> None:
    # Where links of the user's own lead from `path`, members do not follow.
    target = resolve_path(path)
    kind = "zip" if isinstance(archive, zipfile.ZipFile) else "tar"
    for name in sizes:
        if resolve_sub_path(target, name) is None or ".." in name.replace("\\", "/").split("/"):
            raise format_error("it lies outside of the folder", path=file, format=kind, field=name, rule="K1")
    parent = os.path.dirname(target)
    os.makedirs(parent, exist_ok=True)
    room = shutil.disk_usage(parent).free
    if sum(sizes.values()) > room:
        message = f"its members have {sum(sizes.values())} bytes, and there is room for {room}"
        raise format_error(message, path=file, format=kind, field="members", rule="K4")
    staging = tempfile.mkdtemp(dir=parent, prefix=".unpacking-")
    try:
        if isinstance(archive, zipfile.ZipFile):
            archive.extractall(staging)
        elif hasattr(tarfile, "data_filter"):
            archive.extractall(staging, filter="data")  # which clears owners and modes, too
        else:
            archive.extractall(staging)
        os.chmod(staging, 0o777 & ~_umask())
        if os.path.isdir(target):
            _move_into(staging, target)
        else:
            os.rename(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _move_into(source: str, target: str) -> None:
    for entry in sorted(Path(source).iterdir()):
        place = os.path.join(target, entry.name)
        if entry.is_dir() and os.path.isdir(place):
            _move_into(str(entry), place)
        else:
            os.replace(entry, place)
