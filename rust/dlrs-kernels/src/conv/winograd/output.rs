//! The transform back, and what is done with its results.

use std::ops::Range;

use crate::gemm::{Activation, Epilogue};
use crate::isa::{Simd, prefetch_l2};
use crate::mem::TileMut;

use super::algorithm::Minimal;
use super::forward::{Job, Part};
use super::{LINE, WinogradConv, read, write};

/// A square in its tile: its first pixel, how many rows and columns of it exist, and the channel.
struct Place {
    first: usize,
    size: [usize; 2],
    column: usize,
}

impl WinogradConv {
    /// Fetches a share of where the block's results go, while products run: share `p` of the points' number.
    #[inline(always)]
    pub(super) fn fetch_output<const N: usize, const M: usize>(
        &self,
        job: &Job,
        y: &mut TileMut<f32>,
        part: &Part,
        block: Range<usize>,
        p: usize,
    ) {
        let (to, stride) = (y.as_mut_ptr(), y.stride());
        let rows = self.segments(block).flat_map(|segment| (0..M).map(move |i| (segment, i)));
        for (k, ((row, column, n), i)) in rows.enumerate() {
            if k % (N * N) == p {
                let first = self.first_pixel(row) + i * self.output[1] + column * M - job.tile.pixels.start;
                for pixel in first..first + n * M {
                    for c in (0..part.cols).step_by(LINE) {
                        prefetch_l2(to.wrapping_add(pixel * stride + part.first + c));
                    }
                }
            }
        }
    }

    /// Y = Aᵀ·m·A and the epilogue, of squares `block` and the channels of a part.
    #[inline(always)]
    pub(super) fn transform_output<S: Simd, A: Minimal<N, M>, const N: usize, const M: usize>(
        &self,
        s: S,
        job: &Job,
        part: &Part,
        block: Range<usize>,
        (m, m_stride): (&[f32], usize),
        y: &mut TileMut<f32>,
    ) {
        let [down, across] = self.squares();
        assert!((N * N - 1) * m_stride + block.len() * part.width <= m.len());
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
                    let from = m.as_ptr().add(i * part.width + c);
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
