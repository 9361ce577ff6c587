"""Results of long tests: a JSON line each, in the file that the environment variable DLRS_CAMPAIGN_LOG names."""

import json
import os
import platform
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from dlrs import _dlrs


class Tally:
    """What was tried and which of it failed."""

    def __init__(self):
        self.tried = 0
        self.failures = []

    def count(self, trouble):
        """Count a trial, whose `trouble` is what was wrong, or nothing."""
        self.tried += 1
        if trouble:
            self.failures.append(str(trouble))


@contextmanager
def recorded(test, **details):
    """Write a line about the trials counted within."""
    tally, commit = Tally(), _commit()
    start = time.perf_counter()
    try:
        yield tally
    finally:
        line = {
            "test": test,
            "commit": commit,
            "machine": f"{platform.machine()} {_dlrs.isa()}",
            **details,
            "tried": tally.tried,
            "failed": len(tally.failures),
            "seconds": round(time.perf_counter() - start, 1),
            "failures": tally.failures[:20],
        }
        if path := os.environ.get("DLRS_CAMPAIGN_LOG"):
            with Path(path).open("a") as file:
                file.write(json.dumps(line) + "\n")


def _commit():
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None
