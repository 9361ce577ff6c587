"""Pictures of models: what they show, and where things lie."""

import io
import itertools
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import dlrs
from dlrs import layers, utils
from dlrs.utils.drawing.canvas import Curve, Rectangle, Text, line_of
from dlrs.utils.drawing.graph import Facts, model_graph
from dlrs.utils.drawing.layout import Edge, layered
from dlrs.utils.drawing.picture import HEADS

Image = pytest.importorskip("PIL.Image")


def residual():
    x = dlrs.Input((4,), name="x")
    y = layers.Dense(4, activation="relu", name="hidden")(x)
    y = layers.Dropout(0.5, name="drop")(y)
    y = layers.Add(name="sum")([x, y])
    return dlrs.Model(x, layers.Dense(2, name="out", trainable=False)(y), name="residual")


def siamese():
    deep = dlrs.Sequential([dlrs.Input((4,)), layers.Dense(3, name="deepest")], name="deep")
    encoder = dlrs.Sequential([dlrs.Input((4,)), layers.Dense(4, name="first"), deep], name="encoder")
    p, q = dlrs.Input((3,), name="p"), dlrs.Input((3,), name="q")
    compare = dlrs.Model([p, q], layers.Subtract(name="minus")([p, q]), name="compare")
    a, b = dlrs.Input((4,), name="a"), dlrs.Input((4,), name="b")
    return dlrs.Model([a, b], compare([encoder(a), encoder(b)]), name="siamese")


def named_edges(graph):
    names = {box.key: box.name for box in graph.root.boxes()}
    return {(names[source], names[target]) for source, target in graph.edges}


def test_edges_of_a_functional_model():
    graph = model_graph(residual(), Facts())
    assert named_edges(graph) == {("x", "hidden"), ("hidden", "drop"), ("x", "sum"), ("drop", "sum"), ("sum", "out")}


def test_nested_models_become_groups():
    model = siamese()
    closed = model_graph(model, Facts())
    assert named_edges(closed) == {("a", "encoder"), ("b", "encoder"), ("encoder", "compare")}
    graph = model_graph(model, Facts(), expand_nested=True)
    assert named_edges(graph) == {
        ("a", "first"), ("b", "first"), ("first", "deepest"), ("deepest", "p"), ("deepest", "q"), ("p", "minus"),
        ("q", "minus"),
    }  # fmt: skip
    groups = {m.name: m for m in graph.root.members if hasattr(m, "members")}
    assert set(groups) == {"encoder", "compare"}
    assert [m.name for m in groups["encoder"].members] == ["first", "deep"]


def test_models_without_a_graph_are_one_box():
    class Own(dlrs.Model):
        def __init__(self):
            super().__init__(name="own")
            self.dense = layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    model = Own()
    with pytest.raises(ValueError, match="not yet been built"):
        utils.model_to_dot(model)
    model(np.ones((1, 3), "float32"))
    assert [box.name for box in model_graph(model, Facts()).root.boxes()] == ["own"]
    assert "own (Own)" in "".join(ElementTree.fromstring(utils.model_to_dot(model).create()).itertext())


def test_what_boxes_say():
    dot = utils.model_to_dot(
        residual(), show_shapes=True, show_dtype=True, show_layer_activations=True, show_trainable=True
    )
    words = [shape.pieces for shape in dot.canvas().shapes if isinstance(shape, Text)]
    texts = ["".join(text for text, _ in pieces) for pieces in words]
    assert "hidden (Dense)" in texts
    assert texts.count("relu") == 1
    assert "[(None, 4), (None, 4)]" in texts
    assert texts.count("float32") == 5
    assert (texts.count("Trainable"), texts.count("Non-trainable")) == (1, 1)
    assert "input shape" in texts
    bare = utils.model_to_dot(residual(), show_layer_names=False).canvas()
    assert "Dense" in [shape.pieces[0][0] for shape in bare.shapes if isinstance(shape, Text)]


def boxes_of(canvas):
    return [s for s in canvas.shapes if isinstance(s, Rectangle) and s.fill in HEADS.values() and s.tooltip]


def overlap(a, b):
    return (
        min(a.x + a.width, b.x + b.width) - max(a.x, b.x) > 0.01
        and min(a.y + a.height, b.y + b.height) - max(a.y, b.y) > 0.01
    )


def crosses(box, start, end):
    """Whether a line across or down leads through the inside of a box."""
    (x0, x1), (y0, y1) = sorted((start[0], end[0])), sorted((start[1], end[1]))
    return min(x1, box.x + box.width - 1) >= max(x0, box.x + 1) and min(y1, box.y + box.height - 1) >= max(
        y0, box.y + 1
    )


@pytest.mark.parametrize("rankdir", ["TB", "LR", "BT", "RL"])
@pytest.mark.parametrize("make", [residual, siamese])
def test_boxes_lie_apart_and_arrows_lead_to_them(make, rankdir):
    canvas = utils.model_to_dot(make(), show_shapes=True, rankdir=rankdir, expand_nested=True).canvas()
    boxes = boxes_of(canvas)
    assert not any(overlap(a, b) for a, b in itertools.combinations(boxes, 2))
    for box in boxes:
        assert box.x >= 0
        assert box.x + box.width <= canvas.width
        assert box.y >= 0
        assert box.y + box.height <= canvas.height
    lines = [shape for shape in canvas.shapes if isinstance(shape, Curve) and shape.width > 1]
    for line in lines:
        for piece in line.pieces:
            assert not any(crosses(box, piece[0], piece[-1]) for box in boxes)
        if line.arrow:
            side = {"TB": (0.5, 0), "LR": (0, 0.5), "BT": (0.5, 1), "RL": (1, 0.5)}[rankdir]
            ends = [(b.x + side[0] * b.width, b.y + side[1] * b.height) for b in boxes]
            assert any(np.allclose(line.end, end, atol=1.5) for end in ends), (line.end, ends)


def random_graph(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 25))
    sizes = [(float(rng.integers(20, 200)), float(rng.integers(20, 80))) for _ in range(count)]
    pairs = {(int(rng.integers(0, j)), j) for j in range(1, count) for _ in range(int(rng.integers(0, 4)))}
    return sizes, [Edge(i, j, sizes[i][0] / 2, sizes[j][0] / 2) for i, j in sorted(pairs)]


@pytest.mark.parametrize("seed", range(60))
def test_layouts_of_random_graphs(seed):
    sizes, edges = random_graph(seed)
    layout = layered(sizes, edges)
    boxes = [Rectangle(x, y, w, h) for (x, y), (w, h) in zip(layout.corners, sizes, strict=True)]
    assert not any(overlap(a, b) for a, b in itertools.combinations(boxes, 2))
    for edge, route in zip(edges, layout.routes, strict=True):
        assert np.allclose(
            route[0], (boxes[edge.source].x + edge.out_at, boxes[edge.source].y + boxes[edge.source].height)
        )
        assert np.allclose(route[-1], (boxes[edge.target].x + edge.in_at, boxes[edge.target].y), atol=1.01)
        for start, end in itertools.pairwise(route):
            assert start[0] == end[0] or start[1] == end[1]
            assert end[1] >= start[1]
            assert not any(crosses(box, start, end) for box in boxes)
    assert layered(sizes, edges).routes == layout.routes


def test_chains_are_straight():
    sizes = [(float(w), 20.0) for w in (100, 30, 170, 60, 90)]
    layout = layered(sizes, [Edge(i, i + 1, sizes[i][0] / 2, sizes[i + 1][0] / 2) for i in range(4)])
    assert len({x + w / 2 for (x, _), (w, _) in zip(layout.corners, sizes, strict=True)}) == 1
    assert all(len(route) == 2 for route in layout.routes)


@pytest.mark.parametrize("splines", ["ortho", "curved", "spline", "polyline", "line"])
def test_lines_are_whole(splines):
    points = [(0.0, 0.0), (0.0, 20.0), (50.0, 20.0), (50.0, 60.0), (50.0, 80.0), (10.0, 80.0), (10.0, 100.0)]
    pieces = line_of(points, splines)
    assert pieces[0][0] == points[0]
    assert pieces[-1][-1] == points[-1]
    assert all(before[-1] == after[0] for before, after in itertools.pairwise(pieces))
    assert any(len(piece) == 4 for piece in pieces) == (splines in ("ortho", "curved", "spline"))


def test_names_are_text():
    name = '<text><script>"&\x07é漢'
    model = dlrs.Sequential([dlrs.Input((2,)), layers.Dense(1, name=name)])
    dot = utils.model_to_dot(model)
    root = ElementTree.fromstring(dot.create())
    assert '<text><script>"&\ufffdé漢 (Dense)' in "".join(root.itertext())
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
    assert "&lt;script&gt;" in dot.to_string()
    assert Image.open(io.BytesIO(dot.create(format="png"))).width > 100


def test_text_for_graphviz():
    text = utils.model_to_dot(siamese(), expand_nested=True, rankdir="LR", splines="line", dpi=96).to_string()
    assert text.startswith("digraph G {\n  graph [rankdir=LR, splines=line, dpi=96")
    assert text.count("->") == 7
    assert text.count("subgraph cluster_") == 3
    assert text.count("{") == text.count("}")
    assert utils.model_to_dot(residual(), subgraph=True).to_string().startswith("subgraph cluster_")


def test_files(tmp_path):
    model = residual()
    heads = {"svg": b"<svg", "png": b"\x89PNG", "jpg": b"\xff\xd8", "pdf": b"%PDF", "dot": b"digraph"}
    for ending, head in heads.items():
        assert utils.plot_model(model, tmp_path / f"model.{ending}", show_shapes=True) is None
        assert (tmp_path / f"model.{ending}").read_bytes().startswith(head)
    utils.plot_model(model, str(tmp_path / "model"), dpi=72)
    canvas = utils.model_to_dot(model, show_layer_names=False).canvas()
    with Image.open(tmp_path / "model") as image:
        assert image.format == "PNG"
        assert image.size == (round(canvas.width), round(canvas.height))


def test_bitmaps_hold_what_vectors_hold():
    dot = utils.model_to_dot(residual(), dpi=72)
    canvas = dot.canvas()
    pixels = np.asarray(Image.open(io.BytesIO(dot.create_png())))
    for box in boxes_of(canvas):
        color = [int(str(box.fill)[i : i + 2], 16) for i in (1, 3, 5)]
        np.testing.assert_allclose(pixels[round(box.y + 4), round(box.x + 6)], color, atol=3)
    assert (pixels[2, 2] == 255).all()


def test_bad_arguments(tmp_path):
    model = residual()
    for bad, message in [
        ({"rankdir": "XY"}, "rankdir"),
        ({"splines": "wild"}, "splines"),
        ({"dpi": 0}, "dpi"),
        ({"layer_range": ["a"]}, "layer_range"),
        ({"to_file": "model.xyz"}, "xyz"),
    ]:
        with pytest.raises(ValueError, match=message):
            utils.plot_model(model, **{"to_file": tmp_path / "a.png", **bad})
    with pytest.raises(TypeError, match="to_file"):
        utils.plot_model(model, 3)
    with pytest.raises(ValueError, match="model"):
        utils.plot_model("model", tmp_path / "a.png")


def test_notebooks_show_pictures_or_tables():
    assert "<svg" in residual()._repr_html_()
    unbuilt = dlrs.Sequential([layers.Dense(1, name="<dense>")])
    assert unbuilt._repr_html_().startswith("<pre>Model:")
    assert "&lt;dense&gt;" in unbuilt._repr_html_()


def test_learning_curves(tmp_path):
    pytest.importorskip("matplotlib")
    model = dlrs.Sequential([dlrs.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    x = np.random.default_rng(0).normal(size=(20, 2)).astype("float32")
    history = model.fit(x, x[:, :1], epochs=3, validation_split=0.5, verbose=0)
    figure = history.plot(path=tmp_path / "curves.png", title="curves")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert [axes.get_title() for axes in figure.axes] == ["loss", "mae"]
    for axes in figure.axes:
        training, validation = axes.get_lines()
        assert training.get_xdata().tolist() == [1, 2, 3]
        assert training.get_ydata().tolist() == history.history[axes.get_title()]
        assert validation.get_ydata().tolist() == history.history[f"val_{axes.get_title()}"]
    assert len(utils.plot_history(history, metrics=["mae"]).axes) == 1
    for bad in ({}, {"metrics": ["f1"]}):
        with pytest.raises(ValueError, match="results"):
            utils.plot_history({} if not bad else history, **bad)
    with pytest.raises(TypeError, match="history"):
        utils.plot_history(3)
