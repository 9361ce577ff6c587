//! Matrix products.
//!
//! Every element of C is one chain of multiply-adds over k in ascending order, started from 0 (or from C's old contents), so its
//! bytes do not depend on the tile it falls into, on how k is blocked, or on whether operands were packed.

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

use crate::isa::Isa;
use crate::mem::TileMut;

pub use driver::{MatB, gemm_f32, gemm_scratch_len};
pub use epilogue::{Activation, Epilogue};
pub use matrix::MatRef;
pub use pack::{PackedRef, pack_b, packed_len, panel_width};
pub use scalar::gemm_f64;
pub use tiling::{Tiling, tiling};

/// The batch-reduce product C = epilogue(Σ_t A_t·B_t) (Georganas et al. 2019, arXiv 1906.06440): A_t (m×k) starts at element
/// `a_offsets[t]` of `a` with strides `a_strides` (row, k), B_t (k×n) at `b_offsets[t]` of `b` with rows `b_row_stride` apart.
///
/// # Panics
/// If the offset lists differ in length, an operand leaves its slice, or `scratch` is shorter than [`gemm_scratch_len`].
pub fn batch_reduce_gemm_f32(
    isa: Isa,
    a: &[f32],
    a_offsets: &[usize],
    a_strides: (usize, usize),
    b: &[f32],
    b_offsets: &[usize],
    b_row_stride: usize,
    m: usize,
    k: usize,
    mut c: TileMut<f32>,
    epilogue: &Epilogue,
    scratch: &mut [f32],
) {
    assert_eq!(a_offsets.len(), b_offsets.len(), "one offset of A per offset of B");
    let (n, taps) = (c.cols(), a_offsets.len());
    if taps == 0 {
        let (a, b) = (MatRef::new(&[], m, 0, 0, 0), MatRef::new(&[], 0, n, 0, 0));
        return gemm_f32(isa, a, MatB::Strided(b), c, epilogue, scratch);
    }
    for t in 0..taps {
        let a = MatRef::new(&a[a_offsets[t]..], m, k, a_strides.0, a_strides.1);
        let b = MatRef::new(&b[b_offsets[t]..], k, n, b_row_stride, 1);
        let first = Epilogue { accumulate: t > 0 || epilogue.accumulate, ..Epilogue::default() };
        let step = if t + 1 == taps { Epilogue { accumulate: first.accumulate, ..*epilogue } } else { first };
        let (rows, cols) = (c.rows(), c.cols());
        gemm_f32(isa, a, MatB::Strided(b), c.sub(0, 0, rows, cols), &step, scratch);
    }
}
