//! Text as bytes: tokens and their numbers, n-grams two sentences share, edits that turn one into the other.
//!
//! Sentences are UTF-8, of which lone surrogates may be part (WTF-8): Python's strings have them.

mod bleu;
mod edits;
mod numbering;
mod space;
mod thirteen_a;

pub use bleu::{NgramCounter, Segment, Tokenizer, corpus_counts, sentence_counts};
pub use edits::{EditCounts, Editor, Unit, many_distances, many_edits};
pub use numbering::Numbering;
