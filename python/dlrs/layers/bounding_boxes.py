"""Formats of bounding boxes: four numbers along the last axis."""

from typing import Any

from dlrs import ops
from dlrs.backend import is_float_dtype

# What the numbers are; those that begin with `rel_` are parts of the image's width and height instead of pixels.
FORMATS = ("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh")


def convert_boxes(boxes: Any, source: str, target: str, height: int, width: int) -> Any:
    """Boxes of format `source` in an image of `height` times `width` pixels, in format `target`.

    Errors: ValueError for a format that is not known.

    >>> convert_boxes([[2.0, 2.0, 4.0, 6.0]], "xyxy", "rel_center_xywh", 8, 8).tolist()
    [[0.375, 0.5, 0.25, 0.5]]
    """
    for name in (source, target):
        if name not in FORMATS:
            raise ValueError(f"`bounding_box_format` must be one of {FORMATS}. Received: {name!r}")
    boxes = ops.convert_to_tensor(boxes)
    if not is_float_dtype(boxes.dtype):
        boxes = ops.cast(boxes, "float32")
    if source == target:
        return boxes
    sides = _to_sides(ops.unstack(boxes, 4, axis=-1), source.removeprefix("rel_"))
    if source.startswith("rel_"):
        sides = [side * size for side, size in zip(sides, (width, height) * 2, strict=True)]
    if target.startswith("rel_"):
        sides = [side / size for side, size in zip(sides, (width, height) * 2, strict=True)]
    return ops.stack(_from_sides(sides, target.removeprefix("rel_")), axis=-1)


def _to_sides(parts: list[Any], source: str) -> list[Any]:
    """Left, top, right and bottom."""
    a, b, c, d = parts
    if source == "xyxy":
        return [a, b, c, d]
    if source == "yxyx":
        return [b, a, d, c]
    if source == "xywh":
        return [a, b, a + c, b + d]
    x, y, w, h = (a, b, c, d) if source == "center_xywh" else (b, a, d, c)
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


def _from_sides(sides: list[Any], target: str) -> list[Any]:
    left, top, right, bottom = sides
    if target == "xyxy":
        return [left, top, right, bottom]
    if target == "yxyx":
        return [top, left, bottom, right]
    w, h = right - left, bottom - top
    if target == "xywh":
        return [left, top, w, h]
    x, y = left + w / 2, top + h / 2
    return [x, y, w, h] if target == "center_xywh" else [y, x, h, w]


def clip_boxes(boxes: Any, height: int, width: int) -> tuple[Any, Any]:
    """Boxes of format `xyxy`, cut off at the borders of the image, and whether any of their area is left."""
    left, top, right, bottom = ops.unstack(boxes, 4, axis=-1)
    left, right = ops.clip(left, 0, width), ops.clip(right, 0, width)
    top, bottom = ops.clip(top, 0, height), ops.clip(bottom, 0, height)
    return ops.stack([left, top, right, bottom], axis=-1), (right - left) * (bottom - top) > 0
