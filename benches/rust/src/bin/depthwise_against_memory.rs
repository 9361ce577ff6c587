//! Depthwise convolution against the machine's memory: for each shape and pass, GB/s (each tensor read or written once) and its share
//! of what one thread copies or reads, both measured in this run.

use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

use dlrs_benches::peak::{copy_gbs, read_gbs};
use dlrs_kernels::conv::{ConvGeometry, Reread, depthwise_forward, depthwise_input_grad, depthwise_kernel_grad};
use dlrs_kernels::gemm::Epilogue;
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Buffer, TileMut};

/// Rows of pixels in a call, as in tiles.
const ROWS: usize = 8;

fn best(mut f: impl FnMut()) -> f64 {
    (0..8).fold(f64::INFINITY, |best, _| {
        let start = Instant::now();
        f();
        best.min(start.elapsed().as_secs_f64())
    })
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout();
    let (isa, plain) = (Isa::current(), Epilogue::default());
    let only = std::env::args().nth(1);
    for (n, size, c, k, s) in [
        (32, 56, 128, 3, 1),
        (32, 56, 128, 3, 2),
        (32, 14, 512, 3, 1),
        (32, 7, 1024, 3, 1),
        (32, 112, 32, 3, 1),
        (32, 28, 192, 5, 1),
        (32, 56, 96, 7, 1),
        (32, 56, 24, 3, 1),
        (32, 56, 3, 3, 1),
    ] {
        if only.as_ref().is_some_and(|only| *only != format!("{size}x{c}x{k}/{s}")) {
            continue;
        }
        let o = (size - 1) / s + 1;
        let pad = [0, k / 2, k / 2];
        let (input, output, kernel, strides) = ([1, size, size], [1, o, o], [1, k, k], [1, s, s]);
        let g = ConvGeometry { n, input, c_in: c, kernel, c_out: c, output, strides, dilation: [1; 3], pad, groups: c };
        let sizes = [n * g.image_in(), n * g.image_out(), g.kernel_len(), g.kernel_len()];
        let mut buffers = sizes.map(|len| Buffer::zeroed(4 * len).expect("memory for an operand"));
        let [x, y, w, dw] = buffers.each_mut().map(Buffer::as_mut_slice::<f32>);
        [&mut *x, y, w].into_iter().for_each(|operand| operand.fill(0.5));
        let bytes = 4 * (x.len() + y.len());
        let forward = best(|| {
            for (i, y) in y.chunks_mut(ROWS * o * c).enumerate() {
                let rows = i * ROWS..i * ROWS + y.len() / (o * c);
                depthwise_forward(isa, &g, black_box(&*x), w, rows, TileMut::flat(y), &plain, Reread::Later);
            }
        });
        let input = best(|| {
            for (i, x) in x.chunks_mut(ROWS * size * c).enumerate() {
                let rows = i * ROWS..i * ROWS + x.len() / (size * c);
                depthwise_input_grad(
                    isa,
                    &g,
                    black_box(&*y),
                    w,
                    rows,
                    TileMut::flat(x),
                    &plain,
                    &mut [],
                    Reread::Later,
                );
            }
        });
        let kernel = best(|| {
            for i in 0..n {
                let rows = i * o..(i + 1) * o;
                depthwise_kernel_grad(isa, &g, black_box(&*x), black_box(&*y), rows, TileMut::flat(dw));
            }
        });
        let (copy, read) = (copy_gbs(bytes / 2), read_gbs(isa, bytes));
        let macs = g.macs() / 1e9;
        write!(out, "{n}x{size}x{size}x{c} {k}x{k}/{s}: copy {copy:.1} read {read:.1} GB/s")?;
        for (name, seconds, bound) in [("y", forward, copy), ("dx", input, copy), ("dw", kernel, read)] {
            let gbs = bytes as f64 / seconds / 1e9;
            let share = 100.0 * gbs / bound;
            write!(out, "; {name} {gbs:.1} GB/s {share:.0} % ({:.0} GFLOP/s)", 2.0 * macs / seconds)?;
        }
        writeln!(out)?;
    }
    Ok(())
}
