"""Attention."""

import math

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, result_type
from dlrs.ops.operation import op

__all__ = ["dot_product_attention"]

# What stands for a logit that is left out: far below every other, but finite, so that rows without any stay finite.
_LEFT_OUT = {"float16": -0.7 * 65500.0}
_FAR = -0.7 * 3.38953e38


@op
def dot_product_attention(
    query: TensorLike,
    key: TensorLike,
    value: TensorLike,
    bias: TensorLike | None = None,
    mask: TensorLike | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Tensor:
    """`softmax(query · key * scale + bias) · value`, head by head (Vaswani et al. 2017, arXiv 1706.03762).

    Args:
        query: Tensor of shape `(batch, targets, heads, features)`.
        key: Tensor of shape `(batch, sources, groups, features)`; `groups` divides `heads`, and each group serves
            `heads / groups` consecutive heads (Ainslie et al. 2023, arXiv 2305.13245).
        value: Tensor of shape `(batch, sources, groups, width)`.
        bias: Added to the logits; broadcast to `(batch, heads, targets, sources)`.
        mask: Whether a target sees a source; broadcast likewise. A target that sees none gets zeros.
        scale: Factor of the logits; `1 / sqrt(features)` if None.
        is_causal: Whether targets see only sources up to their own position.
        flash_attention: Taken for compatibility: it chooses no other way to compute the same.
        attn_logits_soft_cap: Only None.

    Returns:
        Tensor of shape `(batch, targets, heads, width)`.

    Errors: ValueError if the shapes do not fit.

    >>> dot_product_attention([[[[1.0]]]], [[[[1.0]], [[1.0]]]], [[[[2.0]], [[4.0]]]]).tolist()
    [[[[3.0]]]]
    """
    if attn_logits_soft_cap is not None:
        raise ValueError("dot_product_attention: `attn_logits_soft_cap` must be None.")
    query, key, value = as_tensor(query), as_tensor(key), as_tensor(value)
    _check(query.shape, key.shape, value.shape)
    dtype = result_type(query.dtype, key.dtype, value.dtype, float)
    query, key, value = (_dlrs.cast(x, dtype) for x in (query, key, value))
    heads = query.shape[2]
    # Heads first: every head is one product of matrices.
    query, key, value = _dlrs.transpose(query, (0, 2, 1, 3)), _heads(key, heads), _heads(value, heads)
    scale = 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale
    logits = _dlrs.multiply(_dlrs.matmul(query, key, False, True), scale)
    if bias is not None:
        logits = _dlrs.add(logits, _dlrs.cast(bias, dtype))
    if mask is not None:
        logits = _dlrs.where(mask, logits, _LEFT_OUT.get(dtype, _FAR))
    if is_causal:
        seen = np.tri(logits.shape[-2], logits.shape[-1]) > 0
        logits = _dlrs.where(seen, logits, _LEFT_OUT.get(dtype, _FAR))
    weights = _dlrs.softmax(logits, -1)
    if mask is not None:
        weights = _dlrs.where(mask, weights, 0.0)  # a target that sees nothing gets zeros
    return _dlrs.transpose(_dlrs.matmul(weights, value), (0, 2, 1, 3))


def _check(query: tuple[int, ...], key: tuple[int, ...], value: tuple[int, ...]) -> None:
    shapes = f"Received: query.shape={query}, key.shape={key}, value.shape={value}."
    if not len(query) == len(key) == len(value) == 4:
        raise ValueError(f"dot_product_attention: `dot_product_attention` only supports 4D inputs. {shapes}")
    if query[0] != key[0] or key[:3] != value[:3] or query[3] != key[3]:
        raise ValueError(
            "dot_product_attention: batches must be equal, `key` and `value` must have the same positions and heads,"
            f" `query` and `key` the same features. {shapes}"
        )
    if key[2] == 0 or query[2] % key[2]:
        raise ValueError(f"dot_product_attention: the heads of `query` must be a multiple of those of `key`. {shapes}")


def _heads(x: Tensor, heads: int) -> Tensor:
    """`x` with heads first, each repeated as often as heads share it."""
    batch, length, groups, width = x.shape
    x = _dlrs.transpose(x, (0, 2, 1, 3))
    if groups == heads:
        return x
    shared = _dlrs.broadcast_to(
        _dlrs.reshape(x, (batch, groups, 1, length, width)), (batch, groups, heads // groups, length, width)
    )
    return _dlrs.reshape(shared, (batch, heads, length, width))
