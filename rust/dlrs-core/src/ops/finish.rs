//! What happens to a finished tile of a contraction: one place for matrix products and convolutions.

use dlrs_kernels::elementwise::{BinaryOp, Instr, UnaryOp};
use dlrs_kernels::gemm::{Activation, Epilogue};
use dlrs_kernels::mem::{Rect, TileIo, TileMut, cast_mut};

use super::elementwise::TileProgramEpilogue;
use super::tiles::Block;
use super::{TileConsumer, TileUpdate};
use crate::DType;

/// What happens to a finished tile. A contraction asks it for the rectangles of the tile's outputs, for scratch memory, and in
/// each tile hands it a function that computes the tile.
pub(crate) struct Finish {
    how: How,
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
        let how = match consumer {
            None => How::Registers { bias: None, activation: Activation::Identity },
            Some(TileConsumer::Update { update, states }) => How::Update { update, states },
            Some(TileConsumer::Program(epilogue)) => match bias_and_activation(&epilogue) {
                Some(activation) => How::Registers { bias: Some(operands), activation },
                None => How::Program(Box::new(epilogue)),
            },
        };
        Finish { how, operands }
    }

    /// Whether the tiles update state, which is streamed: whole rows are best.
    pub(crate) fn is_update(&self) -> bool {
        matches!(self.how, How::Update { .. })
    }

    /// What a tile writes, per output of the step, if `rect` is its part of the contraction's result.
    pub(crate) fn rects(&self, rect: Rect) -> Vec<Rect> {
        match self.how {
            How::Update { states, .. } => vec![rect; states],
            _ => vec![rect],
        }
    }

    /// Bytes of scratch memory that finishing a tile of at most `elements` elements needs.
    pub(crate) fn scratch_len(&self, elements: usize) -> usize {
        match &self.how {
            How::Registers { .. } => 0,
            How::Program(program) => program.scratch_len(),
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
                compute(io.output(0), &Epilogue { bias, activation: *activation, ..Epilogue::default() });
            }
            How::Program(program) => {
                let mut c = io.output::<f32>(0);
                let (rows, cols) = (c.rows(), c.cols());
                compute(c.sub(0, 0, rows, cols), &Epilogue::default());
                program.run(io, c, block.rows.start, block.cols.start, self.operands, scratch);
            }
            How::Update { update, .. } => {
                let (rows, cols) = (block.rows.len(), block.cols.len());
                let gradient = &mut cast_mut::<f32>(scratch)[..rows * cols];
                compute(TileMut::new(gradient, rows, cols, cols), &Epilogue::default());
                update(io, gradient, self.operands);
            }
        }
    }
}

/// Recognises `act(result + row)`, which the micro-kernel does in registers.
fn bias_and_activation(epilogue: &TileProgramEpilogue) -> Option<Activation> {
    let fused = &epilogue.fused;
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
            [Instr::Store { .. }] => Some(Activation::Identity),
            [Instr::Unary { op: UnaryOp::Relu, .. }, Instr::Store { .. }] => Some(Activation::Relu),
            _ => None,
        },
        _ => None,
    }
}
