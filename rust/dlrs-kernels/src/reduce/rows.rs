//! Reductions of floats over vectors: of contiguous runs, and of columns walked row by row.

use super::fold::{ReduceOp, neutral};
use crate::isa::{Isa, Kernel, Lanes, Real};

/// Independent accumulators, to hide the latency of an addition.
const ACCUMULATORS: usize = 4;
/// Elements added up in one block of a run. A multiple of the accumulators' elements at every level.
const RUN_BLOCK: usize = 2048;
/// Rows added up in one block of a column.
const COLUMN_BLOCK: usize = 64;

/// Which operation, as a type, so that each has loops of its own.
trait Combine: Copy {
    const OP: ReduceOp;
    fn combine<L: Lanes>(self, l: L, a: L::V, b: L::V) -> L::V;
    fn scalar<T: Real>(self, a: T, b: T) -> T;
}

macro_rules! combine {
    ($name:ident, |$l:ident, $a:ident, $b:ident| $vector:expr, $scalar:expr) => {
        #[derive(Clone, Copy)]
        struct $name;
        impl Combine for $name {
            const OP: ReduceOp = ReduceOp::$name;
            #[inline(always)]
            fn combine<L: Lanes>(self, $l: L, $a: L::V, $b: L::V) -> L::V {
                $vector
            }
            #[inline(always)]
            fn scalar<T: Real>(self, $a: T, $b: T) -> T {
                $scalar
            }
        }
    };
}
combine!(Sum, |l, a, b| l.add(a, b), a + b);
combine!(Prod, |l, a, b| l.mul(a, b), a * b);
combine!(Max, |l, a, b| l.max(a, b), if a.is_nan() || a > b { a } else { b });
combine!(Min, |l, a, b| l.min(a, b), if a.is_nan() || a < b { a } else { b });

/// The reduction of `x`.
pub(super) fn run<T: Real>(isa: Isa, op: ReduceOp, x: &[T]) -> T {
    struct Run<'a, T, C>(&'a [T], C);
    impl<T: Real, C: Combine> Kernel<T> for Run<'_, T, C> {
        type Output = T;
        #[inline(always)]
        fn run<L: Lanes<T = T>>(self, l: L) -> T {
            run_lanes(l, self.1, self.0)
        }
    }
    match op {
        ReduceOp::Sum => T::run(isa, Run(x, Sum)),
        ReduceOp::Prod => T::run(isa, Run(x, Prod)),
        ReduceOp::Max => T::run(isa, Run(x, Max)),
        ReduceOp::Min => T::run(isa, Run(x, Min)),
    }
}

#[inline(always)]
fn run_lanes<L: Lanes, C: Combine>(l: L, c: C, x: &[L::T]) -> L::T {
    let start = neutral::<L::T>(C::OP);
    let mut total = l.splat(start);
    for block in x.chunks(RUN_BLOCK) {
        let mut acc = [l.splat(start); ACCUMULATORS];
        let wide = ACCUMULATORS * L::LANES;
        let mut i = 0;
        // SAFETY: i + wide ≤ len in the first loop, i + LANES ≤ len in the second, and the rest is read partially.
        unsafe {
            while i + wide <= block.len() {
                for k in 0..ACCUMULATORS {
                    acc[k] = c.combine(l, acc[k], l.load(block.as_ptr().add(i + k * L::LANES)));
                }
                i += wide;
            }
            let mut k = 0;
            while i + L::LANES <= block.len() {
                acc[k] = c.combine(l, acc[k], l.load(block.as_ptr().add(i)));
                (i, k) = (i + L::LANES, k + 1);
            }
            if i < block.len() {
                acc[3] = c.combine(l, acc[3], l.load_or(block.as_ptr().add(i), block.len() - i, start));
            }
        }
        let sum = c.combine(l, c.combine(l, acc[0], acc[1]), c.combine(l, acc[2], acc[3]));
        total = c.combine(l, total, sum);
    }
    lanes_of(l, c, total)
}

/// The lanes combined: lane i with lane i + width/2, halving the width until one is left.
#[inline(always)]
fn lanes_of<L: Lanes, C: Combine>(l: L, c: C, v: L::V) -> L::T {
    let mut lanes = [L::T::default(); 16];
    // SAFETY: a vector has at most 16 lanes.
    unsafe { l.store(lanes.as_mut_ptr(), v) };
    let mut width = L::LANES;
    while width > 1 {
        width /= 2;
        (0..width).for_each(|i| lanes[i] = c.scalar(lanes[i], lanes[i + width]));
    }
    lanes[0]
}

/// `y[c]` ← the reduction of column `first + c` of `x`, whose rows have `cols` elements.
pub(super) fn columns<T: Real>(isa: Isa, op: ReduceOp, x: &[T], cols: usize, first: usize, y: &mut [T]) {
    struct Columns<'a, T, C> {
        x: &'a [T],
        cols: usize,
        first: usize,
        y: &'a mut [T],
        c: C,
    }
    impl<T: Real, C: Combine> Kernel<T> for Columns<'_, T, C> {
        type Output = ();
        #[inline(always)]
        fn run<L: Lanes<T = T>>(self, l: L) {
            columns_lanes(l, self.c, self.x, self.cols, self.first, self.y);
        }
    }
    assert!(first + y.len() <= cols && x.len().is_multiple_of(cols), "columns leave their rows");
    match op {
        ReduceOp::Sum => T::run(isa, Columns { x, cols, first, y, c: Sum }),
        ReduceOp::Prod => T::run(isa, Columns { x, cols, first, y, c: Prod }),
        ReduceOp::Max => T::run(isa, Columns { x, cols, first, y, c: Max }),
        ReduceOp::Min => T::run(isa, Columns { x, cols, first, y, c: Min }),
    }
}

#[inline(always)]
fn columns_lanes<L: Lanes, C: Combine>(l: L, c: C, x: &[L::T], cols: usize, first: usize, y: &mut [L::T]) {
    let wide = ACCUMULATORS * L::LANES;
    let mut at = 0;
    // SAFETY: the strips lie inside y, and first + y.len() ≤ cols.
    unsafe {
        while at + wide <= y.len() {
            column_strip::<L, C, ACCUMULATORS>(l, c, x, cols, first + at, L::LANES, y.as_mut_ptr().add(at));
            at += wide;
        }
        while at < y.len() {
            let n = L::LANES.min(y.len() - at);
            column_strip::<L, C, 1>(l, c, x, cols, first + at, n, y.as_mut_ptr().add(at));
            at += n;
        }
    }
}

/// Reduces K vectors of columns from `first` on, the last of which has `n` columns.
///
/// # Safety
/// The columns lie inside the rows of `x`, `y` is writable for as many elements, and n = LANES if K > 1.
#[inline(always)]
unsafe fn column_strip<L: Lanes, C: Combine, const K: usize>(
    l: L,
    c: C,
    x: &[L::T],
    cols: usize,
    first: usize,
    n: usize,
    y: *mut L::T,
) {
    let start = neutral::<L::T>(C::OP);
    let rows = x.len() / cols;
    let mut total = [l.splat(start); K];
    for block in (0..rows).step_by(COLUMN_BLOCK) {
        let mut acc = [l.splat(start); K];
        for row in block..rows.min(block + COLUMN_BLOCK) {
            // SAFETY: row < rows, and the caller vouches for the columns.
            unsafe {
                let p = x.as_ptr().add(row * cols + first);
                for k in 0..K {
                    let v = if n == L::LANES { l.load(p.add(k * L::LANES)) } else { l.load_or(p, n, start) };
                    acc[k] = c.combine(l, acc[k], v);
                }
            }
        }
        (0..K).for_each(|k| total[k] = c.combine(l, total[k], acc[k]));
    }
    // SAFETY: the caller vouches for y.
    (0..K).for_each(|k| unsafe { l.store_first(y.add(k * L::LANES), n, total[k]) });
}
