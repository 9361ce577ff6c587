"""Pronounce English words with trained weights: an encoder and a decoder of gated recurrent units.

The network is g2p-en's: a GRU reads a word letter by letter, and its last state is the first of another, which says one
phoneme after the other, each given the one before (Sutskever et al. 2014, arXiv 1409.3215). The weights were trained in
PyTorch; here they run in `Embedding`, `GRU` and `Dense`. Phonemes are ARPAbet's; a digit at a vowel is its stress.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import dlrs
from dlrs import datasets, layers, ops, utils
from dlrs.datasets import g2p

Array = np.ndarray[Any, Any]

WORDS = ("andrew", "backpropagation", "convolution", "Kyubyong", "perceptron", "rhythm", "colonel", "vanishingly")
MOST = 20  # phonemes of a word


def embedding(vectors: Array) -> layers.Embedding:
    """The layer that looks up these vectors."""
    tokens, features = vectors.shape
    return layers.Embedding(tokens, features, weights=vectors)


class Pronouncer:
    """The network with its weights.

    Args:
        weights: arrays as `datasets.g2p.load_weights` gives them.
    """

    def __init__(self, weights: dict[str, Array]) -> None:
        self.letters = embedding(weights["enc_emb"])
        self.sounds = embedding(weights["dec_emb"])
        self.encoder = layers.GRU(256)
        self.decoder = layers.GRU(256, return_state=True)
        self.scores = layers.Dense(len(g2p.PHONEMES))
        for layer, part in ((self.encoder, "enc"), (self.decoder, "dec")):
            layer.build((None, None, 256))
            arrays = [weights[f"{part}_{name}"] for name in ("w_ih", "w_hh", "b_ih", "b_hh")]
            layer.set_weights(utils.recurrent_weights_from_torch(*arrays))
        self.scores.build((None, 256))
        self.scores.set_weights([weights["fc_w"].T, weights["fc_b"]])
        self.encode = dlrs.function(lambda ids: self.encoder(self.letters(ids), mask=ops.not_equal(ids, 0)))
        self.step = dlrs.function(self._step)

    def _step(self, said: Any, state: Any) -> tuple[Any, Any]:
        """The next phoneme of each word, given the last one, and the state after it."""
        output, state = self.decoder(self.sounds(said), initial_state=state)
        return ops.argmax(self.scores(output), axis=-1), state

    def __call__(self, words: list[str]) -> list[list[str]]:
        """The phonemes of each word, at most `MOST`; words that are shorter wait for the others."""
        unknown, end = g2p.GRAPHEMES.index(g2p.UNK), g2p.GRAPHEMES.index(g2p.EOS)
        number = {letter: place for place, letter in enumerate(g2p.GRAPHEMES)}
        ids = [[*(number.get(letter, unknown) for letter in word.lower()), end] for word in words]
        state = self.encode(utils.pad_sequences(ids, padding="post"))
        said, ended = np.full(len(words), g2p.PHONEMES.index(g2p.BOS), np.int32), np.zeros(len(words), bool)
        spoken: list[list[int]] = []
        while len(spoken) < MOST and not ended.all():
            said, state = self.step(said[:, None], state)
            said = np.asarray(said, np.int32)
            spoken.append(said.tolist())
            ended |= said == g2p.PHONEMES.index(g2p.EOS)
        return [until_end([g2p.PHONEMES[sound] for sound in row]) for row in zip(*spoken, strict=True)]


def until_end(phonemes: list[str]) -> list[str]:
    """What comes before EOS."""
    return phonemes[: phonemes.index(g2p.EOS)] if g2p.EOS in phonemes else phonemes


def main() -> int:
    """Pronounce the words given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", default=WORDS, help="what to pronounce")
    parser.add_argument("--file", type=Path, help="a file of words, one a line, instead")
    options = parser.parse_args()
    try:
        words = options.file.read_text(encoding="utf-8").split() if options.file else list(options.words)
    except (OSError, UnicodeDecodeError) as error:
        parser.error(f"--file: {error}")
    if not words:
        parser.error("no words to pronounce")
    try:
        weights = datasets.g2p.load_weights()
    except FileNotFoundError as error:
        print(f"{error}\n\nNothing to do: this example needs the weights of g2p-en.")
        return 0
    pronounce = Pronouncer(weights)
    start = time.perf_counter()
    spoken = pronounce(words)
    seconds = time.perf_counter() - start
    width = max(map(len, words))
    for word, phonemes in zip(words, spoken, strict=True):
        print(f"{word:{width}}  {' '.join(phonemes)}")
    print(f"\n{len(words)} words in {1e3 * seconds:.0f} ms, tracing included", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
