//! The kernel, transformed and packed.

use crate::dispatch;
use crate::gemm::panel_width;
use crate::isa::{Isa, Simd};
use crate::mem::TileMut;

use super::Winograd;
use super::algorithm::{F2, F4, Minimal};

/// Elements of a transformed kernel: for each panel of [`panel_width`] output channels, for each point, c_in rows of the panel.
pub fn winograd_kernel_len(isa: Isa, f: Winograd, c_in: usize, c_out: usize) -> usize {
    let (panel, each) = (panel_width(isa), f.points() * c_in);
    c_out.next_multiple_of(panel).checked_mul(each).expect("a transformed kernel fits the address space")
}

/// How the transform may be cut: (panel, first input channel, input channels) of each piece.
pub fn winograd_kernel_chunks(isa: Isa, c_in: usize, c_out: usize) -> Vec<(usize, usize, usize)> {
    let panels = 0..c_out.div_ceil(panel_width(isa));
    panels.flat_map(|p| (0..c_in).step_by(CHUNK).map(move |c| (p, c, CHUNK.min(c_in - c)))).collect()
}

/// Input channels of a piece.
const CHUNK: usize = 64;

/// U = G·g·Gᵀ of every pair of channels, for one piece of the cut. `kernel` is all of `[3, 3, c_in, c_out]`; `u` has a row per point,
/// and in it a panel's row for each input channel of the piece.
///
/// # Panics
/// If `kernel` or `u` has another size than the piece says.
pub fn winograd_kernel(
    isa: Isa,
    f: Winograd,
    kernel: &[f32],
    (c_in, c_out): (usize, usize),
    (panel, first, channels): (usize, usize, usize),
    u: TileMut<f32>,
) {
    assert_eq!(kernel.len(), 9 * c_in * c_out, "kernel of 3x3x{c_in}x{c_out}");
    let width = panel_width(isa);
    assert!(first + channels <= c_in && panel * width < c_out, "piece ({panel}, {first}, {channels})");
    assert_eq!((u.rows(), u.cols()), (f.points(), channels * width), "transformed piece");
    let piece = Piece { kernel, c_in, c_out, column: panel * width, width, first, channels };
    match f {
        Winograd::F2 => dispatch!(isa, s => transform::<_, F2, 4, 2>(s, &piece, u)),
        Winograd::F4 => dispatch!(isa, s => transform::<_, F4, 6, 4>(s, &piece, u)),
    }
}

struct Piece<'a> {
    kernel: &'a [f32],
    c_in: usize,
    c_out: usize,
    /// First output channel of the panel, and the panel's width.
    column: usize,
    width: usize,
    first: usize,
    channels: usize,
}

#[inline(always)]
fn transform<S: Simd, A: Minimal<N, M>, const N: usize, const M: usize>(s: S, x: &Piece, mut u: TileMut<f32>) {
    let tap = x.c_in * x.c_out;
    for (i, j) in (0..x.channels).flat_map(|i| (0..x.width).step_by(S::LANES).map(move |j| (i, j))) {
        let column = x.column + j;
        let n = x.c_out.saturating_sub(column).min(S::LANES);
        let mut cols = [[s.zero(); N]; 3];
        for kx in 0..3 {
            let mut g = [s.zero(); 3];
            for ky in 0..3 {
                if n > 0 {
                    let at = &x.kernel[(ky * 3 + kx) * tap + (x.first + i) * x.c_out + column..][..n];
                    // SAFETY: `at` has n elements, at most a vector.
                    g[ky] =
                        unsafe { if n == S::LANES { s.load_ptr(at.as_ptr()) } else { s.load_partial(at.as_ptr(), n) } };
                }
            }
            cols[kx] = A::filter(s, g);
        }
        for y in 0..N {
            let row = A::filter(s, [cols[0][y], cols[1][y], cols[2][y]]);
            for k in 0..N {
                s.store(&mut u.row(y * N + k)[i * x.width + j..], row[k]);
            }
        }
    }
}
