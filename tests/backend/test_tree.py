"""Nested structures."""

from collections import OrderedDict, namedtuple

import pytest

from dlrs.backend import tree

Point = namedtuple("Point", "x y")


def test_round_trip() -> None:
    structure = {"b": [1, (2, None)], "a": Point(3, OrderedDict(z=4, y=5))}
    leaves = tree.flatten(structure)
    assert leaves == [3, 5, 4, 1, 2, None]
    assert tree.pack_sequence_as(structure, leaves) == structure
    doubled = tree.map_structure(lambda x: x and 2 * x, structure)
    assert isinstance(doubled["a"], Point)
    assert list(doubled["a"].y) == ["z", "y"]
    assert doubled["b"] == [2, (4, None)]


def test_mismatch() -> None:
    with pytest.raises(ValueError):
        tree.map_structure(lambda a, b: a, [1, 2], [1])
    with pytest.raises(ValueError):
        tree.map_structure(lambda a, b: a, {"a": 1}, {"b": 1})
    with pytest.raises(ValueError):
        tree.pack_sequence_as([1, 2], [1])
    with pytest.raises(ValueError):
        tree.pack_sequence_as([1, 2], [1, 2, 3])
