//! Plans against the same graph run op by op, and whole training steps at several thread counts.

use std::collections::HashMap;

use dlrs_core::graph::Source;
use dlrs_core::plan::{EpochArray, EpochOptions, Plan};
use dlrs_core::{DType, Graph, Result, Shape, Tensor, Ty, Val, Variable, autodiff, eager};

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

struct Net {
    graph: Graph,
    loss: Val,
    weights: Vec<Variable>,
}

/// A step of gradient descent on a two-layer net with ReLU and a squared error.
fn step(batch: usize, sizes: [usize; 3], seed: u64) -> Result<Net> {
    let mut g = Graph::new();
    let ty = |dims: &[usize]| Ty::new(DType::F32, Shape::new(dims).unwrap());
    let (x, y) = (g.input(ty(&[batch, sizes[0]])), g.input(ty(&[batch, sizes[2]])));
    let weights: Vec<Variable> = [vec![sizes[0], sizes[1]], vec![sizes[1]], vec![sizes[1], sizes[2]], vec![sizes[2]]]
        .iter()
        .enumerate()
        .map(|(i, dims)| Variable::new(&format!("w{i}"), noise(seed + i as u64, dims)))
        .collect();
    let reads: Vec<Val> = weights.iter().map(|w| g.read(w)).collect();
    let h = g.matmul(x, reads[0], false, false)?;
    let h = g.add(h, reads[1])?;
    let zero = g.scalar(DType::F32, 0.0)?;
    let positive = g.greater(h, zero)?;
    let h = g.select(positive, h, zero)?;
    let o = g.matmul(h, reads[2], false, false)?;
    let o = g.add(o, reads[3])?;
    let error = g.sub(o, y)?;
    let squares = g.square(error)?;
    let sum = g.sum(squares, &[0, 1], false)?;
    let loss = g.mul_scalar(sum, 1.0 / (batch * sizes[2]) as f64)?;
    let one = g.scalar(DType::F32, 1.0)?;
    let grads = autodiff::gradients(&mut g, &[loss], &[one], &reads)?;
    for ((w, read), d) in weights.iter().zip(&reads).zip(grads) {
        let delta = g.mul_scalar(d.expect("every weight has a gradient"), -0.01)?;
        let next = g.add(*read, delta)?;
        g.write(w, next)?;
    }
    Ok(Net { graph: g, loss, weights })
}

fn bytes(tensors: &[Tensor]) -> Vec<&[u8]> {
    tensors.iter().map(Tensor::bytes).collect()
}

#[test]
fn a_planned_step_is_the_step_op_by_op() {
    for (batch, sizes) in [(32, [20, 33, 7]), (1, [5, 3, 2]), (64, [128, 256, 10])] {
        let net = step(batch, sizes, 1).unwrap();
        let feeds = [noise(7, &[batch, sizes[0]]), noise(8, &[batch, sizes[2]])];
        let mut wanted: Vec<Val> = vec![net.loss];
        wanted.extend(net.graph.writes().iter().map(|w| w.1));
        let expected = by_ops(&net.graph, &feeds, &wanted);
        let plan = Plan::build(&net.graph, net.graph.inputs(), &[net.loss]).unwrap();
        let results = plan.run(&bytes(&feeds), None).unwrap();
        assert_eq!(results[0].bytes(), expected[0].bytes(), "loss, {sizes:?}\n{}", plan.explain());
        for (w, e) in net.weights.iter().zip(&expected[1..]) {
            assert_eq!(w.value().unwrap().bytes(), e.bytes(), "{w:?}, {sizes:?}");
            assert_eq!(w.version(), 1);
        }
    }
}

#[test]
fn an_epoch_is_its_steps_at_any_thread_count() {
    let (rows, batch, sizes) = (128, 32, [100, 300, 10]);
    let data = [noise(3, &[rows, sizes[0]]), noise(4, &[rows, sizes[2]])];
    let order: Vec<i64> = (0..rows as i64).map(|i| (i * 37) % rows as i64).collect();
    let mut all = Vec::new();
    for threads in [1, 2, 3, 5] {
        dlrs_kernels::mem::set_threads(threads);
        let net = step(batch, sizes, 5).unwrap();
        let plan = Plan::build(&net.graph, net.graph.inputs(), &[net.loss]).unwrap();
        let arrays: Vec<EpochArray<'_>> =
            data.iter().map(|t| EpochArray { bytes: t.bytes(), dtype: DType::F32, rows }).collect();
        let options = EpochOptions { collect: true, stop_on_nonfinite: None, interval: std::time::Duration::ZERO };
        let mut seen = Vec::new();
        let mut progress = |n| {
            seen.push(n);
            Ok(())
        };
        let (steps, losses) = plan.run_epoch(&arrays, Some(&order), options, &mut progress, None).unwrap();
        assert_eq!(steps, 4);
        assert_eq!(seen, [1, 2, 3, 4]);
        assert_eq!(losses[0].shape().dims(), [4]);
        let state: Vec<Vec<u8>> = net.weights.iter().map(|w| w.value().unwrap().bytes().to_vec()).collect();
        all.push((losses[0].bytes().to_vec(), state));
    }
    dlrs_kernels::mem::set_threads(2);
    assert!(all.windows(2).all(|w| w[0] == w[1]), "bits depend on the number of threads");
}

#[test]
fn a_step_that_is_not_finite_is_discarded() {
    let net = step(4, [3, 5, 2], 9).unwrap();
    let plan = Plan::build(&net.graph, net.graph.inputs(), &[net.loss]).unwrap();
    let before: Vec<Tensor> = net.weights.iter().map(|w| w.value().unwrap()).collect();
    let feeds = [noise(1, &[4, 3]), Tensor::full(noise(2, &[4, 2]).ty(), f64::NAN).unwrap()];
    assert!(plan.run_if_finite(&bytes(&feeds), 0, None).unwrap().is_none());
    for (w, old) in net.weights.iter().zip(before) {
        assert_eq!(w.value().unwrap().bytes(), old.bytes());
        assert_eq!(w.version(), 0);
    }
}

#[test]
fn an_interrupted_step_changes_nothing() {
    // Some 100 ms of work, so that the caller is asked before the commit.
    let net = step(512, [784, 4096, 512], 9).unwrap();
    let plan = Plan::build(&net.graph, net.graph.inputs(), &[net.loss]).unwrap();
    let before: Vec<Tensor> = net.weights.iter().map(|w| w.value().unwrap()).collect();
    let feeds = [noise(1, &[512, 784]), noise(2, &[512, 512])];
    assert_eq!(plan.run(&bytes(&feeds), Some(&|| true)).unwrap_err(), dlrs_core::Error::Interrupted);
    for (w, old) in net.weights.iter().zip(before) {
        assert_eq!((w.value().unwrap().bytes(), w.version()), (old.bytes(), 0));
    }
}

#[test]
fn shared_contents_are_not_overwritten() {
    let mut g = Graph::new();
    let w = Variable::new("w", noise(1, &[8]));
    let held = w.value().unwrap();
    let copy = held.bytes().to_vec();
    let read = g.read(&w);
    let next = g.add_scalar(read, 1.0).unwrap();
    g.write(&w, next).unwrap();
    // The old content is a result, too.
    let plan = Plan::build(&g, &[], &[read, next]).unwrap();
    let results = plan.run(&[], None).unwrap();
    assert_eq!(held.bytes(), copy);
    assert_eq!(results[0].bytes(), copy);
    assert_eq!(results[1].bytes(), w.value().unwrap().bytes());
}

#[test]
fn an_op_applied_twice_to_the_same_values_runs_once() {
    let mut g = Graph::new();
    let x = g.input(noise(1, &[4, 4]).ty());
    let (a, b) = (g.matmul(x, x, false, true).unwrap(), g.matmul(x, x, false, true).unwrap());
    let sum = g.add(a, b).unwrap();
    let plan = Plan::build(&g, &[x], &[sum]).unwrap();
    assert!(plan.explain().starts_with("2 nodes"), "{}", plan.explain());
}

#[test]
fn second_derivatives_are_another_call() {
    // y = x³: y″ = 6x
    let mut g = Graph::new();
    let x = g.input(Ty::new(DType::F64, Shape::scalar()));
    let x2 = g.square(x).unwrap();
    let y = g.mul(x2, x).unwrap();
    let one = g.scalar(DType::F64, 1.0).unwrap();
    let d = autodiff::gradients(&mut g, &[y], &[one], &[x]).unwrap()[0].unwrap();
    let dd = autodiff::gradients(&mut g, &[d], &[one], &[x]).unwrap()[0].unwrap();
    let plan = Plan::build(&g, &[x], &[d, dd]).unwrap();
    let at = Tensor::scalar(DType::F64, 2.0).unwrap();
    let results = plan.run(&[at.bytes()], None).unwrap();
    assert_eq!((results[0].get(0), results[1].get(0)), (12.0, 12.0));
}

#[test]
fn packed_weights_follow_the_variable() {
    let w = Variable::new("w", noise(1, &[70, 50]));
    let mut g = Graph::new();
    let x = g.input(noise(2, &[16, 70]).ty());
    let read = g.read(&w);
    let y = g.matmul(x, read, false, false).unwrap();
    let plan = Plan::build(&g, &[x], &[y]).unwrap();
    let feed = noise(2, &[16, 70]);
    for round in 0..3 {
        let expected = by_ops(&g, std::slice::from_ref(&feed), &[y]);
        for _ in 0..2 {
            assert_eq!(plan.run(&[feed.bytes()], None).unwrap()[0].bytes(), expected[0].bytes(), "round {round}");
        }
        w.assign(noise(10 + round, &[70, 50])).unwrap();
    }
}

/// A square between two changes of layout, twice, as layers with the channels first make them.
#[test]
fn permutations_that_undo_each_other_are_left_out() {
    const LAST: [usize; 4] = [0, 2, 3, 1];
    const FIRST: [usize; 4] = [0, 3, 1, 2];
    let x = noise(5, &[2, 3, 4, 5]);
    let mut g = Graph::new();
    let input = g.input(x.ty());
    let mut layer = |v: Val| -> Val {
        let last = g.transpose(v, &LAST).unwrap();
        let y = g.square(last).unwrap();
        g.transpose(y, &FIRST).unwrap()
    };
    let middle = layer(input);
    let out = layer(middle);
    let back = g.transpose(out, &LAST).unwrap();
    let again = g.transpose(out, &[0, 1, 3, 2]).unwrap();

    let plan = Plan::build(&g, &[input], &[out]).unwrap();
    assert_eq!(plan.explain().matches("transpose").count(), 2, "{}", plan.explain());
    let wanted = [out, middle, back, again];
    let plan = Plan::build(&g, &[input], &wanted).unwrap();
    let expected = by_ops(&g, std::slice::from_ref(&x), &wanted);
    assert_eq!(bytes(&plan.run(&[x.bytes()], None).unwrap()), bytes(&expected));

    // A value that a run is given may be any: what made it in the graph says nothing.
    let plan = Plan::build(&g, &[middle], &[out]).unwrap();
    let other = noise(6, &[2, 3, 4, 5]);
    let given = plan.run(&[other.bytes()], None).unwrap();
    let square: Vec<f32> = other.as_slice::<f32>().iter().map(|v| v * v).collect();
    assert_eq!(given[0].as_slice::<f32>(), square);

    // What is left may be an argument itself.
    let mut g = Graph::new();
    let input = g.input(x.ty());
    let last = g.transpose(input, &LAST).unwrap();
    let first = g.transpose(last, &FIRST).unwrap();
    let plan = Plan::build(&g, &[input], &[first]).unwrap();
    assert_eq!(plan.run(&[x.bytes()], None).unwrap()[0].bytes(), x.bytes());
}

#[test]
fn what_is_computed_again_has_the_same_bits_and_takes_less_memory() {
    // The gradient of a square keeps the product; the shifted square, which the next product's gradient reads, is cheap to make again.
    let (rows, width, depth) = (1024, 512, 8);
    let mut g = Graph::new();
    let mut x = g.input(Ty::new(DType::F32, Shape::new(&[rows, width]).unwrap()));
    let weights: Vec<Val> =
        (0..depth).map(|i| g.read(&Variable::new(&format!("w{i}"), noise(i, &[width, width])))).collect();
    let shift = g.read(&Variable::new("shift", noise(99, &[width])));
    for &w in &weights {
        let z = g.matmul(x, w, false, false).unwrap();
        let z = g.mul_scalar(z, 0.02).unwrap();
        let square = g.square(z).unwrap();
        x = g.add(square, shift).unwrap();
    }
    let loss = g.sum(x, &[0, 1], false).unwrap();
    let one = g.scalar(DType::F32, 1.0).unwrap();
    let gradients = autodiff::gradients(&mut g, &[loss], &[one], &weights).unwrap();
    let wanted: Vec<Val> = gradients.into_iter().map(Option::unwrap).collect();
    let feeds = [noise(7, &[rows, width])];
    let expected = by_ops(&g, &feeds, &wanted);
    let plan = Plan::build(&g, g.inputs(), &wanted).unwrap();
    for (have, want) in plan.run(&bytes(&feeds), None).unwrap().iter().zip(&expected) {
        assert_eq!(have.bytes(), want.bytes(), "{}", plan.explain());
    }
    let value = 4 * rows * width;
    assert!(plan.arena() < (depth as usize + 5) * value, "{} values kept", plan.arena() / value);
}

/// Σ (E[ids]·W + b)² and its gradients, for a table of `rows` rows and (6, 4) ids.
fn embedded(rows: usize, biased: bool) -> (Graph, Vec<Val>) {
    let mut g = Graph::new();
    let ids = g.input(Ty::new(DType::I32, Shape::new(&[6, 4]).unwrap()));
    let read = |g: &mut Graph, name: &str, seed, dims: &[usize]| g.read(&Variable::new(name, noise(seed, dims)));
    let mut weights = vec![read(&mut g, "table", 1, &[rows, 5]), read(&mut g, "kernel", 2, &[5, 7])];
    let x = g.take(weights[0], ids, 0).unwrap();
    let mut y = g.matmul(x, weights[1], false, false).unwrap();
    if biased {
        weights.push(read(&mut g, "bias", 3, &[7]));
        y = g.add(y, weights[2]).unwrap();
    }
    let squares = g.square(y).unwrap();
    let loss = g.sum(squares, &[0, 1, 2], false).unwrap();
    let one = g.scalar(DType::F32, 1.0).unwrap();
    let gradients = autodiff::gradients(&mut g, &[loss], &[one], &weights).unwrap();
    let wanted = [loss, y].into_iter().chain(gradients.into_iter().map(Option::unwrap)).collect();
    (g, wanted)
}

#[test]
fn a_table_with_few_rows_is_multiplied_in_their_place() {
    let ids: Vec<i32> = (0..24).map(|i| i * i % 7 - i % 3).collect();
    let feeds = [Tensor::from_slice(DType::I32, &[6, 4], &ids).unwrap()];
    for (rows, biased, flops) in [(8, true, 8), (8, false, 8), (13, true, 24)] {
        let (g, wanted) = embedded(rows, biased);
        let plan = Plan::build(&g, g.inputs(), &wanted).unwrap();
        let products = plan.kernels().iter().filter(|kernel| kernel.ops.contains(&"matmul"));
        let done: f64 = products.map(|kernel| kernel.flops).sum();
        assert_eq!(done, 3.0 * 2.0 * f64::from(flops) * 35.0, "{}", plan.explain());
        assert_eq!(plan.explain().matches("segment_sum").count(), 1, "{}", plan.explain());
        let expected = by_ops(&g, &feeds, &wanted);
        for (have, want) in plan.run(&bytes(&feeds), None).unwrap().iter().zip(&expected) {
            assert_eq!(have.ty(), want.ty());
            for (a, b) in have.as_slice::<f32>().iter().zip(want.as_slice::<f32>()) {
                assert!((a - b).abs() < 1e-4 * b.abs().max(1.0), "{a} {b}");
            }
        }
    }
    // An id that names no row is refused as before.
    let (g, wanted) = embedded(8, true);
    let plan = Plan::build(&g, g.inputs(), &wanted).unwrap();
    let far = Tensor::from_slice(DType::I32, &[6, 4], &[8; 24]).unwrap();
    let error = plan.run(&[far.bytes()], None).unwrap_err().to_string();
    assert!(error.starts_with("take: ") && error.contains('8'), "{error}");
    // Gathered rows that the run is given say nothing of a table.
    let x = g.nodes()[0].outputs[0];
    let plan = Plan::build(&g, &[x], &wanted[1..2]).unwrap();
    assert_eq!(plan.explain().matches("take").count(), 0, "{}", plan.explain());
}
