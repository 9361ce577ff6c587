//! Rows gathered by index, and added into rows by index.

use std::ops::Range;

use crate::dispatch;
use crate::isa::{Isa, Kernel, Lanes, Real};
use crate::mem::{Element, TileMut};
pub use crate::reduce::IndexElement;

/// An index that is no row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadIndex {
    /// Its position among the indices.
    pub position: usize,
    /// What it was.
    pub index: i64,
}

/// Index `position` as a row of `rows`.
#[inline(always)]
fn row_of<I: IndexElement>(indices: &[I], position: usize, rows: usize) -> Result<usize, BadIndex> {
    let index = indices[position].to_i64();
    usize::try_from(index).ok().filter(|&r| r < rows).ok_or(BadIndex { position, index })
}

/// Rows of `width` elements in `x`; a width of 0 leaves the number open.
fn rows_of<T>(x: &[T], width: usize) -> usize {
    x.len().checked_div(width).unwrap_or(usize::MAX)
}

/// Row r of `y` ← row `indices[positions[r]]` of `x`, whose rows have as many elements as those of `y`.
///
/// # Errors
/// The first index that is no row of `x`; rows of `y` from there on are not written.
///
/// # Panics
/// If `y` does not have one row per position.
pub fn gather_rows<T: Element, I: IndexElement>(
    x: &[T],
    indices: &[I],
    positions: Range<usize>,
    mut y: TileMut<T>,
) -> Result<(), BadIndex> {
    assert_eq!(y.rows(), positions.len(), "one row per index");
    let (width, rows) = (y.cols(), rows_of(x, y.cols()));
    for (r, position) in positions.enumerate() {
        let row = row_of(indices, position, rows)?;
        y.row(r).copy_from_slice(&x[row * width..][..width]);
    }
    Ok(())
}

/// As [`gather_rows`], from bytes to f32, multiplied by `scale`.
///
/// # Errors
/// As [`gather_rows`].
///
/// # Panics
/// As [`gather_rows`].
pub fn gather_rows_u8<I: IndexElement>(
    isa: Isa,
    x: &[u8],
    indices: &[I],
    positions: Range<usize>,
    scale: f32,
    mut y: TileMut<f32>,
) -> Result<(), BadIndex> {
    assert_eq!(y.rows(), positions.len(), "one row per index");
    let (width, rows) = (y.cols(), rows_of(x, y.cols()));
    for (r, position) in positions.enumerate() {
        let row = row_of(indices, position, rows)?;
        let (x, y) = (&x[row * width..][..width], y.row(r));
        // A plain loop: the compiler widens it to the level's vectors.
        dispatch!(isa, _s => x.iter().zip(y).for_each(|(&x, y)| *y = f32::from(x) * scale));
    }
    Ok(())
}

/// Row r of `y` ← Σ of the rows i of `x` with `indices[i] = rows.start + r`, added in the order of i: the gradient of [`gather_rows`].
///
/// The owner of each output row adds it up, so there are no conflicts whatever the cut; `rows` is the part of the `total` output rows in `y`.
///
/// # Errors
/// The first index that is not in 0..total.
///
/// # Panics
/// If `y` does not have one row per element of `rows`, or `x` not one per index.
pub fn scatter_add_rows<T: Real, I: IndexElement>(
    isa: Isa,
    x: &[T],
    indices: &[I],
    total: usize,
    rows: Range<usize>,
    mut y: TileMut<T>,
) -> Result<(), BadIndex> {
    struct AddRow<'a, T>(&'a [T], &'a mut [T]);
    impl<T: Real> Kernel<T> for AddRow<'_, T> {
        type Output = ();
        #[inline(always)]
        fn run<L: Lanes<T = T>>(self, _: L) {
            self.0.iter().zip(self.1).for_each(|(&x, y)| *y = *y + x);
        }
    }
    let width = y.cols();
    assert!(y.rows() == rows.len() && x.len() == indices.len() * width, "scattered rows do not fit");
    (0..rows.len()).for_each(|r| y.row(r).fill(T::default()));
    for position in 0..indices.len() {
        let row = row_of(indices, position, total)?;
        if rows.contains(&row) {
            T::run(isa, AddRow(&x[position * width..][..width], y.row(row - rows.start)));
        }
    }
    Ok(())
}
