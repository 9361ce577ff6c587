//! What boxes and scores must be.

use crate::isa::Real;

/// The first thing wrong with boxes and their scores: the place of the box.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// A side that is NaN or infinite.
    NotFinite(usize),
    /// A right side before the left one, or a bottom above the top.
    Inverted(usize),
    /// A score that is NaN or infinite.
    Score(usize),
}

#[inline(always)]
fn is_finite<T: Real>(x: T) -> bool {
    // Nought times an infinity or NaN is NaN.
    x * T::default() == T::default()
}

/// The first fault of `boxes`, four numbers for each score.
///
/// # Errors
/// The fault.
///
/// # Panics
/// If there are not four numbers for each score.
pub fn check<T: Real>(boxes: &[T], scores: &[T]) -> Result<(), Fault> {
    assert_eq!(boxes.len(), 4 * scores.len(), "four sides for each score");
    // One pass without branches tells whether a second must look for the place.
    let mut right = true;
    for (b, &score) in boxes.chunks_exact(4).zip(scores) {
        right &= (b[0] <= b[2]) & (b[1] <= b[3]) & b.iter().fold(is_finite(score), |all, &x| all & is_finite(x));
    }
    if right {
        return Ok(());
    }
    for (i, (b, &score)) in boxes.chunks_exact(4).zip(scores).enumerate() {
        if !b.iter().all(|&x| is_finite(x)) {
            return Err(Fault::NotFinite(i));
        }
        if b[0] > b[2] || b[1] > b[3] {
            return Err(Fault::Inverted(i));
        }
        if !is_finite(score) {
            return Err(Fault::Score(i));
        }
    }
    Ok(())
}
