//! Linear algebra on the matrices in the last two axes, and the Fourier transform.

use dlrs_core::ops::Op;
use dlrs_core::ops::linalg::{
    Cholesky, Determinant, Eigh, Fourier, LogDeterminant, LuFactor, Qr, Solve, SolveTriangular, Svd,
};
use pyo3::prelude::*;

use super::elementwise::{float_of, floating};
use crate::call::apply_long;
use crate::errors::Result;
use crate::operand::{Arg, promote, to_all};
use crate::tensor::PyTensor;

/// The results of an op of cubic cost: from a handful of rows on it may last.
fn results<const N: usize>(op: impl Op, operands: &[dlrs_core::dispatch::Operand]) -> Result<[PyTensor; N]> {
    let values = apply_long(op, operands)?.into_iter().map(PyTensor::from).collect::<Vec<_>>();
    Ok(values.try_into().unwrap_or_else(|_| unreachable!("the number of results is the op's")))
}

fn of_one<const N: usize>(op: impl Op, x: Arg) -> Result<[PyTensor; N]> {
    results(op, &[floating(x)?])
}

fn of_two<const N: usize>(op: impl Op, a: Arg, b: Arg) -> Result<[PyTensor; N]> {
    let dtype = float_of(promote([&a, &b]));
    results(op, &to_all([a, b], dtype)?)
}

/// The lower triangular factor L of L·Lᵀ; the lower triangle of `x` is read.
#[pyfunction]
pub fn cholesky(x: Arg) -> Result<PyTensor> {
    of_one(Cholesky, x).map(|[y]| y)
}

/// x with a·x = b, of equal leading axes.
#[pyfunction]
pub fn solve(a: Arg, b: Arg) -> Result<PyTensor> {
    of_two(Solve, a, b).map(|[y]| y)
}

/// x with t·x = b, where t is a triangle of a.
#[pyfunction]
#[pyo3(signature = (a, b, lower=false))]
pub fn solve_triangular(a: Arg, b: Arg, lower: bool) -> Result<PyTensor> {
    of_two(SolveTriangular { lower, transpose: false }, a, b).map(|[y]| y)
}

/// L and U in one matrix, and the exchanged rows.
#[pyfunction]
pub fn lu_factor(x: Arg) -> Result<(PyTensor, PyTensor)> {
    of_one(LuFactor, x).map(|[lu, pivots]| (lu, pivots))
}

/// Determinants.
#[pyfunction]
pub fn det(x: Arg) -> Result<PyTensor> {
    of_one(Determinant, x).map(|[y]| y)
}

/// Signs and logarithms of the absolute values of determinants.
#[pyfunction]
pub fn slogdet(x: Arg) -> Result<(PyTensor, PyTensor)> {
    of_one(LogDeterminant, x).map(|[sign, log]| (sign, log))
}

/// Q with orthonormal columns and R upper triangular.
#[pyfunction]
#[pyo3(signature = (x, complete=false))]
pub fn qr(x: Arg, complete: bool) -> Result<(PyTensor, PyTensor)> {
    of_one(Qr { complete }, x).map(|[q, r]| (q, r))
}

/// U, s and Vᵀ.
#[pyfunction]
#[pyo3(signature = (x, full=false))]
pub fn svd(x: Arg, full: bool) -> Result<(PyTensor, PyTensor, PyTensor)> {
    of_one(Svd { full }, x).map(|[u, s, vh]| (u, s, vh))
}

/// Ascending eigenvalues, and eigenvectors as columns, of symmetric matrices.
#[pyfunction]
pub fn eigh(x: Arg) -> Result<(PyTensor, PyTensor)> {
    of_one(Eigh, x).map(|[w, v]| (w, v))
}

/// The discrete Fourier transform over the last axis, unscaled in either direction.
#[pyfunction]
#[pyo3(signature = (re, im, inverse=false))]
pub fn fourier(re: Arg, im: Arg, inverse: bool) -> Result<(PyTensor, PyTensor)> {
    of_two(Fourier { inverse }, re, im).map(|[re, im]| (re, im))
}
