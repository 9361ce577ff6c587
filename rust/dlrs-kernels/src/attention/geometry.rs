//! What is attended to what, and where it lies.

use std::ops::Range;

use crate::gemm::MatRef;

/// Sources of a block: with as many targets, a block of scores stays in L1, keys and values in L2.
pub const KEYS: usize = 128;

/// The sizes of an attention. Queries are `[batch, targets, heads, features]`, keys `[batch, sources, groups, features]`, values
/// `[batch, sources, groups, width]`, results `[batch, targets, heads, width]`; group i serves `heads / groups` consecutive heads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AttentionGeometry {
    /// Independent problems.
    pub batch: usize,
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values, which divide those of queries.
    pub groups: usize,
    /// Rows of queries.
    pub targets: usize,
    /// Rows of keys and values.
    pub sources: usize,
    /// Elements of a query and of a key.
    pub features: usize,
    /// Elements of a value.
    pub width: usize,
    /// Whether targets see only sources up to their own position.
    pub causal: bool,
    /// Strides of the bias over (batch, heads, targets, sources); the last is 0 or 1.
    pub bias: Option<[usize; 4]>,
    /// Strides of the mask, likewise.
    pub mask: Option<[usize; 4]>,
}

/// The operands of an attention.
#[derive(Clone, Copy, Debug)]
pub struct AttentionOperands<'a, T> {
    /// Queries.
    pub query: &'a [T],
    /// Keys.
    pub key: &'a [T],
    /// Values.
    pub value: &'a [T],
    /// Added to the scores.
    pub bias: Option<&'a [T]>,
    /// Whether a source is seen, 0 or 1.
    pub mask: Option<&'a [u8]>,
    /// The factor of the scores.
    pub scale: T,
}

/// What the backward pass is given: of the result, and of the forward pass.
#[derive(Clone, Copy, Debug)]
pub struct Gradients<'a, T> {
    /// The gradient of the result.
    pub result: &'a [T],
    /// The logarithms that the forward pass left, `[batch, targets, heads]`.
    pub log_sum: &'a [T],
    /// Result times its gradient, summed over the width, `[batch, targets, heads]`.
    pub product: &'a [T],
}

impl AttentionGeometry {
    /// Heads that share a group of keys and values.
    pub fn shared(&self) -> usize {
        self.heads / self.groups.max(1)
    }

    /// Scores that are computed.
    pub fn scores(&self) -> f64 {
        let all = self.batch as f64 * self.heads as f64 * self.targets as f64 * self.sources as f64;
        if self.causal { 0.5 * all } else { all }
    }

    /// Multiply-adds of the forward pass.
    pub fn macs(&self) -> f64 {
        self.scores() * (self.features + self.width) as f64
    }

    /// Where the row of (batch, row, head) begins in a tensor of so many heads of `len` elements.
    pub(super) fn at(rows: usize, heads: usize, len: usize, [b, row, head]: [usize; 3]) -> usize {
        ((b * rows + row) * heads + head) * len
    }

    /// Those targets of a head as rows of a matrix of `len` columns.
    pub(super) fn targets_of<'a, T: Copy>(
        &self,
        x: &'a [T],
        len: usize,
        (b, head): (usize, usize),
        rows: &Range<usize>,
    ) -> MatRef<'a, T> {
        let at = Self::at(self.targets, self.heads, len, [b, rows.start, head]);
        MatRef::new(&x[at.min(x.len())..], rows.len(), len, self.heads * len, 1)
    }

    /// Those sources of a group as rows of a matrix of `len` columns.
    pub(super) fn sources_of<'a, T: Copy>(
        &self,
        x: &'a [T],
        len: usize,
        (b, group): (usize, usize),
        rows: &Range<usize>,
    ) -> MatRef<'a, T> {
        let at = Self::at(self.sources, self.groups, len, [b, rows.start, group]);
        MatRef::new(&x[at.min(x.len())..], rows.len(), len, self.groups * len, 1)
    }
}
