"""Skip-gram with negative sampling beside gensim: words a second, and what the vectors know.

    python benches/peers/word2vec.py CORPUS [--peers PYTHON] [--threads 1 2] [--epochs 1] [--seeds 1]

CORPUS is a text file with a sentence in each line. Each library runs in a process of its own, one after the other;
`PYTHON` is an interpreter that has gensim, which also scores the vectors of both: WordSim-353 (Spearman) and the
analogies of Google, whose files are among gensim's tests. Words are all words of the file times the epochs; "words/s"
are of training alone, "whole words/s" with what comes before it: counting the words and, in dlrs, numbering them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

SIZES: dict[str, Any] = {"vector_size": 100, "window": 5, "min_count": 5, "negative": 5, "sample": 1e-3}


def of_dlrs(corpus: str, epochs: int, seed: int, path: str) -> dict[str, Any]:
    """Words a second of dlrs; the vectors go to a file."""
    from dlrs.text import Word2Vec

    spent = [0.0]

    class Timed(Word2Vec):
        def _train(self, *args: Any) -> None:
            start = time.perf_counter()
            super()._train(*args)
            spent[0] = time.perf_counter() - start

    model = Timed(**SIZES, epochs=epochs, seed=seed)
    begun = time.perf_counter()
    model.fit(corpus, verbose=0)
    whole = time.perf_counter() - begun
    model.vectors.save(path, "word2vec-binary")
    with open(corpus, encoding="utf-8") as file:
        words = sum(len(line.split()) for line in file)
    return {"words/s": words * epochs / spent[0], "whole words/s": words * epochs / whole}


def of_gensim(corpus: str, epochs: int, seed: int, path: str, threads: int) -> dict[str, Any]:
    """The same of gensim, which reads the file by as many workers as there are threads."""
    from gensim.models import Word2Vec

    model = Word2Vec(**SIZES, sg=1, workers=threads, seed=seed)
    begun = time.perf_counter()
    model.build_vocab(corpus_file=corpus)
    start = time.perf_counter()
    model.train(
        corpus_file=corpus, total_words=model.corpus_total_words, total_examples=model.corpus_count, epochs=epochs
    )
    end = time.perf_counter()
    model.wv.save_word2vec_format(path, binary=True)
    words = model.corpus_total_words * epochs
    return {"words/s": words / (end - start), "whole words/s": words / (end - begun)}


def scored(path: str) -> dict[str, Any]:
    """What gensim says of the vectors in a file."""
    import gensim
    from gensim.models import KeyedVectors

    tests = os.path.join(os.path.dirname(gensim.__file__), "test", "test_data")
    vectors = KeyedVectors.load_word2vec_format(path, binary=True)
    similarity = vectors.evaluate_word_pairs(os.path.join(tests, "wordsim353.tsv"))[1][0]
    analogies = vectors.evaluate_word_analogies(os.path.join(tests, "questions-words.txt"))[0]
    return {"wordsim": float(similarity), "analogies": float(analogies)}


def run(python: str, threads: int, *job: Any) -> dict[str, Any]:
    """A job in a process of its own."""
    env = {**os.environ, "DLRS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    command = [python, __file__, "--job", json.dumps(job), "unused"]
    result = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return dict(json.loads(result.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus")
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--job")
    options = parser.parse_args()
    if options.job:
        name, *arguments = json.loads(options.job)
        jobs: dict[str, Callable[..., dict[str, Any]]] = {"dlrs": of_dlrs, "gensim": of_gensim, "scores": scored}
        print(json.dumps(jobs[name](*arguments)))
        return
    with tempfile.TemporaryDirectory() as folder:
        for threads in options.threads:
            for seed in range(1, options.seeds + 1):
                for library, python in (("dlrs", sys.executable), ("gensim", options.peers)):
                    path = os.path.join(folder, library)
                    extra = [threads] if library == "gensim" else []
                    found = run(python, threads, library, options.corpus, options.epochs, seed, path, *extra)
                    found |= run(options.peers, threads, "scores", path)
                    shown = "  ".join(f"{key} {value:,.4g}" for key, value in found.items())
                    print(f"{library:7} threads {threads} seed {seed}: {shown}", flush=True)


if __name__ == "__main__":
    main()
