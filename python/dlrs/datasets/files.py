"""Where data files are looked for, and how they are fetched."""

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

SYSTEM_FOLDER = Path("/usr/share/datasets")
TIMEOUT_SECONDS = 10.0
CHUNK = 1 << 16


def cache_folder() -> Path:
    """The user's cache of data files: `$XDG_CACHE_HOME/dlrs`, by default `~/.cache/dlrs`.

    Example:
        >>> cache_folder().name
        'dlrs'
    """
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "dlrs"


def search_folders(dataset: str) -> list[Path]:
    """Folders in which the files of `dataset` may be, in the order in which they are looked through.

    Example:
        >>> search_folders("fashion-mnist")[-1].as_posix()
        '/usr/share/datasets/fashion-mnist'
    """
    own = os.environ.get("DLRS_DATA")
    given = [Path(own) / dataset, Path(own)] if own else []
    return [*given, cache_folder() / dataset, SYSTEM_FOLDER / dataset]


def find(dataset: str, names: Sequence[str]) -> list[Path] | None:
    """The paths of `names` in the first folder that has them all, plain or with `.gz`; None when no folder has."""
    for folder in search_folders(dataset):
        paths = [next((p for p in (folder / f"{n}.gz", folder / n) if p.is_file()), None) for n in names]
        found = [p for p in paths if p is not None]
        if len(found) == len(names):
            return found
    return None


def download(
    url: str,
    path: Path,
    limit: int | None,
    check: Callable[[Path], object],
    progress: Callable[[int, int | None], object] | None = None,
) -> None:
    """Fetch `url` to `path`: into a temporary file beside it, which takes its place only after `check` has passed.

    Args:
        url: what to fetch.
        path: where it shall be; its folder is made.
        limit: the most bytes to accept; None for as many as come.
        check: is called with the temporary file and raises when the content is not what it should be.
        progress: is called with the number of bytes that have come, and of all, None if that is not known.

    Raises:
        OSError: no connection, an HTTP error, more than `limit` bytes, or no room.
    """
    from urllib.request import urlopen  # takes 30 ms to import, and most processes download nothing

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file, urlopen(url, timeout=TIMEOUT_SECONDS) as response:
            length = response.headers.get("Content-Length", "")
            received = 0
            while chunk := response.read(CHUNK):
                received += len(chunk)
                if limit is not None and received > limit:
                    raise OSError(f"{url} sends more than {limit} bytes")
                file.write(chunk)
                if progress is not None:
                    progress(received, int(length) if length.isdecimal() else None)
            if length.isdecimal() and received != int(length):
                raise OSError(f"{url}: the connection was cut off after {received} of {length} bytes")
        check(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
