//! From a stretch of a corpus to its windows.

use super::architecture::Architecture;
use super::draw::Draws;
use super::objective::Objective;
use super::windows::Windows;
use crate::isa::Isa;
use crate::mem::{Stop, Team};
use crate::random::Stream;

/// In the place of a word: a sentence ends here.
pub const END: u32 = u32::MAX;
/// Words whose windows are drawn from one stream.
const PART: usize = 1024;

/// Lengths of steps that a row may be moved by along slopes that it had before the first: pairs of it in a batch times the rate. A step
/// changes a pair's slope by up to ‖v‖²/4 of its length, so that only vectors longer than 2 are carried too far.
const STEPS: f32 = 1.0;
/// Windows of more words share most of them with those before and behind, whose slopes point the same way: with them the rows go
/// shorter.
const NARROW: f32 = 5.0;

/// How windows are drawn.
pub struct Sampling {
    /// Per word, the chance in units of 2⁻³² that an occurrence is kept.
    keep: Vec<u32>,
    window: u32,
    dynamic: bool,
    seed: u64,
}

impl Sampling {
    /// Windows of up to `window` words on either side; if `dynamic`, of a size drawn from 1 to `window` each.
    ///
    /// An occurrence of a word with the share f of all words is kept with the chance √(t/f) + t/f where t is `sample`, as in word2vec;
    /// always if that is 0.
    pub fn new(counts: &[u64], sample: f64, window: u32, dynamic: bool, seed: u64) -> Self {
        let total = counts.iter().sum::<u64>() as f64;
        let keep = counts.iter().map(|&count| {
            let ratio = sample * total / count as f64;
            let chance = if sample > 0.0 { ratio.sqrt() + ratio } else { 1.0 };
            if chance >= 1.0 { u32::MAX } else { (chance * 4_294_967_296.0) as u32 }
        });
        Self { keep: keep.collect(), window, dynamic, seed }
    }

    /// The windows of `words`, numbers with [`END`] behind each sentence. `number` tells one stretch from all others that are drawn from, and
    /// batches are for steps of length `rate`. None once `stop` says so.
    ///
    /// # Panics
    /// If a word is neither one that was counted nor the end of a sentence.
    pub fn windows<A: Architecture, O: Objective + ?Sized>(
        &self,
        isa: Isa,
        team: &Team,
        (architecture, objective): (A, &O),
        words: &[u32],
        (number, rate): (u64, f32),
        stop: Stop<'_>,
    ) -> Option<Windows> {
        let steps = STEPS / rate;
        let most_inputs = architecture.most_inputs().min(steps as usize).max(1);
        let most_pairs = (steps * (NARROW / self.window as f32).min(1.0)) as u32;
        let kept = self.kept(isa, words, number);
        let parts = team.collect(kept.len().div_ceil(PART), stop, |part, _| {
            let mut draws = Draws::new(isa, Stream { seed: self.seed, counter: (number << 24) | (1 + part as u64) });
            let mut windows = Windows::default();
            for at in part * PART..((part + 1) * PART).min(kept.len()) {
                self.window(&kept, at, most_inputs, objective, &mut draws, &mut windows);
            }
            windows.cut(architecture, most_pairs);
            windows
        })?;
        let mut all = Windows::default();
        parts.iter().for_each(|part| all.append(part));
        Some(all)
    }

    /// The words less those left out for their frequency.
    fn kept(&self, isa: Isa, words: &[u32], number: u64) -> Vec<u32> {
        let mut draws = Draws::new(isa, Stream { seed: self.seed, counter: number << 24 });
        let mut kept = Vec::with_capacity(words.len());
        for &word in words {
            if word == END {
                kept.push(word);
            } else {
                let chance = self.keep[word as usize];
                if chance == u32::MAX || draws.word() < chance {
                    kept.push(word);
                }
            }
        }
        kept
    }

    /// Adds the window around place `at`, if there is a word and another one beside it.
    #[inline]
    fn window<O: Objective + ?Sized>(
        &self,
        kept: &[u32],
        at: usize,
        most: usize,
        objective: &O,
        draws: &mut Draws,
        windows: &mut Windows,
    ) {
        let word = kept[at];
        if word == END {
            return;
        }
        let size = (if self.dynamic { 1 + draws.below(self.window) } else { self.window }) as usize;
        let before = &kept[at.saturating_sub(size)..at];
        let from = before.iter().rposition(|&w| w == END).map_or(0, |end| end + 1);
        before[from..].iter().for_each(|&w| windows.input(w));
        let after = &kept[at + 1..(at + 1 + size).min(kept.len())];
        after.iter().take_while(|&&w| w != END).for_each(|&w| windows.input(w));
        if !windows.open_inputs().is_empty() {
            objective.outputs(word, draws, windows);
            windows.close_parts(most);
        }
    }
}
