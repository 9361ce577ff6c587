//! The states of an example's alignments, in vectors, and what they emit.
//!
//! State i of L + 1 is a blank and the label behind it (the last has none), so that a step needs but one shift:
//! b_t(i) = y_t(blank)·(b(i) + l(i−1)) and l_t(i) = y_t(label i)·(l(i) + b(i) + l(i−1) if label i differs from label i−1).
//! State i is lane i / m of row i mod m, of m rows (Farrar 2007): the one before it is then the row before, in whole vectors.

use std::ops::Range;

use super::Ctc;
use crate::isa::{Eight, Kernel, Lanes, Real};
use crate::loss::softmax::{map_sum, row_max, scale};

/// States of a row.
pub(super) const WIDTH: usize = 8;
pub(super) const ZEROS: Eight = [0.0; WIDTH];

/// Steps from one α that is kept to the next. Those between are summed anew for the gradient, which costs less than memory does.
pub(super) const BLOCK: usize = 16;

/// Rows of the blanks, and of the labels.
pub(super) fn rows(labels: usize) -> usize {
    (labels + 1).div_ceil(WIDTH)
}

/// What an example's labels say of its states.
pub(super) struct States {
    /// Rows.
    pub(super) m: usize,
    /// For each label its element among the rows, and its class.
    pub(super) places: Vec<(u32, u32)>,
    /// 1 where a label may follow the one before it without a blank, which is another.
    pub(super) skips: Vec<Eight>,
}

impl States {
    pub(super) fn of(labels: &[u32]) -> States {
        let m = rows(labels.len());
        let mut skips = vec![ZEROS; m];
        let mut places = Vec::with_capacity(labels.len());
        for (i, &label) in labels.iter().enumerate() {
            places.push((((i % m) * WIDTH + i / m) as u32, label));
            if i > 0 && label != labels[i - 1] {
                skips[i % m][i / m] = 1.0;
            }
        }
        States { m, places, skips }
    }

    /// The sum over all alignments, from the last step's α.
    pub(super) fn end(&self, alpha: &[Eight]) -> f64 {
        let at = |i: usize, rows: &[Eight]| rows[i % self.m][i / self.m];
        let (b, l) = alpha.split_at(self.m);
        let count = self.places.len();
        at(count, b) + if count > 0 { at(count - 1, l) } else { 0.0 }
    }
}

/// What some steps emit: y of the blank, and of each label in its place.
pub(super) struct Emitted<'a> {
    pub(super) blank: &'a mut [f64; BLOCK],
    pub(super) labels: &'a mut [Eight],
}

impl Emitted<'_> {
    /// Takes those of step `k` from its row of numbers for each class.
    #[inline(always)]
    fn take<T: Real>(&mut self, k: usize, row: &[T], blank: usize, states: &States) {
        let labels = self.labels[k * states.m..][..states.m].as_flattened_mut();
        self.blank[k] = row[blank].to_f64();
        for &(place, class) in &states.places {
            labels[place as usize] = row[class as usize].to_f64();
        }
    }

    /// Those of step `k`.
    #[inline(always)]
    pub(super) fn step(&self, k: usize, m: usize) -> (f64, &[Eight]) {
        (self.blank[k], &self.labels[k * m..][..m])
    }
}

/// Numbers of steps' exponentials that are written before the states' are taken from them: vectors that are read in part before they
/// have left the store buffer hold up what follows.
const AHEAD: usize = 4096;

/// How many steps that is.
pub(super) fn steps_ahead(classes: usize) -> usize {
    (AHEAD / classes).clamp(1, BLOCK)
}

/// e^(logit − the largest) of a block's steps.
pub(super) struct Exponentials<'a, 'b, T> {
    pub(super) x: Ctc<'a, T>,
    pub(super) states: &'a States,
    pub(super) steps: Range<usize>,
    pub(super) emitted: &'a mut Emitted<'b>,
    /// A number for each class of `steps_ahead`.
    pub(super) ahead: &'a mut [T],
    /// ln Σ e^logit.
    pub(super) log_sums: &'a mut [T],
    /// Σ ln of the sums.
    pub(super) logs: &'a mut f64,
}

impl<T: Real> Kernel<T> for Exponentials<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<T = T>>(self, l: L) {
        let Exponentials { x, states, steps, emitted, ahead, log_sums, logs } = self;
        let mut from = steps.start;
        while from < steps.end {
            let to = steps.end.min(from + steps_ahead(x.classes));
            for t in from..to {
                let of_step = x.row(t);
                let top = row_max(l, of_step);
                let v = l.splat(top);
                let sum = map_sum(
                    l,
                    [of_step],
                    &mut ahead[(t - from) * x.classes..][..x.classes],
                    #[inline(always)]
                    |[x]| {
                        let y = l.exp(l.sub(x, v));
                        (y, y)
                    },
                );
                let log = l.largest(l.log(l.splat(sum)));
                log_sums[t] = top + log;
                *logs += log.to_f64();
            }
            for t in from..to {
                emitted.take(t - steps.start, &ahead[(t - from) * x.classes..][..x.classes], x.blank, states);
            }
            from = to;
        }
    }
}

/// dx ← the softmax of a block's steps, times d.
pub(super) struct Probabilities<'a, 'b, T> {
    pub(super) x: Ctc<'a, T>,
    pub(super) states: &'a States,
    pub(super) steps: Range<usize>,
    pub(super) emitted: &'a mut Emitted<'b>,
    pub(super) log_sums: &'a [T],
    pub(super) d: T,
    pub(super) dx: &'a mut [T],
}

impl<T: Real> Kernel<T> for Probabilities<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<T = T>>(self, l: L) {
        let Probabilities { x, states, steps, emitted, log_sums, d, dx } = self;
        let mut from = steps.start;
        while from < steps.end {
            let to = steps.end.min(from + steps_ahead(x.classes));
            for t in from..to {
                let sum = l.splat(log_sums[t]);
                map_sum(
                    l,
                    [x.row(t)],
                    &mut dx[t * x.classes..][..x.classes],
                    #[inline(always)]
                    |[x]| {
                        let p = l.exp(l.sub(x, sum));
                        (p, p)
                    },
                );
            }
            for t in from..to {
                emitted.take(t - steps.start, &dx[t * x.classes..][..x.classes], x.blank, states);
            }
            if d != T::of(1.0) {
                scale(l, &mut dx[from * x.classes..to * x.classes], d);
            }
            from = to;
        }
    }
}
