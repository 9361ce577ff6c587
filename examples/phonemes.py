"""Learn from a dictionary how English words are pronounced: spelling to sounds, with attention.

A bidirectional GRU reads a word letter by letter; another GRU says its sounds, and looks at the letters before each
(Luong et al. 2015, arXiv 1508.04025). Trained on the CMU Pronouncing Dictionary, judged by words that were kept from
it: the share of words that are wrong, and of sounds that would have to be changed, left out or added.
"""

import argparse
import sys
import time
from typing import Any

import numpy as np

import dlrs
from dlrs import datasets, layers, ops, text, utils

Array = np.ndarray[Any, Any]
Sounds = tuple[str, ...]

MOST = 20  # letters and sounds of the words taken
SHOWN = ("neural", "network", "gradient", "descent", "pterodactyl", "knight", "queue", "dlrs", "backpropagation")


class Speller:
    """The network, and the two parts that pronounce with it: one reads the word, the other says the next sound.

    Args:
        letters: the vocabulary of spellings.
        units: size of the states.
    """

    def __init__(self, letters: text.Vocabulary, units: int) -> None:
        self.letters, self.sounds = letters, text.Vocabulary(datasets.cmudict.PHONEMES)
        word = dlrs.Input((None,), dtype="int32", name="word")
        embedded = layers.Embedding(len(letters), 64, mask_zero=True)(word)
        reader = layers.Bidirectional(layers.GRU(units // 2, return_sequences=True, return_state=True))
        read, forward, backward = reader(embedded)
        state = layers.Dense(units, activation="tanh")(layers.Concatenate()([forward, backward]))
        self.reading = dlrs.Model(word, [read, state])

        self.embed = layers.Embedding(len(self.sounds), 64)
        self.remember = layers.GRU(units, return_sequences=True, return_state=True)
        self.attend, self.join = layers.Attention(use_scale=True), layers.Concatenate()
        self.think, self.score = layers.Dense(units, activation="tanh"), layers.Dense(len(self.sounds))
        said = dlrs.Input((None,), dtype="int32", name="said")
        self.training = dlrs.Model([word, said], self._say(said, read, ops.not_equal(word, 0), state)[0])
        seen, known = dlrs.Input((None, units)), dlrs.Input((None,), dtype="bool")
        one, before = dlrs.Input((1,), dtype="int32"), dlrs.Input((units,))
        self.saying = dlrs.Model([one, seen, known, before], self._say(one, seen, known, before))

    def _say(self, said: Any, read: Any, is_letter: Any, state: Any) -> tuple[Any, Any]:
        """Scores of the sound after each, and the state after the last."""
        outputs, state = self.remember(self.embed(said), initial_state=state)
        looked = self.attend([outputs, read], mask=[None, is_letter])
        return self.score(self.think(self.join([outputs, looked]))), state

    def encode(self, words: list[str]) -> Array:
        """Spellings as ids, filled up with PAD."""
        return self.letters.encode_batch([" ".join(word) for word in words], MOST)

    def fit(self, words: list[str], sounds: list[Sounds], epochs: int) -> None:
        """Train on the sound after every beginning of the right pronunciation; padding weighs nothing."""
        x, ids = (
            self.encode(words),
            self.sounds.encode_batch([" ".join(s) for s in sounds], MOST + 2, bos=True, eos=True),
        )
        targets = ids[:, 1:]
        schedule = dlrs.optimizers.schedules.CosineDecay(3e-3, epochs * -(-len(x) // 128))
        loss = dlrs.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.training.compile(dlrs.optimizers.Adam(schedule, clipnorm=1.0), loss, weighted_metrics=["accuracy"])
        weights = (targets != self.sounds.pad_id).astype("float32")
        self.training.fit([x, ids[:, :-1]], targets, 128, epochs, 2, sample_weight=weights)

    def __call__(self, words: list[str]) -> list[Sounds]:
        """The likeliest sound after the other, until EOS."""
        x = self.encode(words)
        read, state = self.reading.predict(x, batch_size=len(x), verbose=0)
        said, spoken = np.full((len(words), 1), self.sounds.bos_id, np.int32), []
        for _ in range(MOST):
            scores, state = self.saying.predict_on_batch([said, read, x != self.letters.pad_id, state])
            said = np.asarray(scores).argmax(-1).astype(np.int32)
            spoken.append(said)
            if (np.hstack(spoken) == self.sounds.eos_id).any(axis=1).all():
                break
        return [self._until_end(row) for row in np.hstack(spoken).tolist()]

    def _until_end(self, ids: list[int]) -> Sounds:
        end = self.sounds.eos_id
        return tuple(self.sounds.decode(ids[: ids.index(end)] if end in ids else ids).split())


def distance(a: Sounds, b: Sounds) -> int:
    """The least number of sounds to change, leave out or add (Levenshtein 1966)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (x != y))
    return row[-1]


def judge(speller: Speller, held: dict[str, list[Sounds]]) -> None:
    """Error rates on words; the nearest of a word's pronunciations counts."""
    words = list(held)
    spoken = speller(words)
    wrong = sum(said not in held[word] for word, said in zip(words, spoken, strict=True))
    edits = sounds = 0
    for word, said in zip(words, spoken, strict=True):
        nearest, length = min((distance(said, right), len(right)) for right in held[word])
        edits, sounds = edits + nearest, sounds + length
    print(f"{len(words)} words kept from it: {wrong / len(words):.1%} of words wrong, {edits / sounds:.1%} of sounds")


def main() -> int:
    """Read the dictionary, train, judge, pronounce."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", default=SHOWN, help="what to pronounce in the end")
    parser.add_argument("--train", type=int, help="learn from this many words only")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--units", type=int, default=192)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        dictionary = datasets.cmudict.load_data()
    except FileNotFoundError as error:
        print(f"{error}\n\nNothing to do: this example needs the dictionary.")
        return 0

    utils.set_random_seed(options.seed)
    words = [w for w, ways in dictionary.items() if w.isalpha() and len(w) <= MOST and max(map(len, ways)) <= MOST]
    words = [words[i] for i in np.random.default_rng(options.seed).permutation(len(words))]
    held, words = words[:2000], words[2000 : 2000 + options.train if options.train else None]
    pairs = [(word, sounds) for word in words for sounds in dictionary[word]]
    print(f"{len(words)} words to learn from with {len(pairs)} pronunciations, {len(held)} kept")
    speller = Speller(text.Vocabulary(list("abcdefghijklmnopqrstuvwxyz")), options.units)
    start = time.perf_counter()
    speller.fit([word for word, _ in pairs], [sounds for _, sounds in pairs], options.epochs)
    print(f"\nTrained in {time.perf_counter() - start:.1f} s")
    judge(speller, {word: dictionary[word] for word in held})
    given = [word.lower() for word in options.words]
    for word, said in zip(given, speller(given), strict=True):
        ways = dictionary.get(word, [])
        verdict = "as in the dictionary" if said in ways else " or ".join(" ".join(way) for way in ways)
        print(f"  {word:16} {' '.join(said):36} {verdict}".rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
