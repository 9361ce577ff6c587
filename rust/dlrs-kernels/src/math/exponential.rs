//! Exponentials, logarithms and what is made of them, in single precision.

use crate::isa::Simd;

/// ln 2 in two parts; the first has nine bits, so its product with an exponent is exact even without fused multiply-add.
const LN2_HI: f32 = 355.0 / 512.0;
const LN2_LO: f32 = -2.121_944_4e-4;

/// c₀ + x·(c₁ + x·(c₂ + ⋯)).
#[inline(always)]
pub(super) fn polynomial<S: Simd, const N: usize>(s: S, x: S::F32, c: [f32; N]) -> S::F32 {
    let mut y = s.splat(c[N - 1]);
    for i in (0..N - 1).rev() {
        y = s.fma(y, x, s.splat(c[i]));
    }
    y
}

/// 2ⁿ for −126 ≤ n ≤ 127.
#[inline(always)]
fn power_of_two<S: Simd>(s: S, n: S::I32) -> S::F32 {
    s.from_bits(s.shl::<23>(s.add_i32(n, s.splat_i32(127))))
}

/// (r, n) with x = r + n·ln 2 and |r| ≤ ln 2 / 2 (Cody and Waite's reduction).
#[inline(always)]
fn reduce_ln2<S: Simd>(s: S, x: S::F32) -> (S::F32, S::F32) {
    let n = s.round_even(s.mul(x, s.splat(std::f32::consts::LOG2_E)));
    let r = s.fnma(n, s.splat(LN2_HI), x);
    (s.fnma(n, s.splat(LN2_LO), r), n)
}

/// eˣ; at most 1 ulp.
#[inline(always)]
pub fn exp<S: Simd>(s: S, x: S::F32) -> S::F32 {
    // The bounds' results round to 0 and infinity. NaN passes: these return the second operand then.
    let x = s.max_fast(s.splat(-104.0), s.min_fast(s.splat(89.0), x));
    let (r, n) = reduce_ln2(s, x);
    let q = polynomial(s, r, [0.5, 0.166_666_67, 0.041_666_463, 0.008_333_206, 0.001_393_510_4, 0.000_199_459_39]);
    let p = s.add(s.fma(q, s.mul(r, r), r), s.splat(1.0));
    s.scale_by_power_of_two(p, n)
}

/// eˣ − 1, relatively accurate near 0; at most 2 ulp.
#[inline(always)]
pub fn expm1<S: Simd>(s: S, x: S::F32) -> S::F32 {
    let clamped = s.max_fast(s.splat(-18.0), s.min_fast(s.splat(89.0), x));
    let (r, n) = reduce_ln2(s, clamped);
    let q = polynomial(s, r, [0.5, 0.166_666_66, 0.041_666_493, 0.008_333_544, 0.001_393_234_2, 0.000_197_633_82]);
    let m = s.fma(q, s.mul(r, r), r);
    // 2ⁿ·m + (2ⁿ − 1), computed at half size, as 2ⁿ itself may overflow.
    let half = power_of_two(s, s.sub_i32(s.to_i32_round(n), s.splat_i32(1)));
    let y = s.fma(half, m, s.sub(half, s.splat(0.5)));
    // The sign is x's even where x is −0.
    s.copysign(s.add(y, y), x)
}

/// (f, e) with x = (1 + f)·2ᵉ and 1 + f in [√½, √2), for positive normal x.
#[inline(always)]
fn split_exponent<S: Simd>(s: S, x: S::F32) -> (S::F32, S::I32) {
    let offset = s.sub_i32(s.to_bits(x), s.splat_i32(std::f32::consts::FRAC_1_SQRT_2.to_bits() as i32));
    let e = s.shr::<23>(offset);
    let m = s.from_bits(s.sub_i32(s.to_bits(x), s.shl::<23>(e)));
    (s.sub(m, s.splat(1.0)), e)
}

/// ln(1 + f) + e·ln 2 for 1 + f in [√½, √2).
#[inline(always)]
fn log_of_parts<S: Simd>(s: S, f: S::F32, e: S::F32) -> S::F32 {
    let c = [
        0.333_333_13,
        -0.250_000_1,
        0.200_020_76,
        -0.166_679_93,
        0.142_202_08,
        -0.124_060_04,
        0.118_847_66,
        -0.116_724_35,
        0.067_491_29,
    ];
    let square = s.mul(f, f);
    let tail = s.fma(polynomial(s, f, c), s.mul(square, f), s.mul(e, s.splat(LN2_LO)));
    let tail = s.fnma(s.splat(0.5), square, tail);
    s.fma(e, s.splat(LN2_HI), s.add(f, tail))
}

/// Natural logarithm, NaN below 0; at most 1 ulp.
#[inline(always)]
pub fn log<S: Simd>(s: S, x: S::F32) -> S::F32 {
    let subnormal = s.lt(x, s.splat(f32::MIN_POSITIVE));
    let normal = s.select(subnormal, s.mul(x, s.splat(8_388_608.0)), x);
    let (f, e) = split_exponent(s, normal);
    let e = s.sub(s.from_i32(e), s.select(subnormal, s.splat(23.0), s.zero()));
    log_special(s, x, s.zero(), log_of_parts(s, f, e))
}

/// `y`, or what a logarithm that is −∞ at `pole` gives at the pole, below it, at infinity and for NaN.
#[inline(always)]
fn log_special<S: Simd>(s: S, x: S::F32, pole: S::F32, y: S::F32) -> S::F32 {
    let y = s.select(s.lt(x, s.splat(f32::INFINITY)), y, x);
    let y = s.select(s.eq(x, pole), s.splat(f32::NEG_INFINITY), y);
    s.select(s.lt(x, pole), s.splat(f32::NAN), y)
}

/// ln(1 + x), relatively accurate near 0; at most 2 ulp.
#[inline(always)]
pub fn log1p<S: Simd>(s: S, x: S::F32) -> S::F32 {
    let one = s.splat(1.0);
    let u = s.add(one, x);
    // What rounding u lost; the larger of 1 and x is subtracted first.
    let above = s.gt(x, one);
    let (large, small) = (s.select(above, x, one), s.select(above, one, x));
    let lost = s.sub(small, s.sub(u, large));
    let (f, e) = split_exponent(s, u);
    // Scaled to the mantissa; for the largest u, where 2⁻ᵉ would be subnormal, nothing worth keeping is lost.
    let scale = s.splat_i32(127 << 23);
    let huge = s.ge(u, s.splat(1e37));
    let factor = s.select(huge, s.zero(), s.from_bits(s.sub_i32(scale, s.shl::<23>(e))));
    let y = log_of_parts(s, s.fma(lost, factor, f), s.from_i32(e));
    let y = log_special(s, x, s.splat(-1.0), y);
    s.select(s.eq(x, s.zero()), x, y)
}

/// Hyperbolic tangent; at most 3 ulp.
#[inline(always)]
pub fn tanh<S: Simd>(s: S, x: S::F32) -> S::F32 {
    // From 9.1 on the result rounds to 1. NaN passes as the second operand.
    let a = s.min_fast(s.splat(9.1), s.abs(x));
    let m = expm1(s, s.add(a, a));
    s.copysign(s.div(m, s.add(m, s.splat(2.0))), x)
}

/// 1/(1 + e⁻ˣ); at most 3 ulp.
#[inline(always)]
pub fn sigmoid<S: Simd>(s: S, x: S::F32) -> S::F32 {
    let one = s.splat(1.0);
    let e = exp(s, s.neg(s.abs(x)));
    s.div(s.select(s.lt(x, s.zero()), e, one), s.add(one, e))
}

/// ln(1 + eˣ); at most 3 ulp.
#[inline(always)]
pub fn softplus<S: Simd>(s: S, x: S::F32) -> S::F32 {
    s.add(s.max(x, s.zero()), log1p(s, exp(s, s.neg(s.abs(x)))))
}

/// The error function; at most 2 ulp.
///
/// Below 1 an odd polynomial; above, 1 − e^(−g(x)) with a polynomial for g = −ln erfc.
#[inline(always)]
pub fn erf<S: Simd>(s: S, x: S::F32) -> S::F32 {
    let a = s.min_fast(s.splat(4.0), s.abs(x));
    let c = [0.128_379_17, -0.376_126_26, 0.112_835_79, -0.026_853_347, 0.005_187_162, -7.997_853e-4, 7.806_903e-5];
    let near = s.fma(polynomial(s, s.mul(a, a), c), a, a);
    let c = [0.128_480_6, 0.635_829_7, 0.105_118_37, -0.022_799_816, 0.003_187_345_3, -2.106_888_4e-4];
    let g = s.fma(polynomial(s, a, c), a, a);
    let far = s.sub(s.splat(1.0), exp(s, s.neg(g)));
    s.copysign(s.select(s.gt(a, s.splat(1.0)), far, near), x)
}
