//! Memory: element types, buffers, output tiles, tile programs, and the team that runs them in parallel.

mod buffer;
mod element;
pub mod half;
mod io;
mod program;
mod proof;
mod run;
mod share;
mod team;
mod tile;

pub use buffer::{ALIGN, Buffer, OutOfMemory, bytes_of, bytes_of_mut, cast, cast_mut, is_view_of};
pub use element::{DType, Element};
pub use half::{BF16, F16};
pub use io::TileIo;
pub use program::{Body, BufferSpec, MAX_ROUND_TILES, PRIVATE, Rect, Rounds, Span, Step, TileProgram, Work};
pub use run::{Bind, RunError, Scratch, message};
pub use share::Stop;
pub use team::{MAX_THREADS, Team, requested_threads, set_threads, team};
pub use tile::TileMut;
