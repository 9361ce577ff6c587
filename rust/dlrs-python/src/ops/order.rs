//! Running sums, sorting, and combining by segment.

use dlrs_core::DType;
use dlrs_core::dispatch::Operand;
use dlrs_core::ops::cumulative::{Along, Cumulative, Recurrence, Running};
use dlrs_core::ops::order::{SearchSorted, Sort};
use dlrs_core::ops::segment::{Combine, Segment};
use pyo3::prelude::*;

use super::elementwise::float_of;
use super::shape::{axis_of, index_operand, transpose_to};
use crate::call::{self, apply, identity};
use crate::errors::{Result, fail};
use crate::operand::{Arg, promote, promoted, to_all};
use crate::tensor::PyTensor;

/// Sums of each element and those before it along an axis.
#[pyfunction]
#[pyo3(signature = (x, axis=0, reverse=false))]
pub fn cumsum(x: Arg, axis: isize, reverse: bool) -> Result<PyTensor> {
    cumulative("cumsum", Running::Sum, x, axis, reverse)
}

/// Products of each element and those before it along an axis.
#[pyfunction]
#[pyo3(signature = (x, axis=0, reverse=false))]
pub fn cumprod(x: Arg, axis: isize, reverse: bool) -> Result<PyTensor> {
    cumulative("cumprod", Running::Product, x, axis, reverse)
}

fn cumulative(name: &str, running: Running, x: Arg, axis: isize, reverse: bool) -> Result<PyTensor> {
    let dtype = if x.dtype() == DType::Bool { DType::I32 } else { x.dtype() };
    let x = x.to(dtype)?;
    let axis = axis_of(name, axis, x.ty().shape.rank())?;
    call::tensor(Cumulative { running, along: Along { axis, reverse } }, &[x])
}

/// `y[t] = a[t]·y[t−1] + b[t]` along an axis, with `y[−1] = 0`.
#[pyfunction]
#[pyo3(signature = (a, b, axis=0, reverse=false))]
pub fn linear_recurrence(a: Arg, b: Arg, axis: isize, reverse: bool) -> Result<PyTensor> {
    let dtype = float_of(promote([&a, &b]));
    let [a, b] = to_all([a, b], dtype)?;
    let axis = axis_of("linear_recurrence", axis, a.ty().shape.rank())?;
    call::tensor(Recurrence { along: Along { axis, reverse } }, &[a, b])
}

/// The elements along an axis in ascending order, and their places (int32). Equal elements keep their order, NaN is last.
#[pyfunction]
#[pyo3(signature = (x, axis=-1))]
pub fn sort(x: Arg, axis: isize) -> Result<(PyTensor, PyTensor)> {
    let x = x.own()?;
    let rank = x.ty().shape.rank();
    let axis = axis_of("sort", axis, rank)?;
    // The kernel sorts rows: the axis goes to the end and back.
    let mut axes: Vec<usize> = (0..rank).collect();
    axes.swap(axis, rank - 1);
    let results = apply(Sort { descending: false, k: None }, &[transpose_to(&x, &axes)?])?;
    let [values, places]: [_; 2] = results.try_into().expect("sorting has two results");
    let back = |value| transpose_to(&Operand::Value(value), &axes).and_then(|x| identity(&x));
    Ok((back(values)?, back(places)?))
}

/// The `k` largest elements along the last axis in descending order, and their places (int32); of equal elements the first.
#[pyfunction]
pub fn top_k(x: Arg, k: isize) -> Result<(PyTensor, PyTensor)> {
    let Ok(k) = usize::try_from(k) else { fail!(Value, "top_k: k is {k}; expected at least 0") };
    let results = apply(Sort { descending: true, k: Some(k) }, &[x.own()?])?;
    let [values, places]: [_; 2] = results.try_into().expect("sorting has two results");
    Ok((values.into(), places.into()))
}

/// Where `values` belong in an ascending vector: before equal elements, or behind them (`right`); int32.
#[pyfunction]
#[pyo3(signature = (sorted_sequence, values, right=false))]
pub fn searchsorted(sorted_sequence: Arg, values: Arg, right: bool) -> Result<PyTensor> {
    call::tensor(SearchSorted { right }, &promoted([sorted_sequence, values])?)
}

/// Rows of `x` added into row `indices[i]` of the result, in order.
#[pyfunction]
pub fn segment_sum(x: Arg, indices: Arg, num_segments: isize) -> Result<PyTensor> {
    segment(Combine::Sum, "segment_sum", x, indices, num_segments)
}

/// The largest of the rows of `x` for each row of the result; without any, the least number of the dtype.
#[pyfunction]
pub fn segment_max(x: Arg, indices: Arg, num_segments: isize) -> Result<PyTensor> {
    segment(Combine::Max, "segment_max", x, indices, num_segments)
}

/// The smallest of the rows of `x` for each row of the result; without any, the greatest number of the dtype.
#[pyfunction]
pub fn segment_min(x: Arg, indices: Arg, num_segments: isize) -> Result<PyTensor> {
    segment(Combine::Min, "segment_min", x, indices, num_segments)
}

fn segment(combine: Combine, name: &str, x: Arg, indices: Arg, num_segments: isize) -> Result<PyTensor> {
    let Ok(segments) = usize::try_from(num_segments) else {
        fail!(Value, "{name}: num_segments is {num_segments}; expected at least 0");
    };
    let dtype = if x.dtype() == DType::Bool { DType::I32 } else { x.dtype() };
    call::tensor(Segment { combine, segments, masked: false }, &[x.to(dtype)?, index_operand(name, indices)?])
}
