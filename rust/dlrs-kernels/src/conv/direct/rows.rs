//! The loops of a tile around the row kernels: rows of the source are read where they lie, without a copy between zeros.

use crate::gemm::Epilogue;
use crate::gemm::driver::{block_of, finish};
use crate::gemm::levels::Tiles;
use crate::gemm::micro::Block;
use crate::mem::TileMut;

use super::multiply::pack_all;
use super::phase::Phase;
use super::row_kernel::{Around, LEAST_PIXELS, MOST_CHANNELS, MOST_PIXELS, STREAMS};
use super::tiles::cut_axis;
use super::{ConvKernel, ConvTile, DirectConv};

/// Whether the row kernels compute it: by shape and level alone. Whole rows of enough pixels, dense taps that leave the source by half at
/// most, and between half and one vector of channels (fewer are bundled); the kernel stays in L1.
pub(super) fn fits<S: Tiles>(_: S, conv: &DirectConv) -> bool {
    let [phase] = &conv.phases[..] else { return false };
    let (m, last) = (&conv.taps, &phase[2]);
    let Some((first, further)) = last.reach() else { return false };
    let taps = last.taps.len();
    let dense = last.jump == 1 && last.step == 1 && further + 1 == taps;
    let before = -first;
    let after = first + (last.count + further) as isize - conv.source.size[2] as isize;
    let depth = phase.iter().map(|axis| axis.taps.len()).product::<usize>() * m.rows;
    conv.groups == 1
        && dense
        && S::row_kernel(LEAST_PIXELS, taps).is_some()
        && last.count >= LEAST_PIXELS
        && cut_axis(conv.target.size) < 2
        && before.max(after) <= (taps / 2) as isize
        && m.cols <= S::LANES
        && 2 * m.cols > S::LANES
        && (1..=MOST_CHANNELS).contains(&m.rows)
        && depth <= S::KC
}

/// Computes a tile. See [`DirectConv::run`].
#[inline(always)]
pub(super) fn tile<S: Tiles>(
    s: S,
    conv: &DirectConv,
    source: &[f32],
    kernel: ConvKernel<'_>,
    tile: &ConvTile,
    mut to: TileMut<'_, f32>,
    epilogue: &Epilogue<'_>,
    scratch: &mut [f32],
) {
    let positions = conv.positions(tile);
    let phase = &conv.phases[0];
    let [planes, lines, columns] = [0, 1, 2].map(|a| phase[a].within(&positions[a]));
    let mut rows = Rows::new::<S>(conv, phase);
    let panel = match kernel {
        ConvKernel::Packed(panel) => panel,
        // One whole vector of channels is packed as it is, if no tap is left out.
        ConvKernel::Plain(kernel) if conv.taps.strides == (S::LANES, 1) && kernel.len() == rows.panel_len => kernel,
        ConvKernel::Plain(kernel) => {
            pack_all(s, conv, kernel, scratch);
            scratch
        }
    };
    assert!(rows.panel_len <= panel.len(), "a packed kernel of {} elements", rows.panel_len);
    let (finish, c_stride) = (finish(epilogue), to.stride());
    let blocks = columns.len().div_ceil(MOST_PIXELS);
    let mut pixel = 0;
    for image in source.chunks_exact(conv.source.len()).skip(tile.images.start).take(tile.images.len()) {
        for (i, j) in planes.clone().flat_map(|i| lines.clone().map(move |j| (i, j))) {
            rows.list(i, j);
            for block in 0..blocks {
                let (first, n) = block_of(columns.len(), blocks, block);
                let (a, outside) = rows.pixels(first, n);
                let a = image.as_ptr().wrapping_offset(a);
                let mut ahead = [a.wrapping_add(rows.ahead()); STREAMS];
                for (ahead, array) in ahead[1..].iter_mut().zip(epilogue.read_after) {
                    *ahead = array.as_ptr().wrapping_add(pixel * conv.taps.cols);
                }
                let around = Around { outside, ahead };
                let c = to.sub(pixel, 0, n, conv.taps.cols).as_mut_ptr();
                let x = Block {
                    k: conv.taps.rows,
                    a,
                    a_stride: conv.source.channels,
                    b: panel.as_ptr(),
                    b_stride: S::LANES,
                    copy: std::ptr::null_mut(),
                    taps: (&rows.source, &rows.taps),
                    c,
                    c_stride,
                    next_c: c.wrapping_add(n * c_stride),
                    cols: conv.taps.cols,
                    resume: epilogue.accumulate,
                    finish: finish.map(|f| f.at(pixel, 0)),
                };
                let kernel = S::row_kernel(n, phase[2].taps.len()).expect("a kernel, seen by `fits`");
                // SAFETY: `rows` lists rows of the image and counts the pixels outside, which `fits` saw to be few; the panel has all
                // taps, as asserted; C is a part of the tile, against which bias and residual were checked.
                unsafe { kernel(s, &x, &around) }
                pixel += n;
            }
        }
    }
}

/// What a row of the target reads.
struct Rows<'a> {
    conv: &'a DirectConv,
    phase: &'a Phase,
    /// Elements of the taps of a row, and of all taps, each a vector per channel.
    taps_len: usize,
    panel_len: usize,
    /// Where the rows of the source begin, and where the taps that meet them do.
    source: Vec<usize>,
    taps: Vec<usize>,
}

impl<'a> Rows<'a> {
    fn new<S: Tiles>(conv: &'a DirectConv, phase: &'a Phase) -> Rows<'a> {
        let taps_len = phase[2].taps.len() * conv.taps.rows * S::LANES;
        let panel_len = phase[0].taps.len() * phase[1].taps.len() * taps_len;
        Rows { conv, phase, taps_len, panel_len, source: Vec::new(), taps: Vec::new() }
    }

    /// Lists those of row (i, j) of the target.
    fn list(&mut self, i: usize, j: usize) {
        self.source.clear();
        self.taps.clear();
        let ([first, second, _], source) = (self.phase, self.conv.source);
        let strides = source.strides();
        let inside = |at: isize, size: usize| (at >= 0 && at < size as isize).then_some(at as usize);
        for (x, (plane, _)) in first.taps.iter().enumerate() {
            let Some(plane) = inside((i * first.jump) as isize + plane, source.size[0]) else { continue };
            for (y, (row, _)) in second.taps.iter().enumerate() {
                let Some(row) = inside((j * second.jump) as isize + row, source.size[1]) else { continue };
                self.source.push(plane * strides[0] + row * strides[1]);
                self.taps.push((x * second.taps.len() + y) * self.taps_len);
            }
        }
    }

    /// The row of the source after those.
    fn ahead(&self) -> usize {
        self.source.last().map_or(0, |last| last + self.conv.source.strides()[1])
    }

    /// Where in a row the pixels begin that `n` pixels of the target from `first` on read, in elements, and how many of the first and
    /// of the last of them are outside.
    fn pixels(&self, first: usize, n: usize) -> (isize, (usize, usize)) {
        let (last, source) = (&self.phase[2].taps, self.conv.source);
        let from = first as isize + last[0].0;
        let end = from + (n + last.len() - 1) as isize;
        let outside = ((-from).max(0) as usize, (end - source.size[2] as isize).max(0) as usize);
        (from * source.channels as isize, outside)
    }
}
