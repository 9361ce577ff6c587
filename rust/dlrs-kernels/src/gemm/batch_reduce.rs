//! The batch-reduce product: many small products summed into one tile of C while it stays in registers.

use crate::dispatch;
use crate::isa::Isa;
use crate::mem::TileMut;

use super::driver::{block_of, finish, late};
use super::levels::{Tiles, panel};
use super::micro::{Block, Rows};
use super::{Epilogue, MatB, MatRef, gemm_f32, panel_width};

/// The batch-reduce product C = epilogue(Σ_t A_t·B_t) (Georganas et al. 2019, arXiv 1906.06440): A_t (m×k) starts at element
/// `a_offsets[t]` of `a` with strides `a_strides` (row, k), B_t (k×n) at `b_offsets[t]` of `b` with rows `b_row_stride` apart.
/// Each element is one chain over t and, within it, k. `scratch` is that of a product of m×k by k×n.
///
/// # Panics
/// If the offset lists differ in length, an operand leaves its slice, sizes do not agree, or `scratch` is shorter than
/// [`gemm_scratch_len`](super::gemm_scratch_len).
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
    let n = c.cols();
    assert_eq!(c.rows(), m, "rows of C");
    epilogue.check(m, n);
    let operands = Operands { a, a_offsets, a_strides, b, b_offsets, b_row_stride, m, k, n };
    operands.check();
    let readable = (a_strides.0 == 1 || a_strides.1 == 1) && !late(epilogue);
    // Whole panels of B are read where they are; the columns that are left go product by product.
    let direct = if readable && k > 0 && m > 0 && !a_offsets.is_empty() { n - n % panel_width(isa) } else { 0 };
    if direct > 0 {
        let epilogue = epilogue.columns(0..direct);
        dispatch!(isa, s => panels(s, &operands, &mut c.sub(0, 0, m, direct), &epilogue));
    }
    if direct < n {
        let epilogue = epilogue.columns(direct..n);
        one_by_one(isa, &operands, direct, c.sub(0, direct, m, n - direct), &epilogue, scratch);
    }
}

struct Operands<'a> {
    a: &'a [f32],
    a_offsets: &'a [usize],
    a_strides: (usize, usize),
    b: &'a [f32],
    b_offsets: &'a [usize],
    b_row_stride: usize,
    m: usize,
    k: usize,
    n: usize,
}

impl Operands<'_> {
    fn check(&self) {
        assert_eq!(self.a_offsets.len(), self.b_offsets.len(), "one offset of A per offset of B");
        for (&a, &b) in self.a_offsets.iter().zip(self.b_offsets) {
            MatRef::new(&self.a[a..], self.m, self.k, self.a_strides.0, self.a_strides.1);
            MatRef::new(&self.b[b..], self.k, self.n, self.b_row_stride, 1);
        }
    }
}

/// C in whole panels.
#[inline(always)]
fn panels<S: Tiles>(s: S, x: &Operands, c: &mut TileMut<f32>, epilogue: &Epilogue) {
    let width = panel::<S>();
    let finish = finish(epilogue);
    let blocks = x.m.div_ceil(S::MR);
    let (form, a_stride, a_row) = if x.a_strides.1 == 1 {
        (Rows::Contiguous, x.a_strides.0, x.a_strides.0)
    } else {
        (Rows::Interleaved, x.a_strides.1, 1)
    };
    let c_stride = c.stride();
    for n0 in (0..c.cols()).step_by(width) {
        for i in 0..blocks {
            let (row, rows) = block_of(x.m, blocks, i);
            let c = c.sub(row, n0, rows, width).as_mut_ptr();
            let block = Block {
                k: x.k,
                a: x.a.as_ptr().wrapping_add(row * a_row),
                a_stride,
                b: x.b.as_ptr().wrapping_add(n0),
                b_stride: x.b_row_stride,
                copy: std::ptr::null_mut(),
                taps: (x.a_offsets, x.b_offsets),
                c,
                c_stride,
                next_c: c.wrapping_add(rows * c_stride),
                cols: width,
                resume: epilogue.accumulate,
                finish: finish.map(|f| f.at(row, n0)),
            };
            // SAFETY: every A_t and B_t was checked to lie in its slice, C's sub-tile in C, bias and residual against C, and the
            // panel is whole.
            unsafe { S::kernel(rows, 2, form)(s, &block) }
        }
    }
}

/// The columns of B from `column` on, a product at a time.
fn one_by_one(isa: Isa, x: &Operands, column: usize, mut c: TileMut<f32>, epilogue: &Epilogue, scratch: &mut [f32]) {
    let (m, n, taps) = (c.rows(), c.cols(), x.a_offsets.len());
    if taps == 0 {
        let (a, b) = (MatRef::new(&[], m, 0, 0, 0), MatRef::new(&[], 0, n, 0, 0));
        return gemm_f32(isa, a, MatB::Strided(b), c, epilogue, scratch);
    }
    for t in 0..taps {
        let a = MatRef::new(&x.a[x.a_offsets[t]..], m, x.k, x.a_strides.0, x.a_strides.1);
        let b = MatRef::new(&x.b[x.b_offsets[t]..], x.k, x.n, x.b_row_stride, 1).sub(0..x.k, column..x.n);
        let accumulate = t > 0 || epilogue.accumulate;
        let step = if t + 1 == taps { *epilogue } else { Epilogue::default() };
        let step = Epilogue { accumulate, ..step };
        gemm_f32(isa, a, MatB::Strided(b), c.sub(0, 0, m, n), &step, scratch);
    }
}
