"""Sounds in directories, one for each class."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs.backend.checks import check_count
from dlrs.data import Dataset
from dlrs.utils.directory_dataset import Directory
from dlrs.utils.wav_utils import read_wav, resample

ALLOWED_FORMATS = (".wav",)


def audio_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    verbose: bool = True,
) -> Any:
    """A dataset of the WAV files in a directory.

    Args:
        directory: path; with `labels="inferred"` it has a subdirectory for each class.
        labels: `"inferred"`, None, or an integer for each file in the order of sorted paths.
        label_mode: `"int"` (int32), `"categorical"` (one-hot float32), `"binary"` (float32, shape (batch, 1)) or None.
        class_names: the subdirectories to take, in this order; sorted if None.
        batch_size: sounds in a batch; single sounds if None.
        sampling_rate: samples a second, to which other sounds are resampled; each as it is by default.
        output_sequence_length: samples of each sound: longer ones are cut off, shorter ones filled up with silence. By
            default, the sounds of a batch are filled up to the longest of them.
        ragged: must be False: there are no tensors of rows of different lengths.
        shuffle: whether each epoch has a random order; else files come sorted by path.
        seed: integer for shuffling and splitting.
        validation_split: share of the files, taken from the end of the (shuffled) index, for validation.
        subset: `"training"`, `"validation"` or `"both"`, which returns two datasets.
        follow_links: whether subdirectories that are links are visited.
        verbose: whether to print how many files were found.

    Returns:
        A `DirectoryDataset` of float32 samples in [-1, 1], shape (batch, time, channels), and labels, or of samples
        alone.

    Raises:
        ValueError: an argument has no valid value, or there is no sound; while reading, a file is no WAV file of linear
            samples, or has another number of channels than the rest of its batch.

    >>> import os, tempfile
    >>> from dlrs.utils.wav_utils import write_wav
    >>> folder = tempfile.mkdtemp()
    >>> for name, length in (("cat", 3), ("dog", 5)):
    ...     os.mkdir(os.path.join(folder, name))
    ...     write_wav(os.path.join(folder, name, "1.wav"), np.zeros(length), 8000)
    >>> data = audio_dataset_from_directory(folder, shuffle=False, verbose=False)
    >>> [(sounds.shape, numbers.tolist()) for sounds, numbers in data]
    [((2, 5, 1), [0, 1])]
    """
    if ragged and output_sequence_length is not None:
        raise ValueError("Cannot set both `ragged` and `output_sequence_length`")
    if ragged:
        raise ValueError("audio_dataset_from_directory: `ragged` must be False; sounds are filled up to the longest.")
    if sampling_rate is not None and (isinstance(sampling_rate, bool) or not isinstance(sampling_rate, int)):
        raise ValueError(f"`sampling_rate` should have an integer value. Received: sampling_rate={sampling_rate}")
    if sampling_rate is not None and sampling_rate <= 0:
        raise ValueError(f"`sampling_rate` should be higher than 0. Received: sampling_rate={sampling_rate}")
    check_count("audio_dataset_from_directory", "output_sequence_length", output_sequence_length, 1, optional=True)

    def load(path: str) -> Any:
        samples, rate = read_wav(path)
        if sampling_rate is not None:
            samples = resample(samples, rate, sampling_rate)
        samples = samples.reshape(len(samples), -1)
        if output_sequence_length is None:
            return samples
        samples = samples[:output_sequence_length]
        return np.pad(samples, ((0, output_sequence_length - len(samples)), (0, 0)))

    files = Directory(
        "audio", "audio files", ALLOWED_FORMATS, directory, labels, label_mode, class_names, batch_size, shuffle, seed,
        validation_split, subset, follow_links, verbose,
    )  # fmt: skip
    return files.datasets(load, Dataset.batch if output_sequence_length is not None else Dataset.padded_batch)
