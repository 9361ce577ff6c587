//! Images `[batch, height, width, channels]`: reading between pixels, and augmentation in one pass.

mod augment;
mod remap;

use dlrs_kernels::image::{Border, Coordinate, Image, Interpolation, Pixel, Sampling};

pub use augment::Augment;
pub use remap::{Remap, RemapBackwardImages, RemapBackwardPositions};

use crate::bail;
use crate::error::Result;
use crate::tensor::Ty;

/// How images are read between their pixels and beyond their borders.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Reading {
    /// Between pixels.
    pub interpolation: Interpolation,
    /// Beyond the border.
    pub border: Border,
    /// Bits of the value beyond a constant border.
    fill: u64,
}

impl Reading {
    /// Reading with `fill` beyond a constant border.
    pub fn new(interpolation: Interpolation, border: Border, fill: f64) -> Reading {
        Reading { interpolation, border, fill: fill.to_bits() }
    }

    /// The same linear map of images, without the constant that the fill value adds.
    fn linear(self) -> Reading {
        Reading { fill: 0, ..self }
    }

    fn sampling<F: Coordinate>(self) -> Sampling<F> {
        let fill = F::of(f64::from_bits(self.fill));
        Sampling { interpolation: self.interpolation, border: self.border, fill }
    }
}

/// The four sizes of a batch of images with at least one pixel each.
fn sizes(op: &str, ty: Ty) -> Result<[usize; 4]> {
    let &[n, h, w, c] = ty.shape.dims() else {
        bail!("{op}: images have shape {}; expected (batch, height, width, channels)", ty.shape);
    };
    if h == 0 || w == 0 || h > i32::MAX as usize || w > i32::MAX as usize {
        bail!("{op}: images have shape {}; expected at least one pixel, and sides below 2**31", ty.shape);
    }
    Ok([n, h, w, c])
}

/// Image `i` of a batch.
fn image<T: Pixel>(data: &[T], [_, height, width, channels]: [usize; 4], i: usize) -> Image<'_, T> {
    let item = height * width * channels;
    Image { data: &data[i * item..(i + 1) * item], height, width, channels }
}
