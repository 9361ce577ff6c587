"""Concatenation of inputs."""

from typing import Any

from dlrs import ops
from dlrs.layers.merge import Merge, Shape, check_lists, check_shapes


class Concatenate(Merge):
    """Puts a list of inputs one behind the other along an axis.

    Args:
        axis: the axis; all other sizes must agree.
        **kwargs: `name`, `dtype`.

    An input without a mask counts as not masked, if another has one.

    >>> import numpy as np
    >>> Concatenate()([np.zeros((2, 3), "float32"), np.ones((2, 1), "float32")]).shape
    (2, 4)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(axis, bool) or not isinstance(axis, int):
            raise ValueError(f"Concatenate: `axis` must be an integer, got {axis!r}.")
        self.axis = axis

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = check_shapes("Concatenate", input_shape)
        rank = len(shapes[0])
        if not all(len(shape) == rank for shape in shapes) or not -rank <= self.axis < rank:
            raise ValueError(
                f"A `Concatenate` layer along axis {self.axis} requires inputs of one rank that have it, got shapes "
                f"{shapes}."
            )
        axis = self.axis % rank
        output: list[int | None] = []
        for place, sizes in enumerate(zip(*shapes, strict=True)):
            known = {size for size in sizes if size is not None}
            if place == axis:
                output.append(None if None in sizes else sum(filter(None, sizes)))
            elif len(known) > 1:
                raise ValueError(
                    "A `Concatenate` layer requires inputs with matching shapes except for the concatenation axis. "
                    f"Received: input_shape={shapes}, axis={self.axis}"
                )
            else:
                output.append(known.pop() if known else None)
        return tuple(output)

    def call(self, inputs: Any) -> Any:
        return ops.concatenate(list(inputs), axis=self.axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return None
        check_lists(inputs, mask)
        if all(one is None for one in mask):
            return None
        entries = [self._entry_mask(x, one) for x, one in zip(inputs, mask, strict=True)]
        return ops.any(ops.concatenate(entries, axis=self.axis), axis=-1)

    def _entry_mask(self, x: Any, mask: Any) -> Any:
        """The mask of `x`, one value for each entry."""
        if mask is None:
            return ops.ones_like(x, dtype="bool")
        mask = ops.cast(mask, "bool")
        if mask.ndim == x.ndim - 1:
            mask = ops.logical_and(ops.expand_dims(mask, -1), ops.ones_like(x, dtype="bool"))
        return mask

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """`Concatenate(axis)(inputs)`.

    >>> concatenate([ops.array([[1.0]]), ops.array([[2.0]])]).tolist()
    [[1.0, 2.0]]
    """
    return Concatenate(axis=axis, **kwargs)(inputs)
