//! Whole lines of a file, some megabytes at a time.

use std::ops::Range;

use super::reserve;
use crate::{Result, Source};

// A fuzzer's files are small: it is to meet many blocks and pieces in them.
/// Bytes that a line may have, its line feed counted.
pub const LONGEST_LINE: usize = if cfg!(fuzzing) { 1 << 9 } else { 1 << 20 };
/// Bytes of the first block, which doubles: few words are had by reading little.
const FIRST: usize = if cfg!(fuzzing) { 1 << 4 } else { 1 << 16 };
const LARGEST: usize = if cfg!(fuzzing) { 1 << 8 } else { 1 << 24 };

/// A file's lines in blocks.
pub struct Blocks<'a, S: Source + ?Sized> {
    source: &'a S,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were given out.
    given: usize,
    /// Bytes of the source that were read.
    read: u64,
    step: usize,
}

impl<'a, S: Source + ?Sized> Blocks<'a, S> {
    /// All lines of `source`.
    pub fn new(source: &'a S) -> Self {
        Self { source, buffer: Vec::new(), given: 0, read: 0, step: FIRST }
    }

    /// The next lines, each whole, and where the first of them begins. Only a last line may lack its line feed, and a line longer than
    /// [`LONGEST_LINE`] its end.
    pub fn next(&mut self) -> Result<Option<(u64, &[u8])>> {
        self.buffer.drain(..self.given);
        let start = self.read - self.buffer.len() as u64;
        loop {
            let known = self.buffer.len();
            let more = (self.source.size() - self.read).min(self.step as u64) as usize;
            reserve(&mut self.buffer, more)?;
            self.buffer.resize(known + more, 0);
            self.source.read_at(self.read, &mut self.buffer[known..])?;
            self.read += more as u64;
            self.step = (2 * self.step).min(LARGEST);
            let last = self.buffer[known..].iter().rposition(|&byte| byte == b'\n');
            self.given = match last {
                Some(last) => known + last + 1,
                None if more == 0 || self.buffer.len() > LONGEST_LINE => self.buffer.len(),
                None => continue,
            };
            let block = &self.buffer[..self.given];
            return Ok((!block.is_empty()).then_some((start, block)));
        }
    }
}

/// Cuts of a block at line feeds, `size` bytes apart or a line more.
pub fn pieces(block: &[u8], size: usize) -> Vec<Range<usize>> {
    let mut cuts = Vec::with_capacity(block.len() / size + 1);
    let mut start = 0;
    while start < block.len() {
        let least = (start + size).min(block.len());
        let end = block[least..].iter().position(|&byte| byte == b'\n').map_or(block.len(), |at| least + at + 1);
        cuts.push(start..end);
        start = end;
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_the_file_cut_at_line_feeds() {
        for (count, length, end) in [(0, 0, ""), (3, 2, "\n"), (9000, 40, "\n"), (100_000, 70, ""), (1, 500_000, "")] {
            let text = vec!["x".repeat(length); count].join("\n") + end;
            let mut blocks = Blocks::new(text.as_bytes());
            let mut position = 0;
            while let Some((start, block)) = blocks.next().unwrap() {
                assert_eq!(start, position as u64);
                assert_eq!(block, &text.as_bytes()[position..position + block.len()]);
                position += block.len();
                assert!(block.ends_with(b"\n") || position == text.len());
                let parts = pieces(block, 1000);
                assert_eq!((parts[0].start, parts[parts.len() - 1].end), (0, block.len()));
                assert!(parts.windows(2).all(|two| two[0].end == two[1].start && block[two[0].end - 1] == b'\n'));
            }
            assert_eq!(position, text.len());
        }
    }

    #[test]
    fn a_line_without_end_is_not_read_to_the_end() {
        let text = vec![b'x'; 100 << 20];
        let mut blocks = Blocks::new(&text[..]);
        let (start, block) = blocks.next().unwrap().unwrap();
        assert!(start == 0 && block.len() > LONGEST_LINE && block.len() < 4 << 20);
    }
}
