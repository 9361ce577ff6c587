//! α forward and β backward over the steps of a block, as plain numbers scaled by powers of two.

use super::states::{BLOCK, Emitted, States, WIDTH};
use crate::dispatch;
use crate::isa::{Doubles, Eight, Isa};

/// Steps from one scaling to the next, a divisor of BLOCK: a state grows at most threefold in each.
const SCALED_EVERY: usize = 4;
/// The largest α and β are brought near 2^TOP.
pub(super) const TOP: i64 = 480;
/// What is less is dropped: products of α and β stay normal numbers.
pub(super) const LEAST: f64 = power_of_two(-500);
/// The least that a state may emit: products with it stay normal numbers, in single precision also e^x.
const RAREST: f64 = 1e-30;
/// The share of a sum that may be missing.
pub(super) const MISSING: f64 = 1e-9;

/// 2ᵏ, for k of −1022 to 1023.
#[inline(always)]
pub(super) const fn power_of_two(k: i64) -> f64 {
    f64::from_bits(((1023 + k) as u64) << 52)
}

/// The power of two of a positive normal number.
#[inline(always)]
fn exponent(x: f64) -> i64 {
    (x.to_bits() >> 52) as i64 - 1023
}

/// A positive number m·2⁻ᵏ.
#[derive(Clone, Copy)]
pub(super) struct Scaled {
    pub(super) m: f64,
    pub(super) k: i64,
}

impl Scaled {
    /// ln self. The powers of two of m and 2⁻ᵏ, which may be large, cancel exactly.
    pub(super) fn ln(self) -> f64 {
        let exponent = exponent(self.m);
        (self.m * power_of_two(-exponent)).ln() + (exponent - self.k) as f64 * std::f64::consts::LN_2
    }

    /// self / other.
    #[inline(always)]
    pub(super) fn over(self, other: Scaled) -> f64 {
        self.m / other.m * power_of_two((other.k - self.k).clamp(-1000, 1000))
    }
}

/// What became of sums that go forward.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// All numbers are there.
    All,
    /// Some were too small.
    Dropped,
    /// A state emits too little, or what is no number.
    Not,
}

/// α of steps, one from the other: row after row of `alphas`, whose first is that of the step before them. `k` has the powers of two
/// by which each was multiplied. Less than [`LEAST`] becomes `floor`.
pub(super) struct Forward<'a, 'b> {
    pub(super) states: &'a States,
    pub(super) emitted: &'a Emitted<'b>,
    pub(super) steps: usize,
    pub(super) floor: f64,
    pub(super) alphas: &'a mut [Eight],
    pub(super) k: &'a mut [i64; BLOCK + 1],
}

impl Forward<'_, '_> {
    pub(super) fn run(self, isa: Isa) -> Held {
        dispatch!(isa, s => self.all(s))
    }

    #[inline(always)]
    fn all<S: Doubles>(self, s: S) -> Held {
        let Forward { states, emitted, steps, floor, alphas, k } = self;
        let (m, size) = (states.m, 2 * states.m);
        let (mut lost, mut plenty) = (s.splat_d(0.0), s.splat_d(0.0));
        for step in 0..steps {
            let (before, now) = alphas[step * size..][..2 * size].split_at_mut(size);
            let (blank, y) = emitted.step(step, m);
            plenty = s.add_d(plenty, how_many(s, y));
            if blank.is_nan() || blank < RAREST {
                return Held::Not;
            }
            lost = s.add_d(lost, forward_step(s, before, now, (blank, y), &states.skips, floor));
            k[step + 1] = k[step];
            if step % SCALED_EVERY == SCALED_EVERY - 1 {
                k[step + 1] += scale_up(s, now);
            }
        }
        if total(s, plenty) != (steps * states.places.len()) as f64 {
            return Held::Not;
        }
        if total(s, lost) > 0.0 { Held::Dropped } else { Held::All }
    }
}

/// How many of the numbers are not too small, in each lane.
#[inline(always)]
fn how_many<S: Doubles>(s: S, y: &[Eight]) -> S::D {
    let (rarest, one, zero) = (s.splat_d(RAREST), s.splat_d(1.0), s.splat_d(0.0));
    let mut count = zero;
    for y in y {
        count = s.add_d(count, s.where_at_least_d(s.load_d(y), rarest, one, zero));
    }
    count
}

/// α of a step. Returns the sum of what was dropped, in each lane.
#[inline(always)]
fn forward_step<S: Doubles>(
    s: S,
    before: &[Eight],
    now: &mut [Eight],
    (blank, y): (f64, &[Eight]),
    skips: &[Eight],
    floor: f64,
) -> S::D {
    let m = y.len();
    let ((b, l), (next_b, next_l)) = (before.split_at(m), now.split_at_mut(m));
    let (b, l, next_b, next_l, skips) = (&b[..m], &l[..m], &mut next_b[..m], &mut next_l[..m], &skips[..m]);
    let (blank, least, floor) = (s.splat_d(blank), s.splat_d(LEAST), s.splat_d(floor));
    // What is before the first row's states is in the last row, a lane before.
    let mut left = s.shift_up_d(s.load_d(&l[m - 1]));
    let mut lost = s.splat_d(0.0);
    for v in 0..m {
        let (of_blank, of_label) = (s.load_d(&b[v]), s.load_d(&l[v]));
        let x = s.mul_d(blank, s.add_d(of_blank, left));
        let z = s.add_d(s.add_d(of_label, of_blank), s.mul_d(s.load_d(&skips[v]), left));
        let z = s.mul_d(s.load_d(&y[v]), z);
        let (held_x, held_z) = (s.where_at_least_d(x, least, x, floor), s.where_at_least_d(z, least, z, floor));
        lost = s.add_d(lost, s.add_d(s.sub_d(x, held_x), s.sub_d(z, held_z)));
        s.store_d(&mut next_b[v], held_x);
        s.store_d(&mut next_l[v], held_z);
        left = of_label;
    }
    lost
}

/// The sum of the lanes.
#[inline(always)]
fn total<S: Doubles>(s: S, v: S::D) -> f64 {
    let mut lanes = [0.0; WIDTH];
    s.store_d(&mut lanes, v);
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// Multiplies by the power of two, which is returned, that brings the largest near 2^TOP.
#[inline(always)]
fn scale_up<S: Doubles>(s: S, x: &mut [Eight]) -> i64 {
    let mut tops = s.splat_d(0.0);
    for x in &*x {
        tops = s.max_d(s.load_d(x), tops);
    }
    let mut lanes = [0.0; WIDTH];
    s.store_d(&mut lanes, tops);
    let mut top = 0.0;
    for x in lanes {
        top = if x > top { x } else { top };
    }
    if top < LEAST {
        return 0;
    }
    let by = TOP - exponent(top);
    let factor = s.splat_d(power_of_two(by));
    for x in x {
        s.store_d(x, s.mul_d(s.load_d(x), factor));
    }
    by
}

/// Occupancies and β of steps, from the last to the first: γ = α·β takes the labels' place in `alphas`, and `sums` gets the blanks' sum
/// and that of all.
pub(super) struct Backward<'a, 'b> {
    pub(super) states: &'a States,
    pub(super) emitted: &'a Emitted<'b>,
    pub(super) steps: usize,
    pub(super) alphas: &'a mut [Eight],
    pub(super) k: &'a [i64; BLOCK + 1],
    pub(super) beta: &'a mut [Eight],
    pub(super) beta_k: &'a mut i64,
    pub(super) sums: &'a mut [(f64, f64); BLOCK],
}

impl Backward<'_, '_> {
    /// Returns whether all sums are the same, which they are if nothing that counts was dropped.
    pub(super) fn run(self, isa: Isa) -> bool {
        dispatch!(isa, s => self.all(s))
    }

    #[inline(always)]
    fn all<S: Doubles>(self, s: S) -> bool {
        let Backward { states, emitted, steps, alphas, k, beta, beta_k, sums } = self;
        let (m, size) = (states.m, 2 * states.m);
        let (mut first, mut same) = (Scaled { m: 0.0, k: 0 }, true);
        for step in (0..steps).rev() {
            sums[step] = occupy(s, &mut alphas[(step + 1) * size..][..size], beta);
            let sum = Scaled { m: sums[step].1, k: k[step + 1] + *beta_k };
            if step == steps - 1 {
                first = sum;
            }
            same &= (sum.over(first) - 1.0).abs() <= MISSING;
            backward_step(s, beta, emitted.step(step, m), &states.skips);
            if step % SCALED_EVERY == 0 {
                *beta_k += scale_up(s, beta);
            }
        }
        let before = Scaled { m: occupy(s, &mut alphas[..size], beta).1, k: k[0] + *beta_k };
        same && (before.over(first) - 1.0).abs() <= MISSING
    }
}

/// γ of the labels ← α·β. Returns the sum of the blanks' and of all.
#[inline(always)]
fn occupy<S: Doubles>(s: S, alpha: &mut [Eight], beta: &[Eight]) -> (f64, f64) {
    let m = alpha.len() / 2;
    let ((b, l), (beta_b, beta_l)) = (alpha.split_at_mut(m), beta.split_at(m));
    let (b, l, beta_b, beta_l) = (&b[..m], &mut l[..m], &beta_b[..m], &beta_l[..m]);
    let (mut blanks, mut labels) = (s.splat_d(0.0), s.splat_d(0.0));
    for v in 0..m {
        blanks = s.add_d(blanks, s.mul_d(s.load_d(&b[v]), s.load_d(&beta_b[v])));
        let gamma = s.mul_d(s.load_d(&l[v]), s.load_d(&beta_l[v]));
        labels = s.add_d(labels, gamma);
        s.store_d(&mut l[v], gamma);
    }
    let blank = total(s, blanks);
    (blank, blank + total(s, labels))
}

/// β of the step before one that emits `blank` and `y`.
#[inline(always)]
fn backward_step<S: Doubles>(s: S, beta: &mut [Eight], (blank, y): (f64, &[Eight]), skips: &[Eight]) {
    let m = y.len();
    let (b, l) = beta.split_at_mut(m);
    let (b, l, skips) = (&mut b[..m], &mut l[..m], &skips[..m]);
    let (blank, least, zero) = (s.splat_d(blank), s.splat_d(LEAST), s.splat_d(0.0));
    let mut at = leads_to(s, blank, (&y[0], &b[0], &l[0], &skips[0]));
    // Behind the last row's states are the first row's, a lane on.
    let behind_last = s.shift_down_d(at.2);
    for v in 0..m {
        let next = if v + 1 < m {
            leads_to(s, blank, (&y[v + 1], &b[v + 1], &l[v + 1], &skips[v + 1]))
        } else {
            (zero, zero, behind_last)
        };
        let (x, z) = (s.add_d(at.0, at.1), s.add_d(at.1, next.2));
        s.store_d(&mut b[v], s.where_at_least_d(x, least, x, zero));
        s.store_d(&mut l[v], s.where_at_least_d(z, least, z, zero));
        at = next;
    }
}

/// Of a row's states: the blanks, the labels, and what the labels before them may go on to, with what they emit.
#[inline(always)]
fn leads_to<S: Doubles>(s: S, blank: S::D, (y, b, l, skips): (&Eight, &Eight, &Eight, &Eight)) -> (S::D, S::D, S::D) {
    let (b, l) = (s.mul_d(blank, s.load_d(b)), s.mul_d(s.load_d(y), s.load_d(l)));
    (b, l, s.add_d(b, s.mul_d(s.load_d(skips), l)))
}
