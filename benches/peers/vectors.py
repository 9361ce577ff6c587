"""Files of word vectors, and nearest words among 400,000 of 50 numbers, beside gensim and NumPy.

    python benches/peers/vectors.py [--peers PYTHON] [--threads 1 2] [--what files nearest]

Each library runs in a process of its own; `PYTHON` is an interpreter that has gensim. The best call of a second counts.
The bandwidth of reads is measured in the process of the search, before and after it, of as many bytes as the matrix
has.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

COUNT, WIDTH, K = 400_000, 50, 10
SECONDS = 1.0
BATCHES = (1, 8, 64)

Calls = dict[str, Callable[[], Any]]


def write_files(folder: str) -> None:
    """Vectors of five decimals in word2vec's text form, as they are published, and in its binary one."""
    matrix = np.random.default_rng(0).normal(size=(COUNT, WIDTH)).round(5).astype(np.float32)
    with open(f"{folder}/v.txt", "w", encoding="ascii") as text, open(f"{folder}/v.bin", "wb") as binary:
        text.write(f"{COUNT} {WIDTH}\n")
        binary.write(f"{COUNT} {WIDTH}\n".encode())
        for row, vector in enumerate(matrix):
            text.write(f"w{row} " + " ".join(f"{x:.5f}" for x in vector.tolist()) + "\n")
            binary.write(f"w{row} ".encode() + vector.tobytes() + b"\n")


def asked(batch: int) -> list[str]:
    """Words of the vocabulary."""
    return [f"w{1 + 997 * i}" for i in range(batch)]


def dlrs_calls(folder: str) -> tuple[Calls, Callable[[int], Any]]:
    """What dlrs is measured at, and its answers."""
    from dlrs import _dlrs, text

    vectors = text.read_vectors(f"{folder}/v.bin")
    matrix, scales = vectors._directions

    def nearest(batch: int) -> Any:
        rows = [vectors.row(word) for word in asked(batch)]
        numbers, _ = _dlrs.nearest_vectors(matrix, scales, matrix[rows] * scales[rows, None], K + 1)
        return [[n for n in found if n != row][:K] for found, row in zip(numbers.numpy().tolist(), rows, strict=True)]

    calls = {
        "read text": lambda: text.read_vectors(f"{folder}/v.txt"),
        "read binary": lambda: text.read_vectors(f"{folder}/v.bin"),
        "write text": lambda: vectors.save(f"{folder}/own.txt", "word2vec"),
        "write binary": lambda: vectors.save(f"{folder}/own.bin"),
        "nearest word": lambda: vectors.nearest(asked(1)[0], K),
    }
    return calls, nearest


def gensim_calls(folder: str) -> tuple[Calls, Callable[[int], Any]]:
    """The same of gensim, which asks for one word after another."""
    from gensim.models import KeyedVectors

    def read(name: str) -> Any:
        return KeyedVectors.load_word2vec_format(f"{folder}/{name}", binary=name.endswith("bin"))

    vectors = read("v.bin")

    def nearest(batch: int) -> Any:
        return [[vectors.key_to_index[word] for word, _ in vectors.most_similar(word, topn=K)] for word in asked(batch)]

    calls = {
        "read text": lambda: read("v.txt"),
        "read binary": lambda: read("v.bin"),
        "write text": lambda: vectors.save_word2vec_format(f"{folder}/other.txt"),
        "write binary": lambda: vectors.save_word2vec_format(f"{folder}/other.bin", binary=True),
        "nearest word": lambda: vectors.most_similar(asked(1)[0], topn=K),
    }
    return calls, nearest


def numpy_calls(folder: str) -> tuple[Calls, Callable[[int], Any]]:
    """A product with all unit vectors and the largest of it."""
    matrix = np.random.default_rng(0).normal(size=(COUNT, WIDTH)).round(5).astype(np.float32)
    units = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)

    def nearest(batch: int) -> Any:
        rows = [int(word[1:]) for word in asked(batch)]
        scores = units[rows] @ units.T
        scores[np.arange(batch), rows] = -np.inf
        best = np.argpartition(scores, -K, axis=1)[:, -K:]
        order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1, kind="stable")
        return np.take_along_axis(best, order, 1).tolist()

    return {}, nearest


LIBRARIES = {"dlrs": dlrs_calls, "gensim": gensim_calls, "numpy": numpy_calls}


def best(call: Callable[[], Any]) -> float:
    """Seconds of the quickest call."""
    least, end = float("inf"), time.perf_counter() + SECONDS
    while True:
        start = time.perf_counter()
        call()
        least = min(least, time.perf_counter() - start)
        if time.perf_counter() > end:
            return least


def measure(library: str, folder: str, what: list[str]) -> dict[str, Any]:
    """Seconds of each workload, answers, versions, and of dlrs what bounds it."""
    calls, nearest = LIBRARIES[library](folder)
    results: dict[str, Any] = {"version": "" if library == "dlrs" else __import__(library).__version__}
    if "nearest" in what:
        calls |= {f"nearest, {batch} vectors": partial(nearest, batch) for batch in BATCHES}
        results["answers"] = [nearest(batch) for batch in BATCHES]
        results["reads"] = [bandwidth(library)]
    chosen = {name: call for name, call in calls.items() if ("nearest" if "nearest" in name else "files") in what}
    results["times"] = {name: best(call) for name, call in chosen.items()}
    if "nearest" in what:
        results["reads"].append(bandwidth(library))
    return results


def bandwidth(library: str) -> float:
    """GB/s at which all threads read as much as the matrix has."""
    if library != "dlrs":
        return 0.0
    from dlrs import _dlrs

    return max(_dlrs.read_gbs(4 * COUNT * WIDTH) for _ in range(5))


def main() -> None:
    """Measure one library, or each in its own process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", choices=list(LIBRARIES))
    parser.add_argument("--folder", help="where the files are")
    parser.add_argument("--peers", default=sys.executable, help="the interpreter of gensim")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--what", nargs="+", choices=["files", "nearest"], default=["files", "nearest"])
    arguments = parser.parse_args()
    if arguments.library:
        print(json.dumps(measure(arguments.library, arguments.folder, arguments.what)))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_files(folder)
        for threads in arguments.threads:
            report(folder, arguments.peers, threads, arguments.what)


def report(folder: str, peers: str, threads: int, what: list[str]) -> None:
    """The table of one number of threads."""
    environment = {**os.environ, "DLRS_NUM_THREADS": str(threads)}
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[name] = str(threads)
    found: dict[str, Any] = {}
    for library in LIBRARIES:
        python = sys.executable if library == "dlrs" else peers
        command = [python, __file__, "--library", library, "--folder", folder, "--what", *what]
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        found[library] = json.loads(done.stdout.splitlines()[-1])
    own, reads = found["dlrs"], max(found["dlrs"].get("reads", [0.0]))
    others = [library for library in LIBRARIES if library != "dlrs"]
    print(f"\nThreads: {threads}; reads of {4 * COUNT * WIDTH / 1e6:.0f} MB: {reads:.1f} GB/s")
    print("| | dlrs ms | " + " | ".join(f"{name} {found[name]['version']} ms" for name in others) + " | of the reads |")
    print("| --- | ---: |" + " ---: |" * len(others) + " ---: |")
    for name, seconds in own["times"].items():
        theirs = [found[library]["times"].get(name) for library in others]
        cells = [f"{t * 1e3:.1f} ({t / seconds:.1f}×)" if t else "" for t in theirs]
        speed = 4 * COUNT * WIDTH / seconds / 1e9
        share = f"{speed:.1f} GB/s, {100 * speed / reads:.0f} %" if name.startswith("nearest") else ""
        print(f"| {name} | {seconds * 1e3:.2f} | " + " | ".join(cells) + f" | {share} |", flush=True)
    for library in others if "nearest" in what else []:
        print(f"answers of {library}: {'equal' if found[library]['answers'] == own['answers'] else 'not all equal'}")


if __name__ == "__main__":
    main()
