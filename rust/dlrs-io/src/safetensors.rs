//! The safetensors format: a length, a JSON header, and the bytes of tensors (<https://github.com/huggingface/safetensors>).

use std::collections::HashSet;
use std::fmt::Write;

use crate::error::{refuse, shown};
use crate::json::{Event, Parser};
use crate::{Error, Result, Source, memory, read_range};

const FORMAT: &str = "safetensors";
const MAX_HEADER: u64 = 100_000_000;
const MAX_TENSORS: usize = 1 << 20;
const MAX_METADATA: usize = 1 << 20;
const MAX_NAME: usize = 1024;
const MAX_RANK: usize = 32;
const MAX_DIMENSION: u64 = 1 << 40;
const METADATA: &str = "__metadata__";
/// Tensors begin at a multiple of this many bytes of the file.
const ALIGN: usize = 16;

/// Element types: those of the format that the library has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Dtype {
    Bool,
    U8,
    I8,
    U16,
    I16,
    F16,
    Bf16,
    U32,
    I32,
    F32,
    U64,
    I64,
    F64,
}

/// Every type with its name in the format, the library's name and the bytes of an element.
const DTYPES: [(Dtype, &str, &str, u64); 13] = [
    (Dtype::Bool, "BOOL", "bool", 1),
    (Dtype::U8, "U8", "uint8", 1),
    (Dtype::I8, "I8", "int8", 1),
    (Dtype::U16, "U16", "uint16", 2),
    (Dtype::I16, "I16", "int16", 2),
    (Dtype::F16, "F16", "float16", 2),
    (Dtype::Bf16, "BF16", "bfloat16", 2),
    (Dtype::U32, "U32", "uint32", 4),
    (Dtype::I32, "I32", "int32", 4),
    (Dtype::F32, "F32", "float32", 4),
    (Dtype::U64, "U64", "uint64", 8),
    (Dtype::I64, "I64", "int64", 8),
    (Dtype::F64, "F64", "float64", 8),
];

impl Dtype {
    fn row(self) -> (Dtype, &'static str, &'static str, u64) {
        DTYPES[self as usize]
    }

    /// The type that the library calls `name`.
    pub fn named(name: &str) -> Option<Dtype> {
        DTYPES.iter().find(|row| row.2 == name).map(|row| row.0)
    }

    fn coded(code: &str) -> Option<Dtype> {
        DTYPES.iter().find(|row| row.1 == code).map(|row| row.0)
    }

    /// The library's name.
    pub fn name(self) -> &'static str {
        self.row().2
    }

    /// Bytes of an element.
    pub fn size(self) -> u64 {
        self.row().3
    }
}

/// A tensor in a file: its type, lengths of axes, and where its bytes lie in the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its type.
    pub dtype: Dtype,
    /// Lengths of its axes.
    pub shape: Vec<u64>,
    /// Its first byte, counted from the start of the data.
    pub start: u64,
    /// The byte after its last.
    pub end: u64,
}

/// What a header says, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The tensors, in the order of their bytes.
    pub entries: Vec<Entry>,
    /// The texts of `__metadata__`.
    pub metadata: Vec<(String, String)>,
    /// Where the data begins in the file.
    pub data_start: u64,
}

/// Reads and checks the header of a file; elements of type bool are checked, too: they must be 0 or 1.
pub fn read(source: &(impl Source + ?Sized)) -> Result<Header> {
    let size = source.size();
    if size < 10 {
        refuse!(FORMAT, "S1", 0, "file", "it has {size} bytes; the shortest file has 10");
    }
    let mut length = [0; 8];
    source.read_at(0, &mut length)?;
    let length = u64::from_le_bytes(length);
    if !(2..=MAX_HEADER).contains(&length) || length > size - 8 {
        refuse!(FORMAT, "S1", 0, "header length", "it is {length}; it must be from 2 to {}", MAX_HEADER.min(size - 8));
    }
    let text = read_range(source, 8, length)?;
    let header = parse(&text, size - 8 - length)?;
    check_bools(&header, source)?;
    Ok(header)
}

/// The header that `text` describes, for `data` bytes after it.
fn parse(text: &[u8], data: u64) -> Result<Header> {
    if text.first() != Some(&b'{') {
        refuse!(FORMAT, "S2", 8, "header", "it must begin with '{{'");
    }
    let mut parser = Parser::new(text, FORMAT, "S2")?;
    let mut header = Header { data_start: 8 + text.len() as u64, ..Header::default() };
    parser.next()?;
    loop {
        let at = 8 + parser.offset();
        match parser.next()? {
            Event::Key(name) if name == METADATA => header.metadata = metadata(&mut parser)?,
            Event::Key(name) => {
                check_name(&name, at)?;
                if header.entries.len() == MAX_TENSORS {
                    refuse!(FORMAT, "G10", at, "header", "it has more than {MAX_TENSORS} tensors");
                }
                header.entries.try_reserve(1).map_err(|_| Error::Memory(text.len() as u64))?;
                header.entries.push(entry(&mut parser, name.into_owned(), at)?);
            }
            _ => break, // the end of the object: the parser gives nothing else here
        }
    }
    if let Some(position) = parser.rest().iter().position(|&byte| byte != b' ') {
        let at = header.data_start - (parser.rest().len() - position) as u64;
        refuse!(FORMAT, "S2", at, "header", "only spaces may follow the object");
    }
    check_offsets(&mut header, data)?;
    Ok(header)
}

fn check_name(name: &str, at: u64) -> Result<()> {
    if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
        let allowed = format!("1 to {MAX_NAME} bytes without control characters");
        let field = if name.is_empty() { "header".to_owned() } else { shown(name) };
        refuse!(FORMAT, "G10", at, field, "the name has {} bytes; a name has {allowed}", name.len());
    }
    Ok(())
}

fn metadata(parser: &mut Parser<'_>) -> Result<Vec<(String, String)>> {
    let at = 8 + parser.offset();
    let mut texts = Vec::new();
    let mut bytes = 0;
    let wrong = || refuse!(FORMAT, "S7", at, METADATA, "it must be an object of strings");
    if parser.next()? != Event::Object {
        return wrong();
    }
    loop {
        let key = match parser.next()? {
            Event::Key(key) => key,
            _ => return Ok(texts),
        };
        let Event::String(value) = parser.next()? else { return wrong() };
        bytes += key.len() + value.len();
        if bytes > MAX_METADATA {
            refuse!(FORMAT, "S7", at, METADATA, "it has more than {MAX_METADATA} bytes");
        }
        texts.push((key.into_owned(), value.into_owned()));
    }
}

fn entry(parser: &mut Parser<'_>, name: String, at: u64) -> Result<Entry> {
    let (mut dtype, mut shape, mut offsets) = (None, None, None);
    if parser.next()? != Event::Object {
        refuse!(FORMAT, "S3", at, shown(&name), "it must be an object");
    }
    while let Event::Key(key) = parser.next()? {
        match &*key {
            "dtype" => dtype = Some(element_type(parser, &name, at)?),
            "shape" => shape = Some(natural_numbers(parser, &name, "S4", at)?),
            "data_offsets" => offsets = Some(natural_numbers(parser, &name, "S5", at)?),
            other => refuse!(FORMAT, "S3", at, shown(&name), "the key '{}' is not known", shown(other)),
        }
    }
    let (Some(dtype), Some(shape), Some(offsets)) = (dtype, shape, offsets) else {
        refuse!(FORMAT, "S3", at, shown(&name), "it must have dtype, shape and data_offsets");
    };
    let bytes = byte_count(dtype, &shape, &name, at)?;
    let [start, end] = offsets[..] else {
        refuse!(FORMAT, "S5", at, shown(&name), "data_offsets has {} numbers, not 2", offsets.len());
    };
    if start > end || end - start != bytes {
        let of = format!("{} {shape:?}", dtype.name());
        refuse!(FORMAT, "S5", at, shown(&name), "data_offsets [{start}, {end}] do not span the {bytes} bytes of {of}");
    }
    Ok(Entry { name, dtype, shape, start, end })
}

fn element_type(parser: &mut Parser<'_>, name: &str, at: u64) -> Result<Dtype> {
    let Event::String(code) = parser.next()? else {
        refuse!(FORMAT, "S3", at, shown(name), "dtype must be a string");
    };
    match Dtype::coded(&code) {
        Some(dtype) => Ok(dtype),
        None => refuse!(FORMAT, "G14", at, shown(name), "dtype '{}' is not one of those that are read", shown(&code)),
    }
}

/// An array of numbers written with digits alone.
fn natural_numbers(parser: &mut Parser<'_>, name: &str, rule: &'static str, at: u64) -> Result<Vec<u64>> {
    let mut numbers = Vec::new();
    if parser.next()? != Event::Array {
        refuse!(FORMAT, rule, at, shown(name), "shape and data_offsets must be arrays");
    }
    loop {
        match parser.next()? {
            Event::ArrayEnd => return Ok(numbers),
            Event::Number(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => match text.parse() {
                Ok(_) if numbers.len() == MAX_RANK => {
                    refuse!(FORMAT, "G8", at, shown(name), "it has more than {MAX_RANK} numbers")
                }
                Ok(number) => numbers.push(number),
                Err(_) => refuse!(FORMAT, "G8", at, shown(name), "the number {} does not fit in 64 bits", shown(text)),
            },
            other => refuse!(FORMAT, rule, at, shown(name), "expected integers from 0 on, got {}", describe(&other)),
        }
    }
}

fn describe(event: &Event<'_>) -> String {
    match event {
        Event::Number(text) => shown(text),
        Event::String(_) => "a string".to_owned(),
        Event::Bool(value) => value.to_string(),
        Event::Null => "null".to_owned(),
        _ => "a nested value".to_owned(),
    }
}

fn byte_count(dtype: Dtype, shape: &[u64], name: &str, at: u64) -> Result<u64> {
    if let Some(size) = shape.iter().find(|&&size| size > MAX_DIMENSION) {
        refuse!(FORMAT, "G8", at, shown(name), "the dimension {size} is larger than 2^40");
    }
    // Sizes of 0 count as 1 here: NumPy, too, refuses a shape whose other sizes are too many.
    let bytes = shape.iter().try_fold(dtype.size(), |bytes, &size| bytes.checked_mul(size.max(1)));
    match bytes {
        Some(bytes) if bytes <= isize::MAX as u64 => Ok(if shape.contains(&0) { 0 } else { bytes }),
        _ => refuse!(FORMAT, "G8", at, shown(name), "the shape {shape:?} has too many elements"),
    }
}

/// Sorts the entries by their bytes; there must be no gap, overlap or rest.
fn check_offsets(header: &mut Header, data: u64) -> Result<()> {
    header.entries.sort_by_key(|entry| (entry.start, entry.end));
    let mut position = 0;
    for entry in &header.entries {
        if entry.start != position {
            let what = if entry.start < position { "overlap" } else { "leave a gap" };
            refuse!(
                FORMAT,
                "S6",
                header.data_start,
                shown(&entry.name),
                "its bytes begin at {} of the data, where {position} was expected: tensors {what}",
                entry.start
            );
        }
        position = entry.end;
        if position > data {
            refuse!(
                FORMAT,
                "G7",
                header.data_start,
                shown(&entry.name),
                "its bytes end at {position} of the data, which has {data}"
            );
        }
    }
    if position != data {
        refuse!(FORMAT, "S6", header.data_start, "data", "it has {data} bytes, the tensors take {position}");
    }
    memory::check(data, FORMAT, "data")
}

/// A byte that is neither 0 nor 1 is not a bool to anybody who computes with it.
fn check_bools(header: &Header, source: &(impl Source + ?Sized)) -> Result<()> {
    const STRIP: u64 = 1 << 12;
    let mut strip = [0; STRIP as usize];
    for entry in header.entries.iter().filter(|entry| entry.dtype == Dtype::Bool) {
        let mut at = header.data_start + entry.start;
        let end = header.data_start + entry.end;
        while at < end {
            let bytes = &mut strip[..STRIP.min(end - at) as usize];
            source.read_at(at, bytes)?;
            if let Some(position) = bytes.iter().position(|&byte| byte > 1) {
                let found = bytes[position];
                refuse!(FORMAT, "G14", at + position as u64, shown(&entry.name), "a bool is 0 or 1, got {found}");
            }
            at += bytes.len() as u64;
        }
    }
    Ok(())
}

/// The bytes that precede the data of `tensors`, given as name, type and shape in the order of their bytes.
///
/// The reader's own checks are run on it.
pub fn write_header(tensors: &[(&str, Dtype, &[u64])], metadata: &[(&str, &str)]) -> Result<Vec<u8>> {
    let mut text = String::from("{");
    let mut names = HashSet::new();
    if !metadata.is_empty() {
        let texts: Vec<String> =
            metadata.iter().map(|(key, value)| format!("{}:{}", quoted(key), quoted(value))).collect();
        text.push_str(&format!("{}:{{{}}}", quoted(METADATA), texts.join(",")));
    }
    let mut start = 0;
    for (name, dtype, shape) in tensors {
        if !names.insert(*name) || *name == METADATA {
            refuse!(FORMAT, "G12", 0, shown(name), "the name occurs twice or is reserved");
        }
        let end: u64 = start + byte_count(*dtype, shape, name, 0)?;
        if text.len() > 1 {
            text.push(',');
        }
        let shape = shape.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        let code = dtype.row().1;
        // Writing to a string cannot fail.
        let _ =
            write!(text, r#"{}:{{"dtype":"{code}","shape":[{shape}],"data_offsets":[{start},{end}]}}"#, quoted(name));
        start = end;
    }
    text.push('}');
    while !(text.len() + 8).is_multiple_of(ALIGN) {
        text.push(' ');
    }
    if text.len() as u64 > MAX_HEADER {
        refuse!(FORMAT, "S1", 0, "header length", "it would be {}; at most {MAX_HEADER} are read", text.len());
    }
    parse(text.as_bytes(), start)?;
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(text.as_bytes());
    Ok(bytes)
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if (c as u32) < 0x20 => quoted.push_str(&format!("\\u{:04x}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
