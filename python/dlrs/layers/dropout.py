"""Dropout."""

from collections.abc import Sequence
from typing import Any

from dlrs import random
from dlrs.layers.layer import Layer
from dlrs.random import SeedGenerator


class Dropout(Layer):
    """Sets a random share of the inputs to 0 while training and scales the rest up by `1 / (1 - rate)`.

    Srivastava et al., JMLR 2014. Outside training the inputs pass unchanged.

    Args:
        rate: share, in [0, 1].
        noise_shape: shape of the random mask, broadcast to the inputs; None entries take the inputs' size.
        seed: integer that fixes the draws.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> layer = Dropout(0.5, seed=1)
    >>> layer(np.ones((1, 3), "float32")).tolist()
    [[1.0, 1.0, 1.0]]
    >>> sorted(set(layer(np.ones((9, 9), "float32"), training=True).numpy().ravel().tolist()))
    [0.0, 2.0]
    """

    def __init__(
        self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise ValueError(f"Dropout: `rate` must be a number in [0, 1], got {rate!r}.")
        self.rate = rate
        self.seed = seed
        self._set_untracked("noise_shape", None if noise_shape is None else tuple(noise_shape))
        if rate > 0:
            self.seed_generator = SeedGenerator(seed)
        self.supports_masking = True
        self._build_at_init()

    noise_shape: tuple[int | None, ...] | None

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        noise_shape = self.noise_shape
        if noise_shape is not None:
            noise_shape = tuple(
                size if given is None else given for given, size in zip(noise_shape, inputs.shape, strict=True)
            )
        return random.dropout(inputs, self.rate, noise_shape=noise_shape, seed=self.seed_generator)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "noise_shape": self.noise_shape, "seed": self.seed}
