//! Matrix products.

use std::sync::Arc;

use dlrs_kernels::gemm::{MatB, MatRef, PackedRef, gemm_f32, gemm_f64, gemm_scratch_len, pack_b, packed_len, tiling};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Rect, TileIo, cast, cast_mut};

use super::columns::Chunks;
use super::finish::Finish;
use super::{Contraction, FusionClass, LowerCx, Lowered, NodeRef, Op, Packing, TileConsumer, arity, tiles};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::{KeyHasher, key_of};
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// `op(a)·op(b)` over the last two axes, where `op` transposes if asked; leading axes broadcast.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MatMul {
    /// Transpose the last two axes of the first operand.
    pub transpose_a: bool,
    /// Transpose the last two axes of the second operand.
    pub transpose_b: bool,
}

/// A product as batches of m×k times k×n.
#[derive(Clone, Debug)]
pub(super) struct Product {
    m: usize,
    k: usize,
    n: usize,
    /// Offsets of each batch item's operands, in elements.
    batch: Vec<(usize, usize)>,
    /// (row stride, k stride) of the first operand.
    a_strides: (usize, usize),
    /// (k stride, column stride) of the second operand.
    b_strides: (usize, usize),
}

impl Product {
    /// Of two matrices; `b_strides` are (k, column) of the second, the rows of the first touch.
    pub(super) fn of_matrices(m: usize, k: usize, n: usize, b_strides: (usize, usize)) -> Product {
        Product { m, k, n, batch: vec![(0, 0)], a_strides: (k, 1), b_strides }
    }
}

impl MatMul {
    fn dims(&self, a: &Shape, b: &Shape) -> (usize, usize, usize, usize) {
        let last = |s: &Shape, transposed: bool| {
            let (r, c) = (s[s.rank() - 2], s[s.rank() - 1]);
            if transposed { (c, r) } else { (r, c) }
        };
        let ((m, ka), (kb, n)) = (last(a, self.transpose_a), last(b, self.transpose_b));
        (m, ka, kb, n)
    }

    fn product(&self, a: &Shape, b: &Shape) -> Product {
        let (m, k, _, n) = self.dims(a, b);
        let a_strides = if self.transpose_a { (1, m) } else { (k, 1) };
        let b_strides = if self.transpose_b { (1, k) } else { (n, 1) };
        let (a_batch, b_batch) = (&a[..a.rank() - 2], &b[..b.rank() - 2]);
        if b_batch.iter().product::<usize>() == 1 && !self.transpose_a {
            // One second operand for all: the first operand's leading axes are more rows.
            let rows = m * a_batch.iter().product::<usize>();
            return Product { m: rows, k, n, batch: vec![(0, 0)], a_strides, b_strides };
        }
        let shape = |s: &[usize]| Shape::new(s).expect("part of a shape that exists");
        let (a_batch, b_batch) = (shape(a_batch), shape(b_batch));
        let all = a_batch.broadcast(&b_batch).expect("checked by the shape rule");
        let offsets = |own: &Shape, item: usize| offsets_of(own, &all, item);
        let batch = offsets(&a_batch, m * k).into_iter().zip(offsets(&b_batch, k * n)).collect();
        Product { m, k, n, batch, a_strides, b_strides }
    }
}

/// aᵀ·b over all leading axes: the gradient by weights. A sum of many terms is cut into parts, each of which reads its part of the
/// operands once and as a whole, rather than the result into columns, for each of which all of `a` would be read.
pub(super) fn sum_of_products(g: &mut Graph, a: Val, b: Val) -> Result<Val> {
    let (width, of_b) = (g.ty(a).shape[g.ty(a).shape.rank() - 1], g.ty(b).shape[g.ty(b).shape.rank() - 1]);
    let rows = g.ty(a).shape.size() / width.max(1);
    let parts = parts(rows, width, of_b);
    if parts == 1 {
        let (a, b) = (g.reshape(a, Shape::new(&[rows, width])?)?, g.reshape(b, Shape::new(&[rows, of_b])?)?);
        return g.matmul(a, b, true, false);
    }
    let a = g.reshape(a, Shape::new(&[parts, rows / parts, width])?)?;
    let b = g.reshape(b, Shape::new(&[parts, rows / parts, of_b])?)?;
    let products = g.matmul(a, b, true, false)?;
    g.sum(products, &[0], false)
}

/// How many parts of equal length a sum over `rows` is cut into: all parts together are at most half as large as the operands.
pub(super) fn parts(rows: usize, m: usize, n: usize) -> usize {
    let room = rows * (m + n) / (2 * m * n).max(1);
    let good = |parts: &usize| rows.is_multiple_of(*parts) && *parts <= room && rows / parts >= DEEP;
    (2..=MANY_ITEMS).rev().find(good).filter(|&parts| parts >= MANY_ITEMS / 2).unwrap_or(1)
}

/// Items of a batch of products that need no cutting of their own to keep all threads busy.
const MANY_ITEMS: usize = 16;

/// Terms of a part's sums from which on reading its operands once saves more than adding the parts costs.
pub(super) const DEEP: usize = 1024;

/// Rows of a product up to which a part is one tile.
pub(super) const FEW_ROWS: usize = 512;

/// Offset of each batch item of a tensor with leading axes `own`, broadcast to `all`, whose items have `item` elements.
fn offsets_of(own: &Shape, all: &Shape, item: usize) -> Vec<usize> {
    let strides = own.broadcast_strides(all);
    let mut offsets = vec![0];
    for (len, stride) in all.iter().zip(strides) {
        offsets = offsets.iter().flat_map(|o| (0..*len).map(move |i| o + i * stride * item)).collect();
    }
    offsets
}

impl Op for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        std::hash::Hash::hash(self, hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("matmul", inputs, 2)?;
        let (a, b) = (inputs[0], inputs[1]);
        if a.dtype != b.dtype || !a.dtype.is_float() {
            bail!(
                Type,
                "matmul: x1 has dtype {}, x2 has dtype {}; expected one floating-point dtype",
                a.dtype,
                b.dtype
            );
        }
        if a.shape.rank() < 2 || b.shape.rank() < 2 {
            bail!("matmul: x1 of shape {} and x2 of shape {}; expected at least two axes each", a.shape, b.shape);
        }
        let (m, ka, kb, n) = self.dims(&a.shape, &b.shape);
        if ka != kb {
            bail!(
                "matmul: x1 of shape {}{} and x2 of shape {}{}: inner dimensions {ka} and {kb} differ",
                a.shape,
                if self.transpose_a { " (transposed)" } else { "" },
                b.shape,
                if self.transpose_b { " (transposed)" } else { "" },
            );
        }
        let batch = |s: &Shape| Shape::new(&s[..s.rank() - 2]);
        let Some(batch) = batch(&a.shape)?.broadcast(&batch(&b.shape)?) else {
            bail!(
                "matmul: the leading axes of x1 of shape {} and x2 of shape {} cannot be broadcast",
                a.shape,
                b.shape
            );
        };
        let dims: Vec<usize> = batch.iter().copied().chain([m, n]).collect();
        Ok(vec![Ty::new(a.dtype, Shape::new(&dims)?)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None, None]) };
        let (a, b) = (node.inputs[0], node.inputs[1]);
        let (ta, tb) = (self.transpose_a, self.transpose_b);
        let da = if ta { g.matmul(b, d, tb, true)? } else { g.matmul(d, b, false, !tb)? };
        let da = g.sum_to(da, g.ty(a).shape)?;
        let (a_shape, b_shape) = (g.ty(a).shape, g.ty(b).shape);
        let db = if b_shape.rank() == 2 && a_shape.rank() > 2 && !ta {
            // One weight for all leading axes: a single product over all rows instead of a batch that is summed.
            if tb { sum_of_products(g, d, a)? } else { sum_of_products(g, a, d)? }
        } else {
            if tb { g.matmul(d, a, true, ta)? } else { g.matmul(a, d, !ta, false)? }
        };
        Ok(vec![Some(da), Some(g.sum_to(db, b_shape)?)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let product = self.product(&cx.inputs[0].shape, &cx.inputs[1].shape);
        if cx.inputs[0].dtype == DType::F64 { Ok(lower_f64(product)) } else { Ok(lower_f32(cx, product, None)) }
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::Contraction(self)
    }
}

impl Contraction for MatMul {
    fn accepts_consumer(&self, inputs: &[Ty]) -> bool {
        inputs[0].dtype == DType::F32 && self.product(&inputs[0].shape, &inputs[1].shape).batch.len() == 1
    }

    fn weights(&self, inputs: &[Ty]) -> Option<usize> {
        (!self.transpose_b && inputs[1].shape.rank() == 2).then_some(1)
    }

    fn summed(&self, inputs: &[Ty]) -> Option<[usize; 2]> {
        let (a, b) = (inputs[0].shape.rank(), inputs[1].shape.rank());
        Some([a - 1 - usize::from(self.transpose_a), b - 2 + usize::from(self.transpose_b)])
    }

    fn product(&self) -> Option<MatMul> {
        Some(*self)
    }

    fn accepts_columns(&self, inputs: &[Ty]) -> bool {
        const MOST: usize = 512;
        let p = self.product(&inputs[0].shape, &inputs[1].shape);
        // The result's own shape says how it is cut into chunks, and only of a matrix is that certain to be p.n columns wide.
        Shape::new(&[p.m, p.n]).is_ok_and(|s| inputs[0].shape.rank() == 2 && Chunks::of(&s).chunk <= MOST)
    }

    fn lower_with(&self, cx: &LowerCx<'_>, consumer: Option<TileConsumer>) -> Result<Lowered> {
        let product = self.product(&cx.inputs[0].shape, &cx.inputs[1].shape);
        Ok(lower_f32(cx, product, consumer))
    }

    fn packing(&self, isa: Isa, inputs: &[Ty]) -> Option<Packing> {
        if !self.accepts_consumer(inputs) {
            return None;
        }
        pack_second(isa, self.product(&inputs[0].shape, &inputs[1].shape))
    }
}

/// The layout in which the second of two matrices is read fastest, unless that is as it lies.
pub(super) fn pack_second(isa: Isa, p: Product) -> Option<Packing> {
    // A few rows read the second operand once, as it lies.
    if p.m < PACK_ROWS {
        return None;
    }
    let len = packed_len(isa, p.k, p.n);
    let layout = key_of(&("panels", isa, p.k, p.n, p.b_strides));
    let pack = move |from: &[u8], to: &mut [u8]| {
        pack_b(isa, MatRef::new(cast(from), p.k, p.n, p.b_strides.0, p.b_strides.1), cast_mut(to));
    };
    Some(Packing { operand: 1, layout, bytes: 4 * len, pack: Arc::new(pack) })
}

/// Rows of the first operand from which a packed second operand pays.
const PACK_ROWS: usize = 8;

/// Rows of a weight gradient that one tile updates: with the rows of the state they stay in L2.
const UPDATE_TILE: usize = 16 * 1024;

/// Terms of a weight gradient's sums from which on reading the operands takes longer than the update, however its tiles lie.
const UPDATE_DEPTH: usize = 1024;

pub(super) fn lower_f32(cx: &LowerCx<'_>, p: Product, consumer: Option<TileConsumer>) -> Lowered {
    let (isa, packed) = (cx.isa, cx.packed);
    let finish = Finish::new(consumer, 2);
    let (tile_rows, tile_cols) = if finish.is_update() && p.k <= UPDATE_DEPTH {
        // Updates stream the state: whole rows, which are contiguous.
        ((UPDATE_TILE / p.n.max(1)).next_multiple_of(8).max(8), p.n.max(1))
    } else if p.batch.len() >= MANY_ITEMS / 2 && p.k >= DEEP && p.m <= FEW_ROWS {
        (p.m.max(1), p.n.max(1))
    } else {
        let t = tiling(isa, p.m, p.k, p.n);
        (t.rows.next_multiple_of(finish.chunk()), t.cols)
    };
    let blocks = blocks(&p, tile_rows, tile_cols);
    let tiles = blocks.iter().map(|b| finish.rects(b.rect(&p), &b.place())).collect();
    let gemm_scratch = gemm_scratch_len(isa, tile_rows.min(p.m), p.k, tile_cols.min(p.n)).next_multiple_of(16);
    let scratch = 4 * gemm_scratch + finish.scratch_len(tile_rows.min(p.m) * tile_cols.min(p.n));
    let (cost, flops) = (cost(&p), flops(&p));
    let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let block = &blocks[tile];
        let (a, b) = (io.input::<f32>(0), io.input::<f32>(1));
        let (a_offset, b_offset) = p.batch[block.item];
        let a = MatRef::new(&a[a_offset..], p.m, p.k, p.a_strides.0, p.a_strides.1).sub(block.rows.clone(), 0..p.k);
        let b = if packed {
            MatB::Packed(PackedRef::new(isa, b, p.k, p.n).cols(block.cols.clone()))
        } else {
            let b = MatRef::new(&b[b_offset..], p.k, p.n, p.b_strides.0, p.b_strides.1);
            MatB::Strided(b.sub(0..p.k, block.cols.clone()))
        };
        let (pack, rest) = io.scratch::<u8>(scratch).split_at_mut(4 * gemm_scratch);
        // Fused products are never batched, so the tile's place in the matrix is its place in the result.
        finish.run(io, &block.place(), rest, |c, epilogue| gemm_f32(isa, a, b, c, epilogue, cast_mut(pack)));
    });
    Lowered { tiles, body, scratch, cost, flops, ..Lowered::default() }
}

fn lower_f64(p: Product) -> Lowered {
    let blocks = blocks(&p, 16, p.n.max(1));
    let tiles = blocks.iter().map(|b| vec![b.rect(&p)]).collect();
    let (cost, flops) = (20.0 * cost(&p), flops(&p));
    let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let block = &blocks[tile];
        let (a_offset, b_offset) = p.batch[block.item];
        let a = MatRef::new(&io.input::<f64>(0)[a_offset..], p.m, p.k, p.a_strides.0, p.a_strides.1);
        let b = MatRef::new(&io.input::<f64>(1)[b_offset..], p.k, p.n, p.b_strides.0, p.b_strides.1);
        gemm_f64(a.sub(block.rows.clone(), 0..p.k), b.sub(0..p.k, block.cols.clone()), io.output(0), false);
    });
    Lowered { tiles, body, cost, flops, ..Lowered::default() }
}

/// Nanoseconds: 100 GFLOP/s, or the operands at 20 GB/s.
fn cost(p: &Product) -> f64 {
    let bytes = 4.0 * (p.m * p.k + p.k * p.n + p.m * p.n) as f64;
    20.0 + (flops(p) * 0.01).max(p.batch.len() as f64 * bytes * 0.05)
}

/// A multiplication and an addition for each term.
fn flops(p: &Product) -> f64 {
    2.0 * (p.batch.len() * p.m * p.k * p.n) as f64
}

/// A rectangle of one batch item's result.
struct Block {
    item: usize,
    rows: std::ops::Range<usize>,
    cols: std::ops::Range<usize>,
}

impl Block {
    fn rect(&self, p: &Product) -> Rect {
        let start = self.item * p.m * p.n + self.rows.start * p.n + self.cols.start;
        Rect { start, rows: self.rows.len(), cols: self.cols.len(), stride: p.n }
    }

    /// Its place in the result.
    fn place(&self) -> tiles::Block {
        tiles::Block { rows: self.rows.clone(), cols: self.cols.clone() }
    }
}

fn blocks(p: &Product, rows: usize, cols: usize) -> Vec<Block> {
    let spans = |n: usize, step: usize| (0..n.div_ceil(step.max(1))).map(move |i| i * step..n.min((i + 1) * step));
    let items = 0..p.batch.len();
    items
        .flat_map(|item| {
            spans(p.m, rows).flat_map(move |r| spans(p.n, cols).map(move |c| Block { item, rows: r.clone(), cols: c }))
        })
        .collect()
}
