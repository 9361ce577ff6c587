//! Pooling over the spatial axes of (batch, space.., channels).

use dlrs_core::Shape;
use dlrs_core::ops::pool::{AveragePool, MaxPool, PoolWindows};
use dlrs_core::ops::window_sum::WindowSum;
use dlrs_kernels::pool::Windows;
use pyo3::prelude::*;

use super::elementwise::floating;
use crate::call;
use crate::errors::{Result, fail};
use crate::operand::{Arg, Axes};
use crate::tensor::PyTensor;

/// The largest element of each window; `padding` holds the places before and after the elements of each spatial axis.
#[pyfunction]
pub fn max_pool(x: Arg, size: Axes, strides: Axes, padding: Vec<(isize, isize)>) -> Result<PyTensor> {
    let x = x.own()?;
    let windows = sliding("max_pool", &x.ty().shape, &size, &strides, &padding)?;
    call::tensor(MaxPool { windows }, &[x])
}

/// The mean of each window's elements; padding does not count.
#[pyfunction]
pub fn average_pool(x: Arg, size: Axes, strides: Axes, padding: Vec<(isize, isize)>) -> Result<PyTensor> {
    let x = floating(x)?;
    let windows = sliding("average_pool", &x.ty().shape, &size, &strides, &padding)?;
    call::tensor(AveragePool { windows }, &[x])
}

/// The largest element of each of `counts` windows per spatial axis, which cover it.
#[pyfunction]
pub fn adaptive_max_pool(x: Arg, counts: Axes) -> Result<PyTensor> {
    let x = x.own()?;
    let windows = adaptive("adaptive_max_pool", &x.ty().shape, &counts)?;
    call::tensor(MaxPool { windows }, &[x])
}

/// The mean of each of `counts` windows per spatial axis, which cover it.
#[pyfunction]
pub fn adaptive_average_pool(x: Arg, counts: Axes) -> Result<PyTensor> {
    let x = floating(x)?;
    let windows = adaptive("adaptive_average_pool", &x.ty().shape, &counts)?;
    call::tensor(AveragePool { windows }, &[x])
}

/// Windows of the spatial axes, after those of length 1 that stand before them.
fn of_axes(op: &str, x: &Shape, axes: usize, window: impl Fn(usize) -> Result<Windows>) -> Result<PoolWindows> {
    if !(1..=3).contains(&axes) || x.rank() != axes + 2 {
        fail!(
            Value,
            "{op}: x of shape {x} and windows of {axes} axes; expected (batch, space.., channels) with 1 to 3 of them"
        );
    }
    let mut windows = [Windows::EACH; 3];
    for axis in 0..axes {
        windows[3 - axes + axis] = window(axis)?;
    }
    Ok(windows)
}

fn sliding(op: &str, x: &Shape, size: &Axes, strides: &Axes, padding: &[(isize, isize)]) -> Result<PoolWindows> {
    if size.len() != strides.len() || size.len() != padding.len() {
        fail!(Value, "{op}: {} sizes, {} strides and {} paddings", size.len(), strides.len(), padding.len());
    }
    of_axes(op, x, size.len(), |axis| {
        let natural = |what: &str, least: isize, n: isize| match usize::try_from(n) {
            Ok(positive) if n >= least => Ok(positive),
            _ => fail!(Value, "{op}: {what} contains {n}; expected at least {least}"),
        };
        let (before, after) = padding[axis];
        Ok(Windows::Sliding {
            size: natural("size", 1, size[axis])?,
            stride: natural("strides", 1, strides[axis])?,
            padding: (natural("padding", 0, before)?, natural("padding", 0, after)?),
        })
    })
}

fn adaptive(op: &str, x: &Shape, counts: &Axes) -> Result<PoolWindows> {
    of_axes(op, x, counts.len(), |axis| match usize::try_from(counts[axis]) {
        Ok(count) if count > 0 => Ok(Windows::Adaptive { count }),
        _ => fail!(Value, "{op}: {} windows; expected at least 1", counts[axis]),
    })
}

/// Sums over the `radius` neighbours to each side along the last axis, and the element itself.
#[pyfunction]
pub fn window_sum(x: Arg, radius: isize) -> Result<PyTensor> {
    match usize::try_from(radius) {
        Ok(radius) => call::tensor(WindowSum { radius }, &[floating(x)?]),
        Err(_) => fail!(Value, "window_sum: radius is {radius}; expected at least 0"),
    }
}
