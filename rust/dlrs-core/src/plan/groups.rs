//! Which elementwise nodes and statistics of columns run as one pass.

use std::collections::{HashMap, HashSet};

use dlrs_kernels::elementwise::BinaryOp;

use super::rewrite::Live;
use crate::DType;
use crate::graph::{Graph, Node, Source, Val};
use crate::ops::elementwise::{Ewise, compute_dtype};
use crate::ops::{Columns, FusionClass};
use crate::shape::Shape;
use crate::tensor::Ty;

/// Nodes in one elementwise pass, and operands and results of one; more are cut, so that registers and strips stay in L1.
const MAX_NODES: usize = 24;
const MAX_INPUTS: usize = 16;
const MAX_OUTPUTS: usize = 6;

/// Nodes that run as one pass over a space of `shape`.
#[derive(Clone)]
pub(super) struct Group {
    /// Elementwise nodes in reverse topological order.
    pub nodes: Vec<usize>,
    /// Statistics of columns of values that the nodes compute or read, in topological order.
    pub sinks: Vec<usize>,
    pub compute: Option<DType>,
    pub shape: Shape,
}

impl Group {
    /// The last node.
    pub fn last(&self) -> usize {
        self.members().max().expect("a group has members")
    }

    pub fn members(&self) -> impl Iterator<Item = usize> + Clone + '_ {
        self.nodes.iter().chain(&self.sinks).copied()
    }

    pub fn contains(&self, n: usize) -> bool {
        self.members().any(|m| m == n)
    }
}

/// All groups, and the group of each of their nodes.
pub(super) struct Groups {
    pub list: Vec<Group>,
    of_node: HashMap<usize, usize>,
    /// Nodes that each group that reads their result computes for itself.
    pub repeated: HashSet<usize>,
}

impl Groups {
    pub fn new(g: &Graph, live: &Live, refuses: &dyn Fn(&Group) -> bool) -> Groups {
        let mut groups = Groups { list: Vec::new(), of_node: HashMap::new(), repeated: HashSet::new() };
        for &n in live.nodes.iter().rev() {
            match g.nodes()[n].op.fusion_class() {
                FusionClass::Elementwise(op) => groups.join(g, live, n, op),
                FusionClass::Columns(_) => {
                    let ty = g.ty(g.nodes()[n].inputs[0]);
                    groups.open(Group { nodes: vec![], sinks: vec![n], compute: Some(ty.dtype), shape: ty.shape });
                }
                _ => {}
            }
        }
        groups.merge_statistics(g, live, refuses);
        groups
    }

    /// The group whose last node is `n`.
    pub fn ending_with(&self, n: usize) -> Option<&Group> {
        self.of_node.get(&n).map(|&i| &self.list[i]).filter(|group| group.last() == n)
    }

    /// The same groups in a graph in which values have other types.
    pub fn retyped(&self, g: &Graph) -> Groups {
        let shape = |group: &Group| match (group.nodes.first(), group.sinks.first()) {
            (Some(&n), _) => g.ty(g.nodes()[n].outputs[0]).shape,
            (None, Some(&n)) => g.ty(g.nodes()[n].inputs[0]).shape,
            (None, None) => group.shape,
        };
        let list = self.list.iter().map(|group| Group { shape: shape(group), ..group.clone() }).collect();
        Groups { list, of_node: self.of_node.clone(), repeated: self.repeated.clone() }
    }

    fn open(&mut self, group: Group) {
        group.members().for_each(|n| _ = self.of_node.insert(n, self.list.len()));
        self.list.push(group);
    }

    /// Puts an elementwise node into the group that alone reads its result, or into one of its own.
    fn join(&mut self, g: &Graph, live: &Live, n: usize, op: &Ewise) {
        let node = &g.nodes()[n];
        let compute = compute_of(g, node, op);
        let readers = self.reading_groups(live, node).filter(|groups| {
            let takes = |&i: &usize| self.takes(g, live, i, n, compute);
            let all = groups.iter().all(takes);
            all && (groups.len() == 1 || is_cheap(g, live, node, op) && !self.has_moments(g, live, node))
        });
        let Some(readers) = readers else {
            let shape = g.ty(node.outputs[0]).shape;
            return self.open(Group { nodes: vec![n], sinks: vec![], compute, shape });
        };
        if readers.len() > 1 {
            self.repeated.insert(n);
        }
        for &i in &readers {
            self.list[i].nodes.push(n);
            self.list[i].compute = self.list[i].compute.or(compute);
            self.of_node.insert(n, i);
        }
    }

    fn takes(&self, g: &Graph, live: &Live, group: usize, n: usize, compute: Option<DType>) -> bool {
        let (group, node) = (&self.list[group], &g.nodes()[n]);
        let dtype = compute.or(group.compute);
        agree(compute, group.compute)
            && group.shape == g.ty(node.outputs[0]).shape
            && dtype.is_none_or(|d| may_join(g, node, d))
            && self.fits(g, live, &group.nodes.iter().copied().chain([n]).collect::<Vec<_>>(), &group.sinks)
    }

    /// The groups that hold all readers of the node's result, if all readers are in groups.
    fn reading_groups(&self, live: &Live, node: &Node) -> Option<Vec<usize>> {
        let mut groups = Vec::new();
        let readers = &live.readers[node.outputs[0].index()];
        for r in readers {
            if self.repeated.contains(r) {
                groups.extend((0..self.list.len()).filter(|&i| self.list[i].contains(*r)));
            } else {
                groups.push(*self.of_node.get(r)?);
            }
        }
        groups.sort_unstable();
        groups.dedup();
        (!groups.is_empty()).then_some(groups)
    }

    fn has_moments(&self, g: &Graph, live: &Live, node: &Node) -> bool {
        live.readers[node.outputs[0].index()].iter().any(|&r| is_moments(g, r))
    }

    /// Whether one pass can hold these.
    fn fits(&self, g: &Graph, live: &Live, nodes: &[usize], sinks: &[usize]) -> bool {
        let stored = nodes.iter().filter(|&&n| self.is_stored(g, live, nodes, sinks, n)).count();
        nodes.len() <= MAX_NODES
            && stored + sinks.len() <= MAX_OUTPUTS
            && operands(g, live, nodes.iter().chain(sinks).copied()).len() <= MAX_INPUTS
    }

    /// Whether the result of a pass's node is read by others, or its moments are taken.
    pub fn is_stored(&self, g: &Graph, live: &Live, nodes: &[usize], sinks: &[usize], n: usize) -> bool {
        let v = g.nodes()[n].outputs[0];
        let readers = &live.readers[v.index()];
        let inside = |r: &usize| {
            nodes.contains(r) && !self.is_repeated_beside(nodes, *r) || sinks.contains(r) && !is_moments(g, *r)
        };
        live.escapes[v.index()] || !self.repeated.contains(&n) && !readers.iter().all(inside)
    }

    /// Whether groups other than those that these nodes make up compute `n` for themselves, too.
    fn is_repeated_beside(&self, nodes: &[usize], n: usize) -> bool {
        let apart = |group: &Group| group.nodes.contains(&n) && !group.nodes.iter().all(|m| nodes.contains(m));
        self.repeated.contains(&n) && self.list.iter().any(apart)
    }

    /// Lets statistics of columns run in the pass that computes what they read, or in one pass with others of the same operand.
    fn merge_statistics(&mut self, g: &Graph, live: &Live, refuses: &dyn Fn(&Group) -> bool) {
        let mut sinks: Vec<usize> = (0..self.list.len()).filter(|&i| !self.list[i].sinks.is_empty()).collect();
        sinks.sort_by_key(|&i| self.list[i].last());
        for at in 0..sinks.len() {
            let guest = sinks[at];
            let own = reads(g, live, &self.list[guest]);
            let full = own.iter().filter(|&&v| g.ty(v).shape == self.list[guest].shape);
            let mut hosts: Vec<usize> = full.clone().filter_map(|&v| self.of_value(g, live, v)).collect();
            for &other in &sinks[..at] {
                let others = reads(g, live, &self.list[other]);
                if full.clone().any(|v| others.contains(v)) {
                    hosts.push(other);
                }
            }
            if let Some(host) = hosts.into_iter().find(|&host| self.can_merge(g, live, host, guest, refuses)) {
                self.merge(host, guest);
            }
        }
    }

    /// The group whose node computes `v`.
    fn of_value(&self, g: &Graph, live: &Live, v: Val) -> Option<usize> {
        if live.inputs.contains_key(&v) {
            return None;
        }
        let Source::Node { node, .. } = *g.source(v) else { return None };
        self.of_node.get(&node).copied()
    }

    fn can_merge(&self, g: &Graph, live: &Live, host: usize, guest: usize, refuses: &dyn Fn(&Group) -> bool) -> bool {
        let (a, b) = (&self.list[host], &self.list[guest]);
        if host == guest || a.members().next().is_none() || a.shape != b.shape || !agree(a.compute, b.compute) {
            return false;
        }
        let mut nodes: Vec<usize> = a.nodes.iter().chain(&b.nodes).copied().collect();
        nodes.sort_unstable();
        nodes.dedup();
        let sinks: Vec<usize> = a.sinks.iter().chain(&b.sinks).copied().collect();
        let moments = sinks.iter().filter(|&&s| is_moments(g, s)).count();
        // The moments of what is only read would be of a result that nobody stores.
        let stored =
            |s: &usize| nodes.iter().any(|&n| g.nodes()[n].outputs[0] == live.canonical(g.nodes()[*s].inputs[0]));
        let moments_fit = moments == 0 || moments == 1 && sinks.iter().filter(|&&s| is_moments(g, s)).all(stored);
        moments_fit
            && self.fits(g, live, &nodes, &sinks)
            && !refuses(a)
            && !self.depends(g, live, guest, host)
            && !self.depends(g, live, host, guest)
    }

    /// Whether a group needs, other than by reading values of `target` itself, something that `target` computes.
    fn depends(&self, g: &Graph, live: &Live, group: usize, target: usize) -> bool {
        let first = self.list[target].members().min().unwrap_or(0);
        let mut todo = reads(g, live, &self.list[group]);
        todo.retain(|&v| self.of_value(g, live, v) != Some(target));
        let mut seen: HashSet<Val> = todo.iter().copied().collect();
        while let Some(v) = todo.pop() {
            let Source::Node { node, .. } = *g.source(v) else { continue };
            if live.inputs.contains_key(&v) {
                continue;
            }
            let (last, operands) = match self.of_node.get(&node) {
                Some(&i) if i == target => return true,
                Some(&i) => (self.list[i].last(), reads(g, live, &self.list[i])),
                None => (node, g.nodes()[node].inputs.iter().map(|&v| live.canonical(v)).collect()),
            };
            if last > first {
                todo.extend(operands.into_iter().filter(|&v| seen.insert(v)));
            }
        }
        false
    }

    fn merge(&mut self, host: usize, guest: usize) {
        let (nodes, sinks) = (std::mem::take(&mut self.list[guest].nodes), std::mem::take(&mut self.list[guest].sinks));
        nodes.iter().chain(&sinks).for_each(|&n| _ = self.of_node.insert(n, host));
        self.list[host].compute = self.list[host].compute.or(self.list[guest].compute);
        let into = &mut self.list[host];
        into.nodes.extend(nodes);
        into.nodes.sort_unstable_by(|a, b| b.cmp(a));
        into.nodes.dedup();
        into.sinks.extend(sinks);
        into.sinks.sort_unstable();
    }
}

pub(super) fn is_moments(g: &Graph, n: usize) -> bool {
    matches!(g.nodes()[n].op.fusion_class(), FusionClass::Columns(Columns::Moments))
}

fn agree(a: Option<DType>, b: Option<DType>) -> bool {
    a.is_none() || b.is_none() || a == b
}

/// Whether computing the result again costs no more than reading it: arithmetic on one operand of the full size.
fn is_cheap(g: &Graph, live: &Live, node: &Node, op: &Ewise) -> bool {
    use BinaryOp::{Add, Mul, Sub};
    let v = node.outputs[0];
    let full = node.inputs.iter().filter(|&&x| g.ty(x).shape == g.ty(v).shape).count();
    let same = node.inputs.iter().all(|&x| g.ty(x).dtype == g.ty(v).dtype);
    matches!(op, Ewise::Binary(Add | Sub | Mul)) && full == 1 && same && !live.escapes[v.index()]
}

/// What a group reads of others.
fn reads(g: &Graph, live: &Live, group: &Group) -> Vec<Val> {
    operands(g, live, group.members())
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

/// Values that the nodes read and none of them computes. Scalar constants are not operands but part of the program.
pub(super) fn operands(g: &Graph, live: &Live, nodes: impl Iterator<Item = usize> + Clone) -> Vec<Val> {
    let inside: Vec<Val> = nodes.clone().map(|n| g.nodes()[n].outputs[0]).collect();
    let mut out = Vec::new();
    for v in nodes.flat_map(|n| &g.nodes()[n].inputs).map(|&v| live.canonical(v)) {
        if !inside.contains(&v) && !out.contains(&v) && scalar_constant(g, v).is_none() {
            out.push(v);
        }
    }
    out
}

pub(super) fn scalar_constant(g: &Graph, v: Val) -> Option<f64> {
    match g.source(v) {
        // Larger integers would not survive the way through f64.
        Source::Constant(t) if t.shape().size() == 1 && t.shape().rank() == 0 => {
            Some(t.get(0)).filter(|x| !t.dtype().is_int() || x.abs() < 9e15)
        }
        _ => None,
    }
}
