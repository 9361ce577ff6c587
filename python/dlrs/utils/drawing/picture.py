"""The look of a model: its layers as boxes, with a head and cells below it."""

from dlrs.utils.drawing.arrange import DIRECTIONS, arranged
from dlrs.utils.drawing.canvas import Canvas, Curve, Point, Rectangle, Text, line_of, text_width
from dlrs.utils.drawing.graph import Box, Cell, Graph

MARGIN = 10.0
HEAD_HEIGHT, ROW_HEIGHT, RADIUS = 26.0, 34.0, 6.0
HEAD_SIZE, VALUE_SIZE, LABEL_SIZE = 12.0, 11.0, 8.5
HEAD_SPACE, CELL_SPACE = 14.0, 10.0

HEADS = {"input": "#64748b", "weights": "#1e4e8c", "other": "#334155"}
PILLS = {"good": "#15803d", "bad": "#b91c1c"}
INK, FAINT, FRAME, LINE, GROUND = "#0f172a", "#64748b", "#94a3b8", "#475569", "#ffffff"
GROUP_FILL, GROUP_FRAME = "#f1f5f9", "#94a3b8"


def draw(graph: Graph, rankdir: str = "TB", splines: str = "ortho") -> Canvas:
    """The picture of a graph.

    Args:
        graph: boxes, groups and arrows.
        rankdir: where arrows lead, as of `arranged`.
        splines: form of the lines, as of `line_of`.

    Raises:
        ValueError: another direction.
    """
    if rankdir not in DIRECTIONS:
        raise ValueError(f"`rankdir` must be one of {DIRECTIONS}, got {rankdir!r}.")
    boxes = list(graph.root.boxes())
    sizes = {box.key: _size(box) for box in boxes}
    block = arranged(graph, sizes, rankdir)
    canvas = Canvas(block.width + 2 * MARGIN, block.height + 2 * MARGIN)
    canvas.add(Rectangle(0, 0, canvas.width, canvas.height, fill=GROUND))
    for group, x, y, width, height in block.groups:
        frame = Rectangle(x + MARGIN, y + MARGIN, width, height, 10.0, GROUP_FILL, GROUP_FRAME, dashed=True)
        title = Text(frame.x + 10, frame.y + 12, ((group.name, True),), 10.0, LINE, centered=False)
        canvas.add(frame, title)
    for route, arrow in block.routes:
        points = [(x + MARGIN, y + MARGIN) for x, y in route]
        # Steps across are steps down in pictures from left to right; the forms are alike.
        canvas.add(Curve(line_of(points, splines), LINE, arrow=arrow))
    for box in boxes:
        x, y = block.boxes[box.key]
        _draw_box(canvas, box, x + MARGIN, y + MARGIN, *sizes[box.key])
    return canvas


def _head(box: Box) -> tuple[tuple[str, bool], ...]:
    return ((box.name, True), (f" ({box.kind})", False)) if box.show_name else ((box.kind, True),)


def _size(box: Box) -> Point:
    width = sum(text_width(text, HEAD_SIZE, bold) for text, bold in _head(box)) + 2 * HEAD_SPACE
    for row in box.rows:
        width = max(width, sum(map(_cell_width, row)))
    return max(width, 70.0), HEAD_HEIGHT + ROW_HEIGHT * len(box.rows)


def _cell_width(cell: Cell) -> float:
    value = text_width(cell.value, VALUE_SIZE, cell.tone != "plain") + (14 if cell.tone != "plain" else 0)
    return max(value, text_width(cell.label, LABEL_SIZE)) + 2 * CELL_SPACE


def _draw_box(canvas: Canvas, box: Box, x: float, y: float, width: float, height: float) -> None:
    canvas.add(Rectangle(x, y, width, height, RADIUS, fill=HEADS[box.family], tooltip=f"{box.name} ({box.kind})"))
    if box.rows:
        top = y + HEAD_HEIGHT
        canvas.add(
            Rectangle(x, top, width, height - HEAD_HEIGHT, RADIUS, fill=GROUND),
            Rectangle(x, top, width, RADIUS, fill=GROUND),
        )
    canvas.add(Text(x + width / 2, y + HEAD_HEIGHT / 2, _head(box), HEAD_SIZE, GROUND))
    for index, row in enumerate(box.rows):
        _draw_row(canvas, row, x, y + HEAD_HEIGHT + index * ROW_HEIGHT, width, index > 0)
    if box.rows:
        canvas.add(Rectangle(x, y, width, height, RADIUS, stroke=FRAME))


def _draw_row(canvas: Canvas, row: list[Cell], x: float, y: float, width: float, ruled: bool) -> None:
    if ruled:
        canvas.add(Curve((((x, y), (x + width, y)),), FRAME, 0.8, arrow=False))
    spare = (width - sum(map(_cell_width, row))) / len(row)
    for index, cell in enumerate(row):
        own = _cell_width(cell) + spare
        if index:
            canvas.add(Curve((((x, y), (x, y + ROW_HEIGHT)),), FRAME, 0.8, arrow=False))
        middle = x + own / 2
        if cell.tone == "plain":
            canvas.add(
                Text(middle, y + 10.5, ((cell.label, False),), LABEL_SIZE, FAINT),
                Text(middle, y + 23.5, ((cell.value, False),), VALUE_SIZE, INK),
            )
        else:
            pill = text_width(cell.value, VALUE_SIZE, True) + 14
            canvas.add(
                Rectangle(middle - pill / 2, y + 8, pill, 18, 9, fill=PILLS[cell.tone]),
                Text(middle, y + 17, ((cell.value, True),), VALUE_SIZE - 1, GROUND),
            )
        x += own
