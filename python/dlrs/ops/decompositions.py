"""Linear systems and decompositions of the matrices in the last two axes; leading axes are a batch.

They are computed in double precision and rounded to the type of the operands; integers are taken for floats.
"""

from collections.abc import Callable
from typing import Any, Literal, ParamSpec, TypeVar

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import GradientTape, KerasTensor, TensorLike, as_tensor, compute_output_spec, is_float_dtype, tree
from dlrs.ops.control_flow import custom_gradient
from dlrs.ops.operation import op, op_with_spec

__all__ = [
    "cholesky", "cholesky_inverse", "det", "eig", "eigh", "inv", "jvp", "logdet", "lstsq", "lu_factor", "matrix_rank",
    "pinv", "qr", "slogdet", "solve", "solve_triangular", "svd",
]  # fmt: skip

P = ParamSpec("P")
R = TypeVar("R")

# Units of rounding of the floating-point types, by which singular values count as zero.
_EPSILON = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}


def transposed(x: TensorLike) -> Tensor:
    """The last two axes exchanged."""
    x = as_tensor(x)
    order = list(range(x.ndim))
    order[-2:] = order[:-3:-1]
    return _dlrs.transpose(x, order)


def _matrix_op(fn: Callable[P, R]) -> Callable[P, R]:
    """`op`, which of placeholders demands that the sizes of the matrices are known."""

    def spec(*args: Any, **kwargs: Any) -> Any:
        x = args[0] if args else next(iter(kwargs.values()))
        right = args[1] if len(args) > 1 else kwargs.get("b")
        sizes = [x.shape[-2:]]
        if isinstance(right, KerasTensor):
            sizes.append(right.shape[-1:] if right.ndim < x.ndim else right.shape[-2:-1])
        if None in sizes[0] or None in sizes[-1]:
            raise ValueError(
                f"{fn.__name__}: Input should have its last 2 dimensions fully-defined."
                f" Received: input.shape = {x.shape}"
            )
        return compute_output_spec(fn, *args, **kwargs)

    return op_with_spec(spec)(fn)


def _matrices(name: str, x: TensorLike) -> Tensor:
    x = as_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"{name}: Input should have rank >= 2. Received: input.shape = {x.shape}")
    return x


@_matrix_op
def cholesky(x: TensorLike, upper: bool = False) -> Tensor:
    """The triangular factor of symmetric positive definite matrices.

    Args:
        x: Tensor of shape `(..., n, n)`; its lower triangle is read (the upper one with `upper`).
        upper: Whether to return the upper factor U with Uᵀ·U = x instead of the lower one L with L·Lᵀ = x.

    Errors: ValueError if a matrix is not square or not positive definite.

    >>> cholesky([[4.0, 2.0], [2.0, 10.0]]).tolist()
    [[2.0, 0.0], [1.0, 3.0]]
    """
    x = _matrices("cholesky", x)
    return transposed(_dlrs.cholesky(transposed(x))) if upper else _dlrs.cholesky(x)


@_matrix_op
def cholesky_inverse(x: TensorLike, upper: bool = False) -> Tensor:
    """The inverse of the matrices of which `x` holds the Cholesky factors.

    >>> cholesky_inverse([[2.0, 0.0], [0.0, 4.0]]).tolist()
    [[0.25, 0.0], [0.0, 0.0625]]
    """
    x = _matrices("cholesky_inverse", x)
    inverse = _dlrs.solve_triangular(x, _identities("cholesky_inverse", x), not upper)
    return _dlrs.matmul(inverse, inverse, not upper, upper)


def _identities(name: str, x: Tensor) -> Tensor:
    """Identity matrices of the shape of `x`."""
    if x.shape[-1] != x.shape[-2]:
        raise ValueError(f"{name}: Expected square matrices. Received: input.shape = {x.shape}")
    ones = _dlrs.tensor(np.eye(x.shape[-1], dtype=np.float32))
    return _dlrs.broadcast_to(_dlrs.cast(ones, x.dtype) if is_float_dtype(x.dtype) else ones, x.shape)


@_matrix_op
def inv(x: TensorLike) -> Tensor:
    """The inverse of square matrices.

    Errors: ValueError if a matrix is not square, or singular.

    >>> inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    x = _matrices("inv", x)
    return _dlrs.solve(x, _identities("inv", x))


@_matrix_op
def solve(a: TensorLike, b: TensorLike) -> Tensor:
    """x with a·x = b.

    Args:
        a: Tensor of shape `(..., n, n)`.
        b: Tensor of shape `(..., n, k)`, or `(..., n)` with one axis less than `a`; leading axes are broadcast.

    Errors: ValueError if the shapes do not fit, or a matrix is singular.

    >>> solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0]).tolist()
    [1.0, 0.5]
    """
    return _system("solve", a, b, _dlrs.solve)


@_matrix_op
def solve_triangular(a: TensorLike, b: TensorLike, lower: bool = False) -> Tensor:
    """x with t·x = b, where t is the upper triangle of `a`, or the lower one with `lower`. Shapes are those of `solve`.

    >>> solve_triangular([[2.0, 9.0], [2.0, 4.0]], [2.0, 6.0], lower=True).tolist()
    [1.0, 1.0]
    """
    return _system("solve_triangular", a, b, lambda a, b: _dlrs.solve_triangular(a, b, lower))


def _system(name: str, a: TensorLike, b: TensorLike, solver: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    a, b = _matrices(name, a), as_tensor(b)
    if b.ndim == 0:
        raise ValueError(f"{name}: Expected `b` to have rank >= 1. Received a scalar.")
    vector = b.ndim == 1 or b.ndim == a.ndim - 1
    if vector:
        b = _dlrs.reshape(b, (*b.shape, 1))
    if a.shape[-1] != a.shape[-2] or a.shape[-1] != b.shape[-2]:
        given = b.shape[:-1] if vector else b.shape
        raise ValueError(
            f"{name}: `a` must hold square matrices with as many rows as `b`. Received: a.shape={a.shape},"
            f" b.shape={given}"
        )
    try:
        lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise ValueError(f"{name}: the leading axes of {a.shape} and {b.shape} cannot be broadcast.") from None
    x = solver(_dlrs.broadcast_to(a, (*lead, *a.shape[-2:])), _dlrs.broadcast_to(b, (*lead, *b.shape[-2:])))
    return _dlrs.reshape(x, x.shape[:-1]) if vector else x


@op
def lu_factor(x: TensorLike) -> tuple[Tensor, Tensor]:
    """The factors of P·x = L·U, by elimination with partial pivoting. It has no gradient.

    Returns:
        A pair: L (below the diagonal, its ones left out) and U (on and above it) in one tensor of the shape of `x`, and
        the pivots (int32): in step i row i was exchanged with row `pivots[i]`.

    >>> lu, pivots = lu_factor([[1.0, 2.0], [2.0, 2.0]])
    >>> lu.tolist(), pivots.tolist()
    ([[2.0, 2.0], [0.5, 1.0]], [1, 1])
    """
    return _dlrs.lu_factor(_matrices("lu_factor", x))


@_matrix_op
def det(x: TensorLike) -> Tensor:
    """The determinant of square matrices. Its gradient needs their inverse, so that there is none of singular ones.

    >>> det([[2.0, 0.0], [0.0, 4.0]]).item()
    8.0
    """
    return _dlrs.det(_matrices("det", x))


@op
def slogdet(x: TensorLike) -> tuple[Tensor, Tensor]:
    """The sign of the determinant and the logarithm of its absolute value: 0 and -inf of singular matrices.

    >>> [y.item() for y in slogdet([[-1.0, 0.0], [0.0, 1.0]])]
    [-1.0, 0.0]
    """
    return _dlrs.slogdet(_matrices("slogdet", x))


@op
def logdet(x: TensorLike) -> Tensor:
    """The logarithm of the absolute value of the determinant.

    >>> logdet([[1.0, 0.0], [0.0, 1.0]]).item()
    0.0
    """
    return _dlrs.slogdet(_matrices("logdet", x))[1]


@_matrix_op
def qr(x: TensorLike, mode: Literal["reduced", "complete"] = "reduced") -> tuple[Tensor, Tensor]:
    """Q with orthonormal columns and R upper triangular with Q·R = x, by Householder reflections.

    Args:
        x: Tensor of shape `(..., m, n)`.
        mode: `"reduced"`: Q has min(m, n) columns; `"complete"`: m of them, without gradient if m > n.

    >>> q, r = qr([[3.0, 1.0], [4.0, 2.0]])
    >>> [round(v, 4) for v in r.tolist()[0]]
    [-5.0, -2.2]
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(
            "qr: `mode` argument value not supported. Expected one of {'reduced', 'complete'}. Received: mode="
            + str(mode)
        )
    return _dlrs.qr(_matrices("qr", x), mode == "complete")


@op
def svd(x: TensorLike, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """The singular value decomposition u·diag(s)·v = x.

    Args:
        x: Tensor of shape `(..., m, n)`.
        full_matrices: Whether `u` and `v` are square, else they hold min(m, n) vectors. What is added has no gradient.
        compute_uv: Whether to return `u` and `v` beside `s`.

    Returns:
        `u`, `s` (descending) and `v` (its rows are the right singular vectors), or `s` alone. Between equal singular
        values the directions of vectors are not determined, and gradients through them are taken for 0.

    >>> svd([[3.0, 0.0], [0.0, -4.0]], compute_uv=False).tolist()
    [4.0, 3.0]
    """
    u, s, v = _dlrs.svd(_matrices("svd", x), full_matrices and compute_uv)
    return (u, s, v) if compute_uv else s


@_matrix_op
def eigh(x: TensorLike) -> tuple[Tensor, Tensor]:
    """The eigenvalues (ascending) and eigenvectors (columns) of symmetric matrices. The lower triangle is read.

    >>> eigh([[2.0, 0.0], [0.0, 1.0]])[0].tolist()
    [1.0, 2.0]
    """
    return _dlrs.eigh(_matrices("eigh", x))


def _eig_spec(x: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"eig: Expected square matrices. Received: input.shape = {x.shape}")
    return KerasTensor(x.shape[:-1], x.dtype), KerasTensor(x.shape, x.dtype)


@op_with_spec(_eig_spec)
def eig(x: TensorLike) -> tuple[Tensor, Tensor]:
    """The eigenvalues and eigenvectors (columns) of square matrices whose eigenvalues are real.

    NumPy computes them, so that compiled functions cannot. For symmetric matrices use `eigh`. Gradients (Giles 2008,
    §3.1) need eigenvalues that differ: vectors of equal ones count as constant.

    Errors: ValueError if an eigenvalue is not real, as there are no complex tensors; TypeError while traced.

    >>> eig([[2.0, 0.0], [0.0, 1.0]])[0].tolist()
    [2.0, 1.0]
    """
    x = _matrices("eig", x)
    if x.is_symbolic:
        raise _dlrs.TracingError("eig: it is not compiled; use `eigh` for symmetric matrices, or `run_eagerly=True`.")
    if x.shape[-1] != x.shape[-2]:
        raise ValueError(f"eig: Expected square matrices. Received: input.shape = {x.shape}")
    w, v = np.linalg.eig(x.numpy().astype(np.float64))
    if np.iscomplexobj(w):
        raise ValueError("eig: an eigenvalue of `x` is not real, and there are no complex tensors.")
    dtype = _dlrs.multiply(x, 1.0).dtype
    pair: tuple[Tensor, Tensor] = _eig_with_gradient(x, _dlrs.cast(w, dtype), _dlrs.cast(v, dtype))
    return pair


def _eig_with_gradient(x: Tensor, w: Tensor, v: Tensor) -> Any:
    """(w, v) as a function of `x`, whose gradient is v⁻ᵀ·(diag(dw) + (vᵀdv - vᵀv·diag(vᵀdv)) / (wⱼ - wᵢ))·vᵀ."""
    n = w.shape[-1]
    transposed = (*range(v.ndim - 2), v.ndim - 1, v.ndim - 2)

    def gradient(dw: Tensor, dv: Tensor) -> Tensor:
        vt = _dlrs.transpose(v, transposed)
        inner = _dlrs.matmul(vt, dv)
        on_diagonal = _dlrs.tensor(np.eye(n, dtype=bool))
        own = _dlrs.sum(_dlrs.where(on_diagonal, inner, 0.0), (-2,), True)
        inner = _dlrs.subtract(inner, _dlrs.multiply(_dlrs.matmul(vt, v), own))
        row, column = (*w.shape[:-1], 1, n), (*w.shape, 1)
        gaps = _dlrs.subtract(_dlrs.reshape(w, row), _dlrs.reshape(w, column))
        inner = _dlrs.where(_dlrs.equal(gaps, 0.0), 0.0, _dlrs.divide(inner, gaps))
        inner = _dlrs.where(on_diagonal, _dlrs.reshape(dw, row), inner)
        return _dlrs.solve(vt, _dlrs.matmul(inner, vt))

    return custom_gradient(lambda _: ((w, v), gradient))(x)


@op
def lstsq(a: TensorLike, b: TensorLike, rcond: float | None = None) -> Tensor:
    """x for which the sum of squares of a·x - b is smallest; of several such x the one of smallest norm.

    Args:
        a: Matrix of shape `(m, n)`.
        b: Tensor of shape `(m,)` or `(m, k)`.
        rcond: Singular values below `rcond` times the largest count as 0; the rounding unit times max(m, n) if None.

    >>> [round(v, 5) for v in lstsq([[1.0], [1.0]], [1.0, 3.0]).tolist()]
    [2.0]
    """
    a, b = as_tensor(a), as_tensor(b)
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise ValueError(
            f"lstsq: `a` must be a matrix and `b` a vector or matrix with as many rows, got shapes {a.shape}"
            f" and {b.shape}."
        )
    dtype = _dlrs.matmul(a[:0], b[:, None][:0] if b.ndim == 1 else b[:0], True).dtype
    inverse = _pseudo_inverse(a, _rounding(dtype) * max(a.shape) if rcond is None else rcond)
    return _dlrs.matmul(inverse, b)


@op
def pinv(x: TensorLike, rcond: float | None = None) -> Tensor:
    """The Moore-Penrose inverse.

    Args:
        x: Tensor of shape `(..., m, n)`.
        rcond: Singular values up to `rcond` times the largest count as 0; ten rounding units times max(m, n) if None.

    >>> pinv([[2.0, 0.0], [0.0, 0.0]]).tolist()
    [[0.5, 0.0], [0.0, 0.0]]
    """
    x = _matrices("pinv", x)
    return _pseudo_inverse(x, 10.0 * _rounding(x.dtype) * max(x.shape[-2:]) if rcond is None else rcond)


def _rounding(dtype: str) -> float:
    return _EPSILON.get(dtype, _EPSILON["float32"])


def _pseudo_inverse(x: Tensor, rcond: float) -> Tensor:
    u, s, v = _dlrs.svd(x, False)
    if s.shape[-1] == 0:
        return transposed(_dlrs.cast(x, s.dtype))
    counts = _dlrs.greater(s, _dlrs.multiply(_dlrs.max(s, (-1,), True), rcond))
    inverse = _dlrs.where(counts, _dlrs.reciprocal(_dlrs.where(counts, s, 1.0)), 0.0)
    scaled = _dlrs.multiply(v, _dlrs.reshape(inverse, (*inverse.shape, 1)))
    return _dlrs.matmul(scaled, u, True, True)


@op
def matrix_rank(x: TensorLike, tol: float | None = None) -> Tensor:
    """The number of singular values above `tol` (int32); None stands for the largest one times eps times max(m, n).

    >>> matrix_rank([[1.0, 2.0], [2.0, 4.0]]).item()
    1
    """
    x = _matrices("matrix_rank", x)
    s = _dlrs.svd(x, False)[1]
    if s.shape[-1] == 0:
        return _dlrs.full(s.shape[:-1], 0, "int32")
    bound = _dlrs.multiply(_dlrs.max(s, (-1,), True), _rounding(s.dtype) * max(x.shape[-2:])) if tol is None else tol
    return _dlrs.sum(_dlrs.cast(_dlrs.greater(s, bound), "int32"), (-1,), False)


def jvp(fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """The derivative of `fun` at `primals` in the direction of `tangents`.

    Args:
        fun: A function of tensors; with `has_aux` it returns a pair, the second of which is not differentiated.
        primals: Tuple or list of its arguments.
        tangents: Tensors of the shapes of `primals`.
        has_aux: See `fun`.

    Returns:
        What `fun` returns and its derivative; with `has_aux`, then also the second of the pair.

    The derivative is the gradient of a gradient (Townsend 2017, A new trick for Jacobian vector products).

    >>> y, t = jvp(lambda x: x * x, (as_tensor([3.0]),), (as_tensor([2.0]),))
    >>> y.tolist(), t.tolist()
    ([9.0], [12.0])
    """
    leaves = tree.flatten((primals, tangents))
    if any(isinstance(leaf, KerasTensor) for leaf in leaves):
        return _symbolic_jvp(fun, primals, tangents, has_aux)
    return _jvp(fun, primals, tangents, has_aux)


def _jvp(fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool) -> Any:
    primals = [as_tensor(x) for x in primals]
    tangents = [as_tensor(x) for x in tangents]
    if [x.shape for x in primals] != [t.shape for t in tangents]:
        raise ValueError(
            f"jvp: `primals` and `tangents` must have the same shapes, got {[x.shape for x in primals]}"
            f" and {[t.shape for t in tangents]}."
        )
    with GradientTape() as outer:
        with GradientTape() as inner:
            inner.watch(primals)
            returned = fun(*primals)
            result, aux = returned if has_aux else (returned, None)
        outputs = tree.flatten(result)
        weights = [_dlrs.add(_dlrs.full(y.shape, 0.0, y.dtype), 0.0) for y in outputs]
        outer.watch(weights)
        gradients = inner.gradient(outputs, primals, output_gradients=weights, unconnected_gradients="zero")
    derivatives = outer.gradient(gradients, weights, output_gradients=tangents, unconnected_gradients="zero")
    derivative = tree.pack_sequence_as(result, derivatives)
    return (result, derivative, aux) if has_aux else (result, derivative)


_symbolic_jvp = op(_jvp)
