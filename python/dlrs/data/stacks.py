"""Elements stacked to a batch."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlrs.backend import Tensor, Variable, tree
from dlrs.data.frames import foreign_array

Array = np.ndarray[Any, Any]


def stack(elements: Sequence[Any], what: str = "stack") -> Any:
    """Elements of one nesting and one shape, stacked along a new first axis.

    Args:
        elements: nests of arrays, at least one.
        what: names the batch in messages.

    Raises:
        ValueError: their nesting or their shapes differ; says which element is the first that does.

    >>> stack([(1, [2.0, 3.0]), (4, [5.0, 6.0])])[0].tolist()
    [1, 4]
    """
    return _by_leaf(elements, what, lambda leaves, index: _stack_leaves(leaves, what))


def _by_leaf(elements: Sequence[Any], what: str, join: Callable[[Sequence[Any], int], Array]) -> Any:
    """`elements`' leaves joined, leaf by leaf."""
    first = elements[0]
    if not isinstance(first, tuple | list | dict):
        return join(elements, 0)
    if _is_flat_tuple(first) and set(map(type, elements)) == {tuple} and set(map(len, elements)) == {len(first)}:
        # Pairs of arrays, as nearly all elements are, without the cost of general nests.
        return tuple([join(leaves, index) for index, leaves in enumerate(zip(*elements, strict=True))])
    key = tree.structure_key(first)
    for index, element in enumerate(elements):
        if tree.structure_key(element) != key:
            raise ValueError(f"{what}: element {index} is nested otherwise than element 0.")
    columns = zip(*map(tree.flatten, elements), strict=True)
    return tree.pack_sequence_as(first, [join(leaves, index) for index, leaves in enumerate(columns)])


def _is_flat_tuple(value: Any) -> bool:
    return type(value) is tuple and not any(isinstance(part, tuple | list | dict) for part in value)


def as_numpy(value: Any) -> Array:
    """A leaf as an array."""
    return value.numpy() if isinstance(value, Tensor | Variable) else np.asarray(foreign_array(value, "data"))


def _stack_leaves(leaves: Sequence[Any], what: str) -> Array:
    kinds = set(map(type, leaves))
    if len(kinds) == 1 and issubclass(kinds.pop(), np.generic | int | float):
        return np.array(leaves)
    arrays = [leaf if type(leaf) is np.ndarray else as_numpy(leaf) for leaf in leaves]
    shape = arrays[0].shape
    if len({array.shape for array in arrays}) > 1:
        index = next(index for index, array in enumerate(arrays) if array.shape != shape)
        raise ValueError(
            f"{what}: element {index} has the shape {arrays[index].shape}, element 0 {shape}. `padded_batch` fills up."
        )
    # One copy in C; `np.stack` makes a view of every array first.
    return np.concatenate(arrays).reshape(len(arrays), *shape) if shape else np.array(arrays)


def pad_and_stack(
    elements: Sequence[Any], shapes: Sequence[Sequence[int | None]] | None = None, values: Sequence[Any] | None = None
) -> Any:
    """Elements stacked along a new first axis, each filled up at the ends of its axes.

    Args:
        elements: nests of arrays, at least one; leaves of one place have the same rank.
        shapes: the shape of each leaf, in the order of `tree.flatten`; None or -1 for the largest.
        values: what each leaf is filled up with; one for all, 0 by default.

    Raises:
        ValueError: ranks differ, an element is larger than the shape, or there are not as many shapes as leaves.

    >>> pad_and_stack([np.array([1, 2]), np.array([3])]).tolist()
    [[1, 2], [3, 0]]
    """
    count = len(tree.flatten(elements[0]))
    for name, given in (("padded_shapes", shapes), ("padding_values", values)):
        if given is not None and len(given) != count and not (name == "padding_values" and len(given) == 1):
            raise ValueError(
                f"Dataset.padded_batch: `{name}` has {len(given)} parts, the elements have {count} leaves."
            )

    def join(leaves: Sequence[Any], index: int) -> Array:
        arrays = [as_numpy(leaf) for leaf in leaves]
        shape = _common_shape(arrays, None if shapes is None else shapes[index])
        fill = 0 if values is None else as_numpy(values[index if len(values) > 1 else 0])
        kind = np.result_type(*arrays)
        out = np.full((len(arrays), *shape), "" if kind.kind == "U" and values is None else fill, kind)
        for place, array in enumerate(arrays):
            room: Any = (place, *(slice(size) for size in array.shape))
            out[room] = array
        return out

    return _by_leaf(elements, "Dataset.padded_batch", join)


def _common_shape(arrays: list[Array], wanted: Sequence[int | None] | None) -> tuple[int, ...]:
    ranks = {array.ndim for array in arrays}
    if len(ranks) > 1 or (wanted is not None and len(wanted) not in ranks):
        raise ValueError(
            f"Dataset.padded_batch: ranks must agree, got elements of rank {sorted(ranks)}"
            + ("." if wanted is None else f" for the shape {tuple(wanted)}.")
        )
    largest = [max(sizes) for sizes in zip(*(array.shape for array in arrays), strict=True)]
    if wanted is None:
        return tuple(largest)
    shape = tuple(size if want in (None, -1) else int(want or 0) for size, want in zip(largest, wanted, strict=True))
    if any(size > most for size, most in zip(largest, shape, strict=True)):
        raise ValueError(f"Dataset.padded_batch: an element of shape {tuple(largest)} is larger than {shape}.")
    return shape
