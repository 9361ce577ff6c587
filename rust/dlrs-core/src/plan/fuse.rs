//! Joining nodes into units that run as one kernel: elementwise chains, products with the pass or the update that follows them.

use std::collections::HashMap;

use dlrs_kernels::isa::Isa;

use super::rewrite::Live;
use crate::DType;
use crate::error::Result;
use crate::graph::{Graph, Node, Source, Val};
use crate::ops::elementwise::{Ewise, Fused, FusedBuilder, compute_dtype};
use crate::ops::{Contraction, FusionClass, LowerCx, Lowered, Op, Packing, TileConsumer};
use crate::tensor::Ty;
use crate::variable::Variable;

/// Nodes in one elementwise pass, and operands of one; more are cut, so that registers and strips stay in L1.
const MAX_NODES: usize = 24;
const MAX_INPUTS: usize = 16;

/// Where a result goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Target {
    /// A value of the graph.
    Value(Val),
    /// The next content of a variable.
    Variable(Variable),
}

impl Target {
    /// The value of the graph.
    pub fn value(&self) -> Option<Val> {
        match self {
            Target::Value(v) => Some(*v),
            Target::Variable(_) => None,
        }
    }
}

/// One kernel of the plan.
pub(super) struct Unit {
    /// The ops' names, first to last.
    pub name: &'static str,
    /// All ops joined, for `explain`.
    pub ops: Vec<&'static str>,
    /// Operands.
    pub inputs: Vec<Val>,
    /// Results.
    pub outputs: Vec<Target>,
    /// Kernel calls.
    pub lowered: Lowered,
    /// Number of results that are the next content of operands.
    pub updates: usize,
    /// The operand that is read from a packed copy.
    pub packing: Option<Packing>,
}

/// Elementwise nodes that run as one pass. Nodes are in reverse topological order.
struct Group {
    nodes: Vec<usize>,
    compute: Option<DType>,
}

pub(super) fn units(g: &Graph, live: &Live, isa: Isa) -> Result<Vec<Unit>> {
    let groups = group(g, live);
    let mut of_node: HashMap<usize, usize> = HashMap::new();
    groups.iter().enumerate().for_each(|(i, group)| group.nodes.iter().for_each(|&n| _ = of_node.insert(n, i)));
    let fuser = Fuser { g, live, isa };
    let mut units = Vec::new();
    // A contraction that a later unit takes over is emitted with that unit.
    let mut taken: HashMap<usize, ()> = HashMap::new();
    for &n in live.nodes.iter().rev() {
        let node = &g.nodes()[n];
        match node.op.fusion_class() {
            FusionClass::View => {}
            FusionClass::Elementwise(_) => {
                let group = &groups[of_node[&n]];
                if group.nodes[0] == n {
                    units.push(fuser.elementwise(group, &mut taken)?);
                }
            }
            FusionClass::Update(update) => {
                let unit = fuser.update(node, update, &mut taken)?;
                units.push(unit);
            }
            _ if taken.contains_key(&n) => {}
            _ => units.push(fuser.single(node)?),
        }
    }
    units.reverse();
    Ok(units)
}

/// The type in which a node computes; `None` if any will do, since it only touches truth values.
fn compute_of(g: &Graph, node: &Node, op: &Ewise) -> Option<DType> {
    let types: Vec<Ty> = node.inputs.iter().map(|&v| g.ty(v)).collect();
    let all = types.iter().map(|t| t.dtype).chain([g.ty(node.outputs[0]).dtype]);
    if all.clone().all(|d| d == DType::Bool) {
        return None;
    }
    Some(compute_dtype(op, &types))
}

/// Small integers wrap and halves are rounded at every operation and must pass through memory; conversions that leave the compute type may only end a chain.
fn may_join(g: &Graph, node: &Node, compute: DType) -> bool {
    let fits = |d: DType| d == compute || d == DType::Bool;
    fits(g.ty(node.outputs[0]).dtype)
}

fn group(g: &Graph, live: &Live) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut of_node: HashMap<usize, usize> = HashMap::new();
    for &n in live.nodes.iter().rev() {
        let node = &g.nodes()[n];
        let FusionClass::Elementwise(op) = node.op.fusion_class() else { continue };
        let compute = compute_of(g, node, op);
        let joined = target_group(live, node, &of_node).filter(|&i| {
            let group: &Group = &groups[i];
            let shape = g.ty(g.nodes()[group.nodes[0]].outputs[0]).shape;
            let agreed = match (compute, group.compute) {
                (Some(a), Some(b)) => a == b,
                _ => true,
            };
            let dtype = compute.or(group.compute);
            agreed
                && shape == g.ty(node.outputs[0]).shape
                && group.nodes.len() < MAX_NODES
                && dtype.is_none_or(|d| may_join(g, node, d))
                && operands(g, live, group.nodes.iter().copied().chain([n])).len() <= MAX_INPUTS
        });
        let i = joined.unwrap_or_else(|| {
            groups.push(Group { nodes: Vec::new(), compute: None });
            groups.len() - 1
        });
        groups[i].nodes.push(n);
        groups[i].compute = groups[i].compute.or(compute);
        of_node.insert(n, i);
    }
    groups
}

/// The group that holds all readers of the node's result, if there is one.
fn target_group(live: &Live, node: &Node, of_node: &HashMap<usize, usize>) -> Option<usize> {
    let readers = &live.readers[node.outputs[0].index()];
    let first = *of_node.get(readers.first()?)?;
    readers.iter().all(|r| of_node.get(r) == Some(&first)).then_some(first)
}

/// Values that the nodes read and none of them computes. Scalar constants are not operands but part of the program.
fn operands(g: &Graph, live: &Live, nodes: impl Iterator<Item = usize> + Clone) -> Vec<Val> {
    let inside: Vec<Val> = nodes.clone().map(|n| g.nodes()[n].outputs[0]).collect();
    let mut out = Vec::new();
    for v in nodes.flat_map(|n| &g.nodes()[n].inputs).map(|&v| live.canonical(v)) {
        if !inside.contains(&v) && !out.contains(&v) && scalar_constant(g, v).is_none() {
            out.push(v);
        }
    }
    out
}

fn scalar_constant(g: &Graph, v: Val) -> Option<f64> {
    match g.source(v) {
        // Larger integers would not survive the way through f64.
        Source::Constant(t) if t.shape().size() == 1 && t.shape().rank() == 0 => {
            Some(t.get(0)).filter(|x| !t.dtype().is_int() || x.abs() < 9e15)
        }
        _ => None,
    }
}

struct Fuser<'a> {
    g: &'a Graph,
    live: &'a Live,
    isa: Isa,
}

impl Fuser<'_> {
    fn types(&self, vals: &[Val]) -> Vec<Ty> {
        vals.iter().map(|&v| self.g.ty(v)).collect()
    }

    fn lower<'a>(&self, inputs: &'a [Ty], outputs: &'a [Ty]) -> LowerCx<'a> {
        LowerCx { isa: self.isa, inputs, outputs, packed: false }
    }

    fn single(&self, node: &Node) -> Result<Unit> {
        let inputs: Vec<Val> = node.inputs.iter().map(|&v| self.live.canonical(v)).collect();
        let (a, b) = (self.types(&inputs), self.types(&node.outputs));
        let (lowered, packing) = match node.op.fusion_class() {
            FusionClass::Contraction(c) if c.accepts_consumer(&a) => self.contract(c, &inputs, &a, &b, None)?,
            _ => (node.op.lower(&self.lower(&a, &b))?, None),
        };
        let name = node.op.name();
        Ok(Unit { name, ops: vec![name], inputs, outputs: values(&node.outputs), lowered, updates: 0, packing })
    }

    /// A product, reading from a packed copy an operand that is a variable which the graph does not write.
    fn contract(
        &self,
        c: &dyn Contraction,
        inputs: &[Val],
        a: &[Ty],
        b: &[Ty],
        consumer: Option<TileConsumer>,
    ) -> Result<(Lowered, Option<Packing>)> {
        let packing = c.packing(self.isa, a).filter(|p| {
            let v = inputs[p.operand];
            let Source::Variable(x) = self.g.source(v) else { return false };
            !self.live.inputs.contains_key(&v) && self.g.writes().iter().all(|(y, _)| y != x)
        });
        let cx = LowerCx { packed: packing.is_some(), ..self.lower(a, b) };
        Ok((c.lower_with(&cx, consumer)?, packing))
    }

    /// A chain as one pass, run over the tiles of a product if it is the only reader of one.
    fn elementwise(&self, group: &Group, taken: &mut HashMap<usize, ()>) -> Result<Unit> {
        let (fused, inputs, outputs) = self.fused(group);
        let mut ops: Vec<_> = group.nodes.iter().rev().map(|&n| self.g.nodes()[n].op.name()).collect();
        if let Some((c, result)) = self.producer(group, &fused, &inputs, &outputs) {
            let node = &self.g.nodes()[c];
            let FusionClass::Contraction(contraction) = node.op.fusion_class() else {
                unreachable!("checked by producer")
            };
            let epilogue = fused.epilogue(self.isa, result);
            let mut all: Vec<Val> = node.inputs.iter().map(|&v| self.live.canonical(v)).collect();
            let (a, b) = (self.types(&all), self.types(&outputs));
            let (lowered, packing) = self.contract(contraction, &all, &a, &b, Some(TileConsumer::Program(epilogue)))?;
            all.extend(inputs.iter().enumerate().filter(|(i, _)| *i != result).map(|(_, &v)| v));
            taken.insert(c, ());
            ops.insert(0, node.op.name());
            return Ok(Unit {
                name: node.op.name(),
                ops,
                inputs: all,
                outputs: values(&outputs),
                lowered,
                updates: 0,
                packing,
            });
        }
        let (a, b) = (self.types(&inputs), self.types(&outputs));
        let lowered = fused.lower(&self.lower(&a, &b))?;
        Ok(Unit {
            name: ops[ops.len() - 1],
            ops,
            inputs,
            outputs: values(&outputs),
            lowered,
            updates: 0,
            packing: None,
        })
    }

    /// The program of a group, its operands and its results (the last node's first).
    fn fused(&self, group: &Group) -> (Fused, Vec<Val>, Vec<Val>) {
        let (g, live) = (self.g, self.live);
        let last = g.nodes()[group.nodes[0]].outputs[0];
        let mut builder = FusedBuilder::new(group.compute.unwrap_or(DType::I32), g.ty(last).shape);
        let mut registers: HashMap<Val, u8> = HashMap::new();
        let inputs = operands(g, live, group.nodes.iter().copied());
        for &v in &inputs {
            registers.insert(v, builder.load(g.ty(v)));
        }
        for &n in group.nodes.iter().rev() {
            let node = &g.nodes()[n];
            let FusionClass::Elementwise(op) = node.op.fusion_class() else {
                unreachable!("groups hold elementwise nodes")
            };
            let operands: Vec<u8> = node
                .inputs
                .iter()
                .map(|&v| live.canonical(v))
                .map(|v| match (registers.get(&v), scalar_constant(g, v)) {
                    (Some(&r), _) => r,
                    (None, Some(value)) => {
                        let r = builder.constant(value);
                        registers.insert(v, r);
                        r
                    }
                    (None, None) => unreachable!("an operand that is neither loaded nor computed"),
                })
                .collect();
            registers.insert(node.outputs[0], builder.op(op, &operands));
        }
        let results = group.nodes.iter().map(|&n| g.nodes()[n].outputs[0]);
        let outputs: Vec<Val> =
            results.enumerate().filter(|(i, v)| *i == 0 || live.escapes[v.index()]).map(|(_, v)| v).collect();
        for v in &outputs {
            builder.store(registers[v], g.ty(*v).dtype);
        }
        (builder.finish("elementwise"), inputs, outputs)
    }

    /// The contraction whose result this pass alone reads, element for element, with the number of the operand.
    fn producer(&self, group: &Group, fused: &Fused, inputs: &[Val], outputs: &[Val]) -> Option<(usize, usize)> {
        let g = self.g;
        if fused.compute != DType::F32 || outputs.len() != 1 || g.ty(outputs[0]).dtype != DType::F32 {
            return None;
        }
        let mut best: Option<(usize, usize)> = None;
        for (i, &v) in inputs.iter().enumerate() {
            let Some(c) = self.contraction(v) else { continue };
            let readers = &self.live.readers[v.index()];
            let mine = readers.iter().all(|r| group.nodes.contains(r));
            if mine
                && g.ty(v) == Ty::new(DType::F32, fused.shape)
                && best.is_none_or(|(b, _)| self.work(c) > self.work(b))
            {
                best = Some((c, i));
            }
        }
        best
    }

    /// The node that computes `v` if it is a contraction that hands on its tiles and nobody else needs `v`.
    fn contraction(&self, v: Val) -> Option<usize> {
        if self.live.inputs.contains_key(&v) || self.live.escapes[v.index()] {
            return None;
        }
        let Source::Node { node, .. } = *self.g.source(v) else { return None };
        let op = &self.g.nodes()[node];
        match op.op.fusion_class() {
            FusionClass::Contraction(c) if c.accepts_consumer(&self.types(&op.inputs)) => Some(node),
            _ => None,
        }
    }

    fn work(&self, n: usize) -> usize {
        self.g.nodes()[n].inputs.iter().map(|&v| self.g.ty(v).shape.size()).sum()
    }

    /// An update, taking its gradient from the product that computes it, tile by tile, if nobody else reads it.
    fn update(&self, node: &Node, update: &dyn crate::ops::Update, taken: &mut HashMap<usize, ()>) -> Result<Unit> {
        let at = update.gradient();
        let gradient = self.live.canonical(node.inputs[at]);
        let alone = self.live.readers[gradient.index()].len() == 1 && self.g.ty(gradient).dtype == DType::F32;
        let (Some(c), true) = (self.contraction(gradient), alone) else {
            return Ok(Unit { updates: node.outputs.len(), ..self.single(node)? });
        };
        let product = &self.g.nodes()[c];
        let FusionClass::Contraction(contraction) = product.op.fusion_class() else {
            unreachable!("checked by contraction")
        };
        let consumer = TileConsumer::Update { update: update.tile_update(DType::F32), states: node.outputs.len() };
        let mut inputs: Vec<Val> = product.inputs.iter().map(|&v| self.live.canonical(v)).collect();
        let operands = inputs.len();
        let (a, b) = (self.types(&inputs), self.types(&[gradient]));
        let mut lowered = contraction.lower_with(&self.lower(&a, &b), Some(consumer))?;
        inputs.extend(node.inputs.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, &v)| self.live.canonical(v)));
        lowered.may_alias = (0..node.outputs.len()).map(|k| (operands + k, k)).collect();
        taken.insert(c, ());
        let ops = vec![product.op.name(), node.op.name()];
        Ok(Unit {
            name: node.op.name(),
            ops,
            inputs,
            outputs: values(&node.outputs),
            lowered,
            updates: node.outputs.len(),
            packing: None,
        })
    }
}

fn values(vals: &[Val]) -> Vec<Target> {
    vals.iter().map(|&v| Target::Value(v)).collect()
}

/// A copy of a finished value into a variable's memory.
pub(super) fn copy_unit(g: &Graph, from: Val, to: &Variable, isa: Isa) -> Result<Unit> {
    let op = Ewise::Unary(dlrs_kernels::elementwise::UnaryOp::Copy);
    let ty = [g.ty(from)];
    let mut lowered = op.lower(&LowerCx { isa, inputs: &ty, outputs: &ty, packed: false })?;
    lowered.may_alias.clear();
    let outputs = vec![Target::Variable(to.clone())];
    Ok(Unit { name: "assign", ops: vec!["assign"], inputs: vec![from], outputs, lowered, updates: 0, packing: None })
}
