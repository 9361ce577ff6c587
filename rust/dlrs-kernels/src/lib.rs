//! Single-threaded SIMD kernels over tiles, and the memory and team that run them.
//!
//! Kernels are pure functions: slices and tiles in, tiles out. They know no tensors, graphs, threads or Python.

pub mod elementwise;
pub mod gemm;
pub mod isa;
pub mod math;
pub mod mem;
