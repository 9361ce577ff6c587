//! The gradient by the input.

use std::ops::Range;

use crate::isa::Isa;
use crate::mem::TileMut;

use super::multiply::Products;
use super::{ConvElement, ConvGeometry};

/// dx for those images, from dy and w; `dx` holds them and nothing else.
///
/// Each row of dy is multiplied by the transposed kernel of each tap, and added to the pixels of dx that the tap read, which lie a
/// stride apart: dx\[.., oy·s + ky·d, ox·s + kx·d, ci\] += Σ_co dy\[.., oy, ox, co\] · w\[ky, kx, ci, co\].
///
/// # Panics
/// If a slice does not have its size, `dx` is not contiguous, or `scratch` is shorter than
/// [`conv_scratch_len`](super::conv_scratch_len).
pub fn conv_input_grad<T: ConvElement>(
    isa: Isa,
    g: &ConvGeometry,
    dy: &[T],
    kernel: &[T],
    images: Range<usize>,
    mut dx: TileMut<T>,
    scratch: &mut [T],
) {
    assert_eq!((dy.len(), kernel.len()), (g.n * g.image_out(), g.kernel()), "gradient of the output, and kernel");
    let dx = dx.as_slice();
    assert_eq!(dx.len(), images.len() * g.image_in(), "gradient of {} input images", images.len());
    dx.fill(T::default());
    if dx.is_empty() || dy.is_empty() {
        return;
    }
    let (flipped, scratch) = scratch.split_at_mut(g.kernel());
    transpose_taps(g, kernel, flipped);
    for (i, image) in images.zip(dx.chunks_exact_mut(g.image_in())) {
        for (oy, ky) in (0..g.oh).flat_map(|oy| (0..g.kh).map(move |ky| (oy, ky))) {
            let Some(iy) = g.row(oy, ky) else { continue };
            for kx in 0..g.kw {
                let cols = g.cols_of_tap(kx);
                let Some(ix) = g.col(cols.start, kx).filter(|_| !cols.is_empty()) else { continue };
                let products = Products {
                    a: dy,
                    a_offsets: &[((i * g.oh + oy) * g.ow + cols.start) * g.c_out],
                    a_strides: (g.c_out, 1),
                    b: flipped,
                    b_offsets: &[(ky * g.kw + kx) * g.c_in * g.c_out],
                    b_row_stride: g.c_in,
                    k: g.c_out,
                };
                let row = &mut image[(iy * g.w + ix) * g.c_in..(iy + 1) * g.w * g.c_in];
                let c = TileMut::new(row, cols.len(), g.c_in, g.strides.1 * g.c_in);
                T::multiply(isa, &products, c, true, scratch);
            }
        }
    }
}

/// w with the channels of each tap exchanged: \[ky, kx, co, ci\].
fn transpose_taps<T: ConvElement>(g: &ConvGeometry, kernel: &[T], flipped: &mut [T]) {
    for tap in 0..g.kh * g.kw {
        let start = tap * g.c_in * g.c_out;
        for ci in 0..g.c_in {
            for co in 0..g.c_out {
                flipped[start + co * g.c_in + ci] = kernel[start + ci * g.c_out + co];
            }
        }
    }
}
