//! The units as steps of a tile program: those of a chain once for each group of images.

use std::ops::Range;
use std::sync::Arc;

use dlrs_kernels::mem::{PRIVATE, Rect, Rounds, Span, Step, Work};

use super::arena::{Layout, UnitSpans};
use super::chains::Chain;
use super::fuse::Unit;
use super::images::Rows;
use super::schedule::Schedule;
use crate::ops::Lowered;

/// What a tile program is made of.
pub(super) struct Steps {
    pub steps: Vec<Step>,
    pub phases: Vec<Vec<Work>>,
    /// The first phase that writes variables.
    pub commit_from: usize,
    /// Per step, its unit.
    pub units: Vec<usize>,
}

type Tiles = Arc<Vec<Vec<Rect>>>;

pub(super) fn steps(layout: &Layout, units: &[Unit], chains: &[Chain], schedule: &Schedule) -> Steps {
    let mut all = Steps { steps: Vec::new(), phases: Vec::new(), commit_from: 0, units: Vec::new() };
    let mut works: Vec<Vec<(f64, Work)>> = vec![Vec::new(); schedule.phases];
    for (u, unit) in units.iter().enumerate() {
        if chains.iter().all(|chain| !chain.units.contains(&u)) {
            let spans = &layout.spans[u];
            let step =
                step(unit, &unit.lowered, tiles(&unit.lowered), spans, (spans.inputs.clone(), spans.outputs.clone()));
            works[schedule.phase[u]].push((step.cost, Work::Tiles(all.push(u, step))));
        }
    }
    for chain in chains {
        let mut lanes = all.lanes(layout, units, chain);
        works[schedule.phase[chain.units.start]].append(&mut lanes);
    }
    for (phase, mut works) in works.into_iter().enumerate() {
        if phase == schedule.commit_from {
            all.commit_from = all.phases.len();
        }
        // Long ones first, so that a phase does not end with one member at work; steps in rounds, each alone, before the others.
        works.sort_by(|a, b| b.0.total_cmp(&a.0));
        let in_rounds = |work: &Work| matches!(work, Work::Tiles(step) if all.steps[*step].rounds.is_some());
        let (alone, others): (Vec<Work>, _) = works.into_iter().map(|(_, work)| work).partition(in_rounds);
        all.phases.extend(alone.into_iter().map(|work| vec![work]));
        if !others.is_empty() {
            all.phases.push(others);
        }
    }
    if schedule.commit_from >= schedule.phases {
        all.commit_from = all.phases.len();
    }
    all
}

impl Steps {
    fn push(&mut self, unit: usize, step: Step) -> usize {
        self.steps.push(step);
        self.units.push(unit);
        self.steps.len() - 1
    }

    /// One lane for each group of a chain's images, with its time.
    fn lanes(&mut self, layout: &Layout, units: &[Unit], chain: &Chain) -> Vec<(f64, Work)> {
        let mut lanes = Vec::new();
        let mut first = 0;
        for (groups, lowered) in &chain.sizes {
            let tiles: Vec<Tiles> = lowered.iter().map(tiles).collect();
            for _ in 0..groups.count {
                let mut lane = Vec::with_capacity(lowered.len());
                for (m, (u, lowered)) in chain.units.clone().zip(lowered).enumerate() {
                    let spans = &layout.spans[u];
                    let images = first..first + groups.images;
                    let part = |span: &Span, rows| part(span, rows, images.clone(), chain.all);
                    let inputs = spans.inputs.iter().zip(&chain.known[m].operands);
                    let inputs = inputs.map(|(span, is)| if *is { part(span, Rows::Each(1)) } else { *span }).collect();
                    let outputs = spans.outputs.iter().zip(&chain.known[m].results);
                    let outputs = outputs.map(|(span, rows)| part(span, *rows)).collect();
                    let step = step(&units[u], lowered, Arc::clone(&tiles[m]), spans, (inputs, outputs));
                    lane.push(self.push(u, step));
                }
                first += groups.images;
                let cost = lane.iter().map(|&s| self.steps[s].cost).sum();
                lanes.push((cost, Work::Lane(lane)));
            }
        }
        lanes
    }
}

fn tiles(lowered: &Lowered) -> Tiles {
    Arc::new(lowered.tiles.clone())
}

fn step(
    unit: &Unit,
    lowered: &Lowered,
    tiles: Tiles,
    spans: &UnitSpans,
    (inputs, outputs): (Vec<Span>, Vec<Span>),
) -> Step {
    let rounds = lowered.rounds.as_ref().zip(spans.exchange);
    let rounds = rounds.map(|(r, exchange)| Rounds { count: r.count, exchange, rects: r.rects.clone() });
    Step {
        name: unit.name,
        inputs,
        outputs,
        in_place: spans.in_place.clone(),
        tiles,
        scratch: lowered.scratch,
        cost: lowered.cost,
        rounds,
        body: Arc::clone(&lowered.body),
    }
}

/// The part of some images in a span that holds `all`. Private memory holds that of the group at hand.
fn part(span: &Span, rows: Rows, images: Range<usize>, all: usize) -> Span {
    let row = span.len / rows.of(all);
    let before = if span.buffer == PRIVATE { 0 } else { rows.of(images.start) * row * span.dtype.size() };
    Span { offset: span.offset + before, len: rows.of(images.len()) * row, ..*span }
}
