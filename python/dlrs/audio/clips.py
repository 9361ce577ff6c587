"""Clips for training a detector of a trigger word: words laid into a background, and the labels of their ends."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from dlrs.backend.checks import check_count, check_number, check_type
from dlrs.utils.wav_utils import signal

Array = np.ndarray[Any, np.dtype[Any]]


class Clip(NamedTuple):
    """A sound that was laid into a background.

    >>> Clip(3, 7, 0).stop
    7
    """

    start: int
    """First sample."""
    stop: int
    """Sample behind its last."""
    sound: int
    """Which of the sounds it is."""


def insert_clips(
    background: Any, sounds: Sequence[Any], seed: int | None = None, gain: float = 1.0, attempts: int = 100
) -> tuple[Array, list[Clip]]:
    """A background with sounds added at random places that do not overlap.

    Args:
        background: Samples of shape (time,).
        sounds: Arrays of samples of shape (time,), each shorter than the background; at the same rate.
        seed: Integer that fixes the places.
        gain: Factor of the sounds.
        attempts: How many places are tried for a sound before it is left out, because no room is left.

    Returns:
        float32 samples, and the sounds that found a place, by their start.

    Raises:
        ValueError: arrays of another shape, NaN or infinity, or a sound longer than the background.

    >>> mixed, clips = insert_clips(np.zeros(100), [np.ones(10), np.ones(20)], seed=0)
    >>> int(mixed.sum()), len(clips)
    (30, 2)
    """
    mixed = signal("insert_clips", "background", background).astype(np.float32)
    check_count("insert_clips", "seed", seed, 0, optional=True)
    check_count("insert_clips", "attempts", attempts, 1)
    check_number("insert_clips", "gain", gain)
    check_type("insert_clips", "sounds", sounds, list | tuple | np.ndarray, "a list of arrays")
    rng = np.random.default_rng(seed)
    placed: list[Clip] = []
    for index, sound in enumerate(sounds):
        samples = signal("insert_clips", f"sounds[{index}]", sound).astype(np.float32)
        if len(samples) > len(mixed):
            raise ValueError(
                f"insert_clips: `sounds[{index}]` has {len(samples)} samples, the background only {len(mixed)}."
            )
        for _ in range(attempts):
            start = int(rng.integers(0, len(mixed) - len(samples) + 1))
            stop = start + len(samples)
            if all(stop <= other.start or other.stop <= start for other in placed):
                mixed[start:stop] += gain * samples
                placed.append(Clip(start, stop, index))
                break
    return mixed, sorted(placed)


def trigger_labels(clips: Sequence[Clip], samples: int, steps: int, triggers: Sequence[int], width: int = 50) -> Array:
    """Labels of 1 for the `width` steps behind each end of a trigger word, else 0.

    Args:
        clips: Where sounds lie, as `insert_clips` gives them.
        samples: Samples of the whole.
        steps: Steps of the detector's output over the whole.
        triggers: The indices of the sounds that are the trigger word.
        width: Steps with a label of 1; a single one would leave too few to learn from.

    Returns:
        float32 array of shape (steps, 1).

    Raises:
        ValueError: a clip ends behind the last sample, or an argument is no positive integer.
        TypeError: `clips` or `triggers` is no list of what it should hold.

    >>> clips = [Clip(10, 20, 0), Clip(50, 60, 1)]
    >>> trigger_labels(clips, samples=100, steps=10, triggers=[0], width=2).ravel().tolist()
    [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    for name, value in (("samples", samples), ("steps", steps), ("width", width)):
        check_count("trigger_labels", name, value, 1)
    check_type("trigger_labels", "clips", clips, list | tuple, "a list of `audio.Clip`")
    check_type("trigger_labels", "triggers", triggers, Collection, "a list of indices")
    labels = np.zeros((steps, 1), np.float32)
    for clip in clips:
        check_type("trigger_labels", "clips", clip, Clip, "made of `audio.Clip`")
        if not 0 <= clip.start <= clip.stop <= samples:
            raise ValueError(f"trigger_labels: {clip} does not lie within {samples} samples.")
        if clip.sound in triggers:
            end = clip.stop * steps // samples
            labels[end + 1 : end + 1 + width] = 1.0
    return labels
