//! The micro-kernel for targets of one vector of channels: each element of the source that is broadcast feeds all the pixels of a row
//! that the taps of a row carry it to. Pixels × channels as rows × columns of a product would broadcast it once for each of them, a load
//! for every multiply-add.

use crate::gemm::levels::Tiles;
use crate::gemm::micro::{Block, apply, each, load, store};
use crate::unroll::unrolled;

/// Zeros that stand for a pixel outside the source.
static ZEROS: [f32; MOST_CHANNELS] = [0.0; MOST_CHANNELS];

/// Channels of the source that a row kernel takes at most.
pub(crate) const MOST_CHANNELS: usize = 512;

/// Elements of a cache line.
const LINE: usize = 16;

/// Pixels of the shortest and the longest row kernel.
pub(crate) const LEAST_PIXELS: usize = 8;
pub(crate) const MOST_PIXELS: usize = 16;

/// Computes a run of pixels of a row of the target. Of the block, `a` is where the first pixel of the source that the first pixel of
/// the target reads would lie, `a_stride` the distance of two, `k` the channels; the products' offsets are those of rows of the source
/// and of the taps that meet them, each tap's vectors channel by channel after the last one's.
///
/// # Safety
/// Every element of the source's pixels, those outside excepted, of the taps, and, within `cols`, of C, bias and residual that the
/// block names is valid, and C is the caller's alone. `k` is at most [`MOST_CHANNELS`], and the pixels outside at either end are at
/// most half the taps.
pub(crate) type RowKernel<S> = unsafe fn(S, &Block, &Around);

/// How many arrays a run fetches ahead.
pub(crate) const STREAMS: usize = 6;

/// What surrounds the pixels of the source that a run reads.
pub(crate) struct Around {
    /// How many of the first and of the last pixels are outside.
    pub outside: (usize, usize),
    /// Where so many pixels begin that are read next for the first time, of the source or else, to be fetched meanwhile.
    pub ahead: [*const f32; STREAMS],
}

/// The kernel for `P` pixels, at least as many as `T` taps, an odd number of at most 5. Compiled per level, called through a table.
///
/// # Safety
/// As [`RowKernel`].
pub(crate) unsafe fn row_kernel<S: Tiles, const P: usize, const T: usize>(s: S, x: &Block, around: &Around) {
    const { assert!(LEAST_PIXELS <= P && P <= MOST_PIXELS && T % 2 == 1 && T <= 5) };
    s.vectorize(
        #[inline(always)]
        || {
            // SAFETY: the caller's promise is passed on.
            unsafe { run::<S, P, T>(s, x, around) }
        },
    )
}

/// # Safety
/// As [`RowKernel`].
#[inline(always)]
unsafe fn run<S: Tiles, const P: usize, const T: usize>(s: S, x: &Block, around: &Around) {
    let mut acc = [[s.zero(); 1]; P];
    for i in 0..P {
        s.prefetch_l2(x.next_c.wrapping_add(i * x.c_stride));
    }
    // SAFETY: pixels, taps and channels stay inside what the caller vouches for; zeros stand for pixels outside.
    unsafe {
        if x.resume {
            each::<S, P, 1>(
                x,
                #[inline(always)]
                |i, _, p, n| acc[i][0] = load(s, p, n),
            );
        }
        let (a_offsets, b_offsets, rows) = (x.taps.0.as_ptr(), x.taps.1.as_ptr(), x.taps.0.len());
        let half = T / 2;
        for row in 0..rows {
            let a = x.a.wrapping_add(*a_offsets.add(row));
            let b = x.b.add(*b_offsets.add(row));
            // The first and the last pixels of the source, which may be outside.
            let (mut first, mut last) = ([ZEROS.as_ptr(); 2], [ZEROS.as_ptr(); 2]);
            for i in around.outside.0.min(half)..half {
                first[i] = a.wrapping_add(i * x.a_stride);
            }
            for i in 0..half.saturating_sub(around.outside.1) {
                last[i] = a.wrapping_add((half + P + i) * x.a_stride);
            }
            // Lines of two of the arrays, one for each channel, which are all if these are as many there as here.
            let ahead = [around.ahead[row % STREAMS], around.ahead[(row + STREAMS / 2) % STREAMS]];
            for c in 0..x.k {
                s.prefetch_l2(ahead[0].wrapping_add(c * LINE));
                s.prefetch_l2(ahead[1].wrapping_add(c * LINE));
                let (mut w, mut v) = ([s.zero(); T], [s.zero(); T]);
                unrolled!(J < T in 0 1 2 3 4 => { w[J] = s.load_ptr(b.add((J * x.k + c) * S::LANES)) });
                // The pixels of the source that the taps see, each at its number modulo the taps.
                unrolled!(Q < half in 0 1 => {
                    v[Q] = s.splat(*first[Q].add(c));
                    v[half + Q] = s.splat(*a.wrapping_add((half + Q) * x.a_stride + c));
                });
                unrolled!(I < P in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 => {
                    let next = if I + half < P { a.wrapping_add((I + T - 1) * x.a_stride) } else { last[I + half - P] };
                    v[(I + T - 1) % T] = s.splat(*next.add(c));
                    unrolled!(J < T in 0 1 2 3 4 => { acc[I][0] = s.fma(v[(I + J) % T], w[J], acc[I][0]) });
                });
            }
        }
        if let Some(finish) = &x.finish {
            apply(s, x, finish, &mut acc);
        }
        each::<S, P, 1>(
            x,
            #[inline(always)]
            |i, _, p, n| store(s, p, n, acc[i][0]),
        );
    }
}
