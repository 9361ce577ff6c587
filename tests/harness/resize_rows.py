"""Rows of images of another size: resized, cropped, padded, cut into patches."""

import itertools
from typing import Any

import numpy as np

from dlrs import ops
from harness.row import REAL, Array, Case, Domain, Row, case, refuses

RADII = {"bilinear": 1, "bicubic": 2, "lanczos3": 3, "lanczos5": 5}


def kernel(method: str, x: Array) -> Any:
    """The weight at distance `x`."""
    x = np.abs(x)
    if method in ("bilinear", "triangle"):
        return np.maximum(1 - x, 0)
    if method == "bicubic":
        near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
        return np.where(x <= 1, near, np.where(x < 2, far, 0))
    return np.where(x < RADII[method], np.sinc(x) * np.sinc(x / RADII[method]), 0)


def weights(old: int, new: int, method: str, antialias: bool) -> Any:
    """The matrix (new, old) of the weights of an axis."""
    places = (np.arange(new)[:, None] + 0.5) * old / new - 0.5
    pixels = np.arange(old)[None]
    if method == "nearest":
        return (np.floor(places + 0.5).astype(int) == pixels) * 1.0
    if method == "area":
        left, right = np.arange(new)[:, None] * old / new, np.arange(1, new + 1)[:, None] * old / new
        matrix = np.maximum(np.minimum(right, pixels + 1) - np.maximum(left, pixels), 0)
    else:
        wide = max(old / new, 1) if antialias else 1
        matrix = kernel(method, (places - pixels) / wide)
    return matrix / matrix.sum(1, keepdims=True)


def framed(x: Array, size: tuple[int, int], crop: bool, pad: bool, fill: float) -> Any:
    """Images cropped or padded to the proportions of `size`."""
    (h, w), (height, width) = x.shape[-3:-1], size
    if crop:
        rows, columns = max(min(h, w * height // width), 1), max(min(w, h * width // height), 1)
        top, left = (h - rows) // 2, (w - columns) // 2
        return x[..., top : top + rows, left : left + columns, :]
    if pad:
        top, left = max(w * height // width - h, 0) // 2, max(h * width // height - w, 0) // 2
        widths = [(0, 0)] * (x.ndim - 3) + [(top, top), (left, left), (0, 0)]
        return np.pad(x, widths, constant_values=fill)
    return x


def resize(
    x: Array,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_value: float = 0.0,
    data_format: str = "channels_last",
) -> Any:
    """Weighted sums along both axes."""
    x = np.moveaxis(x, -3, -1) if data_format == "channels_first" else x
    x = framed(x, size, crop_to_aspect_ratio, pad_to_aspect_ratio, fill_value)
    rows = weights(x.shape[-3], size[0], interpolation, antialias)
    columns = weights(x.shape[-2], size[1], interpolation, antialias)
    y = np.einsum("...hwc,ih,jw->...ijc", x, rows, columns)
    return np.moveaxis(y, -1, -3) if data_format == "channels_first" else y


def placed(
    x: Array,
    scale: Array,
    translation: Array,
    output_shape: Any,
    spatial_dims: Any,
    method: str,
    antialias: bool = True,
) -> Any:
    """Weighted sums of what lies around the places where the pixels of the result come from."""
    like = {"linear": "bilinear", "cubic": "bicubic"}.get(method, method)
    for axis, k, t in zip(spatial_dims, scale, translation, strict=True):
        old, new = x.shape[axis], output_shape[axis]
        places = (np.arange(new)[:, None] + 0.5 - t) / k - 0.5
        wide = max(1 / k, 1) if antialias else 1
        matrix = kernel(like, (places - np.arange(old)) / wide)
        total = matrix.sum(1, keepdims=True)
        inside = (np.abs(total) > 1e-4) & (places >= -0.5) & (places <= old - 0.5)
        matrix = np.where(inside, matrix / np.where(total == 0, 1, total), 0)
        x = np.moveaxis(np.moveaxis(x, axis, -1) @ matrix.T, -1, axis)
    return x


def place(x: Any, scale: Any, translation: Any, output_shape: Any = None, **rest: Any) -> Any:
    """The op, with its operands first."""
    return ops.image.scale_and_translate(x, output_shape, scale, translation, **rest)


def resizings() -> list[Case]:
    """Every method, larger and smaller, with and without filter; proportions kept; formats; several tiles."""
    methods = ("nearest", "area", *RADII)
    smaller = [
        case((2, 4, 5, 2), size=(3, 2), interpolation=method, antialias=antialias)
        for method, antialias in itertools.product(methods, (False, True))
    ]
    cases = smaller + [case((1, 2, 3, 1), size=(3, 5), interpolation=method) for method in methods]
    return [
        *cases,
        case((2, 4, 6, 2), size=(3, 3), crop_to_aspect_ratio=True),
        case((2, 4, 6, 2), size=(3, 3), pad_to_aspect_ratio=True, fill_value=0.5),
        case((3, 5, 7), size=(2, 9), data_format="channels_first"),
        case((0, 4, 4, 1), size=(2, 2)),
        case((3, 90, 80, 20), size=(70, 100), interpolation="bicubic", antialias=True, large=True),
    ]


def spread(before: int | None, after: int | None, target: int | None, size: int) -> tuple[int, int]:
    """Entries before and after, by any two of three numbers."""
    before = target - size - after if before is None else before  # type: ignore[operator]
    return before, target - size - before if after is None else after  # type: ignore[operator]


def pad_images(x: Array, top: Any, left: Any, bottom: Any, right: Any, height: Any, width: Any) -> Any:
    """Zeros around images."""
    rows, columns = spread(top, bottom, height, x.shape[-3]), spread(left, right, width, x.shape[-2])
    return np.pad(x, [(0, 0)] * (x.ndim - 3) + [rows, columns, (0, 0)])


def crop_images(x: Array, top: Any, left: Any, bottom: Any, right: Any, height: Any, width: Any) -> Any:
    """What lies inside."""
    places = []
    for before, after, kept, size in ((top, bottom, height, x.shape[-3]), (left, right, width, x.shape[-2])):
        kept = size - before - after if kept is None else kept
        before = size - kept - after if before is None else before
        places.append(slice(before, before + kept))
    return x[(..., *places, slice(None))]


def frame(function: Any) -> Any:
    """A function of amounts, with them by name."""

    def named(x: Any, top: Any = None, left: Any = None, bottom: Any = None, right: Any = None, **size: Any) -> Any:
        return function(x, top, left, bottom, right, size.get("height"), size.get("width"))

    return named


def extract_patches(
    x: Array, size: Any, strides: Any = None, dilation_rate: int = 1, padding: str = "valid", axes: int = 2
) -> Any:
    """The pixels under each place of a window."""
    sizes = [size] * axes if isinstance(size, int) else list(size)
    axes = len(sizes)
    steps = sizes if strides is None else [strides] * axes if isinstance(strides, int) else strides
    reach = [(k - 1) * dilation_rate + 1 for k in sizes]
    space = x.shape[-1 - axes : -1]
    if padding == "same":
        totals = [max((-(-n // s) - 1) * s + r - n, 0) for n, s, r in zip(space, steps, reach, strict=True)]
        x = np.pad(x, [(0, 0)] * (x.ndim - axes - 1) + [(t // 2, t - t // 2) for t in totals] + [(0, 0)])
    where = tuple(range(x.ndim - 1 - axes, x.ndim - 1))
    windows = np.lib.stride_tricks.sliding_window_view(x, reach, where)
    windows = windows[(..., *(slice(None, None, s) for s in steps), slice(None), *(slice(None),) * axes)]
    windows = windows[(..., *(slice(None, None, dilation_rate),) * axes)]
    windows = np.moveaxis(windows, -1 - axes, -1)
    return windows.reshape(*windows.shape[: -1 - axes], -1)


RANK = refuses(ValueError, r"rank.*\(3, 3\)", (3, 3), size=(2, 2))

ROWS = [
    Row("resize", resize, resizings(), (REAL,), call=ops.image.resize, ulp=16, floor=4,
        second=True, refusals=[
            RANK,
            refuses(ValueError, "size.*positive", (3, 3, 1), size=(0, 2)),
            refuses(ValueError, "size.*2 integers", (3, 3, 1), size=(2, 2, 2)),
            refuses(ValueError, "interpolation.*linear5", (3, 3, 1), size=(2, 2), interpolation="linear5"),
            refuses(ValueError, "fill_mode.*wrap", (3, 3, 1), size=(2, 2), fill_mode="wrap"),
            refuses(ValueError, "data_format", (3, 3, 1), size=(2, 2), data_format="NHWC"),
            refuses(ValueError, "Only one", (3, 3, 1), size=(2, 2), crop_to_aspect_ratio=True,
                    pad_to_aspect_ratio=True),
            refuses(ValueError, "no pixels", (0, 3, 1), size=(2, 2)),
        ]),
    Row("scale_and_translate", placed, [
        *[case((4, 5, 2), (2,), (2,), output_shape=(6, 3, 2), spatial_dims=(0, 1), method=method, antialias=antialias)
          for method in ("linear", "cubic", "lanczos3", "lanczos5") for antialias in (False, True)],
        case((2, 3, 4), (2,), (2,), output_shape=(2, 5, 7), spatial_dims=(-1, 1), method="triangle")],
        (REAL, Domain(values=[1.37, 0.61]), Domain(values=[-0.23, 0.41])), call=place, ulp=512, floor=64, refusals=[
            refuses(ValueError, "method", (3, 3), (1,), (1,), output_shape=(3, 3), spatial_dims=(0,), method="area"),
            refuses(ValueError, "`scale`", (3, 3), (2,), (1,), output_shape=(3, 3), spatial_dims=(0,), method="cubic"),
            refuses(ValueError, "spatial_dims", (3, 3), (1,), (1,), output_shape=(3, 3), spatial_dims=(2,),
                method="cubic"),
            refuses(ValueError, "output_shape", (3, 3), (1,), (1,), output_shape=(3, 4), spatial_dims=(0,),
                method="cubic"),
        ]),
    Row("pad_images", frame(pad_images), [case((2, 3, 4, 2), top=1, left=2, bottom=0, right=3),
                                          case((3, 4, 2), bottom=1, left=0, height=6, width=7)],
        call=frame(ops.image.pad_images), refusals=[
            refuses(ValueError, "rank", (3, 3), top=0, left=0, bottom=0, right=0),
            refuses(ValueError, "exactly two", (3, 3, 1), top=0, left=0, bottom=0),
            refuses(ValueError, "top_padding must be >= 0.*-1", (3, 3, 1), top=-1, left=0, bottom=0, right=0),
            refuses(ValueError, "bottom_padding must be >= 0.*-1", (3, 3, 1), top=0, left=0, right=0, height=2),
        ]),
    Row("crop_images", frame(crop_images), [case((2, 5, 6, 2), top=1, left=2, bottom=0, right=3),
                                            case((5, 4, 2), bottom=1, left=0, height=3, width=4)],
        call=frame(ops.image.crop_images), refusals=[
            refuses(ValueError, "rank", (3, 3), top=0, left=0, bottom=0, right=0),
            refuses(ValueError, "exactly two", (3, 3, 1), top=0, left=0, bottom=0),
            refuses(ValueError, "target_height must be >= 0.*-1", (3, 3, 1), top=2, left=0, bottom=2, right=0),
            refuses(ValueError, "too many", (3, 3, 1), top=2, left=0, height=2, right=0),
        ]),
    Row("extract_patches", extract_patches, [
            case((2, 4, 6, 3), size=2), case((5, 7, 2), size=(3, 2), strides=1),
            case((1, 7, 6, 1), size=2, strides=(1, 2), dilation_rate=2), case((2, 5, 5, 2), size=3, padding="same"),
            case((1, 3, 4, 2, 2), size=(2, 2, 1)),
        ], refusals=[
            refuses(TypeError, "size=5 of type str", (4, 4, 1), size="5"),
            refuses(ValueError, "length 2 or 3", (4, 4, 1), size=(2, 2, 2, 2)),
            refuses(ValueError, r"\(4, 4\)", (4, 4), size=2),
            refuses(ValueError, r"do not fit.*\(4, 4, 1\)", (4, 4, 1), size=5),
        ]),
    Row("extract_patches_3d", lambda x, **kwargs: extract_patches(x, axes=3, **kwargs), [
            case((2, 4, 3, 4, 2), size=2), case((3, 4, 3, 1), size=(2, 1, 3), strides=1, padding="same"),
        ], refusals=[
            refuses(TypeError, "length 3", (4, 4, 4, 1), size=(2, 2)),
            refuses(ValueError, r"\(4, 4, 1\)", (4, 4, 1), size=2),
        ]),
]  # fmt: skip
