//! Running sums and products along lines, and linear recurrences: each element from the one before it.

use crate::mem::{Element, TileMut};

/// Numbers that add and multiply; integers wrap around, as NumPy's do.
pub trait Number: Element {
    /// `self + other`.
    fn plus(self, other: Self) -> Self;
    /// `self * other`.
    fn times(self, other: Self) -> Self;
}

macro_rules! numbers {
    ($($ty:ident $plus:expr, $times:expr;)*) => { $(impl Number for $ty {
        #[inline(always)]
        fn plus(self, other: $ty) -> $ty { $plus(self, other) }
        #[inline(always)]
        fn times(self, other: $ty) -> $ty { $times(self, other) }
    })* };
}
numbers! {
    f32 std::ops::Add::add, std::ops::Mul::mul;
    f64 std::ops::Add::add, std::ops::Mul::mul;
    u8 u8::wrapping_add, u8::wrapping_mul;
    i32 i32::wrapping_add, i32::wrapping_mul;
    i64 i64::wrapping_add, i64::wrapping_mul;
}

/// How a tile's lines lie in it, and from which end they are walked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Lines {
    /// Whether a line is a row of the tile; else it is a part of a column.
    pub rows: bool,
    /// Elements of a line.
    pub len: usize,
    /// Whether a line begins at its last element.
    pub reverse: bool,
}

/// The sums of each element and those before it on its line. The tile's first element is element `start` of `x`.
pub fn sums<T: Number>(x: &[T], start: usize, lines: Lines, y: TileMut<T>) {
    walk(start, lines, y, |i| x[i], |before, i| before.plus(x[i]));
}

/// The products of each element and those before it on its line.
pub fn products<T: Number>(x: &[T], start: usize, lines: Lines, y: TileMut<T>) {
    walk(start, lines, y, |i| x[i], |before, i| before.times(x[i]));
}

/// `y[t] = a[t]·y[t−1] + b[t]` along each line, with `y[−1] = 0`.
pub fn recurrence<T: Number>(a: &[T], b: &[T], start: usize, lines: Lines, y: TileMut<T>) {
    walk(start, lines, y, |i| b[i], |before, i| a[i].times(before).plus(b[i]));
}

/// Columns that are walked together, their last elements in registers or the nearest cache.
const LANES: usize = 64;

/// Fills each line: its first element by `first`, each other one by `next` from the one before. Both get the element's place.
#[inline(always)]
fn walk<T: Element>(
    start: usize,
    lines: Lines,
    mut y: TileMut<T>,
    first: impl Fn(usize) -> T,
    next: impl Fn(T, usize) -> T,
) {
    let (rows, cols, stride, len) = (y.rows(), y.cols(), y.stride(), lines.len);
    let at = |t: usize| if lines.reverse { len - 1 - t } else { t };
    if lines.rows {
        for r in 0..rows {
            let (row, start) = (y.row(r), start + r * stride);
            let mut last = T::default();
            for t in 0..len {
                let c = at(t);
                last = if t == 0 { first(start + c) } else { next(last, start + c) };
                row[c] = last;
            }
        }
        return;
    }
    let groups = rows.checked_div(len).unwrap_or(0);
    for (top, from) in (0..groups).flat_map(|g| (0..cols).step_by(LANES).map(move |from| (g * len, from))) {
        let width = LANES.min(cols - from);
        let mut last = [T::default(); LANES];
        for t in 0..len {
            let r = top + at(t);
            let start = start + r * stride + from;
            for (c, last) in last[..width].iter_mut().enumerate() {
                *last = if t == 0 { first(start + c) } else { next(*last, start + c) };
            }
            y.row(r)[from..from + width].copy_from_slice(&last[..width]);
        }
    }
}
