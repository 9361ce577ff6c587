//! The ops as Python functions: arguments promoted and cast, composites assembled, errors named.

pub mod contraction;
pub mod control;
pub mod creation;
pub mod elementwise;
pub mod image;
pub mod linalg;
pub mod nn;
pub mod optim;
pub mod order;
pub mod pool;
pub mod random;
pub mod recurrent;
pub mod reduce;
pub mod resize;
pub mod shape;
