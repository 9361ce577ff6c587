"""Images in rows and columns."""

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlrs.backend.checks import check_count, check_flags, check_number, check_type
from dlrs.visualization.pixels import as_array, as_batch, bytes_in_range


def plot_image_gallery(
    images: Any,
    y_true: Any = None,
    y_pred: Any = None,
    label_map: Mapping[int, str] | None = None,
    rows: int | None = None,
    cols: int | None = None,
    value_range: Sequence[float] = (0, 255),
    scale: float = 2,
    path: str | os.PathLike[str] | None = None,
    show: bool | None = None,
    transparent: bool = True,
    dpi: float = 60,
    legend_handles: Sequence[Any] | None = None,
    data_format: str | None = None,
) -> Any:
    """Show images beside each other, with what they are and what a model takes them for.

    Args:
        images: (batch, height, width, channels), with 1, 3 or 4 channels.
        y_true: classes of the images, (batch,).
        y_pred: classes that were predicted, (batch,).
        label_map: names of the classes; needed with `y_true` or `y_pred`.
        rows: number of rows; by default as many as give a square.
        cols: number of columns; by default as many as the images need.
        value_range: the numbers that stand for black and white.
        scale: width of an image in inches.
        path: a file to write, in any format of Matplotlib.
        show: whether to show the figure; by default if there is no `path`.
        transparent: whether the ground of the file is transparent.
        dpi: pixels in an inch of the file.
        legend_handles: entries of a legend below the images, as of Matplotlib.
        data_format: order of the axes of `images`.

    Returns:
        Matplotlib's figure if it is neither written nor shown; else None, and it is closed.

    Raises:
        ImportError: Matplotlib is not installed (the `plot` extra).
        ValueError: `path` and `show` together, classes without `label_map`, or shapes that do not fit.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot_image_gallery(np.zeros((3, 8, 8, 3)), path=folder + "/gallery.png")
    ...     os.listdir(folder)
    ['gallery.png']
    """
    own = "plot_image_gallery"
    if path is not None and show:
        raise ValueError(f"{own}: expects either `path` to be set, or `show` to be true.")
    if (y_true is not None or y_pred is not None) and label_map is None:
        raise ValueError(f"{own}: If `y_true` or `y_pred` are provided, a `label_map` must also be provided.")
    check_type(own, "label_map", label_map, Mapping, "a dict", optional=True)
    check_number(own, "scale", scale, above=0, most=100)
    check_number(own, "dpi", dpi, least=1, most=10_000)
    if legend_handles is not None and not all(hasattr(handle, "get_label") for handle in legend_handles):
        raise TypeError(f"{own}: `legend_handles` must be a list of Matplotlib's patches, got {legend_handles!r}.")
    check_flags(own, transparent=transparent, show=show is not None and show)
    batch = as_batch(own, images, data_format)
    rows, cols = _grid(own, len(batch), rows, cols)
    pixels = bytes_in_range(own, batch[: rows * cols], value_range)
    titles = _titles(len(pixels), y_true, y_pred, label_map or {})
    plt = _pyplot()
    tall = float(np.clip(pixels.shape[1] / max(pixels.shape[2], 1), 0.1, 10)) * scale + (0.3 if any(titles) else 0.0)
    size = (cols * scale, rows * tall + (0.6 if legend_handles is not None else 0.0))
    figure, axes = plt.subplots(rows, cols, figsize=size, frameon=False, layout="constrained", squeeze=False)
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03, wspace=0, hspace=0)
    for index, axis in enumerate(axes.ravel()):
        axis.axis("off")
        if index < len(pixels):
            axis.imshow(pixels[index])
            if titles[index]:
                axis.set_title(titles[index], fontsize=8)
    if legend_handles is not None:
        figure.legend(handles=legend_handles, loc="outside lower center", ncols=len(legend_handles))
    if path is not None:
        figure.savefig(os.fspath(path), pad_inches=0, bbox_inches="tight", transparent=transparent, dpi=dpi)
    elif show is None or show:
        plt.show()
    else:
        return figure
    plt.close(figure)
    return None


def _pyplot() -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("Galleries are drawn by Matplotlib (`pip install dlrs[plot]`).") from error
    return plt


def _grid(function: str, count: int, rows: int | None, cols: int | None) -> tuple[int, int]:
    check_count(function, "rows", rows, 1, optional=True)
    check_count(function, "cols", cols, 1, optional=True)
    if count == 0:
        raise ValueError(f"{function}: there are no images.")
    for name, number in (("rows", rows), ("cols", cols)):
        if number is not None and number > 10_000:
            raise ValueError(f"{function}: `{name}` must be at most 10,000, got {number}.")
    if rows is None:
        rows = math.ceil(math.sqrt(count)) if cols is None else math.ceil(count / cols)
    cols = math.ceil(count / rows) if cols is None else cols
    if rows * cols > 10_000:
        raise ValueError(f"{function}: {rows} rows of {cols} images are more than can be shown.")
    return rows, cols


def _titles(count: int, y_true: Any, y_pred: Any, names: Mapping[int, str]) -> list[str]:
    parts: list[list[str]] = [[] for _ in range(count)]
    for what, classes in (("Label", y_true), ("Pred", y_pred)):
        if classes is not None:
            values = as_array("plot_image_gallery", "the classes", classes).reshape(-1)
            for part, value in zip(parts, values.tolist(), strict=False):
                part.append(f"{what}: {names.get(value, 'Unknown')}")
    return ["  ".join(part) for part in parts]
