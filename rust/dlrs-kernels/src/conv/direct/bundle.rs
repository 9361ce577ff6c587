//! Several pixels of few channels as one pixel of more.
//!
//! A target of few channels would leave most lanes of a vector idle. r neighbours along the last axis are one pixel of r times the
//! channels, whose taps are those of any of the r: tap e of the bundle is tap e − p·jump of its pixel p, or none.

use std::ops::Range;

use crate::gemm::levels::Tiles;
use crate::gemm::pack::pack_panel;

use super::TapMatrix;
use super::phase::{Axis, Phase};
use super::view::Images;

#[derive(Clone, Debug, Hash)]
pub(super) struct Bundle {
    /// Pixels in one.
    pub pixels: usize,
    /// Taps along the last axis.
    pub span: usize,
    /// The distance between the sources of two pixels.
    jump: usize,
    /// The taps of one pixel along the last axis, as the kernel numbers them, by ascending source, and how many the kernel has.
    taps: Vec<usize>,
    kernel: usize,
}

impl Bundle {
    /// The best one for vectors of `lanes`, if any is better than single pixels.
    pub fn best(lanes: usize, target: Images, phases: &[Phase], kernel: usize) -> Option<Bundle> {
        let Axis { first: 0, step: 1, jump, ref taps, .. } = phases.first()?[2] else { return None };
        if taps.is_empty() || taps.windows(2).any(|pair| pair[1].0 - pair[0].0 != 1) {
            return None;
        }
        // Steps of k per pixel.
        let span = |pixels: usize| taps.len() + (pixels - 1) * jump;
        let cost = |pixels: usize| span(pixels) as f64 / pixels as f64;
        let fitting = (1..=lanes / target.channels.max(1)).filter(|&r| target.size[2].is_multiple_of(r));
        let pixels = fitting.min_by(|&a, &b| cost(a).total_cmp(&cost(b)))?;
        let taps = taps.iter().map(|tap| tap.1).collect();
        (pixels > 1).then(|| Bundle { pixels, span: span(pixels), jump, taps, kernel })
    }

    /// The target and the phases in bundles.
    pub fn apply(&self, target: &mut Images, phases: &mut [Phase]) {
        target.size[2] /= self.pixels;
        target.channels *= self.pixels;
        for [_, _, last] in phases {
            let first = last.taps[0].0;
            last.taps = (0..self.span).map(|e| (first + e as isize, e)).collect();
            last.count /= self.pixels;
            last.jump *= self.pixels;
        }
    }

    /// Packs the matrix of a tap of the bundle, or some rows of it, into rows of `stride`. `own` is room for a pixel's.
    #[inline(always)]
    pub fn pack<S: Tiles>(
        &self,
        s: S,
        matrix: &TapMatrix,
        kernel: &[f32],
        tap: usize,
        rows: Range<usize>,
        to: &mut [f32],
        stride: usize,
        own: &mut Vec<f32>,
    ) {
        let (line, e) = (tap / self.span, tap % self.span);
        let each = matrix.cols / self.pixels;
        own.resize(rows.len() * S::LANES, 0.0);
        let to = &mut to[..rows.len() * stride];
        to.fill(0.0);
        for pixel in 0..self.pixels {
            let Some(tap) = e.checked_sub(pixel * self.jump).and_then(|e| self.taps.get(e)) else { continue };
            let part = matrix.of(kernel, line * self.kernel + tap, 0).sub(rows.clone(), 0..each);
            // SAFETY: `own` has as many rows of a vector, and `each` is less than a vector.
            unsafe { pack_panel(s, part, own.as_mut_ptr(), S::LANES) }
            for (to, own) in to.chunks_exact_mut(stride).zip(own.chunks_exact(S::LANES)) {
                to[pixel * each..(pixel + 1) * each].copy_from_slice(&own[..each]);
            }
        }
    }
}
