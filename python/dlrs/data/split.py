"""Parts of data for training, for choosing between models, and for the last judgement."""

from typing import Any

import numpy as np

from dlrs.backend import tree
from dlrs.data.checks import check_lengths
from dlrs.data.frames import foreign_array

Array = np.ndarray[Any, Any]


def train_dev_test_split(
    data: Any,
    dev_size: float = 0.01,
    test_size: float = 0.01,
    train_dev_size: float = 0.0,
    *,
    stratify: Any = None,
    shuffle: bool = True,
    seed: int | None = None,
) -> tuple[Any, ...]:
    """Cuts data into a training, a dev and a test part, and on demand a training-dev part.

    Dev and test part should come from the distribution that the model is meant for, and be large enough to tell models
    apart, not more: 98 : 1 : 1 of a million examples, 60 : 20 : 20 of a thousand. A training-dev part is of the
    training data's distribution and not trained on: its error less that of training is variance, that of dev less its
    own is what differs between the distributions.

    Args:
        data: an array, or a nest of arrays such as `(x, y)`, with one entry per example.
        dev_size, test_size, train_dev_size: an int is a number of examples, a float from 0 to 1 a share of all.
        stratify: the class of each example, shape (n,): every part has each class in the share that it has in all, but
            for less than two examples.
        shuffle: whether examples are assigned at random; if not, the parts are consecutive: training, training-dev,
            dev, test.
        seed: an integer with which the assignment is always the same; from NumPy's global generator if None.

    Returns:
        `(train, dev, test)`, or with `train_dev_size` `(train, train_dev, dev, test)`, each nested like `data`. An
        example is in exactly one of them.

    Raises:
        ValueError: lengths differ, a size is not as above, or no example is left for training.

    Source: A. Ng, *Machine Learning Yearning*, chapters 5-7 and 40.

    >>> x, y = np.arange(100), np.arange(100) % 2
    >>> train, dev, test = train_dev_test_split((x, y), 0.2, 10, stratify=y, seed=1)
    >>> [len(part[0]) for part in (train, dev, test)], int(dev[1].sum()), int(test[1].sum())
    ([70, 20, 10], 10, 5)
    """
    arrays = tree.map_structure(_rows_of, data)
    leaves = tree.flatten(arrays)
    if not leaves or any(leaf.ndim == 0 for leaf in leaves):
        raise ValueError("train_dev_test_split: `data` must be arrays with one entry per example.")
    total = check_lengths(leaves, ["data"] if len(leaves) == 1 else [f"data[{i}]" for i in range(len(leaves))])
    named = {"train_dev_size": train_dev_size, "dev_size": dev_size, "test_size": test_size}
    sizes = [_size(name, value, total) for name, value in named.items()]
    if sum(sizes) >= total:
        given = ", ".join(f"{name}={value!r}" for name, value in named.items())
        raise ValueError(f"train_dev_test_split: {given} leave none of {total} examples for training.")
    order = _order(total, stratify, shuffle, seed)
    ends = np.cumsum([total - sum(sizes), *sizes])
    parts = np.split(order, ends[:-1])
    if stratify is not None:
        # The order above goes through the classes in turns.
        generator = np.random.default_rng(None if seed is None else [seed % 2**64, 1])
        parts = [generator.permutation(part) for part in parts]
    chosen = [part for part, name in zip(parts, ["train", *named], strict=True) if name != "train_dev_size" or sizes[0]]
    return tuple(tree.map_structure(lambda array, rows=rows: array[rows], arrays) for rows in chosen)


def _rows_of(leaf: Any) -> Array:
    return leaf if isinstance(leaf, np.ndarray) else np.asarray(foreign_array(leaf, "data"))


def _size(name: str, value: Any, total: int) -> int:
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and 0 <= value <= total:
        return int(value)
    if isinstance(value, float | np.floating) and 0.0 <= value < 1.0:
        return round(value * total)
    raise ValueError(
        f"train_dev_test_split: `{name}` must be a number of examples up to {total} or a share from 0 to below 1, "
        f"got {value!r}."
    )


def _order(total: int, stratify: Any, shuffle: bool, seed: int | None) -> Array:
    """The examples in an order whose stretches have the classes in their shares."""
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int | np.integer)):
        raise ValueError(f"train_dev_test_split: `seed` must be an integer, got {seed!r}.")
    if not shuffle:
        if stratify is not None:
            raise ValueError("train_dev_test_split: `stratify` needs `shuffle=True`.")
        return np.arange(total)
    generator = np.random.default_rng(np.random.randint(2**31) if seed is None else seed % 2**64)
    order = generator.permutation(total)
    if stratify is None:
        return order
    classes = np.asarray(foreign_array(stratify, "stratify"))
    if classes.shape != (total,):
        raise ValueError(
            f"train_dev_test_split: `stratify` must have the shape ({total},), got {classes.shape}. Of one-hot rows "
            "take `argmax(-1)`."
        )
    # The r-th example of a class with n is put at (r + u) / n of the whole, u drawn once for each class.
    names, inverse, counts = np.unique(classes, return_inverse=True, return_counts=True)
    shuffled = inverse.reshape(-1)[order]
    by_class = np.argsort(shuffled, kind="stable")
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    rank = np.empty(total)
    rank[by_class] = np.arange(total) - starts
    offsets = generator.random(len(names))
    places = (rank + offsets[shuffled]) / counts[shuffled]
    return order[np.argsort(places, kind="stable")]
