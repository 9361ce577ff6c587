"""Running averages of gradients, as most rules keep them."""

from typing import Any

from dlrs import _dlrs
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

    >>> float(bias_correction(0.5, 2.0))
    0.75
    """
    return 1.0 - _dlrs.power(beta, step)
