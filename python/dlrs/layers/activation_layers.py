"""Activation functions with parameters, as layers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import activations, constraints, initializers, ops, regularizers
from dlrs.layers.input_spec import InputSpec
from dlrs.layers.layer import Layer


class _Elementwise(Layer):
    """A layer whose output has the shape of its input, and that masks pass."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self._build_at_init()

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


def _check_not_negative(layer: str, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not value >= 0:
        raise ValueError(f"{name} of a {layer} layer cannot be None or a negative value, got {name}={value!r}.")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} of a {layer} layer is larger than a float can be, got {value}.") from None


class ReLU(_Elementwise):
    """`x` from `threshold` on, at most `max_value`; below, `negative_slope · (x - threshold)`.

    Args:
        max_value: the largest output; None for no bound.
        negative_slope: slope below the threshold.
        threshold: where the identity begins.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> ReLU(max_value=6.0)(np.array([-1.0, 3.0, 9.0], "float32")).tolist()
    [0.0, 3.0, 6.0]
    """

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if max_value is not None and not max_value >= 0:
            raise ValueError(f"max_value of a ReLU layer cannot be a negative value, got max_value={max_value!r}.")
        self.max_value = max_value
        self.negative_slope = _check_not_negative("ReLU", "negative_slope", negative_slope)
        self.threshold = _check_not_negative("ReLU", "threshold", threshold)

    def call(self, inputs: Any) -> Any:
        return activations.relu(
            inputs, negative_slope=self.negative_slope, max_value=self.max_value, threshold=self.threshold
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }


class LeakyReLU(_Elementwise):
    """`x` where it is positive, else `negative_slope · x` (Maas et al. 2013).

    Args:
        negative_slope: slope of the negative side.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> LeakyReLU(0.5)(np.array([-2.0, 2.0], "float32")).tolist()
    [-1.0, 2.0]
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        if negative_slope is None:
            raise ValueError("The negative_slope value of a Leaky ReLU layer cannot be None.")
        super().__init__(**kwargs)
        self.negative_slope = negative_slope

    def call(self, inputs: Any) -> Any:
        return activations.leaky_relu(inputs, negative_slope=self.negative_slope)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negative_slope": self.negative_slope}


class ELU(_Elementwise):
    """`x` where it is positive, else `alpha · (exp(x) - 1)` (Clevert et al., arXiv 1511.07289).

    Args:
        alpha: the negative of the limit for small inputs.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> [round(v, 4) for v in ELU()(np.array([-1.0, 2.0], "float32")).tolist()]
    [-0.6321, 2.0]
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        return activations.elu(inputs, alpha=self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}


class PReLU(Layer):
    """`x` where it is positive, else `alpha · x` with a trained `alpha` for each entry (He et al., arXiv 1502.01852).

    Args:
        alpha_initializer: initializer of `alpha`.
        alpha_regularizer: function of `alpha` whose value is added to the loss.
        alpha_constraint: function applied to `alpha` after each update.
        shared_axes: axes, counted from 1, along which one `alpha` is shared.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> PReLU("ones")(np.array([[-2.0, 2.0]], "float32")).tolist()
    [[-2.0, 2.0]]
    """

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        axes = (shared_axes,) if isinstance(shared_axes, int) else shared_axes
        self._set_untracked("shared_axes", None if axes is None else list(axes))

    shared_axes: list[int] | None

    def build(self, input_shape: Any) -> None:
        shape = list(input_shape[1:])
        for axis in self.shared_axes or ():
            if not 1 <= axis <= len(shape):
                raise ValueError(f"PReLU: `shared_axes` must lie in 1..{len(shape)}, got {self.shared_axes}.")
            shape[axis - 1] = 1
        if None in shape:
            raise ValueError(f"PReLU: open sizes must be in `shared_axes`, got the input shape {tuple(input_shape)}.")
        self.alpha = self.add_weight(
            shape,
            self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
            name="alpha",
        )
        axes = {axis: size for axis, size in enumerate(input_shape) if axis and axis not in (self.shared_axes or ())}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes)

    def call(self, inputs: Any) -> Any:
        return activations.relu(inputs) - self.alpha * activations.relu(-inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes,
        }


class Softmax(_Elementwise):
    """`exp(x)` divided by its sum over `axis`.

    Args:
        axis: axis, or several, over which the outputs sum to 1.
        **kwargs: `name`, `dtype`.

    A mask that broadcasts to the input leaves entries out: they give 0, and have no part in the sum.

    >>> import numpy as np
    >>> Softmax()(np.zeros((1, 3), "float32"), mask=np.array([[True, True, False]])).tolist()
    [[0.5, 0.5, 0.0]]
    """

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_untracked("axis", axis if isinstance(axis, int) else list(axis))

    axis: int | list[int]

    def call(self, inputs: Any, mask: Any = None) -> Any:
        axis = self.axis if isinstance(self.axis, int) else tuple(self.axis)
        if mask is None:
            return ops.softmax(inputs, axis=axis)
        mask = self._check_mask(inputs, mask)
        low = ops.full_like(inputs, float(np.finfo(np.float16 if "16" in str(inputs.dtype) else np.float32).min) / 2)
        return ops.where(mask, ops.softmax(ops.where(mask, inputs, low), axis=axis), ops.zeros_like(inputs))

    def _check_mask(self, inputs: Any, mask: Any) -> Any:
        mask = ops.cast(mask, "bool")
        if mask.ndim > inputs.ndim:
            raise ValueError(
                f"Softmax: `mask` must not have more dimensions than the inputs, got shapes {tuple(mask.shape)} and "
                f"{tuple(inputs.shape)}."
            )
        sizes = zip(reversed(mask.shape), reversed(inputs.shape), strict=False)
        if any(size not in (1, wanted) and None not in (size, wanted) for size, wanted in sizes):
            raise ValueError(
                f"Softmax: `mask` must be broadcastable to the inputs, got shapes {tuple(mask.shape)} and "
                f"{tuple(inputs.shape)}."
            )
        return mask

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
