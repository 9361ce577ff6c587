//! The convolution: squares transformed, multiplied and transformed back, a block of them at a time while it stays in L2.

use std::ops::Range;

use crate::dispatch;
use crate::gemm::{Activation, Epilogue, MatB, MatRef, PackedRef, gemm_f32, gemm_scratch_len, panel_width};
use crate::isa::{Isa, Simd};
use crate::mem::{Rect, TileMut};

use super::super::ConvGeometry;
use super::algorithm::{F2, F4, Minimal};
use super::kernel::transformed_len;
use super::{Winograd, point_stride};

/// A convolution prepared for one level.
#[derive(Clone, Debug)]
pub struct WinogradConv {
    isa: Isa,
    f: Winograd,
    /// Height and width.
    input: [usize; 2],
    output: [usize; 2],
    pad: [usize; 2],
    c_in: usize,
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
        conv.cut(FEW_TILES);
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
        self.cut(1);
        self
    }

    /// Cuts the output into tiles, of which there are at least `few` if channels can be cut, too.
    fn cut(&mut self, few: usize) {
        let [down, across] = self.squares();
        let all = self.images * down;
        let each = self.block.max(TILE_SQUARES).div_ceil(across).min(all);
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
    fn squares(&self) -> [usize; 2] {
        self.output.map(|n| n.div_ceil(self.f.outputs()))
    }

    /// The first pixel of a row of squares.
    fn first_pixel(&self, row: usize) -> usize {
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
        let squares = points * (point_stride(self.block, self.c_in) + point_stride(self.block, panel));
        squares + self.gemm_scratch() + 16
    }

    /// What the products need: the last block of a tile may have any number of squares.
    fn gemm_scratch(&self) -> usize {
        let need = |squares| gemm_scratch_len(self.isa, squares, self.c_in, panel_width(self.isa));
        (1..=self.block).map(need).max().unwrap_or(0)
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
    fn tile<S: Simd, A: Minimal<N, M>, const N: usize, const M: usize>(
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
        let (m, rest) = rest.split_at_mut(N * N * m_stride);
        let squares = job.tile.rows.start * across..job.tile.rows.end * across;
        let u_stride = point_stride(self.c_in, panel);
        let per_panel = N * N * u_stride;
        for start in squares.clone().step_by(self.block) {
            let block = start..squares.end.min(start + self.block);
            self.transform_input::<S, A, N, M>(s, job.x, block.clone(), v, v_stride);
            for c in job.tile.channels.clone().step_by(panel) {
                let cols = panel.min(job.tile.channels.end - c);
                let u = &job.u[c / panel * per_panel..][..per_panel];
                for p in 0..N * N {
                    let a = MatRef::new(&v[p * v_stride..], block.len(), self.c_in, self.c_in, 1);
                    let b = PackedRef::new(self.isa, &u[p * u_stride..], self.c_in, cols);
                    let product = TileMut::new(&mut m[p * m_stride..], block.len(), cols, panel);
                    gemm_f32(self.isa, a, MatB::Packed(b), product, &Epilogue::default(), rest);
                }
                let part = Part { first: c - job.tile.channels.start, cols };
                self.transform_output::<S, A, N, M>(s, job, &part, block.clone(), (m, m_stride), y);
            }
        }
    }

    /// V = Bᵀ·d·B of squares `block`, all channels, a matrix (squares × channels) every `stride` elements.
    #[inline(always)]
    fn transform_input<S: Simd, A: Minimal<N, M>, const N: usize, const M: usize>(
        &self,
        s: S,
        x: &[f32],
        block: Range<usize>,
        v: &mut [f32],
        stride: usize,
    ) {
        let [_, across] = self.squares();
        let mut square = block.start;
        while square < block.end {
            let n = (across - square % across).min(block.end - square);
            let window = self.window::<N, M>(square / across, square % across);
            assert!((N * N - 1) * stride + (square - block.start + n) * self.c_in <= v.len());
            for c in (0..self.c_in).step_by(S::LANES) {
                let to = &mut v[(square - block.start) * self.c_in + c..];
                // SAFETY: the window's rows and columns lie in the input; the squares' elements at all points lie in v, as asserted.
                unsafe {
                    if c + S::LANES <= self.c_in {
                        self.transform_row::<S, A, N, M, false>(
                            s,
                            &x[c..],
                            &window,
                            n,
                            S::LANES,
                            to.as_mut_ptr(),
                            stride,
                        );
                    } else {
                        self.transform_row::<S, A, N, M, true>(
                            s,
                            &x[c..],
                            &window,
                            n,
                            self.c_in - c,
                            to.as_mut_ptr(),
                            stride,
                        );
                    }
                }
            }
            square += n;
        }
    }

    /// What the square in that row (of all images) and column sees.
    #[inline(always)]
    fn window<const N: usize, const M: usize>(&self, row: usize, column: usize) -> Window<N> {
        let [down, _] = self.squares();
        let (image, top) = (row / down, row % down * M);
        let rows = std::array::from_fn(|i| {
            let inside = (top + i).checked_sub(self.pad[0]).filter(|&r| r < self.input[0]);
            inside.map(|r| (image * self.input[0] + r) * self.input[1] * self.c_in)
        });
        Window { rows, column: column * M }
    }

    /// The transform of `n` adjacent squares, of which neighbours share N − M columns, for one vector of channels.
    ///
    /// # Safety
    /// `x` begins at the vector's first channel of the input's first pixel; `to` is valid for writes of `len` elements at every square
    /// and point.
    #[inline(always)]
    unsafe fn transform_row<S: Simd, A: Minimal<N, M>, const N: usize, const M: usize, const PART: bool>(
        &self,
        s: S,
        x: &[f32],
        window: &Window<N>,
        n: usize,
        len: usize,
        to: *mut f32,
        stride: usize,
    ) {
        let mut cols = [[s.zero(); N]; N];
        for i in 0..n {
            let left = window.column + i * M;
            for k in if i == 0 { 0 } else { N - M }..N {
                let inside = (left + k).checked_sub(self.pad[1]).filter(|&column| column < self.input[1]);
                cols[k] = inside.map_or(
                    [s.zero(); N],
                    #[inline(always)]
                    |column| {
                        let mut d = [s.zero(); N];
                        for y in 0..N {
                            if let Some(row) = window.rows[y] {
                                // SAFETY: the pixel lies in the input, and has `len` channels from the vector's first on.
                                unsafe {
                                    let at = x.as_ptr().add(row + column * self.c_in);
                                    d[y] = read::<S, PART>(s, at, len);
                                }
                            }
                        }
                        A::data(s, d)
                    },
                );
            }
            for y in 0..N {
                let mut row = [s.zero(); N];
                for k in 0..N {
                    row[k] = cols[k][y];
                }
                let row = A::data(s, row);
                for k in 0..N {
                    // SAFETY: the caller vouches for every square and point.
                    unsafe {
                        let at = to.add((y * N + k) * stride + i * self.c_in);
                        write::<S, PART>(s, at, len, row[k]);
                    }
                }
            }
            for k in 0..N - M {
                cols[k] = cols[M + k];
            }
        }
    }

    /// Y = Aᵀ·m·A and the epilogue, of squares `block` and the channels of a part.
    #[inline(always)]
    fn transform_output<S: Simd, A: Minimal<N, M>, const N: usize, const M: usize>(
        &self,
        s: S,
        job: &Job,
        part: &Part,
        block: Range<usize>,
        (m, m_stride): (&[f32], usize),
        y: &mut TileMut<f32>,
    ) {
        let ([down, across], panel) = (self.squares(), panel_width(self.isa));
        assert!((N * N - 1) * m_stride + block.len() * panel <= m.len());
        for (i, square) in block.enumerate() {
            let (row, left) = (square / across, square % across * M);
            let top = row % down * M;
            let first = self.first_pixel(row) + left - job.tile.pixels.start;
            let size = [(self.output[0] - top).min(M), (self.output[1] - left).min(M)];
            assert!(first + (size[0] - 1) * self.output[1] + size[1] <= y.rows() && part.first + part.cols <= y.cols());
            for c in (0..part.cols).step_by(S::LANES) {
                let n = (part.cols - c).min(S::LANES);
                let place = Place { first, size, column: part.first + c };
                // SAFETY: m's rows are whole vectors; the square's pixels and the part's channels lie in y, as asserted, and in bias
                // and residual, which have y's size.
                unsafe {
                    let from = m.as_ptr().add(i * panel + c);
                    if n == S::LANES {
                        self.finish_square::<S, A, N, M, false>(s, from, m_stride, &place, n, y, job.epilogue);
                    } else {
                        self.finish_square::<S, A, N, M, true>(s, from, m_stride, &place, n, y, job.epilogue);
                    }
                }
            }
        }
    }

    /// One square and vector of channels.
    ///
    /// # Safety
    /// `m` is valid for reads of a vector at every point, and `len` channels from the place's column on exist in y, bias and residual for
    /// each of its pixels.
    #[inline(always)]
    unsafe fn finish_square<S: Simd, A: Minimal<N, M>, const N: usize, const M: usize, const PART: bool>(
        &self,
        s: S,
        m: *const f32,
        stride: usize,
        place: &Place,
        len: usize,
        y: &mut TileMut<f32>,
        epilogue: &Epilogue,
    ) {
        let y_stride = y.stride();
        // SAFETY: as the caller vouches.
        unsafe {
            let mut cols = [[s.zero(); M]; N];
            for k in 0..N {
                let mut column = [s.zero(); N];
                for i in 0..N {
                    column[i] = s.load_ptr(m.add((i * N + k) * stride));
                }
                cols[k] = A::output(s, column);
            }
            let bias = epilogue.bias.map_or(
                s.zero(),
                #[inline(always)]
                |b| read::<S, PART>(s, b.as_ptr().add(place.column), len),
            );
            let relu = epilogue.activation == Activation::Relu;
            for i in 0..M {
                if i >= place.size[0] {
                    break;
                }
                let mut row = [s.zero(); N];
                for k in 0..N {
                    row[k] = cols[k][i];
                }
                let row = A::output(s, row);
                for k in 0..M {
                    if k >= place.size[1] {
                        break;
                    }
                    let pixel = place.first + i * self.output[1] + k;
                    let mut out = s.add(row[k], bias);
                    if let Some(r) = &epilogue.residual {
                        out =
                            s.add(out, read::<S, PART>(s, r.as_ptr().add(pixel * r.row_stride() + place.column), len));
                    }
                    if relu {
                        // max_fast returns its second operand when one is NaN, so NaN survives.
                        out = s.max_fast(s.zero(), out);
                    }
                    let at = y.as_mut_ptr().add(pixel * y_stride + place.column);
                    write::<S, PART>(s, at, len, out);
                }
            }
        }
    }
}

/// # Safety
/// `p` is valid for reads of a vector, or, if `PART`, of `len` elements.
#[inline(always)]
unsafe fn read<S: Simd, const PART: bool>(s: S, p: *const f32, len: usize) -> S::F32 {
    // SAFETY: as the caller vouches.
    unsafe { if PART { s.load_partial(p, len) } else { s.load_ptr(p) } }
}

/// # Safety
/// `p` is valid for writes of a vector, or, if `PART`, of `len` elements.
#[inline(always)]
unsafe fn write<S: Simd, const PART: bool>(s: S, p: *mut f32, len: usize, v: S::F32) {
    // SAFETY: as the caller vouches.
    unsafe { if PART { s.store_partial(p, len, v) } else { s.store_ptr(p, v) } }
}

/// What a tile is computed from.
struct Job<'a> {
    tile: &'a WinogradTile,
    x: &'a [f32],
    u: &'a [f32],
    epilogue: &'a Epilogue<'a>,
}

/// A panel of the tile's channels: the first, counted in the tile, and how many.
struct Part {
    first: usize,
    cols: usize,
}

/// Where the rows that a square sees begin in the input, none for padding, and its left column in the padded input.
struct Window<const N: usize> {
    rows: [Option<usize>; N],
    column: usize,
}

/// A square in its tile: its first pixel, how many rows and columns of it exist, and the channel.
struct Place {
    first: usize,
    size: [usize; 2],
    column: usize,
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
