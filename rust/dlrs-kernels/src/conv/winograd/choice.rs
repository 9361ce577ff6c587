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
    /// Squares in all images: with fewer, reading the transformed kernel, four times as large (F4), outweighs the products.
    squares: usize,
    /// The part of the squares that must lie in the output, in percent.
    used: usize,
}

/// The rows of a level; the first that fits holds.
fn table(level: Level) -> &'static [Row] {
    match level {
        Level::Avx512 => &[Row { f: Winograd::F4, channels: 32, squares: 16, used: 40 }],
        Level::Avx2 | Level::Portable => &[Row { f: Winograd::F4, channels: 32, squares: 16, used: 40 }],
    }
}

/// The algorithm for a convolution in f32.
pub fn choose(isa: Isa, g: &ConvGeometry) -> Algorithm {
    let fits = |row: &&Row| {
        let across = |n: usize| n.div_ceil(row.f.outputs());
        let squares = g.n * across(g.output[1]) * across(g.output[2]);
        let outputs = g.n * g.output[1] * g.output[2];
        let used = 100 * outputs >= row.used * squares * row.f.outputs() * row.f.outputs();
        g.c_in.min(g.c_out) >= row.channels && squares >= row.squares && used
    };
    match table(isa.level()).iter().find(fits) {
        Some(row) if WinogradConv::accepts(g) => Algorithm::Winograd(row.f),
        _ => Algorithm::Direct,
    }
}
