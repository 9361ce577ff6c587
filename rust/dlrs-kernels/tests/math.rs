//! Error bounds of the elementary functions at every level, by dense sampling of all floats (`examples/ulp.rs` visits every one).

#[path = "support/ulp.rs"]
mod ulp;

use dlrs_kernels::elementwise::UnaryOp;
use dlrs_kernels::isa::Isa;
use dlrs_kernels::math::{double, pow};

#[test]
fn errors_stay_below_their_bounds() {
    for isa in Isa::supported() {
        for (op, reference, bound) in ulp::FUNCTIONS {
            let (error, at) = ulp::worst(isa, op, reference, 12_345, 20_011);
            assert!(error <= bound + 1e-6, "{} {op:?}: {error:.2} ulp at {at:e}", isa.level().name());
        }
    }
}

#[test]
fn special_values_are_those_of_the_limits() {
    const INF: f32 = f32::INFINITY;
    let cases: [(UnaryOp, &[(f32, f32)]); 11] = [
        (UnaryOp::Exp, &[(INF, INF), (-INF, 0.0), (0.0, 1.0), (-0.0, 1.0), (89.5, INF), (-110.0, 0.0)]),
        (UnaryOp::Expm1, &[(INF, INF), (-INF, -1.0), (0.0, 0.0), (-0.0, -0.0)]),
        (UnaryOp::Log, &[(INF, INF), (0.0, -INF), (-0.0, -INF), (1.0, 0.0), (-1.0, f32::NAN), (-INF, f32::NAN)]),
        (UnaryOp::Log1p, &[(INF, INF), (-1.0, -INF), (0.0, 0.0), (-0.0, -0.0), (-2.0, f32::NAN), (-INF, f32::NAN)]),
        (UnaryOp::Tanh, &[(INF, 1.0), (-INF, -1.0), (0.0, 0.0), (-0.0, -0.0)]),
        (UnaryOp::Sigmoid, &[(INF, 1.0), (-INF, 0.0), (0.0, 0.5)]),
        (UnaryOp::Erf, &[(INF, 1.0), (-INF, -1.0), (0.0, 0.0), (-0.0, -0.0)]),
        (UnaryOp::Sin, &[(INF, f32::NAN), (-INF, f32::NAN), (0.0, 0.0), (-0.0, -0.0)]),
        (UnaryOp::Cos, &[(INF, f32::NAN), (-INF, f32::NAN), (0.0, 1.0)]),
        (UnaryOp::Sign, &[(INF, 1.0), (-3.0, -1.0), (0.0, 0.0), (-0.0, -0.0)]),
        (UnaryOp::Relu, &[(INF, INF), (-INF, 0.0), (2.0, 2.0), (-2.0, 0.0)]),
    ];
    for isa in Isa::supported() {
        for (op, values) in cases {
            let x: Vec<f32> = values.iter().map(|v| v.0).chain([f32::NAN]).collect();
            let y = ulp::apply(isa, op, &x);
            for (&(x, want), &got) in values.iter().zip(&y) {
                let same = got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan());
                assert!(same, "{} {op:?}({x}) = {got}, not {want}", isa.level().name());
            }
            assert!(y.last().unwrap().is_nan(), "{op:?}(NaN)");
        }
    }
}

#[test]
fn powers_agree_with_double_precision() {
    for i in (0..u32::MAX).step_by(40_009) {
        let (x, y) = (f32::from_bits(i), f32::from_bits(i.wrapping_mul(2_654_435_761)));
        for y in [y, (i % 41) as f32 - 20.0, (i % 1000) as f32 / 37.0 - 13.0] {
            let error = ulp::error(pow(x, y), f64::from(x).powf(f64::from(y)));
            assert!(error <= 1.0, "{x:e}^{y:e} = {:e}", pow(x, y));
        }
    }
    let special = [0.0f32, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0, f32::INFINITY, -f32::INFINITY, f32::NAN];
    for x in special {
        for y in special {
            let (got, want) = (pow(x, y), x.powf(y));
            assert!(got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan()), "{x}^{y} = {got}, not {want}");
        }
    }
}

#[test]
fn double_precision_erf_matches_tables() {
    // Computed with mpmath at 30 digits.
    let table = [
        (0.1, 0.1124629160182849),
        (0.5, 0.5204998778130465),
        (1.0, 0.8427007929497149),
        (2.0, 0.9953222650189527),
        (2.4, 0.999311486103355),
        (2.6, 0.9997639655834707),
        (3.0, 0.9999779095030014),
        (4.0, 0.9999999845827421),
    ];
    for (x, want) in table {
        assert!((double::erf(x) - want).abs() < 3e-16, "erf({x}) = {}", double::erf(x));
        assert_eq!(double::erf(-x), -double::erf(x));
    }
}
