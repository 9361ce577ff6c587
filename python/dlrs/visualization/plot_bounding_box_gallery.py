"""Images with rectangles, in rows and columns."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlrs.backend.checks import check_flags
from dlrs.visualization.draw_bounding_boxes import draw_bounding_boxes
from dlrs.visualization.pixels import as_batch, bytes_in_range, check_color
from dlrs.visualization.plot_image_gallery import plot_image_gallery


def plot_bounding_box_gallery(
    images: Any,
    bounding_box_format: str,
    y_true: Mapping[str, Any] | None = None,
    y_pred: Mapping[str, Any] | None = None,
    value_range: Sequence[float] = (0, 255),
    true_color: Sequence[int] = (0, 188, 212),
    pred_color: Sequence[int] = (255, 235, 59),
    line_thickness: int = 2,
    font_scale: float = 1.0,
    text_thickness: int | None = None,
    class_mapping: Mapping[int, str] | None = None,
    ground_truth_mapping: Mapping[int, str] | None = None,
    prediction_mapping: Mapping[int, str] | None = None,
    legend: bool = False,
    legend_handles: Sequence[Any] | None = None,
    rows: int | None = None,
    cols: int | None = None,
    data_format: str | None = None,
    **kwargs: Any,
) -> Any:
    """Show images with the rectangles that are in them and those that a model found.

    Args:
        images: (batch, height, width, channels).
        bounding_box_format: as of `dlrs.utils.bounding_boxes.convert_format`.
        y_true: the boxes of the images, a dict as of `draw_bounding_boxes`.
        y_pred: boxes that were predicted, likewise.
        value_range: the numbers that stand for black and white.
        true_color: red, green and blue of the former.
        pred_color: of the latter.
        line_thickness: as of `draw_bounding_boxes`, like the next two.
        font_scale: size of letters.
        text_thickness: of letters; `line_thickness` by default.
        class_mapping: names of classes.
        ground_truth_mapping: names for the boxes of the images, if they are others.
        prediction_mapping: names for predicted boxes, if they are others.
        legend: whether to say below the images which colour is which.
        legend_handles: entries of a legend instead.
        rows: as of `plot_image_gallery`, like those that follow.
        cols: number of columns.
        data_format: order of the axes of `images`.
        **kwargs: further arguments of `plot_image_gallery`.

    Returns:
        What `plot_image_gallery` returns.

    Raises:
        ImportError: Matplotlib or Pillow is not installed (the extras `plot` and `image`).
        ValueError: both `legend` and `legend_handles`, or what the two functions refuse.

    >>> boxes = {"boxes": np.array([[[1, 1, 6, 5]]]), "labels": np.array([[0]])}
    >>> figure = plot_bounding_box_gallery(np.zeros((1, 8, 8, 3)), "xyxy", boxes, legend=True, show=False)
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['Ground Truth', 'Prediction']
    """
    own = "plot_bounding_box_gallery"
    pixels = bytes_in_range(own, as_batch(own, images, data_format), value_range)
    colors = [check_color(own, "true_color", true_color), check_color(own, "pred_color", pred_color)]
    names = [ground_truth_mapping or class_mapping, prediction_mapping or class_mapping]
    for boxes, color, mapping in zip((y_true, y_pred), colors, names, strict=True):
        if boxes is not None:
            pixels = draw_bounding_boxes(
                pixels,
                boxes,
                bounding_box_format,
                class_mapping=mapping,
                color=color,
                line_thickness=line_thickness,
                text_thickness=line_thickness if text_thickness is None else text_thickness,
                font_scale=font_scale,
                data_format="channels_last",
            )
    check_flags(own, legend=legend)
    if legend:
        if legend_handles:
            raise ValueError(f"{own}: Only pass `legend` OR `legend_handles`.")
        legend_handles = _patches(colors, ("Ground Truth", "Prediction"))
    return plot_image_gallery(
        pixels, rows=rows, cols=cols, legend_handles=legend_handles, data_format="channels_last", **kwargs
    )


def _patches(colors: Sequence[Sequence[int]], labels: Sequence[str]) -> list[Any]:
    try:
        from matplotlib.patches import Patch
    except ImportError as error:
        raise ImportError("Galleries are drawn by Matplotlib (`pip install dlrs[plot]`).") from error
    return [Patch(color=np.array(color) / 255, label=label) for color, label in zip(colors, labels, strict=True)]
