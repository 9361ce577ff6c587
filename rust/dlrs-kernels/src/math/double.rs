//! Double precision: what the standard library lacks. The rest (exp, ln, tanh, …) is the platform's, called through `std`:
//! f64 serves to check gradients, not to promise bits across platforms.

use std::f64::consts::PI;

/// 1/(1 + e⁻ˣ), without overflow in e⁻ˣ.
pub fn sigmoid(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    if x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}

/// ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|).
pub fn softplus(x: f64) -> f64 {
    if x.is_nan() { x } else { x.max(0.0) + (-x.abs()).exp().ln_1p() }
}

/// The inverse of cosh, without a difference of near numbers close to 1.
pub fn acosh(x: f64) -> f64 {
    if x < 1.0 {
        return f64::NAN;
    }
    let t = x - 1.0;
    if x < 1e100 { (t + (t * (x + 1.0)).sqrt()).ln_1p() } else { x.ln() + std::f64::consts::LN_2 }
}

/// The error function, to a few units in the last place.
///
/// Below 2.5 by the series e^(−x²) · 2/√π · Σ 2ⁿ x^(2n+1) / (1·3·5⋯(2n+1)), whose terms are all positive (Abramowitz and Stegun 7.1.6);
/// above by the continued fraction of the complement (7.1.14), evaluated by Lentz's method.
pub fn erf(x: f64) -> f64 {
    let a = x.abs();
    if x.is_nan() {
        x
    } else if a < 2.5 {
        series(x)
    } else if a < 6.0 {
        (1.0 - complement(a, 60)).copysign(x)
    } else {
        1.0f64.copysign(x)
    }
}

fn series(x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (x, x, 0.0);
    while term.abs() > sum.abs() * 1e-17 {
        n += 1.0;
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
    }
    2.0 / PI.sqrt() * (-x * x).exp() * sum
}

/// erfc(x) = e^(−x²)/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + ⋯)))), from fraction number `depth` inwards: 60 suffice from
/// x = 2.5 on, 200 from x = 1 on.
pub(super) fn complement(x: f64, depth: u32) -> f64 {
    let fraction = (1..=depth).rev().fold(x, |f, k| x + 0.5 * f64::from(k) / f);
    (-x * x).exp() / (PI.sqrt() * fraction)
}
