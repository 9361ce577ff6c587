//! Sorting, the largest elements, and places in sorted lists.
//!
//! Elements are compared by integer keys, so that every type has one total order: −0 equals 0, and NaN stands behind all
//! numbers whichever way the numbers go, as in NumPy.

use crate::mem::{Element, TileMut};

/// A type whose elements can be put in order.
pub trait Ordered: Element {
    /// A number that is less exactly if the element stands before; `i64::MAX` for NaN.
    fn key(self) -> i64;

    /// The key of the opposite order, in which NaN is last too.
    fn descending_key(self) -> i64 {
        let key = self.key();
        if key == i64::MAX { key } else { !key }
    }
}

macro_rules! integers {
    ($($ty:ident)*) => { $(impl Ordered for $ty {
        #[inline(always)]
        fn key(self) -> i64 { i64::from(self) }
    })* };
}
integers!(u8 i32);

impl Ordered for u64 {
    // Moved by half the range, so that signed numbers have the same order.
    #[inline(always)]
    fn key(self) -> i64 {
        (self ^ 1 << 63) as i64
    }

    // No integer is NaN.
    #[inline(always)]
    fn descending_key(self) -> i64 {
        !self.key()
    }
}

impl Ordered for i64 {
    #[inline(always)]
    fn key(self) -> i64 {
        self
    }

    // No integer is NaN.
    fn descending_key(self) -> i64 {
        !self
    }
}

impl Ordered for f32 {
    #[inline(always)]
    fn key(self) -> i64 {
        f64::from(self).key()
    }
}

impl Ordered for f64 {
    #[inline(always)]
    fn key(self) -> i64 {
        if self.is_nan() {
            return i64::MAX;
        }
        // Adding 0 makes −0 to 0. The bits of a positive number order as integers do; of a negative one, the other way round.
        let bits = (self + 0.0).to_bits() as i64;
        if bits < 0 { bits ^ i64::MAX } else { bits }
    }
}

/// Which elements of a line are wanted, and in which order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Order {
    /// The largest first; else the smallest.
    pub descending: bool,
    /// How many, from the first on.
    pub k: usize,
}

/// The first `order.k` elements of each line of `x` in order, with their places in the line. Equal elements keep their order.
/// `x` holds as many lines of `len` elements as the results have rows; `scratch` has `len` elements.
///
/// # Panics
/// If the sizes do not fit.
pub fn sort_lines<T: Ordered>(
    x: &[T],
    len: usize,
    order: Order,
    scratch: &mut [i32],
    mut values: TileMut<T>,
    mut places: TileMut<i32>,
) {
    assert!(values.cols() == order.k && places.cols() == order.k && order.k <= len, "results of another size");
    for r in 0..values.rows() {
        let line = &x[r * len..][..len];
        let best = if order.descending {
            first_places(order.k, scratch, |i| line[i as usize].descending_key())
        } else {
            first_places(order.k, scratch, |i| line[i as usize].key())
        };
        places.row(r).copy_from_slice(best);
        values.row(r).iter_mut().zip(best).for_each(|(y, &i)| *y = line[i as usize]);
    }
}

/// The `k` places of the smallest keys, in order; of equal keys the earlier place comes first.
fn first_places(k: usize, places: &mut [i32], key: impl Fn(i32) -> i64) -> &[i32] {
    places.iter_mut().zip(0..).for_each(|(place, i)| *place = i);
    // The place breaks ties, which makes the order total: an unstable sort then gives the one answer, without memory of its own.
    let compare = |a: &i32, b: &i32| key(*a).cmp(&key(*b)).then(a.cmp(b));
    if k > 0 && k < places.len() {
        places.select_nth_unstable_by(k - 1, compare);
    }
    let best = &mut places[..k];
    best.sort_unstable_by(compare);
    best
}

/// For each value the number of elements of the ascending list `sorted` that stand before it, or, if `right`, not behind it.
pub fn search<T: Ordered>(sorted: &[T], values: &[T], right: bool, y: &mut [i32]) {
    for (y, value) in y.iter_mut().zip(values) {
        let key = value.key();
        *y = sorted.partition_point(|s| if right { s.key() <= key } else { s.key() < key }) as i32;
    }
}
