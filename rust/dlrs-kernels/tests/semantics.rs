//! NumPy's rules for division, remainders, powers, extremes of NaN and conversions, in every compute type and at every level.

mod support;

use dlrs_kernels::elementwise::{Access, AnySlice, AnyTile, BinaryOp, Instr, Program, Source, UnaryOp};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{DType, TileMut};
use support::Rng;

/// Runs `instrs` over inputs 0 and 1, storing register 2 as `to`.
fn run(isa: Isa, compute: DType, instr: Instr, inputs: &[AnySlice<'_>], n: usize, tile: AnyTile<'_>) {
    let loads = (0..inputs.len()).map(|i| Instr::Load { input: i as u8, dst: i as u8 });
    let instrs: Vec<Instr> = loads.chain([instr, Instr::Store { output: 0, src: 2 }]).collect();
    let accesses: Vec<Access> = inputs.iter().map(|x| Access::dense(x.dtype(), &[n])).collect();
    let program = Program::new(compute, &[n], &instrs, &accesses, &[tile.dtype()]);
    let sources: Vec<Source> = inputs.iter().map(|&x| Source::Slice(x)).collect();
    program.run(isa, &sources, &mut [tile], 0..1, 0..n, &mut vec![0; program.scratch_len()]);
}

fn binary_f32(isa: Isa, op: BinaryOp, a: &[f32], b: &[f32]) -> Vec<f32> {
    let mut y = vec![0.0; a.len()];
    let instr = Instr::Binary { op, a: 0, b: 1, dst: 2 };
    let tile = AnyTile::F32(TileMut::flat(&mut y));
    run(isa, DType::F32, instr, &[AnySlice::F32(a), AnySlice::F32(b)], a.len(), tile);
    y
}

fn binary_f64(op: BinaryOp, a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; a.len()];
    let instr = Instr::Binary { op, a: 0, b: 1, dst: 2 };
    let tile = AnyTile::F64(TileMut::flat(&mut y));
    run(Isa::current(), DType::F64, instr, &[AnySlice::F64(a), AnySlice::F64(b)], a.len(), tile);
    y
}

fn binary_i32(op: BinaryOp, a: &[i32], b: &[i32]) -> Vec<i32> {
    let mut y = vec![0; a.len()];
    let instr = Instr::Binary { op, a: 0, b: 1, dst: 2 };
    let tile = AnyTile::I32(TileMut::flat(&mut y));
    run(Isa::current(), DType::I32, instr, &[AnySlice::I32(a), AnySlice::I32(b)], a.len(), tile);
    y
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

const INF: f32 = f32::INFINITY;
const NAN: f32 = f32::NAN;

/// (a, b, numpy.floor_divide(a, b), numpy.mod(a, b)).
const FLOORED: [(f32, f32, f32, f32); 17] = [
    (7.0, 2.0, 3.0, 1.0),
    (7.0, -2.0, -4.0, -1.0),
    (-7.0, 2.0, -4.0, 1.0),
    (-7.0, -2.0, 3.0, -1.0),
    (5.5, -2.0, -3.0, -0.5),
    (6.0, 3.0, 2.0, 0.0),
    (-6.0, 3.0, -2.0, 0.0),
    (0.0, -3.0, -0.0, -0.0),
    (1.0, 0.0, INF, NAN),
    (-1.0, 0.0, -INF, NAN),
    (0.0, 0.0, NAN, NAN),
    (-1.0, INF, -1.0, INF),
    (1.0, INF, 0.0, 1.0),
    (1.0, -INF, -1.0, -INF),
    (INF, 2.0, NAN, NAN),
    (NAN, 1.0, NAN, NAN),
    (1e20, 3.0, 3.333_333_3e19, 2.0),
];

#[test]
fn floats_divide_as_in_numpy() {
    let a: Vec<f32> = FLOORED.iter().map(|r| r.0).collect();
    let b: Vec<f32> = FLOORED.iter().map(|r| r.1).collect();
    for isa in Isa::supported() {
        let quotient = binary_f32(isa, BinaryOp::FloorDiv, &a, &b);
        let rest = binary_f32(isa, BinaryOp::Mod, &a, &b);
        for (i, &(a, b, q, r)) in FLOORED.iter().enumerate() {
            assert!(same(quotient[i].into(), q.into()), "{a} // {b} = {}, not {q}", quotient[i]);
            assert!(same(rest[i].into(), r.into()), "{a} % {b} = {}, not {r}", rest[i]);
        }
    }
    let wide = |x: &[f32]| x.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
    let rest = binary_f64(BinaryOp::Mod, &wide(&a), &wide(&b));
    assert!(rest.iter().zip(&FLOORED).take(16).all(|(&x, row)| same(x, row.3.into())));
}

#[test]
fn integers_divide_and_raise_as_in_numpy() {
    let a = [7, 7, -7, -7, 7, i32::MIN, 0];
    let b = [2, -2, 2, -2, 0, -1, -3];
    assert_eq!(binary_i32(BinaryOp::FloorDiv, &a, &b), [3, -4, -4, 3, 0, i32::MIN, 0]);
    assert_eq!(binary_i32(BinaryOp::Mod, &a, &b), [1, -1, 1, -1, 0, 0, 0]);
    assert_eq!(binary_i32(BinaryOp::Div, &a, &b), [3, -3, -3, 3, 0, i32::MIN, 0]);
    let powers = binary_i32(BinaryOp::Pow, &[2, -3, 5, 1, -1, -1, 2, 3], &[10, 3, 0, -4, -3, -2, -1, 40]);
    assert_eq!(powers, [1024, -27, 1, 1, -1, 1, 0, 3i32.wrapping_pow(40)]);
}

#[test]
fn every_binary_operation_agrees_across_levels_and_with_double_precision() {
    let mut rng = Rng::new(11);
    for n in (0..=35).chain([500]) {
        let a = rng.vec(n);
        let b: Vec<f32> = (0..n).map(|i| if i % 5 == 0 { a[i] } else { rng.uniform(0.2, 2.0) }).collect();
        let wide = |x: &[f32]| x.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
        for op in BinaryOp::ALL.into_iter().filter(|op| op.is_on_floats()) {
            let want = binary_f64(op, &wide(&a), &wide(&b));
            for isa in Isa::supported() {
                for (i, (&y, &w)) in binary_f32(isa, op, &a, &b).iter().zip(&want).enumerate() {
                    let close = (f64::from(y) - w).abs() <= 3e-7 * w.abs().max(1.0);
                    assert!(close || same(y.into(), w), "{op:?}({}, {}) = {y}, not {w}", a[i], b[i]);
                }
            }
        }
    }
}

#[test]
fn nan_wins_extremes_and_loses_comparisons() {
    let a = [NAN, 1.0, NAN, 2.0];
    let b = [1.0, NAN, NAN, 1.0];
    for isa in Isa::supported() {
        for (op, last) in [(BinaryOp::Max, 2.0), (BinaryOp::Min, 1.0)] {
            let y = binary_f32(isa, op, &a, &b);
            assert!(y[..3].iter().all(|v| v.is_nan()) && y[3] == last);
        }
        for op in [BinaryOp::Lt, BinaryOp::Le, BinaryOp::Gt, BinaryOp::Ge, BinaryOp::Eq] {
            assert_eq!(binary_f32(isa, op, &a, &b)[..3], [0.0; 3]);
        }
        assert_eq!(binary_f32(isa, BinaryOp::Ne, &a, &b), [1.0; 4]);
    }
}

#[test]
fn conversions_truncate_and_wrap() {
    let x = [2.9f32, -2.9, 300.0, -1.0, 0.0, 0.5];
    let copy = Instr::Cast { to: DType::F32, src: 0, dst: 2 };
    for isa in Isa::supported() {
        let (mut ints, mut bytes, mut truths) = ([0i32; 6], [0u8; 6], [0u8; 6]);
        run(isa, DType::F32, copy, &[AnySlice::F32(&x)], 6, AnyTile::I32(TileMut::flat(&mut ints)));
        assert_eq!(ints, [2, -2, 300, -1, 0, 0]);
        run(isa, DType::F32, copy, &[AnySlice::F32(&x)], 6, AnyTile::U8(TileMut::flat(&mut bytes)));
        assert_eq!(bytes, [2, 254, 44, 255, 0, 0]);
        run(isa, DType::F32, copy, &[AnySlice::F32(&x)], 6, AnyTile::Bool(TileMut::flat(&mut truths)));
        assert_eq!(truths, [1, 1, 1, 1, 0, 1]);
        let mut floats = [0.0f32; 6];
        let through = Instr::Cast { to: DType::I32, src: 0, dst: 2 };
        run(isa, DType::F32, through, &[AnySlice::F32(&x)], 6, AnyTile::F32(TileMut::flat(&mut floats)));
        assert_eq!(floats, [2.0, -2.0, 300.0, -1.0, 0.0, 0.0]);
        let mut wide = [0.0f64; 3];
        let bytes = AnySlice::U8(&[0, 7, 255]);
        run(isa, DType::F64, Instr::Cast { to: DType::F64, src: 0, dst: 2 }, &[bytes], 3, {
            AnyTile::F64(TileMut::flat(&mut wide))
        });
        assert_eq!(wide, [0.0, 7.0, 255.0]);
    }
}

#[test]
fn unary_operations_in_double_precision_agree_with_single() {
    let x = [0.7f64, 1.3, 0.2, 1.9, 0.01];
    let narrow = x.map(|v| v as f32);
    for op in UnaryOp::ALL {
        let (mut y, mut z) = ([0.0f64; 5], [0.0f32; 5]);
        let instr = Instr::Unary { op, src: 0, dst: 2 };
        run(Isa::current(), DType::F64, instr, &[AnySlice::F64(&x)], 5, AnyTile::F64(TileMut::flat(&mut y)));
        run(Isa::current(), DType::F32, instr, &[AnySlice::F32(&narrow)], 5, AnyTile::F32(TileMut::flat(&mut z)));
        for i in 0..5 {
            // Outside the domain of an operation, as of asin at 1.3, both are NaN.
            assert!(
                same(y[i], f64::from(z[i])) || (y[i] - f64::from(z[i])).abs() <= 1e-6 * y[i].abs().max(1.0),
                "{op:?}({}): {} and {}",
                x[i],
                y[i],
                z[i]
            );
        }
    }
}

fn build(compute: DType, instrs: &[Instr]) -> Program {
    Program::new(compute, &[4], instrs, &[Access::dense(DType::F32, &[4])], &[DType::F32])
}

#[test]
#[should_panic(expected = "register 3 is read before it is written")]
fn unwritten_registers_are_refused() {
    build(DType::F32, &[Instr::Store { output: 0, src: 3 }]);
}

#[test]
#[should_panic(expected = "output 0 is never stored")]
fn unstored_outputs_are_refused() {
    build(DType::F32, &[Instr::Load { input: 0, dst: 0 }]);
}

#[test]
#[should_panic(expected = "Exp is not defined on int32")]
fn float_operations_on_integers_are_refused() {
    build(DType::I32, &[Instr::Load { input: 0, dst: 0 }, Instr::Unary { op: UnaryOp::Exp, src: 0, dst: 0 }]);
}

#[test]
#[should_panic(expected = "input 0 has 3 elements")]
fn short_inputs_are_refused() {
    let program = build(DType::F32, &[Instr::Load { input: 0, dst: 0 }, Instr::Store { output: 0, src: 0 }]);
    let mut y = [0.0; 4];
    program.run(
        Isa::current(),
        &[Source::Slice(AnySlice::F32(&[1.0; 3]))],
        &mut [AnyTile::F32(TileMut::flat(&mut y))],
        0..1,
        0..4,
        &mut vec![0; program.scratch_len()],
    );
}
