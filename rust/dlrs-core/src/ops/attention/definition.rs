//! Attention in finer ops, with the matrix of scores.

use dlrs_kernels::elementwise::BinaryOp;

use super::{Attention, AttentionBackward};
use crate::DType;
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::ops::Ewise;
use crate::ops::reduce::Reduction;
use crate::ops::slice::Span;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Axes of `[batch, rows, heads, elements]` with heads first; its own inverse.
const HEADS_FIRST: [usize; 4] = [0, 2, 1, 3];

/// The result and the logarithms of the sums.
pub(super) fn attention(op: &Attention, g: &mut Graph, inputs: &[Val]) -> Result<Vec<Val>> {
    let scores = scores(op, g, inputs)?;
    let lowest = g.scalar_like(scores, f64::NEG_INFINITY)?;
    let top = match g.ty(scores).shape {
        shape if shape[3] == 0 => g.broadcast_to(lowest, shape.with_dim(3, 1))?,
        _ => g.reduce(Reduction::Max, scores, &[3], true)?,
    };
    let top = g.stop_gradient(top)?;
    let none = g.equal(top, lowest)?;
    let (zero, one) = (g.scalar_like(top, 0.0)?, g.scalar_like(top, 1.0)?);
    let top = g.select(none, zero, top)?;
    let centred = g.sub(scores, top)?;
    let e = g.exp(centred)?;
    let total = g.sum_last(e)?;
    let total = g.select(none, one, total)?;
    let probabilities = g.div(e, total)?;
    let value = heads_first(g, inputs[2], g.ty(scores).shape[1])?;
    let result = g.matmul(probabilities, value, false, false)?;
    let result = g.transpose(result, &HEADS_FIRST)?;
    let log = g.log(total)?;
    let log = g.add(log, top)?;
    let highest = g.scalar_like(top, f64::INFINITY)?;
    let log = g.select(none, highest, log)?;
    let log = g.transpose(log, &HEADS_FIRST)?;
    let shape = Shape::new(&g.ty(log).shape[..3])?;
    let log = g.reshape(log, shape)?;
    Ok(vec![result, g.cast(log, g.ty(inputs[0]).dtype.working())?])
}

/// The results of the backward op.
pub(super) fn backward(op: &AttentionBackward, g: &mut Graph, inputs: &[Val]) -> Result<Vec<Val>> {
    let attention = &op.attention;
    let (query, key, value, d) = (inputs[0], inputs[1], inputs[2], inputs[attention.operands()]);
    let (probabilities, d_scores) = score_gradient(attention, g, inputs)?;
    let heads = g.ty(query).shape[2];
    let d = g.transpose(d, &HEADS_FIRST)?;
    let d_value = g.matmul(probabilities, d, true, false)?;
    let d_value = groups_last(g, d_value, g.ty(value).shape[2])?;
    let scaled = g.mul_scalar(d_scores, attention.scale())?;
    let across = g.transpose(query, &HEADS_FIRST)?;
    let d_key = g.matmul(scaled, across, true, false)?;
    let d_key = groups_last(g, d_key, g.ty(key).shape[2])?;
    let key = heads_first(g, key, heads)?;
    let mut parts = Vec::new();
    for sources in op.parts(&g.ty(inputs[0]).shape, &g.ty(inputs[1]).shape) {
        let some = |g: &mut Graph, x: Val, axis: usize| {
            let mut spans: Vec<Span> = g.ty(x).shape.iter().map(|&n| Span::all(n)).collect();
            spans[axis] = Span::range(sources.start, sources.len());
            g.slice(x, &spans)
        };
        let (scaled, key) = (some(g, scaled, 3)?, some(g, key, 2)?);
        let part = g.matmul(scaled, key, false, false)?;
        let part = g.transpose(part, &HEADS_FIRST)?;
        let shape = [&[1], g.ty(part).shape.dims()].concat();
        parts.push(g.reshape(part, Shape::new(&shape)?)?);
    }
    Ok(vec![g.concat(&parts, 0)?, d_key, d_value])
}

/// The probabilities and the gradient of the scores, from the operands of the backward op.
pub(super) fn score_gradient(op: &Attention, g: &mut Graph, inputs: &[Val]) -> Result<(Val, Val)> {
    let &[d, log_sum, product] = &inputs[op.operands()..] else { unreachable!("the operands were counted") };
    let scores = scores(op, g, inputs)?;
    let shape = g.ty(scores).shape;
    let column = |g: &mut Graph, x: Val| {
        let x = g.transpose(x, &[0, 2, 1])?;
        let x = g.reshape(x, shape.with_dim(3, 1))?;
        g.cast(x, g.ty(d).dtype)
    };
    let (log_sum, product) = (column(g, log_sum)?, column(g, product)?);
    let below = g.sub(scores, log_sum)?;
    let probabilities = g.exp(below)?;
    let value = heads_first(g, inputs[2], shape[1])?;
    let d = g.transpose(d, &HEADS_FIRST)?;
    let d_probabilities = g.matmul(d, value, false, true)?;
    let centred = g.sub(d_probabilities, product)?;
    Ok((probabilities, g.mul(probabilities, centred)?))
}

/// The scores `[batch, heads, targets, sources]`, −∞ where a source is not seen.
fn scores(op: &Attention, g: &mut Graph, inputs: &[Val]) -> Result<Val> {
    let query = g.transpose(inputs[0], &HEADS_FIRST)?;
    let key = heads_first(g, inputs[1], g.ty(query).shape[1])?;
    let product = g.matmul(query, key, false, true)?;
    let mut scores = g.mul_scalar(product, op.scale())?;
    if let Some(i) = op.bias_at() {
        scores = g.add(scores, inputs[i])?;
    }
    let lowest = g.scalar_like(scores, f64::NEG_INFINITY)?;
    if let Some(i) = op.mask_at() {
        scores = g.select(inputs[i], scores, lowest)?;
    }
    if op.causal {
        let shape = g.ty(scores).shape;
        let numbers = |n: usize| (0..n as i64).collect::<Vec<_>>();
        let targets = Tensor::from_slice(DType::I64, &[shape[2], 1], &numbers(shape[2]))?;
        let sources = Tensor::from_slice(DType::I64, &[shape[3]], &numbers(shape[3]))?;
        let (targets, sources) = (g.constant(targets), g.constant(sources));
        let seen = g.push(Ewise::Binary(BinaryOp::Ge), &[targets, sources])?;
        scores = g.select(seen, scores, lowest)?;
    }
    Ok(scores)
}

/// Groups of keys or values `[batch, rows, groups, n]` as `[batch, heads, rows, n]`, each repeated for the heads that share it.
fn heads_first(g: &mut Graph, x: Val, heads: usize) -> Result<Val> {
    let x = g.transpose(x, &HEADS_FIRST)?;
    let shape = g.ty(x).shape;
    let (batch, groups, rows, n) = (shape[0], shape[1], shape[2], shape[3]);
    if groups == heads {
        return Ok(x);
    }
    let x = g.reshape(x, Shape::new(&[batch, groups, 1, rows, n])?)?;
    let x = g.broadcast_to(x, Shape::new(&[batch, groups, heads / groups, rows, n])?)?;
    g.reshape(x, Shape::new(&[batch, heads, rows, n])?)
}

/// The adjoint of [`heads_first`].
fn groups_last(g: &mut Graph, x: Val, groups: usize) -> Result<Val> {
    let shape = g.ty(x).shape;
    let (batch, heads, rows, n) = (shape[0], shape[1], shape[2], shape[3]);
    let x = g.reshape(x, Shape::new(&[batch, groups, heads / groups, rows, n])?)?;
    let x = g.sum(x, &[2], false)?;
    g.transpose(x, &HEADS_FIRST)
}
