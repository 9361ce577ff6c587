"""Running averages of gradients, as most rules keep them."""

from typing import Any

from dlrs import ops
from dlrs.backend import Variable


def move_towards(average: Variable, value: Any, beta: float) -> Any:
    """Assign and return `average + (1 - beta) * (value - average)`.

    >>> v = Variable([1.0])
    >>> move_towards(v, 2.0, 0.75).tolist(), v.numpy().tolist()
    ([1.25], [1.25])
    """
    new = average.value + (value - average.value) * (1 - beta)
    average.assign(new)
    return new


def bias_correction(beta: float, step: Any) -> Any:
    """`1 - beta ** step`, the weight that an average started at zero has been given (arXiv 1412.6980, section 3).

    In double precision: `beta` is so near to 1 that single precision would leave five digits of the difference.

    >>> bias_correction(0.5, ops.array(2)).item()
    0.75
    """
    return 1.0 - ops.power(beta, ops.cast(step, "float64"))


def corrected_rate(learning_rate: Any, beta_1: float, beta_2: float, step: Any, dtype: str) -> Any:
    """Adam's `alpha`, the learning rate that makes up for the bias of both averages.

    In `dtype`, that of the variables, as Keras has it, so that both take the same steps.

    >>> corrected_rate(0.75, 0.5, 0.75, ops.array(1), "float32").item()
    0.75
    """
    step = ops.cast(step, dtype)
    second, first = 1.0 - ops.power(beta_2, step), 1.0 - ops.power(beta_1, step)
    return ops.cast(learning_rate, dtype) * ops.sqrt(second) / first
