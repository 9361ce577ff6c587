"""Windows of a series of measurements."""

from typing import Any

import numpy as np

from dlrs.data import Dataset
from dlrs.data.checks import as_array
from dlrs.utils.directory_dataset import check_format


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> Any:
    """A dataset of windows that slide over a series.

    Window number i holds the steps s, s + sampling_rate, ..., `sequence_length` of them, where
    s = i * sequence_stride counts from `start_index`; windows that would reach beyond the end are left out.

    Args:
        data: array of shape (time, ...).
        targets: `targets[s]` is the target of the window that begins at step s, `start_index` being counted along; None
            for windows alone. Windows without a target are left out.
        sequence_length: steps of a window.
        sequence_stride: steps between the beginnings of windows.
        sampling_rate: steps between the steps of a window.
        batch_size: windows in a batch; single windows if None.
        shuffle: whether each epoch has a random order.
        seed: integer for shuffling.
        start_index, end_index: only the steps from `start_index` on, and before `end_index`, are used; all by default.
        format: `"tf"` or `"grain"`, as in Keras; either way it is a `data.Dataset`, which with `"grain"` has the same
            order in every epoch.

    Returns:
        A `data.Dataset` of windows, shape (batch, sequence_length, ...), and targets, or of windows alone.

    Raises:
        ValueError: an argument has no valid value, or the series is too short for a single window.

    >>> series = np.arange(6)
    >>> dataset = timeseries_dataset_from_array(series, series[3:], sequence_length=3, batch_size=2)
    >>> [(x.tolist(), y.tolist()) for x, y in dataset]
    [([[0, 1, 2], [1, 2, 3]], [3, 4]), ([[2, 3, 4]], [5])]
    """
    series = as_array(data, "data")
    total = len(series)
    for name, value, least, below in (
        ("start_index", start_index, 0, total),
        ("end_index", end_index, (start_index or 0) + 1, total),
        ("sequence_length", sequence_length, 1, total + 1),
        ("sampling_rate", sampling_rate, 1, total),
        ("sequence_stride", sequence_stride, 1, total),
    ):
        if value is None and name.endswith("_index"):
            continue
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value < below:
            raise ValueError(
                f"`{name}` must be an integer of at least {least} and below {below}. Received: {name}={value!r}, for "
                f"data of length {total}"
            )
    check_format(format)
    first = start_index or 0
    reach = (sequence_length - 1) * sampling_rate
    count = (total if end_index is None else end_index) - first - reach
    labels = None if targets is None else as_array(targets, "targets")
    if labels is not None:
        count = min(count, len(labels) - first)
    if count < 1:
        raise ValueError(
            f"No window of {reach + 1} steps lies between `start_index`={first} and "
            f"`end_index`={total if end_index is None else end_index}"
            + ("." if labels is None else f" and has one of the {len(labels)} targets.")
        )
    steps = np.arange(0, reach + 1, sampling_rate)

    def window(start: Any) -> Any:
        x = series[start[..., None] + steps]
        return x if labels is None else (x, labels[start])

    starts = Dataset.from_tensor_slices(np.arange(first, first + count, sequence_stride))
    starts = starts.shuffle(seed=seed, reshuffle_each_iteration=format == "tf") if shuffle else starts
    return (starts if batch_size is None else starts.batch(batch_size)).map(window, seed=0)
