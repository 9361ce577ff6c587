//! Plans that compute convolutions by minimal filtering, against the definition.

use dlrs_core::ops::Ewise;
use dlrs_core::ops::conv::{Conv, ConvAlgo, ConvBackwardInput};
use dlrs_core::plan::Plan;
use dlrs_core::{DType, Graph, Shape, Tensor, Ty, Val, Variable, autodiff};
use dlrs_kernels::elementwise::UnaryOp;

/// Numbers that look random and are the same everywhere.
fn noise(seed: u64, dims: &[usize]) -> Tensor {
    let n: usize = dims.iter().product();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let data: Vec<f32> = (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        })
        .collect();
    Tensor::from_slice(DType::F32, dims, &data).unwrap()
}

const SAME: Conv = Conv { padding: [(0, 0), (1, 1), (1, 1)], ..Conv::PLAIN };
const DIRECT: Conv = Conv { algo: ConvAlgo::Direct, ..SAME };

/// A shape for which the table never takes the definition.
const X: [usize; 4] = [6, 16, 16, 64];
const W: [usize; 4] = [3, 3, 64, 64];

fn ty(dims: &[usize]) -> Ty {
    Ty::new(DType::F32, Shape::new(dims).unwrap())
}

fn run(g: &Graph, inputs: &[Val], outputs: &[Val], feeds: &[&Tensor]) -> (Vec<Tensor>, String) {
    let plan = Plan::build(g, inputs, outputs).unwrap();
    let feeds: Vec<&[u8]> = feeds.iter().map(|t| t.bytes()).collect();
    (plan.run(&feeds, None).unwrap(), plan.explain().to_owned())
}

/// relu(x ∗ w + b) and the gradients of its sum, by `conv`.
fn layer(conv: Conv, x: &Tensor, w: &Tensor, b: &Tensor) -> (Vec<Tensor>, String) {
    let mut g = Graph::new();
    let [x_, w_, b_] = [x, w, b].map(|t| g.input(t.ty()));
    let y = g.conv(conv, x_, w_).unwrap();
    let y = g.add(y, b_).unwrap();
    let y = g.push(Ewise::Unary(UnaryOp::Relu), &[y]).unwrap();
    let total = g.sum(y, &[0, 1, 2, 3], false).unwrap();
    let one = g.scalar(DType::F32, 1.0).unwrap();
    let grads = autodiff::gradients(&mut g, &[total], &[one], &[x_, w_]).unwrap();
    let outputs = [y, grads[0].unwrap(), grads[1].unwrap()];
    run(&g, &[x_, w_, b_], &outputs, &[x, w, b])
}

fn assert_close(a: &Tensor, b: &Tensor, tolerance: f32) {
    let pairs = a.as_slice::<f32>().iter().zip(b.as_slice::<f32>());
    let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst <= tolerance, "{worst} > {tolerance}");
}

#[test]
fn a_layer_and_its_gradients_agree_with_the_definition() {
    let (x, w, b) = (noise(1, &X), noise(2, &W), noise(3, &[64]));
    let (fast, explained) = layer(SAME, &x, &w, &b);
    let (direct, plain) = layer(DIRECT, &x, &w, &b);
    assert!(explained.matches("winograd F(").count() >= 2, "{explained}");
    assert!(!plain.contains("winograd"), "{plain}");
    // Sums of 9·64 terms below 1, and in the kernel's gradient of 6·16·16 terms, errors as in one rounding of each.
    for ((fast, direct), tolerance) in fast.iter().zip(&direct).zip([1e-4, 1e-4, 1e-3]) {
        assert_close(fast, direct, tolerance);
    }
}

#[test]
fn a_kernel_that_stays_is_transformed_once() {
    let (x, w) = (noise(1, &X), Variable::new("w", noise(2, &W)));
    let given = {
        let mut g = Graph::new();
        let (x_, w_) = (g.input(x.ty()), g.input(ty(&W)));
        let y = g.conv(SAME, x_, w_).unwrap();
        let (y, explained) = run(&g, &[x_, w_], &[y], &[&x, &w.value().unwrap()]);
        assert!(explained.contains("winograd_kernel"), "{explained}");
        y
    };
    let mut g = Graph::new();
    let x_ = g.input(x.ty());
    let w_ = g.read(&w);
    let y = g.conv(SAME, x_, w_).unwrap();
    let plan = Plan::build(&g, &[x_], &[y]).unwrap();
    assert!(
        !plan.explain().contains("winograd_kernel") && plan.explain().contains("winograd F("),
        "{}",
        plan.explain()
    );
    assert_eq!(plan.run(&[x.bytes()], None).unwrap()[0].bytes(), given[0].bytes());
    // A new kernel is seen.
    w.assign(noise(7, &W)).unwrap();
    assert_ne!(plan.run(&[x.bytes()], None).unwrap()[0].bytes(), given[0].bytes());
}

#[test]
fn double_precision_and_other_shapes_take_the_definition() {
    let explained = |conv: Conv, x: &[usize], w: &[usize], dtype: DType| {
        let mut g = Graph::new();
        let [x, w] = [x, w].map(|dims| g.input(Ty::new(dtype, Shape::new(dims).unwrap())));
        let y = g.conv(conv, x, w).unwrap();
        Plan::build(&g, &[x, w], &[y]).unwrap().explain().to_owned()
    };
    assert!(explained(SAME, &X, &W, DType::F32).contains("winograd"));
    assert!(!explained(SAME, &X, &W, DType::F64).contains("winograd"));
    assert!(!explained(SAME, &[4, 32, 32, 3], &[3, 3, 3, 64], DType::F32).contains("winograd"));
    assert!(!explained(SAME, &X, &[5, 3, 64, 64], DType::F32).contains("winograd"));
    for other in [Conv { strides: [1, 2, 1], ..SAME }, Conv { dilation: [1, 1, 2], ..SAME }, Conv { groups: 2, ..SAME }]
    {
        assert!(!explained(other, &X, &[3, 3, 64 / other.groups, 64], DType::F32).contains("winograd"));
    }
}

#[test]
fn padding_that_the_gradient_cannot_mirror_takes_the_definition() {
    let conv = Conv { padding: [(0, 0), (3, 0), (1, 1)], ..Conv::PLAIN };
    let (d, w) = (noise(1, &[6, 17, 16, 64]), noise(2, &W));
    let gradient = |algo: ConvAlgo| {
        let mut g = Graph::new();
        let (d_, w_) = (g.input(d.ty()), g.input(w.ty()));
        let op = ConvBackwardInput { conv: Conv { algo, ..conv }, input: Shape::new(&X).unwrap() };
        let dx = g.push(op, &[d_, w_]).unwrap();
        run(&g, &[d_, w_], &[dx], &[&d, &w])
    };
    let ((auto, explained), (direct, _)) = (gradient(ConvAlgo::Auto), gradient(ConvAlgo::Direct));
    assert!(!explained.contains("winograd"), "{explained}");
    assert_eq!(auto[0].bytes(), direct[0].bytes());
}
