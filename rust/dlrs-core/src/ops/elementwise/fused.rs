//! Elementwise ops fused into one pass over strips that stay in L1.

use std::sync::Arc;

use dlrs_kernels::elementwise::{Access, AnySlice, AnyTile, Instr, Program, Source, UnaryOp};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Rect, TileIo, TileMut};

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
}

/// Builds a [`Fused`] op by op.
pub(crate) struct FusedBuilder {
    fused: Fused,
    next: u8,
}

impl FusedBuilder {
    pub(crate) fn new(compute: DType, shape: Shape) -> FusedBuilder {
        let fused = Fused { name: "", compute, shape, instrs: Vec::new(), inputs: Vec::new(), outputs: Vec::new() };
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

    pub(crate) fn finish(mut self, name: &'static str) -> Fused {
        self.fused.name = name;
        self.fused
    }
}

/// Elements of one tile: its operands and results stay in L2.
const TILE: usize = 16 * 1024;

impl Fused {
    fn accesses(&self) -> Vec<Access> {
        self.inputs
            .iter()
            .map(|ty| Access { dtype: ty.dtype, strides: ty.shape.broadcast_strides(&self.shape) })
            .collect()
    }

    /// The kernel calls.
    pub(crate) fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let program = Arc::new(Program::new(self.compute, &self.shape, &self.instrs, &self.accesses(), &self.outputs));
        let (rows, cols) = (program.rows(), program.cols());
        let blocks = cut(rows, cols);
        let tiles = blocks.iter().map(|b| vec![b.rect(cols); self.outputs.len()]).collect();
        let (isa, inputs, outputs) = (cx.isa, self.inputs.len(), self.outputs.clone());
        let scratch = program.scratch_len();
        let may_alias = self.may_alias();
        let cost = self.cost();
        let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
            let block = &blocks[tile];
            let sources: Vec<Source<'_>> = (0..inputs).map(|i| source(io, i)).collect();
            let mut tiles: Vec<AnyTile<'_>> = outputs.iter().enumerate().map(|(k, &d)| output(io, k, d)).collect();
            let scratch = io.scratch::<u8>(scratch);
            program.run(isa, &sources, &mut tiles, block.rows.clone(), block.cols.clone(), scratch);
        });
        Ok(Lowered { tiles, body, scratch, may_alias, cost, ..Lowered::default() })
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
        let program = Program::over_matrix(self.compute, &self.shape, &self.instrs, &self.accesses(), &self.outputs);
        TileProgramEpilogue { fused: self.clone(), program: Arc::new(program), isa, result }
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

    /// Runs the pass over `tile`, whose first element is (`row`, `col`) of the result. `first` is the number, among the step's
    /// inputs, of the pass's first input; the contraction's result is not among them.
    pub fn run(
        &self,
        io: &TileIo<'_>,
        tile: TileMut<'_, f32>,
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
        let (rows, cols) = (row..row + tile.rows(), col..col + tile.cols());
        self.program.run(self.isa, &sources, &mut [AnyTile::F32(tile)], rows, cols, scratch);
    }
}

/// A rectangle of the iteration space.
struct Block {
    rows: std::ops::Range<usize>,
    cols: std::ops::Range<usize>,
}

impl Block {
    fn rect(&self, stride: usize) -> Rect {
        Rect { start: self.rows.start * stride + self.cols.start, rows: self.rows.len(), cols: self.cols.len(), stride }
    }
}

/// Cuts rows × cols into blocks of about [`TILE`] elements: whole rows if they are short, else parts of a row.
fn cut(rows: usize, cols: usize) -> Vec<Block> {
    if rows == 0 || cols == 0 {
        return Vec::new();
    }
    let width = cols.min(TILE);
    let height = (TILE / width).max(1);
    let spans = |n: usize, step: usize| (0..n.div_ceil(step)).map(move |i| i * step..n.min((i + 1) * step));
    spans(rows, height).flat_map(|r| spans(cols, width).map(move |c| Block { rows: r.clone(), cols: c })).collect()
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
