//! Which operations reduce, and the integers' reductions; those of floats are in `rows`.

use super::rows;
use crate::isa::{Isa, Real};
use crate::mem::Element;

/// An operation that reduces an axis.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ReduceOp {
    /// Sum; integers wrap.
    Sum,
    /// Product; integers wrap.
    Prod,
    /// The largest; NaN if any is NaN.
    Max,
    /// The smallest; NaN if any is NaN.
    Min,
}

/// A type whose elements can be reduced.
pub trait Reduce: Element {
    /// The reduction of all of `x`.
    fn reduce_run(isa: Isa, op: ReduceOp, x: &[Self]) -> Self;
    /// `y[c]` ← the reduction of column `first + c` of `x`, whose rows have `cols` elements.
    fn reduce_columns(isa: Isa, op: ReduceOp, x: &[Self], cols: usize, first: usize, y: &mut [Self]);
}

macro_rules! reduce_floats {
    ($($t:ty),*) => { $(
        impl Reduce for $t {
            fn reduce_run(isa: Isa, op: ReduceOp, x: &[$t]) -> $t {
                rows::run(isa, op, x)
            }
            fn reduce_columns(isa: Isa, op: ReduceOp, x: &[$t], cols: usize, first: usize, y: &mut [$t]) {
                rows::columns(isa, op, x, cols, first, y);
            }
        }
    )* };
}
reduce_floats!(f32, f64);

macro_rules! reduce_integers {
    ($($t:ty),*) => { $(
        impl Reduce for $t {
            fn reduce_run(_: Isa, op: ReduceOp, x: &[$t]) -> $t {
                let x = x.iter().copied();
                match op {
                    ReduceOp::Sum => x.fold(0, <$t>::wrapping_add),
                    ReduceOp::Prod => x.fold(1, <$t>::wrapping_mul),
                    ReduceOp::Max => x.fold(<$t>::MIN, Ord::max),
                    ReduceOp::Min => x.fold(<$t>::MAX, Ord::min),
                }
            }
            fn reduce_columns(_: Isa, op: ReduceOp, x: &[$t], cols: usize, first: usize, y: &mut [$t]) {
                let (start, f): ($t, fn($t, $t) -> $t) = match op {
                    ReduceOp::Sum => (0, <$t>::wrapping_add),
                    ReduceOp::Prod => (1, <$t>::wrapping_mul),
                    ReduceOp::Max => (<$t>::MIN, Ord::max),
                    ReduceOp::Min => (<$t>::MAX, Ord::min),
                };
                y.fill(start);
                for row in x.chunks_exact(cols) {
                    y.iter_mut().zip(&row[first..]).for_each(|(y, &x)| *y = f(*y, x));
                }
            }
        }
    )* };
}
reduce_integers!(u8, i32, i64);

/// The operation's neutral element among floats.
pub(super) fn neutral<T: Real>(op: ReduceOp) -> T {
    match op {
        ReduceOp::Sum => T::of(0.0),
        ReduceOp::Prod => T::of(1.0),
        ReduceOp::Max => T::of(f64::NEG_INFINITY),
        ReduceOp::Min => T::of(f64::INFINITY),
    }
}
