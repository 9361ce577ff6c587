"""Rows of images: read between pixels, warped, blurred, in other colours."""

import colorsys
from typing import Any

import numpy as np

from dlrs import ops
from harness.row import REAL, UNIT, Array, Case, Domain, Row, case, refuses

MODES = {"constant": "constant", "nearest": "edge", "wrap": "wrap", "mirror": "reflect", "reflect": "symmetric"}
# No position is a whole number or half of one, where interpolation has a kink; some lie beyond the border.
PLACES = Domain(step=1 / 16, offset=0.3)
FAR = 9


def tap(image: Array, row: Array, column: Array, mode: str, fill: float) -> Array:
    """Pixels (row, column) of an image that NumPy has padded."""
    pad = ((FAR, FAR), (FAR, FAR), (0, 0))
    kinds: dict[str, Any] = {"constant_values": fill} if mode == "constant" else {}
    wide = np.pad(image, pad, MODES[mode], **kinds)  # type: ignore[call-overload]
    return np.asarray(wide[np.clip(row + FAR, 0, len(wide) - 1), np.clip(column + FAR, 0, wide.shape[1] - 1)])


def remap(
    images: Array, positions: Array, interpolation: str = "bilinear", fill_mode: str = "constant", fill_value: float = 0
) -> Any:
    """Images at positions, pairs (row, column)."""
    results = []
    for image, places in zip(images, positions, strict=True):
        y, x = places[..., 0], places[..., 1]
        if interpolation == "nearest":
            row, column = np.floor(y + 0.5).astype(int), np.floor(x + 0.5).astype(int)
            results.append(tap(image, row, column, fill_mode, fill_value))
            continue
        row, column = np.floor(y).astype(int), np.floor(x).astype(int)
        dy, dx = (y - row)[..., None], (x - column)[..., None]
        total = 0
        for i, wy in ((0, 1 - dy), (1, dy)):
            for j, wx in ((0, 1 - dx), (1, dx)):
                total = total + wy * wx * tap(image, row + i, column + j, fill_mode, fill_value)
        results.append(total)
    return np.stack(results) if results else np.zeros((*positions.shape[:3], images.shape[3]))


def affine(images: Array, transform: Array, interpolation: str = "bilinear", **reading: Any) -> Any:
    """The documented formula."""
    single, images = images.ndim == 3, images if images.ndim == 4 else images[None]
    y, x = np.mgrid[: images.shape[1], : images.shape[2]]
    places = []
    for a0, a1, a2, b0, b1, b2, c0, c1 in np.broadcast_to(transform, (len(images), 8)):
        k = c0 * x + c1 * y + 1
        places.append(np.stack([(b0 * x + b1 * y + b2) / k, (a0 * x + a1 * y + a2) / k], -1))
    result = remap(images, np.stack(places), interpolation, **reading)
    return result[0] if single else result


def perspective(images: Array, start: Array, end: Array, **reading: Any) -> Any:
    """The map whose eight numbers solve the four pairs of equations."""
    numbers = []
    for s, e in zip(start, end, strict=True):
        rows = []
        for (u, _), (x, y) in zip(s, e, strict=True):
            rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        for (_, v), (x, y) in zip(s, e, strict=True):
            rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
        numbers.append(np.linalg.solve(np.array(rows), np.concatenate([s[:, 0], s[:, 1]])))
    return affine(images, np.stack(numbers), **reading)


def coordinates(inputs: Array, places: Array, order: int, fill_mode: str = "constant", fill_value: float = 0.0) -> Any:
    """Of one or two axes, as images of one row or more and one channel."""
    if inputs.ndim == 1:
        inputs, places = inputs[None], np.stack([np.zeros_like(places[0]), places[0]])
    flat = np.moveaxis(places.reshape(2, -1), 0, -1)[None, :, None]
    how = ("nearest", "bilinear")[order]
    return remap(inputs[None, ..., None], flat, how, fill_mode, fill_value).reshape(places.shape[1:])


def blur(images: Array, sigma: Array, kernel_size: tuple[int, int] = (3, 3)) -> Any:
    """One tap after the other."""
    bells = [np.exp(-(((np.arange(n) - (n - 1) / 2) / s) ** 2) / 2) for n, s in zip(kernel_size, sigma, strict=True)]
    kernel = np.outer(bells[1] / bells[1].sum(), bells[0] / bells[0].sum())
    before = [(n - 1) // 2 for n in kernel.shape]
    pads = [(b, n - 1 - b) for b, n in zip(before, kernel.shape, strict=True)]
    wide = np.pad(images, [*[(0, 0)] * (images.ndim - 3), *pads, (0, 0)])
    height, width = images.shape[-3:-1]
    total = np.zeros_like(images)
    for (i, j), weight in np.ndenumerate(kernel):
        total += weight * wide[..., i : i + height, j : j + width, :]
    return total


def hsv(images: Array) -> Any:
    """The standard library's."""
    return np.apply_along_axis(lambda p: colorsys.rgb_to_hsv(*p), -1, images) if images.size else images


def rgb(images: Array) -> Any:
    """The standard library's."""
    return np.apply_along_axis(lambda p: colorsys.hsv_to_rgb(*p), -1, images) if images.size else images


def grey(images: Array) -> Any:
    """ITU-R BT.601."""
    return (images * np.array([0.2989, 0.5870, 0.1140])).sum(-1, keepdims=True)


def augment(images: Array, parameters: Array, size: tuple[int, int], stages: Any, reading: Any = None) -> Any:
    """A map, then one stage after the other."""
    if reading is not None:
        how, mode, fill = reading
        still = np.zeros((len(images), *size, images.shape[-1]))
        y, x = np.mgrid[: size[0], : size[1]]
        for image, result, (a0, a1, a2, b0, b1, b2, c0, c1) in zip(images, still, parameters[:, :8], strict=True):
            k = c0 * x + c1 * y + 1
            places = np.stack([(b0 * x + b1 * y + b2) / k, (a0 * x + a1 * y + a2) / k], -1)
            result[...] = remap(image[None], places[None], how, mode, fill)[0]
        images = still
    return np.stack([coloured(x, p, stages) for x, p in zip(images, parameters, strict=True)])


def coloured(x: Array, p: Array, stages: Any) -> Array:
    """One image under the stages."""
    c = x.shape[-1]
    for name, at, low, high in stages:
        if name == "matrix":
            m = p[at : at + 12].reshape(3, 4)
            x = x @ m[:, :3].T + m[:, 3]
        elif name == "scale":
            x = x * p[at : at + c] + p[at + c : at + 2 * c]
        elif name == "contrast":
            mean = x.mean((0, 1))
            x = (x - mean) * p[at] + mean
        elif name == "clip":
            x = np.clip(x, low, high)
        elif name == "hue_saturation":
            colours = hsv((x - low) / (high - low))
            colours[..., 0] = (colours[..., 0] + p[at]) % 1
            colours[..., 1] = np.clip(colours[..., 1] * p[at + 1], p[at + 2], p[at + 3])
            x = rgb(colours) * (high - low) + low
        else:
            top, left, bottom, right = p[at : at + 4].astype(int)
            x = x.copy()
            x[top:bottom, left:right] = p[at + 4 : at + 4 + c]
    return x


def sobel(images: Array, data_format: str = "channels_last") -> Any:
    """Three rows and columns weighted by hand."""
    x = np.moveaxis(images, -3, -1) if data_format == "channels_first" else images
    wide = np.pad(x, [(0, 0)] * (x.ndim - 3) + [(1, 1), (1, 1), (0, 0)])
    h, w = x.shape[-3:-1]
    down = wide[..., 2:, :, :] - wide[..., :h, :, :]
    right = wide[..., 2:, :] - wide[..., :w, :]
    down = down[..., :w, :] + 2 * down[..., 1 : w + 1, :] + down[..., 2:, :]
    right = right[..., :h, :, :] + 2 * right[..., 1 : h + 1, :, :] + right[..., 2:, :, :]
    edges = np.stack([down, right], -1)
    return np.moveaxis(edges, -2, -4) if data_format == "channels_first" else edges


def ssim(
    first: Array, second: Array, max_val: float = 1.0, filter_size: int = 11, filter_sigma: float = 1.5,
    k1: float = 0.01, k2: float = 0.03, data_format: str = "channels_last",
) -> Any:  # fmt: skip
    """The paper's formula, window by window."""
    if data_format == "channels_first":
        first, second = (np.moveaxis(x, -3, -1) for x in (first, second))
    offsets = np.arange(filter_size) - (filter_size - 1) / 2
    bell = np.exp(-(offsets**2) / (2 * filter_sigma**2))
    weights = np.outer(bell, bell) / bell.sum() ** 2

    def mean(x: Array) -> Any:
        windows = np.lib.stride_tricks.sliding_window_view(x, (filter_size, filter_size), axis=(-3, -2))  # type: ignore[call-overload]
        return (windows * weights).sum((-2, -1))

    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    a, b = mean(first), mean(second)
    covariance, va, vb = mean(first * second) - a * b, mean(first**2) - a * a, mean(second**2) - b * b
    values = (2 * a * b + c1) * (2 * covariance + c2) / ((a * a + b * b + c1) * (va + vb + c2))
    return values.mean((-3, -2, -1))


def readings(*shapes: Any, **attributes: Any) -> list[Case]:
    """Every interpolation and fill mode."""
    return [
        case(*shapes, interpolation=how, fill_mode=mode, fill_value=0.5, **attributes)
        for how in ("nearest", "bilinear")
        for mode in MODES
    ]


def smooth_if_linear(cases: list[Case]) -> list[Case]:
    """Nearest pixels jump, wherever the positions are."""
    return [Case(c.shapes, c.attributes, smooth=c.attributes["interpolation"] == "bilinear") for c in cases]


MAPS = Domain(
    values=[
        [0.718, 0.32, 0.513, 0.287, 0.753, 0.847, 0.0, 0.0],
        [0.806, 0.263, 0.554, -0.371, 0.901, -0.221, 0.01, -0.003],
    ]
)
ONE_MAP = Domain(values=[0.803, -0.273, 1.36, 0.404, 1.026, -1.229, 0.006, -0.015])
SQUARE = [[0, 0], [4.3, 0.2], [0.1, 3.9], [4.1, 4.4]]
CORNERS = Domain(values=[SQUARE, SQUARE])
MOVED = Domain(values=[[[0.4, 0.3], [4, 0], [0.2, 4.1], [4.2, 4]], [[0.1, -0.3], [4.4, 0.1], [0, 3.6], [3.8, 4]]])
BETWEEN = Domain(0.18, 0.32)  # hues from yellow to green
SIGMA = Domain(values=[0.8, 1.3])
WARPED: dict[str, Any] = {"ulp": 64, "floor": 8}
COLOURED: dict[str, Any] = {"ulp": 32, "floor": 4}
RANK = refuses(ValueError, "rank", (2, 3), [1.0] * 8)

IMAGES = [
    Row("remap", remap, [*readings((2, 5, 4, 3), (2, 3, 4, 2)), case((0, 2, 2, 1), (0, 3, 3, 2)),
        case((1, 3, 3, 1), (1, 2, 0, 2)), case((1, 4, 5, 5), (1, 2, 3, 2)), case((1, 1, 1, 2), (1, 3, 3, 2)),
        case((40, 24, 24, 3), (40, 24, 24, 2), large=True)],
        (REAL, PLACES), **WARPED, refusals=[
            refuses(ValueError, "images have shape", (2, 3), (2, 3)),
            refuses(ValueError, "positions have shape", (2, 3, 3, 1), (2, 3)),
            refuses(ValueError, "fill_mode", (1, 2, 2, 1), (1, 2, 2, 2), fill_mode="mean"),
            refuses(ValueError, "interpolation", (1, 2, 2, 1), (1, 2, 2, 2), interpolation="cubic"),
            refuses(TypeError, "int32", np.ones((1, 2, 2, 1), np.int32), (1, 2, 2, 2)),
        ]),
    Row("affine_transform", affine, [
        *smooth_if_linear(readings((2, 4, 3, 3), (2, 8))),
        Case(((4, 3, 2), (8,)), domains=(REAL, ONE_MAP)), Case(((3, 4, 3, 1), (8,)), domains=(REAL, ONE_MAP))],
        (REAL, MAPS), **WARPED, refusals=[RANK,
            refuses(ValueError, "transform rank", (2, 3, 3, 1), (1, 1, 8)),
            refuses(ValueError, "3 transforms", (2, 3, 3, 1), (3, 8)),
            refuses(ValueError, "fill_mode", (2, 3, 3, 1), (8,), fill_mode="mean")]),
    Row("perspective_transform", perspective, smooth_if_linear([
        case((2, 5, 5, 3), (2, 4, 2), (2, 4, 2), interpolation=how, fill_value=0.25)
        for how in ("bilinear", "nearest")]),
        (REAL, CORNERS, MOVED), **{**WARPED, "ulp": 4096, "floor": 64}, refusals=[
            refuses(ValueError, "start_points shape", (5, 5, 3), (4, 3), (4, 3)),
            refuses(ValueError, "same shape", (5, 5, 3), (4, 2), (1, 4, 2)),
            refuses(ValueError, "interpolation", (5, 5, 3), (4, 2), (4, 2), interpolation="cubic")]),
    Row("map_coordinates", coordinates, [
        *[case((5, 6), (2, 3, 2), order=order, fill_mode=mode, fill_value=0.5) for order in (0, 1) for mode in MODES],
        case((7,), (1, 4), order=1), case((3, 4), (2, 0), order=1)],
        (REAL, PLACES), **WARPED, refusals=[
            refuses(ValueError, "First dim", (3, 4), (3, 5), order=1),
            refuses(ValueError, "coordinates rank", (3, 4), (2,), order=1),
            refuses(ValueError, "order", (3, 4), (2, 5), order=3),
            refuses(ValueError, "fill_mode", (3, 4), (2, 5), order=1, fill_mode="mean")]),
    Row("gaussian_blur", blur, [
        Case(((2, 6, 5, 3), (2,)), {"kernel_size": (3, 5)}), Case(((6, 5, 1), (2,)), {"kernel_size": (4, 3)}),
        Case(((1, 3, 4, 2), (2,)), {"kernel_size": (9, 1)}), Case(((0, 3, 3, 1), (2,)))],
        (REAL, SIGMA), call=lambda x, sigma, kernel_size=(3, 3): ops.image.gaussian_blur(x, kernel_size, sigma),
        **WARPED, refusals=[
            refuses(ValueError, "rank", (2, 3), (2,)),
            refuses(ValueError, "kernel_size", (2, 3, 1), (2,), kernel_size=(3,)),
            refuses(ValueError, "sigma", (2, 3, 1), (3,))]),
    Row("sobel_edges", sobel, [
        case((2, 4, 5, 3)), case((3, 2, 1)), case((2, 2, 3, 4), data_format="channels_first"), case((0, 3, 3, 2)),
        case((4, 60, 50, 8), large=True)], (REAL,), ulp=16, floor=4, refusals=[refuses(ValueError, "rank", (2, 3))]),
    Row("ssim", ssim, [
        case((2, 5, 6, 2), (2, 5, 6, 2), filter_size=4), case((12, 11, 1), (12, 11, 1)),
        case((3, 4, 4), (3, 4, 4), filter_size=3, filter_sigma=0.7, max_val=2.0, k1=0.1, k2=0.2,
            data_format="channels_first"), case((0, 3, 3, 1), (0, 3, 3, 1), filter_size=3)],
        (UNIT,), ulp=256, floor=64, refusals=[
            refuses(ValueError, "image1 rank", (2, 3), (2, 3)), refuses(ValueError, "shape", (3, 3, 1), (3, 4, 1)),
            refuses(ValueError, "filter_size", (3, 3, 1), (3, 3, 1)),
            refuses(ValueError, "filter_sigma", (3, 3, 1), (3, 3, 1), filter_size=2, filter_sigma=0.0)]),
    Row("rgb_to_grayscale", grey, [case((2, 3, 4, 3)), case((5, 2, 3)), case((0, 2, 2, 3))], ulp=16, floor=4,
        refusals=[refuses(ValueError, "rank", (3,)), refuses(ValueError, "channel", (2, 2, 4))]),
    Row("rgb_to_hsv", hsv, [case((2, 3, 4, 3)), case((5, 2, 3)), case((0, 2, 2, 3))], (UNIT,), **COLOURED,
        refusals=[refuses(ValueError, "rank", (3,)), refuses(ValueError, "channel", (2, 2, 4)),
            refuses(ValueError, "float", np.ones((2, 2, 3), np.int32))]),
    Row("hsv_to_rgb", rgb, [
        Case(((2, 3, 4, 3),), smooth=False), Case(((5, 2, 3),), domains=(BETWEEN,)), case((0, 2, 2, 3))],
        (UNIT,), **COLOURED,
        refusals=[refuses(ValueError, "rank", (3,)), refuses(ValueError, "channel", (2, 2, 4)),
            refuses(ValueError, "float", np.ones((2, 2, 3), np.int32))]),
    Row("elastic_transform", lambda x, **_: x, [
        case((2, 6, 5, 3), alpha=0.0, sigma=0.7, seed=3), case((3, 4, 1), alpha=0.0)], (REAL,), **WARPED, refusals=[
            refuses(ValueError, "rank", (3,)), refuses(ValueError, "fill_mode", (3, 3, 1), fill_mode="mean"),
            refuses(ValueError, "interpolation", (3, 3, 1), interpolation="cubic")]),
]  # fmt: skip

NUMBERS = Domain(0.05, 0.95)
FROM_MAP = Domain(values=np.concatenate([np.array(MAPS.values), np.full((2, 14), 0.7)], 1).tolist())
ERASED = Domain(values=[[1, 0, 3, 2, 0.5, 0.25, 1], [0, 1, 9, 9, 0, 0, 0]])
TURNED = Domain(values=[[0.4, 1.5, 0, 1], [-0.3, 0.2, 0.1, 0.9]])
MAP_AND_COLOURS = (("matrix", 8, 0.0, 0.0), ("clip", 0, -0.5, 0.75), ("contrast", 20, 0.0, 0.0))
HUE = (("hue_saturation", 0, 0.0, 1.0), ("contrast", 1, 0.0, 0.0), ("clip", 0, 0.0, 1.0))

AUGMENT = [
    Row("augment", augment, [
        Case(((2, 6, 5, 3), (2, 22)), {
            "size": (4, 7), "stages": MAP_AND_COLOURS, "reading": ("bilinear", "reflect", 0.0)},
            domains=(UNIT, FROM_MAP)),
        Case(((2, 3, 5, 3), (2, 4)), {"size": (3, 5), "stages": HUE}, domains=(UNIT, TURNED)),
        Case(((2, 4, 5, 3), (2, 7)), {"size": (4, 5), "stages": (("erase", 0, 0.0, 0.0),)}, domains=(UNIT, ERASED)),
        *[Case(((2, 4, 5, c), (2, 2 * c)), {"size": (4, 5), "stages": (("scale", 0, 0.0, 0.0),)}) for c in (1, 3, 4)],
        Case(((60, 24, 24, 3), (60, 25)), {
            "size": (24, 24), "stages": (("matrix", 0, 0.0, 0.0), *HUE, ("scale", 12, 0.0, 0.0))}, large=True),
        case((2, 3, 3, 1), (2, 0), size=(3, 3), stages=()),
    ], (UNIT, NUMBERS), dtypes=("float32",), gradient=(), **WARPED, refusals=[
        refuses(ValueError, "no stage", (2, 3, 3, 1), (2, 2), size=(3, 3), stages=(("sharpen", 0, 0.0, 0.0),)),
        refuses(ValueError, "parameters", (2, 3, 3, 1), (2, 0), size=(3, 3), stages=(("contrast", 0, 0.0, 0.0),)),
        refuses(ValueError, "needs a map", (2, 3, 3, 1), (2, 2), size=(3, 4), stages=()),
        refuses(TypeError, "float64", np.ones((2, 3, 3, 1)), (2, 2), size=(3, 3), stages=()),
        refuses(ValueError, "fill_mode", (2, 3, 3, 1), (2, 8), size=(3, 3), stages=(),
            reading=("bilinear", "mean", 0.0)),
    ]),
]  # fmt: skip

ROWS = [*IMAGES, *AUGMENT]
