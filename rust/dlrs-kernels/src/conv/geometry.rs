//! Sizes of a convolution, and which outputs a tap of the kernel reaches.

use std::ops::Range;

use crate::gemm::gemm_scratch_len;
use crate::isa::Isa;

/// Sizes of a convolution over three spatial axes; one over fewer has leading axes of size 1. Zeros behind the input are what
/// `output` reaches beyond it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ConvGeometry {
    /// Images.
    pub n: usize,
    /// Spatial sizes of the input.
    pub input: [usize; 3],
    /// Channels of the input.
    pub c_in: usize,
    /// Spatial sizes of the kernel.
    pub kernel: [usize; 3],
    /// Channels of the output.
    pub c_out: usize,
    /// Spatial sizes of the output.
    pub output: [usize; 3],
    /// Positions of the input between two outputs, at least 1.
    pub strides: [usize; 3],
    /// Positions of the input between two taps, at least 1.
    pub dilation: [usize; 3],
    /// Zeros before the input.
    pub pad: [usize; 3],
    /// Groups of channels: group i of the outputs sees group i of the inputs only. Divides `c_in` and `c_out`.
    pub groups: usize,
}

impl ConvGeometry {
    /// Elements of an input image.
    pub fn image_in(&self) -> usize {
        self.input.iter().product::<usize>() * self.c_in
    }

    /// Elements of an output image.
    pub fn image_out(&self) -> usize {
        self.output.iter().product::<usize>() * self.c_out
    }

    /// Positions of the kernel.
    pub fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    /// Input channels that an output sees.
    pub fn group_in(&self) -> usize {
        self.c_in / self.groups
    }

    /// Output channels of a group.
    pub fn group_out(&self) -> usize {
        self.c_out / self.groups
    }

    /// Elements of the kernel, `[k0, k1, k2, c_in / groups, c_out]`.
    pub fn kernel_len(&self) -> usize {
        self.taps() * self.group_in() * self.c_out
    }

    /// Multiply-adds of each pass, those with zeros included.
    pub fn macs(&self) -> f64 {
        let each = [self.image_out(), self.taps(), self.group_in()];
        each.iter().fold(self.n as f64, |product, &factor| product * factor as f64)
    }

    /// The input position along `axis` that tap `k` of output `o` reads, unless it is padding.
    pub(super) fn at(&self, axis: usize, o: usize, k: usize) -> Option<usize> {
        let padded = o * self.strides[axis] + k * self.dilation[axis];
        padded.checked_sub(self.pad[axis]).filter(|&i| i < self.input[axis])
    }

    /// The output position along `axis` whose tap `k` reads input `i`, if there is one.
    pub(super) fn reader(&self, axis: usize, i: usize, k: usize) -> Option<usize> {
        let start = (i + self.pad[axis]).checked_sub(k * self.dilation[axis])?;
        let o = start / self.strides[axis];
        (start.is_multiple_of(self.strides[axis]) && o < self.output[axis]).then_some(o)
    }

    /// The row of the input (first two spatial axes) that row `k` of the kernel reads for row `o` of the output.
    pub(super) fn row(&self, o: usize, k: usize) -> Option<usize> {
        let first = self.at(0, o / self.output[1], k / self.kernel[1])?;
        let second = self.at(1, o % self.output[1], k % self.kernel[1])?;
        Some(first * self.input[1] + second)
    }

    /// Rows of the input, the kernel and the output.
    pub(super) fn rows(&self) -> [usize; 3] {
        [self.input, self.kernel, self.output].map(|size| size[0] * size[1])
    }

    /// The output columns for which tap `kx` reads the input.
    pub(super) fn cols_of_tap(&self, kx: usize) -> Range<usize> {
        self.reached(kx * self.dilation[2], self.strides[2], self.output[2])
    }

    /// The taps of a row of the kernel that read the input at output column `ox`.
    pub(super) fn taps_of_col(&self, ox: usize) -> Range<usize> {
        self.reached(ox * self.strides[2], self.dilation[2], self.kernel[2])
    }

    /// The `i < n` for which column `at + i * step` of the padded input is one of the input.
    fn reached(&self, at: usize, step: usize, n: usize) -> Range<usize> {
        let start = self.pad[2].saturating_sub(at).div_ceil(step);
        let end = (self.input[2] + self.pad[2]).saturating_sub(at).div_ceil(step).min(n);
        start.min(end)..end
    }
}

/// Elements of scratch that any of the three passes needs.
pub fn conv_scratch_len(isa: Isa, g: &ConvGeometry) -> usize {
    let forward = gemm_scratch_len(isa, g.output[2], g.kernel[2] * g.group_in(), g.group_out());
    let input = gemm_scratch_len(isa, g.output[2], g.group_out(), g.group_in());
    let kernel = gemm_scratch_len(isa, g.group_in(), g.output[2], g.group_out());
    forward.max(input + g.kernel_len()).max(kernel)
}
