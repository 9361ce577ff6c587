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
    is_float_dtype,
    is_int_dtype,
    standardize_dtype,
)
from dlrs.ops.manipulation import normalize_axis
from dlrs.ops.operation import op
from dlrs.random.seed_generator import draw_seed

Shape = Sequence[int]


def _float_type(name: str, dtype: Any) -> str:
    standard = standardize_dtype(dtype)
    if not is_float_dtype(standard):
        raise ValueError(
            f"`keras.random.{name}` requires a floating point `dtype`. Received: dtype={dtype} (as {standard!r})."
        )
    return standard


def _drawn_in(name: str) -> str:
    """The type in which numbers of type `name` are drawn: a narrow one is rounded from single precision."""
    return name if name == "float64" else "float32"


def uniform(
    shape: Shape, minval: TensorLike = 0.0, maxval: TensorLike = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Uniform draws from `minval` (included) to `maxval` (excluded).

    >>> uniform((2, 3), seed=1).shape
    (2, 3)
    """
    name = _float_type("uniform", dtype)
    draw = _dlrs.random_uniform(shape, draw_seed(seed), _drawn_in(name))
    if name in _BELOW_ONE:
        # Rounded down to a number that the type holds: rounding to the nearest could give 1.
        steps = _BELOW_ONE[name]
        draw = _dlrs.multiply(_dlrs.floor(_dlrs.multiply(draw, steps)), 1.0 / steps)
    if not (_is_number(minval) and minval == 0 and _is_number(maxval) and maxval == 1):
        draw = _dlrs.add(_dlrs.multiply(draw, _difference(maxval, minval)), minval)
    return _dlrs.cast(draw, name)


# How many numbers the types narrower than float32 have, at equal distances, from 0 to 1.
_BELOW_ONE = {"float16": 2.0**11, "bfloat16": 2.0**8}


def _is_number(x: Any) -> bool:
    return isinstance(x, int | float)


def _difference(a: TensorLike, b: TensorLike) -> TensorLike:
    return a - b if isinstance(a, int | float) and isinstance(b, int | float) else _dlrs.subtract(a, b)


def normal(
    shape: Shape, mean: TensorLike = 0.0, stddev: TensorLike = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Normal draws.

    >>> normal((2, 3), seed=1).shape
    (2, 3)
    """
    name = _float_type("normal", dtype)
    draw = _dlrs.random_normal(shape, draw_seed(seed), _drawn_in(name))
    return _dlrs.cast(_dlrs.add(_dlrs.multiply(draw, stddev), mean), name)


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
    u = _dlrs.random_uniform(shape, draw_seed(seed), _drawn_in(name))
    draw = _normal_quantile(_dlrs.add(_dlrs.multiply(u, 1.0 - 2.0 * tail), tail))
    draw = _dlrs.minimum(_dlrs.maximum(draw, -2.0), 2.0)
    return _dlrs.cast(_dlrs.add(_dlrs.multiply(draw, stddev), mean), name)


def gamma(shape: Shape, alpha: TensorLike, dtype: Any = None, seed: Any = None) -> Tensor:
    """Draws from the gamma distribution of shape `alpha` and scale 1.

    Args:
        shape: Shape of the result.
        alpha: Positive number, or tensor of them that can be broadcast to `shape`. Others give NaN.
        dtype: Float type; `config.floatx()` if None.
        seed: Integer, `SeedGenerator` or None.

    Draws have no gradient by their parameters. Source: Marsaglia and Tsang 2000, "A simple method for generating gamma
    variables".

    >>> bool(gamma((100,), 2.0, seed=1).numpy().min() > 0)
    True
    """
    name = _float_type("gamma", dtype)
    draw = _dlrs.random_gamma(shape, alpha, draw_seed(seed), _drawn_in(name))
    # A small number of a narrow type is not 0 where a larger type holds it.
    smallest = _SMALLEST.get(name)
    return _dlrs.cast(draw if smallest is None else _dlrs.maximum(draw, smallest), name)


# The smallest positive numbers of the types narrower than float32.
_SMALLEST = {"float16": 2.0**-24, "bfloat16": 2.0**-126}


def beta(shape: Shape, alpha: TensorLike, beta: TensorLike, dtype: Any = None, seed: Any = None) -> Tensor:
    """Draws from the beta distribution, as `gamma`: x / (x + y) of gamma draws of shapes `alpha` and `beta`.

    >>> x = beta((100,), 2.0, 3.0, seed=1).numpy()
    >>> bool(x.min() > 0 and x.max() < 1)
    True
    """
    name = _float_type("beta", dtype)
    return _dlrs.cast(_dlrs.random_beta(shape, alpha, beta, draw_seed(seed), _drawn_in(name)), name)


def binomial(
    shape: Shape, counts: TensorLike, probabilities: TensorLike, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Numbers of successes in `counts` trials that succeed with `probabilities`, as floats.

    Args:
        shape: Shape of the result.
        counts: Numbers of trials, not negative, or a tensor of them that can be broadcast to `shape`.
        probabilities: From 0 to 1, likewise. Parameters outside of their ranges give NaN.
        dtype: Float type; `config.floatx()` if None.
        seed: Integer, `SeedGenerator` or None.

    Source: Hoermann 1993, "The generation of binomial random variates".

    >>> binomial((3,), 5, 1.0, seed=1).tolist()
    [5.0, 5.0, 5.0]
    """
    name = _float_type("binomial", dtype)
    return _dlrs.cast(_dlrs.random_binomial(shape, counts, probabilities, draw_seed(seed), _drawn_in(name)), name)


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
        raise ValueError(f"`keras.random.randint` requires an integer `dtype`. Received: dtype={dtype} (as {name!r}).")
    if not -(2**63) <= minval < maxval <= 2**63:
        raise ValueError(f"randint: `minval` must be less than `maxval`, both of 64 bits, got {minval} and {maxval}.")
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
    logits = _dlrs.cast(logits, _drawn_in(logits.dtype))
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


@op
def shuffle(x: TensorLike, axis: int = 0, seed: Any = None) -> Tensor:
    """`x` with its slices along `axis` in random order.

    >>> sorted(shuffle([1.0, 2.0, 3.0], seed=1).tolist())
    [1.0, 2.0, 3.0]
    """
    x = as_tensor(x)
    axis = normalize_axis("shuffle", axis, x.ndim)
    # The order that sorts random keys. Of 53 bits each: equal ones, which would keep their order, do not occur.
    keys = _dlrs.random_uniform((x.shape[axis],), draw_seed(seed), "float64")
    return _dlrs.take(x, _dlrs.sort(keys)[1], axis)
