//! Which algorithm runs: a committed table over shape and instruction set.

use crate::isa::Isa;

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

/// The algorithm for a convolution in f32.
pub fn choose(isa: Isa, g: &ConvGeometry) -> Algorithm {
    let _ = isa;
    if !WinogradConv::accepts(g) { Algorithm::Direct } else { Algorithm::Winograd(Winograd::F4) }
}
