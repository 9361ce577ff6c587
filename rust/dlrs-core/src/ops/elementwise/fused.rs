//! Elementwise ops fused into one pass over strips that stay in L1.

use std::sync::Arc;

use dlrs_kernels::elementwise::{Access, AnySlice, AnyTile, Instr, Program, Source, UnaryOp};
use dlrs_kernels::isa::{Isa, Real};
use dlrs_kernels::mem::{Rect, TileIo, TileMut, cast_mut};
use dlrs_kernels::reduce;

use super::super::columns::Chunks;
use super::super::tiles::{Block, cut};
use super::super::{LowerCx, Lowered};
use super::Ewise;
use crate::DType;
use crate::error::Result;
use crate::shape::Shape;
use crate::tensor::Ty;

/// Several elementwise ops as one pass over strips that stay in L1.
#[derive(Clone, Debug)]
pub struct Fused {
    /// Names of the ops, for [`crate::plan::Plan::explain`].
    pub name: &'static str,
    pub(crate) compute: DType,
    pub(crate) shape: Shape,
    pub(crate) instrs: Vec<Instr>,
    pub(crate) inputs: Vec<Ty>,
    pub(crate) outputs: Vec<DType>,
    /// Number of sums of columns, which follow the outputs.
    pub(crate) sums: usize,
    /// The output of which the moments of columns are taken, which follow the sums.
    pub(crate) moments: Option<usize>,
}

/// Builds a [`Fused`] op by op.
pub(crate) struct FusedBuilder {
    fused: Fused,
    next: u8,
}

impl FusedBuilder {
    pub(crate) fn new(compute: DType, shape: Shape) -> FusedBuilder {
        let fused = Fused {
            name: "",
            compute,
            shape,
            instrs: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            sums: 0,
            moments: None,
        };
        FusedBuilder { fused, next: 0 }
    }

    fn register(&mut self) -> u8 {
        self.next += 1;
        self.next - 1
    }

    /// A new operand; its register.
    pub(crate) fn load(&mut self, ty: Ty) -> u8 {
        let (input, dst) = (self.fused.inputs.len() as u8, self.register());
        self.fused.inputs.push(ty);
        self.fused.instrs.push(Instr::Load { input, dst });
        dst
    }

    /// A number; its register.
    pub(crate) fn constant(&mut self, value: f64) -> u8 {
        let dst = self.register();
        self.fused.instrs.push(Instr::Const { value, dst });
        dst
    }

    /// One op on registers; its result's register.
    pub(crate) fn op(&mut self, op: &Ewise, operands: &[u8]) -> u8 {
        let compute = self.fused.compute;
        let instr = |dst| match (op, operands) {
            (Ewise::Unary(op), &[src]) => Instr::Unary { op: *op, src, dst },
            (Ewise::Binary(op), &[a, b]) => Instr::Binary { op: *op, a, b, dst },
            (Ewise::Select, &[c, a, b]) => Instr::Select { c, a, b, dst },
            // Conversions from or to the compute type happen where values are loaded and stored.
            (Ewise::Cast(to), &[src]) if *to == DType::Bool && compute != DType::Bool => {
                Instr::Cast { to: *to, src, dst }
            }
            (_, &[src, ..]) => Instr::Unary { op: UnaryOp::Copy, src, dst },
            (_, []) => unreachable!("an elementwise op without operands"),
        };
        let dst = self.register();
        self.fused.instrs.push(instr(dst));
        dst
    }

    /// Makes a register an output.
    pub(crate) fn store(&mut self, src: u8, dtype: DType) {
        let output = self.fused.outputs.len() as u8;
        self.fused.outputs.push(dtype);
        self.fused.instrs.push(Instr::Store { output, src });
    }

    /// Takes the sums of the register's columns, of chunks of rows.
    pub(crate) fn sum(&mut self, src: u8) {
        self.fused.instrs.push(Instr::Sum { sum: self.fused.sums as u8, src });
        self.fused.sums += 1;
    }

    /// Takes the moments of an output's columns, of chunks of rows.
    pub(crate) fn moments(&mut self, output: usize) {
        self.fused.moments = Some(output);
    }

    pub(crate) fn finish(mut self, name: &'static str) -> Fused {
        self.fused.name = name;
        self.fused
    }
}

impl Fused {
    fn accesses(&self) -> Vec<Access> {
        self.inputs
            .iter()
            .map(|ty| Access { dtype: ty.dtype, strides: ty.shape.broadcast_strides(&self.shape) })
            .collect()
    }

    /// What is taken of the columns, if anything is.
    pub(crate) fn columns(&self) -> Option<TileColumns> {
        let any = self.sums > 0 || self.moments.is_some();
        any.then(|| TileColumns {
            chunks: Chunks::of(&self.shape),
            outputs: self.outputs.len(),
            sums: self.sums,
            moments: self.moments,
            dtype: self.compute,
        })
    }

    fn program(&self, over_matrix: bool) -> Program {
        let make = if over_matrix { Program::over_matrix } else { Program::new };
        make(self.compute, &self.shape, &self.instrs, &self.accesses(), &self.outputs)
    }

    /// The kernel calls.
    pub(crate) fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let columns = self.columns();
        let program = Arc::new(self.program(columns.is_some()));
        let (rows, cols) = (program.rows(), program.cols());
        let blocks = columns.as_ref().map_or_else(|| cut(rows, cols), |c| c.chunks.blocks());
        let rects = |b: &Block| {
            let own = vec![b.rect(cols); self.outputs.len()];
            own.into_iter().chain(columns.iter().flat_map(|c| c.rects(b))).collect()
        };
        let tiles = blocks.iter().map(rects).collect();
        let (isa, inputs, outputs) = (cx.isa, self.inputs.len(), self.outputs.clone());
        let (program_scratch, more) =
            (program.scratch_len().next_multiple_of(64), columns.as_ref().map_or(0, TileColumns::scratch_len));
        let scratch = program_scratch + more;
        let may_alias = self.may_alias();
        let cost = self.cost();
        let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
            let block = &blocks[tile];
            let sources: Vec<Source<'_>> = (0..inputs).map(|i| source(io, i)).collect();
            let mut tiles: Vec<AnyTile<'_>> = outputs.iter().enumerate().map(|(k, &d)| output(io, k, d)).collect();
            let (scratch, more) = io.scratch::<u8>(scratch).split_at_mut(program_scratch);
            if let Some(columns) = &columns {
                tiles.extend((0..columns.sums).map(|k| output(io, outputs.len() + k, columns.dtype)));
            }
            program.run(isa, &sources, &mut tiles, block.rows.clone(), block.cols.clone(), scratch);
            if let Some(columns) = &columns
                && let Some(k) = columns.moments
            {
                columns.take_moments(isa, io, &mut tiles[k], more);
            }
        });
        let flops = (self.arithmetic() * self.shape.size()) as f64;
        Ok(Lowered { tiles, body, scratch, may_alias, cost, flops, ..Lowered::default() })
    }

    /// Instructions that compute something.
    fn arithmetic(&self) -> usize {
        let moves = |i: &&Instr| matches!(i, Instr::Load { .. } | Instr::Const { .. } | Instr::Store { .. });
        self.instrs.len() - self.instrs.iter().filter(moves).count()
    }

    /// Inputs whose memory an output may take: those that are read element for element.
    fn may_alias(&self) -> Vec<(usize, usize)> {
        let same = |ty: &Ty, out: DType| ty.shape == self.shape && ty.dtype == out && out == self.compute;
        let pairs = self.inputs.iter().enumerate().flat_map(|(i, ty)| {
            self.outputs.iter().enumerate().filter(move |(_, o)| same(ty, **o)).map(move |(k, _)| (i, k))
        });
        pairs.collect()
    }

    fn cost(&self) -> f64 {
        let n = self.shape.size() as f64;
        let arithmetic = self.instrs.len() as f64 * if self.compute == DType::F32 { 0.05 } else { 0.6 };
        let bytes: usize = self.inputs.iter().map(Ty::bytes).sum::<usize>()
            + self.outputs.iter().map(|d| d.size() * self.shape.size()).sum::<usize>();
        20.0 + n * arithmetic + bytes as f64 * 0.04
    }

    /// The same pass over a finished tile of a contraction, whose result is input `result`.
    pub(crate) fn epilogue(&self, isa: Isa, result: usize) -> TileProgramEpilogue {
        TileProgramEpilogue { fused: self.clone(), program: Arc::new(self.program(true)), isa, result }
    }
}

/// What is taken of the columns of a pass's tiles, in whole chunks of rows.
#[derive(Clone, Debug)]
pub(crate) struct TileColumns {
    pub(crate) chunks: Chunks,
    /// Number of the pass's outputs; sums and moments follow.
    outputs: usize,
    pub(crate) sums: usize,
    pub(crate) moments: Option<usize>,
    dtype: DType,
}

impl TileColumns {
    /// What a tile writes of the sums and moments.
    pub(crate) fn rects(&self, block: &Block) -> Vec<Rect> {
        let results = self.sums + if self.moments.is_some() { 2 } else { 0 };
        vec![self.chunks.rect(&block.rows, &block.cols); results]
    }

    /// Bytes of scratch memory that the moments need.
    pub(crate) fn scratch_len(&self) -> usize {
        let cols = self.chunks.cols;
        if self.moments.is_some() { reduce::moments_scratch_len(cols, cols) * self.dtype.size() } else { 0 }
    }

    /// Takes the moments of the output `x`, which the pass has finished.
    pub(crate) fn take_moments(&self, isa: Isa, io: &mut TileIo<'_>, x: &mut AnyTile<'_>, scratch: &mut [u8]) {
        match x {
            AnyTile::F32(x) => self.moments_of(isa, io, x, cast_mut(scratch)),
            AnyTile::F64(x) => self.moments_of(isa, io, x, cast_mut(scratch)),
            _ => unreachable!("moments are of the compute type"),
        }
    }

    fn moments_of<T: Real>(&self, isa: Isa, io: &mut TileIo<'_>, x: &mut TileMut<'_, T>, scratch: &mut [T]) {
        let first = self.outputs + self.sums;
        let (mut mean, mut scatter) = (io.output::<T>(first), io.output::<T>(first + 1));
        let (rows, cols, chunk) = (x.rows(), x.cols(), self.chunks.chunk);
        for (k, row) in (0..rows).step_by(chunk).enumerate() {
            let mut part = x.sub(row, 0, chunk.min(rows - row), cols);
            reduce::tile_moments(isa, &mut part, self.chunks.cols, mean.row(k), scatter.row(k), scratch);
        }
    }
}

/// An elementwise pass over the tiles of a contraction. Output 0 holds the contraction's result when it begins.
#[derive(Clone)]
pub struct TileProgramEpilogue {
    pub(crate) fused: Fused,
    program: Arc<Program>,
    isa: Isa,
    pub(crate) result: usize,
}

impl TileProgramEpilogue {
    /// Bytes of scratch memory that a tile needs.
    pub fn scratch_len(&self) -> usize {
        self.program.scratch_len()
    }

    /// The instruction set that runs.
    pub(crate) fn isa(&self) -> Isa {
        self.isa
    }

    /// What the pass reads element for element of a tile of whole rows; `first` is as in [`run`](Self::run).
    pub(crate) fn read<'a>(&self, io: &TileIo<'a>, block: &Block, first: usize) -> Vec<&'a [f32]> {
        let (fused, cols) = (&self.fused, self.program.cols());
        let alike = |ty: &Ty| ty.dtype == DType::F32 && ty.shape == fused.shape && block.cols.len() == cols;
        let inputs = (0..fused.inputs.len()).filter(|&i| i != self.result).enumerate();
        inputs
            .filter(|&(k, i)| alike(&fused.inputs[i]) && !io.is_in_place(first + k))
            .map(|(k, _)| &io.input::<f32>(first + k)[block.rows.start * cols..block.rows.end * cols])
            .collect()
    }

    /// Runs the pass over `tile`, whose first element is (`row`, `col`) of the result. `first` is the number, among the step's
    /// inputs, of the pass's first input; the contraction's result is not among them. A tile holds whole chunks if sums are taken.
    pub fn run(
        &self,
        io: &mut TileIo<'_>,
        tile: &mut TileMut<'_, f32>,
        row: usize,
        col: usize,
        first: usize,
        scratch: &mut [u8],
    ) {
        let mut next = first;
        let sources: Vec<Source<'_>> = (0..self.fused.inputs.len())
            .map(|i| {
                if i == self.result {
                    return Source::Output(0);
                }
                next += 1;
                slice(io, next - 1)
            })
            .collect();
        let (rows, width, cols) = (tile.rows(), tile.cols(), col..col + tile.cols());
        let mut sums: Vec<TileMut<'_, f32>> = (0..self.fused.sums).map(|k| io.output(1 + k)).collect();
        let chunk = if sums.is_empty() { rows.max(1) } else { Chunks::of(&self.fused.shape).chunk };
        for (k, start) in (0..rows).step_by(chunk).enumerate() {
            let n = chunk.min(rows - start);
            let mut tiles = vec![AnyTile::F32(tile.sub(start, 0, n, width))];
            tiles.extend(sums.iter_mut().map(|sum| AnyTile::F32(sum.sub(k, 0, 1, width))));
            self.program.run(self.isa, &sources, &mut tiles, row + start..row + start + n, cols.clone(), scratch);
        }
    }
}

fn source<'a>(io: &TileIo<'a>, i: usize) -> Source<'a> {
    match io.in_place_output(i) {
        Some(k) => Source::Output(k),
        None => slice(io, i),
    }
}

fn slice<'a>(io: &TileIo<'a>, i: usize) -> Source<'a> {
    macro_rules! any {
        ($($dtype:ident)*) => {
            match io.input_dtype(i) { $(DType::$dtype => AnySlice::$dtype(io.input(i)),)* }
        };
    }
    Source::Slice(any!(Bool U8 U16 U32 U64 I8 I16 I32 I64 F16 BF16 F32 F64))
}

fn output<'a>(io: &mut TileIo<'a>, k: usize, dtype: DType) -> AnyTile<'a> {
    macro_rules! any {
        ($($dtype:ident)*) => {
            match dtype { $(DType::$dtype => AnyTile::$dtype(io.output(k)),)* }
        };
    }
    any!(Bool U8 U16 U32 U64 I8 I16 I32 I64 F16 BF16 F32 F64)
}
