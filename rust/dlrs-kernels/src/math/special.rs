//! Special functions in double precision, to a few units in the last place.

use std::f64::consts::{FRAC_2_SQRT_PI, PI};

use super::double::{complement, erf};

/// The complementary error function 1 − erf(x), relatively accurate where it is small.
pub fn erfc(x: f64) -> f64 {
    if x.is_nan() {
        x
    } else if x < 1.0 {
        1.0 - erf(x)
    } else if x < 2.5 {
        complement(x, 200)
    } else if x < 27.3 {
        complement(x, 60)
    } else {
        0.0
    }
}

/// The inverse of the error function: Giles's approximation in single precision ("Approximating the erfinv function", 2010), then
/// steps of Halley's method, on the complement where erf is close to 1.
pub fn erfinv(x: f64) -> f64 {
    let a = x.abs();
    if a >= 1.0 || x.is_nan() {
        return if a == 1.0 { x * f64::INFINITY } else { f64::NAN };
    }
    let mut t = approximate_erfinv(a);
    for _ in 0..3 {
        let error = if a < 0.5 { erf(t) - a } else { (1.0 - a) - erfc(t) };
        let step = error / (FRAC_2_SQRT_PI * (-t * t).exp());
        t -= step / (1.0 + t * step);
    }
    t.copysign(x)
}

fn approximate_erfinv(a: f64) -> f64 {
    const CENTRE: [f64; 9] = [
        2.81022636e-08,
        3.43273939e-07,
        -3.5233877e-06,
        -4.39150654e-06,
        0.00021858087,
        -0.00125372503,
        -0.00417768164,
        0.246640727,
        1.50140941,
    ];
    const TAIL: [f64; 9] = [
        -0.000200214257,
        0.000100950558,
        0.00134934322,
        -0.00367342844,
        0.00573950773,
        -0.0076224613,
        0.00943887047,
        1.00167406,
        2.83297682,
    ];
    let w = -((1.0 - a) * (1.0 + a)).ln();
    let (w, c) = if w < 5.0 { (w - 2.5, CENTRE) } else { (w.sqrt() - 3.0, TAIL) };
    c.into_iter().fold(0.0, |sum, c| sum * w + c) * a
}

/// The modified Bessel function of the first kind and order 0: Σ (x²/4)ᵏ / k!², whose terms are all positive
/// (Abramowitz and Stegun 9.6.12).
pub fn i0(x: f64) -> f64 {
    bessel(x.abs(), 0.0)
}

/// That of order 1: x/2 · Σ (x²/4)ᵏ / (k! (k+1)!).
pub fn i1(x: f64) -> f64 {
    (bessel(x.abs(), 1.0)).copysign(x)
}

fn bessel(x: f64, order: f64) -> f64 {
    if x.is_nan() || x.is_infinite() {
        return x;
    }
    if x > 40.0 {
        return asymptotic(x, order);
    }
    let quarter = x * x / 4.0;
    let (mut term, mut sum, mut k) = (1.0, 1.0, 0.0);
    while term > sum * 1e-17 {
        k += 1.0;
        term *= quarter / (k * (k + order));
        sum += term;
    }
    sum * if order == 0.0 { 1.0 } else { x / 2.0 }
}

/// eˣ/√(2πx) · (1 − (μ−1)/(8x) + (μ−1)(μ−9)/(2!(8x)²) − …) with μ = 4·order² (9.7.1), for large x.
fn asymptotic(x: f64, order: f64) -> f64 {
    let mu = 4.0 * order * order;
    let (mut term, mut sum, mut k) = (1.0, 1.0, 0.0);
    while k < 30.0 {
        k += 1.0;
        let odd = 2.0 * k - 1.0;
        term *= -(mu - odd * odd) / (k * 8.0 * x);
        sum += term;
    }
    // The exponential in two halves, so that it overflows no earlier than the result.
    (x / 2.0).exp() * (sum / (2.0 * PI * x).sqrt()) * (x / 2.0).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(have: f64, want: f64) {
        assert!((have - want).abs() <= 4e-15 * want.abs(), "{have}, not {want}");
    }

    // References from Abramowitz and Stegun and mpmath.
    #[test]
    fn special_functions_have_their_values() {
        close(erfc(0.0), 1.0);
        close(erfc(1.0), 0.157_299_207_050_285_13);
        close(erfc(2.0), 0.004_677_734_981_047_266);
        close(erfc(-1.0), 1.842_700_792_949_715);
        close(erfc(10.0), 2.088_487_583_762_545e-45);
        close(i0(1.0), 1.266_065_877_752_008_4);
        close(i0(10.0), 2_815.716_628_466_254_5);
        close(i0(50.0), 2.932_553_783_849_336_3e20);
        close(i1(1.0), 0.565_159_103_992_485);
        close(i1(-50.0), -2.903_078_590_103_557e20);
        assert!(i0(f64::NAN).is_nan() && i0(f64::INFINITY) == f64::INFINITY && erfc(f64::NAN).is_nan());
    }

    #[test]
    fn erfinv_is_the_inverse() {
        for i in 0..2000 {
            let t = -5.0 + f64::from(i) * 0.005;
            let y = erf(t);
            if y.abs() < 0.999_999 {
                let error = (erfinv(y) - t).abs();
                // The inverse amplifies the rounding of y by 1/erf'(t).
                assert!(error <= 1e-15 * (1.0 + t.abs() + (t * t).exp()), "{t}: {error}");
            }
        }
        assert_eq!((erfinv(1.0), erfinv(-1.0), erfinv(0.0)), (f64::INFINITY, f64::NEG_INFINITY, 0.0));
        assert!(erfinv(1.5).is_nan());
    }
}
