"""Measures of overlap as losses of detectors: one less the measure, for each pair of boxes."""

from collections.abc import Sequence
from typing import Any

from dlrs.backend.serialization import register_builtins
from dlrs.losses import LossFunctionWrapper
from dlrs.vision.boxes.overlap import ciou, diou, giou, iou

Shape = Sequence[Any] | None


def iou_loss(y_true: Any, y_pred: Any, bounding_box_format: str = "xyxy", image_shape: Shape = None) -> Any:
    """`1 - iou` of boxes (..., 4) and those predicted for them, (...). Without a gradient where they are apart.

    Source: Yu et al. 2016, "UnitBox" (arXiv 1608.01471), which takes the logarithm instead.

    >>> iou_loss([[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.0, 2.0, 1.0]]).tolist()
    [0.5]
    """
    return 1.0 - iou(y_true, y_pred, bounding_box_format, image_shape)


def giou_loss(y_true: Any, y_pred: Any, bounding_box_format: str = "xyxy", image_shape: Shape = None) -> Any:
    """`1 - giou` of boxes (..., 4) and those predicted for them, (...) (Rezatofighi et al. 2019, arXiv 1902.09630).

    >>> giou_loss([[0.0, 0.0, 1.0, 1.0]], [[3.0, 0.0, 4.0, 1.0]]).tolist()
    [1.5]
    """
    return 1.0 - giou(y_true, y_pred, bounding_box_format, image_shape)


def diou_loss(y_true: Any, y_pred: Any, bounding_box_format: str = "xyxy", image_shape: Shape = None) -> Any:
    """`1 - diou` of boxes (..., 4) and those predicted for them, (...) (Zheng et al. 2020, arXiv 1911.08287).

    >>> diou_loss([[0.0, 0.0, 2.0, 2.0]], [[2.0, 2.0, 4.0, 4.0]]).tolist()
    [1.25]
    """
    return 1.0 - diou(y_true, y_pred, bounding_box_format, image_shape)


def ciou_loss(y_true: Any, y_pred: Any, bounding_box_format: str = "xyxy", image_shape: Shape = None) -> Any:
    """`1 - ciou` of boxes (..., 4) and those predicted for them, (...) (Zheng et al. 2020, arXiv 1911.08287).

    >>> ciou_loss([[0.0, 0.0, 2.0, 2.0]], [[2.0, 2.0, 4.0, 4.0]]).tolist()
    [1.25]
    """
    return 1.0 - ciou(y_true, y_pred, bounding_box_format, image_shape)


class _OverlapLoss(LossFunctionWrapper):
    """What the losses of boxes share: their arguments and shapes."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The losses of boxes whose shapes are equal."""
        if y_true.shape != y_pred.shape:
            raise ValueError(
                f"{type(self).__name__}: `y_true` and `y_pred` must have the same shape (..., 4), got {y_true.shape} "
                f"and {y_pred.shape}."
            )
        return self.fn(y_true, y_pred, **self._fn_kwargs)


class IoULoss(_OverlapLoss):
    """`iou_loss` of boxes (batch, ..., 4), reduced as by every loss.

    Args:
        reduction: as of `dlrs.losses.Loss`, like `name` and `dtype`.
        bounding_box_format: as of `convert_format`.
        image_shape: (height, width, channels), for relative formats.

    >>> IoULoss()([[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.0, 2.0, 1.0]]).item()
    0.5
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "iou_loss",
        bounding_box_format: str = "xyxy",
        image_shape: Shape = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            iou_loss, reduction, name, dtype, bounding_box_format=bounding_box_format, image_shape=image_shape
        )


class GIoULoss(_OverlapLoss):
    """`giou_loss` of boxes (batch, ..., 4), reduced as by every loss; the arguments are those of `IoULoss`.

    >>> GIoULoss()([[0.0, 0.0, 1.0, 1.0]], [[3.0, 0.0, 4.0, 1.0]]).item()
    1.5
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "giou_loss",
        bounding_box_format: str = "xyxy",
        image_shape: Shape = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            giou_loss, reduction, name, dtype, bounding_box_format=bounding_box_format, image_shape=image_shape
        )


class DIoULoss(_OverlapLoss):
    """`diou_loss` of boxes (batch, ..., 4), reduced as by every loss; the arguments are those of `IoULoss`.

    >>> DIoULoss()([[0.0, 0.0, 2.0, 2.0]], [[2.0, 2.0, 4.0, 4.0]]).item()
    1.25
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "diou_loss",
        bounding_box_format: str = "xyxy",
        image_shape: Shape = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            diou_loss, reduction, name, dtype, bounding_box_format=bounding_box_format, image_shape=image_shape
        )


class CIoULoss(_OverlapLoss):
    """`ciou_loss` of boxes (batch, ..., 4), reduced as by every loss; the arguments are those of `IoULoss`.

    >>> CIoULoss()([[0.0, 0.0, 2.0, 2.0]], [[2.0, 2.0, 4.0, 4.0]]).item()
    1.25
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "ciou_loss",
        bounding_box_format: str = "xyxy",
        image_shape: Shape = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            ciou_loss, reduction, name, dtype, bounding_box_format=bounding_box_format, image_shape=image_shape
        )


register_builtins((IoULoss, GIoULoss, DIoULoss, CIoULoss))
register_builtins((iou_loss, giou_loss, diou_loss, ciou_loss), "loss")
