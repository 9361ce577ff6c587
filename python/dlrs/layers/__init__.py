"""Layers."""

import importlib
from typing import Any

from dlrs.backend import Registry
from dlrs.layers.activation import Activation
from dlrs.layers.activation_layers import ELU, LeakyReLU, PReLU, ReLU, Softmax
from dlrs.layers.activity_regularization import ActivityRegularization
from dlrs.layers.adaptive_pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
)
from dlrs.layers.attention.additive_attention import AdditiveAttention
from dlrs.layers.attention.attention import Attention
from dlrs.layers.attention.grouped_query_attention import GroupedQueryAttention
from dlrs.layers.attention.multi_head_attention import MultiHeadAttention
from dlrs.layers.audio.mel_spectrogram import MelSpectrogram
from dlrs.layers.audio.mfcc import MFCC
from dlrs.layers.audio.stft_spectrogram import STFTSpectrogram
from dlrs.layers.batch_normalization import BatchNormalization
from dlrs.layers.category_encoding import CategoryEncoding
from dlrs.layers.concatenate import Concatenate, concatenate
from dlrs.layers.convolution import Conv1D, Conv2D, Conv3D
from dlrs.layers.cropping import Cropping1D, Cropping2D, Cropping3D
from dlrs.layers.dense import Dense
from dlrs.layers.depthwise_convolution import DepthwiseConv1D, DepthwiseConv2D
from dlrs.layers.discretization import Discretization
from dlrs.layers.dot import Dot, dot
from dlrs.layers.einsum_dense import EinsumDense
from dlrs.layers.embedding import Embedding
from dlrs.layers.flatten import Flatten
from dlrs.layers.global_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from dlrs.layers.group_normalization import GroupNormalization
from dlrs.layers.hashed_crossing import HashedCrossing
from dlrs.layers.hashing import Hashing
from dlrs.layers.identity import Identity
from dlrs.layers.image_preprocessing.aug_mix import AugMix
from dlrs.layers.image_preprocessing.center_crop import CenterCrop
from dlrs.layers.image_preprocessing.clahe import ContrastLimitedAdaptiveHistogramEqualization
from dlrs.layers.image_preprocessing.colours import (
    RandomBrightness,
    RandomColorDegeneration,
    RandomContrast,
    RandomGrayscale,
    RandomHue,
    RandomInvert,
    RandomPCAColor,
    RandomSaturation,
)
from dlrs.layers.image_preprocessing.equalization import Equalization
from dlrs.layers.image_preprocessing.filters import AutoContrast, RandomGaussianBlur, RandomSharpness
from dlrs.layers.image_preprocessing.geometry import (
    RandomPerspective,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from dlrs.layers.image_preprocessing.max_num_bounding_boxes import MaxNumBoundingBoxes
from dlrs.layers.image_preprocessing.rand_augment import RandAugment
from dlrs.layers.image_preprocessing.random_color_jitter import RandomColorJitter
from dlrs.layers.image_preprocessing.random_crop import RandomCrop
from dlrs.layers.image_preprocessing.random_elastic_transform import RandomElasticTransform
from dlrs.layers.image_preprocessing.random_flip import RandomFlip
from dlrs.layers.image_preprocessing.rectangles import CutMix, MixUp, RandomErasing
from dlrs.layers.image_preprocessing.resizing import Resizing
from dlrs.layers.image_preprocessing.tones import RandomPosterization, Solarization
from dlrs.layers.input_layer import Input, InputLayer
from dlrs.layers.input_spec import InputSpec
from dlrs.layers.integer_lookup import IntegerLookup
from dlrs.layers.lambda_layer import Lambda
from dlrs.layers.layer import Layer
from dlrs.layers.layer_normalization import LayerNormalization, RMSNormalization, UnitNormalization
from dlrs.layers.local_response_normalization import LocalResponseNormalization
from dlrs.layers.masking import Masking
from dlrs.layers.merging import (
    Add,
    Average,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    maximum,
    minimum,
    multiply,
    subtract,
)
from dlrs.layers.noise import (
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from dlrs.layers.normalization import Normalization
from dlrs.layers.pipeline import Pipeline
from dlrs.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from dlrs.layers.recurrent.bidirectional import Bidirectional
from dlrs.layers.recurrent.cell import DropoutRNNCell as DropoutRNNCell
from dlrs.layers.recurrent.gru import GRU
from dlrs.layers.recurrent.gru_cell import GRUCell, SimpleGRUCell
from dlrs.layers.recurrent.lstm import LSTM
from dlrs.layers.recurrent.lstm_cell import LSTMCell, PeepholeLSTMCell
from dlrs.layers.recurrent.rnn import RNN
from dlrs.layers.recurrent.simple_rnn import SimpleRNN
from dlrs.layers.recurrent.simple_rnn_cell import SimpleRNNCell
from dlrs.layers.recurrent.stacked_rnn_cells import StackedRNNCells
from dlrs.layers.recurrent.time_distributed import TimeDistributed
from dlrs.layers.rescaling import Rescaling
from dlrs.layers.reshaping import Permute, RepeatVector, Reshape
from dlrs.layers.reversible_embedding import ReversibleEmbedding
from dlrs.layers.separable_convolution import SeparableConv1D, SeparableConv2D
from dlrs.layers.spectral_normalization import SpectralNormalization
from dlrs.layers.string_lookup import StringLookup
from dlrs.layers.text_vectorization import TextVectorization
from dlrs.layers.transformer.cached_multi_head_attention import CachedMultiHeadAttention
from dlrs.layers.transformer.position_encodings import PositionEmbedding, SinePositionEncoding
from dlrs.layers.transformer.token_and_position_embedding import TokenAndPositionEmbedding
from dlrs.layers.transformer.transformer_decoder import TransformerDecoder
from dlrs.layers.transformer.transformer_encoder import TransformerEncoder
from dlrs.layers.transposed_convolution import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from dlrs.layers.up_sampling import UpSampling1D, UpSampling2D, UpSampling3D
from dlrs.layers.wrapper import Wrapper
from dlrs.layers.zero_padding import ZeroPadding1D, ZeroPadding2D, ZeroPadding3D

# Keras's other names.
AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
AvgPool3D = AveragePooling3D
Convolution1D = Conv1D
Convolution1DTranspose = Conv1DTranspose
Convolution2D = Conv2D
Convolution2DTranspose = Conv2DTranspose
Convolution3D = Conv3D
Convolution3DTranspose = Conv3DTranspose
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
MaxPool3D = MaxPooling3D
SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D

__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "MFCC",
    "RNN",
    "Activation",
    "ActivityRegularization",
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "Add",
    "AdditiveAttention",
    "AlphaDropout",
    "Attention",
    "AugMix",
    "AutoContrast",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "BatchNormalization",
    "Bidirectional",
    "CachedMultiHeadAttention",
    "CategoryEncoding",
    "CenterCrop",
    "Concatenate",
    "ContrastLimitedAdaptiveHistogramEqualization",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "Convolution1D",
    "Convolution1DTranspose",
    "Convolution2D",
    "Convolution2DTranspose",
    "Convolution3D",
    "Convolution3DTranspose",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "CutMix",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Discretization",
    "Dot",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "Equalization",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GroupNormalization",
    "GroupQueryAttention",
    "GroupedQueryAttention",
    "HashedCrossing",
    "Hashing",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "IntegerLookup",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "LocalResponseNormalization",
    "Masking",
    "MaxNumBoundingBoxes",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Maximum",
    "MelSpectrogram",
    "Minimum",
    "MixUp",
    "MultiHeadAttention",
    "Multiply",
    "Normalization",
    "PReLU",
    "PeepholeLSTMCell",
    "Permute",
    "Pipeline",
    "PositionEmbedding",
    "RMSNormalization",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomCrop",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPCAColor",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "ReversibleEmbedding",
    "STFTSpectrogram",
    "SeparableConv1D",
    "SeparableConv2D",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
    "SimpleGRUCell",
    "SimpleRNN",
    "SimpleRNNCell",
    "SinePositionEncoding",
    "Softmax",
    "Solarization",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "SpectralNormalization",
    "StackedRNNCells",
    "StringLookup",
    "Subtract",
    "TextVectorization",
    "TimeDistributed",
    "TokenAndPositionEmbedding",
    "TransformerDecoder",
    "TransformerEncoder",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "Wrapper",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]

# The name under which Keras exports it.
GroupQueryAttention = GroupedQueryAttention

_REGISTRY = Registry(
    "layer",
    Layer,
    (
        Activation, ActivityRegularization, AdaptiveAveragePooling1D, AdaptiveAveragePooling2D,
        AdaptiveAveragePooling3D, AdaptiveMaxPooling1D, AdaptiveMaxPooling2D, AdaptiveMaxPooling3D, Add,
        AdditiveAttention, AlphaDropout, Attention, AugMix, AutoContrast, Average, AveragePooling1D, AveragePooling2D,
        AveragePooling3D, BatchNormalization, Bidirectional, CachedMultiHeadAttention, CategoryEncoding, CenterCrop,
        Concatenate, ContrastLimitedAdaptiveHistogramEqualization, Conv1D, Conv1DTranspose, Conv2D, Conv2DTranspose,
        Conv3D, Conv3DTranspose, Cropping1D, Cropping2D,
        Cropping3D, CutMix, Dense, DepthwiseConv1D, DepthwiseConv2D, Discretization, Dot, Dropout, ELU, EinsumDense,
        Embedding, Equalization, Flatten, GRU, GRUCell, GaussianDropout, GaussianNoise, GlobalAveragePooling1D,
        GlobalAveragePooling2D, GlobalAveragePooling3D, GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D,
        GroupNormalization, GroupedQueryAttention, HashedCrossing, Hashing, Identity, InputLayer, IntegerLookup, LSTM,
        LSTMCell, Lambda, LayerNormalization, LeakyReLU, LocalResponseNormalization, MFCC, Masking, MaxNumBoundingBoxes,
        MaxPooling1D, MaxPooling2D, MaxPooling3D, Maximum, MelSpectrogram, Minimum, MixUp, MultiHeadAttention, Multiply,
        Normalization, PReLU, PeepholeLSTMCell, Permute, Pipeline, PositionEmbedding, RMSNormalization, RNN,
        RandAugment, RandomBrightness, RandomColorDegeneration, RandomColorJitter, RandomContrast, RandomCrop,
        RandomElasticTransform, RandomErasing, RandomFlip, RandomGaussianBlur, RandomGrayscale, RandomHue, RandomInvert,
        RandomPCAColor, RandomPerspective, RandomPosterization, RandomRotation, RandomSaturation, RandomSharpness,
        RandomShear, RandomTranslation, RandomZoom, ReLU, RepeatVector, Rescaling, Reshape, Resizing,
        ReversibleEmbedding, STFTSpectrogram, SeparableConv1D, SeparableConv2D, SimpleGRUCell, SimpleRNN, SimpleRNNCell,
        SinePositionEncoding, Softmax, Solarization, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D,
        SpectralNormalization, StackedRNNCells, StringLookup, Subtract, TextVectorization, TimeDistributed,
        TokenAndPositionEmbedding, TransformerDecoder, TransformerEncoder, UnitNormalization, UpSampling1D,
        UpSampling2D, UpSampling3D, Wrapper, ZeroPadding1D, ZeroPadding2D, ZeroPadding3D,
    ),
)  # fmt: skip


def serialize(layer: Layer) -> Any:
    """The class name and configuration of `layer`.

    >>> serialize(Dense(3))["class_name"]
    'Dense'
    """
    return _REGISTRY.serialize(layer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The layer described by `serialize`, without weights; ValueError if its class is not known.

    >>> deserialize(serialize(Dense(3))).units
    3
    """
    return _REGISTRY.deserialize(config, custom_objects)


def __getattr__(name: str) -> Any:
    # Where layers stood in Keras 1 and 2.
    if name in ("embeddings", "experimental"):
        return importlib.import_module(f"dlrs.layers.{name}")
    raise AttributeError(f"module 'dlrs.layers' has no attribute {name!r}")
