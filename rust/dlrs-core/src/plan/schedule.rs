//! Phases: what may run at the same time, with the writes of variables last.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use dlrs_kernels::mem::TileIo;

use super::chains::Chain;
use super::fuse::{Origin, Target, Unit, copy_unit};
use super::rewrite::Live;
use crate::DType;
use crate::error::Result;
use crate::graph::{Graph, Source, Val};
use crate::ops::Lowered;
use crate::variable::Variable;

/// An update that takes longer than this is computed beside the state and copied in the commit, so that Ctrl-C is answered in time.
const LONG_UPDATE: f64 = 40e6;

/// What the guard says.
pub(super) const NOT_FINITE: &str = "not finite";

/// When each unit runs.
pub(super) struct Schedule {
    /// Per unit, its phase.
    pub phase: Vec<usize>,
    /// Number of phases.
    pub phases: usize,
    /// The first phase that writes variables.
    pub commit_from: usize,
}

/// Which units write variables.
pub(super) struct Writes {
    /// Updates that run on the variables' own memory.
    in_place: Vec<usize>,
    /// Copies of finished values.
    copies: Vec<usize>,
}

/// Decides, for each variable that the graph writes, whether an update runs in its memory or a finished value is copied there.
pub(super) fn place_writes(
    g: &Graph,
    live: &Live,
    units: &mut Vec<Unit>,
    outputs: &[Val],
    isa: dlrs_kernels::isa::Isa,
) -> Result<Writes> {
    let writes: Vec<(Variable, Val)> = g
        .writes()
        .iter()
        .map(|(x, v)| (x.clone(), live.canonical(*v)))
        .filter(|(x, v)| g.initial_if_read(x) != Some(live.root(*v)))
        .collect();
    let mut chosen: Vec<usize> =
        (0..units.len()).filter(|&u| can_update_in_place(g, live, &units[u], &writes, outputs)).collect();
    // A state that someone else reads in the commit phases must not change under the reader's eyes.
    while let Some(at) = chosen.iter().position(|&u| is_read_in_commit(live, units, u, &chosen, &writes)) {
        chosen.remove(at);
    }
    let mut copies = Vec::new();
    for (variable, v) in &writes {
        let home =
            chosen.iter().find_map(|&u| units[u].outputs.iter().position(|o| *o == Target::Value(*v)).map(|k| (u, k)));
        match home {
            Some((u, k)) => units[u].outputs[k] = Target::Variable(variable.clone()),
            None => {
                copies.push(units.len());
                units.push(copy_unit(g, *v, variable, isa)?);
            }
        }
    }
    Ok(Writes { in_place: chosen, copies })
}

/// Whether each result of the unit is written to the variable whose content is the operand with its number, and used nowhere else.
fn can_update_in_place(g: &Graph, live: &Live, unit: &Unit, writes: &[(Variable, Val)], outputs: &[Val]) -> bool {
    let fits = |k: usize| {
        let Target::Value(v) = unit.outputs[k] else { return false };
        let Some((i, _)) = unit.lowered.may_alias.iter().find(|(_, out)| *out == k) else { return false };
        let state = live.root(unit.inputs[*i]);
        let Source::Variable(x) = g.source(state) else { return false };
        let written =
            writes.iter().filter(|(_, w)| *w == v).count() == 1 && writes.iter().any(|(y, w)| y == x && *w == v);
        let used = !live.readers[v.index()].is_empty() || outputs.iter().any(|&o| live.root(o) == v);
        let once = unit.inputs.iter().filter(|&&o| live.root(o) == state).count() == 1;
        written && !used && once && !live.inputs.contains_key(&state)
    };
    unit.updates > 0 && unit.lowered.cost < LONG_UPDATE && (0..unit.outputs.len()).all(fits)
}

fn is_read_in_commit(live: &Live, units: &[Unit], u: usize, chosen: &[usize], writes: &[(Variable, Val)]) -> bool {
    let states: Vec<Val> = units[u].lowered.may_alias.iter().map(|(i, _)| live.root(units[u].inputs[*i])).collect();
    let by_update = chosen.iter().any(|&w| w != u && units[w].inputs.iter().any(|&v| states.contains(&live.root(v))));
    by_update || writes.iter().any(|(_, v)| states.contains(&live.root(*v)))
}

/// Adds, for each scalar result of a plan that writes variables, a look at whether it is finite, before anything is committed.
/// `guarded` says which result is looked at: 1 + its number, or 0 for none.
pub(super) fn add_guards(g: &Graph, live: &Live, units: &mut Vec<Unit>, outputs: &[Val], guarded: &Arc<AtomicUsize>) {
    for (number, &v) in outputs.iter().enumerate() {
        let ty = g.ty(v);
        if g.writes().is_empty() || ty.shape.size() != 1 || !ty.dtype.is_float() {
            continue;
        }
        let guarded = Arc::clone(guarded);
        let body = Arc::new(move |_: usize, io: &mut TileIo<'_>| {
            if guarded.load(Relaxed) == number + 1 && !is_finite(io) {
                io.refuse(NOT_FINITE.to_owned());
            }
        });
        let lowered = Lowered { tiles: vec![vec![]], body, cost: 5.0, ..Lowered::default() };
        let inputs = vec![live.canonical(v)];
        units.push(Unit {
            origin: Origin::Other,
            name: "check_finite",
            ops: vec!["check_finite"],
            inputs,
            outputs: vec![],
            lowered,
            updates: 0,
            packing: None,
        });
    }
}

fn is_finite(io: &TileIo<'_>) -> bool {
    match io.input_dtype(0) {
        DType::F64 => io.input::<f64>(0)[0].is_finite(),
        _ => io.input::<f32>(0)[0].is_finite(),
    }
}

/// The phases. A chain has one. Units whose results are all `late` run just before these are read.
pub(super) fn schedule(
    live: &Live,
    units: &[Unit],
    chains: &[Chain],
    writes: &Writes,
    late: Option<&HashSet<Val>>,
) -> Schedule {
    let mut ready: HashMap<Val, usize> = HashMap::new();
    let mut phase = vec![0; units.len()];
    let is_commit = |u: usize| writes.in_place.contains(&u) || writes.copies.contains(&u);
    let mut commit_from = 0;
    let mut next = 0;
    while next < units.len() {
        let chain = chains.iter().find(|chain| chain.units.start == next);
        let together = chain.map_or(next..next + 1, |chain| chain.units.clone());
        next = together.end;
        if is_commit(together.start) {
            continue;
        }
        let read = units[together.clone()].iter().flat_map(|unit| &unit.inputs);
        let at = read.filter_map(|&v| ready.get(&live.root(v))).map(|p| p + 1).max().unwrap_or(0);
        let made = units[together.clone()].iter().flat_map(|unit| &unit.outputs).filter_map(Target::value);
        ready.extend(made.map(|v| (v, at)));
        phase[together].fill(at);
        commit_from = commit_from.max(at + 1);
    }
    writes.in_place.iter().for_each(|&u| phase[u] = commit_from);
    let copies_at = commit_from + usize::from(!writes.in_place.is_empty());
    writes.copies.iter().for_each(|&u| phase[u] = copies_at);
    put_off(live, units, chains, late, &mut phase);
    Schedule { phases: copies_at + usize::from(!writes.copies.is_empty()), phase, commit_from }
}

/// Moves units that read nothing computed, such as transforms of kernels, and those that compute something again to the phase before
/// their first reader's: their results then take memory for no longer than needed.
fn put_off(live: &Live, units: &[Unit], chains: &[Chain], late: Option<&HashSet<Val>>, phase: &mut [usize]) {
    let mut first_read: HashMap<Val, usize> = HashMap::new();
    for (unit, &phase) in units.iter().zip(&*phase) {
        for v in unit.inputs.iter().map(|&v| live.root(v)) {
            first_read.entry(v).and_modify(|first| *first = phase.min(*first)).or_insert(phase);
        }
    }
    let computed: HashSet<Val> = units.iter().flat_map(|unit| &unit.outputs).filter_map(Target::value).collect();
    let in_chain = |u: usize| chains.iter().any(|chain| chain.units.contains(&u));
    for ((_, unit), phase) in units.iter().enumerate().zip(phase).filter(|((u, _), _)| !in_chain(*u)) {
        let given = unit.inputs.iter().all(|&v| !computed.contains(&live.root(v)));
        let reads = unit.outputs.iter().map(|target| first_read.get(&target.value()?).copied());
        let again = unit.outputs.iter().all(|target| late.zip(target.value()).is_some_and(|(l, v)| l.contains(&v)));
        if let (true, Some(Some(first))) = ((given && *phase == 0) || again, reads.min()) {
            *phase = first.saturating_sub(1);
        }
    }
}
