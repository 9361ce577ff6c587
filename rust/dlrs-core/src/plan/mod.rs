//! Plans: a graph made ready to run again and again.
//!
//! `build` exchanges gathering and products ([`gathered`]), folds normalisations into weights ([`fold`]), removes dead and repeated nodes ([`rewrite`]), joins elementwise chains with each other and with the products before
//! them ([`fuse`]), orders the units into phases with the writes of variables last ([`schedule`]), lays the intermediate values
//! out in one arena ([`arena`]) and proves the result as a tile program ([`steps`]). Units that make images from the same images of
//! others run a few images at a time ([`chains`], [`images`]). `run` binds memory and lets the team work.

mod arena;
mod chains;
mod epoch;
mod explain;
mod fold;
mod fuse;
mod gathered;
mod groups;
mod images;
mod kept;
mod prepare;
mod recompute;
mod rewrite;
mod run;
mod schedule;
mod steps;

use std::sync::atomic::AtomicUsize;

use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Buffer, TileProgram};

pub use epoch::{EpochArray, EpochOptions};
pub use explain::Kernel;
pub use rewrite::used_inputs;
pub use run::Interrupted;

use crate::error::{Error, Result};
use crate::graph::{Graph, Val};
use crate::ops::Packing;
use crate::tensor::Ty;
use crate::variable::Variable;

/// Plans estimated to take less than this on one thread run on the caller alone, in nanoseconds.
const ALONE: f64 = 50_000.0;

/// A graph, planned.
pub struct Plan {
    program: TileProgram,
    /// Per step of the program, the kernel that it belongs to.
    of_step: Vec<usize>,
    arena: usize,
    inputs: Vec<Ty>,
    variables: Vec<PlanVariable>,
    packed: Vec<PlanPacked>,
    /// Values held in some of the variables.
    kept: Vec<std::sync::Arc<kept::Kept>>,
    constants: Buffer,
    outputs: Vec<PlanOutput>,
    /// Types of the buffers allocated at each run for results.
    fresh: Vec<Ty>,
    cost: f64,
    /// 1 + the number of the scalar output that must be finite for a run to commit; 0 for none.
    guarded: std::sync::Arc<AtomicUsize>,
    kernels: Vec<Kernel>,
    /// Nodes of the graph that are computed.
    nodes: usize,
}

struct PlanVariable {
    variable: Variable,
    written: bool,
}

/// A variable's content in a layout of its own, kept with the variable and made anew when its version changes.
struct PlanPacked {
    variable: usize,
    packing: Packing,
}

/// Where a result is found after a run.
#[derive(Clone, Copy, Debug)]
struct PlanOutput {
    ty: Ty,
    place: Place,
}

/// Whose memory a value lives in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Place {
    /// Byte offset into the arena.
    Arena(usize),
    /// Argument of the run.
    Input(usize),
    /// A variable's own buffer.
    Variable(usize),
    /// Byte offset into the constants.
    Constant(usize),
    /// A buffer made at each run.
    Fresh(usize),
    /// Byte offset into the memory that each thread has for itself: a few images of a value that only a chain reads.
    Private(usize),
}

impl Plan {
    /// Plans the computation of `outputs`, and of all variables that the graph writes, from `inputs`: values that each run is given
    /// (usually the graph's own arguments, but any value may be given).
    ///
    /// # Errors
    /// What ops say while they are lowered; `Memory` when the constants do not fit.
    pub fn build(g: &Graph, inputs: &[Val], outputs: &[Val]) -> Result<Plan> {
        let isa = Isa::current();
        let staged = g.in_stages()?;
        let g = staged.as_ref().unwrap_or(g);
        let exchanged = gathered::exchange(g, inputs, outputs)?;
        let g = exchanged.as_ref().unwrap_or(g);
        let folded = fold::fold(g, inputs, outputs)?;
        let g = folded.as_ref().map_or(g, |f| &f.graph);
        let prepared = prepare::prepare(g, inputs, isa)?;
        let g = prepared.as_ref().unwrap_or(g);
        let mut live = rewrite::rewrite(g, inputs, outputs);
        rewrite::check_sizes(g, &live)?;
        let recomputed = recompute::recompute(g, &live)?;
        let g = recomputed.as_ref().map_or(g, |r| &r.graph);
        if recomputed.is_some() {
            live = rewrite::rewrite(g, inputs, outputs);
        }
        let late = recomputed.as_ref().map(|r| &r.values);
        let guarded = std::sync::Arc::new(AtomicUsize::new(0));
        let groups = fuse::groups(g, &live);
        let units = fuse::units(g, &live, &groups, isa)?;
        let (mut units, chains) =
            chains::chains(&images::Images { g, live: &live, isa, groups: &groups }, units, late)?;
        let writes = schedule::place_writes(g, &live, &mut units, outputs, isa)?;
        schedule::add_guards(g, &live, &mut units, outputs, &guarded);
        let schedule = schedule::schedule(&live, &units, &chains, &writes, late);
        let layout = arena::lay_out(g, &live, &schedule, &units, &chains, outputs)?;
        let kernels =
            explain::kernels(g, &schedule, &units, &chains, folded.as_ref().map_or(&[], |f| &f.kept), &layout);
        let cost = units.iter().map(|u| u.lowered.cost).sum();
        let steps::Steps { steps, phases, commit_from, units: of_step } =
            steps::steps(&layout, &units, &chains, &schedule);
        let program = TileProgram::new(steps, phases, commit_from, &layout.buffer_lens, layout.private)
            .map_err(|e| Error::Internal(format!("a plan failed its proof, which is a bug in dlrs: {e}")))?;
        Ok(Plan {
            program,
            of_step,
            arena: layout.arena,
            inputs: inputs.iter().map(|&v| g.ty(v)).collect(),
            variables: layout.variables,
            packed: layout.packed,
            kept: folded.map_or_else(Vec::new, |f| f.kept),
            constants: layout.constants,
            outputs: layout.outputs,
            fresh: layout.fresh,
            cost,
            guarded,
            kernels,
            nodes: live.nodes.len(),
        })
    }

    /// Types of the arguments.
    pub fn inputs(&self) -> &[Ty] {
        &self.inputs
    }

    /// Types of the results.
    pub fn outputs(&self) -> Vec<Ty> {
        self.outputs.iter().map(|o| o.ty).collect()
    }

    /// Estimated time on one thread, in nanoseconds.
    pub fn cost(&self) -> f64 {
        self.cost
    }
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Plan({} inputs, {} outputs, {} variables)",
            self.inputs.len(),
            self.outputs.len(),
            self.variables.len()
        )
    }
}
