//! Reductions.

use dlrs_core::dispatch::{Operand, Value};
use dlrs_core::ops::columns::Moments;
use dlrs_core::ops::reduce::{ArgReduce, Reduction};
use dlrs_core::shape::normalize_axes;
use pyo3::prelude::*;

use super::elementwise::floating;
use super::shape::{axis_of, reshape_to};
use crate::call::{apply, apply1, composite, identity, only};
use crate::errors::Result;
use crate::operand::{Arg, Axes};
use crate::tensor::PyTensor;

macro_rules! reductions {
    ($($name:ident $op:ident,)*) => {
        $(#[pyfunction]
        #[pyo3(signature = (x, axes=None, keepdims=false))]
        pub fn $name(x: Arg, axes: Option<Axes>, keepdims: bool) -> Result<PyTensor> {
            let op = Reduction::$op;
            over_axes(stringify!($name), x.own()?, axes, |axes, x| {
                composite((op, &axes, keepdims), x, |g, v| Ok(vec![g.reduce(op, v[0], &axes, keepdims)?]))
            })
        })*
    };
}

reductions! {
    sum Sum,
    prod Prod,
    max Max,
    min Min,
    any Any,
    all All,
}

/// Mean over axes; of integers it is float32.
#[pyfunction]
#[pyo3(signature = (x, axes=None, keepdims=false))]
pub fn mean(x: Arg, axes: Option<Axes>, keepdims: bool) -> Result<PyTensor> {
    over_axes("mean", floating(x)?, axes, |axes, x| {
        composite(("mean", &axes, keepdims), x, |g, v| Ok(vec![g.mean(v[0], &axes, keepdims)?]))
    })
}

/// Mean and variance over all axes but the last.
#[pyfunction]
pub fn column_moments(x: Arg) -> Result<(PyTensor, PyTensor)> {
    let mut results = apply(Moments, &[floating(x)?])?;
    let variance = results.remove(1);
    Ok((PyTensor::from(results.remove(0)), PyTensor::from(variance)))
}

fn over_axes(
    name: &str,
    x: Operand,
    axes: Option<Axes>,
    reduce: impl FnOnce(Vec<usize>, &[Operand]) -> Result<Vec<Value>>,
) -> Result<PyTensor> {
    let rank = x.ty().shape.rank();
    let axes = match axes {
        Some(axes) => normalize_axes(name, &axes, rank)?,
        None => (0..rank).collect(),
    };
    only(reduce(axes, &[x])?)
}

/// Position of the largest element along an axis, or in the flattened tensor; int32.
#[pyfunction]
#[pyo3(signature = (x, axis=None, keepdims=false))]
pub fn argmax(x: Arg, axis: Option<isize>, keepdims: bool) -> Result<PyTensor> {
    position("argmax", true, x, axis, keepdims)
}

/// Position of the smallest element along an axis, or in the flattened tensor; int32.
#[pyfunction]
#[pyo3(signature = (x, axis=None, keepdims=false))]
pub fn argmin(x: Arg, axis: Option<isize>, keepdims: bool) -> Result<PyTensor> {
    position("argmin", false, x, axis, keepdims)
}

fn position(name: &str, largest: bool, x: Arg, axis: Option<isize>, keepdims: bool) -> Result<PyTensor> {
    let x = x.own()?;
    let shape = x.ty().shape;
    let Some(axis) = axis else {
        let flat = reshape_to(&x, dlrs_core::Shape::new(&[shape.size()])?)?;
        let y = Operand::Value(apply1(ArgReduce { largest, axis: 0 }, &[flat])?);
        let kept = dlrs_core::Shape::new(&vec![1; shape.rank()])?;
        return identity(&if keepdims { reshape_to(&y, kept)? } else { y });
    };
    let axis = axis_of(name, axis, shape.rank())?;
    let y = Operand::Value(apply1(ArgReduce { largest, axis }, &[x])?);
    identity(&if keepdims { reshape_to(&y, shape.with_dim(axis, 1))? } else { y })
}
