"""Rectangles in images agree with Keras on JAX."""

import numpy as np
import pytest

from dlrs.utils import bounding_boxes
from harness.keras_on_jax import keras

RNG = np.random.default_rng(0)
SHAPE = (40, 60, 3)
FORMATS = ("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh")


def boxes(*shape):
    corners = RNG.uniform(0, 40, (*shape, 2, 2)).astype("float32")
    return np.concatenate([corners.min(-2), corners.max(-2) + 1], axis=-1)


def agree(name, *args, **kwargs):
    ours = getattr(bounding_boxes, name)(*args, **kwargs)
    theirs = getattr(keras.utils.bounding_boxes, name)(*args, **kwargs)
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("form", FORMATS)
def test_iou(form):
    for first, second in (((5,), (3,)), ((2, 5), (2, 3)), ((2, 5), (3,)), ((5,), (2, 3))):
        given = [
            bounding_boxes.convert_format(boxes(*shape), "xyxy", form, *SHAPE[:2]).numpy() for shape in (first, second)
        ]
        agree("compute_iou", *given, form, image_shape=SHAPE)


def test_iou_with_padding():
    first, second = boxes(2, 4), boxes(2, 3)
    first[0, 1], second[1, 2] = -1, -1
    agree("compute_iou", first, second, "xyxy", use_masking=True)
    agree("compute_iou", first, second, "xyxy", use_masking=True, mask_val=-7)
    ours = bounding_boxes.compute_iou(first[0], second, "xyxy", use_masking=True).numpy()
    assert (ours[:, 1] == -1).all()
    assert (ours[1, :, 2] == -1).all()


def test_ciou():
    first, second = boxes(2, 50), boxes(2, 50)
    agree("compute_ciou", first, second, "xyxy")
    agree("compute_ciou", first, second[0], "center_yxhw")
    own = bounding_boxes.compute_ciou(first / 60, first / 60, "rel_xyxy", image_shape=SHAPE).numpy()
    np.testing.assert_allclose(own, 1, atol=1e-4)


def test_affine_transform():
    numbers = [RNG.uniform(low, high, 3).astype("float32") for low, high in [(-90, 90), (-0.2, 0.2), (-0.2, 0.2)]]
    numbers += [RNG.uniform(low, high, 3).astype("float32") for low, high in [(0.5, 2), (-30, 30), (-30, 30)]]
    agree("affine_transform", boxes(3, 5), *numbers, *SHAPE[:2])
    agree("affine_transform", boxes(3, 5), *numbers, *SHAPE[:2], center_x=0.2, center_y=0.9)
    several = boxes(3, 5)
    first = [number[0] for number in numbers]
    alone = bounding_boxes.affine_transform(several[0], *first, *SHAPE[:2]).numpy()
    together = bounding_boxes.affine_transform(several, *numbers, *SHAPE[:2]).numpy()[0]
    np.testing.assert_allclose(alone, together, atol=1e-4)


def test_crop_and_pad():
    agree("crop", boxes(2, 4), 5.0, 10.0, 20.0, 15.0)
    agree("pad", boxes(4), 5.0, 10.0)


@pytest.mark.parametrize("encoding", ["center_yxhw", "center_xywh"])
def test_deltas(encoding):
    anchors, targets = boxes(6), boxes(2, 6)
    for more in ({}, {"variance": [0.1, 0.1, 0.2, 0.2], "image_shape": SHAPE}):
        agree("encode_box_to_deltas", anchors, targets, "xyxy", "xyxy", encoding, **more)
        deltas = bounding_boxes.encode_box_to_deltas(anchors, targets, "xyxy", "xyxy", encoding, **more)
        agree("decode_deltas_to_boxes", anchors, deltas.numpy(), "xyxy", "xywh", encoding, **more)
        back = bounding_boxes.decode_deltas_to_boxes(anchors, deltas, "xyxy", "xyxy", encoding, **more)
        np.testing.assert_allclose(back.numpy(), targets, atol=1e-4)
    levels = bounding_boxes.decode_deltas_to_boxes({3: anchors}, {3: deltas}, "xyxy", "xyxy", encoding, **more)
    np.testing.assert_array_equal(levels[3].numpy(), back.numpy())


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("compute_iou", (np.ones((2, 3)), np.ones((2, 4)), "xyxy"), "last dimension of 4"),
        ("compute_iou", (np.ones(4), np.ones((2, 4)), "xyxy"), "boxes1"),
        ("compute_iou", (np.ones((2, 4)), np.ones((2, 4)), "rel_xyxy"), "image_shape"),
        ("compute_ciou", (np.ones((2, 4)), np.ones((2, 4)), "xy"), "format"),
        ("crop", (np.ones((2, 4)), 0, 0, 1, 1, "xywh"), "bounding_box_format"),
        ("pad", (np.ones(4), 0, 0), "boxes"),
        ("encode_box_to_deltas", (np.ones((2, 4)), np.ones((2, 4)), "xyxy", "xyxy", "xyxy"), "encoding_format"),
        ("encode_box_to_deltas", (np.ones((2, 4)),) * 2 + ("xyxy", "xyxy", "center_xywh", [1.0]), "variance"),
        ("decode_deltas_to_boxes", ({1: np.ones((2, 4))}, {2: np.ones((2, 4))}, "xyxy", "xyxy"), "keys"),
    ],
)
def test_bad_arguments(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(bounding_boxes, name)(*arguments)
