//! What happens to a finished tile of a contraction: one place for matrix products and convolutions.

use dlrs_kernels::elementwise::{AnyTile, BinaryOp, Instr, UnaryOp};
use dlrs_kernels::gemm::{Activation, Epilogue};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Rect, TileIo, TileMut, cast_mut};

use super::elementwise::{TileColumns, TileProgramEpilogue};
use super::tiles::Block;
use super::{TileConsumer, TileUpdate};
use crate::DType;

/// What happens to a finished tile. A contraction asks it for the rectangles of the tile's outputs, for scratch memory, and in
/// each tile hands it a function that computes the tile.
pub(crate) struct Finish {
    how: How,
    /// What is taken of the finished tile's columns.
    columns: Option<(TileColumns, Isa)>,
    /// Number of the contraction's own operands; the consumer's follow.
    operands: usize,
}

enum How {
    /// Nothing, or what the micro-kernel does while the tile is in registers.
    Registers {
        /// Input that holds the bias, if there is one.
        bias: Option<usize>,
        /// The activation.
        activation: Activation,
    },
    /// An elementwise pass while the tile is in cache.
    Program(Box<TileProgramEpilogue>),
    /// An update of state.
    Update { update: TileUpdate, states: usize },
}

impl Finish {
    /// For a contraction of `operands` operands.
    pub(crate) fn new(consumer: Option<TileConsumer>, operands: usize) -> Finish {
        let columns = match &consumer {
            Some(TileConsumer::Program(epilogue)) => epilogue.fused.columns().map(|c| (c, epilogue.isa())),
            _ => None,
        };
        let how = match consumer {
            None => How::Registers { bias: None, activation: Activation::Identity },
            Some(TileConsumer::Update { update, states }) => How::Update { update, states },
            Some(TileConsumer::Program(epilogue)) => match bias_and_activation(&epilogue) {
                Some((bias, activation)) => How::Registers { bias: bias.then_some(operands), activation },
                None => How::Program(epilogue),
            },
        };
        Finish { how, columns, operands }
    }

    /// A number of rows: tiles must hold whole chunks of that many rows of the result, counted from its first (the last one may be
    /// shorter).
    pub(crate) fn chunk(&self) -> usize {
        self.columns.as_ref().map_or(1, |(c, _)| c.chunks.chunk)
    }

    /// Whether the tiles update state, which is streamed: whole rows are best.
    pub(crate) fn is_update(&self) -> bool {
        matches!(self.how, How::Update { .. })
    }

    /// Whether the tile is read again once it is computed.
    pub(crate) fn rereads(&self) -> bool {
        self.columns.is_some() || !matches!(self.how, How::Registers { .. })
    }

    /// What a tile writes, per output of the step, if `rect` is its part of the contraction's result and `block` its place there.
    pub(crate) fn rects(&self, rect: Rect, block: &Block) -> Vec<Rect> {
        match (&self.how, &self.columns) {
            (How::Update { states, .. }, _) => vec![rect; *states],
            (_, Some((columns, _))) => std::iter::once(rect).chain(columns.rects(block)).collect(),
            _ => vec![rect],
        }
    }

    /// Bytes of scratch memory that finishing a tile of at most `elements` elements needs.
    pub(crate) fn scratch_len(&self, elements: usize) -> usize {
        let columns = self.columns.as_ref().map_or(0, |(c, _)| c.scratch_len());
        match &self.how {
            How::Registers { .. } => columns,
            How::Program(program) => program.scratch_len().max(columns),
            How::Update { .. } => elements * size_of::<f32>(),
        }
    }

    /// Computes a tile and finishes it. `block` is its place in the result seen as a matrix (leading axes × last axis); `compute`
    /// writes the tile that it is given, with the epilogue that it is given, and is called once.
    pub(crate) fn run(
        &self,
        io: &mut TileIo<'_>,
        block: &Block,
        scratch: &mut [u8],
        compute: impl FnOnce(TileMut<'_, f32>, &Epilogue<'_>),
    ) {
        match &self.how {
            How::Registers { bias, activation } => {
                let bias = bias.map(|i| &io.input::<f32>(i)[block.cols.clone()]);
                let mut c = io.output::<f32>(0);
                let (rows, cols) = (c.rows(), c.cols());
                let epilogue = Epilogue { bias, activation: *activation, ..Epilogue::default() };
                compute(c.sub(0, 0, rows, cols), &epilogue);
                self.take_moments(io, c, scratch);
            }
            How::Program(program) => {
                let mut c = io.output::<f32>(0);
                let (rows, cols) = (c.rows(), c.cols());
                let read_after = program.read(io, block, self.operands);
                compute(c.sub(0, 0, rows, cols), &Epilogue { read_after: &read_after, ..Epilogue::default() });
                program.run(io, &mut c, block.rows.start, block.cols.start, self.operands, scratch);
                self.take_moments(io, c, scratch);
            }
            How::Update { update, .. } => {
                let (rows, cols) = (block.rows.len(), block.cols.len());
                let gradient = &mut cast_mut::<f32>(scratch)[..rows * cols];
                compute(TileMut::new(gradient, rows, cols, cols), &Epilogue::default());
                update(io, gradient, self.operands);
            }
        }
    }

    fn take_moments(&self, io: &mut TileIo<'_>, c: TileMut<'_, f32>, scratch: &mut [u8]) {
        if let Some((columns, isa)) = &self.columns
            && columns.moments.is_some()
        {
            columns.take_moments(*isa, io, &mut AnyTile::F32(c), scratch);
        }
    }
}

/// Recognises the result itself and `act(result + row)`, which the micro-kernel does in registers: whether there is a row, and the
/// activation.
fn bias_and_activation(epilogue: &TileProgramEpilogue) -> Option<(bool, Activation)> {
    let fused = &epilogue.fused;
    if let [Instr::Load { .. }, Instr::Store { .. }] = fused.instrs.as_slice() {
        return Some((false, Activation::Identity));
    }
    let is_row = |i: usize| {
        let shape = &fused.inputs[i].shape;
        shape.size() == shape.last().copied().unwrap_or(0) && shape.last() == fused.shape.last()
    };
    let other = 1 - epilogue.result.min(1);
    if fused.inputs.len() != 2 || fused.inputs[other].dtype != DType::F32 || !is_row(other) {
        return None;
    }
    match fused.instrs.as_slice() {
        [Instr::Load { .. }, Instr::Load { .. }, Instr::Binary { op: BinaryOp::Add, .. }, rest @ ..] => match rest {
            [Instr::Store { .. }] => Some((true, Activation::Identity)),
            [Instr::Unary { op: UnaryOp::Relu, .. }, Instr::Store { .. }] => Some((true, Activation::Relu)),
            _ => None,
        },
        _ => None,
    }
}
