"""Figures of regression: means of errors over all samples seen, and the share of the variance explained."""

from typing import Any

from dlrs import losses, ops
from dlrs.backend import Tensor
from dlrs.backend.checks import check_type
from dlrs.metrics.metric import Metric
from dlrs.metrics.metrics_utils import check_columns, check_rank_2, same_shape, weights_like
from dlrs.metrics.reduction_metrics import Mean, MeanMetricWrapper


class MeanSquaredError(MeanMetricWrapper):
    """Mean of `(y_true - y_pred)^2`.

    >>> MeanSquaredError()([[0.0, 2.0]], [[1.0, 4.0]]).item()
    2.5
    """

    _direction = "down"

    def __init__(self, name: str | None = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_squared_error, name, dtype)


class MeanAbsoluteError(MeanMetricWrapper):
    """Mean of `|y_true - y_pred|`.

    >>> MeanAbsoluteError()([[0.0, 2.0]], [[1.0, 4.0]]).item()
    1.5
    """

    _direction = "down"

    def __init__(self, name: str | None = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """Mean of `100 * |y_true - y_pred| / |y_true|`.

    >>> MeanAbsolutePercentageError()([[2.0]], [[1.0]]).item()
    50.0
    """

    _direction = "down"

    def __init__(self, name: str | None = "mean_absolute_percentage_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """Mean of `(log(y_true + 1) - log(y_pred + 1))^2`.

    >>> MeanSquaredLogarithmicError()([[0.0]], [[0.0]]).item()
    0.0
    """

    _direction = "down"

    def __init__(self, name: str | None = "mean_squared_logarithmic_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


class LogCoshError(MeanMetricWrapper):
    """Mean of `log(cosh(y_pred - y_true))`.

    >>> LogCoshError()([[0.0]], [[0.0]]).item()
    0.0
    """

    _direction = "down"

    def __init__(self, name: str | None = "logcosh", dtype: Any = None) -> None:
        super().__init__(losses.log_cosh, name, dtype)


class RootMeanSquaredError(Mean):
    """Square root of the mean of `(y_true - y_pred)^2`.

    >>> RootMeanSquaredError()([[0.0, 0.0]], [[3.0, 3.0]]).item()
    3.0
    """

    _direction = "down"

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take the squared errors of a batch into account."""
        true, pred = same_shape(self.name, y_true, y_pred, self.dtype)
        super().update_state(ops.square(ops.subtract(pred, true)), sample_weight)

    def result(self) -> Tensor:
        """The root of the mean so far."""
        return ops.sqrt(super().result())


class CosineSimilarity(MeanMetricWrapper):
    """Mean cosine of the angle between targets and predictions along `axis`.

    >>> CosineSimilarity()([[1.0, 0.0]], [[2.0, 0.0]]).item()
    1.0
    """

    _direction = "up"

    def __init__(self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(cosine_similarity, name, dtype, axis=axis)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Cosine of the angle between targets and predictions along `axis`.

    >>> cosine_similarity([[1.0, 0.0]], [[2.0, 0.0]]).tolist()
    [1.0]
    """
    return ops.negative(losses.cosine_similarity(y_true, y_pred, axis=axis))


class R2Score(Metric):
    """Coefficient of determination: `1 - sum((y_true - y_pred)^2) / sum((y_true - mean(y_true))^2)`.

    An output that does not vary scores 1 if it is predicted exactly, else 0.

    Args:
        class_aggregation: How the scores of several outputs become one: `"uniform_average"`,
            `"variance_weighted_average"` or None (a score for each output).
        num_regressors: If positive, the score is adjusted for this many independent variables: `1 - (1 - score)
            (n - 1) / (n - num_regressors - 1)` with `n` the number of target values, all outputs counted, as in Keras.
            While `n` is too small for that, it is not adjusted.

    Targets and predictions have the shape (batch, outputs).

    >>> R2Score()([[1.0], [2.0], [3.0]], [[1.0], [2.0], [2.0]]).item()
    0.5
    """

    _direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        allowed = (None, "uniform_average", "variance_weighted_average")
        if class_aggregation not in allowed:
            raise ValueError(
                f"Invalid value for argument `class_aggregation`. Expected one of {allowed}, got {class_aggregation!r}."
            )
        check_type("R2Score", "num_regressors", num_regressors, int, "an integer")
        if not 0 <= num_regressors < 2**63:
            raise ValueError(
                f"Invalid value for argument `num_regressors`. Expected a value >= 0, got {num_regressors!r}."
            )
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable((), "zeros", name="num_samples")
        self._built = False

    def _build(self, y_true_shape: tuple[int, ...], y_pred_shape: tuple[int, ...]) -> None:
        check_rank_2("R2Score", y_true_shape, y_pred_shape)
        outputs = y_pred_shape[1]
        self.squared_sum = self.add_variable((outputs,), "zeros", name="squared_sum")
        self.sum = self.add_variable((outputs,), "zeros", name="sum")
        self.total_mse = self.add_variable((outputs,), "zeros", name="residual")
        self.count = self.add_variable((outputs,), "zeros", name="count")
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch into account."""
        true, pred = same_shape(self.name, y_true, y_pred, self.dtype)
        check_rank_2("R2Score", true.shape, pred.shape)
        weights = weights_like(true, 1.0 if sample_weight is None else sample_weight)
        if not self._built:
            self._build(true.shape, pred.shape)
        check_columns("R2Score", pred.shape, self.sum.shape)
        weighted = ops.multiply(true, weights)
        errors = ops.multiply(ops.square(ops.subtract(true, pred)), weights)
        self.sum.assign_add(ops.sum(weighted, axis=0))
        self.squared_sum.assign_add(ops.sum(ops.multiply(true, weighted), axis=0))
        self.total_mse.assign_add(ops.sum(errors, axis=0))
        self.count.assign_add(ops.sum(weights, axis=0))
        self.num_samples.assign_add(float(true.size))

    def result(self) -> Tensor:
        """The score so far; 0 before the first batch."""
        if not self._built:
            return ops.zeros((), self.dtype)
        mean = ops.divide_no_nan(self.sum, self.count)
        total = ops.subtract(self.squared_sum, ops.multiply(self.sum, mean))
        varies = ops.not_equal(total, 0.0)
        exact = ops.logical_and(ops.equal(self.total_mse, 0.0), ops.greater(self.count, 0.0))
        share = ops.divide(self.total_mse, ops.where(varies, total, 1.0))
        scores = ops.where(varies, ops.subtract(1.0, share), ops.cast(exact, self.dtype))
        if self.class_aggregation == "uniform_average":
            scores = ops.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = ops.divide_no_nan(ops.sum(ops.multiply(total, scores)), ops.sum(total))
        return self._adjusted(scores) if self.num_regressors else scores

    def _adjusted(self, scores: Tensor) -> Tensor:
        degrees = ops.subtract(self.num_samples, self.num_regressors + 1.0)
        enough = ops.greater(degrees, 0.0)
        factor = ops.divide(ops.subtract(self.num_samples, 1.0), ops.where(enough, degrees, 1.0))
        adjusted = ops.subtract(1.0, ops.multiply(ops.subtract(1.0, scores), factor))
        return ops.where(enough, adjusted, scores)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        own = {"class_aggregation": self.class_aggregation, "num_regressors": self.num_regressors}
        return {**super().get_config(), **own}
