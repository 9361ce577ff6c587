"""Keras's side of the race, on the backend that KERAS_BACKEND names: `worker_keras.py THREADS`."""

import importlib
import sys
from functools import partial

import keras
from keras import layers

import seqnets
from convnets import NETWORKS, compiled
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

engine = importlib.import_module(keras.backend.backend())
if engine.__name__ == "tensorflow":
    engine.config.threading.set_intra_op_parallelism_threads(int(sys.argv[1]))

keras.utils.set_random_seed(0)


def network(sizes: tuple[int, ...]) -> keras.Sequential:
    hidden = [layers.Dense(units, activation="relu") for units in sizes[1:-1]]
    model = keras.Sequential([keras.Input((sizes[0],)), *hidden, layers.Dense(sizes[-1])])
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def training(rows: int) -> Step:
    model, (x, y) = network(LAYERS), images(rows)
    return lambda: model.train_on_batch(x, y)


def convolutional(name: str) -> Step:
    model, (x, y) = compiled(keras, name), pictures(name, STEPS[name])
    return lambda: model.train_on_batch(x, y)


def inference(name: str, rows: int) -> Step:
    model, x = NETWORKS[name](keras), pictures(name, rows)[0]
    return lambda: model.predict_on_batch(x)


def sequential(name: str) -> Step:
    model, (inputs, labels) = seqnets.compiled(keras, name), sequences(name, SEQUENCES[name])
    x = inputs if len(inputs) > 1 else inputs[0]
    return lambda: model.train_on_batch(x, labels)


def sequence_inference(name: str, rows: int) -> Step:
    model, x = seqnets.NETWORKS[name](keras), sequences(name, rows)[0][0]
    return lambda: model.predict_on_batch(x)


def epoch(batch: int) -> Step:
    model, (x, y) = network(LAYERS), images(batch * EPOCH_STEPS)
    return lambda: model.fit(x, y, batch_size=batch, epochs=1, verbose=0)


def one_row() -> Step:
    model, x = network((64, 64, 10)), features(1, 64)
    return lambda: model.predict_on_batch(x)


def add() -> Step:
    a, b = keras.ops.convert_to_tensor(features(16)), keras.ops.convert_to_tensor(features(16))
    return lambda: keras.ops.add(a, b)


def gemm(m: int, k: int, n: int) -> Step:
    a, b = keras.ops.convert_to_tensor(features(m, k)), keras.ops.convert_to_tensor(features(k, n))
    if engine.__name__ == "jax":
        multiply = engine.jit(engine.numpy.matmul)
        return lambda: multiply(a, b).block_until_ready()
    return lambda: engine.linalg.matmul(a, b)


workloads = {
    "mlp128": Workload(lambda: training(128)),
    "mlp32": Workload(lambda: training(32)),
    "mlp128 epoch": Workload(lambda: epoch(128), EPOCH_STEPS),
    **{name: Workload(partial(convolutional, name)) for name in STEPS},
    **{inference_name(*case): Workload(partial(inference, *case)) for case in INFERENCES},
    **{name: Workload(partial(sequential, name)) for name in SEQUENCES},
    **{inference_name(*case): Workload(partial(sequence_inference, *case)) for case in SEQUENCE_INFERENCES},
    "one row": Workload(one_row),
    "add": Workload(add),
} | {gemm_name(shape): Workload(partial(gemm, *shape)) for shape in GEMM_SHAPES}

serve(
    {"keras": keras.__version__, engine.__name__: engine.__version__},
    workloads,
    {"memory": lambda: step_memory(lambda: convolutional("resnet20"))},
)
