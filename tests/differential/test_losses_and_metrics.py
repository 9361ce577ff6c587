"""Losses and metrics agree with Keras on JAX: values and slopes of random batches, to 1e-5 in float32."""

import os

import numpy as np
import pytest

import dlrs
from dlrs import losses, metrics, ops

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")
jax = pytest.importorskip("jax")
if keras.backend.backend() != "jax":
    pytest.skip("Keras has another backend", allow_module_level=True)
pytestmark = pytest.mark.slow

RNG = np.random.default_rng(11)
CALLS = [
    ((5, 4), "sum_over_batch_size", False),
    ((2, 3, 4, 5), "sum_over_batch_size", True),
    ((7, 6, 2), "sum", False),
    ((4, 3), "mean_with_sample_weight", True),
]


def real(shape):
    return RNG.normal(size=shape).astype("float32"), RNG.normal(size=shape).astype("float32")


def bits(shape):
    return RNG.integers(0, 2, shape).astype("float32"), RNG.uniform(0.05, 0.95, shape).astype("float32")


def bit_logits(shape):
    return bits(shape)[0], 3 * real(shape)[0]


def distributions(shape):
    p, q = (RNG.uniform(0.05, 1, shape) for _ in range(2))
    return tuple((x / x.sum(-1, keepdims=True)).astype("float32") for x in (p, q))


def one_hot(shape):
    return np.eye(shape[-1], dtype="float32")[RNG.integers(0, shape[-1], shape[:-1])], distributions(shape)[0]


def one_hot_logits(shape):
    return one_hot(shape)[0], 3 * real(shape)[0]


def labels(shape):
    return RNG.integers(0, shape[-1], shape[:-1]).astype("int32"), distributions(shape)[0]


def label_logits(shape):
    return labels(shape)[0], 3 * real(shape)[0]


def positive(shape):
    return tuple(np.abs(x) + np.float32(0.1) for x in real(shape))


def embeddings(shape):
    rows = real((max(shape[0], 4), shape[-1]))[0]
    return np.arange(len(rows)) % 2, rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def sequences(shape):
    return np.array([[1, 2, 1], [2, 0, 0], [1, 2, 0]]), real((3, 6, 4))[0]


LOSSES = [
    ("MeanSquaredError", {}, real),
    ("MeanAbsoluteError", {}, real),
    ("MeanAbsolutePercentageError", {}, positive),
    ("MeanSquaredLogarithmicError", {}, positive),
    ("CosineSimilarity", {}, real),
    ("CosineSimilarity", {"axis": 1}, real),
    ("Huber", {"delta": 0.7}, real),
    ("LogCosh", {}, real),
    ("Hinge", {}, bit_logits),
    ("SquaredHinge", {}, bit_logits),
    ("CategoricalHinge", {}, one_hot),
    ("KLDivergence", {}, distributions),
    ("Poisson", {}, positive),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, bits),
    ("BinaryCrossentropy", {"from_logits": True}, bit_logits),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "gamma": 1.5}, bits),
    ("BinaryFocalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, bit_logits),
    ("CategoricalCrossentropy", {}, one_hot),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, one_hot_logits),
    ("CategoricalFocalCrossentropy", {}, one_hot),
    ("CategoricalFocalCrossentropy", {"from_logits": True, "alpha": 0.5, "gamma": 1.0}, one_hot_logits),
    ("SparseCategoricalCrossentropy", {}, labels),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, label_logits),
    ("SparseCategoricalCrossentropy", {"from_logits": True, "ignore_class": 1}, label_logits),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.4}, labels),
    ("Dice", {"axis": -1}, bits),
    ("Tversky", {"alpha": 0.3, "beta": 0.6, "axis": -1}, bits),
    ("Circle", {"gamma": 4.0}, embeddings),
    ("CTC", {}, sequences),
]
METRICS = [
    ("BinaryAccuracy", {"threshold": 0.4}, bits),
    ("CategoricalAccuracy", {}, one_hot),
    ("SparseCategoricalAccuracy", {}, labels),
    ("TopKCategoricalAccuracy", {"k": 2}, one_hot),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, labels),
    ("Precision", {"thresholds": [0.3, 0.6]}, bits),
    ("Precision", {"top_k": 2}, bits),
    ("Recall", {"class_id": 1}, bits),
    ("AUC", {}, bits),
    ("AUC", {"curve": "PR"}, bits),
    ("AUC", {"curve": "PR", "summation_method": "minoring"}, bits),
    ("AUC", {"curve": "PRGAIN", "summation_method": "majoring"}, bits),
    ("AUC", {"thresholds": [0.2, 0.7]}, bits),
    ("SensitivityAtSpecificity", {"specificity": 0.6}, bits),
    ("PrecisionAtRecall", {"recall": 0.6}, bits),
    ("F1Score", {"average": "macro"}, one_hot),
    ("FBetaScore", {"beta": 0.5, "threshold": 0.4}, bits),
    ("MeanIoU", {"num_classes": 4, "sparse_y_pred": False, "dtype": "float32"}, labels),
    ("BinaryIoU", {"dtype": "float32"}, lambda shape: bits(shape[:1])),
    ("R2Score", {"class_aggregation": None}, real),
    ("R2Score", {"num_regressors": 2}, real),
    ("ConcordanceCorrelation", {}, real),
    ("PearsonCorrelation", {}, real),
    ("RootMeanSquaredError", {}, real),
    ("LogCoshError", {}, real),
    ("CosineSimilarity", {}, real),
    ("KLDivergence", {}, distributions),
    ("SquaredHinge", {}, bit_logits),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, labels),
]  # fmt: skip


def ids(rows: list) -> list[str]:
    return [f"{i}-{row[0]}" for i, row in enumerate(rows)]


@pytest.mark.parametrize(("name", "arguments", "draw"), LOSSES, ids=ids(LOSSES))
def test_losses(name: str, arguments: dict, draw) -> None:
    for shape, reduction, weighted in CALLS:
        y_true, y_pred = draw(shape)
        ours = getattr(losses, name)(**arguments, reduction=reduction)
        theirs = getattr(keras.losses, name)(**arguments, reduction=reduction)
        weights = np.float32(RNG.uniform(0.2, 2, len(y_pred))) if weighted else None
        value, slope = dlrs.value_and_grad(lambda x: ours(y_true, x, weights))(ops.array(y_pred))  # noqa: B023
        given = None if weights is None else _spread(weights, y_pred, name)
        wanted, steep = jax.value_and_grad(lambda x: theirs(y_true, x, given))(y_pred)  # noqa: B023
        np.testing.assert_allclose(value.numpy(), wanted, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(slope.numpy(), steep, rtol=1e-4, atol=1e-5 * np.abs(steep).max())


def _spread(weights: np.ndarray, y_pred: np.ndarray, name: str) -> np.ndarray:
    """Keras broadcasts weights from the right, so those of samples need axes of size 1 behind them."""
    axes = 0 if name in ("Circle", "CTC") else y_pred.ndim - 2
    return weights.reshape(-1, *[1] * axes)


@pytest.mark.parametrize(("name", "arguments", "draw"), METRICS, ids=ids(METRICS))
@pytest.mark.parametrize("weighted", [False, True])
def test_metrics(name: str, arguments: dict, draw, weighted: bool) -> None:
    ours, theirs = getattr(metrics, name)(**arguments), getattr(keras.metrics, name)(**arguments)
    for rows in (5, 8, 1):
        batch = draw((rows, 4))
        if weighted:
            batch = (*batch, np.float32(RNG.uniform(0.2, 2, rows)))
        ours.update_state(*batch)
        theirs.update_state(*batch)
        np.testing.assert_allclose(ours.result().numpy(), np.asarray(theirs.result()), rtol=1e-5, atol=2e-6)
