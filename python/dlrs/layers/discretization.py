"""Numbers into bins."""

import math
from typing import Any

import numpy as np

from dlrs import ops
from dlrs.backend import KerasTensor
from dlrs.backend.structure import bump_structure
from dlrs.layers.category_modes import encode_categories, encoded_shape
from dlrs.layers.data_layer import DataLayer, batches_of

_MODES = ("int", "one_hot", "multi_hot", "count")
Array = np.ndarray[Any, Any]


class Discretization(DataLayer):
    """The number of the bin that each input falls into: how many of the boundaries are not above it.

    Args:
        bin_boundaries: ascending numbers; `n` of them make `n + 1` bins, the first and last of which are open.
        num_bins: number of bins whose boundaries `adapt` finds, so that all hold about as much of the data.
        epsilon: share of the data by which a boundary found may be wrong; smaller takes more memory.
        output_mode: "int": the number of the bin; "one_hot": a vector with a 1 at its place; "multi_hot" and "count":
            vectors of the bins that occur along the axis behind the batch, and of how often they do.
        sparse: must be False.
        dtype, name: as of every layer.

    With "int" the output has the shape of the inputs and the type int32; otherwise vectors stand along a last axis, and
    the type is the layer's.

    Raises:
        ValueError: an argument is none of these, both `bin_boundaries` and `num_bins` are given, or neither.

    >>> Discretization([0.0, 1.0])([-1.0, 0.0, 0.5, 7.0]).tolist()
    [0, 1, 1, 2]
    >>> layer = Discretization(num_bins=4)
    >>> layer.adapt(np.arange(100.0))
    >>> layer.bin_boundaries
    [24.0, 49.0, 74.0]
    """

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if sparse:
            raise ValueError("Discretization: `sparse` must be False, sparse tensors are not supported.")
        if output_mode not in _MODES:
            raise ValueError(f"Discretization: `output_mode` must be one of {_MODES}, got {output_mode!r}.")
        if num_bins is not None and bin_boundaries is not None:
            raise ValueError(
                f"Both `num_bins` and `bin_boundaries` should not be set. "
                f"Received: `num_bins={num_bins}` and `bin_boundaries={bin_boundaries}`"
            )
        if num_bins is None and bin_boundaries is None:
            raise ValueError("You need to set either `num_bins` or `bin_boundaries`.")
        if num_bins is not None and (isinstance(num_bins, bool) or not hasattr(num_bins, "__index__") or num_bins < 1):
            raise ValueError(f"Discretization: `num_bins` must be a positive integer, got {num_bins!r}.")
        if not isinstance(epsilon, int | float) or not 0 < epsilon <= 1:
            raise ValueError(f"Discretization: `epsilon` must be a number in (0, 1], got {epsilon!r}.")
        self.bin_boundaries = None if bin_boundaries is None else _checked_boundaries(bin_boundaries)
        self.num_bins = None if num_bins is None else int(num_bins)
        self.epsilon = epsilon
        self.output_mode = output_mode
        self.sparse = False
        self._summary = np.empty((2, 0))
        self._build_at_init()

    @property
    def output_dtype(self) -> str:
        """The type of the output."""
        return "int32" if self.output_mode == "int" else self.compute_dtype

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Find the boundaries from `data`, forgetting what was found before.

        Args:
            data: an array, or an iterable of batches or of tuples that begin with one. It is read once.
            steps: how many batches to take at most; needed if the iterable does not end.

        Raises:
            ValueError: the layer was made with `bin_boundaries`, or `data` holds nothing, or NaN. The boundaries then
                stay as they were.
        """
        if self.num_bins is None:
            raise ValueError(
                "Cannot adapt a Discretization layer that has been initialized with `bin_boundaries`, "
                "use `num_bins` instead."
            )
        summary = np.empty((2, 0))
        for batch in batches_of(data, self.name, steps):
            summary = merged(summary, summary_of(np.asarray(batch), self.epsilon), self.epsilon)
        self._set_summary(summary)

    def update_state(self, data: Any) -> None:
        """Take a batch into account; `finalize_state` then finds the boundaries."""
        self._summary = merged(self._summary, summary_of(np.asarray(data), self.epsilon), self.epsilon)

    def finalize_state(self) -> None:
        """Find the boundaries from what `update_state` was given."""
        if self.num_bins is not None:
            self._set_summary(self._summary)

    def reset_state(self) -> None:
        """Forget what `update_state` was given."""
        self._summary = np.empty((2, 0))

    def _set_summary(self, summary: Array) -> None:
        if not summary.shape[1]:
            raise ValueError("Discretization: there was no data to find the boundaries of bins from.")
        self._summary = summary
        self.bin_boundaries = compressed(summary, 1 / self.num_bins)[0, :-1].tolist()  # type: ignore[operator]
        bump_structure()

    def call(self, inputs: Any) -> Any:
        if self.bin_boundaries is None:
            raise ValueError(
                "You need to either pass the `bin_boundaries` argument at construction time or call `adapt(dataset)` "
                "before you can start using the `Discretization` layer."
            )
        bins = ops.digitize(self._working(inputs), np.asarray(self.bin_boundaries, self._working_dtype))
        if self.output_mode == "int":
            return bins
        return encode_categories(bins, self.output_mode, self._depth(), self.compute_dtype, self._sample_axis(bins))

    def _depth(self) -> int:
        return self.num_bins if self.bin_boundaries is None else len(self.bin_boundaries) + 1  # type: ignore[return-value]

    @staticmethod
    def _sample_axis(inputs: Any) -> int:
        return min(len(inputs.shape) - 1, 1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        shape = tuple(input_shape)
        if self.output_mode == "int":
            return shape
        return encoded_shape(shape, self.output_mode, self._depth(), min(len(shape) - 1, 1))

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), self.output_dtype)

    def get_config(self) -> dict[str, Any]:
        base = super().get_config()
        return {
            "bin_boundaries": self.bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "name": base["name"],
            "dtype": base["dtype"],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        if config.get("bin_boundaries") is None or config.get("num_bins") is None:
            return super().from_config(config)
        # An adapted layer: the constructor does not take both.
        layer = super().from_config({name: value for name, value in config.items() if name != "bin_boundaries"})
        layer.bin_boundaries = _checked_boundaries(config["bin_boundaries"])
        return layer


def _checked_boundaries(boundaries: Any) -> list[float]:
    array = np.asarray(boundaries)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iuf") or not np.all(array[:-1] <= array[1:]):
        raise ValueError(f"Discretization: `bin_boundaries` must be numbers in ascending order, got {boundaries!r}.")
    if array.size and np.isnan(array).any():
        raise ValueError(f"Discretization: `bin_boundaries` must not hold NaN, got {boundaries!r}.")
    return [float(value) for value in array]


def summary_of(values: Array, epsilon: float) -> Array:
    """Values that stand for all of `values`, one for each `epsilon` of them, and how many each stands for: (2, n).

    >>> summary_of(np.array([4.0, 1.0, 2.0, 3.0]), 0.5).tolist()
    [[2.0, 4.0], [2.0, 2.0]]
    """
    values = np.sort(values.astype("float64"), axis=None)
    if np.isnan(values).any():
        raise ValueError("Discretization: the data to adapt to must not hold NaN.")
    step = max(values.size * epsilon, 1.0)
    chosen = values[int(step) - 1 :: int(step)]
    return np.stack([chosen, np.full(chosen.shape, step)])


def merged(one: Array, other: Array, epsilon: float) -> Array:
    """The summary of the data of two summaries, to within `epsilon` of it."""
    both = np.concatenate([one, other], axis=1)
    return compressed(both[:, np.argsort(both[0], kind="stable")], epsilon)


def compressed(summary: Array, epsilon: float) -> Array:
    """A summary of at most `1 / epsilon` values, at equal distances in the cumulative distribution."""
    if summary.shape[1] * epsilon < 1:
        return summary
    cumulative = np.cumsum(summary[1])
    number = math.ceil(1 / epsilon - 1e-9)
    targets = np.clip(epsilon * np.arange(1, number + 1) * cumulative[-1], cumulative[0], cumulative[-1])
    return np.stack([np.interp(targets, cumulative, summary[0]), np.diff(targets, prepend=0.0)])
