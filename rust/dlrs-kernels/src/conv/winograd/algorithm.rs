//! The one-dimensional transforms of F(2, 3) and F(4, 3), over vectors of channels.

use crate::isa::Simd;

/// A minimal filtering algorithm F(M, 3): M outputs of a filter of 3 taps from N = M + 2 inputs d and N multiplications,
/// Aᵀ·\[(G·g) ⊙ (Bᵀ·d)\] (Lavin and Gray 2016, arXiv 1509.09308, section 4).
pub(super) trait Minimal<const N: usize, const M: usize> {
    /// Bᵀ·d.
    fn data<S: Simd>(s: S, d: [S::F32; N]) -> [S::F32; N];
    /// G·g.
    fn filter<S: Simd>(s: S, g: [S::F32; 3]) -> [S::F32; N];
    /// Aᵀ·m.
    fn output<S: Simd>(s: S, m: [S::F32; N]) -> [S::F32; M];
}

/// F(2, 3), from the points 0, 1, −1, ∞.
pub(super) struct F2;

/// F(4, 3), from the points 0, ±√½, ±√2, ∞. The usual 0, ±1, ±2, ∞ lose three bits more: the powers of these points stay near 1, and
/// their squares, which is all that rows of even and of odd powers mix, are exact.
pub(super) struct F4;

impl Minimal<4, 2> for F2 {
    #[inline(always)]
    fn data<S: Simd>(s: S, d: [S::F32; 4]) -> [S::F32; 4] {
        [s.sub(d[0], d[2]), s.add(d[1], d[2]), s.sub(d[2], d[1]), s.sub(d[3], d[1])]
    }

    #[inline(always)]
    fn filter<S: Simd>(s: S, g: [S::F32; 3]) -> [S::F32; 4] {
        let half = s.splat(0.5);
        let even = s.mul(half, s.add(g[0], g[2]));
        [g[0], s.fma(half, g[1], even), s.fnma(half, g[1], even), g[2]]
    }

    #[inline(always)]
    fn output<S: Simd>(s: S, m: [S::F32; 4]) -> [S::F32; 2] {
        [s.add(m[0], s.add(m[1], m[2])), s.add(s.sub(m[1], m[2]), m[3])]
    }
}

use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

impl Minimal<6, 4> for F4 {
    /// The rows are x⁴ − 2½·x² + 1, (x² − 2)(x² ± √½·x), (x² − ½)(x² ± √2·x) and x⁵ − 2½·x³ + x in powers of the shift x: the products
    /// of the distances from all other points.
    #[inline(always)]
    fn data<S: Simd>(s: S, d: [S::F32; 6]) -> [S::F32; 6] {
        let (half, two, two_and_half) = (s.splat(0.5), s.splat(2.0), s.splat(2.5));
        let (a, b) = (s.splat(FRAC_1_SQRT_2), s.splat(SQRT_2));
        let (even_a, odd_a) = (s.fnma(two, d[2], d[4]), s.fnma(two, d[1], d[3]));
        let (even_b, odd_b) = (s.fnma(half, d[2], d[4]), s.fnma(half, d[1], d[3]));
        [
            s.fnma(two_and_half, d[2], s.add(d[0], d[4])),
            s.fma(a, odd_a, even_a),
            s.fnma(a, odd_a, even_a),
            s.fma(b, odd_b, even_b),
            s.fnma(b, odd_b, even_b),
            s.fnma(two_and_half, d[3], s.add(d[1], d[5])),
        ]
    }

    /// The filter's polynomial at each point, over the product of that point's distances from the others.
    #[inline(always)]
    fn filter<S: Simd>(s: S, g: [S::F32; 3]) -> [S::F32; 6] {
        let (half, two) = (s.splat(0.5), s.splat(2.0));
        let (a, b) = (s.splat(FRAC_1_SQRT_2), s.splat(SQRT_2));
        let (minus_two_thirds, sixth) = (s.splat(-2.0 / 3.0), s.splat(1.0 / 6.0));
        let even_a = s.mul(minus_two_thirds, s.fma(half, g[2], g[0]));
        let even_b = s.mul(sixth, s.fma(two, g[2], g[0]));
        let (odd_a, odd_b) = (s.mul(minus_two_thirds, g[1]), s.mul(sixth, g[1]));
        [
            g[0],
            s.fma(a, odd_a, even_a),
            s.fnma(a, odd_a, even_a),
            s.fma(b, odd_b, even_b),
            s.fnma(b, odd_b, even_b),
            g[2],
        ]
    }

    /// Powers 0 to 3 of the points.
    #[inline(always)]
    fn output<S: Simd>(s: S, m: [S::F32; 6]) -> [S::F32; 4] {
        let (half, two) = (s.splat(0.5), s.splat(2.0));
        let (a, b) = (s.splat(FRAC_1_SQRT_2), s.splat(SQRT_2));
        let (even_a, odd_a) = (s.add(m[1], m[2]), s.mul(a, s.sub(m[1], m[2])));
        let (even_b, odd_b) = (s.add(m[3], m[4]), s.mul(b, s.sub(m[3], m[4])));
        [
            s.add(m[0], s.add(even_a, even_b)),
            s.add(odd_a, odd_b),
            s.fma(half, even_a, s.mul(two, even_b)),
            s.fma(half, odd_a, s.fma(two, odd_b, m[5])),
        ]
    }
}
