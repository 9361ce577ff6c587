"""The base of layers that join several inputs into one output, entry by entry."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

from dlrs import ops
from dlrs.backend import get_keras_mask
from dlrs.layers.layer import Layer

Shape = tuple[int | None, ...]


def check_lists(inputs: Any, mask: Any) -> None:
    """Raise ValueError unless `inputs` and `mask` are lists of one length."""
    if not isinstance(mask, list | tuple):
        raise ValueError(f"`mask` should be a list. Received: mask={mask}")
    if not isinstance(inputs, list | tuple):
        raise ValueError(f"`inputs` should be a list. Received: inputs={inputs}")
    if len(mask) != len(inputs):
        raise ValueError(
            f"The lists `inputs` and `mask` should have the same length. Received: inputs of length {len(inputs)} "
            f"and mask of length {len(mask)}."
        )


def check_shapes(name: str, shapes: Any) -> list[Shape]:
    """The shapes of the inputs of a merging layer; ValueError unless there is a list of them with one batch size."""
    if not isinstance(shapes, list | tuple) or not shapes or not isinstance(shapes[0], list | tuple):
        raise ValueError(f"A merge layer should be called on a list of at least 1 input, {name} got shapes {shapes}.")
    batches = {shape[0] for shape in shapes if shape} - {None}
    if len(batches) > 1:
        raise ValueError(f"Cannot merge tensors with different batch sizes, {name} got shapes {shapes}.")
    return [tuple(shape) for shape in shapes]


def _lift(shape: Shape, rank: int) -> Shape:
    """`shape` with axes of size 1 put behind the batch axis until it has `rank` axes."""
    return (*shape[:1], *(1,) * (rank - len(shape)), *shape[1:])


def _broadcast_size(name: str, sizes: Sequence[int | None], shapes: Sequence[Shape]) -> int | None:
    known = set(sizes) - {1, None}
    if len(known) > 1:
        raise ValueError(f"{name}: inputs of shapes {', '.join(map(str, shapes))} cannot be broadcast together.")
    return known.pop() if known else (None if None in sizes else 1)


class Merge(Layer):
    """Joins its inputs, a list of tensors, by an operation on entries. Inputs of fewer axes are broadcast.

    The output is masked where all inputs are; an input without a mask leaves the output without one.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Check the number and the batch sizes of the inputs."""
        self.compute_output_shape(input_shape)
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = check_shapes(type(self).__name__, input_shape)
        rank = max(map(len, shapes))
        columns = zip(*(_lift(shape, rank) for shape in shapes), strict=True)
        return tuple(_broadcast_size(type(self).__name__, sizes, shapes) for sizes in columns)

    def call(self, inputs: Any) -> Any:
        inputs = list(inputs)
        for x in inputs:
            if not hasattr(x, "ndim"):
                raise TypeError(f"{type(self).__name__}: `inputs` must be a list of tensors, got one with {x!r}.")
        masks = [get_keras_mask(x) for x in inputs]
        rank = max(x.ndim for x in inputs)
        return self._merge([ops.reshape(x, _lift(x.shape, rank)) if x.ndim < rank else x for x in inputs], masks)

    def _merge(self, inputs: list[Any], masks: list[Any]) -> Any:
        """The joined inputs, all of one rank."""
        raise self._lacks("_merge")

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return None
        check_lists(inputs, mask)
        if any(one is None for one in mask):
            return None
        return reduce(ops.logical_or, mask)


class MaskedMerge(Merge):
    """A merge in which a masked entry has no say where another input is not masked, or has no mask."""

    def _merge(self, inputs: list[Any], masks: list[Any]) -> Any:
        if all(mask is None for mask in masks):
            return reduce(self._join, inputs)
        kept = [self._kept(x, mask) for x, mask in zip(inputs, masks, strict=True)]
        joined, seen = inputs[0], kept[0]
        for x, mask in zip(inputs[1:], kept[1:], strict=True):
            joined = ops.where(mask, ops.where(seen, self._join(joined, x), x), joined)
            seen = ops.logical_or(seen, mask)
        return ops.where(seen, joined, ops.zeros_like(joined))

    def _kept(self, x: Any, mask: Any) -> Any:
        """Which entries of `x` count, with axes that broadcast; all of them if it has no mask."""
        if mask is None:
            return ops.ones((1,) * x.ndim, dtype="bool")
        return ops.expand_dims(mask, -1) if mask.ndim < x.ndim else mask

    def _join(self, a: Any, b: Any) -> Any:
        raise self._lacks("_join")
