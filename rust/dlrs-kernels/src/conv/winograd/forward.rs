//! The convolution: squares transformed, multiplied and transformed back, a block of them at a time while it stays in L2.

use std::ops::Range;

use crate::dispatch;
use crate::gemm::levels::{Tiles, panel};
use crate::gemm::micro::{Block, Rows};
use crate::gemm::{Epilogue, block_of, panel_width};
use crate::isa::Isa;
use crate::mem::{Rect, TileMut};

use super::super::ConvGeometry;
use super::algorithm::{F2, F4, Minimal};
use super::kernel::transformed_len;
use super::{LINE, Winograd, point_stride};

/// A convolution prepared for one level.
#[derive(Clone, Debug)]
pub struct WinogradConv {
    isa: Isa,
    f: Winograd,
    /// Height and width.
    pub(super) input: [usize; 2],
    pub(super) output: [usize; 2],
    pub(super) pad: [usize; 2],
    pub(super) c_in: usize,
    c_out: usize,
    images: usize,
    /// Squares in a block.
    block: usize,
    tiles: Vec<WinogradTile>,
}

/// A part of the output that is computed at once: rows of squares (counted through all images) by channels.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WinogradTile {
    rows: Range<usize>,
    /// Its pixels, as rows of the matrix (pixels of all images) × (output channels).
    pub pixels: Range<usize>,
    /// Its channels.
    pub channels: Range<usize>,
    /// Where it lies in the output.
    pub rect: Rect,
}

/// Elements of a block of transformed input: a quarter of the smallest L2 there is on servers of the last years.
const BLOCK: usize = 64 * 1024;

/// Squares that a block has at least, since each block reads the whole transformed kernel, and at most.
const SQUARES: (usize, usize) = (28, 112);

/// Squares that a tile has at least, and tiles below which channels are cut too, although each cut transforms the input again.
const TILE_SQUARES: usize = 28;
const FEW_TILES: usize = 8;

/// Channels that a cut has at least: transforming the input then costs a quarter of the products or less.
const CUT_CHANNELS: usize = 64;

impl WinogradConv {
    /// Whether the convolution is one of 3×3 over two axes, in one group, at stride and dilation 1.
    pub fn accepts(g: &ConvGeometry) -> bool {
        let plain = g.kernel == [1, 3, 3] && g.strides[1..] == [1, 1] && g.dilation[1..] == [1, 1] && g.groups == 1;
        let planar = g.input[0] == 1 && g.output[0] == 1 && g.pad[0] == 0;
        plain && planar && g.n * g.image_in() * g.image_out() > 0
    }

    /// Whether the gradient by its input is one, too: the zeros around the gradient of the output are what the kernel reaches beyond
    /// the zeros around the input.
    pub fn accepts_backward_input(g: &ConvGeometry) -> bool {
        Self::accepts(g) && g.pad.iter().all(|&zeros| zeros <= 2)
    }

    /// y from x.
    ///
    /// # Panics
    /// If it is not [accepted](Self::accepts).
    pub fn forward(isa: Isa, f: Winograd, g: &ConvGeometry) -> WinogradConv {
        assert!(Self::accepts(g), "{g:?}");
        let [input, output, pad] = [g.input, g.output, g.pad].map(two);
        let wanted = (BLOCK / (f.points() * g.c_in)).clamp(SQUARES.0, SQUARES.1);
        let block = wanted - wanted % SQUARES.0;
        let (c_in, c_out, images) = (g.c_in, g.c_out, g.n);
        let mut conv = WinogradConv { isa, f, input, output, pad, c_in, c_out, images, block, tiles: Vec::new() };
        conv.cut(FEW_TILES, 1);
        conv
    }

    /// dx from dy.
    ///
    /// # Panics
    /// If it is not [accepted](Self::accepts_backward_input).
    pub fn backward_input(isa: Isa, f: Winograd, g: &ConvGeometry) -> WinogradConv {
        assert!(Self::accepts_backward_input(g), "{g:?}");
        let pad = [0, 2 - g.pad[1], 2 - g.pad[2]];
        let swapped = ConvGeometry { input: g.output, c_in: g.c_out, output: g.input, c_out: g.c_in, pad, ..*g };
        WinogradConv::forward(isa, f, &swapped)
    }

    /// The same with tiles that have all channels of their pixels.
    pub fn whole_rows(mut self) -> WinogradConv {
        self.cut(1, 1);
        self
    }

    /// The same with tiles that hold multiples of so many pixels, counted from the first: whole images, or whole lines of one.
    pub fn in_chunks(mut self, pixels: usize) -> WinogradConv {
        self.cut(FEW_TILES, pixels.max(1));
        self
    }

    /// Rows of squares of which tiles hold multiples, so that they hold multiples of `chunk` pixels.
    fn rows_of_chunk(&self, chunk: usize) -> usize {
        let ([down, _], [lines, width]) = (self.squares(), self.output);
        let image = lines * width;
        if chunk == 1 {
            return 1;
        }
        let fits = |n: &usize| down.is_multiple_of(*n) && (n * self.f.outputs() * width).is_multiple_of(chunk);
        let of_images = down * (chunk / image).max(1);
        if chunk < image { (1..down).find(fits).unwrap_or(of_images) } else { of_images }
    }

    /// Cuts the output into tiles, of which there are at least `few` if channels can be cut, too.
    fn cut(&mut self, few: usize, chunk: usize) {
        let [down, across] = self.squares();
        let all = self.images * down;
        let each = self.block.max(TILE_SQUARES).div_ceil(across).next_multiple_of(self.rows_of_chunk(chunk)).min(all);
        let parts = (few / all.div_ceil(each)).clamp(1, (self.c_out / CUT_CHANNELS).max(1));
        let width = self.c_out.div_ceil(parts).next_multiple_of(panel_width(self.isa));
        let mut tiles = Vec::new();
        for start in (0..all).step_by(each) {
            let rows = start..all.min(start + each);
            let pixels = self.first_pixel(rows.start)..self.first_pixel(rows.end);
            for c in (0..self.c_out).step_by(width) {
                let channels = c..self.c_out.min(c + width);
                let start = pixels.start * self.c_out + c;
                let rect = Rect { start, rows: pixels.len(), cols: channels.len(), stride: self.c_out };
                tiles.push(WinogradTile { rows: rows.clone(), pixels: pixels.clone(), channels, rect });
            }
        }
        self.tiles = tiles;
    }

    /// Rows and columns of squares of an image.
    pub(super) fn squares(&self) -> [usize; 2] {
        self.output.map(|n| n.div_ceil(self.f.outputs()))
    }

    /// The first pixel of a row of squares.
    pub(super) fn first_pixel(&self, row: usize) -> usize {
        let [down, _] = self.squares();
        let (image, row) = (row / down, row % down);
        (image * self.output[0] + row * self.f.outputs()) * self.output[1]
    }

    /// The parts that may be computed at the same time: which they are depends on the geometry and the level alone.
    pub fn tiles(&self) -> &[WinogradTile] {
        &self.tiles
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Winograd {
        self.f
    }

    /// Elements of scratch that a tile needs.
    pub fn scratch_len(&self) -> usize {
        let panel = panel_width(self.isa);
        let points = self.f.points();
        points * (point_stride(self.block, self.c_in) + point_stride(self.block, panel)) + LINE
    }

    /// One tile of y = epilogue(x ∗ w): all of x, the [transformed kernel](super::WinogradKernel), and the tile.
    ///
    /// # Panics
    /// If an operand does not have its size, the epilogue accumulates, or `scratch` is shorter than [`scratch_len`](Self::scratch_len).
    pub fn run(
        &self,
        tile: &WinogradTile,
        x: &[f32],
        u: &[f32],
        mut y: TileMut<f32>,
        epilogue: &Epilogue,
        scratch: &mut [f32],
    ) {
        assert_eq!(x.len(), self.images * self.input[0] * self.input[1] * self.c_in, "input");
        assert_eq!(u.len(), transformed_len(self.isa, self.f, self.c_in, self.c_out), "transformed kernel");
        assert_eq!((y.rows(), y.cols()), (tile.pixels.len(), tile.channels.len()), "tile of the output");
        assert!(!epilogue.accumulate, "an accumulating epilogue");
        if let Some(bias) = epilogue.bias {
            assert_eq!(bias.len(), y.cols(), "bias");
        }
        if let Some(r) = epilogue.residual {
            assert_eq!((r.rows(), r.cols(), r.col_stride()), (y.rows(), y.cols(), 1), "residual");
        }
        assert!(scratch.len() >= self.scratch_len(), "scratch of {} elements", scratch.len());
        let job = Job { tile, x, u, epilogue };
        match self.f {
            Winograd::F2 => dispatch!(self.isa, s => self.tile::<_, F2, 4, 2>(s, &job, &mut y, scratch)),
            Winograd::F4 => dispatch!(self.isa, s => self.tile::<_, F4, 6, 4>(s, &job, &mut y, scratch)),
        }
    }

    #[inline(always)]
    fn tile<S: Tiles, A: Minimal<N, M>, const N: usize, const M: usize>(
        &self,
        s: S,
        job: &Job,
        y: &mut TileMut<f32>,
        scratch: &mut [f32],
    ) {
        let [_, across] = self.squares();
        let panel = panel_width(self.isa);
        let (v_stride, m_stride) = (point_stride(self.block, self.c_in), point_stride(self.block, panel));
        let (v, rest) = aligned(scratch).split_at_mut(N * N * v_stride);
        let m = &mut rest[..N * N * m_stride];
        let squares = job.tile.rows.start * across..job.tile.rows.end * across;
        let u_stride = point_stride(self.c_in, panel);
        for start in squares.clone().step_by(self.block) {
            let block = start..squares.end.min(start + self.block);
            let next = block.end..squares.end.min(block.end + self.block);
            self.transform_input::<S, A, N, M>(s, job.x, block.clone(), v, v_stride);
            for c in job.tile.channels.clone().step_by(panel) {
                let first = c - job.tile.channels.start;
                let cols = panel.min(job.tile.channels.end - c);
                let part = Part { first, cols, width: cols.next_multiple_of(S::LANES) };
                let u = &job.u[c / panel * N * N * u_stride..][..N * N * u_stride];
                for p in 0..N * N {
                    if first == 0 {
                        self.fetch_input::<N, M>(job.x, next.clone(), p);
                    }
                    self.fetch_output::<N, M>(job, y, &part, block.clone(), p);
                    let (v, u) = (&v[p * v_stride..], &u[p * u_stride..]);
                    self.product(s, block.len(), v, u, &part, &mut m[p * m_stride..]);
                }
                self.transform_output::<S, A, N, M>(s, job, &part, block.clone(), (m, m_stride), y);
            }
        }
    }

    /// One point's product of squares × channels, for the columns of a part.
    #[inline(always)]
    fn product<S: Tiles>(&self, s: S, squares: usize, v: &[f32], u: &[f32], part: &Part, m: &mut [f32]) {
        assert!(squares * self.c_in <= v.len() && squares * part.width <= m.len());
        assert!(self.c_in * panel::<S>() <= u.len() && part.cols <= panel::<S>());
        let blocks = squares.div_ceil(S::MR);
        for i in 0..blocks {
            let (row, rows) = block_of(squares, blocks, i);
            let c = m.as_mut_ptr().wrapping_add(row * part.width);
            let block = Block {
                k: self.c_in,
                a: v.as_ptr().wrapping_add(row * self.c_in),
                a_stride: self.c_in,
                b: u.as_ptr(),
                b_stride: panel::<S>(),
                copy: std::ptr::null_mut(),
                taps: (&[0], &[0]),
                c,
                c_stride: part.width,
                next_c: c.wrapping_add(rows * part.width),
                cols: part.width,
                resume: false,
                finish: None,
            };
            // SAFETY: the rows lie in v and m, c_in rows of the panel in u, as asserted; the columns are whole vectors of either.
            unsafe { S::kernel(rows, part.width / S::LANES, Rows::Contiguous)(s, &block) }
        }
    }

    /// The squares of a block, row by row: each with the row (of all images), the first column, and how many there are.
    pub(super) fn segments(&self, block: Range<usize>) -> impl Iterator<Item = (usize, usize, usize)> {
        let [_, across] = self.squares();
        let rows = if block.is_empty() { 0..0 } else { block.start / across..(block.end - 1) / across + 1 };
        rows.map(move |row| {
            let first = block.start.max(row * across);
            (row, first - row * across, block.end.min((row + 1) * across) - first)
        })
    }
}

/// What a tile is computed from.
pub(super) struct Job<'a> {
    pub tile: &'a WinogradTile,
    pub x: &'a [f32],
    pub u: &'a [f32],
    pub epilogue: &'a Epilogue<'a>,
}

/// A panel of the tile's channels: the first, counted in the tile, how many, and that in whole vectors.
pub(super) struct Part {
    pub first: usize,
    pub cols: usize,
    pub width: usize,
}

/// Height and width.
fn two([_, height, width]: [usize; 3]) -> [usize; 2] {
    [height, width]
}

/// `x` from the next cache line on.
fn aligned(x: &mut [f32]) -> &mut [f32] {
    let by = x.as_ptr().align_offset(64).min(x.len());
    &mut x[by..]
}
