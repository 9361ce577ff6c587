//! Units that make each image of their results from the same image of operands, and such units for fewer images.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use dlrs_kernels::isa::Isa;

use super::fuse::{Fuser, Origin, Target, Unit};
use super::groups::Groups;
use super::rewrite::Live;
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::ops::{ForImages, Op};
use crate::tensor::Ty;

/// A graph with its units' making.
pub(super) struct Images<'a> {
    pub g: &'a Graph,
    pub live: &'a Live,
    pub isa: Isa,
    pub groups: &'a Groups,
}

/// A unit whose results are made image by image.
#[derive(Clone)]
pub(super) struct ByImage {
    /// Number of images.
    pub all: usize,
    /// Per operand, whether it has images, the same of which are read.
    pub operands: Vec<bool>,
    /// Bytes of an image of all operands and results that have images.
    pub bytes: usize,
    /// Bytes of all other operands.
    pub others: usize,
    /// The nodes that the unit computes.
    nodes: Vec<usize>,
}

impl Images<'_> {
    /// What is known of a unit, if its results are made image by image.
    pub fn of(&self, unit: &Unit) -> Option<ByImage> {
        let first = unit.outputs.first()?.value()?;
        let all = *self.g.ty(first).shape.dims().first().filter(|&&n| n > 1)?;
        let nodes = self.nodes(unit)?;
        let mut by_image = HashSet::new();
        for &n in &nodes {
            let node = &self.g.nodes()[n];
            let read: Vec<Val> = node.inputs.iter().map(|&v| self.live.canonical(v)).collect();
            match self.op_for(n, all) {
                Some(ForImages { operands, .. }) => by_image.extend(operands.iter().map(|&i| read[i])),
                None => {
                    let result = self.g.ty(node.outputs[0]).shape;
                    by_image.extend(read.into_iter().filter(|&v| {
                        let shape = self.g.ty(v).shape;
                        shape.rank() == result.rank() && shape.dims().first() == Some(&all)
                    }));
                }
            }
        }
        let has_images = |v: Val| self.g.ty(v).shape.dims().first() == Some(&all);
        let made = nodes.iter().flat_map(|&n| &self.g.nodes()[n].outputs);
        if !made.chain(&by_image).all(|&v| has_images(v)) || !unit.outputs.iter().all(|t| t.value().is_some()) {
            return None;
        }
        let operands: Vec<bool> = unit.inputs.iter().map(|v| by_image.contains(v)).collect();
        let (with, without): (Vec<Val>, Vec<Val>) = unit.inputs.iter().partition(|v| by_image.contains(v));
        let bytes = |vals: &[Val]| vals.iter().map(|&v| self.g.ty(v).bytes()).sum::<usize>();
        let written: Vec<Val> = unit.outputs.iter().filter_map(Target::value).collect();
        let root = |v: &Val| self.live.root(*v);
        let is_apart = without.iter().all(|v| with.iter().all(|w| root(w) != root(v)));
        let (own, others) = ((bytes(&with) + bytes(&written)) / all, bytes(&without));
        is_apart.then_some(ByImage { all, operands, bytes: own, others, nodes })
    }

    /// The nodes of a unit if all of them may work image by image: elementwise ones, and those with an op for other numbers of images.
    fn nodes(&self, unit: &Unit) -> Option<Vec<usize>> {
        match unit.origin {
            Origin::Node(n) => self.op_for(n, 1).map(|_| vec![n]),
            Origin::Group { last, product } => {
                let group = self.groups.ending_with(last).filter(|group| group.sinks.is_empty())?;
                let known = product.is_none_or(|n| self.op_for(n, 1).is_some());
                known.then(|| product.into_iter().chain(group.nodes.iter().copied()).collect())
            }
            Origin::Other => None,
        }
    }

    fn op_for(&self, n: usize, images: usize) -> Option<ForImages> {
        let node = &self.g.nodes()[n];
        let types: Vec<Ty> = node.inputs.iter().map(|&v| self.g.ty(v)).collect();
        node.op.for_images(self.isa, &types, images)
    }

    /// The units for `images` of their images; none if one of them comes out otherwise than it is for all.
    pub fn again(&self, units: &[&Unit], known: &[&ByImage], images: usize) -> Result<Option<Vec<Unit>>> {
        let mut ops: HashMap<usize, Arc<dyn Op>> = HashMap::new();
        let mut roots: HashSet<Val> = HashSet::new();
        for (unit, known) in units.iter().zip(known) {
            ops.extend(known.nodes.iter().filter_map(|&n| Some((n, self.op_for(n, images)?.op))));
            let made = known.nodes.iter().flat_map(|&n| self.g.nodes()[n].outputs.iter().copied());
            let read = unit.inputs.iter().zip(&known.operands).filter(|(_, is)| **is).map(|(&v, _)| v);
            roots.extend(made.chain(read).map(|v| self.live.root(v)));
        }
        let all = known[0].all;
        let g = self.g.retyped(&ops, |v, ty| match ty.shape.dims().first() {
            Some(&n) if n == all && roots.contains(&self.live.root(v)) => {
                Ty::new(ty.dtype, ty.shape.with_dim(0, images))
            }
            _ => ty,
        });
        let groups = self.groups.retyped(&g);
        let fuser = Fuser { g: &g, live: self.live, isa: self.isa, groups: &groups };
        let mut again = Vec::with_capacity(units.len());
        for unit in units {
            match fuser.again(unit.origin)?.filter(|other| is_same(unit, other)) {
                Some(other) => again.push(other),
                None => return Ok(None),
            }
        }
        Ok(Some(again))
    }
}

/// Whether two units compute the same values from the same operands.
fn is_same(a: &Unit, b: &Unit) -> bool {
    let layout = |unit: &Unit| unit.packing.as_ref().map(|p| (p.operand, p.layout));
    let values = a.inputs == b.inputs && a.outputs == b.outputs;
    values && a.ops == b.ops && a.origin == b.origin && a.lowered.note == b.lowered.note && layout(a) == layout(b)
}
