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
#[inline(always)]
pub(super) fn philox_lanes<S: Simd>(s: S, mut counter: [S::I32; 4], mut key: [u32; 2]) -> [S::I32; 4] {
    let multiplier = MULTIPLIERS.map(
        #[inline(always)]
        |m| s.splat_i32(m as i32),
    );
    for _ in 0..ROUNDS {
        let (a_low, a_high) = s.mul_wide_u32(multiplier[0], counter[0]);
        let (b_low, b_high) = s.mul_wide_u32(multiplier[1], counter[2]);
        let k0 = s.splat_i32(key[0] as i32);
        let k1 = s.splat_i32(key[1] as i32);
        counter = [s.xor(s.xor(b_high, counter[1]), k0), b_low, s.xor(s.xor(a_high, counter[3]), k1), a_low];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}
