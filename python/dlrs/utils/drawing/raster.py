"""Pictures as bitmaps, drawn by Pillow."""

import functools
from typing import Any

from dlrs.utils.drawing.canvas import Canvas, Curve, Point, Rectangle, Shape, Text
from dlrs.utils.drawing.svg import arrow_head

# Strips of so many rows are drawn at several times the size and made smaller, which smooths edges.
_STRIP, _FINER = 1024, 3
# The longest side; beyond that other programs refuse files.
LONGEST = 32_000


def bitmap(canvas: Canvas, dpi: float = 200.0) -> Any:
    """The picture as an image of Pillow.

    Args:
        canvas: the picture.
        dpi: pixels in an inch, of 72 points; fewer where a side would become longer than 32,000 pixels.

    Raises:
        ImportError: Pillow is not installed (the `image` extra).
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("Bitmaps are drawn by Pillow (`pip install dlrs[image]`); SVG needs nothing.") from error
    scale = min(dpi / 72, LONGEST / max(canvas.width, canvas.height))
    width, height = max(round(canvas.width * scale), 1), max(round(canvas.height * scale), 1)
    result = Image.new("RGB", (width, height), "white")
    for top in range(0, height, _STRIP):
        rows = min(_STRIP, height - top)
        strip = Image.new("RGB", (width * _FINER, rows * _FINER), "white")
        pen = _Pen(strip, scale * _FINER, top / scale)
        for shape in canvas.shapes:
            low, high = _extent(shape)
            if high >= pen.top and low <= pen.top + rows / scale:
                pen.draw(shape)
        result.paste(strip.resize((width, rows), Image.Resampling.BOX), (0, top))
    return result


def _extent(shape: Shape) -> tuple[float, float]:
    """The rows, in points, that a shape may touch."""
    if isinstance(shape, Rectangle):
        return shape.y - 1, shape.y + shape.height + 1
    if isinstance(shape, Text):
        return shape.y - shape.size, shape.y + shape.size
    rows = [y for piece in shape.pieces for _, y in piece]
    return min(rows, default=0.0) - 4, max(rows, default=0.0) + 4


@functools.lru_cache(64)
def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


class _Pen:
    """Draws shapes in points on an image whose upper edge is at `top`."""

    def __init__(self, image: Any, scale: float, top: float) -> None:
        from PIL import ImageDraw

        self.paper = ImageDraw.Draw(image)
        self.scale = scale
        self.top = top

    def draw(self, shape: Shape) -> None:
        """Draw any shape."""
        if isinstance(shape, Rectangle):
            self.rectangle(shape)
        elif isinstance(shape, Text):
            self.text(shape)
        elif shape.pieces:
            self.curve(shape)

    def at(self, point: Point) -> Point:
        return point[0] * self.scale, (point[1] - self.top) * self.scale

    def rectangle(self, shape: Rectangle) -> None:
        left, upper = self.at((shape.x, shape.y))
        right, lower = self.at((shape.x + shape.width, shape.y + shape.height))
        box = (left, upper, max(right - 1, left), max(lower - 1, upper))
        if shape.dashed:
            self.paper.rounded_rectangle(box, shape.radius * self.scale, fill=shape.fill)
            self.dashes(shape)
            return
        line = max(round(self.scale), 1) if shape.stroke else 0
        self.paper.rounded_rectangle(box, shape.radius * self.scale, fill=shape.fill, outline=shape.stroke, width=line)

    def dashes(self, shape: Rectangle) -> None:
        """An outline of dashes of 5 points with 4 between; the corners are left open."""
        r, x, y, right, lower = shape.radius, shape.x, shape.y, shape.x + shape.width, shape.y + shape.height
        for start, end in (
            ((x + r, y), (right - r, y)), ((right, y + r), (right, lower - r)),
            ((x + r, lower), (right - r, lower)), ((x, y + r), (x, lower - r)),
        ):  # fmt: skip
            length = abs(end[0] - start[0]) + abs(end[1] - start[1])
            for number in range(int((length + 4) // 9)):
                a, b = number * 9 / length, min((number * 9 + 5) / length, 1.0)
                ends = [
                    self.at((start[0] + (end[0] - start[0]) * t, start[1] + (end[1] - start[1]) * t)) for t in (a, b)
                ]
                self.paper.line(ends, fill=shape.stroke, width=max(round(self.scale), 1))

    def text(self, shape: Text) -> None:
        font = _font(max(round(shape.size * self.scale), 1))
        widths = [font.getlength(text) for text, _ in shape.pieces]
        x, y = self.at((shape.x, shape.y))
        if shape.centered:
            x -= sum(widths) / 2
        for (text, bold), width in zip(shape.pieces, widths, strict=True):
            # The font that comes with Pillow is not bold; a stroke makes it so.
            stroke = shape.size * self.scale * 0.022 if bold else 0
            self.paper.text((x, y), text, fill=shape.color, font=font, anchor="lm", stroke_width=stroke)
            x += width

    def curve(self, shape: Curve) -> None:
        points = [self.at(point) for piece in shape.pieces for point in (_sampled(piece))]
        self.paper.line(points, fill=shape.color, width=max(round(shape.width * self.scale), 1), joint="curve")
        if shape.arrow:
            self.paper.polygon([self.at(point) for point in arrow_head(shape)], fill=shape.color)


def _sampled(piece: tuple[Point, ...]) -> list[Point]:
    """Points on a line or a cubic curve."""
    if len(piece) == 2:
        return list(piece)
    a, b, c, d = piece
    points = []
    for number in range(17):
        t = number / 16
        u = 1 - t
        k = (u**3, 3 * u * u * t, 3 * u * t * t, t**3)
        points.append(
            (
                k[0] * a[0] + k[1] * b[0] + k[2] * c[0] + k[3] * d[0],
                k[0] * a[1] + k[1] * b[1] + k[2] * c[1] + k[3] * d[1],
            )
        )
    return points
