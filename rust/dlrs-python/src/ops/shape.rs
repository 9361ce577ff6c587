//! Functions that move elements or rename their places.

use dlrs_core::dispatch::Operand;
use dlrs_core::ops::Ewise;
use dlrs_core::ops::along::TakeAlong;
use dlrs_core::ops::block::{BlockAt, BlockUpdate};
use dlrs_core::ops::concat::Concat;
use dlrs_core::ops::index::Take;
use dlrs_core::ops::lookup::Lookup;
use dlrs_core::ops::shape::{Reshape, Transpose};
use dlrs_core::ops::slice::{Pad, Slice, Span};
use dlrs_core::{DType, Shape};
use pyo3::prelude::*;

use crate::array::shape_of;
use crate::call::{self, apply1, identity};
use crate::errors::{Result, fail};
use crate::operand::{Arg, Axes, promote};
use crate::tensor::PyTensor;

/// The operand under another shape of the same size.
pub fn reshape_to(x: &Operand, shape: Shape) -> Result<Operand> {
    if x.ty().shape == shape {
        return Ok(x.clone());
    }
    Ok(Operand::Value(apply1(Reshape { shape }, std::slice::from_ref(x))?))
}

/// The operand with its axes in another order.
pub fn transpose_to(x: &Operand, axes: &[usize]) -> Result<Operand> {
    if axes.iter().copied().eq(0..axes.len()) {
        return Ok(x.clone());
    }
    Ok(Operand::Value(apply1(Transpose { axes: axes.to_vec() }, std::slice::from_ref(x))?))
}

/// The operand with its axes in reverse order.
pub fn reverse_axes(x: &Operand) -> Result<PyTensor> {
    let axes: Vec<usize> = (0..x.ty().shape.rank()).rev().collect();
    identity(&transpose_to(x, &axes)?)
}

/// The same elements under another shape; one length may be −1 and follows from the others.
#[pyfunction]
pub fn reshape(x: Arg, shape: Axes) -> Result<PyTensor> {
    let x = x.own()?;
    let have = x.ty().shape;
    let unknown = shape.iter().filter(|&&d| d == -1).count();
    if unknown > 1 {
        fail!(Value, "reshape: shape {shape:?} has more than one -1");
    }
    let mut dims = shape.to_vec();
    if unknown == 1 {
        let known = shape.iter().filter(|&&d| d != -1).try_fold(1isize, |n, &d| n.checked_mul(d));
        let size = have.size() as isize;
        let Some(known) = known.filter(|&n| n > 0 && size % n == 0) else {
            fail!(Value, "reshape: x of shape {have} has {size} elements, which do not fill shape {shape:?}");
        };
        dims.iter_mut().filter(|d| **d == -1).for_each(|d| *d = size / known);
    }
    identity(&reshape_to(&x, shape_of("reshape", &dims)?)?)
}

/// Axes in another order, by default the reverse one.
#[pyfunction]
#[pyo3(signature = (x, axes=None))]
pub fn transpose(x: Arg, axes: Option<Axes>) -> Result<PyTensor> {
    let x = x.own()?;
    let Some(axes) = axes else { return reverse_axes(&x) };
    let rank = x.ty().shape.rank();
    let positive = axes.iter().map(|&a| axis_of("transpose", a, rank)).collect::<Result<Vec<_>>>()?;
    if positive.len() != rank {
        fail!(Value, "transpose: axes {axes:?} for x of shape {}; expected each of its {rank} axes once", x.ty().shape);
    }
    identity(&transpose_to(&x, &positive)?)
}

/// Repetition along new axes and axes of length 1.
#[pyfunction]
pub fn broadcast_to(x: Arg, shape: Axes) -> Result<PyTensor> {
    let x = x.own()?;
    let shape = shape_of("broadcast_to", &shape)?;
    if x.ty().shape == shape { identity(&x) } else { call::tensor(Ewise::BroadcastTo(shape), &[x]) }
}

/// An axis number made non-negative.
pub fn axis_of(op: &str, axis: isize, rank: usize) -> Result<usize> {
    let positive = if axis < 0 { axis + rank as isize } else { axis };
    if positive < 0 || positive >= rank as isize {
        fail!(Value, "{op}: axis {axis} is out of range for a tensor of rank {rank}");
    }
    Ok(positive as usize)
}

/// Tensors one after another along an axis.
#[pyfunction]
#[pyo3(signature = (xs, axis=0))]
pub fn concatenate(xs: Vec<Arg>, axis: isize) -> Result<PyTensor> {
    let dtype = promote(&xs);
    let xs = xs.into_iter().map(|x| x.to(dtype)).collect::<Result<Vec<_>>>()?;
    let Some(first) = xs.first() else { fail!(Value, "concatenate: at least one tensor is needed") };
    call::tensor(Concat { axis: axis_of("concatenate", axis, first.ty().shape.rank())? }, &xs)
}

/// The elements from `start` to before `stop` in steps of `step`, per axis.
#[pyfunction]
pub fn slice(x: Arg, start: Axes, stop: Axes, step: Axes) -> Result<PyTensor> {
    let x = x.own()?;
    let shape = x.ty().shape;
    if [start.len(), stop.len(), step.len()] != [shape.rank(); 3] {
        fail!(
            Value,
            "slice: {} starts, {} stops and {} steps for x of shape {shape}; expected one each per axis",
            start.len(),
            stop.len(),
            step.len()
        );
    }
    let spans = (0..shape.rank()).map(|i| span("slice", start[i], stop[i], step[i])).collect::<Result<Vec<_>>>()?;
    identity(&slice_to(&x, spans)?)
}

/// The positions from `start` to before `stop` in steps of `step`, as Python's `range` counts them.
pub fn span(op: &str, start: isize, stop: isize, step: isize) -> Result<Span> {
    if step == 0 {
        fail!(Value, "{op}: the step of a slice is 0");
    }
    let distance = if step > 0 { stop - start } else { start - stop };
    let len = if distance <= 0 { 0 } else { (distance as usize).div_ceil(step.unsigned_abs()) };
    match usize::try_from(start) {
        Ok(start) => Ok(Span { start, len, step }),
        Err(_) if len == 0 => Ok(Span { start: 0, len, step }),
        Err(_) => fail!(Value, "{op}: start {start} is negative"),
    }
}

/// The operand at given positions of every axis.
pub fn slice_to(x: &Operand, spans: Vec<Span>) -> Result<Operand> {
    let whole = x.ty().shape.iter().map(|&n| Span::all(n)).eq(spans.iter().copied());
    if whole { Ok(x.clone()) } else { Ok(Operand::Value(apply1(Slice { spans }, std::slice::from_ref(x))?)) }
}

/// A border of `value` around the elements; widths per axis, before and after.
#[pyfunction]
#[pyo3(signature = (x, widths, value=0.0))]
pub fn pad(x: Arg, widths: Vec<(isize, isize)>, value: f64) -> Result<PyTensor> {
    let x = x.own()?;
    let positive: Option<Vec<(usize, usize)>> =
        widths.iter().map(|&(a, b)| Some((usize::try_from(a).ok()?, usize::try_from(b).ok()?))).collect();
    match positive {
        Some(widths) => call::tensor(Pad::new(&widths, value), &[x]),
        None => fail!(Value, "pad: negative width in {widths:?}"),
    }
}

/// The block of those sizes that begins at `starts`, an integer for each axis.
#[pyfunction]
pub fn slice_at(x: Arg, starts: Arg, sizes: Axes) -> Result<PyTensor> {
    call::tensor(BlockAt { sizes: shape_of("slice", &sizes)? }, &[x.own()?, index_operand("slice", starts)?])
}

/// `x` with the block that begins at `starts` replaced.
#[pyfunction]
pub fn slice_update(x: Arg, starts: Arg, updates: Arg) -> Result<PyTensor> {
    let x = x.own()?;
    let updates = updates.to(x.ty().dtype)?;
    call::tensor(BlockUpdate, &[x, updates, index_operand("slice_update", starts)?])
}

/// Elements or rows picked along an axis; a negative index counts from the end.
#[pyfunction]
#[pyo3(signature = (x, indices, axis=0))]
pub fn take(x: Arg, indices: Arg, axis: isize) -> Result<PyTensor> {
    let x = x.own()?;
    let axis = axis_of("take", axis, x.ty().shape.rank())?;
    call::tensor(Take { axis }, &[x, index_operand("take", indices)?])
}

/// Rows of a matrix by number; an id that is no row is named with its position, and `owner` with it.
#[pyfunction]
pub fn lookup(x: Arg, ids: Arg, owner: &str) -> Result<PyTensor> {
    call::tensor(Lookup { owner: owner.into() }, &[x.own()?, index_operand("lookup", ids)?])
}

/// Indices as an operand of int32 or int64.
pub fn index_operand(op: &str, indices: Arg) -> Result<Operand> {
    match indices.dtype() {
        DType::I32 | DType::I64 => indices.own(),
        dtype if dtype.is_int() => indices.to(dtype.working()),
        dtype => fail!(Type, "{op}: indices have dtype {dtype}; expected integers"),
    }
}

/// Elements picked along an axis, each by an index of its own.
#[pyfunction]
#[pyo3(signature = (x, indices, axis=-1))]
pub fn take_along_axis(x: Arg, indices: Arg, axis: isize) -> Result<PyTensor> {
    let x = x.own()?;
    let axis = axis_of("take_along_axis", axis, x.ty().shape.rank())?;
    call::tensor(TakeAlong { axis }, &[x, index_operand("take_along_axis", indices)?])
}
