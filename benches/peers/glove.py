"""GloVe beside the program of its authors, on a corpus drawn at random: pairs a second, and all from the text on.

    python benches/peers/glove.py --program GloVe/build [--threads 1 2] [--sizes 50 300]

`GloVe/build` is what `make` makes of https://github.com/stanfordnlp/GloVe. Each runs in a process of its own, in
alternation. An epoch of the program is the time of one epoch less that of none, which reads and writes the files.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

WORDS, VOCABULARY, LENGTH, TOPICS = 5_000_000, 20_000, 25, 50


def write_corpus(path: str) -> None:
    """Sentences whose frequent words are common to all and whose rare ones belong to a topic."""
    rng = np.random.default_rng(1)
    frequencies = 1 / np.arange(1, VOCABULARY + 1)
    bounds = np.cumsum(frequencies / frequencies.sum())
    topics = [np.r_[np.arange(100), 100 + rng.permutation(VOCABULARY - 100)] for _ in range(TOPICS)]
    with open(path, "w", encoding="ascii") as file:
        for _ in range(WORDS // LENGTH):
            draws = np.minimum(np.searchsorted(bounds, rng.random(LENGTH)), VOCABULARY - 1)
            file.write(" ".join(f"w{n}" for n in topics[rng.integers(TOPICS)][draws].tolist()) + "\n")


def seconds(command: list[str], source: str | None = None, target: str | None = None) -> float:
    """How long a program takes."""
    with open(source or os.devnull, "rb") as given, open(target or os.devnull, "wb") as taken:
        start = time.perf_counter()
        subprocess.run(command, stdin=given, stdout=taken, stderr=subprocess.DEVNULL, check=True)
        return time.perf_counter() - start


def dlrs_epochs(corpus: str, size: int, threads: int) -> tuple[float, float]:
    """Million pairs a second, and seconds of the vocabulary, the pairs and two epochs."""
    code = (
        "import sys, time; from dlrs.text import GloVe; start = time.perf_counter(); "
        "GloVe(vector_size=int(sys.argv[2]), epochs=2).fit(sys.argv[1], verbose=2); print(time.perf_counter() - start)"
    )
    environment = {**os.environ, "DLRS_NUM_THREADS": str(threads)}
    command = [sys.executable, "-c", code, corpus, str(size)]
    lines = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.splitlines()
    return max(float(line.rpartition(" ")[2]) for line in lines if "Mpairs/s" in line), float(lines[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--sizes", type=int, nargs="+", default=[50])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus, words, pairs, mixed = (f"{folder}/{name}" for name in ("corpus", "words", "pairs", "mixed"))
        write_corpus(corpus)
        build = os.path.abspath(arguments.program)
        before = seconds([f"{build}/vocab_count", "-min-count", "5"], corpus, words)
        before += seconds([f"{build}/cooccur", "-vocab-file", words, "-window-size", "10"], corpus, pairs)
        before += seconds([f"{build}/shuffle"], pairs, mixed)
        millions = os.path.getsize(mixed) / 16e6
        for size in arguments.sizes:
            for threads in arguments.threads:
                glove = [f"{build}/glove", "-input-file", mixed, "-vocab-file", words, "-save-file", f"{folder}/v"]
                glove += ["-threads", str(threads), "-vector-size", str(size), "-binary", "1"]
                none, one = (seconds([*glove, "-iter", str(epochs)]) for epochs in (0, 1))
                speed, whole = dlrs_epochs(corpus, size, threads)
                theirs = millions / (one - none)
                print(
                    f"{size} numbers, {threads} threads: {speed:.1f} million pairs/s, the authors' {theirs:.2f}, ratio "
                    f"{speed / theirs:.1f}; with vocabulary, pairs and two epochs {whole:.2f} s, the authors' "
                    f"{before + 2 * one - none:.1f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
