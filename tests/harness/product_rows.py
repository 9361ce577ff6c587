"""Rows of matrix products and convolution."""

from typing import Any

import numpy as np

from harness.row import NUMBERS, POSITIVE, Array, Case, Row, Shape, case, refuses


def matmul(a: Array, b: Array, transpose_a: bool = False, transpose_b: bool = False) -> Any:
    """NumPy's product; vectors are not transposed."""
    a = np.swapaxes(a, -1, -2) if transpose_a and a.ndim > 1 else a
    b = np.swapaxes(b, -1, -2) if transpose_b and b.ndim > 1 else b
    return a @ b


def products() -> list[Case]:
    """Vectors, empty sizes, batches that broadcast, transposed operands, sizes off the register tiles."""
    flags = ((False, False), (True, False), (False, True), (True, True))
    small = [
        case((4, 3) if ta else (3, 4), (5, 4) if tb else (4, 5), transpose_a=ta, transpose_b=tb) for ta, tb in flags
    ]
    large = [
        case(a[::-1] if ta else a, b[::-1] if tb else b, transpose_a=ta, transpose_b=tb, large=True)
        for a, b in [((257, 301), (301, 203))]
        for ta, tb in flags
    ]  # fmt: skip
    vectors = [case((4,), (4,)), case((4,), (4, 3)), case((3, 4), (4,)), case((2, 3, 4), (4,)), case((4,), (2, 4, 3))]
    batches = [case((2, 3, 4), (4, 5)), case((2, 1, 3, 4), (5, 4, 2)), case((3, 4), (2, 4, 5))]
    empty = [case((0, 3), (3, 2)), case((2, 0), (0, 3)), case((2, 3), (3, 0)), case((0, 2, 3), (3, 1))]
    odd = [case((1, 1), (1, 1)), case((1, 17), (17, 33)), case((17, 1), (1, 33)), case((13, 70), (70, 35))]
    wide = [case((7, 200, 64), (7, 64, 100), large=True), case((1, 2000), (2000, 1500), large=True)]
    return [*small, *vectors, *batches, *empty, *odd, *large, *wide]


def conv2d(
    x: Array, kernel: Array, strides: tuple[int, int], padding: tuple[int, int, int, int], dilation: tuple[int, int]
) -> Any:
    """Cross-correlation as a sum over the taps of strided products."""
    top, bottom, left, right = padding
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    rows = (x.shape[1] - (kernel.shape[0] - 1) * dilation[0] - 1) // strides[0] + 1
    columns = (x.shape[2] - (kernel.shape[1] - 1) * dilation[1] - 1) // strides[1] + 1
    y = np.zeros((x.shape[0], rows, columns, kernel.shape[3]))
    for i, j in np.ndindex(*kernel.shape[:2]):
        down, along = i * dilation[0], j * dilation[1]
        part = x[:, down :: strides[0], along :: strides[1]][:, :rows, :columns]
        y += part @ kernel[i, j]
    return y


PLAIN: dict[str, Any] = {"strides": (1, 1), "padding": (0, 0, 0, 0), "dilation": (1, 1)}


def conv(*shapes: Shape, large: bool = False, **attributes: Any) -> Case:
    """A case of convolution."""
    return case(*shapes, large=large, **{**PLAIN, **attributes})


def convolutions() -> list[Case]:
    """Windows of several sizes, strides, uneven padding, dilation, no images."""
    return [
        conv((1, 1, 1, 1), (1, 1, 1, 1)),
        conv((2, 5, 4, 3), (3, 2, 3, 2)),
        conv((1, 5, 6, 2), (2, 3, 2, 3), strides=(2, 1), padding=(1, 0, 2, 1)),
        conv((1, 7, 5, 1), (3, 2, 1, 2), padding=(1, 1, 0, 1), dilation=(2, 2)),
        conv((2, 6, 5, 2), (1, 1, 2, 3), strides=(2, 3)),
        conv((0, 4, 4, 2), (3, 3, 2, 1)),
        conv((5, 33, 31, 17), (3, 3, 17, 19), padding=(1, 1, 1, 1), large=True),
        conv((7, 70, 61, 16), (5, 3, 16, 8), strides=(2, 2), dilation=(1, 2), large=True),
    ]


BAD_CONVOLUTIONS = [
    refuses(ValueError, r"x.*\(4, 4, 1\)", (4, 4, 1), (2, 2, 1, 1), **PLAIN),
    refuses(ValueError, r"kernel.*\(2, 2\)", (1, 4, 4, 1), (2, 2), **PLAIN),
    refuses(ValueError, r"\(1, 4, 4, 3\).*\(2, 2, 2, 1\)", (1, 4, 4, 3), (2, 2, 2, 1), **PLAIN),
    refuses(ValueError, r"kernel.*\(3, 3, 1, 1\)", (1, 2, 2, 1), (3, 3, 1, 1), **PLAIN),
    refuses(ValueError, "strides.*0", (1, 4, 4, 1), (2, 2, 1, 1), **{**PLAIN, "strides": (0, 1)}),
    refuses(ValueError, "padding.*-1", (1, 4, 4, 1), (2, 2, 1, 1), **{**PLAIN, "padding": (0, -1, 0, 0)}),
    refuses(ValueError, "dilation.*0", (1, 4, 4, 1), (2, 2, 1, 1), **{**PLAIN, "dilation": (1, 0)}),
]

ROWS = [
    Row("matmul", matmul, products(), dtypes=NUMBERS, ulp=8, floor=4, second=True, refusals=[
        refuses(ValueError, r"x1 of shape \(2, 3\).*x2 of shape \(4, 5\).*3 and 4", (2, 3), (4, 5)),
        refuses(ValueError, r"x1 of shape \(3,\).*x2 of shape \(4,\)", (3,), (4,)),
        refuses(ValueError, r"x1 of shape \(\).*x2 of shape \(4,\)", (), (4,)),
        refuses(ValueError, r"x1 of shape \(2, 3, 4\).*x2 of shape \(3, 4, 5\)", (2, 3, 4), (3, 4, 5)),
        refuses(ValueError, r"\(3, 2\) \(transposed\)", (3, 2), (2, 5), transpose_a=True),
    ]),
    Row("conv2d", conv2d, convolutions(), ulp=8, floor=4, second=True, refusals=BAD_CONVOLUTIONS),
    Row("dot", np.dot, [case((), (3,)), case((4,), (4,)), case((2, 3, 4), (4, 5)), case((3,), (2, 3, 4))],
        ulp=8, floor=4, refusals=[refuses(ValueError, r"\(2, 3\).*\(2, 3\)", (2, 3), (2, 3))]),
    Row("tensordot", np.tensordot, [case((2, 3, 4), (3, 4), axes=2), case((2, 3), (4,), axes=0),
                                    case((2, 3, 4), (4, 2), axes=((0, 2), (1, 0)))], ulp=8, floor=4),
    Row("inner", np.inner, [case((2, 3), (4, 3)), case((), (3,)), case((3,), (3,))], ulp=8, floor=4),
    Row("outer", np.outer, [case((2,), (3,)), case((2, 2), (0,)), case((), ())]),
    Row("vdot", np.vdot, [case((2, 3), (2, 3)), case((0,), (0,))], ulp=8, floor=4),
    Row("trace", np.trace, [case((3, 4)), case((2, 3, 4), offset=1, axis1=1, axis2=2)], ulp=4, floor=2),
    Row("diagonal", np.diagonal, [case((3, 4)), case((2, 3, 4), offset=-1, axis1=0, axis2=2)]),
    Row("diag", np.diag, [case((3,)), case((3,), k=1), case((3, 4), k=-1)]),
    Row("tril", np.tril, [case((3, 4), k=1), case((2, 3, 3))]),
    Row("triu", np.triu, [case((3, 4), k=-1), case((2, 3, 3))]),
    Row("norm", lambda x, ord=None, axis=None, keepdims=False: np.linalg.norm(x, ord, axis, keepdims),
        [case((7,)), case((3, 4), axis=1), case((3, 4), ord=1, axis=0, keepdims=True), case((3, 4), ord=3, axis=1),
         case((3, 4), ord="fro"), case((3, 4), ord=1), case((5,), ord=np.inf)], (POSITIVE,), ulp=8, floor=2,
        refusals=[refuses(ValueError, "nuclear", (2, 3), ord="nuclear")]),
]  # fmt: skip
