"""Rows of convolution as users call it, and of those made of it: depthwise, separable, transposed."""

import itertools
from typing import Any

import numpy as np

from dlrs import ops
from harness.product_rows import correlate, plain
from harness.row import Array, Case, Row, case, refuses


def zeros_around(x: Array, window: Any, strides: int, padding: str, dilation: int) -> tuple[tuple[int, int], ...]:
    """Zeros before and after each spatial axis."""
    sizes = zip(x.shape[1:-1], window, strict=True)
    totals = [max((-(-n // strides) - 1) * strides + (k - 1) * dilation + 1 - n, 0) for n, k in sizes]
    return tuple((t // 2, t - t // 2) if padding == "same" else (0, 0) for t in totals)


def per_axis(value: Any, axes: int) -> tuple[int, ...]:
    """One number for every axis."""
    return (value,) * axes if isinstance(value, int) else tuple(value)


def margins(size: int, window: int, stride: int, dilation: int, padding: str) -> tuple[int, int]:
    """Zeros (before, after) by the definitions of the kinds of padding."""
    reach = (window - 1) * dilation + 1
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return reach - 1, 0
    total = max((int(np.ceil(size / stride)) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def convolve(
    x: Array,
    kernel: Array,
    strides: Any = 1,
    padding: Any = "valid",
    data_format: str = "channels_last",
    dilation_rate: Any = 1,
) -> Any:
    """Each kind of padding as zeros written out."""
    x = np.moveaxis(x, 1, -1) if data_format == "channels_first" else x
    axes = x.ndim - 2
    steps, dilation = per_axis(strides, axes), per_axis(dilation_rate, axes)
    pads = padding
    if isinstance(padding, str):
        sizes = zip(x.shape[1:-1], kernel.shape, steps, dilation, strict=False)
        pads = tuple(margins(*size, padding.lower()) for size in sizes)
    attributes = plain(axes, strides=steps, padding=pads, dilation=dilation, groups=x.shape[-1] // kernel.shape[-2])
    y = correlate(x, kernel, **attributes)
    return np.moveaxis(y, -1, 1) if data_format == "channels_first" else y


def depthwise(x: Array, kernel: Array, strides: int = 1, padding: str = "valid", dilation_rate: int = 1) -> Any:
    """Channel by channel, with the convolution of one channel."""
    axes, pads = x.ndim - 2, zeros_around(x, kernel.shape[:-2], strides, padding, dilation_rate)
    attributes = {"strides": (strides,) * axes, "padding": pads, "dilation": (dilation_rate,) * axes, "groups": 1}
    parts = [correlate(x[..., [c]], kernel[..., [c], :], **attributes) for c in range(x.shape[-1])]
    return np.concatenate(parts, -1)


def separable(x: Array, kernel: Array, pointwise: Array, **attributes: Any) -> Any:
    """Channel by channel, then all channels of a place."""
    return depthwise(x, kernel, **attributes) @ pointwise.reshape(pointwise.shape[-2:])


def transposed(
    x: Array,
    kernel: Array,
    strides: int = 1,
    padding: str = "valid",
    output_padding: int | None = None,
    dilation_rate: int = 1,
) -> Any:
    """Every place of the input adds a kernel to the output, of which the middle is kept as in TensorFlow."""
    s, d, more = strides, dilation_rate, output_padding
    space, window = x.shape[1:-1], kernel.shape[:-2]
    reach = [(k - 1) * d + 1 for k in window]
    room = [(n + 1) * s + e for n, e in zip(space, reach, strict=True)]
    full = np.zeros((x.shape[0], *room, kernel.shape[-2]), x.dtype)
    for place in itertools.product(*map(range, space)):
        for tap in itertools.product(*map(range, window)):
            at = tuple(p * s + t * d for p, t in zip(place, tap, strict=True))
            full[(slice(None), *at)] += x[(slice(None), *place)] @ kernel[tap].T
    sizes, starts = [], []
    for n, e in zip(space, reach, strict=True):
        if padding == "valid":
            sizes.append((n - 1) * s + (max(e, s) if more is None else e + more))
            starts.append(0)
        else:
            sizes.append(n * s if more is None else (n - 1) * s + e % 2 + more)
            starts.append(max((n - 1) * s + e - sizes[-1], 0) // 2)
    return full[(slice(None), *(slice(a, a + n) for a, n in zip(starts, sizes, strict=True)))]


def convolutions() -> list[Case]:
    """One to three axes, the kinds of padding, uneven ones, strides, dilation, groups, no images, several tiles."""
    first = {"data_format": "channels_first"}
    return [
        case((2, 7, 3), (3, 3, 4)),
        case((2, 7, 3), (4, 3, 2), strides=3, padding="same"),
        case((2, 7, 3), (3, 3, 2), padding="causal", dilation_rate=2),
        case((2, 6, 2), (4, 2, 2), strides=2, padding="causal"),
        case((1, 6, 5, 2), (4, 3, 2, 3), strides=(2, 1), padding="same"),
        case((1, 6, 7, 2), (2, 3, 2, 2), padding="same", dilation_rate=(2, 1)),
        case((1, 4, 5, 2), (3, 3, 2, 2), padding=((2, 0), (1, 3))),
        case((2, 4, 5, 6), (2, 2, 2, 6), padding="SAME"),
        case((2, 3, 5, 4), (2, 3, 3, 2), padding="same", **first),
        case((1, 3, 4, 3, 2), (2, 2, 3, 2, 2), strides=(1, 2, 1), padding="same"),
        case((1, 2, 3, 4, 3), (2, 2, 2, 2, 2), **first),
        case((0, 4, 4, 2), (3, 3, 2, 1), padding="same"),
        case((9, 34, 30, 17), (3, 3, 17, 19), padding="same", large=True),
    ]


def transposed_cases() -> list[Case]:
    """One to three axes, strides above and below the window, both paddings, rests."""
    return [
        case((2, 3, 2), (3, 4, 2)),
        case((2, 3, 2), (2, 1, 2), strides=3),
        case((2, 3, 4, 2), (3, 2, 3, 2), strides=2, padding="same"),
        case((1, 3, 3, 1), (4, 4, 2, 1), strides=2, padding="same"),
        case((1, 3, 3, 1), (3, 3, 2, 1), strides=3, output_padding=2),
        case((1, 3, 3, 1), (3, 3, 2, 1), strides=3, padding="same", output_padding=1),
        case((2, 4, 2), (3, 2, 2), dilation_rate=2),
        case((1, 2, 3, 2, 2), (2, 2, 2, 1, 2), strides=2),
        case((0, 3, 3, 2), (2, 2, 1, 2)),
        case((1, 4, 4, 1), (3, 3, 48, 1), strides=2),
        case((1, 4, 4, 1), (2, 3, 33, 1), padding="same"),
        case((9, 31, 29, 16), (3, 3, 8, 16), strides=2, padding="same", large=True),
    ]  # fmt: skip


def channelwise_cases() -> list[Case]:
    """One and two axes, several filters for a channel, strides, dilation, no images."""
    return [
        case((2, 6, 3), (3, 3, 1)),
        case((2, 6, 5, 3), (3, 2, 3, 2), padding="same"),
        case((1, 7, 6, 2), (3, 3, 2, 1), strides=2, padding="same"),
        case((1, 7, 6, 2), (2, 2, 2, 2), dilation_rate=2),
        case((0, 4, 4, 2), (3, 3, 2, 1)),
        case((9, 61, 59, 37), (3, 3, 37, 1), padding="same", large=True),
    ]


def separable_cases() -> list[Case]:
    """The same, and a mix."""
    cases = []
    for shapes, attributes in [
        (((2, 6, 3), (3, 3, 1), (1, 3, 2)), {}),
        (((2, 6, 5, 3), (3, 2, 3, 2), (1, 1, 6, 4)), {"padding": "same"}),
        (((1, 7, 6, 2), (3, 3, 2, 1), (1, 1, 2, 3)), {"strides": 2}),
    ]:
        cases.append(case(*shapes, **attributes))
    return cases


RANK = refuses(ValueError, r"\(4, 4\)", (4, 4), (2, 2))

ROWS = [
    Row("conv", convolve, convolutions(), call=ops.conv, ulp=8, floor=4, second=True, refusals=[
        RANK,
        refuses(ValueError, r"\(1, 4, 1\).*\(2, 2, 1, 1\)", (1, 4, 1), (2, 2, 1, 1)),
        refuses(ValueError, r"channels must match.*\(1, 4, 3\).*\(2, 2, 2\)", (1, 4, 3), (2, 2, 2)),
        refuses(ValueError, r"groups.*\(1, 4, 6\)", (1, 4, 6), (2, 2, 4)),
        refuses(ValueError, r"\(4, 1, 1\).*\(1, 3, 1\)", (1, 3, 1), (4, 1, 1)),
        refuses(ValueError, "strides.*0", (1, 4, 1), (2, 1, 1), strides=0),
        refuses(ValueError, r"dilation_rate.*\(1, 1, 1\)", (1, 4, 4, 1), (2, 2, 1, 1), dilation_rate=(1, 1, 1)),
        refuses(ValueError, "padding.*'full'", (1, 4, 1), (2, 1, 1), padding="full"),
        refuses(ValueError, "padding.*causal", (1, 4, 4, 1), (2, 2, 1, 1), padding="causal"),
        refuses(ValueError, "data_format.*NHWC", (1, 4, 1), (2, 1, 1), data_format="NHWC"),
    ]),
    Row("depthwise_conv", depthwise, channelwise_cases(), call=ops.depthwise_conv, ulp=8, floor=4, second=True,
        refusals=[
        RANK,
        refuses(ValueError, "channels.*3.*2", (1, 4, 4, 3), (2, 2, 2, 1)),
        refuses(ValueError, "padding.*'full'", (1, 4, 4, 2), (2, 2, 2, 1), padding="full"),
        refuses(ValueError, "strides.*0", (1, 4, 4, 2), (2, 2, 2, 1), strides=0),
        refuses(ValueError, "data_format", (1, 4, 4, 2), (2, 2, 2, 1), data_format="first"),
    ]),
    Row("separable_conv", separable, separable_cases(), call=ops.separable_conv, ulp=16, floor=8, refusals=[
        refuses(ValueError, "channels.*4.*3", (1, 4, 4, 2), (2, 2, 2, 2), (1, 1, 3, 1)),
    ]),
    Row("conv_transpose", transposed, transposed_cases(), call=ops.conv_transpose, ulp=8, floor=4, second=True,
        refusals=[
        RANK,
        refuses(ValueError, "channels.*3.*2", (1, 4, 4, 3), (2, 2, 1, 2)),
        refuses(ValueError, "output_padding.*2", (1, 4, 4, 1), (2, 2, 1, 1), strides=2, output_padding=2),
        refuses(ValueError, "padding.*'causal'", (1, 4, 4, 1), (2, 2, 1, 1), padding="causal"),
    ]),
]  # fmt: skip
