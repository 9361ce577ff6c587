//! How the inputs of a window meet its outputs.

use super::kernel::{Strip, add_to_each, mean, products, step};
use super::windows::Window;
use crate::isa::Simd;

/// Which inputs are scored with the outputs of a window.
pub trait Architecture: Copy + Send + Sync + 'static {
    /// How many numbers of a window are scored with each output.
    fn scored(self, window: Window<'_>) -> usize;

    /// The most inputs of a window; of more, several windows are made.
    fn most_inputs(self) -> usize;

    /// Each score's part that a strip holds, times minus the output's sign; those of one output together.
    ///
    /// # Safety
    /// The window's rows are rows of the strips, which nobody writes meanwhile.
    #[doc(hidden)]
    unsafe fn products<S: Simd>(
        self,
        s: S,
        x: Strip,
        y: Strip,
        window: Window<'_>,
        room: &mut [f32],
        scores: &mut [f32],
        parts: usize,
    );

    /// Moves the rows by the slopes of the scores.
    ///
    /// # Safety
    /// The window's rows are rows of the strips, which nobody else touches meanwhile.
    #[doc(hidden)]
    unsafe fn step<S: Simd>(self, s: S, x: Strip, y: Strip, window: Window<'_>, room: &mut [f32], slopes: &[f32]);
}

/// Each input by itself is scored with the outputs: Mikolov et al. 2013 (arXiv 1301.3781), section 3.2. The inputs of a window share
/// its outputs, negative samples included, as in Ji et al. 2016 (arXiv 1604.04661).
#[derive(Clone, Copy, Debug, Default)]
pub struct SkipGram;

impl Architecture for SkipGram {
    #[inline(always)]
    fn scored(self, window: Window<'_>) -> usize {
        window.inputs.len()
    }

    /// An output goes as many steps at a time; these are whole groups of those that are scored together.
    #[inline(always)]
    fn most_inputs(self) -> usize {
        12
    }

    #[inline(always)]
    unsafe fn products<S: Simd>(
        self,
        s: S,
        x: Strip,
        y: Strip,
        w: Window<'_>,
        _room: &mut [f32],
        scores: &mut [f32],
        parts: usize,
    ) {
        // SAFETY: as of this function.
        unsafe { products(s, x, w.inputs, y, w.outputs, w.signs, scores, parts) }
    }

    #[inline(always)]
    unsafe fn step<S: Simd>(self, s: S, x: Strip, y: Strip, w: Window<'_>, room: &mut [f32], slopes: &[f32]) {
        // SAFETY: as of this function.
        unsafe { step(s, x, w.inputs, y, w.outputs, slopes, room) }
    }
}

/// The mean of the inputs is scored with the outputs, and each input moves by the whole of its slope: section 3.1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cbow;

impl Architecture for Cbow {
    #[inline(always)]
    fn scored(self, _: Window<'_>) -> usize {
        1
    }

    #[inline(always)]
    fn most_inputs(self) -> usize {
        usize::MAX
    }

    #[inline(always)]
    unsafe fn products<S: Simd>(
        self,
        s: S,
        x: Strip,
        y: Strip,
        w: Window<'_>,
        room: &mut [f32],
        scores: &mut [f32],
        parts: usize,
    ) {
        let h = &mut room[..x.width];
        // SAFETY: as of this function; `h` is a strip of one row.
        unsafe {
            mean(s, x, w.inputs, h);
            products(s, Strip { start: h.as_mut_ptr(), width: x.width }, &[0], y, w.outputs, w.signs, scores, parts);
        }
    }

    #[inline(always)]
    unsafe fn step<S: Simd>(self, s: S, x: Strip, y: Strip, w: Window<'_>, room: &mut [f32], slopes: &[f32]) {
        let (h, rest) = room.split_at_mut(x.width);
        let (before, moves) = rest.split_at_mut(x.width);
        // SAFETY: as of this function; `h` is a strip of one row.
        unsafe {
            mean(s, x, w.inputs, h);
            before.copy_from_slice(h);
            step(s, Strip { start: h.as_mut_ptr(), width: x.width }, &[0], y, w.outputs, slopes, moves);
            for (h, before) in h.iter_mut().zip(before) {
                *h -= *before;
            }
            add_to_each(s, x, w.inputs, h);
        }
    }
}
