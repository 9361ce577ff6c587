"""Rearrangement of axes by a pattern of names (Rogozhnikov 2022, "Einops", ICLR)."""

import math
import re

from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor
from dlrs.backend.checks import check_type
from dlrs.ops.manipulation import reshape, transpose
from dlrs.ops.operation import op

__all__ = ["rearrange"]

_SIDE = re.compile(r"\s*(?:(?:\w+|\([\w\s]*\))\s*)*")


@op
def rearrange(tensor: TensorLike, pattern: str, **axes_lengths: int) -> Tensor:
    """`tensor` with its axes named by the left side of `pattern` and arranged as on the right.

    Args:
        tensor: Tensor.
        pattern: As `"batch (height width) -> batch width height"`: names in parentheses share one axis.
        **axes_lengths: Sizes of named axes, where a shared axis leaves more than one of them open.

    Errors: ValueError if the sides do not hold the same names, or sizes do not fit.

    >>> rearrange([[1, 2, 3, 4]], "b (h w) -> h b w", h=2).tolist()
    [[[1, 2]], [[3, 4]]]
    """
    x = as_tensor(tensor)
    left, right = _sides(pattern)
    names, order = ([name for group in side for name in group] for side in (left, right))
    if sorted(names) != sorted(order) or len(set(names)) != len(names):
        raise ValueError(f"rearrange: both sides of {pattern!r} must hold the same names, each once.")
    if len(left) != x.ndim:
        raise ValueError(f"rearrange: {pattern!r} names {len(left)} axes, the tensor has shape {x.shape}.")
    unknown = sorted(set(axes_lengths) - set(names))
    if unknown:
        raise ValueError(f"rearrange: {pattern!r} does not name {unknown}.")
    sizes: dict[str, int] = dict(axes_lengths)
    for group, size in zip(left, x.shape, strict=True):
        _split(pattern, group, size, sizes)
    apart = reshape(x, [sizes[name] for name in names])
    moved = transpose(apart, [names.index(name) for name in order])
    return reshape(moved, [math.prod(sizes[name] for name in group) for group in right])


def _sides(pattern: str) -> tuple[list[list[str]], list[list[str]]]:
    """The groups of names on both sides."""
    check_type("rearrange", "pattern", pattern, str, "a string")
    sides = pattern.split("->")
    if len(sides) != 2 or not all(_SIDE.fullmatch(side) for side in sides):
        raise ValueError(f"rearrange: `pattern` must look like 'a (b c) -> b a c', got {pattern!r}.")
    left, right = ([part.strip("()").split() for part in re.findall(r"\w+|\([\w\s]*\)", side)] for side in sides)
    return left, right


def _split(pattern: str, group: list[str], size: int, sizes: dict[str, int]) -> None:
    """Work out the one size of a shared axis that is not known, and check that all fit."""
    missing = [name for name in group if name not in sizes]
    known = math.prod(sizes[name] for name in group if name in sizes)
    if len(missing) > 1:
        raise ValueError(f"rearrange: in {pattern!r} the sizes of {missing} are not known; give all but one.")
    if missing and known and size % known == 0:
        sizes[missing[0]] = size // known
    elif missing or known != size:
        raise ValueError(f"rearrange: an axis of size {size} cannot be cut as {group} in {pattern!r} with {sizes}.")
