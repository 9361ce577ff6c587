//! The convolution itself.

use std::ops::Range;

use crate::isa::Isa;
use crate::mem::TileMut;

use super::multiply::Products;
use super::{ConvElement, ConvGeometry};

/// y = x ∗ w for those images; `y` holds them and nothing else.
///
/// Output columns for which the same taps fall on the input are one product: m columns of the output, k the channels of the input,
/// one A_t and B_t per tap. Without dilation the taps of a kernel row touch, in x as in w, and make one longer k.
///
/// # Panics
/// If a slice does not have its size, `y` is not contiguous, or `scratch` is shorter than [`conv_scratch_len`](super::conv_scratch_len).
pub fn conv_forward<T: ConvElement>(
    isa: Isa,
    g: &ConvGeometry,
    x: &[T],
    kernel: &[T],
    images: Range<usize>,
    mut y: TileMut<T>,
    scratch: &mut [T],
) {
    assert_eq!((x.len(), kernel.len()), (g.n * g.image_in(), g.kernel()), "input and kernel");
    let y = y.as_slice();
    assert_eq!(y.len(), images.len() * g.image_out(), "output of {} images", images.len());
    if y.is_empty() {
        return;
    }
    let mut taps = (Vec::with_capacity(g.kh * g.kw), Vec::with_capacity(g.kh * g.kw));
    let rows = images.flat_map(|i| (0..g.oh).map(move |oy| (i, oy)));
    for ((i, oy), row) in rows.zip(y.chunks_exact_mut(g.ow * g.c_out)) {
        let mut ox = 0;
        while ox < g.ow {
            let kxs = g.taps_of_col(ox);
            let m = (ox..g.ow).take_while(|&o| g.taps_of_col(o) == kxs).count();
            let k = list_taps(g, (i, oy, ox), kxs, &mut taps);
            let products = Products {
                a: x,
                a_offsets: &taps.0,
                a_strides: (g.strides.1 * g.c_in, 1),
                b: kernel,
                b_offsets: &taps.1,
                b_row_stride: g.c_out,
                k,
            };
            let c = TileMut::new(&mut row[ox * g.c_out..(ox + m) * g.c_out], m, g.c_out, g.c_out);
            T::multiply(isa, &products, c, false, scratch);
            ox += m;
        }
    }
}

/// Lists where the taps `kxs` of every kernel row lie in x, for the output at image, row and column `at`, and in w. Returns k.
fn list_taps(
    g: &ConvGeometry,
    (i, oy, ox): (usize, usize, usize),
    kxs: Range<usize>,
    taps: &mut (Vec<usize>, Vec<usize>),
) -> usize {
    let merged = g.dilation.1 == 1;
    let step = if merged { kxs.len().max(1) } else { 1 };
    taps.0.clear();
    taps.1.clear();
    for (ky, iy) in (0..g.kh).filter_map(|ky| g.row(oy, ky).map(|iy| (ky, iy))) {
        for kx in kxs.clone().step_by(step) {
            if let Some(ix) = g.col(ox, kx) {
                taps.0.push(((i * g.h + iy) * g.w + ix) * g.c_in);
                taps.1.push((ky * g.kw + kx) * g.c_in * g.c_out);
            }
        }
    }
    if merged { kxs.len() * g.c_in } else { g.c_in }
}
