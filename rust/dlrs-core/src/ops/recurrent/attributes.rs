//! What the ops of all cells share: attributes, shape rules, how the batch is cut.

use std::ops::Range;

use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Rect, TileIo};
use dlrs_kernels::recurrent::{Layout, Run};

use super::super::masked::{live_rows, masked_sum_of_products};
use super::super::matmul::sum_of_products;
use super::super::tiles::spans;
use super::super::{Lowered, RoundTiles, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// How a recurrent layer goes through the steps.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Steps {
    /// Whether a mask (batch, steps) is the last operand: where it is false, the state is carried on.
    pub masked: bool,
    /// Whether the last step comes first.
    pub reverse: bool,
}

/// Rows from which cutting the batch pays for reading the weights once for each tile.
const FEW: usize = 16;
/// What a core does in a nanosecond: bytes of weights that it reads beyond its nearest cache, and multiply-adds.
const READ: f64 = 150.0;
const MULTIPLY: f64 = 110.0;
/// Nanoseconds of a part of a step, several times those of a meeting.
const PART: f64 = 3000.0;
/// Parts of a step at most, and panels of one at least: each reads the whole state.
const MOST_PARTS: usize = 8;
const PANELS: usize = 4;
/// Bytes of weights from which parts pay for more rows too, which would all read them from beyond the second cache; and the most rows:
/// their state is to stay in it.
const LARGE: f64 = 1048576.0;
const MANY: usize = 256;

/// Sizes of a recurrent layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sizes {
    pub batch: usize,
    pub time: usize,
    pub units: usize,
}

impl Sizes {
    /// From the types of the first state and of an array of steps.
    pub fn of(state: Ty, steps: Ty) -> Sizes {
        Sizes { batch: state.shape[0], units: state.shape[1], time: steps.shape[1] }
    }

    /// (batch, steps, gates·units).
    pub fn steps(self, dtype: DType, gates: usize) -> Result<Ty> {
        Ok(Ty::new(dtype, Shape::new(&[self.batch, self.time, gates * self.units])?))
    }

    /// (batch, units).
    pub fn state(self, dtype: DType) -> Result<Ty> {
        Ok(Ty::new(dtype, Shape::new(&[self.batch, self.units])?))
    }

    /// Multiply-adds of the products of all steps.
    pub fn work(self, gates: usize) -> f64 {
        (self.batch * self.time) as f64 * (self.units * self.units * gates) as f64
    }

    /// Measures of some rows.
    pub fn run(self, rows: &Range<usize>, reverse: bool) -> Run {
        Run { rows: rows.len(), time: self.time, units: self.units, reverse }
    }

    /// The rows of each tile, which takes them through all steps: enough to reuse the weights, and an even number of tiles for
    /// large batches.
    pub fn tiles(self) -> Vec<Range<usize>> {
        const MOST: usize = 32;
        let tiles = if self.batch < FEW { 1 } else { self.batch.div_ceil(MOST).next_multiple_of(2) };
        spans(self.batch, self.batch.div_ceil(tiles)).collect()
    }

    /// The panels of each tile of a step forward, if all tiles take a step before any takes the next: each then has few enough weights
    /// to keep them in its core's cache, and needs the states of the others. `work` is that of [`work`](Self::work).
    pub fn parts(self, isa: Isa, layout: Layout, gates: usize) -> Option<Vec<Range<usize>>> {
        let panels = layout.panels_of::<f32>(isa, self.units);
        let weights = (gates * self.units * self.units * size_of::<f32>()) as f64;
        let step = (weights / READ).max(self.work(gates) / (self.time.max(1) as f64 * MULTIPLY));
        let most = MOST_PARTS.min(panels / PANELS).max(1);
        // Teams of two, four and eight then have the same work each.
        let tiles = 1 << ((step / PART).round() as usize).clamp(1, most).ilog2();
        let fits = self.batch < FEW || (weights >= LARGE && self.batch <= MANY);
        let pays = self.time > 1 && tiles > 1 && self.batch > 0 && fits;
        pays.then(|| spans(panels, panels.div_ceil(tiles)).collect())
    }

    /// An op of rounds over such parts, given the rows of units that each of its results has per row of the batch.
    pub fn lower_parts(
        self,
        lanes: usize,
        parts: Vec<Range<usize>>,
        rows: &[usize],
        work: f64,
        body: impl Fn(&Range<usize>, &mut TileIo<'_>) + Send + Sync + 'static,
    ) -> Result<Lowered> {
        let u = self.units;
        let stride = self.run(&(0..self.batch), false).stride(u);
        let rect = |part: &Range<usize>, rows: usize, stride: usize| {
            let units = part.start * lanes..u.min(part.end * lanes);
            Rect { start: units.start, rows: rows * self.batch, cols: units.len(), stride }
        };
        let tiles = parts.iter().map(|part| rows.iter().map(|&rows| rect(part, rows, u)).collect()).collect();
        let half = Ty::new(DType::F32, Shape::new(&[self.batch, stride])?);
        let rounds = RoundTiles { count: self.time, half, rects: parts.iter().map(|p| rect(p, 1, stride)).collect() };
        let body = std::sync::Arc::new(move |tile: usize, io: &mut TileIo<'_>| body(&parts[tile], io));
        let lowered = Lowered { tiles, body, rounds: Some(rounds), note: "in rounds", ..Lowered::default() };
        Ok(self.price(lowered, rows, work))
    }

    /// An op over the tiles of rows, given the rows of units that each of its results has per row of the batch.
    pub fn lower(
        self,
        rows: &[usize],
        work: f64,
        body: impl Fn(&Range<usize>, &mut TileIo<'_>) + Send + Sync + 'static,
    ) -> Lowered {
        let (u, blocks) = (self.units, self.tiles());
        let rect = |block: &Range<usize>, each: usize| Rect {
            start: block.start * each * u,
            rows: block.len() * each,
            cols: u,
            stride: u,
        };
        let tiles = blocks.iter().map(|block| rows.iter().map(|&each| rect(block, each)).collect()).collect();
        let body = std::sync::Arc::new(move |tile: usize, io: &mut TileIo<'_>| body(&blocks[tile], io));
        self.price(Lowered { tiles, body, ..Lowered::default() }, rows, work)
    }

    fn price(self, lowered: Lowered, rows: &[usize], work: f64) -> Lowered {
        let elements = (self.batch * self.units * rows.iter().sum::<usize>()) as f64;
        lowered.cost(20.0 + 0.01 * work + 0.5 * elements).flops(2.0 * work)
    }
}

/// Checks the operands that all cells have: z (batch, steps, gates·units), states (batch, units) with their names, the recurrent
/// weights, and the mask at the end if there is one.
pub(super) fn check(
    op: &str,
    inputs: &[Ty],
    gates: usize,
    states: &[&str],
    masked: bool,
    extra: usize,
) -> Result<Sizes> {
    let weights = 1 + states.len();
    arity(op, inputs, weights + 1 + extra + usize::from(masked))?;
    let (z, dtype) = (inputs[0], inputs[0].dtype);
    if !dtype.is_float() {
        bail!(Type, "{op}: z has dtype {dtype}; expected a floating-point dtype");
    }
    if z.shape.rank() != 3 || !z.shape[2].is_multiple_of(gates) {
        bail!("{op}: z has shape {}; expected (batch, steps, {})", z.shape, of_units(gates));
    }
    let sizes = Sizes { batch: z.shape[0], time: z.shape[1], units: z.shape[2] / gates };
    for (name, &have) in states.iter().zip(&inputs[1..]) {
        expect(op, name, have, sizes.state(dtype)?)?;
    }
    let shape = Shape::new(&[sizes.units, gates * sizes.units])?;
    expect(op, "recurrent_kernel", inputs[weights], Ty::new(dtype, shape))?;
    if masked {
        let shape = Shape::new(&[sizes.batch, sizes.time])?;
        expect(op, "mask", inputs[inputs.len() - 1], Ty::new(DType::Bool, shape))?;
    }
    Ok(sizes)
}

fn of_units(gates: usize) -> String {
    if gates == 1 { "units".to_owned() } else { format!("{gates} * units") }
}

/// Checks an operand's type.
pub(super) fn expect(op: &str, name: &str, have: Ty, want: Ty) -> Result<()> {
    if have.shape != want.shape {
        bail!("{op}: {name} has shape {}; expected {}", have.shape, want.shape);
    }
    if have.dtype != want.dtype {
        bail!(Type, "{op}: {name} has dtype {}; expected {}", have.dtype, want.dtype);
    }
    Ok(())
}

/// The part of a tile's rows of an operand with so many elements a row.
pub(super) fn part<'a, T>(x: &'a [T], rows: &Range<usize>, width: usize) -> &'a [T] {
    &x[rows.start * width..rows.end * width]
}

/// The gradient with respect to weights: states (batch, steps, units) transposed, times the gradient of their products, over all
/// rows and the steps that the mask allows.
pub(super) fn weight_gradient(g: &mut Graph, states: Val, d: Val, mask: Option<Val>) -> Result<Val> {
    match mask {
        Some(mask) => masked_sum_of_products(g, states, d, mask),
        None => sum_of_products(g, states, d),
    }
}

/// What a pass has of its steps: it leaves that of denied ones unwritten, which is zero here.
pub(super) fn written(g: &mut Graph, x: Val, mask: Option<Val>) -> Result<Val> {
    mask.map_or(Ok(x), |mask| live_rows(g, x, mask))
}

/// Where the gradients that are given stand among the operands, from `first` on.
pub(super) fn given<const N: usize>(given: [bool; N], first: usize) -> [Option<usize>; N] {
    let mut next = first;
    given.map(|is_given| {
        let at = is_given.then_some(next);
        next += usize::from(is_given);
        at
    })
}
