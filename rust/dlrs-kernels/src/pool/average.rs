//! The mean of each window.

use std::ops::Range;

use super::PoolGeometry;
use super::rows::{Combine, pool_rows};
use super::strip::{STRIP, add, load_first};
use crate::dispatch;
use crate::isa::{Isa, Real};
use crate::mem::TileMut;

#[derive(Clone, Copy)]
struct Mean;

impl<T: Real> Combine<T> for Mean {
    #[inline(always)]
    fn combine(self, a: T, b: T) -> T {
        a + b
    }
    #[inline(always)]
    fn finish(self, all: T, count: usize) -> T {
        all / T::of(count as f64)
    }
}

/// The rows `rows` of the means of the windows' elements; `y` holds them and nothing else.
///
/// # Panics
/// If a slice does not have its size, or `scratch` is shorter than [`pool_scratch_len`](super::pool_scratch_len).
pub fn average_pool<T: Real>(
    isa: Isa,
    g: &PoolGeometry,
    x: &[T],
    rows: Range<usize>,
    y: TileMut<T>,
    scratch: &mut [T],
) {
    dispatch!(isa, _s => pool_rows(Mean, g, x, rows, y, scratch));
}

/// The adjoint of [`average_pool`] for those images: each element of `d` is divided among the elements of its window. `dx` holds the
/// images and nothing else.
///
/// # Panics
/// If a slice does not have its size.
pub fn average_pool_backward<T: Real>(isa: Isa, g: &PoolGeometry, d: &[T], images: Range<usize>, dx: TileMut<T>) {
    dispatch!(isa, _s => spread(g, d, images, dx));
}

#[inline(always)]
fn spread<T: Real>(g: &PoolGeometry, d: &[T], images: Range<usize>, mut dx: TileMut<T>) {
    let dx = dx.as_slice();
    assert!(d.len() == g.n * g.image_out() && images.end <= g.n, "gradient of pooled images");
    assert_eq!(dx.len(), images.len() * g.image_in(), "gradient of images");
    // Zeros are written just before they are added to, while the line is on its way into the cache.
    let mut zeroed = 0;
    let first = images.start * g.image_in();
    let rows = g.output[0] * g.output[1];
    for row in images.start * rows..images.end * rows {
        let (lines, d) = (g.lines(row), &d[row * g.row_len()..][..g.row_len()]);
        let end = lines.clone().last().map_or(0, |line| line + g.line_len() - first);
        if end > zeroed {
            dx[zeroed..end].fill(T::default());
            zeroed = end;
        }
        let count = lines.clone().count();
        for o in 0..g.output[2] {
            let columns = g.columns(o);
            let share = T::of((count * columns.len()) as f64);
            for channel in (0..g.c).step_by(STRIP) {
                let mut strip = load_first(d, o * g.c + channel, g.c - channel);
                (0..STRIP).for_each(|i| strip[i] = strip[i] / share);
                for line in lines.clone() {
                    for column in columns.clone() {
                        add(dx, line - first + column * g.c + channel, strip);
                    }
                }
            }
        }
    }
    dx[zeroed..].fill(T::default());
}
