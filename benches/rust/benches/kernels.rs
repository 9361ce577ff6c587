//! The kernels one by one: throughput in elements (multiply-adds for products), on one thread and, for products, on the team.

use std::time::Duration;

use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use dlrs_benches::Product;
use dlrs_kernels::elementwise::{Access, AnySlice, AnyTile, BinaryOp, Instr, Program, Source, UnaryOp};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{DType, TileMut, team};
use dlrs_kernels::optim::{Adam, adam, sgd};
use dlrs_kernels::reduce::{ReduceOp, View, reduce};

/// Elements that stay in L1, in L2, and in neither.
const LENGTHS: [usize; 3] = [2 << 10, 64 << 10, 4 << 20];

fn group<'a>(c: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(name);
    group.sample_size(20).warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_millis(500));
    group
}

fn gemm(c: &mut Criterion) {
    let shapes = [
        ((1024, 1024, 1024), (false, false)),
        ((2048, 2048, 2048), (false, false)),
        ((64, 784, 128), (false, false)),
        ((256, 784, 128), (false, false)),
        ((128, 512, 512), (false, false)),
        ((32, 256, 1024), (false, false)),
        ((1, 1024, 1024), (false, false)),
        ((128, 784, 512), (false, false)),
        ((128, 256, 10), (false, false)),
        ((128, 256, 512), (false, true)),
        ((784, 128, 512), (true, false)),
    ];
    let mut group = group(c, "gemm");
    for ((m, k, n), transposed) in shapes {
        let mut product = Product::new(Isa::current(), (m, k, n), transposed);
        let name = format!("{m}x{k}{}x{n}{}", if transposed.0 { "T" } else { "" }, if transposed.1 { "T" } else { "" });
        group.throughput(Throughput::Elements((m * k * n) as u64));
        group.bench_function(BenchmarkId::new("alone", &name), |b| b.iter(|| product.run(None)));
        let team = team();
        group.bench_function(BenchmarkId::new("team", &name), |b| b.iter(|| product.run(Some(&team))));
    }
}

/// Runs `instrs` over `len` elements of f32; the last register is stored.
fn program(len: usize, inputs: usize, middle: Instr) -> Program {
    let loads = (0..inputs as u8).map(|i| Instr::Load { input: i, dst: i });
    let instrs: Vec<Instr> = loads.chain([middle, Instr::Store { output: 0, src: inputs as u8 }]).collect();
    Program::new(DType::F32, &[len], &instrs, &vec![Access::dense(DType::F32, &[len]); inputs], &[DType::F32])
}

fn elementwise(c: &mut Criterion) {
    let mut group = group(c, "elementwise");
    let unary = |op| (1, Instr::Unary { op, src: 0, dst: 1 });
    let cases = [
        ("add", (2, Instr::Binary { op: BinaryOp::Add, a: 0, b: 1, dst: 2 })),
        ("relu", unary(UnaryOp::Relu)),
        ("exp", unary(UnaryOp::Exp)),
        ("tanh", unary(UnaryOp::Tanh)),
        ("sigmoid", unary(UnaryOp::Sigmoid)),
    ];
    for len in LENGTHS {
        let (x, mut y) = (vec![0.5f32; len], vec![0.0f32; len]);
        group.throughput(Throughput::Elements(len as u64));
        for (name, (inputs, middle)) in &cases {
            let program = program(len, *inputs, *middle);
            let mut scratch = vec![0; program.scratch_len()];
            let sources = vec![Source::Slice(AnySlice::F32(&x)); *inputs];
            let (rows, cols) = (0..program.rows(), 0..program.cols());
            group.bench_function(BenchmarkId::new(*name, len), |b| {
                b.iter(|| {
                    let tile = AnyTile::F32(TileMut::new(&mut y, rows.end, cols.end, cols.end));
                    program.run(Isa::current(), &sources, &mut [tile], rows.clone(), cols.clone(), &mut scratch);
                });
            });
        }
    }
}

fn reductions(c: &mut Criterion) {
    let mut group = group(c, "reduce");
    for len in LENGTHS {
        let x = vec![0.5f32; len];
        group.throughput(Throughput::Elements(len as u64));
        for (name, rows) in [("all", 1), ("rows of 256", len / 256)] {
            let mut y = vec![0.0f32; rows];
            let view = View::all(rows, len / rows, 1);
            group.bench_function(BenchmarkId::new(format!("sum of {name}"), len), |b| {
                b.iter(|| reduce(Isa::current(), ReduceOp::Sum, &x, &view, TileMut::new(&mut y, rows, 1, 1)));
            });
        }
        let mut y = vec![0.0f32; 256];
        group.bench_function(BenchmarkId::new("sum of columns", len), |b| {
            let view = View::all(1, len / 256, 256);
            b.iter(|| reduce(Isa::current(), ReduceOp::Sum, &x, &view, TileMut::flat(&mut y)));
        });
    }
}

fn optimizers(c: &mut Criterion) {
    let mut group = group(c, "optim");
    for len in LENGTHS {
        let g = vec![1e-3f32; len];
        let [mut w, mut m, mut v] = [1.0f32, 0.0, 0.0].map(|x| vec![x; len]);
        group.throughput(Throughput::Elements(len as u64));
        group.bench_function(BenchmarkId::new("sgd", len), |b| b.iter(|| sgd(Isa::current(), &mut w, &g, 1e-3)));
        let h = Adam { alpha: 1e-3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 };
        group.bench_function(BenchmarkId::new("adam", len), |b| {
            b.iter(|| adam(Isa::current(), &mut w, &mut m, &mut v, &g, h));
        });
    }
}

criterion_group!(benches, gemm, elementwise, reductions, optimizers);
criterion_main!(benches);
