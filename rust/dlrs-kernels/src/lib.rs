//! Single-threaded SIMD kernels over tiles, and the memory and team that run them.
//!
//! Kernels are pure functions: slices and tiles in, tiles out. They know no tensors, graphs, threads or Python.

pub mod attention;
pub mod boxes;
pub mod conv;
pub mod cumulative;
pub mod elementwise;
pub mod gemm;
pub mod image;
pub mod index;
pub mod isa;
pub mod linalg;
pub mod loss;
pub mod math;
pub mod mem;
pub mod optim;
pub mod order;
pub mod peak;
pub mod pool;
pub mod random;
pub mod recurrent;
pub mod reduce;
pub mod text;
mod unroll;
