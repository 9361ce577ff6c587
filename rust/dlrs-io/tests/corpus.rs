//! What the fuzzers found interesting, without a fuzzer.

use std::fs;
use std::path::Path;

use dlrs_io::check;

fn replay(target: &str, check: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(&directory).unwrap() {
        let contents = fs::read(entry.unwrap().path()).unwrap();
        check(&contents);
        // Cuts are what writers that die leave.
        (0..contents.len().min(64)).for_each(|length| check(&contents[..length]));
        count += 1;
    }
    assert!(count > 10, "{} has {count} files", directory.display());
}

#[test]
fn safetensors() {
    replay("safetensors", check::safetensors);
}

#[test]
fn zip() {
    replay("zip", check::zip);
}

#[test]
fn json() {
    replay("json", check::json);
}

#[test]
fn vector_text() {
    replay("vector_text", check::vector_text);
}

#[test]
fn vector_binary() {
    replay("vector_binary", check::vector_binary);
}

#[test]
fn npy() {
    replay("npy", check::npy);
}

#[test]
fn lines() {
    replay("lines", check::lines);
}
