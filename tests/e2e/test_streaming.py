"""A detector of a trigger word that listens while the sound comes in says what it says of the whole clip."""

import numpy as np
import pytest

import dlrs
from dlrs import layers

BANDS, KERNEL, STRIDE = 40, 9, 3


def detector(frames: int | None, padding: str, stateful: bool) -> dlrs.Sequential:
    """The course's network; `stateful`, for one clip in pieces that bring their own left context."""
    return dlrs.Sequential(
        [
            dlrs.Input(batch_shape=(1 if stateful else None, frames, BANDS)),
            layers.Conv1D(16, KERNEL, strides=STRIDE, padding=padding),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.GRU(24, return_sequences=True, stateful=stateful),
            layers.BatchNormalization(),
            layers.GRU(24, return_sequences=True, stateful=stateful),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def listen(model: dlrs.Sequential, clip: np.ndarray, steps: int) -> np.ndarray:
    """Probabilities of (frames, bands), which come in by `steps` steps at a time."""
    context = np.zeros((KERNEL - 1, BANDS), np.float32)
    said = []
    for start in range(0, len(clip), STRIDE * steps):
        piece = np.concatenate([context, clip[start : start + STRIDE * steps]])
        context = piece[-(KERNEL - 1) :]
        said.append(model.predict_on_batch(piece[None])[0])
    return np.concatenate(said)


@pytest.mark.parametrize("steps", [1, 7, 25])
def test_pieces_say_what_the_whole_says(steps: int) -> None:
    dlrs.utils.set_random_seed(3)
    rng = np.random.default_rng(3)
    clips = rng.normal(size=(16, 300, BANDS)).astype(np.float32)
    whole = detector(300, "causal", stateful=False)
    whole.compile("adam", "binary_crossentropy")
    whole.fit(clips, rng.integers(0, 2, (16, 100, 1)).astype(np.float32), 8, 2, verbose=0)
    live = detector(None, "valid", stateful=True)
    for own, trained in zip(live.layers, whole.layers, strict=True):
        own.set_weights(trained.get_weights())

    expected = whole.predict(clips, verbose=0)
    for clip, row in zip(clips[:2], expected, strict=False):
        for layer in live.layers:
            if isinstance(layer, layers.GRU):
                layer.reset_states()
        np.testing.assert_allclose(listen(live, clip, steps), row, rtol=0, atol=2e-6)
    # The state is carried: without a reset the next clip sounds otherwise.
    assert np.abs(listen(live, clips[0], steps) - expected[0]).max() > 1e-4
