//! The gradient by the kernel with taps of a row that share what they read: each element of x that is broadcast meets the pixels of dy
//! of all of them, which stay in registers as it moves on. Channels of x as rows of a product would broadcast it once for every tap,
//! a load for each multiply-add, and need x between zeros.

use std::ops::Range;

use crate::gemm::block_of;
use crate::gemm::levels::Tiles;
use crate::gemm::micro::{load, store};
use crate::mem::TileMut;
use crate::unroll::unrolled;

use super::ConvGeometry;
use super::kernel_sum::lines_at_a_time;

/// Sums T × C vectors of the gradient: of T taps and C channels of x.
///
/// # Safety
/// What the sum names is valid, and `dw` is the caller's alone.
pub(crate) type TapSum<S> = unsafe fn(S, &Pairs);

/// Pairs of rows of x and dy, and the part of the gradient that the sum of their products is added to.
pub(crate) struct Pairs<'a> {
    /// Pixels `x_stride` apart, the first of `width` in a row at these offsets.
    x: *const f32,
    x_stride: usize,
    x_rows: &'a [usize],
    width: usize,
    /// Pixels of `cols`, at most a vector, `dy_stride` apart, the first of `outputs` in a row at these offsets.
    dy: *const f32,
    dy_stride: usize,
    dy_rows: &'a [usize],
    outputs: usize,
    cols: usize,
    /// The pixel of dy that the first tap takes the first pixel of x to.
    pad: usize,
    /// Elements after which pixels of x and dy are needed next.
    ahead: (usize, usize),
    /// Vectors a `tap_stride` apart for taps, and a `channel_stride` for channels.
    dw: *mut f32,
    tap_stride: usize,
    channel_stride: usize,
}

/// The sum for `C` channels, at most 8, and `T` taps, at most 5. Compiled per level, called through a table.
///
/// # Safety
/// As [`TapSum`].
pub(crate) unsafe fn tap_sum<S: Tiles, const C: usize, const T: usize>(s: S, x: &Pairs) {
    const { assert!(0 < C && C <= 8 && 1 < T && T <= 5) };
    s.vectorize(
        #[inline(always)]
        || {
            // SAFETY: the caller's promise is passed on.
            unsafe { sum::<S, C, T>(s, x) }
        },
    )
}

/// # Safety
/// As [`TapSum`].
#[inline(always)]
unsafe fn sum<S: Tiles, const C: usize, const T: usize>(s: S, p: &Pairs) {
    let mut acc = [[s.zero(); C]; T];
    // SAFETY: pixels are counted as the caller vouches for them.
    unsafe {
        unrolled!(J < T in 0 1 2 3 4 => {
            unrolled!(K < C in 0 1 2 3 4 5 6 7 => {
                acc[J][K] = load(s, p.dw.add(J * p.tap_stride + K * p.channel_stride), p.cols);
            });
        });
        for row in 0..p.x_rows.len() {
            let mut x = p.x.add(*p.x_rows.as_ptr().add(row));
            let dy = p.dy.add(*p.dy_rows.as_ptr().add(row));
            // What the taps see: output q + pad - j at pixel q.
            let mut v = [s.zero(); T];
            unrolled!(J < T in 1 2 3 4 => {
                if let Some(o) = p.pad.checked_sub(J) {
                    v[J] = load(s, dy.add(o * p.dy_stride), p.cols);
                }
            });
            let inside = p.outputs - p.pad;
            let mut next = dy.wrapping_add(p.pad * p.dy_stride);
            for q in 0..p.width {
                s.prefetch_l2(x.wrapping_add(p.ahead.0));
                s.prefetch_l2(next.wrapping_add(p.ahead.1));
                v[0] = if q < inside { load(s, next, p.cols) } else { s.zero() };
                unrolled!(K < C in 0 1 2 3 4 5 6 7 => {
                    let xk = s.splat(*x.add(K));
                    unrolled!(J < T in 0 1 2 3 4 => { acc[J][K] = s.fma(xk, v[J], acc[J][K]) });
                });
                unrolled!(J < T in 4 3 2 1 => { v[J] = v[J - 1] });
                x = x.wrapping_add(p.x_stride);
                next = next.wrapping_add(p.dy_stride);
            }
        }
        unrolled!(J < T in 0 1 2 3 4 => {
            unrolled!(K < C in 0 1 2 3 4 5 6 7 => {
                store(s, p.dw.add(J * p.tap_stride + K * p.channel_stride), p.cols, acc[J][K]);
            });
        });
    }
}

/// The channels of x that the sums of a level take at most, if they compute it: by shape and level alone.
pub(super) fn channels<S: Tiles>(_: S, g: &ConvGeometry) -> Option<usize> {
    let taps = g.kernel[2];
    let dense = g.groups == 1 && g.strides[2] == 1 && g.dilation[2] == 1;
    let near = g.pad[2] < taps && g.output[2] >= taps;
    let most = (1..=8).rev().find(|&n| S::tap_sum(n, taps).is_some())?;
    (dense && near && g.c_in > 1 && 2 * g.c_out > S::LANES).then_some(most)
}

/// As [`conv_kernel_sum`](super::conv_kernel_sum), `most` channels of x at a time. dw holds zeros.
#[inline(always)]
pub(super) fn run<S: Tiles>(
    s: S,
    g: &ConvGeometry,
    most: usize,
    (x, dy): (&[f32], &[f32]),
    rows: Range<usize>,
    columns: Range<usize>,
    mut dw: TileMut<f32>,
) {
    let [rows_in, rows_kernel, rows_out] = g.rows();
    let (row_in, row_out) = (g.input[2] * g.c_in, g.output[2] * g.c_out);
    let (mut x_rows, mut dy_rows) = (Vec::new(), Vec::new());
    let (blocks, taps, stride) = (g.c_in.div_ceil(most), g.kernel[2], dw.stride());
    let step = lines_at_a_time(g);
    for first in rows.clone().step_by(step) {
        for k in 0..rows_kernel {
            x_rows.clear();
            dy_rows.clear();
            for row in first..rows.end.min(first + step) {
                if let Some(from) = g.row(row % rows_out, k) {
                    x_rows.push((row / rows_out * rows_in + from) * row_in);
                    dy_rows.push(row * row_out);
                }
            }
            for column in columns.clone().step_by(S::LANES) {
                for (channel, n) in (0..blocks).map(|i| block_of(g.c_in, blocks, i)) {
                    let cols = S::LANES.min(columns.end - column);
                    // The last tap's rows are the last of those that are written.
                    let mut taps_of =
                        dw.sub(k * taps * g.c_in + channel, column - columns.start, (taps - 1) * g.c_in + n, cols);
                    let pairs = Pairs {
                        x: x[channel..].as_ptr(),
                        x_stride: g.c_in,
                        x_rows: &x_rows,
                        width: g.input[2],
                        dy: dy[column..].as_ptr(),
                        dy_stride: g.c_out,
                        dy_rows: &dy_rows,
                        outputs: g.output[2],
                        cols,
                        pad: g.pad[2],
                        ahead: if k == 0 { (step * g.strides[1] * row_in, step * row_out) } else { (0, 0) },
                        dw: taps_of.as_mut_ptr(),
                        tap_stride: g.c_in * stride,
                        channel_stride: stride,
                    };
                    let sum = S::tap_sum(n, taps).expect("a sum, seen by `channels`");
                    // SAFETY: the rows are rows of x and dy, which have their sizes; the columns and channels are some of theirs; the
                    // first outputs that taps see exist, as `channels` saw; dw has the taps' rows of the channels.
                    unsafe { sum(s, &pairs) }
                }
            }
        }
    }
}
