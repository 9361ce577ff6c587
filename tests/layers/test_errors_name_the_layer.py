"""What a layer refuses, in its constructor and when called, it refuses by its own name and the argument's."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dlrs import layers

X = np.zeros((1, 4, 4, 3), "float32")
NAME = "my_layer"


def make(cls: str, *args: Any, **kwargs: Any) -> Callable[[], Any]:
    return lambda: getattr(layers, cls)(*args, **kwargs, name=NAME)


def use(cls: str, *args: Any, x: Any = X, **kwargs: Any) -> Callable[[], Any]:
    return lambda: make(cls, *args, **kwargs)()(x)


CASES: dict[str, tuple[Callable[[], Any], str]] = {
    **{f"{cls} filters": (make(cls, 0, 3), "filters") for cls in (
        "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "SeparableConv1D",
        "SeparableConv2D",
    )},
    **{f"{cls} depth": (make(cls, 3, depth_multiplier=0), "depth_multiplier") for cls in (
        "DepthwiseConv1D", "DepthwiseConv2D",
    )},
    **{f"Conv2D {key}": (make("Conv2D", 4, **{"kernel_size": 3, key: value}), key) for key, value in {
        "kernel_size": (1, 2, 3), "strides": 0, "dilation_rate": -1, "padding": "causal", "data_format": "x",
        "groups": 0, "activation": "bogus", "conv_algo": "fast", "bogus": 1,
    }.items()},
    **{f"{cls} {argument}, too large": (make(cls, *args, **{argument: 2**63}), f"`{argument}`.*2147483647") for
       cls, args, argument in (
        ("Conv2D", (4, 3), "strides"), ("Conv2D", (4, 3), "dilation_rate"), ("DepthwiseConv2D", (3,), "strides"),
        ("MaxPooling2D", (2,), "strides"), ("SeparableConv2D", (4, 3), "depth_multiplier"),
    )},
    "Conv2D half a filter": (make("Conv2D", 2.5, 3), "integer.*filters=2.5"),
    "Conv2D initializer": (make("Conv2D", 4, 3, kernel_initializer="bogus"), "initializer"),
    "Conv2D explicit padding": (make("Conv2D", 4, 3, padding=((-1, 0), (0, 0))), "padding"),
    "Conv2D strides and dilation": (make("Conv2D", 4, 3, strides=2, dilation_rate=2), "dilation_rate"),
    "Conv2DTranspose output_padding": (make("Conv2DTranspose", 4, 3, 2, output_padding=3), "output_padding"),
    **{f"{cls} {argument}": (make(cls, **{"pool_size": 2, argument: value}), argument) for cls in (
        "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D",
    ) for argument, value in {"pool_size": 0, "strides": -1, "padding": "x", "data_format": "x"}.items()},
    **{f"{cls} data_format": (make(cls, data_format="x"), "data_format") for cls in (
        "GlobalMaxPooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling3D", "ZeroPadding2D", "Cropping2D",
        "UpSampling2D",
    )},
    "ZeroPadding2D": (make("ZeroPadding2D", -1), "padding"),
    "Cropping3D": (make("Cropping3D", -1), "cropping"),
    "UpSampling1D": (make("UpSampling1D", 0), "size"),
    "UpSampling2D": (make("UpSampling2D", 2, interpolation="x"), "interpolation"),
    "Resizing height": (make("Resizing", 0, 4), "height"),
    "Resizing interpolation": (make("Resizing", 4, 4, interpolation="x"), "interpolation"),
    "CenterCrop": (make("CenterCrop", 4, 0), "width"),
    "AdaptiveMaxPooling2D": (make("AdaptiveMaxPooling2D", 0), "output_size"),
    "RandomFlip": (make("RandomFlip", "x"), "mode"),
    "RandomRotation": (make("RandomRotation", "x"), "factor"),
    "RandomErasing": (make("RandomErasing", fill_value=10**400), "fill_value"),
    "MaxPooling2D window": (use("MaxPooling2D", 9), r"windows of \(9, 9\)"),
    "AveragePooling2D window": (use("AveragePooling2D", 9), r"windows of \(9, 9\)"),
    **{f"{cls} window": (use(cls, 4, 9), r"kernel_size=\(9, 9\)") for cls in ("Conv2D", "SeparableConv2D")},
    "DepthwiseConv2D window": (use("DepthwiseConv2D", 9), r"kernel_size=\(9, 9\)"),
    **{f"{cls} rank": (use(cls, *args, x=X[0]), "rank") for cls, args in {
        "Conv2D": (4, 3), "Conv2DTranspose": (4, 3), "MaxPooling2D": (2,), "GlobalMaxPooling2D": (),
    }.items()},
    "Conv2D groups": (use("Conv2D", 4, 3, groups=2), "groups"),
    "Cropping2D all": (use("Cropping2D", 3), "cropping"),
    "Conv2D text": (use("Conv2D", 4, 3, x="abc"), "abc"),
    "Conv2D array of text": (use("Conv2D", 4, 3, x=X.astype(str)), "dtype <U32"),
    "Conv2D complex": (use("Conv2D", 4, 3, x=X.astype(complex)), "dtype complex128"),
    "Conv2D channels": (lambda: make("Conv2D", 4, 3)().build((None, 4, 4, None)), "channels"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_layer_and_argument_are_named(case: str) -> None:
    refused, argument = CASES[case]
    with pytest.raises((ValueError, TypeError), match=argument) as caught:
        refused()
    assert str(caught.value).count(NAME) == 1 and str(caught.value).count("Raised in") <= 1


def test_a_layer_without_a_name_of_its_own_is_named_by_its_class() -> None:
    with pytest.raises(ValueError, match=r"constructor of MaxPooling2D"):
        layers.MaxPooling2D(0)


def test_the_inner_layer_is_the_one_that_is_named() -> None:
    class Outer(layers.Layer):
        def __init__(self) -> None:
            super().__init__(name="outer")
            self.inner = layers.Dense(-1, name="inner")

    with pytest.raises(ValueError, match="inner") as caught:
        Outer()
    assert "outer" not in str(caught.value)
