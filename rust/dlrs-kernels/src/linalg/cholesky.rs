//! A = L·Lᵀ.

use super::{Singular, Stop, dot};

/// Replaces the n×n matrix `a`, of which the lower triangle is read, by its lower Cholesky factor. Ends early, with a part of it, if told to
/// stop.
///
/// # Errors
/// The order of the first leading minor that is not positive.
pub fn cholesky(n: usize, a: &mut [f64], stop: Stop<'_>) -> Result<(), Singular> {
    for i in 0..n {
        if stop() {
            break;
        }
        let (above, row) = a.split_at_mut(i * n);
        for j in 0..i {
            let other = &above[j * n..][..=j];
            row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
        }
        let square = row[i] - dot(&row[..i], &row[..i]);
        // Written so that NaN is refused too.
        if !(square > 0.0 && square.is_finite()) {
            return Err(Singular(i + 1));
        }
        row[i] = square.sqrt();
        row[i + 1..n].fill(0.0);
    }
    Ok(())
}
