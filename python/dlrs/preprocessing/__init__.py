"""Keras's older names of what prepares data."""

from dlrs.preprocessing import image, sequence, text
from dlrs.utils.image_dataset_utils import image_dataset_from_directory
from dlrs.utils.text_dataset_utils import text_dataset_from_directory
from dlrs.utils.timeseries_dataset_utils import timeseries_dataset_from_array

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]
