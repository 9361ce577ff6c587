//! Matrix products.
//!
//! Every element of C is one chain of multiply-adds over k in ascending order, started from 0 (or from C's old contents), so its
//! bytes do not depend on the tile it falls into, on how k is blocked, or on whether operands were packed.

mod batch_reduce;
mod driver;
mod epilogue;
mod gemv;
mod levels;
mod matrix;
mod micro;
mod pack;
mod scalar;
mod tiling;
#[cfg(target_arch = "x86_64")]
mod transpose;

pub use batch_reduce::batch_reduce_gemm_f32;
pub use driver::{MatB, gemm_f32, gemm_scratch_len};
pub use epilogue::{Activation, Epilogue};
pub use matrix::MatRef;
pub use pack::{PackedRef, pack_b, packed_len, panel_width};
pub use scalar::gemm_f64;
pub use tiling::{Tiling, tiling};
