//! Softmax and the cross-entropies of logits, row by row.
//!
//! Every function works on rows `rows` of matrices of `cols` columns and writes that many rows; matrices are passed whole. A row's
//! result does not depend on the others.

mod ctc;
mod entropy;
mod softmax;

pub use ctc::{Ctc, ctc_gradient, ctc_kept, ctc_loss, ctc_scratch};
pub use entropy::{
    BadLabel, cross_entropy, cross_entropy_gradient, sparse_cross_entropy, sparse_cross_entropy_gradient,
};
pub(crate) use softmax::row_max;
pub use softmax::{log_softmax, log_sum_exp, softmax};
