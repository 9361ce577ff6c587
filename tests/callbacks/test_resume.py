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
