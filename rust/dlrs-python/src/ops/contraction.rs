//! Products that sum over axes.

use dlrs_core::dispatch::Operand;
use dlrs_core::ops::conv::{Conv, ConvAlgo, ConvBackwardInput};
use dlrs_core::ops::matmul::MatMul;
use dlrs_core::{DType, Shape};
use pyo3::prelude::*;

use super::elementwise::float_of;
use super::shape::reshape_to;
use crate::array::shape_of;
use crate::call::{self, apply_heavy, composite, only};
use crate::errors::{Result, fail};
use crate::operand::{Arg, Axes, promote, to_all};
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

/// Convolution of x (n, .., channels) by a kernel (.., channels / groups, filters) over one to three spatial axes; `padding` holds
/// the zeros (before, after) each, `algo` says whether minimal filtering ("auto") or only the definition ("direct") may compute it.
#[pyfunction]
#[pyo3(signature = (x, kernel, strides, padding, dilation, groups, algo="auto"))]
pub fn conv(
    x: Arg,
    kernel: Arg,
    strides: Axes,
    padding: Vec<(isize, isize)>,
    dilation: Axes,
    groups: isize,
    algo: &str,
) -> Result<PyTensor> {
    let [x, kernel] = floats([x, kernel])?;
    let op = convolution("conv", &x.ty().shape, (&strides, &padding, &dilation, groups))?;
    let op = Conv { algo: algorithm("conv", algo)?, ..op };
    let flops = work(&x.ty().shape, &kernel.ty().shape);
    Ok(apply_heavy(op, &[x, kernel], flops)?.into())
}

/// The gradient of [`conv`] with respect to an x of shape `input_shape`, given that of its result: transposed convolution.
#[pyfunction]
#[pyo3(signature = (d, kernel, input_shape, strides, padding, dilation, groups, algo="auto"))]
pub fn conv_backward_input(
    d: Arg,
    kernel: Arg,
    input_shape: Axes,
    strides: Axes,
    padding: Vec<(isize, isize)>,
    dilation: Axes,
    groups: isize,
    algo: &str,
) -> Result<PyTensor> {
    let [d, kernel] = floats([d, kernel])?;
    let input = shape_of("conv_backward_input", &input_shape)?;
    let conv = convolution("conv_backward_input", &input, (&strides, &padding, &dilation, groups))?;
    let conv = Conv { algo: algorithm("conv_backward_input", algo)?, ..conv };
    let flops = work(&input, &kernel.ty().shape);
    Ok(apply_heavy(ConvBackwardInput { conv, input }, &[d, kernel], flops)?.into())
}

/// The gradient of [`conv`] with respect to a kernel of shape `kernel_shape`, given that of its result.
#[pyfunction]
pub fn conv_backward_kernel(
    x: Arg,
    d: Arg,
    kernel_shape: Axes,
    strides: Axes,
    padding: Vec<(isize, isize)>,
    dilation: Axes,
    groups: isize,
) -> Result<PyTensor> {
    let [x, d] = floats([x, d])?;
    let kernel = shape_of("conv_backward_kernel", &kernel_shape)?;
    let conv = convolution("conv_backward_kernel", &x.ty().shape, (&strides, &padding, &dilation, groups))?;
    let op = ("conv_backward_kernel", conv, kernel);
    only(composite(op, &[x, d], |g, v| Ok(vec![conv.backward_kernel(g, kernel, v[0], v[1])?]))?)
}

/// Both operands in one floating-point dtype.
fn floats(args: [Arg; 2]) -> Result<[Operand; 2]> {
    let dtype = float_of(promote([&args[0], &args[1]]));
    to_all(args, dtype)
}

/// Which algorithms may compute a convolution.
fn algorithm(op: &str, name: &str) -> Result<ConvAlgo> {
    match name {
        "auto" => Ok(ConvAlgo::Auto),
        "direct" => Ok(ConvAlgo::Direct),
        _ => fail!(Value, "{op}: algo is {name:?}; expected \"auto\" or \"direct\""),
    }
}

/// Multiply-adds of a convolution, those at the edges included.
fn work(x: &Shape, kernel: &Shape) -> usize {
    let taps_and_filters: usize =
        kernel.iter().product::<usize>() / kernel.iter().rev().nth(1).copied().unwrap_or(1).max(1);
    x.size().saturating_mul(taps_and_filters)
}

/// Strides, zeros (before, after) and dilation of each spatial axis, and the groups.
type ConvAttributes<'a> = (&'a [isize], &'a [(isize, isize)], &'a [isize], isize);

/// The convolution with those attributes, over the spatial axes of an x of shape `x`.
fn convolution(op: &str, x: &Shape, (strides, padding, dilation, groups): ConvAttributes<'_>) -> Result<Conv> {
    let axes = x.rank().wrapping_sub(2);
    if !(1..=3).contains(&axes) {
        fail!(Value, "{op}: x has shape {x}; expected (batch, .., channels) with one to three spatial axes");
    }
    for (name, n) in [("strides", strides.len()), ("padding", padding.len()), ("dilation", dilation.len())] {
        if n != axes {
            fail!(Value, "{op}: {name} has {n} entries; expected {axes}, one for each spatial axis of x of shape {x}");
        }
    }
    let natural = |name: &str, least: isize, n: isize| match usize::try_from(n) {
        Ok(positive) if n >= least => Ok(positive),
        _ => fail!(Value, "{op}: {name} contains {n}; expected at least {least}"),
    };
    let mut conv = Conv { groups: natural("groups", 1, groups)?, ..Conv::PLAIN };
    for axis in 0..axes {
        let of_three = 3 - axes + axis;
        let (before, after) = padding[axis];
        conv.strides[of_three] = natural("strides", 1, strides[axis])?;
        conv.padding[of_three] = (natural("padding", 0, before)?, natural("padding", 0, after)?);
        conv.dilation[of_three] = natural("dilation", 1, dilation[axis])?;
    }
    Ok(conv)
}
