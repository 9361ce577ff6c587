//! Attention by blocks of keys on one thread: throughput in multiply-adds, forward and backward, and in elements of keys and values for
//! the single target of decoding.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dlrs_kernels::attention::{
    AttentionGeometry, AttentionOperands, BackwardSums, Gradients, KEYS, attention_backward,
    attention_backward_scratch_len, attention_forward, attention_forward_scratch_len,
};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::TileMut;

/// Features of a head.
const FEATURES: usize = 64;

/// Targets of a tile of the forward pass.
const TARGETS: usize = 256;

/// One head of eight, whose rows lie as far apart as all of them are wide.
fn geometry(targets: usize, sources: usize) -> AttentionGeometry {
    AttentionGeometry {
        batch: 1,
        heads: 8,
        groups: 8,
        targets,
        sources,
        features: FEATURES,
        width: FEATURES,
        causal: false,
        bias: None,
        mask: None,
    }
}

fn numbers(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i * 7919 % 2048) as f32 / 1024.0 - 1.0).collect()
}

/// The operands of an attention, and what the backward pass is given.
struct Tensors {
    targets: Vec<f32>,
    sources: Vec<f32>,
    rows: Vec<f32>,
}

impl Tensors {
    fn new(g: &AttentionGeometry) -> Tensors {
        let width = g.heads * FEATURES;
        let [targets, sources] = [g.targets * width, g.sources * width].map(numbers);
        Tensors { targets, sources, rows: vec![5.0; g.targets * g.heads] }
    }

    fn operands(&self) -> AttentionOperands<'_, f32> {
        let (query, key, value) = (&self.targets[..], &self.sources[..], &self.sources[..]);
        AttentionOperands { query, key, value, bias: None, mask: None, scale: 0.125 }
    }
}

fn forward(c: &mut Criterion) {
    let mut group = c.benchmark_group("attention forward");
    group.sample_size(20).warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_millis(500));
    for (targets, sources) in [(TARGETS, 256), (TARGETS, 1024), (TARGETS, 4096), (1, 1024), (1, 4096)] {
        let g = geometry(targets, sources);
        let (isa, tensors) = (Isa::current(), Tensors::new(&g));
        let mut scratch = vec![0.0; attention_forward_scratch_len::<f32>(isa, &g, targets)];
        let (mut y, mut log_sum) = (vec![0.0; targets * FEATURES], vec![0.0; targets]);
        group.throughput(Throughput::Elements(2 * (targets * sources * FEATURES) as u64));
        group.bench_function(BenchmarkId::new(format!("{targets} targets"), sources), |b| {
            b.iter(|| {
                let result = TileMut::new(&mut y, targets, FEATURES, FEATURES);
                let log_sum = TileMut::new(&mut log_sum, targets, 1, 1);
                let x = tensors.operands();
                attention_forward(isa, &g, &x, (0, 3), 0..targets, result, log_sum, &mut scratch);
            });
        });
    }
}

fn backward(c: &mut Criterion) {
    let mut group = c.benchmark_group("attention backward");
    group.sample_size(20).warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_millis(500));
    for targets in [256, 1024, 4096] {
        let g = geometry(targets, KEYS);
        let (isa, tensors) = (Isa::current(), Tensors::new(&g));
        let d = Gradients { result: &tensors.targets, log_sum: &tensors.rows, product: &tensors.rows };
        let mut scratch = vec![0.0; attention_backward_scratch_len::<f32>(isa, &g)];
        let [mut query, mut key, mut value] = [targets, KEYS, KEYS].map(|rows| vec![0.0; rows * FEATURES]);
        group.throughput(Throughput::Elements(5 * (targets * KEYS * FEATURES) as u64));
        group.bench_function(BenchmarkId::new(format!("{KEYS} sources"), targets), |b| {
            b.iter(|| {
                let mut sums = BackwardSums {
                    query: TileMut::new(&mut query, targets, FEATURES, FEATURES),
                    key: TileMut::new(&mut key, KEYS, FEATURES, FEATURES),
                    value: TileMut::new(&mut value, KEYS, FEATURES, FEATURES),
                };
                attention_backward(isa, &g, &tensors.operands(), &d, (0, 3), 0..KEYS, &mut sums, &mut scratch);
            });
        });
    }
}

criterion_group!(benches, forward, backward);
criterion_main!(benches);
