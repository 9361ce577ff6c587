//! Scaled dot-product attention by blocks of keys: softmax(scale · Q·Kᵀ + bias) · V without the matrix of scores.
//!
//! The forward pass goes once over the keys, keeping for each target the largest score seen and the sum of exponentials relative to it
//! (Rabe and Staats 2021, arXiv 2112.05682; Dao et al. 2022, arXiv 2205.14135). It leaves the result and the logarithm of each row's
//! sum of exponentials; from those the backward pass computes any block of probabilities again.
//!
//! A source that is masked out has the score −∞. A target that sees no source has the result 0, the logarithm +∞ (its
//! probabilities e^(score − ∞) are then 0), and no gradient.

mod backward;
mod element;
mod forward;
mod geometry;
mod scores;
mod single;

pub use backward::{BackwardSums, attention_backward, attention_backward_scratch_len};
pub use element::AttentionElement;
pub use forward::{attention_forward, attention_forward_scratch_len};
pub use geometry::{AttentionGeometry, AttentionOperands, Gradients, KEYS};
