//! Convolution with kernels of 3×3 at stride 1 by minimal filtering (Winograd 1980; Lavin and Gray 2016, arXiv 1509.09308), f32.
//!
//! The output is cut into squares of M×M (M = 2 or 4). What a square sees of the input, N×N with N = M + 2, is transformed, as is the
//! kernel, once for all; the convolution then is one product of squares × channels for each of the N² points, and what the points
//! hold of a square is transformed back: Y = Aᵀ·\[Σ_c (G·g·Gᵀ) ⊙ (Bᵀ·d·B)\]·A. Per output and pair of channels it takes N²/M² = 4 or 2¼
//! multiplications, where the definition takes 9.
//!
//! **Error.** An output takes in all of the input that its square sees, with weights that cancel only up to rounding, so its error is
//! relative to that: it is at most [`Winograd::error_bound`] · Σ_c max|x_c|·Σ|w_c|, the maximum of channel c taken over the N×N inputs of
//! the square. Where all of these are alike that is a multiple of Σ|x|·|w|: of normally distributed data with 64 or 256 channels the
//! error of F4 is, in units of 2⁻²⁴·Σ|x|·|w|, 1.0 in the mean square and 13 at most, that of the direct path ½ and 4. Outputs beside much
//! larger values lose digits: that is what [`Algorithm::Direct`] is for, as for Inf and NaN, which make *all* outputs of the squares
//! that see them NaN, and for numbers beyond 2¹²⁰, whose transforms may overflow.

mod algorithm;
mod choice;
mod forward;
mod input;
mod kernel;
mod output;

use crate::isa::Simd;

pub use choice::{Algorithm, choose};
pub use forward::{WinogradConv, WinogradTile};
pub use kernel::{WinogradKernel, WinogradPiece};

/// Which of the two algorithms.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Winograd {
    /// F(2×2, 3×3): 2¼ times fewer multiplications.
    F2,
    /// F(4×4, 3×3): 4 times fewer.
    F4,
}

impl Winograd {
    /// Outputs along a side of a square.
    pub const fn outputs(self) -> usize {
        match self {
            Winograd::F2 => 2,
            Winograd::F4 => 4,
        }
    }

    /// Inputs along the side of what a square sees.
    pub const fn inputs(self) -> usize {
        self.outputs() + 2
    }

    /// Products per square and pair of channels.
    pub const fn points(self) -> usize {
        self.inputs() * self.inputs()
    }

    /// The largest error of an output, as a multiple of Σ_c max|x_c|·Σ|w_c|: the roundings that a term goes through (6 per one-dimensional
    /// transform, constants included, and one per product and addition over the channels) times the unit of rounding times the
    /// norm max_{o, i} Σ_p |Aᵀ_op|·|G_pi|·‖Bᵀ_p‖₁ of the three transforms, squared for the two axes.
    pub fn error_bound(self, c_in: usize) -> f64 {
        let norm: f64 = match self {
            Winograd::F2 => 4.0,
            Winograd::F4 => 12.54,
        };
        (c_in as f64 + 36.0) * f64::from(f32::EPSILON / 2.0) * norm * norm
    }

    /// The algorithm's name.
    pub const fn name(self) -> &'static str {
        match self {
            Winograd::F2 => "winograd F(2,3)",
            Winograd::F4 => "winograd F(4,3)",
        }
    }
}

/// Elements from a point's matrix to the next: a cache line more than it takes, so that the points of a square, which are touched
/// together, do not all fall into the same set of a cache.
fn point_stride(rows: usize, cols: usize) -> usize {
    (rows * cols).next_multiple_of(LINE) + LINE
}

/// f32 of a cache line.
const LINE: usize = 16;

/// # Safety
/// `p` is valid for reads of a vector, or, if `PART`, of `len` elements.
#[inline(always)]
unsafe fn read<S: Simd, const PART: bool>(s: S, p: *const f32, len: usize) -> S::F32 {
    // SAFETY: as the caller vouches.
    unsafe { if PART { s.load_partial(p, len) } else { s.load_ptr(p) } }
}

/// # Safety
/// `p` is valid for writes of a vector, or, if `PART`, of `len` elements.
#[inline(always)]
unsafe fn write<S: Simd, const PART: bool>(s: S, p: *mut f32, len: usize, v: S::F32) {
    // SAFETY: as the caller vouches.
    unsafe { if PART { s.store_partial(p, len, v) } else { s.store_ptr(p, v) } }
}
