//! Concatenation.

use std::hash::Hash;

use dlrs_kernels::mem::{Element, TileIo};

use super::shape::{AnyElement, by_size};
use super::slice::Span;
use super::tiles::TILE;
use super::{FusionClass, LowerCx, Lowered, NodeRef, Op};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// Operands one after another along an axis.
#[derive(Clone, Hash, Debug)]
pub struct Concat {
    /// The axis.
    pub axis: usize,
}

impl Op for Concat {
    fn name(&self) -> &'static str {
        "concatenate"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let Some(first) = inputs.first() else { bail!("concatenate: at least one tensor is needed") };
        if self.axis >= first.shape.rank() {
            bail!("concatenate: axis {} of a tensor of shape {}", self.axis, first.shape);
        }
        let mut len = 0;
        for (i, x) in inputs.iter().enumerate() {
            if x.dtype != first.dtype {
                bail!(Type, "concatenate: tensor 0 has dtype {}, tensor {i} has dtype {}", first.dtype, x.dtype);
            }
            if x.shape.rank() != first.shape.rank()
                || x.shape.with_dim(self.axis, 0) != first.shape.with_dim(self.axis, 0)
            {
                bail!(
                    "concatenate: tensor 0 of shape {} and tensor {i} of shape {} differ elsewhere than along axis {}",
                    first.shape,
                    x.shape,
                    self.axis
                );
            }
            len += x.shape[self.axis];
        }
        Ok(vec![Ty::new(first.dtype, Shape::new(first.shape.with_dim(self.axis, len).dims())?)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None; node.inputs.len()]) };
        let mut start = 0;
        let part = |&x: &Val| {
            let shape = g.ty(x).shape;
            let mut spans: Vec<Span> = shape.iter().map(|&n| Span::all(n)).collect();
            spans[self.axis].start = start;
            start += shape[self.axis];
            Ok(Some(g.slice(d, &spans)?))
        };
        node.inputs.iter().map(part).collect()
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let inner: usize = cx.outputs[0].shape[self.axis + 1..].iter().product();
        let mut ends = Vec::with_capacity(cx.inputs.len());
        let mut end = 0;
        for x in cx.inputs {
            end += x.shape[self.axis] * inner;
            ends.push(end);
        }
        let body = by_size(cx.outputs[0].dtype, Join { ends });
        let bytes = cx.outputs[0].bytes() as f64;
        Ok(Lowered::by_rows(cx.outputs[0].shape.size(), 1, TILE, 1, body).cost(20.0 + 0.03 * bytes))
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::Joint(self.axis)
    }

    fn takes(&self, _dtype: DType) -> bool {
        true
    }
}

/// Rows made of a piece of each operand; `ends[i]` is where operand i's piece ends.
struct Join {
    ends: Vec<usize>,
}

impl AnyElement for Join {
    fn run<T: Element>(&self, _tile: usize, io: &mut TileIo<'_>) {
        let start = io.rect(0).start;
        let mut tile = io.output::<T>(0);
        let mut y = tile.as_slice();
        let width = *self.ends.last().expect("at least one operand");
        let (mut row, mut col) = (start / width, start % width);
        let mut piece = self.ends.partition_point(|&end| end <= col);
        while !y.is_empty() {
            let from = if piece == 0 { 0 } else { self.ends[piece - 1] };
            let own = self.ends[piece] - from;
            let n = (self.ends[piece] - col).min(y.len());
            let (head, rest) = y.split_at_mut(n);
            head.copy_from_slice(&io.input::<T>(piece)[row * own + col - from..][..n]);
            y = rest;
            col += n;
            piece += 1;
            if piece == self.ends.len() {
                (row, col, piece) = (row + 1, 0, 0);
            }
        }
    }
}

impl Graph {
    /// `xs` one after another along `axis`.
    pub fn concat(&mut self, xs: &[Val], axis: usize) -> Result<Val> {
        self.push(Concat { axis }, xs)
    }
}

#[cfg(test)]
mod tests {
    use super::super::slice::Slice;
    use super::super::testing::*;
    use super::*;
    use crate::DType;

    #[test]
    fn concatenation_along_every_axis() {
        let (a, b) = (noise(&[2, 3, 4], 1), noise(&[2, 5, 4], 2));
        let y = run(&Concat { axis: 1 }, &[a.clone(), b.clone()]).unwrap().remove(0);
        let part =
            |axis_span| run(&Slice { spans: vec![Span::all(2), axis_span, Span::all(4)] }, std::slice::from_ref(&y));
        assert_eq!(values(&part(Span::range(0, 3)).unwrap()[0]), values(&a));
        assert_eq!(values(&part(Span::range(3, 5)).unwrap()[0]), values(&b));
        let (a, b, empty) = (noise(&[3, 20_000], 1), noise(&[4, 20_000], 2), noise(&[0, 20_000], 3));
        let y = run(&Concat { axis: 0 }, &[empty.clone(), a.clone(), empty, b.clone()]).unwrap().remove(0);
        assert_eq!(values(&y), [values(&a), values(&b)].concat());
    }

    #[test]
    fn gradients() {
        check_gradient(&[noise(&[2, 3], 1), noise(&[2, 1], 2)], &|g, x| g.concat(x, 1));
        check_gradient(&[noise(&[1, 2], 1), noise(&[3, 2], 2)], &|g, x| g.concat(x, 0));
    }

    #[test]
    fn bad_arguments_are_named() {
        let ty = |dtype, dims: &[usize]| Ty::new(dtype, Shape::new(dims).unwrap());
        let x = ty(DType::F32, &[2, 3]);
        assert!(refusal(Concat { axis: 1 }, &[x, ty(DType::F32, &[3, 3])]).contains("tensor 1 of shape (3, 3)"));
        assert!(refusal(Concat { axis: 1 }, &[x, ty(DType::I32, &[2, 3])]).contains("has dtype int32"));
        assert!(refusal(Concat { axis: 2 }, &[x, x]).contains("axis 2 of a tensor of shape (2, 3)"));
        assert!(refusal(Concat { axis: 0 }, &[]).contains("at least one tensor"));
    }
}
