//! The micro-kernels: a few pixels of a span at a time, vector by vector of channels.

use crate::gemm::{Activation, block_of, load, store};
use crate::isa::{Simd, prefetch_l2};

use super::walk::Tap;

/// Pixels whose sums are held in registers, at most: enough chains of multiply-adds to hide their latency, and few enough that
/// the AVX2 level's registers hold them, a weight and an operand.
const PIXELS: usize = 8;

/// Elements of a cache line.
const LINE: usize = 16;

/// Memory to be fetched bit by bit: rows of pixels lie too far apart for hardware to foresee the next.
pub(super) struct Ahead {
    next: *const f32,
    /// Lines at a time.
    lines: usize,
}

impl Ahead {
    /// All of `what`, in so many steps.
    pub fn new(what: &[f32], steps: usize) -> Ahead {
        Ahead { next: what.as_ptr(), lines: what.len().div_ceil(LINE * steps.max(1)) }
    }

    /// Fetches the next lines.
    #[inline(always)]
    pub fn step(&mut self) {
        for _ in 0..self.lines {
            prefetch_l2(self.next);
            self.next = self.next.wrapping_add(LINE);
        }
    }
}

/// How many vectors of channels [`each_pixel`] computes.
pub(super) fn vectors<S: Simd>(_: S, pixels: usize, channels: usize) -> usize {
    pixels.div_ceil(PIXELS) * channels.div_ceil(S::LANES)
}

/// Pixels to sum.
pub(super) struct Pixels<'a> {
    /// Taps of the first pixel.
    pub taps: &'a [Tap],
    /// Elements to the next pixel, in what is read and written.
    pub steps: (usize, usize),
    /// Channels written.
    pub channels: usize,
    /// Channels written per channel read.
    pub multiplier: usize,
    /// What is added to each pixel's channels, and the activation.
    pub finish: (Option<&'a [f32]>, Activation),
    /// Whether whole vectors are written past the caches; each then is aligned.
    pub streamed: bool,
}

/// Sums `count` pixels.
///
/// # Safety
/// For each pixel and tap, what it names is valid for reads of its channels; `to` is valid for writes of the pixels'
/// channels, of which the bias has one term each; what is streamed is aligned, and a fence follows before others read it.
#[inline(always)]
pub(super) unsafe fn each_pixel<S: Simd, const SPREAD: bool>(
    s: S,
    x: &Pixels,
    ahead: &mut Ahead,
    count: usize,
    from: *const f32,
    kernel: *const f32,
    to: *mut f32,
) {
    let blocks = count.div_ceil(PIXELS);
    for i in 0..blocks {
        let (first, pixels) = block_of(count, blocks, i);
        // SAFETY: pixels first..first + pixels are among the caller's.
        unsafe {
            let (from, to) = (from.add(first * x.steps.0), to.add(first * x.steps.1));
            match pixels {
                1 => block::<S, 1, SPREAD>(s, x, ahead, from, kernel, to),
                2 => block::<S, 2, SPREAD>(s, x, ahead, from, kernel, to),
                3 => block::<S, 3, SPREAD>(s, x, ahead, from, kernel, to),
                4 => block::<S, 4, SPREAD>(s, x, ahead, from, kernel, to),
                5 => block::<S, 5, SPREAD>(s, x, ahead, from, kernel, to),
                6 => block::<S, 6, SPREAD>(s, x, ahead, from, kernel, to),
                7 => block::<S, 7, SPREAD>(s, x, ahead, from, kernel, to),
                _ => block::<S, PIXELS, SPREAD>(s, x, ahead, from, kernel, to),
            }
        }
    }
}

/// # Safety
/// As [`each_pixel`], for `P` pixels.
#[inline(always)]
unsafe fn block<S: Simd, const P: usize, const SPREAD: bool>(
    s: S,
    x: &Pixels,
    ahead: &mut Ahead,
    from: *const f32,
    kernel: *const f32,
    to: *mut f32,
) {
    for c in (0..x.channels).step_by(S::LANES) {
        let n = (x.channels - c).min(S::LANES);
        ahead.step();
        // SAFETY: n channels from c exist.
        unsafe {
            if n == S::LANES {
                vector::<S, P, SPREAD>(s, x, (c, S::LANES), from, kernel, to);
            } else {
                vector::<S, P, SPREAD>(s, x, (c, n), from, kernel, to);
            }
        }
    }
}

/// # Safety
/// As [`each_pixel`], for `P` pixels and `n` channels from `c`.
#[inline(always)]
unsafe fn vector<S: Simd, const P: usize, const SPREAD: bool>(
    s: S,
    x: &Pixels,
    (c, n): (usize, usize),
    from: *const f32,
    kernel: *const f32,
    to: *mut f32,
) {
    let channels = Channels::<S>::new::<SPREAD>(s, x.multiplier, c, n);
    let mut acc = [s.zero(); P];
    // SAFETY: channels of taps and pixels that the caller vouches for.
    unsafe {
        for tap in x.taps {
            let w = load(s, kernel.add(tap.kernel + c), n);
            let from = from.add(tap.from);
            for p in 0..P {
                let v = channels.read::<SPREAD>(s, from.add(p * x.steps.0));
                acc[p] = s.fma(v, w, acc[p]);
            }
        }
        if let Some(bias) = x.finish.0 {
            let bias = load(s, bias.as_ptr().add(c), n);
            for p in 0..P {
                acc[p] = s.add(acc[p], bias);
            }
        }
        if x.finish.1 == Activation::Relu {
            // max_fast returns its second operand when one is NaN, so NaN survives.
            for p in 0..P {
                acc[p] = s.max_fast(s.zero(), acc[p]);
            }
        }
        if x.streamed && n == S::LANES {
            for p in 0..P {
                s.stream_ptr(to.add(p * x.steps.1 + c), acc[p]);
            }
            return;
        }
        for p in 0..P {
            store(s, to.add(p * x.steps.1 + c), n, acc[p]);
        }
    }
}

/// The channels of a pixel that meet one vector of filters.
#[derive(Clone, Copy)]
pub(super) struct Channels<S: Simd> {
    /// The first one.
    first: usize,
    /// How many.
    n: usize,
    /// Which of them each lane sees.
    lane: S::I32,
}

impl<S: Simd> Channels<S> {
    /// Those of filters `c..c + n`; with `SPREAD` a channel has several filters.
    #[inline(always)]
    pub fn new<const SPREAD: bool>(s: S, multiplier: usize, c: usize, n: usize) -> Self {
        if !SPREAD {
            return Channels { first: c, n, lane: s.splat_i32(0) };
        }
        let first = c / multiplier;
        let mut lanes = [0; 16];
        for (i, lane) in lanes.iter_mut().enumerate() {
            *lane = ((c + i.min(n - 1)) / multiplier - first) as i32;
        }
        // SAFETY: no level has more than 16 lanes.
        let lane = unsafe { s.load_i32_ptr(lanes.as_ptr()) };
        Channels { first, n: (c + n - 1) / multiplier - first + 1, lane }
    }

    /// Reads them, one per lane.
    ///
    /// # Safety
    /// `pixel` is valid for reads of the channels.
    #[inline(always)]
    pub unsafe fn read<const SPREAD: bool>(self, s: S, pixel: *const f32) -> S::F32 {
        // SAFETY: the caller vouches for n channels from `first`.
        let v = unsafe { load(s, pixel.add(self.first), self.n) };
        if SPREAD { s.permute(v, self.lane) } else { v }
    }
}
