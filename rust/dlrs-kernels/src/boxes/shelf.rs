//! Boxes side by side, and a vector of them against one box.

use crate::isa::{Real, Simd};

/// A box: left, top, right, bottom, area.
pub(super) type Sized<T> = [T; 5];

/// Left, top, right and bottom of box `i`, with its area.
#[inline(always)]
pub(super) fn sized<T: Real>(boxes: &[T], i: u32) -> Sized<T> {
    let b = &boxes[4 * i as usize..][..4];
    [b[0], b[1], b[2], b[3], (b[2] - b[0]) * (b[3] - b[1])]
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
        for (side, &x) in self.sides.iter_mut().zip(b) {
            side[place] = x;
        }
    }
}

/// Intersection over union of one box with a vector of boxes.
pub(super) trait Overlaps<T: Real>: Copy {
    /// Boxes of a vector.
    const LANES: usize;

    /// Whether the overlap with any of the boxes from `place` on is above `threshold`.
    fn any_above(self, shelf: &Shelf<T>, place: usize, b: &Sized<T>, threshold: T) -> bool;

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
    fn overlaps(self, shelf: &Shelf<f32>, place: usize, b: &Sized<f32>, to: &mut [f32; WIDEST]) -> u32 {
        let s = self.0;
        let ratio = self.ratio(shelf, place, b);
        s.store(to, ratio);
        s.mask_bits(s.gt(ratio, s.zero()))
    }
}

/// Doubles, eight side by side, which the compiler makes vectors of.
#[derive(Clone, Copy)]
pub(super) struct Doubles;

impl Doubles {
    #[inline(always)]
    fn ratios(shelf: &Shelf<f64>, place: usize, b: &Sized<f64>) -> [f64; 8] {
        let [left, top, right, bottom, area] = std::array::from_fn(|i| &shelf.sides[i][place..][..8]);
        let greater = |x: f64, y: f64| if x > y { x } else { y };
        let lesser = |x: f64, y: f64| if x < y { x } else { y };
        std::array::from_fn(|i| {
            let width = greater(lesser(right[i], b[2]) - greater(left[i], b[0]), 0.0);
            let height = greater(lesser(bottom[i], b[3]) - greater(top[i], b[1]), 0.0);
            let shared = width * height;
            shared / ((b[4] + area[i]) - shared)
        })
    }
}

impl Overlaps<f64> for Doubles {
    const LANES: usize = 8;

    #[inline(always)]
    fn any_above(self, shelf: &Shelf<f64>, place: usize, b: &Sized<f64>, threshold: f64) -> bool {
        Self::ratios(shelf, place, b).iter().fold(false, |any, &x| any | (x > threshold))
    }

    #[inline(always)]
    fn overlaps(self, shelf: &Shelf<f64>, place: usize, b: &Sized<f64>, to: &mut [f64; WIDEST]) -> u32 {
        let ratios = Self::ratios(shelf, place, b);
        to[..8].copy_from_slice(&ratios);
        ratios.iter().enumerate().fold(0, |bits, (i, &x)| bits | u32::from(x > 0.0) << i)
    }
}
