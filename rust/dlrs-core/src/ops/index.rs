//! Ops that address elements by index tensors.

use std::hash::Hash;

use dlrs_kernels::mem::{Element, TileIo};

use super::shape::{AnyElement, by_size};
use super::tiles::{Block, cut};
use super::{FusionClass, LowerCx, Lowered, NodeRef, Op, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// Elements or rows picked along an axis: `x[.., indices, ..]`. A negative index counts from the end; one out of range ends the run.
#[derive(Clone, Hash, Debug)]
pub struct Take {
    /// The axis of `x` that `indices` address; the axes of `indices` take its place.
    pub axis: usize,
}

impl Op for Take {
    fn name(&self) -> &'static str {
        "take"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("take", inputs, 2)?;
        let (x, indices) = (inputs[0], inputs[1]);
        check_indices("take", "indices", indices)?;
        if self.axis >= x.shape.rank() {
            bail!("take: axis {} of a tensor of shape {}", self.axis, x.shape);
        }
        let (before, after) = (&x.shape[..self.axis], &x.shape[self.axis + 1..]);
        Ok(vec![Ty::new(x.dtype, Shape::new(&[before, indices.shape.dims(), after].concat())?)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None, None]) };
        let (shape, indices) = (g.ty(node.inputs[0]).shape, node.inputs[1]);
        let count = g.ty(indices).shape.size();
        let (outer, segments, inner) = around(&shape, self.axis);
        let flat = g.reshape(indices, Shape::new(&[count])?)?;
        if outer == 1 {
            let d = g.reshape(d, Shape::new(&[count, inner])?)?;
            let sum = g.segment_sum(d, flat, segments)?;
            return Ok(vec![Some(g.reshape(sum, shape)?), None]);
        }
        // Segments are summed along the first axis: the axes before it go behind it and back.
        let d = g.reshape(d, Shape::new(&[outer, count, inner])?)?;
        let d = g.transpose(d, &[1, 0, 2])?;
        let sum = g.segment_sum(d, flat, segments)?;
        let sum = g.transpose(sum, &[1, 0, 2])?;
        Ok(vec![Some(g.reshape(sum, shape)?), None])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let (outer, len, inner) = around(&cx.inputs[0].shape, self.axis);
        let count = cx.inputs[1].shape.size();
        let blocks = cut(outer * count, inner);
        let tiles = blocks.iter().map(|b| vec![b.rect(inner)]).collect();
        let cost = 20.0 + (outer * count) as f64 * (3.0 + 0.03 * (inner * cx.outputs[0].dtype.size()) as f64);
        let body = by_size(cx.outputs[0].dtype, Rows { axis: self.axis, count, len, inner, blocks });
        Ok(Lowered { tiles, body, cost, ..Lowered::default() })
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        if self.axis == 0 { FusionClass::Gather } else { FusionClass::Opaque }
    }

    fn takes(&self, _dtype: DType) -> bool {
        true
    }
}

/// Elements before, along and behind an axis.
pub(crate) fn around(shape: &Shape, axis: usize) -> (usize, usize, usize) {
    (shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product())
}

/// Checks that an operand holds integers that can be indices.
pub(crate) fn check_indices(op: &str, argument: &str, ty: Ty) -> Result<()> {
    if !matches!(ty.dtype, DType::I32 | DType::I64) {
        bail!(Type, "{op}: {argument} has dtype {}; expected int32 or int64", ty.dtype);
    }
    Ok(())
}

/// Indices of either width.
#[derive(Clone, Copy)]
pub(crate) enum Indices<'a> {
    I32(&'a [i32]),
    I64(&'a [i64]),
}

impl<'a> Indices<'a> {
    pub(crate) fn of(io: &TileIo<'a>, input: usize) -> Indices<'a> {
        match io.input_dtype(input) {
            DType::I32 => Indices::I32(io.input(input)),
            _ => Indices::I64(io.input(input)),
        }
    }

    pub(crate) fn get(&self, i: usize) -> i64 {
        match self {
            Indices::I32(x) => x[i].into(),
            Indices::I64(x) => x[i],
        }
    }

    /// The position in `0..len` that index number `i` means.
    pub(crate) fn position(&self, i: usize, len: usize) -> Option<usize> {
        let index = self.get(i);
        let position = if index < 0 { index + len as i64 } else { index };
        (0..len as i64).contains(&position).then_some(position as usize)
    }
}

struct Rows {
    axis: usize,
    count: usize,
    len: usize,
    inner: usize,
    blocks: Vec<Block>,
}

impl AnyElement for Rows {
    fn run<T: Element>(&self, tile: usize, io: &mut TileIo<'_>) {
        let (x, indices) = (io.input::<T>(0), Indices::of(io, 1));
        let (mut y, block) = (io.output::<T>(0), &self.blocks[tile]);
        for (r, row) in block.rows.clone().enumerate() {
            let (outer, i) = (row / self.count, row % self.count);
            let Some(position) = indices.position(i, self.len) else {
                return io.refuse(format!(
                    "take: index {} (number {i}) is out of range for axis {} of length {}",
                    indices.get(i),
                    self.axis,
                    self.len
                ));
            };
            let start = (outer * self.len + position) * self.inner + block.cols.start;
            let y = y.row(r);
            y.copy_from_slice(&x[start..start + y.len()]);
        }
    }
}

impl Graph {
    /// `x[.., indices, ..]` along `axis`.
    pub fn take(&mut self, x: Val, indices: Val, axis: usize) -> Result<Val> {
        self.push(Take { axis }, &[x, indices])
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::error::Error;

    #[test]
    fn take_along_every_axis() {
        let x = noise(&[3, 4, 5], 1);
        let y = run(&Take { axis: 1 }, &[x.clone(), i32s(&[2, 2], &[3, -1, 0, -4])]).unwrap().remove(0);
        assert_eq!(y.shape().dims(), [3, 2, 2, 5]);
        for outer in 0..3 {
            for (i, row) in [3, 3, 0, 0].into_iter().enumerate() {
                for c in 0..5 {
                    assert_eq!(y.get((outer * 4 + i) * 5 + c), x.get((outer * 4 + row) * 5 + c));
                }
            }
        }
        let x = cast(&noise(&[7, 3], 1), DType::F32);
        let y = run(&Take { axis: 0 }, &[x.clone(), i64s(&[], &[2])]).unwrap().remove(0);
        assert_eq!(values(&y), values(&x)[6..9]);
    }

    #[test]
    fn an_index_out_of_range_is_named() {
        let x = noise(&[3, 2], 1);
        let error = run(&Take { axis: 0 }, &[x, i32s(&[2], &[0, 3])]).unwrap_err();
        assert_eq!(error, Error::Index("take: index 3 (number 1) is out of range for axis 0 of length 3".into()));
    }

    #[test]
    fn gradients() {
        for axis in 0..3 {
            let ids = i32s(&[2, 2], &[1, 0, -1, 1]);
            check_gradient(&[noise(&[3, 2, 4], 1), ids], &move |g, x| g.take(x[0], x[1], axis));
        }
    }

    #[test]
    fn bad_arguments_are_named() {
        let ty = |dtype, dims: &[usize]| Ty::new(dtype, Shape::new(dims).unwrap());
        let (x, i) = (ty(DType::F32, &[2, 3]), ty(DType::I32, &[3]));
        assert_eq!(refusal(Take { axis: 0 }, &[x, x]), "take: indices has dtype float32; expected int32 or int64");
        assert_eq!(refusal(Take { axis: 2 }, &[x, i]), "take: axis 2 of a tensor of shape (2, 3)");
    }
}
