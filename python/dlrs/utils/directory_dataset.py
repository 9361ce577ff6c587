"""Files in directories, one for each class, as a dataset."""

import os
import pathlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlrs.data import Dataset

Files = tuple[list[str], list[int]]


class DirectoryDataset(Dataset):
    """What `image_dataset_from_directory` and its like return: a dataset that knows its files.

    Attributes:
        class_names: the names of the classes, in the order of their numbers; None without labels.
        file_paths: the files, in the order of the directory's index.
    """

    _varies = False

    def __init__(self, source: Dataset, class_names: list[str] | None, file_paths: list[str]) -> None:
        self._source = source
        self.class_names = class_names
        self.file_paths = file_paths

    def sources(self) -> tuple[Dataset, ...]:
        return (self._source,)

    def cardinality(self) -> int:
        return self._source.cardinality()

    def epoch(self, number: int) -> Any:
        return self._source.epoch(number)


@dataclass
class Directory:
    """What the functions `*_dataset_from_directory` have in common: which files, their labels, their order.

    Attributes:
        kind: what is in the files, for messages: "image", "text", "audio".
        things: what messages call them: "images", "text files".
        formats: the ends of the names of files that count.
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset, follow_links,
            verbose, format: the arguments of the same names.
        num_parallel_calls: threads that read files.

    Raises:
        ValueError: an argument has no valid value.
    """

    kind: str
    things: str
    formats: tuple[str, ...]
    directory: Any
    labels: Any
    label_mode: str | None
    class_names: Sequence[str] | None
    batch_size: int | None
    shuffle: bool
    seed: int | None
    validation_split: float | None
    subset: str | None
    follow_links: bool
    verbose: bool
    format: str = "tf"
    num_parallel_calls: int = 1

    def __post_init__(self) -> None:
        if self.label_mode not in ("int", "categorical", "binary", None):
            raise ValueError(
                '`label_mode` argument must be one of "int", "categorical", "binary", or None. Received:'
                f" label_mode={self.label_mode}"
            )
        check_format(self.format)
        self._check_labels()
        self._check_split()
        if self.labels is None:
            self.label_mode = None
        if self.seed is None:
            self.seed = int(np.random.randint(1_000_000))

    def _check_labels(self) -> None:
        labels = self.labels
        inferred = isinstance(labels, str) and labels == "inferred"
        if not isinstance(labels, list | tuple) and not (labels is None or inferred):
            raise ValueError(
                f"`labels` argument should be a list/tuple of integer labels, of the same size as the number of "
                f"{self.kind} files in the target directory, 'inferred', or None. Received: labels={labels}"
            )
        if self.class_names and not inferred:
            raise ValueError(
                f'You can only pass `class_names` if `labels="inferred"`. Received: labels={labels}, and'
                f" class_names={self.class_names}"
            )

    def _check_split(self) -> None:
        split, subset = self.validation_split, self.subset
        if split and not 0 < split < 1:
            raise ValueError(f"`validation_split` must be between 0 and 1, received: {split}")
        if bool(split) != (subset is not None):
            raise ValueError("If `subset` is set, `validation_split` must be set, and inversely.")
        if subset not in ("training", "validation", "both", None):
            raise ValueError(f'`subset` must be either "training", "validation" or "both", received: {subset}')
        if split and self.shuffle and self.seed is None:
            raise ValueError(
                "If using `validation_split` and shuffling the data, you must provide a `seed` argument, to make sure "
                "that there is no overlap between the training and validation subset."
            )

    def datasets(
        self,
        load: Callable[[str], Any],
        batch: Callable[[Dataset, int], Dataset] = Dataset.batch,
        keep: Callable[[list[str], list[int]], Files] | None = None,
    ) -> Any:
        """The dataset of the files, or for `subset="both"` a list of two.

        Args:
            load: the sample in a file.
            batch: how samples become batches.
            keep: which of the files and their numbers of classes to take.
        """
        files, numbers, names = self._index()
        if keep is not None:
            files, numbers = keep(files, numbers)
        if self.verbose:
            found = f"Found {len(files)} files" + (f" belonging to {len(names)} classes." if names else ".")
            sys.stdout.write(found + "\n")
        if self.label_mode == "binary" and (names is None or len(names) != 2):
            raise ValueError(
                'When passing `label_mode="binary"`, there must be exactly 2 class_names. Received:'
                f" class_names={names}"
            )
        if self.shuffle and self.subset is not None:
            order = np.random.RandomState(self.seed).permutation(len(files))
            files, numbers = [files[i] for i in order], [numbers[i] for i in order]

        def dataset(subset: str | None) -> DirectoryDataset:
            chosen = self._part(len(files), subset)
            paths = files[chosen]
            if not paths:
                raise ValueError(
                    f"No {subset + ' ' if subset else ''}{self.things} found in directory {self.directory}. "
                    f"Allowed formats: {self.formats}"
                )
            if self.verbose and subset is not None:
                sys.stdout.write(f"Using {len(paths)} files for {subset}.\n")
            source = self._samples(paths, numbers[chosen], names, load, subset)
            source = source if self.batch_size is None else batch(source, self.batch_size)
            return DirectoryDataset(source.prefetch(), names, paths)

        return [dataset("training"), dataset("validation")] if self.subset == "both" else dataset(self.subset)

    def _samples(
        self, paths: list[str], numbers: list[int], names: list[str] | None, load: Callable[[str], Any], part: Any
    ) -> Dataset:
        mode = self.label_mode

        def sample(path: Any, label: Any) -> Any:
            return load(str(path)) if mode is None else (load(str(path)), label)

        source = Dataset.from_tensor_slices((np.array(paths), _encoded(numbers, mode, names)))
        if self.shuffle and part != "validation":
            source = source.shuffle(seed=self.seed, reshuffle_each_iteration=self.format == "tf")
        return source.map(sample, self.num_parallel_calls, seed=self.seed)

    def _part(self, count: int, subset: str | None) -> slice:
        """Which of `count` files a subset has: validation the last share."""
        if subset is None or self.validation_split is None:
            return slice(None)
        held = int(self.validation_split * count)
        return slice(count - held) if subset == "training" else slice(count - held, None)

    def _index(self) -> tuple[list[str], list[int], list[str] | None]:
        """Files sorted by path, a number for each, and the names of the classes."""
        root = pathlib.Path(self.directory)
        if not root.is_dir():
            raise ValueError(f"The directory {os.fspath(self.directory)!r} does not exist.")
        if self.labels != "inferred":
            files = self._files(root)
            return (files, [0] * len(files), None) if self.labels is None else (files, *self._given_labels(len(files)))
        found = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
        names = list(self.class_names) if self.class_names else found
        if set(names) - set(found):
            raise ValueError(
                "The `class_names` passed did not match the names of the subdirectories of the target directory. "
                f"Expected: {found}, but received: {names}"
            )
        if self.label_mode is None and not self.class_names:
            files = self._files(root)
            return files, [0] * len(files), None
        files, numbers = [], []
        for number, name in enumerate(names):
            inside = self._files(root / name)
            files += inside
            numbers += [number] * len(inside)
        return files, numbers, names if self.label_mode is not None else None

    def _given_labels(self, count: int) -> tuple[list[int], list[str]]:
        labels = self.labels
        if len(labels) != count:
            raise ValueError(
                "Expected the lengths of `labels` to match the number of files in the target directory. len(labels) is"
                f" {len(labels)} while we found {count} files in directory {self.directory}."
            )
        if any(not -(2**31) <= int(label) < 2**31 for label in labels):
            raise ValueError(f"`labels` must hold integers of 32 bits. Received: labels={labels}")
        return [int(label) for label in labels], [str(label) for label in sorted(set(labels))]

    def _files(self, root: pathlib.Path) -> list[str]:
        """The files below a directory, sorted."""
        paths = []
        for folder, _, names in os.walk(root, followlinks=self.follow_links):
            paths += [os.path.join(folder, name) for name in names if name.lower().endswith(self.formats)]
        return sorted(paths)


def check_format(format: Any) -> None:
    """ValueError unless `format` is "tf" or "grain", Keras's kinds of datasets, for both of which dlrs has its own."""
    if format not in ("tf", "grain"):
        raise ValueError(f'`format` should be either "tf" or "grain". Received: format={format}')


def _encoded(numbers: list[int], mode: str | None, names: list[str] | None) -> Any:
    labels = np.array(numbers, np.int32)
    if mode == "binary":
        return labels.astype(np.float32)[:, None]
    if mode == "categorical":
        return np.eye(len(names or ()), dtype=np.float32)[labels]
    return labels
