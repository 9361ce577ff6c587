"""Pictures of models."""

import importlib
import os
import sys
from html import escape
from pathlib import Path
from typing import Any

from dlrs.backend.checks import check_flags, check_number
from dlrs.utils.drawing.arrange import DIRECTIONS
from dlrs.utils.drawing.dot import FORMATS, Dot
from dlrs.utils.drawing.graph import Facts, model_graph
from dlrs.utils.drawing.svg import svg_text
from dlrs.utils.summary_utils import summary_lines

_SPLINES = ("ortho", "curved", "spline", "polyline", "line")
# A notebook shows the table instead of larger models.
_MOST_BOXES = 150


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Dot:
    """The graph of a model's layers: `to_string()` is text for Graphviz, `create(format="svg")` a picture.

    Neither Graphviz nor pydot is needed.

    Args:
        model: a built model. One whose `call` is Python code is a single box.
        show_shapes: whether to show the shapes of inputs and outputs.
        show_dtype: whether to show the types of outputs.
        show_layer_names: whether to show the names of layers beside those of their classes.
        rankdir: where arrows lead: `"TB"` down, `"LR"` right, `"BT"` up, `"RL"` left.
        expand_nested: whether models within are drawn as groups of their layers.
        dpi: pixels in an inch of bitmaps.
        subgraph: whether the text is a cluster, for another graph.
        show_layer_activations: whether to show the activations of layers that have one.
        show_trainable: whether to say of layers with weights if they are trained.
        splines: form of the arrows: `"ortho"` (right angles), `"curved"`, `"spline"`, `"polyline"` or `"line"`.
        **kwargs: none.

    Raises:
        ValueError: the model is not built, or an argument is unknown or has another value.

    >>> from dlrs import Input, Sequential, layers
    >>> dot = model_to_dot(Sequential([Input((4,)), layers.Dense(3), layers.Dense(1)]), show_shapes=True)
    >>> dot.to_string().startswith("digraph"), dot.create(format="svg")[:4]
    (True, b'<svg')
    """
    if not getattr(model, "built", False) or not hasattr(model, "layers"):
        raise ValueError(
            "This model has not yet been built. Build the model first by calling `build()` or by calling the model on "
            f"a batch of data. Received: {model!r}"
        )
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments: {sorted(kwargs)}")
    if not isinstance(rankdir, str) or rankdir not in DIRECTIONS:
        raise ValueError(f"model_to_dot: `rankdir` must be one of {DIRECTIONS}, got {rankdir!r}.")
    if not isinstance(splines, str) or splines not in _SPLINES:
        raise ValueError(f"model_to_dot: `splines` must be one of {_SPLINES}, got {splines!r}.")
    check_flags(
        "model_to_dot",
        show_shapes=show_shapes,
        show_dtype=show_dtype,
        show_layer_names=show_layer_names,
        expand_nested=expand_nested,
        subgraph=subgraph,
        show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
    )
    check_number("model_to_dot", "dpi", dpi, least=1, most=10_000)
    facts = Facts(show_layer_names, show_shapes, show_dtype, show_layer_activations, show_trainable)
    return Dot(model_graph(model, facts, expand_nested), rankdir, dpi, splines, is_cluster=subgraph)


def plot_model(
    model: Any,
    to_file: str | os.PathLike[str] = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Any:
    """Draw a model's layers and write the picture to a file. SVG needs nothing else, bitmaps need Pillow.

    Args:
        model: a built model.
        to_file: the file; its ending says the format: `.svg`, `.png` (the default), `.pdf`, `.jpg`, or `.dot`, the text
            for Graphviz.
        show_shapes: as all that follow, see `model_to_dot`.

    Returns:
        In a notebook, the picture to be shown; else None.

    Raises:
        ImportError: a bitmap without Pillow (the `image` extra).
        ValueError: the model is not built, or an argument is unknown or has another value.
        OSError: the file cannot be written.

    >>> import tempfile
    >>> from dlrs import Input, Sequential, layers
    >>> model = Sequential([Input((4,)), layers.Dense(3, activation="relu"), layers.Dense(1)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot_model(model, folder + "/model.svg", show_shapes=True, show_layer_activations=True)
    ...     Path(folder, "model.svg").read_text()[:4]
    '<svg'
    """
    if not isinstance(to_file, str | os.PathLike):
        raise TypeError(f"plot_model: `to_file` must be a path, got {type(to_file).__name__}.")
    path = Path(to_file)
    ending = path.suffix[1:].lower() or "png"
    if ending not in FORMATS:
        raise ValueError(f"plot_model: `to_file` must end in one of {FORMATS}, got {to_file!r}.")
    dot = model_to_dot(
        model,
        show_shapes=show_shapes,
        show_dtype=show_dtype,
        show_layer_names=show_layer_names,
        rankdir=rankdir,
        expand_nested=expand_nested,
        dpi=dpi,
        show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
        splines=splines,
        **kwargs,
    )
    dot.write(path, format=ending)
    if "IPython" in sys.modules and ending in ("svg", "png", "jpg", "jpeg", "gif"):
        display = importlib.import_module("IPython.display")
        return display.SVG(filename=str(path)) if ending == "svg" else display.Image(filename=str(path))
    return None


def model_html(model: Any) -> str:
    """What a notebook shows for a model: its picture, or the table of its layers if it is large or no graph."""
    if model.built:
        graph = model_graph(model, Facts(shapes=True), expand_nested=True)
        if 1 < len(list(graph.root.boxes())) <= _MOST_BOXES:
            picture = svg_text(Dot(graph).canvas(), responsive=True)
            return f'<div style="max-height: 40em; overflow: auto">{picture}</div>'
    return f"<pre>{escape(chr(10).join(summary_lines(model, 88, None, False, False, None)))}</pre>"
