"""Rectangles in images: formats, clipping, and what maps of images do to them."""

from typing import Any

from dlrs import ops
from dlrs.backend.checks import check_type

FORMATS = (
    "xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh",
)  # fmt: skip


def convert_format(
    boxes: Any, source: str, target: str, height: Any = None, width: Any = None, dtype: str = "float32"
) -> Any:
    """Boxes in another format.

    Args:
        boxes: tensor (..., 4), or a dict whose `"boxes"` are one.
        source: the format: `"xyxy"` (left, top, right, bottom), `"yxyx"`, `"xywh"` (left, top, width, height),
            `"center_xywh"`, `"center_yxhw"`; with `"rel_"` before it, as shares of the image's width and height.
        target: the format wanted.
        height: of the image, needed to go from absolute to relative numbers or back.
        width: likewise.
        dtype: type of the result.

    Raises:
        ValueError: an unknown format, another shape, or no size where one is needed.

    >>> convert_format([[1.0, 2.0, 3.0, 5.0]], "xyxy", "xywh").tolist()
    [[1.0, 2.0, 2.0, 3.0]]
    """
    check_type("convert_format", "source", source, str, "a string")
    check_type("convert_format", "target", target, str, "a string")
    if isinstance(boxes, dict):
        if "boxes" not in boxes:
            raise ValueError(f"convert_format: `boxes` must be a tensor or a dict with 'boxes', got {list(boxes)}.")
        return {**boxes, "boxes": convert_format(boxes["boxes"], source, target, height, width, dtype)}
    boxes = ops.cast(ops.convert_to_tensor(boxes), dtype)
    if boxes.shape[-1:] != (4,):
        raise ValueError(f"`boxes` must be a tensor with the last dimension of 4. Received: boxes.shape={boxes.shape}")
    source, target = source.lower(), target.lower()
    for name in (source, target):
        if name not in FORMATS:
            raise ValueError(f"Invalid source or target format {name!r}. Supported formats: {FORMATS}")
    from_relative, to_relative = source.startswith("rel_"), target.startswith("rel_")
    if (from_relative or to_relative) and (height is None or width is None):
        raise ValueError(
            "convert_format() must receive `height` and `width` transforming between relative and absolute formats. "
            f"It received source={source!r}, target={target!r}, but height={height} and width={width}."
        )
    corners = _to_corners(boxes, source.removeprefix("rel_"))
    if from_relative != to_relative:
        size = [ops.cast(side, dtype) for side in (width, height)] * 2
        corners = [x * s if from_relative else x / s for x, s in zip(corners, size, strict=True)]
    return ops.concatenate(_from_corners(corners, target.removeprefix("rel_")), axis=-1)


def _to_corners(boxes: Any, source: str) -> list[Any]:
    a, b, c, d = ops.split(boxes, 4, axis=-1)
    if source in ("yxyx", "center_yxhw"):
        a, b, c, d = b, a, d, c
    if source.startswith("center"):
        return [a - c / 2, b - d / 2, a + c / 2, b + d / 2]
    return [a, b, a + c, b + d] if source == "xywh" else [a, b, c, d]


def _from_corners(corners: list[Any], target: str) -> list[Any]:
    a, b, c, d = corners
    if target.startswith("center"):
        a, b, c, d = (a + c) / 2, (b + d) / 2, c - a, d - b
    elif target == "xywh":
        c, d = c - a, d - b
    return [b, a, d, c] if target in ("yxyx", "center_yxhw") else [a, b, c, d]


def clip_to_image_size(
    bounding_boxes: dict[str, Any], height: Any = None, width: Any = None, bounding_box_format: str = "xyxy"
) -> dict[str, Any]:
    """Boxes cut at the borders of the image; labels of boxes of which nothing is left become -1.

    Args:
        bounding_boxes: `{"boxes": ..., "labels": ...}`.
        height: of the image, for `"xyxy"`.
        width: likewise.
        bounding_box_format: `"xyxy"` or `"rel_xyxy"`.

    Raises:
        ValueError: another format, or `"xyxy"` without a size.

    >>> boxes = {"boxes": [[-1.0, 0.0, 9.0, 2.0]]}
    >>> clip_to_image_size(boxes, height=4, width=4)["boxes"].tolist()
    [[0.0, 0.0, 4.0, 2.0]]
    """
    check_type("clip_to_image_size", "bounding_box_format", bounding_box_format, str, "a string")
    if not isinstance(bounding_boxes, dict) or "boxes" not in bounding_boxes:
        raise ValueError(f"clip_to_image_size: `bounding_boxes` must be a dict with 'boxes', got {bounding_boxes!r}.")
    if bounding_box_format == "rel_xyxy":
        height = width = 1.0
    elif bounding_box_format != "xyxy":
        raise ValueError(f"clip_to_image_size: expected 'xyxy' or 'rel_xyxy', got {bounding_box_format!r}.")
    if height is None or width is None:
        raise ValueError("`height` and `width` must be set if `format='xyxy'`.")
    boxes = ops.convert_to_tensor(bounding_boxes["boxes"])
    corners = ops.split(boxes, 4, axis=-1)
    cut = [ops.clip(x, 0.0, ops.cast(side, boxes.dtype)) for x, side in zip(corners, [width, height] * 2, strict=True)]
    result = {**bounding_boxes, "boxes": ops.concatenate(cut, axis=-1)}
    labels = bounding_boxes.get("labels")
    if labels is not None:
        area = ops.squeeze((cut[2] - cut[0]) * (cut[3] - cut[1]), axis=-1)
        result["labels"] = ops.where(area > 0, labels, -1)
    return result


def through(boxes: Any, transform: Any) -> Any:
    """The rectangles around boxes `xyxy` in images seen through `ops.image.affine_transform(..., transform)`.

    Args:
        boxes: (batch, n, 4), or (n, 4) in every image.
        transform: (batch, 8): from positions in the result to positions in the image.

    Returns: boxes (batch, n, 4).
    """
    dtype = boxes.dtype
    one = ops.ones((transform.shape[0], 1), dtype)
    forward = ops.inv(ops.reshape(ops.concatenate([ops.cast(transform, dtype), one], axis=1), (-1, 1, 3, 3)))
    a, b, c, d = ops.split(boxes, 4, axis=-1)
    x, y = ops.concatenate([a, c, a, c], axis=-1), ops.concatenate([b, b, d, d], axis=-1)
    points = ops.stack([x, y, ops.ones_like(x)], axis=-1)
    moved = ops.matmul(points, ops.swapaxes(forward, -1, -2))
    places = moved[..., :2] / moved[..., 2:]
    return ops.concatenate([ops.min(places, axis=-2), ops.max(places, axis=-2)], axis=-1)


def densify(bounding_boxes: Any) -> dict[str, Any]:
    """`{"boxes": ..., "labels": ...}` as tensors.

    Raises:
        ValueError: another structure or other ranks.
    """
    if not isinstance(bounding_boxes, dict) or "labels" not in bounding_boxes or "boxes" not in bounding_boxes:
        raise ValueError(
            "Expected `bounding_boxes` argument to be a dict with keys 'boxes' and 'labels'. Received: "
            f"bounding_boxes={bounding_boxes}"
        )
    boxes = ops.cast(ops.convert_to_tensor(bounding_boxes["boxes"]), "float32")
    labels = ops.convert_to_tensor(bounding_boxes["labels"])
    if boxes.ndim not in (2, 3):
        raise ValueError(
            "Expected `bounding_boxes['boxes']` to have rank 2 or 3, with shape (num_boxes, 4) or (batch_size, "
            f"num_boxes, 4). Received: bounding_boxes['boxes'].shape={boxes.shape}"
        )
    if labels.ndim not in (boxes.ndim - 1, boxes.ndim):
        raise ValueError(
            f"Found bounding_boxes['boxes'].shape={boxes.shape} and expected bounding_boxes['labels'] to have rank "
            f"{boxes.ndim - 1} or {boxes.ndim}, but received: bounding_boxes['labels'].shape={labels.shape}"
        )
    return {**bounding_boxes, "boxes": boxes, "labels": labels}
