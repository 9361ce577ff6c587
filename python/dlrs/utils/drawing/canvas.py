"""What pictures are made of: rectangles, texts and lines, in points from the left upper corner."""

import unicodedata
from dataclasses import dataclass, field

Point = tuple[float, float]
Color = str

# Widths of the characters from the space to the tilde in Helvetica, in thousandths of the size (its metrics file).
_WIDTHS = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
)  # fmt: skip
# Fonts that stand in for it are wider.
_SPARE = 1.1


def text_width(text: str, size: float, bold: bool = False) -> float:
    """About how wide a text is, in points.

    >>> round(text_width("Dense", 10))
    32
    """
    total = 0
    for character in text:
        code = ord(character) - 32
        if 0 <= code < len(_WIDTHS):
            total += _WIDTHS[code]
        else:
            total += 1000 if unicodedata.east_asian_width(character) in "WF" else 600
    return total / 1000 * size * _SPARE * (1.12 if bold else 1.0)


@dataclass(frozen=True)
class Rectangle:
    """A rectangle with rounded corners; no filling or outline where the colour is None."""

    x: float
    y: float
    width: float
    height: float
    radius: float = 0.0
    fill: Color | None = None
    stroke: Color | None = None
    dashed: bool = False
    tooltip: str = ""


@dataclass(frozen=True)
class Text:
    """Pieces of text, bold or not, in a line whose middle, or left end, is at (x, y)."""

    x: float
    y: float
    pieces: tuple[tuple[str, bool], ...]
    size: float
    color: Color
    centered: bool = True

    @property
    def width(self) -> float:
        """About how wide it is."""
        return sum(text_width(text, self.size, bold) for text, bold in self.pieces)


@dataclass(frozen=True)
class Curve:
    """A line from point to point; between the second and the third of four points it is a cubic curve."""

    pieces: tuple[tuple[Point, ...], ...]
    color: Color
    width: float = 1.2
    arrow: bool = True

    @property
    def end(self) -> Point:
        """Where the tip of the arrow is."""
        return self.pieces[-1][-1]


Shape = Rectangle | Text | Curve


@dataclass
class Canvas:
    """Shapes, those in front last, and the size of the picture."""

    width: float
    height: float
    shapes: list[Shape] = field(default_factory=list)

    def add(self, *shapes: Shape) -> None:
        """Put shapes in front of the others."""
        self.shapes.extend(shapes)


def line_of(
    points: list[Point], splines: str, radius: float = 6.0, reach: float = 15.0
) -> tuple[tuple[Point, ...], ...]:
    """The pieces of a `Curve` through points that lie below or beside each other.

    Args:
        points: the corners.
        splines: `"ortho"` keeps the corners, rounded; `"curved"` and `"spline"` give each step across one curve,
            others one slanted line.
        radius: of rounded corners.
        reach: how far above and below its middle a step across may begin and end.
    """
    pieces: list[tuple[Point, ...]] = []
    points = _without_straight(points)
    at = points[0]
    for index in range(1, len(points)):
        (x, y), last = points[index], index == len(points) - 1
        if last:
            pieces.append((at, (x, y)))
        elif splines == "ortho":
            before, after = points[index - 1], points[index + 1]
            r = min(radius, _distance(before, (x, y)) / 2, _distance((x, y), after) / 2)
            start, stop = _towards((x, y), before, r), _towards((x, y), after, r)
            pieces += [(at, start), (start, (x, y), (x, y), stop)]
            at = stop
        elif index % 2 == 1:  # a step across begins
            (x2, y2), after = points[index + 1], points[index + 2]
            h = min(reach, _distance((x, y), at), _distance((x2, y2), after))
            start, stop = _towards((x, y), at, h), _towards((x2, y2), after, h)
            pieces.append((at, start))
            pieces.append((start, (x, y), (x2, y2), stop) if splines in ("curved", "spline") else (start, stop))
            at = stop
    return tuple(piece for piece in pieces if piece[0] != piece[-1])


def _without_straight(points: list[Point]) -> list[Point]:
    """The points without those between two others on a line down or across."""
    kept: list[Point] = []
    for point in points:
        if len(kept) > 1 and any(kept[-2][axis] == kept[-1][axis] == point[axis] for axis in (0, 1)):
            kept.pop()
        kept.append(point)
    return kept


def _distance(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _towards(a: Point, b: Point, distance: float) -> Point:
    whole = _distance(a, b)
    share = distance / whole if whole else 0.0
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
