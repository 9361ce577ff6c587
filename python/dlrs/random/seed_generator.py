"""Seeds of random draws, as state that programs read and advance."""

import random as python_random
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import Variable, auto_name, get_global_attribute, set_global_attribute
from dlrs.random.seed_scope import current_seed_scope

_STEP = np.array([0, 1], dtype=np.int64)


def make_default_seed() -> int:
    """A seed from Python's own generator, so that `utils.set_random_seed` decides it.

    >>> 0 <= make_default_seed()
    True
    """
    return python_random.randint(1, int(1e9))


class SeedGenerator:
    """A sequence of seeds.

    Args:
        seed: Integer; one from Python's generator if None.
        name: Name.

    Its state is an int64 variable `[seed, counter]`. A draw is a Philox stream keyed by both (Salmon et al. 2011,
    "Parallel random numbers: as easy as 1, 2, 3") and by the element's index: the same whether it is computed eagerly
    or in a program, on however many threads.

    >>> generator = SeedGenerator(seed=7)
    >>> generator.next().tolist(), generator.next().tolist()
    ([7, 0], [7, 1])
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        if kwargs:
            raise ValueError(f"SeedGenerator: Unrecognized keyword arguments: {sorted(kwargs)}.")
        if seed is None:
            seed = make_default_seed()
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
            raise ValueError(f"SeedGenerator: Argument `seed` must be an integer, got {seed!r}.")
        if not -(2**63) <= seed < 2**63:
            raise ValueError(f"SeedGenerator: `seed` must fit in 64 bits, got {seed}.")
        self.name = name or auto_name("seed_generator")
        self.seed = int(seed)
        self.state = Variable(
            np.array([self.seed, 0], dtype=np.int64), trainable=False, name="seed_generator_state", aggregation="none"
        )

    def next(self, ordered: bool = True) -> Tensor:
        """The current `[seed, counter]`; the counter then goes up by one."""
        scope = current_seed_scope()
        if scope is not None and not _dlrs.is_tracing():
            return _dlrs.tensor(scope.next_key(self, self.seed))
        value = self.state.value
        self.state.assign(_dlrs.add(value, _STEP))
        return value

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal generator."""
        return {"seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SeedGenerator":
        """The generator that `get_config` described."""
        return cls(**config)


def global_seed_generator() -> SeedGenerator:
    """The generator of draws that are given no seed; made anew after `clear_session` and `set_random_seed`.

    >>> global_seed_generator() is global_seed_generator()
    True
    """
    generator: SeedGenerator | None = get_global_attribute("global_seed_generator")
    if generator is None:
        seed = get_global_attribute("global_random_seed")
        generator = SeedGenerator(seed=seed, name="global_seed_generator")
        set_global_attribute("global_seed_generator", generator)
    return generator


def draw_seed(seed: Any) -> Tensor:
    """The `[seed, counter]` of one draw: of a generator, of an integer (always the same), or of the global generator.

    >>> draw_seed(5).tolist()
    [5, 0]
    """
    if isinstance(seed, Tensor):
        return seed
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if seed is None:
        scope = current_seed_scope()
        if scope is not None and not _dlrs.is_tracing():
            return _dlrs.tensor(scope.next_key(None, 0))
        return global_seed_generator().next()
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool):
        if not -(2**63) <= seed < 2**63:
            raise ValueError(f"Argument `seed` must fit in 64 bits, got {seed}.")
        return _dlrs.tensor(np.array([int(seed), 0], dtype=np.int64))
    raise ValueError(f"Argument `seed` must be either an integer, a SeedGenerator or None, got {seed!r}.")
