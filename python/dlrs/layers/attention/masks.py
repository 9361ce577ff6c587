"""Masks of attention: who sees whom. True lets a target see a source."""

from typing import Any

import numpy as np

from dlrs import ops


def causal_mask(targets: int, sources: int) -> Any:
    """Bool array (1, targets, sources): a target sees the sources up to its own position.

    >>> causal_mask(2, 3).astype(int).tolist()
    [[[1, 0, 0], [1, 1, 0]]]
    """
    return np.tri(targets, sources)[None] > 0


def window_mask(targets: int, sources: int, window: int) -> Any:
    """Bool array (1, targets, sources): a target sees the sources nearer than `window` on either side.

    >>> window_mask(3, 3, 2).astype(int).tolist()
    [[[1, 1, 0], [1, 1, 1], [0, 1, 1]]]
    """
    distance = np.abs(np.arange(targets)[:, None] - np.arange(sources))
    return (distance < window)[None]


def both(left: Any, right: Any) -> Any:
    """Where both masks are true; None stands for a mask that lets everything through.

    >>> both(None, None) is None
    True
    """
    if left is None or right is None:
        return right if left is None else left
    return ops.logical_and(left, right)


def with_heads(mask: Any, rank: int, attention_axes: int) -> Any:
    """`mask` with the axes it lacks, up to `rank`, put before the axes of targets and sources."""
    for _ in range(rank - mask.ndim):
        mask = ops.expand_dims(mask, -2 * attention_axes - 1)
    return mask
