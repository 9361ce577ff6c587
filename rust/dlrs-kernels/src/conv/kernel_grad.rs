//! The gradient by the kernel.

use std::ops::Range;

use crate::isa::Isa;
use crate::mem::TileMut;

use super::multiply::Products;
use super::{ConvElement, ConvGeometry};

/// dw for those taps (counted in row-major order), from x and dy; `dw` holds them and nothing else.
///
/// dw\[tap\] = Σ x̂ᵀ·dy over all rows of all images: k the columns of a row, one A_t and B_t per row, A read transposed.
///
/// # Panics
/// If a slice does not have its size, `dw` is not contiguous, or `scratch` is shorter than
/// [`conv_scratch_len`](super::conv_scratch_len).
pub fn conv_kernel_grad<T: ConvElement>(
    isa: Isa,
    g: &ConvGeometry,
    x: &[T],
    dy: &[T],
    taps: Range<usize>,
    mut dw: TileMut<T>,
    scratch: &mut [T],
) {
    assert_eq!((x.len(), dy.len()), (g.n * g.image_in(), g.n * g.image_out()), "input and gradient of the output");
    assert!(taps.end <= g.taps(), "taps {taps:?} of {:?}", g.kernel);
    let (channels, filters) = (g.group_in(), g.group_out());
    let tap_len = channels * g.c_out;
    let dw = dw.as_slice();
    assert_eq!(dw.len(), taps.len() * tap_len, "gradient of {} taps", taps.len());
    dw.fill(T::default());
    if dw.is_empty() || x.is_empty() || dy.is_empty() {
        return;
    }
    let [rows_in, _, rows_out] = g.rows();
    let mut offsets = (Vec::with_capacity(g.n * rows_out), Vec::with_capacity(g.n * rows_out));
    for (tap, dw) in taps.zip(dw.chunks_exact_mut(tap_len)) {
        let (k, kx) = (tap / g.kernel[2], tap % g.kernel[2]);
        let cols = g.cols_of_tap(kx);
        let Some(ix) = g.at(2, cols.start, kx).filter(|_| !cols.is_empty()) else { continue };
        offsets.0.clear();
        offsets.1.clear();
        for (i, o) in (0..g.n).flat_map(|i| (0..rows_out).map(move |o| (i, o))) {
            if let Some(row) = g.row(o, k) {
                offsets.0.push(((i * rows_in + row) * g.input[2] + ix) * g.c_in);
                offsets.1.push(((i * rows_out + o) * g.output[2] + cols.start) * g.c_out);
            }
        }
        for group in 0..g.groups {
            let products = Products {
                a: &x[group * channels..],
                a_offsets: &offsets.0,
                a_strides: (1, g.strides[2] * g.c_in),
                b: &dy[group * filters..],
                b_offsets: &offsets.1,
                b_row_stride: g.c_out,
                k: cols.len(),
            };
            let c = TileMut::new(&mut dw[group * filters..], channels, filters, g.c_out);
            T::multiply(isa, &products, c, false, scratch);
        }
    }
}
