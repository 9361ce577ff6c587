//! Rows of results: the loop that the largest and the mean share.

use std::ops::Range;

use super::PoolGeometry;
use super::strip::{STRIP, load, load_known, store, store_first};
use crate::mem::{Element, TileMut};

/// Elements of scratch that [`max_pool`](super::max_pool) and [`average_pool`](super::average_pool) need.
pub fn pool_scratch_len(g: &PoolGeometry) -> usize {
    g.line_len()
}

/// What becomes of a window's elements.
pub(super) trait Combine<T>: Copy {
    /// Two of them, the earlier one first.
    fn combine(self, a: T, b: T) -> T;
    /// All `count` of them.
    fn finish(self, all: T, count: usize) -> T;
}

/// The rows `rows` of the results; `y` holds them and nothing else.
#[inline(always)]
pub(super) fn pool_rows<T: Element, C: Combine<T>>(
    c: C,
    g: &PoolGeometry,
    x: &[T],
    rows: Range<usize>,
    mut y: TileMut<T>,
    scratch: &mut [T],
) {
    let y = y.as_slice();
    assert!(x.len() == g.n * g.image_in() && rows.end <= g.rows(), "pooled images");
    assert_eq!(y.len(), rows.len() * g.row_len(), "pooled rows");
    if y.is_empty() {
        return;
    }
    if g.c < STRIP && taps(g) <= FEW {
        return pool_windows(c, g, x, rows, y);
    }
    for (row, y) in rows.zip(y.chunks_exact_mut(g.row_len())) {
        let lines = g.lines(row).count();
        let line = reduce_lines(c, g, x, row, scratch);
        reduce_columns(c, g, line, lines, y);
    }
}

/// Elements under a window that are combined one by one.
const FEW: usize = 16;

/// Elements of a channel under the first window.
fn taps(g: &PoolGeometry) -> usize {
    g.lines(0).count() * g.columns(0).len()
}

/// Window by window, for pixels narrower than a vector: loads that overlap several of the stores of a combined line would wait for
/// them.
#[inline(always)]
fn pool_windows<T: Element, C: Combine<T>>(c: C, g: &PoolGeometry, x: &[T], rows: Range<usize>, y: &mut [T]) {
    let (mut lines, mut at) = (Vec::new(), 0);
    for row in rows {
        lines.clear();
        lines.extend(g.lines(row));
        let last = lines.last().copied().unwrap_or_default();
        for o in 0..g.output[2] {
            let columns = g.columns(o);
            if last + (columns.end - 1) * g.c + STRIP <= x.len() && at + STRIP <= y.len() {
                store_first(y, at, STRIP, window::<T, C, true>(c, g.c, x, &lines, columns));
            } else {
                store(y, at, window::<T, C, false>(c, g.c, x, &lines, columns));
            }
            at += g.c;
        }
    }
}

/// All elements under a window, combined; if it is `WHOLE`, so is each strip in `x`.
#[inline(always)]
fn window<T: Element, C: Combine<T>, const WHOLE: bool>(
    c: C,
    channels: usize,
    x: &[T],
    lines: &[usize],
    columns: Range<usize>,
) -> [T; STRIP] {
    let mut all = load_known::<T, WHOLE>(x, lines[0] + columns.start * channels);
    let mut from = columns.start + 1;
    for line in lines {
        for column in from..columns.end {
            let next = load_known::<T, WHOLE>(x, line + column * channels);
            for i in 0..STRIP {
                all[i] = c.combine(all[i], next[i]);
            }
        }
        from = columns.start;
    }
    for i in 0..STRIP {
        all[i] = c.finish(all[i], lines.len() * columns.len());
    }
    all
}

/// The image rows under a row of windows, combined element by element.
#[inline(always)]
fn reduce_lines<'a, T: Element, C: Combine<T>>(
    c: C,
    g: &PoolGeometry,
    x: &'a [T],
    row: usize,
    scratch: &'a mut [T],
) -> &'a [T] {
    let len = g.line_len();
    let mut lines = g.lines(row).map(|at| &x[at..at + len]);
    let (Some(first), second) = (lines.next(), lines.next()) else { return &[] };
    let Some(second) = second else { return first };
    let sum = &mut scratch[..len];
    for i in 0..len {
        sum[i] = c.combine(first[i], second[i]);
    }
    for line in lines {
        for i in 0..len {
            sum[i] = c.combine(sum[i], line[i]);
        }
    }
    sum
}

/// The windows along a row that holds the combination of `lines` image rows.
#[inline(always)]
fn reduce_columns<T: Element, C: Combine<T>>(c: C, g: &PoolGeometry, line: &[T], lines: usize, y: &mut [T]) {
    for o in 0..g.output[2] {
        let columns = g.columns(o);
        let count = lines * columns.len();
        for channel in (0..g.c).step_by(STRIP) {
            let mut all = load(line, columns.start * g.c + channel);
            for column in columns.start + 1..columns.end {
                let next = load(line, column * g.c + channel);
                (0..STRIP).for_each(|i| all[i] = c.combine(all[i], next[i]));
            }
            (0..STRIP).for_each(|i| all[i] = c.finish(all[i], count));
            store(y, o * g.c + channel, all);
        }
    }
}
