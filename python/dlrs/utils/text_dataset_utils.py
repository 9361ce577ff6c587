"""Texts in directories, one for each class."""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs.backend.checks import check_count
from dlrs.utils.directory_dataset import Directory

ALLOWLIST_FORMATS = (".txt",)


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """A dataset of the texts in a directory, each a file `.txt` in UTF-8.

    Args:
        directory: path; with `labels="inferred"` it has a subdirectory for each class.
        labels: `"inferred"`, None, or an integer for each file in the order of sorted paths.
        label_mode: `"int"` (int32), `"categorical"` (one-hot float32), `"binary"` (float32, shape (batch, 1)) or None.
        class_names: the subdirectories to take, in this order; sorted if None.
        batch_size: texts in a batch; single texts if None.
        max_length: characters of a text that are kept; all by default.
        shuffle: whether each epoch has a random order; else files come sorted by path.
        seed: integer for shuffling and splitting.
        validation_split: share of the files, taken from the end of the (shuffled) index, for validation.
        subset: `"training"`, `"validation"` or `"both"`, which returns two datasets.
        follow_links: whether subdirectories that are links are visited.
        format: `"tf"` or `"grain"`, as in Keras; either way it is a `data.Dataset`, which with `"grain"` has the same
            order in every epoch.
        verbose: whether to print how many files were found.

    Returns:
        A `DirectoryDataset` of texts and labels, or of texts alone. A batch of texts is a NumPy array of strings, shape
        (batch,), which `layers.TextVectorization` takes, within `map` for one; tensors hold no strings.

    Raises:
        ValueError: an argument has no valid value, or there is no text; while reading, a file is not in UTF-8.

    >>> import os, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> for name, text in (("bad", "Dull."), ("good", "A joy.")):
    ...     os.mkdir(os.path.join(folder, name))
    ...     _ = pathlib.Path(folder, name, "1.txt").write_text(text)
    >>> data = text_dataset_from_directory(folder, shuffle=False, verbose=False)
    >>> [(texts.tolist(), numbers.tolist()) for texts, numbers in data], data.class_names
    ([(['Dull.', 'A joy.'], [0, 1])], ['bad', 'good'])
    """
    check_count("text_dataset_from_directory", "max_length", max_length, 1, optional=True)

    def load(path: str) -> Any:
        try:
            text = pathlib.Path(path).read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is not a text in UTF-8: {error}") from None
        return np.str_(text[:max_length])

    files = Directory(
        "text", "text files", ALLOWLIST_FORMATS, directory, labels, label_mode, class_names, batch_size, shuffle, seed,
        validation_split, subset, follow_links, verbose, format,
    )  # fmt: skip
    return files.datasets(load)
