//! Cross-entropy of logits against class indices or distributions, and its gradient.

use std::ops::Range;

use super::softmax::{exp_sum, map_sum, scale, sum_exp, sum_of};
use crate::isa::{Isa, Kernel, Lanes, Real};
use crate::mem::TileMut;
use crate::reduce::IndexElement;

/// A label that is no class.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadLabel {
    /// Its row.
    pub row: usize,
    /// What it was.
    pub label: i64,
}

/// The label of `row` as a column.
#[inline(always)]
fn class<I: IndexElement>(labels: &[I], row: usize, cols: usize) -> Result<usize, BadLabel> {
    let label = labels[row].to_i64();
    usize::try_from(label).ok().filter(|&c| c < cols).ok_or(BadLabel { row, label })
}

/// A multiple of every level's lanes.
const BATCH: usize = 16;

/// y ← y + ln x.
#[inline(always)]
fn add_logs<L: Lanes>(l: L, x: &[L::T; BATCH], y: &mut [L::T; BATCH]) {
    for i in (0..BATCH).step_by(L::LANES) {
        // SAFETY: LANES divides BATCH.
        unsafe {
            let log = l.log(l.load(x.as_ptr().add(i)));
            l.store(y.as_mut_ptr().add(i), l.add(log, l.load(y.as_ptr().add(i))));
        }
    }
}

/// `loss[r] ← ln Σⱼ e^x[r, j] − x[r, label[r]]`.
///
/// # Errors
/// The first label that is not in 0..cols; losses from its row on are not written.
///
/// # Panics
/// If `x` or `labels` has fewer rows, or `loss` another length than `rows`.
pub fn sparse_cross_entropy<T: Real, I: IndexElement>(
    isa: Isa,
    x: &[T],
    cols: usize,
    labels: &[I],
    rows: Range<usize>,
    loss: &mut [T],
) -> Result<(), BadLabel> {
    struct Rows<'a, T, I>(&'a [T], usize, &'a [I], Range<usize>, &'a mut [T]);
    impl<T: Real, I: IndexElement> Kernel<T> for Rows<'_, T, I> {
        type Output = Result<(), BadLabel>;
        #[inline(always)]
        fn run<L: Lanes<T = T>>(self, l: L) -> Self::Output {
            let Rows(x, cols, labels, rows, loss) = self;
            // The logarithms of a batch of rows are taken together.
            for (first, loss) in rows.step_by(BATCH).zip(loss.chunks_mut(BATCH)) {
                let (mut sums, mut rest) = ([T::of(1.0); BATCH], [T::default(); BATCH]);
                for i in 0..loss.len() {
                    let x = &x[(first + i) * cols..][..cols];
                    let c = class(labels, first + i, cols)?;
                    let (top, sum) = sum_exp(l, x);
                    (sums[i], rest[i]) = (sum, top - x[c]);
                }
                add_logs(l, &sums, &mut rest);
                loss.copy_from_slice(&rest[..loss.len()]);
            }
            Ok(())
        }
    }
    assert_eq!(loss.len(), rows.len(), "one loss per row");
    T::run(isa, Rows(x, cols, labels, rows, loss))
}

/// `dx[r, j] ← (softmax(x[r])[j] − (j = label[r])) · dloss[r]`: the gradient of [`sparse_cross_entropy`].
///
/// # Errors
/// The first label that is not in 0..cols; gradients from its row on are not written.
///
/// # Panics
/// If `x`, `labels` or `dloss` has fewer rows, or `dx` other measures.
pub fn sparse_cross_entropy_gradient<T: Real, I: IndexElement>(
    isa: Isa,
    x: &[T],
    cols: usize,
    labels: &[I],
    dloss: &[T],
    rows: Range<usize>,
    mut dx: TileMut<T>,
) -> Result<(), BadLabel> {
    struct Rows<'a, 'b, T: Real, I> {
        x: &'a [T],
        cols: usize,
        labels: &'a [I],
        dloss: &'a [T],
        rows: Range<usize>,
        dx: &'a mut TileMut<'b, T>,
    }
    impl<T: Real, I: IndexElement> Kernel<T> for Rows<'_, '_, T, I> {
        type Output = Result<(), BadLabel>;
        #[inline(always)]
        fn run<L: Lanes<T = T>>(self, l: L) -> Self::Output {
            for (r, row) in self.rows.enumerate() {
                let (x, dx) = (&self.x[row * self.cols..][..self.cols], self.dx.row(r));
                let c = class(self.labels, row, self.cols)?;
                let d = self.dloss[row];
                let sum = exp_sum(l, x, dx);
                scale(l, dx, d / sum);
                dx[c] = dx[c] - d;
            }
            Ok(())
        }
    }
    assert!(dx.rows() == rows.len() && dx.cols() == cols, "a gradient of {}x{cols}", rows.len());
    T::run(isa, Rows { x, cols, labels, dloss, rows, dx: &mut dx })
}

/// `loss[r] ← Σⱼ p[r, j] · (ln Σₖ e^x[r, k] − x[r, j])`.
///
/// # Panics
/// If `x` or `p` has fewer rows, or `loss` another length than `rows`.
pub fn cross_entropy<T: Real>(isa: Isa, x: &[T], cols: usize, p: &[T], rows: Range<usize>, loss: &mut [T]) {
    struct Rows<'a, T>(&'a [T], usize, &'a [T], Range<usize>, &'a mut [T]);
    impl<T: Real> Kernel<T> for Rows<'_, T> {
        type Output = ();
        #[inline(always)]
        fn run<L: Lanes<T = T>>(self, l: L) {
            let Rows(x, cols, p, rows, loss) = self;
            for (row, loss) in rows.zip(loss) {
                let (x, p) = (&x[row * cols..][..cols], &p[row * cols..][..cols]);
                let (top, sum) = sum_exp(l, x);
                let (top, log_sum) = (l.splat(top), l.log(l.splat(sum)));
                *loss = sum_of(
                    l,
                    [x, p],
                    #[inline(always)]
                    |[x, p]| l.mul(p, l.sub(log_sum, l.sub(x, top))),
                );
            }
        }
    }
    assert_eq!(loss.len(), rows.len(), "one loss per row");
    T::run(isa, Rows(x, cols, p, rows, loss));
}

/// `dx[r, j] ← (softmax(x[r])[j] · Σₖ p[r, k] − p[r, j]) · dloss[r]`: the gradient of [`cross_entropy`] with respect to the logits.
///
/// # Panics
/// If `x`, `p` or `dloss` has fewer rows, or `dx` other measures.
pub fn cross_entropy_gradient<T: Real>(
    isa: Isa,
    x: &[T],
    cols: usize,
    p: &[T],
    dloss: &[T],
    rows: Range<usize>,
    mut dx: TileMut<T>,
) {
    struct Rows<'a, 'b, T: Real> {
        x: &'a [T],
        cols: usize,
        p: &'a [T],
        dloss: &'a [T],
        rows: Range<usize>,
        dx: &'a mut TileMut<'b, T>,
    }
    impl<T: Real> Kernel<T> for Rows<'_, '_, T> {
        type Output = ();
        #[inline(always)]
        fn run<L: Lanes<T = T>>(self, l: L) {
            for (r, row) in self.rows.enumerate() {
                let (x, dx) = (&self.x[row * self.cols..][..self.cols], self.dx.row(r));
                let p = &self.p[row * self.cols..][..self.cols];
                let (top, sum) = sum_exp(l, x);
                let top = l.splat(top);
                let weight = sum_of(
                    l,
                    [p],
                    #[inline(always)]
                    |[p]| p,
                );
                let (factor, d) = (l.splat(weight / sum), l.splat(self.dloss[row]));
                map_sum(
                    l,
                    [x, p],
                    dx,
                    #[inline(always)]
                    |[x, p]| {
                        let softmax = l.mul(l.exp(l.sub(x, top)), factor);
                        (l.mul(l.sub(softmax, p), d), x)
                    },
                );
            }
        }
    }
    assert!(dx.rows() == rows.len() && dx.cols() == cols, "a gradient of {}x{cols}", rows.len());
    T::run(isa, Rows { x, cols, p, dloss, rows, dx: &mut dx });
}
