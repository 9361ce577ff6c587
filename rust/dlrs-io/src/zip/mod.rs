//! ZIP archives (PKWARE APPNOTE 6.3): the part of the format that saved models use, and nothing that two readers could read differently.

mod crc32;
mod read;
mod write;

pub use crc32::Crc32;
pub use read::{Archive, Member, Method};
pub use write::ArchiveWriter;

const FORMAT: &str = "zip";
const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
const LOCAL_SIZE: u64 = 30;
const CENTRAL_SIZE: u64 = 46;
const END_SIZE: u64 = 22;
const END_64_SIZE: u64 = 56;
const LOCATOR_64_SIZE: u64 = 20;
/// The extra field that holds sizes of 64 bits.
const ZIP64: u16 = 1;
/// Bit 11 of the flags: names are UTF-8.
const UTF8: u16 = 1 << 11;
/// A size or offset that stands in the extra field.
const IN_EXTRA: u32 = u32::MAX;
/// Members of an archive, at most (K4).
pub const MAX_MEMBERS: u64 = 16;
