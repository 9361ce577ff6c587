"""The base of losses, and how the losses of samples become one number."""

import math
from collections.abc import Callable
from typing import Any, Self

from dlrs import backend, ops
from dlrs.backend import Tensor, tree
from dlrs.backend.serialization import deserialize_keras_object, serialize_keras_object
from dlrs.errors import unknown_name

_REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none")


class Loss:
    """A number that says how far predictions are from targets.

    Args:
        name: Name; made up from the class if None.
        reduction: `"sum_over_batch_size"` or `"mean"` (sum of the losses divided by their number), `"sum"`,
            `"mean_with_sample_weight"` (divided by the sum of the weights), `"none"` or None (not reduced).
        dtype: Type in which it is computed, or a policy; `config.floatx()` if None.

    A subclass defines `call(y_true, y_pred)`, which returns one loss for each sample.

    >>> class SumOfDistances(Loss):
    ...     def call(self, y_true, y_pred):
    ...         return ops.sum(ops.absolute(y_true - y_pred), axis=-1)
    >>> SumOfDistances()([[1.0, 2.0]], [[2.0, 4.0]]).item()
    3.0
    """

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        if name is not None and not isinstance(name, str):
            raise ValueError(f"{type(self).__name__}: `name` must be a string, got {name!r}.")
        self.name = name or backend.auto_name(type(self).__name__)
        self.reduction = standardize_reduction(reduction)
        self._dtype_policy = backend.get_policy(dtype or backend.floatx())

    @property
    def dtype(self) -> str:
        """The type in which the loss is computed."""
        return self._dtype_policy.compute_dtype

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The reduced loss.

        Args:
            y_true: Targets, a tensor or a nest of them.
            y_pred: Predictions, likewise.
            sample_weight: Weights of the samples, of shape (batch,) or as the losses of the samples.
        """
        mask = backend.get_keras_mask(y_pred)
        y_pred = convert_nest(lambda x: ops.convert_to_tensor(x, self.dtype), y_pred)
        y_true = convert_nest(self._convert_target, y_true)
        losses = self.call(y_true, y_pred)
        if losses is None:
            raise TypeError(f"The loss {self.name!r} returned None; a tensor or a number is expected.")
        own_mask = backend.get_keras_mask(losses)
        if own_mask is not None:
            mask = own_mask if mask is None else ops.logical_and(mask, own_mask)
        return reduce_weighted_values(losses, sample_weight, mask, self.reduction, self.dtype)

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """The losses of the samples. If they carry a mask, those that it excludes do not count."""
        raise TypeError(f"{type(self).__name__} does not define `call`.")

    def _convert_target(self, x: Any) -> Tensor:
        return ops.convert_to_tensor(x, self.dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal loss; the type is among them if it is not `config.floatx()`."""
        config = {"name": self.name, "reduction": self.reduction}
        return config if self.dtype == backend.floatx() else {**config, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The loss that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.get_config().items())})>"


class LossFunctionWrapper(Loss):
    """A function `fn(y_true, y_pred, **kwargs)` of samples' losses, as a loss.

    The function is given targets and predictions with equally many axes where a last axis of size 1 can make them so,
    so that (batch,) and (batch, 1) are not broadcast to (batch, batch).

    >>> from dlrs.losses import mean_squared_error
    >>> LossFunctionWrapper(mean_squared_error)([[1.0]], [[3.0]]).item()
    4.0
    """

    def __init__(
        self,
        fn: Callable[..., Tensor],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name or getattr(fn, "__name__", None), reduction=reduction, dtype=dtype)
        self.fn = fn
        self._fn_kwargs = kwargs

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """Apply the function."""
        if backend.is_tensor(y_true) and backend.is_tensor(y_pred):
            y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal loss, those of the function included."""
        config = {**super().get_config(), **self._fn_kwargs}
        return {**config, "fn": serialize_keras_object(self.fn)} if type(self) is LossFunctionWrapper else config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The loss that `get_config` described."""
        if isinstance(config.get("fn"), str | dict):
            config = {**config, "fn": deserialize_keras_object(config["fn"])}
        return cls(**config)


class LabelLoss(LossFunctionWrapper):
    """A function of integer labels and predictions, as a loss. As floats, labels would be exact up to 2^24 only."""

    def _convert_target(self, x: Any) -> Tensor:
        return ops.convert_to_tensor(x)


def convert_nest(convert: Callable[[Any], Tensor], x: Any) -> Any:
    """`convert` applied to the tensors of a nest; nested lists of numbers are one tensor."""
    if isinstance(x, list | tuple) and all(isinstance(leaf, int | float) for leaf in tree.flatten(x)):
        return convert(x)
    return tree.map_structure(convert, x)


def standardize_reduction(reduction: str | None) -> str | None:
    """`reduction`, or a ValueError if there is no such reduction."""
    if reduction is not None and reduction not in _REDUCTIONS:
        raise ValueError(f"Invalid value for argument `reduction`. {unknown_name('reduction', reduction, _REDUCTIONS)}")
    return reduction


def squeeze_or_expand_to_same_rank(x1: Any, x2: Any) -> tuple[Tensor, Tensor]:
    """Two tensors with equally many axes, where a last axis of size 1 can make them so.

    >>> [x.shape for x in squeeze_or_expand_to_same_rank(ops.ones((3,)), ops.ones((3, 1)))]
    [(3, 1), (3, 1)]
    """
    x1, x2 = (x if hasattr(x, "ndim") else ops.convert_to_tensor(x) for x in (x1, x2))
    if x1.ndim == x2.ndim + 1 and x1.shape[-1] == 1:
        return (x1, ops.expand_dims(x2, -1)) if x2.ndim == 1 else (ops.squeeze(x1, -1), x2)
    if x2.ndim == x1.ndim + 1 and x2.shape[-1] == 1:
        return (ops.expand_dims(x1, -1), x2) if x1.ndim == 1 else (x1, ops.squeeze(x2, -1))
    return x1, x2


def reduce_weighted_values(
    values: Any,
    sample_weight: Any = None,
    mask: Any = None,
    reduction: str | None = "sum_over_batch_size",
    dtype: Any = None,
) -> Tensor:
    """The losses `values` times the weights, where the mask holds, reduced as `reduction` says.

    >>> reduce_weighted_values([1.0, 3.0], sample_weight=[1.0, 0.0]).item()
    0.5
    """
    losses = ops.convert_to_tensor(values, dtype)
    weights = _merged_weights(losses, sample_weight, mask, reduction)
    if weights is not None:
        losses, weights = _aligned_weights(losses, weights)
        losses = ops.multiply(losses, weights)
    if reduction in (None, "none") or losses.shape in ((), (0,)):
        return losses
    if reduction == "sum":
        return ops.sum(losses)
    if reduction == "mean_with_sample_weight" and weights is not None:
        return ops.divide_no_nan(ops.sum(losses), ops.sum(weights))
    return ops.mean(losses)


def _merged_weights(values: Tensor, sample_weight: Any, mask: Any, reduction: str | None) -> Tensor | None:
    weights = None if sample_weight is None else ops.convert_to_tensor(sample_weight, values.dtype)
    if mask is None:
        return weights
    mask = ops.convert_to_tensor(mask, "bool")
    scale: Any = 1.0
    if reduction in ("mean", "sum_over_batch_size"):
        # The mean divides by the number of all values; this makes it the number of those that count.
        scale = ops.divide_no_nan(float(math.prod(mask.shape)), ops.sum(ops.cast(mask, values.dtype)))
    float_mask = ops.where(mask, scale, ops.zeros((), values.dtype))
    if weights is None:
        return float_mask
    float_mask, weights = _aligned_weights(float_mask, weights)
    return ops.multiply(float_mask, weights)


def _aligned_weights(values: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """`values` and `weights` of shapes that broadcast: weights of samples stand along the first axes."""
    values, weights = squeeze_or_expand_to_same_rank(values, weights)
    if 0 < weights.ndim < values.ndim:
        weights = ops.reshape(weights, weights.shape + (1,) * (values.ndim - weights.ndim))
    fits = all(w in (1, v) for v, w in zip(values.shape, weights.shape, strict=False))
    if not fits or weights.ndim > values.ndim:
        raise ValueError(
            f"`sample_weight` of shape {weights.shape} does not fit losses of shape {values.shape}: give one weight for"
            " each sample, or one for each loss."
        )
    return values, weights
