//! The gradient by the kernel of one channel, with vectors of pixels: channels of the output, of which there are often few, would leave
//! lanes empty, and the taps of a row are too few chains of multiply-adds. Some rows of x are copied between zeros, and the same rows
//! of dy channel by channel; each vector of x then meets several channels, and the lanes of the sums are added up at the end.

use std::ops::Range;

use crate::gemm::block_of;
use crate::gemm::levels::Tiles;
use crate::gemm::micro::load;
use crate::mem::TileMut;
use crate::unroll::unrolled;

use super::ConvGeometry;

/// Adds products of pixels to the sums of T taps of a row and C channels.
///
/// # Safety
/// What the rows name is valid, and the sums are the caller's alone.
pub(crate) type PixelSum<S> = unsafe fn(S, &Lines);

/// Rows of x and dy that meet, and the sums that their products are added to.
pub(crate) struct Lines {
    /// Rows of x, each of `vectors` vectors and the taps beyond them.
    x: *const f32,
    x_stride: usize,
    /// Rows of dy of `vectors` vectors, `dy_channel` further those of the next channel.
    dy: *const f32,
    dy_stride: usize,
    dy_channel: usize,
    rows: usize,
    vectors: usize,
    /// A vector for each channel, `tap` further those of the next tap.
    sums: *mut f32,
    tap: usize,
}

/// The sum for `C` channels, at most 6, and `T` taps, at most 5. Compiled per level, called through a table.
///
/// # Safety
/// As [`PixelSum`].
pub(crate) unsafe fn pixel_sum<S: Tiles, const C: usize, const T: usize>(s: S, lines: &Lines) {
    const { assert!(0 < C && C <= 6 && 0 < T && T <= 5) };
    s.vectorize(
        #[inline(always)]
        || {
            // SAFETY: the caller's promise is passed on.
            unsafe { sum::<S, C, T>(s, lines) }
        },
    )
}

/// # Safety
/// As [`PixelSum`].
#[inline(always)]
unsafe fn sum<S: Tiles, const C: usize, const T: usize>(s: S, l: &Lines) {
    let mut acc = [[s.zero(); T]; C];
    // SAFETY: rows, vectors, channels and taps are counted as the caller vouches for them.
    unsafe {
        unrolled!(K < C in 0 1 2 3 4 5 => {
            unrolled!(J < T in 0 1 2 3 4 => { acc[K][J] = s.load_ptr(l.sums.add(J * l.tap + K * S::LANES)) });
        });
        for row in 0..l.rows {
            let (x, dy) = (l.x.add(row * l.x_stride), l.dy.add(row * l.dy_stride));
            for at in (0..l.vectors).map(|v| v * S::LANES) {
                let mut v = [s.zero(); T];
                unrolled!(J < T in 0 1 2 3 4 => { v[J] = s.load_ptr(x.add(at + J)) });
                unrolled!(K < C in 0 1 2 3 4 5 => {
                    let d = s.load_ptr(dy.add(K * l.dy_channel + at));
                    unrolled!(J < T in 0 1 2 3 4 => { acc[K][J] = s.fma(v[J], d, acc[K][J]) });
                });
            }
        }
        unrolled!(K < C in 0 1 2 3 4 5 => {
            unrolled!(J < T in 0 1 2 3 4 => { s.store_ptr(l.sums.add(J * l.tap + K * S::LANES), acc[K][J]) });
        });
    }
}

/// Elements of dy that are turned into rows of channels at a time: they stay in L1 beside those of x.
const TURNED: usize = 6 * 1024;

/// Where things lie in scratch.
pub(super) struct Layout {
    /// Channels of dy that a sum takes at most.
    most: usize,
    /// Rows of dy at a time.
    lines: usize,
    /// Elements of a row of dy, and of x.
    dy_row: usize,
    x_row: usize,
    /// Elements of the sums, and of the rows of x.
    sums: usize,
    x: usize,
    /// Elements of all.
    pub len: usize,
}

/// The layout at a level, if it computes the gradient: by shape and level alone. Rows must fill most of their vectors.
pub(super) fn layout<S: Tiles>(_: S, g: &ConvGeometry) -> Option<Layout> {
    let (taps, dy_row) = (g.kernel[2], g.output[2].next_multiple_of(S::LANES));
    let dense = [1, 2].iter().all(|&a| g.strides[a] == 1 && g.dilation[a] == 1);
    let full = 4 * g.output[2] >= 3 * dy_row && g.pad[2] < taps;
    let most = (1..=6).rev().find(|&n| S::pixel_sum(n, taps).is_some())?;
    if g.c_in != 1 || g.c_out == 0 || g.c_out > 4 * S::LANES || !dense || !full {
        return None;
    }
    let lines = (TURNED / (g.c_out * dy_row)).clamp(1, g.output[1].max(1));
    let x_row = dy_row + S::LANES;
    let (sums, x) = (g.taps() * g.c_out * S::LANES, (lines + g.kernel[1] - 1) * x_row);
    let len = sums + x + lines * g.c_out * dy_row;
    Some(Layout { most, lines, dy_row, x_row, sums, x, len })
}

/// As [`conv_kernel_sum`](super::conv_kernel_sum).
#[inline(always)]
pub(super) fn run<S: Tiles>(
    s: S,
    g: &ConvGeometry,
    layout: &Layout,
    (x, dy): (&[f32], &[f32]),
    rows: Range<usize>,
    columns: Range<usize>,
    mut dw: TileMut<f32>,
    scratch: &mut [f32],
) {
    let [planes, per_plane, _] = g.output;
    let (sums, scratch) = scratch[..layout.len].split_at_mut(layout.sums);
    let (x_rows, dy_rows) = scratch.split_at_mut(layout.x);
    sums.fill(0.0);
    let mut start = rows.start;
    while start < rows.end {
        let first = start % per_plane;
        let n = layout.lines.min(per_plane - first).min(rows.end - start);
        let (image, plane) = (start / per_plane / planes, start / per_plane % planes);
        turn(s, g, &dy[start * g.output[2] * g.c_out..], n, columns.clone(), (layout.dy_row, layout.lines), dy_rows);
        for k0 in 0..g.kernel[0] {
            let Some(from) = g.at(0, plane, k0) else { continue };
            copy(g, x, (image * g.input[0] + from) * g.input[1], first, n, layout.x_row, x_rows);
            meet(s, g, layout, k0, n, columns.len(), (x_rows, dy_rows), sums);
        }
        start += n;
    }
    for tap in 0..g.taps() {
        for (c, to) in dw.row(tap).iter_mut().enumerate() {
            *to = s.reduce_add(s.load(&sums[(tap * columns.len() + c) * S::LANES..]));
        }
    }
}

/// Copies those columns of `n` rows of dy channel by channel, zeros behind each row. Channels are `lines` rows apart.
#[inline(always)]
fn turn<S: Tiles>(
    s: S,
    g: &ConvGeometry,
    dy: &[f32],
    n: usize,
    columns: Range<usize>,
    (row, lines): (usize, usize),
    to: &mut [f32],
) {
    let pixels = g.output[2];
    assert!(n <= lines && row.is_multiple_of(S::LANES) && row >= pixels, "{n} rows of {pixels} pixels");
    assert!(dy.len() >= n * pixels * g.c_out && columns.end <= g.c_out, "{columns:?} of {n} rows");
    assert!(to.len() >= columns.len() * lines * row, "room for {columns:?}");
    for (line, first) in (0..n).flat_map(|line| (0..row).step_by(S::LANES).map(move |first| (line, first))) {
        for c in columns.clone().step_by(S::LANES) {
            let channels = S::LANES.min(columns.end - c);
            let mut v = [s.zero(); 16];
            let from = dy.as_ptr().wrapping_add((line * pixels + first) * g.c_out + c);
            let to = to.as_mut_ptr().wrapping_add((c - columns.start) * lines * row + line * row + first);
            for (i, v) in v.iter_mut().enumerate().take(S::LANES.min(pixels - first)) {
                // SAFETY: pixel first + i and those channels are in the row.
                *v = unsafe { load(s, from.wrapping_add(i * g.c_out), channels) };
            }
            s.transpose(&mut v);
            for (i, v) in v.iter().enumerate().take(channels) {
                // SAFETY: the row of each channel has whole vectors.
                unsafe { s.store_ptr(to.wrapping_add(i * lines * row), *v) }
            }
        }
    }
}

/// Copies the rows of x, counted from `plane` on, that `n` rows of the outputs from `first` on read, zeros around them.
fn copy(g: &ConvGeometry, x: &[f32], plane: usize, first: usize, n: usize, row: usize, to: &mut [f32]) {
    let (left, size) = (g.pad[2], g.input[2]);
    let len = size.min((g.output[2] + g.kernel[2] - 1).saturating_sub(left));
    for (i, to) in to.chunks_exact_mut(row).take(n + g.kernel[1] - 1).enumerate() {
        to.fill(0.0);
        if let Some(from) = (first + i).checked_sub(g.pad[1]).filter(|&from| from < g.input[1]) {
            to[left..left + len].copy_from_slice(&x[(plane + from) * size..][..len]);
        }
    }
}

/// Adds the products of `n` rows to the sums of the taps of plane `k0` of the kernel.
#[inline(always)]
fn meet<S: Tiles>(
    s: S,
    g: &ConvGeometry,
    layout: &Layout,
    k0: usize,
    n: usize,
    columns: usize,
    (x, dy): (&[f32], &[f32]),
    sums: &mut [f32],
) {
    let (blocks, tap, dy_channel) = (columns.div_ceil(layout.most), columns * S::LANES, layout.lines * layout.dy_row);
    assert!(x.len() >= (n + g.kernel[1] - 1) * layout.x_row && dy.len() >= columns * dy_channel, "rows of x and dy");
    assert!(sums.len() >= g.taps() * tap && n <= layout.lines, "sums of {n} rows");
    for k1 in 0..g.kernel[1] {
        for (first, channels) in (0..blocks).map(|i| block_of(columns, blocks, i)) {
            let sum = S::pixel_sum(channels, g.kernel[2]).expect("a sum, seen by `layout`");
            let at = (k0 * g.kernel[1] + k1) * g.kernel[2] * tap + first * S::LANES;
            let lines = Lines {
                x: x[k1 * layout.x_row..].as_ptr(),
                x_stride: layout.x_row,
                dy: dy[first * dy_channel..].as_ptr(),
                dy_stride: layout.dy_row,
                dy_channel,
                rows: n,
                vectors: layout.dy_row / S::LANES,
                sums: sums[at..].as_mut_ptr(),
                tap,
            };
            // SAFETY: the rows that taps k1 of x read and those of the channels are there, as asserted; a row of x has a vector more
            // than one of dy, for its at most 5 taps; the sums have all taps of all channels.
            unsafe { sum(s, &lines) }
        }
    }
}
