//! Alignments summed in logarithms, whatever their size. With e the logarithms of the softmax, α_t(s) = e_t(s) + ln Σ α_{t−1}(s')
//! over s' = s, s − 1, and s − 2 where the label differs from the one before it (equations 5 to 8). Each step's α are kept less the
//! largest of the step before, and likewise those that go backward, so that they stay near 0, where rounding is small; what was taken
//! away is summed in double precision.

use super::Ctc;
use crate::isa::{Isa, Kernel, Lanes, Real};
use crate::loss::softmax::{map_sum, row_max, sum_exp};

/// The logarithm of zero, finite so that differences are numbers: far below that of any path.
const LOG_ZERO: f64 = -1e30;
/// Elements before the first state, which stand for states that do not exist.
const MARGIN: usize = 2;
/// A multiple of every level's lanes.
const VECTOR: usize = 16;

/// Elements of a step's α for so many labels: the states, and room to read and write whole vectors.
pub(super) fn stride(labels: usize) -> usize {
    (MARGIN + 2 * labels + 1).next_multiple_of(VECTOR) + VECTOR
}

/// The loss of an example; ∞ if it has too few steps. `alphas` (steps × [`stride`]) and `log_sums` (steps), ln Σ e^logit, are for the
/// gradient. `scratch` has three times the stride.
pub(super) fn loss<T: Real>(isa: Isa, x: Ctc<'_, T>, alphas: &mut [T], log_sums: &mut [T], scratch: &mut [T]) -> T {
    T::run(isa, Forward { x, alphas, log_sums, scratch })
}

struct Forward<'a, T> {
    x: Ctc<'a, T>,
    alphas: &'a mut [T],
    log_sums: &'a mut [T],
    scratch: &'a mut [T],
}

impl<T: Real> Kernel<T> for Forward<'_, T> {
    type Output = T;

    #[inline(always)]
    fn run<L: Lanes<T = T>>(self, l: L) -> T {
        let Forward { x, alphas, log_sums, scratch } = self;
        let (steps, states, stride, none) = (x.steps(), x.states(), stride(x.labels.len()), T::of(LOG_ZERO));
        if steps == 0 {
            return if states == 1 { T::default() } else { T::default() - T::NEG_INFINITY };
        }
        scratch[..3 * stride].fill(none);
        let (skips, rest) = scratch.split_at_mut(stride);
        let (mut e, mut next) = rest.split_at_mut(stride);
        // A label may follow the one before it without a blank if it is another.
        for i in 1..x.labels.len() {
            if x.labels[i] != x.labels[i - 1] {
                skips[MARGIN + 2 * i + 1] = T::default();
            }
        }
        let (mut taken, mut top) = (0.0, T::default());
        log_sums[0] = log_sum(l, x.row(0));
        x.emitted(0, log_sums[0], e);
        for t in 0..steps {
            if t + 1 < steps {
                log_sums[t + 1] = log_sum(l, x.row(t + 1));
                x.emitted(t + 1, log_sums[t + 1], next);
            }
            taken += top.to_f64();
            let (before, now) = alphas[..(t + 1) * stride].split_at_mut(t * stride);
            if t == 0 {
                now.fill(none);
                now[MARGIN..MARGIN + states.min(2)].copy_from_slice(&e[MARGIN..MARGIN + states.min(2)]);
            } else {
                forward_step(l, &before[(t - 1) * stride..], now, (e, top), skips);
                now[..MARGIN].fill(none);
                now[MARGIN + states..].fill(none);
            }
            top = row_max(l, &now[MARGIN..MARGIN + states]);
            std::mem::swap(&mut e, &mut next);
        }
        let last = &alphas[(steps - 1) * stride + MARGIN..][..states];
        let (blank, label) = (last[states - 1], if states > 1 { last[states - 2] } else { none });
        let total = log_add(l, blank, label);
        if total.to_f64() <= 0.5 * LOG_ZERO {
            return T::default() - T::NEG_INFINITY;
        }
        T::of(-(total.to_f64() + taken))
    }
}

/// ln Σ eˣ.
#[inline(always)]
fn log_sum<L: Lanes>(l: L, x: &[L::T]) -> L::T {
    let (top, sum) = sum_exp(l, x);
    top + l.largest(l.log(l.splat(sum)))
}

/// ln(eᵃ + eᵇ).
#[inline(always)]
fn log_add<L: Lanes>(l: L, a: L::T, b: L::T) -> L::T {
    let (a, b) = (l.splat(a), l.splat(b));
    let top = l.max(a, b);
    let sum = l.add(l.exp(l.sub(a, top)), l.exp(l.sub(b, top)));
    l.largest(l.add(top, l.log(sum)))
}

/// ln(eᵃ + eᵇ + eᶜ).
#[inline(always)]
fn log_add_3<L: Lanes>(l: L, a: L::V, b: L::V, c: L::V) -> L::V {
    let top = l.max(l.max(a, b), c);
    // Less than e⁻⁸⁰ changes no sum of 1 or more, and exponentials that are not normal numbers are slow.
    let least = l.splat(L::T::of(-80.0));
    let mut sum = l.exp(l.max_number(l.sub(a, top), least));
    sum = l.add(sum, l.exp(l.max_number(l.sub(b, top), least)));
    sum = l.add(sum, l.exp(l.max_number(l.sub(c, top), least)));
    l.add(top, l.log(sum))
}

/// α of a step, less `top`, from those of the step before. All arrays have a stride's elements.
#[inline(always)]
fn forward_step<L: Lanes>(l: L, before: &[L::T], now: &mut [L::T], (e, top): (&[L::T], L::T), skips: &[L::T]) {
    let (none, top) = (l.splat(L::T::of(LOG_ZERO)), l.splat(top));
    let n = now.len() - VECTOR;
    assert!(before.len() >= now.len() && e.len() >= now.len() && skips.len() >= now.len());
    for i in (MARGIN..n + MARGIN).step_by(L::LANES) {
        // SAFETY: i is at least MARGIN and i + LANES at most n + MARGIN + LANES, which is within the stride, as VECTOR is at least
        // LANES + MARGIN or LANES divides n and the last vector ends at n + MARGIN, less than the stride.
        unsafe {
            let (a, b) = (l.load(before.as_ptr().add(i)), l.load(before.as_ptr().add(i - 1)));
            let c = l.add(l.load(before.as_ptr().add(i - 2)), l.load(skips.as_ptr().add(i)));
            let sum = l.add(log_add_3(l, a, b, c), l.sub(l.load(e.as_ptr().add(i)), top));
            l.store(now.as_mut_ptr().add(i), l.max(sum, none));
        }
    }
}

/// The gradient of [`loss`] with respect to the logits, times `d`: what it left is read. `scratch` has six times the stride.
pub(super) fn gradient<T: Real>(
    isa: Isa,
    x: Ctc<'_, T>,
    (alphas, log_sums): (&[T], &[T]),
    d: T,
    dx: &mut [T],
    scratch: &mut [T],
) {
    T::run(isa, Backward { x, alphas, log_sums, d, dx, scratch });
}

struct Backward<'a, T> {
    x: Ctc<'a, T>,
    alphas: &'a [T],
    log_sums: &'a [T],
    d: T,
    dx: &'a mut [T],
    scratch: &'a mut [T],
}

impl<T: Real> Kernel<T> for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<T = T>>(self, l: L) {
        let Backward { x, alphas, log_sums, d, dx, scratch } = self;
        let (steps, states, stride, none) = (x.steps(), x.states(), stride(x.labels.len()), T::of(LOG_ZERO));
        scratch[..6 * stride].fill(none);
        let (mut e, rest) = scratch.split_at_mut(stride);
        let (mut next, rest) = rest.split_at_mut(stride);
        let (skips, rest) = rest.split_at_mut(stride);
        let (beta, rest) = rest.split_at_mut(stride);
        let (later, gamma) = rest.split_at_mut(stride);
        let gamma = &mut gamma[..stride];
        // Element i says whether state i may be followed by state i + 2.
        for i in 1..x.labels.len() {
            if x.labels[i] != x.labels[i - 1] {
                skips[MARGIN + 2 * i - 1] = T::default();
            }
        }
        beta[MARGIN + states.saturating_sub(2)..MARGIN + states].fill(T::default());
        for t in (0..steps).rev() {
            x.emitted(t, log_sums[t], next);
            if t + 1 < steps {
                // What follows: β of the later step and what it emits, less the largest, which keeps them near 0.
                let top = row_max(l, &beta[MARGIN..MARGIN + states]);
                add_less(l, beta, e, top, later);
                later[MARGIN + states..].fill(none);
                backward_step(l, later, beta, skips);
                beta[MARGIN + states..].fill(none);
            }
            let dx = &mut dx[t * x.classes..][..x.classes];
            let (row, sum) = (x.row(t), l.splat(log_sums[t]));
            let scale = l.splat(d);
            map_sum(
                l,
                [row],
                dx,
                #[inline(always)]
                |[x]| {
                    let p = l.mul(l.exp(l.sub(x, sum)), scale);
                    (p, p)
                },
            );
            x.subtract_occupancy(l, &alphas[t * stride..][..stride], beta, gamma, d, dx);
            std::mem::swap(&mut e, &mut next);
        }
    }
}

/// y ← a + b − top. All arrays have a stride's elements.
#[inline(always)]
fn add_less<L: Lanes>(l: L, a: &[L::T], b: &[L::T], top: L::T, y: &mut [L::T]) {
    let top = l.splat(top);
    assert!(y.len().is_multiple_of(VECTOR) && a.len() >= y.len() && b.len() >= y.len());
    for i in (0..y.len()).step_by(L::LANES) {
        // SAFETY: LANES divides the length of y, which the others have at least.
        unsafe {
            let sum = l.add(l.load(a.as_ptr().add(i)), l.sub(l.load(b.as_ptr().add(i)), top));
            l.store(y.as_mut_ptr().add(i), sum);
        }
    }
}

/// β of a step from what follows it. All arrays have a stride's elements.
#[inline(always)]
fn backward_step<L: Lanes>(l: L, later: &[L::T], beta: &mut [L::T], skips: &[L::T]) {
    let none = l.splat(L::T::of(LOG_ZERO));
    let n = beta.len() - VECTOR;
    assert!(later.len() >= beta.len() && skips.len() >= beta.len());
    for i in (0..n).step_by(L::LANES) {
        // SAFETY: i + LANES is at most n, and i + 2 + LANES within the stride, since VECTOR is more than 2.
        unsafe {
            let (a, b) = (l.load(later.as_ptr().add(i)), l.load(later.as_ptr().add(i + 1)));
            let c = l.add(l.load(later.as_ptr().add(i + 2)), l.load(skips.as_ptr().add(i)));
            l.store(beta.as_mut_ptr().add(i), l.max(log_add_3(l, a, b, c), none));
        }
    }
}

impl<T: Real> Ctc<'_, T> {
    /// The logits of the states at step `t`, less `by`, from element `MARGIN` on. Written a step before they are read: a vector that is
    /// loaded before its elements have left the store buffer waits for all of them.
    #[inline(always)]
    fn emitted(&self, t: usize, by: T, e: &mut [T]) {
        let row = self.row(t);
        let blank = row[self.blank] - by;
        let (pairs, last) = e[MARGIN..MARGIN + self.states()].as_chunks_mut::<2>();
        for (pair, &label) in pairs.iter_mut().zip(self.labels) {
            *pair = [blank, row[label as usize] - by];
        }
        last[0] = blank;
    }

    /// Takes from the gradient of a step's logits the probability that an alignment of the labels is in a state of each class: γ = α·β,
    /// divided by its sum over the states.
    #[inline(always)]
    fn subtract_occupancy<L: Lanes<T = T>>(&self, l: L, alpha: &[T], beta: &[T], gamma: &mut [T], d: T, dx: &mut [T]) {
        let states = MARGIN..MARGIN + self.states();
        let (alpha, beta, gamma) = (&alpha[states.clone()], &beta[states.clone()], &mut gamma[states]);
        map_sum(
            l,
            [alpha, beta],
            gamma,
            #[inline(always)]
            |[a, b]| (l.add(a, b), a),
        );
        let top = l.splat(row_max(l, gamma));
        let sum = exp_in_place(l, gamma, top);
        let factor = d / sum;
        let (pairs, last) = gamma.as_chunks::<2>();
        let mut blank = last[0];
        for (&[of_blank, of_label], &label) in pairs.iter().zip(self.labels) {
            blank = blank + of_blank;
            dx[label as usize] = dx[label as usize] - of_label * factor;
        }
        dx[self.blank] = dx[self.blank] - blank * factor;
    }
}

/// x ← e^(x − top); returns their sum.
#[inline(always)]
fn exp_in_place<L: Lanes>(l: L, x: &mut [L::T], top: L::V) -> L::T {
    let (n, zero) = (x.len(), L::T::default());
    let mut sum = l.splat(zero);
    for i in (0..n).step_by(L::LANES) {
        let rest = (n - i).min(L::LANES);
        // SAFETY: `rest` elements are there from i on.
        unsafe {
            let p = x.as_mut_ptr().add(i);
            let y = l.exp(l.sub(l.load_or(p, rest, zero), top));
            l.store_first(p, rest, y);
            sum = l.add(sum, l.keep(y, rest, zero));
        }
    }
    l.sum(sum)
}
