//! Images resized by weighted sums, along the columns and then along the rows.

use std::ops::Range;

use super::ResizeWeights;
use crate::dispatch;
use crate::isa::{Isa, Real};
use crate::mem::{Element, TileMut};
use crate::pool::strip::{STRIP, load};

/// An element of an image, and the type in which it is computed with.
pub trait ResizePixel: Element {
    /// The type of weights and sums.
    type Sum: Real;
    /// The element as a number.
    fn to_sum(self) -> Self::Sum;
    /// The nearest element.
    fn from_sum(sum: Self::Sum) -> Self;
}

macro_rules! float_pixel {
    ($($t:ty)*) => {$(
        impl ResizePixel for $t {
            type Sum = $t;
            #[inline(always)]
            fn to_sum(self) -> $t {
                self
            }
            #[inline(always)]
            fn from_sum(sum: $t) -> $t {
                sum
            }
        }
    )*};
}
float_pixel!(f32 f64);

impl ResizePixel for u8 {
    type Sum = f32;
    #[inline(always)]
    fn to_sum(self) -> f32 {
        f32::from(self)
    }
    #[inline(always)]
    fn from_sum(sum: f32) -> u8 {
        // The conversion saturates.
        sum.round_ties_even() as u8
    }
}

/// Sizes of a resizing. How many elements the new axes have the weights know.
#[derive(Clone, Copy, Debug)]
pub struct ResizeGeometry {
    /// Images.
    pub n: usize,
    /// Rows of a given image.
    pub h: usize,
    /// Columns of a given image.
    pub w: usize,
    /// Channels.
    pub c: usize,
}

/// Elements of scratch that [`resize_rows`] needs.
pub fn resize_scratch_len(g: &ResizeGeometry) -> usize {
    g.w * g.c
}

/// The rows `range` of all resized images, counted from the first image's on; `y` holds them and nothing else.
///
/// # Panics
/// If a slice does not have its size, a weight belongs to no element, or `scratch` is shorter than [`resize_scratch_len`].
#[allow(clippy::too_many_arguments)] // two operands, two axes
pub fn resize_rows<P: ResizePixel>(
    isa: Isa,
    g: &ResizeGeometry,
    rows: &ResizeWeights<P::Sum>,
    columns: &ResizeWeights<P::Sum>,
    x: &[P],
    range: Range<usize>,
    y: TileMut<P>,
    scratch: &mut [P::Sum],
) {
    dispatch!(isa, _s => resize(g, rows, columns, x, range, y, scratch));
}

#[inline(always)]
fn resize<P: ResizePixel>(
    g: &ResizeGeometry,
    rows: &ResizeWeights<P::Sum>,
    columns: &ResizeWeights<P::Sum>,
    x: &[P],
    range: Range<usize>,
    mut y: TileMut<P>,
    scratch: &mut [P::Sum],
) {
    let (y, len) = (y.as_slice(), columns.len() * g.c);
    assert_eq!((x.len(), y.len()), (g.n * g.h * g.w * g.c, range.len() * len), "images and resized rows");
    if y.is_empty() {
        return;
    }
    let line = &mut scratch[..g.w * g.c];
    for (row, y) in range.zip(y.chunks_exact_mut(len)) {
        let (first, weights) = rows.run(row % rows.len());
        let from = &x[(row / rows.len() * g.h + first) * line.len()..];
        sum_lines(line, from, weights);
        sum_columns(line, columns, g.c, y);
    }
}

/// `line` ← the weighted sum of the rows of `x`.
#[inline(always)]
fn sum_lines<P: ResizePixel>(line: &mut [P::Sum], x: &[P], weights: &[P::Sum]) {
    let Some((&first, rest)) = weights.split_first() else {
        line.fill(P::Sum::default());
        return;
    };
    let len = line.len();
    let x0 = &x[..len];
    for i in 0..len {
        line[i] = first * x0[i].to_sum();
    }
    for (row, &weight) in rest.iter().enumerate() {
        let x = &x[(row + 1) * len..][..len];
        for i in 0..len {
            line[i] = line[i] + weight * x[i].to_sum();
        }
    }
}

/// The pixels of a resized row. A strip may hold more than a pixel's channels; what is too much the next pixel overwrites.
#[inline(always)]
fn sum_columns<P: ResizePixel>(line: &[P::Sum], columns: &ResizeWeights<P::Sum>, c: usize, y: &mut [P]) {
    for o in 0..columns.len() {
        let (first, weights) = columns.run(o);
        for channel in (0..c).step_by(STRIP) {
            let mut sum = [P::Sum::default(); STRIP];
            for (column, &weight) in weights.iter().enumerate() {
                let x = load(line, (first + column) * c + channel);
                (0..STRIP).for_each(|i| sum[i] = sum[i] + weight * x[i]);
            }
            let mut pixels = [P::default(); STRIP];
            (0..STRIP).for_each(|i| pixels[i] = P::from_sum(sum[i]));
            crate::pool::strip::store(y, o * c + channel, pixels);
        }
    }
}
