"""Checks of arguments that are plain numbers."""

import math
from typing import Any

import numpy as np


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond every float
        return False


def check_number(
    owner: str,
    argument: str,
    value: Any,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
    optional: bool = False,
) -> None:
    """ValueError unless `value` is a finite number within the bounds, or None if that is `optional`.

    >>> check_number("Adam", "beta_1", 1.0, least=0, below=1)
    Traceback (most recent call last):
        ...
    ValueError: Adam: `beta_1` must be a finite number in [0, 1), got 1.0.
    """
    if value is None and optional:
        return
    is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if (
        is_number
        and _is_finite(value)
        and (least is None or value >= least)
        and (above is None or value > above)
        and (most is None or value <= most)
        and (below is None or value < below)
    ):
        return
    low = f"[{least}" if least is not None else f"({above}" if above is not None else ""
    high = f"{most}]" if most is not None else f"{below})" if below is not None else ""
    bounds = f" in {low or '(-inf'}, {high or 'inf)'}" if low or high else ""
    or_none = ", or None" if optional else ""
    raise ValueError(f"{owner}: `{argument}` must be a finite number{bounds}{or_none}, got {value!r}.")


def check_count(owner: str, argument: str, value: Any, least: int, optional: bool = False) -> None:
    """ValueError unless `value` is an integer of at least `least`, or None if that is `optional`.

    >>> check_count("SGD", "gradient_accumulation_steps", 1, 2, optional=True)
    Traceback (most recent call last):
        ...
    ValueError: SGD: `gradient_accumulation_steps` must be an integer of at least 2, or None, got 1.
    """
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        or_none = ", or None" if optional else ""
        raise ValueError(f"{owner}: `{argument}` must be an integer of at least {least}{or_none}, got {value!r}.")


def positive_size(argument: str, value: Any) -> int:
    """`value` as an integer if it is one from 1 to 2³¹ - 1, as sizes of layers are.

    >>> positive_size("units", 0)
    Traceback (most recent call last):
        ...
    ValueError: Received an invalid value for argument `units`, expected a positive integer, below 2**31. ...=0
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 < value < 2**31:
        raise ValueError(
            f"Received an invalid value for argument `{argument}`, expected a positive integer, below 2**31. "
            f"Received: {argument}={value!r}"
        )
    return int(value)


def check_type(owner: str, argument: str, value: Any, kind: Any, expected: str, optional: bool = False) -> None:
    """TypeError unless `value` is of type `kind`, or None if that is `optional`.

    >>> check_type("rearrange", "pattern", 3, str, "a string")
    Traceback (most recent call last):
        ...
    TypeError: rearrange: `pattern` must be a string, got int.
    """
    if not isinstance(value, kind) and not (value is None and optional):
        or_none = ", or None" if optional else ""
        raise TypeError(f"{owner}: `{argument}` must be {expected}{or_none}, got {type(value).__name__}.")


def check_flags(owner: str, **flags: Any) -> None:
    """TypeError unless each of `flags` is True or False.

    >>> check_flags("plot_model", show_shapes="yes")
    Traceback (most recent call last):
        ...
    TypeError: plot_model: `show_shapes` must be True or False, got 'yes'.
    """
    for name, value in flags.items():
        if not isinstance(value, bool | int | np.bool_):
            raise TypeError(f"{owner}: `{name}` must be True or False, got {value!r}.")
