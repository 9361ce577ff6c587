//! The batch-reduce product for each element type that a convolution may have.

use crate::gemm::{Epilogue, batch_reduce_gemm_f32};
use crate::isa::Isa;
use crate::mem::{Element, TileMut};

/// A sum of products Σ_t A_t·B_t: A_t is m×k at `a_offsets[t]` of `a`, B_t is k×n at `b_offsets[t]` of `b`; strides are (row, column).
#[derive(Clone, Copy)]
pub struct Products<'a, T> {
    pub(super) a: &'a [T],
    pub(super) a_offsets: &'a [usize],
    pub(super) a_strides: (usize, usize),
    pub(super) b: &'a [T],
    pub(super) b_offsets: &'a [usize],
    pub(super) b_row_stride: usize,
    pub(super) k: usize,
}

/// An element type of convolutions.
pub trait ConvElement: Element {
    /// C (+)= Σ_t A_t·B_t.
    fn multiply(isa: Isa, x: &Products<Self>, c: TileMut<Self>, accumulate: bool, scratch: &mut [Self]);
}

impl ConvElement for f32 {
    fn multiply(isa: Isa, x: &Products<f32>, c: TileMut<f32>, accumulate: bool, scratch: &mut [f32]) {
        let epilogue = Epilogue { accumulate, ..Epilogue::default() };
        let m = c.rows();
        batch_reduce_gemm_f32(
            isa,
            x.a,
            x.a_offsets,
            x.a_strides,
            x.b,
            x.b_offsets,
            x.b_row_stride,
            m,
            x.k,
            c,
            &epilogue,
            scratch,
        );
    }
}

impl ConvElement for f64 {
    fn multiply(_: Isa, x: &Products<f64>, mut c: TileMut<f64>, accumulate: bool, _: &mut [f64]) {
        for i in 0..c.rows() {
            let row = c.row(i);
            if !accumulate {
                row.fill(0.0);
            }
            for (&a0, &b0) in x.a_offsets.iter().zip(x.b_offsets) {
                for p in 0..x.k {
                    let a = x.a[a0 + i * x.a_strides.0 + p * x.a_strides.1];
                    let b = &x.b[b0 + p * x.b_row_stride..][..row.len()];
                    row.iter_mut().zip(b).for_each(|(y, b)| *y += a * b);
                }
            }
        }
    }
}
