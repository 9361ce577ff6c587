//! Sums over neighbouring channels.

use crate::dispatch;
use crate::isa::{Isa, Real};
use crate::mem::TileMut;

/// `y[r, c] = Σ x[r, j]` over the channels j with |j − c| ≤ `radius`; `x` and `y` have rows of `y.cols()` channels.
///
/// # Panics
/// If `x` does not have as many elements as `y`, or the rows of `y` do not touch.
pub fn window_sum<T: Real>(isa: Isa, radius: usize, x: &[T], y: TileMut<T>) {
    dispatch!(isa, _s => rows(radius, x, y));
}

#[inline(always)]
fn rows<T: Real>(radius: usize, x: &[T], mut y: TileMut<T>) {
    let c = y.cols();
    let y = y.as_slice();
    assert_eq!(x.len(), y.len(), "rows of channels");
    if y.is_empty() {
        return;
    }
    for (x, y) in x.chunks_exact(c).zip(y.chunks_exact_mut(c)) {
        y.copy_from_slice(x);
        for distance in 1..=radius.min(c - 1) {
            let kept = c - distance;
            for i in 0..kept {
                y[i] = y[i] + x[distance..][i];
            }
            let (x, y) = (&x[..kept], &mut y[distance..]);
            for i in 0..kept {
                y[i] = y[i] + x[i];
            }
        }
    }
}
