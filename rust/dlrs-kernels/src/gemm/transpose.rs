//! Square transposes in registers: pairs, then quads, then 128-bit lanes change places.

use std::arch::x86_64::*;

use crate::isa::{Avx2, Avx512};

/// 16×16.
#[inline(always)]
pub(super) fn avx512(_: Avx512, v: &mut [__m512; 16]) {
    // SAFETY: a value of `Avx512` exists only where the level is supported, and the intrinsics touch no memory.
    unsafe {
        for q in 0..4 {
            let [a, b, c, d] = [v[4 * q], v[4 * q + 1], v[4 * q + 2], v[4 * q + 3]];
            let (ab0, ab1) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
            let (cd0, cd1) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
            v[4 * q] = _mm512_shuffle_ps::<0b01_00_01_00>(ab0, cd0);
            v[4 * q + 1] = _mm512_shuffle_ps::<0b11_10_11_10>(ab0, cd0);
            v[4 * q + 2] = _mm512_shuffle_ps::<0b01_00_01_00>(ab1, cd1);
            v[4 * q + 3] = _mm512_shuffle_ps::<0b11_10_11_10>(ab1, cd1);
        }
        // Vector 4q + r now holds column 4l + r of rows 4q..4q+4 in 128-bit lane l: what is left is a 4×4 transpose of lanes for each r.
        for r in 0..4 {
            let [a, b, c, d] = [v[r], v[4 + r], v[8 + r], v[12 + r]];
            let (ab0, ab1) = (_mm512_shuffle_f32x4::<0x44>(a, b), _mm512_shuffle_f32x4::<0xee>(a, b));
            let (cd0, cd1) = (_mm512_shuffle_f32x4::<0x44>(c, d), _mm512_shuffle_f32x4::<0xee>(c, d));
            v[r] = _mm512_shuffle_f32x4::<0x88>(ab0, cd0);
            v[4 + r] = _mm512_shuffle_f32x4::<0xdd>(ab0, cd0);
            v[8 + r] = _mm512_shuffle_f32x4::<0x88>(ab1, cd1);
            v[12 + r] = _mm512_shuffle_f32x4::<0xdd>(ab1, cd1);
        }
    }
}

/// 8×8.
#[inline(always)]
pub(super) fn avx2(_: Avx2, v: &mut [__m256; 16]) {
    // SAFETY: a value of `Avx2` exists only where the level is supported, and the intrinsics touch no memory.
    unsafe {
        for q in 0..2 {
            let [a, b, c, d] = [v[4 * q], v[4 * q + 1], v[4 * q + 2], v[4 * q + 3]];
            let (ab0, ab1) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            let (cd0, cd1) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
            v[4 * q] = _mm256_shuffle_ps::<0b01_00_01_00>(ab0, cd0);
            v[4 * q + 1] = _mm256_shuffle_ps::<0b11_10_11_10>(ab0, cd0);
            v[4 * q + 2] = _mm256_shuffle_ps::<0b01_00_01_00>(ab1, cd1);
            v[4 * q + 3] = _mm256_shuffle_ps::<0b11_10_11_10>(ab1, cd1);
        }
        for r in 0..4 {
            let (a, b) = (v[r], v[4 + r]);
            v[r] = _mm256_permute2f128_ps::<0x20>(a, b);
            v[4 + r] = _mm256_permute2f128_ps::<0x31>(a, b);
        }
    }
}
