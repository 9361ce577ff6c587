"""What the normalizing layers share: axes, and the weights `gamma` and `beta`."""

from collections.abc import Sequence
from typing import Any

from dlrs import constraints, initializers, ops, regularizers
from dlrs.backend import KerasTensor, Tensor
from dlrs.backend.checks import check_type
from dlrs.layers.layer import Layer


def standardize_axes(axis: Any, problem: str) -> int | list[int]:
    """`axis`, an integer or a list of them; else a TypeError with the text `problem`."""
    if isinstance(axis, int) and not isinstance(axis, bool):
        return axis
    if isinstance(axis, list | tuple) and axis and all(isinstance(a, int) and not isinstance(a, bool) for a in axis):
        return list(axis)
    raise TypeError(f"{problem} Received: axis={axis!r}")


def axes_of(axis: int | Sequence[int], rank: int, name: str) -> tuple[int, ...]:
    """The axes counted from the front, in their order in the tensor; ValueError if one does not exist."""
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    if any(not -rank <= a < rank for a in axes):
        raise ValueError(f"Layer {name!r}: `axis` {axis} is not among the axes of inputs of rank {rank}.")
    return tuple(sorted({a % rank for a in axes}))


def known_sizes(shape: Sequence[int | None], axes: Sequence[int], name: str) -> tuple[int, ...]:
    """The sizes of `axes`; ValueError if one is open."""
    sizes = tuple(size for axis in axes if (size := shape[axis]) is not None)
    if len(sizes) != len(axes):
        raise ValueError(
            f"Layer {name!r}: axes {tuple(axes)} of the input tensor should have a defined dimension but the layer "
            f"received an input with shape {tuple(shape)}."
        )
    return sizes


def working(inputs: Any) -> Any:
    """The inputs in a type in which sums of squares do not overflow: halves become float32."""
    check_type("A normalization", "inputs", inputs, Tensor | KerasTensor, "a tensor")
    return ops.cast(inputs, "float32") if "16" in str(inputs.dtype) else inputs


class AffineNormalization(Layer):
    """The base of layers that normalize, multiply by `gamma` and add `beta`."""

    def __init__(
        self,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: Any,
        gamma_initializer: Any,
        beta_regularizer: Any,
        gamma_regularizer: Any,
        beta_constraint: Any,
        gamma_constraint: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(epsilon, bool) or not isinstance(epsilon, int | float) or not epsilon >= 0:
            raise ValueError(f"{type(self).__name__}: `epsilon` must be a number of at least 0, got {epsilon!r}.")
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.supports_masking = True
        self.gamma: Any = None
        self.beta: Any = None

    def _add_affine_weights(self, shape: tuple[int, ...]) -> None:
        if self.scale:
            self.gamma = self.add_weight(
                shape,
                self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                autocast=False,
                name="gamma",
            )
        if self.center:
            self.beta = self.add_weight(
                shape,
                self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                autocast=False,
                name="beta",
            )

    def _affine(self, x: Any, shape: Sequence[int | None]) -> Any:
        """`x · gamma + beta`, with the weights in `shape`."""
        if self.gamma is not None:
            x = x * ops.cast(ops.reshape(self.gamma, shape), x.dtype)
        if self.beta is not None:
            x = x + ops.cast(ops.reshape(self.beta, shape), x.dtype)
        return x

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }
