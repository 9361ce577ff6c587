//! Masked products against the products of operands whose denied rows are zeros.

use std::sync::Arc;

use super::super::Op;
use super::super::testing::*;
use super::{MaskedMatMul, MaskedSums, Rest};
use crate::DType;
use crate::graph::{Graph, Val};
use crate::tensor::Tensor;

/// Masks of (4, 100): all, none, half of each row, rows of all lengths, every third, one row of four.
fn masks() -> Vec<Tensor> {
    let live: [fn(usize, usize) -> bool; 6] =
        [|_, _| true, |_, _| false, |_, t| t < 50, |r, t| t < 33 * r, |_, t| t % 3 == 0, |r, t| r == 2 || t == 99];
    let mask = |f: fn(usize, usize) -> bool| (0..400).map(|i| u8::from(f(i / 100, i % 100))).collect::<Vec<_>>();
    live.iter().map(|&f| Tensor::from_slice(DType::Bool, &[4, 100], &mask(f)).unwrap()).collect()
}

/// Denied rows made something that must not be read.
fn spoiled(x: &Tensor, mask: &Tensor) -> Tensor {
    let width = x.shape().size() / mask.shape().size();
    let data = (0..x.shape().size()).map(|i| if mask.get(i / width) == 0.0 { f64::NAN } else { x.get(i) });
    cast(&f64s(x.shape().dims(), &data.collect::<Vec<_>>()), x.dtype())
}

fn decomposed(op: &dyn Op, x: &[Tensor]) -> Tensor {
    let mut g = Graph::new();
    let args: Vec<Val> = x.iter().map(|x| g.constant(x.clone())).collect();
    let y = op.decompose(&mut g, &args).unwrap().unwrap();
    eval(&g, &y).unwrap().remove(0)
}

#[test]
fn products_are_those_of_the_definition_and_denied_rows_are_not_read() {
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 2e-5)] {
        for (k, n) in [(5, 7), (64, 96), (1, 1), (3, 0), (0, 3), (700, 33)] {
            for mask in masks() {
                let x = spoiled(&cast(&noise(&[4, 100, k], 1), dtype), &mask);
                for (transpose_b, bias) in [(false, true), (true, false)] {
                    let op = MaskedMatMul { transpose_b, bias, rest: Rest::Zero };
                    let w = cast(&noise(if transpose_b { [n, k] } else { [k, n] }.as_slice(), 2), dtype);
                    let mut operands = vec![x.clone(), w];
                    operands.extend(bias.then(|| cast(&noise(&[n], 3), dtype)));
                    operands.push(mask.clone());
                    let have = run(&op, &operands).unwrap().remove(0);
                    assert_close(&have, &decomposed(&op, &operands), tolerance);
                }
            }
        }
    }
}

#[test]
fn rows_that_are_left_keep_what_they_hold() {
    let mask = masks().remove(2);
    let op = MaskedMatMul { transpose_b: false, bias: false, rest: Rest::Left };
    let operands = [noise(&[4, 100, 3], 1), noise(&[3, 2], 2), mask.clone()];
    let (left, zeros) =
        (run(&op, &operands).unwrap(), run(&MaskedMatMul { rest: Rest::Zero, ..op }, &operands).unwrap());
    for i in 0..800 {
        let (a, b) = (left[0].get(i), zeros[0].get(i));
        assert!(if mask.get(i / 2) == 0.0 { a > 1e30 && b == 0.0 } else { a == b });
    }
}

#[test]
fn sums_are_those_of_the_definition_and_denied_rows_are_not_read() {
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 1e-4)] {
        for (m, n) in [(5, 7), (64, 96), (1, 40), (33, 1), (0, 3), (700, 33)] {
            for (mask, parts) in masks().into_iter().flat_map(|mask| [(mask.clone(), 1), (mask, 8)]) {
                let [a, b] = [(m, 1), (n, 2)].map(|(width, seed)| cast(&noise(&[4, 100, width], seed), dtype));
                let operands = [spoiled(&a, &mask), spoiled(&b, &mask), mask];
                let op = MaskedSums { parts };
                let have = run(&op, &operands).unwrap().remove(0);
                assert_close(&have, &decomposed(&op, &operands), tolerance);
            }
        }
    }
}

#[test]
fn gradients() {
    let mask = Tensor::from_slice(DType::Bool, &[2, 3], &[1u8, 0, 1, 0, 0, 1]).unwrap();
    for transpose_b in [false, true] {
        let op = MaskedMatMul { transpose_b, bias: true, rest: Rest::Zero };
        let w = noise(if transpose_b { &[2, 4] } else { &[4, 2] }, 2);
        let x = [noise(&[2, 3, 4], 1), w, noise(&[2], 3), mask.clone()];
        check_two_gradients(&x, &move |g, v| Ok(g.apply(Arc::new(op), v)?[0]));
    }
}

#[test]
fn bad_operands_are_named() {
    let ty = |dtype, dims: &[usize]| crate::tensor::Ty::new(dtype, crate::shape::Shape::new(dims).unwrap());
    let op = MaskedMatMul { transpose_b: false, bias: true, rest: Rest::Zero };
    let (x, w, b) = (ty(DType::F32, &[2, 3, 4]), ty(DType::F32, &[4, 5]), ty(DType::F32, &[5]));
    let mask = ty(DType::Bool, &[2, 3]);
    let said = |x: [crate::tensor::Ty; 4]| refusal(op, &x);
    assert_eq!(
        said([x, w, b, ty(DType::Bool, &[2, 4])]),
        "masked_matmul: mask is bool of shape (2, 4); expected bools of shape (2, 3)"
    );
    assert_eq!(said([x, w, ty(DType::F32, &[4]), mask]), "masked_matmul: bias has shape (4,); expected (5,)");
    assert!(said([x, ty(DType::F32, &[3, 5]), b, mask]).ends_with("the terms differ"));
    assert!(said([x, ty(DType::F64, &[4, 5]), b, mask]).contains("one floating-point dtype"));
}
