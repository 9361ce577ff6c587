//! Values that are computed again for the backward pass instead of being kept through the forward pass.
//!
//! A normalised and rectified activation is a cheap elementwise function of the convolution's output, which the gradient needs
//! anyway: one pass over it, when its turn comes, takes the place of memory held in between (Chen et al. 2016, arXiv 1604.06174).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::rewrite::Live;
use crate::error::Result;
use crate::graph::{Graph, Node, Source, Val};
use crate::ops::FusionClass;
use crate::ops::again::Again;

/// Values from this size on are worth a pass.
const LARGE: usize = 1 << 20;

/// Operands this many times smaller than the value are kept for it.
const SMALL: usize = 16;

/// A value is computed again if so many times its bytes are made between two of its readers.
const BETWEEN: usize = 4;

/// Nodes that computing a value again may take: a normalisation and a rectifier behind the difference from the mean.
const MAX_NODES: usize = 3;

/// A graph that computes values again, and these values.
pub(super) struct Recomputed {
    pub graph: Graph,
    pub values: HashSet<Val>,
}

/// How a value is computed again: by these nodes, for its readers from `first` on.
struct Chain {
    nodes: Vec<usize>,
    first: usize,
}

/// The graph with such values; none if there are none.
pub(super) fn recompute(g: &Graph, live: &Live) -> Result<Option<Recomputed>> {
    let chains = chains(g, live);
    if chains.is_empty() {
        return Ok(None);
    }
    let mut again: HashMap<Val, Val> = HashMap::new();
    let mut values = HashSet::new();
    let mut n = 0;
    let graph = g.replace(|new, node| {
        let late = |v: Val| chains.get(&live.canonical(v)).filter(|chain| n >= chain.first);
        for v in node.inputs.iter().map(|&v| live.canonical(v)) {
            if let (Some(chain), false) = (late(v), again.contains_key(&v)) {
                let made = run_again(g, live, new, chain)?;
                again.insert(v, made[made.len() - 1]);
                values.extend(made);
            }
        }
        let reads_again = node.inputs.iter().any(|&v| late(v).is_some());
        let inputs = node.inputs.iter().map(|&v| if late(v).is_some() { again[&live.canonical(v)] } else { v });
        let changed = reads_again.then(|| Node { op: Arc::clone(&node.op), inputs: inputs.collect(), ..node.clone() });
        n += 1;
        Ok(changed)
    })?;
    Ok(Some(Recomputed { graph, values }))
}

/// Applies the chain's ops once more; their results, the value itself last.
fn run_again(g: &Graph, live: &Live, new: &mut Graph, chain: &Chain) -> Result<Vec<Val>> {
    let mut of: HashMap<Val, Val> = HashMap::new();
    let mut made = Vec::new();
    for &c in &chain.nodes {
        let node = &g.nodes()[c];
        let inputs: Vec<Val> =
            node.inputs.iter().map(|&v| live.canonical(v)).map(|v| of.get(&v).copied().unwrap_or(v)).collect();
        let result = new.apply(Arc::new(Again(Arc::clone(&node.op))), &inputs)?[0];
        of.insert(node.outputs[0], result);
        made.push(result);
    }
    Ok(made)
}

/// The values that are computed again, in the graph's order: what one of them is made of is kept.
fn chains(g: &Graph, live: &Live) -> HashMap<Val, Chain> {
    let made = bytes_made(g, live);
    let mut chains = HashMap::new();
    for &n in &live.nodes {
        let node = &g.nodes()[n];
        let v = node.outputs[0];
        let size = g.ty(v).bytes();
        if !is_elementwise(node) || size < LARGE || live.escapes[v.index()] {
            continue;
        }
        let readers = &live.readers[v.index()];
        let gap = |i: usize| made[readers[i]] - made[if i == 0 { n } else { readers[i - 1] }];
        let Some(widest) = (1..readers.len()).max_by_key(|&i| gap(i)).filter(|&i| gap(i) >= BETWEEN * size) else {
            continue;
        };
        let walk = Walk { g, live, chains: &chains, size, first: readers[widest] };
        let mut nodes = Vec::new();
        if walk.add(n, &mut nodes) {
            nodes.sort_unstable();
            let first = walk.first;
            chains.insert(v, Chain { nodes, first });
        }
    }
    chains
}

/// Per node, the bytes of large values that nodes up to it make.
fn bytes_made(g: &Graph, live: &Live) -> Vec<usize> {
    let mut made = vec![0; g.nodes().len()];
    for &n in &live.nodes {
        made[n] = g.nodes()[n].outputs.iter().map(|&v| g.ty(v).bytes()).filter(|&size| size >= LARGE).sum();
    }
    let mut sum = 0;
    made.iter_mut().for_each(|bytes| {
        sum += *bytes;
        *bytes = sum;
    });
    made
}

fn is_elementwise(node: &Node) -> bool {
    matches!(node.op.fusion_class(), FusionClass::Elementwise(_))
}

/// The way back from a value to what is at hand when it is computed again.
struct Walk<'a> {
    g: &'a Graph,
    live: &'a Live,
    chains: &'a HashMap<Val, Chain>,
    /// Bytes of the value.
    size: usize,
    /// The first node that reads it then.
    first: usize,
}

impl Walk<'_> {
    /// Adds node `n` and what it needs; false if that cannot be had cheaply.
    fn add(&self, n: usize, nodes: &mut Vec<usize>) -> bool {
        if nodes.contains(&n) {
            return true;
        }
        nodes.push(n);
        nodes.len() <= MAX_NODES
            && self.g.nodes()[n].inputs.iter().map(|&v| self.live.canonical(v)).all(|v| {
                self.is_at_hand(v)
                    || match self.g.source(v) {
                        Source::Node { node, .. } if is_elementwise(&self.g.nodes()[*node]) => self.add(*node, nodes),
                        _ => false,
                    }
            })
    }

    /// Whether a value is small, or kept for another reader anyway.
    fn is_at_hand(&self, v: Val) -> bool {
        let given = !matches!(self.g.source(v), Source::Node { .. }) || self.live.inputs.contains_key(&v);
        let small = self.g.ty(v).bytes() * SMALL <= self.size;
        let kept = self.live.readers[v.index()].last().is_some_and(|&last| last >= self.first);
        given || small || (kept && !self.chains.contains_key(&v))
    }
}
