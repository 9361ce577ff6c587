//! Where the boxes that can overlap a box by more than a threshold lie.
//!
//! Of two boxes whose overlap is more than t > 0
//! - neither has an area of less than t times that of the other, as the shared area is at most the smaller one;
//! - the horizontal extents overlap by more than t themselves, as do the vertical ones: the shared area is the shared width
//!   times the shared height, and along that height the union is as wide as the union of the extents. Extents of widths v and
//!   w whose centres are d apart share (v + w)/2 − d and cover (v + w)/2 + d, so that d < (v + w)/2 · (1 − t)/(1 + t); and as
//!   v ≤ w/t, also d < w · (1 − t)/(2t).
//!
//! So boxes are sorted onto levels by area, and on each level into cells by centre. Bounds are widened by [`SLACK`], which is
//! more than rounding in either type can move them.

use super::rank::Score;
use super::shelf::{Overlaps, Shelf, Sized};
use crate::isa::Real;

/// Relative widening of bounds.
const SLACK: f64 = 1e-5;
/// Most levels; further apart, several powers of 4 share one.
const LEVELS: i64 = 24;
/// Sides of a cell in the typical sides of its level.
const CELL: f64 = 1.0;
/// Boxes for each cell, at least.
const MEMBERS: f64 = 8.0;

/// The cell of boxes without area, which overlap nothing.
const NOWHERE: usize = u32::MAX as usize;

/// One level's cells, which lie in rows.
#[derive(Clone, Copy, Default)]
struct Level {
    first: usize,
    columns: usize,
    rows: usize,
    left: f64,
    top: f64,
    per_x: f64,
    per_y: f64,
    /// The greatest extents of its boxes.
    width: f64,
    height: f64,
}

/// Places of one cell's boxes on the shelf.
#[derive(Clone, Copy, Default)]
struct Cell {
    start: u32,
    len: u32,
}

/// Boxes kept so far, where others find them.
pub(super) struct Grid<T> {
    levels: Vec<Level>,
    cells: Vec<Cell>,
    shelf: Shelf<T>,
    /// The cell of each box, or [`NOWHERE`].
    cell_of_box: Vec<u32>,
    /// The exponent of area at which the lowest level begins, and exponents of each level.
    lowest: i64,
    step: i64,
    threshold: f64,
    /// Rounding of centres.
    absolute: f64,
}

/// ⌊log₂ x⌋ of a positive normal number.
#[inline(always)]
fn exponent(x: f64) -> i64 {
    (x.to_bits() >> 52) as i64 - 1023
}

#[derive(Clone, Copy)]
struct Extent {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

#[inline(always)]
fn extent<T: Real>(b: &Sized<T>) -> Extent {
    let (left, top, right, bottom) = (b[0].to_f64(), b[1].to_f64(), b[2].to_f64(), b[3].to_f64());
    Extent { x: (left + right) * 0.5, y: (top + bottom) * 0.5, width: right - left, height: bottom - top }
}

impl<T: Score> Grid<T> {
    /// An empty grid for some boxes; None if some are so small that their areas are too much rounded for the
    /// bounds above.
    #[inline(always)]
    pub fn new(boxes: &[Sized<T>], threshold: f64) -> Option<Self> {
        let (mut least, mut most) = (f64::INFINITY, 0.0f64);
        let mut reach = 0.0f64;
        for b in boxes {
            let area = area(b);
            if area > 0.0 {
                least = least.min(area);
                most = most.max(area);
            }
            reach = b[..4].iter().fold(reach, |m, x| m.max(x.to_f64().abs()));
        }
        if least < T::SMALL {
            return None;
        }
        if most == 0.0 {
            least = 1.0;
            most = 1.0;
        }
        // Each level is a factor of 4 in area, 2 in side, or several.
        let (lowest, highest) = (exponent(least), exponent(most));
        let step = 2 * ((highest - lowest) / (2 * LEVELS) + 1);
        let levels = vec![Level::default(); ((highest - lowest) / step + 1) as usize];
        // Singles are exact as doubles, and so are their centres nearly; doubles round them.
        let absolute = reach * 8.0 * f64::EPSILON;
        // Shared areas that round to nothing, or from it, matter to thresholds near 0 alone: there any overlap counts.
        let threshold = if threshold < SLACK { 0.0 } else { threshold * (1.0 - SLACK) };
        let mut grid = Self {
            levels,
            cells: Vec::new(),
            shelf: Shelf::new(0),
            cell_of_box: Vec::new(),
            lowest,
            step,
            threshold,
            absolute,
        };
        grid.lay_out(boxes);
        Some(grid)
    }

    #[inline(always)]
    fn level_of(&self, area: f64) -> usize {
        (((exponent(area) - self.lowest).max(0) / self.step) as usize).min(self.levels.len() - 1)
    }

    #[inline(always)]
    fn lay_out(&mut self, boxes: &[Sized<T>]) {
        let mut bounds = vec![[f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY]; self.levels.len()];
        let mut members = vec![0usize; self.levels.len()];
        for b in boxes {
            let area = area(b);
            if area > 0.0 {
                let (l, e) = (self.level_of(area), extent(b));
                let [left, top, right, bottom] = &mut bounds[l];
                (*left, *right) = (left.min(e.x), right.max(e.x));
                (*top, *bottom) = (top.min(e.y), bottom.max(e.y));
                members[l] += 1;
                let level = &mut self.levels[l];
                (level.width, level.height) = (level.width.max(e.width), level.height.max(e.height));
            }
        }
        let mut first = 0;
        for (l, level) in self.levels.iter_mut().enumerate() {
            let [left, top, right, bottom] = bounds[l];
            let side = CELL * 2f64.powi(((self.lowest + self.step * l as i64 + self.step / 2) / 2) as i32);
            let most = members[l].max(1) as f64;
            let across = |low: f64, high: f64| ((high - low) / side).clamp(0.0, most);
            let (mut columns, mut rows) = (across(left, right), across(top, bottom));
            let scale = (most / MEMBERS / ((columns + 1.0) * (rows + 1.0))).sqrt().min(1.0);
            (columns, rows) = ((columns * scale).floor() + 1.0, (rows * scale).floor() + 1.0);
            let per = |low: f64, high: f64, n: f64| if high > low { n / (high - low) } else { 0.0 };
            (level.first, level.columns, level.rows) = (first, columns as usize, rows as usize);
            (level.left, level.top) = if members[l] > 0 { (left, top) } else { (0.0, 0.0) };
            (level.per_x, level.per_y) = (per(left, right, columns), per(top, bottom, rows));
            first += level.columns * level.rows;
        }
        self.cells = vec![Cell::default(); first];
        self.reserve(boxes);
    }

    /// Gives each cell as many places on the shelf as boxes may come.
    #[inline(always)]
    fn reserve(&mut self, boxes: &[Sized<T>]) {
        self.cell_of_box.reserve(boxes.len());
        for b in boxes {
            let cell = if area(b) > 0.0 { self.cell_of(b) } else { NOWHERE };
            self.cell_of_box.push(cell as u32);
            if cell != NOWHERE {
                self.cells[cell].start += 1;
            }
        }
        let mut start = 0;
        for cell in &mut self.cells {
            start += std::mem::replace(&mut cell.start, start);
        }
        self.shelf = Shelf::new(start as usize);
    }

    #[inline(always)]
    fn cell_of(&self, b: &Sized<T>) -> usize {
        let (level, e) = (&self.levels[self.level_of(area(b))], extent(b));
        let column = place(e.x, level.left, level.per_x, level.columns);
        let row = place(e.y, level.top, level.per_y, level.rows);
        level.first + row * level.columns + column
    }

    /// Adds box `i` of those that the grid was made for.
    #[inline(always)]
    pub fn put(&mut self, i: usize, b: &Sized<T>) {
        if let Some(cell) = self.cells.get_mut(self.cell_of_box[i] as usize) {
            self.shelf.put((cell.start + cell.len) as usize, b);
            cell.len += 1;
        }
    }

    /// Whether the overlap of box `i` with a box in the grid is above the threshold.
    #[inline(always)]
    pub fn any_above<L: Overlaps<T>>(&self, lanes: L, i: usize, b: &Sized<T>, threshold: T) -> bool {
        let Some(cell) = self.cells.get(self.cell_of_box[i] as usize) else { return false };
        let area = area(b);
        let t = self.threshold;
        let e = extent(b);
        let from = self.level_of((area * t).max(f64::MIN_POSITIVE));
        let to = if t > 0.0 { self.level_of((area / t).min(f64::MAX)) } else { self.levels.len() - 1 };
        // Its own cell and level first: there most that are dropped find their reason.
        let own = self.level_of(area);
        if self.any_in_cells(lanes, &[*cell], b, threshold) || self.any_in_level(lanes, own, b, e, t, threshold) {
            return true;
        }
        for l in from..=to {
            if l != own && self.any_in_level(lanes, l, b, e, t, threshold) {
                return true;
            }
        }
        false
    }

    #[inline(always)]
    fn any_in_level<L: Overlaps<T>>(&self, lanes: L, l: usize, b: &Sized<T>, e: Extent, t: f64, threshold: T) -> bool {
        let level = &self.levels[l];
        let reach = |own: f64, most: f64| {
            let by_both = (own + most) * 0.5 * ((1.0 - t) / (1.0 + t));
            let by_own = own * ((1.0 - t) / (2.0 * t)); // infinite without a threshold
            by_both.min(by_own) * (1.0 + SLACK) + self.absolute
        };
        let (dx, dy) = (reach(e.width, level.width), reach(e.height, level.height));
        let column = |x: f64| place(x, level.left, level.per_x, level.columns);
        let row = |y: f64| place(y, level.top, level.per_y, level.rows);
        let (from, to) = (column(e.x - dx), column(e.x + dx));
        for r in row(e.y - dy)..=row(e.y + dy) {
            let cells = &self.cells[level.first + r * level.columns..][from..=to];
            if self.any_in_cells(lanes, cells, b, threshold) {
                return true;
            }
        }
        false
    }

    /// Looks at cells that follow each other: a vector reaches over the end of one, into boxes of the next or empty places.
    #[inline(always)]
    fn any_in_cells<L: Overlaps<T>>(&self, lanes: L, cells: &[Cell], b: &Sized<T>, threshold: T) -> bool {
        let mut done = 0;
        for cell in cells {
            let end = cell.start + cell.len;
            done = done.max(cell.start);
            while done < end {
                if lanes.any_above(&self.shelf, done as usize, b, threshold) {
                    return true;
                }
                done += L::LANES as u32;
            }
        }
        false
    }
}

/// The number of the cell that a position lies in, of `count` that begin at `first`.
#[inline(always)]
fn place(x: f64, first: f64, per: f64, count: usize) -> usize {
    // The conversion takes numbers below 0, and NaN, to 0.
    (((x - first) * per) as usize).min(count - 1)
}

/// The area; 0 if it is too great for its type, as the overlap with such a box is 0 or NaN.
#[inline(always)]
fn area<T: Real>(b: &Sized<T>) -> f64 {
    let area = b[4].to_f64();
    if area < f64::INFINITY { area } else { 0.0 }
}
