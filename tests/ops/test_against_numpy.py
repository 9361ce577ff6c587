"""The functions of `dlrs.ops` against NumPy's, and the shapes they announce for placeholders."""

import numpy as np
import pytest

import dlrs
from dlrs import ops
from dlrs.backend import KerasTensor

RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 4)).astype(np.float32)
B = RNG.normal(size=(3, 4)).astype(np.float32)
P = (RNG.random((3, 4)) + 0.5).astype(np.float32)
V = RNG.normal(size=(4,)).astype(np.float32)
W = RNG.normal(size=(3,)).astype(np.float32)
C = RNG.normal(size=(2, 3, 4)).astype(np.float32)
I = RNG.integers(0, 3, size=(5,)).astype(np.int32)  # noqa: E741
M = A > 0


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


# name, arguments, what NumPy makes of them
CASES = [
    *[
        (name, (A,), getattr(np, name)(A))
        for name in ("absolute", "negative", "sign", "exp", "expm1", "square", "sin", "cos", "tan", "sinh", "cosh")
    ],
    *[(name, (A,), getattr(np, name)(A)) for name in ("tanh", "floor", "ceil", "round", "trunc", "isfinite", "isnan")],
    *[(name, (P,), getattr(np, name)(P)) for name in ("log", "log1p", "log2", "log10", "sqrt", "reciprocal")],
    ("rsqrt", (P,), 1 / np.sqrt(P)),
    ("round", (A, 2), np.round(A, 2)),
    ("clip", (A, -0.5, 0.5), np.clip(A, -0.5, 0.5)),
    ("logical_not", (M,), ~M),
    *[
        (name, (A, B), getattr(np, name)(A, B))
        for name in ("add", "subtract", "multiply", "divide", "floor_divide", "mod", "maximum", "minimum")
    ],
    ("add", (A, V), A + V),
    ("add", (A, 2), A + 2),
    ("multiply", (C, A), C * A),
    ("power", (P, B), P**B),
    *[
        (name, (A, B), getattr(np, name)(A, B))
        for name in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")
    ],
    *[(name, (M, B > 0), getattr(np, name)(M, B > 0)) for name in ("logical_and", "logical_or", "logical_xor")],
    ("divide_no_nan", (A, np.float32([0, 1, 2, 0])), np.where([0, 1, 1, 0], A / np.float32([1, 1, 2, 1]), 0)),
    ("logaddexp", (A, B), np.logaddexp(A, B)),
    ("isclose", (A, A + np.float32(1e-6)), np.isclose(A, A + np.float32(1e-6))),
    ("where", (M, A, B), np.where(M, A, B)),
    *[
        (name, (C, axis, keepdims), getattr(np, name)(C, axis=axis, keepdims=keepdims))
        for name in ("sum", "prod", "mean", "max", "min", "var", "std")
        for axis, keepdims in ((None, False), (0, True), (-1, False), ((0, 2), False))
    ],
    *[(name, (C, axis), getattr(np, name)(C, axis=axis)) for name in ("argmax", "argmin") for axis in (None, 0, -1)],
    *[(name, (M, axis), getattr(np, name)(M, axis=axis)) for name in ("any", "all") for axis in (None, 0, 1)],
    ("count_nonzero", (M, 1), np.count_nonzero(M, 1)),
    ("average", (A, 0, W), np.average(A, 0, W)),
    ("logsumexp", (A, 1), np.log(np.exp(A).sum(1))),
    ("logsumexp", (A * 500, 1, True), np.logaddexp.reduce(A * 500, 1, keepdims=True)),
    ("reshape", (A, (2, -1)), A.reshape(2, -1)),
    ("ravel", (A,), A.ravel()),
    ("expand_dims", (A, (0, -1)), np.expand_dims(A, (0, -1))),
    ("squeeze", (A[None, :, :1],), A[:, 0]),
    ("squeeze", (A[None], 0), A),
    ("transpose", (C,), C.T),
    ("transpose", (C, (1, 0, 2)), C.transpose(1, 0, 2)),
    ("swapaxes", (C, 0, -1), C.swapaxes(0, -1)),
    ("moveaxis", (C, (0, 1), (-1, 0)), np.moveaxis(C, (0, 1), (-1, 0))),
    ("broadcast_to", (V, (3, 4)), np.broadcast_to(V, (3, 4))),
    ("concatenate", ([A, B], 1), np.concatenate([A, B], 1)),
    ("concatenate", ([A, B], -2), np.concatenate([A, B], -2)),
    ("stack", ([A, B], -1), np.stack([A, B], -1)),
    ("hstack", ([A, B],), np.hstack([A, B])),
    ("hstack", ([V, V],), np.hstack([V, V])),
    ("vstack", ([V, V],), np.vstack([V, V])),
    ("append", (A, B), np.append(A, B)),
    ("flip", (C,), np.flip(C)),
    ("flip", (C, (0, -1)), np.flip(C, (0, -1))),
    ("roll", (A, 5), np.roll(A, 5)),
    ("roll", (A, (1, -2), (0, 1)), np.roll(A, (1, -2), (0, 1))),
    ("repeat", (A, 2, 1), np.repeat(A, 2, 1)),
    ("repeat", (V, [1, 0, 2, 3]), np.repeat(V, [1, 0, 2, 3])),
    ("tile", (A, (2, 1, 3)), np.tile(A, (2, 1, 3))),
    ("pad", (A, ((1, 0), (2, 3))), np.pad(A, ((1, 0), (2, 3)))),
    ("pad", (A, 2, "reflect"), np.pad(A, 2, "reflect")),
    ("pad", (A, 1, "symmetric"), np.pad(A, 1, "symmetric")),
    ("take", (A, I, 0), A.take(I, 0)),
    ("take", (A, I), A.take(I)),
    ("take_along_axis", (A, np.argsort(A, 1).astype(np.int32), 1), np.sort(A, 1)),
    ("take_along_axis", (A, np.argsort(A, 0).astype(np.int32), 0), np.sort(A, 0)),
    ("get_item", (C, (slice(None), -1, slice(None, None, 2))), C[:, -1, ::2]),
    ("slice", (C, (0, 1, 1), (2, 2, -1)), C[:, 1:3, 1:]),
    ("segment_sum", (P.ravel()[:5], I, 4), np.bincount(I, P.ravel()[:5], 4)),
    ("scatter", (I[:, None], np.ones(5, np.float32), (4,)), np.bincount(I, minlength=4)),
    ("tril", (A, 1), np.tril(A, 1)),
    ("triu", (C, -1), np.triu(C, -1)),
    ("diag", (V, 1), np.diag(V, 1)),
    ("diag", (A, -1), np.diag(A, -1)),
    ("diagonal", (C, 1, 0, 2), np.diagonal(C, 1, 0, 2)),
    ("trace", (C, 0, 1, 2), np.trace(C, 0, 1, 2)),
    ("matmul", (A, B.T), A @ B.T),
    ("matmul", (C, B.T), C @ B.T),
    ("matmul", (A, V), A @ V),
    ("matmul", (W, A), W @ A),
    ("matmul", (V, V), V @ V),
    ("dot", (C, B.T), np.dot(C, B.T)),
    ("dot", (V, V), np.dot(V, V)),
    ("tensordot", (C, A, [[1, 2], [0, 1]]), np.tensordot(C, A, [[1, 2], [0, 1]])),
    ("tensordot", (C, A.T, 1), np.tensordot(C, A.T, 1)),
    ("inner", (C, A), np.inner(C, A)),
    ("outer", (W, V), np.outer(W, V)),
    ("vdot", (A, B), np.vdot(A, B)),
    *[("norm", (A, ord, 1), np.linalg.norm(A, ord, 1)) for ord in (None, 0, 1, 2, 3, np.inf, -np.inf)],
    *[("norm", (A, ord), np.linalg.norm(A, ord)) for ord in ("fro", 1, -1, np.inf, -np.inf)],
    ("relu", (A,), np.maximum(A, 0)),
    ("relu6", (A * 9,), np.clip(A * 9, 0, 6)),
    ("leaky_relu", (A,), np.where(A > 0, A, 0.2 * A)),
    ("elu", (A, 0.5), np.where(A > 0, A, 0.5 * np.expm1(A))),
    ("selu", (A,), 1.0507009873554805 * np.where(A > 0, A, 1.6732632423543772 * np.expm1(A))),
    ("celu", (A, 0.5), np.maximum(A, 0) + np.minimum(0, 0.5 * np.expm1(A / 0.5))),
    ("gelu", (A,), 0.5 * A * (1 + np.tanh(np.sqrt(2 / np.pi) * (A + 0.044715 * A**3)))),
    ("sigmoid", (A,), sigmoid(A)),
    ("log_sigmoid", (A,), np.log(sigmoid(A))),
    ("hard_sigmoid", (A * 4,), np.clip(A * 4 / 6 + 0.5, 0, 1)),
    ("hard_tanh", (A,), np.clip(A, -1, 1)),
    ("hard_shrink", (A, 0.3), np.where(np.abs(A) > 0.3, A, 0)),
    ("soft_shrink", (A, 0.3), np.sign(A) * np.maximum(np.abs(A) - 0.3, 0)),
    ("tanh_shrink", (A,), A - np.tanh(A)),
    ("squareplus", (A, 3), (A + np.sqrt(A**2 + 3)) / 2),
    ("sparse_plus", (A,), np.where(A < 1, np.maximum(A + 1, 0) ** 2 / 4, A)),
    ("sparse_sigmoid", (A,), np.clip((A + 1) / 2, 0, 1)),
    ("threshold", (A, 0.1, -3.0), np.where(A > 0.1, A, -3)),
    ("silu", (A,), A * sigmoid(A)),
    ("mish", (A,), A * np.tanh(np.log1p(np.exp(A)))),
    ("softplus", (A,), np.log1p(np.exp(A))),
    ("softsign", (A,), A / (1 + np.abs(A))),
    ("glu", (A,), A[:, :2] * sigmoid(A[:, 2:])),
    ("softmax", (C,), softmax(C)),
    ("softmax", (C, 1), softmax(C, 1)),
    ("log_softmax", (C, 0), np.log(softmax(C, 0))),
    ("one_hot", (I, 3), np.eye(3)[I]),
    ("one_hot", (I, 3, 0), np.eye(3)[I].T),
    ("normalize", (A,), A / np.linalg.norm(A, axis=-1, keepdims=True)),
    ("normalize", (A, 0, 1), A / np.abs(A).sum(0)),
    ("layer_normalization", (A, None, None, -1, 1e-3),
     (A - A.mean(-1, keepdims=True)) / np.sqrt(A.var(-1, keepdims=True) + 1e-3)),
    ("batch_normalization", (A, A.mean(0), A.var(0), -1, V, V, 1e-3),
     (A - A.mean(0)) / np.sqrt(A.var(0) + 1e-3) * V + V),
    ("rms_normalization", (A, V, -1, 1e-6), A / np.sqrt((A**2).mean(-1, keepdims=True) + 1e-6) * V),
    ("categorical_crossentropy", (softmax(A), softmax(B)), -(softmax(A) * np.log(softmax(B))).sum(-1)),
    ("categorical_crossentropy", (softmax(A), B, True), -(softmax(A) * np.log(softmax(B))).sum(-1)),
    ("sparse_categorical_crossentropy", (I[:3], softmax(B)), -np.log(softmax(B)[np.arange(3), I[:3]])),
    ("sparse_categorical_crossentropy", (I[:3], B, True), -np.log(softmax(B)[np.arange(3), I[:3]])),
    ("binary_crossentropy", (M, sigmoid(B)), -np.where(M, np.log(sigmoid(B)), np.log(1 - sigmoid(B)))),
    ("binary_crossentropy", (M, B, True), -np.where(M, np.log(sigmoid(B)), np.log(1 - sigmoid(B)))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "expected"), CASES, ids=[f"{i}-{case[0]}" for i, case in enumerate(CASES)])
def test_values(name: str, args: tuple, expected: np.ndarray) -> None:
    result = getattr(ops, name)(*args)
    assert result.shape == np.shape(expected)
    np.testing.assert_allclose(result.numpy(), expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(("name", "args", "expected"), CASES, ids=[f"{i}-{case[0]}" for i, case in enumerate(CASES)])
def test_placeholders(name: str, args: tuple, expected: np.ndarray) -> None:
    """On placeholders an op announces the shape and type that it then gives, and gives the same values as a graph."""

    def placeholder(x: object) -> object:
        return KerasTensor(x.shape, x.dtype.name) if isinstance(x, np.ndarray) else x

    first = args[0]
    inputs = [placeholder(x) for x in first] if isinstance(first, list) else placeholder(first)
    output = getattr(ops, name)(inputs, *args[1:])
    direct = getattr(ops, name)(*args)
    assert isinstance(output, KerasTensor)
    assert (output.shape, output.dtype) == (direct.shape, direct.dtype)
    again = ops.Function(inputs, output)([ops.array(x) for x in first] if isinstance(first, list) else ops.array(first))
    np.testing.assert_array_equal(again.numpy(), direct.numpy())


def test_split_and_unstack() -> None:
    for ours, theirs in (
        (ops.split(A, 2, axis=1), np.split(A, 2, axis=1)),
        (ops.split(A, [1, 3], axis=-1), np.split(A, [1, 3], axis=-1)),
        (ops.unstack(A, axis=1), [A[:, i] for i in range(4)]),
    ):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a.numpy(), b)


def test_creation() -> None:
    np.testing.assert_array_equal(ops.arange(2, 9, 3).numpy(), np.arange(2, 9, 3))
    assert ops.arange(3).dtype == "int32"
    assert ops.arange(3.0).dtype == "float32"
    np.testing.assert_allclose(ops.linspace(-1.0, 1.0, 7).numpy(), np.linspace(-1, 1, 7), rtol=1e-6)
    np.testing.assert_array_equal(ops.eye(2, 3, 1).numpy(), np.eye(2, 3, 1))
    np.testing.assert_array_equal(ops.tri(3).numpy(), np.tri(3))
    assert ops.zeros((0, 2)).shape == (0, 2)
    assert ops.ones_like(A).dtype == "float32"
    assert ops.full((2,), 3, "int64").tolist() == [3, 3]
    for indexing in ("xy", "ij"):
        for ours, theirs in zip(
            ops.meshgrid(V, W, [1.0, 2.0], indexing=indexing), np.meshgrid(V, W, [1, 2], indexing=indexing), strict=True
        ):
            np.testing.assert_array_equal(ours.numpy(), theirs)


def test_conv_same_as_sum_of_shifts() -> None:
    x = RNG.normal(size=(2, 7, 6, 3)).astype(np.float32)
    k = RNG.normal(size=(3, 2, 3, 5)).astype(np.float32)
    for strides, padding, dilation in ((1, "valid", 1), (2, "same", 1), ((2, 1), "valid", 1), (1, "same", 2)):
        result = ops.conv(x, k, strides=strides, padding=padding, dilation_rate=dilation)
        np.testing.assert_allclose(result.numpy(), conv_by_hand(x, k, strides, padding, dilation), rtol=1e-4, atol=1e-5)
    first = ops.conv(x.transpose(0, 3, 1, 2), k, data_format="channels_first", padding="same")
    np.testing.assert_allclose(
        first.numpy().transpose(0, 2, 3, 1), conv_by_hand(x, k, 1, "same", 1), rtol=1e-4, atol=1e-5
    )
    line = ops.conv(x[:, :, 0], k[:, 0], padding="same", strides=2)
    np.testing.assert_allclose(
        line.numpy(), conv_by_hand(x[:, :, :1], k[:, :1], (2, 1), "same", 1)[:, :, 0], rtol=1e-4, atol=1e-5
    )


def conv_by_hand(x: np.ndarray, k: np.ndarray, strides: object, padding: str, dilation: int) -> np.ndarray:
    s = (strides, strides) if isinstance(strides, int) else strides
    pads = [(0, 0), (0, 0)]
    if padding == "same":
        for axis in (0, 1):
            n, w = x.shape[axis + 1], (k.shape[axis] - 1) * dilation + 1
            total = max((-(-n // s[axis]) - 1) * s[axis] + w - n, 0)
            pads[axis] = (total // 2, total - total // 2)
    x = np.pad(x, ((0, 0), *pads, (0, 0)))
    rows = (x.shape[1] - (k.shape[0] - 1) * dilation - 1) // s[0] + 1
    columns = (x.shape[2] - (k.shape[1] - 1) * dilation - 1) // s[1] + 1
    y = np.zeros((x.shape[0], rows, columns, k.shape[3]))
    for i in range(k.shape[0]):
        for j in range(k.shape[1]):
            top, left = i * dilation, j * dilation
            part = x[:, top : top + (rows - 1) * s[0] + 1 : s[0], left : left + (columns - 1) * s[1] + 1 : s[1]]
            y += part @ k[i, j]
    return y


def test_open_sizes_stay_open() -> None:
    x = KerasTensor((None, 4))
    assert ops.dot(x, ops.ones((4, 2))).shape == (None, 2)
    assert ops.concatenate([x, x], axis=0).shape == (None, 4)
    assert ops.reshape(x, (-1, 2, 2)).shape == (None, 2, 2)
    assert ops.sum(x, axis=0).shape == (4,)
    assert (x + 1.0).shape == (1.0 / x).shape == (x @ ops.ones((4, 4))).shape == (None, 4)
    assert x[:, 0].shape == (None,)
    assert ops.shape(x) == (None, 4)
    mean, variance = ops.moments(x, axes=0)
    assert mean.shape == variance.shape == (4,)


def test_logaddexp_of_infinities() -> None:
    x1, x2 = np.array([0, np.inf, -np.inf, np.inf, 1]), np.array([-np.inf, np.inf, -np.inf, -np.inf, 2.0])
    with dlrs.GradientTape() as tape:
        a = ops.convert_to_tensor(x1)
        tape.watch(a)
        y = ops.logaddexp(a, x2)
    np.testing.assert_allclose(y.numpy(), np.logaddexp(x1, x2))
    assert np.isfinite(tape.gradient(y, a).numpy()).all()
