//! Products that sum over axes.

use dlrs_core::dispatch::Operand;
use dlrs_core::ops::conv::Conv2d;
use dlrs_core::ops::matmul::MatMul;
use dlrs_core::{DType, Shape};
use pyo3::prelude::*;

use super::elementwise::float_of;
use super::shape::reshape_to;
use crate::call::{self, apply_heavy};
use crate::errors::{Result, fail};
use crate::operand::{Arg, promote, to_all};
use crate::tensor::PyTensor;

/// Matrix product over the last two axes; operands of one axis are rows (left) and columns (right), as in NumPy.
#[pyfunction]
#[pyo3(signature = (x1, x2, transpose_a=false, transpose_b=false))]
pub fn matmul(x1: Arg, x2: Arg, transpose_a: bool, transpose_b: bool) -> Result<PyTensor> {
    // Sums of products of bytes do not fit a byte: they are int32, as in Keras.
    let bytes = [&x1, &x2].into_iter().all(|x| matches!(x, Arg::Operand(o) if o.ty().dtype == DType::I8));
    let dtype = if bytes { DType::I32 } else { promote([&x1, &x2]) };
    // Integer products are computed in double precision, which is exact up to 2⁵³.
    let compute = if dtype.is_float() { dtype } else { DType::F64 };
    let [a, b] = to_all([x1, x2], compute)?;
    let (row, column) = (a.ty().shape.rank() == 1, b.ty().shape.rank() == 1);
    if row || column {
        check_vector(&a.ty().shape, &b.ty().shape, transpose_a, transpose_b)?;
    }
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

/// Says of a product with a vector what does not fit, in the shapes that the caller gave.
fn check_vector(a: &Shape, b: &Shape, transpose_a: bool, transpose_b: bool) -> Result<()> {
    let from_end = |s: &Shape, i: usize| s.iter().rev().nth(i.min(s.rank().max(1) - 1)).copied();
    let (ka, kb) = (from_end(a, usize::from(transpose_a)), from_end(b, usize::from(!transpose_b)));
    match (ka, kb) {
        (Some(ka), Some(kb)) if ka != kb => {
            fail!(Value, "matmul: x1 of shape {a} and x2 of shape {b}: inner dimensions {ka} and {kb} differ")
        }
        (Some(_), Some(_)) => Ok(()),
        _ => fail!(Value, "matmul: x1 of shape {a} and x2 of shape {b}; expected at least one axis each"),
    }
}

fn product(op: MatMul, a: &Operand, b: &Operand) -> Result<dlrs_core::dispatch::Value> {
    let (a_ty, b_ty) = (a.ty(), b.ty());
    let columns = b_ty.shape.iter().rev().nth(usize::from(op.transpose_b)).copied().unwrap_or(1);
    apply_heavy(op, &[a.clone(), b.clone()], 2 * a_ty.shape.size() * columns)
}

/// Convolution of images (n, rows, columns, channels) by a kernel (rows, columns, channels, filters); `padding` holds the rows
/// and columns of zeros at the top, bottom, left and right.
#[pyfunction]
pub fn conv2d(
    x: Arg,
    kernel: Arg,
    strides: (isize, isize),
    padding: (isize, isize, isize, isize),
    dilation: (isize, isize),
) -> Result<PyTensor> {
    let dtype = float_of(promote([&x, &kernel]));
    let [x, kernel] = to_all([x, kernel], dtype)?;
    let natural = |name: &str, least: isize, n: isize| match usize::try_from(n) {
        Ok(positive) if n >= least => Ok(positive),
        _ => fail!(Value, "conv2d: {name} contains {n}; expected at least {least}"),
    };
    let pair = |name, (a, b)| Ok::<_, crate::errors::Failure>((natural(name, 1, a)?, natural(name, 1, b)?));
    let (top, bottom, left, right) = padding;
    let border = |n| natural("padding", 0, n);
    let op = Conv2d {
        strides: pair("strides", strides)?,
        padding: (border(top)?, border(bottom)?, border(left)?, border(right)?),
        dilation: pair("dilation", dilation)?,
    };
    let taps: usize = kernel.ty().shape.iter().rev().skip(1).product();
    let flops = x.ty().shape.size() * taps;
    Ok(apply_heavy(op, &[x, kernel], flops)?.into())
}
