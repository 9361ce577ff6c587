//! Where the largest or smallest element lies.

use super::View;
use crate::dispatch;
use crate::isa::{Isa, Simd};
use crate::mem::{Element, TileMut};

/// Which element is looked for. The first of equal ones is taken, and NaN before all numbers, as in NumPy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ArgOp {
    /// The largest.
    ArgMax,
    /// The smallest.
    ArgMin,
}

/// A type that indices are stored in.
pub trait IndexElement: Element {
    /// The index as this type.
    fn of_index(i: usize) -> Self;
    /// The stored number.
    fn to_i64(self) -> i64;
}

impl IndexElement for i32 {
    #[inline(always)]
    fn of_index(i: usize) -> i32 {
        i as i32
    }
    #[inline(always)]
    fn to_i64(self) -> i64 {
        self.into()
    }
}

impl IndexElement for i64 {
    #[inline(always)]
    fn of_index(i: usize) -> i64 {
        i as i64
    }
    #[inline(always)]
    fn to_i64(self) -> i64 {
        self
    }
}

/// A type whose extremes can be located.
pub trait ArgReduce: Element + PartialOrd {
    /// Index of the extreme of a run that is not empty.
    fn arg_run(_: Isa, op: ArgOp, x: &[Self]) -> usize {
        (1..x.len()).fold(0, |best, i| if beats(op, x[i], x[best]) { i } else { best })
    }
}

/// Whether `a` replaces `b` as the extreme found so far.
#[inline(always)]
#[allow(clippy::eq_op)] // NaN differs from itself
fn beats<T: PartialOrd>(op: ArgOp, a: T, b: T) -> bool {
    let better = match op {
        ArgOp::ArgMax => a > b,
        ArgOp::ArgMin => a < b,
    };
    better || (a != a && b == b)
}

impl ArgReduce for u8 {}
impl ArgReduce for i32 {}
impl ArgReduce for i64 {}
impl ArgReduce for f64 {}

impl ArgReduce for f32 {
    fn arg_run(isa: Isa, op: ArgOp, x: &[f32]) -> usize {
        dispatch!(isa, s => arg_run_vector(s, op, x))
    }
}

/// Two passes: the extreme value, then the first place that holds it.
#[inline(always)]
fn arg_run_vector<S: Simd>(s: S, op: ArgOp, x: &[f32]) -> usize {
    let sign = s.splat(if op == ArgOp::ArgMax { 1.0 } else { -1.0 });
    let mut largest = s.splat(f32::NEG_INFINITY);
    let full = x.len() / S::LANES * S::LANES;
    let tail = x.len() - full;
    let rest = s.first(tail);
    // SAFETY: tail elements are left after the full vectors.
    let last = s.mul(unsafe { s.load_partial(x.as_ptr().add(full), tail) }, sign);
    for i in (0..full).step_by(S::LANES) {
        largest = s.max(largest, s.mul(s.load(&x[i..]), sign));
    }
    largest = s.max(largest, s.select(rest, last, largest));
    let best = s.reduce_max(largest);
    for i in (0..full).step_by(S::LANES) {
        let bits = s.mask_bits(equals(s, s.mul(s.load(&x[i..]), sign), best));
        if bits != 0 {
            return i + bits.trailing_zeros() as usize;
        }
    }
    full + s.mask_bits(s.mask_and(equals(s, last, best), rest)).trailing_zeros() as usize
}

/// Lanes equal to `best`, or the NaNs if it is one.
#[inline(always)]
fn equals<S: Simd>(s: S, v: S::F32, best: f32) -> S::Mask {
    if best.is_nan() { s.ne(v, v) } else { s.eq(v, s.splat(best)) }
}

/// Row r, column c of `y` is the index along the reduced axis of the extreme of `x[outer[r], .., inner[c]]`.
///
/// # Panics
/// If the view leaves `x`, does not have the measures of `y`, does not take the whole reduced axis, or that axis is empty.
pub fn arg_reduce<T: ArgReduce, I: IndexElement>(isa: Isa, op: ArgOp, x: &[T], view: &View, mut y: TileMut<I>) {
    view.check(x.len(), y.rows(), y.cols());
    assert!(view.steps == (0..view.reduce_len) && view.reduce_len > 0, "an extreme of no elements");
    for (r, o) in view.outer.clone().enumerate() {
        let x = &x[o * view.reduce_len * view.inner_len..][..view.reduce_len * view.inner_len];
        let row = y.row(r);
        if view.inner_len == 1 {
            row.iter_mut().for_each(|y| *y = I::of_index(T::arg_run(isa, op, x)));
            continue;
        }
        for (block, y) in row.chunks_mut(COLUMNS).enumerate() {
            arg_columns(op, x, view.inner_len, view.inner.start + block * COLUMNS, y);
        }
    }
}

/// Columns that are walked together, row by row.
const COLUMNS: usize = 64;

/// `y[c]` ← the row that holds the extreme of column `first + c`; `x` has rows of `cols` elements, `y` at most [`COLUMNS`].
fn arg_columns<T: ArgReduce, I: IndexElement>(op: ArgOp, x: &[T], cols: usize, first: usize, y: &mut [I]) {
    let mut best = [T::default(); COLUMNS];
    let best = &mut best[..y.len()];
    best.copy_from_slice(&x[first..first + y.len()]);
    y.fill(I::of_index(0));
    for (i, row) in x.chunks_exact(cols).enumerate().skip(1) {
        for ((&x, best), y) in row[first..].iter().zip(&mut *best).zip(&mut *y) {
            if beats(op, x, *best) {
                (*best, *y) = (x, I::of_index(i));
            }
        }
    }
}
