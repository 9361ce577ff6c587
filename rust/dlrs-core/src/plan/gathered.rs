//! Products with rows gathered from a table: with fewer rows in the table than are gathered, the table is multiplied instead.
//!
//! Let G gather rows (an embedding of characters, say), so that its adjoint Gᵀ sums rows by their index. Then (G·E)·W = G·(E·W), and the
//! gradients (G·E)ᵀ·D = Eᵀ·(Gᵀ·D) and Gᵀ·(D·Wᵀ) = (Gᵀ·D)·Wᵀ: three products over the gathered rows become three over the table's, and
//! one sum over rows. Products of the rows that a mask allows are exchanged likewise: Gᵀ then sums those alone. Results differ from the definition's in the order of sums alone; but a row of the table that is not finite
//! reaches the gradient by W even where no index names it, as ∞·0.

use std::sync::Arc;

use dlrs_kernels::elementwise::BinaryOp;

use super::rewrite::{Live, rewrite};
use crate::error::Result;
use crate::graph::{Graph, Node, Source, Val};
use crate::ops::elementwise::Ewise;
use crate::ops::masked::{MaskedMatMul, MaskedProduct, MaskedSums, Rest};
use crate::ops::matmul::MatMul;
use crate::ops::segment::{Combine, Segment};
use crate::ops::shape::Reshape;
use crate::ops::{FusionClass, Op};
use crate::shape::Shape;

/// Gathered rows per row of the table from which the exchange pays.
const PAYS: usize = 2;

/// The graph with such products exchanged; none if it has none.
pub(super) fn exchange(g: &Graph, inputs: &[Val], outputs: &[Val]) -> Result<Option<Graph>> {
    let is_candidate = |node: &Node| matches!(node.op.fusion_class(), FusionClass::Gather | FusionClass::SumOfRows(_));
    if !g.nodes().iter().any(is_candidate) {
        return Ok(None);
    }
    let seen = Seen { g, live: rewrite(g, inputs, outputs) };
    let mut exchanged = false;
    let graph = g.replace(|new, node| {
        let other = seen.exchanged(new, node)?;
        exchanged |= other.is_some();
        Ok(other)
    })?;
    Ok(exchanged.then_some(graph))
}

/// The graph as it is.
struct Seen<'a> {
    g: &'a Graph,
    live: Live,
}

/// Rows of a table (rows, columns), by indices.
struct Gathered {
    /// What gathers them, and refuses indices in words of its own.
    op: Arc<dyn Op>,
    table: Val,
    indices: Val,
    rows: usize,
    count: usize,
}

/// A product of all rows of `a` with a matrix, or of those that the mask allows.
struct Product {
    a: Val,
    b: Val,
    transpose_b: bool,
    mask: Option<Val>,
}

impl Seen<'_> {
    /// The node that makes a value in a run.
    fn node(&self, v: Val) -> Option<&Node> {
        let v = self.live.canonical(v);
        match self.g.source(v) {
            Source::Node { node, .. } if !self.live.inputs.contains_key(&v) => Some(&self.g.nodes()[*node]),
            _ => None,
        }
    }

    /// The value of which `v` is another view with the same last axis.
    fn unviewed(&self, v: Val) -> Val {
        let columns = |v: Val| self.g.ty(v).shape.last().copied();
        match self.node(v) {
            Some(node)
                if matches!(node.op.fusion_class(), FusionClass::View) && columns(node.inputs[0]) == columns(v) =>
            {
                self.unviewed(node.inputs[0])
            }
            _ => self.live.canonical(v),
        }
    }

    fn gathered(&self, v: Val) -> Option<Gathered> {
        let node = self.node(self.unviewed(v))?;
        let (FusionClass::Gather, &[table, indices]) = (node.op.fusion_class(), &node.inputs[..]) else { return None };
        let (rows, count) = (self.g.ty(table).shape[0], self.g.ty(indices).shape.size());
        let pays = self.g.ty(table).shape.rank() == 2 && count >= PAYS * rows;
        pays.then(|| Gathered { op: Arc::clone(&node.op), table, indices, rows, count })
    }

    /// The product that makes a value, rows of the first operand by a matrix.
    fn product(&self, v: Val) -> Option<Product> {
        let node = self.node(v)?;
        let product = product_of(node)?;
        let is_matrix = self.g.ty(node.inputs[1]).shape.rank() == 2;
        (is_matrix && !product.transpose_a).then(|| Product {
            a: node.inputs[0],
            b: node.inputs[1],
            transpose_b: product.transpose_b,
            mask: None,
        })
    }

    /// As [`product`](Self::product), of the rows that a mask allows.
    fn masked_product(&self, v: Val) -> Option<(MaskedMatMul, Product)> {
        let node = self.node(v)?;
        let MaskedProduct::Rows(op) = masked_product_of(node)? else { return None };
        let (a, b, mask) = (node.inputs[0], node.inputs[1], node.inputs.last().copied());
        Some((op, Product { a, b, transpose_b: op.transpose_b, mask }))
    }

    /// The vector over the last axis that a node adds to the other operand.
    fn added(&self, node: &Node) -> Option<(Val, Val)> {
        let FusionClass::Elementwise(Ewise::Binary(BinaryOp::Add)) = node.op.fusion_class() else { return None };
        let result = self.g.ty(node.outputs[0]);
        let is_vector = |v: Val| {
            let shape = self.g.ty(v).shape;
            shape.last() == result.shape.last() && Some(&shape.size()) == shape.last()
        };
        let pair = |a: Val, b: Val| (self.g.ty(a) == result && is_vector(b)).then_some((a, b));
        pair(node.inputs[0], node.inputs[1]).or_else(|| pair(node.inputs[1], node.inputs[0]))
    }

    /// Whether one node alone reads the value, and all of its views but the last.
    fn is_read_once(&self, v: Val) -> bool {
        self.live.readers[self.live.canonical(v).index()].len() == 1
            && !self.live.escapes[self.live.canonical(v).index()]
    }

    fn exchanged(&self, new: &mut Graph, node: &Node) -> Result<Option<Node>> {
        if self.live.canonical(node.outputs[0]) != node.outputs[0] {
            return Ok(None);
        }
        match node.op.fusion_class() {
            FusionClass::SumOfRows(segments) => self.sum_of_products(new, node, segments),
            FusionClass::Elementwise(_) => self.sum_with_product(new, node),
            FusionClass::Contraction(contraction) => {
                match (self.product(node.outputs[0]), contraction.masked_product()) {
                    (Some(product), _) => self.product_of_rows(new, node, product, None),
                    (None, Some(MaskedProduct::Rows(op))) if op.rest == Rest::Left => {
                        self.masked_product_of_rows(new, node)
                    }
                    (None, Some(MaskedProduct::Sums(MaskedSums { parts: 1 }))) => self.masked_sums(new, node),
                    _ => self.product_of_transposed(new, node),
                }
            }
            _ => Ok(None),
        }
    }

    /// G·E·W + b = G·(E·W + b).
    fn sum_with_product(&self, new: &mut Graph, node: &Node) -> Result<Option<Node>> {
        let Some((sum, vector)) = self.added(node) else { return Ok(None) };
        match self.product(self.unviewed(sum)) {
            Some(product) if self.is_read_once(sum) => self.product_of_rows(new, node, product, Some(vector)),
            _ => Ok(None),
        }
    }

    /// The node that gathers rows of the table's product, plus a vector.
    fn product_of_rows(
        &self,
        new: &mut Graph,
        node: &Node,
        Product { a, b, transpose_b, .. }: Product,
        vector: Option<Val>,
    ) -> Result<Option<Node>> {
        let Some(Gathered { op, table, indices, .. }) = self.gathered(a) else { return Ok(None) };
        let mut product = new.matmul(table, b, false, transpose_b)?;
        let columns = new.ty(product).shape[1];
        if let Some(vector) = vector {
            let vector = new.reshape(vector, Shape::new(&[columns])?)?;
            product = new.add(product, vector)?;
        }
        let rows = new.apply(op, &[product, indices])?[0];
        let shape = self.g.ty(node.outputs[0]).shape;
        Ok(Some(Node { op: Arc::new(Reshape { shape }), inputs: vec![rows], outputs: node.outputs.clone() }))
    }

    /// As [`product_of_rows`](Self::product_of_rows): what the rows hold that the mask denies is free.
    fn masked_product_of_rows(&self, new: &mut Graph, node: &Node) -> Result<Option<Node>> {
        let Some((op, product)) = self.masked_product(node.outputs[0]) else { return Ok(None) };
        self.product_of_rows(new, node, product, op.bias.then(|| node.inputs[2]))
    }

    /// (G·E)ᵀ·D = Eᵀ·(Gᵀ·D), where the mask allows it.
    fn masked_sums(&self, new: &mut Graph, node: &Node) -> Result<Option<Node>> {
        let Some(Gathered { table, indices, rows, count, .. }) = self.gathered(node.inputs[0]) else { return Ok(None) };
        let columns = self.g.ty(node.outputs[0]).shape[2];
        let d = new.reshape(node.inputs[1], Shape::new(&[count, columns])?)?;
        let indices = new.reshape(indices, Shape::new(&[count])?)?;
        let sums = segment_sum(new, d, indices, Some(node.inputs[2]), rows)?;
        let product = new.matmul(table, sums, true, false)?;
        let shape = self.g.ty(node.outputs[0]).shape;
        Ok(Some(Node { op: Arc::new(Reshape { shape }), inputs: vec![product], outputs: node.outputs.clone() }))
    }

    /// (G·E)ᵀ·D = Eᵀ·(Gᵀ·D).
    fn product_of_transposed(&self, new: &mut Graph, node: &Node) -> Result<Option<Node>> {
        let matrices = node.inputs.iter().all(|&v| self.g.ty(v).shape.rank() == 2);
        match product_of(node) {
            Some(MatMul { transpose_a: true, transpose_b: false }) if matrices => {}
            _ => return Ok(None),
        }
        let Some(Gathered { table, indices, rows, count, .. }) = self.gathered(node.inputs[0]) else { return Ok(None) };
        let indices = new.reshape(indices, Shape::new(&[count])?)?;
        let sums = new.segment_sum(node.inputs[1], indices, rows)?;
        Ok(Some(Node { inputs: vec![table, sums], ..node.clone() }))
    }

    /// Gᵀ·(D·W) = (Gᵀ·D)·W.
    fn sum_of_products(&self, new: &mut Graph, node: &Node, segments: usize) -> Result<Option<Node>> {
        let (mut data, indices) = (self.live.canonical(node.inputs[0]), node.inputs[1]);
        let [count, columns] = self.g.ty(data).shape[..] else { return Ok(None) };
        let made = self.unviewed(data);
        while data != made && self.is_read_once(data) {
            data = self.live.canonical(self.node(data).map_or(made, |view| view.inputs[0]));
        }
        let masked = || self.masked_product(made).filter(|(op, _)| op.rest == Rest::Zero && !op.bias);
        let product = self.product(made).or_else(|| Some(masked()?.1));
        let Some(Product { a, b, transpose_b, mask }) = product else { return Ok(None) };
        if data != made || !self.is_read_once(made) || count < PAYS * segments || columns == 0 {
            return Ok(None);
        }
        let inner = self.g.ty(a).shape.last().copied().unwrap_or(0);
        let a = new.reshape(a, Shape::new(&[count, inner])?)?;
        let sums = segment_sum(new, a, indices, mask, segments)?;
        let op = Arc::new(MatMul { transpose_a: false, transpose_b });
        Ok(Some(Node { op, inputs: vec![sums, b], outputs: node.outputs.clone() }))
    }
}

/// Sums of rows by their index; of those that the mask allows, if there is one.
fn segment_sum(g: &mut Graph, data: Val, indices: Val, mask: Option<Val>, segments: usize) -> Result<Val> {
    let Some(mask) = mask else { return g.segment_sum(data, indices, segments) };
    let mask = g.reshape(mask, g.ty(indices).shape)?;
    g.push(Segment { combine: Combine::Sum, segments, masked: true }, &[data, indices, mask])
}

/// The op of a node that is a product of the rows that a mask allows.
fn masked_product_of(node: &Node) -> Option<MaskedProduct> {
    let FusionClass::Contraction(contraction) = node.op.fusion_class() else { return None };
    contraction.masked_product()
}

/// The op of a node that is a product of matrices.
fn product_of(node: &Node) -> Option<MatMul> {
    let FusionClass::Contraction(contraction) = node.op.fusion_class() else { return None };
    contraction.product()
}
