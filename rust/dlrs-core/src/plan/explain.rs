//! A plan in words and figures.

use std::fmt::Write;
use std::sync::Arc;

use super::Plan;
use super::arena::Layout;
use super::chains::Chain;
use super::fuse::{Target, Unit};
use super::kept::Kept;
use super::schedule::Schedule;
use crate::graph::{Graph, Source};
use crate::variable::Variable;

/// What one kernel of a plan does, and what it costs.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// When it runs: kernels of a phase run at the same time.
    pub phase: usize,
    /// Whether it writes variables.
    pub commits: bool,
    /// The ops that it computes, in their order.
    pub ops: Vec<&'static str>,
    /// Types of the operands.
    pub inputs: Vec<String>,
    /// Types of the results, or names of the variables that are written.
    pub outputs: Vec<String>,
    /// The algorithm chosen among several; empty if there is one only.
    pub algorithm: &'static str,
    /// Pieces that threads share.
    pub tiles: usize,
    /// Kernels of one phase with this above 0 run one after another over that many images, then over the next ones; 0 for kernels
    /// that run over all images before the next kernel does.
    pub images: usize,
    /// Ids of the variables that operands are or were made of alone, and of those that are written.
    pub variables: Vec<u64>,
    /// Whether a result takes the place of an operand.
    pub in_place: bool,
    /// Bytes of all operands and results.
    pub bytes: usize,
    /// Floating-point operations by the definition.
    pub flops: f64,
    /// Estimated time on one thread, in nanoseconds.
    pub estimate: f64,
}

/// The kernels, in the order of the plan's steps.
pub(super) fn kernels(
    g: &Graph,
    schedule: &Schedule,
    units: &[Unit],
    chains: &[Chain],
    kept: &[Arc<Kept>],
    layout: &Layout,
) -> Vec<Kernel> {
    let kernel = |(u, unit): (usize, &Unit)| {
        let chain = chains.iter().find(|chain| chain.units.contains(&u));
        let written = |t: &Target| match t {
            Target::Value(v) => (g.ty(*v).to_string(), g.ty(*v).bytes()),
            Target::Variable(x) => (format!("{:?}", x.name()), x.ty().bytes()),
        };
        let (outputs, written): (Vec<String>, Vec<usize>) = unit.outputs.iter().map(written).unzip();
        let read: usize = unit.inputs.iter().map(|&v| g.ty(v).bytes()).sum();
        Kernel {
            phase: schedule.phase[u],
            commits: schedule.phase[u] >= schedule.commit_from,
            ops: unit.ops.clone(),
            inputs: unit.inputs.iter().map(|&v| g.ty(v).to_string()).collect(),
            outputs,
            algorithm: unit.lowered.note,
            tiles: chain.map_or(unit.lowered.tiles.len(), |chain| chain.tiles(u)),
            images: chain.map_or(0, |chain| chain.images),
            variables: variables(g, unit, kept),
            in_place: !layout.spans[u].in_place.is_empty(),
            bytes: read + written.iter().sum::<usize>(),
            flops: unit.lowered.flops,
            estimate: unit.lowered.cost,
        }
    };
    units.iter().enumerate().map(kernel).collect()
}

/// The variables that a unit reads, also in the form in which a node of one operand or a value kept between runs brings them, or writes.
fn variables(g: &Graph, unit: &Unit, kept: &[Arc<Kept>]) -> Vec<u64> {
    let mut ids = Vec::new();
    for &v in &unit.inputs {
        let mut v = v;
        while let Source::Node { node, .. } = g.source(v)
            && let [of] = g.nodes()[*node].inputs[..]
        {
            v = of;
        }
        let Source::Variable(x) = g.source(v) else { continue };
        match kept.iter().find(|kept| kept.value() == x) {
            Some(kept) => ids.extend(kept.variables().map(Variable::id)),
            None => ids.push(x.id()),
        }
    }
    ids.extend(unit.outputs.iter().filter_map(|target| match target {
        Target::Variable(x) => Some(x.id()),
        Target::Value(_) => None,
    }));
    ids
}

impl Plan {
    /// The plan as text: phases, kernels, tiles, estimated times and memory.
    pub fn explain(&self) -> String {
        let phases = self.kernels.iter().map(|k| k.phase + 1).max().unwrap_or(0);
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{} nodes as {} kernels in {phases} phases, arena {:.1} KiB, constants {} bytes, estimated {:.1} µs on one thread",
            self.nodes,
            self.kernels.len(),
            self.arena as f64 / 1024.0,
            self.constants.len(),
            self.cost / 1000.0
        );
        for phase in 0..phases {
            let mut kernels = self.kernels.iter().filter(|k| k.phase == phase).peekable();
            let commits = kernels.peek().is_some_and(|k| k.commits);
            let _ = writeln!(text, "phase {phase}{}", if commits { " (commit)" } else { "" });
            kernels.for_each(|kernel| kernel.write_to(&mut text));
        }
        text
    }

    /// The kernels.
    pub fn kernels(&self) -> &[Kernel] {
        &self.kernels
    }

    /// Bytes that values of one run take at once.
    pub fn arena(&self) -> usize {
        self.arena
    }
}

impl Kernel {
    fn write_to(&self, text: &mut String) {
        let note = if self.algorithm.is_empty() { String::new() } else { format!("{}, ", self.algorithm) };
        let _ = writeln!(
            text,
            "  {}: {} -> {} [{note}{} tiles, {:.1} µs{}{}]",
            self.ops.join("+"),
            self.inputs.join(", "),
            self.outputs.join(", "),
            self.tiles,
            self.estimate / 1000.0,
            if self.in_place { ", in place" } else { "" },
            if self.images > 0 { format!(", in a chain over {} images", self.images) } else { String::new() },
        );
    }
}
