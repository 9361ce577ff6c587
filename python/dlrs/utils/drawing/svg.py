"""Pictures as SVG text."""

import re
from html import escape

from dlrs.utils.drawing.canvas import Canvas, Curve, Point, Rectangle, Text

_FONTS = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
# Characters that XML does not permit.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def svg_text(canvas: Canvas, responsive: bool = False) -> str:
    """The picture as an SVG document.

    Args:
        canvas: the picture.
        responsive: whether it shrinks to the width that a page has.
    """
    size = f'width="{canvas.width:.0f}pt" height="{canvas.height:.0f}pt"'
    if responsive:
        size = f'style="max-width: 100%; height: auto; width: {canvas.width:.0f}px"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(canvas.width)} {_n(canvas.height)}" {size} '
        f'font-family="{_FONTS}">'
    ]
    for shape in canvas.shapes:
        if isinstance(shape, Rectangle):
            lines.append(_rectangle(shape))
        elif isinstance(shape, Text):
            lines.append(_text(shape))
        elif shape.pieces:
            lines.append(_curve(shape))
    return "\n".join([*lines, "</svg>"]) + "\n"


def _n(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _p(point: Point) -> str:
    return f"{_n(point[0])} {_n(point[1])}"


def _safe(text: str) -> str:
    return escape(_FORBIDDEN.sub("\ufffd", text))


def _rectangle(shape: Rectangle) -> str:
    place = f'x="{_n(shape.x)}" y="{_n(shape.y)}" width="{_n(shape.width)}" height="{_n(shape.height)}"'
    rounded = f' rx="{_n(shape.radius)}"' if shape.radius else ""
    stroke = f' stroke="{shape.stroke}"' if shape.stroke else ""
    dashes = ' stroke-dasharray="5 4"' if shape.dashed else ""
    start = f'<rect {place}{rounded} fill="{shape.fill or "none"}"{stroke}{dashes}'
    return f"{start}><title>{_safe(shape.tooltip)}</title></rect>" if shape.tooltip else f"{start}/>"


def _text(shape: Text) -> str:
    spans = "".join(
        f'<tspan font-weight="bold">{_safe(text)}</tspan>' if bold else _safe(text) for text, bold in shape.pieces
    )
    anchor = ' text-anchor="middle"' if shape.centered else ""
    # A third of the size below the middle is the base line; not all programs know `dominant-baseline`.
    place = f'x="{_n(shape.x)}" y="{_n(shape.y + 0.35 * shape.size)}"'
    return (
        f'<text {place} font-size="{_n(shape.size)}" fill="{shape.color}"{anchor} xml:space="preserve">{spans}</text>'
    )


def _curve(shape: Curve) -> str:
    path = [f"M{_p(shape.pieces[0][0])}"]
    for piece in shape.pieces:
        path.append(f"L{_p(piece[1])}" if len(piece) == 2 else "C" + ", ".join(_p(point) for point in piece[1:]))
    line = f'<path d="{" ".join(path)}" fill="none" stroke="{shape.color}" stroke-width="{_n(shape.width)}"/>'
    if not shape.arrow:
        return line
    corners = " ".join(f"{_n(x)},{_n(y)}" for x, y in arrow_head(shape))
    return f'{line}<polygon points="{corners}" fill="{shape.color}"/>'


def arrow_head(shape: Curve, length: float = 7.0, half: float = 3.2) -> tuple[Point, Point, Point]:
    """The corners of the arrow at the end of a line."""
    (x0, y0), (x, y) = shape.pieces[-1][-2:]
    distance = ((x - x0) ** 2 + (y - y0) ** 2) ** 0.5 or 1.0
    dx, dy = (x - x0) / distance, (y - y0) / distance
    back = (x - length * dx, y - length * dy)
    return (x, y), (back[0] - half * dy, back[1] + half * dx), (back[0] + half * dy, back[1] - half * dx)
