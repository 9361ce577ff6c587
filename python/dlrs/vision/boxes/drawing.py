"""Boxes drawn on a picture, and curves of precision over recall."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlrs.backend.checks import check_type
from dlrs.vision.boxes.arrays import Array, as_labels, as_numbers
from dlrs.visualization import draw_bounding_boxes

if TYPE_CHECKING:
    from dlrs.vision.boxes.precision import DetectionReport

Names = Mapping[int, str] | Sequence[str] | None

# Colours that can be told apart, also by most who see few colours (Okabe and Ito 2008), by class.
COLORS = ((0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167), (86, 180, 233), (213, 94, 0), (240, 228, 66))


def draw(
    image: Any,
    boxes: Any,
    classes: Any = None,
    scores: Any = None,
    class_names: Names = None,
    bounding_box_format: str = "xyxy",
    line_thickness: int = 2,
    font_scale: float = 1.0,
) -> Array:
    """A picture with boxes on it, in a colour for each class, with names and scores.

    Args:
        image: (height, width, channels), with 1, 3 or 4 channels; integers from 0 to 255, or floats from 0 to 255 or
            to 1.
        boxes: (n, 4).
        classes: integers (n,), not negative; one class by default.
        scores: (n,), written behind the names.
        class_names: names of classes, a dict or a list; without it no text is written.
        bounding_box_format: as of `convert_format`; the picture gives the size for relative ones.
        line_thickness: pixels.
        font_scale: size of the letters, in units of 14 pixels.

    Returns:
        An array of bytes of the shape of `image`, which stays as it is.

    Raises:
        ImportError: names without Pillow (the `image` extra).
        ValueError: shapes that do not fit, an unknown format, or a negative class.
        TypeError: an argument of another kind.

    >>> picture = draw(np.zeros((6, 6, 3), "uint8"), [[1, 1, 4, 4]], line_thickness=1)
    >>> picture[1].tolist() == [[0, 0, 0]] + [[0, 114, 178]] * 4 + [[0, 0, 0]]
    True
    """
    picture = as_numbers("draw", "image", image)
    if picture.ndim != 3:
        raise ValueError(f"draw: `image` must have the shape (height, width, channels), got {picture.shape}.")
    corners = as_numbers("draw", "boxes", boxes)
    corners = corners.reshape(0, 4) if corners.shape == (0,) else corners
    if corners.ndim != 2 or corners.shape[1] != 4:
        raise ValueError(f"draw: `boxes` must have the shape (n, 4), got {corners.shape}.")
    count = corners.shape[:1]
    labels = np.zeros(count, "int64") if classes is None else as_labels("draw", "classes", classes, count)
    if (labels < 0).any():
        raise ValueError(f"draw: `classes` must not be negative, got {int(labels.min())}.")
    values = None if scores is None else as_numbers("draw", "scores", scores)
    if values is not None and values.shape != count:
        raise ValueError(f"draw: `scores` must have the shape {count}, got {values.shape}.")
    names = names_of("draw", class_names)
    # The best one last, above the others.
    order = np.arange(len(corners)) if values is None else np.argsort(values, kind="stable")
    groups = [order[labels[order] == label] for label in np.unique(labels)] or [order]
    batch = picture[None]
    for group in groups:
        label = int(labels[group[0]]) if len(group) else 0
        given = {"boxes": corners[group][None], "labels": labels[group][None]}
        if values is not None:
            given["confidences"] = values[group][None]
        batch = draw_bounding_boxes(
            batch,
            given,
            bounding_box_format,
            class_mapping=names,
            color=COLORS[label % len(COLORS)],
            line_thickness=line_thickness,
            font_scale=font_scale,
            data_format="channels_last",
        )
    drawn: Array = batch[0]
    return drawn


def names_of(function: str, class_names: Names) -> dict[int, str]:
    """Names by class.

    Raises:
        TypeError: they are neither a dict nor a list.
    """
    check_type(function, "class_names", class_names, Mapping | list | tuple, "a dict or list of names", optional=True)
    if class_names is None:
        return {}
    return dict(class_names) if isinstance(class_names, Mapping) else dict(enumerate(class_names))


def plot_precision_recall(
    report: "DetectionReport", class_names: Names = None, path: str | os.PathLike[str] | None = None
) -> Any:
    """Precision over recall of each class that has objects; see `DetectionReport.plot`."""
    names = names_of("plot", class_names)
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("Curves of precision are drawn by Matplotlib (`pip install dlrs[plot]`).") from error
    # Not by pyplot, which keeps figures for ever and asks for a screen.
    figure = Figure(figsize=(5.6, 4.2), layout="constrained")
    axes = figure.add_subplot()
    counted = {label: curve for label, curve in report.curves.items() if curve.objects}
    for number, (label, curve) in enumerate(counted.items()):
        color = tuple(np.array(COLORS[number % len(COLORS)]) / 255)
        # A curve begins at recall 0, with the precision of its first point.
        recall = np.append(curve.recall[:1] * 0, curve.recall)
        precision = np.append(curve.precision[:1], curve.precision)
        text = f"{names.get(label, label)} (AP {report.average_precisions[label]:.3f})"
        axes.plot(recall, precision, color=color, linewidth=1.8, label=text)
        best = np.maximum.accumulate(precision[::-1])[::-1]
        axes.step(recall, best, color=color, alpha=0.4, linestyle="--", where="pre")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.05))
    axes.set_title(f"mAP {report.mean_average_precision:.3f} at an overlap of {report.iou_threshold:g}")
    axes.grid(alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if counted:
        axes.legend(frameon=False)
    if path is not None:
        figure.savefig(os.fspath(path), dpi=150)
    return figure
