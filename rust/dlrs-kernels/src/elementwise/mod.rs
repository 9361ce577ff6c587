//! Fused elementwise programs: register instructions over strips that stay in the L1 cache.
//!
//! relu(x + bias) over a 2×3 matrix, the bias broadcast along the rows:
//!
//! ```
//! use dlrs_kernels::elementwise::{Access, AnySlice, AnyTile, BinaryOp, Instr, Program, Source, UnaryOp};
//! use dlrs_kernels::isa::Isa;
//! use dlrs_kernels::mem::{DType, TileMut};
//!
//! let instrs = [
//!     Instr::Load { input: 0, dst: 0 },
//!     Instr::Load { input: 1, dst: 1 },
//!     Instr::Binary { op: BinaryOp::Add, a: 0, b: 1, dst: 0 },
//!     Instr::Unary { op: UnaryOp::Relu, src: 0, dst: 0 },
//!     Instr::Store { output: 0, src: 0 },
//! ];
//! let inputs = [Access::dense(DType::F32, &[2, 3]), Access::broadcast(DType::F32, &[3], 2)];
//! let program = Program::new(DType::F32, &[2, 3], &instrs, &inputs, &[DType::F32]);
//!
//! let (x, bias) = ([1.0, 2.0, 3.0, -1.0, -2.0, -3.0], [0.5, 0.5, 4.0]);
//! let (rows, cols) = (program.rows(), program.cols());
//! let mut y = vec![0.0; 6];
//! program.run(
//!     Isa::current(),
//!     &[Source::Slice(AnySlice::F32(&x)), Source::Slice(AnySlice::F32(&bias))],
//!     &mut [AnyTile::F32(TileMut::new(&mut y, rows, cols, cols))],
//!     0..rows,
//!     0..cols,
//!     &mut vec![0; program.scratch_len()],
//! );
//! assert_eq!(y, [1.5, 2.5, 7.0, 0.0, 0.0, 1.0]);
//! ```

mod access;
mod convert;
mod opcode;
mod program;
mod rare;
mod run;
mod scalar;
mod vector;

pub use access::{Access, AnySlice, AnyTile, Source};
pub use opcode::{BinaryOp, UnaryOp};
pub use program::{Instr, MAX_OUTPUTS, MAX_VALUES, Program};
