//! Files that are replaced at once: a reader sees the old contents or the new ones, whatever fails on the way.

use std::collections::hash_map::RandomState;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file that is written beside `path` and takes its place when it is complete and on the disk.
///
/// The sibling is called `.<name>.tmp-<process>-<random>`. It is removed when this value is dropped without [`commit`].
/// A process that is killed leaves its sibling; the next writer of the same path removes it, which it can tell from the lock that
/// every writer holds on its own. If `path` is a symbolic link, the link itself is replaced, not the file it points to.
///
/// [`commit`]: AtomicFile::commit
pub struct AtomicFile {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    committed: bool,
}

impl AtomicFile {
    /// Begins to write the file `path`.
    pub fn create(path: &Path) -> io::Result<AtomicFile> {
        let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
            io::Error::new(ErrorKind::InvalidInput, "the path does not end in the name of a file in UTF-8")
        })?;
        let directory = directory_of(path);
        let prefix = format!(".{name}.tmp-");
        remove_stale(directory, &prefix);
        loop {
            let random = RandomState::new().build_hasher().finish();
            let temporary = directory.join(format!("{prefix}{}-{random:016x}", std::process::id()));
            let file = match OpenOptions::new().read(true).write(true).create_new(true).open(&temporary) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                other => other?,
            };
            // From the lock on nobody takes the sibling for a dead one; before it somebody may have, so look whether it is there.
            // File systems without locks have none to be told by, and nobody removes anything there.
            let _ = file.lock();
            if file.metadata()?.nlink() > 0 {
                return Ok(AtomicFile { file, temporary, path: path.to_owned(), committed: false });
            }
        }
    }

    /// What was written is on the disk when this returns, not yet under its name.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Makes what was written the contents of the path: it is on the disk, under its name, when this returns.
    pub fn commit(mut self) -> io::Result<()> {
        self.sync()?;
        fs::rename(&self.temporary, &self.path)?;
        self.committed = true;
        File::open(directory_of(&self.path))?.sync_all()
    }
}

/// The directory that holds `path`.
fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Removes what killed writers of the same path left. That none can be removed is no reason not to write.
fn remove_stale(directory: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_str().is_some_and(|name| is_temporary(name, prefix));
        if !ours || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.path();
        // The lock ends with its process. Holding it, this one may remove the file.
        let Ok(file) = File::open(&path) else { continue };
        if file.try_lock().is_ok() {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Whether `name` is the prefix, a process and a random number.
fn is_temporary(name: &str, prefix: &str) -> bool {
    let parts = name.strip_prefix(prefix).and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(process, random)| {
        !process.is_empty()
            && process.bytes().all(|byte| byte.is_ascii_digit())
            && random.len() == 16
            && random.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if !self.committed {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Read for AtomicFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.file.read(bytes)
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("dlrs-io-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn old_or_new() {
        let directory = directory("old-or-new");
        let path = directory.join("a");
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"one").unwrap();
        assert!(!path.exists());
        file.commit().unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(names(&directory).len(), 2);
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(names(&directory), ["a"]);
        assert_eq!(AtomicFile::create(&directory.join("no/a")).err().unwrap().kind(), ErrorKind::NotFound);
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn what_the_dead_left_is_removed_and_nothing_else() {
        let directory = directory("stale");
        let path = directory.join("a");
        let stale = directory.join(".a.tmp-1-0123456789abcdef");
        let keep = [".a.tmp-x-0123456789abcdef", ".a.tmp-1-0123", ".ab.tmp-1-0123456789abcdef", "a.tmp"];
        fs::write(&stale, "").unwrap();
        for name in keep {
            fs::write(directory.join(name), "").unwrap();
        }
        let first = AtomicFile::create(&path).unwrap();
        assert!(!stale.exists());
        let second = AtomicFile::create(&path).unwrap();
        assert!(first.temporary.exists() && second.temporary.exists(), "the living keep theirs");
        second.commit().unwrap();
        first.commit().unwrap();
        assert!(keep.iter().all(|name| directory.join(name).exists()));
        assert_eq!(names(&directory).len(), keep.len() + 1);
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_link_is_replaced_not_followed() {
        let directory = directory("link");
        let (target, link) = (directory.join("target"), directory.join("link"));
        fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let mut file = AtomicFile::create(&link).unwrap();
        file.write_all(b"new").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert_eq!(fs::read(&link).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_file());
        fs::remove_dir_all(directory).unwrap();
    }
}
