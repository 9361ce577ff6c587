//! Training steps that end in optimizer updates: the plan, which updates weights while their gradients are in cache, against the same
//! graph op by op, bit for bit, at several thread counts.

use std::collections::HashMap;
use std::sync::Arc;

use dlrs_core::graph::Source;
use dlrs_core::ops::Op;
use dlrs_core::ops::loss::SparseSoftmaxCrossEntropy;
use dlrs_core::ops::optim::{Adam, Momentum, Nesterov, Rmsprop, RmspropMomentum, Rule, Sgd, StateUpdate};
use dlrs_core::plan::Plan;
use dlrs_core::{DType, Graph, Result, Shape, Tensor, Ty, Val, Variable, autodiff, eager};

/// Numbers without order in [low, 1), the same everywhere.
fn noise(seed: u64, dims: &[usize], low: f32) -> Tensor {
    let n: usize = dims.iter().product();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        low + (1.0 - low) * ((state >> 40) as f32 / (1u64 << 24) as f32)
    };
    Tensor::from_slice(DType::F32, dims, &(0..n).map(next).collect::<Vec<_>>()).unwrap()
}

/// Runs a graph node by node.
fn by_ops(g: &Graph, feeds: &[Tensor], wanted: &[Val]) -> Vec<Tensor> {
    let mut held: HashMap<Val, Tensor> = HashMap::new();
    let get = |held: &HashMap<Val, Tensor>, v: Val| match g.source(v) {
        Source::Input(i) => feeds[*i].clone(),
        Source::Variable(x) => x.value().unwrap(),
        Source::Constant(t) => t.clone(),
        Source::Node { .. } => held[&v].clone(),
    };
    for node in g.nodes() {
        let inputs: Vec<Tensor> = node.inputs.iter().map(|&v| get(&held, v)).collect();
        let results = eager::apply(&node.op, &inputs.iter().collect::<Vec<_>>(), None).unwrap();
        held.extend(node.outputs.iter().copied().zip(results));
    }
    wanted.iter().map(|&v| get(&held, v)).collect()
}

struct Step {
    graph: Graph,
    loss: Val,
    states: Vec<Variable>,
}

const BATCH: usize = 24;
const SIZES: [usize; 3] = [130, 200, 10];

/// A step of a classifier with one hidden layer, and `slots` slots for each of its four weights.
fn step(rule: Arc<dyn Op>, slots: usize) -> Result<Step> {
    let mut g = Graph::new();
    let ty = |dtype, dims: &[usize]| Ty::new(dtype, Shape::new(dims).unwrap());
    let (x, labels) = (g.input(ty(DType::F32, &[BATCH, SIZES[0]])), g.input(ty(DType::I32, &[BATCH])));
    let shapes = [vec![SIZES[0], SIZES[1]], vec![SIZES[1]], vec![SIZES[1], SIZES[2]], vec![SIZES[2]]];
    let weights: Vec<Variable> =
        shapes.iter().enumerate().map(|(i, d)| Variable::new(&format!("w{i}"), noise(i as u64, d, -1.0))).collect();
    let reads: Vec<Val> = weights.iter().map(|w| g.read(w)).collect();
    let hidden = g.matmul(x, reads[0], false, false)?;
    let hidden = g.add(hidden, reads[1])?;
    let hidden = g.tanh(hidden)?;
    let logits = g.matmul(hidden, reads[2], false, false)?;
    let logits = g.add(logits, reads[3])?;
    let losses = g.push(SparseSoftmaxCrossEntropy, &[logits, labels])?;
    let loss = g.mean(losses, &[0], false)?;
    let one = g.scalar(DType::F32, 1.0)?;
    let grads = autodiff::gradients(&mut g, &[loss], &[one], &reads)?;
    let rate = g.scalar(DType::F32, 0.05)?;
    let mut states = Vec::new();
    for (i, (w, d)) in weights.iter().zip(grads).enumerate() {
        let mut own = vec![w.clone()];
        own.extend((0..slots).map(|s| {
            let seed = (100 + 10 * i + s) as u64;
            Variable::new(&format!("w{i}/slot{s}"), noise(seed, &shapes[i], 0.0))
        }));
        let mut operands: Vec<Val> = own.iter().map(|v| g.read(v)).collect();
        operands.extend([d.expect("every weight has a gradient"), rate]);
        let new = g.apply(Arc::clone(&rule), &operands)?;
        own.iter().zip(new).try_for_each(|(v, new)| g.write(v, new))?;
        states.extend(own);
    }
    Ok(Step { graph: g, loss, states })
}

fn check<R: Rule<N>, const N: usize>(rule: R) {
    let labels: Vec<i32> = (0..BATCH as i32).map(|i| i * 7 % 10).collect();
    let feeds = [noise(50, &[BATCH, SIZES[0]], -1.0), Tensor::from_slice(DType::I32, &[BATCH], &labels).unwrap()];
    let op: Arc<dyn Op> = Arc::new(StateUpdate(rule));
    let mut want: Option<Vec<Tensor>> = None;
    for threads in [1, 2, 3] {
        dlrs_kernels::mem::set_threads(threads);
        let step = step(Arc::clone(&op), N - 1).unwrap();
        let wanted: Vec<Val> = step.graph.writes().iter().map(|w| w.1).collect();
        let want = want.get_or_insert_with(|| by_ops(&step.graph, &feeds, &wanted));
        let plan = Plan::build(&step.graph, step.graph.inputs(), &[step.loss]).unwrap();
        plan.run(&feeds.each_ref().map(Tensor::bytes), None).unwrap();
        assert_eq!(step.states.len(), 4 * N);
        for (state, want) in step.states.iter().zip(&*want) {
            assert_eq!(state.value().unwrap().bytes(), want.bytes(), "{state:?}\n{}", plan.explain());
        }
    }
}

#[test]
fn planned_updates_are_the_updates_op_by_op() {
    check::<_, 1>(Sgd);
    check::<_, 2>(Momentum { momentum: 0.9 });
    check::<_, 2>(Nesterov { momentum: 0.9 });
    check::<_, 2>(Rmsprop { rho: 0.9, epsilon: 1e-7 });
    check::<_, 3>(RmspropMomentum { rho: 0.9, momentum: 0.5, epsilon: 1e-7 });
    check::<_, 3>(Adam { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 });
}

#[test]
fn weights_are_updated_tile_by_tile_behind_their_product() {
    let op: Arc<dyn Op> = Arc::new(StateUpdate(Adam { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 }));
    let step = step(op, 2).unwrap();
    let plan = Plan::build(&step.graph, step.graph.inputs(), &[step.loss]).unwrap();
    let fused = plan.explain().lines().filter(|l| l.contains("matmul") && l.contains("adam_update")).count();
    assert_eq!(fused, 2, "{}", plan.explain());
}
