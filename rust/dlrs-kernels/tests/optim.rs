//! Optimizer updates against their formulas in double precision, at every level and length.

mod support;

use dlrs_kernels::isa::{Isa, Real};
use dlrs_kernels::optim::{Adam, Momentum, RmsProp, adam, rmsprop, rmsprop_momentum, sgd, sgd_momentum, sgd_nesterov};
use support::{Guarded, Rng};

const LR: f64 = 0.05;
const MOMENTUM: Momentum = Momentum { learning_rate: LR, momentum: 0.9 };
const RMS: RmsProp = RmsProp { learning_rate: LR, rho: 0.9, momentum: 0.8, epsilon: 1e-7 };
const ADAM: Adam = Adam { alpha: 0.01, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 };

/// One step of rule `k` on (w, first slot, second slot, g).
fn formula(k: usize, [w, a, b, g]: [f64; 4]) -> [f64; 3] {
    let v = 0.9 * a - LR * g;
    let square = 0.9 * a + 0.1 * g * g;
    let step = LR * g / (square + 1e-7).sqrt();
    let (m1, m2) = (a + (g - a) * 0.1, b + (g * g - b) * 0.001);
    match k {
        0 => [w - LR * g, a, b],
        1 => [w + v, v, b],
        2 => [w + 0.9 * v - LR * g, v, b],
        3 => [w - step, square, b],
        4 => [w - (0.8 * b + step), square, 0.8 * b + step],
        _ => [w - m1 * 0.01 / (m2.sqrt() + 1e-7), m1, m2],
    }
}

fn apply<T: Real>(k: usize, isa: Isa, w: &mut [T], a: &mut [T], b: &mut [T], g: &[T]) {
    match k {
        0 => sgd(isa, w, g, LR),
        1 => sgd_momentum(isa, w, a, g, MOMENTUM),
        2 => sgd_nesterov(isa, w, a, g, MOMENTUM),
        3 => rmsprop(isa, w, a, g, RMS),
        4 => rmsprop_momentum(isa, w, a, b, g, RMS),
        _ => adam(isa, w, a, b, g, ADAM),
    }
}

fn check<T: Real>(isa: Isa, k: usize, n: usize, tolerance: f64) {
    let mut rng = Rng::new(n as u64);
    let mut make = |low| -> Vec<T> { (0..n).map(|_| T::of(f64::from(rng.uniform(low, 2.0)))).collect() };
    let (w0, a0, b0, g) = (make(-2.0), make(0.0), make(0.0), make(-2.0));
    for place in [Guarded::end, Guarded::start] {
        let (mut w, mut a, mut b, g) = (place(&w0), place(&a0), place(&b0), place(&g));
        apply(k, isa, &mut w, &mut a, &mut b, &g);
        for i in 0..n {
            let want = formula(k, [w0[i], a0[i], b0[i], g[i]].map(T::to_f64));
            let got = [w[i], a[i], b[i]].map(T::to_f64);
            for (got, want) in got.into_iter().zip(want) {
                assert!((got - want).abs() <= tolerance, "rule {k}, element {i} of {n}: {got}, not {want}");
            }
        }
    }
}

#[test]
fn updates_follow_their_formulas() {
    for isa in Isa::supported() {
        for k in 0..6 {
            for n in (0..=35).chain([100, 1000]) {
                check::<f32>(isa, k, n, 1e-6);
                check::<f64>(isa, k, n, 1e-14);
            }
        }
    }
}
