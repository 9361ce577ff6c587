//! Eight numbers of double precision at every level, for sums whose range single precision has not.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use super::Portable;
#[cfg(target_arch = "x86_64")]
use super::{Avx2, Avx512};

/// Eight numbers in memory.
pub type Eight = [f64; 8];

/// Arithmetic on vectors of eight f64.
pub trait Doubles: Copy {
    /// Eight numbers.
    type D: Copy;

    /// All lanes `x`.
    fn splat_d(self, x: f64) -> Self::D;
    /// Reads eight.
    fn load_d(self, x: &Eight) -> Self::D;
    /// Writes eight.
    fn store_d(self, y: &mut Eight, v: Self::D);
    /// `a + b`.
    fn add_d(self, a: Self::D, b: Self::D) -> Self::D;
    /// `a - b`.
    fn sub_d(self, a: Self::D, b: Self::D) -> Self::D;
    /// `a * b`.
    fn mul_d(self, a: Self::D, b: Self::D) -> Self::D;
    /// The larger; `b` if either is NaN.
    fn max_d(self, a: Self::D, b: Self::D) -> Self::D;
    /// `a >= b ? then : otherwise`, lane by lane; `otherwise` for NaN.
    fn where_at_least_d(self, a: Self::D, b: Self::D, then: Self::D, otherwise: Self::D) -> Self::D;
    /// Each number a lane on; 0 in the first.
    fn shift_up_d(self, a: Self::D) -> Self::D;
    /// Each number a lane back; 0 in the last.
    fn shift_down_d(self, a: Self::D) -> Self::D;
}

impl Doubles for Portable {
    type D = Eight;

    #[inline(always)]
    fn splat_d(self, x: f64) -> Eight {
        [x; 8]
    }
    #[inline(always)]
    fn load_d(self, x: &Eight) -> Eight {
        *x
    }
    #[inline(always)]
    fn store_d(self, y: &mut Eight, v: Eight) {
        *y = v;
    }
    #[inline(always)]
    fn add_d(self, mut a: Eight, b: Eight) -> Eight {
        for j in 0..8 {
            a[j] += b[j];
        }
        a
    }
    #[inline(always)]
    fn sub_d(self, mut a: Eight, b: Eight) -> Eight {
        for j in 0..8 {
            a[j] -= b[j];
        }
        a
    }
    #[inline(always)]
    fn mul_d(self, mut a: Eight, b: Eight) -> Eight {
        for j in 0..8 {
            a[j] *= b[j];
        }
        a
    }
    #[inline(always)]
    fn max_d(self, mut a: Eight, b: Eight) -> Eight {
        for j in 0..8 {
            a[j] = if a[j] > b[j] { a[j] } else { b[j] };
        }
        a
    }
    #[inline(always)]
    fn where_at_least_d(self, mut a: Eight, b: Eight, then: Eight, otherwise: Eight) -> Eight {
        for j in 0..8 {
            a[j] = if a[j] >= b[j] { then[j] } else { otherwise[j] };
        }
        a
    }
    #[inline(always)]
    fn shift_up_d(self, a: Eight) -> Eight {
        [0.0, a[0], a[1], a[2], a[3], a[4], a[5], a[6]]
    }
    #[inline(always)]
    fn shift_down_d(self, a: Eight) -> Eight {
        [a[1], a[2], a[3], a[4], a[5], a[6], a[7], 0.0]
    }
}

/// Evaluates intrinsics of a level inside a method of it.
#[cfg(target_arch = "x86_64")]
macro_rules! v {
    ($e:expr) => {{
        // SAFETY: a value of the level exists only where its instructions are supported, and memory is reached through references to
        // eight numbers.
        unsafe { $e }
    }};
}

#[cfg(target_arch = "x86_64")]
impl Doubles for Avx512 {
    type D = __m512d;

    #[inline(always)]
    fn splat_d(self, x: f64) -> __m512d {
        v!(_mm512_set1_pd(x))
    }
    #[inline(always)]
    fn load_d(self, x: &Eight) -> __m512d {
        v!(_mm512_loadu_pd(x.as_ptr()))
    }
    #[inline(always)]
    fn store_d(self, y: &mut Eight, v: __m512d) {
        v!(_mm512_storeu_pd(y.as_mut_ptr(), v));
    }
    #[inline(always)]
    fn add_d(self, a: __m512d, b: __m512d) -> __m512d {
        v!(_mm512_add_pd(a, b))
    }
    #[inline(always)]
    fn sub_d(self, a: __m512d, b: __m512d) -> __m512d {
        v!(_mm512_sub_pd(a, b))
    }
    #[inline(always)]
    fn mul_d(self, a: __m512d, b: __m512d) -> __m512d {
        v!(_mm512_mul_pd(a, b))
    }
    #[inline(always)]
    fn max_d(self, a: __m512d, b: __m512d) -> __m512d {
        v!(_mm512_max_pd(a, b))
    }
    #[inline(always)]
    fn where_at_least_d(self, a: __m512d, b: __m512d, then: __m512d, otherwise: __m512d) -> __m512d {
        v!(_mm512_mask_blend_pd(_mm512_cmp_pd_mask::<_CMP_GE_OQ>(a, b), otherwise, then))
    }
    #[inline(always)]
    fn shift_up_d(self, a: __m512d) -> __m512d {
        let zero = v!(_mm512_setzero_si512());
        v!(_mm512_castsi512_pd(_mm512_alignr_epi64::<7>(_mm512_castpd_si512(a), zero)))
    }
    #[inline(always)]
    fn shift_down_d(self, a: __m512d) -> __m512d {
        let zero = v!(_mm512_setzero_si512());
        v!(_mm512_castsi512_pd(_mm512_alignr_epi64::<1>(zero, _mm512_castpd_si512(a))))
    }
}

#[cfg(target_arch = "x86_64")]
impl Doubles for Avx2 {
    type D = (__m256d, __m256d);

    #[inline(always)]
    fn splat_d(self, x: f64) -> Self::D {
        let v = v!(_mm256_set1_pd(x));
        (v, v)
    }
    #[inline(always)]
    fn load_d(self, x: &Eight) -> Self::D {
        v!((_mm256_loadu_pd(x.as_ptr()), _mm256_loadu_pd(x[4..].as_ptr())))
    }
    #[inline(always)]
    fn store_d(self, y: &mut Eight, v: Self::D) {
        let (low, high) = y.split_at_mut(4);
        v!(_mm256_storeu_pd(low.as_mut_ptr(), v.0));
        v!(_mm256_storeu_pd(high.as_mut_ptr(), v.1));
    }
    #[inline(always)]
    fn add_d(self, a: Self::D, b: Self::D) -> Self::D {
        v!((_mm256_add_pd(a.0, b.0), _mm256_add_pd(a.1, b.1)))
    }
    #[inline(always)]
    fn sub_d(self, a: Self::D, b: Self::D) -> Self::D {
        v!((_mm256_sub_pd(a.0, b.0), _mm256_sub_pd(a.1, b.1)))
    }
    #[inline(always)]
    fn mul_d(self, a: Self::D, b: Self::D) -> Self::D {
        v!((_mm256_mul_pd(a.0, b.0), _mm256_mul_pd(a.1, b.1)))
    }
    #[inline(always)]
    fn max_d(self, a: Self::D, b: Self::D) -> Self::D {
        v!((_mm256_max_pd(a.0, b.0), _mm256_max_pd(a.1, b.1)))
    }
    #[inline(always)]
    fn where_at_least_d(self, a: Self::D, b: Self::D, then: Self::D, otherwise: Self::D) -> Self::D {
        let low = v!(_mm256_blendv_pd(otherwise.0, then.0, _mm256_cmp_pd::<_CMP_GE_OQ>(a.0, b.0)));
        let high = v!(_mm256_blendv_pd(otherwise.1, then.1, _mm256_cmp_pd::<_CMP_GE_OQ>(a.1, b.1)));
        (low, high)
    }
    #[inline(always)]
    fn shift_up_d(self, a: Self::D) -> Self::D {
        // Lanes 3 0 1 2 of each half; then the first of the low half is 0, that of the high half the low half's last.
        let (low, high) =
            v!((_mm256_permute4x64_pd::<0b10_01_00_11>(a.0), _mm256_permute4x64_pd::<0b10_01_00_11>(a.1)));
        v!((_mm256_blend_pd::<1>(low, _mm256_setzero_pd()), _mm256_blend_pd::<1>(high, low)))
    }
    #[inline(always)]
    fn shift_down_d(self, a: Self::D) -> Self::D {
        // Lanes 1 2 3 0 of each half; then the last of the low half is the high half's first, that of the high half 0.
        let (low, high) =
            v!((_mm256_permute4x64_pd::<0b00_11_10_01>(a.0), _mm256_permute4x64_pd::<0b00_11_10_01>(a.1)));
        v!((_mm256_blend_pd::<8>(low, high), _mm256_blend_pd::<8>(high, _mm256_setzero_pd())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch;
    use crate::isa::Isa;

    fn results<L: Doubles>(l: L, a: &Eight, b: &Eight) -> [Eight; 8] {
        let (x, y) = (l.load_d(a), l.load_d(b));
        let all = [
            l.add_d(x, y),
            l.sub_d(x, y),
            l.mul_d(x, y),
            l.max_d(x, y),
            l.where_at_least_d(x, y, y, l.splat_d(-7.0)),
            l.shift_up_d(x),
            l.shift_down_d(x),
            l.splat_d(2.5),
        ];
        let mut made = [[0.0; 8]; 8];
        for (y, v) in made.iter_mut().zip(all) {
            l.store_d(y, v);
        }
        made
    }

    #[test]
    fn every_level_has_the_portable_ones_numbers() {
        let a = [1.5, -2.0, f64::NAN, 4.0, 1e300, -0.0, 7.0, 1e-300];
        let b = [1.5, 3.0, 1.0, f64::NAN, 1e300, 2.0, -8.0, 1e-300];
        let bits = |rows: [Eight; 8]| rows.map(|row| row.map(f64::to_bits));
        let want = results(Portable, &a, &b);
        assert_eq!((&want[5][..3], want[5][7]), (&[0.0, 1.5, -2.0][..], 7.0));
        assert_eq!((want[6][0], &want[6][3..]), (-2.0, &[1e300, -0.0, 7.0, 1e-300, 0.0][..]));
        for isa in Isa::supported() {
            assert_eq!(bits(dispatch!(isa, s => results(s, &a, &b))), bits(want), "{isa:?}");
        }
    }
}
