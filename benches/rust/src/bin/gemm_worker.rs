//! One side of the race with other libraries: reads a shape a line, "m k n ta tb threads milliseconds", runs it for so long and
//! answers "min median" in microseconds. Two more numbers, the rows and columns of a tile, replace the library's tiling.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::time::Instant;

use dlrs_benches::Product;
use dlrs_kernels::gemm::{Tiling, tiling};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::team;

fn main() -> std::io::Result<()> {
    let mut products = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let x: Vec<usize> = line.split_whitespace().map_while(|w| w.parse().ok()).collect();
        let &[m, k, n, ta, tb, threads, milliseconds, ref tile @ ..] = &x[..] else { continue };
        let isa = Isa::current();
        let tiles = if let &[rows, cols] = tile { Tiling { rows, cols } } else { tiling(isa, m, k, n) };
        let product = products
            .entry((m, k, n, ta, tb, tiles.rows, tiles.cols))
            .or_insert_with(|| Product::with_tiling(isa, (m, k, n), (ta != 0, tb != 0), tiles));
        let team = (threads > 1).then(team);
        for _ in 0..3 {
            product.run(team.as_deref());
        }
        let calls = (2e-4 / (2.0 * (m * k * n) as f64 / 200e9 + 2e-6)).max(1.0) as u32;
        let begin = Instant::now();
        let mut times = Vec::new();
        while times.is_empty() || begin.elapsed().as_millis() < milliseconds as u128 {
            let start = Instant::now();
            for _ in 0..calls {
                product.run(team.as_deref());
            }
            times.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(calls));
        }
        times.sort_by(f64::total_cmp);
        writeln!(std::io::stdout(), "{:.3} {:.3}", times[0], times[times.len() / 2])?;
    }
    Ok(())
}
