"""Layered layout of an acyclic graph (Sugiyama, Tagawa and Toda 1981): ranks, order within ranks, coordinates."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Point = tuple[float, float]
Pull = tuple[int, float, float]  # a neighbour, the difference of x that is wanted, and how much

# Distances in points: between boxes beside each other, between lines, between ranks, and between parallel lines there.
BESIDE, BESIDE_LINE, BETWEEN_RANKS, LANE = 24.0, 14.0, 30.0, 8.0
SWEEPS = 12


class Edge(NamedTuple):
    """From node `source` to node `target`, at distances from the left sides of the two."""

    source: int
    target: int
    out_at: float
    in_at: float


@dataclass
class Place:
    """A node, or the passage of a long edge through a rank."""

    width: float
    height: float
    rank: int
    is_passage: bool = False
    x: float = 0.0
    y: float = 0.0


@dataclass
class Link:
    """A piece of an edge, from one rank to the next."""

    source: int
    target: int
    out_at: float
    in_at: float
    edge: int


@dataclass
class Layout:
    """Left upper corners of the nodes, the corners of each edge's line, and the size of all."""

    corners: list[Point]
    routes: list[list[Point]] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0


def layered(sizes: Sequence[Point], edges: Sequence[Edge], pinned: Sequence[tuple[int, int]] = ()) -> Layout:
    """Put nodes of these sizes into ranks so that every edge leads down, with few crossings and short, straight lines.

    Args:
        sizes: width and height of each node.
        edges: the edges; there is no cycle.
        pinned: nodes without size, where edges enter in the first rank (-1) or leave in the last (1).

    >>> layout = layered([(40, 20), (40, 20)], [Edge(0, 1, 20, 20)])
    >>> layout.corners, layout.routes
    ([(0.0, 0.0), (0.0, 50.0)], [[(20.0, 20.0), (20.0, 50.0)]])
    """
    places = [Place(w, h, rank) for (w, h), rank in zip(sizes, _ranks(len(sizes), edges, pinned), strict=True)]
    for node, _ in pinned:
        places[node].is_passage = True
    links = _split(places, edges)
    ranks: list[list[int]] = [[] for _ in range(max(place.rank for place in places) + 1)]
    for index in _depth_first(len(places), links):
        ranks[places[index].rank].append(index)
    _reduce_crossings(places, ranks, links)
    _set_x(places, ranks, links)
    heights = _set_y(places, ranks, links)
    layout = Layout([(place.x, place.y) for place in places[: len(sizes)]])
    layout.routes = _routes(places, edges, links, heights)
    layout.width = max([p.x + p.width for p in places] + [x for route in layout.routes for x, _ in route])
    layout.height = max(place.y + place.height for place in places)
    return layout


def _ranks(count: int, edges: Sequence[Edge], pinned: Sequence[tuple[int, int]]) -> list[int]:
    """The length of the longest path to each node; sources stand just above the first node that they lead to."""
    inbound: list[list[int]] = [[] for _ in range(count)]
    outbound: list[list[int]] = [[] for _ in range(count)]
    for edge in edges:
        inbound[edge.target].append(edge.source)
        outbound[edge.source].append(edge.target)
    rank = [0] * count
    for node in _topological(inbound, outbound):
        rank[node] = max((rank[source] + 1 for source in inbound[node]), default=0)
    fixed = dict(pinned)
    last = max(rank)
    for node in range(count):
        if not inbound[node] and outbound[node] and node not in fixed:
            rank[node] = min(rank[target] for target in outbound[node]) - 1
    for node, where in fixed.items():
        rank[node] = 0 if where < 0 else last
    return rank


def _topological(inbound: Sequence[Sequence[int]], outbound: Sequence[Sequence[int]]) -> list[int]:
    missing = [len(sources) for sources in inbound]
    ready = [node for node, number in enumerate(missing) if number == 0]
    for node in ready:  # which grows
        for target in outbound[node]:
            missing[target] -= 1
            if missing[target] == 0:
                ready.append(target)
    return ready


def _split(places: list[Place], edges: Sequence[Edge]) -> list[Link]:
    """The edges as links between neighbouring ranks; adds their passages to `places`."""
    links = []
    for number, edge in enumerate(edges):
        source, out_at = edge.source, edge.out_at
        for rank in range(places[edge.source].rank + 1, places[edge.target].rank):
            places.append(Place(0.0, 0.0, rank, is_passage=True))
            links.append(Link(source, len(places) - 1, out_at, 0.0, number))
            source, out_at = len(places) - 1, 0.0
        links.append(Link(source, edge.target, out_at, edge.in_at, number))
    return links


def _depth_first(count: int, links: Sequence[Link]) -> list[int]:
    """The nodes in the order in which a walk from the sources meets them, so that paths begin side by side."""
    outbound: list[list[int]] = [[] for _ in range(count)]
    is_source = [True] * count
    for link in links:
        outbound[link.source].append(link.target)
        is_source[link.target] = False
    order: dict[int, None] = {}
    stack = [node for node in reversed(range(count)) if is_source[node]]
    while stack:
        node = stack.pop()
        if node not in order:
            order[node] = None
            stack.extend(reversed(outbound[node]))
    return list(order)


def _reduce_crossings(places: Sequence[Place], ranks: list[list[int]], links: Sequence[Link]) -> None:
    """Order the nodes of each rank by the mean positions of their neighbours, down and up; the best order stays."""
    best, fewest = [list(rank) for rank in ranks], _crossings(places, ranks, links)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        down = sweep % 2 == 0
        neighbours: list[list[int]] = [[] for _ in places]
        for link in links:
            node, other = (link.target, link.source) if down else (link.source, link.target)
            neighbours[node].append(other)
        position = {node: float(i) for rank in ranks for i, node in enumerate(rank)}
        for rank in ranks if down else ranks[::-1]:
            means = {
                node: sum(position[n] for n in neighbours[node]) / len(neighbours[node])
                if neighbours[node]
                else position[node]
                for node in rank
            }
            rank.sort(key=means.__getitem__)
            position.update((node, float(i)) for i, node in enumerate(rank))
        crossings = _crossings(places, ranks, links)
        if crossings < fewest:
            best, fewest = [list(rank) for rank in ranks], crossings
    ranks[:] = best


def _crossings(places: Sequence[Place], ranks: Sequence[Sequence[int]], links: Sequence[Link]) -> int:
    position = {node: i for rank in ranks for i, node in enumerate(rank)}
    count = 0
    between: dict[int, list[tuple[int, int]]] = {}
    for link in links:
        ends = (position[link.source], position[link.target])
        between.setdefault(places[link.source].rank, []).append(ends)
    for pairs in between.values():
        pairs.sort()
        for i, (_, low) in enumerate(pairs):
            count += sum(other < low for _, other in pairs[i + 1 :])
    return count


def _set_x(places: Sequence[Place], ranks: Sequence[Sequence[int]], links: Sequence[Link]) -> None:
    """Move each rank to the least weighted squares of its links, keeping order and distances; again and again."""
    above, below = _pulls(places, links)
    both = [up + down for up, down in zip(above, below, strict=True)]
    for rank in ranks:
        x = 0.0
        for before, node in zip([None, *rank], rank, strict=False):
            x += 0.0 if before is None else _apart(places[before], places[node])
            places[node].x = x
    for sweep in range(2 * SWEEPS):
        # First with one side alone, under which chains become straight at once.
        for rank in ranks if sweep % 2 == 0 else ranks[::-1]:
            _place_rank(places, rank, both if sweep >= SWEEPS else above if sweep % 2 == 0 else below)
    for _ in range(SWEEPS // 2):
        for column in _columns(len(places), links):
            _straighten(column, places, ranks, both)
    least = min(place.x for place in places)
    for place in places:
        place.x -= least


def _pulls(places: Sequence[Place], links: Sequence[Link]) -> tuple[list[list[Pull]], list[list[Pull]]]:
    """What draws each node to its neighbours above, and to those below."""
    chains = {id(link) for link in _chain_links(len(places), links)}
    above: list[list[Pull]] = [[] for _ in places]
    below: list[list[Pull]] = [[] for _ in places]
    for link in links:
        passages = places[link.source].is_passage + places[link.target].is_passage
        # Long lines and chains are to be straight.
        weight = 8.0 if id(link) in chains else 1.0 + passages
        shift = link.out_at - link.in_at
        above[link.target].append((link.source, shift, weight))
        below[link.source].append((link.target, -shift, weight))
    return above, below


def _chain_links(count: int, links: Sequence[Link]) -> list[Link]:
    """The links whose source leads nowhere else and whose target is led to from nowhere else."""
    inbound, outbound = [0] * count, [0] * count
    for link in links:
        outbound[link.source] += 1
        inbound[link.target] += 1
    return [link for link in links if outbound[link.source] == inbound[link.target] == 1]


def _columns(count: int, links: Sequence[Link]) -> list[list[tuple[int, float]]]:
    """The chains of nodes, which may be single ones, with the place of each from the line through them."""
    after = {link.source: link for link in _chain_links(count, links)}
    heads = set(range(count)) - {link.target for link in after.values()}
    columns = []
    for head in sorted(heads):
        column = [(head, 0.0)]
        while (link := after.get(column[-1][0])) is not None:
            column.append((link.target, column[-1][1] + link.out_at - link.in_at))
        columns.append(column)
    return columns


def _straighten(
    column: Sequence[tuple[int, float]],
    places: Sequence[Place],
    ranks: Sequence[Sequence[int]],
    pulls: Sequence[Sequence[Pull]],
) -> None:
    """Put the nodes of a chain on one line where its neighbours leave room for that."""
    low, high = -math.inf, math.inf
    total = weights = 0.0
    members = {node for node, _ in column}
    for node, shift in column:
        rank = ranks[places[node].rank]
        index = rank.index(node)
        if index:
            left = places[rank[index - 1]]
            low = max(low, left.x + _apart(left, places[node]) - shift)
        if index + 1 < len(rank):
            right = places[rank[index + 1]]
            high = min(high, right.x - _apart(places[node], right) - shift)
        for neighbour, difference, weight in pulls[node]:
            if neighbour not in members:
                total += weight * (places[neighbour].x + difference - shift)
                weights += weight
    if low > high:
        return
    line = total / weights if weights else places[column[0][0]].x
    for node, shift in column:
        places[node].x = min(max(line, low), high) + shift


def _apart(left: Place, right: Place) -> float:
    """The least distance of the left sides of neighbours."""
    space = BESIDE_LINE if left.is_passage or right.is_passage else BESIDE
    return left.width + space


def _place_rank(places: Sequence[Place], rank: Sequence[int], pulls: Sequence[Sequence[Pull]]) -> None:
    """Isotonic regression (pool adjacent violators) of the positions that the neighbours ask for."""
    offset, offsets = 0.0, []
    blocks: list[tuple[float, float, int]] = []  # position, weight, number of nodes
    for before, node in zip([None, *rank], rank, strict=False):
        offset += 0.0 if before is None else _apart(places[before], places[node])
        offsets.append(offset)
        weight = sum(w for _, _, w in pulls[node])
        wanted = sum(w * (places[n].x + shift) for n, shift, w in pulls[node]) / weight if weight else places[node].x
        block = (wanted - offset, weight or 0.1, 1)
        while blocks and blocks[-1][0] > block[0]:
            (x, w, number) = blocks.pop()
            block = ((x * w + block[0] * block[1]) / (w + block[1]), w + block[1], number + block[2])
        blocks.append(block)
    positions = [x for x, _, number in blocks for _ in range(number)]
    for node, x, shift in zip(rank, positions, offsets, strict=True):
        places[node].x = x + shift


def _set_y(places: Sequence[Place], ranks: Sequence[Sequence[int]], links: Sequence[Link]) -> list[Point]:
    """Put the ranks below each other, with room for the lines between them; top and bottom of each rank."""
    lanes = [1] * len(ranks)
    for rank in range(len(ranks)):
        lanes[rank] = 1 + max((lane for _, lane in _lanes(places, links, rank).items()), default=0)
    y, bounds = 0.0, []
    for rank, nodes in enumerate(ranks):
        height = max(places[node].height for node in nodes)
        for node in nodes:
            places[node].y = y + (0.0 if places[node].is_passage else (height - places[node].height) / 2)
            places[node].height = height if places[node].is_passage else places[node].height
        bounds.append((y, y + height))
        y += height + BETWEEN_RANKS + LANE * (lanes[rank] - 1)
    return bounds


def _ends(places: Sequence[Place], link: Link) -> Point:
    return places[link.source].x + link.out_at, places[link.target].x + link.in_at


def _lanes(places: Sequence[Place], links: Sequence[Link], rank: int) -> dict[int, int]:
    """The height, as a number from above, of the horizontal piece of each link below `rank`, by the link's identity.

    Pieces may lie upon each other only if they come from one node or lead to one.
    """
    bent = [link for link in links if places[link.source].rank == rank and abs(_bend(places, link)) > 1.0]
    bent.sort(key=lambda link: abs(_bend(places, link)))
    lanes: list[list[Link]] = []
    found = {}
    for link in bent:
        free = (i for i, lane in enumerate(lanes) if all(_may_touch(places, link, other) for other in lane))
        number = next(free, len(lanes))
        if number == len(lanes):
            lanes.append([])
        lanes[number].append(link)
        found[id(link)] = number
    return found


def _bend(places: Sequence[Place], link: Link) -> float:
    start, end = _ends(places, link)
    return end - start


def _may_touch(places: Sequence[Place], one: Link, other: Link) -> bool:
    if one.source == other.source or one.target == other.target:
        return True
    (a, b), (c, d) = sorted(_ends(places, one)), sorted(_ends(places, other))
    return b + LANE < c or d + LANE < a


def _routes(
    places: Sequence[Place], edges: Sequence[Edge], links: Sequence[Link], bounds: Sequence[Point]
) -> list[list[Point]]:
    """The corners of each edge: down from its source, across between the ranks, straight through the passages."""
    routes: list[list[Point]] = [[] for _ in edges]
    lanes = [_lanes(places, links, rank) for rank in range(len(bounds))]
    for link in links:
        source, target = places[link.source], places[link.target]
        (start, end), route = _ends(places, link), routes[link.edge]
        if not route:
            route.append((start, source.y + (0.0 if source.is_passage else source.height)))
        start = route[-1][0]
        if abs(end - start) > 1.0:
            number = lanes[source.rank].get(id(link), 0)
            count = 1 + max(lanes[source.rank].values(), default=0)
            top, bottom = bounds[source.rank][1], bounds[source.rank + 1][0]
            y = (top + bottom) / 2 + LANE * (number - (count - 1) / 2)
            route += [(start, y), (end, y)]
        if link.target == edges[link.edge].target:
            route.append((route[-1][0], target.y + (target.height if target.is_passage else 0.0)))
    return routes
