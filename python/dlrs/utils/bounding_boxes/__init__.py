"""Rectangles in images: formats, overlap, and what a detector learns of them."""

from dlrs.layers.image_preprocessing.bounding_boxes import clip_to_image_size, convert_format
from dlrs.utils.bounding_boxes.converters import (
    affine_transform,
    crop,
    decode_deltas_to_boxes,
    encode_box_to_deltas,
    pad,
)
from dlrs.utils.bounding_boxes.iou import compute_ciou, compute_iou

__all__ = [
    "affine_transform",
    "clip_to_image_size",
    "compute_ciou",
    "compute_iou",
    "convert_format",
    "crop",
    "decode_deltas_to_boxes",
    "encode_box_to_deltas",
    "pad",
]
