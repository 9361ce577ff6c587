//! What boxes and scores must be.

use super::rank::Score;
use crate::dispatch;
use crate::isa::{Isa, Real};

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

/// Whether areas are ordinary numbers of their type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Areas {
    /// None loses digits, and no sum of two overflows.
    Ordinary,
    /// Some may.
    Extreme,
}

/// The first fault of `boxes`, four numbers for each score; without one, what their areas are.
///
/// # Errors
/// The fault.
///
/// # Panics
/// If there are not four numbers for each score.
pub fn check<T: Score>(isa: Isa, boxes: &[T], scores: &[T]) -> Result<Areas, Fault> {
    assert_eq!(boxes.len(), 4 * scores.len(), "four sides for each score");
    // A first look in vectors tells whether a second one must find the place.
    let right = dispatch!(isa, s => {
        let _ = s;
        all_right(boxes, scores)
    });
    if right { Ok(Areas::Ordinary) } else { first_fault(boxes, scores).map(|()| areas(boxes)) }
}

/// What the areas of boxes without faults are.
pub(super) fn areas<T: Score>(boxes: &[T]) -> Areas {
    let mut extreme = 0;
    for b in boxes.chunks_exact(4) {
        extreme |= is_extreme(b[2] - b[0]) | is_extreme(b[3] - b[1]);
    }
    if extreme == 0 { Areas::Ordinary } else { Areas::Extreme }
}

/// 1 for a width or height that is negative, very short or very long.
#[inline(always)]
fn is_extreme<T: Score>(length: T) -> u32 {
    u32::from(length < T::SHORTEST) & u32::from(length != T::default()) | u32::from(length > T::LONGEST)
}

/// Nought times an infinity or NaN is NaN.
#[inline(always)]
fn is_finite<T: Real>(x: T) -> bool {
    x * T::default() == T::default()
}

/// Boxes looked at side by side.
const BLOCK: usize = 16;
/// 1 for a left side or a top, which stand two before their opposites.
const LEADS: [u32; 4 * BLOCK] = {
    let mut leads = [0; 4 * BLOCK];
    let mut i = 0;
    while i < 4 * BLOCK {
        leads[i] = (i % 4 < 2) as u32;
        i += 1;
    }
    leads
};

/// Whether boxes and scores have no faults, and areas are ordinary.
#[inline(always)]
fn all_right<T: Score>(boxes: &[T], scores: &[T]) -> bool {
    // A last box is left to the loop below, as nothing stands behind it.
    let blocks = scores.len().saturating_sub(1) / BLOCK;
    // Products with nought add up to nought, or to NaN.
    let mut sums = [T::default(); BLOCK];
    let mut extreme = 0;
    for k in 0..blocks {
        let (b, s) = (&boxes[4 * BLOCK * k..][..4 * BLOCK + 2], &scores[BLOCK * k..][..BLOCK]);
        for i in 0..BLOCK {
            let sum = s[i] + b[i] + b[BLOCK + i] + b[2 * BLOCK + i] + b[3 * BLOCK + i];
            sums[i] = sums[i] + sum * T::default();
        }
        for i in 0..4 * BLOCK {
            extreme |= LEADS[i] & is_extreme(b[i + 2] - b[i]);
        }
    }
    let mut finite = true;
    for x in sums {
        finite &= is_finite(x);
    }
    let whole = BLOCK * blocks;
    let rest = &boxes[4 * whole..];
    finite && extreme == 0 && first_fault(rest, &scores[whole..]).is_ok() && areas(rest) == Areas::Ordinary
}

fn first_fault<T: Real>(boxes: &[T], scores: &[T]) -> Result<(), Fault> {
    for (i, (b, &score)) in boxes.chunks_exact(4).zip(scores).enumerate() {
        if !(is_finite(b[0]) && is_finite(b[1]) && is_finite(b[2]) && is_finite(b[3])) {
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
