"""A model of characters that invents names.

The course's dinosaurs, with the 5,163 given names that were frequent in the United States of 1990: a recurrent network
reads a name letter by letter and learns which comes next; then it is let write. A tenth of the names is kept from it,
to see how well it does on names it does not know, and how many of its inventions exist.
"""

import argparse
import sys
import time
from typing import Any

import numpy as np

import dlrs
from dlrs import datasets, layers, text

Array = np.ndarray[Any, Any]

CELLS = {"gru": layers.GRU, "lstm": layers.LSTM, "rnn": layers.SimpleRNN}


def split(names: list[str], seed: int) -> tuple[list[str], list[str]]:
    """Nine tenths to learn from, one tenth to judge by, at random."""
    order = np.random.default_rng(seed).permutation(len(names))
    held = set(order[: len(names) // 10].tolist())
    return [n for i, n in enumerate(names) if i not in held], [n for i, n in enumerate(names) if i in held]


def examples(vocabulary: text.Vocabulary, names: list[str], length: int) -> tuple[Array, Array]:
    """Names with BOS before them, and as targets the same with EOS after them, filled up with PAD."""
    ids = vocabulary.encode_batch(names, length, bos=True, eos=True)
    return ids[:, :-1], ids[:, 1:]


def build(tokens: int, cell: str, units: int) -> dlrs.Sequential:
    """Letters to vectors, a recurrent layer, a score for each letter; padding is masked and counts nowhere."""
    model = dlrs.Sequential(
        [
            layers.Embedding(tokens, 32, mask_zero=True),
            CELLS[cell](units, return_sequences=True),
            layers.Dropout(0.3),
            layers.Dense(tokens),
        ]
    )
    model.compile(
        dlrs.optimizers.Adam(4e-3, clipnorm=1.0),
        dlrs.losses.SparseCategoricalCrossentropy(from_logits=True),
        weighted_metrics=[dlrs.metrics.Perplexity(from_logits=True)],
    )
    return model


def letter_frequencies(vocabulary: text.Vocabulary, train: Array, held: Array) -> float:
    """The held-out perplexity of a model that knows only how frequent each letter is."""
    counts = np.bincount(train[train != vocabulary.pad_id], minlength=len(vocabulary)) + 1.0
    row = np.log(counts / counts.sum())
    return text.perplexity(held, np.broadcast_to(row, (*held.shape, len(row))), held != vocabulary.pad_id, True)


def invent(model: Any, vocabulary: text.Vocabulary, count: int, temperature: float, seed: int) -> list[str]:
    """Names that the model writes, from nothing but a beginning."""
    written: list[str] = text.generate(
        model, [""] * count, 20, temperature=temperature, seed=seed, vocabulary=vocabulary
    )
    return written


def report(written: list[str], train: set[str], held: set[str], show: int) -> None:
    """Some of the names, those it has not learned from in brackets, and how many are new."""
    distinct = set(written)
    new = distinct - train
    marked = [name if name in train else f"[{name}]" for name in written[:show]]
    for start in range(0, len(marked), 10):
        print("  " + " ".join(marked[start : start + 10]))
    print(
        f"  of {len(written)}: {len(distinct)} different, {len(new)} of them not learned by heart, "
        f"{len(new & held)} of these real (among the {len(held)} kept from it)"
    )


def main() -> int:
    """Train, judge, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=sorted(datasets.names.FILES), default="first")
    parser.add_argument("--names", type=int, help="learn from this many only")
    parser.add_argument("--cell", choices=sorted(CELLS), default="gru")
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        names = datasets.names.load_data(options.kind)
    except FileNotFoundError as error:
        print(f"{error}\n\nNothing to do: this example needs the names.")
        return 0

    dlrs.utils.set_random_seed(options.seed)
    train, held = split(names, options.seed)
    train = train[:: max(1, len(train) // options.names)] if options.names else train
    vocabulary = text.CharacterVocabulary.build(names)
    length = max(map(len, names)) + 2
    (x, y), (x_held, y_held) = examples(vocabulary, train, length), examples(vocabulary, held, length)
    print(f"{len(train)} names to learn from, {len(held)} kept; {len(vocabulary) - 4} letters")
    print(f"Perplexity of guessing by frequencies of letters: {letter_frequencies(vocabulary, y, y_held):.2f}\n")

    model = build(len(vocabulary), options.cell, options.units)
    start = time.perf_counter()
    model.fit(x, y, 32, options.epochs, validation_data=(x_held, y_held), verbose=2)
    print(f"\nTrained in {time.perf_counter() - start:.1f} s")
    for temperature in (0.5, 0.8, 1.0, 1.3):
        print(f"\nTemperature {temperature}, names it has not learned from in brackets")
        report(invent(model, vocabulary, 200, temperature, options.seed), set(train), set(held), 20)
    return 0


if __name__ == "__main__":
    sys.exit(main())
