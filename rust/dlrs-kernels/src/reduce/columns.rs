//! Sums over the rows of a matrix, fed strip by strip, and the mean and scatter of each column.
//!
//! Row r of a sum adds to the partial sum r mod [`phases`]; the partial sums meet in order at the end. So a sum depends on the
//! elements and the number of columns alone, not on strips, tiles or the instruction set.

use crate::isa::{Isa, Kernel, Lanes, Real};
use crate::mem::TileMut;

/// How many partial sums a column has: enough that a period of rows fills a few vectors.
pub fn phases(cols: usize) -> usize {
    64usize.div_ceil(cols.max(1)).max(4)
}

/// What is added up of an element: itself, or the square of its distance from the mean.
const PLAIN: bool = false;
const SQUARE: bool = true;

/// Adds elements that lie one after another in the columns to sums in progress, of `width` columns: `acc` holds a row for each
/// phase, zeros at first. The first element is at row `row` (counted from the first that is added) and column `col`.
pub fn add_rows<T: Real>(isa: Isa, acc: &mut [T], width: usize, row: usize, col: usize, x: &[T]) {
    let at = (row % (acc.len() / width.max(1)).max(1)) * width + col;
    T::run(isa, Add::<T, PLAIN> { acc, at, x, mean: &[] });
}

/// `y[c]` ← the sum of column c, from the partial sums in `acc`.
pub fn join_rows<T: Real>(acc: &[T], y: &mut [T]) {
    let (first, rest) = acc.split_at(y.len());
    y.copy_from_slice(first);
    for row in rest.chunks_exact(y.len().max(1)) {
        y.iter_mut().zip(row).for_each(|(y, &x)| *y = *y + x);
    }
}

/// Adds `x` to the period `acc` from position `at` on, around and around.
struct Add<'a, T, const WHAT: bool> {
    acc: &'a mut [T],
    at: usize,
    x: &'a [T],
    /// As long as `acc`, for squares.
    mean: &'a [T],
}

impl<T: Real, const WHAT: bool> Kernel<T> for Add<'_, T, WHAT> {
    type Output = ();
    #[inline(always)]
    fn run<L: Lanes<T = T>>(self, l: L) {
        let period = self.acc.len();
        assert!(WHAT == PLAIN || self.mean.len() == period, "a mean for every position of a period");
        let (mut at, mut x) = (self.at, self.x);
        while !x.is_empty() {
            let acc = &mut self.acc[at..];
            let mean = if WHAT == SQUARE { &self.mean[at..] } else { self.mean };
            if at == 0 && x.len() >= period {
                let (full, rest) = x.split_at(x.len() / period * period);
                periods::<L, WHAT>(l, acc, full, mean);
                x = rest;
            } else {
                let n = acc.len().min(x.len());
                periods::<L, WHAT>(l, &mut acc[..n], &x[..n], mean);
                at = (at + n) % period;
                x = &x[n..];
            }
        }
    }
}

/// Adds whole periods.
#[inline(always)]
fn periods<L: Lanes, const WHAT: bool>(l: L, acc: &mut [L::T], x: &[L::T], mean: &[L::T]) {
    const WIDE: usize = 4;
    let mut at = 0;
    while at + WIDE * L::LANES <= acc.len() {
        panel::<L, WHAT, WIDE>(l, acc, x, mean, at, L::LANES);
        at += WIDE * L::LANES;
    }
    while at < acc.len() {
        let n = L::LANES.min(acc.len() - at);
        panel::<L, WHAT, 1>(l, acc, x, mean, at, n);
        at += n;
    }
}

/// K vectors of the period from `at` on, the last of which has `n` lanes; n = LANES if K > 1.
#[inline(always)]
fn panel<L: Lanes, const WHAT: bool, const K: usize>(
    l: L,
    acc: &mut [L::T],
    x: &[L::T],
    mean: &[L::T],
    at: usize,
    n: usize,
) {
    let (period, zero) = (acc.len(), L::T::of(0.0));
    let end = at + (K - 1) * L::LANES + n;
    assert!(end <= period && x.len().is_multiple_of(period) && (WHAT == PLAIN || end <= mean.len()));
    // SAFETY: the columns at..end lie inside every period of `x`, inside `acc`, and inside `mean` where it is read.
    unsafe {
        let load = |p: *const L::T, k: usize| {
            let p = p.add(at + k * L::LANES);
            if n == L::LANES { l.load(p) } else { l.load_or(p, n, zero) }
        };
        let mut sums = [l.splat(zero); K];
        let mut centre = [l.splat(zero); K];
        for k in 0..K {
            sums[k] = load(acc.as_ptr(), k);
            if WHAT == SQUARE {
                centre[k] = load(mean.as_ptr(), k);
            }
        }
        for start in (0..x.len()).step_by(period) {
            for k in 0..K {
                let v = load(x.as_ptr().add(start), k);
                sums[k] = if WHAT == SQUARE {
                    let d = l.sub(v, centre[k]);
                    l.add(sums[k], l.mul(d, d))
                } else {
                    l.add(sums[k], v)
                };
            }
        }
        (0..K).for_each(|k| l.store_first(acc.as_mut_ptr().add(at + k * L::LANES), n, sums[k]));
    }
}

/// Elements of scratch memory that [`moments`] needs for tiles of `width` columns of a matrix of `cols`.
pub fn moments_scratch_len(cols: usize, width: usize) -> usize {
    2 * phases(cols) * width
}

/// `mean[c]` ← the mean of column c of `x`, whose rows have `cols` elements; `scatter[c]` ← the sum of the squared distances from it.
/// The elements are read twice, so that a large mean takes no digits from the scatter.
pub fn moments<T: Real>(isa: Isa, x: &[T], cols: usize, mean: &mut [T], scatter: &mut [T], scratch: &mut [T]) {
    two_passes(isa, (x.len() / cols.max(1), cols, cols), mean, scatter, scratch, |f| f(0, x));
}

/// [`moments`] of the columns of a tile of a matrix of `cols` columns.
pub fn tile_moments<T: Real>(
    isa: Isa,
    x: &mut TileMut<'_, T>,
    cols: usize,
    mean: &mut [T],
    scatter: &mut [T],
    scratch: &mut [T],
) {
    two_passes(isa, (x.rows(), cols, x.cols()), mean, scatter, scratch, |f| {
        if x.is_contiguous() {
            return f(0, x.as_slice());
        }
        (0..x.rows()).for_each(|r| f(r, x.row(r)));
    });
}

/// `each` hands out runs of whole rows, each with its first row.
fn two_passes<T: Real>(
    isa: Isa,
    (rows, cols, width): (usize, usize, usize),
    mean: &mut [T],
    scatter: &mut [T],
    scratch: &mut [T],
    mut each: impl FnMut(&mut dyn FnMut(usize, &[T])),
) {
    let phases = phases(cols);
    let (acc, means) = scratch[..2 * phases * width].split_at_mut(phases * width);
    acc.fill(T::of(0.0));
    each(&mut |row, x| add_rows(isa, acc, width, row, 0, x));
    join_rows(acc, mean);
    let share = T::of(1.0 / rows as f64);
    mean.iter_mut().for_each(|m| *m = *m * share);
    means.chunks_exact_mut(width.max(1)).for_each(|row| row.copy_from_slice(mean));
    acc.fill(T::of(0.0));
    each(&mut |row, x| T::run(isa, Add::<T, SQUARE> { acc: &mut *acc, at: row % phases * width, x, mean: means }));
    join_rows(acc, scatter);
}

/// The mean and variance of columns of a matrix of `rows` rows from those of its chunks of `chunk` rows (the last may be shorter): Chan,
/// Golub & LeVeque, "Algorithms for computing the sample variance", 1983. `means` and `scatters` hold a row per chunk, of `cols`
/// elements, of which those from `first` on are merged.
pub fn merge_moments<T: Real>(
    (means, scatters): (&[T], &[T]),
    (rows, chunk): (usize, usize),
    (cols, first): (usize, usize),
    mean: &mut [T],
    variance: &mut [T],
) {
    if rows == 0 {
        mean.fill(T::NAN);
        return variance.fill(T::NAN);
    }
    let columns = first..first + mean.len();
    let of = |k: usize| chunk.min(rows - k * chunk);
    let start = &means[columns.clone()];
    mean.fill(T::of(0.0));
    for (k, line) in means.chunks_exact(cols).enumerate() {
        let share = T::of(of(k) as f64 / rows as f64);
        for ((m, &x), &x0) in mean.iter_mut().zip(&line[columns.clone()]).zip(start) {
            *m = *m + share * (x - x0);
        }
    }
    mean.iter_mut().zip(start).for_each(|(m, &x0)| *m = *m + x0);
    variance.fill(T::of(0.0));
    for (k, (line, scatter)) in means.chunks_exact(cols).zip(scatters.chunks_exact(cols)).enumerate() {
        let n = T::of(of(k) as f64);
        let parts = line[columns.clone()].iter().zip(&scatter[columns.clone()]);
        for ((v, (&x, &s)), &m) in variance.iter_mut().zip(parts).zip(&*mean) {
            *v = *v + s + n * (x - m) * (x - m);
        }
    }
    let share = T::of(1.0 / rows as f64);
    variance.iter_mut().for_each(|v| *v = *v * share);
}
