"""Rows of activations, softmax, losses and normalisation."""

import itertools
from typing import Any

import numpy as np

from dlrs import ops
from harness.elementwise_rows import erf, sigmoid, softplus
from harness.row import APART, POSITIVE, REAL, UNIT, Array, Case, Domain, Row, case, ints, refuses

LABELS = Domain(0, 5, dtype="int32")


def softmax(x: Array, axis: int = -1) -> Any:
    """exp(x) / sum(exp(x)), without overflow."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-1e300))
    return e / np.sum(e, axis=axis, keepdims=True)


def log_softmax(x: Array, axis: int = -1) -> Any:
    """The logarithm of `softmax`, without underflow."""
    x = x - np.max(x, axis=axis, keepdims=True, initial=-1e300)
    return x - np.log(np.sum(np.exp(x), axis=axis, keepdims=True))


def softmaxes() -> list[Case]:
    """Every axis, one class, no rows, huge logits, many rows and long rows."""
    huge = Case(((2, 3),), domains=(Domain(values=[[1e4, 0.0, -1e4], [500.0, 499.0, 498.0]]),), smooth=False)
    return [
        case((7,)),
        case((1,)),
        case((3, 5)),
        case((3, 5), axis=0),
        case((2, 3, 4), axis=1),
        case((2, 3, 4), axis=-3),
        case((0, 4)),
        case((5, 1)),
        huge,
        case((9001, 17), large=True),
        case((33, 5003), large=True),
        case((17, 301, 31), axis=1, large=True),
    ]


def cross_entropy(logits: Array, labels: Array) -> Any:
    """-sum(labels * log_softmax(logits)) over the last axis."""
    return -np.sum(labels * log_softmax(logits), axis=-1)


def sparse_cross_entropy(logits: Array, labels: Array) -> Any:
    """-log_softmax(logits)[label]."""
    return -np.take_along_axis(log_softmax(logits), labels[..., None], -1)[..., 0]


AXIS = [refuses(ValueError, "axis 2", (2, 3), axis=2), refuses(ValueError, "axis|scalar", ())]

PRIMITIVES = [
    Row("softmax", softmax, softmaxes(), ulp=12, floor=0.5, second=True, refusals=AXIS),
    Row("log_softmax", log_softmax, softmaxes(), ulp=8, floor=2, second=True, refusals=AXIS),
    Row("softmax_cross_entropy", cross_entropy,
        [case(s, s) for s in ((5,), (3, 5), (2, 3, 4), (0, 5), (4, 1))] + [case((9001, 17), (9001, 17), large=True)],
        (REAL, UNIT), ulp=16, floor=4, second=True, refusals=[
            refuses(ValueError, r"labels.*\(3,\).*logits.*\(2, 3\)", (2, 3), (3,)),
            refuses(ValueError, "logits.*scalar", (), ()),
            refuses(ValueError, r"logits.*\(2, 0\)", (2, 0), (2, 0)),
        ]),
    Row("sparse_softmax_cross_entropy", sparse_cross_entropy,
        [case(s, s[:-1]) for s in ((5,), (3, 5), (2, 3, 7), (0, 5))] + [case((9001, 17), (9001,), large=True)],
        (REAL, LABELS), ulp=16, floor=4, second=True, refusals=[
            refuses(ValueError, r"labels.*\(3,\).*logits.*\(2, 3\)", (2, 3), ints(0, 1, 2)),
            refuses(ValueError, r"labels.*\(2, 1\).*logits.*\(2, 3\)", (2, 3), ints([0], [1])),
            refuses(TypeError, "labels.*float32", (2, 3), (2,)),
            refuses(IndexError, "label.*3", (2, 3), ints(0, 3)),
            refuses(IndexError, "label.*-1", (2, 3), ints(0, -1)),
        ]),
]  # fmt: skip

SHAPES = ((), (7,), (3, 1, 5), (0, 2))
POINTS = [case(s) for s in SHAPES]
SELU = 1.0507009873554805, 1.6732632423543772


def elu(x: Array, alpha: float = 1.0) -> Any:
    """x where positive, else alpha * (exp(x) - 1)."""
    return np.where(x > 0, x, alpha * np.expm1(x))


def gelu(x: Array, approximate: bool = True) -> Any:
    """x times the normal distribution function, or its approximation by tanh."""
    if approximate:
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + erf(x * np.sqrt(0.5)))


ROUGH: dict[str, Any] = {"ulp": 16, "floor": 2}

ACTIVATIONS = [
    Row("relu6", lambda x: np.clip(x, 0, 6), [*POINTS, case((300,))], (APART,)),
    Row("leaky_relu", lambda x, negative_slope=0.2: np.where(x > 0, x, negative_slope * x),
        [*POINTS, case((5,), negative_slope=0.5)], (APART,), ulp=1),
    Row("elu", elu, [*POINTS, case((5,), alpha=0.5)], (APART,), **ROUGH),
    Row("selu", lambda x: SELU[0] * elu(x, SELU[1]), POINTS, (APART,), **ROUGH),
    Row("celu", lambda x, alpha=1.0: np.maximum(x, 0) + np.minimum(0, alpha * np.expm1(x / alpha)),
        [*POINTS, case((5,), alpha=0.5)], (APART,), **ROUGH),
    Row("gelu", gelu, [*POINTS, case((9,), approximate=False)], **ROUGH),
    Row("log_sigmoid", lambda x: -softplus(-x), POINTS, **ROUGH),
    Row("hard_sigmoid", lambda x: np.clip(x / 6 + 0.5, 0, 1), [*POINTS, case((300,))], (APART,), **ROUGH),
    Row("hard_silu", lambda x: x * np.clip(x / 6 + 0.5, 0, 1), [*POINTS, case((300,))], (APART,), **ROUGH),
    Row("silu", lambda x: x * sigmoid(x), POINTS, **ROUGH, second=True),
    Row("mish", lambda x: x * np.tanh(softplus(x)), POINTS, **ROUGH),
    Row("softsign", lambda x: x / (1 + np.abs(x)), POINTS, (APART,), ulp=2),
    Row("hard_tanh", lambda x: np.clip(x, -1, 1), [*POINTS, case((60,))], (APART,)),
    Row("hard_shrink", lambda x, threshold=0.5: np.where(np.abs(x) > threshold, x, 0),
        [*POINTS, case((60,)), case((60,), threshold=1.0)], (APART,)),
    Row("soft_shrink", lambda x, threshold=0.5: np.sign(x) * np.maximum(np.abs(x) - threshold, 0),
        [*POINTS, case((60,)), case((60,), threshold=1.0)], (APART,)),
    Row("tanh_shrink", lambda x: x - np.tanh(x), POINTS, **ROUGH),
    Row("squareplus", lambda x, b=4: (x + np.sqrt(x * x + b)) / 2, [*POINTS, case((5,), b=1.0)], **ROUGH, second=True),
    Row("sparse_plus", lambda x: np.where(x < 1, (np.maximum(x, -1) + 1) ** 2 / 4, x), [*POINTS, case((60,))], (APART,),
        ulp=2),
    Row("sparse_sigmoid", lambda x: np.clip((x + 1) / 2, 0, 1), [*POINTS, case((60,))], (APART,)),
    Row("threshold", lambda x, threshold, default_value: np.where(x > threshold, x, default_value),
        [case((60,), threshold=0.5, default_value=9.0), case((), threshold=0.0, default_value=-1.0)], (APART,)),
    Row("glu", lambda x, axis=-1: np.split(x, 2, axis)[0] * sigmoid(np.split(x, 2, axis)[1]),
        [case((6,)), case((3, 4)), case((4, 3), axis=0)], **ROUGH, refusals=[refuses(ValueError, r"\(3,\)", (3,))]),
]  # fmt: skip


def along(x: Array, axis: int, vector: Array) -> Any:
    """A vector shaped to lie along an axis of `x`."""
    return vector.reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])


def batch_normalization(x: Array, mean: Array, variance: Array, offset: Array, scale: Array, axis: int) -> Any:
    """(x - mean) / sqrt(variance + 0.001) * scale + offset."""
    mean, variance, offset, scale = (along(x, axis, v) for v in (mean, variance, offset, scale))
    return (x - mean) / np.sqrt(variance + 1e-3) * scale + offset


def local_response(x: Array, depth_radius: int = 5, bias: float = 1.0, alpha: float = 1.0, beta: float = 0.5) -> Any:
    """Channel by channel, the sum of squares of its neighbours."""
    sums = [
        (x[..., max(i - depth_radius, 0) : i + depth_radius + 1] ** 2).sum(-1, keepdims=True)
        for i in range(x.shape[-1])
    ]
    return x / (bias + alpha * np.concatenate([x[..., :0], *sums], -1)) ** beta


def layer_normalization(x: Array, gamma: Array, beta: Array) -> Any:
    """x with mean 0 and variance 1 over the last axis, scaled and shifted."""
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-7) * gamma + beta


def binary_crossentropy(target: Array, output: Array, from_logits: bool = False) -> Any:
    """-target * log(p) - (1 - target) * log(1 - p)."""
    if from_logits:
        return softplus(output) - target * output
    return -target * np.log(output) - (1 - target) * np.log(1 - output)


def categorical_crossentropy(target: Array, output: Array, from_logits: bool = False) -> Any:
    """-sum(target * log(p)) over the last axis; probabilities are divided by their sum."""
    p = softmax(output) if from_logits else output / output.sum(-1, keepdims=True)
    return -np.sum(target * np.log(p), -1)


def sparse_categorical_crossentropy(target: Array, output: Array, from_logits: bool = False) -> Any:
    """-log(p[target])."""
    p = softmax(output) if from_logits else output / output.sum(-1, keepdims=True)
    return -np.log(np.take_along_axis(p, target[..., None], -1)[..., 0])


def ctc_loss(target: Array, output: Array, target_length: Array, output_length: Array) -> Any:
    """-log of the summed probabilities of all alignments, one after the other."""
    losses = []
    for labels, logits in zip(
        (t[:n] for t, n in zip(target, target_length, strict=True)),
        (o[:n] for o, n in zip(output, output_length, strict=True)),
        strict=True,
    ):
        p, total = softmax(logits), 0.0
        for path in itertools.product(range(p.shape[1]), repeat=len(p)):
            if [c for c, _ in itertools.groupby(path) if c] == list(labels):
                total += float(np.prod(p[np.arange(len(p)), path]))
        losses.append(-np.log(total))
    return np.array(losses)


CTC = [
    Case(((4, 2), (4, 4, 3), (4,), (4,)), domains=(
        Domain(values=[[1, 2], [1, 1], [2, 0], [2, 2]], dtype="int32"), REAL,
        Domain(values=[2, 2, 1, 0], dtype="int32"), Domain(values=[4, 3, 4, 2], dtype="int32"))),
    Case(((1, 2), (1, 1, 3), (1,), (1,)), smooth=False, domains=(
        Domain(values=[[1, 2]], dtype="int32"), REAL, Domain(values=[2], dtype="int32"),
        Domain(values=[1], dtype="int32"))),
]  # fmt: skip

LOGITS = {"from_logits": True}

COMPOSITES = [
    Row("batch_normalization", batch_normalization, [case((4, 3), (3,), (3,), (3,), (3,), axis=-1),
                                                     case((2, 3, 4), (3,), (3,), (3,), (3,), axis=1)],
        (REAL, REAL, POSITIVE, REAL), **ROUGH,
        call=lambda x, m, v, b, g, axis: ops.batch_normalization(x, m, v, axis, b, g, 1e-3)),
    Row("layer_normalization", layer_normalization, [case((4, 5), (5,), (5,)), case((2, 3, 4), (4,), (4,))], **ROUGH),
    Row("rms_normalization", lambda x, g: x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-7) * g,
        [case((4, 5), (5,))], **ROUGH),
    Row("local_response_normalization", local_response,
        [case((2, 7)), case((2, 3, 4, 6), depth_radius=2, bias=2.0, alpha=0.5, beta=0.75),
         case((3, 2), depth_radius=9, beta=0.6),
         case((3, 0), depth_radius=1), case((4,), depth_radius=0)], **ROUGH,
        refusals=[refuses(ValueError, "depth_radius", (2, 3), depth_radius=-1),
                  refuses(ValueError, "float type", ints(0, 1, 2)), refuses(ValueError, "at least one axis", ())]),
    Row("normalize", lambda x, axis=-1, order=2: x / np.linalg.norm(x, order, axis, keepdims=True),
        [case((4, 5)), case((4, 5), axis=0), case((4, 5), order=1), case((4, 5), order=3)], (POSITIVE,), **ROUGH),
    Row("one_hot", lambda x, num_classes, axis=-1: np.moveaxis(np.eye(num_classes)[x], -1, axis),
        [case((4,), num_classes=5), case((2, 3), num_classes=6, axis=1), case((), num_classes=5)], (LABELS,),
        dtypes=("float32",), gradient=()),
    Row("multi_hot", lambda x, num_classes: np.eye(num_classes)[x].max(-2, initial=0),
        [case((4, 2), num_classes=5), case((3,), num_classes=5)], (LABELS,), dtypes=("float32",), gradient=()),
    Row("binary_crossentropy", binary_crossentropy, [case(s, s) for s in SHAPES] + [case((5,), (5,), **LOGITS)],
        (UNIT,), **ROUGH, refusals=[refuses(ValueError, r"\(3,\).*\(3, 1\)", (3,), (3, 1))]),
    Row("categorical_crossentropy", categorical_crossentropy,
        [case((3, 5), (3, 5)), case((4,), (4,)), case((3, 5), (3, 5), **LOGITS)], (UNIT,), **ROUGH, gradient=(1,),
        refusals=[refuses(ValueError, r"\(2,\).*\(2, 3\)", (2,), (2, 3))]),
    Row("sparse_categorical_crossentropy", sparse_categorical_crossentropy,
        [case((3,), (3, 5)), case((2, 3), (2, 3, 5)), case((3,), (3, 5), **LOGITS)], (LABELS, UNIT), **ROUGH,
        refusals=[refuses(ValueError, r"\(3,\).*\(2, 3\)", ints(0, 1, 2), (2, 3))]),
    Row("ctc_loss", ctc_loss, CTC, **ROUGH, gradient=(1,), refusals=[
        refuses(ValueError, r"\(2,\).*\(2, 4, 3\)", ints(1, 2), (2, 4, 3), ints(1, 1), ints(4, 4)),
        refuses(ValueError, r"\(1,\)", ints([1], [2]), (2, 4, 3), ints(1), ints(4, 4)),
        refuses(ValueError, "3 classes.*7", ints([1], [2]), (2, 4, 3), ints(1, 1), ints(4, 4), mask_index=7)]),
]  # fmt: skip


def sparsemax(x: Array, axis: int = -1) -> Any:
    """max(x - t, 0) with the t for which the sum is 1, by bisection."""
    low, high = x.max(axis, keepdims=True) - 1, x.max(axis, keepdims=True)
    for _ in range(100):
        middle = (low + high) / 2
        above = np.maximum(x - middle, 0).sum(axis, keepdims=True) > 1
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.maximum(x - low, 0)


def attention(
    q: Array,
    k: Array,
    v: Array,
    bias: Array | None = None,
    mask: Array | None = None,
    scale: float | None = None,
    is_causal: bool = False,
) -> Any:
    """Heads of keys and values repeated; causal attention by a mask; zeros where nothing is seen."""
    k, v = (np.repeat(x, q.shape[2] // x.shape[2], 2) for x in (k, v))
    logits = np.einsum("btnh,bsnh->bnts", q, k) * (q.shape[-1] ** -0.5 if scale is None else scale)
    logits = logits if bias is None else logits + bias
    seen = np.ones_like(logits, bool) if mask is None else np.broadcast_to(mask, logits.shape)
    if is_causal:
        seen = seen & (np.tri(*logits.shape[-2:]) > 0)
    logits = np.where(seen, logits, -1e30)
    e = np.exp(logits - np.max(logits, -1, keepdims=True, initial=-1e30)) * seen
    return np.einsum("bnts,bsnh->btnh", e / np.maximum(np.sum(e, -1, keepdims=True), 1e-30), v)


def unfold(x: Array, kernel_size: tuple[int, int], stride: int = 1, padding: int = 0) -> Any:
    """Patches by sliding windows."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel_size, (2, 3))[:, :, ::stride, ::stride]
    n, c, h, w = windows.shape[:4]
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, c * kernel_size[0] * kernel_size[1], h * w)


def fold(x: Array, output_size: tuple[int, int], kernel_size: tuple[int, int], padding: int = 0) -> Any:
    """Patches added pixel by pixel, at stride 1."""
    (h, w), (a, b) = output_size, kernel_size
    y = np.zeros((x.shape[0], x.shape[1] // (a * b), h + 2 * padding, w + 2 * padding))
    patches = x.reshape(*y.shape[:2], a, b, y.shape[2] - a + 1, y.shape[3] - b + 1)
    for i, j in np.ndindex(a, b):
        y[:, :, i : i + patches.shape[4], j : j + patches.shape[5]] += patches[:, :, i, j]
    return y[:, :, padding : padding + h, padding : padding + w]


def blocks(x: Array, block_size: int, data_format: str = "channels_last") -> Any:
    """Pixels of blocks as channels."""
    if data_format == "channels_first":
        return np.concatenate(
            [
                unfold(x[:, [c]], (block_size,) * 2, block_size).reshape(
                    len(x), -1, x.shape[2] // block_size, x.shape[3] // block_size
                )
                for c in range(x.shape[1])
            ],
            1,
        )
    parts = [x[:, i::block_size, j::block_size] for i in range(block_size) for j in range(block_size)]
    return np.concatenate(parts, -1)


def spread(x: Array, block_size: int) -> Any:
    """Channels as pixels of blocks."""
    n, h, w, c = x.shape
    y = np.zeros((n, h * block_size, w * block_size, c // block_size**2))
    for k, (i, j) in enumerate(np.ndindex(block_size, block_size)):
        y[:, i::block_size, j::block_size] = x[..., k * y.shape[3] : (k + 1) * y.shape[3]]
    return y


PICTURES = [
    Row("sparsemax", sparsemax, [case((7,)), case((3, 5)), case((3, 5), axis=0), case((1,)), case((2, 0, 3), axis=2)],
        (APART,), ulp=64, floor=64, refusals=[refuses(ValueError, "axis 2", (2, 3), axis=2)]),
    Row("dot_product_attention", attention, [
        case((2, 3, 2, 4), (2, 5, 2, 4), (2, 5, 2, 3)), case((1, 3, 4, 2), (1, 3, 2, 2), (1, 3, 2, 2), is_causal=True),
        case((2, 3, 2, 4), (2, 5, 2, 4), (2, 5, 2, 3), mask=np.tri(3, 5, -1) > 0),
        case((1, 2, 1, 3), (1, 2, 1, 3), (1, 2, 1, 3), scale=2.0)], **ROUGH, call=ops.dot_product_attention, refusals=[
            refuses(ValueError, r"4D.*\(2, 3\)", (2, 3), (2, 3), (2, 3)),
            refuses(ValueError, r"multiple.*\(1, 2, 3, 4\)", (1, 2, 3, 4), (1, 2, 2, 4), (1, 2, 2, 4)),
        ]),
    Row("dot_product_attention", attention, [
        case((2, 3, 4, 6), (2, 5, 2, 6), (2, 5, 2, 3), (4, 1, 5), (2, 1, 3, 5), scale=0.5, is_causal=False),
        case((2, 3, 2, 4), (2, 5, 2, 4), (2, 5, 2, 3), (), (5,), scale=0.5, is_causal=True),
        case((1, 2, 2, 4), (1, 0, 2, 4), (1, 0, 2, 3), (), (2, 1, 1), scale=0.5, is_causal=False),
        case((2, 300, 4, 8), (2, 300, 2, 8), (2, 300, 2, 8), (1, 300), (2, 1, 1, 1), scale=0.3, is_causal=True,
             large=True)], (REAL, REAL, REAL, REAL, Domain(dtype="bool")), **ROUGH, second=True, refusals=[
            refuses(ValueError, r"mask of shape \(7,\)", (1, 2, 1, 3), (1, 4, 1, 3), (1, 4, 1, 3), None,
                    np.ones(7, bool), scale=1.0, is_causal=False)]),
    Row("psnr", lambda a, b, max_val: 10 * np.log10(max_val**2 / np.mean((a - b) ** 2)),
        [case((3, 4), (3, 4), max_val=2.0), case((), (), max_val=1.0)], (REAL, Domain(3.0, 4.0)), **ROUGH,
        refusals=[refuses(ValueError, r"\(2,\).*\(1,\)", (2,), (1,), max_val=1.0)]),
    Row("unfold", unfold, [case((2, 3, 4, 5), kernel_size=(2, 3)),
                           case((1, 1, 5, 4), kernel_size=(3, 2), stride=2, padding=1)],
        refusals=[refuses(ValueError, r"4D.*\(2, 3\)", (2, 3), kernel_size=2),
                  refuses(ValueError, r"\(3, 3\).*\(2, 2\)", (1, 1, 2, 2), kernel_size=3)]),
    Row("fold", fold, [case((2, 12, 6), output_size=(3, 4), kernel_size=(2, 2)),
                       case((1, 4, 12), output_size=(2, 3), kernel_size=(2, 2), padding=1)], ulp=1, floor=1,
        refusals=[refuses(ValueError, r"\(1, 5, 4\)", (1, 5, 4), output_size=(3, 3), kernel_size=2)]),
    Row("space_to_depth", blocks, [case((2, 4, 6, 3), block_size=2),
                                   case((1, 2, 4, 4), block_size=2, data_format="channels_first")],
        refusals=[refuses(ValueError, r"Height \(3\)", (1, 3, 2, 1), block_size=2)]),
    Row("depth_to_space", spread, [case((2, 2, 3, 8), block_size=2)],
        refusals=[refuses(ValueError, "at least 2.*1", (1, 2, 2, 4), block_size=1),
                  refuses(ValueError, r"channels \(3\)", (1, 2, 2, 3), block_size=2)]),
]  # fmt: skip

ROWS = [*PRIMITIVES, *ACTIVATIONS, *COMPOSITES, *PICTURES]
