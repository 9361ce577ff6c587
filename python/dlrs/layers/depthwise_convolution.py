"""Convolution of each channel on its own."""

from typing import Any

from dlrs import constraints, initializers, ops, regularizers
from dlrs.layers.convolution_arguments import ExplicitPadding, standardize_count


class _DepthwiseConvolution(ExplicitPadding):
    """`activation(depthwise_conv(inputs, kernel) + bias)` over `rank` spatial axes."""

    def __init__(
        self,
        rank: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            rank,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            bias_initializer,
            bias_regularizer,
            activity_regularizer,
            bias_constraint,
            **kwargs,
        )
        self.depth_multiplier = standardize_count(depth_multiplier, type(self).__name__, "depth_multiplier")
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.compute_output_shape(input_shape)
        self.kernel = self.add_weight(
            (*self.kernel_size, channels, self.depth_multiplier),
            self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
            name="kernel",
        )
        self._add_bias(channels * self.depth_multiplier)

    def call(self, inputs: Any) -> Any:
        return self._finish(
            ops.depthwise_conv(
                inputs,
                self.kernel,
                self.strides,
                self.padding,
                self.data_format,
                self.dilation_rate,
                conv_algo=self.conv_algo,
            )
        )

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        self._check_rank(input_shape)
        channels = input_shape[-1 if self.data_format == "channels_last" else 1]
        return self._output_shape(input_shape, None if channels is None else channels * self.depth_multiplier)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "depth_multiplier": self.depth_multiplier,
            "depthwise_initializer": initializers.serialize(self.depthwise_initializer),
            "depthwise_regularizer": regularizers.serialize(self.depthwise_regularizer),
            "depthwise_constraint": constraints.serialize(self.depthwise_constraint),
        }


class DepthwiseConv1D(_DepthwiseConvolution):
    """Convolution of each channel of sequences with filters of its own.

    The outputs are `activation(depthwise_conv(inputs, kernel) + bias)`.

    Args:
        kernel_size: time steps of the window.
        strides: time steps from one window to the next.
        padding: `"valid"`, `"same"`, or the numbers of zeros (before, after), as for `Conv1D`.
        depth_multiplier: filters for each channel, m; channel c makes the outputs c * m to c * m + m - 1.
        data_format: `"channels_last"`, (batch, time, features), or `"channels_first"`.
        dilation_rate: distance of the window's taps.
        activation: function, or name of one; none by default.
        use_bias: whether to add a bias for each output channel.
        depthwise_initializer, bias_initializer: initializers of the weights, of shapes (steps, channels, m)
            and (channels * m,).
        depthwise_regularizer, bias_regularizer: functions of the weights whose values are added to the loss.
        activity_regularizer: function of the output whose value is added to the loss.
        depthwise_constraint, bias_constraint: functions applied to the weights after each update.
        **kwargs: `conv_algo` (see `config.conv_algo`), `name`, `dtype`, `trainable`.

    Raises:
        ValueError: an argument is out of its range; the window is larger than the padded input.

    >>> import numpy as np
    >>> DepthwiseConv1D(3, depth_multiplier=2)(np.zeros((2, 10, 5), "float32")).shape
    (2, 8, 10)
    """

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            1,
            kernel_size,
            strides,
            padding,
            depth_multiplier,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            depthwise_initializer,
            bias_initializer,
            depthwise_regularizer,
            bias_regularizer,
            activity_regularizer,
            depthwise_constraint,
            bias_constraint,
            **kwargs,
        )


class DepthwiseConv2D(_DepthwiseConvolution):
    """Convolution of each channel of images with filters of its own.

    The outputs are `activation(depthwise_conv(inputs, kernel) + bias)`.

    Args:
        kernel_size: rows and columns of the window, one number or two.
        strides: rows and columns from one window to the next.
        padding: `"valid"`, `"same"`, or the numbers of zeros (before, after), as for `Conv2D`.
        depth_multiplier: filters for each channel, m; channel c makes the outputs c * m to c * m + m - 1.
        data_format: `"channels_last"`, (batch, height, width, channels), or `"channels_first"`.
        dilation_rate: distance of the window's taps.
        activation: function, or name of one; none by default.
        use_bias: whether to add a bias for each output channel.
        depthwise_initializer, bias_initializer: initializers of the weights, of shapes (rows, columns, channels, m)
            and (channels * m,).
        depthwise_regularizer, bias_regularizer: functions of the weights whose values are added to the loss.
        activity_regularizer: function of the output whose value is added to the loss.
        depthwise_constraint, bias_constraint: functions applied to the weights after each update.
        **kwargs: `conv_algo` (see `config.conv_algo`), `name`, `dtype`, `trainable`.

    Raises:
        ValueError: an argument is out of its range; the window is larger than the padded input.

    >>> import numpy as np
    >>> DepthwiseConv2D(3, strides=2, padding="same")(np.zeros((2, 7, 8, 5), "float32")).shape
    (2, 4, 4, 5)
    """

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: Any = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            2,
            kernel_size,
            strides,
            padding,
            depth_multiplier,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            depthwise_initializer,
            bias_initializer,
            depthwise_regularizer,
            bias_regularizer,
            activity_regularizer,
            depthwise_constraint,
            bias_constraint,
            **kwargs,
        )
