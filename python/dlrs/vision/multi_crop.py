"""Several crops of each picture, and the mean of a model's answers to them, for use at test time."""

from collections.abc import Sequence
from typing import Any

from dlrs import ops
from dlrs.backend import is_tensor
from dlrs.models import Model


def multi_crop(
    images: Any,
    size: int | tuple[int, int],
    mirror: bool = True,
    scales: Sequence[int] | None = None,
) -> Any:
    """The four corners and the centre of each picture, then their mirror images: ten crops a scale.

    Args:
        images: (batch, height, width, channels), or one picture (height, width, channels).
        size: height and width of the crops, or one number for both.
        mirror: whether each crop also appears mirrored left to right.
        scales: lengths to which the shorter side is brought (bilinear, antialiased) before crops are taken; the picture
            as it is, by default.

    Returns:
        (batch, crops, size, size, channels), without the batch for one picture: for each scale top left, top right,
        bottom left, bottom right, centre, then these mirrored. The type is that of `images`, or float32 with `scales`.

    Raises:
        ValueError: another rank, or a crop that is larger than the picture.

    Source: Krizhevsky et al. 2012, section 4.1 (ten crops); Szegedy et al. 2015, section 7 (scales).

    >>> import numpy as np
    >>> multi_crop(np.arange(9.0).reshape(1, 3, 3, 1), 1, mirror=False)[0, :, 0, 0, 0].tolist()
    [0.0, 2.0, 6.0, 8.0, 4.0]
    """
    images = images if is_tensor(images) else ops.convert_to_tensor(images)
    if len(images.shape) == 3:
        return multi_crop(images[None], size, mirror, scales)[0]
    if len(images.shape) != 4:
        raise ValueError(
            "multi_crop: `images` must be (batch, height, width, channels) or (height, width, channels). Received: "
            f"images.shape={tuple(images.shape)}"
        )
    rows, columns = _two_sizes(size)
    crops = []
    for picture in [images] if scales is None else [_scaled(images, length) for length in _lengths(scales)]:
        crops += _five(picture, rows, columns, mirror)
    return ops.stack(crops, axis=1)


def multi_crop_predict(
    model: Any,
    images: Any,
    size: int | tuple[int, int],
    mirror: bool = True,
    scales: Sequence[int] | None = None,
    batch_size: int = 32,
) -> Any:
    """The mean of what `model` predicts for the crops of each picture.

    Args:
        model: a model from crops (batch, size, size, channels) to a tensor, probabilities as a rule.
        images: as in `multi_crop`.
        size: as in `multi_crop`.
        mirror: as in `multi_crop`.
        scales: as in `multi_crop`.
        batch_size: pictures cropped at a time; all crops of one picture are in the model's batch together.

    Returns:
        An array (batch, …) like the model's outputs for single pictures.

    Raises:
        ValueError: as `multi_crop`.

    >>> import numpy as np
    >>> from dlrs import Input, Sequential, layers
    >>> model = Sequential([Input((2, 2, 1)), layers.Flatten(), layers.Dense(3)])
    >>> multi_crop_predict(model, np.ones((4, 5, 5, 1), "float32"), 2).shape
    (4, 3)
    """
    if not isinstance(model, Model):
        raise ValueError(f"multi_crop_predict: `model` must be a model. Received: {type(model).__name__}")
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"multi_crop_predict: `batch_size` must be a positive integer. Received: {batch_size!r}")
    images = images if is_tensor(images) else ops.convert_to_tensor(images)
    if len(images.shape) == 3:
        return multi_crop_predict(model, images[None], size, mirror, scales, batch_size)[0]
    answers = []
    for start in range(0, images.shape[0], batch_size):
        crops = multi_crop(images[start : start + batch_size], size, mirror, scales)
        pictures, count, *shape = crops.shape
        answer = ops.convert_to_tensor(model.predict_on_batch(ops.reshape(crops, (pictures * count, *shape))))
        answers.append(ops.mean(ops.reshape(answer, (pictures, count, *answer.shape[1:])), axis=1))
    return ops.convert_to_numpy(ops.concatenate(answers, axis=0))


def _five(images: Any, rows: int, columns: int, mirror: bool) -> list[Any]:
    height, width = images.shape[1:3]
    if rows > height or columns > width:
        raise ValueError(f"multi_crop: crops of {rows}×{columns} do not fit into pictures of {height}×{width}.")
    bottom, right = height - rows, width - columns
    places = [(0, 0), (0, right), (bottom, 0), (bottom, right), (bottom // 2, right // 2)]
    crops = [images[:, top : top + rows, left : left + columns] for top, left in places]
    return crops + [ops.flip(crop, axis=2) for crop in crops] if mirror else crops


def _scaled(images: Any, shorter: int) -> Any:
    height, width = images.shape[1:3]
    least = min(height, width)
    target = (round(height * shorter / least), round(width * shorter / least))
    return ops.image.resize(ops.cast(images, "float32"), target, interpolation="bilinear", antialias=True)


def _two_sizes(size: Any) -> tuple[int, int]:
    pair = (size, size) if isinstance(size, int) else size
    if not isinstance(pair, tuple | list) or len(pair) != 2 or not all(_is_length(s) for s in pair):
        raise ValueError(f"multi_crop: `size` must be a positive integer or two. Received: size={size!r}")
    return pair[0], pair[1]


def _lengths(scales: Any) -> list[int]:
    if not isinstance(scales, tuple | list) or not scales or not all(_is_length(s) for s in scales):
        raise ValueError(f"multi_crop: `scales` must be None or a list of positive integers. Received: {scales!r}")
    return list(scales)


def _is_length(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
