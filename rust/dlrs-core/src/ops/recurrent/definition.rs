//! Recurrent layers as loops of finer ops: what the coarse ones are checked against, and the route to second derivatives.

use std::sync::Arc;

use super::super::scan::Scan;
use super::super::slice::Span;
use super::Steps;
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::shape::Shape;
use crate::tensor::Ty;

/// One step: carries, slices of the arrays, the mask (batch, 1), and what stays the same; the new carries and the step's results.
pub(super) type Step<'a> = &'a dyn Fn(&mut Graph, Arguments<'_>) -> Result<(Vec<Val>, Vec<Val>)>;

/// What a step is given.
pub(super) struct Arguments<'a> {
    pub carries: &'a [Val],
    pub xs: &'a [Val],
    pub mask: Option<Val>,
    pub weights: &'a [Val],
}

impl Arguments<'_> {
    /// `new` where the mask says yes, else `old`.
    pub fn live(&self, b: &mut Graph, new: Val, old: Val) -> Result<Val> {
        match self.mask {
            Some(mask) => b.select(mask, new, old),
            None => Ok(new),
        }
    }

    /// `new` where the mask says yes, else 0.
    pub fn live_or_zero(&self, b: &mut Graph, new: Val) -> Result<Val> {
        let zero = b.scalar_like(new, 0.0)?;
        self.live(b, new, zero)
    }
}

/// Carries `carries` through the steps of `xs` (batch, steps, ..); the last carries, and the steps' results likewise.
pub(super) fn run_steps(
    g: &mut Graph,
    steps: Steps,
    carries: &[Val],
    xs: &[Val],
    mask: Option<Val>,
    weights: &[Val],
    step: Step<'_>,
) -> Result<(Vec<Val>, Vec<Val>)> {
    let mut stacks = xs.iter().map(|&x| g.transpose(x, &[1, 0, 2])).collect::<Result<Vec<_>>>()?;
    let length = g.ty(xs[0]).shape[1];
    if let Some(mask) = mask {
        let by_step = g.transpose(mask, &[1, 0])?;
        let shape = g.ty(by_step).shape;
        stacks.push(g.reshape(by_step, Shape::new(&[shape[0], shape[1], 1])?)?);
    }
    let mut b = Graph::new();
    let body_carries: Vec<Val> = carries.iter().map(|&v| b.input(g.ty(v))).collect();
    let mut slice = |ty: Ty| Ok(b.input(Ty::new(ty.dtype, Shape::new(&ty.shape[1..])?)));
    let slices = stacks.iter().map(|&v| slice(g.ty(v))).collect::<Result<Vec<_>>>()?;
    let constants: Vec<Val> = weights.iter().map(|&v| b.input(g.ty(v))).collect();
    let (xs, mask) = slices.split_at(xs.len());
    let arguments = Arguments { carries: &body_carries, xs, mask: mask.first().copied(), weights: &constants };
    let (new, ys) = step(&mut b, arguments)?;
    let outputs = [new, ys].concat();
    let (scan, _) = Scan::new(b, carries.len(), stacks.len(), &outputs, length, steps.reverse)?;
    let results = g.apply(Arc::new(scan), &[carries, &stacks, weights].concat())?;
    let ys = results[carries.len()..outputs.len()].iter().map(|&y| g.transpose(y, &[1, 0, 2]));
    Ok((results[..carries.len()].to_vec(), ys.collect::<Result<_>>()?))
}

/// The `count` equal parts of the last of two axes.
pub(super) fn gates(b: &mut Graph, x: Val, count: usize) -> Result<Vec<Val>> {
    let shape = b.ty(x).shape;
    let width = shape[1] / count;
    (0..count).map(|g| b.slice(x, &[Span::all(shape[0]), Span::range(g * width, width)])).collect()
}

/// The states before each step (batch, steps, units), from the first one and those after each step.
pub(super) fn states_before(g: &mut Graph, steps: Steps, first: Val, sequence: Val) -> Result<Val> {
    let shape = g.ty(sequence).shape;
    if shape[1] == 0 {
        return Ok(sequence);
    }
    let first = g.reshape(first, Shape::new(&[shape[0], 1, shape[2]])?)?;
    let kept = Span::range(usize::from(steps.reverse), shape[1] - 1);
    let others = g.slice(sequence, &[Span::all(shape[0]), kept, Span::all(shape[2])])?;
    g.concat(&if steps.reverse { [others, first] } else { [first, others] }, 1)
}

/// d ⊙ y ⊙ (1 − y): the gradient through a sigmoid, from its value.
pub(super) fn through_sigmoid(b: &mut Graph, y: Val, d: Val) -> Result<Val> {
    let square = b.square(y)?;
    let slope = b.sub(y, square)?;
    b.mul(d, slope)
}

/// d ⊙ (1 − y²): the gradient through a hyperbolic tangent, from its value.
pub(super) fn through_tanh(b: &mut Graph, y: Val, d: Val) -> Result<Val> {
    let square = b.square(y)?;
    let lost = b.mul(d, square)?;
    b.sub(d, lost)
}

/// `a + b` where `b` may be missing.
pub(super) fn plus(b: &mut Graph, x: Val, y: Option<Val>) -> Result<Val> {
    y.map_or(Ok(x), |y| b.add(x, y))
}
