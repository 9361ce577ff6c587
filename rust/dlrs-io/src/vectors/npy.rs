//! NumPy's `.npy` files of matrices of numbers, read as float32 (format versions 1.0 and 2.0, NEP 1).

use super::reserve;
use crate::error::shown;
use crate::{Error, FormatError, Result, Source, memory};

const MAGIC: &[u8] = b"\x93NUMPY";
/// Bytes of a header that describes a matrix; NumPy's own limit.
const LONGEST_HEADER: u64 = 10_000;
/// Bytes that are read at a time.
const WINDOW: usize = if cfg!(fuzzing) { 1 << 4 } else { 1 << 20 };
const MOST_RANK: usize = 32;

/// A matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Rows of the file; `values` may have fewer.
    pub rows: u64,
    /// Numbers of a row.
    pub width: usize,
    /// Row after row, each number rounded to float32; what is too large for it is infinite.
    pub values: Vec<f32>,
}

/// The first `limit` rows of a matrix of numbers. The file's size is compared with what its header says before memory is taken.
pub fn read_npy(source: &(impl Source + ?Sized), limit: Option<usize>) -> Result<Matrix> {
    let (header, start) = read_header(source)?;
    let kind = Kind::named(&header.descr);
    let (&[rows, width], Some(kind)) = (&header.shape[..], kind) else { return Err(no_matrix(&header)) };
    if rows == 0 || width == 0 {
        return Err(no_matrix(&header));
    }
    let held = source.size() - start;
    let size = rows.checked_mul(width).and_then(|count| count.checked_mul(kind.size as u64));
    if size != Some(held) {
        let size = u128::from(rows).saturating_mul(width.into()).saturating_mul(kind.size as u128);
        return Err(refused(0, format!("shape ({rows}, {width}) takes {size} bytes, the file holds {held}")));
    }
    let kept = rows.min(limit.unwrap_or(usize::MAX) as u64);
    memory::check(4 * kept * width, "NPY", "matrix")?;
    let (kept, columns, size) = (kept as usize, width as usize, kind.size as u64);
    let mut values = Vec::new();
    reserve(&mut values, kept * columns)?;
    let mut window = Vec::new();
    if header.by_columns {
        values.resize(kept * columns, 0.0);
        for column in 0..columns {
            let offset = start + column as u64 * rows * size;
            let mut row = 0;
            numbers(source, offset, kept, kind, &mut window, &mut |value| {
                values[row * columns + column] = value;
                row += 1;
            })?;
        }
    } else {
        numbers(source, start, kept * columns, kind, &mut window, &mut |value| values.push(value))?;
    }
    Ok(Matrix { rows, width: columns, values })
}

fn refused(offset: u64, message: String) -> Error {
    Error::Format(FormatError { format: "NPY", field: "header".to_owned(), offset, rule: "V2", message })
}

fn no_matrix(header: &Header) -> Error {
    let shape: Vec<String> = header.shape.iter().map(u64::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    let dtype = if header.descr == "|O" { "object".to_owned() } else { shown(&header.descr) };
    refused(0, format!("a matrix of numbers was expected, got shape ({}{comma}) and dtype {dtype}", shape.join(", ")))
}

/// `count` numbers from `offset` on.
fn numbers(
    source: &(impl Source + ?Sized),
    offset: u64,
    count: usize,
    kind: Kind,
    window: &mut Vec<u8>,
    each: &mut dyn FnMut(f32),
) -> Result<()> {
    let (end, mut at) = (offset + (count * kind.size) as u64, offset);
    while at < end {
        let length = (end - at).min(WINDOW as u64) as usize;
        window.clear();
        reserve(window, length)?;
        window.resize(length, 0);
        source.read_at(at, window)?;
        kind.read(window, each);
        at += length as u64;
    }
    Ok(())
}

/// A type of numbers.
#[derive(Clone, Copy)]
struct Kind {
    letter: u8,
    size: usize,
    big_endian: bool,
}

impl Kind {
    fn named(descr: &str) -> Option<Kind> {
        let &[order, letter @ (b'f' | b'i' | b'u'), digit] = descr.as_bytes() else { return None };
        let size = usize::from(digit.checked_sub(b'0')?);
        let known = match letter {
            b'f' => matches!(size, 2 | 4 | 8),
            _ => matches!(size, 1 | 2 | 4 | 8),
        };
        let ordered = matches!(order, b'<' | b'>') || (order == b'|' && size == 1);
        (known && ordered).then_some(Kind { letter, size, big_endian: order == b'>' })
    }

    fn read(self, bytes: &[u8], each: &mut dyn FnMut(f32)) {
        /// Every element of a type with `from_be_bytes`, by a function.
        macro_rules! all {
            ($type:ty, $value:ident => $float:expr) => {
                for one in bytes.chunks_exact(size_of::<$type>()) {
                    let mut array = [0; size_of::<$type>()];
                    array.copy_from_slice(one);
                    let $value =
                        if self.big_endian { <$type>::from_be_bytes(array) } else { <$type>::from_le_bytes(array) };
                    each($float);
                }
            };
        }
        match (self.letter, self.size) {
            (b'f', 2) => all!(u16, x => half(x)),
            (b'f', 4) => all!(f32, x => x),
            (b'f', _) => all!(f64, x => x as f32),
            (b'i', 1) => all!(i8, x => f32::from(x)),
            (b'i', 2) => all!(i16, x => f32::from(x)),
            (b'i', 4) => all!(i32, x => x as f32),
            (b'i', _) => all!(i64, x => x as f32),
            (_, 1) => all!(u8, x => f32::from(x)),
            (_, 2) => all!(u16, x => f32::from(x)),
            (_, 4) => all!(u32, x => x as f32),
            _ => all!(u64, x => x as f32),
        }
    }
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f32 {
    let (sign, exponent, fraction) = (u32::from(bits >> 15) << 31, u32::from(bits >> 10) & 31, u32::from(bits) & 1023);
    match exponent {
        0 => f32::from_bits(sign | (fraction as f32 * f32::from_bits(103 << 23)).to_bits()), // fraction · 2⁻²⁴
        31 => f32::from_bits(sign | 0x7F80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

/// What the dictionary at a file's start says.
#[derive(Debug)]
struct Header {
    descr: String,
    by_columns: bool,
    shape: Vec<u64>,
}

/// The header, and where the elements begin.
fn read_header(source: &(impl Source + ?Sized)) -> Result<(Header, u64)> {
    let size = source.size();
    let mut start = [0; 12];
    let known = size.min(12) as usize;
    source.read_at(0, &mut start[..known])?;
    if known < 10 || &start[..6] != MAGIC {
        return Err(refused(0, "it does not begin as a file of NumPy's".to_owned()));
    }
    let (first, length) = match (start[6], start[7]) {
        (1, 0) => (10, u64::from(u16::from_le_bytes([start[8], start[9]]))),
        (2, 0) if known == 12 => (12, u64::from(u32::from_le_bytes([start[8], start[9], start[10], start[11]]))),
        (major, minor) => return Err(refused(6, format!("version ({major}, {minor}) is not known"))),
    };
    if length > LONGEST_HEADER || first + length > size {
        let message = format!("its {length} bytes are more than {LONGEST_HEADER} or than the {size} of the file");
        return Err(refused(8, message));
    }
    let bytes = crate::read_range(source, first, length)?;
    let header = std::str::from_utf8(&bytes).ok().and_then(|text| Literal { rest: text }.header());
    let expected = "it must be a dictionary of 'descr', 'fortran_order' and 'shape' and describe a matrix of numbers";
    Ok((header.ok_or_else(|| refused(first, expected.to_owned()))?, first + length))
}

/// The rest of a Python literal, of which no more is known than such headers need.
struct Literal<'a> {
    rest: &'a str,
}

impl<'a> Literal<'a> {
    fn header(&mut self) -> Option<Header> {
        let (mut descr, mut by_columns, mut shape) = (None, None, None);
        self.expect('{')?;
        while !self.accept('}') {
            let key = self.string()?;
            self.expect(':')?;
            match key {
                "descr" if descr.is_none() => descr = Some(self.string()?.to_owned()),
                "fortran_order" if by_columns.is_none() => by_columns = Some(self.boolean()?),
                "shape" if shape.is_none() => shape = Some(self.shape()?),
                _ => return None,
            }
            if !self.accept(',') {
                self.expect('}')?;
                break;
            }
        }
        self.rest.trim_ascii().is_empty().then_some(())?;
        Some(Header { descr: descr?, by_columns: by_columns?, shape: shape? })
    }

    fn accept(&mut self, token: char) -> bool {
        self.rest = self.rest.trim_ascii_start();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, token: char) -> Option<()> {
        self.accept(token).then_some(())
    }

    /// A string without escapes.
    fn string(&mut self) -> Option<&'a str> {
        let quote = if self.accept('\'') { '\'' } else { self.expect('"').map(|()| '"')? };
        let (text, rest) = self.rest.split_once(quote)?;
        self.rest = rest;
        (!text.contains(['\\', '\n'])).then_some(text)
    }

    fn boolean(&mut self) -> Option<bool> {
        self.rest = self.rest.trim_ascii_start();
        for (name, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(name) {
                self.rest = rest;
                return Some(value);
            }
        }
        None
    }

    /// A tuple of integers.
    fn shape(&mut self) -> Option<Vec<u64>> {
        let mut shape = Vec::new();
        self.expect('(')?;
        while !self.accept(')') {
            let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
            shape.push(self.rest[..digits].parse().ok()?);
            self.rest = &self.rest[digits..];
            (shape.len() <= MOST_RANK).then_some(())?;
            if !self.accept(',') {
                self.expect(')')?;
                (shape.len() > 1).then_some(())?; // (3) is no tuple
                break;
            }
        }
        Some(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let length = (header.len() as u16).to_le_bytes();
        [MAGIC, &[1, 0], &length, header.as_bytes(), data].concat()
    }

    fn head(descr: &str, order: &str, shape: &str) -> String {
        format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}   \n")
    }

    #[test]
    fn types_and_orders() {
        let expected = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let columns = [1u8, 4, 2, 5, 3, 6];
        let matrix = |descr: &str, order: &str, data: &[u8]| {
            read_npy(&file(&head(descr, order, "(2, 3)"), data)[..], None).unwrap().values
        };
        assert_eq!(matrix("|u1", "False", &[1, 2, 3, 4, 5, 6]), expected);
        assert_eq!(matrix("|i1", "True", &columns), expected);
        let wide: Vec<u8> = columns.iter().flat_map(|&x| f64::from(x).to_be_bytes()).collect();
        assert_eq!(matrix(">f8", "True", &wide), expected);
        let short: Vec<u8> = (1..=6u16).flat_map(u16::to_le_bytes).collect();
        assert_eq!(matrix("<i2", "False", &short), expected);
        assert_eq!(matrix("<u2", "False", &short), expected);
        let first = read_npy(&file(&head("|i1", "True", "(2, 3)"), &columns)[..], Some(1)).unwrap();
        assert_eq!((first.rows, first.width, &first.values[..]), (2, 3, &expected[..3]));
    }

    #[test]
    fn halves() {
        for (bits, value) in [
            (0x3C00, 1.0),
            (0xC000, -2.0),
            (0x7BFF, 65504.0),
            (1, 5.960_464_5e-8),
            (0x8000, -0.0),
            (0x0400, 6.103_515_6e-5),
        ] {
            assert_eq!(half(bits).to_bits(), f32::to_bits(value), "{bits:x}");
        }
        assert!(half(0x7C00).is_infinite() && half(0x7E00).is_nan());
    }

    #[test]
    fn headers_that_lie_or_say_nothing() {
        for (header, expected) in [
            (head("<f4", "False", "(3,)"), "got shape (3,) and dtype <f4"),
            (head("|O", "False", "(1, 1)"), "dtype object"),
            (head("<f2", "False", "(0, 2)"), "got shape (0, 2)"),
            (head("<f4", "False", "(1152921504606846976, 4)"), "takes 18446744073709551616 bytes, the file holds 8"),
            (head("<f4", "False", "(99999999999999999999, 4)"), "it must be a dictionary"),
            (head("<f4", "False", "(-1, 4)"), "it must be a dictionary"),
            (head("<f4", "0", "(1, 2)"), "it must be a dictionary"),
            (head("<f4", "False", "(1, 2)}"), "it must be a dictionary"),
            (head("<f4", "False", "(2)"), "it must be a dictionary"),
            ("{'shape': (1, 2), 'shape': (1, 2)}".to_owned(), "it must be a dictionary"),
            (String::new(), "it must be a dictionary"),
        ] {
            let message = read_npy(&file(&header, &[0; 8])[..], None).unwrap_err().to_string();
            assert!(message.contains(expected), "{header}: {message}");
        }
    }
}
