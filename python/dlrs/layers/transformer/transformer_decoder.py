"""The decoder's block."""

from typing import Any

from dlrs.backend import get_keras_mask, set_keras_mask
from dlrs.layers.transformer.block import Shape, TransformerBlock
from dlrs.layers.transformer.cached_multi_head_attention import CachedMultiHeadAttention
from dlrs.layers.transformer.positions import check_sequence


class TransformerDecoder(TransformerBlock):
    """Causal self-attention, attention to an encoder's outputs if it is given them, and two dense layers at each step.

    Vaswani et al. 2017, section 3.1; without an encoder, the block of language models (Radford et al. 2018). Whether
    there is an encoder is decided by the first call.

    The arguments are those of `TransformerEncoder`.

    Call arguments:
        decoder_sequence: (batch, time, features).
        encoder_sequence: (batch, sources, width).
        decoder_padding_mask, encoder_padding_mask: (batch, steps), False where a step is padding; by default the masks
            that hang on the sequences. With a cache, the decoder's counts if it has an entry for each place there.
        decoder_attention_mask: (batch, time, time), which steps a step sees.
        encoder_attention_mask: (batch, time, sources), likewise.
        self_attention_cache: keys and values of the steps before, as `get_initial_cache` or the last call returned.
        self_attention_cache_update_index: the place of the first step of `decoder_sequence`.
        cross_attention_cache: keys and values of the encoder's outputs.
        cross_attention_cache_update_index: 0 to compute them anew, None to take what is there.
        use_causal_mask: whether a step sees only steps up to its own.
        training: whether to drop out.

    Returns (batch, time, features); with caches, a tuple of this and of the caches, the decoder's own first.

    Raises:
        ValueError: a sequence of another rank, features that the heads do not divide, an encoder's sequence that the
            first call did not have, or the other way round.

    >>> import numpy as np
    >>> x, y = np.ones((2, 5, 8), "float32"), np.ones((2, 7, 6), "float32")
    >>> TransformerDecoder(intermediate_dim=16, num_heads=2)(x, y).shape
    (2, 5, 8)
    """

    def build(self, decoder_sequence_shape: Any, encoder_sequence_shape: Any = None) -> None:
        shape: Shape = tuple(decoder_sequence_shape)
        head_size = self._check_features("decoder_sequence", shape)
        self._self_attention = self._attention(CachedMultiHeadAttention, "self_attention", (shape, shape), head_size)
        self._self_attention_norm, self._self_attention_dropout = self._norm_and_dropout("self_attention", shape)
        self._cross_attention: CachedMultiHeadAttention | None = None
        if encoder_sequence_shape is not None:
            source: Shape = tuple(encoder_sequence_shape)
            check_sequence(self, "encoder_sequence", source)
            self._cross_attention = self._attention(
                CachedMultiHeadAttention, "cross_attention", (shape, source), head_size
            )
            self._cross_attention_norm, self._cross_attention_dropout = self._norm_and_dropout("cross_attention", shape)
        self._build_feedforward(shape)

    def get_initial_cache(self, batch_size: int, length: int) -> tuple[Any, Any]:
        """A cache of zeros for the self-attention of `length` steps, or the cross-attention to so many sources."""
        if not self.built:
            raise ValueError(f"Layer {self.name!r} must be built or called before it can say how large a cache is.")
        attention: CachedMultiHeadAttention = self._self_attention
        return attention.get_initial_cache(batch_size, length)

    def call(
        self,
        decoder_sequence: Any,
        encoder_sequence: Any = None,
        decoder_padding_mask: Any = None,
        decoder_attention_mask: Any = None,
        encoder_padding_mask: Any = None,
        encoder_attention_mask: Any = None,
        self_attention_cache: Any = None,
        self_attention_cache_update_index: Any = None,
        cross_attention_cache: Any = None,
        cross_attention_cache_update_index: Any = None,
        use_causal_mask: bool = True,
        training: bool | None = None,
    ) -> Any:
        self._check(decoder_sequence, encoder_sequence, cross_attention_cache, cross_attention_cache_update_index)
        padding = get_keras_mask(decoder_sequence) if decoder_padding_mask is None else decoder_padding_mask
        caches: list[Any] = []

        def attend(x: Any) -> Any:
            return _without_cache(
                caches,
                self._self_attention(
                    x,
                    x,
                    value_mask=padding,
                    attention_mask=decoder_attention_mask,
                    cache=self_attention_cache,
                    cache_update_index=self_attention_cache_update_index,
                    use_causal_mask=use_causal_mask,
                ),
            )

        x = self._with_residual(decoder_sequence, attend, self._self_attention_norm, self._self_attention_dropout)
        if self._cross_attention is not None:
            sources = encoder_sequence
            if encoder_padding_mask is None and sources is not None:
                encoder_padding_mask = get_keras_mask(sources)

            def attend_across(x: Any) -> Any:
                assert self._cross_attention is not None
                return _without_cache(
                    caches,
                    self._cross_attention(
                        x,
                        x if sources is None else sources,
                        value_mask=encoder_padding_mask,
                        attention_mask=encoder_attention_mask,
                        cache=cross_attention_cache,
                        cache_update_index=cross_attention_cache_update_index,
                    ),
                )

            x = self._with_residual(x, attend_across, self._cross_attention_norm, self._cross_attention_dropout)
        outputs = self._feedforward(x)
        if padding is not None:
            set_keras_mask(outputs, padding)
        return (outputs, *caches) if caches else outputs

    def _check(self, decoder_sequence: Any, encoder_sequence: Any, cache: Any, index: Any) -> None:
        check_sequence(self, "decoder_sequence", decoder_sequence.shape)
        name = f"Layer {self.name!r} ({type(self).__name__})"
        if encoder_sequence is not None:
            check_sequence(self, "encoder_sequence", encoder_sequence.shape)
        if self._cross_attention is None and (encoder_sequence is not None or cache is not None):
            raise ValueError(f"{name} was built without an `encoder_sequence`, but is now called with one.")
        if self._cross_attention is not None and encoder_sequence is None and (cache is None or index is not None):
            raise ValueError(
                f"{name} was built with an `encoder_sequence`; it needs one in every call, or a "
                "`cross_attention_cache` without an index to update it."
            )

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("self_attention_cache") is not None or kwargs.get("cross_attention_cache") is not None:
            return self._traced_output_spec(*args, **kwargs)  # several outputs
        return super().compute_output_spec(*args, **kwargs)

    def compute_output_shape(self, decoder_sequence_shape: Any) -> Shape:
        return tuple(decoder_sequence_shape)


def _without_cache(caches: list[Any], results: Any) -> Any:
    """The outputs of attention, whose cache, if there is one, joins the others."""
    if not isinstance(results, tuple):
        return results
    outputs, cache = results
    caches.append(cache)
    return outputs
