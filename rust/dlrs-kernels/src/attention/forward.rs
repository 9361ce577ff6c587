//! The forward pass.

use std::ops::Range;

use super::element::{AttentionElement, Right};
use super::scores::{Block, exponentials};
use super::{AttentionGeometry, AttentionOperands, KEYS};
use crate::gemm::MatRef;
use crate::isa::Isa;
use crate::mem::TileMut;

/// Targets whose scores are computed at a time: their block stays in L1.
const ROWS: usize = 64;

/// Targets from which packing keys and values pays.
const PACKED_FROM: usize = 8;

/// Elements of scratch that [`attention_forward`] needs for so many targets.
pub fn attention_forward_scratch_len<T: AttentionElement>(isa: Isa, g: &AttentionGeometry, targets: usize) -> usize {
    let keys = KEYS.min(g.sources);
    let rows = ROWS.min(targets);
    let products = T::scratch_len(isa, rows, g.features, keys).max(T::scratch_len(isa, rows, keys, g.width));
    let packed = T::packed_len(isa, g.features, keys) + T::packed_len(isa, keys, g.width);
    packed + targets * (g.features + 3) + rows * keys + products
}

/// The result for those targets of a head, `(batch, head)`, and the logarithm of the sum of their exponentials.
///
/// # Panics
/// If an operand or a tile does not have the geometry's sizes, or `scratch` is shorter than [`attention_forward_scratch_len`].
pub fn attention_forward<T: AttentionElement>(
    isa: Isa,
    g: &AttentionGeometry,
    x: &AttentionOperands<T>,
    (b, head): (usize, usize),
    targets: Range<usize>,
    mut result: TileMut<T>,
    mut log_sum: TileMut<T>,
    scratch: &mut [T],
) {
    let n = targets.len();
    if n == 1 {
        return single_target(isa, g, x, (b, head), targets, result, log_sum, scratch);
    }
    let most = KEYS.min(g.sources);
    // What is read as vectors comes first, where it is aligned.
    let (key_panels, scratch) = scratch.split_at_mut(T::packed_len(isa, g.features, most));
    let (value_panels, scratch) = scratch.split_at_mut(T::packed_len(isa, most, g.width));
    let (scores, scratch) = scratch.split_at_mut(ROWS.min(n) * most);
    let (tops, scratch) = scratch.split_at_mut(n);
    let (sums, scratch) = scratch.split_at_mut(n);
    let (factors, scratch) = scratch.split_at_mut(n);
    let (query, rest) = scratch.split_at_mut(n * g.features);
    tops.fill(T::NEG_INFINITY);
    sums.fill(T::of(0.0));
    copy_scaled(g.targets_of(x.query, g.features, (b, head), &targets), x.scale, query);
    let sources = if g.causal { g.sources.min(targets.end) } else { g.sources };
    for s0 in (0..sources).step_by(KEYS) {
        let keys = s0..sources.min(s0 + KEYS);
        let len = keys.len();
        let group = (b, head / g.shared());
        let key = g.sources_of(x.key, g.features, group, &keys);
        let value = g.sources_of(x.value, g.width, group, &keys);
        let (key, value) = if n >= PACKED_FROM {
            T::pack(isa, key.t(), key_panels);
            T::pack(isa, value, value_panels);
            (Right::Packed(key_panels, g.features, len), Right::Packed(value_panels, len, g.width))
        } else {
            (Right::Plain(key.t()), Right::Plain(value))
        };
        for first in (0..n).step_by(ROWS) {
            let rows = first..n.min(first + ROWS);
            let targets = targets.start + rows.start..targets.start + rows.end;
            if g.causal && targets.end <= s0 {
                continue;
            }
            let scores = &mut scores[..rows.len() * len];
            let query = MatRef::row_major(&query[rows.start * g.features..], rows.len(), g.features);
            T::multiply(isa, query, key, TileMut::new(scores, rows.len(), len, len), false, rest);
            Block { b, head, targets: &targets, sources: &keys }.hide(isa, g, x, scores);
            let factors = &mut factors[rows.clone()];
            exponentials(isa, scores, len, &mut tops[rows.clone()], &mut sums[rows.clone()], factors);
            let mut to = result.sub(rows.start, 0, rows.len(), g.width);
            rescale(&mut to, factors, s0 == 0);
            T::multiply(isa, MatRef::row_major(scores, rows.len(), len), value, to, s0 > 0, rest);
        }
    }
    finish(&mut result, &mut log_sum, tops, sums);
}

/// The same for one target: keys and values are read where they lie.
fn single_target<T: AttentionElement>(
    isa: Isa,
    g: &AttentionGeometry,
    x: &AttentionOperands<T>,
    (b, head): (usize, usize),
    target: Range<usize>,
    mut result: TileMut<T>,
    mut log_sum: TileMut<T>,
    scratch: &mut [T],
) {
    let (scores, scratch) = scratch.split_at_mut(KEYS.min(g.sources));
    let query = &mut scratch[..g.features];
    copy_scaled(g.targets_of(x.query, g.features, (b, head), &target), x.scale, query);
    let (mut top, mut sum, mut factor) = ([T::NEG_INFINITY], [T::of(0.0)], [T::of(1.0)]);
    let (group, sources) = ((b, head / g.shared()), if g.causal { g.sources.min(target.end) } else { g.sources });
    let mut first = true;
    for s0 in (0..sources).step_by(KEYS) {
        let keys = s0..sources.min(s0 + KEYS);
        let block = Block { b, head, targets: &target, sources: &keys };
        // Of a cache that has room for more, what is not written yet is not read.
        if block.is_hidden(g, x) {
            continue;
        }
        let scores = &mut scores[..keys.len()];
        T::dots(isa, query, g.sources_of(x.key, g.features, group, &keys), scores);
        block.hide(isa, g, x, scores);
        exponentials(isa, scores, keys.len(), &mut top, &mut sum, &mut factor);
        rescale(&mut result, &factor, first);
        T::weighted_sum(isa, scores, g.sources_of(x.value, g.width, group, &keys), result.row(0), !first);
        first = false;
    }
    finish(&mut result, &mut log_sum, &top, &sum);
}

/// Divides by the sums, whose logarithms are left beside.
fn finish<T: AttentionElement>(result: &mut TileMut<T>, log_sum: &mut TileMut<T>, tops: &[T], sums: &[T]) {
    for (i, (&top, &sum)) in tops.iter().zip(sums).enumerate() {
        let (row, none) = (result.row(i), sum == T::of(0.0));
        if none {
            row.fill(T::of(0.0));
        } else {
            let factor = T::of(1.0) / sum;
            row.iter_mut().for_each(|y| *y = *y * factor);
        }
        log_sum.row(i)[0] = if none { T::INFINITY } else { top + T::of(sum.to_f64().ln()) };
    }
}

/// The rows times `scale`, one after another.
pub(super) fn copy_scaled<T: AttentionElement>(x: MatRef<T>, scale: T, to: &mut [T]) {
    for (i, row) in to.chunks_exact_mut(x.cols().max(1)).enumerate() {
        row.iter_mut().enumerate().for_each(|(j, y)| *y = x.at(i, j) * scale);
    }
}

/// Each row times its factor, unless it is the first block of keys, before which there is nothing.
fn rescale<T: AttentionElement>(x: &mut TileMut<T>, factors: &[T], first: bool) {
    for (i, &factor) in factors.iter().enumerate() {
        if factor != T::of(1.0) && !first {
            x.row(i).iter_mut().for_each(|y| *y = *y * factor);
        }
    }
}
