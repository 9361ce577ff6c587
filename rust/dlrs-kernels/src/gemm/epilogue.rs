//! What happens to a finished element of C while it is still in a register.

use std::ops::Range;

use super::MatRef;

/// An activation that the register epilogue applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Activation {
    /// The value itself.
    #[default]
    Identity,
    /// max(x, 0); NaN stays NaN.
    Relu,
}

/// C = activation(\[C +\] A·B \[+ bias\] \[+ residual\]), in this order of additions. The default is a plain store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epilogue<'a> {
    /// One term per column of the tile.
    pub bias: Option<&'a [f32]>,
    /// Applied last.
    pub activation: Activation,
    /// One term per element of the tile.
    pub residual: Option<MatRef<'a, f32>>,
    /// Whether the sum starts from the tile's old contents instead of zero.
    pub accumulate: bool,
    /// What is read after the tile, element for element: a kernel that has room between its own loads may fetch it meanwhile. Nothing
    /// depends on it.
    pub read_after: &'a [&'a [f32]],
}

impl Epilogue<'_> {
    /// What remains of it for those columns of the tile.
    pub(crate) fn columns(&self, cols: Range<usize>) -> Self {
        let bias = self.bias.map(|b| &b[cols.clone()]);
        Self { bias, residual: self.residual.map(|r| r.sub(0..r.rows(), cols)), ..*self }
    }

    /// Panics unless bias and residual fit a tile of `m` × `n`.
    pub(crate) fn check(&self, m: usize, n: usize) {
        if let Some(bias) = self.bias {
            assert_eq!(bias.len(), n, "bias of a tile of {n} columns");
        }
        if let Some(residual) = self.residual {
            assert_eq!((residual.rows(), residual.cols()), (m, n), "residual of a tile of {m}x{n}");
        }
    }
}
