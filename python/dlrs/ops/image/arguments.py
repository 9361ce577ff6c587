"""Arguments that functions of images share."""

from collections.abc import Callable

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import standardize_data_format


def is_channels_first(name: str, data_format: str | None) -> bool:
    """Whether `data_format` says so; a ValueError that names the function if it says nothing that is known."""
    try:
        return standardize_data_format(data_format) == "channels_first"
    except ValueError as error:
        raise ValueError(f"{name}: argument `data_format`: {error}") from None


def spatial_axes(images: Tensor, first: bool) -> tuple[int, int]:
    """Where the rows and the columns lie."""
    rows = images.ndim - (2 if first else 3)
    return rows, rows + 1


def apply_to_batch(function: Callable[[Tensor], Tensor], images: Tensor, first: bool, space: int = 2) -> Tensor:
    """`function`, which takes a batch with the channels last, applied to an image or a batch of any format."""
    single = images.ndim == space + 1
    if single:
        images = _dlrs.reshape(images, (1, *images.shape))
    if first:
        images = _dlrs.transpose(images, (0, *range(2, space + 2), 1))
    results = function(images)
    if first:
        results = _dlrs.transpose(results, (0, space + 1, *range(1, space + 1)))
    return _dlrs.reshape(results, results.shape[1:]) if single else results
