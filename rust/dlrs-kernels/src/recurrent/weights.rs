//! Recurrent weights in panels.

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

impl Layout {
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

    /// Elements of the packed weights of so many units.
    pub fn len<T: Float>(self, isa: Isa, units: usize) -> usize {
        let k = if let Layout::Transposed { columns, .. } = self { columns } else { units };
        let panels = units.div_ceil(self.width() * T::lanes(isa));
        panels * self.vectors() * T::lanes(isa) * k
    }

    /// Packs weights (units × columns).
    ///
    /// # Panics
    /// If `to` is shorter than [`len`](Self::len), or the weights lack columns.
    pub fn pack<T: Float>(self, isa: Isa, units: usize, weights: &[T], to: &mut [T]) {
        let to = &mut to[..self.len::<T>(isa, units)];
        if to.is_empty() {
            return;
        }
        let row = weights.len() / units;
        match self {
            Layout::Gates { gates } => interleave(T::lanes(isa), gates, units, weights, to),
            Layout::Columns { first } => T::panels(isa, MatRef::new(&weights[first..], units, units, row, 1), to),
            Layout::Transposed { first, columns } => {
                T::panels(isa, MatRef::new(&weights[first..], columns, units, 1, row), to);
            }
        }
    }
}

/// Panels of a vector of `lanes` units of each gate, row after row, filled up with zeros.
fn interleave<T: Float>(lanes: usize, gates: usize, units: usize, weights: &[T], to: &mut [T]) {
    let row = weights.len() / units;
    for (panel, to) in to.chunks_exact_mut(lanes * gates * units).enumerate() {
        let from = panel * lanes;
        let n = lanes.min(units - from);
        for (i, to) in to.chunks_exact_mut(lanes).enumerate() {
            let start = i / gates * row + i % gates * units + from;
            to[..n].copy_from_slice(&weights[start..start + n]);
            to[n..].fill(T::default());
        }
    }
}
