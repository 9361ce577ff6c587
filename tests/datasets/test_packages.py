"""Files out of archives of packages."""

import hashlib
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from dlrs.datasets import packages

CONTENT = b"one\ntwo\n"


def wheel_of(path: Path) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("words/list.txt", CONTENT)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sdist_of(path: Path) -> str:
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("words-1.0/list.txt")
        info.size = len(CONTENT)
        archive.addfile(info, io.BytesIO(CONTENT))
        archive.addfile(folder := tarfile.TarInfo("words-1.0/folder"))
        folder.type = tarfile.DIRTYPE
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_wheel_that_is_there(folder: Path) -> None:
    sha256 = wheel_of(folder / "words-1.0-py3-none-any.whl")
    assert packages.member("words", "1.0", "words/list.txt", sha256=sha256) == CONTENT
    with pytest.raises(ValueError, match=r"words-1.0-py3-none-any.whl: there is no file 'words/other' in it"):
        packages.member("words", "1.0", "words/other", sha256=sha256)


def test_a_source_distribution_that_is_there(folder: Path) -> None:
    sha256 = sdist_of(folder / "words-1.0.tar.gz")
    assert packages.member("words", "1.0", "list.txt", sha256=sha256, sdist=True) == CONTENT
    with pytest.raises(ValueError, match=r"there is no file 'words/list.txt' in it"):
        packages.member("words", "1.0", "words/list.txt", sha256=sha256, sdist=True)


def test_another_archive_than_the_pinned_one(folder: Path) -> None:
    wheel_of(folder / "words-1.0-py3-none-any.whl")
    with pytest.raises(ValueError, match=r"its SHA-256 is [0-9a-f]{64}, expected 000.*remove the file"):
        packages.member("words", "1.0", "words/list.txt", sha256="0" * 64)


def pip_that(monkeypatch: pytest.MonkeyPatch, behave: Any) -> list[list[str]]:
    """Put `behave` in pip's place; returns the commands that are run."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return behave(Path(command[command.index("--dest") + 1]))

    monkeypatch.setattr(packages.subprocess, "run", run)
    return commands


def test_what_is_fetched_stays(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tag = "cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64"
    sha256 = wheel_of(tmp_path / "given")

    def behave(dest: Path) -> subprocess.CompletedProcess[str]:
        assert (dest / "requirements.txt").read_text() == f"words==1.0 --hash=sha256:{sha256}\n"
        (dest / f"words-1.0-{tag}.whl").write_bytes((tmp_path / "given").read_bytes())
        return subprocess.CompletedProcess([], 0, "", "")

    commands = pip_that(monkeypatch, behave)
    for _ in range(2):
        assert packages.member("words", "1.0", "words/list.txt", sha256=sha256, tag=tag) == CONTENT
    (command,) = commands
    assert "--no-deps" in command and "--require-hashes" in command
    assert [command[i + 1] for i, word in enumerate(command) if word == "--platform"] == tag.split("-")[2].split(".")
    assert [p.name for p in (tmp_path / "cache" / "dlrs" / "packages").iterdir()] == [f"words-1.0-{tag}.whl"]


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("py3-none-any", []),
        ("py3-none-linux_x86_64", ["--platform", "linux_x86_64", "--abi", "none"]),
        (
            "cp311-cp311-linux_x86_64",
            ["--platform", "linux_x86_64", "--python-version", "311", "--implementation", "cp", "--abi", "cp311"],
        ),
    ],
)
def test_the_wheel_that_pip_is_asked_for(tag: str, expected: list[str]) -> None:
    assert packages._wheel_options(tag) == ["--only-binary", ":all:", *expected]


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (subprocess.CompletedProcess([], 1, "", "WARNING: x\nERROR: No matching distribution\n"), "No matching"),
        (subprocess.CompletedProcess([], 1, "", ""), "pip says nothing"),
        (subprocess.TimeoutExpired([], 300), "pip took more than 300 s"),
    ],
)
def test_what_cannot_be_fetched(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, outcome: Any, message: str
) -> None:
    def behave(dest: Path) -> subprocess.CompletedProcess[str]:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    pip_that(monkeypatch, behave)
    with pytest.raises(FileNotFoundError, match=rf"words-1.0.tar.gz: not found in .*and not fetched: .*{message}"):
        packages.member("words", "1.0", "list.txt", sha256="0" * 64, sdist=True)
    assert not list((tmp_path / "cache" / "dlrs" / "packages").iterdir())
