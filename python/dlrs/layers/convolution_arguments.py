"""What the convolution layers share: their arguments, their weights, and the sizes of what they make."""

from collections.abc import Sequence
from typing import Any

from dlrs import activations, constraints, initializers, ops, regularizers
from dlrs.config import standardize_conv_algo, standardize_data_format
from dlrs.layers.input_spec import InputSpec
from dlrs.layers.layer import Layer
from dlrs.layers.spatial_arguments import first_spatial_axis, standardize_margins, standardize_sizes
from dlrs.ops.spatial import LARGEST


def standardize_count(value: Any, layer: str, name: str) -> int:
    """`value` as a positive int; else a ValueError that names layer and argument."""
    expected = None
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        expected = "an integer"
    elif value <= 0:
        expected = "a strictly positive value"
    elif value > LARGEST:
        expected = f"at most {LARGEST}"
    if expected:
        raise ValueError(
            f"{layer}: Invalid value for argument `{name}`. Expected {expected}. Received {name}={value!r}."
        )
    return int(value)


class ConvolutionBase(Layer):
    """A layer that moves windows over `rank` spatial axes: the arguments that all of these have.

    Not a layer to use; it has the arguments' checks, the bias and the activation. `conv_algo`, `"auto"` or `"direct"`,
    says by which algorithms it is computed; `config.conv_algo()` if None.
    """

    def __init__(
        self,
        rank: int,
        kernel_size: Any,
        strides: Any,
        padding: Any,
        data_format: str | None,
        dilation_rate: Any,
        activation: Any,
        use_bias: bool,
        bias_initializer: Any,
        bias_regularizer: Any,
        activity_regularizer: Any,
        bias_constraint: Any,
        conv_algo: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        layer = type(self).__name__
        self.rank = rank
        try:
            self.kernel_size = standardize_sizes(kernel_size, rank, "kernel_size")
            self.strides = standardize_sizes(strides, rank, "strides")
            self.dilation_rate = standardize_sizes(dilation_rate, rank, "dilation_rate")
            self.data_format = standardize_data_format(data_format)
        except ValueError as error:
            raise ValueError(f"{layer}: {error}") from None
        self.conv_algo = None if conv_algo is None else standardize_conv_algo(conv_algo)
        self.padding = self._standardize_padding(padding)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(ndim=rank + 2)
        self.bias: Any = None

    def _refuse_strides_with_dilation(self) -> None:
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{type(self).__name__}: `strides > 1` not supported in conjunction with `dilation_rate > 1`. Received:"
                f" strides={self.strides} and dilation_rate={self.dilation_rate}."
            )

    _paddings: tuple[str, ...] = ("valid", "same")

    def _standardize_padding(self, padding: Any) -> Any:
        mode = padding.lower() if isinstance(padding, str) else padding
        if mode in self._paddings:
            return mode
        raise ValueError(
            f"{type(self).__name__}: `padding` must be one of {', '.join(map(repr, self._paddings))}, got {padding!r}."
        )

    def _channels(self, input_shape: Any) -> int:
        """The channels of the input, which from now on must be as many."""
        self._check_rank(input_shape)
        axis = -1 if self.data_format == "channels_last" else 1
        channels = input_shape[axis]
        if not channels:
            raise ValueError(
                f"Layer {self.name!r}: the number of input channels must be known and positive, got shape"
                f" {tuple(input_shape)} with data_format={self.data_format!r}."
            )
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})
        return int(channels)

    def _add_bias(self, size: int) -> None:
        if self.use_bias:
            self.bias = self.add_weight(
                (size,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def _finish(self, outputs: Any) -> Any:
        """Bias and activation."""
        if self.bias is not None:
            bias = self.bias
            if self.data_format == "channels_first":
                bias = ops.reshape(bias, (1, -1, *(1,) * self.rank))
            outputs = ops.add(outputs, bias)
        return outputs if self.activation is None else self.activation(outputs)

    def _check_rank(self, shape: Sequence[int | None]) -> None:
        if len(shape) != self.rank + 2:
            raise ValueError(
                f"{type(self).__name__}: the input must have {self.rank + 2} axes, got shape {tuple(shape)}."
            )

    def _output_shape(self, input_shape: Any, channels: int | None) -> tuple[int | None, ...]:
        shape = list(input_shape)
        self._check_rank(shape)
        start = first_spatial_axis(self.data_format)
        margins = [(0, 0)] * self.rank if isinstance(self.padding, str) else self.padding
        windows = zip(self.kernel_size, self.strides, self.dilation_rate, margins, strict=True)
        for axis, (window, step, dilation, margin) in enumerate(windows, start):
            size = shape[axis]
            if size is None:
                continue
            reach = (window - 1) * dilation + 1
            whole = self.padding not in ("same", "causal")
            shape[axis] = (size + sum(margin) - reach) // step + 1 if whole else -(-size // step)
            if shape[axis] <= 0:
                raise ValueError(
                    f"{type(self).__name__}: Computed output size would be zero or negative. Received: input shape"
                    f" {tuple(input_shape)}, kernel_size={self.kernel_size}, strides={self.strides},"
                    f" padding={self.padding!r}, dilation_rate={self.dilation_rate}."
                )
        shape[-1 if self.data_format == "channels_last" else 1] = channels
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        # Only where it was given: it is no argument of Keras's.
        chosen = {} if self.conv_algo is None else {"conv_algo": self.conv_algo}
        return {
            **super().get_config(),
            **chosen,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }


class ExplicitPadding(ConvolutionBase):
    """Takes, besides names, the numbers of zeros before and after each spatial axis."""

    def _standardize_padding(self, padding: Any) -> Any:
        if isinstance(padding, list | tuple):
            # For one axis the pair itself, or, as in the configuration, a list of it.
            pairs = padding[0] if self.rank == len(padding) == 1 else padding
            return standardize_margins(pairs, self.rank, "padding")
        return super()._standardize_padding(padding)
