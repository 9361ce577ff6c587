//! word2vec on one thread: windows drawn, steps on them; losses of connectionist temporal classification, prefix beam search; each in elements a second.

use std::sync::Arc;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::loss::{Ctc, ctc_gradient, ctc_kept, ctc_loss, ctc_scratch};
use dlrs_kernels::mem::{set_threads, team};
use dlrs_kernels::random::Stream;
use dlrs_kernels::text::PrefixSearch;
use dlrs_kernels::text::words::{
    Cbow, END, HierarchicalSoftmax, Matrices, Memory, NegativeSampling, Objective, Sampling, SkipGram, Windows, train,
};

const VOCABULARY: usize = 20_000;
const WORDS: usize = 16_384;

/// Counts that fall as one over a word's number does, and sentences of 25 words with such shares, the same every time.
fn corpus() -> (Vec<u64>, Vec<u32>) {
    let counts = (1..=VOCABULARY as u64).map(|n| 1_000_000 / n).collect();
    let mut state = 1u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let word = |u: f64| ((VOCABULARY as f64).powf(u) as u32 - 1).min(VOCABULARY as u32 - 1);
    let words = (0..WORDS).map(|i| if i % 26 == 25 { END } else { word(draw()) });
    (counts, words.collect())
}

fn drawn(objective: &dyn Objective, counts: &[u64], words: &[u32]) -> Windows {
    let sampling = Sampling::new(counts, 1e-3, 5, true, 1);
    sampling
        .windows(Isa::current(), &team(), (SkipGram, objective), words, (0, 0.025), &|| false)
        .expect("nobody stops it")
}

fn word2vec(c: &mut Criterion) {
    set_threads(1);
    let (counts, words) = corpus();
    let negatives = NegativeSampling::new(&counts, 0.75, 5);
    let tree = HierarchicalSoftmax::new(&counts);
    let objectives: [(&str, &dyn Objective); 2] = [("negative_sampling", &negatives), ("hierarchical_softmax", &tree)];
    let mut group = c.benchmark_group("word2vec");
    group.throughput(Throughput::Elements(WORDS as u64));
    for (name, objective) in objectives {
        group.bench_function(BenchmarkId::new("windows", name), |b| b.iter(|| drawn(objective, &counts, &words)));
        let windows = Arc::new(drawn(objective, &counts, &words));
        for isa in Isa::supported() {
            let mut matrices = Matrices::zeros(VOCABULARY, objective.rows(), 100).expect("memory");
            matrices.draw_inputs(isa, Stream { seed: 1, counter: 0 });
            let mut memory = Memory::default();
            group.bench_function(BenchmarkId::new(format!("skip-gram {name}"), format!("{isa:?}")), |b| {
                b.iter(|| train(isa, &team(), SkipGram, &mut matrices, Arc::clone(&windows), 1e-3, &mut memory));
            });
            group.bench_function(BenchmarkId::new(format!("cbow {name}"), format!("{isa:?}")), |b| {
                b.iter(|| train(isa, &team(), Cbow, &mut matrices, Arc::clone(&windows), 1e-3, &mut memory));
            });
        }
    }
    group.finish();
}

/// Loss and gradient of one example, in steps a second.
fn ctc(c: &mut Criterion) {
    let mut group = c.benchmark_group("ctc_loss");
    for (steps, classes, length) in [(500, 29, 100), (200, 500, 30), (100, 29, 20)] {
        let mut logits = vec![0.0f32; steps * classes];
        Stream { seed: 1, counter: 0 }.normal_f32(Isa::current(), 0, &mut logits);
        let labels: Vec<u32> = (0..length).map(|i| 1 + (i * 7 % (classes - 1)) as u32).collect();
        let (mut kept, mut sums) = (vec![0.0; ctc_kept(steps, length)], vec![0.0; steps]);
        let (mut scratch, mut dx) = (vec![0.0; ctc_scratch(length)], vec![0.0; steps * classes]);
        group.throughput(Throughput::Elements(steps as u64));
        for isa in Isa::supported() {
            let name = format!("{steps} steps, {classes} classes, {length} labels");
            group.bench_function(BenchmarkId::new(name, format!("{isa:?}")), |b| {
                b.iter(|| {
                    let x = Ctc { logits: &logits, classes, labels: &labels, blank: 0 };
                    let loss = ctc_loss(isa, x, &mut kept, &mut sums, &mut scratch).expect("memory");
                    ctc_gradient(isa, x, (&kept, &sums), (loss, 1.0), &mut dx, &mut scratch).expect("memory");
                    loss
                });
            });
        }
    }
    group.finish();
}

fn prefixes(c: &mut Criterion) {
    const STEPS: usize = 200;
    let mut group = c.benchmark_group("ctc_decode");
    group.throughput(Throughput::Elements(STEPS as u64));
    for (classes, width) in [(29, 10), (29, 100), (5000, 10)] {
        let mut scores = vec![0.0f32; STEPS * classes];
        Stream { seed: 1, counter: 0 }.normal_f32(Isa::current(), 0, &mut scores);
        for row in scores.chunks_exact_mut(classes) {
            let sum = row.iter().map(|x| x.exp()).sum::<f32>().ln();
            row.iter_mut().for_each(|x| *x -= sum);
        }
        group.bench_function(
            BenchmarkId::new("prefix beam search", format!("{classes} classes, width {width}")),
            |b| {
                b.iter_batched(
                    || PrefixSearch::new(width, 0),
                    |mut search| {
                        scores.chunks_exact(classes).for_each(|row| search.step(row, None));
                        search
                    },
                    BatchSize::LargeInput,
                );
            },
        );
    }
    group.finish();
}

criterion_group!(benches, word2vec, ctc, prefixes);
criterion_main!(benches);
