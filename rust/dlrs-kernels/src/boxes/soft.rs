//! Soft non-maximum suppression: boxes that overlap a better one lose score instead of being dropped (Bodla et al. 2017, "Soft-NMS
//! — improving object detection with one line of code", arXiv 1704.04503).

use std::collections::BinaryHeap;

use super::hard::{enlarged, widened};
use super::rank::Score;
use super::shelf::{Doubles, Overlaps, Shelf, Singles, Sized, WIDEST, WideSingles, sized};
use crate::dispatch;
use crate::isa::{Isa, Real};
use crate::mem::Stop;

/// What is left of a score beside a better box.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Decay {
    /// 1 − o of it, if the overlap o is above the threshold.
    Linear(f64),
    /// exp(−o²/σ) of it.
    Gaussian(f64),
}

impl Decay {
    #[inline(always)]
    fn share<T: Real>(self, overlap: T) -> T {
        match self {
            Decay::Linear(threshold) if overlap.to_f64() > threshold => T::of(1.0) - overlap,
            Decay::Linear(_) => T::of(1.0),
            Decay::Gaussian(sigma) => {
                let overlap = overlap.to_f64();
                T::of((-(overlap * overlap) / sigma).exp())
            }
        }
    }
}

/// A box whose score is at most what the key says, less what boxes kept from `seen` on take.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    // The order of the fields makes the heap's greatest the best score, of equal ones the first box.
    key: std::cmp::Reverse<u64>,
    number: std::cmp::Reverse<u32>,
    seen: u32,
}

/// Numbers of boxes, and what is left of their scores.
type Left<T> = Vec<(u32, T)>;

/// A type whose boxes lose score.
pub trait Softly: Score {
    /// [`soft_nms`].
    fn soft(
        isa: Isa,
        boxes: &[Self],
        scores: &[Self],
        decay: Decay,
        least: Self,
        most: usize,
        stop: Stop<'_>,
    ) -> Left<Self>;

    /// [`extreme_soft_nms`].
    fn extreme_soft(
        isa: Isa,
        boxes: &[Self],
        scores: &[Self],
        decay: Decay,
        least: Self,
        most: usize,
        stop: Stop<'_>,
    ) -> Left<Self>;
}

macro_rules! softly {
    ($t:ident, $extreme:ident, $s:ident => $lanes:expr) => { impl Softly for $t {
        fn soft(
            isa: Isa, boxes: &[$t], scores: &[$t], decay: Decay, least: $t, most: usize, stop: Stop<'_>,
        ) -> Left<$t> {
            dispatch!(isa, $s => {
                let _ = $s;
                fade($lanes, boxes, scores, decay, least, most, stop)
            })
        }

        fn extreme_soft(
            isa: Isa, boxes: &[$t], scores: &[$t], decay: Decay, least: $t, most: usize, stop: Stop<'_>,
        ) -> Left<$t> {
            $extreme(isa, boxes, scores, decay, least, most, stop)
        }
    } };
}
softly!(f32, extreme_singles, s => Singles(s));
softly!(f64, extreme_doubles, s => Doubles);

fn extreme_singles(
    isa: Isa,
    boxes: &[f32],
    scores: &[f32],
    decay: Decay,
    least: f32,
    most: usize,
    stop: Stop<'_>,
) -> Left<f32> {
    let (boxes, scores) = (widened(boxes), widened(scores));
    let left = dispatch!(isa, s => {
        let _ = s;
        fade(WideSingles, &boxes, &scores, decay, f64::from(least), most, stop)
    });
    left.into_iter().map(|(i, score)| (i, score as f32)).collect()
}

fn extreme_doubles(
    isa: Isa,
    boxes: &[f64],
    scores: &[f64],
    decay: Decay,
    least: f64,
    most: usize,
    stop: Stop<'_>,
) -> Left<f64> {
    soft_nms(isa, &enlarged(boxes), scores, decay, least, most, stop)
}

/// Numbers of at most `most` boxes with what is left of their scores, while that is above `least`: each time the best one is kept, of
/// equal ones the first, and the others lose score by it. The boxes are [checked](super::check), and scores are not negative; once `stop`
/// says so the result is cut short.
///
/// # Panics
/// If there are not four sides for each score.
pub fn soft_nms<T: Softly>(
    isa: Isa,
    boxes: &[T],
    scores: &[T],
    decay: Decay,
    least: T,
    most: usize,
    stop: Stop<'_>,
) -> Vec<(u32, T)> {
    assert_eq!(boxes.len(), 4 * scores.len(), "four sides for each score");
    T::soft(isa, boxes, scores, decay, least, most, stop)
}

/// [`soft_nms`] of boxes some of whose [areas](super::Areas) may be extreme: see [`extreme_nms`](super::extreme_nms).
///
/// # Panics
/// As [`soft_nms`].
pub fn extreme_soft_nms<T: Softly>(
    isa: Isa,
    boxes: &[T],
    scores: &[T],
    decay: Decay,
    least: T,
    most: usize,
    stop: Stop<'_>,
) -> Vec<(u32, T)> {
    assert_eq!(boxes.len(), 4 * scores.len(), "four sides for each score");
    T::extreme_soft(isa, boxes, scores, decay, least, most, stop)
}

/// Scores only fall, so a box waits with the score it had when it was last looked at, and is looked at again when it would be kept.
#[inline(always)]
fn fade<T: Score, L: Overlaps<T>>(
    lanes: L,
    boxes: &[T],
    scores: &[T],
    decay: Decay,
    least: T,
    most: usize,
    stop: Stop<'_>,
) -> Vec<(u32, T)> {
    const BETWEEN_LOOKS: usize = 1 << 8;
    let mut left = scores.to_vec();
    let waiting = |score: T, i: u32, seen: usize| Waiting {
        key: std::cmp::Reverse(score.key()),
        number: std::cmp::Reverse(i),
        seen: seen as u32,
    };
    let above = scores.iter().zip(0..).filter(|&(&s, _)| s > least);
    let mut heap: BinaryHeap<Waiting> = above.map(|(&s, i)| waiting(s, i, 0)).collect();
    let mut shelf = Shelf::new(1 << 8);
    let mut kept = Vec::new();
    for turn in 0usize.. {
        if kept.len() == most || (turn % BETWEEN_LOOKS == 0 && stop()) {
            break;
        }
        let Some(best) = heap.pop() else { break };
        let i = best.number.0;
        let (b, score) = (sized(boxes, i), left[i as usize]);
        let now = score_beside(lanes, &shelf, best.seen as usize..kept.len(), &b, score, decay);
        if now == score {
            if kept.len() == shelf.places() {
                shelf.grow(2 * kept.len());
            }
            shelf.put(kept.len(), &b);
            kept.push((i, score));
        } else if now > least {
            left[i as usize] = now;
            heap.push(waiting(now, i, kept.len()));
        }
    }
    kept
}

/// What is left of a score beside some kept boxes, in their order.
#[inline(always)]
fn score_beside<T: Real, L: Overlaps<T>>(
    lanes: L,
    shelf: &Shelf<T>,
    kept: std::ops::Range<usize>,
    b: &Sized<T>,
    mut score: T,
    decay: Decay,
) -> T {
    let mut overlaps = [T::default(); WIDEST];
    for start in kept.clone().step_by(L::LANES) {
        let mut bits = lanes.overlaps(shelf, start, b, &mut overlaps);
        while bits != 0 {
            let i = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            if start + i < kept.end {
                score = score * decay.share(overlaps[i]);
            }
        }
    }
    score
}
