//! Random numbers without state: element `i` of a draw is a function of (seed, counter, i) alone, so draws are cut into tiles anywhere.

mod draw;
mod philox;
mod variates;

pub use draw::Stream;
pub use philox::philox4x32;
