//! The backward pass.

use std::ops::Range;

use super::element::{AttentionElement, Right};
use super::forward::copy_scaled;
use super::scores::{Block, probabilities};
use super::{AttentionGeometry, AttentionOperands, Gradients, KEYS};
use crate::gemm::MatRef;
use crate::isa::Isa;
use crate::mem::TileMut;

/// Targets of a block.
const ROWS: usize = 128;

/// Where the gradients go.
pub struct BackwardSums<'a, T: AttentionElement> {
    /// Of the group's queries: targets × (heads of the group · features). What is there is added to.
    pub query: TileMut<'a, T>,
    /// Of the block's keys.
    pub key: TileMut<'a, T>,
    /// Of the block's values.
    pub value: TileMut<'a, T>,
}

/// Elements of scratch that [`attention_backward`] needs.
pub fn attention_backward_scratch_len<T: AttentionElement>(isa: Isa, g: &AttentionGeometry) -> usize {
    let (rows, keys, d, w) = (ROWS.min(g.targets), KEYS.min(g.sources), g.features, g.width);
    let products = [(rows, d, keys), (rows, w, keys), (keys, rows, w), (keys, rows, d), (rows, keys, d)];
    let product = products.map(|(m, k, n)| T::scratch_len(isa, m, k, n)).into_iter().max().unwrap_or(0);
    let packed = T::packed_len(isa, d, keys) + T::packed_len(isa, keys, d) + T::packed_len(isa, w, keys);
    packed + keys * d + 2 * rows * keys + product
}

/// The gradients of at most [`KEYS`] sources of a group, `(batch, group)`, and what those sources add to the gradient of the group's
/// queries.
///
/// # Panics
/// If an operand or a tile does not have the geometry's sizes, or `scratch` is shorter than [`attention_backward_scratch_len`].
pub fn attention_backward<T: AttentionElement>(
    isa: Isa,
    g: &AttentionGeometry,
    x: &AttentionOperands<T>,
    d: &Gradients<T>,
    (b, group): (usize, usize),
    sources: Range<usize>,
    sums: &mut BackwardSums<T>,
    scratch: &mut [T],
) {
    let (n, features, width) = (sources.len(), g.features, g.width);
    let (keys_across, scratch) = scratch.split_at_mut(T::packed_len(isa, features, n));
    let (keys_down, scratch) = scratch.split_at_mut(T::packed_len(isa, n, features));
    let (values_across, scratch) = scratch.split_at_mut(T::packed_len(isa, width, n));
    let (key, scratch) = scratch.split_at_mut(n * features);
    // The factor of the scores goes with the keys, into the scores and into the gradient of the queries.
    copy_scaled(g.sources_of(x.key, features, (b, group), &sources), x.scale, key);
    let key = MatRef::row_major(key, n, features);
    T::pack(isa, key.t(), keys_across);
    T::pack(isa, key, keys_down);
    T::pack(isa, g.sources_of(x.value, width, (b, group), &sources).t(), values_across);
    (0..n).for_each(|i| sums.key.row(i).fill(T::of(0.0)));
    (0..n).for_each(|i| sums.value.row(i).fill(T::of(0.0)));
    let first = if g.causal { sources.start.min(g.targets) } else { 0 };
    for (i, t0) in (0..g.shared()).flat_map(|i| (first..g.targets).step_by(ROWS).map(move |t0| (i, t0))) {
        let (head, targets) = (group * g.shared() + i, t0..g.targets.min(t0 + ROWS));
        let rows = targets.len();
        let (scores, rest) = scratch.split_at_mut(rows * n);
        let (d_scores, rest) = rest.split_at_mut(rows * n);
        let query = g.targets_of(x.query, features, (b, head), &targets);
        let d_result = g.targets_of(d.result, width, (b, head), &targets);
        let tile = TileMut::new(scores, rows, n, n);
        T::multiply(isa, query, Right::Packed(keys_across, features, n), tile, false, rest);
        let tile = TileMut::new(d_scores, rows, n, n);
        T::multiply(isa, d_result, Right::Packed(values_across, width, n), tile, false, rest);
        Block { b, head, targets: &targets, sources: &sources }.hide(isa, g, x, scores);
        let at = AttentionGeometry::at(g.targets, g.heads, 1, [b, t0, head]);
        probabilities(
            isa,
            scores,
            d_scores,
            n,
            #[inline(always)]
            |i| (d.log_sum[at + i * g.heads], d.product[at + i * g.heads]),
        );
        let (scores, d_scores) = (MatRef::row_major(scores, rows, n), MatRef::row_major(d_scores, rows, n));
        T::multiply(isa, scores.t(), Right::Plain(d_result), sums.value.sub(0, 0, n, width), true, rest);
        T::multiply(isa, d_scores.t(), Right::Plain(query), sums.key.sub(0, 0, n, features), true, rest);
        let to = sums.query.sub(t0, i * features, rows, features);
        T::multiply(isa, d_scores, Right::Packed(keys_down, n, features), to, true, rest);
    }
    for i in 0..n {
        sums.key.row(i).iter_mut().for_each(|y| *y = *y * x.scale);
    }
}
