//! Memory: element types, output tiles, aligned buffers, and the team that runs tiles in parallel.

mod element;
mod tile;

pub use element::{DType, Element};
pub use tile::TileMut;
