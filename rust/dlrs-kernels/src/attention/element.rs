//! Products of matrices for each element type that attention may have.

use super::single;
use crate::gemm::{Epilogue, MatB, MatRef, PackedRef, gemm_f32, gemm_f64, gemm_scratch_len, pack_b, packed_len};
use crate::isa::{Isa, Real};
use crate::mem::TileMut;

/// The right operand of a product.
#[derive(Clone, Copy)]
pub enum Right<'a, T> {
    /// As it lies in memory.
    Plain(MatRef<'a, T>),
    /// Packed: k rows of n columns.
    Packed(&'a [T], usize, usize),
}

/// An element type of attention.
pub trait AttentionElement: Real {
    /// +∞.
    const INFINITY: Self;
    /// Elements of a packed k×n matrix.
    fn packed_len(isa: Isa, k: usize, n: usize) -> usize;
    /// Packs a matrix into the layout in which products read it fastest.
    fn pack(isa: Isa, b: MatRef<Self>, to: &mut [Self]);
    /// Elements of scratch that a product of m×k by k×n needs.
    fn scratch_len(isa: Isa, m: usize, k: usize, n: usize) -> usize;
    /// C (+)= A·B.
    fn multiply(
        isa: Isa,
        a: MatRef<Self>,
        b: Right<'_, Self>,
        c: TileMut<Self>,
        accumulate: bool,
        scratch: &mut [Self],
    );
    /// scores\[i\] ← query · row i of `keys`.
    fn dots(isa: Isa, query: &[Self], keys: MatRef<Self>, scores: &mut [Self]);
    /// result (+)= Σ weights\[i\] · row i of `values`.
    fn weighted_sum(isa: Isa, weights: &[Self], values: MatRef<Self>, result: &mut [Self], accumulate: bool);
}

impl AttentionElement for f32 {
    const INFINITY: f32 = f32::INFINITY;

    fn packed_len(isa: Isa, k: usize, n: usize) -> usize {
        packed_len(isa, k, n)
    }

    fn pack(isa: Isa, b: MatRef<f32>, to: &mut [f32]) {
        pack_b(isa, b, to);
    }

    fn scratch_len(isa: Isa, m: usize, k: usize, n: usize) -> usize {
        gemm_scratch_len(isa, m, k, n)
    }

    fn multiply(isa: Isa, a: MatRef<f32>, b: Right<'_, f32>, c: TileMut<f32>, accumulate: bool, scratch: &mut [f32]) {
        let b = match b {
            Right::Plain(b) => MatB::Strided(b),
            Right::Packed(data, k, n) => MatB::Packed(PackedRef::new(isa, data, k, n)),
        };
        gemm_f32(isa, a, b, c, &Epilogue { accumulate, ..Epilogue::default() }, scratch);
    }

    fn dots(isa: Isa, query: &[f32], keys: MatRef<f32>, scores: &mut [f32]) {
        single::dots(isa, query, keys, scores);
    }

    fn weighted_sum(isa: Isa, weights: &[f32], values: MatRef<f32>, result: &mut [f32], accumulate: bool) {
        single::weighted_sum(isa, weights, values, result, accumulate);
    }
}

impl AttentionElement for f64 {
    const INFINITY: f64 = f64::INFINITY;

    fn packed_len(_: Isa, k: usize, n: usize) -> usize {
        k * n
    }

    fn pack(_: Isa, b: MatRef<f64>, to: &mut [f64]) {
        for i in 0..b.rows() {
            for j in 0..b.cols() {
                to[i * b.cols() + j] = b.at(i, j);
            }
        }
    }

    fn scratch_len(_: Isa, _: usize, _: usize, _: usize) -> usize {
        0
    }

    fn multiply(_: Isa, a: MatRef<f64>, b: Right<'_, f64>, c: TileMut<f64>, accumulate: bool, _: &mut [f64]) {
        let b = match b {
            Right::Plain(b) => b,
            Right::Packed(data, k, n) => MatRef::row_major(data, k, n),
        };
        gemm_f64(a, b, c, accumulate);
    }

    fn dots(_: Isa, query: &[f64], keys: MatRef<f64>, scores: &mut [f64]) {
        gemm_f64(MatRef::row_major(query, 1, query.len()), keys.t(), TileMut::flat(scores), false);
    }

    fn weighted_sum(_: Isa, weights: &[f64], values: MatRef<f64>, result: &mut [f64], accumulate: bool) {
        gemm_f64(MatRef::row_major(weights, 1, weights.len()), values, TileMut::flat(result), accumulate);
    }
}
