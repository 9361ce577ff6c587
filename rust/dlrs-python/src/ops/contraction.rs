//! Products that sum over axes.

use dlrs_core::dispatch::Operand;
use dlrs_core::ops::matmul::MatMul;
use dlrs_core::{DType, Shape};
use pyo3::prelude::*;

use super::shape::reshape_to;
use crate::call::{self, apply_heavy};
use crate::errors::Result;
use crate::operand::{Arg, promote, to_all};
use crate::tensor::PyTensor;

/// Matrix product over the last two axes; operands of one axis are rows (left) and columns (right), as in NumPy.
#[pyfunction]
#[pyo3(signature = (x1, x2, transpose_a=false, transpose_b=false))]
pub fn matmul(x1: Arg, x2: Arg, transpose_a: bool, transpose_b: bool) -> Result<PyTensor> {
    let dtype = promote([&x1, &x2]);
    // Integer products are computed in double precision, which is exact up to 2⁵³.
    let compute = if dtype.is_float() { dtype } else { DType::F64 };
    let [a, b] = to_all([x1, x2], compute)?;
    let (row, column) = (a.ty().shape.rank() == 1, b.ty().shape.rank() == 1);
    let a = if row { reshape_to(&a, Shape::new(&[1, a.ty().shape[0]])?)? } else { a };
    let b = if column { reshape_to(&b, Shape::new(&[b.ty().shape[0], 1])?)? } else { b };
    let op = MatMul { transpose_a: transpose_a && !row, transpose_b: transpose_b && !column };
    let mut y = Operand::Value(product(op, &a, &b)?);
    if row || column {
        let shape = y.ty().shape;
        let (batch, last) = shape.split_at(shape.rank() - 2);
        let kept = [(!row).then_some(last[0]), (!column).then_some(last[1])];
        let dims: Vec<usize> = batch.iter().copied().chain(kept.into_iter().flatten()).collect();
        y = reshape_to(&y, Shape::new(&dims)?)?;
    }
    call::identity(&if compute == dtype { y } else { call::cast(&y, dtype)? })
}

fn product(op: MatMul, a: &Operand, b: &Operand) -> Result<dlrs_core::dispatch::Value> {
    let (a_ty, b_ty) = (a.ty(), b.ty());
    let columns = b_ty.shape.iter().rev().nth(usize::from(op.transpose_b)).copied().unwrap_or(1);
    apply_heavy(op, &[a.clone(), b.clone()], 2 * a_ty.shape.size() * columns)
}
