//! Scores of texts and steps of a beam search, on one thread: throughput in bytes of text, cells of edit tables, and bytes of scores.
//! Nearest vectors on one thread and two, beside the sum of the same matrix: both in bytes of it.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dlrs_benches::peak::sum_of;
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{set_threads, team};
use dlrs_kernels::text::{
    BeamSearch, Rules, Segment, Tokenizer, Unit, corpus_counts, many_distances, many_edits, nearest_rows,
    sentence_counts,
};

/// Numbers below `n`, the same every time.
fn draws(mut state: u64) -> impl FnMut(u64) -> u64 {
    move |n| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    }
}

fn sentence(draw: &mut impl FnMut(u64) -> u64, words: u64) -> String {
    let marks = ["", "", "", "", ",", ".", " 3.14"];
    (0..words).map(|_| format!("word{}{} ", draw(40) * draw(40), marks[draw(7) as usize])).collect()
}

fn bleu(c: &mut Criterion) {
    let mut draw = draws(1);
    let texts: Vec<[String; 2]> = (0..500).map(|_| [sentence(&mut draw, 25), sentence(&mut draw, 25)]).collect();
    let segments: Vec<Segment<'_>> = texts.iter().map(|[h, r]| (h.as_bytes(), vec![r.as_bytes()])).collect();
    let mut group = c.benchmark_group("bleu");
    group.throughput(Throughput::Bytes(texts.iter().flatten().map(|t| t.len() as u64).sum()));
    for tokenizer in [Tokenizer::ThirteenA, Tokenizer::Characters, Tokenizer::Spaces] {
        group.bench_function(BenchmarkId::from_parameter(format!("{tokenizer:?}")), |b| {
            b.iter(|| corpus_counts(&team(), &segments, tokenizer, 4, &|| false));
        });
    }
    group.bench_function("ThirteenA, each", |b| {
        b.iter(|| sentence_counts(&team(), &segments, Tokenizer::ThirteenA, 4, &|| false));
    });
    group.finish();
}

fn edits(c: &mut Criterion) {
    let mut draw = draws(2);
    let mut group = c.benchmark_group("edits");
    for words in [25, 1000] {
        let texts: Vec<[String; 2]> =
            (0..20).map(|_| [sentence(&mut draw, words), sentence(&mut draw, words)]).collect();
        let pairs: Vec<(&[u8], &[u8])> = texts.iter().map(|[a, b]| (a.as_bytes(), b.as_bytes())).collect();
        group.throughput(Throughput::Elements(20 * words * words));
        group.bench_function(BenchmarkId::new("words", words), |b| {
            b.iter(|| many_edits(&team(), &pairs, Unit::Words, &|| false));
        });
        let ids: Vec<Vec<i64>> = (0..40).map(|_| (0..words).map(|_| (draw(40) * draw(40)) as i64).collect()).collect();
        let pairs: Vec<(&[i64], &[i64])> = ids.chunks_exact(2).map(|two| (&*two[0], &*two[1])).collect();
        group.bench_function(BenchmarkId::new("numbers", words), |b| {
            b.iter(|| many_distances(&team(), &pairs, &|| false));
        });
    }
    group.finish();
}

fn beam(c: &mut Criterion) {
    let mut group = c.benchmark_group("beam_step");
    for (width, vocabulary) in [(10, 30_000), (5, 1_000)] {
        let mut draw = draws(3);
        let scores: Vec<f32> = (0..width * vocabulary).map(|_| -5.0 - draw(1 << 20) as f32 / 65536.0).collect();
        group.throughput(Throughput::Bytes(4 * scores.len() as u64));
        for logits in [false, true] {
            let rules = Rules { width, eos: Some(0), least: 1, most: 1 << 20, alpha: 0.7, wanted: width, logits };
            let name = format!("{width}x{vocabulary}{}", if logits { " of logits" } else { "" });
            group.bench_function(BenchmarkId::from_parameter(name), |b| {
                let mut search = BeamSearch::new(rules, 1);
                b.iter(|| search.advance(Isa::current(), &team(), &scores, vocabulary));
            });
        }
    }
    group.finish();
}

fn nearest(c: &mut Criterion) {
    const ROWS: usize = 400_000;
    let isa = Isa::current();
    let mut group = c.benchmark_group("nearest");
    for width in [50, 300] {
        let mut draw = draws(4);
        let mut floats = |count: usize| (0..count).map(|_| draw(2001) as f32 / 1000.0 - 1.0).collect::<Vec<f32>>();
        let (rows, queries) = (floats(ROWS * width), floats(64 * width));
        let scales = vec![1.0f32; ROWS];
        group.throughput(Throughput::Bytes(4 * rows.len() as u64));
        for threads in [1, 2] {
            set_threads(threads);
            group.bench_function(BenchmarkId::new(format!("sum, {threads} threads"), width), |b| {
                b.iter(|| {
                    let parts = rows.len().div_ceil(1 << 18);
                    team().collect(parts, &|| false, |i, _| {
                        sum_of(isa, black_box(&rows[i << 18..rows.len().min((i + 1) << 18)]))
                    })
                });
            });
            for asked in [1, 8, 64] {
                let queries = &queries[..asked * width];
                group.bench_function(BenchmarkId::new(format!("{asked} queries, {threads} threads"), width), |b| {
                    b.iter(|| nearest_rows(isa, &team(), &rows, &scales, black_box(queries), width, 10, &|| false));
                });
            }
        }
    }
    group.finish();
    set_threads(1);
}

fn all(c: &mut Criterion) {
    set_threads(1);
    bleu(c);
    edits(c);
    beam(c);
    nearest(c);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_millis(400));
    targets = all
}
criterion_main!(benches);
