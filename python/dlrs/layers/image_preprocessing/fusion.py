"""Runs of layers that prepare images, as one native call."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs.backend import Tensor, convert_to_numpy, epsilon, is_recording
from dlrs.layers.image_preprocessing.base import RandomImageLayer, Sizes, Stage
from dlrs.layers.normalization import Normalization
from dlrs.layers.rescaling import Rescaling

Array = np.ndarray[Any, Any]


class Fusion:
    """The first layers of a sequence as a map of each image and changes of its colours.

    Args:
        images: bytes or float32, (height, width, channels) or a batch.
        layers: as many of them as fit are taken, in order: first maps that read the image in one way, then colours.

    What is drawn is drawn when the fusion is made, in the order in which the layers would.
    """

    def __init__(self, images: Tensor, layers: Sequence[Any]) -> None:
        self.layers = 0
        self._images = images
        shape = images.shape if images.ndim == 4 else (1, *images.shape)
        self._sizes = Sizes(*shape)
        self._map: Array | None = None
        self._reading: tuple[str, str, float] | None = None
        self._stages: list[Stage] = []
        for layer in layers:
            if not self._take(layer):
                break
            self.layers += 1

    def run(self) -> Tensor:
        """The images under all that was drawn, as float32."""
        batch = self._sizes.batch
        columns: list[Array] = []
        stages = []
        width = 0
        if self._map is not None:
            maps = self._map.reshape(batch, 9)
            columns.append(maps[:, :8] / maps[:, 8:])
            width = 8
        for stage in _merged(self._stages):
            stages.append((stage.name, width, stage.low, stage.high))
            if stage.numbers is not None:
                columns.append(np.broadcast_to(stage.numbers, (batch, stage.numbers.shape[1])))
                width += stage.numbers.shape[1]
        parameters = np.concatenate([np.zeros((batch, 0)), *columns], axis=1).astype(np.float32)
        images, single = self._images, self._images.ndim == 3
        if single:
            images = _dlrs.reshape(images, (1, *images.shape))
        reading = None if self._map is None else self._reading or ("bilinear", "nearest", 0.0)
        result = _dlrs.augment(images, parameters, (self._sizes.height, self._sizes.width), stages, reading)
        return _dlrs.reshape(result, result.shape[1:]) if single else result

    def _take(self, layer: Any) -> bool:
        if getattr(layer, "compute_dtype", None) != "float32":
            return False
        if isinstance(layer, Rescaling):
            return self._scale(layer.scale, layer.offset)
        if isinstance(layer, Normalization):
            return self._normalize(layer)
        if not isinstance(layer, RandomImageLayer) or layer.data_format != "channels_last":
            return False
        if not layer.built:
            layer.build(None)
        kind = layer._fusion_kind(self._sizes)
        if kind == "map" and not self._stages and self._reads_alike(layer._reading):
            self._project(layer)
            return True
        if kind == "colours":
            self._stages += layer._stages(self._sizes, layer.get_random_transformation(self._data, True))
            return True
        return False

    @property
    def _data(self) -> Any:
        """What layers look at when they draw: the shape of the images as they come to them."""
        return SimpleNamespace(shape=tuple(self._sizes))

    def _reads_alike(self, reading: tuple[str, str, float] | None) -> bool:
        return reading is None or self._reading is None or reading == self._reading

    def _project(self, layer: Any) -> None:
        maps, (height, width) = layer._projection(self._sizes, layer.get_random_transformation(self._data, True))
        numbers = convert_to_numpy(maps).astype(np.float64)
        square = np.concatenate([numbers, np.ones((len(numbers), 1))], axis=1).reshape(-1, 3, 3)
        self._map = square if self._map is None else self._map @ square
        self._reading = layer._reading or self._reading
        self._sizes = self._sizes._replace(height=height, width=width)

    def _scale(self, scale: Any, offset: Any) -> bool:
        pair = [np.asarray(x, np.float64).reshape(-1) for x in (scale, offset)]
        if max(np.ndim(scale), np.ndim(offset)) > 1 or any(x.size not in (1, self._sizes.channels) for x in pair):
            return False
        numbers = np.concatenate([np.broadcast_to(x, (self._sizes.channels,)) for x in pair])
        self._stages.append(Stage("scale", numbers[None]))
        return True

    def _normalize(self, layer: Normalization) -> bool:
        if not layer.built:
            layer.build(tuple(self._sizes))
        if layer.invert or layer._kept != (3,) or len(layer._broadcast_shape) != 4:
            return False
        mean, variance = (convert_to_numpy(layer._statistic(i)).astype(np.float64).reshape(-1) for i in (0, 1))
        deviation = np.maximum(np.sqrt(variance), epsilon())
        return self._scale(1 / deviation, -mean / deviation)


def _merged(stages: list[Stage]) -> list[Stage]:
    """Linear stages that follow each other as one."""
    result: list[Stage] = []
    for stage in stages:
        last = result[-1] if result else None
        if stage.name == "scale" and last is not None and last.name == "scale":
            (s, o), (t, p) = (np.split(np.asarray(x.numbers, np.float64), 2, axis=1) for x in (last, stage))
            s, o, t, p = np.broadcast_arrays(s, o, t, p)
            result[-1] = Stage("scale", np.concatenate([s * t, o * t + p], axis=1))
        else:
            result.append(stage)
    return result


def fusion(images: Any, layers: Sequence[Any]) -> Fusion | None:
    """A fusion of the first layers, if it can be run at once and one of them is a layer of images."""
    if not isinstance(images, Tensor) or images.ndim not in (3, 4) or images.dtype not in ("uint8", "float32"):
        return None
    if _dlrs.is_tracing() or is_recording() or 0 in images.shape:
        return None
    if not isinstance(layers[0], RandomImageLayer):
        return None
    made = Fusion(images, layers)
    return made if made.layers else None
