"""Losses of probabilities as metrics: means over all samples seen."""

from typing import Any

from dlrs import losses, ops
from dlrs.backend import Tensor
from dlrs.metrics.reduction_metrics import MeanMetricWrapper


class KLDivergence(MeanMetricWrapper):
    """Mean of `sum(y_true * log(y_true / y_pred))`.

    >>> KLDivergence()([[0.5, 0.5]], [[0.5, 0.5]]).item()
    0.0
    """

    _direction = "down"

    def __init__(self, name: str | None = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(losses.kl_divergence, name, dtype)


class Poisson(MeanMetricWrapper):
    """Mean of `y_pred - y_true * log(y_pred)`.

    >>> Poisson()([[0.0]], [[2.0]]).item()
    2.0
    """

    _direction = "down"

    def __init__(self, name: str | None = "poisson", dtype: Any = None) -> None:
        super().__init__(losses.poisson, name, dtype)


class BinaryCrossentropy(MeanMetricWrapper):
    """Mean binary cross-entropy.

    >>> metric = BinaryCrossentropy()
    >>> metric.update_state([1.0, 0.0], [0.8, 0.2])
    >>> metric.result().item()
    0.223
    """

    _direction = "down"

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(
            losses.binary_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


class CategoricalCrossentropy(MeanMetricWrapper):
    """Mean cross-entropy of probabilities, for example one-hot targets.

    >>> metric = CategoricalCrossentropy()
    >>> metric.update_state([[0.0, 1.0]], [[0.5, 0.5]])
    >>> metric.result().item()
    0.693
    """

    _direction = "down"

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ) -> None:
        super().__init__(
            losses.categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """Mean cross-entropy of integer targets.

    >>> metric = SparseCategoricalCrossentropy()
    >>> metric.update_state([1], [[0.5, 0.5]])
    >>> metric.result().item()
    0.693
    """

    _direction = "down"

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(
            losses.sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


class Perplexity(SparseCategoricalCrossentropy):
    """`exp` of the mean cross-entropy of integer targets, over all tokens seen.

    Args:
        name, dtype: as of every metric.
        from_logits: whether predictions are logits.
        ignore_class: a target that does not count, such as that of padding.
        axis: the axis of the classes.

    >>> Perplexity()([[0, 1]], [[[0.5, 0.5], [0.5, 0.5]]]).item()
    2.0
    """

    def __init__(
        self,
        name: str | None = "perplexity",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype, from_logits, ignore_class, axis)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take the tokens of a batch into account, those of `ignore_class` neither in the sum nor in the count."""
        ignored = self._fn_kwargs["ignore_class"]
        if ignored is not None:
            counted = ops.cast(ops.not_equal(y_true, ignored), self.dtype)
            if sample_weight is not None:
                weight = ops.cast(sample_weight, self.dtype)
                counted = counted * ops.reshape(weight, (*weight.shape, *(1,) * (counted.ndim - weight.ndim)))
            sample_weight = counted
        super().update_state(y_true, y_pred, sample_weight)

    def result(self) -> Tensor:
        """The perplexity so far; 1 before the first token."""
        return ops.exp(super().result())
