//! Non-maximum suppression: from the best box on, those that overlap a better one that was kept are dropped.

use super::grid::Grid;
use super::rank::Score;
use super::shelf::{Doubles, Overlaps, Shelf, Singles, sized};
use crate::dispatch;
use crate::isa::Isa;
use crate::mem::Stop;

/// Kept boxes that are looked at one after another before a grid is made for them.
const BEFORE_GRID: usize = 96;
/// Candidates between two looks at whether the user asked to stop.
const BETWEEN_LOOKS: usize = 1 << 8;

/// When a box is dropped, and how many are kept.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Limits<T> {
    /// Dropped if its intersection over union with a better one is above; from 0 to 1.
    pub threshold: T,
    /// The most boxes that are kept.
    pub most: usize,
}

/// A floating-point type of boxes.
pub trait Coordinate: Score {
    /// [`nms`].
    fn nms(isa: Isa, boxes: &[Self], order: &[u32], limits: Limits<Self>, stop: Stop<'_>) -> Vec<u32>;
}

impl Coordinate for f32 {
    fn nms(isa: Isa, boxes: &[f32], order: &[u32], limits: Limits<f32>, stop: Stop<'_>) -> Vec<u32> {
        dispatch!(isa, s => suppress(Singles(s), boxes, order, limits, stop))
    }
}

impl Coordinate for f64 {
    fn nms(isa: Isa, boxes: &[f64], order: &[u32], limits: Limits<f64>, stop: Stop<'_>) -> Vec<u32> {
        dispatch!(isa, s => {
            let _ = s;
            suppress(Doubles, boxes, order, limits, stop)
        })
    }
}

/// Places in `order` of the boxes that are kept, ascending. `order` names checked boxes, the best first; once `stop` says so the
/// result is cut short.
///
/// # Panics
/// If `order` names a box that is not there.
pub fn nms<T: Coordinate>(isa: Isa, boxes: &[T], order: &[u32], limits: Limits<T>, stop: Stop<'_>) -> Vec<u32> {
    T::nms(isa, boxes, order, limits, stop)
}

#[inline(always)]
fn suppress<T: Score, L: Overlaps<T>>(
    lanes: L,
    boxes: &[T],
    order: &[u32],
    limits: Limits<T>,
    stop: Stop<'_>,
) -> Vec<u32> {
    let mut kept = Vec::new();
    let next = one_after_another(lanes, boxes, order, limits, BEFORE_GRID, &mut kept, stop);
    if next < order.len() && kept.len() < limits.most && !near(lanes, boxes, order, next, limits, &mut kept, stop) {
        kept.clear();
        one_after_another(lanes, boxes, order, limits, limits.most, &mut kept, stop);
    }
    kept
}

/// Looks at all kept boxes for each candidate, up to `most` of them. Returns the place of the first candidate that is left.
#[inline(always)]
fn one_after_another<T: Score, L: Overlaps<T>>(
    lanes: L,
    boxes: &[T],
    order: &[u32],
    limits: Limits<T>,
    most: usize,
    kept: &mut Vec<u32>,
    stop: Stop<'_>,
) -> usize {
    let most = most.min(limits.most);
    let mut shelf = Shelf::new(BEFORE_GRID);
    for (place, &i) in order.iter().enumerate() {
        if place % BETWEEN_LOOKS == 0 && stop() {
            return order.len();
        }
        let b = sized(boxes, i);
        let mut seen = 0;
        while seen < kept.len() && !lanes.any_above(&shelf, seen, &b, limits.threshold) {
            seen += L::LANES;
        }
        if seen < kept.len() {
            continue;
        }
        if kept.len() == most {
            return place;
        }
        if kept.len() == shelf.places() {
            shelf.grow(2 * kept.len());
        }
        shelf.put(kept.len(), &b);
        kept.push(place as u32);
    }
    order.len()
}

/// Looks at the kept boxes near each candidate from `next` on; false, and nothing done, if the boxes are too small for a grid.
#[inline(always)]
fn near<T: Score, L: Overlaps<T>>(
    lanes: L,
    boxes: &[T],
    order: &[u32],
    next: usize,
    limits: Limits<T>,
    kept: &mut Vec<u32>,
    stop: Stop<'_>,
) -> bool {
    let early = kept.len();
    let get = |i: usize| {
        let place = if i < early { kept[i] as usize } else { next + i - early };
        sized(boxes, order[place])
    };
    let Some(mut grid) = Grid::new(early + order.len() - next, get, limits.threshold.to_f64()) else { return false };
    for &place in kept.iter() {
        grid.put(&sized(boxes, order[place as usize]));
    }
    for place in next..order.len() {
        if kept.len() == limits.most || (place % BETWEEN_LOOKS == 0 && stop()) {
            break;
        }
        let b = sized(boxes, order[place]);
        if !grid.any_above(lanes, &b, limits.threshold) {
            grid.put(&b);
            kept.push(place as u32);
        }
    }
    true
}
