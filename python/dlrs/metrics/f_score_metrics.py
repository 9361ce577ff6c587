"""Harmonic means of precision and recall."""

from typing import Any

from dlrs import backend, ops
from dlrs.backend import Tensor
from dlrs.metrics.metric import Metric
from dlrs.metrics.metrics_utils import check_columns, check_rank_2, same_shape, weights_like


class FBetaScore(Metric):
    """`(1 + beta^2) precision * recall / (beta^2 precision + recall)` (van Rijsbergen 1979).

    Targets and predictions have the shape (batch, classes).

    Args:
        average: How the scores of the classes become one: `"micro"` (counts of all classes together), `"macro"` (mean),
            `"weighted"` (mean weighted by the number of targets), or None (a score for each class).
        beta: How much more recall counts than precision; a positive float.
        threshold: Above which a prediction is positive; if None, the largest prediction of a sample is.

    >>> FBetaScore(beta=2.0, average="micro", threshold=0.5)([[1, 1, 0, 0]], [[0.9, 0.1, 0.1, 0.1]]).item()
    0.5555555
    """

    _direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(
                "Invalid `average` argument value. Expected one of: {None, 'micro', 'macro', 'weighted'}. "
                f"Received: average={average}"
            )
        if not isinstance(beta, float):
            raise ValueError(
                "Invalid `beta` argument value. It should be a Python float. "
                f"Received: beta={beta} of type '{type(beta)}'"
            )
        if not beta > 0:
            raise ValueError(f"Invalid `beta` argument value. It should be > 0. Received: beta={beta}")
        if threshold is not None and not isinstance(threshold, float):
            raise ValueError(
                "Invalid `threshold` argument value. It should be a Python float. "
                f"Received: threshold={threshold} of type '{type(threshold)}'"
            )
        if threshold is not None and not 0 < threshold <= 1:
            raise ValueError(
                "Invalid `threshold` argument value. It should verify 0 < threshold <= 1. "
                f"Received: threshold={threshold}"
            )
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self._built = False

    def _build(self, y_true_shape: tuple[int, ...], y_pred_shape: tuple[int, ...]) -> None:
        check_rank_2("FBetaScore", y_true_shape, y_pred_shape)
        shape = () if self.average == "micro" else (y_pred_shape[1],)
        self.true_positives = self.add_variable(shape, "zeros", name="true_positives")
        self.false_positives = self.add_variable(shape, "zeros", name="false_positives")
        self.false_negatives = self.add_variable(shape, "zeros", name="false_negatives")
        self.intermediate_weights = self.add_variable(shape, "zeros", name="intermediate_weights")
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch into account."""
        true, pred = same_shape(self.name, y_true, y_pred, self.dtype)
        check_rank_2("FBetaScore", true.shape, pred.shape)
        weights = weights_like(true, 1.0 if sample_weight is None else sample_weight)
        if not self._built:
            self._build(true.shape, pred.shape)
        check_columns("FBetaScore", pred.shape, self.true_positives.shape)
        positive = ops.cast(self._positive(pred), self.dtype)
        targets = ops.multiply(true, weights)
        axis = None if self.average == "micro" else 0
        self.true_positives.assign_add(ops.sum(ops.multiply(positive, targets), axis=axis))
        others = ops.multiply(ops.subtract(1.0, true), weights)
        self.false_positives.assign_add(ops.sum(ops.multiply(positive, others), axis=axis))
        self.false_negatives.assign_add(ops.sum(ops.multiply(ops.subtract(1.0, positive), targets), axis=axis))
        self.intermediate_weights.assign_add(ops.sum(targets, axis=axis))

    def _positive(self, pred: Tensor) -> Tensor:
        if self.threshold is not None:
            return ops.greater(pred, self.threshold)
        largest = ops.greater_equal(pred, ops.max(pred, axis=-1, keepdims=True))
        # A sample whose predictions are all 0 has no positive one.
        return ops.logical_and(largest, ops.greater(ops.absolute(pred), 1e-9))

    def result(self) -> Tensor:
        """The score so far; 0 before the first batch."""
        if not self._built:
            return ops.zeros((), self.dtype)
        epsilon = backend.epsilon()
        predicted = ops.add(ops.add(self.true_positives, self.false_positives), epsilon)
        actual = ops.add(ops.add(self.true_positives, self.false_negatives), epsilon)
        precision = ops.divide(self.true_positives, predicted)
        recall = ops.divide(self.true_positives, actual)
        square = self.beta**2
        weighted = ops.add(ops.add(ops.multiply(precision, square), recall), epsilon)
        score = ops.multiply(ops.divide(ops.multiply(precision, recall), weighted), 1 + square)
        if self.average == "weighted":
            total = ops.add(ops.sum(self.intermediate_weights), epsilon)
            return ops.sum(ops.multiply(score, ops.divide(self.intermediate_weights, total)))
        return score if self.average is None else ops.mean(score)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        own = {"average": self.average, "beta": self.beta, "threshold": self.threshold}
        return {**super().get_config(), **own}


class F1Score(FBetaScore):
    """Harmonic mean of precision and recall: `FBetaScore` with `beta=1`.

    >>> F1Score(average="micro", threshold=0.5)([[1, 1, 0, 0]], [[0.9, 0.1, 0.1, 0.1]]).item()
    0.6666665
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        config = super().get_config()
        del config["beta"]
        return config
