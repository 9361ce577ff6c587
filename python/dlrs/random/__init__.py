"""Random tensors, with the names, arguments and defaults of `keras.random`."""

from dlrs.random.draws import (
    beta,
    binomial,
    categorical,
    dropout,
    gamma,
    normal,
    permutation,
    randint,
    shuffle,
    truncated_normal,
    uniform,
)
from dlrs.random.seed_generator import SeedGenerator, draw_seed, global_seed_generator, make_default_seed
from dlrs.random.seed_scope import current_seed_scope, seed_scope

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "current_seed_scope",
    "draw_seed",
    "dropout",
    "gamma",
    "global_seed_generator",
    "make_default_seed",
    "normal",
    "permutation",
    "randint",
    "seed_scope",
    "shuffle",
    "truncated_normal",
    "uniform",
]
