//! What must hold of any bytes, whoever made them: the fuzzers call these, and a test replays their corpus.

use std::collections::HashSet;

use crate::vectors::{self, Vectors, Wanted, Workers, alone};
use crate::zip::Archive;
use crate::{Error, Result, json, safetensors};

/// Errors must name one of the documented rules; out of memory and system errors are not expected of bytes in memory.
fn check_error(error: &Error) {
    let Error::Format(error) = error else { panic!("{error}") };
    let known = matches!(error.rule.as_bytes(), [b'G' | b'S' | b'K' | b'V', b'1'..=b'9', ..]);
    assert!(known && !error.message.is_empty() && !error.format.is_empty(), "{error}");
}

/// A file that is accepted has tensors that lie side by side, and the header's writer agrees with its reader.
pub fn safetensors(data: &[u8]) {
    let header = match safetensors::read(data) {
        Ok(header) => header,
        Err(error) => return check_error(&error),
    };
    let mut position = 0;
    for entry in &header.entries {
        let elements: u64 = entry.shape.iter().product();
        assert_eq!((entry.start, entry.end), (position, position + elements * entry.dtype.size()));
        position = entry.end;
    }
    assert_eq!(header.data_start + position, data.len() as u64);
    let tensors: Vec<_> = header.entries.iter().map(|entry| (&*entry.name, entry.dtype, &*entry.shape)).collect();
    let metadata: Vec<_> = header.metadata.iter().map(|(key, value)| (&**key, &**value)).collect();
    let written = safetensors::write_header(&tensors, &metadata).expect("what was read can be written");
    let again = [&written, &data[header.data_start as usize..]].concat();
    let again = safetensors::read(&again[..]).expect("what was written can be read");
    assert_eq!((again.entries, again.metadata), (header.entries, header.metadata));
}

/// The members of an archive that is accepted are no larger than deflate can make them, and reading them twice gives the same.
pub fn zip(data: &[u8]) {
    let archive = match Archive::open(data) {
        Ok(archive) => archive,
        Err(error) => return check_error(&error),
    };
    let total: u64 = archive.members().iter().map(|member| member.size).sum();
    assert!(total <= 1100 * data.len() as u64);
    for member in archive.members() {
        let mut contents = vec![0; member.size as usize];
        if let Err(error) = archive.read(member, &mut contents) {
            check_error(&error);
            continue;
        }
        let mut again = vec![1; member.size as usize];
        archive.read(member, &mut again).expect("what was read can be read again");
        assert_eq!(contents, again);
    }
}

/// A text that is accepted is UTF-8 and stays accepted with a space behind it.
pub fn json(data: &[u8]) {
    match json::validate(data) {
        Ok(()) => {
            assert!(std::str::from_utf8(data).is_ok());
            assert!(data.len() == json::MAX_BYTES || json::validate(&[data, b" "].concat()).is_ok());
        }
        Err(error) => check_error(&error),
    }
}

/// Workers that take pieces in the other order.
fn backwards(count: usize, work: &(dyn Fn(usize) + Sync)) -> bool {
    (0..count).rev().for_each(work);
    true
}

/// Vectors of words that account for the file's size, each with finite numbers.
fn check_vectors(found: &Vectors, size: usize, bytes_of_a_number: usize) {
    assert_eq!(found.values.len(), if found.words.is_empty() { 0 } else { found.words.len() * found.width });
    assert!(found.values.iter().all(|value| value.is_finite()));
    assert!(found.words.iter().all(|word| !word.is_empty()));
    let text: usize = found.words.iter().map(|word| word.len() + 1).sum();
    assert!(text + bytes_of_a_number * found.values.len() <= size + 1, "more was read than there is");
}

fn first_half(found: &Vectors) -> (Vec<&str>, &[f32]) {
    let half = found.words.len().div_ceil(2);
    (found.words.iter().take(half).collect(), &found.values[..half * found.width])
}

fn same_bits(a: &[f32], b: &[f32]) -> bool {
    a.iter().map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits()))
}

/// What is accepted is the same whoever parses it, any part of it asked for by count or by word is that part, and what is written of it reads
/// the same. What is refused is refused in the same words.
pub fn vector_text(data: &[u8]) {
    let read = |wanted: Wanted<'_>, workers: Workers<'_>| vectors::read_text(data, wanted, workers);
    let found = match read(Wanted::default(), &alone) {
        Ok(found) => found,
        Err(error) => {
            check_error(&error);
            let other = read(Wanted::default(), &backwards).expect_err("it was refused before");
            return assert_eq!(error.to_string(), other.to_string());
        }
    };
    assert_eq!(read(Wanted::default(), &backwards).expect("it was accepted before"), found);
    if found.words.is_empty() {
        return;
    }
    check_vectors(&found, data.len(), 2);
    let (words, values) = first_half(&found);
    let half =
        read(Wanted { limit: Some(words.len()), ..Wanted::default() }, &alone).expect("fewer lines are no worse");
    assert!(half.words.iter().eq(words.iter().copied()) && same_bits(&half.values, values));
    let some: HashSet<&str> = words.into_iter().step_by(2).collect();
    let asked = read(Wanted { words: Some(&some), ..Wanted::default() }, &alone).expect("fewer words are no worse");
    assert!(asked.words.iter().eq(found.words.iter().filter(|word| some.contains(word))));
    let words: Vec<&str> = found.words.iter().collect();
    let mut text = format!("{} {}\n", words.len(), found.width).into_bytes();
    vectors::write_text(&mut text, &words, &found.values, &alone).expect("memory can be written");
    let again = vectors::read_text(&text[..], Wanted::default(), &alone);
    // Digits that were left out may make a line longer than lines may be.
    if again.is_ok() || !cfg!(fuzzing) {
        let again = again.expect("what was written can be read");
        assert!(again.words == found.words && same_bits(&again.values, &found.values));
    }
}

/// As [`vector_text`], of word2vec's binary form.
pub fn vector_binary(data: &[u8]) {
    let found = match vectors::read_binary(data, None) {
        Ok(found) => found,
        Err(error) => return check_error(&error),
    };
    check_vectors(&found, data.len(), 4);
    let (words, values) = first_half(&found);
    let half = vectors::read_binary(data, Some(words.len())).expect("fewer words are no worse");
    assert!(half.words.iter().eq(words.iter().copied()) && same_bits(&half.values, values));
    let (words, mut again): (Vec<&str>, _) = (found.words.iter().collect(), Vec::new());
    vectors::write_binary(&mut again, &words, &found.values).expect("memory can be written");
    let again = vectors::read_binary(&again[..], None).expect("what was written can be read");
    assert!(again.words == found.words && same_bits(&again.values, &found.values));
}

/// The rows of a matrix that is accepted account for the file, and the first of them are the first of them.
pub fn npy(data: &[u8]) {
    let matrix = match vectors::read_npy(data, None) {
        Ok(matrix) => matrix,
        Err(error) => return check_error(&error),
    };
    assert_eq!(matrix.rows * matrix.width as u64, matrix.values.len() as u64);
    assert!(!matrix.values.is_empty() && matrix.values.len() < data.len());
    let rows = matrix.rows.div_ceil(2) as usize;
    let half = vectors::read_npy(data, Some(rows)).expect("fewer rows are no worse");
    assert_eq!((half.rows, half.width), (matrix.rows, matrix.width));
    assert!(same_bits(&half.values, &matrix.values[..rows * matrix.width]));
}

/// Lines put together again are the text but for the ends of lines.
pub fn lines(data: &[u8]) {
    let words: Result<_> = vectors::read_lines(data);
    match words {
        Ok(words) => {
            let text = std::str::from_utf8(data).expect("lines are UTF-8");
            let expected: Vec<&str> = text.split_terminator('\n').map(|line| line.trim_end_matches('\r')).collect();
            assert!(words.iter().eq(expected));
        }
        Err(error) => check_error(&error),
    }
}
