"""Rectangles that a detector finds: formats, overlap, losses, suppression, matching, precision and pictures."""

from dlrs.vision.boxes.drawing import draw
from dlrs.vision.boxes.formats import convert
from dlrs.vision.boxes.losses import (
    CIoULoss,
    DIoULoss,
    GIoULoss,
    IoULoss,
    ciou_loss,
    diou_loss,
    giou_loss,
    iou_loss,
)
from dlrs.vision.boxes.matching import Matches, match, match_shapes
from dlrs.vision.boxes.overlap import (
    ciou,
    diou,
    giou,
    iou,
    pairwise_ciou,
    pairwise_diou,
    pairwise_giou,
    pairwise_iou,
)
from dlrs.vision.boxes.precision import (
    DetectionReport,
    PrecisionRecall,
    average_precision_11_point,
    average_precision_all_point,
    evaluate_detections,
)
from dlrs.vision.boxes.suppression import nms, soft_nms_gaussian, soft_nms_linear

__all__ = [
    "CIoULoss",
    "DIoULoss",
    "DetectionReport",
    "GIoULoss",
    "IoULoss",
    "Matches",
    "PrecisionRecall",
    "average_precision_11_point",
    "average_precision_all_point",
    "ciou",
    "ciou_loss",
    "convert",
    "diou",
    "diou_loss",
    "draw",
    "evaluate_detections",
    "giou",
    "giou_loss",
    "iou",
    "iou_loss",
    "match",
    "match_shapes",
    "nms",
    "pairwise_ciou",
    "pairwise_diou",
    "pairwise_giou",
    "pairwise_iou",
    "soft_nms_gaussian",
    "soft_nms_linear",
]
