//! Matrix times vector: the matrix is streamed once, in the order it lies in memory.

use crate::dispatch;
use crate::isa::Isa;
use crate::mem::TileMut;

use super::levels::Tiles;
use super::micro::{load, store};
use super::{MatB, MatRef};

/// Computes C by a matrix-vector product if C is a row or a column, and the matrix has a unit stride; says whether it did.
pub(super) fn try_vector(isa: Isa, a: MatRef<f32>, b: MatB, c: &mut TileMut<f32>, accumulate: bool) -> bool {
    let b = match b {
        MatB::Strided(b) => b,
        MatB::Packed(b) if c.cols() == 1 => b.first_column(),
        MatB::Packed(_) => return false,
    };
    // C = x·M for a row x, or C = (Bᵀ·Aᵀ)ᵀ: the same with M = Aᵀ.
    let (x, matrix) = if c.rows() == 1 { (a, b) } else { (b.t(), a.t()) };
    let vector = c.rows() == 1 || c.cols() == 1 && c.is_contiguous();
    if !vector || matrix.col_stride() != 1 && matrix.row_stride() != 1 {
        return false;
    }
    let y = c.as_slice();
    if matrix.col_stride() == 1 {
        dispatch!(isa, s => row(s, x, matrix, y, accumulate));
    } else {
        dispatch!(isa, s => dots(s, x, matrix.t(), y, accumulate));
    }
    true
}

/// Rows of B that are added to C in one pass. C is read and written once for so many vectors of B.
const DEPTH: usize = 8;

/// c (+)= a·B for a row `a` and the matrix `b` whose rows are contiguous; each element is one chain over k.
///
/// # Panics
/// If the sizes do not agree or B's columns do not touch.
#[inline(always)]
fn row<S: Tiles>(s: S, a: MatRef<f32>, b: MatRef<f32>, c: &mut [f32], accumulate: bool) {
    let (k, n) = (b.rows(), c.len());
    assert!(a.rows() == 1 && a.cols() == k && b.cols() == n && b.col_stride() == 1);
    if k == 0 && !accumulate {
        c.fill(0.0);
    }
    let mut p = 0;
    while p < k {
        let resume = accumulate || p > 0;
        let rows = b.sub(p..k, 0..n);
        if k - p >= DEPTH {
            let mut x = [0.0; DEPTH];
            for i in 0..DEPTH {
                x[i] = a.at(0, p + i);
            }
            pass(s, x, rows, c, resume);
            p += DEPTH;
        } else {
            pass(s, [a.at(0, p)], rows, c, resume);
            p += 1;
        }
    }
}

/// c (+)= Σ x\[i\] · row i of `b`.
#[inline(always)]
fn pass<S: Tiles, const D: usize>(s: S, x: [f32; D], b: MatRef<f32>, c: &mut [f32], resume: bool) {
    assert!(b.rows() >= D && b.cols() == c.len());
    let mut xs = [s.zero(); D];
    for i in 0..D {
        xs[i] = s.splat(x[i]);
    }
    let whole = c.len() - c.len() % S::LANES;
    // SAFETY: the elements are inside c and inside each of the first D rows of b, as asserted.
    unsafe {
        for j in (0..whole).step_by(S::LANES) {
            add_rows(s, &xs, b.as_ptr().add(j), b.row_stride(), c.as_mut_ptr().add(j), S::LANES, resume);
        }
        if whole < c.len() {
            let (b_tail, c_tail) = (b.as_ptr().add(whole), c.as_mut_ptr().add(whole));
            add_rows(s, &xs, b_tail, b.row_stride(), c_tail, c.len() - whole, resume);
        }
    }
}

/// `len` elements, at most a vector, of c (+)= Σ x\[i\] · row i.
///
/// # Safety
/// `c` is valid for reads and writes of `len` elements, and `b` and the D − 1 rows after it for reads.
#[inline(always)]
unsafe fn add_rows<S: Tiles, const D: usize>(
    s: S,
    x: &[S::F32; D],
    b: *const f32,
    b_stride: usize,
    c: *mut f32,
    len: usize,
    resume: bool,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut sum = if resume { load(s, c, len) } else { s.zero() };
        for i in 0..D {
            sum = s.fma(x[i], load(s, b.add(i * b_stride), len), sum);
        }
        store(s, c, len, sum);
    }
}

/// Groups of `LANES` rows whose dot products run side by side: one chain alone would wait for each multiply-add.
const GROUPS: usize = 2;

/// y\[i\] (+)= row i of `b` · x, for rows that are contiguous. Squares of `b` are transposed in registers, so that each dot product is one
/// chain over k like every other element of a product.
///
/// # Panics
/// If the sizes do not agree or B's columns do not touch.
#[inline(always)]
fn dots<S: Tiles>(s: S, x: MatRef<f32>, b: MatRef<f32>, y: &mut [f32], accumulate: bool) {
    assert!(x.rows() == 1 && x.cols() == b.cols() && b.rows() == y.len() && b.col_stride() == 1);
    for (i, y) in y.chunks_mut(GROUPS * S::LANES).enumerate() {
        let first = i * GROUPS * S::LANES;
        let rows = b.sub(first..first + y.len(), 0..b.cols());
        // SAFETY: y has an element for each of `rows`, and x one for each of their columns.
        unsafe { dot_rows(s, x, rows, y.as_mut_ptr(), accumulate) }
    }
}

/// At most `GROUPS * LANES` dot products.
///
/// # Safety
/// `y` is valid for reads and writes of `b.rows() > 0` elements, and x has `b.cols()`.
#[inline(always)]
unsafe fn dot_rows<S: Tiles>(s: S, x: MatRef<f32>, b: MatRef<f32>, y: *mut f32, accumulate: bool) {
    let mut sums = [s.zero(); GROUPS];
    let (rows, k) = (b.rows(), b.cols());
    let in_group = |g: usize| rows.saturating_sub(g * S::LANES).min(S::LANES);
    // SAFETY: rows beyond the last are read as the last, and not stored; steps beyond k are not read.
    unsafe {
        for g in 0..GROUPS {
            if accumulate {
                sums[g] = load(s, y.wrapping_add(g * S::LANES), in_group(g));
            }
        }
        for p in (0..k).step_by(S::LANES) {
            let steps = (k - p).min(S::LANES);
            for g in 0..GROUPS {
                let mut square = [s.zero(); 16];
                for i in 0..S::LANES {
                    let row = b.as_ptr().add((g * S::LANES + i).min(rows - 1) * b.row_stride() + p);
                    square[i] = load(s, row, steps);
                    s.prefetch(row.wrapping_add(4 * S::LANES));
                }
                s.transpose(&mut square);
                for i in 0..S::LANES {
                    if i < steps {
                        sums[g] = s.fma(s.splat(*x.as_ptr().add((p + i) * x.col_stride())), square[i], sums[g]);
                    }
                }
            }
        }
        for g in 0..GROUPS {
            store(s, y.wrapping_add(g * S::LANES), in_group(g), sums[g]);
        }
    }
}
