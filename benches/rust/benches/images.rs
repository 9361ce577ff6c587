//! The kernels of convolutional networks on one thread: convolutions by throughput in multiply-adds, the others in elements.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use dlrs_kernels::conv::{
    ConvGeometry, ConvKernel, DirectConv, Reread, Winograd, WinogradConv, WinogradKernel, conv_kernel_sum,
    depthwise_forward, depthwise_input_grad, depthwise_kernel_grad, kernel_grad_parts, kernel_sum_columns,
    kernel_sum_scratch_len,
};
use dlrs_kernels::gemm::Epilogue;
use dlrs_kernels::image::{Resampling, ResizeGeometry, ResizeWeights, Stage, resize_rows, resize_scratch_len};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Buffer, TileMut};
use dlrs_kernels::pool::{
    PoolGeometry, Windows, average_pool, average_pool_backward, max_pool, max_pool_backward, pool_scratch_len,
};

/// Images of a batch.
const IMAGES: usize = 32;

fn group<'a>(c: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(name);
    group.sample_size(10).warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_millis(500));
    group
}

/// 3×3 at stride 1 over 56×56.
fn geometry(c_in: usize, c_out: usize, groups: usize) -> ConvGeometry {
    let (input, kernel, pad) = ([1, 56, 56], [1, 3, 3], [0, 1, 1]);
    let (strides, dilation) = ([1; 3], [1; 3]);
    ConvGeometry { n: IMAGES, input, c_in, kernel, c_out, output: input, strides, dilation, pad, groups }
}

fn buffer(len: usize) -> Buffer {
    let mut buffer = Buffer::zeroed(4 * len.max(1)).expect("memory for an operand");
    buffer.as_mut_slice::<f32>().fill(0.5);
    buffer
}

fn direct(c: &mut Criterion) {
    let (isa, g) = (Isa::current(), geometry(64, 64, 1));
    let mut buffers = [g.n * g.image_in(), g.n * g.image_out(), g.kernel_len()].map(buffer);
    let [x, y, w] = buffers.each_mut().map(Buffer::as_mut_slice::<f32>);
    let mut group = group(c, "direct convolution");
    group.throughput(Throughput::Elements(g.macs() as u64));
    let passes = [("forward", DirectConv::forward(isa, &g)), ("backward-input", DirectConv::backward_input(isa, &g))];
    for (name, conv) in passes {
        let mut scratch = vec![0.0; conv.scratch_len()];
        group.bench_function(name, |b| {
            b.iter(|| {
                for tile in conv.tiles() {
                    let r = tile.rect;
                    let to = &mut y[r.start..r.start + (r.rows - 1) * r.stride + r.cols];
                    let to = TileMut::new(to, r.rows, r.cols, r.stride);
                    let (x, w) = (black_box(&*x), ConvKernel::Plain(w));
                    conv.run(x, w, tile, to, &Epilogue::default(), &mut scratch);
                }
            });
        });
    }
    let (parts, width) = (kernel_grad_parts(&g), kernel_sum_columns(&g));
    let mut scratch = buffer(kernel_sum_scratch_len(isa, &g));
    let scratch = scratch.as_mut_slice::<f32>();
    group.bench_function("backward-kernel", |b| {
        b.iter(|| {
            for rows in &parts {
                for column in (0..g.c_out).step_by(width) {
                    let columns = column..g.c_out.min(column + width);
                    let to = TileMut::new(&mut w[column..], 9 * g.c_in, columns.len(), g.c_out);
                    conv_kernel_sum(isa, &g, black_box(&*x), black_box(&*y), rows.clone(), columns, to, scratch);
                }
            }
        });
    });
}

fn winograd(c: &mut Criterion) {
    let (isa, g) = (Isa::current(), geometry(64, 64, 1));
    let mut buffers = [g.n * g.image_in(), g.n * g.image_out(), g.kernel_len()].map(buffer);
    let [x, y, w] = buffers.each_mut().map(Buffer::as_mut_slice::<f32>);
    let mut group = group(c, "winograd");
    group.throughput(Throughput::Elements(g.macs() as u64));
    for f in [Winograd::F2, Winograd::F4] {
        let passes = [
            ("forward", WinogradConv::forward(isa, f, &g), WinogradKernel::forward(isa, f, g.c_in, g.c_out)),
            (
                "backward-input",
                WinogradConv::backward_input(isa, f, &g),
                WinogradKernel::backward_input(isa, f, g.c_in, g.c_out),
            ),
        ];
        for (name, conv, kernel) in passes {
            let (mut u, mut scratch) = (buffer(kernel.len()), buffer(conv.scratch_len()));
            let (u, scratch) = (u.as_mut_slice::<f32>(), scratch.as_mut_slice::<f32>());
            group.bench_function(format!("{name} {f:?}"), |b| {
                b.iter(|| {
                    kernel.run_all(black_box(&*w), u);
                    for tile in conv.tiles() {
                        let (start, stride) = (tile.pixels.start * g.c_out + tile.channels.start, g.c_out);
                        let to = TileMut::new(&mut y[start..], tile.pixels.len(), tile.channels.len(), stride);
                        conv.run(tile, black_box(&*x), u, to, &Epilogue::default(), scratch);
                    }
                });
            });
        }
    }
}

fn depthwise(c: &mut Criterion) {
    let (isa, g, plain) = (Isa::current(), geometry(128, 128, 128), Epilogue::default());
    let mut buffers = [g.n * g.image_in(), g.n * g.image_out(), g.kernel_len()].map(buffer);
    let [x, y, w] = buffers.each_mut().map(Buffer::as_mut_slice::<f32>);
    let (rows, len) = (8, 8 * 56 * g.c_out);
    let mut group = group(c, "depthwise");
    group.throughput(Throughput::Elements(g.macs() as u64));
    group.bench_function("forward", |b| {
        b.iter(|| {
            for (i, y) in y.chunks_exact_mut(len).enumerate() {
                let rows = i * rows..(i + 1) * rows;
                depthwise_forward(isa, &g, black_box(&*x), w, rows, TileMut::flat(y), &plain, Reread::Later);
            }
        });
    });
    group.bench_function("backward-input", |b| {
        b.iter(|| {
            for (i, x) in x.chunks_exact_mut(len).enumerate() {
                let (rows, to) = (i * rows..(i + 1) * rows, TileMut::flat(x));
                depthwise_input_grad(isa, &g, black_box(&*y), w, rows, to, &plain, &mut [], Reread::Later);
            }
        });
    });
    group.bench_function("backward-kernel", |b| {
        b.iter(|| {
            for i in 0..g.n {
                let rows = i * 56..(i + 1) * 56;
                depthwise_kernel_grad(isa, &g, black_box(&*x), black_box(&*y), rows, TileMut::flat(w));
            }
        });
    });
}

fn pooling(c: &mut Criterion) {
    let (isa, pair) = (Isa::current(), Windows::Sliding { size: 2, stride: 2, padding: (0, 0) });
    let g = PoolGeometry::new(IMAGES, [1, 56, 56], 64, &[Windows::EACH, pair, pair]).expect("windows that fit");
    let mut buffers = [g.n * g.image_in(), g.n * g.image_out(), g.n * g.image_in(), pool_scratch_len(&g)].map(buffer);
    let [x, y, dx, scratch] = buffers.each_mut().map(Buffer::as_mut_slice::<f32>);
    let mut group = group(c, "pooling");
    group.throughput(Throughput::Elements(x.len() as u64));
    group.bench_function("max forward", |b| {
        b.iter(|| max_pool(isa, &g, black_box(&*x), 0..g.rows(), TileMut::flat(y), scratch));
    });
    group.bench_function("max backward", |b| {
        b.iter(|| max_pool_backward(isa, &g, black_box(&*x), y, 0..g.n, TileMut::flat(dx)));
    });
    group.bench_function("average forward", |b| {
        b.iter(|| average_pool(isa, &g, black_box(&*x), 0..g.rows(), TileMut::flat(y), scratch));
    });
    group.bench_function("average backward", |b| {
        b.iter(|| average_pool_backward(isa, &g, black_box(&*y), 0..g.n, TileMut::flat(dx)));
    });
}

fn resize(c: &mut Criterion) {
    let (g, to) = (ResizeGeometry { n: IMAGES, h: 256, w: 256, c: 3 }, 224);
    let x = vec![100u8; g.n * g.h * g.w * g.c];
    let mut y = vec![0u8; g.n * to * to * g.c];
    let mut scratch = vec![0.0f32; resize_scratch_len(&g)];
    let mut group = group(c, "resize");
    group.throughput(Throughput::Elements(y.len() as u64));
    for method in [Resampling::Nearest, Resampling::Bilinear] {
        let weights = ResizeWeights::new(256, to, method, false).expect("memory for weights");
        group.bench_function(format!("{method:?}"), |b| {
            b.iter(|| {
                let (x, rows, y) = (black_box(&*x), 0..g.n * to, TileMut::flat(&mut y));
                resize_rows(Isa::current(), &g, &weights, &weights, x, rows, y, &mut scratch);
            });
        });
    }
}

fn augmentation(c: &mut Criterion) {
    let (isa, width, channels) = (Isa::current(), 224, 3);
    let mut image = vec![0.5f32; width * width * channels];
    let stages = [
        ("matrix", Stage::Matrix { at: 0 }),
        ("scale", Stage::Scale { at: 0 }),
        ("contrast", Stage::Contrast { at: 0 }),
        ("hue and saturation", Stage::HueSaturation { at: 0, low: 0.0, high: 1.0 }),
    ];
    let mut group = group(c, "augmentation");
    group.throughput(Throughput::Elements(image.len() as u64));
    for (name, stage) in stages {
        // With these a value that is changed over and over stays finite.
        let parameters = vec![0.25f32; stage.parameters(channels)];
        image.fill(0.5);
        group.bench_function(name, |b| b.iter(|| stage.run(isa, black_box(&parameters), &mut image, width, channels)));
    }
}

criterion_group!(benches, direct, winograd, depthwise, pooling, resize, augmentation);
criterion_main!(benches);
