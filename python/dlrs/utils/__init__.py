"""Utilities: gradient checks, seeds, labels, averages, files, configurations, progress bars, pictures of models."""

import importlib
from typing import TYPE_CHECKING, Any

from dlrs.backend import clear_session, is_keras_tensor, standardize_dtype
from dlrs.backend.registration import (
    CustomObjectScope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from dlrs.data import PyDataset, pack_x_y_sample_weight, unpack_x_y_sample_weight
from dlrs.ops.operation_utils import get_source_inputs
from dlrs.utils.audio_dataset_utils import audio_dataset_from_directory
from dlrs.utils.averages import ewma
from dlrs.utils.config import Config
from dlrs.utils.dataset_utils import split_dataset
from dlrs.utils.gradient_check import GradientCheck, gradient_check
from dlrs.utils.image_dataset_utils import image_dataset_from_directory
from dlrs.utils.image_utils import array_to_img, img_to_array, load_img, save_img
from dlrs.utils.io_utils import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from dlrs.utils.numerical_utils import normalize, to_categorical
from dlrs.utils.progbar import Progbar
from dlrs.utils.rng_utils import set_random_seed
from dlrs.utils.sequence_utils import pad_sequences
from dlrs.utils.summary_utils import print_summary
from dlrs.utils.text_dataset_utils import text_dataset_from_directory
from dlrs.utils.timeseries_dataset_utils import timeseries_dataset_from_array
from dlrs.utils.torch_weights import recurrent_weights_from_torch

if TYPE_CHECKING:
    from dlrs.saving import deserialize_keras_object, serialize_keras_object
    from dlrs.utils import bounding_boxes
    from dlrs.utils.feature_space import FeatureSpace
    from dlrs.utils.file_utils import get_file
    from dlrs.utils.history_plot import plot_history
    from dlrs.utils.model_visualization import model_to_dot, plot_model

Sequence = PyDataset
custom_object_scope = CustomObjectScope

# These need what is slow to import, or what itself needs this module.
_HOMES = {
    "FeatureSpace": "dlrs.utils.feature_space",
    "deserialize_keras_object": "dlrs.saving",
    "get_file": "dlrs.utils.file_utils",
    "model_to_dot": "dlrs.utils.model_visualization",
    "plot_history": "dlrs.utils.history_plot",
    "plot_model": "dlrs.utils.model_visualization",
    "serialize_keras_object": "dlrs.saving",
}

__all__ = [
    "Config",
    "CustomObjectScope",
    "FeatureSpace",
    "GradientCheck",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "audio_dataset_from_directory",
    "bounding_boxes",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "ewma",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "gradient_check",
    "image_dataset_from_directory",
    "img_to_array",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_history",
    "plot_model",
    "print_summary",
    "recurrent_weights_from_torch",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]


def __getattr__(name: str) -> Any:
    if name in ("bounding_boxes", "np_utils", "vis_utils"):
        return importlib.import_module(f"dlrs.utils.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'dlrs.utils' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
