//! Pooling of channels-last images: the largest or the mean element of each window, and the adjoints of both; sums over channels.
//!
//! Windows are products of one interval per axis, so an output row is first reduced over the rows of its windows, which touch, and then
//! along itself. Kernels work on strips of channels in arrays of fixed length, which the compiler keeps in vector registers.

mod average;
mod channels;
mod disjoint;
mod geometry;
mod maximum;
mod rows;
pub(crate) mod strip;

pub use average::{average_pool, average_pool_backward};
pub use channels::window_sum;
pub use disjoint::max_pool_backward_disjoint;
pub use geometry::{PoolGeometry, Windows};
pub use maximum::{max_pool, max_pool_backward, max_pool_gather};
pub use rows::pool_scratch_len;
