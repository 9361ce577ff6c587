//! Where bytes come from.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use crate::error::refuse;
use crate::{Error, Result};

/// Bytes at offsets.
pub trait Source {
    /// How many there are.
    fn size(&self) -> u64;

    /// Fills `buffer` with the bytes from `offset` on; a `FormatError` (G7) if there are fewer.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()>;
}

fn check_range(source: &(impl Source + ?Sized), offset: u64, length: usize) -> Result<()> {
    let end = offset.checked_add(length as u64);
    if end.is_none_or(|end| end > source.size()) {
        refuse!("file", "G7", offset, "contents", "{length} bytes are needed, there are {} in all", source.size());
    }
    Ok(())
}

impl Source for [u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        check_range(self, offset, buffer.len())?;
        let start = offset as usize; // below the length, so it fits
        buffer.copy_from_slice(&self[start..start + buffer.len()]);
        Ok(())
    }
}

/// A regular file, opened once; all reads go through the one descriptor.
pub struct Input {
    file: File,
    size: u64,
}

impl Input {
    /// Opens `path` for reading; anything but a regular file is refused (G5).
    pub fn open(path: &Path) -> Result<Input> {
        // Without O_NONBLOCK, opening a FIFO would wait for a writer.
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            refuse!("file", "G5", 0, "path", "it is not a regular file");
        }
        Ok(Input { file, size: metadata.len() })
    }

    /// To be called after the last read: refuses a file whose size has changed since it was opened (G5).
    pub fn finish(self) -> Result<()> {
        let now = self.file.metadata()?.len();
        if now != self.size {
            refuse!("file", "G5", 0, "size", "it changed from {} to {now} bytes while it was read", self.size);
        }
        Ok(())
    }
}

impl Source for Input {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        check_range(self, offset, buffer.len())?;
        match self.file.read_exact_at(buffer, offset) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                refuse!("file", "G5", offset, "size", "it became shorter while it was read")
            }
            Err(error) => Err(error.into()),
            Ok(()) => Ok(()),
        }
    }
}

/// A part of another source.
pub struct Section<'a, S: Source + ?Sized> {
    source: &'a S,
    start: u64,
    size: u64,
}

impl<'a, S: Source + ?Sized> Section<'a, S> {
    /// The `size` bytes from `start` on; a `FormatError` (G7) if there are fewer.
    pub fn new(source: &'a S, start: u64, size: u64) -> Result<Section<'a, S>> {
        if start.checked_add(size).is_none_or(|end| end > source.size()) {
            refuse!("file", "G7", start, "contents", "{size} bytes are needed, there are {} in all", source.size());
        }
        Ok(Section { source, start, size })
    }
}

impl<S: Source + ?Sized> Source for Section<'_, S> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        check_range(self, offset, buffer.len())?;
        self.source.read_at(self.start + offset, buffer)
    }
}

/// The `size` bytes from `start` on, in memory that is reserved fallibly once it is known that they are there.
pub fn read_range(source: &(impl Source + ?Sized), start: u64, size: u64) -> Result<Vec<u8>> {
    let length = usize::try_from(size).map_err(|_| Error::Memory(size))?;
    check_range(source, start, length)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| Error::Memory(size))?;
    bytes.resize(length, 0);
    source.read_at(start, &mut bytes)?;
    Ok(bytes)
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        match error {
            Error::Io(error) => error,
            other => io::Error::other(other),
        }
    }
}
