use super::*;
use crate::ops::testing::*;
use crate::tensor::Tensor;

/// Queries, keys and values of those sizes: (batch, targets, sources, heads, groups, features, width).
fn operands(sizes: [usize; 7]) -> Vec<Tensor> {
    let [b, t, s, h, g, d, w] = sizes;
    vec![noise(&[b, t, h, d], 1), noise(&[b, s, g, d], 2), noise(&[b, s, g, w], 3)]
}

fn mask(shape: &[usize], seen: impl Fn(usize) -> bool) -> Tensor {
    let bytes: Vec<u8> = (0..shape.iter().product()).map(|i| u8::from(seen(i))).collect();
    Tensor::from_slice(DType::Bool, shape, &bytes).unwrap()
}

/// Both results against the definition, in both precisions.
fn check(op: Attention, inputs: &[Tensor]) {
    let mut g = Graph::new();
    let vals: Vec<Val> = inputs.iter().map(|x| g.constant(x.clone())).collect();
    let want = op.decompose(&mut g, &vals).unwrap().unwrap();
    let want = eval(&g, &want).unwrap();
    let have = run(&op, inputs).unwrap();
    let single: Vec<Tensor> =
        inputs.iter().map(|x| if x.dtype() == DType::Bool { x.clone() } else { cast(x, DType::F32) }).collect();
    let have32 = run(&op, &single).unwrap();
    for i in 0..2 {
        assert_close(&have[i], &want[i], 1e-12);
        assert_close(&have32[i], &want[i], 1e-5);
    }
    check_backward(op, inputs, &have, 1e-12);
    check_backward(op, &single, &have32, 2e-5);
}

fn check_backward(op: Attention, inputs: &[Tensor], results: &[Tensor], tolerance: f64) {
    let dtype = inputs[0].dtype();
    let mut g = Graph::new();
    let mut vals: Vec<Val> = inputs.iter().map(|x| g.constant(x.clone())).collect();
    let d = g.constant(cast(&noise(results[0].shape(), 9), dtype));
    let (result, log_sum) = (g.constant(results[0].clone()), g.constant(results[1].clone()));
    let product = g.mul(d, result).unwrap();
    let product = g.sum(product, &[3], false).unwrap();
    vals.extend([d, log_sum, product]);
    let backward = AttentionBackward { attention: op };
    let have = g.apply(Arc::new(backward), &vals).unwrap();
    let want = backward.decompose(&mut g, &vals).unwrap().unwrap();
    let all = eval(&g, &[have, want].concat()).unwrap();
    for i in 0..3 {
        assert_close(&all[i], &all[3 + i], tolerance);
    }
}

#[test]
fn kernels_agree_with_the_definition() {
    for sizes in [
        [2, 3, 5, 2, 2, 4, 3],
        [1, 1, 300, 2, 1, 8, 8],
        [1, 130, 150, 1, 1, 17, 33],
        [1, 70, 1200, 2, 2, 5, 4],
        [2, 65, 40, 4, 2, 32, 32],
        [1, 300, 129, 1, 1, 3, 40],
        [2, 1, 300, 4, 2, 37, 85],
    ] {
        for causal in [false, true] {
            check(Attention::new(0.7, causal, false, false), &operands(sizes));
        }
    }
}

#[test]
fn bias_and_mask_broadcast() {
    let sizes = [2, 9, 140, 4, 2, 6, 5];
    let shapes: [&[usize]; 5] = [&[2, 4, 9, 140], &[140], &[2, 1, 1, 140], &[4, 9, 1], &[1, 1, 9, 140]];
    for shape in shapes {
        let hides = mask(shape, |i| i % 3 != 1);
        let inputs = [operands(sizes), vec![noise(shape, 5), hides.clone()]].concat();
        check(Attention::new(0.3, true, true, true), &inputs);
        check(Attention::new(0.3, false, false, true), &[operands(sizes), vec![hides]].concat());
    }
}

#[test]
fn a_target_that_sees_nothing_has_the_result_zero() {
    let (t, s) = (70, 200);
    let hidden = mask(&[t, s], |i| !(i / s).is_multiple_of(3));
    let inputs = [operands([1, t, s, 2, 2, 4, 4]), vec![hidden]].concat();
    let op = Attention::new(0.5, false, false, true);
    check(op, &inputs);
    let results = run(&op, &inputs).unwrap();
    assert!(values(&results[0])[..8].iter().all(|&y| y == 0.0) && results[1].get(0) == f64::INFINITY);
    let none = run(&Attention::new(1.0, false, false, false), &operands([1, 2, 0, 1, 1, 3, 2])).unwrap();
    assert_eq!(values(&none[0]), [0.0; 4]);
}

#[test]
fn gradients() {
    for causal in [false, true] {
        let op = Attention::new(0.8, causal, false, false);
        let f = |g: &mut Graph, x: &[Val]| Ok(g.apply(Arc::new(op), x)?[0]);
        check_two_gradients(&operands([1, 3, 4, 2, 1, 2, 2]), &f);
    }
    let op = Attention::new(0.8, false, true, true);
    let f = |g: &mut Graph, x: &[Val]| Ok(g.apply(Arc::new(op), x)?[0]);
    let hidden = mask(&[3, 4], |i| i / 4 != 1 && i != 2);
    let inputs = [operands([1, 3, 4, 2, 2, 2, 3]), vec![noise(&[2, 1, 4], 5), hidden]].concat();
    check_two_gradients(&inputs, &f);
    let logarithms = |g: &mut Graph, x: &[Val]| Ok(g.apply(Arc::new(Attention::new(0.8, true, false, false)), x)?[1]);
    check_gradient(&operands([1, 3, 4, 1, 1, 2, 2])[..2], &|g, x| {
        let value = g.constant(noise(&[1, 4, 1, 2], 3));
        logarithms(g, &[x[0], x[1], value])
    });
}

#[test]
fn bad_arguments_are_named() {
    let ty = |dtype, dims: &[usize]| Ty::new(dtype, Shape::new(dims).unwrap());
    let x = |dims: &[usize]| ty(DType::F32, dims);
    let op = Attention::new(1.0, false, false, false);
    let message = refusal(op, &[x(&[1, 2, 3, 4]), x(&[1, 5, 2, 4]), x(&[1, 5, 2, 4])]);
    assert!(message.contains("(1, 2, 3, 4)") && message.contains("multiple"), "{message}");
    let message = refusal(op, &[x(&[2, 3]), x(&[2, 3]), x(&[2, 3])]);
    assert!(message.contains("expected four axes"), "{message}");
    let masked = Attention::new(1.0, false, false, true);
    let four = [x(&[1, 2, 3, 4]), x(&[1, 5, 3, 4]), x(&[1, 5, 3, 4])];
    let with = |mask: Ty| [&four[..], &[mask]].concat();
    let message = refusal(masked, &with(ty(DType::Bool, &[7])));
    assert!(message.contains("mask of shape (7,) does not broadcast"), "{message}");
    assert!(refusal(masked, &with(x(&[5]))).contains("mask has dtype float32; expected bool"));
}
