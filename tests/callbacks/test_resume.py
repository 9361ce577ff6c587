"""A training that was killed and goes on ends with the bits of one that was not."""

import os
import random

import pytest

from harness import processes
from harness.campaign import recorded

COUNT = int(os.environ.get("DLRS_INTERRUPTIONS", "20"))


def cases():
    generator = random.Random(20)
    pairs = [(optimizer, variant) for variant in processes.VARIANTS for optimizer in processes.OPTIMIZERS]
    generator.shuffle(pairs)
    for number in range(COUNT):
        case = (*pairs[number % len(pairs)], generator.choice(("epoch", 1, 2, 3, 7)), generator.random() < 0.5)
        yield case, generator.randint(1, processes.EPOCHS * processes.BATCHES - 1), generator.random() < 0.5


@pytest.fixture(scope="module")
def tally():
    with recorded("interrupted at a random batch, resumed in a new process, same bits") as tally:
        yield tally


@pytest.mark.parametrize(("case", "at", "chunked"), list(cases()))
def test_resumed_is_uninterrupted(tmp_path, tally, case, at, chunked):
    differs = processes.resume_differs(tmp_path, case, at, chunked)
    tally.count(differs and f"{case}, after batch {at}: {differs}")
    assert differs == []


@pytest.mark.parametrize("case", [("adam", "dropout", 1, True), ("adamw", "plateau", "epoch", False)])
def test_killed_again_and_again(tmp_path, case):
    """At any moment: while a model is made, a plan is laid out, a backup is written or deleted."""
    generator = random.Random(6)
    delays = [generator.uniform(0, 0.1) for _ in range(max(10, COUNT // 2))]
    with recorded("training killed at any moment and started again until it ends", case=str(case)) as tally:
        kills, differs = processes.persist(tmp_path, case, delays)
        tally.tried = kills
        tally.failures = differs
    assert differs == []


def test_resumed_with_another_number_of_threads(tmp_path, monkeypatch):
    case = ("adam", "dropout", 2, True)
    whole, resumed, backups = (str(tmp_path / name) for name in ("whole.npz", "resumed.npz", "backups"))
    monkeypatch.setenv("DLRS_NUM_THREADS", "1")
    assert processes.forked(processes.train, case, whole) == 0
    assert processes.forked(processes.train, case, resumed, backups, processes.KillAfterBatches(13)) < 0
    monkeypatch.setenv("DLRS_NUM_THREADS", "2")
    assert processes.forked(processes.resume, case, resumed, backups, 13) == 0
    assert processes.states_differ(whole, resumed) == []
