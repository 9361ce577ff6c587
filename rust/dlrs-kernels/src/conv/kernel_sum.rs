//! The gradient by the kernel in single precision, of some rows of the outputs.
//!
//! dw\[k\] = Σ x̂ᵀ·dy with the reduction over pixels: rows of the register tile are channels of the input, columns those of the output,
//! and nothing is packed (Georganas et al. 2018, arXiv 1808.05567, §II.J). Without dilation the taps of a kernel row touch in x̂ as in dw,
//! and make one longer run of rows. A few rows of pixels at a time meet all taps while they are in cache; rows of x that padding
//! surrounds are copied between zeros first.

use std::ops::Range;

use crate::dispatch;
use crate::gemm::block_of;
use crate::gemm::levels::{Tiles, panel};
use crate::gemm::micro::{Block, Rows};
use crate::isa::Isa;
use crate::mem::TileMut;

use super::{ConvGeometry, pixel_sum, tap_sum};

/// Pixels that are summed between two visits of dw: their part of a panel of dy and of a block of x stay in L1.
const PIXELS: usize = 256;

/// Bytes of dw that a tile visits at most: it stays in L2.
const TILE_BYTES: usize = 512 * 1024;

/// How wide the blocks of output channels are that separate tiles sum.
pub fn kernel_sum_columns(g: &ConvGeometry) -> usize {
    let column = g.taps() * g.group_in() * size_of::<f32>();
    let most = (TILE_BYTES / column.max(1)).max(PANEL) / PANEL * PANEL;
    let blocks = g.c_out.div_ceil(most).max(1);
    if g.groups > 1 { g.c_out } else { g.c_out.div_ceil(blocks).next_multiple_of(PANEL).min(g.c_out) }
}

/// Columns of the widest register tile.
const PANEL: usize = 32;

/// Elements of scratch that [`conv_kernel_sum`] needs.
pub fn kernel_sum_scratch_len(isa: Isa, g: &ConvGeometry) -> usize {
    dispatch!(isa, s => match pixel_sum::layout(s, g) {
        Some(layout) => layout.len,
        None if tap_sum::channels(s, g).is_some() => 0,
        None => scratch_len(s, g),
    })
}

#[inline(always)]
fn scratch_len<S: Tiles>(_: S, g: &ConvGeometry) -> usize {
    let lines = lines_at_a_time(g);
    let reach = (lines - 1) * g.strides[1] + (g.kernel[1] - 1) * g.dilation[1] + 1;
    // In the worst case every line is of another image.
    let rows = reach.max(lines * ((g.kernel[1] - 1) * g.dilation[1] + 1)).min(lines * g.input[1]);
    let x = if is_padded(g) { rows * width(g) * g.c_in } else { 0 };
    let dy = if g.group_out().is_multiple_of(S::LANES) {
        0
    } else {
        lines * g.output[2] * g.groups * g.group_out().next_multiple_of(S::LANES)
    };
    x + dy
}

/// Rows of pixels that meet all taps before the next.
pub(super) fn lines_at_a_time(g: &ConvGeometry) -> usize {
    (PIXELS / g.output[2].max(1)).max(1)
}

/// Columns of x̂ that a row of outputs reads.
fn width(g: &ConvGeometry) -> usize {
    (g.output[2].max(1) - 1) * g.strides[2] + (g.kernel[2] - 1) * g.dilation[2] + 1
}

/// Whether the taps of a kernel row are one run of rows. Where outputs step over the input, zeros would fill such a run.
fn is_joined(g: &ConvGeometry) -> bool {
    g.dilation[2] == 1 && g.groups == 1 && (g.output[2] < 2 || g.strides[2] <= g.input[2])
}

/// Whether rows of x are copied between zeros: taps that are one run read the same columns, padding included, and others those inside.
fn is_padded(g: &ConvGeometry) -> bool {
    is_joined(g) && (g.pad[2] > 0 || width(g) > g.input[2])
}

/// Columns `columns` of dw, seen as a matrix of taps and channels by output channels, from those rows of the outputs of all images.
/// With several groups, all columns.
///
/// # Panics
/// If a slice does not have its size, or `scratch` is shorter than [`kernel_sum_scratch_len`].
pub fn conv_kernel_sum(
    isa: Isa,
    g: &ConvGeometry,
    x: &[f32],
    dy: &[f32],
    rows: Range<usize>,
    columns: Range<usize>,
    mut dw: TileMut<f32>,
    scratch: &mut [f32],
) {
    assert_eq!((x.len(), dy.len()), (g.n * g.image_in(), g.n * g.image_out()), "input and gradient of the output");
    assert!(rows.end <= g.n * g.output[0] * g.output[1] && columns.end <= g.c_out, "{rows:?}, {columns:?} of {g:?}");
    assert_eq!((dw.rows(), dw.cols()), (g.taps() * g.group_in(), columns.len()), "gradient of the kernel");
    assert!(g.groups == 1 || columns.len() == g.c_out, "a part of the columns of {} groups", g.groups);
    (0..dw.rows()).for_each(|r| dw.row(r).fill(0.0));
    if x.is_empty() || dy.is_empty() {
        return;
    }
    dispatch!(isa, s => match (pixel_sum::layout(s, g), tap_sum::channels(s, g)) {
        (Some(layout), _) => pixel_sum::run(s, g, &layout, (x, dy), rows, columns, dw, scratch),
        (None, Some(most)) => tap_sum::run(s, g, most, (x, dy), rows, columns, dw),
        (None, None) => KernelSum { g, x, dy, columns }.run(s, rows, dw, scratch),
    });
}

struct KernelSum<'a> {
    g: &'a ConvGeometry,
    x: &'a [f32],
    dy: &'a [f32],
    columns: Range<usize>,
}

/// Rows of pixels of one image and plane: `first..first + n` of the outputs' second axis, `line` the first's number.
struct Run {
    image: usize,
    plane: usize,
    first: usize,
    n: usize,
    line: usize,
}

/// An operand where it is read: rows at offsets, pixels a stride apart.
struct Operand<'a> {
    data: &'a [f32],
    stride: usize,
}

impl KernelSum<'_> {
    #[inline(always)]
    fn run<S: Tiles>(&self, s: S, rows: Range<usize>, mut dw: TileMut<f32>, scratch: &mut [f32]) {
        let (g, lines) = (self.g, lines_at_a_time(self.g));
        let dy_len = lines * g.output[2] * g.groups * g.group_out().next_multiple_of(S::LANES);
        let copy_dy = !g.group_out().is_multiple_of(S::LANES);
        let (dy_copy, x_copy) = scratch.split_at_mut(if copy_dy { dy_len } else { 0 });
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for start in rows.clone().step_by(lines) {
            let runs = self.runs(start..rows.end.min(start + lines));
            let (dy, of_line) = if copy_dy && self.reaches_end::<S>(rows.end.min(start + lines)) {
                self.copied_dy::<S>(&runs, start, dy_copy)
            } else {
                self.plain_dy(start)
            };
            for k0 in 0..g.kernel[0] {
                let (x, row_len, rows_of) = self.rows_of_x(&runs, k0, x_copy);
                for k1 in 0..g.kernel[1] {
                    a.clear();
                    b.clear();
                    for (run, &row) in runs.iter().zip(&rows_of) {
                        let Some((first, row)) = row else { continue };
                        for i in 0..run.n {
                            if let Some(from) = g.at(1, run.first + i, k1) {
                                a.push((row + from - first) * row_len);
                                b.push((run.line + i) * of_line);
                            }
                        }
                    }
                    self.taps(s, k0 * g.kernel[1] + k1, (&x, &a), (&dy, &b), &mut dw);
                }
            }
        }
    }

    /// The rows, image by image and plane by plane.
    fn runs(&self, rows: Range<usize>) -> Vec<Run> {
        let [planes, per_plane, _] = self.g.output;
        let (mut runs, mut at) = (Vec::new(), rows.start);
        while at < rows.end {
            let first = at % per_plane;
            let n = (per_plane - first).min(rows.end - at);
            let plane = at / per_plane;
            runs.push(Run { image: plane / planes, plane: plane % planes, first, n, line: at - rows.start });
            at += n;
        }
        runs
    }

    /// Whether the last whole vectors of those rows of dy leave it, or hold several groups. Lanes beyond the columns are never stored.
    fn reaches_end<S: Tiles>(&self, rows_end: usize) -> bool {
        let filters = self.g.group_out();
        let end = rows_end * self.g.output[2] * self.g.c_out + filters.next_multiple_of(S::LANES) - filters;
        self.g.groups > 1 || end > self.dy.len()
    }

    /// dy where it is, from row `start` on, and the elements of a row.
    fn plain_dy(&self, start: usize) -> (Operand<'_>, usize) {
        let row = self.g.output[2] * self.g.c_out;
        (Operand { data: &self.dy[start * row..], stride: self.g.c_out }, row)
    }

    /// Rows of dy whose groups of channels fill whole vectors, so that reading those stays inside.
    fn copied_dy<'c, S: Tiles>(&self, runs: &[Run], start: usize, copy: &'c mut [f32]) -> (Operand<'c>, usize) {
        let (g, padded) = (self.g, self.g.group_out().next_multiple_of(S::LANES));
        let (lines, row) = (runs.iter().map(|run| run.n).sum::<usize>(), g.output[2] * g.c_out);
        let dy = self.dy[start * row..(start + lines) * row].chunks_exact(g.group_out());
        for (to, from) in copy.chunks_exact_mut(padded).zip(dy) {
            to[..from.len()].copy_from_slice(from);
            to[from.len()..].fill(0.0);
        }
        (Operand { data: copy, stride: g.groups * padded }, g.output[2] * g.groups * padded)
    }

    /// The rows of x that tap `k0` of the first axis reads, between zeros if there is padding; the elements of a row; and for each
    /// run the number of its first row in x and among those rows.
    fn rows_of_x<'c>(
        &'c self,
        runs: &[Run],
        k0: usize,
        copy: &'c mut [f32],
    ) -> (Operand<'c>, usize, Vec<Option<(usize, usize)>>) {
        let (g, c) = (self.g, self.g.c_in);
        let plane_of = |run: &Run| Some((run.image * g.input[0] + g.at(0, run.plane, k0)?) * g.input[1]);
        let stride = g.strides[2] * c;
        let row_in = g.input[2] * c;
        if !is_padded(g) {
            let rows = runs.iter().map(|run| Some((0, plane_of(run)?))).collect();
            return (Operand { data: self.x, stride }, row_in, rows);
        }
        let (row_len, reach) = (width(g) * c, (g.kernel[1] - 1) * g.dilation[1] + 1);
        let (left, mut used, mut rows) = ((g.pad[2] * c).min(row_len), 0, Vec::with_capacity(runs.len()));
        let n = row_in.min(row_len - left);
        for run in runs {
            let Some(plane) = plane_of(run) else {
                rows.push(None);
                continue;
            };
            let first = (run.first * g.strides[1]).saturating_sub(g.pad[1]).min(g.input[1]);
            let end =
                ((run.first + run.n - 1) * g.strides[1] + reach).saturating_sub(g.pad[1]).clamp(first, g.input[1]);
            rows.push(Some((first, used)));
            for row in first..end {
                let to = &mut copy[used * row_len..(used + 1) * row_len];
                to[..left].fill(0.0);
                to[left..left + n].copy_from_slice(&self.x[(plane + row) * row_in..][..n]);
                to[left + n..].fill(0.0);
                used += 1;
            }
        }
        (Operand { data: copy, stride }, row_len, rows)
    }

    /// Adds the products of the rows at those offsets to the taps of a kernel row.
    #[inline(always)]
    fn taps<S: Tiles>(
        &self,
        s: S,
        row: usize,
        (x, a): (&Operand, &[usize]),
        (dy, b): (&Operand, &[usize]),
        dw: &mut TileMut<f32>,
    ) {
        let g = self.g;
        if a.is_empty() {
            return;
        }
        if is_joined(g) {
            let m = g.kernel[2] * g.c_in;
            let dw = dw.sub(row * m, 0, m, self.columns.len());
            return self.multiply(s, g.output[2], (x, a, 0), (dy, b, self.columns.start), dw);
        }
        let (m, n) = (g.group_in(), g.group_out());
        let (step, cols) = if g.groups == 1 { (0, self.columns.len()) } else { (n.next_multiple_of(S::LANES), n) };
        for kx in 0..g.kernel[2] {
            let (tap, pixels) = (row * g.kernel[2] + kx, g.cols_of_tap(kx));
            let Some(first) = g.at(2, pixels.start, kx).filter(|_| !pixels.is_empty()) else { continue };
            for group in 0..g.groups {
                let from = first * g.c_in + group * m;
                let column = if g.groups == 1 { self.columns.start } else { group * step };
                let dw = dw.sub(tap * m, group * n, m, cols);
                let column = pixels.start * dy.stride + column;
                self.multiply(s, pixels.len(), (x, a, from), (dy, b, column), dw);
            }
        }
    }

    /// dw += Σ xᵀ·dy over `k` pixels of the rows at those offsets, from element `from` and `column` on.
    #[inline(always)]
    fn multiply<S: Tiles>(
        &self,
        s: S,
        k: usize,
        (x, a, from): (&Operand, &[usize], usize),
        (dy, b, column): (&Operand, &[usize], usize),
        mut dw: TileMut<f32>,
    ) {
        let (m, n) = (dw.rows(), dw.cols());
        let last = |offsets: &[usize], stride: usize| offsets.iter().max().expect("rows") + (k - 1) * stride;
        assert!(last(a, x.stride) + from + m <= x.data.len(), "rows of x");
        assert!(last(b, dy.stride) + column + n.next_multiple_of(S::LANES) <= dy.data.len(), "rows of dy");
        let (blocks, c_stride) = (m.div_ceil(S::MR), dw.stride());
        for n0 in (0..n).step_by(panel::<S>()) {
            let cols = (n - n0).min(panel::<S>());
            for i in 0..blocks {
                let (first, rows) = block_of(m, blocks, i);
                let c = dw.sub(first, n0, rows, cols).as_mut_ptr();
                let block = Block {
                    k,
                    a: x.data.as_ptr().wrapping_add(from + first),
                    a_stride: x.stride,
                    b: dy.data.as_ptr().wrapping_add(column + n0),
                    b_stride: dy.stride,
                    copy: std::ptr::null_mut(),
                    taps: (a, b),
                    c,
                    c_stride,
                    next_c: c.wrapping_add(rows * c_stride),
                    cols,
                    resume: true,
                    finish: None,
                };
                // SAFETY: the channels of x and the vectors of dy of every pixel were checked to lie in their slices, and the block
                // is a sub-tile of dw.
                unsafe { S::kernel(rows, cols.div_ceil(S::LANES), Rows::Interleaved)(s, &block) }
            }
        }
    }
}
