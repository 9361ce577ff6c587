//! Tensors, graphs, ops, autodiff and plans.
//!
//! The only representation of computation is the [`graph`]: nodes are [`ops`], edges are typed, shaped values. [`autodiff`] turns
//! a graph into a larger one; [`plan`] turns a graph into a tile program that the team runs.
#![forbid(unsafe_code)]

pub mod autodiff;
pub mod dispatch;
mod distribute;
pub mod eager;
pub mod error;
pub mod graph;
mod join;
pub mod key;
pub mod ops;
pub mod plan;
pub mod shape;
pub mod tape;
pub mod tensor;
pub mod variable;

pub use dlrs_kernels::mem::DType;
pub use error::{Error, Result};
pub use graph::{Graph, Val};
pub use shape::Shape;
pub use tensor::{Tensor, Ty};
pub use variable::Variable;
