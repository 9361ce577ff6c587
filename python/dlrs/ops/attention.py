"""Attention."""

import math

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, result_type
from dlrs.ops.operation import op

__all__ = ["dot_product_attention"]


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
        Tensor of shape `(batch, targets, heads, width)`; zeros where a target sees no source. Scores are computed by
        blocks of sources and not kept (Dao et al. 2022, arXiv 2205.14135): memory is linear in targets and sources.

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
    scale = 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale
    bias = None if bias is None else _dlrs.cast(bias, dtype)
    mask = None if mask is None else _dlrs.cast(mask, "bool")
    return _dlrs.dot_product_attention(query, key, value, bias, mask, scale, is_causal)


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
