//! Every level's vector operations against plain scalar arithmetic, and partial loads and stores against guard pages.

mod support;

use dlrs_kernels::dispatch;
use dlrs_kernels::isa::{Isa, Simd};
use support::{Guarded, Rng};

const SPECIAL: [f32; 20] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    1e-40,
    -1e-40,
    f32::MIN_POSITIVE,
    f32::MAX,
    f32::MIN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    4_194_304.5,
    -8_388_607.5,
    16_777_217.0,
];

fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

fn lanes<S: Simd>(s: S, v: S::F32) -> Vec<f32> {
    let mut out = vec![0.0; S::LANES];
    s.store(&mut out, v);
    out
}

fn lanes_i32<S: Simd>(s: S, v: S::I32) -> Vec<i32> {
    let mut out = vec![0; S::LANES];
    // SAFETY: out has LANES elements.
    unsafe { s.store_i32_ptr(out.as_mut_ptr(), v) };
    out
}

fn numpy_max(a: f32, b: f32) -> f32 {
    if a.is_nan() || b.is_nan() { f32::NAN } else { a.max(b) }
}

fn check_arithmetic<S: Simd>(s: S) {
    for a in SPECIAL {
        for b in SPECIAL {
            let (va, vb) = (s.splat(a), s.splat(b));
            let check = |name: &str, got: S::F32, want: f32| {
                for x in lanes(s, got) {
                    assert!(same(x, want), "{name}({a}, {b}) = {x}, not {want}");
                }
            };
            check("add", s.add(va, vb), a + b);
            check("sub", s.sub(va, vb), a - b);
            check("mul", s.mul(va, vb), a * b);
            check("div", s.div(va, vb), a / b);
            if !(a == 0.0 && b == 0.0) {
                check("max", s.max(va, vb), numpy_max(a, b));
                check("min", s.min(va, vb), -numpy_max(-a, -b));
            }
            check("max_fast", s.max_fast(va, vb), if a > b { a } else { b });
            check("min_fast", s.min_fast(va, vb), if a < b { a } else { b });
            check("copysign", s.copysign(va, vb), a.copysign(b));
            let all = (1u32 << S::LANES) - 1;
            for (name, m, want) in [
                ("lt", s.lt(va, vb), a < b),
                ("le", s.le(va, vb), a <= b),
                ("gt", s.gt(va, vb), a > b),
                ("ge", s.ge(va, vb), a >= b),
                ("eq", s.eq(va, vb), a == b),
                ("ne", s.ne(va, vb), a != b),
            ] {
                assert_eq!(s.mask_bits(m), if want { all } else { 0 }, "{name}({a}, {b})");
                assert_eq!(s.mask_bits(s.mask_not(m)), if want { 0 } else { all });
                check("select", s.select(m, va, vb), if want { a } else { b });
            }
        }
        let va = s.splat(a);
        for (name, got, want) in [
            ("abs", s.abs(va), a.abs()),
            ("neg", s.neg(va), -a),
            ("sqrt", s.sqrt(va), a.sqrt()),
            ("round_even", s.round_even(va), a.round_ties_even()),
            ("floor", s.floor(va), a.floor()),
            ("from_bits", s.from_bits(s.to_bits(va)), a),
        ] {
            assert!(lanes(s, got).into_iter().all(|x| same(x, want)), "{name}({a}) = {:?}", lanes(s, got));
        }
    }
}

fn check_integers<S: Simd>(s: S) {
    let mut rng = Rng::new(1);
    for _ in 0..200 {
        let a: Vec<i32> = (0..S::LANES).map(|_| rng.bits() as i32).collect();
        let b: Vec<i32> = (0..S::LANES).map(|_| rng.bits() as i32).collect();
        // SAFETY: both hold LANES elements.
        let (va, vb) = unsafe { (s.load_i32_ptr(a.as_ptr()), s.load_i32_ptr(b.as_ptr())) };
        let check = |got: S::I32, f: &dyn Fn(i32, i32) -> i32| {
            assert_eq!(lanes_i32(s, got), a.iter().zip(&b).map(|(&x, &y)| f(x, y)).collect::<Vec<_>>());
        };
        check(s.add_i32(va, vb), &|x, y| x.wrapping_add(y));
        check(s.sub_i32(va, vb), &|x, y| x.wrapping_sub(y));
        let product = |i: usize| u64::from(a[i & !1] as u32) * u64::from(b[i & !1] as u32);
        let want: Vec<i32> = (0..S::LANES).map(|i| (product(i) >> (32 * (i & 1))) as i32).collect();
        assert_eq!(lanes_i32(s, s.mul_even_u32(va, vb)), want);
        let want: Vec<i32> = (0..S::LANES).map(|i| if i % 2 == 0 { a[i + 1] } else { 0 }).collect();
        assert_eq!(lanes_i32(s, s.odd_to_even(va)), want);
        let want: Vec<i32> = (0..S::LANES).map(|i| if i % 2 == 0 { a[i] } else { b[i - 1] }).collect();
        assert_eq!(lanes_i32(s, s.interleave_even(va, vb)), want);
        check(s.shl::<7>(va), &|x, _| x << 7);
        check(s.shr::<7>(va), &|x, _| x >> 7);
        check(s.shr_u32::<7>(va), &|x, _| (x as u32 >> 7) as i32);
        check(s.and(va, vb), &|x, y| x & y);
        check(s.or(va, vb), &|x, y| x | y);
        check(s.xor(va, vb), &|x, y| x ^ y);
        check(s.select_i32(s.gt_i32(va, vb), va, vb), &|x, y| x.max(y));
        check(s.select_i32(s.eq_i32(va, va), va, vb), &|x, _| x);
        assert_eq!(lanes(s, s.from_i32(va)), a.iter().map(|&x| x as f32).collect::<Vec<_>>());
        let f: Vec<f32> = a.iter().map(|&x| x as f32 / 1000.0).collect();
        check(s.to_i32_round(s.load(&f)), &|x, _| (x as f32 / 1000.0).round_ties_even() as i32);
        check(s.to_i32_trunc(s.load(&f)), &|x, _| (x as f32 / 1000.0) as i32);
    }
}

fn check_memory<S: Simd>(s: S) {
    let x: Vec<f32> = (1..=S::LANES).map(|i| i as f32).collect();
    for n in 0..=S::LANES {
        for from in [Guarded::end(&x[..n]), Guarded::start(&x[..n])] {
            // SAFETY: n elements are readable.
            let v = unsafe { s.load_partial(from.as_ptr(), n) };
            let want: Vec<f32> = (0..S::LANES).map(|i| if i < n { x[i] } else { 0.0 }).collect();
            assert_eq!(lanes(s, v), want);
        }
        let mut to = Guarded::end(&vec![0.0; n]);
        // SAFETY: n elements are writable.
        unsafe { s.store_partial(to.as_mut_ptr(), n, s.load(&x)) };
        assert_eq!(&to[..], &x[..n]);
    }
    assert_eq!(s.reduce_add(s.load(&x)), (S::LANES * (S::LANES + 1) / 2) as f32);
    assert_eq!(s.reduce_max(s.load(&x)), S::LANES as f32);
    assert_eq!(s.reduce_min(s.load(&x)), 1.0);
    let f = s.fma(s.load(&x), s.splat(2.0), s.splat(1.0));
    assert_eq!(lanes(s, f), x.iter().map(|v| v * 2.0 + 1.0).collect::<Vec<_>>());
    let f = s.fnma(s.load(&x), s.splat(2.0), s.splat(1.0));
    assert_eq!(lanes(s, f), x.iter().map(|v| 1.0 - v * 2.0).collect::<Vec<_>>());
}

#[test]
fn arithmetic_agrees_with_scalars() {
    for isa in Isa::supported() {
        dispatch!(isa, s => check_arithmetic(s));
    }
}

#[test]
fn integers_agree_with_scalars() {
    for isa in Isa::supported() {
        dispatch!(isa, s => check_integers(s));
    }
}

#[test]
fn partial_access_stays_inside() {
    for isa in Isa::supported() {
        dispatch!(isa, s => check_memory(s));
    }
}
