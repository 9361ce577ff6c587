//! The register tile of a step: a few rows of the state times one panel of weights.

use crate::gemm::levels::Tiles;
#[cfg(target_arch = "x86_64")]
use crate::isa::{Avx2, Avx512};
use crate::isa::{Double, Lanes, Portable, Real};

/// Elements of the largest register tile.
pub(super) const MAX_TILE: usize = 14 * 2 * 16;

/// Rows of `a`, `a_stride` apart, and a panel: rows `panel_stride` apart of vectors `vector_stride` apart.
#[derive(Clone, Copy)]
pub struct Operands<T> {
    pub a: *const T,
    pub a_stride: usize,
    pub panel: *const T,
    pub panel_stride: usize,
    pub vector_stride: usize,
    pub k: usize,
}

/// Vectors of one floating-point type and the products that fit their registers.
pub trait Multiply: Copy {
    /// The vectors.
    type L: Lanes<T = Self::T>;
    /// Their elements.
    type T: Real;

    /// The vectors.
    fn lanes(self) -> Self::L;

    /// Rows of a tile of so many vectors, at most.
    fn rows(vectors: usize) -> usize;

    /// Writes the products of `rows` rows by a panel of `vectors` vectors to `to`, row after row. Each element is one chain over k.
    ///
    /// # Safety
    /// `rows` is from 1 to [`rows`](Self::rows); `x` names `rows` rows of k elements and k rows of `vectors` vectors; `to` is valid
    /// for writes of `rows * vectors` vectors.
    unsafe fn product(self, rows: usize, vectors: usize, x: &Operands<Self::T>, to: *mut Self::T);
}

/// # Safety
/// As [`Multiply::product`], for `MR` rows and `V` vectors.
#[inline(always)]
unsafe fn tile<S: Tiles, const MR: usize, const V: usize>(s: S, x: &Operands<f32>, to: *mut f32) {
    let mut acc = [[s.zero(); V]; MR];
    let (mut a, mut panel) = (x.a, x.panel);
    // SAFETY: k steps through what the caller vouches for.
    unsafe {
        for _ in 0..x.k {
            let mut row = [s.zero(); V];
            for j in 0..V {
                row[j] = s.load_ptr(panel.add(j * x.vector_stride));
            }
            for i in 0..MR {
                let ai = s.splat(*a.add(i * x.a_stride));
                for j in 0..V {
                    acc[i][j] = s.fma(ai, row[j], acc[i][j]);
                }
            }
            a = a.wrapping_add(1);
            panel = panel.wrapping_add(x.panel_stride);
        }
        for i in 0..MR {
            for j in 0..V {
                s.store_ptr(to.add((i * V + j) * S::LANES), acc[i][j]);
            }
        }
    }
}

/// [`tile`] compiled for the level, to be called through a table.
///
/// # Safety
/// As [`tile`].
unsafe fn kernel<S: Tiles, const MR: usize, const V: usize>(s: S, x: &Operands<f32>, to: *mut f32) {
    s.vectorize(
        #[inline(always)]
        || {
            // SAFETY: the caller's promise is passed on.
            unsafe { tile::<S, MR, V>(s, x, to) }
        },
    )
}

macro_rules! level {
    ($level:ty, [$($two:literal),*], [$($three:literal),*], [$($four:literal),*]) => {
        impl Multiply for $level {
            type L = $level;
            type T = f32;

            #[inline(always)]
            fn lanes(self) -> $level {
                self
            }

            #[inline(always)]
            fn rows(vectors: usize) -> usize {
                match vectors {
                    2 => [$($two),*].len(),
                    3 => [$($three),*].len(),
                    _ => [$($four),*].len(),
                }
            }

            #[inline(always)]
            unsafe fn product(self, rows: usize, vectors: usize, x: &Operands<f32>, to: *mut f32) {
                type Table<const N: usize> = [unsafe fn($level, &Operands<f32>, *mut f32); N];
                const TWO: Table<{ [$($two),*].len() }> = [$(kernel::<$level, $two, 2>),*];
                const THREE: Table<{ [$($three),*].len() }> = [$(kernel::<$level, $three, 3>),*];
                const FOUR: Table<{ [$($four),*].len() }> = [$(kernel::<$level, $four, 4>),*];
                let kernel = match vectors {
                    2 => TWO[rows - 1],
                    3 => THREE[rows - 1],
                    _ => FOUR[rows - 1],
                };
                // SAFETY: the caller's promise.
                unsafe { kernel(self, x, to) }
            }
        }
    };
}

// Accumulators, a row of the panel and an element of the state fill the registers.
level!(Portable, [1, 2, 3, 4], [1, 2], [1, 2]);
#[cfg(target_arch = "x86_64")]
level!(Avx2, [1, 2, 3, 4, 5, 6], [1, 2, 3, 4], [1, 2, 3]);
#[cfg(target_arch = "x86_64")]
level!(Avx512, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], [1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 5, 6]);

impl Multiply for Double {
    type L = Double;
    type T = f64;

    fn lanes(self) -> Double {
        self
    }

    fn rows(_: usize) -> usize {
        1
    }

    unsafe fn product(self, _: usize, vectors: usize, x: &Operands<f64>, to: *mut f64) {
        // SAFETY: the caller vouches for one row of k elements, k rows of the panel and one of results.
        unsafe {
            let (a, to) = (std::slice::from_raw_parts(x.a, x.k), std::slice::from_raw_parts_mut(to, vectors));
            to.fill(0.0);
            for (p, a) in a.iter().enumerate() {
                for (v, to) in to.iter_mut().enumerate() {
                    *to += a * *x.panel.add(p * x.panel_stride + v * x.vector_stride);
                }
            }
        }
    }
}
