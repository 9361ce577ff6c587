//! Rectangles that a detector finds: of those that show one object, the best is kept.
//!
//! Boxes are (left, top, right, bottom), finite and not inverted ([`check`]). Intersection over union is computed as
//! `i / ((a + b) - i)` from areas `(right - left)·(bottom - top)`, each step rounded in the type of the boxes and none
//! fused, so that every instruction-set level keeps the same boxes.

mod check;
mod grid;
mod hard;
mod many;
mod rank;
mod shelf;
mod soft;

pub use check::{Fault, check};
pub use hard::{Coordinate, Limits, nms};
pub use many::{Images, Kept, many_nms, many_soft_nms};
pub use rank::{Score, ranks};
pub use soft::{Decay, Softly, soft_nms};
