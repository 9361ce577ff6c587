"""Dot products of two inputs, sample by sample."""

from typing import Any

from dlrs import ops
from dlrs.layers.merge import Merge, Shape, check_shapes


class Dot(Merge):
    """The products of two inputs, summed over one axis of each, sample by sample.

    Args:
        axes: the axis of both, or (of the first, of the second); not the batch axis, 0.
        normalize: divide by the L2 norms along the axes first, which gives the cosine of the angle.
        **kwargs: `name`, `dtype`.

    Shapes: (batch, *a) and (batch, *b) to (batch, *a without its axis, *b without its axis), with a last axis of size 1
    if nothing else is left.

    >>> import numpy as np
    >>> x = np.arange(6, dtype="float32").reshape(2, 3)
    >>> Dot(axes=1)([x, x]).tolist()
    [[5.0], [50.0]]
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pair = (axes, axes) if isinstance(axes, int) else axes
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise TypeError(f"Invalid type for argument `axes`: it should be an integer or two, got {axes!r}.")
        if not all(isinstance(axis, int) and not isinstance(axis, bool) for axis in pair):
            raise ValueError(f"Invalid format for argument `axes`: its elements should be integers, got {axes!r}.")
        self._set_untracked("axes", axes if isinstance(axes, int) else tuple(axes))
        self._set_untracked("_pair", tuple(pair))
        self.normalize = normalize

    axes: int | tuple[int, int]
    _pair: tuple[int, int]

    def _contracted(self, shapes: list[Shape]) -> tuple[int, int]:
        """The axes summed over, counted from the front."""
        if len(shapes) != 2:
            raise ValueError(f"A `Dot` layer should be called on exactly 2 inputs, got {len(shapes)}.")
        found = []
        for shape, axis in zip(shapes, self._pair, strict=True):
            if not -len(shape) < axis < len(shape) or axis == 0:
                raise ValueError(f"Dot: axis {axis} is the batch axis or not one of the input shape {shape}.")
            found.append(axis % len(shape))
        sizes = [shape[axis] for shape, axis in zip(shapes, found, strict=True)]
        if None not in sizes and sizes[0] != sizes[1]:
            raise ValueError(f"Dot: inputs of shapes {shapes[0]} and {shapes[1]} differ along the axes {self.axes}.")
        return found[0], found[1]

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = check_shapes("Dot", input_shape)
        left, right = self._contracted(shapes)
        a, b = shapes
        output = (a[0] if a[0] is not None else b[0], *a[1:left], *a[left + 1 :], *b[1:right], *b[right + 1 :])
        return output if len(output) > 1 else (*output, 1)

    def call(self, inputs: Any) -> Any:
        a, b = inputs
        left, right = self._contracted([tuple(a.shape), tuple(b.shape)])
        if self.normalize:
            a, b = ops.normalize(a, axis=left), ops.normalize(b, axis=right)
        letters = iter("bcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
        first = ["a", *("Z" if axis == left else next(letters) for axis in range(1, a.ndim))]
        second = ["a", *("Z" if axis == right else next(letters) for axis in range(1, b.ndim))]
        free = [letter for letter in (*first[1:], *second[1:]) if letter != "Z"]
        product = ops.einsum(f"{''.join(first)},{''.join(second)}->a{''.join(free)}", a, b)
        return product if free else ops.expand_dims(product, 1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        return None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """`Dot(axes)(inputs)`.

    >>> dot([ops.array([[1.0, 2.0]]), ops.array([[3.0, 4.0]])], axes=1).tolist()
    [[11.0]]
    """
    return Dot(axes=axes, **kwargs)(inputs)
