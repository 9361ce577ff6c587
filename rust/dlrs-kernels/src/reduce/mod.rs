//! Reductions over the middle axis of `[outer, reduce, inner]`, the view that every reduction over neighbouring axes has.
//!
//! A result depends on its own elements alone, not on how the outputs are cut into tiles. Sums are blocked: a fixed number of elements is
//! added up before it joins the total, so the error grows with the square root of the length rather than with the length.

mod arg;
mod columns;
mod fold;
mod rows;

use std::ops::Range;

pub use arg::{ArgOp, ArgReduce, IndexElement, arg_reduce};
pub use columns::{add_rows, join_rows, merge_moments, moments, moments_scratch_len, phases, tile_moments};
pub use fold::{Reduce, ReduceOp};

use crate::isa::Isa;
use crate::mem::TileMut;

/// Which part of an `[outer, reduce, inner]` input is reduced.
#[derive(Clone, Debug)]
pub struct View {
    /// Length of the reduced axis.
    pub reduce_len: usize,
    /// Length of the axes after it.
    pub inner_len: usize,
    /// Which outer indices: the rows of the output tile.
    pub outer: Range<usize>,
    /// Which indices of the reduced axis: all, or one chunk of a reduction in two stages.
    pub steps: Range<usize>,
    /// Which inner indices: the columns of the output tile.
    pub inner: Range<usize>,
}

impl View {
    /// Everything of `outer` × `reduce_len` × `inner_len`.
    pub fn all(outer: usize, reduce_len: usize, inner_len: usize) -> View {
        View { reduce_len, inner_len, outer: 0..outer, steps: 0..reduce_len, inner: 0..inner_len }
    }

    fn check(&self, len: usize, rows: usize, cols: usize) {
        assert!(
            self.steps.end <= self.reduce_len && self.inner.end <= self.inner_len,
            "a reduction of {}x{} leaves its axes",
            self.reduce_len,
            self.inner_len
        );
        assert!(self.outer.end * self.reduce_len * self.inner_len <= len, "a reduction reaches beyond {len} elements");
        assert!(rows == self.outer.len() && cols == self.inner.len(), "a reduction's output is {rows}x{cols}");
    }
}

/// Elements of the reduced axis that one chunk of a two-stage reduction takes.
const CHUNK: usize = 16 * 1024;

/// Into how many chunks of equal length (the last may be shorter) a reduction is cut so that it can be spread over threads: 1 unless
/// there are few outputs and many elements. It depends on the shape alone.
///
/// With more than one, the partial results `[outer, chunks, inner]` are computed by [`reduce`] with `steps` set to each chunk, and
/// reduced by a second call.
pub fn chunks(outer: usize, reduce_len: usize, inner_len: usize) -> usize {
    let outputs = outer * inner_len;
    if outputs == 0 || outputs > 4096 || reduce_len * inner_len <= 2 * CHUNK {
        return 1;
    }
    (reduce_len * inner_len).div_ceil(CHUNK).min(reduce_len).min(256)
}

/// Reduces `x` by `op`: row r, column c of `y` is the reduction of `x[outer[r], steps, inner[c]]`. Over no elements it is the operation's
/// neutral element; for `Max` and `Min` that is the type's lowest and highest value.
///
/// # Panics
/// If the view leaves `x` or does not have the measures of `y`.
pub fn reduce<T: Reduce>(isa: Isa, op: ReduceOp, x: &[T], view: &View, mut y: TileMut<T>) {
    view.check(x.len(), y.rows(), y.cols());
    if view.inner.is_empty() {
        return;
    }
    for (r, o) in view.outer.clone().enumerate() {
        let start = (o * view.reduce_len + view.steps.start) * view.inner_len;
        let x = &x[start..start + view.steps.len() * view.inner_len];
        if view.inner_len == 1 {
            y.row(r)[0] = T::reduce_run(isa, op, x);
        } else {
            T::reduce_columns(isa, op, x, view.inner_len, view.inner.start, y.row(r));
        }
    }
}

/// `y ← any x ≠ 0` (`all = false`) or `all x ≠ 0`, over bytes.
///
/// # Panics
/// As [`reduce`].
pub fn reduce_truth(all: bool, x: &[u8], view: &View, mut y: TileMut<u8>) {
    view.check(x.len(), y.rows(), y.cols());
    for (r, o) in view.outer.clone().enumerate() {
        let row = y.row(r);
        row.fill(u8::from(all));
        for step in view.steps.clone() {
            let start = (o * view.reduce_len + step) * view.inner_len;
            for (y, &x) in row.iter_mut().zip(&x[start + view.inner.start..start + view.inner.end]) {
                *y = if all { *y & u8::from(x != 0) } else { *y | u8::from(x != 0) };
            }
        }
    }
}
