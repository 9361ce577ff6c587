//! The arithmetic of a window on a piece of the vectors: products of inputs and outputs, and what they move each other by.

use super::windows::DISTINCT;
use crate::isa::{Simd, prefetch_at};

/// The numbers of each row that a tile works on.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct Strip {
    /// Row 0.
    pub start: *mut f32,
    /// Numbers of a row, a multiple of 16; the rows follow one another.
    pub width: usize,
}

impl Strip {
    /// # Safety
    /// The strip has more than `row` rows.
    #[inline(always)]
    unsafe fn row(self, row: u32) -> *mut f32 {
        // SAFETY: the caller vouches for the row.
        unsafe { self.start.add(row as usize * self.width) }
    }
}

/// Numbers of a line of a cache.
const LINE: usize = 16;

/// Fetches rows that will soon be read.
#[inline(always)]
pub(super) fn fetch(x: Strip, rows: &[u32]) {
    for &row in rows {
        let start = x.start.wrapping_add(row as usize * x.width);
        for at in (0..x.width).step_by(LINE) {
            prefetch_at(start.wrapping_add(at));
        }
    }
}

/// Inputs whose products are summed together.
const GROUP: usize = 4;

/// Room for the products of one output with so many inputs: whole groups.
#[inline(always)]
pub(super) fn stride(inputs: usize) -> usize {
    inputs.next_multiple_of(GROUP)
}

/// In the place of a score that there is not: of it neither loss nor slope is left, and its exponential is no subnormal number, with
/// which arithmetic is slow.
const NONE: f32 = -60.0;

/// Products of all `inputs` with all `outputs`, those of one output together, times minus the output's sign, and what sums up to [`NONE`]
/// for as many strips as `parts` says up to a whole group.
///
/// # Safety
/// The rows are rows of `x` and `y`, which nobody writes meanwhile.
#[inline(always)]
pub(super) unsafe fn products<S: Simd>(
    s: S,
    x: Strip,
    inputs: &[u32],
    y: Strip,
    outputs: &[u32],
    signs: &[f32],
    scores: &mut [f32],
    parts: usize,
) {
    let (stride, none) = (stride(inputs.len()), NONE / parts as f32);
    assert!(scores.len() == stride * outputs.len() && signs.len() == outputs.len());
    for first in (0..outputs.len()).step_by(3) {
        let some = (outputs.len() - first).min(3);
        for from in (0..inputs.len()).step_by(GROUP) {
            let group = &inputs[from..(from + GROUP).min(inputs.len())];
            let (outputs, signs) = (&outputs[first..first + some], &signs[first..first + some]);
            let scores = &mut scores[first * stride + from..];
            // SAFETY: as of this function.
            unsafe {
                match (some, group.len()) {
                    (3, 4) => tile::<S, 4, 3>(s, x, group, y, outputs, signs, scores, stride, none),
                    (3, 3) => tile::<S, 3, 3>(s, x, group, y, outputs, signs, scores, stride, none),
                    (3, 2) => tile::<S, 2, 3>(s, x, group, y, outputs, signs, scores, stride, none),
                    (3, _) => tile::<S, 1, 3>(s, x, group, y, outputs, signs, scores, stride, none),
                    (2, 4) => tile::<S, 4, 2>(s, x, group, y, outputs, signs, scores, stride, none),
                    (2, 3) => tile::<S, 3, 2>(s, x, group, y, outputs, signs, scores, stride, none),
                    (2, 2) => tile::<S, 2, 2>(s, x, group, y, outputs, signs, scores, stride, none),
                    (2, _) => tile::<S, 1, 2>(s, x, group, y, outputs, signs, scores, stride, none),
                    (_, 4) => tile::<S, 4, 1>(s, x, group, y, outputs, signs, scores, stride, none),
                    (_, 3) => tile::<S, 3, 1>(s, x, group, y, outputs, signs, scores, stride, none),
                    (_, 2) => tile::<S, 2, 1>(s, x, group, y, outputs, signs, scores, stride, none),
                    _ => tile::<S, 1, 1>(s, x, group, y, outputs, signs, scores, stride, none),
                }
            }
        }
    }
}

/// # Safety
/// As [`products`].
#[inline(always)]
unsafe fn tile<S: Simd, const IN: usize, const OUT: usize>(
    s: S,
    x: Strip,
    inputs: &[u32],
    y: Strip,
    outputs: &[u32],
    signs: &[f32],
    scores: &mut [f32],
    stride: usize,
    none: f32,
) {
    assert!(inputs.len() == IN && outputs.len() == OUT && signs.len() == OUT);
    let mut sums = [[s.zero(); GROUP]; OUT];
    let mut xs = [x.start; IN];
    let mut ys = [y.start; OUT];
    // SAFETY: the rows are rows of the strips, and a row has `width` numbers, a multiple of LANES.
    unsafe {
        for i in 0..IN {
            xs[i] = x.row(inputs[i]);
        }
        for o in 0..OUT {
            ys[o] = y.row(outputs[o]);
        }
        for at in (0..x.width).step_by(S::LANES) {
            let mut v = [s.zero(); OUT];
            for o in 0..OUT {
                v[o] = s.load_ptr(ys[o].add(at));
            }
            for i in 0..IN {
                let u = s.load_ptr(xs[i].add(at));
                for o in 0..OUT {
                    sums[o][i] = s.fma(u, v[o], sums[o][i]);
                }
            }
        }
    }
    for o in 0..OUT {
        let products = s.reduce_add_each(sums[o]);
        let scores = &mut scores[o * stride..][..GROUP];
        for i in 0..GROUP {
            scores[i] = -signs[o] * products[i] + if i < IN { 0.0 } else { none };
        }
    }
}

/// Adds to each input Σ g·output and to each output Σ g·input, with the rows as they were before; of rows that occur twice
/// among the inputs the second occurrence finds what the first one left.
///
/// `slopes` has the g of all inputs for the first output, in whole groups, then those for the second, and so on. `moves` is room for a row of each
/// input.
///
/// # Safety
/// The rows are rows of `x` and `y`, which nobody else touches meanwhile, and any [`DISTINCT`] outputs in a row differ.
#[inline(always)]
pub(super) unsafe fn step<S: Simd>(
    s: S,
    x: Strip,
    inputs: &[u32],
    y: Strip,
    outputs: &[u32],
    slopes: &[f32],
    moves: &mut [f32],
) {
    let stride = stride(inputs.len());
    assert!(slopes.len() == stride * outputs.len() && moves.len() >= inputs.len() * x.width);
    // SAFETY: as of this function.
    unsafe {
        if outputs.len() <= DISTINCT {
            return some_outputs::<S, true, true>(s, x, inputs, y, outputs, slopes, moves);
        }
        let last = (outputs.len() - 1) / DISTINCT;
        for (i, (outputs, slopes)) in outputs.chunks(DISTINCT).zip(slopes.chunks(DISTINCT * stride)).enumerate() {
            if i == 0 {
                some_outputs::<S, true, false>(s, x, inputs, y, outputs, slopes, moves);
            } else if i < last {
                some_outputs::<S, false, false>(s, x, inputs, y, outputs, slopes, moves);
            } else {
                some_outputs::<S, false, true>(s, x, inputs, y, outputs, slopes, moves);
            }
        }
    }
}

/// # Safety
/// As [`step`].
#[inline(always)]
unsafe fn some_outputs<S: Simd, const BEGIN: bool, const END: bool>(
    s: S,
    x: Strip,
    inputs: &[u32],
    y: Strip,
    outputs: &[u32],
    slopes: &[f32],
    moves: &mut [f32],
) {
    // SAFETY: as of this function.
    unsafe {
        match outputs.len() {
            1 => step_of::<S, 1, BEGIN, END>(s, x, inputs, y, outputs, slopes, moves),
            2 => step_of::<S, 2, BEGIN, END>(s, x, inputs, y, outputs, slopes, moves),
            3 => step_of::<S, 3, BEGIN, END>(s, x, inputs, y, outputs, slopes, moves),
            4 => step_of::<S, 4, BEGIN, END>(s, x, inputs, y, outputs, slopes, moves),
            5 => step_of::<S, 5, BEGIN, END>(s, x, inputs, y, outputs, slopes, moves),
            _ => step_of::<S, 6, BEGIN, END>(s, x, inputs, y, outputs, slopes, moves),
        }
    }
}

/// The step for `OUT` outputs. What the inputs move by begins with 0 or with what is in `moves`, and ends in the rows or in `moves`.
///
/// # Safety
/// As [`step`].
#[inline(always)]
unsafe fn step_of<S: Simd, const OUT: usize, const BEGIN: bool, const END: bool>(
    s: S,
    x: Strip,
    inputs: &[u32],
    y: Strip,
    outputs: &[u32],
    slopes: &[f32],
    moves: &mut [f32],
) {
    let stride = stride(inputs.len());
    assert!(outputs.len() == OUT && slopes.len() == OUT * stride && moves.len() >= inputs.len() * x.width);
    // Two vectors of each output, and of what becomes of it, fit into 32 registers and not into 16.
    let wide = if S::LANES == 16 { x.width / 32 * 32 } else { 0 };
    // SAFETY: the strips are as of [`step`], all columns are below `width`, a multiple of LANES, and the slices as long as asserted.
    unsafe {
        for at in (0..wide).step_by(32) {
            columns::<S, OUT, 2, BEGIN, END>(s, x, inputs, y, outputs, slopes, moves, at);
        }
        for at in (wide..x.width).step_by(S::LANES) {
            columns::<S, OUT, 1, BEGIN, END>(s, x, inputs, y, outputs, slopes, moves, at);
        }
    }
}

/// The step in `N` vectors of columns from `at` on.
///
/// # Safety
/// As [`step`], and the columns are columns of the strips.
#[inline(always)]
unsafe fn columns<S: Simd, const OUT: usize, const N: usize, const BEGIN: bool, const END: bool>(
    s: S,
    x: Strip,
    inputs: &[u32],
    y: Strip,
    outputs: &[u32],
    slopes: &[f32],
    moves: &mut [f32],
    at: usize,
) {
    let stride = stride(inputs.len());
    let (slopes, moves) = (slopes.as_ptr(), moves.as_mut_ptr());
    // SAFETY: the caller vouches for rows, columns and lengths.
    unsafe {
        let mut v = [[s.zero(); N]; OUT];
        for o in 0..OUT {
            for n in 0..N {
                v[o][n] = s.load_ptr(y.row(outputs[o]).add(at + n * S::LANES));
            }
        }
        let mut new = v;
        for (i, &row) in inputs.iter().enumerate() {
            let (row, kept) = (x.row(row).add(at), moves.add(i * x.width + at));
            let (mut u, mut change) = ([s.zero(); N], [s.zero(); N]);
            for n in 0..N {
                u[n] = s.load_ptr(row.add(n * S::LANES));
                if !BEGIN {
                    change[n] = s.load_ptr(kept.add(n * S::LANES));
                }
            }
            for o in 0..OUT {
                let g = s.splat(*slopes.add(o * stride + i));
                for n in 0..N {
                    change[n] = s.fma(g, v[o][n], change[n]);
                    new[o][n] = s.fma(g, u[n], new[o][n]);
                }
            }
            for n in 0..N {
                if END {
                    s.store_ptr(row.add(n * S::LANES), s.add(u[n], change[n]));
                } else {
                    s.store_ptr(kept.add(n * S::LANES), change[n]);
                }
            }
        }
        for o in 0..OUT {
            for n in 0..N {
                s.store_ptr(y.row(outputs[o]).add(at + n * S::LANES), new[o][n]);
            }
        }
    }
}

/// The mean of the inputs, into `mean`.
///
/// # Safety
/// The rows are rows of `x`, which nobody writes meanwhile.
#[inline(always)]
pub(super) unsafe fn mean<S: Simd>(s: S, x: Strip, inputs: &[u32], mean: &mut [f32]) {
    let scale = s.splat(1.0 / inputs.len() as f32);
    for at in (0..x.width).step_by(S::LANES) {
        let mut sum = s.zero();
        for &row in inputs {
            // SAFETY: the row is one of the strip's, with `width` numbers, a multiple of LANES.
            sum = unsafe { s.add(sum, s.load_ptr(x.row(row).add(at))) };
        }
        s.store(&mut mean[at..], s.mul(sum, scale));
    }
}

/// Adds `change` to each input.
///
/// # Safety
/// The rows are rows of `x`, which nobody else touches meanwhile.
#[inline(always)]
pub(super) unsafe fn add_to_each<S: Simd>(s: S, x: Strip, inputs: &[u32], change: &[f32]) {
    for &row in inputs {
        for at in (0..x.width).step_by(S::LANES) {
            // SAFETY: the row is one of the strip's, with `width` numbers, a multiple of LANES.
            unsafe {
                let p = x.row(row).add(at);
                s.store_ptr(p, s.add(s.load_ptr(p), s.load(&change[at..])));
            }
        }
    }
}
