//! Training on windows: batches of them meet the weights as these were before, and all move them.
//!
//! A member of the team works on a piece of the columns, whose memory no one else touches. It forms its part of the products of a
//! batch; the team meets, and the members share the scores and turn them to slopes; they meet again, and each moves
//! its columns and goes on to the next batch. No sum depends on who did what, so that the bits are those of one thread.

use std::ops::Range;
use std::sync::Arc;

use super::Matrices;
use super::architecture::Architecture;
use super::kernel::{Strip, fetch, stride};
use super::windows::Windows;
use crate::dispatch;
use crate::isa::{Isa, Simd};
use crate::math;
use crate::mem::{
    Bind, Body, Buffer, DType, Rect, Rounds, RunError, Scratch, Span, Step, Team, TileProgram, Work, cast,
};

/// Windows whose rows are fetched before they are read.
const AHEAD: usize = 4;

/// Chances whose logarithm is taken together: their product must not vanish.
const TOGETHER: usize = 4;
/// The least chance that a loss is the logarithm of; it is 20.8.
const LEAST: f32 = 1.0 / 1_073_741_824.0;

/// Memory that one training after another uses.
#[derive(Default)]
pub struct Memory {
    exchange: Option<Buffer>,
    scratch: Scratch,
}

/// Trains on `windows` with steps of length `rate`; returns the sum of the losses −log σ(±score) and how many they are.
///
/// # Errors
/// Memory runs out.
///
/// # Panics
/// If a window has rows that the matrices have not, outputs next to each other are the same, or the windows are not cut into batches.
pub fn train<A: Architecture>(
    isa: Isa,
    team: &Team,
    architecture: A,
    matrices: &mut Matrices,
    windows: Arc<Windows>,
    rate: f32,
    memory: &mut Memory,
) -> Result<(f64, u64), RunError> {
    if windows.is_empty() {
        return Ok((0.0, 0));
    }
    assert!(windows.fit(matrices), "rows that are none, or the same output twice");
    assert_eq!(windows.batch(windows.batches()), windows.len()..windows.len(), "windows without a batch");
    let block = Block::new(architecture, windows, matrices, rate);
    let (pieces, room, count) = (matrices.pieces(), block.room, block.count);
    let exchange = pieces * block.most;
    let bytes = 2 * 4 * exchange + 8 * pieces;
    if memory.exchange.as_ref().is_none_or(|buffer| buffer.len() < bytes) {
        memory.exchange = Some(Buffer::zeroed(bytes)?);
    }
    let program = block.program(isa, matrices, room)?;
    let shared = &mut memory.exchange.as_mut().expect("made above").bytes_mut()[..bytes];
    shared[2 * 4 * exchange..].fill(0);
    let [first, second] = matrices.bytes_mut();
    program.run(
        &mut [Bind::Write(first), Bind::Write(second), Bind::Write(shared)],
        &mut memory.scratch,
        Some(team),
        None,
    )?;
    Ok((cast::<f64>(&shared[2 * 4 * exchange..]).iter().sum(), count))
}

/// Windows with where the scores of each lie among those of its batch.
struct Block<A> {
    architecture: A,
    windows: Arc<Windows>,
    rate: f32,
    /// Per window, the scores of its batch before its own.
    at: Vec<usize>,
    /// The most scores of a batch.
    most: usize,
    /// All scores.
    count: u64,
    /// Rows of scratch memory that a window needs.
    room: usize,
    /// Columns of each piece.
    widths: Vec<usize>,
}

impl<A: Architecture> Block<A> {
    fn new(architecture: A, windows: Arc<Windows>, matrices: &Matrices, rate: f32) -> Self {
        let (mut at, mut most, mut count, mut room) = (Vec::with_capacity(windows.len()), 0, 0, 0);
        for batch in 0..windows.batches() {
            let mut sum = 0;
            for i in windows.batch(batch) {
                let window = windows.get(i);
                at.push(sum);
                let scored = architecture.scored(window);
                sum += stride(scored) * window.outputs.len();
                count += (scored * window.outputs.len()) as u64;
                room = room.max(window.inputs.len() + 3);
            }
            most = most.max(sum);
        }
        let widths = (0..matrices.pieces()).map(|piece| matrices.width(piece)).collect();
        // A vector more than there are scores, so that whole vectors may be read.
        Self { architecture, windows, rate, at, most: most.next_multiple_of(16), count, room, widths }
    }

    fn program(self, isa: Isa, matrices: &Matrices, room: usize) -> Result<TileProgram, RunError> {
        let (pieces, most) = (matrices.pieces(), self.most);
        let sizes = [0, 1].map(|matrix| (0..pieces).map(|p| matrices.elements(matrix, p).1).sum::<usize>());
        let span = |buffer, offset, len, dtype| Span { buffer, offset, len, dtype };
        let exchange = [0, 1].map(|half| span(2, half * 4 * pieces * most, pieces * most, DType::F32));
        let tiles = (0..pieces).map(|piece| {
            let rects =
                [0, 1].map(|matrix| matrices.elements(matrix, piece)).map(|(start, len)| Rect::flat(start, len));
            vec![rects[0], rects[1], Rect::flat(piece, 1)]
        });
        let batches = self.windows.batches();
        let scratch = 4 * room * self.widths[0];
        let body: Body = Arc::new(move |piece, io| {
            let round = io.round();
            let (before, mut now) = io.exchange::<f32>();
            let (mut x, mut y, mut loss) = (io.output::<f32>(0), io.output::<f32>(1), io.output::<f64>(2));
            let room = io.scratch::<f32>(room * self.widths[0]);
            let width = self.widths[piece];
            let (x, y) = (Strip::of(x.as_slice(), width), Strip::of(y.as_slice(), width));
            let now = now.as_slice();
            dispatch!(isa, s => if round % 2 == 1 {
                loss.as_slice()[0] += self.slopes(s, piece, round / 2, before, now);
            } else {
                self.columns(s, x, y, round / 2, before, now, room);
            });
        });
        let step = Step {
            name: "word2vec",
            inputs: vec![],
            outputs: vec![
                span(0, 0, sizes[0], DType::F32),
                span(1, 0, sizes[1], DType::F32),
                span(2, 8 * pieces * most, pieces, DType::F64),
            ],
            in_place: vec![],
            tiles: Arc::new(tiles.collect()),
            scratch,
            cost: 1e6,
            rounds: Some(Rounds {
                count: 2 * batches + 1,
                exchange,
                rects: (0..pieces).map(|piece| Rect::flat(piece * most, most)).collect(),
            }),
            body,
        };
        let lens = [4 * sizes[0], 4 * sizes[1], 8 * pieces * (most + 1)];
        TileProgram::new(vec![step], vec![vec![Work::Tiles(0)]], 1, &lens, 0).map_err(RunError::Binding)
    }

    /// The windows of a batch whose slopes a piece is to find.
    fn share(&self, batch: Range<usize>, piece: usize) -> Range<usize> {
        let (count, pieces) = (batch.len(), self.widths.len());
        batch.start + piece * count / pieces..batch.start + (piece + 1) * count / pieces
    }

    /// Where the scores of window `i` are, among those of its batch.
    #[inline(always)]
    fn scores(&self, i: usize) -> Range<usize> {
        let (start, window) = (self.at[i], self.windows.get(i));
        start..start + stride(self.architecture.scored(window)) * window.outputs.len()
    }

    /// Moves a piece's columns by the slopes of the batch before, and forms the products of batch `number`.
    #[inline(always)]
    fn columns<S: Simd>(
        &self,
        s: S,
        x: Strip,
        y: Strip,
        number: usize,
        before: &[f32],
        now: &mut [f32],
        room: &mut [f32],
    ) {
        if number > 0 {
            let batch = self.windows.batch(number - 1);
            for piece in 0..self.widths.len() {
                let slopes = &before[piece * self.most..];
                for i in self.share(batch.clone(), piece) {
                    // SAFETY: `Windows::fit` was asserted, and the strips are this tile's own.
                    unsafe { self.architecture.step(s, x, y, self.windows.get(i), room, &slopes[self.scores(i)]) };
                }
            }
        }
        for i in self.windows.batch(number) {
            if i + AHEAD < self.windows.len() {
                let later = self.windows.get(i + AHEAD);
                // Of the inputs only the last is new, as a rule.
                fetch(x, &later.inputs[later.inputs.len() - 1..]);
                fetch(y, later.outputs);
            }
            // SAFETY: as above.
            unsafe {
                self.architecture.products(
                    s,
                    x,
                    y,
                    self.windows.get(i),
                    room,
                    &mut now[self.scores(i)],
                    self.widths.len(),
                )
            };
        }
    }

    /// Slopes of a piece's share of the scores of batch `number`; returns the sum of their losses.
    ///
    /// Of a score s with sign t, as −ts: the loss −log σ(ts) = log(1 + e^(−ts)) and its slope with the sign changed, t·σ(−ts).
    #[inline(always)]
    fn slopes<S: Simd>(&self, s: S, piece: usize, number: usize, before: &[f32], now: &mut [f32]) -> f64 {
        let share = self.share(self.windows.batch(number), piece);
        if share.is_empty() {
            return 0.0;
        }
        let (from, end) = (self.scores(share.start).start, self.scores(share.end - 1).end);
        let (rate, one, least) = (s.splat(-self.rate), s.splat(1.0), s.splat(LEAST));
        let (mut losses, mut chances) = (s.zero(), one);
        for (number, at) in (from..end).step_by(S::LANES).enumerate() {
            let count = (end - at).min(S::LANES);
            let mut score = s.zero();
            for part in before.chunks_exact(self.most) {
                // SAFETY: at + count <= end <= most elements.
                score = unsafe { s.add(score, s.load_partial(part[at..].as_ptr(), count)) };
            }
            let wrong = s.select(s.first(count), math::sigmoid(s, score), s.zero());
            // SAFETY: as above.
            unsafe { s.store_partial(now[at..].as_mut_ptr(), count, s.mul(rate, wrong)) };
            if number % TOGETHER == 0 {
                losses = s.sub(losses, math::log(s, chances));
                chances = one;
            }
            chances = s.mul(chances, s.max_fast(least, s.sub(one, wrong))); // NaN stays NaN
        }
        losses = s.sub(losses, math::log(s, chances));
        for i in share {
            let window = self.windows.get(i);
            let slopes = &mut now[self.scores(i)];
            for (slopes, &sign) in slopes.chunks_exact_mut(slopes.len() / window.outputs.len()).zip(window.signs) {
                if sign > 0.0 {
                    slopes.iter_mut().for_each(|slope| *slope = -*slope);
                }
            }
        }
        f64::from(s.reduce_add(losses))
    }
}
