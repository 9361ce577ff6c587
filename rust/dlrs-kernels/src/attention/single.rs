//! Attention of one target, as in decoding: each key and each value is read once, in the order in which they lie.

use crate::dispatch;
use crate::gemm::levels::Tiles;
use crate::gemm::{MatRef, load, store};
use crate::isa::Isa;

/// Rows ahead that are fetched while values are read: rows of one head are as far apart as all heads are wide.
const AHEAD: usize = 16;

/// scores\[i\] ← query · row i of `keys`.
///
/// # Panics
/// If sizes do not agree or the keys' columns do not touch.
pub(super) fn dots(isa: Isa, query: &[f32], keys: MatRef<f32>, scores: &mut [f32]) {
    assert!(keys.cols() == query.len() && keys.rows() == scores.len() && touch(&keys), "query, keys and scores");
    dispatch!(isa, s => dots_at(s, query, keys, scores));
}

/// result (+)= Σ weights\[i\] · row i of `values`.
///
/// # Panics
/// If sizes do not agree or the values' columns do not touch.
pub(super) fn weighted_sum(isa: Isa, weights: &[f32], values: MatRef<f32>, result: &mut [f32], accumulate: bool) {
    assert!(values.cols() == result.len() && values.rows() == weights.len() && touch(&values), "weights and values");
    dispatch!(isa, s => weighted_sum_at(s, weights, values, result, accumulate));
}

fn touch(x: &MatRef<f32>) -> bool {
    x.col_stride() == 1 || x.cols() <= 1
}

/// As many products at a time as a vector has lanes: their partial sums are transposed in registers and added up side by side.
#[inline(always)]
fn dots_at<S: Tiles>(s: S, query: &[f32], keys: MatRef<f32>, scores: &mut [f32]) {
    let (stride, last) = (keys.row_stride(), keys.rows().saturating_sub(1));
    for (chunk, to) in scores.chunks_mut(S::LANES).enumerate() {
        let first = chunk * S::LANES;
        let mut sums = [s.zero(); 16];
        for p in (0..query.len()).step_by(S::LANES) {
            let n = (query.len() - p).min(S::LANES);
            // SAFETY: n elements from p on lie in the query and in every row up to the last; what is fetched ahead may lie anywhere.
            unsafe {
                let x = load(s, query.as_ptr().add(p), n);
                for i in 0..S::LANES {
                    let row = keys.as_ptr().add((first + i).min(last) * stride + p);
                    s.prefetch_l2(row.wrapping_add(S::LANES * stride));
                    sums[i] = s.fma(x, load(s, row, n), sums[i]);
                }
            }
        }
        s.transpose(&mut sums);
        let mut width = S::LANES / 2;
        while width > 0 {
            for i in 0..width {
                sums[i] = s.add(sums[i], sums[i + width]);
            }
            width /= 2;
        }
        // SAFETY: `to` has at most as many elements as a vector.
        unsafe { store(s, to.as_mut_ptr(), to.len(), sums[0]) }
    }
}

/// Vectors of the result that are held in registers, twice: even and odd rows are summed apart, to hide the latency of multiply-adds.
const VECTORS: usize = 4;

#[inline(always)]
fn weighted_sum_at<S: Tiles>(s: S, weights: &[f32], values: MatRef<f32>, result: &mut [f32], accumulate: bool) {
    let wide = VECTORS * S::LANES;
    let mut at = 0;
    // SAFETY: the columns from `at` on, as many as are asked for, lie in the result and in every row of the values.
    unsafe {
        while at + wide <= result.len() {
            columns::<S, VECTORS>(s, weights, &values, at, S::LANES, result.as_mut_ptr().add(at), accumulate);
            at += wide;
        }
        while at < result.len() {
            let n = (result.len() - at).min(S::LANES);
            columns::<S, 1>(s, weights, &values, at, n, result.as_mut_ptr().add(at), accumulate);
            at += n;
        }
    }
}

/// V vectors of columns of the sum from column `at` on, the last of `n` columns.
///
/// # Safety
/// The columns lie in every row of `values` and, from `to` on, in memory that may be written; n = LANES if V > 1; there is a row per
/// weight.
#[inline(always)]
unsafe fn columns<S: Tiles, const V: usize>(
    s: S,
    weights: &[f32],
    values: &MatRef<f32>,
    at: usize,
    n: usize,
    to: *mut f32,
    accumulate: bool,
) {
    let (base, stride) = (values.as_ptr().wrapping_add(at), values.row_stride());
    let mut sums = [[s.zero(); V]; 2];
    // SAFETY: the caller's promise; what is fetched ahead may lie anywhere.
    unsafe {
        let row = |i: usize| base.add(i * stride);
        let mut i = 0;
        while i + 2 <= weights.len() {
            for half in 0..2 {
                add_row(s, &mut sums[half], weights[i + half], row(i + half), stride, n);
            }
            i += 2;
        }
        if i < weights.len() {
            add_row(s, &mut sums[0], weights[i], row(i), stride, n);
        }
        for v in 0..V {
            let to = to.add(v * S::LANES);
            let sum = s.add(sums[0][v], sums[1][v]);
            let old = if accumulate { load(s, to, n) } else { s.zero() };
            store(s, to, n, s.add(old, sum));
        }
    }
}

/// sums += weight · the vectors at `row`, the last of `n` elements.
///
/// # Safety
/// The elements may be read.
#[inline(always)]
unsafe fn add_row<S: Tiles, const V: usize>(
    s: S,
    sums: &mut [S::F32; V],
    weight: f32,
    row: *const f32,
    stride: usize,
    n: usize,
) {
    let weight = s.splat(weight);
    for v in 0..V {
        s.prefetch_l2(row.wrapping_add(AHEAD * stride + v * S::LANES));
        // SAFETY: the caller's promise.
        sums[v] = s.fma(weight, unsafe { load(s, row.wrapping_add(v * S::LANES), n) }, sums[v]);
    }
}
