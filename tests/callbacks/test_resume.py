"""A training that was killed and goes on ends with the bits of one that was not."""

import os
import random

import pytest

from harness import processes

COUNT = int(os.environ.get("DLRS_INTERRUPTIONS", "20"))


def cases():
    generator = random.Random(20)
    pairs = [(o, v) for v in processes.VARIANTS for o in processes.OPTIMIZERS]
    generator.shuffle(pairs)
    for number in range(COUNT):
        case = (*pairs[number % len(pairs)], generator.choice(("epoch", 1, 2, 3, 7)), generator.random() < 0.5)
        yield case, generator.randint(1, processes.EPOCHS * processes.BATCHES - 1), generator.random() < 0.5


@pytest.mark.parametrize(("case", "at", "chunked"), list(cases()))
def test_resumed_is_uninterrupted(tmp_path, case, at, chunked):
    assert processes.resume_differs(tmp_path, case, at, chunked) == []
