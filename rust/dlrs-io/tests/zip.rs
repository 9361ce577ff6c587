//! Archives come back; whatever two readers could read differently is refused.

use std::io::{Cursor, Seek, SeekFrom, Write};

use dlrs_io::zip::{Archive, ArchiveWriter, Crc32, Method};
use dlrs_io::{Error, Result, Source};

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
    for (name, contents) in members {
        writer.begin(name, contents.len() as u64).unwrap();
        let (first, second) = contents.split_at(contents.len() / 2);
        writer.write(first).unwrap();
        writer.write(second).unwrap();
        writer.end().unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn read(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>> {
    let archive = Archive::open(bytes)?;
    let mut contents = Vec::new();
    for member in archive.members() {
        let mut buffer = vec![0; member.size as usize];
        archive.read(member, &mut buffer)?;
        contents.push((member.name.clone(), buffer));
    }
    Ok(contents)
}

fn rule(bytes: &[u8]) -> &'static str {
    match read(bytes) {
        Ok(_) => "",
        Err(Error::Format(error)) => error.rule,
        Err(error) => panic!("{error}"),
    }
}

/// One member, `a`, of five bytes: its header at 0, its contents at 31, the directory at 36, the end record at 83.
fn one() -> Vec<u8> {
    archive(&[("a", b"hello")])
}

const DATA: usize = 31;
const DIRECTORY: usize = 36;
const ENDING: usize = 83;

fn with(changes: &[(usize, u8)]) -> &'static str {
    let mut bytes = one();
    for &(at, value) in changes {
        bytes[at] = value;
    }
    rule(&bytes)
}

#[test]
fn what_is_written_is_read() {
    let members: [(&str, &[u8]); 3] = [("config.json", b"{}"), ("empty", b""), ("x/y.safetensors", &[7; 1000])];
    let bytes = archive(&members);
    let found = read(&bytes).unwrap();
    assert_eq!(found.len(), 3);
    for ((name, contents), (expected, data)) in found.iter().zip(members) {
        assert_eq!((&**name, &**contents), (expected, data));
    }
    assert_eq!(archive(&members), bytes);
    for length in 0..bytes.len() {
        assert_ne!(rule(&bytes[..length]), "", "cut to {length} bytes");
    }
    assert_eq!(read(&archive(&[])).unwrap(), []);
}

#[test]
fn the_writer_checks_its_caller() {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
    assert!(writer.end().is_err());
    assert!(writer.write(b"x").is_err());
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
    writer.begin("a", 2).unwrap();
    assert!(writer.begin("b", 2).is_err());
    assert!(writer.end().is_err());
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
    writer.begin("a", 1).unwrap();
    assert!(writer.write(b"xy").is_err());
}

#[test]
fn every_byte_belongs_to_something() {
    let good = one();
    assert_eq!(rule(&good), "");
    assert_eq!(rule(b""), "G7");
    assert_eq!(rule(&[0; 22]), "K3");
    assert_eq!(rule(&[b"x", &good[..]].concat()), "K3");
    assert_eq!(rule(&[&good[..], b"x"].concat()), "K3");
    assert_eq!(rule(&[&good[..], &good[..]].concat()), "K3");
    assert_eq!(with(&[(ENDING + 20, 1)]), "K3");
    let two = archive(&[("a", b"hello"), ("b", b"world")]);
    // The second entry of the directory points at the first member, or a byte beside its own.
    let second = 2 * DIRECTORY + 47 + 42;
    for header in [0, 35, 37] {
        let mut bytes = two.clone();
        bytes[second] = header;
        assert_eq!(rule(&bytes), "K3");
    }
}

#[test]
fn directory_and_headers_agree() {
    let directory = |at: usize| DIRECTORY + at;
    for (changes, expected) in [
        (vec![(0, 0)], "K3"),
        (vec![(directory(0), 0)], "K3"),
        (vec![(ENDING, 0)], "K3"),
        (vec![(30, b'b')], "K3"),
        (vec![(8, 8)], "K3"),
        (vec![(6, 2)], "K3"),
        (vec![(14, 0)], "K3"),
        (vec![(18, 4)], "K3"),
        (vec![(22, 4)], "K3"),
        (vec![(18, 4), (22, 4)], "K3"),
        (vec![(directory(20), 4)], "K3"),
        (vec![(directory(24), 4)], "K3"),
        (vec![(18, 4), (22, 4), (directory(20), 4), (directory(24), 4)], "K3"),
        (vec![(18, 200), (22, 200), (directory(20), 200), (directory(24), 200)], "G7"),
        (vec![(26, 200)], "G7"),
        (vec![(28, 1)], "K3"),
        (vec![(directory(28), 200)], "G7"),
        (vec![(directory(30), 1)], "G7"),
        (vec![(directory(32), 1)], "K2"),
        (vec![(ENDING + 12, 0)], "K3"),
        (vec![(ENDING + 16, 0)], "K3"),
        (vec![(ENDING + 8, 0), (ENDING + 10, 0)], "K3"),
        (vec![(ENDING + 8, 2), (ENDING + 10, 2)], "G7"),
        (vec![(ENDING + 8, 17), (ENDING + 10, 17)], "K4"),
        (vec![(ENDING + 8, 255), (ENDING + 9, 255), (ENDING + 10, 255), (ENDING + 11, 255)], "K3"),
        (vec![(ENDING + 19, 255), (ENDING + 18, 255), (ENDING + 17, 255), (ENDING + 16, 255)], "K3"),
        (vec![(directory(42), 255), (directory(43), 255), (directory(44), 255), (directory(45), 255)], "K3"),
    ] {
        assert_eq!(with(&changes), expected, "{changes:?}");
    }
}

#[test]
fn methods_flags_disks_and_kinds() {
    let both = |at: usize, central: usize, value: u8| with(&[(at, value), (DIRECTORY + central, value)]);
    assert_eq!(both(6, 8, 1), "K2"); // encrypted
    assert_eq!(both(6, 8, 8), "K2"); // sizes after the contents
    assert_eq!(both(6, 8, 2), "");
    assert_eq!(both(8, 10, 1), "K2"); // shrunk
    assert_eq!(both(8, 10, 93), "K2"); // zstandard
    assert_eq!(with(&[(ENDING + 4, 1)]), "K2");
    assert_eq!(with(&[(ENDING + 6, 1)]), "K2");
    assert_eq!(with(&[(ENDING + 8, 0)]), "K2");
    assert_eq!(with(&[(DIRECTORY + 34, 1)]), "K2");
    assert_eq!(with(&[(DIRECTORY + 41, 0o120_000u16.to_be_bytes()[0])]), "K2"); // a symbolic link
    assert_eq!(with(&[(DIRECTORY + 41, 0o100_000u16.to_be_bytes()[0])]), "");
    assert_eq!(with(&[(DATA, b'j')]), "K5");
    assert_eq!(with(&[(14, 0), (DIRECTORY + 16, 0)]), "K5");
}

#[test]
fn names() {
    for name in ["/a", "../a", "a/../b", "a//b", "a/", ".a", "a/.b", "a\\b", "a\0", "a:b", "é", "", &"x".repeat(129)] {
        assert_eq!(rule(&archive(&[(name, b"")])), "K1", "{name}");
    }
    assert_eq!(rule(&archive(&[("assets/A-1_b.txt", b"")])), "");
    let mut twice = archive(&[("a", b"hello"), ("b", b"world")]);
    twice[DIRECTORY + 30] = b'a';
    twice[2 * DIRECTORY + 47 + 46] = b'a';
    assert_eq!(rule(&twice), "G12");
}

/// An archive with one member compressed by hand: `stored` is what stands there, `size` what the headers claim.
fn deflated(stored: &[u8], size: u32, contents: &[u8]) -> Vec<u8> {
    let mut bytes = archive(&[("a", stored)]);
    let mut crc = Crc32::default();
    crc.update(contents);
    let directory = DATA + stored.len();
    for (at, method) in [(0, 8), (directory + 2, 8)] {
        bytes[at + 8] = method;
        bytes[at + 14..at + 18].copy_from_slice(&crc.value().to_le_bytes());
        bytes[at + 22..at + 26].copy_from_slice(&size.to_le_bytes());
    }
    bytes
}

#[test]
fn deflate_gives_exactly_what_is_declared() {
    let contents: Vec<u8> = (0..10_000).map(|i| (i % 10) as u8).collect();
    let stored = miniz_oxide::deflate::compress_to_vec(&contents, 9);
    let good = deflated(&stored, 10_000, &contents);
    assert_eq!(read(&good).unwrap()[0].1, contents);
    assert_eq!(Archive::open(&good[..]).unwrap().members()[0].method, Method::Deflate);
    for size in [0, 1, 9_999, 10_001] {
        assert_eq!(rule(&deflated(&stored, size, &contents)), "K4", "{size}");
    }
    assert_eq!(rule(&deflated(&stored, 10_000, b"other")), "K5");
    assert_eq!(rule(&deflated(&stored[..stored.len() - 1], 10_000, &contents)), "K4");
    assert_eq!(rule(&deflated(&[&stored[..], b"x"].concat(), 10_000, &contents)), "K4");
    assert_eq!(rule(&deflated(b"\xff\xff", 10, b"")), "K4");
    // A bomb: refused by its declared sizes, before anything is expanded.
    assert_eq!(rule(&deflated(&stored, u32::MAX - 1, &contents)), "K4");
    assert_eq!(rule(&deflated(b"", 1, b"x")), "K4");
}

/// A file of which only what is not zero takes memory.
#[derive(Default)]
struct Sparse {
    at: u64,
    size: u64,
    pieces: Vec<(u64, Vec<u8>)>,
}

impl Write for Sparse {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if bytes.iter().any(|&byte| byte != 0) {
            self.pieces.push((self.at, bytes.to_vec()));
        }
        self.at += bytes.len() as u64;
        self.size = self.size.max(self.at);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let SeekFrom::Start(at) = to else { panic!("archives seek from the start") };
        self.at = at;
        Ok(at)
    }
}

impl Source for Sparse {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        for (i, byte) in buffer.iter_mut().enumerate() {
            let at = offset + i as u64;
            let piece =
                self.pieces.iter().rev().find(|(start, bytes)| (*start..start + bytes.len() as u64).contains(&at));
            *byte = piece.map_or(0, |(start, bytes)| bytes[(at - start) as usize]);
        }
        Ok(())
    }
}

#[test]
#[ignore = "computes the checksum of 4 GiB"]
fn members_beyond_4_gib() {
    let zeros = vec![0; 1 << 24];
    let size = (1 << 32) + 5;
    let mut writer = ArchiveWriter::new(Sparse::default());
    writer.begin("large", size).unwrap();
    (0..1 << 8).for_each(|_| writer.write(&zeros).unwrap());
    writer.write(&zeros[..5]).unwrap();
    writer.end().unwrap();
    writer.begin("after", 2).unwrap();
    writer.write(b"ok").unwrap();
    writer.end().unwrap();
    let file = writer.finish().unwrap();
    let archive = match Archive::open(&file) {
        Err(Error::Format(error)) if error.rule == "G9" => return, // a machine with less memory than the file
        other => other.unwrap(),
    };
    let sizes: Vec<_> = archive.members().iter().map(|member| (&*member.name, member.size)).collect();
    assert_eq!(sizes, [("large", size), ("after", 2)]);
    let mut contents = [0; 2];
    archive.read(&archive.members()[1], &mut contents).unwrap();
    assert_eq!(&contents, b"ok");
}
