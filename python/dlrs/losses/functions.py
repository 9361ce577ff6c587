"""Losses as functions of targets and predictions; each returns one loss for each sample.

`y_true` and `y_pred` have the same shape, up to a last axis of size 1; other shapes are a ValueError. The last axis is
averaged, or summed where the formula says so.
"""

import math
from typing import Any

from dlrs import backend, ops
from dlrs.backend import Tensor
from dlrs.losses.loss import squeeze_or_expand_to_same_rank


def aligned(name: str, y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Targets and predictions of one type and shape; ValueError if the shapes would have to be broadcast."""
    y_pred = ops.convert_to_tensor(y_pred)
    if not backend.is_float_dtype(y_pred.dtype):
        y_pred = ops.cast(y_pred, backend.floatx())
    y_true = ops.convert_to_tensor(y_true, y_pred.dtype)
    given = y_true.shape, y_pred.shape
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"{name}: `y_true` and `y_pred` must have the same shape, up to a last axis of size 1, got {given[0]} and"
            f" {given[1]}."
        )
    return y_true, y_pred


def label_tensor(name: str, y_true: Any, shape: tuple[int, ...]) -> Tensor:
    """Integer labels of the given shape; a further last axis of size 1 is dropped."""
    labels = ops.cast(y_true, "int32")
    if labels.shape not in (shape, (*shape, 1)):
        raise ValueError(f"{name}: `y_true` must hold labels of shape {shape}, got {labels.shape}.")
    return ops.reshape(labels, shape)


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """`mean((y_true - y_pred)^2)`.

    >>> mean_squared_error([[0.0, 2.0]], [[1.0, 4.0]]).tolist()
    [2.5]
    """
    y_true, y_pred = aligned("mean_squared_error", y_true, y_pred)
    return ops.mean(ops.square(ops.subtract(y_true, y_pred)), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """`mean(|y_true - y_pred|)`.

    >>> mean_absolute_error([[0.0, 2.0]], [[1.0, 4.0]]).tolist()
    [1.5]
    """
    y_true, y_pred = aligned("mean_absolute_error", y_true, y_pred)
    return ops.mean(ops.absolute(ops.subtract(y_true, y_pred)), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """`100 * mean(|y_true - y_pred| / |y_true|)`.

    >>> mean_absolute_percentage_error([[2.0]], [[1.0]]).tolist()
    [50.0]
    """
    y_true, y_pred = aligned("mean_absolute_percentage_error", y_true, y_pred)
    size = ops.maximum(ops.absolute(y_true), backend.epsilon())
    return ops.multiply(ops.mean(ops.absolute(ops.divide(ops.subtract(y_true, y_pred), size)), axis=-1), 100.0)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """`mean((log(y_true + 1) - log(y_pred + 1))^2)`, negative values counting as 0.

    >>> mean_squared_logarithmic_error([[0.0]], [[0.0]]).tolist()
    [0.0]
    """
    y_true, y_pred = aligned("mean_squared_logarithmic_error", y_true, y_pred)
    logs = [ops.log1p(ops.maximum(y, backend.epsilon())) for y in (y_true, y_pred)]
    return ops.mean(ops.square(ops.subtract(*logs)), axis=-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Minus the cosine of the angle between targets and predictions along `axis`.

    >>> cosine_similarity([[1.0, 0.0]], [[2.0, 0.0]]).tolist()
    [-1.0]
    """
    y_true, y_pred = aligned("cosine_similarity", y_true, y_pred)
    products = ops.multiply(ops.normalize(y_true, axis=axis), ops.normalize(y_pred, axis=axis))
    return ops.negative(ops.sum(products, axis=axis))


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """Mean of half the squared error up to `delta`, beyond it of a line that continues it smoothly (Huber 1964).

    >>> huber([[0.0, 0.0]], [[1.0, 3.0]]).tolist()
    [1.5]
    """
    y_true, y_pred = aligned("huber", y_true, y_pred)
    size = ops.absolute(ops.subtract(y_pred, y_true))
    line = ops.multiply(ops.subtract(size, 0.5 * delta), delta)
    return ops.mean(ops.where(ops.less_equal(size, delta), ops.multiply(ops.square(size), 0.5), line), axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Tensor:
    """`mean(log(cosh(y_pred - y_true)))`.

    >>> log_cosh([[0.0]], [[0.0]]).tolist()
    [0.0]
    """
    y_true, y_pred = aligned("log_cosh", y_true, y_pred)
    # log(cosh(x)) = |x| + log(1 + exp(-2 |x|)) - log(2), which does not overflow.
    size = ops.absolute(ops.subtract(y_pred, y_true))
    return ops.mean(ops.add(size, ops.subtract(ops.softplus(ops.multiply(size, -2.0)), math.log(2.0))), axis=-1)


def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """`mean(max(1 - y_true * y_pred, 0))`; targets are -1 or 1, or 0 or 1.

    >>> hinge([[1.0, -1.0]], [[0.5, 0.5]]).tolist()
    [1.0]
    """
    y_true, y_pred = aligned("hinge", y_true, y_pred)
    return ops.mean(ops.relu(ops.subtract(1.0, ops.multiply(_signed(y_true), y_pred))), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """`mean(max(1 - y_true * y_pred, 0)^2)`; targets are -1 or 1, or 0 or 1.

    >>> squared_hinge([[1.0, -1.0]], [[0.0, 0.0]]).tolist()
    [1.0]
    """
    y_true, y_pred = aligned("squared_hinge", y_true, y_pred)
    return ops.mean(ops.square(ops.relu(ops.subtract(1.0, ops.multiply(_signed(y_true), y_pred)))), axis=-1)


def _signed(y_true: Tensor) -> Tensor:
    """Targets that are all 0 or 1 as -1 or 1; others as they are."""
    binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    return ops.where(binary, ops.subtract(ops.multiply(y_true, 2.0), 1.0), y_true)


def categorical_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """`max(largest prediction of a wrong class - prediction of the right class + 1, 0)`; one-hot targets.

    >>> categorical_hinge([[0.0, 1.0]], [[0.5, 1.0]]).tolist()
    [0.5]
    """
    y_true, y_pred = aligned("categorical_hinge", y_true, y_pred)
    right = ops.sum(ops.multiply(y_true, y_pred), axis=-1)
    wrong = ops.max(ops.multiply(ops.subtract(1.0, y_true), y_pred), axis=-1)
    return ops.relu(ops.add(ops.subtract(wrong, right), 1.0))


def kl_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """`sum(y_true * log(y_true / y_pred))`.

    >>> kl_divergence([[0.5, 0.5]], [[0.5, 0.5]]).tolist()
    [0.0]
    """
    y_true, y_pred = aligned("kl_divergence", y_true, y_pred)
    p, q = (ops.clip(y, backend.epsilon(), 1.0) for y in (y_true, y_pred))
    return ops.sum(ops.multiply(p, ops.log(ops.divide(p, q))), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """`mean(y_pred - y_true * log(y_pred))`.

    >>> poisson([[0.0]], [[2.0]]).tolist()
    [2.0]
    """
    y_true, y_pred = aligned("poisson", y_true, y_pred)
    logs = ops.log(ops.add(y_pred, backend.epsilon()))
    return ops.mean(ops.subtract(y_pred, ops.multiply(y_true, logs)), axis=-1)


def _smoothed(y_true: Tensor, label_smoothing: float, classes: int) -> Tensor:
    """Targets mixed with the uniform distribution (Szegedy et al. 2016, arXiv 1512.00567)."""
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"`label_smoothing` must be from 0 to 1, got {label_smoothing!r}.")
    if label_smoothing == 0:
        return y_true
    return ops.add(ops.multiply(y_true, 1.0 - label_smoothing), label_smoothing / classes)


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """`mean(-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred))` along `axis`.

    >>> [round(v, 4) for v in binary_crossentropy([[1.0, 0.0]], [[0.5, 0.5]]).tolist()]
    [0.6931]
    """
    y_true, y_pred = aligned("binary_crossentropy", y_true, y_pred)
    y_true = _smoothed(y_true, label_smoothing, 2)
    return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=axis)


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """`binary_crossentropy` weighted by `(1 - p)^gamma`, `p` the probability of the target (arXiv 1708.02002).

    With `apply_class_balancing`, the positive class weighs `alpha` and the negative one `1 - alpha`.

    >>> [round(v, 4) for v in binary_focal_crossentropy([[1.0]], [[0.5]]).tolist()]
    [0.1733]
    """
    y_true, y_pred = aligned("binary_focal_crossentropy", y_true, y_pred)
    y_true = _smoothed(y_true, label_smoothing, 2)
    losses = ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits)
    p = ops.sigmoid(y_pred) if from_logits else y_pred
    rest = ops.subtract(1.0, y_true)
    right = ops.add(ops.multiply(y_true, p), ops.multiply(rest, ops.subtract(1.0, p)))
    losses = ops.multiply(ops.power(ops.subtract(1.0, right), gamma), losses)
    if apply_class_balancing:
        losses = ops.multiply(ops.add(ops.multiply(y_true, alpha), ops.multiply(rest, 1.0 - alpha)), losses)
    return ops.mean(losses, axis=axis)


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """`-sum(y_true * log(y_pred))` along `axis`; targets are probabilities, for example one-hot.

    >>> [round(v, 4) for v in categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).tolist()]
    [0.6931]
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, y_pred.dtype)
    if y_pred.ndim and y_pred.shape[axis] == 1:
        raise ValueError(
            f"categorical_crossentropy: `y_pred` of shape {y_pred.shape} has one class, whose probability is always 1."
            " For a binary target use `binary_crossentropy`."
        )
    if y_true.shape == y_pred.shape:
        y_true = _smoothed(y_true, label_smoothing, y_pred.shape[axis])
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """`-sum(alpha * (1 - y_pred)^gamma * y_true * log(y_pred))` along `axis` (arXiv 1708.02002).

    >>> [round(v, 4) for v in categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).tolist()]
    [0.0433]
    """
    y_true, y_pred = aligned("categorical_focal_crossentropy", y_true, y_pred)
    y_true = _smoothed(y_true, label_smoothing, y_pred.shape[axis])
    if from_logits:
        y_pred = ops.softmax(y_pred, axis=axis)
    p = ops.divide(y_pred, ops.sum(y_pred, axis=axis, keepdims=True))
    p = ops.clip(p, backend.epsilon(), 1.0 - backend.epsilon())
    weights = ops.multiply(ops.power(ops.subtract(1.0, p), gamma), alpha)
    return ops.negative(ops.sum(ops.multiply(weights, ops.multiply(y_true, ops.log(p))), axis=axis))


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Tensor:
    """`-log(y_pred[y_true])`, with the classes along `axis`; targets are integers.

    Where the target is `ignore_class` the loss is 0, and the mask that the losses carry excludes it from means.

    >>> [round(v, 4) for v in sparse_categorical_crossentropy([1], [[0.5, 0.5]]).tolist()]
    [0.6931]
    """
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, "int32")
    valid = ops.not_equal(y_true, ignore_class)
    labels = ops.where(valid, y_true, 0)
    losses = ops.sparse_categorical_crossentropy(labels, y_pred, from_logits=from_logits, axis=axis)
    valid = ops.reshape(valid, losses.shape)
    losses = ops.where(valid, losses, 0.0)
    backend.set_keras_mask(losses, valid)
    return losses
