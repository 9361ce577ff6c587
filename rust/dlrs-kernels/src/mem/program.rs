//! Tile programs: what runs inside a plan, with the proof that tiles written in parallel are disjoint.
//!
//! A program is a list of phases; a phase is a set of steps; a step is a kernel cut into tiles. Tiles of one phase run in
//! any order on any member of the team; the next phase begins when all are done. [`TileProgram::new`] refuses a program in
//! which two tiles of a phase write the same element, or one reads what another writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use super::io::TileIo;
use super::{ALIGN, DType};

/// A range of bytes in one of the program's buffers.
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

    fn end(&self) -> usize {
        self.offset + self.bytes()
    }

    fn overlaps(&self, other: &Span) -> bool {
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

    fn is_empty(&self) -> bool {
        self.rows == 0 || self.cols == 0
    }

    fn end(&self) -> usize {
        if self.is_empty() { self.start } else { self.start + (self.rows - 1) * self.stride + self.cols }
    }

    /// Whether two rectangles of one output share no element. A `false` may be wrong for rectangles of different strides.
    fn is_disjoint(&self, other: &Rect) -> bool {
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
    pub tiles: Vec<Vec<Rect>>,
    /// Bytes of scratch memory that a tile needs.
    pub scratch: usize,
    /// Estimated time of all tiles, in nanoseconds.
    pub cost: f64,
    /// The kernel.
    pub body: Body,
}

/// A proved list of phases.
pub struct TileProgram {
    pub(super) steps: Vec<Step>,
    pub(super) phases: Vec<Phase>,
    pub(super) commit_from: usize,
    pub(super) buffers: Vec<BufferSpec>,
    pub(super) scratch: usize,
}

/// Tiles that may run at the same time.
#[derive(Clone)]
pub(super) struct Phase {
    /// (step, tile).
    pub tiles: Vec<(u32, u32)>,
    /// How many tiles a ticket covers: handing one over costs about 100 ns, so tickets are worth [`TICKET`] or more.
    pub per_ticket: usize,
}

/// The least work of a ticket, in nanoseconds.
const TICKET: f64 = 2000.0;

impl Phase {
    fn new(steps: &[Step], phase: &[usize]) -> Phase {
        let tiles: Vec<(u32, u32)> =
            phase.iter().flat_map(|&s| (0..steps[s].tiles.len()).map(move |t| (s as u32, t as u32))).collect();
        let cost: f64 = phase.iter().map(|&s| steps[s].cost).sum();
        let tickets = (cost / TICKET).ceil().clamp(1.0, tiles.len().max(1) as f64) as usize;
        Phase { per_ticket: tiles.len().div_ceil(tickets).max(1), tiles }
    }

    /// Number of tickets.
    pub(super) fn tickets(&self) -> usize {
        self.tiles.len().div_ceil(self.per_ticket)
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
    /// Builds a program of `phases` (indices into `steps`) over buffers of the given lengths, and proves it.
    ///
    /// From phase `commit_from` on a run is no longer interrupted.
    ///
    /// # Errors
    /// A message, when a span leaves its buffer, a tile its output, or two tiles of a phase touch the same element and one writes it.
    pub fn new(
        steps: Vec<Step>,
        phases: Vec<Vec<usize>>,
        commit_from: usize,
        buffer_lens: &[usize],
    ) -> Result<TileProgram, String> {
        let mut buffers: Vec<_> = buffer_lens.iter().map(|&len| BufferSpec { len, written: false, align: 1 }).collect();
        for step in &steps {
            check_step(step, buffer_lens)?;
            for span in step.inputs.iter().chain(&step.outputs) {
                let spec = &mut buffers[span.buffer];
                spec.align = spec.align.max(span.dtype.size());
            }
            step.outputs.iter().for_each(|o| buffers[o.buffer].written = true);
        }
        for phase in &phases {
            check_phase(&steps, phase)?;
        }
        let scratch = steps.iter().map(|s| s.scratch).max().unwrap_or(0);
        let phases = phases.iter().map(|phase| Phase::new(&steps, phase)).collect();
        Ok(TileProgram { steps, phases, commit_from, buffers, scratch })
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
            TileProgram { steps: steps.collect(), phases: self.phases.clone(), buffers: self.buffers.clone(), ..*self },
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

fn check_step(step: &Step, buffer_lens: &[usize]) -> Result<(), String> {
    for span in step.inputs.iter().chain(&step.outputs) {
        let len = *buffer_lens.get(span.buffer).ok_or_else(|| format!("{}: no buffer {}", step.name, span.buffer))?;
        let bytes = span.len.checked_mul(span.dtype.size()).and_then(|b| b.checked_add(span.offset));
        if bytes.is_none_or(|end| end > len) || !span.offset.is_multiple_of(ALIGN) {
            return Err(format!("{}: {span:?} does not fit a buffer of {len} bytes", step.name));
        }
    }
    for &(i, o) in &step.in_place {
        if step.inputs[i] != step.outputs[o] {
            return Err(format!("{}: input {i} and output {o} are not the same memory", step.name));
        }
    }
    for rects in &step.tiles {
        if rects.len() != step.outputs.len() {
            return Err(format!("{}: a tile covers {} of {} outputs", step.name, rects.len(), step.outputs.len()));
        }
        for (rect, span) in rects.iter().zip(&step.outputs) {
            if rect.end() > span.len || (rect.rows > 1 && rect.stride < rect.cols) {
                return Err(format!("{}: {rect:?} leaves an output of {} elements", step.name, span.len));
            }
        }
    }
    Ok(())
}

/// Proves that what tiles of one phase write is disjoint from everything that other tiles of it touch.
fn check_phase(steps: &[Step], phase: &[usize]) -> Result<(), String> {
    let written: Vec<(usize, usize)> =
        phase.iter().flat_map(|&s| (0..steps[s].outputs.len()).map(move |o| (s, o))).collect();
    for (n, &(s, o)) in written.iter().enumerate() {
        let span = &steps[s].outputs[o];
        check_tiles(&steps[s], o)?;
        if let Some(&(other, _)) = written[n + 1..].iter().find(|&&(s2, o2)| steps[s2].outputs[o2].overlaps(span)) {
            return Err(format!("{} and {} write the same memory in one phase", steps[s].name, steps[other].name));
        }
        for &r in phase {
            for (i, input) in steps[r].inputs.iter().enumerate() {
                let own = r == s && steps[r].in_place.contains(&(i, o));
                if input.overlaps(span) && !own {
                    return Err(format!("{} reads what {} writes in the same phase", steps[r].name, steps[s].name));
                }
            }
        }
    }
    Ok(())
}

/// Proves that the tiles of one output are pairwise disjoint.
fn check_tiles(step: &Step, output: usize) -> Result<(), String> {
    let mut rects: Vec<&Rect> = step.tiles.iter().map(|t| &t[output]).filter(|r| !r.is_empty()).collect();
    rects.sort_by_key(|r| r.start);
    for (n, rect) in rects.iter().enumerate() {
        let end = rect.end();
        // Sorted by start: a later rectangle that begins after the end cannot meet this one, nor can any after it.
        for other in rects[n + 1..].iter().take_while(|other| other.start < end) {
            if !rect.is_disjoint(other) {
                return Err(format!("{}: tiles {rect:?} and {other:?} overlap", step.name));
            }
        }
    }
    Ok(())
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
            tiles,
            scratch: 0,
            cost: 1.0,
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
        assert!(TileProgram::new(vec![good.clone()], vec![vec![0]], 1, &[1024]).is_ok());
        let mut bad = good.clone();
        bad.tiles[3][0].cols = 5; // runs over the row's end into the next row's first column
        assert!(TileProgram::new(vec![bad], vec![vec![0]], 1, &[1024]).is_err());
        let mut bad = good;
        bad.tiles[1][0].start -= 1;
        assert!(TileProgram::new(vec![bad], vec![vec![0]], 1, &[1024]).is_err());
    }

    #[test]
    fn reading_what_is_written_needs_a_later_phase() {
        let write = step(vec![], vec![span(0, 16)], vec![vec![Rect::flat(0, 16)]]);
        let read = step(vec![span(0, 16)], vec![span(64, 16)], vec![vec![Rect::flat(0, 16)]]);
        let steps = || vec![write.clone(), read.clone()];
        assert!(TileProgram::new(steps(), vec![vec![0, 1]], 2, &[128]).is_err());
        assert!(TileProgram::new(steps(), vec![vec![0], vec![1]], 2, &[128]).is_ok());
        assert!(TileProgram::new(steps(), vec![vec![0], vec![1]], 2, &[64]).is_err());
    }
}
