"""Is a sentence of a film review favourable? The mean of its words' vectors against an LSTM.

The course's two ways: the first forgets the order of the words, so "not" may only add its own share to what "good"
says; the second reads from left to right. Both learn from the same sentences, their word vectors among the rest, and
judge the same others. Beside the accuracy of each stand those on sentences with a negation and on sentences with their
words shuffled, and sentences that only one of them gets right.
"""

import argparse
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import dlrs
from dlrs import datasets, layers, text

Array = np.ndarray[Any, Any]

LENGTH = 48  # words of a sentence; the few longer ones are cut
NEUTRAL = 0.5  # mean ratings nearer to zero are left out
NEGATION = re.compile(r"\b(?:not|no|never|nor|neither|without|cannot|hardly|\w+n['’]t)\b", re.IGNORECASE)
PROBES = ("good", "not good", "not a good film", "funny", "not funny", "bad", "not bad", "boring", "never boring")
MODELS: dict[str, Callable[[int], list[Any]]] = {
    "mean": lambda size: [layers.GlobalAveragePooling1D()],
    "LSTM": lambda size: [layers.LSTM(size), layers.Dropout(0.5)],
    "two LSTMs": lambda size: [layers.Bidirectional(layers.LSTM(size)), layers.Dropout(0.5)],
}


@dataclass
class Part:
    """Sentences, their numbers and whether they are favourable."""

    texts: list[str]
    ids: Array
    labels: Array


def load(seed: int, limit: int | None) -> tuple[text.Vocabulary, Part, Part]:
    """The words of four fifths of the sentences, these, and the last fifth to test on."""
    texts, scores = datasets.sentiment.load_data("movie")
    clear = np.flatnonzero(np.abs(scores) >= NEUTRAL)
    order = np.random.default_rng(seed).permutation(clear)[:limit]
    test, train = np.split(order, [len(order) // 5])
    vocabulary = text.Vocabulary.build([texts[i] for i in train], min_count=2, lower=True)

    def part(rows: Array) -> Part:
        chosen = [texts[i] for i in rows]
        return Part(chosen, vocabulary.encode_batch(chosen, LENGTH), (scores[rows] > 0).astype(np.int32))

    return vocabulary, part(train), part(test)


def build(name: str, words: int, units: int, vectors: text.WordVectors | None = None) -> dlrs.Sequential:
    """Word vectors, what makes one of them, two scores; padding is masked, so it counts in neither mean nor memory."""
    if vectors is None:
        embedding = layers.Embedding(words, units, mask_zero=True)
    else:
        embedding = vectors.embedding(trainable=True, mask_zero=True)
    model = dlrs.Sequential(
        [dlrs.Input((None,), dtype="int32"), embedding, layers.Dropout(0.4), *MODELS[name](units), layers.Dense(2)]
    )
    model.compile(
        dlrs.optimizers.Adam(1e-3, clipnorm=1.0),
        dlrs.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def train(model: Any, part: Part, epochs: int) -> float:
    """Train until a tenth of the sentences, kept for this, is judged no better; go back to where that was best."""
    best = dlrs.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    start = time.perf_counter()
    model.fit(part.ids, part.labels, 32, epochs, 2, [best], validation_split=0.1)
    return time.perf_counter() - start


def favourable(model: Any, ids: Array) -> Array:
    """The probability that each sentence is favourable."""
    logits = np.asarray(model.predict(ids, verbose=0))
    share: Array = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    return share


def shuffled(ids: Array, seed: int) -> Array:
    """The sentences with their words in any order, padding still at the end."""
    random = np.random.default_rng(seed)
    out = ids.copy()
    for row in out:
        row[row > 0] = random.permutation(row[row > 0])
    return out


def report_accuracy(test: Part, found: dict[str, Array], mixed: dict[str, Array], seconds: dict[str, float]) -> None:
    """Accuracy on all, on parts, on shuffled sentences; the counts of right and wrong answers."""
    negated = np.array([bool(NEGATION.search(sentence)) for sentence in test.texts])
    error = 100 * np.sqrt(0.8 * 0.2 / len(negated))
    print(
        f"\nAccuracy on {len(negated)} sentences, {negated.sum()} with a negation; those of the first column have "
        f"a standard error of {error:.1f} points\n{'':12}{'all':>8}{'negated':>9}{'others':>8}{'shuffled':>10}"
        f"{'+ as +':>9}{'+ as -':>8}{'- as +':>8}{'- as -':>8}{'seconds':>9}"
    )
    truth = test.labels == 1
    for name, share in found.items():
        said = share > 0.5
        right = said == truth
        figures = (right, right[negated], right[~negated], (mixed[name] > 0.5) == truth)
        all_, with_, others, mix = (f"{part.mean():.1%}" for part in figures)
        counts = "".join(f"{np.sum((truth == a) & (said == b)):8}" for a in (True, False) for b in (True, False))
        print(f"{name:12}{all_:>8}{with_:>9}{others:>8}{mix:>10} {counts}{seconds[name]:9.1f}")


def report_probes(vocabulary: text.Vocabulary, models: dict[str, Any]) -> None:
    """How favourable each model finds a few phrases."""
    print(f"\n{'favourable?':16}" + "".join(f"{name:>12}" for name in models))
    shares = [favourable(model, vocabulary.encode_batch(PROBES, LENGTH)) for model in models.values()]
    for phrase, *row in zip(PROBES, *shares, strict=True):
        print(f"{phrase:16}" + "".join(f"{share:12.2f}" for share in row))


def report_differences(test: Part, found: dict[str, Array], show: int = 4) -> None:
    """Short sentences with a negation that the mean or the LSTM alone gets right, the clearest first."""
    truth = test.labels == 1
    for one, other in (("LSTM", "mean"), ("mean", "LSTM")):
        apart = ((found[one] > 0.5) == truth) & ((found[other] > 0.5) != truth)
        rows = [i for i in np.flatnonzero(apart) if NEGATION.search(test.texts[i]) and len(test.texts[i]) < 120]
        rows.sort(key=lambda i: -float(abs(found[one][i] - found[other][i])))
        print(f"\nRight by the {one} alone (favourable by {one}, by {other}):")
        for i in rows[:show]:
            print(f"  {'+' if truth[i] else '-'} ({found[one][i]:.2f}, {found[other][i]:.2f}) {test.texts[i]}")


def main() -> int:
    """Train, test, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=20, help="at most")
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--vectors", help="file of word vectors to begin with, such as glove.6B.50d.txt")
    parser.add_argument("--sentences", type=int, help="take this many only")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        vocabulary, learned, test = load(options.seed, options.sentences)
    except FileNotFoundError as error:
        print(f"{error}\n\nNothing to do: this example needs the rated sentences.")
        return 0

    print(f"{len(learned.texts)} sentences to learn from, {len(test.texts)} to test on; {len(vocabulary)} words")
    try:
        vectors = text.load_vectors(options.vectors, vocabulary) if options.vectors else None
    except (OSError, ValueError) as error:
        parser.error(f"--vectors: {error}")
    if vectors is not None:
        found_words = len(vocabulary) - len(vectors.missing)
        print(f"{options.vectors}: {found_words} of them have vectors, {vectors.matrix.shape[1]} numbers each")
    models, found, mixed, seconds = {}, {}, {}, {}
    for name in MODELS:
        dlrs.utils.set_random_seed(options.seed)
        models[name] = model = build(name, len(vocabulary), options.units, vectors)
        print(f"\n{name}: {model.count_params():,} parameters")
        seconds[name] = train(model, learned, options.epochs)
        found[name], mixed[name] = favourable(model, test.ids), favourable(model, shuffled(test.ids, options.seed))
    report_accuracy(test, found, mixed, seconds)
    report_probes(vocabulary, models)
    report_differences(test, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
