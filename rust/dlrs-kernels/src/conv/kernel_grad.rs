//! The gradient by the kernel.

use std::ops::Range;

use crate::isa::Isa;
use crate::mem::TileMut;

use super::multiply::Products;
use super::{ConvElement, ConvGeometry};

/// dw for those taps (`ky * kw + kx`), from x and dy; `dw` holds them and nothing else.
///
/// dw\[ky, kx\] = Σ x̂ᵀ·dy over all rows of all images: k the columns of a row, one A_t and B_t per row, A read transposed.
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
    assert!(taps.end <= g.kh * g.kw, "taps {taps:?} of {}x{}", g.kh, g.kw);
    let tap_len = g.c_in * g.c_out;
    let dw = dw.as_slice();
    assert_eq!(dw.len(), taps.len() * tap_len, "gradient of {} taps", taps.len());
    dw.fill(T::default());
    if dw.is_empty() || x.is_empty() || dy.is_empty() {
        return;
    }
    let mut offsets = (Vec::with_capacity(g.n * g.oh), Vec::with_capacity(g.n * g.oh));
    for (tap, dw) in taps.zip(dw.chunks_exact_mut(tap_len)) {
        let (ky, kx) = (tap / g.kw, tap % g.kw);
        let cols = g.cols_of_tap(kx);
        let Some(ix) = g.col(cols.start, kx).filter(|_| !cols.is_empty()) else { continue };
        offsets.0.clear();
        offsets.1.clear();
        for (i, oy) in (0..g.n).flat_map(|i| (0..g.oh).map(move |oy| (i, oy))) {
            if let Some(iy) = g.row(oy, ky) {
                offsets.0.push(((i * g.h + iy) * g.w + ix) * g.c_in);
                offsets.1.push(((i * g.oh + oy) * g.ow + cols.start) * g.c_out);
            }
        }
        let products = Products {
            a: x,
            a_offsets: &offsets.0,
            a_strides: (1, g.strides.1 * g.c_in),
            b: dy,
            b_offsets: &offsets.1,
            b_row_stride: g.c_out,
            k: cols.len(),
        };
        T::multiply(isa, &products, TileMut::new(dw, g.c_in, g.c_out, g.c_out), false, scratch);
    }
}
