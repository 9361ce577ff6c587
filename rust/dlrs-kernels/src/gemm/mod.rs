//! Matrix products.
//!
//! Every element of C is one chain of multiply-adds over k in ascending order, started from 0 (or from C's old contents), so its
//! bytes do not depend on the tile it falls into, on how k is blocked, or on whether operands were packed.
//!
//! A product is: micro-kernels that hold up to `MR` rows by two vectors of C in registers (`micro`, sizes in `levels`); the loops that
//! bring them blocks of A and panels of B, packing what does not lie well (`driver`, `pack`); and the special case of a vector
//! (`gemv`). The blocking follows Goto and van de Geijn (2008), with panels of B packed by the first block of rows that uses them.
//!
//! ```
//! use dlrs_kernels::gemm::{Epilogue, MatB, MatRef, gemm_f32, gemm_scratch_len};
//! use dlrs_kernels::{isa::Isa, mem::TileMut};
//!
//! let (isa, a, b) = (Isa::current(), [1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]);
//! let mut c = [0.0; 4];
//! gemm_f32(
//!     isa,
//!     MatRef::row_major(&a, 2, 2),
//!     MatB::Strided(MatRef::row_major(&b, 2, 2).t()),
//!     TileMut::new(&mut c, 2, 2, 2),
//!     &Epilogue { bias: Some(&[0.5, 0.25]), ..Epilogue::default() },
//!     &mut vec![0.0; gemm_scratch_len(isa, 2, 2, 2)],
//! );
//! assert_eq!(c, [17.5, 23.25, 39.5, 53.25]);
//! ```

mod batch_reduce;
pub(crate) mod driver;
mod epilogue;
mod gemv;
pub(crate) mod levels;
mod matrix;
pub(crate) mod micro;
pub(crate) mod pack;
mod scalar;
mod tiling;
#[cfg(target_arch = "x86_64")]
mod transpose;

pub use batch_reduce::batch_reduce_gemm_f32;
pub use driver::{MatB, gemm_f32, gemm_scratch_len, gemm_scratch_most};
pub(crate) use driver::{block_of, finish_rows};
pub use epilogue::{Activation, Epilogue};
pub use matrix::MatRef;
pub(crate) use micro::{load, store};
pub use pack::{PackedRef, pack_b, packed_len, panel_width};
pub use scalar::gemm_f64;
pub use tiling::{Tiling, tiling};
