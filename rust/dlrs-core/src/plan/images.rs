//! Units that make each image of their results from the same image of operands, and such units for fewer images.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use dlrs_kernels::isa::Isa;

use super::fuse::{Fuser, Origin, Target, Unit};
use super::groups::Groups;
use super::rewrite::Live;
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::ops::columns::Chunks;
use crate::ops::{ForImages, FusionClass, Op};
use crate::shape::Shape;
use crate::tensor::Ty;

/// A graph with its units' making.
pub(super) struct Images<'a> {
    pub g: &'a Graph,
    pub live: &'a Live,
    pub isa: Isa,
    pub groups: &'a Groups,
}

/// How many positions of a result's first axis belong to so many images: each image has some, or several images share one, which is
/// cut only where they end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rows {
    Each(usize),
    Shared(usize),
}

impl Rows {
    /// Positions of the first axis.
    pub fn of(self, images: usize) -> usize {
        match self {
            Rows::Each(rows) => images * rows,
            Rows::Shared(images_each) => images.div_ceil(images_each),
        }
    }

    /// What groups of images are multiples of.
    pub fn multiple(self) -> usize {
        match self {
            Rows::Each(_) => 1,
            Rows::Shared(images) => images,
        }
    }
}

/// A unit whose results are made image by image.
#[derive(Clone)]
pub(super) struct ByImage {
    /// Number of images.
    pub all: usize,
    /// Per operand, whether it has images, the same of which are read.
    pub operands: Vec<bool>,
    /// Per result.
    pub results: Vec<Rows>,
    /// Bytes of an image of all operands and results that have images.
    pub bytes: usize,
    /// Bytes of all other operands, packed ones as they were before.
    pub others: usize,
    /// The nodes that the unit computes.
    nodes: Vec<usize>,
}

impl Images<'_> {
    /// What is known of a unit, if its results are made image by image.
    pub fn of(&self, unit: &Unit) -> Option<ByImage> {
        if unit.lowered.rounds.is_some() {
            return None;
        }
        let nodes = self.nodes(unit)?;
        let all = *self.space(nodes[0]).dims().first().filter(|&&n| n > 1)?;
        let (mut by_image, mut padding) = (HashSet::new(), 0);
        for &n in &nodes {
            let node = &self.g.nodes()[n];
            let read: Vec<Val> = node.inputs.iter().map(|&v| self.live.canonical(v)).collect();
            match self.op_for(n, all) {
                Some(ForImages { operands, padding: more, .. }) => {
                    padding += more;
                    by_image.extend(operands.iter().map(|&i| read[i]));
                }
                None => {
                    let result = self.space(n);
                    by_image.extend(read.into_iter().filter(|&v| {
                        let shape = self.g.ty(v).shape;
                        shape.rank() == result.rank() && shape.dims().first() == Some(&all)
                    }));
                }
            }
        }
        let has = |v: Val, n: usize| self.g.ty(v).shape.dims().first() == Some(&n);
        let made = self.made(&nodes);
        let results: Option<Vec<Rows>> = unit.outputs.iter().map(|t| made.get(&t.value()?).copied()).collect();
        if !made.iter().all(|(&v, rows)| has(v, rows.of(all))) || !by_image.iter().all(|&v| has(v, all)) {
            return None;
        }
        let operands: Vec<bool> = unit.inputs.iter().map(|v| by_image.contains(v)).collect();
        let (with, without): (Vec<Val>, Vec<Val>) = unit.inputs.iter().partition(|v| by_image.contains(v));
        let bytes = |vals: &[Val]| vals.iter().map(|&v| self.g.ty(v).bytes()).sum::<usize>();
        let written: Vec<Val> = unit.outputs.iter().filter_map(Target::value).collect();
        let root = |v: &Val| self.live.root(*v);
        let is_apart = without.iter().all(|v| with.iter().all(|w| root(w) != root(v)));
        let (own, others) = ((bytes(&with) + bytes(&written)) / all, bytes(&without) - padding);
        is_apart.then_some(ByImage { all, operands, results: results?, bytes: own, others, nodes })
    }

    /// The nodes of a unit if all of them may work image by image: elementwise ones, and those with an op for other numbers of images.
    fn nodes(&self, unit: &Unit) -> Option<Vec<usize>> {
        match unit.origin {
            Origin::Node(n) => self.op_for(n, 1).map(|_| vec![n]),
            Origin::Group { last, product } => {
                let group = self.groups.ending_with(last).filter(|group| group.shape.rank() > 2)?;
                let known = product.is_none_or(|n| self.op_for(n, 1).is_some());
                known.then(|| product.into_iter().chain(group.members()).collect())
            }
            Origin::Other => None,
        }
    }

    /// The shape over which a node works: its result's, or that of what it takes statistics of.
    fn space(&self, n: usize) -> Shape {
        let node = &self.g.nodes()[n];
        let v = if self.is_statistic(n) { node.inputs[0] } else { node.outputs[0] };
        self.g.ty(v).shape
    }

    fn is_statistic(&self, n: usize) -> bool {
        matches!(self.g.nodes()[n].op.fusion_class(), FusionClass::Columns(_))
    }

    /// What nodes make.
    fn made(&self, nodes: &[usize]) -> HashMap<Val, Rows> {
        let rows = |n: usize| {
            let shape = self.space(n);
            let (chunk, image) =
                (Chunks::of(&shape).chunk, shape[1..shape.rank() - 1].iter().product::<usize>().max(1));
            match self.is_statistic(n) {
                false => Rows::Each(1),
                true if chunk > image => Rows::Shared(chunk / image),
                true => Rows::Each(image / chunk),
            }
        };
        nodes
            .iter()
            .flat_map(|&n| self.g.nodes()[n].outputs.iter().map(move |&v| (v, n)))
            .map(|(v, n)| (v, rows(n)))
            .collect()
    }

    fn op_for(&self, n: usize, images: usize) -> Option<ForImages> {
        let node = &self.g.nodes()[n];
        let types: Vec<Ty> = node.inputs.iter().map(|&v| self.g.ty(v)).collect();
        node.op.for_images(self.isa, &types, images)
    }

    /// The units for `images` of their images; none if one of them comes out otherwise than it is for all.
    pub fn again(&self, units: &[&Unit], known: &[&ByImage], images: usize) -> Result<Option<Vec<Unit>>> {
        let mut ops: HashMap<usize, Arc<dyn Op>> = HashMap::new();
        let all = known[0].all;
        let mut first_axes: HashMap<Val, (usize, usize)> = HashMap::new();
        for (unit, known) in units.iter().zip(known) {
            ops.extend(known.nodes.iter().filter_map(|&n| Some((n, self.op_for(n, images)?.op))));
            let read = unit.inputs.iter().zip(&known.operands).filter(|(_, is)| **is);
            let read = read.map(|(&v, _)| (v, Rows::Each(1)));
            let axes = read.chain(self.made(&known.nodes));
            first_axes.extend(axes.map(|(v, rows)| (self.live.root(v), (rows.of(all), rows.of(images)))));
        }
        let g = self.g.retyped(&ops, |v, ty| match first_axes.get(&self.live.root(v)) {
            Some(&(all, part)) if ty.shape.dims().first() == Some(&all) => {
                Ty::new(ty.dtype, ty.shape.with_dim(0, part))
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
