"""Sums and means over batches."""

from collections.abc import Callable
from typing import Any, Self

from dlrs import backend, ops
from dlrs.backend import Tensor
from dlrs.backend.serialization import deserialize_keras_object, serialize_keras_object
from dlrs.losses import squeeze_or_expand_to_same_rank
from dlrs.metrics.metric import Metric
from dlrs.metrics.metrics_utils import weights_like


def reduce_to_samplewise_values(
    values: Any, sample_weight: Any, reduce_fn: Callable[..., Tensor], dtype: Any
) -> tuple[Tensor, Tensor | None]:
    """One value for each sample, times its weight, and the weights.

    Axes behind the first are reduced by `reduce_fn`. Weights of fewer axes than the values count for whole slices. As
    in Keras, a mask that the values carry counts only where there are weights.
    """
    weights = None
    if sample_weight is not None:
        weights = _merged_weights(sample_weight, backend.get_keras_mask(values), dtype)
    result = ops.convert_to_tensor(values, dtype)
    if weights is not None:
        result, weights = squeeze_or_expand_to_same_rank(result, weights)
        if result.ndim > weights.ndim:
            result = reduce_fn(result, axis=tuple(range(weights.ndim, result.ndim)))
        if weights.ndim > result.ndim or any(w not in (1, v) for w, v in zip(weights.shape, result.shape, strict=True)):
            raise ValueError(f"`sample_weight` of shape {weights.shape} does not fit values of shape {result.shape}.")
        weights = ops.broadcast_to(weights, result.shape)
        result = ops.multiply(result, weights)
        if weights.ndim > 1:
            weights = reduce_fn(weights, axis=tuple(range(1, weights.ndim)))
    if result.ndim > 1:
        result = reduce_fn(result, axis=tuple(range(1, result.ndim)))
    return result, weights


def _merged_weights(sample_weight: Any, mask: Any, dtype: Any) -> Tensor | None:
    weights = None if sample_weight is None else ops.convert_to_tensor(sample_weight, dtype)
    if mask is None:
        return weights
    float_mask = ops.cast(mask, dtype)
    if weights is None:
        return float_mask
    return ops.multiply(float_mask, weights_like(float_mask, weights))


class Sum(Metric):
    """Weighted sum of values.

    >>> Sum()([1.0, 3.0]).item()
    4.0
    """

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable((), "zeros", name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add `values`, times their weights."""
        values, _ = reduce_to_samplewise_values(values, sample_weight, ops.sum, self.dtype)
        self.total.assign_add(ops.sum(values))

    def result(self) -> Tensor:
        """The sum so far."""
        return self.total.value


class Mean(Metric):
    """Weighted mean of values.

    >>> mean = Mean()
    >>> mean.update_state([1.0, 3.0])
    >>> mean.update_state([5.0], sample_weight=[2.0])
    >>> mean.result().item()
    3.5
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Take `values`, times their weights, into account."""
        values, weights = reduce_to_samplewise_values(values, sample_weight, ops.mean, self.dtype)
        self.total.assign_add(ops.sum(values))
        self.count.assign_add(float(values.size) if weights is None else ops.sum(weights))

    def result(self) -> Tensor:
        """The mean so far; 0 before the first value."""
        return ops.divide_no_nan(self.total, self.count)


class MeanMetricWrapper(Mean):
    """Mean of `fn(y_true, y_pred, **kwargs)`.

    The function is given targets and predictions with equally many axes where a last axis of size 1 can make them so,
    so that (batch,) and (batch, 1) are not broadcast to (batch, batch).

    >>> metric = MeanMetricWrapper(lambda y_true, y_pred: ops.square(y_true - y_pred), name="squared_error")
    >>> metric(ops.array([1.0, 2.0]), ops.array([1.0, 4.0])).item()
    2.0
    """

    def __init__(self, fn: Callable[..., Tensor], name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name=name or getattr(fn, "__name__", None), dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take the figures of a batch into account."""
        mask = backend.get_keras_mask(y_pred)
        if backend.is_tensor(y_true) and backend.is_tensor(y_pred):
            y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        super().update_state(values, _merged_weights(sample_weight, mask, self.dtype))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric, those of the function included."""
        config = {**super().get_config(), **self._fn_kwargs}
        return {**config, "fn": serialize_keras_object(self._fn)} if type(self) is MeanMetricWrapper else config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The metric that `get_config` described."""
        if isinstance(config.get("fn"), str | dict):
            config = {**config, "fn": deserialize_keras_object(config["fn"])}
        return cls(**config)
