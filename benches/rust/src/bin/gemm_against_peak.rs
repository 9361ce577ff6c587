//! One-thread products against the FMA peak measured around each call: arguments "m,k,n,ta,tb[,rows,cols]" ...

use std::io::Write;
use std::time::Instant;

use dlrs_benches::{Product, peak::fma_gflops_of};
use dlrs_kernels::gemm::{Tiling, tiling};
use dlrs_kernels::isa::Isa;

fn main() -> std::io::Result<()> {
    let isa = Isa::current();
    for shape in std::env::args().skip(1) {
        let x: Vec<usize> = shape.split(',').map_while(|w| w.parse().ok()).collect();
        let &[m, k, n, ta, tb, ref tile @ ..] = &x[..] else { continue };
        let tiles = if let &[rows, cols] = tile { Tiling { rows, cols } } else { tiling(isa, m, k, n) };
        let mut product = Product::with_tiling(isa, (m, k, n), (ta != 0, tb != 0), tiles);
        product.run(None);
        let flops = 2.0 * (m * k * n) as f64;
        let calls = (1e-3 / (flops / 200e9 + 1e-6)).max(1.0) as u32;
        let (mut best, mut best_peak, mut ratios) = (0.0f64, 0.0f64, Vec::new());
        let begin = Instant::now();
        let mut before = fma_gflops_of(isa, 20_000);
        while begin.elapsed().as_millis() < 600 {
            let start = Instant::now();
            for _ in 0..calls {
                product.run(None);
            }
            let gflops = flops * f64::from(calls) / start.elapsed().as_secs_f64() / 1e9;
            let after = fma_gflops_of(isa, 20_000);
            best = best.max(gflops);
            best_peak = best_peak.max(after);
            ratios.push(gflops / before.max(after));
            before = after;
        }
        ratios.sort_by(f64::total_cmp);
        writeln!(
            std::io::stdout(),
            "{shape:28} best {best:6.1} GF = {:.3} of peak {best_peak:.1}; ratio max {:.3} p75 {:.3} median {:.3}",
            best / best_peak,
            ratios[ratios.len() - 1],
            ratios[ratios.len() * 3 / 4],
            ratios[ratios.len() / 2],
        )?;
    }
    Ok(())
}
