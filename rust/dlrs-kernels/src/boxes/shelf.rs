//! Boxes side by side, and a vector of them against one box.

use crate::isa::{Real, Simd, prefetch_l1};

/// A box: left, top, right, bottom, area.
pub(super) type Sized<T> = [T; 5];

/// Left, top, right and bottom of box `i`, with its area.
#[inline(always)]
pub(super) fn sized<T: Real>(boxes: &[T], i: u32) -> Sized<T> {
    let b = &boxes[4 * i as usize..][..4];
    [b[0], b[1], b[2], b[3], (b[2] - b[0]) * (b[3] - b[1])]
}

/// Intersection over union of two boxes; NaN if neither has an area.
#[inline(always)]
pub(super) fn ratio<T: Real>(a: &Sized<T>, b: &Sized<T>) -> T {
    let zero = T::default();
    let width = greater(lesser(a[2], b[2]) - greater(a[0], b[0]), zero);
    let height = greater(lesser(a[3], b[3]) - greater(a[1], b[1]), zero);
    let shared = width * height;
    shared / ((b[4] + a[4]) - shared)
}

#[inline(always)]
fn greater<T: Real>(x: T, y: T) -> T {
    if x > y { x } else { y }
}

#[inline(always)]
fn lesser<T: Real>(x: T, y: T) -> T {
    if x < y { x } else { y }
}

/// How far ahead boxes are fetched that are read in no order.
const AHEAD: usize = 16;

/// The box at `place` of `order`, and a fetch of one further on.
#[inline(always)]
pub(super) fn ranked<T: Real>(boxes: &[T], order: &[u32], place: usize) -> Sized<T> {
    if let Some(&later) = order.get(place + AHEAD) {
        prefetch_l1(&boxes[4 * later as usize]);
    }
    sized(boxes, order[place])
}

/// The most boxes that one vector holds.
pub(super) const WIDEST: usize = 16;

/// Places for boxes, side by side: an empty one holds a box without area at the origin, which overlaps nothing.
pub(super) struct Shelf<T> {
    sides: [Vec<T>; 5],
}

impl<T: Real> Shelf<T> {
    /// So many empty places, and a vector's worth behind them.
    pub fn new(places: usize) -> Self {
        Self { sides: std::array::from_fn(|_| vec![T::default(); places + WIDEST]) }
    }

    /// All of `boxes`, in their order.
    #[inline(always)]
    pub fn of(boxes: &[T]) -> Self {
        let n = boxes.len() / 4;
        let mut shelf = Self::new(n);
        let [left, top, right, bottom, area] = &mut shelf.sides;
        let (left, top, right) = (&mut left[..n], &mut top[..n], &mut right[..n]);
        let (bottom, area) = (&mut bottom[..n], &mut area[..n]);
        for i in 0..n {
            let b = &boxes[4 * i..4 * i + 4];
            (left[i], top[i], right[i], bottom[i]) = (b[0], b[1], b[2], b[3]);
        }
        for i in 0..n {
            area[i] = (right[i] - left[i]) * (bottom[i] - top[i]);
        }
        shelf
    }

    /// Adds empty places, so that there are so many.
    pub fn grow(&mut self, places: usize) {
        for side in &mut self.sides {
            side.resize(places + WIDEST, T::default());
        }
    }

    pub fn places(&self) -> usize {
        self.sides[0].len() - WIDEST
    }

    #[inline(always)]
    pub fn put(&mut self, place: usize, b: &Sized<T>) {
        for i in 0..5 {
            self.sides[i][place] = b[i];
        }
    }
}

/// Intersection over union of one box with a vector of boxes.
pub(super) trait Overlaps<T: Real>: Copy {
    /// Boxes of a vector.
    const LANES: usize;

    /// Whether the overlap with any of the boxes from `place` on is above `threshold`.
    fn any_above(self, shelf: &Shelf<T>, place: usize, b: &Sized<T>, threshold: T) -> bool;

    /// Takes what is left from those of the boxes from `place` on whose overlap is above `threshold`: -∞ remains. Returns how many had some.
    fn drop_above(self, shelf: &Shelf<T>, place: usize, b: &Sized<T>, threshold: T, left: &mut [T]) -> u32;

    /// The overlap with each of the boxes from `place` on; bit `i` of the result says whether that with box `i` is above 0.
    fn overlaps(self, shelf: &Shelf<T>, place: usize, b: &Sized<T>, to: &mut [T; WIDEST]) -> u32;
}

/// Singles, in the vectors of a level.
#[derive(Clone, Copy)]
pub(super) struct Singles<S: Simd>(pub S);

impl<S: Simd> Singles<S> {
    #[inline(always)]
    fn ratio(self, shelf: &Shelf<f32>, place: usize, b: &Sized<f32>) -> S::F32 {
        let s = self.0;
        // Spelled out: a closure that is not inlined would be compiled without the level's instructions.
        let [left, top, right, bottom, area] = &shelf.sides;
        let (left, top) = (s.load(&left[place..]), s.load(&top[place..]));
        let (right, bottom, area) = (s.load(&right[place..]), s.load(&bottom[place..]), s.load(&area[place..]));
        let (l, t, r, m, a) = (s.splat(b[0]), s.splat(b[1]), s.splat(b[2]), s.splat(b[3]), s.splat(b[4]));
        let width = s.sub(s.min_fast(right, r), s.max_fast(left, l));
        let height = s.sub(s.min_fast(bottom, m), s.max_fast(top, t));
        let shared = s.mul(s.max_fast(width, s.zero()), s.max_fast(height, s.zero()));
        s.div(shared, s.sub(s.add(a, area), shared))
    }
}

impl<S: Simd> Overlaps<f32> for Singles<S> {
    const LANES: usize = S::LANES;

    #[inline(always)]
    fn any_above(self, shelf: &Shelf<f32>, place: usize, b: &Sized<f32>, threshold: f32) -> bool {
        let s = self.0;
        s.any(s.gt(self.ratio(shelf, place, b), s.splat(threshold)))
    }

    #[inline(always)]
    fn drop_above(self, shelf: &Shelf<f32>, place: usize, b: &Sized<f32>, threshold: f32, left: &mut [f32]) -> u32 {
        let s = self.0;
        let (gone, old) = (s.splat(f32::NEG_INFINITY), s.load(left));
        let above = s.gt(self.ratio(shelf, place, b), s.splat(threshold));
        s.store(left, s.select(above, gone, old));
        s.mask_bits(s.mask_and(above, s.gt(old, gone))).count_ones()
    }

    #[inline(always)]
    fn overlaps(self, shelf: &Shelf<f32>, place: usize, b: &Sized<f32>, to: &mut [f32; WIDEST]) -> u32 {
        let s = self.0;
        let ratio = self.ratio(shelf, place, b);
        s.store(to, ratio);
        s.mask_bits(s.gt(ratio, s.zero()))
    }
}

/// Intersections over unions of doubles, eight side by side, which the compiler makes vectors of.
pub(super) trait Ratios: Copy {
    /// Those of one box with the boxes from `place` on.
    fn ratios(shelf: &Shelf<f64>, place: usize, b: &Sized<f64>) -> [f64; 8];
}

/// Doubles.
#[derive(Clone, Copy)]
pub(super) struct Doubles;

/// Singles as doubles: their areas neither over- nor underflow. What comes out is rounded to singles.
#[derive(Clone, Copy)]
pub(super) struct WideSingles;

impl Ratios for WideSingles {
    #[inline(always)]
    fn ratios(shelf: &Shelf<f64>, place: usize, b: &Sized<f64>) -> [f64; 8] {
        let mut ratios = Doubles::ratios(shelf, place, b);
        for i in 0..8 {
            ratios[i] = f64::from(ratios[i] as f32);
        }
        ratios
    }
}

impl Ratios for Doubles {
    #[inline(always)]
    fn ratios(shelf: &Shelf<f64>, place: usize, b: &Sized<f64>) -> [f64; 8] {
        // Loops, as closures that are not inlined would be compiled without the level's instructions.
        let [left, top, right, bottom, area] = &shelf.sides;
        let (left, top, right) = (&left[place..][..8], &top[place..][..8], &right[place..][..8]);
        let (bottom, area) = (&bottom[place..][..8], &area[place..][..8]);
        let mut ratios = [0.0; 8];
        for i in 0..8 {
            ratios[i] = ratio(&[left[i], top[i], right[i], bottom[i], area[i]], b);
        }
        ratios
    }
}

impl<R: Ratios> Overlaps<f64> for R {
    const LANES: usize = 8;

    #[inline(always)]
    fn any_above(self, shelf: &Shelf<f64>, place: usize, b: &Sized<f64>, threshold: f64) -> bool {
        let ratios = Self::ratios(shelf, place, b);
        let mut above = 0;
        for i in 0..8 {
            above |= u32::from(ratios[i] > threshold);
        }
        above != 0
    }

    #[inline(always)]
    fn drop_above(self, shelf: &Shelf<f64>, place: usize, b: &Sized<f64>, threshold: f64, left: &mut [f64]) -> u32 {
        let ratios = Self::ratios(shelf, place, b);
        let (left, mut dropped) = (&mut left[..8], 0);
        for i in 0..8 {
            let above = ratios[i] > threshold;
            dropped += u32::from(above & (left[i] > f64::NEG_INFINITY));
            left[i] = if above { f64::NEG_INFINITY } else { left[i] };
        }
        dropped
    }

    #[inline(always)]
    fn overlaps(self, shelf: &Shelf<f64>, place: usize, b: &Sized<f64>, to: &mut [f64; WIDEST]) -> u32 {
        let ratios = Self::ratios(shelf, place, b);
        to[..8].copy_from_slice(&ratios);
        let mut bits = 0;
        for i in 0..8 {
            bits |= u32::from(ratios[i] > 0.0) << i;
        }
        bits
    }
}
