"""Clips for trigger words: sounds do not overlap, labels follow the word."""

from itertools import pairwise

import numpy as np
import pytest

from dlrs import audio


def test_sounds_do_not_overlap_and_add_to_the_background() -> None:
    background = np.full(1000, 0.25, "float32")
    sounds = [np.full(size, 1.0) for size in (100, 200, 50, 300)]
    mixed, clips = audio.insert_clips(background, sounds, seed=3)
    again, same = audio.insert_clips(background, sounds, seed=3)
    assert mixed.tobytes() == again.tobytes() and clips == same
    assert all(first.stop <= second.start for first, second in pairwise(clips))
    assert mixed.max() == 1.25 and (mixed == 1.25).sum() == sum(clip.stop - clip.start for clip in clips)
    assert (background == 0.25).all()


def test_a_sound_without_room_is_left_out() -> None:
    _, clips = audio.insert_clips(np.zeros(100), [np.ones(80), np.ones(80)], seed=0)
    assert len(clips) == 1


def test_labels_stand_behind_the_word_only() -> None:
    clips = [audio.Clip(0, 100, 0), audio.Clip(500, 600, 1), audio.Clip(950, 1000, 0)]
    labels = audio.trigger_labels(clips, 1000, 100, triggers=[0], width=20)[:, 0]
    assert labels.shape == (100,) and labels[11:31].all() and labels.sum() == 20


@pytest.mark.parametrize("call", [
    lambda: audio.insert_clips(np.zeros((3, 2)), []),
    lambda: audio.insert_clips(np.zeros(5), [np.zeros(6)]),
    lambda: audio.insert_clips(np.zeros(5), [np.zeros((2, 2))]),
    lambda: audio.insert_clips([0.0, np.nan], []),
    lambda: audio.insert_clips(np.zeros(5), [[0.0, np.inf]]),
    lambda: audio.insert_clips(np.zeros(5), [np.zeros(2)], gain=np.nan),
    lambda: audio.trigger_labels([], 0, 5, []),
    lambda: audio.trigger_labels([audio.Clip(5, 11, 0)], 10, 5, [0]),
])  # fmt: skip
def test_refusals(call) -> None:
    with pytest.raises(ValueError, match=r"insert_clips|trigger_labels"):
        call()


@pytest.mark.parametrize("call", [
    lambda: audio.insert_clips(np.zeros(5), None),
    lambda: audio.trigger_labels(None, 10, 5, []),
    lambda: audio.trigger_labels([(0, 1, 0)], 10, 5, []),
    lambda: audio.trigger_labels([], 10, 5, 0),
])  # fmt: skip
def test_lists_that_are_none(call) -> None:
    with pytest.raises(TypeError, match=r"(insert_clips|trigger_labels): `\w+` must be (a list|made) of"):
        call()
