//! What happens to a block of scores between the products.

use std::ops::Range;

use super::{AttentionGeometry, AttentionOperands};
use crate::isa::{Isa, Kernel, Lanes, Real};
use crate::loss::row_max;

/// A block of scores: rows are targets of one head, columns sources. Rows touch.
pub(super) struct Block<'a> {
    pub b: usize,
    pub head: usize,
    pub targets: &'a Range<usize>,
    pub sources: &'a Range<usize>,
}

impl Block<'_> {
    /// Adds the bias, and gives what is not seen the score −∞.
    pub fn hide<T: Real>(&self, isa: Isa, g: &AttentionGeometry, x: &AttentionOperands<T>, scores: &mut [T]) {
        struct Hide<'a, T>(&'a Block<'a>, &'a AttentionGeometry, &'a AttentionOperands<'a, T>, &'a mut [T]);
        impl<T: Real> Kernel<T> for Hide<'_, T> {
            type Output = ();
            #[inline(always)]
            fn run<L: Lanes<T = T>>(self, _: L) {
                let Hide(block, g, x, scores) = self;
                let rows = scores.chunks_exact_mut(block.sources.len().max(1));
                for (t, row) in block.targets.clone().zip(rows) {
                    block.hide_row(g, x, t, row);
                }
            }
        }
        let crossed = g.causal && self.sources.end > self.targets.start + 1;
        if crossed || x.bias.is_some() || x.mask.is_some() {
            T::run(isa, Hide(self, g, x, scores));
        }
    }

    /// Whether the mask hides every source from the first target.
    pub fn is_hidden<T>(&self, g: &AttentionGeometry, x: &AttentionOperands<T>) -> bool {
        let (Some(strides), Some(mask)) = (g.mask, x.mask) else { return false };
        let from = self.b * strides[0] + self.head * strides[1] + self.targets.start * strides[2];
        let seen = match strides[3] {
            0 => &mask[from..=from],
            _ => &mask[from + self.sources.start..from + self.sources.end],
        };
        seen.iter().all(|&m| m == 0)
    }

    #[inline(always)]
    fn hide_row<T: Real>(&self, g: &AttentionGeometry, x: &AttentionOperands<T>, t: usize, row: &mut [T]) {
        let at = |strides: [usize; 4]| {
            self.b * strides[0] + self.head * strides[1] + t * strides[2] + self.sources.start * strides[3]
        };
        if let (Some(strides), Some(bias)) = (g.bias, x.bias) {
            let bias = &bias[at(strides)..];
            match strides[3] {
                0 => row.iter_mut().for_each(|s| *s = *s + bias[0]),
                _ => row.iter_mut().zip(bias).for_each(|(s, &b)| *s = *s + b),
            }
        }
        if let (Some(strides), Some(mask)) = (g.mask, x.mask) {
            let mask = &mask[at(strides)..];
            match strides[3] {
                0 if mask[0] == 0 => row.fill(T::NEG_INFINITY),
                0 => {}
                _ => row.iter_mut().zip(mask).for_each(|(s, &m)| *s = if m == 0 { T::NEG_INFINITY } else { *s }),
            }
        }
        if g.causal {
            let seen = (t + 1).saturating_sub(self.sources.start).min(row.len());
            row[seen..].fill(T::NEG_INFINITY);
        }
    }
}

/// For each row of `cols` scores: `tops` ← its largest score so far, scores ← e^(score − top), `sums` ← the sum of all exponentials so
/// far, and `factors` ← what the exponentials before are to be multiplied with.
pub(super) fn exponentials<T: Real>(
    isa: Isa,
    scores: &mut [T],
    cols: usize,
    tops: &mut [T],
    sums: &mut [T],
    factors: &mut [T],
) {
    struct Rows<'a, T>(&'a mut [T], usize, &'a mut [T], &'a mut [T], &'a mut [T]);
    impl<T: Real> Kernel<T> for Rows<'_, T> {
        type Output = ();
        #[inline(always)]
        fn run<L: Lanes<T = T>>(self, l: L) {
            let Rows(scores, cols, tops, sums, factors) = self;
            for (i, row) in scores.chunks_exact_mut(cols).enumerate() {
                let (old, here) = (tops[i], row_max(l, row));
                let top = if here > old { here } else { old };
                if top == T::NEG_INFINITY && !row.iter().any(|s| s.is_nan()) {
                    row.fill(T::of(0.0));
                    factors[i] = T::of(1.0);
                    continue;
                }
                tops[i] = top;
                factors[i] = if top > old { first(l, l.exp(l.splat(old - top))) } else { T::of(1.0) };
                sums[i] = sums[i] * factors[i] + exp_of_difference(l, row, top);
            }
        }
    }
    T::run(isa, Rows(scores, cols, tops, sums, factors));
}

/// The first lane.
#[inline(always)]
fn first<L: Lanes>(l: L, v: L::V) -> L::T {
    let mut lanes = [L::T::default(); 16];
    // SAFETY: a vector has at most 16 lanes.
    unsafe { l.store(lanes.as_mut_ptr(), v) };
    lanes[0]
}

/// x ← e^(x − top); their sum.
#[inline(always)]
fn exp_of_difference<L: Lanes>(l: L, x: &mut [L::T], top: L::T) -> L::T {
    let (n, p, top) = (x.len(), x.as_mut_ptr(), l.splat(top));
    let zero = L::T::default();
    let mut sum = l.splat(zero);
    let mut i = 0;
    // SAFETY: i + LANES ≤ n in the loop, and n − i elements are left after it.
    unsafe {
        while i + L::LANES <= n {
            let e = l.exp(l.sub(l.load(p.add(i)), top));
            l.store(p.add(i), e);
            sum = l.add(sum, e);
            i += L::LANES;
        }
        if i < n {
            let e = l.exp(l.sub(l.load_or(p.add(i), n - i, zero), top));
            l.store_first(p.add(i), n - i, e);
            sum = l.add(sum, l.keep(e, n - i, zero));
        }
    }
    l.sum(sum)
}

/// For each row of `cols`: scores ← the probabilities e^(score − log_sum), and `d` ← probability · (d − product), the scores' gradient.
/// `row_terms` gives (log_sum, product) of each row.
pub(super) fn probabilities<T: Real>(
    isa: Isa,
    scores: &mut [T],
    d: &mut [T],
    cols: usize,
    row_terms: impl Fn(usize) -> (T, T),
) {
    struct Rows<'a, T, F>(&'a mut [T], &'a mut [T], usize, F);
    impl<T: Real, F: Fn(usize) -> (T, T)> Kernel<T> for Rows<'_, T, F> {
        type Output = ();
        #[inline(always)]
        fn run<L: Lanes<T = T>>(self, l: L) {
            let Rows(scores, d, cols, row_terms) = self;
            for (i, (s, d)) in scores.chunks_exact_mut(cols).zip(d.chunks_exact_mut(cols)).enumerate() {
                let (log_sum, product) = row_terms(i);
                score_gradient(l, s, d, log_sum, product);
            }
        }
    }
    assert_eq!(scores.len(), d.len(), "scores and their gradient");
    T::run(isa, Rows(scores, d, cols, row_terms));
}

#[inline(always)]
fn score_gradient<L: Lanes>(l: L, s: &mut [L::T], d: &mut [L::T], log_sum: L::T, product: L::T) {
    assert_eq!(s.len(), d.len());
    let (n, sp, dp) = (s.len(), s.as_mut_ptr(), d.as_mut_ptr());
    let (log_sum, product, zero) = (l.splat(log_sum), l.splat(product), L::T::default());
    let mut i = 0;
    // SAFETY: i + LANES ≤ n in the loop, and n − i elements are left after it, in rows of one length.
    unsafe {
        while i + L::LANES <= n {
            let p = l.exp(l.sub(l.load(sp.add(i)), log_sum));
            l.store(sp.add(i), p);
            l.store(dp.add(i), l.mul(p, l.sub(l.load(dp.add(i)), product)));
            i += L::LANES;
        }
        if i < n {
            let p = l.exp(l.sub(l.load_or(sp.add(i), n - i, zero), log_sum));
            let from = l.load_or(dp.add(i), n - i, zero);
            l.store_first(sp.add(i), n - i, p);
            l.store_first(dp.add(i), n - i, l.mul(p, l.sub(from, product)));
        }
    }
}
