"""The sequence models of the race in Keras's vocabulary: each builder takes the library, `keras` or `dlrs`."""

from collections.abc import Callable
from typing import Any

from protocol import CHARACTERS, CLIP, DATE_IN, DATE_OUT

Model = Any  # of one library or the other


def charlstm(library: Any) -> Model:
    """A language model of characters: the next one at every step."""
    layers = library.layers
    return library.Sequential(
        [
            library.Input((CHARACTERS,), dtype="int32"),
            layers.Embedding(CHARACTERS, 64),
            layers.LSTM(256, return_sequences=True),
            layers.Dense(CHARACTERS),
        ]
    )


def trigger(library: Any) -> Model:
    """The course's detector of a spoken word in ten seconds of sound, without its dropout."""
    layers = library.layers
    return library.Sequential(
        [
            library.Input(CLIP),
            layers.Conv1D(196, 15, strides=4),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.GRU(128, return_sequences=True),
            layers.BatchNormalization(),
            layers.GRU(128, return_sequences=True),
            layers.BatchNormalization(),
            layers.Dense(1),
        ]
    )


def nmt(library: Any) -> Model:
    """The course's translation of dates: a decoder of shared layers that attends to the encoder's states at each step.

    Additive attention (Bahdanau et al. 2015, arXiv 1409.0473), written out in layers.
    """
    layers = library.layers
    dates, state, memory = library.Input(DATE_IN), library.Input((64,)), library.Input((64,))
    read = layers.Bidirectional(layers.LSTM(32, return_sequences=True))(dates)
    repeat, join, weigh = layers.RepeatVector(DATE_IN[0]), layers.Concatenate(), layers.Softmax(axis=1)
    hidden, energy, sum_up = layers.Dense(10, activation="tanh"), layers.Dense(1, activation="relu"), layers.Dot(axes=1)
    decoder, letters = layers.LSTM(64, return_state=True), layers.Dense(DATE_OUT[1])
    written, h, c = [], state, memory
    for _ in range(DATE_OUT[0]):
        weights = weigh(energy(hidden(join([read, repeat(h)]))))
        h, _, c = decoder(sum_up([weights, read]), initial_state=[h, c])
        written.append(layers.Reshape((1, DATE_OUT[1]))(letters(h)))
    return library.Model([dates, state, memory], layers.Concatenate(axis=1)(written))


NETWORKS: dict[str, Callable[[Any], Model]] = {"charlstm": charlstm, "trigger": trigger, "nmt": nmt}


def compiled(library: Any, name: str) -> Model:
    """The network with Adam and the cross-entropy of its logits."""
    model, losses = NETWORKS[name](library), library.losses
    loss = losses.BinaryCrossentropy if name == "trigger" else losses.SparseCategoricalCrossentropy
    model.compile(library.optimizers.Adam(1e-3), loss(from_logits=True))
    return model
