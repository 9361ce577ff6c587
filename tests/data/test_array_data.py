"""Batches and orders."""

import numpy as np
import pytest

from dlrs.data import ArrayData, IteratorData, as_array, is_iterator


@pytest.mark.parametrize(("count", "batch"), [(1, 1), (5, 2), (6, 2), (3, 32), (7, 7)])
@pytest.mark.parametrize("shuffle", [False, True, "batch"])
def test_batches_cover_every_row_once(count, batch, shuffle):
    x = np.arange(count)
    data = ArrayData(x, x, batch_size=batch, shuffle=shuffle)
    order = data.order(3, 0)
    batches = [data.batch(order, step) for step in range(data.num_batches)]
    assert sorted(np.concatenate([b[0] for b in batches]).tolist()) == list(range(count))
    assert all((b[0] == b[1]).all() for b in batches)
    assert [len(b[0]) for b in batches[:-1]] == [data.batch_size] * (data.num_batches - 1)
    assert len(batches[-1][0]) == data.last_size
    assert data.num_full in (data.num_batches, data.num_batches - 1)


def test_order_depends_on_seed_and_epoch_alone():
    data = ArrayData(np.arange(50), shuffle=True)
    first = data.order(1, 0)
    assert (data.order(1, 0) == first).all()
    assert not (data.order(1, 1) == first).all()
    assert not (data.order(2, 0) == first).all()
    assert first.dtype == np.int64


def test_steps_limit_the_epoch():
    data = ArrayData(np.arange(10), batch_size=3, steps=2)
    assert (data.num_batches, data.last_size, data.num_full) == (2, 3, 2)
    assert ArrayData(np.arange(10), batch_size=3, steps=99).num_batches == 4


def test_nests_and_names():
    data = ArrayData({"b": np.zeros((4, 2)), "a": [np.zeros(4), np.zeros(4)]}, np.zeros(4))
    assert data.names == ["x['a'][0]", "x['a'][1]", "x['b']", "y"]
    with pytest.raises(ValueError, match=r"`x\['a'\]\[1\]` holds object"):
        ArrayData({"a": [np.zeros(4), np.array([None] * 4)]})


def test_types():
    assert as_array(np.zeros(3), "x").dtype == np.float32
    assert as_array(np.zeros(3, "float16"), "x").dtype == np.float32
    for kept in ("uint8", "int32", "int64", "bool"):
        assert as_array(np.zeros(3, kept), "x").dtype == kept
    assert as_array([1, 2], "x").dtype.kind == "i"
    assert as_array(np.zeros((3, 4))[:, ::2], "x").flags.c_contiguous
    shifted = np.zeros(13, "uint8")[1:].view("float32")
    assert as_array(shifted, "x").flags.aligned


def test_iterators():
    assert is_iterator(x for x in [1])
    assert is_iterator({1, 2})
    for data in ([1], (1,), {"a": 1}, np.zeros(2), "text"):
        assert not is_iterator(data)
    source = [(np.zeros(2), np.zeros(2))] * 3

    class Reiterable:
        def __iter__(self):
            return iter(source)

    data = IteratorData(Reiterable())
    assert len(list(data.epoch())) == len(list(data.epoch())) == 3
    endless = IteratorData(iter(source * 2), steps=2)
    assert [len(list(endless.epoch())) for _ in range(3)] == [2, 2, 2]
