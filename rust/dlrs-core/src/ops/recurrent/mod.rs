//! Recurrent layers: all steps as one op, given what the inputs contribute to the gates.
//!
//! Operands are (batch, steps, ..) arrays; what the cell's derivative needs of each step is a further result. The gradient is one op
//! that runs the steps the other way, and a product over all steps for the weights.

mod attributes;
mod definition;
pub mod gru;
pub mod lstm;
mod packed;
pub mod reset_before;
pub mod simple_rnn;
#[cfg(test)]
mod tests;

pub use dlrs_kernels::recurrent::Activation;

pub use attributes::Steps;
