//! The gradient of the largest elements in single precision, for windows of which no two share an element.

use std::ops::Range;

use super::PoolGeometry;
use crate::dispatch;
use crate::gemm::micro;
use crate::isa::{Isa, Simd};
use crate::mem::TileMut;

/// As [`max_pool_backward`](super::max_pool_backward), for [disjoint windows](PoolGeometry::is_disjoint): every element of `dx` is
/// written once and never read back, as loads that overlap several stores wait for all of them.
///
/// # Panics
/// If a slice does not have its size, or windows are not disjoint.
pub fn max_pool_backward_disjoint(
    isa: Isa,
    g: &PoolGeometry,
    x: &[f32],
    d: &[f32],
    images: Range<usize>,
    mut dx: TileMut<f32>,
) {
    let dx = dx.as_slice();
    assert_eq!(
        (x.len(), d.len()),
        (g.n * g.image_in(), g.n * g.image_out()),
        "images and the gradient of their pooling"
    );
    assert_eq!(dx.len(), images.len() * g.image_in(), "gradient of images");
    assert!(g.is_disjoint(), "windows that share elements: {g:?}");
    dispatch!(isa, s => scatter(s, g, x, d, images, dx));
}

#[inline(always)]
fn scatter<S: Simd>(s: S, g: &PoolGeometry, x: &[f32], d: &[f32], images: Range<usize>, dx: &mut [f32]) {
    let (first, rows) = (images.start * g.image_in(), g.output[0] * g.output[1]);
    // Zeros are written just before the lines are, while these are on their way into the cache.
    let (mut lines, mut zeroed) = (Vec::new(), 0);
    for row in images.start * rows..images.end * rows {
        lines.clear();
        lines.extend(g.lines(row));
        let end = lines.last().map_or(0, |line| line + g.line_len() - first);
        if end > zeroed {
            dx[zeroed..end].fill(0.0);
            zeroed = end;
        }
        for o in 0..g.output[2] {
            let (columns, at) = (g.columns(o), row * g.row_len() + o * g.c);
            for channel in (0..g.c).step_by(S::LANES) {
                let d = load(s, d, at + channel);
                window(s, g, x, d, (&lines, columns.start, columns.end), channel, first, dx);
            }
        }
    }
    dx[zeroed..].fill(0.0);
}

/// A vector of channels under a window: d where the first largest element is, or the first that is not a number.
#[inline(always)]
fn window<S: Simd>(
    s: S,
    g: &PoolGeometry,
    x: &[f32],
    d: S::F32,
    (lines, start, end): (&[usize], usize, usize),
    channel: usize,
    first: usize,
    dx: &mut [f32],
) {
    let mut best = load(s, x, lines[0] + start * g.c + channel);
    for line in lines {
        for column in start..end {
            let v = load(s, x, line + column * g.c + channel);
            best = s.select(s.mask_or(s.gt(v, best), s.ne(v, v)), v, best);
        }
    }
    let n = (g.c - channel).min(S::LANES);
    // What is left of d: it goes to the first place alone.
    let mut left = d;
    for line in lines {
        for column in start..end {
            let at = line + column * g.c + channel;
            let v = load(s, x, at);
            // Where there is no number, the largest is none either.
            let here = s.mask_or(s.eq(v, best), s.ne(v, v));
            store_first(s, dx, at - first, n, s.select(here, left, s.zero()));
            left = s.select(here, s.zero(), left);
        }
    }
}

/// The vector of `x` at `at`; zeros beyond the end.
#[inline(always)]
fn load<S: Simd>(s: S, x: &[f32], at: usize) -> S::F32 {
    let rest = &x[at..];
    // SAFETY: as many elements are there.
    unsafe { micro::load(s, rest.as_ptr(), rest.len().min(S::LANES)) }
}

/// Writes the first `n` elements of `v` to `y` at `at`.
#[inline(always)]
fn store_first<S: Simd>(s: S, y: &mut [f32], at: usize, n: usize, v: S::F32) {
    let part = &mut y[at..at + n];
    // SAFETY: `part` has n elements.
    unsafe { micro::store(s, part.as_mut_ptr(), n, v) }
}
