"""Masks drawn into images agree with Keras."""

import numpy as np
import pytest

from dlrs import visualization
from harness.keras_on_jax import keras


@pytest.mark.parametrize("arguments", [{}, {"alpha": 0.3, "ignore_index": 2}])
def test_masks(arguments):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 8, 9, 3)).astype("uint8")
    masks = rng.integers(0, 5, (2, 8, 9, 1))
    colors = {kind: tuple(map(int, rng.integers(0, 256, 3))) for kind in range(5)}
    ours = visualization.draw_segmentation_masks(images, masks, 5, colors, **arguments)
    theirs = keras.visualization.draw_segmentation_masks(images, masks, 5, colors, **arguments)
    assert np.abs(ours.astype(int) - np.asarray(theirs)).max() <= 1
