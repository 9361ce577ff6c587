"""How layers put categories out: as vectors of ones and zeros, or counted."""

from typing import Any

from dlrs import ops


def encode_categories(
    ids: Any, output_mode: str, depth: int, dtype: str, axis: int = -1, count_weights: Any = None
) -> Any:
    """Integers in [0, depth) in the form named by `output_mode`.

    Args:
        ids: integers; a scalar counts as a vector of one.
        output_mode: "one_hot": a vector for each integer, in the place of a last axis of size 1 if there is one;
            "multi_hot": a vector for each sample, with ones for all that occur in it; "count": how often they do.
        depth: length of the vectors, which stand along the last axis.
        dtype: type of the result.
        axis: the axis of `ids` along which the integers of one sample stand.
        count_weights: what each integer counts, in the shape of `ids`; 1 by default.

    >>> encode_categories([[0, 1, 1]], "count", 3, "float32").tolist()
    [[1.0, 2.0, 0.0]]
    """
    ids = ops.convert_to_tensor(ids)
    if ids.ndim == 0:
        ids = ops.reshape(ids, (1,))
    if output_mode == "one_hot":
        if ids.ndim > 1 and ids.shape[-1] == 1:
            ids = ops.squeeze(ids, -1)
        return ops.one_hot(ids, depth, dtype=dtype)
    axis = axis % ids.ndim
    if output_mode == "multi_hot":
        return ops.cast(ops.any(ops.one_hot(ids, depth, dtype="bool"), axis=axis), dtype)
    ones = ops.one_hot(ids, depth, dtype=dtype)
    if count_weights is not None:
        ones = ones * ops.expand_dims(count_weights, -1)
    return ops.sum(ones, axis=axis)


def encoded_shape(
    shape: tuple[int | None, ...], output_mode: str, depth: int, axis: int = -1
) -> tuple[int | None, ...]:
    """The shape of what `encode_categories` makes of integers of this shape, None for open sizes.

    >>> encoded_shape((None, 5), "count", 3)
    (None, 3)
    """
    if not shape:
        return (1, depth) if output_mode == "one_hot" else (depth,)
    if output_mode == "one_hot":
        return (*(shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape), depth)
    axis = axis % len(shape)
    return (*shape[:axis], *shape[axis + 1 :], depth)
