//! `tensor[key]`: integers, slices, `None`, `...` and tensors of integers.

use dlrs_core::Shape;
use dlrs_core::dispatch::Operand;
use dlrs_core::ops::index::Take;
use dlrs_core::ops::slice::Span;
use pyo3::prelude::*;
use pyo3::types::{PyEllipsis, PyInt, PySlice, PyTuple};

use crate::call::{apply1, identity};
use crate::errors::{Result, fail};
use crate::operand::{Arg, type_name};
use crate::ops::shape::{index_operand, reshape_to, slice_to};
use crate::tensor::PyTensor;

/// Element or sub-tensor `i` of axis 0.
pub fn row(x: &Operand, i: usize) -> Result<PyTensor> {
    let shape = x.ty().shape;
    let mut spans: Vec<Span> = shape.iter().map(|&n| Span::all(n)).collect();
    spans[0] = Span::range(i, 1);
    identity(&reshape_to(&slice_to(x, spans)?, Shape::new(&shape[1..])?)?)
}

/// `x[key]`.
pub fn get(x: &Operand, key: &Bound<'_, PyAny>) -> Result<PyTensor> {
    let items: Vec<Bound<'_, PyAny>> = match key.cast::<PyTuple>() {
        Ok(tuple) => tuple.iter().collect(),
        Err(_) => vec![key.clone()],
    };
    let mut selection = Selection::new(x.ty().shape, &items)?;
    for item in &items {
        selection.add(item)?;
    }
    selection.finish(x)
}

/// What the items of a key come to.
struct Selection {
    shape: Shape,
    /// Axes that `...` stands for.
    skipped: usize,
    spans: Vec<Span>,
    dims: Vec<usize>,
    /// Tensors of positions, each with the place in `dims` of the axis that it indexes.
    picked: Vec<(usize, Operand)>,
    /// Whether a position was given as a number.
    numbers: bool,
}

impl Selection {
    fn new(shape: Shape, items: &[Bound<'_, PyAny>]) -> Result<Selection> {
        let ellipses = items.iter().filter(|i| i.is_instance_of::<PyEllipsis>()).count();
        if ellipses > 1 {
            fail!(Index, "an index can only have a single ellipsis ('...')");
        }
        let used = items.len() - ellipses - items.iter().filter(|i| i.is_none()).count();
        if used > shape.rank() {
            fail!(Index, "too many indices: {used} for a tensor of shape {shape}");
        }
        Ok(Selection {
            shape,
            skipped: shape.rank() - used,
            spans: Vec::new(),
            dims: Vec::new(),
            picked: Vec::new(),
            numbers: false,
        })
    }

    fn add(&mut self, item: &Bound<'_, PyAny>) -> Result<()> {
        if item.is_none() {
            self.dims.push(1);
        } else if item.is_instance_of::<PyEllipsis>() {
            (0..self.skipped).for_each(|_| self.whole_axis());
        } else if let Ok(slice) = item.cast::<PySlice>() {
            let n = self.shape[self.spans.len()];
            let range = slice.indices(n as isize)?;
            let span = crate::ops::shape::span("slice", range.start, range.stop, range.step)?;
            self.spans.push(span);
            self.dims.push(span.len);
        } else if let Some(i) = integer(item)? {
            self.one(i)?;
        } else {
            self.pick(item)?;
        }
        Ok(())
    }

    fn whole_axis(&mut self) {
        let n = self.shape[self.spans.len()];
        self.spans.push(Span::all(n));
        self.dims.push(n);
    }

    /// A single position, whose axis goes away.
    fn one(&mut self, i: isize) -> Result<()> {
        let axis = self.spans.len();
        let n = self.shape[axis] as isize;
        if i < -n || i >= n {
            fail!(Index, "index {i} is out of range for axis {axis} of a tensor of shape {}", self.shape);
        }
        self.spans.push(Span::range(i.rem_euclid(n) as usize, 1));
        self.numbers = true;
        Ok(())
    }

    /// Positions given by a tensor.
    fn pick(&mut self, item: &Bound<'_, PyAny>) -> Result<()> {
        let arg = Arg::of(item)?;
        if arg.dtype() == dlrs_core::DType::Bool {
            fail!(
                Index,
                "a mask of bools as an index would have a result of unknown shape; \
                 use ops.where, or multiply by the mask"
            );
        }
        if arg.dtype().is_float() {
            fail!(
                Index,
                "indices must be integers, slices, None, ... or a tensor of integers, got {}",
                type_name(item)
            );
        }
        self.picked.push((self.dims.len(), index_operand("index", arg)?));
        self.whole_axis();
        Ok(())
    }

    fn finish(mut self, x: &Operand) -> Result<PyTensor> {
        while self.spans.len() < self.shape.rank() {
            self.whole_axis();
        }
        // NumPy broadcasts several tensors against each other and puts their axes in front where a slice stands between:
        // only the cases that cannot be misread are taken.
        let alone = self.picked.len() == 1 && !self.numbers;
        if !alone && self.picked.iter().any(|(_, indices)| indices.ty().shape.rank() > 0) {
            fail!(Index, "a tensor of integers can index one axis, beside slices only; use ops.take(x, indices, axis)");
        }
        let mut y = reshape_to(&slice_to(x, self.spans)?, Shape::new(&self.dims)?)?;
        // From the last, as each takes an axis away or puts others in its place.
        for (axis, indices) in self.picked.into_iter().rev() {
            y = Operand::Value(apply1(Take { axis }, &[y, indices])?);
        }
        identity(&y)
    }
}

/// The position that an item names: an `int`, or something concrete that can stand for one.
fn integer(item: &Bound<'_, PyAny>) -> Result<Option<isize>> {
    if item.is_instance_of::<pyo3::types::PyBool>() {
        return Ok(None);
    }
    if item.is_instance_of::<PyInt>() {
        return Ok(Some(item.extract()?));
    }
    let is_tensor = matches!(Arg::plain(item)?, Some(Arg::Operand(_)));
    Ok(if is_tensor { None } else { item.extract().ok() })
}
