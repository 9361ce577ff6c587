"""Areas under curves of one ratio over another."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import backend, ops
from dlrs.backend import Tensor
from dlrs.metrics.confusion_metrics import add_counts
from dlrs.metrics.metric import Metric
from dlrs.metrics.metrics_utils import AUCCurve, AUCSummationMethod, check_columns, confusion_counts, even_thresholds


class AUC(Metric):
    """Area under a curve whose points are ratios of right and wrong predictions at a number of thresholds.

    Args:
        num_thresholds: How many thresholds from 0 to 1; more are nearer to the exact area.
        curve: `"ROC"` (share of the true targets predicted, over that of the false ones), `"PR"` (precision over
            recall) or `"PRGAIN"` (their gains: Flach, Kull 2015).
        summation_method: `"interpolation"` (trapezoids; of PR, true positives are interpolated: Davis, Goadrich
            2006), `"minoring"` (the lower of two heights) or `"majoring"` (the higher).
        name: Name.
        dtype: Type in which it is computed.
        thresholds: Thresholds between 0 and 1 instead of `num_thresholds`; one below 0 and one above 1 are added.
        multi_label: Whether each column of `y_true` and `y_pred`, of shape (batch, labels), has an area of its own; the
            figure is their mean. Otherwise all are counted together.
        num_labels: Number of labels with `multi_label`; found from the data if None.
        label_weights: Weights of the labels: of their areas with `multi_label`, else of their predictions.
        from_logits: Whether predictions are logits rather than probabilities.

    >>> AUC(num_thresholds=3)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]).item()
    0.75
    """

    _direction = "up"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str | AUCCurve = "ROC",
        summation_method: str | AUCSummationMethod = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(dtype, name)
        self._inner = None if thresholds is None else sorted(float(t) for t in thresholds)
        if self._inner is None and (num_thresholds is None or num_thresholds <= 1):
            raise ValueError(f"Argument `num_thresholds` must be an integer > 1. Received: {num_thresholds!r}")
        if num_labels and not multi_label:
            raise ValueError("`num_labels` is needed only when `multi_label` is True.")
        inner = even_thresholds(num_thresholds)[1:-1] if self._inner is None else self._inner
        # Beyond 0 and 1, so that rounding leaves no prediction below the first or above the last.
        self._thresholds = np.array([-backend.epsilon(), *inner, 1 + backend.epsilon()])
        self.num_thresholds = len(self._thresholds)
        self.curve = AUCCurve.from_str(curve)
        self.summation_method = AUCSummationMethod.from_str(summation_method)
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else [float(w) for w in np.asarray(label_weights)]
        self._from_logits = from_logits
        self._built = False
        if num_labels or not multi_label:
            self._build(num_labels)

    def _build(self, labels: int | None) -> None:
        shape = (self.num_thresholds, labels) if labels else (self.num_thresholds,)
        self.true_positives = self.add_variable(shape, "zeros", name="true_positives")
        self.false_positives = self.add_variable(shape, "zeros", name="false_positives")
        self.true_negatives = self.add_variable(shape, "zeros", name="true_negatives")
        self.false_negatives = self.add_variable(shape, "zeros", name="false_negatives")
        self._built = True

    @property
    def thresholds(self) -> list[float]:
        """The thresholds, one below 0 and one above 1 included."""
        return list(self._thresholds)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch."""
        pred = ops.convert_to_tensor(y_pred, self.dtype)
        if self.multi_label and pred.ndim != 2:
            raise ValueError(f"`y_pred` must have rank 2 when `multi_label=True`, got the shape {pred.shape}.")
        pred = ops.sigmoid(pred) if self._from_logits else ops.clip(pred, 0.0, 1.0)
        counts = confusion_counts(
            self.name,
            y_true,
            pred,
            self.thresholds,
            self.dtype,
            sample_weight,
            label_weights=None if self.multi_label else self.label_weights,
            by_label=self.multi_label,
        )
        if not self._built:
            self._build(pred.shape[1])
        if self.multi_label:
            check_columns("AUC", pred.shape, self.true_positives.shape)
        add_counts(self, counts)

    def result(self) -> Tensor:
        """The area so far; 0 before the first batch."""
        if not self._built:
            return ops.zeros((), self.dtype)
        if (self.curve, self.summation_method) == (AUCCurve.PR, AUCSummationMethod.INTERPOLATION):
            pieces = self._interpolated_pieces()
        else:
            x, y = self._points()
            pieces = ops.multiply(ops.subtract(x[:-1], x[1:]), self._heights(y[:-1], y[1:]))
        areas = ops.sum(pieces, axis=0)
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return ops.mean(areas)
        weights = ops.convert_to_tensor(self.label_weights, self.dtype)
        return ops.divide_no_nan(ops.sum(ops.multiply(areas, weights)), ops.sum(weights))

    def _heights(self, left: Tensor, right: Tensor) -> Tensor:
        if self.summation_method is AUCSummationMethod.MINORING:
            return ops.minimum(left, right)
        if self.summation_method is AUCSummationMethod.MAJORING:
            return ops.maximum(left, right)
        return ops.divide(ops.add(left, right), 2.0)

    def _points(self) -> tuple[Tensor, Tensor]:
        """Where the curve lies at each threshold."""
        tp, fp, tn, fn = self.true_positives, self.false_positives, self.true_negatives, self.false_negatives
        if self.curve is AUCCurve.PRGAIN:
            return self._gains()
        recall = ops.divide_no_nan(tp, ops.add(tp, fn))
        if self.curve is AUCCurve.ROC:
            return ops.divide_no_nan(fp, ops.add(fp, tn)), recall
        return recall, ops.divide_no_nan(tp, ops.add(tp, fp))

    def _gains(self) -> tuple[Tensor, Tensor]:
        """Gains of recall and precision over those of a constant guess; 0 and 1 where nothing true is predicted."""
        tp, fp, tn, fn = self.true_positives, self.false_positives, self.true_negatives, self.false_negatives
        odds = ops.divide_no_nan(ops.add(tp, fn), ops.add(tn, fp))
        none = ops.equal(tp, 0.0)
        recall = ops.subtract(1.0, ops.multiply(odds, ops.divide_no_nan(fn, tp)))
        precision = ops.subtract(1.0, ops.multiply(odds, ops.divide_no_nan(fp, tp)))
        return ops.relu(ops.where(none, 0.0, recall)), ops.where(none, 1.0, precision)

    def _interpolated_pieces(self) -> Tensor:
        """Areas under the curve of precision over recall between two thresholds each (Davis, Goadrich 2006).

        With P = TP + FP, true positives grow linearly in P between two thresholds, TP = slope P + intercept; precision
        TP / P is integrated over TP: `slope * (dTP + intercept * log(P_left / P_right))`.
        """
        tp, positives = self.true_positives, ops.add(self.true_positives, self.false_positives)
        gained = ops.subtract(tp[:-1], tp[1:])
        left, right = positives[:-1], positives[1:]
        slope = ops.divide_no_nan(gained, ops.relu(ops.subtract(left, right)))
        intercept = ops.subtract(tp[1:], ops.multiply(slope, right))
        some = ops.logical_and(ops.greater(left, 0.0), ops.greater(right, 0.0))
        growth = ops.divide(ops.where(some, left, 1.0), ops.where(some, right, 1.0))
        pieces = ops.multiply(slope, ops.add(gained, ops.multiply(intercept, ops.log(growth))))
        return ops.divide_no_nan(pieces, ops.add(tp[1:], self.false_negatives[1:]))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        config = {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve.value,
            "summation_method": self.summation_method.value,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": self.label_weights,
            "from_logits": self._from_logits,
        }
        return config if self._inner is None else {**config, "thresholds": list(self._inner)}
