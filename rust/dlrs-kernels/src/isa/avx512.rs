//! The AVX-512 level (F, BW, DQ, VL): vectors of sixteen lanes, masks in mask registers.

use std::arch::x86_64::*;

use super::{Isa, Level, Simd};

/// The AVX-512 level.
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());

/// Evaluates intrinsics of this level inside a method of [`Avx512`].
macro_rules! v {
    ($e:expr) => {{
        // SAFETY: a value of `Avx512` exists only where AVX-512 F, BW, DQ and VL are supported, and the intrinsics touch no memory.
        unsafe { $e }
    }};
}

/// The mask whose first `n <= 16` lanes are set.
#[inline(always)]
fn tail_mask(n: usize) -> __mmask16 {
    debug_assert!(n <= 16);
    ((1u32 << n) - 1) as __mmask16
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn enter<R>(f: impl FnOnce() -> R) -> R {
    f()
}

impl Simd for Avx512 {
    const LANES: usize = 16;
    type F32 = __m512;
    type I32 = __m512i;
    type Mask = __mmask16;

    #[inline(always)]
    fn new(isa: Isa) -> Option<Self> {
        (isa.level() >= Level::Avx512).then_some(Self(()))
    }
    #[inline(always)]
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
        v!(enter(f))
    }
    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        v!(_mm512_set1_ps(x))
    }
    #[inline(always)]
    fn splat_i32(self, x: i32) -> __m512i {
        v!(_mm512_set1_epi32(x))
    }
    #[inline(always)]
    unsafe fn load_ptr(self, p: *const f32) -> __m512 {
        // SAFETY: the caller vouches for sixteen elements at p.
        unsafe { _mm512_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store_ptr(self, p: *mut f32, v: __m512) {
        // SAFETY: the caller vouches for sixteen elements at p.
        unsafe { _mm512_storeu_ps(p, v) }
    }
    #[inline(always)]
    unsafe fn stream_ptr(self, p: *mut f32, v: __m512) {
        // SAFETY: the caller vouches for sixteen aligned elements at p, and for the fence.
        unsafe { _mm512_stream_ps(p, v) }
    }
    #[inline(always)]
    fn fence_streams(self) {
        v!(_mm_sfence())
    }
    #[inline(always)]
    unsafe fn load_partial(self, p: *const f32, n: usize) -> __m512 {
        // SAFETY: masked-off lanes are not accessed; the caller vouches for the n others.
        unsafe { _mm512_maskz_loadu_ps(tail_mask(n), p) }
    }
    #[inline(always)]
    unsafe fn store_partial(self, p: *mut f32, n: usize, v: __m512) {
        // SAFETY: masked-off lanes are not accessed; the caller vouches for the n others.
        unsafe { _mm512_mask_storeu_ps(p, tail_mask(n), v) }
    }
    #[inline(always)]
    unsafe fn load_i32_ptr(self, p: *const i32) -> __m512i {
        // SAFETY: the caller vouches for sixteen elements at p.
        unsafe { _mm512_loadu_si512(p.cast()) }
    }
    #[inline(always)]
    unsafe fn store_i32_ptr(self, p: *mut i32, v: __m512i) {
        // SAFETY: the caller vouches for sixteen elements at p.
        unsafe { _mm512_storeu_si512(p.cast(), v) }
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        v!(_mm512_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        v!(_mm512_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        v!(_mm512_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        v!(_mm512_div_ps(a, b))
    }
    #[inline(always)]
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        v!(_mm512_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn fnma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        v!(_mm512_fnmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn sqrt(self, a: __m512) -> __m512 {
        v!(_mm512_sqrt_ps(a))
    }
    #[inline(always)]
    fn max_fast(self, a: __m512, b: __m512) -> __m512 {
        v!(_mm512_max_ps(a, b))
    }
    #[inline(always)]
    fn min_fast(self, a: __m512, b: __m512) -> __m512 {
        v!(_mm512_min_ps(a, b))
    }
    #[inline(always)]
    fn round_even(self, a: __m512) -> __m512 {
        v!(_mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a))
    }
    #[inline(always)]
    fn floor(self, a: __m512) -> __m512 {
        v!(_mm512_roundscale_ps::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(a))
    }
    #[inline(always)]
    fn lt(self, a: __m512, b: __m512) -> __mmask16 {
        v!(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b))
    }
    #[inline(always)]
    fn le(self, a: __m512, b: __m512) -> __mmask16 {
        v!(_mm512_cmp_ps_mask::<_CMP_LE_OQ>(a, b))
    }
    #[inline(always)]
    fn eq(self, a: __m512, b: __m512) -> __mmask16 {
        v!(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b))
    }
    #[inline(always)]
    fn ne(self, a: __m512, b: __m512) -> __mmask16 {
        v!(_mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(a, b))
    }
    #[inline(always)]
    fn select(self, m: __mmask16, a: __m512, b: __m512) -> __m512 {
        v!(_mm512_mask_blend_ps(m, b, a))
    }
    #[inline(always)]
    fn select_i32(self, m: __mmask16, a: __m512i, b: __m512i) -> __m512i {
        v!(_mm512_mask_blend_epi32(m, b, a))
    }
    #[inline(always)]
    fn mask_and(self, a: __mmask16, b: __mmask16) -> __mmask16 {
        a & b
    }
    #[inline(always)]
    fn mask_or(self, a: __mmask16, b: __mmask16) -> __mmask16 {
        a | b
    }
    #[inline(always)]
    fn mask_not(self, a: __mmask16) -> __mmask16 {
        !a
    }
    #[inline(always)]
    fn first(self, n: usize) -> __mmask16 {
        tail_mask(n)
    }
    #[inline(always)]
    fn mask_bits(self, m: __mmask16) -> u32 {
        u32::from(m)
    }
    #[inline(always)]
    fn eq_i32(self, a: __m512i, b: __m512i) -> __mmask16 {
        v!(_mm512_cmpeq_epi32_mask(a, b))
    }
    #[inline(always)]
    fn gt_i32(self, a: __m512i, b: __m512i) -> __mmask16 {
        v!(_mm512_cmpgt_epi32_mask(a, b))
    }
    #[inline(always)]
    fn to_i32_round(self, a: __m512) -> __m512i {
        v!(_mm512_cvtps_epi32(a))
    }
    #[inline(always)]
    fn to_i32_trunc(self, a: __m512) -> __m512i {
        v!(_mm512_cvttps_epi32(a))
    }
    #[inline(always)]
    fn from_i32(self, a: __m512i) -> __m512 {
        v!(_mm512_cvtepi32_ps(a))
    }
    #[inline(always)]
    fn add_i32(self, a: __m512i, b: __m512i) -> __m512i {
        v!(_mm512_add_epi32(a, b))
    }
    #[inline(always)]
    fn sub_i32(self, a: __m512i, b: __m512i) -> __m512i {
        v!(_mm512_sub_epi32(a, b))
    }
    #[inline(always)]
    fn mul_even_u32(self, a: __m512i, b: __m512i) -> __m512i {
        v!(_mm512_mul_epu32(a, b))
    }
    #[inline(always)]
    fn odd_to_even(self, a: __m512i) -> __m512i {
        v!(_mm512_srli_epi64::<32>(a))
    }
    #[inline(always)]
    fn interleave_even(self, a: __m512i, b: __m512i) -> __m512i {
        v!(_mm512_mask_blend_epi32(0xaaaa, a, _mm512_slli_epi64::<32>(b)))
    }
    #[inline(always)]
    fn shl<const N: i32>(self, a: __m512i) -> __m512i {
        v!(_mm512_sllv_epi32(a, _mm512_set1_epi32(N)))
    }
    #[inline(always)]
    fn shr<const N: i32>(self, a: __m512i) -> __m512i {
        v!(_mm512_srav_epi32(a, _mm512_set1_epi32(N)))
    }
    #[inline(always)]
    fn shr_u32<const N: i32>(self, a: __m512i) -> __m512i {
        v!(_mm512_srlv_epi32(a, _mm512_set1_epi32(N)))
    }
    #[inline(always)]
    fn and(self, a: __m512i, b: __m512i) -> __m512i {
        v!(_mm512_and_si512(a, b))
    }
    #[inline(always)]
    fn or(self, a: __m512i, b: __m512i) -> __m512i {
        v!(_mm512_or_si512(a, b))
    }
    #[inline(always)]
    fn xor(self, a: __m512i, b: __m512i) -> __m512i {
        v!(_mm512_xor_si512(a, b))
    }
    #[inline(always)]
    fn to_bits(self, a: __m512) -> __m512i {
        v!(_mm512_castps_si512(a))
    }
    #[inline(always)]
    fn from_bits(self, a: __m512i) -> __m512 {
        v!(_mm512_castsi512_ps(a))
    }
    #[inline(always)]
    fn permute(self, a: __m512, index: __m512i) -> __m512 {
        v!(_mm512_permutexvar_ps(index, a))
    }
    #[inline(always)]
    fn scale_by_power_of_two(self, a: __m512, n: __m512) -> __m512 {
        v!(_mm512_scalef_ps(a, n))
    }
    #[inline(always)]
    fn reduce_add(self, a: __m512) -> f32 {
        v!({
            let h = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps::<1>(a));
            let q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps::<1>(h));
            let d = _mm_add_ps(q, _mm_movehl_ps(q, q));
            _mm_cvtss_f32(_mm_add_ss(d, _mm_movehdup_ps(d)))
        })
    }
    #[inline(always)]
    fn reduce_add_each(self, [a, b, c, d]: [__m512; 4]) -> [f32; 4] {
        let first = v!({
            // Quarters are added until each of the four holds what is left of one vector, then the lanes of the quarters.
            let ab = _mm512_add_ps(_mm512_shuffle_f32x4::<0x44>(a, b), _mm512_shuffle_f32x4::<0xee>(a, b));
            let cd = _mm512_add_ps(_mm512_shuffle_f32x4::<0x44>(c, d), _mm512_shuffle_f32x4::<0xee>(c, d));
            let q = _mm512_add_ps(_mm512_shuffle_f32x4::<0x88>(ab, cd), _mm512_shuffle_f32x4::<0xdd>(ab, cd));
            let q = _mm512_add_ps(q, _mm512_permute_ps::<0x4e>(q));
            let q = _mm512_add_ps(q, _mm512_permute_ps::<0xb1>(q));
            let first = _mm512_setr_epi32(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
            _mm512_castps512_ps128(_mm512_permutexvar_ps(first, q))
        });
        let mut sums = [0.0; 4];
        // SAFETY: there is room for four numbers.
        unsafe { _mm_storeu_ps(sums.as_mut_ptr(), first) };
        sums
    }
    #[inline(always)]
    fn reduce_max(self, a: __m512) -> f32 {
        let largest = v!({
            let h = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps::<1>(a));
            let q = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps::<1>(h));
            let d = _mm_max_ps(q, _mm_movehl_ps(q, q));
            _mm_cvtss_f32(_mm_max_ss(d, _mm_movehdup_ps(d)))
        });
        if self.any(self.ne(a, a)) { f32::NAN } else { largest }
    }
}
