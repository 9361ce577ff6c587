"""A map of words."""

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dlrs import ops
from dlrs.text.tsne import check_points, tsne

if TYPE_CHECKING:
    from dlrs.text.word_vectors import WordVectors

Array = np.ndarray[Any, Any]

_MOST_WORDS = 1000
# Okabe and Ito's colours, which the colour-blind can tell apart.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#b0a000")
# Where a name may stand beside its point, in widths and heights of the name: the right first.
_PLACES = ((0.0, -0.5), (-1.0, -0.5), (-0.5, 0.25), (-0.5, -1.25), (0.0, 0.1), (-1.0, 0.1), (0.0, -1.1), (-1.0, -1.1))


def principal_components(x: Any, dimensions: int = 2) -> Array:
    """Coordinates of points along the directions in which they vary most, float64 (points, dimensions).

    Each direction's sign is such that its largest number is positive; where there are fewer directions than asked for,
    coordinates are 0.

    >>> principal_components([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]], 1).round(3).tolist()
    [[-1.414], [0.0], [1.414]]
    """
    points = check_points("principal_components", x)
    _, _, directions = (np.asarray(part) for part in ops.svd(points, full_matrices=False))
    directions = directions[:dimensions]
    peaks = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], 1)
    found = points @ (directions * np.where(peaks < 0, -1.0, 1.0)).T * (float(np.abs(np.asarray(x)).max()) or 1.0)
    return np.pad(found, ((0, 0), (0, dimensions - found.shape[1])))


def coordinates(
    vectors: "WordVectors", words: Any, method: str, perplexity: float | None, seed: int | None, own: str
) -> tuple[dict[str, list[str]], Array]:
    """Groups of words, and a place on the map for each word."""
    groups = _groups(own, words)
    listed = [word for group in groups.values() for word in group]
    if not isinstance(method, str) or method not in ("pca", "tsne"):
        raise ValueError(f'{own}: `method` must be "pca" or "tsne", got {method!r:.60}.')
    if not 3 <= len(listed) <= _MOST_WORDS:
        raise ValueError(f"{own}: `words` must be 3 to {_MOST_WORDS} words, got {len(listed)}.")
    twice = {word for word in listed if listed.count(word) > 1}
    if twice:
        raise ValueError(f"{own}: the word {min(twice)!r:.60} occurs twice.")
    rows = [vectors.row(word) for word in listed]
    directions, scales = (each[rows].astype(np.float64) for each in vectors._directions)
    points = directions * scales[:, None]
    if method == "pca":
        return groups, principal_components(points)
    if perplexity is None:
        perplexity = max(1.0, min(30.0, (len(rows) - 1) / 3))
    return groups, tsne(points, perplexity=perplexity, seed=seed)


def plot(
    vectors: "WordVectors",
    words: Any,
    method: str,
    path: str | os.PathLike[str] | None,
    title: str | None,
    perplexity: float | None,
    seed: int | None,
) -> Any:
    """What `WordVectors.plot` does."""
    groups, places = coordinates(vectors, words, method, perplexity, seed, "WordVectors.plot")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("Maps of words are drawn by Matplotlib (`pip install dlrs[plot]`).") from error
    figure = Figure(figsize=(7.5, 6), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    start, names = 0, []
    for number, (group, members) in enumerate(groups.items()):
        part, color = places[start : start + len(members)], _COLORS[number % len(_COLORS)]
        axes.scatter(part[:, 0], part[:, 1], color=color, s=14, label=group or None, zorder=2)
        names += [(word, color) for word in members]
        start += len(members)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.margins(0.08)
    axes.set_aspect("equal", adjustable="datalim")
    for side in axes.spines.values():
        side.set_color("#dddddd")
    if any(groups):
        figure.legend(loc="outside lower center", ncols=min(len(groups), 5), frameon=False)
    if title is not None:
        axes.set_title(title, loc="left")
    canvas.draw()  # names are placed where the axes then are
    _write_names(axes, canvas.get_renderer(), names, places)
    if path is not None:
        figure.savefig(os.fspath(path), dpi=150)
    return figure


def _write_names(axes: Any, renderer: Any, names: list[tuple[str, str]], places: Array) -> None:
    """Each name on the side of its point where it covers the fewest names and points."""
    at = axes.transData.transform(places)
    taken = np.concatenate([at - 2, at + 2], axis=1)
    for (word, color), point in zip(names, at, strict=True):
        text = axes.text(0, 0, word, color=color, fontsize=8, transform=None)
        box = text.get_window_extent(renderer)
        width, height = box.width, box.height
        best, fewest = None, np.inf
        for right, up in _PLACES:
            left, low = point[0] + right * width + 5 * (2 * right + 1), point[1] + up * height
            area = np.maximum(0, np.minimum(left + width, taken[:, 2]) - np.maximum(left, taken[:, 0]))
            area = area * np.maximum(0, np.minimum(low + height, taken[:, 3]) - np.maximum(low, taken[:, 1]))
            if area.sum() < fewest:
                best, fewest = (left, low), area.sum()
        assert best is not None
        taken = np.concatenate([taken, [[*best, best[0] + width, best[1] + height]]])
        text.remove()
        offset = (np.array(best) - point) * 72 / axes.figure.dpi
        axes.annotate(
            word, places[len(taken) - len(places) - 1], offset, textcoords="offset points", color=color, fontsize=8
        )


def _groups(own: str, words: Any) -> dict[str, list[str]]:
    given = words if isinstance(words, Mapping) else {"": words}
    groups = {}
    for name, members in given.items():
        if isinstance(members, str) or not isinstance(members, Iterable) or not isinstance(name, str):
            raise TypeError(f"{own}: `words` must be words, or a mapping from names to words, got {words!r:.60}.")
        groups[name] = list(members)
    return groups
