"""Trainings in processes of their own, which may be killed."""

import os
import signal
import sys
import time
import traceback

import numpy as np

import dlrs
from dlrs import callbacks, layers, optimizers
from dlrs.saving.saving_lib import read_saved_model

OPTIMIZERS = {
    "sgd": lambda rate, **kwargs: optimizers.SGD(rate, **kwargs),
    "momentum": lambda rate, **kwargs: optimizers.SGD(rate, momentum=0.9, **kwargs),
    "adam": lambda rate, **kwargs: optimizers.Adam(rate, **kwargs),
    "adamw": lambda rate, **kwargs: optimizers.AdamW(rate, use_ema=True, ema_overwrite_frequency=5, **kwargs),
    "rmsprop": lambda rate, **kwargs: optimizers.RMSprop(rate, centered=True, **kwargs),
}
VARIANTS = ("dropout", "batch_normalization", "schedule", "shuffle_batch", "accumulation", "plateau", "scheduler")
EPOCHS, BATCHES, EXAMPLES, BATCH_SIZE = 4, 9, 70, 8


def forked(function, *arguments):
    """Run `function` in a child process; its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(started(function, *arguments), 0)[1])


def started(function, *arguments):
    """The process that runs `function`."""
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        function(*arguments)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def data():
    generator = np.random.default_rng(0)
    return generator.standard_normal((EXAMPLES, 5)).astype("float32"), generator.integers(0, 3, EXAMPLES)


def compiled(optimizer, variant):
    dlrs.utils.set_random_seed(3)
    rate = 0.02
    if variant == "schedule":
        rate = optimizers.schedules.ExponentialDecay(0.02, 3, 0.9)
    middle = {"dropout": layers.Dropout(0.4), "batch_normalization": layers.BatchNormalization()}
    model = dlrs.Sequential(
        [
            dlrs.Input((5,)),
            layers.Dense(6, activation="tanh"),
            middle.get(variant, layers.GaussianNoise(0.1)),
            layers.Dense(3, activation="softmax"),
        ]
    )
    steps = {"gradient_accumulation_steps": 4} if variant == "accumulation" else {}
    model.compile(OPTIMIZERS[optimizer](rate, **steps), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def watchers(variant):
    if variant == "plateau":
        stopping = callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)
        return [callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=0.2), stopping]
    if variant == "scheduler":
        return [callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.7)]
    return []


class KillAtBatch(callbacks.Callback):
    """Ends the process after so many batches; with it, every step is a call."""

    def __init__(self, count):
        super().__init__()
        self.count = count

    def on_train_batch_end(self, batch, logs=None):
        self.count -= 1
        if self.count == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class KillAfterBatches(callbacks.PeriodicCallback):
    """Ends the process after so many batches, between two calls."""

    def on_period_end(self, batch, logs):
        os.kill(os.getpid(), signal.SIGKILL)


class ObservedBackup(callbacks.BackupAndRestore):
    """Knows how many batches were done when the training went on."""

    begun = 0

    def resume(self, others):
        position = super().resume(others)
        if position is not None:
            self.begun = position.epoch * BATCHES + position.batch
        return position


def train(case, result, backups=None, killer=None):
    """Train as `case` says and write the final state to `result`; how many batches were done before."""
    optimizer, variant, save_freq, behind = case
    model = compiled(optimizer, variant)
    x, y = data()
    others = watchers(variant)
    if backups is not None:
        backup = ObservedBackup(backups, save_freq, delete_checkpoint=False)
        others = [backup, *others] if behind else [*others, backup]
    history = model.fit(
        x,
        y,
        batch_size=BATCH_SIZE,
        epochs=EPOCHS,
        validation_data=(x[:20], y[:20]),
        shuffle="batch" if variant == "shuffle_batch" else True,
        callbacks=others + ([] if killer is None else [killer]),
        verbose=0,
    )
    state = {f"weight{i}": value.numpy() for i, value in enumerate(model.weights)}
    state |= {f"slot{i}": value.numpy() for i, value in enumerate(model.optimizer.variables)}
    state |= {f"history {name}": np.array(values, "float64") for name, values in history.history.items()}
    state |= {
        "epochs": np.array(history.epoch),
        "global": dlrs.random.uniform((3,)).numpy(),
        "numpy": np.random.rand(2),
    }
    np.savez(result, **state)
    return backup.begun if backups is not None else 0


def resume(case, result, backups, at):
    """Go on with a training that was broken off after `at` batches, and hold that it did not begin anew."""
    period = BATCHES if case[2] == "epoch" else case[2]
    begun = train(case, result, backups)
    assert (at - 1) // period * period <= begun <= at, f"began at batch {begun}, broken off after {at}"


def persist(directory, case, delays):
    """Kill a training after each of `delays` seconds and start it again until it ends: kills, and what differs."""
    whole, resumed, backups = (str(directory / name) for name in ("whole.npz", "resumed.npz", "backups"))
    assert forked(train, case, whole) == 0
    kills = 0
    for delay in delays:
        process = started(train, case, resumed, backups)
        time.sleep(delay)
        os.kill(process, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if code != -signal.SIGKILL:
            assert code == 0
            break
        kills += 1
    else:
        assert forked(train, case, resumed, backups) == 0
    return kills, states_differ(whole, resumed)


def states_differ(first, second):
    """Names of the parts of two final states that are not the same bits."""
    with np.load(first) as a, np.load(second) as b:
        names = sorted({*a.files, *b.files})
        return [n for n in names if n not in a.files or n not in b.files or a[n].tobytes() != b[n].tobytes()]


def resume_differs(directory, case, at, chunked):
    """Break the training off after `at` batches, resume it in a new process: what differs from the undisturbed one."""
    whole, resumed, backups = (str(directory / name) for name in ("whole.npz", "resumed.npz", "backups"))
    killer = KillAfterBatches(at) if chunked else KillAtBatch(at)
    assert forked(train, case, whole) == 0
    assert forked(train, case, resumed, backups, killer) == -signal.SIGKILL
    assert forked(resume, case, resumed, backups, at) == 0
    return states_differ(whole, resumed)


def save_for_ever(path, acknowledgements):
    """Save states 1, 2, ... to `path`; the number of each goes to `acknowledgements` when it is saved."""
    model = marked(0)
    number = 0
    while True:
        number += 1
        mark(model, number)
        model.save(path)
        os.write(acknowledgements, number.to_bytes(8, "little"))


def marked(number):
    model = dlrs.Sequential([dlrs.Input((40,)), layers.Dense(60)])
    mark(model, number)
    return model


def mark(model, number):
    model.set_weights([np.full(variable.shape, number, "float32") for variable in model.weights])


def saved_mark(path):
    """The number of the state in `path`, which is checked to be whole; 0 if there is no file."""
    if not os.path.exists(path):
        return 0
    values = {
        float(value) for tensor in read_saved_model(str(path)).weights.values() for value in np.unique(tensor.array)
    }
    assert len(values) == 1, f"a mixture of states {sorted(values)}"
    return int(values.pop())


def kill_while_saving(path, delay):
    """Kill a process that saves in a loop `delay` seconds after its first save; what is wrong with the file then."""
    reading, writing = os.pipe()
    process = started(save_for_ever, path, writing)
    os.close(writing)
    try:
        first = os.read(reading, 8)
        time.sleep(delay)
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    received = first
    while chunk := os.read(reading, 1 << 16):
        received += chunk
    os.close(reading)
    if not first:
        return "nothing was saved"
    acknowledged = int.from_bytes(received[-8:], "little")
    found = saved_mark(path)
    return None if acknowledged <= found <= acknowledged + 1 else f"acknowledged {acknowledged}, found {found}"
