//! Elementary functions: f32 over vectors of any level, with stated error bounds, and what f64 needs beyond the standard library.
//!
//! Errors are in units in the last place (ulp) of the correctly rounded result, as `tests/math.rs` measures
//! them at every level. Coefficients are minimax fits made for these functions.

pub mod double;
mod exponential;
mod power;
pub mod special;
mod trigonometric;

pub use exponential::{erf, exp, expm1, log, log1p, sigmoid, softplus, tanh};
pub use power::pow;
pub use trigonometric::{cos, reduce_quarter, sin, sin_cos_reduced};
