//! GloVe on one thread: pairs of places counted, sums merged, cells dealt out, steps; each in elements a second.

use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{set_threads, team};
use dlrs_kernels::text::{
    CELL, Glove, Piece, Sentences, Side, Sums, UNVISITED, Weighting, Window, blocks, count_pairs, merge_pieces, strata,
};

const VOCABULARY: usize = 20_000;
const PARTS: usize = 16;
const WINDOW: Window = Window { width: 10, symmetric: true };
const WEIGHTING: Weighting = Weighting { x_max: 100.0, alpha: 0.75 };

/// Words whose frequency falls as one over their number does, the same every time.
fn words(count: usize) -> Vec<u32> {
    let mut state = 1u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..count).map(|_| ((VOCABULARY as f64).powf(draw()) as u32 - 1).min(VOCABULARY as u32 - 1)).collect()
}

fn counted(words: &[u32]) -> Vec<Sums> {
    let ends: Vec<usize> = (25..=words.len()).step_by(25).collect();
    let corpus = Sentences { words, ends: &ends, carried: 0, vocabulary: VOCABULARY };
    count_pairs(&team(), corpus, WINDOW, PARTS, &|| false).expect("nobody stops it")
}

fn counting(c: &mut Criterion) {
    set_threads(1);
    let words = words(200_000);
    let mut group = c.benchmark_group("glove");
    group.throughput(Throughput::Elements(2 * (25 * 10 - 55) * words.len() as u64 / 25));
    group.bench_function("count_pairs", |b| b.iter(|| counted(&words)));
    let parts = counted(&words);
    let part = &parts[0];
    group.throughput(Throughput::Elements(part.rows.len() as u64));
    let piece = Piece { rows: &part.rows, columns: &part.columns, sums: &part.sums };
    let merge = || merge_pieces(&team(), &[piece], VOCABULARY, &|| false).expect("nobody stops it");
    group.bench_function("merge_pieces", |b| b.iter(merge));
    let merged = merge();
    group.bench_function("blocks", |b| {
        b.iter(|| blocks(Isa::current(), &team(), &merged, 0, PARTS, WINDOW.unit(), WEIGHTING, 0, &|| false));
    });
    group.finish();
}

fn steps(c: &mut Criterion) {
    set_threads(1);
    let parts = counted(&words(200_000));
    let (mut cells, mut ends) = (Vec::new(), Vec::new());
    for (part, sums) in parts.into_iter().enumerate() {
        let blocks = blocks(Isa::current(), &team(), &[sums], part, PARTS, WINDOW.unit(), WEIGHTING, 0, &|| false);
        let (mut all, mut part_ends) = (Vec::new(), Vec::new());
        for block in blocks.expect("nobody stops it").cells {
            all.extend_from_slice(block.as_flattened());
            part_ends.push(all.len() / CELL);
        }
        cells.push(all);
        ends.push(part_ends);
    }
    let cells: Vec<&[u32]> = cells.iter().map(Vec::as_slice).collect();
    let mut group = c.benchmark_group("glove_epoch");
    group.throughput(Throughput::Elements((cells.concat().len() / CELL) as u64));
    for size in [50, 100, 300] {
        let weights: Vec<f32> = (0..VOCABULARY * (size + 1)).map(|i| ((i % 97) as f32 / 97.0 - 0.5) / 50.0).collect();
        let squares = vec![1.0; weights.len()];
        let sides = [0, 1].map(|_| Side { weights: weights.clone(), squares: squares.clone() });
        for isa in Isa::supported() {
            let name = BenchmarkId::new(isa.level().name(), size);
            if size > 50 && isa != Isa::current() {
                continue;
            }
            let new = || Glove::new(VOCABULARY, size, PARTS, &sides, &[UNVISITED; PARTS * PARTS]).expect("memory");
            group.bench_function(name, |b| {
                b.iter_batched_ref(
                    new,
                    |model| {
                        for stratum in strata(0, 0, PARTS) {
                            model.stratum(isa, &team(), &cells, &ends, stratum, 0.05, &|| false);
                        }
                    },
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
    targets = counting, steps
}
criterion_main!(benches);
