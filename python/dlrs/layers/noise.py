"""Layers that add noise while training: a part of regularization."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import ops, random
from dlrs.config import standardize_data_format
from dlrs.layers.input_spec import InputSpec
from dlrs.layers.layer import Layer
from dlrs.random import SeedGenerator


def check_rate(rate: Any) -> Any:
    """`rate` as it is; ValueError unless it is a number in [0, 1]."""
    if isinstance(rate, bool) or not isinstance(rate, int | float | np.number) or not 0 <= rate <= 1:
        raise ValueError(
            "Invalid value received for argument `rate`. Expected a float value between 0 and 1. Received: "
            f"rate={rate!r}"
        )
    return rate


def check_noise_shape(shape: Any) -> tuple[int | None, ...] | None:
    """`shape` as a tuple; ValueError unless it is None or made of positive integers and Nones."""
    problem = "Invalid value received for argument `noise_shape`. Expected"
    if shape is None:
        return None
    if not isinstance(shape, list | tuple):
        raise ValueError(f"{problem} a tuple or list of integers. Received: noise_shape={shape!r}")
    if not all(size is None or (isinstance(size, int) and not isinstance(size, bool)) for size in shape):
        raise ValueError(f"{problem} all elements to be integers or None. Received: noise_shape={shape!r}")
    if not all(size is None or size > 0 for size in shape):
        raise ValueError(f"{problem} all dimensions to be positive integers or None. Received: noise_shape={shape!r}")
    return tuple(shape)


class Noise(Layer):
    """A layer that changes its inputs at random while training, and passes them on otherwise."""

    def __init__(self, seed: int | None, strength: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self._strength = strength
        if strength > 0:
            self.seed_generator = SeedGenerator(seed)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self._disturb(inputs) if training and self._strength > 0 else inputs

    def _disturb(self, inputs: Any) -> Any:
        """The inputs, with noise."""
        raise self._lacks("_disturb")

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


def _shape_of_noise(noise_shape: Sequence[int | None] | None, inputs: Any) -> Any:
    """`noise_shape` with the inputs' sizes for its Nones."""
    if noise_shape is None:
        return tuple(inputs.shape)
    if len(noise_shape) != inputs.ndim:
        raise ValueError(f"`noise_shape` {noise_shape} must have an entry for each axis of the inputs {inputs.shape}.")
    return tuple(size if given is None else given for given, size in zip(noise_shape, inputs.shape, strict=True))


class Dropout(Noise):
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
        super().__init__(seed, check_rate(rate), **kwargs)
        self.rate = rate
        self._set_untracked("noise_shape", check_noise_shape(noise_shape))

    noise_shape: tuple[int | None, ...] | None

    def _disturb(self, inputs: Any) -> Any:
        noise_shape = None if self.noise_shape is None else _shape_of_noise(self.noise_shape, inputs)
        return random.dropout(inputs, self.rate, noise_shape=noise_shape, seed=self.seed_generator)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "noise_shape": self.noise_shape}


class AlphaDropout(Noise):
    """Dropout that keeps mean 0 and variance 1, for networks of SELUs (Klambauer et al., arXiv 1706.02515, §3).

    Dropped inputs become `-λα`; an affine map then restores mean and variance.

    Args:
        rate: share, in [0, 1].
        noise_shape: shape of the random mask, broadcast to the inputs; None entries take the inputs' size.
        seed: integer that fixes the draws.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> AlphaDropout(0.5)(np.ones((1, 3), "float32")).tolist()
    [[1.0, 1.0, 1.0]]
    """

    def __init__(
        self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, check_rate(rate), **kwargs)
        self.rate = rate
        self._set_untracked("noise_shape", check_noise_shape(noise_shape))

    noise_shape: tuple[int | None, ...] | None

    def _disturb(self, inputs: Any) -> Any:
        rate = self.rate
        if rate == 1:
            return ops.zeros_like(inputs)
        dropped = -1.6732632423543772 * 1.0507009873554805  # α' = -λα, the limit of SELU
        draws = random.uniform(_shape_of_noise(self.noise_shape, inputs), seed=self.seed_generator)
        a = ((1 - rate) * (1 + rate * dropped**2)) ** -0.5
        values = ops.where(ops.greater_equal(draws, rate), inputs, ops.full_like(inputs, dropped))
        return values * a - a * dropped * rate

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "noise_shape": self.noise_shape}


class GaussianDropout(Noise):
    """Multiplies the inputs by normal draws of mean 1 and variance `rate / (1 - rate)` while training.

    Srivastava et al., JMLR 2014, §10.

    Args:
        rate: the share that a dropout of the same variance would drop, in [0, 1).
        seed: integer that fixes the draws.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> GaussianDropout(0.5)(np.ones((1, 3), "float32")).tolist()
    [[1.0, 1.0, 1.0]]
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        if check_rate(rate) == 1:
            raise ValueError(f"GaussianDropout: a `rate` of 1 has infinite variance, got {rate!r}.")
        super().__init__(seed, rate, **kwargs)
        self.rate = rate

    def _disturb(self, inputs: Any) -> Any:
        stddev = math.sqrt(self.rate / (1 - self.rate))
        noise = random.normal(tuple(inputs.shape), mean=1.0, stddev=stddev, seed=self.seed_generator)
        return inputs * ops.cast(noise, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate}


class GaussianNoise(Noise):
    """Adds normal draws of mean 0 to the inputs while training.

    Args:
        stddev: standard deviation, at least 0.
        seed: integer that fixes the draws.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> GaussianNoise(0.5)(np.ones((1, 3), "float32")).tolist()
    [[1.0, 1.0, 1.0]]
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        if isinstance(stddev, bool) or not isinstance(stddev, int | float | np.number) or not 0 <= stddev < math.inf:
            raise ValueError(
                "Invalid value received for argument `stddev`. Expected a finite float value of at least 0. Received: "
                f"stddev={stddev!r}"
            )
        super().__init__(seed, stddev, **kwargs)
        self.stddev = stddev

    def _disturb(self, inputs: Any) -> Any:
        noise = random.normal(tuple(inputs.shape), stddev=self.stddev, seed=self.seed_generator)
        return inputs + ops.cast(noise, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stddev": self.stddev}


class _SpatialDropout(Noise):
    """Dropout of whole channels (Tompson et al., arXiv 1411.4280)."""

    def __init__(self, rank: int, rate: float, seed: int | None, data_format: str, **kwargs: Any) -> None:
        super().__init__(seed, check_rate(rate), **kwargs)
        self.rate = rate
        self.data_format = data_format
        self.input_spec = InputSpec(ndim=rank + 2)

    def _disturb(self, inputs: Any) -> Any:
        ones = (1,) * (inputs.ndim - 2)
        first = self.data_format == "channels_first"
        noise_shape = (*inputs.shape[:2], *ones) if first else (inputs.shape[0], *ones, inputs.shape[-1])
        return random.dropout(inputs, self.rate, noise_shape=noise_shape, seed=self.seed_generator)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate}


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole features of sequences: all time steps of one, or none.

    Args:
        rate: share of the features, in [0, 1].
        seed: integer that fixes the draws.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> SpatialDropout1D(0.5)(np.ones((1, 2, 3), "float32")).shape
    (1, 2, 3)
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(1, rate, seed, "channels_last", **kwargs)


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of images.

    Args:
        rate: share of the channels, in [0, 1].
        data_format: `"channels_last"` or `"channels_first"`.
        seed: integer that fixes the draws.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> SpatialDropout2D(0.5)(np.ones((1, 2, 2, 3), "float32")).shape
    (1, 2, 2, 3)
    """

    def __init__(self, rate: float, data_format: str | None = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(2, rate, seed, standardize_data_format(data_format), **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of volumes.

    Args:
        rate: share of the channels, in [0, 1].
        data_format: `"channels_last"` or `"channels_first"`.
        seed: integer that fixes the draws.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> SpatialDropout3D(0.5)(np.ones((1, 2, 2, 2, 3), "float32")).shape
    (1, 2, 2, 2, 3)
    """

    def __init__(self, rate: float, data_format: str | None = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(3, rate, seed, standardize_data_format(data_format), **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}
