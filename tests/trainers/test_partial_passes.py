"""Epochs of fewer steps than a pass over a dataset, a `PyDataset` or an iterable has."""

import numpy as np
import pytest

import dlrs
from dlrs import callbacks, layers
from dlrs.data import Dataset, PyDataset

X = np.random.default_rng(0).random((50, 4)).astype("float32")
Y = X.sum(axis=1, keepdims=True)
BATCHES = [(X[start : start + 8], Y[start : start + 8]) for start in range(0, 50, 8)]  # 7, the last of 2 rows


class Numbered(PyDataset):
    """The batches, which notes what is asked of it."""

    def __init__(self, asked=None, workers=0):
        super().__init__(workers=workers)
        self.asked = [] if asked is None else asked

    def __len__(self):
        return len(BATCHES)

    def __getitem__(self, index):
        self.asked.append(index)
        return BATCHES[index]


class Endless(Numbered):
    __len__ = None

    @property
    def num_batches(self):
        return None

    def __getitem__(self, index):
        self.asked.append(index)
        return BATCHES[index % 7]


class Iterable:
    """An iterable without a length that begins anew at every `iter()`."""

    def __iter__(self):
        return iter(BATCHES)


def rows():
    return Dataset.from_tensor_slices((X, Y)).batch(8)


SOURCES = {
    "rows": rows,
    "shuffled rows": lambda: Dataset.from_tensor_slices((X, Y)).shuffle(50, seed=3).batch(8),
    "mapped": lambda: rows().map(lambda x, y: (x * 1.0, y)),
    "shuffled, mapped": lambda: (
        Dataset.from_tensor_slices((X, Y)).shuffle(50, seed=3).map(lambda x, y: (x, y)).batch(8)
    ),
    "prefetched": lambda: rows().map(lambda x, y: (x * 1.0, y), num_parallel_calls=2).prefetch(2),
    "no length": lambda: rows().filter(lambda x, y: True),
    "repeated": lambda: rows().repeat(),
    "generator": lambda: Dataset.from_generator(lambda: iter(BATCHES)),
    "by number": Numbered,
    "by number, workers": lambda: Numbered(workers=2),
    "endless": Endless,
    "list without length": Iterable,
}


class Seen(callbacks.Callback):
    """How many steps each epoch had."""

    def __init__(self):
        super().__init__()
        self.steps = []

    def on_epoch_begin(self, epoch, logs=None):
        self.steps.append(0)

    def on_train_batch_end(self, batch, logs=None):
        self.steps[-1] += 1


class StoppedError(Exception):
    pass


class StopAfter(callbacks.Callback):
    def __init__(self, batches):
        super().__init__()
        self.left = batches

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            raise StoppedError


def make_model():
    dlrs.utils.set_random_seed(5)
    model = dlrs.Sequential([dlrs.Input((4,)), layers.Dense(3, activation="tanh"), layers.Dense(1)])
    model.compile("adam", "mse")
    return model


def fit(model, source, *extra, steps=3, epochs=7):
    return model.fit(source, epochs=epochs, steps_per_epoch=steps, callbacks=list(extra), verbose=0, shuffle=False)


def same(one, other):
    return all(a.numpy().tobytes() == b.numpy().tobytes() for a, b in zip(one.weights, other.weights, strict=True))


@pytest.mark.parametrize(
    "name", ["rows", "mapped", "prefetched", "no length", "generator", "by number", "list without length"]
)
def test_all_batches_are_trained_on_as_those_of_arrays_are(name):
    arrays = make_model()
    arrays.fit(X, Y, batch_size=8, epochs=7, steps_per_epoch=3, shuffle=False, verbose=0)
    model, seen = make_model(), Seen()
    fit(model, SOURCES[name](), seen)
    assert seen.steps == [3, 3, 1, 3, 3, 1, 3]
    assert same(model, arrays)


def test_the_batches_of_a_py_dataset_are_asked_for_once():
    asked = []
    fit(make_model(), Numbered(asked), epochs=4)
    assert asked == [0, 1, 2, 3, 4, 5, 6, 0, 1, 2]
    asked = []
    fit(make_model(), Endless(asked), epochs=4)
    assert asked == list(range(12))


def test_a_repeated_dataset_goes_on_over_its_end():
    model, seen = make_model(), Seen()
    fit(model, SOURCES["repeated"](), seen, epochs=5)
    one = make_model()
    for index in range(15):
        one.train_on_batch(*BATCHES[index % 7])
    assert seen.steps == [3] * 5
    assert same(model, one)


def test_a_pass_that_ends_with_an_epoch_begins_anew():
    for name in ("rows", "no length", "list without length"):
        seen = Seen()
        fit(make_model(), SOURCES[name](), seen, steps=7, epochs=3)
        assert seen.steps == [7] * 3, name


def test_each_pass_has_an_order_of_its_own_and_comes_whole():
    taken = []
    dataset = Dataset.from_tensor_slices(np.arange(50, dtype="float32")).shuffle(50, seed=1)
    dataset = dataset.map(lambda x: taken.append(int(x)) or (x[None], x[None])).batch(8)
    model = dlrs.Sequential([dlrs.Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    fit(model, dataset, epochs=6)
    assert sorted(taken[:50]) == sorted(taken[50:]) == list(range(50))
    assert taken[:50] != taken[50:]


@pytest.mark.parametrize("name", SOURCES)
def test_a_step_per_call_does_what_blocks_do(name):
    one = make_model()
    fit(one, SOURCES[name]())
    other = make_model()
    fit(other, SOURCES[name](), Seen())
    assert same(one, other)


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("at", [2, 5, 8])
def test_resumed_is_uninterrupted(tmp_path, name, at):
    whole = make_model()
    fit(whole, SOURCES[name]())
    broken = make_model()
    with pytest.raises(StoppedError):
        backup = callbacks.BackupAndRestore(tmp_path, save_freq=1, delete_checkpoint=False)
        fit(broken, SOURCES[name](), backup, StopAfter(at))
    resumed = make_model()
    fit(resumed, SOURCES[name](), callbacks.BackupAndRestore(tmp_path, save_freq=1))
    assert same(whole, resumed)


def test_validation_sees_the_same_batches_each_time():
    model, asked = make_model(), []
    model.fit(X, Y, epochs=3, validation_data=Numbered(asked), validation_steps=2, verbose=0)
    assert asked == [0, 1] * 3


def test_workers_of_a_pass_that_is_not_over_end_with_the_training():
    import threading

    fit(make_model(), SOURCES["prefetched"](), epochs=2)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("dlrs-data")]


def test_endless_data_needs_a_number_of_batches():
    data = Dataset.from_tensor_slices((np.ones((8, 3), "float32"), np.ones(8, "float32"))).batch(2).repeat()
    model = dlrs.Sequential([dlrs.Input((3,)), dlrs.layers.Dense(1)])
    model.compile("sgd", "mse")
    for run in (model.fit, model.evaluate, model.predict):
        with pytest.raises(ValueError, match="The dataset is infinite: give the number of batches, `steps_per_epoch`"):
            run(data, verbose=0)
    with pytest.raises(ValueError, match="`validation_steps`"):
        model.fit(data, steps_per_epoch=2, validation_data=data, verbose=0)
    model.fit(data, steps_per_epoch=2, validation_data=data, validation_steps=3, verbose=0)
    assert model.predict(data.map(lambda x, y: x), steps=3, verbose=0).shape == (6, 1)
