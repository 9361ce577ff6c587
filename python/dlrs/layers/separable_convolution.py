"""Depthwise convolution followed by a mix of the channels."""

from typing import Any

from dlrs import constraints, initializers, ops, regularizers
from dlrs.layers.convolution_arguments import ExplicitPadding, standardize_count


class _SeparableConvolution(ExplicitPadding):
    """`activation(separable_conv(inputs, depthwise_kernel, pointwise_kernel) + bias)` over `rank` spatial axes."""

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
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
        layer = type(self).__name__
        self.filters = standardize_count(filters, layer, "filters")
        self.depth_multiplier = standardize_count(depth_multiplier, layer, "depth_multiplier")
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.compute_output_shape(input_shape)
        self.depthwise_kernel = self.add_weight(
            (*self.kernel_size, channels, self.depth_multiplier),
            self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
            name="depthwise_kernel",
        )
        self.pointwise_kernel = self.add_weight(
            (*(1,) * self.rank, channels * self.depth_multiplier, self.filters),
            self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
            name="pointwise_kernel",
        )
        self._add_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        return self._finish(
            ops.separable_conv(
                inputs,
                self.depthwise_kernel,
                self.pointwise_kernel,
                self.strides,
                self.padding,
                self.data_format,
                self.dilation_rate,
                conv_algo=self.conv_algo,
            )
        )

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return self._output_shape(input_shape, self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "depth_multiplier": self.depth_multiplier,
            "depthwise_initializer": initializers.serialize(self.depthwise_initializer),
            "pointwise_initializer": initializers.serialize(self.pointwise_initializer),
            "depthwise_regularizer": regularizers.serialize(self.depthwise_regularizer),
            "pointwise_regularizer": regularizers.serialize(self.pointwise_regularizer),
            "depthwise_constraint": constraints.serialize(self.depthwise_constraint),
            "pointwise_constraint": constraints.serialize(self.pointwise_constraint),
        }


class SeparableConv1D(_SeparableConvolution):
    """Each channel of sequences convolved on its own, then the channels mixed place by place.

    Args:
        filters: number of output channels.
        kernel_size: time steps of the window.
        strides: time steps from one window to the next.
        padding: `"valid"`, `"same"`, `"causal"` or the numbers of zeros (before, after), as for `Conv1D`.
        data_format: `"channels_last"`, (batch, time, features), or `"channels_first"`.
        dilation_rate: distance of the window's taps.
        depth_multiplier: filters for each input channel, m.
        activation: function, or name of one; none by default.
        use_bias: whether to add a bias for each filter.
        depthwise_initializer, pointwise_initializer, bias_initializer: initializers of the weights, of shapes
            (steps, channels, m), (1, channels * m, filters) and (filters,).
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: functions of the weights whose values are added
            to the loss.
        activity_regularizer: function of the output whose value is added to the loss.
        depthwise_constraint, pointwise_constraint, bias_constraint: functions applied to the weights after each update.
        **kwargs: `conv_algo` (see `config.conv_algo`), `name`, `dtype`, `trainable`.

    Raises:
        ValueError: an argument is out of its range; the window is larger than the padded input.

    >>> import numpy as np
    >>> SeparableConv1D(4, 3)(np.zeros((2, 10, 5), "float32")).shape
    (2, 8, 4)
    """

    _paddings = ("valid", "same", "causal")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            1,
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            depth_multiplier,
            activation,
            use_bias,
            depthwise_initializer,
            pointwise_initializer,
            bias_initializer,
            depthwise_regularizer,
            pointwise_regularizer,
            bias_regularizer,
            activity_regularizer,
            depthwise_constraint,
            pointwise_constraint,
            bias_constraint,
            **kwargs,
        )


class SeparableConv2D(_SeparableConvolution):
    """Each channel of images convolved on its own, then the channels mixed place by place.

    Args:
        filters: number of output channels.
        kernel_size: rows and columns of the window, one number or two.
        strides: rows and columns from one window to the next.
        padding: `"valid"`, `"same"` or the numbers of zeros (before, after), as for `Conv2D`.
        data_format: `"channels_last"`, (batch, height, width, channels), or `"channels_first"`.
        dilation_rate: distance of the window's taps.
        depth_multiplier: filters for each input channel, m.
        activation: function, or name of one; none by default.
        use_bias: whether to add a bias for each filter.
        depthwise_initializer, pointwise_initializer, bias_initializer: initializers of the weights, of shapes
            (rows, columns, channels, m), (1, 1, channels * m, filters) and (filters,).
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: functions of the weights whose values are added
            to the loss.
        activity_regularizer: function of the output whose value is added to the loss.
        depthwise_constraint, pointwise_constraint, bias_constraint: functions applied to the weights after each update.
        **kwargs: `conv_algo` (see `config.conv_algo`), `name`, `dtype`, `trainable`.

    Raises:
        ValueError: an argument is out of its range; the window is larger than the padded input.

    >>> import numpy as np
    >>> SeparableConv2D(4, 3, padding="same")(np.zeros((2, 7, 8, 5), "float32")).shape
    (2, 7, 8, 4)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            2,
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            depth_multiplier,
            activation,
            use_bias,
            depthwise_initializer,
            pointwise_initializer,
            bias_initializer,
            depthwise_regularizer,
            pointwise_regularizer,
            bias_regularizer,
            activity_regularizer,
            depthwise_constraint,
            pointwise_constraint,
            bias_constraint,
            **kwargs,
        )
