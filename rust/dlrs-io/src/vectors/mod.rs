//! Files of word vectors: word2vec's text and binary forms, GloVe's text, NumPy's matrices and lists of words.
//!
//! Text is read some megabytes at a time, cut at line feeds into pieces that whoever is free parses; the cuts come from the file alone.
//! What an error says of line and byte is as if one line had been read after the other. Memory grows with what was found, never with
//! what a file says about itself.

mod binary;
mod blocks;
mod npy;
mod number;
mod text;
mod write;

pub use binary::read_binary;
pub use npy::{Matrix, read_npy};
pub use text::{Wanted, read_lines, read_text};
pub use write::{write_binary, write_text};

use crate::{Error, FormatError, Result};

/// What messages call these files.
const FORMAT: &str = "word vectors";

/// Calls the function with every number below the count, in any order, on any threads; false if it stopped before all were done.
pub type Workers<'a> = &'a dyn Fn(usize, &(dyn Fn(usize) + Sync)) -> bool;

/// [`Workers`] of one thread.
pub fn alone(count: usize, work: &(dyn Fn(usize) + Sync)) -> bool {
    (0..count).for_each(work);
    true
}

/// Strings, one behind the other in one piece of memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    text: String,
    ends: Vec<usize>,
}

impl Words {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Them all, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.text[start..end])
    }

    /// One more.
    pub fn push(&mut self, word: &str) -> Result<()> {
        self.text.try_reserve(word.len()).map_err(|_| Error::Memory(word.len() as u64))?;
        self.ends.try_reserve(1).map_err(|_| Error::Memory(8))?;
        self.text.push_str(word);
        self.ends.push(self.text.len());
        Ok(())
    }

    /// The first `count` of `others` behind these.
    fn append(&mut self, others: &Words, count: usize) -> Result<()> {
        let bytes = count.checked_sub(1).map_or(0, |last| others.ends[last]);
        self.text.try_reserve(bytes).map_err(|_| Error::Memory(bytes as u64))?;
        self.ends.try_reserve(count).map_err(|_| Error::Memory(8 * count as u64))?;
        let start = self.text.len();
        self.text.push_str(&others.text[..bytes]);
        self.ends.extend(others.ends[..count].iter().map(|end| start + end));
        Ok(())
    }
}

/// Words and their vectors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vectors {
    /// The words, in the file's order; one may occur twice.
    pub words: Words,
    /// Numbers in a vector.
    pub width: usize,
    /// The vectors, one behind the other.
    pub values: Vec<f32>,
}

/// `count` more elements will fit.
fn reserve<T>(vector: &mut Vec<T>, count: usize) -> Result<()> {
    vector.try_reserve(count).map_err(|_| Error::Memory((count as u64).saturating_mul(size_of::<T>() as u64)))
}

fn damaged(field: String, rule: &'static str, offset: u64, message: String) -> Error {
    Error::Format(FormatError { format: FORMAT, field, offset, rule, message })
}
