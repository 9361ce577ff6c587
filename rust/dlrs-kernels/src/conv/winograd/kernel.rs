//! The kernel, transformed and packed.

use std::ops::Range;

use crate::dispatch;
use crate::gemm::panel_width;
use crate::isa::{Isa, Simd};
use crate::mem::TileMut;

use super::Winograd;
use super::algorithm::{F2, F4, Minimal};
use super::point_stride;

/// The transform U = G·g·Gᵀ of a kernel, prepared for one level: for each panel of [`panel_width`] output channels, for each point,
/// c_in rows of the panel and a gap.
#[derive(Clone, Debug)]
pub struct WinogradKernel {
    isa: Isa,
    f: Winograd,
    c_in: usize,
    c_out: usize,
    /// Elements between two input and two output channels of a tap.
    strides: (usize, usize),
    /// Whether taps come in the reverse order.
    reversed: bool,
    pieces: Vec<WinogradPiece>,
}

/// A part of the transformed kernel that is computed at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WinogradPiece {
    panel: usize,
    channels: Range<usize>,
    /// Where it begins. It has a row per point.
    pub start: usize,
    /// Elements of a row.
    pub len: usize,
    /// Elements from row to row.
    pub stride: usize,
}

/// Input channels of a piece.
const CHUNK: usize = 64;

impl WinogradKernel {
    /// For the convolution itself: the kernel is `[3, 3, c_in, c_out]`.
    pub fn forward(isa: Isa, f: Winograd, c_in: usize, c_out: usize) -> WinogradKernel {
        WinogradKernel::new(isa, f, (c_in, c_out), (c_out, 1), false)
    }

    /// For its gradient by the input, a convolution from c_out to c_in channels with the same kernel, taps reversed.
    pub fn backward_input(isa: Isa, f: Winograd, c_in: usize, c_out: usize) -> WinogradKernel {
        WinogradKernel::new(isa, f, (c_out, c_in), (1, c_out), true)
    }

    fn new(isa: Isa, f: Winograd, (c_in, c_out): (usize, usize), strides: (usize, usize), reversed: bool) -> Self {
        let width = panel_width(isa);
        let stride = point_stride(c_in, width);
        let per_panel = f.points() * stride;
        let panels = 0..c_out.div_ceil(width);
        let pieces = panels.flat_map(|panel| {
            (0..c_in).step_by(CHUNK).map(move |c| {
                let channels = c..c_in.min(c + CHUNK);
                let (start, len) = (panel * per_panel + c * width, channels.len() * width);
                WinogradPiece { panel, channels, start, len, stride }
            })
        });
        WinogradKernel { isa, f, c_in, c_out, strides, reversed, pieces: pieces.collect() }
    }

    /// Elements of the transformed kernel.
    pub fn len(&self) -> usize {
        transformed_len(self.isa, self.f, self.c_in, self.c_out)
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The parts that may be computed at the same time.
    pub fn pieces(&self) -> &[WinogradPiece] {
        &self.pieces
    }

    /// One piece, from the whole kernel.
    ///
    /// # Panics
    /// If `kernel` or `u` has another size.
    pub fn run(&self, piece: &WinogradPiece, kernel: &[f32], u: TileMut<f32>) {
        assert_eq!(kernel.len(), 9 * self.c_in * self.c_out, "kernel of 3x3x{}x{}", self.c_in, self.c_out);
        assert_eq!((u.rows(), u.cols()), (self.f.points(), piece.len), "transformed piece");
        match self.f {
            Winograd::F2 => dispatch!(self.isa, s => self.transform::<_, F2, 4, 2>(s, piece, kernel, u)),
            Winograd::F4 => dispatch!(self.isa, s => self.transform::<_, F4, 6, 4>(s, piece, kernel, u)),
        }
    }

    /// All pieces, one after another.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub fn run_all(&self, kernel: &[f32], u: &mut [f32]) {
        assert_eq!(u.len(), self.len(), "transformed kernel");
        for piece in &self.pieces {
            self.run(piece, kernel, TileMut::new(&mut u[piece.start..], self.f.points(), piece.len, piece.stride));
        }
    }

    #[inline(always)]
    fn transform<S: Simd, A: Minimal<N, M>, const N: usize, const M: usize>(
        &self,
        s: S,
        piece: &WinogradPiece,
        kernel: &[f32],
        mut u: TileMut<f32>,
    ) {
        let width = panel_width(self.isa);
        for (i, j) in piece.channels.clone().flat_map(|i| (0..width).step_by(S::LANES).map(move |j| (i, j))) {
            let column = piece.panel * width + j;
            let mut cols = [[s.zero(); N]; 3];
            for x in 0..3 {
                let mut g = [s.zero(); 3];
                for y in 0..3 {
                    g[y] = self.weights(s, kernel, 3 * y + x, i, column);
                }
                cols[x] = A::filter(s, g);
            }
            for y in 0..N {
                let row = A::filter(s, [cols[0][y], cols[1][y], cols[2][y]]);
                for x in 0..N {
                    s.store(&mut u.row(y * N + x)[(i - piece.channels.start) * width + j..], row[x]);
                }
            }
        }
    }

    /// The weights of a tap from one input channel to a vector of output channels, zeros beyond the last.
    #[inline(always)]
    fn weights<S: Simd>(&self, s: S, kernel: &[f32], tap: usize, from: usize, to: usize) -> S::F32 {
        let n = self.c_out.saturating_sub(to).min(S::LANES);
        let tap = if self.reversed { 8 - tap } else { tap };
        if n == 0 {
            return s.zero();
        }
        let at = &kernel[tap * self.c_in * self.c_out + from * self.strides.0 + to * self.strides.1..];
        if n == S::LANES && self.strides.1 == 1 {
            return s.load(at);
        }
        let mut lanes = [0.0; 16];
        for (lane, w) in lanes[..n].iter_mut().zip(at.iter().step_by(self.strides.1)) {
            *lane = *w;
        }
        s.load(&lanes)
    }
}

/// Elements of a transformed kernel.
pub(super) fn transformed_len(isa: Isa, f: Winograd, c_in: usize, c_out: usize) -> usize {
    let width = panel_width(isa);
    let each = f.points().checked_mul(point_stride(c_in, width));
    each.and_then(|each| each.checked_mul(c_out.div_ceil(width))).expect("a transformed kernel fits the address space")
}
