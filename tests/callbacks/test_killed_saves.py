"""A process that saves in a loop is killed: the file is a whole state, none older than the last that was saved."""

import os
import random

import pytest

from harness import processes
from harness.campaign import recorded

COUNT = int(os.environ.get("DLRS_KILLS", "300"))


@pytest.mark.slow
@pytest.mark.timeout(60 + COUNT)
def test_killed_while_saving(tmp_path):
    path = tmp_path / "m.dlrs"
    seed = int(os.environ.get("DLRS_SEED", "8"))
    generator = random.Random(seed)
    with recorded("kill -9 within 50 ms while saving in a loop", seed=seed) as tally:
        for _ in range(COUNT):
            tally.count(processes.kill_while_saving(path, generator.uniform(0, 0.05)))
            # What the one before left is removed by the first save of the next.
            assert len(os.listdir(tmp_path)) <= 2
    assert tally.tried == COUNT
    assert tally.failures == []
