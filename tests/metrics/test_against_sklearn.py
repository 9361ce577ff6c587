"""Metrics of several batches against scikit-learn and NumPy, eagerly and compiled."""

import pickle
import warnings

import numpy as np
import pytest

import dlrs
from dlrs import metrics, ops

reference = pytest.importorskip("sklearn.metrics")
RNG = np.random.default_rng(3)
BITS = RNG.integers(0, 2, 240)
SCORES = np.float32(np.clip(0.3 * BITS + RNG.uniform(0, 0.7, 240), 0, 1).round(3))
WEIGHTS = np.float32(RNG.uniform(0.1, 2, 240))
MANY = RNG.integers(0, 2, (240, 3)).astype(np.float32)
MANY_SCORES = np.float32(RNG.uniform(size=(240, 3)))
LABELS, GUESSES = RNG.integers(0, 4, (2, 240))
TARGETS, VALUES = np.float32(RNG.normal(size=(2, 240, 3)))


def result_of(metric: metrics.Metric, *arrays: np.ndarray, compiled: bool = False) -> np.ndarray:
    """The figure after batches of 100, 100 and 40."""
    update = dlrs.function(lambda *batch: metric.update_state(*batch)) if compiled else metric.update_state
    for start in (0, 100, 200):
        update(*(array[start : start + 100] for array in arrays))
    return metric.result().numpy()


CASES = {
    "precision": (metrics.Precision, {}, BITS, SCORES,
                  lambda w: reference.precision_score(BITS, SCORES > 0.5, sample_weight=w)),
    "precision_of_thresholds": (
        metrics.Precision, {"thresholds": [0.8, 0.2]}, BITS, SCORES,
        lambda w: [reference.precision_score(BITS, np.float32(t) < SCORES, sample_weight=w) for t in (0.8, 0.2)]),
    "recall": (metrics.Recall, {"thresholds": 0.4}, BITS, SCORES,
               lambda w: reference.recall_score(BITS, np.float32(0.4) < SCORES, sample_weight=w)),
    "recall_of_a_class": (metrics.Recall, {"class_id": 1}, MANY, MANY_SCORES,
                          lambda w: reference.recall_score(MANY[:, 1], MANY_SCORES[:, 1] > 0.5, sample_weight=w)),
    "true_positives": (metrics.TruePositives, {}, BITS, SCORES,
                       lambda w: np.sum((w if w is not None else 1) * ((BITS == 1) & (SCORES > 0.5)))),
    "false_positives": (metrics.FalsePositives, {}, BITS, SCORES,
                        lambda w: np.sum((w if w is not None else 1) * ((BITS == 0) & (SCORES > 0.5)))),
    "true_negatives": (metrics.TrueNegatives, {}, BITS, SCORES,
                       lambda w: np.sum((w if w is not None else 1) * ((BITS == 0) & (SCORES <= 0.5)))),
    "false_negatives": (metrics.FalseNegatives, {}, BITS, SCORES,
                        lambda w: np.sum((w if w is not None else 1) * ((BITS == 1) & (SCORES <= 0.5)))),
    "roc": (metrics.AUC, {"num_thresholds": 1001}, BITS, SCORES,
            lambda w: reference.roc_auc_score(BITS, SCORES, sample_weight=w)),
    "roc_of_labels": (metrics.AUC, {"num_thresholds": 20001, "multi_label": True}, MANY, MANY_SCORES,
                      lambda w: reference.roc_auc_score(MANY, MANY_SCORES, sample_weight=w)),
    "roc_flat": (metrics.AUC, {"num_thresholds": 20001}, MANY, MANY_SCORES,
                 lambda w: reference.roc_auc_score(
                     MANY.ravel(), MANY_SCORES.ravel(), sample_weight=None if w is None else np.repeat(w, 3))),
    "f1": (metrics.F1Score, {"threshold": 0.5}, MANY, MANY_SCORES,
           lambda w: reference.f1_score(MANY, MANY_SCORES > 0.5, average=None, sample_weight=w)),
    "f2_micro": (metrics.FBetaScore, {"threshold": 0.5, "beta": 2.0, "average": "micro"}, MANY, MANY_SCORES,
                 lambda w: reference.fbeta_score(MANY, MANY_SCORES > 0.5, beta=2, average="micro", sample_weight=w)),
    "f1_weighted": (metrics.F1Score, {"threshold": 0.5, "average": "weighted"}, MANY, MANY_SCORES,
                    lambda w: reference.f1_score(MANY, MANY_SCORES > 0.5, average="weighted", sample_weight=w)),
    "mean_iou": (metrics.MeanIoU, {"num_classes": 4, "dtype": "float32"}, LABELS, GUESSES,
                 lambda w: reference.jaccard_score(LABELS, GUESSES, average="macro", sample_weight=w)),
    "iou_of_classes": (metrics.IoU, {"num_classes": 4, "target_class_ids": [1, 3], "dtype": "float32"}, LABELS, GUESSES,
                       lambda w: reference.jaccard_score(
                           LABELS, GUESSES, average=None, sample_weight=w)[[1, 3]].mean()),
    "binary_iou": (metrics.BinaryIoU, {"dtype": "float32"}, BITS, SCORES,
                   lambda w: reference.jaccard_score(BITS, SCORES >= 0.5, average="macro", sample_weight=w)),
    "r2": (metrics.R2Score, {}, TARGETS, VALUES, lambda w: reference.r2_score(TARGETS, VALUES, sample_weight=w)),
    "r2_of_outputs": (metrics.R2Score, {"class_aggregation": None}, TARGETS, VALUES,
                      lambda w: reference.r2_score(TARGETS, VALUES, sample_weight=w, multioutput="raw_values")),
    "r2_by_variance": (
        metrics.R2Score, {"class_aggregation": "variance_weighted_average"}, TARGETS, VALUES,
        lambda w: reference.r2_score(TARGETS, VALUES, sample_weight=w, multioutput="variance_weighted")),
    "rmse": (metrics.RootMeanSquaredError, {}, TARGETS, VALUES,
             lambda w: np.sqrt(reference.mean_squared_error(TARGETS, VALUES, sample_weight=w))),
    "pearson": (metrics.PearsonCorrelation, {}, TARGETS, VALUES,
                lambda w: np.average([np.corrcoef(t, p)[0, 1] for t, p in zip(TARGETS, VALUES, strict=True)],
                                     weights=w)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("compiled", [False, True])
def test_figures(name: str, weighted: bool, compiled: bool) -> None:
    cls, arguments, y_true, y_pred, figure = CASES[name]
    metric = cls(**arguments)
    arrays = (y_true, y_pred, WEIGHTS) if weighted else (y_true, y_pred)
    expected = figure(WEIGHTS if weighted else None)
    np.testing.assert_allclose(result_of(metric, *arrays, compiled=compiled), expected, rtol=2e-5, atol=2e-6)
    again = pickle.loads(pickle.dumps(metric))
    np.testing.assert_array_equal(again.result().numpy(), metric.result().numpy())
    made = cls.from_config(metric.get_config())
    assert made.get_config() == metric.get_config()
    metric.reset_state()
    result_of(metric, *arrays)
    np.testing.assert_array_equal(again.result().numpy(), metric.result().numpy())


def test_area_under_precision_over_recall() -> None:
    """Between the average precision, which is pessimistic, and trapezoids, which are optimistic."""
    area = result_of(metrics.AUC(curve="PR", num_thresholds=2001), BITS, SCORES)
    precision, recall, _ = reference.precision_recall_curve(BITS, SCORES)
    low, high = reference.average_precision_score(BITS, SCORES), reference.auc(recall, precision)
    assert low - 1e-3 <= area <= high + 1e-3
    bounds = [
        result_of(metrics.AUC(curve="PR", summation_method=method), BITS, SCORES) for method in ("minoring", "majoring")
    ]
    assert bounds[0] <= area <= bounds[1]


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_best_ratios(weights: np.ndarray | None) -> None:
    false_rate, true_rate, _ = reference.roc_curve(BITS, SCORES, sample_weight=weights, drop_intermediate=False)
    given = (BITS, SCORES) if weights is None else (BITS, SCORES, weights)
    for floor in (0.3, 0.7, 0.95):
        figure = result_of(metrics.SensitivityAtSpecificity(floor, num_thresholds=1001), *given)
        assert figure == pytest.approx(true_rate[1 - false_rate >= floor].max(), abs=1e-5)
        figure = result_of(metrics.SpecificityAtSensitivity(floor, num_thresholds=1001), *given)
        assert figure == pytest.approx(1 - false_rate[true_rate >= floor].min(), abs=1e-5)
        precision, recall, _ = reference.precision_recall_curve(BITS, SCORES, sample_weight=weights)
        figure = result_of(metrics.PrecisionAtRecall(floor, num_thresholds=1001), *given)
        assert figure == pytest.approx(precision[recall >= floor].max(), abs=1e-5)
        figure = result_of(metrics.RecallAtPrecision(floor, num_thresholds=1001), *given)
        assert figure == pytest.approx(recall[precision >= floor].max(), abs=1e-5)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_only_the_k_largest_are_positive(k: int) -> None:
    positive = np.argsort(np.argsort(-MANY_SCORES, axis=-1, kind="stable"), axis=-1) < k
    hits = (positive * MANY).sum()
    assert result_of(metrics.Precision(top_k=k), MANY, MANY_SCORES) == pytest.approx(hits / positive.sum())
    assert result_of(metrics.Recall(top_k=k), MANY, MANY_SCORES) == pytest.approx(hits / MANY.sum())


def test_scores_that_are_not_numbers_are_not_positive() -> None:
    assert metrics.TruePositives()([1, 1], [np.nan, 0.9]).item() == 1
    assert metrics.AUC()([0, 1, 1], [0.1, np.nan, 0.9]).item() < 1


def test_constant_outputs_score_as_in_scikit_learn() -> None:
    for true, pred in (([[1.0], [1.0]], [[1.0], [1.0]]), ([[1.0], [1.0]], [[1.0], [2.0]])):
        assert metrics.R2Score()(true, pred).item() == reference.r2_score(true, pred)


def test_nothing_seen_is_zero() -> None:
    for metric in (metrics.Precision(), metrics.AUC(), metrics.AUC(curve="PR", multi_label=True), metrics.F1Score(),
                   metrics.R2Score(), metrics.MeanIoU(3), metrics.RecallAtPrecision(0.5)):  # fmt: skip
        assert metric.result().item() == 0


def test_weights_of_images() -> None:
    """A weight for each sample counts for all of its labels."""
    images = LABELS[:40].reshape(2, 4, 5), GUESSES[:40].reshape(2, 4, 5)
    figure = metrics.MeanIoU(4, dtype="float32")(*images, [0.5, 2.0]).item()
    weights = np.repeat([0.5, 2.0], 20)
    expected = reference.jaccard_score(LABELS[:40], GUESSES[:40], average="macro", sample_weight=weights)
    assert figure == pytest.approx(expected, rel=1e-5)


def test_confusion_matrix() -> None:
    counts = metrics.iou_metrics.confusion_matrix(LABELS, GUESSES, 4)
    np.testing.assert_array_equal(counts.numpy(), reference.confusion_matrix(LABELS, GUESSES))
    assert metrics.iou_metrics.confusion_matrix([0, -1, 9], [0, 0, 0], 2).numpy().sum() == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda: metrics.Precision()(BITS[:5], SCORES),
        lambda: metrics.Precision()(MANY[:, :2], MANY_SCORES),
        lambda: metrics.Precision()(BITS, SCORES, WEIGHTS[:7]),
        lambda: metrics.Precision(class_id=3)(MANY, MANY_SCORES),
        lambda: metrics.Precision(top_k=4)(MANY, MANY_SCORES),
        lambda: metrics.Precision(thresholds=[]),
        lambda: metrics.Recall(thresholds=[0.5, np.nan]),
        lambda: metrics.AUC(curve="roc_curve"),
        lambda: metrics.AUC(num_labels=3),
        lambda: metrics.AUC(multi_label=True)(BITS, SCORES),
        lambda: metrics.AUC(multi_label=True, num_labels=2)(MANY, MANY_SCORES),
        lambda: metrics.F1Score()(BITS, SCORES),
        lambda: metrics.F1Score()(MANY, MANY_SCORES, WEIGHTS[:5]),
        lambda: metrics.AUC(num_thresholds=2**70),
        lambda: metrics.Recall(name=3),
        lambda: metrics.IoU(2, [2]),
        lambda: metrics.IoU(2, []),
        lambda: metrics.MeanIoU(4)(LABELS, GUESSES[:9]),
        lambda: metrics.MeanIoU(4)(LABELS, GUESSES, np.ones(9, np.int32)),
        lambda: metrics.R2Score()(TARGETS[0], VALUES[0]),
    ],
)
def test_bad_arguments(call) -> None:
    with pytest.raises(ValueError, match=r"\w+"):
        call()


def test_another_number_of_outputs_leaves_the_state() -> None:
    for metric in (metrics.F1Score(), metrics.R2Score(), metrics.AUC(multi_label=True)):
        metric.update_state(MANY, MANY_SCORES)
        before = [variable.numpy() for variable in metric.variables]
        with pytest.raises(ValueError, match="outputs"):
            metric.update_state(MANY[:, :2], MANY_SCORES[:, :2])
        for old, variable in zip(before, metric.variables, strict=True):
            np.testing.assert_array_equal(old, variable.numpy())


def test_inside_fit() -> None:
    """All of them run in the training program, those included whose state is as large as the output."""
    x = np.float32(RNG.normal(size=(64, 5)))
    y = np.float32(x[:, :3] > 0)
    model = dlrs.Sequential([dlrs.layers.Dense(3, activation="sigmoid")])
    names = [metrics.AUC(name="auc"), metrics.AUC(multi_label=True, name="by_label"), metrics.F1Score(average="macro"),
             metrics.Precision(top_k=2), metrics.R2Score(), metrics.OneHotMeanIoU(3), metrics.RecallAtPrecision(0.5),
             metrics.ConcordanceCorrelation()]  # fmt: skip
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=names)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what cannot be traced warns
        logs = model.fit(x, y, batch_size=24, epochs=2, verbose=0).history
    scores = model.predict(x, verbose=0)
    figures = model.evaluate(x, y, batch_size=24, return_dict=True, verbose=0)
    assert len(logs["auc"]) == 2
    for metric in names:
        fresh = type(metric).from_config(metric.get_config())
        assert figures[metric.name] == pytest.approx(fresh(y, ops.array(scores)).item(), abs=1e-5), metric.name
