"""Where boxes, groups and arrows of a graph go."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dlrs.utils.drawing.canvas import Point
from dlrs.utils.drawing.graph import Box, Graph, Group
from dlrs.utils.drawing.layout import Edge, layered

PADDING, TITLE = 14.0, 16.0
DIRECTIONS = ("TB", "LR", "BT", "RL")


@dataclass
class Block:
    """A group whose members have their places, relative to its left upper corner.

    Attributes:
        width, height: its size.
        boxes: left upper corners.
        groups: left upper corners and sizes of the groups within, and of itself, the outer ones first.
        routes: lines, and whether an arrow stands at the end.
        entries, exits: where lines to boxes within cross the upper side, and lines from them the lower one.
    """

    width: float
    height: float
    boxes: dict[str, Point] = field(default_factory=dict)
    groups: list[tuple[Group, float, float, float, float]] = field(default_factory=list)
    routes: list[tuple[list[Point], bool]] = field(default_factory=list)
    entries: dict[str, float] = field(default_factory=dict)
    exits: dict[str, float] = field(default_factory=dict)


def arranged(graph: Graph, sizes: Mapping[str, Point], rankdir: str = "TB") -> Block:
    """The places of all parts of a graph.

    Args:
        graph: the graph.
        sizes: width and height of each box.
        rankdir: where arrows lead: `"TB"` down, `"LR"` right, `"BT"` up, `"RL"` left.
    """
    sideways = rankdir in ("LR", "RL")
    laid = {key: (h, w) if sideways else (w, h) for key, (w, h) in sizes.items()}
    block = _Arranger(graph.edges, laid, rankdir).block(graph.root, is_root=True)
    return _turned(block, laid, rankdir)


class _Arranger:
    def __init__(self, edges: list[tuple[str, str]], sizes: Mapping[str, Point], rankdir: str) -> None:
        self.edges = edges
        self.sizes = sizes
        # The title of a group is above it, whichever way the arrows lead.
        title = {"TB": (0.0, TITLE, 0.0), "BT": (0.0, 0.0, TITLE)}.get(rankdir, (TITLE, 0.0, 0.0))
        self.left, self.top, self.bottom = (PADDING + extra for extra in title)

    def block(self, group: Group, is_root: bool = False) -> Block:
        inner = {m.key: self.block(m) for m in group.members if isinstance(m, Group)}
        member_of = {
            box.key: index
            for index, member in enumerate(group.members)
            for box in ([member] if isinstance(member, Box) else member.boxes())
        }
        sizes = [
            self.sizes[m.key] if isinstance(m, Box) else (inner[m.key].width, inner[m.key].height)
            for m in group.members
        ]
        edges, ports = self.edges_of(group, inner, member_of)
        pinned = []
        for _, where in ports:
            pinned.append((len(sizes), where))
            sizes.append((0.0, 0.0))
        layout = layered(sizes, edges, pinned)
        left, top, bottom = (0.0, 0.0, 0.0) if is_root else (self.left, self.top, self.bottom)
        # Where lines cross the border, there is room between it and the boxes already.
        top -= PADDING if any(where < 0 for _, where in pinned) else 0.0
        bottom -= PADDING if any(where > 0 for _, where in pinned) else 0.0
        block = Block(layout.width + left, layout.height + top + bottom)
        if not is_root:
            block.width += PADDING
            block.groups.append((group, 0.0, 0.0, block.width, block.height))
        for index, member in enumerate(group.members):
            x, y = layout.corners[index][0] + left, layout.corners[index][1] + top
            if isinstance(member, Box):
                block.boxes[member.key] = (x, y)
            else:
                _include(block, inner[member.key], x, y)
        for edge, points in zip(edges, layout.routes, strict=True):
            route = [(x + left, y + top) for x, y in points]
            if edge.source >= len(group.members):
                route.insert(0, (route[0][0], 0.0))
                block.entries[ports[edge.source - len(group.members)][0]] = route[0][0]
            if edge.target >= len(group.members):
                route.append((route[-1][0], block.height))
                block.exits[ports[edge.target - len(group.members)][0]] = route[-1][0]
            is_arrow = edge.target < len(group.members) and isinstance(group.members[edge.target], Box)
            block.routes.append((route, is_arrow))
        return block

    def edges_of(
        self, group: Group, inner: Mapping[str, Block], member_of: Mapping[str, int]
    ) -> tuple[list[Edge], list[tuple[str, int]]]:
        """The edges within the group, and from or to its border; and for each place there the box it is for."""
        edges: dict[Edge, None] = {}
        ports: dict[tuple[str, int], int] = {}
        for source, target in self.edges:
            i, j = member_of.get(source), member_of.get(target)
            if i is not None and i == j:
                continue
            out_at = None if i is None else self.at(group.members[i], source, inner, is_source=True)
            in_at = None if j is None else self.at(group.members[j], target, inner, is_source=False)
            if i is not None and j is not None:
                edges[Edge(i, j, out_at or 0.0, in_at or 0.0)] = None
            elif j is not None:
                port = ports.setdefault((target, -1), len(group.members) + len(ports))
                edges[Edge(port, j, 0.0, in_at or 0.0)] = None
            elif i is not None:
                port = ports.setdefault((source, 1), len(group.members) + len(ports))
                edges[Edge(i, port, out_at or 0.0, 0.0)] = None
        return list(edges), list(ports)

    def at(self, member: Box | Group, box: str, inner: Mapping[str, Block], is_source: bool) -> float:
        """How far from the left of `member` the line from or to `box` in it crosses its side."""
        if isinstance(member, Box):
            return self.sizes[member.key][0] / 2
        block = inner[member.key]
        return (block.exits if is_source else block.entries)[box]


def _include(block: Block, inner: Block, x: float, y: float) -> None:
    block.boxes.update((key, (x + dx, y + dy)) for key, (dx, dy) in inner.boxes.items())
    block.groups += [(group, x + dx, y + dy, w, h) for group, dx, dy, w, h in inner.groups]
    block.routes += [([(x + dx, y + dy) for dx, dy in route], arrow) for route, arrow in inner.routes]


def _turned(block: Block, sizes: Mapping[str, Point], rankdir: str) -> Block:
    """`block`, whose arrows lead down, with arrows in the direction wanted."""

    def corner(x: float, y: float, width: float, height: float) -> Point:
        if rankdir in ("BT", "RL"):
            y = block.height - y - height
        return (y, x) if rankdir in ("LR", "RL") else (x, y)

    turned = Block(*((block.height, block.width) if rankdir in ("LR", "RL") else (block.width, block.height)))
    turned.boxes = {key: corner(x, y, *sizes[key]) for key, (x, y) in block.boxes.items()}
    for group, x, y, w, h in block.groups:
        size = (h, w) if rankdir in ("LR", "RL") else (w, h)
        turned.groups.append((group, *corner(x, y, w, h), *size))
    turned.routes = [([corner(x, y, 0.0, 0.0) for x, y in route], arrow) for route, arrow in block.routes]
    return turned
