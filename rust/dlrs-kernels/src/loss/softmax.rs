//! Softmax and its logarithm over rows.

use std::ops::Range;

use crate::isa::{Isa, Kernel, Lanes, Real};
use crate::mem::TileMut;

/// y ← e^(x − max x) / Σ e^(x − max x), row by row.
///
/// # Panics
/// If `x` has fewer rows or `y` other measures.
pub fn softmax<T: Real>(isa: Isa, x: &[T], cols: usize, rows: Range<usize>, mut y: TileMut<T>) {
    struct Rows<'a, 'b, T: Real>(&'a [T], usize, Range<usize>, &'a mut TileMut<'b, T>);
    impl<T: Real> Kernel<T> for Rows<'_, '_, T> {
        type Output = ();
        #[inline(always)]
        fn run<L: Lanes<T = T>>(self, l: L) {
            let Rows(x, cols, rows, y) = self;
            for (r, row) in rows.enumerate() {
                let (x, y) = (&x[row * cols..][..cols], y.row(r));
                let sum = exp_sum(l, x, y);
                scale(l, y, T::of(1.0) / sum);
            }
        }
    }
    assert!(
        y.rows() == rows.len() && y.cols() == cols,
        "softmax of {}x{cols} into {}x{}",
        rows.len(),
        y.rows(),
        y.cols()
    );
    T::run(isa, Rows(x, cols, rows, &mut y));
}

/// y ← x − max x − ln Σ e^(x − max x), row by row.
///
/// # Panics
/// If `x` has fewer rows or `y` other measures.
pub fn log_softmax<T: Real>(isa: Isa, x: &[T], cols: usize, rows: Range<usize>, mut y: TileMut<T>) {
    struct Rows<'a, 'b, T: Real>(&'a [T], usize, Range<usize>, &'a mut TileMut<'b, T>);
    impl<T: Real> Kernel<T> for Rows<'_, '_, T> {
        type Output = ();
        #[inline(always)]
        fn run<L: Lanes<T = T>>(self, l: L) {
            let Rows(x, cols, rows, y) = self;
            for (r, row) in rows.enumerate() {
                let (x, y) = (&x[row * cols..][..cols], y.row(r));
                let (top, sum) = sum_exp(l, x);
                let (top, log_sum) = (l.splat(top), l.log(l.splat(sum)));
                map_sum(
                    l,
                    [x],
                    y,
                    #[inline(always)]
                    |[x]| (l.sub(l.sub(x, top), log_sum), x),
                );
            }
        }
    }
    assert!(
        y.rows() == rows.len() && y.cols() == cols,
        "softmax of {}x{cols} into {}x{}",
        rows.len(),
        y.rows(),
        y.cols()
    );
    T::run(isa, Rows(x, cols, rows, &mut y));
}

/// ln Σ e^x; −∞ if all of `x` is.
pub fn log_sum_exp<T: Real>(isa: Isa, x: &[T]) -> f64 {
    struct Row<'a, T>(&'a [T]);
    impl<T: Real> Kernel<T> for Row<'_, T> {
        type Output = f64;
        #[inline(always)]
        fn run<L: Lanes<T = T>>(self, l: L) -> f64 {
            let (top, sum) = sum_exp(l, self.0);
            if top == T::NEG_INFINITY { f64::NEG_INFINITY } else { top.to_f64() + sum.to_f64().ln() }
        }
    }
    T::run(isa, Row(x))
}

/// The largest number. NaN is passed over: it reaches the result through the exponentials.
#[inline(always)]
pub(crate) fn row_max<L: Lanes>(l: L, x: &[L::T]) -> L::T {
    let mut top = [l.splat(L::T::NEG_INFINITY); 4];
    let (p, n) = (x.as_ptr(), x.len());
    let mut i = 0;
    // SAFETY: i + 4·LANES ≤ n in the first loop, i + LANES ≤ n in the second, and n − i elements are left after it.
    unsafe {
        while i + 4 * L::LANES <= n {
            for k in 0..4 {
                top[k] = l.max_number(l.load(p.add(i + k * L::LANES)), top[k]);
            }
            i += 4 * L::LANES;
        }
        while i + L::LANES <= n {
            top[0] = l.max_number(l.load(p.add(i)), top[0]);
            i += L::LANES;
        }
        if i < n {
            top[1] = l.max_number(l.load_or(p.add(i), n - i, L::T::NEG_INFINITY), top[1]);
        }
    }
    l.largest(l.max_number(l.max_number(top[0], top[1]), l.max_number(top[2], top[3])))
}

/// (max x, Σ e^(x − max x)).
#[inline(always)]
pub(super) fn sum_exp<L: Lanes>(l: L, x: &[L::T]) -> (L::T, L::T) {
    let top = row_max(l, x);
    let v = l.splat(top);
    let sum = sum_of(
        l,
        [x],
        #[inline(always)]
        |[x]| l.exp(l.sub(x, v)),
    );
    (top, sum)
}

/// y ← e^(x − max x); returns their sum.
#[inline(always)]
pub(super) fn exp_sum<L: Lanes>(l: L, x: &[L::T], y: &mut [L::T]) -> L::T {
    let top = l.splat(row_max(l, x));
    map_sum(
        l,
        [x],
        y,
        #[inline(always)]
        |[x]| {
            let e = l.exp(l.sub(x, top));
            (e, e)
        },
    )
}

/// Σ f(x...) over the elements of equally long rows.
#[inline(always)]
pub(super) fn sum_of<L: Lanes, const K: usize>(l: L, x: [&[L::T]; K], f: impl Fn([L::V; K]) -> L::V) -> L::T {
    let n = x[0].len();
    let zero = L::T::default();
    let mut sum = l.splat(zero);
    let mut i = 0;
    // SAFETY: the rows have n elements (sliced so by the callers); i + LANES ≤ n in the loop, and n − i are left after it.
    unsafe {
        while i + L::LANES <= n {
            sum = l.add(sum, f(load_all(l, &x, i)));
            i += L::LANES;
        }
        if i < n {
            let v = f(load_rest(l, &x, i, n - i));
            sum = l.add(sum, l.keep(v, n - i, zero));
        }
    }
    l.sum(sum)
}

/// The vectors at `i` of the rows. (A loop, as `map` is not inlined where the level's features hold.)
///
/// # Safety
/// Rows have i + LANES elements.
#[inline(always)]
unsafe fn load_all<L: Lanes, const K: usize>(l: L, x: &[&[L::T]; K], i: usize) -> [L::V; K] {
    let mut v = [l.splat(L::T::default()); K];
    for k in 0..K {
        // SAFETY: the caller vouches for the elements.
        v[k] = unsafe { l.load(x[k].as_ptr().add(i)) };
    }
    v
}

/// The `n` elements at `i` of the rows, and zeros.
///
/// # Safety
/// Rows have i + n elements, n < LANES.
#[inline(always)]
unsafe fn load_rest<L: Lanes, const K: usize>(l: L, x: &[&[L::T]; K], i: usize, n: usize) -> [L::V; K] {
    let mut v = [l.splat(L::T::default()); K];
    for k in 0..K {
        // SAFETY: the caller vouches for the elements.
        v[k] = unsafe { l.load_or(x[k].as_ptr().add(i), n, L::T::default()) };
    }
    v
}

/// y ← the first of f(x...), and the sum of the second, over the elements of equally long rows.
#[inline(always)]
pub(super) fn map_sum<L: Lanes, const K: usize>(
    l: L,
    x: [&[L::T]; K],
    y: &mut [L::T],
    f: impl Fn([L::V; K]) -> (L::V, L::V),
) -> L::T {
    let n = y.len();
    assert!(x.iter().all(|x| x.len() == n), "rows differ in length");
    let zero = L::T::default();
    let mut sum = l.splat(zero);
    let mut i = 0;
    // SAFETY: all rows have n elements; i + LANES ≤ n in the loop, and n − i are left after it.
    unsafe {
        while i + L::LANES <= n {
            let (v, term) = f(load_all(l, &x, i));
            l.store(y.as_mut_ptr().add(i), v);
            sum = l.add(sum, term);
            i += L::LANES;
        }
        if i < n {
            let (v, term) = f(load_rest(l, &x, i, n - i));
            l.store_first(y.as_mut_ptr().add(i), n - i, v);
            sum = l.add(sum, l.keep(term, n - i, zero));
        }
    }
    l.sum(sum)
}

/// y ← y · factor.
#[inline(always)]
pub(super) fn scale<L: Lanes>(l: L, y: &mut [L::T], factor: L::T) {
    let (n, factor) = (y.len(), l.splat(factor));
    let p = y.as_mut_ptr();
    let mut i = 0;
    // SAFETY: i + LANES ≤ n in the loop, and n − i elements are left after it.
    unsafe {
        while i + L::LANES <= n {
            l.store(p.add(i), l.mul(l.load(p.add(i)), factor));
            i += L::LANES;
        }
        if i < n {
            let v = l.load_or(p.add(i), n - i, L::T::default());
            l.store_first(p.add(i), n - i, l.mul(v, factor));
        }
    }
}
