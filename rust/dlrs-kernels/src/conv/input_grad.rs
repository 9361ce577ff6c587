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
    assert_eq!((dy.len(), kernel.len()), (g.n * g.image_out(), g.kernel_len()), "gradient of the output, and kernel");
    let dx = dx.as_slice();
    assert_eq!(dx.len(), images.len() * g.image_in(), "gradient of {} input images", images.len());
    dx.fill(T::default());
    if dx.is_empty() || dy.is_empty() {
        return;
    }
    let (flipped, scratch) = scratch.split_at_mut(g.kernel_len());
    transpose_taps(g, kernel, flipped);
    let [rows_in, rows_kernel, rows_out] = g.rows();
    let (channels, filters) = (g.group_in(), g.group_out());
    let row_len = g.input[2] * g.c_in;
    for (i, image) in images.zip(dx.chunks_exact_mut(rows_in * row_len)) {
        for (o, k) in (0..rows_out).flat_map(|o| (0..rows_kernel).map(move |k| (o, k))) {
            let Some(row) = g.row(o, k) else { continue };
            for kx in 0..g.kernel[2] {
                let cols = g.cols_of_tap(kx);
                let Some(ix) = g.at(2, cols.start, kx).filter(|_| !cols.is_empty()) else { continue };
                for group in 0..g.groups {
                    let tap = (k * g.kernel[2] + kx) * g.groups + group;
                    let products = Products {
                        a: dy,
                        a_offsets: &[((i * rows_out + o) * g.output[2] + cols.start) * g.c_out + group * filters],
                        a_strides: (g.c_out, 1),
                        b: flipped,
                        b_offsets: &[tap * channels * filters],
                        b_row_stride: channels,
                        k: filters,
                    };
                    let row = &mut image[row * row_len + ix * g.c_in + group * channels..(row + 1) * row_len];
                    let c = TileMut::new(row, cols.len(), channels, g.strides[2] * g.c_in);
                    T::multiply(isa, &products, c, true, scratch);
                }
            }
        }
    }
}

/// w with the channels of each tap exchanged, group by group: `[tap, group, c_out / groups, c_in / groups]`.
fn transpose_taps<T: ConvElement>(g: &ConvGeometry, kernel: &[T], flipped: &mut [T]) {
    let channels = g.group_in();
    for (tap, flipped) in kernel.chunks_exact(channels * g.c_out).zip(flipped.chunks_exact_mut(channels * g.c_out)) {
        for (co, row) in flipped.chunks_exact_mut(channels).enumerate() {
            for (ci, w) in row.iter_mut().enumerate() {
                *w = tap[ci * g.c_out + co];
            }
        }
    }
}
