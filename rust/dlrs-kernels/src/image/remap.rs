//! Images read at given positions, and the two gradients of that.

use super::sample::{CHUNK, Places};
use super::{Coordinate, Image, Interpolation, Pixel, Sampling};
use crate::dispatch;
use crate::isa::Isa;

/// Writes the values of the image at `positions`, pairs (row, column).
pub fn remap_row<T: Pixel>(
    isa: Isa,
    image: &Image<'_, T>,
    sampling: &Sampling<T::Real>,
    positions: &[T::Real],
    out: &mut [T::Real],
) {
    dispatch!(isa, s => remap(s, image, sampling, positions, out));
}

#[inline(always)]
fn remap<S, T: Pixel>(
    _: S,
    image: &Image<'_, T>,
    sampling: &Sampling<T::Real>,
    positions: &[T::Real],
    out: &mut [T::Real],
) {
    for (positions, out) in positions.chunks(2 * CHUNK).zip(out.chunks_mut(CHUNK * image.channels)) {
        let (x, y) = split(positions);
        image.sample(sampling, &x, &y, out);
    }
}

/// Columns and rows of up to `CHUNK` pairs.
#[inline(always)]
fn split<F: Coordinate>(positions: &[F]) -> ([F; CHUNK], [F; CHUNK]) {
    let (mut x, mut y) = ([F::of(0.0); CHUNK], [F::of(0.0); CHUNK]);
    for (i, pair) in positions.chunks_exact(2).enumerate() {
        (y[i], x[i]) = (pair[0], pair[1]);
    }
    (x, y)
}

/// Adds to `image`, of `height` × `width` pixels, what each of its elements weighs in the values at `positions`, times the
/// values' gradients `d`: the transpose of [`remap_row`].
pub fn remap_row_image_gradient<F: Coordinate + Pixel<Real = F>>(
    (height, width): (usize, usize),
    sampling: &Sampling<F>,
    positions: &[F],
    d: &[F],
    image: &mut [F],
) {
    let channels = image.len() / (height * width);
    for (pair, d) in positions.chunks_exact(2).zip(d.chunks_exact(channels)) {
        for (row, column, weight) in taps(sampling.interpolation, pair[0], pair[1]) {
            let place = (sampling.border.index(row, height), sampling.border.index(column, width));
            let (Some(row), Some(column)) = place else { continue };
            let at = (row * width + column) * channels;
            image[at..at + channels].iter_mut().zip(d).for_each(|(y, &d)| *y = *y + weight * d);
        }
    }
}

/// The pixels that a value is made of, and their weights.
fn taps<F: Coordinate>(interpolation: Interpolation, y: F, x: F) -> [(i32, i32, F); 4] {
    let shift = if interpolation == Interpolation::Nearest { F::of(0.5) } else { F::of(0.0) };
    let p = Places::of(&[x; CHUNK], &[y; CHUNK], shift);
    let (row, column, zero, one) = (p.row[0], p.column[0], F::of(0.0), F::of(1.0));
    let (dx, dy) = if interpolation == Interpolation::Nearest { (zero, zero) } else { (p.dx[0], p.dy[0]) };
    let (row1, column1) = (row.saturating_add(1), column.saturating_add(1));
    [
        (row, column, (one - dy) * (one - dx)),
        (row, column1, (one - dy) * dx),
        (row1, column, dy * (one - dx)),
        (row1, column1, dy * dx),
    ]
}

/// Writes the gradients by the positions of Σ d·value: pairs (by row, by column). Those of the nearest pixel are zero.
pub fn remap_row_coordinate_gradient<F: Coordinate + Pixel<Real = F>>(
    image: &Image<'_, F>,
    sampling: &Sampling<F>,
    positions: &[F],
    d: &[F],
    out: &mut [F],
) {
    let (zero, one) = (F::of(0.0), F::of(1.0));
    for ((pair, d), out) in positions.chunks_exact(2).zip(d.chunks_exact(image.channels)).zip(out.chunks_exact_mut(2)) {
        let (mut by_row, mut by_column) = (zero, zero);
        if sampling.interpolation == Interpolation::Bilinear {
            let p = Places::of(&[pair[1]; CHUNK], &[pair[0]; CHUNK], zero);
            let (row, column, dx, dy) = (p.row[0], p.column[0], p.dx[0], p.dy[0]);
            let (row1, column1) = (row.saturating_add(1), column.saturating_add(1));
            let at = [(row, column), (row, column1), (row1, column), (row1, column1)];
            let at = at.map(|(r, c)| image.at(r, c, sampling.border));
            for (c, &d) in d.iter().enumerate() {
                let [a, b, e, f] = at.map(|at| at.map_or(sampling.fill, |at| image.data[at + c]));
                by_column = by_column + d * ((one - dy) * (b - a) + dy * (f - e));
                by_row = by_row + d * ((one - dx) * (e - a) + dx * (f - b));
            }
        }
        (out[0], out[1]) = (by_row, by_column);
    }
}
