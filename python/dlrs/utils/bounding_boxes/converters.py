"""Rectangles in images that are turned, cut and padded; and as differences from anchors."""

import math
from collections.abc import Sequence
from typing import Any

from dlrs import ops
from dlrs.backend.checks import check_type
from dlrs.config import epsilon
from dlrs.layers.image_preprocessing.bounding_boxes import clip_to_image_size, convert_format

__all__ = [
    "affine_transform",
    "clip_to_image_size",
    "convert_format",
    "crop",
    "decode_deltas_to_boxes",
    "encode_box_to_deltas",
    "pad",
]

_ENCODINGS = ("center_xywh", "center_yxhw")


def affine_transform(
    boxes: Any,
    angle: Any,
    translate_x: Any,
    translate_y: Any,
    scale: Any,
    shear_x: Any,
    shear_y: Any,
    height: Any,
    width: Any,
    center_x: Any = None,
    center_y: Any = None,
    bounding_box_format: str = "xyxy",
) -> Any:
    """The rectangles around boxes whose corners are moved, sheared, turned and scaled about a fixed point.

    A corner p goes to c + scale · L · (p - c + t), where L shears and turns, counterclockwise on the screen.

    Args:
        boxes: (batch, n, 4), or (n, 4) of one image.
        angle: degrees; this and the next five are (batch,), or numbers for all images.
        translate_x: the shift t along the x axis, as a share of `width - 1`.
        translate_y: likewise along the y axis, of `height - 1`.
        scale: factor of size.
        shear_x: degrees.
        shear_y: degrees.
        height: of the images, in pixels.
        width: likewise.
        center_x: the fixed point c, as a share of `width - 1`; the middle by default.
        center_y: likewise, of `height - 1`.
        bounding_box_format: `"xyxy"`, the only one.

    Returns:
        Boxes of the same shape, float32. They may reach out of the image; see `clip_to_image_size`.

    Raises:
        ValueError: another format or shape.

    >>> affine_transform([[0.0, 0.0, 4.0, 2.0]], 90, 0, 0, 1, 0, 0, height=11, width=11).numpy().round(3).tolist()
    [[0.0, 6.0, 2.0, 10.0]]
    """
    x1, y1, x2, y2 = _corners("affine_transform", boxes, bounding_box_format)
    numbers = (angle, shear_x, shear_y, scale, translate_x, translate_y, center_x, center_y)
    turn, across, along, scale, tx, ty, cx, cy = (_per_image(0.5 if v is None else v, x1.ndim) for v in numbers)
    xx, xy, yx, yy = _turned_and_sheared(*(x * (-math.pi / 180) for x in (turn, across, along)))
    size_x, size_y = (ops.cast(size, "float32") - 1.0 for size in (width, height))
    from_x = ops.concatenate([x1, x2, x2, x1], axis=-1) + (tx - cx) * size_x
    from_y = ops.concatenate([y1, y1, y2, y2], axis=-1) + (ty - cy) * size_y
    x = cx * size_x + scale * (xx * from_x + xy * from_y)
    y = cy * size_y + scale * (yx * from_x + yy * from_y)
    sides = [ops.min(x, -1, True), ops.min(y, -1, True), ops.max(x, -1, True), ops.max(y, -1, True)]
    return ops.concatenate(sides, axis=-1)


def _turned_and_sheared(turn: Any, across: Any, along: Any) -> tuple[Any, Any, Any, Any]:
    """The inverse, row by row, of a map of determinant one: shear by two angles, then turn (all in radians)."""
    a = ops.cos(turn - along) / ops.cos(along)
    b = a * ops.tan(across) + ops.sin(turn)
    c = -ops.sin(turn - along) / ops.cos(along)
    d = ops.cos(turn) - c * ops.tan(across)
    return d, -b, -c, a


def _per_image(value: Any, rank: int) -> Any:
    """A number, or one for each image, as it meets (batch, n, 1) or (n, 1)."""
    value = ops.cast(ops.convert_to_tensor(value), "float32")
    if value.ndim > rank - 2:
        raise ValueError(f"affine_transform: expected a number for each of the images, got the shape {value.shape}.")
    return ops.reshape(value, (-1,) + (1,) * (rank - 1)) if value.ndim else value


def _corners(function: str, boxes: Any, bounding_box_format: str) -> list[Any]:
    """The four numbers of each box, as tensors (..., 1)."""
    if bounding_box_format != "xyxy":
        raise ValueError(
            f"{function}: `bounding_box_format` must be 'xyxy', got {bounding_box_format!r}; see `convert_format`."
        )
    boxes = in_format(function, "boxes", boxes, "xyxy", "xyxy")
    if boxes.ndim not in (2, 3):
        raise ValueError(f"{function}: `boxes` must have the shape (n, 4) or (batch, n, 4), got {boxes.shape}.")
    return list(ops.split(boxes, 4, axis=-1))


def crop(boxes: Any, top: Any, left: Any, height: Any, width: Any, bounding_box_format: str = "xyxy") -> Any:
    """Boxes in a window of the image, cut at its borders.

    Args:
        boxes: (n, 4) or (batch, n, 4).
        top: first row of the window.
        left: first column of the window.
        height: rows of the window.
        width: columns of the window.
        bounding_box_format: `"xyxy"`, the only one.

    Returns:
        Boxes of the same shape, float32; without area where a box lies outside.

    Raises:
        ValueError: another format or shape.

    >>> crop([[10, 20, 50, 60]], top=10, left=20, height=40, width=30).tolist()
    [[0.0, 10.0, 30.0, 40.0]]
    """
    x1, y1, x2, y2 = _corners("crop", boxes, bounding_box_format)
    sides = _moved((x1, y1, x2, y2), left, top, -1)
    limits = [ops.cast(n, "float32") for n in (width, height, width, height)]
    return ops.concatenate([ops.clip(x, 0.0, n) for x, n in zip(sides, limits, strict=True)], axis=-1)


def pad(
    boxes: Any, top: Any, left: Any, height: Any = None, width: Any = None, bounding_box_format: str = "xyxy"
) -> Any:
    """Boxes in the image with rows above it and columns left of it.

    Args:
        boxes: (n, 4) or (batch, n, 4).
        top: rows put above.
        left: columns put to the left.
        height: not needed.
        width: not needed.
        bounding_box_format: `"xyxy"`, the only one.

    Returns:
        Boxes of the same shape, float32.

    Raises:
        ValueError: another format or shape.

    >>> pad([[10, 20, 50, 60]], top=1, left=2).tolist()
    [[12.0, 21.0, 52.0, 61.0]]
    """
    return ops.concatenate(_moved(_corners("pad", boxes, bounding_box_format), left, top, 1), axis=-1)


def _moved(corners: Sequence[Any], left: Any, top: Any, sign: int) -> list[Any]:
    shifts = [sign * ops.cast(ops.convert_to_tensor(shift), "float32") for shift in (left, top)] * 2
    return [x + shift for x, shift in zip(corners, shifts, strict=True)]


def encode_box_to_deltas(
    anchors: Any,
    boxes: Any,
    anchor_format: str,
    box_format: str,
    encoding_format: str = "center_yxhw",
    variance: Any = None,
    image_shape: Sequence[Any] | None = None,
) -> Any:
    """What a detector is to predict for its anchors: shifts in units of their sizes, and logarithms of size ratios.

    Args:
        anchors: (n, 4).
        boxes: (n, 4) or (batch, n, 4), one for each anchor.
        anchor_format: as of `convert_format`.
        box_format: likewise.
        encoding_format: order of the result: `"center_yxhw"` or `"center_xywh"`.
        variance: four numbers by which the result is divided.
        image_shape: (height, width, channels), for relative formats.

    Returns:
        Deltas of the shape of `boxes`, float32.

    Source: Girshick et al. 2014 (arXiv 1311.2524), appendix C.

    Raises:
        ValueError: an unknown format, or `variance` has not four numbers.

    >>> encode_box_to_deltas([[0, 0, 10, 10]], [[5, 0, 15, 20]], "xyxy", "xyxy").numpy().round(4).tolist()
    [[0.5, 0.5, 0.6931, 0.0]]
    """
    to, scale, size = _encoding("encode_box_to_deltas", "encoding_format", encoding_format, variance, image_shape)
    anchors = in_format("encode_box_to_deltas", "anchors", anchors, anchor_format, to, *size)
    boxes = in_format("encode_box_to_deltas", "boxes", boxes, box_format, to, *size)
    check_partners("encode_box_to_deltas", "anchors", anchors, "boxes", boxes)
    anchor_sizes = ops.maximum(anchors[..., 2:], epsilon())
    box_sizes = ops.maximum(boxes[..., 2:], epsilon())
    shifts = (boxes[..., :2] - anchors[..., :2]) / anchor_sizes
    deltas = ops.concatenate([shifts, ops.log(box_sizes / anchor_sizes)], axis=-1)
    return deltas if scale is None else deltas / scale


def decode_deltas_to_boxes(
    anchors: Any,
    boxes_delta: Any,
    anchor_format: str,
    box_format: str,
    encoded_format: str = "center_yxhw",
    variance: Any = None,
    image_shape: Sequence[Any] | None = None,
) -> Any:
    """The boxes that a detector predicts: the inverse of `encode_box_to_deltas`.

    Args:
        anchors: (n, 4), or a dict of them by level.
        boxes_delta: (n, 4) or (batch, n, 4), or a dict with the same keys.
        anchor_format: as of `convert_format`.
        box_format: likewise, of the result.
        encoded_format: order of the deltas: `"center_yxhw"` or `"center_xywh"`.
        variance: four numbers by which the deltas are multiplied.
        image_shape: (height, width, channels), for relative formats.

    Returns:
        Boxes of the shape of the deltas, float32, or a dict of them.

    Raises:
        ValueError: an unknown format, `variance` has not four numbers, or the dicts have other keys.

    >>> decode_deltas_to_boxes([[0, 0, 10, 10]], [[0.5, 0.5, 0.0, 0.0]], "xyxy", "xywh").tolist()
    [[5.0, 5.0, 10.0, 10.0]]
    """
    to, scale, size = _encoding("decode_deltas_to_boxes", "encoded_format", encoded_format, variance, image_shape)
    if isinstance(anchors, dict) or isinstance(boxes_delta, dict):
        check_type("decode_deltas_to_boxes", "anchors", anchors, dict, "a dict like `boxes_delta`")
        check_type("decode_deltas_to_boxes", "boxes_delta", boxes_delta, dict, "a dict like `anchors`")
        if set(anchors) != set(boxes_delta):
            raise ValueError(
                f"decode_deltas_to_boxes: `anchors` has the keys {list(anchors)}, `boxes_delta` {list(boxes_delta)}."
            )
        arguments = (anchor_format, box_format, encoded_format, variance, image_shape)
        return {level: decode_deltas_to_boxes(anchors[level], boxes_delta[level], *arguments) for level in anchors}
    anchors = in_format("decode_deltas_to_boxes", "anchors", anchors, anchor_format, to, *size)
    deltas = in_format("decode_deltas_to_boxes", "boxes_delta", boxes_delta, "xyxy", "xyxy")
    check_partners("decode_deltas_to_boxes", "anchors", anchors, "boxes_delta", deltas)
    deltas = deltas if scale is None else deltas * scale
    centers = deltas[..., :2] * anchors[..., 2:] + anchors[..., :2]
    sizes = ops.exp(deltas[..., 2:]) * anchors[..., 2:]
    return convert_format(ops.concatenate([centers, sizes], axis=-1), to, box_format, *size)


def _encoding(
    function: str, argument: str, encoding: str, variance: Any, image_shape: Sequence[Any] | None
) -> tuple[str, Any, tuple[Any, Any]]:
    if encoding not in _ENCODINGS:
        raise ValueError(f"{function}: `{argument}` must be one of {_ENCODINGS}, got {encoding!r}.")
    if variance is not None:
        variance = ops.cast(ops.convert_to_tensor(variance), "float32")
        if variance.shape != (4,):
            raise ValueError(f"{function}: `variance` must be length 4, got {variance}.")
    return encoding, variance, image_size(function, image_shape)


def in_format(
    function: str,
    argument: str,
    boxes: Any,
    source: str,
    target: str,
    height: Any = None,
    width: Any = None,
    dtype: str = "float32",
) -> Any:
    """`convert_format` of the argument of a function, which its errors name; a dict is refused."""
    if isinstance(boxes, dict):
        raise TypeError(f"{function}: `{argument}` must be boxes (..., 4), got a dict.")
    try:
        return convert_format(boxes, source, target, height, width, dtype)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{function}, `{argument}`: {error}") from error


def check_partners(function: str, first: str, a: Any, second: str, b: Any) -> None:
    """ValueError unless two sets of boxes have, or can be repeated to, the same shape."""
    for m, n in zip(a.shape[::-1], b.shape[::-1], strict=False):
        if m != n and None not in (m, n) and 1 not in (m, n):
            raise ValueError(f"{function}: `{first}` of shape {a.shape} and `{second}` of shape {b.shape} do not fit.")


def image_size(function: str, image_shape: Sequence[Any] | None) -> tuple[Any, Any]:
    """Height and width of `image_shape`, (height, width, channels); Nones if it is None."""
    if image_shape is None:
        return None, None
    check_type(function, "image_shape", image_shape, tuple | list, "a tuple (height, width, channels)", optional=True)
    if len(image_shape) != 3:
        raise ValueError(f"{function}: `image_shape` must be (height, width, channels), got {image_shape}.")
    return image_shape[0], image_shape[1]
