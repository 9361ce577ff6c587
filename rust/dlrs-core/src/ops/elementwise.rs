//! Elementwise ops, one by one and fused into one pass.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::elementwise::{Access, AnySlice, AnyTile, BinaryOp, Instr, Program, Source, UnaryOp};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Rect, TileIo, TileMut};

use super::{FusionClass, LowerCx, Lowered, NodeRef, Op, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// An elementwise op. Operands have one dtype (promotion happens where ops are called) and broadcast against each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Ewise {
    /// One operand.
    Unary(UnaryOp),
    /// Two operands.
    Binary(BinaryOp),
    /// `c ? a : b`.
    Select,
    /// Conversion to a dtype.
    Cast(DType),
    /// Repetition to a shape.
    BroadcastTo(Shape),
    /// The identity, through which no gradient flows.
    StopGradient,
}

impl Op for Ewise {
    fn name(&self) -> &'static str {
        match self {
            Ewise::Unary(op) => unary_name(*op),
            Ewise::Binary(op) => binary_name(*op),
            Ewise::Select => "where",
            Ewise::Cast(_) => "cast",
            Ewise::BroadcastTo(_) => "broadcast_to",
            Ewise::StopGradient => "stop_gradient",
        }
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let name = self.name();
        let arity_of = match self {
            Ewise::Binary(_) => 2,
            Ewise::Select => 3,
            _ => 1,
        };
        arity(name, inputs, arity_of)?;
        let x = inputs[0];
        let ty = match self {
            Ewise::Unary(op) => {
                if !op.is_integral() && !x.dtype.is_float() {
                    bail!(Type, "{name}: x has dtype {}; expected a floating-point dtype", x.dtype);
                }
                let to_bool = matches!(op, UnaryOp::IsFinite | UnaryOp::IsInf | UnaryOp::IsNan | UnaryOp::LogicalNot);
                Ty::new(if to_bool { DType::Bool } else { x.dtype }, x.shape)
            }
            Ewise::Binary(op) => {
                let shape = broadcast(name, ["x1", "x2"], x, inputs[1])?;
                Ty::new(if is_predicate(*op) { DType::Bool } else { x.dtype }, shape)
            }
            Ewise::Select => {
                let shape = broadcast(name, ["x1", "x2"], inputs[1], inputs[2])?;
                let branch = Ty::new(inputs[1].dtype, shape);
                let Some(shape) = x.shape.broadcast(&shape) else {
                    bail!("{name}: condition of shape {} and branches of shape {shape} cannot be broadcast", x.shape);
                };
                Ty::new(branch.dtype, shape)
            }
            Ewise::Cast(dtype) => Ty::new(*dtype, x.shape),
            Ewise::BroadcastTo(shape) => {
                if x.shape.broadcast(shape) != Some(*shape) {
                    bail!("{name}: x of shape {} cannot be broadcast to {shape}", x.shape);
                }
                Ty::new(x.dtype, *shape)
            }
            Ewise::StopGradient => x,
        };
        Ok(vec![ty])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let none = vec![None; node.inputs.len()];
        let Some(d) = d_outputs[0] else { return Ok(none) };
        match self {
            Ewise::Unary(op) => Ok(vec![unary_grad(*op, g, node.inputs[0], node.outputs[0], d)?]),
            Ewise::Binary(op) => binary_grad(*op, g, node, d),
            Ewise::Select => {
                let zero = g.scalar_like(d, 0.0)?;
                let (a, b) = (g.select(node.inputs[0], d, zero)?, g.select(node.inputs[0], zero, d)?);
                Ok(vec![
                    None,
                    Some(g.sum_to(a, g.ty(node.inputs[1]).shape)?),
                    Some(g.sum_to(b, g.ty(node.inputs[2]).shape)?),
                ])
            }
            Ewise::Cast(dtype) => {
                let from = g.ty(node.inputs[0]).dtype;
                let differentiable = dtype.is_float() && from.is_float();
                Ok(vec![if differentiable { Some(g.cast(d, from)?) } else { None }])
            }
            Ewise::BroadcastTo(_) => Ok(vec![Some(g.sum_to(d, g.ty(node.inputs[0]).shape)?)]),
            Ewise::StopGradient => Ok(none),
        }
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let mut fused = FusedBuilder::new(compute_dtype(self, cx.inputs), cx.outputs[0].shape);
        let operands: Vec<_> = cx.inputs.iter().map(|&ty| fused.load(ty)).collect();
        let result = fused.op(self, &operands);
        fused.store(result, cx.outputs[0].dtype);
        fused.finish(self.name()).lower(cx)
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::Elementwise(self)
    }
}

fn broadcast(op: &str, names: [&str; 2], a: Ty, b: Ty) -> Result<Shape> {
    if a.dtype != b.dtype {
        bail!(Type, "{op}: {} has dtype {}, {} has dtype {}", names[0], a.dtype, names[1], b.dtype);
    }
    match a.shape.broadcast(&b.shape) {
        Some(shape) => Ok(shape),
        None => {
            bail!(
                "{op}: {} of shape {} and {} of shape {} cannot be broadcast together",
                names[0],
                a.shape,
                names[1],
                b.shape
            )
        }
    }
}

fn is_predicate(op: BinaryOp) -> bool {
    use BinaryOp::*;
    matches!(op, Lt | Le | Gt | Ge | Eq | Ne | LogicalAnd | LogicalOr)
}

/// The type in which a single op computes; truth values and bytes compute as 32-bit integers.
pub(crate) fn compute_dtype(op: &Ewise, inputs: &[Ty]) -> DType {
    let widen = |d: DType| if matches!(d, DType::Bool | DType::U8) { DType::I32 } else { d };
    match op {
        // The wider side of a conversion: an integer is converted while it is loaded, a float while it is stored.
        Ewise::Cast(to) => match (widen(inputs[0].dtype), widen(*to)) {
            (from, to) if from.is_float() && to.is_float() => {
                if from == DType::F64 {
                    from
                } else {
                    to
                }
            }
            (from, _) if from.is_float() => from,
            (_, to) if to.is_float() => to,
            (from, to) => {
                if from == DType::I64 {
                    from
                } else {
                    to
                }
            }
        },
        Ewise::Select => widen(inputs[1].dtype),
        _ => widen(inputs[0].dtype),
    }
}

/// d·∂op/∂x, written with the result y where that is cheaper.
fn unary_grad(op: UnaryOp, g: &mut Graph, x: Val, y: Val, d: Val) -> Result<Option<Val>> {
    use UnaryOp::*;
    let slope = match op {
        Copy => return Ok(Some(d)),
        Neg => return Ok(Some(g.neg(d)?)),
        Abs => g.sign(x)?,
        Exp => y,
        Expm1 => g.add_scalar(y, 1.0)?,
        Log => return Ok(Some(g.div(d, x)?)),
        Log1p => {
            let x1 = g.add_scalar(x, 1.0)?;
            return Ok(Some(g.div(d, x1)?));
        }
        Sqrt => {
            let half = g.mul_scalar(d, 0.5)?;
            return Ok(Some(g.div(half, y)?));
        }
        Rsqrt => {
            // −½ y³
            let y2 = g.square(y)?;
            let y3 = g.mul(y2, y)?;
            g.mul_scalar(y3, -0.5)?
        }
        Square => g.mul_scalar(x, 2.0)?,
        Reciprocal => {
            let y2 = g.square(y)?;
            g.neg(y2)?
        }
        Tanh => {
            let y2 = g.square(y)?;
            let minus = g.neg(y2)?;
            g.add_scalar(minus, 1.0)?
        }
        Sigmoid => {
            let minus = g.neg(y)?;
            let rest = g.add_scalar(minus, 1.0)?;
            g.mul(y, rest)?
        }
        Erf => {
            // 2/√π · exp(−x²)
            let x2 = g.square(x)?;
            let minus = g.neg(x2)?;
            let bell = g.exp(minus)?;
            g.mul_scalar(bell, std::f64::consts::FRAC_2_SQRT_PI)?
        }
        Relu => {
            // 0 at 0, as in TensorFlow and PyTorch.
            let zero = g.scalar_like(x, 0.0)?;
            let positive = g.greater(y, zero)?;
            return Ok(Some(g.select(positive, d, zero)?));
        }
        Sin => g.cos(x)?,
        Cos => {
            let sin = g.sin(x)?;
            g.neg(sin)?
        }
        Softplus => g.sigmoid(x)?,
        // Piecewise constant: zero wherever it is defined.
        Sign | Floor | Ceil | Round | IsFinite | IsInf | IsNan | LogicalNot => return Ok(None),
    };
    Ok(Some(g.mul(d, slope)?))
}

fn binary_grad(op: BinaryOp, g: &mut Graph, node: &NodeRef<'_>, d: Val) -> Result<Vec<Option<Val>>> {
    use BinaryOp::*;
    let (a, b, y) = (node.inputs[0], node.inputs[1], node.outputs[0]);
    let (da, db) = match op {
        Add => (d, d),
        Sub => (d, g.neg(d)?),
        Mul => (g.mul(d, b)?, g.mul(d, a)?),
        Div => {
            let da = g.div(d, b)?;
            let ratio = g.mul(da, y)?;
            (da, g.neg(ratio)?)
        }
        Pow => pow_grad(g, a, b, y, d)?,
        Max | Min => {
            // Ties share the gradient equally, so that both directions of a central difference are met.
            let half = g.mul_scalar(d, 0.5)?;
            let zero = g.scalar_like(d, 0.0)?;
            let (first, second) =
                if op == Max { (g.greater(a, b)?, g.less(a, b)?) } else { (g.less(a, b)?, g.greater(a, b)?) };
            let tie = g.equal(a, b)?;
            let (a_or_0, b_or_0) = (g.select(tie, half, zero)?, g.select(tie, half, zero)?);
            (g.select(first, d, a_or_0)?, g.select(second, d, b_or_0)?)
        }
        Mod => {
            // a − b·floor(a/b)
            let quotient = g.push(Ewise::Binary(FloorDiv), &[a, b])?;
            let minus = g.neg(quotient)?;
            (d, g.mul(d, minus)?)
        }
        FloorDiv | Lt | Le | Gt | Ge | Eq | Ne | LogicalAnd | LogicalOr => return Ok(vec![None, None]),
    };
    Ok(vec![Some(g.sum_to(da, g.ty(a).shape)?), Some(g.sum_to(db, g.ty(b).shape)?)])
}

/// ∂aᵇ = b·a^(b−1) and aᵇ·ln a; the logarithm counts as 0 where a ≤ 0, and b·a^(b−1) as 0 where b = 0.
fn pow_grad(g: &mut Graph, a: Val, b: Val, y: Val, d: Val) -> Result<(Val, Val)> {
    let (zero, one) = (g.scalar_like(a, 0.0)?, g.scalar_like(a, 1.0)?);
    let b_minus_1 = g.add_scalar(b, -1.0)?;
    let power = g.pow(a, b_minus_1)?;
    let slope = g.mul(b, power)?;
    let is_constant = g.equal(b, zero)?;
    let slope = g.select(is_constant, zero, slope)?;
    let positive = g.greater(a, zero)?;
    let safe = g.select(positive, a, one)?;
    let log = g.log(safe)?;
    let growth = g.mul(y, log)?;
    Ok((g.mul(d, slope)?, g.mul(d, growth)?))
}

fn unary_name(op: UnaryOp) -> &'static str {
    use UnaryOp::*;
    match op {
        Copy => "copy",
        Neg => "negative",
        Abs => "absolute",
        Sign => "sign",
        Exp => "exp",
        Expm1 => "expm1",
        Log => "log",
        Log1p => "log1p",
        Sqrt => "sqrt",
        Rsqrt => "rsqrt",
        Square => "square",
        Reciprocal => "reciprocal",
        Tanh => "tanh",
        Sigmoid => "sigmoid",
        Erf => "erf",
        Relu => "relu",
        Sin => "sin",
        Cos => "cos",
        Floor => "floor",
        Ceil => "ceil",
        Round => "round",
        Softplus => "softplus",
        IsFinite => "isfinite",
        IsInf => "isinf",
        IsNan => "isnan",
        LogicalNot => "logical_not",
    }
}

fn binary_name(op: BinaryOp) -> &'static str {
    use BinaryOp::*;
    match op {
        Add => "add",
        Sub => "subtract",
        Mul => "multiply",
        Div => "divide",
        FloorDiv => "floor_divide",
        Mod => "mod",
        Pow => "power",
        Max => "maximum",
        Min => "minimum",
        Lt => "less",
        Le => "less_equal",
        Gt => "greater",
        Ge => "greater_equal",
        Eq => "equal",
        Ne => "not_equal",
        LogicalAnd => "logical_and",
        LogicalOr => "logical_or",
    }
}

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
        Ok(Lowered { tiles, body, scratch, may_alias, cost })
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
    Source::Slice(match io.input_dtype(i) {
        DType::Bool => AnySlice::Bool(io.input(i)),
        DType::U8 => AnySlice::U8(io.input(i)),
        DType::I32 => AnySlice::I32(io.input(i)),
        DType::I64 => AnySlice::I64(io.input(i)),
        DType::F32 => AnySlice::F32(io.input(i)),
        DType::F64 => AnySlice::F64(io.input(i)),
    })
}

fn output<'a>(io: &mut TileIo<'a>, k: usize, dtype: DType) -> AnyTile<'a> {
    match dtype {
        DType::Bool => AnyTile::Bool(io.output(k)),
        DType::U8 => AnyTile::U8(io.output(k)),
        DType::I32 => AnyTile::I32(io.output(k)),
        DType::I64 => AnyTile::I64(io.output(k)),
        DType::F32 => AnyTile::F32(io.output(k)),
        DType::F64 => AnyTile::F64(io.output(k)),
    }
}
