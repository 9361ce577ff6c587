"""What a process that uses dlrs may count on: steady memory, forks, prompt Ctrl-C, refusals in place of deaths."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import dlrs
from dlrs import layers

MIB = 1 << 20


def classifier(seed: int = 3, width: int = 32) -> dlrs.Sequential:
    dlrs.utils.set_random_seed(seed)
    model = dlrs.Sequential(
        [dlrs.Input((16,)), layers.Dense(width, activation="relu"), layers.Dropout(0.1), layers.Dense(3)]
    )
    model.compile(dlrs.optimizers.Adam(1e-3), dlrs.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def data(rows: int = 64) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((rows, 16)).astype(np.float32), rng.integers(0, 3, rows).astype(np.int32)


def weight_bytes(model: dlrs.Sequential) -> bytes:
    return b"".join(np.ascontiguousarray(w).tobytes() for w in model.get_weights())


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@linux
@pytest.mark.slow
def test_memory_does_not_grow_over_2000_fits_and_predicts() -> None:
    model, (x, y) = classifier(), data()

    def cycles(count: int) -> None:
        for _ in range(count):
            model.fit(x, y, batch_size=16, epochs=1, verbose=0)
            model.predict(x, batch_size=16, verbose=0)

    cycles(200)
    before = resident()
    cycles(2000)
    assert resident() - before <= 2 * MIB


@linux
def test_memory_does_not_grow_with_eager_ops_and_tapes() -> None:
    weights = dlrs.Variable(np.ones((64, 64), np.float32))
    x = np.ones((8, 64), np.float32)

    def cycles(count: int) -> None:
        for _ in range(count):
            with dlrs.GradientTape() as tape:
                loss = dlrs.ops.sum(dlrs.ops.relu(dlrs.ops.matmul(x, weights)))
            tape.gradient(loss, [weights])

    cycles(200)
    before = resident()
    cycles(2000)
    assert resident() - before <= 2 * MIB


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_trains_to_the_same_bits() -> None:
    x, y = data()
    model = classifier()
    model.fit(x, y, batch_size=16, epochs=1, verbose=0)  # the team of threads exists before the fork
    start = [np.array(w) for w in model.get_weights()]
    dlrs.utils.set_random_seed(5)

    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            model.fit(x, y, batch_size=16, epochs=2, verbose=0)
            with os.fdopen(write, "wb") as pipe:
                pipe.write(weight_bytes(model))
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        theirs = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    for ours, before in zip(model.get_weights(), start, strict=True):
        np.testing.assert_array_equal(ours, before)  # the child's training is the child's
    model.fit(x, y, batch_size=16, epochs=2, verbose=0)
    assert weight_bytes(model) == theirs


def test_ctrl_c_stops_fit_at_a_step_boundary_within_200_ms() -> None:
    script = """
import os, signal, threading, time
import numpy as np, dlrs
from dlrs import layers
x = np.random.default_rng(0).standard_normal((1024, 256)).astype("float32")
y = np.zeros((1024, 256), "float32")
def built():
    dlrs.utils.set_random_seed(1)
    model = dlrs.Sequential([dlrs.Input((256,)), layers.Dense(1024, activation="relu"), layers.Dense(256)])
    model.compile("adam", "mse")
    return model
model = built()
model.fit(x, y, batch_size=256, shuffle=False, verbose=0)
sent = []
def interrupt():
    time.sleep(0.5)
    sent.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    model.fit(x, y, batch_size=256, epochs=100_000, shuffle=False, verbose=0)
except KeyboardInterrupt:
    print(time.perf_counter() - sent[0])
steps = int(model.optimizer.iterations)
twin = built()
for step in range(steps):
    rows = slice(step % 4 * 256, step % 4 * 256 + 256)
    twin.train_on_batch(x[rows], y[rows])
same = all((a == b).all() for a, b in zip(model.get_weights(), twin.get_weights()))
print(steps, same)
model.fit(x, y, batch_size=256, epochs=1, verbose=0)
print("trains on")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    seconds, state, trains_on = done.stdout.strip().splitlines()
    assert float(seconds) <= 0.2
    steps, same = state.split()
    assert int(steps) > 4  # the interrupted call had begun
    assert same == "True"
    assert trains_on == "trains on"


def test_an_impossible_allocation_is_a_memory_error() -> None:
    with pytest.raises(MemoryError):
        dlrs.ops.zeros((1 << 40,))
    with pytest.raises((MemoryError, ValueError)):
        dlrs.ops.zeros((1 << 40, 1 << 40))
    assert float(dlrs.ops.sum(dlrs.ops.ones((3,)))) == 3.0


def test_signal_handlers_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    model, (x, y) = classifier(), data()
    model.fit(x, y, verbose=0)
    assert signal.getsignal(signal.SIGINT) is before


def test_concurrent_predicts_agree() -> None:
    from concurrent.futures import ThreadPoolExecutor

    model, (x, _) = classifier(), data(512)
    expected = np.asarray(model.predict(x, batch_size=64, verbose=0)).tobytes()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: np.asarray(model.predict(x, batch_size=64, verbose=0)).tobytes(), range(32)))
    assert set(answers) == {expected}


def test_threads_sleep_when_nothing_is_asked() -> None:
    model, (x, y) = classifier(), data()
    model.fit(x, y, verbose=0)
    time.sleep(0.05)
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before <= 0.05
