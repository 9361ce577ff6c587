//! Products over the rows that a mask allows: steps of padded sequences cost nothing.
//!
//! Rows that are denied are not read, whatever they hold. The recurrent layers leave what they have for denied steps unwritten, which
//! is right because all that read it are told by the same mask.

use std::ops::Range;

use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::shape::Shape;

pub mod matmul;
pub mod sums;
#[cfg(test)]
mod tests;

pub use matmul::{MaskedMatMul, Rest};
pub use sums::{MaskedSums, masked_sum, masked_sum_of_products};

/// A product as the planner sees it: the last operand is the mask.
pub enum MaskedProduct {
    /// Rows times a matrix.
    Rows(MaskedMatMul),
    /// A sum over rows, in so many parts.
    Sums(MaskedSums),
}

/// Rows that are copied side by side before they are multiplied, at most.
const MOST: usize = 256;

/// Elements of the operands' copies, about: they stay in L2.
const COPIED: usize = 96 * 1024;

/// Rows in one piece from which on copying them does not pay.
const LONG: usize = 64;

/// How many rows whose copies have so many elements each are copied at a time.
fn copied_rows(elements: usize) -> usize {
    (COPIED / elements.max(1)).clamp(16, MOST)
}

/// Rows that are multiplied together.
enum Piece<'a> {
    /// Rows that touch.
    Run(Range<usize>),
    /// Others, in their order.
    Scattered(&'a [usize]),
}

/// The rows that the mask allows, one range after another.
fn runs(mask: &[u8], rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut at = rows.start;
    std::iter::from_fn(move || {
        let start = at + mask[at..rows.end].iter().position(|&live| live != 0)?;
        let end = mask[start..rows.end].iter().position(|&live| live == 0).map_or(rows.end, |n| start + n);
        at = end;
        Some(start..end)
    })
}

/// The rows that the mask allows, in pieces: long runs as they are, the rest up to `most` at a time.
fn pieces(mask: &[u8], rows: Range<usize>, most: usize, mut f: impl FnMut(Piece<'_>)) {
    let (mut scattered, mut n) = ([0; MOST], 0);
    for run in runs(mask, rows) {
        if run.len() >= LONG {
            f(Piece::Run(run));
            continue;
        }
        for row in run {
            scattered[n] = row;
            n += 1;
            if n == most {
                f(Piece::Scattered(&scattered[..n]));
                n = 0;
            }
        }
    }
    if n > 0 {
        f(Piece::Scattered(&scattered[..n]));
    }
}

/// The rows that the mask allows; the others are zeros.
///
/// # Errors
/// If the mask (..) does not fit x (.., n).
pub fn live_rows(g: &mut Graph, x: Val, mask: Val) -> Result<Val> {
    let zero = g.scalar_like(x, 0.0)?;
    let rows = g.ty(mask).shape;
    let mask = g.reshape(mask, Shape::new(&[&rows[..], &[1]].concat())?)?;
    g.select(mask, x, zero)
}

/// Copies columns of rows of `width` elements side by side.
fn copy_rows(from: &[f32], width: usize, columns: Range<usize>, rows: &[usize], to: &mut [f32]) {
    for (to, row) in to.chunks_exact_mut(columns.len().max(1)).zip(rows) {
        to.copy_from_slice(&from[row * width + columns.start..row * width + columns.end]);
    }
}
