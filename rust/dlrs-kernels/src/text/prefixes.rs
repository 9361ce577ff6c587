//! The likeliest sequences of labels of an output of connectionist temporal classification.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

use crate::isa::Real;

/// A prefix: one more token behind another prefix.
struct Node {
    parent: u32,
    token: u32,
    /// Its place in the beam, or [`OUT`].
    place: u32,
}

/// In the place of a number that there is not.
const OUT: u32 = u32::MAX;
/// The empty prefix.
const ROOT: u32 = 0;

/// A prefix of the beam with the logarithms of the probabilities of its alignments that end in a blank and in its last label.
#[derive(Clone, Copy)]
struct Entry {
    node: u32,
    blank: f64,
    label: f64,
}

impl Entry {
    fn total(self) -> f64 {
        log_add(self.blank, self.label)
    }
}

/// A prefix that may be in the next beam: an entry that stays, or a prefix of the beam and a token behind it.
#[derive(Clone, Copy)]
struct Candidate {
    node: u32,
    token: u32,
    blank: f64,
    label: f64,
    total: f64,
}

/// ln(eᵃ + eᵇ).
fn log_add(a: f64, b: f64) -> f64 {
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    if small == f64::NEG_INFINITY { large } else { large + (small - large).exp().ln_1p() }
}

/// A score in the order of numbers, for the heap.
#[derive(PartialEq)]
struct Score(f64);

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.total_cmp(&self.0) // the smallest on top
    }
}

/// Prefix beam search: Hannun, Maas, Jurafsky and Ng 2014 (arXiv 1408.2873), algorithm 1.
///
/// Of equally likely prefixes the one with the smaller token where they first differ comes first, of a prefix and a longer one that begins
/// with it the longer one.
pub struct PrefixSearch {
    nodes: Vec<Node>,
    children: HashMap<(u32, u32), u32>,
    beam: Vec<Entry>,
    width: usize,
    blank: usize,
    candidates: Vec<Candidate>,
    best: BinaryHeap<Score>,
    /// Per entry of the beam, the tokens that lead to another entry.
    taken: Vec<Vec<u32>>,
}

impl PrefixSearch {
    /// A search that keeps `width` prefixes after each step; class `blank` is no token.
    ///
    /// # Panics
    /// If `width` is 0.
    pub fn new(width: usize, blank: usize) -> Self {
        assert!(width > 0, "a beam without width");
        Self {
            nodes: vec![Node { parent: OUT, token: OUT, place: 0 }],
            children: HashMap::new(),
            beam: vec![Entry { node: ROOT, blank: 0.0, label: f64::NEG_INFINITY }],
            width,
            blank,
            candidates: Vec::new(),
            best: BinaryHeap::new(),
            taken: Vec::new(),
        }
    }

    /// Number of prefixes in the beam.
    pub fn len(&self) -> usize {
        self.beam.len()
    }

    /// Whether no prefix is possible.
    pub fn is_empty(&self) -> bool {
        self.beam.is_empty()
    }

    /// A number for each prefix of the beam, the same whenever it is there.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.beam.iter().map(|entry| entry.node)
    }

    /// All numbers that prefixes have had are below.
    pub fn known(&self) -> usize {
        self.nodes.len()
    }

    /// The tokens of the prefix with that number.
    ///
    /// # Panics
    /// If there was no such prefix.
    pub fn tokens(&self, mut number: u32) -> Vec<u32> {
        let mut tokens = Vec::new();
        while number != ROOT {
            let node = &self.nodes[number as usize];
            tokens.push(node.token);
            number = node.parent;
        }
        tokens.reverse();
        tokens
    }

    /// Takes a step with the logarithms of the classes' probabilities. `bonus` is added to the score of each prefix of the beam, in turn,
    /// followed by each class.
    ///
    /// # Panics
    /// If the blank is no class, or `bonus` has another length.
    pub fn step<T: Real>(&mut self, scores: &[T], bonus: Option<&[f64]>) {
        let classes = scores.len();
        assert!(self.blank < classes, "the blank is no class");
        assert!(bonus.is_none_or(|bonus| bonus.len() == self.beam.len() * classes), "another bonus");
        self.candidates.clear();
        self.best.clear();
        self.stay(scores, bonus);
        self.extend(scores, bonus);
        self.keep();
    }

    /// The prefixes of the beam, a blank, their last label or their last token later.
    fn stay<T: Real>(&mut self, scores: &[T], bonus: Option<&[f64]>) {
        self.taken.iter_mut().for_each(Vec::clear);
        self.taken.resize(self.taken.len().max(self.beam.len()), Vec::new());
        for at in 0..self.beam.len() {
            let entry = self.beam[at];
            let Node { parent, token, .. } = self.nodes[entry.node as usize];
            let blank = entry.total() + scores[self.blank].to_f64();
            let mut label = f64::NEG_INFINITY;
            if entry.node != ROOT {
                label = entry.label + scores[token as usize].to_f64();
                let place = self.nodes[parent as usize].place;
                if place != OUT {
                    let before = self.follows(self.beam[place as usize], token);
                    let extra = bonus.map_or(0.0, |bonus| bonus[place as usize * scores.len() + token as usize]);
                    label = log_add(label, before + scores[token as usize].to_f64() + extra);
                    self.taken[place as usize].push(token);
                }
            }
            let total = log_add(blank, label);
            self.offer(Candidate { node: entry.node, token: OUT, blank, label, total });
        }
    }

    /// The probability of the alignments of a prefix that a token may follow: the last token again needs a blank between.
    fn follows(&self, entry: Entry, token: u32) -> f64 {
        if self.nodes[entry.node as usize].token == token { entry.blank } else { entry.total() }
    }

    /// The prefixes of the beam with a token behind them.
    fn extend<T: Real>(&mut self, scores: &[T], bonus: Option<&[f64]>) {
        for at in 0..self.beam.len() {
            let entry = self.beam[at];
            let (last, total) = (self.nodes[entry.node as usize].token, entry.total());
            for (class, &score) in scores.iter().enumerate() {
                let (token, score): (u32, f64) = (class as u32, score.to_f64());
                let before = if token == last { entry.blank } else { total };
                let label = before + score + bonus.map_or(0.0, |bonus| bonus[at * scores.len() + class]);
                if label >= self.least() && class != self.blank && !self.taken[at].contains(&token) {
                    self.offer(Candidate { node: entry.node, token, blank: f64::NEG_INFINITY, label, total: label });
                }
            }
        }
    }

    /// What a score must reach to be among the best so far.
    #[inline]
    fn least(&self) -> f64 {
        if self.best.len() < self.width { f64::MIN } else { self.best.peek().map_or(f64::MIN, |score| score.0) }
    }

    fn offer(&mut self, candidate: Candidate) {
        if candidate.total < self.least() || candidate.total == f64::NEG_INFINITY {
            return;
        }
        if self.best.len() == self.width {
            self.best.pop();
        }
        self.best.push(Score(candidate.total));
        self.candidates.push(candidate);
    }

    /// Makes the best candidates the beam.
    fn keep(&mut self) {
        let least = self.least();
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.retain(|candidate| candidate.total >= least);
        candidates.sort_by(|a, b| b.total.total_cmp(&a.total).then_with(|| self.before(a, b)));
        candidates.truncate(self.width);
        for entry in &self.beam {
            self.nodes[entry.node as usize].place = OUT;
        }
        self.beam.clear();
        for candidate in &candidates {
            let node =
                if candidate.token == OUT { candidate.node } else { self.child(candidate.node, candidate.token) };
            self.nodes[node as usize].place = self.beam.len() as u32;
            self.beam.push(Entry { node, blank: candidate.blank, label: candidate.label });
        }
        self.candidates = candidates;
    }

    /// Which of two equally likely candidates comes first.
    fn before(&self, a: &Candidate, b: &Candidate) -> Ordering {
        let path = |candidate: &Candidate| {
            let mut tokens = self.tokens(candidate.node);
            tokens.extend((candidate.token != OUT).then_some(candidate.token));
            tokens.push(OUT); // behind all tokens, so that the longer of two comes first
            tokens
        };
        path(a).cmp(&path(b))
    }

    fn child(&mut self, parent: u32, token: u32) -> u32 {
        *self.children.entry((parent, token)).or_insert_with(|| {
            self.nodes.push(Node { parent, token, place: OUT });
            (self.nodes.len() - 1) as u32
        })
    }

    /// The prefixes of the beam with the logarithms of their probabilities, the likeliest first.
    pub fn found(&self) -> Vec<(Vec<u32>, f64)> {
        self.beam.iter().map(|entry| (self.tokens(entry.node), entry.total())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probabilities of all sequences of labels, from all alignments.
    fn all(scores: &[Vec<f64>], blank: usize) -> HashMap<Vec<u32>, f64> {
        let (steps, classes) = (scores.len(), scores[0].len());
        let mut sums = HashMap::new();
        for number in 0..classes.pow(steps as u32) {
            let way: Vec<usize> = (0..steps).map(|t| number / classes.pow(t as u32) % classes).collect();
            let score: f64 = way.iter().zip(scores).map(|(&c, row)| row[c]).sum();
            let mut merged = way;
            merged.dedup();
            let tokens: Vec<u32> = merged.into_iter().filter(|&c| c != blank).map(|c| c as u32).collect();
            *sums.entry(tokens).or_insert(0.0) += score.exp();
        }
        sums
    }

    fn scores(steps: usize, classes: usize, mut state: u64) -> Vec<Vec<f64>> {
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / f64::from(1 << 23) * 2.0 - 2.0
        };
        (0..steps)
            .map(|_| {
                let row: Vec<f64> = (0..classes).map(|_| draw()).collect();
                let sum = row.iter().map(|x| x.exp()).sum::<f64>().ln();
                row.iter().map(|x| x - sum).collect()
            })
            .collect()
    }

    #[test]
    fn a_wide_beam_finds_what_all_alignments_say() {
        for (steps, classes, blank, seed) in [(1, 2, 0, 1), (4, 3, 0, 2), (5, 3, 2, 3), (6, 4, 1, 4)] {
            let rows = scores(steps, classes, seed);
            let expected = all(&rows, blank);
            let mut search = PrefixSearch::new(100_000, blank);
            rows.iter().for_each(|row| search.step(row, None));
            let found = search.found();
            assert_eq!(found.len(), expected.len());
            assert!(found.is_sorted_by(|a, b| a.1 >= b.1));
            for (tokens, score) in found {
                assert!((score.exp() - expected[&tokens]).abs() < 1e-12, "{tokens:?}");
            }
        }
    }

    /// The same search over maps of whole prefixes.
    fn twin(rows: &[Vec<f64>], blank: usize, width: usize) -> Vec<(Vec<u32>, f64)> {
        let mut beam: Vec<(Vec<u32>, f64, f64)> = vec![(vec![], 1.0, 0.0)];
        for row in rows {
            let mut next: HashMap<Vec<u32>, (f64, f64)> = HashMap::new();
            for (tokens, p_blank, p_label) in &beam {
                for (class, score) in row.iter().enumerate() {
                    let p = score.exp();
                    if class == blank {
                        next.entry(tokens.clone()).or_default().0 += p * (p_blank + p_label);
                        continue;
                    }
                    let repeats = tokens.last() == Some(&(class as u32));
                    if repeats {
                        next.entry(tokens.clone()).or_default().1 += p * p_label;
                    }
                    let longer = [tokens.clone(), vec![class as u32]].concat();
                    next.entry(longer).or_default().1 += p * if repeats { *p_blank } else { p_blank + p_label };
                }
            }
            beam = next.into_iter().map(|(tokens, (b, l))| (tokens, b, l)).collect();
            beam.sort_by(|a, b| (b.1 + b.2).total_cmp(&(a.1 + a.2)));
            beam.truncate(width);
        }
        beam.into_iter().map(|(tokens, b, l)| (tokens, (b + l).ln())).collect()
    }

    #[test]
    fn a_narrow_beam_keeps_what_the_twin_keeps() {
        for seed in 0..20 {
            for width in [1, 2, 5, 17] {
                let rows = scores(25, 7, seed);
                let mut search = PrefixSearch::new(width, 3);
                rows.iter().for_each(|row| search.step(row, None));
                for (found, expected) in search.found().iter().zip(twin(&rows, 3, width)) {
                    assert_eq!(found.0, expected.0);
                    assert!((found.1 - expected.1).abs() < 1e-9);
                }
            }
        }
    }

    #[test]
    fn of_equals_the_smaller_tokens_and_then_the_longer_come_first() {
        let even = [0.0f32; 3];
        let mut search = PrefixSearch::new(3, 0);
        search.step(&even, None);
        assert_eq!(search.found(), [(vec![1], 0.0), (vec![2], 0.0), (vec![], 0.0)]);
    }

    #[test]
    fn a_bonus_chooses_and_what_is_impossible_is_not_kept() {
        let mut search = PrefixSearch::new(5, 0);
        search.step(&[-2.0, -1.0, -1.5, f64::NEG_INFINITY], Some(&[0.0, -3.0, 1.0, 0.0]));
        let found = search.found();
        assert_eq!(found, [(vec![2], -0.5), (vec![], -2.0), (vec![1], -4.0)]);
        assert_eq!(search.numbers().map(|n| search.tokens(n)).collect::<Vec<_>>(), [vec![2], vec![], vec![1]]);
    }
}
