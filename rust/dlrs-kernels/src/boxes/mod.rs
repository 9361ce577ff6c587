//! Rectangles that a detector finds: of those that show one object, the best is kept.
//!
//! Boxes are (left, top, right, bottom), finite and not inverted ([`check`]). Intersection over union is computed as
//! `i / ((a + b) - i)` from areas `(right - left)·(bottom - top)`, each step rounded in the type of the boxes and none
//! fused, so that every instruction-set level keeps the same boxes. Where boxes of one class of an image have areas that over- or
//! underflow ([`Areas`]), overlaps in that class are computed without that and rounded once.

mod check;
mod grid;
mod hard;
mod many;
mod rank;
mod shelf;
mod soft;

pub use check::{Areas, Fault, check};
pub use hard::{Coordinate, Limits, extreme_nms, nms};
pub use many::{Images, Kept, many_nms, many_soft_nms};
pub use rank::{Score, ranks};
pub use soft::{Decay, Softly, extreme_soft_nms, soft_nms};
