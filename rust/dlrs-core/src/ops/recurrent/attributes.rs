//! What the ops of all cells share: attributes, shape rules, how the batch is cut.

use std::ops::Range;

use dlrs_kernels::mem::{Rect, TileIo};
use dlrs_kernels::recurrent::Run;

use super::super::matmul::sum_of_products;
use super::super::tiles::spans;
use super::super::{Lowered, arity};
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
        const FEW: usize = 16;
        const MOST: usize = 32;
        let tiles = if self.batch < FEW { 1 } else { self.batch.div_ceil(MOST).next_multiple_of(2) };
        spans(self.batch, self.batch.div_ceil(tiles)).collect()
    }

    /// An op over such tiles, given the elements that each of its results has per row.
    pub fn lower(
        self,
        widths: &[usize],
        work: f64,
        body: impl Fn(&Range<usize>, &mut TileIo<'_>) + Send + Sync + 'static,
    ) -> Lowered {
        let blocks = self.tiles();
        let rect = |rows: &Range<usize>, width: usize| Rect::flat(rows.start * width, rows.len() * width);
        let tiles = blocks.iter().map(|rows| widths.iter().map(|&width| rect(rows, width)).collect()).collect();
        let body = std::sync::Arc::new(move |tile: usize, io: &mut TileIo<'_>| body(&blocks[tile], io));
        Lowered { tiles, body, ..Lowered::default() }
            .cost(20.0 + 0.01 * work + 0.5 * (self.batch * widths.iter().sum::<usize>()) as f64)
            .flops(2.0 * work)
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
/// rows and steps.
pub(super) fn weight_gradient(g: &mut Graph, states: Val, d: Val) -> Result<Val> {
    sum_of_products(g, states, d)
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
