"""Equalization of histograms."""

from typing import Any

import numpy as np

from dlrs import ops
from dlrs.layers.image_preprocessing.base import ImageLayer, check_value_range


class Equalization(ImageLayer):
    """Spreads the values of each channel so that every one of them is about as frequent, while training.

    Each value becomes its rank: 255 (n(v) - n(v₀)) / (n - n(v₀)), rounded, where n(v) pixels are at most v, and v₀ is
    the least value. As in Keras the pixels of a batch are counted together.

    Args:
        value_range: least and largest value; results lie in it.
        bins: how many values are told apart.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    A channel of one value stays as it is.

    Raises:
        ValueError: an argument is none of these; images that are not of rank 3 or 4.

    >>> import numpy as np
    >>> Equalization()(np.array([[[10.0], [20.0], [30.0], [20.0]]])).tolist()
    [[[0.0], [170.0], [255.0], [170.0]]]
    """

    def __init__(
        self, value_range: Any = (0, 255), bins: int = 256, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = check_value_range(self, value_range)
        if isinstance(bins, bool) or not isinstance(bins, int | np.integer) or not 1 <= bins <= 1 << 20:
            raise ValueError(f"Equalization: `bins` must be an integer from 1 to 2^20, got {bins!r}.")
        self.bins = int(bins)

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        """The images with their values spread."""
        if not training:
            return images
        images = self._working(images)
        low, high = self.value_range
        axis = 1 if self.data_format == "channels_first" else -1
        values = ops.moveaxis((images - low) * (255 / (high - low)), axis, 0)
        equalized = ops.moveaxis(self._equalized(values) * ((high - low) / 255) + low, 0, axis)
        return ops.cast(equalized, self.compute_dtype)

    def _equalized(self, values: Any) -> Any:
        """Of values from 0 to 255, with the channels first."""
        channels, bins = values.shape[0], self.bins
        offset = ops.reshape(ops.arange(channels, dtype="int32") * bins, (channels, 1))
        flat = ops.reshape(values, (channels, -1))
        # Keras finds the place in the histogram and that in the table by these two ways.
        counted = ops.cast(ops.clip(flat * (bins - 1) / 255, 0, bins - 1), "int32") + offset
        looked_up = ops.cast(ops.clip((flat / 255) * (bins - 1), 0, bins - 1), "int32") + offset
        ones = ops.ones_like(ops.reshape(counted, (-1,)))
        histogram = ops.reshape(ops.segment_sum(ones, ops.reshape(counted, (-1,)), channels * bins), (channels, bins))
        below = ops.cast(ops.cumsum(histogram, axis=1), "float64")
        number = below[:, -1:]
        least = ops.min(ops.where(below > 0, below, number), axis=1, keepdims=True)
        table = ops.round((below - least) * 255 / ops.where(number > least, number - least, 1.0))
        table = ops.cast(ops.reshape(table, (-1,)), values.dtype)
        constant = ops.sum(ops.cast(histogram > 0, "int32"), axis=1, keepdims=True) <= 1
        return ops.reshape(ops.where(constant, flat, ops.take(table, looked_up)), values.shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "value_range": self.value_range, "bins": self.bins}
