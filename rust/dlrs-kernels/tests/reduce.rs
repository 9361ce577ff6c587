//! Reductions against double precision, their accuracy on long runs, NumPy's rules for NaN, and independence of the cut.

mod support;

use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::TileMut;
use dlrs_kernels::reduce::{ArgOp, Reduce, ReduceOp, View, arg_reduce, chunks, reduce, reduce_truth};
use support::{Guarded, Rng};

const OPS: [ReduceOp; 4] = [ReduceOp::Sum, ReduceOp::Prod, ReduceOp::Max, ReduceOp::Min];

fn reference(op: ReduceOp, x: impl Iterator<Item = f64>) -> f64 {
    match op {
        ReduceOp::Sum => x.sum(),
        ReduceOp::Prod => x.product(),
        ReduceOp::Max => x.fold(f64::NEG_INFINITY, f64::max),
        ReduceOp::Min => x.fold(f64::INFINITY, f64::min),
    }
}

fn run<T: Reduce>(isa: Isa, op: ReduceOp, x: &[T], view: &View) -> Vec<T> {
    let (rows, cols) = (view.outer.len(), view.inner.len());
    let mut y = Guarded::end(&vec![T::default(); rows * cols]);
    reduce(isa, op, x, view, TileMut::new(&mut y, rows, cols, cols));
    y.to_vec()
}

#[test]
fn every_length_agrees_with_double_precision() {
    let mut rng = Rng::new(3);
    for isa in Isa::supported() {
        for op in OPS {
            for len in (0..=40).chain([127, 128, 129, 300, 2047, 2048, 2100]) {
                for (outer, inner) in [(1, 1), (3, 1), (1, 2), (2, 7), (1, 16), (1, 33), (2, 65), (1, 130)] {
                    if len * inner > 10_000 {
                        continue;
                    }
                    let x: Vec<f32> = (0..outer * len * inner).map(|_| rng.uniform(0.9, 1.1)).collect();
                    let guarded = Guarded::end(&x);
                    let y = run(isa, op, &guarded, &View::all(outer, len, inner));
                    let wide: Vec<f64> = x.iter().map(|&v| v.into()).collect();
                    let z = run(isa, op, &wide, &View::all(outer, len, inner));
                    for (i, (&y, &z)) in y.iter().zip(&z).enumerate() {
                        let start = i / inner * len * inner + i % inner;
                        let want = reference(op, (0..len).map(|k| wide[start + k * inner]));
                        let close =
                            |got: f64, eps: f64| got == want || (got - want).abs() <= eps * want.abs().max(1e-3);
                        // A product rounds once per factor.
                        let eps = if op == ReduceOp::Prod { 2e-7 * (len as f64).sqrt() } else { 1e-6 };
                        assert!(close(y.into(), eps), "{op:?} of {outer}x{len}x{inner}: {y}, not {want}");
                        assert!(close(z, 1e-13), "{op:?} of {outer}x{len}x{inner}: {z}, not {want}");
                    }
                }
            }
        }
    }
}

#[test]
fn long_sums_stay_accurate() {
    let mut rng = Rng::new(4);
    let x: Vec<f32> = (0..1 << 21).map(|_| rng.uniform(0.0, 1.0)).collect();
    let want: f64 = x.iter().map(|&v| f64::from(v)).sum();
    for isa in Isa::supported() {
        let all = f64::from(run(isa, ReduceOp::Sum, &x, &View::all(1, x.len(), 1))[0]);
        assert!((all / want - 1.0).abs() < 1e-6, "{}", all / want - 1.0);
        let columns = run(isa, ReduceOp::Sum, &x, &View::all(1, x.len() / 2, 2));
        let both = f64::from(columns[0]) + f64::from(columns[1]);
        assert!((both / want - 1.0).abs() < 1e-5, "{}", both / want - 1.0);
    }
}

#[test]
fn results_do_not_depend_on_the_cut() {
    let mut rng = Rng::new(5);
    let (outer, len, inner) = (5, 200, 150);
    let x = rng.vec(outer * len * inner);
    for isa in Isa::supported() {
        let whole = run(isa, ReduceOp::Sum, &x, &View::all(outer, len, inner));
        for (o, i) in [(0..2, 0..150), (1..4, 3..40), (4..5, 100..150), (0..5, 149..150), (2..3, 64..128)] {
            let view = View { outer: o.clone(), inner: i.clone(), ..View::all(outer, len, inner) };
            let want: Vec<f32> =
                o.flat_map(|r| i.clone().map(move |c| (r, c))).map(|(r, c)| whole[r * inner + c]).collect();
            assert_eq!(run(isa, ReduceOp::Sum, &x, &view), want);
        }
    }
}

#[test]
fn two_stages_agree_with_one() {
    assert_eq!(chunks(64, 100, 100), 1);
    let mut rng = Rng::new(6);
    for (len, inner) in [(100_000, 1), (50_000, 10)] {
        let x = rng.vec(len * inner);
        let n = chunks(1, len, inner);
        assert!(n > 1);
        let step = len.div_ceil(n);
        for isa in Isa::supported() {
            for op in [ReduceOp::Sum, ReduceOp::Max] {
                let mut partial = vec![];
                for c in 0..n {
                    let steps = (c * step).min(len)..((c + 1) * step).min(len);
                    partial.extend(run(isa, op, &x, &View { steps, ..View::all(1, len, inner) }));
                }
                let both = run(isa, op, &partial, &View::all(1, n, inner));
                let one = run(isa, op, &x, &View::all(1, len, inner));
                assert!(both.iter().zip(&one).all(|(a, b)| (a - b).abs() < 1e-2));
            }
        }
    }
}

#[test]
fn nan_wins_and_integers_wrap() {
    for isa in Isa::supported() {
        for n in [1, 5, 16, 40, 100] {
            for at in 0..n {
                let mut x = vec![1.0f32; n];
                x[at] = f32::NAN;
                for op in OPS {
                    assert!(run(isa, op, &x, &View::all(1, n, 1))[0].is_nan());
                    let doubled: Vec<f32> = x.iter().flat_map(|&v| [v, 1.0]).collect();
                    let y = run(isa, op, &doubled, &View::all(1, n, 2));
                    assert!(y[0].is_nan() && !y[1].is_nan());
                }
            }
        }
        assert_eq!(run(isa, ReduceOp::Sum, &[i32::MAX, 1], &View::all(1, 2, 1)), [i32::MIN]);
        assert_eq!(run(isa, ReduceOp::Max, &[3i64, -5, 9, 2], &View::all(1, 2, 2)), [9, 2]);
        assert_eq!(run(isa, ReduceOp::Prod, &[3i32, -5], &View::all(1, 2, 1)), [-15]);
        assert_eq!(run::<f32>(isa, ReduceOp::Max, &[], &View::all(2, 0, 1)), [f32::NEG_INFINITY; 2]);
    }
}

#[test]
fn truths_combine() {
    let x = [1u8, 0, 1, 1, 0, 0];
    let combine = |all, view: &View| {
        let mut y = vec![9; view.outer.len() * view.inner.len()];
        reduce_truth(all, &x, view, TileMut::new(&mut y, view.outer.len(), view.inner.len(), view.inner.len()));
        y
    };
    assert_eq!(combine(false, &View::all(3, 2, 1)), [1, 1, 0]);
    assert_eq!(combine(true, &View::all(3, 2, 1)), [0, 1, 0]);
    assert_eq!(combine(false, &View::all(1, 3, 2)), [1, 1]);
    assert_eq!(combine(true, &View::all(1, 0, 2)), [1, 1]);
}

#[test]
fn extremes_are_located() {
    let mut rng = Rng::new(8);
    for isa in Isa::supported() {
        for n in (1..=40).chain([100, 257]) {
            for _ in 0..20 {
                let mut x: Vec<f32> = (0..n).map(|_| (rng.bits() % 9) as f32 - 4.0).collect();
                if rng.bits().is_multiple_of(3) {
                    let at = rng.bits() as usize % n;
                    x[at] = f32::NAN;
                }
                for (op, sign) in [(ArgOp::ArgMax, 1.0), (ArgOp::ArgMin, -1.0)] {
                    let best = x.iter().fold(f32::NEG_INFINITY, |m, v| m.max(v * sign));
                    let nan = x.iter().position(|v| v.is_nan());
                    let want = nan.unwrap_or_else(|| x.iter().position(|v| v * sign == best).unwrap());
                    let guarded = Guarded::end(&x);
                    let mut y = [0i64];
                    arg_reduce(isa, op, &guarded, &View::all(1, n, 1), TileMut::flat(&mut y));
                    assert_eq!(y[0], want as i64, "{op:?} of {x:?}");
                    let strided: Vec<f32> = x.iter().flat_map(|&v| [v, 0.0]).collect();
                    let mut y = [0i32; 2];
                    arg_reduce(isa, op, &strided, &View::all(1, n, 2), TileMut::flat(&mut y));
                    assert_eq!(y, [want as i32, 0]);
                }
            }
        }
    }
}
