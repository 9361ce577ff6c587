"""Attention that remembers the keys and values of the past."""

import math
from typing import Any

from dlrs import ops
from dlrs.layers.attention.masks import both, with_heads
from dlrs.layers.attention.multi_head_attention import MultiHeadAttention
from dlrs.layers.transformer.positions import known_index, steps_from

HEADS_FIRST = (0, 2, 1, 3)


class CachedMultiHeadAttention(MultiHeadAttention):
    """`MultiHeadAttention` that can keep keys and values, so that a sequence may be given in parts.

    A cache is a pair of tensors, keys (batch, heads, places, key_dim) and values (batch, heads, places, value_dim):
    what one head reads lies together. `get_initial_cache` gives one of zeros. A call writes the keys and values of its
    steps there from place `cache_update_index` on, attends to all places up to each step's own, or to all that
    `attention_mask` shows, and returns the new cache beside the outputs; the cache it was given stays as it was.

    Args: as in `MultiHeadAttention`.

    Call arguments: `query`, `value`, `key`; `attention_mask`, bool, (batch, T, places) or broadcast to it; `cache`;
    `cache_update_index`, the place of the first step, or None to attend to the cache as it is, for sources that never
    change; `training`; `use_causal_mask`, whether a target at place p sees sources up to p only; `value_mask` and
    `key_mask`, which sources count (with a cache: of its places, or they are not read).

    Returns (batch, T, dim); with a cache, a pair of this and the cache.

    Raises:
        ValueError: the cache has another shape, or no room from `cache_update_index` on.

    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(1, 5, 8)).astype("float32")
    >>> layer = CachedMultiHeadAttention(num_heads=2, key_dim=4)
    >>> whole, cache = layer(x, x, use_causal_mask=True), layer.get_initial_cache(1, 5)
    >>> for i in range(5):
    ...     step = x[:, i : i + 1]
    ...     last, cache = layer(step, step, cache=cache, cache_update_index=i, use_causal_mask=True)
    >>> bool(np.abs(last - whole[:, -1:]).max() < 1e-6)
    True
    """

    def get_initial_cache(self, batch_size: int, length: int) -> tuple[Any, Any]:
        """A cache of zeros with room for `length` steps."""
        return tuple(
            ops.zeros((batch_size, self.num_heads, length, size), dtype=self.compute_dtype)
            for size in (self.key_dim, self.value_dim)
        )  # type: ignore[return-value]

    def call(  # type: ignore[override]
        self,
        query: Any,
        value: Any,
        key: Any = None,
        attention_mask: Any = None,
        cache: Any = None,
        cache_update_index: Any = None,
        training: bool | None = None,
        use_causal_mask: bool = False,
        value_mask: Any = None,
        key_mask: Any = None,
    ) -> Any:
        if cache is None:
            if cache_update_index is not None:
                raise ValueError(f"Layer {self.name!r}: `cache_update_index` is given, but no `cache`.")
            return super().call(
                query,
                value,
                key,
                value_mask=value_mask,
                key_mask=key_mask,
                attention_mask=attention_mask,
                training=training,
                use_causal_mask=use_causal_mask,
            )
        cache = self._checked(cache, query)
        if cache_update_index is not None:
            cache = self._updated(cache, value, key, cache_update_index)
        places = cache[0].shape[2]
        seen = None if attention_mask is None else ops.cast(attention_mask, "bool")
        for mask in (value_mask, key_mask):
            if mask is not None and mask.shape[-1] == places:
                seen = both(seen, ops.expand_dims(ops.cast(mask, "bool"), -2))
        seen = both(seen, self._near(query.shape[1], places, cache_update_index, use_causal_mask))
        outputs = self._attend_to(cache, self._query_dense(query), seen, training)
        if self.use_gate:
            outputs = ops.multiply(outputs, self._gate_dense(query))
        return self._output_dense(outputs), cache

    def _checked(self, cache: Any, query: Any) -> tuple[Any, Any]:
        if not isinstance(cache, list | tuple) or len(cache) != 2:
            raise ValueError(f"Layer {self.name!r}: a cache is a pair, keys and values, got {type(cache).__name__}.")
        if len(query.shape) != 3:
            raise ValueError(f"Layer {self.name!r}: with a cache, attention runs over one axis, got {query.shape}.")
        places = cache[0].shape[2] if len(cache[0].shape) == 4 else None
        wanted = [(query.shape[0], self.num_heads, places, size) for size in (self.key_dim, self.value_dim)]
        if [tuple(part.shape) for part in cache] != wanted:
            raise ValueError(
                f"Layer {self.name!r}: a cache has the shapes (batch, heads, places, features), here "
                f"{_with_places(wanted[0])} and {_with_places(wanted[1])}; got "
                f"{' and '.join(str(tuple(part.shape)) for part in cache)}."
            )
        return tuple(cache)

    def _updated(self, cache: tuple[Any, Any], value: Any, key: Any, index: Any) -> tuple[Any, Any]:
        """The cache with the keys and values of the steps written into it."""
        steps, places, known = value.shape[1], cache[0].shape[2], known_index("cache_update_index", index)
        if steps > places or (known is not None and known + steps > places):
            raise ValueError(
                f"Layer {self.name!r}: a cache of {places} places has no room for {steps} steps from "
                f"`cache_update_index` {'on' if known is None else known} on."
            )
        new = self._key_dense(value if key is None else key), self._value_dense(value)
        start = (0, 0, index if known is None else known, 0)
        return tuple(ops.slice_update(old, start, _swapped(part)) for old, part in zip(cache, new, strict=True))  # type: ignore[return-value]

    def _near(self, targets: int, places: int, index: Any, causal: bool) -> Any:
        """Which places each target sees for where it stands, (1, targets, places); None for all."""
        if not causal and self._sliding_window is None:
            return None
        index = 0 if index is None else index
        known = known_index("cache_update_index", index)
        own = steps_from(index if known is None else known, targets)[:, None]
        distance = steps_from(0, places)[None] - own
        seen: Any = None
        if causal:
            seen = ops.less_equal(distance, 0)
        if self._sliding_window is not None:
            seen = both(seen, ops.less(ops.absolute(distance), self._sliding_window))
        return ops.expand_dims(seen, 0)

    def _attend_to(self, cache: tuple[Any, Any], query: Any, seen: Any, training: bool | None) -> Any:
        if training and self._dropout > 0:
            return self._compute_attention(query, _swapped(cache[0]), _swapped(cache[1]), seen, training)[0]
        # Heads lie in the batch, where each has its keys and values to itself.
        (batch, targets, heads, _), places = query.shape, cache[0].shape[2]
        query, key, value = (
            ops.reshape(x, (batch * heads, -1, 1, x.shape[-1])) for x in (_swapped(query), cache[0], cache[1])
        )
        if seen is not None:
            seen = with_heads(seen, 4, 1)
            if seen.shape[0] > 1 or seen.shape[1] > 1:
                seen = ops.broadcast_to(seen, (batch, heads, seen.shape[2], places))
                seen = ops.reshape(seen, (batch * heads, 1, seen.shape[2], places))
        scale = 1.0 / math.sqrt(self._key_size)
        outputs = ops.dot_product_attention(query, key, value, mask=seen, scale=scale)
        return _swapped(ops.reshape(outputs, (batch, heads, targets, self.value_dim)))

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("cache") is not None:  # two outputs
            return self._traced_output_spec(*args, **kwargs)
        return super().compute_output_spec(*args, **kwargs)


def _swapped(x: Any) -> Any:
    """`x` with heads before steps, or the other way round."""
    batch, first, second, size = x.shape
    if first == 1 or second == 1:  # nothing moves
        return ops.reshape(x, (batch, second, first, size))
    return ops.transpose(x, HEADS_FIRST)


def _with_places(shape: tuple[Any, ...]) -> str:
    return f"({shape[0]}, {shape[1]}, places, {shape[3]})"
