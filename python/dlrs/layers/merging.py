"""Layers that join several inputs into one output, and their functional forms."""

from functools import reduce
from typing import Any

from dlrs import ops
from dlrs.layers.merge import MaskedMerge, Merge


class Add(Merge):
    """The sum of a list of inputs.

    >>> import numpy as np
    >>> Add()([np.ones((1, 2), "float32"), np.ones((1, 2), "float32")]).tolist()
    [[2.0, 2.0]]
    """

    def _merge(self, inputs: list[Any], masks: list[Any]) -> Any:
        return reduce(ops.add, inputs)


class Subtract(Merge):
    """The first of two inputs less the second.

    >>> import numpy as np
    >>> Subtract()([np.ones((1, 2), "float32"), np.ones((1, 2), "float32")]).tolist()
    [[0.0, 0.0]]
    """

    def build(self, input_shape: Any) -> None:
        if len(input_shape) != 2:
            raise ValueError(f"A `Subtract` layer should be called on exactly 2 inputs, got {len(input_shape)}.")
        super().build(input_shape)

    def _merge(self, inputs: list[Any], masks: list[Any]) -> Any:
        if len(inputs) != 2:
            raise ValueError(f"A `Subtract` layer should be called on exactly 2 inputs, got {len(inputs)}.")
        return ops.subtract(*inputs)


class Average(Merge):
    """The mean of a list of inputs.

    >>> import numpy as np
    >>> Average()([np.zeros((1, 2), "float32"), np.ones((1, 2), "float32")]).tolist()
    [[0.5, 0.5]]
    """

    def _merge(self, inputs: list[Any], masks: list[Any]) -> Any:
        return ops.divide(reduce(ops.add, inputs), len(inputs))


class Multiply(MaskedMerge):
    """The product of a list of inputs. A masked entry counts as 1 where another input is not masked.

    >>> import numpy as np
    >>> Multiply()([np.full((1, 2), 2.0, "float32"), np.full((1, 2), 3.0, "float32")]).tolist()
    [[6.0, 6.0]]
    """

    def _join(self, a: Any, b: Any) -> Any:
        return ops.multiply(a, b)


class Maximum(MaskedMerge):
    """The largest of a list of inputs, entry by entry. Masked entries are left out where another is not masked.

    >>> import numpy as np
    >>> Maximum()([np.zeros((1, 2), "float32"), np.ones((1, 2), "float32")]).tolist()
    [[1.0, 1.0]]
    """

    def _join(self, a: Any, b: Any) -> Any:
        return ops.maximum(a, b)


class Minimum(MaskedMerge):
    """The smallest of a list of inputs, entry by entry. Masked entries are left out where another is not masked.

    >>> import numpy as np
    >>> Minimum()([np.zeros((1, 2), "float32"), np.ones((1, 2), "float32")]).tolist()
    [[0.0, 0.0]]
    """

    def _join(self, a: Any, b: Any) -> Any:
        return ops.minimum(a, b)


def add(inputs: Any, **kwargs: Any) -> Any:
    """`Add()(inputs)`.

    >>> add([ops.array([1.0]), ops.array([2.0])]).tolist()
    [3.0]
    """
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """`Subtract()(inputs)`.

    >>> subtract([ops.array([3.0]), ops.array([2.0])]).tolist()
    [1.0]
    """
    return Subtract(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """`Average()(inputs)`.

    >>> average([ops.array([1.0]), ops.array([2.0])]).tolist()
    [1.5]
    """
    return Average(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """`Multiply()(inputs)`.

    >>> multiply([ops.array([3.0]), ops.array([2.0])]).tolist()
    [6.0]
    """
    return Multiply(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """`Maximum()(inputs)`.

    >>> maximum([ops.array([1.0]), ops.array([2.0])]).tolist()
    [2.0]
    """
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """`Minimum()(inputs)`.

    >>> minimum([ops.array([1.0]), ops.array([2.0])]).tolist()
    [1.0]
    """
    return Minimum(**kwargs)(inputs)
