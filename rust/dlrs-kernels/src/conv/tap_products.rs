//! The gradient by an input of few channels: pixels of dy times all taps at once, as one matrix product, added up where taps meet.
//!
//! Few channels leave most of a vector idle, and where zeros lie around the image, taps that read them are multiplied in vain. Taps ×
//! channels fill vectors, and every product counts; dx\[.., i, ci\] is the sum of those products that belong to it, in the order of taps.

use std::ops::Range;

use crate::dispatch;
use crate::gemm::driver::finish_rows;
use crate::gemm::levels::Tiles;
use crate::gemm::{Epilogue, MatB, MatRef, PackedRef, gemm_f32, gemm_scratch_len, pack_b, packed_len};
use crate::isa::Isa;
use crate::mem::TileMut;

use super::{ConvGeometry, ConvKernel};

/// Products of an image at most: they stay in L2.
const MOST_PRODUCTS: usize = 64 * 1024;

/// A gradient by the input, by products with all taps.
#[derive(Clone, Debug)]
pub struct TapProducts {
    isa: Isa,
    g: ConvGeometry,
    /// For each position of the first two axes: taps and the positions of dy that they lead to.
    first: [Vec<Vec<(usize, usize)>>; 2],
    /// For each column: where its products begin in those of a row, in elements.
    columns: Vec<Vec<usize>>,
}

impl TapProducts {
    /// The pass, if it is computed best like this: by shape and level alone.
    pub fn new(isa: Isa, g: &ConvGeometry) -> Option<TapProducts> {
        let products = g.output.iter().product::<usize>() * g.taps() * g.c_in;
        let whole = g.groups == 1 && g.strides == [1; 3] && g.taps() > 1;
        if !whole || products > MOST_PRODUCTS || !dispatch!(isa, s => pays(s, g)) {
            return None;
        }
        let readers = |axis: usize, i: usize| {
            (0..g.kernel[axis]).filter_map(move |k| Some((k, g.reader(axis, i, k)?))).collect::<Vec<_>>()
        };
        let width = g.taps() * g.c_in;
        let column = |i: usize| readers(2, i).iter().map(|&(k, o)| o * width + k * g.c_in).collect();
        Some(TapProducts {
            isa,
            g: *g,
            first: [0, 1].map(|axis| (0..g.input[axis]).map(|i| readers(axis, i)).collect()),
            columns: (0..g.input[2]).map(column).collect(),
        })
    }

    /// Pixels of an image of dx, and of dy.
    fn pixels(&self) -> (usize, usize) {
        (self.g.input.iter().product(), self.g.output.iter().product())
    }

    /// Products of a pixel.
    fn width(&self) -> usize {
        self.g.taps() * self.g.c_in
    }

    /// Elements of the packed kernel.
    pub fn packed_len(&self) -> usize {
        packed_len(self.isa, self.g.c_out, self.width())
    }

    /// Packs the kernel.
    ///
    /// # Panics
    /// If `kernel` or `to` is too short.
    pub fn pack(&self, kernel: &[f32], to: &mut [f32]) {
        let by_tap = MatRef::new(kernel, self.g.c_out, self.width(), 1, self.g.c_out);
        pack_b(self.isa, by_tap, &mut to[..self.packed_len()]);
    }

    /// Elements of scratch that [`run`](Self::run) needs.
    pub fn scratch_len(&self) -> usize {
        let pixels = self.pixels().1;
        self.packed_len() + self.products_len() + gemm_scratch_len(self.isa, pixels, self.g.c_out, self.width())
    }

    /// Elements of the products of an image, and of a vector that is read beyond the last.
    fn products_len(&self) -> usize {
        self.pixels().1 * self.width() + dispatch!(self.isa, s => lanes(s))
    }

    /// dx of those images, from dy and the kernel.
    ///
    /// # Panics
    /// If sizes do not agree, or `scratch` is shorter than [`scratch_len`](Self::scratch_len).
    pub fn run(
        &self,
        dy: &[f32],
        kernel: ConvKernel<'_>,
        images: Range<usize>,
        mut to: TileMut<'_, f32>,
        epilogue: &Epilogue<'_>,
        scratch: &mut [f32],
    ) {
        let (g, (here, there)) = (&self.g, self.pixels());
        assert_eq!(dy.len(), g.n * g.image_out(), "gradient of the output");
        assert_eq!((to.rows(), to.cols()), (images.len() * here, g.c_in), "target of the tile");
        epilogue.check(to.rows(), to.cols());
        let (panels, scratch) = scratch.split_at_mut(self.packed_len());
        let (products, scratch) = scratch.split_at_mut(self.products_len());
        let panels = match kernel {
            ConvKernel::Packed(panels) => panels,
            ConvKernel::Plain(kernel) => {
                self.pack(kernel, panels);
                panels
            }
        };
        let panels = PackedRef::new(self.isa, panels, g.c_out, self.width());
        for (i, image) in images.enumerate() {
            let a = MatRef::row_major(&dy[image * g.image_out()..][..g.image_out()], there, g.c_out);
            let c = TileMut::new(&mut products[..], there, self.width(), self.width());
            gemm_f32(self.isa, a, MatB::Packed(panels), c, &Epilogue::default(), scratch);
            let image = to.sub(i * here, 0, here, g.c_in);
            dispatch!(self.isa, s => self.gather(s, products, image, epilogue.accumulate));
        }
        finish_rows(&mut to, epilogue);
    }

    /// Adds up the products of each pixel of an image.
    #[inline(always)]
    fn gather<S: Tiles>(&self, s: S, products: &[f32], mut to: TileMut<'_, f32>, accumulate: bool) {
        let (g, width) = (&self.g, self.width());
        assert!(g.c_in <= S::LANES && products.len() >= self.pixels().1 * width + S::LANES, "products of an image");
        let mut rows = Vec::with_capacity(g.kernel[0] * g.kernel[1]);
        s.vectorize(
            #[inline(always)]
            || {
                let mut pixel = 0;
                for (planes, lines) in self.first[0].iter().flat_map(|p| self.first[1].iter().map(move |l| (p, l))) {
                    rows.clear();
                    for (&(kz, z), &(ky, y)) in planes.iter().flat_map(|p| lines.iter().map(move |l| (p, l))) {
                        let tap = (kz * g.kernel[1] + ky) * g.kernel[2] * g.c_in;
                        rows.push((z * g.output[1] + y) * g.output[2] * width + tap);
                    }
                    for column in &self.columns {
                        let out = to.row(pixel);
                        // SAFETY: a row of the target has `c_in` elements. Rows and columns name products of pixels of dy, which exist
                        // (`reader`), so that a vector from there on ends within `products`, as asserted.
                        unsafe {
                            let mut sum = if accumulate { s.load_partial(out.as_ptr(), g.c_in) } else { s.zero() };
                            for &row in &rows {
                                for &at in column {
                                    sum = s.add(sum, s.load_ptr(products.as_ptr().add(row + at)));
                                }
                            }
                            s.store_partial(out.as_mut_ptr(), g.c_in, sum);
                        }
                        pixel += 1;
                    }
                }
            },
        );
    }
}

#[inline(always)]
fn lanes<S: Tiles>(_: S) -> usize {
    S::LANES
}

/// Whether the vectors multiplied and added are fewer than those of the direct convolution, which bundles pixels of so few channels.
#[inline(always)]
fn pays<S: Tiles>(_: S, g: &ConvGeometry) -> bool {
    let (here, there) = (g.input.iter().product::<usize>(), g.output.iter().product::<usize>());
    let panel = 2 * S::LANES;
    let products = there * (g.taps() * g.c_in).next_multiple_of(panel) / S::LANES * g.c_out;
    let sums = there * g.taps();
    let bundle = (S::LANES / g.c_in.max(1)).max(1);
    let direct = here.div_ceil(bundle) * g.taps() / g.kernel[2] * (g.kernel[2] + bundle - 1) * g.c_out;
    2 * g.c_in <= S::LANES && products + sums < direct * 3 / 4
}
