"""Pictures to the numbers that networks trained on ImageNet expect, and their answers to names."""

import json
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlrs import ops
from dlrs.backend import is_float_dtype
from dlrs.config import floatx, image_data_format, standardize_data_format
from dlrs.ops import convert_to_numpy

# Means (blue, green, red) of the networks of Simonyan and Zisserman 2015, as Caffe's users subtracted them.
CAFFE_MEAN = (103.939, 116.779, 123.68)
# Means and standard deviations (red, green, blue) of ImageNet's pixels, scaled to [0, 1].
TORCH_MEAN, TORCH_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Shape = tuple[int | None, ...]


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe") -> Any:
    """Pixels of 0 to 255 as a network expects them, in one of three usages.

    Args:
        x: array or tensor of one picture or a batch, red, green, blue. A floating NumPy array is changed in place, as
            in Keras.
        data_format: `"channels_last"` or `"channels_first"`; `dlrs.config.image_data_format()` by default.
        mode: `"caffe"`: blue, green, red, ImageNet's means subtracted; `"tf"`: scaled to -1…1; `"torch"`: scaled to
            0…1, then ImageNet's means subtracted and divided by its standard deviations.

    Raises:
        ValueError: another `mode`, `data_format` or rank.

    >>> import numpy as np
    >>> preprocess_input(np.array([[[0.0, 127.5, 255.0]]], "float32"), mode="tf").tolist()
    [[[-1.0, 0.0, 1.0]]]
    """
    if mode not in ("caffe", "tf", "torch"):
        raise ValueError(f"Expected mode to be one of `caffe`, `tf` or `torch`. Received: mode={mode!r}")
    first = standardize_data_format(data_format) == "channels_first"
    rank = len(getattr(x, "shape", ()))
    if rank not in (3, 4):
        raise ValueError(
            "preprocess_input: `x` must be an array or tensor of rank 3 (one picture) or 4 (a batch). Received: "
            f"{f'rank {rank}' if hasattr(x, 'shape') else type(x).__name__}"
        )
    axis = rank - 3 if first else rank - 1
    return _of_array(x, axis, mode) if isinstance(x, np.ndarray) else _of_tensor(x, axis, mode)


def _of_array(x: np.ndarray[Any, Any], axis: int, mode: str) -> np.ndarray[Any, Any]:
    if not np.issubdtype(x.dtype, np.floating):
        x = x.astype(floatx())
    if mode == "tf":
        x /= 127.5
        x -= 1.0
        return x
    mean: tuple[float, ...] = TORCH_MEAN
    if mode == "torch":
        x /= 255.0
    else:
        mean, x = CAFFE_MEAN, np.flip(x, axis)
    channels = (3, *[1] * (x.ndim - axis - 1))
    x -= np.reshape(mean, channels).astype(x.dtype)
    if mode == "torch":
        x /= np.reshape(TORCH_STD, channels).astype(x.dtype)
    return x


def _of_tensor(x: Any, axis: int, mode: str) -> Any:
    x = x if is_float_dtype(x.dtype) else ops.cast(x, floatx())
    if mode == "tf":
        return x / 127.5 - 1.0
    shape = [1] * len(x.shape)
    shape[axis] = 3

    def along_channels(values: tuple[float, ...]) -> Any:
        return ops.cast(np.reshape(np.asarray(values), shape), x.dtype)

    if mode == "caffe":
        return ops.flip(x, axis=axis) - along_channels(CAFFE_MEAN)
    return (x / 255.0 - along_channels(TORCH_MEAN)) / along_channels(TORCH_STD)


def decode_predictions(preds: Any, top: int = 5, class_names: Any = None) -> list[list[tuple[str, str, float]]]:
    """The `top` likeliest classes of each row, by name.

    Args:
        preds: (samples, classes) probabilities or scores.
        top: how many classes of a row.
        class_names: the names, one for each class; a list of pairs (identifier, name); a mapping from `"0"`, `"1"`, …
            to such pairs; or the path of a JSON file that holds one of these, such as Keras's
            `imagenet_class_index.json`. ImageNet's list does not come with dlrs.

    Returns:
        For each row a list of (identifier, name, score), the highest score first; where there are names alone, they
        are also the identifiers.

    Raises:
        ValueError: `preds` is not two-dimensional, there are no `class_names`, or not as many as classes.

    >>> import numpy as np
    >>> decode_predictions(np.array([[0.25, 0.75]]), top=1, class_names=["cat", "dog"])
    [[('dog', 'dog', 0.75)]]
    """
    values = np.asarray(convert_to_numpy(preds))
    if values.ndim != 2:
        raise ValueError(
            "`decode_predictions` expects a batch of predictions (i.e. a 2D array of shape (samples, classes)). "
            f"Received array with shape: {values.shape}"
        )
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        raise ValueError(f"decode_predictions: `top` must be a positive integer. Received: top={top!r}")
    names = _class_names(class_names)
    if len(names) != values.shape[1]:
        raise ValueError(
            f"decode_predictions: there are {len(names)} `class_names` and {values.shape[1]} classes in `preds`."
        )
    best = np.argsort(-values, axis=1, kind="stable")[:, :top]
    return [[(*names[i], row[i].item()) for i in order] for row, order in zip(values, best, strict=True)]


def _class_names(given: Any) -> list[tuple[str, str]]:
    if given is None:
        raise ValueError(
            "decode_predictions: give `class_names`: a list with the name of each class, or the path of a JSON file "
            "such as Keras's imagenet_class_index.json. The list of ImageNet's classes does not come with dlrs."
        )
    if isinstance(given, str | os.PathLike):
        given = json.loads(Path(given).read_text(encoding="utf-8"))
    if isinstance(given, Mapping):
        try:
            given = [given[str(i)] for i in range(len(given))]
        except KeyError as error:
            raise ValueError(f"decode_predictions: `class_names` has no entry {error}.") from None
    if not isinstance(given, Sequence):
        raise ValueError(
            f"decode_predictions: `class_names` must be a list, a mapping or a path. Received: {type(given).__name__}"
        )
    pairs = [(entry, entry) if isinstance(entry, str) else tuple(entry) for entry in given]
    if any(len(pair) != 2 or not all(isinstance(part, str) for part in pair) for pair in pairs):
        raise ValueError("decode_predictions: `class_names` must hold strings, or pairs (identifier, name) of strings.")
    return pairs


def obtain_input_shape(
    input_shape: Any,
    default_size: int | None,
    min_size: int,
    data_format: str,
    require_flatten: bool,
    weights: Any = None,
) -> Shape:
    """The shape of a picture that a network is made for, without the batch: given, or the network's own.

    Args:
        input_shape: what the user asked for, or None.
        default_size: height and width by default.
        min_size: least height and width.
        data_format: `"channels_last"` or `"channels_first"`.
        require_flatten: whether the network has a top, so that height and width must be known.
        weights: `"imagenet"` asks for 3 channels and, with a top, for the default size.

    Raises:
        ValueError: the shape is no triple of integers, too small, or open where it must be known.

    >>> obtain_input_shape(None, 224, 32, "channels_last", False)
    (None, None, 3)
    """
    first = data_format == "channels_first"
    if input_shape is not None and (not isinstance(input_shape, tuple | list) or len(input_shape) != 3):
        raise ValueError(f"`input_shape` must be a tuple of three integers. Received: input_shape={input_shape!r}")

    def placed(size: int | None, channels: int) -> Shape:
        return (channels, size, size) if first else (size, size, channels)

    if not input_shape:
        return placed(default_size, 3) if require_flatten and default_size else _open(placed(None, 3), require_flatten)
    shape = tuple(input_shape)
    channels, sizes = (shape[0], shape[1:]) if first else (shape[-1], shape[:2])
    if any(s is not None and (isinstance(s, bool) or not isinstance(s, int)) for s in shape) or channels is None:
        raise ValueError(f"`input_shape` must be a tuple of three integers. Received: input_shape={input_shape!r}")
    if weights == "imagenet":
        if channels != 3:
            raise ValueError(f"The input must have 3 channels; Received `input_shape={input_shape}`")
        if require_flatten and shape != placed(default_size, 3):
            raise ValueError(
                "When setting `include_top=True` and loading `imagenet` weights, `input_shape` should be "
                f"{placed(default_size, 3)}.  Received: input_shape={input_shape}"
            )
    elif channels not in (1, 3):
        warnings.warn(
            "This model usually expects 1 or 3 input channels. However, it was passed an input_shape with "
            f"{channels} input channels.",
            stacklevel=4,
        )
    if channels < 1 or any(size is not None and size < min_size for size in sizes):
        raise ValueError(f"Input size must be at least {min_size}x{min_size}; Received: input_shape={input_shape}")
    return _open(shape, require_flatten)


def _open(shape: Shape, require_flatten: bool) -> Shape:
    if require_flatten and None in shape:
        raise ValueError(
            f"If `include_top` is True, you should specify a static `input_shape`. Received: input_shape={shape}"
        )
    return shape


def correct_pad(inputs: Any, kernel_size: int | tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Zeros (before, after) each spatial axis of `inputs` for a `"valid"` convolution with stride 2.

    An even size gets one zero less before, so that pictures are halved as TensorFlow's `"same"` does it.

    >>> from dlrs import KerasTensor
    >>> correct_pad(KerasTensor((None, 32, 33, 3)), 3)
    ((0, 1), (1, 1))
    """
    start = 2 if image_data_format() == "channels_first" else 1
    kernel = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    sizes = inputs.shape[start : start + 2]
    less = (1, 1) if sizes[0] is None else tuple(1 - size % 2 for size in sizes)
    rows, columns = ((k // 2 - minus, k // 2) for k, minus in zip(kernel, less, strict=True))
    return rows, columns
