"""Local response normalisation across channels."""

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, is_float_dtype
from dlrs.ops.operation import op

__all__ = ["local_response_normalization"]


@op
def local_response_normalization(
    x: TensorLike, depth_radius: int = 5, bias: float = 1.0, alpha: float = 1.0, beta: float = 0.5
) -> Tensor:
    """`x / (bias + alpha · s) ** beta`, where s sums the squares of a channel and of `depth_radius` on each side of it.

    Channels are the last axis; those beyond the first and the last count as zero. The names of the arguments are
    TensorFlow's; in the paper's, n = 2 · `depth_radius` + 1 and k = `bias`. (Its α multiplies the sum, as here.)

    Errors: ValueError if `x` has no axes or is not of a float type, or `depth_radius` is no integer of at least 0.

    Source: Krizhevsky, Sutskever and Hinton 2012, section 3.3.

    >>> local_response_normalization([1.0, 2.0, 2.0], depth_radius=1, bias=0.0, alpha=1.0, beta=1.0).tolist()
    [0.2, 0.222222, 0.25]
    """
    x = as_tensor(x)
    if x.ndim == 0 or not is_float_dtype(x.dtype):
        raise ValueError(
            "local_response_normalization: `x` must have at least one axis and a float type. Received: shape "
            f"{tuple(x.shape)}, dtype {x.dtype}"
        )
    if isinstance(depth_radius, bool) or not isinstance(depth_radius, int) or depth_radius < 0:
        raise ValueError(
            "local_response_normalization: `depth_radius` must be an integer of at least 0. Received: "
            f"depth_radius={depth_radius!r}"
        )
    scale = _dlrs.add(_dlrs.multiply(_dlrs.window_sum(_dlrs.square(x), depth_radius), alpha), bias)
    return _dlrs.multiply(x, _to_minus(scale, beta))


def _to_minus(scale: Tensor, beta: float) -> Tensor:
    """`scale ** -beta`; the exponents of TensorFlow and of the paper by square roots, which cost less than a power."""
    if beta == 0.5:
        return _dlrs.rsqrt(scale)
    if beta == 0.75:
        root = _dlrs.rsqrt(scale)
        return _dlrs.multiply(root, _dlrs.sqrt(root))
    return _dlrs.power(scale, -beta)
