//! Lines of a word and its numbers, as GloVe and fastText publish them, with or without word2vec's first line of two counts.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::OnceLock;

use super::blocks::{Blocks, LONGEST_LINE, pieces};
use super::number::{is_number, number};
use super::{FORMAT, Vectors, Words, Workers, damaged, reserve};
use crate::{Error, Result, Source, memory};

/// Bytes that are parsed by one thread at a time.
const PIECE: usize = if cfg!(fuzzing) { 1 << 5 } else { 1 << 18 };
const MOST_DIMENSIONS: u64 = 1 << 16;

/// What of a file is asked for.
#[derive(Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// The vectors of these words; in other lines numbers are counted, not read. By default all.
    pub words: Option<&'a HashSet<&'a str>>,
    /// What the vectors must have. By default what the first line says or has.
    pub width: Option<usize>,
    /// Of how many words; what comes after them is not looked at.
    pub limit: Option<usize>,
}

/// The vectors wanted, in the file's order. If the first line says that vectors are of another width than the one wanted, nothing but that
/// width.
pub fn read_text(source: &(impl Source + ?Sized), wanted: Wanted<'_>, workers: Workers<'_>) -> Result<Vectors> {
    let limit = wanted.limit.unwrap_or(usize::MAX);
    let mut found = Vectors::default();
    let (mut lines, mut rows, mut announced) = (0, 0, None);
    let mut width = wanted.width.map(|width| width as u64);
    let mut blocks = Blocks::new(source);
    while let Some((mut start, mut block)) = blocks.next()? {
        if lines == 0
            && let Some((counts, length)) = header(block)?
        {
            if width.is_some_and(|width| width != counts[1]) {
                found.width = counts[1] as usize;
                return Ok(found);
            }
            (announced, width, lines) = (Some(counts[0]), Some(counts[1]), 1);
            (start, block) = (start + length as u64, &block[length..]);
        }
        if width.is_none() {
            width = first_width(block);
        }
        memory::check(4 * found.values.len() as u64, FORMAT, "vectors")?;
        let cuts = pieces(block, PIECE);
        let slots: Vec<OnceLock<Piece>> = cuts.iter().map(|_| OnceLock::new()).collect();
        let parse = |i: usize| {
            let cut: Range<usize> = cuts[i].clone();
            let _ = slots[i].set(Piece::of(&block[cut.clone()], start + cut.start as u64, width, wanted.words));
        };
        if !workers(cuts.len(), &parse) {
            return Err(Error::Io(std::io::ErrorKind::Interrupted.into()));
        }
        for slot in slots {
            let Some(piece) = slot.into_inner() else { return Err(Error::Io(std::io::ErrorKind::Interrupted.into())) };
            let room = limit - found.words.len();
            found.width = width.unwrap_or(0) as usize;
            take(&mut found, &piece, room)?;
            if piece.words.len() >= room {
                return Ok(found);
            }
            if let Some(fault) = piece.fault {
                return Err(fault.at(lines));
            }
            lines += piece.lines;
            rows += piece.rows;
        }
    }
    match announced {
        Some(count) if count != 0 && count != rows => {
            let message = format!("the first line says {count} words, the file holds {rows}");
            Err(damaged(format!("line {}", rows + 1), "V1", 0, message))
        }
        _ => Ok(found),
    }
}

/// The lines of a file, without their ends.
pub fn read_lines(source: &(impl Source + ?Sized)) -> Result<Words> {
    memory::check(source.size(), FORMAT, "words")?;
    let (mut words, mut lines) = (Words::default(), 0);
    let mut blocks = Blocks::new(source);
    while let Some((start, block)) = blocks.next()? {
        let mut rest = Lines { rest: block, offset: start, lines: 0 };
        while let Some(line) = rest.next().map_err(|fault| fault.at(lines))? {
            words.push(line.text)?;
        }
        lines += rest.lines;
    }
    Ok(words)
}

/// Appends what a piece holds, at most `room` words of it.
fn take(found: &mut Vectors, piece: &Piece, room: usize) -> Result<()> {
    let count = piece.words.len().min(room);
    let values = &piece.values[..count * found.width];
    reserve(&mut found.values, values.len())?;
    found.values.extend_from_slice(values);
    found.words.append(&piece.words, count)
}

/// What is wrong with a line of a piece.
struct Fault {
    /// Lines of the piece before it.
    line: u64,
    offset: u64,
    what: What,
}

enum What {
    Damaged(String),
    Failed(Error),
}

impl Fault {
    /// The error, of a piece before which there are so many lines.
    fn at(self, lines: u64) -> Error {
        match self.what {
            What::Damaged(message) => damaged(format!("line {}", lines + self.line + 1), "V1", self.offset, message),
            What::Failed(error) => error,
        }
    }
}

/// Lines of a block.
struct Lines<'a> {
    rest: &'a [u8],
    offset: u64,
    lines: u64,
}

struct Line<'a> {
    text: &'a str,
    offset: u64,
}

impl<'a> Lines<'a> {
    /// The next line without line feed and carriage return.
    fn next(&mut self) -> std::result::Result<Option<Line<'a>>, Fault> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let end = self.rest.iter().position(|&byte| byte == b'\n').map_or(self.rest.len(), |at| at + 1);
        let (line, rest) = self.rest.split_at(end);
        let fault = |offset, message| Fault { line: self.lines, offset, what: What::Damaged(message) };
        if line.len() > LONGEST_LINE {
            return Err(fault(self.offset, format!("a line of more than {LONGEST_LINE} bytes")));
        }
        let text = std::str::from_utf8(line)
            .map_err(|error| fault(self.offset + error.valid_up_to() as u64, "not UTF-8".to_owned()))?;
        let line = Line { text: text.trim_end_matches(['\r', '\n']), offset: self.offset };
        (self.rest, self.offset, self.lines) = (rest, self.offset + end as u64, self.lines + 1);
        Ok(Some(line))
    }
}

/// The two counts of a first line that has nothing else, and the line's length.
fn header(block: &[u8]) -> Result<Option<([u64; 2], usize)>> {
    let mut lines = Lines { rest: block, offset: 0, lines: 0 };
    let Ok(Some(line)) = lines.next() else { return Ok(None) };
    let Some((count, width)) = line.text.trim_end_matches(' ').split_once(' ') else { return Ok(None) };
    if [count, width].iter().any(|part| part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit())) {
        return Ok(None);
    }
    match (count.parse(), width.parse()) {
        (Ok(count), Ok(width)) => Ok(Some(([count, width], lines.offset as usize))),
        _ => Err(damaged("line 1".to_owned(), "V1", 0, "a count of 2^64 or more".to_owned())),
    }
}

/// Numbers behind the word of the first line that is not empty; None if it cannot be read.
fn first_width(block: &[u8]) -> Option<u64> {
    let mut lines = Lines { rest: block, offset: 0, lines: 0 };
    while let Ok(Some(line)) = lines.next() {
        if !line.text.is_empty() {
            return Some(spaces(line.text.trim_end_matches(' ')));
        }
    }
    None
}

fn spaces(text: &str) -> u64 {
    text.bytes().filter(|&byte| byte == b' ').count() as u64
}

/// What some lines hold, up to the first that is damaged.
#[derive(Default)]
struct Piece {
    words: Words,
    values: Vec<f32>,
    lines: u64,
    /// Lines with a vector, wanted or not.
    rows: u64,
    fault: Option<Fault>,
}

impl Piece {
    fn of(bytes: &[u8], offset: u64, width: Option<u64>, wanted: Option<&HashSet<&str>>) -> Piece {
        let mut piece = Piece::default();
        let mut lines = Lines { rest: bytes, offset, lines: 0 };
        loop {
            match lines.next() {
                Ok(Some(line)) if line.text.is_empty() => continue,
                Ok(Some(line)) => {
                    if let Err(what) = piece.add(line.text, width.unwrap_or(0), wanted) {
                        piece.fault = Some(Fault { line: lines.lines - 1, offset: line.offset, what });
                        return piece;
                    }
                }
                Ok(None) => break,
                Err(fault) => {
                    piece.fault = Some(fault);
                    return piece;
                }
            }
        }
        piece.lines = lines.lines;
        piece
    }

    /// Reads a line of `width` numbers behind a word.
    fn add(&mut self, line: &str, width: u64, wanted: Option<&HashSet<&str>>) -> std::result::Result<(), What> {
        let line = line.trim_end_matches(' ');
        let parts = spaces(line);
        if !(1..=MOST_DIMENSIONS).contains(&width) || parts < width {
            let expected = if width == 0 { "one or more".to_owned() } else { width.to_string() };
            return Err(What::Damaged(format!("{parts} numbers behind a word, not {expected}")));
        }
        // Some published words hold spaces: the numbers are counted from the end.
        let mut ends = line.bytes().enumerate().filter(|&(_, byte)| byte == b' ').map(|(at, _)| at);
        let Some(end) = ends.nth((parts - width) as usize) else { return Ok(()) };
        let (word, numbers) = (&line[..end], &line[end + 1..]);
        if parts > width && is_number(&word[word.rfind(' ').map_or(0, |at| at + 1)..]) {
            return Err(What::Damaged(format!("{parts} numbers behind a word, not {width}")));
        }
        self.rows += 1;
        if wanted.is_some_and(|wanted| !wanted.contains(word)) {
            return Ok(());
        }
        if word.is_empty() {
            return Err(What::Damaged("an empty word".to_owned()));
        }
        let before = self.values.len();
        let kept = self.read(numbers, width as usize).and_then(|()| self.words.push(word).map_err(What::Failed));
        if kept.is_err() {
            self.values.truncate(before);
        }
        kept
    }

    /// Appends the numbers of a line.
    fn read(&mut self, numbers: &str, width: usize) -> std::result::Result<(), What> {
        reserve(&mut self.values, width).map_err(What::Failed)?;
        let mut start = 0;
        for (at, byte) in numbers.bytes().enumerate() {
            if byte == b' ' {
                self.values.push(number(&numbers[start..at]).map_err(What::Damaged)?);
                start = at + 1;
            }
        }
        self.values.push(number(&numbers[start..]).map_err(What::Damaged)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::alone;
    use super::*;

    fn read(text: &[u8], wanted: Wanted<'_>) -> Result<Vectors> {
        let found = read_text(text, wanted, &alone);
        // Whatever the order in which pieces are parsed.
        let backwards = |count: usize, work: &(dyn Fn(usize) + Sync)| {
            (0..count).rev().for_each(work);
            true
        };
        let other = read_text(text, wanted, &backwards);
        assert_eq!(found.as_ref().ok(), other.as_ref().ok());
        assert_eq!(found.as_ref().err().map(Error::to_string), other.err().map(|error| error.to_string()));
        found
    }

    fn fault(text: &[u8]) -> String {
        read(text, Wanted::default()).unwrap_err().to_string()
    }

    #[test]
    fn lines_of_many_pieces() {
        let line = |i: usize| format!("w{i} {}.5 -{i}e-3 0.{i}", i % 7);
        let lines: Vec<String> = (0..50_000).map(line).collect();
        for text in [lines.join("\n"), lines.join("\r\n") + " \r\n\n", "50000 3\n".to_owned() + &lines.join("\n\n")] {
            let found = read(text.as_bytes(), Wanted::default()).unwrap();
            assert_eq!((found.words.len(), found.width, found.values.len()), (50_000, 3, 150_000));
            for (i, (word, vector)) in found.words.iter().zip(found.values.chunks_exact(3)).enumerate() {
                let expected =
                    [(i % 7) as f32 + 0.5, format!("-{i}e-3").parse().unwrap(), format!("0.{i}").parse().unwrap()];
                assert_eq!((word, vector), (&*format!("w{i}"), &expected[..]));
            }
            let some = HashSet::from(["w7", "w49999", "no"]);
            let few = read(text.as_bytes(), Wanted { words: Some(&some), ..Wanted::default() }).unwrap();
            assert_eq!(few.words.iter().collect::<Vec<_>>(), ["w7", "w49999"]);
            for limit in [1, 3, 40_000] {
                let first = read(text.as_bytes(), Wanted { limit: Some(limit), ..Wanted::default() }).unwrap();
                assert!(first.words.iter().eq(found.words.iter().take(limit)));
                assert_eq!(first.values, found.values[..3 * limit]);
            }
        }
    }

    #[test]
    fn the_first_damaged_line_is_named_with_its_byte() {
        let lines: Vec<String> = (0..50_000).map(|i| format!("w{i:05} 1 2")).collect();
        for (line, damage) in [(0, "x 1 y"), (31_234, "x 1 y"), (49_999, "x 1 nan"), (20_000, "x 1 1e99")] {
            let mut lines = lines.clone();
            damage.clone_into(&mut lines[line]);
            lines.push("last".to_owned());
            let message = fault(lines.join("\n").as_bytes());
            assert!(message.contains(&format!("line {}:", line + 1)), "{message}");
            assert!(message.contains(&format!("at byte {})", 11 * line)), "{message}");
            let limited = read(lines.join("\n").as_bytes(), Wanted { limit: Some(line.max(1)), ..Wanted::default() });
            assert_eq!(limited.is_ok(), line > 0);
        }
    }

    #[test]
    fn words_with_spaces() {
        let two = Wanted { width: Some(2), ..Wanted::default() };
        let found = read(". . 1 2\nb 3 4\nä ö ü 5 6".as_bytes(), two).unwrap();
        assert_eq!(found.words.iter().collect::<Vec<_>>(), [". .", "b", "ä ö ü"]);
        assert_eq!(found.values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert!(read(b"a b 1 2 3", two).unwrap_err().to_string().contains("4 numbers behind a word, not 2"));
    }

    #[test]
    fn first_lines() {
        assert_eq!(read(b"1 2\na 1 2", Wanted { width: Some(5), ..Wanted::default() }).unwrap().width, 2);
        for (text, expected) in [
            ("1152921504606846976 2\na 1 2\n", "says 1152921504606846976 words, the file holds 1"),
            ("1 1152921504606846976\na 1 2\n", "2 numbers behind a word, not 1152921504606846976"),
            ("18446744073709551616 2\na 1 2\n", "a count of 2^64 or more"),
            ("1 0\na 1 2\n", "not one or more"),
            ("-1 2\na 1 2\n", "line 2: 2 numbers behind a word, not 1"),
            ("1 -2\na 1 2\n", "line 2: 2 numbers behind a word, not 1"),
            ("\n1 2\na 1 2\n", "line 3: 2 numbers behind a word, not 1"),
            (" 1 2", "an empty word"),
        ] {
            let message = fault(text.as_bytes());
            assert!(message.contains(expected), "{text:?}: {message}");
        }
    }

    #[test]
    fn lists_of_words() {
        let words = read_lines(&b"a b\r\n\n\xc3\xa4"[..]).unwrap();
        assert_eq!(words.iter().collect::<Vec<_>>(), ["a b", "", "ä"]);
        assert!(
            read_lines(&b"a\nb\xff"[..]).unwrap_err().to_string().contains("line 2: not UTF-8 (rule V1, at byte 3)")
        );
    }
}
