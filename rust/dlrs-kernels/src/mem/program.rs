//! Tile programs: what runs inside a plan, with the proof that tiles written in parallel are disjoint.
//!
//! A program is a list of phases; a phase is a set of steps; a step is a kernel cut into tiles. Tiles of one phase run in
//! any order on any member of the team, but for those of a [lane](Work::Lane), which one member runs in their order; the next phase
//! begins when all are done. A step in [rounds](Rounds) has a phase of its own, which runs once for each round. [`TileProgram::new`] refuses a program in which two tiles of a phase that may run at the same time
//! write the same element, or one reads what another writes.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use super::io::TileIo;
use super::{ALIGN, DType, proof};

/// In the place of a buffer's index: memory that each member of the team has for itself, where a lane keeps what only it needs.
pub const PRIVATE: usize = usize::MAX;

/// A range of bytes in one of the program's buffers, or in [private](PRIVATE) memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Index of the buffer.
    pub buffer: usize,
    /// First byte.
    pub offset: usize,
    /// Length in elements.
    pub len: usize,
    /// Type of the elements.
    pub dtype: DType,
}

impl Span {
    fn bytes(&self) -> usize {
        self.len * self.dtype.size()
    }

    pub(super) fn end(&self) -> usize {
        self.offset + self.bytes()
    }

    /// Reaches as far as the other, in bytes.
    pub(super) fn extend_to(&mut self, other: &Span) {
        self.len = self.end().max(other.end()) - self.offset;
        self.dtype = DType::U8;
    }

    pub(super) fn overlaps(&self, other: &Span) -> bool {
        self.buffer == other.buffer
            && self.offset < other.end()
            && other.offset < self.end()
            && self.len > 0
            && other.len > 0
    }
}

/// The part of one output that one tile writes: `rows` × `cols` elements from `start`, rows `stride` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// First element, counted from the start of the output.
    pub start: usize,
    /// Rows.
    pub rows: usize,
    /// Elements in a row.
    pub cols: usize,
    /// Elements between the starts of two rows.
    pub stride: usize,
}

impl Rect {
    /// `len` elements from `start`.
    pub fn flat(start: usize, len: usize) -> Rect {
        Rect { start, rows: 1, cols: len, stride: len }
    }

    /// No element.
    pub fn empty() -> Rect {
        Rect::flat(0, 0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0 || self.cols == 0
    }

    pub(super) fn end(&self) -> usize {
        if self.is_empty() { self.start } else { self.start + (self.rows - 1) * self.stride + self.cols }
    }

    /// Whether two rectangles of one output share no element. A `false` may be wrong for rectangles of different strides.
    pub(super) fn is_disjoint(&self, other: &Rect) -> bool {
        if self.is_empty() || other.is_empty() || self.end() <= other.start || other.end() <= self.start {
            return true;
        }
        // One row has no stride of its own: see it on the other's grid.
        let stride = if self.rows > 1 { self.stride } else { other.stride };
        if stride == 0 || (self.rows > 1 && other.rows > 1 && self.stride != other.stride) {
            return false;
        }
        let (a, b) = (self.start % stride, other.start % stride);
        let fits = a + self.cols <= stride && b + other.cols <= stride;
        fits && (a + self.cols <= b || b + other.cols <= a)
    }
}

/// What a tile does. It is called with the tile's index and its inputs and outputs.
pub type Body = Arc<dyn Fn(usize, &mut TileIo<'_>) + Send + Sync>;

/// Rounds of a step whose tiles need what others of them computed: all tiles run, the team meets, all run again.
#[derive(Clone, Debug)]
pub struct Rounds {
    /// How many.
    pub count: usize,
    /// Memory in two halves: one round writes the one and reads what the round before left in the other.
    pub exchange: [Span; 2],
    /// Per tile, the elements of a half that it writes.
    pub rects: Vec<Rect>,
}

/// The most tiles of a step in rounds: a bit of a word says which of them have been begun.
pub const MAX_ROUND_TILES: usize = 64;

/// A kernel over its operands, cut into tiles.
#[derive(Clone)]
pub struct Step {
    /// The op's name, for messages.
    pub name: &'static str,
    /// What it reads.
    pub inputs: Vec<Span>,
    /// What it writes.
    pub outputs: Vec<Span>,
    /// Pairs (input, output) that are the same memory: the output starts out as the input.
    pub in_place: Vec<(usize, usize)>,
    /// Per tile, per output, the elements written.
    pub tiles: Arc<Vec<Vec<Rect>>>,
    /// Bytes of scratch memory that a tile needs.
    pub scratch: usize,
    /// Estimated time of all tiles, in nanoseconds.
    pub cost: f64,
    /// The rounds, if there are any: it is then alone in its phase.
    pub rounds: Option<Rounds>,
    /// The kernel.
    pub body: Body,
}

impl Step {
    /// The halves of the memory that rounds exchange.
    pub(super) fn exchange(&self) -> &[Span] {
        self.rounds.as_ref().map_or(&[], |rounds| &rounds.exchange)
    }

    /// Everything that is written.
    pub(super) fn written(&self) -> impl Iterator<Item = &Span> {
        self.outputs.iter().chain(self.exchange())
    }
}

/// A part of a phase.
#[derive(Clone, Debug)]
pub enum Work {
    /// A step, whose tiles run in any order.
    Tiles(usize),
    /// Steps that one member runs one after another, tile by tile: each may read what those before it wrote.
    Lane(Vec<usize>),
}

impl Work {
    pub(super) fn steps(&self) -> &[usize] {
        match self {
            Work::Tiles(step) => std::slice::from_ref(step),
            Work::Lane(steps) => steps,
        }
    }
}

/// A proved list of phases.
pub struct TileProgram {
    pub(super) steps: Vec<Step>,
    pub(super) phases: Vec<Phase>,
    /// The phases in their order, those of rounds once for each.
    pub(super) moments: Vec<Moment>,
    pub(super) commit_from: usize,
    pub(super) buffers: Vec<BufferSpec>,
    pub(super) scratch: usize,
    /// Bytes of each member's private memory.
    pub(super) private: usize,
}

/// What runs between two meetings of the team: a phase, or one of its rounds.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub phase: u32,
    pub round: u32,
}

/// Tiles that run between two meetings of the team.
#[derive(Clone)]
pub(super) struct Phase {
    /// (step, tile), those of a ticket in a row.
    pub tiles: Vec<(u32, u32)>,
    /// Where each ticket's tiles end.
    pub ends: Vec<usize>,
    /// Whether a member takes the tickets that it had in the round before, whose operands are in its caches.
    pub keeps: bool,
    /// How often it runs.
    rounds: u32,
}

/// The least work of a ticket, in nanoseconds: handing one over costs about 100 ns.
const TICKET: f64 = 2000.0;

impl Phase {
    /// A lane is one ticket; other tiles share tickets worth [`TICKET`] or more.
    fn new(steps: &[Step], works: &[Work]) -> Phase {
        let mut phase = Phase { tiles: Vec::new(), ends: Vec::new(), keeps: false, rounds: 1 };
        if let [Work::Tiles(step)] = works
            && let Some(rounds) = &steps[*step].rounds
        {
            let tiles = steps[*step].tiles.len();
            phase.push(*step, tiles);
            return Phase { ends: (1..=tiles).collect(), keeps: true, rounds: rounds.count as u32, ..phase };
        }
        let (mut count, mut cost) = (0, 0.0);
        for work in works {
            if let Work::Tiles(step) = work {
                count += steps[*step].tiles.len();
                cost += steps[*step].cost;
            }
        }
        let tickets = (cost / TICKET).ceil().clamp(1.0, count.max(1) as f64) as usize;
        let per_ticket = count.div_ceil(tickets).max(1);
        let mut open = 0;
        for work in works {
            match work {
                Work::Lane(lane) => {
                    phase.close(&mut open);
                    lane.iter().for_each(|&s| phase.push(s, steps[s].tiles.len()));
                    phase.close(&mut open);
                }
                Work::Tiles(step) => {
                    for tile in 0..steps[*step].tiles.len() {
                        phase.tiles.push((*step as u32, tile as u32));
                        open += 1;
                        if open == per_ticket {
                            phase.close(&mut open);
                        }
                    }
                }
            }
        }
        phase.close(&mut open);
        phase
    }

    fn push(&mut self, step: usize, tiles: usize) {
        self.tiles.extend((0..tiles).map(|tile| (step as u32, tile as u32)));
    }

    /// Ends a ticket that holds tiles.
    fn close(&mut self, open: &mut usize) {
        *open = 0;
        if self.ends.last().copied().unwrap_or(0) < self.tiles.len() {
            self.ends.push(self.tiles.len());
        }
    }

    /// Number of tickets.
    pub(super) fn tickets(&self) -> usize {
        self.ends.len()
    }

    /// The tiles of a ticket.
    pub(super) fn ticket(&self, ticket: usize) -> Range<usize> {
        let first = ticket.checked_sub(1).map_or(0, |before| self.ends[before]);
        first..self.ends[ticket]
    }
}

/// What a program expects of one of its buffers.
#[derive(Clone, Copy, Debug)]
pub struct BufferSpec {
    /// Length in bytes.
    pub len: usize,
    /// Whether some step writes it.
    pub written: bool,
    /// What its address must be a multiple of: the size of its largest elements.
    pub align: usize,
}

impl TileProgram {
    /// Builds a program of `phases` (indices into `steps`) over buffers of the given lengths and `private` bytes of private memory,
    /// and proves it.
    ///
    /// From phase `commit_from` on a run is no longer interrupted.
    ///
    /// # Errors
    /// A message, when a span leaves its buffer, a tile its output, or two tiles of a phase touch the same element and one writes it.
    pub fn new(
        steps: Vec<Step>,
        phases: Vec<Vec<Work>>,
        commit_from: usize,
        buffer_lens: &[usize],
        private: usize,
    ) -> Result<TileProgram, String> {
        let mut buffers: Vec<_> = buffer_lens.iter().map(|&len| BufferSpec { len, written: false, align: 1 }).collect();
        for step in &steps {
            proof::check_step(step, buffer_lens, private)?;
            for span in step.inputs.iter().chain(step.written()).filter(|span| span.buffer != PRIVATE) {
                let spec = &mut buffers[span.buffer];
                spec.align = spec.align.max(span.dtype.size());
            }
            let shared = step.written().filter(|span| span.buffer != PRIVATE);
            shared.for_each(|o| buffers[o.buffer].written = true);
        }
        for phase in &phases {
            proof::check_phase(&steps, phase)?;
        }
        let scratch = steps.iter().map(|s| s.scratch).max().unwrap_or(0);
        let phases: Vec<Phase> = phases.iter().map(|phase| Phase::new(&steps, phase)).collect();
        let rounds =
            |(phase, p): (usize, &Phase)| (0..p.rounds).map(move |round| Moment { phase: phase as u32, round });
        let moments = phases.iter().enumerate().flat_map(rounds).collect();
        let scratch = scratch.next_multiple_of(ALIGN);
        Ok(TileProgram { steps, phases, moments, commit_from, buffers, scratch, private })
    }

    /// The same program with a clock for each step, which adds up the nanoseconds of all its tiles, whoever runs them.
    pub fn timed(&self) -> (TileProgram, Vec<Arc<AtomicU64>>) {
        let clocks: Vec<Arc<AtomicU64>> = self.steps.iter().map(|_| Arc::default()).collect();
        let steps = self.steps.iter().zip(&clocks).map(|(step, clock)| {
            let (body, clock) = (Arc::clone(&step.body), Arc::clone(clock));
            let timed: Body = Arc::new(move |tile, io| {
                let start = Instant::now();
                body(tile, io);
                clock.fetch_add(start.elapsed().as_nanos() as u64, Relaxed);
            });
            Step { body: timed, ..step.clone() }
        });
        (
            TileProgram {
                steps: steps.collect(),
                phases: self.phases.clone(),
                moments: self.moments.clone(),
                buffers: self.buffers.clone(),
                ..*self
            },
            clocks,
        )
    }

    /// The buffers that a run must bind.
    pub fn buffers(&self) -> &[BufferSpec] {
        &self.buffers
    }

    /// Bytes of scratch memory that each member of the team needs.
    pub fn scratch(&self) -> usize {
        self.scratch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(inputs: Vec<Span>, outputs: Vec<Span>, tiles: Vec<Vec<Rect>>) -> Step {
        Step {
            name: "test",
            inputs,
            outputs,
            in_place: vec![],
            tiles: Arc::new(tiles),
            scratch: 0,
            cost: 1.0,
            rounds: None,
            body: Arc::new(|_, _| {}),
        }
    }

    fn span(offset: usize, len: usize) -> Span {
        Span { buffer: 0, offset, len, dtype: DType::F32 }
    }

    #[test]
    fn grids_are_disjoint_and_overlaps_are_found() {
        let grid = |r: usize, c: usize| vec![Rect { start: r * 8 * 16 + c * 4, rows: 8, cols: 4, stride: 16 }];
        let tiles: Vec<_> = (0..2).flat_map(|r| (0..4).map(move |c| grid(r, c))).collect();
        let good = step(vec![], vec![span(0, 256)], tiles);
        assert!(TileProgram::new(vec![good.clone()], vec![vec![Work::Tiles(0)]], 1, &[1024], 0).is_ok());
        let mut bad = good.clone();
        Arc::make_mut(&mut bad.tiles)[3][0].cols = 5; // runs over the row's end into the next row's first column
        assert!(TileProgram::new(vec![bad], vec![vec![Work::Tiles(0)]], 1, &[1024], 0).is_err());
        let mut bad = good;
        Arc::make_mut(&mut bad.tiles)[1][0].start -= 1;
        assert!(TileProgram::new(vec![bad], vec![vec![Work::Tiles(0)]], 1, &[1024], 0).is_err());
    }

    #[test]
    fn reading_what_is_written_needs_a_later_phase() {
        let write = step(vec![], vec![span(0, 16)], vec![vec![Rect::flat(0, 16)]]);
        let read = step(vec![span(0, 16)], vec![span(64, 16)], vec![vec![Rect::flat(0, 16)]]);
        let steps = || vec![write.clone(), read.clone()];
        let (a, b) = (|| Work::Tiles(0), || Work::Tiles(1));
        assert!(TileProgram::new(steps(), vec![vec![a(), b()]], 2, &[128], 0).is_err());
        assert!(TileProgram::new(steps(), vec![vec![a()], vec![b()]], 2, &[128], 0).is_ok());
        assert!(TileProgram::new(steps(), vec![vec![a()], vec![b()]], 2, &[64], 0).is_err());
    }

    #[test]
    fn lanes_are_apart_from_each_other_and_keep_private_memory_to_themselves() {
        let private = |len| Span { buffer: PRIVATE, ..span(0, len) };
        let make = |from, to| step(vec![from], vec![to], vec![vec![Rect::flat(0, 16)]]);
        let lane = |k: usize| [make(span(k * 64, 16), private(16)), make(private(16), span(256 + k * 64, 16))];
        let steps = || lane(0).into_iter().chain(lane(1)).collect::<Vec<_>>();
        let prove = |steps, phase, private| TileProgram::new(steps, vec![phase], 1, &[512], private);
        let lanes = || vec![Work::Lane(vec![0, 1]), Work::Lane(vec![2, 3])];
        assert!(prove(steps(), lanes(), 64).is_ok());
        assert!(prove(steps(), lanes(), 63).is_err());
        assert!(prove(steps(), vec![Work::Tiles(0), Work::Lane(vec![2, 3])], 64).is_err());
        let mut bad = steps();
        bad[2].inputs[0] = span(256 + 32, 16); // what lane 0 writes
        assert!(prove(bad, lanes(), 64).is_err());
        let mut bad = steps();
        bad[3].outputs[0] = span(256 + 32, 16);
        assert!(prove(bad, lanes(), 64).is_err());
        let mut bad = steps();
        bad[1].outputs[0] = private(16); // reads and writes the same memory, not in place
        assert!(prove(bad, lanes(), 64).is_err());
    }

    #[test]
    fn rounds_exchange_memory_of_their_own() {
        let half = |k: usize| span(128 + 64 * k, 16);
        let tiles: Vec<_> = (0..2).map(|t| vec![Rect::flat(8 * t, 8)]).collect();
        let rects = vec![Rect::flat(0, 8), Rect::flat(8, 8)];
        let good = step(vec![span(0, 16)], vec![span(64, 16)], tiles);
        let with = |count, exchange, rects| Step { rounds: Some(Rounds { count, exchange, rects }), ..good.clone() };
        let prove = |step| TileProgram::new(vec![step], vec![vec![Work::Tiles(0)]], 1, &[256], 0);
        assert_eq!(prove(with(3, [half(0), half(1)], rects.clone())).unwrap().moments.len(), 3);
        assert!(prove(with(3, [half(0), half(0)], rects.clone())).is_err());
        assert!(prove(with(3, [half(0), span(64, 16)], rects.clone())).is_err());
        assert!(prove(with(3, [half(0), span(0, 16)], rects.clone())).is_err());
        assert!(prove(with(3, [half(1), half(2)], rects.clone())).is_err());
        assert!(prove(with(3, [half(0), half(1)], vec![Rect::flat(0, 9), Rect::flat(8, 8)])).is_err());
        assert!(prove(with(3, [half(0), half(1)], rects[..1].to_vec())).is_err());
        let rounds = with(3, [half(0), half(1)], rects);
        let other = step(vec![], vec![span(0, 0)], vec![vec![Rect::empty()]]);
        let both = vec![vec![Work::Tiles(0), Work::Tiles(1)]];
        assert!(TileProgram::new(vec![rounds, other], both, 1, &[256], 0).is_err());
    }
}
