//! The register tiles and blocking constants of each level.

use crate::conv::{PixelSum, RowKernel, TapSum};
use crate::isa::{Portable, Simd};

use super::micro::{Kernel, Rows, kernel};

/// A level's micro-kernels. The constants are committed, not measured at run time, so that they may never depend on the machine.
pub(crate) trait Tiles: Simd {
    /// Rows of the largest micro-kernel.
    const MR: usize;
    /// The most steps of k that are multiplied before C is written: a panel of B of so many rows stays in, or near, L1.
    const KC: usize;
    /// The same for products whose C is large: visiting it once more costs more than panels that come from L2.
    const DEPTH: usize = Self::KC;

    /// The micro-kernel for `rows` of at most [`Self::MR`] and `vectors` of 1 or 2.
    fn kernel(rows: usize, vectors: usize, form: Rows) -> Kernel<Self>;

    /// The micro-kernel for `rows` and 2 vectors that fetches rows of B ahead and leaves a packed copy of them.
    fn streaming_kernel(rows: usize, form: Rows) -> Kernel<Self>;

    /// The row kernel for that many pixels and taps, if the level has one.
    fn row_kernel(_pixels: usize, _taps: usize) -> Option<RowKernel<Self>> {
        None
    }

    /// The sum over pixels for that many channels and taps, if the level has one.
    fn tap_sum(_channels: usize, _taps: usize) -> Option<TapSum<Self>> {
        None
    }

    /// The sum over vectors of pixels for that many channels and taps, if the level has one.
    fn pixel_sum(_channels: usize, _taps: usize) -> Option<PixelSum<Self>> {
        None
    }

    /// Transposes the `LANES` × `LANES` matrix in the first `LANES` vectors.
    fn transpose(self, v: &mut [Self::F32; 16]);

    /// Fetches the line at `p` into L1.
    fn prefetch(self, p: *const f32);

    /// Fetches the line at `p` into L2.
    fn prefetch_l2(self, p: *const f32);
}

/// Columns of a packed panel of B.
pub(crate) const fn panel<S: Simd>() -> usize {
    2 * S::LANES
}

macro_rules! kernels {
    ($level:ty, [$($mr:literal),*]) => {
        fn kernel(rows: usize, vectors: usize, form: Rows) -> Kernel<Self> {
            const TABLE: [[[Kernel<$level>; { [$($mr),*].len() }]; 2]; 2] = [
                [[$(kernel::<$level, $mr, 1, false, false>),*], [$(kernel::<$level, $mr, 2, false, false>),*]],
                [[$(kernel::<$level, $mr, 1, true, false>),*], [$(kernel::<$level, $mr, 2, true, false>),*]],
            ];
            TABLE[(form == Rows::Interleaved) as usize][vectors - 1][rows - 1]
        }

        fn streaming_kernel(rows: usize, form: Rows) -> Kernel<Self> {
            const TABLE: [[Kernel<$level>; { [$($mr),*].len() }]; 2] =
                [[$(kernel::<$level, $mr, 2, false, true>),*], [$(kernel::<$level, $mr, 2, true, true>),*]];
            TABLE[(form == Rows::Interleaved) as usize][rows - 1]
        }
    };
}

#[cfg(target_arch = "x86_64")]
macro_rules! row_kernels {
    ($level:ty, [$($pixels:literal),*]) => {
        fn row_kernel(pixels: usize, taps: usize) -> Option<RowKernel<Self>> {
            const TABLE: [[RowKernel<$level>; { [$($pixels),*].len() }]; 2] =
                [[$(row_kernel::<$level, $pixels, 3>),*], [$(row_kernel::<$level, $pixels, 5>),*]];
            let kernels = if matches!(taps, 3 | 5) { &TABLE[taps / 2 - 1] } else { return None };
            kernels.get(pixels.checked_sub(LEAST_PIXELS)?).copied()
        }
    };
}

#[cfg(target_arch = "x86_64")]
macro_rules! tap_sums {
    ($level:ty, $($taps:literal: [$($channels:literal),*]),*) => {
        fn tap_sum(channels: usize, taps: usize) -> Option<TapSum<Self>> {
            let kernels: &[TapSum<$level>] = match taps {
                $($taps => &[$(tap_sum::<$level, $channels, $taps>),*],)*
                _ => return None,
            };
            kernels.get(channels - 1).copied()
        }
    };
}

#[cfg(target_arch = "x86_64")]
macro_rules! pixel_sums {
    ($level:ty, $($taps:literal: [$($channels:literal),*]),*) => {
        fn pixel_sum(channels: usize, taps: usize) -> Option<PixelSum<Self>> {
            let kernels: &[PixelSum<$level>] = match taps {
                $($taps => &[$(pixel_sum::<$level, $channels, $taps>),*],)*
                _ => return None,
            };
            kernels.get(channels - 1).copied()
        }
    };
}

impl Tiles for Portable {
    // 8 accumulators of two quad registers each; of 32 registers where there are as many, with some spilling where there are 16.
    const MR: usize = 4;
    const KC: usize = 256;

    kernels!(Portable, [1, 2, 3, 4]);

    #[inline(always)]
    fn transpose(self, v: &mut [Self::F32; 16]) {
        for i in 0..Self::LANES {
            for j in 0..i {
                (v[i][j], v[j][i]) = (v[j][i], v[i][j]);
            }
        }
    }

    #[inline(always)]
    fn prefetch(self, _: *const f32) {}

    #[inline(always)]
    fn prefetch_l2(self, _: *const f32) {}
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{__m256, __m512, _MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};

    use crate::conv::{LEAST_PIXELS, PixelSum, RowKernel, TapSum, pixel_sum, row_kernel, tap_sum};
    use crate::isa::{Avx2, Avx512};

    use super::super::transpose;
    use super::{Kernel, Rows, Tiles, kernel};

    impl Tiles for Avx2 {
        // 12 accumulators, two vectors of B and one of A, of 16 registers.
        const MR: usize = 6;
        const KC: usize = 256;

        kernels!(Avx2, [1, 2, 3, 4, 5, 6]);
        // 12 or 10 accumulators, as many vectors of x as taps, and one of dy, of 16 registers.
        pixel_sums!(Avx2, 3: [1, 2, 3, 4], 5: [1, 2]);

        #[inline(always)]
        fn transpose(self, v: &mut [__m256; 16]) {
            transpose::avx2(self, v);
        }

        #[inline(always)]
        fn prefetch(self, p: *const f32) {
            // SAFETY: a prefetch may name any address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
        }

        #[inline(always)]
        fn prefetch_l2(self, p: *const f32) {
            // SAFETY: a prefetch may name any address.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) }
        }
    }

    impl Tiles for Avx512 {
        // 28 accumulators, two vectors of B and one of A, of 32 registers.
        const MR: usize = 14;
        const KC: usize = 400;
        const DEPTH: usize = 512;

        kernels!(Avx512, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
        // 16 accumulators, five vectors each of taps and of the source, of 32 registers.
        row_kernels!(Avx512, [8, 9, 10, 11, 12, 13, 14, 15, 16]);
        // 24 or 20 accumulators, as many vectors of dy as taps, and one of x, of 32 registers.
        tap_sums!(Avx512, 3: [1, 2, 3, 4, 5, 6, 7, 8], 5: [1, 2, 3, 4]);
        // 18 or 20 accumulators, as many vectors of x as taps, and one of dy, of 32 registers.
        pixel_sums!(Avx512, 3: [1, 2, 3, 4, 5, 6], 5: [1, 2, 3, 4]);

        #[inline(always)]
        fn transpose(self, v: &mut [__m512; 16]) {
            transpose::avx512(self, v);
        }

        #[inline(always)]
        fn prefetch(self, p: *const f32) {
            // SAFETY: a prefetch may name any address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
        }

        #[inline(always)]
        fn prefetch_l2(self, p: *const f32) {
            // SAFETY: a prefetch may name any address.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) }
        }
    }
}
