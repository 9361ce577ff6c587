"""Transposed convolution of sequences, images and volumes."""

from typing import Any

from dlrs import constraints, initializers, ops, regularizers
from dlrs.layers.convolution_arguments import ConvolutionBase, standardize_count
from dlrs.layers.spatial_arguments import first_spatial_axis, standardize_integer
from dlrs.ops.convolution import transposed_size


class _TransposedConvolution(ConvolutionBase):
    """`activation(conv_transpose(inputs, kernel) + bias)` over `rank` spatial axes."""

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
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
        self._refuse_strides_with_dilation()
        self.filters = standardize_count(filters, type(self).__name__, "filters")
        self.output_padding = self._standardize_output_padding(output_padding)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def _standardize_output_padding(self, value: Any) -> tuple[int, ...] | None:
        if value is None:
            return None
        values = value if isinstance(value, list | tuple) else (value,) * self.rank
        layer = type(self).__name__
        if len(values) != self.rank:
            raise ValueError(f"{layer}: `output_padding` must be an integer or {self.rank} of them, got {value!r}.")
        sizes = tuple(standardize_integer(size, "output_padding", allow_zero=True) for size in values)
        if any(more >= step for more, step in zip(sizes, self.strides, strict=True)):
            raise ValueError(
                f"{layer}: `output_padding` must be strictly less than `strides` for all dimensions. Received:"
                f" output_padding={value!r}, strides={self.strides}."
            )
        return sizes

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.kernel = self.add_weight(
            (*self.kernel_size, self.filters, channels),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self._add_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        return self._finish(
            ops.conv_transpose(
                inputs,
                self.kernel,
                self.strides,
                self.padding,
                self.output_padding,
                self.data_format,
                self.dilation_rate,
                conv_algo=self.conv_algo,
            )
        )

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        shape = list(input_shape)
        self._check_rank(shape)
        extra = self.output_padding or (None,) * self.rank
        windows = zip(self.kernel_size, self.strides, self.dilation_rate, extra, strict=True)
        for axis, (window, step, dilation, more) in enumerate(windows, first_spatial_axis(self.data_format)):
            if shape[axis] is not None:
                shape[axis] = transposed_size(self.padding, shape[axis], (window - 1) * dilation + 1, step, more)
        shape[-1 if self.data_format == "channels_last" else 1] = self.filters
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "output_padding": self.output_padding,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
        }


class Conv1DTranspose(_TransposedConvolution):
    """Transposed convolution of sequences, which enlarges them by `strides`.

    The linear map is the gradient of `Conv1D` with the same arguments by its input.

    Args:
        filters: number of output channels.
        kernel_size: time steps of the window.
        strides: time steps of the output between two places of the input.
        padding: `"valid"`, (s - 1) * stride + max(window, stride) outputs of s, or `"same"`, s * stride.
        output_padding: time steps added at the end, less than `strides`; see `ops.conv_transpose`.
        data_format: `"channels_last"`, (batch, time, features), or `"channels_first"`.
        dilation_rate: distance of the window's taps; with strides above 1 it must be 1.
        activation: function, or name of one; none by default.
        use_bias: whether to add a bias for each filter.
        kernel_initializer, bias_initializer: initializers of the weights, of shapes (steps, filters,
            input channels) and (filters,).
        kernel_regularizer, bias_regularizer: functions of the weights whose values are added to the loss.
        activity_regularizer: function of the output whose value is added to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each update.
        **kwargs: `conv_algo` (see `config.conv_algo`), `name`, `dtype`, `trainable`.

    Raises:
        ValueError: an argument is out of its range.

    >>> import numpy as np
    >>> Conv1DTranspose(4, 3, strides=2)(np.zeros((2, 10, 5), "float32")).shape
    (2, 21, 4)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            1,
            filters,
            kernel_size,
            strides,
            padding,
            output_padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            **kwargs,
        )


class Conv2DTranspose(_TransposedConvolution):
    """Transposed convolution of images, which enlarges them by `strides`.

    The linear map is the gradient of `Conv2D` with the same arguments by its input.

    Args:
        filters: number of output channels.
        kernel_size: rows and columns of the window, one number or two.
        strides: rows and columns of the output between two places of the input.
        padding: `"valid"`, (s - 1) * stride + max(window, stride) outputs of s, or `"same"`, s * stride.
        output_padding: rows and columns added at the end, less than `strides`; see `ops.conv_transpose`.
        data_format: `"channels_last"`, (batch, height, width, channels), or `"channels_first"`.
        dilation_rate: distance of the window's taps; with strides above 1 it must be 1.
        activation: function, or name of one; none by default.
        use_bias: whether to add a bias for each filter.
        kernel_initializer, bias_initializer: initializers of the weights, of shapes (rows, columns, filters,
            input channels) and (filters,).
        kernel_regularizer, bias_regularizer: functions of the weights whose values are added to the loss.
        activity_regularizer: function of the output whose value is added to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each update.
        **kwargs: `conv_algo` (see `config.conv_algo`), `name`, `dtype`, `trainable`.

    Raises:
        ValueError: an argument is out of its range.

    >>> import numpy as np
    >>> Conv2DTranspose(4, 3, strides=2, padding="same")(np.zeros((2, 7, 8, 5), "float32")).shape
    (2, 14, 16, 4)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            2,
            filters,
            kernel_size,
            strides,
            padding,
            output_padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            **kwargs,
        )


class Conv3DTranspose(_TransposedConvolution):
    """Transposed convolution of volumes, which enlarges them by `strides`.

    The linear map is the gradient of `Conv3D` with the same arguments by its input.

    Args:
        filters: number of output channels.
        kernel_size: depth, rows and columns of the window, one number or three.
        strides: depth, rows and columns of the output between two places of the input.
        padding: `"valid"`, (s - 1) * stride + max(window, stride) outputs of s, or `"same"`, s * stride.
        output_padding: depth, rows and columns added at the end, less than `strides`; see `ops.conv_transpose`.
        data_format: `"channels_last"`, (batch, depth, height, width, channels), or `"channels_first"`.
        dilation_rate: distance of the window's taps; with strides above 1 it must be 1.
        activation: function, or name of one; none by default.
        use_bias: whether to add a bias for each filter.
        kernel_initializer, bias_initializer: initializers of the weights, of shapes (depth, rows, columns, filters,
            input channels) and (filters,).
        kernel_regularizer, bias_regularizer: functions of the weights whose values are added to the loss.
        activity_regularizer: function of the output whose value is added to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each update.
        **kwargs: `conv_algo` (see `config.conv_algo`), `name`, `dtype`, `trainable`.

    Raises:
        ValueError: an argument is out of its range.

    >>> import numpy as np
    >>> Conv3DTranspose(4, 2)(np.zeros((2, 3, 4, 5, 1), "float32")).shape
    (2, 4, 5, 6, 4)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1, 1),
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = (1, 1, 1),
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            3,
            filters,
            kernel_size,
            strides,
            padding,
            output_padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            **kwargs,
        )
