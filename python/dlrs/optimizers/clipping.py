"""Limits on gradients, and values that depend on a condition."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from dlrs import _dlrs, ops
from dlrs.backend import Variable


def clip_by_norm(gradient: Any, limit: float) -> Any:
    """`gradient` scaled down so that its L2 norm is at most `limit`.

    >>> clip_by_norm(ops.array([3.0, 4.0]), 1.0).numpy().round(3).tolist()
    [0.6000000238418579, 0.800000011920929]
    """
    norm = _dlrs.sqrt(_dlrs.sum(_dlrs.square(gradient)))
    return gradient * (limit / _dlrs.maximum(norm, limit))


def clip_by_value(gradient: Any, limit: float) -> Any:
    """`gradient` with each element in [-limit, limit].

    >>> clip_by_value(ops.array([3.0, -0.5]), 1.0).tolist()
    [1.0, -0.5]
    """
    return _dlrs.minimum(_dlrs.maximum(gradient, -limit), limit)


def global_norm(value_list: Sequence[Any]) -> Any:
    """The L2 norm of all values together, a scalar; None counts for nothing.

    >>> float(global_norm([ops.array([3.0]), None, ops.array([4.0])]))
    5.0
    """
    total: Any = 0.0
    for value in value_list:
        if value is not None:
            total = total + _dlrs.sum(_dlrs.square(value))
    return _dlrs.sqrt(total)


def clip_by_global_norm(value_list: Sequence[Any], clip_norm: float) -> list[Any]:
    """The values scaled down together so that their `global_norm` is at most `clip_norm`.

    All become NaN if the norm is not finite, so that the step shows it (Pascanu et al. 2013 leave this case open).

    >>> [x.tolist() for x in clip_by_global_norm([ops.array([3.0]), ops.array([4.0])], 10.0)]
    [[3.0], [4.0]]
    """
    norm = global_norm(value_list)
    scale = clip_norm / _dlrs.maximum(norm, clip_norm) + (norm - norm)
    return [None if value is None else value * scale for value in value_list]


def assign_where(condition: Any, update: Callable[[], None], variables: Iterable[Variable]) -> None:
    """Run `update` and keep what it assigned to `variables` if `condition`, a boolean scalar, holds.

    Both outcomes are computed where the condition is not known yet; the one discarded may hold NaN.

    >>> v = Variable(1.0)
    >>> assign_where(ops.array(False), lambda: v.assign(float("nan")), [v])
    >>> float(v)
    1.0
    """
    if not condition.is_symbolic:
        if bool(condition):
            update()
        return
    before = [(variable, variable.value) for variable in variables]
    update()
    for variable, old in before:
        variable.assign(ops.where(condition, variable.value, old))
