//! Recurrent weights in panels.

use std::ops::Range;

use super::steps::Float;
use crate::gemm::MatRef;
use crate::isa::Isa;

/// How the panels of a product are made of its right operand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Layout {
    /// A panel holds one vector of units of each gate: weights of a step forward.
    Gates {
        /// Gates, from 2 to 4: the first columns, gate after gate.
        gates: usize,
    },
    /// A panel holds two vectors of columns.
    Columns {
        /// Columns before the first one.
        first: usize,
    },
    /// A panel holds two vectors of units, for each of the columns: weights of a step backward.
    Transposed {
        /// Columns before the first one.
        first: usize,
        /// Columns.
        columns: usize,
    },
}

/// The right operand of a step's product.
#[derive(Clone, Copy)]
pub enum Weights<'a, T> {
    /// Packed by [`Layout::pack`].
    Packed(&'a [T]),
    /// As they are (units × columns), for a few products that do not pay for packing, where
    /// [`Layout::reads_directly`] says so.
    Direct(&'a [T]),
}

/// Where the panels of a right operand lie.
pub(super) struct Panels<'a, T> {
    pub data: &'a [T],
    /// Elements from a panel to the next, from a row to the next, from a vector to the next.
    pub strides: (usize, usize, usize),
}

impl Layout {
    /// Whether a product over so many units can read weights that are not packed: all panels are whole.
    pub fn reads_directly<T: Float>(self, isa: Isa, units: usize) -> bool {
        !matches!(self, Layout::Transposed { .. }) && units.is_multiple_of(self.width() * T::lanes(isa))
    }

    /// Where the panels of a product over `k` lie.
    ///
    /// # Panics
    /// If the weights lack some.
    #[inline(always)]
    pub(super) fn panels<'a, T>(self, weights: Weights<'a, T>, lanes: usize, k: usize, units: usize) -> Panels<'a, T> {
        let panels = self.count(lanes, units);
        match weights {
            Weights::Packed(data) => {
                let row = self.vectors() * lanes;
                assert!(panels * k * row <= data.len(), "packed weights of {} elements", data.len());
                Panels { data, strides: (k * row, row, lanes) }
            }
            Weights::Direct(data) => {
                let (first, vector) = match self {
                    Layout::Gates { .. } => (0, units),
                    Layout::Columns { first } => (first, lanes),
                    Layout::Transposed { .. } => panic!("transposed weights are packed"),
                };
                let row = data.len() / k.max(1);
                let columns = if let Layout::Gates { gates } = self { gates * units } else { first + units };
                assert!(units.is_multiple_of(self.width() * lanes) && columns <= row, "weights as they are");
                Panels { data: &data[first.min(data.len())..], strides: (self.width() * lanes, row, vector) }
            }
        }
    }

    /// Vectors of a panel's row.
    pub(super) fn vectors(self) -> usize {
        match self {
            Layout::Gates { gates } => gates,
            Layout::Columns { .. } | Layout::Transposed { .. } => 2,
        }
    }

    /// Units of a panel, in vectors.
    pub(super) fn width(self) -> usize {
        if let Layout::Gates { .. } = self { 1 } else { 2 }
    }

    /// Panels of so many units, with vectors of `lanes`.
    pub(super) fn count(self, lanes: usize, units: usize) -> usize {
        units.div_ceil(self.width() * lanes)
    }

    /// Elements of the packed weights of so many units.
    pub fn len<T: Float>(self, isa: Isa, units: usize) -> usize {
        let k = if let Layout::Transposed { columns, .. } = self { columns } else { units };
        let panels = self.panels_of::<T>(isa, units);
        panels * self.vectors() * T::lanes(isa) * k
    }

    /// Panels of so many units.
    pub fn panels_of<T: Float>(self, isa: Isa, units: usize) -> usize {
        self.count(T::lanes(isa), units)
    }

    /// Packs weights (units × columns).
    ///
    /// # Panics
    /// If `to` is shorter than [`len`](Self::len), or the weights lack columns.
    pub fn pack<T: Float>(self, isa: Isa, units: usize, weights: &[T], to: &mut [T]) {
        let to = &mut to[..self.len::<T>(isa, units)];
        self.pack_panels(isa, units, weights, 0..self.panels_of::<T>(isa, units), to);
    }

    /// Packs some of the panels.
    ///
    /// # Panics
    /// If `to` has no room for them, or the weights lack columns.
    pub fn pack_panels<T: Float>(self, isa: Isa, units: usize, weights: &[T], panels: Range<usize>, to: &mut [T]) {
        if to.is_empty() {
            return;
        }
        let (row, width) = (weights.len() / units, self.width() * T::lanes(isa));
        let chosen = panels.start * width..units.min(panels.end * width);
        match self {
            Layout::Gates { gates } => interleave(T::lanes(isa), gates, units, weights, panels.start, to),
            Layout::Columns { first } => {
                let b = MatRef::new(&weights[first..], units, units, row, 1);
                T::panels(isa, b.sub(0..units, chosen), to);
            }
            Layout::Transposed { first, columns } => {
                let b = MatRef::new(&weights[first..], columns, units, 1, row);
                T::panels(isa, b.sub(0..columns, chosen), to);
            }
        }
    }
}

/// Panels of a vector of `lanes` units of each gate from panel `first` on, row after row, filled up with zeros.
fn interleave<T: Float>(lanes: usize, gates: usize, units: usize, weights: &[T], first: usize, to: &mut [T]) {
    let row = weights.len() / units;
    for (panel, to) in (first..).zip(to.chunks_exact_mut(lanes * gates * units)) {
        let from = panel * lanes;
        let n = lanes.min(units - from);
        for (i, to) in to.chunks_exact_mut(lanes).enumerate() {
            let start = i / gates * row + i % gates * units + from;
            to[..n].copy_from_slice(&weights[start..start + n]);
            to[n..].fill(T::default());
        }
    }
}
