"""How often predictions are right."""

from typing import Any

from dlrs.metrics import functions
from dlrs.metrics.reduction_metrics import MeanMetricWrapper


class Accuracy(MeanMetricWrapper):
    """How often predictions equal targets.

    >>> Accuracy()([1.0, 2.0], [1.0, 3.0]).item()
    0.5
    """

    _direction = "up"

    def __init__(self, name: str | None = "accuracy", dtype: Any = None) -> None:
        super().__init__(functions.accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """How often targets, 0 or 1, say that predictions are above `threshold`.

    >>> BinaryAccuracy()([1.0, 0.0], [0.7, 0.6]).item()
    0.5
    """

    _direction = "up"

    def __init__(self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(functions.binary_accuracy, name, dtype, threshold=threshold)
        self.threshold = threshold


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the class with the largest prediction is the one with the largest target.

    >>> CategoricalAccuracy()([[0.0, 1.0], [1.0, 0.0]], [[0.2, 0.8], [0.1, 0.9]]).item()
    0.5
    """

    _direction = "up"

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(functions.categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the class with the largest prediction is the target.

    >>> SparseCategoricalAccuracy()([1, 0], [[0.2, 0.8], [0.1, 0.9]]).item()
    0.5
    """

    _direction = "up"

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(functions.sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the class with the largest target is among the `k` with the largest predictions.

    >>> TopKCategoricalAccuracy()([[0.0, 0.0, 1.0]], [[0.5, 0.2, 0.3]]).item()
    1.0
    """

    _direction = "up"

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(functions.top_k_categorical_accuracy, name, dtype, k=k)
        self.k = k


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the target is among the `k` classes with the largest predictions.

    >>> SparseTopKCategoricalAccuracy()([2], [[0.5, 0.2, 0.3]]).item()
    1.0
    """

    _direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(functions.sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids)
        self.k = k
        self.from_sorted_ids = from_sorted_ids
