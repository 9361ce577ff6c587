"""Crops by NumPy, and the mean of a model's answers to them."""

from typing import Any

import numpy as np
import pytest

from dlrs import Input, Sequential, layers, ops
from dlrs.vision import multi_crop, multi_crop_predict

IMAGES = np.random.default_rng(0).standard_normal((3, 7, 9, 2)).astype("float32")


def ten(images: Any, rows: int, columns: int) -> Any:
    bottom, right = images.shape[1] - rows, images.shape[2] - columns
    places = [(0, 0), (0, right), (bottom, 0), (bottom, right), (bottom // 2, right // 2)]
    crops = [images[:, top : top + rows, left : left + columns] for top, left in places]
    return np.stack([*crops, *(c[:, :, ::-1] for c in crops)], 1)


@pytest.mark.parametrize("size", [4, (5, 6), (7, 9)])
def test_ten_crops(size: Any) -> None:
    rows, columns = (size, size) if isinstance(size, int) else size
    expected = ten(IMAGES, rows, columns)
    np.testing.assert_array_equal(multi_crop(IMAGES, size), expected)
    np.testing.assert_array_equal(multi_crop(IMAGES, size, mirror=False), expected[:, :5])
    np.testing.assert_array_equal(multi_crop(IMAGES[0], size), expected[0])


def test_crops_keep_the_type() -> None:
    pixels = np.arange(2 * 4 * 4 * 3, dtype="uint8").reshape(2, 4, 4, 3)
    crops = multi_crop(pixels, 3)
    assert crops.dtype == "uint8"
    np.testing.assert_array_equal(crops, ten(pixels, 3, 3))


def test_scales_bring_the_shorter_side_to_a_length() -> None:
    crops = multi_crop(IMAGES, 7, scales=[7, 14])
    assert crops.shape == (3, 20, 7, 7, 2)
    np.testing.assert_allclose(crops[:, :10], ten(IMAGES, 7, 7), atol=1e-6)
    larger = ops.image.resize(IMAGES, (14, 18), antialias=True)
    np.testing.assert_allclose(crops[:, 10:], ten(np.asarray(larger), 7, 7), atol=1e-6)


def test_predictions_are_means_over_crops() -> None:
    model = Sequential([Input((4, 4, 2)), layers.Flatten(), layers.Dense(3, activation="softmax")])
    crops = ten(IMAGES, 4, 4)
    expected = np.mean([np.asarray(model(crops[:, i])) for i in range(10)], 0)
    for batch_size in (1, 2, 32):
        answer = multi_crop_predict(model, IMAGES, 4, batch_size=batch_size)
        np.testing.assert_allclose(answer, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(multi_crop_predict(model, IMAGES[0], 4), expected[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": IMAGES[0, 0]}, "height, width, channels"),
        ({"size": 8}, "do not fit"),
        ({"size": 0}, "positive integer"),
        ({"size": (3, 4, 5)}, "positive integer"),
        ({"size": 2.0}, "positive integer"),
        ({"scales": []}, "`scales`"),
        ({"scales": 5}, "`scales`"),
        ({"scales": [0]}, "`scales`"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        multi_crop(**{"images": IMAGES, "size": 4, **arguments})
