//! What a word's vector is told apart from.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::draw::{Alias, Draws};
use super::windows::Windows;

/// Chooses the outputs of a window by the word in its middle.
pub trait Objective: Send + Sync {
    /// Rows of the second matrix.
    fn rows(&self) -> usize;

    /// Adds the outputs to the window that is being made.
    fn outputs(&self, word: u32, draws: &mut Draws, windows: &mut Windows);
}

/// The word itself, and others drawn at random: Mikolov et al. 2013 (arXiv 1310.4546), eq. 4.
pub struct NegativeSampling {
    noise: Alias,
    negatives: usize,
}

/// Draws after which the next word that will do is taken.
const TRIES: usize = 32;

impl NegativeSampling {
    /// `negatives` words, or all others if these are fewer, drawn with chances in proportion to `counts` to the power of `exponent`,
    /// each at most once for a window.
    ///
    /// # Panics
    /// If there are no counts, or none above 0.
    pub fn new(counts: &[u64], exponent: f64, negatives: usize) -> Self {
        // Of the largest weight the base is 1: no power of it is too large.
        let base = if exponent < 0.0 { counts.iter().min() } else { counts.iter().max() };
        let base = base.map_or(1.0, |&count| count as f64);
        let weights: Vec<f64> = counts.iter().map(|&count| (count as f64 / base).powf(exponent)).collect();
        Self { noise: Alias::new(&weights), negatives: negatives.min(counts.len() - 1) }
    }
}

impl Objective for NegativeSampling {
    fn rows(&self) -> usize {
        self.noise.len()
    }

    #[inline]
    fn outputs(&self, word: u32, draws: &mut Draws, windows: &mut Windows) {
        windows.output(word, true);
        for _ in 0..self.negatives {
            let mut row = self.noise.draw(draws);
            let mut tries = 1;
            while windows.open_outputs().contains(&row) {
                row = if tries < TRIES { self.noise.draw(draws) } else { (row + 1) % self.noise.len() as u32 };
                tries += 1;
            }
            windows.output(row, false);
        }
    }
}

/// The turns on the way from the root of a Huffman tree to the word: Mikolov et al. 2013 (arXiv 1310.4546), section 2.1.
pub struct HierarchicalSoftmax {
    /// Per word, the inner nodes from the root on and whether the way turns left there (label 1).
    ways: Vec<(u32, bool)>,
    ends: Vec<usize>,
}

impl HierarchicalSoftmax {
    /// The tree of words that occur so often. The rarer two subtrees are joined first; of equally rare ones those with the smaller numbers,
    /// words before nodes.
    pub fn new(counts: &[u64]) -> Self {
        let words = counts.len();
        let mut parents = vec![(0usize, false); (2 * words).saturating_sub(1)];
        let mut heap: BinaryHeap<Reverse<(u64, usize)>> = counts.iter().copied().zip(0..).map(Reverse).collect();
        let mut node = words;
        while let (Some(Reverse((a, left))), Some(Reverse((b, right)))) = (heap.pop(), heap.pop()) {
            parents[left] = (node, true);
            parents[right] = (node, false);
            heap.push(Reverse((a.saturating_add(b), node)));
            node += 1;
        }
        let (mut ways, mut ends) = (Vec::new(), Vec::with_capacity(words));
        for word in 0..words {
            let (start, mut at) = (ways.len(), word);
            while at != node - 1 {
                let (parent, left) = parents[at];
                ways.push(((parent - words) as u32, left));
                at = parent;
            }
            ways[start..].reverse();
            ends.push(ways.len());
        }
        Self { ways, ends }
    }

    /// The nodes on the way to a word, and whether it turns left there.
    pub fn way(&self, word: usize) -> &[(u32, bool)] {
        &self.ways[if word == 0 { 0 } else { self.ends[word - 1] }..self.ends[word]]
    }
}

impl Objective for HierarchicalSoftmax {
    fn rows(&self) -> usize {
        self.ends.len() - 1
    }

    #[inline]
    fn outputs(&self, word: u32, _: &mut Draws, windows: &mut Windows) {
        for &(node, left) in self.way(word as usize) {
            windows.output(node, left);
        }
    }
}
