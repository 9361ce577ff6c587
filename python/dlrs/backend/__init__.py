"""Tensors, variables, tracing and gradients: what everything above the compiled core shares."""

import importlib
from typing import Any

from dlrs._dlrs import Tensor
from dlrs.backend import tree
from dlrs.backend.compiled_function import CompiledFunction, function
from dlrs.backend.device_scope import device
from dlrs.backend.dtype_policy import DTypePolicy, dtype_policy, get_policy, set_dtype_policy
from dlrs.backend.dtypes import (
    ALLOWED_DTYPES,
    is_float_dtype,
    is_int_dtype,
    random_seed_dtype,
    result_type,
    standardize_dtype,
)
from dlrs.backend.global_state import (
    auto_name,
    clear_session,
    current_path,
    get_global_attribute,
    get_uid,
    name_scope,
    set_global_attribute,
    to_snake_case,
)
from dlrs.backend.gradient import GradientTape, grad, is_recording, value_and_grad
from dlrs.backend.keras_tensor import KerasTensor, any_symbolic_tensors, is_keras_tensor, standardize_shape
from dlrs.backend.masks import get_keras_mask, set_keras_mask
from dlrs.backend.output_spec import SymbolicScope, compute_output_spec, in_symbolic_scope, without_stand_ins
from dlrs.backend.registration import CUSTOM_OBJECTS
from dlrs.backend.registry import Registry
from dlrs.backend.rematerialization import RematScope, remat
from dlrs.backend.stateless_scope import StatelessScope, get_stateless_scope, in_stateless_scope
from dlrs.backend.tensors import TensorLike, as_tensor, cast, convert_to_numpy, convert_to_tensor, is_tensor, shape
from dlrs.backend.variables import AutocastScope, Variable
from dlrs.config import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
    standardize_data_format,
)

# What Keras asks its back ends; the answers here.
SUPPORTS_SPARSE_TENSORS = False
SUPPORTS_RAGGED_TENSORS = False

__all__ = [
    "ALLOWED_DTYPES",
    "CUSTOM_OBJECTS",
    "SUPPORTS_RAGGED_TENSORS",
    "SUPPORTS_SPARSE_TENSORS",
    "AutocastScope",
    "CompiledFunction",
    "DTypePolicy",
    "GradientTape",
    "KerasTensor",
    "Registry",
    "RematScope",
    "StatelessScope",
    "SymbolicScope",
    "Tensor",
    "TensorLike",
    "Variable",
    "any_symbolic_tensors",
    "as_tensor",
    "auto_name",
    "backend",
    "cast",
    "clear_session",
    "compute_output_spec",
    "convert_to_numpy",
    "convert_to_tensor",
    "current_path",
    "device",
    "dtype_policy",
    "epsilon",
    "floatx",
    "function",
    "get_global_attribute",
    "get_keras_mask",
    "get_policy",
    "get_stateless_scope",
    "get_uid",
    "grad",
    "image_data_format",
    "in_stateless_scope",
    "in_symbolic_scope",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "is_recording",
    "is_tensor",
    "name_scope",
    "random_seed_dtype",
    "remat",
    "result_type",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_global_attribute",
    "set_image_data_format",
    "set_keras_mask",
    "shape",
    "standardize_data_format",
    "standardize_dtype",
    "standardize_shape",
    "to_snake_case",
    "tree",
    "value_and_grad",
    "without_stand_ins",
]


def __getattr__(name: str) -> Any:
    """Functions of Keras's older back end: `K.sum` and the like."""
    if name.startswith("_"):
        raise AttributeError(f"module 'dlrs.backend' has no attribute {name!r}")
    return importlib.import_module("dlrs.backend.legacy").find(name)
