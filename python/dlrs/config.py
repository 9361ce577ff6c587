"""Settings of the whole process: float type, fuzz factor, image layout, algorithm of convolutions."""

import importlib
import os
import warnings
from typing import TYPE_CHECKING, Any, Literal

from dlrs.errors import unknown_name

if TYPE_CHECKING:
    from dlrs.backend.dtype_policy import dtype_policy, set_dtype_policy

__all__ = [
    "backend",
    "conv_algo",
    "disable_flash_attention",
    "disable_interactive_logging",
    "disable_traceback_filtering",
    "dtype_policy",
    "enable_flash_attention",
    "enable_interactive_logging",
    "enable_traceback_filtering",
    "enable_unsafe_deserialization",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_flash_attention_enabled",
    "is_interactive_logging_enabled",
    "is_nnx_enabled",
    "is_traceback_filtering_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "set_backend",
    "set_conv_algo",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_max_epochs",
    "set_max_steps_per_epoch",
    "standardize_conv_algo",
    "standardize_data_format",
]

_FLOAT_TYPES = ("float16", "bfloat16", "float32", "float64")
_CONV_ALGOS = ("auto", "direct")

_max_epochs: int | None = None
_max_steps_per_epoch: int | None = None
_floatx = "float32"
_epsilon = 1e-7
_flash_attention = False
_interactive_logging = True
_image_data_format: Literal["channels_last", "channels_first"] = "channels_last"
_conv_algo = os.environ.get("DLRS_CONV_ALGO", "auto")  # checked when the extension module is loaded


def backend() -> str:
    """Name of the compute engine, always `"dlrs"`.

    >>> backend()
    'dlrs'
    """
    return "dlrs"


def set_backend(backend: str) -> None:
    """Taken for compatibility: there is one compute engine, `"dlrs"`.

    Raises:
        ValueError: another name.

    >>> set_backend("dlrs")
    """
    if backend != "dlrs":
        raise ValueError(f"set_backend: dlrs runs on no other library: `backend` must be 'dlrs', got {backend!r}.")


def max_epochs() -> int | None:
    """The number of epochs that `fit` stops at whatever it is told; None for no such limit.

    >>> max_epochs() is None
    True
    """
    return _max_epochs


def set_max_epochs(max_epochs: int | None) -> None:
    """Set the value that `max_epochs()` returns, for trial runs.

    >>> set_max_epochs(2)
    >>> max_epochs()
    2
    >>> set_max_epochs(None)
    """
    global _max_epochs
    if max_epochs is not None and (type(max_epochs) is not int or max_epochs < 1):
        raise ValueError(f"set_max_epochs: `max_epochs` must be None or an integer of at least 1, got {max_epochs!r}.")
    _max_epochs = max_epochs


def max_steps_per_epoch() -> int | None:
    """The number of steps that `fit`, `evaluate` and `predict` stop at in an epoch; None for no such limit.

    >>> max_steps_per_epoch() is None
    True
    """
    return _max_steps_per_epoch


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Set the value that `max_steps_per_epoch()` returns, for trial runs.

    >>> set_max_steps_per_epoch(10)
    >>> max_steps_per_epoch()
    10
    >>> set_max_steps_per_epoch(None)
    """
    global _max_steps_per_epoch
    if max_steps_per_epoch is not None and (type(max_steps_per_epoch) is not int or max_steps_per_epoch < 1):
        raise ValueError(
            "set_max_steps_per_epoch: `max_steps_per_epoch` must be None or an integer of at least 1, got "
            f"{max_steps_per_epoch!r}."
        )
    _max_steps_per_epoch = max_steps_per_epoch


def floatx() -> str:
    """The float type of layers and of values without a type of their own.

    >>> floatx()
    'float32'
    """
    return _floatx


def set_floatx(value: str) -> None:
    """Set the default float type: `"float16"`, `"bfloat16"`, `"float32"` or `"float64"`.

    >>> set_floatx("float64")
    >>> floatx()
    'float64'
    >>> set_floatx("float32")
    """
    global _floatx
    if value not in _FLOAT_TYPES:
        raise ValueError(unknown_name("float type", value, _FLOAT_TYPES))
    _floatx = value


def epsilon() -> float:
    """The small constant that keeps logarithms and quotients finite.

    >>> epsilon()
    1e-07
    """
    return _epsilon


def set_epsilon(value: float) -> None:
    """Set the value that `epsilon()` returns.

    >>> set_epsilon(1e-6)
    >>> epsilon()
    1e-06
    >>> set_epsilon(1e-7)
    """
    global _epsilon
    if not value > 0:
        raise ValueError(f"set_epsilon: `value` must be positive, got {value!r}.")
    _epsilon = float(value)


def image_data_format() -> Literal["channels_last", "channels_first"]:
    """The default order of an image batch's axes.

    >>> image_data_format()
    'channels_last'
    """
    return _image_data_format


def set_image_data_format(data_format: Literal["channels_last", "channels_first"]) -> None:
    """Set the value that `image_data_format()` returns.

    >>> set_image_data_format("channels_first")
    >>> image_data_format()
    'channels_first'
    >>> set_image_data_format("channels_last")
    """
    global _image_data_format
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(unknown_name("data_format", data_format, ("channels_last", "channels_first")))
    _image_data_format = data_format


def standardize_data_format(data_format: str | None) -> Literal["channels_last", "channels_first"]:
    """`data_format`, or the default for None; anything else is a ValueError.

    >>> standardize_data_format(None)
    'channels_last'
    """
    if data_format is None:
        return _image_data_format
    if data_format == "channels_last":
        return "channels_last"
    if data_format == "channels_first":
        return "channels_first"
    raise ValueError(unknown_name("data_format", data_format, ("channels_last", "channels_first")))


def standardize_conv_algo(value: str | None) -> str:
    """`value`, or the default for None; anything else than the two algorithms is a ValueError.

    >>> standardize_conv_algo("direct")
    'direct'
    """
    if value is None:
        return _conv_algo
    if not isinstance(value, str) or value not in _CONV_ALGOS:
        raise ValueError(unknown_name("conv_algo", value, _CONV_ALGOS))
    return value


def conv_algo() -> str:
    """Which algorithms may compute convolutions in float32: `"auto"`, unless `DLRS_CONV_ALGO` says otherwise.

    With `"auto"`, 3x3 kernels at stride 1 with enough channels go through minimal filtering (Winograd; Lavin and Gray
    2016, arXiv 1509.09308), which takes 2.25 times (F(2,3)) to 4 times (F(4,3)) fewer multiplications; which, is a
    fixed table over shapes and instruction sets, so results do not depend on the machine's load or threads. Sums are
    reassociated: with random data the error is, in units of 2^-24 times the sum of the terms' sizes, 1.0 in the mean
    square and 13 at most, where that of `"direct"` is 0.5 and 4; outputs beside much larger values lose more digits.
    An infinity or NaN makes every output NaN of the squares of 4 x 4 (2 x 2) that see it, also those whose own 3 x 3
    window does not hold it. `"direct"` sums every output's own terms, and so does float64 always.

    >>> conv_algo()
    'auto'
    """
    return _conv_algo


def set_conv_algo(value: Literal["auto", "direct"]) -> None:
    """Set the value that `conv_algo()` returns, for convolutions that are called or traced from then on.

    >>> set_conv_algo("direct")
    >>> conv_algo()
    'direct'
    >>> set_conv_algo("auto")
    """
    global _conv_algo
    if value is None:
        raise ValueError(unknown_name("conv_algo", value, _CONV_ALGOS))
    _conv_algo = standardize_conv_algo(value)


def enable_flash_attention() -> None:
    """Let attention layers made from now on refuse what needs the matrix of scores: dropout, and returning it.

    Without this, a layer computes attention block by block wherever neither is asked for.

    >>> enable_flash_attention()
    >>> is_flash_attention_enabled()
    True
    >>> disable_flash_attention()
    """
    global _flash_attention
    _flash_attention = True


def disable_flash_attention() -> None:
    """Undo `enable_flash_attention`.

    >>> disable_flash_attention()
    >>> is_flash_attention_enabled()
    False
    """
    global _flash_attention
    _flash_attention = False


def is_flash_attention_enabled() -> bool:
    """Whether `enable_flash_attention` was called.

    >>> is_flash_attention_enabled()
    False
    """
    return _flash_attention


def enable_interactive_logging() -> None:
    """Print messages to standard output, as is the default.

    >>> enable_interactive_logging()
    """
    global _interactive_logging
    _interactive_logging = True


def disable_interactive_logging() -> None:
    """Send messages to Python's `logging`, to the logger `"dlrs"` at level INFO.

    >>> disable_interactive_logging()
    >>> is_interactive_logging_enabled()
    False
    >>> enable_interactive_logging()
    """
    global _interactive_logging
    _interactive_logging = False


def is_interactive_logging_enabled() -> bool:
    """Whether messages are printed.

    >>> is_interactive_logging_enabled()
    True
    """
    return _interactive_logging


def is_traceback_filtering_enabled() -> bool:
    """Whether frames of the library are removed from tracebacks: never, there are few of them.

    >>> is_traceback_filtering_enabled()
    False
    """
    return False


def disable_traceback_filtering() -> None:
    """Keep whole tracebacks, which is how it always is.

    >>> disable_traceback_filtering()
    """


def enable_traceback_filtering() -> None:
    """Warn that tracebacks stay whole.

    >>> with warnings.catch_warnings(record=True) as caught:
    ...     enable_traceback_filtering()
    >>> len(caught)
    1
    """
    warnings.warn("dlrs shows whole tracebacks: enable_traceback_filtering() changes nothing.", stacklevel=2)


def enable_unsafe_deserialization() -> None:
    """Warn that no code out of a file is ever run, whatever is called (docs/files.md).

    What a file names is handed in: `load_model(path, custom_objects={"name": function})`.

    >>> with warnings.catch_warnings(record=True) as caught:
    ...     enable_unsafe_deserialization()
    >>> len(caught)
    1
    """
    warnings.warn(
        "dlrs never runs code out of a file: enable_unsafe_deserialization() changes nothing. Hand the functions of "
        "Lambda layers in as `custom_objects`.",
        stacklevel=2,
    )


def is_nnx_enabled() -> bool:
    """Whether Flax's NNX holds the variables: never.

    >>> is_nnx_enabled()
    False
    """
    return False


def __getattr__(name: str) -> Any:
    # Policies of types import this module.
    if name in ("dtype_policy", "set_dtype_policy"):
        return getattr(importlib.import_module("dlrs.backend.dtype_policy"), name)
    raise AttributeError(f"module 'dlrs.config' has no attribute {name!r}")
