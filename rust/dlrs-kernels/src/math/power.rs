//! Powers in single precision, computed in double precision without branches, so that the compiler vectorises loops over it.

/// x to the power y, with the special cases of IEEE 754's `pow`; at most 1 ulp.
#[inline(always)]
pub fn pow(x: f32, y: f32) -> f32 {
    let whole = y as i32;
    let is_integer = y.abs() >= 8_388_608.0 || whole as f32 == y;
    let is_odd = y.abs() < 16_777_216.0 && whole as f32 == y && whole & 1 == 1;
    let magnitude = exp(f64::from(y) * log(f64::from(x.abs()))) as f32;
    let signed = if is_odd { magnitude.copysign(x) } else { magnitude };
    let real = if x < 0.0 && x > f32::NEG_INFINITY && !is_integer { f32::NAN } else { signed };
    let is_one = x == 1.0 || y == 0.0 || (x == -1.0 && y.abs() == f32::INFINITY);
    if is_one { 1.0 } else { real }
}

/// Natural logarithm of a float that came from single precision (never subnormal), to about 1e−13.
#[inline(always)]
fn log(x: f64) -> f64 {
    const ROOT_HALF: u64 = std::f64::consts::FRAC_1_SQRT_2.to_bits();
    let offset = x.to_bits().wrapping_sub(ROOT_HALF);
    let e = (offset as i64 >> 52) as i32;
    let m = f64::from_bits(x.to_bits().wrapping_sub((e as i64 as u64) << 52));
    // ln m = 2 artanh((m − 1)/(m + 1)) = 2 Σ t^(2k+1)/(2k+1).
    let t = (m - 1.0) / (m + 1.0);
    let z = t * t;
    let series = polynomial(z, [1.0, 1.0 / 3.0, 1.0 / 5.0, 1.0 / 7.0, 1.0 / 9.0, 1.0 / 11.0, 1.0 / 13.0, 1.0 / 15.0]);
    let y = f64::from(e) * std::f64::consts::LN_2 + 2.0 * t * series;
    let y = if x < f64::INFINITY { y } else { x };
    if x == 0.0 { f64::NEG_INFINITY } else { y }
}

/// eˣ to about 1e−11, for results that are rounded to single precision.
#[inline(always)]
fn exp(x: f64) -> f64 {
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    let x = if x > 200.0 { 200.0 } else { x };
    let x = if x < -200.0 { -200.0 } else { x };
    let shifted = x * std::f64::consts::LOG2_E + MAGIC;
    let n = shifted - MAGIC;
    let r = x - n * std::f64::consts::LN_2;
    let c = [
        1.0,
        1.0,
        0.5,
        1.0 / 6.0,
        1.0 / 24.0,
        1.0 / 120.0,
        1.0 / 720.0,
        1.0 / 5_040.0,
        1.0 / 40_320.0,
        1.0 / 362_880.0,
        1.0 / 3_628_800.0,
    ];
    polynomial(r, c) * f64::from_bits((shifted.to_bits().wrapping_add(1023)) << 52)
}

/// c₀ + x·(c₁ + x·(c₂ + ⋯)).
#[inline(always)]
fn polynomial<const N: usize>(x: f64, c: [f64; N]) -> f64 {
    let mut y = c[N - 1];
    for i in (0..N - 1).rev() {
        y = y * x + c[i];
    }
    y
}
