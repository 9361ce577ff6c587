"""Rectangles drawn into images."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlrs import ops
from dlrs.backend.checks import check_count, check_number, check_type
from dlrs.utils.bounding_boxes import convert_format
from dlrs.visualization.pixels import Array, as_array, as_batch, as_bytes, as_given, check_color, in_channels

# Height of letters at a scale of one, in pixels.
_LETTERS = 14


def draw_bounding_boxes(
    images: Any,
    bounding_boxes: Mapping[str, Any],
    bounding_box_format: str,
    class_mapping: Mapping[int, str] | None = None,
    color: Sequence[int] = (128, 128, 128),
    line_thickness: int = 2,
    text_thickness: int = 1,
    font_scale: float = 1.0,
    data_format: str | None = None,
) -> Array:
    """Images with rectangles, and the names of what is in them.

    Args:
        images: (batch, height, width, channels), with 1, 3 or 4 channels; integers from 0 to 255, or floats from 0 to
            255 or to 1.
        bounding_boxes: a dict with `"boxes"`, (batch, n, 4); `"labels"`, (batch, n), integers, of which -1 means that
            there is no box; and, if wanted, `"confidences"`, (batch, n).
        bounding_box_format: as of `dlrs.utils.bounding_boxes.convert_format`.
        class_mapping: names of the labels; a box whose label has none gets none.
        color: red, green and blue from 0 to 255.
        line_thickness: pixels.
        text_thickness: of the letters; 1 is plain.
        font_scale: size of the letters, in units of 14 pixels.
        data_format: order of the axes of `images`.

    Returns:
        An array of bytes of the shape of `images`, which stay as they are.

    Raises:
        ImportError: names without Pillow (the `image` extra).
        TypeError: `bounding_boxes` is no dict.
        ValueError: shapes that do not fit, missing keys, or a bad number.

    >>> image = np.zeros((1, 6, 6, 3), "uint8")
    >>> boxes = {"boxes": [[[1, 1, 4, 4]]], "labels": [[0]]}
    >>> draw_bounding_boxes(image, boxes, "xyxy", color=(255, 0, 0), line_thickness=1)[0, :, :, 0].tolist()[1]
    [0, 255, 255, 255, 255, 0]
    """
    own = "draw_bounding_boxes"
    batch = as_batch(own, images, data_format)
    check_type(own, "bounding_boxes", bounding_boxes, Mapping, "a dict")
    if "boxes" not in bounding_boxes or "labels" not in bounding_boxes:
        raise ValueError(
            f"{own}: `bounding_boxes` should be a dict containing 'boxes' and 'labels' keys. Received: "
            f"bounding_boxes={bounding_boxes}"
        )
    check_type(own, "class_mapping", class_mapping, Mapping, "a dict", optional=True)
    check_count(own, "line_thickness", line_thickness, 1)
    check_count(own, "text_thickness", text_thickness, 1, optional=True)
    check_number(own, "font_scale", font_scale, above=0, most=100)
    paint = in_channels(check_color(own, "color", color), batch.shape[-1])
    boxes = convert_format(bounding_boxes["boxes"], bounding_box_format, "xyxy", *batch.shape[1:3])
    corners = np.nan_to_num(ops.convert_to_numpy(boxes))
    labels = as_array(own, "bounding_boxes['labels']", bounding_boxes["labels"])
    confidences = bounding_boxes.get("confidences")
    confidences = None if confidences is None else as_array(own, "bounding_boxes['confidences']", confidences)
    count = (len(batch), corners.shape[1] if corners.ndim == 3 else -1)
    for name, values in (("boxes", corners[..., 0]), ("labels", labels), ("confidences", confidences)):
        if values is not None and values.shape != count:
            raise ValueError(
                f"{own}: `bounding_boxes[{name!r}]` does not fit {len(batch)} images with so many boxes each. "
                f"Received: boxes.shape={corners.shape}, labels.shape={labels.shape}"
            )
    result = as_bytes(batch)
    for index, image in enumerate(result):
        for number in np.flatnonzero(labels[index] != -1):
            box = [int(x) for x in np.clip(corners[index, number], -1e6, 1e6)]
            _frame(image, box, paint, int(line_thickness))
            title = (class_mapping or {}).get(int(labels[index, number]))
            if title is not None:
                score = "" if confidences is None else f" | {confidences[index, number]:.2f}"
                thickness = int(text_thickness or line_thickness)
                _write(image, f"{title}{score}", box, color, round(_LETTERS * font_scale), thickness)
    return as_given(result, data_format)


def _frame(image: Array, box: Sequence[int], paint: Array, thickness: int) -> None:
    """The sides of a box, whose lines lie about its edges."""
    left, top, right, bottom = (x - (thickness - 1) // 2 for x in box)
    width, height = image.shape[1], image.shape[0]

    def fill(x0: int, y0: int, x1: int, y1: int) -> None:
        image[max(y0, 0) : max(min(y1, height), 0), max(x0, 0) : max(min(x1, width), 0)] = paint

    fill(left, top, right + thickness, top + thickness)
    fill(left, bottom, right + thickness, bottom + thickness)
    fill(left, top, left + thickness, bottom + thickness)
    fill(right, top, right + thickness, bottom + thickness)


def _write(image: Array, text: str, box: Sequence[int], color: Sequence[int], size: int, thickness: int) -> None:
    """A tab with a text above the box, or in it at the upper border of the image."""
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise ImportError("Names in images are drawn by Pillow (`pip install dlrs[image]`).") from error
    font = ImageFont.load_default(max(size, 4))
    stroke = (thickness - 1) / 4
    left, top, right, bottom = font.getbbox(text, stroke_width=stroke, anchor="ls")
    tab = Image.new("RGB", (max(int(right - left) + 6, 1), max(int(bottom - top) + 6, 1)), tuple(color))
    # Letters that can be read on any colour.
    brightness = 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]
    ink = "black" if brightness > 140 else "white"
    ImageDraw.Draw(tab).text((3 - left, 3 - top), text, fill=ink, font=font, anchor="ls", stroke_width=stroke)
    pixels = np.asarray(tab)
    x = max(min(box[0], image.shape[1] - pixels.shape[1]), 0)
    y = box[1] - pixels.shape[0] if box[1] >= pixels.shape[0] else max(box[1], 0)
    place = image[y : y + pixels.shape[0], x : x + pixels.shape[1]]
    pixels = pixels[: place.shape[0], : place.shape[1]]
    if place.shape[-1] == 1:
        place[...] = (pixels @ np.array([0.299, 0.587, 0.114]))[..., None]
    else:
        place[..., :3] = pixels
        place[..., 3:] = 255
