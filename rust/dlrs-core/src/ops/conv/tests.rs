use super::super::testing::*;
use super::*;
use crate::plan::Plan;
use crate::tensor::Tensor;

const PLAIN: Conv = Conv::PLAIN;

/// Shapes of x and the kernel, and the convolution.
fn cases() -> Vec<(Vec<usize>, Vec<usize>, Conv)> {
    let same = Conv { padding: [(0, 0), (1, 1), (1, 1)], ..PLAIN };
    let strided = Conv { strides: [1, 2, 3], padding: [(0, 0), (0, 1), (2, 0)], ..PLAIN };
    let dilated = Conv { strides: [1, 2, 1], padding: [(0, 0), (1, 0), (0, 2)], dilation: [1, 3, 2], ..PLAIN };
    let causal = Conv { padding: [(0, 0), (0, 0), (4, 0)], dilation: [1, 1, 2], ..PLAIN };
    let volume =
        Conv { strides: [1, 1, 2], padding: [(1, 0), (1, 1), (0, 1)], dilation: [2, 1, 1], groups: 2, ..PLAIN };
    vec![
        (vec![2, 5, 6, 3], vec![3, 3, 3, 4], same),
        (vec![2, 7, 6, 2], vec![3, 2, 2, 5], strided),
        (vec![1, 8, 9, 1], vec![2, 3, 1, 2], dilated),
        (vec![3, 4, 4, 5], vec![1, 1, 5, 2], PLAIN),
        (vec![0, 4, 4, 2], vec![3, 3, 2, 2], PLAIN),
        (vec![2, 5, 4, 6], vec![3, 3, 2, 9], Conv { groups: 3, ..same }),
        (vec![2, 5, 4, 4], vec![3, 3, 1, 8], Conv { groups: 4, strides: [1, 2, 2], ..same }),
        (vec![2, 9, 3], vec![3, 3, 4], causal),
        (vec![1, 4, 3, 5, 4], vec![2, 3, 2, 2, 6], volume),
        (vec![3, 3, 2, 4], vec![3, 2, 4, 5], PLAIN),
        (vec![3, 6, 5, 5], vec![3, 3, 1, 10], Conv { groups: 5, dilation: [1, 2, 1], ..same }),
        (vec![2, 11, 6], vec![4, 1, 6], Conv { groups: 6, strides: [1, 1, 2], ..causal }),
    ]
}

fn reference(x: &Tensor, w: &Tensor, conv: Conv) -> Vec<f64> {
    let g = conv.geometry("conv", x.shape(), w.shape()).unwrap();
    let unravel = |i: usize, [_, b, c]: [usize; 3]| [i / c / b, i / c % b, i % c];
    let pixels = |size: [usize; 3]| size.iter().product::<usize>();
    let mut out = Vec::new();
    for i in 0..g.n * g.image_out() {
        let (image, at, co) =
            (i / g.image_out(), unravel(i / g.c_out % pixels(g.output).max(1), g.output), i % g.c_out);
        let mut sum = 0.0;
        for t in 0..pixels(g.kernel) * g.group_in() {
            let (tap, ci) = (unravel(t / g.group_in(), g.kernel), t % g.group_in());
            let from = [0, 1, 2].map(|a| (at[a] * g.strides[a] + tap[a] * g.dilation[a]).wrapping_sub(g.pad[a]));
            if (0..3).all(|a| from[a] < g.input[a]) {
                let pixel = (from[0] * g.input[1] + from[1]) * g.input[2] + from[2];
                let channel = co / g.group_out() * g.group_in() + ci;
                sum += x.get(image * g.image_in() + pixel * g.c_in + channel) * w.get(t * g.c_out + co);
            }
        }
        out.push(sum);
    }
    out
}

#[test]
fn convolutions_agree_with_the_definition() {
    for (x, w, conv) in cases() {
        let (x, w) = (noise(&x, 1), noise(&w, 2));
        let y = run(&conv, &[x.clone(), w.clone()]).unwrap().remove(0);
        let want = f64s(y.shape(), &reference(&x, &w, conv));
        assert_close(&y, &want, 1e-12);
        let single = run(&conv, &[cast(&x, DType::F32), cast(&w, DType::F32)]).unwrap().remove(0);
        assert_close(&single, &want, 1e-5);
    }
}

#[test]
fn gradients_of_all_three() {
    for (x, w, conv) in cases() {
        let (x, w) = (noise(&x, 1), noise(&w, 2));
        check_gradient(&[x.clone(), w.clone()], &|g, v| g.conv(conv, v[0], v[1]));
        let d = noise(run(&conv, &[x.clone(), w.clone()]).unwrap()[0].shape(), 3);
        let (input, kernel) = (*x.shape(), *w.shape());
        check_gradient(&[d.clone(), w.clone()], &|g, v| g.push(ConvBackwardInput { conv, input }, v));
        check_gradient(&[x.clone(), d.clone()], &|g, v| g.push(ConvBackwardKernel { conv, kernel }, v));
        // Single precision takes other kernels.
        let single = |op: &dyn Op, a: &Tensor, b: &Tensor| {
            let want = run(op, &[a.clone(), b.clone()]).unwrap().remove(0);
            let have = run(op, &[cast(a, DType::F32), cast(b, DType::F32)]).unwrap().remove(0);
            assert_close(&have, &want, 1e-5);
        };
        single(&ConvBackwardInput { conv, input }, &d, &w);
        single(&ConvBackwardKernel { conv, kernel }, &x, &d);
    }
}

#[test]
fn bad_arguments_are_named() {
    let ty = |dims: &[usize]| Ty::new(DType::F32, Shape::new(dims).unwrap());
    let (x, w) = (ty(&[2, 5, 5, 3]), ty(&[3, 3, 3, 8]));
    assert_eq!(
        refusal(PLAIN, &[ty(&[5, 5]), w]),
        "conv: x has shape (5, 5); expected (batch, .., channels) with one to three spatial axes"
    );
    assert_eq!(
        refusal(PLAIN, &[ty(&[2, 5, 3]), w]),
        "conv: kernel has shape (3, 3, 3, 8); expected as many axes as x, which has shape (2, 5, 3)"
    );
    assert_eq!(
        refusal(PLAIN, &[x, ty(&[3, 3, 4, 8])]),
        "conv: x of shape (2, 5, 5, 3) has 3 channels; kernel of shape (3, 3, 4, 8) takes 4"
    );
    assert_eq!(
        refusal(Conv { groups: 2, ..PLAIN }, &[x, w]),
        "conv: the 3 channels of x and the 8 filters cannot be cut into 2 groups"
    );
    assert!(refusal(PLAIN, &[x, ty(&[6, 3, 3, 8])]).contains("does not fit x of shape (2, 5, 5, 3)"));
    let huge = Conv { padding: [(0, 0), (LARGEST, LARGEST), (LARGEST, LARGEST)], ..PLAIN };
    let text = refusal(huge, &[x, ty(&[1, 1, 3, 8])]);
    assert!(text.contains("conv: a tensor of shape") && text.contains("does not fit into memory"), "{text}");
    let backward = ConvBackwardInput { conv: PLAIN, input: x.shape };
    assert!(refusal(backward, &[x, w]).contains("the gradient has shape (2, 5, 5, 3); expected (2, 3, 3, 8)"));
    assert!(refusal(Conv { strides: [1, 0, 1], ..PLAIN }, &[x, w]).contains("must be at least 1"));
    assert!(refusal(Conv { strides: [2, 1, 1], ..PLAIN }, &[x, w]).contains("for more axes than x"));
}

#[test]
fn parts_of_the_gradient_by_a_kernel() {
    let same = Conv { padding: [(0, 0), (1, 1), (1, 1)], ..PLAIN };
    let strided = Conv { strides: [1, 2, 2], padding: [(0, 0), (0, 1), (0, 1)], ..PLAIN };
    for (x, kernel, conv) in [
        ([3, 40, 60, 96], [3, 3, 1, 96], Conv { groups: 96, ..same }),
        ([6, 20, 24, 40], [3, 3, 40, 24], same),
        ([1, 160, 80, 10], [3, 3, 10, 70], strided),
    ] {
        let (x, kernel) = (cast(&noise(&x, 1), DType::F32), Shape::new(&kernel).unwrap());
        let geometry = conv.geometry("conv", x.shape(), &kernel).unwrap();
        let d = cast(&noise(&Conv::result(&geometry, 4).unwrap(), 2), DType::F32);
        let mut g = Graph::new();
        let inputs = [g.input(x.ty()), g.input(d.ty())];
        let dw = conv.backward_kernel(&mut g, kernel, inputs[0], inputs[1]).unwrap();
        let names: Vec<_> = g.nodes().iter().map(|n| n.op.name()).collect();
        assert_eq!(names, ["conv_kernel_parts", "conv_backward_kernel"]);
        let plan = Plan::build(&g, &inputs, &[dw]).unwrap();
        let cut = plan.run(&[x.bytes(), d.bytes()], None).unwrap().remove(0);
        // Computed at once it has the same bits.
        let op = ConvBackwardKernel { conv, kernel };
        assert_eq!(cut.bytes(), run(&op, &[x.clone(), d.clone()]).unwrap()[0].bytes());
        let want = run(&op, &[cast(&x, DType::F64), cast(&d, DType::F64)]).unwrap().remove(0);
        assert_close(&cut, &want, 5e-5);
    }
}
