//! Memory: which values live where, from when they are first written until they are last read.

use std::collections::HashMap;

use dlrs_kernels::mem::{ALIGN, Buffer, PRIVATE, Span};

use super::chains::Chain;
use super::fuse::{Target, Unit};
use super::rewrite::Live;
use super::schedule::Schedule;
use super::{Place, PlanOutput, PlanPacked, PlanVariable};
use crate::DType;
use crate::error::Result;
use crate::graph::{Graph, Source, Val};
use crate::ops::Packing;
use crate::tensor::Ty;
use crate::variable::Variable;

/// Where everything lives.
pub(super) struct Layout {
    pub arena: usize,
    /// Bytes of each thread's own memory.
    pub private: usize,
    pub constants: Buffer,
    pub variables: Vec<PlanVariable>,
    pub fresh: Vec<Ty>,
    pub outputs: Vec<PlanOutput>,
    pub packed: Vec<PlanPacked>,
    /// Lengths of all buffers of the tile program: arena, constants, inputs, variables, fresh, packed.
    pub buffer_lens: Vec<usize>,
    /// Per unit.
    pub spans: Vec<UnitSpans>,
    first_input: usize,
    first_variable: usize,
    first_fresh: usize,
    first_packed: usize,
}

/// Where a unit's operands and results are.
#[derive(Default)]
pub(super) struct UnitSpans {
    pub inputs: Vec<Span>,
    pub outputs: Vec<Span>,
    /// Pairs (input, output) that are the same memory.
    pub in_place: Vec<(usize, usize)>,
    /// The memory that the unit's tiles exchange between rounds.
    pub exchange: Option<[Span; 2]>,
}

/// A piece of memory, in use from one moment to another.
struct Block {
    bytes: usize,
    first: usize,
    last: usize,
    offset: usize,
}

pub(super) fn lay_out(
    g: &Graph,
    live: &Live,
    schedule: &Schedule,
    units: &[Unit],
    chains: &[Chain],
    outputs: &[Val],
) -> Result<Layout> {
    let (mut variables, numbers) = variables(g, live, units, outputs);
    let mut places: HashMap<Val, Place> = HashMap::new();
    let constants = place_givens(g, live, units, outputs, &numbers, &mut places)?;
    let mut fresh = Vec::new();
    for v in outputs.iter().map(|&v| live.root(v)) {
        places.entry(v).or_insert_with(|| {
            fresh.push(g.ty(v));
            Place::Fresh(fresh.len() - 1)
        });
    }
    let private = chains.iter().map(|chain| place_in_chain(g, live, units, chain, &mut places)).max().unwrap_or(0);
    let (arena, exchanges) = place_values(g, live, schedule, units, &mut places);
    for unit in units {
        for target in &unit.outputs {
            if let Target::Variable(x) = target {
                variables[numbers[&x.id()]].written = true;
            }
        }
    }
    let lens = [live.inputs.len(), variables.len(), fresh.len()];
    let (first_input, first_variable, first_fresh) = (2, 2 + lens[0], 2 + lens[0] + lens[1]);
    let mut buffer_lens = vec![arena, constants.len()];
    let mut inputs: Vec<(usize, Val)> = live.inputs.iter().map(|(v, i)| (*i, *v)).collect();
    inputs.sort_unstable();
    buffer_lens.extend(inputs.iter().map(|(_, v)| g.ty(*v).bytes()));
    buffer_lens.extend(variables.iter().map(|x| x.variable.ty().bytes()));
    buffer_lens.extend(fresh.iter().map(Ty::bytes));
    let packed = packed(g, live, units, &numbers);
    buffer_lens.extend(packed.iter().map(|p| p.packing.bytes));
    let outputs = outputs.iter().map(|&v| PlanOutput { ty: g.ty(v), place: places[&live.root(v)] }).collect();
    let mut layout = Layout {
        arena,
        private,
        constants,
        variables,
        fresh,
        outputs,
        buffer_lens,
        spans: Vec::new(),
        first_input,
        first_variable,
        first_fresh,
        first_packed: first_fresh + lens[2],
        packed,
    };
    layout.spans = units.iter().map(|u| layout.unit_spans(g, live, u, &places, &numbers)).collect();
    for (u, offset) in exchanges {
        let half = units[u].lowered.rounds.as_ref().map(|rounds| rounds.half);
        layout.spans[u].exchange = half
            .map(|ty| [0, 1].map(|k| layout.span(Place::Arena(offset + k * ty.bytes().next_multiple_of(ALIGN)), ty)));
    }
    Ok(layout)
}

impl Layout {
    fn span(&self, place: Place, ty: Ty) -> Span {
        let (buffer, offset) = match place {
            Place::Arena(offset) => (0, offset),
            Place::Constant(offset) => (1, offset),
            Place::Input(i) => (self.first_input + i, 0),
            Place::Variable(i) => (self.first_variable + i, 0),
            Place::Fresh(i) => (self.first_fresh + i, 0),
            Place::Private(offset) => (PRIVATE, offset),
        };
        Span { buffer, offset, len: ty.shape.size(), dtype: ty.dtype }
    }

    fn unit_spans(
        &self,
        g: &Graph,
        live: &Live,
        unit: &Unit,
        places: &HashMap<Val, Place>,
        numbers: &HashMap<u64, usize>,
    ) -> UnitSpans {
        let mut inputs: Vec<Span> = unit.inputs.iter().map(|&v| self.span(places[&live.root(v)], g.ty(v))).collect();
        if let Some(packing) = &unit.packing {
            let variable = packed_variable(g, live, unit, packing, numbers);
            let same = |p: &PlanPacked| p.variable == variable && p.packing.layout == packing.layout;
            let number = self.packed.iter().position(same).expect("every packing was numbered");
            let len = packing.bytes / DType::F32.size();
            inputs[packing.operand] = Span { buffer: self.first_packed + number, offset: 0, len, dtype: DType::F32 };
        }
        let outputs: Vec<Span> = unit
            .outputs
            .iter()
            .map(|target| match target {
                Target::Value(v) => self.span(places[v], g.ty(*v)),
                Target::Variable(x) => self.span(Place::Variable(numbers[&x.id()]), x.ty()),
            })
            .collect();
        let same = |&(i, k): &(usize, usize)| inputs[i] == outputs[k] && inputs[i].len > 0;
        let in_place = unit.lowered.may_alias.iter().copied().filter(same).collect();
        UnitSpans { inputs, outputs, in_place, exchange: None }
    }
}

/// The packed copies that the plan reads, one per variable and layout.
fn packed(g: &Graph, live: &Live, units: &[Unit], numbers: &HashMap<u64, usize>) -> Vec<PlanPacked> {
    let mut list: Vec<PlanPacked> = Vec::new();
    for unit in units {
        let Some(packing) = &unit.packing else { continue };
        let variable = packed_variable(g, live, unit, packing, numbers);
        if list.iter().all(|p| p.variable != variable || p.packing.layout != packing.layout) {
            list.push(PlanPacked { variable, packing: packing.clone() });
        }
    }
    list
}

fn packed_variable(g: &Graph, live: &Live, unit: &Unit, packing: &Packing, numbers: &HashMap<u64, usize>) -> usize {
    let Source::Variable(x) = g.source(live.root(unit.inputs[packing.operand])) else {
        unreachable!("only variables are packed")
    };
    numbers[&x.id()]
}

/// The variables that the plan reads or writes, with their numbers.
fn variables(g: &Graph, live: &Live, units: &[Unit], outputs: &[Val]) -> (Vec<PlanVariable>, HashMap<u64, usize>) {
    let (mut list, mut numbers) = (Vec::new(), HashMap::new());
    let mut add = |x: &Variable| {
        numbers.entry(x.id()).or_insert_with(|| {
            list.push(PlanVariable { variable: x.clone(), written: false });
            list.len() - 1
        });
    };
    for v in units.iter().flat_map(|u| &u.inputs).chain(outputs).map(|&v| live.root(v)) {
        if let (Source::Variable(x), false) = (g.source(v), live.inputs.contains_key(&v)) {
            add(x);
        }
    }
    for target in units.iter().flat_map(|u| &u.outputs) {
        if let Target::Variable(x) = target {
            add(x);
        }
    }
    (list, numbers)
}

/// Places inputs, variables and constants; returns the constants' memory.
fn place_givens(
    g: &Graph,
    live: &Live,
    units: &[Unit],
    outputs: &[Val],
    numbers: &HashMap<u64, usize>,
    places: &mut HashMap<Val, Place>,
) -> Result<Buffer> {
    let mut len = 0;
    let mut constants = Vec::new();
    for v in units.iter().flat_map(|u| &u.inputs).chain(outputs).map(|&v| live.root(v)) {
        if places.contains_key(&v) {
            continue;
        }
        let place = match (live.inputs.get(&v), g.source(v)) {
            (Some(&i), _) | (None, &Source::Input(i)) => Place::Input(i),
            (None, Source::Variable(x)) => Place::Variable(numbers[&x.id()]),
            (None, Source::Constant(t)) => {
                constants.push((len, t));
                len += t.bytes().len().next_multiple_of(ALIGN);
                Place::Constant(len - t.bytes().len().next_multiple_of(ALIGN))
            }
            (None, Source::Node { .. }) => continue,
        };
        places.insert(v, place);
    }
    let mut buffer = Buffer::zeroed(len)?;
    for (offset, t) in constants {
        buffer.bytes_mut()[offset..offset + t.bytes().len()].copy_from_slice(t.bytes());
    }
    Ok(buffer)
}

/// Gives values that nobody outside a chain reads a place in private memory for as many images as run together; returns its size.
fn place_in_chain(g: &Graph, live: &Live, units: &[Unit], chain: &Chain, places: &mut HashMap<Val, Place>) -> usize {
    let mut last_read: HashMap<Val, usize> = HashMap::new();
    for (u, unit) in units.iter().enumerate() {
        for v in unit.inputs.iter().map(|&v| live.root(v)) {
            let last = last_read.entry(v).or_default();
            *last = if chain.units.contains(&u) { (*last).max(u) } else { usize::MAX };
        }
    }
    let (mut blocks, mut values) = (Vec::new(), Vec::new());
    for u in chain.units.clone() {
        for v in units[u].outputs.iter().filter_map(Target::value).filter(|v| !places.contains_key(v)) {
            let last = last_read.get(&v).copied().unwrap_or(u);
            if last < usize::MAX {
                let bytes = (g.ty(v).bytes() / chain.all * chain.images).next_multiple_of(ALIGN);
                blocks.push(Block { bytes, first: u, last, offset: 0 });
                values.push(v);
            }
        }
    }
    let size = pack(&mut blocks);
    places.extend(values.into_iter().zip(&blocks).map(|(v, block)| (v, Place::Private(block.offset))));
    size
}

/// Gives every remaining value a place in the arena, and what rounds exchange; returns the arena's size, and which unit's exchange
/// lies where.
fn place_values(
    g: &Graph,
    live: &Live,
    schedule: &Schedule,
    units: &[Unit],
    places: &mut HashMap<Val, Place>,
) -> (usize, Vec<(usize, usize)>) {
    let mut last_read: HashMap<Val, usize> = HashMap::new();
    let mut readers: HashMap<(Val, usize), usize> = HashMap::new();
    for (u, unit) in units.iter().enumerate() {
        for v in unit.inputs.iter().map(|&v| live.root(v)) {
            let last = last_read.entry(v).or_default();
            *last = (*last).max(schedule.phase[u]);
            *readers.entry((v, schedule.phase[u])).or_default() += 1;
        }
    }
    let mut order: Vec<usize> = (0..units.len()).collect();
    order.sort_by_key(|&u| schedule.phase[u]);
    let mut blocks: Vec<Block> = Vec::new();
    let mut of_value: HashMap<Val, usize> = HashMap::new();
    let mut exchanges: Vec<(usize, usize)> = Vec::new();
    for u in order {
        let (unit, phase) = (&units[u], schedule.phase[u]);
        if let Some(rounds) = &unit.lowered.rounds {
            let bytes = 2 * rounds.half.bytes().next_multiple_of(ALIGN);
            exchanges.push((u, blocks.len()));
            blocks.push(Block { bytes, first: phase, last: phase, offset: 0 });
        }
        let mut reused: Vec<usize> = Vec::new();
        for (k, target) in unit.outputs.iter().enumerate() {
            let Target::Value(v) = *target else { continue };
            if places.contains_key(&v) {
                continue;
            }
            let last = last_read.get(&v).copied().unwrap_or(phase).max(phase);
            // An operand that nobody reads after or beside this unit gives its memory to the result.
            let heir = unit.lowered.may_alias.iter().filter(|(_, out)| *out == k).find_map(|&(i, _)| {
                let from = live.root(unit.inputs[i]);
                let block = *of_value.get(&from)?;
                let free = last_read[&from] == phase && readers[&(from, phase)] == 1 && blocks[block].last == phase;
                let same = g.ty(from).dtype == g.ty(v).dtype && g.ty(from).shape.size() == g.ty(v).shape.size();
                (free && same && !reused.contains(&block)).then_some(block)
            });
            let block = heir.unwrap_or_else(|| {
                blocks.push(Block { bytes: g.ty(v).bytes().next_multiple_of(ALIGN), first: phase, last, offset: 0 });
                blocks.len() - 1
            });
            blocks[block].last = last;
            reused.push(block);
            of_value.insert(v, block);
        }
    }
    let size = pack(&mut blocks);
    places.extend(of_value.into_iter().map(|(v, b)| (v, Place::Arena(blocks[b].offset))));
    exchanges.iter_mut().for_each(|(_, b)| *b = blocks[*b].offset);
    (size, exchanges)
}

/// Lays blocks out so that those in use at the same time do not overlap: the largest first, each at the lowest free offset.
fn pack(blocks: &mut [Block]) -> usize {
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    order.sort_by_key(|&b| (std::cmp::Reverse(blocks[b].bytes), blocks[b].first));
    let mut size = 0;
    let mut placed: Vec<usize> = Vec::new();
    for b in order {
        let meets = |o: &&usize| blocks[**o].first <= blocks[b].last && blocks[b].first <= blocks[**o].last;
        let mut busy: Vec<(usize, usize)> =
            placed.iter().filter(meets).map(|&o| (blocks[o].offset, blocks[o].offset + blocks[o].bytes)).collect();
        busy.sort_unstable();
        let mut offset = 0;
        for (start, end) in busy {
            if start >= offset + blocks[b].bytes {
                break;
            }
            offset = offset.max(end);
        }
        blocks[b].offset = offset;
        size = size.max(offset + blocks[b].bytes);
        placed.push(b);
    }
    size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_in_use_together_do_not_overlap() {
        let block = |bytes, first, last| Block { bytes, first, last, offset: 0 };
        let mut blocks = vec![block(64, 0, 1), block(128, 1, 2), block(64, 2, 3), block(192, 3, 4)];
        assert_eq!(pack(&mut blocks), 256);
        for (i, a) in blocks.iter().enumerate() {
            for b in &blocks[i + 1..] {
                let together = a.first <= b.last && b.first <= a.last;
                let apart = a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset;
                assert!(!together || apart);
            }
        }
    }
}
