//! Visits every float with every elementary function at every level and prints the largest error found.
//!
//! `cargo run --release -p dlrs-kernels --example ulp -- [STEP] [FUNCTION]`; STEP 1, the default, takes minutes per function.
#![allow(clippy::print_stdout)] // its purpose

#[path = "../tests/support/ulp.rs"]
mod ulp;

use dlrs_kernels::isa::Isa;

fn main() {
    let step: u32 = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(1);
    let only = std::env::args().nth(2);
    for isa in Isa::supported() {
        for (op, reference, bound) in ulp::FUNCTIONS {
            if only.as_ref().is_some_and(|name| *name != format!("{op:?}")) {
                continue;
            }
            let (error, at) = ulp::worst(isa, op, reference, 0, step);
            println!("{:>8} {:<10} {error:6.3} ulp at {at:e} (bound {bound})", isa.level().name(), format!("{op:?}"));
        }
    }
}
