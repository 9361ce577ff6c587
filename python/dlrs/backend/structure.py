"""A counter that programs are keyed by: it moves whenever something they hold as a constant may have changed.

Values live in Variables and need no retracing. What a trace bakes in instead (which variables are trainable, the
layers of a model, hyperparameters of an optimizer that are plain numbers) calls `bump_structure` when it is set.
"""

_version = 0


def structure_version() -> int:
    """The number of structural changes so far in this process."""
    return _version


def bump_structure() -> None:
    """Note that programs traced until now may be stale."""
    global _version
    _version += 1
