//! One row of C: B is streamed once, in the order it lies in memory, a few rows at a time.

use super::MatRef;
use super::levels::Tiles;
use super::micro::{load, store};

/// Rows of B that are added to C in one pass. C is read and written once for so many vectors of B.
const DEPTH: usize = 8;

/// c (+)= a·B for a row `a` and the matrix `b` whose rows are contiguous; each element is one chain over k.
///
/// # Panics
/// If the sizes do not agree or B's columns do not touch.
#[inline(always)]
pub(super) fn row<S: Tiles>(s: S, a: MatRef<f32>, b: MatRef<f32>, c: &mut [f32], accumulate: bool) {
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
