//! The transform of the input.

use std::ops::Range;

use crate::isa::{Simd, prefetch_l2};

use super::algorithm::Minimal;
use super::{LINE, WinogradConv, read, write};

/// Where the rows that a square sees begin in the input, none for padding, and its left column in the padded input.
struct Window<const N: usize> {
    rows: [Option<usize>; N],
    column: usize,
}

impl WinogradConv {
    /// V = Bᵀ·d·B of squares `block`, all channels, a matrix (squares × channels) every `stride` elements.
    #[inline(always)]
    pub(super) fn transform_input<S: Simd, A: Minimal<N, M>, const N: usize, const M: usize>(
        &self,
        s: S,
        x: &[f32],
        block: Range<usize>,
        v: &mut [f32],
        stride: usize,
    ) {
        let mut done = 0;
        for (row, column, n) in self.segments(block) {
            let window = self.window::<N, M>(row, column);
            assert!((N * N - 1) * stride + (done + n) * self.c_in <= v.len());
            for c in (0..self.c_in).step_by(S::LANES) {
                let (x, to) = (&x[c..], v[done * self.c_in + c..].as_mut_ptr());
                // SAFETY: the window's rows and columns lie in the input; the squares' elements at all points lie in v, as asserted.
                unsafe {
                    if c + S::LANES <= self.c_in {
                        self.transform_row::<S, A, N, M, false>(s, x, &window, n, S::LANES, to, stride);
                    } else {
                        self.transform_row::<S, A, N, M, true>(s, x, &window, n, self.c_in - c, to, stride);
                    }
                }
            }
            done += n;
        }
    }

    /// Fetches a share of what the squares of a block see and those above them do not, while products run that need none of it: share
    /// `p` of the points' number.
    #[inline(always)]
    pub(super) fn fetch_input<const N: usize, const M: usize>(&self, x: &[f32], block: Range<usize>, p: usize) {
        let rows = self.segments(block).flat_map(|segment| (N - M..N).map(move |i| (segment, i)));
        for (k, ((row, column, n), i)) in rows.enumerate() {
            if k % (N * N) == p
                && let Some(start) = self.window::<N, M>(row, column).rows[i]
            {
                let left = (column * M).saturating_sub(self.pad[1]) * self.c_in;
                for at in (left..left + n * M * self.c_in).step_by(LINE) {
                    prefetch_l2(x.as_ptr().wrapping_add(start + at));
                }
            }
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
}
