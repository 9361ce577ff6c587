//! Images under affine and perspective maps.

use super::sample::CHUNK;
use super::{Coordinate, Image, Pixel, Sampling};
use crate::isa::{Isa, Real};
use crate::{dispatch, mem::Element};

/// The map from a pixel (x, y) of the result to the position in the image that it shows:
/// ((a₀x + a₁y + a₂)/k, (a₃x + a₄y + a₅)/k) with k = a₆x + a₇y + 1.
pub type Projection<F> = [F; 8];

/// Writes rows of `width` pixels of the image seen through `map`, from row `first` on.
pub fn warp<T: Pixel>(
    isa: Isa,
    image: &Image<'_, T>,
    sampling: &Sampling<T::Real>,
    map: &Projection<T::Real>,
    (first, width): (usize, usize),
    out: &mut [T::Real],
) {
    dispatch!(isa, s => rows(s, image, sampling, map, (first, width), out));
}

#[inline(always)]
fn rows<S, T: Pixel>(
    _: S,
    image: &Image<'_, T>,
    sampling: &Sampling<T::Real>,
    map: &Projection<T::Real>,
    (first, width): (usize, usize),
    out: &mut [T::Real],
) {
    let zero = T::Real::of(0.0);
    let affine = map[6] == zero && map[7] == zero;
    let (mut x, mut y) = ([zero; CHUNK], [zero; CHUNK]);
    for (row, out) in out.chunks_exact_mut(width * image.channels).enumerate() {
        let v = T::Real::of((first + row) as f64);
        let (row_x, row_y, row_k) = (map[1] * v + map[2], map[4] * v + map[5], map[7] * v + T::Real::of(1.0));
        for (chunk, out) in out.chunks_mut(CHUNK * image.channels).enumerate() {
            for i in 0..CHUNK {
                let u = of::<T::Real>(chunk * CHUNK + i);
                (x[i], y[i]) = (map[0] * u + row_x, map[3] * u + row_y);
            }
            if !affine {
                for i in 0..CHUNK {
                    let k = map[6] * of::<T::Real>(chunk * CHUNK + i) + row_k;
                    (x[i], y[i]) = (x[i] / k, y[i] / k);
                }
            }
            image.sample(sampling, &x, &y, out);
        }
    }
}

/// A column's number: exact in single precision up to 2²⁴.
#[inline(always)]
fn of<F: Coordinate + Element>(i: usize) -> F {
    F::of(f64::from(i as u32))
}
