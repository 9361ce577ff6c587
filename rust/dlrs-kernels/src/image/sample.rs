//! Reading an image between its pixels.

use super::Border;
use crate::isa::Real;
use crate::mem::Element;

/// A floating-point type in which positions and results are computed.
pub trait Coordinate: Real {
    /// The largest integer not above.
    fn floor(self) -> Self;
    /// The integer part; the nearest one that fits, 0 for NaN.
    fn to_i32(self) -> i32;
}

impl Coordinate for f32 {
    #[inline(always)]
    fn floor(self) -> f32 {
        f32::floor(self)
    }
    #[inline(always)]
    fn to_i32(self) -> i32 {
        self as i32
    }
}

impl Coordinate for f64 {
    #[inline(always)]
    fn floor(self) -> f64 {
        f64::floor(self)
    }
    #[inline(always)]
    fn to_i32(self) -> i32 {
        self as i32
    }
}

/// An element of an image.
pub trait Pixel: Element {
    /// The type in which it is interpolated.
    type Real: Coordinate;
    /// The element in that type.
    fn real(self) -> Self::Real;
}

impl Pixel for u8 {
    type Real = f32;
    #[inline(always)]
    fn real(self) -> f32 {
        f32::from(self)
    }
}

impl Pixel for f32 {
    type Real = f32;
    #[inline(always)]
    fn real(self) -> f32 {
        self
    }
}

impl Pixel for f64 {
    type Real = f64;
    #[inline(always)]
    fn real(self) -> f64 {
        self
    }
}

/// An image of at least one pixel and channel.
#[derive(Clone, Copy)]
pub struct Image<'a, T> {
    /// Elements, `[height, width, channels]`.
    pub data: &'a [T],
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

/// How a value between pixels is found.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Interpolation {
    /// The pixel at `floor(x + 1/2)`.
    Nearest,
    /// Linear along both axes, between the four pixels around.
    Bilinear,
}

/// How an image is read.
#[derive(Clone, Copy, Debug)]
pub struct Sampling<F> {
    /// Between pixels.
    pub interpolation: Interpolation,
    /// Beyond the border.
    pub border: Border,
    /// The value beyond a constant border.
    pub fill: F,
}

/// Positions that are worked on together: their integer parts and fractions are vectors.
pub(super) const CHUNK: usize = 32;

/// Positions with their integer parts and fractions.
pub(super) struct Places<F> {
    pub(super) column: [i32; CHUNK],
    pub(super) row: [i32; CHUNK],
    pub(super) dx: [F; CHUNK],
    pub(super) dy: [F; CHUNK],
}

impl<F: Coordinate> Places<F> {
    /// Takes positions apart, `shift` having been added.
    #[inline(always)]
    pub(super) fn of(x: &[F; CHUNK], y: &[F; CHUNK], shift: F) -> Places<F> {
        let zero = F::of(0.0);
        let mut p = Places { column: [0; CHUNK], row: [0; CHUNK], dx: [zero; CHUNK], dy: [zero; CHUNK] };
        for i in 0..CHUNK {
            let (x, y) = (x[i] + shift, y[i] + shift);
            let (fx, fy) = (x.floor(), y.floor());
            p.column[i] = fx.to_i32();
            p.row[i] = fy.to_i32();
            p.dx[i] = x - fx;
            p.dy[i] = y - fy;
        }
        p
    }
}

impl<T: Pixel> Image<'_, T> {
    /// Where the pixel at (`row`, `column`) starts, if it is not the fill value.
    #[inline(always)]
    pub(super) fn at(&self, row: i32, column: i32, border: Border) -> Option<usize> {
        let row = border.index(row, self.height)?;
        let column = border.index(column, self.width)?;
        Some((row * self.width + column) * self.channels)
    }

    /// Writes the values at `n` positions, each of `channels` elements.
    #[inline(always)]
    pub(super) fn sample(
        &self,
        s: &Sampling<T::Real>,
        x: &[T::Real; CHUNK],
        y: &[T::Real; CHUNK],
        out: &mut [T::Real],
    ) {
        match s.interpolation {
            Interpolation::Nearest => self.nearest(s, &Places::of(x, y, T::Real::of(0.5)), out),
            Interpolation::Bilinear => self.bilinear(s, &Places::of(x, y, T::Real::of(0.0)), out),
        }
    }

    #[inline(always)]
    fn nearest(&self, s: &Sampling<T::Real>, p: &Places<T::Real>, out: &mut [T::Real]) {
        for (i, out) in out.chunks_exact_mut(self.channels).enumerate() {
            match self.at(p.row[i], p.column[i], s.border) {
                Some(at) => out.iter_mut().zip(&self.data[at..]).for_each(|(y, x)| *y = x.real()),
                None => out.fill(s.fill),
            }
        }
    }

    #[inline(always)]
    fn bilinear(&self, s: &Sampling<T::Real>, p: &Places<T::Real>, out: &mut [T::Real]) {
        let (last_row, last_column) = (self.height as i64 - 1, self.width as i64 - 1);
        let below = self.width * self.channels;
        for (i, out) in out.chunks_exact_mut(self.channels).enumerate() {
            let (row, column, dx, dy) = (p.row[i], p.column[i], p.dx[i], p.dy[i]);
            let inside = row >= 0 && column >= 0 && i64::from(row) < last_row && i64::from(column) < last_column;
            if !inside {
                self.bilinear_at_border(s, (row, column), (dx, dy), out);
                continue;
            }
            let at = (row as usize * self.width + column as usize) * self.channels;
            if self.channels == 3 {
                // Two neighbours are six elements that follow each other.
                let (above, below) = (&self.data[at..at + 6], &self.data[at + below..at + below + 6]);
                for c in 0..3 {
                    let (a, b) = (above[c].real(), above[c + 3].real());
                    let (e, f) = (below[c].real(), below[c + 3].real());
                    out[c] = blend(a, b, e, f, dx, dy);
                }
            } else {
                let two = 2 * self.channels;
                let (above, below) = (&self.data[at..at + two], &self.data[at + below..at + below + two]);
                let ((a, b), (e, f)) = (above.split_at(self.channels), below.split_at(self.channels));
                for c in 0..self.channels {
                    out[c] = blend(a[c].real(), b[c].real(), e[c].real(), f[c].real(), dx, dy);
                }
            }
        }
    }

    /// Some of the four pixels lie beyond the border.
    #[inline(never)]
    fn bilinear_at_border(
        &self,
        s: &Sampling<T::Real>,
        (row, column): (i32, i32),
        (dx, dy): (T::Real, T::Real),
        out: &mut [T::Real],
    ) {
        let (row1, column1) = (row.saturating_add(1), column.saturating_add(1));
        let at = [(row, column), (row, column1), (row1, column), (row1, column1)].map(|(r, c)| self.at(r, c, s.border));
        for (c, out) in out.iter_mut().enumerate() {
            let [a, b, e, f] = at.map(|at| at.map_or(s.fill, |at| self.data[at + c].real()));
            *out = blend(a, b, e, f, dx, dy);
        }
    }
}

/// Between `a b` above and `e f` below.
#[inline(always)]
fn blend<F: Coordinate>(a: F, b: F, e: F, f: F, dx: F, dy: F) -> F {
    let above = a + dx * (b - a);
    let below = e + dx * (f - e);
    above + dy * (below - above)
}
