//! Products with joined operands, as sums of products.
//!
//! [a, b]·W = a·W₁ + b·W₂, where W₁ and W₂ are the rows of W that meet a and b. An attention that scores every state of an encoder
//! against each state of a decoder by `Dense(concatenate([states, repeat(h)]))` (Bahdanau et al. 2015, arXiv 1409.0473) then computes
//! `states`·W₁ once for all steps of the decoder, and h·W₂ once for all states. Before gradients are taken, so that theirs are shared, too.
//!
//! The sum is in other brackets than that of the one product. Each is within n·u·Σ|xᵢwᵢ| of the exact one, to first order in the unit
//! roundoff u, where n counts the terms (Higham 2002, §3.1); so they differ by at most twice that.

use std::collections::HashMap;
use std::sync::Arc;

use dlrs_kernels::elementwise::BinaryOp;

use crate::error::Result;
use crate::graph::{Graph, Node, Source, Val};
use crate::key::Key;
use crate::ops::slice::Span;
use crate::ops::{Ewise, FusionClass, Op};
use crate::shape::Shape;

/// A piece of a joined operand: its value, where its rows of the other operand begin, and how many there are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Piece {
    value: Val,
    start: usize,
    len: usize,
}

/// A product whose first operand is joined along the axis that is summed over.
struct Joined {
    pieces: Vec<Piece>,
    /// The axes of the operands that are summed over.
    axes: [usize; 2],
}

/// The graph with products of joined operands as sums where that saves work; none if it does nowhere. Values keep their numbers.
///
/// # Errors
/// What ops say of their operands.
pub(crate) fn distribute(g: &Graph) -> Result<Option<Graph>> {
    let found: HashMap<Val, Joined> =
        g.nodes().iter().filter_map(|node| Some((node.outputs[0], joined(g, node)?))).collect();
    if found.is_empty() {
        return Ok(None);
    }
    let mut uses: HashMap<(Piece, Val), usize> = HashMap::new();
    for node in g.nodes() {
        for &piece in found.get(&node.outputs[0]).iter().flat_map(|j| &j.pieces) {
            *uses.entry((piece, node.inputs[1])).or_default() += 1;
        }
    }
    let pays = |node: &Node, joined: &Joined| {
        let is_narrow = |v: Val| narrow(g, v, joined.axes[0]) != v;
        joined.pieces.iter().any(|piece| uses[&(*piece, node.inputs[1])] > 1 || is_narrow(piece.value))
    };
    if !g.nodes().iter().any(|node| found.get(&node.outputs[0]).is_some_and(|joined| pays(node, joined))) {
        return Ok(None);
    }
    let mut made = Made::default();
    let distributed = g.replace(|new, node| match found.get(&node.outputs[0]) {
        Some(joined) if pays(node, joined) => made.sum(new, node, joined).map(Some),
        _ => Ok(None),
    });
    distributed.map(Some)
}

/// How a node's first operand is joined, if its op sums over the axis of the joint.
fn joined(g: &Graph, node: &Node) -> Option<Joined> {
    let FusionClass::Contraction(contraction) = node.op.fusion_class() else { return None };
    let types: Vec<_> = node.inputs.iter().map(|&v| g.ty(v)).collect();
    let axes @ [joint, _] = contraction.summed(&types)?;
    let Source::Node { node: maker, .. } = g.source(node.inputs[0]) else { return None };
    let maker = &g.nodes()[*maker];
    let FusionClass::Joint(along) = maker.op.fusion_class() else { return None };
    if along != joint {
        return None;
    }
    let mut start = 0;
    let pieces = maker.inputs.iter().map(|&value| {
        let len = g.ty(value).shape[joint];
        start += len;
        Piece { value, start: start - len, len }
    });
    Some(Joined { pieces: pieces.collect(), axes })
}

/// What a value repeats along other axes than `joint`, if it does; otherwise the value.
fn narrow(g: &Graph, v: Val, joint: usize) -> Val {
    let Source::Node { node, .. } = g.source(v) else { return v };
    let node = &g.nodes()[*node];
    let FusionClass::Elementwise(Ewise::BroadcastTo(wide)) = node.op.fusion_class() else { return v };
    let own = g.ty(node.inputs[0]).shape;
    if own.rank() == wide.rank() && own[joint] == wide[joint] { node.inputs[0] } else { v }
}

/// Parts of weights and products with them that exist already.
#[derive(Default)]
struct Made {
    parts: HashMap<(Val, usize, usize), Val>,
    products: HashMap<Key, Val>,
}

impl Made {
    /// The node that adds the products of the pieces.
    fn sum(&mut self, g: &mut Graph, node: &Node, joined: &Joined) -> Result<Node> {
        let mut terms = Vec::with_capacity(joined.pieces.len());
        for piece in &joined.pieces {
            let part = self.part(g, node.inputs[1], piece, joined.axes[1])?;
            terms.push(self.product(g, &node.op, narrow(g, piece.value, joined.axes[0]), part)?);
        }
        let last = terms.pop().unwrap_or(node.inputs[0]);
        let Some(mut sum) = terms.first().copied() else { return Ok(wide(g, last, node)) };
        for &term in &terms[1..] {
            sum = g.add(sum, term)?;
        }
        let shape = g.ty(node.outputs[0]).shape;
        let add = Ewise::Binary(BinaryOp::Add);
        if g.ty(sum).shape.broadcast(&g.ty(last).shape) == Some(shape) {
            return Ok(Node { op: Arc::new(add), inputs: vec![sum, last], outputs: node.outputs.clone() });
        }
        let sum = g.push(add, &[sum, last])?;
        Ok(wide(g, sum, node))
    }

    /// The rows of the weights that meet the piece.
    fn part(&mut self, g: &mut Graph, weights: Val, piece: &Piece, axis: usize) -> Result<Val> {
        let place = (weights, piece.start, piece.len);
        if let Some(&part) = self.parts.get(&place) {
            return Ok(part);
        }
        let mut spans: Vec<Span> = g.ty(weights).shape.iter().map(|&n| Span::all(n)).collect();
        spans[axis] = Span::range(piece.start, piece.len);
        let part = g.slice(weights, &spans)?;
        self.parts.insert(place, part);
        Ok(part)
    }

    fn product(&mut self, g: &mut Graph, op: &Arc<dyn Op>, x: Val, part: Val) -> Result<Val> {
        let key = crate::dispatch::node_key(&**op, &[x, part]);
        if let Some(&product) = self.products.get(&key) {
            return Ok(product);
        }
        let product = g.apply(Arc::clone(op), &[x, part])?[0];
        self.products.insert(key, product);
        Ok(product)
    }
}

/// The node that repeats a sum to the shape of `node`'s result.
fn wide(g: &Graph, sum: Val, node: &Node) -> Node {
    let shape: Shape = g.ty(node.outputs[0]).shape;
    Node { op: Arc::new(Ewise::BroadcastTo(shape)), inputs: vec![sum], outputs: node.outputs.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autodiff;
    use crate::ops::testing::{noise, values};
    use crate::plan::Plan;
    use crate::tensor::Tensor;

    /// Scores of states against two queries, with the gradients by all four inputs.
    fn scores(g: &mut Graph, tensors: &[Tensor]) -> Result<(Vec<Val>, Vec<Val>)> {
        let x: Vec<Val> = tensors.iter().map(|t| g.input(t.ty())).collect();
        let mut sum = None;
        for &query in &x[1..3] {
            let shape = g.ty(x[0]).shape.with_dim(2, g.ty(query).shape[2]);
            let repeated = g.broadcast_to(query, shape)?;
            let joined = g.concat(&[x[0], repeated], 2)?;
            let product = g.matmul(joined, x[3], false, false)?;
            let product = g.tanh(product)?;
            sum = g.add_optional(sum, Some(product))?;
        }
        Ok((x, vec![sum.expect("two")]))
    }

    fn inputs() -> Vec<Tensor> {
        vec![noise(&[3, 5, 4], 1), noise(&[3, 1, 6], 2), noise(&[3, 1, 6], 3), noise(&[10, 7], 4)]
    }

    fn results(g: &mut Graph, x: &[Val], y: Val, tensors: &[Tensor]) -> Result<Vec<Vec<f64>>> {
        let ones = crate::dispatch::ones_like(g, y)?;
        let d = autodiff::gradients(g, &[y], &[ones], x)?;
        let outputs: Vec<Val> = [y].into_iter().chain(d.into_iter().flatten()).collect();
        assert_eq!(outputs.len(), 5);
        let plan = Plan::build(g, x, &outputs)?;
        let feeds: Vec<&[u8]> = tensors.iter().map(Tensor::bytes).collect();
        plan.run(&feeds, None)?.iter().map(|t| Ok(values(t))).collect()
    }

    fn products(g: &Graph) -> usize {
        g.nodes().iter().filter(|node| node.op.name() == "matmul").count()
    }

    #[test]
    fn what_is_shared_or_repeated_is_multiplied_once() -> Result<()> {
        let tensors = inputs();
        let mut plain = Graph::new();
        let (x, y) = scores(&mut plain, &tensors)?;
        let mut g = distribute(&plain)?.expect("there is something to share");
        assert_eq!((products(&plain), products(&g)), (2, 3));
        let sizes: Vec<usize> =
            g.nodes().iter().filter(|n| n.op.name() == "matmul").map(|n| g.ty(n.outputs[0]).shape.size()).collect();
        assert_eq!(sizes, [3 * 5 * 7, 3 * 7, 3 * 7]);
        let (want, have) = (results(&mut plain, &x, y[0], &tensors)?, results(&mut g, &x, y[0], &tensors)?);
        for (want, have) in want.iter().zip(&have) {
            assert_eq!(want.len(), have.len());
            assert!(want.iter().zip(have).all(|(a, b)| (a - b).abs() < 1e-12), "{want:?} {have:?}");
        }
        Ok(())
    }

    #[test]
    fn nothing_is_done_for_nothing() -> Result<()> {
        let mut g = Graph::new();
        let x: Vec<Val> = inputs().iter().map(|t| g.input(t.ty())).collect();
        let joined = g.concat(&[x[0], x[0]], 2)?;
        let weights = g.concat(&[x[3]], 0)?;
        let rows = g.slice(weights, &[Span::range(0, 8), Span::all(7)])?;
        g.matmul(joined, rows, false, false)?;
        assert!(distribute(&g)?.is_none());
        Ok(())
    }

    #[test]
    fn only_repeated_pieces_give_the_whole_shape() -> Result<()> {
        let tensors = [noise(&[3, 1, 4], 1), noise(&[3, 1, 4], 2), noise(&[8, 2], 4)];
        let mut plain = Graph::new();
        let x: Vec<Val> = tensors.iter().map(|t| plain.input(t.ty())).collect();
        let shape = Shape::new(&[3, 5, 4])?;
        let (a, b) = (plain.broadcast_to(x[0], shape)?, plain.broadcast_to(x[1], shape)?);
        let joined = plain.concat(&[a, b], 2)?;
        let y = plain.matmul(joined, x[2], false, false)?;
        let g = distribute(&plain)?.expect("two repeated pieces");
        assert_eq!(g.ty(y).shape, Shape::new(&[3, 5, 2])?);
        let feeds: Vec<&[u8]> = tensors.iter().map(Tensor::bytes).collect();
        let run = |g: &Graph| Ok::<_, crate::Error>(values(&Plan::build(g, &x, &[y])?.run(&feeds, None)?[0]));
        assert!(run(&g)?.iter().zip(run(&plain)?).all(|(a, b)| (a - b).abs() < 1e-12));
        Ok(())
    }
}
