"""RandAugment, AugMix and the changes of tones: what is drawn, what follows the images, what is refused."""

from typing import Any

import numpy as np
import pytest

from dlrs import Sequential, layers, ops
from dlrs.backend import function

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 12, 10, 3)).astype("uint8")
CHOOSING = [layers.RandAugment, layers.AugMix]


@pytest.mark.parametrize("cls", CHOOSING)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_seed_fixes_the_images(cls: Any, data_format: str) -> None:
    images = IMAGES if data_format == "channels_last" else np.moveaxis(IMAGES, -1, 1)

    def results(seed: int) -> Any:
        layer = cls(seed=seed, data_format=data_format)
        return np.stack([np.asarray(layer(images)) for _ in range(3)])

    first = results(5)
    np.testing.assert_array_equal(first, results(5))
    assert (first != results(6)).any()
    assert (first[0] != first[1]).any()
    assert first.min() >= 0 and first.max() <= 255


@pytest.mark.parametrize("cls", CHOOSING)
def test_compiled_draws_are_the_eager_ones(cls: Any) -> None:
    eager, compiled = cls(seed=3), cls(seed=3)
    traced = function(lambda x: compiled(x, training=True))
    for _ in range(3):
        x = IMAGES.astype("float32")
        np.testing.assert_allclose(traced(x), eager(x, training=True), atol=1e-3)


@pytest.mark.parametrize("cls", CHOOSING)
def test_it_stands_in_a_model_that_is_trained(cls: Any) -> None:
    model = Sequential([cls((0, 1), seed=1), layers.Flatten(), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(IMAGES / 255.0, np.ones((4, 2)), verbose=0)
    still = model.layers[0](IMAGES, training=False)
    np.testing.assert_array_equal(still, IMAGES)


def test_the_operations_are_those_drawn() -> None:
    layer = layers.RandAugment(num_ops=3, seed=2)
    for _ in range(5):
        drawn = layer.get_random_transformation(IMAGES)
        expected = ops.cast(IMAGES, "float32")
        for number in drawn["layer_idxes"].tolist():
            one = layer._layers_to_choose[number]
            expected = one.transform_images(expected, drawn["transforms"][number])
        np.testing.assert_allclose(layer.transform_images(IMAGES, drawn), expected, atol=1e-4)


def test_all_operations_are_drawn() -> None:
    layer = layers.RandAugment(num_ops=200, seed=2)
    assert set(layer.get_random_transformation(IMAGES)["layer_idxes"].tolist()) == set(range(11))


def test_boxes_and_masks_follow_the_images() -> None:
    """A bright rectangle on black, its mask and its box, under moves alone."""
    images = np.zeros((2, 40, 40, 3), "float32")
    images[:, 10:20, 12:28] = 255
    data = {
        "images": images,
        "segmentation_masks": (images[..., :1] > 0).astype("float32"),
        "bounding_boxes": {"boxes": np.tile([[[12.0, 10.0, 28.0, 20.0]]], (2, 1, 1)), "labels": np.ones((2, 1))},
    }
    layer = layers.RandAugment(num_ops=1, factor=0.2, seed=4, bounding_box_format="xyxy", interpolation="nearest")
    seen = set()
    for _ in range(40):
        drawn = layer.get_random_transformation(data)
        number = drawn["layer_idxes"].tolist()[0]
        if number != 1:  # the translation
            continue
        seen.add(number)
        boxes = layer.transform_bounding_boxes(data["bounding_boxes"], drawn)["boxes"].numpy()
        moved = drawn["transforms"][1]["translations"].numpy()
        np.testing.assert_allclose(boxes[:, 0], np.array([12, 10, 28, 20]) + np.tile(moved, 2), atol=1e-4)
        masks = layer.transform_segmentation_masks(data["segmentation_masks"], drawn).numpy()
        pictures = layer.transform_images(data["images"], drawn).numpy()
        np.testing.assert_array_equal(masks[..., 0] > 0, pictures[..., 0] > 127)
    assert seen == {1}


def test_chains_are_mixed_by_their_weights() -> None:
    layer = layers.AugMix(num_chains=2, chain_depth=1, seed=7)
    drawn = layer.get_random_transformation(IMAGES)
    x = ops.cast(IMAGES, "float32")
    results = []
    for chain, number in zip(drawn["chain_transforms"], drawn["layer_idxes"].numpy()[:, 0].tolist(), strict=True):
        chosen = layer._layers_to_choose
        results.append(x if number == len(chosen) else chosen[number].transform_images(x, chain[0][number]))
    weights, share = drawn["chain_mixing_weights"].numpy(), drawn["weight_sample"].item()
    assert weights.sum() == pytest.approx(1)
    mixture = sum(w * np.asarray(result) for w, result in zip(weights, results, strict=True))
    np.testing.assert_allclose(layer.transform_images(IMAGES, drawn), share * IMAGES + (1 - share) * mixture, atol=1e-3)


def test_gentle_changes_leave_brightness_alone() -> None:
    assert len(layers.AugMix(all_ops=False)._layers_to_choose) == 7
    assert len(layers.AugMix()._layers_to_choose) == 11


def test_posterized_values_have_the_bits_that_are_kept() -> None:
    for bits in range(1, 9):
        x = np.arange(256, dtype="float32").reshape(1, 16, 16, 1)
        found = layers.RandomPosterization((bits, bits))(x).numpy()
        np.testing.assert_array_equal(found, x.astype(int) >> (8 - bits) << (8 - bits))


def test_equalized_values_are_ranks() -> None:
    x = np.random.default_rng(1).integers(0, 256, (1, 32, 32, 2)).astype("float32")
    found = layers.Equalization()(x).numpy()
    for channel in range(2):
        values = np.sort(x[..., channel].ravel())
        rank = np.searchsorted(values, x[..., channel], side="right") - np.sum(values == values[0])
        np.testing.assert_array_equal(found[..., channel], np.round(rank * 255 / (1024 - np.sum(values == values[0]))))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: layers.RandAugment(num_ops=-1), "`num_ops` must be an integer of at least 0"),
        (lambda: layers.RandAugment(num_ops=10**9), "`num_ops` must be at most 1000"),
        (lambda: layers.RandAugment(factor=2), "`factor` argument should be a number"),
        (lambda: layers.RandAugment(interpolation="cubic"), "Unknown `interpolation` cubic"),
        (lambda: layers.AugMix(num_chains=0), "`num_chains` must be an integer of at least 1"),
        (lambda: layers.AugMix(alpha=0), "`alpha`"),
        (lambda: layers.AugMix((3, 3)), "`value_range`"),
        (lambda: layers.RandAugment(num_ops=50)(np.ones((2, 4, 4, 2))), "images must have 3 or 1 channels"),
        (lambda: layers.RandomPosterization(9), "`factor` argument should be a number"),
        (lambda: layers.RandomPosterization((1.5, 3)), "must be of whole numbers"),
        (lambda: layers.Solarization(1.5), "`addition_factor` argument"),
        (lambda: layers.Equalization(bins=0), "`bins` must be an integer"),
        (lambda: layers.ContrastLimitedAdaptiveHistogramEqualization(clip_limit=-1), "`clip_limit` must be"),
        (lambda: layers.MaxNumBoundingBoxes(0), "max_number"),
        (lambda: layers.MaxNumBoundingBoxes(2, fill_value=0.5), "`fill_value` must be an integer"),
    ],
)
def test_refusals(make: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        make()
