"""Every system call of a save is made to fail, or the process is killed at it, with strace(1)."""

import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from typing import NamedTuple

import pytest

from harness import processes
from harness.campaign import recorded

CALLS = "openat,getdents64,flock,write,lseek,fsync,rename,close"
CALL = re.compile(r"^(\w+)\(.*= (-?\d+|\?)")
SAVED, FAILED = 0, 3


class Place(NamedTuple):
    """A system call of a save: the how-many-th of its name it is, the call before, whether the rename was done."""

    name: str
    number: int
    before: str
    renamed: bool


def save_when_told(path, told):
    model = processes.marked(2)
    os.read(told, 1)
    try:
        model.save(path)
    except OSError as error:
        assert error.filename in (str(path), None)
        assert os.listdir(path.parent) == ["m.dlrs"]
        assert processes.saved_mark(path) in (1, 2)
        model.save(path)
        assert processes.saved_mark(path) == 2
        os._exit(FAILED)
    os._exit(SAVED)


def traced(path, log, *options):
    """Save state 2 over state 1 under strace; the exit code of the process and the calls it made."""
    processes.marked(1).save(path)
    reading, writing = os.pipe()
    process = processes.started(save_when_told, path, reading)
    command = ["strace", "-p", str(process), "-o", str(log), "-e", f"trace={CALLS}", *options]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        greeting = tracer.stderr.readline()
        os.write(writing, b"x")
    finally:
        _, status = os.waitpid(process, 0)
        tracer.stderr.read()
        tracer.wait()
        os.close(reading)
        os.close(writing)
    if "attached" not in greeting:
        pytest.skip(f"strace cannot attach: {greeting.strip()}")
    calls = [match[1] for match in map(CALL.match, log.read_text().splitlines()) if match]
    return os.waitstatus_to_exitcode(status), calls


@pytest.fixture
def places(tmp_path):
    """The system calls of an undisturbed save."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    code, calls = traced(tmp_path / "m.dlrs", tmp_path.parent / "log")
    assert code == SAVED
    assert calls.count("rename") == 1
    assert calls.count("fsync") == 2
    counts = Counter()
    numbered = []
    for place, name in enumerate(calls):
        counts[name] += 1
        numbered.append(Place(name, counts[name], calls[place - 1], place > calls.index("rename")))
    return numbered


def test_killed_at_every_call(tmp_path, places):
    path = tmp_path / "m.dlrs"
    with recorded("SIGKILL at every system call of a save") as tally:
        for name, number, _, renamed in places:
            inject = f"inject={name}:signal=SIGKILL:when={number}"
            code, _ = traced(path, tmp_path.parent / "log", "-e", inject)
            assert code == -signal.SIGKILL, inject
            expected = (1, 2) if name == "rename" else (2,) if renamed else (1,)
            found = processes.saved_mark(path)
            processes.marked(3).save(path)
            left = os.listdir(tmp_path)
            tally.count((found not in expected or left != ["m.dlrs"]) and (inject, found, left))
    assert tally.failures == []


@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EINTR"])
def test_every_call_fails(tmp_path, places, error):
    path = tmp_path / "m.dlrs"
    with recorded(f"{error} at every system call of a save") as tally:
        for name, number, before, _ in places:
            # Only these are interrupted; and directories are closed without fail, which Rust's library counts on.
            if (error == "EINTR" and name not in ("write", "fsync")) or (name, before) == ("close", "getdents64"):
                continue
            inject = f"inject={name}:error={error}:when={number}"
            code, _ = traced(path, tmp_path.parent / "log", "-e", inject)
            # A lock, a listing or a closing that fails may be of no consequence.
            must_fail = name in ("write", "fsync", "lseek", "rename") and error != "EINTR"
            expected = (FAILED,) if must_fail else (SAVED,) if error == "EINTR" else (SAVED, FAILED)
            found, left = processes.saved_mark(path), os.listdir(tmp_path)
            tally.count((code not in expected or found != 2 or left != ["m.dlrs"]) and (inject, code, found, left))
    assert tally.failures == []
