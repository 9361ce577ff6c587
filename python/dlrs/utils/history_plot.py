"""Learning curves."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from dlrs.backend.checks import check_type

_TRAINING, _VALIDATION = "#1e4e8c", "#d97706"


def plot_history(
    history: Any,
    metrics: Sequence[str] | None = None,
    path: str | os.PathLike[str] | None = None,
    title: str | None = None,
) -> Any:
    """The results of a training over its epochs: a panel for the loss and for each metric, with those of validation.

    Args:
        history: what `fit` returned, or its `history`, a dict of lists.
        metrics: names of the results to show, without `val_`; all by default.
        path: a file to write, in any format of Matplotlib.
        title: stands above the panels.

    Returns:
        Matplotlib's figure, which notebooks show.

    Raises:
        ImportError: Matplotlib is not installed (the `plot` extra).
        TypeError: `history` is neither.
        ValueError: no results, or none of a name.

    >>> figure = plot_history({"loss": [1.0, 0.5, 0.3], "val_loss": [1.1, 0.7, 0.6]})
    >>> [axes.get_title() for axes in figure.axes]
    ['loss']
    """
    values = getattr(history, "history", history)
    check_type("plot_history", "history", values, Mapping, "a `History` or its dict")
    check_type("plot_history", "metrics", metrics, list | tuple, "a list of names", optional=True)
    names = list(dict.fromkeys(str(name).removeprefix("val_") for name in values)) if metrics is None else list(metrics)
    unknown = [name for name in names if name not in values and f"val_{name}" not in values]
    if unknown or not names:
        raise ValueError(f"plot_history: there are no results {unknown}; there are {list(values)}.")
    try:
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator
    except ImportError as error:
        raise ImportError("Learning curves are drawn by Matplotlib (`pip install dlrs[plot]`).") from error
    columns = min(len(names), 3)
    rows = -(-len(names) // columns)
    # Not by pyplot, which keeps figures for ever and asks for a screen.
    figure = Figure(figsize=(4.6 * columns, 3.2 * rows), layout="constrained")
    epochs = getattr(history, "epoch", None)
    for number, name in enumerate(names, 1):
        axes = figure.add_subplot(rows, columns, number)
        for key, label, color in ((name, "training", _TRAINING), (f"val_{name}", "validation", _VALIDATION)):
            if key in values:
                _curve(axes, values[key], epochs, label, color)
        axes.set_title(name)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.25)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        if f"val_{name}" in values:
            axes.legend(frameon=False)
    if title is not None:
        figure.suptitle(title)
    if path is not None:
        figure.savefig(os.fspath(path), dpi=150)
    return figure


def _curve(axes: Any, values: Sequence[Any], epochs: Sequence[int] | None, label: str, color: str) -> None:
    # Epochs count from one, as `fit` prints them.
    known = epochs is not None and len(epochs) == len(values)
    at = [epoch + 1 for epoch in epochs] if known and epochs is not None else list(range(1, len(values) + 1))
    marker = "o" if len(values) <= 20 else None
    axes.plot(at, values, label=label, color=color, linewidth=1.8, marker=marker, markersize=3)
