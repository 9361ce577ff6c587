//! The gradient by the kernel of the course's convolutions against the peak of one thread, measured in this run.

use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

use dlrs_benches::peak::fma_gflops;
use dlrs_kernels::conv::{
    ConvGeometry, conv_kernel_sum, kernel_grad_parts, kernel_sum_columns, kernel_sum_scratch_len,
};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Buffer, TileMut};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout();
    let isa = Isa::current();
    let peak = fma_gflops(isa);
    writeln!(out, "peak {peak:.0} GFLOP/s")?;
    for (name, n, size, ci, co, k, s) in [
        ("56x56", 32, 56, 64, 64, 3, 1),
        ("lenet 1", 64, 28, 1, 6, 5, 1),
        ("lenet 2", 64, 14, 6, 16, 5, 1),
        ("resnet20 first", 128, 32, 3, 16, 3, 1),
        ("resnet20 stage 1", 128, 32, 16, 16, 3, 1),
        ("resnet20 stage 2, strided", 128, 32, 16, 32, 3, 2),
        ("resnet20 stage 2", 128, 16, 32, 32, 3, 1),
        ("resnet20 stage 3", 128, 8, 64, 64, 3, 1),
        ("vgg first", 64, 32, 3, 64, 3, 1),
        ("vgg 64", 64, 32, 64, 64, 3, 1),
        ("vgg 128", 64, 16, 128, 128, 3, 1),
        ("vgg 256", 64, 8, 256, 256, 3, 1),
        ("resnet50 7x7", 8, 224, 3, 64, 7, 2),
        ("resnet50 1x1", 8, 28, 512, 128, 1, 1),
    ] {
        let o = (size - 1) / s + 1;
        let (input, output, kernel, strides) = ([1, size, size], [1, o, o], [1, k, k], [1, s, s]);
        let pad = [0, k / 2, k / 2];
        let g =
            ConvGeometry { n, input, c_in: ci, kernel, c_out: co, output, strides, dilation: [1; 3], pad, groups: 1 };
        let sizes = [n * g.image_in(), n * g.image_out(), g.kernel_len(), kernel_sum_scratch_len(isa, &g)];
        let mut buffers = sizes.map(|len| Buffer::zeroed(4 * len.max(1)).expect("memory for an operand"));
        let [x, dy, dw, scratch] = buffers.each_mut().map(Buffer::as_mut_slice::<f32>);
        x.fill(0.5);
        dy.fill(0.5);
        let (parts, width) = (kernel_grad_parts(&g), kernel_sum_columns(&g));
        let mut best = f64::INFINITY;
        for _ in 0..6 {
            let start = Instant::now();
            for rows in &parts {
                for column in (0..co).step_by(width) {
                    let columns = column..co.min(column + width);
                    let to = TileMut::new(&mut dw[column..], k * k * ci, columns.len(), co);
                    conv_kernel_sum(isa, &g, black_box(&*x), black_box(&*dy), rows.clone(), columns, to, scratch);
                }
            }
            best = best.min(start.elapsed().as_secs_f64());
        }
        let gflops = 2.0 * g.macs() / best / 1e9;
        let tiles = parts.len() * co.div_ceil(width);
        writeln!(
            out,
            "{name}: {:.2} ms, {gflops:.0} GFLOP/s, {:.0} %, {tiles} tiles",
            best * 1e3,
            100.0 * gflops / peak
        )?;
    }
    Ok(())
}
