"""Arrays of any rank read between their elements."""

from itertools import product
from math import prod

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, is_float_dtype, result_type
from dlrs.ops.image.batches import in_dtype
from dlrs.ops.manipulation import stack
from dlrs.ops.operation import op

__all__ = ["map_coordinates"]

FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


@op
def map_coordinates(
    inputs: TensorLike, coordinates: TensorLike, order: int, fill_mode: str = "constant", fill_value: float = 0.0
) -> Tensor:
    """The values of `inputs` at `coordinates`, interpolated.

    Args:
        inputs: Tensor of any rank at least 1.
        coordinates: Tensor of shape (rank of inputs, ...): one index for each axis.
        order: 0 for the nearest element, 1 for linear interpolation along every axis.
        fill_mode: What lies beyond the border: `"constant"` (`fill_value`), `"nearest"` (the last element), `"wrap"`,
            `"mirror"` (reflected at the centre of the last element), `"reflect"` (at its edge).
        fill_value: See `fill_mode`.

    Returns: the shape of one index, the type of `inputs`; integers are rounded.

    Errors: ValueError for coordinates of another shape and for what is not listed.

    >>> map_coordinates([0.0, 10.0, 20.0], [[0.5, 1.0, 2.5]], order=1, fill_mode="nearest").tolist()
    [5.0, 10.0, 20.0]
    """
    inputs = as_tensor(inputs)
    coordinates = stack(coordinates) if isinstance(coordinates, list | tuple) else as_tensor(coordinates)
    _check(inputs, coordinates, order, fill_mode)
    working = result_type(inputs.dtype, "float32")
    values = _dlrs.reshape(_dlrs.cast(inputs, working), (prod(inputs.shape),))
    axes: list[list[tuple[Tensor, Tensor | None]]] = []
    for axis in range(inputs.ndim):
        places = _dlrs.cast(_dlrs.take(coordinates, axis, 0), working)
        if order == 0:
            axes.append([(_dlrs.floor(_dlrs.add(places, 0.5)), None)])
            continue
        below = _dlrs.floor(places)
        share = _dlrs.subtract(places, below)
        axes.append([(below, _dlrs.subtract(1.0, share)), (_dlrs.add(below, 1.0), share)])
    total = None
    for corner in product(*axes):
        term = _corner(values, inputs.shape, corner, fill_mode, fill_value)
        total = term if total is None else _dlrs.add(total, term)
    assert total is not None
    return in_dtype(total, inputs.dtype)


def _check(inputs: Tensor, coordinates: Tensor, order: int, fill_mode: str) -> None:
    if coordinates.ndim < 1 or coordinates.shape[0] != inputs.ndim or inputs.ndim == 0:
        raise ValueError(
            "map_coordinates: First dim of `coordinates` must be the same as the rank of `inputs`. Received inputs "
            f"with shape: {inputs.shape} and coordinates with shape: {coordinates.shape}"
        )
    if coordinates.ndim < 2:
        raise ValueError(
            "map_coordinates: Invalid coordinates rank: expected at least rank 2. Received input with shape: "
            f"{coordinates.shape}"
        )
    if 0 in inputs.shape:
        raise ValueError(f"map_coordinates: `inputs` of shape {inputs.shape} have no elements.")
    if not isinstance(order, int) or order not in (0, 1):
        raise ValueError(
            f"map_coordinates: Invalid value for argument `order`. Expected one of [0, 1]. Received: order={order}"
        )
    if fill_mode not in FILL_MODES:
        raise ValueError(
            f"map_coordinates: Invalid value for argument `fill_mode`. Expected one of {FILL_MODES}. Received: "
            f"fill_mode={fill_mode}"
        )
    if not is_float_dtype(coordinates.dtype) and coordinates.dtype == "bool":
        raise ValueError("map_coordinates: `coordinates` must be numbers, got bool.")


def _corner(
    values: Tensor, shape: tuple[int, ...], corner: tuple[tuple[Tensor, Tensor | None], ...], mode: str, fill: float
) -> Tensor:
    """One of the elements around each place, times its weight."""
    index: Tensor | None = None
    inside: Tensor | None = None
    weight: Tensor | None = None
    for (place, share), size in zip(corner, shape, strict=True):
        if mode == "constant":
            here = _dlrs.logical_and(_dlrs.greater_equal(place, 0.0), _dlrs.less_equal(place, size - 1.0))
            inside = here if inside is None else _dlrs.logical_and(inside, here)
        along = _dlrs.cast(_element(place, size, mode), "int32")
        index = along if index is None else _dlrs.add(_dlrs.multiply(index, size), along)
        if share is not None:
            weight = share if weight is None else _dlrs.multiply(weight, share)
    assert index is not None
    found = _dlrs.take(values, index, 0)
    if inside is not None:
        found = _dlrs.where(inside, found, fill)
    return found if weight is None else _dlrs.multiply(found, weight)


def _element(place: Tensor, size: int, mode: str) -> Tensor:
    """The element that stands at a whole number, which may lie beyond the border."""
    if mode == "wrap":
        place = _dlrs.mod(place, float(size))
    elif mode == "reflect":
        period = _dlrs.mod(place, 2.0 * size)
        place = _dlrs.minimum(period, _dlrs.subtract(2.0 * size - 1.0, period))
    elif mode == "mirror":
        period = _dlrs.mod(place, max(2.0 * (size - 1), 1.0))
        place = _dlrs.minimum(period, _dlrs.subtract(2.0 * (size - 1), period))
    return _dlrs.minimum(_dlrs.maximum(place, 0.0), size - 1.0)
