"""Metrics against NumPy, over batches, eagerly and compiled."""

import numpy as np
import pytest

import dlrs
from dlrs import backend, metrics, ops

RNG = np.random.default_rng(0)
P = RNG.normal(size=(30, 4)).astype(np.float32)
SOFT = np.exp(P) / np.exp(P).sum(-1, keepdims=True)
LABELS = RNG.integers(0, 4, 30)
ONE_HOT = np.eye(4, dtype=np.float32)[LABELS]
BITS = RNG.integers(0, 2, (30, 4)).astype(np.float32)
S = 1 / (1 + np.exp(-P))
W = RNG.random(30).astype(np.float32)
RIGHT = (P.argmax(-1) == LABELS).astype(np.float32)
TOP2 = (np.argsort(-P, -1)[:, :2] == LABELS[:, None]).any(-1).astype(np.float32)
CASES = [
    (metrics.Accuracy, {}, P.round()[:, 0], P.round()[:, 1], (P.round()[:, 0] == P.round()[:, 1]).astype(np.float32)),
    (metrics.BinaryAccuracy, {"threshold": 0.4}, BITS, S, ((S > 0.4) == BITS).mean(-1)),
    (metrics.CategoricalAccuracy, {}, ONE_HOT, SOFT, RIGHT),
    (metrics.SparseCategoricalAccuracy, {}, LABELS, SOFT, RIGHT),
    (metrics.SparseCategoricalAccuracy, {}, LABELS[:, None], SOFT, RIGHT),
    (metrics.TopKCategoricalAccuracy, {"k": 2}, ONE_HOT, SOFT, TOP2),
    (metrics.SparseTopKCategoricalAccuracy, {"k": 2}, LABELS, SOFT, TOP2),
    (metrics.MeanSquaredError, {}, BITS, P, ((BITS - P) ** 2).mean(-1)),
    (metrics.MeanAbsoluteError, {}, BITS, P, np.abs(BITS - P).mean(-1)),
    (metrics.BinaryCrossentropy, {}, BITS, S, -(BITS * np.log(S) + (1 - BITS) * np.log(1 - S)).mean(-1)),
    (metrics.CategoricalCrossentropy, {"from_logits": True}, ONE_HOT, P, -np.log(SOFT[np.arange(30), LABELS])),
    (metrics.SparseCategoricalCrossentropy, {}, LABELS, SOFT, -np.log(SOFT[np.arange(30), LABELS])),
    (metrics.CosineSimilarity, {}, ONE_HOT, P, P[np.arange(30), LABELS] / np.linalg.norm(P, axis=-1)),
]
IDS = [f"{i}-{case[0].__name__}" for i, case in enumerate(CASES)]


@pytest.mark.parametrize(("cls", "config", "y_true", "y_pred", "expected"), CASES, ids=IDS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("compiled", [False, True])
def test_means_over_batches(cls, config, y_true, y_pred, expected, weighted: bool, compiled: bool) -> None:
    metric = cls(**config)
    update = dlrs.function(lambda *batch: metric.update_state(*batch)) if compiled else metric.update_state
    arrays = [y_true, y_pred, W] if weighted else [y_true, y_pred]
    for start, stop in ((0, 12), (12, 24), (24, 30)):
        update(*(a[start:stop] for a in arrays))
    figure = np.average(expected, weights=W if weighted else None)
    assert metric.result().item() == pytest.approx(figure, rel=1e-5)
    metric.reset_state()
    assert metric.result().item() == 0
    again = cls.from_config(metric.get_config())
    assert again.name == metric.name


def test_mean_and_sum() -> None:
    mean, total = metrics.Mean(), metrics.Sum()
    for metric in (mean, total):
        metric.update_state([1.0, 2.0, 3.0])
        metric.update_state(4.0)
        metric.update_state([5.0, 6.0], sample_weight=[1.0, 0.0])
    assert mean.result().item() == pytest.approx(15 / 5)
    assert total.result().item() == 15
    assert metrics.Mean()(2.5).item() == 2.5


def test_root_mean_squared_error() -> None:
    metric = metrics.RootMeanSquaredError()
    for start in (0, 15):
        metric.update_state(BITS[start : start + 15], P[start : start + 15])
    assert metric.result().item() == pytest.approx(np.sqrt(((BITS - P) ** 2).mean()), rel=1e-5)


def test_state() -> None:
    metric = metrics.MeanSquaredError(name="error")
    assert [v.path for v in metric.variables] == ["error/total", "error/count"]
    assert not any(v.trainable for v in metric.variables)

    class Pair(metrics.Metric):
        def __init__(self) -> None:
            super().__init__(name="pair")
            self.first, self.second = metrics.Mean(), metrics.Sum()

        def update_state(self, values, sample_weight=None):
            self.first.update_state(values)
            self.second.update_state(values)

        def result(self):
            return {"mean": self.first.result(), "sum": self.second.result()}

    pair = Pair()
    assert len(pair.variables) == 3
    assert {k: v.item() for k, v in pair([1.0, 3.0]).items()} == {"mean": 2.0, "sum": 4.0}
    pair.reset_state()
    assert [v.numpy().item() for v in pair.variables] == [0, 0, 0]


def test_identifiers() -> None:
    assert isinstance(metrics.get("mse"), metrics.MeanSquaredError)
    assert isinstance(metrics.get("acc"), metrics.Accuracy)
    assert isinstance(metrics.get("sparse_categorical_accuracy"), metrics.SparseCategoricalAccuracy) or callable(
        metrics.get("sparse_categorical_accuracy")
    )
    data = metrics.serialize(metrics.BinaryAccuracy(threshold=0.3))
    assert metrics.deserialize(data)._fn_kwargs == {"threshold": 0.3}
    with pytest.raises(ValueError, match="'accuracy'"):
        metrics.get("acuracy")


@pytest.mark.parametrize(
    "call",
    [
        lambda: metrics.SparseCategoricalAccuracy()(LABELS[:5], SOFT),
        lambda: metrics.CategoricalAccuracy()(LABELS, SOFT),
        lambda: metrics.BinaryAccuracy()(BITS[:, :2], S),
        lambda: metrics.Mean()([1.0, 2.0], sample_weight=[1.0, 2.0, 3.0]),
    ],
)
def test_bad_shapes(call) -> None:
    with pytest.raises(ValueError, match=r"shape"):
        call()


def test_an_update_that_fails_leaves_the_state() -> None:
    metric = metrics.SparseCategoricalAccuracy()
    metric.update_state(LABELS, SOFT)
    before = [v.numpy() for v in metric.variables]
    with pytest.raises(ValueError):
        metric.update_state(LABELS[:5], SOFT)
    assert [v.numpy() for v in metric.variables] == before


def test_large_labels() -> None:
    """Labels are compared as integers: float32 cannot tell 2^24 from 2^24 + 1."""
    assert ops.equal(2**24, 2**24 + 1).item() is False


def test_own_functions_are_not_broadcast() -> None:
    """(n,) against (n, 1) is compared element by element, never broadcast to (n, n)."""
    metric = metrics.MeanMetricWrapper(lambda y_true, y_pred: ops.square(y_true - y_pred), name="squared")
    target = ops.array([1.0, 2.0, 3.0])
    assert metric(target, ops.expand_dims(target, -1)).item() == 0


def test_values_for_a_while() -> None:
    """Stateless calls leave the variables as they are, also where the update fails."""
    metric = metrics.MeanSquaredError()
    metric.update_state([[0.0]], [[2.0]])
    assert metric.stateless_result([9.0, 3.0]).item() == 3.0
    total, count = metric.stateless_update_state([1.0, 1.0], [[0.0]], [[3.0]])
    assert (total.item(), count.item()) == (10.0, 2.0)
    assert [value.item() for value in metric.stateless_reset_state()] == [0.0, 0.0]
    with pytest.raises(ValueError, match="metric_variables"):
        metric.stateless_result([1.0])
    with pytest.raises(ValueError, match="shape"):
        metric.stateless_update_state([1.0, 1.0], [[0.0, 1.0]], [[3.0]])
    assert metric.result().item() == 4.0


@pytest.mark.parametrize("steps", [2, 3])
def test_weights_of_samples_stand_along_the_first_axis_of_a_mask(steps):
    pred = ops.convert_to_tensor(np.array([[1.0], [5.0]]) * np.ones((2, steps)), "float32")[..., None]
    mask = np.ones((2, steps), bool)
    mask[0, 1:] = False
    backend.set_keras_mask(pred, mask)
    true = ops.zeros((2, steps, 1))
    for weights in ([1.0, 0.0], [[1.0], [0.0]]):
        assert metrics.MeanAbsoluteError()(true, pred, sample_weight=np.array(weights)).item() == 1.0
    each = np.zeros((2, steps))
    each[:, 0] = 1.0
    assert metrics.MeanAbsoluteError()(true, pred, sample_weight=each).item() == 3.0


def test_weights_that_do_not_fit_a_mask_are_refused_by_name():
    pred = ops.ones((2, 3, 1))
    backend.set_keras_mask(pred, np.ones((2, 3), bool))
    for shape in ((3,), (2, 2), (2, 3, 4)):
        with pytest.raises(ValueError, match="`sample_weight` of shape"):
            metrics.MeanAbsoluteError()(ops.zeros((2, 3, 1)), pred, sample_weight=np.ones(shape))
