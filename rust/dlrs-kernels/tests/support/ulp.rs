//! Measures the error of f32 functions in units in the last place, against double precision.

use dlrs_kernels::elementwise::{Access, AnySlice, AnyTile, Instr, Program, Source, UnaryOp};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::math::double;
use dlrs_kernels::mem::{DType, TileMut};

/// A function, its reference, and the error in ulp that it promises.
pub type Row = (UnaryOp, fn(f64) -> f64, f64);

/// The functions under test.
pub const FUNCTIONS: [Row; 14] = [
    (UnaryOp::Exp, f64::exp, 1.0),
    (UnaryOp::Expm1, f64::exp_m1, 2.0),
    (UnaryOp::Log, f64::ln, 1.0),
    (UnaryOp::Log1p, f64::ln_1p, 2.0),
    (UnaryOp::Tanh, f64::tanh, 3.0),
    (UnaryOp::Sigmoid, double::sigmoid, 3.0),
    (UnaryOp::Softplus, double::softplus, 3.0),
    (UnaryOp::Erf, double::erf, 2.0),
    (UnaryOp::Sin, f64::sin, 2.0),
    (UnaryOp::Cos, f64::cos, 2.0),
    (UnaryOp::Sqrt, f64::sqrt, 0.5),
    (UnaryOp::Rsqrt, rsqrt, 1.5),
    (UnaryOp::Reciprocal, f64::recip, 0.5),
    (UnaryOp::Square, square, 0.5),
];

fn rsqrt(x: f64) -> f64 {
    1.0 / x.sqrt()
}

fn square(x: f64) -> f64 {
    x * x
}

/// `op` over `x`, as a program of one operation.
pub fn apply(isa: Isa, op: UnaryOp, x: &[f32]) -> Vec<f32> {
    let instrs =
        [Instr::Load { input: 0, dst: 0 }, Instr::Unary { op, src: 0, dst: 1 }, Instr::Store { output: 0, src: 1 }];
    let shape = [x.len()];
    let program = Program::new(DType::F32, &shape, &instrs, &[Access::dense(DType::F32, &shape)], &[DType::F32]);
    let mut y = vec![0.0; x.len()];
    program.run(
        isa,
        &[Source::Slice(AnySlice::F32(x))],
        &mut [AnyTile::F32(TileMut::flat(&mut y))],
        0..1,
        0..x.len(),
        &mut vec![0; program.scratch_len()],
    );
    y
}

/// |got − want| in units of the spacing of f32 at `want`.
pub fn error(got: f32, want: f64) -> f64 {
    if want.is_nan() || got.is_nan() {
        return if want.is_nan() && got.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if f64::from(got) == want || got == want as f32 {
        return if (f64::from(got) - want).is_finite() { (f64::from(got) - want).abs() / spacing(want) } else { 0.0 };
    }
    // An overflow next to the largest float counts as the distance to 2¹²⁸.
    let got = if got.is_infinite() { 2f64.powi(128).copysign(f64::from(got)) } else { f64::from(got) };
    let want = want.clamp(-(2f64.powi(128)), 2f64.powi(128));
    (got - want).abs() / spacing(want)
}

fn spacing(want: f64) -> f64 {
    let exponent = (((want.to_bits() >> 52) & 0x7ff) as i32 - 1023).clamp(-126, 127);
    2f64.powi(exponent - 23)
}

/// The largest error over the floats whose bits are `from`, `from + step`, …, and where it is.
pub fn worst(isa: Isa, op: UnaryOp, reference: fn(f64) -> f64, from: u32, step: u32) -> (f64, f32) {
    let mut worst = (0.0, 0.0);
    let mut next = u64::from(from);
    while next <= u64::from(u32::MAX) {
        let x: Vec<f32> = (0..4096u64)
            .map(|i| next + i * u64::from(step))
            .take_while(|&bits| bits <= u64::from(u32::MAX))
            .map(|bits| f32::from_bits(bits as u32))
            .collect();
        next += 4096 * u64::from(step);
        for (&x, &y) in x.iter().zip(&apply(isa, op, &x)) {
            let e = error(y, reference(f64::from(x)));
            if e > worst.0 {
                worst = (e, x);
            }
        }
    }
    worst
}
