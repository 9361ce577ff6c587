//! What a stretch of a corpus trains: windows, each with the rows that are its input and those that it is to tell apart.

use std::ops::Range;

use super::Matrices;
use super::architecture::Architecture;
use super::tally::Tally;

/// Windows one after another, in batches. Each has inputs, rows of the first matrix, and outputs, rows of the second one, with a label each.
#[derive(Clone, Debug, Default)]
pub struct Windows {
    inputs: Vec<u32>,
    outputs: Vec<u32>,
    /// 1 for an output that goes with the inputs, −1 for one that does not.
    signs: Vec<f32>,
    /// Where each window's inputs and outputs end.
    ends: Vec<(u32, u32)>,
    /// Where the batches end: numbers of windows.
    batches: Vec<u32>,
}

/// Windows that meet the same weights, at most. More make what is read between two meetings of the team larger than the nearest cache.
const BATCH: usize = 32;

/// One of the windows.
#[derive(Clone, Copy)]
pub struct Window<'a> {
    /// Rows of the first matrix.
    pub inputs: &'a [u32],
    /// Rows of the second matrix, of which any [`DISTINCT`] in a row differ.
    pub outputs: &'a [u32],
    /// 1 for an output that goes with the inputs, −1 for one that does not.
    pub signs: &'a [f32],
}

/// Outputs that a kernel holds in registers at a time.
pub const DISTINCT: usize = 6;

impl Windows {
    /// Number of windows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Adds an input to the window that is being made.
    pub fn input(&mut self, row: u32) {
        self.inputs.push(row);
    }

    /// Adds an output to the window that is being made.
    pub fn output(&mut self, row: u32, goes_with: bool) {
        self.outputs.push(row);
        self.signs.push(if goes_with { 1.0 } else { -1.0 });
    }

    /// The outputs of the window that is being made.
    pub fn open_outputs(&self) -> &[u32] {
        &self.outputs[self.ends.last().map_or(0, |&(_, end)| end as usize)..]
    }

    /// The inputs of the window that is being made.
    pub fn open_inputs(&self) -> &[u32] {
        &self.inputs[self.ends.last().map_or(0, |&(end, _)| end as usize)..]
    }

    /// Ends the window that is being made.
    pub fn close(&mut self) {
        self.ends.push((self.inputs.len() as u32, self.outputs.len() as u32));
    }

    /// Ends the window that is being made; its inputs become those of windows with up to `most` inputs each and the same outputs.
    pub fn close_parts(&mut self, most: usize) {
        let (inputs, outputs) = (self.open_inputs().len(), self.open_outputs().len());
        let (first, from, parts) = (self.inputs.len() - inputs, self.outputs.len(), inputs.div_ceil(most));
        for part in 1..parts {
            self.ends.push(((first + part * inputs / parts) as u32, self.outputs.len() as u32));
            self.outputs.extend_from_within(from - outputs..from);
            self.signs.extend_from_within(from - outputs..from);
        }
        self.close();
    }

    /// Cuts the windows into batches. In none is a row of several windows in more than `most` pairs of an input and an output.
    ///
    /// What the pairs move their rows by adds up: a row in n pairs goes n steps along slopes that it had before the first.
    pub fn cut(&mut self, architecture: impl Architecture, most: u32) {
        let (mut tally, mut first, mut batches) = (Tally::default(), 0, Vec::new());
        for i in 0..self.len() {
            let window = self.get(i);
            let (each, all) = (window.outputs.len() as u32, architecture.scored(window) as u32);
            if i > first && (i == first + BATCH || !tally.add(window, each, all, most)) {
                batches.push(i as u32);
                first = i;
            }
            if i == first {
                tally.clear();
                tally.add(window, each, all, u32::MAX);
            }
        }
        if !self.is_empty() {
            batches.push(self.len() as u32);
        }
        self.batches = batches;
    }

    /// Number of batches.
    pub fn batches(&self) -> usize {
        self.batches.len()
    }

    /// The windows of batch number `i`; none beyond the last.
    #[inline(always)]
    pub fn batch(&self, i: usize) -> Range<usize> {
        let end = |i: usize| self.batches.get(i).map_or(self.len(), |&end| end as usize);
        if i == 0 { 0..end(0) } else { end(i - 1)..end(i) }
    }

    /// Adds the windows of another stretch, and its batches.
    pub fn append(&mut self, other: &Windows) {
        let (inputs, outputs) = (self.inputs.len() as u32, self.outputs.len() as u32);
        self.inputs.extend_from_slice(&other.inputs);
        self.outputs.extend_from_slice(&other.outputs);
        self.signs.extend_from_slice(&other.signs);
        let windows = self.ends.len() as u32;
        self.ends.extend(other.ends.iter().map(|&(i, o)| (i + inputs, o + outputs)));
        self.batches.extend(other.batches.iter().map(|&end| end + windows));
    }

    /// Window number `i`.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Window<'_> {
        let (from, start) = if i == 0 { (0, 0) } else { self.ends[i - 1] };
        let (to, end) = self.ends[i];
        let outputs = start as usize..end as usize;
        Window {
            inputs: &self.inputs[from as usize..to as usize],
            outputs: &self.outputs[outputs.clone()],
            signs: &self.signs[outputs],
        }
    }

    /// Whether all rows are rows of the matrices, and outputs that are in registers together differ.
    pub(super) fn fit(&self, matrices: &Matrices) -> bool {
        let (first, second) = (matrices.inputs() as u32, matrices.outputs() as u32);
        let differ = |outputs: &[u32]| outputs.iter().enumerate().all(|(i, row)| !outputs[..i].contains(row));
        self.inputs.iter().all(|&row| row < first)
            && self.outputs.iter().all(|&row| row < second)
            && (0..self.len()).all(|i| self.get(i).outputs.chunks(DISTINCT).all(differ))
    }
}
