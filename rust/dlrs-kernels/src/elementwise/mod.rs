//! Fused elementwise programs: register instructions over strips that stay in the L1 cache.

mod access;
mod convert;
mod opcode;
mod program;
mod run;
mod scalar;
mod vector;

pub use access::{Access, AnySlice, AnyTile, Source};
pub use opcode::{BinaryOp, UnaryOp};
pub use program::{Instr, MAX_OUTPUTS, MAX_VALUES, Program};
