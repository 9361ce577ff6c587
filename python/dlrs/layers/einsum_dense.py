"""The densely connected layer over axes of one's choice."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from dlrs import activations, constraints, initializers, ops, regularizers
from dlrs.layers.layer import Layer

_EQUATION = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")
Shape = tuple[int | None, ...]


class EinsumDense(Layer):
    """`activation(einsum(equation, inputs, kernel) + bias)`.

    Args:
        equation: `"ab,bc->ac"` and the like: inputs, kernel, output. An ellipsis before or behind both the inputs' and
            the output's letters stands for axes that pass through.
        output_shape: shape of the output without the batch axis and the axes of the ellipsis; None for sizes that are
            those of the input.
        activation: function, or name of one; none by default.
        bias_axes: the letters of the output's axes that the bias has; no bias by default.
        kernel_initializer, bias_initializer: initializers.
        kernel_regularizer, bias_regularizer: functions of the weights whose values are added to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each update.
        **kwargs: `name`, `dtype`, `trainable`, `activity_regularizer`.

    Raises:
        ValueError: the equation is not of this form, or does not fit the shapes.

    >>> import numpy as np
    >>> layer = EinsumDense("abc,cd->abd", output_shape=(None, 4), bias_axes="d", kernel_initializer="ones")
    >>> layer(np.ones((1, 2, 3), "float32")).shape, layer.bias.shape
    ((1, 2, 4), (4,))
    """

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.equation = equation
        sizes = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        self._set_untracked("partial_output_shape", sizes)
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    partial_output_shape: Shape

    def build(self, input_shape: Any) -> None:
        shapes = einsum_shapes(self.equation, input_shape, self.partial_output_shape, self.bias_axes)
        for name, shape in (("kernel", shapes.kernel), ("bias", shapes.bias)):
            if shape is not None and None in shape:
                raise ValueError(
                    f"Layer {self.name!r}: the shape {shape} of its {name} must be known; the inputs have shape "
                    f"{input_shape}."
                )
        initializer = self.kernel_initializer
        if isinstance(initializer, initializers.VarianceScaling):
            initializer = initializer.with_axes(*_fans(self.equation))
        self.kernel = self.add_weight(
            shapes.kernel,
            initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if shapes.bias is not None:
            self.bias = self.add_weight(
                shapes.bias,
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        outputs = ops.einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            outputs = ops.add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        return einsum_shapes(self.equation, input_shape, self.partial_output_shape, self.bias_axes).output

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "output_shape": self.partial_output_shape,
            "equation": self.equation,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }


class EinsumShapes(NamedTuple):
    """What an equation makes of shapes."""

    kernel: Shape
    bias: Shape | None
    output: Shape


def einsum_shapes(equation: str, input_shape: Shape, partial: Shape, bias_axes: str | None) -> EinsumShapes:
    """The shapes of kernel, bias and output of an `EinsumDense`.

    Args:
        equation: the equation.
        input_shape: shape of the input.
        partial: shape of the output without the batch axis and the axes of the ellipsis.
        bias_axes: letters of the bias, or None.

    >>> einsum_shapes("...b,bc->...c", (None, 3, 8), (4,), "c")
    EinsumShapes(kernel=(8, 4), bias=(4,), output=(None, 3, 4))
    """
    inputs, kernel, outputs, left = _parsed(equation)
    elided = len(input_shape) - len(inputs)
    batch = input_shape[:elided] if left and elided else input_shape[:1]
    output = [*batch, *partial, *(() if left or not elided else input_shape[len(inputs) :])]
    offset = elided if left else 0
    if elided < 0 or len(outputs) + elided != len(output) or (elided and "..." not in equation):
        raise ValueError(
            f"EinsumDense: the equation {equation!r} does not fit inputs of shape {tuple(input_shape)} and an output "
            f"of shape {tuple(output)}."
        )
    sizes = dict(zip(inputs, input_shape[offset:], strict=False))
    for place, letter in enumerate(outputs, offset):
        if letter not in inputs and letter not in kernel:
            raise ValueError(
                f"EinsumDense: the output's axis {letter!r} in {equation!r} is of neither input nor kernel."
            )
        expected = sizes.get(letter)
        if output[place] is None:
            output[place] = expected
        elif letter in sizes and output[place] != expected:
            raise ValueError(
                f"EinsumDense: the axis {letter!r} in {equation!r} has size {expected} in the input and "
                f"{output[place]} in the output."
            )
        else:
            sizes[letter] = output[place]
    missing = [letter for letter in kernel if letter not in sizes]
    if missing:
        raise ValueError(f"EinsumDense: the kernel's axes {missing} in {equation!r} are of neither input nor output.")
    bias = None
    if bias_axes is not None:
        bias = _bias_shape(equation, outputs, output[offset:], bias_axes)
    return EinsumShapes(tuple(sizes[letter] for letter in kernel), bias, tuple(output))


def _bias_shape(equation: str, outputs: str, sizes: list[int | None], bias_axes: str) -> Shape:
    """The sizes of the axes from the first of the bias on, 1 for those that are not of the bias."""
    unknown = sorted(set(bias_axes) - set(outputs))
    if unknown or not bias_axes:
        raise ValueError(f"EinsumDense: `bias_axes` {bias_axes!r} must name axes of the output of {equation!r}.")
    first = min(outputs.index(letter) for letter in bias_axes)
    letters = outputs + " " * (len(sizes) - len(outputs))
    return tuple(
        size if letter in bias_axes else 1 for letter, size in zip(letters[first:], sizes[first:], strict=True)
    )


def _fans(equation: str) -> tuple[list[int], list[int]]:
    """The axes of the kernel that are summed over, and those that the output has."""
    _, kernel, outputs, _ = _parsed(equation)
    made = [axis for axis, letter in enumerate(kernel) if letter in outputs]
    return [axis for axis in range(len(kernel)) if axis not in made], made


def _parsed(equation: str) -> tuple[str, str, str, bool]:
    """The letters of input, kernel and output, and whether an ellipsis stands before them."""
    match = _EQUATION.fullmatch(equation) if isinstance(equation, str) else None
    if match is not None:
        before, inputs, behind, kernel, out_before, outputs, out_behind = match.groups()
        if before == out_before and behind == out_behind and not (before and behind):
            return inputs, kernel, outputs, before is not None
    raise ValueError(
        f"EinsumDense: `equation` must be of the form 'ab,bc->ac', '...b,bc->...c' or 'ab...,bc->ac...', got "
        f"{equation!r}."
    )
