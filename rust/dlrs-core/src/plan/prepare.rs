//! Operands that are packed once in every run, by a node of their own, instead of once in every tile.

use std::sync::Arc;

use dlrs_kernels::isa::Isa;

use crate::error::Result;
use crate::graph::{Graph, Node, Source, Val};
use crate::ops::prepared::Prepared;
use crate::ops::{FusionClass, Preparation};
use crate::tensor::Ty;

/// The graph with such nodes before its contractions; none if it needs none. Operands that stay the same from run to run are left to
/// the packed copies that are kept with variables.
pub(super) fn prepare(g: &Graph, inputs: &[Val], isa: Isa) -> Result<Option<Graph>> {
    if !g.nodes().iter().any(|node| preparation(g, inputs, node, isa).is_some()) {
        return Ok(None);
    }
    let prepared = g.replace(|new, node| {
        let Some(Preparation { operand, op }) = preparation(g, inputs, node, isa) else { return Ok(None) };
        let mut node = node.clone();
        let ty = g.ty(node.inputs[operand]);
        node.inputs[operand] = new.apply(op, &node.inputs[operand..=operand])?[0];
        node.op = Arc::new(Prepared { op: node.op, operand, ty });
        Ok(Some(node))
    });
    prepared.map(Some)
}

fn preparation(g: &Graph, inputs: &[Val], node: &Node, isa: Isa) -> Option<Preparation> {
    let FusionClass::Contraction(contraction) = node.op.fusion_class() else { return None };
    let types: Vec<Ty> = node.inputs.iter().map(|&v| g.ty(v)).collect();
    let preparation = contraction.preparation(isa, &types)?;
    let v = node.inputs[preparation.operand];
    let kept = match g.source(v) {
        Source::Variable(x) => !inputs.contains(&v) && g.writes().iter().all(|(y, _)| y != x),
        _ => false,
    };
    (!kept).then_some(preparation)
}
