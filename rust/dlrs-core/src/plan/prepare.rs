//! Operands that are packed once in every run, by a node of their own, instead of once in every tile.

use std::sync::Arc;

use dlrs_kernels::isa::Isa;

use crate::error::Result;
use crate::graph::{Graph, Node, Source, Val};
use crate::ops::prepared::Prepared;
use crate::ops::{FusionClass, Op, Preparation};
use crate::tensor::Ty;

/// A graph with such nodes before its contractions, and what stands for its `inputs` and `outputs`; none if it needs no such node.
/// Operands that stay the same from run to run are left to the packed copies that are kept with variables.
pub(super) fn prepare(
    g: &Graph,
    inputs: &[Val],
    outputs: &[Val],
    isa: Isa,
) -> Result<Option<(Graph, Vec<Val>, Vec<Val>)>> {
    if !g.nodes().iter().any(|node| preparation(g, inputs, node, isa).is_some()) {
        return Ok(None);
    }
    let (prepared, map) = g.replace(|new, node, operands| {
        let Some(Preparation { operand, op }) = preparation(g, inputs, node, isa) else { return Ok(None) };
        let ty = g.ty(node.inputs[operand]);
        let mut operands = operands.to_vec();
        operands[operand] = new.apply(op, &operands[operand..=operand])?[0];
        let contraction: Arc<dyn Op> = Arc::new(Prepared { op: Arc::clone(&node.op), operand, ty });
        new.apply(contraction, &operands).map(Some)
    })?;
    let mapped = |vals: &[Val]| vals.iter().map(|v| map[v.index()]).collect();
    Ok(Some((prepared, mapped(inputs), mapped(outputs))))
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
