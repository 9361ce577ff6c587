//! One-thread convolutions against the FMA peak measured around each call: arguments `pass,n,size,c_in,kernel,c_out,stride` with
//! pass `forward` or `input`, square images and kernels, padding as for "same"; without arguments, the layers of well-known networks.

use std::io::Write;
use std::time::Instant;

use dlrs_benches::peak::fma_gflops_of;
use dlrs_kernels::conv::{ConvGeometry, ConvKernel, DirectConv};
use dlrs_kernels::gemm::Epilogue;
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::TileMut;

const LAYERS: &[&str] = &[
    "32,56,64,3,64,1",
    "64,28,1,5,6,1",
    "64,14,6,5,16,1",
    "32,32,3,3,16,1",
    "32,32,16,3,16,1",
    "32,32,16,3,32,2",
    "32,16,32,3,32,1",
    "32,16,32,3,64,2",
    "32,8,64,3,64,1",
    "32,32,3,3,64,1",
    "32,32,64,3,64,1",
    "32,16,128,3,128,1",
    "32,8,256,3,256,1",
    "1,224,3,7,64,2",
    "1,28,128,3,128,1",
    "1,7,512,3,512,1",
    "8,7,512,3,512,1",
];

fn geometry(shape: &str) -> Option<ConvGeometry> {
    let x: Vec<usize> = shape.split(',').map_while(|w| w.parse().ok()).collect();
    let &[n, size, c_in, k, c_out, stride] = &x[..] else { return None };
    let out = size.div_ceil(stride);
    let pad = ((out - 1) * stride + k).saturating_sub(size) / 2;
    let (input, kernel, output, pad) = ([1, size, size], [1, k, k], [1, out, out], [0, pad, pad]);
    let (strides, dilation) = ([1, stride, stride], [1; 3]);
    Some(ConvGeometry { n, input, c_in, kernel, c_out, output, strides, dilation, pad, groups: 1 })
}

fn main() -> std::io::Result<()> {
    let isa = Isa::current();
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.is_empty() {
        arguments = ["forward", "input"].iter().flat_map(|p| LAYERS.iter().map(move |l| format!("{p},{l}"))).collect();
    }
    for argument in arguments {
        let Some((pass, shape)) = argument.split_once(',') else { continue };
        let Some(g) = geometry(shape) else { continue };
        let forward = pass == "forward";
        let conv = if forward { DirectConv::forward(isa, &g) } else { DirectConv::backward_input(isa, &g) };
        let (from, to) = (g.n * g.image_in(), g.n * g.image_out());
        let (from, to) = if forward { (from, to) } else { (to, from) };
        let (x, w, mut y) = (vec![0.5; from], vec![0.25; g.kernel_len()], vec![0.0; to]);
        let mut scratch = vec![0.0; conv.scratch_len()];
        let flops = 2.0 * g.macs();
        let (mut best, mut peak, mut calls) = (0.0f64, 0.0f64, 0);
        let begin = Instant::now();
        while begin.elapsed().as_millis() < 250 || calls < 3 {
            let start = Instant::now();
            for tile in conv.tiles() {
                let r = tile.rect;
                let to =
                    TileMut::new(&mut y[r.start..r.start + (r.rows - 1) * r.stride + r.cols], r.rows, r.cols, r.stride);
                conv.run(&x, ConvKernel::Plain(&w), tile, to, &Epilogue::default(), &mut scratch);
            }
            best = best.max(flops / start.elapsed().as_secs_f64() / 1e9);
            peak = peak.max(fma_gflops_of(isa, 20_000));
            calls += 1;
        }
        let (tiles, share) = (conv.tiles().len(), best / peak);
        writeln!(std::io::stdout(), "{argument:28} {tiles:4} tiles  {best:6.1} GF = {share:.3} of peak {peak:.1}")?;
    }
    Ok(())
}
