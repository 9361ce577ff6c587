//! The largest element of each window, and the linear maps that its place defines: to and from the first of the largest elements.

use std::ops::{Add, Range};

use super::PoolGeometry;
use super::rows::{Combine, pool_rows};
use super::strip::{STRIP, add, load, load_first, store};
use crate::dispatch;
use crate::isa::Isa;
use crate::mem::{Element, TileMut};

#[derive(Clone, Copy)]
struct Largest;

impl<T: Element + PartialOrd> Combine<T> for Largest {
    #[inline(always)]
    fn combine(self, a: T, b: T) -> T {
        // Also if b is not a number; if a is none, b is not larger.
        if b > a || is_nan(b) { b } else { a }
    }
    #[inline(always)]
    fn finish(self, all: T, _: usize) -> T {
        all
    }
}

#[inline(always)]
#[allow(clippy::eq_op)] // what only a number that is none says of itself
fn is_nan<T: PartialOrd>(x: T) -> bool {
    x != x
}

/// The rows `rows` of the windows' largest elements; NaN where a window holds one. `y` holds the rows and nothing else.
///
/// # Panics
/// If a slice does not have its size, or `scratch` is shorter than [`pool_scratch_len`](super::pool_scratch_len).
pub fn max_pool<T: Element + PartialOrd>(
    isa: Isa,
    g: &PoolGeometry,
    x: &[T],
    rows: Range<usize>,
    y: TileMut<T>,
    scratch: &mut [T],
) {
    dispatch!(isa, _s => pool_rows(Largest, g, x, rows, y, scratch));
}

/// The gradient of [`max_pool`] for those images: each element of `d` goes to the first largest element of its window, or to the first
/// that is not a number. `dx` holds the images and nothing else.
///
/// # Panics
/// If a slice does not have its size.
pub fn max_pool_backward<T: Element + PartialOrd + Add<Output = T>>(
    isa: Isa,
    g: &PoolGeometry,
    x: &[T],
    d: &[T],
    images: Range<usize>,
    dx: TileMut<T>,
) {
    dispatch!(isa, _s => scatter(g, x, d, images, dx));
}

/// The adjoint of [`max_pool_backward`]: the elements of `e` that lie where [`max_pool`] found the largest ones of `x`, for the rows
/// `rows` of the result. `y` holds them and nothing else.
///
/// # Panics
/// If a slice does not have its size.
pub fn max_pool_gather<T: Element + PartialOrd>(
    isa: Isa,
    g: &PoolGeometry,
    x: &[T],
    e: &[T],
    rows: Range<usize>,
    y: TileMut<T>,
) {
    dispatch!(isa, _s => gather(g, x, e, rows, y));
}

/// The tap of the first largest element under a window, for a strip of channels; taps are counted line by line.
#[inline(always)]
fn first_largest<T: Element + PartialOrd>(
    x: &[T],
    lines: impl Iterator<Item = usize>,
    columns: Range<usize>,
    (c, channel): (usize, usize),
) -> [u32; STRIP] {
    let (mut best, mut place, mut tap) = ([T::default(); STRIP], [0u32; STRIP], 0u32);
    for line in lines {
        for column in columns.clone() {
            let v = load(x, line + column * c + channel);
            if tap == 0 {
                best = v;
            } else {
                for i in 0..STRIP {
                    let better = v[i] > best[i] || (is_nan(v[i]) && !is_nan(best[i]));
                    best[i] = if better { v[i] } else { best[i] };
                    place[i] = if better { tap } else { place[i] };
                }
            }
            tap += 1;
        }
    }
    place
}

#[inline(always)]
fn scatter<T: Element + PartialOrd + Add<Output = T>>(
    g: &PoolGeometry,
    x: &[T],
    d: &[T],
    images: Range<usize>,
    mut dx: TileMut<T>,
) {
    let dx = dx.as_slice();
    assert_eq!(
        (x.len(), d.len()),
        (g.n * g.image_in(), g.n * g.image_out()),
        "images and the gradient of their pooling"
    );
    assert_eq!(dx.len(), images.len() * g.image_in(), "gradient of images");
    // Zeros are written just before they are added to, while the line is on its way into the cache.
    let mut zeroed = 0;
    let first = images.start * g.image_in();
    let rows = g.output[0] * g.output[1];
    for row in images.start * rows..images.end * rows {
        let (lines, d) = (g.lines(row), &d[row * g.row_len()..][..g.row_len()]);
        let end = lines.clone().last().map_or(0, |line| line + g.line_len() - first);
        if end > zeroed {
            dx[zeroed..end].fill(T::default());
            zeroed = end;
        }
        for o in 0..g.output[2] {
            let columns = g.columns(o);
            for channel in (0..g.c).step_by(STRIP) {
                let place = first_largest(x, lines.clone(), columns.clone(), (g.c, channel));
                // Lanes beyond the channels hold zeros, which add nothing to the next pixel.
                let d = load_first(d, o * g.c + channel, g.c - channel);
                let mut tap = 0;
                for line in lines.clone() {
                    for column in columns.clone() {
                        let mut part = [T::default(); STRIP];
                        (0..STRIP).for_each(|i| part[i] = if place[i] == tap { d[i] } else { T::default() });
                        add(dx, line - first + column * g.c + channel, part);
                        tap += 1;
                    }
                }
            }
        }
    }
    dx[zeroed..].fill(T::default());
}

#[inline(always)]
fn gather<T: Element + PartialOrd>(g: &PoolGeometry, x: &[T], e: &[T], rows: Range<usize>, mut y: TileMut<T>) {
    let y = y.as_slice();
    assert!(x.len() == g.n * g.image_in() && e.len() == x.len() && rows.end <= g.rows(), "images and what is gathered");
    assert_eq!(y.len(), rows.len() * g.row_len(), "gathered rows");
    if y.is_empty() {
        return;
    }
    for (row, y) in rows.zip(y.chunks_exact_mut(g.row_len())) {
        let lines = g.lines(row);
        for o in 0..g.output[2] {
            let columns = g.columns(o);
            for channel in (0..g.c).step_by(STRIP) {
                let place = first_largest(x, lines.clone(), columns.clone(), (g.c, channel));
                let (mut all, mut tap) = ([T::default(); STRIP], 0);
                for line in lines.clone() {
                    for column in columns.clone() {
                        let v = load(e, line + column * g.c + channel);
                        (0..STRIP).for_each(|i| all[i] = if place[i] == tap { v[i] } else { all[i] });
                        tap += 1;
                    }
                }
                store(y, o * g.c + channel, all);
            }
        }
    }
}
