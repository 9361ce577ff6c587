"""Links of a dataset's chain beyond those of `test_dataset.py`, passes, stacks and what an error says."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dlrs import KerasTensor
from dlrs.data import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset


def values(data: Any) -> list[Any]:
    return [np.asarray(element).tolist() for element in data]


def counted(start: int, stop: int) -> Dataset:
    """Numbers that are no slices of an array."""
    return Dataset.range(start, stop).map(lambda n: n)


@pytest.mark.parametrize("source", [lambda n: Dataset.range(n), lambda n: counted(0, n)], ids=["slices", "mapped"])
@pytest.mark.parametrize(
    ("make", "want"),
    [
        (lambda d: d.filter(lambda n: n % 3 == 0), [0, 3, 6]),
        (lambda d: d.take(2).concatenate(d.skip(6)), [0, 1, 6]),
        (lambda d: d.take(2).enumerate(5), [[5, 0], [6, 1]]),
        (lambda d: d.batch(3).unbatch(), [0, 1, 2, 3, 4, 5, 6]),
        (lambda d: d.shard(3, 1), [1, 4]),
        (lambda d: d.skip(1).shard(2, 0).take(2), [1, 3]),
        (lambda d: d.take(-1).skip(5), [5, 6]),
        (lambda d: d.take(3).flat_map(lambda n: Dataset.range(int(n))), [0, 0, 1]),
        (lambda d: d.apply(lambda e: e.take(1)), [0]),
        (lambda d: d.batch(3, True, num_parallel_calls=AUTOTUNE), [[0, 1, 2], [3, 4, 5]]),
        (lambda d: d.map(lambda n: -n, AUTOTUNE, deterministic=False).take(2).prefetch(AUTOTUNE), [0, -1]),
        (lambda d: d.map(lambda n: np.ones(int(n))).take(3).padded_batch(3), [[[0, 0], [1, 0], [1, 1]]]),
    ],
)
def test_links(source: Callable[[int], Dataset], make: Callable[[Dataset], Dataset], want: list[Any]) -> None:
    data = make(source(7))
    assert values(data) == values(data) == want
    assert data.cardinality() in (len(want), UNKNOWN_CARDINALITY)


def test_cardinalities() -> None:
    endless, unknown = Dataset.range(3).repeat(), Dataset.range(3).filter(bool)
    assert endless.concatenate(unknown).cardinality() == INFINITE_CARDINALITY
    assert Dataset.range(3).concatenate(unknown).cardinality() == UNKNOWN_CARDINALITY
    assert Dataset.range(3).concatenate(Dataset.range(2)).cardinality() == 5
    assert endless.shard(2, 1).cardinality() == endless.unbatch().cardinality() == INFINITE_CARDINALITY
    assert len(endless.take(5)) == 5
    assert len(counted(0, 7).shard(3, 0)) == 3


def test_reduce_and_numpy() -> None:
    assert Dataset.range(5).reduce(0, lambda total, n: total + n) == 10
    assert next(Dataset.from_tensors((1, [2, 3])).as_numpy_iterator())[0].tolist() == 1
    assert values(Dataset.from_tensors(np.arange(3))) == [[0, 1, 2]]


def test_a_pass_over_a_part_is_a_pass_over_what_is_shuffled() -> None:
    data = Dataset.range(50).shuffle(seed=1)
    first, second = values(data.take(5)), values(data.take(5))
    assert first != second
    assert values(data) not in (first, second)
    again = Dataset.range(50).shuffle(seed=1)
    assert values(again)[:5] == first
    plain = Dataset.range(5)
    values(plain)
    assert values(plain.shuffle(seed=2)) == values(Dataset.range(5).shuffle(seed=2))


def test_a_small_buffer_draws_alike_from_slices_and_from_anything_else() -> None:
    order = values(Dataset.range(100).shuffle(7, seed=3))
    assert sorted(order) == list(range(100))
    assert all(number - place < 7 for place, number in enumerate(order))
    assert order != values(Dataset.range(100).shuffle(7, seed=4))
    batches = values(Dataset.range(100).shuffle(7, seed=3).batch(10))
    assert list(itertools.chain(*batches)) == order


def test_generators_with_arguments_and_declared_elements() -> None:
    def pairs(count: int) -> Any:
        return ((n, np.full(2, n)) for n in range(count))

    data = Dataset.from_generator(
        pairs, output_signature=(KerasTensor((), "int32"), KerasTensor((2,), "float32")), args=(3,)
    )
    assert [(number.dtype.name, row.dtype.name) for number, row in data.map(lambda n, row: (n, row))] == [
        ("int32", "float32")
    ] * 3
    wrong = Dataset.from_generator(lambda: [np.zeros(3)], "float32", (2,))
    with pytest.raises(ValueError, match=r"element 0 has the shape \(3,\), \(2,\) is declared"):
        list(wrong)
    with pytest.raises(ValueError, match="2 leaves, 1 are declared"):
        list(Dataset.from_generator(lambda: [(1, 2)], "int32"))
    with pytest.raises(ValueError, match="not both"):
        Dataset.from_generator(list, "int32", output_signature=KerasTensor((), "int32"))


def test_a_generator_may_fill_one_array_again_and_again() -> None:
    def numbers() -> Any:
        buffer = np.zeros(2)
        for n in range(3):
            buffer[:] = n
            yield buffer

    assert values(Dataset.from_generator(numbers).batch(3)) == [[[0, 0], [1, 1], [2, 2]]]
    assert values(Dataset.from_generator(numbers).prefetch(3)) == [[0, 0], [1, 1], [2, 2]]


def test_batches_of_nests() -> None:
    elements = [{"a": np.full(2, n), "b": (n, float(n))} for n in range(3)]
    batch = next(iter(Dataset.from_generator(lambda: elements).batch(3)))
    assert batch["a"].shape == (3, 2)
    assert batch["b"][0].tolist() == [0, 1, 2]
    texts = next(iter(Dataset.from_generator(lambda: ["a", "bcd"]).batch(2)))
    assert texts.tolist() == ["a", "bcd"]
    with pytest.raises(ValueError, match=r"batch 0: element 1 has the shape \(3,\), element 0 \(2,\)"):
        next(iter(Dataset.from_generator(lambda: [np.zeros(2), np.zeros(3)]).batch(2)))
    with pytest.raises(ValueError, match=r"element 1 has the shape \(2,\)"):
        next(iter(Dataset.from_generator(lambda: [(1, 2), (1, (2, 3))]).batch(2)))
    with pytest.raises(ValueError, match="element 1 is nested otherwise"):
        next(iter(Dataset.from_generator(lambda: [{"a": 1}, {"b": 2}]).batch(2)))


def test_padding_to_given_shapes_and_values() -> None:
    rows = Dataset.from_generator(lambda: [(np.ones(1), 1), (np.ones(3), 2)])
    x, y = next(iter(rows.padded_batch(2, ((4,), ()), (-1.0, 0))))
    assert x.tolist() == [[1, -1, -1, -1], [1, 1, 1, -1]]
    assert y.tolist() == [1, 2]
    with pytest.raises(ValueError, match=r"\(3,\) is larger than \(2,\)"):
        next(iter(rows.padded_batch(2, ((2,), ()))))
    with pytest.raises(ValueError, match="padded_shapes"):
        next(iter(rows.padded_batch(2, ((2,),))))


@pytest.mark.parametrize("workers", [0, 3])
def test_an_error_names_the_entry_of_the_arrays(workers: int) -> None:
    def fail(x: Any) -> Any:
        if x == 13:
            raise KeyError("thirteen")
        return x

    data = Dataset.range(20).shuffle(seed=1)
    place = values(data.epoch(0)).index(13)
    with pytest.raises(KeyError) as caught:
        list(data.map(fail, workers).batch(4))
    assert caught.value.__notes__ == [f"Dataset.map: element {place} of epoch 0, entry 13 of the arrays"]
    with pytest.raises(KeyError) as caught:
        list(counted(0, 20).filter(fail))
    assert caught.value.__notes__ == ["Dataset.filter: element 13 of epoch 0"]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda d: d.filter(1), TypeError, "filter.*predicate.*1"),
        (lambda d: list(d.flat_map(lambda n: n)), TypeError, "flat_map.*Dataset"),
        (lambda d: d.concatenate([1]), TypeError, r"concatenate.*\[1\]"),
        (lambda d: d.enumerate("a"), ValueError, "enumerate.*start.*'a'"),
        (lambda d: d.shard(2, 2), ValueError, "shard.*index.*2"),
        (lambda d: d.padded_batch(0), ValueError, "padded_batch.*batch_size.*0"),
        (lambda d: d.batch(2, num_parallel_calls=-3), ValueError, "num_parallel_calls.*-3"),
        (lambda d: d.shuffle(seed=2**70), ValueError, "seed"),
        (lambda d: list(d.unbatch()), ValueError, "same number of entries"),
    ],
)
def test_bad_arguments_are_named(make: Callable[[Dataset], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(Dataset.range(5))


def test_lists_of_plain_values_are_arrays() -> None:
    pairs = list(Dataset.from_tensor_slices(([[1, 2], [3, 4]], {"y": ["a", "b"]})))
    assert [x.tolist() for x, _ in pairs] == [[1, 2], [3, 4]] and [str(rest["y"]) for _, rest in pairs] == ["a", "b"]
    assert [int(x) for x in Dataset.from_tensor_slices([5, 6])] == [5, 6]
    lists = list(Dataset.from_tensor_slices([np.arange(2), [[1.0], [2.0]]]))
    assert [type(pair) for pair in lists] == [list, list] and lists[1][1].tolist() == [2.0]
