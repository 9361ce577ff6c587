"""Batch renormalization: statistics of the batch, corrected to slowly moving ones."""

from typing import Any

from dlrs import initializers, ops

_BOUNDS = ("rmax", "rmin", "dmax")


class Renormalization:
    """The statistics and the correction that batch renormalization adds to a `BatchNormalization` layer.

    While training `y = ((x - μ) / σ · r + d) · gamma + beta` with `r = σ / σ_r` and `d = (μ - μ_r) / σ_r`, both clipped
    and without gradients; μ, σ are the batch's, μ_r, σ_r move by `momentum` (Ioffe, arXiv 1702.03275, algorithm 1).

    Args:
        layer: the layer, which gets the variables `renorm_mean`, `renorm_stddev` and `moving_stddev`.
        clipping: bounds `rmin` ≤ r ≤ `rmax`, |d| ≤ `dmax`; those not given do not bind.
        momentum: share of the old statistics that is kept.
    """

    def __init__(self, layer: Any, clipping: dict[str, float] | None, momentum: float) -> None:
        clipping = dict(clipping or {})
        given = f"Received: renorm_clipping={clipping}"
        if set(clipping) - set(_BOUNDS):
            raise ValueError(f"Received invalid keys for `renorm_clipping`, known are {_BOUNDS}. {given}")
        rmax, rmin, dmax = (clipping.get(name) for name in _BOUNDS)
        if rmax is not None and not rmax >= (1.0 if rmin is None else max(1.0, rmin)):
            raise ValueError(f"rmax should be at least 1 and rmin. {given}")
        if rmin is not None and not 0 <= rmin <= 1:
            raise ValueError(f"rmin should be in [0, 1]. {given}")
        if dmax is not None and not dmax >= 0:
            raise ValueError(f"dmax should be non-negative. {given}")
        if isinstance(momentum, bool) or not isinstance(momentum, int | float) or not 0 <= momentum <= 1:
            raise ValueError(f"BatchNormalization: `renorm_momentum` must be a number in [0, 1], got {momentum!r}.")
        self.layer = layer
        self.clipping = clipping or None
        self.momentum = momentum

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the variables, for features of shape `shape`; deviations start at the root of the moving variance."""
        layer = self.layer

        def root_of_variance(shape: Any, dtype: Any = None) -> Any:
            return ops.sqrt(layer.moving_variance_initializer(shape, dtype=dtype))

        for name, initializer in (
            ("moving_stddev", root_of_variance),
            ("renorm_mean", initializers.get(layer.moving_mean_initializer)),
            ("renorm_stddev", root_of_variance),
        ):
            variable = layer.add_weight(shape, initializer, trainable=False, autocast=False, name=name)
            setattr(layer, name, variable)

    def correct(self, mean: Any, variance: Any) -> tuple[Any, Any]:
        """Move the statistics by those of the batch; the mean to take off and the factor to multiply by."""
        layer, bounds = self.layer, self.clipping or {}
        deviation = ops.sqrt(variance + layer.epsilon)
        old_mean = ops.cast(layer.renorm_mean.value, mean.dtype)
        old_deviation = ops.cast(layer.renorm_stddev.value, mean.dtype)
        r = deviation / old_deviation
        d = (mean - old_mean) / old_deviation
        if "rmin" in bounds:
            r = ops.maximum(r, bounds["rmin"])
        if "rmax" in bounds:
            r = ops.minimum(r, bounds["rmax"])
        if "dmax" in bounds:
            d = ops.clip(d, -bounds["dmax"], bounds["dmax"])
        r, d = ops.stop_gradient(r), ops.stop_gradient(d)
        self._move(mean, deviation)
        # (x - μ) / σ · r + d = (x - (μ - d σ / r)) · r / σ
        return mean - d * deviation / r, r / deviation

    def _move(self, mean: Any, deviation: Any) -> None:
        layer = self.layer
        for variable, batch, momentum in (
            (layer.renorm_mean, mean, self.momentum),
            (layer.renorm_stddev, deviation, self.momentum),
            (layer.moving_mean, mean, layer.momentum),
            (layer.moving_stddev, deviation, layer.momentum),
        ):
            batch = ops.cast(ops.stop_gradient(batch), variable.dtype)
            variable.assign(variable.value * momentum + batch * (1.0 - momentum))
        layer.moving_variance.assign(ops.square(layer.moving_stddev.value) - layer.epsilon)
