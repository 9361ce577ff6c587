//! Depthwise convolution: every channel of the input meets `m` filters of its own (`groups == c_in`, `c_out == m * c_in`).
//!
//! A value read is used once per tap and no more, so the three passes are bound by memory; vectors run over channels, and a few
//! neighbouring pixels are summed at a time so that each weight is read once for all of them. Rows of pixels are the unit of work:
//! tiles are ranges of the rows of all images.

mod input_grad;
mod kernel_grad;
mod pixels;
mod walk;

use std::ops::Range;

use crate::dispatch;
use crate::gemm::{Activation, Epilogue, finish_rows};
use crate::isa::{Isa, Simd};
use crate::mem::TileMut;

use super::ConvGeometry;
use pixels::{Ahead, Pixels, each_pixel, vectors};
use walk::Walk;

pub use input_grad::{depthwise_input_grad, depthwise_scratch_len};
pub use kernel_grad::depthwise_kernel_grad;

impl ConvGeometry {
    /// Whether each channel of the input has filters of its own.
    pub fn is_depthwise(&self) -> bool {
        self.groups == self.c_in && self.groups > 1
    }

    /// Filters of each channel.
    fn multiplier(&self) -> usize {
        self.c_out / self.c_in
    }
}

/// When what a pass writes is read again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reread {
    /// While caches may still hold it.
    Soon,
    /// By a later pass over the whole of it. If it is larger than caches it is written past them: its lines are not fetched only
    /// to be overwritten.
    Later,
}

/// y = epilogue(x ∗ w) for those rows of the outputs of all images; `y` holds them, a pixel's channels in a row, and nothing else.
///
/// # Panics
/// If the convolution is not depthwise, a slice does not have its size, `y` is not contiguous, or the epilogue does not fit it or
/// accumulates.
pub fn depthwise_forward(
    isa: Isa,
    g: &ConvGeometry,
    x: &[f32],
    kernel: &[f32],
    rows: Range<usize>,
    mut y: TileMut<f32>,
    epilogue: &Epilogue,
    reread: Reread,
) {
    assert!(g.is_depthwise(), "not depthwise: {g:?}");
    assert_eq!((x.len(), kernel.len()), (g.n * g.image_in(), g.kernel_len()), "input and kernel");
    let (walk, y) = (Walk::forward(g), y.as_slice());
    walk.check(&rows, y.len(), g.c_out);
    finished(y, g.c_out, epilogue, reread, |y, finish| {
        let x = (x, g.c_in);
        match g.multiplier() {
            1 => dispatch!(isa, s => pass::<_, false>(s, &walk, x, kernel, (y, g.c_out), rows, finish)),
            _ => dispatch!(isa, s => pass::<_, true>(s, &walk, x, kernel, (y, g.c_out), rows, finish)),
        }
    });
}

/// Bytes of a cache line.
const LINE: usize = 64;

/// Elements of a result that no cache keeps until a later pass.
const STREAMED: usize = 8 << 20;

/// Bias and activation, applied in registers; and when the result is read.
type Finish<'a> = (Option<&'a [f32]>, Activation, Reread);

/// Runs a pass over pixels of so many channels with as much of the epilogue as it applies, and applies what is left.
fn finished<'a>(
    to: &mut [f32],
    channels: usize,
    epilogue: &Epilogue<'a>,
    reread: Reread,
    pass: impl FnOnce(&mut [f32], Finish<'a>),
) {
    let pixels = to.len() / channels.max(1);
    epilogue.check(pixels, channels);
    assert!(!epilogue.accumulate, "a depthwise convolution starts from zero");
    if epilogue.residual.is_none() {
        return pass(to, (epilogue.bias, epilogue.activation, reread));
    }
    pass(to, (None, Activation::Identity, Reread::Soon));
    finish_rows(&mut TileMut::new(to, pixels, channels, channels), epilogue);
}

/// Writes `to` as a sum of taps of `from`, which has so many channels; with `SPREAD` a channel of `from` is read for several of `to`.
#[inline(always)]
fn pass<S: Simd, const SPREAD: bool>(
    s: S,
    walk: &Walk,
    (from, channels): (&[f32], usize),
    kernel: &[f32],
    (to, channels_to): (&mut [f32], usize),
    rows: Range<usize>,
    (bias, activation, reread): Finish,
) {
    let row_len = walk.row_len(channels_to);
    let aligned = to.as_ptr().addr().is_multiple_of(LINE) && channels_to.is_multiple_of(LINE / size_of::<f32>());
    let streamed = reread == Reread::Later && aligned && walk.len(channels_to) > STREAMED;
    let mut taps = Vec::new();
    for (row, to) in rows.zip(to.chunks_exact_mut(row_len.max(1))) {
        let steps = walk.spans.iter().map(|span| vectors(s, span.pixels, channels_to)).sum();
        let mut ahead = Ahead::new(&from[walk.ahead(row, channels)], steps);
        for span in &walk.spans {
            walk.taps(row, span, channels, channels_to, &mut taps);
            let pixels = Pixels {
                taps: &taps,
                steps: (walk.steps.from * channels, walk.steps.to * channels_to),
                channels: channels_to,
                multiplier: channels_to / channels,
                finish: (bias, activation),
                streamed,
            };
            let to = &mut to[span.first * channels_to..];
            // SAFETY: the walk's taps lie in `from` and in the kernel for every pixel of the span, and its pixels in the row: sizes
            // were checked by the callers.
            unsafe {
                each_pixel::<S, SPREAD>(
                    s,
                    &pixels,
                    &mut ahead,
                    span.pixels,
                    from.as_ptr(),
                    kernel.as_ptr(),
                    to.as_mut_ptr(),
                );
            }
        }
    }
    if streamed {
        s.fence_streams();
    }
}
