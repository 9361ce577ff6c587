"""Draws from distributions.

`seed` is an integer (the same draw each time), a `SeedGenerator` (the next draw of its sequence) or None (the next draw
of the global generator). The draw does not depend on the number of threads, nor on whether it is made eagerly.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import (
    TensorLike,
    as_tensor,
    convert_to_numpy,
    convert_to_tensor,
    is_float_dtype,
    is_int_dtype,
    standardize_dtype,
)
from dlrs.ops.operation import op
from dlrs.random.seed_generator import draw_seed

Shape = Sequence[int]


def _float_type(name: str, dtype: Any) -> str:
    standard = standardize_dtype(dtype)
    if not is_float_dtype(standard):
        raise ValueError(f"{name}: `dtype` must be a float type, got {standard!r}.")
    return standard


def uniform(
    shape: Shape, minval: TensorLike = 0.0, maxval: TensorLike = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Uniform draws from `minval` (included) to `maxval` (excluded).

    >>> uniform((2, 3), seed=1).shape
    (2, 3)
    """
    draw = _dlrs.random_uniform(shape, draw_seed(seed), _float_type("uniform", dtype))
    if isinstance(minval, int | float) and isinstance(maxval, int | float):
        if minval == 0 and maxval == 1:
            return draw
        width: TensorLike = maxval - minval
    else:
        width = _dlrs.subtract(maxval, minval)
    return _dlrs.add(_dlrs.multiply(draw, width), minval)


def normal(
    shape: Shape, mean: TensorLike = 0.0, stddev: TensorLike = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Normal draws.

    >>> normal((2, 3), seed=1).shape
    (2, 3)
    """
    draw = _dlrs.random_normal(shape, draw_seed(seed), _float_type("normal", dtype))
    return _dlrs.add(_dlrs.multiply(draw, stddev), mean)


def truncated_normal(
    shape: Shape, mean: TensorLike = 0.0, stddev: TensorLike = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Normal draws of which none is further than two standard deviations from the mean.

    >>> bool(abs(truncated_normal((100,), seed=1).numpy()).max() <= 2.0)
    True
    """
    name = _float_type("truncated_normal", dtype)
    # Inverse of the distribution function of the truncated range, at a uniform draw: one draw an element.
    tail = 0.5 * math.erfc(math.sqrt(2.0))
    u = _dlrs.random_uniform(shape, draw_seed(seed), name)
    draw = _normal_quantile(_dlrs.add(_dlrs.multiply(u, 1.0 - 2.0 * tail), tail))
    draw = _dlrs.minimum(_dlrs.maximum(draw, -2.0), 2.0)
    return _dlrs.add(_dlrs.multiply(draw, stddev), mean)


# Rational approximation of the normal quantile in its central region, 0.02425 <= p <= 0.97575 (P. J. Acklam, "An
# algorithm for computing the inverse normal cumulative distribution function", 2003; relative error below 1.15e-9),
# and in the lower tail.
_CENTRE = (
    (-3.969683028665376e01, 2.209460984245205e02, -2.759285104469687e02, 1.383577518672690e02, -3.066479806614716e01,
     2.506628277459239e00),
    (-5.447609879822406e01, 1.615858368580409e02, -1.556989798598866e02, 6.680131188771972e01, -1.328068155288572e01,
     1.0),
)  # fmt: skip
_TAIL = (
    (-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e00, -2.549732539343734e00, 4.374664141464968e00,
     2.938163982698783e00),
    (7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e00, 3.754408661907416e00, 1.0),
)  # fmt: skip


def _normal_quantile(p: Tensor) -> Tensor:
    q = _dlrs.subtract(p, 0.5)
    r = _dlrs.square(q)
    centre = _dlrs.divide(_dlrs.multiply(_polynomial(_CENTRE[0], r), q), _polynomial(_CENTRE[1], r))
    lower = _dlrs.minimum(p, _dlrs.subtract(1.0, p))
    t = _dlrs.sqrt(_dlrs.multiply(_dlrs.log(lower), -2.0))
    tail = _dlrs.divide(_polynomial(_TAIL[0], t), _polynomial(_TAIL[1], t))
    tail = _dlrs.where(_dlrs.less(q, 0.0), tail, _dlrs.negative(tail))
    return _dlrs.where(_dlrs.less(lower, 0.02425), tail, centre)


def _polynomial(coefficients: Sequence[float], x: Tensor) -> Tensor:
    """Horner's scheme, highest power first."""
    value = _dlrs.add(_dlrs.multiply(x, coefficients[0]), coefficients[1])
    for coefficient in coefficients[2:]:
        value = _dlrs.add(_dlrs.multiply(value, x), coefficient)
    return value


def randint(shape: Shape, minval: int, maxval: int, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """Uniform integers from `minval` (included) to `maxval` (excluded).

    >>> sorted(set(randint((100,), 3, 5, seed=1).tolist()))
    [3, 4]
    """
    name = standardize_dtype(dtype)
    if not is_int_dtype(name):
        raise ValueError(f"randint: `dtype` must be an integer type, got {name!r}.")
    if not minval < maxval:
        raise ValueError(f"randint: `minval` must be less than `maxval`, got {minval} and {maxval}.")
    # 53 random bits: the bias of the least likely integer is below (maxval - minval) / 2^53.
    draw = _dlrs.random_uniform(shape, draw_seed(seed), "float64")
    scaled = _dlrs.floor(_dlrs.multiply(draw, float(maxval - minval)))
    # Rounding of the product may reach the width itself.
    whole = _dlrs.cast(_dlrs.minimum(scaled, float(maxval - minval - 1)), "int64")
    return _dlrs.cast(_dlrs.add(whole, np.array(minval, dtype=np.int64)), name)


def categorical(logits: TensorLike, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """`num_samples` class indices for each row of `logits`, drawn with probabilities `softmax(logits)`.

    >>> categorical([[-1e9, 0.0]], 3, seed=1).tolist()
    [[1, 1, 1]]
    """
    logits = as_tensor(logits)
    if logits.ndim != 2:
        raise ValueError(f"categorical: `logits` must have shape (batch, classes), got {logits.shape}.")
    rows, classes = logits.shape
    # Gumbel's trick: the largest of logits - log(-log(u)) has the distribution of softmax(logits).
    u = _dlrs.random_uniform((rows, num_samples, classes), draw_seed(seed), logits.dtype)
    u = _dlrs.maximum(u, float(np.finfo("float32").tiny))
    gumbel = _dlrs.negative(_dlrs.log(_dlrs.negative(_dlrs.log(u))))
    best = _dlrs.argmax(_dlrs.add(_dlrs.reshape(logits, (rows, 1, classes)), gumbel), 2)
    return _dlrs.cast(best, standardize_dtype(dtype))


@op
def dropout(
    inputs: TensorLike, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Any = None
) -> Tensor:
    """`inputs` with each element set to 0 with probability `rate`, the others divided by `1 - rate`.

    Args:
        inputs: Tensor.
        rate: Probability, from 0 to 1.
        noise_shape: Shape of the random mask, broadcast to `inputs`; None stands for the size of `inputs`.
        seed: Integer, `SeedGenerator` or None.

    Source: Srivastava et al. 2014.

    >>> dropout([1.0, 2.0], 0.0, seed=1).tolist()
    [1.0, 2.0]
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"dropout: `rate` must be from 0 to 1, got {rate!r}.")
    inputs = as_tensor(inputs)
    if rate == 0:
        return inputs
    if rate == 1:
        return _dlrs.multiply(inputs, 0.0)
    shape: Sequence[int] = inputs.shape
    if noise_shape is not None:
        if len(noise_shape) != inputs.ndim:
            raise ValueError(
                f"dropout: `noise_shape` {tuple(noise_shape)} does not fit `inputs` of shape {inputs.shape}."
            )
        shape = [dim if size is None else size for size, dim in zip(noise_shape, inputs.shape, strict=True)]
    keep = _dlrs.greater_equal(_dlrs.random_uniform(shape, draw_seed(seed), "float32"), rate)
    return _dlrs.where(keep, _dlrs.multiply(inputs, 1.0 / (1.0 - rate)), 0.0)


def permutation(n: int, seed: Any = None) -> np.ndarray[Any, Any]:
    """0 to `n - 1` in random order, as an int64 array; drawn on the host.

    >>> sorted(permutation(4, seed=1).tolist())
    [0, 1, 2, 3]
    """
    key = convert_to_numpy(draw_seed(seed)).astype(np.uint64)
    generator = np.random.Generator(np.random.Philox(key=key))
    return generator.permutation(n).astype(np.int64, copy=False)


def shuffle(x: TensorLike, axis: int = 0, seed: Any = None) -> Tensor:
    """`x` with its slices along `axis` in random order, drawn on the host.

    >>> sorted(shuffle([1.0, 2.0, 3.0], seed=1).tolist())
    [1.0, 2.0, 3.0]
    """
    tensor = convert_to_tensor(x)
    return _dlrs.take(tensor, permutation(tensor.shape[axis], seed), axis)
