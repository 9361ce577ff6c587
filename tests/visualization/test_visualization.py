"""Rectangles, masks and galleries."""

import os

import numpy as np
import pytest

from dlrs import visualization
from dlrs.utils import bounding_boxes

os.environ.setdefault("MPLBACKEND", "agg")
Image = pytest.importorskip("PIL.Image")
pytest.importorskip("matplotlib")

IMAGES = np.full((2, 40, 60, 3), 200, "uint8")
BOXES = {"boxes": np.array([[[5, 10, 30, 25]], [[40, 5, 55, 35]]]), "labels": np.array([[1], [0]])}
RED = (255, 0, 0)


def frame(height, width, left, top, right, bottom):
    inside = np.zeros((height, width), bool)
    inside[top : bottom + 1, left : right + 1] = True
    inside[top + 1 : bottom, left + 1 : right] = False
    return inside


def test_frames():
    drawn = visualization.draw_bounding_boxes(IMAGES, BOXES, "xyxy", color=RED, line_thickness=1)
    assert (drawn.shape, drawn.dtype) == (IMAGES.shape, np.uint8)
    for image, box in zip(drawn, BOXES["boxes"][:, 0], strict=True):
        np.testing.assert_array_equal((image == RED).all(-1), frame(40, 60, *box))
        assert (image[(image != RED).any(-1)] == 200).all()
    assert (IMAGES == 200).all()


@pytest.mark.parametrize("form", ["yxyx", "xywh", "center_xywh", "rel_xyxy", "rel_center_xywh"])
def test_formats_and_thickness(form):
    boxes = bounding_boxes.convert_format(BOXES["boxes"], "xyxy", form, 40, 60).numpy()
    boxes = boxes + np.float32(1e-3 if not form.startswith("rel") else 1e-5)  # whole pixels after rounding down
    same = visualization.draw_bounding_boxes(IMAGES, BOXES | {"boxes": boxes}, form, color=RED, line_thickness=3)
    expected = visualization.draw_bounding_boxes(IMAGES, BOXES, "xyxy", color=RED, line_thickness=3)
    assert np.abs(same.astype(int) - expected).any(-1).mean() < 0.02
    assert (expected == RED).all(-1).sum() > 2.5 * 2 * (25 + 15)


def test_other_images():
    first = np.moveaxis(IMAGES, -1, 1)
    drawn = visualization.draw_bounding_boxes(first, BOXES, "xyxy", color=RED, data_format="channels_first")
    np.testing.assert_array_equal(
        np.moveaxis(drawn, 1, -1), visualization.draw_bounding_boxes(IMAGES, BOXES, "xyxy", color=RED)
    )
    for channels in (1, 4):
        images = np.repeat(IMAGES[..., :1], channels, axis=-1)
        drawn = visualization.draw_bounding_boxes(images, BOXES, "xyxy", {0: "a", 1: "b"}, color=RED)
        assert drawn.shape == images.shape
    shares = visualization.draw_bounding_boxes(IMAGES / 255, BOXES, "xyxy", color=RED)
    assert np.unique(shares).tolist() == [0, 200, 255]


def test_labels():
    outside = {"boxes": [[[-50, -50, 500, 500], [1e9, 0, 2e9, 5]]] * 2, "labels": [[3, 3]] * 2}
    visualization.draw_bounding_boxes(IMAGES, outside, "xyxy", {3: "far"}, text_thickness=2)
    none = BOXES | {"labels": np.array([[-1], [-1]])}
    np.testing.assert_array_equal(visualization.draw_bounding_boxes(IMAGES, none, "xyxy", {-1: "x"}), IMAGES)
    plain = visualization.draw_bounding_boxes(IMAGES, BOXES, "xyxy", {5: "other"}, color=RED)
    named = visualization.draw_bounding_boxes(IMAGES, BOXES, "xyxy", {1: "cat"}, color=RED, font_scale=0.6)
    scored = visualization.draw_bounding_boxes(
        IMAGES, BOXES | {"confidences": np.array([[0.5], [0.25]])}, "xyxy", {1: "cat"}, color=RED, font_scale=0.6
    )
    assert (named[0] != plain[0]).any()
    assert (scored[0] != named[0]).any()
    np.testing.assert_array_equal(named[1], plain[1])


def test_masks():
    masks = np.zeros((2, 40, 60), "int32")
    masks[:, :10], masks[:, 30:] = 1, 2
    colors = {1: (10, 20, 30), 2: (250, 0, 50)}
    drawn = visualization.draw_segmentation_masks(IMAGES, masks, color_mapping=colors, alpha=0.25)
    assert drawn.dtype == np.uint8
    np.testing.assert_array_equal(drawn[0, 0, 0], [152, 155, 157])
    np.testing.assert_array_equal(drawn[0, 20, 0], [200, 200, 200])
    flat = visualization.draw_segmentation_masks(IMAGES, masks[..., None], 2, colors, blend=False)
    np.testing.assert_array_equal(flat[1, 5, 5], [10, 20, 30])
    np.testing.assert_array_equal(flat[1, 35, 5], [200, 200, 200])
    own = visualization.draw_segmentation_masks(IMAGES, masks, ignore_index=0)
    assert len({tuple(own[0, row, 0]) for row in (0, 20, 35)}) == 3
    np.testing.assert_array_equal(own[0, 20, 0], [200, 200, 200])
    first = visualization.draw_segmentation_masks(
        np.moveaxis(IMAGES, -1, 1), masks[:, None], ignore_index=0, data_format="channels_first"
    )
    np.testing.assert_array_equal(np.moveaxis(first, 1, -1), own)


def test_galleries(tmp_path):
    many = np.random.default_rng(0).uniform(0, 1, (5, 8, 8, 1))
    names = {0: "cat", 1: "dog"}
    figure = visualization.plot_image_gallery(
        many, [0, 1, 0, 1, 7], np.zeros(5, int), names, value_range=(0, 1), show=False
    )
    assert [axis.get_title() for axis in figure.axes] == [
        "Label: cat  Pred: cat", "Label: dog  Pred: cat", "Label: cat  Pred: cat", "Label: dog  Pred: cat",
        "Label: Unknown  Pred: cat", "",
    ]  # fmt: skip
    np.testing.assert_array_equal(figure.axes[4].images[0].get_array()[..., 0], np.round(many[4, ..., 0] * 255))
    for arguments in ({"rows": 1}, {"cols": 2}, {"rows": 2, "cols": 2}):
        figure = visualization.plot_image_gallery(many, show=False, **arguments)
        assert sum(bool(axis.images) for axis in figure.axes) == min(5, len(figure.axes))
    path = tmp_path / "gallery.png"
    assert visualization.plot_image_gallery(many, rows=1, scale=1, dpi=40, path=path, transparent=False) is None
    with Image.open(path) as image:
        assert image.width > 3 * image.height


def test_galleries_with_boxes_and_masks():
    figure = visualization.plot_bounding_box_gallery(
        np.moveaxis(IMAGES, -1, 1), "xyxy", BOXES, BOXES, class_mapping={0: "cat", 1: "dog"}, legend=True, show=False,
        data_format="channels_first", rows=1,
    )  # fmt: skip
    assert len(figure.axes) == 2
    assert len(figure.legends) == 1
    masks = np.ones((2, 40, 60, 1), "float32")
    figure = visualization.plot_segmentation_mask_gallery(IMAGES, 2, y_true=masks, y_pred=masks, show=False)
    assert len(figure.axes) == 6


@pytest.mark.parametrize(
    ("name", "arguments", "keywords", "message"),
    [
        ("draw_bounding_boxes", (IMAGES[0], BOXES, "xyxy"), {}, "4D"),
        ("draw_bounding_boxes", (IMAGES, {"boxes": []}, "xyxy"), {}, "labels"),
        ("draw_bounding_boxes", (IMAGES, BOXES | {"labels": [[1, 2]]}, "xyxy"), {}, "fit"),
        ("draw_bounding_boxes", (IMAGES, BOXES, "xyxy"), {"color": (1, 2)}, "color"),
        ("draw_bounding_boxes", (IMAGES, BOXES, "xyxy"), {"line_thickness": 0}, "line_thickness"),
        ("draw_bounding_boxes", (IMAGES[..., :2], BOXES, "xyxy"), {}, "channels"),
        ("draw_segmentation_masks", (IMAGES, np.ones((2, 3, 3), int)), {}, "each pixel"),
        ("draw_segmentation_masks", (IMAGES, np.ones((2, 40, 60), int)), {"alpha": 2}, "alpha"),
        ("plot_image_gallery", (IMAGES,), {"path": "a.png", "show": True}, "path"),
        ("plot_image_gallery", (IMAGES, [0, 1]), {}, "label_map"),
        ("plot_image_gallery", (IMAGES,), {"value_range": (1, 1)}, "value_range"),
        ("plot_image_gallery", (IMAGES,), {"rows": 0}, "rows"),
        ("plot_bounding_box_gallery", (IMAGES, "xyxy"), {"legend": True, "legend_handles": [1]}, "legend"),
    ],
)
def test_bad_arguments(name, arguments, keywords, message):
    with pytest.raises(ValueError, match=message):
        getattr(visualization, name)(*arguments, **keywords)


def test_bad_types():
    with pytest.raises(TypeError, match="dict"):
        visualization.draw_bounding_boxes(IMAGES, [1], "xyxy")
    with pytest.raises(TypeError, match="integer"):
        visualization.draw_segmentation_masks(IMAGES, np.ones((2, 40, 60)))
