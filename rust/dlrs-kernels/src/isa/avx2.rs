//! The AVX2 + FMA level: vectors of eight lanes.

use std::arch::x86_64::*;

use super::{Isa, Level, Simd};

/// The AVX2 + FMA level.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

/// Evaluates intrinsics of this level inside a method of [`Avx2`].
macro_rules! v {
    ($e:expr) => {{
        // SAFETY: a value of `Avx2` exists only where AVX2 and FMA are supported, and the intrinsics touch no memory.
        unsafe { $e }
    }};
}

/// The first `8 - i` words from index `i` on are all ones: the mask of `n` lanes starts at `8 - n`.
static TAIL: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

/// The mask whose first `n` lanes are set.
///
/// # Safety
/// AVX2 is supported and `n <= 8`.
#[inline(always)]
unsafe fn tail_mask(n: usize) -> __m256i {
    debug_assert!(n <= 8);
    // SAFETY: 8 - n is in 0..=8, so eight words from there lie inside TAIL.
    unsafe { _mm256_loadu_si256(TAIL.as_ptr().add(8 - n).cast()) }
}

#[target_feature(enable = "avx2,fma")]
fn enter<R>(f: impl FnOnce() -> R) -> R {
    f()
}

impl Simd for Avx2 {
    const LANES: usize = 8;
    type F32 = __m256;
    type I32 = __m256i;
    type Mask = __m256;

    #[inline(always)]
    fn new(isa: Isa) -> Option<Self> {
        (isa.level() >= Level::Avx2).then_some(Self(()))
    }
    #[inline(always)]
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
        v!(enter(f))
    }
    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        v!(_mm256_set1_ps(x))
    }
    #[inline(always)]
    fn splat_i32(self, x: i32) -> __m256i {
        v!(_mm256_set1_epi32(x))
    }
    #[inline(always)]
    unsafe fn load_ptr(self, p: *const f32) -> __m256 {
        // SAFETY: the caller vouches for eight elements at p.
        unsafe { _mm256_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store_ptr(self, p: *mut f32, v: __m256) {
        // SAFETY: the caller vouches for eight elements at p.
        unsafe { _mm256_storeu_ps(p, v) }
    }
    #[inline(always)]
    unsafe fn stream_ptr(self, p: *mut f32, v: __m256) {
        // SAFETY: the caller vouches for eight aligned elements at p, and for the fence.
        unsafe { _mm256_stream_ps(p, v) }
    }
    #[inline(always)]
    fn fence_streams(self) {
        v!(_mm_sfence())
    }
    #[inline(always)]
    unsafe fn load_partial(self, p: *const f32, n: usize) -> __m256 {
        // SAFETY: masked-off lanes are not accessed; the caller vouches for the n others.
        unsafe { _mm256_maskload_ps(p, tail_mask(n)) }
    }
    #[inline(always)]
    unsafe fn store_partial(self, p: *mut f32, n: usize, v: __m256) {
        // SAFETY: masked-off lanes are not accessed; the caller vouches for the n others.
        unsafe { _mm256_maskstore_ps(p, tail_mask(n), v) }
    }
    #[inline(always)]
    unsafe fn load_i32_ptr(self, p: *const i32) -> __m256i {
        // SAFETY: the caller vouches for eight elements at p.
        unsafe { _mm256_loadu_si256(p.cast()) }
    }
    #[inline(always)]
    unsafe fn store_i32_ptr(self, p: *mut i32, v: __m256i) {
        // SAFETY: the caller vouches for eight elements at p.
        unsafe { _mm256_storeu_si256(p.cast(), v) }
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        v!(_mm256_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        v!(_mm256_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        v!(_mm256_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        v!(_mm256_div_ps(a, b))
    }
    #[inline(always)]
    fn fma(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        v!(_mm256_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn fnma(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        v!(_mm256_fnmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn sqrt(self, a: __m256) -> __m256 {
        v!(_mm256_sqrt_ps(a))
    }
    #[inline(always)]
    fn max_fast(self, a: __m256, b: __m256) -> __m256 {
        v!(_mm256_max_ps(a, b))
    }
    #[inline(always)]
    fn min_fast(self, a: __m256, b: __m256) -> __m256 {
        v!(_mm256_min_ps(a, b))
    }
    #[inline(always)]
    fn round_even(self, a: __m256) -> __m256 {
        v!(_mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a))
    }
    #[inline(always)]
    fn floor(self, a: __m256) -> __m256 {
        v!(_mm256_floor_ps(a))
    }
    #[inline(always)]
    fn lt(self, a: __m256, b: __m256) -> __m256 {
        v!(_mm256_cmp_ps::<_CMP_LT_OQ>(a, b))
    }
    #[inline(always)]
    fn le(self, a: __m256, b: __m256) -> __m256 {
        v!(_mm256_cmp_ps::<_CMP_LE_OQ>(a, b))
    }
    #[inline(always)]
    fn eq(self, a: __m256, b: __m256) -> __m256 {
        v!(_mm256_cmp_ps::<_CMP_EQ_OQ>(a, b))
    }
    #[inline(always)]
    fn ne(self, a: __m256, b: __m256) -> __m256 {
        v!(_mm256_cmp_ps::<_CMP_NEQ_UQ>(a, b))
    }
    #[inline(always)]
    fn select(self, m: __m256, a: __m256, b: __m256) -> __m256 {
        v!(_mm256_blendv_ps(b, a, m))
    }
    #[inline(always)]
    fn select_i32(self, m: __m256, a: __m256i, b: __m256i) -> __m256i {
        v!(_mm256_blendv_epi8(b, a, _mm256_castps_si256(m)))
    }
    #[inline(always)]
    fn mask_and(self, a: __m256, b: __m256) -> __m256 {
        v!(_mm256_and_ps(a, b))
    }
    #[inline(always)]
    fn mask_or(self, a: __m256, b: __m256) -> __m256 {
        v!(_mm256_or_ps(a, b))
    }
    #[inline(always)]
    fn mask_not(self, a: __m256) -> __m256 {
        v!(_mm256_xor_ps(a, _mm256_castsi256_ps(_mm256_set1_epi32(-1))))
    }
    #[inline(always)]
    fn first(self, n: usize) -> __m256 {
        v!(_mm256_castsi256_ps(tail_mask(n)))
    }
    #[inline(always)]
    fn mask_bits(self, m: __m256) -> u32 {
        v!(_mm256_movemask_ps(m) as u32)
    }
    #[inline(always)]
    fn eq_i32(self, a: __m256i, b: __m256i) -> __m256 {
        v!(_mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b)))
    }
    #[inline(always)]
    fn gt_i32(self, a: __m256i, b: __m256i) -> __m256 {
        v!(_mm256_castsi256_ps(_mm256_cmpgt_epi32(a, b)))
    }
    #[inline(always)]
    fn to_i32_round(self, a: __m256) -> __m256i {
        v!(_mm256_cvtps_epi32(a))
    }
    #[inline(always)]
    fn to_i32_trunc(self, a: __m256) -> __m256i {
        v!(_mm256_cvttps_epi32(a))
    }
    #[inline(always)]
    fn from_i32(self, a: __m256i) -> __m256 {
        v!(_mm256_cvtepi32_ps(a))
    }
    #[inline(always)]
    fn add_i32(self, a: __m256i, b: __m256i) -> __m256i {
        v!(_mm256_add_epi32(a, b))
    }
    #[inline(always)]
    fn sub_i32(self, a: __m256i, b: __m256i) -> __m256i {
        v!(_mm256_sub_epi32(a, b))
    }
    #[inline(always)]
    fn mul_even_u32(self, a: __m256i, b: __m256i) -> __m256i {
        v!(_mm256_mul_epu32(a, b))
    }
    #[inline(always)]
    fn odd_to_even(self, a: __m256i) -> __m256i {
        v!(_mm256_srli_epi64::<32>(a))
    }
    #[inline(always)]
    fn interleave_even(self, a: __m256i, b: __m256i) -> __m256i {
        v!(_mm256_blend_epi32::<0b1010_1010>(a, _mm256_slli_epi64::<32>(b)))
    }
    #[inline(always)]
    fn shl<const N: i32>(self, a: __m256i) -> __m256i {
        v!(_mm256_slli_epi32::<N>(a))
    }
    #[inline(always)]
    fn shr<const N: i32>(self, a: __m256i) -> __m256i {
        v!(_mm256_srai_epi32::<N>(a))
    }
    #[inline(always)]
    fn shr_u32<const N: i32>(self, a: __m256i) -> __m256i {
        v!(_mm256_srli_epi32::<N>(a))
    }
    #[inline(always)]
    fn and(self, a: __m256i, b: __m256i) -> __m256i {
        v!(_mm256_and_si256(a, b))
    }
    #[inline(always)]
    fn or(self, a: __m256i, b: __m256i) -> __m256i {
        v!(_mm256_or_si256(a, b))
    }
    #[inline(always)]
    fn xor(self, a: __m256i, b: __m256i) -> __m256i {
        v!(_mm256_xor_si256(a, b))
    }
    #[inline(always)]
    fn to_bits(self, a: __m256) -> __m256i {
        v!(_mm256_castps_si256(a))
    }
    #[inline(always)]
    fn from_bits(self, a: __m256i) -> __m256 {
        v!(_mm256_castsi256_ps(a))
    }
    #[inline(always)]
    fn permute(self, a: __m256, index: __m256i) -> __m256 {
        v!(_mm256_permutevar8x32_ps(a, index))
    }
    #[inline(always)]
    fn reduce_add(self, a: __m256) -> f32 {
        v!({
            let q = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let d = _mm_add_ps(q, _mm_movehl_ps(q, q));
            _mm_cvtss_f32(_mm_add_ss(d, _mm_movehdup_ps(d)))
        })
    }
    #[inline(always)]
    fn reduce_add_each(self, [a, b, c, d]: [__m256; 4]) -> [f32; 4] {
        let first = v!({
            let h = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
            _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps::<1>(h))
        });
        let mut sums = [0.0; 4];
        // SAFETY: there is room for four numbers.
        unsafe { _mm_storeu_ps(sums.as_mut_ptr(), first) };
        sums
    }
    #[inline(always)]
    fn reduce_max(self, a: __m256) -> f32 {
        let largest = v!({
            let q = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let d = _mm_max_ps(q, _mm_movehl_ps(q, q));
            _mm_cvtss_f32(_mm_max_ss(d, _mm_movehdup_ps(d)))
        });
        if self.any(self.ne(a, a)) { f32::NAN } else { largest }
    }
}
