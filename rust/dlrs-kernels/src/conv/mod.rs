//! Direct convolution over up to three spatial axes, channels last: forward, and the gradients by input and by kernel.
//!
//! All three are batch-reduce products (Georganas et al. 2019, arXiv 1906.06440) over the operands where they lie; nothing is
//! unrolled in memory. With x̂ the input padded by zeros, stride s and dilation d, for each group of channels:
//!
//! y\[i, o, co\] = Σ_{k, ci} x̂\[i, o·s + k·d, ci\] · w\[k, ci, co\], o and k running over the spatial axes.

mod depthwise;
mod direct;
mod forward;
mod geometry;
mod input_grad;
mod kernel_grad;
mod kernel_sum;
mod multiply;
mod parts;
mod pixel_sum;
mod tap_products;
mod tap_sum;
mod winograd;

pub use depthwise::{Reread, depthwise_forward, depthwise_input_grad, depthwise_kernel_grad, depthwise_scratch_len};
pub(crate) use direct::RowKernel;
pub use direct::{ConvKernel, ConvTile, DirectConv};
#[cfg(target_arch = "x86_64")]
pub(crate) use direct::{LEAST_PIXELS, row_kernel};
pub use forward::conv_forward;
pub use geometry::{ConvGeometry, conv_scratch_len};
pub use input_grad::conv_input_grad;
pub use kernel_grad::conv_kernel_grad;
pub use kernel_sum::{conv_kernel_sum, kernel_sum_columns, kernel_sum_scratch_len};
pub use multiply::ConvElement;
pub use parts::{add_part, kernel_grad_parts, sum_parts};
pub(crate) use pixel_sum::PixelSum;
#[cfg(target_arch = "x86_64")]
pub(crate) use pixel_sum::pixel_sum;
pub use tap_products::TapProducts;
pub(crate) use tap_sum::TapSum;
#[cfg(target_arch = "x86_64")]
pub(crate) use tap_sum::tap_sum;
pub use winograd::{Algorithm, Winograd, WinogradConv, WinogradKernel, WinogradPiece, WinogradTile, choose};
