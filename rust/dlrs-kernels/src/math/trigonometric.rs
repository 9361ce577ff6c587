//! Sine and cosine in single precision.

use super::exponential::polynomial;
use crate::isa::Simd;

/// 2²⁰: beyond it the quarter turns no longer fit the exact part of the reduction, and lanes are reduced one by one.
const LARGE: f32 = 1_048_576.0;

/// (sin r, cos r) for |r| ≤ π/4; at most 1 ulp.
#[inline(always)]
pub fn sin_cos_reduced<S: Simd>(s: S, r: S::F32) -> (S::F32, S::F32) {
    let z = s.mul(r, r);
    let sin = polynomial(s, z, [-0.166_666_67, 0.008_333_379, -1.985_307_2e-4, 2.832_680_1e-6]);
    let cos = polynomial(s, z, [0.041_666_646, -0.001_388_731, 2.443_232_7e-5]);
    let half = s.fnma(s.splat(0.5), z, s.splat(1.0));
    (s.fma(sin, s.mul(z, r), r), s.fma(cos, s.mul(z, z), half))
}

/// (r, n) with x = r + n·π/2 modulo 2π, |r| ≤ π/4 and n in 0..4, computed in double precision.
///
/// Infinities and NaN give r = NaN.
#[inline(always)]
pub fn reduce_quarter<S: Simd>(s: S, x: S::F32) -> (S::F32, S::I32) {
    let (mut r, mut n) = ([0.0f32; 16], [0i32; 16]);
    s.store(&mut r, x);
    let huge = s.any(s.mask_not(s.lt(s.abs(x), s.splat(LARGE))));
    // π/2 in two doubles, the first of 33 bits, so that its product with n is exact.
    const HI: f64 = 1.570_796_326_734_125_6;
    const LO: f64 = 6.077_100_506_506_192e-11;
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    for i in 0..S::LANES {
        let x = f64::from(r[i]);
        let shifted = x * std::f64::consts::FRAC_2_PI + MAGIC;
        let quarters = shifted - MAGIC;
        n[i] = shifted.to_bits() as i32 & 3;
        r[i] = (x - quarters * HI - quarters * LO) as f32;
    }
    if huge {
        reduce_huge(s, x, &mut r, &mut n);
    }
    // SAFETY: n has at least LANES elements.
    (s.load(&r), unsafe { s.load_i32_ptr(n.as_ptr()) })
}

/// Reduces the lanes of `x` from [`LARGE`] on by the arctangent of double precision's sine and cosine, which reduce with all of π they need.
#[inline(never)]
fn reduce_huge<S: Simd>(s: S, x: S::F32, r: &mut [f32; 16], n: &mut [i32; 16]) {
    let mut lanes = [0.0f32; 16];
    s.store(&mut lanes, x);
    for i in (0..S::LANES).filter(|&i| lanes[i].is_nan() || lanes[i].abs() >= LARGE) {
        let (sin, cos) = f64::from(lanes[i]).sin_cos();
        let angle = sin.atan2(cos);
        let quarter = (angle * std::f64::consts::FRAC_2_PI).round();
        r[i] = (angle - quarter * std::f64::consts::FRAC_PI_2) as f32;
        n[i] = quarter as i32 & 3;
    }
}

/// sin(r + n·π/2) for reduced r.
#[inline(always)]
fn sin_of_quarter<S: Simd>(s: S, r: S::F32, n: S::I32) -> S::F32 {
    let (sin, cos) = sin_cos_reduced(s, r);
    let odd = s.eq_i32(s.and(n, s.splat_i32(1)), s.splat_i32(1));
    let sign = s.shl::<30>(s.and(n, s.splat_i32(2)));
    s.from_bits(s.xor(s.to_bits(s.select(odd, cos, sin)), sign))
}

/// Sine; at most 2 ulp.
#[inline(always)]
pub fn sin<S: Simd>(s: S, x: S::F32) -> S::F32 {
    let (r, n) = reduce_quarter(s, x);
    // −0 is lost in the reduction.
    s.select(s.eq(x, s.zero()), x, sin_of_quarter(s, r, n))
}

/// Cosine; at most 2 ulp.
#[inline(always)]
pub fn cos<S: Simd>(s: S, x: S::F32) -> S::F32 {
    let (r, n) = reduce_quarter(s, x);
    sin_of_quarter(s, r, s.add_i32(n, s.splat_i32(1)))
}
