//! Factors and shifts of channels folded into the weights before them.
//!
//! Batch normalisation by moving statistics is affine per channel, so that with weights that stand still from run to run
//! ((x·w + b) - μ)·f + β is x·(w·f) + ((b - μ)·f + β) (Jacob et al. 2018, §3.2, arXiv 1712.05877). Both parts are kept between runs
//! ([`Kept`]), and a run only adds one vector. `docs/convolution.md` states how far the result is from the definition's.

use std::collections::HashMap;
use std::sync::Arc;

use dlrs_kernels::elementwise::BinaryOp;

use super::kept::Kept;
use super::rewrite::{Live, rewrite};
use crate::DType;
use crate::error::Result;
use crate::graph::{Graph, Node, Source, Val};
use crate::ops::FusionClass;
use crate::ops::elementwise::Ewise;
use crate::shape::Shape;

/// A graph with folded weights, and the values that it reads from their variables.
pub(super) struct Folded {
    pub graph: Graph,
    pub kept: Vec<Arc<Kept>>,
}

/// A product with weights and what is done to its channels after it.
struct Chain {
    product: usize,
    /// The operand that holds the weights.
    weights: usize,
    /// In order, each with a vector over the channels.
    steps: Vec<(BinaryOp, Val)>,
    /// The last one's result.
    end: Val,
}

/// The graph with weights folded where that is possible; none if it is nowhere.
pub(super) fn fold(g: &Graph, inputs: &[Val], outputs: &[Val]) -> Result<Option<Folded>> {
    let live = rewrite(g, inputs, outputs);
    let fixed = fixed(g, &live);
    let chains: HashMap<Val, Chain> =
        live.nodes.iter().filter_map(|&n| chain(g, &live, &fixed, n)).map(|chain| (chain.end, chain)).collect();
    if chains.is_empty() {
        return Ok(None);
    }
    let mut kept = Vec::new();
    let graph = g.replace(|new, node| {
        let Some(chain) = chains.get(&live.canonical(node.outputs[0])) else { return Ok(None) };
        let (weights, shift) = chain.keep(g, &live)?;
        let product = &g.nodes()[chain.product];
        let mut operands = product.inputs.clone();
        operands[chain.weights] = new.initial(weights.value());
        let result = new.apply(Arc::clone(&product.op), &operands)?[0];
        let (op, inputs): (Ewise, _) = match &shift {
            Some(shift) => (Ewise::Binary(BinaryOp::Add), vec![result, new.initial(shift.value())]),
            None => (Ewise::BroadcastTo(new.ty(result).shape), vec![result]),
        };
        kept.extend([weights].into_iter().chain(shift));
        Ok(Some(Node { op: Arc::new(op), inputs, outputs: node.outputs.clone() }))
    })?;
    Ok(Some(Folded { graph, kept }))
}

/// Per value, whether it is a cheap function of variables that no run of the graph writes.
fn fixed(g: &Graph, live: &Live) -> Vec<bool> {
    let mut fixed: Vec<bool> = (0..g.len() as u32)
        .map(Val)
        .map(|v| match g.source(v) {
            Source::Variable(x) => !live.inputs.contains_key(&v) && g.writes().iter().all(|(y, _)| y != x),
            Source::Constant(_) => !live.inputs.contains_key(&v),
            Source::Input(_) | Source::Node { .. } => false,
        })
        .collect();
    for node in g.nodes() {
        let class = node.op.fusion_class();
        let is_cheap = matches!(class, FusionClass::Elementwise(_) | FusionClass::View | FusionClass::Permutation(_));
        if is_cheap && !live.inputs.contains_key(&node.outputs[0]) {
            fixed[node.outputs[0].index()] = node.inputs.iter().all(|v| fixed[v.index()]);
        }
    }
    fixed
}

/// What follows product `n`, if it can be folded and that saves a pass.
fn chain(g: &Graph, live: &Live, fixed: &[bool], n: usize) -> Option<Chain> {
    let node = &g.nodes()[n];
    let FusionClass::Contraction(contraction) = node.op.fusion_class() else { return None };
    let types: Vec<_> = node.inputs.iter().map(|&v| g.ty(v)).collect();
    let weights = contraction.weights(&types)?;
    let ty = g.ty(node.outputs[0]);
    if ty.dtype != DType::F32 || !fixed[node.inputs[weights].index()] {
        return None;
    }
    let channels = *ty.shape.last()?;
    let is_vector = |v: Val| {
        let shape = g.ty(v).shape;
        fixed[v.index()] && shape.last() == Some(&channels) && shape.size() == channels
    };
    let mut chain = Chain { product: n, weights, steps: Vec::new(), end: node.outputs[0] };
    while let Some((op, v, result)) = next(g, live, chain.end) {
        if !is_vector(v) || g.ty(result) != ty {
            break;
        }
        chain.steps.push((op, v));
        chain.end = result;
    }
    chain.steps.iter().any(|(op, _)| *op == BinaryOp::Mul).then_some(chain)
}

/// The affine op that alone reads a value, with its other operand and its result.
fn next(g: &Graph, live: &Live, value: Val) -> Option<(BinaryOp, Val, Val)> {
    let [reader] = live.readers[value.index()][..] else { return None };
    if live.escapes[value.index()] || live.inputs.contains_key(&value) {
        return None;
    }
    let node = &g.nodes()[reader];
    let FusionClass::Elementwise(Ewise::Binary(op)) = node.op.fusion_class() else { return None };
    let first = live.canonical(node.inputs[0]) == value;
    let is_affine = matches!(op, BinaryOp::Add | BinaryOp::Mul) || (*op == BinaryOp::Sub && first);
    is_affine.then(|| (*op, node.inputs[usize::from(first)], node.outputs[0]))
}

impl Chain {
    /// The weights times all factors, and what is to be added to the product.
    fn keep(&self, g: &Graph, live: &Live) -> Result<(Arc<Kept>, Option<Arc<Kept>>)> {
        let channels = Shape::new(&[*g.ty(self.end).shape.last().unwrap_or(&1)])?;
        let mut part = Part { g, live, graph: Graph::new(), of: HashMap::new() };
        let mut weights = part.copy(g.nodes()[self.product].inputs[self.weights])?;
        for &(_, v) in self.steps.iter().filter(|(op, _)| *op == BinaryOp::Mul) {
            let factor = part.copy(v)?;
            let factor = part.graph.reshape(factor, channels)?;
            weights = part.graph.mul(weights, factor)?;
        }
        let weights = Kept::of(&part.graph, weights)?;
        let mut part = Part { g, live, graph: Graph::new(), of: HashMap::new() };
        let mut shift = None;
        for &(op, v) in &self.steps {
            let v = part.copy(v)?;
            let v = part.graph.reshape(v, channels)?;
            shift = match (op, shift) {
                (BinaryOp::Mul, None) => None,
                (BinaryOp::Sub, None) => Some(part.graph.neg(v)?),
                (_, None) => Some(v),
                (op, Some(shift)) => Some(part.graph.push(Ewise::Binary(op), &[shift, v])?),
            };
        }
        let shift = shift.map(|shift| Kept::of(&part.graph, shift)).transpose()?;
        Ok((weights, shift))
    }
}

/// A part of a graph as a graph of its own.
struct Part<'a> {
    g: &'a Graph,
    live: &'a Live,
    graph: Graph,
    of: HashMap<Val, Val>,
}

impl Part<'_> {
    /// Copies a value and all that it is made of.
    fn copy(&mut self, v: Val) -> Result<Val> {
        let mut nodes = Vec::new();
        let mut todo = vec![self.live.canonical(v)];
        while let Some(v) = todo.pop() {
            if self.of.contains_key(&v) {
                continue;
            }
            match self.g.source(v) {
                Source::Node { node, .. } if !nodes.contains(node) => {
                    nodes.push(*node);
                    todo.extend(self.g.nodes()[*node].inputs.iter().map(|&v| self.live.canonical(v)));
                }
                Source::Variable(x) => _ = self.of.insert(v, self.graph.initial(x)),
                Source::Constant(t) => _ = self.of.insert(v, self.graph.constant(t.clone())),
                Source::Input(_) | Source::Node { .. } => {}
            }
        }
        nodes.sort_unstable();
        for n in nodes {
            let node = &self.g.nodes()[n];
            let inputs: Vec<Val> = node.inputs.iter().map(|&v| self.of[&self.live.canonical(v)]).collect();
            let outputs = self.graph.apply(Arc::clone(&node.op), &inputs)?;
            self.of.extend(node.outputs.iter().copied().zip(outputs));
        }
        Ok(self.of[&self.live.canonical(v)])
    }
}
