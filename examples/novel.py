"""A model of words in the manner of Jane Austen.

A stateful LSTM reads the novel "Lady Susan" from beginning to end, word by word, again and again, and learns which word
comes next. The end of the book is kept from it; there its perplexity stands beside those of counting words and pairs of
words. Then it writes. The book has but 23,000 words, a thousandth of what such a model wants: it learns the author's
phrases and some of how her sentences are built, and has nothing to say.
"""

import argparse
import sys
import time
from collections import Counter
from typing import Any

import numpy as np

import dlrs
from dlrs import datasets, layers, text

Array = np.ndarray[Any, Any]

ROWS, STEPS = 16, 24  # how many places of the book are read at once, and how many words between two updates
STYLES: dict[str, dict[str, Any]] = {
    "temperature 0.5": {"temperature": 0.5},
    "temperature 0.7, nucleus 0.9": {"temperature": 0.7, "top_p": 0.9},
    "temperature 1": {},
}


def numbers(vocabulary: text.Vocabulary, paragraphs: list[str]) -> Array:
    """The words of paragraphs one after another, BOS before each: to draw a BOS is to end a paragraph."""
    # Without quotation marks, which a word at a time look alike whether they open or close.
    return np.concatenate([vocabulary.encode(paragraph.replace('"', ""), bos=True) for paragraph in paragraphs])


def word_counts(train: Array, targets: Array, words: int) -> float:
    """Perplexity when each word is as likely as it is frequent; half a count more for each, so that none has none."""
    share = np.bincount(train, minlength=words) + 0.5
    return float(np.exp(-np.log(share / share.sum())[targets].mean()))


def pair_counts(train: Array, inputs: Array, targets: Array, words: int, discount: float = 0.75) -> float:
    """Perplexity of Kneser and Ney's bigrams: what is taken off the counts of pairs goes to words by the number of
    words that they follow (Kneser, Ney 1995; Chen, Goodman 1999, eq. 14 with one discount)."""
    pairs = Counter(zip(train[:-1].tolist(), train[1:].tolist(), strict=True))
    before = np.bincount([b for _, b in pairs], minlength=words) + 0.5
    share = before / before.sum()
    total = np.bincount(train[:-1], minlength=words)
    after = np.bincount([a for a, _ in pairs], minlength=words)
    counts = np.array([pairs[pair] for pair in zip(inputs.ravel().tolist(), targets.ravel().tolist(), strict=True)])
    first, second = inputs.ravel(), targets.ravel()
    seen = np.maximum(total[first], 1)
    known = (np.maximum(counts - discount, 0) + discount * after[first] * share[second]) / seen
    return float(np.exp(-np.log(np.where(total[first] > 0, known, share[second])).mean()))


def build(words: int, units: int) -> dlrs.Sequential:
    """Words to vectors, an LSTM that goes on where it stopped, a score for each word; much dropout for a small book."""
    model = dlrs.Sequential(
        [
            dlrs.Input(batch_shape=(ROWS, None), dtype="int32"),
            layers.Embedding(words, units),
            layers.Dropout(0.5),
            layers.LSTM(units, return_sequences=True, stateful=True, name="memory"),
            layers.Dropout(0.5),
            layers.Dense(words),
        ]
    )
    model.compile(
        dlrs.optimizers.AdamW(2e-3, weight_decay=0.3, clipnorm=1.0),
        dlrs.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[dlrs.metrics.Perplexity(from_logits=True)],
    )
    return model


def train(model: Any, ids: Array, held: tuple[Array, Array], epochs: int) -> float:
    """Read the book `epochs` times; the seconds it took. Every reading, and every test, begins without memories."""
    memory = model.get_layer("memory")
    forget = dlrs.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: memory.reset_state(), on_test_begin=lambda logs: memory.reset_state()
    )
    inputs, targets = text.contiguous_windows(ids, STEPS, ROWS)
    start = time.perf_counter()
    model.fit(inputs, targets, ROWS, epochs, 2, [forget], validation_data=held, shuffle=False)
    return time.perf_counter() - start


def write(model: Any, vocabulary: text.Vocabulary, beginnings: list[str], seed: int) -> None:
    """Paragraphs in several styles; a word outside the vocabulary is never drawn."""
    exclude = [vocabulary.pad_id, vocabulary.unk_id, vocabulary.eos_id]
    for style, options in STYLES.items():
        print(f"\n{style}:")
        written = text.generate(
            model, beginnings, 100, vocabulary=vocabulary, eos=vocabulary.bos_id, exclude=exclude, seed=seed, **options
        )
        for paragraph in written:
            print(f"  {paragraph}")


def main() -> int:
    """Count, train, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--words", type=int, help="the most frequent words only; by default those that occur twice")
    parser.add_argument("--begin", nargs="*", default=["My dear Mother,", "I am", "Sir James", ""], help="first words")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        paragraphs = datasets.austen.load_data()
    except FileNotFoundError as error:
        print(f"{error}\n\nNothing to do: this example needs the novel.")
        return 0

    dlrs.utils.set_random_seed(options.seed)
    cut = len(paragraphs) * 9 // 10
    vocabulary = text.Vocabulary.build(paragraphs[:cut], options.words, min_count=2)
    ids, rest = numbers(vocabulary, paragraphs[:cut]), numbers(vocabulary, paragraphs[cut:])
    held = text.contiguous_windows(rest, (len(rest) - 1) // ROWS, ROWS)
    words = len(vocabulary)
    print(
        f"{len(ids)} words and marks to learn from, {len(rest)} of the book's end kept; a vocabulary of {words}, which "
        f"lacks {np.mean(ids == vocabulary.unk_id):.1%} and {np.mean(rest == vocabulary.unk_id):.1%} of these"
    )
    model = build(words, options.units)
    seconds = train(model, ids, held, options.epochs)

    memory: Any = model.get_layer("memory")
    memory.reset_state()
    found = model.evaluate(*held, ROWS, verbose=0)[1]
    print(f"\nTrained in {seconds:.1f} s. Perplexity on the book's end:")
    print(f"  counts of words           {word_counts(ids, held[1], words):6.1f}")
    print(f"  counts of pairs of words  {pair_counts(ids, *held, words):6.1f}")
    print(f"  LSTM                      {found:6.1f}")
    write(model, vocabulary, options.begin, options.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
