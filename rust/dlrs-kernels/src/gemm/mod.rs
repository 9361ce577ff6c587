//! Matrix products.
//!
//! Every element of C is one chain of multiply-adds over k in ascending order, started from 0 (or from C's old contents), so its
//! bytes do not depend on the tile it falls into, on how k is blocked, or on whether operands were packed.

mod epilogue;
mod matrix;
mod scalar;
mod tiling;

use crate::isa::{Isa, Level};
use crate::mem::TileMut;

pub use epilogue::{Activation, Epilogue};
pub use matrix::MatRef;
pub use scalar::gemm_f64;
pub use tiling::{Tiling, tiling};

/// Columns of a packed panel of B.
pub fn panel_width(isa: Isa) -> usize {
    match isa.level() {
        Level::Portable => 8,
        Level::Avx2 => 16,
        Level::Avx512 => 32,
    }
}

/// A k×n matrix B packed by [`pack_b`] for one level, or whole panels of it.
#[derive(Clone, Copy, Debug)]
pub struct PackedRef<'a> {
    data: &'a [f32],
    k: usize,
    n: usize,
    panel: usize,
}

impl<'a> PackedRef<'a> {
    /// The packed k×n matrix at the start of `data`.
    ///
    /// # Panics
    /// If `data` is shorter than [`packed_len`].
    pub fn new(isa: Isa, data: &'a [f32], k: usize, n: usize) -> Self {
        let len = packed_len(isa, k, n);
        assert!(len <= data.len(), "a packed {k}x{n} matrix takes {len} elements, not {}", data.len());
        Self { data: &data[..len], k, n, panel: panel_width(isa) }
    }

    /// The columns `cols`; they start at a panel.
    pub fn cols(self, cols: std::ops::Range<usize>) -> Self {
        assert!(
            cols.start.is_multiple_of(self.panel) && cols.start <= cols.end && cols.end <= self.n,
            "columns {cols:?} of a packed matrix"
        );
        let panels = cols.start / self.panel..cols.end.div_ceil(self.panel);
        let data = &self.data[panels.start * self.k * self.panel..panels.end * self.k * self.panel];
        Self { data, n: cols.len(), ..self }
    }

    fn at(&self, row: usize, col: usize) -> f32 {
        self.data[(col / self.panel * self.k + row) * self.panel + col % self.panel]
    }
}

/// The right operand.
#[derive(Clone, Copy, Debug)]
pub enum MatB<'a> {
    /// Any strides.
    Strided(MatRef<'a, f32>),
    /// Packed for the level that multiplies.
    Packed(PackedRef<'a>),
}

impl MatB<'_> {
    /// Rows (k) and columns (n).
    pub fn size(&self) -> (usize, usize) {
        match self {
            MatB::Strided(b) => (b.rows(), b.cols()),
            MatB::Packed(b) => (b.k, b.n),
        }
    }
    fn at(&self, row: usize, col: usize) -> f32 {
        match self {
            MatB::Strided(b) => b.at(row, col),
            MatB::Packed(b) => b.at(row, col),
        }
    }
}

/// Elements of a packed k×n matrix.
pub fn packed_len(isa: Isa, k: usize, n: usize) -> usize {
    n.next_multiple_of(panel_width(isa)) * k
}

/// Packs B into panels of [`panel_width`] columns, each row after row, the last filled up with zeros. Packing may be cut: columns
/// from a multiple of the width go to the same multiple of `k` elements of the whole.
pub fn pack_b(isa: Isa, b: MatRef<f32>, dst: &mut [f32]) {
    let (k, n, panel) = (b.rows(), b.cols(), panel_width(isa));
    let dst = &mut dst[..packed_len(isa, k, n)];
    for (i, x) in dst.iter_mut().enumerate() {
        let (row, col) = (i / panel % k, i / panel / k * panel + i % panel);
        *x = if col < n { b.at(row, col) } else { 0.0 };
    }
}

/// Elements of scratch that a tile of m×n of a product over k needs.
pub fn gemm_scratch_len(_isa: Isa, _m: usize, _k: usize, _n: usize) -> usize {
    0
}

/// C = epilogue(A·B) for a tile C of m×n.
///
/// # Panics
/// If sizes do not agree, B was packed for another level, or `scratch` is shorter than [`gemm_scratch_len`].
pub fn gemm_f32(_isa: Isa, a: MatRef<f32>, b: MatB, mut c: TileMut<f32>, epilogue: &Epilogue, _scratch: &mut [f32]) {
    let (m, k, n) = (a.rows(), a.cols(), b.size().1);
    assert_eq!(b.size().0, k, "rows of B against columns of A");
    assert_eq!((c.rows(), c.cols()), (m, n), "the tile of C against A·B");
    epilogue.check(m, n);
    for i in 0..m {
        for j in 0..n {
            let start = if epilogue.accumulate { c.row(i)[j] } else { 0.0 };
            c.row(i)[j] = finish(epilogue, i, j, (0..k).fold(start, |sum, p| a.at(i, p).mul_add(b.at(p, j), sum)));
        }
    }
}

fn finish(epilogue: &Epilogue, i: usize, j: usize, sum: f32) -> f32 {
    let x = sum + epilogue.bias.map_or(0.0, |b| b[j]) + epilogue.residual.map_or(0.0, |r| r.at(i, j));
    match epilogue.activation {
        Activation::Identity => x,
        Activation::Relu => x.max(0.0),
    }
}

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
