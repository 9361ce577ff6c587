//! Which algorithm runs: a committed table over shape and instruction set.

use crate::isa::{Isa, Level};

use super::super::ConvGeometry;
use super::{Winograd, WinogradConv};

/// How a convolution is computed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Algorithm {
    /// By its definition.
    Direct,
    /// By minimal filtering.
    Winograd(Winograd),
}

/// From which sizes on an algorithm beats the direct path, transforms included.
struct Row {
    f: Winograd,
    /// Channels on either side: with fewer, the transforms, which are for each channel, outweigh the products, for each pair.
    channels: usize,
    /// The part of the squares that must lie in the output, in percent.
    used: usize,
}

/// The rows of a level; the first that fits holds. Measured on one thread with 128 images of 32×32 and 16 channels, 16×16 and 32, 8×8
/// and 64, and 64 images of 16×16 and 128, in multiples of the peak of multiply-adds, F4 reaches 0.66, 1.3, 1.9 and 2.0 with AVX-512,
/// 1.2, 1.8, 2.2 and 2.5 with AVX2, 2.5 to 3.4 at the portable level; F2 0.5 to 1.3, 0.8 to 1.5, 1.8 to 2.1; the direct path
/// 0.6 to 0.9, 0.8, 0.9.
fn table(level: Level) -> &'static [Row] {
    const F2: Row = Row { f: Winograd::F2, channels: 64, used: 75 };
    match level {
        Level::Avx512 => &[Row { f: Winograd::F4, channels: 32, used: 50 }, F2],
        Level::Avx2 | Level::Portable => &[Row { f: Winograd::F4, channels: 16, used: 50 }, F2],
    }
}

/// Squares in all images from which on the products outweigh reading the transformed kernel, and pairs of channels per square up to
/// which they outweigh its transform.
const SQUARES: usize = 16;
const PAIRS: usize = 4096;

/// The algorithm for a convolution in f32.
pub fn choose(isa: Isa, g: &ConvGeometry) -> Algorithm {
    let fits = |row: &&Row| {
        let across = |n: usize| n.div_ceil(row.f.outputs());
        let squares = g.n * across(g.output[1]) * across(g.output[2]);
        let outputs = g.n * g.output[1] * g.output[2];
        let used = 100 * outputs >= row.used * squares * row.f.outputs() * row.f.outputs();
        let enough = squares >= SQUARES && g.c_in.saturating_mul(g.c_out) <= squares.saturating_mul(PAIRS);
        g.c_in.min(g.c_out) >= row.channels && enough && used
    };
    match table(isa.level()).iter().find(fits) {
        Some(row) if WinogradConv::accepts(g) => Algorithm::Winograd(row.f),
        _ => Algorithm::Direct,
    }
}
