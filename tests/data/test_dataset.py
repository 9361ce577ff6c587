"""Datasets and PyDatasets: the same elements in the same order for any number of workers; errors; threads that end."""

import gc
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import dlrs
from dlrs import layers, random
from dlrs.data import INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset, PyDataset

X, Y = np.arange(23, dtype=np.float32), np.arange(23) % 3


def values(data: Any) -> list[Any]:
    return [np.asarray(element).tolist() for element in data]


def our_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("dlrs-data")]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    gc.collect()
    assert our_threads() == []


def noisy(workers: int) -> Dataset:
    noise = layers.GaussianNoise(1.0, seed=5)

    def disturb(x: Any, y: Any) -> Any:
        time.sleep(0.002 * (int(y[0]) % 3))
        return noise(x, training=True).numpy(), y

    return Dataset.from_tensor_slices((X, Y)).shuffle(seed=1).batch(4).map(disturb, workers, seed=2).prefetch(2)


def test_elements_do_not_depend_on_the_number_of_workers() -> None:
    def run(workers: int) -> list[bytes]:
        data = noisy(workers)
        return [x.tobytes() + y.tobytes() for _ in range(3) for x, y in data]

    whole = run(0)
    assert len(set(whole)) == len(whole) == 18
    for workers in (1, 2, 3, 4):
        assert run(workers) == whole


def test_epochs_can_be_asked_for_by_number() -> None:
    data = noisy(2)
    first, second = [[x.tobytes() for x, _ in data] for _ in range(2)]
    assert [x.tobytes() for x, _ in noisy(1).epoch(1)] == second
    assert first != second


@pytest.mark.parametrize(
    ("make", "want"),
    [
        (lambda d: d.take(3), [0, 1, 2]),
        (lambda d: d.skip(20), [20, 21, 22]),
        (lambda d: d.skip(30), []),
        (lambda d: d.take(2).repeat(2), [0, 1, 0, 1]),
        (lambda d: d.take(2).repeat().take(5), [0, 1, 0, 1, 0]),
        (lambda d: d.take(0).repeat(), []),
        (lambda d: d.take(2).repeat(0), []),
        (lambda d: d.take(5).batch(2), [[0, 1], [2, 3], [4]]),
        (lambda d: d.batch(10, drop_remainder=True), [list(range(10)), list(range(10, 20))]),
        (lambda d: d.map(lambda x: x + 1).take(2), [1, 2]),
        (lambda d: Dataset.zip(d.take(2), d.skip(1)), [[0, 1], [1, 2]]),
        (lambda d: d.take(3).cache(), [0, 1, 2]),
        (lambda d: d.take(3).prefetch(1), [0, 1, 2]),
    ],
)
def test_the_links_of_a_chain(make: Callable[[Dataset], Dataset], want: list[Any]) -> None:
    data = make(Dataset.range(23))
    assert values(data) == values(data) == want
    assert data.cardinality() in (len(want), INFINITE_CARDINALITY)


def test_shuffle_is_a_permutation_and_a_small_buffer_keeps_elements_near() -> None:
    data = Dataset.range(100).shuffle(seed=3)
    first, second = values(data), values(data)
    assert sorted(first) == sorted(second) == list(range(100))
    assert first != second
    fixed = Dataset.range(100).shuffle(seed=3, reshuffle_each_iteration=False)
    assert values(fixed) == values(fixed)
    near = values(Dataset.range(100).map(lambda x: x).shuffle(5, seed=3))
    assert sorted(near) == list(range(100))
    assert max(place - number for place, number in enumerate(near)) >= 1
    assert all(number - place < 5 for place, number in enumerate(near))


def test_lengths() -> None:
    data = Dataset.from_generator(lambda: iter(range(3)))
    assert data.cardinality() == UNKNOWN_CARDINALITY
    with pytest.raises(TypeError, match="unknown"):
        len(data)
    with pytest.raises(TypeError, match="infinite"):
        len(Dataset.range(3).repeat())


def test_cache_computes_once() -> None:
    calls = []
    data = Dataset.range(3).map(lambda x: calls.append(int(x)) or x).cache()
    assert values(data) == values(data) == [0, 1, 2]
    assert calls == [0, 1, 2]


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_names_the_element_and_ends_the_workers(workers: int) -> None:
    def fail(x: Any) -> Any:
        if x == 7:
            raise KeyError("seven")
        return x

    taken = []
    with pytest.raises(KeyError, match="seven") as caught:
        for x in Dataset.range(20).map(fail, workers).prefetch(2):
            taken.append(int(x))
    assert taken == list(range(7))
    assert caught.value.__notes__ == ["Dataset.map: element 7 of epoch 0"]
    del caught


def test_an_abandoned_pass_ends_its_threads() -> None:
    iterator = iter(Dataset.range(10**6).map(lambda x: x, 3).prefetch(4))
    assert next(iterator) == 0
    assert len(our_threads()) >= 2
    del iterator
    gc.collect()
    assert our_threads() == []


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dataset.from_tensor_slices((X, Y[:3])), r"\(23,\).*\(3,\)"),
        (lambda: Dataset.from_tensor_slices(np.float32(1)), "shapes"),
        (lambda: Dataset.range(3).batch(0), "batch_size.*0"),
        (lambda: Dataset.range(3).batch(True), "batch_size.*True"),
        (lambda: Dataset.range(3).shuffle(0), "buffer_size.*0"),
        (lambda: Dataset.range(3).shuffle(seed="a"), "seed.*'a'"),
        (lambda: Dataset.range(3).map(lambda x: x, -2), "num_parallel_calls.*-2"),
        (lambda: Dataset.range(3).take(-3), "count.*-3"),
    ],
)
def test_bad_arguments_are_named(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


class Squares(PyDataset):
    """Batches of four numbers and their squares."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.events: list[str] = []

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Any:
        x = np.arange(4 * index, 4 * index + 4, dtype=np.float32)[:, None] / 24
        return x, x**2

    def on_epoch_begin(self) -> None:
        self.events.append("begin")

    def on_epoch_end(self) -> None:
        self.events.append("end")


def fitted(data: Any, epochs: int = 2, **kwargs: Any) -> bytes:
    dlrs.utils.set_random_seed(3)
    model = dlrs.Sequential([dlrs.Input((1,)), layers.Dense(5, "tanh"), layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(data, epochs=epochs, verbose=0, **kwargs)
    return b"".join(weight.numpy().tobytes() for weight in model.weights)


def test_fit_takes_a_py_dataset_with_any_number_of_workers() -> None:
    whole = fitted(Squares(workers=0))
    assert all(fitted(Squares(workers=workers)) == whole for workers in (1, 2, 4))
    assert fitted(Squares(), shuffle=False) != whole
    data = Squares(workers=2)
    fitted(data)
    assert data.events == ["begin", "end"] * 2


def test_an_error_in_a_py_dataset_names_the_batch() -> None:
    class Broken(Squares):
        def __getitem__(self, index: int) -> Any:
            if index == 3:
                raise OSError("no such file")
            return super().__getitem__(index)

    with pytest.raises(OSError, match="no such file") as caught:
        fitted(Broken(workers=2))
    assert caught.value.__notes__ == ["Broken: batch 3"]
    del caught


def test_py_datasets_that_cannot_be_used() -> None:
    class Empty(Squares):
        def __len__(self) -> int:
            return 0

    class Forgetful(Squares):
        def __init__(self) -> None:
            self.events = []

    with pytest.raises(ValueError, match="length 0"):
        fitted(Empty())
    with pytest.warns(UserWarning, match=r"super\(\).__init__"):
        fitted(Forgetful())
    with pytest.raises(ValueError, match=r"workers.*-1"):
        Squares(workers=-1)


def test_fit_takes_a_dataset_and_a_resumed_fit_draws_as_an_uninterrupted_one() -> None:
    def data(workers: int) -> Dataset:
        noise = layers.GaussianNoise(0.1, seed=5)
        pairs = Dataset.from_tensor_slices((X[:, None] / 23, X[:, None] ** 2 / 500)).shuffle(seed=1).batch(5)
        return pairs.map(lambda x, y: (noise(x, training=True), y), workers, seed=9).prefetch()

    whole = fitted(data(0), 4)
    assert all(fitted(data(workers), 4) == whole for workers in (1, 3))

    dlrs.utils.set_random_seed(3)
    model = dlrs.Sequential([dlrs.Input((1,)), layers.Dense(5, "tanh"), layers.Dense(1)])
    model.compile("adam", "mse")
    for _ in range(2):
        model.fit(data(2), epochs=2, verbose=0)  # a new dataset: the model counts the epochs
    assert b"".join(weight.numpy().tobytes() for weight in model.weights) == whole


def test_evaluate_and_predict_take_datasets() -> None:
    model = dlrs.Sequential([dlrs.Input((1,)), layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mae")
    pairs = Dataset.from_tensor_slices((X[:, None], X[:, None] + 2)).batch(10)
    assert model.evaluate(pairs, verbose=0) == pytest.approx(2)
    np.testing.assert_allclose(model.predict(pairs, verbose=0), X[:, None])
    model.fit(pairs, validation_data=pairs, verbose=0)


def test_seeds_of_maps_decide_what_layers_draw() -> None:
    def draws(seed: int) -> list[Any]:
        return values(Dataset.range(3).map(lambda _: random.uniform(()).numpy(), 2, seed=seed))

    assert draws(1) == draws(1) != draws(2)


CTRL_C = """
    import signal, threading, time
    from dlrs.data import Dataset
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(0.5, lambda: signal.raise_signal(signal.SIGINT)).start()
    def slow(x):
        time.sleep(0.02)
        return x
    try:
        for x in Dataset.range(10**6).map(slow, 3).prefetch(2):
            pass
    except KeyboardInterrupt:
        del x
        import gc; gc.collect()
        print(sum(thread.name.startswith("dlrs-data") for thread in threading.enumerate()))
"""


def test_ctrl_c_ends_a_pass_and_its_threads() -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CTRL_C)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["0"], done
