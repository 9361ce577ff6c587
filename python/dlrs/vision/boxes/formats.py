"""Boxes in another format, in the precision in which they came."""

from typing import Any

from dlrs.utils.bounding_boxes import convert_format


def convert(boxes: Any, source: str, target: str, height: Any = None, width: Any = None) -> Any:
    """Boxes in another format; `dlrs.utils.bounding_boxes.convert_format` in the type of the boxes.

    Args:
        boxes: (..., 4).
        source: the format they have: `"xyxy"` (left, top, right, bottom), `"yxyx"` (top, left, bottom, right), `"xywh"`
            (left, top, width, height), `"center_xywh"`, `"center_yxhw"`; with `"rel_"` before the first three and
            `"center_xywh"`, as shares of the image's width and height.
        target: the format wanted.
        height: of the image, needed to go from absolute to relative numbers or back.
        width: likewise.

    Returns:
        A tensor of the same shape; float64 if `boxes` are an array or tensor of float64, else float32.

    Raises:
        ValueError: an unknown format, another shape, or no size where one is needed.

    >>> convert([[10.0, 20.0, 30.0, 60.0]], "xyxy", "rel_center_xywh", height=80, width=40).tolist()
    [[0.5, 0.5, 0.5, 0.5]]
    """
    dtype = "float64" if str(getattr(boxes, "dtype", "")) == "float64" else "float32"
    return convert_format(boxes, source, target, height, width, dtype)
