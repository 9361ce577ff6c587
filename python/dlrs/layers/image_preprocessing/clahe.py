"""Equalization of histograms tile by tile, with a limit to contrast."""

from typing import Any

import numpy as np

from dlrs import ops
from dlrs.backend import is_float_dtype
from dlrs.layers.image_preprocessing.base import ImageLayer, check_value_range
from dlrs.layers.spatial_arguments import standardize_sizes

LEVELS = 256


class ContrastLimitedAdaptiveHistogramEqualization(ImageLayer):
    """Spreads the values of each channel by the histograms of the tiles around a pixel (CLAHE), training or not.

    In each tile of an image the counts of 256 values are cut to `clip_limit` times their mean, what was cut off is
    shared out to all, and values become their ranks. A pixel takes the ranks of the four tiles whose centres are around
    it, weighted by its distances from them.

    Args:
        value_range: least and largest value.
        clip_limit: greatest count of a value, in multiples of the mean; 0 for no limit.
        tile_grid_size: (rows, columns) of tiles; images that they do not divide are mirrored at their ends.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    Results of integers are integers, as in Keras.

    Source: Zuiderveld 1994, "Contrast limited adaptive histogram equalization".

    Raises:
        ValueError: an argument is none of these; images that are not of rank 3 or 4.

    >>> import numpy as np
    >>> layer = ContrastLimitedAdaptiveHistogramEqualization(clip_limit=0, tile_grid_size=1)
    >>> layer(np.array([[[10.0], [20.0], [30.0]]])).tolist()
    [[[85.0], [170.0], [255.0]]]
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        clip_limit: float = 4.0,
        tile_grid_size: Any = (8, 8),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = check_value_range(self, value_range)
        if isinstance(clip_limit, bool) or not isinstance(clip_limit, int | float) or not 0 <= clip_limit <= 1e9:
            raise ValueError(
                f"{type(self).__name__}: `clip_limit` must be a number from 0 to 1e9, got {clip_limit!r:.60}."
            )
        self.clip_limit = clip_limit
        self.tile_grid_size = standardize_sizes(tile_grid_size, 2, "tile_grid_size")
        if max(self.tile_grid_size) > 1 << 10:
            raise ValueError(
                f"{type(self).__name__}: `tile_grid_size` must be at most 1024, got {self.tile_grid_size}."
            )

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        """The images with their values spread."""
        low, high = self.value_range
        axis = 1 if self.data_format == "channels_first" else -1
        values = (self._working(images) - low) * (255 / (high - low))
        result = ops.moveaxis(self._equalized(ops.moveaxis(values, axis, 1)), 1, axis)
        dtype = self.compute_dtype if is_float_dtype(images.dtype) else images.dtype
        return ops.cast(result * ((high - low) / 255) + low, dtype)

    def _equalized(self, values: Any) -> Any:
        """Of values from 0 to 255 (batch, channels, height, width)."""
        height, width = values.shape[2:]
        tile = tuple(-(-size // number) for size, number in zip((height, width), self.tile_grid_size, strict=True))
        missing = [[0, t * n - size] for t, n, size in zip(tile, self.tile_grid_size, (height, width), strict=True)]
        values = ops.pad(values, [[0, 0], [0, 0], *missing], mode="symmetric")
        levels = ops.cast(ops.clip(values, 0, LEVELS - 1), "int32")
        ranks = ops.reshape(self._ranks(levels, tile), (-1,))
        return self._interpolated(ranks, levels, tile)[:, :, :height, :width]

    def _ranks(self, levels: Any, tile: Any) -> Any:
        """For each tile what values become, (batch * channels, rows, columns, 256)."""
        (rows, columns), area = self.tile_grid_size, tile[0] * tile[1]
        images = levels.shape[0] * levels.shape[1]
        tiles = ops.reshape(levels, (images, rows, tile[0], columns, tile[1]))
        tiles = ops.reshape(ops.transpose(tiles, (0, 1, 3, 2, 4)), (-1, area))
        number = images * rows * columns
        keys = ops.reshape(tiles + ops.reshape(ops.arange(number, dtype="int32") * LEVELS, (-1, 1)), (-1,))
        counts = ops.segment_sum(ops.ones(keys.shape, self._working_dtype), keys, number * LEVELS)
        counts = ops.reshape(counts, (number, LEVELS))
        if self.clip_limit > 0:
            clipped = ops.minimum(counts, self.clip_limit * area / LEVELS)
            counts = clipped + ops.sum(counts - clipped, axis=-1, keepdims=True) / LEVELS
        below = ops.cumsum(counts, axis=-1)
        least = below[:, :1]
        above = area - least
        ranks = (below - least) * 255.0 / ops.where(above == 0, 1.0, above)
        return ops.reshape(ops.clip(ranks, 0, 255), (images, rows, columns, LEVELS))

    def _interpolated(self, ranks: Any, levels: Any, tile: Any) -> Any:
        rows, columns = self.tile_grid_size
        images = np.arange(levels.shape[0] * levels.shape[1], dtype=np.int32).reshape(*levels.shape[:2], 1, 1)
        (above, below, down), (left, right, across) = (
            _between(number, length) for number, length in zip((rows, columns), tile, strict=True)
        )
        down, across = down[:, None], across[None]

        def at(y: Any, x: Any) -> Any:
            place = (images * rows + y[:, None]) * columns + x[None]
            return ops.take(ranks, levels + (place * LEVELS).astype(np.int32))

        upper = at(above, left) * (1 - across) + at(above, right) * across
        lower = at(below, left) * (1 - across) + at(below, right) * across
        return upper * (1 - down) + lower * down

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "value_range": self.value_range,
            "clip_limit": self.clip_limit,
            "tile_grid_size": self.tile_grid_size,
        }


def _between(number: int, length: int) -> tuple[Any, Any, Any]:
    """For each pixel of `number` tiles the ones whose centres are before and after it, and how far it is between."""
    place = (np.arange(number * length, dtype=np.float32) - length / 2) / length
    before = np.floor(place)
    near = [np.clip(before + i, 0, number - 1).astype(np.int32) for i in (0, 1)]
    return near[0], near[1], (place - before).astype(np.float32)
