//! Writing archives: members stored as they are, in the order given, dated as files of unknown date.

use std::io::{Seek, SeekFrom, Write};

use super::{CENTRAL, Crc32, END, END_64, END_64_SIZE, FORMAT, IN_EXTRA, LOCAL, LOCATOR_64, MAX_MEMBERS, UTF8, ZIP64};
use crate::Result;
use crate::error::refuse;

/// 1 January 1980: equal models give equal files.
const DATE: u16 = 1 << 5 | 1;
const VERSION: u16 = 20;
const VERSION_64: u16 = 45;
/// Sizes from here on stand in an extra field.
const LARGE: u64 = IN_EXTRA as u64;

struct Written {
    name: String,
    size: u64,
    crc: u32,
    header: u64,
}

/// An archive in the making. Each member is announced with its size, written, and ended.
pub struct ArchiveWriter<W: Write + Seek> {
    output: W,
    position: u64,
    members: Vec<Written>,
    open: Option<(Written, Crc32, u64)>,
}

fn put(bytes: &mut Vec<u8>, numbers16: &[u16], numbers32: &[u32]) {
    numbers16.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    numbers32.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
}

/// `number`, or the sign that it stands in the extra field.
fn low(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(IN_EXTRA)
}

/// The extra field with those numbers that do not fit.
fn extra(numbers: &[u64]) -> Vec<u8> {
    let large: Vec<u64> = numbers.iter().copied().filter(|&number| number >= LARGE).collect();
    let mut bytes = Vec::new();
    if !large.is_empty() {
        put(&mut bytes, &[ZIP64, 8 * large.len() as u16], &[]);
        large.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    }
    bytes
}

impl<W: Write + Seek> ArchiveWriter<W> {
    /// An archive that is written to `output`, from its start.
    pub fn new(output: W) -> ArchiveWriter<W> {
        ArchiveWriter { output, position: 0, members: Vec::new(), open: None }
    }

    fn emit(&mut self, bytes: &[u8]) -> Result<()> {
        self.output.write_all(bytes)?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// Begins a member of `size` bytes.
    pub fn begin(&mut self, name: &str, size: u64) -> Result<()> {
        if self.open.is_some() || self.members.len() as u64 == MAX_MEMBERS {
            refuse!(FORMAT, "K4", self.position, name, "another member is open, or there are {MAX_MEMBERS} already");
        }
        if self.members.iter().any(|member| member.name == name) {
            refuse!(FORMAT, "G12", self.position, name, "the name occurs twice");
        }
        let member = Written { name: name.to_owned(), size, crc: 0, header: self.position };
        let header = local_header(&member);
        self.emit(&header)?;
        self.open = Some((member, Crc32::default(), 0));
        Ok(())
    }

    /// Writes further contents of the member.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.emit(bytes)?;
        match &mut self.open {
            Some((member, crc, written)) if *written + bytes.len() as u64 <= member.size => {
                crc.update(bytes);
                *written += bytes.len() as u64;
                Ok(())
            }
            _ => refuse!(FORMAT, "K3", self.position, "member", "more was written than was announced"),
        }
    }

    /// Ends the member.
    pub fn end(&mut self) -> Result<()> {
        let Some((mut member, crc, written)) = self.open.take() else {
            refuse!(FORMAT, "K3", self.position, "member", "none is open");
        };
        if written != member.size {
            refuse!(FORMAT, "K3", self.position, member.name, "{written} of {} bytes were written", member.size);
        }
        member.crc = crc.value();
        self.output.seek(SeekFrom::Start(member.header))?;
        self.output.write_all(&local_header(&member))?;
        self.output.seek(SeekFrom::Start(self.position))?;
        self.members.push(member);
        Ok(())
    }

    /// Writes the directory and returns the output.
    pub fn finish(mut self) -> Result<W> {
        let start = self.position;
        for member in std::mem::take(&mut self.members) {
            let entry = directory_entry(&member);
            self.emit(&entry)?;
            self.members.push(member);
        }
        let (size, count) = (self.position - start, self.members.len() as u64);
        let mut bytes = Vec::new();
        if start >= LARGE || size >= LARGE {
            put(&mut bytes, &[], &[END_64]);
            bytes.extend((END_64_SIZE - 12).to_le_bytes());
            put(&mut bytes, &[VERSION_64, VERSION_64], &[0, 0]);
            [count, count, size, start, self.position].iter().enumerate().for_each(|(i, number)| {
                if i == 4 {
                    put(&mut bytes, &[], &[LOCATOR_64, 0]);
                }
                bytes.extend(number.to_le_bytes());
            });
            put(&mut bytes, &[], &[1]);
        }
        put(&mut bytes, &[], &[END]);
        put(&mut bytes, &[0, 0, count as u16, count as u16], &[low(size), low(start)]);
        put(&mut bytes, &[0], &[]);
        self.emit(&bytes)?;
        Ok(self.output)
    }
}

fn local_header(member: &Written) -> Vec<u8> {
    let extra = extra(&[member.size, member.size]);
    let version = if extra.is_empty() { VERSION } else { VERSION_64 };
    let mut bytes = Vec::new();
    put(&mut bytes, &[], &[LOCAL]);
    put(&mut bytes, &[version, UTF8, 0, 0, DATE], &[member.crc, low(member.size), low(member.size)]);
    put(&mut bytes, &[member.name.len() as u16, extra.len() as u16], &[]);
    bytes.extend(member.name.as_bytes());
    bytes.extend(extra);
    bytes
}

fn directory_entry(member: &Written) -> Vec<u8> {
    let extra = extra(&[member.size, member.size, member.header]);
    let version = if extra.is_empty() { VERSION } else { VERSION_64 };
    let mut bytes = Vec::new();
    put(&mut bytes, &[], &[CENTRAL]);
    put(&mut bytes, &[version, version, UTF8, 0, 0, DATE], &[member.crc, low(member.size), low(member.size)]);
    put(&mut bytes, &[member.name.len() as u16, extra.len() as u16, 0, 0, 0], &[0, low(member.header)]);
    bytes.extend(member.name.as_bytes());
    bytes.extend(extra);
    bytes
}
