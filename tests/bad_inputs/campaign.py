"""Makes bad calls in children and counts what came of them.

Usage: campaign.py [--calls N] [--seed S] [--jobs J] [--seconds S] [--filter TEXT] [--report FILE.md] [--faults FILE]
"""

import argparse
import collections
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
CHUNK = 500
SILENCE = 60.0  # seconds of the clock without an outcome, on a machine that may be busy, until a child is ended

Result = dict[str, Any]

INTRODUCTION = """# Bad calls

`make campaign` gives each parameter of each public callable each value of `tests/bad_inputs/values.py`, all other
arguments being good, in children that may crash. A call may succeed, or raise a TypeError, ValueError, IndexError,
MemoryError, OSError, one of `dlrs.errors`, or a KeyError of a word that a vocabulary lacks; what a value's own
methods raise passes through. All else is a fault: a panic, the end of the process, more than 2 s of processor time, any
other exception, an object whose weights or configuration differ after the error.
"""


def run_child(numbers: Sequence[int]) -> tuple[list[Result], list[int]]:
    """Outcomes of calls up to the first that ends the child, and the numbers of the calls left."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "results")
        command = [sys.executable, str(TESTS / "bad_inputs/child.py"), str(path)]
        env = {
            **os.environ,
            "PYTHONPATH": f"{TESTS}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
            "DLRS_NUM_THREADS": "2",
        }
        with open(Path(folder, "stderr"), "w+") as stderr:
            child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr, env=env, text=True
            )
            assert child.stdin is not None
            child.stdin.write("\n".join(map(str, numbers)))
            child.stdin.close()
            hung = watch(child, path)
            stderr.seek(0)
            last_words = stderr.read()[-2000:]
        lines = path.read_text().splitlines() if path.exists() else []
    results, begun = [], None
    for line in lines:
        if line.startswith("{"):
            record = json.loads(line)
            begun = record["number"]
            if "outcome" in record:
                results.append(record)
                begun = None
    if child.returncode and begun is None:
        raise RuntimeError(f"A child ended outside of calls: {child.returncode}\n{last_words}")
    if begun is not None:
        trace = next((line for line in lines if line.startswith("Fatal")), last_words[-300:])
        outcome = "hang" if hung else f"ended by {child.returncode}"
        results.append({"number": begun, "outcome": outcome, "message": trace, "shown": True, "seconds": SILENCE})
    done = {result["number"] for result in results}
    return results, [number for number in numbers if number not in done]


def watch(child: subprocess.Popen[str], path: Path) -> bool:
    """Waits for a child; ends it if it falls silent."""
    size, since = -1, time.monotonic()
    while child.poll() is None:
        time.sleep(0.2)
        now = path.stat().st_size if path.exists() else 0
        if now != size:
            size, since = now, time.monotonic()
        elif time.monotonic() - since > SILENCE:
            child.kill()
            child.wait()
            return True
    return False


def run(numbers: Iterable[int], jobs: int = 2, seconds: float = float("inf"), chunk: int = CHUNK) -> list[Result]:
    """Outcomes of calls, whatever becomes of the children that make them; no more of them begin after `seconds`."""
    numbers = list(numbers)
    end = time.monotonic() + seconds
    results: list[Result] = []
    lock = threading.Lock()

    def work(left: list[int]) -> None:
        while left and time.monotonic() < end:
            found, left = run_child(left)
            with lock:
                results.extend(found)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(work, [numbers[i : i + chunk] for i in range(0, len(numbers), chunk)]))
    return sorted(results, key=lambda result: result["number"])


def sample(size: int, count: int, seed: int) -> list[int]:
    """Numbers of calls, the same ones for a seed."""
    return random.Random(seed).sample(range(size), min(count, size))


def report(space: Any, results: Sequence[Result], seed: int, seconds: float) -> str:
    """The result as a page."""
    from bad_inputs.outcome import is_fault

    counts = collections.Counter(result["outcome"] for result in results)
    typed = [
        r for r in results if r["outcome"] not in ("success", "the value's own error") and not is_fault(r["outcome"])
    ]
    shown = sum(r["shown"] for r in typed)
    faults = [r for r in results if is_fault(r["outcome"])]
    callables = len({good.name for good, _ in space.places})
    lines = [
        INTRODUCTION,
        f"{len(results):,} calls of {callables} callables with {len(space.places):,} parameters and "
        f"{len(space.values)} values, of {len(space):,} that there are; seed {seed}; {seconds:.0f} s.",
        "",
        "| outcome | calls |",
        "|---|---|",
        *(f"| {outcome} | {count:,} |" for outcome, count in counts.most_common()),
        "",
        f"Of {len(typed):,} typed errors, {shown:,} ({100 * shown / max(len(typed), 1):.1f} %) name the argument or "
        f"show what was received. Faults: {len(faults):,}.",
        "",
    ]
    vague = collections.Counter(space[r["number"]][0].name for r in typed if not r["shown"])
    lines += ["Callables with the most messages that do neither:", ""]
    lines += [f"- `{name}`: {count}" for name, count in vague.most_common(15)]
    groups = collections.Counter((r["outcome"], space[r["number"]][0].name) for r in faults)
    if faults:
        lines += ["", "Faults:", "", *(f"- {outcome}, `{name}`: {n}" for (outcome, name), n in groups.most_common(60))]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10**9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--filter", default="")
    parser.add_argument("--report", type=Path)
    parser.add_argument("--faults", type=Path)
    options = parser.parse_args()
    from bad_inputs.outcome import is_fault
    from bad_inputs.space import Space

    space = Space()
    numbers = [n for n in sample(len(space), options.calls, options.seed) if options.filter in space.text(n)]
    start = time.monotonic()
    results = run(numbers, options.jobs, options.seconds)
    page = report(space, results, options.seed, time.monotonic() - start)
    print(page)
    if options.report:
        options.report.write_text(page)
    if options.faults:
        odd = [r for r in results if is_fault(r["outcome"]) or not r["shown"]]
        options.faults.write_text("".join(f"{r['outcome']}\t{space.text(r['number'])}\t{r['message']}\n" for r in odd))
    return any(is_fault(result["outcome"]) for result in results)


if __name__ == "__main__":
    sys.path.insert(0, str(TESTS))
    sys.exit(main())
