//! The best continuations of a few hypotheses, found in one pass over their scores.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::dispatch;
use crate::isa::{Isa, Real, Simd};
use crate::loss::log_sum_exp;

/// A hypothesis and the scores of its next token.
pub struct Row<'a, T> {
    /// Its place among the sentence's.
    pub rank: u32,
    /// The number of the row.
    pub number: usize,
    /// Its sum of log-probabilities.
    pub total: f64,
    /// By token.
    pub scores: &'a [T],
}

/// A hypothesis and its next token. The order is total, the better the greater: by sum, then the better hypothesis, then the better score
/// (which the sum may have rounded away), then the smaller token.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Candidate {
    /// The sum of log-probabilities.
    pub total: f64,
    /// The hypothesis's place among the sentence's.
    pub rank: u32,
    /// The token's score as it was given.
    pub score: f64,
    /// The token.
    pub token: u32,
    /// The hypothesis's row.
    pub row: u32,
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_total = self.total.total_cmp(&other.total).then(other.rank.cmp(&self.rank));
        by_total.then(self.score.total_cmp(&other.score)).then(other.token.cmp(&self.token))
    }
}

/// A score that cannot be.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Fault {
    /// The row.
    pub row: usize,
    /// The token.
    pub token: usize,
    /// NaN, infinity, or a log-probability above 0.
    pub score: f64,
}

/// What rounding may put a log-probability above 0 by.
const TOLERANCE: f64 = 1e-3;

/// The `room` best continuations of the rows, in no order; none with a score of −∞, nor the token `banned`.
///
/// # Errors
/// The first score that cannot be. Log-probabilities a little above 0 may pass.
pub fn best<'a, T: Score>(
    isa: Isa,
    rows: impl Iterator<Item = Row<'a, T>>,
    room: usize,
    banned: Option<u32>,
    logits: bool,
) -> Result<Vec<Candidate>, Fault> {
    let mut kept: BinaryHeap<Reverse<Candidate>> = BinaryHeap::with_capacity(room + 1);
    for row in rows {
        let norm = if logits { log_sum_exp(isa, row.scores) } else { 0.0 };
        let most = if logits { f64::MAX } else { TOLERANCE };
        let threshold = |kept: &BinaryHeap<Reverse<Candidate>>| match kept.peek() {
            Some(Reverse(worst)) if kept.len() == room => {
                // A little low, so that no rounding hides a candidate; those that pass are compared as they are.
                let slack = 8.0 * f64::EPSILON * (worst.total.abs() + row.total.abs() + norm.abs());
                T::below(worst.total - row.total + norm - slack)
            }
            _ => T::NEG_INFINITY,
        };
        let mut fault = None;
        let low = threshold(&kept);
        T::visit_above(isa, row.scores, low, |token, score| {
            let score = score.to_f64() + 0.0; // not −0
            if score.is_nan() || score > most {
                fault = Some(Fault { row: row.number, token, score });
                return None;
            }
            let total = row.total + (score - norm);
            let candidate = Candidate { total, rank: row.rank, score, token: token as u32, row: row.number as u32 };
            if banned != Some(candidate.token) {
                if kept.len() < room {
                    kept.push(Reverse(candidate));
                } else if let Some(mut worst) = kept.peek_mut()
                    && candidate > worst.0
                {
                    *worst = Reverse(candidate);
                }
            }
            Some(threshold(&kept))
        });
        if let Some(fault) = fault {
            return Err(fault);
        }
    }
    Ok(kept.into_iter().map(|Reverse(candidate)| candidate).collect())
}

/// A type of scores.
pub trait Score: Real {
    /// A number of this type that is not above `x`.
    fn below(x: f64) -> Self;

    /// Calls `visit` with places and numbers that are not at most `threshold`, so with NaN too, in their order; it gives the next threshold, or
    /// None to end. Numbers that are at most the new threshold may still be visited for a while.
    fn visit_above(isa: Isa, x: &[Self], threshold: Self, visit: impl FnMut(usize, Self) -> Option<Self>);
}

impl Score for f32 {
    fn below(x: f64) -> f32 {
        let y = x as f32;
        if f64::from(y) > x { y.next_down() } else { y }
    }

    fn visit_above(isa: Isa, x: &[f32], threshold: f32, visit: impl FnMut(usize, f32) -> Option<f32>) {
        dispatch!(isa, s => visit_vectors(s, x, threshold, visit));
    }
}

impl Score for f64 {
    fn below(x: f64) -> f64 {
        x
    }

    fn visit_above(_: Isa, x: &[f64], threshold: f64, mut visit: impl FnMut(usize, f64) -> Option<f64>) {
        let mut threshold = threshold;
        visit_each(x, 0, &mut threshold, &mut visit);
    }
}

/// Visits number by number; whether to go on.
#[inline(always)]
fn visit_each<T: Real>(
    x: &[T],
    first: usize,
    threshold: &mut T,
    visit: &mut impl FnMut(usize, T) -> Option<T>,
) -> bool {
    for (i, &value) in x.iter().enumerate() {
        if value <= *threshold {
            continue;
        }
        match visit(first + i, value) {
            Some(next) => *threshold = next,
            None => return false,
        }
    }
    true
}

/// Four vectors at a time, of which few have anything to visit.
#[inline(always)]
fn visit_vectors<S: Simd>(s: S, x: &[f32], threshold: f32, mut visit: impl FnMut(usize, f32) -> Option<f32>) {
    let mut threshold = threshold;
    let mut blocks = x.chunks_exact(4 * S::LANES);
    for (number, block) in (&mut blocks).enumerate() {
        let low = s.splat(threshold);
        let mut at_most = [s.le(s.load(block), low); 4];
        for k in 1..4 {
            at_most[k] = s.le(s.load(&block[k * S::LANES..]), low);
        }
        let all = s.mask_and(s.mask_and(at_most[0], at_most[1]), s.mask_and(at_most[2], at_most[3]));
        if s.mask_bits(s.mask_not(all)) == 0 {
            continue;
        }
        for (k, &mask) in at_most.iter().enumerate() {
            let mut above = s.mask_bits(s.mask_not(mask));
            while above != 0 {
                let i = k * S::LANES + above.trailing_zeros() as usize;
                above &= above - 1;
                if block[i] <= threshold {
                    continue;
                }
                match visit(number * block.len() + i, block[i]) {
                    Some(next) => threshold = next,
                    None => return,
                }
            }
        }
    }
    let rest = blocks.remainder();
    visit_each(rest, x.len() - rest.len(), &mut threshold, &mut visit);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sorts all continuations.
    fn twin(rows: &[Vec<f64>], totals: &[f64], room: usize, banned: Option<u32>) -> Vec<(u32, u32)> {
        let mut all = Vec::new();
        for (rank, (row, &total)) in rows.iter().zip(totals).enumerate() {
            for (token, &score) in row.iter().enumerate() {
                if score > f64::NEG_INFINITY && banned != Some(token as u32) {
                    all.push((total + score, rank as u32, score, token as u32));
                }
            }
        }
        all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(b.2.total_cmp(&a.2)).then(a.3.cmp(&b.3)));
        all.iter().take(room).map(|c| (c.1, c.3)).collect()
    }

    #[test]
    fn the_best_are_found_at_every_level() {
        let mut state = 1u64;
        let mut draw = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        for round in 0..300 {
            let (count, vocabulary, kinds) = (1 + draw(5), 1 + draw(200), [3, 50, 1_000_000][round % 3]);
            let mut number = || if draw(20) == 0 { f64::NEG_INFINITY } else { -(draw(kinds) as f64) / 8.0 };
            let rows: Vec<Vec<f64>> = (0..count).map(|_| (0..vocabulary).map(|_| number()).collect()).collect();
            let totals: Vec<f64> = (0..count).map(|i| -(i as f64) / 4.0).collect();
            let (room, banned) = (1 + draw(12) as usize, (draw(2) == 0).then(|| draw(vocabulary) as u32));
            let expected = twin(&rows, &totals, room, banned);
            let row = |(i, scores)| Row { rank: i as u32, number: i, total: totals[i], scores };
            let sorted = |mut found: Vec<Candidate>| {
                found.sort_unstable_by(|a, b| b.cmp(a));
                found.iter().map(|c| (c.rank, c.token)).collect::<Vec<_>>()
            };
            let wide = rows.iter().map(|r| &r[..]).enumerate().map(row);
            assert_eq!(sorted(best(Isa::current(), wide, room, banned, false).unwrap()), expected);
            let single: Vec<Vec<f32>> = rows.iter().map(|r| r.iter().map(|&x| x as f32).collect()).collect();
            for isa in Isa::supported() {
                let row = |(i, scores)| Row { rank: i as u32, number: i, total: totals[i], scores };
                let narrow = single.iter().map(|r| &r[..]).enumerate().map(row);
                assert_eq!(sorted(best(isa, narrow, room, banned, false).unwrap()), expected, "{isa:?}");
            }
        }
    }

    #[test]
    fn logits_are_normalised() {
        let x = [1.0f32, 2.0, 0.5, -3.0];
        let row = || std::iter::once(Row { rank: 0, number: 0, total: -1.0, scores: &x[..] });
        let found = best(Isa::current(), row(), 2, None, true).unwrap();
        let sum: f64 = x.iter().map(|&x| f64::from(x).exp()).sum();
        let top = found.iter().max().unwrap();
        assert!(top.token == 1 && (top.total - (1.0 - sum.ln())).abs() < 1e-6);
        assert!(best(Isa::current(), row(), 2, None, false).is_err());
    }
}
