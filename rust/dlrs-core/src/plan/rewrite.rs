//! Dead code, common subexpressions, permutations that undo each other, and which values are views of others.

use std::collections::HashMap;

use dlrs_kernels::mem::Buffer;

use crate::error::{Error, Result};
use crate::graph::{Graph, Source, Val};
use crate::key::{Key, KeyHasher, key_of};
use crate::ops::FusionClass;

/// Constants up to this many bytes are compared by content.
const SMALL: usize = 64;

/// What is left of a graph.
pub(super) struct Live {
    /// Nodes to run, in topological order.
    pub nodes: Vec<usize>,
    /// Per value: the value that stands for it (itself, or an equal earlier one).
    same: Vec<Val>,
    /// Per value: the value whose memory it shares.
    root: Vec<Val>,
    /// Values given at each run.
    pub inputs: HashMap<Val, usize>,
    /// Per value: the live nodes that read it.
    pub readers: Vec<Vec<usize>>,
    /// Per value: it is a result of the plan or written to a variable.
    pub escapes: Vec<bool>,
}

impl Live {
    /// The value that stands for `val`.
    pub fn canonical(&self, val: Val) -> Val {
        self.same[val.index()]
    }

    /// The value whose memory `val` shares.
    pub fn root(&self, val: Val) -> Val {
        self.root[self.canonical(val).index()]
    }
}

pub(super) fn rewrite(g: &Graph, inputs: &[Val], outputs: &[Val]) -> Live {
    let given: HashMap<Val, usize> = inputs.iter().enumerate().map(|(i, &v)| (v, i)).collect();
    let same = common(g, &given);
    let needed = needed(g, &given, &same, outputs);
    let mut live = Live {
        nodes: (0..g.nodes().len()).filter(|&n| needed[n]).collect(),
        root: (0..g.len() as u32).map(Val).collect(),
        readers: vec![Vec::new(); g.len()],
        escapes: vec![false; g.len()],
        inputs: given,
        same,
    };
    for &n in &live.nodes {
        let node = &g.nodes()[n];
        for &v in &node.inputs {
            let readers = &mut live.readers[live.same[v.index()].index()];
            if readers.last() != Some(&n) {
                readers.push(n);
            }
        }
        if matches!(node.op.fusion_class(), FusionClass::View) && !live.inputs.contains_key(&node.outputs[0]) {
            live.root[node.outputs[0].index()] = live.root(node.inputs[0]);
        }
    }
    for v in outputs.iter().copied().chain(g.writes().iter().map(|w| w.1)) {
        let v = live.canonical(v);
        live.escapes[v.index()] = true;
    }
    live
}

/// Values from this size on are asked of the system before a plan is made for them.
const LARGE: usize = 1 << 30;

/// Refuses values that no memory can hold, before anything is built for each of their tiles.
///
/// # Errors
/// `Memory`, naming the op.
pub(super) fn check_sizes(g: &Graph, live: &Live) -> Result<()> {
    for &n in &live.nodes {
        let node = &g.nodes()[n];
        for ty in node.outputs.iter().map(|&v| g.ty(v)).filter(|ty| ty.bytes() >= LARGE) {
            if Buffer::recycled(ty.bytes()).is_err() {
                return Err(Error::Memory(format!(
                    "{}: cannot allocate {} bytes for {ty}",
                    node.op.name(),
                    ty.bytes()
                )));
            }
        }
    }
    Ok(())
}

/// Per value, the first value that is equal by construction.
fn common(g: &Graph, given: &HashMap<Val, usize>) -> Vec<Val> {
    let mut same: Vec<Val> = (0..g.len() as u32).map(Val).collect();
    let mut constants: HashMap<Key, Val> = HashMap::new();
    for v in (0..g.len() as u32).map(Val) {
        if let Source::Constant(t) = g.source(v)
            && t.bytes().len() <= SMALL
        {
            same[v.index()] = *constants.entry(key_of(&(t.ty(), t.bytes()))).or_insert(v);
        }
    }
    let mut seen: HashMap<Key, usize> = HashMap::new();
    for (n, node) in g.nodes().iter().enumerate() {
        let mut hasher = KeyHasher::new();
        std::hash::Hash::hash(node.op.name(), &mut hasher);
        node.op.key(&mut hasher);
        node.inputs.iter().for_each(|v| std::hash::Hash::hash(&same[v.index()], &mut hasher));
        let first = *seen.entry(hasher.key()).or_insert(n);
        if first != n {
            for (v, equal) in node.outputs.iter().zip(&g.nodes()[first].outputs) {
                if !given.contains_key(v) {
                    same[v.index()] = *equal;
                }
            }
        } else if let Some(original) = undone(g, given, &same, n)
            && !given.contains_key(&node.outputs[0])
        {
            same[node.outputs[0].index()] = original;
        }
    }
    same
}

/// What a node gives back if it permutes axes and its operand was made by the inverse: between ops that work on the
/// channels last, tensors with the channels first are never made.
fn undone(g: &Graph, given: &HashMap<Val, usize>, same: &[Val], n: usize) -> Option<Val> {
    let node = &g.nodes()[n];
    let FusionClass::Permutation(outer) = node.op.fusion_class() else { return None };
    let between = same[node.inputs[0].index()];
    let Source::Node { node: before, .. } = g.source(between) else { return None };
    let before = &g.nodes()[*before];
    let FusionClass::Permutation(inner) = before.op.fusion_class() else { return None };
    let inverse = outer.iter().enumerate().all(|(i, &axis)| inner[axis] == i);
    (inverse && !given.contains_key(&between)).then(|| same[before.inputs[0].index()])
}

/// Which nodes the outputs and the writes depend on.
fn needed(g: &Graph, given: &HashMap<Val, usize>, same: &[Val], outputs: &[Val]) -> Vec<bool> {
    let mut needed = vec![false; g.nodes().len()];
    let mut todo: Vec<Val> = outputs.iter().copied().chain(g.writes().iter().map(|w| w.1)).collect();
    while let Some(v) = todo.pop() {
        let v = same[v.index()];
        if given.contains_key(&v) {
            continue;
        }
        if let Source::Node { node, .. } = g.source(v)
            && !std::mem::replace(&mut needed[*node], true)
        {
            todo.extend(&g.nodes()[*node].inputs);
        }
    }
    needed
}

/// The values among `candidates` that computing `outputs` reads, in order.
pub fn used_inputs(g: &Graph, candidates: &[Val], outputs: &[Val]) -> Vec<Val> {
    let live = rewrite(g, candidates, outputs);
    let mut used: Vec<Val> = outputs.iter().map(|&v| live.canonical(v)).collect();
    used.extend(live.nodes.iter().flat_map(|&n| &g.nodes()[n].inputs).map(|&v| live.canonical(v)));
    used.retain(|v| live.inputs.contains_key(v));
    used.sort_unstable();
    used.dedup();
    used
}
