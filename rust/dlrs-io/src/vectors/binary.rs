//! word2vec's binary form: a line of two counts; then of each vector word, space, little-endian float32 and possibly a line feed.

use super::{FORMAT, Vectors, damaged, reserve};
use crate::{Error, Result, Source, memory};

/// Bytes of the first line.
const LONGEST_HEAD: usize = 64;
/// Bytes of a word.
const LONGEST_WORD: usize = 1 << 12;
/// Bytes that are read at a time.
const WINDOW: u64 = if cfg!(fuzzing) { 1 << 4 } else { 1 << 20 };

/// The vectors of the first `limit` words.
pub fn read_binary(source: &(impl Source + ?Sized), limit: Option<usize>) -> Result<Vectors> {
    let mut window = Window { source, bytes: Vec::new(), at: 0, read: 0 };
    let (count, width) = counts(&mut window)?;
    let left = source.size() - window.position();
    // The shortest word has a byte.
    let least = width.checked_mul(4).and_then(|bytes| bytes.checked_add(2)).and_then(|bytes| bytes.checked_mul(count));
    if width < 1 || count < 1 || least.is_none_or(|least| least > left) {
        return Err(broken(0, format!("{count} vectors of {width} numbers do not fit into {left} bytes")));
    }
    let number = count.min(limit.unwrap_or(usize::MAX) as u64);
    memory::check(4 * number * width, FORMAT, "vectors")?;
    let (number, width) = (number as usize, width as usize);
    let mut found = Vectors { width, ..Vectors::default() };
    reserve(&mut found.values, number * width)?;
    let mut word = Vec::new();
    for row in 0..number {
        let start = window.position();
        read_word(&mut window, &mut word)?;
        let text = std::str::from_utf8(&word).map_err(|_| broken(start, "a word that is not UTF-8".to_owned()))?;
        found.words.push(text)?;
        read_numbers(&mut window, width, row, &mut found.values)?;
    }
    if number as u64 == count {
        let rest = (window.next()?, window.next()?);
        if !matches!(rest, (None, _) | (Some(b'\n'), None)) {
            return Err(broken(window.position(), format!("more than the {count} vectors that the first line says")));
        }
    }
    Ok(found)
}

fn broken(offset: u64, message: String) -> Error {
    damaged("binary".to_owned(), "V3", offset, message)
}

/// The counts of the first line.
fn counts<S: Source + ?Sized>(window: &mut Window<'_, S>) -> Result<(u64, u64)> {
    let mut line = Vec::new();
    while line.len() < LONGEST_HEAD {
        match window.next()? {
            Some(b'\n') => {
                let text = std::str::from_utf8(&line).unwrap_or("");
                let mut parts = text.split_ascii_whitespace();
                let digits = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
                if let (Some(a), Some(b), None) = (parts.next(), parts.next(), parts.next())
                    && let (true, Ok(a), true, Ok(b)) = (digits(&a), a.parse(), digits(&b), b.parse())
                {
                    return Ok((a, b));
                }
                break;
            }
            Some(byte) => line.push(byte),
            None => break,
        }
    }
    Err(broken(0, "the first line must be two counts".to_owned()))
}

/// The bytes up to a space. Some writers end vectors with a line feed: those before a word are no part of it.
fn read_word<S: Source + ?Sized>(window: &mut Window<'_, S>, word: &mut Vec<u8>) -> Result<()> {
    let start = window.position();
    word.clear();
    loop {
        match window.next()? {
            Some(b' ') if word.is_empty() => return Err(broken(start, "an empty word".to_owned())),
            Some(b' ') => return Ok(()),
            Some(b'\n') if word.is_empty() => {}
            Some(byte) if word.len() < LONGEST_WORD => word.push(byte),
            _ => return Err(broken(start, "a word without an end".to_owned())),
        }
    }
}

fn read_numbers<S: Source + ?Sized>(
    window: &mut Window<'_, S>,
    width: usize,
    row: usize,
    values: &mut Vec<f32>,
) -> Result<()> {
    let (start, before) = (window.position(), values.len());
    let mut left = 4 * width;
    while left > 0 {
        let bytes = window.take(left)?;
        if bytes.is_empty() {
            return Err(broken(window.source.size(), format!("the vector of word {row} is truncated")));
        }
        left -= bytes.len();
        values.extend(bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])));
    }
    if !values[before..].iter().all(|value| value.is_finite()) {
        return Err(broken(start, format!("a number of word {row} is not finite")));
    }
    Ok(())
}

/// A part of the source and the place in it.
struct Window<'a, S: Source + ?Sized> {
    source: &'a S,
    bytes: Vec<u8>,
    at: usize,
    /// Bytes of the source up to the window's end.
    read: u64,
}

impl<S: Source + ?Sized> Window<'_, S> {
    fn position(&self) -> u64 {
        self.read - (self.bytes.len() - self.at) as u64
    }

    /// Reads until `least` bytes are there, or the rest.
    fn fill(&mut self, least: usize) -> Result<()> {
        if self.bytes.len() - self.at >= least {
            return Ok(());
        }
        self.bytes.drain(..self.at);
        self.at = 0;
        let (known, more) = (self.bytes.len(), (self.source.size() - self.read).min(WINDOW) as usize);
        reserve(&mut self.bytes, more)?;
        self.bytes.resize(known + more, 0);
        self.source.read_at(self.read, &mut self.bytes[known..])?;
        self.read += more as u64;
        Ok(())
    }

    #[inline]
    fn next(&mut self) -> Result<Option<u8>> {
        self.fill(1)?;
        let byte = self.bytes.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        Ok(byte)
    }

    /// At most `most` bytes, whole float32; none if fewer than four are left.
    fn take(&mut self, most: usize) -> Result<&[u8]> {
        self.fill(most.min(4))?;
        let count = (self.bytes.len() - self.at).min(most) / 4 * 4;
        self.at += count;
        Ok(&self.bytes[self.at - count..self.at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(head: &str, words: &[&str], width: usize, end: &str) -> Vec<u8> {
        let mut bytes = head.as_bytes().to_vec();
        for (i, word) in words.iter().enumerate() {
            bytes.extend_from_slice(format!("{word} ").as_bytes());
            (0..width).for_each(|j| bytes.extend_from_slice(&((i * width + j) as f32 - 0.5).to_le_bytes()));
            bytes.extend_from_slice(end.as_bytes());
        }
        bytes
    }

    #[test]
    fn vectors_with_and_without_line_feeds_and_longer_than_a_window() {
        for (width, end) in [(1, ""), (3, "\n"), (300_001, ""), (70_000, "\n")] {
            let bytes = file(&format!("3 {width}\n"), &["a", "ä", "a"], width, end);
            let found = read_binary(&bytes[..], None).unwrap();
            assert_eq!(found.words.iter().collect::<Vec<_>>(), ["a", "ä", "a"]);
            assert!(found.values.iter().enumerate().all(|(i, &value)| value == i as f32 - 0.5));
            assert_eq!(read_binary(&bytes[..], Some(2)).unwrap().values.len(), 2 * width);
            assert!(read_binary(&bytes[..bytes.len() - 1 - end.len()], None).is_err());
        }
    }

    #[test]
    fn what_lies_is_refused_before_memory_is_taken() {
        for (head, expected) in [
            ("1152921504606846976 4\n", "do not fit into 18 bytes"),
            ("4 1152921504606846976\n", "do not fit into 18 bytes"),
            ("18446744073709551615 18446744073709551615\n", "do not fit"),
            ("99999999999999999999 1\n", "must be two counts"),
            ("-1 4\n", "must be two counts"),
            ("+1 4\n", "must be two counts"),
            ("1 0\n", "do not fit"),
            ("0 1\n", "do not fit"),
            ("1 3\n", "more than the 1 vectors"),
            ("1 2 3\n", "must be two counts"),
            ("", "must be two counts"),
        ] {
            let message = read_binary(&file(head, &["a"], 4, "")[..], None).unwrap_err().to_string();
            assert!(message.contains(expected), "{head:?}: {message}");
        }
    }

    #[test]
    fn words_and_numbers_that_are_none() {
        let long = "x".repeat(LONGEST_WORD + 1);
        for (word, expected) in [("", "an empty word"), (&long, "a word without an end")] {
            let message = read_binary(&file("1 2\n", &[word], 2, "\n")[..], None).unwrap_err().to_string();
            assert!(message.contains(expected) && message.contains("at byte 4"), "{message}");
        }
        let message = read_binary(&b"1 1\n\xff\xff 1234"[..], None).unwrap_err().to_string();
        assert!(message.contains("not UTF-8"), "{message}");
        let infinite = [&b"1 1\na "[..], &f32::INFINITY.to_le_bytes()].concat();
        let message = read_binary(&infinite[..], None).unwrap_err().to_string();
        assert!(message.contains("a number of word 0 is not finite (rule V3, at byte 6)"), "{message}");
    }
}
