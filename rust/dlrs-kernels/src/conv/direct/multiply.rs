//! The loops of a tile around the micro-kernels.

use std::ops::Range;

use crate::gemm::driver::{block_of, finish};
use crate::gemm::levels::{Tiles, panel};
use crate::gemm::micro::{Block, Finish, Rows};
use crate::gemm::pack::pack_panel;
use crate::gemm::{Epilogue, MatRef};
use crate::mem::TileMut;

use super::phase::Phase;
use super::{ConvKernel, ConvTile, DirectConv, View};

/// The taps of a phase as runs of channels that touch in the source, all of one length.
struct Runs {
    /// Elements of a run: steps of k.
    len: usize,
    /// Taps that a run joins.
    joined: usize,
    /// Where each begins in the source, from the first.
    source: Vec<usize>,
    /// The taps' numbers in the kernel, run by run.
    taps: Vec<usize>,
}

impl Runs {
    fn new(conv: &DirectConv, phase: &Phase, strides: [usize; 3]) -> Runs {
        let ([first, second, third], [_, k1, k2]) = (phase, conv.kernel);
        let touch = conv.groups == 1 && third.taps.windows(2).all(|pair| pair[1].0 - pair[0].0 == 1);
        let joined = if touch { third.taps.len().max(1) } else { 1 };
        let (mut source, mut taps) = (Vec::new(), Vec::new());
        for (x, i) in &first.taps {
            for (y, j) in &second.taps {
                for (n, (z, k)) in third.taps.iter().enumerate() {
                    taps.push((i * k1 + j) * k2 + k);
                    if n % joined == 0 {
                        let further = [x - first.taps[0].0, y - second.taps[0].0, z - third.taps[0].0];
                        source.push((0..3).map(|a| further[a] as usize * strides[a]).sum());
                    }
                }
            }
        }
        Runs { len: joined * conv.taps.rows, joined, source, taps }
    }

    /// Steps of k in all.
    fn depth(&self) -> usize {
        self.source.len() * self.len
    }

    /// Which runs, and which steps of each, are multiplied before the next: at most `most` steps.
    fn chunks(&self, most: usize) -> Vec<(Range<usize>, Range<usize>)> {
        let n = self.source.len();
        if n == 0 {
            return vec![(0..0, 0..0)];
        }
        if self.len > most {
            let pieces = self.len.div_ceil(most);
            let piece = move |i: usize| {
                let (start, len) = block_of(self.len, pieces, i);
                start..start + len
            };
            return (0..n).flat_map(|run| (0..pieces).map(move |i| (run..run + 1, piece(i)))).collect();
        }
        let chunks = n.div_ceil((most / self.len.max(1)).max(1));
        let chunk = |i| {
            let (start, len) = block_of(n, chunks, i);
            (start..start + len, 0..self.len)
        };
        (0..chunks).map(chunk).collect()
    }
}

/// A row of pixels of one phase: where it begins in the view and in the tile, `a` and `c`.
struct Line {
    a: usize,
    c: usize,
}

/// Computes a tile. See [`DirectConv::run`].
#[inline(always)]
pub(super) fn tile<S: Tiles>(
    s: S,
    conv: &DirectConv,
    view: &View<'_>,
    kernel: ConvKernel<'_>,
    tile: &ConvTile,
    mut to: TileMut<'_, f32>,
    epilogue: &Epilogue<'_>,
    scratch: &mut [f32],
) {
    let positions = conv.positions(tile);
    let mut packed_from = 0;
    for phase in &conv.phases {
        let targets = [0, 1, 2].map(|a| phase[a].within(&positions[a]));
        if targets.iter().all(|t| !t.is_empty()) {
            let runs = Runs::new(conv, phase, view.strides);
            let lines = lines(conv, view, phase, tile, &targets);
            let work = Work {
                s,
                conv,
                data: view.data,
                runs: &runs,
                lines: &lines,
                width: targets[2].len(),
                a_stride: phase[2].jump * view.strides[2],
                c_step: phase[2].step,
                channels: tile.channels.clone(),
                finish: finish(epilogue),
                accumulate: epilogue.accumulate,
            };
            work.check(&to);
            work.run(kernel, packed_from, &mut to, scratch);
        }
        packed_from += conv.packed_group(phase) * conv.groups;
    }
}

/// The rows of pixels of a phase in a tile.
fn lines(conv: &DirectConv, view: &View<'_>, phase: &Phase, tile: &ConvTile, targets: &[Range<usize>; 3]) -> Vec<Line> {
    let size = conv.target.size;
    let reach = [0, 1, 2].map(|a| phase[a].reach());
    // A phase without taps reads nothing.
    let reads = reach.iter().all(Option::is_some);
    let first = [0, 1, 2].map(|a| reach[a].map_or(0, |(first, _)| first - view.from[a]));
    let source = |a: usize, j: usize| {
        if reads { ((j * phase[a].jump) as isize + first[a]) as usize * view.strides[a] } else { 0 }
    };
    let target = |a: usize, j: usize| phase[a].first + j * phase[a].step;
    let skipped = tile.rect.start / conv.target.channels - tile.images.start * size.iter().product::<usize>();
    let mut lines = Vec::with_capacity(tile.images.len() * targets[0].len() * targets[1].len());
    for image in 0..tile.images.len() {
        for (i, j) in targets[0].clone().flat_map(|i| targets[1].clone().map(move |j| (i, j))) {
            let k = targets[2].start;
            let pixel = ((image * size[0] + target(0, i)) * size[1] + target(1, j)) * size[2] + target(2, k);
            lines.push(Line { a: image * view.image + source(0, i) + source(1, j) + source(2, k), c: pixel - skipped });
        }
    }
    lines
}

/// A phase of a tile.
struct Work<'a, S> {
    s: S,
    conv: &'a DirectConv,
    data: &'a [f32],
    runs: &'a Runs,
    lines: &'a [Line],
    /// Pixels of a line; elements of the source, and pixels of the target, between two.
    width: usize,
    a_stride: usize,
    c_step: usize,
    channels: Range<usize>,
    finish: Option<Finish>,
    accumulate: bool,
}

/// Columns of the target, some steps of k, and the panel of the kernel for them.
struct Panel<'a> {
    group: usize,
    /// The columns in the group, and in the tile.
    cols: Range<usize>,
    column: usize,
    chunk: &'a (Range<usize>, Range<usize>),
}

/// A panel as the micro-kernel reads it.
struct Ready<'a> {
    ptr: *const f32,
    stride: usize,
    offsets: &'a [usize],
    /// Whether it lies in the kernel as it is.
    stream: bool,
}

impl<S: Tiles> Work<'_, S> {
    /// Panics unless all that is read of the source and written of the target is there.
    fn check(&self, to: &TileMut<'_, f32>) {
        let further = self.runs.source.last().map_or(0, |last| last + self.runs.len)
            + (self.conv.groups - 1) * self.conv.taps.rows;
        for line in self.lines {
            let last = line.a + (self.width - 1) * self.a_stride;
            assert!(self.runs.source.is_empty() || last + further <= self.data.len(), "a line leaves the source");
            assert!(line.c + (self.width - 1) * self.c_step < to.rows(), "a line leaves the tile");
        }
    }

    #[inline(always)]
    fn run(&self, kernel: ConvKernel<'_>, packed_from: usize, to: &mut TileMut<'_, f32>, scratch: &mut [f32]) {
        let (conv, runs, width) = (self.conv, self.runs, panel::<S>());
        let chunks = runs.chunks(S::KC);
        let padded = conv.taps.cols.next_multiple_of(width);
        for group in 0..conv.groups {
            // Channels are cut only where there is one group.
            let cols = if conv.groups == 1 { self.channels.clone() } else { 0..conv.taps.cols };
            for (i, chunk) in chunks.iter().enumerate() {
                for n in cols.clone().step_by(width) {
                    let cols = n..cols.end.min(n + width);
                    let column = if conv.groups == 1 { n - self.channels.start } else { group * conv.taps.cols + n };
                    let panel = Panel { group, cols, column, chunk };
                    let kernel = match kernel {
                        ConvKernel::Plain(kernel) => ConvKernel::Plain(kernel),
                        ConvKernel::Packed(packed) => {
                            ConvKernel::Packed(&packed[packed_from + (group * padded + n) * runs.depth()..])
                        }
                    };
                    self.panel(&panel, kernel, to, (i > 0, i + 1 == chunks.len()), scratch);
                }
            }
        }
    }

    /// Multiplies all pixels by a panel. `ends` says whether earlier steps of k are done, and whether none is left.
    #[inline(always)]
    fn panel(
        &self,
        x: &Panel<'_>,
        kernel: ConvKernel<'_>,
        to: &mut TileMut<'_, f32>,
        (later, last): (bool, bool),
        scratch: &mut [f32],
    ) {
        let (s, runs) = (self.s, self.runs);
        let (which, steps) = x.chunk;
        let k = steps.len();
        let blocks = self.width.div_ceil(S::MR);
        let stride = x.cols.len().next_multiple_of(S::LANES);
        let packed: Vec<usize> = (0..which.len()).map(|i| i * k * stride).collect();
        let plain: Vec<usize>;
        let mut b = match kernel {
            ConvKernel::Packed(panel) => {
                let first = which.start * runs.len + steps.start;
                let panel = &panel[first * stride..(first + which.len() * k) * stride];
                Ready { ptr: panel.as_ptr(), stride, offsets: &packed, stream: false }
            }
            ConvKernel::Plain(kernel) if self.streams(x) => {
                plain = which.clone().map(|run| self.in_kernel(x, kernel, run)).collect();
                Ready { ptr: kernel.as_ptr(), stride: self.conv.taps.strides.0, offsets: &plain, stream: true }
            }
            ConvKernel::Plain(kernel) => {
                self.pack(x, kernel, stride, scratch);
                Ready { ptr: scratch.as_ptr(), stride, offsets: &packed, stream: false }
            }
        };
        let a_offsets: Vec<usize> = runs.source[which.clone()].iter().map(|o| o + steps.start).collect();
        let copies = b.stream && (blocks > 1 || self.lines.len() > 1);
        if copies {
            assert!(which.len() * k * stride <= scratch.len());
        }
        let pixel_stride = to.stride();
        let c = to.sub(0, x.column, to.rows(), x.cols.len()).as_mut_ptr();
        let c_stride = pixel_stride * self.c_step;
        let next_line = self.lines.get(1).map_or(0, |next| (next.c - self.lines[0].c) * pixel_stride);
        let a = self.data.as_ptr().wrapping_add(x.group * self.conv.taps.rows);
        let finish = self.finish.filter(|_| last);
        for line in self.lines {
            let (mut a, mut pixel) = (a.wrapping_add(line.a), line.c);
            for i in 0..blocks {
                let (_, rows) = block_of(self.width, blocks, i);
                let c = c.wrapping_add(pixel * pixel_stride);
                let block = Block {
                    k,
                    a,
                    a_stride: self.a_stride,
                    b: b.ptr,
                    b_stride: b.stride,
                    copy: if copies && b.stream { scratch.as_mut_ptr() } else { std::ptr::null_mut() },
                    taps: (&a_offsets, b.offsets),
                    c,
                    c_stride,
                    next_c: c.wrapping_add(if i + 1 < blocks { rows * c_stride } else { next_line }),
                    cols: x.cols.len(),
                    resume: later || self.accumulate,
                    finish: finish.map(|f| {
                        let at = f.at(pixel, x.column);
                        Finish { residual_stride: f.residual_stride * self.c_step, ..at }
                    }),
                };
                // SAFETY: `check` saw that the line's pixels lie in the source with all their runs, and in the tile; the panel was
                // sliced, packed, or seen by `streams` to be whole and by `in_kernel` to lie in the kernel; scratch has room for its
                // copy; bias and residual were checked against the tile.
                unsafe {
                    if b.stream {
                        S::streaming_kernel(rows, Rows::Contiguous)(s, &block);
                        if copies {
                            b = Ready { ptr: scratch.as_ptr(), stride, offsets: &packed, stream: false };
                        }
                    } else {
                        S::kernel(rows, stride / S::LANES, Rows::Contiguous)(s, &block);
                    }
                }
                a = a.wrapping_add(rows * self.a_stride);
                pixel += rows * self.c_step;
            }
        }
    }

    /// Whether the panel can be read where it lies: whole rows of it, and the taps of a run one after another. So it is in the
    /// convolution; in the gradient with one filter columns touch, too, but rows overlap them and taps descend.
    fn streams(&self, x: &Panel<'_>) -> bool {
        let whole = x.cols.len() == panel::<S>() && self.conv.bundle.is_none();
        let (row, column) = self.conv.taps.strides;
        whole && column == 1 && row >= x.cols.len() && !x.chunk.0.is_empty()
    }

    /// Where the panel's steps of a run begin in the kernel.
    fn in_kernel(&self, x: &Panel<'_>, kernel: &[f32], run: usize) -> usize {
        let m = &self.conv.taps;
        let tap = self.runs.taps[run * self.runs.joined];
        let first = tap * m.tap + x.group * m.group + x.chunk.1.start * m.strides.0 + x.cols.start;
        // Joined taps ascend by one in the convolution, whose panels alone are read where they lie.
        MatRef::new(&kernel[first..], x.chunk.1.len(), x.cols.len(), m.strides.0, 1);
        first
    }

    /// Packs the panel, run by run and tap by tap.
    #[inline(always)]
    fn pack(&self, x: &Panel<'_>, kernel: &[f32], stride: usize, to: &mut [f32]) {
        let rows = self.conv.taps.rows;
        let (which, steps) = x.chunk;
        assert!(which.len() * steps.len() * stride <= to.len(), "room for a panel of the kernel");
        let (mut row, mut own) = (0, Vec::new());
        for run in which.clone() {
            for (i, tap) in self.runs.taps[run * self.runs.joined..(run + 1) * self.runs.joined].iter().enumerate() {
                let part = steps.start.max(i * rows)..steps.end.min((i + 1) * rows);
                if !part.is_empty() {
                    let part = part.start - i * rows..part.end - i * rows;
                    let n = part.len();
                    let to = &mut to[row * stride..];
                    if let Some(bundle) = &self.conv.bundle {
                        bundle.pack(self.s, &self.conv.taps, kernel, *tap, part, to, stride, &mut own);
                    } else {
                        let b = self.conv.taps.of(kernel, *tap, x.group).sub(part, x.cols.clone());
                        // SAFETY: the rows from `row` on fit, as asserted, and have room for the columns.
                        unsafe { pack_panel(self.s, b, to.as_mut_ptr(), stride) }
                    }
                    row += n;
                }
            }
        }
    }
}

/// Packs the whole kernel. See [`DirectConv::pack`].
#[inline(always)]
pub(super) fn pack_all<S: Tiles>(s: S, conv: &DirectConv, kernel: &[f32], to: &mut [f32]) {
    let width = panel::<S>();
    let mut rest = &mut to[..conv.packed_len()];
    for phase in &conv.phases {
        let runs = Runs::new(conv, phase, [0; 3]);
        let whole = Work {
            s,
            conv,
            data: &[],
            runs: &runs,
            lines: &[],
            width: 0,
            a_stride: 0,
            c_step: 1,
            channels: 0..conv.target.channels,
            finish: None,
            accumulate: false,
        };
        let (here, after) = rest.split_at_mut(conv.packed_group(phase) * conv.groups);
        rest = after;
        let padded = conv.taps.cols.next_multiple_of(width);
        for (group, n) in (0..conv.groups).flat_map(|g| (0..conv.taps.cols).step_by(width).map(move |n| (g, n))) {
            let cols = n..conv.taps.cols.min(n + width);
            let stride = cols.len().next_multiple_of(S::LANES);
            let mut row = (group * padded + n) * runs.depth();
            for run in 0..runs.source.len() {
                let chunk = (run..run + 1, 0..runs.len);
                whole.pack(
                    &Panel { group, cols: cols.clone(), column: 0, chunk: &chunk },
                    kernel,
                    stride,
                    &mut here[row..],
                );
                row += runs.len * stride;
            }
        }
    }
}
