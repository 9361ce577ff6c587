"""Right and wrong predictions of two classes: numbers of them, and ratios of these numbers."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from dlrs import ops
from dlrs.backend import Tensor, Variable
from dlrs.metrics.metric import Metric
from dlrs.metrics.metrics_utils import NEG_INF, Counts, confusion_counts, even_thresholds, parse_init_thresholds

Thresholds: TypeAlias = float | Sequence[float] | None


class _ConfusionMatrixConditionCount(Metric):
    """A field of `Counts`, for one or several thresholds."""

    _field: str

    def __init__(self, thresholds: Thresholds = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.init_thresholds = thresholds
        self.thresholds = parse_init_thresholds(thresholds)
        self.accumulator = self.add_variable((len(self.thresholds),), "zeros", name="accumulator")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch."""
        counts = confusion_counts(self.name, y_true, y_pred, self.thresholds, self.dtype, sample_weight)
        self.accumulator.assign_add(getattr(counts, self._field))

    def result(self) -> Tensor:
        """The number so far; one for each threshold if there are several."""
        return self.accumulator[0] if len(self.thresholds) == 1 else self.accumulator.value

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        return {**super().get_config(), "thresholds": self.init_thresholds}


class TruePositives(_ConfusionMatrixConditionCount):
    """Number of predictions above `thresholds` (0.5 by default) whose target is true.

    >>> TruePositives()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0]).item()
    2.0
    """

    _direction = "up"
    _field = "true_positives"


class FalsePositives(_ConfusionMatrixConditionCount):
    """Number of predictions above `thresholds` (0.5 by default) whose target is false.

    >>> FalsePositives()([0, 1, 0, 0], [0.0, 0.0, 1.0, 1.0]).item()
    2.0
    """

    _direction = "down"
    _field = "false_positives"


class TrueNegatives(_ConfusionMatrixConditionCount):
    """Number of predictions not above `thresholds` (0.5 by default) whose target is false.

    >>> TrueNegatives()([0, 1, 0, 0], [1.0, 1.0, 0.0, 0.0]).item()
    2.0
    """

    _direction = "up"
    _field = "true_negatives"


class FalseNegatives(_ConfusionMatrixConditionCount):
    """Number of predictions not above `thresholds` (0.5 by default) whose target is true.

    >>> FalseNegatives()([0, 1, 1, 1], [0.0, 1.0, 0.0, 0.0]).item()
    2.0
    """

    _direction = "down"
    _field = "false_negatives"


class _Ratio(Metric):
    """True positives, divided by themselves and a field of `Counts`."""

    _direction = "up"
    _field: str

    def __init__(
        self,
        thresholds: Thresholds = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        # Without thresholds, the k largest are positive whatever their values.
        self.thresholds = parse_init_thresholds(thresholds, 0.5 if top_k is None else NEG_INF)
        self.true_positives = self.add_variable((len(self.thresholds),), "zeros", name="true_positives")
        self._others = self.add_variable((len(self.thresholds),), "zeros", name=self._field)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch."""
        counts = confusion_counts(
            self.name, y_true, y_pred, self.thresholds, self.dtype, sample_weight, self.top_k, self.class_id
        )
        self.true_positives.assign_add(counts.true_positives)
        self._others.assign_add(getattr(counts, self._field))

    def result(self) -> Tensor:
        """The ratio so far; one for each threshold if there are several."""
        ratio = _share(self.true_positives, self._others)
        return ratio[0] if len(self.thresholds) == 1 else ratio

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        own = {"thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}
        return {**super().get_config(), **own}


class Precision(_Ratio):
    """Share of the positive predictions that are right: TP / (TP + FP).

    Args:
        thresholds: Above which predictions are positive, from 0 to 1; 0.5 by default. Several give several figures.
        top_k: Only so many of the predictions of a sample, the largest, can be positive.
        class_id: Count only this class, of the last axis.

    >>> Precision()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0]).item()
    0.6666667
    """

    _field = "false_positives"

    @property
    def false_positives(self) -> Variable:
        """Positive predictions that are wrong."""
        return self._others


class Recall(_Ratio):
    """Share of the true targets that are predicted: TP / (TP + FN).

    Args:
        thresholds: Above which predictions are positive, from 0 to 1; 0.5 by default. Several give several figures.
        top_k: Only so many of the predictions of a sample, the largest, can be positive.
        class_id: Count only this class, of the last axis.

    >>> Recall()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0]).item()
    0.6666667
    """

    _field = "false_negatives"

    @property
    def false_negatives(self) -> Variable:
        """True targets that are not predicted."""
        return self._others


class SensitivitySpecificityBase(Metric):
    """The best of one ratio among the thresholds at which another ratio is at least `value`."""

    _direction = "up"
    _argument: str

    def __init__(
        self,
        value: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        if not 0 <= value <= 1:
            raise ValueError(f"Argument `{self._argument}` must be in the range [0, 1]. Received: {value!r}")
        if num_thresholds <= 0:
            raise ValueError(f"Argument `num_thresholds` must be an integer > 0. Received: {num_thresholds!r}")
        self.value = value
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        self.thresholds = [0.5] if num_thresholds == 1 else even_thresholds(num_thresholds)
        shape = (num_thresholds,)
        self.true_positives = self.add_variable(shape, "zeros", name="true_positives")
        self.false_positives = self.add_variable(shape, "zeros", name="false_positives")
        self.true_negatives = self.add_variable(shape, "zeros", name="true_negatives")
        self.false_negatives = self.add_variable(shape, "zeros", name="false_negatives")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch."""
        counts = confusion_counts(
            self.name, y_true, y_pred, self.thresholds, self.dtype, sample_weight, class_id=self.class_id
        )
        add_counts(self, counts)

    def sensitivity_values(self) -> Tensor:
        """Share of the true targets that are predicted (recall), for each threshold."""
        return _share(self.true_positives, self.false_negatives)

    def specificity_values(self) -> Tensor:
        """Share of the false targets that are not predicted, for each threshold."""
        return _share(self.true_negatives, self.false_positives)

    def precision_values(self) -> Tensor:
        """Share of the positive predictions that are right, for each threshold."""
        return _share(self.true_positives, self.false_positives)

    def best(self, wanted: Tensor, constrained: Tensor) -> Tensor:
        """The largest of `wanted` where `constrained` is at least `value`; 0 if it never is."""
        return ops.max(ops.where(ops.greater_equal(constrained, self.value), wanted, ops.zeros_like(wanted)))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        own = {self._argument: self.value, "num_thresholds": self.num_thresholds, "class_id": self.class_id}
        return {**super().get_config(), **own}


class SensitivityAtSpecificity(SensitivitySpecificityBase):
    """The best sensitivity TP / (TP + FN) at which the specificity TN / (TN + FP) is at least `specificity`.

    Args:
        specificity: From 0 to 1.
        num_thresholds: How many thresholds from 0 to 1 are tried.
        class_id: Count only this class, of the last axis.

    >>> SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8]).item()
    0.5
    """

    _argument = "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)
        self.specificity = specificity

    def result(self) -> Tensor:
        """The best sensitivity so far."""
        return self.best(self.sensitivity_values(), self.specificity_values())


class SpecificityAtSensitivity(SensitivitySpecificityBase):
    """The best specificity TN / (TN + FP) at which the sensitivity TP / (TP + FN) is at least `sensitivity`.

    Args:
        sensitivity: From 0 to 1.
        num_thresholds: How many thresholds from 0 to 1 are tried.
        class_id: Count only this class, of the last axis.

    >>> SpecificityAtSensitivity(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8]).item()
    0.6666667
    """

    _argument = "sensitivity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity

    def result(self) -> Tensor:
        """The best specificity so far."""
        return self.best(self.specificity_values(), self.sensitivity_values())


class PrecisionAtRecall(SensitivitySpecificityBase):
    """The best precision TP / (TP + FP) at which the recall TP / (TP + FN) is at least `recall`.

    Args:
        recall: From 0 to 1.
        num_thresholds: How many thresholds from 0 to 1 are tried.
        class_id: Count only this class, of the last axis.

    >>> PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8]).item()
    0.5
    """

    _argument = "recall"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)
        self.recall = recall

    def result(self) -> Tensor:
        """The best precision so far."""
        return self.best(self.precision_values(), self.sensitivity_values())


class RecallAtPrecision(SensitivitySpecificityBase):
    """The best recall TP / (TP + FN) at which the precision TP / (TP + FP) is at least `precision`.

    Args:
        precision: From 0 to 1.
        num_thresholds: How many thresholds from 0 to 1 are tried.
        class_id: Count only this class, of the last axis.

    >>> RecallAtPrecision(0.8)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]).item()
    0.5
    """

    _argument = "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)
        self.precision = precision

    def result(self) -> Tensor:
        """The best recall so far."""
        return self.best(self.sensitivity_values(), self.precision_values())


def add_counts(metric: Any, counts: Counts) -> None:
    """Add counts to the variables of the same names."""
    for field, count in counts._asdict().items():
        getattr(metric, field).assign_add(count)


def _share(part: Any, rest: Any) -> Tensor:
    """`part / (part + rest)`, 0 if there is neither."""
    return ops.divide_no_nan(part, ops.add(part, rest))
