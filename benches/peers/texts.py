"""Scores of a corpus beside sacreBLEU and jiwer, and what a step of beam search costs beyond the step function.

    python benches/peers/texts.py [--peers PYTHON] [--threads 1 2]

Each library runs in a process of its own; `PYTHON` is an interpreter that has sacreBLEU and jiwer. The best call of
half a second counts. Scores must be equal.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

SENTENCES = 5000
SECONDS = 0.5
WIDTH, VOCABULARY, STEPS = 10, 30_000, 200


def corpus() -> tuple[list[str], list[str]]:
    """Hypotheses and references of 10 to 40 words, half of them as they should be."""
    draw = random.Random(1)

    def word() -> str:
        mark = draw.choice(["", "", "", "", "", "", ",", ".", "!", "'s"])
        return f"word{int(3000 * draw.random() ** 3)}{mark}" if draw.random() < 0.95 else f"{draw.uniform(0, 99):.2f}"

    references = [" ".join(word() for _ in range(draw.randint(10, 40))) + "." for _ in range(SENTENCES)]
    hypotheses = [" ".join(w if draw.random() < 0.7 else word() for w in text.split()) for text in references]
    return hypotheses, references


def dlrs_calls() -> dict[str, Callable[[], Any]]:
    """Scores by dlrs."""
    from dlrs import text

    hypotheses, references = corpus()
    return {
        "BLEU 13a": lambda: text.bleu(hypotheses, references),
        "BLEU char": lambda: text.bleu(hypotheses, references, tokenizer="char"),
        "BLEU none": lambda: text.bleu(hypotheses, references, tokenizer="none"),
        "WER": lambda: text.wer(references, hypotheses),
        "CER": lambda: text.cer(references, hypotheses),
    }


def peers_calls() -> dict[str, Callable[[], Any]]:
    """Scores by sacreBLEU and jiwer."""
    import jiwer
    from sacrebleu.metrics import BLEU

    hypotheses, references = corpus()

    def bleu(tokenizer: str) -> float:
        # A new object, whose cache of tokenized sentences is empty.
        score: float = BLEU(tokenize=tokenizer, force=True).corpus_score(hypotheses, [references]).score
        return score

    return {
        "BLEU 13a": lambda: bleu("13a"),
        "BLEU char": lambda: bleu("char"),
        "BLEU none": lambda: bleu("none"),
        "WER": lambda: jiwer.wer(references, hypotheses),
        "CER": lambda: jiwer.cer(references, hypotheses),
    }


def best(call: Callable[[], Any]) -> float:
    """Seconds of the quickest call."""
    least, end = float("inf"), time.perf_counter() + SECONDS
    while True:
        start = time.perf_counter()
        call()
        least = min(least, time.perf_counter() - start)
        if time.perf_counter() > end:
            return least


def beam_step() -> dict[str, float]:
    """Microseconds of a step beyond the step function, with many scores to read and with few."""
    import numpy as np

    from dlrs import text

    rng = np.random.default_rng(0)
    times = {}
    for name, tokens in (("step", VOCABULARY), ("step, 16 tokens", 16)):
        x = rng.normal(size=(WIDTH, tokens)).astype(np.float32)
        x -= np.log(np.exp(x).sum(-1, keepdims=True))

        def search(x: Any = x) -> Any:
            return text.beam_search(
                lambda last, state: (x, state), 1, width=WIDTH, max_length=STEPS, scores="log_probabilities"
            )

        times[name] = best(search) / STEPS * 1e6
    return times


def measure(library: str) -> dict[str, Any]:
    """Seconds and scores of each workload."""
    calls = dlrs_calls() if library == "dlrs" else peers_calls()
    results: dict[str, Any] = {name: [best(call), float(call())] for name, call in calls.items()}
    if library == "dlrs":
        results["beam"] = beam_step()
    return results


def main() -> None:
    """Measure one library, or each in its own process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", choices=["dlrs", "peers"])
    parser.add_argument("--peers", default=sys.executable, help="the interpreter of sacreBLEU and jiwer")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    if arguments.library:
        print(json.dumps(measure(arguments.library)))
        return

    def run(python: str, library: str, threads: int) -> dict[str, Any]:
        environment = {**os.environ, "DLRS_NUM_THREADS": str(threads)}
        command = [python, __file__, "--library", library]
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        results: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return results

    peers = run(arguments.peers, "peers", 1)
    print("| score | threads | dlrs ms | peer ms | ratio | equal |")
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    for threads in arguments.threads:
        own = run(sys.executable, "dlrs", threads)
        steps = own.pop("beam")
        for name, (seconds, score) in own.items():
            theirs, right = peers[name]
            equal = "yes" if score == right else f"no, {score} and {right}"
            ratio = theirs / seconds
            print(
                f"| {name} | {threads} | {seconds * 1e3:.2f} | {theirs * 1e3:.1f} | {ratio:.1f} | {equal} |", flush=True
            )
        for name, microseconds in steps.items():
            print(f"| beam {name} | {threads} | {microseconds / 1e3:.4f} | | | |", flush=True)


if __name__ == "__main__":
    main()
