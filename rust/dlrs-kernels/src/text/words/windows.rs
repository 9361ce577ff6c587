//! What a stretch of a corpus trains: windows, each with the rows that are its input and those that it is to tell apart.

use super::Matrices;

/// Windows one after another. Each has inputs, rows of the first matrix, and outputs, rows of the second one, with a label each.
#[derive(Clone, Debug, Default)]
pub struct Windows {
    inputs: Vec<u32>,
    outputs: Vec<u32>,
    /// 1 for an output that goes with the inputs, −1 for one that does not.
    signs: Vec<f32>,
    /// Where each window's inputs and outputs end.
    ends: Vec<(u32, u32)>,
}

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
    /// Forgets all windows, and keeps their memory.
    pub fn clear(&mut self) {
        self.inputs.clear();
        self.outputs.clear();
        self.signs.clear();
        self.ends.clear();
    }

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

    /// The number of inputs of the window that is being made.
    pub fn open_inputs(&self) -> usize {
        self.inputs.len() - self.ends.last().map_or(0, |&(end, _)| end as usize)
    }

    /// Ends the window that is being made.
    pub fn close(&mut self) {
        self.ends.push((self.inputs.len() as u32, self.outputs.len() as u32));
    }

    /// Adds the windows of another stretch.
    pub fn append(&mut self, other: &Windows) {
        let (inputs, outputs) = (self.inputs.len() as u32, self.outputs.len() as u32);
        self.inputs.extend_from_slice(&other.inputs);
        self.outputs.extend_from_slice(&other.outputs);
        self.signs.extend_from_slice(&other.signs);
        self.ends.extend(other.ends.iter().map(|&(i, o)| (i + inputs, o + outputs)));
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
