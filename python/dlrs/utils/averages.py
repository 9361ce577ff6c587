"""Averages of sequences."""

from typing import Any

import numpy as np

from dlrs import _dlrs, ops
from dlrs.backend import Tensor, as_tensor, floatx, is_float_dtype

__all__ = ["ewma"]


def ewma(x: Any, beta: float, bias_correction: bool = True) -> Tensor:
    """The exponentially weighted moving average of a sequence: `v = beta·v + (1-beta)·x[t]`, from `v = 0`.

    It averages over about the last `1/(1-beta)` values. Started at zero it is too small at first; the correction
    divides by the weight that values have been given so far, `1 - beta**t` at the t-th (Kingma and Ba, arXiv 1412.6980,
    section 3). Adam corrects its averages; the moving statistics of batch normalization and the averaged weights of
    `use_ema` are not corrected, because they start at values of their own.

    Args:
        x: values along the first axis, at least one axis; integers count as floats.
        beta: share of the old average that is kept, in [0, 1).
        bias_correction: whether to divide by `1 - beta**t`.

    Returns:
        The average after each value, in the shape of `x`.

    Raises:
        ValueError: `beta` is not in [0, 1), or `x` is a scalar.

    >>> ewma([8.0, 4.0, 2.0], 0.5).numpy().round(3).tolist()
    [8.0, 5.333000183105469, 3.4289999008178711]
    >>> ewma([8.0, 4.0, 2.0], 0.5, bias_correction=False).tolist()
    [4.0, 4.0, 3.0]
    """
    if isinstance(beta, bool) or not isinstance(beta, int | float) or not 0 <= beta < 1:
        raise ValueError(f"ewma: `beta` must be a number in [0, 1), got {beta!r}.")
    values = as_tensor(x)
    if not is_float_dtype(values.dtype):
        values = ops.cast(values, floatx())
    if values.ndim == 0:
        raise ValueError("ewma: `x` must have at least one axis, along which to average, got a scalar.")
    averages = _dlrs.linear_recurrence(ops.full_like(values, beta), values * (1 - beta), 0)
    if not bias_correction:
        return averages
    # In double precision: with beta near 1, single precision would leave a few digits of the difference.
    weights = 1.0 - float(beta) ** np.arange(1, values.shape[0] + 1)
    return averages / ops.cast(weights.reshape(-1, *[1] * (values.ndim - 1)), values.dtype)
