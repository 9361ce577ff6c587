"""How targets and predictions vary together."""

from typing import Any

from dlrs import backend, ops
from dlrs.backend import Tensor
from dlrs.metrics.metrics_utils import same_shape
from dlrs.metrics.reduction_metrics import MeanMetricWrapper


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Covariance of targets and predictions along `axis`, divided by both standard deviations; NaN where one is 0.

    >>> pearson_correlation([[1.0, 2.0, 3.0]], [[2.0, 4.0, 6.0]]).tolist()
    [1.0]
    """
    true, pred = _centred("pearson_correlation", y_true, y_pred, axis)
    product = ops.mean(ops.multiply(true, pred), axis=axis)
    sizes = [ops.sqrt(ops.mean(ops.square(y), axis=axis)) for y in (true, pred)]
    return ops.divide(product, ops.multiply(*sizes))


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """`2 cov(t, p) / (var(t) + var(p) + (mean(t) - mean(p))^2)` along `axis` (Lin 1989).

    >>> concordance_correlation([[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0]]).tolist()
    [1.0]
    """
    true, pred = _centred("concordance_correlation", y_true, y_pred, axis)
    shift = ops.subtract(*(ops.mean(y, axis=axis) for y in same_shape("concordance_correlation", y_true, y_pred)))
    spread = ops.add(ops.mean(ops.square(true), axis=axis), ops.mean(ops.square(pred), axis=axis))
    denominator = ops.add(ops.add(spread, ops.square(shift)), backend.epsilon())
    return ops.divide(ops.multiply(ops.mean(ops.multiply(true, pred), axis=axis), 2.0), denominator)


def _centred(name: str, y_true: Any, y_pred: Any, axis: int) -> list[Tensor]:
    """Targets and predictions without their means along `axis`."""
    return [ops.subtract(y, ops.mean(y, axis=axis, keepdims=True)) for y in same_shape(name, y_true, y_pred)]


class PearsonCorrelation(MeanMetricWrapper):
    """Mean over the samples of the correlation of target and prediction along `axis`.

    >>> PearsonCorrelation()([[1.0, 2.0, 3.0]], [[2.0, 4.0, 6.0]]).item()
    1.0
    """

    _direction = "up"

    def __init__(self, name: str | None = "pearson_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """Mean over the samples of the concordance of target and prediction along `axis` (Lin 1989).

    >>> ConcordanceCorrelation()([[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0]]).item()
    1.0
    """

    _direction = "up"

    def __init__(self, name: str | None = "concordance_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)
