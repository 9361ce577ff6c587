"""Functions applied to many elements at once: which are, that each comes as it would alone, blocks of them."""

from typing import Any

import numpy as np
import pytest

from dlrs import random
from dlrs.backend import tree
from dlrs.data import Dataset
from dlrs.data.entries import Entries, NotTogetherError
from dlrs.data.mapped_blocks import mapped_blocks
from dlrs.data.together import applied, is_arithmetic

SCALE = np.float32(255)
MEAN = np.float32([1, 2, 3])
SEEN: list[Any] = []
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (37, 4, 3), np.uint8)
LABELS = np.arange(37)


def closure() -> Any:
    shift = 3
    return lambda x, y: (x - shift, y)


def of_a_function() -> Any:
    return lambda x, y: (len(x) * x, y)


ARITHMETIC = {
    "scaled": lambda x, y: (x / SCALE, y),
    "python numbers": lambda x, y: (x / 255.0, y * 2),
    "cast": lambda x, y: (x.astype("float32") / np.float32(255) - 0.5, y),
    "per channel": lambda x, y: ((x - MEAN) * MEAN, y.astype(np.int32)),
    "both": lambda x, y: (x + y, -y),
    "compared": lambda x, y: (x > 7, y == 3),
    "assigned": closure(),
}
OTHER = {
    "draws": lambda x, y: (x + np.random.normal(), y),
    "draws of dlrs": lambda x, y: (x + random.normal(()), y),
    "remembers": lambda x, y: (SEEN.append(y) or x, y),
    "counts": of_a_function(),
    "branches": lambda x, y: (x if y else -x, y),
    "takes a part": lambda x, y: (x[0], y),
    "writes": lambda x, y: (x.fill(0), y),
    "has defaults": lambda x, y, z=2: (x * z, y),
    "a dict": lambda x, y: {"x": x, "y": y},
    "a layer": SEEN.append,
}


@pytest.mark.parametrize("function", ARITHMETIC.values(), ids=ARITHMETIC.keys())
def test_arithmetic_gives_each_element_what_it_gets_alone(function: Any) -> None:
    assert is_arithmetic(function)
    together = applied(function, (IMAGES, LABELS))
    alone = [function(x, y) for x, y in zip(IMAGES, LABELS, strict=True)]
    for leaf, parts in zip(together, zip(*alone, strict=True), strict=True):
        assert leaf.dtype == np.stack(parts).dtype
        np.testing.assert_array_equal(leaf, np.stack(parts))


@pytest.mark.parametrize("function", OTHER.values(), ids=OTHER.keys())
def test_other_functions_are_called_for_each_element(function: Any) -> None:
    assert not is_arithmetic(function)
    assert mapped_blocks(Dataset.from_tensor_slices((IMAGES, LABELS)).map(function).batch(5), 0, None) is None
    assert SEEN == []


@pytest.mark.parametrize(
    "asked", [bool, float, len, np.sum, np.exp, np.asarray, lambda x: x @ x, lambda x: x[0], lambda x: x.shape]
)
def test_entries_know_arithmetic_alone(asked: Any) -> None:
    with pytest.raises((NotTogetherError, TypeError)):
        asked(Entries(IMAGES))


def chains(function: Any) -> dict[str, Any]:
    data = Dataset.from_tensor_slices((IMAGES, LABELS)).shuffle(seed=3)
    return {
        "mapped": data.map(function).batch(5),
        "mapped by workers": data.map(function, 2).batch(5),
        "batches mapped": data.batch(5).map(function),
        "full ones alone": data.batch(5, drop_remainder=True).map(function),
        "one of many": data.map(function).batch(64),
    }


@pytest.mark.parametrize("name", ["mapped", "mapped by workers", "batches mapped", "full ones alone", "one of many"])
@pytest.mark.parametrize("steps", [None, 3])
def test_blocks_hold_the_batches(name: str, steps: int | None) -> None:
    for function in (ARITHMETIC["cast"], ARITHMETIC["per channel"]):
        dataset = chains(function)[name]
        for number in (0, 1):
            blocks = mapped_blocks(dataset, number, steps)
            assert blocks is not None
            found = [block.batch(i) for block in blocks for i in range(block.batches)]
            wanted = list(dataset.epoch(number))[:steps]
            assert len(found) == len(wanted)
            for a, b in zip(tree.flatten(found), tree.flatten(wanted), strict=True):
                np.testing.assert_array_equal(a, b, strict=True)


def test_what_differs_for_many_is_done_one_by_one() -> None:
    """Broadcast against batches, or changed where it is validated."""
    data = Dataset.from_tensor_slices((IMAGES, LABELS))
    assert mapped_blocks(data.map(lambda x, y: (x, 1)).batch(5), 0, None) is None
    assert mapped_blocks(data.map(lambda x, y: (x**2, y)).batch(5), 0, None) is None
    assert mapped_blocks(data.map(lambda x, y: (x + "a", y)).batch(5), 0, None) is None
    assert mapped_blocks(data.batch(5).map(lambda x, y: (x + LABELS, y)), 0, None) is None
    assert mapped_blocks(data.filter(lambda x, y: y > 3).map(ARITHMETIC["scaled"]).batch(5), 0, None) is None
