"""Convolution of sequences, images and volumes."""

from typing import Any

from dlrs import constraints, initializers, ops, regularizers
from dlrs.layers.convolution_arguments import ExplicitPadding, standardize_count


class _Convolution(ExplicitPadding):
    """`activation(conv(inputs, kernel) + bias)` over `rank` spatial axes."""

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
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
        layer = type(self).__name__
        self.filters = standardize_count(filters, layer, "filters")
        if isinstance(groups, bool) or not hasattr(groups, "__index__") or groups <= 0:
            raise ValueError(f"{layer}: The number of groups must be a positive integer. Received: groups={groups}.")
        self.groups = int(groups)
        if self.filters % self.groups:
            raise ValueError(
                f"{layer}: The number of filters must be evenly divisible by the number of groups. Received:"
                f" groups={self.groups}, filters={self.filters}."
            )
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"Layer {self.name!r}: The number of input channels must be evenly divisible by the number of groups."
                f" Received: groups={self.groups}, but the input has {channels} channels (full input shape is"
                f" {tuple(input_shape)})."
            )
        self.compute_output_shape(input_shape)
        self.kernel = self.add_weight(
            (*self.kernel_size, channels // self.groups, self.filters),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self._add_bias(self.filters)

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """The convolution alone: a subclass may standardize or mask the kernel before it comes here."""
        return ops.conv(
            inputs, kernel, self.strides, self.padding, self.data_format, self.dilation_rate, conv_algo=self.conv_algo
        )

    def call(self, inputs: Any) -> Any:
        return self._finish(self.convolution_op(inputs, self.kernel))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return self._output_shape(input_shape, self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "groups": self.groups,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
        }


class Conv1D(_Convolution):
    """Convolution of sequences: `activation(conv(inputs, kernel) + bias)`.

    Args:
        filters: number of output channels.
        kernel_size: time steps of the window.
        strides: time steps from one window to the next.
        padding: `"valid"` (windows inside the input only), `"same"` (zeros around it, so that stride 1 keeps the size),
            `"causal"` (zeros before only: no output sees a later input),
            or the numbers of zeros (before, after) of the sequence.
        data_format: `"channels_last"`, (batch, time, features), or `"channels_first"`.
        dilation_rate: distance of the window's taps; with strides above 1 it must be 1.
        groups: the channels are cut into so many groups, each convolved with its share of the filters.
        activation: function, or name of one; none by default.
        use_bias: whether to add a bias for each filter.
        kernel_initializer, bias_initializer: initializers of the weights, of shapes (steps, input
            channels / groups, filters) and (filters,).
        kernel_regularizer, bias_regularizer: functions of the weights whose values are added to the loss.
        activity_regularizer: function of the output whose value is added to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each update.
        **kwargs: `conv_algo` (see `config.conv_algo`), `name`, `dtype`, `trainable`.

    Whole numbers are taken as they are, converted to the layer's dtype: images of bytes give values up to 255, which a
    `Rescaling(1 / 255)` before the layer brings to [0, 1].

    Raises:
        ValueError: an argument is out of its range; the window is larger than the padded input; the channels are not a
            multiple of `groups`.

    >>> import numpy as np
    >>> layer = Conv1D(4, 3, padding="causal", activation="relu")
    >>> layer(np.zeros((2, 10, 5), "float32")).shape
    (2, 10, 4)
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
        groups: int = 1,
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
            data_format,
            dilation_rate,
            groups,
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


class Conv2D(_Convolution):
    """Convolution of images: `activation(conv(inputs, kernel) + bias)`.

    Args:
        filters: number of output channels.
        kernel_size: rows and columns of the window, one number or two.
        strides: rows and columns from one window to the next.
        padding: `"valid"` (windows inside the input only), `"same"` (zeros around it, so that stride 1 keeps the size),
            or the numbers of zeros (before, after) for each axis.
        data_format: `"channels_last"`, (batch, height, width, channels), or `"channels_first"`.
        dilation_rate: distance of the window's taps; with strides above 1 it must be 1.
        groups: the channels are cut into so many groups, each convolved with its share of the filters.
        activation: function, or name of one; none by default.
        use_bias: whether to add a bias for each filter.
        kernel_initializer, bias_initializer: initializers of the weights, of shapes (rows, columns, input
            channels / groups, filters) and (filters,).
        kernel_regularizer, bias_regularizer: functions of the weights whose values are added to the loss.
        activity_regularizer: function of the output whose value is added to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each update.
        **kwargs: `conv_algo` (see `config.conv_algo`), `name`, `dtype`, `trainable`.

    Whole numbers are taken as they are, converted to the layer's dtype: images of bytes give values up to 255, which a
    `Rescaling(1 / 255)` before the layer brings to [0, 1].

    Raises:
        ValueError: an argument is out of its range; the window is larger than the padded input; the channels are not a
            multiple of `groups`.

    >>> import numpy as np
    >>> sobel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]], "float32")[:, :, None, None]
    >>> layer = Conv2D(1, 3, use_bias=False)
    >>> layer.build((None, None, None, 1))
    >>> layer.set_weights([sobel])
    >>> image = np.tile(np.array([9, 9, 0, 0], "float32"), (4, 1))[None, :, :, None]
    >>> layer(image).numpy()[0, :, :, 0].tolist()
    [[36.0, 36.0], [36.0, 36.0]]
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        groups: int = 1,
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
            data_format,
            dilation_rate,
            groups,
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


class Conv3D(_Convolution):
    """Convolution of volumes: `activation(conv(inputs, kernel) + bias)`.

    Args:
        filters: number of output channels.
        kernel_size: depth, rows and columns of the window, one number or three.
        strides: depth, rows and columns from one window to the next.
        padding: `"valid"` (windows inside the input only), `"same"` (zeros around it, so that stride 1 keeps the size),
            or the numbers of zeros (before, after) for each axis.
        data_format: `"channels_last"`, (batch, depth, height, width, channels), or `"channels_first"`.
        dilation_rate: distance of the window's taps; with strides above 1 it must be 1.
        groups: the channels are cut into so many groups, each convolved with its share of the filters.
        activation: function, or name of one; none by default.
        use_bias: whether to add a bias for each filter.
        kernel_initializer, bias_initializer: initializers of the weights, of shapes (depth, rows, columns, input
            channels / groups, filters) and (filters,).
        kernel_regularizer, bias_regularizer: functions of the weights whose values are added to the loss.
        activity_regularizer: function of the output whose value is added to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each update.
        **kwargs: `conv_algo` (see `config.conv_algo`), `name`, `dtype`, `trainable`.

    Whole numbers are taken as they are, converted to the layer's dtype: images of bytes give values up to 255, which a
    `Rescaling(1 / 255)` before the layer brings to [0, 1].

    Raises:
        ValueError: an argument is out of its range; the window is larger than the padded input; the channels are not a
            multiple of `groups`.

    >>> import numpy as np
    >>> Conv3D(4, 3, strides=2, padding="same")(np.zeros((2, 5, 8, 8, 1), "float32")).shape
    (2, 3, 4, 4, 4)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1, 1),
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: Any = (1, 1, 1),
        groups: int = 1,
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
            data_format,
            dilation_rate,
            groups,
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
