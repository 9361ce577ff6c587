//! Reading archives.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

use super::{
    CENTRAL, CENTRAL_SIZE, Crc32, END, END_64, END_64_SIZE, END_SIZE, FORMAT, IN_EXTRA, LOCAL, LOCAL_SIZE, LOCATOR_64,
    LOCATOR_64_SIZE, MAX_MEMBERS, UTF8, ZIP64,
};
use crate::error::{refuse, shown};
use crate::{Error, Result, Source, memory, read_range};

/// What deflate makes of a byte at most is about 1,032 bytes (K4).
const MAX_EXPANSION: u64 = 1100;
/// Names, comments and extra fields are shorter than 2^16, so that a directory of [`MAX_MEMBERS`] cannot be longer.
const MAX_DIRECTORY: u64 = MAX_MEMBERS * (CENTRAL_SIZE + 3 * 65_536);
const MAX_NAME: usize = 128;

/// How a member is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// As it is.
    Stored,
    /// Compressed with deflate (RFC 1951).
    Deflate,
}

/// A file in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// How it is stored.
    pub method: Method,
    /// Bytes of its contents.
    pub size: u64,
    stored: u64,
    crc: u32,
    flags: u16,
    header: u64,
    data: u64,
}

/// An archive whose directory and headers have been checked; the contents of a member are when it is read.
pub struct Archive<'a, S: Source + ?Sized> {
    source: &'a S,
    members: Vec<Member>,
}

/// Numbers, little end first, from bytes known to be there.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.0[at], self.0[at + 1]])
    }

    fn u32(&self, at: usize) -> u32 {
        u32::from(self.u16(at)) | u32::from(self.u16(at + 2)) << 16
    }

    fn u64(&self, at: usize) -> u64 {
        u64::from(self.u32(at)) | u64::from(self.u32(at + 4)) << 32
    }
}

/// Where the central directory lies.
struct Directory {
    start: u64,
    size: u64,
    members: u64,
}

impl<'a, S: Source + ?Sized> Archive<'a, S> {
    /// Reads the directory and the headers, and checks that they agree and that every byte belongs to one of them.
    pub fn open(source: &'a S) -> Result<Archive<'a, S>> {
        let directory = find_directory(source)?;
        let bytes = read_range(source, directory.start, directory.size)?;
        let mut members: Vec<Member> = Vec::new();
        let mut at = 0;
        for _ in 0..directory.members {
            let member = directory_entry(&bytes, &mut at, directory.start)?;
            if members.iter().any(|other| other.name == member.name) {
                refuse!(FORMAT, "G12", directory.start, member.name, "the name occurs twice");
            }
            members.push(member);
        }
        if at != bytes.len() {
            let rest = bytes.len() - at;
            refuse!(
                FORMAT,
                "K3",
                directory.start,
                "central directory",
                "{rest} bytes follow its {} entries",
                members.len()
            );
        }
        members.sort_by_key(|member| member.header);
        let mut position = 0;
        for member in &mut members {
            if member.header != position {
                refuse!(
                    FORMAT,
                    "K3",
                    member.header,
                    member.name,
                    "its header is not at {position}, where the member before ends: members overlap or leave a gap"
                );
            }
            member.data = local_header(source, member)?;
            position = match member.data.checked_add(member.stored) {
                Some(end) if end <= directory.start => end,
                _ => refuse!(FORMAT, "G7", member.data, member.name, "its {} bytes are not there", member.stored),
            };
        }
        if position != directory.start {
            refuse!(
                FORMAT,
                "K3",
                position,
                "central directory",
                "it begins at {}, not after the members",
                directory.start
            );
        }
        check_sizes(&members)?;
        Ok(Archive { source, members })
    }

    /// The members, in the order of their bytes.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Reads the contents of a member into `buffer`, which has its size.
    pub fn read(&self, member: &Member, buffer: &mut [u8]) -> Result<()> {
        match member.method {
            Method::Stored => self.source.read_at(member.data, buffer)?,
            Method::Deflate => inflate(&read_range(self.source, member.data, member.stored)?, buffer, member)?,
        }
        let mut crc = Crc32::default();
        crc.update(buffer);
        // A fuzzer that had to guess checksums would never get further.
        if crc.value() != member.crc && !cfg!(fuzzing) {
            refuse!(
                FORMAT,
                "K5",
                member.data,
                member.name,
                "its checksum is {:08x}, not {:08x}",
                crc.value(),
                member.crc
            );
        }
        Ok(())
    }
}

fn find_directory(source: &(impl Source + ?Sized)) -> Result<Directory> {
    let size = source.size();
    if size < END_SIZE {
        refuse!(FORMAT, "G7", 0, "file", "it has {size} bytes; the shortest archive has {END_SIZE}");
    }
    let end = size - END_SIZE;
    let bytes = read_range(source, end, END_SIZE)?;
    let fields = Fields(&bytes);
    if fields.u32(0) != END {
        refuse!(
            FORMAT,
            "K3",
            end,
            "end record",
            "it is not the last thing in the file: no archive, or something follows it"
        );
    }
    if fields.u16(20) != 0 {
        refuse!(FORMAT, "K3", end, "end record", "the archive has a comment");
    }
    if fields.u16(4) != 0 || fields.u16(6) != 0 || fields.u16(8) != fields.u16(10) {
        refuse!(FORMAT, "K2", end, "end record", "the archive is spread over several disks");
    }
    let large = fields.u16(10) == u16::MAX || fields.u32(12) == IN_EXTRA || fields.u32(16) == IN_EXTRA;
    let (directory, after) = if large {
        end_64(source, end)?
    } else {
        let [members, size, start] = [u64::from(fields.u16(10)), u64::from(fields.u32(12)), u64::from(fields.u32(16))];
        (Directory { start, size, members }, end)
    };
    if directory.members > MAX_MEMBERS {
        refuse!(
            FORMAT,
            "K4",
            end,
            "end record",
            "it has {} members; at most {MAX_MEMBERS} are read",
            directory.members
        );
    }
    if directory.start.checked_add(directory.size) != Some(after) || directory.size > MAX_DIRECTORY {
        refuse!(FORMAT, "K3", end, "central directory", "it does not end where the end record begins");
    }
    Ok(directory)
}

/// The end record of archives whose numbers do not fit the old one, and where it begins.
fn end_64(source: &(impl Source + ?Sized), end: u64) -> Result<(Directory, u64)> {
    let Some(start) = end.checked_sub(LOCATOR_64_SIZE + END_64_SIZE) else {
        refuse!(FORMAT, "K3", end, "end record", "it refers to a zip64 end record that is not there");
    };
    let bytes = read_range(source, start, LOCATOR_64_SIZE + END_64_SIZE)?;
    let (record, locator) = (Fields(&bytes), Fields(&bytes[END_64_SIZE as usize..]));
    if record.u32(0) != END_64 || locator.u32(0) != LOCATOR_64 {
        refuse!(FORMAT, "K3", start, "end record", "it refers to a zip64 end record that is not there");
    }
    if record.u64(4) != END_64_SIZE - 12 || locator.u64(8) != start {
        refuse!(FORMAT, "K3", start, "zip64 end record", "its size or place is wrong");
    }
    let disks = [record.u32(16), record.u32(20), locator.u32(4)];
    if disks != [0; 3] || locator.u32(16) != 1 || record.u64(24) != record.u64(32) {
        refuse!(FORMAT, "K2", start, "zip64 end record", "the archive is spread over several disks");
    }
    Ok((Directory { members: record.u64(32), size: record.u64(40), start: record.u64(48) }, start))
}

/// The entry of the central directory at `at`, which is moved on.
fn directory_entry(bytes: &[u8], at: &mut usize, start: u64) -> Result<Member> {
    let offset = start + *at as u64;
    let short = || refuse!(FORMAT, "G7", offset, "central directory", "it is cut short");
    let Some(fixed) = bytes[*at..].get(..CENTRAL_SIZE as usize) else { return short() };
    let fields = Fields(fixed);
    if fields.u32(0) != CENTRAL {
        refuse!(FORMAT, "K3", offset, "central directory", "an entry does not begin with its signature");
    }
    let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(fields.u16(at)));
    let Some(variable) = bytes[*at..].get(CENTRAL_SIZE as usize..CENTRAL_SIZE as usize + name + extra) else {
        return short();
    };
    let (name, extra) = variable.split_at(name);
    let name = member_name(name, offset)?;
    let flags = fields.u16(8);
    let method = method(flags, fields.u16(10), &name, offset)?;
    if fields.u16(34) != 0 {
        refuse!(FORMAT, "K2", offset, name, "the archive is spread over several disks");
    }
    // The bits say symbolic link, device and the like to systems that unpack members.
    let kind = fields.u32(38) >> 28;
    if comment != 0 || !matches!(kind, 0 | 8) {
        refuse!(FORMAT, "K2", offset, name, "a member must be a plain file without comment");
    }
    let mut numbers = [fields.u32(24), fields.u32(20), fields.u32(42)].map(u64::from);
    zip64_numbers(extra, &mut numbers, &name, offset)?;
    let [size, stored, header] = numbers;
    if method == Method::Stored && size != stored {
        refuse!(FORMAT, "K3", offset, name, "it is stored, but its sizes {size} and {stored} differ");
    }
    *at += CENTRAL_SIZE as usize + variable.len();
    Ok(Member { name, method, size, stored, crc: fields.u32(16), flags, header, data: 0 })
}

/// Names of members are plain relative paths: nobody who unpacks them ends up elsewhere.
fn member_name(bytes: &[u8], offset: u64) -> Result<String> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-/".contains(byte);
    let name = String::from_utf8_lossy(bytes).into_owned();
    let parts_ok = name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    if !bytes.iter().all(plain) || name.len() > MAX_NAME || !parts_ok {
        refuse!(FORMAT, "K1", offset, shown(&name), "it is not a plain name");
    }
    Ok(name)
}

fn method(flags: u16, number: u16, name: &str, offset: u64) -> Result<Method> {
    // Bits 1 and 2 tell how hard the compressor tried.
    if flags & !(UTF8 | 0b110) != 0 {
        refuse!(FORMAT, "K2", offset, name, "its flags {flags:#x} say that it is encrypted, streamed or patched");
    }
    match number {
        0 => Ok(Method::Stored),
        8 => Ok(Method::Deflate),
        _ => refuse!(FORMAT, "K2", offset, name, "its method {number} is neither stored nor deflate"),
    }
}

/// Replaces the numbers that do not fit in 32 bits by those in the extra field, which may hold nothing else.
fn zip64_numbers(extra: &[u8], numbers: &mut [u64], name: &str, offset: u64) -> Result<()> {
    let wanted = numbers.iter().filter(|&&number| number == u64::from(IN_EXTRA)).count();
    if extra.is_empty() && wanted == 0 {
        return Ok(());
    }
    let fields = Fields(extra);
    let fits = extra.len() == 4 + 8 * wanted && fields.u16(0) == ZIP64 && usize::from(fields.u16(2)) == 8 * wanted;
    if wanted == 0 || !fits {
        refuse!(FORMAT, "K3", offset, name, "its extra field holds something else than the sizes that are missing");
    }
    let missing = numbers.iter_mut().filter(|number| **number == u64::from(IN_EXTRA));
    for (i, number) in missing.enumerate() {
        *number = fields.u64(4 + 8 * i);
    }
    Ok(())
}

/// Checks a member's own header against the directory; returns where its contents begin.
fn local_header(source: &(impl Source + ?Sized), member: &Member) -> Result<u64> {
    let Member { name, header, .. } = member;
    let mut fixed = [0; LOCAL_SIZE as usize];
    source.read_at(*header, &mut fixed)?;
    let fields = Fields(&fixed);
    if fields.u32(0) != LOCAL {
        refuse!(FORMAT, "K3", *header, name, "there is no header of a member");
    }
    let [length, extra] = [26, 28].map(|at| u64::from(fields.u16(at)));
    let variable = read_range(source, header + LOCAL_SIZE, length + extra)?;
    let (own_name, own_extra) = variable.split_at(length as usize);
    let mut sizes = [fields.u32(22), fields.u32(18)].map(u64::from);
    zip64_numbers(own_extra, &mut sizes, name, *header)?;
    let method = if member.method == Method::Stored { 0 } else { 8 };
    let agrees = own_name == name.as_bytes()
        && fields.u16(6) == member.flags
        && fields.u16(8) == method
        && fields.u32(14) == member.crc
        && sizes == [member.size, member.stored];
    if !agrees {
        refuse!(FORMAT, "K3", *header, name, "its header and the central directory disagree");
    }
    Ok(header + LOCAL_SIZE + length + extra)
}

fn check_sizes(members: &[Member]) -> Result<()> {
    let mut total: u64 = 0;
    for member in members {
        let Member { name, size, stored, header, .. } = member;
        if stored.checked_mul(MAX_EXPANSION).is_none_or(|most| *size > most) {
            refuse!(FORMAT, "K4", *header, name, "its {stored} bytes claim to expand to {size}: no deflate does");
        }
        total = match total.checked_add(*size) {
            Some(total) => total,
            None => refuse!(FORMAT, "G8", *header, name, "the sizes of the members are too large"),
        };
    }
    memory::check(total, FORMAT, "members")
}

/// Expands `input` into `buffer`: neither more nor less than fills it, and all of `input` is used.
fn inflate(input: &[u8], buffer: &mut [u8], member: &Member) -> Result<()> {
    let mut state = Vec::new();
    // The decompressor's tables, on the heap: they are too large for a small stack.
    state.try_reserve_exact(1).map_err(|_| Error::Memory(size_of::<DecompressorOxide>() as u64))?;
    state.push(DecompressorOxide::new());
    let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let (status, used, made) = decompress(&mut state[0], input, buffer, 0, flags);
    if status != TINFLStatus::Done || made as u64 != member.size || used != input.len() {
        refuse!(
            FORMAT,
            "K4",
            member.data,
            member.name,
            "its {} bytes do not expand to exactly the {} that are declared",
            member.stored,
            member.size
        );
    }
    Ok(())
}
