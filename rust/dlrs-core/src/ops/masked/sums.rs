//! Sums of products over the rows that a mask allows: gradients by weights.

use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

use dlrs_kernels::gemm::{Epilogue, MatB, MatRef, gemm_f32, gemm_f64, tiling};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Body, Rect, TileIo};

use super::super::matmul::{DEEP, FEW_ROWS, parts};
use super::super::tiles::{Block, grid};
use super::super::{Contraction, FusionClass, LowerCx, Lowered, NodeRef, Op, TileConsumer, arity, no_gradient};
use super::matmul::scratch_len;
use super::{MaskedProduct, Piece, copied_rows, copy_rows, live_rows, pieces, runs};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// aᵀ·b over the rows that a mask allows, a matrix for each of `parts` equal parts of the rows.
///
/// Operands: a (.., m), b (.., n), the mask (..).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MaskedSums {
    /// How many parts.
    pub parts: usize,
}

/// aᵀ·b over all rows that the mask allows.
///
/// # Errors
/// If the operands do not fit.
pub fn masked_sum_of_products(g: &mut Graph, a: Val, b: Val, mask: Val) -> Result<Val> {
    let width = |v: Val| g.ty(v).shape.last().copied().unwrap_or(0);
    let parts = parts(g.ty(mask).shape.size(), width(a), width(b));
    let sums = g.push(MaskedSums { parts }, &[a, b, mask])?;
    g.sum(sums, &[0], false)
}

/// The sum of all rows that the mask allows.
///
/// # Errors
/// If the operands do not fit.
pub fn masked_sum(g: &mut Graph, x: Val, mask: Val) -> Result<Val> {
    let one = g.scalar_like(x, 1.0)?;
    let (rows, columns) = (g.ty(mask).shape, g.ty(x).shape.last().copied().unwrap_or(0));
    let ones = g.broadcast_to(one, Shape::new(&[&rows[..], &[1]].concat())?)?;
    let sums = masked_sum_of_products(g, ones, x, mask)?;
    g.reshape(sums, Shape::new(&[columns])?)
}

/// Rows of a part, columns of a and of b.
#[derive(Clone, Copy)]
struct Sizes {
    rows: usize,
    m: usize,
    n: usize,
}

impl MaskedSums {
    fn sizes(self, inputs: &[Ty]) -> Sizes {
        let width = |i: usize| inputs[i].shape[inputs[i].shape.rank() - 1];
        Sizes { rows: inputs[2].shape.size() / self.parts, m: width(0), n: width(1) }
    }
}

impl Op for MaskedSums {
    fn name(&self) -> &'static str {
        "masked_sum_of_products"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity(self.name(), inputs, 3)?;
        let (a, b, mask) = (inputs[0], inputs[1], inputs[2]);
        if !a.dtype.is_float() || a.dtype != b.dtype || mask.dtype != DType::Bool {
            bail!(Type, "{}: dtypes {}, {} and {}", self.name(), a.dtype, b.dtype, mask.dtype);
        }
        let fits = |x: Ty| x.shape.rank() > 0 && x.shape[..x.shape.rank() - 1] == mask.shape[..];
        if !fits(a) || !fits(b) || self.parts == 0 || !mask.shape.size().is_multiple_of(self.parts) {
            bail!("{}: operands of shapes {}, {} and a mask of shape {}", self.name(), a.shape, b.shape, mask.shape);
        }
        let Sizes { m, n, .. } = self.sizes(inputs);
        Ok(vec![Ty::new(a.dtype, Shape::new(&[self.parts, m, n])?)])
    }

    fn grad(&self, _: &mut Graph, _: &NodeRef<'_>, _: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient(self.name(), "it is differentiated through its definition")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let sizes = self.sizes(cx.inputs);
        let Sizes { rows, m, n } = sizes;
        let (height, width) = if m <= FEW_ROWS && self.parts > 1 {
            (m, n)
        } else {
            let tiling = tiling(cx.isa, m, rows.max(DEEP), n);
            (tiling.rows, tiling.cols)
        };
        let blocks: Vec<(usize, Block)> =
            (0..self.parts).flat_map(|part| grid(m, n, height, width).into_iter().map(move |b| (part, b))).collect();
        let rect = |(part, block): &(usize, Block)| {
            let rect = block.rect(n);
            vec![Rect { start: part * m * n + rect.start, ..rect }]
        };
        let tiles = blocks.iter().map(rect).collect();
        let flops = 2.0 * (self.parts * rows * m * n) as f64;
        let lowered = if cx.inputs[0].dtype == DType::F64 {
            Lowered { tiles, body: doubles(sizes, blocks), ..Lowered::default() }
        } else {
            let (height, width) = (height.min(m), width.min(n));
            let most = copied_rows(height + width);
            let gemm = scratch_len(cx.isa, height, rows.max(most), width);
            let scratch = gemm + most * (height + width);
            let body = singles(cx.isa, sizes, blocks, most, (gemm, scratch));
            Lowered { tiles, body, ..Lowered::default() }.scratch(size_of::<f32>() * scratch)
        };
        Ok(lowered.cost(20.0 + 0.01 * flops).flops(flops))
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::Contraction(self)
    }

    fn decompose(&self, g: &mut Graph, inputs: &[Val]) -> Result<Option<Vec<Val>>> {
        let rows = g.ty(inputs[2]).shape.size() / self.parts;
        let part = |g: &mut Graph, v: Val| {
            let live = live_rows(g, v, inputs[2])?;
            let width = g.ty(live).shape.last().copied().unwrap_or(0);
            g.reshape(live, Shape::new(&[self.parts, rows, width])?)
        };
        let (a, b) = (part(g, inputs[0])?, part(g, inputs[1])?);
        Ok(Some(vec![g.matmul(a, b, true, false)?]))
    }
}

impl Contraction for MaskedSums {
    fn accepts_consumer(&self, _: &[Ty]) -> bool {
        false
    }

    fn lower_with(&self, cx: &LowerCx<'_>, _: Option<TileConsumer>) -> Result<Lowered> {
        self.lower(cx)
    }

    fn masked_product(&self) -> Option<MaskedProduct> {
        Some(MaskedProduct::Sums(*self))
    }
}

/// The rows of a part.
fn rows_of(part: usize, sizes: Sizes) -> Range<usize> {
    part * sizes.rows..(part + 1) * sizes.rows
}

/// The body for f32: long runs where they lie, other rows side by side in scratch, of which `(for products, all)` is needed.
fn singles(isa: Isa, sizes: Sizes, blocks: Vec<(usize, Block)>, most: usize, scratch: (usize, usize)) -> Body {
    let Sizes { m, n, .. } = sizes;
    Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let (part, block) = &blocks[tile];
        let (a, b, mask) = (io.input::<f32>(0), io.input::<f32>(1), io.input::<u8>(2));
        let (gemm, rest) = io.scratch::<f32>(scratch.1).split_at_mut(scratch.0);
        let (height, width) = (block.rows.len(), block.cols.len());
        let (copy_a, copy_b) = rest.split_at_mut(most * height);
        let mut c = io.output::<f32>(0);
        let mut epilogue = Epilogue::default();
        pieces(mask, rows_of(*part, sizes), most, |piece| {
            let (a, b) = match piece {
                Piece::Run(run) => {
                    let (len, k) = (run.len(), 0..run.len());
                    let a = MatRef::row_major(&a[run.start * m..], len, m).sub(k.clone(), block.rows.clone());
                    (a, MatRef::row_major(&b[run.start * n..], len, n).sub(k, block.cols.clone()))
                }
                Piece::Scattered(rows) => {
                    copy_rows(a, m, block.rows.clone(), rows, &mut copy_a[..rows.len() * height]);
                    copy_rows(b, n, block.cols.clone(), rows, &mut copy_b[..rows.len() * width]);
                    let a = MatRef::row_major(&*copy_a, rows.len(), height);
                    (a, MatRef::row_major(&*copy_b, rows.len(), width))
                }
            };
            gemm_f32(isa, a.t(), MatB::Strided(b), c.sub(0, 0, height, width), &epilogue, gemm);
            epilogue.accumulate = true;
        });
        if !epilogue.accumulate {
            (0..height).for_each(|i| c.row(i).fill(0.0));
        }
    })
}

/// The body for f64.
fn doubles(sizes: Sizes, blocks: Vec<(usize, Block)>) -> Body {
    let Sizes { m, n, .. } = sizes;
    Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let (part, block) = &blocks[tile];
        let (a, b, mask) = (io.input::<f64>(0), io.input::<f64>(1), io.input::<u8>(2));
        let mut c = io.output::<f64>(0);
        (0..c.rows()).for_each(|i| c.row(i).fill(0.0));
        for run in runs(mask, rows_of(*part, sizes)) {
            let k = 0..run.len();
            let a = MatRef::row_major(&a[run.start * m..], run.len(), m).sub(k.clone(), block.rows.clone());
            let b = MatRef::row_major(&b[run.start * n..], run.len(), n).sub(k, block.cols.clone());
            let (rows, cols) = (c.rows(), c.cols());
            gemm_f64(a.t(), b, c.sub(0, 0, rows, cols), true);
        }
    })
}
