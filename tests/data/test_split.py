"""Parts for training, dev and test."""

from typing import Any

import numpy as np
import pytest

from dlrs.data import train_dev_test_split

N = 1000


def test_every_example_is_in_one_part() -> None:
    x = np.arange(N)
    parts = train_dev_test_split({"x": x, "y": [x, -x]}, 0.1, 50, 0.05, seed=2)
    assert [len(part["x"]) for part in parts] == [800, 50, 100, 50]
    assert sorted(np.concatenate([part["x"] for part in parts]).tolist()) == x.tolist()
    assert all((part["x"] == -part["y"][1]).all() for part in parts)
    assert [len(part) for part in train_dev_test_split(x)] == [980, 10, 10]
    assert [part.tolist() for part in train_dev_test_split(np.arange(5), 1, 0.2, shuffle=False)] == [
        [0, 1, 2],
        [3],
        [4],
    ]
    assert [len(part) for part in train_dev_test_split(x, 0, 0)] == [N, 0, 0]


def test_seeds() -> None:
    def dev(seed: int | None) -> list[int]:
        return train_dev_test_split(np.arange(N), seed=seed)[1].tolist()  # type: ignore[no-any-return]

    assert dev(1) == dev(1) != dev(2)
    assert dev(-1) == dev(-1)
    assert dev(None) != dev(None)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("sizes", [(0.1, 0.1, 0.0), (0.01, 0.03, 0.2), (7, 13, 0), (0.3, 0.3, 0.3)])
def test_every_part_has_every_class_in_its_share(seed: int, sizes: Any) -> None:
    labels = np.random.default_rng(seed).choice(6, N, p=[0.5, 0.25, 0.15, 0.07, 0.02, 0.01])
    parts = train_dev_test_split(labels, *sizes, stratify=labels, seed=seed)
    for part in parts:
        for name in range(6):
            want = (labels == name).sum() * len(part) / N
            assert abs((part == name).sum() - want) < 2
    # Within a part, classes come in no order.
    assert (np.diff(parts[0][:200]) == 0).mean() > 0.2


def test_classes_may_be_names() -> None:
    names = np.array(["cat"] * 80 + ["dog"] * 20)
    _, dev, _ = train_dev_test_split(names, 0.5, 0, stratify=names.tolist(), seed=1)
    assert abs((dev == "dog").sum() - 10) <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dev_size": 0.5, "test_size": 0.5}, "none of 10 examples for training"),
        ({"dev_size": -1}, "dev_size.*-1"),
        ({"test_size": 1.0}, "test_size.*1.0"),
        ({"train_dev_size": "a"}, "train_dev_size.*'a'"),
        ({"dev_size": True}, "dev_size.*True"),
        ({"stratify": np.zeros(3)}, r"stratify.*\(10,\).*\(3,\)"),
        ({"stratify": np.zeros(10), "shuffle": False}, "shuffle"),
        ({"seed": 1.5}, "seed.*1.5"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        train_dev_test_split(np.arange(10), **arguments)


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match=r"\(10,\).*\(3,\)"):
        train_dev_test_split((np.arange(10), np.arange(3)))
    with pytest.raises(ValueError, match="one entry per example"):
        train_dev_test_split(3)
