"""Utilities: gradient checks, seeds, one-hot labels, averages, images in files, progress bars, model summaries."""

from dlrs.data import PyDataset
from dlrs.utils.averages import ewma
from dlrs.utils.gradient_check import GradientCheck, gradient_check
from dlrs.utils.image_dataset_utils import image_dataset_from_directory
from dlrs.utils.image_utils import array_to_img, img_to_array, load_img, save_img
from dlrs.utils.numerical_utils import normalize, to_categorical
from dlrs.utils.progbar import Progbar
from dlrs.utils.rng_utils import set_random_seed
from dlrs.utils.sequence_utils import pad_sequences
from dlrs.utils.summary_utils import print_summary
from dlrs.utils.torch_weights import recurrent_weights_from_torch

__all__ = [
    "GradientCheck",
    "Progbar",
    "PyDataset",
    "array_to_img",
    "ewma",
    "gradient_check",
    "image_dataset_from_directory",
    "img_to_array",
    "load_img",
    "normalize",
    "pad_sequences",
    "print_summary",
    "recurrent_weights_from_torch",
    "save_img",
    "set_random_seed",
    "to_categorical",
]
