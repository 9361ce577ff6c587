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

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "draw_seed",
    "dropout",
    "gamma",
    "global_seed_generator",
    "make_default_seed",
    "normal",
    "permutation",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]
