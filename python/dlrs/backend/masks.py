"""The mask that a tensor carries: which of its entries count."""

from typing import Any


def get_keras_mask(x: Any) -> Any:
    """The mask set on the tensor `x`, or None.

    >>> get_keras_mask(3.0) is None
    True
    """
    return getattr(x, "_keras_mask", None)


def set_keras_mask(x: Any, mask: Any) -> None:
    """Let the tensor `x` carry `mask`; None takes its mask away.

    >>> from dlrs import ops
    >>> x = ops.array([1.0, 2.0])
    >>> set_keras_mask(x, [True, False])
    >>> get_keras_mask(x)
    [True, False]
    """
    try:
        x._keras_mask = mask
    except AttributeError:
        raise TypeError(f"set_keras_mask: `x` must be a tensor, got {type(x).__name__}.") from None
