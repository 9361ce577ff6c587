"""Rows of linear systems, decompositions, norms, Einstein sums and Fourier transforms.

What decompositions leave open, signs and directions, the rows' calls take out: they look at products of the factors.
"""

from typing import Any

import numpy as np

from dlrs import ops
from harness.row import REAL, Array, Domain, Row, case, refuses

SQUARE = [case((3, 3)), case((2, 4, 4)), case((1, 1)), case((0, 2, 2))]
LARGE = case((300, 16, 16), large=True)
CLOSE: dict[str, Any] = {"ulp": 64, "floor": 64}


def turned(x: Array) -> Any:
    """The last two axes exchanged."""
    return np.swapaxes(x, -1, -2)


def positive(x: Any) -> Any:
    """Symmetric positive definite matrices."""
    product = x @ (turned(x) if isinstance(x, np.ndarray) else ops.swapaxes(x, -1, -2))
    return product + np.eye(x.shape[-1], dtype=np.float32)


def tensor(x: Any) -> Any:
    """An operand as a tensor, which has operators."""
    return ops.convert_to_tensor(x)


def triangle(a: Array, lower: bool = False) -> Any:
    """One triangle."""
    return np.tril(a) if lower else np.triu(a)


def solved(a: Array, b: Array) -> Any:
    """NumPy's solution, of vectors where `b` has an axis less."""
    if b.ndim in (1, a.ndim - 1):
        return np.linalg.solve(a, b[..., None])[..., 0]
    return np.linalg.solve(a, b)


def eliminated(x: Array) -> tuple[Array, Array]:
    """LU factors and pivots."""
    lu, pivots = x.copy(), np.zeros((*x.shape[:-2], min(x.shape[-2:])), np.int32)
    for place in np.ndindex(*x.shape[:-2]):
        a = lu[place]
        for i in range(min(a.shape)):
            p = i + int(np.argmax(np.abs(a[i:, i])))
            a[[i, p]] = a[[p, i]]
            pivots[(*place, i)] = p
            a[i + 1 :, i] /= a[i, i]
            a[i + 1 :, i + 1 :] -= np.outer(a[i + 1 :, i], a[i, i + 1 :])
    return lu, pivots


def singular(x: Any) -> list[Any]:
    """Singular values, the matrix put together again, and the nearest orthogonal one."""
    u, s, v = ops.svd(x, full_matrices=False)
    return [s, ops.matmul(u * ops.expand_dims(s, -2), v), ops.matmul(u, v)]


def singular_reference(x: Array) -> list[Any]:
    """NumPy's."""
    u, s, v = np.linalg.svd(x, full_matrices=False)
    return [s, x, u @ v]


def symmetric(x: Any) -> list[Any]:
    """Eigenvalues and the sine of the matrix, of the symmetric part."""
    x = tensor(x)
    w, v = ops.eigh(x + ops.swapaxes(x, -1, -2))
    return [w, ops.matmul(v * ops.expand_dims(ops.sin(w), -2), ops.swapaxes(v, -1, -2))]


def symmetric_reference(x: Array) -> list[Any]:
    """NumPy's."""
    w, v = np.linalg.eigh(x + turned(x))
    return [w, v * np.sin(w)[..., None, :] @ turned(v)]


def parts(x: Array) -> tuple[Array, Array]:
    """The parts of a complex array."""
    return x.real, x.imag


def windows(x: Array, sequence_length: int, sequence_stride: int) -> Any:
    """Overlapping windows of the last axis."""
    return np.lib.stride_tricks.sliding_window_view(x, sequence_length, -1)[..., ::sequence_stride, :]


def short_time(x: Array, length: int, stride: int, size: int) -> tuple[Array, Array]:
    """The transform with a periodic Hann window, centred."""
    x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(size // 2, size // 2)], "reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    before = (size - length) // 2
    return parts(np.fft.rfft(windows(x, size, stride) * np.pad(window, (before, size - length - before))))


def distances(x: Array, y: Array) -> Any:
    """Lengths of all differences."""
    return np.sqrt(((x[..., :, None, :] - y[..., None, :, :]) ** 2).sum(-1))


SHIFTED = Domain(2.0, 4.0)
NOT_SQUARE = refuses(ValueError, r"\(2, 3\)", (2, 3))
NO_MATRIX = refuses(ValueError, r"rank >= 2.*\(3,\)", (3,))
SINGULAR = refuses(ValueError, "singular: pivot 2 is zero", (2, 2), (2, 1))

SYSTEMS = [
    Row("cholesky", lambda x: np.linalg.cholesky(positive(x)), [*SQUARE, LARGE], **CLOSE, second=True,
        call=lambda x: ops.cholesky(positive(tensor(x)))),
    Row("cholesky_inverse", lambda x: np.linalg.inv(positive(x)), SQUARE, **CLOSE,
        call=lambda x: ops.cholesky_inverse(ops.cholesky(positive(tensor(x))))),
    Row("inv", np.linalg.inv, SQUARE, (SHIFTED,), **CLOSE, second=True,
        call=lambda x: ops.inv(x), refusals=[NOT_SQUARE, NO_MATRIX]),
    Row("solve", solved, [case((3, 3), (3, 2)), case((2, 3, 3), (2, 3)), case((3, 3), (3,)), case((4, 4), (2, 4, 1)),
                          case((0, 2, 2), (0, 2, 1)), case((300, 16, 16), (300, 16, 3), large=True)],
        **CLOSE, second=True, call=lambda a, b: ops.solve(a, b), refusals=[
            SINGULAR, refuses(ValueError, r"\(2, 3\).*\(3, 1\)", (2, 3), (3, 1)),
            refuses(ValueError, "scalar", (2, 2), ()), refuses(ValueError, r"\(2, 2\).*\(3,\)", (2, 2), (3,)),
        ]),
    Row("solve_triangular", lambda a, b, lower=False: solved(triangle(a, lower), b),
        [case((3, 3), (3, 2)), case((2, 3, 3), (2, 3)), case((3, 3), (3,), lower=True),
         case((300, 16, 16), (300, 16, 4), large=True)], (SHIFTED, REAL), ulp=64, floor=2048,
        call=lambda a, b, lower=False: ops.solve_triangular(a, b, lower), refusals=[
            refuses(ValueError, "singular: pivot 1 is zero", np.zeros((2, 2), np.float32), (2, 1)),
            refuses(ValueError, r"\(2, 3\).*\(3, 1\)", (2, 3), (3, 1)),
        ]),
    Row("lu_factor", eliminated, [case((3, 3)), case((2, 4, 3)), case((2, 3)), case((0, 0))], result="reference",
        **CLOSE, gradient=(), dtypes=("float64",), refusals=[refuses(ValueError, r"rank >= 2", (3,))]),
    Row("det", np.linalg.det, [*SQUARE, LARGE], **CLOSE, second=True, refusals=[NOT_SQUARE]),
    Row("slogdet", np.linalg.slogdet, SQUARE, **CLOSE, second=True, refusals=[NOT_SQUARE]),
    Row("logdet", lambda x: np.linalg.slogdet(x)[1], SQUARE, **CLOSE, refusals=[NO_MATRIX]),
]  # fmt: skip

DECOMPOSITIONS = [
    Row("qr", np.linalg.qr, [case((4, 3)), case((3, 3)), case((2, 3, 5)), LARGE], **CLOSE,
        call=lambda x, mode="reduced": ops.qr(x, mode), refusals=[
            refuses(ValueError, "reduced.*complete.*raw", (2, 2), mode="raw"), NO_MATRIX,
        ]),
    Row("svd", singular_reference, [case((4, 3)), case((2, 3, 3)), case((2, 4)), LARGE], call=singular, **CLOSE,
        refusals=[NO_MATRIX]),
    Row("eigh", symmetric_reference, [*SQUARE, LARGE], call=symmetric, **CLOSE),
    Row("lstsq", lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0],
        [case((5, 3), (5,)), case((5, 3), (5, 2)), case((3, 5), (3, 2))], **CLOSE, refusals=[
            refuses(ValueError, r"\(2, 3\).*\(3,\)", (2, 3), (3,)),
        ]),
    Row("pinv", np.linalg.pinv, [case((4, 3)), case((2, 3, 4)), case((3, 3))], **CLOSE, refusals=[NO_MATRIX]),
    Row("matrix_rank", np.linalg.matrix_rank,
        [case((4, 3)), case((2, 3, 4)), case((0, 3))], result="int32", gradient=(), refusals=[NO_MATRIX]),
]  # fmt: skip


def sums(*xs: Array, subscripts: str) -> Any:
    """NumPy's Einstein sum."""
    return np.einsum(subscripts, *xs)


def crossed(a: Array, b: Array, axis: int = -1) -> Any:
    """NumPy's, of vectors of 2 elements by their definition."""
    if a.shape[axis] == b.shape[axis] == 2:
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    a, b = (np.concatenate([x, np.zeros((*x.shape[:-1], 1))], -1) if x.shape[-1] == 2 else x for x in (a, b))
    return np.cross(a, b, axis=axis)


SUBSCRIPTS = [
    ("ij,jk->ik", (2, 3), (3, 4)), ("ji,kj", (3, 2), (4, 3)), ("ii", (3, 3)), ("iij->ji", (2, 2, 3)), ("ij->", (2, 3)),
    ("i...,j...k->...ijk", (2, 3), (4, 3, 2)), (",ij", (), (2, 3)), ("...ij,...jk", (1, 2, 3), (4, 3, 2)),
    ("bqhd,bkhd->bhqk", (2, 3, 2, 4), (2, 2, 2, 4)), ("ij,jk,kl->li", (2, 3), (3, 4), (4, 2)), ("i,j->ji", (2,), (3,)),
    ("ij,ik->i", (2, 3), (2, 0)),
]  # fmt: skip

PRODUCTS = [
    Row("einsum", sums, [case(*shapes, subscripts=text) for text, *shapes in SUBSCRIPTS]
        + [case((300, 200), (200, 210), subscripts="ij,jk->ki", large=True)], ulp=8, floor=8,
        call=lambda *xs, subscripts: ops.einsum(subscripts, *xs), refusals=[
            refuses(ValueError, r"'ij'.*\(2,\)", (2,), subscripts="ij"),
            refuses(ValueError, "'j'.*2 and 3", (1, 2), (3, 1), subscripts="ij,jk"),
            refuses(ValueError, "2 operands, got 1", (2,), subscripts="i,i"),
            refuses(ValueError, "i->k", (2,), subscripts="i->k"),
        ]),
    Row("kron", np.kron, [case((2, 3), (3, 2)), case((2,), (3, 2)), case((), (2,)), case((0, 2), (2, 2))]),
    Row("cross", crossed, [case((3,), (3,)), case((4, 1, 3), (5, 3)), case((2, 3), (2,)), case((2,), (2, 3)),
                           case((2,), (2,)), case((3, 4), (3, 4), axis=0)], ulp=1, floor=8, refusals=[
            refuses(ValueError, r"2 or 3.*\(4,\)", (4,), (3,)), refuses(ValueError, "axis 1", (3,), (3,), axis=1),
        ]),
    Row("vander", np.vander, [case((3,)), case((3,), N=5, increasing=True), case((0,), N=2)],
        ulp=8, refusals=[refuses(ValueError, r"\(2, 2\)", (2, 2)), refuses(ValueError, "-1", (2,), N=-1)]),
    Row("diagflat", np.diagflat, [case((2, 2)), case((3,), k=-1), case(())]),
    Row("cdist", distances, [case((3, 2), (4, 2)), case((2, 1, 3), (4, 3)), case((0, 2), (3, 2))], ulp=16, floor=2,
        refusals=[refuses(ValueError, r"\(2, 3\).*\(2, 2\)", (2, 3), (2, 2))]),
]  # fmt: skip

LINES = [case((8,)), case((2, 15)), case((3, 1)), case((0, 4))]
PAIRS = [case((8,), (8,)), case((2, 15), (2, 15)), case((3, 1), (3, 1)), case((37,), (37,))]
MANY = case((200, 360), (200, 360), large=True)

TRANSFORMS = [
    Row("fourier", lambda a, b, inverse=False: parts(np.fft.ifft(a + 1j * b, norm="forward") if inverse
                                                     else np.fft.fft(a + 1j * b)),
        [*PAIRS, case((6,), (6,), inverse=True), MANY], **CLOSE, second=True, refusals=[
            refuses(ValueError, r"\(2,\).*\(3,\)", (2,), (3,)), refuses(ValueError, r"rank >= 1", (), ()),
        ]),
    Row("fft", lambda a, b: parts(np.fft.fft(a + 1j * b)), PAIRS, call=lambda a, b: ops.fft((a, b)), **CLOSE),
    Row("fft2", lambda a, b: parts(np.fft.fft2(a + 1j * b)), [case((4, 6), (4, 6)), case((2, 3, 5), (2, 3, 5))],
        call=lambda a, b: ops.fft2((a, b)), **CLOSE),
    Row("ifft2", lambda a, b: parts(np.fft.ifft2(a + 1j * b)), [case((4, 6), (4, 6)), case((2, 3, 5), (2, 3, 5))],
        call=lambda a, b: ops.ifft2((a, b)), **CLOSE),
    Row("rfft", lambda x, fft_length=None: parts(np.fft.rfft(x, fft_length)),
        [*LINES, case((2, 5), fft_length=8), case((2, 5), fft_length=3)], **CLOSE,
        refusals=[refuses(ValueError, "at least 1, got 0", (3,), fft_length=0)]),
    Row("irfft", lambda a, b, fft_length=None: np.fft.irfft(a + 1j * b, fft_length),
        [case((5,), (5,)), case((2, 5), (2, 5), fft_length=5), case((5,), (5,), fft_length=12)], **CLOSE,
        call=lambda a, b, fft_length=None: ops.irfft((a, b), fft_length)),
    Row("stft", short_time, [case((32,), length=8, stride=4, size=8), case((2, 20), length=5, stride=3, size=8)],
        call=lambda x, length, stride, size: ops.stft(x, length, stride, size), **CLOSE),
    Row("istft", lambda x: x, [case((2, 32))], **CLOSE,
        call=lambda x: ops.istft(ops.stft(x, 8, 4, 8), 8, 4, 8, length=32)),
    Row("extract_sequences", windows, [case((9,), sequence_length=3, sequence_stride=2),
                                       case((2, 7), sequence_length=7, sequence_stride=1)],
        refusals=[refuses(ValueError, "positive.*0", (3,), sequence_length=0, sequence_stride=1)]),
]  # fmt: skip

ROWS = [*SYSTEMS, *DECOMPOSITIONS, *PRODUCTS, *TRANSFORMS]
