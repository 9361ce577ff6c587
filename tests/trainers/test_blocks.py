"""Datasets in `fit`: blocks of batches give what single batches give, and end as they do."""

import gc
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlrs
from dlrs import callbacks, layers
from dlrs.data import Dataset
from dlrs.data.blocks import MOST_BATCHES, in_blocks
from dlrs.errors import NonFiniteError

N = 203
X = np.random.default_rng(1).standard_normal((N, 3)).astype(np.float32)
Y = np.arange(N) % 4
MEAN = np.float32([0.5, -0.25, 1])


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    gc.collect()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("dlrs-data")] == []


def model(**kwargs: Any) -> Any:
    dlrs.utils.set_random_seed(3)
    made = dlrs.Sequential([dlrs.Input((3,)), layers.Dense(5, "tanh"), layers.Dropout(0.2), layers.Dense(4, "softmax")])
    made.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **kwargs)
    return made


def trained(*data: Any, **kwargs: Any) -> tuple[bytes, list[Any]]:
    made = model()
    history = made.fit(*data, **{"epochs": 2, "verbose": 0, **kwargs}).history
    return b"".join(w.numpy().tobytes() for w in made.weights), sorted(history.items())


class Hook(callbacks.Callback):
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        pass


CHAINS = {
    "rows": lambda d: d.batch(8),
    "rows, none left over": lambda d: d.batch(8, drop_remainder=True),
    "prefetched rows": lambda d: d.batch(8).prefetch(3),
    "shuffled rows": lambda d: d.shuffle(seed=2).batch(8),
    "mapped batches": lambda d: d.batch(8).map(lambda x, y: (2 * x, y)),
    "mapped elements": lambda d: d.shuffle(20, seed=2).map(lambda x, y: (2 * x, y), 2).batch(8).prefetch(),
    "arithmetic, then batches": lambda d: d.shuffle(seed=2).map(lambda x, y: (x / 3 - MEAN, y)).batch(8),
    "arithmetic of batches": lambda d: d.shuffle(seed=2).batch(8).map(lambda x, y: ((x - MEAN).astype("float32"), y)),
    "arithmetic by workers": lambda d: d.map(lambda x, y: (x * np.float32(2), y), 2).batch(7, drop_remainder=True),
    "weights by arithmetic": lambda d: d.map(lambda x, y: (x, y, np.float32(0.5) * y)).batch(8).prefetch(),
    "changing shapes": lambda d: d.batch(8).concatenate(d.batch(5)).concatenate(d.take(4).batch(2)),
    "doubles": lambda d: Dataset.from_tensor_slices((X.astype(np.float64), Y)).batch(16),
    "weighted": lambda d: d.map(lambda x, y: (x, y, np.float32(1 + x[0] ** 2))).batch(8),
}


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS.keys())
@pytest.mark.parametrize("limits", [{}, {"steps_per_epoch": 7}], ids=["all", "7 steps"])
def test_blocks_give_what_single_batches_give(chain: Any, limits: Any) -> None:
    def data() -> Dataset:
        made: Dataset = chain(Dataset.from_tensor_slices((X, Y)))
        return made

    assert trained(data(), **limits) == trained(data(), callbacks=[Hook()], **limits)


def test_a_dataset_of_rows_gives_what_the_arrays_give() -> None:
    assert trained(Dataset.from_tensor_slices((X, Y)).batch(8)) == trained(X, Y, batch_size=8, shuffle=False)
    mapped = Dataset.from_tensor_slices((X, Y)).map(lambda x, y: (x, y)).batch(8)
    assert trained(mapped) == trained(X, Y, batch_size=8, shuffle=False)
    made, data = model(), Dataset.from_tensor_slices((X, Y)).batch(8)
    assert made.evaluate(data, verbose=0) == made.evaluate(X, Y, batch_size=8, verbose=0)


def test_training_stands_at_the_batch_before_an_error() -> None:
    def fail(x: Any, y: Any) -> Any:
        if (x == X[150]).all(axis=1).any():
            raise OSError("no such file")
        return x, y

    broken, whole = model(), model()
    with pytest.raises(OSError, match="no such file") as caught:
        broken.fit(Dataset.from_tensor_slices((X, Y)).batch(8).map(fail), verbose=0)
    assert caught.value.__notes__ == ["Dataset.map: element 18 of epoch 0"]
    whole.fit(X[:144], Y[:144], batch_size=8, shuffle=False, verbose=0)
    assert all((a.numpy() == b.numpy()).all() for a, b in zip(broken.weights, whole.weights, strict=True))
    del caught


def test_what_ends_training_early_ends_the_thread() -> None:
    endless = Dataset.from_tensor_slices((X, Y)).repeat().map(lambda x, y: (x, y)).batch(8)
    model().fit(endless, steps_per_epoch=30, epochs=2, verbose=0)

    class Stop(callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = True

    assert len(model().fit(endless, steps_per_epoch=3, epochs=9, verbose=0, callbacks=[Stop()]).epoch) == 1


def test_checks_hold_for_every_batch() -> None:
    labels = np.where(np.arange(N) == 170, 7, Y)
    for data in (
        Dataset.from_tensor_slices((X, labels)).batch(8),
        Dataset.from_tensor_slices((X, labels)).map(lambda x, y: (x, y)).batch(8),
    ):
        with pytest.raises(ValueError, match=r"labels must lie in \[0, 4\)"):
            model().fit(data, verbose=0)
    spoiled = np.where(np.arange(N)[:, None] == 170, np.nan, X).astype(np.float32)
    for data in (
        Dataset.from_tensor_slices((spoiled, Y)).batch(8),
        Dataset.from_tensor_slices((spoiled, Y)).map(lambda x, y: (x, y)).batch(8),
    ):
        with pytest.raises(NonFiniteError, match="21"):
            model(check_numerics=True).fit(data, verbose=0)


def test_checkpoints_come_at_the_same_batches(tmp_path: Path) -> None:
    def saved(name: str, *data: Any, **kwargs: Any) -> list[str]:
        path = str(tmp_path / name / "{batch}-{loss:.6f}.safetensors")
        (tmp_path / name).mkdir()
        keep = callbacks.ModelCheckpoint(path, save_freq=7, save_weights_only=True)
        model().fit(*data, verbose=0, callbacks=[keep], **kwargs)
        return sorted(file.name for file in (tmp_path / name).iterdir())

    mapped = Dataset.from_tensor_slices((X, Y)).map(lambda x, y: (x, y)).batch(8)
    names = saved("dataset", mapped)
    assert len(names) == 3
    assert names == saved("arrays", X, Y, batch_size=8, shuffle=False)


def test_blocks() -> None:
    batches = [{"a": np.full((2, 3), n), "b": np.full(2, n)} for n in range(2 * MOST_BATCHES)]
    blocks = list(in_blocks(iter(batches)))
    assert [block.batches for block in blocks] == [1, MOST_BATCHES, MOST_BATCHES - 1]
    joined = [block.batch(index) for block in blocks for index in range(block.batches)]
    assert all((a["a"] == b["a"]).all() and (a["b"] == b["b"]).all() for a, b in zip(joined, batches, strict=True))
    large = [np.zeros((2, 1 << 20), np.float32)] * 3
    assert [block.batches for block in in_blocks(iter(large))] == [1, 1, 1]


def test_slow_batches_do_not_wait_for_each_other() -> None:
    def slow() -> Iterator[Any]:
        for _ in range(4):
            time.sleep(0.06)
            yield np.zeros(2)

    assert [block.batches for block in in_blocks(slow())] == [1, 1, 1, 1]


def test_an_interrupt_ends_the_threads() -> None:
    started = threading.Event()

    def slow(x: Any, y: Any) -> Any:
        started.set()
        time.sleep(0.01)
        return x, y

    def interrupt() -> None:
        started.wait()
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    data = Dataset.from_tensor_slices((X, Y)).map(slow, 2).batch(2).repeat()
    killer = threading.Thread(target=interrupt)
    killer.start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        model().fit(data, steps_per_epoch=10**6, verbose=0)
    killer.join()
    assert time.monotonic() - begin < 20
