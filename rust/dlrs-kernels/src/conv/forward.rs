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
    assert_eq!((x.len(), kernel.len()), (g.n * g.image_in(), g.kernel_len()), "input and kernel");
    let y = y.as_slice();
    assert_eq!(y.len(), images.len() * g.image_out(), "output of {} images", images.len());
    if y.is_empty() || x.is_empty() {
        return y.fill(T::default());
    }
    let [_, _, rows] = g.rows();
    let (cols, filters) = (g.output[2], g.group_out());
    let mut taps = Taps::new(g);
    for ((i, o), row) in images.flat_map(|i| (0..rows).map(move |o| (i, o))).zip(y.chunks_exact_mut(cols * g.c_out)) {
        let mut ox = 0;
        while ox < cols {
            let kxs = g.taps_of_col(ox);
            let m = (ox..cols).take_while(|&o| g.taps_of_col(o) == kxs).count();
            taps.list(i, o, ox, kxs);
            for group in 0..g.groups {
                let products = Products {
                    a: &x[group * g.group_in()..],
                    a_offsets: &taps.x,
                    a_strides: (g.strides[2] * g.c_in, 1),
                    b: &kernel[group * filters..],
                    b_offsets: &taps.kernel,
                    b_row_stride: g.c_out,
                    k: taps.k,
                };
                let columns = &mut row[ox * g.c_out + group * filters..(ox + m) * g.c_out];
                T::multiply(isa, &products, TileMut::new(columns, m, filters, g.c_out), false, scratch);
            }
            ox += m;
        }
    }
}

/// Where the taps lie that an output column sees.
struct Taps<'a> {
    g: &'a ConvGeometry,
    /// Offsets in x.
    x: Vec<usize>,
    /// Offsets in the kernel.
    kernel: Vec<usize>,
    /// Consecutive channels at each.
    k: usize,
}

impl<'a> Taps<'a> {
    fn new(g: &'a ConvGeometry) -> Taps<'a> {
        Taps { g, x: Vec::with_capacity(g.taps()), kernel: Vec::with_capacity(g.taps()), k: 0 }
    }

    /// Lists the taps `kxs` of every row of the kernel for image `i`, row `o` and column `ox` of the output.
    fn list(&mut self, i: usize, o: usize, ox: usize, kxs: Range<usize>) {
        let g = self.g;
        let merged = g.dilation[2] == 1 && g.groups == 1;
        let step = if merged { kxs.len().max(1) } else { 1 };
        let [rows_in, rows_kernel, _] = g.rows();
        self.k = step * g.group_in();
        self.x.clear();
        self.kernel.clear();
        for (k, row) in (0..rows_kernel).filter_map(|k| g.row(o, k).map(|row| (k, row))) {
            for kx in kxs.clone().step_by(step) {
                if let Some(ix) = g.at(2, ox, kx) {
                    self.x.push(((i * rows_in + row) * g.input[2] + ix) * g.c_in);
                    self.kernel.push((k * g.kernel[2] + kx) * g.group_in() * g.c_out);
                }
            }
        }
    }
}
