//! Direct convolution, NHWC by HWIO: forward, and the gradients by input and by kernel.
//!
//! All three are batch-reduce products (Georganas et al. 2019, arXiv 1906.06440) over the operands where they lie; nothing is
//! unrolled in memory. With x̂ the input padded by zeros, stride s and dilation d:
//!
//! y\[i, oy, ox, co\] = Σ_{ky, kx, ci} x̂\[i, oy·s + ky·d, ox·s + kx·d, ci\] · w\[ky, kx, ci, co\]

mod forward;
mod geometry;
mod input_grad;
mod kernel_grad;
mod multiply;

pub use forward::conv_forward;
pub use geometry::{ConvGeometry, conv_scratch_len};
pub use input_grad::conv_input_grad;
pub use kernel_grad::conv_kernel_grad;
pub use multiply::ConvElement;
