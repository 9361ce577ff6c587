//! Connectionist temporal classification (Graves et al. 2006): −ln of the probability of labels, summed over all their alignments with
//! the steps of an output, and its gradient.
//!
//! The states that an alignment goes through are blank, label, blank, label, …, blank. Sums are taken over plain numbers, and in
//! logarithms for the examples whose alignments are too unlikely for that.

mod logarithms;
mod recursion;
mod scaled;
mod states;

use crate::isa::{Isa, Real};
use crate::mem::{Buffer, OutOfMemory};

/// Numbers that the loss keeps for the gradient, for so many steps and labels.
pub fn ctc_kept(steps: usize, labels: usize) -> usize {
    steps.div_ceil(states::BLOCK) * scaled::kept(labels)
}

/// Numbers of scratch memory for so many labels.
pub fn ctc_scratch(labels: usize) -> usize {
    scaled::scratch_rows(labels) * states::WIDTH
}

/// One example: logits (steps × classes) and what they are to say.
#[derive(Clone, Copy)]
pub struct Ctc<'a, T> {
    /// Logits, step after step.
    pub logits: &'a [T],
    /// Classes of a step.
    pub classes: usize,
    /// The labels, each a class.
    pub labels: &'a [u32],
    /// The class that is the blank.
    pub blank: usize,
}

impl<T: Real> Ctc<'_, T> {
    fn steps(&self) -> usize {
        self.logits.len() / self.classes
    }

    fn states(&self) -> usize {
        2 * self.labels.len() + 1
    }

    fn row(&self, t: usize) -> &[T] {
        &self.logits[t * self.classes..][..self.classes]
    }

    fn check(&self) {
        assert!(self.blank < self.classes && self.labels.iter().all(|&c| (c as usize) < self.classes), "labels");
    }

    /// Whether there is any alignment: a step for each label, and for a blank between equal ones.
    fn fits(&self) -> bool {
        let repeats = self.labels.windows(2).filter(|pair| pair[0] == pair[1]).count();
        self.labels.len() + repeats <= self.steps()
    }
}

/// The loss of an example; ∞ if it has too few steps. `kept` ([`ctc_kept`]) and `log_sums` (steps), ln Σ e^logit, are for the gradient.
///
/// # Errors
/// Out of memory.
///
/// # Panics
/// If a label is no class, or an array is too short.
pub fn ctc_loss<T: Real>(
    isa: Isa,
    x: Ctc<'_, T>,
    kept: &mut [f64],
    log_sums: &mut [T],
    scratch: &mut [f64],
) -> Result<T, OutOfMemory> {
    x.check();
    assert!(kept.len() >= ctc_kept(x.steps(), x.labels.len()) && log_sums.len() >= x.steps());
    if !x.fits() {
        return Ok(T::default() - T::NEG_INFINITY);
    }
    if x.steps() == 0 {
        return Ok(T::default());
    }
    if let Some(loss) = scaled::loss(isa, x, kept, log_sums, scratch) {
        return Ok(loss);
    }
    kept[0] = f64::NAN;
    let stride = logarithms::stride(x.labels.len());
    let mut memory = Buffer::recycled((x.steps() + 3) * stride * size_of::<T>())?;
    let (alphas, scratch) = memory.as_mut_slice::<T>().split_at_mut(x.steps() * stride);
    Ok(logarithms::loss(isa, x, alphas, log_sums, scratch))
}

/// The gradient of [`ctc_loss`] with respect to the logits, times `d`: what the loss left is read. 0 for a loss of ∞.
///
/// # Errors
/// Out of memory.
///
/// # Panics
/// As [`ctc_loss`], or if `dx` has another length than the logits.
pub fn ctc_gradient<T: Real>(
    isa: Isa,
    x: Ctc<'_, T>,
    (kept, log_sums): (&[f64], &[T]),
    (loss, d): (T, T),
    dx: &mut [T],
    scratch: &mut [f64],
) -> Result<(), OutOfMemory> {
    x.check();
    assert!(kept.len() >= ctc_kept(x.steps(), x.labels.len()) && log_sums.len() >= x.steps());
    assert_eq!(dx.len(), x.logits.len(), "a gradient for each logit");
    if loss == T::default() - T::NEG_INFINITY {
        dx.fill(T::default());
        return Ok(());
    }
    if x.steps() == 0 || !kept[0].is_nan() && scaled::gradient(isa, x, (kept, log_sums), d, dx, scratch) {
        return Ok(());
    }
    let (steps, stride) = (x.steps(), logarithms::stride(x.labels.len()));
    let mut memory = Buffer::recycled(((steps + 6) * stride + steps) * size_of::<T>())?;
    let (alphas, rest) = memory.as_mut_slice::<T>().split_at_mut(steps * stride);
    let (log_sums, scratch) = rest.split_at_mut(steps);
    logarithms::loss(isa, x, alphas, log_sums, scratch);
    logarithms::gradient(isa, x, (alphas, log_sums), d, dx, scratch);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// −ln Σ over all paths whose repeats and blanks, dropped, leave the labels.
    fn by_paths(x: &Ctc<'_, f64>) -> f64 {
        let (steps, classes) = (x.steps(), x.classes);
        let p: Vec<f64> = (0..steps)
            .flat_map(|t| {
                let sum: f64 = x.row(t).iter().map(|v| v.exp()).sum();
                x.row(t).iter().map(move |v| v.exp() / sum)
            })
            .collect();
        let mut total = 0.0;
        for number in 0..classes.pow(steps as u32) {
            let path: Vec<usize> = (0..steps).map(|t| number / classes.pow(t as u32) % classes).collect();
            let mut said: Vec<u32> = Vec::new();
            for t in 0..steps {
                if path[t] != x.blank && (t == 0 || path[t] != path[t - 1]) {
                    said.push(path[t] as u32);
                }
            }
            if said == x.labels {
                total += (0..steps).map(|t| p[t * classes + path[t]]).product::<f64>();
            }
        }
        -total.ln()
    }

    fn noise(n: usize, scale: f64) -> Vec<f64> {
        (0..n as u64)
            .map(|i| ((i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1u64 << 52) as f64 * scale)
            .collect()
    }

    fn loss<T: Real>(isa: Isa, x: Ctc<'_, T>) -> (T, Vec<T>) {
        let (mut kept, mut sums) = (vec![f64::NAN; ctc_kept(x.steps(), x.labels.len())], vec![T::NAN; x.steps()]);
        let mut scratch = vec![f64::NAN; ctc_scratch(x.labels.len())];
        let loss = ctc_loss(isa, x, &mut kept, &mut sums, &mut scratch).unwrap();
        let mut dx = vec![T::NAN; x.logits.len()];
        ctc_gradient(isa, x, (&kept, &sums), (loss, T::of(1.0)), &mut dx, &mut scratch).unwrap();
        (loss, dx)
    }

    const LABELS: [&[u32]; 7] = [&[], &[1], &[2], &[1, 2], &[1, 1], &[2, 1, 2], &[1, 1, 1]];

    #[test]
    fn losses_are_sums_over_paths_and_gradients_their_slopes() {
        for (steps, labels, blank) in
            (0..=5).flat_map(|t| LABELS.map(|labels| (t, labels, if t % 2 == 0 { 0 } else { 3 })))
        {
            let logits = noise(steps * 4, 3.0);
            let x = Ctc { logits: &logits, classes: 4, labels, blank };
            let want = by_paths(&x);
            let (have, dx) = loss(Isa::current(), x);
            assert!(have == want || (have - want).abs() < 1e-12, "{steps} steps, {labels:?}: {have} is not {want}");
            for i in 0..logits.len() {
                let at = |by: f64| {
                    let mut moved = logits.clone();
                    moved[i] += by;
                    by_paths(&Ctc { logits: &moved, ..x })
                };
                let slope = if want.is_finite() { (at(1e-5) - at(-1e-5)) / 2e-5 } else { 0.0 };
                assert!((dx[i] - slope).abs() < 1e-9, "{steps} steps, {labels:?}, logit {i}: {} is not {slope}", dx[i]);
            }
        }
    }

    #[test]
    fn singles_are_doubles_rounded_at_every_level() {
        for (steps, classes, count, scale) in
            [(40, 9, 12, 2.0), (300, 29, 100, 8.0), (700, 50, 300, 20.0), (9, 300, 4, 40.0)]
        {
            let double = noise(steps * classes, scale);
            let single: Vec<f32> = double.iter().map(|&x| x as f32).collect();
            let double: Vec<f64> = single.iter().map(|&x| x.into()).collect();
            let labels: Vec<u32> = (0..count as u32).map(|i| 1 + i * i % 7).collect();
            let x = Ctc { logits: &double, classes, labels: &labels, blank: 0 };
            let (want, slope) = loss(Isa::current(), x);
            for isa in Isa::supported() {
                let x = Ctc { logits: &single, classes, labels: &labels, blank: 0 };
                let (have, dx) = loss(isa, x);
                assert!((f64::from(have) - want).abs() < 1e-5 * want, "{isa:?}: {have} is not {want}");
                for (have, want) in dx.iter().zip(&slope) {
                    // Logits of this size are rounded themselves.
                    let tolerance = 1e-5f64.max(scale * 1.5e-6);
                    assert!((f64::from(*have) - want).abs() < tolerance, "{isa:?}: {have} is not {want}");
                }
            }
        }
    }

    /// Loss and gradient in logarithms alone.
    fn in_logarithms(x: Ctc<'_, f64>) -> (f64, Vec<f64>) {
        let (isa, stride) = (Isa::current(), logarithms::stride(x.labels.len()));
        let (mut alphas, mut sums) = (vec![0.0; x.steps() * stride], vec![0.0; x.steps()]);
        let mut scratch = vec![0.0; 6 * stride];
        let loss = logarithms::loss(isa, x, &mut alphas, &mut sums, &mut scratch);
        let mut dx = vec![0.0; x.logits.len()];
        logarithms::gradient(isa, x, (&alphas, &sums), 1.0, &mut dx, &mut scratch);
        (loss, dx)
    }

    /// Whether plain numbers hold the sum, and its slopes.
    fn held(x: Ctc<'_, f64>) -> (bool, bool) {
        let (isa, count) = (Isa::current(), x.labels.len());
        let (mut kept, mut sums) = (vec![0.0; ctc_kept(x.steps(), count)], vec![0.0; x.steps()]);
        let mut scratch = vec![0.0; ctc_scratch(count)];
        let loss = scaled::loss(isa, x, &mut kept, &mut sums, &mut scratch);
        let mut dx = vec![0.0; x.logits.len()];
        let slopes = loss.is_some() && scaled::gradient(isa, x, (&kept, &sums), 1.0, &mut dx, &mut scratch);
        (loss.is_some(), slopes)
    }

    /// Logits that say class `said(t)` at step t by so much.
    fn saying(steps: usize, classes: usize, by: f64, said: impl Fn(usize) -> usize) -> Vec<f64> {
        let mut logits = noise(steps * classes, 1.0);
        for t in 0..steps {
            logits[t * classes + said(t)] += by;
        }
        logits
    }

    #[test]
    fn plain_numbers_and_logarithms_agree_and_what_does_not_hold_is_noticed() {
        let labels: Vec<u32> = (0..150).map(|i| 1 + i * i % 7).collect();
        let blank = |_: usize| 0;
        let first = |t: usize| if t < 350 { 0 } else { 3 };
        let spoken = |t: usize| if t % 4 == 2 { labels[(t / 4).min(149)] as usize } else { 0 };
        // Logits; how many labels; whether plain numbers hold the loss, and the gradient.
        let cases = [
            (noise(700 * 9, 4.0), 150, (true, true)),
            (noise(1500 * 9, 2.0), 150, (true, true)),
            (noise(1500 * 9, 8.0), 150, (false, false)),
            (noise(310 * 9, 4.0), 150, (true, true)),
            (saying(700, 9, 12.0, spoken), 150, (true, true)),
            (saying(700, 9, 30.0, spoken), 150, (true, true)),
            (saying(700, 9, 8.0, blank), 100, (true, true)),
            (saying(700, 9, 12.0, blank), 150, (false, false)),
            (saying(700, 9, 60.0, blank), 20, (false, false)),
            (saying(700, 9, 20.0, first), 60, (false, false)),
            (saying(700, 9, 90.0, blank), 1, (false, false)),
            (noise(100 * 9, 900.0), 20, (false, false)),
        ];
        for (case, (logits, count, holds)) in cases.iter().enumerate() {
            let x = Ctc { logits, classes: 9, labels: &labels[..*count], blank: 0 };
            assert_eq!(held(x), *holds, "case {case}");
            let ((have, dx), (want, slopes)) = (loss(Isa::current(), x), in_logarithms(x));
            assert!((have - want).abs() <= 1e-9 * want, "case {case}: {have} is not {want}");
            for (have, want) in dx.iter().zip(&slopes) {
                assert!((have - want).abs() < 1e-8, "case {case}: {have} is not {want}");
            }
        }
    }

    #[test]
    fn what_is_no_number_stays_so() {
        let mut logits = vec![0.5f32; 12];
        logits[5] = f32::NAN;
        let x = Ctc { logits: &logits, classes: 3, labels: &[1, 2], blank: 0 };
        let (loss, dx) = loss(Isa::current(), x);
        assert!(loss.is_nan() && dx.iter().all(|d| d.is_nan()));
    }
}
