"""Normalization by the statistics of a whole data set."""

import math
from typing import Any

import numpy as np

from dlrs import ops
from dlrs.backend import epsilon
from dlrs.layers.data_layer import DataLayer, batches_of

# Elements read at once, so that the doubles made of a large array stay small.
_CHUNK = 1 << 20


class Moments:
    """Mean and variance of the data seen so far, merged part by part in double precision.

    Parts are joined as in Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
    variances" (1979).

    Args:
        axes: the axes averaged over; the others keep values of their own.

    >>> moments = Moments((0,))
    >>> moments.add(np.array([[1.0], [2.0]]))
    >>> moments.add(np.array([[6.0]]))
    >>> moments.mean.tolist(), moments.variance.round(3).tolist()
    ([3.0], [4.667])
    """

    def __init__(self, axes: tuple[int, ...]) -> None:
        self.axes = axes
        self.count = 0
        self.mean: Any = 0.0
        self._squares: Any = 0.0

    def add(self, batch: np.ndarray[Any, Any]) -> None:
        """Take `batch` into account."""
        rows = max(1, _CHUNK * len(batch) // max(batch.size, 1)) if 0 in self.axes else len(batch)
        for start in range(0, len(batch), max(rows, 1)):
            self._merge(batch[start : start + rows].astype("float64"))

    def _merge(self, part: np.ndarray[Any, Any]) -> None:
        count = math.prod(part.shape[axis] for axis in self.axes)
        if not count:
            return
        mean = part.mean(axis=self.axes, keepdims=True)
        squares = np.square(part - mean).sum(axis=self.axes)
        shift = mean.squeeze(self.axes) - self.mean
        total = self.count + count
        self.mean = self.mean + shift * (count / total)
        self._squares = self._squares + squares + np.square(shift) * (self.count * count / total)
        self.count = total

    @property
    def variance(self) -> Any:
        """The mean of the squares of the distances from the mean."""
        return self._squares / self.count


class Normalization(DataLayer):
    """`(inputs - mean) / sqrt(variance)`, with the statistics of a data set, so that features compare.

    Args:
        axis: the axis, or axes, that keep statistics of their own for every index; None for one mean of all elements.
        mean: the mean, if it is known; broadcast to the shape of the kept axes.
        variance: the variance, if it is known; given together with `mean`, in the same shape.
        invert: compute `mean + inputs * sqrt(variance)` instead.
        **kwargs: `name`, `dtype`, `trainable`.

    The output has the shape of the inputs and the layer's type. Standard deviations below `epsilon()` count as that.

    Raises:
        ValueError: only one of `mean` and `variance` is given, their shapes differ, or an axis is out of range or of
            open size.

    >>> layer = Normalization()
    >>> layer.adapt(np.array([[0.0, 7.0], [2.0, 9.0]]))
    >>> layer(np.array([[0.0, 9.0]])).tolist()
    [[-1.0, 1.0]]
    >>> Normalization(axis=None, mean=3.0, variance=4.0)([1.0, 5.0]).tolist()
    [-1.0, 1.0]
    """

    def __init__(self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        if (mean is None) != (variance is None):
            raise ValueError(
                f"Normalization: both `mean` and `variance` must be set, or none. "
                f"Received: mean={mean} and variance={variance}"
            )
        if np.shape(mean) != np.shape(variance):
            raise ValueError(
                f"Normalization: `mean` and `variance` must have the same shape. "
                f"Received: shapes {np.shape(mean)} and {np.shape(variance)}"
            )
        if np.ndim(mean) > len(self.axis):
            raise ValueError(
                f"Normalization: the rank of `mean` must be less than or equal to the number of axes "
                f"({len(self.axis)}). Received: mean shape {np.shape(mean)} for axis {self.axis}"
            )
        self.input_mean = mean
        self.input_variance = variance
        self.invert = bool(invert)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        ndim = len(input_shape)
        if any(not -ndim <= axis < ndim for axis in self.axis):
            raise ValueError(
                f"All `axis` values must be in the range [-ndim, ndim). "
                f"Received inputs with ndim={ndim}, while axis={self.axis}"
            )
        kept = tuple(sorted({axis % ndim for axis in self.axis}))
        if any(input_shape[axis] is None for axis in kept):
            raise ValueError(
                f"All `axis` values to be kept must have a known shape. "
                f"Received axis={self.axis}, inputs.shape={tuple(input_shape)}"
            )
        self._kept = kept
        self._broadcast_shape = tuple(input_shape[i] if i in kept else 1 for i in range(ndim))
        if self.input_mean is None:
            shape = tuple(input_shape[axis] for axis in kept)
            self.adapt_mean = self.add_weight(shape, "zeros", trainable=False, autocast=False, name="mean")
            self.adapt_variance = self.add_weight(shape, "ones", trainable=False, autocast=False, name="variance")
            # Without a use here: it keeps the number of weights that Keras's files have.
            self.count = self.add_weight((), "zeros", "int32", trainable=False, name="count")
        else:
            self._given = [self._spread(value) for value in (self.input_mean, self.input_variance)]

    def _spread(self, value: Any) -> np.ndarray[Any, Any]:
        """`value`, aligned with the last kept axes, for every index of the kept axes."""
        array = np.asarray(value, "float64")
        shape = [1] * len(self._broadcast_shape)
        for axis, size in zip(reversed(self._kept), reversed(array.shape), strict=False):
            shape[axis] = size
        try:
            return np.broadcast_to(array.reshape(shape), self._broadcast_shape).copy()
        except ValueError:
            raise ValueError(
                f"Normalization: `mean` and `variance` of shape {array.shape} do not fit axis={self.axis} of inputs, "
                f"which keep the shape {tuple(self._broadcast_shape[axis] for axis in self._kept)}."
            ) from None

    @property
    def mean(self) -> Any:
        """The mean, in a shape that broadcasts with the inputs; None before the layer is built."""
        return ops.cast(self._statistic(0), self.compute_dtype) if self.built else None

    @property
    def variance(self) -> Any:
        """The variance, in a shape that broadcasts with the inputs; None before the layer is built."""
        return ops.cast(self._statistic(1), self.compute_dtype) if self.built else None

    def _statistic(self, which: int) -> Any:
        if self.input_mean is not None:
            return ops.convert_to_tensor(self._given[which], self._working_dtype)
        variable = (self.adapt_mean, self.adapt_variance)[which]
        return ops.cast(ops.reshape(variable.value, self._broadcast_shape), self._working_dtype)

    def adapt(self, data: Any) -> None:
        """Take mean and variance from `data`, forgetting what was learned before.

        Args:
            data: an array of samples, or an iterable of batches or of tuples that begin with one. It is read once.

        Raises:
            ValueError: there is nothing to learn from, the shape does not fit that the layer was built with, or the
                layer was made with a `mean`. The layer's statistics then stay as they were.
            TypeError: a batch is not an array.
        """
        if self.input_mean is not None:
            raise ValueError("Normalization: a layer made with `mean` and `variance` cannot be adapted.")
        moments: Moments | None = None
        for batch in batches_of(data, self.name):
            shape = getattr(batch, "shape", None)
            if shape is None:
                raise TypeError(
                    f"adapt() expects an iterable of arrays or tensors, which have a `.shape`. "
                    f"Got an element of type {type(batch).__name__}."
                )
            self._fit_to(tuple(shape))
            if moments is None:
                moments = Moments(tuple(i for i in range(len(shape)) if i not in self._kept))
            moments.add(np.asarray(batch))
        if moments is None or not moments.count:
            raise ValueError("adapt() received data without samples.")
        self.adapt_mean.assign(moments.mean)
        self.adapt_variance.assign(moments.variance)

    def _fit_to(self, shape: tuple[int, ...]) -> None:
        if not self.built:
            self.build(shape)
        kept = {axis: self._broadcast_shape[axis] for axis in self._kept}
        if len(shape) != len(self._broadcast_shape) or any(shape[axis] != size for axis, size in kept.items()):
            raise ValueError(
                f"The layer was built for inputs of {len(self._broadcast_shape)} axes with the sizes {kept}, but "
                f"adapt() is being called with data of an incompatible shape, data.shape={shape}"
            )

    def call(self, inputs: Any) -> Any:
        x, mean = self._working(inputs), self._statistic(0)
        deviation = ops.maximum(ops.sqrt(self._statistic(1)), epsilon())
        outputs = mean + x * deviation if self.invert else (x - mean) / deviation
        return ops.cast(outputs, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "invert": self.invert,
            "mean": None if self.input_mean is None else np.asarray(self.input_mean).tolist(),
            "variance": None if self.input_variance is None else np.asarray(self.input_variance).tolist(),
        }
