//! Kernels on images `[height, width, channels]`: reading between pixels, geometric warps, colour.
//!
//! They are plain arithmetic without fused multiply-add, compiled for each instruction set: every level gives the same bits.

mod border;
mod colour;
mod remap;
mod resize;
mod resize_weights;
mod sample;
mod warp;

pub use border::Border;
pub use colour::Stage;
pub use remap::{remap_row, remap_row_coordinate_gradient, remap_row_image_gradient};
pub use resize::{ResizeGeometry, ResizePixel, resize_rows, resize_scratch_len};
pub use resize_weights::{Resampling, ResizeWeights};
pub use sample::{Coordinate, Image, Interpolation, Pixel, Sampling};
pub use warp::{Projection, warp};
