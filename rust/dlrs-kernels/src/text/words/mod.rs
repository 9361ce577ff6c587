//! Vectors of words learned from their neighbours: word2vec.
//!
//! Mikolov, Chen, Corrado and Dean 2013 (arXiv 1301.3781); Mikolov, Sutskever, Chen, Corrado and Dean 2013 (arXiv 1310.4546).

mod architecture;
mod draw;
mod kernel;
mod matrices;
mod objective;
mod sampling;
mod tally;
#[cfg(test)]
mod tests;
mod train;
mod windows;

pub use architecture::{Architecture, Cbow, SkipGram};
pub use draw::{Alias, Draws};
pub use matrices::Matrices;
pub use objective::{HierarchicalSoftmax, NegativeSampling, Objective};
pub use sampling::{END, Sampling};
pub use train::{Memory, train};
pub use windows::{DISTINCT, Window, Windows};
