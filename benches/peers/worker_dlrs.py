"""The side of dlrs in the race: `worker_dlrs.py THREADS`."""

from functools import partial

import numpy as np

import dlrs
import seqnets
from convnets import NETWORKS, compiled
from dlrs import _dlrs, layers
from protocol import (
    EPOCH_STEPS,
    GEMM_SHAPES,
    INFERENCES,
    LAYERS,
    SEQUENCE_INFERENCES,
    SEQUENCES,
    STEPS,
    Step,
    Workload,
    features,
    gemm_name,
    images,
    inference_name,
    pictures,
    sequences,
    serve,
    step_memory,
)

dlrs.utils.set_random_seed(0)

TINY_STEPS = 4096


def network(sizes: tuple[int, ...]) -> dlrs.Sequential:
    hidden = [layers.Dense(units, activation="relu") for units in sizes[1:-1]]
    model = dlrs.Sequential([dlrs.Input((sizes[0],)), *hidden, layers.Dense(sizes[-1])])
    model.compile(dlrs.optimizers.Adam(1e-3), dlrs.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def training(rows: int) -> Step:
    model, (x, y) = network(LAYERS), images(rows)
    return lambda: model.train_on_batch(x, y)


def convolutional(name: str) -> Step:
    model, (x, y) = compiled(dlrs, name), pictures(name, STEPS[name])
    return lambda: model.train_on_batch(x, y)


def inference(name: str, rows: int) -> Step:
    model, x = NETWORKS[name](dlrs), pictures(name, rows)[0]
    return lambda: model.predict_on_batch(x)


def sequential(name: str) -> Step:
    model, (inputs, labels) = seqnets.compiled(dlrs, name), sequences(name, SEQUENCES[name])
    x = inputs if len(inputs) > 1 else inputs[0]
    return lambda: model.train_on_batch(x, labels)


def sequence_inference(name: str, rows: int) -> Step:
    model, x = seqnets.NETWORKS[name](dlrs), sequences(name, rows)[0][0]
    return lambda: model.predict_on_batch(x)


def epoch(batch: int) -> Step:
    model, (x, y) = network(LAYERS), images(batch * EPOCH_STEPS)
    return lambda: model.fit(x, y, batch_size=batch, epochs=1, verbose=0)


def tape(rows: int) -> Step:
    """The same step, written out by the user."""
    model, (x, y) = network(LAYERS), images(rows)
    inputs, labels = dlrs.ops.convert_to_tensor(x), dlrs.ops.convert_to_tensor(y)
    loss_of, optimizer = dlrs.losses.SparseCategoricalCrossentropy(from_logits=True), dlrs.optimizers.Adam(1e-3)

    def step() -> None:
        with dlrs.GradientTape() as recording:
            loss = loss_of(labels, model(inputs, training=True))
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(recording.gradient(loss, weights), weights, strict=True))

    return step


def tiny(by_epoch: bool) -> Step:
    """A network so small that what is left is the cost of calling it."""
    model = dlrs.Sequential([dlrs.Input((4,)), layers.Dense(1)])
    model.compile(dlrs.optimizers.SGD(1e-3), "mse")
    rows = TINY_STEPS if by_epoch else 1
    x, y = features(rows, 4), np.zeros((rows, 1), np.float32)
    if by_epoch:
        return lambda: model.fit(x, y, batch_size=1, epochs=1, shuffle=False, verbose=0)
    return lambda: model.train_on_batch(x, y)


def one_row() -> Step:
    model, x = network((64, 64, 10)), features(1, 64)
    return lambda: model.predict_on_batch(x)


def add() -> Step:
    a, b = dlrs.ops.convert_to_tensor(features(16)), dlrs.ops.convert_to_tensor(features(16))
    return lambda: dlrs.ops.add(a, b)


def gemm(m: int, k: int, n: int) -> Step:
    a, b = dlrs.ops.convert_to_tensor(features(m, k)), dlrs.ops.convert_to_tensor(features(k, n))
    return lambda: dlrs.ops.matmul(a, b)


workloads = {
    "mlp128": Workload(lambda: training(128)),
    "mlp32": Workload(lambda: training(32)),
    "mlp128 epoch": Workload(lambda: epoch(128), EPOCH_STEPS),
    "mlp128 tape": Workload(lambda: tape(128)),
    "tiny step": Workload(lambda: tiny(by_epoch=False)),
    "tiny epoch": Workload(lambda: tiny(by_epoch=True), TINY_STEPS),
    **{name: Workload(partial(convolutional, name)) for name in STEPS},
    **{inference_name(*case): Workload(partial(inference, *case)) for case in INFERENCES},
    **{name: Workload(partial(sequential, name)) for name in SEQUENCES},
    **{inference_name(*case): Workload(partial(sequence_inference, *case)) for case in SEQUENCE_INFERENCES},
    "one row": Workload(one_row),
    "add": Workload(add),
} | {gemm_name(shape): Workload(partial(gemm, *shape)) for shape in GEMM_SHAPES}

serve(
    {"dlrs": dlrs.__version__, "isa": _dlrs.isa()},
    workloads,
    {"machine peaks": _dlrs.machine_peaks, "memory": lambda: step_memory(lambda: convolutional("resnet20"))},
)
