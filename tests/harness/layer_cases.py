"""The layers that are compared with Keras's: how each is made and on what it is called."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

BOTH = (False, True)


@dataclass
class Case:
    """A layer and its inputs.

    Attributes:
        make: makes the layer from either `layers` module.
        axes: the shape of each input: letters are sizes drawn from 3 to 5, `T` from 90 to 119, digits themselves.
        training: the modes in which it draws no random numbers.
        ids: inputs are integers below this.
        mask: how many trailing axes a mask leaves out; no mask if None.
        adapt: learns the layer's state from data instead of drawing it.
        tolerance: what it agrees to.
        gradients: whether gradients agree too.
        spread: inputs are arguments of the call, not one list.
        options: further arguments of the call.
        without_effect: ends of paths of weights whose gradients are 0 but for rounding.
    """

    make: Callable[[Any], Any]
    axes: tuple[str, ...] = ("ab",)
    training: tuple[bool, ...] = (False,)
    ids: int = 0
    mask: int | None = None
    adapt: Callable[[Any, np.ndarray], None] | None = None
    tolerance: float = 1e-5
    gradients: bool = True
    spread: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    without_effect: tuple[str, ...] = ()

    def arguments(self, inputs: list[Any]) -> list[Any]:
        """The positional arguments of a call on `inputs`."""
        return inputs if self.spread or len(inputs) == 1 else [inputs]

    def inputs(self, rng: np.random.Generator) -> list[np.ndarray]:
        sizes = {letter: int(rng.integers(3, 6)) for letter in "abcdefg"}
        sizes["T"] = int(rng.integers(90, 120)) if any("T" in one for one in self.axes) else 0
        shapes = [tuple(int(a) if a.isdigit() else sizes[a] for a in one) for one in self.axes]
        if self.ids:
            return [rng.integers(0, self.ids, shape).astype("int32") for shape in shapes]
        return [rng.normal(size=shape).astype("float32") for shape in shapes]


SEQUENCE, IMAGE, VOLUME, PAIR = ("abc",), ("abcd",), ("abcde",), ("abc", "abc")


def learn_bins(layer: Any, x: np.ndarray) -> None:
    for part in np.array_split(np.tile(x, (40, 1)) + np.linspace(0, 1, 40 * len(x), dtype="float32")[:, None], 3):
        layer.update_state(part)
    layer.finalize_state()


FIRST = "channels_first"
COLOURS = ("abc3",)
KEYS_ALIKE = ("/key/bias",)  # softmax does not see what all keys of a query have in common

CASES: dict[str, list[Case]] = {
    "Activation": [Case(lambda k: k.Activation("gelu")), Case(lambda k: k.Activation("softmax"), SEQUENCE)],
    "ActivityRegularization": [Case(lambda k: k.ActivityRegularization(0.1, 0.2), SEQUENCE)],
    "AdaptiveAveragePooling1D": [Case(lambda k: k.AdaptiveAveragePooling1D(2), SEQUENCE)],
    "AdaptiveAveragePooling2D": [Case(lambda k: k.AdaptiveAveragePooling2D(2), IMAGE)],
    "AdaptiveAveragePooling3D": [Case(lambda k: k.AdaptiveAveragePooling3D(2), VOLUME)],
    "AdaptiveMaxPooling1D": [Case(lambda k: k.AdaptiveMaxPooling1D(2), SEQUENCE)],
    "AdaptiveMaxPooling2D": [Case(lambda k: k.AdaptiveMaxPooling2D(2), IMAGE)],
    "AdaptiveMaxPooling3D": [Case(lambda k: k.AdaptiveMaxPooling3D(2), VOLUME)],
    "Add": [Case(lambda k: k.Add(), PAIR), Case(lambda k: k.Add(), ("abc", "a1c", "ab1"))],
    "AdditiveAttention": [
        Case(lambda k: k.AdditiveAttention(), ("abc", "adc")),
        Case(lambda k: k.AdditiveAttention(use_scale=False), ("abc", "adc", "adc"), options={"use_causal_mask": True}),
    ],
    "AlphaDropout": [Case(lambda k: k.AlphaDropout(0.5))],
    "Attention": [
        Case(lambda k: k.Attention(), ("abc", "adc")),
        Case(lambda k: k.Attention(use_scale=True), ("abc", "ade", "adc"), options={"use_causal_mask": True}),
        Case(lambda k: k.Attention(use_scale=True, score_mode="concat"), ("abc", "adc")),
    ],
    "AugMix": [Case(lambda k: k.AugMix((-3, 3)), COLOURS)],
    "AutoContrast": [Case(lambda k: k.AutoContrast((-3, 3)), COLOURS)],
    "Average": [Case(lambda k: k.Average(), ("abc", "abc", "abc"))],
    "AveragePooling1D": [Case(lambda k: k.AveragePooling1D(2, 1, "same"), SEQUENCE)],
    "AveragePooling2D": [
        Case(lambda k: k.AveragePooling2D((2, 3)), IMAGE),
        Case(lambda k: k.AveragePooling2D(3, 2, "same", FIRST), IMAGE),
    ],
    "AveragePooling3D": [Case(lambda k: k.AveragePooling3D((1, 2, 3), 2, "same"), VOLUME)],
    "BatchNormalization": [
        Case(lambda k: k.BatchNormalization(), IMAGE, BOTH),
        Case(lambda k: k.BatchNormalization(axis=1, momentum=0.9, epsilon=1e-2), IMAGE, BOTH),
        Case(lambda k: k.BatchNormalization(center=False, scale=False), SEQUENCE, BOTH, mask=1),
        Case(lambda k: k.BatchNormalization(renorm=True, renorm_clipping={"rmax": 2.0, "dmax": 1.0}), IMAGE, BOTH),
    ],
    "Bidirectional": [
        *(
            Case(lambda k, mode=mode: k.Bidirectional(k.LSTM(3, return_sequences=True), mode), SEQUENCE)
            for mode in ("concat", "sum", "mul", "ave")
        ),
        Case(lambda k: k.Bidirectional(k.GRU(3)), SEQUENCE, mask=1),
        Case(lambda k: k.Bidirectional(k.SimpleRNN(3, return_sequences=True)), SEQUENCE, mask=1),
    ],
    "CategoryEncoding": [
        Case(lambda k, mode=mode: k.CategoryEncoding(5, output_mode=mode), ("ab",), ids=5)
        for mode in ("one_hot", "multi_hot", "count")
    ],
    "CenterCrop": [Case(lambda k: k.CenterCrop(2, 3), IMAGE), Case(lambda k: k.CenterCrop(7, 4, FIRST), IMAGE)],
    "Concatenate": [
        Case(lambda k: k.Concatenate(), ("abc", "abd")),
        Case(lambda k: k.Concatenate(1), ("abc", "adc", "aec")),
    ],
    "ContrastLimitedAdaptiveHistogramEqualization": [
        Case(lambda k: k.ContrastLimitedAdaptiveHistogramEqualization((-3, 3), 2.0, (2, 3)), IMAGE),
    ],
    "Conv1D": [
        Case(lambda k: k.Conv1D(4, 2, activation="tanh"), SEQUENCE),
        Case(lambda k: k.Conv1D(2, 3, padding="causal", dilation_rate=2), SEQUENCE),
    ],
    "Conv1DTranspose": [Case(lambda k: k.Conv1DTranspose(2, 3, 2), SEQUENCE)],
    "Conv2D": [
        Case(lambda k: k.Conv2D(4, (2, 3), activation="relu"), IMAGE),
        Case(lambda k: k.Conv2D(4, 3, 2, "same", FIRST, groups=2), ("a4bc",)),
        Case(lambda k: k.Conv2D(6, 2, padding="same", dilation_rate=2, groups=3), ("abc6",)),
    ],
    "Conv2DTranspose": [
        Case(lambda k: k.Conv2DTranspose(2, 3, 2, "same"), IMAGE),
        Case(lambda k: k.Conv2DTranspose(2, 2, 3, output_padding=1), IMAGE),
        Case(lambda k: k.Conv2DTranspose(2, 3, 2, "same", 1, FIRST), IMAGE),
    ],
    "Conv3D": [Case(lambda k: k.Conv3D(2, 2, padding="same"), VOLUME)],
    "Conv3DTranspose": [Case(lambda k: k.Conv3DTranspose(2, 2, 2), VOLUME)],
    "Cropping1D": [Case(lambda k: k.Cropping1D((1, 0)), SEQUENCE)],
    "Cropping2D": [
        Case(lambda k: k.Cropping2D(((1, 0), (0, 1))), IMAGE),
        Case(lambda k: k.Cropping2D((1, 0), FIRST), IMAGE),
    ],
    "Cropping3D": [Case(lambda k: k.Cropping3D(((1, 0), (0, 1), (0, 0))), VOLUME)],
    "CutMix": [Case(lambda k: k.CutMix(), COLOURS)],
    "Dense": [
        Case(lambda k: k.Dense(3, activation="tanh")),
        Case(lambda k: k.Dense(4, use_bias=False, kernel_regularizer="l2"), IMAGE),
    ],
    "DepthwiseConv1D": [Case(lambda k: k.DepthwiseConv1D(2, depth_multiplier=2), SEQUENCE)],
    "DepthwiseConv2D": [
        Case(lambda k: k.DepthwiseConv2D(3, 2, "same", activation="tanh"), IMAGE),
        Case(lambda k: k.DepthwiseConv2D(2, dilation_rate=2, depth_multiplier=2, data_format=FIRST), IMAGE),
    ],
    "Discretization": [
        *(
            Case(lambda k, mode=mode: k.Discretization([-0.5, 0.0, 1.0], output_mode=mode), SEQUENCE)
            for mode in ("int", "one_hot", "multi_hot", "count")
        ),
        Case(lambda k: k.Discretization(num_bins=7, epsilon=0.02), adapt=lambda layer, x: learn_bins(layer, x)),
    ],
    "Dot": [
        Case(lambda k: k.Dot(-1), ("ab", "ab")),
        Case(lambda k: k.Dot((2, 1), normalize=True), ("abc", "acd")),
    ],
    "Dropout": [Case(lambda k: k.Dropout(0.5))],
    "ELU": [Case(lambda k: k.ELU(0.7))],
    "EinsumDense": [
        Case(lambda k: k.EinsumDense("abc,cd->abd", (None, 3), bias_axes="d", activation="relu"), SEQUENCE),
        Case(lambda k: k.EinsumDense("...x,xyz->...yz", (2, 3), bias_axes="yz"), IMAGE),
    ],
    "Embedding": [Case(lambda k: k.Embedding(9, 3), ids=9)],
    "Equalization": [
        Case(lambda k: k.Equalization((-3, 3)), IMAGE, BOTH),
        Case(lambda k: k.Equalization((-3, 3), 16, FIRST), COLOURS),
    ],
    "Flatten": [Case(lambda k: k.Flatten(), IMAGE), Case(lambda k: k.Flatten(FIRST), IMAGE)],
    "GRU": [
        Case(lambda k: k.GRU(3), SEQUENCE),
        Case(lambda k: k.GRU(3, return_sequences=True, go_backwards=True), SEQUENCE),
        Case(lambda k: k.GRU(3, reset_after=False, return_sequences=True), SEQUENCE, mask=1),
        Case(lambda k: k.GRU(3, reset_after=True, use_bias=False), SEQUENCE, mask=1),
        Case(lambda k: k.GRU(3, "relu", "hard_sigmoid", reset_after=False), SEQUENCE),
        Case(lambda k: k.GRU(3, return_sequences=True, zero_output_for_mask=True), SEQUENCE, mask=1),
    ],
    "GRUCell": [Case(lambda k: k.RNN(k.GRUCell(3)), SEQUENCE)],
    "GaussianDropout": [Case(lambda k: k.GaussianDropout(0.5))],
    "GaussianNoise": [Case(lambda k: k.GaussianNoise(0.5))],
    "GlobalAveragePooling1D": [
        Case(lambda k: k.GlobalAveragePooling1D(), SEQUENCE),
        Case(lambda k: k.GlobalAveragePooling1D(), SEQUENCE, mask=1),
    ],
    "GlobalAveragePooling2D": [Case(lambda k: k.GlobalAveragePooling2D(), IMAGE)],
    "GlobalAveragePooling3D": [Case(lambda k: k.GlobalAveragePooling3D(), VOLUME)],
    "GlobalMaxPooling1D": [Case(lambda k: k.GlobalMaxPooling1D(), SEQUENCE)],
    "GlobalMaxPooling2D": [Case(lambda k: k.GlobalMaxPooling2D(), IMAGE)],
    "GlobalMaxPooling3D": [Case(lambda k: k.GlobalMaxPooling3D(), VOLUME)],
    "GroupNormalization": [
        Case(lambda k: k.GroupNormalization(2), ("abc6",), BOTH),
        Case(lambda k: k.GroupNormalization(-1, axis=1, epsilon=1e-2), IMAGE, BOTH),
        Case(lambda k: k.GroupNormalization(3, scale=False), ("ab3",)),
    ],
    "GroupedQueryAttention": [
        Case(lambda k: k.GroupQueryAttention(3, 4, 2), ("abc", "adc"), spread=True, without_effect=KEYS_ALIKE),
        Case(
            lambda k: k.GroupQueryAttention(3, 4, 1, use_gate=True, sliding_window=2),
            ("abc", "abc", "abc"),
            spread=True,
            without_effect=KEYS_ALIKE,
            options={"use_causal_mask": True},
        ),
    ],
    "Identity": [Case(lambda k: k.Identity())],
    "Lambda": [Case(lambda k: k.Lambda(lambda x: x * x + 1.0))],
    "LSTM": [
        Case(lambda k: k.LSTM(3), SEQUENCE),
        Case(lambda k: k.LSTM(3, return_sequences=True, go_backwards=True), SEQUENCE, mask=1),
        Case(lambda k: k.LSTM(3, use_bias=False, unit_forget_bias=False), SEQUENCE, mask=1),
        Case(lambda k: k.LSTM(3, "softsign", recurrent_activation="sigmoid", unroll=True), SEQUENCE),
    ],
    "LSTMCell": [Case(lambda k: k.RNN(k.LSTMCell(3), return_sequences=True), SEQUENCE, mask=1)],
    "LayerNormalization": [
        Case(lambda k: k.LayerNormalization(), SEQUENCE, BOTH),
        Case(lambda k: k.LayerNormalization((1, 2), epsilon=1e-2), IMAGE),
    ],
    "LeakyReLU": [Case(lambda k: k.LeakyReLU(0.1))],
    "Masking": [Case(lambda k: k.Masking(), SEQUENCE)],
    "MaxPooling1D": [Case(lambda k: k.MaxPooling1D(2, 1, "same"), SEQUENCE)],
    "MaxPooling2D": [
        Case(lambda k: k.MaxPooling2D((2, 3)), IMAGE),
        Case(lambda k: k.MaxPooling2D(3, 2, "same", FIRST), IMAGE),
    ],
    "MaxPooling3D": [Case(lambda k: k.MaxPooling3D((1, 2, 3), 2, "same"), VOLUME)],
    "Maximum": [Case(lambda k: k.Maximum(), PAIR)],
    "MelSpectrogram": [
        Case(lambda k: k.MelSpectrogram(64, 16, num_mel_bins=5), ("aT",), tolerance=2e-5),
        Case(lambda k: k.MelSpectrogram(64, 16, 48, mag_exp=1.0, power_to_db=False, num_mel_bins=5), ("T",)),
    ],
    "Minimum": [Case(lambda k: k.Minimum(), ("abc", "a1c"))],
    "MixUp": [Case(lambda k: k.MixUp(), COLOURS)],
    "MultiHeadAttention": [
        Case(lambda k: k.MultiHeadAttention(2, 3), ("abc", "adc"), spread=True, without_effect=KEYS_ALIKE),
        Case(
            lambda k: k.MultiHeadAttention(2, 3),
            ("abc", "abc"),
            spread=True,
            without_effect=KEYS_ALIKE,
            options={"use_causal_mask": True},
        ),
        Case(
            lambda k: k.MultiHeadAttention(2, 3, use_bias=False, output_shape=(2, 3), use_gate=True),
            ("abc", "ade", "adf"),
            spread=True,
            without_effect=KEYS_ALIKE,
        ),
        Case(
            lambda k: k.MultiHeadAttention(2, 3, attention_axes=(1, 2)),
            ("abcd", "abcd"),
            spread=True,
            without_effect=KEYS_ALIKE,
        ),
        Case(
            lambda k: k.MultiHeadAttention(2, 3, sliding_window=2),
            ("abc", "abc"),
            spread=True,
            without_effect=KEYS_ALIKE,
            options={"attention_mask": np.ones((1, 1, 1), bool)},
        ),
    ],
    "Multiply": [Case(lambda k: k.Multiply(), ("abc", "abc", "ab1"))],
    "Normalization": [
        Case(lambda k: k.Normalization(), SEQUENCE, adapt=lambda layer, x: layer.adapt(x)),
        Case(lambda k: k.Normalization((1, 2), invert=True), IMAGE, adapt=lambda layer, x: layer.adapt(x)),
        Case(lambda k: k.Normalization(None, 0.5, 2.0), IMAGE),
    ],
    "PReLU": [Case(lambda k: k.PReLU(), SEQUENCE), Case(lambda k: k.PReLU(shared_axes=[1, 2]), IMAGE)],
    "Permute": [Case(lambda k: k.Permute((3, 1, 2)), IMAGE)],
    "Pipeline": [Case(lambda k: k.Pipeline([k.Rescaling(0.5), k.RandomTranslation((0.2, 0.2), 0.0)]), COLOURS, BOTH)],
    "RMSNormalization": [
        Case(lambda k: k.RMSNormalization(), SEQUENCE),
        Case(lambda k: k.RMSNormalization([1, 2]), SEQUENCE),
    ],
    "RNN": [Case(lambda k: k.RNN([k.SimpleRNNCell(2), k.GRUCell(3)], return_sequences=True), SEQUENCE)],
    "RandomBrightness": [Case(lambda k: k.RandomBrightness((0.3, 0.3), (-2, 2)), COLOURS, BOTH)],
    "RandomColorDegeneration": [Case(lambda k: k.RandomColorDegeneration((0.7, 0.7), (-2, 2)), COLOURS, BOTH)],
    "RandomColorJitter": [Case(lambda k: k.RandomColorJitter((-2, 2), (0.2, 0.2), (0, 0)), COLOURS, BOTH)],
    "RandAugment": [Case(lambda k: k.RandAugment((-3, 3), 0), COLOURS, BOTH)],
    "RandomContrast": [
        Case(lambda k: k.RandomContrast((0.5, 0.5), (-2, 2)), COLOURS),
        Case(lambda k: k.RandomContrast((0, 0), (-2, 2), data_format=FIRST), IMAGE, BOTH),
    ],
    "RandomCrop": [Case(lambda k: k.RandomCrop(3, 3), ("a333",), BOTH)],
    "RandomElasticTransform": [Case(lambda k: k.RandomElasticTransform(), COLOURS)],
    "RandomErasing": [Case(lambda k: k.RandomErasing(), COLOURS)],
    "RandomFlip": [Case(lambda k: k.RandomFlip(), COLOURS)],
    "RandomGaussianBlur": [Case(lambda k: k.RandomGaussianBlur(), COLOURS)],
    "RandomGrayscale": [Case(lambda k: k.RandomGrayscale(1.0), COLOURS, BOTH)],
    "RandomHue": [Case(lambda k: k.RandomHue((1, 1), (-9, 9)), COLOURS, BOTH)],
    "RandomInvert": [Case(lambda k: k.RandomInvert((1, 1)), COLOURS, BOTH)],
    "RandomPerspective": [Case(lambda k: k.RandomPerspective(), COLOURS)],
    "RandomPosterization": [Case(lambda k: k.RandomPosterization((3, 3), (-4, 4)), COLOURS, BOTH)],
    "RandomRotation": [
        Case(lambda k, mode=mode: k.RandomRotation((0.13, 0.13), mode, fill_value=0.5), COLOURS, BOTH)
        for mode in ("constant", "nearest", "wrap", "reflect")
    ],
    "RandomSaturation": [Case(lambda k: k.RandomSaturation((0.7, 0.7)), COLOURS, BOTH)],
    "RandomSharpness": [
        Case(lambda k: k.RandomSharpness((0.8, 0.8), (-2, 2)), COLOURS, BOTH),
        Case(lambda k: k.RandomSharpness((0.1, 0.1), (-2, 2), FIRST), IMAGE, BOTH),
    ],
    "RandomShear": [Case(lambda k: k.RandomShear(0, 0), COLOURS, BOTH)],
    "RandomTranslation": [
        Case(lambda k: k.RandomTranslation((0.23, 0.23), (-0.31, -0.31)), COLOURS, BOTH),
        Case(lambda k: k.RandomTranslation((0.23, 0.23), 0.0, data_format=FIRST), IMAGE, BOTH),
    ],
    "RandomZoom": [
        Case(lambda k: k.RandomZoom((0.23, 0.23)), COLOURS, BOTH),
        Case(lambda k: k.RandomZoom((-0.23, -0.23), (0.1, 0.1), "constant"), COLOURS, BOTH),
    ],
    "ReLU": [Case(lambda k: k.ReLU()), Case(lambda k: k.ReLU(1.0, 0.1, 0.3))],
    "RepeatVector": [Case(lambda k: k.RepeatVector(3))],
    "Rescaling": [Case(lambda k: k.Rescaling([0.5, 2.0, 1.0], 0.25), ("ab3",))],
    "Reshape": [Case(lambda k: k.Reshape((2, -1)), ("ab2c",))],
    "Resizing": [
        Case(lambda k: k.Resizing(7, 2), IMAGE),
        Case(lambda k: k.Resizing(2, 3, "lanczos3", antialias=True, data_format=FIRST), IMAGE),
        Case(lambda k: k.Resizing(6, 3, "bicubic", crop_to_aspect_ratio=True), IMAGE),
    ],
    "ReversibleEmbedding": [
        Case(lambda k: k.ReversibleEmbedding(9, 3), ids=9),
        Case(lambda k: k.ReversibleEmbedding(9, 3, tie_weights=False), ids=9),
    ],
    "STFTSpectrogram": [
        *(
            Case(lambda k, mode=mode: k.STFTSpectrogram(mode, 16), ("aTb",))
            for mode in ("log", "magnitude", "psd", "real", "imag", "stft")
        ),
        Case(
            lambda k: k.STFTSpectrogram(
                "magnitude", 16, 5, 32, periodic=True, scaling=None, padding="same", expand_dims=True
            ),
            ("aTb",),
        ),
    ],
    "SeparableConv1D": [Case(lambda k: k.SeparableConv1D(2, 2, depth_multiplier=2), SEQUENCE)],
    "SeparableConv2D": [Case(lambda k: k.SeparableConv2D(4, 3, padding="same", activation="tanh"), IMAGE)],
    "SimpleRNN": [
        Case(lambda k: k.SimpleRNN(3), SEQUENCE, mask=1),
        Case(lambda k: k.SimpleRNN(3, "relu", return_sequences=True, go_backwards=True), SEQUENCE),
        Case(lambda k: k.SimpleRNN(3, "softplus", return_sequences=True), SEQUENCE, mask=1),
    ],
    "SimpleRNNCell": [Case(lambda k: k.RNN(k.SimpleRNNCell(3)), SEQUENCE)],
    "Softmax": [
        Case(lambda k: k.Softmax(), SEQUENCE),
        Case(lambda k: k.Softmax((1, 2)), IMAGE),
        Case(lambda k: k.Softmax(), SEQUENCE, mask=0),
    ],
    "Solarization": [Case(lambda k: k.Solarization(0.0, (0.0, 0.0), (-4, 4)), COLOURS, BOTH)],
    "SpatialDropout1D": [Case(lambda k: k.SpatialDropout1D(0.5), SEQUENCE)],
    "SpatialDropout2D": [Case(lambda k: k.SpatialDropout2D(0.5), IMAGE)],
    "SpatialDropout3D": [Case(lambda k: k.SpatialDropout3D(0.5), VOLUME)],
    "SpectralNormalization": [
        Case(lambda k: k.SpectralNormalization(k.Dense(3))),
        Case(lambda k: k.SpectralNormalization(k.EinsumDense("ab,bcd->acd", (3, 2)), 2)),
        # Training assigns the normalized kernel. By it dlrs differentiates, Keras by the kernel before.
        Case(lambda k: k.SpectralNormalization(k.Dense(3)), training=(True,), gradients=False),
        Case(lambda k: k.SpectralNormalization(k.Dense(3), 3), training=(True,), gradients=False),
    ],
    "StackedRNNCells": [Case(lambda k: k.RNN(k.StackedRNNCells([k.LSTMCell(3), k.LSTMCell(2)])), SEQUENCE)],
    "Subtract": [Case(lambda k: k.Subtract(), PAIR)],
    "TimeDistributed": [
        Case(lambda k: k.TimeDistributed(k.Dense(3, "tanh")), SEQUENCE),
        Case(lambda k: k.TimeDistributed(k.Conv1D(2, 2)), IMAGE),
    ],
    "UnitNormalization": [
        Case(lambda k: k.UnitNormalization(), SEQUENCE),
        Case(lambda k: k.UnitNormalization((1, 2)), IMAGE),
    ],
    "UpSampling1D": [Case(lambda k: k.UpSampling1D(3), SEQUENCE)],
    "UpSampling2D": [
        Case(lambda k: k.UpSampling2D((2, 3), FIRST), IMAGE),
        *(
            Case(lambda k, mode=mode: k.UpSampling2D((2, 3), interpolation=mode), IMAGE)
            for mode in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
        ),
    ],
    "UpSampling3D": [Case(lambda k: k.UpSampling3D((1, 2, 3)), VOLUME)],
    "ZeroPadding1D": [Case(lambda k: k.ZeroPadding1D((1, 2)), SEQUENCE)],
    "ZeroPadding2D": [
        Case(lambda k: k.ZeroPadding2D(((1, 0), (2, 3))), IMAGE),
        Case(lambda k: k.ZeroPadding2D(1, data_format=FIRST), IMAGE),
    ],
    "ZeroPadding3D": [Case(lambda k: k.ZeroPadding3D((1, 2, 0)), VOLUME)],
}
