"""Race dlrs against PyTorch, Keras and NumPy: `make bench-peers`.

Each library has its own long-lived process on the same cores. Every round lets every library run every workload once,
in an order that turns from round to round; processes whose turn it is not are stopped by a signal, so that no spinning
pool of threads disturbs another's figure. A figure is the median over the rounds, a ratio the median of the rounds'
ratios.
"""

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from protocol import GEMM_SHAPES, INFERENCES, SEQUENCE_INFERENCES, SEQUENCES, STEPS, gemm_name, inference_name
from report import markdown

QUIET = 0.5  # processes that want to run, on average over the last minute
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# `import dlrs` loads submodules when they are first used; this loads them.
LOADED = {"dlrs": "dlrs.models, dlrs.layers, dlrs.optimizers, dlrs.losses, dlrs.metrics"}
TRAINING = ["mlp128", "mlp32", "mlp128 epoch", "mlp128 tape"]
CONVOLUTIONAL = [*STEPS, *(inference_name(*case) for case in INFERENCES)]
SEQUENTIAL = [*SEQUENCES, *(inference_name(*case) for case in SEQUENCE_INFERENCES)]
CALLS = ["one row", "add", "tiny step", "tiny epoch"]
GEMMS = [gemm_name(shape) for shape in GEMM_SHAPES]


@dataclass
class Library:
    """How a library's worker is started, and how its import is timed."""

    name: str
    python: str
    worker: str
    arguments: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    module: str | None = None
    measures_memory: bool = False

    def environ(self, threads: int) -> dict[str, str]:
        pools = ("OMP", "MKL", "OPENBLAS", "DLRS")
        # Some machines pin OpenBLAS to an old kernel; NumPy shall run its best one.
        kept = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3"}
        return kept | quiet | {f"{pool}_NUM_THREADS": str(threads) for pool in pools} | self.environment


def field_of(python: str, peers: str) -> list[Library]:
    """Who may start."""
    return [
        Library("dlrs", python, "worker_dlrs.py", module="dlrs", measures_memory=True),
        Library("PyTorch", peers, "worker_torch.py", ["eager"], module="torch", measures_memory=True),
        Library("PyTorch channels_last", peers, "worker_torch.py", ["channels_last"], measures_memory=True),
        Library("PyTorch compiled", peers, "worker_torch.py", ["compile"]),
        Library(
            "Keras/TF",
            peers,
            "worker_keras.py",
            environment={"KERAS_BACKEND": "tensorflow"},
            module="keras",
        ),
        Library("Keras/JAX", peers, "worker_keras.py", environment={"KERAS_BACKEND": "jax"}, module="keras"),
        Library("ONNX Runtime", peers, "worker_onnx.py", module="onnxruntime"),
        Library("NumPy", peers, "worker_numpy.py"),
    ]


@contextmanager
def on_cores(count: int) -> Iterator[None]:
    """Keep this process, and what it starts meanwhile, on the first `count` of its cores."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(cores)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


class Worker:
    """A library's process, stopped but for the time of its own turn."""

    def __init__(self, library: Library, threads: int) -> None:
        command = [library.python, str(HERE / library.worker), str(threads), *library.arguments]
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed by `close`)
        with on_cores(threads):  # inherited, so that thread pools started by an import stay there too
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.log,
                text=True,
                env=library.environ(threads),
            )
        self.versions: dict[str, str] = self._answer()["versions"]
        self.process.send_signal(signal.SIGSTOP)

    def ask(self, workload: str, seconds: float = 0.0) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(json.dumps({"workload": workload, "seconds": seconds}) + "\n")
        self.process.stdin.flush()
        answer = self._answer()
        self.process.send_signal(signal.SIGSTOP)
        return answer

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):  # else a library talks while it is imported
                answer: dict[str, Any] = json.loads(line)
                return answer
        self.log.seek(0)
        raise RuntimeError((self.log.read().strip().splitlines() or ["it ended without a word"])[-1])

    def close(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        self.log.close()


def start(libraries: list[Library], threads: int) -> tuple[dict[str, Worker], dict[str, str]]:
    """The workers that came up, and why the others did not."""
    workers, absent = {}, {}
    for library in libraries:
        try:
            workers[library.name] = Worker(library, threads)
        except (OSError, RuntimeError) as error:
            absent[library.name] = str(error)
            print(f"{library.name} does not start: {error}", flush=True)
    return workers, absent


def race(workers: dict[str, Worker], workloads: list[str], rounds: int, seconds: float) -> dict[str, Any]:
    """`{workload: {library: {"ms": [a figure per round], "best_ms": least} or {"error": text}}}`."""
    results: dict[str, Any] = {w: {} for w in workloads}
    names = list(workers)
    for number in range(-1, rounds):  # the round before the first builds and warms up
        for workload in workloads:
            turn = max(number, 0) % len(names)
            for name in names[turn:] + names[:turn]:
                entry = results[workload].setdefault(name, {"ms": [], "best_ms": float("inf")})
                if "error" in entry or "absent" in entry:
                    continue
                answer = workers[name].ask(workload, seconds if number >= 0 else 0.0)
                if "ms" not in answer:
                    results[workload][name] = answer
                elif number >= 0:
                    entry["ms"].append(answer["ms"])
                    entry["best_ms"] = min(entry["best_ms"], answer["best_ms"])
        print(f"round {number + 1} of {rounds}", flush=True)
    return {w: {n: e for n, e in entries.items() if "absent" not in e} for w, entries in results.items()}


def peaks(worker: Worker | None) -> dict[str, float]:
    """What the machine can do at this moment: FMA rate and copy bandwidth."""
    if worker is None:
        return {}
    answer = worker.ask("machine peaks")
    return {} if "error" in answer else answer


def step_memory(libraries: list[Library], threads: int) -> dict[str, float]:
    """What resnet20's steps need above the process's size after import, MB, each library in a fresh process."""
    workers, _ = start([library for library in libraries if library.measures_memory], threads)
    answers = {name: worker.ask("memory") for name, worker in workers.items()}
    for worker in workers.values():
        worker.close()
    return {name: answer["mb"] for name, answer in answers.items() if "mb" in answer}


def import_seconds(libraries: list[Library], rounds: int) -> dict[str, float]:
    """The median time of `import` beyond NumPy's own, each in a fresh process."""
    code = "import time, numpy; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
    samples: dict[str, list[float]] = {}
    for _ in range(rounds):
        for library in libraries:
            modules = [library.module, LOADED[library.module]] if library.module in LOADED else [library.module]
            for module in filter(None, modules):
                command = [library.python, "-c", code.format(module)]
                done = subprocess.run(command, capture_output=True, text=True, env=library.environ(1), cwd="/")
                if done.returncode == 0:
                    name = library.name if module == library.module else f"{library.name}, all that a training needs"
                    samples.setdefault(name, []).append(float(done.stdout.split()[-1]))
    return {name: statistics.median(values) for name, values in samples.items()}


def machine() -> dict[str, Any]:
    """The processor and its caches."""
    described: dict[str, Any] = {"system": platform.platform(), "cores": len(os.sched_getaffinity(0)), "caches": {}}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            described["processor"] = line.split(":", 1)[1].strip()
            break
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if (index / "type").read_text().strip() != "Instruction":
            level, size = (index / "level").read_text().strip(), (index / "size").read_text().strip()
            described["caches"][f"L{level}"] = int(size.removesuffix("K")) * 1024
    return described


def main() -> int:
    """Run the race and write docs/benchmarks.json and docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers-python", required=True, help="interpreter of the peers' virtual environment")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.25, help="per workload, library and round")
    parser.add_argument("--threads", type=int, nargs="+", default=[2, 1])
    parser.add_argument("--only", nargs="+", default=[], help="names of libraries; all by default")
    parser.add_argument("--workloads", nargs="+", default=[], help="names of workloads; all by default")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks")
    options = parser.parse_args()

    entrants = field_of(sys.executable, options.peers_python)
    unknown = set(options.only) - {library.name for library in entrants}
    if unknown:
        known = ", ".join(library.name for library in entrants)
        parser.error(f"--only: {', '.join(sorted(unknown))}; known are {known}")
    libraries = [library for library in entrants if library.name in options.only or not options.only]
    load = os.getloadavg()[0]
    if load > QUIET:
        print(f"The machine is not idle (load {load:.1f}): spinning thread pools suffer most, ratios will mislead.")
    result: dict[str, Any] = {
        "machine": machine(),
        "load": load,
        "rounds": options.rounds,
        "versions": {},
        "absent": {},
        "threads": {},
    }
    for threads in options.threads:
        workloads = (
            TRAINING + CONVOLUTIONAL + SEQUENTIAL + CALLS if threads > 1 or len(options.threads) == 1 else TRAINING[:2]
        ) + GEMMS
        workloads = [w for w in workloads if w in options.workloads or not options.workloads]
        print(f"{threads} threads: {', '.join(workloads)}", flush=True)
        workers, absent = start(libraries, threads)
        try:
            before = peaks(workers.get("dlrs"))
            timed = race(workers, workloads, options.rounds, options.seconds)
            after = peaks(workers.get("dlrs"))
        finally:
            for worker in workers.values():
                worker.close()
        best = {key: max(before[key], after[key]) for key in before}
        result["threads"][str(threads)] = {"peaks": best, "workloads": timed}
        if "resnet20" in workloads:
            result["threads"][str(threads)]["step_memory"] = step_memory(libraries, threads)
        result["absent"] |= absent
        for name, worker in workers.items():
            result["versions"][name] = worker.versions
    result["import_seconds"] = import_seconds(libraries, max(3, options.rounds // 2))

    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    text = markdown(result)
    options.output.with_suffix(".md").write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
