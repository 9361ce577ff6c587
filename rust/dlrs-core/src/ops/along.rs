//! Elements picked along an axis, each by an index of its own, and the adjoint of that.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::cumulative::Number;
use dlrs_kernels::mem::{Body, Element, TileIo};

use super::cumulative::line_tiles;
use super::index::{Indices, around, check_indices};
use super::shape::{AnyElement, by_size};
use super::tiles::{Block, cut};
use super::{LowerCx, Lowered, NodeRef, Op, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// `y[a, j, b] = x[a, indices[a, j, b], b]`, where j counts along an axis. Negative indices count from the end; one out of range
/// ends the run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TakeAlong {
    /// The axis.
    pub axis: usize,
}

/// Checks that two shapes differ along an axis at most.
fn check_shapes(op: &str, what: &str, axis: usize, x: &Shape, indices: &Shape) -> Result<()> {
    if axis >= x.rank() {
        bail!("{op}: axis {axis} of a tensor of shape {x}");
    }
    let fits = x.rank() == indices.rank() && (0..x.rank()).all(|i| i == axis || x[i] == indices[i]);
    if !fits {
        bail!("{op}: {what} of shape {x} and indices of shape {indices}; expected the same but for axis {axis}");
    }
    Ok(())
}

impl Op for TakeAlong {
    fn name(&self) -> &'static str {
        "take_along_axis"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("take_along_axis", inputs, 2)?;
        check_indices("take_along_axis", "indices", inputs[1])?;
        check_shapes("take_along_axis", "x", self.axis, &inputs[0].shape, &inputs[1].shape)?;
        Ok(vec![Ty::new(inputs[0].dtype, inputs[1].shape)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None; 2]) };
        let len = g.ty(node.inputs[0]).shape[self.axis];
        Ok(vec![Some(g.push(AddAlong { axis: self.axis, len }, &[d, node.inputs[1]])?), None])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let (outer, len, inner) = around(&cx.inputs[0].shape, self.axis);
        let count = cx.inputs[1].shape[self.axis];
        let blocks = cut(outer * count, inner);
        let tiles = blocks.iter().map(|b| vec![b.rect(inner)]).collect();
        let cost = 20.0 + 2.0 * cx.outputs[0].shape.size() as f64;
        let body = by_size(cx.outputs[0].dtype, Pick { axis: self.axis, count, len, inner, blocks });
        Ok(Lowered { tiles, body, cost, ..Lowered::default() })
    }

    fn takes(&self, _dtype: DType) -> bool {
        true
    }
}

struct Pick {
    axis: usize,
    count: usize,
    len: usize,
    inner: usize,
    blocks: Vec<Block>,
}

fn refuse(io: &mut TileIo<'_>, index: i64, axis: usize, len: usize) {
    io.refuse(format!("take_along_axis: index {index} is out of range for axis {axis} of length {len}"));
}

impl AnyElement for Pick {
    fn run<T: Element>(&self, tile: usize, io: &mut TileIo<'_>) {
        let (x, indices) = (io.input::<T>(0), Indices::of(io, 1));
        let (mut y, block) = (io.output::<T>(0), &self.blocks[tile]);
        for (r, row) in block.rows.clone().enumerate() {
            let outer = row / self.count;
            for (c, y) in block.cols.clone().zip(y.row(r)) {
                let place = row * self.inner + c;
                let Some(position) = indices.position(place, self.len) else {
                    return refuse(io, indices.get(place), self.axis, self.len);
                };
                *y = x[(outer * self.len + position) * self.inner + c];
            }
        }
    }
}

/// `y[a, i, b] = Σ of x[a, j, b] with indices[a, j, b] = i`, in the order of j: the adjoint of [`TakeAlong`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AddAlong {
    /// The axis.
    pub axis: usize,
    /// Its length in the result.
    pub len: usize,
}

impl Op for AddAlong {
    fn name(&self) -> &'static str {
        "add_along_axis"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("add_along_axis", inputs, 2)?;
        let (x, indices) = (inputs[0], inputs[1]);
        check_indices("add_along_axis", "indices", indices)?;
        if !x.dtype.is_float() {
            bail!(Type, "add_along_axis: x has dtype {}; expected a floating-point dtype", x.dtype);
        }
        check_shapes("add_along_axis", "x", self.axis, &x.shape, &indices.shape)?;
        if x.shape != indices.shape {
            bail!("add_along_axis: x of shape {} and indices of shape {}; expected the same", x.shape, indices.shape);
        }
        Ok(vec![Ty::new(x.dtype, x.shape.with_dim(self.axis, self.len))])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None; 2]) };
        Ok(vec![Some(g.push(TakeAlong { axis: self.axis }, &[d, node.inputs[1]])?), None])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let (outer, count, inner) = around(&cx.inputs[0].shape, self.axis);
        let rects = line_tiles(outer, self.len, inner);
        let tiles = rects.into_iter().map(|rect| vec![rect]).collect();
        let op = *self;
        let body: Body = match cx.outputs[0].dtype {
            DType::F32 => Arc::new(move |_, io| op.add::<f32>(io, count, inner)),
            _ => Arc::new(move |_, io| op.add::<f64>(io, count, inner)),
        };
        let cost = 20.0 + 2.0 * (cx.inputs[0].shape.size() + cx.outputs[0].shape.size()) as f64;
        Ok(Lowered { tiles, body, cost, ..Lowered::default() })
    }
}

impl AddAlong {
    fn add<T: Number>(&self, io: &mut TileIo<'_>, count: usize, inner: usize) {
        let (x, indices, rect) = (io.input::<T>(0), Indices::of(io, 1), io.rect(0));
        let mut y = io.output::<T>(0);
        (0..y.rows()).for_each(|r| y.row(r).fill(T::default()));
        let (first, column) = (rect.start / (self.len * inner).max(1), rect.start % inner.max(1));
        for (group, j) in (0..rect.rows / self.len.max(1)).flat_map(|g| (0..count).map(move |j| (g, j))) {
            for c in 0..rect.cols {
                let place = ((first + group) * count + j) * inner + column + c;
                let Some(position) = indices.position(place, self.len) else {
                    return refuse(io, indices.get(place), self.axis, self.len);
                };
                let y = &mut y.row(group * self.len + position)[c];
                *y = y.plus(x[place]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::error::Error;

    fn indices(shape: &[usize], len: i32) -> crate::Tensor {
        let n: usize = shape.iter().product();
        i32s(shape, &(0..n as i32).map(|i| i * 7 % (2 * len) - len).collect::<Vec<_>>())
    }

    #[test]
    fn elements_along_every_axis() {
        let x = noise(&[3, 4, 5], 1);
        for (axis, stride) in [(0, 20), (1, 5), (2, 1)] {
            let mut shape = [3, 4, 5];
            let len = shape[axis];
            shape[axis] = 2;
            let i = indices(&shape, len as i32);
            let y = run(&TakeAlong { axis }, &[x.clone(), i.clone()]).unwrap().remove(0);
            for e in 0..shape.iter().product() {
                let inner = stride;
                let (outer, rest) = (e / (2 * inner), e % inner);
                let at = (i.get(e) as i64).rem_euclid(len as i64) as usize;
                assert_eq!(y.get(e), x.get((outer * len + at) * inner + rest));
            }
        }
    }

    #[test]
    fn gradients() {
        for axis in 0..3 {
            let mut shape = [3, 2, 4];
            let len = shape[axis] as i32;
            shape[axis] = 5;
            check_two_gradients(&[noise(&[3, 2, 4], 1), indices(&shape, len)], &move |g, x| {
                g.push(TakeAlong { axis }, x)
            });
        }
    }

    #[test]
    fn the_adjoint_is_the_same_however_it_is_cut() {
        for shape in [[2, 3, 20_000], [5000, 3, 2], [1, 40_000, 1]] {
            let x = cast(&noise(&shape, 1), DType::F32);
            let i = indices(&shape, 4);
            let y = run(&AddAlong { axis: 1, len: 4 }, &[x.clone(), i.clone()]).unwrap().remove(0);
            let mut want = vec![0.0f32; shape[0] * 4 * shape[2]];
            for e in 0..shape.iter().product() {
                let (outer, rest) = (e / (shape[1] * shape[2]), e % shape[2]);
                let at = (i.get(e) as i64).rem_euclid(4) as usize;
                want[(outer * 4 + at) * shape[2] + rest] += x.get(e) as f32;
            }
            assert_eq!(y.as_slice::<f32>(), want);
        }
    }

    #[test]
    fn bad_arguments_are_named() {
        let error = run(&TakeAlong { axis: 1 }, &[noise(&[2, 3], 1), i32s(&[2, 1], &[0, 3])]).unwrap_err();
        assert_eq!(error, Error::Index("take_along_axis: index 3 is out of range for axis 1 of length 3".into()));
        let ty = |dtype, dims: &[usize]| Ty::new(dtype, Shape::new(dims).unwrap());
        let (x, i) = (ty(DType::F32, &[2, 3]), ty(DType::I32, &[3, 3]));
        assert!(refusal(TakeAlong { axis: 1 }, &[x, i]).contains("expected the same but for axis 1"));
        assert!(refusal(TakeAlong { axis: 2 }, &[x, i]).contains("axis 2"));
    }
}
