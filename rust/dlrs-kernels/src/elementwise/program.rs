//! Elementwise programs: a list of register instructions, checked and prepared once, run over any rectangle of its outputs.

use super::access::{Access, Space};
use super::opcode::{BinaryOp, UnaryOp};
use crate::mem::DType;
use crate::reduce::phases;

/// One instruction. Registers hold values of the program's compute type; truth values are 0 and 1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Instr {
    /// dst ← input, converted.
    Load {
        /// Index of the input.
        input: u8,
        /// Register written.
        dst: u8,
    },
    /// dst ← value, converted.
    Const {
        /// The number.
        value: f64,
        /// Register written.
        dst: u8,
    },
    /// dst ← op(src).
    Unary {
        /// What is computed.
        op: UnaryOp,
        /// Register read.
        src: u8,
        /// Register written.
        dst: u8,
    },
    /// dst ← op(a, b).
    Binary {
        /// What is computed.
        op: BinaryOp,
        /// Register of the left operand.
        a: u8,
        /// Register of the right operand.
        b: u8,
        /// Register written.
        dst: u8,
    },
    /// dst ← c ≠ 0 ? a : b.
    Select {
        /// Register of the condition.
        c: u8,
        /// Register taken where the condition holds.
        a: u8,
        /// Register taken elsewhere.
        b: u8,
        /// Register written.
        dst: u8,
    },
    /// dst ← src rounded or wrapped to `to` and back.
    Cast {
        /// The type passed through.
        to: DType,
        /// Register read.
        src: u8,
        /// Register written.
        dst: u8,
    },
    /// output ← src, converted. Every output is stored once.
    Store {
        /// Index of the output.
        output: u8,
        /// Register read.
        src: u8,
    },
    /// sum ← the sum of src over the rows, in the compute type. Sums follow the outputs; every sum is taken once.
    Sum {
        /// Index of the sum.
        sum: u8,
        /// Register read.
        src: u8,
    },
}

/// How many values one program may compute and load; longer chains are cut in two.
pub const MAX_VALUES: usize = 64;

/// How many outputs and sums one program may have.
pub const MAX_OUTPUTS: usize = 8;

/// Index of a value: the result of one load, constant or operation.
pub(super) type Value = u8;

/// What makes a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Make {
    Load { input: u8 },
    Const { value: f64 },
    Unary { op: UnaryOp, a: Value },
    Binary { op: BinaryOp, a: Value, b: Value },
    Select { c: Value, a: Value, b: Value },
    Cast { to: DType, a: Value },
}

impl Make {
    fn operands(self) -> impl Iterator<Item = Value> {
        let list = match self {
            Make::Load { .. } | Make::Const { .. } => [None; 3],
            Make::Unary { a, .. } | Make::Cast { a, .. } => [Some(a), None, None],
            Make::Binary { a, b, .. } => [Some(a), Some(b), None],
            Make::Select { c, a, b } => [Some(c), Some(a), Some(b)],
        };
        list.into_iter().flatten()
    }

    /// Whether the value is the same for every element and made once per run.
    pub(super) fn is_uniform(self, uniform_input: impl Fn(u8) -> bool) -> bool {
        match self {
            Make::Const { .. } => true,
            Make::Load { input } => uniform_input(input),
            _ => false,
        }
    }
}

/// A value, the scratch strip it may live in, and the output that it may be computed into directly.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub make: Make,
    pub slot: u8,
    pub output: Option<u8>,
    /// Inputs (bit set) that are still read after this node: if one of them is the output's old content, the node must not overwrite it.
    pub read_later: u64,
    /// The sum that adds the value up.
    pub sum: Option<u8>,
}

/// A fused chain of elementwise operations over a broadcast iteration space.
///
/// The space is seen as `rows` × `cols`; outputs are row-major contiguous over it. A run covers any rectangle of it, so programs
/// are cut into tiles freely and also serve as the epilogue over a tile of a matrix product.
/// Sums are those over the rows of the rectangle.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) compute: DType,
    pub(super) space: Space,
    pub(super) inputs: Vec<DType>,
    pub(super) outputs: Vec<DType>,
    pub(super) extents: Vec<usize>,
    pub(super) dense: Vec<bool>,
    pub(super) uniform: Vec<bool>,
    /// Inputs whose short rows are all the same: strips of their own hold them from the first block on.
    pub(super) repeated: Vec<bool>,
    pub(super) nodes: Vec<Node>,
    /// The value that each output stores.
    pub(super) stores: Vec<Value>,
    pub(super) slots: usize,
    pub(super) strip: usize,
    /// How many sums over rows are taken.
    pub(super) sums: usize,
}

/// Scratch strips together stay below this, half of the smallest L1 data cache in use.
const STRIP_BYTES: usize = 24 << 10;
/// Columns up to which strips are likely to hold several rows.
const REPEATED_COLS: usize = 256;
/// The longest vector in bytes: the spacing of the cells that hold uniform values.
pub(super) const CELL_BYTES: usize = 64;

impl Program {
    /// Prepares a program over the row-major iteration space `shape`, whose axes are merged where all inputs allow it.
    ///
    /// # Panics
    /// If a register is read before it is written, an index is out of range, an output is not stored exactly once, there are more than
    /// [`MAX_VALUES`] values or [`MAX_OUTPUTS`] outputs, or an operation is not defined on the compute type (one of f32, f64, i32, i64, u64).
    pub fn new(compute: DType, shape: &[usize], instrs: &[Instr], inputs: &[Access], outputs: &[DType]) -> Self {
        Self::build(compute, Space::new(shape, inputs, false), instrs, inputs, outputs)
    }

    /// As [`new`](Self::new), but the last axis is kept, so that `cols()` is the last length of `shape`: for epilogues over tiles of a matrix.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn over_matrix(
        compute: DType,
        shape: &[usize],
        instrs: &[Instr],
        inputs: &[Access],
        outputs: &[DType],
    ) -> Self {
        Self::build(compute, Space::new(shape, inputs, true), instrs, inputs, outputs)
    }

    fn build(compute: DType, space: Space, instrs: &[Instr], inputs: &[Access], outputs: &[DType]) -> Self {
        assert!(
            matches!(compute, DType::F32 | DType::F64 | DType::I32 | DType::I64 | DType::U64),
            "elementwise programs compute in float32, float64, int32, int64 or uint64, not {compute}"
        );
        let (makes, stores, sums) = number_values(compute, instrs, inputs.len(), outputs.len());
        assert!(outputs.len() + sums.len() <= MAX_OUTPUTS, "an elementwise program of {} outputs", outputs.len());
        assert!(sums.is_empty() || compute.is_float(), "sums over rows are of floats");
        let uniform: Vec<bool> = (0..inputs.len())
            .map(|i| space.is_row_invariant(i) && (space.col_strides[i] == 0 || space.cols == 1))
            .collect();
        let repeated: Vec<bool> = (0..inputs.len())
            .map(|i| !uniform[i] && space.is_row_invariant(i) && space.rows > 1 && space.cols <= REPEATED_COLS)
            .collect();
        let (nodes, slots) = place_values(compute, &makes, &stores, &sums, outputs, (&uniform, &repeated));
        let strip = (STRIP_BYTES / (slots.max(1) * compute.size())).clamp(128, 1024) / 64 * 64;
        Self {
            compute,
            extents: (0..inputs.len()).map(|i| space.extent(i)).collect(),
            dense: (0..inputs.len()).map(|i| space.is_dense(i)).collect(),
            uniform,
            repeated,
            inputs: inputs.iter().map(|a| a.dtype).collect(),
            outputs: outputs.to_vec(),
            space,
            nodes,
            stores,
            slots,
            strip,
            sums: sums.len(),
        }
    }

    /// Rows of the merged iteration space.
    pub fn rows(&self) -> usize {
        self.space.rows
    }

    /// Columns of the merged iteration space.
    pub fn cols(&self) -> usize {
        self.space.cols
    }

    /// The type of the registers.
    pub fn compute(&self) -> DType {
        self.compute
    }

    /// Types of the outputs.
    pub fn outputs(&self) -> &[DType] {
        &self.outputs
    }

    /// Bytes of scratch memory that a run needs.
    pub fn scratch_len(&self) -> usize {
        let sums = self.sums * phases(self.cols()) * self.cols() * self.compute.size();
        self.nodes.len() * CELL_BYTES + self.slots * self.strip * self.compute.size() + sums + CELL_BYTES
    }
}

/// Renames registers to values, one per definition, and finds the values that outputs store and that are added up.
fn number_values(
    compute: DType,
    instrs: &[Instr],
    inputs: usize,
    outputs: usize,
) -> (Vec<Make>, Vec<Value>, Vec<Value>) {
    let mut makes = Vec::new();
    let mut registers = [None::<Value>; 256];
    let mut stores = vec![None::<Value>; outputs];
    let mut sums = Vec::new();
    for instr in instrs {
        let value =
            |r: u8| registers[usize::from(r)].unwrap_or_else(|| panic!("register {r} is read before it is written"));
        let (make, dst) = match *instr {
            Instr::Load { input, dst } => {
                assert!(usize::from(input) < inputs, "there is no input {input}");
                (Make::Load { input }, dst)
            }
            Instr::Const { value, dst } => (Make::Const { value }, dst),
            Instr::Unary { op, src, dst } => {
                assert!(compute.is_float() || op.is_integral(), "{op:?} is not defined on {compute}");
                (Make::Unary { op, a: value(src) }, dst)
            }
            Instr::Binary { op, a, b, dst } => {
                let defined = if compute.is_float() { op.is_on_floats() } else { op.is_on_integers() };
                assert!(defined, "{op:?} is not defined on {compute}");
                (Make::Binary { op, a: value(a), b: value(b) }, dst)
            }
            Instr::Select { c, a, b, dst } => (Make::Select { c: value(c), a: value(a), b: value(b) }, dst),
            Instr::Cast { to, src, dst } => (Make::Cast { to, a: value(src) }, dst),
            Instr::Store { output, src } => {
                let slot = stores.get_mut(usize::from(output)).unwrap_or_else(|| panic!("there is no output {output}"));
                assert!(slot.replace(value(src)).is_none(), "output {output} is stored twice");
                continue;
            }
            Instr::Sum { sum, src } => {
                assert_eq!(usize::from(sum), sums.len(), "sums are taken in their order");
                sums.push(value(src));
                continue;
            }
        };
        makes.push(make);
        registers[usize::from(dst)] = Some((makes.len() - 1) as Value);
    }
    let mut stores: Vec<Value> = stores
        .into_iter()
        .enumerate()
        .map(|(k, v)| v.unwrap_or_else(|| panic!("output {k} is never stored")))
        .collect();
    // Stores happen at the end of a strip, when an in-place input may be gone: what was only loaded is copied in time.
    for v in &mut stores {
        if matches!(makes[usize::from(*v)], Make::Load { .. }) {
            makes.push(Make::Unary { op: UnaryOp::Copy, a: *v });
            *v = (makes.len() - 1) as Value;
        }
    }
    assert!(makes.len() <= MAX_VALUES && inputs <= 64, "an elementwise program of {} values", makes.len());
    (makes, stores, sums)
}

/// Gives every value that is not uniform a scratch strip, reused once its last reader is done, and finds those that can be
/// computed straight into an output.
fn place_values(
    compute: DType,
    makes: &[Make],
    stores: &[Value],
    sums: &[Value],
    outputs: &[DType],
    (uniform, repeated): (&[bool], &[bool]),
) -> (Vec<Node>, usize) {
    let mut last_use = vec![0; makes.len()];
    for (at, make) in makes.iter().enumerate() {
        make.operands().for_each(|v| last_use[usize::from(v)] = at);
    }
    stores.iter().for_each(|&v| last_use[usize::from(v)] = usize::MAX);
    let mut free: Vec<u8> = Vec::new();
    let mut slots = 0u8;
    let mut nodes: Vec<Node> = Vec::new();
    let stays = |make: Make| matches!(make, Make::Load { input } if repeated[usize::from(input)]);
    for (at, &make) in makes.iter().enumerate() {
        let is_uniform = make.is_uniform(|i| uniform[usize::from(i)]);
        let reused = if is_uniform || stays(make) { None } else { free.pop() };
        let slot = match reused {
            Some(slot) => slot,
            None if is_uniform => 0,
            None => {
                slots += 1;
                slots - 1
            }
        };
        // Operands are released after the result has its strip, so that no operation writes what it reads.
        let mut released: Vec<Value> = make.operands().filter(|&v| last_use[usize::from(v)] == at).collect();
        released.sort_unstable();
        released.dedup();
        free.extend(
            released
                .iter()
                .map(|&v| &nodes[usize::from(v)])
                .filter(|n| !n.is_uniform(uniform) && !stays(n.make))
                .map(|n| n.slot),
        );
        let output = (0..stores.len()).find(|&k| usize::from(stores[k]) == at && outputs[k] == compute && !is_uniform);
        let read_later = makes.iter().enumerate().fold(0u64, |mask, (v, m)| match *m {
            Make::Load { input } if last_use[v] > at => mask | 1 << input,
            _ => mask,
        });
        let sum = sums.iter().position(|&v| usize::from(v) == at).map(|k| k as u8);
        assert!(sum.is_none() || !is_uniform, "a sum of a value that is the same everywhere");
        nodes.push(Node { make, slot, output: output.map(|k| k as u8), read_later, sum });
    }
    (nodes, usize::from(slots))
}

impl Node {
    fn is_uniform(&self, uniform: &[bool]) -> bool {
        self.make.is_uniform(|i| uniform[usize::from(i)])
    }
}
