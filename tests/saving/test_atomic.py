"""A path holds the old file or the new one, whatever fails while it is written."""

import os
import resource
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import dlrs
from dlrs import _dlrs, layers, saving
from dlrs.saving.archive import write_archive, write_file


def model_of(value):
    model = dlrs.Sequential([dlrs.Input((300,)), layers.Dense(300)])
    model.set_weights([np.full((300, 300), value, "float32"), np.full(300, value, "float32")])
    return model


def saves(model, directory):
    model.save(directory / "m.dlrs")
    model.save_weights(directory / "w.safetensors")


@pytest.mark.parametrize("name", ["m.dlrs", "w.safetensors"])
@pytest.mark.parametrize("limit", [0, 1, 1000, 100_000])
def test_a_full_disk(tmp_path, name, limit):
    """The limit on the size of files stands for a disk without room: write(2) fails in the same place."""
    saves(model_of(1), tmp_path)
    before = (tmp_path / name).read_bytes()
    save = saving.save_model if name == "m.dlrs" else saving.save_weights
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            save(model_of(2), tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.errno
    assert caught.value.filename == str(tmp_path / name)
    assert (tmp_path / name).read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.dlrs", "w.safetensors"]
    save(model_of(2), tmp_path / name)
    assert (tmp_path / name).read_bytes() != before


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_directory_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        model_of(1).save(tmp_path / "m.dlrs")
    tmp_path.chmod(0o700)


def test_places_where_nothing_can_be_written(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        model_of(1).save(tmp_path / "none" / "m.dlrs")
    assert caught.value.filename == str(tmp_path / "none" / "m.dlrs")
    (tmp_path / "m.dlrs").mkdir()
    with pytest.raises(IsADirectoryError):
        model_of(1).save(tmp_path / "m.dlrs")
    assert [path.name for path in tmp_path.iterdir()] == ["m.dlrs"]


def test_an_error_in_the_middle_leaves_nothing(tmp_path):
    path = tmp_path / "a"
    with pytest.raises(TypeError):
        write_file(str(path), [b"good", object()])
    with pytest.raises(TypeError, match="not plain data"):
        write_archive(str(path), {"metadata.json": {"a": object()}})
    with pytest.raises(ValueError, match=r"called 'training/<name>\.json'"):
        write_archive(str(path), {"../evil.json": {}})
    file = _dlrs.ArchiveFile(str(path))
    file.begin("a", 3)
    with pytest.raises(_dlrs.FormatError):
        file.write(b"four")
    file.discard()
    for call in (file.end, file.commit, lambda: file.write(b"")):
        with pytest.raises(ValueError, match="committed or discarded"):
            call()
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, sys
from dlrs import _dlrs
file = _dlrs.AtomicFile(sys.argv[1])
file.write(b"half")
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_leaves_is_removed_by_the_next_save(tmp_path):
    path = tmp_path / "m.dlrs"
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    (stale,) = tmp_path.iterdir()
    assert stale.name.startswith(".m.dlrs.tmp-")
    alive = _dlrs.AtomicFile(str(path))
    assert not stale.exists()
    model_of(1).save(path)  # leaves the sibling of the writer that lives
    assert len(list(tmp_path.iterdir())) == 2
    alive.discard()
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.dlrs"]


def test_a_symbolic_link_is_replaced(tmp_path):
    target, link = tmp_path / "target.dlrs", tmp_path / "link.dlrs"
    model_of(1).save(target)
    before = target.read_bytes()
    link.symlink_to(target)
    model_of(2).save(link)
    assert target.read_bytes() == before
    assert not link.is_symlink()


def test_readers_see_the_old_file_or_the_new_one(tmp_path):
    """Also a process that saves over the file it was loaded from."""
    path = tmp_path / "m.dlrs"
    model_of(0).save(path)
    seen, wrong, done = set(), [], threading.Event()

    def read():
        while not done.is_set():
            weights = saving.load_model(path).get_weights()
            values = {float(value) for weight in weights for value in np.unique(weight)}
            seen.update(values)
            if len(values) != 1:
                wrong.append(values)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for value in range(1, 30):
            model = saving.load_model(path)
            model.set_weights([np.full_like(weight, value) for weight in model.get_weights()])
            model.save(path)
    finally:
        done.set()
        reader.join()
    assert not wrong
    assert len(seen) > 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.dlrs"]
