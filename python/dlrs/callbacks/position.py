"""Where a training goes on."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Position(NamedTuple):
    """A place in a training that `fit` goes on from.

    Attributes:
        epoch: number of the epoch.
        batch: number of the batch in that epoch; 0 is the beginning of the epoch, before any of it was done.
        logs: results of the batch before.
        restore_metrics: gives the metrics what they had counted in the epoch.

    >>> Position(2).batch
    0
    """

    epoch: int
    batch: int = 0
    logs: dict[str, Any] | None = None
    restore_metrics: Callable[[], None] = lambda: None
