"""Settings of the whole process: float type, fuzz factor, image layout."""

from typing import Literal

from dlrs.errors import unknown_name

_FLOAT_TYPES = ("float16", "bfloat16", "float32", "float64")

_floatx = "float32"
_epsilon = 1e-7
_image_data_format: Literal["channels_last", "channels_first"] = "channels_last"


def backend() -> str:
    """Name of the compute engine, always `"dlrs"`."""
    return "dlrs"


def floatx() -> str:
    """The float type of layers and of values without a type of their own.

    >>> floatx()
    'float32'
    """
    return _floatx


def set_floatx(value: str) -> None:
    """Set the default float type: `"float16"`, `"bfloat16"`, `"float32"` or `"float64"`."""
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
    """Set the value that `epsilon()` returns."""
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
    """Set the value that `image_data_format()` returns."""
    global _image_data_format
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(unknown_name("data format", data_format, ("channels_last", "channels_first")))
    _image_data_format = data_format


def standardize_data_format(data_format: str | None) -> Literal["channels_last", "channels_first"]:
    """`data_format`, or the default for None; anything else is a ValueError."""
    if data_format is None:
        return _image_data_format
    if data_format == "channels_last":
        return "channels_last"
    if data_format == "channels_first":
        return "channels_first"
    raise ValueError(unknown_name("data format", data_format, ("channels_last", "channels_first")))
