//! Pooling: gradients to any order, agreement between dtypes, refusals.

use super::super::testing::*;
use super::*;
use crate::tensor::Tensor;

const EACH: Windows = Windows::EACH;

const fn sliding(size: usize, stride: usize, padding: (usize, usize)) -> Windows {
    Windows::Sliding { size, stride, padding }
}

const CASES: &[(&[usize], PoolWindows)] = &[
    (&[2, 4, 6, 3], [EACH, sliding(2, 2, (0, 0)), sliding(2, 2, (0, 0))]),
    (&[2, 5, 5, 2], [EACH, sliding(3, 2, (1, 1)), sliding(3, 1, (1, 1))]),
    (&[3, 7, 2], [EACH, EACH, sliding(3, 4, (0, 0))]),
    (&[1, 3, 4, 3, 2], [sliding(2, 1, (0, 0)), sliding(2, 2, (0, 0)), sliding(2, 1, (0, 1))]),
    (&[2, 5, 7, 2], [EACH, Windows::Adaptive { count: 2 }, Windows::Adaptive { count: 3 }]),
    (&[0, 4, 4, 2], [EACH, sliding(2, 2, (0, 0)), sliding(2, 2, (0, 0))]),
];

#[test]
fn gradients_to_any_order() {
    for &(x, windows) in CASES {
        let x = noise(x, 1);
        check_gradient(std::slice::from_ref(&x), &|g, v| g.push(MaxPool { windows }, v));
        check_gradient(std::slice::from_ref(&x), &|g, v| g.push(AveragePool { windows }, v));
        let y = run(&MaxPool { windows }, std::slice::from_ref(&x)).unwrap().remove(0);
        let d = noise(y.shape(), 2);
        let input = *x.shape();
        check_gradient(std::slice::from_ref(&d), &|g, v| g.push(AveragePoolBackward { windows, input }, v));
        let held = x.clone();
        check_gradient(std::slice::from_ref(&d), &move |g, v| {
            let x = g.constant(held.clone());
            g.push(MaxPoolBackward { windows }, &[x, v[0]])
        });
        let (held, e) = (x.clone(), noise(&input, 3));
        check_gradient(&[e], &move |g, v| {
            let x = g.constant(held.clone());
            g.push(MaxPoolGather { windows }, &[x, v[0]])
        });
    }
}

#[test]
fn single_precision_and_whole_numbers_agree_with_double_precision() {
    for &(x, windows) in CASES {
        let x = cast(&noise(x, 1), DType::F32);
        let wide = cast(&x, DType::F64);
        for op in [&MaxPool { windows } as &dyn Op, &AveragePool { windows }] {
            let want = run(op, std::slice::from_ref(&wide)).unwrap().remove(0);
            assert_close(&run(op, std::slice::from_ref(&x)).unwrap()[0], &want, 1e-6);
        }
        let bytes = Tensor::from_slice(
            DType::U8,
            x.shape(),
            &values(&x).iter().map(|v| (v * 100.0 + 100.0) as u8).collect::<Vec<_>>(),
        );
        let bytes = bytes.unwrap();
        let want = run(&MaxPool { windows }, &[cast(&bytes, DType::I32)]).unwrap().remove(0);
        assert_eq!(values(&run(&MaxPool { windows }, &[bytes]).unwrap()[0]), values(&want));
    }
}

#[test]
fn bad_arguments_are_named() {
    let ty = |dims: &[usize]| Ty::new(DType::F32, Shape::new(dims).unwrap());
    let windows = [EACH, sliding(3, 3, (0, 0)), sliding(3, 3, (0, 0))];
    assert_eq!(
        refusal(MaxPool { windows }, &[ty(&[4, 4])]),
        "max_pool: x of shape (4, 4) has 0 spatial axes; expected 1 to 3"
    );
    assert!(
        refusal(AveragePool { windows }, &[ty(&[1, 5, 2, 1])]).contains("do not fit axis 2 of x of shape (1, 5, 2, 1)")
    );
    assert!(
        refusal(MaxPoolBackward { windows }, &[ty(&[1, 6, 6, 1]), ty(&[1, 2, 3, 1])]).contains("expected (1, 2, 2, 1)")
    );
    let whole = Ty::new(DType::I32, Shape::new(&[1, 6, 6, 1]).unwrap());
    assert!(refusal(AveragePool { windows }, &[whole]).contains("floating-point"));
}
