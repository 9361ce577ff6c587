//! Rows times a matrix, where a mask allows them.

use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

use dlrs_kernels::gemm::{Epilogue, MatB, MatRef, PackedRef, gemm_f32, gemm_f64, gemm_scratch_most};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Body, Rect, TileIo, TileMut};

use super::super::matmul::{Product, pack_second};
use super::super::tiles::spans;
use super::super::{Contraction, FusionClass, LowerCx, Lowered, NodeRef, Op, Packing, TileConsumer, arity};
use super::{
    MaskedProduct, Piece, copied_rows, copy_rows, live_rows, masked_sum, masked_sum_of_products, pieces, runs,
};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// What becomes of the rows that the mask denies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Rest {
    /// They are zeros.
    Zero,
    /// They are not written: who reads the result must leave them out, too.
    Left,
}

/// x·W + b for the rows of x that a mask allows.
///
/// Operands: x (.., k), W (k, n), or (n, k) if it is to be transposed, b (n) if there is a bias, and the mask (..).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MaskedMatMul {
    /// Whether W is transposed.
    pub transpose_b: bool,
    /// Whether there is a bias.
    pub bias: bool,
    /// The other rows.
    pub rest: Rest,
}

/// Rows, terms of a sum, columns.
#[derive(Clone, Copy)]
struct Sizes {
    rows: usize,
    k: usize,
    n: usize,
}

impl MaskedMatMul {
    fn sizes(self, inputs: &[Ty]) -> Sizes {
        let (x, w) = (inputs[0].shape, inputs[1].shape);
        let k = x[x.rank() - 1];
        let rows = x[..x.rank() - 1].iter().product();
        Sizes { rows, k, n: w[usize::from(!self.transpose_b)] }
    }

    /// (k, column) strides of W.
    fn strides(self, sizes: Sizes) -> (usize, usize) {
        if self.transpose_b { (1, sizes.k) } else { (sizes.n, 1) }
    }
}

impl Op for MaskedMatMul {
    fn name(&self) -> &'static str {
        "masked_matmul"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity(self.name(), inputs, 3 + usize::from(self.bias))?;
        let (x, w, mask) = (inputs[0], inputs[1], inputs[inputs.len() - 1]);
        if !x.dtype.is_float() || inputs[..inputs.len() - 1].iter().any(|other| other.dtype != x.dtype) {
            bail!(Type, "masked_matmul: x has dtype {}; expected all operands in one floating-point dtype", x.dtype);
        }
        if x.shape.rank() == 0 || w.shape.rank() != 2 {
            bail!("masked_matmul: x of shape {} and a matrix of shape {}", x.shape, w.shape);
        }
        let Sizes { k, n, .. } = self.sizes(inputs);
        if w.shape[usize::from(self.transpose_b)] != k {
            bail!("masked_matmul: x of shape {} and a matrix of shape {}: the terms differ", x.shape, w.shape);
        }
        if self.bias && inputs[2].shape[..] != [n] {
            bail!("masked_matmul: bias has shape {}; expected ({n},)", inputs[2].shape);
        }
        let rows = &x.shape[..x.shape.rank() - 1];
        if mask.dtype != DType::Bool || mask.shape[..] != *rows {
            let rows = Shape::new(rows)?;
            bail!("masked_matmul: mask is {} of shape {}; expected bools of shape {rows}", mask.dtype, mask.shape);
        }
        Ok(vec![Ty::new(x.dtype, Shape::new(&[rows, &[n]].concat())?)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None; node.inputs.len()]) };
        let (x, w, mask) = (node.inputs[0], node.inputs[1], node.inputs[node.inputs.len() - 1]);
        let back = MaskedMatMul { transpose_b: !self.transpose_b, bias: false, rest: Rest::Zero };
        let dx = g.push(back, &[d, w, mask])?;
        let dw = if self.transpose_b {
            masked_sum_of_products(g, d, x, mask)?
        } else {
            masked_sum_of_products(g, x, d, mask)?
        };
        let mut grads = vec![Some(dx), Some(dw)];
        if self.bias {
            grads.push(Some(masked_sum(g, d, mask)?));
        }
        grads.push(None);
        Ok(grads)
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        const TILES: usize = 16;
        const ROWS: usize = 32;
        let sizes = self.sizes(cx.inputs);
        let blocks: Vec<Range<usize>> = spans(sizes.rows, sizes.rows.div_ceil(TILES).max(ROWS)).collect();
        let rect = |rows: &Range<usize>| vec![Rect::flat(rows.start * sizes.n, rows.len() * sizes.n)];
        let tiles = blocks.iter().map(rect).collect();
        let flops = 2.0 * (sizes.rows * sizes.k * sizes.n) as f64;
        let lowered = if cx.inputs[0].dtype == DType::F64 {
            Lowered { tiles, body: self.doubles(sizes, blocks), ..Lowered::default() }
        } else {
            let most = copied_rows(sizes.k + sizes.n);
            let rows = blocks.first().map_or(0, Range::len);
            let gemm = scratch_len(cx.isa, rows.max(most), sizes.k, sizes.n);
            let scratch = size_of::<f32>() * (gemm + most * (sizes.k + sizes.n));
            let body = self.singles(cx.isa, cx.packed, sizes, blocks, most);
            Lowered { tiles, body, ..Lowered::default() }.scratch(scratch)
        };
        Ok(lowered.cost(20.0 + 0.01 * flops).flops(flops))
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::Contraction(self)
    }

    fn decompose(&self, g: &mut Graph, inputs: &[Val]) -> Result<Option<Vec<Val>>> {
        let (x, w, mask) = (inputs[0], inputs[1], inputs[inputs.len() - 1]);
        let x = live_rows(g, x, mask)?;
        let mut y = g.matmul(x, w, false, self.transpose_b)?;
        if self.bias {
            y = g.add(y, inputs[2])?;
        }
        Ok(Some(vec![live_rows(g, y, mask)?]))
    }
}

/// Elements of scratch for products of up to so many rows, terms and columns.
pub(super) fn scratch_len(isa: Isa, rows: usize, k: usize, n: usize) -> usize {
    gemm_scratch_most(isa, rows, k, n).next_multiple_of(16)
}

impl Contraction for MaskedMatMul {
    fn accepts_consumer(&self, _: &[Ty]) -> bool {
        false
    }

    fn lower_with(&self, cx: &LowerCx<'_>, _: Option<TileConsumer>) -> Result<Lowered> {
        self.lower(cx)
    }

    fn masked_product(&self) -> Option<MaskedProduct> {
        Some(MaskedProduct::Rows(*self))
    }

    fn packing(&self, isa: Isa, inputs: &[Ty]) -> Option<Packing> {
        let sizes = self.sizes(inputs);
        let product = Product::of_matrices(sizes.rows, sizes.k, sizes.n, self.strides(sizes));
        if inputs[0].dtype == DType::F32 { pack_second(isa, product) } else { None }
    }
}

impl MaskedMatMul {
    /// The body for f32: long runs where they lie, other rows side by side in scratch.
    fn singles(self, isa: Isa, packed: bool, sizes: Sizes, blocks: Vec<Range<usize>>, most: usize) -> Body {
        let Sizes { k, n, .. } = sizes;
        let strides = self.strides(sizes);
        let gemm = scratch_len(isa, blocks.first().map_or(0, Range::len).max(most), k, n);
        Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
            let block = blocks[tile].clone();
            let (x, w, mask) = (io.input::<f32>(0), io.input::<f32>(1), io.input::<u8>(2 + usize::from(self.bias)));
            let w = if packed {
                MatB::Packed(PackedRef::new(isa, w, k, n))
            } else {
                MatB::Strided(MatRef::new(w, k, n, strides.0, strides.1))
            };
            let epilogue = Epilogue { bias: self.bias.then(|| io.input::<f32>(2)), ..Epilogue::default() };
            let (gemm, rest) = io.scratch::<f32>(gemm + most * (k + n)).split_at_mut(gemm);
            let (rows_of_x, products) = rest.split_at_mut(most * k);
            let mut y = io.output::<f32>(0);
            let y = y.as_slice();
            let own = |row: usize| (row - block.start) * n;
            pieces(mask, block.clone(), most, |piece| match piece {
                Piece::Run(run) => {
                    let x = MatRef::row_major(&x[run.start * k..], run.len(), k);
                    let to = &mut y[own(run.start)..own(run.end)];
                    gemm_f32(isa, x, w, TileMut::new(to, run.len(), n, n), &epilogue, gemm);
                }
                Piece::Scattered(rows) => {
                    copy_rows(x, k, 0..k, rows, &mut rows_of_x[..rows.len() * k]);
                    let x = MatRef::row_major(rows_of_x, rows.len(), k);
                    gemm_f32(isa, x, w, TileMut::new(products, rows.len(), n, n), &epilogue, gemm);
                    for (product, &row) in products.chunks_exact(n.max(1)).zip(rows) {
                        y[own(row)..own(row) + n].copy_from_slice(product);
                    }
                }
            });
            self.fill_rest(mask, &block, n, y);
        })
    }

    /// The body for f64.
    fn doubles(self, sizes: Sizes, blocks: Vec<Range<usize>>) -> Body {
        let Sizes { k, n, .. } = sizes;
        let strides = self.strides(sizes);
        Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
            let block = blocks[tile].clone();
            let (x, w, mask) = (io.input::<f64>(0), io.input::<f64>(1), io.input::<u8>(2 + usize::from(self.bias)));
            let (w, bias) = (MatRef::new(w, k, n, strides.0, strides.1), self.bias.then(|| io.input::<f64>(2)));
            let mut y = io.output::<f64>(0);
            let y = y.as_slice();
            for run in runs(mask, block.clone()) {
                let to = &mut y[(run.start - block.start) * n..(run.end - block.start) * n];
                let x = MatRef::row_major(&x[run.start * k..], run.len(), k);
                gemm_f64(x, w, TileMut::new(to, run.len(), n, n), false);
                if let Some(bias) = bias {
                    for row in to.chunks_exact_mut(n.max(1)) {
                        row.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
                    }
                }
            }
            self.fill_rest(mask, &block, n, y);
        })
    }

    fn fill_rest<T: Copy + Default>(self, mask: &[u8], block: &Range<usize>, n: usize, y: &mut [T]) {
        if self.rest == Rest::Zero && n > 0 {
            let denied = mask[block.clone()].iter().zip(y.chunks_exact_mut(n)).filter(|(live, _)| **live == 0);
            denied.for_each(|(_, row)| row.fill(T::default()));
        }
    }
}
