//! Philox4x32-10: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

use crate::isa::Simd;

const ROUNDS: usize = 10;
const MULTIPLIERS: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
/// Weyl increments of the key: the golden ratio and √3 − 1.
const WEYL: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];

/// The four random words of a counter under a key.
pub fn philox4x32(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        let a = u64::from(MULTIPLIERS[0]) * u64::from(counter[0]);
        let b = u64::from(MULTIPLIERS[1]) * u64::from(counter[2]);
        counter = [(b >> 32) as u32 ^ counter[1] ^ key[0], b as u32, (a >> 32) as u32 ^ counter[3] ^ key[1], a as u32];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

/// [`philox4x32`] of one counter per lane.
///
/// Even and odd lanes are worked on apart, each as the low half of a 64-bit lane: products then need no rearranging between rounds, and
/// what the high halves hold does not matter until the end.
#[inline(always)]
pub(super) fn philox_lanes<S: Simd>(s: S, counter: [S::I32; 4], mut key: [u32; 2]) -> [S::I32; 4] {
    let mut even = counter;
    let mut odd = counter;
    for k in 0..4 {
        odd[k] = s.odd_to_even(counter[k]);
    }
    for _ in 0..ROUNDS {
        let k = [s.splat_i32(key[0] as i32), s.splat_i32(key[1] as i32)];
        even = round(s, even, k);
        odd = round(s, odd, k);
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    for k in 0..4 {
        even[k] = s.interleave_even(even[k], odd[k]);
    }
    even
}

/// One round on the even lanes.
#[inline(always)]
fn round<S: Simd>(s: S, c: [S::I32; 4], key: [S::I32; 2]) -> [S::I32; 4] {
    let a = s.mul_even_u32(s.splat_i32(MULTIPLIERS[0] as i32), c[0]);
    let b = s.mul_even_u32(s.splat_i32(MULTIPLIERS[1] as i32), c[2]);
    let (a_high, b_high) = (s.odd_to_even(a), s.odd_to_even(b));
    [s.xor(s.xor(b_high, c[1]), key[0]), b, s.xor(s.xor(a_high, c[3]), key[1]), a]
}
