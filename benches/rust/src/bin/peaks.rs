//! Prints the machine's bounds: one line each, name and value.

use std::io::Write;

use dlrs_benches::peak::{copy_gbs, fma_gflops, read_gbs};
use dlrs_kernels::isa::Isa;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout();
    for isa in Isa::supported() {
        writeln!(out, "fma {} {:.1} GFLOP/s", isa.level().name(), fma_gflops(isa))?;
    }
    for (name, bytes) in [("L1", 16 << 10), ("L2", 512 << 10), ("L3", 8 << 20), ("memory", 256 << 20)] {
        writeln!(out, "read {name} {:.1} GB/s", read_gbs(Isa::current(), bytes))?;
        writeln!(out, "copy {name} {:.1} GB/s", copy_gbs(bytes / 2))?;
    }
    Ok(())
}
