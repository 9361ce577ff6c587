"""Images in directories, one for each class."""

import os
import pathlib
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import ops
from dlrs.config import standardize_data_format
from dlrs.data import Dataset
from dlrs.utils.image_utils import decode

ALLOWLIST_FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_CHANNELS = {"rgb": 3, "rgba": 4, "grayscale": 1}
_INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")


class ImageDataset(Dataset):
    """What `image_dataset_from_directory` returns: a dataset that knows its files.

    Attributes:
        class_names: the names of the classes, in the order of their numbers; None without labels.
        file_paths: the files, in the order of the directory's index.
    """

    def __init__(self, source: Dataset, class_names: list[str] | None, file_paths: list[str]) -> None:
        self._source = source
        self.class_names = class_names
        self.file_paths = file_paths

    def cardinality(self) -> int:
        return self._source.cardinality()

    def epoch(self, number: int) -> Any:
        return self._source.epoch(number)


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
        verbose: whether to print how many files were found.
        on_error: what becomes of a file that cannot be decoded: `"raise"` a ValueError that names it, or `"skip"` it.
            To know them, `"skip"` decodes all files once, here, and warns of those it leaves out.
        num_parallel_calls: threads that decode and resize.

    Returns:
        An `ImageDataset` of float32 images with values in [0, 255] and labels, or of images alone.

    Raises:
        ValueError: an argument has no valid value, or there is no image.
    """
    if color_mode not in _CHANNELS:
        raise ValueError(
            f'`color_mode` must be one of {{"rgb", "rgba", "grayscale"}}. Received: color_mode={color_mode}'
        )
    if label_mode not in ("int", "categorical", "binary", None):
        raise ValueError(
            '`label_mode` argument must be one of "int", "categorical", "binary", or None. Received:'
            f" label_mode={label_mode}"
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
    _check_split(validation_split, subset, shuffle, seed)
    mode = None if labels is None else label_mode
    seed = int(np.random.randint(1_000_000)) if seed is None else seed
    files, numbers, names = _index(directory, labels, class_names, mode, follow_links)
    if on_error == "skip":
        files, numbers = _decodable(files, numbers, color_mode)
    if verbose:
        found = f"Found {len(files)} files" + (f" belonging to {len(names)} classes." if names else ".")
        sys.stdout.write(found + "\n")
    if mode == "binary" and (names is None or len(names) != 2):
        raise ValueError(
            f'When passing `label_mode="binary"`, there must be exactly 2 class_names. Received: class_names={names}'
        )
    if shuffle and subset is not None:
        order = np.random.RandomState(seed).permutation(len(files))
        files, numbers = [files[i] for i in order], [numbers[i] for i in order]

    first = standardize_data_format(data_format) == "channels_first"

    def load(path: Any, label: Any) -> Any:
        pixels = np.asarray(decode(str(path), color_mode))
        pixels = pixels.reshape(*pixels.shape[:2], _CHANNELS[color_mode])
        resized = ops.image.resize(
            pixels.astype(np.float32),
            tuple(size),
            interpolation=interpolation,
            crop_to_aspect_ratio=crop_to_aspect_ratio,
            pad_to_aspect_ratio=pad_to_aspect_ratio,
            data_format="channels_last",
        ).numpy()
        image = np.ascontiguousarray(resized.transpose(2, 0, 1)) if first else resized
        return image if mode is None else (image, label)

    def dataset(part: str | None) -> ImageDataset:
        chosen = _part(len(files), validation_split, part)
        paths = files[chosen]
        if not paths:
            raise ValueError(
                f"No {part or ''} images found in directory {directory}. Allowed formats: {ALLOWLIST_FORMATS}"
            )
        source = Dataset.from_tensor_slices((np.array(paths), _labels(numbers[chosen], mode, names)))
        source = source.shuffle(seed=seed) if shuffle and part != "validation" else source
        source = source.map(load, num_parallel_calls, seed=seed)
        source = source if batch_size is None else source.batch(batch_size)
        return ImageDataset(source.prefetch(), names, paths)

    return [dataset("training"), dataset("validation")] if subset == "both" else dataset(subset)


def _check_split(split: float | None, subset: str | None, shuffle: bool, seed: int | None) -> None:
    if split is not None and not 0 < split < 1:
        raise ValueError(f"`validation_split` must be between 0 and 1, received: {split}")
    if (split is None) != (subset is None):
        raise ValueError("If `subset` is set, `validation_split` must be set, and inversely.")
    if subset not in ("training", "validation", "both", None):
        raise ValueError(f'`subset` must be either "training", "validation" or "both", received: {subset}')
    if split is not None and shuffle and seed is None:
        raise ValueError(
            "If using `validation_split` and shuffling the data, you must provide a `seed` argument, to make sure that"
            " there is no overlap between the training and validation subset."
        )


def _part(count: int, split: float | None, part: str | None) -> slice:
    """Which of `count` files a subset has: validation the last share."""
    if part is None or split is None:
        return slice(None)
    held = int(split * count)
    return slice(count - held) if part == "training" else slice(count - held, None)


def _index(
    directory: Any, labels: Any, class_names: Sequence[str] | None, mode: str | None, follow_links: bool
) -> tuple[list[str], list[int], list[str] | None]:
    """Files sorted by path, a number for each, and the names of the classes."""
    root = pathlib.Path(directory)
    if not root.is_dir():
        raise ValueError(f"The directory {os.fspath(directory)!r} does not exist.")
    if labels not in ("inferred", None) and not isinstance(labels, list | tuple):
        raise ValueError(
            "`labels` argument should be a list/tuple of integer labels, of the same size as the number of image files"
            f" in the target directory, 'inferred', or None. Received: labels={labels}"
        )
    if class_names and labels != "inferred":
        raise ValueError(
            f'You can only pass `class_names` if `labels="inferred"`. Received: labels={labels}, and'
            f" class_names={class_names}"
        )
    if labels != "inferred":
        files = _files(root, follow_links)
        if labels is None:
            return files, [0] * len(files), None
        if len(labels) != len(files):
            raise ValueError(
                "Expected the lengths of `labels` to match the number of files in the target directory. len(labels) is"
                f" {len(labels)} while we found {len(files)} files in directory {directory}."
            )
        if any(not -(2**31) <= int(label) < 2**31 for label in labels):
            raise ValueError(f"`labels` must hold integers of 32 bits. Received: labels={labels}")
        return files, [int(label) for label in labels], [str(label) for label in sorted(set(labels))]
    found = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    names = list(class_names) if class_names else found
    if class_names and set(class_names) - set(found):
        raise ValueError(
            "The `class_names` passed did not match the names of the subdirectories of the target directory. Expected:"
            f" {found}, but received: {list(class_names)}"
        )
    files, numbers = [], []
    for number, name in enumerate(names):
        inside = _files(root / name, follow_links)
        files += inside
        numbers += [number] * len(inside)
    return files, numbers, names if mode is not None else None


def _files(root: pathlib.Path, follow_links: bool) -> list[str]:
    """The image files below a directory, sorted."""
    paths = []
    for folder, _, names in os.walk(root, followlinks=follow_links):
        paths += [os.path.join(folder, name) for name in names if name.lower().endswith(ALLOWLIST_FORMATS)]
    return sorted(paths)


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


def _labels(numbers: list[int], mode: str | None, names: list[str] | None) -> Any:
    labels = np.array(numbers, np.int32)
    if mode == "binary":
        return labels.astype(np.float32)[:, None]
    if mode == "categorical":
        return np.eye(len(names or ()), dtype=np.float32)[labels]
    return labels
