"""Utilities: gradient checks, seeds, one-hot labels, averages, progress bars, model summaries."""

from dlrs.utils.averages import ewma
from dlrs.utils.gradient_check import GradientCheck, gradient_check
from dlrs.utils.numerical_utils import normalize, to_categorical
from dlrs.utils.progbar import Progbar
from dlrs.utils.rng_utils import set_random_seed
from dlrs.utils.summary_utils import print_summary

__all__ = [
    "GradientCheck",
    "Progbar",
    "ewma",
    "gradient_check",
    "normalize",
    "print_summary",
    "set_random_seed",
    "to_categorical",
]
