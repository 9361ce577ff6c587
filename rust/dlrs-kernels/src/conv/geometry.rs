//! Sizes of a convolution, and which outputs a tap of the kernel reaches.

use std::ops::Range;

use crate::gemm::gemm_scratch_len;
use crate::isa::Isa;

/// Sizes of a convolution. Padding at the bottom and the right is what `oh` and `ow` reach beyond the input.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ConvGeometry {
    /// Images.
    pub n: usize,
    /// Rows of an input image.
    pub h: usize,
    /// Columns of an input image.
    pub w: usize,
    /// Channels of the input.
    pub c_in: usize,
    /// Rows of the kernel.
    pub kh: usize,
    /// Columns of the kernel.
    pub kw: usize,
    /// Channels of the output.
    pub c_out: usize,
    /// Rows of an output image.
    pub oh: usize,
    /// Columns of an output image.
    pub ow: usize,
    /// Rows and columns of the input between two outputs, at least 1.
    pub strides: (usize, usize),
    /// Rows and columns of the input between two taps, at least 1.
    pub dilation: (usize, usize),
    /// Rows of zeros above the input.
    pub pad_top: usize,
    /// Columns of zeros left of the input.
    pub pad_left: usize,
}

impl ConvGeometry {
    pub(super) fn image_in(&self) -> usize {
        self.h * self.w * self.c_in
    }

    pub(super) fn image_out(&self) -> usize {
        self.oh * self.ow * self.c_out
    }

    pub(super) fn kernel(&self) -> usize {
        self.kh * self.kw * self.c_in * self.c_out
    }

    /// The input row that tap `ky` of output row `oy` reads, unless it is padding.
    pub(super) fn row(&self, oy: usize, ky: usize) -> Option<usize> {
        (oy * self.strides.0 + ky * self.dilation.0).checked_sub(self.pad_top).filter(|&y| y < self.h)
    }

    /// The input column that tap `kx` of output column `ox` reads, unless it is padding.
    pub(super) fn col(&self, ox: usize, kx: usize) -> Option<usize> {
        (ox * self.strides.1 + kx * self.dilation.1).checked_sub(self.pad_left).filter(|&x| x < self.w)
    }

    /// The output columns for which tap `kx` reads the input.
    pub(super) fn cols_of_tap(&self, kx: usize) -> Range<usize> {
        let (stride, at) = (self.strides.1, kx * self.dilation.1);
        let start = self.pad_left.saturating_sub(at).div_ceil(stride);
        let end = (self.w + self.pad_left).saturating_sub(at).div_ceil(stride).min(self.ow);
        start.min(end)..end
    }

    /// The taps of a row of the kernel that read the input at output column `ox`.
    pub(super) fn taps_of_col(&self, ox: usize) -> Range<usize> {
        let (dilation, at) = (self.dilation.1, ox * self.strides.1);
        let start = self.pad_left.saturating_sub(at).div_ceil(dilation);
        let end = (self.w + self.pad_left).saturating_sub(at).div_ceil(dilation).min(self.kw);
        start.min(end)..end
    }
}

/// Elements of scratch that any of the three passes needs.
pub fn conv_scratch_len(isa: Isa, g: &ConvGeometry) -> usize {
    let forward = gemm_scratch_len(isa, g.ow, g.kw * g.c_in, g.c_out);
    let input = gemm_scratch_len(isa, g.ow, g.c_out, g.c_in);
    let kernel = gemm_scratch_len(isa, g.c_in, g.ow, g.c_out);
    forward.max(input + g.kernel()).max(kernel)
}
