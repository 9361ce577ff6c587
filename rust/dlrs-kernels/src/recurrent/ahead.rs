//! What a step will touch besides its product, fetched while the product is computed: rows lie many pages apart, where hardware does
//! not look.

use crate::isa::{Lanes, Real, prefetch_l2};
use crate::mem::{Element, TileMut};

/// Fetches the lines of `vectors` vectors from element `at` on of each of the arrays into L2.
#[inline(always)]
pub(super) fn fetch<L: Lanes>(_: L, x: &Address<L::T>, at: usize, vectors: usize) {
    for v in 0..vectors {
        prefetch_l2(x.0.wrapping_add(at + v * L::LANES).cast());
    }
}

/// Where an array lies, to be fetched from.
pub(super) struct Address<T>(*const T);

impl<T> Address<T> {
    pub fn of(x: &[T]) -> Address<T> {
        Address(x.as_ptr())
    }
}

/// Where an array lies: rows so many elements apart, the first of which belongs to unit `first`.
pub(super) struct Lines<T> {
    start: Address<T>,
    stride: usize,
    first: usize,
}

impl<T: Element> Lines<T> {
    pub fn of(x: &[T], stride: usize, first: usize) -> Lines<T> {
        Lines { start: Address::of(x), stride, first }
    }

    pub fn of_tile(x: &mut TileMut<'_, T>, first: usize) -> Lines<T> {
        Lines { start: Address(x.as_mut_ptr()), stride: x.stride(), first }
    }
}

impl<T: Real> Lines<T> {
    /// Fetches the vector from unit `j` on of a row.
    #[inline(always)]
    fn fetch<L: Lanes<T = T>>(&self, l: L, row: usize, j: usize) {
        fetch(l, &self.start, row * self.stride + j - self.first, 1);
    }
}

/// What a step forward touches besides its product.
pub(super) struct Ahead<T> {
    pub time: usize,
    /// A row for each gate of each step of each row.
    pub gates: Lines<T>,
    /// Gates.
    pub count: usize,
    /// A row for each step of each row.
    pub written: [Lines<T>; 2],
}

impl<T: Real> Ahead<T> {
    /// Fetches it for a row and the vector from unit `j` on.
    #[inline(always)]
    pub fn fetch<L: Lanes<T = T>>(&self, l: L, place: usize, row: usize, j: usize) {
        let step = row * self.time + place;
        for g in 0..self.count {
            self.gates.fetch(l, step * self.count + g, j);
        }
        for x in &self.written {
            x.fetch(l, step, j);
        }
    }
}
