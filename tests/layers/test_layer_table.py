"""One row for each exported layer: gradients by differences, eager = compiled, configuration, half precision."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import dlrs
from dlrs import layers, ops
from dlrs.backend import GradientTape, Variable

RNG = np.random.default_rng(0)
STEP = 1e-6


@dataclass
class Row:
    """How to make a layer, and the inputs it is called with."""

    make: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...] = ((3, 4),)
    training: bool | None = None
    ids: int = 0  # inputs are integers below this instead of reals
    adapt: bool = False
    spread: bool = False  # inputs are arguments of the call, not one list

    def layer(self, **kwargs: Any) -> Any:
        layer = self.make(**kwargs)
        if self.adapt:
            layer.adapt(np.linspace(-1, 1, 12).reshape(3, 4))
        return layer

    def inputs(self, dtype: str = "float64") -> list[Any]:
        rng = np.random.default_rng(7)
        if self.ids:
            return [rng.integers(0, self.ids, shape) for shape in self.shapes]
        # Away from 0, where rectifiers have no derivative, and all different, for minima and maxima.
        return [
            (rng.permutation(np.linspace(0.2, 1.5, int(np.prod(shape)))) * rng.choice([-1, 1], int(np.prod(shape))))
            .reshape(shape)
            .astype(dtype)
            for shape in self.shapes
        ]


SEQUENCE, IMAGE, VOLUME, PAIR = ((2, 5, 3),), ((2, 4, 5, 3),), ((2, 3, 4, 3, 2),), ((3, 4), (3, 4))

ROWS: dict[str, list[Row]] = {
    "Activation": [Row(lambda **k: layers.Activation("tanh", **k))],
    "ActivityRegularization": [Row(lambda **k: layers.ActivityRegularization(0.1, 0.2, **k))],
    "AdaptiveAveragePooling1D": [Row(lambda **k: layers.AdaptiveAveragePooling1D(2, **k), SEQUENCE)],
    "AdaptiveAveragePooling2D": [Row(lambda **k: layers.AdaptiveAveragePooling2D(2, **k), IMAGE)],
    "AdaptiveAveragePooling3D": [Row(lambda **k: layers.AdaptiveAveragePooling3D(2, **k), VOLUME)],
    "AdaptiveMaxPooling1D": [Row(lambda **k: layers.AdaptiveMaxPooling1D(2, **k), SEQUENCE)],
    "AdaptiveMaxPooling2D": [Row(lambda **k: layers.AdaptiveMaxPooling2D(2, **k), IMAGE)],
    "AdaptiveMaxPooling3D": [Row(lambda **k: layers.AdaptiveMaxPooling3D(2, **k), VOLUME)],
    "Add": [Row(layers.Add, PAIR), Row(layers.Add, ((3, 4), (3, 2, 4)))],
    "AdditiveAttention": [Row(layers.AdditiveAttention, ((2, 3, 4), (2, 5, 4)))],
    "AlphaDropout": [Row(lambda **k: layers.AlphaDropout(0.5, **k))],
    "Attention": [
        Row(lambda **k: layers.Attention(use_scale=True, **k), ((2, 3, 4), (2, 5, 2), (2, 5, 4))),
        Row(lambda **k: layers.Attention(score_mode="concat", **k), ((2, 3, 4), (2, 5, 4))),
    ],
    "AugMix": [
        Row(lambda **k: layers.AugMix((-1, 1), seed=1, **k), ((2, 5, 4, 3),)),
        Row(
            lambda **k: layers.AugMix((-1, 1), 2, 2, 0.2, seed=3, all_ops=False, data_format="channels_first", **k),
            ((2, 3, 4, 5),),
        ),
    ],
    "AutoContrast": [Row(lambda **k: layers.AutoContrast((-1, 1), **k), IMAGE)],
    "Average": [Row(layers.Average, PAIR)],
    "AveragePooling1D": [Row(lambda **k: layers.AveragePooling1D(2, **k), SEQUENCE)],
    "AveragePooling2D": [
        Row(lambda **k: layers.AveragePooling2D(2, **k), IMAGE),
        Row(lambda **k: layers.AveragePooling2D(3, 2, "same", "channels_first", **k), IMAGE),
    ],
    "AveragePooling3D": [Row(lambda **k: layers.AveragePooling3D(2, 1, **k), VOLUME)],
    "BatchNormalization": [
        Row(layers.BatchNormalization, IMAGE),
        Row(layers.BatchNormalization, IMAGE, training=True),
        Row(lambda **k: layers.BatchNormalization(axis=1, **k), IMAGE, training=True),
        Row(lambda **k: layers.BatchNormalization(renorm=True, **k), training=False),
    ],
    "Bidirectional": [
        Row(
            lambda **k: layers.Bidirectional(layers.GRU(2, return_sequences=True, **k), merge_mode="ave", **k), SEQUENCE
        ),
        Row(lambda **k: layers.Bidirectional(layers.LSTM(2, **k), **k), SEQUENCE),
    ],
    "CachedMultiHeadAttention": [
        Row(lambda **k: layers.CachedMultiHeadAttention(2, 3, 2, **k), ((2, 3, 4), (2, 5, 4)), spread=True)
    ],
    "CategoryEncoding": [
        Row(lambda mode=mode, **k: layers.CategoryEncoding(6, output_mode=mode, **k), ((2, 5),), ids=6)
        for mode in ("one_hot", "multi_hot", "count")
    ],
    "CenterCrop": [
        Row(lambda **k: layers.CenterCrop(2, 3, **k), IMAGE),
        Row(lambda **k: layers.CenterCrop(3, 6, data_format="channels_first", **k), IMAGE),
    ],
    "Concatenate": [Row(layers.Concatenate, ((3, 4), (3, 2))), Row(lambda **k: layers.Concatenate(0, **k), PAIR)],
    "ContrastLimitedAdaptiveHistogramEqualization": [
        Row(
            lambda **k: layers.ContrastLimitedAdaptiveHistogramEqualization((-3.1, 5), 2.0, (2, 3), **k),
            ((2, 5, 7, 2),),
        ),
    ],
    "Conv1D": [
        Row(lambda **k: layers.Conv1D(4, 2, activation="tanh", **k), SEQUENCE),
        Row(lambda **k: layers.Conv1D(2, 3, padding="causal", dilation_rate=2, **k), SEQUENCE),
        Row(lambda **k: layers.Conv1D(2, 3, padding=(2, 1), **k), SEQUENCE),
    ],
    "Conv1DTranspose": [Row(lambda **k: layers.Conv1DTranspose(2, 3, 2, **k), SEQUENCE)],
    "Conv2D": [
        Row(lambda **k: layers.Conv2D(4, (2, 3), activation="tanh", **k), IMAGE),
        Row(lambda **k: layers.Conv2D(2, 3, 2, "same", "channels_first", groups=2, **k), IMAGE),
        Row(lambda **k: layers.Conv2D(2, 2, padding=((1, 0), 1), use_bias=False, **k), IMAGE),
    ],
    "Conv2DTranspose": [
        Row(lambda **k: layers.Conv2DTranspose(2, 3, 2, "same", **k), IMAGE),
        Row(lambda **k: layers.Conv2DTranspose(2, 2, 3, output_padding=1, **k), IMAGE),
    ],
    "Conv3D": [Row(lambda **k: layers.Conv3D(2, 2, padding="same", **k), VOLUME)],
    "Conv3DTranspose": [Row(lambda **k: layers.Conv3DTranspose(2, 2, **k), VOLUME)],
    "Cropping1D": [Row(layers.Cropping1D, SEQUENCE)],
    "Cropping2D": [Row(lambda **k: layers.Cropping2D(((1, 0), (0, 2)), **k), IMAGE)],
    "Cropping3D": [Row(lambda **k: layers.Cropping3D(data_format="channels_first", **k), ((1, 2, 3, 4, 5),))],
    "CutMix": [Row(lambda **k: layers.CutMix(seed=1, **k), ((3, 4, 5, 3),))],
    "Dense": [
        Row(lambda **k: layers.Dense(2, activation="tanh", **k)),
        Row(lambda **k: layers.Dense(2, **k), SEQUENCE),
    ],
    "DepthwiseConv1D": [Row(lambda **k: layers.DepthwiseConv1D(2, depth_multiplier=2, **k), SEQUENCE)],
    "DepthwiseConv2D": [
        Row(lambda **k: layers.DepthwiseConv2D(3, 2, "same", activation="tanh", **k), IMAGE),
        Row(lambda **k: layers.DepthwiseConv2D(2, dilation_rate=2, **k), IMAGE),
    ],
    "Discretization": [
        *(
            Row(lambda mode=mode, **k: layers.Discretization([-0.6, 0.0, 0.85], output_mode=mode, **k))
            for mode in ("int", "one_hot", "multi_hot", "count")
        ),
        Row(lambda **k: layers.Discretization(num_bins=3, **k), adapt=True),
    ],
    "Dot": [
        Row(lambda **k: layers.Dot(-1, **k), PAIR),
        Row(lambda **k: layers.Dot((1, 2), normalize=True, **k), ((2, 3, 2), (2, 4, 3))),
    ],
    "Dropout": [Row(lambda **k: layers.Dropout(0.5, **k))],
    "ELU": [Row(lambda **k: layers.ELU(0.7, **k))],
    "EinsumDense": [Row(lambda **k: layers.EinsumDense("abc,cd->abd", (None, 2), bias_axes="d", **k), SEQUENCE)],
    "Embedding": [Row(lambda **k: layers.Embedding(6, 3, **k), ((2, 5),), ids=6)],
    "Equalization": [
        Row(lambda **k: layers.Equalization((-2, 2), 16, **k), ((2, 5, 4, 3),)),
        Row(lambda **k: layers.Equalization((-3, 2), 16, "channels_first", **k), ((2, 3, 4, 5),)),
    ],
    "Flatten": [Row(layers.Flatten, IMAGE)],
    "GRU": [
        Row(lambda **k: layers.GRU(3, return_sequences=True, **k), SEQUENCE),
        Row(lambda **k: layers.GRU(3, reset_after=False, go_backwards=True, **k), SEQUENCE),
        Row(lambda **k: layers.GRU(2, activation="softsign", **k), SEQUENCE),
    ],
    "GRUCell": [Row(lambda **k: layers.RNN(layers.GRUCell(3, **k), **k), SEQUENCE)],
    "GaussianDropout": [Row(lambda **k: layers.GaussianDropout(0.5, **k))],
    "GaussianNoise": [Row(lambda **k: layers.GaussianNoise(0.5, **k))],
    "GlobalAveragePooling1D": [Row(layers.GlobalAveragePooling1D, SEQUENCE)],
    "GlobalAveragePooling2D": [Row(layers.GlobalAveragePooling2D, IMAGE)],
    "GlobalAveragePooling3D": [Row(layers.GlobalAveragePooling3D, VOLUME)],
    "GlobalMaxPooling1D": [Row(layers.GlobalMaxPooling1D, SEQUENCE)],
    "GlobalMaxPooling2D": [Row(layers.GlobalMaxPooling2D, IMAGE)],
    "GlobalMaxPooling3D": [Row(layers.GlobalMaxPooling3D, VOLUME)],
    "LocalResponseNormalization": [
        Row(lambda **k: layers.LocalResponseNormalization(1, alpha=0.5, **k), IMAGE),
        Row(lambda **k: layers.LocalResponseNormalization(2, data_format="channels_first", **k), IMAGE),
    ],
    "GroupNormalization": [
        Row(lambda **k: layers.GroupNormalization(2, **k), ((2, 3, 4),)),
        Row(lambda **k: layers.GroupNormalization(-1, axis=1, **k), IMAGE),
    ],
    "GroupedQueryAttention": [
        Row(lambda **k: layers.GroupedQueryAttention(2, 4, 2, **k), ((2, 3, 4), (2, 5, 4)), spread=True)
    ],
    "Identity": [Row(layers.Identity)],
    "Lambda": [Row(lambda **k: layers.Lambda(ops.sin, **k))],
    "LSTM": [
        Row(lambda **k: layers.LSTM(3, return_sequences=True, **k), SEQUENCE),
        Row(lambda **k: layers.LSTM(2, recurrent_activation="hard_sigmoid", unroll=True, **k), SEQUENCE),
    ],
    "LSTMCell": [Row(lambda **k: layers.RNN(layers.LSTMCell(3, **k), **k), SEQUENCE)],
    "LayerNormalization": [
        Row(layers.LayerNormalization, SEQUENCE),
        Row(lambda **k: layers.LayerNormalization((1, 2), **k), SEQUENCE),
        Row(lambda **k: layers.LayerNormalization(rms_scaling=True, **k)),
    ],
    "LeakyReLU": [Row(lambda **k: layers.LeakyReLU(0.1, **k))],
    "MFCC": [Row(lambda **k: layers.MFCC(2, fft_length=8, sequence_stride=3, num_mel_bins=3, **k), ((2, 20),))],
    "Masking": [Row(layers.Masking, SEQUENCE)],
    "MaxPooling1D": [Row(lambda **k: layers.MaxPooling1D(2, **k), SEQUENCE)],
    "MaxPooling2D": [
        Row(lambda **k: layers.MaxPooling2D(2, **k), IMAGE),
        Row(lambda **k: layers.MaxPooling2D(3, 2, "same", "channels_first", **k), IMAGE),
    ],
    "MaxPooling3D": [Row(lambda **k: layers.MaxPooling3D(2, 1, **k), VOLUME)],
    "Maximum": [Row(layers.Maximum, ((3, 4), (3, 5, 4)))],
    "MelSpectrogram": [
        Row(lambda **k: layers.MelSpectrogram(8, 3, num_mel_bins=3, **k), ((2, 20),)),
        Row(lambda **k: layers.MelSpectrogram(8, 3, 6, mag_exp=1.5, power_to_db=False, **k), ((20,),)),
    ],
    "Minimum": [Row(layers.Minimum, ((3, 4), (3, 5, 4)))],
    "MixUp": [Row(lambda **k: layers.MixUp(0.7, seed=1, **k), ((3, 4, 5, 3),))],
    "MultiHeadAttention": [
        Row(lambda **k: layers.MultiHeadAttention(2, 3, 2, **k), ((2, 3, 4), (2, 5, 4), (2, 5, 3)), spread=True),
        Row(
            lambda **k: layers.MultiHeadAttention(2, 2, attention_axes=2, use_gate=True, sliding_window=9, **k),
            ((1, 2, 3, 4), (1, 2, 3, 4)),
            spread=True,
        ),
    ],
    "Multiply": [Row(layers.Multiply, PAIR)],
    "Normalization": [
        Row(layers.Normalization, adapt=True),
        Row(lambda **k: layers.Normalization(None, 0.5, 2.0, invert=True, **k), IMAGE),
        Row(lambda **k: layers.Normalization((1, 2), [1.0, 2.0, 3.0], [0.5, 1.0, 2.0], **k), SEQUENCE),
    ],
    "PReLU": [Row(lambda **k: layers.PReLU("glorot_uniform", shared_axes=1, **k), SEQUENCE)],
    "PeepholeLSTMCell": [Row(lambda **k: layers.RNN(layers.PeepholeLSTMCell(2, **k), **k), SEQUENCE)],
    "Permute": [Row(lambda **k: layers.Permute((2, 1), **k), SEQUENCE)],
    "Pipeline": [
        Row(lambda **k: layers.Pipeline([layers.RandomZoom(0.2, seed=1, **k), layers.Rescaling(0.5, **k)], **k), IMAGE)
    ],
    "PositionEmbedding": [Row(lambda **k: layers.PositionEmbedding(7, **k), SEQUENCE)],
    "RMSNormalization": [
        Row(layers.RMSNormalization, SEQUENCE),
        Row(lambda **k: layers.RMSNormalization([1, 2], **k), SEQUENCE),
    ],
    "RNN": [Row(lambda **k: layers.RNN(layers.SimpleRNNCell(2, **k), return_sequences=True, **k), SEQUENCE)],
    "RandAugment": [
        Row(lambda **k: layers.RandAugment((-1, 1), 5, seed=1, **k), ((2, 5, 4, 3),)),
        Row(lambda **k: layers.RandAugment((-1, 1), data_format="channels_first", seed=2, **k), ((2, 3, 4, 5),)),
    ],
    "RandomBrightness": [Row(lambda **k: layers.RandomBrightness(0.3, (-1, 1), seed=1, **k), IMAGE)],
    "RandomColorDegeneration": [Row(lambda **k: layers.RandomColorDegeneration(0.7, (-1, 1), seed=1, **k), IMAGE)],
    "RandomColorJitter": [Row(lambda **k: layers.RandomColorJitter((-2, 2), 0.2, 0.3, 0.6, 0.4, seed=1, **k), IMAGE)],
    "RandomContrast": [
        Row(lambda **k: layers.RandomContrast(0.3, (-1, 1), seed=1, **k), IMAGE),
        Row(lambda **k: layers.RandomContrast(0.3, (-1, 1), seed=1, data_format="channels_first", **k), IMAGE),
    ],
    "RandomCrop": [
        Row(lambda **k: layers.RandomCrop(2, 3, seed=1, **k), IMAGE),
        Row(lambda **k: layers.RandomCrop(5, 3, **k), IMAGE, training=False),
        Row(lambda **k: layers.RandomCrop(2, 2, seed=1, data_format="channels_first", **k), IMAGE),
    ],
    "RandomElasticTransform": [
        Row(lambda **k: layers.RandomElasticTransform((1, 1), value_range=(-9, 9), seed=1, **k), IMAGE)
    ],
    "RandomErasing": [
        Row(lambda **k: layers.RandomErasing((1, 1), seed=1, **k), IMAGE),
        Row(lambda **k: layers.RandomErasing((1, 1), fill_value=(1, 2, 3), seed=1, **k), IMAGE),
    ],
    "RandomFlip": [
        Row(lambda **k: layers.RandomFlip(seed=1, **k), IMAGE),
        Row(lambda **k: layers.RandomFlip("vertical", seed=1, data_format="channels_first", **k), IMAGE),
    ],
    "RandomGaussianBlur": [Row(lambda **k: layers.RandomGaussianBlur((1, 1), (3, 5), seed=1, **k), IMAGE)],
    "RandomGrayscale": [Row(lambda **k: layers.RandomGrayscale(0.5, seed=1, **k), IMAGE)],
    "RandomHue": [Row(lambda **k: layers.RandomHue(0.7, (-2, 2), seed=1, **k), IMAGE)],
    "RandomInvert": [Row(lambda **k: layers.RandomInvert((0.5, 0.5), seed=1, **k), IMAGE)],
    "RandomPCAColor": [Row(lambda **k: layers.RandomPCAColor(seed=1, **k), IMAGE)],
    "RandomPerspective": [Row(lambda **k: layers.RandomPerspective((1, 1), 0.4, seed=1, **k), IMAGE)],
    "RandomPosterization": [Row(lambda **k: layers.RandomPosterization((2, 7), (-2, 2), seed=1, **k), IMAGE)],
    "RandomRotation": [
        Row(lambda **k: layers.RandomRotation(0.2, seed=1, **k), IMAGE),
        Row(
            lambda **k: layers.RandomRotation(0.2, "wrap", "nearest", seed=1, data_format="channels_first", **k), IMAGE
        ),
    ],
    "RandomSaturation": [Row(lambda **k: layers.RandomSaturation(0.7, seed=1, **k), IMAGE)],
    "RandomSharpness": [
        Row(lambda **k: layers.RandomSharpness(0.8, (-1, 1), seed=1, **k), IMAGE),
        Row(lambda **k: layers.RandomSharpness(0.8, (-1, 1), "channels_first", seed=1, **k), IMAGE),
    ],
    "RandomShear": [Row(lambda **k: layers.RandomShear(0.3, 0.4, fill_mode="constant", seed=1, **k), IMAGE)],
    "RandomTranslation": [Row(lambda **k: layers.RandomTranslation(0.3, 0.4, "nearest", seed=1, **k), IMAGE)],
    "RandomZoom": [Row(lambda **k: layers.RandomZoom(0.3, 0.4, seed=1, **k), IMAGE)],
    "ReLU": [Row(lambda **k: layers.ReLU(1.0, 0.1, 0.3, **k))],
    "RepeatVector": [Row(lambda **k: layers.RepeatVector(3, **k))],
    "Rescaling": [Row(lambda **k: layers.Rescaling([0.5, 2.0, 1.0], 0.25, **k), IMAGE)],
    "Reshape": [Row(lambda **k: layers.Reshape((2, -1), **k))],
    "Resizing": [
        Row(lambda **k: layers.Resizing(3, 7, **k), IMAGE),
        Row(lambda **k: layers.Resizing(2, 3, "bicubic", antialias=True, **k), IMAGE),
        Row(lambda **k: layers.Resizing(3, 3, pad_to_aspect_ratio=True, fill_value=0.5, **k), IMAGE),
    ],
    "ReversibleEmbedding": [Row(lambda **k: layers.ReversibleEmbedding(6, 3, **k), ((2, 5),), ids=6)],
    "STFTSpectrogram": [
        *(
            Row(lambda mode=mode, **k: layers.STFTSpectrogram(mode, 4, 2, **k), ((2, 9, 2),))
            for mode in ("log", "magnitude", "psd", "real", "imag", "stft")
        ),
        Row(
            lambda **k: layers.STFTSpectrogram(
                "psd", 4, 3, 8, "hamming", padding="same", expand_dims=True, data_format="channels_first", **k
            ),
            ((2, 2, 9),),
        ),
    ],
    "SeparableConv1D": [Row(lambda **k: layers.SeparableConv1D(2, 2, depth_multiplier=2, **k), SEQUENCE)],
    "SeparableConv2D": [Row(lambda **k: layers.SeparableConv2D(4, 3, padding="same", activation="tanh", **k), IMAGE)],
    "SimpleGRUCell": [Row(lambda **k: layers.RNN(layers.SimpleGRUCell(3, **k), **k), SEQUENCE)],
    "SimpleRNN": [
        Row(lambda **k: layers.SimpleRNN(3, **k), SEQUENCE),
        Row(lambda **k: layers.SimpleRNN(3, "sigmoid", return_sequences=True, **k), SEQUENCE),
    ],
    "SimpleRNNCell": [Row(lambda **k: layers.RNN(layers.SimpleRNNCell(3, activation=None, **k), **k), SEQUENCE)],
    "SinePositionEncoding": [Row(layers.SinePositionEncoding, SEQUENCE)],
    "Softmax": [Row(layers.Softmax), Row(lambda **k: layers.Softmax((1, 2), **k), SEQUENCE)],
    "Solarization": [Row(lambda **k: layers.Solarization(0.3, (0.4, 0.9), (-2, 2), seed=1, **k), IMAGE)],
    "SpatialDropout1D": [Row(lambda **k: layers.SpatialDropout1D(0.5, **k), SEQUENCE)],
    "SpatialDropout2D": [Row(lambda **k: layers.SpatialDropout2D(0.5, **k), IMAGE)],
    "SpatialDropout3D": [Row(lambda **k: layers.SpatialDropout3D(0.5, **k), VOLUME)],
    "SpectralNormalization": [Row(lambda **k: layers.SpectralNormalization(layers.Dense(2, **k), **k))],
    "StackedRNNCells": [
        Row(lambda **k: layers.RNN([layers.GRUCell(3, **k), layers.LSTMCell(2, **k)], **k), SEQUENCE),
    ],
    "Subtract": [Row(layers.Subtract, PAIR)],
    "TimeDistributed": [Row(lambda **k: layers.TimeDistributed(layers.Dense(2, **k), **k), SEQUENCE)],
    "TokenAndPositionEmbedding": [Row(lambda **k: layers.TokenAndPositionEmbedding(6, 7, 4, **k), ((2, 5),), ids=6)],
    "TransformerDecoder": [
        Row(
            lambda first=first, **k: layers.TransformerDecoder(3, 2, activation="gelu", normalize_first=first, **k),
            ((2, 3, 4), (2, 5, 3)),
            spread=True,
        )
        for first in (False, True)
    ],
    "TransformerEncoder": [
        Row(
            lambda first=first, **k: layers.TransformerEncoder(3, 2, activation="tanh", normalize_first=first, **k),
            ((2, 3, 4),),
        )
        for first in (False, True)
    ],
    "UnitNormalization": [
        Row(layers.UnitNormalization),
        Row(lambda **k: layers.UnitNormalization((1, 2), **k), SEQUENCE),
    ],
    "UpSampling1D": [Row(layers.UpSampling1D, SEQUENCE)],
    "UpSampling2D": [
        Row(lambda **k: layers.UpSampling2D((1, 2), **k), IMAGE),
        *(
            Row(lambda mode=mode, **k: layers.UpSampling2D(3, interpolation=mode, **k), ((1, 3, 2, 2),))
            for mode in ("bilinear", "bicubic", "lanczos3", "lanczos5")
        ),
    ],
    "UpSampling3D": [Row(layers.UpSampling3D, VOLUME)],
    "ZeroPadding1D": [Row(layers.ZeroPadding1D, SEQUENCE)],
    "ZeroPadding2D": [Row(lambda **k: layers.ZeroPadding2D(1, data_format="channels_first", **k), IMAGE)],
    "ZeroPadding3D": [Row(layers.ZeroPadding3D, VOLUME)],
}

# Bases, what has no output of its own to check, and what runs on the host alone (tests/layers/test_text_layers.py and
# test_hashing.py).
NO_ROW = {
    "HashedCrossing", "Hashing", "Input", "InputLayer", "InputSpec", "IntegerLookup", "Layer",
    "MaxNumBoundingBoxes", "StringLookup",
    "TextVectorization", "Wrapper",
}  # fmt: skip

CASES = [pytest.param(row, id=f"{name}-{i}") for name, rows in ROWS.items() for i, row in enumerate(rows)]


def test_every_layer_has_a_row() -> None:
    exported = {cls.__name__ for cls in map(vars(layers).get, layers.__all__) if isinstance(cls, type)}
    assert exported - NO_ROW == set(ROWS)


def call(row: Row, layer: Any, inputs: list[Any]) -> Any:
    kwargs = {} if row.training is None else {"training": row.training}
    if row.spread:
        return layer(*inputs, **kwargs)
    return layer(inputs if len(inputs) > 1 else inputs[0], **kwargs)


def fixed_state(layer: Any) -> Callable[[], None]:
    """A function that puts the variables that are not trained back to what they are now."""
    kept = [(variable, variable.numpy()) for variable in layer.non_trainable_variables]
    return lambda: [variable.assign(value) for variable, value in kept] and None


@pytest.mark.parametrize("row", CASES)
def test_gradients(row: Row) -> None:
    layer = row.layer(dtype="float64")
    inputs = row.inputs()
    output = call(row, layer, inputs)
    weights = np.cos(np.arange(output.numpy().size)).reshape(output.shape)
    for variable in layer.trainable_variables:
        variable.assign(variable.numpy() + RNG.normal(scale=0.1, size=variable.shape))
    restore = fixed_state(layer)
    sources = [*layer.trainable_variables, *([] if row.ids else [Variable(x, dtype="float64") for x in inputs])]
    values = inputs if row.ids else sources[len(layer.trainable_variables) :]

    def loss() -> Any:
        restore()
        return ops.sum(ops.multiply(call(row, layer, values), weights))

    with GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, sources)
    for source, gradient in zip(sources, gradients, strict=True):
        analytic = np.zeros(source.shape) if gradient is None else np.asarray(ops.convert_to_numpy(gradient))
        numeric = np.empty(source.shape)
        base = source.numpy()
        for place in np.ndindex(*source.shape):
            sides = []
            for sign in (1, -1):
                moved = base.copy()
                moved[place] += sign * STEP
                source.assign(moved)
                sides.append(float(loss()))
            numeric[place] = (sides[0] - sides[1]) / (2 * STEP)
        source.assign(base)
        # Differences of a sum of order 10 lose about eight digits to rounding at this step.
        np.testing.assert_allclose(analytic, numeric, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("row", CASES)
def test_compiled_equals_eager(row: Row) -> None:
    layer = row.layer()
    inputs = row.inputs("float32")
    call(row, layer, inputs)
    restore = fixed_state(layer)
    eager = call(row, layer, inputs).numpy()
    restore()
    compiled = dlrs.function(lambda *xs: call(row, layer, list(xs)))(*inputs).numpy()
    assert compiled.tobytes() == eager.tobytes()


@pytest.mark.parametrize("row", CASES)
def test_shapes_of_placeholders_and_configuration(row: Row) -> None:
    layer = row.layer()
    inputs = row.inputs("float32")
    output = call(row, layer, inputs)
    placeholders = [dlrs.KerasTensor((None, *x.shape[1:]), x.dtype.name) for x in inputs]
    spec = call(row, row.layer(), placeholders)
    assert spec.dtype == output.dtype
    assert all(known in (None, size) for known, size in zip(spec.shape, output.shape, strict=True))
    if not isinstance(layer, layers.Lambda):
        again = layers.deserialize(layers.serialize(layer))
        assert again.get_config() == layer.get_config()


@pytest.mark.parametrize("row", CASES)
def test_half_precision_comes_close(row: Row) -> None:
    inputs = row.inputs("float32")
    full, half = row.layer(), row.layer(dtype="mixed_float16")
    restore = fixed_state(half)
    expected = call(row, full, inputs)
    got = call(row, half, inputs)
    assert got.dtype == ("int32" if expected.dtype == "int32" else "float16")
    restore()
    half.set_weights(full.get_weights())
    got = call(row, half, inputs)
    np.testing.assert_allclose(got.numpy().astype("float32"), expected.numpy(), rtol=2e-2, atol=2e-2)
