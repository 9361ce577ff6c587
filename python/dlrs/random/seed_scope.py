"""Draws that are functions of a key given from outside: of an epoch and a sample's number, say."""

import threading
from types import TracebackType
from typing import Any

import numpy as np

_MASK = 2**64 - 1


class _Local(threading.local):
    scope: "seed_scope | None" = None


_LOCAL = _Local()


class seed_scope:  # noqa: N801 - in the manner of name_scope
    """Within this context, draws on this thread are functions of `seed` and `counter`, not of what was drawn before.

    Args:
        seed: integer, such as a data set's.
        *counter: integers that tell one use from the next, such as an epoch and a sample's number.

    A `SeedGenerator` within the scope hands out keys made of the scope's integers, of its own seed and of how often it
    was asked within the scope; its state stays as it is. So layers that draw may be called by several threads at once,
    in any order, and sample 17 of epoch 3 is disturbed the same way by any of them. `seed=None` means the scope's
    draws too. Integer seeds mean what they mean everywhere: the same draw each time. Scopes may be nested: the inner
    one counts. A trace does not see them, as a program must draw anew each time it runs. An instance may be entered
    again, and then starts from its first draw.

    Errors: ValueError for what is not an integer, or does not fit in 64 bits.

    >>> from dlrs import random
    >>> generator = random.SeedGenerator(1)
    >>> def draw(*counter):
    ...     with random.seed_scope(7, *counter):
    ...         return random.uniform((2,), seed=generator).tolist()
    >>> draw(0, 5) == draw(0, 5), draw(0, 5) == draw(0, 6)
    (True, False)
    """

    def __init__(self, seed: int, *counter: int) -> None:
        for number in (seed, *counter):
            if isinstance(number, bool) or not isinstance(number, int | np.integer):
                raise ValueError(f"seed_scope: expected integers, got {number!r}.")
            if not -(2**63) <= number < 2**63:
                raise ValueError(f"seed_scope: {number} does not fit in 64 bits.")
        *self._numbers, self._last = (int(seed), *map(int, counter))
        self._key: int | None = None
        self._draws: dict[int | None, int] = {}
        self._outer: seed_scope | None = None

    def move(self, number: int) -> "seed_scope":
        """This scope with another last integer, an int of 64 bits; cheaper than a new one for each of many samples.

        A scope that is entered may be moved, too, and then starts from its first draw.
        """
        self._last = number
        self._key = None
        if self._draws:
            self._draws.clear()
        return self

    def __enter__(self) -> "seed_scope":
        self._outer, _LOCAL.scope = _LOCAL.scope, self
        if self._draws:
            self._draws.clear()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _LOCAL.scope, self._outer = self._outer, None

    def next_key(self, generator: Any, seed: int) -> "np.ndarray[Any, Any]":
        """`[seed, counter]` of the next draw by `generator`, an object with this seed or None."""
        owner = None if generator is None else id(generator)
        count = self._draws.get(owner, 0)
        self._draws[owner] = count + 1
        if self._key is None:  # most uses of a scope draw nothing
            self._key = _mix(*self._numbers, self._last)
        return np.array([_mix(self._key, seed), count], dtype=np.uint64).view(np.int64)


def current_seed_scope() -> seed_scope | None:
    """The innermost scope that this thread is in.

    >>> current_seed_scope() is None
    True
    >>> with seed_scope(1, 2) as scope:
    ...     current_seed_scope() is scope
    True
    """
    return _LOCAL.scope


def _mix(*numbers: int) -> int:
    """64 bits that differ wherever the numbers do: the finalizer of SplitMix64 (Steele, Lea, Flood 2014) in a chain."""
    z = len(numbers)
    for number in numbers:
        z = (z ^ number) + 0x9E3779B97F4A7C15 & _MASK
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & _MASK
        z ^= z >> 31
    return z
