//! The rows of a matrix of word vectors that have the largest products with given vectors.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::dispatch;
use crate::isa::{Isa, Simd};
use crate::mem::{Stop, Team};

/// Rows of a shard: a few hundred kB of the usual vectors.
const SHARD: usize = 4096;
/// Rows whose products wait together for the comparison with what has been kept.
const BLOCK: usize = 64;
/// Queries that share a row in registers.
const TOGETHER: usize = 4;

/// A row and its product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// The row's number.
    pub row: u32,
    /// The scaled product.
    pub score: f32,
}

impl Eq for Near {}

impl Ord for Near {
    /// By score; of equal ones the earlier row is the greater.
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.row.cmp(&self.row))
    }
}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Of each query the `k` rows with the largest `scale · ⟨row, query⟩`, the largest first and equal ones by number; one list after another.
/// `None` once `stop` says so.
///
/// `rows` and `queries` hold vectors of `width` numbers one after another, `scales` a number for each row. Every product is
/// summed by itself in an order that the width decides, so results depend neither on threads nor on the other queries.
///
/// # Panics
/// If lengths do not fit or `k` is more than the rows.
#[allow(clippy::too_many_arguments)] // plain slices and their sizes
pub fn nearest_rows(
    isa: Isa,
    team: &Team,
    rows: &[f32],
    scales: &[f32],
    queries: &[f32],
    width: usize,
    k: usize,
    stop: Stop<'_>,
) -> Option<Vec<Near>> {
    assert!(width > 0 && rows.len() == scales.len() * width && queries.len().is_multiple_of(width));
    assert!(k <= scales.len() && u32::try_from(scales.len()).is_ok(), "more neighbours than rows");
    if k == 0 {
        return Some(Vec::new());
    }
    let count = queries.len() / width;
    let parts = team.collect(scales.len().div_ceil(SHARD), stop, |i, stop| {
        let end = ((i + 1) * SHARD).min(scales.len());
        let mut kept: Vec<Kept> = (0..count).map(|_| Kept::new(k)).collect();
        for first in (i * SHARD..end).step_by(BLOCK) {
            if stop() {
                break;
            }
            let last = (first + BLOCK).min(end);
            let (rows, scales) = (&rows[first * width..last * width], &scales[first..last]);
            dispatch!(isa, s => block(s, rows, scales, queries, width, first as u32, &mut kept));
        }
        kept.into_iter().map(|kept| kept.heap.into_vec()).collect::<Vec<_>>()
    })?;
    let mut all = Vec::with_capacity(count * k);
    for query in 0..count {
        let mut found: Vec<Near> =
            parts.iter().flat_map(|part| &part[query]).copied().map(|Reverse(near)| near).collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        all.extend_from_slice(&found[..k]);
    }
    Some(all)
}

/// The largest so far; the smallest of them on top.
struct Kept {
    heap: BinaryHeap<Reverse<Near>>,
    most: usize,
}

impl Kept {
    fn new(most: usize) -> Self {
        Self { heap: BinaryHeap::with_capacity(most.min(SHARD)), most }
    }

    #[inline]
    fn offer(&mut self, near: Near) {
        if self.heap.len() < self.most {
            self.heap.push(Reverse(near));
        } else if let Some(mut least) = self.heap.peek_mut()
            && near > least.0
        {
            *least = Reverse(near);
        }
    }
}

/// Offers the rows of a block to what the queries have kept.
#[inline(always)]
fn block<S: Simd>(s: S, rows: &[f32], scales: &[f32], queries: &[f32], width: usize, first: u32, kept: &mut [Kept]) {
    for (queries, kept) in queries.chunks(TOGETHER * width).zip(kept.chunks_mut(TOGETHER)) {
        let mut scores = [[0.0f32; BLOCK]; TOGETHER];
        if kept.len() == TOGETHER {
            products::<S, TOGETHER>(s, rows, scales, queries, width, &mut scores);
        } else {
            for (query, scores) in queries.chunks_exact(width).zip(&mut scores) {
                products::<S, 1>(s, rows, scales, query, width, std::array::from_mut(scores));
            }
        }
        for (kept, scores) in kept.iter_mut().zip(&scores) {
            for (i, &score) in scores[..scales.len()].iter().enumerate() {
                kept.offer(Near { row: first + i as u32, score });
            }
        }
    }
}

/// Products of every row with `N` queries.
#[inline(always)]
fn products<S: Simd, const N: usize>(
    s: S,
    rows: &[f32],
    scales: &[f32],
    queries: &[f32],
    width: usize,
    scores: &mut [[f32; BLOCK]; N],
) {
    let whole = width / S::LANES * S::LANES;
    let rest = width - whole;
    assert!(queries.len() == N * width && rows.len() == scales.len() * width);
    for (i, (row, &scale)) in rows.chunks_exact(width).zip(scales).enumerate() {
        let mut sums = [s.zero(); N];
        for at in (0..whole).step_by(S::LANES) {
            let x = s.load(&row[at..]);
            for n in 0..N {
                sums[n] = s.fma(x, s.load(&queries[n * width + at..]), sums[n]);
            }
        }
        if rest > 0 {
            // SAFETY: rest < LANES elements of the row and of every query follow the whole vectors.
            unsafe {
                let x = s.load_partial(row[whole..].as_ptr(), rest);
                for n in 0..N {
                    let y = s.load_partial(queries[n * width + whole..][..rest].as_ptr(), rest);
                    sums[n] = s.fma(x, y, sums[n]);
                }
            }
        }
        for n in 0..N {
            scores[n][i] = s.reduce_add(sums[n]) * scale + 0.0; // no −0, which total order puts before 0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mem::team;

    fn draws(count: usize, mut state: u64) -> Vec<f32> {
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32 / (1 << 23) as f32 - 1.0).mul_add(4.0, 0.0).round() / 4.0
        };
        (0..count).map(|_| draw()).collect()
    }

    /// All products, sorted. Quarters multiply and add exactly, so that equal scores are many and equal.
    fn twin(rows: &[f32], scales: &[f32], query: &[f32], k: usize) -> Vec<Near> {
        let dot = |row: &[f32]| row.iter().zip(query).map(|(x, y)| x * y).sum::<f32>();
        let scores = rows.chunks_exact(query.len()).zip(scales).map(|(row, scale)| dot(row) * scale);
        let mut all: Vec<Near> =
            scores.enumerate().map(|(i, score)| Near { row: i as u32, score: score + 0.0 }).collect();
        all.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap().then(a.row.cmp(&b.row)));
        all.truncate(k);
        all
    }

    #[test]
    fn the_rows_of_the_scalar_twin_at_every_level() {
        for isa in Isa::supported() {
            for (count, width, asked, k) in
                [(1, 1, 1, 1), (63, 3, 2, 63), (200, 50, 5, 10), (9000, 17, 4, 40), (70, 64, 9, 0)]
            {
                let (rows, queries) = (draws(count * width, 1), draws(asked * width, 2));
                let scales: Vec<f32> = (0..count).map(|i| [1.0, 0.5, 0.0][i % 3]).collect();
                let found = nearest_rows(isa, &team(), &rows, &scales, &queries, width, k, &|| false).unwrap();
                let expected: Vec<Near> =
                    queries.chunks_exact(width).flat_map(|q| twin(&rows, &scales, q, k)).collect();
                let positive = |near: &Near| (near.row, near.score + 0.0);
                assert!(found.iter().map(positive).eq(expected.iter().map(positive)), "{isa:?} {count} {width}");
            }
        }
    }

    #[test]
    fn a_stop_is_heard() {
        assert!(nearest_rows(Isa::current(), &team(), &[1.0; 8], &[1.0; 4], &[1.0; 2], 2, 1, &|| true).is_none());
    }
}
