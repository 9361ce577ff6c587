"""Random initial values, scaled so that signals keep their size from layer to layer."""

import copy
import math
import operator
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from dlrs import ops, random
from dlrs.backend import Tensor, standardize_dtype
from dlrs.backend.checks import check_number
from dlrs.errors import unknown_name
from dlrs.initializers.initializer import Initializer


class RandomInitializer(Initializer):
    """Random values.

    Args:
        seed: Integer: the same values each time; a `SeedGenerator`, or the configuration of one: the next values of its
            sequence; None: an integer from Python's generator, chosen now.

    The base of the random ones. A subclass defines `__call__(shape, dtype=None)` and draws with `self.seed`:

    >>> from dlrs import random
    >>> class Signs(RandomInitializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return ops.sign(random.normal(shape, dtype=dtype, seed=self.seed))
    >>> sorted(set(Signs(seed=1)((50,)).tolist()))
    [-1.0, 1.0]
    >>> Signs(seed=1).get_config()
    {'seed': 1}
    """

    def __init__(self, seed: Any = None) -> None:
        if isinstance(seed, dict) and seed.get("class_name") == "SeedGenerator":
            seed = random.SeedGenerator.from_config(seed["config"])
        is_integer = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
        if not (seed is None or is_integer or isinstance(seed, random.SeedGenerator)):
            raise ValueError(
                f"{type(self).__name__}: `seed` must be an integer, a SeedGenerator or None, got {seed!r}."
            )
        self._given_seed = seed
        self.seed = random.make_default_seed() if seed is None else seed

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an initializer of the same kind; a seed that was made up stays open."""
        seed = self._given_seed
        if isinstance(seed, random.SeedGenerator):
            return {"seed": {"class_name": "SeedGenerator", "config": seed.get_config()}}
        return {"seed": seed}


class RandomNormal(RandomInitializer):
    """Normal draws.

    >>> RandomNormal(stddev=0.1, seed=1)((2, 3)).shape
    (2, 3)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        super().__init__(seed)
        check_number(type(self).__name__, "mean", mean)
        check_number(type(self).__name__, "stddev", stddev, least=0)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        return random.normal(shape, self.mean, self.stddev, dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an initializer of the same kind."""
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


class TruncatedNormal(RandomNormal):
    """Normal draws within two standard deviations of the mean.

    >>> TruncatedNormal(seed=1)((2, 3)).shape
    (2, 3)
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        return random.truncated_normal(shape, self.mean, self.stddev, dtype, self.seed)


class RandomUniform(RandomInitializer):
    """Uniform draws from `minval` to `maxval`.

    >>> RandomUniform(seed=1)((2, 3)).shape
    (2, 3)
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> None:
        super().__init__(seed)
        check_number("RandomUniform", "minval", minval)
        check_number("RandomUniform", "maxval", maxval)
        if minval > maxval:
            raise ValueError(f"RandomUniform: `minval` must not be above `maxval`, got {minval} and {maxval}.")
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        return random.uniform(shape, self.minval, self.maxval, dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an initializer of the same kind."""
        return {"minval": self.minval, "maxval": self.maxval, **super().get_config()}


Mode = Literal["fan_in", "fan_out", "fan_avg"]
Distribution = Literal["truncated_normal", "untruncated_normal", "uniform"]
_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")

# Standard deviation of a standard normal variable given that it is within 2 of its mean.
_TRUNCATED_STDDEV = 0.87962566103423978


class VarianceScaling(RandomInitializer):
    """Draws of variance `scale / n`, where `n` is the number of inputs or outputs of a unit, or their mean.

    Args:
        scale: Positive number.
        mode: `"fan_in"`, `"fan_out"` or `"fan_avg"`.
        distribution: `"truncated_normal"` (or `"normal"`), `"untruncated_normal"` or `"uniform"`.
        seed: Integer, `SeedGenerator` or None.
        input_axes: Axes of the shape that count as inputs; by default all but the last.
        output_axes: Axes of the shape that count as outputs; by default the last, times the window of a convolution.

    >>> VarianceScaling(seed=1)((2, 3)).shape
    (2, 3)
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        check_number(type(self).__name__, "scale", scale)
        if scale <= 0:
            raise ValueError(f"{type(self).__name__}: Argument `scale` must be positive float. Got {scale!r}.")
        if mode not in _MODES:
            raise ValueError(f"Invalid `mode` argument: {unknown_name('mode', mode, _MODES)}")
        distribution = "truncated_normal" if distribution == "normal" else distribution
        if distribution not in _DISTRIBUTIONS:
            raise ValueError(
                f"Invalid `distribution` argument: {unknown_name('distribution', distribution, _DISTRIBUTIONS)}"
            )
        super().__init__(seed)
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes

    def with_axes(self, input_axes: Sequence[int], output_axes: Sequence[int]) -> "VarianceScaling":
        """A copy that counts these axes as inputs and outputs; itself if it was told which to count."""
        if self.input_axes is not None and self.output_axes is not None:
            return self
        told = copy.copy(self)
        told.input_axes, told.output_axes = input_axes, output_axes
        return told

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
        variance = self.scale / max(1.0, fans[self.mode])
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return random.uniform(shape, -limit, limit, dtype, self.seed)
        stddev = math.sqrt(variance)
        if self.distribution == "untruncated_normal":
            return random.normal(shape, 0.0, stddev, dtype, self.seed)
        return random.truncated_normal(shape, 0.0, stddev / _TRUNCATED_STDDEV, dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an initializer of the same kind."""
        return {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            **super().get_config(),
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class _Scaled(VarianceScaling):
    """A `VarianceScaling` whose rule has a name."""

    _rule: tuple[float, Mode, Distribution]

    def __init__(
        self, seed: Any = None, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
    ) -> None:
        scale, mode, distribution = self._rule
        super().__init__(scale, mode, distribution, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an initializer of the same kind."""
        config = super().get_config()
        return {key: config[key] for key in ("seed", "input_axes", "output_axes")}


class GlorotUniform(_Scaled):
    """Uniform draws of variance 2 / (inputs + outputs) (Glorot and Bengio 2010).

    >>> GlorotUniform(seed=1)((2, 3)).shape
    (2, 3)
    """

    _rule = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Truncated normal draws of variance 2 / (inputs + outputs) (Glorot and Bengio 2010).

    >>> GlorotNormal(seed=1)((2, 3)).shape
    (2, 3)
    """

    _rule = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Scaled):
    """Uniform draws of variance 2 / inputs (He et al. 2015, arXiv 1502.01852).

    >>> HeUniform(seed=1)((2, 3)).shape
    (2, 3)
    """

    _rule = (2.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """Truncated normal draws of variance 2 / inputs (He et al. 2015, arXiv 1502.01852).

    >>> kernel = HeNormal(seed=1)((200, 100)).numpy()
    >>> round(float(kernel.std() / np.sqrt(2 / 200)), 1)
    1.0
    """

    _rule = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """Uniform draws of variance 1 / inputs (LeCun et al. 1998, "Efficient BackProp").

    >>> LecunUniform(seed=1)((2, 3)).shape
    (2, 3)
    """

    _rule = (1.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """Truncated normal draws of variance 1 / inputs (LeCun et al. 1998, "Efficient BackProp").

    >>> kernel = LecunNormal(seed=1)((200, 100)).numpy()
    >>> round(float(kernel.std() / np.sqrt(1 / 200)), 1)
    1.0
    """

    _rule = (1.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """A random matrix with orthonormal rows or columns, times `gain` (Saxe et al. 2014, arXiv 1312.6120).

    All axes but the last count as rows.

    >>> q = Orthogonal(seed=1)((2, 2)).numpy()
    >>> bool(np.allclose(q @ q.T, np.eye(2), atol=1e-6))
    True
    """

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        super().__init__(seed)
        check_number("Orthogonal", "gain", gain)
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        shape = weight_shape(shape)
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: the shape must have at least two axes, got {tuple(shape)}.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        draw = random.normal((max(rows, columns), min(rows, columns)), dtype="float64", seed=self.seed)
        q, r = np.linalg.qr(draw.numpy())
        # The factor of a QR decomposition is unique, and then uniformly distributed, with a positive diagonal of R.
        q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
        q = q if rows >= columns else q.T
        return ops.convert_to_tensor(self.gain * q.reshape(shape), standardize_dtype(dtype))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an initializer of the same kind."""
        return {"gain": self.gain, **super().get_config()}


def weight_shape(shape: Any) -> tuple[int, ...]:
    """`shape` as a tuple of integers.

    >>> weight_shape([2, 3])
    (2, 3)
    """
    if not isinstance(shape, list | tuple):
        raise TypeError(f"An initializer's `shape` must be a tuple of integers, got {type(shape).__name__}.")
    return tuple(operator.index(size) for size in shape)


def compute_fans(
    shape: Sequence[int], input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
) -> tuple[int, int]:
    """How many inputs and outputs a unit has whose weights have shape `shape`, (*window, inputs, outputs).

    >>> compute_fans((3, 3, 16, 32))
    (144, 288)
    """
    shape = weight_shape(shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) < 2:
        size = math.prod(shape)
        return size, size
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window
