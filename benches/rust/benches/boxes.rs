//! Suppression of boxes on one thread, by throughput in boxes: scattered ones of all sizes, clusters, one object, apart; and what is
//! done to them first. Batches of images, whose boxes have classes.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dlrs_kernels::boxes::{
    Areas, Decay, Images, Limits, check, extreme_nms, many_nms, many_soft_nms, nms, ranks, soft_nms,
};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{set_threads, team};

const KINDS: [&str; 4] = ["scattered", "clusters", "one object", "apart"];

/// Numbers in [0, 1).
fn uniform(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    }
}

fn boxes(kind: &str, n: usize) -> (Vec<f32>, Vec<f32>) {
    let mut next = uniform(1);
    let objects: Vec<[f32; 4]> =
        (0..100).map(|_| [1000.0 * next(), 1000.0 * next(), 30.0 + 60.0 * next(), 30.0 + 60.0 * next()]).collect();
    let side = (n as f64).sqrt().ceil() as usize;
    let mut sides = Vec::with_capacity(4 * n);
    for i in 0..n {
        let [x, y, w, h] = match kind {
            "scattered" => [1000.0 * next(), 1000.0 * next(), 8.0 * 10f32.powf(next()), 8.0 * 10f32.powf(next())],
            "clusters" => {
                let [x, y, w, h] = objects[(100.0 * next()) as usize];
                [x + 0.2 * w * next(), y + 0.2 * h * next(), w * (0.9 + 0.2 * next()), h * (0.9 + 0.2 * next())]
            }
            "one object" => [next(), next(), 200.0, 200.0],
            _ => [10.0 * (i % side) as f32, 10.0 * (i / side) as f32, 8.0, 8.0],
        };
        sides.extend([x, y, x + w, y + h]);
    }
    (sides, (0..n).map(|_| next()).collect())
}

fn suppression(c: &mut Criterion) {
    let isa = Isa::current();
    let mut group = c.benchmark_group("suppression");
    group.sample_size(10).warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_millis(500));
    for n in [10_000, 100_000] {
        group.throughput(Throughput::Elements(n as u64));
        for kind in KINDS {
            let (sides, scores) = boxes(kind, n);
            let limits = Limits { least: None, threshold: 0.5, most: n };
            group.bench_function(BenchmarkId::new(kind, n), |b| {
                b.iter(|| nms(isa, black_box(&sides), &scores, limits, &|| false));
            });
        }
        let (sides, scores) = boxes("scattered", n);
        let limits = Limits { least: None, threshold: 0.5, most: n };
        let large: Vec<f32> = sides.iter().map(|x| x * 1e27).collect();
        group.bench_function(BenchmarkId::new("scattered, areas beyond singles", n), |b| {
            b.iter(|| extreme_nms(isa, black_box(&large), &scores, limits, &|| false));
        });
        group.bench_function(BenchmarkId::new("check", n), |b| b.iter(|| check(isa, black_box(&sides), &scores)));
        group.bench_function(BenchmarkId::new("ranks", n), |b| b.iter(|| ranks(black_box(&scores), None)));
    }
    let n = 2000;
    group.throughput(Throughput::Elements(n as u64));
    for kind in KINDS {
        let (sides, scores) = boxes(kind, n);
        for (name, decay) in [("linear", Decay::Linear(0.3)), ("gaussian", Decay::Gaussian(0.5))] {
            group.bench_function(BenchmarkId::new(format!("soft, {name}, {kind}"), n), |b| {
                b.iter(|| soft_nms(isa, black_box(&sides), &scores, decay, 1e-3, n, &|| false));
            });
        }
    }
    group.finish();
}

/// Eight images of boxes of 20 classes.
fn batches(c: &mut Criterion) {
    let isa = Isa::current();
    set_threads(1);
    let mut group = c.benchmark_group("batches");
    group.sample_size(10).warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_millis(500));
    let (count, n) = (8, 5000);
    let (sides, scores) = boxes("clusters", count * n);
    let classes: Vec<i64> = (0..count * n).map(|i| (i * 7 % 20) as i64).collect();
    let limits = Limits { least: None, threshold: 0.5, most: n };
    group.throughput(Throughput::Elements((count * n) as u64));
    for (name, classes) in [("of one class", None), ("of 20 classes", Some(&classes[..]))] {
        let images = Images { boxes: &sides[..], scores: &scores[..], classes, count, areas: Areas::Ordinary };
        group.bench_function(BenchmarkId::new("hard", name), |b| {
            b.iter(|| many_nms(isa, &team(), black_box(images), limits, &|| false));
        });
        group.bench_function(BenchmarkId::new("soft", name), |b| {
            b.iter(|| many_soft_nms(isa, &team(), black_box(images), Decay::Linear(0.3), 1e-3, 200, &|| false));
        });
    }
    group.finish();
}

criterion_group!(benches, suppression, batches);
criterion_main!(benches);
