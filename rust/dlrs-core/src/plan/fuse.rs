//! Joining nodes into units that run as one kernel: elementwise chains, products with the pass or the update that follows them.

use std::collections::HashMap;

use dlrs_kernels::isa::Isa;

use super::groups::{self, Group, Groups, operands, scalar_constant};
use super::rewrite::Live;
use crate::DType;
use crate::error::Result;
use crate::graph::{Graph, Source, Val};
use crate::ops::elementwise::{Ewise, Fused, FusedBuilder};
use crate::ops::{Contraction, FusionClass, LowerCx, Lowered, Op, Packing, TileConsumer};
use crate::tensor::Ty;
use crate::variable::Variable;

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

/// What a unit was made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    /// This node.
    Node(usize),
    /// The group that ends with a node, and the product whose tiles it takes.
    Group { last: usize, product: Option<usize> },
    /// An update, or something that is not in the graph.
    Other,
}

/// One kernel of the plan.
pub(super) struct Unit {
    pub origin: Origin,
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

/// How nodes are grouped.
pub(super) fn groups(g: &Graph, live: &Live) -> Groups {
    Groups::new(g, live, &|group| refuses_columns(g, live, group))
}

pub(super) fn units(g: &Graph, live: &Live, groups: &Groups, isa: Isa) -> Result<Vec<Unit>> {
    let fuser = Fuser { g, live, isa, groups };
    let mut units = Vec::new();
    // A contraction that a later unit takes over is emitted with that unit.
    let mut taken: HashMap<usize, ()> = HashMap::new();
    for &n in live.nodes.iter().rev() {
        let node = &g.nodes()[n];
        match node.op.fusion_class() {
            FusionClass::View => {}
            FusionClass::Elementwise(_) | FusionClass::Columns(_) => {
                if let Some(group) = groups.ending_with(n) {
                    units.push(fuser.group(group, &mut taken)?);
                }
            }
            FusionClass::Update(update) => {
                let unit = fuser.update(n, update, &mut taken)?;
                units.push(unit);
            }
            _ if taken.contains_key(&n) => {}
            _ => units.push(fuser.single(n)?),
        }
    }
    units.reverse();
    Ok(in_order(live, units))
}

/// The units so that each stands behind those that compute its operands, otherwise in their order: a pass that takes statistics stands
/// where its last statistic does.
fn in_order(live: &Live, units: Vec<Unit>) -> Vec<Unit> {
    let mut maker: HashMap<Val, usize> = HashMap::new();
    for (u, unit) in units.iter().enumerate() {
        for target in &unit.outputs {
            if let Target::Value(v) = target {
                maker.insert(*v, u);
            }
        }
    }
    let needs: Vec<Vec<usize>> = units
        .iter()
        .map(|unit| unit.inputs.iter().filter_map(|&v| maker.get(&live.root(v)).copied()).collect())
        .collect();
    let mut order = Vec::with_capacity(units.len());
    let mut placed = vec![false; units.len()];
    for first in 0..units.len() {
        let mut todo = vec![first];
        while let Some(&u) = todo.last() {
            match needs[u].iter().find(|&&need| !placed[need]) {
                Some(&need) if !placed[u] => todo.push(need),
                _ => {
                    todo.pop();
                    if !std::mem::replace(&mut placed[u], true) {
                        order.push(u);
                    }
                }
            }
        }
    }
    let mut units: Vec<Option<Unit>> = units.into_iter().map(Some).collect();
    order.into_iter().filter_map(|u| units[u].take()).collect()
}

/// Makes units.
pub(super) struct Fuser<'a> {
    pub g: &'a Graph,
    pub live: &'a Live,
    pub isa: Isa,
    pub groups: &'a Groups,
}

impl Fuser<'_> {
    /// A unit made as another one was.
    pub fn again(&self, origin: Origin) -> Result<Option<Unit>> {
        match origin {
            Origin::Node(n) => self.single(n).map(Some),
            Origin::Group { last, .. } => {
                let group = self.groups.ending_with(last);
                group.map(|group| self.group(group, &mut HashMap::new())).transpose()
            }
            Origin::Other => Ok(None),
        }
    }

    fn types(&self, vals: &[Val]) -> Vec<Ty> {
        types(self.g, vals)
    }

    fn lower<'a>(&self, inputs: &'a [Ty], outputs: &'a [Ty]) -> LowerCx<'a> {
        LowerCx { isa: self.isa, inputs, outputs, packed: false }
    }

    fn single(&self, n: usize) -> Result<Unit> {
        let node = &self.g.nodes()[n];
        let inputs: Vec<Val> = node.inputs.iter().map(|&v| self.live.canonical(v)).collect();
        let (a, b) = (self.types(&inputs), self.types(&node.outputs));
        let (lowered, packing) = match node.op.fusion_class() {
            // Those of several results take no consumer, but may read an operand that is packed.
            FusionClass::Contraction(c) if c.accepts_consumer(&a) || b.len() > 1 => {
                self.contract(c, &inputs, &a, &b, None)?
            }
            _ => (node.op.lower(&self.lower(&a, &b))?, None),
        };
        let name = node.op.name();
        let (origin, ops, outputs) = (Origin::Node(n), vec![name], values(&node.outputs));
        Ok(Unit { origin, name, ops, inputs, outputs, lowered, updates: 0, packing })
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

    /// A group as one pass, run over the tiles of a product if it is the only reader of one.
    fn group(&self, group: &Group, taken: &mut HashMap<usize, ()>) -> Result<Unit> {
        let only_moments = group.nodes.is_empty() && groups::is_moments(self.g, group.sinks[0]);
        let base = self.producer_of_base(group).filter(|(c, _)| !taken.contains_key(c));
        if only_moments && base.is_none() {
            return self.single(group.sinks[0]);
        }
        let (fused, inputs, outputs) = self.fused(group, base.is_some());
        let names = group.nodes.iter().rev().chain(&group.sinks).map(|&n| self.g.nodes()[n].op.name());
        let mut ops: Vec<_> = names.collect();
        let Some((c, result)) = base.or_else(|| self.producer(group, &fused, &inputs)) else {
            let (a, b) = (self.types(&inputs), self.types(&outputs));
            let lowered = fused.lower(&self.lower(&a, &b))?;
            let name = ops[ops.len() - 1];
            let origin = Origin::Group { last: group.last(), product: None };
            let outputs = values(&outputs);
            return Ok(Unit { origin, name, ops, inputs, outputs, lowered, updates: 0, packing: None });
        };
        let node = &self.g.nodes()[c];
        let FusionClass::Contraction(contraction) = node.op.fusion_class() else { unreachable!("checked by producer") };
        let epilogue = Box::new(fused.epilogue(self.isa, result));
        let mut all: Vec<Val> = node.inputs.iter().map(|&v| self.live.canonical(v)).collect();
        let (a, b) = (self.types(&all), self.types(&outputs));
        let (lowered, packing) = self.contract(contraction, &all, &a, &b, Some(TileConsumer::Program(epilogue)))?;
        all.extend(inputs.iter().enumerate().filter(|(i, _)| *i != result).map(|(_, &v)| v));
        taken.insert(c, ());
        ops.insert(0, node.op.name());
        let (name, outputs) = (node.op.name(), values(&outputs));
        let origin = Origin::Group { last: group.last(), product: Some(c) };
        Ok(Unit { origin, name, ops, inputs: all, outputs, lowered, updates: 0, packing })
    }

    /// The program of a group, its operands and its results: what it stores (the last node's first; the operand of statistics alone
    /// if `store_base`), sums, moments.
    fn fused(&self, group: &Group, store_base: bool) -> (Fused, Vec<Val>, Vec<Val>) {
        let (g, live) = (self.g, self.live);
        let mut builder = FusedBuilder::new(group.compute.unwrap_or(DType::I32), group.shape);
        let mut registers: HashMap<Val, u8> = HashMap::new();
        let inputs = operands(g, live, group.members());
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
        let is_stored = |n: &&usize| self.groups.is_stored(g, live, &group.nodes, &group.sinks, **n);
        let stored = group.nodes.iter().filter(is_stored).map(|&n| g.nodes()[n].outputs[0]);
        let mut outputs: Vec<Val> = stored.chain(inputs.first().copied().filter(|_| store_base)).collect();
        for v in &outputs {
            builder.store(registers[v], g.ty(*v).dtype);
        }
        let of = |s: usize| live.canonical(g.nodes()[s].inputs[0]);
        let (moments, sums): (Vec<usize>, Vec<usize>) = group.sinks.iter().partition(|&&s| groups::is_moments(g, s));
        for &s in &sums {
            builder.sum(registers[&of(s)]);
        }
        for &s in &moments {
            builder.moments(outputs.iter().position(|&v| v == of(s)).expect("moments are of what is stored"));
        }
        outputs.extend(sums.iter().chain(&moments).flat_map(|&s| &g.nodes()[s].outputs));
        (builder.finish("elementwise"), inputs, outputs)
    }

    /// The contraction of whose result a group takes statistics and nothing else; whoever else reads it finds it stored.
    fn producer_of_base(&self, group: &Group) -> Option<(usize, usize)> {
        if !group.nodes.is_empty() {
            return None;
        }
        let v = self.live.canonical(self.g.nodes()[group.sinks[0]].inputs[0]);
        let Source::Node { node, .. } = *self.g.source(v) else { return None };
        let op = &self.g.nodes()[node];
        let accepts = match op.op.fusion_class() {
            FusionClass::Contraction(c) => {
                let types = self.types(&op.inputs);
                c.accepts_consumer(&types) && c.accepts_columns(&types)
            }
            _ => false,
        };
        (accepts && !self.live.inputs.contains_key(&v) && self.g.ty(v).dtype == DType::F32).then_some((node, 0))
    }

    /// The contraction whose result this pass alone reads, element for element, with the number of the operand.
    fn producer(&self, group: &Group, fused: &Fused, inputs: &[Val]) -> Option<(usize, usize)> {
        let g = self.g;
        if fused.compute != DType::F32 || fused.outputs != [DType::F32] {
            return None;
        }
        let columns = fused.columns().is_some();
        let mut best: Option<(usize, usize)> = None;
        for (i, &v) in inputs.iter().enumerate() {
            let Some(c) = contraction(g, self.live, v) else { continue };
            let readers = &self.live.readers[v.index()];
            let mine = readers.iter().all(|&r| group.contains(r) && !self.groups.repeated.contains(&r));
            if mine
                && !(columns && refuses_columns(g, self.live, group))
                && g.ty(v) == Ty::new(DType::F32, fused.shape)
                && best.is_none_or(|(b, _)| self.work(c) > self.work(b))
            {
                best = Some((c, i));
            }
        }
        best
    }

    fn work(&self, n: usize) -> usize {
        self.g.nodes()[n].inputs.iter().map(|&v| self.g.ty(v).shape.size()).sum()
    }

    /// An update, taking its gradient from the product that computes it, tile by tile, if nobody else reads it.
    fn update(&self, n: usize, update: &dyn crate::ops::Update, taken: &mut HashMap<usize, ()>) -> Result<Unit> {
        let node = &self.g.nodes()[n];
        let at = update.gradient();
        let gradient = self.live.canonical(node.inputs[at]);
        let alone = self.live.readers[gradient.index()].len() == 1 && self.g.ty(gradient).dtype == DType::F32;
        let (Some(c), true) = (contraction(self.g, self.live, gradient), alone) else {
            return Ok(Unit { origin: Origin::Other, updates: node.outputs.len(), ..self.single(n)? });
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
            origin: Origin::Other,
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

/// The node that computes `v` if it is a contraction that hands on its tiles and nobody else needs `v`.
fn contraction(g: &Graph, live: &Live, v: Val) -> Option<usize> {
    if live.inputs.contains_key(&v) || live.escapes[v.index()] {
        return None;
    }
    let Source::Node { node, .. } = *g.source(v) else { return None };
    let op = &g.nodes()[node];
    match op.op.fusion_class() {
        FusionClass::Contraction(c) if c.accepts_consumer(&types(g, &op.inputs)) => Some(node),
        _ => None,
    }
}

/// Whether the pass would take the tiles of a contraction that cannot be cut for statistics of columns.
fn refuses_columns(g: &Graph, live: &Live, group: &Group) -> bool {
    let refuses = |&v: &Val| {
        let Some(c) = contraction(g, live, v) else { return false };
        let node = &g.nodes()[c];
        let mine = live.readers[v.index()].iter().all(|&r| group.contains(r));
        let FusionClass::Contraction(c) = node.op.fusion_class() else { return false };
        mine && g.ty(v).shape == group.shape && !c.accepts_columns(&types(g, &node.inputs))
    };
    operands(g, live, group.members()).iter().any(refuses)
}

fn types(g: &Graph, vals: &[Val]) -> Vec<Ty> {
    vals.iter().map(|&v| g.ty(v)).collect()
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
    let (name, ops, inputs) = ("assign", vec!["assign"], vec![from]);
    Ok(Unit { origin: Origin::Other, name, ops, inputs, outputs, lowered, updates: 0, packing: None })
}
