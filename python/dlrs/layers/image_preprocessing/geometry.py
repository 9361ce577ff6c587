"""Layers that see images through an affine map, or a perspective."""

import math
from typing import Any

from dlrs import ops
from dlrs.layers.image_preprocessing.base import RandomImageLayer, Sizes, check_range
from dlrs.layers.image_preprocessing.bounding_boxes import clip_to_image_size, convert_format, through
from dlrs.ops.image.warps import compute_homography_matrix

FILL_MODES = ("reflect", "wrap", "constant", "nearest")
INTERPOLATIONS = ("nearest", "bilinear")


def columns(*numbers: Any) -> Any:
    """Maps (batch, 8) from their numbers: vectors of one number for each image, or numbers."""
    batch = next(x for x in numbers if not isinstance(x, float))
    return ops.stack([ops.full_like(batch, x) if isinstance(x, float) else x for x in numbers], axis=1)


class GeometricLayer(RandomImageLayer):
    """A layer that sees images through maps of `ops.image.affine_transform`, which `_maps` makes of what was drawn."""

    def __init__(
        self,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        for name, value, known in (
            ("fill_mode", fill_mode, FILL_MODES),
            ("interpolation", interpolation, INTERPOLATIONS),
        ):
            if value not in known:
                raise ValueError(f"{type(self).__name__}: Unknown `{name}` {value}. Expected of one {known}.")
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.fill_value = fill_value

    def _maps(self, sizes: Sizes, transformation: Any) -> Any:
        raise self._lacks("_maps")

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        return ops.image.affine_transform(
            images,
            self._maps(self._sizes(images), transformation),
            interpolation=interpolation,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        if not training or transformation is None:
            return segmentation_masks
        return self._transform_images(self._working(segmentation_masks), transformation, "nearest")

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        if not training or transformation is None:
            return bounding_boxes
        sizes = self._sizes_of(transformation["input_shape"])
        height, width = sizes.height, sizes.width
        form = self.bounding_box_format or "xyxy"
        boxes = convert_format(bounding_boxes, form, "xyxy", height, width)
        boxes["boxes"] = self._move_boxes(boxes["boxes"], sizes, transformation)
        boxes = clip_to_image_size(boxes, height, width)
        return convert_format(boxes, "xyxy", form, height, width)

    def _move_boxes(self, boxes: Any, sizes: Sizes, transformation: Any) -> Any:
        return through(boxes, self._maps(sizes, transformation))

    def _fusion_kind(self, sizes: Sizes) -> str:
        return "map"

    def _projection(self, sizes: Sizes, transformation: Any) -> tuple[Any, tuple[int, int]]:
        return self._maps(sizes, transformation), (sizes.height, sizes.width)

    @property
    def _reading(self) -> tuple[str, str, float]:  # type: ignore[override]
        return self.interpolation, self.fill_mode, float(self.fill_value)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "fill_mode": self.fill_mode,
            "interpolation": self.interpolation,
            "fill_value": self.fill_value,
        }


class RandomRotation(GeometricLayer):
    """Turns images by a random angle around their centres while training.

    Args:
        factor: range of the angle as shares of a full turn, or a number f for (-f, f); positive is counterclockwise.
        fill_mode: what lies beyond the border: `"reflect"` (at the edge of the last pixel), `"wrap"`, `"constant"`
            (`fill_value`) or `"nearest"` (the last pixel).
        interpolation: `"bilinear"` or `"nearest"`.
        seed: integer that fixes the draws.
        fill_value: see `fill_mode`.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    >>> import numpy as np
    >>> layer = RandomRotation((0.5, 0.5))
    >>> layer(np.arange(4.0).reshape(2, 2, 1)).numpy().round(3).ravel().tolist()
    [3.0, 2.0, 1.0, 0.0]
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self._set_factor(factor)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        sizes = self._sizes(data)
        angle = self._uniform((sizes.batch,), self.factor[0] * 360.0, self.factor[1] * 360.0, seed)
        return {"angle": angle, "input_shape": _shape(data)}

    def _maps(self, sizes: Sizes, transformation: Any) -> Any:
        angle = ops.cast(transformation["angle"], "float32") * (math.pi / 180.0)
        cos, sin = ops.cos(angle), ops.sin(angle)
        x, y = 0.5 * (sizes.width - 1), 0.5 * (sizes.height - 1)
        return columns(cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos, 0.0, 0.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


def _shape(data: Any) -> Any:
    return tuple((data["images"] if isinstance(data, dict) else data).shape)


class RandomTranslation(GeometricLayer):
    """Moves images by random distances while training.

    Args:
        height_factor: range of the distance downwards as shares of the height, or a number f for (-f, f).
        width_factor: range of the distance to the right as shares of the width, likewise.
        fill_mode: as in `RandomRotation`.
        interpolation: `"bilinear"` or `"nearest"`.
        seed: integer that fixes the draws.
        fill_value: as in `RandomRotation`.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    >>> import numpy as np
    >>> layer = RandomTranslation((0.5, 0.5), 0.0, fill_mode="constant")
    >>> layer(np.arange(4.0).reshape(2, 2, 1)).numpy().ravel().tolist()
    [0.0, 0.0, 0.0, 1.0]
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor = height_factor
        self.height_lower, self.height_upper = check_range(self, "height_factor", height_factor, (-1.0, 1.0))
        self.width_factor = width_factor
        self.width_lower, self.width_upper = check_range(self, "width_factor", width_factor, (-1.0, 1.0))

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        sizes = self._sizes(data)
        down = self._uniform((sizes.batch, 1), self.height_lower, self.height_upper, seed) * sizes.height
        right = self._uniform((sizes.batch, 1), self.width_lower, self.width_upper, seed) * sizes.width
        return {"translations": ops.concatenate([right, down], axis=1), "input_shape": _shape(data)}

    def _maps(self, sizes: Sizes, transformation: Any) -> Any:
        moves = ops.cast(transformation["translations"], "float32")
        return columns(1.0, 0.0, -moves[:, 0], 0.0, 1.0, -moves[:, 1], 0.0, 0.0)

    def _move_boxes(self, boxes: Any, sizes: Sizes, transformation: Any) -> Any:
        moves = ops.cast(transformation["translations"], "float32")
        moves = ops.concatenate([moves, moves], axis=1)
        return boxes + (moves[:, None] if boxes.ndim == 3 else moves)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height_factor": self.height_factor, "width_factor": self.width_factor}


class RandomZoom(GeometricLayer):
    """Zooms into images, or out of them, around their centres while training.

    Args:
        height_factor: range of the zoom, or a number f for (-f, f): 0.2 shows 20 % more of the height, -0.2 less.
        width_factor: the same for the width; None keeps the proportions.
        fill_mode: as in `RandomRotation`.
        interpolation: `"bilinear"` or `"nearest"`.
        seed: integer that fixes the draws.
        fill_value: as in `RandomRotation`.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    >>> import numpy as np
    >>> layer = RandomZoom((-0.5, -0.5))
    >>> layer(np.arange(3.0).reshape(1, 3, 1)).numpy().ravel().tolist()
    [0.5, 1.0, 1.5]
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor = height_factor
        self.height_lower, self.height_upper = check_range(self, "height_factor", height_factor, (-1.0, 1.0), "(]")
        self.width_factor = width_factor
        if width_factor is not None:
            self.width_lower, self.width_upper = check_range(self, "width_factor", width_factor, (-1.0, 1.0), "(]")

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        shape = (self._sizes(data).batch, 1)
        height = width = self._uniform(shape, 1.0 + self.height_lower, 1.0 + self.height_upper, seed)
        if self.width_factor is not None:
            width = self._uniform(shape, 1.0 + self.width_lower, 1.0 + self.width_upper, seed)
        return {"height_zoom": height, "width_zoom": width, "input_shape": _shape(data)}

    def _maps(self, sizes: Sizes, transformation: Any) -> Any:
        height, width = (ops.cast(transformation[f"{side}_zoom"], "float32")[:, 0] for side in ("height", "width"))
        left, top = (1.0 - width) * ((sizes.width - 1) / 2), (1.0 - height) * ((sizes.height - 1) / 2)
        return columns(width, 0.0, left, 0.0, height, top, 0.0, 0.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height_factor": self.height_factor, "width_factor": self.width_factor}


class RandomShear(GeometricLayer):
    """Shears images while training: rows are shifted in proportion to their number, and columns to theirs.

    Args:
        x_factor: range of the shift of rows in pixels a row, from 0 to 1, or a number f for (0, f); its sign is random.
        y_factor: the same for columns.
        interpolation: `"bilinear"` or `"nearest"`.
        fill_mode: as in `RandomRotation`.
        fill_value: as in `RandomRotation`.
        data_format: `"channels_last"` or `"channels_first"`.
        seed: integer that fixes the draws.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    >>> import numpy as np
    >>> RandomShear(0.2, 0.2, seed=1)(np.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    def __init__(
        self,
        x_factor: Any = 0.0,
        y_factor: Any = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.x_factor = check_range(self, "x_factor", x_factor, (0.0, 1.0))
        self.y_factor = check_range(self, "y_factor", y_factor, (0.0, 1.0))

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        shape = (self._sizes(data).batch, 1)
        sign = ops.where(self._uniform(shape, 0.0, 1.0, seed) > 0.5, -1.0, 1.0)
        y, x = self._uniform(shape, *self.y_factor, seed), self._uniform(shape, *self.x_factor, seed)
        return {"shear_factor": ops.concatenate([x, y], axis=1) * sign, "input_shape": _shape(data)}

    def _maps(self, sizes: Sizes, transformation: Any) -> Any:
        shear = ops.cast(transformation["shear_factor"], "float32")
        return columns(1.0, shear[:, 0], 0.0, shear[:, 1], 1.0, 0.0, 0.0, 0.0)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """As Keras does, in shares of the sides: what is sheared first in x is then sheared in y."""
        if not training or transformation is None:
            return bounding_boxes
        sizes = self._sizes_of(transformation["input_shape"])
        height, width = sizes.height, sizes.width
        form = self.bounding_box_format or "xyxy"
        boxes = convert_format(bounding_boxes, form, "rel_xyxy", height, width)
        shear = ops.cast(transformation["shear_factor"], "float32")
        x, y = shear[:, 0:1], shear[:, 1:2]
        left, top, right, bottom = (boxes["boxes"][..., i] for i in range(4))
        left, right = (
            ops.where(x < 0, left - x * top, left - x * bottom),
            ops.where(x < 0, right - x * bottom, right - x * top),
        )
        upper = ops.where(y > 0, top - y * right, top - y * left)
        lower = ops.where(y > 0, bottom - y * left, bottom - y * right)
        boxes["boxes"] = ops.stack([left, upper, right, lower], axis=-1)
        boxes = clip_to_image_size(boxes, bounding_box_format="rel_xyxy")
        return convert_format(boxes, "rel_xyxy", form, height, width)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "x_factor": self.x_factor, "y_factor": self.y_factor}


class RandomPerspective(GeometricLayer):
    """Shows images in a random perspective while training.

    Args:
        factor: range of the probability that an image is changed, from 0 to 1, or a number f for (0, f).
        scale: how far the corners move at most, as a share of half the sides.
        interpolation: `"bilinear"` or `"nearest"`.
        fill_value: the value beyond the border.
        seed: integer that fixes the draws.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    >>> import numpy as np
    >>> RandomPerspective(scale=0.3, seed=1)(np.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    _factor_bounds = (0.0, 1.0)

    def __init__(
        self,
        factor: Any = 1.0,
        scale: float = 1.0,
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__("constant", interpolation, seed, fill_value, data_format, **kwargs)
        self._set_factor(factor)
        if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0.0 <= scale <= 1.0:
            raise ValueError(
                "RandomPerspective: The `scale` argument should be a number in the range [0,1]. "
                f"Received: scale={scale}"
            )
        self.scale = scale

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        sizes = self._sizes(data)
        applies = self._happens(sizes.batch, self.factor, seed)
        moves = self._uniform((sizes.batch, 4, 2), -0.5 * self.scale, 0.5 * self.scale, seed)
        right, bottom = sizes.width - 1.0, sizes.height - 1.0
        corners = ops.convert_to_tensor([[[0.0, 0.0], [right, 0.0], [0.0, bottom], [right, bottom]]])
        start = ops.repeat(corners, sizes.batch, axis=0)
        return {
            "apply_perspective": applies,
            "start_points": start,
            "end_points": start + start * moves,
            "input_shape": _shape(data),
        }

    def _maps(self, sizes: Sizes, transformation: Any) -> Any:
        start, end = (ops.cast(transformation[f"{side}_points"], "float32") for side in ("start", "end"))
        still = ops.convert_to_tensor([[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]])
        applies = ops.convert_to_tensor(transformation["apply_perspective"])
        return ops.where(applies[:, None], compute_homography_matrix(start, end), still)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["fill_mode"]
        return {**config, "factor": self.factor, "scale": self.scale}
