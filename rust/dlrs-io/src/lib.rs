//! Files that may come from anywhere.
//!
//! Readers take a [`Source`], of which they read only what they have checked to be there. What they refuse they refuse with a
//! [`FormatError`] that carries the format, the field, the offset and the id of the rule:
//!
//! * **G** all formats: G5 regular files that do not change while they are read; G7 declared lengths against the bytes that remain;
//!   G8 sizes (rank ≤ 32, dimensions ≤ 2^40, products in range); G9 the sum of sizes against the machine's memory; G10 names (1 to
//!   1,024 bytes of UTF-8 without control characters; at most 2^20 tensors); G11 JSON (syntax, nesting ≤ 64, ≤ 32 MiB); G12
//!   duplicates; G13 every byte is accounted for; G14 element types.
//! * **S** safetensors: S1 header length; S2 header text; S3 keys of an entry; S4 shapes; S5 offsets of an entry; S6 offsets of all
//!   entries; S7 `__metadata__`.
//! * **K** ZIP: K1 member names; K2 methods and flags; K3 central directory against local headers; K4 number of members and
//!   expansion; K5 checksums.
//! * **V** word vectors: V1 text and lists of words; V2 NumPy matrices; V3 word2vec's binary form.
//!
//! Nothing recurses; sizes are checked in `u64`, overflow traps in release builds, too; buffers are reserved fallibly.
#![forbid(unsafe_code)]

pub mod atomic;
#[doc(hidden)]
pub mod check;
mod error;
pub mod json;
pub mod memory;
pub mod safetensors;
mod source;
pub mod vectors;
pub mod zip;

pub use error::{Error, FormatError, Result};
pub use source::{Input, Section, Source, read_range};
