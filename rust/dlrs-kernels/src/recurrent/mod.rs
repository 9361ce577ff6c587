//! Recurrent layers: all steps of a tile's rows in one call.
//!
//! What the input contributes to the gates comes computed for all steps at once; a step multiplies the state by the recurrent
//! weights and finishes each block of the product while it is in cache: weights are packed so that one register tile holds all
//! gates of its units. The backward pass has the same shape: the gates' gradients times the transposed weights, finished by the
//! cell's derivative at the step before. Gradients by weights are left to one product over all steps.
//!
//! Arrays are (rows, steps, units), gates side by side in the last axis. Where the mask says no, a row's state is carried on, and
//! gradients pass it unchanged.

mod ahead;
mod gru;
mod lstm;
mod multiply;
mod reset_before;
mod simple;
mod steps;
mod weights;

pub use gru::{GruBackward, GruForward};
pub use lstm::{LstmBackward, LstmForward};
pub use reset_before::{ResetBeforeBackward, ResetBeforeForward};
pub use simple::{Activation, SimpleBackward, SimpleForward};
pub use steps::{Float, Part, Run};
pub use weights::{Layout, Weights};
