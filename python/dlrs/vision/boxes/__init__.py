"""Rectangles that a detector finds: formats, overlap, losses and suppression."""

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
from dlrs.vision.boxes.suppression import nms, soft_nms_gaussian, soft_nms_linear

__all__ = [
    "CIoULoss",
    "DIoULoss",
    "GIoULoss",
    "IoULoss",
    "ciou",
    "ciou_loss",
    "convert",
    "diou",
    "diou_loss",
    "giou",
    "giou_loss",
    "iou",
    "iou_loss",
    "nms",
    "pairwise_ciou",
    "pairwise_diou",
    "pairwise_giou",
    "pairwise_iou",
    "soft_nms_gaussian",
    "soft_nms_linear",
]
