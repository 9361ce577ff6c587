//! Plans that run units over a few images at a time, against the same graph op by op: the same bits.

use std::collections::HashMap;

use dlrs_core::graph::Source;
use dlrs_core::ops::Ewise;
use dlrs_core::ops::conv::{Conv, ConvAlgo};
use dlrs_core::ops::pool::{AveragePool, MaxPool};
use dlrs_core::plan::Plan;
use dlrs_core::{DType, Graph, Shape, Tensor, Ty, Val, autodiff, eager};
use dlrs_kernels::elementwise::UnaryOp;
use dlrs_kernels::pool::Windows;

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
const HALVES: [Windows; 3] = [
    Windows::EACH,
    Windows::Sliding { size: 2, stride: 2, padding: (0, 0) },
    Windows::Sliding { size: 2, stride: 2, padding: (0, 0) },
];

/// A graph and what it is given.
#[derive(Default)]
struct Net {
    graph: Graph,
    feeds: Vec<Tensor>,
}

impl Net {
    fn given(&mut self, dims: &[usize]) -> Val {
        self.feeds.push(noise(self.feeds.len() as u64 + 1, dims));
        self.graph.input(Ty::new(DType::F32, Shape::new(dims).unwrap()))
    }

    fn conv(&mut self, conv: Conv, x: Val, kernel: &[usize]) -> Val {
        let (w, b) = (self.given(kernel), self.given(&kernel[kernel.len() - 1..]));
        let y = self.graph.conv(conv, x, w).unwrap();
        self.graph.add(y, b).unwrap()
    }

    fn relu(&mut self, x: Val) -> Val {
        self.graph.push(Ewise::Unary(UnaryOp::Relu), &[x]).unwrap()
    }

    /// The values by one plan, which must have chains of at least so many kernels.
    fn planned(&self, outputs: &[Val], chained: usize) -> Vec<Tensor> {
        let plan = Plan::build(&self.graph, self.graph.inputs(), outputs).unwrap();
        assert!(plan.explain().matches("in a chain").count() >= chained, "{}", plan.explain());
        let feeds: Vec<&[u8]> = self.feeds.iter().map(Tensor::bytes).collect();
        plan.run(&feeds, None).unwrap()
    }

    /// The values op by op.
    fn by_ops(&self, outputs: &[Val]) -> Vec<Tensor> {
        let mut held: HashMap<Val, Tensor> = HashMap::new();
        let get = |held: &HashMap<Val, Tensor>, v: Val| match self.graph.source(v) {
            Source::Input(i) => self.feeds[*i].clone(),
            Source::Constant(t) => t.clone(),
            _ => held[&v].clone(),
        };
        for node in self.graph.nodes() {
            let inputs: Vec<Tensor> = node.inputs.iter().map(|&v| get(&held, v)).collect();
            let results = eager::apply(&node.op, &inputs.iter().collect::<Vec<_>>(), None).unwrap();
            held.extend(node.outputs.iter().copied().zip(results));
        }
        outputs.iter().map(|&v| get(&held, v)).collect()
    }

    fn check(&self, outputs: &[Val], chained: usize) {
        for (planned, alone) in self.planned(outputs, chained).iter().zip(self.by_ops(outputs)) {
            let differ = planned.bytes().iter().zip(alone.bytes()).filter(|(a, b)| a != b).count();
            assert_eq!(differ, 0, "bytes of {} differ", alone.ty());
        }
    }
}

#[test]
fn convolutions_and_pools_run_over_groups_of_images() {
    for (images, algo) in [(19, ConvAlgo::Auto), (33, ConvAlgo::Direct), (8, ConvAlgo::Auto)] {
        let conv = Conv { algo, ..SAME };
        let mut net = Net::default();
        let x = net.given(&[images, 16, 16, 3]);
        let y = net.conv(conv, x, &[3, 3, 3, 8]);
        let y = net.relu(y);
        let kept = net.conv(conv, y, &[3, 3, 8, 8]);
        let pooled = net.graph.push(MaxPool { windows: HALVES }, &[kept]).unwrap();
        let z = net.conv(Conv { strides: [1, 2, 2], ..conv }, pooled, &[3, 3, 8, 12]);
        let short = net.conv(Conv { strides: [1, 2, 2], ..Conv::PLAIN }, pooled, &[1, 1, 8, 12]);
        let z = net.graph.add(z, short).unwrap();
        let z = net.relu(z);
        let z = net.graph.push(AveragePool { windows: HALVES }, &[z]).unwrap();
        net.check(&[z], 6);
        // Values that are asked for are stored for all images.
        net.check(&[kept, z], 6);
        net.check(&[z, pooled, kept], 6);
    }
}

#[test]
fn what_needs_all_images_ends_a_chain() {
    let mut net = Net::default();
    let x = net.given(&[16, 12, 12, 8]);
    let y = net.conv(SAME, x, &[3, 3, 8, 8]);
    let y = net.relu(y);
    let y = net.graph.push(MaxPool { windows: HALVES }, &[y]).unwrap();
    let mean = net.graph.sum(y, &[0], true).unwrap();
    let centred = net.graph.sub(y, mean).unwrap();
    let z = net.conv(SAME, centred, &[3, 3, 8, 8]);
    let apart = net.conv(SAME, y, &[3, 3, 8, 8]);
    let z = net.graph.mul(z, apart).unwrap();
    let z = net.graph.push(MaxPool { windows: HALVES }, &[z]).unwrap();
    net.check(&[z], 6);
    // Across images, though the shapes would allow it.
    let swapped = net.graph.transpose(y, &[3, 1, 2, 0]).unwrap();
    let crossed = net.graph.reshape(y, Shape::new(&[1, 16, 6, 6, 8]).unwrap()).unwrap();
    assert_eq!(net.graph.ty(swapped).shape[0], 8);
    let other = net.given(&[1, 16, 6, 6, 8]);
    let crossed = net.graph.add(crossed, other).unwrap();
    net.check(&[z, crossed, swapped], 6);
}

#[test]
fn axes_of_one_length_are_told_apart() {
    let mut net = Net::default();
    let x = net.given(&[8, 8, 32, 8]);
    let each = net.given(&[8, 1, 1, 8]);
    let all = net.given(&[8, 32, 8]);
    let y = net.conv(SAME, x, &[3, 3, 8, 8]);
    let y = net.graph.mul(y, each).unwrap();
    let y = net.graph.add(y, all).unwrap();
    let z = net.conv(SAME, y, &[3, 3, 8, 8]);
    let z = net.graph.mul(z, x).unwrap();
    net.check(&[z], 2);
    // The kernel of the second convolution is the result of the first.
    let k = net.graph.reshape(y, Shape::new(&[8, 32, 8, 8]).unwrap()).unwrap();
    let own = net.graph.conv(Conv { padding: [(0, 0), (4, 3), (16, 15)], ..Conv::PLAIN }, z, k).unwrap();
    net.check(&[own], 2);
}

#[test]
fn gradients_have_the_same_bits() {
    let mut net = Net::default();
    let x = net.given(&[12, 16, 16, 4]);
    let y = net.conv(SAME, x, &[3, 3, 4, 8]);
    let y = net.relu(y);
    let y = net.graph.push(MaxPool { windows: HALVES }, &[y]).unwrap();
    let y = net.conv(SAME, y, &[3, 3, 8, 8]);
    let y = net.relu(y);
    let y = net.graph.push(AveragePool { windows: HALVES }, &[y]).unwrap();
    let squares = net.graph.square(y).unwrap();
    let total = net.graph.sum(squares, &[0, 1, 2, 3], false).unwrap();
    let one = net.graph.scalar(DType::F32, 1.0).unwrap();
    let inputs = net.graph.inputs().to_vec();
    let grads = autodiff::gradients(&mut net.graph, &[total], &[one], &inputs).unwrap();
    let grads: Vec<Val> = grads.into_iter().flatten().collect();
    net.check(&grads, 6);
}
