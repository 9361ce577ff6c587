//! Pooling: the largest or the mean element of windows over the spatial axes, and the linear maps that are their gradients.
//!
//! For a given x the gradient of the maximum is linear in what it spreads, and its adjoint gathers: each is the gradient of the other.

use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

use dlrs_kernels::isa::{Isa, Real};
use dlrs_kernels::mem::{Element, Rect, TileIo, TileMut, cast_mut};
use dlrs_kernels::pool::{
    PoolGeometry, Windows, average_pool, average_pool_backward, max_pool, max_pool_backward,
    max_pool_backward_disjoint, max_pool_gather, pool_scratch_len,
};

use super::tiles::TILE;
use super::{Contraction, ForImages, FusionClass, LowerCx, Lowered, NodeRef, Op, TileConsumer, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

#[cfg(test)]
mod tests;

/// The windows over each spatial axis of x, whose shape is (batch, space.., channels) with up to three spatial axes. Before the axes
/// that x has there are axes of length 1 with windows of one element.
pub type PoolWindows = [Windows; 3];

/// The largest element of each window; NaN where a window holds one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MaxPool {
    /// The windows.
    pub windows: PoolWindows,
}

/// The gradient of [`MaxPool`]: each element of the gradient goes to the first largest element of its window. Operands: x, the gradient.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MaxPoolBackward {
    /// The windows.
    pub windows: PoolWindows,
}

/// The elements of e that lie where the windows of x have their first largest element: the adjoint of [`MaxPoolBackward`]. Operands: x, e.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MaxPoolGather {
    /// The windows.
    pub windows: PoolWindows,
}

/// The mean of the elements of each window; padding does not count.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AveragePool {
    /// The windows.
    pub windows: PoolWindows,
}

/// The gradient of [`AveragePool`]: each element of the gradient is divided among its window.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AveragePoolBackward {
    /// The windows.
    pub windows: PoolWindows,
    /// Shape of x.
    pub input: Shape,
}

/// The sizes, or what is wrong with them.
fn geometry(op: &str, windows: &PoolWindows, x: &Shape) -> Result<PoolGeometry> {
    let &[n, ref space @ .., c] = x.dims() else {
        bail!("{op}: x has shape {x}; expected (batch, space.., channels)");
    };
    if !(1..=3).contains(&space.len()) {
        bail!("{op}: x of shape {x} has {} spatial axes; expected 1 to 3", space.len());
    }
    let mut input = [1; 3];
    input[3 - space.len()..].copy_from_slice(space);
    for (axis, (windows, len)) in windows.iter().zip(input).enumerate() {
        if windows.count(len).is_none() {
            let axis = (axis + space.len()).saturating_sub(2);
            match windows {
                Windows::Sliding { size, stride, padding } => bail!(
                    "{op}: windows of {size} elements, {stride} apart, with padding {padding:?} do not fit axis {axis} of x of shape {x}"
                ),
                Windows::Adaptive { count } => bail!("{op}: no {count} windows along axis {axis} of x of shape {x}"),
            }
        }
    }
    match PoolGeometry::new(n, input, c, windows) {
        Some(g) => Ok(g),
        None => bail!(Internal, "{op}: windows that fit every axis of {x} but not all"),
    }
}

/// Shape of the result.
fn pooled(g: &PoolGeometry, x: &Shape) -> Result<Shape> {
    let mut dims = x.dims().to_vec();
    let space = dims.len() - 2;
    dims[1..=space].copy_from_slice(&g.output[3 - space..]);
    Shape::new(&dims)
}

/// Checks that `d` has the dtype of `x` and this shape.
fn check_like(op: &str, what: &str, d: Ty, x: Ty, shape: Shape) -> Result<()> {
    if d.dtype != x.dtype || !d.dtype.is_float() {
        bail!(Type, "{op}: x has dtype {}, {what} has dtype {}; expected one floating-point dtype", x.dtype, d.dtype);
    }
    if d.shape != shape {
        bail!("{op}: {what} has shape {}; expected {shape}", d.shape);
    }
    Ok(())
}

/// Elements of a result that one tile computes.
const OUTPUTS: usize = TILE / 4;

/// Tiles of whole rows of results, each a matrix of pixels and channels. Also the rows of each tile.
fn row_tiles(g: &PoolGeometry) -> (Vec<Vec<Rect>>, usize) {
    let chunk = (OUTPUTS / g.row_len().max(1)).max(1);
    let rect = |t: usize| {
        let rows = chunk.min(g.rows() - t * chunk);
        Rect { start: t * chunk * g.row_len(), rows: rows * g.output[2], cols: g.c, stride: g.c }
    };
    let tiles = if g.row_len() == 0 { 0 } else { g.rows().div_ceil(chunk) };
    ((0..tiles).map(|t| vec![rect(t)]).collect(), chunk)
}

/// Nanoseconds: each element read once for every window of a row that holds it, at 10 GB/s.
fn cost(g: &PoolGeometry, dtype: DType) -> f64 {
    20.0 + 0.1 * (dtype.size() * g.n * (g.image_in() + g.image_out())) as f64
}

type Forward<T> = fn(Isa, &PoolGeometry, &[T], Range<usize>, TileMut<'_, T>, &mut [T]);

/// A pooling without consumer.
fn lower_forward<T: Element>(isa: Isa, g: PoolGeometry, dtype: DType, forward: Forward<T>) -> Lowered {
    let (tiles, chunk) = row_tiles(&g);
    let (len, cost) = (pool_scratch_len(&g), cost(&g, dtype));
    let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let rows = tile * chunk..g.rows().min((tile + 1) * chunk);
        forward(isa, &g, io.input(0), rows, io.output(0), io.scratch(len));
    });
    Lowered { tiles, body, scratch: len * size_of::<T>(), cost, ..Lowered::default() }
}

/// A pooling whose finished tiles are handed on.
fn lower_consumed(isa: Isa, g: PoolGeometry, forward: Forward<f32>, consumer: TileConsumer) -> Lowered {
    let (mut tiles, chunk) = row_tiles(&g);
    let (line, cost) = (pool_scratch_len(&g).next_multiple_of(16), cost(&g, DType::F32));
    let rest = match &consumer {
        TileConsumer::Program(epilogue) => epilogue.scratch_len(),
        TileConsumer::Update { states, .. } => {
            tiles.iter_mut().for_each(|tile| *tile = vec![tile[0]; *states]);
            4 * chunk * g.row_len()
        }
    };
    let scratch = 4 * line + rest;
    let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let rows = tile * chunk..g.rows().min((tile + 1) * chunk);
        let (x, scratch) = (io.input::<f32>(0), io.scratch::<u8>(scratch));
        let (line, rest) = scratch.split_at_mut(4 * line);
        match &consumer {
            TileConsumer::Program(epilogue) => {
                let (mut y, first) = (io.output::<f32>(0), rows.start * g.output[2]);
                let (pixels, c) = (y.rows(), y.cols());
                forward(isa, &g, x, rows, y.sub(0, 0, pixels, c), cast_mut(line));
                epilogue.run(io, &mut y, first, 0, 1, rest);
            }
            TileConsumer::Update { update, .. } => {
                let gradient = &mut cast_mut::<f32>(rest)[..rows.len() * g.row_len()];
                forward(isa, &g, x, rows, TileMut::flat(gradient), cast_mut(line));
                update(io, gradient, 1);
            }
        }
    });
    Lowered { tiles, body, scratch, cost, ..Lowered::default() }
}

/// A map onto images, one image a tile.
fn lower_onto_images<T: Element>(
    g: &PoolGeometry,
    run: impl Fn(Range<usize>, TileMut<'_, T>, &TileIo<'_>) + Send + Sync + 'static,
) -> Lowered {
    let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let dx = io.output(0);
        run(tile..tile + 1, dx, io);
    });
    Lowered::by_rows(g.n, g.image_in(), 1, 1, body).cost(3.0 * cost(g, DType::F32))
}

impl Op for MaxPool {
    fn name(&self) -> &'static str {
        "max_pool"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("max_pool", inputs, 1)?;
        let x = inputs[0];
        let g = geometry("max_pool", &self.windows, &x.shape)?;
        Ok(vec![Ty::new(x.dtype, pooled(&g, &x.shape)?)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None]) };
        Ok(vec![Some(g.push(MaxPoolBackward { windows: self.windows }, &[node.inputs[0], d])?)])
    }

    fn for_images(&self, _: Isa, _: &[Ty], _: usize) -> Option<ForImages> {
        Some(ForImages { op: Arc::new(*self), operands: &[0], padding: 0 })
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let g = geometry("max_pool", &self.windows, &cx.inputs[0].shape)?;
        let (isa, dtype) = (cx.isa, cx.inputs[0].dtype);
        Ok(match dtype {
            DType::F32 => lower_forward::<f32>(isa, g, dtype, max_pool),
            DType::F64 => lower_forward::<f64>(isa, g, dtype, max_pool),
            DType::I32 => lower_forward::<i32>(isa, g, dtype, max_pool),
            DType::I64 => lower_forward::<i64>(isa, g, dtype, max_pool),
            _ => lower_forward::<u8>(isa, g, dtype, max_pool),
        })
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::Contraction(self)
    }
}

impl Contraction for MaxPool {
    fn accepts_consumer(&self, inputs: &[Ty]) -> bool {
        inputs[0].dtype == DType::F32
    }

    fn lower_with(&self, cx: &LowerCx<'_>, consumer: Option<TileConsumer>) -> Result<Lowered> {
        let Some(consumer) = consumer else { return self.lower(cx) };
        Ok(lower_consumed(cx.isa, geometry("max_pool", &self.windows, &cx.inputs[0].shape)?, max_pool, consumer))
    }
}

impl Op for MaxPoolBackward {
    fn name(&self) -> &'static str {
        "max_pool_backward"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity(self.name(), inputs, 2)?;
        let g = geometry(self.name(), &self.windows, &inputs[0].shape)?;
        check_like(self.name(), "the gradient", inputs[1], inputs[0], pooled(&g, &inputs[0].shape)?)?;
        Ok(vec![inputs[0]])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(e) = d_outputs[0] else { return Ok(vec![None, None]) };
        Ok(vec![None, Some(g.push(MaxPoolGather { windows: self.windows }, &[node.inputs[0], e])?)])
    }

    fn for_images(&self, _: Isa, _: &[Ty], _: usize) -> Option<ForImages> {
        Some(ForImages { op: Arc::new(*self), operands: &[0, 1], padding: 0 })
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let g = geometry(self.name(), &self.windows, &cx.inputs[0].shape)?;
        Ok(match cx.inputs[0].dtype {
            DType::F32 if g.is_disjoint() => {
                let isa = cx.isa;
                lower_onto_images(&g.clone(), move |images, dx, io| {
                    max_pool_backward_disjoint(isa, &g, io.input(0), io.input(1), images, dx);
                })
            }
            DType::F32 => lower_scatter::<f32>(cx.isa, g),
            _ => lower_scatter::<f64>(cx.isa, g),
        })
    }
}

fn lower_scatter<T: Real>(isa: Isa, g: PoolGeometry) -> Lowered {
    lower_onto_images(&g.clone(), move |images, dx, io| {
        max_pool_backward::<T>(isa, &g, io.input(0), io.input(1), images, dx);
    })
}

impl Op for MaxPoolGather {
    fn name(&self) -> &'static str {
        "max_pool_gather"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity(self.name(), inputs, 2)?;
        let x = inputs[0];
        let g = geometry(self.name(), &self.windows, &x.shape)?;
        check_like(self.name(), "e", inputs[1], x, x.shape)?;
        Ok(vec![Ty::new(x.dtype, pooled(&g, &x.shape)?)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None, None]) };
        Ok(vec![None, Some(g.push(MaxPoolBackward { windows: self.windows }, &[node.inputs[0], d])?)])
    }

    fn for_images(&self, _: Isa, _: &[Ty], _: usize) -> Option<ForImages> {
        Some(ForImages { op: Arc::new(*self), operands: &[0, 1], padding: 0 })
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let g = geometry(self.name(), &self.windows, &cx.inputs[0].shape)?;
        Ok(match cx.inputs[0].dtype {
            DType::F32 => lower_gather::<f32>(cx.isa, g),
            _ => lower_gather::<f64>(cx.isa, g),
        })
    }
}

fn lower_gather<T: Real>(isa: Isa, g: PoolGeometry) -> Lowered {
    let (tiles, chunk) = row_tiles(&g);
    let cost = 2.0 * cost(&g, DType::F32);
    let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let rows = tile * chunk..g.rows().min((tile + 1) * chunk);
        max_pool_gather::<T>(isa, &g, io.input(0), io.input(1), rows, io.output(0));
    });
    Lowered { tiles, body, cost, ..Lowered::default() }
}

impl Op for AveragePool {
    fn name(&self) -> &'static str {
        "average_pool"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("average_pool", inputs, 1)?;
        let x = inputs[0];
        if !x.dtype.is_float() {
            bail!(Type, "average_pool: x has dtype {}; expected a floating-point dtype", x.dtype);
        }
        let g = geometry("average_pool", &self.windows, &x.shape)?;
        Ok(vec![Ty::new(x.dtype, pooled(&g, &x.shape)?)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None]) };
        let input = g.ty(node.inputs[0]).shape;
        Ok(vec![Some(g.push(AveragePoolBackward { windows: self.windows, input }, &[d])?)])
    }

    fn for_images(&self, _: Isa, _: &[Ty], _: usize) -> Option<ForImages> {
        Some(ForImages { op: Arc::new(*self), operands: &[0], padding: 0 })
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let g = geometry("average_pool", &self.windows, &cx.inputs[0].shape)?;
        Ok(match cx.inputs[0].dtype {
            DType::F32 => lower_forward::<f32>(cx.isa, g, DType::F32, average_pool),
            _ => lower_forward::<f64>(cx.isa, g, DType::F64, average_pool),
        })
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::Contraction(self)
    }
}

impl Contraction for AveragePool {
    fn accepts_consumer(&self, inputs: &[Ty]) -> bool {
        inputs[0].dtype == DType::F32
    }

    fn lower_with(&self, cx: &LowerCx<'_>, consumer: Option<TileConsumer>) -> Result<Lowered> {
        let Some(consumer) = consumer else { return self.lower(cx) };
        Ok(lower_consumed(
            cx.isa,
            geometry("average_pool", &self.windows, &cx.inputs[0].shape)?,
            average_pool,
            consumer,
        ))
    }
}

impl Op for AveragePoolBackward {
    fn name(&self) -> &'static str {
        "average_pool_backward"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity(self.name(), inputs, 1)?;
        let g = geometry(self.name(), &self.windows, &self.input)?;
        let x = Ty::new(inputs[0].dtype, self.input);
        check_like(self.name(), "the gradient", inputs[0], x, pooled(&g, &self.input)?)?;
        Ok(vec![x])
    }

    fn grad(&self, g: &mut Graph, _node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(e) = d_outputs[0] else { return Ok(vec![None]) };
        Ok(vec![Some(g.push(AveragePool { windows: self.windows }, &[e])?)])
    }

    fn for_images(&self, _: Isa, _: &[Ty], n: usize) -> Option<ForImages> {
        let op = AveragePoolBackward { windows: self.windows, input: self.input.with_dim(0, n) };
        Some(ForImages { op: Arc::new(op), operands: &[0], padding: 0 })
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let g = geometry(self.name(), &self.windows, &self.input)?;
        Ok(match cx.inputs[0].dtype {
            DType::F32 => lower_spread::<f32>(cx.isa, g),
            _ => lower_spread::<f64>(cx.isa, g),
        })
    }
}

fn lower_spread<T: Real>(isa: Isa, g: PoolGeometry) -> Lowered {
    lower_onto_images(&g.clone(), move |images, dx, io| {
        average_pool_backward::<T>(isa, &g, io.input(0), images, dx);
    })
}
