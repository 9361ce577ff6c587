//! Text: n-grams that two sentences share, edits that turn one into the other, the search for the likeliest sentence, vectors of
//! words.
//!
//! Sentences to compare are bytes, UTF-8, of which lone surrogates may be part (WTF-8): Python's strings have them.

mod beam;
mod best;
mod bleu;
mod cooccurrence;
mod corpus;
mod edits;
mod glove;
mod nearest;
mod numbering;
mod prefixes;
mod space;
mod thirteen_a;
pub mod words;

pub use beam::{BeamSearch, Hypothesis, Rules};
pub use best::{Fault, Score};
pub use bleu::{NgramCounter, Segment, Tokenizer, corpus_counts, sentence_counts};
pub use cooccurrence::{Piece, Sentences, Sums, Window, count_pairs, merge_pieces};
pub use corpus::{CorpusWords, SENTENCE_END};
pub use edits::{EditCounts, Editor, Unit, many_distances, many_edits};
pub use glove::{Blocks, CELL, Glove, MOST_ROWS, Side, UNVISITED, Weighting, blocks, strata};
pub use nearest::{Near, nearest_rows};
pub use numbering::Numbering;
pub use prefixes::PrefixSearch;
