"""Images in directories, one for each class."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import ops
from dlrs.config import standardize_data_format
from dlrs.utils.directory_dataset import Directory, Files
from dlrs.utils.image_utils import decode

ALLOWLIST_FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_CHANNELS = {"rgb": 3, "rgba": 4, "grayscale": 1}
_INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: Any = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
    *,
    on_error: str = "raise",
    num_parallel_calls: int = 1,
) -> Any:
    """A dataset of the images in a directory, resized to one size.

    Args:
        directory: path; with `labels="inferred"` it has a subdirectory for each class.
        labels: `"inferred"`, None, or an integer for each file in the order of sorted paths.
        label_mode: `"int"` (int32), `"categorical"` (one-hot float32), `"binary"` (float32, shape (batch, 1)) or None.
        class_names: the subdirectories to take, in this order; sorted if None.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
        batch_size: images in a batch; single images if None.
        image_size: (height, width).
        shuffle: whether each epoch has a random order; else files come sorted by path.
        seed: integer for shuffling and splitting.
        validation_split: share of the files, taken from the end of the (shuffled) index, for validation.
        subset: `"training"`, `"validation"` or `"both"`, which returns two datasets.
        interpolation: how images are resized: `"bilinear"`, `"nearest"`, `"bicubic"`, `"lanczos3"`, `"lanczos5"`.
        follow_links: whether subdirectories that are links are visited.
        crop_to_aspect_ratio, pad_to_aspect_ratio: resize without distortion, cutting or padding.
        data_format: `"channels_last"` or `"channels_first"`.
        format: `"tf"` or `"grain"`, as in Keras; either way it is a `data.Dataset`, which with `"grain"` has the same
            order in every epoch.
        verbose: whether to print how many files were found.
        on_error: what becomes of a file that cannot be decoded: `"raise"` a ValueError that names it, or `"skip"` it.
            To know them, `"skip"` decodes all files once, here, and warns of those it leaves out.
        num_parallel_calls: threads that decode and resize.

    Returns:
        A `DirectoryDataset` of float32 images with values in [0, 255] and labels, or of images alone.

    Raises:
        ValueError: an argument has no valid value, or there is no image.

    >>> import os, tempfile
    >>> from dlrs.utils import save_img
    >>> folder = tempfile.mkdtemp()
    >>> for name in ("cat", "dog"):
    ...     os.mkdir(os.path.join(folder, name))
    ...     save_img(os.path.join(folder, name, "1.png"), np.zeros((5, 4, 3)))
    >>> data = image_dataset_from_directory(folder, image_size=(8, 8), verbose=False)
    >>> [(images.shape, sorted(numbers.tolist())) for images, numbers in data], data.class_names
    ([((2, 8, 8, 3), [0, 1])], ['cat', 'dog'])
    """
    if color_mode not in _CHANNELS:
        raise ValueError(
            f'`color_mode` must be one of {{"rgb", "rgba", "grayscale"}}. Received: color_mode={color_mode}'
        )
    if interpolation not in _INTERPOLATIONS:
        raise ValueError(
            f"Argument `interpolation` should be one of {_INTERPOLATIONS}. Received: interpolation={interpolation}"
        )
    if on_error not in ("raise", "skip"):
        raise ValueError(f"`on_error` must be 'raise' or 'skip'. Received: on_error={on_error!r}")
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    if not isinstance(size, list | tuple) or len(size) != 2 or not all(type(n) is int and n > 0 for n in size):
        raise ValueError(
            f"Invalid `image_size` value. Expected a tuple of 2 integers. Received: image_size={image_size}"
        )
    files = Directory(
        "image", "images", ALLOWLIST_FORMATS, directory, labels, label_mode, class_names, batch_size, shuffle, seed,
        validation_split, subset, follow_links, verbose, format, num_parallel_calls,
    )  # fmt: skip
    first = standardize_data_format(data_format) == "channels_first"

    def load(path: str) -> Any:
        pixels = np.asarray(decode(path, color_mode))
        pixels = pixels.reshape(*pixels.shape[:2], _CHANNELS[color_mode])
        resized = ops.image.resize(
            pixels.astype(np.float32),
            tuple(size),
            interpolation=interpolation,
            crop_to_aspect_ratio=crop_to_aspect_ratio,
            pad_to_aspect_ratio=pad_to_aspect_ratio,
            data_format="channels_last",
        ).numpy()
        return np.ascontiguousarray(resized.transpose(2, 0, 1)) if first else resized

    def keep(paths: list[str], numbers: list[int]) -> Files:
        return _decodable(paths, numbers, color_mode)

    return files.datasets(load, keep=keep if on_error == "skip" else None)


def _decodable(files: list[str], numbers: list[int], color_mode: str) -> tuple[list[str], list[int]]:
    """The files that can be decoded, and a warning that names the others."""
    kept, labels, refused = [], [], []
    for path, number in zip(files, numbers, strict=True):
        try:
            decode(path, color_mode)
        except (ValueError, OSError) as error:
            refused.append(f"{path}: {error}" if path not in str(error) else str(error))
        else:
            kept.append(path)
            labels.append(number)
    if refused:
        listed = "\n".join(refused)
        warnings.warn(f"{len(refused)} files cannot be decoded and are left out:\n{listed}", stacklevel=3)
    return kept, labels
