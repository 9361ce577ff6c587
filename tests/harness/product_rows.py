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


def correlate(
    x: Array,
    kernel: Array,
    strides: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    dilation: tuple[int, ...],
    groups: int = 1,
) -> Any:
    """Convolution as a sum over the taps of strided products, group by group."""
    x = np.pad(x, ((0, 0), *padding, (0, 0)))
    window, channels, filters = kernel.shape[:-2], kernel.shape[-2], kernel.shape[-1] // groups
    sizes = zip(x.shape[1:-1], window, strides, dilation, strict=True)
    space = tuple((n - (k - 1) * d - 1) // s + 1 for n, k, s, d in sizes)
    y = np.zeros((x.shape[0], *space, kernel.shape[-1]))
    for tap in np.ndindex(*window):
        cut = (
            slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, s, n in zip(tap, dilation, strides, space, strict=True)
        )
        part = x[(slice(None), *cut)]
        for g in range(groups):
            of_x, of_y = slice(g * channels, (g + 1) * channels), slice(g * filters, (g + 1) * filters)
            y[..., of_y] += part[..., of_x] @ kernel[tap][:, of_y]
    return y


def correlate_backward_input(d: Array, kernel: Array, input_shape: Shape, **attributes: Any) -> Any:
    """The transposed map, from the images of unit inputs."""
    unit = np.eye(size := int(np.prod(input_shape))).reshape(size, *input_shape)
    images = [correlate(x, kernel, **attributes) for x in unit]
    return np.array([np.vdot(y, d) for y in images]).reshape(input_shape)


def correlate_backward_kernel(x: Array, d: Array, kernel_shape: Shape, **attributes: Any) -> Any:
    """The transposed map, from the images of unit kernels."""
    unit = np.eye(size := int(np.prod(kernel_shape))).reshape(size, *kernel_shape)
    images = [correlate(x, kernel, **attributes) for kernel in unit]
    return np.array([np.vdot(y, d) for y in images]).reshape(kernel_shape)


def plain(axes: int, **attributes: Any) -> dict[str, Any]:
    """Attributes of a convolution over that many spatial axes."""
    neutral = {"strides": (1,) * axes, "padding": ((0, 0),) * axes, "dilation": (1,) * axes, "groups": 1}
    return {**neutral, **attributes}


def conv(*shapes: Shape, large: bool = False, **attributes: Any) -> Case:
    """A case of convolution."""
    return case(*shapes, large=large, **plain(len(shapes[0]) - 2, **attributes))


def convolutions() -> list[Case]:
    """One to three axes, windows of several sizes, strides, uneven padding, dilation, groups, no images."""
    same = ((1, 1), (1, 1))
    return [
        conv((1, 1, 1, 1), (1, 1, 1, 1)),
        conv((2, 5, 4, 3), (3, 2, 3, 2)),
        conv((1, 5, 6, 2), (2, 3, 2, 3), strides=(2, 1), padding=((1, 0), (2, 1))),
        conv((1, 7, 5, 1), (3, 2, 1, 2), padding=((1, 1), (0, 1)), dilation=(2, 2)),
        conv((2, 6, 5, 2), (1, 1, 2, 3), strides=(2, 3)),
        conv((0, 4, 4, 2), (3, 3, 2, 1)),
        conv((2, 9, 3), (3, 3, 4), padding=((4, 0),), dilation=(2,)),
        conv((2, 8, 4), (3, 1, 4), strides=(2,), groups=4),
        conv((1, 3, 4, 3, 2), (2, 2, 2, 2, 3), strides=(1, 2, 1), padding=((1, 0), (0, 1), (1, 1))),
        conv((2, 4, 5, 6), (3, 2, 2, 6), padding=same, groups=3),
        conv((2, 4, 5, 3), (3, 3, 1, 6), padding=same, groups=3),
        conv((5, 33, 31, 17), (3, 3, 17, 19), padding=same, large=True),
        conv((7, 70, 61, 16), (5, 3, 16, 8), strides=(2, 2), dilation=(1, 2), large=True),
    ]


def backward_convolutions(of: str) -> list[Case]:
    """The two gradients: operands d and kernel, or x and d."""
    cases = []
    for x, kernel, y, attributes in [
        ((1, 5, 6, 2), (2, 3, 2, 3), (1, 3, 7, 3), {"strides": (2, 1), "padding": ((1, 0), (2, 1))}),
        ((1, 4, 4, 4), (3, 3, 2, 2), (1, 4, 4, 2), {"padding": ((1, 1), (1, 1)), "groups": 2}),
        ((2, 9, 3), (3, 3, 2), (2, 4, 2), {"strides": (2,), "dilation": (1,)}),
        ((1, 3, 4, 3, 1), (2, 2, 2, 1, 2), (1, 2, 2, 2, 2), {"strides": (1, 2, 1)}),
        ((0, 4, 4, 2), (3, 3, 2, 1), (0, 2, 2, 1), {}),
    ]:
        shapes = (y, kernel) if of == "input" else (x, y)
        shape = {"input_shape": x} if of == "input" else {"kernel_shape": kernel}
        cases.append(case(*shapes, **shape, **plain(len(x) - 2, **attributes)))
    return cases


def refused(pattern: str, *shapes: Shape, **attributes: Any) -> Any:
    """A convolution over two axes that is refused."""
    return refuses(ValueError, pattern, *shapes, **plain(2, **attributes))


BAD_CONVOLUTIONS = [
    refused(r"x.*\(4, 4\)", (4, 4), (2, 2, 1, 1)),
    refused(r"kernel.*\(2, 2\)", (1, 4, 4, 1), (2, 2)),
    refused(r"\(1, 4, 4, 3\).*\(2, 2, 2, 1\)", (1, 4, 4, 3), (2, 2, 2, 1)),
    refused(r"kernel.*\(3, 3, 1, 1\)", (1, 2, 2, 1), (3, 3, 1, 1)),
    refused("strides.*0", (1, 4, 4, 1), (2, 2, 1, 1), strides=(0, 1)),
    refused("strides.*3 entries", (1, 4, 4, 1), (2, 2, 1, 1), strides=(1, 1, 1)),
    refused("padding.*-1", (1, 4, 4, 1), (2, 2, 1, 1), padding=((0, -1), (0, 0))),
    refused("dilation.*0", (1, 4, 4, 1), (2, 2, 1, 1), dilation=(1, 0)),
    refused("groups.*0", (1, 4, 4, 1), (2, 2, 1, 1), groups=0),
    refused("3 channels.*4 filters.*2 groups", (1, 4, 4, 3), (2, 2, 1, 4), groups=2),
]
BAD_BACKWARD_INPUT = refused(r"\(1, 4, 4, 2\).*\(1, 3, 3, 2\)", (1, 4, 4, 2), (2, 2, 1, 2), input_shape=(1, 4, 4, 1))
BAD_BACKWARD_KERNEL = refused(r"\(1, 4, 4, 2\).*\(1, 3, 3, 2\)", (1, 4, 4, 1), (1, 4, 4, 2), kernel_shape=(2, 2, 1, 2))

ROWS = [
    Row("matmul", matmul, products(), dtypes=NUMBERS, ulp=8, floor=4, second=True, refusals=[
        refuses(ValueError, r"x1 of shape \(2, 3\).*x2 of shape \(4, 5\).*3 and 4", (2, 3), (4, 5)),
        refuses(ValueError, r"x1 of shape \(3,\).*x2 of shape \(4,\)", (3,), (4,)),
        refuses(ValueError, r"x1 of shape \(\).*x2 of shape \(4,\)", (), (4,)),
        refuses(ValueError, r"x1 of shape \(2, 3, 4\).*x2 of shape \(3, 4, 5\)", (2, 3, 4), (3, 4, 5)),
        refuses(ValueError, r"\(3, 2\) \(transposed\)", (3, 2), (2, 5), transpose_a=True),
    ]),
    Row("conv", correlate, convolutions(), ulp=8, floor=4, second=True, refusals=BAD_CONVOLUTIONS),
    Row("conv_backward_input", correlate_backward_input, backward_convolutions("input"), ulp=8, floor=4, second=True,
        refusals=[BAD_BACKWARD_INPUT]),
    Row("conv_backward_kernel", correlate_backward_kernel, backward_convolutions("kernel"), ulp=8, floor=4, second=True,
        refusals=[BAD_BACKWARD_KERNEL]),
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
