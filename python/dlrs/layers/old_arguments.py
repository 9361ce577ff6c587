"""Arguments of layers as Keras 1 and 2 spelled them."""

from typing import Any

from dlrs.backend.old_spellings import OldArgument

_DATA_FORMATS = {"tf": "channels_last", "th": "channels_first"}


def _same(**renamed: str) -> dict[str, OldArgument]:
    return {old: OldArgument(new) for old, new in renamed.items()}


def _data_format(value: Any, others: Any) -> Any:
    return _DATA_FORMATS.get(value, value)


_REGULARIZED = _same(
    init="kernel_initializer", W_regularizer="kernel_regularizer", b_regularizer="bias_regularizer",
    W_constraint="kernel_constraint", b_constraint="bias_constraint", bias="use_bias",
)  # fmt: skip
_LAYOUT = {"dim_ordering": OldArgument("data_format", 'data_format="channels_last" (for "tf")', _data_format)}
_SPATIAL = _LAYOUT | _same(border_mode="padding")
_CONVOLUTION = _REGULARIZED | _SPATIAL | _same(nb_filter="filters", subsample="strides", atrous_rate="dilation_rate")
_RECURRENT = _REGULARIZED | _same(
    output_dim="units", inner_init="recurrent_initializer", U_regularizer="recurrent_regularizer",
    dropout_W="dropout", dropout_U="recurrent_dropout",
)  # fmt: skip

# Class → old argument → the present one; a class has those of its bases, too.
OLD_ARGUMENTS: dict[str, dict[str, OldArgument]] = {
    "Dense": _REGULARIZED | _same(output_dim="units"),
    "Dropout": _same(p="rate"),
    "GaussianDropout": _same(p="rate"),
    "GaussianNoise": _same(sigma="stddev"),
    "SpatialDropout1D": _same(p="rate"),
    "SpatialDropout2D": _same(p="rate"),
    "SpatialDropout3D": _same(p="rate"),
    "Embedding": _same(
        init="embeddings_initializer", W_regularizer="embeddings_regularizer", W_constraint="embeddings_constraint"
    ),
    "LeakyReLU": _same(alpha="negative_slope"),
    "Conv1D": _CONVOLUTION | _same(filter_length="kernel_size", subsample_length="strides"),
    "Conv2D": _CONVOLUTION,
    "Conv3D": _CONVOLUTION,
    "Conv2DTranspose": _CONVOLUTION,
    "SeparableConv2D": _SPATIAL | _same(nb_filter="filters", subsample="strides", bias="use_bias"),
    "MaxPooling1D": _SPATIAL | _same(pool_length="pool_size", stride="strides"),
    "AveragePooling1D": _SPATIAL | _same(pool_length="pool_size", stride="strides"),
    "MaxPooling2D": _SPATIAL,
    "AveragePooling2D": _SPATIAL,
    "MaxPooling3D": _SPATIAL,
    "AveragePooling3D": _SPATIAL,
    "GlobalMaxPooling2D": _LAYOUT,
    "GlobalAveragePooling2D": _LAYOUT,
    "UpSampling2D": _LAYOUT,
    "ZeroPadding2D": _LAYOUT,
    "Cropping2D": _LAYOUT,
    "LSTM": _RECURRENT | _same(inner_activation="recurrent_activation"),
    "GRU": _RECURRENT | _same(inner_activation="recurrent_activation"),
    "SimpleRNN": _RECURRENT,
    "BatchNormalization": _same(beta_init="beta_initializer", gamma_init="gamma_initializer"),
}
