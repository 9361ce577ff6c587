//! Vectors as text or in word2vec's binary form.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::OnceLock;

use super::Workers;

/// Vectors that are formatted by one thread at a time, and by all before they are written.
const PIECE: usize = 1024;
const BATCH: usize = 64 * PIECE;

/// Lines of a word and its numbers, the shortest that read back as the same float32. `values` holds a vector for each word.
pub fn write_text(out: &mut impl Write, words: &[&str], values: &[f32], workers: Workers<'_>) -> std::io::Result<()> {
    if words.is_empty() {
        return Ok(());
    }
    let width = values.len() / words.len();
    for (words, values) in words.chunks(BATCH).zip(values.chunks(BATCH * width)) {
        let pieces: Vec<_> = words.chunks(PIECE).zip(values.chunks(PIECE * width)).collect();
        let slots: Vec<OnceLock<String>> = pieces.iter().map(|_| OnceLock::new()).collect();
        let format = |i: usize| {
            let (words, values) = pieces[i];
            let mut text = String::with_capacity(values.len() * 12);
            for (word, vector) in words.iter().zip(values.chunks_exact(width)) {
                text.push_str(word);
                vector.iter().for_each(|&value| push_number(&mut text, value));
                text.push('\n');
            }
            let _ = slots[i].set(text);
        };
        let done = workers(pieces.len(), &format);
        for slot in slots {
            let text = slot.into_inner().filter(|_| done);
            out.write_all(text.ok_or(std::io::ErrorKind::Interrupted)?.as_bytes())?;
        }
    }
    Ok(())
}

/// A space and the shortest decimal number that reads back as the same.
fn push_number(text: &mut String, value: f32) {
    let size = value.abs();
    // Rust writes all zeros of large and small numbers.
    let plain = size == 0.0 || (1e-4..1e9).contains(&size);
    let written = if plain { write!(text, " {value:?}") } else { write!(text, " {value:e}") };
    debug_assert!(written.is_ok(), "strings grow");
}

/// A line of two counts; then of each vector word, space, little-endian float32 and a line feed.
pub fn write_binary(out: &mut impl Write, words: &[&str], values: &[f32]) -> std::io::Result<()> {
    let width = values.len() / words.len().max(1);
    let mut out = std::io::BufWriter::with_capacity(1 << 20, out);
    writeln!(out, "{} {width}", words.len())?;
    for (word, vector) in words.iter().zip(values.chunks_exact(width.max(1))) {
        out.write_all(word.as_bytes())?;
        out.write_all(b" ")?;
        for value in vector {
            out.write_all(&value.to_le_bytes())?;
        }
        out.write_all(b"\n")?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::super::{Wanted, alone, read_binary, read_text};
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut state = 7u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) as u32
        };
        // Any bits of a finite number: subnormal ones, the largest, whole ones, both zeros.
        for (count, width) in [(1, 1), (3, 7), (70_000, 2)] {
            let mut value = || match draw() % 4 {
                0 => (draw() % 2000) as f32 - 1000.0,
                1 => [0.0, -0.0, f32::MAX, f32::MIN_POSITIVE, 1e-45, 1e9, 1e-4, 16_777_216.0][draw() as usize % 8],
                _ => Some(f32::from_bits(draw())).filter(|x| x.is_finite()).unwrap_or(0.1),
            };
            let values: Vec<f32> = (0..count * width).map(|_| value()).collect();
            let words: Vec<String> = (0..count).map(|i| format!("wört{i}")).collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let (mut text, mut binary) = (format!("{count} {width}\n").into_bytes(), Vec::new());
            write_text(&mut text, &words, &values, &alone).unwrap();
            write_binary(&mut binary, &words, &values).unwrap();
            for found in [read_text(&text[..], Wanted::default(), &alone), read_binary(&binary[..], None)] {
                let found = found.unwrap();
                assert!(found.words.iter().eq(words.iter().copied()) && found.width == width);
                assert!(found.values.iter().map(|x| x.to_bits()).eq(values.iter().map(|x| x.to_bits())));
            }
        }
    }
}
