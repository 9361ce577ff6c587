"""`ModelCheckpoint` and `BackupAndRestore`."""

import math
import warnings

import numpy as np
import pytest

import dlrs
from dlrs import callbacks, layers
from dlrs.errors import FormatError

X = np.linspace(0, 1, 30, dtype="float32").reshape(10, 3)
Y = X.sum(axis=1, keepdims=True)


def compiled():
    dlrs.utils.set_random_seed(0)
    model = dlrs.Sequential([dlrs.Input((3,)), layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    return model


class Break(callbacks.Callback):
    """Breaks training off at the end of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            raise RuntimeError("broken off")


def fit(model, *others, epochs=4, **arguments):
    return model.fit(X, Y, batch_size=4, epochs=epochs, verbose=0, callbacks=list(others), **arguments)


def test_names_are_filled_in_and_directories_made(tmp_path):
    model = compiled()
    fit(model, callbacks.ModelCheckpoint(tmp_path / "a" / "{epoch:02d}-{loss:.1f}.dlrs"), epochs=2)
    assert len(list((tmp_path / "a").glob("0[12]-*.dlrs"))) == 2
    fit(model, callbacks.ModelCheckpoint(tmp_path / "{epoch}-{batch}.dlrs", save_freq=2), epochs=2)
    assert sorted(path.name for path in tmp_path.glob("*.dlrs")) == ["1-2.dlrs", "2-1.dlrs", "2-3.dlrs"]
    last = tmp_path / "w.safetensors"
    fit(model, callbacks.ModelCheckpoint(last, save_weights_only=True), epochs=1)
    other = compiled()
    other.load_weights(last)
    assert all(np.array_equal(a, b) for a, b in zip(other.get_weights(), model.get_weights(), strict=True))
    with pytest.raises(ValueError, match="names 'nothing'; there are epoch, loss"):
        fit(model, callbacks.ModelCheckpoint(tmp_path / "{nothing}.dlrs"))


@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_best_is_kept_and_nan_is_none(tmp_path, mode):
    path = tmp_path / "best.dlrs"
    checkpoint = callbacks.ModelCheckpoint(path, "score", save_best_only=True, mode=mode)
    model = compiled()
    checkpoint.set_model(model)
    sign = 1 if mode == "max" else -1
    saved = []
    for value in (math.nan, 1.0, math.nan, 0.5, 2.0, 2.0):
        path.unlink(missing_ok=True)
        checkpoint.on_epoch_end(0, {"score": sign * value})
        saved.append(path.exists())
    assert saved == [False, True, False, False, True, False]
    with pytest.warns(UserWarning, match="'score' available"):
        checkpoint.on_epoch_end(0, {"loss": 1.0})
    assert path.exists()


def test_a_threshold_has_to_be_improved_upon(tmp_path):
    checkpoint = callbacks.ModelCheckpoint(
        tmp_path / "m.dlrs", "loss", save_best_only=True, initial_value_threshold=1e-9
    )
    fit(compiled(), checkpoint, epochs=1)
    assert not (tmp_path / "m.dlrs").exists()


@pytest.mark.parametrize("frequency", ["batch", 0.15, 0, -1, True, None])
def test_frequencies_that_are_none(frequency):
    for make in (callbacks.ModelCheckpoint, callbacks.BackupAndRestore):
        with pytest.raises(ValueError, match="'epoch' or a positive integer"):
            make("a.dlrs", save_freq=frequency)


def test_paths_that_are_none():
    with pytest.raises(ValueError, match=r"must end in '\.safetensors'"):
        callbacks.ModelCheckpoint("a.dlrs", save_weights_only=True)
    with pytest.raises(ValueError, match=r"must end in '\.dlrs'"):
        callbacks.ModelCheckpoint("a")
    with pytest.raises(ValueError, match="Empty `backup_dir`"):
        callbacks.BackupAndRestore("")


def broken_off(backups, **arguments):
    model = compiled()
    with pytest.raises(RuntimeError, match="broken off"):
        fit(model, callbacks.BackupAndRestore(backups, **arguments), Break(2))
    return model


def same_weights(first, second):
    return all(a.tobytes() == b.tobytes() for a, b in zip(first.get_weights(), second.get_weights(), strict=True))


def test_backups_are_two_and_go_at_the_end(tmp_path):
    backups = tmp_path / "backups"
    broken_off(backups)
    assert sorted(path.name for path in backups.iterdir()) == ["backup-00000002.dlrs", "backup-00000003.dlrs"]
    model = compiled()
    history = fit(model, callbacks.BackupAndRestore(backups))
    undisturbed = compiled()
    expected = fit(undisturbed)
    assert history.history == expected.history
    assert history.epoch == expected.epoch
    assert same_weights(model, undisturbed)
    assert not backups.exists()


@pytest.mark.parametrize("damage", [lambda data: data[:-100], lambda data: b"", lambda data: b"0" + data[1:]])
def test_a_damaged_backup_is_reported_and_the_one_before_taken(tmp_path, damage):
    broken_off(tmp_path)
    newest = tmp_path / "backup-00000003.dlrs"
    newest.write_bytes(damage(newest.read_bytes()))
    model = compiled()
    with pytest.warns(UserWarning, match=r"backup-00000003\.dlrs cannot be read, and the backup before it"):
        fit(model, callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False))
    undisturbed = compiled()
    fit(undisturbed)
    assert same_weights(model, undisturbed)


def test_a_flipped_bit_is_found_or_changes_nothing(tmp_path):
    """Dates and versions in the headers of the archive are not looked at; all else is."""
    model = broken_off(tmp_path)
    newest = tmp_path / "backup-00000003.dlrs"
    whole = newest.read_bytes()
    generator = np.random.default_rng(0)
    found = 0
    for place in generator.integers(0, len(whole), 60):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(generator.integers(8))
        newest.write_bytes(damaged)
        callback = callbacks.BackupAndRestore(tmp_path)
        callback.set_model(compiled())
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            callback.on_train_begin()
        found += bool(caught)
        assert same_weights(callback.model, model) != bool(caught)
    assert found > 50


def test_if_no_backup_is_whole_training_does_not_begin_anew(tmp_path):
    broken_off(tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(b"0")
    with pytest.warns(UserWarning, match="cannot be read"), pytest.raises(FormatError):
        fit(compiled(), callbacks.BackupAndRestore(tmp_path))


def test_backups_of_other_trainings_are_refused(tmp_path):
    model = compiled()
    with pytest.raises(RuntimeError, match="broken off"):
        fit(model, callbacks.BackupAndRestore(tmp_path, save_freq=2), Break(0))
    with pytest.raises(ValueError, match="has 3 batches, this one 5"):
        compiled().fit(X, Y, batch_size=2, verbose=0, callbacks=callbacks.BackupAndRestore(tmp_path))
    other = dlrs.Sequential([dlrs.Input((3,)), layers.Dense(1, use_bias=False)])
    other.compile("adam", "mse")
    with pytest.raises(FormatError, match="do not match"):
        fit(other, callbacks.BackupAndRestore(tmp_path))


@pytest.mark.parametrize("frequency", [1, 2, "epoch"])
def test_batches_of_an_iterable_are_taken_up_where_they_were(tmp_path, frequency):
    class Batches:
        def __iter__(self):
            return iter([(X[:4], Y[:4]), (X[4:8], Y[4:8]), (X[8:], Y[8:])])

    def train(model, *others):
        return model.fit(Batches(), epochs=4, verbose=0, callbacks=list(others)).history

    with pytest.raises(RuntimeError, match="broken off"):
        train(compiled(), callbacks.BackupAndRestore(tmp_path, frequency), Break(1))
    model, undisturbed = compiled(), compiled()
    assert train(model, callbacks.BackupAndRestore(tmp_path, frequency)) == train(undisturbed)
    assert same_weights(model, undisturbed)


def test_chunks_of_an_epoch_are_the_same_bits(tmp_path):
    model = compiled()
    history = fit(model, callbacks.ModelCheckpoint(tmp_path / "m.dlrs", save_freq=2))
    undisturbed = compiled()
    assert history.history == fit(undisturbed).history
    assert same_weights(model, undisturbed)


def test_callbacks_behind_meet_the_end_of_the_epoch(tmp_path):
    ends = []
    note = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(epoch))
    broken_off(tmp_path)
    fit(compiled(), callbacks.BackupAndRestore(tmp_path), note)
    assert ends == [2, 3]


def test_stopped_stays_stopped(tmp_path):
    stopping = callbacks.EarlyStopping("loss", min_delta=10.0, patience=1)
    model = compiled()
    fit(model, stopping, callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False))
    assert stopping.stopped_epoch == 1
    again = compiled()
    history = fit(again, callbacks.EarlyStopping("loss", min_delta=10.0), callbacks.BackupAndRestore(tmp_path))
    assert history.epoch == [0, 1]
    assert same_weights(model, again)


def test_results_are_said_in_five_digits(tmp_path, capsys):
    model = dlrs.Sequential([dlrs.Input((2,)), dlrs.layers.Dense(1)])
    model.compile("sgd", "mse")
    checkpoint = callbacks.ModelCheckpoint(tmp_path / "best.dlrs", monitor="loss", save_best_only=True, verbose=1)
    model.fit(np.ones((4, 2)), np.full((4, 1), 1 / 3), epochs=3, verbose=0, callbacks=[checkpoint])
    lines = [line for line in capsys.readouterr().out.splitlines() if "improved from" in line]
    numbers = [word for line in lines for word in line.split() if "." in word]
    assert len(lines) == 3 and numbers and all(len(number.strip("0.").split("e")[0]) <= 6 for number in numbers)
