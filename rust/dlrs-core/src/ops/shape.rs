//! Ops that move elements or only rename their places.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::mem::{Element, TileIo, TileMut};

use super::tiles::{Block, Odometer, TILE, cut, grid};
use super::{FusionClass, LowerCx, Lowered, NodeRef, Op, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// The same elements, in the same order, under another shape.
#[derive(Clone, Copy, Hash, Debug)]
pub struct Reshape {
    /// The new shape.
    pub shape: Shape,
}

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("reshape", inputs, 1)?;
        if inputs[0].shape.size() != self.shape.size() {
            bail!(
                "reshape: x of shape {} has {} elements; shape {} has {}",
                inputs[0].shape,
                inputs[0].shape.size(),
                self.shape,
                self.shape.size()
            );
        }
        Ok(vec![Ty::new(inputs[0].dtype, self.shape)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let shape = g.ty(node.inputs[0]).shape;
        Ok(vec![d_outputs[0].map(|d| g.reshape(d, shape)).transpose()?])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let body = by_size(cx.outputs[0].dtype, Copy);
        let bytes = cx.outputs[0].bytes();
        Ok(Lowered::by_rows(self.shape.size(), 1, TILE, 1, body).cost(20.0 + 0.1 * bytes as f64))
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::View
    }

    fn takes(&self, _dtype: DType) -> bool {
        true
    }
}

/// A kernel body that is the same for all element types of one size.
pub(crate) trait AnyElement: Send + Sync + 'static {
    /// The tile's work on elements of type `T`.
    fn run<T: Element>(&self, tile: usize, io: &mut TileIo<'_>);
}

/// The body for a dtype.
pub(crate) fn by_size(dtype: DType, kernel: impl AnyElement) -> dlrs_kernels::mem::Body {
    match dtype.size() {
        1 => Arc::new(move |tile, io| kernel.run::<u8>(tile, io)),
        2 => Arc::new(move |tile, io| kernel.run::<u16>(tile, io)),
        4 => Arc::new(move |tile, io| kernel.run::<u32>(tile, io)),
        _ => Arc::new(move |tile, io| kernel.run::<u64>(tile, io)),
    }
}

struct Copy;

impl AnyElement for Copy {
    fn run<T: Element>(&self, _tile: usize, io: &mut TileIo<'_>) {
        let rect = io.rect(0);
        let x = io.input::<T>(0);
        io.output::<T>(0).as_slice().copy_from_slice(&x[rect.start..rect.start + rect.rows * rect.cols]);
    }
}

/// Axes in another order: axis i of the result is axis `axes[i]` of the operand.
#[derive(Clone, Hash, Debug)]
pub struct Transpose {
    /// The order.
    pub axes: Vec<usize>,
}

impl Op for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("transpose", inputs, 1)?;
        let shape = inputs[0].shape;
        let mut seen = self.axes.clone();
        seen.sort_unstable();
        if seen.iter().copied().ne(0..shape.rank()) {
            bail!("transpose: axes {:?} are not a permutation of the axes of a tensor of shape {shape}", self.axes);
        }
        let dims: Vec<usize> = self.axes.iter().map(|&a| shape[a]).collect();
        Ok(vec![Ty::new(inputs[0].dtype, Shape::new(&dims)?)])
    }

    fn grad(&self, g: &mut Graph, _node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let mut inverse = vec![0; self.axes.len()];
        self.axes.iter().enumerate().for_each(|(i, &a)| inverse[a] = i);
        Ok(vec![d_outputs[0].map(|d| g.transpose(d, &inverse)).transpose()?])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let own = cx.inputs[0].shape.strides();
        let strides: Vec<usize> = self.axes.iter().map(|&a| own[a]).collect();
        let walk = Walk::new(cx.outputs[0].shape.dims(), &strides);
        let cols = *walk.dims.last().expect("a walk has an axis");
        let tiles = walk.blocks.iter().map(|b| vec![b.rect(cols)]).collect();
        let cost = 20.0 + cx.outputs[0].shape.size() as f64 * walk.cost_per_element();
        let body = by_size(cx.outputs[0].dtype, walk);
        Ok(Lowered { tiles, body, cost, ..Lowered::default() })
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::Permutation(&self.axes)
    }

    fn takes(&self, _dtype: DType) -> bool {
        true
    }
}

/// Reads an operand along the strides that its axes have in the result's order.
struct Walk {
    dims: Vec<usize>,
    strides: Vec<usize>,
    blocks: Vec<Block>,
}

/// Side of the square that is transposed in registers and L1: 16 f32 fill a cache line.
const SQUARE: usize = 16;

impl Walk {
    /// Axes that stay neighbours are taken as one, and axes of length 1 left out.
    fn new(dims: &[usize], strides: &[usize]) -> Walk {
        let mut merged: Vec<(usize, usize)> = Vec::new();
        for (&n, &s) in dims.iter().zip(strides).filter(|&(&n, _)| n != 1) {
            match merged.last_mut() {
                Some(last) if last.1 == n * s => *last = (last.0 * n, s),
                _ => merged.push((n, s)),
            }
        }
        if merged.is_empty() {
            merged.push((1, 1));
        }
        let (dims, strides): (Vec<_>, Vec<_>) = merged.into_iter().unzip();
        let mut walk = Walk { dims, strides, blocks: Vec::new() };
        walk.blocks = walk.cut();
        walk
    }

    /// Whether the last two axes are a matrix that is transposed.
    fn swaps_last_two(&self) -> bool {
        let n = self.strides.len();
        n >= 2 && self.strides[n - 2] == 1 && self.strides[n - 1] != 1
    }

    fn cost_per_element(&self) -> f64 {
        match self.strides.last() {
            Some(1) => 0.2,
            _ if self.swaps_last_two() => 0.6,
            _ => 1.5,
        }
    }

    fn cut(&self) -> Vec<Block> {
        let (&cols, outer) = self.dims.split_last().expect("a walk has an axis");
        let rows: usize = outer.iter().product();
        match outer.last() {
            Some(&run) if self.swaps_last_two() && run * cols > TILE => grid(rows, cols, 4 * SQUARE, 16 * SQUARE),
            Some(&run) if self.swaps_last_two() => grid(rows, cols, run * (TILE / (run * cols).max(1)).max(1), cols),
            _ => cut(rows, cols),
        }
    }
}

impl AnyElement for Walk {
    fn run<T: Element>(&self, tile: usize, io: &mut TileIo<'_>) {
        let (x, mut y) = (io.input::<T>(0), io.output::<T>(0));
        let block = &self.blocks[tile];
        let last = self.dims.len() - 1;
        let mut position = Odometer::at(&self.dims[..last], &self.strides[..last], block.rows.start);
        let step = self.strides[last];
        if self.swaps_last_two() {
            let run = self.dims[last - 1];
            let mut row = block.rows.start;
            while row < block.rows.end {
                let end = block.rows.end.min((row / run + 1) * run);
                let x = &x[position.offset() + block.cols.start * step..];
                swap(x, step, y.sub(row - block.rows.start, 0, end - row, block.cols.len()));
                (row..end).for_each(|_| position.step());
                row = end;
            }
            return;
        }
        for r in 0..block.rows.len() {
            let x = &x[position.offset() + block.cols.start * step..];
            let row = y.row(r);
            if step == 1 {
                row.copy_from_slice(&x[..row.len()]);
            } else {
                row.iter_mut().zip(x.iter().step_by(step)).for_each(|(y, x)| *y = *x);
            }
            position.step();
        }
    }
}

/// `y[r][c] = x[r + c·step]`, square by square so that both sides are met a cache line at a time.
fn swap<T: Element>(x: &[T], step: usize, mut y: TileMut<'_, T>) {
    let (rows, cols) = (y.rows(), y.cols());
    let mut square = [[T::default(); SQUARE]; SQUARE];
    for r0 in (0..rows).step_by(SQUARE) {
        let height = SQUARE.min(rows - r0);
        for c0 in (0..cols).step_by(SQUARE) {
            let width = SQUARE.min(cols - c0);
            for c in 0..width {
                let line = &x[r0 + (c0 + c) * step..][..height];
                line.iter().enumerate().for_each(|(r, x)| square[r][c] = *x);
            }
            for (r, line) in square.iter().enumerate().take(height) {
                y.row(r0 + r)[c0..c0 + width].copy_from_slice(&line[..width]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    fn reference(x: &crate::Tensor, axes: &[usize]) -> Vec<f64> {
        let dims: Vec<usize> = axes.iter().map(|&a| x.shape()[a]).collect();
        let own = x.shape().strides();
        let n: usize = dims.iter().product();
        let at = |mut i: usize| {
            let mut offset = 0;
            for (k, &a) in axes.iter().enumerate().rev() {
                offset += i % dims[k] * own[a];
                i /= dims[k];
            }
            x.get(offset)
        };
        (0..n).map(at).collect()
    }

    #[test]
    fn every_order_of_axes() {
        let cases: &[(&[usize], &[usize])] = &[
            (&[3, 5], &[1, 0]),
            (&[300, 411], &[1, 0]),
            (&[70, 5, 9], &[0, 2, 1]),
            (&[3, 170, 130], &[0, 2, 1]),
            (&[4, 1, 6, 5], &[3, 1, 0, 2]),
            (&[2, 3, 4, 5], &[0, 2, 1, 3]),
            (&[2, 3, 4, 5], &[3, 2, 1, 0]),
            (&[6, 7], &[0, 1]),
            (&[0, 7], &[1, 0]),
            (&[], &[]),
        ];
        for (shape, axes) in cases {
            for dtype in [DType::F64, DType::F32, DType::I32, DType::U8] {
                let x = cast(&noise(shape, 1), dtype);
                let y = run(&Transpose { axes: axes.to_vec() }, std::slice::from_ref(&x)).unwrap().remove(0);
                assert_eq!(values(&y), reference(&x, axes), "{shape:?} {axes:?}");
            }
        }
    }

    #[test]
    fn gradients_put_axes_back() {
        check_gradient(&[noise(&[2, 3, 4], 1)], &|g, x| g.transpose(x[0], &[2, 0, 1]));
        check_gradient(&[noise(&[2, 6], 1)], &|g, x| g.reshape(x[0], Shape::new(&[3, 4])?));
    }

    #[test]
    fn bad_arguments_are_named() {
        let x = Ty::new(DType::F32, Shape::new(&[2, 3]).unwrap());
        assert!(refusal(Transpose { axes: vec![0, 0] }, &[x]).starts_with("transpose: axes [0, 0]"));
        assert!(refusal(Reshape { shape: Shape::new(&[4]).unwrap() }, &[x]).contains("has 6 elements"));
    }
}
