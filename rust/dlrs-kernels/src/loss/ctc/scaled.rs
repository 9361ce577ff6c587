//! Alignments summed as plain numbers: additions and multiplications in double precision, scaled by powers of two as they shrink
//! (Rabiner 1989, §V.A). A number too small to be held is dropped, which is noticed: what was dropped is then bounded, or summed
//! in logarithms instead.

use super::Ctc;
use super::recursion::{Backward, Forward, Held, LEAST, MISSING, Scaled, TOP, power_of_two};
use super::states::{BLOCK, Emitted, Exponentials, Probabilities, States, WIDTH, ZEROS, rows, steps_ahead};
use crate::isa::{Eight, Isa, Real};

/// Numbers of an α that is kept: blanks, labels, and the power of two it was multiplied by.
pub(super) fn kept(labels: usize) -> usize {
    (2 * rows(labels) + 1) * WIDTH
}

/// α of the step before a block and of its steps.
const ALPHAS: usize = 2 * (BLOCK + 1);

/// Rows of scratch memory that [`loss`] and [`gradient`] need.
pub(super) fn scratch_rows(labels: usize) -> usize {
    rows(labels) * (BLOCK + 2 * ALPHAS)
}

/// Scratch memory, in its parts: what the states emit, and two of α.
fn parts(m: usize, scratch: &mut [Eight]) -> (&mut [Eight], &mut [Eight], &mut [Eight]) {
    let (labels, rest) = scratch[..m * (BLOCK + 2 * ALPHAS)].split_at_mut(BLOCK * m);
    let (alphas, more) = rest.split_at_mut(ALPHAS * m);
    // States behind the last emit nothing, ever.
    labels.fill(ZEROS);
    (labels, alphas, more)
}

/// α of one block after the other.
struct Alphas<'a> {
    rows: &'a mut [Eight],
    k: [i64; BLOCK + 1],
}

impl<'a> Alphas<'a> {
    /// Before the first step, an alignment stands at the first blank.
    fn start(rows: &'a mut [Eight], m: usize) -> Self {
        rows[..2 * m].fill(ZEROS);
        rows[0][0] = power_of_two(TOP);
        Alphas { rows, k: [TOP; BLOCK + 1] }
    }

    /// Those of a block. Numbers that are dropped become `floor`.
    fn run(&mut self, isa: Isa, states: &States, emitted: &Emitted<'_>, steps: usize, floor: f64) -> Held {
        Forward { states, emitted, steps, floor, alphas: self.rows, k: &mut self.k }.run(isa)
    }

    /// Makes the last of a block's the one before the next block.
    fn go_on(&mut self, size: usize, steps: usize) {
        self.rows.copy_within(steps * size..(steps + 1) * size, 0);
        self.k[0] = self.k[steps];
    }

    fn end(&self, states: &States) -> Scaled {
        Scaled { m: states.end(&self.rows[..2 * states.m]), k: self.k[0] }
    }
}

/// The loss of an example that has enough steps; None if logarithms are needed. `kept` has [`kept`] numbers for each BLOCK steps.
pub(super) fn loss<T: Real>(
    isa: Isa,
    x: Ctc<'_, T>,
    kept: &mut [f64],
    log_sums: &mut [T],
    scratch: &mut [f64],
) -> Option<T> {
    let states = States::of(x.labels);
    let (m, size, steps) = (states.m, 2 * states.m, x.steps());
    let (kept, scratch) = (kept.as_chunks_mut().0, scratch.as_chunks_mut().0);
    let (labels, alphas, more) = parts(m, scratch);
    let mut emitted = Emitted { blank: &mut [0.0; BLOCK], labels };
    let mut ahead = vec![T::default(); steps_ahead(x.classes) * x.classes];
    let mut logs = 0.0;
    let mut alphas = Alphas::start(alphas, m);
    // From the first number that is dropped on, the same with all such numbers rounded up: true sums are between the two.
    let mut most: Option<Alphas<'_>> = None;
    let mut more = Some(more);
    for (block, from) in (0..steps).step_by(BLOCK).enumerate() {
        let to = steps.min(from + BLOCK);
        let kept = &mut kept[block * (size + 1)..][..size + 1];
        kept[..size].copy_from_slice(&alphas.rows[..size]);
        kept[size] = [alphas.k[0] as f64; WIDTH];
        let (states, emitted, ahead, logs) = (&states, &mut emitted, &mut ahead[..], &mut logs);
        T::run(isa, Exponentials { x, states, steps: from..to, emitted, ahead, log_sums, logs });
        let held = alphas.run(isa, states, emitted, to - from, 0.0);
        if held == Held::Not {
            return None;
        }
        if held == Held::Dropped && most.is_none() {
            let rows = more.take().expect("taken once");
            rows[..size].copy_from_slice(&alphas.rows[..size]);
            most = Some(Alphas { rows, k: alphas.k });
        }
        if let Some(most) = &mut most {
            most.run(isa, states, emitted, to - from, LEAST);
            most.go_on(size, to - from);
        }
        alphas.go_on(size, to - from);
    }
    let sum = alphas.end(&states);
    let whole = most.is_none_or(|most| most.end(&states).over(sum) <= 1.0 + MISSING);
    (whole && sum.m > 0.0).then(|| T::of(logs - sum.ln()))
}

/// The gradient of [`loss`] times `d`; false, with arbitrary `dx`, if logarithms are needed.
pub(super) fn gradient<T: Real>(
    isa: Isa,
    x: Ctc<'_, T>,
    (kept, log_sums): (&[f64], &[T]),
    d: T,
    dx: &mut [T],
    scratch: &mut [f64],
) -> bool {
    let states = States::of(x.labels);
    let (m, size, steps, count) = (states.m, 2 * states.m, x.steps(), x.labels.len());
    let (kept, scratch) = (kept.as_chunks().0, scratch.as_chunks_mut().0);
    let (labels, alphas, beta) = parts(m, scratch);
    let (beta, mut blank) = (&mut beta[..size], [0.0; BLOCK]);
    let mut alphas = Alphas { rows: alphas, k: [0; BLOCK + 1] };
    let mut sums = [(0.0, 0.0); BLOCK];
    // After the last step, an alignment stands at the last blank or label.
    let mut beta_k = TOP;
    beta.fill(ZEROS);
    beta[count % m][count / m] = power_of_two(TOP);
    if count > 0 {
        beta[m + (count - 1) % m][(count - 1) / m] = power_of_two(TOP);
    }
    for (block, from) in (0..steps).step_by(BLOCK).enumerate().rev() {
        let to = steps.min(from + BLOCK);
        let mut emitted = Emitted { blank: &mut blank, labels };
        T::run(isa, Probabilities { x, states: &states, steps: from..to, emitted: &mut emitted, log_sums, d, dx });
        let kept = &kept[block * (size + 1)..][..size + 1];
        alphas.rows[..size].copy_from_slice(&kept[..size]);
        alphas.k[0] = kept[size][0] as i64;
        let (states, emitted, steps) = (&states, &emitted, to - from);
        if alphas.run(isa, states, emitted, steps, 0.0) == Held::Not {
            return false;
        }
        let (beta, beta_k, sums) = (&mut *beta, &mut beta_k, &mut sums);
        let alphas = &mut alphas;
        if !(Backward { states, emitted, steps, alphas: alphas.rows, k: &alphas.k, beta, beta_k, sums }).run(isa) {
            return false;
        }
        for step in 0..steps {
            let gamma = alphas.rows[(step + 1) * size + m..][..m].as_flattened();
            let dx = &mut dx[(from + step) * x.classes..][..x.classes];
            let factor = d.to_f64() / sums[step].1;
            dx[x.blank] = dx[x.blank] - T::of(sums[step].0 * factor);
            for &(place, class) in &states.places {
                dx[class as usize] = dx[class as usize] - T::of(gamma[place as usize] * factor);
            }
        }
    }
    true
}
