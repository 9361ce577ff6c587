"""Normalization: by given statistics, over the features of a sample, and to norm 1."""

import warnings
from typing import Any

from dlrs import _dlrs, config
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, result_type
from dlrs.ops.manipulation import normalize_axis
from dlrs.ops.norms import norm
from dlrs.ops.operation import op
from dlrs.ops.reductions import Axis, axes_of, var

__all__ = ["batch_normalization", "layer_normalization", "normalize", "rms_normalization"]


@op
def batch_normalization(
    x: TensorLike,
    mean: TensorLike,
    variance: TensorLike,
    axis: int,
    offset: TensorLike | None = None,
    scale: TensorLike | None = None,
    epsilon: float = 1e-3,
) -> Tensor:
    """`(x - mean) / sqrt(variance + epsilon) * scale + offset`, with vectors along `axis`.

    Errors: ValueError if a vector does not have the length of `axis`.

    Source: Ioffe and Szegedy 2015, arXiv 1502.03167.

    >>> batch_normalization([[3.0]], [1.0], [3.0], axis=-1, epsilon=1.0).tolist()
    [[1.0]]
    """
    x = as_tensor(x)
    axis = normalize_axis("batch_normalization", axis, x.ndim)
    shape = [x.shape[axis] if i == axis else 1 for i in range(x.ndim)]

    def along(name: str, vector: TensorLike) -> Tensor:
        vector = as_tensor(vector)
        if vector.shape != (x.shape[axis],):
            raise ValueError(
                f"batch_normalization: Arguments `{name}` must be a vector of length `x.shape[axis]`. Expected:"
                f" `{(x.shape[axis],)}`. Received: `{vector.shape}`."
            )
        return _dlrs.reshape(vector, shape)

    factor = _dlrs.rsqrt(_dlrs.add(along("variance", variance), epsilon))
    if scale is not None:
        factor = _dlrs.multiply(factor, along("scale", scale))
    # Centred before scaling: x * factor - mean * factor cancels where the mean is large against the spread.
    y = _dlrs.multiply(_dlrs.subtract(x, along("mean", mean)), factor)
    return y if offset is None else _dlrs.add(y, along("offset", offset))


def _computed(x: TensorLike) -> tuple[Tensor, str]:
    """`x` in single precision at least, and the type of the result."""
    x = as_tensor(x)
    return _dlrs.cast(x, result_type(x.dtype, "float32")), x.dtype


@op
def layer_normalization(
    x: TensorLike,
    gamma: TensorLike | None = None,
    beta: TensorLike | None = None,
    axis: Axis = -1,
    epsilon: float | None = None,
    **kwargs: Any,
) -> Tensor:
    """`x` with mean 0 and variance 1 over `axis`, times `gamma` plus `beta` (Ba et al. 2016, arXiv 1607.06450).

    `gamma` and `beta` lie along `axis`, or have a shape that is broadcast. The result has the type of `x`.

    >>> layer_normalization([[1.0, 3.0]], epsilon=1e-12).tolist()
    [[-1.0, 1.0]]
    """
    x, dtype = _computed(x)
    axes = tuple(range(x.ndim)) if axis is None else axes_of(axis) or ()
    axes = tuple(sorted(normalize_axis("layer_normalization", a, x.ndim) for a in axes))
    rms_scaling = kwargs.pop("rms_scaling", False)
    if kwargs:
        raise TypeError(f"layer_normalization: unknown argument {next(iter(kwargs))!r}.")
    epsilon = config.epsilon() if epsilon is None else epsilon
    if rms_scaling:
        warnings.warn(
            "You passed `rms_scaling=True`, which is deprecated: it scales by the variance, without centring. Use"
            " `rms_normalization`.",
            stacklevel=3,
        )
        y = _dlrs.multiply(x, _dlrs.rsqrt(_dlrs.add(var(x, axes, True), epsilon)))
        beta = None
    else:
        centred = _dlrs.subtract(x, _dlrs.mean(x, axes, True))
        variance = _dlrs.mean(_dlrs.square(centred), axes, True)
        y = _dlrs.multiply(centred, _dlrs.rsqrt(_dlrs.add(variance, epsilon)))
    y = y if gamma is None else _dlrs.multiply(y, _lying_along(gamma, x, axes))
    y = y if beta is None else _dlrs.add(y, _lying_along(beta, x, axes))
    return _dlrs.cast(y, dtype)


def _lying_along(weights: TensorLike, x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """`weights` in the type of `x`, shaped to lie along `axes` if these are not the last ones anyway."""
    weights = _dlrs.cast(weights, x.dtype)
    if weights.ndim == x.ndim or axes == tuple(range(x.ndim - len(axes), x.ndim)):
        return weights
    return _dlrs.reshape(weights, [x.shape[a] if a in axes else 1 for a in range(x.ndim)])


@op
def rms_normalization(
    x: TensorLike, scale: TensorLike | None = None, axis: Axis = -1, epsilon: float | None = None
) -> Tensor:
    """`x` divided by its root mean square over `axis`, times `scale` (Zhang and Sennrich 2019, arXiv 1910.07467).

    >>> rms_normalization([[2.0, -2.0]], epsilon=1e-12).tolist()
    [[1.0, -1.0]]
    """
    x, dtype = _computed(x)
    power = _dlrs.mean(_dlrs.square(x), axes_of(axis), True)
    y = _dlrs.multiply(x, _dlrs.rsqrt(_dlrs.add(power, config.epsilon() if epsilon is None else epsilon)))
    return _dlrs.cast(y if scale is None else _dlrs.multiply(y, _dlrs.cast(scale, y.dtype)), dtype)


@op
def normalize(x: TensorLike, axis: Axis = -1, order: int = 2, epsilon: float | None = None) -> Tensor:
    """`x` divided by its norm of order `order` along `axis`, but by no less than `epsilon`.

    >>> [round(v, 6) for v in normalize([3.0, 4.0]).tolist()]
    [0.6, 0.8]
    """
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"normalize: Argument `order` must be an int >= 1. Received: order={order}")
    x = as_tensor(x)
    x = _dlrs.reshape(x, (1,)) if x.ndim == 0 else x
    axes = tuple(range(x.ndim)) if axis is None else axes_of(axis) or ()
    axes = tuple(normalize_axis("normalize", a, x.ndim) for a in axes)
    epsilon = config.epsilon() if epsilon is None else epsilon
    if order == 2:
        # The bound is applied to the squares: the square root has no gradient at 0.
        squares = _dlrs.sum(_dlrs.square(x), axes, True)
        return _dlrs.multiply(x, _dlrs.rsqrt(_dlrs.maximum(squares, epsilon**2)))
    return _dlrs.divide(x, _dlrs.maximum(norm(x, order, axes, True), epsilon))
