//! Packing: B into panels of columns, A into blocks of rows, both so that a micro-kernel reads them straight through.

use std::ops::Range;

use crate::dispatch;
use crate::isa::{Isa, Level};

use super::MatRef;
use super::levels::{Tiles, panel};
use super::micro::{load, store};

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

    /// The columns `cols`, which start at a panel.
    ///
    /// # Panics
    /// If they do not, or leave the matrix.
    pub fn cols(self, cols: Range<usize>) -> Self {
        assert!(
            cols.start.is_multiple_of(self.panel),
            "column {} does not start a panel of {}",
            cols.start,
            self.panel
        );
        assert!(cols.start <= cols.end && cols.end <= self.n, "columns {cols:?} of {}", self.n);
        let panels = cols.start / self.panel..cols.end.div_ceil(self.panel);
        let data = &self.data[panels.start * self.k * self.panel..panels.end * self.k * self.panel];
        Self { data, n: cols.len(), ..self }
    }

    /// Rows (k) and columns (n).
    pub fn size(&self) -> (usize, usize) {
        (self.k, self.n)
    }

    /// The first column.
    pub(super) fn first_column(&self) -> MatRef<'a, f32> {
        MatRef::new(self.data, self.k, 1, self.panel, 1)
    }

    /// Columns of a panel.
    pub(super) fn panel(&self) -> usize {
        self.panel
    }

    /// Row `row` of the panel at column `col`, a multiple of the panel's width.
    pub(super) fn panel_ptr(&self, row: usize, col: usize) -> *const f32 {
        self.data[(col * self.k + row * self.panel).min(self.data.len())..].as_ptr()
    }
}

/// Columns of a packed panel of B.
pub fn panel_width(isa: Isa) -> usize {
    match isa.level() {
        Level::Portable | Level::Avx2 => 16,
        Level::Avx512 => 32,
    }
}

/// Elements of a packed k×n matrix.
pub fn packed_len(isa: Isa, k: usize, n: usize) -> usize {
    n.next_multiple_of(panel_width(isa)).checked_mul(k).expect("a packed matrix fits the address space")
}

/// Packs B into panels of [`panel_width`] columns, each row after row, the last filled up with zeros. Packing may be cut: columns
/// that start at column `j`, a multiple of the width, go to element `j * k` of the whole.
///
/// # Panics
/// If `dst` is shorter than [`packed_len`].
pub fn pack_b(isa: Isa, b: MatRef<f32>, dst: &mut [f32]) {
    let (k, n) = (b.rows(), b.cols());
    let dst = &mut dst[..packed_len(isa, k, n)];
    if k > 0 {
        dispatch!(isa, s => pack_all(s, b, dst));
    }
}

#[inline(always)]
fn pack_all<S: Tiles>(s: S, b: MatRef<f32>, dst: &mut [f32]) {
    let width = panel::<S>();
    for (i, panel) in dst.chunks_exact_mut(width * b.rows()).enumerate() {
        let cols = i * width..b.cols().min((i + 1) * width);
        // SAFETY: the panel holds b.rows() rows of `width` columns.
        unsafe { pack_panel::<S>(s, b.sub(0..b.rows(), cols), panel.as_mut_ptr(), width) }
    }
}

/// Packs the at most `width` columns of `b` into rows of `width`, a multiple of the vector, filling up with zeros.
///
/// # Safety
/// `dst` is valid for writes of `b.rows() * width` elements, and `b.cols() <= width`.
#[inline(always)]
pub(crate) unsafe fn pack_panel<S: Tiles>(s: S, b: MatRef<f32>, dst: *mut f32, width: usize) {
    let src = b.as_ptr();
    // SAFETY: every address below is element (p, j) of b, or row p of dst within its width.
    unsafe {
        if b.col_stride() == 1 || b.cols() == 1 {
            for p in 0..b.rows() {
                let row = src.add(p * b.row_stride());
                for j in (0..width).step_by(S::LANES) {
                    let n = b.cols().saturating_sub(j).min(S::LANES);
                    s.prefetch(row.wrapping_add(8 * b.row_stride() + j));
                    s.store_ptr(dst.add(p * width + j), load(s, row.wrapping_add(j), n));
                }
            }
        } else if b.row_stride() == 1 {
            for j in (0..width).step_by(S::LANES) {
                let cols = b.cols().saturating_sub(j).min(S::LANES);
                for p in (0..b.rows()).step_by(S::LANES) {
                    let rows = (b.rows() - p).min(S::LANES);
                    let block = src.wrapping_add(p + j * b.col_stride());
                    transpose_block(s, block, b.col_stride(), cols, rows, dst.add(p * width + j), width, S::LANES);
                }
            }
        } else {
            for p in 0..b.rows() {
                for j in 0..width {
                    *dst.add(p * width + j) = if j < b.cols() { b.at(p, j) } else { 0.0 };
                }
            }
        }
    }
}

/// Packs the rows of `a` so that the rows of one column are adjacent, column after column.
///
/// # Safety
/// `dst` is valid for writes of `a.rows() * a.cols() + S::LANES` elements, and `a.rows() <= S::LANES`.
#[inline(always)]
pub(super) unsafe fn pack_rows<S: Tiles>(s: S, a: MatRef<f32>, dst: *mut f32) {
    let (m, k) = (a.rows(), a.cols());
    // SAFETY: every address is an element of a, or one that the caller vouches for: whole vectors are written at multiples of m in
    // ascending order, so what a vector writes beyond its m rows is overwritten by the next, or lies in the extra elements.
    unsafe {
        if a.col_stride() == 1 {
            let whole = k - k % S::LANES;
            for p in (0..whole).step_by(S::LANES) {
                let mut v = [s.zero(); 16];
                for i in 0..S::LANES {
                    let row = a.as_ptr().add(p + i.min(m - 1) * a.row_stride());
                    v[i] = s.load_ptr(row);
                    // The block below comes next; along the row there is too little ahead.
                    s.prefetch_l2(row.wrapping_add(m * a.row_stride()));
                }
                s.transpose(&mut v);
                for i in 0..S::LANES {
                    s.store_ptr(dst.add((p + i) * m), v[i]);
                }
            }
            if whole < k {
                let (rest, to) = (a.as_ptr().add(whole), dst.add(whole * m));
                transpose_block(s, rest, a.row_stride(), m, k - whole, to, m, S::LANES);
            }
        } else {
            for p in 0..k {
                for i in 0..m {
                    *dst.add(p * m + i) = a.at(i, p);
                }
            }
        }
    }
}

/// Reads `rows` rows of `cols` elements, both at most the vector's length, and stores the `cols` columns as vectors of `width` elements
/// whose lanes beyond `rows` are zero.
///
/// # Safety
/// The elements read are valid, and so are `width` elements at each of the `cols` addresses written.
#[inline(always)]
unsafe fn transpose_block<S: Tiles>(
    s: S,
    src: *const f32,
    src_stride: usize,
    rows: usize,
    cols: usize,
    dst: *mut f32,
    dst_stride: usize,
    width: usize,
) {
    let mut v = [s.zero(); 16];
    // SAFETY: the caller's promise.
    unsafe {
        if rows == S::LANES && cols == S::LANES {
            for i in 0..S::LANES {
                v[i] = s.load_ptr(src.add(i * src_stride));
            }
            s.transpose(&mut v);
            for i in 0..S::LANES {
                store(s, dst.add(i * dst_stride), width, v[i]);
            }
        } else {
            for i in 0..S::LANES {
                if i < rows {
                    v[i] = load(s, src.add(i * src_stride), cols);
                }
            }
            s.transpose(&mut v);
            for i in 0..S::LANES {
                if i < cols {
                    store(s, dst.add(i * dst_stride), width, v[i]);
                }
            }
        }
    }
}
