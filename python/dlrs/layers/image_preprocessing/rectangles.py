"""Layers that put something else into a rectangle of an image, and that mix images with one another."""

from typing import Any, ClassVar

import numpy as np

from dlrs import ops, random
from dlrs.layers.image_preprocessing.base import RandomImageLayer, Sizes, Stage, check_range, check_value_range


class _RectangleLayer(RandomImageLayer):
    """A layer that draws a rectangle in each image."""

    def _bounds(self, length: int, shares: Any, seed: Any) -> tuple[Any, Any]:
        """Where a part of `shares` of a side starts and ends."""
        part = shares * float(length)
        start = self._uniform(part.shape, 0.0, 1.0, seed) * (length - part)
        return start, start + part

    def _inside(self, sizes: Sizes, rows: tuple[Any, Any], columns: tuple[Any, Any]) -> Any:
        """Truth values (batch, height, width, 1), or with the channels first."""
        shape = (-1, 1, 1, 1)
        y, x = np.arange(sizes.height, dtype="float32"), np.arange(sizes.width, dtype="float32")
        first = self.data_format == "channels_first"
        y, x = (y[:, None], x[None, :]) if first else (y[:, None, None], x[None, :, None])
        top, bottom, left, right = (ops.reshape(edge, shape) for edge in (*rows, *columns))
        within = ops.logical_and(ops.greater_equal(y, top), ops.less(y, bottom))
        return ops.logical_and(within, ops.logical_and(ops.greater_equal(x, left), ops.less(x, right)))


class RandomErasing(_RectangleLayer):
    """Covers a random rectangle of each image while training.

    Sources: DeVries and Taylor, "Cutout", arXiv 1708.04552; Zhong et al., "Random erasing", arXiv 1708.04896.

    Args:
        factor: range of the probability that an image is changed, from 0 to 1, or a number f for (0, f).
        scale: range of the shares whose square roots are the rectangle's shares of the sides, likewise.
        fill_value: number, or one for each of three channels; None for normal noise.
        value_range: least and largest value of what is filled in.
        seed: integer that fixes the draws.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    Raises:
        ValueError: numbers out of range, or a `fill_value` that is none of these.

    >>> import numpy as np
    >>> erased = RandomErasing((1.0, 1.0), scale=(0.25, 0.25), fill_value=0, seed=1)(np.ones((1, 8, 8, 1)))
    >>> float(erased.numpy().sum())
    48.0
    """

    _factor_bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = (0.02, 0.33),
        fill_value: Any = None,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        self._set_factor(factor)
        self.scale = check_range(self, "scale", scale, (0.0, 1.0))
        numbers = fill_value if isinstance(fill_value, tuple | list) else [fill_value]
        largest = float(np.finfo(np.float32).max)
        good = all(isinstance(x, int | float) and not isinstance(x, bool) and abs(x) <= largest for x in numbers)
        if fill_value is not None and not (good and (numbers is not fill_value or len(numbers) == 3)):
            raise ValueError(
                "RandomErasing: The `fill_value` argument should be a number (or a list of three numbers) that a "
                f"float32 holds, got {fill_value!r}."
            )
        self.fill_value = fill_value
        self.value_range = check_value_range(self, value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        sizes = self._sizes(data)
        shares = ops.sqrt(self._uniform((sizes.batch, 2), *self.scale, seed))
        columns = self._bounds(sizes.width, shares[:, 0], seed)
        rows = self._bounds(sizes.height, shares[:, 1], seed)
        return {
            "apply_erasing": self._happens(sizes.batch, self.factor, seed),
            "batch_masks": self._inside(sizes, rows, columns),
            "fill_value": self._filling(sizes, seed),
            "rectangles": (*rows, *columns),
        }

    def _filling(self, sizes: Sizes, seed: Any) -> Any:
        first = self.data_format == "channels_first"
        if self.fill_value is None:
            _, height, width, channels = sizes
            shape = (channels, height, width) if first else (height, width, channels)
            draws = random.normal((sizes.batch, *shape), seed=self.generator if seed is None else seed)
            return ops.clip(draws * self.value_range[1], *self.value_range)
        values = np.clip(np.asarray(self.fill_value, "float32").reshape(-1), *self.value_range)
        return values.reshape((-1, 1, 1) if first else (-1,))

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        applies = ops.reshape(transformation["apply_erasing"], self._per_image)
        covered = ops.logical_and(transformation["batch_masks"], applies)
        filling = ops.cast(ops.convert_to_tensor(transformation["fill_value"]), images.dtype)
        return ops.where(covered, filling, images)

    def _fusion_kind(self, sizes: Sizes) -> str:
        return "" if self.fill_value is None else "colours"

    def _stages(self, sizes: Sizes, transformation: Any) -> list[Stage]:
        # The pixels between two edges are those from the first whole number on to the last before the second.
        edges = [np.ceil(ops.convert_to_numpy(edge)) for edge in transformation["rectangles"]]
        top, bottom, left, right = edges
        bottom = np.where(ops.convert_to_numpy(transformation["apply_erasing"]), bottom, 0)
        colour = np.broadcast_to(transformation["fill_value"].reshape(1, -1), (len(top), sizes.channels))
        numbers = np.concatenate([np.stack([top, left, bottom, right], axis=1), colour], axis=1)
        return [Stage("erase", numbers)]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor": self.factor,
            "scale": self.scale,
            "fill_value": self.fill_value,
            "value_range": self.value_range,
        }


def _partners(x: Any, order: Any) -> Any:
    return ops.take(x, ops.convert_to_tensor(order), axis=0)


class MixUp(RandomImageLayer):
    """Mixes each image, and its label, with another one of the batch while training (Zhang et al., arXiv 1710.09412).

    Args:
        alpha: both parameters of the beta distribution that the share of the first image is drawn from.
        data_format: `"channels_last"` or `"channels_first"`.
        seed: integer that fixes the draws.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    Labels are mixed if the input is a dict that holds them; they must be numbers that may be mixed, as one-hot rows.

    >>> import numpy as np
    >>> data = {"images": np.ones((4, 2, 2, 1)), "labels": np.eye(4, dtype="float32")}
    >>> MixUp(seed=1)(data)["labels"].numpy().sum(axis=1).round(4).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """

    def __init__(
        self, alpha: float = 0.2, data_format: str | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 < alpha < float("inf"):
            raise ValueError(f"MixUp: `alpha` must be a positive number, got {alpha!r}.")
        self.alpha = alpha

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        batch = self._sizes(data).batch
        seed = self.generator if seed is None else seed
        order = random.shuffle(ops.arange(batch, dtype="int32"), seed=seed)
        return {
            "mix_weight": random.beta((batch,), float(self.alpha), float(self.alpha), seed=seed),
            "permutation_order": order,
        }

    def _mix(self, x: Any, transformation: Any, rank: int) -> Any:
        share = ops.cast(ops.convert_to_tensor(transformation["mix_weight"]), x.dtype)
        share = ops.reshape(share, (-1,) + (1,) * (rank - 1))
        return share * x + (1.0 - share) * _partners(x, transformation["permutation_order"])

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        return self._mix(images, transformation, 4)

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        if not training or transformation is None:
            return labels
        labels = self._working(labels)
        return self._mix(labels, transformation, labels.ndim)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """The boxes of both images."""
        if not training or transformation is None:
            return bounding_boxes
        order = transformation["permutation_order"]
        boxes, labels = (ops.convert_to_tensor(bounding_boxes[key]) for key in ("boxes", "labels"))
        return {
            "boxes": ops.concatenate([boxes, _partners(boxes, order)], axis=1),
            "labels": ops.concatenate([labels, _partners(labels, order)], axis=min(1, labels.ndim - 1)),
        }

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        if not training or transformation is None:
            return segmentation_masks
        return self._mix(self._working(segmentation_masks), transformation, 4)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}


class CutMix(_RectangleLayer):
    """Puts a rectangle of another image of the batch into each image while training, and mixes labels by its area.

    Args:
        factor: range of both parameters of the beta distribution that the share of the first image is drawn from, from
            0 to 1, or a number f for (0, f).
        seed: integer that fixes the draws.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: `bounding_box_format`, `name`, `dtype`. Boxes are refused.

    Source: Yun et al., arXiv 1905.04899.

    >>> import numpy as np
    >>> data = {"images": np.ones((4, 8, 8, 1)), "labels": np.eye(4, dtype="float32")}
    >>> CutMix(seed=1)(data)["labels"].numpy().sum(axis=1).round(4).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """

    _factor_bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __init__(
        self, factor: Any = 1.0, seed: int | None = None, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        self._set_factor(factor)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        images = data["images"] if isinstance(data, dict) else data
        if not training or len(images.shape) == 3:
            return None
        sizes = self._sizes(data)
        seed = self.generator if seed is None else seed
        alpha = self._uniform((), *self.factor, seed) + 1e-6
        share = ops.sqrt(1.0 - random.beta((sizes.batch,), alpha, alpha, seed=seed))
        columns = self._bounds(sizes.width, share, seed)
        rows = self._bounds(sizes.height, share, seed)
        area = (columns[1] - columns[0]) * (rows[1] - rows[0])
        return {
            "permutation_order": random.shuffle(ops.arange(sizes.batch, dtype="int32"), seed=seed),
            "batch_masks": self._inside(sizes, rows, columns),
            "mix_weight": 1.0 - area / (sizes.width * sizes.height),
        }

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        return ops.where(transformation["batch_masks"], _partners(images, transformation["permutation_order"]), images)

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        if not training or transformation is None:
            return labels
        labels = self._working(labels)
        share = ops.reshape(ops.cast(transformation["mix_weight"], labels.dtype), (-1,) + (1,) * (labels.ndim - 1))
        return share * labels + (1.0 - share) * _partners(labels, transformation["permutation_order"])

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        raise NotImplementedError("CutMix: bounding boxes cannot be cut and mixed; leave them out of the input.")

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        if not training or transformation is None:
            return segmentation_masks
        return self._transform_images(self._working(segmentation_masks), transformation, None)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}
