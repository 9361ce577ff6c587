//! Non-maximum suppression: from the best box on, those that overlap a better one that was kept are dropped.

use super::grid::Grid;
use super::rank::{Score, ranks};
use super::shelf::{Doubles, Overlaps, Shelf, Singles, Sized, WIDEST, WideSingles, ranked, ratio, sized};
use crate::dispatch;
use crate::isa::Isa;
use crate::mem::Stop;

/// Kept boxes that are looked at one after another before a grid is made for them.
const BEFORE_GRID: usize = 96;
/// Candidates that are too few for a grid to pay.
const WITHOUT_GRID: usize = 768;
/// Candidates between two looks at whether the user asked to stop.
const BETWEEN_LOOKS: usize = 1 << 8;
/// Below this many boxes all are sorted at once.
const FEW: usize = 512;
/// A round that drops less than this part of all boxes is the last one before they are sorted, which costs a dozen rounds.
const ROUND_PAYS: usize = 20;

/// When a box is dropped, and how many are kept.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Limits<T> {
    /// Only boxes with scores above are looked at.
    pub least: Option<T>,
    /// Dropped if its intersection over union with a better one is above; from 0 to 1.
    pub threshold: T,
    /// The most boxes that are kept.
    pub most: usize,
}

/// A floating-point type of boxes.
pub trait Coordinate: Score {
    /// [`nms`].
    fn nms(isa: Isa, boxes: &[Self], scores: &[Self], limits: Limits<Self>, stop: Stop<'_>) -> Vec<u32>;

    /// [`extreme_nms`].
    fn extreme_nms(isa: Isa, boxes: &[Self], scores: &[Self], limits: Limits<Self>, stop: Stop<'_>) -> Vec<u32>;
}

impl Coordinate for f32 {
    fn nms(isa: Isa, boxes: &[f32], scores: &[f32], limits: Limits<f32>, stop: Stop<'_>) -> Vec<u32> {
        dispatch!(isa, s => suppress(Singles(s), boxes, scores, limits, stop))
    }

    fn extreme_nms(isa: Isa, boxes: &[f32], scores: &[f32], limits: Limits<f32>, stop: Stop<'_>) -> Vec<u32> {
        let (boxes, scores) = (widened(boxes), widened(scores));
        let Limits { least, threshold, most } = limits;
        let limits = Limits { least: least.map(f64::from), threshold: f64::from(threshold), most };
        dispatch!(isa, s => {
            let _ = s;
            suppress(WideSingles, &boxes, &scores, limits, stop)
        })
    }
}

impl Coordinate for f64 {
    fn nms(isa: Isa, boxes: &[f64], scores: &[f64], limits: Limits<f64>, stop: Stop<'_>) -> Vec<u32> {
        dispatch!(isa, s => {
            let _ = s;
            suppress(Doubles, boxes, scores, limits, stop)
        })
    }

    fn extreme_nms(isa: Isa, boxes: &[f64], scores: &[f64], limits: Limits<f64>, stop: Stop<'_>) -> Vec<u32> {
        nms(isa, &enlarged(boxes), scores, limits, stop)
    }
}

/// Singles as doubles.
pub(super) fn widened(singles: &[f32]) -> Vec<f64> {
    singles.iter().map(|&x| f64::from(x)).collect()
}

/// Boxes times a power of two, by which the longest width or height is about the longest one whose area is ordinary.
pub(super) fn enlarged(boxes: &[f64]) -> Vec<f64> {
    // Halves, as a whole length may overflow.
    let half = |b: &[f64]| (0.5 * b[2] - 0.5 * b[0]).max(0.5 * b[3] - 0.5 * b[1]);
    let longest = boxes.chunks_exact(4).map(half).fold(0.0, f64::max);
    if longest == 0.0 {
        return boxes.to_vec();
    }
    let power = f64::LONGEST.log2() as i32 - 2 - longest.log2() as i32;
    // In two steps: the power may be beyond doubles.
    let (first, second) = (2f64.powi(power / 2), 2f64.powi(power - power / 2));
    boxes.iter().map(|x| x * first * second).collect()
}

/// [`nms`] of boxes some of whose [areas](super::Areas) may be extreme: singles are computed as doubles, their overlaps rounded to
/// singles; doubles are enlarged or shrunk first.
///
/// # Panics
/// As [`nms`].
pub fn extreme_nms<T: Coordinate>(isa: Isa, boxes: &[T], scores: &[T], limits: Limits<T>, stop: Stop<'_>) -> Vec<u32> {
    assert_eq!(boxes.len(), 4 * scores.len(), "four sides for each score");
    T::extreme_nms(isa, boxes, scores, limits, stop)
}

/// Numbers of the boxes that are kept, the best first, of equal ones the first. The boxes are [checked](super::check), their areas taken as
/// their type has them; once `stop` says so the result is cut short.
///
/// # Panics
/// If there are not four sides for each score.
pub fn nms<T: Coordinate>(isa: Isa, boxes: &[T], scores: &[T], limits: Limits<T>, stop: Stop<'_>) -> Vec<u32> {
    assert_eq!(boxes.len(), 4 * scores.len(), "four sides for each score");
    T::nms(isa, boxes, scores, limits, stop)
}

#[inline(always)]
fn suppress<T: Score, L: Overlaps<T>>(
    lanes: L,
    boxes: &[T],
    scores: &[T],
    limits: Limits<T>,
    stop: Stop<'_>,
) -> Vec<u32> {
    let (mut kept, order) = if scores.len() < FEW {
        (Vec::new(), ranks(scores, limits.least))
    } else {
        rounds(lanes, boxes, scores, limits, stop)
    };
    let first = kept.len();
    let before_grid = if order.len() > WITHOUT_GRID { BEFORE_GRID } else { order.len() };
    let next = one_after_another(lanes, boxes, &order, limits, before_grid, &mut kept, first, stop);
    if next < order.len()
        && kept.len() < limits.most
        && !in_grid(lanes, boxes, &order[next..], limits, &mut kept, first, stop)
    {
        kept.truncate(first);
        one_after_another(lanes, boxes, &order, limits, limits.most, &mut kept, first, stop);
    }
    kept
}

/// Takes the best box and drops what overlaps it, as long as much is dropped. Returns the boxes taken, and the ranks of those left.
#[inline(always)]
fn rounds<T: Score, L: Overlaps<T>>(
    lanes: L,
    boxes: &[T],
    scores: &[T],
    limits: Limits<T>,
    stop: Stop<'_>,
) -> (Vec<u32>, Vec<u32>) {
    let gone = T::NEG_INFINITY;
    let least = limits.least.unwrap_or(gone);
    let mut kept = Vec::new();
    // As many as vectors reach.
    let mut left = vec![gone; scores.len() + WIDEST];
    for i in 0..scores.len() {
        left[i] = if scores[i] > least { scores[i] } else { gone };
    }
    let mut best = first_of_the_greatest(&left);
    if left[best] == gone || !pays(boxes, &sized(boxes, best as u32), limits.threshold) {
        return (kept, ranks(scores, limits.least));
    }
    let shelf = Shelf::of(boxes);
    while left[best] > gone && kept.len() < limits.most && !stop() {
        kept.push(best as u32);
        left[best] = gone;
        let b = sized(boxes, best as u32);
        let mut dropped = 0;
        for place in (0..scores.len()).step_by(L::LANES) {
            dropped += lanes.drop_above(&shelf, place, &b, limits.threshold, &mut left[place..]) as usize;
        }
        if dropped < scores.len() / ROUND_PAYS {
            break;
        }
        best = first_of_the_greatest(&left);
    }
    (kept, ranks(&left, Some(gone)))
}

/// Whether a sample of boxes says that a round drops enough.
#[inline(always)]
fn pays<T: Score>(boxes: &[T], b: &Sized<T>, threshold: T) -> bool {
    const SAMPLE: usize = 256;
    let step = boxes.len() / 4 / SAMPLE + 1;
    let (mut seen, mut dropped) = (0, 0);
    for i in (0..boxes.len() / 4).step_by(step) {
        seen += 1;
        dropped += usize::from(ratio(&sized(boxes, i as u32), b) > threshold);
    }
    dropped >= seen / ROUND_PAYS
}

/// The place of the greatest number, the first of equal ones.
#[inline(always)]
fn first_of_the_greatest<T: Score>(x: &[T]) -> usize {
    const BLOCK: usize = 32;
    let (blocks, rest) = x.as_chunks::<BLOCK>();
    let mut all = [T::NEG_INFINITY; BLOCK];
    for block in blocks {
        for i in 0..BLOCK {
            all[i] = if block[i] > all[i] { block[i] } else { all[i] };
        }
    }
    let mut greatest = T::NEG_INFINITY;
    for i in 0..BLOCK {
        greatest = if all[i] > greatest { all[i] } else { greatest };
    }
    for i in 0..rest.len() {
        greatest = if rest[i] > greatest { rest[i] } else { greatest };
    }
    let mut from = 0;
    for block in blocks {
        let mut here = 0;
        for i in 0..BLOCK {
            here |= u32::from(block[i] == greatest);
        }
        if here != 0 {
            break;
        }
        from += BLOCK;
    }
    from + x[from..].iter().position(|&x| x == greatest).unwrap_or(0)
}

/// Looks for each candidate at all boxes kept from `first` on, up to `most` of them. Returns the place of the first candidate left.
#[inline(always)]
fn one_after_another<T: Score, L: Overlaps<T>>(
    lanes: L,
    boxes: &[T],
    order: &[u32],
    limits: Limits<T>,
    most: usize,
    kept: &mut Vec<u32>,
    first: usize,
    stop: Stop<'_>,
) -> usize {
    let mut shelf = Shelf::new(BEFORE_GRID);
    for place in 0..order.len() {
        if place % BETWEEN_LOOKS == 0 && stop() {
            return order.len();
        }
        let b = ranked(boxes, order, place);
        let count = kept.len() - first;
        let mut seen = 0;
        while seen < count && !lanes.any_above(&shelf, seen, &b, limits.threshold) {
            seen += L::LANES;
        }
        if seen < count {
            continue;
        }
        if count == most || kept.len() == limits.most {
            return place;
        }
        if count == shelf.places() {
            shelf.grow(2 * count);
        }
        shelf.put(count, &b);
        kept.push(order[place]);
    }
    order.len()
}

/// Looks for each candidate at the boxes near it among those kept from `first` on. False, and nothing done, if the boxes are too
/// small for a grid.
#[inline(always)]
fn in_grid<T: Score, L: Overlaps<T>>(
    lanes: L,
    boxes: &[T],
    order: &[u32],
    limits: Limits<T>,
    kept: &mut Vec<u32>,
    first: usize,
    stop: Stop<'_>,
) -> bool {
    let early = kept.len() - first;
    let mut all: Vec<Sized<T>> = Vec::with_capacity(early + order.len());
    for &i in &kept[first..] {
        all.push(sized(boxes, i));
    }
    for place in 0..order.len() {
        all.push(ranked(boxes, order, place));
    }
    let Some(mut grid) = Grid::new(&all, limits.threshold.to_f64()) else { return false };
    for i in 0..early {
        grid.put(i, &all[i]);
    }
    for i in early..all.len() {
        if kept.len() == limits.most || (i % BETWEEN_LOOKS == 0 && stop()) {
            break;
        }
        if !grid.any_above(lanes, i, &all[i], limits.threshold) {
            grid.put(i, &all[i]);
            kept.push(order[i - early]);
        }
    }
    true
}
