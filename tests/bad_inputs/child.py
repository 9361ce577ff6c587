"""A child process: makes the calls numbered on standard input and writes a line of JSON before and after each.

Usage: child.py RESULTS < NUMBERS
"""

import faulthandler
import json
import os
import resource
import sys
import tempfile

MOST_MEMORY = 6 << 30  # of address space, beyond what is mapped once all is imported


def limit_memory() -> None:
    """Lets allocation fail beyond the limit."""
    with open("/proc/self/statm") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + MOST_MEMORY, mapped + MOST_MEMORY))


def main(results: str) -> None:
    numbers = [int(line) for line in sys.stdin]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        tempfile.tempdir = folder
        from bad_inputs.outcome import attempt
        from bad_inputs.space import Space

        space = Space()
        limit_memory()
        with open(results, "w") as out:
            faulthandler.enable(out)
            for number in numbers:
                print(json.dumps({"number": number}), file=out, flush=True)
                good, parameter, value = space[number]
                outcome = attempt(good, parameter, value)
                print(json.dumps({"number": number, **outcome}), file=out, flush=True)
        os.chdir("/")


if __name__ == "__main__":
    main(sys.argv[1])
