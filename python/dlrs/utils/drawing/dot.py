"""Graphs in the language of Graphviz, for those who have it; pictures need it not."""

import os
from html import escape
from pathlib import Path

from dlrs.utils.drawing.canvas import Canvas
from dlrs.utils.drawing.graph import Box, Cell, Graph, Group
from dlrs.utils.drawing.picture import FAINT, FRAME, GROUND, HEADS, LINE, PILLS, draw
from dlrs.utils.drawing.raster import bitmap
from dlrs.utils.drawing.svg import svg_text

_BITMAPS = {"bmp": "BMP", "gif": "GIF", "jpeg": "JPEG", "jpg": "JPEG", "pdf": "PDF", "png": "PNG", "tiff": "TIFF"}
FORMATS = ("dot", "svg", *_BITMAPS)


class Dot:
    """The graph of a model, as text in Graphviz's language or as a picture, with the methods of pydot's class.

    Args:
        graph: boxes, groups and arrows.
        rankdir: where arrows lead: `"TB"`, `"LR"`, `"BT"` or `"RL"`.
        dpi: pixels in an inch of bitmaps.
        splines: form of the arrows: `"ortho"`, `"curved"`, `"spline"`, `"polyline"` or `"line"`.
        is_cluster: whether the text is of a cluster for another graph.
    """

    def __init__(
        self, graph: Graph, rankdir: str = "TB", dpi: float = 200, splines: str = "ortho", is_cluster: bool = False
    ) -> None:
        self.graph = graph
        self.rankdir = rankdir
        self.dpi = dpi
        self.splines = splines
        self.is_cluster = is_cluster

    def to_string(self) -> str:
        """The text in Graphviz's language."""
        numbers = {box.key: f"n{number}" for number, box in enumerate(self.graph.root.boxes())}
        edges = [f"{numbers[source]} -> {numbers[target]};" for source, target in self.graph.edges]
        if self.is_cluster:
            return "\n".join([*_cluster(self.graph.root, numbers, ""), *edges]) + "\n"
        lines = [
            "digraph G {",
            f'  graph [rankdir={self.rankdir}, splines={self.splines}, dpi={self.dpi:g}, fontname="Helvetica"];',
            '  node [shape=plain, fontname="Helvetica"];',
            f'  edge [color="{LINE}"];',
        ]
        for member in self.graph.root.members:
            lines += _member(member, numbers, "  ")
        return "\n".join([*lines, *(f"  {edge}" for edge in edges), "}"]) + "\n"

    def canvas(self) -> Canvas:
        """The picture, before it is written in some format."""
        return draw(self.graph, self.rankdir, self.splines)

    def create(self, prog: object = None, format: str = "svg") -> bytes:
        """The picture as the content of a file.

        Args:
            prog: a program of Graphviz, which is not needed.
            format: `"svg"`, `"dot"` (the text), `"png"`, `"pdf"`, or another that Pillow writes.

        Raises:
            ImportError: a bitmap without Pillow (the `image` extra).
            ValueError: another format.
        """
        import io

        if format not in FORMATS:
            raise ValueError(f"A picture of a model can be one of {FORMATS}, got {format!r}.")
        if format == "dot":
            return self.to_string().encode()
        if format == "svg":
            return svg_text(self.canvas()).encode()
        file = io.BytesIO()
        options = {"resolution": self.dpi} if format == "pdf" else {"dpi": (self.dpi, self.dpi)}
        bitmap(self.canvas(), self.dpi).save(file, _BITMAPS[format], **options)
        return file.getvalue()

    def create_svg(self, prog: object = None) -> bytes:
        """The picture as SVG."""
        return self.create(prog, "svg")

    def create_png(self, prog: object = None) -> bytes:
        """The picture as PNG."""
        return self.create(prog, "png")

    def write(self, path: str | os.PathLike[str], prog: object = None, format: str = "dot") -> bool:
        """Write a file; `format` as of `create`."""
        Path(path).write_bytes(self.create(prog, format))
        return True

    def write_svg(self, path: str | os.PathLike[str], prog: object = None) -> bool:
        """Write the picture as SVG."""
        return self.write(path, prog, "svg")

    def write_png(self, path: str | os.PathLike[str], prog: object = None) -> bool:
        """Write the picture as PNG."""
        return self.write(path, prog, "png")

    def _repr_svg_(self) -> str:
        return svg_text(self.canvas())

    def __str__(self) -> str:
        return self.to_string()


def _cluster(group: Group, numbers: dict[str, str], indent: str) -> list[str]:
    first = next(group.boxes())
    lines = [
        f"{indent}subgraph cluster_{numbers[first.key]}_{group.key} {{",
        f'{indent}  label="{_quoted(group.name)}"; labeljust=l; style="dashed,rounded"; color="{FRAME}";',
    ]
    for member in group.members:
        lines += _member(member, numbers, indent + "  ")
    return [*lines, f"{indent}}}"]


def _member(member: Box | Group, numbers: dict[str, str], indent: str) -> list[str]:
    if isinstance(member, Group):
        return _cluster(member, numbers, indent)
    return [f"{indent}{numbers[member.key]} [label=<{_label(member)}>];"]


def _label(box: Box) -> str:
    width = max((len(row) for row in box.rows), default=1)
    head = f"<b>{escape(box.name)}</b> ({escape(box.kind)})" if box.show_name else f"<b>{escape(box.kind)}</b>"
    rows = [f'<tr><td colspan="{width}" bgcolor="{HEADS[box.family]}"><font color="white">{head}</font></td></tr>']
    for row in box.rows:
        spread = f' colspan="{width}"' if len(row) == 1 else ""
        rows.append(f"<tr>{''.join(_cell(cell, spread) for cell in row)}</tr>")
    return f'<table border="0" cellborder="1" cellspacing="0" cellpadding="6" color="{FRAME}">{"".join(rows)}</table>'


def _cell(cell: Cell, spread: str) -> str:
    if cell.tone != "plain":
        return f'<td{spread} bgcolor="{PILLS[cell.tone]}"><font color="white"><b>{escape(cell.value)}</b></font></td>'
    label = f'<font point-size="10" color="{FAINT}">{escape(cell.label)}</font>'
    return f'<td{spread} bgcolor="{GROUND}">{label}<br/>{escape(cell.value)}</td>'


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
