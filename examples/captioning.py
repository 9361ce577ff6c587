"""Say in a sentence what a picture shows: a convolutional encoder, and a recurrent decoder that looks at places of it.

The pictures are drawn: one or two coloured shapes, large or small, one left of or above the other, so that exactly one
caption is right. The decoder is an LSTM whose first state comes from the whole picture (Vinyals et al. 2015, arXiv
1411.4555); before each word it attends to the places of the picture (Xu et al. 2015, arXiv 1502.03044). Two pairs of
colour and shape are never shown in training, to see whether it has learned colours and shapes or pictures by heart.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import dlrs
from dlrs import layers, ops, text

Array = np.ndarray[Any, Any]

SIDE, PLACES = 32, 8  # pixels of a picture's side, and places that the encoder tells apart along it
COLOURS = {"red": (0.9, 0.15, 0.1), "green": (0.1, 0.7, 0.2), "blue": (0.15, 0.3, 0.95), "yellow": (0.95, 0.85, 0.1)}
SHAPES = ("circle", "square", "triangle")
RADII = {"small": 4.0, "large": 7.0}
UNSEEN = (("red", "triangle"), ("blue", "circle"))  # pairs kept from training
WORDS_AT_MOST = 16


class Thing(NamedTuple):
    """A shape in a scene; its centre is counted in pixels from the upper left."""

    size: str
    colour: str
    shape: str
    x: float
    y: float

    def __str__(self) -> str:
        return f"a {self.size} {self.colour} {self.shape}"


def caption(things: list[Thing]) -> str:
    """What is right to say: the thing further left first if they stand side by side, the upper first otherwise."""
    if len(things) == 1:
        return str(things[0])
    (a, b) = things
    if abs(a.x - b.x) >= abs(a.y - b.y):
        a, b = sorted(things, key=lambda thing: thing.x)
        return f"{a} left of {b}"
    a, b = sorted(things, key=lambda thing: thing.y)
    return f"{a} above {b}"


def inside(thing: Thing) -> Array:
    """Which pixels the thing covers."""
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    dx, dy, r = x - thing.x, y - thing.y, RADII[thing.size]
    covered: Array = (np.abs(dx) <= (dy + r) / 2) & (np.abs(dy) <= r)
    if thing.shape == "circle":
        covered = dx**2 + dy**2 <= r**2
    elif thing.shape == "square":
        covered = np.maximum(np.abs(dx), np.abs(dy)) <= 0.85 * r
    return covered


def draw(things: list[Thing], rng: np.random.Generator) -> Array:
    """The scene on a grey ground with some noise."""
    picture = np.full((SIDE, SIDE, 3), rng.uniform(0.3, 0.7))
    for thing in things:
        picture[inside(thing)] = COLOURS[thing.colour]
    return np.clip(picture + rng.normal(0, 0.04, picture.shape), 0, 1).astype(np.float32)


def imagine(rng: np.random.Generator, unseen: bool) -> list[Thing]:
    """One or two things that do not overlap and whose order is clear; with or without a pair kept from training."""
    while True:
        things = []
        for _ in range(rng.integers(1, 3)):
            size, colour = rng.choice(list(RADII)), rng.choice(list(COLOURS))
            r = RADII[size]
            x, y = rng.uniform(r, SIDE - r, 2)
            things.append(Thing(str(size), str(colour), str(rng.choice(SHAPES)), x, y))
        if any((thing.colour, thing.shape) in UNSEEN for thing in things) != unseen:
            continue
        if len(things) == 1:
            return things
        a, b = things
        dx, dy = abs(a.x - b.x), abs(a.y - b.y)
        apart = max(dx, dy) > RADII[a.size] + RADII[b.size]
        if apart and abs(dx - dy) > 3:
            return things


def scenes(count: int, seed: int, unseen: bool = False) -> tuple[Array, list[str]]:
    """Pictures (count, 32, 32, 3) in [0, 1], and their captions."""
    rng = np.random.default_rng(seed)
    stories = [imagine(rng, unseen) for _ in range(count)]
    return np.stack([draw(things, rng) for things in stories]), [caption(things) for things in stories]


class Captioner:
    """The network, and the two parts of it that write: one looks at a picture, the other says the next word.

    Args:
        vocabulary: the words of captions.
        units: size of the decoder's state.
    """

    def __init__(self, vocabulary: text.Vocabulary, units: int) -> None:
        self.vocabulary = vocabulary
        picture = dlrs.Input((SIDE, SIDE, 3), name="picture")
        places, h, c = self._look(picture, units)
        self.looking = dlrs.Model(picture, [places, h, c], name="looking")

        self.embed = layers.Embedding(len(vocabulary), 32, mask_zero=True)
        self.remember = layers.LSTM(units, return_sequences=True, return_state=True)
        self.ask = layers.Dense(64)
        self.attend = layers.Attention(use_scale=True)
        self.score = layers.Dense(len(vocabulary))

        words = dlrs.Input((None,), dtype="int32", name="words")
        self.training = dlrs.Model([picture, words], self._say(words, places, h, c)[0])
        state = [dlrs.Input((units,)), dlrs.Input((units,))]
        seen = dlrs.Input((PLACES * PLACES, 64))
        word = dlrs.Input((1,), dtype="int32")
        self.saying = dlrs.Model([word, seen, *state], self._say(word, seen, *state), name="saying")

    def _look(self, picture: Any, units: int) -> tuple[Any, Any, Any]:
        """The features of 8x8 places, and the decoder's first state, from all of them."""
        x = picture
        for filters in (24, 48):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            x = layers.MaxPooling2D()(layers.ReLU()(layers.BatchNormalization()(x)))
        x = layers.Conv2D(64, 3, padding="same", activation="relu")(x)
        whole = layers.Flatten()(layers.Conv2D(16, 1, activation="relu")(x))
        h, c = (layers.Dense(units, activation="tanh")(whole) for _ in range(2))
        return layers.Reshape((PLACES * PLACES, 64))(x), h, c

    def _say(self, words: Any, places: Any, h: Any, c: Any) -> tuple[Any, Any, Any, Any]:
        """Scores of the word after each, the state behind the last, and how much each place weighed."""
        said, h, c = self.remember(self.embed(words), initial_state=[h, c])
        read, weights = self.attend([self.ask(said), places], return_attention_scores=True)
        return self.score(layers.Concatenate()([said, read])), h, c, weights

    def fit(self, pictures: Array, captions: list[str], epochs: int, steps: int) -> None:
        """Train on the next word after every beginning of the right caption; padding counts nowhere."""
        ids = self.vocabulary.encode_batch(captions, WORDS_AT_MOST + 2, bos=True, eos=True)
        schedule = dlrs.optimizers.schedules.CosineDecay(2e-3, steps)
        loss = dlrs.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.training.compile(dlrs.optimizers.Adam(schedule, clipnorm=1.0), loss, weighted_metrics=["accuracy"])
        self.training.fit([pictures, ids[:, :-1]], ids[:, 1:], 64, epochs, verbose=2)

    def __call__(self, pictures: Array) -> tuple[list[str], Array]:
        """Captions, the likeliest word after the other, and the weights of places, (pictures, words, 8, 8)."""
        places, h, c = self.looking.predict(pictures, verbose=0)
        word = np.full((len(pictures), 1), self.vocabulary.bos_id, np.int32)
        written, weights = [], []
        for _ in range(WORDS_AT_MOST):
            scores, h, c, looked = self.saying.predict_on_batch([word, places, h, c])
            word = np.asarray(ops.argmax(scores, -1), np.int32)
            written.append(word)
            weights.append(np.asarray(looked)[:, 0].reshape(-1, PLACES, PLACES))
            if np.all(np.any(np.hstack(written) == self.vocabulary.eos_id, axis=1)):
                break
        captions = [self.vocabulary.decode(self._until_end(row)) for row in np.hstack(written).tolist()]
        return captions, np.stack(weights, axis=1)

    def _until_end(self, ids: list[int]) -> list[int]:
        end = self.vocabulary.eos_id
        return ids[: ids.index(end)] if end in ids else ids


def judge(name: str, captioner: Captioner, pictures: Array, captions: list[str]) -> None:
    """How many captions are right to the letter, and some that are not."""
    written, _ = captioner(pictures)
    wrong = [(right, said) for right, said in zip(captions, written, strict=True) if right != said]
    print(f"{name}: {1 - len(wrong) / len(captions):.1%} of {len(captions)} captions are right")
    for right, said in wrong[:2]:
        print(f"  shown {right}\n  said  {said}")


def plot(captioner: Captioner, pictures: Array, captions: list[str], path: Path) -> None:
    """Scenes with what is said of them, and below where it looks at each word of the last one."""
    try:
        import matplotlib
    except ImportError:
        print("matplotlib is not installed: no picture")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    written, weights = captioner(pictures)
    words = written[-1].split()
    figure = plt.figure(figsize=(11, 6))
    for i in range(8):
        axes = figure.add_subplot(3, 4, i + 1)
        axes.imshow(pictures[i])
        colour = "black" if written[i] == captions[i] else "crimson"
        axes.set_title(
            written[i].replace(" left of", "\nleft of").replace(" above", "\nabove"), fontsize=7, color=colour
        )
        axes.axis("off")
    for i, word in enumerate(words):
        axes = figure.add_subplot(3, len(words), 2 * len(words) + i + 1)
        axes.imshow(pictures[-1], extent=(0, SIDE, SIDE, 0))
        axes.imshow(weights[-1, i], extent=(0, SIDE, SIDE, 0), cmap="gray", alpha=0.7, interpolation="bilinear")
        axes.set_title(word, fontsize=7)
        axes.axis("off")
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.92, 0.05, 0.4)
    figure.savefig(path, dpi=80)
    plt.close(figure)
    print(f"Plot: {path}")


def main() -> int:
    """Draw, train, judge, show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=20_000, help="pictures to learn from")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--units", type=int, default=96)
    parser.add_argument("--test", type=int, default=1000, help="pictures to judge by, of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, default=Path("captioning.png"))
    options = parser.parse_args()
    dlrs.utils.set_random_seed(options.seed)
    pictures, captions = scenes(options.scenes, options.seed)
    captioner = Captioner(text.Vocabulary.build(captions), options.units)
    print(f"{len(pictures)} pictures, {len(set(captions))} different captions, e.g. {captions[1]!r}")
    start = time.perf_counter()
    captioner.fit(pictures, captions, options.epochs, options.epochs * -(-len(pictures) // 64))
    print(f"\nTrained in {time.perf_counter() - start:.1f} s")
    judge("New scenes", captioner, *scenes(options.test, options.seed + 1))
    judge("With a red triangle or a blue circle, never shown", captioner, *scenes(options.test, options.seed + 2, True))
    shown = [scenes(4, options.seed + 3), scenes(4, options.seed + 5, True)]
    plot(captioner, np.concatenate([s[0] for s in shown]), shown[0][1] + shown[1][1], options.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
