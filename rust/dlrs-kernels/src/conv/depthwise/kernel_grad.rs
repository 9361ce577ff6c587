//! The gradient by the kernel.

use std::ops::Range;

use crate::dispatch;
use crate::gemm::{block_of, load, store};
use crate::isa::{Isa, Simd};
use crate::mem::TileMut;

use super::super::ConvGeometry;
use super::pixels::{Ahead, Channels};
use super::walk::{Tap, Walk};

/// Taps whose sums are held in registers: those of a 3×3 kernel. With two vectors each they fill the AVX-512 level's registers.
const TAPS: usize = 9;

/// dw from those rows of the outputs of all images alone, from x and dy.
///
/// # Panics
/// If the convolution is not depthwise, a slice does not have its size, or `dw` is not contiguous.
pub fn depthwise_kernel_grad(
    isa: Isa,
    g: &ConvGeometry,
    x: &[f32],
    dy: &[f32],
    rows: Range<usize>,
    mut dw: TileMut<f32>,
) {
    assert!(g.is_depthwise(), "not depthwise: {g:?}");
    assert_eq!((x.len(), dy.len()), (g.n * g.image_in(), g.n * g.image_out()), "input and gradient of the output");
    let (walk, dw) = (Walk::forward(g), dw.as_slice());
    walk.check(&rows, rows.len() * walk.row_len(g.c_out), g.c_out);
    assert_eq!(dw.len(), g.kernel_len(), "gradient of the kernel");
    dw.fill(0.0);
    if x.is_empty() {
        return;
    }
    match g.multiplier() {
        1 => dispatch!(isa, s => sum_rows::<_, false>(s, g, &walk, x, dy, rows, dw)),
        _ => dispatch!(isa, s => sum_rows::<_, true>(s, g, &walk, x, dy, rows, dw)),
    }
}

/// A span of a row: pixels read and multiplied by pixels of dy.
struct Run<'a> {
    taps: &'a [Tap],
    pixels: usize,
    /// Elements to the next pixel, in x and dy.
    steps: (usize, usize),
    channels: usize,
    multiplier: usize,
}

#[inline(always)]
fn sum_rows<S: Simd, const SPREAD: bool>(
    s: S,
    g: &ConvGeometry,
    walk: &Walk,
    x: &[f32],
    dy_all: &[f32],
    rows: Range<usize>,
    dw: &mut [f32],
) {
    let row_len = walk.row_len(g.c_out);
    let mut taps = Vec::new();
    for (row, dy) in rows.clone().zip(dy_all[rows.start * row_len..].chunks_exact(row_len.max(1))) {
        let steps = ahead_steps(s, g);
        let after = (row + 1) * row_len..((row + 2) * row_len).min(dy_all.len());
        let mut ahead =
            [Ahead::new(&x[walk.ahead(row, g.c_in)], steps), Ahead::new(dy_all.get(after).unwrap_or(&[]), steps)];
        for span in &walk.spans {
            walk.taps(row, span, g.c_in, g.c_out, &mut taps);
            let chunks = taps.len().div_ceil(TAPS);
            for i in 0..chunks {
                let (first, n) = block_of(taps.len(), chunks, i);
                let run = Run {
                    taps: &taps[first..first + n],
                    pixels: span.pixels,
                    steps: (walk.steps.from * g.c_in, g.c_out),
                    channels: g.c_out,
                    multiplier: g.multiplier(),
                };
                let dy = &dy[span.first * g.c_out..];
                // SAFETY: the walk's taps lie in x and dw for every pixel of the span, and its pixels in the row of dy: sizes were
                // checked by the caller.
                unsafe { sum_run::<S, SPREAD>(s, &run, &mut ahead, x.as_ptr(), dy.as_ptr(), dw.as_mut_ptr()) }
            }
        }
    }
}

/// # Safety
/// For each pixel and tap of the run, the channels are valid for reads in x and dy, and the tap's for writes in dw.
#[inline(always)]
unsafe fn sum_run<S: Simd, const SPREAD: bool>(
    s: S,
    run: &Run,
    ahead: &mut [Ahead; 2],
    x: *const f32,
    dy: *const f32,
    dw: *mut f32,
) {
    // SAFETY: the caller's promise is passed on; the number of taps is matched.
    unsafe {
        match run.taps.len() {
            1 => sum_taps::<S, 1, SPREAD>(s, run, ahead, x, dy, dw),
            2 => sum_taps::<S, 2, SPREAD>(s, run, ahead, x, dy, dw),
            3 => sum_taps::<S, 3, SPREAD>(s, run, ahead, x, dy, dw),
            4 => sum_taps::<S, 4, SPREAD>(s, run, ahead, x, dy, dw),
            5 => sum_taps::<S, 5, SPREAD>(s, run, ahead, x, dy, dw),
            6 => sum_taps::<S, 6, SPREAD>(s, run, ahead, x, dy, dw),
            7 => sum_taps::<S, 7, SPREAD>(s, run, ahead, x, dy, dw),
            8 => sum_taps::<S, 8, SPREAD>(s, run, ahead, x, dy, dw),
            _ => sum_taps::<S, TAPS, SPREAD>(s, run, ahead, x, dy, dw),
        }
    }
}

/// Channels at a time.
#[inline(always)]
fn wide<S: Simd>(spread: bool) -> usize {
    if S::LANES == 16 && !spread { 2 * S::LANES } else { S::LANES }
}

/// Steps over pixels in a row.
#[inline(always)]
fn ahead_steps<S: Simd>(_: S, g: &ConvGeometry) -> usize {
    let chunks = g.taps().div_ceil(TAPS);
    g.output[2] * g.c_out.div_ceil(wide::<S>(g.multiplier() > 1)) * chunks
}

/// # Safety
/// As [`sum_run`], for a run of `T` taps.
#[inline(always)]
unsafe fn sum_taps<S: Simd, const T: usize, const SPREAD: bool>(
    s: S,
    run: &Run,
    ahead: &mut [Ahead; 2],
    x: *const f32,
    dy: *const f32,
    dw: *mut f32,
) {
    let wide = wide::<S>(SPREAD);
    let whole = run.channels - run.channels % wide;
    // SAFETY: columns up to `channels` exist.
    unsafe {
        for c in (0..whole).step_by(wide) {
            if wide > S::LANES {
                columns::<S, T, 2, SPREAD>(s, run, (c, S::LANES), ahead, x, dy, dw);
            } else {
                columns::<S, T, 1, SPREAD>(s, run, (c, S::LANES), ahead, x, dy, dw);
            }
        }
        for c in (whole..run.channels).step_by(S::LANES) {
            columns::<S, T, 1, SPREAD>(s, run, (c, (run.channels - c).min(S::LANES)), ahead, x, dy, dw);
        }
    }
}

/// # Safety
/// As [`sum_run`], for a run of `T` taps and `NV` vectors of `n` channels from `c`; more than one only of whole vectors.
#[inline(always)]
unsafe fn columns<S: Simd, const T: usize, const NV: usize, const SPREAD: bool>(
    s: S,
    run: &Run,
    (c, n): (usize, usize),
    ahead: &mut [Ahead; 2],
    x: *const f32,
    dy: *const f32,
    dw: *mut f32,
) {
    let taps: &[Tap; T] = run.taps.try_into().expect("matched by the caller");
    let mut channels = [Channels::new::<SPREAD>(s, run.multiplier, c, n); NV];
    for j in 1..NV {
        channels[j] = Channels::new::<SPREAD>(s, run.multiplier, c + j * S::LANES, n);
    }
    let mut acc = [[s.zero(); NV]; T];
    // SAFETY: channels of pixels and taps that the caller vouches for.
    unsafe {
        for t in 0..T {
            for j in 0..NV {
                acc[t][j] = load(s, dw.add(taps[t].kernel + c + j * S::LANES), n);
            }
        }
        let mut from = [x; T];
        for t in 0..T {
            from[t] = x.add(taps[t].from);
        }
        for p in 0..run.pixels {
            let mut d = [s.zero(); NV];
            for j in 0..NV {
                d[j] = load(s, dy.add(p * run.steps.1 + c + j * S::LANES), n);
            }
            ahead.iter_mut().for_each(Ahead::step);
            for t in 0..T {
                for j in 0..NV {
                    let v = channels[j].read::<SPREAD>(s, from[t].add(p * run.steps.0));
                    acc[t][j] = s.fma(v, d[j], acc[t][j]);
                }
            }
        }
        for t in 0..T {
            for j in 0..NV {
                store(s, dw.add(taps[t].kernel + c + j * S::LANES), n, acc[t][j]);
            }
        }
    }
}
