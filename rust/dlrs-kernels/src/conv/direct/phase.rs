//! Convolution and the gradient by its input as the same sum.
//!
//! Either is T\[t\] = Σ_taps S\[source of (t, tap)\] · W\[tap\]. A stride s cuts the gradient into s phases along each axis: for the
//! targets t = first + step·j of a phase the same taps count, at sources j·jump + offset, and each phase is a convolution of stride 1
//! with a part of the kernel. Taps that meet no source from any target count for nothing and are left out: with a dilation beyond the
//! image they would lie arbitrarily far from the others.

use crate::conv::ConvGeometry;

/// One axis of a phase. With a `step` of 1 it is the only one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Axis {
    /// The first target, the distance between two, and how many they are.
    pub first: usize,
    pub step: usize,
    pub count: usize,
    /// The distance between the sources of two targets.
    pub jump: usize,
    /// Of each tap, the source of the first target (it may be outside), ascending, and the position in the kernel.
    pub taps: Vec<(isize, usize)>,
}

/// The targets for which the same taps count, and these.
pub(super) type Phase = [Axis; 3];

impl Axis {
    /// Which of the targets lie in `range`.
    pub fn within(&self, range: &std::ops::Range<usize>) -> std::ops::Range<usize> {
        let count = |end: usize| end.saturating_sub(self.first).div_ceil(self.step).min(self.count);
        count(range.start)..count(range.end)
    }

    /// The first source of any tap at target 0, and how many further the last one is.
    pub fn reach(&self) -> Option<(isize, usize)> {
        let (first, last) = (self.taps.first()?.0, self.taps.last()?.0);
        Some((first, (last - first) as usize))
    }

    /// The axis without the taps that no target sees inside a source of so many positions.
    fn meeting(mut self, source: usize) -> Axis {
        let further = (self.count.saturating_sub(1) * self.jump) as isize;
        self.taps.retain(|&(first, _)| first + further >= 0 && first < source as isize);
        self
    }
}

fn forward_axis(g: &ConvGeometry, a: usize) -> Vec<Axis> {
    let (count, jump) = (g.output[a], g.strides[a]);
    let taps = |from: usize| {
        (0..g.kernel[a]).map(move |k| ((from + k * g.dilation[a]) as isize - g.pad[a] as isize, k)).collect()
    };
    if count < 2 || jump <= g.input[a] {
        return vec![Axis { first: 0, step: 1, count, jump, taps: taps(0) }.meeting(g.input[a])];
    }
    // Targets that step over the source: no two share a tap, and between them would lie mostly zeros.
    let alone = |j: usize| Axis { first: j, step: count, count: 1, jump: 1, taps: taps(j * jump) };
    (0..count).map(|j| alone(j).meeting(g.input[a])).collect()
}

/// Target t takes tap k from source o if t + pad = o·stride + k·dilation.
fn backward_axis(g: &ConvGeometry, a: usize) -> Vec<Axis> {
    let stride = g.strides[a] as isize;
    let phase = |first: usize| {
        let reached = |k: usize| (first + g.pad[a]) as isize - (k * g.dilation[a]) as isize;
        let taps = (0..g.kernel[a]).rev().filter(|&k| reached(k).rem_euclid(stride) == 0);
        let count = (g.input[a] - first).div_ceil(g.strides[a]);
        let taps = taps.map(|k| (reached(k).div_euclid(stride), k)).collect();
        Axis { first, step: g.strides[a], count, jump: 1, taps }.meeting(g.output[a])
    };
    (0..g.strides[a].min(g.input[a])).map(phase).collect()
}

/// All phases: every combination of those of the axes.
fn phases(axes: [Vec<Axis>; 3]) -> Vec<Phase> {
    let [first, second, third] = &axes;
    let pairs = first.iter().flat_map(|a| second.iter().map(move |b| (a, b)));
    pairs.flat_map(|(a, b)| third.iter().map(move |c| [a.clone(), b.clone(), c.clone()])).collect()
}

pub(super) fn forward(g: &ConvGeometry) -> Vec<Phase> {
    phases([0, 1, 2].map(|a| forward_axis(g, a)))
}

pub(super) fn backward_input(g: &ConvGeometry) -> Vec<Phase> {
    phases([0, 1, 2].map(|a| backward_axis(g, a)))
}
